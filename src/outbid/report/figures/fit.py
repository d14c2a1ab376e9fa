"""Fit over data: series of figures beside what the model expected of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from outbid.plots.bands import Ribbon, bands
from outbid.plots.base import QUIET, Figure, length_in_months
from outbid.report.core import Core
from outbid.report.figures.history import window_days
from outbid.study import Study
from outbid.words.numbers import counted, percent

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


def figure(study: Study, core: Core, names: Sequence[str], ident: str = "fit") -> Figure | None:
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
