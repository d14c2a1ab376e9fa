"""The hidden state summed out: against every path counted by hand, and against a Kalman filter."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.errors import InputError
from outbid.game.kernel import Kernel, Scattered, banded_from, normal_band, normal_reach
from outbid.game.markov import (
    Chain,
    draw,
    joint_log,
    long_run_start,
    measure_log,
    month_logs,
    normal_start,
    seen_actions,
    smooth,
    with_slopes,
)


def forward(*parts) -> jax.Array:
    return month_logs(Chain(*parts)).sum()


compiled = jax.jit(forward)
COUNTS = (2, 2)
# month 2 lacks the first player's action, month 4 both
ACTIONS = np.array([[0, 1], [-1, 0], [1, 1], [-1, -1]])
FIGURES = np.array([[0.3, np.nan], [np.nan, np.nan], [-1.0, 0.4], [0.2, 2.0]])
POINTS = np.array([-1.0, 0.5, 2.0])
LOADINGS, SDS, INTERCEPTS = np.array([1.0, -0.7]), np.array([0.8, 1.3]), np.array([0.1, -0.2])


class Case(NamedTuple):
    """What the recursion takes, and the plain numbers behind it."""

    initial: np.ndarray
    matrix: np.ndarray
    chances: np.ndarray
    kernel: Kernel

    @property
    def inputs(self) -> Chain:
        return Chain(
            jnp.log(self.initial),
            self.kernel,
            jnp.log(self.chances),
            seen_actions(COUNTS, ACTIONS),
            measure_log(POINTS, jnp.asarray(FIGURES), INTERCEPTS, LOADINGS, SDS),
        )


def case(seed: int, kind: str = "banded", states: int = 3) -> Case:
    """A random chain of a few states and four profiles."""
    generator = np.random.default_rng(seed)
    initial = generator.dirichlet(np.ones(states))
    matrix = generator.dirichlet(np.ones(states), size=(states, 4))
    chances = generator.dirichlet(np.ones(4), size=states)
    kernel: Kernel = banded_from(matrix)
    if kind == "scattered":
        # targets in any order, one of them twice
        targets = np.broadcast_to(np.array([*reversed(range(states)), 0]), (states, 4, states + 1))
        weights = np.concatenate([matrix[:, :, ::-1], 0.5 * matrix[:, :, :1]], axis=2)
        weights[:, :, states - 1] *= 0.5
        kernel = Scattered(jnp.asarray(targets), jnp.asarray(weights))
    return Case(initial, matrix, chances, kernel)


def density(month: int, state: int) -> float:
    """The measures' density in a month and state, written out."""
    total = 1.0
    for k in range(2):
        if not np.isnan(FIGURES[month, k]):
            gap = (FIGURES[month, k] - INTERCEPTS[k] - LOADINGS[k] * POINTS[state]) / SDS[k]
            total *= np.exp(-0.5 * gap**2) / (SDS[k] * np.sqrt(2 * np.pi))
    return total


def allowed(month: int) -> list[int]:
    """The profiles that a month's record leaves possible."""
    profiles = list(itertools.product(range(2), range(2)))
    return [
        number
        for number, profile in enumerate(profiles)
        if all(a in (-1, b) for a, b in zip(ACTIONS[month], profile, strict=True))
    ]


def enumerated(each: Case, months: int = 4) -> tuple[float, np.ndarray]:
    """The likelihood of the first months, and the joint weight by month and state, over all paths."""
    total, weight = 0.0, np.zeros((months, len(each.initial)))
    for states in itertools.product(range(len(each.initial)), repeat=months):
        for profiles in itertools.product(*(allowed(month) for month in range(months))):
            p = each.initial[states[0]]
            for month in range(months):
                p *= density(month, states[month]) * each.chances[states[month], profiles[month]]
                if month + 1 < months:
                    p *= each.matrix[states[month], profiles[month], states[month + 1]]
            total += p
            for month in range(months):
                weight[month, states[month]] += p
    return total, weight / total


@pytest.mark.parametrize("kind", ["banded", "scattered"])
@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_the_forward_pass_is_the_sum_over_all_paths(kind: str, seed: int) -> None:
    each = case(seed, kind)
    assert float(compiled(*each.inputs)) == pytest.approx(np.log(enumerated(each)[0]), abs=1e-10)


