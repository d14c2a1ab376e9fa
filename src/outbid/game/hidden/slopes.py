"""How the log-likelihood of a hidden Markov model answers to what it is fed with, from one pass forward and one back.

Its derivative by a probability of the chain is the expected number of times that the chain made use of it, over that
probability (Fisher's identity; Baum et al., 1970). So all slopes together cost about three times the likelihood,
whatever the number of parameters, where differentiating the recursion costs as much again for each of them. It
works on whole matrices, and pays where the kernel's band is wide.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.game.hidden.markov import Seen, allowed, filter_months, matrices
from outbid.game.kernel import Banded


class Slopes(NamedTuple):
    """Derivatives of the log-likelihood by the inputs of the same names.

    By the first month's log probabilities, shape (states,); the kernel's weights (states, profiles, width); the
    profiles' log probabilities (states, profiles); the measures' log densities (months, states).
    """

    log_initial: Array
    weights: Array
    log_profiles: Array
    log_measure: Array


def with_slopes(
    log_initial: Array, kernel: Banded, log_profiles: Array, seen: Seen, log_measure: Array
) -> tuple[Array, Slopes]:
    """Return what `outbid.game.hidden.markov.month_logs` returns, and the slopes of its sum; inputs as there."""
    logs, told = filter_months(log_initial, kernel, log_profiles, seen, log_measure)
    shares, _ = allowed(log_profiles, seen.masks)
    chain = matrices(kernel, shares)

    def back(later: Array, month: tuple[Array, Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        pattern, density, here = month
        ahead = chain[pattern] @ later
        total = here @ ahead
        return density * ahead / ahead.max(), (here * ahead / total, later / total)

    density = jnp.exp(log_measure - log_measure.max(axis=1, keepdims=True))
    states, width = kernel.weights.shape[0], kernel.weights.shape[-1]
    _, (smoothed, later) = jax.lax.scan(back, jnp.ones(states), (seen.months, density, told), reverse=True)
    target = np.arange(states)[:, None] + np.arange(width)[None, :] - kernel.lower
    inside, place = (target >= 0) & (target < states), np.clip(target, 0, states - 1)

    def used(pattern: Array) -> Array:
        months = (seen.months == pattern).astype(float)
        moves = (told * months[:, None]).T @ later
        return jnp.where(inside, jnp.take_along_axis(moves, jnp.asarray(place), axis=1), 0.0)

    band = jax.lax.map(used, jnp.arange(len(seen.masks)))
    weights = jnp.einsum("msa,msk->sak", shares, band)
    profiles = (weights * kernel.weights).sum(axis=2)
    return logs, Slopes(smoothed[0], weights, profiles, smoothed)
