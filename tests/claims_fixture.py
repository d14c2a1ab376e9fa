"""A made-up audit of the made-up report's claims: all verdicts, all kinds of test, a planted script."""

from __future__ import annotations

import math
from dataclasses import replace

from outbid.report.claims.content import (
    BoxLimit,
    ClaimBox,
    ClaimsContent,
    ClaimVerdict,
    Trial,
    WorstRun,
)
from outbid.report.content import ReportContent
from report_fixture import PLANTED, content

PRIORS = ("neutral", "sources")
# test, claims, how, question, yes if, done, measure, unit, sign, smallest, then by prior set: verdict, before, after,
# enough before, enough after, factor, median, low, high
_TESTS = """
opening_members | M14 M26 | intervention | Does opening up send members to the challenger? | more go over to it \
| hardness −0.3 within 12 months; defections over 36 months | defections | persons | 1 | 50 \
| not identified .51 .56 .38 .41 1.2 62 -330 480 | not identified .97 .98 .8 .82 1.5 240 20 610
opening_aid | M17 M28 | intervention | Does opening up bring aid? | more aid arrives \
| hardness −0.3 within 12 months; aid over the last year | aid | billion US dollars a year | 1 | 0.1 \
| supported .5 .97 .4 .88 32.3 .41 .04 .9 | supported .9 .99 .8 .95 11 .52 .11 1.1
opening_engagement | M28 N10 | intervention | Does opening up bring states closer? | engagement is higher \
| hardness −0.3 within 12 months | engagement | index | 1 | 0.05 \
| supported .5 .98 .42 .9 49 .31 .05 .6 | supported .9 .99 .8 .95 11 .36 .1 .7
repression_recruits | M24 | intervention | Does repressing Salafis send recruits to the challenger? | more join \
| repression +0.3 within 12 months; recruits over 36 months | recruitment | persons | 1 | 30 \
| contradicted .5 .03 .4 .01 .031 -44 -150 -4 | not identified .99 .97 .9 .7 .33 80 4 200
rival_hardness | M06 M27 | equilibrium | Does the challenger keep the incumbent hard? | it is harder with than without \
| equilibria as now, against none | hardness | 0 to 1 | 1 | 0.05 \
| not identified .52 .59 .3 .31 1.33 .018 -.06 .13 | not identified .93 .91 .6 .62 .76 .064 -.012 .19
attacks_strengthen | M25 | intervention | Do more attacks strengthen the challenger? | it has more members \
| tempo one unit higher | challengers | persons | 1 | 100 \
| built in 1 1 .9 .95 1 350 120 800 | built in 1 1 .9 .95 1 360 150 700
purge_expels | N17 | intervention | Do purges send men to the challenger? | more rejoin \
| a purge of 1,000 | rejoining | persons | 1 | 20 \
| built in 1 1 .6 .7 1 60 5 160 | built in 1 1 .6 .7 1 62 8 150
instability_ahead | M16 | forecast | Will violence rise? | more attacks than in the months before \
| 36 months ahead against 36 before | attacks | attacks | 1 | 20 \
| contradicted .5 .04 .45 .02 .042 -180 -420 -12 | contradicted .6 .05 .5 .02 .035 -170 -400 -2
cohesion_ahead | M16 M20 | forecast | Will cohesion break? | cohesion below half \
| 36 months ahead | cohesion | share | -1 | 0.02 \
| not identified .3 .2 .2 .1 .6 .012 -.05 .06 | not identified .4 .3 .3 .2 .64 .01 -.06 .05
grew_fighters | M10 N18 | record | Did the challenger's estimated strength grow? | the estimates rise \
| | estimates_of_fighters | times a year | 1 | 0 | supported - .97 - - - 1.14 1.02 1.3 |
grew_attacks | M10 | record | Did its attacks grow? | the counts rise \
| | attacks_counted | times a year | 1 | 0 | contradicted - 0 - - - .42 .35 .5 |
"""
_BECAUSE = {
    "supported": "The data raised it from doubt to near certainty.",
    "contradicted": "The data say the opposite.",
    "not identified": "The data say little more than the prior did.",
    "built in": "The model's form makes it so, whatever the data say.",
}
CENTRAL = ("M14", "M17", "M28", "M06", "M24", "M10")
_STRENGTH = ("contradicted", "not identified", "supported", "built in")


