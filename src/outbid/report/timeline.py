"""What happened: the bands that a study declares, with figures, events and milestones over one time axis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from outbid.data.levers import MarkRow
from outbid.plots.bands import Ribbon, dated, event_lines, event_panel, tick_strip
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
from outbid.report.core import Core
from outbid.study import Band, Study
from outbid.words.numbers import counted, day_name, interval, month_name

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
# Who reported a figure.
UN = "United Nations"
PARTY = "the incumbent itself"
OTHERS = "other governments, analysts"
_UN_WORDS = re.compile(r"\b(UN|UNAMA|UNODC|OCHA|United Nations|Security Council|Monitoring Team)\b")


def window_days(study: Study) -> tuple[str, str]:
    """Return the first and the last day of the data."""
    window = study.panel.window
    return first_day(window.first_month), last_day(window.last_month)


def panels(study: Study) -> dict[str, list[Band]]:
    """Return the bands by the panel in which they are drawn."""
    out: dict[str, list[Band]] = {}
    for band in study.settings.bands:
        out.setdefault(band.panel or band.id, []).append(band)
    return out


def ends(study: Study, core: Core, band: Band) -> list[str]:
    """Return a band's 90% intervals in the first and in the last month, in words."""
    rows = core["bands"]
    rows = rows[(rows["path"] == band.id) & (rows["prior"] == core.lead)]
    picked = (rows.iloc[0], rows.iloc[-1]) if len(rows) else ()
    return [f"{interval(row.q05, row.q95, band.unit)} in {month_name(str(row.month))}" for row in picked]


