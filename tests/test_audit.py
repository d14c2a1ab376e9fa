"""The claim audit: verdicts from shares of draws, effects of interventions, and what is built in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contest import PARAMETERS
from contest import model as contest_model
from outbid.model.compile import initial_state
from outbid.model.priors import from_standard_normal, prior_table
from outbid.questions.claims.compute import Inputs, built_in, effects_of, judged, monthly, shifted
from outbid.questions.claims.schema import ClaimTests, Forecast, Intervention, Move, Shift
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Change
from outbid.stats.verdict import Chances, chances, judge, odds

MONTHS, DRAWS = 12, 200
MODEL = contest_model()
WORDS = {"claims": ("M12",), "question": "?", "answer_if": "!"}
MEMBERS = {
    "measure": ("outcome.members",),
    "label": "members",
    "unit": "persons",
    "summary": "end",
    "months": MONTHS,
}
DEFECTED = {
    "measure": ("moved.defection",),
    "label": "gone",
    "unit": "persons",
    "summary": "sum",
    "months": MONTHS,
}
STANDING = {"measure": ("standing",), "label": "standing", "unit": "index", "summary": "end", "months": 6}


def intervention(name: str, of: Mapping[str, Any], sign: int, smallest: float, **what: Any) -> Intervention:
    return Intervention(**{"id": name, **WORDS, **of, "sign": sign, "smallest": smallest, **what})


FULL = (Change(lever="counterforce", to=1.0),)
PRESSURE = intervention("pressure", MEMBERS, -1, 1.0, changes=FULL)
SOFTER = intervention("softer", STANDING, -1, 0.01, changes=(Change(lever="hardness", by=-1.0),))
LOWER = intervention("lower", DEFECTED, 1, 1.0, shifts=(Shift(state="standing", by=-1.0),))


@pytest.fixture(scope="module")
def lab() -> Simulator:
    return Simulator(MODEL, MONTHS)


def drawn(seed: int, draws: int = DRAWS, **fixed: float) -> StateToday:
    """Where draws from the neutral prior would stand at the start, with some parameters set."""
    z = np.random.default_rng(seed).standard_normal((draws, len(PARAMETERS)))
    values = np.array(from_standard_normal(z, prior_table(PARAMETERS, "neutral")))
    for name, value in fixed.items():
        values[:, MODEL.parameter_names.index(name)] = value
    p = {name: values[:, i] for i, name in enumerate(MODEL.parameter_names)}
    state = {name: np.broadcast_to(each, (draws,)) for name, each in initial_state(MODEL, p).items()}
    return StateToday(values, state, np.tile([0.5, 0.4], (draws, 1)))


# verdicts


def test_chances_by_hand() -> None:
    found = chances(np.array([2.0, 1.0, -1.0, np.nan, 0.0]), 1, 1.5)
    assert found == Chances(p_direction=2.5 / 4, p_relevant=1 / 4, draws=4)
    assert chances(np.array([2.0, -1.0]), -1, 0.5) == Chances(0.5, 0.5, 2)
    assert chances(np.zeros(5), 1, 0.5) == Chances(0.0, 0.0, 5)  # no effect at all is no effect of that sign


@pytest.mark.parametrize(
    ("after", "before", "wide", "verdict"),
    [
        ((0.99, 0.90), (0.50, 0.40), (0.50, 0.45), "supported"),
        ((0.99, 0.30), (0.50, 0.40), (0.50, 0.45), "not identified"),  # too small to matter, perhaps
        ((0.96, 0.90), (0.955, 0.90), (0.50, 0.45), "not identified"),  # the prior said so
        ((0.94, 0.90), (0.50, 0.40), (0.50, 0.45), "not identified"),  # not far enough
        ((0.02, 0.01), (0.50, 0.40), (0.50, 0.45), "contradicted"),
        ((0.60, 0.01), (0.50, 0.40), (0.50, 0.45), "contradicted"),  # right sign, but nothing that matters
        ((0.02, 0.01), (0.02, 0.01), (0.50, 0.45), "not identified"),
        ((1.00, 0.90), (1.00, 0.80), (1.00, 0.90), "built in"),  # by the form
        ((1.00, 0.90), (1.00, 0.80), (0.50, 0.45), "built in"),  # by the prior
        ((1.00, 0.01), (1.00, 0.80), (0.50, 0.45), "contradicted"),  # assumed in sign, refuted in size
        ((1.00, 0.01), (1.00, 0.80), (1.00, 0.90), "built in"),  # the form is told first
        ((0.00, 0.00), (0.00, 0.00), (0.00, 0.00), "not identified"),  # ruled out from the start
    ],
)
def test_verdicts_by_hand(
    after: tuple[float, float], before: tuple[float, float], wide: tuple[float, float], verdict: str
) -> None:
    judged = judge(Chances(*after, 2000), Chances(*before, 2000), Chances(*wide, 2000))
    assert judged.verdict == verdict
    assert judged.because.endswith(".")


def test_a_bayes_factor_is_the_odds_after_over_those_before() -> None:
    judged = judge(Chances(0.75, 0.5, 100_000), Chances(0.5, 0.4, 100_000))
    assert judged.bayes_factor == pytest.approx(3.0, rel=1e-3)
    assert np.isfinite(odds(1.0, 100)) and odds(0.0, 100) > 0


@given(
    st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(50, 4000)
)
def test_a_verdict_never_says_more_than_the_draws(
    right: float, part: float, prior: float, prior_part: float, wide: float, draws: int
) -> None:
    after = Chances(right, right * part, draws)
    before = Chances(prior, prior * prior_part, draws)
    judged = judge(after, before, Chances(wide, wide, draws))
    if judged.verdict == "supported":
        assert right >= 0.95 > prior and judged.bayes_factor >= 3.0 and after.p_relevant >= 0.5
    if judged.verdict == "contradicted":
        assert after.p_relevant <= 0.05 < before.p_relevant
    if min(right, prior, wide) >= 0.99:
        assert judged.verdict == "built in"
    # what the data did not change is neither supported nor contradicted
    assert judge(before, before, None).verdict in ("not identified", "built in")


# effects


def test_a_shift_moves_indices_on_their_own_scale_and_within_their_range() -> None:
    standing = drawn(1)
    there = shifted(MODEL, standing, (Shift(state="standing", by=-1.0), Shift(state="tempo", by=-100.0)), ())
    np.testing.assert_allclose(there.state["standing"], standing.state["standing"] - 1.0)
    np.testing.assert_allclose(there.state["tempo"], -6.0)


def test_a_move_keeps_every_person() -> None:
    standing = drawn(2)
    there = shifted(MODEL, standing, (), (Move(source="hardliners", target="sympathisers", share=0.25),))
    before = standing.state["hardliners"] + standing.state["sympathisers"]
    after = there.state["hardliners"] + there.state["sympathisers"]
    np.testing.assert_allclose(after, before)
    np.testing.assert_allclose(there.state["hardliners"], 0.75 * standing.state["hardliners"])


def test_an_effect_by_hand(lab: Simulator) -> None:
    """One month of full pressure for two fifths: the share that dies is 1 - exp(-hazard), the rest is the same."""
    standing = drawn(3)
    killed = {**DEFECTED, "measure": ("moved.killing",), "months": 1}
    test = intervention("a", killed, 1, 1.0, changes=FULL)
    base = standing.parameters[:, MODEL.parameter_names.index("killing_base")]
    people = standing.state["challengers"]
    expected = people * (np.exp(-0.4 * base) - np.exp(-base))
    np.testing.assert_allclose(effects_of([test], lab, standing, 1, {})["a"], expected, rtol=1e-9)


def test_what_is_on_both_sides_is_no_effect(lab: Simulator) -> None:
    same = intervention("same", MEMBERS, 1, 1.0, changes=FULL, setting=FULL)
    assert np.all(effects_of([same], lab, drawn(4), 1, {})["same"] == 0.0)


def test_per_head_and_summaries_by_hand(lab: Simulator) -> None:
    standing = drawn(5)
    levers = np.repeat(standing.levers[:, None, :], MONTHS, axis=1)
    world = lab.run(standing, levers, lab.innovations(DRAWS, 1))
    share = {**DEFECTED, "per": "hardliners", "summary": "mean", "months": 3}
    per_head = intervention("share", share, 1, 1.0, changes=FULL)
    path = monthly(lab, per_head, world)
    heads = world[:, :3, lab.columns(["hardliners"])[0]]
    np.testing.assert_allclose(path * heads, world[:, :3, lab.columns(["moved.defection"])[0]])
    np.testing.assert_allclose(summary(per_head.summary, path), path.mean(axis=1))
    assert path.shape == (DRAWS, 3)


def test_a_forecast_is_held_against_a_figure_or_the_past(lab: Simulator) -> None:
    standing = drawn(6)
    past = {"outcome.members": np.full((DRAWS, 30), 100.0)}
    figure, behind = (
        Forecast(**{"id": name, **WORDS, **MEMBERS, "sign": 1, "smallest": 1.0, "than": than})
        for name, than in (("figure", 100.0), ("behind", "past"))
    )
    found = effects_of([figure, behind], lab, standing, 1, past)
    np.testing.assert_allclose(found["figure"], found["behind"])
    levers = np.repeat(standing.levers[:, None, :], MONTHS, axis=1)
    ahead = monthly(lab, figure, lab.run(standing, levers, lab.innovations(DRAWS, 1)))
    np.testing.assert_allclose(found["figure"], ahead[:, -1] - 100.0)


# the audit


def rows(tests: ClaimTests, lab: Simulator, after: StateToday, before: StateToday) -> dict[str, Any]:
    """What each test says under the neutral prior, with `after` in the place of a posterior."""
    effects = [effects_of(tests.measured, lab, each, 1, {}) for each in (after, before)]
    wide = built_in(tests.interventions, lab, before, 1)
    found = judged(tests, *effects, wide, "neutral", Inputs.of(MODEL, after))
    return {row["test"]: {**row, "effect": effects[0][row["test"]]} for row in found}


def trials(lab: Simulator, after: StateToday) -> dict[str, str]:
    """Verdicts under the neutral prior, with `after` in the place of a posterior."""
    found = rows(ClaimTests(interventions=(PRESSURE, SOFTER, LOWER)), lab, after, drawn(7))
    return {name: row["verdict"] for name, row in found.items()}


def test_what_the_form_makes_true_is_built_in_whatever_the_data_say(lab: Simulator) -> None:
    assert trials(lab, drawn(8))["pressure"] == "built in"
    assert trials(lab, drawn(8, killing_base=0.5))["pressure"] == "built in"
    assert trials(lab, drawn(8))["lower"] == "built in"  # standing's anchor


def test_a_sign_that_the_data_settle_is_supported_or_contradicted(lab: Simulator) -> None:
    assert trials(lab, drawn(9, standing_hardness=0.4))["softer"] == "supported"
    assert trials(lab, drawn(9, standing_hardness=-0.4))["softer"] == "contradicted"
    assert trials(lab, drawn(9, standing_hardness=0.0))["softer"] == "contradicted"
    assert trials(lab, drawn(9))["softer"] == "not identified"


def test_the_worst_run_and_the_box_tell_of_the_parameter_that_decides(lab: Simulator) -> None:
    row = rows(ClaimTests(interventions=(SOFTER,)), lab, drawn(10), drawn(11))["softer"]
    assert row["worst_effect"] == np.max(row["effect"])  # the claim expects a fall
    assert row["worst_apart"].startswith("standing_hardness = ")
    assert row["box"].startswith("standing_hardness >= ") and row["box_density"] > 0.9


def test_a_claim_that_always_holds_has_neither_worst_draw_nor_box(lab: Simulator) -> None:
    inputs = Inputs.of(MODEL, drawn(10))
    assert np.isnan(inputs.worst(1, np.ones(DRAWS))["worst_effect"])
    assert inputs.box(np.ones(DRAWS, bool)) == {"box": ""}


def test_same_seed_same_numbers(lab: Simulator) -> None:
    one, other = (effects_of([SOFTER], lab, drawn(12), 5, {})["softer"] for _ in range(2))
    np.testing.assert_array_equal(one, other)
