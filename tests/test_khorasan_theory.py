"""The theory of the Khorasan study, one function at a time: easy numbers in, what pen and paper give out.

The expected numbers are worked out here in plain arithmetic, never by calling the study again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, log
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from outbid.errors import InputError
from outbid.model.anchors import check_anchors
from outbid.model.declare import Model
from outbid.model.priors import PRIOR_SETS, prior_table
from outbid.model.vocabulary import Count, Drift, Flow, LogNormal, NegativeBinomial, Poisson
from outbid.studies.khorasan import actors, observations, outcomes, outside, people, standing, violence
from outbid.study import Study

Row = tuple[Any, ...]


def at(**values: Any) -> SimpleNamespace:
    return SimpleNamespace(**values)


@dataclass(frozen=True)
class Case:
    """A function of the study, what it is given, and what it should give."""

    declared: Any
    given: tuple[Any, ...]
    expected: tuple[Row, ...]


def mechanism(declared: Any, s: Any, u: Any, p: Any, *expected: Row) -> Case:
    return Case(declared, (s, u, p), expected)


NONE = at()

MECHANISMS = (
    # --- people
    # twice the means, an effect of one log point a log point: e^log 2 doubles the hazard
    mechanism(
        people.consolidation,
        at(capacity=log(2.0)),
        NONE,
        at(consolidation_base=0.01, consolidation_capacity=1.0),
        ("hardliners", "pragmatists", 0.02),
    ),
    # exponent: -0.5 of standing + 0.3 * (0.6 - 0.4) / 0.2 + 0.4 * (0.8 - 0.7) / 0.1 + 0.2 * (1.3 - 0.3) = 0.4
    mechanism(
        people.defection,
        at(standing=0.5, idleness=0.6, demonstration=1.3),
        at(propaganda=0.8),
        at(
            defection_base=0.001,
            defection_idleness=0.3,
            defection_propaganda=0.4,
            defection_demonstration=0.2,
        ),
        ("hardliners", "challengers", 0.001 * exp(0.4)),
    ),
    mechanism(people.purge, NONE, at(purge=0.5), at(purge_base=0.02), ("hardliners", "dismissed", 0.01)),
    # a standing of -2 at an effect of 0.5 is one log point
    mechanism(
        people.rejoining,
        at(standing=-2.0),
        NONE,
        at(rejoining_base=0.01, rejoining_standing=0.5, going_home_base=0.05),
        ("dismissed", "challengers", 0.01 * exp(1.0)),
        ("dismissed", "left", 0.05),
    ),
    # twice the means halve the hazard, and it is the same for both kinds of members
    mechanism(
        people.desertion,
        at(capacity=log(2.0)),
        NONE,
        at(desertion_base=0.004, desertion_capacity=1.0),
        ("hardliners", "left", 0.002),
        ("pragmatists", "left", 0.002),
    ),
    # exponent: 1 of grievance + 0.5 * 0.4 + 0.3 * (0.6 - 0.7) / 0.1 + 0.4 * (0.8 - 0.3) = 1 + 0.2 - 0.3 + 0.2
    mechanism(
        people.recruitment,
        at(grievance=1.0, hardship=0.4, demonstration=0.8),
        at(propaganda=0.6),
        at(
            recruitment_base=0.002,
            recruitment_hardship=0.5,
            recruitment_propaganda=0.3,
            recruitment_demonstration=0.4,
        ),
        ("sympathisers", "challengers", 0.002 * exp(1.1)),
    ),
    mechanism(
        people.infiltration, NONE, NONE, at(infiltration_base=0.003), ("challengers", "infiltrators", 0.003)
    ),
    mechanism(
        people.vetting, NONE, at(vetting=0.5), at(vetting_base=0.04), ("infiltrators", "detained", 0.02)
    ),
    mechanism(
        people.killing,
        NONE,
        at(counterforce=0.5),
        at(killing_base=0.004, killing_counterforce=0.01),
        ("challengers", "killed", 0.009),
    ),
    # repression 0.2 above its usual 0.5 is one unit
    mechanism(
        people.arrest,
        NONE,
        at(counterforce=0.5, repression=0.7),
        at(arrest_base=0.04, arrest_repression=-0.3),
        ("challengers", "detained", 0.02 * exp(-0.3)),
    ),
    mechanism(
        people.release,
        NONE,
        NONE,
        at(release_base=0.02, release_home=0.03),
        ("detained", "challengers", 0.02),
        ("detained", "left", 0.03),
    ),
    mechanism(
        people.sympathy,
        at(hardship=0.5),
        NONE,
        at(sympathy_base=4e-6, sympathy_hardship=2.0, sympathy_fading=0.01),
        ("population", "sympathisers", 4e-6 * exp(1.0)),
        ("sympathisers", "population", 0.01),
    ),
    # ranks that are full leave half the room: 6000 * 1/2 of 41 million, three in ten of them hardliners
    mechanism(
        people.enlistment,
        at(members=170_000.0, population=41e6),
        NONE,
        at(members_ceiling=170_000.0, enlistment_rate=6000.0, enlistment_hardliner_share=0.3),
        ("population", "hardliners", 0.3 * 3000.0 / 41e6),
        ("population", "pragmatists", 0.7 * 3000.0 / 41e6),
    ),
    # --- violence
    # (2000 + 0.5 * 400) / 1000 = 2.2 thousands, ten attacks each, doubled by the effort: 44
    mechanism(
        violence.attacks,
        at(challengers=2000.0, infiltrators=400.0, home_effort=log(2.0)),
        at(sectarian_share=0.25, foreign_share=0.125),
        at(infiltrator_weight=0.5, attacks_per_thousand=10.0),
        ("attacks_home", 44.0),
        ("attacks_sectarian", 11.0),
        ("attacks_foreign_target", 5.5),
        ("attacks_state", 27.5),
    ),
    # effort halved at home, displacement 1: abroad it doubles
    mechanism(
        violence.external_attacks,
        at(challengers=3000.0, home_effort=-log(2.0)),
        NONE,
        at(external_per_thousand=0.5, displacement=1.0),
        ("attacks_external", 3.0),
    ),
    mechanism(violence.tempo, at(tempo=3.0), NONE, NONE, ("tempo", 0.0, "tempo_noise")),
    # twice the usual size, elasticity 2: four times the raids
    mechanism(
        violence.operations,
        at(challengers=4000.0),
        at(counterforce=0.5),
        at(operations_elasticity=2.0, operations_base=1.5),
        ("raids", 3.0),
    ),
    # 960 attacks count, on a log scale, twice as much as thirty: a fifth of the way from 0.5 to 2
    mechanism(
        violence.demonstration,
        at(attacks_home=900.0, attacks_external=60.0, demonstration=0.5),
        NONE,
        at(demonstration_persistence=0.8),
        ("demonstration", 0.3, ""),
    ),
    mechanism(
        violence.other_armed_groups,
        at(other_violence=3.0),
        NONE,
        at(other_violence_persistence=0.9, other_violence_level=2.0),
        ("other_violence", -0.1, "other_violence_noise"),
        ("events_others", exp(3.0)),
    ),
    # --- standing
    # level: -0.5 * (1.4 - 0.4) - 0.3 * (1.0 - 0.7) / 0.3 - 0.2 * 4 / 2 + 0.1 * (log(e) - 1) = -0.5 - 0.3 - 0.4;
    # a tenth of the way from 0.3 there, and 0.6 for hardness up by a tenth
    mechanism(
        standing.standing,
        at(engagement=1.4, aid=1.0, violence_seen=4.0, raids=exp(1.0) - 1.0, standing=0.3),
        at(hardness=0.8, previous=at(hardness=0.7)),
        at(
            standing_engagement=0.5,
            standing_aid=0.3,
            standing_attacks=0.2,
            standing_operations=0.1,
            standing_hardness=0.6,
            standing_persistence=0.9,
        ),
        ("standing", 0.1 * (-1.2 - 0.3) + 0.6, "standing_noise"),
    ),
    # raids alone: log(1 + raids) two above the usual one
    mechanism(
        standing.standing,
        at(engagement=0.4, aid=0.7, violence_seen=0.0, raids=exp(3.0) - 1.0, standing=0.0),
        at(hardness=0.7, previous=at(hardness=0.7)),
        at(
            standing_engagement=9.0,
            standing_aid=9.0,
            standing_attacks=9.0,
            standing_operations=0.1,
            standing_hardness=9.0,
            standing_persistence=0.5,
        ),
        ("standing", 0.5 * 0.1 * 2.0, "standing_noise"),
    ),
    # level: 0.5 * (0.7 - 0.5) / 0.2 + 0.2 * (log(e^3) - 1) = 0.9; a tenth of the way from 0.4
    mechanism(
        standing.grievance,
        at(attacks_sectarian=exp(3.0) - 1.0, grievance=0.4),
        at(repression=0.7),
        at(grievance_repression=0.5, grievance_sectarian=0.2, grievance_persistence=0.9),
        ("grievance", 0.05, ""),
    ),
    # level: 2 of violence below the usual, - 0.4 * 0.5 + 0.3 * 1; half the way from even odds (log odds 0)
    mechanism(
        standing.security,
        at(violence_seen=-2.0, attacks_foreign_target=exp(0.5) - 1.0, capacity=1.0, security=0.5),
        NONE,
        at(security_foreign_targets=0.4, security_capacity=0.3, security_persistence=0.5),
        ("security", 0.5 * (2.0 - 0.2 + 0.3), ""),
    ),
    # --- outside
    # level: 0.5 * (0.4 * 0.5 - 0.1) / 0.1 + 0.2 * log(e^2) / 2 - 0.3 * (log(e^2) - 1) + 0.4 = 0.5 + 0.2 - 0.3 + 0.4
    mechanism(
        outside.engagement,
        at(security=exp(2.0) / (1.0 + exp(2.0)), attacks_external=exp(2.0) - 1.0, engagement=0.3),
        at(hardness=0.6, recognition_offer=0.5),
        at(
            engagement_opening=0.5,
            engagement_security=0.2,
            engagement_external=0.3,
            engagement_level=0.4,
            engagement_persistence=0.9,
        ),
        ("engagement", 0.1 * (0.8 - 0.3), "engagement_noise"),
    ),
    # level: 0.1 + log(0.5) + 2 * log(1 - 0.5 * 0.8) + 0.2 * 2 / 2 + 0.3 * (1.4 - 0.4); aid of e is a log of 1
    mechanism(
        outside.aid,
        at(security=exp(2.0) / (1.0 + exp(2.0)), engagement=1.4, aid=exp(1.0)),
        at(aid_offer=0.5, conditionality=0.5, hardness=0.8),
        at(aid_level=0.1, aid_conditionality=2.0, aid_security=0.2, aid_engagement=0.3, aid_persistence=0.8),
        ("aid", 0.2 * (0.1 + log(0.5) + 2.0 * log(0.6) + 0.2 + 0.3 - 1.0), "aid_noise"),
    ),
    # level: 0.2 + 0.6 * (0.7 - 0.4) / 0.3 + 0.5 * 3 / 2 = 0.2 + 0.6 + 0.75
    mechanism(
        outside.hardship,
        at(aid=0.4, violence_seen=3.0, hardship=0.55),
        NONE,
        at(hardship_level=0.2, hardship_aid=0.6, hardship_attacks=0.5, hardship_persistence=0.9),
        ("hardship", 0.1, "hardship_noise"),
    ),
)

QUANTITIES = (
    Case(people.members, (at(hardliners=600.0, pragmatists=400.0), NONE, NONE), ((1000.0,),)),
    Case(people.idleness, (at(pragmatists=300.0, members=1200.0), NONE, NONE), ((0.25,),)),
    Case(people.idleness, (at(pragmatists=0.0, members=0.0), NONE, NONE), ((0.0,),)),
    # grants of 2022 were 4.65 billion
    Case(outside.resources, (at(aid=2.0), at(revenue=0.7), NONE), ((10.0,),)),
    # 2022: 4.65 + 2.2 = 6.85
    Case(outside.capacity, (at(resources=13.7), NONE, NONE), ((log(2.0),),)),
    Case(outside.capacity, (at(resources=6.85), NONE, NONE), ((0.0,),)),
    # 0.5 - 0.3 * (0.8 - 0.6) / 0.2 + 0.2 * (1.4 - 0.4) - 0.25
    Case(
        violence.home_effort,
        (
            at(tempo=0.5, engagement=1.4),
            at(counterforce=0.8, effort=-0.25),
            at(tempo_counterforce=-0.3, tempo_engagement=0.2),
        ),
        ((0.15,),),
    ),
    Case(violence.violence_seen, (at(attacks_home=61.0), NONE, NONE), ((log(2.0),),)),
    Case(violence.violence_seen, (at(attacks_home=0.0), NONE, NONE), ((-log(31.0),),)),
)


def numbers(result: Any) -> tuple[Row, ...]:
    """What a mechanism gave, or one number, as plain rows."""
    rows: list[Row] = []
    for effect in result if isinstance(result, tuple) else (result,):
        if isinstance(effect, Flow):
            rows.append((effect.source, effect.target, float(effect.hazard)))
        elif isinstance(effect, Drift):
            rows.append((effect.index, float(effect.change), effect.noise))
        elif isinstance(effect, Count):
            rows.append((effect.name, float(effect.mean)))
        else:
            rows.append((float(effect),))
    return tuple(rows)


def agree(found: tuple[Row, ...], expected: tuple[Row, ...]) -> None:
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        for value, right in zip(row, wanted, strict=True):
            assert value == (right if isinstance(right, str) else pytest.approx(right, rel=1e-9, abs=1e-12))


@pytest.mark.parametrize("case", (*MECHANISMS, *QUANTITIES), ids=lambda case: case.declared.name)
def test_a_function_gives_what_pen_and_paper_give(case: Case) -> None:
    agree(numbers(case.declared.function(*case.given)), case.expected)


# outcomes and observations, at one month

S = at(
    hardliners=6000.0,
    pragmatists=4000.0,
    members=10_000.0,
    challengers=2000.0,
    infiltrators=100.0,
    attacks_home=30.0,
    attacks_state=20.0,
    attacks_sectarian=8.0,
    attacks_foreign_target=2.0,
    attacks_external=3.0,
    events_others=40.0,
    other_violence=4.0,
    raids=5.0,
    aid=0.5,
    hardship=log(1.5),
    engagement=log(3.0),
    resources=6.5,
    home_effort=log(2.0),
)
U = at(edict_pressure=2.0, hardness=0.8, previous=at(hardness=0.5))
M = at(defection=50.0, purge=30.0, desertion=20.0, rejoining_to_challengers=7.0, arrest=11.0)
P = at(
    recorded_share=0.5,
    recorded_raids=0.4,
    government_events=5.0,
    government_events_response=0.5,
    deaths_per_state_event=4.0,
    deaths_per_other_event=3.0,
    deaths_per_civilian_event=6.0,
    deaths_per_government_event=2.0,
    envoy_share=0.95,
    afghan_witness_share=0.9,
    bbc_share=0.8,
    itic_share=0.7,
    sayed_share=0.6,
    dod_share=0.5,
    family_multiplier=2.2,
    major_edicts=2.0,
    major_edicts_thin=0.5,
    tracker_edicts=5.0,
    directives=9.0,
    steps_forward=0.3,
    steps_backward=0.2,
    steps_backward_response=1.0,
)

OUTCOMES = {
    "defections": 57.0,
    "challengers": 2100.0,
    "challenger_share": 25.0,
    "attacks": 30.0,
    "violence": 33.0,
    "aid": 2.325,
    "engagement": log(3.0),
    "hardship": 36.0,
    # 100 of 10,000 lost in the month: a year of it leaves e^-0.12
    "cohesion": 100.0 * 0.99**12,
    "resources": 6.5,
}
# recorded: half of 20 attacks on the state and 0.4 of 5 raids; half of the 10 on civilians; government 5 e^(0.5 * 2)
OBSERVATIONS = {
    "state_based_events": 12.0 + 40.0,
    "one_sided_events": 5.0 + 5.0 * exp(1.0),
    "dyad_state_events": 12.0,
    "dyad_civilian_events": 5.0,
    "deaths_state_challenger": 48.0,
    "deaths_state_others": 120.0,
    "deaths_civilian_challenger": 30.0,
    "deaths_civilian_government": 10.0 * exp(1.0),
    "attacks_un": 30.0,
    "attacks_envoy": 28.5,
    "claims_afghan_witness": 27.0,
    "claims_bbc": 24.0,
    "claims_itic": 21.0,
    "claims_sayed": 18.0,
    "claims_dod": 15.0,
    "claims_dod_with_neighbours": 16.5,
    "external_events": 3.0,
    "fighters": 2100.0,
    "fighters_with_families": 4620.0,
    "incumbent_members": 10_000.0,
    "dismissals": 30.0,
    "arrests": 11.0,
    "raids": 5.0,
    "edicts_major": 4.0,
    "edicts_major_thin": 1.0,
    "edicts_tracker": 10.0,
    "humanitarian_directives": 18.0,
    "engagement_forward": 0.9,
    "engagement_backward": 0.2 / 3.0,
    "external_grants": 2.325,
    "people_in_need": 36.0,
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_outcome(name: str) -> None:
    found = getattr(outcomes, name).function(S, U, P, M)
    assert float(found) == pytest.approx(OUTCOMES[name], rel=1e-9)


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_an_observation(name: str) -> None:
    declared = getattr(observations, name)
    assert float(declared.function(S, U, P, M)) == pytest.approx(OBSERVATIONS[name], rel=1e-9)


def test_counts_are_counts_and_levels_are_averaged(khorasan: Study) -> None:
    levels = {"fighters", "fighters_with_families", "incumbent_members", "external_grants", "people_in_need"}
    for item in khorasan.model.observations:
        assert item.aggregate == ("mean" if item.series in levels else "sum"), item.series
        if item.series.startswith("deaths_") or item.series in levels:
            assert isinstance(item.distribution, LogNormal), item.series
        if item.series in {"raids", "engagement_forward", "engagement_backward"}:
            assert item.distribution == Poisson(), item.series
        # only the dated lists leave out months that have no item
        truncated = isinstance(item.distribution, NegativeBinomial) and item.distribution.zero_truncated
        assert truncated is item.series.startswith("edicts_major"), item.series


# actors, and the past of hardness


def test_the_payoffs() -> None:
    w = {"cohesion": 1.0, "aid": 0.5, "engagement": 0.25, "hardness": 0.1, "turn": 2.0}
    expected = 0.99**12 + 0.5 * 0.5 + 0.25 * log(3.0) + 0.1 * 0.8 - 2.0 * 0.09
    assert float(actors.incumbent.payoff(S, U, M, w)) == pytest.approx(expected, rel=1e-9)
    assert set(w) == set(actors.incumbent.weights)
    w = {"share": 1.0, "effort": 0.01}
    assert float(actors.challenger.payoff(S, U, M, w)) == pytest.approx(2000.0 / 8000.0 - 0.02, rel=1e-9)
    assert set(w) == set(actors.challenger.weights)


def test_hardness_closes_what_is_still_open() -> None:
    p = at(edict_persistence=0.6, edict_noise=0.5, hardness_start=0.4, closing=0.1)
    paths = actors.hardness_from_edicts.function(np.array([0.8, 1.0, -1.0]), p)
    # log pressure: 0.5 * 0.8 / sqrt(1 - 0.36) = 0.5, then 0.6 * 0.5 + 0.5 = 0.8, then 0.6 * 0.8 - 0.5 = -0.02
    pressure = [exp(0.5), exp(0.8), exp(-0.02)]
    # a month's edicts count from the next month on: what is open starts at 0.6
    still_open = [0.6, 0.6 * exp(-0.1 * pressure[0]), 0.6 * exp(-0.1 * (pressure[0] + pressure[1]))]
    np.testing.assert_allclose(paths["edict_pressure"], pressure)
    np.testing.assert_allclose(paths["hardness"], [1.0 - share for share in still_open])


def test_nothing_in_the_theory_goes_unchecked(khorasan: Study) -> None:
    model = khorasan.model
    checked = {case.declared.name for case in MECHANISMS}
    assert checked == {item.name for item in model.mechanisms}
    assert {case.declared.name for case in QUANTITIES} == {item.name for item in model.quantities}
    assert set(OUTCOMES) == {item.name for item in model.outcomes}
    assert set(OBSERVATIONS) == {item.series for item in model.observations}
    assert {actor.name for actor in model.actors} == {"incumbent", "challenger"}
    assert [history.name for history in model.lever_histories] == ["hardness_from_edicts"]


# what the sources claim is what a positive parameter does

CLAIMED = {
    "defection_idleness": (people.defection, "s.idleness", +1),  # N07
    "defection_propaganda": (people.defection, "u.propaganda", +1),  # M09
    "defection_demonstration": (people.defection, "s.demonstration", +1),  # N04, N28
    "rejoining_standing": (people.rejoining, "s.standing", -1),  # N17, M11
    "desertion_capacity": (people.desertion, "s.capacity", -1),  # N11
    "recruitment_hardship": (people.recruitment, "s.hardship", +1),  # M09
    "recruitment_propaganda": (people.recruitment, "u.propaganda", +1),  # M09
    "recruitment_demonstration": (people.recruitment, "s.demonstration", +1),  # M25
    "sympathy_hardship": (people.sympathy, "s.hardship", +1),  # M09
    "tempo_engagement": (violence.home_effort, "s.engagement", +1),  # N20
    "displacement": (violence.external_attacks, "s.home_effort", -1),  # N23
    "standing_hardness": (standing.standing, "u.hardness", +1),  # M12
    "standing_engagement": (standing.standing, "s.engagement", -1),  # N02, M08
    "standing_aid": (standing.standing, "s.aid", -1),  # N02
    "standing_attacks": (standing.standing, "s.violence_seen", -1),  # N04, N32
    "grievance_repression": (standing.grievance, "u.repression", +1),  # M24
    "grievance_sectarian": (standing.grievance, "s.attacks_sectarian", +1),  # N22
    "security_foreign_targets": (standing.security, "s.attacks_foreign_target", -1),  # N24
    "security_capacity": (standing.security, "s.capacity", +1),  # N09
    "engagement_opening": (outside.engagement, "u.hardness", -1),  # N10
    "engagement_security": (outside.engagement, "s.security", +1),  # N01, M28
    "engagement_external": (outside.engagement, "s.attacks_external", -1),  # N31
    "aid_conditionality": (outside.aid, "u.hardness", -1),  # M17
    "aid_security": (outside.aid, "s.security", +1),  # N12
    "aid_engagement": (outside.aid, "s.engagement", +1),  # N11
    "hardship_aid": (outside.hardship, "s.aid", -1),  # M02
    "hardship_attacks": (outside.hardship, "s.violence_seen", +1),  # N31
}


class Usual:
    """Any name is answered with a usual value, unless it was given one."""

    def __init__(self, usual: Callable[[str], float], **given: Any) -> None:
        self._usual = usual
        self._given = given

    def __getattr__(self, name: str) -> Any:
        return self._given.get(name, self._usual(name))


def response(declared: Any, parameter: str, strength: float, cause: str) -> float:
    """How much a function's (first) number rises with a cause, with one effect of a strength and no other."""
    letter, name = cause.split(".")

    def given(value: float) -> float:
        bases = Usual(
            lambda each: 1.0 if each.endswith(("_base", "_per_thousand")) else 0.0, **{parameter: strength}
        )
        views = {
            "s": Usual(lambda _: 0.5, **({name: value} if letter == "s" else {})),
            "u": Usual(
                lambda _: 0.5,
                **{"previous": Usual(lambda _: 0.5), **({name: value} if letter == "u" else {})},
            ),
        }
        row = numbers(declared.function(views["s"], views["u"], bases))[0]
        return next(float(part) for part in row if not isinstance(part, str))

    return given(0.6) - given(0.5)


