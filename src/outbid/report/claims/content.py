"""What became of the sources' claims: plain results, without a trace of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERDICTS = ("supported", "contradicted", "not identified", "built in")


@dataclass(frozen=True)
class BoxLimit:
    """One side of a box: a parameter or a state of today, in its own unit; None where the box is open."""

    name: str
    meaning: str
    unit: str
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ClaimBox:
    """Where a claim holds: limits that together hold `coverage` of all draws in which it does, at `density`.

    `density` is the share of the box's draws in which the claim holds; `share` the share of draws in the box;
    `share_holding` that of all draws in which the claim holds.
    """

    limits: tuple[BoxLimit, ...]
    coverage: float
    density: float
    share: float
    share_holding: float


@dataclass(frozen=True)
class WorstRun:
    """The draw that contradicts a claim most: its effect, and what sets it apart from the others.

    `apart` holds (parameter's name, its meaning, its value, its place among all draws from 0 to 1); the paths
    are the outcome's, month by month, with the intervention and without; empty where there is none.
    """

    draw: int
    effect: float
    apart: tuple[tuple[str, str, float, float], ...] = ()
    with_it: tuple[float, ...] = ()
    without_it: tuple[float, ...] = ()


@dataclass(frozen=True)
class Trial:
    """One test of a claim under one prior set.

    Parameters
    ----------
    id, claims
        The test, and the claims that it stands for.
    how
        "intervention", "equilibrium", "forecast" or "record" (a series against what an observation says).
    question, answer_if
        What is asked, and when the answer is yes, in words.
    test
        What was done, in words: "hardness −0.3 within 12 months; defections over 36 months".
    sign, smallest
        The expected sign of the effect, and the smallest size that would matter, in `unit`.
    verdict, because
        One of VERDICTS, and why, in a sentence.
    prior_probability, probability
        Of the expected sign, before and after the data; None where a record has no "before".
    prior_matters, matters
        Of the expected sign and at least the smallest size.
    bayes_factor
        Odds of the expected sign after over before; None where one of them has no odds.
    median, q05, q95
        The effect after the data, in `unit`.
    """

    id: str
    claims: tuple[str, ...]
    how: str
    question: str
    answer_if: str
    test: str
    measure: str
    unit: str
    sign: int
    smallest: float
    prior: str
    verdict: str
    because: str
    prior_probability: float | None
    probability: float | None
    prior_matters: float | None
    matters: float | None
    bayes_factor: float | None
    median: float | None
    q05: float | None
    q95: float | None
    worst: WorstRun | None = None
    box: ClaimBox | None = None


@dataclass(frozen=True)
class ClaimVerdict:
    """What became of one claim: `by_prior` its verdict under each prior set, `verdict` that of the neutral one.

    A claim of several tests is as strong as its weakest one; `weakest` names it by prior set. `untested` says in
    a sentence why a claim has no test.
    """

    id: str
    kind: str
    verdict: str | None
    by_prior: Mapping[str, str] = field(default_factory=dict)
    weakest: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    untested: str = ""


@dataclass(frozen=True)
class ClaimsContent:
    """The audit of all claims; empty where a study declares no tests.

    `central` names the claims that the report tells of first, in words.
    """

    trials: tuple[Trial, ...] = ()
    verdicts: tuple[ClaimVerdict, ...] = ()
    central: tuple[str, ...] = ()
