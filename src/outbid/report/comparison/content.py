"""How scenarios compare by several criteria: plain results, without a trace of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ON_AVERAGE, MINIMAX_REGRET, MAXIMIN, WORST_TAIL, DOMAIN = (
    *("on_average", "minimax_regret", "maximin", "worst_tail"),
    "domain",
)


@dataclass(frozen=True)
class Measure:
    """An outcome that scenarios are judged by; `better` is "higher" or "lower"."""

    id: str
    label: str
    unit: str
    better: str
    summary: str


@dataclass(frozen=True)
class Course:
    """A scenario; `rules` are its conditional rules, a sentence each."""

    id: str
    label: str
    description: str
    baseline: bool
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class GoalRow:
    """What would be acceptable of an outcome, in its unit; None where that side is open."""

    id: str
    label: str
    description: str
    outcome: str
    at_least: float | None
    at_most: float | None


@dataclass(frozen=True)
class ReachedRow:
    """How probable it is that a scenario meets each goal, by goal's ID, and all of them; `before` the data."""

    scenario: str
    prior: str
    goals: Mapping[str, float]
    together: float
    before: float


@dataclass(frozen=True)
class CriteriaRow:
    """One scenario on one outcome under one prior set, all in the outcome's unit.

    `median`, `q05` and `q95` are of the level, `difference_*` of what it differs by from the baseline. `regret` is
    the mean shortfall against the best scenario of the same draw, `most_regret` the largest; `worst` the worst level
    over draws, `worst_tail` the mean of the worst 5%. Probabilities: better than the baseline, the same before the
    data, and the best of all.
    """

    scenario: str
    outcome: str
    prior: str
    median: float
    q05: float
    q95: float
    difference_median: float
    difference_q05: float
    difference_q95: float
    probability_better: float
    prior_probability_better: float
    probability_best: float
    regret: float
    most_regret: float
    worst: float
    worst_tail: float


@dataclass(frozen=True)
class PickRow:
    """What a criterion picks under one prior set, several where they are tied; no outcome: it looks at all goals."""

    criterion: str
    outcome: str
    prior: str
    scenarios: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonContent:
    """Scenarios compared; empty where nothing was. `file` names a user's own scenarios file."""

    measures: tuple[Measure, ...] = ()
    courses: tuple[Course, ...] = ()
    goals: tuple[GoalRow, ...] = ()
    rows: tuple[CriteriaRow, ...] = ()
    reached: tuple[ReachedRow, ...] = ()
    picks: tuple[PickRow, ...] = ()
    draws: Mapping[str, int] = field(default_factory=dict)
    horizon_months: int = 0
    file: str = ""
