"""What the report is made from: plain results, without a trace of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from outbid.report.claims.content import ClaimsContent
from outbid.report.comparison.content import ComparisonContent
from outbid.report.play.content import Play
from outbid.report.replay.content import ReplayContent
from outbid.report.worth.content import WorthContent

PRIORS = ("neutral", "sources")


@dataclass(frozen=True)
class Outcome:
    """A quantity that scenarios are judged by; `better` is "higher" or "lower"."""

    id: str
    label: str
    unit: str
    better: str
    summary: str
    meaning: str


@dataclass(frozen=True)
class Scenario:
    """A declared course of action; exactly one of a report's scenarios is the baseline."""

    id: str
    label: str
    description: str
    baseline: bool


@dataclass(frozen=True)
class Effect:
    """One scenario's result on one outcome: its level, and its difference from the baseline.

    Intervals are 90% (5th to 95th percentile). The baseline's own rows have a difference of zero.
    `regret` is the mean shortfall, in the outcome's unit, against the best scenario of the same draw.
    `q25` and `q75` bound the middle half of the difference, and `prior_probability_better` is the
    probability of being better before the data; each is None where it was not computed.
    """

    scenario: str
    outcome: str
    prior: str
    level_median: float
    level_q05: float
    level_q95: float
    median: float
    q05: float
    q95: float
    probability_better: float
    regret: float
    q25: float | None = None
    q75: float | None = None
    prior_probability_better: float | None = None


@dataclass(frozen=True)
class Fan:
    """Monthly path of one outcome in one scenario under one prior set."""

    scenario: str
    outcome: str
    prior: str
    months: tuple[str, ...]
    median: tuple[float, ...]
    q05: tuple[float, ...]
    q25: tuple[float, ...]
    q75: tuple[float, ...]
    q95: tuple[float, ...]


@dataclass(frozen=True)
class Record:
    """One published figure; dates are YYYY-MM-DD, both included. Either `value`, or `low` and/or `high`."""

    start: str
    end: str
    value: float | None
    low: float | None
    high: float | None
    used: bool
    why_not: str
    source: str
    note: str
    predicted_median: float | None = None
    predicted_q05: float | None = None
    predicted_q95: float | None = None


@dataclass(frozen=True)
class SeriesFit:
    """A series of figures, and the model's monthly band for what it sees (neutral prior).

    `share_inside` is the share of used figures inside the 90% predictive interval, `tail` the posterior
    predictive probability that replicated totals exceed the observed; both None for display-only series.
    """

    id: str
    label: str
    unit: str
    distribution: str
    records: tuple[Record, ...]
    months: tuple[str, ...] = ()
    median: tuple[float, ...] = ()
    q05: tuple[float, ...] = ()
    q95: tuple[float, ...] = ()
    share_inside: float | None = None
    tail: float | None = None


@dataclass(frozen=True)
class Band:
    """Inferred monthly path of one quantity in the window of the data (median, 90% interval)."""

    id: str
    label: str
    unit: str
    prior: str
    months: tuple[str, ...]
    median: tuple[float, ...]
    q05: tuple[float, ...]
    q95: tuple[float, ...]


@dataclass(frozen=True)
class Mark:
    """A dated event on the time axis; `kind` is "attack", "edict", "engagement" or "operation"."""

    date: str
    kind: str
    label: str
    source: str
    claims: tuple[str, ...] = ()
    direction: str = ""


@dataclass(frozen=True)
class Node:
    """A box of the diagram; `kind` is "stock", "index", "lever" or "count"; `side` is "incumbent",
    "challenger", "outside" or "people"."""

    id: str
    label: str
    kind: str
    side: str
    meaning: str


@dataclass(frozen=True)
class Edge:
    """An arrow of the diagram, derived from the mechanisms by differentiation.

    `effect` is the median response of the target (log hazard, log count or index) to one typical change of
    the source, under the neutral posterior; `probability_positive` holds P(effect > 0) by prior set, and
    `prior_probability_positive` the same before the data. `sign_sources` is the sign that the sources'
    priors give. `size` is the median response regardless of its sign: where the sign is open, `effect` is
    near zero and says little of how much may be at stake.
    """

    source: str
    target: str
    mechanism: str
    effect: float
    sign_sources: int
    probability_positive: Mapping[str, float]
    prior_probability_positive: Mapping[str, float]
    sentence: str
    formula: str
    evidence: tuple[str, ...]
    size: float | None = None


@dataclass(frozen=True)
class ClaimRow:
    """A claim of the sources in our words; `homes` are mechanisms or series, or `left_out` says why none."""

    id: str
    kind: str
    statement: str
    source: str
    locator: str
    homes: tuple[str, ...]
    left_out: str


@dataclass(frozen=True)
class SourceRow:
    """A document or data set; `role` is "claims" or "figures"."""

    id: str
    title: str
    outlet: str
    author: str
    date: str
    url: str
    licence: str
    role: str


@dataclass(frozen=True)
class ParameterRow:
    """A parameter before and after the data. Mappings are keyed by prior set.

    `contraction` is 1 - (posterior sd / prior sd)², on the scale on which the prior is normal:
    0 = the data say nothing, 1 = they say everything.
    """

    name: str
    unit: str
    meaning: str
    prior: Mapping[str, str]
    median: Mapping[str, float]
    q05: Mapping[str, float]
    q95: Mapping[str, float]
    contraction: Mapping[str, float]
    rhat: Mapping[str, float]
    ess_bulk: Mapping[str, float]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class FitSummary:
    """Diagnostics of one fit. `problems` is empty if it passed; `how` is "sampled", "reweighted" or
    "approximated".

    `draws` are those of one chain.
    """

    prior: str
    how: str
    pareto_k: float | None
    chains: int
    draws: int
    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    bfmi_min: float
    seconds: float
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Provenance:
    """What is needed to get the same numbers again; `fingerprint` tells whether they would be the same."""

    version: str
    seed: int
    command: str
    quick: bool
    created: str
    python: str
    platform: str
    packages: Mapping[str, str]
    first_month: str
    last_month: str
    n_months: int
    timing: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""


@dataclass(frozen=True)
class ReportContent:
    """Everything that the report shows. `roles` names the scenarios and outcomes that the answer speaks of:
    keys "moderation", "moderation_with_aid", "hardening", "broad_repression", "targeted_repression" (scenario
    ids) and "members_lost", "resources", "aid", "attacks", "challengers", "cohesion" (outcome ids). `boxes` are
    the node ids that the diagram draws, all of them if empty; its table always has every arrow."""

    study: str
    title: str
    question: str
    incumbent: str
    challenger: str
    roles: Mapping[str, str]
    horizon_months: int
    outcomes: tuple[Outcome, ...]
    scenarios: tuple[Scenario, ...]
    effects: tuple[Effect, ...]
    fans: tuple[Fan, ...]
    series: tuple[SeriesFit, ...]
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    claims: tuple[ClaimRow, ...]
    sources: tuple[SourceRow, ...]
    parameters: tuple[ParameterRow, ...]
    fits: tuple[FitSummary, ...]
    provenance: Provenance
    boxes: tuple[str, ...] = ()
    play: Play = field(default_factory=Play)
    claims_audit: ClaimsContent = field(default_factory=ClaimsContent)
    comparison: ComparisonContent = field(default_factory=ComparisonContent)
    replay: ReplayContent = field(default_factory=ReplayContent)
    worth: WorthContent = field(default_factory=WorthContent)
