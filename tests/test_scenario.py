"""Scenario files: what they may say, and what they do to levers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbid.errors import InputError
from outbid.simulate.scenario import Change, Scenario, choose, lever_paths, read_scenarios
from outbid.study import Study, load_study

GOOD = """
[[scenario]]
id = "baseline"
label = "As now"
description = "Nothing changes."
baseline = true

[[scenario]]
id = "opening"
label = "Opening"
description = "Rule opens up."
[[scenario.change]]
lever = "hardness"
shape = "ramp"
by = -0.3
months = 6
"""


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("khorasan")


def read(study: Study, folder: Path, text: str) -> tuple[Scenario, ...]:
    path = folder / "scenarios.toml"
    path.write_text(text, encoding="utf-8")
    return read_scenarios(path, study.model)


def last(study: Study, draws: int = 3) -> np.ndarray:
    levers = np.tile(study.known_levers[-1], (draws, 1))
    levers[:, study.model.lever_names.index("hardness")] = [0.2, 0.6, 0.9][:draws]
    return levers


def test_the_shipped_scenarios_load_with_one_baseline(study: Study) -> None:
    scenarios = read_scenarios(study.folder / "scenarios.toml", study.model)
    assert [item.id for item in scenarios if item.baseline] == ["baseline"]
    assert {item.id for item in scenarios} >= {"moderation", "moderation_with_aid", "hardening"}


def test_a_ramp_goes_evenly_from_where_each_draw_stands_and_stops_at_the_range(
    study: Study, tmp_path: Path
) -> None:
    opening = read(study, tmp_path, GOOD)[1]
    column = study.model.lever_names.index("hardness")
    path = lever_paths(study.model, opening, last(study), 8)[:, :, column]
    assert path[1] == pytest.approx([0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.3, 0.3])
    assert path[0, -1] == 0.0  # 0.2 - 0.3 stops at the edge


def test_other_levers_stay_as_they_are(study: Study, tmp_path: Path) -> None:
    opening = read(study, tmp_path, GOOD)[1]
    now = last(study)
    path = lever_paths(study.model, opening, now, 5)
    others = [i for i, name in enumerate(study.model.lever_names) if name != "hardness"]
    assert (path[:, :, others] == now[:, None, others]).all()


def test_step_and_pulse_by_hand(study: Study) -> None:
    column = study.model.lever_names.index("counterforce")
    now = last(study, 1)
    today = now[0, column]
    step = Scenario("a", "a", "a", changes=(Change("counterforce", "step", 0.9, None, start=3),))
    assert lever_paths(study.model, step, now, 4)[0, :, column] == pytest.approx([today, today, 0.9, 0.9])
    pulse = Scenario("a", "a", "a", changes=(Change("counterforce", "pulse", 0.9, None, start=2, months=2),))
    assert lever_paths(study.model, pulse, now, 4)[0, :, column] == pytest.approx([today, 0.9, 0.9, today])


@given(
    by=st.floats(-1, 1).filter(lambda x: abs(x) > 1e-6),
    start=st.integers(1, 40),
    months=st.integers(1, 40),
    shape=st.sampled_from(["step", "ramp", "pulse"]),
)
def test_no_change_pushes_a_lever_out_of_its_range(
    study: Study, by: float, start: int, months: int, shape: str
) -> None:
    change = Change("repression", shape, None, by, start, months)
    path = lever_paths(study.model, Scenario("a", "a", "a", changes=(change,)), last(study), 36)
    column = study.model.lever_names.index("repression")
    assert path[:, :, column].min() >= 0.0
    assert path[:, :, column].max() <= 1.0


def test_choosing_keeps_the_baseline(study: Study) -> None:
    scenarios = read_scenarios(study.folder / "scenarios.toml", study.model)
    assert [item.id for item in choose(scenarios, ["hardening"])] == ["baseline", "hardening"]
    with pytest.raises(InputError, match="Did you mean 'hardening'"):
        choose(scenarios, ["hardenning"])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('lever = "hardness"', 'lever = "hardnes"', "Did you mean 'hardness'"),
        ('shape = "ramp"', 'shape = "rampp"', "Did you mean 'ramp'"),
        ("by = -0.3", "to = 1.5", "outside the lever's range"),
        ("by = -0.3", "by = -0.3\nto = 0.2", "exactly one of"),
        ("by = -0.3", "", "exactly one of"),
        ("by = -0.3", "by = 0.0", "a difference of 0"),
        ("by = -0.3", "by = nan", "not a number"),
        ("by = -0.3", 'by = "less"', "not a number"),
        ("months = 6", "months = 0", "whole number of at least 1"),
        ("months = 6", "start = 1.5", "whole number of at least 1"),
        ("months = 6", "monhts = 6", "Did you mean 'months'"),
        ('id = "opening"', 'id = "baseline"', "taken twice"),
        ('id = "opening"', 'id = "no good"', "no plain id"),
        ("baseline = true", "baseline = false", "exactly one baseline"),
        ("baseline = true", 'baseline = "yes"', "not true or false"),
        ('label = "Opening"', 'label = ""', "missing or empty"),
        ('label = "Opening"', 'label = "Opening"\ncolour = "red"', "unknown key"),
        ('label = "Opening"', 'label = "Opening', "scenarios.toml"),
    ],
)
def test_bad_scenario_files_are_refused_with_one_clear_line(
    study: Study, tmp_path: Path, old: str, new: str, told: str
) -> None:
    with pytest.raises(InputError, match=told) as caught:
        read(study, tmp_path, GOOD.replace(old, new))
    assert "scenarios.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
