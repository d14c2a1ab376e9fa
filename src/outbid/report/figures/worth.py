"""What to collect next: for each claim and decision, the series that would tell most, ranked, with intervals."""

from __future__ import annotations

import textwrap
from typing import Any

import altair as alt

from outbid.plots.base import (
    FOCUS,
    INK,
    PAPER,
    Cell,
    Figure,
    Layout,
    Table,
    finished,
    number,
)
from outbid.report.worth import words
from outbid.report.worth.content import WorthContent, WorthTarget
from outbid.words.numbers import capital

ID = "worth"
_COLUMNS = (
    "target",
    "_panel",
    "_rank",
    "series",
    "_name",
    "waits",
    "condition",
    "prior",
    "share",
    "low",
    "high",
)
SHOWN = 6
_ROW, _LABELS = 36, 186


def _panel(target: WorthTarget) -> str:
    name = f"{target.id}: {target.label}" if target.kind == "claim" else f"The decision: {target.label}"
    return "\n".join(textwrap.wrap(name, 52, max_lines=2, placeholder=" …"))


def _rows(content: WorthContent) -> list[tuple[Cell, ...]]:
    out: list[tuple[Cell, ...]] = []
    for target in content.targets:
        for rank, measure in enumerate(words.ranked(content, target)[:SHOWN]):
            name = "\n".join(textwrap.wrap(capital(measure.label), 30, max_lines=2, placeholder=" …"))
            waits = "yes" if measure.under else "no"
            for prior in words.priors(content):
                share = words.shares(content, measure.id, target, prior)
                if share is None:
                    continue
                case = (target.id, _panel(target), rank, measure.label, name, waits, words.condition(measure))
                out.append((*case, prior, *(number(min(each, 1.0)) for each in share)))
    return out


def figure(content: WorthContent) -> Figure | None:
    """Draw a panel for each claim and decision, or return None where no series tells anything."""
    rows = _rows(content)
    if not rows:
        return None
    panels = list(dict.fromkeys(str(row[1]) for row in rows))
    tallest = max(len({row[2] for row in rows if row[1] == panel}) for panel in panels)
    x = alt.X(
        "share:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=True),
    )
    y = alt.Y(
        "_name:N",
        title=None,
        sort=alt.EncodingSortField(field="_rank", op="min", order="ascending"),
        axis=alt.Axis(
            minExtent=_LABELS,
            maxExtent=_LABELS,
            labelLimit=_LABELS - 8,
            labelExpr="split(datum.label, '\\n')",
            labelLineHeight=13,
            ticks=False,
            domain=False,
            labelPadding=8,
        ),
    )
    base = alt.Chart()
    tip: list[Any] = ["series:N", "condition:N", "prior:N"]
    tip += [alt.Tooltip(f"{name}:Q", format=".0%") for name in ("share", "low", "high")]
    layers: list[Any] = []
    for prior, shift in (("neutral", -5), ("sources", 5)):
        for waits, shape, colour in (("no", "circle", INK), ("yes", "diamond", FOCUS)):
            one = base.transform_filter(f"datum.prior === '{prior}' && datum.waits === '{waits}'")
            rule = one.mark_rule(strokeWidth=2, yOffset=shift, color=colour)
            layers.append(rule.encode(x=alt.X("low:Q"), x2="high:Q", y=y))
            dot = one.mark_point(
                shape=shape,
                size=58,
                strokeWidth=1.6,
                opacity=1,
                yOffset=shift,
                stroke=colour,
                fill=colour if prior == "neutral" else PAPER,
            )
            layers.append(dot.encode(x=x, y=y, tooltip=tip))
    header = alt.Header(
        title=None,
        labelAnchor="start",
        labelAlign="left",
        labelFontWeight=600,
        labelLimit=460,
        labelExpr="split(datum.label, '\\n')",
    )
    drawing = (
        alt.layer(*layers, data=alt.NamedData(ID))
        .properties(height=_ROW * tallest)
        .facet(
            facet=alt.Facet("_panel:N", sort=panels, header=header),
            columns=2,
            spacing={"row": 84, "column": _LABELS + 20},
            bounds="flush",
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
    )
    return Figure(
        ID,
        "Share of what is unknown that a series is expected to resolve (for the decision: of what knowing everything "
        "would be worth), with its 90% interval; at most six series a panel. Circles: could be collected as things "
        "stand. Diamonds: only while the change happens. Filled: the data alone. Hollow: if the sources are right.",
        f"Figures simulated in {content.draws:,} draws of the posterior; shares out of sample.",
        " ".join(
            f"{target.id if target.kind == 'claim' else 'The decision'}: {words.verdict(content, target)}"
            for target in content.targets
        ),
        Layout("facet", margin=_LABELS + 10, gap=_LABELS + 20, least=400, most=2),
        finished(drawing),
        {ID: Table(_COLUMNS, tuple(rows))},
        (ID,),
    )
