"""What happened: attacks, fighters, hardness and milestones over one time axis."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from outbid.report.content import Band, Mark, Record, ReportContent
from outbid.report.figures.common import (
    CHALLENGER,
    INCUMBENT,
    INK,
    OUTSIDE,
    PAPER,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    chart,
    finished,
    first_day,
    last_day,
    middle_of,
    number,
    utc,
    utc_scale,
)
from outbid.report.figures.reporters import REPORTERS, reporter
from outbid.report.figures.timing import length_in_months, middle_day
from outbid.report.headings import what_happened
from outbid.report.numbers import day_name, interval, month_name

ID = "history"
AXIS = 52
# series of attacks by the challenger alone, at home; all-actor counts would mix in violence by others
ATTACK_SERIES = {
    "attacks_un": "counted by the UN",
    "attacks_claimed": "claimed by the challenger",
    "dyad_state_events": "events with the state (UCDP)",
    "dyad_civilian_events": "events against civilians (UCDP)",
}
_DIRECTIONS = {
    ("edict", "restrict"): "Edicts: restrict", ("edict", "ease"): "Edicts: ease", ("edict", ""): "Edicts",
    ("engagement", "+"): "Engagement: towards", ("engagement", "forward"): "Engagement: towards",
    ("engagement", "-"): "Engagement: away", ("engagement", "backward"): "Engagement: away",
    ("engagement", ""): "Engagement", ("operation", ""): "Operations", ("attack", ""): "Attacks",
}  # fmt: skip
_ROWS = ("Edicts: restrict", "Edicts: ease", "Edicts", "Engagement: towards", "Engagement: away",
         "Engagement", "Operations", "Attacks")  # fmt: skip


def _neutral(bands: Sequence[Band], ident: str) -> Band | None:
    found = [band for band in bands if band.id == ident]
    return next((band for band in found if band.prior == "neutral"), found[0] if found else None)


def _band_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    for ident in ("attacks", "other_violence", "challengers", "hardness"):
        band = _neutral(content.bands, ident)
        if band is not None:
            for month, *values in zip(band.months, band.median, band.q05, band.q95, strict=True):
                rows.append((ident, middle_of(month), *(number(value) for value in values)))
    return tuple(rows)


def _rate(record: Record) -> float | None:
    return None if record.value is None else record.value / length_in_months(record.start, record.end)


def _attack_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    for series in content.series:
        if series.id in ATTACK_SERIES:
            for record in series.records:
                rate = _rate(record)
                if rate is not None:
                    middle = middle_day(record.start, record.end)
                    name = ATTACK_SERIES[series.id]
                    rows.append(
                        (name, record.start, record.end, middle, number(rate), record.used, record.source)
                    )
    return tuple(rows)


def _fighter_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    for series in content.series:
        if series.id in ("fighters", "fighters_with_families"):
            with_families = series.id == "fighters_with_families"
            for record in series.records:
                low = record.low if record.value is None else record.value
                high = record.high if record.value is None else record.value
                who = "families counted in" if with_families else reporter(content, record.source)
                rows.append((who, middle_day(record.start, record.end), number(0.0 if low is None else low),
                             number(low if high is None else high), low is None, record.used, record.source))  # fmt: skip
    return tuple(rows)


def _window(content: ReportContent) -> tuple[str, str]:
    run = content.provenance
    return first_day(run.first_month), last_day(run.last_month)


def _tick_rows(marks: Sequence[Mark]) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    for mark in marks:
        row = _DIRECTIONS.get((mark.kind, mark.direction)) or _DIRECTIONS.get((mark.kind, ""))
        if row is not None and mark.kind in ("edict", "engagement"):
            rows.append(
                (
                    row,
                    mark.kind,
                    middle_of(mark.date) if len(mark.date) == 7 else mark.date,
                    mark.label,
                    mark.source,
                )
            )
    return tuple(row for row in rows if len(str(row[2])) == 10)


def _tick_order(marks: Sequence[Mark]) -> list[str]:
    found = {row[0] for row in _tick_rows(marks)}
    return [row for row in _ROWS if row in found]


def _event_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    """Return the labelled events with the line each label stands on, close ones on lines of their own."""
    start, end = _window(content)
    span = length_in_months(start, end)
    letter = span * 6.3 / 300  # months that a letter covers on a phone, the tightest case
    lines: list[list[tuple[float, float]]] = []
    rows: list[tuple[Cell, ...]] = []
    for mark in sorted((m for m in content.marks if m.claims and len(m.date) == 10), key=lambda m: m.date):
        if not start <= mark.date <= end:
            continue
        at = length_in_months(start, mark.date)
        text = f"{mark.label} ({', '.join(mark.claims)})"
        leftwards = at > span / 2
        long = letter * (len(text) + 2)
        covers = (at - long, at) if leftwards else (at, at + long)
        free = (i for i, line in enumerate(lines) if all(covers[1] < a or covers[0] > b for a, b in line))
        line = next(free, len(lines))
        if line == len(lines):
            lines.append([])
        lines[line].append(covers)
        rows.append((mark.date, text, line, "right" if leftwards else "left", mark.kind, mark.source))
    return tuple(rows)


def _ribbon(ident: str, colour: str, x: alt.X, y: alt.Y, *, line: bool = True) -> list[alt.Chart]:
    base = chart("bands").transform_filter(f"datum.band === '{ident}'")
    parts = [base.mark_area(color=colour, opacity=0.22, interpolate="monotone").encode(x=x, y=y, y2="q95:Q")]
    if line:
        middle = alt.Y("median:Q")
        parts.append(
            base.mark_line(color=colour, strokeWidth=1.8, interpolate="monotone").encode(x=x, y=middle)
        )
    return parts


def figure(content: ReportContent) -> Figure | None:
    """Draw the stacked panels, or return None where there is neither a band nor a mark."""
    if not content.bands and not content.marks:
        return None
    window = _window(content)
    bare = utc("date", domain=window, labels=False, ticks=False, domainOpacity=0.4)
    dated = utc(
        "date",
        domain=window,
        format="%b %Y",
        tickCount={"interval": "month", "step": 6},
        labelOverlap="greedy",
    )
    events = _event_rows(content)
    lines = 1 + max((int(row[2] or 0) for row in events), default=0)
    rules = chart("events").mark_rule(color=QUIET, strokeDash=[2, 3], strokeWidth=1).encode(
        x=utc("date", domain=window), tooltip=["label:N"])  # fmt: skip
    panels: list[alt.LayerChart] = []
    if events:
        panels.append(_event_panel(window, lines))
    panels += [_attack_panel(bare, rules), _fighter_panel(bare, rules)]
    panels += _milestones(content, window, dated, rules)
    drawing = alt.vconcat(*panels, spacing=14).resolve_scale(color="independent", shape="independent")
    return Figure(
        ID,
        "Top: attacks by the challenger at home, on a square-root scale so that quiet months can be seen; marks and bars are "
        "published counts at their monthly rate, the orange band is the model's 90% interval and grey is violence by others. "
        "Middle: published fighter numbers by who reported them, over the inferred band. "
        "Bottom: the inferred hardness of rule, with edicts and steps in engagement as ticks.",
        _sources(content),
        _alternative(content),
        Layout("stack", margin=AXIS + 14),
        finished(drawing),
        {
            "bands": Table(("band", "date", "median", "q05", "q95"), _band_rows(content)),
            "attacks": Table(
                ("series", "start", "end", "date", "rate", "used", "source"), _attack_rows(content)
            ),
            "fighters": Table(
                ("reporter", "date", "low", "high", "open", "used", "source"), _fighter_rows(content)
            ),
            "events": Table(("date", "label", "line", "align", "kind", "source"), events),
            "ticks": Table(("row", "kind", "date", "label", "source"), _tick_rows(content.marks)),
            "rows": Table(("row",), tuple((row,) for row in _tick_order(content.marks))),
        },
        "bands",
    )


def _axis(title: str, **settings: object) -> alt.Axis:
    return alt.Axis(title=title, minExtent=AXIS, maxExtent=AXIS, titleX=-AXIS + 8, tickCount=4, **settings)  # type: ignore[arg-type]


def _event_panel(window: tuple[str, str], lines: int) -> alt.LayerChart:
    x = alt.X("date:T", title=None, axis=None, scale=utc_scale(window))
    y = alt.Y("line:Q", axis=None, scale=alt.Scale(domain=[-0.5, lines - 0.5], reverse=True))
    layers = []
    for align, dx in (("left", 5), ("right", -5)):
        base = chart("events").transform_filter(f"datum.align === '{align}'")
        layers.append(
            base.mark_text(align=align, dx=dx, fontSize=12, color=INK).encode(x=x, y=y, text="label:N")
        )
    foot = alt.value(alt.expr("height"))
    layers.append(chart("events").mark_rule(color=QUIET, strokeDash=[2, 3]).encode(x=x, y=y, y2=foot))
    layers.append(
        chart("events")
        .mark_point(shape="diamond", filled=True, size=36, color=INK, opacity=1)
        .encode(x=x, y=y)
    )
    return alt.layer(*layers).properties(height=16 * lines)


def _attack_panel(x: alt.X, rules: alt.Chart) -> alt.LayerChart:
    scale = alt.Scale(type="sqrt", nice=False)
    y = alt.Y("q05:Q", scale=scale, axis=_axis("Attacks a month", values=[0, 1, 5, 10, 20, 40, 60, 80, 120]))
    names = list(ATTACK_SERIES.values())
    shape = alt.Shape("series:N", title=None, sort=names, scale=alt.Scale(
        domain=names, range=["circle", "square", "triangle-up", "diamond"]), legend=alt.Legend(orient="top", columns=2))  # fmt: skip
    points = chart("attacks")
    bars = points.mark_rule(color=INK, strokeWidth=1.5, opacity=0.75).encode(
        x=alt.X("start:T"), x2="end:T", y=alt.Y("rate:Q"))  # fmt: skip
    dots = points.mark_point(size=42, color=INK, fill=PAPER, strokeWidth=1.4, opacity=1).encode(
        x=x, y=alt.Y("rate:Q"), shape=shape,
        tooltip=["series:N", "start:T", "end:T", alt.Tooltip("rate:Q", format=".2~r"), "source:N"])  # fmt: skip
    return alt.layer(
        rules, *_ribbon("other_violence", QUIET, x, y), *_ribbon("attacks", CHALLENGER, x, y), bars, dots
    ).properties(height=230)


def _fighter_panel(x: alt.X, rules: alt.Chart) -> alt.LayerChart:
    y = alt.Y("q05:Q", scale=alt.Scale(zero=True, nice=True), axis=_axis("Fighters", format="~s"))
    names = [*REPORTERS, "families counted in"]
    colour = alt.Color("reporter:N", title=None, sort=names, scale=alt.Scale(
        domain=names, range=[INK, INCUMBENT, OUTSIDE, QUIET]), legend=alt.Legend(orient="top", columns=4, symbolType="stroke",
        symbolStrokeWidth=4))  # fmt: skip
    base = chart("fighters")
    tip = ["reporter:N", "date:T", "low:Q", "high:Q", "source:N"]
    bars = base.mark_rule(strokeWidth=4, opacity=0.85).encode(
        x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour, tooltip=tip)  # fmt: skip
    dots = base.transform_filter("datum.low === datum.high").mark_point(filled=True, size=55, opacity=1).encode(
        x=x, y=alt.Y("low:Q"), color=colour, tooltip=tip)  # fmt: skip
    return alt.layer(rules, *_ribbon("challengers", CHALLENGER, x, y), bars, dots).properties(height=170)


def _milestones(
    content: ReportContent, window: tuple[str, str], x: alt.X, rules: alt.Chart
) -> list[alt.LayerChart]:
    order = _tick_order(content.marks)
    bare = utc("date", domain=window, labels=False, ticks=False, domainOpacity=0.4)
    y = alt.Y("q05:Q", scale=alt.Scale(zero=False), axis=_axis("Hardness"))
    band = alt.layer(rules, *_ribbon("hardness", INCUMBENT, bare, y)).properties(height=90)
    rows = alt.Y("row:N", title=None, sort=order, axis=None, scale=alt.Scale(domain=order))
    tip = ["date:T", "label:N", "source:N"]
    colour = alt.condition("datum.kind === 'edict'", alt.value(INCUMBENT), alt.value(OUTSIDE))
    ticks = (
        chart("ticks")
        .mark_tick(thickness=1.6, height=13, opacity=0.8)
        .encode(x=x, y=rows, color=colour, tooltip=tip)
    )
    names = chart("rows").mark_text(align="left", fontSize=11, color=QUIET, dy=-12, baseline="middle", stroke=PAPER,
                                    strokeWidth=3).encode(x=alt.value(2), y=rows, text="row:N")  # fmt: skip
    strip = alt.layer(rules, ticks, names).properties(height=30 * max(1, len(order)))
    return [band, strip]


def _sources(content: ReportContent) -> str:
    wanted = {*ATTACK_SERIES, "fighters", "fighters_with_families"}
    names = {reporter(content, r.source) for s in content.series if s.id in wanted for r in s.records}
    listed = ", ".join(sorted(names)) if names else "see the list of sources"
    return f"Figures: {listed} (each with its source in the data section); bands: the model, neutral priors."


def _alternative(content: ReportContent) -> str:
    parts = [what_happened(content) + "."]
    for ident in ("attacks", "challengers", "hardness"):
        band = _neutral(content.bands, ident)
        if band is not None:
            ends = (0, len(band.months) - 1)
            first, last = (
                f"{interval(band.q05[i], band.q95[i], band.unit)} in {month_name(band.months[i])}"
                for i in ends
            )
            parts.append(f"{band.label}: {first}, {last} (90% intervals).")
    events = [f"{day_name(mark.date)}, {mark.label}" for mark in content.marks if mark.claims]
    if events:
        parts.append(f"Marked events: {'; '.join(events)}.")
    return " ".join(parts)
