"""What the outside world gives and withholds: recognition, aid, and what their absence does."""

from outbid.model.vocabulary import Drift, log, log1p, logit, mechanism, quantity

GRANTS_2022 = 4.65  # billion US dollars, World Bank: the year that makes aid = 1
IN_NEED = 24.0  # million people: hardship = 0
REVENUE_2022 = 2.2  # billion US dollars, World Bank


@quantity(unit="billion US dollars a year")
def resources(s, u, p):
    """What the incumbent's rule lives on: grants to the country and its own revenue."""
    return GRANTS_2022 * s.aid + u.revenue


@quantity(unit="log points")
def capacity(s, u, p):
    """Resources on a log scale: zero at the level of 2022."""
    return log(s.resources / (GRANTS_2022 + REVENUE_2022))


@mechanism(evidence=["N01", "N10", "N31", "M28"])
def engagement(s, u, p):
    """States engage: more, it is claimed, where the incumbent opens up and is safe, less after attacks abroad."""
    level = (
        p.engagement_opening * ((1.0 - u.hardness) * u.recognition_offer - 0.1) / 0.1
        + p.engagement_security * logit(s.security) / 2.0
        - p.engagement_external * (log1p(s.attacks_external) - 1.0)
        + p.engagement_level
    )
    change = (1.0 - p.engagement_persistence) * (level - s.engagement)
    return Drift("engagement", change, noise="engagement_noise")


@mechanism(evidence=["N11", "N12", "M02", "M17", "M28"])
def aid(s, u, p):
    """Aid follows what is offered and, where conditions bite, how open the incumbent is; security and ties may add."""
    offered = log(u.aid_offer) + p.aid_conditionality * log(1.0 - u.conditionality * u.hardness)
    level = (
        p.aid_level
        + offered
        + p.aid_security * logit(s.security) / 2.0
        + p.aid_engagement * (s.engagement - 0.4)
    )
    return Drift("aid", (1.0 - p.aid_persistence) * (level - log(s.aid)), noise="aid_noise")


@mechanism(evidence=["N31", "M02", "M03"])
def hardship(s, u, p):
    """People are worse off where aid is missing and violence is high."""
    level = (
        p.hardship_level + p.hardship_aid * (0.7 - s.aid) / 0.3 + p.hardship_attacks * s.violence_seen / 2.0
    )
    change = (1.0 - p.hardship_persistence) * (level - s.hardship)
    return Drift("hardship", change, noise="hardship_noise")
