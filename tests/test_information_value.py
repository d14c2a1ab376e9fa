"""What to collect next: known answers by closed form and by Bayes' rule, luck that counts for nothing, bad input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import dct
from scipy.special import expit
from scipy.stats import norm, poisson

import contest
import toy_study
from outbid.errors import InputError
from outbid.model.compile import initial_state
from outbid.model.priors import from_standard_normal
from outbid.progress import Silent
from outbid.question import Context
from outbid.questions.information_value import QUESTION
from outbid.questions.information_value.compute import appraise, expected, figures, signal
from outbid.questions.information_value.schema import (
    TOGETHER,
    AbsoluteError,
    Law,
    RelativeError,
    Survey,
    Tally,
)
from outbid.run_settings import Settings
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.futures import play, summary
from outbid.simulate.scenario import lever_paths, names_of
from outbid.stats.foretelling import basis, normal_scores, predict
from outbid.study import Study, load_study

DRAWS = 2000
SEED = 7


def swings(figures: np.ndarray) -> np.ndarray:
    return np.asarray(dct(figures, axis=1, norm="ortho"))


def weighed(record: np.ndarray, effect: np.ndarray, **choices: np.ndarray) -> xr.Dataset:
    return appraise({"it": record}, {"claim": effect}, {"choice": choices} if choices else {}, SEED)


def at(found: xr.Dataset, name: str = "told", target: str = "claim", measure: str = "it") -> Any:
    """An estimate: value, low, high, error."""
    one = found[name].sel(target=target)
    one = one.sel(measure=measure) if "measure" in one.dims else one
    return SimpleNamespace(**{str(each["estimate"].item()): float(each) for each in one})


# known answers


@pytest.fixture(scope="module")
def gaussian() -> tuple[xr.Dataset, float]:
    """Twelve readings of a standard normal effect, each with an error of 2: they resolve 12 / (12 + 4)."""
    chance = np.random.default_rng(3)
    effect = chance.standard_normal(DRAWS)
    record = swings(effect[:, None] + 2.0 * chance.standard_normal((DRAWS, 12)))
    return weighed(record, effect, stay=np.zeros(DRAWS), go=effect), 12 / 16


def test_the_share_that_gaussian_readings_resolve_has_a_closed_form(
    gaussian: tuple[xr.Dataset, float],
) -> None:
    found, share = gaussian
    resolved = at(found)
    assert resolved.value == pytest.approx(share, abs=4 * resolved.error)
    assert resolved.low < resolved.value < resolved.high
    assert 0.003 < resolved.error < 0.02


def test_the_doubt_that_gaussian_readings_remove_has_a_closed_form(
    gaussian: tuple[xr.Dataset, float],
) -> None:
    found, share = gaussian
    # given the readings, the effect is normal with mean m ~ N(0, share) and variance 1 - share
    m = np.sqrt(share) * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    p = np.clip(norm.cdf(m / np.sqrt(1 - share)), 1e-12, 1 - 1e-12)
    left = float(np.mean(-p * np.log2(p) - (1 - p) * np.log2(1 - p)))
    doubt, clear = at(found, "doubt"), at(found, "clear")
    assert doubt.value == pytest.approx(1 - left, abs=4 * doubt.error)
    assert clear.value == pytest.approx(float(np.mean((p > 0.95) | (p < 0.05))), abs=4 * clear.error)


def test_the_value_for_a_gaussian_choice_has_a_closed_form(gaussian: tuple[xr.Dataset, float]) -> None:
    found, share = gaussian
    gain, ceiling = at(found, "told", "choice"), at(found, "whole", "choice")
    # E max(0, m) for m ~ N(0, s²) is s φ(0); knowing all is s = 1 (Raiffa and Schlaifer, 1961)
    assert ceiling.value == pytest.approx(norm.pdf(0), abs=4 * ceiling.error)
    assert gain.value == pytest.approx(np.sqrt(share) * norm.pdf(0), abs=4 * gain.error)


def test_a_count_tells_of_two_worlds_what_bayes_rule_says() -> None:
    chance = np.random.default_rng(5)
    second = chance.random(4000) < 0.4
    counts = chance.poisson(np.where(second, 6.0, 2.0)).astype(float)
    found = weighed(np.sqrt(counts[:, None] + 0.375), np.where(second, 1.0, -1.0))
    n = np.arange(60)
    both = np.stack([0.6 * poisson.pmf(n, 2.0), 0.4 * poisson.pmf(n, 6.0)])
    after = both[1] / both.sum(axis=0)
    resolved = float((both.sum(axis=0) * (after - 0.4) ** 2).sum() / 0.24)

    def bits(p: np.ndarray) -> np.ndarray:
        q = np.clip(p, 1e-12, 1 - 1e-12)
        return np.asarray(-q * np.log2(q) - (1 - q) * np.log2(1 - q))

    doubt = 1 - float((both.sum(axis=0) * bits(after)).sum() / bits(np.array(0.4)))
    assert at(found).value == pytest.approx(resolved, abs=4 * at(found).error + 0.01)
    assert at(found, "doubt").value == pytest.approx(doubt, abs=4 * at(found, "doubt").error + 0.01)


def test_a_direct_reading_without_error_tells_everything() -> None:
    effect = np.random.default_rng(4).standard_cauchy(DRAWS)
    found = weighed(effect[:, None], effect, stay=np.zeros(DRAWS), go=np.clip(effect, -5, 5))
    assert at(found).value > 0.99
    assert at(found, "doubt").value > 0.9
    assert at(found, "clear").value > 0.8
    assert at(found, "told", "choice").value == pytest.approx(at(found, "whole", "choice").value, rel=0.02)


# luck counts for nothing


@pytest.mark.parametrize("seed", range(6))
def test_pure_noise_tells_nothing_of_anything(seed: int) -> None:
    chance = np.random.default_rng(seed)
    effect = np.exp(1.5 * chance.standard_normal(DRAWS)) - 1.0  # skewed, as effects are
    record = swings(chance.standard_normal((DRAWS, 24)))
    found = weighed(record, effect, stay=np.zeros(DRAWS), go=effect - effect.mean() + 0.1)
    assert at(found).value < 0.01 and at(found).low < 0.005
    assert at(found, "doubt").value < 0.01 and at(found, "clear").value < 0.01
    gain = at(found, "told", "choice")
    assert gain.value < 3 * gain.error + 1e-9


def test_many_useless_series_together_tell_nothing() -> None:
    chance = np.random.default_rng(9)
    records = {f"s{i}": swings(chance.standard_normal((DRAWS, 12))) for i in range(12)}
    found = appraise(records, {"claim": chance.standard_normal(DRAWS)}, {}, SEED, tuple(records))
    assert at(found, measure=TOGETHER).value < 0.01


def test_half_of_the_answer_each_make_the_whole_together() -> None:
    chance = np.random.default_rng(10)
    parts = chance.standard_normal((2, DRAWS))
    records = {"one": parts[0][:, None], "other": parts[1][:, None]}
    found = appraise(records, {"claim": parts.sum(axis=0)}, {}, SEED, ("one", "other"))
    assert at(found, measure="one").value == pytest.approx(0.5, abs=0.05)
    assert at(found, measure=TOGETHER).value > 0.98


def test_a_record_that_never_varies_tells_exactly_nothing() -> None:
    effect = np.random.default_rng(1).standard_normal(DRAWS)
    found = weighed(np.full((DRAWS, 6), 3.0), effect, stay=np.zeros(DRAWS), go=effect)
    assert at(found).value == at(found, "clear").value == at(found, "told", "choice").value == 0


@given(st.integers(0, 1000), st.sampled_from([np.exp, np.arctan, lambda x: x**3]))
def test_only_the_order_of_effects_counts(seed: int, stretch: Callable[[np.ndarray], np.ndarray]) -> None:
    chance = np.random.default_rng(seed)
    effect = chance.standard_normal(300)
    record = swings(effect[:, None] + chance.standard_normal((300, 4)))
    plain, stretched = (at(weighed(record, each)) for each in (effect, stretch(effect)))
    assert stretched == plain
    assert 0 <= plain.low <= plain.high <= 1


def test_forecasts_are_made_without_the_fold_that_they_are_for() -> None:
    chance = np.random.default_rng(2)
    columns, targets = basis(chance.standard_normal((500, 3))), chance.standard_normal((500, 1))
    before = predict(columns, targets)
    targets[:50] += 100.0  # the first fold's own targets
    assert np.allclose(predict(columns, targets)[:50], before[:50])


# what is settled, and what can't be judged


def test_what_is_settled_or_the_same_everywhere_leaves_nothing_to_learn() -> None:
    chance = np.random.default_rng(6)
    effect = chance.random(DRAWS) + 1.0
    told = weighed(effect[:, None], effect)
    assert np.isfinite(at(told).value) and np.isnan([at(told, "doubt").value, at(told, "clear").value]).all()
    assert not told.open.sel(target="claim")
    same = weighed(effect[:, None], np.full(DRAWS, 2.0))
    assert np.isnan(at(same).value)
    found = weighed(effect[:, None], effect, stay=np.zeros(DRAWS), go=effect)
    assert found.best.sel(target="choice") == "go"
    assert at(found, "whole", "choice").value == 0 == at(found, "told", "choice").value


def test_draws_that_overflowed_are_left_out_of_everything() -> None:
    chance = np.random.default_rng(8)
    effect = chance.standard_normal(DRAWS)
    record = effect[:, None] + chance.standard_normal((DRAWS, 3))
    record[:7] = np.nan
    assert weighed(record, effect).draws == DRAWS - 7
    with pytest.raises(InputError, match="50 usable draws are too few"):
        weighed(record[7:57], effect[7:57])
    with pytest.raises(InputError, match=r"effect of claim.*has 60 draws where others have 50"):
        weighed(record[:50], effect[:60])


# figures


def measure(law: Law, **changes: Any) -> Any:
    return SimpleNamespace(**{"every": 3, "law": law, "times": 1.0, "shared_error": 0.0, **changes})


def test_what_figures_see_by_hand() -> None:
    path = np.arange(1.0, 8.0)[None, :]  # the seventh month fills no quarter
    assert expected(measure(RelativeError(0.1)), path, {}, False).tolist() == [[2.0, 5.0]]
    assert expected(measure(Tally()), path, {}, True).tolist() == [[6.0, 15.0]]
    assert expected(measure(Survey(9, odds=1.0)), path, {}, False).tolist() == [[3.0, 6.0]]
    half = expected(measure(Tally(), times="seen"), path, {"seen": np.array([0.5])}, True)
    assert half.tolist() == [[3.0, 7.5]]


@pytest.mark.parametrize(
    ("law", "level", "mean", "spread"),
    [
        (AbsoluteError(2.0), 5.0, 5.0, 2.0),
        (RelativeError(0.1), 5.0, 5.0 * np.exp(0.005), 5.0 * 0.1005),
        (Tally(), 9.0, 9.0, 3.0),
        (Tally(4.0), 9.0, 9.0, np.sqrt(9 + 81 / 4)),
        (Survey(400), 0.2, 0.2, np.sqrt(0.2 * 0.8 / 400)),
        (Survey(400, odds=2.0), 0.5, expit(1.0), np.sqrt(expit(1.0) * expit(-1.0) / 400)),
    ],
)
def test_laws_draw_with_their_mean_and_spread(law: Law, level: float, mean: float, spread: float) -> None:
    drawn = figures(measure(law), np.full((4000, 12), level), {}, False, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.std() == pytest.approx(spread, rel=0.03)
    assert np.isfinite(signal(measure(law), drawn)).all()


def test_a_shared_error_moves_all_figures_of_a_record_alike() -> None:
    one = measure(RelativeError(1e-6), shared_error=0.5)
    drawn = np.log(figures(one, np.ones((3000, 12)), {}, False, np.random.default_rng(0)))
    assert drawn.mean(axis=1).std() == pytest.approx(0.5, rel=0.05)
    assert drawn.std(axis=1).max() < 1e-5


def test_a_path_that_overflows_gives_no_figures() -> None:
    drawn = figures(
        measure(Tally()), np.array([[np.inf] * 12, [1.0] * 12]), {}, False, np.random.default_rng(0)
    )
    assert np.isnan(drawn[0]).all() and np.isfinite(drawn[1]).all()


def test_normal_scores_by_hand() -> None:
    assert normal_scores(np.array([3.0, 1.0, 2.0])) == pytest.approx(norm.ppf([5 / 6, 1 / 6, 1 / 2]))


# the declarations

WORTH = """
[[claim]]
id = "M14"
test = "opening"
label = "opening up feeds the rival"

