"""What the report says of strategic play: plain results, without a trace of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """A world in which the rivals' game was solved; exactly one is the baseline."""

    id: str
    label: str
    description: str
    baseline: bool


@dataclass(frozen=True)
class PlayRow:
    """What one player is expected to do in one world under one prior set, month by month from today.

    `levels` are the actions it can choose from; intervals are 90%, over draws of the expected level. `mean_*` is
    the expectation over all the months. `decides` is False where the player's level was set, not chosen.
    """

    world: str
    player: str
    lever: str
    prior: str
    levels: tuple[float, ...]
    months: tuple[str, ...]
    median: tuple[float, ...]
    q05: tuple[float, ...]
    q95: tuple[float, ...]
    mean_median: float
    mean_q05: float
    mean_q95: float
    decides: bool = True


@dataclass(frozen=True)
class PlayTest:
    """A question put to the equilibria: how a measure differs between two worlds, or from today, or a weight's sign.

    `effect` is in the measure's unit; `probability` that it has the expected `sign`, `probability_matters` that it
    is also at least the `smallest` that would matter; `prior_probability` the first before the data.
    """

    id: str
    claims: tuple[str, ...]
    question: str
    answer_if: str
    measure: str
    unit: str
    sign: int
    smallest: float
    prior: str
    median: float
    q05: float
    q95: float
    probability: float
    probability_matters: float
    prior_probability: float
    verdict: str


@dataclass(frozen=True)
class PayoffRow:
    """A payoff weight before and after the moves of the past. Mappings are keyed by prior set.

    `contraction` as in `ParameterRow`: 0 = the moves say nothing, 1 = they say everything.
    """

    player: str
    term: str
    unit: str
    meaning: str
    prior: Mapping[str, str]
    median: Mapping[str, float]
    q05: Mapping[str, float]
    q95: Mapping[str, float]
    probability_positive: Mapping[str, float]
    contraction: Mapping[str, float]


@dataclass(frozen=True)
class PlaySummary:
    """How the game was solved under one prior set, and how well it tells the moves that were made.

    `fit` is the mean log likelihood of the moves, `by_chance` that of blind play; `solved` the share of games
    with a certified equilibrium; `effective` how many of `trials` weights a draw's answer rests on.
    """

    prior: str
    draws: int
    states: int
    solved: float
    residual: float
    moves: int
    fit: float
    by_chance: float
    trials: int
    effective: float
    discount: float
    several: float | None = None


@dataclass(frozen=True)
class Play:
    """Everything about strategic play; empty tuples where a study is not played."""

    worlds: tuple[World, ...] = ()
    rows: tuple[PlayRow, ...] = ()
    tests: tuple[PlayTest, ...] = ()
    payoffs: tuple[PayoffRow, ...] = ()
    summaries: tuple[PlaySummary, ...] = ()
