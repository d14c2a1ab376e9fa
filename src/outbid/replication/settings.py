"""What a study of the kind "game" says under [play] in its study.toml, checked against the model it declares."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, model_validator

from outbid.declared import Declared, Many, Month, Says, Text, between, fault, parse, ref
from outbid.errors import did_you_mean
from outbid.study import Study

Names = Annotated[Many[str], Says("missing or not a list of names", 'Write {key} = ["...", "..."].')]


def _positive(value: tuple[int, int]) -> tuple[int, int]:
    if min(value) < 1:
        raise fault("not a fraction", "Write it as two whole numbers, [9, 29].")
    return value


Fraction = Annotated[
    tuple[int, int],
    Field(strict=False),
    AfterValidator(_positive),
    Says("not a fraction", "Write it as two whole numbers, [9, 29]."),
]


class Player(Declared):
    """A player: its actor and lever in the model, its name for readers, and where the search for its payoffs begins.

    `start` is what a unit of the state is worth to it a month, and what its action adds to a month's payoff.
    """

    entry = "{actor}"

    actor: Annotated[str, ref("actor", "unknown name")]
    label: Text
    lever: Annotated[str, ref("lever", "unknown name")]
    start: Annotated[Many[float], Says("not two numbers", "Give start = [value, cost].")]


class Era(Declared):
    """A period by which averages are taken, up to the next; `words` say when it was ("in the Oslo era")."""

    entry = "{name}"

    name: Text
    words: Text
    first_month: Month


class Files(Declared):
    """Names of files in the data folder; all but the panel are used where they are there."""

    panel: Text
    polls: Text | None = None
    measurement: Text | None = None
    bootstrap: Text | None = None
    curves: Text | None = None


class Columns(Declared):
    """Names of the columns in those files."""

    month: Text
    state: Text
    actions: Names
    polls: Names = ()


class Play(Declared):
    """How a game study is played, estimated and compared: the table [play].

    * `state`, `low_label`, `high_label`: the model's index that is the game's state, and whom its low and its
      high end favour.
    * `state_equation`: the model's parameters in the order of the first stage's estimates, the spread of the
      rest last.
    * `value_weight`, `cost_weight`: names of an actor's weights for the state and for its own action.
    * `discount`: weight of next month.
    * `grid_step`, `grid_low`, `grid_high`: step of the grid in the state's unit, and the quantiles between
      which it lies.
    * `cost_step`: by how much actions get dearer or cheaper in the comparison of costs, in payoff units.
    * `part_dearer`, `part_cheaper`: shares of that step to which the printed rows for both players belong.
    * `low_months`: first and last month in which the state is to lie low, which settles its sign in the
      polls.
    """

    state: Annotated[str, ref("index", "unknown name")]
    state_equation: Many[Annotated[str, ref("parameter", "unknown name")]]
    players: Annotated[Many[Player], Field(alias="player")]
    files: Files
    columns: Columns
    low_label: Text
    high_label: Text
    value_weight: Text
    cost_weight: Text
    discount: Annotated[float, between(0.0, 0.9999)]
    grid_step: Annotated[float, between(1e-6, 1e6)]
    grid_low: Annotated[float, between(0.0, 0.5)]
    grid_high: Annotated[float, between(0.5, 1.0)]
    cost_step: Annotated[float, between(1e-6, 1e3)]
    part_dearer: Annotated[Fraction, Field(alias="part_of_step_dearer")]
    part_cheaper: Annotated[Fraction, Field(alias="part_of_step_cheaper")]
    eras: Annotated[Many[Era], Field(alias="era", min_length=1)]
    low_months: Many[Month]
    _months: tuple[str, ...] = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Keep the study's months, among which those named here have their places."""
        self._months = tuple(context["month"])

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Play:
        actors = {actor.name: actor for actor in (info.context or {})["actors"]}
        if len(self.players) != 2:
            raise fault(f"{len(self.players)} are named", "A replication has two players.", "player")
        if len(self.state_equation) != 7:
            problem = f"names {len(self.state_equation)} parameters for 2 players"
            raise fault(problem, "Name 7, the spread last.", "state_equation")
        if len(self.columns.actions) != 2:
            raise fault("not one column a player", "Name one for each player.", "columns, actions")
        for player in self.players:
            own, place = actors[player.actor], f"player, {player.actor}"
            if len(player.start) != 2:
                raise fault("not two numbers", "Give start = [value, cost].", f"{place}, start")
            if tuple(own.levers.get(player.lever, ())) != (0.0, 1.0):
                problem = f"does not hold {player.lever} at 0 and 1"
                raise fault(problem, "Give the actor that lever.", place)
            for key in ("value_weight", "cost_weight"):
                name = getattr(self, key)
                if name not in own.weights:
                    raise fault(f"unknown name {name!r}", did_you_mean(name, own.weights), key)
        starts = [self.months.index(era.first_month) for era in self.eras]
        if starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
            problem = "periods must begin with the window and follow one another"
            raise fault(problem, f"Start the first in {self.months[0]}.", "era")
        if len(self.low_months) != 2 or self.low_months[0] > self.low_months[1]:
            raise fault("not a first and a last month", 'Write ["2006-01", "2006-09"].', "low_months")
        return self

    @property
    def months(self) -> tuple[str, ...]:
        """The study's months, YYYY-MM."""
        return self._months

    @property
    def labels(self) -> tuple[str, ...]:
        """The players' names for readers, in order."""
        return tuple(player.label for player in self.players)

    @property
    def actors(self) -> tuple[str, ...]:
        """The players' names in the model, in order."""
        return tuple(player.actor for player in self.players)

    @property
    def start(self) -> NDArray[np.float64]:
        """Where the search for the payoffs begins: values of the state, then costs, by player."""
        return np.array([player.start for player in self.players]).T.ravel()

    @property
    def low(self) -> slice:
        """The places of `low_months`."""
        first, last = (self.months.index(name) for name in self.low_months)
        return slice(first, last + 1)

    @property
    def spans(self) -> tuple[tuple[Era, slice], ...]:
        """Every period with the places of its months."""
        starts = [self.months.index(era.first_month) for era in self.eras]
        stops = [*starts[1:], len(self.months)]
        return tuple((era, slice(*ends)) for era, *ends in zip(self.eras, starts, stops, strict=True))


def play_settings(study: Study) -> Play:
    """Return what a game study says about its play.

    Raises InputError on a missing, unknown or impossible entry, or a name that the model does not have.
    """
    model = study.model
    names = {
        "index": [index.name for index in model.indices],
        "actor": [actor.name for actor in model.actors],
        "lever": model.lever_names,
        "parameter": model.parameter_names,
        "month": study.settings.window.months,
        "actors": model.actors,
    }
    return parse("study.toml, play", study.settings.play, Play, names)
