"""The past run again under other levers, by what runs into the future.

A past is a deterministic function of parameters, innovations and levers. So a draw from the posterior that has
other levers put in, and everything else left, says what would have happened in that draw's world (abduction, action
and prediction; Pearl 2009, chapter 7). The run into the future serves the past as well: it is taken up at the
first month that differs, and again near the end of its horizon until the window is through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from outbid.model.compile import to_scale
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Simulator, StateToday

Floats = NDArray[np.float64]


class InferredPast(Protocol):
    """A past draw by draw: paths (draws, months) by output, levers (draws, months, levers), parameters."""

    @property
    def paths(self) -> Mapping[str, Floats]:
        """By output."""

    @property
    def levers(self) -> Floats:
        """Every lever's path."""

    @property
    def state_today(self) -> StateToday:
        """Where each draw stands at the end, with its parameters."""


class Rerun:
    """The past run again by what runs into the future.

    Parameters
    ----------
    months
        Months of the window.
    """

    def __init__(self, simulator: BatchSimulator, months: int) -> None:
        model = simulator.model
        self.months = months
        # innovations last for several months in some indices: a run can be taken up only where all of them change
        self._grid = math.lcm(*(model.index(name).noise_months for name in model.noisy))
        self._stride = (simulator.months - 1) // self._grid * self._grid
        if self._stride == 0 and simulator.months < months:
            simulator = BatchSimulator(Simulator(model, months), simulator.draws)
        self.simulator = simulator

    def paths(
        self, past: InferredPast, innovations: Mapping[str, Floats], levers: Floats, outputs: Sequence[str]
    ) -> Floats:
        """Return outputs of the past under other levers, shape (draws, months, outputs).

        Months before the first that differs are those of the past.

        Parameters
        ----------
        innovations
            What made the past: by noisy index, shape (draws, blocks).
        levers
            Shape (draws, months, levers).
        """
        model = self.simulator.model
        path = np.stack([past.paths[name] for name in outputs], axis=2)
        differs = np.flatnonzero((levers != past.levers).any(axis=(0, 2)))
        if not differs.size:
            return path
        states = [*(item.name for item in model.stocks), *(item.name for item in model.indices)]
        at = int(differs[0]) // self._grid * self._grid
        opening = {name: past.paths[name][:, at] for name in states}
        wanted = (*states, *outputs)
        while True:
            horizon = self._horizon(past, innovations, levers, opening, at, wanted)
            length = min(self.simulator.months, self.months - at)
            fresh = slice(max(int(differs[0]) - at, 0), length)
            path[:, at : at + length][:, fresh] = horizon[:, fresh, len(states) :]
            if at + length == self.months:
                return path
            opening = {name: horizon[:, self._stride, i] for i, name in enumerate(states)}
            at += self._stride

    def _horizon(
        self,
        past: InferredPast,
        innovations: Mapping[str, Floats],
        levers: Floats,
        opening: Mapping[str, Floats],
        at: int,
        outputs: tuple[str, ...],
    ) -> Floats:
        """Run one horizon from a month on; what lies beyond the window is filled up and of no account."""
        model, ahead = self.simulator.model, self.simulator.months
        state = dict(opening)
        for index in model.indices:
            if index.scale != "identity":
                state[index.name] = np.asarray(
                    to_scale(index.scale, np.clip(opening[index.name], *index.range))
                )
        places = np.minimum(np.arange(at, at + ahead), self.months - 1)
        noise = {}
        for name, size in model.innovation_blocks(ahead).items():
            if name in innovations:
                first = at // model.index(name).noise_months
                own = innovations[name][:, first : first + size]
                noise[name] = np.pad(own, ((0, 0), (0, size - own.shape[1])))
        today = StateToday(past.state_today.parameters, state, levers[:, max(at - 1, 0)])
        return self.simulator.run(today, levers[:, places], noise, outputs=outputs)
