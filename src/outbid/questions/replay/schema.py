"""replays.toml: which levers of the past to set otherwise, from when, by how much."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, model_validator

from outbid.declared import (
    Declared,
    Entries,
    Id,
    Lever,
    Many,
    Month,
    Number,
    Says,
    Text,
    fault,
    in_range,
    read,
)
from outbid.errors import InputError
from outbid.model.declare import Model
from outbid.study import Study

Floats = NDArray[np.float64]
FILE = "replays.toml"
Size = Annotated[Number, Says("is not a number", "Give a finite number.")]
Words = Annotated[Text, Says("missing or empty", "Give it as text.")]


class Change(Declared):
    """What a lever would have been instead, in the months from `start` to `until`, over `ramp` months evenly.

    `to` is a value to hold, `by` a difference from what the lever was, `times` a factor on it.
    """

    entry = "{lever}"

    lever: Lever
    to: Size | None = None
    by: Size | None = None
    times: Size | None = None
    start: Month = Field(alias="from")
    until: Month | None = None
    ramp: Annotated[
        int, Field(ge=1), Says("is not a whole number of at least 1", "Give months, 1 for at once.")
    ] = 1

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> Self:
        if sum(each is not None for each in (self.to, self.by, self.times)) != 1:
            raise fault(
                "needs exactly one of `to`, `by` and `times`", "Give a value, a difference or a factor."
            )
        if self.to is not None:
            in_range(info, self.lever, self.to, at="to")
        low, high = (info.context or {}).get("range", {}).get(self.lever, (-np.inf, np.inf))
        if self.by is not None and (self.by == 0 or abs(self.by) > high - low):
            problem = f"a difference of {self.by:g} is none, or more than the lever's range"
            raise fault(problem, "Choose another.", "by")
        if self.times is not None and (self.times < 0 or self.times == 1):
            problem = f"a factor of {self.times:g} is negative, or changes nothing"
            raise fault(problem, "Choose another.", "times")
        if self.until is not None and self.until < self.start:
            raise fault("lies before `from`", "Swap the two, or leave `until` out.", "until")
        return self

    def places(self, months: tuple[str, ...]) -> NDArray[np.int64]:
        """Return the places of its months among those of the window."""
        last = len(months) - 1 if self.until is None else months.index(self.until)
        return np.arange(months.index(self.start), last + 1)


class Replay(Declared):
    """The past with some levers set otherwise; `had` opens a sentence on it, `note` says what it leaves out."""

    own_label = True

    id: Annotated[Id, Says("has no plain id", 'Give it one, such as id = "schools_open".')]
    label: Words
    description: Words
    had: Words = ""
    note: Words = ""
    change: Many[Change] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.change:
            raise fault("changes nothing", "Write what is different, each change as [[replay.change]].")
        for one, other in combinations(self.change, 2):
            apart = (one.until or "9999") < other.start or (other.until or "9999") < one.start
            if one.lever == other.lever and not apart:
                problem = "two changes of it fall into the same month"
                raise fault(problem, "Let one end (until) before the other begins (from).", one.lever)
        return self

    @property
    def opening(self) -> str:
        """The words that open a sentence on it."""
        return self.had or f"With “{self.label}”"

    @property
    def levers(self) -> tuple[str, ...]:
        """The levers that it changes."""
        return tuple(dict.fromkeys(each.lever for each in self.change))

    def places(self, lever: str, months: tuple[str, ...]) -> NDArray[np.int64]:
        """Return the places in the window of the months in which it changes a lever."""
        return np.concatenate([each.places(months) for each in self.change if each.lever == lever])


class Replays(Declared):
    """replays.toml: replays of the past, the one to speak of first at the top."""

    replay: Annotated[
        Entries[Replay],
        Field(min_length=1),
        Says("holds no replay", "Write at least one [[replay]], or remove the file."),
    ]


def declare(study: Study) -> Replays | None:
    """Return a study's replays, None if it declares none.

    Raises InputError at the first fault, a known lever that would leave its range among them.
    """
    asked = read(study.folder / FILE, Replays, study.names)
    for each in asked.replay if asked else ():
        replayed_levers(study.model, each, study.known_levers[None], study.panel.window.months)
    return asked


def replayed_levers(model: Model, replay: Replay, levers: Floats, months: tuple[str, ...]) -> Floats:
    """Return lever paths as they would have been, shape (draws, months, levers), from those that were.

    An inferred lever stops at the edge of its range, since some draws may stand close to it; for a known one that
    would leave it, InputError is raised.
    """
    changed = levers.copy()
    for change in replay.change:
        column, lever = model.lever_names.index(change.lever), model.lever(change.lever)
        places = change.places(months)
        was = changed[:, places, column]
        goal = was * (1.0 if change.times is None else change.times) + (change.by or 0.0)
        if change.to is not None:
            goal = np.full_like(was, change.to)
        beyond = (goal < lever.low - 1e-9) | (goal > lever.high + 1e-9)
        if beyond.any() and change.lever not in model.inferred_levers:
            draw, at = np.argwhere(beyond)[0]
            raise InputError(
                f"{FILE}, {replay.id}, {change.lever}",
                f"would be {goal[draw, at]:g} in {months[places[at]]}, outside the lever's range",
                f"Stay within {lever.low:g} to {lever.high:g}.",
            )
        share = np.minimum((places - places[0] + 1) / change.ramp, 1.0)
        changed[:, places, column] = was + share * (np.clip(goal, lever.low, lever.high) - was)
    return changed
