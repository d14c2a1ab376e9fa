"""The three pictures of a replication: the rival's effect by period, play by state, play month by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from outbid.plots.base import (
    CHALLENGER,
    FAINT,
    INCUMBENT,
    INK,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    chart,
    finished,
    middle_of,
    number,
    utc,
)
from outbid.report.replication.content import Curve, ReplicationContent
from outbid.report.replication.words import effect_of_rival, points

_AXIS = 46
_COLOURS = {"incumbent": INCUMBENT, "challenger": CHALLENGER}


def _colour(content: ReplicationContent, field: str = "player") -> alt.Color:
    names = [player.name for player in content.players]
    scale = alt.Scale(domain=names, range=[_COLOURS.get(player.side, INK) for player in content.players])
    return alt.Color(f"{field}:N", scale=scale, legend=None)


def rivals(content: ReplicationContent) -> Figure | None:
    """Draw what the rival's presence does to each player's attacks, period by period, ours and published."""
    if not content.eras:
        return None
    printed = {(cell.row, cell.column): cell.published for cell in content.cells if cell.table == "4"}
    rows: list[tuple[Cell, ...]] = []
    for row in content.eras:
        low, high = (row.low, row.high) if row.low is not None else (row.difference, row.difference)
        told = None if content.simulated else printed.get((row.player, row.era))
        numbers = (row.difference, low, high, told)
        rows.append(
            (
                row.player,
                row.era,
                f"{row.player}, {row.era}",
                *(None if each is None else number(100 * each) for each in numbers),
            )
        )
    y = alt.Y(
        "label:N", sort=None, title=None, axis=alt.Axis(labelLimit=190, ticks=False, domain=False, grid=True)
    )
    x = alt.X("change:Q", title="Change in the chance of an attack, points")
    colour = _colour(content)
    base = chart("rivals")
    tip = [alt.Tooltip(f"{name}:N") for name in ("player", "period")]
    tip += [alt.Tooltip(f"{name}:Q", format=".3~r") for name in ("change", "published")]
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color=QUIET).encode(x=alt.X("at:Q"))
    drawing = alt.layer(
        zero,
        base.mark_rule(strokeWidth=3, opacity=0.45).encode(y=y, x=alt.X("low:Q"), x2="high:Q", color=colour),
        base.mark_point(filled=True, size=110, opacity=1).encode(y=y, x=x, color=colour, tooltip=tip),
        base.transform_filter("isValid(datum.published)")
        .mark_point(shape="diamond", size=150, strokeWidth=1.6, opacity=1)
        .encode(y=y, x=alt.X("published:Q"), stroke=alt.value(INK), tooltip=tip),
    ).properties(height=46 * len(rows))
    bars = " Bars: 95% intervals from the estimates' errors." if content.eras[0].low is not None else ""
    diamonds = "" if content.simulated else " Hollow diamonds: the published figures."
    return Figure(
        "rivals",
        f"What a rival changes. Right of the line: the group attacks more often because the other is there.{bars}{diamonds}",
        "Equilibrium with the rival less the best play without it, along the months of each period.",
        " ".join(effect_of_rival(content, player.name) for player in content.players),
        Layout("single"),
        finished(drawing),
        {
            "rivals": Table(("player", "period", "label", "change", "low", "high", "published"), tuple(rows)),
            "zero": Table(("at",), ((0.0,),)),
        },
        ("rivals",),
    )


def curves(content: ReplicationContent) -> Figure | None:
    """Draw each player's chance of an attack by state, with the rival and without, and where the months lay."""
    if not content.curves:
        return None
    rows: list[tuple[Cell, ...]] = []
    for curve in content.curves:
        for kind, values in (("with the rival", curve.together), ("without it", curve.alone)):
            rows += [
                (curve.player, number(at), kind, number(100 * value))
                for at, value in zip(content.grid, values, strict=True)
            ]
    low, high = content.grid[0], content.grid[-1]
    seen: list[tuple[Cell, ...]] = [
        (curve.player, number(min(max(at, low), high)), month)
        for curve in content.curves
        for at, month, acted in zip(content.state, content.months, curve.acted, strict=True)
        if acted
    ]
    what, below, above = content.state_words
    name = f"{what.capitalize()}: {below} ← → {above}"
    x = alt.X("state:Q", title=name, scale=alt.Scale(nice=False))
    y = alt.Y(
        "chance:Q",
        title="Chance of an attack in a month, %",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(minExtent=_AXIS, maxExtent=_AXIS, tickCount=5),
    )
    dash = alt.StrokeDash(
        "play:N",
        title=None,
        scale=alt.Scale(domain=["with the rival", "without it"], range=[[1, 0], [5, 4]]),
        legend=alt.Legend(orient="top", symbolStrokeColor=INK, symbolSize=400),
    )
    base = alt.Chart()
    drawing = alt.layer(
        base.transform_filter("isValid(datum.play)")
        .mark_line(strokeWidth=2.2)
        .encode(x=x, y=y, color=_colour(content), strokeDash=dash),
        base.transform_filter("isValid(datum.month)")
        .mark_tick(color=QUIET, thickness=1, height=9, opacity=0.55)
        .encode(x=alt.X("state:Q"), y=alt.value(-6), tooltip=["month:N"]),
        data=alt.NamedData("curves"),
    ).properties(height=270)
    header = alt.Header(title=None, labelAnchor="start", labelFontWeight=600)
    faceted = drawing.facet(
        facet=alt.Facet("player:N", sort=[curve.player for curve in content.curves], header=header),
        columns=2,
        spacing={"row": 46, "column": 80},
        bounds="flush",
    ).resolve_scale(y="independent")
    columns = ("player", "state", "play", "chance", "month")
    joint = [(*row, None) for row in rows] + [(who, at, None, None, month) for who, at, month in seen]
    return Figure(
        "curves",
        "The chance that each group attacks in a month, by where opinion stands. Solid: with the rival. Dashed: "
        "if the rival could not move opinion. Ticks above: where it stood in the months with an attack. The "
        "two scales differ.",
        "Equilibrium of the game at the estimates.",
        _curve_words(content),
        Layout("facet", margin=_AXIS + 24, gap=80, least=380, most=2),
        finished(faceted),
        {"curves": Table(columns, tuple(joint))},
        ("curves",),
    )


