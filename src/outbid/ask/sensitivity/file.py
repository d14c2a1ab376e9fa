"""Read sensitivity.toml of a study's folder; a study without it has nothing explained or discovered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from outbid.ask.sensitivity.settings import (
    PLACE,
    SCALES,
    VALUE,
    Condition,
    Discover,
    Explain,
    SensitivitySettings,
)
from outbid.data.tables import read_toml
from outbid.declarations import Block, among, identifier, number, only, tables, text, whole
from outbid.errors import InputError
from outbid.model.declare import Model
from outbid.simulate.scenario import Scenario

FILE = "sensitivity.toml"
# N of the design: fewer tell nothing, more don't fit into memory.
FEWEST, MOST = 8, 2**16


def read_sensitivity(folder: Path, model: Model, scenarios: Sequence[Scenario]) -> SensitivitySettings | None:
    """Read sensitivity.toml of a study's folder; None if it has none.

    Parameters
    ----------
    scenarios
        The study's courses, one of them the baseline.

    Raises
    ------
    InputError
        On malformed TOML, unknown keys, outcomes or courses, a course held against itself, a condition without
        a number, an id taken twice, or base samples that are no power of two.
    """
    if not (folder / FILE).is_file():
        return None
    entries = read_toml(folder / FILE)
    only(FILE, entries, ("base_samples", "explain", "discover"))
    samples = checked_samples(f"{FILE}, base_samples", whole(FILE, entries, "base_samples", FEWEST, MOST))
    courses = {item.id: item for item in scenarios}
    baseline = next(item.id for item in scenarios if item.baseline)
    outcomes = [item.name for item in model.outcomes]
    taken: list[str] = []
    explain, discover = [], []
    for block in tables(FILE, entries, "explain"):
        taken.append(identifier(f"{FILE}, explain", block, taken))
        explain.append(_explain(block, courses, outcomes, baseline))
    for block in tables(FILE, entries, "discover"):
        taken.append(identifier(f"{FILE}, discover", block, taken))
        discover.append(_discover(block, courses, outcomes, baseline))
    if not explain and not discover:
        raise InputError(FILE, "asks nothing", "Write at least one [[explain]] or [[discover]].")
    used = {name for each in explain for name in (each.scenario, each.against)}
    used |= {name for each in discover for name in (each.scenario, each.against)}
    return SensitivitySettings(
        samples, tuple(explain), tuple(discover), {name: courses[name] for name in courses if name in used}
    )


def checked_samples(where: str, samples: int) -> int:
    """Return a number of base samples that is a power of two within bounds.

    Raises
    ------
    InputError
        If it is not.
    """
    if not FEWEST <= samples <= MOST or samples & (samples - 1):
        raise InputError(
            where, f"{samples} is no power of two from {FEWEST} to {MOST}", "Give one, such as 256 or 1024."
        )
    return samples


def _explain(block: Block, courses: dict[str, Scenario], outcomes: list[str], baseline: str) -> Explain:
    where = f"{FILE}, {block['id']}"
    only(where, block, ("id", "label", "outcome", "scenario", "against", "scale"))
    scenario = among(f"{where}, scenario", block.get("scenario", baseline), courses, "no scenario")
    against = ""
    if "against" in block:
        against = _against(where, block, scenario, courses, baseline)
    return Explain(
        block["id"],
        text(where, block, "label"),
        among(f"{where}, outcome", block.get("outcome"), outcomes, "no outcome"),
        scenario,
        against,
        among(f"{where}, scale", block.get("scale", PLACE if against else VALUE), SCALES, "unknown scale"),
    )


def _discover(block: Block, courses: dict[str, Scenario], outcomes: list[str], baseline: str) -> Discover:
    where = f"{FILE}, {block['id']}"
    only(where, block, ("id", "question", "answer", "scenario", "against", "condition"))
    scenario = among(f"{where}, scenario", block.get("scenario"), courses, "no scenario")
    against = _against(where, block, scenario, courses, baseline)
    conditions = tuple(_condition(where, each, outcomes) for each in tables(where, block, "condition"))
    if not conditions:
        raise InputError(f"{where}, condition", "missing", "Write at least one [[discover.condition]].")
    return Discover(
        block["id"],
        text(where, block, "question"),
        text(where, block, "answer"),
        scenario,
        against,
        conditions,
    )


def _against(where: str, block: Block, scenario: str, courses: dict[str, Scenario], baseline: str) -> str:
    against = among(f"{where}, against", block.get("against", baseline), courses, "no scenario")
    if against == scenario:
        raise InputError(f"{where}, against", f"holds {scenario!r} against itself", "Name two courses.")
    return against


def _condition(where: str, block: Block, outcomes: list[str]) -> Condition:
    only(f"{where}, condition", block, ("outcome", "words", "above", "below"))
    outcome = among(f"{where}, outcome", block.get("outcome"), outcomes, "no outcome")
    own = f"{where}, {outcome}"
    if ("above" in block) == ("below" in block):
        raise InputError(
            own, "needs exactly one of `above` and `below`", "Give the number that it must pass."
        )
    side = "above" if "above" in block else "below"
    limit = number(own, block, side)
    words = text(own, block, "words")
    return Condition(outcome, words, limit if side == "above" else None, limit if side == "below" else None)
