"""The principal branch: the equilibrium that one comes to from where all actions are alike, as precision grows from 0.

At precision 0 there is one equilibrium, and generically one curve leads on from it (McKelvey and Palfrey, 1995). It may
turn back before it goes on, so it is followed by its own length and not by precision: each stride goes along the
tangent and comes back at right angles to it (pseudo-arclength continuation: Keller, 1977; Turocy, 2005).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from outbid.game.equilibrium import Equilibrium, NoEquilibrium, certify, holds
from outbid.game.game import Arrays, Game, check_game
from outbid.game.given import checked
from outbid.game.newton import linearised, newton, one_thread_each, residual, size_of, split

# The first stride, how far strides grow, and the smallest before the branch counts as lost.
STRIDE, GROWTH, SMALLEST, STRIDES = 0.05, 2.0, 1e-10, 20_000
# A second correction may be this share of the first, and the tangent may turn by an angle with this cosine.
SHRINKS, STRAIGHT = 0.1, 0.97
# How near to the full precision the walk ends.
NEAR = 1e-6
# Corrections under this do not count.
SLIGHT = 1e-9


class Place(NamedTuple):
    """A point of the branch: share of the precision and values there, the tangent, the next stride, strides and turns."""

    share: Array
    values: Array
    rise: Array
    slope: Array
    stride: Array
    strides: Array
    folds: Array


@checked
def principal(game: Game) -> Equilibrium:
    """Return the equilibrium on the branch that begins at precision 0, where it first comes to the game's precision.

    In a game of coordination it is the one that is less risky; players who are exactly alike stay alike. The
    certificate's method says how often the branch turned back. Raises NoEquilibrium where it is lost.
    """
    check_game(game)
    with one_thread_each():
        before, at = jax.block_until_ready(_walk(game.arrays))
        values, error = before.values, jnp.asarray(jnp.inf)
        if at.share >= 1.0 - NEAR:
            part = (1.0 - before.share) / (at.share - before.share)
            ended = _arrive(game.arrays, before.values + part * (at.values - before.values))
            values, error = ended.values, ended.error
    if not holds(values, float(error)):
        share = float(before.share)
        problem = f"the branch was lost at {share:.3g} of the precision, after {int(at.strides)} strides"
        raise NoEquilibrium("principal branch", problem, "Use `solve` or `search`.")
    return certify(game, values, int(at.strides), f"principal branch, turned back {int(at.folds)} times")


_arrive = jax.jit(partial(newton, careful=True))


def _at(arrays: Arrays, share: Array) -> Arrays:
    return replace(arrays, precision=share * arrays.precision)


@jax.jit
def _walk(arrays: Arrays) -> tuple[Place, Place]:
    """Return the last point of the branch before the full precision is reached, and the first beyond it."""

    most = jnp.maximum(jnp.max(arrays.precision), 1.0)

    def product(share: Array, one: Array, other: Array) -> Array:
        # lengths are in log odds of play, and along the share in units of precision
        parts = zip(arrays.precision, split(arrays.counts, one), split(arrays.counts, other), strict=True)
        each = [((1.0 + share * scale) ** 2 * centred(a) * centred(b)).sum() for scale, a, b in parts]
        return sum(each, jnp.zeros(())) / one.size

    def centred(part: Array) -> Array:
        return part - part.mean(axis=-1, keepdims=True)

    def linear(share: Array, values: Array) -> tuple[Array, Array]:
        """Return by how much the equations miss, and how values answer to the share along the branch, both as steps."""
        inverse, one = linearised(_at(arrays, share), values), jnp.ones(())
        missing, moved = jax.jvp(lambda each: residual(_at(arrays, each), values), (share,), (one,))
        return -inverse(missing), -inverse(moved)

    def tangent(share: Array, answer: Array) -> tuple[Array, Array]:
        rise = 1.0 / jnp.sqrt(most**2 + product(share, answer, answer))
        return rise, rise * answer

    def corrected(at: Place, share: Array, values: Array) -> tuple[Array, Array, Array, Array]:
        step, answer = linear(share, values)
        along = partial(product, at.share, at.slope)
        more = -along(step) / (most**2 * at.rise + along(answer))
        change = step + more * answer
        size = jnp.sqrt(product(at.share, change, change) + (most * more) ** 2)
        return share + more, values + change, size, answer

    def stride(at: Place) -> Place:
        # no further than the full precision seems to be
        left = jnp.where(at.rise > 0, (1.0 - at.share) / at.rise, jnp.inf)
        length = jnp.minimum(at.stride, left)
        share, values, first, _ = corrected(at, at.share + length * at.rise, at.values + length * at.slope)
        share, values, second, _ = corrected(at, share, values)
        share, values, third, answer = corrected(at, share, values)
        rise, slope = tangent(at.share, answer)
        turn = most**2 * rise * at.rise + product(at.share, slope, at.slope)
        rise, slope, turn = jnp.sign(turn) * rise, jnp.sign(turn) * slope, jnp.abs(turn)
        shrinks = second / (first + SLIGHT)
        fine = (shrinks <= SHRINKS) & (third <= SHRINKS * second + SLIGHT) & (turn >= STRAIGHT)
        fine &= (first <= length + SLIGHT) & (share >= 0)
        fine &= jnp.isfinite(size_of(values)) & jnp.isfinite(share)
        wider = jnp.clip(jnp.sqrt(0.5 * SHRINKS / (shrinks + 1e-12)), 0.5, GROWTH)
        wider = jnp.where(1.0 - turn > 0.25 * (1.0 - STRAIGHT), jnp.minimum(wider, 1.0), wider)
        folds = at.folds + (rise * at.rise < 0)
        new = Place(share, values, rise, slope, wider * length, at.strides + 1, folds)
        shorter = at._replace(stride=0.5 * length, strides=at.strides + 1)
        kept: Place = jax.tree.map(partial(jnp.where, fine), new, shorter)
        return kept

    def on_the_way(pair: tuple[Place, Place]) -> Array:
        at = pair[1]
        return (at.share < 1.0 - NEAR) & (at.stride > SMALLEST) & (at.strides < STRIDES)

    def onward(pair: tuple[Place, Place]) -> tuple[Place, Place]:
        return pair[1], stride(pair[1])

    zero, nothing = jnp.zeros(()), jnp.asarray(0)
    blank = jnp.zeros((arrays.payoffs.shape[1], sum(arrays.counts)))
    values = newton(_at(arrays, zero), blank).values
    rise, slope = tangent(zero, linear(zero, values)[1])
    first = Place(zero, values, rise, slope, jnp.asarray(STRIDE), nothing, nothing)
    pair: tuple[Place, Place] = jax.lax.while_loop(on_the_way, onward, (first, first))
    return pair
