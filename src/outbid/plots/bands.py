"""Small multiples of medians with their intervals along time or along another axis, and the figures beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from outbid.plots.base import (
    INK,
    NO_HEADER,
    NUMBER_LABELS,
    PAPER,
    QUIET,
    Control,
    Figure,
    Layout,
    finished,
    first_day,
    last_day,
    middle_day,
    middle_of,
    panel_title,
    titled,
    utc,
)

_AXIS = 44
_TIP = [alt.Tooltip(f"{name}:Q", format=".2~r") for name in ("median", "q05", "q95")]


@dataclass(frozen=True)
class Ribbon:
    """Rows of a table (median, q05, q95, and q25, q75 where `inner`) as a line with its interval.

    Parameters
    ----------
    test
        A Vega expression that its rows pass ("datum.prior === view"); empty for all rows.
    colour
        A CSS variable.
    line
        "solid", "dashed", "thin" or "" for no line.
    area
        Whether the 90% interval is filled.
    by
        The column that tells apart several lines that pass the test.
    """

    test: str
    colour: str
    line: str = "solid"
    area: bool = True
    inner: bool = False
    by: str = ""

    def areas(self, base: alt.Chart, x: alt.X) -> list[alt.Chart]:
        """Return what is filled; it is drawn before all lines."""
        rows = base.transform_filter(self.test) if self.test else base
        ends = [("q05", "q95", 0.2), *([("q25", "q75", 0.25)] if self.inner else [])] if self.area else []
        return [
            rows.mark_area(color=self.colour, opacity=opacity).encode(
                x=x, y=alt.Y(f"{low}:Q"), y2=f"{high}:Q"
            )
            for low, high, opacity in ends
        ]

    def lines(self, base: alt.Chart, x: alt.X, y: alt.Y, keys: Sequence[str] = ()) -> list[alt.Chart]:
        """Return the median's line; `keys` are further columns of its tooltip."""
        if not self.line:
            return []
        styles: dict[str, dict[str, Any]] = {
            "solid": {"strokeWidth": 2.4},
            "dashed": {"strokeWidth": 1.8, "strokeDash": [5, 3]},
            "thin": {"strokeWidth": 0.8, "opacity": 0.6},
        }
        rows = base.transform_filter(self.test) if self.test else base
        marks = rows.mark_line(color=self.colour, **styles[self.line])
        tip: list[Any] = [*(f"{key}:N" for key in (*keys, self.by) if key), *_TIP]
        return [marks.encode(x=x, y=y, tooltip=tip, **({"detail": f"{self.by}:N"} if self.by else {}))]


def records(base: alt.Chart, x: alt.X, y: alt.Y, dots: bool = True) -> list[alt.Chart]:
    """Return published figures: a bar over the time that each covers, another over its range, a dot for its value.

    Rows have start, end, `_date`, value, low, high, used and source; what is not used is hollow.
    """
    tip = ["start:T", "end:T", "value:Q", "low:Q", "high:Q", "source:N"]
    ink = alt.condition("datum.used", alt.value(INK), alt.value(QUIET))
    hollow = alt.condition("datum.used", alt.value(INK), alt.value(PAPER))
    bars = base.mark_rule(strokeWidth=1.5)
    time: dict[str, Any] = {"x": alt.X("start:T"), "x2": "end:T"}
    out = [
        bars.transform_filter("isValid(datum.value)").encode(**time, y=y, color=ink, tooltip=tip),
        bars.transform_filter("isValid(datum.low)").encode(
            x=x, y=alt.Y("low:Q"), y2="high:Q", color=ink, tooltip=tip
        ),
    ]
    if dots:
        dot = base.transform_filter("isValid(datum.value)").mark_point(size=18, strokeWidth=1.1, opacity=1)
        out.append(dot.encode(x=x, y=y, fill=hollow, stroke=ink, tooltip=tip))
    return out


