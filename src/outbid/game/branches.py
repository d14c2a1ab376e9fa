"""Follow an equilibrium from one game to another by small steps, so that the answer belongs to the same branch.

The games' numbers move along a line, and the equilibrium is followed by predictor and corrector (Allgower and Georg,
1990): each stride goes along the derivative, comes back by Newton steps, and is halved where they correct much. A
branch that folds back cannot be followed so; then the share of the way where it was lost is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.errors import InputError
from outbid.game.equilibrium import Equilibrium, certify, holds, solve
from outbid.game.game import Arrays, Game, check_game
from outbid.game.given import checked, numbers
from outbid.game.kernel import Banded, Scattered
from outbid.game.newton import linearised, newton, residual, side_by_side, size_of, split

# The first stride, how far strides grow, and the smallest before a branch counts as lost.
STRIDE, GROWTH, SMALLEST = 0.125, 2.5, 2.0**-12
# A stride is too long where a second correction is more than this share of the first (Deuflhard, 2011).
SHRINKS = 0.25
# Corrections of the log odds of play under this do not count.
SLIGHT = 1e-6
STRIDES = 400


@dataclass(frozen=True)
class Trail:
    """An equilibrium followed from one game to another: the solutions at increasing shares of the way, the last 1.

    `lost` is the share beyond which the branch could not be followed, or None; solutions beyond it come from `solve`,
    and may lie on another branch. `largest_correction` is the largest share of a stride, in log odds of play, that
    Newton had to correct: small on a smooth branch.
    """

    equilibria: tuple[Equilibrium, ...]
    lost: float | None
    largest_correction: float

    @property
    def end(self) -> Equilibrium:
        """The solution at the last share."""
        return self.equilibria[-1]


class Walked(NamedTuple):
    """Where a walk stands: share, values and their derivative by it; the next stride, how many were taken."""

    share: Array
    values: Array
    slope: Array
    stride: Array
    strides: Array
    worst: Array


@checked
def follow(base: Equilibrium, game: Game, shares: Sequence[float] = (1.0,)) -> Trail:
    """Follow the equilibrium `base` to another game; see `follow_all`."""
    return follow_all(base, (game,), shares)[0]


@checked
def follow_all(
    base: Equilibrium, games: Sequence[Game], shares: Sequence[float] = (1.0,)
) -> tuple[Trail, ...]:
    """Follow one equilibrium to several games of the same shape, compiled once for all of them.

    The way leads along the line between the two games' numbers; `shares` are where to stop and look, in (0, 1],
    increasing. Raises NoEquilibrium if a branch is lost and no other solution is found either.
    """
    stops = numbers("shares", shares)
    if stops.ndim != 1 or not len(stops) or (np.diff(stops) <= 0).any() or stops[0] <= 0 or stops[-1] > 1:
        fix = "Give increasing shares of the way, above 0, up to 1."
        raise InputError("shares", f"are {stops.tolist()}", fix)
    for game in games:
        check_game(game)
        if game.counts != base.game.counts or game.payoffs.shape != base.game.payoffs.shape:
            problem = "has other players, actions or states than the base"
            raise InputError("counterfactual", problem, "Solve it by itself: no path leads there.")
    return tuple(side_by_side(lambda game: _follow(base, game, stops), games))


def between(begin: Arrays, end: Arrays, share: Array | float) -> Arrays:
    """Return the game at a share of the way between two whose kernels are laid out alike."""

    def mix(one: Array, two: Array) -> Array:
        # a kernel's targets are the same already
        return one + share * (two - one) if jnp.issubdtype(one.dtype, jnp.floating) else one

    mixed: Arrays = jax.tree.map(mix, begin, end)
    return mixed


def _follow(base: Equilibrium, game: Game, stops: np.ndarray) -> Trail:
    begin, end = _alike(base.game.arrays, game.arrays)
    walked, reached, values, errors = _walk(begin, end, jnp.asarray(base.values), jnp.asarray(stops))
    found: list[Equilibrium] = []
    for i, share in enumerate(stops):
        at = between(begin, end, float(share))
        moved = Game(game.players, game.grid, at.payoffs, at.kernel, at.discount, at.precision)
        here = game if share == 1.0 else moved
        if bool(reached[i]) and holds(values[i], float(errors[i])):
            found.append(certify(here, values[i], int(walked.strides), "followed from the base"))
        else:
            found.append(solve(here, found[-1].values if found else np.asarray(walked.values)))
    lost = None if bool(reached[-1]) else float(walked.share)
    return Trail(tuple(found), lost, float(walked.worst))


@jax.jit
def _walk(begin: Arrays, end: Arrays, values: Array, stops: Array) -> tuple[Walked, Array, Array, Array]:
    """Walk to every stop; return the end of the walk and, by stop, whether it was reached, values and error."""

    def log_odds(change: Array) -> Array:
        parts = zip(begin.precision, split(begin.counts, change), strict=True)
        odds = [precision * (part - part.mean(axis=-1, keepdims=True)) for precision, part in parts]
        return size_of(jnp.concatenate(odds, axis=-1))

    def derivative(share: Array, here: Array, inverse: Callable[[Array], Array]) -> Array:
        _, moved = jax.jvp(lambda at: residual(between(begin, end, at), here), (share,), (jnp.ones(()),))
        return -inverse(moved)

    def stride(at: Walked, stop: Array) -> Walked:
        length = jnp.minimum(at.stride, stop - at.share)
        share = jnp.where(at.stride >= stop - at.share, stop, at.share + length)
        arrays, predicted = between(begin, end, share), at.values + length * at.slope
        inverse = linearised(arrays, predicted)
        first = inverse(residual(arrays, predicted))
        second = inverse(residual(arrays, predicted - first))
        new = predicted - first - second
        # by the stride that was meant: a last bit to a stop may be shorter than what was left to correct
        moved, corrected = log_odds(at.stride * at.slope), log_odds(first)
        # how much less the second correction is than the first: Newton's own word on whether it is near
        shrinks = size_of(second) / (size_of(first) + SLIGHT)
        good = (shrinks <= SHRINKS) & (corrected <= moved + SLIGHT) & jnp.isfinite(size_of(new))
        scale = jnp.clip(jnp.sqrt(0.5 * SHRINKS / (shrinks + 1e-12)), 0.25, GROWTH)
        taken = Walked(
            share,
            new,
            derivative(share, predicted - first, inverse),
            jnp.where(at.stride > length, at.stride, jnp.minimum(scale * length, 1.0)),
            at.strides + 1,
            jnp.maximum(at.worst, jnp.where(corrected > SLIGHT, corrected / moved, 0.0)),
        )
        back = at._replace(stride=jnp.minimum(scale, 0.5) * length, strides=at.strides + 1)
        kept: Walked = jax.tree.map(partial(jnp.where, good), taken, back)
        return kept

    def to_stop(at: Walked, stop: Array) -> tuple[Walked, tuple[Array, Array, Array]]:
        def on_the_way(here: Walked) -> Array:
            return (here.share < stop) & (here.stride >= SMALLEST) & (here.strides < STRIDES)

        at = jax.lax.while_loop(on_the_way, lambda here: stride(here, stop), at)
        exact = newton(between(begin, end, at.share), at.values)
        return at._replace(values=exact.values), (at.share >= stop, exact.values, exact.error)

    slope = derivative(jnp.zeros(()), values, linearised(begin, values))
    nothing = jnp.asarray(0)
    first = Walked(jnp.zeros(()), values, slope, jnp.asarray(STRIDE), nothing, jnp.zeros(()))
    walked, (reached, held, errors) = jax.lax.scan(to_stop, first, stops)
    return walked, reached, held, errors


def _alike(begin: Arrays, end: Arrays) -> tuple[Arrays, Arrays]:
    """Return two games with kernels laid out alike: one band's width, or one list of targets."""
    one, two = begin.kernel, end.kernel
    if isinstance(one, Banded) and isinstance(two, Banded):
        lower, upper = max(one.lower, two.lower), max(one.upper, two.upper)

        def widened(kernel: Banded) -> Banded:
            pads = ((0, 0), (0, 0), (lower - kernel.lower, upper - kernel.upper))
            return kernel if pads[2] == (0, 0) else Banded(jnp.pad(kernel.weights, pads), lower)

        return replace(begin, kernel=widened(one)), replace(end, kernel=widened(two))
    if isinstance(one, Scattered) and isinstance(two, Scattered):
        if one.targets.shape == two.targets.shape and bool((one.targets == two.targets).all()):
            return begin, end
        targets = jnp.concatenate([one.targets, two.targets], axis=-1)
        here = jnp.concatenate([one.weights, jnp.zeros_like(two.weights)], axis=-1)
        there = jnp.concatenate([jnp.zeros_like(one.weights), two.weights], axis=-1)
        return replace(begin, kernel=Scattered(targets, here)), replace(end, kernel=Scattered(targets, there))
    fix = "Build both with the same kind."
    raise InputError("counterfactual", "has another kind of kernel than the base", fix)
