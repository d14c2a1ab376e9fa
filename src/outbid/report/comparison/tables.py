"""What the comparison of scenarios shows, as plain text ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.plots.base import Figure
from outbid.report.chances import chance
from outbid.report.comparison import words
from outbid.report.comparison.content import (
    MAXIMIN,
    MINIMAX_REGRET,
    ON_AVERAGE,
    WORST_TAIL,
    ComparisonContent,
    Course,
    CriteriaRow,
    Measure,
)
from outbid.report.comparison.words import CRITERIA, Criterion, find_pick, find_row, prior_sets
from outbid.report.figures import comparison as drawing
from outbid.report.play.rows import view
from outbid.words.numbers import percent, two_digits, unit_of


@dataclass(frozen=True)
class GoalLine:
    """A goal in words: what it asks, its bound, and where that comes from."""

    label: str
    bound: str
    description: str


@dataclass(frozen=True)
class ReachedLine:
    """How probably a course meets each goal and all of them, in words; `before` the data."""

    label: str
    baseline: bool
    goals: tuple[str, ...]
    together: str
    before: str


@dataclass(frozen=True)
class PickLine:
    """What each criterion picks on one outcome; `agree` where some course is picked by all."""

    outcome: str
    cells: tuple[str, ...]
    agree: bool


@dataclass(frozen=True)
class NumberLine:
    """A course by every criterion, under each prior set (five cells each)."""

    label: str
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class NumberBlock:
    """An outcome with a line for each course."""

    label: str
    unit: str
    better: str
    lines: tuple[NumberLine, ...]


@dataclass(frozen=True)
class Section:
    """Everything that the comparison shows; goals, prior sets and criteria may be empty."""

    heading: str
    figure: Figure | None
    courses: tuple[Course, ...]
    goals: tuple[GoalLine, ...]
    reached: tuple[tuple[str, tuple[ReachedLine, ...]], ...]
    close_calls: tuple[str, ...]
    picks_heading: str
    criteria: tuple[Criterion, ...]
    picks: tuple[tuple[str, tuple[PickLine, ...]], ...]
    domain: tuple[tuple[str, str], ...]
    views: tuple[str, ...]
    numbers: tuple[NumberBlock, ...]
    draws: str


def section(content: ComparisonContent) -> Section | None:
    """Return what the comparison shows, or None where nothing was compared."""
    if len(content.courses) < 2 or not content.rows:
        return None
    priors = prior_sets(content)
    measures = {each.id: each for each in content.measures}
    most = max(content.draws.values(), default=0)
    return Section(
        words.heading(content),
        drawing.figure(content),
        tuple(course for course in content.courses if course.rules),
        tuple(GoalLine(g.label, words.bound(g, measures), g.description) for g in content.goals),
        tuple((view(prior), _reached(content, prior)) for prior in priors if content.goals),
        words.close_calls(content),
        words.picks_heading(content),
        CRITERIA,
        tuple((view(prior), _picks(content, prior)) for prior in priors),
        tuple((view(prior), words.domain_words(content, prior)) for prior in priors if content.goals),
        tuple(view(prior) for prior in priors),
        tuple(_numbers(content, measure) for measure in content.measures),
        f"{most:,}",
    )


def _reached(content: ComparisonContent, prior: str) -> tuple[ReachedLine, ...]:
    courses = {course.id: course for course in content.courses}
    return tuple(
        ReachedLine(
            courses[row.scenario].label,
            courses[row.scenario].baseline,
            tuple(percent(row.goals[goal.id]) for goal in content.goals),
            chance(row.together),
            percent(row.before),
        )
        for row in content.reached
        if row.prior == prior
    )


def _picks(content: ComparisonContent, prior: str) -> tuple[PickLine, ...]:
    return tuple(
        PickLine(
            measure.label,
            tuple(_pick(content, each.id, measure, prior) for each in CRITERIA),
            words.agree(content, measure.id, prior),
        )
        for measure in content.measures
    )


def _pick(content: ComparisonContent, criterion: str, measure: Measure, prior: str) -> str:
    """Return what a criterion picks, its number, and a word of caution where the baseline may do as well."""
    pick = find_pick(content, criterion, measure.id, prior)
    if pick is None or not pick.scenarios:
        return "not computed"
    names = words.labels(content)
    row = find_row(content, pick.scenarios[0], measure.id, prior)
    base = next((course.id for course in content.courses if course.baseline), "")
    if row is None or len(pick.scenarios) == len(content.courses):
        return "all the same"
    open_question = "" if base in pick.scenarios or words.told(row) else "; can't tell"
    size = _value(_number(row, criterion), measure, distance=criterion in words.REGRETS)
    return f"{' or '.join(names[each] for each in pick.scenarios)} ({size}{open_question})"


def _number(row: CriteriaRow, criterion: str) -> float:
    return {
        ON_AVERAGE: row.regret,
        MINIMAX_REGRET: row.most_regret,
        MAXIMIN: row.worst,
        WORST_TAIL: row.worst_tail,
    }[criterion]


def _value(value: float, measure: Measure, *, distance: bool) -> str:
    factor, unit = unit_of(measure.unit, difference=distance)
    text = two_digits(value * factor)
    return f"{text}%" if unit == "%" else text


def _numbers(content: ComparisonContent, measure: Measure) -> NumberBlock:
    lines = []
    for course in content.courses:
        cells = []
        for prior in prior_sets(content):
            row = find_row(content, course.id, measure.id, prior)
            cells.append(("",) * 5 if row is None else _cells(row, measure))
        lines.append(NumberLine(course.label, tuple(cells)))
    return NumberBlock(measure.label, unit_of(measure.unit)[1], measure.better, tuple(lines))


def _cells(row: CriteriaRow, measure: Measure) -> tuple[str, ...]:
    return (
        _value(row.regret, measure, distance=True),
        percent(row.probability_best),
        _value(row.most_regret, measure, distance=True),
        _value(row.worst, measure, distance=False),
        _value(row.worst_tail, measure, distance=False),
    )
