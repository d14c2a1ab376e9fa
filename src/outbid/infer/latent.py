"""The vector that is inferred: all parameters and innovations, as independent standard normals before the data."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array

from outbid.model.compile import history_levers, initial_state, monthly_innovations
from outbid.model.declare import Model
from outbid.model.priors import PriorTable, from_standard_normal


@dataclass(frozen=True)
class Layout:
    """Where each parameter and each block of innovations lies in the vector of standard normals.

    Parameters
    ----------
    parameters
        Names, in the order of the vector's first entries.
    blocks
        (name, number of innovations) behind them, in order.
    months
        Months of the window.
    """

    parameters: tuple[str, ...]
    blocks: tuple[tuple[str, int], ...]
    months: int

    @property
    def size(self) -> int:
        """Length of the vector."""
        return len(self.parameters) + sum(size for _, size in self.blocks)

    def names(self) -> tuple[str, ...]:
        """Return a name per entry: parameters, then `block[i]`."""
        return self.parameters + tuple(f"{name}[{i}]" for name, size in self.blocks for i in range(size))

    def split(self, z: Array) -> tuple[Array, dict[str, Array]]:
        """Return the parameters' part (last axis) and the innovations by block."""
        start = len(self.parameters)
        innovations: dict[str, Array] = {}
        for name, size in self.blocks:
            innovations[name] = z[..., start : start + size]
            start += size
        return z[..., : len(self.parameters)], innovations


def layout(model: Model, months: int) -> Layout:
    """Return the layout of a model's vector over that many months."""
    return Layout(model.parameter_names, tuple(model.innovation_blocks(months).items()), months)


def unpack(
    model: Model, where: Layout, table: PriorTable, known_levers: Array, z: Array
) -> tuple[dict[str, Array], Array, Array, dict[str, Array]]:
    """Turn one vector (size,) into what a run takes.

    Returns
    -------
    parameters by name, innovations (months, noisy indices), levers (months, levers), opening state.
    """
    base, blocks = where.split(z)
    # The barrier keeps the compiler from working the quantile functions into every use of a parameter.
    values = jax.lax.optimization_barrier(from_standard_normal(base, table))
    p = {name: values[i] for i, name in enumerate(where.parameters)}
    levers = history_levers(model, known_levers, blocks, p)
    innovations = monthly_innovations(model, blocks, where.months)
    return p, jnp.asarray(innovations), levers, initial_state(model, p)
