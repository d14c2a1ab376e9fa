"""Figures drawn from their laws, given a path: what the model says could have been published."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from outbid.infer.likelihood import SMALLEST_MEAN, Figures, own_error, rows_by_law
from outbid.model.declare import Model

Floats = NDArray[np.float64]

# More than this is the mark of a run that overflowed; drawing a count of infinite mean would never end.
LARGEST_MEAN = 1e9
LARGEST_RATE = 1e15


def replicate(
    model: Model, figures: Figures, p: Mapping[str, Floats], seen: Floats, generator: np.random.Generator
) -> Floats:
    """Draw a number for every row of every draw from its law, shape (draws, rows); NaN where a path overflowed.

    A row's law is that of `row_log_likelihood`: where a source gave its own range beside a value, the range's
    error is part of the draw; where it gave a range, a floor or a ceiling, the number itself is drawn. `p`: parameters
    by name, (draws,); `seen`: what the observations see, (draws, months, series).
    """
    mean = np.empty((len(seen), len(figures.series)))
    for series in np.unique(figures.series):
        rows = np.flatnonzero(figures.series == series)
        with np.errstate(invalid="ignore"):  # nothing of infinity is no number
            mean[:, rows] = seen[:, :, series] @ figures.weights[rows].T
    finite = mean < LARGEST_MEAN
    mean = np.where(finite, np.maximum(mean, SMALLEST_MEAN), 1.0)
    drawn = np.empty(mean.shape)
    for law, rows in rows_by_law(model, figures).items():
        observed = [model.observations[series] for series in figures.series[rows]]
        spread = np.stack(
            [
                np.broadcast_to(p[s] if isinstance(s := each.spread, str) else s, len(mean))
                for each in observed
            ],
            1,
        )
        if law == "LogNormal":
            total = np.hypot(spread, np.asarray(own_error(figures.values))[rows])
            drawn[:, rows] = mean[:, rows] * np.exp(total * generator.standard_normal(total.shape))
        else:
            above_zero = np.array([each.distribution.zero_truncated for each in observed])
            concentration = spread if law == "NegativeBinomial" else None
            drawn[:, rows] = draw_counts(generator, mean[:, rows], concentration, above_zero)
    return np.where(finite, drawn, np.nan)


def draw_counts(
    generator: np.random.Generator, mean: Floats, concentration: Floats | None, above_zero: NDArray[np.bool_]
) -> Floats:
    """Draw counts, Poisson or (with a concentration) negative binomial, given at least one if `above_zero`.

    Both counts are those of a process that grows from zero: a negative binomial's events come at a rate of c
    + n after n of them, over a time of log(1 + mean/c); a Poisson's at a constant rate. So "at least one" is
    exact and without rejection: draw when the first came, given that it came; the process runs on from there.
    Shapes are broadcast; the mean is that before zeros are left out. Returns whole numbers as floats.
    """
    c = 1.0 if concentration is None else concentration
    time = mean if concentration is None else np.log1p(mean / c)
    when = -np.log1p(generator.random(mean.shape) * np.expm1(-c * time)) / c
    left = np.maximum(time - np.where(above_zero, when, 0.0), 0.0)
    rate = left if concentration is None else np.expm1(left) * generator.standard_gamma(c + above_zero)
    return np.asarray(generator.poisson(np.minimum(rate, LARGEST_RATE)) + 1.0 * above_zero)
