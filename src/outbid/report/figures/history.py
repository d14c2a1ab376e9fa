"""What happened: attacks, fighters, hardness and milestones over one time axis."""

from __future__ import annotations

from typing import Any

import altair as alt

from outbid.plots.base import (
    CHALLENGER,
    INCUMBENT,
    INK,
    NUMBER_LABELS,
    OUTSIDE,
    PAPER,
    QUIET,
    Figure,
    Layout,
    Table,
    chart,
    finished,
    utc,
    utc_scale,
)
from outbid.report.content import ReportContent
from outbid.report.figures.history_data import (
    ATTACK_SERIES,
    alternative,
    attack_rows,
    band_labels,
    band_rows,
    event_rows,
    fighter_rows,
    find_band,
    key,
    sources,
    study_window,
    tick_order,
    tick_rows,
)
from outbid.report.figures.reporters import REPORTERS

ID = "history"
AXIS = 52
_HALF_YEAR = {"interval": "month", "step": 6}
Panel = alt.LayerChart | alt.FacetChart


def _ribbon(ident: str, colour: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    base = chart("bands").transform_filter(f"datum.band === '{ident}'")
    area = base.mark_area(color=colour, opacity=0.22, interpolate="monotone")
    line = base.mark_line(color=colour, strokeWidth=1.8, interpolate="monotone")
    return [area.encode(x=x, y=y, y2="q95:Q"), line.encode(x=x, y=alt.Y("median:Q"))]


def figure(content: ReportContent) -> Figure | None:
    """Draw the stacked panels, or return None where there is neither a band nor a mark."""
    if not content.bands and not content.marks:
        return None
    window = study_window(content)
    bare = utc("date", domain=window, labels=False, ticks=False, domainOpacity=0.4, tickCount=_HALF_YEAR)
    dated = utc("date", domain=window, format="%b %Y", tickCount=_HALF_YEAR, labelOverlap="greedy")
    events = event_rows(content)
    lines = 1 + max((int(row[2] or 0) for row in events), default=0)
    rules = (
        chart("events")
        .mark_rule(color=QUIET, strokeDash=[2, 3], strokeWidth=1)
        .encode(x=utc("date", domain=window), tooltip=["label:N"])
    )
    panels: list[Panel] = []
    if events:
        panels.append(_event_panel(window, lines))
    panels += [_attack_panel(bare, rules), _fighter_panel(bare, rules)]
    if find_band(content, "hardness") is not None:
        panels.append(_hardness_panel(bare, rules))
    panels.append(_milestone_strip(tick_order(content.marks), dated, rules))
    drawing = alt.vconcat(*panels, spacing=14).resolve_scale(color="independent", shape="independent")
    return Figure(
        ID,
        "Top: attacks by the challenger at home, on a square-root scale so that quiet months can be seen; "
        "marks and bars are published counts at their monthly rate, the orange band is the model's 90% "
        "interval and grey is violence by others. Middle: published fighter numbers by who reported them, "
        "over the inferred band. "
        "Bottom: the inferred hardness of rule, with edicts and steps in engagement as ticks.",
        sources(content),
        alternative(content),
        Layout("stack", margin=AXIS + 14),
        finished(drawing),
        {
            "bands": Table(("band", "date", "median", "q05", "q95"), band_rows(content)),
            "names": Table(("band", "text", "date", "top", "align"), band_labels(content)),
            "key": Table(("text",), ((key(content),),)),
            "attacks": Table(
                ("series", "start", "end", "date", "rate", "used", "source"), attack_rows(content)
            ),
            "fighters": Table(("reporter", "date", "low", "high", "used", "source"), fighter_rows(content)),
            "events": Table(("date", "label", "line", "align", "room", "kind", "source"), events),
            "ticks": Table(("row", "kind", "date", "label", "source"), tick_rows(content.marks)),
            "rows": Table(("row",), tuple((row,) for row in tick_order(content.marks))),
        },
        ("bands", "attacks", "fighters", "ticks"),
    )


def _axis(title: str, **settings: Any) -> alt.Axis:
    return alt.Axis(title=title, minExtent=AXIS, maxExtent=AXIS, titleX=-AXIS + 8, grid=True, **settings)


def _event_panel(window: tuple[str, str], lines: int) -> Panel:
    x = alt.X("date:T", title=None, axis=None, scale=utc_scale(window))
    y = alt.Y("line:Q", axis=None, scale=alt.Scale(domain=[-0.5, lines - 0.5], reverse=True))
    base = chart("events")
    foot = alt.value(alt.expr("item.mark.group.height"))
    layers = [base.mark_rule(color=QUIET, strokeDash=[2, 3]).encode(x=x, y=y, y2=foot)]
    # on a phone a label may be longer than the way to the margin, and is cut there
    room = alt.expr(f"datum.room * item.mark.group.width + {AXIS} - 8")
    style: dict[str, Any] = {"fontSize": 12, "limit": room, "stroke": PAPER, "strokeWidth": 3}
    for text, side in (
        (base.mark_text(align="left", dx=5, **style), "left"),
        (base.mark_text(align="right", dx=-5, **style), "right"),
    ):
        shown = text.transform_filter(f"datum.align === '{side}'")
        layers.append(shown.encode(x=x, y=y, text="label:N", tooltip=["date:T", "label:N", "source:N"]))
    point = base.mark_point(shape="diamond", filled=True, size=36, color=INK, opacity=1)
    layers.append(point.encode(x=x, y=y))
    return alt.layer(*layers).properties(height=16 * lines)


def _attack_panel(x: alt.X, rules: alt.Chart) -> Panel:
    scale = alt.Scale(type="sqrt", nice=False)
    y = alt.Y(
        "q05:Q",
        scale=scale,
        axis=_axis("Attacks a month", values=[0, 1, 5, 10, 20, 40, 80, 160], labelOverlap="greedy"),
    )
    domain = [name for name, _ in ATTACK_SERIES.values()]
    shapes = alt.Scale(domain=domain, range=["circle", "square", "triangle-up", "diamond"])
    shape = alt.Shape("series:N", scale=shapes, legend=None)
    points = chart("attacks")
    opacity = alt.condition("datum.used", alt.value(0.9), alt.value(0.4))
    bars = points.mark_rule(color=INK, strokeWidth=1.5).encode(
        x=alt.X("start:T"), x2="end:T", y=alt.Y("rate:Q"), opacity=opacity
    )
    dots = points.mark_point(size=42, strokeWidth=1.4).encode(
        opacity=opacity,
        x=x,
        y=alt.Y("rate:Q"),
        shape=shape,
        fill=alt.value(PAPER),
        stroke=alt.value(INK),
        tooltip=["series:N", "start:T", "end:T", alt.Tooltip("rate:Q", format=".2~r"), "source:N"],
    )
    key = (
        chart("key")
        .mark_text(align="left", baseline="top", lineBreak="\n", lineHeight=16, fontSize=12, color=QUIET)
        .encode(x=alt.value(0), y=alt.value(-38), text="text:N")
    )
    ours = chart("names").transform_filter("datum.band === 'attacks'")
    others = chart("names").transform_filter("datum.band === 'other_violence'")
    names = [
        mark.encode(x=x, y=alt.Y("top:Q"), text="text:N")
        for mark in (
            ours.mark_text(
                align="left", dx=8, dy=-8, fontSize=12, color=CHALLENGER, stroke=PAPER, strokeWidth=3
            ),
            others.mark_text(align="right", dy=-8, fontSize=12, color=QUIET, stroke=PAPER, strokeWidth=3),
        )
    ]
    return alt.layer(
        rules,
        *_ribbon("other_violence", QUIET, x, y),
        *_ribbon("attacks", CHALLENGER, x, y),
        bars,
        dots,
        *names,
        key,
    ).properties(height=230)


def _fighter_panel(x: alt.X, rules: alt.Chart) -> Panel:
    y = alt.Y(
        "q05:Q",
        scale=alt.Scale(zero=True, nice=True),
        axis=_axis("Fighters", tickCount=4, labelExpr=NUMBER_LABELS),
    )
    names = [*REPORTERS, "families counted in"]
    colour = alt.Color(
        "reporter:N",
        title=None,
        sort=names,
        scale=alt.Scale(domain=names, range=[INK, INCUMBENT, OUTSIDE, QUIET]),
        legend=alt.Legend(orient="top", columns=2, symbolType="stroke", symbolStrokeWidth=4),
    )
    base = chart("fighters")
    tip = ["reporter:N", "date:T", "low:Q", "high:Q", "source:N"]
    bars = base.mark_rule(strokeWidth=4, opacity=0.85).encode(
        x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour, tooltip=tip
    )
    dots = (
        base.transform_filter("datum.low === datum.high")
        .mark_point(filled=True, size=55, opacity=1)
        .encode(x=x, y=alt.Y("low:Q"), color=colour, tooltip=tip)
    )
    return alt.layer(rules, *_ribbon("challengers", CHALLENGER, x, y), bars, dots).properties(height=170)


def _hardness_panel(x: alt.X, rules: alt.Chart) -> Panel:
    y = alt.Y("q05:Q", scale=alt.Scale(zero=False), axis=_axis("Hardness", tickCount=3))
    return alt.layer(rules, *_ribbon("hardness", INCUMBENT, x, y)).properties(height=90)


def _milestone_strip(order: list[str], x: alt.X, rules: alt.Chart) -> Panel:
    rows = alt.Y("row:N", title=None, sort=order, axis=None, scale=alt.Scale(domain=order))
    colour = alt.condition("datum.kind === 'edict'", alt.value(INCUMBENT), alt.value(OUTSIDE))
    ticks = chart("ticks").mark_tick(thickness=1.6, height=13, opacity=0.8)
    names = chart("rows").mark_text(
        align="left", fontSize=11, color=QUIET, dy=-12, baseline="middle", stroke=PAPER, strokeWidth=3
    )
    return alt.layer(
        rules,
        ticks.encode(x=x, y=rows, color=colour, tooltip=["date:T", "label:N", "source:N"]),
        names.encode(x=alt.value(2), y=rows, text="row:N"),
    ).properties(height=30 * max(1, len(order)))
