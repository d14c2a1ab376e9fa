"""worth.toml: what could be collected, how its figures come about, and which claims and decisions it is to serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, ValidationInfo, model_validator
from scipy.special import expit, logit

from outbid.declared import Declared, Entries, Id, Many, Number, Sign, Text, fault, read, ref, unique
from outbid.errors import did_you_mean
from outbid.model.declare import Model
from outbid.study import Study

Floats = NDArray[np.float64]
Random = np.random.Generator
# By name: each draw's value of a parameter, shape (draws,); of records, effects and utilities too.
ByName = Mapping[str, Floats]
FILE = "worth.toml"
# The row that stands for everything that can be collected side by side.
TOGETHER = "together"
# The most people that a survey may ask.
MOST = 10_000_000
# What overflowed is no figure; a count of infinite mean would never be drawn.
LARGEST = 1e9
# Figures below this share of a draw's mean level are as good as zero when ratios are taken.
SMALL = 1e-12


def value_of(given: float | str, parameters: ByName) -> Floats:
    """Return a number, or each draw's value of a parameter, shape (1, 1) or (draws, 1)."""
    return parameters[given][:, None] if isinstance(given, str) else np.full((1, 1), given)


@dataclass(frozen=True)
class RelativeError:
    """An estimate that is off by a factor: lognormal, `sd` in log points or the name of a parameter that says so."""

    sd: float | str

    def draw(self, seen: Floats, shared: Floats, parameters: ByName, chance: Random) -> Floats:
        """Return positive figures; `shared` is in log points."""
        error = value_of(self.sd, parameters) * chance.standard_normal(seen.shape)
        return np.asarray(np.maximum(seen, SMALL) * np.exp(shared[:, None] + error))

    def scaled(self, figures: Floats) -> Floats:
        """Return logarithms."""
        return np.asarray(np.log(figures))


@dataclass(frozen=True)
class AbsoluteError:
    """An estimate that is off by so much: normal, `sd` in the unit of what is seen."""

    sd: float | str

    def draw(self, seen: Floats, shared: Floats, parameters: ByName, chance: Random) -> Floats:
        """Return figures of either sign; `shared` is in the unit of what is seen."""
        error = value_of(self.sd, parameters) * chance.standard_normal(seen.shape)
        return np.asarray(seen + shared[:, None] + error)

    def scaled(self, figures: Floats) -> Floats:
        """Return the figures themselves."""
        return figures


@dataclass(frozen=True)
class Tally:
    """A count: Poisson, or negative binomial with a `concentration` (a number or a parameter) where it is ragged."""

    concentration: float | str | None = None

    def draw(self, seen: Floats, shared: Floats, parameters: ByName, chance: Random) -> Floats:
        """Return whole numbers; `shared` is in log points."""
        mean = np.maximum(seen, 0.0) * np.exp(shared[:, None])
        if self.concentration is not None:
            shape = np.broadcast_to(value_of(self.concentration, parameters), mean.shape)
            mean = mean * chance.gamma(shape) / shape
        return np.asarray(chance.poisson(np.minimum(mean, LARGEST)), dtype=float)

    def scaled(self, figures: Floats) -> Floats:
        """Return square roots, on which counts spread evenly (Anscombe, 1948)."""
        return np.asarray(np.sqrt(figures + 0.375))


@dataclass(frozen=True)
class Survey:
    """A share of `people` who are asked: binomial.

    `odds` turns an index into the share who answer yes: its log odds grow by so much per index point. Without
    it, what is seen is a share already.
    """

    people: int
    odds: float | None = None

    def draw(self, seen: Floats, shared: Floats, parameters: ByName, chance: Random) -> Floats:
        """Return shares of those asked; `shared` is in log odds."""
        level = logit(np.clip(seen, 1e-9, 1 - 1e-9)) if self.odds is None else self.odds * seen
        return np.asarray(chance.binomial(self.people, expit(level + shared[:, None])) / self.people)

    def scaled(self, figures: Floats) -> Floats:
        """Return log odds, with half an answer on either side so that they stay finite."""
        return np.asarray(np.log((figures * self.people + 0.5) / ((1 - figures) * self.people + 0.5)))


# How a figure comes about: `draw` gives figures for what is seen (draws, figures) and an error that a draw's figures
# share (draws,); `scaled` puts them on the scale on which equal steps mean about the same.
Law = RelativeError | AbsoluteError | Tally | Survey
LAWS: Mapping[str, Callable[..., Law]] = {
    "lognormal": RelativeError,
    "normal": AbsoluteError,
    "poisson": Tally,
    "negative_binomial": Tally,
    "survey": Survey,
}


def _size(value: Any, info: ValidationInfo, at: str = "") -> float | str:
    """Return a number above zero, or the name of a parameter that holds one."""
    known = (info.context or {}).get("parameter", ())
    if isinstance(value, str) and value not in known:
        raise fault(f"no parameter {value!r}", did_you_mean(value, known), at)
    if isinstance(value, str):
        return value
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
        raise fault(f"{value!r} is not a number", "Give a finite number.", at)
    if value <= 0:
        raise fault(f"{value:g} is not above zero", "Give another, or a parameter's name.", at)
    return float(value)


