"""The sampler on the toy contest: repeatable, honest when it is stopped, and right where the answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import arviz as az
import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import contest
from outbid.infer.fit import diagnose
from outbid.infer.likelihood import Figures, Target, Values, log_posterior
from outbid.infer.posterior import (
    CHAINS,
    CHUNK,
    FULL,
    QUICK,
    Chains,
    Draws,
    Effort,
    Metric,
    Sampler,
    curvature,
    mode,
)
from outbid.model.declare import Model
from outbid.model.priors import PriorTable

EFFORT = Effort(approach=25, metric=75, tuning=50, draws=400, target_acceptance=0.8)
NEXT_TO_NOTHING = 1e-9


@cache
def toy() -> Model:
    return contest.model()


@cache
def figures() -> Figures:
    return contest.figures(toy())


@cache
def sampler() -> Sampler:
    return Sampler(toy(), figures(), EFFORT)


@cache
def told_and_fitted() -> tuple[list[int], Draws]:
    told: list[int] = []
    draws = sampler().sample(
        contest.target(figures()), seed=4, advanced=lambda chains: told.append(chains.done)
    )
    return told, draws


def fitted() -> Draws:
    return told_and_fitted()[1]


def number_of(name: str) -> int:
    return sampler().layout.names().index(name)


def pinned_but(*free: str) -> PriorTable:
    """The toy's priors with all parameters but some held at their middle, and the noises at nothing."""
    table, names = contest.table(), toy().parameter_names
    second = np.where(np.isin(names, free), table.second, NEXT_TO_NOTHING)
    first = np.where([name.endswith("_noise") for name in names], NEXT_TO_NOTHING, table.first)
    return table._replace(first=first, second=second)


@cache
def batched() -> Callable[..., jax.Array]:
    return jax.jit(jax.vmap(log_posterior(toy(), figures()), (0, None)))


def log_density_at(z: np.ndarray, target: Target) -> np.ndarray:
    """The log posterior at up to 1,681 vectors, always by the same compiled function."""
    filled = np.zeros((1681, z.shape[1]))
    filled[: len(z)] = z
    return np.asarray(batched()(filled, target))[: len(z)]


# what it gives back


def test_shapes_and_statistics():
    posterior = fitted()
    assert posterior.z.shape == (CHAINS, EFFORT.draws, sampler().layout.size)
    for each in (posterior.divergent, posterior.energy, posterior.steps, posterior.acceptance):
        assert each.shape == (CHAINS, EFFORT.draws)
    assert np.isfinite(posterior.z).all()
    assert ((posterior.acceptance > 0) & (posterior.acceptance <= 1)).all()
    values = posterior.parameters(contest.table())
    assert tuple(values) == toy().parameter_names
    others = posterior.z[..., number_of("events_others")]
    assert np.allclose(values["events_others"], 4.0 * np.exp(0.4 * others))


def test_modest_effort_passes_the_usual_checks():
    posterior = fitted()
    assert not posterior.divergent.any()
    assert float(az.rhat(az.convert_to_dataset(posterior.z))["x"].max()) < 1.02
    assert float(az.ess(az.convert_to_dataset(posterior.z))["x"].min()) > 100
    assert (az.bfmi(posterior.energy) > 0.3).all()
    # the figures were drawn near the priors' middle, so that is where the parameters should be found
    assert np.abs(posterior.z.mean(axis=(0, 1))).max() < 2.0
    events = posterior.z[..., number_of("attacks_per_thousand")]
    assert events.std() < 0.9


def test_iterations_are_told_as_they_are_made():
    assert told_and_fitted()[0] == list(range(CHUNK, EFFORT.iterations + 1, CHUNK))


# stopping


def test_other_faults_are_not_hidden():
    def advanced(_: Chains) -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        sampler().sample(contest.target(figures()), seed=4, advanced=advanced)


# where the answer is known


