"""A map of chances: a cell for every pair of ids, its colour by how likely it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from outbid.plots.base import INK, PAPER, Figure, Layout, finished

_GAIN, _LOSS = "var(--raises)", "var(--lowers)"


def heat(
    ident: str,
    rows: pd.DataFrame,
    *,
    x: str,
    y: str,
    columns: Mapping[str, str],
    labels: Mapping[str, str],
    caption: str,
    source: str,
    alternative: str,
    chance: str = "p_better",
    text: str = "",
    step: int = 30,
) -> Figure:
    """Draw a cell for every pair of ids; the farther its chance from even, the stronger its colour.

    Parameters
    ----------
    x, y
        The columns with the ids.
    columns, labels
        Ids with their words, from left to right and from top to bottom.
    chance
        The column with the probability, from 0 (losses' colour) to 1 (gains').
    text
        The column with what is written in a cell; empty for nothing.
    """
    data = rows[rows[x].isin(list(columns)) & rows[y].isin(list(labels))]
    common: dict[str, Any] = {"title": None, "ticks": False, "domain": False}

    def names(words: Mapping[str, str]) -> str:
        return f"{json.dumps(dict(words))}[datum.value]"

    across = alt.X(
        f"{x}:N",
        sort=list(columns),
        axis=alt.Axis(**common, orient="top", labelExpr=names(columns), labelAngle=0),
    )
    down = alt.Y(
        f"{y}:N", sort=list(labels), axis=alt.Axis(**common, labelExpr=names(labels), labelLimit=200)
    )
    base = alt.Chart(alt.NamedData(ident)).encode(x=across, y=down)
    strength = alt.Opacity("_strength:Q", scale=alt.Scale(domain=[0, 0.5], range=[0.04, 0.9]), legend=None)
    colour = alt.condition(f"datum['{chance}'] > 0.5", alt.value(_GAIN), alt.value(_LOSS))
    cells = base.transform_calculate(_strength=f"abs(datum['{chance}'] - 0.5)").mark_rect()
    tip = [f"{x}:N", f"{y}:N", alt.Tooltip(f"{chance}:Q", format=".0%")]
    layers = [cells.encode(color=colour, opacity=strength, tooltip=tip)]
    if text:
        ink = alt.condition(f"abs(datum['{chance}'] - 0.5) > 0.35", alt.value(PAPER), alt.value(INK))
        layers.append(base.mark_text(fontSize=12).encode(text=f"{text}:N", color=ink))
    drawing = alt.layer(*layers).properties(height=step * len(labels))
    return Figure(
        ident, caption, source, alternative, Layout("single"), finished(drawing), {ident: data}, (ident,)
    )
