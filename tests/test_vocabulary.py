"""What may be declared: a sound contest becomes a model, and each fault is told with its place and its remedy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbid.errors import InputError
from outbid.model.declare import Model, declare
from outbid.model.vocabulary import (
    Actor,
    Anchor,
    Count,
    Drift,
    Flow,
    Index,
    Lever,
    LogNormal,
    NegativeBinomial,
    Parameter,
    Poisson,
    Prior,
    Stock,
    autoregressive,
    cumulative_sum,
    exp,
    lever_history,
    mechanism,
    observation,
    outcome,
    quantity,
    share,
)

# a contest with one of everything


@quantity(unit="share")
def force(s, u, p):
    """The rival's part of all."""
    return share(s.rivals, s.members + s.rivals)


@mechanism(evidence=["N03"])
def defection(s, u, p):
    """Members leave for the rival as standing falls."""
    return Flow(
        "members", "rivals", p.base * exp(-s.standing + p.effect * (u.hardness - u.previous.hardness))
    )


@mechanism(evidence=["N15"])
def losses(s, u, p):
    """The rival loses people."""
    return Flow("rivals", "gone", p.base * u.pressure), Flow("rivals", "members", p.base)


@mechanism(nuisance="Violence is what the figures count")
def attacks(s, u, p):
    """The rival attacks in proportion to its force."""
    return Count("attacks_home", 30.0 * s.force)


@mechanism(evidence=["N02"])
def standing(s, u, p):
    """Attacks lower the incumbent's standing."""
    return Drift("standing", -0.1 * s.standing - p.effect * s.attacks_home, noise="noise")


@outcome(label="Defections", unit="persons", better="lower", summary="sum")
def defections(s, u, p, m):
    """Members who leave for the rival."""
    return m.defection + 0.0 * m.losses_to_gone


@observation(NegativeBinomial("spread"))
def attacks_reported(s, u, p, m):
    """Attacks that are reported."""
    return s.attacks_home


@lever_history("hardness", noise="edict_noise", evidence=["M05"])
def hardness_seen(innovations, p):
    """Hardness is seen through edicts."""
    return {"hardness": 1.0 / (1.0 + exp(-autoregressive(innovations, 0.5, p.edict_noise)))}


def payoff(s, u, m, w):
    """The rival wants its share to grow, and effort costs."""
    return w["share"] * s.force - w["cost"] * (u.pressure - u.previous.pressure) ** 2 + 0.0 * m.defection


RIVAL = Actor(
    "rival", "Wants members", {"pressure": (0.0, 1.0)}, payoff, {"share": 1.0, "cost": 0.5}, ("N21",)
)
POSITIVE = {name: Prior("lognormal", (0.1, 0.5)) for name in ("neutral", "sources")}
FREE = {name: Prior("normal", (0.0, 0.5)) for name in ("neutral", "sources")}


def parameter(name: str, priors: dict[str, Prior] = POSITIVE) -> Parameter:
    return Parameter(name, "1/month", "A number", priors)


STANDING = Index("standing", "Credit", 0.0, Anchor("hazard:defection", -1, -1.0), noise_months=3)
PARTS: dict[str, Any] = {
    "stocks": (Stock("members", "M", "start"), Stock("rivals", "R", 10.0), Stock("gone", "G", sink=True)),
    "indices": (STANDING,),
    "levers": (
        Lever("hardness", "How hard", "incumbent", 0.0, 1.0),
        Lever("pressure", "How pressed", "rival", 0.0, 1.0),
    ),
    "parameters": (
        *map(parameter, ("start", "base", "noise", "spread", "edict_noise")),
        parameter("effect", FREE),
    ),
}
THEORY: dict[str, object] = {
    "force": force,
    "defection": defection,
    "losses": losses,
    "attacks": attacks,
    "standing": standing,
    "defections": defections,
    "attacks_reported": attacks_reported,
    "hardness_seen": hardness_seen,
    "rival": RIVAL,
}


def contest(*added: object, without: str = "", file: str = "study 'toy'", **changed: Any) -> Model:
    """The contest above with parts changed, declarations added (in the place of those they are named after)."""
    theory = {name: value for name, value in THEORY.items() if name not in without.split()}
    for number, value in enumerate(added):
        name = str(getattr(value, "series", getattr(value, "name", number)))
        kept = type(theory.get(name)) is not type(value)
        theory[f"added {number}" if kept else name] = value
    return declare(**{**PARTS, **changed}, theory=[SimpleNamespace(**theory)], file=file)


