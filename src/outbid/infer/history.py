"""The inferred history: every state, count and observation of every month of the window, draw by draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from outbid.conventions import QUANTILES
from outbid.infer.likelihood import Figures, replicate, row_log_likelihood
from outbid.infer.posterior import layout, unpack
from outbid.model.compile import build_run
from outbid.model.declare import Model
from outbid.model.priors import PriorTable
from outbid.simulate.engine import StateToday

if TYPE_CHECKING:
    import pandas as pd

# Given the data, and from the prior alone.
Data = Literal["after", "before"]

PATH_COLUMNS = ("prior", "path", "unit", "month", *QUANTILES)


@dataclass(frozen=True)
class SmoothedHistory:
    """Paths in the window of the data, each month given all figures, and what the model says of every figure.

    `paths`: by output name, each of shape (draws, months); `levers`: shape (draws, months, levers);
    `replicated`, `log_likelihood`: shape (draws, rows): a synthetic figure per row and draw, and each row's
    log likelihood; `state_today`: where each draw stands at the end.
    """

    paths: dict[str, np.ndarray]
    levers: np.ndarray
    replicated: np.ndarray
    log_likelihood: np.ndarray
    state_today: StateToday

    def states(self, model: Model) -> dict[str, tuple[np.ndarray, str]]:
        """Return (path, unit) of all that is inferred: states, quantities, counts, outcomes, inferred levers.

        Paths have shape (draws, months); levers come as `lever.NAME`, outcomes as `outcome.NAME`.
        """
        units = {item.name: "persons" for item in model.stocks}
        units |= {item.name: "index" for item in model.indices} | dict.fromkeys(
            model.counts, "events a month"
        )
        units |= {f"outcome.{item.name}": item.unit for item in model.outcomes}
        inferred = {name for history in model.lever_histories for name in history.levers}
        return {
            name: (path, units.get(name, ""))
            for name, path in self.paths.items()
            if not name.startswith("sees.")
        } | {
            f"lever.{lever.name}": (self.levers[:, :, i], lever.unit)
            for i, lever in enumerate(model.levers)
            if lever.name in inferred
        }


class HistorySimulator:
    """Runs a model's past; compiled once, for the draws of any prior set or of the prior itself."""

    def __init__(self, model: Model, figures: Figures, known_levers: np.ndarray) -> None:
        self.model = model
        self.outputs = history_outputs(model, figures.names)
        where = layout(model, figures.months)
        run = build_run(model, self.outputs)
        seen = [self.outputs.index(f"sees.{name}") for name in figures.names]

        def one(z: Array, key: Array, table: PriorTable) -> tuple[Any, ...]:
            p, innovations, levers, state = unpack(model, where, table, jnp.asarray(known_levers), z)
            final, path = run(p, innovations, levers, state, levers[0])
            watched = path[:, jnp.asarray(seen)]
            values = jnp.stack([p[name] for name in model.parameter_names])
            drawn = replicate(model, figures, p, watched, key)
            fitted = row_log_likelihood(model, figures, p, watched, figures.rows.values)
            return path, levers, values, final, drawn, fitted

        self._size = where.size
        self._run: Any = jax.jit(jax.vmap(one, (0, 0, None)))

    def compile(self, draws: int, table: PriorTable) -> None:
        """Compile for that many draws now, so that it can be done while something else goes on."""
        z = jnp.zeros((draws, self._size))
        self._run = self._run.lower(z, jax.random.split(jax.random.key(0), draws), table).compile()

    def run(self, z: np.ndarray, table: PriorTable, seed: int) -> SmoothedHistory:
        """Return the history for vectors z of shape (draws, size)."""
        keys = jax.random.split(jax.random.key(seed), len(z))
        path, levers, values, final, drawn, fitted = jax.tree.map(
            np.asarray, self._run(jnp.asarray(z), keys, table)
        )
        paths = {name: path[:, :, i] for i, name in enumerate(self.outputs)}
        return SmoothedHistory(paths, levers, drawn, fitted, StateToday(values, final, levers[:, -1]))


def history_outputs(model: Model, series: Sequence[str]) -> tuple[str, ...]:
    """Return the outputs that a history has: states, quantities, counts, outcomes and what series see."""
    return (
        *(item.name for item in model.stocks),
        *(item.name for item in model.indices),
        *(item.name for item in model.quantities),
        *model.counts,
        *(f"outcome.{item.name}" for item in model.outcomes),
        *(f"sees.{name}" for name in series),
    )


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
    stacked = np.stack([np.quantile(path, shares, axis=0) for path, _ in states.values()], axis=1)
    return xr.Dataset(
        {name: (("path", "month"), each) for name, each in zip(QUANTILES, stacked, strict=True)},
        {
            "path": list(states),
            "month": list(months),
            "unit": ("path", [unit for _, unit in states.values()]),
        },
    )


def paths_table(quantiles: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Return inferred strength and state, one row for each prior set, path and month.

    `quantiles`: by prior set, from `path_quantiles` or from the group `path_quantiles` of a results file.
    Returns columns prior, path, unit, month, q05, q25, median, q75, q95.
    """
    import pandas as pd

    parts = [
        each.to_dataframe(dim_order=["path", "month"]).reset_index().assign(prior=prior)
        for prior, each in quantiles.items()
    ]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(PATH_COLUMNS))
    return table[list(PATH_COLUMNS)]
