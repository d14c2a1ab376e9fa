"""Drawn figures in the form in which theirs were published, so that a model can be fitted to them again."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.infer.likelihood import Figures, Values


def as_values(figures: Figures, drawn: Array | np.ndarray) -> Values:
    """Put drawn numbers into published form: what was a value, a range, a floor or a ceiling is one again.

    - A value is the drawn number, with the source's own range about it kept in proportion.
    - A range is the one that holds the drawn number among ranges laid end to end, all in the published
      range's proportion and the published one among them: as if the source rounded to such classes.
    - A floor (a ceiling) stays as published where the drawn number reaches it (does not exceed it). Where
      it does not, the source would have known the number, and so it is given.

    Numbers drawn by `replicate` and put into this form have exactly the likelihood of `row_log_likelihood`.

    `drawn`: shape (..., rows). Returns each of value, low and high of shape (..., rows).
    """
    value, low, high = (jnp.asarray(column) for column in figures.values)
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
