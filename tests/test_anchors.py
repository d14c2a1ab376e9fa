"""Anchors: each index means what its anchor says, or the model is refused with what to mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import pytest

from outbid.errors import InputError
from outbid.model.anchors import check_anchors
from outbid.model.declare import Model, declare
from outbid.model.priors import PRIOR_SETS, PriorTable, prior_table
from outbid.model.vocabulary import (
    Anchor,
    Count,
    Drift,
    Flow,
    Index,
    Lever,
    LogNormal,
    Parameter,
    Prior,
    Stock,
    exp,
    log1p,
    mechanism,
    observation,
    quantity,
)
from outbid.study import load_study


@quantity(unit="log events")
def heat(s, u, p):
    """How hot the month is."""
    return log1p(s.clashes)


@mechanism(evidence=["T01"])
def leaving(s, u, p):
    """The less standing, the more leave."""
    return Flow("loyal", "rebels", p.base * exp(-s.standing + p.free * u.pressure))


@mechanism(evidence=["T02"])
def clashing(s, u, p):
    """Rebels clash."""
    return Count("clashes", 0.1 * s.rebels * exp(s.spirit))


@mechanism(evidence=["T03"])
def standing(s, u, p):
    """Standing comes and goes."""
    return Drift("standing", -0.1 * s.standing + p.free * s.heat, noise="base")


@mechanism(evidence=["T04"])
def spirit(s, u, p):
    """Spirit falls under pressure."""
    return Drift("spirit", -0.1 * s.spirit - u.pressure)


@mechanism(evidence=["T05"])
def memory(s, u, p):
    """Clashes are remembered."""
    return Drift("memory", 0.2 * s.clashes - s.memory)


@mechanism(evidence=["T06"])
def peace(s, u, p):
    """Heat ends peace."""
    return Drift("peace", -s.heat)


@observation(LogNormal(0.2))
def losses(s, u, p, m):
    """Persons who left in the month."""
    return p.base * m.leaving


THEORY = (heat, leaving, clashing, standing, spirit, memory, peace, losses)
ANCHORS = {
    "standing": Anchor("hazard:leaving", -1, -1.0),
    "spirit": Anchor("count:clashes", 1, 1.0),
    "memory": Anchor("drift:memory", 1, 0.2, of="clashes"),
    "peace": Anchor("drift:peace", -1, -1.0, of="heat"),
}


def toy(*changed: Any, **anchors: Anchor) -> Model:
    """A model with an anchor of each kind; some declarations or anchors replaced."""
    found = {item.series if item is losses else item.name: item for item in THEORY}
    free = {"neutral": Prior("normal", (0.0, 0.5)), "sources": Prior("half_normal", (0.5,))}
    return declare(
        stocks=[Stock("loyal", "The loyal", 900.0), Stock("rebels", "Rebels", 90.0)],
        indices=[
            Index(name, name, 0.5, anchor, scale="logit" if name == "peace" else "identity")
            for name, anchor in (ANCHORS | anchors).items()
        ],
        levers=[Lever("pressure", "Pressure", "police", 0.0, 1.0)],
        parameters=[
            Parameter(
                "base", "1/month", "A base", {name: Prior("lognormal", (0.01, 0.5)) for name in PRIOR_SETS}
            ),
            Parameter("free", "1", "A free effect", free, claimed=True),
        ],
        theory=[SimpleNamespace(**found | {item.name: item for item in changed})],
    )


def tables(model: Model) -> Mapping[str, PriorTable]:
    return {name: prior_table(model.parameters, name) for name in PRIOR_SETS}


def complaint(model: Model) -> str:
    with pytest.raises(InputError) as caught:
        check_anchors(model, tables(model), draws=16)
    return str(caught.value)


def test_a_model_whose_anchors_hold_passes() -> None:
    model = toy()
    check_anchors(model, tables(model))


def test_anchors_may_hold_through_observations_quantities_counts_and_levers() -> None:
    model = toy(
        standing=Anchor("observation:losses", -1),
        spirit=Anchor("drift:spirit", -1, -1.0, of="pressure"),
        memory=Anchor("drift:memory", 1, of="rebels"),
    )
    check_anchors(model, tables(model), draws=16)


def test_khorasans_anchors_hold() -> None:
    model = load_study("khorasan").model
    check_anchors(model, tables(model))


def test_khorasan_is_refused_with_standing_turned_round_in_defection() -> None:
    model = load_study("khorasan").model

    def turned(s: Any, u: Any, p: Any) -> Flow:
        return Flow("hardliners", "challengers", p.defection_base * exp(s.standing))

    mechanisms = tuple(
        replace(item, function=turned) if item.name == "defection" else item for item in model.mechanisms
    )
    said = complaint(replace(model, mechanisms=mechanisms))
    assert "index 'standing', anchor 'hazard:defection'" in said
    assert "under the neutral prior, the response to 'standing' should have the sign -1, but is +1" in said
    assert "Turn the sign round" in said


def test_a_sign_that_the_prior_leaves_open_is_no_anchor() -> None:
    @mechanism(evidence=["T02"])
    def clashing(s, u, p):
        """Rebels clash."""
        return Count("clashes", 0.1 * s.rebels * exp(p.free * s.spirit))

    said = complaint(toy(clashing, spirit=Anchor("count:clashes", 1)))
    assert "index 'spirit', anchor 'count:clashes'" in said
    assert "should have the sign +1, but is -" in said
    assert "a prior of one sign" in said


def test_a_coefficient_is_held_to_six_digits() -> None:
    said = complaint(toy(spirit=Anchor("count:clashes", 1, 1.00001)))
    assert "the response to 'spirit' should be 1.00001, but is 1 in 16 of 16 draws" in said
    check_anchors(model := toy(spirit=Anchor("count:clashes", 1, 1.0000001)), tables(model), draws=2)


def test_an_anchor_on_which_nothing_depends_is_refused() -> None:
    said = complaint(toy(peace=Anchor("hazard:leaving", 1)))
    assert (
        "index 'peace', anchor 'hazard:leaving': under the neutral prior, the response to 'peace' is zero"
        in said
    )


def test_a_response_may_be_zero_where_a_clip_holds_it() -> None:
    @mechanism(evidence=["T01"])
    def leaving(s, u, p):
        """The less standing, the more leave, up to a point."""
        return Flow("loyal", "rebels", p.base * exp(-jnp.clip(s.standing, 0.4, 0.6)))

    model = toy(leaving)
    check_anchors(model, tables(model))


@pytest.mark.parametrize(
    ("index", "anchor", "words"),
    [
        ("standing", Anchor("hasard:leaving", -1), ("unknown kind of relation 'hasard'", "'hazard'?")),
        ("standing", Anchor("hazard", -1), ("there is no mechanism with a flow ''", "Known names: leaving")),
        ("standing", Anchor("hazard:clashing", -1), ("no mechanism with a flow 'clashing'", "leaving")),
        ("spirit", Anchor("count:clash", 1), ("there is no count 'clash'", "'clashes'?")),
        ("spirit", Anchor("observation:loses", 1), ("there is no observation 'loses'", "'losses'?")),
        ("peace", Anchor("drift:piece", -1, of="heat"), ("there is no index 'piece'", "'peace'?")),
        ("peace", Anchor("drift:peace", -1, of="heet"), ("varies the unknown 'heet'", "'heat'?")),
        ("peace", Anchor("drift:peace", 0, of="heat"), ("the sign is 0", "Give +1 or -1")),
        ("peace", Anchor("drift:peace", -1), ("whichever way round 'peace' is", "Fix what 'peace' does")),
        ("peace", Anchor("count:clashes", 1, of="rebels"), ("whichever way round 'peace' is", "Fix what")),
    ],
)
def test_an_anchor_that_means_nothing_is_refused_before_any_derivative(
    index: str, anchor: Anchor, words: tuple[str, str]
) -> None:
    # put in behind `declare`, which may refuse some of these itself
    model = toy()
    changed = [replace(item, anchor=anchor) if item.name == index else item for item in model.indices]
    said = complaint(replace(model, indices=tuple(changed)))
    assert said.startswith(f"index {index!r}, anchor {anchor.through!r}: ")
    for word in words:
        assert word in said


def test_the_same_seed_finds_the_same_fault() -> None:
    model = toy(standing=Anchor("drift:standing", 1, of="heat"))
    assert complaint(model) == complaint(model)
