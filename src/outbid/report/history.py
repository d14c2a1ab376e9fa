"""What happened: the inferred past with the published figures, and how well the model fits them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from outbid.plots.bands import Ribbon, bands
from outbid.plots.base import QUIET, Figure, length_in_months
from outbid.question import Section
from outbid.report import timeline
from outbid.report.core import Core
from outbid.report.timeline import window_days
from outbid.study import Band, Study
from outbid.words.numbers import capital, counted, interval, percent, two_digits

# How many series are drawn at once; the others are folded.
SHOWN = 6
_YEAR = 12
_FRACTIONS: tuple[tuple[float, str], ...] = (
    (0.94, "more than nine tenths"),
    (0.85, "nine tenths"),
    (0.775, "four fifths"),
    (0.71, "three quarters"),
    (0.58, "two thirds"),
    (0.42, "half"),
    (0.29, "a third"),
    (0.225, "a quarter"),
    (0.15, "a fifth"),
    (0.0, "a tenth"),
)


def section(core: Core, study: Study) -> Section | None:
    """Return the section, or None for a study without bands, events and series."""
    drawn = timeline.figure(study, core)
    seen = list(core["expected"]["series"].unique()) if len(core["expected"]) else []
    beside = [name for band in study.settings.bands for name in band.figures if name in seen]
    table = core["series"].sort_values("used", ascending=False, kind="stable")
    order = list(dict.fromkeys([*beside, *table["series"]]))
    shown, others = order[:SHOWN], order[SHOWN:]
    fits = (fit_figure(study, core, shown), fit_figure(study, core, others, "fit_others"))
    if drawn is None and fits[0] is None:
        return None
    words = {
        "heading": heading(study, core),
        "fit_heading": fit_heading(core),
        "drawn": drawn,
        "fit": fits[0],
        "others": fits[1],
        "n_others": len(others),
        "years": by_year(study, core),
    }
    figures = [each for each in (drawn, *fits) if each is not None]
    return Section("happened", "What happened", "report/templates/history.html.j2", words, figures=figures)


def heading(study: Study, core: Core) -> str:
    """Return what the first two bands that have a noun did, as far as it can be told from their ends."""
    nouns = [
        (each, path) for each in study.settings.bands if each.noun and (path := _path(core, each)) is not None
    ]
    if not nouns:
        return f"What the {counted(len(study.panel.window), 'month')} of data show"
    (first, path), *others = nouns
    before, after, apart = _ends(path)
    if not apart or before <= 0:
        return f"Whether {first.noun} rose or fell can't be told from these data"
    fell = after < before
    text = f"{capital(first.noun)} {change_in_words(before, after)} after {_turning_year(path)}"
    if not others:
        return text
    second, path = others[0]
    before, after, apart = _ends(path)
    if not apart or before <= 0:
        return f"{text}; that {second.noun} {'fell' if fell else 'rose'} too can't be shown"
    if (after < before) == fell:
        return f"{text}; {second.noun} {change_in_words(before, after)}"
    return f"{text}; {second.noun} did not: it {change_in_words(before, after)}"


def fit_heading(core: Core) -> str:
    """Return how many used figures lie inside their 90% intervals."""
    rows = core["figures"]
    if "predicted_q05" not in rows:
        return "The model beside the figures"
    rows = rows[(rows["used"] == "yes") & rows["predicted_q05"].notna()]
    if rows.empty:
        return "The model beside the figures"
    bottom, top = rows["value"].fillna(rows["low"]), rows["value"].fillna(rows["high"])
    under = top.fillna(np.inf) >= rows["predicted_q05"]
    inside, total = int((under & (bottom.fillna(-np.inf) <= rows["predicted_q95"])).sum()), len(rows)
    share = inside / total
    verdict = "as they should"
    if share > 0.97:
        verdict = "more than the nine in ten that would be right, so they are too wide"
    elif share < 0.85:
        verdict = "fewer than the nine in ten that would be right, so they are too narrow"
    return f"The model's 90% intervals hold {inside} of {total} figures ({percent(share)}), {verdict}"


def change_in_words(first: float, last: float) -> str:
    """Return a change between two positive levels as words ("fell by nine tenths", "rose threefold")."""
    ratio = last / first
    if ratio < 1:
        return f"fell by {next(word for least, word in _FRACTIONS if 1 - ratio >= least)}"
    if ratio < 1.9:
        return f"rose by {next(word for least, word in _FRACTIONS if ratio - 1 >= least)}"
    return "doubled" if ratio < 2.5 else f"rose {two_digits(ratio)}-fold"


def by_year(study: Study, core: Core) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the bands by calendar year: label with unit, then (year, mean and mean interval)."""
    out = []
    for band in study.settings.bands:
        path = _path(core, band, 1)
        if path is not None:
            means = path.assign(year=path["month"].str[:4]).groupby("year")[["median", "q05", "q95"]].mean()
            cells = [
                (str(year), f"{two_digits(row['median'])} ({interval(row['q05'], row['q95'])})")
                for year, row in means.iterrows()
            ]
            out.append((f"{band.label}, {band.unit}" if band.unit else band.label, cells))
    return out


