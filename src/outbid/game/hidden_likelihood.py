"""What a hidden Markov model on a grid is fed with: play, measures, the first month; random paths; doubts about the grid.

The likelihood of actions and noisy measures under a game whose state was not observed, with exact scores.

At each parameter vector the game is solved on its grid; equilibrium play gives the probability of the actions
in every state, the kernel gives the state's law, the measures give noisy views of it, and the forward
recursion of `outbid.game.markov` sums over all paths of the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.stats import norm
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.equations import log_probabilities, residual, spread
from outbid.game.equilibrium import Equilibrium, NoEquilibrium, holds, solve
from outbid.game.game import Game
from outbid.game.grid import Grid
from outbid.game.hidden_game import HiddenGame, Normal, natural_from
from outbid.game.kernel import Banded, Kernel, Scattered, stationary, transition
from outbid.game.markov import Posterior, Seen, is_narrow, month_logs, seen_actions, smooth, with_slopes
from outbid.game.newton import equilibrium_values, size_of
from outbid.game.play import check_calendar

Floats = NDArray[np.float64]
# What of a month's move a band may cut off, and of the state's months may lie at the grid's ends.
CUT, ENDS = 1e-5, 0.05
# What a probability that rounds to nothing counts as.
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Record:
    """What was seen, month by month without gaps.

    * `actions`: shape (months, players): each player's action by its number from 0, -1 where missing.
    * `measures`: shape (months, measures), in the order of the specification; NaN where missing.
    * `months`: names of the months, "YYYY-MM", or nothing; names that skip a month are refused.

    Raises InputError on different numbers of months, a gap, an infinite figure, or a measure without any
    figure.
    """

    actions: NDArray[np.int64]
    measures: Floats
    months: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        actions, measures = np.asarray(self.actions), np.asarray(self.measures, dtype=float)
        if actions.ndim != 2 or measures.ndim != 2:
            raise InputError("record", "is no pair of tables", "Give actions and measures, one row a month.")
        if len(actions) != len(measures) or len(self.months) not in (0, len(actions)):
            named = f", and {len(self.months)} months have names" if self.months else ""
            raise InputError(
                "record",
                f"has actions of {len(actions)} months and measures of {len(measures)}{named}",
                "Give both the same months; leave NaN, or -1, where one is missing.",
            )
        check_calendar([str(month) for month in self.months])
        if np.isinf(measures).any():
            month = int(np.argwhere(np.isinf(measures))[0][0])
            raise InputError(f"record, measures, month {month + 1}", "is infinite", "Leave NaN there.")
        for place, column in enumerate(measures.T):
            if np.isnan(column).all():
                raise InputError(f"record, measure {place + 1}", "has no figure at all", "Leave it out.")
        object.__setattr__(self, "actions", actions.astype(int) if actions.dtype == bool else actions)
        object.__setattr__(self, "measures", measures)
        object.__setattr__(self, "months", tuple(str(month) for month in self.months))


def joint_log(counts: tuple[int, ...], logs: tuple[Array, ...]) -> Array:
    """Return log probabilities of profiles, (states, profiles), from each player's (states, actions)."""
    total = jnp.zeros((logs[0].shape[0], *counts))
    for player, log in enumerate(logs):
        total = total + spread(counts, player, log)
    return total.reshape(logs[0].shape[0], -1)


def measure_log(at: ArrayLike, figures: Array, intercepts: Array, loadings: Array, sds: Array) -> Array:
    """Return the log density of each month's measures in each state, shape (months, states).

    Measure k of a month is normal with mean intercept_k + loading_k x state and standard deviation sd_k; NaN
    is missing.

    * `at`: the states' values, shape (states,); or (states, measures) where each measure sees a quantity of
      its own.
    * `figures`: shape (months, measures).
    * `intercepts`, `loadings`, `sds`: shape (measures,).
    """
    state = jnp.asarray(at, dtype=float)
    state = jnp.broadcast_to(state[:, None] if state.ndim == 1 else state, (len(state), figures.shape[1]))
    there = ~jnp.isnan(figures)
    gap = jnp.where(there, figures - intercepts, 0.0) / sds
    pull = loadings / sds * state
    # the square opened up: three products instead of a table of months x states x measures
    square = jnp.where(there, gap**2 + 2 * jnp.log(sds) + np.log(2 * np.pi), 0.0).sum(axis=1)
    return -0.5 * (square[:, None] - 2 * gap @ pull.T + there.astype(float) @ (pull**2).T)


