"""Read what could be collected from the [[measure]] tables of worth.toml."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from outbid.ask.worth.measures import AbsoluteError, Law, Measure, RelativeError, Survey, Tally
from outbid.declarations import Block, among, identifier, number, only, text, whole
from outbid.errors import InputError
from outbid.infer.past import past_outputs
from outbid.model.declare import Model
from outbid.simulate.engine import outputs_of

FILE = "worth.toml"
LAWS = ("lognormal", "normal", "poisson", "negative_binomial", "survey")
_TEXTS = ("label", "action", "effort")
_KEYS = ("id", *_TEXTS, "sees", "per", "every", "months", "law", "times", "shared_error", "under", "past")


@dataclass(frozen=True)
class Room:
    """What a measure may name: the model, the scenarios' IDs, and the months of the horizon and of the past."""

    model: Model
    scenarios: Collection[str]
    ahead: int
    behind: int


def read_measure(block: Block, taken: Collection[str], room: Room) -> Measure:
    """Return one [[measure]] table, checked.

    Raises
    ------
    InputError
        On what does not hold; see `worth_file.read_worth`.
    """
    name = identifier(f"{FILE}, measure", block, taken)
    where, model = f"{FILE}, {name}", room.model
    only(where, block, _KEYS)
    label, action, effort = (text(where, block, key) for key in _TEXTS)
    past = block.get("past", False)
    if not isinstance(past, bool):
        raise InputError(f"{where}, past", "is not true or false", "Write past = true.")
    under = (
        among(f"{where}, under", block["under"], room.scenarios, "no scenario") if "under" in block else ""
    )
    if past and under:
        raise InputError(f"{where}, under", "the past ran under no scenario", "Drop `under` or `past`.")
    outputs = _past_outputs(model) if past else outputs_of(model)
    sees = among(f"{where}, sees", block.get("sees"), outputs, "the run tells nothing of the name")
    per = (
        among(f"{where}, per", block["per"], outputs, "the run tells nothing of the name")
        if "per" in block
        else ""
    )
    law = _law(where, block, model)
    if isinstance(law, Survey) and law.odds is None and not per and not _is_share(model, sees):
        raise InputError(
            f"{where}, law",
            f"{sees!r} is no share of people",
            "Say by `odds` how answers follow it, or by `per` what it is a share of.",
        )
    most = room.behind if past else room.ahead
    every = whole(where, block, "every", 1, most)
    months = whole(where, block, "months", every, most)
    shared = number(where, block, "shared_error") if "shared_error" in block else 0.0
    if shared < 0:
        raise InputError(f"{where}, shared_error", "is below zero", "Give a standard deviation.")
    times = _size(where, block, "times", model) if "times" in block else 1.0
    adds = not per and (isinstance(law, Tally) or _adds(model, sees))
    about = (name, label, action, effort, sees, per)
    return Measure(*about, adds, every, months, law, times, shared, under, past)


def _law(where: str, block: Block, model: Model) -> Law:
    entry: Any = block.get("law")
    table: Block = entry if isinstance(entry, dict) else {}
    name = among(f"{where}, law", next(iter(table), entry), LAWS, "no law")
    inside = f"{where}, law"
    only(inside, table, (name, "odds") if name == "survey" else (name,))
    if name == "poisson":
        return Tally()
    if name not in table:
        raise InputError(inside, f"{name} needs its error", f"Write law = {{ {name} = 0.3 }}.")
    if name == "survey":
        odds = number(inside, table, "odds") if "odds" in table else None
        if odds == 0:
            raise InputError(
                f"{inside}, odds", "is zero, so answers follow nothing", "Give log odds a point."
            )
        return Survey(whole(inside, table, "survey", 1, 10_000_000), odds)
    size = _size(inside, table, name, model)
    if name == "negative_binomial":
        return Tally(size)
    return RelativeError(size) if name == "lognormal" else AbsoluteError(size)


def _size(where: str, block: Block, key: str, model: Model) -> float | str:
    """Return a number above zero, or the name of a parameter that holds one."""
    if isinstance(block[key], str):
        return among(f"{where}, {key}", block[key], model.parameter_names, "no parameter")
    value = number(where, block, key)
    if value <= 0:
        raise InputError(
            f"{where}, {key}", f"{value:g} is not above zero", "Give another, or a parameter's name."
        )
    return value


def _past_outputs(model: Model) -> tuple[str, ...]:
    seen = past_outputs(model, [item.series for item in model.observations])
    return (*seen, *(f"lever.{name}" for name in model.lever_names))


def _adds(model: Model, output: str) -> bool:
    """Say whether an output is of the kind that a period adds up: people moved, events, what is summed already."""
    kind, _, name = output.rpartition(".")
    sums = {f"outcome.{item.name}" for item in model.outcomes if item.summary == "sum"}
    sums |= {f"sees.{item.series}" for item in model.observations if item.aggregate == "sum"}
    return kind == "moved" or output in sums or name in model.counts


def _is_share(model: Model, output: str) -> bool:
    shares = {item.name for item in model.indices if item.scale == "logit"}
    return output in shares | {item.name for item in model.quantities if item.unit == "share"}