[[decision]]
id = "open_up"
label = "stay or open up"
options = ["stay", "open"]
outcome = "members"

[[measure]]
id = "watched"
label = "survey of standing while it opens up"
action = "Ask."
effort = "hard"
under = "open"
sees = "standing"
every = 3
months = 12
law = { survey = 5000, odds = 4.0 }

[[measure]]
id = "asked_now"
label = "survey of standing"
action = "Ask."
effort = "hard"
sees = "standing"
every = 3
months = 12
law = { survey = 5000, odds = 4.0 }

[[measure]]
id = "raids"
label = "tallies of raids"
action = "Count."
effort = "little"
sees = "raids_made"
times = 0.5
every = 1
months = 12
law = "poisson"
shared_error = 0.2

[[measure]]
id = "past_raids"
label = "raids of the past"
action = "Count."
effort = "little"
past = true
sees = "sees.raids"
every = 1
months = 6
law = { negative_binomial = "concentration" }

[[measure]]
id = "split"
label = "survey of sides"
action = "Ask."
effort = "hard"
sees = "challengers"
per = "sympathisers"
every = 6
months = 12
law = { survey = 100 }
"""
SCENARIOS = """
[[scenario]]
id = "stay"
label = "As now"
description = "Nothing changes."
baseline = true

[[scenario]]
id = "open"
label = "Opening"
description = "The line softens."

