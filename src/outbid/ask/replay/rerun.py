"""The past run again under other levers, by what runs into the future.

A past is a deterministic function of parameters, innovations and levers. So a draw from the posterior that has
other levers put in, and everything else left, says what would have happened in that draw's world (abduction, action
and prediction; Pearl 2009, chapter 7). The run into the future serves the past as well: it is taken up at the
first month that differs, and again near the end of its horizon until the window is through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.infer.latent import Layout
from outbid.infer.history import SmoothedHistory as Past
from outbid.model.compile import to_scale
from outbid.model.declare import Model
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Simulator, Standing

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """A past with what it takes to live through it again.

    Parameters
    ----------
    past
        Paths, levers and parameters of every draw.
    innovations
        By noisy index, shape (draws, blocks).
    """

    past: Past
    innovations: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.past.levers)


def recalled(model: Model, past: Past, z: Floats, where: Layout) -> Told:
    """Return a past with the innovations that made it.

    Parameters
    ----------
    z
        The vectors that the past was told from, shape (draws, size), in the same order.
    """
    _, blocks = where.split(z)  # type: ignore[arg-type]  # slices arrays of either kind
    return Told(past, {name: np.asarray(blocks[name]) for name in model.noisy})


class Rerun:
    """The past run again by what runs into the future.

    Parameters
    ----------
    months
        Months of the window.
    """

    def __init__(self, lab: BatchSimulator, months: int) -> None:
        model = lab.model
        self.months = months
        # innovations last for several months in some indices: a run can be taken up only where all of them change
        self._grid = math.lcm(*(model.index(name).noise_months for name in model.noisy))
        self._stride = (lab.months - 1) // self._grid * self._grid
        if self._stride == 0 and lab.months < months:
            lab = BatchSimulator(Simulator(model, months), lab.draws)
        self.lab = lab

    def paths(self, told: Told, levers: Floats, outputs: Sequence[str]) -> Floats:
        """Return outputs that the past tells too under other levers, shape (draws, months, outputs).

        Months before the first that differs are those of the past.
        """
        past, model = told.past, self.lab.model
        path = np.stack([past.paths[name] for name in outputs], axis=2)
        differs = np.flatnonzero((levers != past.levers).any(axis=(0, 2)))
        if not differs.size:
            return path
        states = [*(item.name for item in model.stocks), *(item.name for item in model.indices)]
        at = int(differs[0]) // self._grid * self._grid
        opening = {name: past.paths[name][:, at] for name in states}
        wanted = (*states, *outputs)
        while True:
            told_now = self._part(told, levers, opening, at, wanted)
            length = min(self.lab.months, self.months - at)
            fresh = slice(max(int(differs[0]) - at, 0), length)
            path[:, at : at + length][:, fresh] = told_now[:, fresh, len(states) :]
            if at + length == self.months:
                return path
            opening = {name: told_now[:, self._stride, i] for i, name in enumerate(states)}
            at += self._stride

    def _part(
        self, told: Told, levers: Floats, opening: Mapping[str, Floats], at: int, outputs: tuple[str, ...]
    ) -> Floats:
        """Run one horizon from a month on; what lies beyond the window is filled up and of no account."""
        model, ahead = self.lab.model, self.lab.months
        state = dict(opening)
        for index in model.indices:
            if index.scale != "identity":
                state[index.name] = np.asarray(
                    to_scale(index.scale, np.clip(opening[index.name], *index.range))
                )
        places = np.minimum(np.arange(at, at + ahead), self.months - 1)
        noise = {}
        for name, size in model.innovation_blocks(ahead).items():
            if name in told.innovations:
                first = at // model.index(name).noise_months
                own = told.innovations[name][:, first : first + size]
                noise[name] = np.pad(own, ((0, 0), (0, size - own.shape[1])))
        standing = Standing(told.past.standing.parameters, state, levers[:, max(at - 1, 0)])
        return self.lab.run(standing, levers[:, places], noise, outputs=outputs)
