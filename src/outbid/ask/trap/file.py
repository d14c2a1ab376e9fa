"""Read trap.toml of a study's folder; a study without it has no trap map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from outbid.ask.strategic.settings import PlaySettings, World
from outbid.ask.trap.settings import Answering, Gain, Offer, Split, TrapSettings
from outbid.data.tables import read_toml
from outbid.declarations import Block, among, identifier, number, only, tables, text, whole
from outbid.errors import InputError
from outbid.model.declare import Model
from outbid.simulate.scenario import Scenario

FILE = "trap.toml"
# Points along an axis: two make a line, more than this take longer than they tell.
FEWEST, MOST = 2, 25
DRAWS = (4, 2000)


def read_trap(
    folder: Path, model: Model, scenarios: Sequence[Scenario], play: PlaySettings | None = None
) -> TrapSettings | None:
    """Read trap.toml of a study's folder; None if it has none.

    Parameters
    ----------
    scenarios
        The study's courses; two of them are compared in every cell.
    play
        The study's game; without it nobody answers.

    Raises
    ------
    InputError
        On malformed TOML, unknown keys or names, values out of range, an axis of no length, a course that
        moves what the map's axis sets, or worlds in which nobody is left to answer.
    """
    if not (folder / FILE).is_file():
        return None
    entries = read_toml(folder / FILE)
    only(FILE, entries, ("moderating", "staying", "trap", "offer", "split", "gain", "fixed", "answering"))
    courses = [_course(key, entries.get(key), scenarios) for key in ("moderating", "staying")]
    if courses[0].id == courses[1].id:
        raise InputError(f"{FILE}, staying", "is the moderating course itself", "Name two courses.")
    offer_block, split_block = _table(entries, "offer"), _table(entries, "split")
    offer, split = _offer(offer_block, model), _split(split_block, model)
    for course in courses:
        for lever in _moves(course):
            if lever in offer.levers:
                raise InputError(
                    f"{FILE}, {course.id}",
                    f"moves {lever}, which the map's axis sets",
                    "Name a course that leaves the offer alone.",
                )
    gains: list[Gain] = []
    for each in tables(FILE, entries, "gain"):
        gains.append(_gain(each, model, [gain.id for gain in gains]))
    if not gains:
        raise InputError(f"{FILE}, gain", "missing", "Say in [[gain]] what may be gained or lost.")
    fixed = _table(entries, "fixed", optional=True)
    only(f"{FILE}, fixed", fixed, ("draws",))
    return TrapSettings(
        courses[0],
        courses[1],
        offer,
        split,
        tuple(gains),
        among(f"{FILE}, trap", entries.get("trap"), [each.id for each in gains], "no gain"),
        whole(f"{FILE}, offer", offer_block, "points", FEWEST, MOST, 8),
        whole(f"{FILE}, split", split_block, "points", FEWEST, MOST, 8),
        whole(f"{FILE}, fixed", fixed, "draws", *DRAWS, 250),
        _answering(entries, play, courses) if play is not None else None,
    )


def _table(entries: Block, key: str, *, optional: bool = False) -> Block:
    block = entries.get(key, {} if optional else None)
    if not isinstance(block, dict):
        raise InputError(f"{FILE}, {key}", "missing or no table", f"Write it as [{key}].")
    return block


def _course(key: str, name: Any, scenarios: Sequence[Scenario]) -> Scenario:
    known = {each.id: each for each in scenarios}
    return known[among(f"{FILE}, {key}", name, known, "no scenario")]


def _ends(where: str, block: Block, least: float, most: float) -> tuple[float, float]:
    low, high = (number(where, block, key) for key in ("low", "high"))
    if not low < high:
        raise InputError(f"{where}, low", "is not below high", "Give the axis some length.")
    if low < least or high > most:
        raise InputError(where, f"leaves the range {least:g} to {most:g}", "Narrow the axis.")
    return low, high


def _moves(course: Scenario) -> set[str]:
    return {change.lever for change in course.changes} | {rule.lever for rule in course.rules}


def _offer(block: Block, model: Model) -> Offer:
    where = f"{FILE}, offer"
    only(where, block, ("lever", "label", "low", "high", "points", "months", "along"))
    name = among(f"{where}, lever", block.get("lever"), model.lever_names, "no lever")
    lever = model.lever(name)
    low, high = _ends(where, block, lever.low, lever.high)
    along, given = {}, block.get("along", {})
    if not isinstance(given, dict):
        raise InputError(f"{where}, along", "is not a table", "Write along = { lever = [low, high] }.")
    for other, ends in given.items():
        among(
            f"{where}, along", other, [each for each in model.lever_names if each != name], "no other lever"
        )
        place, its = f"{where}, along, {other}", model.lever(other)
        if not isinstance(ends, list) or len(ends) != 2:
            raise InputError(place, "is not two numbers", "Give its values at the low and at the high end.")
        one, two = (
            number(place, dict(zip(("low", "high"), ends, strict=True)), key) for key in ("low", "high")
        )
        if not (its.low <= one <= its.high and its.low <= two <= its.high):
            raise InputError(place, "leaves the lever's range", f"Stay within {its.low:g} to {its.high:g}.")
        along[other] = (one, two)
    months = whole(where, block, "months", 1, 600, 1)
    return Offer(name, text(where, block, "label"), low, high, along, months)


def _split(block: Block, model: Model) -> Split:
    where = f"{FILE}, split"
    only(where, block, ("part", "rest", "label", "low", "high", "points"))
    stocks = [each.name for each in model.stocks if not each.sink]
    part, rest = (among(f"{where}, {key}", block.get(key), stocks, "no stock") for key in ("part", "rest"))
    if part == rest:
        raise InputError(f"{where}, rest", "is the part itself", "Name the stock that takes the rest.")
    low, high = _ends(where, block, 0.0, 1.0)
    return Split(part, rest, text(where, block, "label"), low, high)


def _gain(block: Block, model: Model, taken: Sequence[str]) -> Gain:
    name = identifier(f"{FILE}, gain", block, taken)
    where = f"{FILE}, gain {name}"
    only(where, block, ("id", "outcome", "label", "gains", "loses"))
    known = [each.name for each in model.outcomes]
    outcome = among(f"{where}, outcome", block.get("outcome"), known, "no outcome")
    label, gains, loses = (text(where, block, key) for key in ("label", "gains", "loses"))
    return Gain(name, outcome, label, gains, loses)


def _answering(entries: Block, play: PlaySettings, courses: Sequence[Scenario]) -> Answering | None:
    if "answering" not in entries:
        return None
    where, block = f"{FILE}, answering", _table(entries, "answering")
    only(where, block, ("soft", "hard", "offers", "shares", "draws"))
    soft, hard = (_world(f"{where}, {key}", block.get(key), play) for key in ("soft", "hard"))
    resting = set(soft.resting)
    players = play.reduction.players
    if set(hard.resting) != resting or not 0 < len(resting) < len(players):
        raise InputError(
            where,
            "in both worlds the same players have to rest, and one has to be left to answer",
            "Give both worlds of play.toml the same `resting` players.",
        )
    answering = {each.lever for each in players if each.name not in resting}
    for course in courses:
        for lever in _moves(course):
            if lever in answering:
                raise InputError(
                    where, f"{course.id} moves {lever}, the answer itself", "Name another course."
                )
    return Answering(
        soft,
        hard,
        whole(where, block, "offers", FEWEST, MOST, 5),
        whole(where, block, "shares", FEWEST, MOST, 5),
        whole(where, block, "draws", *DRAWS, 25),
    )


def _world(where: str, name: Any, play: PlaySettings) -> World:
    known = {each.id: each for each in play.worlds}
    return known[among(where, name, known, "no world")]
