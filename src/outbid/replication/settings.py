"""What a study of the kind "game" says under [play] in its study.toml, checked against the model it declares."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from outbid.data.window import Window
from outbid.errors import InputError, did_you_mean
from outbid.study import Study

# An entry that must be given: its validator sees None where it is missing, and says what it should have been.
NEEDED: Any = Field(None, validate_default=True)


def _check(test: Callable[[Any], bool], problem: str, fix: str) -> BeforeValidator:
    """Return a validator that says what is wrong and how to mend it; `play_settings` puts the place in front of it."""

    def checked(value: Any, info: ValidationInfo) -> Any:
        if not test(value):
            told = {"problem": problem, "fix": fix.format(key=info.field_name)}
            raise PydanticCustomError("fault", "{problem}", told)
        return value

    return BeforeValidator(checked)


def _list_of(value: Any, kind: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)


def _number(low: float, high: float) -> BeforeValidator:
    def inside(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return _check(inside, f"missing, or not a number from {low:g} to {high:g}", "Mend the number.")


def _pair(value: Any, kind: Any) -> bool:
    return _list_of(value, kind) and len(value) == 2 and not any(isinstance(each, bool) for each in value)


_text = _check(
    lambda value: isinstance(value, str) and bool(value.strip()),
    "missing or not a text",
    "Give it as text in quotes.",
)
Text = Annotated[str, _text]
Names = Annotated[
    tuple[str, ...],
    _check(
        lambda value: _list_of(value, str), "missing or not a list of names", 'Write {key} = ["...", "..."].'
    ),
]
Fraction = Annotated[
    tuple[int, int],
    _check(
        lambda value: _pair(value, int) and min(value) > 0,
        "not a fraction",
        "Write it as two whole numbers, [9, 29].",
    ),
]
_table = _check(
    lambda value: isinstance(value, dict), "missing or not a table", "Write it under [play.{key}]."
)
_tables = _check(
    lambda value: _list_of(value, dict) and bool(value),
    "missing or not a list of tables",
    "Write [[play.{key}]].",
)


def _need(sound: bool, where: str, problem: str, fix: str) -> None:
    if not sound:
        raise InputError(where, problem, fix)


def _known(where: str, name: str, known: Collection[str]) -> None:
    _need(name in known, where, f"unknown name {name!r}", did_you_mean(name, known))


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Player(_Declared):
    """A player: its actor and lever in the model, its name for readers, and where the search for its payoffs begins.

    `start` is what a unit of the state is worth to it a month, and what its action adds to a month's payoff.
    """

    actor: Text = NEEDED
    lever: Text = NEEDED
    label: Text = NEEDED
    start: Annotated[
        tuple[float, float],
        _check(lambda value: _pair(value, int | float), "not two numbers", "Give start = [value, cost]."),
    ] = NEEDED


class Era(_Declared):
    """A period by which averages are taken, up to the next; `words` say when it was ("in the Oslo era")."""

    name: Text = NEEDED
    words: Text = NEEDED
    first_month: Text = NEEDED


class Files(_Declared):
    """Names of files in the data folder; all but the panel are used where they are there."""

    panel: Text = NEEDED
    polls: Annotated[str | None, _text] = None
    measurement: Annotated[str | None, _text] = None
    bootstrap: Annotated[str | None, _text] = None
    curves: Annotated[str | None, _text] = None


class Columns(_Declared):
    """Names of the columns in those files."""

    month: Text = NEEDED
    state: Text = NEEDED
    actions: Names = NEEDED
    polls: Names = ()


class Play(_Declared):
    """How a game study is played, estimated and compared: the table [play].

    Parameters
    ----------
    state, low_label, high_label
        The model's index that is the game's state, and whom its low and its high end favour.
    state_equation
        The model's parameters in the order of the first stage's estimates, the spread of the rest last.
    value_weight, cost_weight
        Names of an actor's weights for the state and for its own action.
    discount
        Weight of next month.
    grid_step, grid_low, grid_high
        Step of the grid in the state's unit, and the quantiles between which it lies.
    cost_step
        By how much actions get dearer or cheaper in the comparison of costs, in payoff units.
    part_dearer, part_cheaper
        Shares of that step to which the printed rows for both players belong.
    low_months
        First and last month in which the state is to lie low, which settles its sign in the polls.
    """

    state: Text = NEEDED
    players: Annotated[tuple[Player, ...], _tables] = Field(None, alias="player", validate_default=True)
    state_equation: Names = NEEDED
    files: Annotated[Files, _table] = NEEDED
    columns: Annotated[Columns, _table] = NEEDED
    low_label: Text = NEEDED
    high_label: Text = NEEDED
    value_weight: Text = NEEDED
    cost_weight: Text = NEEDED
    discount: Annotated[float, _number(0.0, 0.9999)] = NEEDED
    grid_step: Annotated[float, _number(1e-6, 1e6)] = NEEDED
    grid_low: Annotated[float, _number(0.0, 0.5)] = NEEDED
    grid_high: Annotated[float, _number(0.5, 1.0)] = NEEDED
    cost_step: Annotated[float, _number(1e-6, 1e3)] = NEEDED
    part_dearer: Fraction = Field(None, alias="part_of_step_dearer", validate_default=True)
    part_cheaper: Fraction = Field(None, alias="part_of_step_cheaper", validate_default=True)
    eras: Annotated[tuple[Era, ...], _tables] = Field(None, alias="era", validate_default=True)
    low_months: Names = NEEDED
    _window: Window = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Keep the study's window, by which months get their places."""
        self._window = context.settings.window

    @model_validator(mode="after")
    def _resolved(self, info: ValidationInfo) -> Play:
        """Refuse names that the model does not have, and numbers of things that don't fit one another."""
        study: Any = info.context
        model, window, where = study.model, study.settings.window, "study.toml, play"
        _known(f"{where}, state", self.state, [index.name for index in model.indices])
        _need(
            len(self.players) == 2,
            f"{where}, player",
            f"{len(self.players)} are named",
            "A replication has two players.",
        )
        actors = {actor.name: actor for actor in model.actors}
        for player in self.players:
            _known(f"{where}, player, actor", player.actor, actors)
            _known(f"{where}, player, lever", player.lever, model.lever_names)
            held = tuple(actors[player.actor].levers.get(player.lever, ())) == (0.0, 1.0)
            problem = f"does not hold {player.lever} at 0 and 1"
            _need(held, f"{where}, player, {player.actor}", problem, "Give the actor that lever.")
            for key in ("value_weight", "cost_weight"):
                _known(f"{where}, {key}", getattr(self, key), actors[player.actor].weights)
        names, actions = self.state_equation, self.columns.actions
        for name in names:
            _known(f"{where}, state_equation", name, model.parameter_names)
        problem = f"names {len(names)} parameters for 2 players"
        _need(len(names) == 7, f"{where}, state_equation", problem, "Name 7, the spread last.")
        place = f"{where}, columns, actions"
        _need(len(actions) == 2, place, "not one column a player", "Name one for each player.")
        starts = [window.index(era.first_month) for era in self.eras]
        problem = "periods must begin with the window and follow one another"
        sound = starts[0] == 0 and all(a < b for a, b in pairwise(starts))
        _need(sound, f"{where}, era", problem, f"Start the first in {window.first_month}.")
        places = [window.index(name) for name in self.low_months]
        sound = len(places) == 2 and places[0] <= places[1]
        problem = "not a first and a last month"
        _need(sound, f"{where}, low_months", problem, 'Write ["2006-01", "2006-09"].')
        return self

    @property
    def months(self) -> tuple[str, ...]:
        """The study's months, YYYY-MM."""
        return self._window.months

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

    Raises
    ------
    InputError
        On a missing, unknown or impossible entry, or a name that the model does not have.
    """
    try:
        return Play.model_validate(dict(study.settings.play), context=study)
    except ValidationError as error:
        # an unknown key first: it is often the misspelt name of one that is missing
        fault = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    names = [str(each) for each in fault["loc"] if not isinstance(each, int)]
    where, reason = ", ".join(["study.toml, play", *names]), fault.get("ctx", {})
    if isinstance(reason.get("error"), InputError):
        raise reason["error"]
    if fault["type"] == "extra_forbidden":
        schemas = {"player": Player, "era": Era, "files": Files, "columns": Columns}
        fields = (schemas[names[0]] if len(names) > 1 else Play).model_fields
        raise InputError(
            where,
            "unknown key",
            did_you_mean(names[-1], [each.alias or name for name, each in fields.items()]),
        )
    raise InputError(where, reason.get("problem", fault["msg"]), reason.get("fix", "Mend it."))
