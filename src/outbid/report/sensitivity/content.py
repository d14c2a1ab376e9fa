"""What matters most, and when something holds: plain results, without a trace of how they were computed."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.report.claims.content import BoxLimit

# From what the inputs of a design were taken: the posterior under either prior set, or the widest that was held possible.
FREE = "prior-free"


@dataclass(frozen=True)
class SensitivityInput:
    """Something uncertain that the future reads: a parameter, a stock, index or lever of today, or chance."""

    key: str
    kind: str
    name: str
    meaning: str
    unit: str


@dataclass(frozen=True)
class SensitivityRow:
    """How much one input matters for one outcome, as shares of the outcome's variance.

    Parameters
    ----------
    input
        Its key.
    first, total
        Alone, and with all that it does together with others (Sobol's first-order and total indices); `*_half`
        is half the width of the 90% interval.
    drawn
        Alone, on the posterior's draws as they are, where inputs hang together; None where that has no meaning.
    tied_to, tied
        The input that it hangs together with most, and their rank correlation.
    """

    input: str
    first: float
    first_half: float
    total: float
    total_half: float
    drawn: float | None = None
    tied_to: str = ""
    tied: float | None = None


@dataclass(frozen=True)
class SensitivityPanel:
    """One outcome explained, the inputs that matter most first.

    Parameters
    ----------
    version
        "neutral" or "sources" (each input by its posterior marginal), or "prior-free".
    difference
        Whether it is a difference between two courses.
    scale
        "value", or "place": the outcome's place among all draws.
    median, q05, q95
        Over the design; `drawn_*` over the posterior's draws as they are.
    """

    id: str
    label: str
    outcome: str
    unit: str
    difference: bool
    scale: str
    version: str
    base_samples: int
    runs: int
    median: float
    q05: float
    q95: float
    drawn_median: float | None = None
    drawn_q05: float | None = None
    drawn_q95: float | None = None
    rows: tuple[SensitivityRow, ...] = ()


@dataclass(frozen=True)
class DiscoveryBox:
    """Limits inside which the answer is mostly yes; shares from 0 to 1.

    `coverage`: of all draws with a yes, those in the box. `density`: of the box's draws, those with a yes;
    `elsewhere`: the same outside. `checked_*`: density and elsewhere on draws that the search hadn't seen.
    """

    limits: tuple[BoxLimit, ...]
    coverage: float
    density: float
    share: float
    elsewhere: float
    checked_density: float | None = None
    checked_elsewhere: float | None = None


@dataclass(frozen=True)
class Discovery:
    """A question "when ...?" under one prior set; `alone` is how often each condition holds by itself."""

    id: str
    question: str
    answer: str
    scenario: str
    against: str
    prior: str
    conditions: tuple[str, ...]
    alone: tuple[float, ...]
    share: float
    draws: int
    box: DiscoveryBox | None = None


@dataclass(frozen=True)
class SensitivityContent:
    """What matters most, and when; empty where a study asks neither."""

    inputs: tuple[SensitivityInput, ...] = ()
    panels: tuple[SensitivityPanel, ...] = ()
    discoveries: tuple[Discovery, ...] = ()
