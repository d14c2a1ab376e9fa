"""How likely the figures are, given a path: mixed frequencies, ranges, counts; what is missing says nothing.

Every used record becomes one row: a weight per month that adds up (or averages) what its series sees, and a
law from the series' declaration. Rows of one family are evaluated together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammainc, gammaln, log_ndtr

from outbid.data.panel import Panel, monthly_mean_weights, weights
from outbid.errors import InputError, check_name, did_you_mean
from outbid.model.compile import build_run, layout, unpack
from outbid.model.declare import Model
from outbid.model.priors import Numbers, PriorTable
from outbid.model.vocabulary import LogNormal, NegativeBinomial, Observation

# A source's own range is read as its 90% interval: 3.29 standard deviations wide.
RANGE_WIDTH = 3.29
# The log density where a likelihood is no number: a step too far, which the sampler must see as impossible.
IMPOSSIBLE = -1e10
# Counts expected below this are as good as none; it keeps logarithms finite.
SMALLEST_MEAN = 1e-9
# Beyond this a negative binomial is a Poisson to all digits that count, and its gamma functions lose them.
LARGEST_CONCENTRATION = 1e8


class Values(NamedTuple):
    """What was published, apart from when: a compiled function takes it as data, so that it can be replaced.

    A row of which all three are NaN says nothing.
    """

    value: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class Figures:
    """All used records of a panel made ready for a model, one row each, in the order of the model's observations.

    `series`: index of the observation, shape (rows,); `weights`: months that add up or average to the figure, shape
    (rows, months); `values`: each of value, low and high of shape (rows,), NaN where not given; `names`: the series.
    """

    series: np.ndarray
    weights: np.ndarray
    values: Values
    names: tuple[str, ...]

    @property
    def months(self) -> int:
        """Months of the window."""
        return int(self.weights.shape[1])

    def of(self, series: str) -> np.ndarray:
        """Return the row numbers of one series."""
        return np.flatnonzero(self.series == self.names.index(series))


class Target(NamedTuple):
    """What a compiled log posterior takes beside the vector: the prior set, the figures, known levers."""

    table: PriorTable
    values: Values
    levers: Numbers


def gather(model: Model, panel: Panel) -> Figures:
    """Return a panel's used records as rows for the model's observations.

    Raises InputError where an observation has no series, a used series no observation, or a record doesn't
    suit its law.
    """
    names = tuple(item.series for item in model.observations)
    for name in names:
        check_name(name, panel.series, f"observation {name!r}", "no series of that name")
    for name, series in panel.series.items():
        if name not in names and series.used:
            problem = "its figures are marked as used, but no observation sees it"
            raise InputError(f"series {name!r}", problem, did_you_mean(name, names))
    parts: list[tuple[int, np.ndarray, float, float, float]] = []
    for number, item in enumerate(model.observations):
        weigh = weights if item.aggregate == "sum" else monthly_mean_weights
        for record in panel.series[item.series].used:
            given = (record.value, record.low, record.high)
            value, low, high = (np.nan if figure is None else float(figure) for figure in given)
            _suits(item, value, low, high, f"series {item.series!r}, {record.start} to {record.end}")
            parts.append((number, weigh(record, panel.window), value, low, high))
    if not parts:
        raise InputError("the panel", "no figure is used", "Mark at least one record as used.")
    numbers, by_month, *published = zip(*parts, strict=True)
    values = Values(*(np.array(column, dtype=float) for column in published))
    return Figures(np.array(numbers), np.stack(by_month), values, names)


def _suits(item: Observation, value: float, low: float, high: float, where: str) -> None:
    if isinstance(item.distribution, LogNormal):
        if any(figure <= 0 for figure in (value, high) if np.isfinite(figure)):
            raise InputError(where, "a figure that is not positive", "A lognormal series lives above zero.")
        if np.isnan(value) and low >= high:
            raise InputError(where, "a range without width", "Give a single figure in `value`.")
    elif np.isnan(value) and (np.isfinite(high) or isinstance(item.distribution, NegativeBinomial)):
        fix = "Give a value, or (Poisson only) a lowest number in `low`."
        raise InputError(where, "a count given as a range", fix)
    elif item.distribution.zero_truncated and value == 0:
        problem = "a zero in a series whose empty months are missing"
        raise InputError(where, problem, "Leave the row out, or mark it unused.")


def expected(figures: Figures, seen: Array) -> Array:
    """Return each row's expected figure, shape (rows,), from what observations see: (months, series)."""
    return jnp.maximum(jnp.sum(figures.weights * seen[:, figures.series].T, axis=1), SMALLEST_MEAN)


