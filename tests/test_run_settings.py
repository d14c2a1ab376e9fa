"""How a run is set: numbers that a sampler can't take are refused in one line, and what is asked for is what is done."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import outbid
from outbid.cli import main
from outbid.errors import InputError
from outbid.infer.posterior import FULL, QUICK
from outbid.run import StudyRun
from outbid.run_settings import RunOptions, Settings, begin, begin_game, command_line
from outbid.study import Study, load_study
from toy import write_toy


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"draws": 110}, "--draws: 110 is no multiple of 25. Give 100, for example"),
        ({"draws": 0}, "--draws: 0 is no whole number from 25"),
        ({"draws": 100.0}, "--draws: 100.0 is no whole number"),
        ({"draws": True}, "--draws: True is no whole number"),
        ({"warmup": 50}, "--warmup: 50 is no whole number from 75"),
        ({"warmup": 80}, "--warmup: 80 is no multiple of 25. Give 75, for example"),
        ({"chains": 1}, "--chains: 1 is no whole number from 2"),
        ({"chains": "4"}, "--chains: '4' is no whole number"),
        ({"target_accept": 1.0}, "--target-accept: 1.0 is not between 0.5 and 1. Give 0.98"),
        ({"target_accept": float("nan")}, "--target-accept: nan"),
        ({"target_accept": "high"}, "--target-accept: 'high'"),
    ],
)
def test_numbers_that_no_sampler_takes_are_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Settings(**changes)


@pytest.mark.parametrize("seed", ["7", -1, 2**32, 1.0, None])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(InputError, match="--seed"):
        begin(seed=seed)


@pytest.mark.parametrize("prior", [None, "neutrel", 3])
def test_an_unknown_prior_set_is_refused(prior: Any) -> None:
    with pytest.raises(InputError, match="no such prior set"):
        begin(prior=prior)


@pytest.mark.parametrize("months", [-3, 0, 6.0, True, "6", 601, float("nan")])
def test_months_ahead_are_a_whole_number(khorasan: Study, months: Any) -> None:
    with pytest.raises(InputError, match=r"--months: .* is no whole number from 1 to 600"):
        StudyRun(khorasan, Settings(quick=True), months=months)


LATE = """
[[scenario]]
id = "late"
label = "Late"
description = "Pressure ends."
[[scenario.{part}]]
lever = "pressure"
to = 0.0
start = 10
{more}
"""


@pytest.mark.parametrize(("part", "more"), [("change", ""), ("rule", 'watch = "rivals"\nabove = 1.0')])
def test_a_scenario_that_begins_later_than_one_looks_is_refused_at_once(
    tmp_path: Path, part: str, more: str
) -> None:
    """Tried: a change and a rule that begin later, named or among all, in the last month; not among those named."""
    folder = write_toy(tmp_path / "toy")
    with (folder / "scenarios.toml").open("a", encoding="utf-8") as file:
        file.write(LATE.format(part=part, more=more))
    study = load_study(folder)
    for scenarios in (["late"], []):
        with pytest.raises(
            InputError, match=r"scenario 'late', pressure: starts in month 10, after .* of 9 months"
        ):
            StudyRun(study, Settings(quick=True), months=9, scenarios=scenarios)
    assert StudyRun(study, Settings(quick=True), months=10).simulator.months == 10
    assert StudyRun(study, Settings(quick=True), months=1, scenarios=["ease"])


@pytest.mark.parametrize("quick", ["no", 1, None])
def test_quick_is_yes_or_no(quick: Any) -> None:
    with pytest.raises(InputError, match="--quick"):
        begin(quick=quick)


def test_what_was_not_asked_for_stays_as_it_was() -> None:
    assert Settings().effort == FULL
    assert Settings(quick=True).effort == QUICK
    changed = Settings(draws=2000, chains=6, target_accept=0.98).effort
    assert (changed.draws, changed.chains, changed.target_acceptance) == (2000, 6, 0.98)
    assert changed.warmup == FULL.warmup


@given(
    st.builds(
        Settings,
        st.just("both"),
        st.booleans(),
        st.just(1),
        st.none() | st.integers(1, 100).map(lambda n: 25 * n),
        st.none() | st.integers(3, 100).map(lambda n: 25 * n),
        st.none() | st.integers(2, 64),
        st.none() | st.floats(0.5, 0.999),
    )
)
def test_whatever_can_be_asked_for_is_done_and_is_in_the_command(settings: Settings) -> None:
    effort, usual = settings.effort, QUICK if settings.quick else FULL
    assert effort.draws == (settings.draws or usual.draws)
    assert effort.warmup == (settings.warmup or usual.warmup)
    words = command_line("khorasan", Path("studies/khorasan"), settings, "out").split()
    for option, value in (("--draws", settings.draws), ("--target-accept", settings.target_accept)):
        assert (option in words) is (value is not None)
        assert value is None or float(words[words.index(option) + 1]) == value


def test_how_to_sample_is_part_of_what_a_fit_is_known_by(khorasan: Study) -> None:
    from outbid.run import fingerprint

    asked = (
        Settings(),
        Settings(quick=True),
        Settings(seed=1),
        *(Settings(**{name: value}) for name, value in CHANGES.items()),
    )
    assert len({fingerprint(khorasan, settings, "neutral") for settings in asked}) == len(asked)


CHANGES: dict[str, Any] = {"draws": 1000, "warmup": 550, "chains": 6, "target_accept": 0.98}


@pytest.mark.parametrize("name", CHANGES)
def test_a_game_takes_no_draws(name: str) -> None:
    assert begin_game(seed=1).seed == 1
    with pytest.raises(InputError, match="maximum likelihood, not sampled"):
        begin_game(**{name: CHANGES[name]})


@pytest.mark.parametrize("verb", ["fit", "run"])
def test_the_verbs_take_the_options_on_both_sides(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    study = outbid.load("khorasan")
    assert set(RunOptions.__annotations__) == set(inspect.signature(Settings).parameters)
    assert set(CHANGES) <= set(inspect.signature(getattr(study, verb)).parameters)
    assert main([verb, "khorasan", "--draws", "30"]) == 2
    assert "--draws: 30 is no multiple of 25" in capsys.readouterr().err
    assert main([verb, "tugofwar", "--chains", "4"]) == 2
    assert "not sampled" in capsys.readouterr().err
