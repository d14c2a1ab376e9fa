"""The value equations of a logit Markov perfect equilibrium, and Newton's method on them, in pure JAX.

The unknowns are each player's action values net of its own shock, v_i(a_i, s), side by side in one array of shape
(states, actions of all players). They solve

    v_i(a_i, s) = Σ_{a_-i} p_-i(a_-i | s) [ u_i(s, a) + δ_i Σ_{s'} P(s' | s, a) W_i(s') ],
    p_i(. | s) = softmax of λ_i v_i(., s),    W_i(s) = (1/λ_i) log Σ_{a_i} exp λ_i v_i(a_i, s)

(McKelvey and Palfrey, 1995; Aguirregabiria and Mira, 2007). For precisions other than one, W_i carries the constant of
λ_i = 1, which moves no choice and stays finite as λ_i goes to zero.

The linear system that links the states in a step is dW_i - Σ_j Σ_a mixed_ij(a) P_a dW_j = r_i. It is solved in three
ways, by what the kernel is: blocks along the diagonal for a band (the block form of Thomas's algorithm), a dense
factorisation for few unknowns, GMRES (Saad and Schultz, 1986) for many. A threaded factorisation of a few hundred
unknowns spends its time waiting for its threads, so small systems get one thread each, and batches are shared out over
cores.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import lu_factor, lu_solve
from threadpoolctl import ThreadpoolController

from outbid.game.game import Arrays
from outbid.game.kernel import Banded, Kernel, Scattered, dense, expect

T = TypeVar("T")
R = TypeVar("R")
# Below this precision, a log-sum is its limit, the mean.
FLAT = 1e-9


def split(counts: tuple[int, ...], values: Array) -> tuple[Array, ...]:
    """Return each player's part of an array whose last axis holds all players' actions."""
    return tuple(jnp.split(values, np.cumsum(counts)[:-1], axis=-1))


def log_probabilities(arrays: Arrays, values: Array) -> tuple[Array, ...]:
    """Return each player's log probabilities of its actions, shapes (states, actions of that player)."""
    parts = split(arrays.counts, values)
    return tuple(jax.nn.log_softmax(arrays.precision[i] * part, axis=-1) for i, part in enumerate(parts))


def joint(chances: Sequence[Array]) -> Array:
    """Return the probability of every profile, shape (states, profiles), of each player's (states, actions)."""
    together = jnp.ones((chances[0].shape[0], 1))
    for each in chances:
        together = (together[:, :, None] * each[:, None, :]).reshape(together.shape[0], -1)
    return together


def log_sums(arrays: Arrays, values: Array) -> Array:
    """Return W, what a state is worth to each player before it sees its shocks, shape (players, states)."""
    sums = []
    for i, part in enumerate(split(arrays.counts, values)):
        flat = arrays.precision[i] < FLAT
        scale = jnp.where(flat, 1.0, arrays.precision[i])
        top = jax.lax.stop_gradient(part.max(axis=-1))
        mean = jnp.log(jnp.mean(jnp.exp(scale * (part - top[..., None])), axis=-1)) / scale + top
        sums.append(jnp.where(flat, part.mean(axis=-1), mean) + math.log(arrays.counts[i]))
    return jnp.stack(sums)


def spread(counts: tuple[int, ...], player: int, part: Array) -> Array:
    """Lay out something by one player's actions, shape (..., actions), over profiles: (..., 1, actions, 1)."""
    shape = [counts[player] if j == player else 1 for j in range(len(counts))]
    return part.reshape(*part.shape[:-1], *shape)


def others_play(counts: tuple[int, ...], logs: tuple[Array, ...], player: int) -> Array:
    """Return the probability of everyone else's part of each profile, shape (states, *counts)."""
    blank = jnp.zeros((*logs[0].shape[:-1], *counts))
    return jnp.exp(sum((spread(counts, j, log) for j, log in enumerate(logs) if j != player), blank))


