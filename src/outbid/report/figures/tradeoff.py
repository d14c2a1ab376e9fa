"""The first picture: members lost to the rival against resources gained, one mark a scenario."""

from __future__ import annotations

import altair as alt

from outbid.report.chances import find_effect
from outbid.report.content import Effect, Outcome, ReportContent
from outbid.report.figures.common import (
    INK,
    PAPER,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    chart,
    finished,
    number,
)
from outbid.report.figures.placing import Box, place
from outbid.report.numbers import more_or_less, unit_of

ID = "tradeoff"
_SHAPES = {"wide": (500.0, 400.0), "narrow": (270.0, 360.0)}
_COLUMNS = (
    "scenario", "prior", "resources", "resources_q05", "resources_q25", "resources_q75", "resources_q95",
    "members", "members_q05", "members_q25", "members_q75", "members_q95",
)  # fmt: skip


def _numbers(effect: Effect, outcome: Outcome) -> tuple[Cell, ...]:
    factor, _ = unit_of(outcome.unit, difference=True)
    found = (effect.median, effect.q05, effect.q25, effect.q75, effect.q95)
    return tuple(None if value is None else number(value * factor) for value in found)


def _rows(content: ReportContent, resources: Outcome, members: Outcome) -> list[tuple[Cell, ...]]:
    rows = []
    for scenario in content.scenarios:
        for prior in ("sources", "neutral"):
            gain = find_effect(content, scenario.id, resources.id, prior)
            loss = find_effect(content, scenario.id, members.id, prior)
            if gain is not None and loss is not None and not scenario.baseline:
                rows.append((scenario.label, prior, *_numbers(gain, resources), *_numbers(loss, members)))
    return rows


def _limits(rows: list[tuple[Cell, ...]], first: int) -> tuple[float, float]:
    """Return the extent of the 90% intervals in columns `first` to `first + 4`, with zero and some air."""
    values = [0.0] + [float(cell) for row in rows for cell in row[first : first + 5] if cell is not None]
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or 1.0
    return low - air, high + air


def _labels(
    rows: list[tuple[Cell, ...]], baseline: str, x: tuple[float, float], y: tuple[float, float]
) -> list[tuple[Cell, ...]]:
    """Return the labels' places in the data's units, for a wide and for a narrow drawing."""
    out: list[tuple[Cell, ...]] = []
    for shape, (width, height) in _SHAPES.items():
        across = width / (x[1] - x[0])
        down = height / (y[1] - y[0])
        points: list[tuple[float, float, str]] = [(-x[0] * across, y[1] * down, baseline)]
        boxes: list[Box] = [(0, 0, width, 16), (0, height - 16, width, height)]  # the corner notes
        for row in rows:
            numbers = [0.0 if cell is None else float(cell) for cell in row[2:]]
            px, py = (numbers[0] - x[0]) * across, (y[1] - numbers[5]) * down
            boxes.append((px - 6, py - 6, px + 6, py + 6))
            boxes.append(((numbers[1] - x[0]) * across, py - 1, (numbers[4] - x[0]) * across, py + 1))
            boxes.append((px - 1, (y[1] - numbers[9]) * down, px + 1, (y[1] - numbers[6]) * down))
            if row[1] == "neutral":
                points.append((px, py, str(row[0])))
        for spot in place(points, boxes, width, height):
            kind = "baseline" if spot.text == baseline else "scenario"
            out.append(
                (shape, kind, spot.text, number(x[0] + spot.left / across), number(y[1] - spot.middle / down))
            )
    return out


