"""Arrays become the plain numbers that a report carries."""

from __future__ import annotations

import numpy as np


def floats(values: np.ndarray) -> tuple[float, ...]:
    """Return an array of one dimension as numbers of five digits."""
    return tuple(float(f"{value:.5g}") for value in values)


def middle(values: np.ndarray) -> tuple[float, float, float]:
    """Return median, 5% and 95% quantile."""
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(median), float(low), float(high)
