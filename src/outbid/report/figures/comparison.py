"""How probable it is that a course meets all goals: one mark per course and prior set."""

from __future__ import annotations

import altair as alt

from outbid.plots.base import (
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
from outbid.report.comparison.content import ComparisonContent
from outbid.report.comparison.words import heading, labels, prior_sets
from outbid.report.play.rows import view
from outbid.words.numbers import percent

ID = "goals"
_COLUMNS = ("course", "_rank", "prior", "before", "after")
_ROW, _LABELS = 30, 220


def figure(content: ComparisonContent) -> Figure | None:
    """Draw the probability of meeting all goals, before the data and after, or return None without goals."""
    names = labels(content)
    ranks = {course.id: i for i, course in enumerate(content.courses)}
    rows: list[tuple[Cell, ...]] = [
        (names[r.scenario], ranks[r.scenario], r.prior, number(r.before), number(r.together))
        for r in content.reached
    ]
    if not rows:
        return None
    highest = max(max(row.together, row.before) for row in content.reached)
    x = alt.X(
        "after:Q",
        title="Probability of meeting all goals",
        scale=alt.Scale(domain=[0, min(1.0, 1.15 * highest + 0.01)]),
        axis=alt.Axis(orient="top", tickCount=5, format="%", grid=True, titleFontWeight="normal"),
    )
    y = alt.Y(
        "course:N",
        title=None,
        sort=alt.EncodingSortField(field="_rank", op="min", order="ascending"),
        axis=alt.Axis(labelLimit=_LABELS, ticks=False, domain=False, labelPadding=8),
    )
    layers = []
    tip = ["course:N", "prior:N", *(alt.Tooltip(f"{name}:Q", format=".0%") for name in ("before", "after"))]
    for prior, shift, fill in (("neutral", -5, INK), ("sources", 5, PAPER)):
        one = chart(ID).transform_filter(f"datum.prior === '{prior}'")
        layers += [
            one.mark_rule(color=QUIET, strokeWidth=1.4, yOffset=shift).encode(
                x=alt.X("before:Q"), x2="after:Q", y=y
            ),
            one.mark_tick(color=QUIET, thickness=2, size=9, opacity=1, yOffset=shift).encode(
                x=alt.X("before:Q"), y=y
            ),
            one.mark_point(size=64, stroke=INK, strokeWidth=1.6, fill=fill, opacity=1, yOffset=shift).encode(
                x=x, y=y, tooltip=tip
            ),
        ]
    return Figure(
        ID,
        "How probable it is that a course ends where all goals are met. Filled: the data alone. Hollow: if the sources "
        "are right. The tick at a line's other end is the same before the data: a short line says that the data had "
        "little to say. The scale ends where the marks do, not at 100%.",
        f"Runs of the model over {content.horizon_months} months; goals as listed above.",
        _alternative(content),
        Layout("single"),
        finished(alt.layer(*layers).properties(height=_ROW * len(content.courses))),
        {ID: Table(_COLUMNS, tuple(rows))},
        (ID,),
    )


def _alternative(content: ComparisonContent) -> str:
    names, parts = labels(content), []
    for prior in prior_sets(content):
        each = "; ".join(
            f"{names[r.scenario]} {percent(r.together)} ({percent(r.before)} before the data)"
            for r in content.reached
            if r.prior == prior
        )
        parts.append(f"{view(prior)[:1].upper()}{view(prior)[1:]}: {each}.")
    return f"{heading(content)}. {' '.join(parts)}"
