"""Where something holds: a box of few inputs in which it does more often than elsewhere (PRIM).

The patient rule induction method (Friedman and Fisher 1999) peels a thin slice off the box of all draws, again
and again, always the one whose loss raises the share of draws that hold; then it pastes back what does no harm.
Coverage, density and the test of each limit are those of scenario discovery (Bryant and Lempert 2010).
Only ranks are used, so a box doesn't depend on the scale of an input, and nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.stats.peeling import HIGH, LOW, beyond_limits, chance, pasted, peeled, pruned

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

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
    chance: float = 0.0


@dataclass(frozen=True)
class Box:
    """A box and what it holds, all shares from 0 to 1.

    Parameters
    ----------
    limits
        The inputs that bound it, the one that matters most first.
    coverage
        Share of the draws that hold which lie in the box.
    density
        Share of the box's draws that hold.
    mass
        Share of all draws in the box.
    base
        Share of all draws that hold.
    elsewhere
        Share of the draws outside the box that hold.
    """

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    base: float = 0.0
    elsewhere: float = 0.0

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

    Of the boxes that peeling passes through, the one is taken whose density stands furthest above the base rate
    in standard errors, (density − base) √mass (Klösgen 1996). Limits that could be luck are dropped one by one,
    the weakest first, until at most `most` inputs are left; the peeling is then done again on these alone.

    Parameters
    ----------
    inputs
        Shape (draws, inputs), finite.
    holds
        Shape (draws,).
    smallest_share
        Share of all draws that a box must hold.
    most
        Inputs that may bound a box.

    Raises
    ------
    InputError
        If shapes don't match, a number is not finite, or the settings are out of range.
    """
    _check(inputs, holds, names, smallest_share, most)
    if not len(names) or holds.all() or not holds.any():
        return None
    # Ties are broken by name, so that the order of columns makes no difference.
    columns = sorted(range(len(names)), key=lambda place: names[place])
    ranks = np.stack([np.unique(inputs[:, j], return_inverse=True)[1] for j in columns]).astype(np.int64)
    floor = max(1, int(np.ceil(smallest_share * len(holds))))
    threshold = CHANCE / (2 * len(columns))

    kept = pruned(ranks, holds, peeled(ranks, holds, floor), threshold, most)
    chosen = sorted({j for j, _ in kept})
    fewer = ranks[chosen]
    again = pasted(fewer, holds, peeled(fewer, holds, floor)) if chosen else {}
    bounds = pruned(fewer, holds, again, threshold, most)
    inside = ~beyond_limits(fewer, bounds).any(axis=0) if bounds else np.ones(len(holds), bool)
    density, base = float(holds[inside].mean()), float(holds.mean())
    if density <= base:
        return None
    limits = []
    for j in {j for j, _ in bounds}:
        column = inputs[:, columns[chosen[j]]]
        ends = [-np.inf, np.inf]
        for side in (LOW, HIGH):
            if (j, side) in bounds:
                ends[side] = float(column[fewer[j] == bounds[j, side]][0])
        sides = [key for key in bounds if key[0] == j]
        limits.append(
            Limit(names[columns[chosen[j]]], ends[LOW], ends[HIGH], chance(fewer, holds, bounds, sides))
        )
    return Box(
        tuple(sorted(limits, key=lambda limit: (limit.chance, limit.name))),
        coverage=float(holds[inside].sum() / holds.sum()),
        density=density,
        mass=float(inside.mean()),
        base=base,
        elsewhere=float(holds[~inside].mean()),
    )


def _check(inputs: Floats, holds: Flags, names: Sequence[str], smallest_share: float, most: int) -> None:
    if inputs.ndim != 2 or inputs.shape != (len(holds), len(names)):
        raise InputError(
            "inputs",
            f"have shape {inputs.shape}, not (draws, names)",
            "Give a row per draw, a column per name.",
        )
    if len(set(names)) < len(names):
        raise InputError("names", "hold a name twice", "Name every input once.")
    if not np.isfinite(inputs).all():
        raise InputError("inputs", "hold a number that is not finite", "Leave such draws out.")
    if not 0 < smallest_share < 1:
        raise InputError("smallest_share", f"is {smallest_share:g}", "Give a share between 0 and 1.")
    if most < 1:
        raise InputError("most", f"is {most}", "Let at least one input bound the box.")
