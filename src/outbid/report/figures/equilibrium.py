"""What they would choose: each side's expected choice month by month, with the rival and without."""

from __future__ import annotations

from typing import Any

import altair as alt

from outbid.plots.base import (
    CHALLENGER,
    INCUMBENT,
    INK,
    NO_HEADER,
    NUMBER_LABELS,
    OUTSIDE,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    finished,
    middle_of,
    number,
    panel_title,
    titled,
    utc,
)
from outbid.report.content import ReportContent
from outbid.report.play.content import PlayRow
from outbid.report.play.rows import (
    NO_RIVAL,
    choice,
    find_row,
    means_in_words,
    ordered_worlds,
    players,
    present,
    prior_sets,
    view,
)
from outbid.words.numbers import counted

AHEAD = "ahead"
_COLOURS = {"incumbent": INCUMBENT, "challenger": CHALLENGER}
_PATHS = (
    *("_panel", "_title", "_note", "_low", "_high", "world", "_rival", "player", "lever", "prior", "date"),
    *("median", "q05", "q95"),
)


def _span(rows: list[PlayRow]) -> tuple[float, float]:
    """Return the extent of all bands, with some air."""
    low, high = min(min(row.q05) for row in rows), max(max(row.q95) for row in rows)
    air = 0.06 * (high - low) or 0.05
    return low - air, high + air


def _paths(content: ReportContent) -> list[tuple[Cell, ...]]:
    drawn = [world for world in ordered_worlds(content) if world.baseline or world.id == NO_RIVAL]
    out: list[tuple[Cell, ...]] = []
    for player in players(content):
        rows = [
            (world, row)
            for world in drawn
            for prior in prior_sets(content.play)
            if (row := find_row(content.play, world.id, player, prior)) and present(row) and row.months
        ]
        for world, row in rows:
            title = panel_title(choice(content, player), 40)
            ends = (number(end) for end in _span([each for _, each in rows]))
            fixed = (f"{player} {row.prior}", title, view(row.prior), *ends)
            case = (world.label, not world.baseline, player, row.lever, row.prior)
            for month, *values in zip(row.months, row.median, row.q05, row.q95, strict=True):
                out.append((*fixed, *case, middle_of(month), *(number(value) for value in values)))
    return out


def figure(content: ReportContent) -> Figure | None:
    """Draw what each side is expected to choose month by month, with the rival and without, or return None."""
    rows = _paths(content)
    if not rows:
        return None
    worlds = list(dict.fromkeys(str(row[5]) for row in rows))
    panels = list(dict.fromkeys(str(row[0]) for row in rows))
    x = utc("date", format="%Y", tickCount={"interval": "year", "step": 1}, grid=False)
    axis = alt.Axis(tickCount=4, labelExpr=NUMBER_LABELS, minExtent=40, maxExtent=40)
    y = alt.Y("median:Q", title=None, scale=alt.Scale(zero=False, nice=False), axis=axis)
    colour = player_colour(content)
    base = alt.Chart()
    both, alone = base.transform_filter("!datum._rival"), base.transform_filter("datum._rival")
    dash = alt.StrokeDash(
        "world:N",
        title=None,
        scale=alt.Scale(domain=worlds, range=[[1, 0], [6, 4]][: len(worlds)]),
        legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=500, symbolStrokeWidth=2),
    )
    tip: list[Any] = ["world:N", "date:T"]
    tip += [alt.Tooltip(f"{name}:Q", format=".2~r") for name in ("median", "q05", "q95")]
    room = base.mark_point(opacity=0)
    layers = [
        room.encode(x=x, y=alt.Y("_low:Q")),
        room.encode(x=x, y=alt.Y("_high:Q")),
        alone.mark_area(color=QUIET, opacity=0.17).encode(x=x, y=alt.Y("q05:Q"), y2="q95:Q"),
        both.mark_area(opacity=0.2).encode(x=x, y=alt.Y("q05:Q"), y2="q95:Q", color=colour),
        alone.mark_line(color=INK, strokeWidth=2).encode(x=x, y=y, strokeDash=dash, tooltip=tip),
        both.mark_line(strokeWidth=2.6).encode(x=x, y=y, color=colour, strokeDash=dash, tooltip=tip),
    ]
    layered = alt.layer(*layers, *titled("_panel", "_title", "_note"), data=alt.NamedData(AHEAD))
    drawing = (
        layered.properties(height=150)
        .facet(
            facet=alt.Facet("_panel:N", sort=panels, header=NO_HEADER),
            columns=2,
            spacing={"row": 86, "column": 54},
            bounds="flush",
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
    )
    months = len({row[10] for row in rows})
    without = f" Dashed and grey: “{worlds[1]}”." if len(worlds) > 1 else ""
    return Figure(
        AHEAD,
        f"What each side is expected to choose over the {counted(months, 'month')} ahead: median and 90% interval. "
        f"Solid and in the colour of the side that chooses: “{worlds[0]}”.{without}",
        "Equilibria of the game over the model's posterior draws, followed from where each draw stands today.",
        means_in_words(content),
        Layout("facet", margin=44, gap=54, least=300, most=2),
        finished(drawing),
        {AHEAD: Table(_PATHS, tuple(rows))},
        (AHEAD,),
    )


def player_colour(content: ReportContent) -> alt.Color:
    """Return the colour that stands for whoever chooses, the same in all figures."""
    names = list(players(content))
    scale = alt.Scale(domain=names, range=[_COLOURS.get(name, OUTSIDE) for name in names])
    return alt.Color("player:N", scale=scale, legend=None)
