"""Who moves where: members, the challenger, the people both draw on. Hazards are per month."""

from outbid.model.vocabulary import Flow, exp, mechanism, quantity, share, sigmoid


@quantity(unit="persons")
def members(s, u, p):
    """Members of the incumbent, hardliners and pragmatists together."""
    return s.hardliners + s.pragmatists


@quantity(unit="share")
def idleness(s, u, p):
    """Share of members who sit in administrative posts rather than fight."""
    return share(s.pragmatists, s.members)


@mechanism(evidence=["N08", "N09"])
def consolidation(s, u, p):
    """Hardliners settle into the business of rule; more means to pay them may speed it."""
    return Flow(
        "hardliners", "pragmatists", p.consolidation_base * exp(p.consolidation_capacity * s.capacity)
    )


@mechanism(evidence=["N03", "N04", "N06", "N07", "N28", "M09", "M11", "M14", "M22", "M26"])
def defection(s, u, p):
    """Hardliners leave for the challenger as the incumbent's standing falls, and by idleness, propaganda, example."""
    hazard = p.defection_base * exp(
        -s.standing
        + p.defection_idleness * (s.idleness - 0.4) / 0.2
        + p.defection_propaganda * (u.propaganda - 0.7) / 0.1
        + p.defection_demonstration * (s.demonstration - 0.3)
    )
    return Flow("hardliners", "challengers", hazard)


@mechanism(evidence=["N17"])
def purge(s, u, p):
    """A purge expels hardliners."""
    return Flow("hardliners", "dismissed", p.purge_base * u.purge)


@mechanism(evidence=["N17"])
def rejoining(s, u, p):
    """The dismissed join the challenger, more readily while the incumbent's standing is low, or go home."""
    joining = p.rejoining_base * exp(-p.rejoining_standing * s.standing)
    return Flow("dismissed", "challengers", joining), Flow("dismissed", "left", p.going_home_base)


@mechanism(evidence=["N11", "M20"])
def desertion(s, u, p):
    """Members go home; means to pay them may hold them."""
    hazard = p.desertion_base * exp(-p.desertion_capacity * s.capacity)
    return Flow("hardliners", "left", hazard), Flow("pragmatists", "left", hazard)


@mechanism(evidence=["N16", "M09", "M24", "M25"])
def recruitment(s, u, p):
    """Sympathisers join the challenger out of grievance, and by hardship, propaganda, example."""
    hazard = p.recruitment_base * exp(
        s.grievance
        + p.recruitment_hardship * s.hardship
        + p.recruitment_propaganda * (u.propaganda - 0.7) / 0.1
        + p.recruitment_demonstration * (s.demonstration - 0.3)
    )
    return Flow("sympathisers", "challengers", hazard)


@mechanism(evidence=["N18"])
def infiltration(s, u, p):
    """The challenger places people inside the incumbent's bodies."""
    return Flow("challengers", "infiltrators", p.infiltration_base)


@mechanism(evidence=["N19"])
def vetting(s, u, p):
    """Vetting finds infiltrators and detains them."""
    return Flow("infiltrators", "detained", p.vetting_base * u.vetting)


@mechanism(evidence=["N15", "M10", "M23"])
def killing(s, u, p):
    """The challenger's members die, more of them under pressure."""
    return Flow("challengers", "killed", p.killing_base + p.killing_counterforce * u.counterforce)


@mechanism(evidence=["N15", "M10", "M23"])
def arrest(s, u, p):
    """Pressure puts the challenger's members in detention; broad repression may net more of them, or fewer."""
    hazard = p.arrest_base * u.counterforce * exp(p.arrest_repression * (u.repression - 0.5) / 0.2)
    return Flow("challengers", "detained", hazard)


@mechanism(evidence=["M10"])
def release(s, u, p):
    """The detained return to the challenger, or go home."""
    return Flow("detained", "challengers", p.release_base), Flow("detained", "left", p.release_home)


@mechanism(evidence=["M09"])
def sympathy(s, u, p):
    """People come to sympathise with the challenger, more of them in hardship, and drift away again."""
    coming = p.sympathy_base * exp(p.sympathy_hardship * s.hardship)
    return Flow("population", "sympathisers", coming), Flow("sympathisers", "population", p.sympathy_fading)


@mechanism(evidence=["M09", "N08"])
def enlistment(s, u, p):
    """The incumbent enlists men until its ranks reach the size it can keep."""
    room = sigmoid(8.0 * (1.0 - s.members / p.members_ceiling))
    hazard = share(p.enlistment_rate * room, s.population)
    return (
        Flow("population", "hardliners", hazard * p.enlistment_hardliner_share),
        Flow("population", "pragmatists", hazard * (1.0 - p.enlistment_hardliner_share)),
    )
