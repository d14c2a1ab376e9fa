"""A state that nobody wrote down: the likelihood of what was seen, its slopes, and what it says about the state.

A hidden Markov model on the game's grid. Each month the state gives off noisy measures and the players' actions, and
moves on by the kernel of the joint action that was played. The forward recursion sums the state out exactly, month by
month, scaled so that nothing underflows (Baum et al., 1970; Rabiner, 1989; Hamilton, 1989). What is missing is summed
out too: an absent measure says nothing, an absent action may have been any.

The likelihood's derivative by a probability of the chain is the expected number of times that the chain made use of it,
over that probability (Fisher's identity; Baum et al., 1970). So all slopes together cost about three times the
likelihood, whatever the number of parameters. It works on whole matrices, and pays where the kernel's band is wide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.stats import norm
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.kernel import Banded, Floats, Kernel, Scattered, dense, expect, stationary, transition
from outbid.game.newton import spread

# How a missing action is written.
MISSING = -1
# What a probability that rounds to nothing counts as.
TINY = 1e-300
# A band up to so many states wide is applied shift by shift; a wider one as a matrix.
NARROW = 128
# Where a state leads under each pattern, by shares (patterns, states, profiles) and the kernel's weights.
MIXED = "msa,sak->msk"


class Seen(NamedTuple):
    """Which joint actions each month's record allows: each month's pattern, and 1 where a pattern allows a profile.

    `masks` has shape (patterns, profiles): first the profiles themselves, then patterns with something missing.
    """

    masks: Array
    months: Array


def seen_actions(counts: Sequence[int], actions: ArrayLike) -> Seen:
    """Return which profiles a record of actions, (months, players), numbered from 0 or -1 if missing, allows."""
    record = np.asarray(actions)
    if record.ndim != 2 or record.shape[1] != len(counts) or not len(record):
        fix = f"Give (months, players), {len(counts)} players."
        raise InputError("actions", f"have shape {record.shape}", fix)
    for player, count in enumerate(counts):
        for month in np.flatnonzero(~np.isin(record[:, player], np.arange(MISSING, count))):
            where, problem = f"actions, month {month + 1}, player {player + 1}", "is no action"
            fix = f"Number the actions 0 to {count - 1}; -1 is missing."
            raise InputError(where, f"{record[month, player]} {problem}", fix)
    every = list(product(*map(range, counts)))
    rows = list(map(tuple, record.astype(int).tolist()))
    patterns = [*every, *sorted(set(rows) - set(every))]
    table = np.asarray(patterns)[:, None, :]
    masks = ((table == MISSING) | (table == np.asarray(every))).all(axis=2)
    return Seen(jnp.asarray(masks, dtype=float), jnp.asarray([patterns.index(row) for row in rows]))


class Chain(NamedTuple):
    """A hidden Markov chain and what was seen of it.

    * `log_initial`: log probabilities of the first month's state, shape (states,).
    * `log_profiles`: log probability of each joint action by state, shape (states, profiles), see `joint_log`.
    * `log_measure`: shape (months, states): log density of the month's measures; zero where there are none.
    """

    log_initial: Array
    kernel: Kernel
    log_profiles: Array
    seen: Seen
    log_measure: Array


def month_logs(chain: Chain) -> Array:
    """Return the log density of each month's record given the months before, shape (months,)."""
    return filter_months(chain)[0]


@dataclass(frozen=True, eq=False)
class Posterior:
    """Probabilities of each month's state, (months, states): given the record up to that month; given all months."""

    filtered: Floats
    smoothed: Floats

    def mean(self, at: ArrayLike, *, smoothed: bool = True) -> Floats:
        """Return each month's expected state, shape (months,), from the states' values."""
        return np.asarray((self.smoothed if smoothed else self.filtered) @ np.asarray(at, dtype=float))

    def sd(self, at: ArrayLike, *, smoothed: bool = True) -> Floats:
        """Return each month's standard deviation of the state, shape (months,)."""
        away = np.asarray(at, dtype=float) - self.mean(at, smoothed=smoothed)[:, None]
        return np.asarray(np.sqrt(((self.smoothed if smoothed else self.filtered) * away**2).sum(axis=1)))


def smooth(chain: Chain) -> Posterior:
    """Return each month's state given the record so far, and given all of it (forward and backward pass)."""
    return Posterior(*map(np.asarray, _smooth(chain)))