def test_one_parameter_against_a_grid_in_scipy():
    # with all else pinned and no noise, each edict count is a zero-truncated negative binomial of one mean
    table = pinned_but("edicts_a_month")
    posterior = sampler().sample(contest.target(figures())._replace(table=table), seed=6)
    drawn = posterior.z[..., number_of("edicts_a_month")].ravel()

    z = np.linspace(-4, 4, 2001)
    concentration = 6.0
    law = stats.nbinom(concentration, concentration / (concentration + 4.0 * np.exp(0.5 * z)))
    log_density = stats.norm.logpdf(z)
    for count in (count for count in contest.EDICTS if count):
        log_density += law.logpmf(count) - np.log(law.sf(0))
    share = np.exp(log_density - log_density.max())
    share /= share.sum()
    mean = np.sum(share * z)
    deviation = math.sqrt(np.sum(share * (z - mean) ** 2))
    assert drawn.mean() == pytest.approx(mean, abs=0.15 * deviation)
    assert drawn.std() == pytest.approx(deviation, rel=0.12)
    assert np.quantile(drawn, 0.9) == pytest.approx(
        z[np.searchsorted(np.cumsum(share), 0.9)], abs=0.2 * deviation
    )


@pytest.mark.slow
def test_two_correlated_parameters_against_a_grid():
    # attacks and others' events share one monthly total: a ridge in the plane of the two
    names = ("attacks_per_thousand", "events_others")
    target = contest.target(figures())._replace(table=pinned_but(*names))
    posterior = sampler().sample(target, seed=7)
    drawn = posterior.z[..., [number_of(name) for name in names]].reshape(-1, 2)

    line = np.linspace(-3, 3, 41)
    plane = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    z = np.zeros((len(plane), sampler().layout.size))
    z[:, [number_of(name) for name in names]] = plane
    log_density = log_density_at(z, target)
    share = np.exp(log_density - log_density.max())
    share /= share.sum()
    mean = share @ plane
    covariance = (share[:, None] * (plane - mean)).T @ (plane - mean)
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance[0, 1] / deviation.prod()
    assert correlation < -0.2
    assert np.abs((drawn.mean(axis=0) - mean) / deviation).max() < 0.15
    assert drawn.std(axis=0) == pytest.approx(deviation, rel=0.12)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(correlation, abs=0.1)


def test_without_figures_the_prior_comes_back():
    nothing = Values(*(np.full_like(column, np.nan) for column in figures().values))
    posterior = sampler().sample(Target(contest.table(), nothing, contest.known_levers()), seed=8)
    drawn = posterior.z.reshape(-1, sampler().layout.size)
    assert drawn.mean(axis=0) == pytest.approx(np.zeros(drawn.shape[1]), abs=0.2)
    assert drawn.std(axis=0) == pytest.approx(np.ones(drawn.shape[1]), abs=0.15)


# the geometry


def test_the_metric_is_the_inverse_of_the_curvature_and_held_to_the_prior():
    bend = np.array([[40.0, 12.0], [12.0, 9.0]])
    assert Metric.of(bend).covariance == pytest.approx(np.linalg.inv(bend))
    assert np.diag(Metric.of(np.diag([4.0, 1e-6, -9.0])).covariance) == pytest.approx([1 / 4, 1 / 0.5, 1 / 9])


def test_the_mode_is_flat_and_curvature_is_that_of_the_density():
    target = contest.target(figures())
    potential = sampler().potential_of(target)
    top = mode(potential, sampler().layout.size)
    steps = 1e-4 * np.eye(len(top))
    slope = (log_density_at(top + steps, target) - log_density_at(top - steps, target)) / 2e-4
    assert np.abs(slope).max() < 1e-2
    direction = np.linspace(-1, 1, len(top)) * 1e-3
    below, here, above = log_density_at(top + np.outer([-1, 0, 1], direction), target)
    bend = direction @ curvature(potential, top[:, None]) @ direction
    assert 2 * here - below - above == pytest.approx(bend, rel=1e-2)


# a quick run


@cache
def quick_sampler() -> Sampler:
    return Sampler(toy(), figures(), QUICK)


