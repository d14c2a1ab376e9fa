"""What happened: the inferred past with published figures and events over one axis, and how well the model fits them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from outbid.data.levers import MarkRow
from outbid.plots.bands import Ribbon, bands, dated, event_lines, event_panel, tick_strip
from outbid.plots.bands import records as bars
from outbid.plots.base import (
    INCUMBENT,
    INK,
    NUMBER_LABELS,
    OUTSIDE,
    PAPER,
    QUIET,
    SIDES,
    Figure,
    Layout,
    chart,
    finished,
    first_day,
    last_day,
    length_in_months,
    middle_of,
    utc,
)
from outbid.question import Section
from outbid.report.core import Core, inside
from outbid.report.methods import reporter, with_interval
from outbid.study import Band, Study
from outbid.words.effects import records
from outbid.words.numbers import capital, counted, day_name, interval, month_name, percent, two_digits

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
AXIS = 52
_HALF_YEAR = {"interval": "month", "step": 6}
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
_STRIPS = {
    ("edict", ""): "Edicts",
    ("edict", "+"): "Edicts: ease",
    ("edict", "-"): "Edicts: restrict",
    ("engagement", "+"): "Engagement: towards",
    ("engagement", "-"): "Engagement: away",
    ("engagement", ""): "Engagement: mixed",
}


def section(core: Core, study: Study) -> Section | None:
    """Return the section, or None for a study without bands, events and series."""
    seen = set(core["expected"]["series"])
    beside = [name for band in study.settings.bands for name in band.figures if name in seen]
    by_size = core["series"].sort_values("used", ascending=False, kind="stable")["series"]
    order = list(dict.fromkeys([*beside, *by_size]))
    drawn, parts = figure(study, core), {"fit": order[:SHOWN], "fit_others": order[SHOWN:]}
    fits = [fit_figure(study, core, names, ident) for ident, names in parts.items() if names]
    if drawn is None and not fits:
        return None
    words = {
        "heading": heading(study, core),
        "fit_heading": fit_heading(core),
        "drawn": drawn,
        "fits": fits,
        "n_others": len(order[SHOWN:]),
        "years": by_year(study, core),
    }
    figures = [*([drawn] if drawn else []), *fits]
    return Section("happened", "What happened", "report/templates/history.html.j2", words, figures=figures)


def heading(study: Study, core: Core) -> str:
    """Return what the first two bands that have a noun did, as far as it can be told from their ends."""
    paths = [(each.noun, _path(core, each)) for each in study.settings.bands if each.noun]
    long = [(noun, path) for noun, path in paths if len(path) >= 2 * _YEAR]
    if not long:
        return f"What the {counted(len(study.panel.window), 'month')} of data show"
    (first, path), *others = long
    before, after, apart = _ends(path)
    if not apart or before <= 0:
        return f"Whether {first} rose or fell can't be told from these data"
    fell = after < before
    text = f"{capital(first)} {change_in_words(before, after)} after {_turning_year(path)}"
    if not others:
        return text
    second, path = others[0]
    before, after, apart = _ends(path)
    if not apart or before <= 0:
        return f"{text}; that {second} {'fell' if fell else 'rose'} too can't be shown"
    but = "" if (after < before) == fell else "did not: it "
    return f"{text}; {second} {but}{change_in_words(before, after)}"


def fit_heading(core: Core) -> str:
    """Return how many used figures lie inside their 90% intervals."""
    agree = inside(core["figures"])
    if agree.empty:
        return "The model beside the figures"
    share, verdict = float(agree.mean()), "as they should"
    if share > 0.97:
        verdict = "more than the nine in ten that would be right, so they are too wide"
    elif share < 0.85:
        verdict = "fewer than the nine in ten that would be right, so they are too narrow"
    held = f"{agree.sum()} of {len(agree)} figures ({percent(share)})"
    return f"The model's 90% intervals hold {held}, {verdict}"


def change_in_words(first: float, last: float) -> str:
    """Return a change between two positive levels as words ("fell by nine tenths", "rose threefold")."""
    ratio = last / first
    if ratio >= 1.9:
        return "doubled" if ratio < 2.5 else f"rose {two_digits(ratio)}-fold"
    part = next(word for least, word in _FRACTIONS if abs(ratio - 1) >= least)
    return f"{'fell' if ratio < 1 else 'rose'} by {part}"


def by_year(study: Study, core: Core) -> list[list[str]]:
    """Return the bands by calendar year, the first row their head: label with unit, mean and mean interval by year."""
    out: list[list[str]] = []
    for band in study.settings.bands:
        path = _path(core, band)
        means = path.groupby(path["month"].str[:4])[["median", "q05", "q95"]].mean()
        out = out or [["Quantity", *map(str, means.index)]]
        out.append([f"{band.label}, {band.unit}" if band.unit else band.label])
        out[-1] += [with_interval(row) for row in records(means)]
    return out


def _path(core: Core, band: Band) -> pd.DataFrame:
    """Return a band's months under the prior set that is read first."""
    rows = core["bands"]
    return rows[(rows["path"] == band.id) & (rows["prior"] == core.lead)]


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


