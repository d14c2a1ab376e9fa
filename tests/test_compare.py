"""Comparing scenarios by several criteria: by hand, by law, from a file outside the package, and in words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import contest
from outbid.answers.compare import compare as answer
from outbid.ask.compare import DOMAIN, MAXIMIN, MINIMAX_REGRET, ON_AVERAGE, WORST_TAIL, Compared, compare
from outbid.brief.compare import comparison, described
from outbid.errors import InputError
from outbid.model.vocabulary import Outcome
from outbid.progress import Silent
from outbid.report.comparison.content import ComparisonContent
from outbid.report.comparison.files import csv_tables
from outbid.report.comparison.tables import section
from outbid.report.comparison.words import heading, lines, nearest, picks_heading
from outbid.report.page import environment
from outbid.report.saved import rebuilt, to_text
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Simulator, Standing
from outbid.simulate.futures import Futures, play
from outbid.simulate.rules import Rule
from outbid.simulate.scenario import Goal, Scenario

TOY = contest.model()
DRAWS, MONTHS = 6, 4


def outcome(name: str, better: str, unit: str = "persons") -> Outcome:
    return Outcome(name, lambda: None, name.capitalize(), unit, better, "end", "", "")


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


def by_name(rows: Any) -> dict[str, Any]:
    return {row.scenario: row for row in rows}


def picks(result: Any, of: str) -> dict[str, tuple[str, ...]]:
    return {pick.criterion: pick.scenarios for pick in result.picks if pick.outcome == of}


def test_differences_probabilities_and_regret_by_hand() -> None:
    loss = outcome("loss", "lower")
    rows = by_name(compare(futures({"base": [10, 10, 10, 10], "other": [8, 9, 10, 12]}, loss)).rows)
    assert rows["other"].probability_better == pytest.approx((2 + 0.5) / 4)
    assert rows["other"].difference[0] == pytest.approx(-0.5)
    assert rows["base"].difference == (0.0, 0.0, 0.0)
    assert rows["base"].probability_better == 0.5
    assert rows["other"].regret == pytest.approx(2 / 4)  # worse than the baseline by 2 in one of four draws
    assert rows["base"].regret == pytest.approx((2 + 1) / 4)
    assert (rows["other"].most_regret, rows["base"].most_regret) == (2.0, 2.0)
    assert (rows["other"].worst, rows["base"].worst) == (12.0, 10.0)
    assert rows["other"].probability_best == pytest.approx((1 + 1 + 0.5) / 4)


def test_criteria_may_each_pick_another_scenario() -> None:
    # a decision table as in textbooks: acts in rows, states of the world in columns, higher is better
    table = {"safe": [4, 4, 4], "bold": [0, 6, 20], "even": [2, 9, 12], "poor": [3, 3, 3]}
    result = compare(futures(table, outcome("gain", "higher")))
    assert picks(result, "gain") == {
        ON_AVERAGE: ("bold",),  # means 4, 8.67, 7.67, 3
        MINIMAX_REGRET: ("bold",),  # largest regrets: 16, 4, 8, 17
        MAXIMIN: ("safe",),
        WORST_TAIL: ("safe",),
    }
    rows = by_name(result.rows)
    assert [rows[name].most_regret for name in table] == [16.0, 4.0, 8.0, 17.0]
    assert rows["even"].regret == pytest.approx((2 + 0 + 8) / 3)


def test_the_tail_mean_is_over_one_draw_in_twenty() -> None:
    levels = {"base": np.arange(100.0), "other": np.full(100, 3.0)}
    rows = by_name(compare(futures(levels, outcome("gain", "higher"))).rows)
    assert rows["base"].worst == 0.0
    assert rows["base"].worst_tail == pytest.approx(2.0)
    lower = by_name(compare(futures(levels, outcome("loss", "lower"))).rows)
    assert lower["base"].worst_tail == pytest.approx(97.0)


def test_goals_one_by_one_and_together() -> None:
    levels = {"base": [[1, 5], [2, 5], [3, 1], [4, 1]], "other": [[1, 1], [1, 5], [4, 5], [4, 5]]}
    goals = (
        Goal(id="few", label="Few", description="x", outcome="loss", at_most=2.0),
        Goal(id="much", label="Much", description="x", outcome="gain", at_least=5.0),
    )
    result = compare(futures(levels, outcome("loss", "lower"), outcome("gain", "higher")), goals)
    reached = by_name(result.reached)
    assert reached["base"].goals == {"few": 0.5, "much": 0.5}
    assert reached["base"].together == 0.5
    assert reached["other"].goals == {"few": 0.5, "much": 0.75}
    assert reached["other"].together == 0.25
    assert picks(result, "")[DOMAIN] == ("base",)
    assert compare(futures(levels, outcome("loss", "lower"), outcome("gain", "higher"))).reached == ()


def test_ties_are_picked_together() -> None:
    result = compare(futures({"base": [1, 2], "same": [1, 2], "worse": [2, 3]}, outcome("loss", "lower")))
    assert picks(result, "loss")[ON_AVERAGE] == ("base", "same")
    assert [row.probability_best for row in result.rows] == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_what_is_not_known_is_not_picked(unknown: float) -> None:
    result = compare(futures({"base": [1, 2], "broken": [1, unknown]}, outcome("loss", "lower")))
    assert picks(result, "loss")[MAXIMIN] == ("base",)
    assert set(picks(result, "loss")[ON_AVERAGE]) <= {"base"}


values = arrays(float, (3, 12), elements=st.floats(-1e3, 1e3, width=32))


@given(values, st.sampled_from(["higher", "lower"]))
def test_laws_of_the_criteria(levels: np.ndarray, better: str) -> None:
    sign = 1.0 if better == "higher" else -1.0
    result = compare(futures(dict(zip("abc", levels, strict=True)), outcome("it", better)))
    rows = by_name(result.rows)
    for name, row in rows.items():
        assert 0.0 <= row.regret <= row.most_regret + 1e-9
        assert sign * row.worst <= sign * row.worst_tail + 1e-9
        assert sign * row.worst_tail <= sign * levels["abc".index(name)].mean() + 1e-6
    assert sum(row.probability_best for row in rows.values()) == pytest.approx(1.0)
    chosen = picks(result, "it")
    # least expected regret is best expected level
    means = {name: sign * levels["abc".index(name)].mean() for name in "abc"}
    assert all(means[name] >= max(means.values()) - 1e-6 for name in chosen[ON_AVERAGE])
    best = max(sign * row.worst for row in rows.values())
    assert all(sign * rows[name].worst >= best - 1e-6 for name in chosen[MAXIMIN])


@given(values, st.floats(-100, 100), st.floats(0, 50))
def test_a_wider_goal_is_met_at_least_as_often(levels: np.ndarray, low: float, wider: float) -> None:
    given_levels = futures(dict(zip("abc", levels, strict=True)), outcome("it", "higher"))
    narrow, wide = (
        compare(
            given_levels, [Goal(id="g", label="g", description="g", outcome="it", at_least=bound)]
        ).reached
        for bound in (low, low - wider)
    )
    assert all(one.together <= other.together for one, other in zip(narrow, wide, strict=True))


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


def standing(seed: int) -> Standing:
    generator = np.random.default_rng(seed)
    at = np.array([0.003, 0.3, 0.0, 0.15, 3.0, 4.0, 6.0, 3.0, 0.3, 0.3, 2000.0, 0.25, 4.0])
    state = {item.name: np.full(DRAWS, 10_000.0) for item in TOY.stocks}
    state |= {"challengers": generator.uniform(1500.0, 3000.0, DRAWS)}
    state |= {item.name: np.zeros(DRAWS) for item in TOY.indices}
    return Standing(np.tile(at, (DRAWS, 1)), state, np.tile([0.5, 0.2], (DRAWS, 1)))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any], BatchSimulator]:
    folder = tmp_path_factory.mktemp("toy")
    (folder / "scenarios.toml").write_text(
        FILE + OWN_GOAL.replace("1e9", "2000.0").replace("few", "fewer"), encoding="utf-8"
    )
    study = SimpleNamespace(folder=folder, model=TOY, levers_today={"counterforce": 0.2})
    lab = BatchSimulator(Simulator(TOY, MONTHS), DRAWS)
    quiet = (
        Scenario(id="as_now", label="As now", description="x", baseline=True),
        Scenario(id="idle", label="Idle", description="x"),
    )
    known = {
        name: SimpleNamespace(
            past=SimpleNamespace(standing=standing(seed)),
            unseen=SimpleNamespace(standing=standing(seed + 10)),
            futures=play(TOY, lab.simulator, standing(seed), quiet, 1),
            before=play(TOY, lab.simulator, standing(seed + 10), quiet, 1),
        )
        for seed, name in enumerate(("neutral", "sources"))
    }
    return study, known, lab


def asked(bench: Any, file: Path | None = None) -> dict[str, Compared]:
    study, known, lab = bench
    return answer(study, known, lab, SimpleNamespace(seed=1), Silent(), file=file)  # type: ignore[arg-type]


def test_a_users_file_is_played_over_the_same_draws_with_its_rules(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE, encoding="utf-8")
    found = asked(bench, path)
    rows = by_name(found["neutral"].after.rows)
    assert set(rows) == {"as_now", "press", "press_if_strong"}
    assert rows["press"].level[0] < rows["press_if_strong"].level[0] < rows["as_now"].level[0]
    assert rows["press"].probability_better == 1.0
    assert [goal.id for goal in found["neutral"].after.goals] == [
        "fewer"
    ]  # the study's, as it has none of its own
    path.write_text(FILE + OWN_GOAL, encoding="utf-8")
    again = asked(bench, path)
    assert [goal.id for goal in again["neutral"].after.goals] == ["few"]
    assert again["sources"].before.reached[0].together == 1.0
    assert again["neutral"].after.rows == found["neutral"].after.rows


def test_without_a_file_the_studys_own_futures_are_compared(bench: Any) -> None:
    found = asked(bench)
    assert {row.scenario for row in found["sources"].after.rows} == {"as_now", "idle"}
    assert found["neutral"].after.goals[0].at_most == 2000.0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("to = 1.0", "by = 0.9", "from today's 0.2, a difference of 0.9 leaves"),
        ("to = 1.0", "to = 1.0\nstart = 5", "starts in month 5, after the horizon of 4 months"),
        ('watch = "challengers"', 'watch = "challenger"', "Did you mean 'challengers'"),
        ("baseline = true", "", "needs exactly one baseline"),
    ],
)
def test_errors_name_the_users_file(bench: Any, tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        asked(bench, path)
    assert "mine.toml" in str(caught.value)
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        asked(bench, tmp_path / "nowhere.toml")


# in words


def content() -> ComparisonContent:
    """A comparison of three courses, of which one meets both goals more often than not."""
    generator = np.random.default_rng(2)
    noise = generator.normal(0, 5, (400, 2))
    levels = {"base": 100 + noise, "good": noise + np.array([90, 120]), "mixed": noise + np.array([110, 130])}
    goals = (
        Goal(id="few", label="Few lost", description="As today.", outcome="loss", at_most=95.0),
        Goal(id="much", label="Much gained", description="A stated level.", outcome="gain", at_least=115.0),
    )
    outcomes = (outcome("loss", "lower"), outcome("gain", "higher", "percent"))
    result = compare(futures(levels, *outcomes), goals)
    before = compare(futures({name: [[100, 100]] for name in levels}, *outcomes), goals)
    return comparison(
        TOY, {"neutral": Compared(result, before), "sources": Compared(result, before)}, MONTHS, "mine.toml"
    )


def test_the_content_survives_saving_and_is_empty_without_results() -> None:
    held = content()
    assert rebuilt(ComparisonContent, to_text(held), "here") == held
    assert comparison(TOY, {}, MONTHS) == ComparisonContent()
    assert section(ComparisonContent()) is None
    assert csv_tables(ComparisonContent()) == {}
    assert lines(ComparisonContent()) == ("No scenarios were compared.",)


def test_the_heading_and_the_terminal_say_which_course_meets_the_goals() -> None:
    held = content()
    best, close = nearest(held, "neutral") or (None, ())
    assert best is not None
    assert best.scenario == "good"
    assert close == ()
    assert heading(held).startswith("“Good” most probably meets both goals")
    told = lines(held)
    assert 2 < len(told) <= 10
    assert max(map(len, told)) <= 100
    assert picks_heading(held).startswith("The four ways of choosing pick the same course on 2 of 2 outcomes")


def test_the_section_has_a_cell_for_every_course_and_criterion() -> None:
    shown = section(content())
    assert shown is not None
    assert [view for view, _ in shown.reached] == ["the data alone", "if the sources are right"]
    assert all(len(line.goals) == 2 for _, each in shown.reached for line in each)
    assert {line.outcome for _, each in shown.picks for line in each} == {"Loss", "Gain"}
    assert all(len(line.cells) == len(shown.criteria) for _, each in shown.picks for line in each)
    assert all(len(cells) == 5 for block in shown.numbers for line in block.lines for cells in line.cells)
    assert [goal.bound for goal in shown.goals] == ["At most 95 persons", "At least 115%"]
    assert shown.figure is not None
    assert "Good" in shown.figure.alternative


PAGE = '{% import "parts.html.j2" as parts with context %}{% include "compare.html.j2" %}'


def test_the_page_shows_goals_picks_and_numbers_and_nothing_without_a_comparison() -> None:
    template = environment().from_string(PAGE)
    shown = template.render(comparison=section(content()), claim_ids=set())
    for words in (
        "Few lost",
        "At most 95 persons",
        "As today.",
        "Least regret at its worst",
        "Mean of worst 5%",
    ):
        assert words in shown
    assert shown.count("<h3") == 2
    assert template.render(comparison=None, claim_ids=set()).strip() == ""


def test_the_tables_hold_every_number() -> None:
    made = csv_tables(content())
    assert set(made) == {"comparison.csv", "picks.csv", "goals.csv"}
    for header, rows in made.values():
        assert rows
        assert all(len(row) == len(header) for row in rows)


def test_rules_stand_in_the_description_in_words() -> None:
    rules = (
        Rule(lever="counterforce", watch="challengers", to=0.8, above=2500.0, start=4),
        Rule(lever="hardness", watch="standing", to=0.2, below=-1.0),
    )
    told = described(TOY, Scenario(id="a", label="A", description="Pressure follows.", rules=rules))
    assert told == (
        "Pressure follows. While challengers is above 2,500 persons, from month 4 on, counterforce is at 0.8."
        " While standing is below −1, hardness is at 0.2."
    )
