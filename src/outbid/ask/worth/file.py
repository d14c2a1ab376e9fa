"""Read worth.toml of a study's folder: what could be collected, and which claims and decisions it is to serve."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from outbid.ask.worth.appraise import TOGETHER
from outbid.ask.worth.measure_file import FILE, Room, read_measure
from outbid.ask.worth.measures import Measure
from outbid.data.tables import read_toml
from outbid.declarations import Block, among, identifier, only, sign, tables, text, texts
from outbid.errors import InputError
from outbid.model.declare import Model
from outbid.simulate.scenario import Scenario
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import Study

# No one plans further, and no run is longer.
LONGEST = 600


@dataclass(frozen=True)
class ClaimTarget:
    """A claim that figures are to settle: its ID, the test that stands for it, the claim in words, the expected sign."""

    id: str
    test: str
    label: str
    sign: int


@dataclass(frozen=True)
class Decision:
    """A choice between scenarios, judged by one outcome."""

    id: str
    label: str
    options: tuple[str, ...]
    outcome: str


@dataclass(frozen=True)
class WorthSettings:
    """What could be collected, and what for."""

    measures: tuple[Measure, ...]
    claims: tuple[ClaimTarget, ...]
    decisions: tuple[Decision, ...]


def read_worth(
    folder: Path,
    model: Model,
    claim_tests: Collection[str] | None = None,
    scenarios: Sequence[Scenario] | None = None,
    *,
    ahead: int = LONGEST,
    behind: int = LONGEST,
) -> WorthSettings | None:
    """Read worth.toml of a study's folder; None if it has none.

    Parameters
    ----------
    claim_tests
        IDs of the tests that a claim may name; any, if left out.
    scenarios
        Those of the study's scenarios.toml, if left out.
    ahead, behind
        Months of the horizon, and of the past.

    Raises
    ------
    InputError
        On malformed TOML, unknown keys or names, months beyond the run, a law without its error, an id taken
        twice, or nothing to collect or to serve.
    """
    if not (folder / FILE).is_file():
        return None
    entries = read_toml(folder / FILE)
    only(FILE, entries, ("measure", "claim", "decision"))
    known = scenarios if scenarios is not None else read_scenarios(folder / "scenarios.toml", model)
    room = Room(model, [item.id for item in known], ahead, behind)
    measures: list[Measure] = []
    for block in tables(FILE, entries, "measure"):
        measures.append(read_measure(block, [TOGETHER, *(each.id for each in measures)], room))
    claims: list[ClaimTarget] = []
    for block in tables(FILE, entries, "claim"):
        claims.append(_claim(block, [each.id for each in claims], claim_tests))
    decisions: list[Decision] = []
    for block in tables(FILE, entries, "decision"):
        taken = [*(each.id for each in claims), *(each.id for each in decisions)]
        decisions.append(_decision(block, taken, room))
    if not measures:
        raise InputError(FILE, "names nothing to collect", "Write at least one [[measure]].")
    if not claims and not decisions:
        raise InputError(FILE, "serves nothing", "Write a [[claim]] or a [[decision]].")
    return WorthSettings(tuple(measures), tuple(claims), tuple(decisions))


def asked_of(study: Study, claim_tests: Collection[str] | None = None) -> WorthSettings | None:
    """Return what a study's worth.toml asks, checked against its model, horizon and window; None without one."""
    if not (study.folder / FILE).is_file():
        return None
    return read_worth(
        study.folder,
        study.model,
        claim_tests,
        read_scenarios(study.folder / "scenarios.toml", study.model, study.levers_today),
        ahead=study.settings.horizon_months,
        behind=len(study.panel.window.months),
    )


def _claim(block: Block, taken: Collection[str], tests: Collection[str] | None) -> ClaimTarget:
    name = identifier(f"{FILE}, claim", block, taken)
    where = f"{FILE}, claim {name}"
    only(where, block, ("id", "test", "label", "sign"))
    test = text(where, block, "test")
    if tests is not None:
        among(f"{where}, test", test, tests, "no claim has a test")
    expected = sign(where, block) if "sign" in block else 1
    return ClaimTarget(name, test, text(where, block, "label"), expected)


def _decision(block: Block, taken: Collection[str], room: Room) -> Decision:
    name = identifier(f"{FILE}, decision", block, taken)
    where = f"{FILE}, decision {name}"
    only(where, block, ("id", "label", "options", "outcome"))
    options = texts(where, block, "options")
    for option in options:
        among(f"{where}, options", option, room.scenarios, "no scenario")
    if len(options) < 2 or len(set(options)) < len(options):
        raise InputError(f"{where}, options", "needs at least two different scenarios", "Name them.")
    outcomes = [item.name for item in room.model.outcomes]
    outcome = among(f"{where}, outcome", block.get("outcome"), outcomes, "no outcome")
    return Decision(name, text(where, block, "label"), options, outcome)
