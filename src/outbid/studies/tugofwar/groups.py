"""What each group wants: popularity on its own side, at the price of its attacks.

Each month both choose at once whether to attack; each also has private reasons of the month for and against,
which the other does not know (logit shocks).
"""

from outbid.model.vocabulary import Actor


def hamas_payoff(s, u, m, w):
    """Hamas values popularity (its weight is negative, since low favours it) and pays for its attacks."""
    return w["popularity"] * s.popularity + w["attack"] * u.hamas_attack


def fatah_payoff(s, u, m, w):
    """Fatah values popularity and pays for its attacks."""
    return w["popularity"] * s.popularity + w["attack"] * u.fatah_attack


hamas = Actor(
    "hamas",
    "Hamas: attacks cost it less, and move opinion less",
    {"hamas_attack": (0.0, 1.0)},
    hamas_payoff,
    {"popularity": -0.00707, "attack": -0.945},
    ("T03", "T04", "T06", "T07"),
)

fatah = Actor(
    "fatah",
    "Fatah: attacks cost it more, and move opinion more",
    {"fatah_attack": (0.0, 1.0)},
    fatah_payoff,
    {"popularity": 0.000495, "attack": -2.455},
    ("T03", "T05", "T06", "T07"),
)
