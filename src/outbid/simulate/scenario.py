"""Scenarios: what happens to which lever, when. Read from TOML, inside a study or outside the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outbid.data.tables import read_toml
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


def read_scenarios(path: Path, model: Model) -> tuple[Scenario, ...]:
    """Read a scenarios.toml and check it against the model's levers.

    Raises
    ------
    InputError
        On unknown keys or levers, a value outside a lever's range, a change without size, duplicate IDs, or
        none or several baselines.
    """
    entries = read_toml(path)
    for key in entries:
        if key != "scenario":
            raise InputError(f"{path.name}, {key}", "unknown key", did_you_mean(key, ["scenario"]))
    blocks = entries.get("scenario", [])
    if not isinstance(blocks, list) or not blocks:
        raise InputError(path.name, "holds no scenario", "Write at least one [[scenario]].")
    scenarios = tuple(_scenario(path.name, block, model) for block in blocks)
    names = [item.id for item in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path.name}, {name}", "this id is taken twice", "Rename one of the two.")
    if sum(item.baseline for item in scenarios) != 1:
        raise InputError(path.name, "needs exactly one baseline", "Mark one scenario with baseline = true.")
    return scenarios


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


def _scenario(file: str, block: Any, model: Model) -> Scenario:
    name = block.get("id") if isinstance(block, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"{file}, scenario", "has no plain id", 'Give it one, such as id = "moderation".')
    where = f"{file}, {name}"
    known = {"id", "label", "description", "baseline", "change"}
    for key in block:
        if key not in known:
            raise InputError(f"{where}, {key}", "unknown key", did_you_mean(key, known))
    for key in ("label", "description"):
        if not isinstance(block.get(key), str) or not block[key].strip():
            raise InputError(f"{where}, {key}", "missing or empty", "Give it as text.")
    baseline = block.get("baseline", False)
    if not isinstance(baseline, bool):
        raise InputError(f"{where}, baseline", "is not true or false", "Write baseline = true.")
    changes = block.get("change", [])
    if not isinstance(changes, list):
        raise InputError(f"{where}, change", "is not a list of tables", "Write each as [[scenario.change]].")
    return Scenario(
        name,
        block["label"],
        block["description"],
        baseline,
        tuple(_change(where, item, model) for item in changes),
    )


def _change(where: str, block: Any, model: Model) -> Change:
    known = {"lever", "shape", "to", "by", "start", "months"}
    if not isinstance(block, dict):
        raise InputError(f"{where}, change", "is not a table", "Write each as [[scenario.change]].")
    for key in block:
        if key not in known:
            raise InputError(f"{where}, {key}", "unknown key", did_you_mean(key, known))
    name = block.get("lever", "")
    if name not in model.lever_names:
        raise InputError(f"{where}, lever", f"no lever {name!r}", did_you_mean(str(name), model.lever_names))
    lever, shape = model.lever(name), block.get("shape", "step")
    if shape not in SHAPES:
        raise InputError(f"{where}, shape", f"unknown shape {shape!r}", did_you_mean(str(shape), SHAPES))
    if ("to" in block) == ("by" in block):
        raise InputError(
            f"{where}, {name}", "needs exactly one of `to` and `by`", "Give the value or the difference."
        )
    size = block.get("to", block.get("by"))
    if not isinstance(size, int | float) or isinstance(size, bool) or not np.isfinite(size):
        raise InputError(f"{where}, {name}", "the size is not a number", "Give a finite number.")
    if "to" in block and not lever.low <= size <= lever.high:
        raise InputError(
            f"{where}, {name}",
            f"{size:g} is outside the lever's range",
            f"Stay within {lever.low:g} to {lever.high:g}.",
        )
    if "by" in block and (size == 0 or abs(size) > lever.high - lever.low):
        raise InputError(
            f"{where}, {name}",
            f"a difference of {size:g} is none, or more than the lever's range",
            "Choose another.",
        )
    for key in ("start", "months"):
        number = block.get(key, 1)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise InputError(f"{where}, {key}", "is not a whole number of at least 1", "Months count from 1.")
    return Change(
        name, shape, block.get("to"), block.get("by"), block.get("start", 1), block.get("months", 1)
    )
