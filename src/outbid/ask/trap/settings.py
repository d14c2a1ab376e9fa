"""What a study's trap map is drawn over, and what counts as a gain on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.ask.strategic.settings import World
from outbid.simulate.scenario import Change, Scenario

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Offer:
    """The axis of what outsiders offer.

    Parameters
    ----------
    lever
        What is offered more or less of, in the lever's unit from `low` to `high`.
    along
        Levers that go with it: their values at the low end and at the high end, evenly between.
    months
        Within how many months an offer is reached from where the levers stand today.
    """

    lever: str
    label: str
    low: float
    high: float
    along: Mapping[str, tuple[float, float]]
    months: int

    @property
    def levers(self) -> tuple[str, ...]:
        """Every lever that an offer sets."""
        return (self.lever, *self.along)

    def points(self, count: int) -> Floats:
        """Return so many offers, evenly from low to high."""
        return np.linspace(self.low, self.high, count)

    def values(self, offer: float) -> dict[str, float]:
        """Return every lever's value under an offer."""
        share = (offer - self.low) / (self.high - self.low)
        going_with = {name: low + share * (high - low) for name, (low, high) in self.along.items()}
        return {self.lever: float(offer), **going_with}

    def changes(self, offer: float) -> tuple[Change, ...]:
        """Return what an offer does to the levers."""
        return tuple(
            Change(lever=name, shape="ramp", to=value, months=self.months)
            for name, value in self.values(offer).items()
        )


@dataclass(frozen=True)
class Split:
    """The axis of how two stocks share their sum: `part`'s share, 0 to 1, from `low` to `high`."""

    part: str
    rest: str
    label: str
    low: float
    high: float

    def points(self, count: int) -> Floats:
        """Return so many shares, evenly from low to high."""
        return np.linspace(self.low, self.high, count)

    def today(self, state: Mapping[str, Floats]) -> Floats:
        """Return each draw's share today, shape (draws,)."""
        part, rest = state[self.part], state[self.rest]
        return np.asarray(part / np.maximum(part + rest, 1e-12))

    def moved(self, state: Mapping[str, Floats], share: float) -> dict[str, Floats]:
        """Return the states with the two stocks' sum kept and `part` given that share of it."""
        together = state[self.part] + state[self.rest]
        return {**state, self.part: share * together, self.rest: (1.0 - share) * together}


@dataclass(frozen=True)
class Gain:
    """What may be gained or lost: an outcome of the model under a short name, with the words for each."""

    id: str
    outcome: str
    label: str
    gains: str
    loses: str


@dataclass(frozen=True)
class Answering:
    """How the map is drawn where a player answers.

    Parameters
    ----------
    soft, hard
        Worlds of the game in which the other players rest: what the answering one plays where the
        moderating course is taken, and where it is not.
    offers, shares, draws
        Points of the coarser map, and posterior draws in each of its cells.
    """

    soft: World
    hard: World
    offers: int
    shares: int
    draws: int


@dataclass(frozen=True)
class TrapSettings:
    """A study's trap map before any number is put in.

    Parameters
    ----------
    moderating, staying
        The two courses whose difference is mapped; both meet the same offer.
    trap
        The gain (its id) whose loss makes the moderating course a trap.
    offers, shares, draws
        Points of the map along each axis, and posterior draws in each cell.
    answering
        None where the study is not played, or its map asks for no answer.
    """

    moderating: Scenario
    staying: Scenario
    offer: Offer
    split: Split
    gains: tuple[Gain, ...]
    trap: str
    offers: int
    shares: int
    draws: int
    answering: Answering | None = None
