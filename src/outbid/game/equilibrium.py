"""Find a logit Markov perfect equilibrium, and certify it by what a deviation could gain.

Newton from a coarse grid's solution, then from zero, then with halved steps; where all fail, a homotopy walks from a
game that is easy (all actions alike, precision 0; or a short sight, a small discount) to the one that was asked for,
each time from the last solution (Turocy, 2005; Eibelshäuser and Poensgen, 2019).

The certificate does not rest on the equations that were solved. With everybody's probabilities fixed, what the game is
worth to a player is a linear system (Bellman's equation of a fixed policy; Howard, 1960),

    W_i(s) = Σ_a p(a | s) [ u_i(s, a) + δ_i Σ_{s'} P(s' | s, a) W_i(s') ] + H_i(s),

with H_i(s) what the shocks are worth to somebody who plays p_i(. | s): its entropy over λ_i. The best answer in one
month is compared with the play itself: by the one-shot deviation principle no gain in any state means that no other
policy gains anything at all (Blackwell, 1965).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.game import Arrays, Game, check_game
from outbid.game.given import checked
from outbid.game.kernel import Banded, Floats, expect, stationary, transition
from outbid.game.newton import (
    FLAT,
    Iterate,
    coarse_start,
    factorised,
    joint,
    log_probabilities,
    newton,
    one_thread_each,
    residual,
    shared_out,
    size_of,
)


def worth_of_play(arrays: Arrays, log_chances: tuple[Array, ...]) -> Array:
    """Return what a game played so for ever is worth to each player, shape (players, states)."""
    together = joint(tuple(jnp.exp(each) for each in log_chances))

    def month(i: int, mine: Array) -> Array:
        # what the logit shocks add, with the constant that `newton.log_sums` carries
        count, flat = mine.shape[-1], arrays.precision[i] < FLAT
        scale = jnp.where(flat, 1.0, arrays.precision[i])
        short = (jnp.exp(mine) * (mine + math.log(count))).sum(axis=-1) / scale
        return (together * arrays.payoffs[i]).sum(axis=-1) + (math.log(count) - jnp.where(flat, 0.0, short))

    def evaluated(player: tuple[Array, Array]) -> Array:
        discount, right = player[0], player[1][None]
        weights = discount * together
        solved = factorised(arrays.kernel, weights[:, None, None, :])
        worth = solved(right)
        # once more for what rounding, or an iteration that stopped early, has left
        left = right - worth + (weights * expect(arrays.kernel, worth)[0]).sum(axis=-1)[None]
        better: Array = (worth + solved(left))[0]
        return better

    # one after the other: the same code for all
    monthly = jnp.stack([month(i, mine) for i, mine in enumerate(log_chances)])
    return jnp.asarray(jax.lax.map(evaluated, (arrays.discount, monthly)))


def deviation_gains(arrays: Arrays, log_chances: tuple[Array, ...]) -> Array:
    """Return what each player gains in each state by answering any play best for one month, shape (players, states)."""
    counts = arrays.counts
    worth = worth_of_play(arrays, log_chances)
    future = arrays.payoffs + arrays.discount[:, None, None] * expect(arrays.kernel, worth)
    gains = []
    for i, count in enumerate(counts):
        play = [jnp.ones_like(each) if j == i else jnp.exp(each) for j, each in enumerate(log_chances)]
        others = joint(play)
        before, after = math.prod(counts[:i]), math.prod(counts[i + 1 :])
        mine = (others * future[i]).reshape(-1, before, count, after).sum(axis=(1, 3))
        flat = arrays.precision[i] < FLAT
        scale = jnp.where(flat, 1.0, arrays.precision[i])
        sharp = (jax.scipy.special.logsumexp(scale * mine, axis=-1) - math.log(count)) / scale
        best = jnp.where(flat, mine.mean(axis=-1), sharp) + math.log(count)
        gains.append(best - worth[i])
    return jnp.stack(gains)


# What a certificate still calls an equilibrium, relative to the size of the values.
HOLDS = 1e-8
SMALLEST_STRIDE = 1.0 / 256.0


class NoEquilibrium(InputError):  # noqa: N818 - it says what there is none of
    """No way to an equilibrium was found."""


class Certificate(NamedTuple):
    """Evidence that an answer is an equilibrium, in payoff units; steps of Newton, and which way found it.

    `residual` is the largest error of the value equations, `gain` the most that any player could gain in any state by
    any other mixture once, computed apart from the equations that were solved.
    """

    residual: float
    gain: float
    steps: int
    method: str


@dataclass(frozen=True)
class Equilibrium:
    """A logit Markov perfect equilibrium. `values` has shape (states, all actions), see `newton` and `action_values`."""

    game: Game
    values: Floats
    certificate: Certificate

    @cached_property
    def probabilities(self) -> tuple[Floats, ...]:
        """Each player's probabilities of its actions by state, shapes (states, actions)."""
        logs = log_probabilities(self.game.arrays, jnp.asarray(self.values))
        return tuple(np.exp(np.asarray(log)) for log in logs)

    @checked
    def of(self, player: str) -> Floats:
        """Return one player's probabilities, shape (states, actions)."""
        return self.probabilities[self.game.player(player)]

    @property
    def action_values(self) -> tuple[Floats, ...]:
        """What each action is worth to each player by state, shapes (states, actions), in payoff units.

        A player of very low precision is worth the mean of its payoffs: `values` carry, whatever the precision, the
        logarithm of its number of actions a month, discounted, which moves no choice and is taken off here.
        """
        game, parts = self.game, np.split(self.values, np.cumsum(self.game.counts)[:-1], axis=1)
        ahead = np.asarray(game.discount / (1.0 - game.discount)) * np.log(game.counts)
        return tuple(part - constant for part, constant in zip(parts, ahead, strict=True))

    @cached_property
    def profile_probabilities(self) -> Floats:
        """Probability of each joint action by state, shape (states, profiles)."""
        return np.asarray(joint([jnp.asarray(each) for each in self.probabilities]))

    @cached_property
    def long_run(self) -> Floats:
        """Share of months spent in each state in the long run, shape (states,)."""
        shares = np.clip(np.asarray(stationary(jnp.asarray(self.transition()))), 0.0, None)
        return np.asarray(shares / shares.sum())

    def transition(self) -> Floats:
        """Return the probabilities of next month's state under equilibrium play, shape (states, states)."""
        return np.asarray(transition(self.game.kernel, jnp.asarray(self.profile_probabilities)))


