"""The words in which a contest is written down; the only module that a study's theory imports.

Stocks and flows are those of system dynamics, players and payoffs those of game theory, priors those of
Bayes. A mechanism is a pure function of (s, u, p): `s` the month's opening states, derived quantities and
expected counts, `u` the levers (`u.previous` those of the month before), `p` the parameters. What it returns
(`Flow`, `Drift`, `Count`) says what it does; `compile.py` alone knows how that is done.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid, softplus
from jax.numpy import exp, log, log1p
from jax.scipy.special import logit

from outbid.model.priors import Parameter, Prior

__all__ = [
    "Actor",
    "Anchor",
    "Count",
    "Derived",
    "Drift",
    "Flow",
    "Index",
    "Lever",
    "LeverHistory",
    "LogNormal",
    "Mechanism",
    "NegativeBinomial",
    "Observation",
    "Outcome",
    "Parameter",
    "Poisson",
    "Prior",
    "Stock",
    "autoregressive",
    "cumulative_sum",
    "exp",
    "lever_history",
    "log",
    "log1p",
    "logit",
    "mechanism",
    "observation",
    "outcome",
    "quantity",
    "sigmoid",
    "softplus",
]

Scalar = Any  # a JAX tracer, a JAX array of shape () or a float: mechanisms don't care which


@dataclass(frozen=True)
class Anchor:
    """What gives a latent index its sign and its scale.

    Flip a latent index and every coefficient on it, and nothing observable moves; so one relation is fixed.

    Parameters
    ----------
    through
        The relation: "hazard:defection", "count:attacks_home", "drift:aid" or "observation:fighters". The
        response is taken in logs, except a drift's.
    sign
        +1 or -1: the sign of the response to `of`, for any parameters.
    coefficient
        The response itself where it is fixed (for a hazard, count or observation), else None.
    of
        What is varied; the index itself if empty.
    """

    through: str
    sign: int
    coefficient: float | None = None
    of: str = ""


@dataclass(frozen=True)
class Stock:
    """A number of persons, changed by flows only. `initial` is a number or a parameter's name.

    A `sink` (killed, left) has no way out; it closes the books so that people are conserved.
    """

    name: str
    meaning: str
    initial: str | float = 0.0
    side: str = "people"
    sink: bool = False


@dataclass(frozen=True)
class Index:
    """A dimensionless state with its range, its scale and its anchor.

    Parameters
    ----------
    scale
        "identity" (held inside [low, high]), "log" (positive) or "logit" (between 0 and 1): the scale on
        which drifts add up.
    noise_months
        How many months share one innovation (1 = a new one each month), where the drift has noise.
    """

    name: str
    meaning: str
    initial: str | float
    anchor: Anchor | None
    scale: str = "identity"
    low: float = -6.0
    high: float = 6.0
    noise_months: int = 1
    side: str = "people"


@dataclass(frozen=True)
class Lever:
    """A decision or an outside input, one value a month, inside [low, high]."""

    name: str
    meaning: str
    owner: str
    low: float
    high: float
    unit: str = "share"
    step: float = 0.1


@dataclass(frozen=True)
class Flow:
    """People move from `source` to `target` at `hazard` (1/month, not negative)."""

    source: str
    target: str
    hazard: Scalar


@dataclass(frozen=True)
class Drift:
    """An index moves by `change` a month on its own scale, plus an innovation.

    `noise` is the name of the parameter that holds the innovation's standard deviation, or empty for none.
    """

    index: str
    change: Scalar
    noise: str = ""


@dataclass(frozen=True)
class Count:
    """Events of the month: `mean` is their expected number."""

    name: str
    mean: Scalar


@dataclass(frozen=True)
class Mechanism:
    """A declared mechanism: its function, its evidence, and its own words for the diagram and the report."""

    name: str
    function: Callable[..., Any]
    evidence: tuple[str, ...]
    nuisance: str
    meaning: str
    where: str


@dataclass(frozen=True)
class Derived:
    """A quantity computed from the month's states and levers, read by mechanisms like a state."""

    name: str
    function: Callable[..., Any]
    unit: str
    meaning: str
    where: str


@dataclass(frozen=True)
class Outcome:
    """A quantity by which scenarios are judged; `summary` is "sum", "mean_last_year" or "end"."""

    name: str
    function: Callable[..., Any]
    label: str
    unit: str
    better: str
    summary: str
    meaning: str
    where: str


@dataclass(frozen=True)
class Poisson:
    """Counts with the model's mean; `zero_truncated` where a month without a count is missing, not zero."""

    zero_truncated: bool = False


@dataclass(frozen=True)
class NegativeBinomial:
    """Counts with variance mean + mean² / concentration (a parameter's name)."""

    concentration: str
    zero_truncated: bool = False


