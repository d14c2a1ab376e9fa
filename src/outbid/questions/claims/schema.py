"""claim_tests.toml: how each of the sources' claims is put to the test."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from outbid.data.panel import Panel, Record
from outbid.data.tables import month, parse_date
from outbid.declared import (
    ClaimId,
    Declared,
    Entries,
    Id,
    Many,
    Number,
    Says,
    Sign,
    Some,
    Text,
    fault,
    read,
    ref,
    unique,
)
from outbid.errors import did_you_mean
from outbid.files import read_toml
from outbid.simulate.scenario import Change
from outbid.study import Study
from outbid.words.numbers import counted, plain_name, signed

FILE, GAME = "claim_tests.toml", "play.toml"
# Kinds of claims that say what causes what, why, or what will come: each has a test, or a reason for having none.
TESTABLE = {"C", "S", "F"}
# Fewer figures than that have no trend.
FEWEST = 3

Output = Annotated[str, ref("output", "the run tells nothing of the name")]
_OVER = {
    "sum": "summed up over {}",
    "mean": "on average over {}",
    "end": "at the end of {}",
    "mean_last_year": "in the last year of {}",
}
Stock = Annotated[str, ref("stock")]


def _positive(value: float) -> float:
    if value <= 0:
        raise fault(f"an effect of {value:g} is none", "Give the smallest effect that would matter.")
    return value


def _ahead(value: Any, info: ValidationInfo) -> int:
    """Months ahead: from 1 to the horizon, and all of it where a test doesn't say."""
    horizon = (info.context or {}).get("horizon")
    value = horizon if value is None else value
    if not isinstance(value, int) or value is True or not 1 <= value <= (horizon or value):
        raise fault(f"{value!r} is outside its range", f"Give a whole number from 1 to {horizon}.")
    return value


def _in_game(value: Any, info: ValidationInfo) -> Any:
    known = (info.context or {}).get("game test", (value,))
    if value not in known:
        fix = did_you_mean(str(value), known) if known else f"The study has no game: write a {GAME}."
        raise fault(f"{GAME} has no test {value!r}", fix)
    return value


def _changed(change: Change) -> str:
    size = f"at {change.to:g}" if change.to is not None else signed(change.by or 0.0)
    over = f"from {f'month {change.start}' if change.start > 1 else 'the first month'} on"
    if change.shape != "step":
        over = f"{'within' if change.shape == 'ramp' else 'for'} {counted(change.months, 'month')}"
    return f"{plain_name(change.lever)} {size} {over}"


class Shift(Declared):
    """Another value of a stock or an index today: more by `by` in its own unit, or `times` as much."""

    entry = "{state}"

    state: Annotated[str, ref("state", "no stock or index")]
    by: Number | None = None
    times: Number | None = None

    @model_validator(mode="after")
    def _sized(self) -> Self:
        if (self.by is None) == (self.times is None):
            raise fault("needs exactly one of `by` and `times`", "Give the difference or the factor.")
        if self.by == 0:
            raise fault("0 changes nothing", "Choose another size.", "by")
        if self.times is not None and (self.times == 1 or self.times < 0):
            raise fault(f"{self.times:g} changes nothing", "Choose another size.", "times")
        return self

    @property
    def done(self) -> str:
        """What is different, in words."""
        size = f"times {self.times:g}" if self.by is None else signed(self.by)
        return f"{plain_name(self.state)} {size} today"


class Move(Declared):
    """People counted to another stock today: a share of those in `source` are in `target` instead."""

    source: Stock = Field(alias="from")
    target: Stock = Field(alias="to")
    share: Number

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if not 0 < self.share <= 1 or self.source == self.target:
            raise fault("moves nobody", "Give two stocks and a share above 0, at most 1.")
        return self

    @property
    def done(self) -> str:
        """What is different, in words."""
        return f"{self.share:.0%} of {plain_name(self.source)} among {plain_name(self.target)} instead"


class ClaimTest(Declared):
    """What every test has: the claims that it stands for, the question, and when the answer is yes."""

    id: Id
    claims: Some[ClaimId]
    question: Text
    answer_if: Text


