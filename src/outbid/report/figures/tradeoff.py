"""The first picture: members lost to the rival against resources gained, one mark a scenario."""

from __future__ import annotations

import textwrap
from typing import Any

import altair as alt

from outbid.plots.base import (
    FOCUS,
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
from outbid.report.chances import find_effect
from outbid.report.content import Effect, Outcome, ReportContent
from outbid.report.figures.placing import LINE, Box, place
from outbid.words.numbers import more_or_less, unit_of

ID = "tradeoff"
_SHAPES = {"wide": (466.0, 358.0), "narrow": (262.0, 352.0)}
HEIGHT = 400
_LABELS = ("shape", "kind", "text", "x", "y", "from_x", "from_y", "to_x", "to_y")
_COLUMNS = (
    "scenario",
    "prior",
    "asked",
    "resources",
    "resources_q05",
    "resources_q25",
    "resources_q75",
    "resources_q95",
    "members",
    "members_q05",
    "members_q25",
    "members_q75",
    "members_q95",
)


def _numbers(effect: Effect, outcome: Outcome) -> tuple[Cell, ...]:
    factor, _ = unit_of(outcome.unit, difference=True)
    found = (effect.median, effect.q05, effect.q25, effect.q75, effect.q95)
    return tuple(None if value is None else number(value * factor) for value in found)


def _rows(content: ReportContent, resources: Outcome, members: Outcome) -> list[tuple[Cell, ...]]:
    asked = {content.roles.get("moderation"), content.roles.get("moderation_with_aid")}
    rows: list[tuple[Cell, ...]] = []
    for scenario in sorted(content.scenarios, key=lambda s: s.id in asked):
        for prior in ("sources", "neutral"):
            gain = find_effect(content, scenario.id, resources.id, prior)
            loss = find_effect(content, scenario.id, members.id, prior)
            if gain is not None and loss is not None and not scenario.baseline:
                numbers = (*_numbers(gain, resources), *_numbers(loss, members))
                rows.append((scenario.label, prior, scenario.id in asked, *numbers))
    return rows


def _limits(rows: list[tuple[Cell, ...]], first: int) -> tuple[float, float]:
    """Return the extent of the 90% intervals in columns `first` to `first + 4`, with zero and some air."""
    values = [0.0] + [float(cell) for row in rows for cell in row[first : first + 5] if cell is not None]
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or 1.0
    return low - air, high + air


def _wrapped(label: str) -> str:
    return "\n".join(textwrap.wrap(label, 24, max_lines=2, placeholder=" …"))


def _labels(
    rows: list[tuple[Cell, ...]], baseline: str, x: tuple[float, float], y: tuple[float, float]
) -> list[tuple[Cell, ...]]:
    """Return the labels' places in the data's units, for a wide and for a narrow drawing."""
    out: list[tuple[Cell, ...]] = []
    for shape, (width, height) in _SHAPES.items():
        across = width / (x[1] - x[0])
        down = height / (y[1] - y[0])
        origin = (-x[0] * across, y[1] * down)
        points = [(*origin, _wrapped(baseline))]
        kinds = ["baseline"]
        marks: list[Box] = [(origin[0] - 7, origin[1] - 7, origin[0] + 7, origin[1] + 7)]
        if shape == "wide":  # the corner notes
            marks += [(0, 0, 190, 17), (width - 200, 0, width, 17)]
            marks += [(0, height - 17, 190, height), (width - 200, height - 17, width, height)]
        lines: list[Box] = []
        for name, prior, asked, *numbers in rows:
            at = [0.0 if cell is None else float(cell) for cell in numbers]
            px, py = (at[0] - x[0]) * across, (y[1] - at[5]) * down
            marks.append((px - 7, py - 7, px + 7, py + 7))
            lines.append(((at[1] - x[0]) * across, py - 1, (at[4] - x[0]) * across, py + 1))
            lines.append((px - 1, (y[1] - at[9]) * down, px + 1, (y[1] - at[6]) * down))
            if prior == "neutral":
                points.insert(0, (px, py, _wrapped(str(name))))
                kinds.insert(0, "asked" if asked else "other")
        for kind, point, spot in zip(kinds, points, place(points, marks, lines, width, height), strict=True):
            ends = (point[0], point[1], *spot.leader) if spot.distance > 12 else (None, None, None, None)
            places = zip((spot.left, spot.middle, *ends), (across, down) * 3, strict=True)
            data = [
                None
                if pixel is None
                else number(x[0] + pixel / scale if i % 2 == 0 else y[1] - pixel / scale)
                for i, (pixel, scale) in enumerate(places)
            ]
            out.append((shape, kind, spot.text, *data))
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
    x, y = _limits(rows, 3), _limits(rows, 8)
    across = alt.X(
        "resources:Q",
        title=f"Resources gained ({unit_of(resources.unit, difference=True)[1]}) →",
        scale=alt.Scale(domain=list(x), nice=False),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    up = alt.Y(
        "members:Q",
        title=f"Members lost to the rival ({unit_of(members.unit, difference=True)[1]}) →",
        scale=alt.Scale(domain=list(y), nice=False),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    marks = chart("effects")
    colour = alt.condition("datum.asked", alt.value(FOCUS), alt.value(QUIET))
    whiskers = []
    for low, high, width, strength in (("q05", "q95", 1.1, (0.75, 0.4)), ("q25", "q75", 3.4, (0.95, 0.5))):
        opacity = alt.condition("datum.prior === 'neutral'", alt.value(strength[0]), alt.value(strength[1]))
        base = marks.mark_rule(strokeWidth=width, strokeCap="butt").encode(color=colour, opacity=opacity)
        whiskers.append(base.encode(x=alt.X(f"resources_{low}:Q"), x2=f"resources_{high}:Q", y=up))
        whiskers.append(base.encode(y=alt.Y(f"members_{low}:Q"), y2=f"members_{high}:Q", x=across))
    points = marks.mark_point(size=95, strokeWidth=1.8, opacity=1).encode(
        x=across,
        y=up,
        stroke=colour,
        fill=alt.condition(
            "datum.prior !== 'neutral'",
            alt.value(PAPER),
            alt.value(alt.expr("datum.asked ? 'var(--focus)' : 'var(--quiet)'")),
        ),
        tooltip=[
            alt.Tooltip("scenario:N"),
            alt.Tooltip("prior:N"),
            alt.Tooltip("resources:Q", format=".2~r"),
            alt.Tooltip("members:Q", format=".2~r"),
        ],
    )
    ties = marks.mark_line(strokeDash=[2, 3], strokeWidth=1).encode(
        x=across, y=up, detail="scenario:N", color=colour
    )
    zero = [
        chart("origin").mark_rule(color=QUIET, strokeDash=[1, 3]).encode(x="x:Q"),
        chart("origin").mark_rule(color=QUIET, strokeDash=[1, 3]).encode(y="y:Q"),
        chart("origin")
        .mark_point(shape="diamond", size=110, fill=QUIET, stroke=PAPER, opacity=1)
        .encode(x="x:Q", y="y:Q"),
    ]
    labels = chart("labels").transform_filter("datum.shape === shape")
    leaders = labels.mark_rule(color=QUIET, strokeWidth=0.8).encode(
        x=alt.X("from_x:Q"), y=alt.Y("from_y:Q"), x2="to_x:Q", y2="to_y:Q"
    )
    names = labels.mark_text(
        align="left",
        baseline="middle",
        fontSize=13,
        stroke=PAPER,
        strokeWidth=4,
        strokeJoin="round",
        lineBreak="\n",
        lineHeight=LINE,
    ).encode(
        x="x:Q",
        y="y:Q",
        text="text:N",
        fill=alt.condition("datum.kind === 'asked'", alt.value(FOCUS), alt.value(INK)),
    )
    drawing = alt.layer(*zero, *_corners(), ties, *whiskers, leaders, points, names)
    drawing = drawing.properties(height=HEIGHT).add_params(alt.param(name="shape", value="wide"))
    return Figure(
        ID,
        f"Members lost to the rival against resources gained, each against “{baseline}” at the origin, over "
        f"{content.horizon_months} months; moderation in colour. Filled: what the data alone say. Hollow: if "
        f"the sources are right. Lines: 90% intervals, their thick part the middle half.",
        "The model's scenarios over its posterior draws, the same shocks in every scenario.",
        _alternative(content, rows, resources, members, baseline),
        Layout("single"),
        finished(drawing),
        {
            "effects": Table(_COLUMNS, tuple(rows)),
            "labels": Table(_LABELS, tuple(_labels(rows, baseline, x, y))),
            "origin": Table(("x", "y"), ((0, 0),)),
        },
        ("effects",),
        {"shape": {"wide": "wide", "narrow": "narrow", "below": 430}},
    )


def _corners() -> list[alt.Chart]:
    """Return the four corner notes that say what each quarter of the picture means; a phone has no room."""
    style: dict[str, Any] = {"color": QUIET, "fontSize": 11, "fontStyle": "italic", "baseline": "middle"}
    left = chart("origin").mark_text(align="left", **style).encode(x=alt.value(6))
    right = chart("origin").mark_text(align="right", **style).encode(x=alt.value(alt.expr("width - 6")))
    top, bottom = alt.value(9), alt.value(alt.expr("height - 8"))
    shown = alt.value(alt.expr("shape === 'wide' ? 1 : 0"))
    return [
        left.encode(y=top, opacity=shown, text=alt.value("loses members and resources")),
        right.encode(y=top, opacity=shown, text=alt.value("gains resources, loses members")),
        left.encode(y=bottom, opacity=shown, text=alt.value("keeps members, loses resources")),
        right.encode(y=bottom, opacity=shown, text=alt.value("gains resources, keeps members")),
    ]


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
