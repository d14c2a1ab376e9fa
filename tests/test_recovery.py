"""Does a fit find what made the figures? Many panels are drawn from the toy's prior, and each is fitted."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import arviz as az
import jax
import numpy as np
import pytest
from scipy import stats

import contest
from outbid.infer.likelihood import Target, Values
from outbid.infer.posterior import Effort, Sampler
from outbid.infer.predictive import replicate
from published_form import as_values

PANELS = 100
EFFORT = Effort(approach=25, metric=50, tuning=50, draws=300, target_acceptance=0.8)
# draws that are kept apart widely enough to be nearly independent; a rank among 99 falls into tenths evenly
THINNED = 99
TENTHS = 10
INFORMED = (
    "attacks_per_thousand",
    "challengers_start",
    "concentration",
    "deaths_per_attack",
    "edicts_a_month",
    "events_others",
)
RANKED = ("challengers_start", "edicts_a_month", "events_others")


class Recovery(NamedTuple):
    """Over panels: the truth (panels, entries), draws (panels, draws, entries), and how the fits went."""

    truth: np.ndarray
    draws: np.ndarray
    names: tuple[str, ...]
    rhat: np.ndarray
    divergent: np.ndarray


@pytest.fixture(scope="module")
def recovery() -> Recovery:
    toy = contest.model()
    figures = contest.figures(toy)
    table = contest.table()
    sampler = Sampler(toy, figures, EFFORT)

    history = jax.jit(partial(contest.history, toy))

    def panel(number: int) -> tuple[np.ndarray, Values]:
        generator = np.random.default_rng([2024, number])
        z = generator.standard_normal(sampler.layout.size)
        p, seen = history(z, table)
        one = {name: np.asarray(value)[None] for name, value in p.items()}
        return z, as_values(figures, replicate(toy, figures, one, np.asarray(seen)[None], generator)[0])

    truth, draws, rhat, divergent = [], [], [], []
    for number in range(PANELS):
        z, values = panel(number)
        values = Values(*map(np.asarray, values))
        posterior = sampler.sample(Target(table, values, contest.known_levers()), seed=number)
        truth.append(z)
        draws.append(posterior.z.reshape(-1, sampler.layout.size))
        rhat.append(float(az.rhat(az.convert_to_dataset(posterior.z))["x"].max()))
        divergent.append(posterior.divergent.mean())
    names = sampler.layout.names()
    return Recovery(np.stack(truth), np.stack(draws), names, np.array(rhat), np.array(divergent))


@pytest.mark.slow
def test_the_fits_themselves_are_sound(recovery: Recovery) -> None:
    assert np.median(recovery.rhat) < 1.03
    assert np.mean(recovery.rhat > 1.1) <= 0.05
    assert recovery.divergent.mean() < 0.005


@pytest.mark.slow
def test_ninety_per_cent_intervals_hold_the_truth_nine_times_in_ten(recovery: Recovery) -> None:
    chosen = [recovery.names.index(name) for name in INFORMED]
    draws, truth = recovery.draws[..., chosen], recovery.truth[:, chosen]
    # these are what the figures speak of: posteriors are clearly narrower than the prior's one
    narrower = draws.std(axis=1).mean(axis=0)
    assert (narrower < 0.9).all(), dict(zip(INFORMED, narrower.round(2), strict=True))
    low, high = np.quantile(draws, [0.05, 0.95], axis=1)
    held = (low < truth) & (truth < high)
    print(f"\n90% intervals over {PANELS} panels hold the truth in {held.mean():.1%}:", end=" ")
    print(", ".join(f"{name} {share:.0%}" for name, share in zip(INFORMED, held.mean(axis=0), strict=True)))
    assert 0.80 <= held.mean() <= 0.97
    for name, share in zip(INFORMED, held.sum(axis=0), strict=True):
        assert stats.binomtest(int(share), PANELS, 0.9).pvalue > 1e-4, (name, share)


@pytest.mark.slow
@pytest.mark.parametrize("name", RANKED)
def test_the_truth_ranks_evenly_among_draws(recovery: Recovery, name: str) -> None:
    # simulation-based calibration (Talts and others, 2018)
    column = recovery.names.index(name)
    apart = np.linspace(0, recovery.draws.shape[1] - 1, THINNED, dtype=int)
    ranks = (recovery.draws[:, apart, column] < recovery.truth[:, None, column]).sum(axis=1)
    tenths = np.bincount(ranks * TENTHS // (THINNED + 1), minlength=TENTHS)
    chance = stats.chisquare(tenths).pvalue
    print(f"\nranks of {name} by tenths {tenths.tolist()}, p = {chance:.3f}")
    assert chance > 0.001
