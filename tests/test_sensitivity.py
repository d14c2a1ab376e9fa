"""What matters most, and when: the design is Saltelli's, the shares are the known ones, the words follow the numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contest
from outbid.answers.sensitivity import sensitivity
from outbid.ask.sensitivity.answer import Sensitivity
from outbid.ask.sensitivity.design import Design, stream
from outbid.ask.sensitivity.discover import check, discover, met
from outbid.ask.sensitivity.explain import explained, levels, shares
from outbid.ask.sensitivity.file import read_sensitivity
from outbid.ask.sensitivity.indices import given_data_shares, placed, rank_correlations, sobol_indices
from outbid.ask.sensitivity.inputs import Space, free_space, inputs_of, values_of, weighted_space
from outbid.ask.sensitivity.settings import Condition, Discover
from outbid.brief.sensitivity import explored
from outbid.errors import InputError
from outbid.model.priors import from_standard_normal
from outbid.progress import Silent
from outbid.report.page import environment
from outbid.report.saved import rebuilt, to_text
from outbid.report.sensitivity import files as sensitivity_csv
from outbid.report.sensitivity import tables as sensitivity_tables
from outbid.report.sensitivity import words as sensitivity_words
from outbid.report.sensitivity.content import SensitivityContent
from outbid.run import Settings
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Simulator, Standing
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import load_study

DRAWS, MONTHS = 200, 6
SCENARIOS = """
[[scenario]]
id = "baseline"
label = "As now"
description = "Nothing changes."
baseline = true

[[scenario]]
id = "pressure"
label = "More pressure"
description = "Counterforce doubles."

[[scenario.change]]
lever = "counterforce"
by = 0.4
"""
ASKED = """
base_samples = 64

[[explain]]
id = "members_ahead"
label = "Members ahead"
outcome = "members"

[[explain]]
id = "pressure_members"
label = "What pressure does to members"
outcome = "members"
scenario = "pressure"
against = "baseline"

[[discover]]
id = "pressure_works"
question = "When does pressure work?"
answer = "pressure works"
scenario = "pressure"

