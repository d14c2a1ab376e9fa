"""What a study of the kind "game" says under [play] in its study.toml, checked against the model it declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from outbid.data.window import Window
from outbid.errors import InputError, did_you_mean
from outbid.study import Study

_KEYS = {
    *("state", "state_equation", "value_weight", "cost_weight", "discount"),
    *("grid_step", "grid_low", "grid_high", "cost_step", "part_of_step_dearer", "part_of_step_cheaper"),
    *("player", "era", "files", "columns", "low_months", "low_label", "high_label"),
}
_FILES = ("panel", "polls", "measurement", "bootstrap", "curves")


@dataclass(frozen=True)
class PlayerSettings:
    """A player: its actor and lever in the model, its name for readers, and where the search for its payoffs begins.

    `value` is what a unit of the state is worth to it a month, `cost` what its action adds to a month's payoff.
    """

    actor: str
    label: str
    lever: str
    value: float
    cost: float


@dataclass(frozen=True)
class Era:
    """A period by which averages are taken: its name and its months' places, `start` included, `stop` not.

    `words` say when it was, for use in a sentence ("in the Oslo era").
    """

    name: str
    words: str
    start: int
    stop: int


@dataclass(frozen=True)
class PlaySettings:
    """How a game study is played, estimated and compared.

    Parameters
    ----------
    state, low_label, high_label
        The model's index that is the game's state, and whom its low and its high end favour.
    state_equation
        The model's parameters in the order of the first stage's estimates, the spread of the rest last.
    value_weight, cost_weight
        Names of an actor's weights for the state and for its own action.
    discount
        Weight of next month, at least 0 and below 1.
    grid_step, grid_low, grid_high
        Step of the grid in the state's unit, and the quantiles between which it lies.
    cost_step
        By how much actions get dearer or cheaper in the comparison of costs, in payoff units.
    part_dearer, part_cheaper
        Shares of that step to which the printed rows for both players belong.
    files
        Names of files in the data folder, by what they hold.
    low_months
        First and last place of the months in which the state is to lie low, which settles its sign in the polls.
    """

    study: str
    window: Window
    state: str
    low_label: str
    high_label: str
    state_equation: tuple[str, ...]
    value_weight: str
    cost_weight: str
    discount: float
    grid_step: float
    grid_low: float
    grid_high: float
    cost_step: float
    part_dearer: tuple[int, int]
    part_cheaper: tuple[int, int]
    players: tuple[PlayerSettings, ...]
    eras: tuple[Era, ...]
    files: Mapping[str, str]
    month_column: str
    state_column: str
    action_columns: tuple[str, ...]
    poll_columns: tuple[str, ...]
    low_months: tuple[int, int]

    @property
    def labels(self) -> tuple[str, ...]:
        """The players' names for readers, in order."""
        return tuple(player.label for player in self.players)


def play_settings(study: Study) -> PlaySettings:
    """Return what a game study says about its play.

    Raises
    ------
    InputError
        On a missing, unknown or impossible entry, or a name that the model does not have.
    """
    play, model, where = study.settings.play, study.model, "study.toml, play"
    for key in play:
        if key not in _KEYS:
            raise InputError(f"{where}, {key}", "unknown key", did_you_mean(key, _KEYS))
    state = _name(play, "state", where, [index.name for index in model.indices])
    players = tuple(_player(study, entry) for entry in _tables(play, "player", where))
    if len(players) != 2:
        raise InputError(f"{where}, player", f"{len(players)} are named", "A replication has two players.")
    names = _texts(play, "state_equation", where)
    for name in names:
        _known(f"{where}, state_equation", name, model.parameter_names)
    if len(names) != 3 + 2 * len(players):
        problem = f"names {len(names)} parameters for {len(players)} players"
        raise InputError(
            f"{where}, state_equation", problem, f"Name {3 + 2 * len(players)}, the spread last."
        )
    files, columns = _table(play, "files", where), _table(play, "columns", where)
    for key in files:
        _known(f"{where}, files", key, _FILES)
    actions = _texts(columns, "actions", f"{where}, columns")
    if len(actions) != len(players):
        raise InputError(f"{where}, columns, actions", "not one column a player", "Name one for each player.")
    return PlaySettings(
        study.name,
        study.settings.window,
        state,
        _text(play, "low_label", where),
        _text(play, "high_label", where),
        names,
        _text(play, "value_weight", where),
        _text(play, "cost_weight", where),
        _number(play, "discount", where, 0.0, 0.9999),
        _number(play, "grid_step", where, 1e-6, 1e6),
        _number(play, "grid_low", where, 0.0, 0.5),
        _number(play, "grid_high", where, 0.5, 1.0),
        _number(play, "cost_step", where, 1e-6, 1e3),
        _part(play, "part_of_step_dearer", where),
        _part(play, "part_of_step_cheaper", where),
        players,
        _eras(study.settings.window, _tables(play, "era", where), f"{where}, era"),
        {key: _text(files, key, f"{where}, files") for key in _FILES if key in files or key == "panel"},
        _text(columns, "month", f"{where}, columns"),
        _text(columns, "state", f"{where}, columns"),
        actions,
        _texts(columns, "polls", f"{where}, columns") if "polls" in columns else (),
        _months(study.settings.window, play, "low_months", where),
    )


