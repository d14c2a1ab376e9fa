"""A toy rivalry for tests of strategic play: two players, one index that they pull at, two stocks that follow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from outbid.model.declare import Model, declare
from outbid.model.vocabulary import (
    Actor,
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
    mechanism,
    outcome,
    share,
)
from outbid.simulate.engine import StateToday


@mechanism(evidence=["N03"])
def defection(s, u, p):
    """Hardliners leave when standing falls."""
    return Flow("hardliners", "challengers", p.defection_base * exp(-s.standing))


@mechanism(evidence=["M12"])
def standing(s, u, p):
    """Hardness lifts standing, the challenger's effort presses it down, and it fades."""
    change = p.pull * (u.hardness - 0.5) - p.press * u.effort - 0.1 * s.standing
    return Drift("standing", change, noise="standing_noise")


@mechanism(evidence=["N04"])
def attacks(s, u, p):
    """Attacks go with members and effort."""
    return Count("attacks_home", s.challengers / 1000.0 * exp(u.effort))


@outcome(label="Challengers", unit="persons", better="lower", summary="end")
def members(s, u, p, m):
    """Members of the challenger."""
    return s.challengers


def incumbent_payoff(s, u, m, w):
    """The incumbent wants standing and aid, which hardness costs."""
    return w["standing"] * s.standing - w["aid"] * u.hardness - w["loss"] * share(m.defection, s.hardliners)


def challenger_payoff(s, u, m, w):
    """The challenger wants standing low; effort costs."""
    return -w["standing"] * s.standing - w["effort"] * u.effort


incumbent = Actor(
    "incumbent",
    "Rules",
    {"hardness": (0.0, 0.5, 1.0)},
    incumbent_payoff,
    {"standing": 1.0, "aid": 1.0, "loss": 0.0},
)
challenger = Actor(
    "challenger", "Wants to", {"effort": (0.0, 1.0)}, challenger_payoff, {"standing": 1.0, "effort": 1.0}
)

NUMBERS = {"defection_base": 0.002, "pull": 0.3, "press": 0.2, "standing_noise": 0.15}


def model() -> Model:
    """The toy's model."""
    priors = {name: Prior("lognormal", (value, 0.1)) for name, value in NUMBERS.items()}
    return declare(
        stocks=(
            Stock("hardliners", "Hardliners", 20_000.0),
            Stock("challengers", "Members of the challenger", 2_000.0),
        ),
        indices=(Index("standing", "Credit", 0.0, Anchor("hazard:defection", -1, -1.0)),),
        levers=(
            Lever("hardness", "How hard the line is", "incumbent", 0.0, 1.0),
            Lever("effort", "How much the challenger does", "challenger", 0.0, 1.0),
        ),
        parameters=tuple(
            Parameter(name, "1", name, {"neutral": each, "sources": each}) for name, each in priors.items()
        ),
        theory=[sys.modules[__name__]],
        file="the rivalry",
    )


def standing_of(draws: int, start: float = 0.0) -> StateToday:
    """So many draws that all stand at the same place."""
    return StateToday(
        np.tile(list(NUMBERS.values()), (draws, 1)),
        {
            "hardliners": np.full(draws, 20_000.0),
            "challengers": np.full(draws, 2_000.0),
            "standing": np.full(draws, start),
        },
        np.tile([0.5, 0.0], (draws, 1)),
    )


PLAY = """
players = ["incumbent", "challenger"]
discount = 0.9
months = 24

[observed]
incumbent = "lever:hardness"
challenger = "lever:effort"

[[axis]]
name = "standing"
points = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]

[[variant]]
id = "as_now"
label = "As now"
description = "Both play."
baseline = true

[[variant]]
id = "no_rival"
label = "No rival"
description = "The incumbent alone."
resting = { challenger = 0.0 }

[[test]]
id = "rival"
claims = ["M06"]
question = "Does the rival keep the incumbent hard?"
answer_if = "it is harder with the rival"
measure = "hardness"
of = "as_now"
against = "no_rival"
sign = 1
smallest = 0.01
"""

PAYOFFS = """
["incumbent.standing"]
unit = "shocks"
meaning = "standing"
neutral = { normal = [0.0, 1.0] }

["incumbent.aid"]
unit = "shocks"
meaning = "aid"
neutral = { normal = [0.0, 1.0] }

["incumbent.loss"]
unit = "shocks"
meaning = "members lost"
neutral = { normal = [0.0, 1.0] }

["challenger.standing"]
unit = "shocks"
meaning = "standing"
neutral = { normal = [0.0, 1.0] }

["challenger.effort"]
unit = "shocks"
meaning = "effort"
neutral = { normal = [0.0, 1.0] }
"""


def folder(path: Path, play: str = PLAY, payoffs: str = PAYOFFS) -> Path:
    """Write the toy's play.toml and payoffs.toml there."""
    (path / "play.toml").write_text(play, encoding="utf-8")
    (path / "payoffs.toml").write_text(payoffs, encoding="utf-8")
    return path
