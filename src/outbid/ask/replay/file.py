"""Read replays.toml of a study's folder: which levers of the past to set otherwise, from when, by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outbid.data.fields import month
from outbid.data.tables import read_toml
from outbid.data.window import Window
from outbid.errors import InputError, did_you_mean
from outbid.model.declare import Model

Floats = NDArray[np.float64]
FILE = "replays.toml"
SIZES = ("to", "by", "times")
_TEXTS = ("label", "description")
_OPTIONAL = ("had", "note")


@dataclass(frozen=True)
class Change:
    """What a lever would have been instead, over some months of the past.

    Parameters
    ----------
    to, by, times
        A value to hold, a difference from what the lever was, or a factor on it; exactly one is given.
    first, last
        Places in the window of the first and the last month changed, both included, counted from 0.
    ramp
        Months over which the change comes about, evenly; 1 is at once.
    """

    lever: str
    to: float | None
    by: float | None
    times: float | None
    first: int
    last: int
    ramp: int = 1


@dataclass(frozen=True)
class Replay:
    """History with some levers set otherwise; `had` opens a sentence on it, `note` says what it leaves out."""

    id: str
    label: str
    description: str
    changes: tuple[Change, ...]
    had: str = ""
    note: str = ""


def inferred_levers(model: Model) -> frozenset[str]:
    """Return the levers whose past is inferred, so that every draw has a path of its own."""
    return frozenset(name for history in model.lever_histories for name in history.levers)


def read_replays(
    folder: Path, model: Model, window: Window, known_levers: Floats | None = None
) -> tuple[Replay, ...]:
    """Read replays.toml of a study's folder; nothing if it has none.

    Parameters
    ----------
    known_levers
        What the levers were, shape (months, levers): if given, a difference or factor that takes a known lever
        out of its range is refused here, and otherwise when it is replayed.

    Raises
    ------
    InputError
        On malformed TOML, unknown keys or levers, months that are none or lie outside the window, none or several
        sizes, a size that is no number, changes nothing or leaves the lever's range, changes of one lever
        that overlap, or duplicate IDs.
    """
    if not (folder / FILE).is_file():
        return ()
    entries = read_toml(folder / FILE)
    _only(FILE, entries, ("replay",))
    blocks = entries.get("replay", [])
    if not isinstance(blocks, list) or not blocks:
        raise InputError(FILE, "holds no replay", "Write at least one [[replay]], or remove the file.")
    replays = tuple(_replay(block, model, window) for block in blocks)
    names = [item.id for item in replays]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{FILE}, {name}", "this id is taken twice", "Rename one of the two.")
    if known_levers is not None:
        for item in replays:
            replayed_levers(model, item, known_levers[None], window)
    return replays


def replayed_levers(model: Model, replay: Replay, levers: Floats, window: Window | None = None) -> Floats:
    """Return lever paths as they would have been, shape (draws, months, levers), from those that were.

    An inferred lever stops at the edge of its range, since some draws may stand close to it.

    Raises
    ------
    InputError
        If a known lever would leave its range.
    """
    changed = levers.copy()
    for change in replay.changes:
        column, lever = model.lever_names.index(change.lever), model.lever(change.lever)
        months = np.arange(change.first, change.last + 1)
        was = changed[:, months, column]
        if change.to is not None:
            goal = np.full_like(was, change.to)
        else:
            goal = was * (1.0 if change.times is None else change.times) + (change.by or 0.0)
        beyond = (goal < lever.low - 1e-9) | (goal > lever.high + 1e-9)
        if beyond.any() and change.lever not in inferred_levers(model):
            draw, at = np.argwhere(beyond)[0]
            when = window.months[months[at]] if window else f"month {months[at] + 1}"
            raise InputError(
                f"{FILE}, {replay.id}, {change.lever}",
                f"would be {goal[draw, at]:g} in {when}, outside the lever's range",
                f"Stay within {lever.low:g} to {lever.high:g}.",
            )
        share = np.minimum((months - change.first + 1) / change.ramp, 1.0)
        changed[:, months, column] = was + share * (np.clip(goal, lever.low, lever.high) - was)
    return changed


def _only(where: str, entries: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in entries:
        if key not in known:
            raise InputError(f"{where}, {key}", "unknown key", did_you_mean(key, known))


def _replay(block: Any, model: Model, window: Window) -> Replay:
    name = block.get("id") if isinstance(block, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"{FILE}, replay", "has no plain id", 'Give it one, such as id = "schools_open".')
    where = f"{FILE}, {name}"
    _only(where, block, ("id", *_TEXTS, *_OPTIONAL, "change"))
    for key in (*_TEXTS, *(each for each in _OPTIONAL if each in block)):
        if not isinstance(block.get(key), str) or not block[key].strip():
            raise InputError(f"{where}, {key}", "missing or empty", "Give it as text.")
    blocks = block.get("change", [])
    if not isinstance(blocks, list) or not blocks:
        raise InputError(
            where, "changes nothing", "Write what is different, each change as [[replay.change]]."
        )
    changes = tuple(_change(where, item, model, window) for item in blocks)
    for i, one in enumerate(changes):
        for other in changes[:i]:
            if one.lever == other.lever and one.first <= other.last and other.first <= one.last:
                raise InputError(
                    f"{where}, {one.lever}",
                    "two changes of it fall into the same month",
                    "Let one end (until) before the other begins (from).",
                )
    texts = {key: block[key].strip() for key in _OPTIONAL if key in block}
    return Replay(name, block["label"].strip(), block["description"].strip(), changes, **texts)


def _change(where: str, block: Any, model: Model, window: Window) -> Change:
    if not isinstance(block, dict):
        raise InputError(f"{where}, change", "is not a table", "Write each as [[replay.change]].")
    _only(f"{where}, change", block, ("lever", *SIZES, "from", "until", "ramp"))
    name = block.get("lever", "")
    if name not in model.lever_names:
        raise InputError(f"{where}, lever", f"no lever {name!r}", did_you_mean(str(name), model.lever_names))
    here = f"{where}, {name}"
    given = [key for key in SIZES if key in block]
    if len(given) != 1:
        raise InputError(
            here, "needs exactly one of `to`, `by` and `times`", "Give a value, a difference or a factor."
        )
    size = _size(here, given[0], block[given[0]], model.lever(name).low, model.lever(name).high)
    if "from" not in block:
        raise InputError(f"{here}, from", "missing", 'Name the first month, such as from = "2022-03".')
    first = _place(f"{here}, from", block["from"], window)
    last = _place(f"{here}, until", block["until"], window) if "until" in block else len(window) - 1
    if last < first:
        raise InputError(f"{here}, until", "lies before `from`", "Swap the two, or leave `until` out.")
    ramp = block.get("ramp", 1)
    if not isinstance(ramp, int) or isinstance(ramp, bool) or ramp < 1:
        raise InputError(
            f"{here}, ramp", "is not a whole number of at least 1", "Give months, 1 for at once."
        )
    sizes = {key: size if key == given[0] else None for key in SIZES}
    return Change(name, sizes["to"], sizes["by"], sizes["times"], first, last, ramp)


def _size(where: str, kind: str, value: Any, low: float, high: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
        raise InputError(f"{where}, {kind}", "is not a number", "Give a finite number.")
    if kind == "to" and not low <= value <= high:
        raise InputError(
            f"{where}, to", f"{value:g} is outside the lever's range", f"Stay within {low:g} to {high:g}."
        )
    if kind == "by" and (value == 0 or abs(value) > high - low):
        raise InputError(
            f"{where}, by",
            f"a difference of {value:g} is none, or more than the lever's range",
            "Choose another.",
        )
    if kind == "times" and (value < 0 or value == 1):
        raise InputError(
            f"{where}, times", f"a factor of {value:g} is negative, or changes nothing", "Choose another."
        )
    return float(value)


def _place(where: str, name: Any, window: Window) -> int:
    if not isinstance(name, str):
        raise InputError(where, "is not a month", 'Write it in quotes as "YYYY-MM".')
    month(name, where)
    if name not in window.months:
        raise InputError(
            where,
            f"{name} lies outside the window of the data",
            f"Choose one from {window.first_month} to {window.last_month}.",
        )
    return window.months.index(name)
