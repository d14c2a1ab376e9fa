"""Scenarios: what happens to which lever, when; and goals, which say what would be acceptable.

A file holds `[[scenario]]` tables with `[[scenario.change]]` and `[[scenario.rule]]` tables in them, and
`[[goal]]` tables. A study has one, and so may anyone who asks it something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, model_validator

from outbid.declared import (
    Declared,
    Entries,
    Id,
    Lever,
    Many,
    Number,
    Outcome,
    Text,
    fault,
    in_range,
    read_required,
)
from outbid.errors import InputError, did_you_mean
from outbid.model.declare import Model
from outbid.simulate.engine import outputs_of
from outbid.simulate.rules import FromOne, Rule, rule_table

Floats = NDArray[np.float64]
# a sum of decimals may miss the edge of a range by the last digit
_ROUNDING = 1e-9


class Change(Declared):
    """What happens to one lever: a value to reach (`to`), or a difference from where it stands today (`by`).

    A "step" holds from `start` on; a "ramp" goes evenly over `months` from `start`, and is then held; a "pulse"
    lasts for `months`. `start` and `months` count months of the horizon, from 1. A difference stops at the edge
    of the lever's range.
    """

    entry = "{lever}"

    lever: Lever
    shape: Literal["step", "ramp", "pulse"] = "step"
    to: Number | None = None
    by: Number | None = None
    start: FromOne = 1
    months: FromOne = 1

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        if (self.to is None) == (self.by is None):
            raise fault("needs exactly one of `to` and `by`", "Give the value or the difference.")
        if self.to is not None:
            in_range(info, self.lever, self.to)
        known = info.context or {}
        if self.by is not None and self.lever in known.get("range", {}):
            low, high = known["range"][self.lever]
            _reachable(self.by, low, high, known.get("today", {}).get(self.lever))
        return self


def _reachable(by: float, low: float, high: float, today: float | None) -> None:
    """Refuse a difference that is none, or that takes a lever out of its range from today's value, if it is known."""
    if by == 0 or abs(by) > high - low:
        raise fault(f"a difference of {by:g} is none, or more than the lever's range", "Choose another.")
    if today is not None and not low - _ROUNDING <= today + by <= high + _ROUNDING:
        problem = f"from today's {today:g}, a difference of {by:g} leaves the lever's range"
        raise fault(problem, f"Stay within {low - today:+g} to {high - today:+g}.")


class Scenario(Declared):
    """A named course of action: changes to levers that otherwise stay as they are, and rules that may overrule both.

    `doing` says the course as a gerund ("opening up"), for sentences on it.
    """

    id: Id
    label: Text
    description: Text
    baseline: bool = False
    doing: Text = ""
    changes: Many[Change] = Field((), alias="change")
    rules: Many[Rule] = Field((), alias="rule")

    @property
    def moves(self) -> frozenset[str]:
        """The levers that it moves, or may move."""
        return frozenset((*(each.lever for each in self.changes), *(each.lever for each in self.rules)))

    @property
    def course(self) -> str:
        """What to call it in a sentence: "opening up", or its label in quotation marks."""
        return self.doing or f"“{self.label}”"

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        known = info.context or {}
        if "model" in known:
            rule_table(known["model"], self.rules)
        horizon = known.get("horizon")
        begins = [(each.lever, each.start) for each in self.changes]
        for lever, start in begins + [(each.lever, each.start) for each in self.rules]:
            if horizon is not None and start > horizon:
                problem = f"starts in month {start}, after the horizon of {horizon} months"
                raise fault(problem, "Start earlier.", lever)
        return self


class Goal(Declared):
    """What would be acceptable of one outcome: the part of the acceptable domain that it bounds.

    At least one of `at_least` and `at_most` is given, in the outcome's unit; `description` says where it comes from.
    """

    id: Id
    label: Text
    description: Text
    outcome: Outcome
    at_least: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise fault("has no bound", "Give at_least or at_most, in the outcome's unit.")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise fault("nothing can reach it: at_least is more than at_most", "Mend one of the two.")
        return self

    def reached(self, level: Floats) -> NDArray[np.bool_]:
        """Return where an outcome's level is acceptable, in the shape of `level`; what is no number is not."""
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return np.asarray((level >= low) & (level <= high))


class ScenarioFile(Declared):
    """scenarios.toml: courses of action, one of them the baseline, and goals."""

    scenarios: Entries[Scenario] = Field((), alias="scenario")
    goals: Entries[Goal] = Field((), alias="goal")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.scenarios:
            raise fault("holds no scenario", "Write at least one [[scenario]].")
        if sum(item.baseline for item in self.scenarios) != 1:
            raise fault("needs exactly one baseline", "Mark one scenario with baseline = true.")
        labels: dict[str, str] = {}
        for each in self.scenarios:
            if (other := labels.setdefault(each.label, each.id)) != each.id:
                raise fault(f"has the label of {other}", "Give each a label of its own.", f"{each.id}, label")
        return self


def names_of(
    model: Model, today: Mapping[str, float] | None = None, horizon: int | None = None
) -> dict[str, Any]:
    """Return what a model's declarations may name, by kind, as `outbid.declared` wants it.

    `today`: where levers stand today, by name, as far as that is known before any fit; a difference that
    takes one of them out of its range is refused. For the others the edge of the range stops it. `horizon`:
    months ahead; what would begin after it is refused. Not checked, if left out.
    """
    stocks, indices = ([item.name for item in each] for each in (model.stocks, model.indices))
    ranges = {name: (model.lever(name).low, model.lever(name).high) for name in model.lever_names}
    # persons are counted from 0 and have no upper end
    watched = {
        **dict.fromkeys(stocks, (0.0, np.inf)),
        **{item.name: item.range for item in model.indices},
        **ranges,
    }
    outcomes = [item.name for item in model.outcomes]
    inside = [*stocks, *indices, *(item.name for item in model.quantities), *model.counts]
    elsewhere = [f"outcome.{name}" for name in outcomes] + [f"lever.{name}" for name in model.lever_names]
    return {
        "model": model,
        "lever": model.lever_names,
        "range": ranges,
        "today": today or {},
        "horizon": horizon,
        "stock": stocks,
        "index": indices,
        "state": [*stocks, *indices],
        "watched": watched,
        "outcome": outcomes,
        "parameter": model.parameter_names,
        "actor": [item.name for item in model.actors],
        "output": outputs_of(model),
        "state, lever or count": [*stocks, *indices, *model.lever_names, *model.counts],
        "past output": [*inside, *elsewhere, *(f"sees.{item.series}" for item in model.observations)],
    }


def read_scenarios(
    path: Path, model: Model, today: Mapping[str, float] | None = None, months: int | None = None
) -> tuple[Scenario, ...]:
    """Read a file's scenarios and check them against the model; `today` and `months` as in `names_of`.

    Raises InputError on unknown keys, levers or watched names, a value or threshold out of range, a change
    without size, rules that depend on themselves or are too many, an id or a label taken twice, or none or
    several baselines.
    """
    return read_required(path, ScenarioFile, names_of(model, today, months)).scenarios


def read_goals(path: Path, model: Model) -> tuple[Goal, ...]:
    """Read a file's goals and check them against the model's outcomes; empty if it has none.

    Raises InputError on a fault in the file; a goal needs a bound that something can reach.
    """
    return read_required(path, ScenarioFile, names_of(model)).goals


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