@pytest.mark.parametrize("kind", ["banded", "scattered"])
def test_the_smoother_is_the_sum_over_all_paths(kind: str) -> None:
    each = case(3, kind)
    posterior = smooth(each.inputs)
    np.testing.assert_allclose(posterior.smoothed, enumerated(each)[1], atol=1e-12)
    for month in range(4):
        np.testing.assert_allclose(
            posterior.filtered[month], enumerated(each, month + 1)[1][month], atol=1e-12
        )
    mean = posterior.smoothed @ POINTS
    np.testing.assert_allclose(posterior.mean(POINTS), mean)
    spread = posterior.smoothed @ POINTS**2 - mean**2
    np.testing.assert_allclose(posterior.sd(POINTS), np.sqrt(spread), atol=1e-12)
    np.testing.assert_allclose(posterior.mean(POINTS, smoothed=False), posterior.filtered @ POINTS)


@pytest.mark.slow
def test_wide_bands_and_narrow_ones_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.linspace(-3, 3, 41)
    mean = jnp.asarray(0.8 * points[:, None] + np.array([0.0, 0.3, -0.2, 0.1]))
    kernel = normal_band(points, mean, jnp.asarray(0.2), normal_reach(points, mean, 0.2))
    assert kernel.lower + kernel.upper < 40
    generator = np.random.default_rng(0)
    actions = generator.integers(-1, 2, (30, 2))
    figures = jnp.asarray(generator.standard_normal((30, 2)))
    inputs = Chain(
        normal_start(points, 0.3, 0.5),
        kernel,
        jnp.log(generator.dirichlet(np.ones(4), size=41)),
        seen_actions(COUNTS, actions),
        measure_log(points, figures, INTERCEPTS, LOADINGS, SDS),
    )
    narrow = jax.jit(month_logs)(inputs)
    monkeypatch.setattr("outbid.game.markov.NARROW", 0)
    wide = jax.jit(lambda each: month_logs(each))(inputs)
    np.testing.assert_allclose(narrow, wide, atol=1e-11)
    np.testing.assert_allclose(narrow.sum(), compiled(*inputs))


@pytest.mark.parametrize("months", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_a_linear_normal_state_gives_the_likelihood_of_a_kalman_filter(months: int) -> None:
    persistence, intercept, sd = 0.85, 0.1, 0.4
    generator = np.random.default_rng(5)
    state, figures = 0.5, np.full((months, 2), np.nan)
    for month in range(months):
        figures[month] = INTERCEPTS + LOADINGS * state + SDS * generator.standard_normal(2)
        state = intercept + persistence * state + sd * generator.standard_normal()
    figures[generator.random(figures.shape) < 0.4] = np.nan
    mean, variance, wanted, centres = 0.5, 1.0, 0.0, []
    for row in figures:
        for k in np.flatnonzero(~np.isnan(row)):
            total = LOADINGS[k] ** 2 * variance + SDS[k] ** 2
            gap = row[k] - INTERCEPTS[k] - LOADINGS[k] * mean
            wanted -= 0.5 * (np.log(2 * np.pi * total) + gap**2 / total)
            mean += variance * LOADINGS[k] / total * gap
            variance *= 1 - LOADINGS[k] ** 2 * variance / total
        centres.append(mean)
        mean, variance = intercept + persistence * mean, persistence**2 * variance + sd**2
    points = np.linspace(-5, 6, 551)
    moved = jnp.asarray(intercept + persistence * points[:, None])
    kernel = normal_band(points, moved, jnp.asarray(sd), normal_reach(points, moved, sd), floor=0.0)
    logs = jnp.zeros((551, 1))
    seen = seen_actions((1,), np.zeros((months, 1), dtype=int))
    measured = measure_log(points, jnp.asarray(figures), INTERCEPTS, LOADINGS, SDS)
    inputs = Chain(normal_start(points, 0.5, 1.0), kernel, logs, seen, measured)
    # each move is rounded to a cell, which adds a twelfth of its width squared to the noise
    assert float(compiled(*inputs)) == pytest.approx(wanted, abs=1e-3 * max(1, months / 300))
    np.testing.assert_allclose(smooth(inputs).mean(points, smoothed=False), centres, atol=2e-3)


@pytest.mark.slow
def test_the_gradient_is_that_of_finite_differences() -> None:
    points = np.linspace(-2, 2, 7)
    figures = jnp.asarray(np.random.default_rng(1).standard_normal((12, 2)))
    seen = seen_actions(COUNTS, np.random.default_rng(2).integers(-1, 2, (12, 2)))

    @jax.jit
    def function(x: jax.Array) -> jax.Array:
        mean = x[0] + x[1] * points[:, None] + x[2] * np.array([0.0, 0.0, 1.0, 1.0])
        kernel = normal_band(points, mean, jnp.exp(x[3]), (6, 6), floor=0.0)
        choices = tuple(jax.nn.log_softmax(jnp.stack([0 * points, x[k] * points + 0.2], 1)) for k in (0, 2))
        measured = measure_log(points, figures, x[:2], jnp.stack([x[1], x[2]]), jnp.exp(x[3]) * jnp.ones(2))
        logs = joint_log(COUNTS, choices)
        return forward(long_run_start(kernel, logs), kernel, logs, seen, measured)

    at = jnp.array([0.1, 0.8, -0.4, -0.7])
    steps = 1e-5 * np.eye(4)
    wanted = [float(function(at + each) - function(at - each)) / 2e-5 for each in steps]
    np.testing.assert_allclose(jax.jit(jax.jacfwd(function))(at), wanted, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(jax.grad(function))(at), wanted, rtol=1e-6)


def test_the_slopes_of_one_pass_back_are_those_of_differentiation() -> None:
    points = np.linspace(-2, 2, 9)
    mean = jnp.asarray(0.8 * points[:, None] + np.array([0.0, 0.3, -0.2, 0.1]))
    kernel = normal_band(points, mean, jnp.asarray(0.3), (4, 3))
    generator = np.random.default_rng(6)
    measured = measure_log(points, jnp.asarray(generator.standard_normal((25, 2))), INTERCEPTS, LOADINGS, SDS)
    seen = seen_actions(COUNTS, generator.integers(-1, 2, (25, 2)))
    first, logs = (
        normal_start(points, 0.3, 0.5),
        jnp.log(jnp.asarray(generator.dirichlet(np.ones(4), size=9))),
    )
    found, slopes, by_measure = jax.jit(with_slopes)(Chain(first, kernel, logs, seen, measured))

    def plain(a: jax.Array, weights: jax.Array, b: jax.Array, c: jax.Array) -> jax.Array:
        return forward(a, replace(kernel, weights=weights), b, seen, c)

    wanted = jax.jit(jax.grad(plain, (0, 1, 2, 3)))(first, kernel.weights, logs, measured)
    assert float(found.sum()) == pytest.approx(float(plain(first, kernel.weights, logs, measured)))
    for one, two in zip((*slopes, by_measure), wanted, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-9)


@pytest.mark.parametrize("kind", ["banded", "scattered"])
def test_the_long_run_start_stays_where_it_is(kind: str) -> None:
    each = case(8, kind)
    shares = np.exp(long_run_start(each.kernel, jnp.log(each.chances)))
    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.einsum("s,sa,sat->t", shares, each.chances, each.matrix), shares)