@pytest.mark.parametrize("parameter", CLAIMED)
def test_a_positive_effect_is_the_claimed_one(parameter: str) -> None:
    declared, cause, sign = CLAIMED[parameter]
    # on their own, some indices pull themselves back, which is no effect of the parameter
    none = response(declared, parameter, 0.0, cause)
    assert np.sign(response(declared, parameter, 0.5, cause) - none) == sign
    assert np.sign(response(declared, parameter, -0.5, cause) - none) == -sign


def test_each_claimed_parameter_has_its_direction_checked(khorasan: Study) -> None:
    assert set(CLAIMED) == {item.name for item in khorasan.model.parameters if item.claimed}


# no latent index can be turned round unseen


def turned_round(model: Model, name: str) -> Model:
    """The same study with one index turned round at the end that its anchor holds."""
    index = model.index(name)
    assert index.anchor is not None
    turn = {"identity": lambda x: -x, "log": lambda x: 1.0 / x, "logit": lambda x: 1.0 - x}[index.scale]

    class Turned:
        def __init__(self, names: Any) -> None:
            self.names = names

        def __getattr__(self, read: str) -> Any:
            value = getattr(self.names, read)
            return turn(value) if read == name else value

    def reading(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda s, *others: function(Turned(s), *others)

    def moving(function: Callable[..., Any]) -> Callable[..., Any]:
        def moved(*given: Any) -> Any:
            result = function(*given)
            effects = result if isinstance(result, tuple) else (result,)
            return tuple(
                replace(item, change=-item.change) if isinstance(item, Drift) and item.index == name else item
                for item in effects
            )

        return moved

    change = moving if index.anchor.through == f"drift:{name}" else reading
    return replace(
        model,
        **{
            kind: tuple(replace(item, function=change(item.function)) for item in getattr(model, kind))
            for kind in (
                ("mechanisms",) if change is moving else ("mechanisms", "quantities", "observations")
            )
        },
    )


INDICES = (
    "standing",
    "grievance",
    "security",
    "engagement",
    "aid",
    "hardship",
    "tempo",
    "demonstration",
    "other_violence",
)


@pytest.mark.parametrize("name", INDICES)
def test_an_index_turned_round_is_refused(khorasan: Study, name: str) -> None:
    assert set(INDICES) == {index.name for index in khorasan.model.indices}
    tables = {prior_set: prior_table(khorasan.model.parameters, prior_set) for prior_set in PRIOR_SETS}
    with pytest.raises(InputError) as caught:
        check_anchors(turned_round(khorasan.model, name), tables, draws=4)
    assert caught.value.where.endswith(
        f"index {name!r}, anchor {khorasan.model.index(name).anchor.through!r}"
    )