def _path(core: Core, band: Band, least: int = 2 * _YEAR) -> pd.DataFrame | None:
    """Return a band's months under the first view, None where they are fewer than `least`."""
    rows = core["bands"]
    rows = rows[(rows["path"] == band.id) & (rows["prior"] == core.lead)] if len(rows) else rows
    return rows if len(rows) >= least else None


def _ends(path: pd.DataFrame) -> tuple[float, float, bool]:
    """Return the mean of the first and of the last year, and whether their intervals lie apart."""
    first, last = (part[["median", "q05", "q95"]].mean() for part in (path[:_YEAR], path[-_YEAR:]))
    apart = last["q95"] < first["q05"] or last["q05"] > first["q95"]
    return float(first["median"]), float(last["median"]), bool(apart)


def _turning_year(path: pd.DataFrame) -> str:
    """Return the last calendar year whose level was nearer to the first year's than to the last year's."""
    first, last, _ = _ends(path)
    middle = math.sqrt(max(first, 1e-9) * max(last, 1e-9))
    years = path.groupby(path["month"].str[:4])["median"].mean()
    return str(years.index[(years > middle) == (first > middle)].max())


_MONTH = 1.1  # a figure of no more months than that is a month's


def rows_of(study: Study, core: Core, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows that the panels of some series are drawn from.

    `layer` is "band" (the model's month), "expected" (what it expects of the months of one figure together) or
    "figure". What lies outside the window of the study is left to the table of all figures.
    """
    first, last = window_days(study)
    figures = core["figures"]
    figures = figures[(figures["end"] >= first) & (figures["start"] <= last)]
    out = []
    for name in names:
        own = figures[figures["series"] == name]
        own = own.assign(
            start=own["start"].where(own["start"] >= first, first),
            end=own["end"].where(own["end"] <= last, last),
            layer="figure",
        )
        used = own[own["used"] == "yes"] if (own["used"] == "yes").any() else own
        spans = zip(used["start"], used["end"], strict=True)
        monthly = all(length_in_months(start, end) < _MONTH for start, end in spans)
        guessed = own[own["predicted_median"].notna()]
        path = core["expected"]
        if monthly or guessed.empty:
            out.append(path[path["series"] == name].assign(layer="band"))
        else:
            middle = {q: guessed[f"predicted_{q}"] for q in ("median", "q05", "q95")}
            spanned = guessed[["series", "start", "end"]].assign(**middle, layer="expected")
            out.append(spanned)
        bounds = own["value"].isna()
        low = own["low"].where(bounds & (own["low"].notna() | own["high"].isna()), 0.0)
        out.append(
            own[["series", "start", "end", "value", "source", "layer"]].assign(
                low=low.where(bounds), high=own["high"].fillna(low).where(bounds), used=own["used"] == "yes"
            )
        )
    whole = pd.concat(out, ignore_index=True) if out else pd.DataFrame()
    whole["month"] = (
        whole["month"].astype(object).where(whole["month"].notna(), None) if "month" in whole else None
    )
    for column in ("median", "q05", "q95"):
        whole[column] = whole.get(column, pd.Series(np.nan, index=whole.index, dtype=float))
    return whole


def fit_figure(study: Study, core: Core, names: Sequence[str], ident: str = "fit") -> Figure | None:
    """Draw one small panel for each of some series, or return None without any."""
    if not names:
        return None
    labels = study.panel.series
    return bands(
        ident,
        rows_of(study, core, names),
        panel="series",
        panels={name: (labels[name].label, labels[name].unit) for name in names},
        ribbons=[Ribbon("datum.layer === 'band'", QUIET)],
        figures="datum.layer === 'figure'",
        expectations="datum.layer === 'expected'",
        zero_based=True,
        window=(study.panel.window.first_month, study.panel.window.last_month),
        height=92,
        least=230,
        caption="Published figures (dots and bars, hollow where not used) beside the model: a line with its 90% band "
        "where figures are monthly, a wide bar where one figure covers several months. Each panel has its own scale.",
        source="The figures' sources are listed in the data section; bands: posterior predictive.",
        alternative=f"{counted(len(names), 'small panel')}. {worst(study, core, names)}",
    )


def worst(study: Study, core: Core, names: Sequence[str]) -> str:
    """Return which of some series fits worst, in a sentence; empty where none is known."""
    table = core["series"]
    table = table[table["series"].isin(list(names)) & table["share_inside"].notna()]
    if table.empty:
        return ""
    row = table.sort_values("share_inside", kind="stable").iloc[0]
    return (
        f"The worst is “{study.panel.series[row.series].label}” with {percent(row.share_inside)} of its figures "
        "inside the 90% intervals."
    )