def window_days(study: Study) -> tuple[str, str]:
    """Return the first and the last day of the data."""
    window = study.panel.window
    return first_day(window.first_month), last_day(window.last_month)


def published(study: Study, core: Core, names: Sequence[str]) -> pd.DataFrame:
    """Return the figures of some series that are drawn, cut to the window of the study; the others stay in the table.

    `low` and `high` are the ends of what is drawn: a ceiling alone begins at nothing; `months` is how long the whole
    period of a figure is.
    """
    first, last = window_days(study)
    rows = core["figures"]
    rows = rows[rows["series"].isin(list(names)) & (rows["end"] >= first) & (rows["start"] <= last)]
    low = rows["low"].where(rows["low"].notna() | rows["high"].isna(), 0.0)
    spans = zip(rows["start"], rows["end"], strict=True)
    return rows.assign(
        start=rows["start"].where(rows["start"] >= first, first),
        end=rows["end"].where(rows["end"] <= last, last),
        low=low,
        high=rows["high"].fillna(low),
        used=rows["used"] == "yes",
        months=[length_in_months(start, end) for start, end in spans],
    ).reset_index(drop=True)


def rows_of(study: Study, core: Core, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows that the panels of some series are drawn from.

    `layer` is "band" (the model's month), "expected" (what it expects of the months of one figure together) or
    "figure".
    """
    figures, path = published(study, core, names), core["expected"]
    out = []
    expected = {f"predicted_{name}": name for name in ("median", "q05", "q95")}
    for name in names:
        own = figures[figures["series"] == name]
        used = own[own["used"]] if own["used"].any() else own
        guessed = own[own["predicted_median"].notna()]
        if guessed.empty or (used["months"] < _MONTH).all():
            out.append(path[path["series"] == name].assign(layer="band"))
        else:
            spanned = guessed[["series", "start", "end", *expected]]
            out.append(spanned.rename(columns=expected).assign(layer="expected"))
        ranges = own[["low", "high"]].where(own["value"].isna())
        rows = own[["series", "start", "end", "value", "source"]].assign(layer="figure")
        out.append(rows.assign(low=ranges["low"], high=ranges["high"], used=own["used"]))
    whole = pd.concat(out, ignore_index=True)
    return whole.assign(month=whole.get("month"))


def fit_figure(study: Study, core: Core, names: Sequence[str], ident: str = "fit") -> Figure:
    """Draw one small panel for each of some series."""
    labels, window, table = study.panel.series, study.panel.window, core["series"]
    known = table[table["series"].isin(list(names)) & table["share_inside"].notna()]
    words = f"{counted(len(names), 'small panel')}."
    if len(known):
        worst = known.sort_values("share_inside", kind="stable").iloc[0]
        label, share = labels[worst.series].label, percent(worst.share_inside)
        words += f" The worst is “{label}” with {share} of its figures inside the 90% intervals."
    return bands(
        ident,
        rows_of(study, core, names),
        panel="series",
        panels={name: (labels[name].label, labels[name].unit) for name in names},
        ribbons=[Ribbon("datum.layer === 'band'", QUIET)],
        figures="datum.layer === 'figure'",
        expectations="datum.layer === 'expected'",
        zero_based=True,
        window=(window.first_month, window.last_month),
        height=92,
        least=230,
        caption="Published figures (dots and bars, hollow where not used) beside the model: a line with its 90% band "
        "where figures are monthly, a wide bar where one figure covers several months. Each panel has its own scale.",
        source="The figures' sources are listed in the data section; bands: posterior predictive.",
        alternative=words,
    )


# the bands over one axis, with figures, events and milestones


def panels(study: Study) -> dict[str, list[Band]]:
    """Return the bands by the panel in which they are drawn."""
    out: dict[str, list[Band]] = {}
    for band in study.settings.bands:
        out.setdefault(band.panel or band.id, []).append(band)
    return out


def beside_bands(study: Study, core: Core) -> pd.DataFrame:
    """Return the figures that are drawn beside bands, totals at their monthly rate, with their panel and who said so."""
    names = {
        series: (panel, short)
        for panel, bands in panels(study).items()
        for band in bands
        for series, short in band.figures.items()
    }
    rows = published(study, core, list(names))
    totals = {name for name, each in study.panel.series.items() if each.kind in ("count", "sum")}
    months = rows["months"].where(rows["series"].isin(totals), 1.0)
    said = zip(rows["series"], rows["source"], rows["note"], strict=True)
    return rows.assign(
        panel=[names[series][0] for series in rows["series"]],
        who=[names[series][1] or reporter(study, source, note) for series, source, note in said],
        **{name: rows[name] / months for name in ("value", "low", "high")},
    )[["panel", "series", "who", "start", "end", "value", "low", "high", "used", "source"]]


def labelled(study: Study) -> list[MarkRow]:
    """Return the dated attacks and operations that a claim of the sources speaks of, in order of time."""
    found = [m for m in study.marks if m.claims and m.kind in ("attack", "operation") and m.dated]
    return sorted(found, key=lambda mark: mark.date)


def events(study: Study) -> pd.DataFrame:
    """Return the labelled events (date, label, kind, source) with the places of their labels."""
    rows = [
        (m.date.isoformat(), f"{m.label} ({', '.join(m.claims)})", m.kind, m.source) for m in labelled(study)
    ]
    return event_lines(pd.DataFrame(rows, columns=["date", "label", "kind", "source"]), window_days(study))


def ticks(study: Study) -> pd.DataFrame:
    """Return edicts and steps in engagement (row, kind, date, label, source)."""
    rows = []
    for mark in study.marks:
        if mark.kind in ("edict", "engagement"):
            day, strip = mark.date.isoformat(), _STRIPS[mark.kind, mark.direction or ""]
            rows.append((strip, mark.kind, day if mark.dated else middle_of(day), mark.label, mark.source))
    return pd.DataFrame(rows, columns=["row", "kind", "date", "label", "source"])


def figure(study: Study, core: Core) -> Figure | None:
    """Draw the stacked panels, or return None where a study declares no band and has no events."""
    happenings, strip, shown = events(study), ticks(study), beside_bands(study, core)
    if not study.settings.bands and happenings.empty and strip.empty:
        return None
    window = window_days(study)
    bare = utc("_date", domain=window, labels=False, ticks=False, domainOpacity=0.4, tickCount=_HALF_YEAR)
    dates: dict[str, Any] = {"format": "%b %Y", "tickCount": _HALF_YEAR, "labelOverlap": "greedy"}
    rule = chart("events").mark_rule(color=QUIET, strokeDash=[2, 3], strokeWidth=1)
    rules = rule.encode(x=utc("date", domain=window), tooltip=["label:N"])
    stack: list[Any] = []
    if not happenings.empty:
        stack.append(event_panel("events", window, 1 + int(happenings["_line"].max()), AXIS))
    drawn = panels(study)
    rows = [name for name in _STRIPS.values() if name in set(strip["row"])]
    for number, (name, each) in enumerate(drawn.items()):
        lowest = number == len(drawn) - 1 and not rows
        x = utc("_date", domain=window, **dates) if lowest else bare
        here = list(dict.fromkeys(shown.loc[shown["panel"] == name, "who"]))
        stack.append(_panel(name, each, here, x, rules, tall=number == 0))
    if rows:
        x = utc("date", domain=window, **dates)
        colour = alt.condition("datum.kind === 'edict'", alt.value(INCUMBENT), alt.value(OUTSIDE))
        stack.append(tick_strip("ticks", rows, x, colour, rules))
    drawing = alt.vconcat(*stack, spacing=14).resolve_scale(
        color="independent", shape="independent", stroke="independent"
    )
    paths = core["bands"]
    paths = dated(paths[paths["prior"] == core.lead].reset_index(drop=True))
    figures = dated(shown.assign(month=None))
    tables = {"bands": paths, "figures": figures, "events": happenings, "ticks": strip}
    said = ", ".join(sorted({reporter(study, source) for source in shown["source"]}))
    return Figure(
        "history",
        _caption(study, bool(len(shown)), bool(rows)),
        f"Figures: {said or 'see the list of sources'}; each with its source in the data section. Bands: the model.",
        alternative(study, core),
        Layout("stack", margin=AXIS + 14),
        finished(drawing),
        {**tables, "names": _names(study, paths), "rows": pd.DataFrame({"row": rows})},
        tuple(name for name, table in tables.items() if len(table)),
    )


def _panel(
    name: str, bands: Sequence[Band], who: list[str], x: alt.X, rules: alt.Chart, *, tall: bool
) -> Any:
    first = bands[0]
    scale = {
        "sqrt": alt.Scale(type="sqrt", nice=False),
        "linear": alt.Scale(zero=True, nice=True),
        "free": alt.Scale(zero=False),
    }[first.scale]
    axis: dict[str, Any] = {"minExtent": AXIS, "maxExtent": AXIS, "titleX": -AXIS + 8, "grid": True}
    ticked: dict[str, Any] = {"tickCount": 4, "labelExpr": NUMBER_LABELS}
    if first.scale == "sqrt":
        ticked = {"values": [0, 1, 5, 10, 20, 40, 80, 160, 320, 640], "labelOverlap": "greedy"}
    y = alt.Y("median:Q", scale=scale, axis=alt.Axis(title=first.axis or first.label, **axis, **ticked))
    base, layers = chart("bands"), [rules]
    ribbons = [Ribbon(f"datum.path === '{band.id}'", SIDES.get(band.side, QUIET)) for band in reversed(bands)]
    layers += [area for each in ribbons for area in each.areas(base, x)]
    layers += [line for each in ribbons for line in each.lines(base, x, y)]
    layers += _points(name, who, x) if who else []
    text = chart("names").transform_filter(f"datum.panel === '{name}'")
    colour = alt.Color("colour:N", scale=None, legend=None)
    for align, dx in (("left", 8), ("right", 0)):
        marks = text.transform_filter(f"datum._align === '{align}'")
        style: dict[str, Any] = {"align": align, "dx": dx, "dy": -8, "fontSize": 12, "strokeWidth": 3}
        written = marks.mark_text(stroke=PAPER, **style)
        layers.append(written.encode(x=x, y=alt.Y("q95:Q"), text="label:N", color=colour))
    return alt.layer(*layers).properties(height=230 if tall else 170 if who else 90)


def _points(name: str, who: list[str], x: alt.X) -> list[alt.Chart]:
    """Return the figures of one panel: bars over their time and range, a mark by who reported it."""
    base = chart("figures").transform_filter(f"datum.panel === '{name}'")
    opacity = alt.condition("datum.used", alt.value(0.9), alt.value(0.4))
    tip = [f"{column}:T" for column in ("start", "end")]
    numbers = [alt.Tooltip(f"{column}:Q", format=".2~r") for column in ("value", "low", "high")]
    legend = alt.Legend(orient="top", title=None, columns=2)
    shapes = alt.Scale(domain=who, range=_SHAPES[: len(who)])
    shape = alt.Shape("who:N", sort=who, scale=shapes, legend=legend)
    # of one colour, but by the same field, so that the legend's symbols have it too
    stroke = alt.Stroke("who:N", sort=who, scale=alt.Scale(domain=who, range=[INK] * len(who)), legend=legend)
    at = base.transform_calculate(_at="isValid(datum.value) ? datum.value : datum.high")
    points = at.mark_point(size=42, strokeWidth=1.4, fill=PAPER).encode(
        x=x,
        y=alt.Y("_at:Q"),
        shape=shape,
        stroke=stroke,
        opacity=opacity,
        tooltip=["who:N", *tip, *numbers, "source:N"],
    )
    # a mark that says who reported it stands where the dot would
    return [*bars(base, x, alt.Y("value:Q"))[:2], points]


def _names(study: Study, paths: pd.DataFrame) -> pd.DataFrame:
    """Return where the bands of one panel are named: above the upper edge, the first early and the others late."""
    rows = []
    for panel, drawn in panels(study).items():
        for number, band in enumerate(each for each in drawn if each.short and len(drawn) > 1):
            path = paths[paths["path"] == band.id]
            at = path.iloc[round((1.0 if number else 0.07) * (len(path) - 1))]
            align, colour = ("right" if number else "left"), SIDES.get(band.side, QUIET)
            rows.append((panel, f"{band.short} (model)", at["_date"], at["q95"], align, colour))
    return pd.DataFrame(rows, columns=["panel", "label", "_date", "q95", "_align", "colour"])


def _caption(study: Study, figures: bool, strips: bool) -> str:
    firsts = [each[0] for each in panels(study).values()]
    rooted = ", on a square-root scale so that quiet months can be seen"
    axes = [f"{each.axis or each.label}{rooted if each.scale == 'sqrt' else ''}" for each in firsts]
    inferred = (
        f"From top to bottom: {'; '.join(axes)}. Lines and bands: what the model infers, with 90% intervals."
    )
    marked = "Marks and bars: published figures, totals at their monthly rate; faint where not used."
    steps = "Ticks: edicts and steps in engagement."
    parts = ((inferred, bool(firsts)), (marked, figures), (steps, strips))
    return " ".join(text for text, there in parts if there)


def alternative(study: Study, core: Core) -> str:
    """Return the picture in words: the ends of each band, the marked events."""
    parts = []
    for band in study.settings.bands:
        ends = _path(core, band).iloc[[0, -1]].to_dict("records")
        told = [
            f"{interval(row['q05'], row['q95'], band.unit)} in {month_name(row['month'])}" for row in ends
        ]
        parts.append(f"{band.label}: {', '.join(told)} (90% intervals).")
    marked = [f"{day_name(mark.date.isoformat())}, {mark.label}" for mark in labelled(study)]
    parts += [f"Marked events: {'; '.join(marked)}."] if marked else []
    return " ".join(parts) or f"{counted(len(study.marks), 'event')} on a time axis."
