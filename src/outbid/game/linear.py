"""The linear system that links the states in a Newton step: dW_i - Σ_j Σ_a mixed_ij(a) P_a dW_j = r_i.

Three ways, by what the kernel is: blocks along the diagonal for a band (the block form of Thomas's
algorithm), a dense factorisation for few unknowns, GMRES (Saad and Schultz, 1986) for many.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import lu_factor, lu_solve

from outbid.game.kernel import Banded, Kernel, dense, expect

# Up to so many unknowns a dense factorisation is quicker than iterating.
DENSE = 2600
# GMRES: subspace, restarts, and how far it has to come.
SUBSPACE, RESTARTS, NEAR = 40, 25, 1e-13


@partial(
    jax.tree_util.register_dataclass, data_fields=["lu", "pivots", "above", "below"], meta_fields=["states"]
)
@dataclass(frozen=True)
class BlockFactors:
    """Diagonal blocks, factorised after elimination of what lies below; shapes (blocks, m, m)."""

    lu: Array
    pivots: Array
    above: Array
    below: Array
    states: int


@partial(jax.tree_util.register_dataclass, data_fields=["lu", "pivots"], meta_fields=[])
@dataclass(frozen=True)
class DenseFactors:
    """The whole matrix, factorised."""

    lu: Array
    pivots: Array


@partial(jax.tree_util.register_dataclass, data_fields=["kernel", "mixed"], meta_fields=[])
@dataclass(frozen=True)
class Matrixless:
    """The matrix as a product with vectors."""

    kernel: Kernel
    mixed: Array


Factors = BlockFactors | DenseFactors | Matrixless


def factorise(kernel: Kernel, mixed: Array) -> Factors:
    """Return the system's factors; `mixed` has shape (states, players, players, profiles)."""
    states, players = mixed.shape[:2]
    narrow = isinstance(kernel, Banded) and 2 * max(kernel.lower, kernel.upper) < states
    if isinstance(kernel, Banded) and narrow:
        return _factorise_blocks(kernel, mixed)
    if states * players <= DENSE:
        linked = jnp.einsum("sija,sat->isjt", mixed, dense(kernel)).reshape(states * players, -1)
        return DenseFactors(*lu_factor(jnp.eye(states * players) - linked))
    return Matrixless(kernel, mixed)


def solve_factored(factors: Factors, right: Array) -> Array:
    """Return dW, shape (players, states), for the right-hand side of that shape."""
    if isinstance(factors, BlockFactors):
        return _solve_blocks(factors, right)
    if isinstance(factors, DenseFactors):
        full = lu_solve((factors.lu, factors.pivots), right.reshape(-1))
        return jnp.reshape(full, right.shape)

    def product(x: Array) -> Array:
        return x - jnp.einsum("sija,jsa->is", factors.mixed, expect(factors.kernel, x))

    found, _ = jax.scipy.sparse.linalg.gmres(
        product, right, tol=NEAR, restart=SUBSPACE, maxiter=RESTARTS, solve_method="batched"
    )
    return jnp.asarray(found)


def _factorise_blocks(kernel: Banded, mixed: Array) -> BlockFactors:
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

    blank = jnp.zeros(three.shape[-2:])
    _, (lu, pivots, above) = jax.lax.scan(eliminate, blank, (three[0], three[1], three[2]))
    return BlockFactors(lu, pivots, above, three[0], states)


def _solve_blocks(factors: BlockFactors, right: Array) -> Array:
    blocks, unknowns = factors.above.shape[:2]
    players = right.shape[0]
    size = unknowns // players
    padded = jnp.pad(right, ((0, 0), (0, blocks * size - factors.states)))
    rows = jnp.swapaxes(padded.reshape(players, blocks, size), 0, 1).reshape(blocks, unknowns)

    def down(before: Array, block: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        lu, pivots, low, row = block
        here = lu_solve((lu, pivots), row - low @ before)
        return here, here

    def up(after: Array, block: tuple[Array, Array]) -> tuple[Array, Array]:
        above, row = block
        here = row - above @ after
        return here, here

    blank = jnp.zeros(unknowns)
    _, half = jax.lax.scan(down, blank, (factors.lu, factors.pivots, factors.below, rows))
    _, full = jax.lax.scan(up, blank, (factors.above, half), reverse=True)
    return jnp.swapaxes(full.reshape(blocks, players, size), 0, 1).reshape(players, -1)[:, : factors.states]
