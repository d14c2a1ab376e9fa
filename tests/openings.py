"""A toy for the trap map: opening up costs members, and pays where outsiders offer more than closure is worth.

Resources in a month are 1 + offer · conditionality · (1 - hardness) + worth · hardness, so that opening up gains
resources exactly in the draws in which the offer, times its conditionality, is above what closure is worth.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from outbid.model.declare import Model, declare
from outbid.model.vocabulary import (
    Actor,
    Anchor,
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


@outcome(label="Defections", unit="persons", better="lower", summary="sum")
def defections(s, u, p, m):
    """Members who leave."""
    return m.defection


@outcome(label="Resources", unit="billion", better="higher", summary="mean_last_year")
def resources(s, u, p, m):
    """What the incumbent lives on."""
    return 1.0 + u.offer * u.conditionality * (1.0 - u.hardness) + p.worth * u.hardness


@outcome(label="Unmoved", unit="share", better="higher", summary="end")
def unmoved(s, u, p, m):
    """What no course touches."""
    return 0.0 * s.challengers + 1.0


def incumbent_payoff(s, u, m, w):
    """The incumbent wants standing, and what is offered for openness."""
    return w["standing"] * s.standing + w["offer"] * u.offer * u.conditionality * (1.0 - u.hardness)


def challenger_payoff(s, u, m, w):
    """The challenger wants standing low; effort costs."""
    return -w["standing"] * s.standing - w["effort"] * u.effort


incumbent = Actor(
    "incumbent", "Rules", {"hardness": (0.0, 0.5, 1.0)}, incumbent_payoff, {"standing": 1.0, "offer": 1.0}
)
challenger = Actor(
    "challenger", "Wants to", {"effort": (0.0, 1.0)}, challenger_payoff, {"standing": 1.0, "effort": 1.0}
)

NUMBERS = {"defection_base": 0.002, "pull": 0.3, "press": 0.2, "standing_noise": 0.15, "worth": 0.5}
WEIGHTS = (1.0, 2.0, 1.0, 0.3)


def model() -> Model:
    """The toy's model."""
    priors = {name: Prior("lognormal", (value, 0.1)) for name, value in NUMBERS.items()}
    return declare(
        stocks=(
            Stock("hardliners", "Hardliners", 20_000.0),
            Stock("pragmatists", "Members in offices", 20_000.0),
            Stock("challengers", "Members of the challenger", 2_000.0),
        ),
        indices=(Index("standing", "Credit", 0.0, Anchor("hazard:defection", -1, -1.0)),),
        levers=(
            Lever("hardness", "How hard the line is", "incumbent", 0.0, 1.0),
            Lever("effort", "How much the challenger does", "challenger", 0.0, 1.0),
            Lever("offer", "What is on offer", "outside", 0.0, 4.0),
            Lever("conditionality", "How far it depends on openness", "outside", 0.0, 1.0),
        ),
        parameters=tuple(
            Parameter(name, "1", name, {"neutral": each, "sources": each}) for name, each in priors.items()
        ),
        theory=[sys.modules[__name__]],
        file="the openings",
    )


def standing_of(draws: int, worths: tuple[float, float] = (0.0, 1.0)) -> StateToday:
    """So many draws: closure is worth evenly more from the first to the last, hardliners are ever more of the members."""
    parameters = np.tile(list(NUMBERS.values()), (draws, 1))
    parameters[:, list(NUMBERS).index("worth")] = np.linspace(*worths, draws)
    hardliners = np.linspace(4_000.0, 12_000.0, draws)
    return StateToday(
        parameters,
        {
            "hardliners": hardliners,
            "pragmatists": 40_000.0 - hardliners,
            "challengers": np.full(draws, 2_000.0),
            "standing": np.zeros(draws),
        },
        np.tile([0.8, 0.0, 0.4, 0.3], (draws, 1)),
    )


SCENARIOS = """
[[scenario]]
id = "as_now"
label = "As now"
description = "Nothing changes."
baseline = true

[[scenario]]
id = "opening"
label = "Opening"
description = "The incumbent opens up at once."
change = [{ lever = "hardness", by = -0.4 }]

[[scenario]]
id = "bought"
label = "Bought"
description = "An offer is made."
change = [{ lever = "offer", to = 1.0 }]

[[scenario]]
id = "pressed"
label = "Pressed"
description = "The challenger does more."
change = [{ lever = "effort", to = 1.0 }]
"""

TRAP = """
moderating = "opening"
staying = "as_now"
trap = "members"

[offer]
lever = "offer"
label = "Offer"
low = 0.2
high = 2.2
points = 5
along = { conditionality = [0.5, 0.5] }

[split]
part = "hardliners"
rest = "pragmatists"
label = "Hardliners' share"
low = 0.2
high = 0.8
points = 3

[[gain]]
id = "members"
outcome = "defections"
label = "Members"
gains = "keeps members"
loses = "loses members"

[[gain]]
id = "resources"
outcome = "resources"
label = "Resources"
gains = "gains resources"
loses = "loses resources"

[[gain]]
id = "unmoved"
outcome = "unmoved"
label = "Peace"
gains = "gains peace"
loses = "loses peace"

[fixed]
draws = 20

[answering]
soft = "soft"
hard = "hard"
offers = 3
shares = 2
draws = 8
"""

PLAY = """
players = ["incumbent", "challenger"]
discount = 0.9
months = 24
axis = [{ name = "standing", points = [-3.0, -1.5, 0.0, 1.5, 3.0] }]

[observed]
incumbent = "lever:hardness"

[[variant]]
id = "as_now"
label = "As now"
description = "Both play."
baseline = true

[[variant]]
id = "soft"
label = "Soft"
description = "The incumbent is soft."
resting = { incumbent = 0.0 }

[[variant]]
id = "hard"
label = "Hard"
description = "The incumbent is hard."
resting = { incumbent = 1.0 }
"""

PAYOFFS = "".join(
    f'["{name}"]\nunit = "shocks"\nmeaning = "{name}"\nneutral = {{ normal = [0.0, 1.0] }}\n\n'
    for name in ("incumbent.standing", "incumbent.offer", "challenger.standing", "challenger.effort")
)


def folder(path: Path, trap: str = TRAP, scenarios: str = SCENARIOS) -> Path:
    """Write the toy's declarations there."""
    texts = {"trap.toml": trap, "scenarios.toml": scenarios, "play.toml": PLAY, "payoffs.toml": PAYOFFS}
    for name, text in texts.items():
        (path / name).write_text(text, encoding="utf-8")
    return path
