"""Dated events over a time axis: labels on as few lines as keep them apart, and strips of ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from outbid.plots.base import INK, PAPER, QUIET, as_date, chart, utc_scale

# A letter's share of the axis on a phone, the tightest case.
_LETTER = 6.3 / 300


def event_lines(events: pd.DataFrame, window: tuple[str, str]) -> pd.DataFrame:
    """Return events (date, label) with the line, the side and the room of each label, so that none covers another.

    Parameters
    ----------
    window
        First and last day (YYYY-MM-DD); what lies outside is left out.
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

    Parameters
    ----------
    name
        The table with date, label, source and what `event_lines` adds.
    lines
        How many lines of labels there are.
    margin
        What lies left of the panel, into which a label may reach.
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
    name: str, rows: Sequence[str], x: alt.X, colours: tuple[str, str, str], rules: Sequence[alt.Chart] = ()
) -> alt.LayerChart | alt.FacetChart:
    """Return rows of ticks, each with its name above it.

    Parameters
    ----------
    name
        The table with date, row, kind, label and source; the rows' names are those of the table `rows`.
    colours
        A kind, its colour, and the colour of all other kinds.
    rules
        Layers drawn below: the events' lines.
    """
    kind, one, other = colours
    y = alt.Y("row:N", title=None, sort=list(rows), axis=None, scale=alt.Scale(domain=list(rows)))
    colour = alt.condition(f"datum.kind === '{kind}'", alt.value(one), alt.value(other))
    ticks = chart(name).mark_tick(thickness=1.6, height=13, opacity=0.8)
    words = chart("rows").mark_text(
        align="left", fontSize=11, color=QUIET, dy=-12, baseline="middle", stroke=PAPER, strokeWidth=3
    )
    return alt.layer(
        *rules,
        ticks.encode(x=x, y=y, color=colour, tooltip=["date:T", "label:N", "source:N"]),
        words.encode(x=alt.value(2), y=y, text="row:N"),
    ).properties(height=30 * max(1, len(rows)))
