"""What they would choose in other worlds: each side's mean choice in every one."""

from __future__ import annotations

from typing import Any

import altair as alt

from outbid.plots.base import (
    NUMBER_LABELS,
    PAPER,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    finished,
    number,
)
from outbid.report.content import ReportContent
from outbid.report.figures.equilibrium import player_colour
from outbid.report.play.rows import (
    choice,
    find_row,
    means_in_words,
    ordered_worlds,
    players,
    present,
    prior_sets,
)

WORLDS = "worlds"
_MEANS = ("world", "_rank", "_panel", "player", "lever", "prior", "chosen", "mean", "q05", "q95", "_today")
_ROW, _LABELS = 34, 158


def _means(content: ReportContent) -> list[tuple[Cell, ...]]:
    out: list[tuple[Cell, ...]] = []
    base = next((world.id for world in content.play.worlds if world.baseline), "")
    for player in players(content):
        today = find_row(content.play, base, player, prior_sets(content.play)[0])
        level = number(today.mean_median) if today else None
        panel = choice(content, player)
        for rank, world in enumerate(ordered_worlds(content)):
            for prior in prior_sets(content.play):
                row = find_row(content.play, world.id, player, prior)
                if row is None or not present(row):
                    continue
                numbers = (number(value) for value in (row.mean_median, row.mean_q05, row.mean_q95))
                case = (player, row.lever, prior, "yes" if row.decides else "no, set")
                out.append((world.label, rank, panel, *case, *numbers, level))
    return out


def figure(content: ReportContent) -> Figure | None:
    """Draw each side's mean choice in every world, one mark per prior set, or return None without rows."""
    rows = _means(content)
    if not rows:
        return None
    panels = list(dict.fromkeys(str(row[2]) for row in rows))
    tallest = max(len({row[0] for row in rows if row[2] == panel}) for panel in panels)
    x = alt.X(
        "mean:Q",
        title=None,
        scale=alt.Scale(zero=False, padding=8),
        axis=alt.Axis(tickCount=5, labelExpr=NUMBER_LABELS, grid=True),
    )
    y = alt.Y(
        "world:N",
        title=None,
        sort=alt.EncodingSortField(field="_rank", op="min", order="ascending"),
        axis=alt.Axis(
            minExtent=_LABELS,
            maxExtent=_LABELS,
            labelLimit=_LABELS - 8,
            ticks=False,
            domain=False,
            labelPadding=8,
        ),
    )
    colour, base = player_colour(content), alt.Chart()
    chosen = base.transform_filter("datum.chosen === 'yes'")
    tip: list[Any] = ["world:N", "prior:N", "chosen:N"]
    tip += [alt.Tooltip(f"{name}:Q", format=".2~r") for name in ("mean", "q05", "q95")]
    layers: list[Any] = [base.mark_rule(color=QUIET, strokeDash=[2, 3]).encode(x=alt.X("max(_today):Q"))]
    for prior, shift, fill in (("neutral", -5, colour), ("sources", 5, alt.value(PAPER))):
        one = chosen.transform_filter(f"datum.prior === '{prior}'")
        rule = one.mark_rule(strokeWidth=2.2, yOffset=shift)
        dot = one.mark_point(size=64, strokeWidth=1.6, opacity=1, yOffset=shift)
        layers.append(rule.encode(x=alt.X("q05:Q"), x2="q95:Q", y=y, color=colour))
        layers.append(dot.encode(x=x, y=y, stroke=colour, fill=fill, tooltip=tip))
    fixed = base.transform_filter("datum.chosen !== 'yes'")
    cross = fixed.mark_point(shape="diamond", size=75, filled=True, opacity=1, color=QUIET)
    layers.append(cross.encode(x=x, y=y, tooltip=tip))
    drawing = (
        alt.layer(
            *layers,
            data=alt.NamedData(WORLDS),
        )
        .properties(height=_ROW * tallest)
        .facet(
            facet=alt.Facet(
                "_panel:N",
                sort=panels,
                header=alt.Header(title=None, labelAnchor="start", labelAlign="left", labelFontWeight=600),
            ),
            columns=2,
            spacing={"row": 64, "column": _LABELS + 20},
            bounds="flush",
        )
        .resolve_scale(x="independent", y="independent")
    )
    sets = " Grey diamonds: set in that world, not chosen." if any(row[6] != "yes" for row in rows) else ""
    return Figure(
        WORLDS,
        "Mean over the months ahead in every world, with its 90% interval. Filled: the data alone. Hollow: if the "
        f"sources are right. The dotted line is the baseline on the data alone.{sets}",
        "The same equilibria; only what a world says is different in it.",
        means_in_words(content),
        Layout("facet", margin=_LABELS + 8, gap=_LABELS + 20, least=360, most=2),
        finished(drawing),
        {WORLDS: Table(_MEANS, tuple(rows))},
        (WORLDS,),
    )
