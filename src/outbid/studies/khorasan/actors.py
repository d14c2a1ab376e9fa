"""Who chooses what, and what for; and how the incumbent's past hardness is read off its edicts."""

from outbid.model.vocabulary import Actor, autoregressive, cumulative_sum, exp, lever_history, share


@lever_history("hardness", "edict_pressure", noise="edict_noise", evidence=["M04", "M05"])
def hardness_from_edicts(innovations, p):
    """Each month's edicts close a share of what was still open; how many there were is seen through lists and tallies."""
    log_pressure = autoregressive(innovations, p.edict_persistence, p.edict_noise)
    pressure = exp(log_pressure)
    still_open = (1.0 - p.hardness_start) * exp(-p.closing * cumulative_sum(pressure))
    return {"hardness": 1.0 - still_open, "edict_pressure": pressure}


def incumbent_payoff(s, u, m, w):
    """The incumbent lives by cohesion, wants aid and engagement, values hardness itself, and dislikes turns."""
    lost = share(m.defection + m.purge + m.desertion, s.members)
    turn = (u.hardness - u.previous.hardness) ** 2
    return (
        w["cohesion"] * (1.0 - lost) ** 12
        + w["aid"] * s.aid
        + w["engagement"] * s.engagement
        + w["hardness"] * u.hardness
        - w["turn"] * turn
    )


def challenger_payoff(s, u, m, w):
    """The challenger wants its share of the hard-line camp to grow; effort costs."""
    camp = s.challengers + s.hardliners
    return w["share"] * share(s.challengers, camp) - w["effort"] * exp(s.home_effort)


incumbent = Actor(
    "incumbent",
    "The movement that rules: wants cohesion, means and recognition",
    {"hardness": (0.4, 0.55, 0.7, 0.85, 1.0)},
    incumbent_payoff,
    {"cohesion": 1.0, "aid": 0.5, "engagement": 0.25, "hardness": 0.0, "turn": 1.0},
    ("N01", "M06", "M15", "M20", "M27"),
)

challenger = Actor(
    "challenger",
    "The harder-line rival: wants the incumbent's hardliners",
    {"effort": (-1.0, 0.0, 1.0)},
    challenger_payoff,
    {"share": 1.0, "effort": 0.01},
    ("N21", "M13"),
)
