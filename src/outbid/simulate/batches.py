"""The one compiled run into the future that every question puts its trials through."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from outbid.model.declare import Model
from outbid.simulate.engine import Simulator, Standing
from outbid.simulate.rules import RuleTable

Floats = NDArray[np.float64]


class BatchSimulator:
    """A simulator that is compiled for one number of draws, and takes trials of any number in batches of it.

    Parameters
    ----------
    simulator
        Tells everything (`outputs_of`), so that no question needs another one.
    draws
        Rows of a batch.
    """

    def __init__(self, simulator: Simulator, draws: int) -> None:
        self.simulator, self.draws = simulator, draws

    @property
    def model(self) -> Model:
        """The model."""
        return self.simulator.model

    @property
    def months(self) -> int:
        """The horizon in months."""
        return self.simulator.months

    def innovations(self, rows: int, seed: int) -> dict[str, Floats]:
        """Return innovations by noisy index for that many rows; the same seed, the same chances for every trial."""
        return self.simulator.innovations(rows, seed)

    def run(
        self,
        standing: Standing,
        levers: Floats,
        innovations: Mapping[str, Floats],
        rules: RuleTable | None = None,
        outputs: tuple[str, ...] | None = None,
    ) -> Floats:
        """Return paths of shape (rows, months, outputs), of the outputs named or of all.

        Parameters
        ----------
        standing, levers, innovations
            Of any number of rows; levers (rows, months, levers).
        """
        columns = None if outputs is None else self.simulator.columns(outputs)
        if len(standing) == self.draws:
            path = self.simulator.run(standing, levers, innovations, rules)
            return path if columns is None else path[:, :, columns]
        parts = []
        for start in range(0, len(standing), self.draws):
            rows = np.arange(start, min(start + self.draws, len(standing)))
            # a batch of another size would be compiled for anew
            padded = np.resize(rows, self.draws)
            path = self.simulator.run(
                standing.taken(padded),
                levers[padded],
                {name: value[padded] for name, value in innovations.items()},
                rules,
            )[: len(rows)]
            parts.append(path if columns is None else path[:, :, columns])
        return np.concatenate(parts)
