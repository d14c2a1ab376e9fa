"""A world made for auditing the audit: five claims, of which the truth is known because we set it.

Three levers varied in the past, each with its own effect (positive, none or negative, as a panel's maker
likes) and its own monthly series: some forty, ten and three events a month, so that the data speak loudly,
clearly and hardly. A fourth lever never varied, and a fifth effect works on an index that no series sees, so
that no data can tell of them. And more force always means more raids, because the model says so.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

from outbid.data.panel import Panel, Record, Series, Window
from outbid.data.tables import parse_date
from outbid.infer.likelihood import Figures, gather
from outbid.model.compile import layout
from outbid.model.declare import Model, declare
from outbid.model.priors import PriorTable, prior_table
from outbid.model.vocabulary import (
    Anchor,
    Count,
    Drift,
    Flow,
    Index,
    Lever,
    NegativeBinomial,
    Parameter,
    Prior,
    Stock,
    exp,
    mechanism,
    observation,
)
from outbid.questions.claims.schema import ClaimTests, Intervention
from outbid.simulate.scenario import Change

WINDOW = Window("2021-01", "2024-12")
MONTHS, AHEAD = len(WINDOW), 24
# The spread of an effect before the data, per unit of its lever, and how far a test moves the lever.
SPREAD, MOVED = 0.5, 0.5
SEEN = ("joining_effect", "leaving_effect", "attacks_effect")
UNSEEN = ("offer_effect", "mood_effect")


@mechanism(evidence=["N03"])
def joining(s, u, p):
    """Supporters join where the appeal is strong; the offer may put them off or not."""
    hazard = p.joining_base * exp(p.joining_effect * u.appeal + p.offer_effect * u.offer)
    return Flow("supporters", "members", hazard)


@mechanism(evidence=["N15"])
def leaving(s, u, p):
    """Members leave under pressure."""
    return Flow("members", "gone", p.leaving_base * exp(p.leaving_effect * u.pressure))


@mechanism(evidence=["N20"])
def attacks(s, u, p):
    """Attacks go with effort."""
    return Count("attacks_made", p.attacks_base * exp(p.attacks_effect * u.effort))


@mechanism(evidence=["N15"])
def raids(s, u, p):
    """More force, more raids: true by construction."""
    return Count("raids_made", p.raids_base * (1.5 + u.force))


@mechanism(evidence=["M12"])
def mood(s, u, p):
    """Pressure moves the mood, one way or the other."""
    return Drift("mood", 0.3 * (p.mood_effect * u.pressure - s.mood))


@mechanism(evidence=["M12"])
def grumbling(s, u, p):
    """A bad mood is heard, but nobody counts."""
    return Count("grumbles", exp(s.mood))


@observation(NegativeBinomial("concentration"))
def joined(s, u, p, m):
    """Persons who joined."""
    return m.joining


@observation(NegativeBinomial("concentration"))
def left(s, u, p, m):
    """Persons who left."""
    return m.leaving


@observation(NegativeBinomial("concentration"))
def attacked(s, u, p, m):
    """Attacks."""
    return s.attacks_made


@observation(NegativeBinomial("concentration"))
def raided(s, u, p, m):
    """Raids."""
    return s.raids_made


SERIES = ("joined", "left", "attacked", "raided")
LEVERS = ("appeal", "pressure", "effort", "force", "offer")


def _parameter(name: str, family: str, *arguments: float, claimed: bool = False) -> Parameter:
    prior = Prior(family, arguments)
    sources = Prior("half_normal", (arguments[1],)) if claimed else prior
    return Parameter(name, "1", f"the {name} of this world", {"neutral": prior, "sources": sources}, claimed)


PARAMETERS = (
    *(_parameter(name, "normal", 0.0, SPREAD, claimed=True) for name in (*SEEN, *UNSEEN)),
    _parameter("joining_base", "lognormal", 0.002, 0.3),
    _parameter("leaving_base", "lognormal", 0.005, 0.3),
    _parameter("attacks_base", "lognormal", 3.0, 0.3),
    _parameter("raids_base", "lognormal", 4.0, 0.3),
    _parameter("concentration", "lognormal", 15.0, 0.3),
)


def world() -> Model:
    """The model."""
    return declare(
        stocks=(
            Stock("supporters", "Supporters", 20_000.0),
            Stock("members", "Members", 2_000.0),
            Stock("gone", "People who left", 0.0, sink=True),
        ),
        indices=(Index("mood", "Mood of the members", 0.0, Anchor("count:grumbles", 1, 1.0)),),
        levers=tuple(Lever(name, f"The lever {name}", "incumbent", -2.0, 2.0) for name in LEVERS),
        parameters=PARAMETERS,
        theory=[sys.modules[__name__]],
        file="the world",
    )


def table(prior_set: str = "neutral") -> PriorTable:
    """The priors."""
    return prior_table(PARAMETERS, prior_set)


def known_levers() -> np.ndarray:
    """Lever matrix (months, levers): half a year at a time at -1, 0 or 1; the offer was never made."""
    steps = np.random.default_rng(7).permuted(
        np.tile([-1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0], (5, 1)), axis=1
    )
    levers = np.repeat(steps, MONTHS // 8, axis=1).T
    levers[:, LEVERS.index("offer")] = 0.0
    return levers


def figures(model: Model) -> Figures:
    """A figure a month of every series; what they say is replaced panel by panel."""
    series = {}
    for name in SERIES:
        spans = [parse_date(month) for month in WINDOW.months]
        records = tuple(Record(name, start, end, 1.0, None, None, "made") for start, end in spans)
        series[name] = Series(name, name, "1", name, records, "count")
    return gather(model, Panel(WINDOW, series))


def truth(model: Model, effects: Mapping[str, float], seed: int) -> np.ndarray:
    """Return the vector of standard normals of a panel's truth: the effects given, the rest as the prior has it."""
    z = np.random.default_rng(seed).standard_normal(layout(model, MONTHS).size)
    for name, value in effects.items():
        z[model.parameter_names.index(name)] = value / SPREAD
    return z


def _test(
    name: str, lever: str, output: str, smallest: float, sign: int = 1, summary: str = "sum"
) -> Intervention:
    return Intervention(
        id=name,
        claims=(name,),
        question=f"Does more {lever} raise it?",
        answer_if="It rises.",
        measure=(output,),
        label=output,
        unit="1",
        summary=summary,
        months=AHEAD,
        sign=sign,
        smallest=smallest,
        changes=(Change(lever=lever, by=MOVED),),
    )


# the smallest size is about one twentieth of what there is without the change
TESTS = ClaimTests(
    interventions=(
        _test("joining_effect", "appeal", "moved.joining", 45.0),
        _test("leaving_effect", "pressure", "moved.leaving", 12.0),
        _test("attacks_effect", "effort", "attacks_made", 3.5),
        _test("offer_effect", "offer", "moved.joining", 45.0),
        _test("mood_effect", "pressure", "mood", 0.025, summary="end"),
        _test("built_in", "force", "raids_made", 5.0),
        _test("ruled_out", "force", "raids_made", 5.0, sign=-1),
    )
)
CLAIMS = tuple(test.id for test in TESTS.interventions)
