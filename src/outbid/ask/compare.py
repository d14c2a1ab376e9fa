"""Which scenario is best? Over draws with common random numbers, by criteria that need not agree.

A posterior over what is unknown gives averages; where it is not trusted, criteria that use no probabilities
give answers of their own: the least regret at its worst (Savage 1951) and the best worst case (Wald 1945). With
goals, the domain criterion asks how probable it is to end where all of them are met (Starr 1963; robustness as
satisficing, Lempert and Collins 2007).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.model.vocabulary import Outcome
from outbid.simulate.futures import Futures
from outbid.simulate.scenario import Goal, Scenario

Floats = NDArray[np.float64]
# The share of draws that a tail mean is taken over.
TAIL = 0.05
# Criteria that pick a scenario on each outcome, and the one that looks at all goals at once.
ON_AVERAGE, MINIMAX_REGRET, MAXIMIN, WORST_TAIL, DOMAIN = CRITERIA = (
    *("on_average", "minimax_regret", "maximin", "worst_tail"),
    "domain",
)
# Relative differences below this are rounding: the scenarios are tied.
_TIED = 1e-9


@dataclass(frozen=True)
class OutcomeRow:
    """One scenario on one outcome; intervals are (median, 5%, 95%) over draws, all in the outcome's unit.

    Parameters
    ----------
    level, difference
        The outcome, and what it differs by from the baseline in the same draw; `middle_half` holds the 25% and
        75% quantiles of the difference.
    probability_better, probability_best
        Of being better than the baseline (ties count half), and the best of all scenarios (ties share).
    regret, most_regret
        Shortfall against the best scenario of the same draw: its mean and its maximum over draws.
    worst, worst_tail
        The worst level over draws, and the mean of the worst 5% of levels.
    """

    scenario: str
    outcome: str
    level: tuple[float, float, float]
    difference: tuple[float, float, float]
    middle_half: tuple[float, float]
    probability_better: float
    probability_best: float
    regret: float
    most_regret: float
    worst: float
    worst_tail: float


@dataclass(frozen=True)
class Reached:
    """How probable it is that a scenario meets each goal, by goal's ID, and all of them at once."""

    scenario: str
    goals: Mapping[str, float]
    together: float


@dataclass(frozen=True)
class Pick:
    """What a criterion picks: one scenario, or several that are tied; `outcome` is empty for the domain criterion."""

    criterion: str
    outcome: str
    scenarios: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Scenarios held against each other over the same draws; `reached` is empty where there are no goals."""

    outcomes: tuple[Outcome, ...]
    scenarios: tuple[Scenario, ...]
    goals: tuple[Goal, ...]
    draws: int
    rows: tuple[OutcomeRow, ...]
    reached: tuple[Reached, ...]
    picks: tuple[Pick, ...]


@dataclass(frozen=True)
class Compared:
    """The same comparison after the data and before them."""

    after: Comparison
    before: Comparison


def compare(futures: Futures, goals: Sequence[Goal] = ()) -> Comparison:
    """Return every scenario on every outcome, how probably each meets the goals, and what each criterion picks.

    Least expected regret and best expected level are the same thing, since the best scenario of a draw is the same
    for all; so there is one criterion for both, `on_average`.
    """
    levels = np.stack([futures.levels(item.id) for item in futures.scenarios])
    levels = np.where(np.isfinite(levels), levels, np.nan)
    rows = tuple(
        row for i, outcome in enumerate(futures.outcomes) for row in _rows(futures, outcome, levels[:, :, i])
    )
    reached = tuple(
        _reached(item.id, futures.outcomes, level, goals)
        for item, level in zip(futures.scenarios, levels, strict=True)
        if goals
    )
    return Comparison(
        futures.outcomes,
        futures.scenarios,
        tuple(goals),
        levels.shape[1],
        rows,
        reached,
        (*_picks(futures.outcomes, rows), *_domain_pick(reached)),
    )


def _rows(futures: Futures, outcome: Outcome, levels: Floats) -> list[OutcomeRow]:
    """Return an outcome's row of each scenario, from levels of shape (scenarios, draws)."""
    names = [item.id for item in futures.scenarios]
    sign = 1.0 if outcome.better == "higher" else -1.0
    gains = sign * levels
    regrets = gains.max(axis=0) - gains
    leading = regrets <= _TIED * np.abs(gains).max(axis=0)
    # in a draw with a level that is no number nobody leads
    best = (leading / np.maximum(leading.sum(axis=0), 1)).mean(axis=1)
    differences = levels - levels[names.index(futures.baseline)]
    tail = max(1, int(np.ceil(TAIL * levels.shape[1])))
    # sorting alone would hide a level that is no number at the end
    ordered = np.where(np.isnan(gains).any(axis=1, keepdims=True), np.nan, np.sort(gains, axis=1))
    return [
        OutcomeRow(
            name,
            outcome.name,
            _quantiles(levels[i]),
            _quantiles(differences[i]),
            (float(np.quantile(differences[i], 0.25)), float(np.quantile(differences[i], 0.75))),
            float(np.mean(sign * differences[i] > 0) + 0.5 * np.mean(differences[i] == 0)),
            float(best[i]),
            float(regrets[i].mean()),
            float(regrets[i].max()),
            float(sign * ordered[i, 0]),
            float(sign * ordered[i, :tail].mean()),
        )
        for i, name in enumerate(names)
    ]


def _reached(scenario: str, outcomes: Sequence[Outcome], levels: Floats, goals: Sequence[Goal]) -> Reached:
    """Return how probably a scenario meets the goals, from its levels of shape (draws, outcomes)."""
    names = [item.name for item in outcomes]
    met = {goal.id: goal.reached(levels[:, names.index(goal.outcome)]) for goal in goals}
    return Reached(
        scenario,
        {name: float(each.mean()) for name, each in met.items()},
        float(np.all(list(met.values()), axis=0).mean()),
    )


def _picks(outcomes: Sequence[Outcome], rows: Sequence[OutcomeRow]) -> list[Pick]:
    picks = []
    for outcome in outcomes:
        own = [row for row in rows if row.outcome == outcome.name]
        sign = 1.0 if outcome.better == "higher" else -1.0
        scores = {
            ON_AVERAGE: [-row.regret for row in own],
            MINIMAX_REGRET: [-row.most_regret for row in own],
            MAXIMIN: [sign * row.worst for row in own],
            WORST_TAIL: [sign * row.worst_tail for row in own],
        }
        size = max(abs(row.worst) for row in own)
        names = [row.scenario for row in own]
        picks += [
            Pick(criterion, outcome.name, _highest(names, values, size))
            for criterion, values in scores.items()
        ]
    return picks


def _domain_pick(reached: Sequence[Reached]) -> list[Pick]:
    if not reached:
        return []
    together = [each.together for each in reached]
    return [Pick(DOMAIN, "", _highest([each.scenario for each in reached], together, 1.0))]


def _highest(names: Sequence[str], values: Sequence[float], size: float) -> tuple[str, ...]:
    """Return who has the highest value, ties together; nobody where all are missing."""
    known = {name: value for name, value in zip(names, values, strict=True) if np.isfinite(value)}
    best = max(known.values(), default=np.nan)
    room = _TIED * max(size if np.isfinite(size) else 0.0, abs(best))
    return tuple(name for name, value in known.items() if best - value <= room)


def _quantiles(values: Floats) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(middle), float(low), float(high)
