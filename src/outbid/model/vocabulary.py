"""The words in which a contest is written down; the only module that a study's theory imports.

Stocks and flows are those of system dynamics, players and payoffs those of game theory, priors those of Bayes. A
mechanism is a pure function of (s, u, p): `s` the month's opening states, derived quantities and expected counts, `u`
the levers (`u.previous` those of the month before), `p` the parameters. What it returns (`Flow`, `Drift`, `Count`) says
what it does; `compile.py` alone knows how that is done. A decorator puts a function next to where it stands and what
its docstring says, so that diagram, report and complaints speak in the study's words.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid, softplus
from jax.numpy import exp, log, log1p
from jax.scipy.special import logit

from outbid.model.priors import Parameter, Prior

__all__ = ["Actor", "Anchor", "Count", "Derived", "Drift", "Flow", "Index", "Lever", "LeverHistory"]
__all__ += ["LogNormal", "Mechanism", "NegativeBinomial", "Observation", "Outcome", "Parameter", "Poisson"]
__all__ += ["Prior", "Stock", "autoregressive", "cumulative_sum", "exp", "lever_history", "log", "log1p"]
__all__ += ["logit", "mechanism", "observation", "outcome", "quantity", "share", "sigmoid", "softplus"]

Scalar = Any  # a JAX tracer, a JAX array of shape () or a float: mechanisms don't care which
Function = Callable[..., Any]


def _stayed_behind(*_: Any, **__: Any) -> Any:
    raise TypeError("a theory's functions aren't sent with results: load the study again to use its model")


class _Sent:
    """Goes to another process, and into a copy, without its functions: these are parts of a study's modules."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: _stayed_behind if callable(each) else each for name, each in vars(self).items()}

    def __deepcopy__(self, memo: Any) -> Self:
        return self


@dataclass(frozen=True)
class _Written(_Sent):
    """A function of the theory: its name, what its docstring says on one line, and where it stands."""

    name: str
    function: Function
    meaning: str
    where: str


W = TypeVar("W", bound=_Written)


@dataclass(frozen=True)
class Mechanism(_Written):
    """A declared mechanism: who does what to whom, on what evidence, or why it is there without any."""

    evidence: tuple[str, ...]
    nuisance: str


@dataclass(frozen=True)
class Derived(_Written):
    """A quantity computed from the month's states and levers, read by mechanisms like a state."""

    unit: str


Reading = Literal["more", "less", "unknown"]
_READINGS: tuple[Reading, ...] = ("more", "less", "unknown")


