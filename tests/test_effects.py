"""Playing scenarios: summaries by hand, common random numbers, and the dilemma on the Khorasan model."""

from __future__ import annotations

import numpy as np
import pytest

from outbid.model.compile import initial_state
from outbid.model.priors import from_standard_normal, prior_table
from outbid.model.vocabulary import Outcome
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.futures import directions, levels, play, summary
from outbid.simulate.scenario import Scenario
from outbid.stats.effects import p_better
from outbid.study import Study, load_study

MONTHS = 36


def outcome(name: str, better: str, how: str) -> Outcome:
    return Outcome(name, lambda: None, "", "", name, "units", better, how)


def test_summaries_by_hand() -> None:
    path = np.arange(24.0)[None, :]
    assert summary("sum", path)[0] == 276.0
    assert summary("end", path)[0] == 23.0
    assert summary("mean_last_year", path)[0] == 17.5


@pytest.fixture(scope="module")
def khorasan() -> tuple[Study, Simulator, StateToday]:
    study = load_study("khorasan")
    draws = 200
    z = np.random.default_rng(1).standard_normal((draws, len(study.model.parameters)))
    values = np.asarray(from_standard_normal(z, prior_table(study.model.parameters, "sources")))
    p = {name: values[:, i] for i, name in enumerate(study.model.parameter_names)}
    state = {name: np.broadcast_to(each, (draws,)) for name, each in initial_state(study.model, p).items()}
    levers = np.tile(study.known_levers[-1], (draws, 1))
    levers[:, study.model.lever_names.index("hardness")] = 0.8
    return study, Simulator(study.model, MONTHS), StateToday(values, state, levers)


def test_under_the_sources_priors_the_dilemma_holds(khorasan: tuple[Study, Simulator, StateToday]) -> None:
    study, simulator, standing = khorasan
    level = levels(play(study.model, simulator, standing, study.scenarios, 3))
    difference = level - level.sel(scenario="baseline")
    better = p_better(difference, directions(study.model.outcomes))
    assert better.sel(scenario="moderation", outcome="defections") < 0.05  # M14
    assert better.sel(scenario="moderation", outcome="aid") > 0.9  # M17
    assert better.sel(scenario="hardening", outcome="defections") > 0.95  # M27
    challengers = difference.sel(outcome="challengers").median("draw")
    assert challengers.sel(scenario="targeted_repression") < challengers.sel(
        scenario="broad_repression"
    )  # M24


def test_same_seed_same_numbers_and_an_idle_scenario_changes_nothing(
    khorasan: tuple[Study, Simulator, StateToday],
) -> None:
    study, simulator, standing = khorasan
    idle = (
        Scenario(id="base", label="As now", description="x", baseline=True),
        Scenario(id="idle", label="x", description="x"),
    )
    one = play(study.model, simulator, standing, idle, 3)
    two = play(study.model, simulator, standing, idle, 3)
    assert (one.paths["base"] == two.paths["base"]).all()
    assert (one.paths["base"] == one.paths["idle"]).all()
    other = play(study.model, simulator, standing, idle, 4)
    assert not np.allclose(one.paths["base"], other.paths["base"])


def test_common_random_numbers_cut_the_noise_of_a_difference(
    khorasan: tuple[Study, Simulator, StateToday],
) -> None:
    study, simulator, standing = khorasan
    common = play(study.model, simulator, standing, study.scenarios, 3)
    independent = play(study.model, simulator, standing, study.scenarios, 4)
    i = [item.name for item in study.model.outcomes].index("aid")
    base = common.levels("baseline")[:, i]
    shared = np.var(common.levels("hardening")[:, i] - base)
    apart = np.var(independent.levels("hardening")[:, i] - base)
    assert shared < apart / 4


def test_futures_are_finite_and_outcomes_stay_in_their_ranges(
    khorasan: tuple[Study, Simulator, StateToday],
) -> None:
    study, simulator, standing = khorasan
    for paths in play(study.model, simulator, standing, study.scenarios, 3).paths.values():
        assert np.isfinite(paths).all()
        cohesion = paths[:, :, [item.name for item in study.model.outcomes].index("cohesion")]
        assert 0 <= cohesion.min() <= cohesion.max() <= 100
