"""What the report says of history with other levers: plain results, without a trace of how they were computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReplayCourse:
    """A history with some levers set otherwise. `had` opens a sentence on it, `note` says what it leaves out.

    `first_month` (YYYY-MM) is the first that differs.
    """

    id: str
    label: str
    description: str
    had: str
    note: str
    first_month: str


@dataclass(frozen=True)
class ReplayOutcome:
    """A quantity that histories are judged by; `role` is its part in the answer, empty if it has none."""

    id: str
    label: str
    unit: str
    better: str
    summary: str
    meaning: str
    role: str = ""


@dataclass(frozen=True)
class ReplayPath:
    """Month by month, one outcome in one history under one prior set; `replay` is empty for what happened."""

    replay: str
    outcome: str
    prior: str
    median: tuple[float, ...]
    q05: tuple[float, ...]
    q25: tuple[float, ...]
    q75: tuple[float, ...]
    q95: tuple[float, ...]


@dataclass(frozen=True)
class ReplayEffect:
    """One replay against what happened, on one outcome over the whole window; intervals are 90%.

    `level_*` is what would have been, `happened_*` what was, `q25` and `q75` bound the middle half of the
    difference.
    """

    replay: str
    outcome: str
    prior: str
    happened_median: float
    happened_q05: float
    happened_q95: float
    level_median: float
    level_q05: float
    level_q95: float
    median: float
    q05: float
    q25: float
    q75: float
    q95: float
    probability_better: float
    prior_probability_better: float


@dataclass(frozen=True)
class ReplaySetting:
    """What a replay does to a lever: its mean over the months that differ, as it was and as it would have been.

    `stopped` is the share of draws in which the lever stops at the edge of its range in some month.
    """

    replay: str
    lever: str
    meaning: str
    unit: str
    prior: str
    first_month: str
    last_month: str
    was: float
    would_be: float
    stopped: float


@dataclass(frozen=True)
class ReplayFigure:
    """A published figure of an outcome, at its monthly rate or level; dates are YYYY-MM-DD, both included."""

    outcome: str
    series: str
    start: str
    end: str
    low: float
    high: float
    source: str


@dataclass(frozen=True)
class ReplayContent:
    """Everything about history with other levers; empty tuples where a study declares no replays.

    `months` are those of the window, as YYYY-MM; `happened` are the paths of the inferred past, `paths` those
    of the replays, `differences` what lies between them, draw by draw.
    """

    months: tuple[str, ...] = ()
    replays: tuple[ReplayCourse, ...] = ()
    outcomes: tuple[ReplayOutcome, ...] = ()
    happened: tuple[ReplayPath, ...] = ()
    paths: tuple[ReplayPath, ...] = ()
    differences: tuple[ReplayPath, ...] = ()
    effects: tuple[ReplayEffect, ...] = ()
    settings: tuple[ReplaySetting, ...] = ()
    figures: tuple[ReplayFigure, ...] = ()
