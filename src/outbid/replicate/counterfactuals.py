"""What would change: each player without its rival, and dearer or cheaper actions (Tables 4 and 5).

Every world is evaluated by the code that was compiled for the estimation, which also gives how play moves with the
payoffs; so intervals by the delta method come at no further cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.game.estimation.ascent import Evaluation, evaluate
from outbid.game.estimation.specification import Specification
from outbid.game.solve import NoEquilibrium, holds, solve
from outbid.replicate.declared import Declared, Floats, specification, without
from outbid.replicate.settings import Era

Ints = NDArray[np.int64]
# Half-width of a 95% interval, in standard errors.
REACH = 1.959964
# In how many strides a change of costs is made, so that the solution stays next to the base's.
STRIDES = 4


@dataclass(frozen=True, eq=False)
class World:
    """Play in one world: chances of acting, shape (states, players), and their derivatives in the payoffs, last axis."""

    chances: Floats
    slopes: Floats

    @property
    def either(self) -> tuple[Floats, Floats]:
        """Chance that anybody acts, shape (states,), and its derivatives."""
        rest = 1.0 - self.chances
        # the others' product, player by player; there are two
        return 1.0 - rest.prod(axis=1), (self.slopes * rest[:, ::-1, None]).sum(axis=1)


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure and its standard error from the payoffs' covariance (delta method)."""

    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval."""
        return self.value - REACH * self.error, self.value + REACH * self.error


@dataclass(frozen=True, eq=False)
class ByEra:
    """What the rival changes in one period, along the observed path.

    Parameters
    ----------
    together, alone, difference
        Mean probability of acting with the rival, without it, and the one less the other.
    spread
        Standard deviation of the monthly differences over the root of the number of months.
    as_published
        The difference with its error from the published form of the correction, None where there is none.
    """

    player: int
    era: Era
    together: float
    alone: float
    difference: Estimate
    spread: float
    as_published: Estimate | None = None


@dataclass(frozen=True, eq=False)
class Costs:
    """A comparison of costs: its row in the table, the steps by player, and what follows, averaged over the grid.

    `values` are the players' probabilities of acting, then that of either.
    """

    row: str
    steps: tuple[float, ...]
    values: tuple[Estimate, ...]


@dataclass(frozen=True, eq=False)
class Worlds:
    """The worlds that the tables compare, at the estimates.

    Parameters
    ----------
    base
        Play as estimated.
    alone
        Play in the world where the rival's actions move nothing, by player.
    covariance, published
        Of the payoffs, shape (payoffs, payoffs): with our correction, and with the published form of it, if known.
    """

    declared: Declared
    family: Specification
    counts: Floats
    theta: Floats
    values: Floats
    base: World
    alone: tuple[World, ...]
    covariance: Floats
    published: Floats | None = None

    def told(self, value: float, slope: Floats, covariance: Floats | None = None) -> Estimate:
        """Return a figure with its standard error; `slope` has shape (payoffs,)."""
        variance = float(slope @ (self.covariance if covariance is None else covariance) @ slope)
        return Estimate(float(value), max(variance, 0.0) ** 0.5)


def worlds(
    declared: Declared,
    family: Specification,
    counts: Floats,
    theta: Floats,
    values: Floats,
    covariance: Floats,
    published: Floats | None = None,
) -> Worlds:
    """Return the base world and, for every player, the world in which its rival's actions move nothing.

    The rival's terms in the state equation are set to zero: then what the rival does is of no matter, and the player
    solves its problem alone.

    Raises
    ------
    NoEquilibrium
        If a world has no solution that can be found.
    """
    assert family.first_step is not None  # `specification` gave it one
    equation = family.first_step.estimates
    found = []
    for i in range(len(declared.play.players)):
        other = specification(declared, without(declared.play, equation, 1 - i), family.first_step.covariance)
        found.append(_world(_sound(other, theta, values, counts)))
    base = _world(_sound(family, theta, values, counts))
    return Worlds(declared, family, counts, theta, values, base, tuple(found), covariance, published)


def by_era(held: Worlds, states: Ints) -> tuple[ByEra, ...]:
    """Average what the rival changes over each period's months; `states` are the months' grid points."""
    rows = []
    for i, world in enumerate(held.alone):
        gaps = (held.base.chances[:, i] - world.chances[:, i])[states]
        slopes = (held.base.slopes[:, i] - world.slopes[:, i])[states]
        for era in held.declared.play.eras:
            part = slice(era.start, era.stop)
            gap, slope = gaps[part].mean(), slopes[part].mean(axis=0)
            rows.append(
                ByEra(
                    i,
                    era,
                    float(held.base.chances[states[part], i].mean()),
                    float(world.chances[states[part], i].mean()),
                    held.told(gap, slope),
                    float(gaps[part].std(ddof=1) / np.sqrt(era.stop - era.start)),
                    None if held.published is None else held.told(gap, slope, held.published),
                )
            )
    return tuple(rows)


def costs(held: Worlds) -> tuple[Costs, ...]:
    """Return what dearer and cheaper actions change, in the order of the published table, then its smaller steps."""
    play = held.declared.play
    names, step = play.labels, play.cost_step
    rows: list[tuple[str, tuple[float, ...]]] = [("baseline", (0.0, 0.0))]
    for word, size in (("higher", -step), ("lower", step)):
        rows += [
            (f"{word} cost {names[0]}", (size, 0.0)),
            (f"{word} cost {names[1]}", (0.0, size)),
            (f"{word} cost both", (size, size)),
        ]
    parts = (("higher", -step, play.part_dearer), ("lower", step, play.part_cheaper))
    for word, size, (above, below) in parts:
        part = size * above / below
        rows.append((f"{word} cost both, {above}/{below} of the step", (part, part)))
    return tuple(_costs(held, row, steps) for row, steps in rows)


def _costs(held: Worlds, row: str, steps: tuple[float, ...]) -> Costs:
    world = _shifted(held, np.array(steps)) if any(steps) else held.base
    means = [
        held.told(world.chances[:, i].mean(), world.slopes[:, i].mean(axis=0)) for i in range(len(steps))
    ]
    chance, slope = world.either
    return Costs(row, steps, (*means, held.told(chance.mean(), slope.mean(axis=0))))


def _shifted(held: Worlds, steps: Floats) -> World:
    """Return the world with other costs, followed from the base: where there are several, the one next to it."""
    move = np.concatenate([np.zeros(len(held.theta) - len(steps)), steps]) / STRIDES
    at = _sound(held.family, held.theta, held.values, held.counts)
    for stride in range(1, STRIDES + 1):
        guess = at.values + at.moves @ move
        at = _sound(held.family, held.theta + stride * move, guess, held.counts)
    return _world(at)


def _sound(family: Specification, theta: Floats, start: Floats, counts: Floats) -> Evaluation:
    """Return the evaluation at payoffs, solved by Newton from `start` or, where that fails, by other ways."""
    at = evaluate(family, theta, start, counts)
    if not holds(at.values, float(at.error)):
        at = evaluate(family, theta, solve(family.game(theta), start).values, counts)
    if not holds(at.values, float(at.error)):
        raise NoEquilibrium("counterfactual", "has no equilibrium that could be held", "Take a smaller step.")
    return at


def _world(at: Evaluation) -> World:
    # two actions a player: the second is to act
    chances = np.exp(at.logs[:, 1::2])
    return World(chances, chances[:, :, None] * at.slopes[:, 1::2])