def profile_values(arrays: Arrays, values: Array) -> Array:
    """Return each player's payoff and discounted future by profile, shape (players, states, profiles)."""
    future: Array = expect(arrays.kernel, log_sums(arrays, values))
    return arrays.payoffs + arrays.discount[:, None, None] * future


def averaged(counts: tuple[int, ...], logs: tuple[Array, ...], worth: Array) -> Array:
    """Return each action's worth over what the others do, (states, all actions), of worth by profile."""
    result = []
    for i in range(len(counts)):
        mine = worth[i].reshape(*worth.shape[1:-1], *counts) * others_play(counts, logs, i)
        result.append(mine.sum(axis=tuple(j - len(counts) for j in range(len(counts)) if j != i)))
    return jnp.concatenate(result, axis=-1)


def residual(arrays: Arrays, values: Array) -> Array:
    """Return v minus the right-hand side of its equation, shape (states, all actions)."""
    logs = log_probabilities(arrays, values)
    return values - averaged(arrays.counts, logs, profile_values(arrays, values))


class Slope(NamedTuple):
    """The parts of the equations' derivative that lie within one state.

    A step dv solves (1 - Λ) dv - B dW = r with dW = C dv, where Λ is how a state's values answer to each other, B how
    they answer to next month, and C the probabilities of play. Only dW links states. `inverse` and `outward` are (1 - Λ)⁻¹
    and C (1 - Λ)⁻¹, shapes (states, all actions, all actions) and (states, players, all actions); `mixed` is the weight of
    P(s'|s, a) dW_j in dW_i, shape (states, players i, players j, profiles), discounts included.
    """

    inverse: Array
    outward: Array
    mixed: Array


def slope(arrays: Arrays, values: Array) -> Slope:
    """Return the derivative's within-state parts at `values`."""
    counts = arrays.counts
    worth = profile_values(arrays, values)
    logs = log_probabilities(arrays, values)

    def at_state(mine: Array, profile: Array) -> Array:
        parts = split(counts, mine)
        own = tuple(jax.nn.log_softmax(arrays.precision[i] * part) for i, part in enumerate(parts))
        return averaged(counts, own, profile)

    answers = jax.vmap(jax.jacfwd(at_state), in_axes=(0, 1))(values, worth)
    inverse = jnp.linalg.inv(jnp.eye(values.shape[-1]) - answers)
    # each player's probabilities in a row of its own, zero at the others' actions
    owned = np.repeat(np.eye(len(counts)), counts, axis=1)
    chances = jnp.exp(jnp.concatenate(logs, axis=-1))[:, None, :] * owned
    outward = chances @ inverse
    mixed = []
    for j, part in enumerate(split(counts, outward)):
        weights = spread(counts, j, part) * others_play(counts, logs, j)[:, None]
        mixed.append(arrays.discount[j] * weights.reshape(*weights.shape[:2], -1))
    return Slope(inverse, outward, jnp.stack(mixed, axis=2))


# Up to so many unknowns a dense factorisation is quicker than iterating.
DENSE = 2600
# GMRES: subspace, restarts, and how far it has to come.
SUBSPACE, RESTARTS, NEAR = 40, 25, 1e-13
# The equations hold when no residual exceeds this, relative to the size of the values.
TOLERANCE = 1e-12
STEPS = 60
HALVINGS = 8
# A grid of about this many points gives the fine one its start.
COARSE = 56


