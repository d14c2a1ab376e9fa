"""Newton's method on the value equations, in pure JAX: compiled, batched and differentiated as one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.game.equations import residual, slope, step_from
from outbid.game.game import Arrays
from outbid.game.kernel import Banded, Kernel, Scattered
from outbid.game.linear import factorise, solve_factored

# The equations hold when no residual exceeds this, relative to the size of the values.
TOLERANCE = 1e-12
STEPS = 60
HALVINGS = 8
# A grid of about this many points gives the fine one its start.
COARSE = 56


class Progress(NamedTuple):
    """Where Newton stands: values, their residual and its largest part, steps taken, whether to go on."""

    values: Array
    right: Array
    error: Array
    steps: Array
    moving: Array


def size_of(error: Array) -> Array:
    """Return the largest absolute residual; what is not a number counts as infinite."""
    largest = jnp.max(jnp.abs(error))
    return jnp.where(jnp.isfinite(largest), largest, jnp.inf)


def linearised(arrays: Arrays, values: Array) -> Callable[[Array], Array]:
    """Return the inverse of the residual's derivative at `values`, as a function of shape (states, all actions)."""
    parts = slope(arrays, values)
    factors = factorise(arrays.kernel, parts.mixed)

    def inverse(right: Array) -> Array:
        outward = jnp.einsum("sia,sa->is", parts.outward, right)
        return step_from(arrays, values, parts, right, solve_factored(factors, outward))

    return inverse


def newton(arrays: Arrays, start: Array, steps: int = STEPS, *, careful: bool = False) -> Progress:
    """Iterate Newton steps with exact derivatives from `start`.

    After each step a second one with the same factors is tried, and kept where it is the better: near the
    solution that spares every third factorisation. A `careful` search halves steps until the residual falls.
    """

    def close(values: Array, error: Array) -> Array:
        return error <= TOLERANCE * (1.0 + jnp.max(jnp.abs(values)))

    def measured(values: Array) -> tuple[Array, Array, Array]:
        right = residual(arrays, values)
        return values, right, size_of(right)

    def better(
        one: tuple[Array, Array, Array], two: tuple[Array, Array, Array]
    ) -> tuple[Array, Array, Array]:
        first = one[2] <= two[2]
        return (
            jnp.where(first, one[0], two[0]),
            jnp.where(first, one[1], two[1]),
            jnp.where(first, one[2], two[2]),
        )

    def carry_on(at: Progress) -> Array:
        return at.moving & (at.steps < steps)

    def advance(at: Progress) -> Progress:
        inverse = linearised(arrays, at.values)
        move = -inverse(at.right)
        new = measured(at.values + move)
        if careful:

            def shorter(state: tuple[Array, Any]) -> tuple[Array, Any]:
                scale = 0.5 * state[0]
                return scale, measured(at.values + scale * move)

            def too_long(state: tuple[Array, Any]) -> Array:
                scale, (_, _, error) = state
                worse: Array = error > (1.0 - 0.1 * scale) * at.error
                return worse & (scale > 0.5**HALVINGS)

            _, new = jax.lax.while_loop(too_long, shorter, (jnp.asarray(1.0), new))
        new = better(new, measured(new[0] - inverse(new[1])))
        error = new[2]
        # Once it holds, or is no number any more, or rounding is all that is left, nothing is to be gained.
        done = (
            close(new[0], error) | ~jnp.isfinite(error) | ((error >= at.error) & close(new[0], 1e-3 * error))
        )
        return Progress(*new, at.steps + 1, ~done)

    first = measured(start)
    opening = Progress(*first, jnp.asarray(0), ~close(start, first[2]))
    return Progress(*jax.lax.while_loop(carry_on, advance, opening))


def coarse_start(arrays: Arrays) -> Array:
    """Return a start from the same game on a coarser grid, or zeros where states have no line to coarsen."""
    states, actions = arrays.payoffs.shape[1], sum(arrays.counts)
    blank = jnp.zeros((states, actions))
    group = -(-states // COARSE)
    kernel = arrays.kernel
    if not isinstance(kernel, Banded) or group < 2 or kernel.upper + kernel.lower < 2 * group:
        return blank
    count = -(-states // group)
    middle = np.minimum(np.arange(count) * group + group // 2, states - 1)
    target = np.clip(
        middle[:, None] + np.arange(kernel.weights.shape[-1])[None, :] - kernel.lower, 0, states - 1
    )
    member = (target[:, :, None] // group == np.arange(count)[None, None, :]).astype(float)
    full = jnp.einsum("sak,skt->sat", kernel.weights[middle], member)
    targets = jnp.broadcast_to(jnp.arange(count), full.shape)
    coarse: Kernel = Scattered(targets, full)
    small = Arrays(arrays.payoffs[:, middle], coarse, arrays.discount, arrays.precision, arrays.counts)
    found = newton(small, jnp.zeros((count, actions)), 30)
    points = jnp.arange(states)
    lines = [jnp.interp(points, middle, found.values[:, i]) for i in range(actions)]
    return jnp.where(jnp.isfinite(found.error) & (found.error < 1.0), jnp.stack(lines, axis=1), blank)


@jax.custom_jvp
def equilibrium_values(arrays: Arrays, start: Array) -> Array:
    """Return the values that Newton reaches from `start`, shape (states, all actions).

    Differentiable (forward mode) in every number of the game by the implicit function theorem. Whether the
    equations hold there is for the caller to see, with `residual`.
    """
    return newton(arrays, start).values


@equilibrium_values.defjvp
def _implicit(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    (arrays, start), (moved, _) = primals, tangents
    values = equilibrium_values(arrays, start)
    _, change = jax.jvp(lambda each: residual(each, values), (arrays,), (moved,))
    return values, linearised(arrays, values)(-change)
