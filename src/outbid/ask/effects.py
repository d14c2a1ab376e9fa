"""The effect of scenarios over a posterior: what every other question is built on.

Every scenario is played over the same draws with the same future innovations (common random numbers), so a
difference between two scenarios is free of the noise that they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.model.declare import Model
from outbid.model.vocabulary import Outcome
from outbid.simulate.engine import Simulator, Standing
from outbid.simulate.rules import rule_table
from outbid.simulate.scenario import Scenario, lever_paths

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Futures:
    """What every scenario leads to.

    Parameters
    ----------
    outcomes, scenarios
        What was looked at, in the order of the arrays below.
    paths
        By scenario: shape (draws, months, outcomes).
    """

    outcomes: tuple[Outcome, ...]
    scenarios: tuple[Scenario, ...]
    paths: Mapping[str, Floats]

    @property
    def baseline(self) -> str:
        """The ID of the scenario that the others are held against."""
        return next(item.id for item in self.scenarios if item.baseline)

    def levels(self, scenario: str) -> Floats:
        """Return each draw's outcomes over the horizon, shape (draws, outcomes), summed up as declared."""
        return np.stack(
            [summary(item, self.paths[scenario][:, :, i]) for i, item in enumerate(self.outcomes)], axis=1
        )


@dataclass(frozen=True)
class Comparison:
    """One scenario against the baseline on one outcome; intervals are 5% and 95% quantiles over draws."""

    scenario: str
    outcome: str
    level: tuple[float, float, float]
    difference: tuple[float, float, float]
    middle_half: tuple[float, float]
    probability_better: float
    regret: float


def summary(outcome: Outcome, path: Floats) -> Floats:
    """Return an outcome's figure over a horizon, shape (draws,), from its path (draws, months)."""
    if outcome.summary == "sum":
        return np.asarray(path.sum(axis=1))
    if outcome.summary == "end":
        return np.asarray(path[:, -1])
    return np.asarray(path[:, -12:].mean(axis=1))


def play(
    model: Model, simulator: Simulator, standing: Standing, scenarios: Sequence[Scenario], seed: int
) -> Futures:
    """Play scenarios from where the draws stand today, all with the same innovations."""
    innovations = simulator.innovations(len(standing), seed)
    told = simulator.columns([f"outcome.{item.name}" for item in model.outcomes])
    paths = {}
    for item in scenarios:
        levers = lever_paths(model, item, standing.levers, simulator.months)
        path = simulator.run(standing, levers, innovations, rule_table(model, item.rules))
        paths[item.id] = path[:, :, told]
    return Futures(model.outcomes, tuple(scenarios), paths)


def compare(futures: Futures) -> tuple[Comparison, ...]:
    """Return every scenario against the baseline on every outcome.

    The probability of being better counts ties half; regret is the mean shortfall against the best scenario
    of the same draw, in the outcome's unit.
    """
    levels = {item.id: futures.levels(item.id) for item in futures.scenarios}
    base = levels[futures.baseline]
    result = []
    for i, outcome in enumerate(futures.outcomes):
        sign = 1.0 if outcome.better == "higher" else -1.0
        best = np.max([sign * each[:, i] for each in levels.values()], axis=0)
        for item in futures.scenarios:
            level = levels[item.id][:, i]
            difference = level - base[:, i]
            better = float(np.mean(sign * difference > 0) + 0.5 * np.mean(difference == 0))
            result.append(
                Comparison(
                    item.id,
                    outcome.name,
                    _quantiles(level),
                    _quantiles(difference),
                    (float(np.quantile(difference, 0.25)), float(np.quantile(difference, 0.75))),
                    better,
                    float(np.mean(best - sign * level)),
                )
            )
    return tuple(result)


def _quantiles(values: Floats) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(middle), float(low), float(high)
