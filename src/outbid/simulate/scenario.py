"""Scenarios: what happens to which lever, when, and by which rules; and goals, which say what would be acceptable.

A file holds `[[scenario]]` tables with `[[scenario.change]]` and `[[scenario.rule]]` tables in them, and
`[[goal]]` tables. A study has one, and so may anyone who asks it something.

Rules travel into the compiled run as plain numbers, so that one compilation serves every scenario. Each month
they are read off the month's opening states and the month's other levers; a rule on a lever that another rule
moves comes after it, so rules that watch each other in a circle have no order and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
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
    Says,
    Text,
    Whole,
    fault,
    in_range,
    ref,
)
from outbid.errors import InputError, check_name
from outbid.model.compile import natural
from outbid.model.declare import Model

Floats = NDArray[np.float64]
# a sum of decimals may miss the edge of a range by the last digit
_ROUNDING = 1e-9
# As many rules as a scenario may have: the compiled run has room for them.
MOST = 8
# All goals at once, among the goals.
TOGETHER = "all"
FromOne = Annotated[Whole, Says("is not a whole number of at least 1", "Months count from 1.")]


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
        known, by = info.context or {}, self.by
        if by is None or self.lever not in known.get("range", {}):
            return self
        (low, high), today = known["range"][self.lever], known.get("today", {}).get(self.lever)
        if by == 0 or abs(by) > high - low:
            raise fault(f"a difference of {by:g} is none, or more than the lever's range", "Choose another.")
        if today is not None and not low - _ROUNDING <= today + by <= high + _ROUNDING:
            problem = f"from today's {today:g}, a difference of {by:g} leaves the lever's range"
            raise fault(problem, f"Stay within {low - today:+g} to {high - today:+g}.")
        return self


class Rule(Declared):
    """While the watched stock, index or lever is above or below a threshold, a lever is at `to`.

    Exactly one of `above` and `below` is given, in the unit of what is watched. `start` is the first month of
    the horizon in which the rule counts, from 1.
    """

    entry = "rule on {lever}"

    lever: Lever
    watch: Annotated[str, ref("watched", "no stock, index or lever")]
    to: Number
    above: Number | None = None
    below: Number | None = None
    start: FromOne = 1

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        if (self.above is None) == (self.below is None):
            raise fault("needs exactly one of `above` and `below`", "Give one threshold.")
        low, high = (info.context or {}).get("watched", {}).get(self.watch, (-np.inf, np.inf))
        above, below = self.above, self.below
        if not ((above is None or low <= above < high) and (below is None or low < below <= high)):
            side = f"below {below:g}" if above is None else f"above {above:g}"
            fix = f"It goes from {low:g} to {high:g}." if np.isfinite(high) else "It counts persons, from 0."
            raise fault(f"{self.watch} is never or always {side}", fix)
        in_range(info, self.lever, self.to, "to")
        return self


class Scenario(Declared):
    """A named course of action: changes to levers that otherwise stay as they are, and rules that may overrule both.

    `doing` says the course as a gerund ("opening up"), for sentences on it.
    """

    own_label = True

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
        return frozenset(each.lever for each in self.changes) | {each.lever for each in self.rules}

    @property
    def course(self) -> str:
        """What to call it in a sentence: "opening up", or its label in quotation marks."""
        return self.doing or f"“{self.label}”"

    def check_begins(self, months: int, where: str, fix: str) -> None:
        """Refuse a part that would begin after so many months."""
        parts: tuple[Change | Rule, ...] = (*self.changes, *self.rules)
        for each in parts:
            if each.start > months:
                problem = f"starts in month {each.start}, after the horizon of {months} months"
                raise InputError(f"{where}{each.lever}", problem, fix)

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        known = info.context or {}
        if "model" in known:
            rule_table(known["model"], self.rules)
        if known.get("horizon") is not None:
            self.check_begins(known["horizon"], "", "Start earlier.")
        return self


class Goal(Declared):
    """What would be acceptable of one outcome: the part of the acceptable domain that it bounds.

    At least one of `at_least` and `at_most` is given, in the outcome's unit; `description` says where it comes from.
    """

    own_label = True

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
        if any(each.id == TOGETHER for each in self.goals):
            raise fault("is the id of all goals together", "Choose another.", f"goal, {TOGETHER}")
        return self


def names_of(
    model: Model, today: Mapping[str, float] | None = None, horizon: int | None = None
) -> dict[str, Any]:
    """Return what a model's declarations may name, by kind, as `outbid.declared` wants it.

    `today`: where levers stand today, by name, as far as that is known before any fit; a difference that takes one of
    them out of its range is refused, the others stop at the edge. `horizon`: months ahead; what would begin later is
    refused. Not checked, if left out.
    """
    ranges = {lever.name: (lever.low, lever.high) for lever in model.levers}
    # persons are counted from 0 and have no upper end
    stocks = {stock.name: (0.0, np.inf) for stock in model.stocks}
    indices = {index.name: index.range for index in model.indices}
    series = [f"sees.{item.series}" for item in model.observations]
    past = [name for name in model.outputs if not name.startswith("moved.")]
    return {
        "model": model,
        "lever": model.lever_names,
        "range": ranges,
        "today": today or {},
        "horizon": horizon,
        "stock": list(stocks),
        "index": list(indices),
        "state": model.states,
        "watched": {**stocks, **indices, **ranges},
        "outcome": [item.name for item in model.outcomes],
        "parameter": model.parameter_names,
        "actor": [item.name for item in model.actors],
        "output": model.outputs,
        "state, lever or count": [*model.states, *model.lever_names, *model.counts],
        "past output": [*past, *series],
    }


def choose(scenarios: Sequence[Scenario], wanted: Sequence[str]) -> tuple[Scenario, ...]:
    """Return the scenarios of those IDs, the baseline always among them; all if none is asked for."""
    known = [item.id for item in scenarios]
    if not isinstance(wanted, list | tuple):
        raise InputError("scenarios", f"{wanted!r} is no list of ids", f"Give one, such as {known[-1:]}.")
    for name in wanted:
        check_name(name, known, f"scenario {name!r}", "the study has no such scenario")
    return tuple(item for item in scenarios if not wanted or item.baseline or item.id in wanted)


class RuleTable(NamedTuple):
    """Rules as numbers, each of shape (MOST,); an unused place has the lever -1."""

    lever: Any
    watch: Any
    threshold: Any
    sign: Any
    to: Any
    start: Any


def in_order(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return rules so that each comes after those that move what it watches; else as they were given.

    Of several that hold and move one lever, the last counts. Raises InputError if rules watch each other in a circle.
    """
    graph: dict[str, set[str]] = {}
    for rule in rules:
        graph.setdefault(rule.lever, set()).add(rule.watch)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        problem = f"depend on themselves in a circle: {circle}"
        raise InputError("rules", problem, "Let one of the rules watch a state instead.") from error
    return tuple(sorted(rules, key=lambda rule: order.index(rule.lever)))


