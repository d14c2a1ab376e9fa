"""What sensitivity.toml declares: outcomes whose spread is explained, and questions of the kind "when ...?"."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from outbid.declared import (
    Declared,
    Entries,
    Id,
    Many,
    Number,
    Outcome,
    Says,
    ScenarioId,
    Text,
    between,
    fault,
    read,
    unique,
)
from outbid.study import Study

FILE = "sensitivity.toml"
# N of the design: fewer tell nothing, more don't fit into memory.
FEWEST, MOST = 8, 2**16


def _power_of_two(samples: int) -> int:
    if samples & (samples - 1):
        raise fault(f"{samples} is no power of two from {FEWEST} to {MOST}", "Give one, such as 256 or 1024.")
    return samples


Samples = Annotated[int, between(FEWEST, MOST), AfterValidator(_power_of_two)]


class Options(Declared):
    """What may be said beside the study's declaration."""

    base_samples: Samples | None = Field(
        None, description="N of the design, a power of two; the study's own if left out."
    )


class Compared(Declared):
    """Two courses with the same chances; the baseline is the one that is left out."""

    left_out: ClassVar[str] = "against"

    id: Id
    scenario: ScenarioId
    against: ScenarioId = ""

    @model_validator(mode="before")
    @classmethod
    def _with_baseline(cls, raw: Any, info: ValidationInfo) -> Any:
        baseline = (info.context or {}).get("baseline")
        return {cls.left_out: baseline, **raw} if isinstance(raw, dict) else raw

    @model_validator(mode="after")
    def _two_courses(self) -> Self:
        if self.against == self.scenario:
            raise fault(f"holds {self.scenario!r} against itself", "Name two courses.", "against")
        return self


class Explain(Compared):
    """An outcome whose spread is shared out among what is uncertain; with `against`, the difference between two courses.

    `scale` is "value", the outcome as it is, or "place", its place among all draws from 0 to 1, so that a few extreme
    ones don't decide; for differences that is the default.
    """

    own_label = True

    left_out = "scenario"

    label: Text
    outcome: Outcome
    scale: Literal["value", "place"] = Field(
        default_factory=lambda own: "place" if own.get("against") else "value"
    )


class Condition(Declared):
    """What an outcome's difference between two courses must be: above or below a number, in the outcome's unit."""

    entry = "{outcome}"

    outcome: Outcome
    words: Text
    above: Number | None = None
    below: Number | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise fault("needs exactly one of `above` and `below`", "Give the number that it must pass.")
        return self


class Discover(Compared):
    """Where do all conditions hold together? `answer` is the clause that a box completes ("moderation pays")."""

    question: Text
    answer: Text
    condition: Annotated[
        Many[Condition], Field(min_length=1), Says("missing", "Write at least one [[discover.condition]].")
    ]


class Sensitivity(Declared):
    """sensitivity.toml: what is to be explained; `base_samples` is N of Saltelli's design, N (inputs + 2) runs."""

    base_samples: Samples
    explain: Entries[Explain] = ()
    discover: Entries[Discover] = ()

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.explain and not self.discover:
            raise fault("asks nothing", "Write at least one [[explain]] or [[discover]].")
        unique(self.discover, [each.id for each in self.explain], "discover")
        return self

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Every outcome that is looked at, once."""
        asked = [each.outcome for each in self.explain]
        asked += [condition.outcome for each in self.discover for condition in each.condition]
        return tuple(dict.fromkeys(asked))

    @property
    def courses(self) -> set[str]:
        """Every course that is played, by id."""
        named = [name for each in (*self.explain, *self.discover) for name in (each.scenario, each.against)]
        return set(named) - {""}


def declare(study: Study) -> Sensitivity | None:
    """Read sensitivity.toml of a study's folder; None if it has none.

    Raises InputError on malformed TOML, unknown keys, outcomes or courses, a course held against itself, a condition
    without a number, an id taken twice, or base samples that are no power of two.
    """
    if not (study.folder / FILE).is_file():
        return None
    return read(study.folder / FILE, Sensitivity, {**study.names, "baseline": study.baseline.id})
