"""Scenarios: what happens to which lever, when; and goals, which say what would be acceptable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.errors import InputError, did_you_mean
from outbid.model.declare import Model
from outbid.simulate.rules import Rule

Floats = NDArray[np.float64]
SHAPES = ("step", "ramp", "pulse")


@dataclass(frozen=True)
class Change:
    """What happens to one lever.

    Parameters
    ----------
    shape
        "step": from `start` on; "ramp": evenly over `months` from `start`, then held; "pulse": for `months`.
    to, by
        The value to reach, or the difference from where the lever stands today; exactly one is given. A
        difference stops at the edge of the lever's range.
    start, months
        In months of the horizon, counted from 1.
    """

    lever: str
    shape: str
    to: float | None
    by: float | None
    start: int = 1
    months: int = 1


@dataclass(frozen=True)
class Scenario:
    """A named course of action: changes to levers that otherwise stay as they are, and rules that may overrule both."""

    id: str
    label: str
    description: str
    baseline: bool = False
    changes: tuple[Change, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def moves(self) -> frozenset[str]:
        """The levers that it moves, or may move."""
        return frozenset((*(each.lever for each in self.changes), *(each.lever for each in self.rules)))


@dataclass(frozen=True)
class Goal:
    """What would be acceptable of one outcome: the part of the acceptable domain that it bounds.

    At least one of `at_least` and `at_most` is given, in the outcome's unit; `description` says where it comes from.
    """

    id: str
    label: str
    description: str
    outcome: str
    at_least: float | None = None
    at_most: float | None = None

    def reached(self, level: Floats) -> NDArray[np.bool_]:
        """Return where an outcome's level is acceptable, in the shape of `level`; what is no number is not."""
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return np.asarray((level >= low) & (level <= high))


def choose(scenarios: Sequence[Scenario], wanted: Sequence[str]) -> tuple[Scenario, ...]:
    """Return the scenarios of those IDs, the baseline always among them; all if none is asked for."""
    known = [item.id for item in scenarios]
    for name in wanted:
        if name not in known:
            raise InputError(
                f"scenario {name!r}", "the study has no such scenario", did_you_mean(name, known)
            )
    return tuple(item for item in scenarios if not wanted or item.baseline or item.id in wanted)


def lever_paths(model: Model, scenario: Scenario, last: Floats, months: int) -> Floats:
    """Return lever values, shape (draws, months, levers), from each draw's last known values (draws, levers)."""
    paths = np.repeat(last[:, None, :], months, axis=1)
    for change in scenario.changes:
        column = model.lever_names.index(change.lever)
        lever = model.lever(change.lever)
        today = last[:, column]
        goal = np.full_like(today, change.to) if change.to is not None else today + (change.by or 0.0)
        share = _share(change, months)
        moved = today[:, None] + share[None, :] * (np.clip(goal, lever.low, lever.high) - today)[:, None]
        paths[:, :, column] = np.where(share[None, :] > 0, moved, paths[:, :, column])
    return paths


def _share(change: Change, months: int) -> Floats:
    """Return how far a change has come in each month, 0 to 1."""
    since = np.arange(1, months + 1) - change.start + 1
    if change.shape == "ramp":
        return np.clip(since / change.months, 0.0, 1.0)
    under_way = since >= 1
    if change.shape == "pulse":
        under_way &= since <= change.months
    return under_way.astype(float)
