"""The value equations of a logit Markov perfect equilibrium, and their derivatives.

The unknowns are each player's action values net of its own shock, v_i(a_i, s), side by side in one array of
shape (states, actions of all players). They solve

    v_i(a_i, s) = Σ_{a_-i} p_-i(a_-i | s) [ u_i(s, a) + δ_i Σ_{s'} P(s' | s, a) W_i(s') ],
    p_i(. | s) = softmax of λ_i v_i(., s),    W_i(s) = (1/λ_i) log Σ_{a_i} exp λ_i v_i(a_i, s)

(McKelvey and Palfrey, 1995; Aguirregabiria and Mira, 2007). For precisions other than one, W_i carries the
constant of λ_i = 1, which moves no choice and stays finite as λ_i goes to zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from outbid.game.game import Arrays
from outbid.game.kernel import expect

# Below this precision, a log-sum is its limit, the mean.
FLAT = 1e-9


def split(counts: tuple[int, ...], values: Array) -> tuple[Array, ...]:
    """Return each player's part of an array whose last axis holds all players' actions."""
    ends = [sum(counts[: i + 1]) for i in range(len(counts))]
    return tuple(values[..., end - count : end] for count, end in zip(counts, ends, strict=True))


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
    total = jnp.zeros((*logs[0].shape[:-1], *counts))
    for j, log in enumerate(logs):
        if j != player:
            total = total + spread(counts, j, log)
    return jnp.exp(total)


def profile_values(arrays: Arrays, values: Array) -> Array:
    """Return each player's payoff and discounted future by profile, shape (players, states, profiles)."""
    future = expect(arrays.kernel, log_sums(arrays, values))
    return arrays.payoffs + arrays.discount[:, None, None] * future


def averaged(counts: tuple[int, ...], logs: tuple[Array, ...], worth: Array) -> Array:
    """Return each action's worth over what the others do, (states, all actions), of worth by profile."""
    result = []
    for i in range(len(counts)):
        mine = worth[i].reshape(*worth.shape[1:-1], *counts) * others_play(counts, logs, i)
        axes = tuple(mine.ndim - len(counts) + j for j in range(len(counts)) if j != i)
        result.append(mine.sum(axis=axes))
    return jnp.concatenate(result, axis=-1)


def residual(arrays: Arrays, values: Array) -> Array:
    """Return v minus the right-hand side of its equation, shape (states, all actions)."""
    logs = log_probabilities(arrays, values)
    return values - averaged(arrays.counts, logs, profile_values(arrays, values))


class Slope(NamedTuple):
    """The parts of the equations' derivative that lie within one state.

    A step dv solves (1 - Λ) dv - B dW = r with dW = C dv, where Λ is how a state's values answer to each
    other, B how they answer to next month, and C the probabilities of play. Only dW links states.

    * `inverse`: (1 - Λ)⁻¹, shape (states, all actions, all actions).
    * `outward`: c (1 - Λ)⁻¹, shape (states, players, all actions).
    * `mixed`: c (1 - Λ)⁻¹ with the others' play spread over profiles: the weight of P(s'|s, a) dW_j in dW_i,
      shape (states, players i, players j, profiles), discounts included.
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
    chances = jnp.stack(
        [
            jnp.concatenate(
                [jnp.exp(log) if i == j else jnp.zeros_like(log) for j, log in enumerate(logs)], axis=-1
            )
            for i in range(len(counts))
        ],
        axis=1,
    )
    outward = chances @ inverse
    mixed = []
    for j, part in enumerate(split(counts, outward)):
        weights = spread(counts, j, part) * others_play(counts, logs, j)[:, None]
        mixed.append(arrays.discount[j] * weights.reshape(*weights.shape[:2], -1))
    return Slope(inverse, outward, jnp.stack(mixed, axis=2))


def step_from(arrays: Arrays, values: Array, parts: Slope, right: Array, between: Array) -> Array:
    """Return dv from what links the states, dW of shape (players, states), and the right-hand side r."""
    logs = log_probabilities(arrays, values)
    future = arrays.discount[:, None, None] * expect(arrays.kernel, between)
    return jnp.einsum("sab,sb->sa", parts.inverse, averaged(arrays.counts, logs, future) + right)
