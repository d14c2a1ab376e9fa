"""Search from many starts: how many equilibria has a game, and how many maxima its likelihood?

No search proves that it has found all of them; the results say how many starts led where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import ArrayLike

from outbid.errors import InputError
from outbid.game.coefficients import cells_of
from outbid.game.equilibrium import (
    Certificate,
    Equilibrium,
    NoEquilibrium,
    certify,
    holds,
    solve,
    worth_of_play,
)
from outbid.game.estimates import Estimates, estimates_at
from outbid.game.game import Arrays, Game, check_game
from outbid.game.given import Count, Draws, Seed, checked
from outbid.game.kernel import Floats, expect
from outbid.game.likelihood import maximise_likelihood
from outbid.game.maximise import Maximum
from outbid.game.newton import FLAT, Iterate, averaged, newton, shared_out, side_by_side, split
from outbid.game.specification import Play, Specification, checked_game

T = TypeVar("T")
# Two answers are the same equilibrium when no probability of play differs by more.
SAME = 1e-6
# Two searches ended at the same maximum when they differ by less: in log-likelihood, and in standard errors.
LEVEL, NEAR = 1e-5, 1e-2
# Standard deviations of the log odds of random policies: mixed ones, and ones that are nearly pure.
BOLDNESS = (1.0, 3.0, 30.0)
# Starts that are worked on together; how many there are at least and at most; how often each equilibrium is to be found.
BATCH, LEAST, MOST, AGAIN = 16, 33, 4096, 5
DAMPED_STEPS = 200
NOTHING = Certificate(np.nan, np.nan, 0, "")


@dataclass(frozen=True)
class Multiplicity:
    """Every equilibrium that a search found, most often reached first, and how many starts led to each."""

    equilibria: tuple[Equilibrium, ...]
    counts: tuple[int, ...]
    starts: int
    failed: int

    @property
    def missed(self) -> float:
        """How many more there may be, by how many were reached once and twice (Chao, 1984): an estimate from below."""
        once, twice = self.counts.count(1), self.counts.count(2)
        return once * (once - 1) / (2 * (twice + 1))

    @property
    def unseen(self) -> float:
        """The share of starts that would lead to an equilibrium not found: estimated by those reached once (Good, 1953).

        Where there is none of these, the most that it may be with a confidence of 95%.
        """
        reached = self.starts - self.failed
        return min(1.0, (self.counts.count(1) or -float(np.log(0.05))) / reached)

    def sentence(self) -> str:
        """Return the finding in words."""
        number = len(self.equilibria)
        told = f"{self.starts} starts led to {number} {'equilibrium' if number == 1 else 'equilibria'}"
        if number > 1:
            told += f" ({', '.join(map(str, self.counts))} starts each)"
        told += f"; {self.failed} led nowhere" if self.failed else ""
        about = "about" if 1 in self.counts else "under"
        more = f"an estimated {self.missed:.0f} more were missed, those to which {about} {self.unseen:.1%}"
        return f"{told}; {more} of such starts lead."


@checked
def search(game: Game, starts: Count = MOST, seed: Seed = 0) -> Multiplicity:
    """Solve a game from random starts until every equilibrium was found again and again, and return all of them.

    It ends when each was reached `AGAIN` times and the last new one lies in the first half, or after `starts`. The first
    start is `solve`'s own. The others are random policies, the same throughout, by regions, or by states: damped Newton
    starts where everybody plays it, or answers it for ever. Raises NoEquilibrium if no start leads to one.
    """
    check_game(game)
    generator, answer = np.random.default_rng(seed), partial(_from_policies, game.arrays)
    found: list[Equilibrium] = []
    counts: list[int] = []
    tried, newest = 1, 1

    def enter(each: Equilibrium) -> int:
        place = next((i for i, other in enumerate(found) if _same_play(other, each)), len(found))
        if place == len(found):
            found.append(each)
            counts.append(0)
        counts[place] += 1
        return place

    with suppress(NoEquilibrium):
        enter(solve(game))
    while tried < starts and (tried < LEAST or tried < 2 * newest or min(counts, default=0) < AGAIN):
        policies = np.stack([_random_policy(game, generator) for _ in range(BATCH)])
        ended = shared_out(answer, (jnp.asarray(policies), jnp.arange(BATCH) % 2 == 0))
        for values, error in zip(ended.values[: starts - tried], ended.error, strict=False):
            tried += 1
            if holds(values, float(error)):
                known = len(found)
                newest = tried if enter(Equilibrium(game, values, NOTHING)) == known else newest
    if not found:
        fix = "Look at the payoffs, or lower the precision or the discount."
        raise NoEquilibrium("equilibrium", f"none was found from {starts} starts", fix)
    order = sorted(range(len(found)), key=lambda i: -counts[i])
    whole = [
        each
        if (each := found[i]).certificate.method
        else certify(game, each.values, 0, "damped Newton from a policy")
        for i in order
    ]
    return Multiplicity(tuple(whole), tuple(counts[i] for i in order), tried, tried - sum(counts))


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
    odds = generator.normal(0.0, generator.choice(BOLDNESS), (max(regions, 1), actions))
    return np.asarray(odds[where])


@jax.jit
def _from_policies(arrays: Arrays, starts: tuple[Array, Array]) -> Iterate:
    """Run damped Newton from policies given as log odds, (starts, states, all actions): from the policy, or its answer."""

    def one(start: tuple[Array, Array]) -> Iterate:
        odds, as_it_is = start
        logs = tuple(jax.nn.log_softmax(part, axis=-1) for part in split(arrays.counts, odds))
        future = arrays.discount[:, None, None] * expect(arrays.kernel, worth_of_play(arrays, logs))
        worth = averaged(arrays.counts, logs, arrays.payoffs + future)
        same = [
            value.mean(axis=-1, keepdims=True)
            + (log - log.mean(axis=-1, keepdims=True)) / jnp.maximum(scale, FLAT)
            for value, log, scale in zip(split(arrays.counts, worth), logs, arrays.precision, strict=True)
        ]
        start_values = jnp.where(as_it_is, jnp.concatenate(same, axis=-1), worth)
        return newton(arrays, start_values, DAMPED_STEPS, careful=True)

    ended: Iterate = jax.lax.map(one, starts)
    return ended


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


@checked
def draw_starts(center: ArrayLike, spread: ArrayLike, number: Count = 60, seed: Seed = 0) -> Floats:
    """Return random starts, shape (number, parameters): the centre itself, then normal draws around it."""
    middle, width = np.asarray(center, dtype=float), np.asarray(spread, dtype=float)
    finite = np.isfinite(middle).all() and np.isfinite(width).all()
    if middle.ndim != 1 or width.shape not in ((), middle.shape) or not finite or not (width >= 0).all():
        problem = "doesn't fit the centre, or is negative"
        raise InputError("starts, spread", problem, "Give one for each parameter.")
    draws = np.random.default_rng(seed).standard_normal((number, len(middle)))
    draws[0] = 0.0
    return np.asarray(middle + draws * width)


@checked
def estimate_many(
    specification: Specification,
    play: Play | pd.DataFrame,
    starts: ArrayLike,
    *,
    equilibrium_starts: Draws = MOST,
    seed: Seed = 0,
    errors: bool = True,
) -> LocalMaxima:
    """Estimate from many starts, shape (starts, parameters), and return every distinct local maximum, the highest first.

    `equilibrium_starts` starts at most look for further equilibria at each maximum; 0 for none. Searches run side by
    side, on as many threads as there are cores; the answer doesn't depend on that.
    """
    places = np.atleast_2d(np.asarray(starts, dtype=float))
    if places.ndim != 2 or not len(places):
        raise InputError("starts", f"have shape {places.shape}", "Give one row a start.")
    for i, each in enumerate(places):
        specification.parameters(each, f"start {i + 1}")
    game, play = checked_game(specification, places[0], play)
    counts = play.counts(game)

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
            found = estimates_at(specification, play, places[members[0]], best, errors=errors)
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
