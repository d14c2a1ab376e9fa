"""The diagram: which links there are, how strong, with which words; all derived from the mechanisms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import Array

from outbid.model.compile import from_scale, initial_state
from outbid.model.declare import Model, declare
from outbid.model.diagram import LONGEST, Link, build_responses, formula, links, summarise
from outbid.model.priors import PRIOR_SETS, from_standard_normal, prior_table
from outbid.model.vocabulary import (
    Anchor,
    Count,
    Drift,
    Flow,
    Index,
    Lever,
    Parameter,
    Prior,
    Stock,
    exp,
    log1p,
    logit,
    mechanism,
    quantity,
)
from outbid.study import load_study

DRAWS = 500
quantiles = jax.jit(from_standard_normal)


@quantity(unit="log events")
def heat(s, u, p):
    """How hot the month is."""
    return log1p(s.clashes)


@quantity(unit="log events")
def glow(s, u, p):
    """Heat and anger together."""
    return s.heat + s.anger


@mechanism(evidence=["T01", "T02"])
def joining(s, u, p):
    """Angry people join, or flee."""
    pull = s.anger + p.fear * u.policing
    return Flow("population", "rebels", p.base * exp(pull)), Flow("population", "abroad", p.base)


@mechanism(evidence=["T03"])
def dying(s, u, p):
    """Rebels die under pressure, and when there are many of them."""
    return Flow("rebels", "dead", p.base * u.policing * s.rebels)


@mechanism(evidence=["T04"])
def clashing(s, u, p):
    """Rebels clash with the police; some clashes become riots."""
    mean = 0.01 * s.rebels * exp(p.temper * s.anger)
    return [Count("clashes", mean), Count("riots", mean * u.tax)]


@mechanism(evidence=["T05"])
def anger(s, u, p):
    """Clashes and new taxes make people angry; anger fades."""
    change = -0.3 * s.anger
    change += p.temper * s.glow
    return Drift(index="anger", change=change + 2.0 * (u.tax - u.previous.tax), noise="base")


@mechanism(nuisance="Something has to calm people down")
def calm(s, u, p):
    """Last month's bonus calms."""
    return Drift("calm", 0.5 * u.previous.bonus - logit(s.calm))


def toy() -> Model:
    """A model that holds one of everything the diagram has to see through."""
    number = {"neutral": Prior("normal", (0.0, 0.5)), "sources": Prior("half_normal", (0.5,))}
    return declare(
        stocks=[
            Stock("population", "Everybody else", 1e6),
            Stock("rebels", "Rebels", 800.0),
            Stock("abroad", "Those who fled", 0.0),
            Stock("dead", "The dead", 0.0, sink=True),
        ],
        indices=[
            Index("anger", "Anger", 0.2, Anchor("hazard:joining", 1, 1.0)),
            Index("calm", "Calm", 0.4, Anchor("drift:calm", 1, of="bonus"), scale="logit"),
        ],
        levers=[Lever(name, name, "police", 0.0, 1.0) for name in ("policing", "tax", "bonus")],
        parameters=[
            Parameter(
                "base", "1/month", "A base", {name: Prior("lognormal", (0.01, 0.5)) for name in PRIOR_SETS}
            ),
            Parameter("fear", "1", "Fear", number, claimed=True),
            Parameter("temper", "1", "Temper", number, claimed=True),
        ],
        theory=[
            SimpleNamespace(
                **{item.name: item for item in (heat, glow, joining, dying, clashing, anger, calm)}
            )
        ],
    )


@pytest.fixture(scope="module")
def contest() -> Model:
    return toy()


@pytest.fixture(scope="module")
def respond(contest: Model) -> Callable[..., Array]:
    return jax.jit(build_responses(contest))


@pytest.fixture(scope="module")
def khorasan() -> Model:
    return load_study("khorasan").model


Place = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]


