"""What we can't tell: how far the data moved each parameter."""

from __future__ import annotations

import altair as alt

from outbid.plots.base import INK, PAPER, QUIET, Cell, Figure, Layout, Table, finished, number
from outbid.report.content import ParameterRow, ReportContent
from outbid.report.headings import what_is_unknown
from outbid.words.numbers import plain_name

ID = "contraction"
_ROW = 15
_BETTER, _LESS = "Best known", "Least known"


def by_contraction(content: ReportContent) -> tuple[ParameterRow, ...]:
    """Return the parameters, the best known first."""
    return tuple(sorted(content.parameters, key=lambda row: -row.contraction.get("neutral", 0.0)))


def figure(content: ReportContent) -> Figure | None:
    """Draw a dot plot in two columns, the best known first, or return None without parameters."""
    rows = by_contraction(content)
    if not rows:
        return None
    half = (len(rows) + 1) // 2
    cells: list[tuple[Cell, ...]] = []
    for i, row in enumerate(rows):
        for prior, value in row.contraction.items():
            half_of = _BETTER if i < half else _LESS
            # a spread that grew is drawn at nothing: beyond the edge it would lie on another panel
            cells.append((plain_name(row.name), i, half_of, prior, number(value), number(max(value, 0.0))))
    x = alt.X(
        "_shown:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(
            values=[0, 0.5, 1],
            labelExpr="datum.value == 0 ? 'nothing' : datum.value == 1 ? 'everything' : 'half'",
            grid=True,
        ),
    )
    y = alt.Y(
        "parameter:N",
        title=None,
        sort=alt.EncodingSortField(field="_rank", order="ascending"),
        axis=alt.Axis(
            minExtent=176, maxExtent=176, labelLimit=170, ticks=False, domain=False, grid=True, labelPadding=9
        ),
    )
    base = alt.Chart()
    drawing = alt.layer(
        base.mark_line(color=QUIET, strokeWidth=1).encode(x=x, y=y, detail="parameter:N"),
        base.mark_point(size=42, stroke=INK, strokeWidth=1.3, opacity=1).encode(
            x=x,
            y=y,
            fill=alt.condition("datum.prior === 'neutral'", alt.value(INK), alt.value(PAPER)),
            tooltip=["parameter:N", "prior:N", alt.Tooltip("contraction:Q", format=".2~r")],
        ),
        data=alt.NamedData("contraction"),
    ).properties(height=_ROW * half)
    header = alt.Header(title=None, labelAnchor="start", labelAlign="left", labelFontWeight=600)
    drawing = drawing.facet(
        facet=alt.Facet("_half:N", sort=[_BETTER, _LESS], header=header),
        columns=2,
        spacing={"row": 50, "column": 196},
        bounds="flush",
    ).resolve_scale(y="independent")
    return Figure(
        ID,
        "How much of what there was to learn about each parameter the data taught: from nothing (the prior "
        "speaks) to everything; a spread that grew counts as nothing. Filled: neutral priors. Hollow: the sources' priors.",
        "Posterior against prior variance, on the scale on which the prior is normal.",
        _alternative(content, rows),
        Layout("facet", margin=186, gap=196, least=360, most=2),
        finished(drawing),
        {
            "contraction": Table(
                ("parameter", "_rank", "_half", "prior", "contraction", "_shown"), tuple(cells)
            )
        },
        ("contraction",),
    )


def _alternative(content: ReportContent, rows: tuple[ParameterRow, ...]) -> str:
    best = ", ".join(plain_name(row.name) for row in rows[:3])
    worst = ", ".join(plain_name(row.name) for row in rows[-3:])
    return (
        f"{what_is_unknown(content)}. Best known: {best}. Least known: {worst}. All are in the table below."
    )
