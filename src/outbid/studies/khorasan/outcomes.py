"""What scenarios are judged by; each is defined once, here."""

from outbid.model.vocabulary import exp, outcome, share

GRANTS_2022 = 4.65  # billion US dollars: the year that makes aid = 1
IN_NEED = 24.0  # million people: hardship = 0


@outcome(label="Defections", unit="persons", better="lower", summary="sum")
def defections(s, u, p, m):
    """Members who leave for the challenger, directly or after a purge."""
    return m.defection + m.rejoining_to_challengers


@outcome(label="Challenger's members", unit="persons", better="lower", summary="end")
def challengers(s, u, p, m):
    """The challenger's strength, those placed inside the incumbent's bodies included."""
    return s.challengers + s.infiltrators


@outcome(label="Challenger's share", unit="percent", better="lower", summary="end")
def challenger_share(s, u, p, m):
    """The challenger's part of those who are hard-line on either side."""
    return 100.0 * share(s.challengers, s.challengers + s.hardliners)


@outcome(label="Attacks at home", unit="attacks", better="lower", summary="sum")
def attacks(s, u, p, m):
    """The challenger's attacks inside the country."""
    return s.attacks_home


@outcome(label="Violence at home and abroad", unit="attacks", better="lower", summary="sum")
def violence(s, u, p, m):
    """The challenger's attacks inside and outside the country."""
    return s.attacks_home + s.attacks_external


@outcome(label="Aid", unit="billion US dollars a year", better="higher", summary="mean_last_year")
def aid(s, u, p, m):
    """External grants to the country."""
    return GRANTS_2022 * s.aid


@outcome(label="Engagement", unit="index", better="higher", summary="mean_last_year")
def engagement(s, u, p, m):
    """How far foreign states deal with the incumbent: 0 is September 2021, 1 nearly triples the pace of steps."""
    return s.engagement


@outcome(label="People in need", unit="million", better="lower", summary="mean_last_year")
def hardship(s, u, p, m):
    """People in need of humanitarian help."""
    return IN_NEED * exp(s.hardship)


@outcome(label="Cohesion", unit="percent", better="higher", summary="mean_last_year")
def cohesion(s, u, p, m):
    """Share of members who would still be there after a year at the month's rate of loss."""
    lost = m.defection + m.purge + m.desertion
    return 100.0 * (1.0 - share(lost, s.members)) ** 12


@outcome(label="Resources", unit="billion US dollars a year", better="higher", summary="mean_last_year")
def resources(s, u, p, m):
    """Grants to the country and the incumbent's own revenue."""
    return s.resources