def place(model: Model, random: np.random.Generator) -> Place:
    """Parameters, states, levers and last month's levers at random, all inside their ranges."""
    z = jnp.asarray(random.standard_normal(len(model.parameters)))
    drawn = np.asarray(quantiles(z, prior_table(model.parameters, "neutral")))
    p = dict(zip(model.parameter_names, map(float, drawn), strict=True))
    states = {item.name: 100.0 + 1000.0 * random.random() for item in model.stocks}
    states |= {item.name: 0.2 + 0.6 * random.random() for item in model.indices}
    levers, previous = (
        {item.name: item.low + (item.high - item.low) * random.uniform(0.1, 0.9) for item in model.levers}
        for _ in "ab"
    )
    return p, states, levers, previous


class World:
    """What a mechanism sees, worked out without the engine: quantities on demand, counts as given."""

    def __init__(self, model: Model, at: Place, counts: Mapping[str, np.ndarray] | None = None) -> None:
        p, self._states, levers, previous = at
        self._counts = counts
        self._model = model
        self._u = SimpleNamespace(**levers, previous=SimpleNamespace(**previous))
        self._p = SimpleNamespace(**p)

    def __getattr__(self, name: str) -> Any:
        if name in self._states:
            return self._states[name]
        if name in self._model.counts:
            if self._counts is not None:
                return self._counts[name]
            return next(
                item.mean
                for item in self.effects(self._model.counts[name])
                if getattr(item, "name", "") == name
            )
        return next(item for item in self._model.quantities if item.name == name).function(
            self, self._u, self._p
        )

    def effects(self, name: str) -> tuple[Any, ...]:
        item = next(item for item in self._model.mechanisms if item.name == name)
        result = item.function(self, self._u, self._p)
        return tuple(result) if isinstance(result, tuple | list) else (result,)

    def ends(self, link: Link) -> list[np.ndarray]:
        """Every effect of a link's mechanism on its target, in logs unless a drift's."""
        found = []
        for item in self.effects(link.mechanism):
            if isinstance(item, Flow) and link.target == (
                item.target if link.sign_of_end > 0 else item.source
            ):
                found.append(link.sign_of_end * np.log(item.hazard))
            elif isinstance(item, Drift) and item.index == link.target:
                found.append(np.asarray(item.change))
            elif isinstance(item, Count) and item.name == link.target:
                found.append(np.log(item.mean))
        return found


def by_differences(model: Model, at: Place, only_before: str = "") -> list[list[float]]:
    """Each link's response by central differences, for each effect that it could be.

    The world is seen at two points for each link side by side, so that each function is called once.
    """
    every = links(model)
    counts = {name: float(getattr(World(model, at), name)) for name in model.counts}
    p, *middles = at
    middles.append(counts)
    states, levers, previous, seen = (
        {name: np.full((len(every), 2), value) for name, value in middle.items()} for middle in middles
    )
    steps = []
    for i, link in enumerate(every):
        kinds = [states, seen, previous if link.source == only_before else levers]
        values = next(kind for kind in kinds if link.source in kind)[link.source]
        steps.append(1e-5 * max(1.0, abs(values[i, 0])))
        values[i] += [steps[i], -steps[i]]
    world = World(model, (p, states, levers, previous), seen)

    def slope(end: np.ndarray, i: int) -> float:
        up, down = np.broadcast_to(end, (len(every), 2))[i]
        return float((up - down) / (2 * steps[i]))

    return [[slope(end, i) for end in world.ends(link)] for i, link in enumerate(every)]


def check_every_link(model: Model, respond: Callable[..., Array], at: Place, only_before: str = "") -> None:
    found = zip(links(model), np.asarray(respond(*at)), by_differences(model, at, only_before), strict=True)
    for link, response, expected in found:
        assert any(np.isclose(response, each, rtol=1e-5, atol=1e-8) for each in expected), (
            link,
            response,
            expected,
        )


# which links there are


