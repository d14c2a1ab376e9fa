"""How much violence there is, and by whom."""

from outbid.model.vocabulary import Count, Drift, exp, log, log1p, mechanism, quantity


@quantity(unit="log points")
def home_effort(s, u, p):
    """The challenger's effort at home: its tempo, moved by pressure, the incumbent's diplomacy and its own choice."""
    pressure = p.tempo_counterforce * (u.counterforce - 0.6) / 0.2
    return s.tempo + pressure + p.tempo_engagement * (s.engagement - 0.4) + u.effort


@mechanism(evidence=["N04", "N24", "N25", "N26", "N29"])
def attacks(s, u, p):
    """The challenger and those it has placed inside attack at home, in proportion to numbers and effort."""
    force = (s.challengers + p.infiltrator_weight * s.infiltrators) / 1000.0
    home = p.attacks_per_thousand * force * exp(s.home_effort)
    return (
        Count("attacks_home", home),
        Count("attacks_sectarian", home * u.sectarian_share),
        Count("attacks_foreign_target", home * u.foreign_share),
        Count("attacks_state", home * (1.0 - u.sectarian_share - u.foreign_share)),
    )


@mechanism(evidence=["N04", "N14", "N23"])
def external_attacks(s, u, p):
    """Part of the effort that is lost at home moves abroad; two monthly figures of 2026 are all that sees it."""
    rate = p.external_per_thousand * s.challengers / 1000.0
    return Count("attacks_external", rate * exp(-p.displacement * s.home_effort))


@mechanism(evidence=["N20", "N23", "N31"])
def tempo(s, u, p):
    """The challenger's tempo wanders; what moves it from outside enters its effort at home."""
    return Drift("tempo", 0.0, noise="tempo_noise")


@mechanism(evidence=["N15", "M22", "M23"])
def operations(s, u, p):
    """The incumbent raids the challenger, more often the harder it presses and the more there is to raid."""
    size = exp(p.operations_elasticity * log(s.challengers / 2000.0))
    return Count("raids", p.operations_base * u.counterforce * size)


@mechanism(evidence=["N28", "N32", "M25"])
def demonstration(s, u, p):
    """Recent attacks are remembered and fade: thirty a month for long make a demonstration of one."""
    seen = log1p(s.attacks_home + s.attacks_external) / log(31.0)
    return Drift("demonstration", (1.0 - p.demonstration_persistence) * (seen - s.demonstration))


@mechanism(nuisance="Violence by others is part of the same monthly totals, and has to be told apart")
def other_armed_groups(s, u, p):
    """Others fight the incumbent too, at a level of their own that wanders and returns."""
    change = (1.0 - p.other_violence_persistence) * (p.other_violence_level - s.other_violence)
    return (
        Drift("other_violence", change, noise="other_violence_noise"),
        Count("events_others", exp(s.other_violence)),
    )


@quantity(unit="attacks a month, logged and centred at thirty")
def violence_seen(s, u, p):
    """How violent the month is on a log scale: zero at thirty attacks at home."""
    return log1p(s.attacks_home) - log(31.0)