class MeasureTest(ClaimTest):
    """A test that looks at outputs of the run, added up, perhaps per head of another output.

    `sign` is the direction that the claim expects, `smallest` the smallest effect that would matter.
    """

    measure: Some[Output]
    per: Output = ""
    label: Text
    unit: Text
    summary: Literal["sum", "mean", "end", "mean_last_year"]
    months: Annotated[int, BeforeValidator(_ahead)] = Field(None, validate_default=True)
    sign: Sign
    smallest: Annotated[Number, AfterValidator(_positive)]

    @property
    def looked_at(self) -> str:
        """The measure in words: "defections, summed up over 36 months"."""
        return f"{self.label}, {_OVER[self.summary].format(counted(self.months, 'month'))}"


class Intervention(MeasureTest):
    """A world with something different against the same world without it; `setting` holds on both sides."""

    how: ClassVar[str] = "intervention"
    changes: Many[Change] = Field((), alias="change")
    shifts: Many[Shift] = Field((), alias="shift")
    moves: Many[Move] = Field((), alias="move")
    setting: Many[Change] = ()

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if not (self.changes or self.shifts or self.moves):
            raise fault("changes nothing", "Say what is different under [[test.change]], shift or move.")
        for change in (*self.changes, *self.setting):
            if change.start > self.months:
                problem = f"month {change.start} comes after the last that is looked at"
                fix = f"Start by month {self.months}, or look further ahead."
                raise fault(problem, fix, f"{change.lever}, start")
        return self

    @property
    def done(self) -> str:
        """What was done, in words: "hardness −0.30 within 24 months; defections, summed up over 36 months"."""
        states = [*(each.done for each in self.shifts), *(each.done for each in self.moves)]
        parts = [*map(_changed, self.changes), *states]
        setting = f", with {' and '.join(map(_changed, self.setting))} on both sides" if self.setting else ""
        return f"{' and '.join(parts)}{setting}; {self.looked_at}"


class Forecast(MeasureTest):
    """A measure over the months ahead, with every lever as today, less a figure or less the months before."""

    how: ClassVar[str] = "forecast"
    than: Annotated[
        Number | Literal["past"], Says("{value} is not a number", 'Give a finite number, or "past".')
    ] = "past"

    @property
    def done(self) -> str:
        """What was done, in words."""
        past = self.than == "past"
        than = f"the {counted(self.months, 'month')} behind" if past else f"{self.than:g} {self.unit}"
        return f"every lever as today; {self.looked_at}, against {than}"


class EquilibriumTest(Declared):
    """A question that the players' equilibria answer: the test of that id in play.toml."""

    id: Id
    claims: Some[ClaimId]
    play: Annotated[str, BeforeValidator(_in_game)]


_Month = Annotated[str, AfterValidator(lambda value: value and month(value, ""))]


class SeriesCheck(ClaimTest):
    """What an observation leads one to expect of a series: a trend, or that every figure lies on one side of `value`.

    `value` is in the series' unit, a month's worth for counts and sums. A figure counts if its whole period lies
    within the months from `first` to `last` (all, if empty); `also` names sources whose figures count although
    the model isn't held against them. `note` says what the series can't tell.
    """

    series: Annotated[str, ref("series")]
    expects: Annotated[
        Literal["rise", "fall", "at_least", "at_most"],
        Says("unknown expectation {value}", "Known names: at_least, at_most, fall, rise."),
    ]
    value: Annotated[Number, Says("is not a finite number", "Give a number, such as 1.5.")] | None = None
    first: _Month = ""
    last: _Month = ""
    also: Many[str] = ()
    note: str = ""

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        if self.is_trend == (self.value is not None):
            fix = "Give a value with at_least and at_most, and with nothing else."
            raise fault(f"does not fit {self.expects!r}", fix, "value")
        if self.first and self.last and self.first > self.last:
            raise fault(f"{self.first} lies after {self.last}", "Swap the two.", "first")
        if info.context and "panel" in info.context:
            self.records(info.context["panel"])
        return self

    @property
    def is_trend(self) -> bool:
        """Whether a trend is expected."""
        return self.expects in ("rise", "fall")

    def records(self, panel: Panel) -> tuple[Record, ...]:
        """Return the figures that the check is about, each estimate once.

        Two records with the same figure for the same days are one estimate that two sources relay. Raises InputError
        on a source without such figures, a period without figures, or a trend with fewer than three.
        """
        every = panel.series[self.series].records
        unused = {record.source for record in every if not record.used}
        if strange := [source for source in self.also if source not in unused]:
            problem = f"no figure of {strange[0]!r} in {self.series} is left unused by the model"
            raise fault(problem, did_you_mean(strange[0], unused), "also")
        first = parse_date(self.first)[0] if self.first else dt.date.min
        last = parse_date(self.last)[1] if self.last else dt.date.max
        once = {
            (record.start, record.end, record.value, record.low, record.high): record
            for record in every
            if (record.used or record.source in self.also) and first <= record.start and record.end <= last
        }
        if not once:
            fix = "Widen it, or name under `also` the sources of figures that the model leaves unused."
            raise fault(f"{self.series} has no figure in that period", fix, "first")
        if self.is_trend and len({(record.start, record.end) for record in once.values()}) < 2:
            raise fault("all figures speak of one time", "Widen the period.", "first")
        if self.is_trend and len(once) < FEWEST:
            problem = f"{len(once)} figures in that period, too few for a trend"
            raise fault(problem, "Widen it, or expect at_least or at_most.", "first")
        return tuple(once.values())