def test_links_are_what_the_mechanisms_depend_on(contest: Model) -> None:
    found = {
        (each.source, each.target, each.mechanism, each.through, each.sign_of_end) for each in links(contest)
    }
    assert found == {
        ("anger", "rebels", "joining", "hazard", 1),
        ("policing", "rebels", "joining", "hazard", 1),
        ("anger", "population", "joining", "hazard", -1),
        ("policing", "population", "joining", "hazard", -1),
        ("policing", "rebels", "dying", "hazard", -1),  # not rebels on rebels, nor anything on the dead
        ("rebels", "clashes", "clashing", "count", 1),
        ("anger", "clashes", "clashing", "count", 1),
        ("rebels", "riots", "clashing", "count", 1),
        ("anger", "riots", "clashing", "count", 1),
        ("tax", "riots", "clashing", "count", 1),  # and not on clashes, which the same function returns
        ("clashes", "anger", "anger", "drift", 1),  # by way of two quantities
        ("tax", "anger", "anger", "drift", 1),
        ("bonus", "calm", "calm", "drift", 1),  # last month's, and nothing else
    }


def test_a_link_carries_its_mechanisms_words_and_evidence(contest: Model) -> None:
    found = {(each.source, each.target): each for each in links(contest)}
    link = found["anger", "rebels"]
    assert link.sentence == "Angry people join, or flee."
    assert link.evidence == ("T01", "T02")
    assert not link.reservoir
    assert found["anger", "population"].reservoir
    assert found["bonus", "calm"].evidence == ()


def test_formulas_come_from_the_source_with_steps_in_between_filled_in(contest: Model) -> None:
    found = {(each.source, each.target): each.formula for each in links(contest)}
    assert found["anger", "rebels"] == "hazard = base * exp(anger + fear * policing)"
    assert found["tax", "riots"] == "riots = 0.01 * rebels * exp(temper * anger) * tax"
    assert found["tax", "anger"] == "change = -0.3 * anger + temper * glow + 2 * (tax - previous.tax)"
    assert found["clashes", "anger"] == found["tax", "anger"] + "; glow = heat + anger; heat = log1p(clashes)"
    assert found["bonus", "calm"] == "change = 0.5 * previous.bonus - logit(calm)"


def test_a_mechanism_without_source_text_has_no_formula() -> None:
    made: dict[str, Any] = {}
    exec("def unseen(s, u, p):\n    return s.anger", made)
    assert formula(made["unseen"], 0, "drift", "anger", "anger", {}) == ""


def test_khorasans_formulas_are_short_single_lines_that_name_their_source(khorasan: Model) -> None:
    for link in links(khorasan):
        assert 0 < len(link.formula) <= LONGEST
        assert "\n" not in link.formula
        assert link.source in link.formula, link
        assert not re.search(r"\b[sup]\.", link.formula)
    hardness = next(
        each for each in links(khorasan) if (each.source, each.target) == ("hardness", "standing")
    )
    assert "(hardness - previous.hardness)" in hardness.formula


# how strong they are


def test_responses_are_the_derivatives_wherever_one_looks(
    contest: Model, respond: Callable[..., Array]
) -> None:
    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def law(seed: int) -> None:
        check_every_link(contest, respond, place(contest, np.random.default_rng(seed)), only_before="bonus")

    law()


def test_khorasans_responses_are_the_derivatives(khorasan: Model) -> None:
    respond = jax.jit(build_responses(khorasan))
    check_every_link(khorasan, respond, place(khorasan, np.random.default_rng(5)))


def test_a_hazard_of_zero_responds_without_bound_to_what_lifts_it_and_else_not_at_all(
    contest: Model, respond: Callable[..., Array]
) -> None:
    p, states, levers, previous = place(contest, np.random.default_rng(0))
    responses = respond(p, states, levers | {"tax": 0.0, "policing": 0.0}, previous)
    found = zip(links(contest), responses, strict=True)
    by_name = {(each.source, each.target, each.mechanism): float(value) for each, value in found}
    assert by_name["tax", "riots", "clashing"] == np.inf
    assert by_name["policing", "rebels", "dying"] == -np.inf
    assert by_name["anger", "riots", "clashing"] == 0.0
    assert by_name["anger", "clashes", "clashing"] == pytest.approx(p["temper"])


Effects = Callable[[str, str, str], np.ndarray]


