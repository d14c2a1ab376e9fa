"""How sure a mean over draws is: the bootstrap over blocks of neighbouring draws (Efron, 1979; Künsch, 1989)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES, BLOCK = 400, 10
# What an estimate consists of: the number, its 90% interval, its standard error; all NaN where there is none.
ESTIMATE = ("value", "low", "high", "error")
NOTHING: Floats = np.full(len(ESTIMATE), np.nan)


def resamples(rows: int, seed: int) -> Floats:
    """Return how often each block of neighbouring draws counts in each resample, shape (RESAMPLES, blocks)."""
    blocks = -(-rows // BLOCK)
    chance = np.random.default_rng(seed)
    return chance.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES).astype(float)


def _sums(values: Floats, weights: Floats) -> Floats:
    """Return the sum of values (draws,) in each resample."""
    return np.asarray(weights @ np.add.reduceat(values, np.arange(0, len(values), BLOCK)))


def _estimate(value: float, resampled: Floats) -> Floats:
    """Return an estimate of something that can't be below zero, in the order of ESTIMATE."""
    low, high = np.quantile(resampled, [0.05, 0.95])
    return np.array([max(value, 0.0), max(low, 0.0), max(high, 0.0), resampled.std(ddof=1)])


def share_of_loss(loss: Floats, without: Floats, weights: Floats) -> Floats:
    """Return by which share a mean loss falls short of what it is without the record, in the order of ESTIMATE."""
    resampled = 1 - _sums(loss, weights) / _sums(without, weights)
    return _estimate(1 - float(loss.mean() / without.mean()), resampled)


def mean(values: Floats, weights: Floats) -> Floats:
    """Return the mean of values (draws,) that can't be below zero in truth, in the order of ESTIMATE."""
    return _estimate(float(values.mean()), _sums(values, weights) / _sums(np.ones(len(values)), weights))
