"""The sampler alone, on energies whose answers are known, and what it does when it is stopped."""

from __future__ import annotations

import signal
import time
from functools import cache
from pathlib import Path

import arviz as az
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import contest
from outbid.infer import unfinished
from outbid.infer.fit import Fit, fit
from outbid.infer.gradient import Floats, Potential
from outbid.infer.posterior import (
    CHUNK,
    FULL,
    PHASES,
    QUICK,
    Chains,
    Effort,
    Metric,
    Place,
    sample,
    trajectory,
)
from outbid.infer.unfinished import Unfinished, name_of
from outbid.output import OutputFolder
from outbid.progress import Stage

EFFORT = Effort(approach=25, metric=100, tuning=100, draws=500, target_acceptance=0.9)
SHORT = Effort(approach=25, metric=50, tuning=25, draws=50)


@cache
def correlated(size: int = 30) -> tuple[Floats, Floats]:
    """A mean and a covariance whose scales differ a hundredfold, in directions of no coordinate."""
    random = np.random.default_rng(7)
    turn, _ = np.linalg.qr(random.standard_normal((size, size)))
    return random.standard_normal(size), (turn * np.geomspace(0.01, 1.0, size)) @ turn.T


def gaussian(mean: Floats, covariance: Floats) -> Potential:
    precision = np.linalg.inv(covariance)

    def potential(z: Floats) -> tuple[Floats, Floats]:
        slope = precision @ (z - mean[:, None])
        return 0.5 * ((z - mean[:, None]) * slope).sum(axis=0), slope

    return potential


def funnel(z: Floats) -> tuple[Floats, Floats]:
    """Neal's (2003) in ten dimensions, with a width whose logarithm has a standard deviation of 1 instead of 3.

    That one no sampler of one step size draws from without bias.
    """
    wide, rest = z[0], z[1:]
    square = (rest**2).sum(axis=0) * np.exp(-wide)
    energy = 0.5 * (wide**2 + square + len(rest) * wide)
    return energy, np.concatenate([[wide - 0.5 * square + 0.5 * len(rest)], rest * np.exp(-wide)])


def draws_of(potential: Potential, size: int, effort: Effort = EFFORT, seed: int = 1) -> Floats:
    """(chains, draws, size)."""
    return sample(potential, size, effort, seed=seed).trace["z"][:, : effort.draws]


# where the answer is known


def test_a_correlated_gaussian_has_its_means_and_covariances() -> None:
    mean, covariance = correlated()
    z = draws_of(gaussian(mean, covariance), len(mean))
    effective, of_squares = (
        np.asarray(az.ess(az.convert_to_dataset(each), method="mean")["x"]) for each in (z, (z - mean) ** 2)
    )
    assert min(effective.min(), of_squares.min()) > 400
    flat, sd = z.reshape(-1, len(mean)), np.sqrt(np.diag(covariance))
    assert np.abs((flat.mean(axis=0) - mean) / sd * np.sqrt(effective)).max() < 4.0
    # an entry of a covariance matrix of n draws has a standard error of at most the two sds' product × sqrt(2 / n)
    error = (np.cov(flat.T) - covariance) / np.outer(sd, sd)
    assert np.abs(error).max() < 4.5 * np.sqrt(2 / of_squares.min())


def test_a_mild_funnel_is_drawn_from_its_neck_to_its_mouth() -> None:
    effort = Effort(approach=50, metric=100, tuning=100, draws=2000)
    wide = draws_of(funnel, 10, effort)[..., 0]
    effective = float(az.ess(wide))
    assert abs(wide.mean()) * np.sqrt(effective) < 4.0
    assert wide.std() == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * float(az.ess(wide, method="sd"))))
    assert np.quantile(wide, [0.05, 0.95]) == pytest.approx([-1.645, 1.645], abs=0.2)


@pytest.mark.parametrize("chains", [2, 3, 7])
def test_any_number_of_chains(chains: int) -> None:
    mean, covariance = correlated(5)
    effort = EFFORT.changed(chains=chains)
    z = draws_of(gaussian(mean, covariance), 5, effort)
    assert z.shape == (chains, effort.draws, 5)
    assert np.allclose(z.mean(axis=1), mean, atol=0.35)
    assert float(az.rhat(az.convert_to_dataset(z))["x"].max()) < 1.02