@pytest.fixture(scope="module")
def effects(khorasan: Model) -> Mapping[str, Effects]:
    """Khorasan's responses at draws from both priors, at the opening state and typical levers."""
    respond = build_responses(khorasan)
    levers = {item.name: item.low + 0.4 * (item.high - item.low) for item in khorasan.levers}
    every = links(khorasan)

    def at(parameters: Array) -> Array:
        p = dict(zip(khorasan.parameter_names, parameters, strict=True))
        states = initial_state(khorasan, p)
        states |= {item.name: from_scale(item.scale, states[item.name]) for item in khorasan.indices}
        return respond(p, states, levers, levers)

    compiled = jax.jit(jax.vmap(at))

    def under(prior_set: str) -> Effects:
        table = prior_table(khorasan.parameters, prior_set)
        z = np.random.default_rng(1).standard_normal((DRAWS, len(khorasan.parameters)))
        parameters = quantiles(jnp.asarray(z), table)
        responses = np.asarray(compiled(parameters))
        assert responses.shape == (DRAWS, len(every))
        columns = {(each.source, each.target, each.mechanism): i for i, each in enumerate(every)}
        columns = {
            ("parameter", name, ""): -i - 1 for i, name in enumerate(khorasan.parameter_names)
        } | columns
        both = np.concatenate([responses, np.asarray(parameters)[:, ::-1]], axis=1)
        return lambda *name: both[:, columns[name]]

    return {name: under(name) for name in PRIOR_SETS}


@pytest.mark.parametrize("prior_set", PRIOR_SETS)
def test_khorasans_anchored_and_built_in_signs_hold_under_any_prior(
    effects: Mapping[str, Effects], prior_set: str
) -> None:
    of = effects[prior_set]
    assert np.allclose(of("standing", "challengers", "defection"), -1.0)
    assert np.allclose(of("standing", "hardliners", "defection"), 1.0)
    assert (of("aid_offer", "aid", "aid") > 0).all()
    assert (of("attacks_home", "security", "security") < 0).all()
    hardening = of("parameter", "standing_hardness", "")
    assert np.array_equal(np.sign(of("hardness", "standing", "standing")), np.sign(hardening))


@pytest.mark.parametrize(
    ("link", "sign"),
    [
        (("hardness", "standing", "standing"), 1),
        (("engagement", "standing", "standing"), -1),
        (("propaganda", "challengers", "defection"), 1),
        (("propaganda", "hardliners", "defection"), -1),
        (("aid", "hardliners", "desertion"), 1),
        (("hardship", "challengers", "recruitment"), 1),
        (("recognition_offer", "engagement", "engagement"), 1),
    ],
)
def test_claimed_effects_start_at_even_odds_and_have_the_claimed_sign_under_the_sources(
    effects: Mapping[str, Effects], link: tuple[str, str, str], sign: int
) -> None:
    neutral, sources = (
        summarise(effects[name](*link)[:, None], [0.1])["p_positive"][0] for name in ("neutral", "sources")
    )
    assert neutral == pytest.approx(0.5, abs=0.08)
    assert sources == (1.0 if sign > 0 else 0.0)


# summaries


def test_a_summary_counts_zeros_half() -> None:
    found = summarise(
        [[1.0, 0.0, -1.0], [3.0, 0.0, 0.0], [2.0, 0.0, -4.0], [-2.0, 0.0, -3.0]], [2.0, 1.0, 0.5]
    )
    assert found["effect"] == pytest.approx([3.0, 0.0, -1.0])
    assert found["size"] == pytest.approx([4.0, 0.0, 1.0])
    assert found["p_positive"] == pytest.approx([0.75, 0.5, 0.125])


@given(
    st.lists(
        st.lists(st.sampled_from([-2.0, -0.5, 0.0, 1.0]), min_size=2, max_size=2), min_size=1, max_size=9
    )
)
def test_turning_effects_round_turns_their_summary_round(draws: list[list[float]]) -> None:
    ahead, back = summarise(draws, [1.0, 3.0]), summarise(-np.array(draws), [1.0, 3.0])
    assert np.allclose(ahead["effect"], -back["effect"]) and np.allclose(ahead["size"], back["size"])
    assert np.allclose(ahead["p_positive"], 1.0 - back["p_positive"])
