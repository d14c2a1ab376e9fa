"""The words in which a contest is written down; the only module that a study's theory imports.

Stocks and flows are those of system dynamics, players and payoffs those of game theory, priors those of
Bayes. A mechanism is a pure function of (s, u, p): `s` the month's opening states, derived quantities and
expected counts, `u` the levers (`u.previous` those of the month before), `p` the parameters. What it returns
(`Flow`, `Drift`, `Count`) says what it does; `compile.py` alone knows how that is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid, softplus
from jax.numpy import exp, log, log1p
from jax.scipy.special import logit

from outbid.model.decorators import (
    Derived,
    LeverHistory,
    LogNormal,
    Mechanism,
    NegativeBinomial,
    Observation,
    Outcome,
    Poisson,
    lever_history,
    mechanism,
    observation,
    outcome,
    quantity,
)
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
    "share",
    "sigmoid",
    "softplus",
]

Scalar = Any  # a JAX tracer, a JAX array of shape () or a float: mechanisms don't care which


@dataclass(frozen=True)
class Anchor:
    """What gives a latent index its sign and its scale.

    Flip a latent index and every coefficient on it, and nothing observable moves; so one relation is fixed.

    * `through`: the relation: "hazard:defection", "count:attacks_home", "drift:aid" or
      "observation:fighters". The response is taken in logs, except a drift's.
    * `sign`: +1 or -1: the sign of the response to `of`, for any parameters.
    * `coefficient`: the response itself where it is fixed (for a hazard, count or observation), else None.
    * `of`: what is varied; the index itself if empty.
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

    * `scale`: "identity", "log" (positive) or "logit" (between 0 and 1): the scale on which drifts add up.
    * `low`, `high`: the range that the index can't leave, in its own unit; left out, it is -6 to 6
      (identity), a millionth to a million (log), or within a millionth of 0 and 1 (logit).
    * `noise_months`: how many months share one innovation (1 = a new one each month), where the drift has
      noise.
    """

    name: str
    meaning: str
    initial: str | float
    anchor: Anchor | None
    scale: str = "identity"
    low: float | None = None
    high: float | None = None
    noise_months: int = 1
    side: str = "people"

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value that the index can take."""
        low, high = {"identity": (-6.0, 6.0), "log": (1e-6, 1e6), "logit": (1e-6, 1 - 1e-6)}[self.scale]
        return (low if self.low is None else self.low, high if self.high is None else self.high)


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
class Actor:
    """A player: the levers it holds with their discrete levels, and its payoff, a function of (s, u, m, w).

    `s`, `u` and `m` are what outcomes see, `w` is the mapping `weights`, read as `w["cohesion"]`.
    """

    name: str
    meaning: str
    levers: Mapping[str, tuple[float, ...]]
    payoff: Callable[..., Any]
    weights: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


def share(part: Scalar, whole: Scalar) -> Array:
    """Return part / whole, and zero where the whole is zero: nobody is no part of nobody."""
    empty = jnp.equal(whole, 0.0)
    return jnp.where(empty, 0.0, part / jnp.where(empty, 1.0, whole))


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