[[scenario.change]]
lever = "hardness"
shape = "step"
by = -0.5
"""


def written(folder: Path, text: str = WORTH) -> Any:
    """The toy as a study with these declarations."""
    (folder / "worth.toml").write_text(text, encoding="utf-8")
    path = folder / "scenarios.toml"
    path.write_text(SCENARIOS, encoding="utf-8")
    model = contest.model()
    scenarios = {each.id: each for each in toy_study.read_scenarios(path, model)}
    study = toy_study.toy_study(
        folder,
        model,
        scenarios=tuple(scenarios.values()),
        scenario=scenarios.__getitem__,
        baseline=scenarios["stay"],
        declared={"claims": SimpleNamespace(measured=[SimpleNamespace(id="opening")])},
    )
    study.names = {**names_of(model, {}, 12), "scenario": list(scenarios), "month": contest.WINDOW.months}
    return study


def test_the_shipped_study_asks_what_to_collect() -> None:
    khorasan: Study = load_study("khorasan")
    asked = QUESTION.declare(khorasan)
    assert asked is not None
    assert {each.id for each in asked.claims} == {"M14", "M24", "M17"}
    assert [each.options for each in asked.decisions] == [("baseline", "moderation_with_aid")]
    assert len(asked.measures) >= 12
    assert sum(bool(each.under) for each in asked.measures) >= 2
    assert all(each.id in khorasan.ledger.claims for each in asked.claims)
    adds = {each.id: each.adds(khorasan.model) for each in asked.measures}
    assert adds["defections"] and adds["raids"] and adds["arrests"]
    assert not adds["fighters"] and not adds["ranks_survey"]


def test_a_study_without_the_file_asks_nothing(tmp_path: Path) -> None:
    study = written(tmp_path)
    (tmp_path / "worth.toml").unlink()
    assert QUESTION.declare(study) is None


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('test = "opening"', 'test = "openin"', "worth.toml, claim M14, test: .*opening"),
        ('test = "opening"\n', "", "claim M14, test: missing"),
        ('id = "M14"\ntest', 'id = "M14"\nsign = 2\ntest', "claim M14, sign: is neither 1 nor -1"),
        ('id = "M14"', 'id = "open_up"', "decision, open_up: this id is taken twice"),
        ('options = ["stay", "open"]', 'options = ["stay"]', "at least two different scenarios"),
        ('options = ["stay", "open"]', 'options = ["stay", "opne"]', "no scenario 'opne'.*open"),
        ('outcome = "members"', 'outcome = "member"', "no outcome 'member'.*members"),
        ('under = "open"', 'under = "opened"', "watched, under: no scenario 'opened'.*open"),
        ('sees = "raids_made"', 'sees = "raids_mad"', "raids, sees: .*raids_made"),
        ('per = "sympathisers"', 'per = "sympathiser"', "split, per: .*sympathisers"),
        ('per = "sympathisers"\n', "", "'challengers' is no share of people"),
        ("times = 0.5", "times = 0", "raids, times: 0 is not above zero"),
        ("times = 0.5", 'times = "share"', "raids, times: no parameter 'share'"),
        ("shared_error = 0.2", "shared_error = -1", "shared_error: is below zero"),
        ('law = "poisson"', 'law = "poison"', "no law 'poison'.*poisson"),
        ('law = "poisson"', 'law = "lognormal"', "lognormal needs its error"),
        ('law = "poisson"', "law = { lognormal = 0 }", "0 is not above zero"),
        ('law = "poisson"', "law = { survey = 10, odds = 0 }", "answers follow nothing"),
        ('law = "poisson"', "law = { survey = 0, odds = 1 }", "survey: 0 is outside its range"),
        ('law = { negative_binomial = "concentration" }', "law = 3", "no law 3"),
        ("past = true", 'past = "yes"', "past: is not true or false"),
        ("past = true", 'past = true\nunder = "open"', "the past ran under no scenario"),
        ("months = 6", "months = 99", "past_raids, months: 99 is outside its range"),
        ("every = 6\nmonths = 12", "every = 13\nmonths = 13", "split, every: 13 is outside its range"),
        ("every = 6\nmonths = 12", "every = 6\nmonths = 5", "split, months: 5 is outside its range"),
        ('id = "split"', 'id = "raids"', "raids: this id is taken twice"),
        ('id = "split"', 'id = "together"', "together: this id is taken twice"),
        ('id = "split"', 'id = "a b"', "measure, id: is no plain name"),
        ('effort = "little"\nsees', 'efort = "little"\nsees', "efort: unknown key.*effort"),
        ('action = "Count."\neffort = "little"\nsees', 'effort = "little"\nsees', "action: missing"),
        ('[[claim]]\nid = "M14"', '[[claims]]\nid = "M14"', "claims: unknown key.*claim"),
    ],
)
def test_bad_declarations_say_where_and_how_to_mend_them(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in WORTH
    study = written(tmp_path, WORTH.replace(old, new, 1))
    with pytest.raises(InputError, match=complaint) as caught:
        QUESTION.declare(study)
    assert "worth.toml" in str(caught.value)


def test_a_file_needs_something_to_collect_and_something_to_serve(tmp_path: Path) -> None:
    head, tail = WORTH.split("[[measure]]", 1)
    with pytest.raises(InputError, match="nothing to collect"):
        QUESTION.declare(written(tmp_path, head))
    with pytest.raises(InputError, match="serves nothing"):
        QUESTION.declare(written(tmp_path, f"[[measure]]{tail}"))


# the whole way, on the toy

DRAWN, AHEAD = 400, 12


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The toy's draws of the prior, all at hardness one half, where standing tells nothing of what moves it."""
    study = toy_study.asking(written(tmp_path_factory.mktemp("toy")), QUESTION)
    model = study.model
    z = np.random.default_rng(0).standard_normal((DRAWN, len(model.parameters)))
    values = np.asarray(from_standard_normal(z, contest.table()))
    p = {name: values[:, i] for i, name in enumerate(model.parameter_names)}
    state = {name: np.broadcast_to(each, (DRAWN,)) for name, each in initial_state(model, p).items()}
    standing = StateToday(values, state, np.tile([0.5, 0.5], (DRAWN, 1)))
    simulator = Simulator(model, AHEAD)
    futures = play(model, simulator, standing, study.scenarios, SEED)
    levels = {
        each.id: summary(model.outcomes[0].summary, futures.paths[each.id][:, :, 0])
        for each in study.scenarios
    }
    levers = lever_paths(model, study.baseline, standing.levers, AHEAD)
    behind = simulator.run(standing, levers, simulator.innovations(DRAWN, 99), outputs=("raids_made",))[
        :, :, 0
    ]
    past = SimpleNamespace(state_today=standing, levers=levers, paths={"sees.raids": behind})
    known: Any = {"neutral": SimpleNamespace(history={"after": past}, future={"after": futures})}
    effect = (levels["open"] - levels["stay"])[None, None]
    claims = xr.Dataset(
        {
            "effect": (("prior", "test", "draw"), effect),
            "p_direction": (("data", "prior", "test"), [[[0.9]], [[0.5]]]),
        },
        {"prior": ["neutral"], "test": ["opening"], "data": ["after", "before"], "sign": ("test", [1.0])},
    )
    return Context(study, known, simulator, Settings(), Silent(), lambda name: claims)