@cache
def quick() -> Draws:
    return quick_sampler().sample(contest.target(figures()), seed=4)


def test_a_quick_run_finds_the_same_places_and_spreads():
    short = quick()
    assert short.z.shape == (QUICK.chains, QUICK.draws, sampler().layout.size)
    assert short.divergent.mean() < 0.02
    full = fitted().z
    shift = (short.z.mean(axis=(0, 1)) - full.mean(axis=(0, 1))) / full.std(axis=(0, 1))
    assert np.abs(shift).max() < 0.6
    assert np.sqrt(np.mean(shift**2)) < 0.2
    ratio = short.z.std(axis=(0, 1)) / full.std(axis=(0, 1))
    assert ratio.min() > 0.6 and ratio.max() < 1.5


def test_a_quick_run_says_what_it_is():
    (problem,) = diagnose(quick(), QUICK).problems
    assert "quick run" in problem and "without --quick" in problem


def test_a_quick_run_without_figures_gives_the_prior_back():
    nothing = Values(*(np.full_like(column, np.nan) for column in figures().values))
    target = Target(contest.table(), nothing, contest.known_levers())
    z = quick_sampler().sample(target, seed=8).z
    flat = z.reshape(-1, z.shape[-1])
    assert flat.mean(axis=0) == pytest.approx(np.zeros(flat.shape[1]), abs=0.35)
    assert flat.std(axis=0) == pytest.approx(np.ones(flat.shape[1]), abs=0.25)


# how long, and what to try next


def test_an_effort_is_changed_where_asked_and_stays_in_proportion():
    assert FULL.changed() == FULL
    assert QUICK.changed() == QUICK
    assert FULL.changed(warmup=FULL.warmup) == FULL
    assert FULL.changed(draws=2000, chains=2, target_accept=0.98) == replace(
        FULL, draws=2000, chains=2, target_acceptance=0.98
    )
    twice = FULL.changed(warmup=2 * FULL.warmup)
    assert twice.phases == (*(2 * each for each in FULL.phases[:3]), FULL.draws)


@given(st.integers(3, 400), st.sampled_from([FULL, QUICK]))
def test_any_warmup_has_three_phases_in_whole_chunks(chunks: int, effort: Effort):
    changed = effort.changed(warmup=25 * chunks)
    *phases, _ = changed.phases
    assert sum(phases) == 25 * chunks == changed.warmup
    assert all(phase >= CHUNK and phase % CHUNK == 0 for phase in phases)


def with_faults(**changes: np.ndarray) -> Draws:
    generator = np.random.default_rng(3)
    shape = (4, 500)
    sound = Draws(
        sampler().layout,
        generator.standard_normal((*shape, sampler().layout.size)),
        np.zeros(shape, bool),
        generator.standard_normal(shape),
        np.ones(shape),
        np.ones(shape),
    )
    return replace(sound, **changes)


def test_sound_draws_have_no_problem():
    assert diagnose(with_faults(), EFFORT).problems == ()


def test_every_failed_check_says_what_to_try_next():
    sound, at = with_faults(), number_of("events_others")
    apart = sound.z.copy()
    apart[0, :, at] += 0.4
    (problem, *_) = diagnose(replace(sound, z=apart), EFFORT).problems
    assert "events_others" in problem and "--warmup 300" in problem

    slow = sound.z.copy()
    slow[:, :, at] = np.repeat(slow[:, ::10, at], 10, axis=1)
    problems = diagnose(replace(sound, z=slow), EFFORT).problems
    (few,) = [line for line in problems if "effective" in line]
    assert "events_others" in few and "--draws" in few

    (diverged,) = diagnose(replace(sound, divergent=sound.z[..., at] > 2.5), EFFORT).problems
    assert "--target-accept 0.933" in diverged and "events_others" in diverged

    walk = np.cumsum(np.ones(500)) * 0.1 + sound.energy
    (sluggish,) = diagnose(replace(sound, energy=walk), EFFORT).problems
    assert "BFMI" in sluggish and "reparameterise" in sluggish