def refused(*added: object, **changed: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        contest(*added, **changed)
    assert "\n" not in str(caught.value)
    assert caught.value.fix.endswith((".", "?", ")"))
    return caught.value


def place(declared: Any) -> str:
    function = getattr(declared, "function", declared)
    return f"test_vocabulary.py, line {function.__code__.co_firstlineno}, {function.__name__}"


def with_part(kind: str, part: Any) -> dict[str, tuple[Any, ...]]:
    """The parts of a kind, one of them replaced by, or joined by, a new one of the same name."""
    others = [item for item in PARTS[kind] if item.name != part.name]
    return {kind: (*others, part)}


# what a sound one becomes


def test_a_sound_contest_becomes_a_model_that_knows_its_names() -> None:
    model = contest()
    assert model.parameter_names == ("start", "base", "noise", "spread", "edict_noise", "effect")
    assert model.lever_names == ("hardness", "pressure")
    assert model.noisy == ("standing",)
    assert model.counts == {"attacks_home": "attacks"}
    assert set(model.readable) == {"members", "rivals", "gone", "standing", "force", "attacks_home"}
    assert model.moved == {
        "defection",
        "defection_to_rivals",
        "losses",
        "losses_to_gone",
        "losses_to_members",
    }
    assert model.innovation_blocks(7) == {"standing": 3, "hardness_seen": 7}
    assert model.index("standing") is STANDING
    assert model.lever("pressure").owner == "rival"


def test_each_comes_after_what_it_reads() -> None:
    order = contest().order
    assert order.index("quantity force") < order.index("attacks") < order.index("standing")


def test_reads_are_kept_by_where_they_were_read() -> None:
    reads = contest().reads["defection"]
    assert (reads.s, reads.p) == ({"standing"}, {"base", "effect"})
    assert (reads.u, reads.previous) == ({"hardness"}, {"hardness"})


def test_a_declaration_says_where_it_stands_and_what_it_means() -> None:
    assert defection.where == place(defection)
    assert defection.meaning == "Members leave for the rival as standing falls."
    assert defection.evidence == ("N03",)
    assert attacks.nuisance
    assert hardness_seen.levers == ("hardness",)


def test_what_two_modules_share_is_one_thing() -> None:
    theory = [SimpleNamespace(**THEORY), SimpleNamespace(defection=defection, number=3)]
    assert declare(**PARTS, theory=theory).mechanisms == contest().mechanisms


def test_asking_a_model_for_what_it_lacks() -> None:
    with pytest.raises(InputError, match=r"no such lever. Did you mean 'pressure'"):
        contest().lever("presure")
    with pytest.raises(InputError, match=r"no such index. Did you mean 'standing'"):
        contest().index("standin")


# names that mean nothing


def bad_state(s, u, p):
    """It reads a state that is not there."""
    return Flow("members", "rivals", p.base * s.standng)


def bad_lever(s, u, p):
    """It reads a lever that is not there."""
    return Flow("members", "rivals", p.base * u.hardnes)


def bad_previous(s, u, p):
    """It reads a lever of last month that is not there."""
    return Flow("members", "rivals", p.base * u.previous.presure)


def bad_parameter(s, u, p):
    """It reads a parameter that is not there."""
    return Flow("members", "rivals", p.bse)


@pytest.mark.parametrize(
    ("function", "problem", "meant"),
    [
        (bad_state, "reads s.standng, but there is no such state, quantity or count", "standing"),
        (bad_lever, "reads u.hardnes, but there is no such lever", "hardness"),
        (bad_previous, "reads u.previous.presure, but there is no such lever", "pressure"),
        (bad_parameter, "reads p.bse, but there is no such parameter", "base"),
    ],
)
def test_a_misspelt_name_in_a_mechanism(function: Callable[..., Any], problem: str, meant: str) -> None:
    fault = refused(mechanism(evidence=["N03"])(function))
    assert (fault.where, fault.problem) == (place(function), problem)
    assert fault.fix == f"Did you mean {meant!r}?"


def test_a_misspelt_move_in_an_outcome_and_an_observation() -> None:
    def bad_outcome(s, u, p, m):
        """It reads a flow that is not there."""
        return m.defecton

    def bad_observation(s, u, p, m):
        """It reads a flow that is not there."""
        return m.losses_to_rivals

    fault = refused(outcome(label="L", unit="persons", better="lower", summary="sum")(bad_outcome))
    assert (fault.where, fault.problem) == (place(bad_outcome), "reads m.defecton, but there is no such flow")
    assert fault.fix == "Did you mean 'defection'?"
    fault = refused(observation(Poisson())(bad_observation))
    assert fault.where == place(bad_observation)
    assert fault.problem == "reads m.losses_to_rivals, but there is no such flow"


def test_what_tables_tell_by_its_words_has_words_of_its_own() -> None:
    """Two outcomes; two stocks; a stock and an index; in other letters and spaces."""

    def more(s, u, p, m):
        """It is told apart by its name only."""
        return m.defection

    fault = refused(outcome(label=" DEFECTIONS", unit="persons", better="lower", summary="sum")(more))
    assert (fault.where, fault.problem) == (
        "study 'toy', outcome, more, label",
        "has the label of defections",
    )
    for kind, part, of in (
        ("stocks", Stock("rivals", "m", 10.0), "members"),
        ("indices", replace(STANDING, meaning="R "), "rivals"),
    ):
        fault = refused(**with_part(kind, part))
        assert (fault.where, fault.problem) == (
            f"study 'toy', {part.name}, meaning",
            f"has the meaning of {of}",
        )


def test_a_misspelt_name_in_a_quantity() -> None:
    def burden(s, u, p):
        """It reads a state that is not there."""
        return s.rivalls

    fault = refused(quantity(unit="persons")(burden))
    assert (fault.where, fault.fix) == (place(burden), "Did you mean 'rivals'?")


def test_a_flow_between_stocks_that_do_not_exist() -> None:
    def flight(s, u, p):
        """It has nowhere to go."""
        return Flow("members", "rival", p.base)

    def arrival(s, u, p):
        """It has nowhere to come from."""
        return Flow("membrs", "rivals", p.base)

    fault = refused(mechanism(evidence=["N03"])(flight))
    assert (fault.where, fault.problem) == (place(flight), "no stock 'rival'")
    assert fault.fix == "Did you mean 'rivals'?"
    assert refused(mechanism(evidence=["N03"])(arrival)).problem == "no stock 'membrs'"


@pytest.mark.parametrize(
    ("effect", "problem"),
    [
        (Flow("gone", "rivals", 0.1), "people leave the sink 'gone'"),
        (Flow("members", "members", 0.1), "'members' flows into itself"),
        (Flow("members", "rivals", "much"), "the hazard of a flow is not a number but str"),
        (Flow("members", "rivals", None), "the hazard of a flow is not a number but NoneType"),
        (
            Flow("members", "rivals", jnp.zeros(2)),
            "the hazard of a flow is not a number but an array of shape (2,)",
        ),
        (Drift("standng", 0.0), "no index 'standng'"),
        (Drift("standing", 0.0), "'standing' is already moved by 'standing'"),
        (Count("attacks_home", 1.0), "the count 'attacks_home' is already declared by 'attacks'"),
        (Count("rivals", 1.0), "the count 'rivals' is already declared as a state or a quantity"),
        (Count("force", 1.0), "the count 'force' is already declared as a state or a quantity"),
        (Count("raids", (1.0, 2.0)), "the mean of a count is not a number but tuple"),
        ([Count("raids", 1.0), Count("raids", 2.0)], "the count 'raids' is already declared by 'further'"),
        (None, "returns NoneType"),
        (0.3, "returns float"),
        ("Flow", "returns str"),
        ((Count("raids", 1.0), 0.3), "returns float"),
    ],
    ids=str,
)
def test_an_effect_that_makes_no_sense(effect: Any, problem: str) -> None:
    def further(s, u, p):
        """It does something odd."""
        return effect

    fault = refused(mechanism(evidence=["N03"])(further))
    assert (fault.where, fault.problem) == (place(further), problem)


def test_a_drift_twice_in_one_mechanism_and_its_noise() -> None:
    def twice(s, u, p):
        """It moves standing, and once more."""
        return Drift("standing", p.effect), Drift("standing", 0.0)

    def loud(s, u, p):
        """It moves standing with a noise that is not there."""
        return Drift("standing", -p.effect, noise="nois")

    fault = refused(mechanism(evidence=["N02"])(twice), without="standing")
    assert fault.problem == "'standing' is already moved by 'twice'"
    fault = refused(mechanism(evidence=["N02"])(loud), without="standing")
    assert (fault.where, fault.problem) == (place(loud), "no parameter 'nois'")
    assert fault.fix == "Did you mean 'noise'?"


# what every part needs


def test_a_mechanism_needs_evidence_and_words() -> None:
    def silent(s, u, p):
        return Count("raids", 1.0)

    def unfounded(s, u, p):
        """It rests on nothing."""
        return Count("raids", 1.0)

    fault = refused(mechanism(evidence=["N03"])(silent))
    assert (fault.where, fault.problem) == (place(silent), "has no docstring")
    for empty in (mechanism(), mechanism(evidence=[])):
        fault = refused(empty(unfounded))
        assert (fault.where, fault.problem) == (place(unfounded), "has no evidence")


def test_an_index_needs_a_drift_and_an_anchor() -> None:
    fault = refused(without="standing")
    assert (fault.where, fault.problem) == ("study 'toy'", "nothing moves the index 'standing'")
    fault = refused(indices=(replace(STANDING, anchor=None),))
    assert fault.where == "study 'toy', index 'standing'"
    assert "without an anchor" in fault.problem


@pytest.mark.parametrize(
    ("kind", "part", "problem"),
    [
        ("indices", replace(STANDING, scale="logg"), "scale is 'logg'"),
        ("indices", replace(STANDING, low=6.0), "its low end is not below its high end"),
        (
            "indices",
            replace(STANDING, scale="log", initial=1.0, low=0.0),
            "its range reaches an end of the log scale",
        ),
        (
            "indices",
            replace(STANDING, scale="logit", initial=0.5, high=1.0),
            "its range reaches an end of the logit scale",
        ),
        ("indices", replace(STANDING, high=math.inf), "its range reaches an end of the identity scale"),
        ("indices", replace(STANDING, low=math.nan), "its low end is not below its high end"),
        ("indices", replace(STANDING, noise_months=0), "noise_months is below 1"),
        ("indices", replace(STANDING, initial=7.0), "starts at 7, outside its range"),
        ("indices", replace(STANDING, initial=0.0, scale="log"), "starts at 0, outside its range"),
        ("indices", replace(STANDING, initial=1.0, scale="logit"), "starts at 1, outside its range"),
        (
            "indices",
            replace(STANDING, initial="base", scale="logit"),
            "may start outside 0 to 1, from 'base'",
        ),
        ("indices", replace(STANDING, initial="effect", scale="log"), "may start below zero, from 'effect'"),
        ("indices", replace(STANDING, initial="basis"), "starts from an unknown parameter 'basis'"),
        ("stocks", Stock("rivals", "R", "efect"), "starts from an unknown parameter 'efect'"),
        ("stocks", Stock("rivals", "R", "effect"), "may start below zero, from 'effect'"),
        ("stocks", Stock("rivals", "R", -1.0), "starts below zero"),
        ("stocks", Stock("rivals", "R", math.nan), "starts below zero"),
        ("levers", Lever("pressure", "P", "rival", 1.0, 1.0), "its low end is not below its high end"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_state_or_lever_that_makes_no_sense(kind: str, part: Any, problem: str) -> None:
    fault = refused(**with_part(kind, part))
    assert fault.problem == problem
    assert part.name in fault.where


def test_an_unknown_word_in_an_outcome_or_an_observation() -> None:
    fault = refused(replace(defections, summary="total"))
    assert (fault.where, fault.problem) == (place(defections), "summary is 'total'")
    assert refused(replace(defections, better="more")).problem == "better is 'more'"
    fault = refused(replace(attacks_reported, aggregate="means"))
    assert (fault.problem, fault.fix) == ("aggregate is 'means'", "Did you mean 'mean'?")


@pytest.mark.parametrize("law", [NegativeBinomial("sprad"), LogNormal("sprad")])
def test_an_observation_with_an_unknown_spread(law: NegativeBinomial | LogNormal) -> None:
    fault = refused(replace(attacks_reported, distribution=law))
    assert (fault.where, fault.problem) == (place(attacks_reported), "no parameter 'sprad'")
    assert fault.fix == "Did you mean 'spread'?"


@pytest.mark.parametrize("spread", [0.0, -0.2, float("nan"), float("inf"), None])
def test_a_spread_that_is_none_is_refused(spread: Any) -> None:
    """Nothing, less than nothing, no number, without end, left out."""
    assert (
        refused(replace(attacks_reported, distribution=LogNormal(spread))).problem
        == f"has the spread {spread!r}"
    )


def test_laws_without_a_parameter_are_sound() -> None:
    parameters = tuple(item for item in PARTS["parameters"] if item.name != "spread")
    for law in (Poisson(), LogNormal(0.3)):
        assert contest(replace(attacks_reported, distribution=law), parameters=parameters).observations


def test_names_are_taken_once() -> None:
    for kind, part in (
        ("stocks", Stock("standing", "S")),
        ("levers", PARTS["levers"][0]),
        # which a rule could not tell apart
        ("levers", Lever("rivals", "L", "rival", 0.0, 1.0)),
        ("levers", Lever("standing", "L", "rival", 0.0, 1.0)),
        ("parameters", parameter("base")),
        ("indices", replace(STANDING, name="force")),
    ):
        fault = refused(**{kind: (*PARTS[kind], part)})
        assert fault.problem == f"the name {part.name!r} is declared twice"
    fault = refused(levers=(*PARTS["levers"], replace(PARTS["levers"][0], name="previous")))
    assert "'previous' is taken" in fault.problem
    fault = refused(replace(hardness_seen, name="standing"))
    assert fault.problem == "the name 'standing' is declared twice"


@pytest.mark.parametrize(
    "name",
    ["lambda", "None", "_hidden", "two words", "a/b", "a.b", "1st", "", "ﬁghters", "chance", "x" * 101],
)
def test_a_name_has_to_be_one_that_a_formula_can_read(name: str) -> None:
    """Tried: words of Python, a leading underscore or digit, spaces, slashes and dots (groups of a file), ligatures,

    no name, a name of the program's own, one longer than a file can hold; of stocks, indices, levers, parameters, counts.
    """
    for kind, part in (
        ("stocks", Stock(name, "S")),
        ("levers", replace(PARTS["levers"][0], name=name)),
        ("parameters", parameter(name)),
        ("indices", replace(STANDING, name=name)),
    ):
        assert repr(name) in refused(**{kind: (*PARTS[kind], part)}).problem
    count = mechanism(evidence=["N03"])(lambda s, u, p: Count(name, p.base))
    assert repr(name) in refused(replace(count, name="counting", meaning="Counts.")).problem


def test_a_mechanism_declared_in_two_modules_is_not_silently_lost() -> None:
    def other_defection(s, u, p):
        """Another mechanism by the same name."""
        return Flow("members", "rivals", p.base)

    second = replace(mechanism(evidence=["N03"])(other_defection), name="defection")
    with pytest.raises(InputError) as caught:
        declare(**PARTS, theory=[SimpleNamespace(**THEORY), SimpleNamespace(defection=second)])
    assert caught.value.problem == "the name 'defection' is declared twice"
    assert place(defection) in caught.value.where
    assert place(other_defection) in caught.value.where


def test_a_parameter_that_nothing_reads() -> None:
    fault = refused(parameters=(*PARTS["parameters"], parameter("spare"), parameter("idle")))
    assert (fault.where, fault.problem) == ("study 'toy'", "nothing reads the parameters idle, spare")


# functions that can't become a formula


def test_a_decision_by_value() -> None:
    def decided(s, u, p):
        """It decides."""
        return Flow("members", "rivals", p.base if s.standing > 0 else 0.0)

    fault = refused(mechanism(evidence=["N03"])(decided))
    assert fault.where == place(decided)
    assert "decides by the value" in fault.problem


@pytest.mark.parametrize("foreign", [math.exp, np.exp, float])
def test_a_function_that_needs_the_value(foreign: Callable[[Any], Any]) -> None:
    def foreign_words(s, u, p):
        """It uses a function of another library."""
        return Flow("members", "rivals", p.base * foreign(s.standing))

    fault = refused(mechanism(evidence=["N03"])(foreign_words))
    assert fault.where == place(foreign_words)
    assert "from the vocabulary" in fault.fix


def test_a_function_that_fails_or_takes_the_wrong_arguments() -> None:
    def failing(s, u, p):
        """It fails."""
        return Flow("members", "rivals", p["base"])

    def short(s, u):
        """It forgets the parameters."""
        return Flow("members", "rivals", u.pressure)

    for function in (failing, short):
        fault = refused(mechanism(evidence=["N03"])(function))
        assert fault.where == place(function)
        assert "fails when it is called with (s, u, p): TypeError" in fault.problem


def test_a_forgotten_return() -> None:
    def forgetful(s, u, p, m):
        """It forgets to return."""
        m.defection + 1.0

    def pair(s, u, p):
        """It returns two numbers."""
        return s.members, s.rivals

    fault = refused(observation(Poisson())(forgetful))
    assert (fault.where, fault.problem) == (place(forgetful), "returns NoneType")
    fault = refused(quantity(unit="persons")(pair))
    assert (fault.where, fault.problem) == (place(pair), "returns 2 things")


def test_a_circle_is_told_in_its_order() -> None:
    def force(s, u, p):
        """It reads attacks, which read it."""
        return s.rivals + s.attacks_home

    fault = refused(quantity(unit="persons")(force))
    assert fault.problem.startswith("depends on itself in a circle: ")
    circle = fault.problem.removeprefix("depends on itself in a circle: ").split(" → ")
    assert circle[0] == circle[-1]
    assert set(circle) == {"attacks", "quantity force"}

    def attacks(s, u, p):
        """It reads itself."""
        return Count("attacks_home", s.attacks_home)

    assert "attacks → attacks" in refused(mechanism(evidence=["N04"])(attacks)).problem


# the past of levers


@pytest.mark.parametrize(
    ("levers", "paths", "problem"),
    [
        (("hardness",), lambda i: {"pressure": i}, "gives pressure"),
        (("hardness",), lambda i: {"hardness": i, "pressure": i}, "gives hardness, pressure"),
        (("hardness", "pressure"), lambda i: {"hardness": i}, "gives hardness"),
        (("hardness",), lambda i: {}, "gives nothing"),
        (("hardness",), lambda i: i, "gives an array of shape (3,)"),
        (("hardnes",), lambda i: {"hardnes": i}, "no lever 'hardnes'"),
        (("hardness",), lambda i: {"hardness": i[0]}, "gives no path for 'hardness'"),
        (("hardness",), lambda i: {"hardness": i[1:]}, "gives no path for 'hardness'"),
    ],
)
def test_a_history_of_the_wrong_levers(
    levers: tuple[str, ...], paths: Callable[[Any], Any], problem: str
) -> None:
    def hardness_seen(innovations, p):
        """Hardness is seen somehow."""
        return paths(innovations * p.edict_noise)

    history = lever_history(*levers, noise="edict_noise", evidence=["M05"])(hardness_seen)
    fault = refused(history)
    assert (fault.where, fault.problem) == (place(hardness_seen), problem)


def test_what_a_history_of_levers_needs() -> None:
    def pressure_seen(innovations, p):
        """Another history of hardness."""
        return {"hardness": innovations * p.edict_noise}

    def misspelt(innovations, p):
        """A history with a parameter that is not there."""
        return {"pressure": innovations * p.edict_nois}

    def decided(innovations, p):
        """A history that decides by value."""
        return {"pressure": innovations if p.edict_noise > 0 else -innovations}

    assert refused(replace(hardness_seen, evidence=())).problem == "has no evidence"
    assert refused(replace(hardness_seen, meaning="")).problem == "has no docstring"
    fault = refused(replace(hardness_seen, noise="edit_noise"))
    assert (fault.problem, fault.fix) == ("no parameter 'edit_noise'", "Did you mean 'edict_noise'?")
    declared = lever_history("hardness", noise="noise", evidence=["M05"])(pressure_seen)
    assert refused(declared).problem == "'hardness' is already given by 'hardness_seen'"
    declared = lever_history("pressure", noise="noise", evidence=["M05"])(misspelt)
    assert refused(declared).problem == "reads p.edict_nois, but there is no such parameter"
    declared = lever_history("pressure", noise="noise", evidence=["M05"])(decided)
    assert "decides by the value" in refused(declared).problem


# actors


@pytest.mark.parametrize(
    ("formula", "problem", "meant"),
    [
        (lambda s, u, m, w: w["shar"] + w["cost"], 'reads w["shar"], but there is no such weight', "share"),
        (lambda s, u, m, w: w["share"] * s.forc, "reads s.forc, but there is no such", "force"),
        (
            lambda s, u, m, w: w["share"] * u.presure,
            "reads u.presure, but there is no such lever",
            "pressure",
        ),
        (
            lambda s, u, m, w: w["share"] * u.previous.hardnes,
            "reads u.previous.hardnes, but there is no such lever",
            "hardness",
        ),
        (
            lambda s, u, m, w: w["share"] * m.defectio,
            "reads m.defectio, but there is no such flow",
            "defection",
        ),
    ],
)
def test_a_misspelt_name_in_a_payoff(formula: Callable[..., Any], problem: str, meant: str) -> None:
    fault = refused(replace(RIVAL, payoff=formula))
    assert fault.where == f"actor 'rival', {place(formula)}"
    assert fault.problem.startswith(problem)
    assert fault.fix == f"Did you mean {meant!r}?"


def test_a_payoff_that_is_no_formula() -> None:
    fault = refused(replace(RIVAL, payoff=lambda s, u, m, w: w["share"] * s.force))
    assert fault.problem == "does not read the weight 'cost'"
    fault = refused(replace(RIVAL, payoff=lambda s, u, m, w: sum(w.values()) if s.force > 0.5 else 0.0))
    assert "decides by the value" in fault.problem
    fault = refused(replace(RIVAL, payoff=lambda s, u, m, w: [w["share"], w["cost"]]))
    assert fault.problem == "returns 2 things"
    fault = refused(replace(RIVAL, payoff=lambda s, u, p: s.force))
    assert "fails when it is called with (s, u, m, w)" in fault.problem
    assert contest(replace(RIVAL, payoff=lambda s, u, m, w: s.force * sum(w[name] for name in w))).actors


@pytest.mark.parametrize(
    ("levers", "problem"),
    [
        ({"presure": (0.0,)}, "holds no known lever 'presure'"),
        ({"pressure": (0.0, 1.5)}, "the levels of 'pressure' are missing or leave its range 0 to 1"),
        ({"pressure": ()}, "the levels of 'pressure' are missing or leave its range 0 to 1"),
    ],
)
def test_an_actor_with_levers_that_make_no_sense(levers: dict[str, tuple[float, ...]], problem: str) -> None:
    fault = refused(replace(RIVAL, levers=levers))
    assert (fault.where, fault.problem) == ("actor 'rival'", problem)


# the few formulas that the vocabulary itself brings


AUTOREGRESSIVE = jax.jit(autoregressive)


@given(st.floats(0.01, 0.99), st.floats(0.01, 3.0), st.lists(st.floats(-3, 3), min_size=8, max_size=8))
def test_an_autoregression_follows_its_recursion(
    persistence: float, scale: float, draws: list[float]
) -> None:
    expected = [scale * draws[0] / math.sqrt(1.0 - persistence**2)]
    for draw in draws[1:]:
        expected.append(persistence * expected[-1] + scale * draw)
    np.testing.assert_allclose(AUTOREGRESSIVE(np.array(draws), persistence, scale), expected, atol=1e-9)


def test_an_autoregression_is_stationary() -> None:
    # the variance of each month, from the sum of squared weights of the innovations
    weights = np.stack([AUTOREGRESSIVE(row, 0.8, 0.3) for row in np.eye(8)])
    np.testing.assert_allclose((weights**2).sum(axis=0), 0.09 / (1.0 - 0.64))


def test_the_running_total_stops_before_each_month() -> None:
    assert cumulative_sum(jnp.array([2.0, 3.0, 5.0])).tolist() == [0.0, 2.0, 5.0]


def test_nobody_is_no_part_of_nobody() -> None:
    assert float(share(3.0, 4.0)) == 0.75
    assert float(share(0.0, 0.0)) == 0.0
    assert float(share(3.0, 0.0)) == 0.0
