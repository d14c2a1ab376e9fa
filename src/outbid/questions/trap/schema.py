"""What trap.toml declares: the two courses, the offer and the split that they are held against each other over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, model_validator

from outbid.declared import (
    Declared,
    Entries,
    Id,
    Lever,
    Number,
    Outcome,
    Says,
    ScenarioId,
    Text,
    between,
    fault,
    read,
    ref,
)
from outbid.errors import did_you_mean
from outbid.model import vocabulary
from outbid.model.declare import Model
from outbid.players.schema import read_game
from outbid.simulate.scenario import Change, Scenario
from outbid.study import Study

FILE = "trap.toml"
Floats = NDArray[np.float64]
Amount = TypeVar("Amount", float, Floats)
# Points along an axis: two make a line, more than this take longer than they tell.
Points = Annotated[int, between(2, 25)]
Draws = Annotated[int, between(4, 2000)]
Stock = Annotated[str, ref("stock that can be split", "no stock")]
VariantId = Annotated[str, ref("game variant")]
Ends = Annotated[
    tuple[Number, ...],
    Field(strict=False, min_length=2, max_length=2),
    Says("is not two numbers", "Give its values at the low and at the high end."),
]
TABLE = Says("missing or no table", "Write it as [{key}].")


class Axis(Declared):
    """An axis of the map, from `low` to `high`."""

    label: Text
    low: Number
    high: Number
    points: Points = 8

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if not self.low < self.high:
            raise fault("is not below high", "Give the axis some length.", "low")
        return self

    def grid(self, points: int = 0) -> Floats:
        """Return so many places, evenly from low to high; as many as declared if 0."""
        return np.linspace(self.low, self.high, points or self.points)

    def _within(self, least: float, most: float) -> None:
        if self.low < least or self.high > most:
            raise fault(f"leaves the range {least:g} to {most:g}", "Narrow the axis.")


class Offer(Axis):
    """What outsiders offer: more or less of a lever, reached within `months` from where the levers stand today.

    `along` are levers that go with it: their values at the low end and at the high end, evenly between.
    """

    lever: Lever
    along: dict[str, Ends] = Field(default_factory=dict)
    months: Annotated[int, between(1, 600)] = 1

    @model_validator(mode="after")
    def _in_range(self, info: ValidationInfo) -> Self:
        ranges = dict((info.context or {}).get("range", {}))
        self._within(*ranges.pop(self.lever))
        for name, ends in self.along.items():
            if name not in ranges:
                raise fault(f"no other lever {name!r}", did_you_mean(name, ranges), "along")
            low, high = ranges[name]
            if min(ends) < low or max(ends) > high:
                stay = f"Stay within {low:g} to {high:g}."
                raise fault("leaves the lever's range", stay, f"along, {name}")
        return self

    def values(self, offer: Amount) -> dict[str, Amount]:
        """Return every lever's value under an offer, or under many."""
        share = (offer - self.low) / (self.high - self.low)
        going_with = {name: low + share * (high - low) for name, (low, high) in self.along.items()}
        return {self.lever: offer, **going_with}

    def on(self, course: Scenario, offer: float) -> Scenario:
        """Return a course with an offer on the table."""
        values = self.values(offer).items()
        changes = [Change(lever=name, shape="ramp", to=to, months=self.months) for name, to in values]
        return course.model_copy(update={"changes": (*course.changes, *changes)})


class Split(Axis):
    """How two stocks share their sum: the share of `part`, 0 to 1."""

    part: Stock
    rest: Stock

    @model_validator(mode="after")
    def _two_stocks(self) -> Self:
        if self.part == self.rest:
            raise fault("is the part itself", "Name the stock that takes the rest.", "rest")
        self._within(0.0, 1.0)
        return self

    def today(self, state: Mapping[str, Floats]) -> Floats:
        """Return each draw's share today, shape (draws,)."""
        part, rest = state[self.part], state[self.rest]
        return np.asarray(part / np.maximum(part + rest, 1e-12))

    def moved(self, state: Mapping[str, Floats], share: float | Floats) -> dict[str, Floats]:
        """Return the states with the two stocks' sum kept and `part` given that share of it, the same or each its own."""
        together = state[self.part] + state[self.rest]
        return {**state, self.part: share * together, self.rest: (1.0 - share) * together}