def rule_table(model: Model, rules: Sequence[Rule] = ()) -> RuleTable:
    """Return rules as numbers, in the order in which they have to be read; InputError on a circle, or too many."""
    if len(rules) > MOST:
        raise InputError("rules", f"there are {len(rules)} in one scenario", f"Use at most {MOST}.")
    known = (*model.states, *model.lever_names)
    blank = (np.full(MOST, each) for each in (0.0, 1.0, 0.0, 1.0))
    table = RuleTable(np.full(MOST, -1), np.zeros(MOST, int), *blank)
    for i, rule in enumerate(in_order(rules)):
        bound, sign = (rule.below, -1.0) if rule.above is None else (rule.above, 1.0)
        places = model.lever_names.index(rule.lever), known.index(rule.watch)
        for column, value in zip(table, (*places, bound, sign, rule.to, rule.start), strict=True):
            column[i] = value
    return table


def ruled(model: Model, rules: RuleTable, state: Mapping[str, Array], planned: Array, month: Array) -> Array:
    """Return the month's levers after the rules, shape (levers,); indices on their own scale, `month` from 1."""
    states, now = jnp.stack(list(natural(model, state).values())), planned
    for i in range(MOST):
        seen = jnp.concatenate([states, now])
        value = jnp.sum(jnp.where(jnp.arange(seen.size) == rules.watch[i], seen, 0.0))
        holds = (rules.sign[i] * (value - rules.threshold[i]) > 0) & (month >= rules.start[i])
        place = rules.lever[i]
        now = jnp.where((jnp.arange(now.size) == place) & holds, rules.to[i], now)
    return now


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
