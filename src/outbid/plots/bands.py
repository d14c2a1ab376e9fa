"""Small multiples of medians with their intervals along time or along another axis, and the figures beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from outbid.conventions import QUANTILES
from outbid.model.vocabulary import Outcome
from outbid.plots.base import (
    INK,
    NO_HEADER,
    NUMBER_LABELS,
    PAPER,
    QUIET,
    Control,
    Figure,
    Layout,
    as_date,
    chart,
    faceted,
    first_day,
    last_day,
    middle_day,
    middle_of,
    of_one_table,
    panel_title,
    titled,
    utc,
    utc_scale,
)
from outbid.words.numbers import panel_note, unit_of

_AXIS = 44
_TIP = [alt.Tooltip(f"{name}:Q", format=".2~r") for name in ("median", "q05", "q95")]


@dataclass(frozen=True)
class Ribbon:
    """Rows of a table (median, q05, q95, and q25, q75 where `inner`) as a line with its interval.

    `test`: a Vega expression that its rows pass ("datum.prior === view"). `colour`: a CSS variable. `line`: "solid",
    "dashed" or "thin". `area`: whether the 90% interval is filled. `by`: the column that tells apart several lines
    that pass the test.
    """

    test: str
    colour: str
    line: str = "solid"
    area: bool = True
    inner: bool = False
    by: str = ""

    def areas(self, base: alt.Chart, x: alt.X) -> list[alt.Chart]:
        """Return what is filled; it is drawn before all lines."""
        rows, drawn = base.transform_filter(self.test), [("q05", "q95", 0.2)] if self.area else []
        drawn += [("q25", "q75", 0.25)] if self.inner else []
        return [
            rows.mark_area(color=self.colour, opacity=each).encode(x=x, y=alt.Y(f"{low}:Q"), y2=f"{high}:Q")
            for low, high, each in drawn
        ]

    def lines(self, base: alt.Chart, x: alt.X, y: alt.Y, keys: Sequence[str] = ()) -> list[alt.Chart]:
        """Return the median's line; `keys` are further columns of its tooltip."""
        styles: dict[str, dict[str, Any]] = {
            "solid": {"strokeWidth": 2.4},
            "dashed": {"strokeWidth": 1.8, "strokeDash": [5, 3]},
            "thin": {"strokeWidth": 0.8, "opacity": 0.6},
        }
        marks = base.transform_filter(self.test).mark_line(color=self.colour, **styles[self.line])
        tip: list[Any] = [*(f"{key}:N" for key in (*keys, self.by) if key), *_TIP]
        return [marks.encode(x=x, y=y, tooltip=tip, **({"detail": f"{self.by}:N"} if self.by else {}))]


