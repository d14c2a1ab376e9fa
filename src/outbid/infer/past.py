"""The past as a posterior sees it: every state, count and observation of every month, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.infer.latent import layout, unpack
from outbid.infer.likelihood import Figures, row_log_likelihood
from outbid.infer.predictive import replicate
from outbid.model.compile import build_run
from outbid.model.declare import Model
from outbid.model.priors import PriorTable
from outbid.simulate.engine import Standing


@dataclass(frozen=True)
class Past:
    """Paths in the window of the data, and what the model says of every figure.

    Parameters
    ----------
    paths
        By output name, each of shape (draws, months).
    levers
        Shape (draws, months, levers).
    replicated, log_likelihood
        Shape (draws, rows): a synthetic figure per row and draw, and each row's log likelihood.
    standing
        Where each draw stands at the end.
    """

    paths: dict[str, np.ndarray]
    levers: np.ndarray
    replicated: np.ndarray
    log_likelihood: np.ndarray
    standing: Standing


class Historian:
    """Runs a model's past; compiled once, for the draws of any prior set or of the prior itself."""

    def __init__(self, model: Model, figures: Figures, known_levers: np.ndarray) -> None:
        self.model = model
        self.outputs = past_outputs(model, figures.names)
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

    def tell(self, z: np.ndarray, table: PriorTable, seed: int) -> Past:
        """Return the past for vectors z of shape (draws, size)."""
        keys = jax.random.split(jax.random.key(seed), len(z))
        path, levers, values, final, drawn, fitted = jax.tree.map(
            np.asarray, self._run(jnp.asarray(z), keys, table)
        )
        paths = {name: path[:, :, i] for i, name in enumerate(self.outputs)}
        return Past(paths, levers, drawn, fitted, Standing(values, final, levers[:, -1]))


def past_outputs(model: Model, series: Sequence[str]) -> tuple[str, ...]:
    """Return the outputs that a past is told in: states, quantities, counts, outcomes and what series see."""
    return (
        *(item.name for item in model.stocks),
        *(item.name for item in model.indices),
        *(item.name for item in model.quantities),
        *model.counts,
        *(f"outcome.{item.name}" for item in model.outcomes),
        *(f"sees.{name}" for name in series),
    )