def factorised(kernel: Kernel, mixed: Array) -> Callable[[Array], Array]:
    """Return the solution dW of the linear system as a function of its right-hand side, both of shape (players, states).

    `mixed` has shape (states, players, players, profiles). What is costly is done once, for any number of sides.
    """
    states, players = mixed.shape[:2]
    if isinstance(kernel, Banded) and 2 * max(kernel.lower, kernel.upper) < states:
        return _by_blocks(kernel, mixed)
    if states * players <= DENSE:
        linked = jnp.einsum("sija,sat->isjt", mixed, dense(kernel)).reshape(states * players, -1)
        factors = lu_factor(jnp.eye(states * players) - linked)
        return lambda right: jnp.reshape(lu_solve(factors, right.reshape(-1)), right.shape)

    def product(x: Array) -> Array:
        return x - jnp.einsum("sija,jsa->is", mixed, expect(kernel, x))

    solver = partial(jax.scipy.sparse.linalg.gmres, product, tol=NEAR, restart=SUBSPACE, maxiter=RESTARTS)
    return lambda right: jnp.asarray(solver(right, solve_method="batched")[0])


def _by_blocks(kernel: Banded, mixed: Array) -> Callable[[Array], Array]:
    """Return the solution by elimination of blocks along the diagonal, each of as many states as the band reaches."""
    states, players = mixed.shape[:2]
    width = kernel.weights.shape[-1]
    size = max(kernel.lower, kernel.upper, 1)
    blocks = -(-states // size)
    band = -jnp.einsum("sija,sak->sijk", mixed, kernel.weights)
    band = band.at[:, :, :, kernel.lower].add(jnp.eye(players))
    idle = jnp.zeros((players, players, width)).at[:, :, kernel.lower].set(jnp.eye(players))
    band = jnp.concatenate([band, jnp.broadcast_to(idle, (blocks * size - states, *idle.shape))])
    rows = jnp.transpose(band.reshape(blocks, size, players, players, width), (0, 2, 3, 1, 4))
    # Each row begins one place further right: laid out with one place too many, then read with one less.
    left = size - kernel.lower
    wide = jnp.pad(rows, ((0, 0),) * 4 + ((left, 3 * size + 1 - left - width),))
    flat = wide.reshape(blocks, players, players, -1)[..., : 3 * size * size]
    parts = flat.reshape(blocks, players, players, size, 3, size)
    three = jnp.transpose(parts, (4, 0, 1, 3, 2, 5)).reshape(3, blocks, players * size, players * size)

    def eliminate(above: Array, block: tuple[Array, Array, Array]) -> tuple[Array, Any]:
        low, middle, high = block
        factors = lu_factor(middle - low @ above)
        following = lu_solve(factors, high)
        return following, (*factors, following)

    _, (lu, pivots, above) = jax.lax.scan(eliminate, jnp.zeros(three.shape[-2:]), tuple(three))

    def down(before: Array, block: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        lu, pivots, low, row = block
        here = lu_solve((lu, pivots), row - low @ before)
        return here, here

    def up(after: Array, block: tuple[Array, Array]) -> tuple[Array, Array]:
        above, row = block
        here = row - above @ after
        return here, here

    def solved(right: Array) -> Array:
        padded = jnp.pad(right, ((0, 0), (0, blocks * size - states)))
        rows = jnp.swapaxes(padded.reshape(players, blocks, size), 0, 1).reshape(blocks, players * size)
        blank = jnp.zeros(players * size)
        _, half = jax.lax.scan(down, blank, (lu, pivots, three[0], rows))
        _, full = jax.lax.scan(up, blank, (above, half), reverse=True)
        return jnp.swapaxes(full.reshape(blocks, players, size), 0, 1).reshape(players, -1)[:, :states]

    return solved


class Iterate(NamedTuple):
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
    parts, logs = slope(arrays, values), log_probabilities(arrays, values)
    between = factorised(arrays.kernel, parts.mixed)

    def inverse(right: Array) -> Array:
        linked = between(jnp.einsum("sia,sa->is", parts.outward, right))
        future = arrays.discount[:, None, None] * expect(arrays.kernel, linked)
        return jnp.einsum("sab,sb->sa", parts.inverse, averaged(arrays.counts, logs, future) + right)

    return inverse


def newton(arrays: Arrays, start: Array, steps: int = STEPS, *, careful: bool = False) -> Iterate:
    """Iterate Newton steps with exact derivatives from `start`.

    After each step a second one with the same factors is tried, and kept where it is the better: near the solution that
    spares every third factorisation. A `careful` search halves steps until the residual falls.
    """

    def close(values: Array, error: Array) -> Array:
        return error <= TOLERANCE * (1.0 + jnp.max(jnp.abs(values)))

    def measured(values: Array) -> tuple[Array, Array, Array]:
        right = residual(arrays, values)
        return values, right, size_of(right)

    def advance(at: Iterate) -> Iterate:
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
        again = measured(new[0] - inverse(new[1]))
        new = jax.tree.map(partial(jnp.where, new[2] <= again[2]), new, again)
        values, right, error = new
        # Once it holds, or is no number any more, or rounding is all that is left, nothing is to be gained.
        rounding = (error >= at.error) & close(values, 1e-3 * error)
        done = close(values, error) | ~jnp.isfinite(error) | rounding
        return Iterate(values, right, error, at.steps + 1, ~done)

    first = measured(start)
    opening = Iterate(*first, jnp.asarray(0), ~close(start, first[2]))
    return Iterate(*jax.lax.while_loop(lambda at: at.moving & (at.steps < steps), advance, opening))


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
    moves = np.arange(-kernel.lower, kernel.upper + 1)
    target = np.clip(middle[:, None] + moves, 0, states - 1)
    member = (target[:, :, None] // group == np.arange(count)[None, None, :]).astype(float)
    full = jnp.einsum("sak,skt->sat", kernel.weights[middle], member)
    coarse = Scattered(jnp.broadcast_to(jnp.arange(count), full.shape), full)
    small = replace(arrays, payoffs=arrays.payoffs[:, middle], kernel=coarse)
    found = newton(small, jnp.zeros((count, actions)), 30)
    points = jnp.arange(states)
    lines = [jnp.interp(points, middle, found.values[:, i]) for i in range(actions)]
    return jnp.where(jnp.isfinite(found.error) & (found.error < 1.0), jnp.stack(lines, axis=1), blank)


@jax.custom_jvp
def equilibrium_values(arrays: Arrays, start: Array) -> Array:
    """Return the values that Newton reaches from `start`, shape (states, all actions).

    Differentiable (forward mode) in every number of the game by the implicit function theorem. Whether the equations
    hold there is for the caller to see, with `residual`.
    """
    return newton(arrays, start).values


@equilibrium_values.defjvp
def _implicit(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    (arrays, start), (moved, _) = primals, tangents
    values = equilibrium_values(arrays, start)
    _, change = jax.jvp(lambda each: residual(each, values), (arrays,), (moved,))
    return values, linearised(arrays, values)(-change)


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401 - the library whose threads are meant has to be there to be found

    return ThreadpoolController()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let every factorisation inside run on one core."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return a function of each item, on as many threads as there are cores; the first alone, so that it alone compiles."""
    with one_thread_each(), ThreadPoolExecutor(cores()) as pool:
        return [*map(function, items[:1]), *pool.map(function, items[1:])]


def shared_out(function: Callable[[Any], Any], batch: Any) -> Any:
    """Return function(batch) for a batch with a leading axis on every array, its parts worked on side by side.

    Every part has the same length, so that `function` is compiled once; the last repeats its last item.
    """
    count = len(jax.tree.leaves(batch)[0])
    parts = max(1, min(cores(), count))
    size = -(-count // parts)
    places = [np.minimum(np.arange(i * size, (i + 1) * size), count - 1) for i in range(parts)]
    pieces = [jax.tree.map(lambda leaf, at=at: leaf[at], batch) for at in places]
    with one_thread_each(), ThreadPoolExecutor(parts) as pool:
        done = list(pool.map(lambda piece: jax.tree.map(np.asarray, function(piece)), pieces))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *done)
