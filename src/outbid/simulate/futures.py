"""The effect of scenarios over a posterior: what every other question is built on.

Every scenario is played over the same draws with the same future innovations (common random numbers), so a
difference between two scenarios is free of the noise that they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

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


class Summarised(Protocol):
    """Anything that says how its path becomes one figure: "sum", "mean", "end" or "mean_last_year"."""

    @property
    def summary(self) -> str:
        """Which of them."""


def summary(of: Summarised, path: Floats) -> Floats:
    """Return an outcome's or a measure's figure over a horizon, shape (draws,), from its path (draws, months)."""
    if of.summary == "sum":
        return np.asarray(path.sum(axis=1))
    if of.summary == "end":
        return np.asarray(path[:, -1])
    if of.summary == "mean":
        return np.asarray(path.mean(axis=1))
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
