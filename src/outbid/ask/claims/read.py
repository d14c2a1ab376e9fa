"""Read claim_tests.toml of a study's folder: how each of the sources' claims is put to the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from outbid.ask.claims.declared import (
    SUMMARIES,
    ClaimTests,
    Forecast,
    Intervention,
    Measure,
    Move,
    PlayQuestion,
    Shift,
)
from outbid.ask.claims.series import SeriesCheck
from outbid.ask.strategic.settings import PlaySettings
from outbid.data.tables import read_toml
from outbid.declarations import Block, among, identifier, number, only, sign, tables, text, texts, whole
from outbid.errors import InputError, did_you_mean
from outbid.evidence import Ledger
from outbid.model.declare import Model
from outbid.simulate.engine import outputs_of
from outbid.simulate.scenario import Change
from outbid.simulate.scenario_file import read_change

FILE = "claim_tests.toml"
# Kinds of claims that say what causes what, why, or what will come: each has a test, or a reason for having none.
TESTABLE = {"C", "S", "F"}
_WORDS = ("question", "answer_if")
_MEASURE = ("measure", "per", "label", "unit", "summary", "months")
_KINDS: Mapping[str, tuple[str, ...]] = {
    "test": ("id", "claims", *_WORDS, *_MEASURE, "sign", "smallest", "change", "shift", "move", "setting"),
    "forecast": ("id", "claims", *_WORDS, *_MEASURE, "sign", "smallest", "than"),
    "equilibrium": ("id", "claims", "play"),
    "record": ("id", "claims", *_WORDS, "series", "expects", "value", "first", "last", "also", "note"),
    "untested": ("claims", "why"),
}


def read_claim_tests(
    folder: Path,
    model: Model,
    ledger: Ledger,
    horizon: int,
    play: PlaySettings | None,
    today: Mapping[str, float],
) -> ClaimTests:
    """Read claim_tests.toml; a study without it has no tests.

    Parameters
    ----------
    horizon
        Months ahead that the study looks.
    play
        The study's game, whose tests may answer a claim.
    today
        Where levers stand today, by name, as far as that is known before any fit.

    Raises
    ------
    InputError
        On malformed TOML, an unknown key, claim, output, lever, state or test, an intervention of size zero, a
        month beyond the horizon, an id that is taken twice, or a causal, strategic or forecast claim with
        neither a test nor a reason for having none.
    """
    if not (folder / FILE).is_file():
        return ClaimTests()
    entries = read_toml(folder / FILE)
    only(FILE, entries, ("central", *_KINDS))
    place = _Place(model, ledger, horizon, today)
    tests = ClaimTests(
        tuple(place.intervention(where, block) for where, block in _blocks(entries, "test")),
        tuple(place.forecast(where, block) for where, block in _blocks(entries, "forecast")),
        tuple(place.question(where, block, play) for where, block in _blocks(entries, "equilibrium")),
        tuple(place.record(where, block) for where, block in _blocks(entries, "record")),
        place.untested(_blocks(entries, "untested")),
        place.claims(FILE, entries, "central") if "central" in entries else (),
    )
    _complete(tests, ledger)
    return tests


class _Place:
    """What the names in a file are looked up in."""

    def __init__(self, model: Model, ledger: Ledger, horizon: int, today: Mapping[str, float]) -> None:
        self.model, self.ledger, self.horizon, self.today = model, ledger, horizon, today
        self.outputs = outputs_of(model)
        self.taken: set[str] = set()

    def intervention(self, where: str, block: Block) -> Intervention:
        """Read one [[test]]."""
        name, claims = self._named(where, block)
        where, measure = f"{FILE}, {name}", self._measure(f"{FILE}, {name}", block)
        result = Intervention(
            name,
            claims,
            text(where, block, "question"),
            text(where, block, "answer_if"),
            measure,
            sign(where, block),
            _positive(where, block, "smallest"),
            self._changes(where, block, "change", measure.months),
            tuple(self._shift(where, each) for each in tables(where, block, "shift")),
            tuple(self._move(where, each) for each in tables(where, block, "move")),
            self._changes(where, block, "setting", measure.months),
        )
        if not (result.changes or result.shifts or result.moves):
            raise InputError(
                where, "changes nothing", "Say what is different under [[test.change]], shift or move."
            )
        return result

    def forecast(self, where: str, block: Block) -> Forecast:
        """Read one [[forecast]]."""
        name, claims = self._named(where, block)
        where = f"{FILE}, {name}"
        than = block.get("than", "past")
        return Forecast(
            name,
            claims,
            text(where, block, "question"),
            text(where, block, "answer_if"),
            self._measure(where, block),
            sign(where, block),
            _positive(where, block, "smallest"),
            None if than == "past" else number(where, block, "than"),
        )

    def question(self, where: str, block: Block, play: PlaySettings | None) -> PlayQuestion:
        """Read one [[equilibrium]]."""
        name, claims = self._named(where, block)
        asked, known = block.get("play"), [test.id for test in play.tests] if play else []
        if asked not in known:
            fix = did_you_mean(str(asked), known) if known else "The study has no game: write a play.toml."
            raise InputError(f"{FILE}, {name}, play", f"play.toml has no test {asked!r}", fix)
        return PlayQuestion(name, claims, str(asked))

    def record(self, where: str, block: Block) -> SeriesCheck:
        """Read one [[record]]; the series itself is looked up by `check_series`."""
        name, claims = self._named(where, block)
        where = f"{FILE}, {name}"
        question, answer_if, series, expects = (
            text(where, block, key) for key in (*_WORDS, "series", "expects")
        )
        return SeriesCheck(
            name,
            claims,
            question,
            answer_if,
            series,
            expects,
            number(where, block, "value") if "value" in block else None,
            str(block.get("first", "")),
            str(block.get("last", "")),
            texts(where, block, "also") if "also" in block else (),
            str(block.get("note", "")),
        )

    def untested(self, blocks: Sequence[tuple[str, Block]]) -> dict[str, str]:
        """Read every [[untested]]: the reason by claim."""
        return {
            claim: text(where, block, "why") for where, block in blocks for claim in self.claims(where, block)
        }

    def _named(self, where: str, block: Block) -> tuple[str, tuple[str, ...]]:
        name = identifier(where, block, self.taken)
        self.taken.add(name)
        return name, self.claims(f"{FILE}, {name}", block)

    def claims(self, where: str, block: Block, key: str = "claims") -> tuple[str, ...]:
        """Read a list of claims that the ledger has."""
        return tuple(
            among(f"{where}, {key}", claim, self.ledger.claims, "the ledger has no claim")
            for claim in texts(where, block, key)
        )

    def _measure(self, where: str, block: Block) -> Measure:
        outputs, per = texts(where, block, "measure"), block.get("per", "")
        for key, name in [*(("measure", each) for each in outputs), *([("per", per)] if per else [])]:
            among(f"{where}, {key}", name, self.outputs, "the run tells nothing of the name")
        summary = among(f"{where}, summary", block.get("summary"), SUMMARIES, "unknown summary")
        months = whole(where, block, "months", 1, self.horizon, self.horizon)
        label, unit = text(where, block, "label"), text(where, block, "unit")
        return Measure(outputs, per, label, unit, summary, months)

    def _changes(self, where: str, block: Block, key: str, months: int) -> tuple[Change, ...]:
        changes = tuple(
            read_change(where, each, self.model, self.today) for each in tables(where, block, key)
        )
        for change in changes:
            if change.start > months:
                raise InputError(
                    f"{where}, {change.lever}, start",
                    f"month {change.start} comes after the last that is looked at",
                    f"Start by month {months}, or look further ahead.",
                )
        return changes

    def _shift(self, where: str, block: Block) -> Shift:
        states = [*(item.name for item in self.model.stocks), *(item.name for item in self.model.indices)]
        only(where, block, ("state", "by", "times"))
        state = among(f"{where}, shift", block.get("state"), states, "no stock or index")
        if ("by" in block) == ("times" in block):
            raise InputError(
                f"{where}, {state}",
                "needs exactly one of `by` and `times`",
                "Give the difference or the factor.",
            )
        key = "by" if "by" in block else "times"
        size = number(f"{where}, {state}", block, key)
        if size == (0.0 if key == "by" else 1.0) or (key == "times" and size < 0):
            raise InputError(f"{where}, {state}, {key}", f"{size:g} changes nothing", "Choose another size.")
        return Shift(state, **{key: size})

    def _move(self, where: str, block: Block) -> Move:
        stocks = [item.name for item in self.model.stocks]
        only(where, block, ("from", "to", "share"))
        source, target = (
            among(f"{where}, move, {key}", block.get(key), stocks, "no stock") for key in ("from", "to")
        )
        share = number(f"{where}, move", block, "share")
        if not 0 < share <= 1 or source == target:
            raise InputError(
                f"{where}, move", "moves nobody", "Give two stocks and a share above 0, at most 1."
            )
        return Move(source, target, share)


def _complete(tests: ClaimTests, ledger: Ledger) -> None:
    """Refuse a causal, strategic or forecast claim that has neither a test nor a reason, or both."""
    for claim in ledger.claims.values():
        tested, reason = tests.of(claim.id), tests.untested.get(claim.id)
        if tested and reason:
            raise InputError(
                f"{FILE}, {claim.id}", f"is untested, and tested by {tested[0]}", "Keep the one that is true."
            )
        if TESTABLE & set(claim.kind.split("/")) and not claim.left_out and not (tested or reason):
            raise InputError(
                f"{FILE}, {claim.id}",
                "the claim has neither a test nor a reason for having none",
                "Write a [[test]] for it, or name it under [[untested]] and say why.",
            )


def _blocks(entries: Block, kind: str) -> list[tuple[str, Block]]:
    found = []
    for place, block in enumerate(tables(FILE, entries, kind), start=1):
        where = f"{FILE}, {kind} {place}"
        only(where, block, _KINDS[kind])
        found.append((where, block))
    return found


def _positive(where: str, block: Block, key: str) -> float:
    value = number(where, block, key)
    if value <= 0:
        raise InputError(
            f"{where}, {key}",
            f"an effect of {value:g} is none",
            "Give the smallest effect that would matter.",
        )
    return value