def mid_sentence(label: str) -> str:
    """Return a label as it stands inside a sentence: its first letter small, unless an abbreviation opens it."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


@dataclass(frozen=True)
class Outcome(_Written):
    """A quantity by which scenarios are judged.

    * `summary`: "sum", "mean", "mean_last_year" or "end": how a path becomes one number.
    * `rank`: its place in the answer, from 1; None for what the answer does not speak of.
    * `more`, `less`, `unknown`: clauses on a course ahead, in which `{course}` stands for it: what it does to the
      outcome, and the open question ("whether {course} sends members to the rival").
    * `had`: the same three of the past, after "Had it been so".
    * `briefly`: more and less of it in a few words ("more members lost", "fewer members lost").
    """

    label: str
    unit: str
    better: str
    summary: str
    rank: int | None = None
    more: str = ""
    less: str = ""
    unknown: str = ""
    had: tuple[str, str, str] = ("", "", "")
    briefly: tuple[str, str] = ("", "")

    def clause(self, reading: Reading, course: str = "this course") -> str:
        """Return what a course ahead does to the outcome, or the open question, as a clause."""
        made = f"{{course}} makes for {self.brief('more' if reading == 'unknown' else reading)}"
        declared = {"more": self.more, "less": self.less, "unknown": self.unknown}[reading]
        clause = declared or (f"whether {made} or less" if reading == "unknown" else made)
        return clause.replace("{course}", course)

    def had_clause(self, reading: Reading) -> str:
        """Return what would have become of the outcome in another past, or the open question, as a clause."""
        how, whether = ("more or less", "whether ") if reading == "unknown" else (reading, "")
        made = f"{whether}there would have been {how} of this: {mid_sentence(self.label)}"
        return self.had[_READINGS.index(reading)] or made

    def brief(self, reading: Literal["more", "less"]) -> str:
        """Return more or less of the outcome in a few words."""
        return self.briefly[_READINGS.index(reading)] or f"{reading} of this: {mid_sentence(self.label)}"


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
class Observation(_Written):
    """Ties a series to what the model says it sees, a month at a time, with a named distribution.

    `aggregate` says how months make up a figure's period: "sum" (counts, deaths) or "mean" (levels).
    """

    distribution: Poisson | NegativeBinomial | LogNormal
    aggregate: str

    @property
    def series(self) -> str:
        """The series, after which the function is named."""
        return self.name

    @property
    def spread(self) -> str | float:
        """The law's spread: a parameter's name, or a number (one, where the law has none)."""
        law = self.distribution
        if isinstance(law, Poisson):
            return 1.0
        return law.sigma if isinstance(law, LogNormal) else law.concentration


@dataclass(frozen=True)
class LeverHistory(_Written):
    """Levers whose past is seen only through noisy figures: a function of (innovations, parameters) to paths.

    `noise` names the parameter that scales the innovations.
    """

    levers: tuple[str, ...]
    noise: str
    evidence: tuple[str, ...]


def place_of(function: Function) -> str:
    """Return where a function stands, for complaints: file, line and name."""
    code = function.__code__
    return f"{Path(code.co_filename).name}, line {code.co_firstlineno}, {function.__name__}"


def _declaring(kind: Callable[..., W], *fields: object) -> Callable[[Function], W]:
    """Return what makes a function of the theory, with these fields, a declaration of some kind."""

    def declare(function: Function) -> W:
        meaning = " ".join(inspect.cleandoc(function.__doc__ or "").split())
        return kind(function.__name__, function, meaning, place_of(function), *fields)

    return declare


def mechanism(*, evidence: Sequence[str] = (), nuisance: str = "") -> Callable[[Function], Mechanism]:
    """Declare a mechanism and the claims it rests on.

    * `evidence`: IDs of the ledger's claims.
    * `nuisance`: instead of evidence, one sentence that says why the model needs a mechanism that no claim asks for.
    """
    return _declaring(Mechanism, tuple(evidence), nuisance)


def quantity(*, unit: str) -> Callable[[Function], Derived]:
    """Declare a derived quantity, which mechanisms read as `s.<name>`."""
    return _declaring(Derived, unit)


def outcome(
    *,
    label: str,
    unit: str,
    better: str,
    summary: str,
    rank: int | None = None,
    more: str = "",
    less: str = "",
    unknown: str = "",
    had: tuple[str, str, str] = ("", "", ""),
    briefly: tuple[str, str] = ("", ""),
) -> Callable[[Function], Outcome]:
    """Declare an outcome (see `Outcome`): a function of (s, u, p, m), `m` the persons moved by mechanism."""
    return _declaring(Outcome, label, unit, better, summary, rank, more, less, unknown, had, briefly)


def observation(
    distribution: Poisson | NegativeBinomial | LogNormal, *, aggregate: str = "sum"
) -> Callable[[Function], Observation]:
    """Declare what a series sees: a function of (s, u, p, m) named after the series."""
    return _declaring(Observation, distribution, aggregate)


def lever_history(*levers: str, noise: str, evidence: Sequence[str]) -> Callable[[Function], LeverHistory]:
    """Declare how the past of some levers follows from innovations: (innovations, p) -> {lever: path}."""
    return _declaring(LeverHistory, levers, noise, tuple(evidence))


@dataclass(frozen=True)
class Anchor:
    """What gives a latent index its sign and its scale.

    Flip a latent index and every coefficient on it, and nothing observable moves; so one relation is fixed.

    * `through`: the relation: "hazard:defection", "count:attacks_home", "drift:aid" or "observation:fighters". The
      response is taken in logs, except a drift's.
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
    * `low`, `high`: the range that the index can't leave, in its own unit; left out, it is -6 to 6 (identity), a
      millionth to a million (log), or within a millionth of 0 and 1 (logit).
    * `noise_months`: how many months share one innovation (1 = a new one each month), where the drift has noise.
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
class Actor(_Sent):
    """A player: the levers it holds with their discrete levels, and its payoff, a function of (s, u, m, w).

    `s`, `u` and `m` are what outcomes see, `w` is the mapping `weights`, read as `w["cohesion"]`.
    """

    name: str
    meaning: str
    levers: Mapping[str, tuple[float, ...]]
    payoff: Function
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
    first = innovations[0] / jnp.sqrt(1.0 - persistence**2)

    def month(before: Array, innovation: Array) -> tuple[Array, Array]:
        now = persistence * before + innovation
        return now, now

    _, later = jax.lax.scan(month, first, innovations[1:])
    return jnp.asarray(scale * jnp.concatenate([first[None], later]))


def cumulative_sum(values: Array) -> Array:
    """Return the running total before each month, shape (months,), first value zero."""
    return jnp.concatenate([jnp.zeros(1), jnp.cumsum(values)[:-1]])
