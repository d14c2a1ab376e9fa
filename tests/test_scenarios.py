"""Comparing scenarios by several criteria: by hand, by law, from a file outside the package, and in words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import contest
import toy_study
from outbid.errors import InputError
from outbid.model.vocabulary import Outcome
from outbid.output import csv_text
from outbid.progress import Silent
from outbid.question import Context
from outbid.questions import chosen
from outbid.questions.scenarios import QUESTION, present
from outbid.questions.scenarios.compute import compared
from outbid.questions.scenarios.present import in_words, played
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.futures import (
    DISTANCES,
    DOMAIN,
    TOGETHER,
    Futures,
    criteria,
    directions,
    levels,
    picks,
    play,
    reached,
)
from outbid.simulate.scenario import Goal, Rule, Scenario, names_of
from outbid.stats.effects import EFFECT_COLUMNS

TOY = contest.model()
DRAWS, MONTHS = 6, 4


def outcome(name: str, better: str, unit: str = "persons") -> Outcome:
    return Outcome(name, lambda: None, "", "", name.capitalize(), unit, better, "end")


def futures(levels: dict[str, Any], *outcomes: Outcome) -> Futures:
    """Scenarios with these levels, each of shape (draws,) or (draws, outcomes); the first is the baseline."""
    scenarios = tuple(
        Scenario(id=name, label=name.capitalize(), description=f"What {name} is.", baseline=i == 0)
        for i, name in enumerate(levels)
    )
    paths = {
        name: np.asarray(each, dtype=float).reshape(-1, 1, len(outcomes)) for name, each in levels.items()
    }
    return Futures(outcomes, scenarios, paths)


ON_AVERAGE, MINIMAX_REGRET, MAXIMIN, WORST_TAIL = "on_average", "minimax_regret", "maximin", "worst_tail"


def judged(of: Futures) -> xr.Dataset:
    """The criteria of a single outcome, by scenario."""
    return criteria(levels(of), directions(of.outcomes)).isel(outcome=0)


def picked(of: Futures, goals: tuple[Goal, ...] = ()) -> dict[str, str]:
    table = picks(levels(of), directions(of.outcomes), goals)
    return dict(zip(table["criterion"], table["picks"], strict=True))


def test_differences_probabilities_and_regret_by_hand() -> None:
    given_futures = futures({"base": [10, 10, 10, 10], "other": [8, 9, 10, 12]}, outcome("loss", "lower"))
    by = judged(given_futures)
    other, base = by.sel(scenario="other"), by.sel(scenario="base")
    assert other.regret == pytest.approx(2 / 4)  # worse than the baseline by 2 in one of four draws
    assert base.regret == pytest.approx((2 + 1) / 4)
    assert (float(other.largest_regret), float(base.largest_regret)) == (2.0, 2.0)
    assert (float(other.worst), float(base.worst)) == (12.0, 10.0)
    assert other.p_best == pytest.approx((1 + 1 + 0.5) / 4)
    table = shown(given_futures).set_index(["scenario", "prior"])
    row = table.loc[("other", "neutral")]
    assert row.p_better == pytest.approx((2 + 0.5) / 4) and row["median"] == pytest.approx(-0.5)
    base_row = table.loc[("base", "neutral")]
    assert (base_row.q05, base_row["median"], base_row.p_better) == (0.0, 0.0, 0.5)


def shown(of: Futures) -> pd.DataFrame:
    """The table of effects, with the same before the data as after them."""
    made = compared({"neutral": (of, of)}, (), ["2023-09"])
    return QUESTION.tables(made, SimpleNamespace(model=SimpleNamespace(outcomes=of.outcomes)))["scenarios"]


def test_criteria_may_each_pick_another_scenario() -> None:
    # a decision table as in textbooks: acts in rows, states of the world in columns, higher is better
    table = {"safe": [4, 4, 4], "bold": [0, 6, 20], "even": [2, 9, 12], "poor": [3, 3, 3]}
    result = futures(table, outcome("gain", "higher"))
    assert picked(result) == {
        ON_AVERAGE: "bold",  # means 4, 8.67, 7.67, 3
        MINIMAX_REGRET: "bold",  # largest regrets: 16, 4, 8, 17
        MAXIMIN: "safe",
        WORST_TAIL: "safe",
    }
    by = judged(result)
    assert by.largest_regret.values.tolist() == [16.0, 4.0, 8.0, 17.0]
    assert by.regret.sel(scenario="even") == pytest.approx((2 + 0 + 8) / 3)


def test_the_tail_mean_is_over_one_draw_in_twenty() -> None:
    given_levels = {"base": np.arange(100.0), "other": np.full(100, 3.0)}
    base = judged(futures(given_levels, outcome("gain", "higher"))).sel(scenario="base")
    assert base.worst == 0.0 and base.worst_tail == pytest.approx(2.0)
    lower = judged(futures(given_levels, outcome("loss", "lower"))).sel(scenario="base")
    assert lower.worst_tail == pytest.approx(97.0)


def test_goals_one_by_one_and_together() -> None:
    given_levels = {"base": [[1, 5], [2, 5], [3, 1], [4, 1]], "other": [[1, 1], [1, 5], [4, 5], [4, 5]]}
    goals = (
        Goal(id="few", label="Few", description="x", outcome="loss", at_most=2.0),
        Goal(id="much", label="Much", description="x", outcome="gain", at_least=5.0),
    )
    result = futures(given_levels, outcome("loss", "lower"), outcome("gain", "higher"))
    met = reached(levels(result), goals).transpose("scenario", "goal")
    assert list(met["goal"].values) == ["few", "much", TOGETHER]
    assert met.values.tolist() == [[0.5, 0.5, 0.5], [0.5, 0.75, 0.25]]
    assert picked(result, goals)[DOMAIN] == "base"
    assert DOMAIN not in picked(result) and reached(levels(result), ()).sizes["goal"] == 0


def test_ties_are_picked_together() -> None:
    result = futures({"base": [1, 2], "same": [1, 2], "worse": [2, 3]}, outcome("loss", "lower"))
    assert picked(result)[ON_AVERAGE] == "base same"
    assert judged(result).p_best.values.tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_what_is_not_known_is_not_picked(unknown: float) -> None:
    found = picked(futures({"base": [1, 2], "broken": [1, unknown]}, outcome("loss", "lower")))
    assert found[MAXIMIN] == "base"
    assert found[ON_AVERAGE] in ("base", "")


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_in_a_draw_is_said_and_has_no_chance(unknown: float) -> None:
    """Tried: one draw of many and all of them, not a number and infinite, of a scenario and of the baseline."""
    given_levels = {"base": [1.0] * 40, "broken": [1.0] * 39 + [unknown], "other": [2.0] * 40}
    goals = (Goal(id="few", label="Few", description="x", outcome="loss", at_most=2.0),)
    of = futures(given_levels, outcome("loss", "lower"))
    made = compared({"neutral": (of, of)}, goals, ["2023-09"])
    about = SimpleNamespace(model=SimpleNamespace(outcomes=of.outcomes), outcome_labels={"loss": "Losses"})
    (said,) = QUESTION.problems(made, about)
    assert said == (
        "Without taking sides, Losses is no number in 1 of 40 draws of “Broken”; no chances are told of it."
    )
    tables = {
        name: each.set_index("scenario")
        for name, each in QUESTION.tables(made, about).items()
        if "scenario" in each
    }
    table = tables["scenarios"]
    assert table.loc["broken", ["median", "p_better", "level_median"]].isna().all()
    assert (table.reading["broken"], bool(table.assumed["broken"])) == ("unknown", False)
    assert table.p_better["other"] == 0.0 and ",nan," not in csv_text(table)
    assert tables["goals"].p["broken"].isna().all() and (tables["goals"].p["other"] == 1.0).all()
    assert tables["comparison"].p_best.isna().all()
    of = futures({**given_levels, "base": [unknown] * 40}, outcome("loss", "lower"))
    (said,) = QUESTION.problems(compared({"neutral": (of, of)}, (), ["2023-09"]), about)
    assert "40 of 40 draws of “Base”, 1 of 40 draws of “Broken”" in said


values = arrays(float, (3, 12), elements=st.floats(-1e3, 1e3, width=32))


@given(values, st.sampled_from(["higher", "lower"]))
@settings(deadline=None)
def test_laws_of_the_criteria(given_levels: np.ndarray, better: str) -> None:
    sign = 1.0 if better == "higher" else -1.0
    result = futures(dict(zip("abc", given_levels, strict=True)), outcome("it", better))
    by, chosen = judged(result), picked(result)
    assert bool((by.regret >= 0).all()) and bool((by.regret <= by.largest_regret + 1e-9).all())
    assert bool((sign * by.worst <= sign * by.worst_tail + 1e-9).all())
    assert np.all(sign * by.worst_tail.values <= sign * given_levels.mean(axis=1) + 1e-6)
    assert by.p_best.sum() == pytest.approx(1.0)
    # least expected regret is best expected level
    means = dict(zip("abc", sign * given_levels.mean(axis=1), strict=True))
    assert all(means[name] >= max(means.values()) - 1e-6 for name in chosen[ON_AVERAGE].split())
    worst = sign * by.worst
    assert all(worst.sel(scenario=name) >= worst.max() - 1e-6 for name in chosen[MAXIMIN].split())
    assert set(chosen) >= set(DISTANCES)


@given(values, st.floats(-100, 100), st.floats(0, 50))
@settings(deadline=None)
def test_a_wider_goal_is_met_at_least_as_often(given_levels: np.ndarray, low: float, wider: float) -> None:
    level = levels(futures(dict(zip("abc", given_levels, strict=True)), outcome("it", "higher")))
    narrow, wide = (
        reached(level, [Goal(id="g", label="g", description="g", outcome="it", at_least=bound)])
        for bound in (low, low - wider)
    )
    assert bool((narrow <= wide).all())


# a file outside the package, on the toy


FILE = """
[[scenario]]
id = "as_now"
label = "As now"
description = "Nothing changes."
baseline = true