def test_a_normal_start_puts_its_tails_at_the_ends() -> None:
    points = np.linspace(-1, 1, 5)
    shares = np.exp(normal_start(points, 0.0, 1.0))
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] == pytest.approx(0.2266, abs=1e-4)
    with pytest.raises(InputError, match="no normal distribution"):
        normal_start(points, 0.0, 0.0)


@pytest.mark.parametrize("kind", ["banded", "scattered"])
def test_drawn_paths_follow_the_chain(kind: str) -> None:
    each = case(4, kind)
    states, profiles = draw(each.initial, each.kernel, np.log(each.chances), 30_000, seed=1)
    counts = np.zeros((3, 4, 3))
    np.add.at(counts, (states[:-1], profiles[:-1], states[1:]), 1)
    visits = counts.sum(axis=2)
    wanted = visits[:, :, None] * each.matrix
    np.testing.assert_array_less(np.abs(counts - wanted), 4 * np.sqrt(wanted) + 1e-9)
    np.testing.assert_allclose(visits / visits.sum(axis=1, keepdims=True), each.chances, atol=0.03)


def test_unlikely_records_do_not_underflow() -> None:
    each = case(2)
    logs = jnp.log(each.chances) - jnp.array([900.0, 0.0, 0.0, 0.0])
    figures = jnp.full((40, 2), 80.0)
    measured = measure_log(POINTS, figures, INTERCEPTS, LOADINGS, SDS)
    seen = seen_actions(COUNTS, np.zeros((40, 2), dtype=int))
    found = float(compiled(jnp.log(each.initial), each.kernel, logs, seen, measured))
    assert np.isfinite(found)
    assert found < -40 * 900


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([[0, 2]], "month 1, player 2: 2 is no action"),
        ([[0, 0], [-2, 0]], "month 2, player 1: -2 is no action"),
        ([[0, 0.5]], "0.5 is no action"),
        ([0, 1], "have shape"),
        (np.zeros((3, 3)), "have shape"),
        (np.zeros((0, 2)), "have shape"),
    ],
)
def test_actions_that_are_none_are_refused(actions: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        seen_actions(COUNTS, np.asarray(actions))