def normal_start(at: ArrayLike, mean: float, sd: float) -> Array:
    """Return log probabilities of the first month's state: N(mean, sd²) on evenly spaced points, tails at the ends."""
    points = np.asarray(at, dtype=float)
    if points.ndim != 1 or not (np.isfinite(mean) and sd > 0):
        raise InputError(
            "first month's state", "is no normal distribution on one axis", "Give a mean and sd > 0."
        )
    edges = (points[1:] + points[:-1]) / 2
    below = jnp.concatenate([jnp.zeros(1), norm.cdf((jnp.asarray(edges) - mean) / sd), jnp.ones(1)])
    return jnp.log(jnp.maximum(jnp.diff(below), TINY))


def long_run_start(kernel: Kernel, log_profiles: Array) -> Array:
    """Return log probabilities of the first month's state: the shares of months that equilibrium play makes in the long run.

    By one dense solve of as many unknowns as there are states.
    """
    return jnp.log(jnp.maximum(stationary(transition(kernel, jnp.exp(log_profiles))), TINY))


def draw(
    initial: ArrayLike, kernel: Kernel, log_profiles: ArrayLike, months: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a random path of states and profiles, each of shape (months,), from probabilities of the first state."""
    generator = np.random.default_rng(seed)
    weights, chances = np.asarray(kernel.weights), np.exp(np.asarray(log_profiles))
    first = np.asarray(initial, dtype=float)
    states, profiles = np.zeros(months, dtype=np.int64), np.zeros(months, dtype=np.int64)
    state = int(generator.choice(len(first), p=first / first.sum()))
    for month in range(months):
        profile = int(generator.choice(chances.shape[1], p=chances[state] / chances[state].sum()))
        states[month], profiles[month] = state, profile
        move = weights[state, profile]
        reached = int(generator.choice(len(move), p=move / move.sum()))
        state = (
            int(np.asarray(kernel.targets)[state, profile, reached])
            if isinstance(kernel, Scattered)
            else state + reached - kernel.lower
        )
    return states, profiles


def grid_doubts(kernel: Kernel, smoothed: Floats) -> tuple[str, ...]:
    """Return doubts about a grid, in words, from the kernel and the state by month, shape (months, states)."""
    if not isinstance(kernel, Banded):
        return ()
    notes = []
    weights, states = np.asarray(kernel.weights), kernel.weights.shape[0]
    below = weights[kernel.lower + 1 :, :, 0].max(initial=0.0)
    above = weights[: max(states - 1 - kernel.upper, 0), :, -1].max(initial=0.0)
    if max(below, above) > CUT:
        notes.append("the kernel's band is too narrow for moves this large: give the game more reach")
    ends = float(smoothed[:, [0, -1]].sum(axis=1).mean())
    if ends > ENDS:
        notes.append(f"{ends:.0%} of the state's months lie at the grid's ends: widen the grid")
    return tuple(notes)


Program = Callable[[Array, Array, Array, Seen], tuple[Array, Array, Array, Array]]
# On wide bands and more states than this, the score in all is worked out by other means than the months' scores.
LARGE = 96


@dataclass(frozen=True)
class Point:
    """The likelihood at one parameter vector.

    * `logs`: log density of each month's record given the months before, shape (months,).
    * `score`: derivative of the log-likelihood, shape (names,).
    * `values`: the equilibrium's values, shape (states, all actions).
    * `scores`: each month's part of the score, shape (months, names), where it was asked for.
    """

    logs: Floats
    score: Floats
    values: Floats
    scores: Floats | None = None

    @property
    def log_likelihood(self) -> float:
        """Of the whole record."""
        return float(self.logs.sum())


class Likelihood:
    """The log-likelihood of a record under a hidden game, compiled once; see `at`.

    * `hidden`: the specification. Its compiled code is kept with it, so several records of one length share
      it.
    * `record`: what was seen.
    """

    def __init__(self, hidden: HiddenGame, record: Record) -> None:
        if record.measures.shape[1] != len(hidden.measures):
            raise InputError(
                "record, measures",
                f"have {record.measures.shape[1]} columns",
                f"The specification has {len(hidden.measures)} measures: one column each.",
            )
        self.hidden, self.record = hidden, record
        game = hidden.game(jnp.asarray(hidden.start))
        self.seen = seen_actions(game.counts, record.actions)
        self.shape = (game.grid.size, sum(game.counts))
        # where one program does for both, it need not be compiled twice
        self.large = isinstance(game.kernel, Banded) and not is_narrow(game.kernel) and game.grid.size > LARGE
        self.figures = jnp.asarray(record.measures)
        self.signed = jnp.asarray(hidden.signs)

    def at(self, estimates: ArrayLike, values: ArrayLike | None = None, *, by_month: bool = False) -> Point:
        """Return the likelihood at estimates in natural units, shape (names,), with scores in those units.

        * `values`: equilibrium values to start from, shape (states, all actions), such as those of a point
          nearby; else zeros.
        * `by_month`: whether to work out each month's score too, which takes longer on a large grid.

        Raises NoEquilibrium if the game there has none that can be found.
        """
        inner = self.inward(np.asarray(estimates, dtype=float))
        point, slopes = self.at_inner(inner, values, by_month=by_month), self.slopes(inner)
        scores = None if point.scores is None else point.scores / slopes
        return replace(point, score=point.score / slopes, scores=scores)

    def inward(self, estimates: Floats) -> Floats:
        """Return the unbounded units of a search from natural ones: logs where a sign is bound."""
        if estimates.shape != self.hidden.start.shape or not np.isfinite(estimates).all():
            raise InputError(
                "estimates",
                f"have shape {estimates.shape}",
                f"Give a number for each of {self.hidden.names}.",
            )
        bound = self.hidden.signs != 0
        inner = estimates.copy()
        if (estimates[bound] * self.hidden.signs[bound] <= 0).any():
            raise InputError(
                "estimates", "break a sign that the specification binds", "Start on its right side."
            )
        inner[bound] = np.log(np.abs(estimates[bound]))
        return inner

    def outward(self, inner: Floats) -> Floats:
        """Return natural units from unbounded ones, both of shape (names,)."""
        return np.asarray(natural_from(jnp.asarray(inner), self.signed))

    def slopes(self, inner: Floats) -> Floats:
        """Derivative of natural units by inner ones, shape (names,)."""
        return np.where(self.hidden.signs == 0, 1.0, self.outward(inner))

    def at_inner(
        self,
        inner: Floats,
        values: ArrayLike | None = None,
        *,
        by_month: bool = False,
        thorough: bool = True,
    ) -> Point:
        """Return the likelihood at unbounded units, with scores in these units; otherwise as `at`.

        Unless `thorough`, only Newton's method looks for the equilibrium, from `values` and from zeros:
        enough for a trial step, which can be shortened.
        """
        compiled = _compiled(self.hidden, by_month or not self.large)
        here, rest = jnp.asarray(inner), (self.figures, self.seen)
        blank = jnp.zeros(self.shape)
        logs, scores, found, error = compiled(here, blank if values is None else jnp.asarray(values), *rest)
        if values is not None and not holds(np.asarray(found), float(error)):
            logs, scores, found, error = compiled(here, blank, *rest)
        if not holds(np.asarray(found), float(error)):
            if not thorough:
                raise NoEquilibrium("equilibrium", "Newton's method finds none", "Take a shorter step.")
            solved = solve(self.hidden.game(jnp.asarray(self.outward(inner)))).values
            logs, scores, found, error = compiled(here, jnp.asarray(solved), *rest)
        told = np.asarray(scores)
        if told.ndim == 2:
            return Point(np.asarray(logs), told.sum(axis=0), np.asarray(found), told)
        return Point(np.asarray(logs), told, np.asarray(found))

    def state(self, estimates: ArrayLike, equilibrium: Equilibrium) -> Posterior:
        """Return each month's state given the record, at estimates in natural units and the equilibrium there."""
        everything = self.hidden.everything(jnp.asarray(estimates, dtype=float))
        game = equilibrium.game
        first, _, logs = _chain(self.hidden, game, jnp.asarray(equilibrium.values))
        quantities = everything[len(self.hidden.parameters) :]
        density = _measured(self.hidden, game.grid, quantities, self.figures)
        return smooth(first, game.kernel, logs, self.seen, density)


def _chain(hidden: HiddenGame, game: Game, values: Array) -> tuple[Array, Array, Array]:
    """Return what the forward pass takes from the game: first month, the kernel's weights, log probabilities of profiles."""
    log_profiles = joint_log(game.counts, log_probabilities(game.arrays, values))
    if isinstance(hidden.first, Normal):
        at = game.grid.values
        first = normal_start(at[:, 0] if at.shape[1] == 1 else at, hidden.first.mean, hidden.first.sd)
    else:
        first = long_run_start(game.kernel, log_profiles)
    return first, game.kernel.weights, log_profiles


def _measured(hidden: HiddenGame, grid: Grid, quantities: Array, figures: Array) -> Array:
    """Return the measures' log densities, (months, states), from intercepts, loadings and sds in one row."""
    parts = quantities.reshape(-1, 3)
    names = [axis.name for axis in grid.axes]
    seen = [names[0] if each.axis is None else grid.axis(each.axis).name for each in hidden.measures]
    at = grid.values[:, [names.index(each) for each in seen]]
    return measure_log(at, figures, parts[:, 0], parts[:, 1], parts[:, 2])


def _compiled(hidden: HiddenGame, by_month: bool) -> Program:
    """Return logs, scores (by month or in all), values and residual as a compiled function; kept with `hidden`."""
    kept = hidden.__dict__.setdefault("_compiled", {})
    if by_month not in kept:
        kept[by_month] = jax.jit(partial(_evaluate, hidden, by_month))
    return cast(Program, kept[by_month])


def _evaluate(
    hidden: HiddenGame, by_month: bool, inner: Array, start: Array, figures: Array, seen: Seen
) -> tuple[Array, Array, Array, Array]:
    split, count = hidden.game_names, len(hidden.parameters)
    own, measures = inner[:split], inner[split:]

    def everything(one: Array, two: Array) -> Array:
        return hidden.everything(natural_from(jnp.concatenate([one, two]), jnp.asarray(hidden.signs)))

    game = hidden.build(everything(own, measures)[:count])

    def chain(each: Array) -> tuple[tuple[Array, Array, Array], Array]:
        played = hidden.build(everything(each, measures)[:count])
        values = equilibrium_values(played.arrays, start)
        return _chain(hidden, played, values), values

    def measured(each: Array) -> Array:
        return _measured(hidden, game.grid, everything(own, each)[count:], figures)

    def months(parts: tuple[Array, Array, Array], density: Array) -> Array:
        return month_logs(parts[0], replace(game.kernel, weights=parts[1]), parts[2], seen, density)

    # The game is solved and linearised once; the measures' quantities do not move it.
    if by_month:
        parts, push, values = jax.linearize(chain, own, has_aux=True)
        density = measured(measures)
        logs = months(parts, density)

        def by_own(direction: Array) -> Array:
            moved: Array = jax.jvp(lambda each: months(each, density), (parts,), (push(direction),))[1]
            return moved

        scores = [jax.jacfwd(lambda each: months(parts, measured(each)))(measures)]
        if split:
            scores = [jax.vmap(by_own, out_axes=1)(jnp.eye(split)), *scores]
        score = jnp.concatenate(scores, axis=1)
    else:
        parts, pull, values = jax.vjp(chain, own, has_aux=True)
        density, pull_measures = jax.vjp(measured, measures)
        kernel = replace(game.kernel, weights=parts[1])
        assert isinstance(kernel, Banded)
        logs, slopes = with_slopes(parts[0], kernel, parts[2], seen, density)
        score = jnp.concatenate([*pull(tuple(slopes[:3])), *pull_measures(slopes.log_measure)])
    return logs, score, values, size_of(residual(game.arrays, values))