def row_log_likelihood(
    model: Model, figures: Figures, p: Mapping[str, Array], seen: Array, values: Values
) -> Array:
    """Return each row's log likelihood, shape (rows,), for the panel's own values or replicated ones.

    That of a lognormal value is the density of its logarithm.
    """
    mean = expected(figures, seen)
    result = jnp.zeros(mean.shape)
    laws = {"LogNormal": _lognormal, "Poisson": _poisson, "NegativeBinomial": _negative_binomial}
    for law, rows in rows_by_law(model, figures).items():
        part = Values(*(jnp.asarray(column)[rows] for column in values))
        scale, above_zero = spread(model, figures, rows, p)
        result = result.at[rows].set(laws[law](part, mean[rows], scale, above_zero))
    return result


def log_posterior(model: Model, figures: Figures) -> Callable[[Array, Target], Array]:
    """Return the log posterior density of the vector (up to a constant) as a function of (z, target)."""
    where = layout(model, figures.months)
    run = build_run(model, [f"sees.{name}" for name in figures.names])

    def density(z: Array, target: Target) -> Array:
        p, innovations, levers, state = unpack(model, where, target.table, jnp.asarray(target.levers), z)
        _, seen = run(p, innovations, levers, state, levers[0])
        likelihood = jnp.sum(row_log_likelihood(model, figures, p, seen, target.values))
        return jnp.where(jnp.isfinite(likelihood), likelihood, IMPOSSIBLE) - 0.5 * jnp.sum(z**2)

    return density


def rows_by_law(model: Model, figures: Figures) -> dict[str, np.ndarray]:
    """Return row numbers by family of law: "LogNormal", "NegativeBinomial", "Poisson", those that occur."""
    family = np.array([type(item.distribution).__name__ for item in model.observations])[figures.series]
    return {str(name): np.flatnonzero(family == name) for name in np.unique(family)}


def spread(
    model: Model, figures: Figures, rows: np.ndarray, p: Mapping[str, Array]
) -> tuple[Array, np.ndarray]:
    """Return the spread of each of these rows (one where a law has none), and whether its series leaves out zeros."""
    spreads = [item.spread for item in model.observations]
    by_series = [p[each] if isinstance(each, str) else jnp.asarray(float(each)) for each in spreads]
    zeros_out = [getattr(item.distribution, "zero_truncated", False) for item in model.observations]
    return jnp.stack(by_series)[figures.series[rows]], np.array(zeros_out)[figures.series[rows]]


def own_error(values: Values) -> Array:
    """Return the standard deviation, in logs, that a source's own range about a value means; else zero."""
    value, low, high = (jnp.asarray(column) for column in values)
    ranged = jnp.isfinite(value) & jnp.isfinite(low) & jnp.isfinite(high) & (low > 0)
    ratio = jnp.where(ranged, high, 1.0) / jnp.where(ranged, low, 1.0)
    return jnp.where(ranged, jnp.log(ratio), 0.0) / RANGE_WIDTH


