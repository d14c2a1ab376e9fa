"""Find one's way in the audit of the claims: a claim's verdict, its tests, what a test says under a prior set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from outbid.report.claims.content import VERDICTS, ClaimsContent, ClaimVerdict, Trial
from outbid.report.content import PRIORS
from outbid.words.numbers import capital, plain_name

NOT_TESTED = "not tested"
# the words of a verdict never go without their mark, nor a colour without both
MARKS: Mapping[str, str] = {"supported": "✓", "contradicted": "✗", "not identified": "?", "built in": "■"}
SETTLED = ("supported", "contradicted")


def marked(verdict: str) -> str:
    """Return a verdict with its mark ("✓ supported"); words that are no verdict are returned as they are."""
    return f"{MARKS[verdict]} {verdict}" if verdict in MARKS else verdict


def tone(verdict: str) -> str:
    """Return what colours a verdict: "good", "bad" or "open"."""
    return {"supported": "good", "contradicted": "bad"}.get(verdict, "open")


def prior_sets(priors: Iterable[str]) -> tuple[str, ...]:
    """Return prior sets once each, the data alone first, then the sources', then any others."""
    known = dict.fromkeys(priors)
    return tuple(sorted(known, key=lambda name: PRIORS.index(name) if name in PRIORS else len(PRIORS)))


def judged(audit: ClaimsContent) -> tuple[ClaimVerdict, ...]:
    """Return what became of every claim that has a test."""
    return tuple(each for each in audit.verdicts if each.verdict in VERDICTS)


def verdict_of(audit: ClaimsContent, claim: str) -> ClaimVerdict | None:
    """Return what became of a claim, or None where the audit doesn't speak of it."""
    return next((each for each in audit.verdicts if each.id == claim), None)


def find_trial(audit: ClaimsContent, test: str, prior: str) -> Trial | None:
    """Return a test under one prior set, or None if there is none."""
    return next((each for each in audit.trials if (each.id, each.prior) == (test, prior)), None)


def weakest(audit: ClaimsContent, verdict: ClaimVerdict, prior: str) -> Trial | None:
    """Return the test that a claim's verdict under one prior set rests on: its weakest, else its first."""
    for test in (verdict.weakest.get(prior, ""), *verdict.tests):
        found = find_trial(audit, test, prior)
        if found is not None:
            return found
    return None


def tests_of(audit: ClaimsContent, verdict: ClaimVerdict) -> tuple[tuple[Trial, ...], ...]:
    """Return a claim's tests, each as what it says under every prior set, the data alone first."""
    out = []
    for test in verdict.tests:
        found = [each for each in audit.trials if each.id == test]
        order = prior_sets(each.prior for each in found)
        if found:
            out.append(tuple(sorted(found, key=lambda each: order.index(each.prior))))
    return tuple(out)


def only_figures(tests: tuple[tuple[Trial, ...], ...]) -> bool:
    """Say whether all of a claim's tests are published figures, which say the same under every prior set."""
    return bool(tests) and all(trials[0].how == "record" for trials in tests)


def measured(trial: Trial) -> str:
    """Return what a test looks at, in words ("Defections", "Incumbent's cohesion")."""
    return capital(plain_name(trial.measure).replace(".", "'s "))


def known(value: float | None) -> float | None:
    """Return a number, or None where it is missing or not finite."""
    return value if value is not None and math.isfinite(value) else None