@jax.jit
def _smooth(chain: Chain) -> tuple[Array, Array]:
    seen, log_measure = chain.seen, chain.log_measure
    _, told = filter_months(chain)
    shares, _ = allowed(chain.log_profiles, seen.masks)

    def back(later: Array, month: tuple[Array, Array]) -> tuple[Array, Array]:
        pattern, density = month
        # what a state is to expect: Σ_a share(s, a) Σ_s' P(s' | s, a) later(s')
        ahead = (shares[pattern] * expect(chain.kernel, later[None])[0]).sum(axis=1)
        ahead = ahead / ahead.max()
        return ahead * density, ahead

    density = jnp.exp(log_measure - log_measure.max(axis=1, keepdims=True))
    # after the last month comes anything, so that of its action only the probability is left
    _, ahead = jax.lax.scan(back, jnp.ones(density.shape[1]), (seen.months, density), reverse=True)
    filtered, smoothed = told * shares.sum(axis=2)[seen.months], told * ahead
    return filtered / filtered.sum(axis=1, keepdims=True), smoothed / smoothed.sum(axis=1, keepdims=True)


def allowed(log_profiles: Array, masks: Array) -> tuple[Array, Array]:
    """Return chances of what each pattern allows, (patterns, states, profiles), and the log of their divisor."""
    inside = jnp.where(masks[:, None, :] > 0, log_profiles[None], -jnp.inf)
    top = jax.lax.stop_gradient(inside.max(axis=(1, 2)))
    return jnp.exp(inside - top[:, None, None]), top


