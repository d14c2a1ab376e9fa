"""One test of a claim as the report opens it: what was asked and done, and the numbers under every prior set."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.report.chances import chance
from outbid.report.claims.content import BoxLimit, ClaimBox, Trial, WorstRun
from outbid.report.claims.odds import bayes_in_words, quantity_of
from outbid.report.claims.rows import known, marked, measured, tone
from outbid.report.play.rows import view
from outbid.words.numbers import (
    SHARES,
    capital,
    interval,
    more_or_less,
    percent,
    plain_name,
    quantity,
    signed,
    two_digits,
    unit_of,
)

HOW = {
    "intervention": "the same runs with something different and without it",
    "equilibrium": "equilibria compared",
    "forecast": "a forecast",
    "record": "the published figures, without the model",
}
_WIDTH, _HEIGHT, _EDGE = 180, 48, 3


@dataclass(frozen=True)
class Line:
    """A small drawing of two paths: points of the path with the intervention, of that without, and words."""

    width: int
    height: int
    with_it: str
    without_it: str
    words: str


@dataclass(frozen=True)
class Column:
    """What a test says under one prior set, in words; `line` draws the run that contradicts it most."""

    view: str
    verdict: str
    tone: str
    because: str
    cells: tuple[str, ...]
    worst: tuple[str, ...]
    line: Line | None
    box: tuple[str, ...]


@dataclass(frozen=True)
class TestBlock:
    """A test with a column for each prior set; `rows` names the cells of all columns."""

    question: str
    answer_if: str
    how: str
    test: str
    measure: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]


def block(trials: tuple[Trial, ...]) -> TestBlock:
    """Return a test in words, from what it says under every prior set (at least one)."""
    first = trials[0]
    least = f"; {quantity_of(first.smallest, first.unit)} or more would matter" if first.smallest > 0 else ""
    direction = {1: "an effect above zero", -1: "an effect below zero"}.get(first.sign, "")
    expected = f", {direction} expected{least}" if direction and first.how != "record" else ""
    return TestBlock(
        first.question,
        _lower(first.answer_if),
        HOW.get(first.how, first.how),
        first.test,
        f"{measured(first)}{expected}",
        _rows(first),
        # published figures say the same under every prior set
        tuple(_column(trial) for trial in (trials[:1] if first.how == "record" else trials)),
    )


def _rows(trial: Trial) -> tuple[str, ...]:
    if trial.how == "record":
        return ("Trend or share (90% interval)", "That the figures say so")
    return (
        "Effect (90% interval)",
        "That it is so, before the data",
        "That it is so, after them",
        "And enough to matter, before",
        "And enough to matter, after",
        "Bayes factor",
    )


def _column(trial: Trial) -> Column:
    cells: tuple[str, ...] = (effect(trial), _chance(trial.probability))
    if trial.how != "record":
        cells = (
            effect(trial),
            _chance(trial.prior_probability),
            _chance(trial.probability),
            _chance(trial.prior_matters) if trial.smallest > 0 else "any size does",
            _chance(trial.matters) if trial.smallest > 0 else "any size does",
            bayes_in_words(trial.bayes_factor),
        )
    return Column(
        "the figures" if trial.how == "record" else view(trial.prior),
        marked(trial.verdict),
        tone(trial.verdict),
        trial.because,
        cells,
        worst_words(trial, trial.worst) if trial.worst else (),
        drawn(trial.worst) if trial.worst else None,
        box_words(trial.box) if trial.box else (),
    )


def effect(trial: Trial) -> str:
    """Return the effect with its 90% interval and its unit; for a record its own number."""
    middle, low, high = known(trial.median), known(trial.q05), known(trial.q95)
    if middle is None:
        return "none computed"
    if trial.how == "record":
        span = f" ({interval(low, high)})" if low is not None and high is not None else ""
        return f"{two_digits(middle)}{span} {trial.unit}".strip()
    factor, words = unit_of(trial.unit, difference=True)
    span = ""
    if low is not None and high is not None:
        span = f" ({interval(low * factor, high * factor, difference=True)})"
    return f"{signed(middle * factor)}{span} {words}".strip()


def _chance(value: float | None) -> str:
    found = known(value)
    return "not known" if found is None else chance(found)


def worst_words(trial: Trial, worst: WorstRun) -> tuple[str, ...]:
    """Return what the run that contradicts a test most does, and what sets it apart, in sentences."""
    out = [f"the effect is {more_or_less(worst.effect, trial.unit)}."]
    for name, meaning, value, place in worst.apart:
        where = (
            f"higher than in {percent(place)} of the draws"
            if place > 0.5
            else f"lower than in {percent(1 - place)} of the draws"
        )
        told = f"{meaning.rstrip('.')} ({plain_name(name)})" if meaning else plain_name(name)
        out.append(f"{capital(told)}: {two_digits(value)}, {where}.")
    return tuple(out)


def _lower(text: str) -> str:
    """Return words so that they can stand inside a sentence."""
    text = text.replace("; ", ", ")
    return (text[:1].lower() + text[1:]).rstrip(".") if text[1:2].islower() else text.rstrip(".")


def box_words(box: ClaimBox) -> tuple[str, ...]:
    """Return where a claim holds, in sentences: the limits, how densely, and how much of it they catch."""
    if not box.limits:
        return ()
    where = ", and ".join(limit_words(limit) for limit in box.limits)
    return (
        f"{where}.",
        f"There it holds in {percent(box.density)} of the draws, against {percent(box.share_holding)} of all. "
        f"These limits hold {percent(box.share)} of all draws, and {percent(box.coverage)} of those in which "
        "it is so.",
    )


def limit_words(limit: BoxLimit) -> str:
    """Return one side of a box in words ("“how hard the rule is” above 0.70")."""
    name = f"“{_lower(limit.meaning)}”" if limit.meaning else plain_name(limit.name)
    low, high = known(limit.low), known(limit.high)
    if low is not None and high is not None:
        factor = unit_of(limit.unit)[0] if limit.unit in SHARES else 1.0
        span = interval(low * factor, high * factor, "%" if factor != 1.0 else limit.unit)
        return f"{name} between {span.replace(' to ', ' and ', 1)}"
    if low is not None:
        return f"{name} above {quantity(low, limit.unit)}"
    return f"{name} below {quantity(high, limit.unit)}" if high is not None else f"{name} at any value"


def drawn(worst: WorstRun) -> Line | None:
    """Return the worst run's two paths as points of a small drawing, or None where there are none."""
    path, other = worst.with_it, worst.without_it
    if len(other) != len(path) or any(known(value) is None for value in other):
        other = ()  # a forecast has no world without it
    both = (*path, *other)
    number = len(path)
    if number < 2 or any(known(value) is None for value in path):
        return None
    low, high = min(both), max(both)
    wide, tall = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE

    def points(path: tuple[float, ...]) -> str:
        spots = []
        for i, value in enumerate(path):
            up = (value - low) / (high - low) if high > low else 0.5
            spots.append(f"{_EDGE + wide * i / (number - 1):.0f},{_EDGE + tall * (1 - up):.1f}")
        return " ".join(spots)

    words = f"That run month by month: {_ends(path)}"
    words += f" with it (solid), {_ends(other)} without (dashed)." if other else "."
    return Line(_WIDTH, _HEIGHT, points(path), points(other), words)


def _ends(path: tuple[float, ...]) -> str:
    return f"from {two_digits(path[0])} to {two_digits(path[-1])}"