def published(study: Study, core: Core) -> pd.DataFrame:
    """Return the figures that are drawn beside bands, cut to the window, totals at their monthly rate."""
    first, last = window_days(study)
    names = {
        series: (band.panel or band.id, short)
        for band in study.settings.bands
        for series, short in band.figures.items()
    }
    rows = core["figures"]
    rows = rows[rows["series"].isin(list(names))]
    rows = rows[(rows["end"] >= first) & (rows["start"] <= last)].reset_index(drop=True)
    totals = {name for name, each in study.panel.series.items() if each.kind in ("count", "sum")}
    months = [
        length_in_months(start, end) if series in totals else 1.0
        for series, start, end in zip(rows["series"], rows["start"], rows["end"], strict=True)
    ]
    low = rows["low"].where(
        rows["low"].notna() | rows["high"].isna(), 0.0
    )  # a ceiling alone begins at nothing
    return rows.assign(
        panel=[names[series][0] for series in rows["series"]],
        who=[
            names[series][1] or reporter(study, source, note)
            for series, source, note in zip(rows["series"], rows["source"], rows["note"], strict=True)
        ],
        start=rows["start"].where(rows["start"] >= first, first),
        end=rows["end"].where(rows["end"] <= last, last),
        value=rows["value"] / months,
        low=low / months,
        high=rows["high"].fillna(low) / months,
        used=rows["used"] == "yes",
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
    rows = [
        (
            _STRIPS[mark.kind, mark.direction or ""],
            mark.kind,
            mark.date.isoformat() if mark.dated else middle_of(mark.date.isoformat()),
            mark.label,
            mark.source,
        )
        for mark in study.marks
        if mark.kind in ("edict", "engagement")
    ]
    return pd.DataFrame(rows, columns=["row", "kind", "date", "label", "source"])


def figure(study: Study, core: Core) -> Figure | None:
    """Draw the stacked panels, or return None where a study declares no band and has no events."""
    happenings, strip, shown = events(study), ticks(study), published(study, core)
    if not study.settings.bands and happenings.empty and strip.empty:
        return None
    window = window_days(study)
    bare = utc("_date", domain=window, labels=False, ticks=False, domainOpacity=0.4, tickCount=_HALF_YEAR)
    years = utc("_date", domain=window, format="%b %Y", tickCount=_HALF_YEAR, labelOverlap="greedy")
    rules = (
        chart("events")
        .mark_rule(color=QUIET, strokeDash=[2, 3], strokeWidth=1)
        .encode(x=utc("date", domain=window), tooltip=["label:N"])
    )
    stack: list[Any] = []
    if not happenings.empty:
        stack.append(event_panel("events", window, 1 + int(happenings["_line"].max()), AXIS))
    drawn = panels(study)
    rows = [name for name in dict.fromkeys(_STRIPS.values()) if name in set(strip["row"])]
    for number, (name, each) in enumerate(drawn.items()):
        below = number == len(drawn) - 1 and not rows
        here = list(dict.fromkeys(shown.loc[shown["panel"] == name, "who"]))
        stack.append(_panel(name, each, here, years if below else bare, rules, tall=number == 0))
    if rows:
        x = utc("date", domain=window, format="%b %Y", tickCount=_HALF_YEAR, labelOverlap="greedy")
        stack.append(tick_strip("ticks", rows, x, ("edict", INCUMBENT, OUTSIDE), [rules]))
    drawing = alt.vconcat(*stack, spacing=14).resolve_scale(
        color="independent", shape="independent", stroke="independent"
    )
    paths = core["bands"]
    paths = dated(paths[paths["prior"] == core.lead].reset_index(drop=True)) if len(paths) else paths
    tables = {
        "bands": paths,
        "figures": dated(shown.assign(month=None)),
        "events": happenings,
        "ticks": strip,
    }
    return Figure(
        "history",
        _caption(study, bool(len(shown)), bool(rows)),
        f"Figures: {_reporters(study, shown)}; each with its source in the data section. Bands: the model.",
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
    if who:
        layers += _points(name, who, x)
    text = chart("names").transform_filter(f"datum.panel === '{name}'")
    for align, dx in (("left", 8), ("right", 0)):
        marks = text.transform_filter(f"datum._align === '{align}'")
        style: dict[str, Any] = {"align": align, "dx": dx, "dy": -8, "fontSize": 12, "strokeWidth": 3}
        written = marks.mark_text(stroke=PAPER, **style)
        layers.append(
            written.encode(
                x=x, y=alt.Y("q95:Q"), text="label:N", color=alt.Color("colour:N", scale=None, legend=None)
            )
        )
    return alt.layer(*layers).properties(height=230 if tall else 170 if who else 90)


def _points(name: str, who: list[str], x: alt.X) -> list[alt.Chart]:
    """Return the figures of one panel: a bar over the time, another over the range, a mark by who reported it."""
    base = chart("figures").transform_filter(f"datum.panel === '{name}'")
    opacity = alt.condition("datum.used", alt.value(0.9), alt.value(0.4))
    tip = [
        "who:N",
        "start:T",
        "end:T",
        *(alt.Tooltip(f"{n}:Q", format=".2~r") for n in ("value", "low", "high")),
    ]
    bars = base.mark_rule(color=INK, strokeWidth=1.5)
    shapes = alt.Scale(domain=who, range=_SHAPES[: len(who)])
    legend = alt.Legend(orient="top", title=None, columns=2)
    points = base.transform_calculate(_at="isValid(datum.value) ? datum.value : datum.high").mark_point(
        size=42, strokeWidth=1.4, fill=PAPER
    )
    shape = alt.Shape("who:N", sort=who, scale=shapes, legend=legend)
    # of one colour, but by the same field, so that the legend's symbols have it too
    stroke = alt.Stroke("who:N", sort=who, scale=alt.Scale(domain=who, range=[INK] * len(who)), legend=legend)
    return [
        bars.transform_filter("isValid(datum.value)").encode(
            x=alt.X("start:T"), x2="end:T", y=alt.Y("value:Q"), opacity=opacity
        ),
        bars.transform_filter("isValid(datum.high)").encode(
            x=x, y=alt.Y("low:Q"), y2="high:Q", opacity=opacity
        ),
        points.encode(
            x=x, y=alt.Y("_at:Q"), shape=shape, stroke=stroke, opacity=opacity, tooltip=[*tip, "source:N"]
        ),
    ]


def _names(study: Study, paths: pd.DataFrame) -> pd.DataFrame:
    """Return where the bands of one panel are named: above the upper edge, the first early and the others late."""
    rows = []
    for panel, bands in panels(study).items():
        for number, band in enumerate(each for each in bands if each.short and len(bands) > 1):
            path = paths[paths["path"] == band.id]
            if len(path):
                at = path.iloc[round((0.07 if number == 0 else 1.0) * (len(path) - 1))]
                align, colour = ("right" if number else "left"), SIDES.get(band.side, QUIET)
                rows.append((panel, f"{band.short} (model)", at["_date"], at["q95"], align, colour))
    return pd.DataFrame(rows, columns=["panel", "label", "_date", "q95", "_align", "colour"])


def _reporters(study: Study, shown: pd.DataFrame) -> str:
    return (
        ", ".join(sorted({reporter(study, source) for source in shown["source"]}))
        or "see the list of sources"
    )


def _caption(study: Study, figures: bool, strips: bool) -> str:
    firsts = [bands[0] for bands in panels(study).values()]
    rooted = ", on a square-root scale so that quiet months can be seen"
    parts = [f"{each.axis or each.label}{rooted if each.scale == 'sqrt' else ''}" for each in firsts]
    text = f"From top to bottom: {'; '.join(parts)}. " if parts else ""
    text += "Lines and bands: what the model infers, with 90% intervals. " if parts else ""
    text += (
        "Marks and bars: published figures, totals at their monthly rate; faint where not used. "
        if figures
        else ""
    )
    return (text + ("Ticks: edicts and steps in engagement." if strips else "")).strip()


def alternative(study: Study, core: Core) -> str:
    """Return the picture in words: the ends of each band, the marked events."""
    parts = []
    for band in study.settings.bands:
        told = ends(study, core, band)
        parts += [f"{band.label}: {', '.join(told)} (90% intervals)."] if told else []
    marked = [f"{day_name(mark.date.isoformat())}, {mark.label}" for mark in labelled(study)]
    parts += [f"Marked events: {'; '.join(marked)}."] if marked else []
    return " ".join(parts) or f"{counted(len(study.marks), 'event')} on a time axis."


def reporter(study: Study, source: str, note: str = "") -> str:
    """Return the class of reporter of a figure from the words of its source.

    `source`: a record's source: free words or the id of a listed source, whose author then counts; `note`:
    the record's note, which decides where one source relays figures of several bodies.
    """
    listed = study.figure_sources.get(source)
    words = (listed.author or f"{listed.title} {listed.outlet}") if listed else source
    name = re.sub(r"^the ", "", study.settings.incumbent.strip(), flags=re.IGNORECASE).lower()
    found: set[str] = set()
    for text in (re.split(r"\bvia\b", words)[0], note):
        found = {UN} if _UN_WORDS.search(text) else set()
        found |= {PARTY} if name and name in text.lower() else set()
        if len(found) == 1:
            return found.pop()
        if not found:
            break
    return OTHERS
