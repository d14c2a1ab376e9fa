"""Figures drawn from a model: their laws, and the form in which they are put."""

from __future__ import annotations

import math
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import contest
from outbid.infer.likelihood import (
    RANGE_WIDTH,
    Figures,
    Values,
    gather,
    row_log_likelihood,
)
from outbid.infer.predictive import draw_counts, replicate
from outbid.model.declare import Model
from published_form import as_values

NAN = math.nan
DRAWS = 20_000


@cache
def toy() -> Model:
    return contest.model()


@cache
def figures() -> Figures:
    return contest.figures(toy())


@cache
def truth() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A path of the toy, with small counts: parameters, and what the series see, (months, series)."""
    p, seen = jax.jit(partial(contest.history, toy()))(contest.prior_vector(toy(), 3), contest.table())
    lower = jnp.array([1.0 if name in ("deaths", "fighters") else 1 / 6 for name in figures().names])
    return {name: np.asarray(value) for name, value in p.items()} | {
        "concentration": np.array(2.5)
    }, np.asarray(seen * lower)


def replications(draws: int, seed: int, seen: np.ndarray | None = None) -> np.ndarray:
    """Replications of the same path, shape (draws, rows)."""
    p, seen = truth()[0], truth()[1] if seen is None else seen
    many = {name: np.full(draws, value) for name, value in p.items()}
    everywhere = np.broadcast_to(seen, (draws, *seen.shape))
    return replicate(toy(), figures(), many, everywhere, np.random.default_rng(seed))


@cache
def many() -> np.ndarray:
    return replications(DRAWS, 20)


def drawn(mean: float, concentration: float | None, above_zero: bool, seed: int = 5) -> np.ndarray:
    spread = None if concentration is None else np.full(DRAWS, concentration)
    chosen = np.full(DRAWS, above_zero)
    return draw_counts(np.random.default_rng(seed), np.full(DRAWS, mean), spread, chosen)


@pytest.mark.parametrize("above_zero", [False, True])
@pytest.mark.parametrize("concentration", [None, 0.3, 2.5, 1e6])
@pytest.mark.parametrize("mean", [0.02, 1.5, 12.0])
def test_counts_follow_their_law(mean, concentration, above_zero):
    if concentration is None:
        law = stats.poisson(mean)
    else:
        law = stats.nbinom(concentration, concentration / (concentration + mean))
    number = drawn(mean, concentration, above_zero)
    first = int(above_zero)
    share = law.sf(first - 1)
    last = first
    while law.sf(last) / share * DRAWS > 20 and last < 60:
        last += 1
    expected = np.array([*law.pmf(np.arange(first, last + 1)), law.sf(last)]) / share * DRAWS
    observed = np.bincount(np.minimum(number, last + 1).astype(int), minlength=last + 2)[first:]
    kept = expected > 5
    assert observed[~kept].sum() <= 40
    if kept.sum() > 1:
        total = expected[kept].sum() / max(observed[kept].sum(), 1)
        assert stats.chisquare(observed[kept] * total, expected[kept]).pvalue > 1e-4
    if above_zero:
        assert number.min() >= 1


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-9, 6).map(lambda power: 10.0**power),
    st.floats(-6, 9).map(lambda power: 10.0**power),
    st.booleans(),
)
def test_counts_are_whole_and_drawing_them_ends(mean, concentration, above_zero):
    number = drawn(mean, concentration, above_zero)
    assert (number >= above_zero).all()
    assert np.array_equal(number, np.round(number))


def test_rows_have_the_mean_and_the_variance_of_their_laws():
    p, seen = truth()
    rows = figures()
    mean = np.sum(rows.weights * np.asarray(seen)[:, rows.series].T, axis=1)
    concentration = float(p["concentration"])
    for name in figures().names:
        for row in figures().of(name):
            column, m = many()[:, row], mean[row]
            if name in ("deaths", "fighters"):
                sigma = float(p[f"{name}_error"])
                low, high = rows.values.low[row], rows.values.high[row]
                if np.isfinite(rows.values.value[row] + low + high):
                    sigma = math.hypot(sigma, math.log(high / low) / RANGE_WIDTH)
                assert stats.kstest(np.log(column), stats.norm(math.log(m), sigma).cdf).pvalue > 1e-4
                continue
            spread_counts = stats.nbinom(concentration, concentration / (concentration + m))
            law = stats.poisson(m) if name == "raids" else spread_counts
            above = law.sf(0) if name == "edicts" else 1.0
            first, second = law.mean() / above, (law.var() + law.mean() ** 2) / above
            assert column.mean() == pytest.approx(first, abs=5 * column.std() / math.sqrt(DRAWS))
            assert column.var() == pytest.approx(second - first**2, rel=0.1)


def test_rows_are_drawn_apart_and_the_same_seed_draws_the_same():
    correlation = np.corrcoef(many(), rowvar=False)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 0.03
    first, again, other = (replications(1, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("amount", [1e12, math.inf, math.nan])
def test_a_path_that_overflowed_gives_no_number_and_no_endless_loop(amount):
    broken = truth()[1].copy()
    broken[7] = amount
    numbers = replications(1, 0, broken)[0]
    touched = figures().weights[:, 7] > 0
    if math.isfinite(amount):
        assert np.isfinite(numbers[~touched]).all()
    assert np.isnan(numbers[touched]).all()


# published form


def published(figure: contest.Figure, number: float, series: str = "fighters") -> tuple[float, float, float]:
    panel = contest.panel({name: (figure,) if name == series else () for name in contest.KINDS})
    values = as_values(gather(toy(), panel), np.array([number]))
    return tuple(float(column[0]) for column in values)


MONTH = ("2022-01-01", "2022-01-31")


@pytest.mark.parametrize(
    ("figure", "number", "form"),
    [
        ((2000.0, None, None), 1234.5, (1234.5, NAN, NAN)),
        ((2000.0, 1500.0, 3000.0), 1000.0, (1000.0, 750.0, 1500.0)),
        ((2000.0, None, 3000.0), 1000.0, (1000.0, NAN, 1500.0)),
        ((None, 1500.0, 3000.0), 2999.0, (NAN, 1500.0, 3000.0)),
        ((None, 1500.0, 3000.0), 3001.0, (NAN, 3000.0, 6000.0)),
        ((None, 1500.0, 3000.0), 200.0, (NAN, 187.5, 375.0)),
        ((None, 2000.0, None), 2001.0, (NAN, 2000.0, NAN)),
        ((None, 2000.0, None), 1500.0, (1500.0, NAN, NAN)),
        ((None, None, 2000.0), 1500.0, (NAN, NAN, 2000.0)),
        ((None, 0.0, 2000.0), 1500.0, (NAN, 0.0, 2000.0)),
        ((None, None, 2000.0), 2500.0, (2500.0, NAN, NAN)),
    ],
)
def test_what_was_a_value_a_range_a_floor_or_a_ceiling_is_one_again(figure, number, form):
    assert published((*MONTH, *figure), number) == pytest.approx(form, nan_ok=True)


@pytest.mark.parametrize(
    ("figure", "number", "form"),
    [
        ((4.0, None, None), 0.0, (0.0, NAN, NAN)),
        ((0.0, None, None), 3.0, (3.0, NAN, NAN)),
        ((None, 4.0, None), 4.0, (NAN, 4.0, NAN)),
        ((None, 4.0, None), 0.0, (0.0, NAN, NAN)),
        ((None, 0.0, None), 3.0, (NAN, 0.0, NAN)),
    ],
)
def test_counts_too(figure, number, form):
    assert published((*MONTH, *figure), number, "raids") == pytest.approx(form, nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(st.floats(1, 1e5), st.floats(1.05, 10), st.floats(-2, 9))
def test_a_range_holds_its_number_in_the_published_proportion(low, proportion, power):
    number = 10.0**power
    value, down, up = published((*MONTH, None, low, low * proportion), number)
    assert math.isnan(value)
    assert down * (1 - 1e-9) <= number <= up * (1 + 1e-9)
    assert up / down == pytest.approx(proportion)
    steps = math.log(down / low) / math.log(proportion)
    assert steps == pytest.approx(round(steps), abs=1e-6)


def test_many_draws_take_their_form_at_once():
    values = as_values(figures(), many()[:3])
    assert all(column.shape == many()[:3].shape for column in values)
    for number in range(3):
        one = as_values(figures(), many()[number])
        for together, alone in zip(values, one, strict=True):
            np.testing.assert_allclose(together[number], alone, rtol=1e-12)


def test_figures_drawn_and_published_have_the_likelihood_of_the_rows():
    # for the right likelihood, the mean ratio of another world's to the true world's is one, row by row
    p, seen = truth()
    other = {name: value * 1.05 for name, value in p.items()}
    rows = jax.jit(
        jax.vmap(
            lambda p, seen, values: row_log_likelihood(toy(), figures(), p, seen, values), (None, None, 0)
        )
    )
    values = Values(*(np.asarray(column) for column in as_values(figures(), many())))
    ratio = np.exp(np.asarray(rows(other, 1.1 * seen, values) - rows(p, seen, values)))
    deviation = (ratio.mean(axis=0) - 1.0) / (ratio.std(axis=0) / math.sqrt(DRAWS))
    assert np.abs(deviation).max() < 4.5
    assert ratio.std(axis=0).min() > 0.001
