"""What matters most, and when: the design is Saltelli's, the shares are the known ones, the words follow the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import contest
import toy_study
from drawn_section import html_of
from outbid.declared import parse
from outbid.errors import InputError
from outbid.model.priors import from_standard_normal
from outbid.progress import Silent
from outbid.question import Context
from outbid.questions.sensitivity import QUESTION
from outbid.questions.sensitivity.compute import Runs, check, discover, met
from outbid.questions.sensitivity.indices import (
    given_data_shares,
    placed,
    rank_correlations,
    sobol_indices,
    stream,
)
from outbid.questions.sensitivity.schema import Condition, Discover, Options, Sensitivity
from outbid.questions.sensitivity.unknowns import Space, free_space, inputs_of, values_of, weighted_space
from outbid.run_settings import Settings
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.scenario import names_of
from outbid.study import load_study
from toy_study import read_scenarios

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
    sizes: list[int] = []
    ours = stream(8, 3, 5, lambda points: points, size, sizes.append)
    assert all(each <= size for each in sizes)
    assert sum(sizes) == 8 * (3 + 2)
    np.testing.assert_array_equal(ours.reshape(-1, 3), theirs)


# known answers


def test_shares_of_the_ishigami_function() -> None:
    """Closed form in Saltelli et al. (2008), with a = 7 and b = 0.1."""

    def ishigami(unit: np.ndarray) -> np.ndarray:
        x = np.pi * (2 * unit - 1)
        return (np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))[:, None]

    first, _, total, total_half = sobol_indices(stream(4096, 3, 3, ishigami, 2000), 1)[:, 0]
    np.testing.assert_allclose(first, [0.3139, 0.4424, 0.0], atol=0.02)
    np.testing.assert_allclose(total, [0.5576, 0.4424, 0.2437], atol=0.02)
    assert np.all(total_half > 0)
    assert np.all(total_half < 0.05)


def test_shares_of_sums_and_products_by_hand() -> None:
    def both(unit: np.ndarray) -> np.ndarray:
        x = unit - 0.5
        return np.stack(
            [x @ [1.0, 2.0, 0.0], x[:, 0] * x[:, 1] + 0.0 * x[:, 2], np.full(len(x), 3.0)], axis=1
        )

    first, _, total, _ = sobol_indices(stream(2048, 3, 4, both, 500), 1)
    np.testing.assert_allclose(first[0], [0.2, 0.8, 0.0], atol=0.03)
    np.testing.assert_allclose(total[0], [0.2, 0.8, 0.0], atol=0.03)
    # a product of two centred inputs: nothing alone, everything together
    np.testing.assert_allclose(first[1], [0.0, 0.0, 0.0], atol=0.05)
    np.testing.assert_allclose(total[1], [1.0, 1.0, 0.0], atol=0.05)
    # and what never changes has nothing to explain
    assert not total[2].any()


def test_same_seed_same_shares() -> None:
    values = stream(64, 2, 9, lambda x: x[:, :1] ** 2 + x[:, 1:], 32)
    np.testing.assert_array_equal(sobol_indices(values, 7), sobol_indices(values, 7))


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
def lab() -> Simulator:
    return Simulator(contest.model(), MONTHS)


@pytest.fixture(scope="module")
def today(lab: Simulator) -> StateToday:
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
    return StateToday(parameters, state, levers)


def study_in(folder: Path) -> Any:
    """The toy as a study whose declarations lie in a folder."""
    (folder / "scenarios.toml").write_text(SCENARIOS)
    model = contest.model()
    scenarios = read_scenarios(folder / "scenarios.toml", model)
    by_id = {each.id: each for each in scenarios}
    return SimpleNamespace(
        model=model,
        folder=folder,
        scenarios=scenarios,
        scenario=by_id.__getitem__,
        baseline=scenarios[0],
        names={**names_of(model), "scenario": list(by_id)},
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("toy")
    (folder / "sensitivity.toml").write_text(ASKED)
    return toy_study.asking(study_in(folder), QUESTION)


def answered(study: Any, lab: Simulator, today: StateToday, options: Options | None = None) -> xr.Dataset:
    here = SimpleNamespace(state_today=today)
    known: Any = {
        name: SimpleNamespace(history={"after": here, "before": here}) for name in ("neutral", "sources")
    }
    context = Context(study, known, lab, Settings(), Silent(), lambda name: None)
    return QUESTION.answer(context, study.declared["sensitivity"], options)


@pytest.fixture(scope="module")
def answer(study: Any, lab: Simulator, today: StateToday) -> xr.Dataset:
    return answered(study, lab, today)


def _asked(study: Any) -> Sensitivity:
    asked = QUESTION.declare(study)
    assert asked is not None
    return asked


def _runs(study: Any, lab: Simulator) -> Runs:
    return Runs(lab, _asked(study), {each.id: each for each in study.scenarios})


def _spaces(study: Any, lab: Simulator, today: StateToday) -> Iterator[Space]:
    inputs = inputs_of(lab.model, _asked(study).outcomes, study.scenarios, [today])
    chances = lab.innovations(32, 1)
    yield weighted_space(lab.model, inputs, today, chances)
    yield free_space(lab.model, inputs, today, chances)


def test_inputs_are_what_the_future_reads(answer: xr.Dataset) -> None:
    keys = set(answer.input.values)
    assert {"defection_base", "killing_base", "standing_hardness", "tempo_noise"} <= keys
    assert {"challengers today", "sympathisers today", "standing today", "hardness today", "chance"} <= keys
    # read by observations, by the past of levers, or by the start of the window alone
    assert not keys & {"concentration", "deaths_error", "events_others", "edict_noise", "challengers_start"}
    # a sink that nothing reads, and what is the same in all draws
    assert not keys & {"killed today", "hardliners today", "counterforce today"}


def test_spaces_range_over_what_they_should(study: Any, lab: Simulator, today: StateToday) -> None:
    unit = np.random.default_rng(0).random((500, 40))
    weighted, free = _spaces(study, lab, today)
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
    assert low.parameters[0, i] == pytest.approx(today.parameters[:, i].min())
    assert high.state["tempo"][0] == pytest.approx(today.state["tempo"].max())
    low, _ = free.at(np.zeros((1, len(free.inputs))))
    high, _ = free.at(np.ones((1, len(free.inputs))))
    # the central 90% of a lognormal prior, in proportions
    edge = np.exp(0.5 * 1.6448536)
    assert low.parameters[0, i] == pytest.approx(0.02 / edge, rel=1e-5)
    assert high.parameters[0, i] == pytest.approx(0.02 * edge, rel=1e-5)
    assert high.state["tempo"][0] == pytest.approx(np.quantile(today.state["tempo"], 0.95))


def test_shares_streamed_in_batches_are_those_of_all_runs_at_once(
    study: Any, lab: Simulator, today: StateToday
) -> None:
    runs, space = _runs(study, lab), next(_spaces(study, lab, today))
    inputs = len(space.inputs)
    assert 32 * (inputs + 2) > 2 * DRAWS

    def values(points: np.ndarray) -> np.ndarray:
        return runs.explained(runs.levels(*space.at(points)))

    whole = sobol_indices(stream(32, inputs, 3, values, 32 * (inputs + 2)), 3)
    streamed = runs.shares(space, 32, 3)
    # the first is explained as it is, the second by its place among all
    np.testing.assert_allclose(streamed.total[0], whole[2, 0], rtol=1e-9, atol=1e-12)
    assert streamed.lost == 0.0


def test_pressure_works_through_killing_and_members(answer: xr.Dataset) -> None:
    total = answer.total.sel(version="neutral", explain="pressure_members").to_series()
    assert list(total.sort_values(ascending=False).index[:2]) == ["killing_base", "challengers today"]
    assert total.get("attacks_per_thousand", 0.0) == pytest.approx(0.0, abs=1e-9)
    assert list(answer.version.values) == ["neutral", "sources", "prior-free"]
    assert "killing_base" in answer.limit_on.sel(prior="neutral", question="pressure_works").values


def test_the_dataset_survives_being_saved(answer: xr.Dataset, study: Any, tmp_path: Path) -> None:
    answer.to_netcdf(tmp_path / "answer.nc", engine="netcdf4")
    again = xr.load_dataset(tmp_path / "answer.nc", engine="netcdf4")
    for name, frame in QUESTION.tables(answer, study).items():
        assert QUESTION.tables(again, study)[name].astype(str).equals(frame.astype(str))


def test_a_study_without_the_file_asks_nothing(tmp_path: Path) -> None:
    assert QUESTION.declare(study_in(tmp_path)) is None


@pytest.mark.parametrize("only", ["explain", "discover"])
def test_either_half_may_be_asked_alone(only: str, lab: Simulator, today: StateToday, tmp_path: Path) -> None:
    first, _, rest = ASKED.partition("[[discover]]")
    (tmp_path / "sensitivity.toml").write_text(
        first if only == "explain" else "base_samples = 8\n[[discover]]" + rest
    )
    study = toy_study.asking(study_in(tmp_path), QUESTION)
    found = answered(study, lab, today, Options(base_samples=8))
    found.to_netcdf(tmp_path / "answer.nc", engine="netcdf4")
    tables = QUESTION.tables(found, study)
    assert set(tables) == {"sensitivity" if only == "explain" else "scenario_discovery"}
    html = html_of(QUESTION.section(found, study))
    assert ("<table" in html) == (only == "explain")
    assert 1 <= len(QUESTION.lines(found, study)) <= 10


def test_base_samples_must_be_a_power_of_two() -> None:
    with pytest.raises(InputError, match=r"base_samples.*power of two"):
        parse("options", {"base_samples": 100}, Options, {})


# discovery


def _question(*conditions: Condition) -> Discover:
    return Discover(
        id="q", question="When?", answer="it pays", scenario="b", against="a", condition=conditions
    )


def test_conditions_hold_together_and_boxes_are_checked_on_unseen_draws() -> None:
    generator = np.random.default_rng(3)
    inputs = generator.uniform(size=(2000, 10))
    question = _question(
        Condition(outcome="means", words="means rise", above=0.0),
        Condition(outcome="loss", words="few leave", below=0.4),
    )
    levels = {
        "a": {"means": np.zeros(2000), "loss": np.zeros(2000)},
        "b": {"means": inputs[:, 0] - 0.5, "loss": inputs[:, 1]},
    }
    found = discover(question, levels, inputs, [f"x{i}" for i in range(10)])
    assert found["share"] == pytest.approx(0.2, abs=0.03)
    assert set(found["limit_on"].values) == {"x0", "x1", ""}
    assert found["checked_density"] > 0.9
    assert found["checked_elsewhere"] < 0.05


def test_noise_passes_no_check() -> None:
    generator = np.random.default_rng(4)
    inputs, holds = generator.uniform(size=(1000, 10)), generator.random(1000) < 0.5
    assert check(inputs, holds, [f"x{i}" for i in range(10)]) is None


def test_a_condition_is_strict() -> None:
    difference = np.array([-1.0, 0.0, 1.0])
    rises, falls = (Condition(outcome="y", words="moves", **{side: 0.0}) for side in ("above", "below"))
    assert met(rises, difference).tolist() == [False, False, True]
    assert met(falls, difference).tolist() == [True, False, False]


# reading


def test_khorasan_asks_what_it_may() -> None:
    asked = _asked(load_study("khorasan"))
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
def test_bad_declarations_are_told(edited: Callable[[], str], told: str, tmp_path: Path) -> None:
    (tmp_path / "sensitivity.toml").write_text(edited())
    with pytest.raises(InputError, match=told) as caught:
        QUESTION.declare(study_in(tmp_path))
    assert str(caught.value).startswith("sensitivity.toml")


# what a reader sees


def test_tables_are_tidy_and_hold_every_input_and_limit(answer: xr.Dataset, study: Any) -> None:
    tables = QUESTION.tables(answer, study)
    shares = tables["sensitivity"]
    assert not shares.duplicated(["explain", "version", "input"]).any()
    assert len(shares) == 2 * 3 * len(answer.input)
    assert (shares.runs == 64 * (len(answer.input) + 2)).all()
    weight = shares[["total", "first_order_on_draws"]].max(axis=1)
    for _, rows in weight.groupby([shares.explain, shares.version]):
        assert rows.is_monotonic_decreasing
    limits = tables["scenario_discovery"]
    assert not limits.duplicated(["question", "prior", "input"]).any()
    assert set(limits.scenario) == {"pressure"}
    assert set(limits.against) == {"baseline"}
    assert np.isfinite(limits.low).any()


def test_words_give_the_boxs_numbers(answer: xr.Dataset, study: Any) -> None:
    section = QUESTION.section(answer, study)
    first = section.tables["scenario_discovery"].iloc[0]
    view, sentence, check = section.words["questions"][0][2][0]
    assert view == "Without taking sides"
    assert f"{100 * first.density:.0f}% of draws" in sentence
    assert "“the killing_base of the toy” is above" in sentence
    assert f"{100 * first.elsewhere:.0f}%" in sentence or "under 1%" in sentence
    assert "not searched" in check
    assert section.words["heading"].startswith("Without taking sides, ")
    assert "unknown" in section.words["heading"]


def test_terminal_lines_are_few_and_short(answer: xr.Dataset, study: Any) -> None:
    lines = QUESTION.lines(answer, study)
    assert 3 <= len(lines) <= 10
    assert all(len(line) <= 100 for line in lines)


def test_section_is_drawn_and_escapes_what_a_study_wrote(
    answer: xr.Dataset, study: Any, tmp_path: Path
) -> None:
    html = html_of(QUESTION.section(answer, study))
    assert html.count("<h2") == 1
    assert 'id="sensitivity"' in html
    assert "When does pressure work?" in html
    assert "free of the priors" in html
    (tmp_path / "sensitivity.toml").write_text(ASKED.replace("When does pressure work?", "<script>alert(1)"))
    assert "<script" not in html_of(QUESTION.section(answer, toy_study.asking(study_in(tmp_path), QUESTION)))


def test_a_question_without_a_box_says_so(answer: xr.Dataset, study: Any) -> None:
    none = {name: xr.full_like(answer[name], np.nan) for name in ("density", "elsewhere", "low", "high")}
    without = answer.assign(
        share=xr.full_like(answer.share, 0.4), limit_on=xr.full_like(answer.limit_on, ""), **none
    )
    words = QUESTION.section(without, study).words
    assert "no few unknowns" in words["heading"]
    assert "could be luck" in words["questions"][0][2][0][1]
    assert "no box" in " ".join(QUESTION.lines(without, study))
    never = without.assign(share=xr.zeros_like(answer.share))
    assert "in no draw" in QUESTION.section(never, study).words["questions"][0][2][0][1]


def test_values_are_as_a_reader_knows_them(lab: Simulator, today: StateToday, study: Any) -> None:
    asked = _asked(study)
    inputs = inputs_of(lab.model, asked.outcomes, (), [today])
    values = values_of(lab.model, inputs, today)
    assert values.shape == (DRAWS, len(inputs) - 1)
    j = [item.key for item in inputs].index("challengers today")
    np.testing.assert_array_equal(values[:, j], today.state["challengers"])
