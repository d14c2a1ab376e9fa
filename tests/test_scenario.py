"""Scenario files: what they may say, and what they do to levers; rules and goals."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import contest
from outbid.errors import InputError
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.scenario import (
    MOST,
    Change,
    Goal,
    Rule,
    Scenario,
    choose,
    in_order,
    lever_paths,
    rule_table,
    ruled,
)
from outbid.study import Study, load_study
from toy_study import read_goals, read_scenarios

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
    assert [item.id for item in study.scenarios if item.baseline] == ["baseline"]
    assert {item.id for item in study.scenarios} >= {"moderation", "moderation_with_aid", "hardening"}


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
    step = Scenario(
        id="a",
        label="a",
        description="a",
        changes=(Change(lever="counterforce", shape="step", to=0.9, start=3),),
    )
    assert lever_paths(study.model, step, now, 4)[0, :, column] == pytest.approx([today, today, 0.9, 0.9])
    pulse = Scenario(
        id="a",
        label="a",
        description="a",
        changes=(Change(lever="counterforce", shape="pulse", to=0.9, start=2, months=2),),
    )
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
    change = Change.model_validate(
        {"lever": "repression", "shape": shape, "by": by, "start": start, "months": months}
    )
    path = lever_paths(
        study.model, Scenario(id="a", label="a", description="a", changes=(change,)), last(study), 36
    )
    column = study.model.lever_names.index("repression")
    assert path[:, :, column].min() >= 0.0
    assert path[:, :, column].max() <= 1.0


def test_choosing_keeps_the_baseline(study: Study) -> None:
    scenarios = study.scenarios
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
        ('id = "opening"', 'id = "no good"', "is no plain name"),
        ("baseline = true", "baseline = false", "exactly one baseline"),
        ("baseline = true", 'baseline = "yes"', "not true or false"),
        ('label = "Opening"', 'label = ""', "missing or not a text"),
        ('label = "Opening"', 'label = "As now"', "opening, label: has the label of baseline"),
        ('label = "Opening"', 'label = " as  NOW "', "opening, label: has the label of baseline"),
        (
            "[[scenario.change]]",
            "[[change]]",
            r"Write it as \[\[scenario.change\]\], below the \[\[scenario\]\]",
        ),
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


RULED = """
[[scenario]]
id = "baseline"
label = "As now"
description = "Nothing changes."
baseline = true

[[scenario]]
id = "stop"
label = "Stop"
description = "Aid stops while rule is hard."
[[scenario.change]]
lever = "aid_offer"
to = 0.8
[[scenario.rule]]
lever = "aid_offer"
watch = "hardness"
above = 0.7
to = 0.2
start = 3
[[scenario.rule]]
lever = "repression"
watch = "aid_offer"
below = 0.3
to = 0.9
"""

GOALS = """
[[goal]]
id = "weaker"
label = "Weaker"
description = "As today."
outcome = "challengers"
at_most = 2300

