"""Find one's way in histories with other levers: prior sets, outcomes, and how one replay's effect is read."""

from __future__ import annotations

from outbid.report.chances import Reading, by_assumption, read_effect
from outbid.report.content import PRIORS, Effect, Outcome
from outbid.report.replay.content import ReplayContent, ReplayEffect, ReplayOutcome

VIEWS = {"neutral": "the data alone", "sources": "if the sources are right"}
# the outcomes that the heading and the terminal speak of, by their part in the answer
_FIRST = ("members_lost", "resources")


def prior_sets(content: ReplayContent) -> tuple[str, ...]:
    """Return the prior sets that the past was replayed under, the data alone first."""
    found = {each.prior for each in content.effects}
    return tuple(name for name in PRIORS if name in found)


def ordered_outcomes(content: ReplayContent) -> tuple[ReplayOutcome, ...]:
    """Return the outcomes: members lost and resources, then others with a part in the answer, then the rest."""

    def rank(outcome: ReplayOutcome) -> int:
        if outcome.role in _FIRST:
            return _FIRST.index(outcome.role)
        return len(_FIRST) + (not outcome.role)

    return tuple(sorted(content.outcomes, key=rank))


def main_outcomes(content: ReplayContent) -> tuple[ReplayOutcome, ...]:
    """Return the outcomes that have a part in the answer; all, if none has."""
    ordered = ordered_outcomes(content)
    return tuple(each for each in ordered if each.role) or ordered


def find(content: ReplayContent, replay: str, outcome: str, prior: str) -> ReplayEffect | None:
    """Return one replay's effect on one outcome under one prior set, or None if there is none."""
    wanted = (replay, outcome, prior)
    return next((e for e in content.effects if (e.replay, e.outcome, e.prior) == wanted), None)


def as_effect(each: ReplayEffect) -> Effect:
    """Return a replay's effect as one of a scenario, so that both are read by the same rules.

    A median below a hundredth of its interval's wider end is none: it would pretend to a precision that isn't there.
    """
    none = abs(each.median) < max(abs(each.q05), abs(each.q95)) / 100
    return Effect(
        each.replay,
        each.outcome,
        each.prior,
        *(each.level_median, each.level_q05, each.level_q95),
        *(0.0 if none else each.median, each.q05, each.q95),
        each.probability_better,
        0.0,
        each.q25,
        each.q75,
        each.prior_probability_better,
    )


def as_outcome(each: ReplayOutcome) -> Outcome:
    """Return an outcome in the form that scenarios are judged by."""
    return Outcome(each.id, each.label, each.unit, each.better, each.summary, each.meaning)


def assumed(effect: Effect) -> str:
    """Return the words for a sign that was as sure before the data, or none."""
    return ", by assumption" if by_assumption(effect) else ""


def reading(content: ReplayContent, replay: str, outcome: ReplayOutcome, prior: str) -> Reading | None:
    """Say whether there would have been more, less or whether this is unknown; None where it wasn't computed."""
    each = find(content, replay, outcome.id, prior)
    return None if each is None else read_effect(as_effect(each), as_outcome(outcome))