def expected(base: alt.Chart, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return what the model expects of figures that cover several months: a wide bar with the median across it."""
    wide = base.mark_rule(color=QUIET, strokeWidth=7, opacity=0.3)
    tick = base.mark_tick(color=QUIET, thickness=2, width=9, orient="horizontal")
    return [wide.encode(x=x, y=alt.Y("q05:Q"), y2="q95:Q"), tick.encode(x=x, y=y)]


def dated(rows: pd.DataFrame, column: str = "month") -> pd.DataFrame:
    """Return rows with `_date`: the middle of a month, or of the time between `start` and `end`."""
    dates = [middle_of(month) if isinstance(month, str) and month else None for month in rows[column]]
    if "start" in rows and "end" in rows:
        spans = zip(rows["start"], rows["end"], strict=True)
        spanned = [middle_day(a, b) if isinstance(a, str) and isinstance(b, str) else None for a, b in spans]
        dates = [date or other for date, other in zip(dates, spanned, strict=True)]
    return rows.assign(_date=pd.Series(dates, index=rows.index, dtype=object))


def bands(
    ident: str,
    rows: pd.DataFrame,
    *,
    panels: Mapping[str, tuple[str, str]],
    ribbons: Sequence[Ribbon],
    caption: str,
    source: str,
    alternative: str,
    panel: str = "outcome",
    x: str = "month",
    x_title: str | None = None,
    controls: Sequence[Control] = (),
    figures: str = "",
    expectations: str = "",
    zero: str = "",
    zero_based: bool = False,
    window: tuple[str, str] | None = None,
    height: int = 140,
    columns: int = 3,
    least: int = 250,
) -> Figure:
    """Draw small multiples of medians with 90% intervals, a layer for each ribbon.

    Parameters
    ----------
    rows
        Tidy: the panel's id, `x`, median, q05, q95 and what the ribbons' tests read, in the units that the panels'
        notes name; with `figures`, also start, end, value, low, high, used and source.
    panels
        Each panel's id with its title and a quiet note under it, in the order of the drawing.
    x
        The column along which things run: "month" (YYYY-MM), or a column of numbers.
    figures, expectations
        Tests of the rows that are published figures, and of those that say what the model expects of one.
    zero
        The test under which a line at nothing is drawn.
    zero_based
        Whether the upward axis begins at nothing.
    window
        First and last month shown; the extent of the data where None.
    columns, least
        The most columns, and the fewest pixels of each.
    """
    data = rows[rows[panel].isin(list(panels))]
    data = data.assign(
        _title=[panel_title(panels[each][0]) for each in data[panel]],
        _note=[panels[each][1] for each in data[panel]],
    )
    if x == "month":
        data = dated(data)
        domain = (first_day(window[0]), last_day(window[1])) if window else ()
        years = {"interval": "year", "step": 1}
        across = utc("_date", x_title, domain, format="%Y", tickCount=years, grid=False)
    else:
        scale = alt.Scale(zero=False, nice=False)
        axis = alt.Axis(tickCount=4, labelExpr=NUMBER_LABELS, grid=False)
        across = alt.X(f"{x}:Q", title=x_title, scale=scale, axis=axis)
    up = alt.Y(
        "median:Q",
        title=None,
        scale=alt.Scale(zero=zero_based),
        axis=alt.Axis(tickCount=4, labelExpr=NUMBER_LABELS, minExtent=_AXIS - 4, maxExtent=_AXIS - 4),
    )
    base, keys = alt.Chart(), [each.name for each in controls if each.name in data]
    layers: list[Any] = [area for each in ribbons for area in each.areas(base, across)]
    if zero:
        nothing = base.transform_filter(zero).transform_calculate(_nothing="0")
        layers.append(nothing.mark_rule(color=INK, strokeWidth=1).encode(y=alt.Y("_nothing:Q")))
    if expectations:
        layers += expected(base.transform_filter(expectations), across, up)
    if figures:
        layers += records(base.transform_filter(figures), across, alt.Y("value:Q", title=None))
    layers += [line for each in ribbons for line in each.lines(base, across, up, keys)]
    drawing = (
        alt.layer(*layers, *titled(panel, "_title", "_note"), data=alt.NamedData(ident))
        .properties(height=height)
        .facet(
            facet=alt.Facet(f"{panel}:N", sort=list(panels), header=NO_HEADER),
            columns=columns,
            spacing={"row": 86, "column": 54},
            bounds="flush",
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
    )
    if controls:
        drawing = drawing.add_params(*(each.param for each in controls))
    layout = Layout("facet", margin=_AXIS, gap=54, least=least, most=columns)
    return Figure(
        ident,
        caption,
        source,
        alternative,
        layout,
        finished(drawing),
        {ident: data},
        (ident,),
        controls=tuple(controls),
    )
