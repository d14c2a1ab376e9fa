"""Find one's way on the trap map: prior sets, a layer, a place on it, and what a layer says as a whole."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Literal

from outbid.report.chances import data_tell
from outbid.report.content import PRIORS
from outbid.report.trap.content import (
    BEFORE,
    FIXED,
    TrapChoice,
    TrapContent,
    TrapGain,
    TrapLayer,
    TrapNow,
    TrapToday,
)

Grid = tuple[tuple[float, ...], ...]
# what a map says of a gain: it is gained everywhere, lost everywhere, it depends on the place, or can't be told
CellReading = Literal["gain", "loss", "unknown"]
MapReading = CellReading | Literal["depends"]
# below and above these a loss and a gain are likely enough for a statement, as elsewhere in the report
UNLIKELY, EVEN, LIKELY = 0.35, 0.5, 0.65
# beyond these a chance is settled even where it was as high before the data
_SETTLED = (0.1, 0.9)


def prior_sets(content: TrapContent) -> tuple[str, ...]:
    """Return the prior sets that were mapped, the data alone first."""
    found = {each.prior for each in content.layers}
    return tuple(name for name in PRIORS if name in found)


def find_layer(content: TrapContent, prior: str, gain: str, behaviour: str = FIXED) -> TrapLayer | None:
    """Return one gain's map under one prior set, or None if there is none."""
    wanted = (prior, gain, behaviour)
    return next((e for e in content.layers if (e.prior, e.gain, e.behaviour) == wanted), None)


def find_gain(content: TrapContent, ident: str) -> TrapGain:
    """Return a gain."""
    return next(each for each in content.gains if each.id == ident)


def find_today(content: TrapContent, prior: str, axis: str) -> TrapToday:
    """Return where today stands on an axis."""
    return next(each for each in content.today if (each.prior, each.axis) == (prior, axis))


def find_now(content: TrapContent, prior: str, gain: str) -> TrapNow:
    """Return a gain as things stand today."""
    return next(each for each in content.now if (each.prior, each.gain) == (prior, gain))


def choices(content: TrapContent, prior: str) -> tuple[TrapChoice, ...]:
    """Return what the player would choose itself, by rising offer."""
    return tuple(
        sorted((each for each in content.choices if each.prior == prior), key=lambda each: each.offer)
    )


def extremes(layer: TrapLayer) -> tuple[float, float]:
    """Return the lowest and the highest probability on a map."""
    values = [value for row in layer.probability for value in row]
    return min(values), max(values)


def cells(content: TrapContent, layer: TrapLayer) -> tuple[tuple[CellReading, ...], ...]:
    """Say of every cell whether a gain is likely, a loss is, or it can't be told.

    As elsewhere, what is as likely as before the data is unknown under neutral priors, unless it was settled before
    them.
    """
    before = find_layer(content, layer.prior, layer.gain, BEFORE) if layer.prior == "neutral" else None

    def read(chance: float, offer: float, share: float) -> CellReading:
        was = place(before, before.probability, offer, share) if before else None
        settled = not _SETTLED[0] <= chance <= _SETTLED[1]
        if not (data_tell(chance, was) or settled):
            return "unknown"
        return "gain" if chance > EVEN else "loss"

    return tuple(
        tuple(read(chance, offer, share) for chance, offer in zip(row, layer.offers, strict=True))
        for row, share in zip(layer.probability, layer.shares, strict=True)
    )


def reading(content: TrapContent, layer: TrapLayer) -> MapReading:
    """Say what a map says of a gain as a whole."""
    found = {each for row in cells(content, layer) for each in row}
    return found.pop() if len(found) == 1 else "depends"


def assumed(now: TrapNow) -> bool:
    """Say whether a settled chance was as settled before the data."""
    return not UNLIKELY <= now.probability <= LIKELY and not data_tell(now.probability, now.prior_probability)


def place(layer: TrapLayer, table: Grid, offer: float, share: float) -> float:
    """Return a table's value at a place on the map, by straight lines between cells; beyond the map its edge."""
    i, up = _between(layer.shares, share)
    j, right = _between(layer.offers, offer)
    rows = [row[j] + right * (row[j + 1] - row[j]) for row in (table[i], table[i + 1])]
    return rows[0] + up * (rows[1] - rows[0])


def crossing(layer: TrapLayer, share: float) -> float | None:
    """Return the smallest offer at which a gain is as likely as not with this share; None if it never is."""
    chances = [place(layer, layer.probability, offer, share) for offer in layer.offers]
    for (left, low), (right, high) in pairwise(zip(layer.offers, chances, strict=True)):
        if (low >= EVEN) != (high >= EVEN):
            return left + (right - left) * (EVEN - low) / (high - low)
    return None


def _between(points: tuple[float, ...], at: float) -> tuple[int, float]:
    """Return the point below a value, and how far it is on the way to the next, 0 to 1."""
    inside = min(max(at, points[0]), points[-1])
    i = min(bisect_right(points, inside) - 1, len(points) - 2)
    return i, (inside - points[i]) / (points[i + 1] - points[i])