[[goal]]
id = "aided"
label = "Aided"
description = "A range."
outcome = "aid"
at_least = 1.0
at_most = 4.0
"""


def test_rules_are_read_as_they_are_written(study: Study, tmp_path: Path) -> None:
    stop = read(study, tmp_path, RULED)[1]
    assert stop.rules == (
        Rule(lever="aid_offer", watch="hardness", to=0.2, above=0.7, start=3),
        Rule(lever="repression", watch="aid_offer", to=0.9, below=0.3),
    )
    assert stop.moves == {"aid_offer", "repression"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('lever = "aid_offer"\nwatch', 'lever = "aid_ofer"\nwatch', "Did you mean 'aid_offer'"),
        ('watch = "hardness"', 'watch = "hardnes"', "Did you mean 'hardness'"),
        ('watch = "hardness"', 'watch = "attacks_home"', "no stock, index or lever"),
        ("to = 0.2", "to = 7.0", "outside the lever's range"),
        ("to = 0.2", "", "not a number"),
        ("to = 0.2", "to = nan", "not a number"),
        ("above = 0.7", "above = inf", "not a number"),
        ("above = 0.7", "above = true", "not a number"),
        ("above = 0.7", "above = 1.5", "never or always above 1.5"),
        ("above = 0.7", "above = 1.0", "never or always above 1"),
        ("above = 0.7", "above = -0.1", "never or always above -0.1"),
        ("below = 0.3", "below = 0.01", "never or always below 0.01"),
        ('watch = "hardness"\nabove = 0.7', 'watch = "challengers"\nbelow = 0', "persons, from 0"),
        ('watch = "hardness"\nabove = 0.7', 'watch = "security"\nabove = 1.2', "never or always above"),
        ("above = 0.7", "", "exactly one of `above` and `below`"),
        ("above = 0.7", "above = 0.7\nbelow = 0.2", "exactly one of `above` and `below`"),
        ("above = 0.7", "abov = 0.7", "Did you mean 'above'"),
        ("start = 3", "start = 0", "whole number of at least 1"),
        ("start = 3", "start = 37", "starts in month 37, after the horizon of 36 months"),
        ('watch = "hardness"', 'watch = "repression"', "in a circle"),
        ('watch = "hardness"', 'watch = "aid_offer"', "in a circle: aid_offer → aid_offer"),
    ],
)
def test_bad_rules_are_refused_with_one_clear_line(
    study: Study, tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in RULED
    path = tmp_path / "mine.toml"
    path.write_text(RULED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        read_scenarios(path, study.model, months=36)
    assert str(caught.value).startswith("mine.toml, stop")
    assert "\n" not in str(caught.value)


def test_a_scenario_has_only_so_many_rules(study: Study, tmp_path: Path) -> None:
    one = RULED[RULED.index("[[scenario.rule]]") : RULED.rindex("[[scenario.rule]]")]
    with pytest.raises(InputError, match=f"{MOST + 1} in one scenario.*at most {MOST}"):
        read(study, tmp_path, RULED + one * (MOST - 1))


def test_a_difference_may_not_take_a_known_lever_out_of_its_range(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    known = GOOD.replace('lever = "hardness"', 'lever = "repression"').replace("by = -0.3", "by = 0.8")
    path.write_text(known, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.toml, opening, repression: from today's 0\.3") as caught:
        read_scenarios(path, study.model, study.levers_today)
    assert "-0.3 to +0.7" in str(caught.value)
    # without a today there is nothing to hold it against, and an inferred lever stops at the edge
    assert read_scenarios(path, study.model)
    path.write_text(GOOD.replace("by = -0.3", "by = 0.9"), encoding="utf-8")
    assert "hardness" not in study.levers_today
    assert read_scenarios(path, study.model, study.levers_today)


@pytest.mark.parametrize("by", ["0.7", "-0.3"])
def test_a_difference_may_reach_the_edge(study: Study, tmp_path: Path, by: str) -> None:
    path = tmp_path / "mine.toml"
    text = GOOD.replace('lever = "hardness"', 'lever = "repression"').replace("by = -0.3", f"by = {by}")
    path.write_text(text, encoding="utf-8")
    change = read_scenarios(path, study.model, study.levers_today)[1].changes[0]
    paths = lever_paths(
        study.model, Scenario(id="a", label="a", description="a", changes=(change,)), last(study), 6
    )
    assert paths[:, -1, study.model.lever_names.index("repression")] == pytest.approx(0.3 + float(by))


def test_goals_are_read_beside_the_scenarios(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + GOALS, encoding="utf-8")
    weaker, aided = read_goals(path, study.model)
    assert weaker == Goal(
        id="weaker", label="Weaker", description="As today.", outcome="challengers", at_most=2300.0
    )
    assert aided.reached(np.array([0.9, 1.0, 4.0, 4.1, np.nan])).tolist() == [False, True, True, False, False]
    assert len(read_scenarios(path, study.model)) == 2
    path.write_text(GOOD, encoding="utf-8")
    assert read_goals(path, study.model) == ()
    assert {goal.outcome for goal in read_goals(study.folder / "scenarios.toml", study.model)} >= {
        "challengers",
        "attacks",
        "aid",
        "cohesion",
    }


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('outcome = "aid"', 'outcome = "aidd"', "Did you mean 'aid'"),
        ("at_least = 1.0\nat_most = 4.0", "", "has no bound"),
        ("at_least = 1.0", "at_least = 5.0", "nothing can reach it"),
        ("at_least = 1.0", "at_least = nan", "not a number"),
        ('id = "aided"', 'id = "weaker"', "taken twice"),
        ('id = "aided"', 'id = "more aid"', "no plain name"),
        ('label = "Aided"', "", "missing or not a text"),
        ('label = "Aided"', 'label = "Weaker"', "aided, label: has the label of weaker"),
        ('id = "aided"', 'id = "all"', "is the id of all goals together"),
        ("at_least = 1.0", "at_leest = 1.0", "Did you mean 'at_least'"),
        ("[[goal]]\nid", "[[gaol]]\nid", "Did you mean 'goal'"),
    ],
)
def test_bad_goals_are_refused_with_one_clear_line(
    study: Study, tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + GOALS.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        read_goals(path, study.model)
    assert str(caught.value).startswith("mine.toml")
    assert "\n" not in str(caught.value)


TOY = contest.model()


def after_rules(rules: tuple[Rule, ...], levers: list[float], month: int = 1) -> list[float]:
    """The toy's levers (hardness, counterforce) after rules, with 2,000 challengers."""
    state = {item.name: jnp.asarray(2000.0) for item in TOY.stocks}
    state |= {item.name: jnp.asarray(0.5) for item in TOY.indices}
    table = rule_table(TOY, rules)
    return np.asarray(ruled(TOY, table, state, jnp.asarray(levers), jnp.asarray(month))).tolist()