def records(base: alt.Chart, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return published figures: a bar over the time that each covers, another over its range, a dot for its value.

    Rows have start, end, `_date`, value, low, high, used and source; what is not used is hollow.
    """
    tip = ["start:T", "end:T", "value:Q", "low:Q", "high:Q", "source:N"]
    ink = alt.condition("datum.used", alt.value(INK), alt.value(QUIET))
    hollow = alt.condition("datum.used", alt.value(INK), alt.value(PAPER))
    bars = base.mark_rule(strokeWidth=1.5)
    time: dict[str, Any] = {"x": alt.X("start:T"), "x2": "end:T"}
    range_: dict[str, Any] = {"x": x, "y": alt.Y("low:Q"), "y2": "high:Q"}
    dots = base.transform_filter("isValid(datum.value)").mark_point(size=18, strokeWidth=1.1, opacity=1)
    return [
        bars.transform_filter("isValid(datum.value)").encode(**time, y=y, color=ink, tooltip=tip),
        bars.transform_filter("isValid(datum.low)").encode(**range_, color=ink, tooltip=tip),
        dots.encode(x=x, y=y, fill=hollow, stroke=ink, tooltip=tip),
    ]


def dated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with `_date`: the middle of a month, or of the time between `start` and `end`."""
    dates = [middle_of(month) if isinstance(month, str) and month else None for month in rows["month"]]
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

    `rows`: tidy: the panel's id, `x`, median, q05, q95 and what the ribbons' tests read, in the units that
    the panels' notes name; with `figures`, also start, end, value, low, high, used and source. `panels`: each
    panel's id with its title and a quiet note under it, in the order of the drawing. `x`: the column along
    which things run: "month" (YYYY-MM), or a column of numbers. `figures`, `expectations`: tests of the rows
    that are published figures, and of those that say what the model expects of one. `zero`: the test under
    which a line at nothing is drawn. `zero_based`: whether the upward axis begins at nothing. `window`: first
    and last month shown; the extent of the data where None. `columns`, `least`: the most columns, and the
    fewest pixels of each.
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
        # of figures that cover several months: a wide bar with the median across it
        several = base.transform_filter(expectations)
        wide = several.mark_rule(color=QUIET, strokeWidth=7, opacity=0.3)
        tick = several.mark_tick(color=QUIET, thickness=2, width=9, orient="horizontal")
        layers += [wide.encode(x=across, y=alt.Y("q05:Q"), y2="q95:Q"), tick.encode(x=across, y=up)]
    if figures:
        layers += records(base.transform_filter(figures), across, alt.Y("value:Q", title=None))
    layers += [line for each in ribbons for line in each.lines(base, across, up, keys)]
    whole = alt.layer(*layers, *titled(panel, "_title", "_note"), data=alt.NamedData(ident))
    return of_one_table(
        ident,
        faceted(whole, panel, panels, NO_HEADER, height=height, columns=columns, gaps=(86, 54)),
        data,
        Layout("facet", margin=_AXIS, gap=54, least=least, most=columns),
        caption=caption,
        source=source,
        alternative=alternative,
        controls=controls,
    )


def panels(outcomes: Sequence[Outcome]) -> dict[str, tuple[str, str]]:
    """Return by outcome its label and the note under it, as `bands` wants them."""
    return {each.name: (each.label, panel_note(each.unit, each.summary, each.better)) for each in outcomes}


def in_units(rows: pd.DataFrame, outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return the rows of these outcomes, their numbers in the unit that is shown (shares as percentages)."""
    factors = {each.name: unit_of(each.unit)[0] for each in outcomes}
    kept = rows[rows["outcome"].isin(list(factors))]
    factor = kept["outcome"].map(factors).astype(float)
    numbers = [name for name in (*QUANTILES, "value", "low", "high") if name in kept]
    return kept.assign(**{name: kept[name].astype(float) * factor for name in numbers})


# A letter's share of the axis on a phone, the tightest case.
_LETTER = 6.3 / 300


def event_lines(events: pd.DataFrame, window: tuple[str, str]) -> pd.DataFrame:
    """Return events (date, label) with the line, the side and the room of each label, so that none covers another.

    `window`: first and last day (YYYY-MM-DD); what lies outside is left out.
    """
    first, last = (as_date(day) for day in window)
    span = max((last - first).days, 1)
    inside = events[(events["date"] >= window[0]) & (events["date"] <= window[1])].sort_values("date")
    lines: list[list[tuple[float, float]]] = []
    places = []
    for date, label in zip(inside["date"], inside["label"], strict=True):
        at, wide = (as_date(date) - first).days / span, _LETTER * (len(label) + 2)
        start, end = (at - wide, at) if at > 0.5 else (at, at + wide)
        free = (i for i, taken in enumerate(lines) if all(end < a or start > b for a, b in taken))
        line = next(free, len(lines))
        lines += [[]] if line == len(lines) else []
        lines[line].append((start, end))
        places.append((line, "right", at) if at > 0.5 else (line, "left", 1.0 - at))
    columns = ("_line", "_align", "_room")
    return inside.assign(**{name: [place[i] for place in places] for i, name in enumerate(columns)})


def event_panel(
    name: str, window: tuple[str, str], lines: int, margin: int
) -> alt.LayerChart | alt.FacetChart:
    """Return the panel of labelled events, to stand above panels of the same time axis.

    `name`: the table with date, label, source and what `event_lines` adds; `lines`: how many lines of labels
    there are; `margin`: what lies left of the panel, into which a label may reach.
    """
    x = alt.X("date:T", title=None, axis=None, scale=utc_scale(window))
    y = alt.Y("_line:Q", axis=None, scale=alt.Scale(domain=[-0.5, lines - 0.5], reverse=True))
    base = chart(name)
    foot = alt.value(alt.expr("item.mark.group.height"))
    layers: list[alt.Chart] = [base.mark_rule(color=QUIET, strokeDash=[2, 3]).encode(x=x, y=y, y2=foot)]
    # on a phone a label may be longer than the way to the margin, and is cut there
    room = alt.expr(f"datum._room * item.mark.group.width + {margin} - 8")
    style: dict[str, Any] = {"fontSize": 12, "limit": room, "stroke": PAPER, "strokeWidth": 3}
    texts = (
        ("left", base.mark_text(align="left", dx=5, **style)),
        ("right", base.mark_text(align="right", dx=-5, **style)),
    )
    for side, marks in texts:
        text = marks.transform_filter(f"datum._align === '{side}'")
        layers.append(text.encode(x=x, y=y, text="label:N", tooltip=["date:T", "label:N", "source:N"]))
    point = base.mark_point(shape="diamond", filled=True, size=36, color=INK, opacity=1)
    return alt.layer(*layers, point.encode(x=x, y=y)).properties(height=16 * lines)


def tick_strip(
    name: str, rows: Sequence[str], x: alt.X, colour: Any, rules: alt.Chart
) -> alt.LayerChart | alt.FacetChart:
    """Return rows of ticks, each with its name above it, over the events' lines (`rules`).

    `name`: the table with date, row, kind, label and source; the rows' names are those of the table `rows`.
    `colour`: that of the ticks, by their kind.
    """
    y = alt.Y("row:N", title=None, sort=list(rows), axis=None, scale=alt.Scale(domain=list(rows)))
    ticks = chart(name).mark_tick(thickness=1.6, height=13, opacity=0.8)
    words = chart("rows").mark_text(
        align="left", fontSize=11, color=QUIET, dy=-12, baseline="middle", stroke=PAPER, strokeWidth=3
    )
    return alt.layer(
        rules,
        ticks.encode(x=x, y=y, color=colour, tooltip=["date:T", "label:N", "source:N"]),
        words.encode(x=alt.value(2), y=y, text="row:N"),
    ).properties(height=30 * max(1, len(rows)))