[[scenario]]
id = "press"
label = "Press"
description = "Pressure rises."
[[scenario.change]]
lever = "counterforce"
to = 1.0

[[scenario]]
id = "press_if_strong"
label = "Press while strong"
description = "Pressure rises with the threat."
[[scenario.rule]]
lever = "counterforce"
watch = "challengers"
above = 2000.0
to = 1.0
"""
OWN_GOAL = '[[goal]]\nid = "few"\nlabel = "Few"\ndescription = "Mine."\noutcome = "members"\nat_most = 1e9\n'


def standing(seed: int) -> StateToday:
    generator = np.random.default_rng(seed)
    at = np.array([0.003, 0.3, 0.0, 0.15, 3.0, 4.0, 6.0, 3.0, 0.3, 0.3, 2000.0, 0.25, 4.0])
    state = {item.name: np.full(DRAWS, 10_000.0) for item in TOY.stocks}
    state |= {"challengers": generator.uniform(1500.0, 3000.0, DRAWS)}
    state |= {item.name: np.zeros(DRAWS) for item in TOY.indices}
    return StateToday(np.tile(at, (DRAWS, 1)), state, np.tile([0.5, 0.2], (DRAWS, 1)))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("toy")
    path = folder / "scenarios.toml"
    own = OWN_GOAL.replace("1e9", "2000.0").replace("few", "fewer")
    path.write_text(FILE + own, encoding="utf-8")
    study = toy_study.toy_study(
        folder,
        TOY,
        scenarios=toy_study.read_scenarios(path, TOY),
        goals=toy_study.read_goals(path, TOY),
    )
    study.names = names_of(TOY, {"counterforce": 0.2}, MONTHS)
    simulator = Simulator(TOY, MONTHS)
    quiet = (
        Scenario(id="as_now", label="As now", description="x", baseline=True),
        Scenario(id="idle", label="Idle", description="x"),
    )
    known: Any = {
        name: SimpleNamespace(
            history={
                "after": SimpleNamespace(state_today=standing(seed)),
                "before": SimpleNamespace(state_today=standing(seed + 10)),
            },
            future={
                "after": play(TOY, simulator, standing(seed), quiet, 1),
                "before": play(TOY, simulator, standing(seed + 10), quiet, 1),
            },
        )
        for seed, name in enumerate(("neutral", "sources"))
    }
    settings_of_run: Any = SimpleNamespace(seed=1)
    return Context(study, known, simulator, settings_of_run, Silent(), lambda name: None)


def asked(bench: Context, file: Path | None = None) -> xr.Dataset:
    given_options = chosen(QUESTION, bench.study, {"scenarios": file})
    return QUESTION.answer(bench, QUESTION.declare(bench.study), given_options)


def test_a_users_file_is_played_over_the_same_draws_with_its_rules(bench: Context, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE, encoding="utf-8")
    found = asked(bench, path)
    assert found.attrs["file"] == "mine.toml"
    rows = QUESTION.tables(found, bench.study)["scenarios"].set_index(["prior", "scenario"]).loc["neutral"]
    assert set(rows.index) == {"as_now", "press", "press_if_strong"}
    assert rows.level_median["press"] < rows.level_median["press_if_strong"] < rows.level_median["as_now"]
    assert rows.p_better["press"] == 1.0
    assert list(found["goal"].values) == ["fewer", TOGETHER]  # the study's, as it has none of its own
    path.write_text(FILE + OWN_GOAL, encoding="utf-8")
    again = asked(bench, path)
    assert list(again["goal"].values) == ["few", TOGETHER]
    assert again.goal_met.sel(prior="sources", data="before", goal=TOGETHER, scenario="as_now") == 1.0
    xr.testing.assert_identical(again.level, found.level.assign_coords(again.level.coords))
    assert "While challengers is above 2,000 persons" in in_words(TOY, played(found)[2])


def test_without_a_file_the_studys_own_futures_are_compared(bench: Context) -> None:
    found = asked(bench)
    assert list(found["scenario"].values) == ["as_now", "idle"] and found.attrs["file"] == ""
    assert [each.at_most for each in present.goals(found)] == [2000.0]
    assert list(found["month"].values) == ["2023-09", "2023-10", "2023-11", "2023-12"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("to = 1.0", "by = 0.9", "from today's 0.2, a difference of 0.9 leaves"),
        ("to = 1.0", "to = 1.0\nstart = 5", "starts in month 5, after the horizon of 4 months"),
        ('watch = "challengers"', 'watch = "challenger"', "Did you mean 'challengers'"),
        ("baseline = true", "", "needs exactly one baseline"),
    ],
)
def test_errors_name_the_users_file(bench: Context, tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        asked(bench, path)
    assert "mine.toml" in str(caught.value)
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        asked(bench, tmp_path / "nowhere.toml")


# what is shown


def told() -> tuple[xr.Dataset, Any]:
    """A comparison of three courses, one of which has a script for its name, and the study."""
    generator = np.random.default_rng(2)
    noise = generator.normal(0, 5, (400, 2))
    given_levels = {
        "base": 100 + noise,
        "good": noise + np.array([90, 120]),
        "mixed": noise + np.array([110, 130]),
    }
    goals = (
        Goal(id="few", label="Few lost", description="As today.", outcome="loss", at_most=95.0),
        Goal(id="much", label="Much gained", description="A stated level.", outcome="gain", at_least=115.0),
    )
    outcomes = (outcome("loss", "lower"), outcome("gain", "higher", "percent"))
    after = futures(given_levels, *outcomes)
    named = tuple(
        each.model_copy(update={"label": f"Mixed {toy_study.PLANTED}"}) if each.id == "mixed" else each
        for each in after.scenarios
    )
    after = Futures(outcomes, named, after.paths)
    before = futures({name: np.full((400, 2), 100.0) for name in given_levels}, *outcomes)
    pairs = dict.fromkeys(("neutral", "sources"), (after, before))
    made = compared(pairs, goals, ["2023-09"]).assign_attrs(file="mine.toml")
    study = SimpleNamespace(
        model=SimpleNamespace(outcomes=outcomes),
        main_outcomes=outcomes,
        settings=SimpleNamespace(roles={"moderation": "good"}),
    )
    return made, study


def test_tables_are_tidy_and_survive_being_kept(tmp_path: Path) -> None:
    made, study = told()
    made.to_netcdf(tmp_path / "kept.nc", engine="netcdf4")
    kept = xr.load_dataset(tmp_path / "kept.nc", engine="netcdf4")
    once, again = (QUESTION.tables(each, study) for each in (made, kept))
    keys = {
        "scenarios": ["scenario", "prior", "outcome"],
        "fans": ["scenario", "prior", "outcome", "month"],
        "comparison": ["scenario", "prior", "outcome"],
        "picks": ["criterion", "outcome", "prior"],
        "goals": ["scenario", "prior", "goal"],
    }
    assert set(once) == set(keys)
    for name, columns in keys.items():
        assert not once[name].duplicated(columns).any()
        pd.testing.assert_frame_equal(once[name], again[name])
    assert set(EFFECT_COLUMNS) < set(once["scenarios"])
    rows = QUESTION.summary(made, study)["scenarios"]  # type: ignore[misc]
    assert set(rows[0]) == {"id", "prior", "outcome", "median", "q05", "q95", "probability_better"}


def test_a_study_without_goals_has_no_table_of_them(tmp_path: Path) -> None:
    of = futures({"base": [1.0, 2.0], "other": [2.0, 2.0]}, outcome("loss", "lower"))
    made = compared({"neutral": (of, of)}, (), ["2023-09"])
    made.to_netcdf(tmp_path / "kept.nc", engine="netcdf4")
    kept = xr.load_dataset(tmp_path / "kept.nc", engine="netcdf4")
    _, study = told()
    study.model.outcomes = study.main_outcomes = of.outcomes
    assert set(QUESTION.tables(kept, study)) == {"scenarios", "fans", "comparison", "picks"}
    html = toy_study.rendered(QUESTION.section(kept, study))
    assert "acceptable" not in html and "Other" in html


def test_the_section_says_what_the_course_does_and_escapes_labels() -> None:
    made, study = told()
    section = QUESTION.section(made, study)
    assert section.words["heading"].startswith("“Good” ")
    assert [control.value for control in section.figures[0].controls] == ["neutral", "good"]
    html = toy_study.rendered(section)
    assert toy_study.PLANTED not in html and "&lt;script&gt;" in html
    text = toy_study.visible(html)
    for words in ("Few lost", "At most 95 persons", "At least 115%", "As today.", "Regret", "over 99%"):
        assert words in text
    assert "100%" not in text


def test_the_terminal_gets_ten_short_lines() -> None:
    said = QUESTION.lines(*told())
    assert 3 <= len(said) <= 10 and max(map(len, said)) <= 100
    assert any(line.startswith("Good: −10, nearly certain, over 99%") for line in said)


def test_rules_stand_in_the_description_in_words() -> None:
    rules = (
        Rule(lever="counterforce", watch="challengers", to=0.8, above=2500.0, start=4),
        Rule(lever="hardness", watch="standing", to=0.2, below=-1.0),
    )
    scenario = Scenario(id="a", label="A", description="Pressure follows.", rules=rules)
    assert in_words(TOY, scenario) == (
        "Pressure follows. While challengers is above 2,500 persons, from month 4 on, counterforce is at 0.8."
        " While standing is below −1, hardness is at 0.2."
    )
