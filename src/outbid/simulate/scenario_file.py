"""Read scenarios and goals from TOML, inside a study or outside the package, and refuse what can't be meant.

A file holds `[[scenario]]` blocks with `[[scenario.change]]` and `[[scenario.rule]]` blocks in them, and
`[[goal]]` blocks. Every complaint names the file, the scenario and the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from outbid.data.tables import read_toml
from outbid.declarations import Block, among, identifier, number, only, tables, text
from outbid.errors import InputError
from outbid.model.declare import Model
from outbid.model.vocabulary import Lever
from outbid.simulate.rules import Rule, rule_table, watchable
from outbid.simulate.scenario import SHAPES, Change, Goal, Scenario

_KINDS = ("scenario", "goal")
# a sum of decimals may miss the edge of a range by the last digit
_ROUNDING = 1e-9


def read_scenarios(
    path: Path, model: Model, today: Mapping[str, float] | None = None, months: int | None = None
) -> tuple[Scenario, ...]:
    """Read a file's scenarios and check them against the model.

    Parameters
    ----------
    today
        Where levers stand today, by name, as far as that is known before any fit; a difference that takes one
        of them out of its range is refused. For the others the edge of the range stops it.
    months
        The horizon; what would begin after it is refused. Not checked, if left out.

    Raises
    ------
    InputError
        On unknown keys, levers or watched names, a value or threshold out of range, a change without size, rules
        that depend on themselves or are too many, duplicate IDs, or none or several baselines.
    """
    scenarios: list[Scenario] = []
    for block in _blocks(path, "scenario"):
        taken = [item.id for item in scenarios]
        scenarios.append(_scenario(path.name, block, taken, model, today or {}, months))
    if not scenarios:
        raise InputError(path.name, "holds no scenario", "Write at least one [[scenario]].")
    if sum(item.baseline for item in scenarios) != 1:
        raise InputError(path.name, "needs exactly one baseline", "Mark one scenario with baseline = true.")
    return tuple(scenarios)


def read_goals(path: Path, model: Model) -> tuple[Goal, ...]:
    """Read a file's goals and check them against the model's outcomes; empty if it has none.

    Raises
    ------
    InputError
        On unknown keys or outcomes, a goal without a bound or that nothing can reach, or duplicate IDs.
    """
    goals: list[Goal] = []
    for block in _blocks(path, "goal"):
        goals.append(_goal(path.name, block, [item.id for item in goals], model))
    return tuple(goals)


def read_change(where: str, block: Block, model: Model, today: Mapping[str, float]) -> Change:
    """Read one change of a lever from its TOML table; `where` is what to call the place in complaints.

    Raises
    ------
    InputError
        On an unknown key, lever or shape, no size or two, or a size that leaves the lever's range.
    """
    only(where, block, ("lever", "shape", "to", "by", "start", "months"))
    lever = model.lever(among(f"{where}, lever", block.get("lever"), model.lever_names, "no lever"))
    at, to, by = f"{where}, {lever.name}", None, None
    shape = among(f"{at}, shape", block.get("shape", "step"), SHAPES, "unknown shape")
    if ("to" in block) == ("by" in block):
        raise InputError(at, "needs exactly one of `to` and `by`", "Give the value or the difference.")
    if "to" in block:
        to = _in_range(at, number(at, block, "to"), lever)
    else:
        by = _difference(at, number(at, block, "by"), lever, today.get(lever.name))
    return Change(lever.name, shape, to, by, _month(at, block, "start"), _month(at, block, "months"))


def read_rule(where: str, block: Block, model: Model) -> Rule:
    """Read one conditional rule from its TOML table; `where` is what to call the place in complaints.

    Raises
    ------
    InputError
        On an unknown key, lever or watched name, no threshold or two, or a value or threshold out of range.
    """
    only(where, block, ("lever", "watch", "above", "below", "to", "start"))
    lever = model.lever(among(f"{where}, lever", block.get("lever"), model.lever_names, "no lever"))
    at = f"{where}, rule on {lever.name}"
    watch = among(f"{at}, watch", block.get("watch"), watchable(model), "no stock, index or lever")
    if ("above" in block) == ("below" in block):
        raise InputError(at, "needs exactly one of `above` and `below`", "Give one threshold.")
    above = number(at, block, "above") if "above" in block else None
    below = number(at, block, "below") if "below" in block else None
    low, high = _range_of(model, watch)
    if not ((above is None or low <= above < high) and (below is None or low < below <= high)):
        side, threshold = ("above", above) if below is None else ("below", below)
        raise InputError(
            at,
            f"{watch} is never or always {side} {threshold:g}",
            f"It goes from {low:g} to {high:g}." if np.isfinite(high) else "It counts persons, from 0.",
        )
    to = _in_range(f"{at}, to", number(at, block, "to"), lever)
    return Rule(lever.name, watch, to, above, below, _month(at, block, "start"))


def _scenario(
    file: str,
    block: Block,
    taken: list[str],
    model: Model,
    today: Mapping[str, float],
    months: int | None,
) -> Scenario:
    name = identifier(f"{file}, scenario", block, taken)
    where = f"{file}, {name}"
    only(where, block, ("id", "label", "description", "baseline", "change", "rule"))
    label, description = (text(where, block, key) for key in ("label", "description"))
    baseline = block.get("baseline", False)
    if not isinstance(baseline, bool):
        raise InputError(f"{where}, baseline", "is not true or false", "Write baseline = true.")
    changes = tuple(read_change(where, item, model, today) for item in tables(where, block, "change"))
    rules = tuple(read_rule(where, item, model) for item in tables(where, block, "rule"))
    rule_table(model, rules, where)
    begun = [(item.lever, item.start) for item in changes] + [(item.lever, item.start) for item in rules]
    for lever, start in begun:
        if months is not None and start > months:
            raise InputError(
                f"{where}, {lever}",
                f"starts in month {start}, after the horizon of {months} months",
                "Start earlier.",
            )
    return Scenario(name, label, description, baseline, changes, rules)


def _goal(file: str, block: Block, taken: list[str], model: Model) -> Goal:
    name = identifier(f"{file}, goal", block, taken)
    where = f"{file}, {name}"
    only(where, block, ("id", "label", "description", "outcome", "at_least", "at_most"))
    label, description = (text(where, block, key) for key in ("label", "description"))
    known = [item.name for item in model.outcomes]
    outcome = among(f"{where}, outcome", block.get("outcome"), known, "no outcome")
    least = number(where, block, "at_least") if "at_least" in block else None
    most = number(where, block, "at_most") if "at_most" in block else None
    if least is None and most is None:
        raise InputError(where, "has no bound", "Give at_least or at_most, in the outcome's unit.")
    if least is not None and most is not None and least > most:
        raise InputError(where, "nothing can reach it: at_least is more than at_most", "Mend one of the two.")
    return Goal(name, label, description, outcome, least, most)


def _blocks(path: Path, wanted: str) -> list[Block]:
    entries = read_toml(path)
    only(path.name, entries, _KINDS)
    return tables(path.name, entries, wanted)


def _in_range(where: str, value: float, lever: Lever) -> float:
    if not lever.low <= value <= lever.high:
        raise InputError(
            where,
            f"{value:g} is outside the lever's range",
            f"Stay within {lever.low:g} to {lever.high:g}.",
        )
    return value


def _difference(where: str, size: float, lever: Lever, today: float | None) -> float:
    if size == 0 or abs(size) > lever.high - lever.low:
        raise InputError(
            where, f"a difference of {size:g} is none, or more than the lever's range", "Choose another."
        )
    if today is not None and not lever.low - _ROUNDING <= today + size <= lever.high + _ROUNDING:
        raise InputError(
            where,
            f"from today's {today:g}, a difference of {size:g} leaves the lever's range",
            f"Stay within {lever.low - today:+g} to {lever.high - today:+g}.",
        )
    return size


def _month(where: str, block: Block, key: str) -> int:
    value = block.get(key, 1)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{where}, {key}", "is not a whole number of at least 1", "Months count from 1.")
    return value


def _range_of(model: Model, name: str) -> tuple[float, float]:
    """Return what a watched thing can take, in its own unit; persons are counted from 0 and have no upper end."""
    if name in model.lever_names:
        lever = model.lever(name)
        return lever.low, lever.high
    if name in {item.name for item in model.stocks}:
        return 0.0, np.inf
    return model.index(name).range