class Gain(Declared):
    """What may be gained or lost: an outcome of the model under a short name, with the words for each."""

    entry = "gain {id}"
    own_label = True

    id: Id
    outcome: Outcome
    label: Text
    gains: Text
    loses: Text


class Fixed(Declared):
    """The map with everybody else's behaviour as it is: posterior draws in each cell."""

    draws: Draws = 250


class Answering(Declared):
    """The map where a player answers, with fewer cells and draws.

    `soft` and `hard` are variants of the game in which the other players rest: what the answering one plays where
    the moderating course is taken, and where it is not.
    """

    soft: VariantId
    hard: VariantId
    offers: Points = 5
    shares: Points = 5
    draws: Draws = 25


class Trap(Declared):
    """trap.toml: the map to draw; losing the gain `trap` is what makes the moderating course a trap."""

    moderating: ScenarioId
    staying: ScenarioId
    trap: str
    offer: Annotated[Offer, TABLE]
    split: Annotated[Split, TABLE]
    gain: Annotated[
        Entries[Gain], Field(min_length=1), Says("missing", "Say in [[gain]] what may be gained or lost.")
    ]
    fixed: Annotated[Fixed, TABLE] = Fixed()
    answering: Annotated[Answering, TABLE] | None = None

    def outcomes(self, model: Model) -> dict[str, vocabulary.Outcome]:
        """Return the model's outcome of each gain, by the gain's id."""
        known = {each.name: each for each in model.outcomes}
        return {gain.id: known[gain.outcome] for gain in self.gain}

    def grids(self, offers: int = 0, shares: int = 0) -> tuple[Floats, Floats]:
        """Return the places on both axes, so many or as many as declared."""
        return self.offer.grid(offers), self.split.grid(shares)

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> Self:
        names, gains = info.context or {}, [each.id for each in self.gain]
        if self.moderating == self.staying:
            raise fault("is the moderating course itself", "Name two courses.", "staying")
        courses: list[Scenario] = [names["courses"][name] for name in (self.moderating, self.staying)]
        if self.trap not in gains:
            raise fault(f"no gain {self.trap!r}", did_you_mean(self.trap, gains), "trap")
        for course in courses:
            for lever in course.moves & {self.offer.lever, *self.offer.along}:
                problem = f"moves {lever}, which the map's axis sets"
                raise fault(problem, "Name a course that leaves the offer alone.", course.id)
        if self.answering is not None and names["game"] is not None:
            variants = {each.id: each for each in names["game"].variants}
            soft, hard = variants[self.answering.soft], variants[self.answering.hard]
            if set(hard.resting) != set(soft.resting) or not soft.resting:
                problem = "in both variants the same players have to rest, and one has to be left to answer"
                fix = "Give both variants of play.toml the same `resting` players."
                raise fault(problem, fix, "answering")
            answers = {each.lever for each in names["game"].players if each.name not in soft.resting}
            for course in courses:
                for lever in course.moves & answers:
                    problem = f"{course.id} moves {lever}, the answer itself"
                    raise fault(problem, "Name another course.", "answering")
        return self


def declare(study: Study) -> Trap | None:
    """Read trap.toml of a study's folder; None if it has none.

    Raises InputError on malformed TOML, unknown keys or names, values out of range, an axis of no length, a course
    that moves what the map's axis sets, or variants of the game in which nobody is left to answer.
    """
    game = read_game(study.folder, study.model)
    names = {
        **study.names,
        "courses": {each.id: each for each in study.scenarios},
        "stock that can be split": [each.name for each in study.model.stocks if not each.sink],
        "game": game,
        **({} if game is None else {"game variant": [each.id for each in game.variants]}),
    }
    return read(study.folder / FILE, Trap, names)
