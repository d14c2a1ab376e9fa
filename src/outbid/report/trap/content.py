"""What the report says of where moderation is a trap: plain results, without a trace of how they were computed."""

from __future__ import annotations

from dataclasses import dataclass

# everybody else as today; the other players answer; as today again, in the cells and draws of the answer;
# as today, before the data
FIXED, ANSWERED, UNANSWERED, BEFORE = "fixed", "answered", "unanswered", "before"


@dataclass(frozen=True)
class TrapGain:
    """What may be gained or lost: an outcome under a short label, and the words for gaining and losing it."""

    id: str
    outcome: str
    label: str
    gains: str
    loses: str
    unit: str
    better: str


@dataclass(frozen=True)
class TrapPiece:
    """A piece of the line on which a gain is as likely as not: from one place on the map to another."""

    offer: float
    share: float
    to_offer: float
    to_share: float


@dataclass(frozen=True)
class TrapLayer:
    """One gain on one map under one prior set.

    `behaviour` is "fixed", "answered", "unanswered" or "before". Tables have a row for each share and a column
    for each offer: the probability of a gain, ties counted half, and the difference in the outcome's own unit and
    direction with its 90% interval. `even` is the line of probability one half.
    """

    prior: str
    gain: str
    behaviour: str
    draws: int
    offers: tuple[float, ...]
    shares: tuple[float, ...]
    probability: tuple[tuple[float, ...], ...]
    median: tuple[tuple[float, ...], ...]
    q05: tuple[tuple[float, ...], ...]
    q95: tuple[tuple[float, ...], ...]
    even: tuple[TrapPiece, ...] = ()


@dataclass(frozen=True)
class TrapToday:
    """Where today stands on one of the map's axes ("offer" or "share") under one prior set; quantiles over draws."""

    prior: str
    axis: str
    median: float
    q05: float
    q25: float
    q75: float
    q95: float


@dataclass(frozen=True)
class TrapNow:
    """A gain as things stand today, with no new offer; the difference in the outcome's own unit and direction."""

    prior: str
    gain: str
    probability: float
    prior_probability: float
    median: float
    q05: float
    q95: float


@dataclass(frozen=True)
class TrapChoice:
    """What the player whose course is mapped would choose itself under an offer, in the mean over the months.

    `today` is where its lever stands, in the median; `softer` the probability that it goes below its own today,
    over so many `draws`.
    """

    prior: str
    player: str
    lever: str
    offer: float
    median: float
    q05: float
    q95: float
    today: float
    softer: float
    draws: int


@dataclass(frozen=True)
class TrapContent:
    """Everything about the trap map; empty tuples where a study has none.

    `trap` is the gain (its id) whose loss makes the course a trap; `months` the horizon, `along` what moves with
    the offer as (lever, its value at the low end, at the high end) in words.
    """

    moderating: str = ""
    staying: str = ""
    trap: str = ""
    offer_label: str = ""
    share_label: str = ""
    months: int = 0
    along: tuple[str, ...] = ()
    answering: tuple[str, ...] = ()
    gains: tuple[TrapGain, ...] = ()
    layers: tuple[TrapLayer, ...] = ()
    today: tuple[TrapToday, ...] = ()
    now: tuple[TrapNow, ...] = ()
    choices: tuple[TrapChoice, ...] = ()
