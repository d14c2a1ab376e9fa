"""How sure a mean over draws is: the bootstrap over blocks of neighbouring draws (Efron, 1979; Künsch, 1989)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES, BLOCK = 400, 10


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and 90% interval, over draws resampled in blocks; NaN where there is none."""

    value: float
    low: float
    high: float
    error: float

    def __bool__(self) -> bool:
        return bool(np.isfinite(self.value))


NOTHING = Estimate(np.nan, np.nan, np.nan, np.nan)


def resamples(rows: int, seed: int) -> Floats:
    """Return how often each block of neighbouring draws counts in each resample, shape (RESAMPLES, blocks)."""
    blocks = -(-rows // BLOCK)
    chance = np.random.default_rng(seed)
    return chance.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES).astype(float)


def _sums(values: Floats, weights: Floats) -> Floats:
    """Return the sum of values (draws,) in each resample."""
    return np.asarray(weights @ np.add.reduceat(values, np.arange(0, len(values), BLOCK)))


def _estimate(value: float, resampled: Floats) -> Estimate:
    """Return an estimate of something that can't be below zero."""
    low, high = np.quantile(resampled, [0.05, 0.95])
    return Estimate(
        max(value, 0.0), max(float(low), 0.0), max(float(high), 0.0), float(resampled.std(ddof=1))
    )


def share_of_loss(loss: Floats, without: Floats, weights: Floats) -> Estimate:
    """Return by which share a mean loss falls short of what it is without the record."""
    resampled = 1 - _sums(loss, weights) / _sums(without, weights)
    return _estimate(1 - float(loss.mean() / without.mean()), resampled)


def mean(values: Floats, weights: Floats) -> Estimate:
    """Return the mean of values (draws,) that can't be below zero in truth."""
    return _estimate(float(values.mean()), _sums(values, weights) / _sums(np.ones(len(values)), weights))
