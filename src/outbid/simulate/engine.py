"""Play scenarios over many draws at once, every scenario with the same innovations (common random numbers)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError, did_you_mean
from outbid.model.compile import State, build_step, monthly_innovations
from outbid.model.declare import Model
from outbid.simulate.rules import RuleTable, rule_table, ruled

Floats = NDArray[np.float64]
# (state, last month's levers, this month's as planned, the month's own data) -> this month's levers
Decide = Callable[[State, Array, Array, Any], Array]


@dataclass(frozen=True)
class StateToday:
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

    def taken(self, places: NDArray[np.int64]) -> StateToday:
        """Return the draws at these places."""
        state = {name: value[places] for name, value in self.state.items()}
        return StateToday(self.parameters[places], state, self.levers[places])


# the former name, until nothing uses it
Standing = StateToday


def outputs_of(model: Model) -> tuple[str, ...]:
    """Return everything that a month tells: states, quantities, counts, levers, people moved, outcomes."""
    return (
        *(item.name for item in model.stocks),
        *(item.name for item in model.indices),
        *(item.name for item in model.quantities),
        *model.counts,
        *(f"lever.{name}" for name in model.lever_names),
        *(f"moved.{name}" for name in sorted(model.moved)),
        *(f"outcome.{item.name}" for item in model.outcomes),
    )


def build_forward(model: Model, outputs: Sequence[str], decide: Decide) -> Callable[..., Array]:
    """Return the run into the future, in which levers may answer to what happens.

    Parameters
    ----------
    decide
        Sets the month's levers from the opening state, last month's levers, the planned ones and the month's
        row of `each_month`.

    Returns
    -------
    (parameters by name, opening state, levers before, innovations (months, noisy indices), planned levers
    (months, levers), each_month: arrays with a leading axis of months) -> outputs, shape (months, outputs).
    """
    step = build_step(model)

    def run(
        p: Mapping[str, Array],
        state: State,
        before: Array,
        innovations: Array,
        levers: Array,
        each_month: Any,
    ) -> Array:
        def month(
            at: tuple[State, Array], row: tuple[Array, Array, Any]
        ) -> tuple[tuple[State, Array], Array]:
            (here, last), (noise, planned, own) = at, row
            now = decide(here, last, planned, own)
            following, told = step(
                here,
                dict(zip(model.noisy, noise, strict=True)),
                dict(zip(model.lever_names, now, strict=True)),
                dict(zip(model.lever_names, last, strict=True)),
                p,
            )
            return (following, now), jnp.stack([jnp.asarray(told[name], dtype=float) for name in outputs])

        _, path = jax.lax.scan(month, (dict(state), before), (innovations, levers, each_month))
        return jnp.asarray(path)

    return run


class Simulator:
    """A model's forward run, compiled once for one horizon and number of draws and reused for every question.

    Parameters
    ----------
    outputs
        What to tell of each month; everything (`outputs_of`), if left out.
    """

    def __init__(self, model: Model, months: int, outputs: Sequence[str] | None = None) -> None:
        self.model = model
        self.months = months
        self.outputs = tuple(outputs or outputs_of(model))

        def one(
            values: Array,
            state: dict[str, Array],
            before: Array,
            innovations: dict[str, Array],
            levers: Array,
            rules: RuleTable,
        ) -> Array:
            def decide(here: State, _: Array, planned: Array, month: Array) -> Array:
                return ruled(model, rules, here, planned, month)

            p = {name: values[i] for i, name in enumerate(model.parameter_names)}
            noise = monthly_innovations(model, innovations, months)
            run = build_forward(model, self.outputs, decide)
            return run(p, state, before, noise, levers, jnp.arange(1, months + 1))

        self._run: Any = jax.jit(jax.vmap(one, (0, 0, 0, 0, 0, None)))

    def compile(self, draws: int) -> None:
        """Compile for that many draws now, so that it can be done while something else goes on."""
        names = [*(item.name for item in self.model.stocks), *(item.name for item in self.model.indices)]
        self._run = self._run.lower(
            jnp.zeros((draws, len(self.model.parameters))),
            {name: jnp.zeros(draws) for name in names},
            jnp.zeros((draws, len(self.model.levers))),
            {name: jnp.asarray(each) for name, each in self.innovations(draws, 0).items()},
            jnp.zeros((draws, self.months, len(self.model.levers))),
            RuleTable(*map(jnp.asarray, rule_table(self.model))),
        ).compile()

    def column(self, name: str) -> int:
        """Return the place of an output among the outputs.

        Raises
        ------
        InputError
            If there is no such output.
        """
        if name not in self.outputs:
            raise InputError(
                f"output {name!r}", "the run tells nothing of that name", did_you_mean(name, self.outputs)
            )
        return self.outputs.index(name)

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the places of outputs among the outputs."""
        return [self.column(name) for name in names]

    def innovations(self, draws: int, seed: int) -> dict[str, Floats]:
        """Return future innovations by noisy index, each of shape (draws, blocks); the same for every scenario."""
        generator = np.random.default_rng(seed)
        blocks = self.model.innovation_blocks(self.months)
        return {name: generator.standard_normal((draws, blocks[name])) for name in self.model.noisy}

    def run(
        self,
        standing: StateToday,
        levers: Floats,
        innovations: Mapping[str, Floats],
        rules: RuleTable | None = None,
    ) -> Floats:
        """Return paths of the outputs, shape (draws, months, outputs), under lever paths (draws, months, levers)."""
        result = self._run(
            jnp.asarray(standing.parameters),
            {name: jnp.asarray(value) for name, value in standing.state.items()},
            jnp.asarray(standing.levers),
            {name: jnp.asarray(value) for name, value in innovations.items()},
            jnp.asarray(levers),
            RuleTable(*map(jnp.asarray, rules or rule_table(self.model))),
        )
        return np.asarray(result)
