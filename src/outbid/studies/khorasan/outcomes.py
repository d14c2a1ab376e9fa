"""What scenarios are judged by; each is defined once, here."""

from outbid.model.vocabulary import exp, outcome, share

from .outside import GRANTS_2022, IN_NEED


@outcome(
    label="Defections",
    unit="persons",
    better="lower",
    summary="sum",
    rank=1,
    more="{course} sends more members to the rival",
    less="{course} keeps members from the rival",
    unknown="whether {course} sends members to the rival",
    had=(
        "more members would have gone over to the rival",
        "fewer members would have gone over to the rival",
        "whether more or fewer members would have gone over to the rival",
    ),
    briefly=("more members lost to the rival", "fewer members lost to the rival"),
)
def defections(s, u, p, m):
    """Members who leave for the challenger, directly or after a purge."""
    return m.defection + m.rejoining_to_challengers


@outcome(
    label="Challenger's members",
    unit="persons",
    better="lower",
    summary="end",
    rank=3,
    more="{course} makes the challenger larger",
    less="{course} makes the challenger smaller",
    unknown="whether {course} makes the challenger larger or smaller",
    had=(
        "the challenger would have been larger",
        "the challenger would have been smaller",
        "whether the challenger would have been larger or smaller",
    ),
    briefly=("a larger challenger", "a smaller challenger"),
)
def challengers(s, u, p, m):
    """The challenger's strength, those placed inside the incumbent's bodies included."""
    return s.challengers + s.infiltrators


@outcome(label="Challenger's share", unit="percent", better="lower", summary="end")
def challenger_share(s, u, p, m):
    """The challenger's part of those who are hard-line on either side."""
    return 100.0 * share(s.challengers, s.challengers + s.hardliners)


@outcome(
    label="Attacks at home",
    unit="attacks",
    better="lower",
    summary="sum",
    rank=4,
    more="{course} brings more attacks at home",
    less="{course} brings fewer attacks at home",
    unknown="whether {course} brings more or fewer attacks at home",
    had=(
        "there would have been more attacks at home",
        "there would have been fewer attacks at home",
        "whether there would have been more or fewer attacks at home",
    ),
    briefly=("more attacks at home", "fewer attacks at home"),
)
def attacks(s, u, p, m):
    """The challenger's attacks inside the country."""
    return s.attacks_home


@outcome(label="Violence at home and abroad", unit="attacks", better="lower", summary="sum")
def violence(s, u, p, m):
    """The challenger's attacks inside and outside the country."""
    return s.attacks_home + s.attacks_external


@outcome(
    label="Aid",
    unit="billion US dollars a year",
    better="higher",
    summary="mean_last_year",
    rank=6,
    more="{course} brings in aid",
    less="{course} costs aid",
    unknown="whether {course} brings in aid",
    had=("more aid would have come", "less aid would have come", "whether more or less aid would have come"),
    briefly=("more aid", "less aid"),
)
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


@outcome(
    label="Cohesion",
    unit="percent",
    better="higher",
    summary="mean_last_year",
    rank=5,
    more="{course} holds the incumbent together",
    less="{course} loosens the incumbent's ranks",
    unknown="whether {course} holds the incumbent together",
    had=(
        "the incumbent would have held together better",
        "the incumbent would have held together less well",
        "whether the incumbent would have held together better or less well",
    ),
    briefly=("more cohesion", "less cohesion"),
)
def cohesion(s, u, p, m):
    """Share of members who would still be there after a year at the month's rate of loss."""
    lost = m.defection + m.purge + m.desertion
    return 100.0 * (1.0 - share(lost, s.members)) ** 12


@outcome(
    label="Resources",
    unit="billion US dollars a year",
    better="higher",
    summary="mean_last_year",
    rank=2,
    more="{course} brings in resources",
    less="{course} costs resources",
    unknown="whether {course} brings in resources",
    had=(
        "the incumbent would have had more to live on",
        "the incumbent would have had less to live on",
        "whether the incumbent would have had more or less to live on",
    ),
    briefly=("more to live on", "less to live on"),
)
def resources(s, u, p, m):
    """Grants to the country and the incumbent's own revenue."""
    return s.resources