@pytest.fixture(scope="module")
def found(toy: Context) -> xr.Dataset:
    return QUESTION.answer(toy, QUESTION.declare(toy.study), None)


def test_watching_a_lever_move_tells_what_no_series_tells_while_it_rests(found: xr.Dataset) -> None:
    here = found.sel(prior="neutral")
    assert at(here, "told", "M14", "watched").value > 0.5
    assert at(here, "doubt", "M14", "watched").value > 0.5
    for name in ("asked_now", "raids", "past_raids", "split"):
        assert at(here, "told", "M14", name).value < 0.1
    gain = at(here, "told", "open_up", "watched")
    assert 3 * gain.error < gain.value <= at(here, "whole", "open_up").value
    assert here.before.sel(target="M14") == 0.5 and here.before.sel(target="open_up").isnull()


def test_the_same_seed_gives_the_same_numbers(toy: Context, found: xr.Dataset) -> None:
    xr.testing.assert_identical(QUESTION.answer(toy, QUESTION.declare(toy.study), None), found)


@pytest.mark.parametrize("given_claims", [None, xr.Dataset(coords={"test": ["other"]})])
def test_a_claim_whose_test_was_not_run_is_named(toy: Context, given_claims: xr.Dataset | None) -> None:
    without = replace(toy, of=lambda name: given_claims)
    with pytest.raises(InputError, match="the test 'opening' has no effect by draw"):
        QUESTION.answer(without, QUESTION.declare(toy.study), None)


