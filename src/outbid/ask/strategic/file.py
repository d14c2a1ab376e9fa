"""Read play.toml and payoffs.toml of a study's folder; a study without them is not played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from outbid.ask.strategic.settings import PlaySettings, Test, World
from outbid.data.tables import read_toml
from outbid.errors import InputError, did_you_mean
from outbid.game.grid import Axis, Grid
from outbid.game.reduce import Reduction, reduce
from outbid.model.declare import Model
from outbid.model.priors import Parameter, read_parameters

FILE, PAYOFFS = "play.toml", "payoffs.toml"
KINDS = ("lever", "index")


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
    known = ("players", "discount", "months", "observed", "axis", "world", "test")
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
    tests = tuple(_test(each, reduction, names, weights) for each in entries.get("test", []))
    return PlaySettings(reduction, discount, months, observed, weights, ordered, tests)


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
    tables = ("resting", "parameters", "states", "levers", "weights")
    _only(where, entry, ("id", "label", "description", "baseline", *tables))
    for key in ("label", "description"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise InputError(f"{where}, {key}", "missing or empty", "Give it as text.")
    baseline = entry.get("baseline", False)
    if not isinstance(baseline, bool):
        raise InputError(f"{where}, baseline", "is not true or false", "Write baseline = true.")
    states = [*(item.name for item in model.stocks), *(item.name for item in model.indices)]
    homes = {
        "resting": players,
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
    if len(given["resting"]) == len(players):
        raise InputError(f"{where}, resting", "leaves nobody to decide", "Let one of the players choose.")
    for key, value in given["levers"].items():
        lever = model.lever(key)
        if not lever.low <= value <= lever.high:
            raise InputError(
                f"{where}, levers, {key}",
                f"{value:g} is outside the lever's range",
                f"Stay within {lever.low:g} to {lever.high:g}.",
            )
    return World(name, entry["label"], entry["description"], baseline, **given)


def _test(entry: Any, reduction: Reduction, worlds: Sequence[str], weights: Sequence[Parameter]) -> Test:
    name = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"{FILE}, test", "has no plain id", 'Give it one, such as id = "rival_hardness".')
    where = f"{FILE}, {name}"
    texts = ("question", "answer_if")
    _only(
        where,
        entry,
        ("id", "claims", *texts, "sign", "smallest", "measure", "when", "of", "against", "weight"),
    )
    for key in texts:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise InputError(f"{where}, {key}", "missing or empty", "Give it as text.")
    claims = entry.get("claims", [])
    if not isinstance(claims, list) or not all(isinstance(each, str) for each in claims):
        raise InputError(f"{where}, claims", "is not a list of claim IDs", 'Write claims = ["M06"].')
    if entry.get("sign") not in (1, -1):
        raise InputError(f"{where}, sign", "is neither 1 nor -1", "Say which way the claim goes.")
    smallest = _number(f"{where}, smallest", entry.get("smallest", 0.0))
    if smallest < 0:
        raise InputError(f"{where}, smallest", "is below zero", "Give the size that would matter.")
    shared = (name, tuple(claims), entry["question"], entry["answer_if"], entry["sign"], smallest)
    if "weight" in entry:
        known = [each.name for each in weights]
        if entry["weight"] not in known:
            raise InputError(
                f"{where}, weight", "is no payoff weight", did_you_mean(str(entry["weight"]), known)
            )
        return Test(*shared, weight=entry["weight"])
    measures = [*(p.lever for p in reduction.players), *(a.name for a in reduction.grid.axes)]
    choices = {
        "measure": measures,
        "when": ("mean", "end"),
        "of": worlds,
        "against": (*worlds, "today"),
    }
    given = {"when": "mean", **entry}
    for key, known_words in choices.items():
        if given.get(key) not in known_words:
            raise InputError(
                f"{where}, {key}",
                f"{given.get(key)!r} is not known",
                did_you_mean(str(given.get(key)), known_words),
            )
    return Test(*shared, *(given[key] for key in choices))