def _law(entry: Any, info: ValidationInfo) -> Law:
    """Return how a figure comes about: "poisson", or a table of one of the others with its error."""
    table = entry if isinstance(entry, dict) else {}
    name = next(iter(table), entry)
    if str(name) not in LAWS:
        raise fault(f"no law {name!r}", did_you_mean(str(name), LAWS))
    for key in table:
        if key not in ((name, "odds") if name == "survey" else (name,)):
            raise fault("unknown key", did_you_mean(key, (name,)), key)
    if name == "poisson":
        return Tally()
    if name not in table:
        raise fault(f"{name} needs its error", f"Write law = {{ {name} = 0.3 }}.")
    if name != "survey":
        return LAWS[name](_size(table[name], info, name))
    people, odds = table["survey"], table.get("odds")
    if odds == 0:
        raise fault("is zero, so answers follow nothing", "Give log odds a point.", "odds")
    if not isinstance(people, int) or people is True or not 1 <= people <= MOST:
        fix = f"Give a whole number from 1 to {MOST}."
        raise fault(f"{people!r} is outside its range", fix, "survey")
    if odds is not None and (not isinstance(odds, int | float) or odds is True):
        raise fault(f"{odds!r} is not a number", "Give a finite number.", "odds")
    return Survey(people, odds)


class Measure(Declared):
    """A series that could be gathered: a figure every so many months, for so many months.

    `sees` and `per` are outputs of the run: figures see the first, as a share of the second if that is given.
    `times` is the share of it that is seen, `shared_error` the standard deviation of an error that all figures
    share, in the law's scale. It is gathered `under` a scenario, the baseline if left out, or about the `past`.
    """

    own_label = True

    id: Id
    label: Text
    action: Text
    effort: Text
    sees: str
    per: str = ""
    every: int
    months: int
    law: Annotated[Any, BeforeValidator(_law)]
    times: Annotated[Any, BeforeValidator(_size)] = 1.0
    shared_error: Number = 0.0
    under: Annotated[str, ref("scenario")] = ""
    past: bool = False

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        known = info.context or {}
        if self.past and self.under:
            raise fault("the past ran under no scenario", "Drop `under` or `past`.", "under")
        outputs = known.get("past output" if self.past else "output", ())
        for key in ("sees", *(("per",) if self.per else ())):
            if (name := getattr(self, key)) not in outputs:
                raise fault(f"the run tells nothing of the name {name!r}", did_you_mean(name, outputs), key)
        asks = isinstance(self.law, Survey) and self.law.odds is None
        if asks and not self.per and not _is_share(known["model"], self.sees):
            fix = "Say by `odds` how answers follow it, or by `per` what it is a share of."
            raise fault(f"{self.sees!r} is no share of people", fix, "law")
        most = len(known.get("month", ())) if self.past else known.get("horizon")
        for key, low in (("every", 1), ("months", self.every)):
            if not low <= (value := getattr(self, key)) <= (most or value):
                fix = f"Give a whole number from {low} to {most}."
                raise fault(f"{value} is outside its range", fix, key)
        if self.shared_error < 0:
            raise fault("is below zero", "Give a standard deviation.", "shared_error")
        return self

    def adds(self, model: Model) -> bool:
        """Say whether a figure adds up its months: people moved, events, what is summed already; else it is their mean."""
        kind, _, name = self.sees.rpartition(".")
        sums = {f"outcome.{item.name}" for item in model.outcomes if item.summary == "sum"}
        sums |= {f"sees.{item.series}" for item in model.observations if item.aggregate == "sum"}
        added = kind == "moved" or self.sees in sums or name in model.counts
        return not self.per and (added or isinstance(self.law, Tally))


def _is_share(model: Model, output: str) -> bool:
    shares = {item.name for item in model.indices if item.scale == "logit"}
    return output in shares | {item.name for item in model.quantities if item.unit == "share"}


class Claim(Declared):
    """A claim that figures are to settle: the test that stands for it, the claim in words, the expected sign."""

    entry = "claim {id}"
    own_label = True

    id: Id
    test: Annotated[str, ref("test", "no claim has a test")]
    label: Text
    sign: Sign = 1


class Decision(Declared):
    """A choice between scenarios, judged by one outcome."""

    entry = "decision {id}"
    own_label = True

    id: Id
    label: Text
    options: Many[Annotated[str, ref("scenario")]]
    outcome: Annotated[str, ref("outcome")]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if len(self.options) < 2 or len(set(self.options)) < len(self.options):
            raise fault("needs at least two different scenarios", "Name them.", "options")
        return self


Target = Claim | Decision


class Collection(Declared):
    """worth.toml: what could be collected, and the claims and decisions that it is to serve."""

    measures: Entries[Measure] = Field((), alias="measure")
    claims: Entries[Claim] = Field((), alias="claim")
    decisions: Entries[Decision] = Field((), alias="decision")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        unique(self.measures, [TOGETHER])
        unique(self.decisions, [each.id for each in self.claims], "decision")
        if not self.measures:
            raise fault("names nothing to collect", "Write at least one [[measure]].")
        if not self.claims and not self.decisions:
            raise fault("serves nothing", "Write a [[claim]] or a [[decision]].")
        return self

    @property
    def targets(self) -> list[Target]:
        """What figures are to serve."""
        return [*self.claims, *self.decisions]

    @property
    def together(self) -> list[str]:
        """The measures that can be gathered side by side, as things stand."""
        return [each.id for each in self.measures if not each.under]


def declare(study: Study) -> Collection | None:
    """Return what could be collected for a study, None if it doesn't ask.

    Raises InputError at the first fault; names of claim tests are held against the study's, where those are known.
    """
    tests = getattr(study.declared.get("claims"), "measured", None)
    names = study.names if tests is None else {**study.names, "test": [each.id for each in tests]}
    return read(study.folder / FILE, Collection, names)