# what a reader sees


def test_the_table_is_tidy_and_survives_being_kept(toy: Context, found: xr.Dataset, tmp_path: Path) -> None:
    found.to_netcdf(tmp_path / "kept.nc", engine="netcdf4")
    kept = xr.load_dataset(tmp_path / "kept.nc", engine="netcdf4")
    (once,), (again,) = (QUESTION.tables(each, toy.study).values() for each in (found, kept))
    pd.testing.assert_frame_equal(once, again)
    assert len(once) == 2 * (5 + 1)  # claim and decision, five series and all together
    assert not once.duplicated(["target", "measure", "prior"]).any()
    best = once[once["kind"] == "claim"].nlargest(1, "value").iloc[0]
    assert (best.measure, best.only_if, best.tells) == ("watched", "open", True)


def test_the_section_ranks_what_would_tell_and_names_what_would_not(toy: Context, found: xr.Dataset) -> None:
    section = QUESTION.section(found, toy.study)
    told = section.words["told"]
    claim, decision = told.targets
    assert "watching a change while it happens would resolve" in told.heading()
    head, *lines = told.table(claim)
    assert lines[0][0].startswith("Survey of standing while it opens up, quarterly for one year.")
    assert lines[0][1] == "only if “Opening” happens"
    assert "quarterly for one year, would resolve about" in told.verdict(claim)
    assert "tallies of raids" in told.rest(claim)
    assert "Knowing everything before choosing would be worth" in told.today(decision)[0][1]
    assert all(len(line) == len(head) for line in lines)
    html = toy_study.rendered(section)
    assert 'id="figure-information_value"' in html and "M14" in html
    said = QUESTION.lines(found, toy.study)
    assert 3 <= len(said) <= 10 and all(len(line) <= 100 for line in said)


def test_a_planted_script_stays_text(toy: Context, found: xr.Dataset, tmp_path: Path) -> None:
    worth = WORTH.replace("opening up feeds the rival", toy_study.PLANTED)
    study = toy_study.asking(written(tmp_path, worth), QUESTION)
    html = toy_study.rendered(QUESTION.section(found, study))
    assert toy_study.PLANTED not in html and "&lt;script&gt;" in html