@dataclass(frozen=True)
class LogNormal:
    """Positive figures with a relative error; `sigma` is a parameter's name or a number."""

    sigma: str | float


@dataclass(frozen=True)
class Observation:
    """Ties a series to what the model says it sees, a month at a time, with a named distribution.

    `aggregate` says how months make up a figure's period: "sum" (counts, deaths) or "mean" (levels).
    """

    series: str
    function: Callable[..., Any]
    distribution: Poisson | NegativeBinomial | LogNormal
    aggregate: str
    meaning: str
    where: str


@dataclass(frozen=True)
class LeverHistory:
    """Levers whose past is seen only through noisy figures: a function of (innovations, parameters) to paths.

    `noise` names the parameter that scales the innovations.
    """

    name: str
    function: Callable[..., Any]
    levers: tuple[str, ...]
    noise: str
    evidence: tuple[str, ...]
    meaning: str
    where: str


@dataclass(frozen=True)
class Actor:
    """A player: the levers it holds with their discrete levels, and its payoff, a function of (s, u, m, w)."""

    name: str
    meaning: str
    levers: Mapping[str, tuple[float, ...]]
    payoff: Callable[..., Any]
    weights: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


def _where(function: Callable[..., Any]) -> str:
    code = function.__code__
    return f"{code.co_filename.rsplit('/', 1)[-1]}, line {code.co_firstlineno}, {function.__name__}"


def _meaning(function: Callable[..., Any]) -> str:
    return " ".join(inspect.cleandoc(function.__doc__ or "").split())


def mechanism(
    *, evidence: list[str] | None = None, nuisance: str = ""
) -> Callable[[Callable[..., Any]], Mechanism]:
    """Declare a mechanism and the claims it rests on.

    Parameters
    ----------
    evidence
        IDs of the ledger's claims.
    nuisance
        Instead of evidence, one sentence that says why the model needs a mechanism that no claim asks for.
    """

    def declare(function: Callable[..., Any]) -> Mechanism:
        return Mechanism(
            function.__name__,
            function,
            tuple(evidence or ()),
            nuisance,
            _meaning(function),
            _where(function),
        )

    return declare


def quantity(*, unit: str) -> Callable[[Callable[..., Any]], Derived]:
    """Declare a derived quantity, which mechanisms read as `s.<name>`."""

    def declare(function: Callable[..., Any]) -> Derived:
        return Derived(function.__name__, function, unit, _meaning(function), _where(function))

    return declare


def outcome(
    *, label: str, unit: str, better: str, summary: str
) -> Callable[[Callable[..., Any]], Outcome]:
    """Declare an outcome: a function of (s, u, p, m), `m` the persons moved in the month by mechanism."""

    def declare(function: Callable[..., Any]) -> Outcome:
        return Outcome(
            function.__name__, function, label, unit, better, summary, _meaning(function), _where(function)
        )

    return declare


def observation(
    distribution: Poisson | NegativeBinomial | LogNormal, *, aggregate: str = "sum"
) -> Callable[[Callable[..., Any]], Observation]:
    """Declare what a series sees: a function of (s, u, p, m) named after the series."""

    def declare(function: Callable[..., Any]) -> Observation:
        return Observation(
            function.__name__, function, distribution, aggregate, _meaning(function), _where(function)
        )

    return declare


def lever_history(
    *levers: str, noise: str, evidence: list[str]
) -> Callable[[Callable[..., Any]], LeverHistory]:
    """Declare how the past of some levers follows from monthly innovations: (innovations, p) -> {lever: path}."""

    def declare(function: Callable[..., Any]) -> LeverHistory:
        return LeverHistory(
            function.__name__, function, levers, noise, tuple(evidence), _meaning(function), _where(function)
        )

    return declare


def autoregressive(innovations: Array, persistence: Scalar, scale: Scalar) -> Array:
    """Return a stationary first-order autoregression with unit-free innovations, shape (months,).

    x[0] has the stationary variance; x[t] = persistence * x[t-1] + scale * innovations[t].
    """
    months = innovations.shape[0]
    lag = jnp.arange(months)[:, None] - jnp.arange(months)[None, :]
    weights = jnp.where(lag >= 0, persistence ** jnp.maximum(lag, 0), 0.0)
    start = jnp.ones(months).at[0].set(1.0 / jnp.sqrt(1.0 - persistence**2))
    result: Array = scale * (weights @ (start * innovations))
    return result


def cumulative_sum(values: Array) -> Array:
    """Return the running total before each month, shape (months,), first value zero."""
    return jnp.concatenate([jnp.zeros(1), jnp.cumsum(values)[:-1]])
