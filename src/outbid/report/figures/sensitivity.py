"""What matters most: for each outcome, its ten weightiest unknowns with their share alone and in all."""

from __future__ import annotations

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
    finished,
    number,
)
from outbid.report.sensitivity.content import FREE, SensitivityContent
from outbid.report.sensitivity.words import SHOWN, meaning_of, panel_sentence, versions
from outbid.words.numbers import plain_name

ID = "sensitivity"
SIGNAL = "sensitivity_version"
_COLUMNS = (
    *("outcome", "_version", "version", "_rank", "unknown", "meaning", "share"),
    *("value", "low", "high"),
)
ALONE, IN_ALL, DRAWN = "alone", "in all", "alone, on the draws as they are"
_ROW, _LABELS = 27, 172
# the axis goes a little beyond a share of all, for intervals; what is beyond is cut
_LEAST, _MOST = 0.0, 1.05


def _rows(content: SensitivityContent) -> list[tuple[Cell, ...]]:
    out: list[tuple[Cell, ...]] = []
    for panel in content.panels:
        told = "free of the priors" if panel.version == FREE else panel.version
        for rank, row in enumerate(panel.rows[:SHOWN]):
            case = (
                panel.label,
                panel.version,
                told,
                rank,
                plain_name(row.input),
                meaning_of(content, row.input),
            )
            shares = [
                (ALONE, row.first, row.first_half),
                (IN_ALL, row.total, row.total_half),
            ]
            if row.drawn is not None:
                shares.append((DRAWN, row.drawn, 0.0))
            for name, share, half in shares:
                ends = (min(max(share + step, _LEAST), _MOST) for step in (0.0, -half, half))
                out.append((*case, name, *(number(end) for end in ends)))
    return out


def figure(content: SensitivityContent) -> Figure | None:
    """Draw a panel for each outcome, one version of the shares at a time, or return None without any."""
    rows = _rows(content)
    if not rows:
        return None
    panels = list(dict.fromkeys(str(row[0]) for row in rows))
    tallest = max(
        len({row[4] for row in rows if row[0] == p and row[1] == v}) for p, v in {row[:2] for row in rows}
    )
    first = versions(content)[0]
    x = alt.X(
        "value:Q",
        title=None,
        scale=alt.Scale(domain=[_LEAST, _MOST], nice=False),
        axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=True),
    )
    y = alt.Y(
        "unknown:N",
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
    base = alt.Chart().transform_filter(f"datum._version === {SIGNAL}")
    tip: list[Any] = ["unknown:N", "meaning:N", "share:N"]
    tip += [alt.Tooltip(f"{name}:Q", format=".0%") for name in ("value", "low", "high")]
    layers: list[Any] = []
    for name, shift, colour, fill in ((ALONE, -5, FOCUS, FOCUS), (IN_ALL, 5, INK, PAPER)):
        one = base.transform_filter(f"datum.share === '{name}'")
        rule = one.mark_rule(strokeWidth=2, yOffset=shift, color=colour)
        layers.append(rule.encode(x=alt.X("low:Q"), x2="high:Q", y=y))
        dot = one.mark_point(size=52, strokeWidth=1.6, opacity=1, yOffset=shift, stroke=colour, fill=fill)
        layers.append(dot.encode(x=x, y=y, tooltip=tip))
    drawn = base.transform_filter(f"datum.share === '{DRAWN}'")
    cross = drawn.mark_point(
        shape="diamond", size=58, strokeWidth=1.4, opacity=1, stroke=INK, fill=QUIET, yOffset=-5
    )
    layers.append(cross.encode(x=x, y=y, tooltip=tip))
    header = alt.Header(
        title=None, labelAnchor="start", labelAlign="left", labelFontWeight=600, labelLimit=420
    )
    drawing = (
        alt.layer(*layers, data=alt.NamedData(ID))
        .properties(height=_ROW * tallest)
        .facet(
            facet=alt.Facet("outcome:N", sort=panels, header=header),
            columns=2,
            spacing={"row": 60, "column": _LABELS + 20},
            bounds="flush",
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
        .add_params(alt.param(name=SIGNAL, value=first))
    )
    samples = content.panels[0].base_samples
    return Figure(
        ID,
        f"The {SHOWN} unknowns that matter most for each outcome, as shares of its spread. Filled dot: alone; hollow "
        "dot: in all, with others; both with 90% intervals. Grey diamond: alone, on the posterior's draws as they "
        "are. Hollow far right of filled: it matters through others. Diamond far from filled: ties matter.",
        f"Sobol indices by Saltelli's design, {samples:,} base samples; intervals by bootstrap.",
        " ".join(panel_sentence(content, panel) for panel in content.panels if panel.version == first),
        Layout("facet", margin=_LABELS + 10, gap=_LABELS + 20, least=400, most=2),
        finished(drawing),
        {ID: Table(_COLUMNS, tuple(rows))},
        (ID,),
        {"version": first},
    )
