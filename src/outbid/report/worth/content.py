"""What to collect next: plain results, without a trace of how they were computed."""

from __future__ import annotations

from dataclasses import dataclass

# The row that stands for everything that can be collected side by side.
TOGETHER = "together"


@dataclass(frozen=True)
class WorthMeasure:
    """A series that could be gathered: a figure every so many months, for so many months.

    `under` is the label of the scenario during which it would be gathered, empty where nothing has to change;
    `past` whether it is about the months behind us.
    """

    id: str
    label: str
    action: str
    effort: str
    every: int
    months: int
    under: str
    past: bool


@dataclass(frozen=True)
class WorthTarget:
    """What figures are to settle: a claim, or a decision between `options` judged by an outcome."""

    id: str
    kind: str
    label: str
    options: tuple[str, ...] = ()
    outcome: str = ""
    unit: str = ""


@dataclass(frozen=True)
class WorthToday:
    """Where a target stands under one prior set before anything is collected.

    For a claim `probability` that it holds, and whether that is `open` (between 5% and 95%). For a decision the
    `best` option as known today, and what knowing everything would add in the outcome's unit, with its interval.
    """

    target: str
    prior: str
    probability: float | None
    open: bool
    best: str = ""
    ceiling: float | None = None
    ceiling_low: float | None = None
    ceiling_high: float | None = None


@dataclass(frozen=True)
class WorthRow:
    """What one series is expected to tell about one target under one prior set; intervals are 90%.

    For a claim `value` is the share of the effect's variance that is resolved, `doubt` the share of the entropy
    of "it holds" that is taken away, `clear` the probability that the answer becomes 95% sure; the last two are
    None where the answer is that sure already. For a decision `value` is the expected value of the sample's
    information in the outcome's unit.
    """

    measure: str
    target: str
    prior: str
    value: float | None
    low: float | None
    high: float | None
    error: float | None
    doubt: float | None = None
    doubt_low: float | None = None
    doubt_high: float | None = None
    clear: float | None = None
    clear_low: float | None = None
    clear_high: float | None = None


@dataclass(frozen=True)
class WorthContent:
    """Everything on what to collect next; empty where a study doesn't ask. `draws` is how many worlds it rests on."""

    measures: tuple[WorthMeasure, ...] = ()
    targets: tuple[WorthTarget, ...] = ()
    today: tuple[WorthToday, ...] = ()
    rows: tuple[WorthRow, ...] = ()
    draws: int = 0