def path(content: ReplicationContent) -> Figure | None:
    """Draw popularity and each player's chance of an attack month by month, with the observed attacks as ticks."""
    if not content.curves:
        return None
    rows: list[tuple[Cell, ...]] = []
    for i, month in enumerate(content.months):
        row: list[Cell] = [middle_of(month), number(content.state[i])]
        for curve in content.curves:
            row += [number(100 * curve.together_by_month[i]), number(100 * curve.alone_by_month[i])]
        rows.append((*row, *(int(curve.acted[i]) for curve in content.curves)))
    names = [f"p{i}" for i in range(len(content.curves))]
    columns = (
        *("date", "popularity"),
        *(f"{name}_{kind}" for name in names for kind in ("with_rival", "without")),
        *(f"{name}_attacked" for name in names),
    )
    bare = utc("date", labels=False, ticks=False, domainOpacity=0.4, tickCount=12)
    dated = utc("date", format="%Y", tickCount=12, labelOverlap="greedy")
    what, _, above = content.state_words
    state = (
        chart("path")
        .mark_line(color=INK, strokeWidth=1.5)
        .encode(x=bare, y=alt.Y("popularity:Q", axis=_axis(what.capitalize(), tickCount=4)))
    )
    panels: list[Any] = [state.properties(height=100)]
    for i, (name, curve) in enumerate(zip(names, content.curves, strict=True)):
        side = next(player.side for player in content.players if player.name == curve.player)
        last = i == len(names) - 1
        panels.append(_play_panel(name, curve, _COLOURS.get(side, INK), dated if last else bare))
    return Figure(
        "path",
        f"Top: {what}, high for {above}. Below: the chance of an attack along that path, with the rival (solid) and "
        "without it (dashed); ticks mark the months in which the group did attack.",
        f"{content.data}; equilibrium of the game at the estimates.",
        " ".join(effect_of_rival(content, player.name) for player in content.players),
        Layout("stack", margin=_AXIS + 30),
        finished(alt.vconcat(*panels, spacing=22)),
        {"path": Table(columns, tuple(rows))},
        ("path",),
        {"names": {name: curve.player for name, curve in zip(names, content.curves, strict=True)}},
    )


def _play_panel(name: str, curve: Curve, colour: str, x: alt.X) -> alt.LayerChart | alt.FacetChart:
    base = chart("path")
    y = alt.Y(
        f"{name}_with_rival:Q", axis=_axis(f"{curve.player}, %", tickCount=4), scale=alt.Scale(zero=True)
    )
    ticks = base.transform_filter(f"datum.{name}_attacked === 1").mark_tick(
        color=colour, thickness=1.4, height=10, opacity=0.8
    )
    return alt.layer(
        base.mark_line(color=colour, strokeWidth=1.9).encode(x=x, y=y, tooltip=_tips(name)),
        base.mark_line(color=colour, strokeWidth=1.4, strokeDash=[5, 4], opacity=0.85).encode(
            x=x, y=alt.Y(f"{name}_without:Q")
        ),
        ticks.encode(x=x, y=alt.value(-7), tooltip=_tips(name)),
    ).properties(height=150)


def _tips(name: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("date:T", format="%B %Y"),
        alt.Tooltip(f"{name}_with_rival:Q", title="with the rival", format=".3~r"),
        alt.Tooltip(f"{name}_without:Q", title="without it", format=".3~r"),
    ]


def _axis(title: str, **settings: Any) -> alt.Axis:
    return alt.Axis(
        title=title, minExtent=_AXIS, maxExtent=_AXIS, titleX=-_AXIS + 6, gridColor=FAINT, **settings
    )


def _curve_words(content: ReplicationContent) -> str:
    told = []
    for curve in content.curves:
        peak = max(range(len(curve.together)), key=lambda i: curve.together[i])
        ends: Mapping[str, float] = {"lowest": curve.together[0], "highest": curve.together[-1]}
        told.append(
            f"{curve.player}: {points(ends['lowest'])}% at the low end of the grid, at most "
            f"{points(curve.together[peak])}% at {content.grid[peak]:.1f}, {points(ends['highest'])}% at the high end."
        )
    return " ".join(told)
