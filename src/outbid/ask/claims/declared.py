"""How a claim is tested: an intervention, a forecast, a question to the equilibria, or the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from outbid.ask.claims.series import SeriesCheck
from outbid.simulate.scenario import Change

SUMMARIES = ("sum", "mean", "end", "mean_last_year")


@dataclass(frozen=True)
class Shift:
    """Another value of a stock or an index today: more by `by` in its own unit, or `times` as much."""

    state: str
    by: float = 0.0
    times: float = 1.0


@dataclass(frozen=True)
class Move:
    """People counted to another stock today: a share of those in `source` are in `target` instead."""

    source: str
    target: str
    share: float


@dataclass(frozen=True)
class Measure:
    """What is looked at: outputs of the run, added up, perhaps per head of another output.

    Parameters
    ----------
    outputs, per
        Names of outputs (`outcome.defections`, `moved.recruitment`, `standing`); `per` may be empty.
    label, unit
        In words.
    summary
        One of SUMMARIES, over the first `months` months.
    months
        How far ahead, from 1.
    """

    outputs: tuple[str, ...]
    per: str
    label: str
    unit: str
    summary: str
    months: int


@dataclass(frozen=True)
class Intervention:
    """A world with something different against the same world without it.

    `changes`, `shifts` and `moves` are what is different; `setting` are changes of levers on both sides.
    """

    id: str
    claims: tuple[str, ...]
    question: str
    answer_if: str
    measure: Measure
    sign: int
    smallest: float
    changes: tuple[Change, ...] = ()
    shifts: tuple[Shift, ...] = ()
    moves: tuple[Move, ...] = ()
    setting: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """A measure over the months ahead, with every lever as today, less a figure or less the months before.

    `than` is the figure; None stands for the same measure over as many months before today.
    """

    id: str
    claims: tuple[str, ...]
    question: str
    answer_if: str
    measure: Measure
    sign: int
    smallest: float
    than: float | None = None


@dataclass(frozen=True)
class PlayQuestion:
    """A question that the players' equilibria answer: the test of that id among those of the study's game."""

    id: str
    claims: tuple[str, ...]
    play: str


@dataclass(frozen=True)
class ClaimTests:
    """Everything that a study declares about how its claims are tested.

    `untested` says by claim, in a sentence, why there is no test; `central` are the claims to tell of first.
    """

    interventions: tuple[Intervention, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    plays: tuple[PlayQuestion, ...] = ()
    records: tuple[SeriesCheck, ...] = ()
    untested: Mapping[str, str] = field(default_factory=dict)
    central: tuple[str, ...] = ()

    def of(self, claim: str) -> tuple[str, ...]:
        """Return the ids of the tests that stand for a claim, in the order of the file's kinds."""
        pairs = [
            *((each.id, each.claims) for each in self.interventions),
            *((each.id, each.claims) for each in self.forecasts),
            *((each.id, each.claims) for each in self.plays),
            *((each.id, each.claims) for each in self.records),
        ]
        return tuple(name for name, claims in pairs if claim in claims)
