"""Saltelli's design for Sobol indices, made batch by batch: the whole of it is never held.

For each of N base samples: a row of matrix A, the same row with each input in turn taken from matrix B, and the
row of B (Saltelli et al. 2010). A and B are the two halves of one scrambled Sobol sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Floats = NDArray[np.float64]
# Points of the unit cube (rows, inputs) become outcomes (rows, outcomes).
Evaluate = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Design:
    """N base samples (a power of two) of so many inputs."""

    samples: int
    inputs: int
    seed: int

    @property
    def rows(self) -> int:
        """How many points there are in all: N (inputs + 2)."""
        return self.samples * (self.inputs + 2)

    def batches(self, size: int) -> Iterator[Floats]:
        """Yield the points in order, `size` rows at a time, the last batch perhaps shorter."""
        base = qmc.Sobol(2 * self.inputs, scramble=True, rng=self.seed).random(self.samples)
        a, b = base[:, : self.inputs], base[:, self.inputs :]
        for start in range(0, self.rows, size):
            sample, turn = np.divmod(np.arange(start, min(start + size, self.rows)), self.inputs + 2)
            points = a[sample]
            swapped = np.flatnonzero((turn > 0) & (turn <= self.inputs))
            points[swapped, turn[swapped] - 1] = b[sample[swapped], turn[swapped] - 1]
            whole = turn == self.inputs + 1
            points[whole] = b[sample[whole]]
            yield points


def stream(
    design: Design, evaluate: Evaluate, size: int, told: Callable[[int], None] | None = None
) -> Floats:
    """Evaluate a design batch by batch; return outcomes of shape (samples, inputs + 2, outcomes).

    Parameters
    ----------
    told
        Called with the number of rows after each batch.
    """
    kept: Floats | None = None
    start = 0
    for points in design.batches(size):
        values = evaluate(points)
        if kept is None:
            kept = np.empty((design.rows, values.shape[1]))
        kept[start : start + len(values)] = values
        start += len(values)
        if told is not None:
            told(len(values))
    assert kept is not None
    return kept.reshape(design.samples, design.inputs + 2, -1)
