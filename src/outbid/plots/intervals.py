"""Rows of labels with intervals: 50% strong, 90% faint, and where each stood before the data."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from outbid.plots.base import INK, NUMBER_LABELS, PAPER, QUIET, Control, Figure, Layout, finished

_WIDE, _NARROW, _BELOW = 300, 128, 700
PERCENT_AXIS = "datum.value === 0 ? '0' : format(datum.value, '.0%')"


@dataclass(frozen=True)
class Mark:
    """Rows drawn alike.

    `test`: a Vega expression that its rows pass ("datum.prior === 'neutral'"); empty for all rows. `colour`:
    a CSS variable. `hollow`: filled with the colour of the page: the sources' priors, or what is assumed.
    `shape`: of the point: "circle", "diamond", "square", . `shift`: pixels below the middle of the row, so
    that several marks of a row don't cover one another.
    """

    test: str = ""
    colour: str = INK
    hollow: bool = False
    shape: str = "circle"
    shift: int = 0

    def layers(
        self, base: alt.Chart, x: alt.X, y: alt.Y, has: Sequence[str], tip: Sequence[Any]
    ) -> list[alt.Chart]:
        """Return the intervals, the place before the data and the point, as far as the rows have them."""
        rows = base.transform_filter(self.test) if self.test else base
        out = []
        for low, high, width, opacity in (("q05", "q95", 1.6, 0.45), ("q25", "q75", 4.0, 0.9)):
            if low in has:
                rule = rows.mark_rule(
                    color=self.colour, strokeWidth=width, opacity=opacity, yOffset=self.shift
                )
                out.append(rule.encode(x=alt.X(f"{low}:Q"), x2=f"{high}:Q", y=y))
        if "before" in has:
            known = rows.transform_filter("isValid(datum.before)")
            thin = known.mark_rule(color=QUIET, strokeWidth=1.2, strokeDash=[2, 2], yOffset=self.shift)
            tick = known.mark_tick(color=QUIET, thickness=2, size=9, opacity=1, yOffset=self.shift)
            out.append(thin.encode(x=alt.X("before:Q"), x2="median:Q", y=y))
            out.append(tick.encode(x=alt.X("before:Q"), y=y))
        fill = PAPER if self.hollow else self.colour
        point = rows.mark_point(
            shape=self.shape,
            size=58,
            strokeWidth=1.6,
            opacity=1,
            stroke=self.colour,
            fill=fill,
            yOffset=self.shift,
        )
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
    heads: Sequence[str] = (),
    controls: Sequence[Control] = (),
    title: str | None = None,
    percent: bool = False,
    domain: tuple[float, float] | None = None,
    rule: float | None = None,
    shared: bool = True,
    step: int = 30,
    room: int = 178,
    columns: int = 2,
) -> Figure:
    """Draw a row for each id with its points and intervals, in one picture or in panels.

    `rows`: tidy: the row's id in the column `row`, median, and as far as known q05, q95, q25, q75 and before.
    `labels`: ids of rows with their words, from top to bottom; those in `heads` have no data and head the
    rows below. `panel`, `panels`: the column that tells panels apart, and each panel's id with its title;
    empty for one picture. `title`: under the axis; None for none. `percent`: whether numbers are shares that
    are written as percentages. `domain`: the ends of the axis; those of the data where None. `rule`: where a
    dotted line stands ("no difference"). `shared`: whether panels share the axis's scale. `step`: pixels a
    row. `room`: pixels left of a panel for labels; one picture takes what its width allows.
    """
    data = rows[rows[row].isin(list(labels))]
    ranks = {each: i for i, each in enumerate(labels)}
    data = data.assign(_rank=[ranks[each] for each in data[row]])
    if panel and panels:
        data = data[data[panel].isin(list(panels))]
    words = json.dumps({each: _lines(label, 2 if panel else 1, room) for each, label in labels.items()})
    bold = f"indexof({json.dumps(list(heads))}, datum.value) >= 0"
    wide: Any = room - 8 if panel else alt.ExprRef(f"shape === 'wide' ? {_WIDE - 8} : {_NARROW - 6}")
    extent: Any = room if panel else alt.ExprRef(f"shape === 'wide' ? {_WIDE} : {_NARROW}")
    axis: dict[str, Any] = {
        "labelExpr": f"{words}[datum.value]",
        "labelLimit": wide,
        "labelLineHeight": 13,
        "labelFontWeight": {"condition": {"test": bold, "value": "bold"}, "value": "normal"},
        "ticks": False,
        "domain": False,
        "grid": True,
    }
    axis |= (
        {"minExtent": room, "maxExtent": room} if panel else {"labelAlign": "left", "labelPadding": extent}
    )
    y = alt.Y(f"{row}:N", title=None, axis=alt.Axis(**axis))
    y = y.sort(field="_rank", op="min", order="ascending") if panel else y.scale(domain=list(labels))
    scale = alt.Scale(domain=list(domain), nice=False) if domain else alt.Scale(zero=False, padding=8)
    x = alt.X(
        "median:Q",
        title=title,
        scale=scale,
        axis=alt.Axis(tickCount=5, labelExpr=PERCENT_AXIS if percent else NUMBER_LABELS, grid=True),
    )
    has = [name for name in ("q05", "q25", "before") if name in data]
    ways: dict[str, Any] = {"format": ".0%"} if percent else {"format": ".2~r"}
    tip: list[Any] = [f"{name}:N" for name in (row, "prior") if name in data]
    tip += [alt.Tooltip(f"{name}:Q", **ways) for name in ("median", "q05", "q95", "before") if name in data]
    base = alt.Chart()
    layers: list[Any] = []
    if rule is not None:
        dotted = base.transform_calculate(_rule=str(rule)).mark_rule(color=QUIET, strokeDash=[2, 3])
        layers.append(dotted.encode(x=alt.X("mean(_rule):Q")))
    layers += [layer for each in marks for layer in each.layers(base, x, y, has, tip)]
    drawing: Any = alt.layer(*layers, data=alt.NamedData(ident))
    options: dict[str, Any] = {}
    if panel and panels:
        most = max((data.loc[data[panel] == each, row].nunique() for each in panels), default=1)
        names = json.dumps({each: _lines(name, 2, 360) for each, name in panels.items()})
        header = alt.Header(
            title=None,
            labelAnchor="start",
            labelAlign="left",
            labelFontWeight=600,
            labelLimit=460,
            labelExpr=f"{names}[datum.value]",
        )
        drawing = (
            drawing.properties(height=step * max(most, 1))
            .facet(
                facet=alt.Facet(f"{panel}:N", sort=list(panels), header=header),
                columns=columns,
                spacing={"row": 72, "column": room + 20},
                bounds="flush",
            )
            .resolve_scale(y="independent", x="shared" if shared else "independent")
            .resolve_axis(x="independent")
        )
        layout = Layout("facet", margin=room + 10, gap=room + 20, least=390, most=columns)
    else:
        drawing = drawing.properties(height=step * len(labels)).add_params(
            alt.param(name="shape", value="wide")
        )
        layout, options = (Layout("single"), {"shape": {"wide": "wide", "narrow": "narrow", "below": _BELOW}})
    if controls:
        drawing = drawing.add_params(*(each.param for each in controls))
    return Figure(
        ident,
        caption,
        source,
        alternative,
        layout,
        finished(drawing),
        {ident: data},
        (ident,),
        options,
        tuple(controls),
    )


def _lines(label: str, most: int, width: int) -> str | list[str]:
    """Return a label, in lines that fit that many pixels where it may have more than one."""
    if most == 1:
        return label
    lines = textwrap.wrap(label, max(10, width // 6), max_lines=most, placeholder=" …") or [""]
    return lines if len(lines) > 1 else lines[0]
