"""What the report of a replication is made from: plain results, without a trace of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from outbid.report.content import ClaimRow, Provenance, SourceRow


@dataclass(frozen=True)
class CellRow:
    """A published figure beside ours.

    `printed` is the published figure as it was published, `rule` says in words how close ours must come. `ours`
    is None where there is none, `ok` where nothing is judged. `low` and `high` bound our 95% interval, where
    that is what the published figure is held against.
    """

    table: str
    row: str
    column: str
    published: float
    printed: str
    ours: float | None
    difference: float | None
    ok: bool | None
    rule: str
    unit: str
    note: str
    source: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PlayerRow:
    """A player: its name, the colour it keeps ("incumbent" or "challenger"), and in how many months it acted."""

    name: str
    side: str
    active_months: int


@dataclass(frozen=True)
class EraRow:
    """What the rival's presence does to a player's action in one period, along the observed path.

    `words` say when that was ("in the Oslo era").

    Probabilities 0 to 1: mean with the rival, mean without it, their difference, the standard deviation of the
    monthly differences over the root of their number (which is not a sampling error), and the observed share.
    `low` and `high` bound the 95% interval from the estimates' errors, None where it was not worked out;
    `low_published` and `high_published` the same from the published form of those errors.
    """

    player: str
    era: str
    words: str
    months: int
    alone: float
    together: float
    difference: float
    spread: float
    observed: float
    low: float | None = None
    high: float | None = None
    low_published: float | None = None
    high_published: float | None = None


@dataclass(frozen=True)
class CostRow:
    """Mean probabilities over the grid under dearer or cheaper actions: by player, then of either acting.

    `errors` are their standard errors from the estimates' own.
    """

    row: str
    values: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class EstimateRow:
    """A payoff's estimate with its standard errors: first step, corrected as published, and with our derivative.

    `low` and `high` bound the 95% interval from the error that the report relies on.
    """

    name: str
    meaning: str
    estimate: float
    first: float
    corrected: float
    ours: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A player's probability of acting: by state with and without the rival, and month by month.

    `by_state` has one value a grid point, `by_month` one a month; `acted` says whether it acted in the month.
    """

    player: str
    together: tuple[float, ...]
    alone: tuple[float, ...]
    together_by_month: tuple[float, ...]
    alone_by_month: tuple[float, ...]
    acted: tuple[bool, ...]


@dataclass(frozen=True)
class MaximumRow:
    """A local maximum of the likelihood: where it lies, how many starts led there, how many equilibria it has."""

    log_likelihood: float
    estimates: tuple[float, ...]
    starts: int
    equilibria: int | None


@dataclass(frozen=True)
class Search:
    """The search from many starts; `seconds` it took. `failed` starts came to rest nowhere."""

    starts: int
    failed: int
    maxima: tuple[MaximumRow, ...]
    equilibria: str
    seconds: float


@dataclass(frozen=True)
class RefitRow:
    """A quantity with the stored state and with the state inferred anew; None where it was not had."""

    group: str
    name: str
    stored: float | None
    refitted: float | None
    error: float | None
    unit: str


@dataclass(frozen=True)
class Refit:
    """The measurement model fitted anew, and what that does to the later steps.

    `stored_gap` is the largest difference between the stored state and the state smoothed at the stored
    parameters; `correlation` is that of the stored and the newly inferred state.
    """

    rows: tuple[RefitRow, ...]
    stored_gap: float | None
    stored_likelihood: float | None
    refitted_likelihood: float
    correlation: float
    maxima: tuple[float, ...]


@dataclass(frozen=True)
class ReplicationContent:
    """Everything that a replication's report shows.

    `simulated` says that the panel was simulated, `data` where it comes from in words. `parameters` are the
    names of the payoffs in the order of every `MaximumRow`. `state_words` are the state's name and whom its low
    and its high end favour. `certificate` tells the equilibrium's evidence in
    words, `notes` what was left out and why, `problems` what went wrong, worst first.
    """

    study: str
    title: str
    question: str
    state_words: tuple[str, ...]
    simulated: bool
    data: str
    players: tuple[PlayerRow, ...]
    months: tuple[str, ...]
    state: tuple[float, ...]
    grid: tuple[float, ...]
    cells: tuple[CellRow, ...]
    estimates: tuple[EstimateRow, ...]
    parameters: tuple[str, ...]
    log_likelihood: float
    eras: tuple[EraRow, ...]
    costs: tuple[CostRow, ...]
    curves: tuple[Curve, ...]
    certificate: str
    search: Search | None
    refit: Refit | None
    claims: tuple[ClaimRow, ...]
    sources: tuple[SourceRow, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    table_titles: Mapping[str, str]
    provenance: Provenance
