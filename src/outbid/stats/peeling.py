"""The steps of the search for a box, on ranks: peel, paste, drop limits that could be luck.

Everything here sees inputs as ranks of shape (inputs, draws), 0 for the smallest value, equal values sharing one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Share of the box that one peel takes; Friedman and Fisher (1999) advise 0.05 to 0.1.
PEEL = 0.05
LOW, HIGH = 0, 1
# The last rank inside, by the input's row among the ranks and the side that it bounds; open sides are left out.
Bounds = dict[tuple[int, int], int]


def peeled(ranks: Whole, holds: Flags, floor: int) -> Bounds:
    """Peel down to `floor` draws; return the best box on the way."""
    d, n = ranks.shape
    order = np.argsort(ranks, axis=1, kind="stable")
    rows, base = np.arange(d), holds.mean()
    bounds: Bounds = {}
    best, best_quality = bounds, 0.0
    size, holding = n, int(holds.sum())
    while size > floor and holding < size:
        slice_ = max(1, int(PEEL * size))
        choice: tuple[float, int, int, int] | None = None
        for side in (LOW, HIGH):
            edge = order if side == LOW else order[:, ::-1]
            removed = _removed(ranks, edge, slice_, rows)
            seen = np.cumsum(holds[edge[:, : int(removed.max(initial=1))]], axis=1)
            lost = seen[rows, np.minimum(removed, seen.shape[1]) - 1]
            allowed = (removed > 0) & (size - removed >= floor)
            left = np.where(allowed, size - removed, 1)
            # What the share of draws that hold gains for each share of the box given away.
            gain = ((holding - lost) / left - holding / size) * size / np.maximum(removed, 1)
            gain = np.where(allowed, gain, -np.inf)
            place = int(np.argmax(gain))
            if np.isfinite(gain[place]) and (choice is None or gain[place] > choice[0]):
                choice = (float(gain[place]), place, side, int(removed[place]))
        if choice is None:
            break
        _, j, side, count = choice
        edge = order[j] if side == LOW else order[j, ::-1]
        inside = np.ones(n, bool)
        inside[edge[:count]] = False
        holding -= int(holds[edge[:count]].sum())
        size -= count
        bounds = {**bounds, (j, side): int(ranks[j, edge[count]])}
        order = order[inside[order]].reshape(d, size)
        quality = (holding / size - base) * np.sqrt(size)
        if quality > best_quality:
            best, best_quality = bounds, quality
    return best


def _removed(ranks: Whole, edge: Whole, slice_: int, rows: Whole) -> Whole:
    """Return how many draws a peel takes off each input: equal values go together, or none where all are equal."""
    first = ranks[rows[:, None], edge[:, : slice_ + 1]]
    cut = first[:, -1:] if first.shape[1] > slice_ else first[:, -1:] + 1
    removed = np.asarray((first != cut).sum(axis=1))
    for j in np.flatnonzero(removed == 0):
        equal = int((ranks[j, edge[j]] == cut[j]).sum())
        removed[j] = equal if equal < edge.shape[1] else 0
    return removed


def beyond_limits(ranks: Whole, bounds: Bounds) -> Flags:
    """Return which draws lie beyond each limit, shape (limits, draws)."""
    beyond = [ranks[j] < end if side == LOW else ranks[j] > end for (j, side), end in bounds.items()]
    return np.array(beyond).reshape(len(bounds), ranks.shape[1])


def chance(ranks: Whole, holds: Flags, bounds: Bounds, without: Sequence[tuple[int, int]]) -> float:
    """Return the quasi-p-value of limits: as dense by luck, were the box drawn from the one without them."""
    rest = {key: end for key, end in bounds.items() if key not in without}
    within = ~beyond_limits(ranks, bounds).any(axis=0)
    wider = ~beyond_limits(ranks, rest).any(axis=0)
    return float(binom.sf(int(holds[within].sum()) - 1, int(within.sum()), float(holds[wider].mean())))


def pruned(ranks: Whole, holds: Flags, bounds: Bounds, threshold: float, most: int) -> Bounds:
    """Drop the limit that is most likely luck, until none is and at most `most` inputs are left."""
    outside, keys = beyond_limits(ranks, bounds), list(bounds)
    while keys:
        faults = outside.sum(axis=0)
        within = faults == 0
        wider = (faults - outside) == 0
        base = (wider & holds).sum(axis=1) / wider.sum(axis=1)
        chances = binom.sf(int(holds[within].sum()) - 1, int(within.sum()), base)
        weakest = int(np.argmax(chances))
        if len({j for j, _ in keys}) <= most and chances[weakest] <= threshold:
            break
        del keys[weakest]
        outside = np.delete(outside, weakest, axis=0)
    return {key: bounds[key] for key in keys}


def pasted(ranks: Whole, holds: Flags, bounds: Bounds) -> Bounds:
    """Put slices back on as long as the box gets no thinner in what holds."""
    while bounds:
        outside = beyond_limits(ranks, bounds)
        faults = outside.sum(axis=0)
        size, holding = int((faults == 0).sum()), int(holds[faults == 0].sum())
        slice_ = max(1, int(PEEL * size))
        best: tuple[float, tuple[int, int], int] | None = None
        for (key, _), beyond in zip(bounds.items(), outside & (faults == 1), strict=True):
            j, side = key
            if not beyond.any():
                continue
            near = np.sort(ranks[j][beyond])[:: 1 if side == HIGH else -1]
            end = int(near[min(slice_, len(near)) - 1])
            added = beyond & ((ranks[j] >= end) if side == LOW else (ranks[j] <= end))
            density = (holding + int(holds[added].sum())) / (size + int(added.sum()))
            if density >= holding / size and (best is None or density > best[0]):
                best = (density, key, end)
        if best is None:
            break
        bounds = {**bounds, best[1]: best[2]}
    return bounds
