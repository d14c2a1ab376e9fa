"""How a study's contest is played as a game: players, grid, payoff weights, and the worlds to compare.

Read from play.toml and payoffs.toml in the study's folder; a study without them is not played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from outbid.data.tables import read_toml
from outbid.errors import InputError, did_you_mean
from outbid.game.grid import Axis, Grid
from outbid.game.reduce import Reduction, reduce
from outbid.model.declare import Model
from outbid.model.priors import Parameter, read_parameters

FILE, PAYOFFS = "play.toml", "payoffs.toml"
KINDS = ("lever", "index")


@dataclass(frozen=True)
class World:
    """A world to solve the game in: what differs from today's.

    Parameters
    ----------
    without
        The actor who isn't there, if any: its lever rests, and it decides nothing.
    parameters, states, levers
        Values that are set: parameters by name, states in their own unit, levers by name.
    weights
        Payoff weights that are set, under "actor.term".
    """

    id: str
    label: str
    description: str
    baseline: bool = False
    without: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    levers: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PlaySettings:
    """A study's game before any number is put in.

    Parameters
    ----------
    reduction
        Players, grid and the model behind them.
    discount
        Weight of next month.
    months
        How far ahead play is followed from today.
    observed
        By actor: the lever or index whose past tells what it did, as ("lever" or "index", name).
    weights
        Payoff weights with their priors, named "actor.term".
    worlds
        The baseline first.
    """

    reduction: Reduction
    discount: float
    months: int
    observed: Mapping[str, tuple[str, str]]
    weights: tuple[Parameter, ...]
    worlds: tuple[World, ...]

    @property
    def grid(self) -> Grid:
        """The states that the players watch."""
        return self.reduction.grid

    def world(self, name: str) -> World:
        """Return the world of that ID, or complain with the nearest one."""
        for each in self.worlds:
            if each.id == name:
                return each
        raise InputError(
            f"world {name!r}", "is not in play.toml", did_you_mean(name, [each.id for each in self.worlds])
        )


def read_play(folder: Path, model: Model) -> PlaySettings | None:
    """Read play.toml and payoffs.toml of a study's folder; None if it has no play.toml.

    Raises
    ------
    InputError
        On malformed TOML, unknown keys or names, values out of range, weights without an actor's term, or
        none or several baselines.
    """
    if not (folder / FILE).is_file():
        return None
    entries = read_toml(folder / FILE)
    known = ("players", "discount", "months", "observed", "axis", "world")
    _only(FILE, entries, known)
    players = entries.get("players")
    if not isinstance(players, list) or not players or not all(isinstance(each, str) for each in players):
        raise InputError(f"{FILE}, players", "is not a list of actors", 'Write players = ["incumbent"].')
    axes = entries.get("axis", [])
    if not isinstance(axes, list) or not axes:
        raise InputError(f"{FILE}, axis", "missing", "Give at least one [[axis]] with name and points.")
    grid = Grid(tuple(_axis(each) for each in axes))
    reduction = reduce(model, players, grid)
    discount = _number(f"{FILE}, discount", entries.get("discount"))
    if not 0 <= discount < 1:
        raise InputError(f"{FILE}, discount", f"is {discount:g}", "Give at least 0 and less than 1.")
    months = entries.get("months")
    if not isinstance(months, int) or isinstance(months, bool) or not 1 <= months <= 600:
        raise InputError(f"{FILE}, months", "is not a whole number of months", "Give 1 to 600.")
    weights = read_parameters(folder / PAYOFFS)
    _check_weights(reduction, weights)
    worlds = tuple(_world(each, model, players, weights) for each in entries.get("world", []))
    names = [each.id for each in worlds]
    if len(set(names)) < len(names):
        raise InputError(f"{FILE}, world", "an id is taken twice", "Rename one of the two.")
    if sum(each.baseline for each in worlds) != 1:
        raise InputError(f"{FILE}, world", "needs exactly one baseline", "Mark one with baseline = true.")
    ordered = tuple(sorted(worlds, key=lambda each: not each.baseline))
    observed = _observed(entries.get("observed", {}), model, players)
    return PlaySettings(reduction, discount, months, observed, weights, ordered)


def _only(where: str, entries: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in entries:
        if key not in known:
            raise InputError(f"{where}, {key}", "unknown key", did_you_mean(key, known))


def _number(where: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
        raise InputError(where, "is not a number", "Give a finite number.")
    return float(value)


def _axis(entry: Any) -> Axis:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise InputError(f"{FILE}, axis", "has no name", "Name the index or lever it stands for.")
    where = f"{FILE}, axis {entry['name']}"
    _only(where, entry, ("name", "points"))
    points = entry.get("points")
    if not isinstance(points, list) or not points:
        raise InputError(f"{where}, points", "is not a list of numbers", "Write points = [0.0, 1.0].")
    return Axis(entry["name"], tuple(_number(f"{where}, points", each) for each in points))


def _check_weights(reduction: Reduction, weights: Sequence[Parameter]) -> None:
    terms = [f"{actor.name}.{term}" for actor in reduction.actors for term in actor.weights]
    names = [each.name for each in weights]
    for name in names:
        if name not in terms:
            raise InputError(f"{PAYOFFS}, [{name}]", "is no term of a payoff", did_you_mean(name, terms))
    for term in terms:
        if term not in names:
            raise InputError(f"{PAYOFFS}, [{term}]", "missing", "Give every term of a payoff its prior.")


def _observed(entries: Any, model: Model, players: Sequence[str]) -> dict[str, tuple[str, str]]:
    if not isinstance(entries, dict):
        raise InputError(f"{FILE}, observed", "is not a table", 'Write incumbent = "lever:hardness".')
    homes = {"lever": list(model.lever_names), "index": [index.name for index in model.indices]}
    result = {}
    for actor, told in entries.items():
        where = f"{FILE}, observed, {actor}"
        if actor not in players:
            raise InputError(where, "is no player", did_you_mean(actor, players))
        kind, _, name = str(told).partition(":")
        if kind not in KINDS or name not in homes[kind]:
            known = [f"{each}:{item}" for each in KINDS for item in homes[each]]
            raise InputError(where, f"{told!r} is nothing to be seen", did_you_mean(str(told), known))
        result[actor] = (kind, name)
    return result


def _world(entry: Any, model: Model, players: Sequence[str], weights: Sequence[Parameter]) -> World:
    name = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"{FILE}, world", "has no plain id", 'Give it one, such as id = "no_rival".')
    where = f"{FILE}, {name}"
    tables = ("parameters", "states", "levers", "weights")
    _only(where, entry, ("id", "label", "description", "baseline", "without", *tables))
    for key in ("label", "description"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise InputError(f"{where}, {key}", "missing or empty", "Give it as text.")
    baseline, without = entry.get("baseline", False), entry.get("without", "")
    if not isinstance(baseline, bool):
        raise InputError(f"{where}, baseline", "is not true or false", "Write baseline = true.")
    if without and (without not in players or len(players) < 2):
        raise InputError(
            f"{where}, without", f"{without!r} can't be left out", did_you_mean(without, players)
        )
    states = [*(item.name for item in model.stocks), *(item.name for item in model.indices)]
    homes = {
        "parameters": model.parameter_names,
        "states": states,
        "levers": model.lever_names,
        "weights": [each.name for each in weights],
    }
    given: dict[str, dict[str, float]] = {}
    for kind in tables:
        table = entry.get(kind, {})
        if not isinstance(table, dict):
            raise InputError(f"{where}, {kind}", "is not a table", "Write { name = value }.")
        for key, value in table.items():
            if key not in homes[kind]:
                raise InputError(f"{where}, {kind}, {key}", "unknown name", did_you_mean(key, homes[kind]))
            _number(f"{where}, {kind}, {key}", value)
        given[kind] = {key: float(value) for key, value in table.items()}
    for key, value in given["levers"].items():
        lever = model.lever(key)
        if not lever.low <= value <= lever.high:
            raise InputError(
                f"{where}, levers, {key}",
                f"{value:g} is outside the lever's range",
                f"Stay within {lever.low:g} to {lever.high:g}.",
            )
    return World(name, entry["label"], entry["description"], baseline, without, **given)
