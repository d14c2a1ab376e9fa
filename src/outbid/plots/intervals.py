"""Rows of labels with intervals: 50% strong, 90% faint, and where each stood before the data."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from outbid.plots.base import (
    INK,
    NUMBER_LABELS,
    PAPER,
    QUIET,
    Figure,
    Layout,
    faceted,
    of_one_table,
)

# Pixels for the labels: left of a panel; of one picture wide and narrow, and the width below which it is narrow.
_ROOM, _WIDE, _NARROW, _BELOW = 178, 300, 128, 700
PERCENT_AXIS = "datum.value === 0 ? '0' : format(datum.value, '.0%')"


@dataclass(frozen=True)
class Mark:
    """Rows drawn alike.

    `test`: a Vega expression that its rows pass ("datum.prior === 'neutral'"). `colour`: a CSS variable.
    `hollow`: filled with the colour of the page: the sources' priors, or what is assumed. `shape`: of the point
    ("circle", "diamond"). `shift`: pixels below the middle of the row, so that several marks don't cover one another.
    """

    test: str
    colour: str = INK
    hollow: bool = False
    shape: str = "circle"
    shift: int = 0

    def layers(
        self, base: alt.Chart, x: alt.X, y: alt.Y, has: Sequence[str], tip: Sequence[Any]
    ) -> list[alt.Chart]:
        """Return the intervals, the place before the data and the point, as far as the rows have them."""
        rows = base.transform_filter(self.test)
        out = []
        for low, high, width, opacity in (("q05", "q95", 1.6, 0.45), ("q25", "q75", 4.0, 0.9)):
            if low in has:
                rule = rows.mark_rule(
                    strokeWidth=width, opacity=opacity, color=self.colour, yOffset=self.shift
                )
                out.append(rule.encode(x=alt.X(f"{low}:Q"), x2=f"{high}:Q", y=y))
        if "before" in has:
            known = rows.transform_filter("isValid(datum.before)")
            thin = known.mark_rule(color=QUIET, strokeWidth=1.2, strokeDash=[2, 2], yOffset=self.shift)
            tick = known.mark_tick(color=QUIET, thickness=2, size=9, opacity=1, yOffset=self.shift)
            out.append(thin.encode(x=alt.X("before:Q"), x2="median:Q", y=y))
            out.append(tick.encode(x=alt.X("before:Q"), y=y))
        fill = PAPER if self.hollow else self.colour
        line: dict[str, Any] = {"stroke": self.colour, "strokeWidth": 1.6, "opacity": 1}
        point = rows.mark_point(shape=self.shape, size=58, fill=fill, yOffset=self.shift, **line)
        out.append(point.encode(x=x, y=y, tooltip=list(tip)))
        return out


# The two views in one row: filled above, hollow below.
VIEWS = (Mark("datum.prior === 'neutral'", shift=-5), Mark("datum.prior === 'sources'", hollow=True, shift=5))


def intervals(
    ident: str,
    rows: pd.DataFrame,
    *,
    row: str,
    labels: Mapping[str, str],
    caption: str,
    source: str,
    alternative: str,
    marks: Sequence[Mark] = VIEWS,
    panel: str = "",
    panels: Mapping[str, str] | None = None,
    title: str | None = None,
    percent: bool = False,
    domain: tuple[float, float] | None = None,
    rule: float | None = None,
    shared: bool = True,
    step: int = 30,
) -> Figure:
    """Draw a row for each id with its points and intervals, in one picture or in panels.

    `rows`: tidy: the row's id in the column `row`, median, and as far as known q05, q95, q25, q75 and before.
    `labels`: ids of rows with their words, from top to bottom. `panel`, `panels`: the column that tells panels
    apart, and each panel's id with its title; empty for one picture. `title`: under the axis; None for none.
    `percent`: whether numbers are shares that are written as percentages. `domain`: the ends of the axis; those
    of the data where None. `rule`: where a dotted line stands ("no difference"). `shared`: whether panels share
    the axis's scale. `step`: pixels a row.
    """
    panels = panels or {}
    data = rows[rows[row].isin(list(labels))]
    data = data[data[panel].isin(list(panels))] if panel else data
    data = data.assign(_rank=data[row].map({each: i for i, each in enumerate(labels)}))
    words = json.dumps({each: _lines(label, 2 if panel else 1, _ROOM) for each, label in labels.items()})
    axis: dict[str, Any] = {"labelExpr": f"{words}[datum.value]", "labelLineHeight": 13, "grid": True}
    axis |= {"ticks": False, "domain": False}
    if panel:
        axis |= {"labelLimit": _ROOM - 8, "minExtent": _ROOM, "maxExtent": _ROOM}
    else:
        room = f"shape === 'wide' ? {_WIDE} : {_NARROW}"
        limit = f"shape === 'wide' ? {_WIDE - 8} : {_NARROW - 6}"
        axis |= {"labelLimit": alt.ExprRef(limit), "labelAlign": "left", "labelPadding": alt.ExprRef(room)}
    y = alt.Y(f"{row}:N", title=None, axis=alt.Axis(**axis))
    y = y.sort(field="_rank", op="min", order="ascending") if panel else y.scale(domain=list(labels))
    scale = alt.Scale(domain=list(domain), nice=False) if domain else alt.Scale(zero=False, padding=8)
    ticks = alt.Axis(tickCount=5, labelExpr=PERCENT_AXIS if percent else NUMBER_LABELS, grid=True)
    x = alt.X("median:Q", title=title, scale=scale, axis=ticks)
    has = [name for name in ("q05", "q25", "before") if name in data]
    form = ".0%" if percent else ".2~r"
    tip: list[Any] = [f"{name}:N" for name in (row, "prior") if name in data]
    tip += [alt.Tooltip(f"{q}:Q", format=form) for q in ("median", "q05", "q95", "before") if q in data]
    base = alt.Chart()
    layers: list[Any] = []
    if rule is not None:
        dotted = base.transform_calculate(_rule=str(rule)).mark_rule(color=QUIET, strokeDash=[2, 3])
        layers.append(dotted.encode(x=alt.X("mean(_rule):Q")))
    layers += [layer for each in marks for layer in each.layers(base, x, y, has, tip)]
    drawing: Any = alt.layer(*layers, data=alt.NamedData(ident))
    if panel:
        most = max((data.loc[data[panel] == each, row].nunique() for each in panels), default=1)
        names = json.dumps({each: _lines(name, 2, 360) for each, name in panels.items()})
        style: dict[str, Any] = {"labelAnchor": "start", "labelAlign": "left", "labelFontWeight": 600}
        header = alt.Header(title=None, labelLimit=460, labelExpr=f"{names}[datum.value]", **style)
        size: dict[str, Any] = {"height": step * max(most, 1), "columns": 2, "gaps": (72, _ROOM + 20)}
        drawing = faceted(drawing, panel, panels, header, shared=shared, **size)
        layout, options = Layout("facet", margin=_ROOM + 10, gap=_ROOM + 20, least=390, most=2), {}
    else:
        shape = alt.param(name="shape", value="wide")
        drawing = drawing.properties(height=step * len(labels)).add_params(shape)
        layout, options = Layout("single"), {"shape": {"wide": "wide", "narrow": "narrow", "below": _BELOW}}
    return of_one_table(
        ident,
        drawing,
        data,
        layout,
        caption=caption,
        source=source,
        alternative=alternative,
        options=options,
    )


def _lines(label: str, most: int, width: int) -> str | list[str]:
    """Return a label, in lines that fit that many pixels where it may have more than one."""
    if most == 1:
        return label
    lines = textwrap.wrap(label, max(10, width // 6), max_lines=most, placeholder=" …") or [""]
    return lines if len(lines) > 1 else lines[0]
