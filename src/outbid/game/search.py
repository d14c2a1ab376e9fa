"""How many equilibria are there? Solve from many starts and tell the answers apart.

No search proves that it has found all of them; the report says how many starts led where.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.certify import worth_of_play
from outbid.game.equations import averaged, split
from outbid.game.game import Arrays, Game
from outbid.game.kernel import expect
from outbid.game.newton import newton
from outbid.game.solve import Equilibrium, Found, NoEquilibrium, certify, holds, solve
from outbid.game.threads import one_thread_each

Floats = NDArray[np.float64]
# Two answers are the same equilibrium when no probability of play differs by more.
SAME = 1e-6


@dataclass(frozen=True)
class Multiplicity:
    """Every equilibrium that a search found, the one most often reached first.

    Parameters
    ----------
    equilibria
        The distinct answers, each with its certificate.
    counts
        How many starts led to each.
    starts, failed
        How many starts were tried, and how many led nowhere.
    """

    equilibria: tuple[Equilibrium, ...]
    counts: tuple[int, ...]
    starts: int
    failed: int

    @property
    def several(self) -> bool:
        """Whether more than one equilibrium was found."""
        return len(self.equilibria) > 1

    def sentence(self) -> str:
        """Return the finding in words."""
        number = len(self.equilibria)
        told = f"{self.starts} starts led to {number} {'equilibrium' if number == 1 else 'equilibria'}"
        if self.several:
            told += f" ({', '.join(map(str, self.counts))} starts each)"
        return f"{told}; {self.failed} led nowhere." if self.failed else f"{told}."


def search(game: Game, starts: int = 30, seed: int = 0, *, boldness: float = 3.0) -> Multiplicity:
    """Solve a game from many random starts and return every equilibrium that was found.

    The first start is `solve`'s own. The others let every player play some random policy, the same
    throughout, by regions, or by states, for ever, and start Newton from what that would be worth.

    Parameters
    ----------
    starts
        How many starts, at least 1.
    boldness
        Standard deviation of the random policies' log odds.

    Raises
    ------
    NoEquilibrium
        If no start leads to one.
    """
    if starts < 1:
        raise InputError("starts", f"is {starts}", "Give at least 1.")
    arrays, generator = game.arrays, np.random.default_rng(seed)
    answers: list[tuple[Floats, int, str]] = []
    try:
        own = solve(game)
        answers.append((np.asarray(own.values), own.certificate.steps, own.certificate.method))
    except NoEquilibrium:
        pass
    for _ in range(starts - 1):
        with one_thread_each():
            start = jnp.asarray(_random_policy(game, generator, boldness))
            found = jax.block_until_ready(_from_policy(arrays, start))
        if holds(found.values, float(found.error)):
            answers.append((np.asarray(found.values), int(found.steps), "Newton from a random policy"))
    if not answers:
        raise NoEquilibrium(
            "equilibrium",
            f"none was found from {starts} starts",
            "Look at the payoffs, or lower the precision or the discount.",
        )
    return Multiplicity(*_told_apart(game, answers), starts, starts - len(answers))


def _told_apart(
    game: Game, answers: list[tuple[Floats, int, str]]
) -> tuple[tuple[Equilibrium, ...], tuple[int, ...]]:
    kept: list[Equilibrium] = []
    counts: list[int] = []
    for values, steps, method in answers:
        each = Equilibrium(game, values, certify(game, jnp.asarray(values), steps, method))
        for i, other in enumerate(kept):
            if all(
                np.abs(one - two).max() < SAME
                for one, two in zip(each.probabilities, other.probabilities, strict=True)
            ):
                counts[i] += 1
                break
        else:
            kept.append(each)
            counts.append(1)
    order = sorted(range(len(kept)), key=lambda i: -counts[i])
    return tuple(kept[i] for i in order), tuple(counts[i] for i in order)


def _random_policy(game: Game, generator: np.random.Generator, boldness: float) -> Floats:
    """Return log odds of every action by state, shape (states, all actions), constant over random regions."""
    states, actions = game.grid.size, sum(game.counts)
    regions = int(generator.choice([1, 2, 5, states]))
    where = np.sort(generator.integers(0, regions, states)) if regions < states else np.arange(states)
    odds = generator.normal(0.0, boldness, (max(regions, 1), actions))
    return np.asarray(odds[where])


@jax.jit
def _from_policy(arrays: Arrays, odds: Array) -> Found:
    """Run Newton from what a policy given as log odds would be worth if everybody kept to it."""
    logs = tuple(jax.nn.log_softmax(part, axis=-1) for part in split(arrays.counts, odds))
    future = arrays.discount[:, None, None] * expect(arrays.kernel, worth_of_play(arrays, logs))
    at = newton(arrays, averaged(arrays.counts, logs, arrays.payoffs + future))
    return Found(at.values, at.error, at.steps)