[[discover.condition]]
outcome = "members"
below = -100.0
words = "a hundred members fewer"
"""


# the design


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
def test_streamed_design_is_salibs_own(size: int) -> None:
    from SALib.sample import sobol

    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0.0, 1.0]] * 3}
    theirs = sobol.sample(problem, 8, calc_second_order=False, seed=np.random.default_rng(5))
    batches = list(Design(8, 3, 5).batches(size))
    assert all(len(batch) <= size for batch in batches)
    np.testing.assert_array_equal(np.concatenate(batches), theirs)


def test_stream_keeps_only_outcomes_and_their_order() -> None:
    told: list[int] = []
    design = Design(8, 4, 1)
    values = stream(design, lambda x: np.stack([x.sum(axis=1), x[:, 0]], axis=1), 13, told.append)
    points = np.concatenate(list(design.batches(100)))
    assert values.shape == (8, 6, 2)
    np.testing.assert_allclose(values.reshape(-1, 2)[:, 0], points.sum(axis=1))
    assert sum(told) == design.rows == len(points)


# known answers


def test_shares_of_the_ishigami_function() -> None:
    """Closed form in Saltelli et al. (2008), with a = 7 and b = 0.1."""

    def ishigami(unit: np.ndarray) -> np.ndarray:
        x = np.pi * (2 * unit - 1)
        return (np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))[:, None]

    found = sobol_indices(stream(Design(4096, 3, 3), ishigami, 2000), 1)
    np.testing.assert_allclose(found.first[0], [0.3139, 0.4424, 0.0], atol=0.02)
    np.testing.assert_allclose(found.total[0], [0.5576, 0.4424, 0.2437], atol=0.02)
    assert np.all(found.total_half > 0)
    assert np.all(found.total_half < 0.05)


def test_shares_of_sums_and_products_by_hand() -> None:
    def both(unit: np.ndarray) -> np.ndarray:
        x = unit - 0.5
        return np.stack(
            [x @ [1.0, 2.0, 0.0], x[:, 0] * x[:, 1] + 0.0 * x[:, 2], np.full(len(x), 3.0)], axis=1
        )

    found = sobol_indices(stream(Design(2048, 3, 4), both, 500), 1)
    np.testing.assert_allclose(found.first[0], [0.2, 0.8, 0.0], atol=0.03)
    np.testing.assert_allclose(found.total[0], [0.2, 0.8, 0.0], atol=0.03)
    # a product of two centred inputs: nothing alone, everything together
    np.testing.assert_allclose(found.first[1], [0.0, 0.0, 0.0], atol=0.05)
    np.testing.assert_allclose(found.total[1], [1.0, 1.0, 0.0], atol=0.05)
    # and what never changes has nothing to explain
    assert not found.total[2].any()


def test_same_seed_same_shares() -> None:
    values = stream(Design(64, 2, 9), lambda x: x[:, :1] ** 2 + x[:, 1:], 32)
    one, two = sobol_indices(values, 7), sobol_indices(values, 7)
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(two, field.name))


def test_shares_from_draws_see_ties_that_a_design_does_not() -> None:
    generator = np.random.default_rng(2)
    cause, noise = generator.normal(size=(2, 4000))
    shadow = 0.9 * cause + np.sqrt(1 - 0.81) * generator.normal(size=4000)
    inputs = np.stack([cause, shadow, generator.normal(size=4000)], axis=1)
    found = given_data_shares(inputs, np.stack([2 * cause + noise, noise], axis=1))
    # correlation .9 with the cause: .81 of its share of .8
    np.testing.assert_allclose(found[0], [0.8, 0.648, 0.0], atol=0.03)
    np.testing.assert_allclose(found[1], 0.0, atol=0.02)
    tied = rank_correlations(inputs)
    assert tied[0, 1] == pytest.approx(0.89, abs=0.02)
    assert not np.diag(tied).any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans())
def test_places_keep_the_order_and_lie_evenly(seed: int, ties: bool) -> None:
    values = np.random.default_rng(seed).normal(size=101)
    values = np.round(values) if ties else values
    found = placed(values, values)
    assert found.mean() == pytest.approx(0.5)
    np.testing.assert_array_equal(np.argsort(values, kind="stable"), np.argsort(found, kind="stable"))
    np.testing.assert_allclose(placed(np.exp(values), np.exp(values)), found)
    assert placed(np.array([np.inf]), values)[0] == 1.0


# the toy model


@pytest.fixture(scope="module")
def lab() -> BatchSimulator:
    return BatchSimulator(Simulator(contest.model(), MONTHS), DRAWS)


@pytest.fixture(scope="module")
def standing(lab: BatchSimulator) -> Standing:
    generator = np.random.default_rng(1)
    z = generator.standard_normal((DRAWS, len(lab.model.parameters)))
    parameters = np.asarray(from_standard_normal(z, contest.table()))
    state = {
        "hardliners": np.full(DRAWS, 20_000.0),
        "challengers": 2000.0 * np.exp(0.3 * generator.standard_normal(DRAWS)),
        "sympathisers": 10_000.0 * np.exp(0.1 * generator.standard_normal(DRAWS)),
        "killed": 100.0 * generator.random(DRAWS),
        "standing": generator.standard_normal(DRAWS),
        "tempo": generator.standard_normal(DRAWS),
    }
    levers = np.stack([0.5 + 0.1 * generator.standard_normal(DRAWS), np.full(DRAWS, 0.4)], axis=1)
    return Standing(parameters, state, levers)


@pytest.fixture(scope="module")
def study(lab: BatchSimulator, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("toy")
    (folder / "scenarios.toml").write_text(SCENARIOS)
    (folder / "sensitivity.toml").write_text(ASKED)
    return SimpleNamespace(model=lab.model, folder=folder, levers_today=None)


@pytest.fixture(scope="module")
def answers(study: Any, lab: BatchSimulator, standing: Standing) -> dict[str, Sensitivity]:
    here = SimpleNamespace(standing=standing)
    known: Any = {name: SimpleNamespace(past=here, unseen=here) for name in ("neutral", "sources")}
    return sensitivity(study, known, lab, Settings(), Silent())


def _spaces(study: Any, lab: BatchSimulator, standing: Standing) -> Iterator[Space]:
    asked = _asked(study)
    inputs = inputs_of(lab.model, asked.outcomes, list(asked.scenarios.values()), [standing])
    chances = {name: each for name, each in lab.innovations(32, 1).items() if name in lab.model.noisy}
    yield weighted_space(lab.model, inputs, standing, chances)
    yield free_space(lab.model, inputs, standing, chances)


def _asked(study: Any) -> Any:
    scenarios = read_scenarios(study.folder / "scenarios.toml", study.model)
    asked = read_sensitivity(study.folder, study.model, scenarios)
    assert asked is not None
    return asked


def test_inputs_are_what_the_future_reads(answers: dict[str, Sensitivity]) -> None:
    keys = {item.key for item in answers["neutral"].inputs}
    assert {"defection_base", "killing_base", "standing_hardness", "tempo_noise"} <= keys
    assert {"challengers today", "sympathisers today", "standing today", "hardness today", "chance"} <= keys
    # read by observations, by the past of levers, or by the start of the window alone
    assert not keys & {"concentration", "deaths_error", "events_others", "edict_noise", "challengers_start"}
    # a sink that nothing reads, and what is the same in all draws
    assert not keys & {"killed today", "hardliners today", "counterforce today"}


def test_spaces_range_over_what_they_should(study: Any, lab: BatchSimulator, standing: Standing) -> None:
    unit = np.random.default_rng(0).random((500, 40))
    weighted, free = _spaces(study, lab, standing)
    for space in (weighted, free):
        start, innovations = space.at(unit[:, : len(space.inputs)])
        assert len(start) == 500
        assert all(value.shape == (500,) for value in start.state.values())
        assert (start.state["challengers"] > 0).all()
        assert (start.state["hardliners"] == 20_000.0).all()
        assert all(each.shape[0] == 500 for each in innovations.values())
    low, _ = weighted.at(np.zeros((1, len(weighted.inputs))))
    high, _ = weighted.at(np.ones((1, len(weighted.inputs))))
    i = lab.model.parameter_names.index("killing_base")
    assert low.parameters[0, i] == pytest.approx(standing.parameters[:, i].min())
    assert high.state["tempo"][0] == pytest.approx(standing.state["tempo"].max())
    low, _ = free.at(np.zeros((1, len(free.inputs))))
    high, _ = free.at(np.ones((1, len(free.inputs))))
    # the central 90% of a lognormal prior, in proportions
    edge = np.exp(0.5 * 1.6448536)
    assert low.parameters[0, i] == pytest.approx(0.02 / edge, rel=1e-5)
    assert high.parameters[0, i] == pytest.approx(0.02 * edge, rel=1e-5)
    assert high.state["tempo"][0] == pytest.approx(np.quantile(standing.state["tempo"], 0.95))


def test_shares_streamed_in_batches_are_those_of_all_runs_at_once(
    study: Any, lab: BatchSimulator, standing: Standing
) -> None:
    asked = _asked(study)
    space = next(_spaces(study, lab, standing))
    design = Design(32, len(space.inputs), 3)
    assert design.rows > 2 * DRAWS
    start, innovations = space.at(np.concatenate(list(design.batches(design.rows))))
    values = explained(asked, levels(lab, asked, start, innovations, tuple(asked.scenarios)))
    whole = sobol_indices(values.reshape(32, design.inputs + 2, -1), 3)
    streamed = shares(lab, asked, space, 32, 3)
    # the first is explained as it is, the second by its place among all
    np.testing.assert_allclose(streamed.indices.total[0], whole.total[0], rtol=1e-9, atol=1e-12)
    assert streamed.spread.shape == (2, 3)
    assert streamed.lost == 0.0


def test_pressure_works_through_killing_and_members(answers: dict[str, Sensitivity]) -> None:
    found = answers["neutral"]
    assert found.weighted is not None
    keys = [item.key for item in found.inputs]
    total = dict(zip(keys, found.weighted.indices.total[1], strict=True))
    assert sorted(total, key=lambda key: -total[key])[:2] == ["killing_base", "challengers today"]
    assert (
        total["attacks_per_thousand"] == pytest.approx(0.0, abs=1e-9)
        if "attacks_per_thousand" in total
        else True
    )
    assert found.free is not None
    assert answers["sources"].free is None
    box = found.findings[0].box
    assert box is not None
    assert "killing_base" in [limit.name for limit in box.limits]


def test_a_study_without_the_file_asks_nothing(study: Any, lab: BatchSimulator, tmp_path: Path) -> None:
    (tmp_path / "scenarios.toml").write_text(SCENARIOS)
    bare: Any = SimpleNamespace(model=lab.model, folder=tmp_path, levers_today=None)
    assert sensitivity(bare, {}, lab, Settings(), Silent()) == {}
    assert explored({}) == SensitivityContent()


def test_base_samples_must_be_a_power_of_two(study: Any, lab: BatchSimulator) -> None:
    with pytest.raises(InputError, match="power of two"):
        sensitivity(study, {}, lab, Settings(), Silent(), base_samples=100)


# discovery


def test_conditions_hold_together_and_boxes_are_checked_on_unseen_draws() -> None:
    generator = np.random.default_rng(3)
    inputs = generator.uniform(size=(2000, 10))
    gain = inputs[:, 0] - 0.5
    question = Discover(
        "q",
        "When?",
        "it pays",
        "b",
        "a",
        (Condition("means", "means rise", above=0.0), Condition("loss", "few leave", below=0.4)),
    )
    told = {
        "a": {"means": np.zeros(2000), "loss": np.zeros(2000)},
        "b": {"means": gain, "loss": inputs[:, 1]},
    }
    found = discover(question, told, inputs, [f"x{i}" for i in range(10)])
    assert found.share == pytest.approx(0.2, abs=0.03)
    assert found.alone == (pytest.approx(0.5, abs=0.04), pytest.approx(0.4, abs=0.04))
    assert found.box is not None
    assert {limit.name for limit in found.box.limits} == {"x0", "x1"}
    assert found.checked is not None
    assert found.checked[0] > 0.9
    assert found.checked[1] < 0.05


def test_noise_passes_no_check() -> None:
    generator = np.random.default_rng(4)
    inputs, holds = generator.uniform(size=(1000, 10)), generator.random(1000) < 0.5
    assert check(inputs, holds, [f"x{i}" for i in range(10)]) is None


def test_a_condition_is_strict() -> None:
    difference = np.array([-1.0, 0.0, 1.0])
    assert met(Condition("y", "rises", above=0.0), difference).tolist() == [False, False, True]
    assert met(Condition("y", "falls", below=0.0), difference).tolist() == [True, False, False]


# reading


def test_khorasan_asks_what_it_may() -> None:
    study = load_study("khorasan")
    scenarios = read_scenarios(study.folder / "scenarios.toml", study.model, study.levers_today)
    asked = read_sensitivity(study.folder, study.model, scenarios)
    assert asked is not None
    assert asked.explain
    assert asked.discover


def _edited(old: str, new: str) -> Callable[[], str]:
    assert old in ASKED
    return lambda: ASKED.replace(old, new, 1)


@pytest.mark.parametrize(
    ("edited", "told"),
    [
        (_edited("base_samples = 64", "base_samples = 60"), "base_samples.*power of two"),
        (_edited("base_samples = 64", "samples = 64"), "did you mean|unknown key"),
        (_edited("base_samples = 64", "base_samples = 4"), "base_samples"),
        (_edited('outcome = "members"', 'outcome = "member"'), "members_ahead, outcome.*member"),
        (_edited('scenario = "pressure"', 'scenario = "presure"'), "pressure"),
        (_edited('against = "baseline"', 'against = "pressure"'), "against itself"),
        (_edited('against = "baseline"', 'scale = "rank"'), "scale"),
        (_edited("below = -100.0", ""), "exactly one"),
        (_edited("below = -100.0", "below = -100.0\nabove = 3.0"), "exactly one"),
        (_edited("below = -100.0", 'below = "few"'), "not a number"),
        (_edited('words = "a hundred members fewer"', 'words = ""'), "words"),
        (_edited('id = "pressure_works"', 'id = "members_ahead"'), "taken twice"),
        (lambda: ASKED.split("[[discover.condition]]")[0], "condition"),
        (lambda: "base_samples = 64\n", "asks nothing"),
    ],
)
def test_bad_declarations_are_told(edited: Callable[[], str], told: str, study: Any, tmp_path: Path) -> None:
    (tmp_path / "sensitivity.toml").write_text(edited())
    scenarios = read_scenarios(study.folder / "scenarios.toml", study.model)
    with pytest.raises(InputError, match=told) as caught:
        read_sensitivity(tmp_path, study.model, scenarios)
    assert "sensitivity.toml" in str(caught.value)


# what a reader sees


@pytest.fixture(scope="module")
def content(answers: dict[str, Sensitivity]) -> SensitivityContent:
    return explored(answers)


def test_content_survives_being_saved(content: SensitivityContent) -> None:
    text = to_text(content)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the content"))
    assert to_text(rebuilt(SensitivityContent, text, "here")) == text
    assert {panel.version for panel in content.panels} == {"neutral", "sources", "prior-free"}
    assert {each.prior for each in content.discoveries} == {"neutral", "sources"}


def test_inputs_stand_in_order_of_weight(content: SensitivityContent) -> None:
    for panel in content.panels:
        weights = [sensitivity_words.importance(row) for row in panel.rows]
        assert weights == sorted(weights, reverse=True)
        assert len(panel.rows) == len(content.inputs)
        assert panel.runs == 64 * (len(content.inputs) + 2)


def test_words_give_the_boxs_numbers(content: SensitivityContent) -> None:
    view = sensitivity_tables.section(content)
    assert view is not None
    found = content.discoveries[0]
    assert found.box is not None
    sentence = view.questions[0].answers[0].sentence
    assert sentence.startswith("Pressure works in ")
    assert f"{100 * found.box.density:.0f}% of draws" in sentence
    assert "“the killing_base of the toy” is above" in sentence
    assert f"{100 * found.box.elsewhere:.0f}%" in sentence or "under 1%" in sentence
    assert "Coverage" in view.questions[0].answers[0].numbers
    assert "unknown" in view.heading


def test_terminal_lines_are_few_and_short(content: SensitivityContent) -> None:
    lines = sensitivity_words.lines(content)
    assert 3 <= len(lines) <= 10
    assert all(len(line) <= 100 for line in lines)
    assert sensitivity_words.lines(SensitivityContent()) == ()


def test_tables_hold_every_input_and_limit(content: SensitivityContent) -> None:
    files = sensitivity_csv.files(content)
    assert set(files) == {"sensitivity.csv", "boxes.csv"}
    assert files["sensitivity.csv"].count("\n") == 1 + len(content.panels) * len(content.inputs)
    width = files["boxes.csv"].splitlines()[0].count(",")
    assert all(line.count(",") >= width for line in files["boxes.csv"].splitlines())
    assert sensitivity_csv.files(SensitivityContent()) == {}


def test_section_is_drawn_and_absent_when_empty(content: SensitivityContent) -> None:
    page = environment().from_string(
        '{% import "parts.html.j2" as parts with context %}{% include "sensitivity.html.j2" %}'
    )
    html = page.render(sensitivity=sensitivity_tables.section(content), claim_ids=set())
    assert html.count("<h2") == 1
    assert 'id="matters"' in html
    assert "When does pressure work?" in html
    assert "free of the priors" in html
    assert sensitivity_tables.section(SensitivityContent()) is None
    assert page.render(sensitivity=None, claim_ids=set()).strip() == ""


def test_a_question_without_a_box_says_so(content: SensitivityContent) -> None:
    found = dataclasses.replace(content.discoveries[0], box=None, share=0.4)
    asked = dataclasses.replace(content, discoveries=(found,))
    assert "no few unknowns" in sensitivity_words.heading(asked)
    view = sensitivity_tables.section(asked)
    assert view is not None
    assert "could be luck" in view.questions[0].answers[0].sentence
    never = dataclasses.replace(content, discoveries=(dataclasses.replace(found, share=0.0),))
    view = sensitivity_tables.section(never)
    assert view is not None
    assert "in no draw" in view.questions[0].answers[0].sentence


def test_values_are_as_a_reader_knows_them(lab: BatchSimulator, standing: Standing, study: Any) -> None:
    asked = _asked(study)
    inputs = inputs_of(lab.model, asked.outcomes, (), [standing])
    values = values_of(lab.model, inputs, standing)
    assert values.shape == (DRAWS, len(inputs) - 1)
    j = [item.key for item in inputs].index("challengers today")
    np.testing.assert_array_equal(values[:, j], standing.state["challengers"])
