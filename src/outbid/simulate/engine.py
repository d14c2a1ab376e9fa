"""Run a model forward over many draws at once, or its past again under other levers.

Scenarios get the same innovations (common random numbers). A past is a deterministic function of parameters,
innovations and levers; so a draw from the posterior that has other levers put in, and everything else left, says
what would have happened in that draw's world (abduction, action and prediction; Pearl 2009, chapter 7). The run into
the future serves the past as well: it is taken up at the first month that differs, and again near the end of its
horizon until the window is through.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError, did_you_mean
from outbid.model.compile import State, build_step, monthly_innovations, to_scale
from outbid.model.declare import Model
from outbid.simulate.rules import RuleTable, rule_table, ruled

Floats = NDArray[np.float64]
# (state, last month's levers, this month's as planned, the month's own data) -> this month's levers
Decide = Callable[[State, Array, Array, Any], Array]


@dataclass(frozen=True)
class StateToday:
    """Where each draw stands at the end of the past: what a run into the future starts from.

    `parameters`: shape (draws, parameters), in the model's order. `state`: by name, each of shape (draws,);
    indices on their own scale. `levers`: the last month's levers, shape (draws, levers).
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

    `decide`: sets the month's levers from the opening state, last month's levers, the planned ones and the
    month's row of `each_month`. Returns (parameters by name, opening state, levers before, innovations
    (months, noisy indices), planned levers (months, levers), each_month: arrays with a leading axis of
    months) -> outputs, shape (months, outputs).
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

    `outputs`: what to tell of each month; everything (`outputs_of`), if left out.
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
        """Return the place of an output among the outputs. Raises InputError if there is no such output."""
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


class BatchSimulator:
    """A simulator that is compiled for one number of draws, and takes trials of any number in batches of it.

    `simulator`: tells everything (`outputs_of`), so that no question needs another one; `draws`: rows of a
    batch.
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
        standing: StateToday,
        levers: Floats,
        innovations: Mapping[str, Floats],
        rules: RuleTable | None = None,
        outputs: tuple[str, ...] | None = None,
    ) -> Floats:
        """Return paths of shape (rows, months, outputs), of the outputs named or of all.

        `standing`, `levers`, `innovations`: of any number of rows; levers (rows, months, levers).
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
    """The past run again by what runs into the future. `months`: months of the window."""

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

        Months before the first that differs are those of the past. `innovations`: what made the past: by
        noisy index, shape (draws, blocks); `levers`: shape (draws, months, levers).
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
