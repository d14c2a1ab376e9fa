"""Play scenarios over many draws at once, every scenario with the same innovations (common random numbers)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.model.compile import build_run, monthly_innovations
from outbid.model.declare import Model

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """Where each draw stands at the end of the past: what a run into the future starts from.

    Parameters
    ----------
    parameters
        Shape (draws, parameters), in the model's order.
    state
        By name, each of shape (draws,); indices on their own scale.
    levers
        The last month's levers, shape (draws, levers).
    """

    parameters: Floats
    state: Mapping[str, Floats]
    levers: Floats

    def __len__(self) -> int:
        return len(self.parameters)

    def taken(self, places: NDArray[np.int64]) -> Standing:
        """Return the draws at these places."""
        state = {name: value[places] for name, value in self.state.items()}
        return Standing(self.parameters[places], state, self.levers[places])


class Simulator:
    """A model's forward run, compiled once for one horizon and number of draws and reused for every scenario."""

    def __init__(self, model: Model, months: int, outputs: Sequence[str] | None = None) -> None:
        self.model = model
        self.months = months
        self.outputs = tuple(outputs or (f"outcome.{item.name}" for item in model.outcomes))
        run = build_run(model, self.outputs)

        def one(
            values: Array,
            state: dict[str, Array],
            before: Array,
            innovations: dict[str, Array],
            levers: Array,
        ) -> Array:
            p = {name: values[i] for i, name in enumerate(model.parameter_names)}
            noise = monthly_innovations(model, innovations, months)
            return run(p, noise, levers, state, before)[1]

        self._run: Any = jax.jit(jax.vmap(one))

    def compile(self, draws: int) -> None:
        """Compile for that many draws now, so that it can be done while something else goes on."""
        names = [*(item.name for item in self.model.stocks), *(item.name for item in self.model.indices)]
        self._run = self._run.lower(
            jnp.zeros((draws, len(self.model.parameters))),
            {name: jnp.zeros(draws) for name in names},
            jnp.zeros((draws, len(self.model.levers))),
            {name: jnp.asarray(each) for name, each in self.innovations(draws, 0).items()},
            jnp.zeros((draws, self.months, len(self.model.levers))),
        ).compile()

    def innovations(self, draws: int, seed: int) -> dict[str, Floats]:
        """Return future innovations by noisy index, each of shape (draws, blocks); the same for every scenario."""
        generator = np.random.default_rng(seed)
        blocks = self.model.innovation_blocks(self.months)
        return {name: generator.standard_normal((draws, blocks[name])) for name in self.model.noisy}

    def run(self, standing: Standing, levers: Floats, innovations: Mapping[str, Floats]) -> Floats:
        """Return paths of the outputs, shape (draws, months, outputs), under lever paths (draws, months, levers)."""
        result = self._run(
            jnp.asarray(standing.parameters),
            {name: jnp.asarray(value) for name, value in standing.state.items()},
            jnp.asarray(standing.levers),
            {name: jnp.asarray(value) for name, value in innovations.items()},
            jnp.asarray(levers),
        )
        return np.asarray(result)
