"""Where something holds: a box of few inputs in which it does more often than elsewhere (PRIM).

The patient rule induction method (Friedman and Fisher 1999) peels a thin slice off the box of all draws, again
and again, always the one whose loss raises the share of draws that hold; then it pastes back what does no harm.
Coverage, density and the test of each limit are those of scenario discovery (Bryant and Lempert 2010).
Only ranks are used, so a box doesn't depend on the scale of an input, and nothing is drawn at random.

On a surface, it is the line of a given height: marching squares, Lorensen and Cline's cubes (1987) in the plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
# Inputs as ranks, equal values sharing one, shape (2 inputs, draws): each from below, then each from above, as the
# negative, so that every limit is a lower one.
Ranks = NDArray[np.int64]
# The lowest rank inside, by row of the ranks; open sides are left out.
Bounds = dict[int, int]
Point = tuple[float, float]

# Share of the box that one peel takes; Friedman and Fisher (1999) advise 0.05 to 0.1.
PEEL = 0.05
# A limit stays if it would be this unlikely under chance, shared out over the inputs that were searched.
CHANCE = 0.05


@dataclass(frozen=True)
class Limit:
    """One side or both of a box on one input, ends included; infinite where it is open.

    `chance` is the limit's quasi-p-value: how likely the box would be as dense by luck if the limit made no
    difference (Bryant and Lempert 2010). The search has chosen the limit, so it flatters.
    """

    name: str
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Box:
    """A box and what it holds, all shares from 0 to 1.

    `limits`: the inputs that bound it, the one that matters most first; `coverage`: share of the draws that
    hold which lie in the box; `density`: share of the box's draws that hold; `mass`: share of all draws in
    the box; `elsewhere`: share of the draws outside the box that hold.
    """

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    elsewhere: float

    def holds_in(self, inputs: Floats, names: Sequence[str]) -> Flags:
        """Return which rows of inputs (rows, inputs) lie in the box, shape (rows,)."""
        inside = np.ones(len(inputs), bool)
        for limit in self.limits:
            column = inputs[:, list(names).index(limit.name)]
            inside &= (column >= limit.low) & (column <= limit.high)
        return inside


def find_box(
    inputs: Floats, holds: Flags, names: Sequence[str], *, smallest_share: float = 0.1, most: int = 4
) -> Box | None:
    """Return the box in which something holds more often than elsewhere; None if no limit makes it so.

    Of the boxes that peeling passes through, the one is taken whose density stands furthest above the base
    rate in standard errors, (density − base) √mass (Klösgen 1996). Limits that could be luck are dropped one
    by one, the weakest first, until at most `most` inputs are left; the peeling is then done again on these
    alone. `inputs`: shape (draws, inputs), finite; `holds`: shape (draws,); `smallest_share`: share of all
    draws that a box must hold; `most`: inputs that may bound a box.
    """
    if not len(names) or holds.all() or not holds.any():
        return None
    # Ties are broken by name, so that the order of columns makes no difference.
    columns = sorted(range(len(names)), key=lambda place: names[place])
    ranks = _both_sides(np.stack([np.unique(inputs[:, j], return_inverse=True)[1] for j in columns]))
    floor = max(1, int(np.ceil(smallest_share * len(holds))))
    threshold = CHANCE / (2 * len(columns))

    kept = pruned(ranks, holds, peeled(ranks, holds, floor), threshold, most)
    chosen = sorted({row % len(columns) for row in kept})
    fewer = _both_sides(ranks[chosen])
    again = pasted(fewer, holds, peeled(fewer, holds, floor)) if chosen else {}
    bounds = pruned(fewer, holds, again, threshold, most)
    inside = ~beyond_limits(fewer, bounds).any(axis=0)
    density = float(holds[inside].mean())
    if density <= holds.mean():
        return None
    limits = []
    for number, j in enumerate(chosen):
        sides = [row for row in (number, number + len(chosen)) if row in bounds]
        values, ends = inputs[:, columns[j]], [-np.inf, np.inf]
        for row in sides:
            ends[row // len(chosen)] = float(values[fewer[row] == bounds[row]][0])
        if sides:
            limits.append(Limit(names[columns[j]], ends[0], ends[1], chance(fewer, holds, bounds, sides)))
    return Box(
        tuple(sorted(limits, key=lambda limit: (limit.chance, limit.name))),
        coverage=float(holds[inside].sum() / holds.sum()),
        density=density,
        mass=float(inside.mean()),
        elsewhere=float(holds[~inside].mean()),
    )


def _both_sides(ranks: Ranks) -> Ranks:
    return np.concatenate([ranks, -ranks]).astype(np.int64)


def peeled(ranks: Ranks, holds: Flags, floor: int) -> Bounds:
    """Peel down to `floor` draws; return the best box on the way."""
    d, n = ranks.shape
    order = np.argsort(ranks, axis=1, kind="stable")
    rows, base = np.arange(d), holds.mean()
    bounds: Bounds = {}
    best, best_quality = bounds, 0.0
    size, holding = n, int(holds.sum())
    while size > floor and holding < size:
        removed = _removed(ranks, order, max(1, int(PEEL * size)), rows)
        seen = np.cumsum(holds[order[:, : int(removed.max(initial=1))]], axis=1)
        lost = seen[rows, np.minimum(removed, seen.shape[1]) - 1]
        allowed = (removed > 0) & (size - removed >= floor)
        left = np.where(allowed, size - removed, 1)
        # What the share of draws that hold gains for each share of the box given away.
        gain = ((holding - lost) / left - holding / size) * size / np.maximum(removed, 1)
        gain = np.where(allowed, gain, -np.inf)
        row = int(np.argmax(gain))
        if not np.isfinite(gain[row]):
            break
        peel = order[row, : removed[row]]
        bounds = {**bounds, row: int(ranks[row, order[row, len(peel)]])}
        inside = np.ones(n, bool)
        inside[peel] = False
        holding -= int(holds[peel].sum())
        size -= len(peel)
        order = order[inside[order]].reshape(d, size)
        quality = (holding / size - base) * np.sqrt(size)
        if quality > best_quality:
            best, best_quality = bounds, quality
    return best


def _removed(ranks: Ranks, order: Ranks, slice_: int, rows: Ranks) -> Ranks:
    """Return how many draws a peel takes off each row: equal values go together, or none where all are equal."""
    first = ranks[rows[:, None], order[:, : slice_ + 1]]
    cut = first[:, -1:] if first.shape[1] > slice_ else first[:, -1:] + 1
    removed = np.asarray((first != cut).sum(axis=1))
    for j in np.flatnonzero(removed == 0):
        equal = int((ranks[j, order[j]] == cut[j]).sum())
        removed[j] = equal if equal < order.shape[1] else 0
    return removed


def beyond_limits(ranks: Ranks, bounds: Bounds) -> Flags:
    """Return which draws lie beyond each limit, shape (limits, draws)."""
    return np.array([ranks[row] < end for row, end in bounds.items()], bool).reshape(-1, ranks.shape[1])


def chance(ranks: Ranks, holds: Flags, bounds: Bounds, without: Sequence[int]) -> float:
    """Return the quasi-p-value of limits: as dense by luck, were the box drawn from the one without them."""
    rest = {row: end for row, end in bounds.items() if row not in without}
    within = ~beyond_limits(ranks, bounds).any(axis=0)
    wider = ~beyond_limits(ranks, rest).any(axis=0)
    return float(binom.sf(int(holds[within].sum()) - 1, int(within.sum()), float(holds[wider].mean())))


def pruned(ranks: Ranks, holds: Flags, bounds: Bounds, threshold: float, most: int) -> Bounds:
    """Drop the limit that is most likely luck, until none is and at most `most` inputs are left."""
    outside, rows = beyond_limits(ranks, bounds), list(bounds)
    while rows:
        faults = outside.sum(axis=0)
        within = faults == 0
        wider = (faults - outside) == 0
        base = (wider & holds).sum(axis=1) / wider.sum(axis=1)
        chances = binom.sf(int(holds[within].sum()) - 1, int(within.sum()), base)
        weakest = int(np.argmax(chances))
        if len({row % (len(ranks) // 2) for row in rows}) <= most and chances[weakest] <= threshold:
            break
        del rows[weakest]
        outside = np.delete(outside, weakest, axis=0)
    return {row: bounds[row] for row in rows}


def pasted(ranks: Ranks, holds: Flags, bounds: Bounds) -> Bounds:
    """Put slices back on as long as the box gets no thinner in what holds."""
    while bounds:
        outside = beyond_limits(ranks, bounds)
        faults = outside.sum(axis=0)
        size, holding = int((faults == 0).sum()), int(holds[faults == 0].sum())
        slice_ = max(1, int(PEEL * size))
        best: tuple[float, Bounds] | None = None
        for row, beyond in zip(bounds, outside & (faults == 1), strict=True):
            if not beyond.any():
                continue
            near = np.sort(ranks[row][beyond])[::-1]
            end = int(near[min(slice_, len(near)) - 1])
            added = beyond & (ranks[row] >= end)
            density = (holding + int(holds[added].sum())) / (size + int(added.sum()))
            if density >= holding / size and (best is None or density > best[0]):
                best = density, {**bounds, row: end}
        if best is None:
            break
        bounds = best[1]
    return bounds


def contour(x: Floats, y: Floats, heights: Floats, level: float) -> tuple[tuple[Point, Point], ...]:
    """Return the pieces of the line where the surface passes the level, one or two to a square; empty if it doesn't.

    `x`, `y`: the grid's points, rising, shapes (columns,) and (rows,). `heights`: shape (rows, columns).
    Between the points of an edge the surface is straight. A corner at the level itself counts as above it, so
    that a flat surface at the level has no line.
    """
    pieces: list[tuple[Point, Point]] = []
    for i in range(len(y) - 1):
        for j in range(len(x) - 1):
            # the corners in turn, counter-clockwise
            corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
            values = [float(heights[each]) for each in corners]
            points = [(float(x[column]), float(y[row])) for row, column in corners]
            crossings = [
                _between(points[a], points[b], (level - values[a]) / (values[b] - values[a]))
                for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))
                if (values[a] >= level) != (values[b] >= level)
            ]
            if len(crossings) == 4:
                # a saddle: its middle tells which corners hang together
                joined = (sum(values) / 4 >= level) == (values[0] >= level)
                crossings = crossings if joined else [crossings[-1], *crossings[:-1]]
            pairs = zip(crossings[::2], crossings[1::2], strict=True)
            pieces += [(one, two) for one, two in pairs if one != two]
    return tuple(pieces)


def _between(one: Point, two: Point, share: float) -> Point:
    return (one[0] + share * (two[0] - one[0]), one[1] + share * (two[1] - one[1]))