@checked
def solve(game: Game, start: Floats | None = None) -> Equilibrium:
    """Return one logit Markov perfect equilibrium of the game, with its certificate; there may be others.

    Which one: that to which Newton's method leads from `start`, values of shape (states, all actions), or else from a
    coarser grid's solution or zero. That can be one that nobody would learn to play, such as the mixed point of a
    coordination game, and need not lie on the branch that begins where all actions are alike: that one is
    `principal`'s, and `search` looks for all. Raises NoEquilibrium if Newton, its damped form and both homotopies fail.
    """
    check_game(game)
    arrays = game.arrays
    blank = jnp.zeros((game.grid.size, sum(game.counts)))
    steps, nearest = 0, np.inf
    ways: list[tuple[str, Callable[[], Iterate]]] = [
        ("Newton from zero", lambda: _newton(arrays, blank)),
        ("damped Newton", lambda: _careful(arrays, blank)),
        ("homotopy in precision", lambda: _walk(arrays, blank, "precision")),
        ("homotopy in discount", lambda: _walk(arrays, blank, "discount")),
    ]
    if start is not None:
        if (shape := np.shape(start)) != blank.shape:
            raise InputError("start", f"has shape {shape}", f"Give (states, all actions) = {blank.shape}.")
        ways.insert(0, ("Newton from the start given", lambda: _newton(arrays, jnp.asarray(start))))
    elif isinstance(arrays.kernel, Banded):
        ways.insert(0, ("Newton from a coarser grid", lambda: _from_coarse(arrays)))
    for name, way in ways:
        # to the end, for a call may come back before its result is there
        with one_thread_each():
            found = jax.block_until_ready(way())
        steps += int(found.steps)
        nearest = min(nearest, float(found.error))
        if holds(found.values, float(found.error)):
            return certify(game, found.values, steps, name)
    problem = f"none was found; the nearest point leaves a residual of {nearest:.2g} after {steps} steps"
    fix = "Look at the payoffs, lower the precision or the discount, or give a start."
    raise NoEquilibrium("equilibrium", problem, fix)