def _lognormal(rows: Values, mean: Array, sigma: Array, _: np.ndarray) -> Array:
    """Log-normal figures: a value by its density, an interval, floor or ceiling by its probability."""

    def centred(bound: Array) -> tuple[Array, Array]:
        known = jnp.isfinite(bound) & (bound > 0)
        return (jnp.log(jnp.where(known, bound, 1.0)) - jnp.log(mean)) / sigma, known

    has_value = jnp.isfinite(rows.value)
    total = jnp.sqrt(sigma**2 + own_error(rows) ** 2)
    value = jnp.where(has_value, rows.value, 1.0)
    error = (jnp.log(value) - jnp.log(mean)) / total
    density = -0.5 * error**2 - jnp.log(total) - 0.5 * math.log(2 * math.pi)

    low, has_low = centred(jnp.where(has_value, jnp.nan, rows.low))
    high, has_high = centred(jnp.where(has_value, jnp.nan, rows.high))
    upper = jnp.where(has_high, log_ndtr(jnp.where(has_high, high, 0.0)), 0.0)
    lower = jnp.where(has_low, log_ndtr(jnp.where(has_low, low, -1.0)), -jnp.inf)
    # The mirrored form keeps digits when both bounds lie far in the upper tail.
    mirrored_upper = jnp.where(has_low, log_ndtr(-jnp.where(has_low, low, -1.0)), 0.0)
    mirrored_lower = jnp.where(has_high, log_ndtr(-jnp.where(has_high, high, 1.0)), -jnp.inf)
    in_upper_tail = jnp.where(has_low & has_high, low > 0, has_low)
    large = jnp.where(in_upper_tail, mirrored_upper, upper)
    small = jnp.where(in_upper_tail, mirrored_lower, lower)
    both = has_low & has_high
    gap = jnp.where(both, small - large, -1.0)
    interval = jnp.where(both, large + jnp.log1p(-jnp.exp(jnp.minimum(gap, -1e-12))), large)
    return jnp.where(has_value, density, interval)


def _poisson(rows: Values, mean: Array, _: Array, above_zero: np.ndarray) -> Array:
    """Counts: a value by its probability, a lowest number by the probability of at least that many."""
    has_value = jnp.isfinite(rows.value)
    value = jnp.where(has_value, rows.value, 0.0)
    probability = value * jnp.log(mean) - mean - gammaln(value + 1.0)
    least = jnp.ceil(jnp.where(has_value, 0.0, jnp.nan_to_num(rows.low, nan=0.0)))
    given = jnp.where(above_zero, jnp.log(-jnp.expm1(-mean)), 0.0)
    at_least = jnp.where(least > above_zero, _log_at_least(jnp.maximum(least, 1.0), mean) - given, 0.0)
    return jnp.where(has_value, probability - given, at_least)


def _log_at_least(least: Array, mean: Array) -> Array:
    """Return the log probability that a Poisson count reaches `least`, one or more."""
    probability = gammainc(least, mean)
    tiny = probability < 1e-290
    # There the first term of the sum, and a continued fraction for what the others add to it, keep the slope.
    small = jnp.where(tiny, mean, 0.5)
    first = least * jnp.log(small) - small - gammaln(least + 1.0)
    others = -jnp.log1p(-small / (least + 1.0 + small / (least + 2.0)))
    return jnp.where(tiny, first + others, jnp.log(jnp.where(tiny, 1.0, probability)))


def _negative_binomial(rows: Values, mean: Array, concentration: Array, above_zero: np.ndarray) -> Array:
    """Counts with variance mean + mean²/concentration."""
    has_value = jnp.isfinite(rows.value)
    y, c = jnp.where(has_value, rows.value, 0.0), jnp.minimum(concentration, LARGEST_CONCENTRATION)
    log_zero = -c * jnp.log1p(mean / c)
    probability = (
        gammaln(y + c) - gammaln(c) - gammaln(y + 1.0) + log_zero + y * (jnp.log(mean) - jnp.log(c + mean))
    )
    given = jnp.where(above_zero, jnp.log(-jnp.expm1(log_zero)), 0.0)
    return jnp.where(has_value, probability - given, 0.0)
