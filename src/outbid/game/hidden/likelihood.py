"""The likelihood of actions and noisy measures under a game whose state was not observed, with exact scores.

At each parameter vector the game is solved on its grid; equilibrium play gives the probability of the actions in
every state, the kernel gives the state's law, the measures give noisy views of it, and the forward recursion of
`outbid.game.hidden.markov` sums over all paths of the state.
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
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.equations import log_probabilities, residual
from outbid.game.game import Game
from outbid.game.grid import Grid
from outbid.game.hidden.anchors import Normal, natural_from
from outbid.game.hidden.game import HiddenGame
from outbid.game.hidden.inputs import Record, joint_log, long_run_start, measure_log, normal_start
from outbid.game.hidden.markov import Posterior, Seen, is_narrow, month_logs, seen_actions, smooth
from outbid.game.hidden.slopes import with_slopes
from outbid.game.kernel import Banded
from outbid.game.newton import equilibrium_values, size_of
from outbid.game.solve import Equilibrium, NoEquilibrium, holds, solve

Floats = NDArray[np.float64]
Program = Callable[[Array, Array, Array, Seen], tuple[Array, Array, Array, Array]]
# On wide bands and more states than this, the score in all is worked out by other means than the months' scores.
LARGE = 96


@dataclass(frozen=True)
class Point:
    """The likelihood at one parameter vector.

    Parameters
    ----------
    logs
        Log density of each month's record given the months before, shape (months,).
    score
        Derivative of the log-likelihood, shape (names,).
    values
        The equilibrium's values, shape (states, all actions).
    scores
        Each month's part of the score, shape (months, names), where it was asked for.
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

    Parameters
    ----------
    hidden
        The specification. Its compiled code is kept with it, so several records of one length share it.
    record
        What was seen.
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

        Parameters
        ----------
        values
            Equilibrium values to start from, shape (states, all actions), such as those of a point nearby; else zeros.
        by_month
            Whether to work out each month's score too, which takes longer on a large grid.

        Raises
        ------
        NoEquilibrium
            If the game there has none that can be found.
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

        Unless `thorough`, only Newton's method looks for the equilibrium, from `values` and from zeros: enough for a
        trial step, which can be shortened.
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