def _player(study: Study, entry: Mapping[str, Any]) -> PlayerSettings:
    where = "study.toml, play, player"
    actor = _name(entry, "actor", where, [actor.name for actor in study.model.actors])
    lever = _name(entry, "lever", where, study.model.lever_names)
    held = next(each for each in study.model.actors if each.name == actor)
    if tuple(held.levers.get(lever, ())) != (0.0, 1.0):
        raise InputError(
            f"{where}, {actor}", f"does not hold {lever} at 0 and 1", "Give the actor that lever."
        )
    for key in ("value_weight", "cost_weight"):
        weight = _text(study.settings.play, key, "study.toml, play")
        _known(f"study.toml, play, {key}", weight, held.weights)
    start = entry.get("start")
    if not (isinstance(start, list) and len(start) == 2 and all(isinstance(x, int | float) for x in start)):
        raise InputError(f"{where}, {actor}, start", "not two numbers", "Give start = [value, cost].")
    return PlayerSettings(actor, _text(entry, "label", where), lever, float(start[0]), float(start[1]))


def _eras(window: Window, entries: Sequence[Mapping[str, Any]], where: str) -> tuple[Era, ...]:
    starts = [window.index(_text(entry, "first_month", where)) for entry in entries]
    if starts[:1] != [0] or any(a >= b for a, b in pairwise(starts)):
        problem = "periods must begin with the window and follow one another"
        raise InputError(where, problem, f"Start the first in {window.first_month}.")
    stops = [*starts[1:], len(window)]
    names, words = ([_text(entry, key, where) for entry in entries] for key in ("name", "words"))
    return tuple(Era(*each) for each in zip(names, words, starts, stops, strict=True))


def _months(window: Window, entry: Mapping[str, Any], key: str, where: str) -> tuple[int, int]:
    names = _texts(entry, key, where)
    places = [window.index(name) for name in names]
    if len(places) != 2 or places[0] > places[1]:
        raise InputError(f"{where}, {key}", "not a first and a last month", 'Write ["2006-01", "2006-09"].')
    return places[0], places[1]


def _known(where: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise InputError(where, f"unknown name {name!r}", did_you_mean(name, known))


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}, {key}", "missing or not a text", "Give it as text in quotes.")
    return value


def _name(entry: Mapping[str, Any], key: str, where: str, known: Collection[str]) -> str:
    value = _text(entry, key, where)
    _known(f"{where}, {key}", value, known)
    return value


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(
            f"{where}, {key}", "missing or not a list of names", f'Write {key} = ["...", "..."].'
        )
    return tuple(value)


def _number(entry: Mapping[str, Any], key: str, where: str, low: float, high: float) -> float:
    value = entry.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        problem = f"missing, or not a number from {low:g} to {high:g}"
        raise InputError(f"{where}, {key}", problem, "Mend the number.")
    return float(value)


def _part(entry: Mapping[str, Any], key: str, where: str) -> tuple[int, int]:
    value = entry.get(key)
    if not (isinstance(value, list) and len(value) == 2 and all(type(x) is int and x > 0 for x in value)):
        raise InputError(f"{where}, {key}", "not a fraction", "Write it as two whole numbers, [9, 29].")
    return value[0], value[1]


def _table(entry: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    if isinstance(value := entry.get(key), dict):
        return value
    raise InputError(f"{where}, {key}", "missing or not a table", f"Write it under [play.{key}].")


def _tables(entry: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    value = entry.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise InputError(f"{where}, {key}", "missing or not a list of tables", f"Write [[play.{key}]].")
    return value
