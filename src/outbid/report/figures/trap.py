"""Where moderation is a trap: a map of chances for every gain, prior set and behaviour of the others."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import altair as alt

from outbid.plots.base import (
    INK,
    NO_HEADER,
    NUMBER_LABELS,
    PAPER,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    finished,
    number,
    panel_title,
    titled,
)
from outbid.report.trap import words
from outbid.report.trap.content import ANSWERED, FIXED, TrapContent, TrapGain, TrapLayer
from outbid.report.trap.rows import (
    LIKELY,
    UNLIKELY,
    CellReading,
    cells,
    find_layer,
    find_today,
    prior_sets,
    reading,
)
from outbid.report.trap.terms import view

ID = "trap"
_COLUMNS = (
    *("panel", "_title", "_note", "prior", "gain", "behaviour", "kind", "offer", "share"),
    *("offer_to", "share_to", "chance", "probability", "median", "q05", "q95", "sign", "_strong", "_told"),
)
# upper ends of the classes of a chance, with their words and how much of the colour is in them, in per cent
_CLASSES: tuple[tuple[float, str, int], ...] = (
    (0.05, "under 5%", 90),
    (0.20, "5–20%", 60),
    (UNLIKELY, "20–35%", 30),
    (LIKELY, "35–65%, can't be told", 6),
    (0.80, "65–80%", 30),
    (0.95, "80–95%", 60),
    (1.01, "over 95%", 90),
)
_LOSS, _GAIN = "var(--lowers)", "var(--raises)"
_SIGNS: dict[CellReading, str] = {"gain": "+", "loss": "−", "unknown": ""}
_HEIGHT = 165
# from here on a sign is written in the colour of the page
_HALF = 50


def figure(content: TrapContent) -> Figure | None:
    """Draw the maps as small multiples, or return None without one."""
    rows = [row for case in _panels(content) for row in _rows(content, *case)]
    if not rows:
        return None
    panels = list(dict.fromkeys(str(row[0]) for row in rows))
    offers = [layer.offers for layer in content.layers]
    shares = [layer.shares for layer in content.layers]
    x_scale = alt.Scale(
        domain=[min(e[0] for e in offers), max(e[-1] for e in offers)], nice=False, zero=False
    )
    y_scale = alt.Scale(
        domain=[min(e[0] for e in shares), max(e[-1] for e in shares)], nice=False, zero=False
    )
    x = alt.X(
        "offer:Q", title=None, scale=x_scale, axis=alt.Axis(tickCount=4, labelExpr=NUMBER_LABELS, grid=False)
    )
    y = alt.Y(
        "share:Q",
        title=None,
        scale=y_scale,
        axis=alt.Axis(tickCount=4, format="%", grid=False, minExtent=34, maxExtent=34),
    )
    names = [name for _, name, _ in _CLASSES]
    sides = [_LOSS] * 3 + [QUIET] + [_GAIN] * 3
    colours = [
        f"color-mix(in srgb, {side} {strength}%, {PAPER})"
        for side, (_, _, strength) in zip(sides, _CLASSES, strict=True)
    ]
    scale = alt.Scale(domain=names, range=colours)
    legend = alt.Legend(
        title="Chance of a gain", orient="top", columns=4, symbolType="square", symbolSize=160
    )
    fill = alt.Fill("chance:N", scale=scale, legend=legend)
    # a hair of the same colour, so that no seams show between cells
    seam = alt.Stroke("chance:N", scale=scale, legend=None)
    base = alt.Chart()
    area = base.transform_filter("datum.kind === 'cell'")
    middle: dict[str, Any] = {
        "x": alt.X("_middle_offer:Q", scale=x_scale),
        "y": alt.Y("_middle_share:Q", scale=y_scale),
    }
    signs = area.transform_calculate(
        _middle_offer="(datum.offer + datum.offer_to) / 2", _middle_share="(datum.share + datum.share_to) / 2"
    )
    told = base.transform_filter("datum.kind === 'even' && datum._told === 'yes'")
    untold = base.transform_filter("datum.kind === 'even' && datum._told !== 'yes'")
    today = base.transform_filter("datum.kind === 'today'")
    half = base.transform_filter("datum.kind === 'today, middle half'")
    point = base.transform_filter("datum.kind === 'today, median'")
    tip = [
        "kind:N",
        *(alt.Tooltip(f"{name}:Q", format=".2~r") for name in ("probability", "median", "q05", "q95")),
    ]
    ends: dict[str, Any] = {"x": x, "y": y, "x2": "offer_to:Q", "y2": "share_to:Q"}
    layers = [
        area.mark_rect(strokeWidth=0.7).encode(**ends, fill=fill, stroke=seam, tooltip=tip),
        *(
            signs.transform_filter(f"datum._strong === '{strong}'")
            .mark_text(fontSize=12, fontWeight=600, color=colour)
            .encode(**middle, text="sign:N")
            for strong, colour in (("yes", PAPER), ("no", INK))
        ),
        untold.mark_rule(color=QUIET, strokeWidth=1.2, strokeDash=[2, 3]).encode(**ends),
        told.mark_rule(color=INK, strokeWidth=2.4).encode(**ends),
        today.mark_rule(color=PAPER, strokeWidth=5).encode(**ends),
        half.mark_rule(color=PAPER, strokeWidth=8).encode(**ends),
        today.mark_rule(color=INK, strokeWidth=1.6).encode(**ends),
        half.mark_rule(color=INK, strokeWidth=4.5).encode(**ends),
        point.mark_point(size=70, fill=PAPER, stroke=INK, strokeWidth=1.8, opacity=1).encode(x=x, y=y),
    ]
    drawing = (
        alt.layer(*layers, *titled("panel", "_title", "_note"), data=alt.NamedData(ID))
        .properties(height=_HEIGHT)
        .facet(
            facet=alt.Facet("panel:N", sort=panels, header=NO_HEADER),
            columns=4,
            spacing={"row": 86, "column": 46},
            bounds="flush",
        )
        .resolve_axis(x="independent", y="independent")
    )
    return Figure(
        ID,
        _caption(content),
        "The model's scenarios over its posterior draws, the same draws and shocks in every cell.",
        alternative(content),
        Layout("facet", margin=38, gap=46, least=235, most=4 if content.answering else 2),
        finished(drawing),
        {ID: Table(_COLUMNS, tuple(rows))},
        (ID,),
    )


def _panels(content: TrapContent) -> list[tuple[TrapGain, TrapLayer]]:
    """Return the maps that are drawn, row by row."""
    return [
        (gain, layer)
        for gain in content.gains
        for prior in prior_sets(content)
        for behaviour in (FIXED, ANSWERED)
        if (layer := find_layer(content, prior, gain.id, behaviour)) is not None
    ]


def _rows(content: TrapContent, gain: TrapGain, layer: TrapLayer) -> list[tuple[Cell, ...]]:
    answers = layer.behaviour == ANSWERED
    who = " and ".join(content.answering)
    note = f"the {who} answers" if answers else "everybody else as today"
    note += ": can't be told" if reading(content, layer) == "unknown" else ""
    told = "yes" if reading(content, layer) == "depends" else "no"
    title = f"{gain.label}, {view(layer.prior)}"
    panel = f"{gain.id} {layer.prior} {layer.behaviour}"
    head = (panel, panel_title(title), note, layer.prior, gain.label, layer.behaviour)
    rows: list[tuple[Cell, ...]] = []
    readings = cells(content, layer)
    for i, (low, high) in enumerate(_edges(layer.shares)):
        for j, (left, right) in enumerate(_edges(layer.offers)):
            chance = layer.probability[i][j]
            name, strength = next((name, mixed) for upper, name, mixed in _CLASSES if chance < upper)
            strong = "yes" if strength > _HALF else "no"
            sign = _SIGNS[readings[i][j]]
            numbers = (chance, layer.median[i][j], layer.q05[i][j], layer.q95[i][j])
            place = (number(left), number(low), number(right), number(high))
            rows.append(
                (*head, "cell", *place, name, *(number(each) for each in numbers), sign, strong, told)
            )
    blank = (None, None, None, None, None, None, None)
    for piece in layer.even:
        line = (piece.offer, piece.share, piece.to_offer, piece.to_share)
        rows.append((*head, "even", *(number(each) for each in line), *blank, told))
    offer, share = (find_today(content, layer.prior, axis) for axis in ("offer", "share"))
    left, right = layer.offers[0], layer.offers[-1]
    bottom, top = layer.shares[0], layer.shares[-1]

    def inside(at: float, low: float, high: float) -> float | None:
        return number(min(max(at, low), high))

    boxes = (
        ("today", (offer.median, share.q05, offer.median, share.q95)),
        ("today", (offer.q05, share.median, offer.q95, share.median)),
        ("today, middle half", (offer.median, share.q25, offer.median, share.q75)),
        ("today, median", (offer.median, share.median, offer.median, share.median)),
    )
    for kind, (x, y, to_x, to_y) in boxes:
        where = (
            inside(x, left, right),
            inside(y, bottom, top),
            inside(to_x, left, right),
            inside(to_y, bottom, top),
        )
        rows.append((*head, kind, *where, *blank, told))
    return rows


def _edges(points: tuple[float, ...]) -> list[tuple[float, float]]:
    """Return where each point's cell begins and ends; the outer ones end at the map's edge."""
    between = [(a + b) / 2 for a, b in pairwise(points)]
    return list(zip([points[0], *between], [*between, points[-1]], strict=True))


def _caption(content: TrapContent) -> str:
    lines = {reading(content, layer) == "depends" and bool(layer.even) for _, layer in _panels(content)}
    even = " The heavy line is where a gain is as likely as not." if True in lines else ""
    faint = (
        " A dotted line is the same where the whole map lies in the range that can't be told, so nothing hangs on it."
        if any(layer.even and reading(content, layer) == "unknown" for _, layer in _panels(content))
        else ""
    )
    fewer = (
        " Where the other side answers, cells are larger and rest on fewer draws."
        if content.answering
        else ""
    )
    return (
        f"To the right: {content.offer_label[:1].lower()}{content.offer_label[1:]}. Upwards: "
        f"{content.share_label[:1].lower()}{content.share_label[1:]}. Plus: a gain is likely; minus: a loss is; "
        f"empty: it can't be told.{even}{faint} Ring and bars: today, its middle half and 90% interval.{fewer}"
    )


def alternative(content: TrapContent) -> str:
    """Return the maps in words."""
    parts = [f"{words.heading(content)}."]
    for gain, layer in _panels(content):
        low, high = min(map(min, layer.probability)), max(map(max, layer.probability))
        how = "with an answer" if layer.behaviour == ANSWERED else "without an answer"
        parts.append(f"{gain.label}, {view(layer.prior)}, {how}: chances of {low:.0%} to {high:.0%}.")
    return " ".join([*parts, words.here(content)])
