"""What a study declares with a decorator: mechanisms, quantities, outcomes, observations, lever histories.

A decorator puts a function into a frozen dataclass, next to where it stands and what its docstring says, so
that the diagram, the report and every complaint speak in the study's words. `vocabulary.py` passes them on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Mechanism:
    """A declared mechanism: its function, its evidence, and its own words for the diagram and the report."""

    name: str
    function: Callable[..., Any]
    evidence: tuple[str, ...]
    nuisance: str
    meaning: str
    where: str


@dataclass(frozen=True)
class Derived:
    """A quantity computed from the month's states and levers, read by mechanisms like a state."""

    name: str
    function: Callable[..., Any]
    unit: str
    meaning: str
    where: str


Reading = Literal["more", "less", "unknown"]
_READINGS: tuple[Reading, ...] = ("more", "less", "unknown")


@dataclass(frozen=True)
class Outcome:
    """A quantity by which scenarios are judged.

    * `summary`: "sum", "mean", "mean_last_year" or "end": how a path becomes one number.
    * `rank`: its place in the answer, from 1; None for what the answer does not speak of.
    * `more`, `less`, `unknown`: clauses on a course ahead, in which `{course}` stands for it: what it does to
      the outcome, and the open question ("whether {course} sends members to the rival").
    * `had`: the same three of the past, after "Had it been so".
    * `briefly`: more and less of it in a few words ("more members lost", "fewer members lost").
    """

    name: str
    function: Callable[..., Any]
    label: str
    unit: str
    better: str
    summary: str
    meaning: str
    where: str
    rank: int | None = None
    more: str = ""
    less: str = ""
    unknown: str = ""
    had: tuple[str, str, str] = ("", "", "")
    briefly: tuple[str, str] = ("", "")

    def clause(self, reading: Reading, course: str = "this course") -> str:
        """Return what a course ahead does to the outcome, or the open question, as a clause."""
        declared = {"more": self.more, "less": self.less, "unknown": self.unknown}[reading]
        made = {
            "more": f"{{course}} makes for {self.brief('more')}",
            "less": f"{{course}} makes for {self.brief('less')}",
            "unknown": f"whether {{course}} makes for {self.brief('more')} or less",
        }
        return (declared or made[reading]).replace("{course}", course)

    def had_clause(self, reading: Reading) -> str:
        """Return what would have become of the outcome in another past, or the open question, as a clause."""
        of_this = f"of this: {self.label.lower()}"
        made = (
            f"there would have been more {of_this}",
            f"there would have been less {of_this}",
            f"whether there would have been more or less {of_this}",
        )
        place = _READINGS.index(reading)
        return self.had[place] or made[place]

    def brief(self, reading: Literal["more", "less"]) -> str:
        """Return more or less of the outcome in a few words."""
        return self.briefly[_READINGS.index(reading)] or f"{reading} of this: {self.label.lower()}"


@dataclass(frozen=True)
class Poisson:
    """Counts with the model's mean; `zero_truncated` where a month without a count is missing, not zero."""

    zero_truncated: bool = False


@dataclass(frozen=True)
class NegativeBinomial:
    """Counts with variance mean + mean² / concentration (a parameter's name)."""

    concentration: str
    zero_truncated: bool = False


@dataclass(frozen=True)
class LogNormal:
    """Positive figures with a relative error; `sigma` is a parameter's name or a number."""

    sigma: str | float


@dataclass(frozen=True)
class Observation:
    """Ties a series to what the model says it sees, a month at a time, with a named distribution.

    `aggregate` says how months make up a figure's period: "sum" (counts, deaths) or "mean" (levels).
    """

    series: str
    function: Callable[..., Any]
    distribution: Poisson | NegativeBinomial | LogNormal
    aggregate: str
    meaning: str
    where: str


@dataclass(frozen=True)
class LeverHistory:
    """Levers whose past is seen only through noisy figures: a function of (innovations, parameters) to paths.

    `noise` names the parameter that scales the innovations.
    """

    name: str
    function: Callable[..., Any]
    levers: tuple[str, ...]
    noise: str
    evidence: tuple[str, ...]
    meaning: str
    where: str


def place_of(function: Callable[..., Any]) -> str:
    """Return where a function stands, for complaints: file, line and name."""
    code = function.__code__
    return f"{Path(code.co_filename).name}, line {code.co_firstlineno}, {function.__name__}"


def _meaning(function: Callable[..., Any]) -> str:
    return " ".join(inspect.cleandoc(function.__doc__ or "").split())


def mechanism(
    *, evidence: list[str] | None = None, nuisance: str = ""
) -> Callable[[Callable[..., Any]], Mechanism]:
    """Declare a mechanism and the claims it rests on.

    * `evidence`: IDs of the ledger's claims.
    * `nuisance`: instead of evidence, one sentence that says why the model needs a mechanism that no claim
      asks for.
    """

    def declare(function: Callable[..., Any]) -> Mechanism:
        return Mechanism(
            function.__name__,
            function,
            tuple(evidence or ()),
            nuisance,
            _meaning(function),
            place_of(function),
        )

    return declare


def quantity(*, unit: str) -> Callable[[Callable[..., Any]], Derived]:
    """Declare a derived quantity, which mechanisms read as `s.<name>`."""

    def declare(function: Callable[..., Any]) -> Derived:
        return Derived(function.__name__, function, unit, _meaning(function), place_of(function))

    return declare


def outcome(
    *,
    label: str,
    unit: str,
    better: str,
    summary: str,
    rank: int | None = None,
    more: str = "",
    less: str = "",
    unknown: str = "",
    had: tuple[str, str, str] = ("", "", ""),
    briefly: tuple[str, str] = ("", ""),
) -> Callable[[Callable[..., Any]], Outcome]:
    """Declare an outcome: a function of (s, u, p, m), `m` the persons moved in the month by mechanism.

    The words are explained in `Outcome`; all are optional.
    """

    def declare(function: Callable[..., Any]) -> Outcome:
        about = (label, unit, better, summary, _meaning(function), place_of(function))
        return Outcome(function.__name__, function, *about, rank, more, less, unknown, had, briefly)

    return declare


def observation(
    distribution: Poisson | NegativeBinomial | LogNormal, *, aggregate: str = "sum"
) -> Callable[[Callable[..., Any]], Observation]:
    """Declare what a series sees: a function of (s, u, p, m) named after the series."""

    def declare(function: Callable[..., Any]) -> Observation:
        return Observation(
            function.__name__, function, distribution, aggregate, _meaning(function), place_of(function)
        )

    return declare


def lever_history(
    *levers: str, noise: str, evidence: list[str]
) -> Callable[[Callable[..., Any]], LeverHistory]:
    """Declare how the past of some levers follows from innovations: (innovations, p) -> {lever: path}."""

    def declare(function: Callable[..., Any]) -> LeverHistory:
        return LeverHistory(
            function.__name__,
            function,
            levers,
            noise,
            tuple(evidence),
            _meaning(function),
            place_of(function),
        )

    return declare
