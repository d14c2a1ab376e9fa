"""The inferred history: every state, count and observation of every month of the window, draw by draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from outbid.conventions import QUANTILES
from outbid.infer.likelihood import Figures, row_log_likelihood
from outbid.infer.predictive import replicate
from outbid.model.compile import build_run, layout, unpack
from outbid.model.declare import Model
from outbid.model.priors import PriorTable
from outbid.native import over_rows
from outbid.simulate.engine import Past, StateToday
from outbid.simulate.futures import finite

if TYPE_CHECKING:
    import pandas as pd

# Given the data, and from the prior alone.
Data = Literal["after", "before"]


@dataclass(frozen=True)
class SmoothedHistory(Past):
    """The past in the window of the data, each month given all figures, and what the model says of every figure.

    `replicated`, `log_likelihood`: shape (draws, rows): a synthetic figure per row and draw, and the row's log likelihood.
    """

    replicated: np.ndarray
    log_likelihood: np.ndarray

    def states(self, model: Model) -> dict[str, tuple[np.ndarray, str]]:
        """Return (path, unit) of all that is inferred: states, quantities, counts, outcomes, inferred levers.

        Paths have shape (draws, months); levers come as `lever.NAME`, outcomes as `outcome.NAME`.
        """
        units = {item.name: "persons" for item in model.stocks} | dict.fromkeys(
            model.counts, "events a month"
        )
        units |= {item.name: "index" for item in model.indices}
        units |= {f"outcome.{item.name}": item.unit for item in model.outcomes}
        inferred = [(i, item) for i, item in enumerate(model.levers) if item.name in model.inferred_levers]
        seen = [name for name in self.paths if name.startswith("sees.")]
        return {
            **{name: (path, units.get(name, "")) for name, path in self.paths.items() if name not in seen},
            **{f"lever.{item.name}": (self.levers[:, :, i], item.unit) for i, item in inferred},
        }


class HistorySimulator:
    """Runs a model's past, for the draws of any prior set or of the prior itself."""

    def __init__(self, model: Model, figures: Figures, known_levers: np.ndarray) -> None:
        self.model, self.figures = model, figures
        outcomes = (f"outcome.{item.name}" for item in model.outcomes)
        self.outputs = (*model.readable, *outcomes, *(f"sees.{name}" for name in figures.names))
        where = layout(model, figures.months)
        run = build_run(model, self.outputs)
        self._seen = [self.outputs.index(f"sees.{name}") for name in figures.names]

        def one(z: Array, table: PriorTable) -> tuple[Any, ...]:
            p, innovations, levers, state = unpack(model, where, table, jnp.asarray(known_levers), z)
            final, path = run(p, innovations, levers, state, levers[0])
            values = jnp.stack([p[name] for name in model.parameter_names])
            fitted = row_log_likelihood(model, figures, p, path[:, jnp.asarray(self._seen)], figures.values)
            return path, levers, values, final, fitted

        self._run = over_rows(one, (0, None))

    def run(self, z: np.ndarray, table: PriorTable, seed: int) -> SmoothedHistory:
        """Return the history for vectors z of shape (draws, size)."""
        path, levers, values, final, fitted = self._run(z, table)
        p = dict(zip(self.model.parameter_names, values.T, strict=True))
        drawn = replicate(self.model, self.figures, p, path[:, :, self._seen], np.random.default_rng(seed))
        paths = {name: path[:, :, i] for i, name in enumerate(self.outputs)}
        return SmoothedHistory(paths, levers, StateToday(values, final, levers[:, -1]), drawn, fitted)


def thinned(z: np.ndarray, draws: int) -> np.ndarray:
    """Return at most that many vectors, evenly spaced over chains and draws, shape (draws, size)."""
    flat = z.reshape(-1, z.shape[-1])
    return np.asarray(flat[thinned_places(len(flat), draws)])


def thinned_places(total: int, draws: int) -> np.ndarray:
    """Return which of all draws, chain after chain, `thinned` takes."""
    return np.arange(total)[:: max(1, total // draws)][:draws]


def path_quantiles(model: Model, months: Sequence[str], history: SmoothedHistory) -> xr.Dataset:
    """Return the quantiles of every inferred path over draws, one variable each, dimensions (path, month)."""
    states = history.states(model)
    shares = list(QUANTILES.values())
    # one path after the other: all draws of all paths at once would be a copy of the whole history
    stacked = np.stack([np.quantile(finite(path), shares, axis=0) for path, _ in states.values()], axis=1)
    units = [unit for _, unit in states.values()]
    return xr.Dataset(
        {name: (("path", "month"), each) for name, each in zip(QUANTILES, stacked, strict=True)},
        {"path": list(states), "month": list(months), "unit": ("path", units)},
    )


def paths_table(quantiles: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Return inferred strength and state, one row for each prior set, path and month: prior, path, unit, month, quantiles.

    `quantiles`: by prior set, from `path_quantiles` or from the group of that name in a results file.
    """
    import pandas as pd

    frames = {name: each.to_dataframe(dim_order=["path", "month"]) for name, each in quantiles.items()}
    return pd.concat(frames, names=["prior"]).reset_index()[["prior", "path", "unit", "month", *QUANTILES]]