def _trial(cells: list[str], prior: str, numbers: str) -> Trial:
    verdict = next(each for each in _BECAUSE if numbers.startswith(each))
    values = [None if each == "-" else float(each) for each in numbers[len(verdict) :].split()]
    before, after, enough_before, enough, factor, median, low, high = values
    ident, claims, how, question, yes_if, done, measure, unit, sign, smallest = cells[:10]
    worst = box = None
    if how in ("intervention", "forecast"):
        path = tuple(30 + 8 * math.sin(i / 6) for i in range(36))
        with_it = tuple(each * (1 - i / 90) for i, each in enumerate(path))
        apart = (
            ("defection_standing", "How strongly standing moves defection", -0.41, 0.014),
            ("aid_openness", f"How strongly openness moves aid {PLANTED}", 1.9, 0.981),
        )
        worst = WorstRun(17, -float(sign) * 3 * abs(high or 1), apart, with_it, path)
        limits = (
            BoxLimit(
                "standing", "The incumbent's standing among hardliners today", "standard units", None, 0.4
            ),
            BoxLimit("conditionality", "Share of aid that is tied", "share", 0.2, 0.8),
        )
        box = ClaimBox(limits, 0.62, 0.91, 0.38, 0.56) if verdict == "not identified" else None
    because = _BECAUSE[verdict]
    if how == "record":
        because = (
            f"Eleven figures, October 2021 to August 2025: {median} times as many a year ({low} to {high})."
        )
    return Trial(
        *(ident, tuple(claims.split()), how, question, yes_if, done, measure, unit, int(sign)),
        *(float(smallest), prior, verdict, because, before, after, enough_before, enough, factor),
        *(median, low, high, worst, box),
    )


def audit() -> ClaimsContent:
    """Return the audit; N01 to N04 are left without a test and say why, N05 has a question that is hostile."""
    trials = []
    for row in _TESTS.replace("\\\n", "").strip().splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        trials += [
            _trial(cells, prior, numbers)
            for prior, numbers in zip(PRIORS, cells[10:12], strict=True)
            if numbers
        ]
    hostile = next(each for each in trials if each.id == "opening_aid" and each.prior == "neutral")
    trials.append(
        replace(
            hostile,
            id="odd",
            claims=("N05",),
            question=f"{PLANTED} \"quoted\" & 'odd'?",
            test=PLANTED,
            because=PLANTED,
            verdict="not identified",
            probability=math.nan,
            bayes_factor=math.inf,
        )
    )
    known = content().claims
    return ClaimsContent(tuple(trials), tuple(_verdict(trials, row.id, row.kind) for row in known), CENTRAL)


def _verdict(trials: list[Trial], claim: str, kind: str) -> ClaimVerdict:
    of = [each for each in trials if claim in each.claims]
    by_prior, weakest = {}, {}
    for prior in PRIORS:
        found = [each for each in of if each.prior in (prior, "neutral" if each.how == "record" else prior)]
        if found:
            least = min(found, key=lambda each: _STRENGTH.index(each.verdict))
            by_prior[prior], weakest[prior] = least.verdict, least.id
            if claim == "M10":  # its two series contradict each other
                by_prior[prior] = "not identified"
    tests = tuple(dict.fromkeys(each.id for each in of))
    why = (
        ""
        if tests or claim not in ("N01", "N02", "N03", "N04")
        else f"Rhetoric, which nothing in the data can bear out {PLANTED}."
    )
    return ClaimVerdict(claim, kind, by_prior.get("neutral"), by_prior, weakest, tests, why)


def audited() -> ReportContent:
    """Return the made-up report with its claims audited."""
    return replace(content(), claims_audit=audit())
