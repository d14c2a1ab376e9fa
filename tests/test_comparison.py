"""Tests between models: known statistics, laws, and comparisons that make no sense."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2, norm

from outbid.errors import InputError
from outbid.game import Estimates, Specification, estimate
from outbid.game.estimates import clarke, likelihood_ratio, vuong
from outbid.game.game import Game
from small_games import TRUTH, duel, played

BASE = duel()
MONTHS = 2000


def without_values(theta: jax.Array) -> Game:
    """Nobody cares for the index: costs only."""
    return BASE.build(jax.numpy.concatenate([jax.numpy.zeros(2), theta]))


def without_costs(theta: jax.Array) -> Game:
    """Acting is free: values only."""
    return BASE.build(jax.numpy.concatenate([theta, jax.numpy.zeros(2)]))


@pytest.fixture(scope="module")
def models() -> tuple[Estimates, Estimates, Estimates]:
    play = played(BASE, TRUTH, MONTHS, 4)
    full = estimate(BASE, play, TRUTH, errors=False)
    costs = estimate(Specification(("k_north", "k_south"), without_values), play, (0, 0), errors=False)
    values = estimate(Specification(("b_north", "b_south"), without_costs), play, (0, 0), errors=False)
    return full, costs, values


def like(model: Estimates, contributions: np.ndarray, parameters: int = 2) -> Estimates:
    """A model that gives the months these log-likelihoods."""
    return replace(
        model,
        names=tuple(f"p{i}" for i in range(parameters)),
        contributions=contributions,
        log_likelihood=float(contributions.sum()),
    )


def test_contributions_sum_to_the_likelihood(models: tuple[Estimates, ...]) -> None:
    for each in models:
        assert each.converged and each.contributions.shape == (MONTHS,)
        assert each.contributions.sum() == pytest.approx(each.log_likelihood, rel=1e-12)


def test_the_likelihood_ratio_of_nested_models(models: tuple[Estimates, ...]) -> None:
    full, costs, _ = models
    test = likelihood_ratio(costs, full)
    statistic = 2 * (full.log_likelihood - costs.log_likelihood)
    assert test.statistic == pytest.approx(statistic) and test.degrees_of_freedom == 2
    assert test.p == pytest.approx(chi2.sf(statistic, 2)) and test.favours == 1
    assert test.p < 0.01 and "prefer the second" in test.sentence()


def test_a_true_restriction_is_rarely_rejected() -> None:
    truth = np.array([-0.5, -0.9])
    family = Specification(("k_north", "k_south"), without_values)
    chances = []
    for seed in range(12):
        play = played(family, truth, 200, seed)
        small = estimate(family, play, truth, errors=False)
        large = estimate(BASE, play, [0, 0, *small.estimates], errors=False)
        chances.append(likelihood_ratio(small, large).p)
    assert sum(p < 0.05 for p in chances) <= 3 and max(chances) > 0.3


def test_wrong_nesting_is_refused(models: tuple[Estimates, ...]) -> None:
    full, costs, values = models
    better = replace(costs, log_likelihood=full.log_likelihood + 1)
    for smaller, larger, told in [
        (full, costs, "4 parameters and the larger 2"),
        (costs, values, "2 parameters and the larger 2"),
        (better, full, "fits worse, by 1 "),
        (replace(costs, converged=False), full, "the smaller model did not converge"),
        (costs, replace(full, converged=False), "the larger model did not converge"),
        (costs, replace(full, outcome="other"), "explain different actions"),
    ]:
        with pytest.raises(InputError, match=told):
            likelihood_ratio(smaller, larger)


def test_vuongs_statistic_is_the_studentised_mean(models: tuple[Estimates, ...]) -> None:
    _, costs, values = models
    gaps = costs.contributions - values.contributions
    known = gaps.sum() / (np.sqrt(len(gaps)) * gaps.std())
    test = vuong(costs, values)
    assert test.statistic == pytest.approx(known) and test.p == pytest.approx(2 * norm.sf(abs(known)))
    assert test.favours == (0 if known > 0 else 1)


def test_clarkes_test_counts_months(models: tuple[Estimates, ...]) -> None:
    _, costs, values = models
    ahead = int((costs.contributions > values.contributions).sum())
    test = clarke(costs, values)
    assert test.statistic == ahead and test.p == pytest.approx(binomtest(ahead, MONTHS).pvalue)


def test_parameters_are_charged_for(models: tuple[Estimates, ...]) -> None:
    one = like(models[0], np.linspace(-1, -0.5, MONTHS), 5)
    two = like(models[0], np.linspace(-1.1, -0.4, MONTHS)[::-1].copy(), 2)
    gaps = one.contributions - two.contributions
    for charge, price in (("none", 0.0), ("aic", 3.0), ("bic", 1.5 * np.log(MONTHS))):
        known = (gaps.sum() - price) / (np.sqrt(MONTHS) * gaps.std())
        assert vuong(one, two, charge).statistic == pytest.approx(known)
        assert clarke(one, two, charge).statistic == ((gaps - price / MONTHS) > 1e-10).sum()
    with pytest.raises(InputError, match="'hqic'"):
        vuong(one, two, "hqic")  # type: ignore[arg-type]


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 5))
def test_turning_the_models_round_turns_the_answer(
    models: tuple[Estimates, ...], seed: int, first: int, second: int
) -> None:
    generator = np.random.default_rng(seed)
    one = like(models[0], -generator.exponential(size=MONTHS), first)
    two = like(models[0], -generator.exponential(size=MONTHS), second)
    ahead, back = vuong(one, two), vuong(two, one)
    assert ahead.statistic == pytest.approx(-back.statistic) and ahead.p == pytest.approx(back.p)
    assert {ahead.favours, back.favours} == {0, 1}
    ahead, back = clarke(one, two), clarke(two, one)
    assert ahead.statistic + back.statistic == MONTHS and ahead.p == pytest.approx(back.p)
    assume(ahead.statistic != back.statistic)
    assert {ahead.favours, back.favours} == {0, 1}


def test_the_same_model_twice_is_no_comparison(models: tuple[Estimates, ...]) -> None:
    for test in (vuong, clarke):
        with pytest.raises(InputError, match="every month the same likelihood"):
            test(models[0], models[0])
        with pytest.raises(InputError, match="explain different actions"):
            test(models[0], replace(models[1], outcome="other"))


def test_sentences_say_when_nothing_is_decided(models: tuple[Estimates, ...]) -> None:
    near = -np.ones(MONTHS) + 0.1 * np.resize([1.0, -1.0], MONTHS)
    far = -np.ones(MONTHS)
    assert "don't choose" in vuong(like(models[0], near), like(models[0], far)).sentence()
    assert "prefer the first" in vuong(like(models[0], near + 0.2), like(models[0], far)).sentence()
