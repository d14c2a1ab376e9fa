"""What a hidden Markov model on a grid is fed with: play, measures, the first month; random paths; doubts about the grid."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.stats import norm
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.equations import spread
from outbid.game.estimation.play import check_calendar
from outbid.game.kernel import Banded, Kernel, Scattered, dense

Floats = NDArray[np.float64]
# What of a month's move a band may cut off, and of the state's months may lie at the grid's ends.
CUT, ENDS = 1e-5, 0.05
# What a probability that rounds to nothing counts as.
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Record:
    """What was seen, month by month without gaps.

    Parameters
    ----------
    actions
        Shape (months, players): each player's action by its number from 0, -1 where missing.
    measures
        Shape (months, measures), in the order of the specification; NaN where missing.
    months
        Names of the months, "YYYY-MM", or nothing; names that skip a month are refused.

    Raises
    ------
    InputError
        On different numbers of months, a gap, an infinite figure, or a measure without any figure.
    """

    actions: NDArray[np.int64]
    measures: Floats
    months: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        actions, measures = np.asarray(self.actions), np.asarray(self.measures, dtype=float)
        if actions.ndim != 2 or measures.ndim != 2:
            raise InputError("record", "is no pair of tables", "Give actions and measures, one row a month.")
        if len(actions) != len(measures) or len(self.months) not in (0, len(actions)):
            named = f", and {len(self.months)} months have names" if self.months else ""
            raise InputError(
                "record",
                f"has actions of {len(actions)} months and measures of {len(measures)}{named}",
                "Give both the same months; leave NaN, or -1, where one is missing.",
            )
        check_calendar([str(month) for month in self.months])
        if np.isinf(measures).any():
            month = int(np.argwhere(np.isinf(measures))[0][0])
            raise InputError(f"record, measures, month {month + 1}", "is infinite", "Leave NaN there.")
        for place, column in enumerate(measures.T):
            if np.isnan(column).all():
                raise InputError(f"record, measure {place + 1}", "has no figure at all", "Leave it out.")
        object.__setattr__(self, "actions", actions.astype(int) if actions.dtype == bool else actions)
        object.__setattr__(self, "measures", measures)
        object.__setattr__(self, "months", tuple(str(month) for month in self.months))


def joint_log(counts: tuple[int, ...], logs: tuple[Array, ...]) -> Array:
    """Return log probabilities of profiles, (states, profiles), from each player's (states, actions)."""
    total = jnp.zeros((logs[0].shape[0], *counts))
    for player, log in enumerate(logs):
        total = total + spread(counts, player, log)
    return total.reshape(logs[0].shape[0], -1)


def measure_log(at: ArrayLike, figures: Array, intercepts: Array, loadings: Array, sds: Array) -> Array:
    """Return the log density of each month's measures in each state, shape (months, states).

    Measure k of a month is normal with mean intercept_k + loading_k x state and standard deviation sd_k; NaN is missing.

    Parameters
    ----------
    at
        The states' values, shape (states,); or (states, measures) where each measure sees a quantity of its own.
    figures
        Shape (months, measures).
    intercepts, loadings, sds
        Shape (measures,).
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
        raise InputError(
            "first month's state", "is no normal distribution on one axis", "Give a mean and sd > 0."
        )
    edges = (points[1:] + points[:-1]) / 2
    below = jnp.concatenate([jnp.zeros(1), norm.cdf((jnp.asarray(edges) - mean) / sd), jnp.ones(1)])
    return jnp.log(jnp.maximum(jnp.diff(below), TINY))


def long_run_start(kernel: Kernel, log_profiles: Array) -> Array:
    """Return log probabilities of the first month's state: the shares of months that equilibrium play makes in the long run.

    By one dense solve of as many unknowns as there are states.
    """
    chances = jnp.exp(log_profiles)
    if isinstance(kernel, Banded):
        # play first, so that only one matrix of states by states is laid out
        mixed = jnp.einsum("sa,sak->sk", chances, kernel.weights)
        steps = dense(Banded(mixed[:, None, :], kernel.lower))[:, 0]
    else:
        steps = jnp.einsum("sa,sat->st", chances, dense(kernel))
    states = steps.shape[0]
    # adding one to every entry puts the condition that shares sum to one into the system
    shares = jnp.linalg.solve((jnp.eye(states) - steps + 1.0).T, jnp.ones(states))
    return jnp.log(jnp.maximum(shares, TINY))


def draw(
    initial: ArrayLike, kernel: Kernel, log_profiles: ArrayLike, months: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a random path of states and profiles, each of shape (months,), from probabilities of the first state."""
    generator = np.random.default_rng(seed)
    weights, chances = np.asarray(kernel.weights), np.exp(np.asarray(log_profiles))
    first = np.asarray(initial, dtype=float)
    states, profiles = np.zeros(months, dtype=np.int64), np.zeros(months, dtype=np.int64)
    state = int(generator.choice(len(first), p=first / first.sum()))
    for month in range(months):
        profile = int(generator.choice(chances.shape[1], p=chances[state] / chances[state].sum()))
        states[month], profiles[month] = state, profile
        move = weights[state, profile]
        reached = int(generator.choice(len(move), p=move / move.sum()))
        state = (
            int(np.asarray(kernel.targets)[state, profile, reached])
            if isinstance(kernel, Scattered)
            else state + reached - kernel.lower
        )
    return states, profiles


def grid_doubts(kernel: Kernel, smoothed: Floats) -> tuple[str, ...]:
    """Return doubts about a grid, in words, from the kernel and the state by month, shape (months, states)."""
    if not isinstance(kernel, Banded):
        return ()
    notes = []
    weights, states = np.asarray(kernel.weights), kernel.weights.shape[0]
    below = weights[kernel.lower + 1 :, :, 0].max(initial=0.0)
    above = weights[: max(states - 1 - kernel.upper, 0), :, -1].max(initial=0.0)
    if max(below, above) > CUT:
        notes.append("the kernel's band is too narrow for moves this large: give the game more reach")
    ends = float(smoothed[:, [0, -1]].sum(axis=1).mean())
    if ends > ENDS:
        notes.append(f"{ends:.0%} of the state's months lie at the grid's ends: widen the grid")
    return tuple(notes)