@pytest.mark.parametrize("target", [0.7, 0.85, 0.95])
def test_the_step_is_tuned_to_the_acceptance(target: float) -> None:
    mean, covariance = correlated()
    effort = EFFORT.changed(target_accept=target)
    for potential, size in ((gaussian(mean, covariance), 30), (funnel, 10)):
        chains = sample(potential, size, effort, seed=3)
        assert chains.trace["acceptance"].mean() == pytest.approx(target, abs=0.07)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others() -> None:
    potential = gaussian(*correlated())
    one, again, other = (draws_of(potential, 30, SHORT, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.any(one == other)


def test_an_energy_that_is_no_number_is_a_divergence() -> None:
    def walled(z: Floats) -> tuple[Floats, Floats]:
        energy, slope = gaussian(np.zeros(2), np.eye(2))(z)
        return np.where(z[0] > 2.0, np.nan, energy), slope

    chains = sample(walled, 2, EFFORT, seed=1)
    assert chains.trace["divergent"].any()
    assert chains.trace["z"][..., 0].max() <= 2.0
    assert not chains.trace["acceptance"][chains.trace["divergent"]].any()


# the mechanics


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.floats(0.01, 0.3))
def test_a_trajectory_turned_round_comes_back(seed: int, steps: int, size: float) -> None:
    random = np.random.default_rng(seed)
    metric = Metric(correlated(10)[1])
    start = Place.of(funnel, random.standard_normal((10, 3)))
    momentum = metric.momenta(random.standard_normal((10, 3)))
    there, arrived = trajectory(funnel, metric, start, momentum, size, steps)
    back, left = trajectory(funnel, metric, there, -arrived, size, steps)
    np.testing.assert_allclose(back.z, start.z, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(left, -momentum, rtol=1e-6, atol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_the_energy_error_goes_with_the_square_of_the_step(seed: int) -> None:
    random = np.random.default_rng(seed)
    mean, covariance = correlated()
    potential, metric = gaussian(mean, covariance), Metric(covariance)
    start = Place.of(potential, mean[:, None] + metric.root @ random.standard_normal((30, 50)))
    momentum = metric.momenta(random.standard_normal((30, 50)))
    before = start.energy + metric.kinetic(momentum)

    def error(step: float) -> float:
        there, arrived = trajectory(potential, metric, start, momentum, step, round(1.2 / step))
        return float(np.abs(there.energy + metric.kinetic(arrived) - before).mean())

    assert error(0.04) == pytest.approx(error(0.08) / 4, rel=0.05)


def test_momenta_have_the_inverse_of_the_covariance() -> None:
    metric = Metric(correlated(6)[1])
    momenta = metric.momenta(np.random.default_rng(1).standard_normal((6, 200_000)))
    root = metric.root.T @ np.cov(momenta) @ metric.root
    assert root == pytest.approx(np.eye(6), abs=0.02)


def test_a_metric_is_learnt_from_many_draws_and_hardly_from_few() -> None:
    _, covariance = correlated()
    blank, root = Metric(np.eye(30)), np.linalg.cholesky(covariance)

    def off(draws: int) -> float:
        z = np.random.default_rng(1).standard_normal((4, draws, 30)) @ root.T
        return float(np.linalg.norm(blank.learnt(z).covariance - covariance))

    assert off(5000) < 0.1 * np.linalg.norm(np.eye(30) - covariance)
    assert off(10) < np.linalg.norm(np.eye(30) - covariance)


# stopping and going on


class Told(Stage):
    """A stage that remembers what it was told, and is stopped after so many chunks."""

    def __init__(self, stop: int = 10**6) -> None:
        self.said: list[str] = []
        self.left, self.done = stop, 0

    def advance(self, n: int = 1) -> None:
        self.done += n
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        if text not in self.said[-1:]:
            self.said.append(text)

    def resume(self, n: int) -> None:
        self.done += n
        self.said.append(f"resumed at {n}")

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.mark.parametrize("stop", range(CHUNK, SHORT.iterations + 1, CHUNK))
def test_chains_that_were_stopped_anywhere_go_on_to_the_very_same_draws(stop: int) -> None:
    potential = gaussian(*correlated())
    at: list[dict[str, np.ndarray]] = []

    def advanced(chains: Chains) -> None:
        if chains.done == stop:
            at.append({name: each.copy() for name, each in chains.arrays(SHORT).items()})

    whole = sample(potential, 30, SHORT, seed=5, advanced=advanced)
    resumed = sample(potential, 30, SHORT, seed=5, begun=Chains.resumed(at[0], SHORT))
    for name, each in whole.trace.items():
        assert np.array_equal(each[:, : SHORT.draws], resumed.trace[name][:, : SHORT.draws])


MARKS = {"neutral": "a", "sources": "b"}


@pytest.fixture
def _normal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy contest with a posterior that needs no compiling."""

    def potentials(*_: object) -> object:
        return lambda _: lambda z: (0.5 * (z**2).sum(axis=0), z.copy())

    monkeypatch.setattr("outbid.infer.posterior.potentials", potentials)


def fitted(stage: Stage, kept: Unfinished | None = None) -> dict[str, Fit]:
    model = contest.model()
    given = (model, contest.figures(model), contest.known_levers(), list(MARKS))
    return fit(*given, effort=SHORT, seed=1, stage=stage, unfinished=kept)


@pytest.mark.usefixtures("_normal")
def test_a_fit_says_what_it_does_now() -> None:
    told = Told()
    fitted(told)
    assert told.said[0] == "compiling"
    assert set(told.said) == {"compiling", "finding the mode", *PHASES}
    assert told.done == 2 * SHORT.iterations


@pytest.mark.usefixtures("_normal")
@pytest.mark.parametrize("between", [0.0, 1e6])
def test_a_stopped_fit_goes_on_in_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: float
) -> None:
    """Whether its chains are kept once in a while, or when the other prior set's thread has failed."""
    monkeypatch.setattr(unfinished, "BETWEEN", between)
    whole, told = fitted(Told()), Told()
    with OutputFolder(tmp_path) as out:
        kept = Unfinished(out, MARKS, SHORT)
        with pytest.raises(KeyboardInterrupt):
            fitted(Told(stop=5), kept)
        assert kept.shares and set(kept.shares) <= set(MARKS)
        resumed = fitted(told, kept)
        assert not kept.shares and not out.written
    assert next(line for line in told.said if line.startswith("resumed at"))
    assert told.done == 2 * SHORT.iterations
    for name, each in whole.items():
        assert np.array_equal(each.draws.z, resumed[name].draws.z)
        assert np.array_equal(each.draws.energy, resumed[name].draws.energy)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_normal")
def test_ctrl_c_keeps_every_fit_that_is_under_way(tmp_path: Path) -> None:
    class Pressed(Told):
        def advance(self, n: int = 1) -> None:
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)
            if self.left <= 0:  # until the main thread has heard of it
                time.sleep(0.5)

    with OutputFolder(tmp_path) as out:
        kept = Unfinished(out, MARKS, SHORT)
        with pytest.raises(KeyboardInterrupt):
            fitted(Pressed(stop=3), kept)
        assert {name_of(name) for name in kept.shares} == {path.name for path in tmp_path.glob("*.npz")}
        assert set(kept.shares) == set(MARKS)


def test_a_file_that_is_damaged_or_of_other_things_is_not_used(tmp_path: Path) -> None:
    """Cut short anywhere, a bit turned in any of two hundred places, other settings: none, or the very same chains."""
    chains = sample(gaussian(*correlated()), 30, SHORT, seed=5)
    said: list[str] = []
    with OutputFolder(tmp_path) as out:
        kept = Unfinished(out, MARKS, SHORT)
        assert kept.read("neutral", said.append) is None and not said
        kept.keep("neutral", chains, 12.0, now=True)
        place = tmp_path / name_of("neutral")
        held, good = kept.read("neutral", said.append), place.read_bytes()
        assert held is not None and held[1] == 12.0 and not said

        assert Unfinished(out, {"neutral": "c"}, SHORT).read("neutral", said.append) is None
        assert "other data, code or settings" in said.pop()
        damaged = [good[: len(good) * part // 7] for part in range(7)] + [b"PK", b"version https://git-lfs"]
        for at in range(0, len(good), len(good) // 200):
            damaged.append(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        refused = 0
        for data in damaged:
            place.write_bytes(data)
            again = kept.read("neutral", said.append)
            refused += again is None
            assert again is None or np.array_equal(again[0].trace["z"], chains.trace["z"])
        assert refused == len(said) > 100
        place.unlink()
        place.mkdir()
        assert kept.read("neutral", said.append) is None


def test_efforts_are_whole_chunks() -> None:
    for effort in (FULL, QUICK):
        assert all(each % CHUNK == 0 for each in effort.phases)
        assert [effort.phase(done)[0] for done in (0, effort.warmup - 1, effort.warmup)] == [0, 2, 3]
        assert effort.phase(effort.iterations) == (3, effort.draws)
