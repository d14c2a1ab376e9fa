"""How likely the sources' claims were before the data, and how likely they are after them."""

from __future__ import annotations

from typing import Any

import altair as alt

from outbid.plots.base import (
    FAINT,
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
from outbid.report.claims.content import VERDICTS
from outbid.report.claims.rows import judged, known, tests_of, weakest
from outbid.report.claims.words import CLASH, disagreement, groups, heading
from outbid.report.content import ReportContent
from outbid.words.numbers import counted, shorten

ID = "claims"
_COLUMNS = (
    *("claim", "_label", "question", "verdict", "before", "after"),
    *("verdict_if_sources_right", "before_if_sources_right", "after_if_sources_right", "_rank"),
)
_ROW, _LETTERS = 20, 66
_WIDE, _NARROW, _BELOW = 440, 128, 760
_CROSS = "M-1,-1L1,1M1,-1L-1,1"
_SHAPES = ("circle", _CROSS, "circle", "square")


def _rows(content: ReportContent) -> list[tuple[Cell, ...]]:
    """Return a row for each tested claim with a probability, by verdict and within it from the likeliest down."""
    audit = content.claims_audit
    out: list[tuple[Cell, ...]] = []
    for found in judged(audit):
        trial, other = (weakest(audit, found, prior) for prior in ("neutral", "sources"))
        verdict = found.by_prior.get("neutral", found.verdict)
        if disagreement(tests_of(audit, found)):
            label = f"{found.id} {CLASH}: see the table"
            out.append(
                (found.id, label, CLASH, verdict, None, None, found.by_prior.get("sources"), None, None)
            )
            continue
        if trial is None or known(trial.probability) is None:
            continue
        before, after = number(trial.prior_probability), number(trial.probability)
        sources = (number(other.prior_probability), number(other.probability)) if other else (None, None)
        label = f"{found.id} {shorten(trial.question, _LETTERS)}"
        verdicts = (
            found.by_prior.get("neutral", found.verdict),
            before,
            after,
            found.by_prior.get("sources"),
        )
        out.append((found.id, label, trial.question, *verdicts, *sources))
    order = {verdict: i for i, verdict in enumerate(VERDICTS)}
    out.sort(key=lambda row: (order.get(str(row[3]), 9), -float(row[5] or 0.0)))
    return [(*row, i) for i, row in enumerate(out)]


def _domain(content: ReportContent, rows: list[tuple[Cell, ...]]) -> list[str]:
    """Return the labels from top to bottom, a line for each verdict above its claims."""
    out: list[str] = []
    for group in groups(content.claims_audit):
        inside = [str(row[1]) for row in rows if row[3] == group.verdict]
        out += [group.words, *inside] if inside else []
    return out


def figure(content: ReportContent) -> Figure | None:
    """Draw a line from before to after for every tested claim, or return None where there is none."""
    rows = _rows(content)
    if not rows:
        return None
    labels = _domain(content, rows)
    heads = [label for label in labels if label[0] in "✓✗?■"]
    is_head = f"indexof({heads!r}, datum.value) >= 0"
    y = alt.Y(
        "_label:N",
        title=None,
        scale=alt.Scale(domain=labels),
        axis=alt.Axis(
            labelAlign="left",
            labelPadding=alt.ExprRef(f"shape === 'wide' ? {_WIDE} : {_NARROW}"),
            labelLimit=alt.ExprRef(f"shape === 'wide' ? {_WIDE - 8} : {_NARROW - 6}"),
            labelFontWeight={"condition": {"test": is_head, "value": "bold"}, "value": "normal"},
            labelColor={"condition": {"test": is_head, "value": INK}, "value": QUIET},
            ticks=False,
            domain=False,
            grid=True,
        ),
    )
    x = alt.X(
        "after:Q",
        title="Probability that it is so",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(
            orient="top", values=[0, 0.25, 0.5, 0.75, 1], format="%", grid=True, titleFontWeight="normal"
        ),
    )
    base = chart(ID).encode(y=y)
    tip: list[Any] = ["claim:N", "question:N", "verdict:N"]
    tip += [alt.Tooltip(f"{name}:Q", format=".0%") for name in (*_COLUMNS[4:6], *_COLUMNS[7:9])]
    shapes = alt.Scale(domain=list(VERDICTS), range=list(_SHAPES))
    filled = alt.condition(
        "datum.verdict === 'not identified'",
        alt.value(PAPER),
        alt.value(INK),
    )
    seen = base.transform_filter("isValid(datum.before)")
    drawing = alt.layer(
        seen.mark_rule(color=INK, strokeWidth=1.6).encode(x=alt.X("before:Q"), x2="after:Q"),
        seen.mark_tick(color=INK, thickness=2, size=11, opacity=1).encode(x=alt.X("before:Q")),
        base.transform_filter("isValid(datum.before_if_sources_right)")
        .mark_point(shape="triangle-down", size=34, stroke=QUIET, fill=FAINT, opacity=1, yOffset=-6)
        .encode(x=alt.X("before_if_sources_right:Q"), tooltip=tip),
        base.transform_filter("isValid(datum.after)")
        .mark_point(size=72, stroke=INK, strokeWidth=1.8, opacity=1)
        .encode(x=x, shape=alt.Shape("verdict:N", scale=shapes, legend=None), fill=filled, tooltip=tip),
    )
    drawing = drawing.properties(height=_ROW * len(labels)).add_params(alt.param(name="shape", value="wide"))
    return Figure(
        ID,
        "Every tested claim on the data alone: the tick is its probability before the data, the large mark that "
        "after them. A long line: the data had much to say. The small triangle is what the sources' own priors "
        "would have it before the data. A mark without a line is an observation, held against published figures "
        "only. A claim of several tests is shown by its weakest.",
        "Runs of the model from before and after the data; claims as in the table below.",
        _alternative(content, rows),
        Layout("single"),
        finished(drawing),
        {ID: Table(_COLUMNS, tuple(rows))},
        (ID,),
        {"shape": {"wide": "wide", "narrow": "narrow", "below": _BELOW}},
    )


def _alternative(content: ReportContent, rows: list[tuple[Cell, ...]]) -> str:
    told = " ".join(f"{each.words}: {', '.join(each.claims)}." for each in groups(content.claims_audit))
    moved = sorted(
        (row for row in rows if row[4] is not None),
        key=lambda row: -abs(float(row[5] or 0) - float(row[4] or 0)),
    )
    most = f" The data moved {moved[0][0]} most." if moved else ""
    return (
        f"{heading(content.claims_audit, content.claims)}. {counted(len(rows), 'claim')} drawn. {told}{most} "
        "All numbers are in the table below."
    )