def certify(game: Game, values: Array | Floats, steps: int, method: str) -> Equilibrium:
    """Return an answer with its certificate."""
    with one_thread_each():
        error, gain = map(float, _evidence(game.arrays, jnp.asarray(values)))
    return Equilibrium(game, np.asarray(values), Certificate(error, gain, steps, method))


def holds(values: Array | Floats, error: float) -> bool:
    """Say whether a residual is small enough to call the values an equilibrium."""
    return bool(np.isfinite(error) and error <= HOLDS * (1.0 + float(np.max(np.abs(np.asarray(values))))))


class Batch(NamedTuple):
    """Solutions of many games: values (games, states, all actions), largest residuals and whether solved, (games,) each."""

    values: Floats
    residuals: Floats
    solved: NDArray[np.bool_]


@checked
def solve_many(games: Game, start: Floats | None = None) -> Batch:
    """Solve a batch of games of one shape: a Game whose arrays all have a leading axis of games.

    What Newton does not solve is tried again by `solve`'s other ways; what still fails is marked, not raised.
    """
    arrays = games.arrays
    if start is None:
        found = shared_out(_batch_from_coarse, arrays)
    else:
        shape = (arrays.payoffs.shape[0], games.grid.size, sum(games.counts))
        found = shared_out(_batch_newton, (arrays, jnp.broadcast_to(jnp.asarray(start), shape)))
    return solved_again(lambda i: jax.tree.map(lambda leaf: leaf[i], games), found.values, found.error)


def solved_again(game: Callable[[int], Game], values: Floats, errors: Floats) -> Batch:
    """Return the solutions of many games, those solved by all of `solve`'s ways whose values do not hold."""
    values, errors = np.array(values), np.array(errors)
    solved = np.array([holds(*each) for each in zip(values, errors, strict=True)], dtype=bool)
    for i in np.flatnonzero(~solved).tolist():
        try:
            again = solve(game(i))
        except NoEquilibrium:
            continue
        values[i], errors[i], solved[i] = again.values, again.certificate.residual, True
    return Batch(values, errors, solved)


_newton = jax.jit(newton)
_careful = jax.jit(partial(newton, steps=200, careful=True))
_from_coarse = jax.jit(lambda arrays: newton(arrays, coarse_start(arrays)))
_batch_newton = jax.jit(partial(jax.lax.map, lambda pair: newton(*pair)))
_batch_from_coarse = jax.jit(partial(jax.lax.map, _from_coarse))


def _walk(arrays: Arrays, blank: Array, grows: Literal["precision", "discount"]) -> Iterate:
    """Follow the solution as a number grows from 0; a stride that fails is halved, one that succeeds grows."""

    def at(share: float) -> Arrays:
        return replace(arrays, **{grows: share * getattr(arrays, grows)})

    found: Iterate = _newton(at(0.0), blank)
    share, stride, steps = 0.0, 0.25, 0
    before = found.values
    while share < 1.0:
        target = min(1.0, share + stride)
        # along the line through the last two solutions, as far as the stride goes
        guess = found.values + (found.values - before) if share > 0.0 else found.values
        tried: Iterate = _newton(at(target), guess)
        steps += int(tried.steps)
        if holds(tried.values, float(tried.error)):
            before, found, share = found.values, tried, target
            stride = min(0.25, 1.5 * stride)
            continue
        before, stride = found.values, 0.5 * stride
        if stride < SMALLEST_STRIDE:
            return tried._replace(error=jnp.inf * jnp.ones(()), steps=jnp.asarray(steps))
    return found._replace(steps=jnp.asarray(steps))


@jax.jit
def _evidence(arrays: Arrays, values: Array) -> tuple[Array, Array]:
    """Return the largest residual, and the most that a one-shot deviation could gain: never less than nothing."""
    gains = deviation_gains(arrays, log_probabilities(arrays, values))
    return size_of(residual(arrays, values)), jnp.maximum(jnp.max(gains), 0.0)
