"""Search from many starts: how many equilibria has a game, and how many maxima its likelihood?

No search proves that it has found all of them; the results say how many starts led where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import ArrayLike

from outbid.errors import InputError
from outbid.game.coefficients import cells_of
from outbid.game.equilibrium import Equilibrium, NoEquilibrium, certify, holds, solve, worth_of_play
from outbid.game.estimates import Estimates, estimates_at
from outbid.game.game import Arrays, Game
from outbid.game.kernel import Floats, expect
from outbid.game.likelihood import maximise_likelihood
from outbid.game.maximise import Maximum
from outbid.game.newton import Iterate, averaged, newton, one_thread_each, side_by_side, split
from outbid.game.specification import Play, Specification, checked_game

T = TypeVar("T")
# Two answers are the same equilibrium when no probability of play differs by more.
SAME = 1e-6
# Two searches ended at the same maximum when they differ by less: in log-likelihood, and in standard errors.
LEVEL, NEAR = 1e-5, 1e-2
# Standard deviation of the log odds of random policies.
BOLDNESS = 3.0
# How many starts look for further equilibria at each maximum.
EQUILIBRIUM_STARTS = 12


@dataclass(frozen=True)
class Multiplicity:
    """Every equilibrium that a search found, most often reached first, and how many starts led to each."""

    equilibria: tuple[Equilibrium, ...]
    counts: tuple[int, ...]
    starts: int
    failed: int

    def sentence(self) -> str:
        """Return the finding in words."""
        number = len(self.equilibria)
        told = f"{self.starts} starts led to {number} {'equilibrium' if number == 1 else 'equilibria'}"
        if number > 1:
            told += f" ({', '.join(map(str, self.counts))} starts each)"
        return f"{told}; {self.failed} led nowhere." if self.failed else f"{told}."


def search(game: Game, starts: int = 30, seed: int = 0) -> Multiplicity:
    """Solve a game from many random starts and return every equilibrium that was found.

    The first start is `solve`'s own. The others let every player play some random policy for ever, the same throughout, by
    regions, or by states, and start Newton from what that would be worth. Raises NoEquilibrium if no start leads to one.
    """
    if starts < 1:
        raise InputError("starts", f"is {starts}", "Give at least 1.")
    arrays, generator = game.arrays, np.random.default_rng(seed)
    found: list[Equilibrium] = []
    with suppress(NoEquilibrium):
        found.append(solve(game))
    for _ in range(starts - 1):
        with one_thread_each():
            at = jax.block_until_ready(_from_policy(arrays, jnp.asarray(_random_policy(game, generator))))
        if holds(at.values, float(at.error)):
            found.append(certify(game, at.values, int(at.steps), "Newton from a random policy"))
    if not found:
        fix = "Look at the payoffs, or lower the precision or the discount."
        raise NoEquilibrium("equilibrium", f"none was found from {starts} starts", fix)
    groups = sorted(_grouped(found, _same_play), key=lambda group: -len(group))
    distinct, counts = tuple(group[0] for group in groups), tuple(map(len, groups))
    return Multiplicity(distinct, counts, starts, starts - len(found))


def _grouped(items: Iterable[T], same: Callable[[T, T], bool]) -> list[list[T]]:
    """Group items that are the same as the first of a group."""
    groups: list[list[T]] = []
    for each in items:
        group = next((group for group in groups if same(group[0], each)), None)
        if group is None:
            groups.append(group := [])
        group.append(each)
    return groups


def _random_policy(game: Game, generator: np.random.Generator) -> Floats:
    """Return log odds of every action by state, shape (states, all actions), constant over random regions."""
    states, actions = game.grid.size, sum(game.counts)
    regions = int(generator.choice([1, 2, 5, states]))
    where = np.sort(generator.integers(0, regions, states)) if regions < states else np.arange(states)
    odds = generator.normal(0.0, BOLDNESS, (max(regions, 1), actions))
    return np.asarray(odds[where])


@jax.jit
def _from_policy(arrays: Arrays, odds: Array) -> Iterate:
    """Run Newton from what a policy given as log odds would be worth if everybody kept to it."""
    logs = tuple(jax.nn.log_softmax(part, axis=-1) for part in split(arrays.counts, odds))
    future = arrays.discount[:, None, None] * expect(arrays.kernel, worth_of_play(arrays, logs))
    return newton(arrays, averaged(arrays.counts, logs, arrays.payoffs + future))


@dataclass(frozen=True, eq=False)
class LocalMaxima:
    """Every local maximum of a likelihood that was found, the highest first.

    * `starts`: by maximum, places of the starts that led there, in the order they were given.
    * `equilibria`: by maximum, how many equilibria a search found at its parameters; the likelihood belongs to one.
    * `failed`: start by start, why it led to no maximum: (place, reason).
    """

    estimates: tuple[Estimates, ...]
    starts: tuple[tuple[int, ...], ...]
    equilibria: tuple[int, ...]
    tried: int
    failed: tuple[tuple[int, str], ...]

    @property
    def highest(self) -> Estimates:
        """The estimates at the highest maximum found, which need not be the highest there is."""
        return self.estimates[0]

    def table(self) -> pd.DataFrame:
        """Return one row a maximum: log-likelihood, starts that led there, equilibria, and the parameters by name."""
        parameters = np.array([each.estimates for each in self.estimates])
        columns = {
            "log_likelihood": [each.log_likelihood for each in self.estimates],
            "starts": list(map(len, self.starts)),
            "equilibria": list(self.equilibria),
        }
        return pd.DataFrame({**columns, **dict(zip(self.highest.names, parameters.T, strict=True))})

    def summary(self) -> str:
        """Return the maxima as a table in plain text."""
        number, table = len(self.estimates), cells_of(self.table()).to_string(index=False)
        found = f"{number} local {'maximum' if number == 1 else 'maxima'} found from {self.tried} starts"
        told = f"{found}; {len(self.failed)} starts led to none."
        return f"{told}\nA higher one may exist that no start led to.\n\n{table}"


def draw_starts(center: ArrayLike, spread: ArrayLike, number: int = 60, seed: int = 0) -> Floats:
    """Return random starts, shape (number, parameters): the centre itself, then normal draws around it."""
    middle, width = np.asarray(center, dtype=float), np.asarray(spread, dtype=float)
    if number < 1:
        raise InputError("starts, number", f"is {number}", "Give at least 1.")
    if middle.ndim != 1 or width.shape not in ((), middle.shape) or not (width >= 0).all():
        problem = "doesn't fit the centre, or is negative"
        raise InputError("starts, spread", problem, "Give one for each parameter.")
    draws = np.random.default_rng(seed).standard_normal((number, len(middle)))
    draws[0] = 0.0
    return np.asarray(middle + draws * width)


def estimate_many(
    specification: Specification,
    play: Play,
    starts: ArrayLike,
    *,
    equilibrium_starts: int = EQUILIBRIUM_STARTS,
    seed: int = 0,
    errors: bool = True,
) -> LocalMaxima:
    """Estimate from many starts, shape (starts, parameters), and return every distinct local maximum, the highest first.

    `equilibrium_starts` starts look for further equilibria at each maximum. Searches run side by side, on as many
    threads as there are cores; the answer doesn't depend on that.
    """
    places = np.atleast_2d(np.asarray(starts, dtype=float))
    for i, each in enumerate(places):
        specification.parameters(each, f"start {i + 1}")
    counts = play.counts(checked_game(specification, places[0], play))

    def attempt(start: Floats) -> Maximum | str:
        try:
            found = maximise_likelihood(specification, counts, start)
        except InputError as error:
            return str(error)
        return found if found.converged else found.message

    ended = side_by_side(attempt, list(places))
    failed = [(i, each) for i, each in enumerate(ended) if isinstance(each, str)]
    maxima = [(i, each) for i, each in enumerate(ended) if isinstance(each, Maximum)]
    kept = []
    for group in _grouped(maxima, _same_maximum):
        best = max((each for _, each in group), key=lambda each: float(each.at.log_likelihood))
        members = tuple(i for i, _ in group)
        try:
            found = estimates_at(specification, play, best, errors=errors)
            reason = "" if found.converged else found.message
        except InputError as error:
            reason = str(error)
        if reason:
            failed += [(i, reason) for i in members]
            continue
        own = found.equilibrium
        known = search(own.game, equilibrium_starts, seed).equilibria if equilibrium_starts else ()
        away = not any(_same_play(own, each) for each in known)
        kept.append((found, members, len(known) + int(away)))
    if not kept:
        reasons = sorted({reason for _, reason in failed})
        problem = f"none of {len(places)} led to a maximum ({'; '.join(reasons[:3])})"
        raise InputError("starts", problem, "Give others.")
    kept.sort(key=lambda each: -each[0].log_likelihood)
    estimates, members_of, equilibria = zip(*kept, strict=True)
    return LocalMaxima(estimates, members_of, equilibria, len(places), tuple(sorted(failed)))


def _same_maximum(first: tuple[int, Maximum], second: tuple[int, Maximum]) -> bool:
    one, other = first[1], second[1]
    gap = other.theta - one.theta
    apart = float(np.sqrt(max(gap @ one.at.information @ gap, 0.0)))
    return abs(float(other.at.log_likelihood - one.at.log_likelihood)) < LEVEL and apart < NEAR


def _same_play(one: Equilibrium, other: Equilibrium) -> bool:
    pairs = zip(one.probabilities, other.probabilities, strict=True)
    return all(float(np.abs(mine - theirs).max()) < SAME for mine, theirs in pairs)
