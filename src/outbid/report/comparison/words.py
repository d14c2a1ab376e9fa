"""How scenarios compare, in sentences: the heading, what each criterion asks, what it picks, the terminal's answer."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from outbid.report.chances import chance, data_tell
from outbid.report.comparison.content import (
    DOMAIN,
    MAXIMIN,
    MINIMAX_REGRET,
    ON_AVERAGE,
    WORST_TAIL,
    ComparisonContent,
    CriteriaRow,
    GoalRow,
    Measure,
    PickRow,
    ReachedRow,
)
from outbid.report.play.rows import view
from outbid.words.numbers import capital, clean, counted, percent, reported, shorten, unit_of

# criteria whose number is a distance from the best, not a level
REGRETS = (ON_AVERAGE, MINIMAX_REGRET)
_ORDER = ("neutral", "sources")
_WHERE = {"neutral": "on the data alone", "sources": "if the sources are right"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WIDTH, _LINES = 100, 10
# as wide as the luck of the draws: two standard errors of a share
_ERRORS = 2.0


@dataclass(frozen=True)
class Criterion:
    """A way of choosing: its name, what it asks of a course, and where it comes from."""

    id: str
    name: str
    asks: str


CRITERIA = (
    Criterion(
        ON_AVERAGE,
        "Best on average",
        "The least expected regret: how much worse it does, averaged over everything that may be true, than the best "
        "course would have in the same circumstances. It trusts the probabilities.",
    ),
    Criterion(
        MINIMAX_REGRET,
        "Least regret at its worst",
        "The smallest of the largest regrets (Savage, 1951). It uses no probabilities, only what is possible.",
    ),
    Criterion(
        MAXIMIN,
        "Best worst case",
        "The least bad worst draw (Wald, 1945). It rests on a single draw for each course.",
    ),
    Criterion(
        WORST_TAIL,
        "Best in the worst 5%",
        "The best mean over the worst 5% of draws: the same caution, resting on more than one draw.",
    ),
)


def prior_sets(content: ComparisonContent) -> tuple[str, ...]:
    """Return the prior sets that were compared under, the data alone first."""
    found = dict.fromkeys(row.prior for row in content.rows)
    return tuple(sorted(found, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)))


def labels(content: ComparisonContent) -> Mapping[str, str]:
    """Return the courses' labels by ID."""
    return {course.id: course.label for course in content.courses}


def bound(goal: GoalRow, measures: Mapping[str, Measure]) -> str:
    """Return a goal's bound in words ("At most 2,300 persons")."""
    factor, unit = unit_of(measures[goal.outcome].unit)
    ends = {"at least": goal.at_least, "at most": goal.at_most}
    # a bound was declared, so it is written as it was, and not rounded as an estimate is
    told = " and ".join(f"{side} {reported(end * factor)}" for side, end in ends.items() if end is not None)
    return capital(f"{told}%" if unit == "%" else f"{told} {unit}".strip())


def nearest(content: ComparisonContent, prior: str) -> tuple[ReachedRow, tuple[ReachedRow, ...]] | None:
    """Return the course that most probably meets all goals, and others whom the draws can't tell from it."""
    found = [row for row in content.reached if row.prior == prior and math.isfinite(row.together)]
    if not found:
        return None
    best = max(found, key=lambda row: row.together)
    draws = content.draws.get(prior, 1)
    error = _ERRORS * math.sqrt(max(best.together * (1 - best.together), 1 / draws) / draws)
    return best, tuple(row for row in found if row is not best and best.together - row.together <= error)


def heading(content: ComparisonContent) -> str:
    """Return the heading: which course comes nearest to meeting all goals, or how often the criteria agree."""
    names, number = labels(content), len(content.goals)
    found = [(prior, near) for prior in prior_sets(content) if (near := nearest(content, prior)) is not None]
    if not found:
        return picks_heading(content)
    goals = {1: "the goal", 2: "both goals"}.get(number, f"all {_count(number)} goals")
    likely = any(near[0].together >= 0.55 for _, near in found)
    told = ", ".join(f"{percent(near[0].together)} {_WHERE.get(prior, view(prior))}" for prior, near in found)
    first = names[found[0][1][0].scenario]
    if len({near[0].scenario for _, near in found}) == 1:
        if likely:
            return f"“{first}” most probably meets {goals} ({told})"
        return f"No course is likely to meet {goals}; “{first}” comes nearest ({told})"
    each = ", ".join(
        f"{_WHERE.get(prior, view(prior))} “{names[near[0].scenario]}” ({percent(near[0].together)})"
        for prior, near in found
    )
    if likely:
        return f"Most probably {goals} {'is' if number == 1 else 'are'} met {each}"
    return f"No course is likely to meet {goals}; nearest comes {each}"


