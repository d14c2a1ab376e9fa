"""Draw the figures that a model would expect to be published, in the form in which figures are published.

`replicate` draws a number for every row from the row's own law; `as_values` puts such numbers into the form
of the panel's rows, so that a compiled posterior takes them in the place of the panel's own figures.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.infer.likelihood import Figures, Values, expected, own_error, rows_by_law, spread, truncated
from outbid.model.declare import Model

# More than this is the mark of a run that overflowed; drawing a count of infinite mean would never end.
LARGEST_MEAN = 1e9
LARGEST_RATE = 1e15


def replicate(model: Model, figures: Figures, p: Mapping[str, Array], seen: Array, key: Array) -> Array:
    """Draw a number for every row from its law, given one path; use `jax.vmap` over draws.

    A row's law is that of `row_log_likelihood`: where a source gave its own range beside a value, the range's
    error is part of the draw; where it gave a range, a floor or a ceiling, the number itself is drawn.

    Parameters
    ----------
    model, figures
        Fixed when a function is compiled.
    p
        Parameters by name, each a scalar.
    seen
        What the observations see, shape (months, series).
    key
        Key of the random numbers.

    Returns
    -------
    Shape (rows,); NaN where the path overflowed.
    """
    mean = expected(figures, seen)
    finite = mean < LARGEST_MEAN
    mean = jnp.where(finite, mean, 1.0)
    result = jnp.zeros(mean.shape)
    by_law = rows_by_law(model, figures)
    for (law, rows), own_key in zip(by_law.items(), jax.random.split(key, len(by_law)), strict=True):
        scale = spread(model, figures, rows, p)
        if law == "lognormal":
            total = jnp.sqrt(scale**2 + own_error(figures.rows.values)[rows] ** 2)
            drawn = mean[rows] * jnp.exp(total * jax.random.normal(own_key, rows.shape))
        else:
            concentration = scale if law == "negative_binomial" else None
            drawn = draw_counts(own_key, mean[rows], concentration, truncated(model, figures, rows))
        result = result.at[rows].set(drawn)
    return jnp.where(finite, result, jnp.nan)


def draw_counts(key: Array, mean: Array, concentration: Array | None, above_zero: np.ndarray) -> Array:
    """Draw counts, Poisson or (with a concentration) negative binomial, given at least one if `above_zero`.

    Both counts are those of a process that grows from zero: a negative binomial's events come at a rate of
    c + n after n of them, over a time of log(1 + mean/c); a Poisson's at a constant rate. So "at least one"
    is exact and without rejection: draw when the first came, given that it came; the process runs on from
    there.

    Parameters
    ----------
    mean, concentration, above_zero
        Each of shape (rows,); the mean is that before zeros are left out.

    Returns
    -------
    Whole numbers as floats, shape (rows,).
    """
    for_first, for_rate, for_count = jax.random.split(key, 3)
    c = 1.0 if concentration is None else concentration
    time = mean if concentration is None else jnp.log1p(mean / c)
    when = -jnp.log1p(jax.random.uniform(for_first, mean.shape) * jnp.expm1(-c * time)) / c
    left = jnp.maximum(time - jnp.where(above_zero, when, 0.0), 0.0)
    rate = left if concentration is None else jnp.expm1(left) * jax.random.gamma(for_rate, c + above_zero)
    counts = jax.random.poisson(for_count, jnp.minimum(rate, LARGEST_RATE))
    return counts.astype(mean.dtype) + above_zero


def as_values(figures: Figures, drawn: Array | np.ndarray) -> Values:
    """Put drawn numbers into published form: what was a value, a range, a floor or a ceiling is one again.

    - A value is the drawn number, with the source's own range about it kept in proportion.
    - A range is the one that holds the drawn number among ranges laid end to end, all in the published
      range's proportion and the published one among them: as if the source rounded to such classes.
    - A floor (a ceiling) stays as published where the drawn number reaches it (does not exceed it). Where
      it does not, the source would have known the number, and so it is given.

    Numbers drawn by `replicate` and put into this form have exactly the likelihood of `row_log_likelihood`.

    Parameters
    ----------
    drawn
        Shape (..., rows).

    Returns
    -------
    Each of value, low and high of shape (..., rows).
    """
    value, low, high = (jnp.asarray(column) for column in figures.rows.values)
    number = jnp.asarray(drawn)
    has_value, has_low, has_high = jnp.isfinite(value), low > 0, jnp.isfinite(high)
    ratio = number / jnp.where(value > 0, value, jnp.nan)

    ranged = ~has_value & has_low & has_high
    lowest, width = jnp.where(ranged, low, 1.0), jnp.where(ranged, high / low, 2.0)
    class_low = lowest * width ** jnp.floor(jnp.log(number / lowest) / jnp.log(width))

    beyond = jnp.where(has_low, number < low, number > high)
    known = has_value | ((has_low != has_high) & beyond)
    unsaid = jnp.where(known, jnp.nan, 0.0)
    return Values(
        jnp.where(known, number, jnp.nan),
        jnp.where(ranged, class_low, jnp.where(has_value, low * ratio, low + unsaid)),
        jnp.where(ranged, class_low * width, jnp.where(has_value, high * ratio, high + unsaid)),
    )