def figure(content: ReportContent) -> Figure | None:
    """Draw the trade-off, or return None where either outcome has no results.

    Filled marks are the neutral priors (what the data alone say), hollow ones the sources' priors. Whiskers
    are 90% intervals, their thick part the middle half where it is known.
    """
    by_id = {outcome.id: outcome for outcome in content.outcomes}
    resources = by_id.get(content.roles.get("resources", ""))
    members = by_id.get(content.roles.get("members_lost", ""))
    baseline = next((scenario.label for scenario in content.scenarios if scenario.baseline), "Baseline")
    rows = _rows(content, resources, members) if resources and members else []
    if not rows or resources is None or members is None:
        return None
    x, y = _limits(rows, 2), _limits(rows, 7)
    across = alt.X("resources:Q", title=f"Resources gained ({unit_of(resources.unit, difference=True)[1]}) →",
                   scale=alt.Scale(domain=list(x), nice=False), axis=alt.Axis(grid=False, tickCount=5))  # fmt: skip
    up = alt.Y("members:Q", title=f"Members lost to the rival ({unit_of(members.unit, difference=True)[1]}) →",
               scale=alt.Scale(domain=list(y), nice=False), axis=alt.Axis(grid=False, tickCount=6))  # fmt: skip
    marks = chart("effects")
    strength = alt.condition("datum.prior === 'neutral'", alt.value(0.85), alt.value(0.4))
    whiskers = []
    for low, high, width in (("q05", "q95", 1.2), ("q25", "q75", 3.4)):
        style = {"color": INK, "strokeWidth": width, "strokeCap": "butt"}
        whiskers.append(
            marks.mark_rule(**style).encode(
                x=alt.X(f"resources_{low}:Q"), x2=f"resources_{high}:Q", y=up, opacity=strength
            )
        )
        whiskers.append(
            marks.mark_rule(**style).encode(
                y=alt.Y(f"members_{low}:Q"), y2=f"members_{high}:Q", x=across, opacity=strength
            )
        )
    points = marks.mark_point(size=95, strokeWidth=1.8, opacity=1, stroke=INK).encode(
        x=across, y=up, fill=alt.condition("datum.prior === 'neutral'", alt.value(INK), alt.value(PAPER)),
        tooltip=[alt.Tooltip("scenario:N"), alt.Tooltip("prior:N"), alt.Tooltip("resources:Q", format=".2~r"),
                 alt.Tooltip("members:Q", format=".2~r")],
    )  # fmt: skip
    ties = marks.mark_line(strokeDash=[2, 3], color=QUIET, strokeWidth=1).encode(
        x=across, y=up, detail="scenario:N"
    )
    zero = [
        chart("origin").mark_rule(color=QUIET, strokeDash=[1, 3]).encode(x="x:Q"),
        chart("origin").mark_rule(color=QUIET, strokeDash=[1, 3]).encode(y="y:Q"),
        chart("origin")
        .mark_point(shape="diamond", size=110, fill=QUIET, stroke=PAPER, opacity=1)
        .encode(x="x:Q", y="y:Q"),
    ]
    names = chart("labels").transform_filter("datum.shape === shape").mark_text(
        align="left", baseline="middle", fontSize=13, stroke=PAPER, strokeWidth=4, strokeJoin="round",
    ).encode(
        x="x:Q", y="y:Q", text="text:N",
        fill=alt.condition("datum.kind === 'baseline'", alt.value(QUIET), alt.value(INK)),
    )  # fmt: skip
    drawing = alt.layer(*zero, *_corners(), ties, *whiskers, points, names)
    drawing = drawing.properties(height=_SHAPES["wide"][1]).add_params(alt.param(name="shape", value="wide"))
    return Figure(
        ID,
        f"Members lost to the rival against resources gained, each against “{baseline}” at the origin, over "
        f"{content.horizon_months} months. Filled: what the data alone say. Hollow: if the sources are right. "
        f"Lines: 90% intervals, their thick part the middle half.",
        "The model's scenarios over its posterior draws, the same shocks in every scenario.",
        _alternative(content, rows, resources, members, baseline),
        Layout("single"),
        finished(drawing),
        {
            "effects": Table(_COLUMNS, tuple(rows)),
            "labels": Table(("shape", "kind", "text", "x", "y"), tuple(_labels(rows, baseline, x, y))),
            "origin": Table(("x", "y"), ((0, 0),)),
        },
        "effects",
        {"shape": {"wide": "wide", "narrow": "narrow", "below": 430}},
    )


def _corners() -> list[alt.Chart]:
    """Return the four corner notes that say what each quarter of the picture means."""
    notes = (
        ("loses members and resources", 6, 9, "left"), ("gains resources, loses members", -6, 9, "right"),
        ("keeps members, loses resources", 6, -8, "left"), ("gains resources, keeps members", -6, -8, "right"),
    )  # fmt: skip
    out = []
    for text, dx, dy, align in notes:
        x = alt.value(dx) if dx > 0 else alt.value(alt.expr(f"width - {-dx}"))
        y = alt.value(dy) if dy > 0 else alt.value(alt.expr(f"height - {-dy}"))
        mark = chart("origin").mark_text(
            align=align, color=QUIET, fontSize=11, fontStyle="italic", baseline="middle"
        )
        wide = mark.encode(
            x=x, y=y, text=alt.value(text), opacity=alt.value(alt.expr("shape === 'wide' ? 1 : 0"))
        )
        out.append(wide)
    return out


def _alternative(
    content: ReportContent, rows: list[tuple[Cell, ...]], resources: Outcome, members: Outcome, baseline: str
) -> str:
    parts = []
    for scenario in content.scenarios:
        gain = find_effect(content, scenario.id, resources.id, "neutral")
        loss = find_effect(content, scenario.id, members.id, "neutral")
        if gain and loss and not scenario.baseline:
            parts.append(
                f"{scenario.label}: {more_or_less(loss.median, members.unit)} lost, resources "
                f"{more_or_less(gain.median, resources.unit)}"
            )
    return f"A scatter of {len(rows)} marks against {baseline}. On the data alone, {'; '.join(parts)}."