def close_calls(content: ComparisonContent) -> tuple[str, ...]:
    """Return in sentences which courses the draws can't tell from the one that comes nearest."""
    names, out = labels(content), []
    for prior in prior_sets(content):
        near = nearest(content, prior)
        if near is not None and near[1]:
            others = " and ".join(f"“{names[row.scenario]}” ({percent(row.together)})" for row in near[1])
            out.append(
                f"{capital(_WHERE.get(prior, view(prior)))}, {others} "
                f"{'is' if len(near[1]) == 1 else 'are'} too close to “{names[near[0].scenario]}” "
                f"({percent(near[0].together)}) to be told from it with {counted(content.draws[prior], 'draw')}."
            )
    return tuple(out)


def find_pick(content: ComparisonContent, criterion: str, outcome: str, prior: str) -> PickRow | None:
    """Return what a criterion picks on an outcome under one prior set, or None if it isn't there."""
    wanted = (criterion, outcome, prior)
    return next((p for p in content.picks if (p.criterion, p.outcome, p.prior) == wanted), None)


def find_row(content: ComparisonContent, scenario: str, outcome: str, prior: str) -> CriteriaRow | None:
    """Return one scenario on one outcome under one prior set, or None if it isn't there."""
    wanted = (scenario, outcome, prior)
    return next((r for r in content.rows if (r.scenario, r.outcome, r.prior) == wanted), None)


def agree(content: ComparisonContent, outcome: str, prior: str) -> bool:
    """Say whether some course is picked by every criterion on an outcome, alone or tied."""
    found = [find_pick(content, each.id, outcome, prior) for each in CRITERIA]
    picked = [set(each.scenarios) for each in found if each is not None]
    return bool(picked) and bool(set.intersection(*picked))


def picks_heading(content: ComparisonContent) -> str:
    """Return the heading over what the criteria pick: on how many outcomes they all agree."""
    total = len(content.measures)
    parts: list[str] = []
    for prior in prior_sets(content):
        same = sum(agree(content, measure.id, prior) for measure in content.measures)
        of_all = "" if parts else f" of {counted(total, 'outcome')}"
        parts.append(f"on {same or 'none'}{of_all} {_WHERE.get(prior, view(prior))}")
    return f"The {_count(len(CRITERIA))} ways of choosing pick the same course {', and '.join(parts)}"


def told(row: CriteriaRow) -> bool:
    """Say whether a course can be told from the baseline on an outcome; what was certain before counts as told."""
    before = row.prior_probability_better if row.prior == "neutral" else None
    p = row.probability_better
    return data_tell(p, before) or not 0.1 <= p <= 0.9


def domain_words(content: ComparisonContent, prior: str) -> str:
    """Return what the domain criterion picks under one prior set, with its probability."""
    pick = find_pick(content, DOMAIN, "", prior)
    near = nearest(content, prior)
    if pick is None or near is None:
        return ""
    names = labels(content)
    picked = " and ".join(f"“{names[each]}”" for each in pick.scenarios)
    return f"{picked}: {chance(near[0].together)}"


def lines(content: ComparisonContent) -> tuple[str, ...]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters."""
    if not content.rows:
        return ("No scenarios were compared.",)
    names = labels(content)
    out = textwrap.wrap(clean(f"{heading(content)}."), _WIDTH)[:3]
    if content.goals:
        out += textwrap.wrap(clean(f"{picks_heading(content)}."), _WIDTH)[:2]
    for measure in content.measures:
        told_of = []
        for prior in prior_sets(content):
            pick = find_pick(content, ON_AVERAGE, measure.id, prior)
            if pick is not None:
                picked = " or ".join(names[each] for each in pick.scenarios[:2])
                told_of.append(picked)
        both = told_of[0] if len(set(told_of)) == 1 else " | ".join(told_of)
        out.append(f"{measure.label}, best on average: {both}")
    return tuple(shorten(line, _WIDTH) for line in out[:_LINES])


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)