class Exemption(Declared):
    """Claims without a test, and the reason in a sentence."""

    claims: Some[ClaimId]
    why: Text


class ClaimTests(Declared):
    """claim_tests.toml: every test, what has none and why, and the claims to speak of first (`central`)."""

    central: Some[ClaimId] = ()
    interventions: Many[Intervention] = Field((), alias="test")
    forecasts: Many[Forecast] = Field((), alias="forecast")
    equilibria: Many[EquilibriumTest] = Field((), alias="equilibrium")
    checks: Entries[SeriesCheck] = Field((), alias="record")
    untested: Many[Exemption] = ()

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> Self:
        """Refuse a causal, strategic or forecast claim that has neither a test nor a reason, or both."""
        unique(self.tests)
        for claim in (info.context or {}).get("ledger", ()):
            tests, reason = self.of(claim.id), self.reasons.get(claim.id)
            if tests and reason:
                raise fault(f"is untested, and tested by {tests[0]}", "Keep the one that is true.", claim.id)
            if TESTABLE & set(claim.kind.split("/")) and not claim.left_out and not (tests or reason):
                problem = "the claim has neither a test nor a reason for having none"
                fix = "Write a [[test]] for it, or name it under [[untested]] and say why."
                raise fault(problem, fix, claim.id)
        return self

    @property
    def tests(self) -> tuple[MeasureTest | EquilibriumTest | SeriesCheck, ...]:
        """Every test, in the order of its kinds."""
        return (*self.measured, *self.equilibria, *self.checks)

    @property
    def measured(self) -> tuple[Intervention | Forecast, ...]:
        """What the model is run for."""
        return (*self.interventions, *self.forecasts)

    def of(self, claim: str) -> tuple[str, ...]:
        """Return the ids of the tests that stand for a claim."""
        return tuple(each.id for each in self.tests if claim in each.claims)

    @property
    def reasons(self) -> dict[str, str]:
        """Why a claim has no test, by claim."""
        return {claim: each.why for each in self.untested for claim in each.claims}


def declare(study: Study) -> ClaimTests | None:
    """Read how a study's claims are tested: no tests without the file, and None where there are no claims to test.

    Raises InputError on a fault in the file, a name that doesn't exist, a test that can't be made, or a claim without one.
    """
    if not study.ledger.claims or study.settings.kind == "game":
        return None
    game = study.folder / GAME
    # what is wrong with the tests of the game is that file's matter
    tests = read_toml(game).get("test", []) if game.is_file() else []
    known = [str(each["id"]) for each in tests if isinstance(each, dict) and "id" in each]
    ledger = tuple(study.ledger.claims.values())
    names = {**study.names, "panel": study.panel, "ledger": ledger, "game test": known}
    return read(study.folder / FILE, ClaimTests, names) or ClaimTests()