def filter_months(chain: Chain) -> tuple[Array, Array]:
    """Return the months' log densities, and the state given earlier months and this month's measures."""
    shares, tops = allowed(chain.log_profiles, chain.seen.masks)
    push = _pusher(chain.kernel, shares)

    def month(before: Array, record: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        pattern, logs = record
        top = jax.lax.stop_gradient(logs.max())
        told = before * jnp.exp(logs - top)
        after = push(pattern, told)
        total = after.sum()
        return after / total, (jnp.log(total) + top + tops[pattern], told)

    _, (logs, told) = jax.lax.scan(month, jnp.exp(chain.log_initial), (chain.seen.months, chain.log_measure))
    return logs, told


def is_wide(kernel: Kernel) -> bool:
    """Say whether a kernel is a band that is applied as a matrix."""
    return isinstance(kernel, Banded) and kernel.weights.shape[-1] > NARROW


def matrices(kernel: Banded, shares: Array) -> Array:
    """Return where a state leads under each pattern, (patterns, states, next states), actions' probabilities included."""
    mixed = jnp.swapaxes(jnp.einsum(MIXED, shares, kernel.weights), 0, 1)
    return jnp.swapaxes(dense(Banded(mixed, kernel.lower)), 0, 1)


def _pusher(kernel: Kernel, shares: Array) -> Callable[[Array, Array], Array]:
    """Return how mass by state moves on under a pattern: Σ_s x(s) Σ_a share(s, a) P(s' | s, a)."""
    if isinstance(kernel, Scattered):

        def scatter(pattern: Array, x: Array) -> Array:
            flows = (x[:, None] * shares[pattern])[:, :, None] * kernel.weights
            return jnp.zeros_like(x).at[kernel.targets].add(flows)

        return scatter
    if is_wide(kernel):
        full = matrices(kernel, shares)
        return lambda pattern, x: x @ full[pattern]
    # By next state: entry k of a column is what arrives from k states further up than the band's lowest source.
    # One shift after another, unrolled, is what compiles to straight vector code.
    states, width = shares.shape[1], kernel.weights.shape[-1]
    source = np.arange(states)[:, None] + np.arange(width)[None, :] - kernel.upper
    entry = np.broadcast_to(np.arange(width)[::-1], source.shape)
    inside = (source >= 0) & (source < states)
    mixed = jnp.einsum(MIXED, shares, kernel.weights)
    arriving = jnp.where(inside, mixed[:, np.clip(source, 0, states - 1), entry], 0.0)
    bands = jnp.swapaxes(arriving, 1, 2)

    def shift(pattern: Array, x: Array) -> Array:
        band, padded = bands[pattern], jnp.pad(x, (kernel.upper, kernel.lower))
        return sum((band[k] * padded[k : k + states] for k in range(1, width)), band[0] * padded[:states])

    return shift


def with_slopes(chain: Chain) -> tuple[Array, tuple[Array, Array, Array], Array]:
    """Return what `month_logs` does for a band, and the slopes of its sum.

    The slopes are by the first month's log probabilities, the kernel's weights and the profiles' log probabilities; and by
    the measures' log densities; in their shapes.
    """
    kernel, seen, log_measure = chain.kernel, chain.seen, chain.log_measure
    assert isinstance(kernel, Banded)
    logs, told = filter_months(chain)
    shares, _ = allowed(chain.log_profiles, seen.masks)
    moving = matrices(kernel, shares)

    def back(later: Array, month: tuple[Array, Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        pattern, density, here = month
        ahead = moving[pattern] @ later
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
    return logs, (smoothed[0], weights, profiles), smoothed


def joint_log(counts: tuple[int, ...], logs: tuple[Array, ...]) -> Array:
    """Return log probabilities of profiles, (states, profiles), from each player's (states, actions)."""
    total = sum((spread(counts, player, log) for player, log in enumerate(logs)), jnp.zeros((1, *counts)))
    return total.reshape(len(total), -1)


def measure_log(at: ArrayLike, figures: Array, intercepts: Array, loadings: Array, sds: Array) -> Array:
    """Return the log density of each month's measures in each state, shape (months, states).

    Measure k of a month is normal with mean intercept_k + loading_k x state and standard deviation sd_k; NaN is
    missing.

    * `at`: the states' values, shape (states,); or (states, measures) where each measure sees a quantity of its own.
    * `figures`: shape (months, measures).
    * `intercepts`, `loadings`, `sds`: shape (measures,).
    """
    state = jnp.asarray(at, dtype=float)
    state = jnp.broadcast_to(state[:, None] if state.ndim == 1 else state, (len(state), figures.shape[1]))
    there = ~jnp.isnan(figures)
    gap = jnp.where(there, figures - intercepts, 0.0) / sds
    pull = loadings / sds * state
    # the square opened up: three products instead of a table of months x states x measures
    square = jnp.where(there, gap**2 + 2 * jnp.log(sds) + np.log(2 * np.pi), 0.0).sum(axis=1)
    return -0.5 * (square[:, None] - 2 * gap @ pull.T + there.astype(float) @ (pull**2).T)


def normal_start(at: ArrayLike, mean: float, sd: float) -> Array:
    """Return log probabilities of the first month's state: N(mean, sd²) on evenly spaced points, tails at the ends."""
    points = np.asarray(at, dtype=float)
    if points.ndim != 1 or not (np.isfinite(mean) and sd > 0):
        problem = "is no normal distribution on one axis"
        raise InputError("first month's state", problem, "Give a mean and sd > 0.")
    edges = (points[1:] + points[:-1]) / 2
    below = jnp.concatenate([jnp.zeros(1), norm.cdf((jnp.asarray(edges) - mean) / sd), jnp.ones(1)])
    return jnp.log(jnp.maximum(jnp.diff(below), TINY))


def long_run_start(kernel: Kernel, log_profiles: Array) -> Array:
    """Return log probabilities of the first month's state: the shares of months that play makes in the long run."""
    return jnp.log(jnp.maximum(stationary(transition(kernel, jnp.exp(log_profiles))), TINY))


def draw(
    initial: ArrayLike, kernel: Kernel, log_profiles: ArrayLike, months: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a random path of states and profiles, each of shape (months,), from probabilities of the first state."""
    generator = np.random.default_rng(seed)
    weights, chances = np.asarray(kernel.weights), np.exp(np.asarray(log_profiles))
    if isinstance(kernel, Scattered):
        targets = np.asarray(kernel.targets)
    else:
        band = np.add.outer(np.arange(len(weights)), np.arange(weights.shape[2]) - kernel.lower)
        targets = np.broadcast_to(band[:, None], weights.shape)
    first = np.asarray(initial, dtype=float)
    states, profiles = np.zeros((2, months), dtype=np.int64)
    state = int(generator.choice(len(first), p=first / first.sum()))
    for month in range(months):
        profile = int(generator.choice(chances.shape[1], p=chances[state] / chances[state].sum()))
        states[month], profiles[month] = state, profile
        move = weights[state, profile]
        reached = int(generator.choice(len(move), p=move / move.sum()))
        state = int(targets[state, profile, reached])
    return states, profiles
