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
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import check_name
from outbid.model.compile import State, Values, build_month, monthly_innovations, scaled
from outbid.model.declare import Model
from outbid.native import over_rows
from outbid.simulate.scenario import RuleTable, rule_table, ruled

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


@dataclass(frozen=True)
class Past:
    """A past draw by draw: paths (draws, months) by output, levers (draws, months, levers), and where it ends."""

    paths: Mapping[str, Floats]
    levers: Floats
    state_today: StateToday


def build_forward(model: Model, outputs: Sequence[str], decide: Decide) -> Callable[..., Array]:
    """Return the run into the future, in which levers may answer to what happens.

    `decide`: sets the month's levers from the opening state, last month's levers, the planned ones and the month's row
    of `each_month`. Returns (parameters by name, opening state, levers before, innovations (months, noisy indices),
    planned levers (months, levers), each_month: arrays with a leading axis of months) -> outputs, (months, outputs).
    """
    step = build_month(model, outputs)

    def run(
        p: Values, state: State, before: Array, innovations: Array, levers: Array, each_month: Any
    ) -> Array:
        def month(
            at: tuple[State, Array], row: tuple[Array, Array, Any]
        ) -> tuple[tuple[State, Array], Array]:
            (here, last), (noise, planned, own) = at, row
            now = decide(here, last, planned, own)
            following, seen = step(here, noise, now, last, p)
            return (following, now), seen

        _, path = jax.lax.scan(month, (dict(state), before), (innovations, levers, each_month))
        return jnp.asarray(path)

    return run


class Simulator:
    """A model's forward run, compiled once for one horizon and reused for every question.

    `outputs`: what to tell of each month; everything (`Model.outputs`), if left out, so that no question needs another
    run.
    """

    def __init__(self, model: Model, months: int, outputs: Sequence[str] | None = None) -> None:
        self.model, self.months = model, months
        self.outputs = tuple(outputs or model.outputs)

        def one(
            values: Array, state: State, before: Array, innovations: State, levers: Array, rules: RuleTable
        ) -> Array:
            def decide(here: State, _: Array, planned: Array, month: Array) -> Array:
                return ruled(model, rules, here, planned, month)

            p = {name: values[i] for i, name in enumerate(model.parameter_names)}
            noise = monthly_innovations(model, innovations, months)
            run = build_forward(model, self.outputs, decide)
            return run(p, state, before, noise, levers, jnp.arange(1, months + 1))

        self._run = over_rows(one, (0, 0, 0, 0, 0, None))

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the places of outputs among the outputs. Raises InputError if there is no such output."""
        for name in names:
            check_name(name, self.outputs, f"output {name!r}", "the run tells nothing of that name")
        return [self.outputs.index(name) for name in names]

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
        outputs: Sequence[str] | None = None,
    ) -> Floats:
        """Return paths of the outputs named, or of all, shape (rows, months, outputs).

        `standing`, `levers`, `innovations`: of any number of rows; levers (rows, months, levers).
        """
        columns = slice(None) if outputs is None else self.columns(outputs)
        given = (standing.parameters, dict(standing.state), standing.levers, dict(innovations), levers)
        return np.asarray(self._run(*given, rules or rule_table(self.model))[:, :, columns])


class Rerun:
    """The past run again by what runs into the future. `months`: months of the window."""

    def __init__(self, simulator: Simulator, months: int) -> None:
        model = simulator.model
        self.months = months
        # innovations last for several months in some indices: a run can be taken up only where all of them change
        self._grid = math.lcm(*(model.index(name).noise_months for name in model.noisy))
        self._stride = (simulator.months - 1) // self._grid * self._grid
        if self._stride == 0 and simulator.months < months:
            simulator = Simulator(model, months)
        self.simulator = simulator

    def paths(
        self, past: Past, innovations: Mapping[str, Floats], levers: Floats, outputs: Sequence[str]
    ) -> Floats:
        """Return outputs of the past under other levers, shape (draws, months, outputs).

        Months before the first that differs are those of the past. `innovations`: what made the past: by
        noisy index, shape (draws, blocks); `levers`: shape (draws, months, levers).
        """
        model, ahead, states = self.simulator.model, self.simulator.months, self.simulator.model.states
        path = np.stack([past.paths[name] for name in outputs], axis=2)
        differs = np.flatnonzero((levers != past.levers).any(axis=(0, 2)))
        if not differs.size:
            return path
        at = int(differs[0]) // self._grid * self._grid
        opening = {name: past.paths[name][:, at] for name in states}
        while True:
            # a horizon from this month on: what lies beyond the window is filled up and of no account
            places = np.minimum(np.arange(at, at + ahead), self.months - 1)
            noise = {}
            for name in model.noisy:
                first, size = at // model.index(name).noise_months, model.innovation_blocks(ahead)[name]
                own = innovations[name][:, first : first + size]
                noise[name] = np.pad(own, ((0, 0), (0, size - own.shape[1])))
            today = StateToday(past.state_today.parameters, self._state(opening), levers[:, max(at - 1, 0)])
            horizon = self.simulator.run(today, levers[:, places], noise, outputs=(*states, *outputs))
            length = min(ahead, self.months - at)
            fresh = slice(max(int(differs[0]) - at, 0), length)
            path[:, at : at + length][:, fresh] = horizon[:, fresh, len(states) :]
            if at + length == self.months:
                return path
            opening = {name: horizon[:, self._stride, i] for i, name in enumerate(states)}
            at += self._stride

    def _state(self, opening: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return natural values as a run wants them."""
        model = self.simulator.model
        bent = [each for each in model.indices if each.scale != "identity"]
        inside = {each.name: np.clip(opening[each.name], *each.range) for each in bent}
        return {name: np.asarray(value) for name, value in scaled(model, {**opening, **inside}).items()}