def test_rules_by_hand() -> None:
    strong = Rule(lever="counterforce", watch="challengers", to=0.9, above=1500.0, start=3)
    assert after_rules((strong,), [0.5, 0.2], month=2) == [0.5, 0.2]
    assert after_rules((strong,), [0.5, 0.2], month=3) == [0.5, 0.9]
    assert after_rules(
        (Rule(lever="counterforce", watch="challengers", to=0.9, above=2000.0),), [0.5, 0.2]
    ) == [0.5, 0.2]
    assert after_rules((Rule(lever="hardness", watch="standing", to=1.0, below=0.6),), [0.5, 0.2]) == [
        1.0,
        0.2,
    ]
    # a rule sees what the one before it did to a lever, in whichever order they are written
    chain = (
        Rule(lever="hardness", watch="counterforce", to=2.0, above=0.8),
        Rule(lever="counterforce", watch="challengers", to=0.9, above=1500.0),
    )
    assert after_rules(chain, [0.5, 0.2]) == after_rules(chain[::-1], [0.5, 0.2]) == [2.0, 0.9]
    # of two that hold on one lever, the last one written counts
    twice = (
        Rule(lever="hardness", watch="challengers", to=1.0, above=1.0),
        Rule(lever="hardness", watch="standing", to=2.0, above=0.0),
    )
    assert after_rules(twice, [0.5, 0.2])[0] == 2.0
    assert after_rules(twice[::-1], [0.5, 0.2])[0] == 1.0


@given(st.permutations(range(4)))
def test_rules_come_after_those_that_move_what_they_watch(order: list[int]) -> None:
    chain = [Rule(lever=f"l{i + 1}", watch=f"l{i}", to=0.0, above=0.0) for i in range(4)]
    assert [rule.lever for rule in in_order([chain[i] for i in order])] == ["l1", "l2", "l3", "l4"]


def test_a_rule_holds_in_exactly_the_months_in_which_its_condition_does() -> None:
    simulator, draws = Simulator(TOY, 24), 8
    values = np.tile([0.003, 0.3, 0.0, 0.15, 3.0, 4.0, 6.0, 3.0, 0.3, 0.3, 2000.0, 0.25, 4.0], (draws, 1))
    state = {item.name: np.full(draws, 10_000.0) for item in TOY.stocks}
    state |= {"challengers": np.linspace(1500.0, 3000.0, draws)}
    state |= {item.name: np.zeros(draws) for item in TOY.indices}
    standing = StateToday(values, state, np.zeros((draws, 2)))
    levers = np.zeros((draws, 24, 2))
    rules = rule_table(TOY, (Rule(lever="counterforce", watch="challengers", to=1.0, above=2000.0),))
    path = simulator.run(standing, levers, simulator.innovations(draws, 1), rules)
    members, pressure = (
        path[:, :, simulator.columns([name])[0]] for name in ("challengers", "lever.counterforce")
    )
    assert np.array_equal(pressure, (members > 2000.0).astype(float))
    assert 0 < pressure.mean() < 1
    idle = simulator.run(standing, levers, simulator.innovations(draws, 1))
    assert (idle[:, :, simulator.columns(["lever.counterforce"])[0]] == 0).all()
