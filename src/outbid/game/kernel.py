"""Where a state leads: transition kernels that keep only what is not zero.

`Banded` suits one axis, where a month's move reaches a few neighbours; `Scattered` suits several. Both are JAX pytrees,
so a batch of kernels is a kernel with a leading axis on its arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.stats import norm
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.given import checked

Floats = NDArray[np.float64]
# What a normal move's probability has to be, for it to be kept.
FLOOR = 1e-8
# The largest step of a grid, in sd of a month's move: the mean is then off by under 0.3% of a step.
COARSE = 2.0


@partial(jax.tree_util.register_dataclass, data_fields=["weights"], meta_fields=["lower"])
@dataclass(frozen=True)
class Banded:
    """P(s' | s, a) = weights[s, a, k] at s' = s + k - lower; weights has shape (states, profiles, width).

    What would lie outside the grid has weight zero.
    """

    weights: Array
    lower: int

    @property
    def upper(self) -> int:
        """How far up a month reaches, in states."""
        return int(self.weights.shape[-1]) - 1 - self.lower


@partial(jax.tree_util.register_dataclass, data_fields=["targets", "weights"], meta_fields=[])
@dataclass(frozen=True)
class Scattered:
    """P(targets[s, a, k] | s, a) = weights[s, a, k]; both of shape (states, profiles, reach); doubles add up."""

    targets: Array
    weights: Array


Kernel = Banded | Scattered


@jax.jit
def expect(kernel: Kernel, x: Array) -> Array:
    """Return E[x_i(s') | s, a], shape (players, states, profiles), of x with shape (players, states)."""
    # A product is worked out once; without it the compiler would work x out anew wherever it is read.
    x = jnp.eye(len(x)) @ x
    if isinstance(kernel, Scattered):
        return jnp.einsum("nsak,sak->nsa", x[:, kernel.targets], kernel.weights)
    states, _, width = kernel.weights.shape
    padded = jnp.pad(x, ((0, 0), (kernel.lower, kernel.upper)))
    reach = np.add.outer(np.arange(states), np.arange(width))
    return jnp.einsum("nsk,sak->nsa", padded[:, reach], kernel.weights)


@checked
@jax.jit
def dense(kernel: Kernel) -> Array:
    """Return the kernel in full, shape (states, profiles, states)."""
    states, profiles, _ = kernel.weights.shape
    if isinstance(kernel, Scattered):
        rows, columns = np.arange(states)[:, None, None], np.arange(profiles)[None, :, None]
        full = jnp.zeros((states, profiles, states))
        return full.at[rows, columns, kernel.targets].add(kernel.weights)
    low, high = kernel.lower, kernel.upper
    # Rows that each begin one place further right: laid out with one place too many, then read with one less.
    wide = jnp.pad(jnp.swapaxes(kernel.weights, 0, 1), ((0, 0), (0, 0), (0, states)))
    flat = wide.reshape(profiles, -1)[:, : states * (low + high + states)]
    return jnp.swapaxes(flat.reshape(profiles, states, -1)[:, :, low : low + states], 0, 1)


def transition(kernel: Kernel, chances: Array) -> Array:
    """Return the chances of next month's state, (states, states), when `chances`, (states, profiles), are played."""
    if isinstance(kernel, Scattered):
        return jnp.einsum("sa,sat->st", chances, dense(kernel))
    # play first, so that only one matrix of states by states is laid out
    mixed = jnp.einsum("sa,sak->sk", chances, kernel.weights)
    return jnp.asarray(dense(Banded(mixed[:, None, :], kernel.lower))[:, 0])


def stationary(steps: Array) -> Array:
    """Return the share of months spent in each state in the long run, (states,), by one dense solve; differentiable.

    π (I - P + 1 1'/n) = 1'/n for the one π with π P = π that sums to one.
    """
    states = steps.shape[0]
    system = jnp.eye(states) - steps + 1.0 / states
    return jnp.asarray(jnp.linalg.solve(system.T, jnp.full(states, 1.0 / states)))


@checked
def banded_from(full: ArrayLike) -> Banded:
    """Return the narrowest band that holds a kernel given in full, shape (states, profiles, states)."""
    matrix = np.asarray(full, dtype=float)
    if matrix.ndim != 3 or matrix.shape[0] != matrix.shape[2]:
        fix = "Give an array of shape (states, profiles, states)."
        raise InputError("kernel", f"has shape {matrix.shape}", fix)
    states = len(matrix)
    source, _, target = np.nonzero(matrix)
    lower, upper = (max(0, int(np.max(each, initial=0))) for each in (source - target, target - source))
    reach = np.arange(states)[:, None] + np.arange(lower + upper + 1)[None, :]
    padded = np.pad(matrix, ((0, 0), (0, 0), (lower, upper)))
    return Banded(jnp.asarray(np.take_along_axis(padded, reach[:, None, :], axis=2)), lower)


def check_cells(points: ArrayLike, sd: ArrayLike | None = None, where: str = "points") -> Floats:
    """Return points as an array, or say why cells around them can't carry the mean of a normal move of spread `sd`.

    With cells of more than `COARSE` spreads a state drifts to the middle of its cell, and in the end stands still.
    """
    at = np.asarray(points, dtype=float)
    if at.ndim != 1 or len(at) < 3 or not np.isfinite(at).all():
        raise InputError(
            where, f"is no line of 3 finite numbers or more: shape {at.shape}", "Give more points."
        )
    steps, step = np.diff(at), (at[-1] - at[0]) / (len(at) - 1)
    if not step > 0 or np.ptp(steps) > 1e-6 * step + 1e-14 * np.abs(at).max():
        raise InputError(where, "is not evenly spaced", "A band of cells needs even steps: use even_axis.")
    if sd is None or isinstance(sd, jax.core.Tracer):
        return at
    least = float(np.min(np.asarray(sd, dtype=float), initial=np.inf))
    if not 0 < least < np.inf:
        raise InputError("sd", f"is {least:g}", "Give a positive number: the spread of a month's move.")
    if step > COARSE * least:
        count = int(np.ceil((at[-1] - at[0]) / (COARSE * least))) + 1
        problem = f"has steps of {step:.3g}, too coarse for moves of sd {least:.3g}: the mean would be lost"
        raise InputError(where, problem, f"Take {count} points or more.")
    return at


def _check_moves(states: int, mean: Array | Floats, sd: Array | ArrayLike) -> None:
    """Refuse means of the wrong shape or not finite, and spreads that don't go with them."""
    shape, spreads = np.shape(mean), np.shape(sd)
    known = not isinstance(mean, jax.core.Tracer)
    if len(shape) != 2 or shape[0] != states or (known and not np.isfinite(np.asarray(mean)).all()):
        problem = f"has shape {shape} or leads to no finite state"
        raise InputError("mean", problem, "Give (states, profiles), and an equation with smaller numbers.")
    if spreads not in ((), shape):
        raise InputError("sd", f"has shape {spreads}", f"Give one number, or {shape}.")


@checked
def normal_reach(points: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> tuple[int, int]:
    """Return how many states down and up a normal move reaches from any state, by numbers known now."""
    at, center = check_cells(points, sd), np.asarray(mean, dtype=float)
    _check_moves(len(at), center, sd)
    spread = float(np.max(np.asarray(sd))) * float(-norm.ppf(FLOOR / 10.0))
    first = np.clip(np.searchsorted(at, center - spread) - 1, 0, len(at) - 1)
    last = np.clip(np.searchsorted(at, center + spread), 0, len(at) - 1)
    here = np.arange(len(at))[:, None]
    return int(max(0, np.max(here - first))), int(max(0, np.max(last - here)))


@checked
def normal_band(
    points: ArrayLike, mean: Array, sd: Array, reach: tuple[int, int], floor: float = FLOOR
) -> Banded:
    """Return the kernel of a normal move on evenly spaced points: next state ~ N(mean(s, a), sd²).

    A state takes the probability of its cell, half a step to each side, the end states take the tails; probabilities
    under `floor` are set to zero and rows brought back to one (Tauchen, 1986). Differentiable in `mean`, (states,
    profiles), and `sd`. `reach` is how far rows may go down and up, from `normal_reach`.
    """
    if not isinstance(points, jax.core.Tracer):
        check_cells(points, sd)
    states = np.shape(points)[0]
    _check_moves(states, mean, sd)
    if len(reach) != 2 or not 0 <= min(reach) <= max(reach) <= states or not 0 <= floor < 0.01:
        problem = f"is {reach}, or the floor {floor:g}, and there are {states} states"
        raise InputError("reach", problem, "Take `normal_reach`, and a floor near 0.")
    band: Banded = _normal_band(jnp.asarray(points, dtype=float), mean, sd, reach, floor)
    return band


@partial(jax.jit, static_argnames="reach")
def _normal_band(at: Array, mean: Array, sd: Array, reach: tuple[int, int], floor: float) -> Banded:
    states = at.shape[0]
    lower, upper = reach
    half = (at[-1] - at[0]) / (2.0 * max(states - 1, 1))
    target = np.arange(states)[:, None] + np.arange(-lower, upper + 1)[None, :]
    inside = ((target >= 0) & (target < states))[:, None, :]
    cell = at[np.clip(target, 0, states - 1)][:, None, :]
    spread = jnp.broadcast_to(jnp.asarray(sd), mean.shape)[:, :, None]
    above = (cell + half - mean[:, :, None]) / spread
    below = (cell - half - mean[:, :, None]) / spread
    # P(below < Z < above) from whichever tail is the smaller, so that far cells keep their digits
    mirrored = above > 0
    high = jnp.where(mirrored, norm.cdf(-below), norm.cdf(above))
    low = jnp.where(mirrored, norm.cdf(-above), norm.cdf(below))
    for end, at_top in ((states - 1, True), (0, False)):
        there = (target == end)[:, None, :]
        high = jnp.where(there & (mirrored != at_top), 1.0, high)
        low = jnp.where(there & (mirrored == at_top), 0.0, low)
    mass = jnp.where(inside, high - low, 0.0)
    mass = jnp.where(mass < floor, 0.0, mass)
    return Banded(mass / mass.sum(axis=2, keepdims=True), lower)


@jax.jit
def normal_weights(points: Array, mean: Array, sd: Array) -> Array:
    """Return the weights of a normal move on points with gaps, shape (*mean.shape, points).

    They integrate the line between neighbouring points exactly against N(mean, sd²), so the mean is kept and a move far
    smaller than the gaps is not lost; beyond the ends the end point counts. With sd zero this is linear interpolation.
    Differentiable in all three.
    """
    spread = jnp.maximum(sd, 1e-12)[..., None]
    away = (mean[..., None] - points) / spread
    # the mean of what exceeds each point: a hat is the second difference of that
    excess = spread * (norm.pdf(away) + away * norm.cdf(away))
    rising = (excess[..., :-1] - excess[..., 1:]) / jnp.diff(points)
    ends = jnp.ones_like(mean)[..., None]
    weights = jnp.concatenate([ends, rising], axis=-1) - jnp.concatenate([rising, 0.0 * ends], axis=-1)
    # rounding leaves far points a hair below zero
    return jnp.maximum(weights, 0.0)
