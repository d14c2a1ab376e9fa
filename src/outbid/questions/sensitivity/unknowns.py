"""What is uncertain about the future: which inputs it reads, and over what they range.

An input is a parameter, a stock, index or lever of today, or chance: which sequence of innovations comes. What
the future reads is found by tracing the model's functions, so a parameter that only an observation reads is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from outbid.model.checks import trace
from outbid.model.compile import from_scale
from outbid.model.declare import Model
from outbid.model.priors import from_standard_normal, prior_table
from outbid.simulate.engine import StateToday
from outbid.simulate.scenario import Scenario

Floats = NDArray[np.float64]
# A share from 0 to 1, shape (rows,), becomes an input's value.
Quantile = Callable[[Floats], Floats]

PARAMETER, STOCK, INDEX, LEVER, CHANCE = "parameter", "stock", "index", "lever", "chance"
# Sequences of innovations that chance chooses from.
CHANCES = 4096
# The central 90% of a normal: where prior-free inputs range.
_REACH = 1.6448536269514722
_SCALES = {"normal": "linear", "lognormal": "log", "half_normal": "linear", "logit_normal": "logit"}


@dataclass(frozen=True)
class Input:
    """Something uncertain that the future reads."""

    kind: str
    name: str
    meaning: str
    unit: str

    @property
    def key(self) -> str:
        """Its id, which tells a parameter from a state of the same name."""
        return self.name if self.kind in (PARAMETER, CHANCE) else f"{self.name} today"

    def of(self, model: Model, standing: StateToday) -> Floats:
        """Return its value in each draw, shape (draws,), indices on their own scale."""
        if self.kind == PARAMETER:
            return standing.parameters[:, model.parameter_names.index(self.name)]
        if self.kind == LEVER:
            return standing.levers[:, model.lever_names.index(self.name)]
        return np.asarray(standing.state[self.name], dtype=float)


def inputs_of(
    model: Model, outcomes: Sequence[str], scenarios: Sequence[Scenario], standings: Sequence[StateToday]
) -> tuple[Input, ...]:
    """Return what is uncertain and read on the way to outcomes: parameters, states, levers of today, then chance.

    `standings` are where draws stand today: only what differs between the draws of one of them is uncertain.
    """
    wanted = [item for item in model.outcomes if item.name in outcomes]
    reads = [*model.reads.values(), *(trace(item.where, item.function, "supm").reads for item in wanted)]
    watched = {rule.watch for scenario in scenarios for rule in scenario.rules}
    parameters = {name for each in reads for name in each.p} | {model.noise[name] for name in model.noisy}
    states = {name for each in reads for name in each.s} | {flow.source for flow in model.flows} | watched
    levers = {name for each in reads for name in (*each.u, *each.previous)} | watched
    read = [
        Input(kind, each.name, each.meaning, getattr(each, "unit", unit))
        for kind, items, names, unit in (
            (PARAMETER, model.parameters, parameters, ""),
            (STOCK, model.stocks, states, "persons"),
            (INDEX, model.indices, states, "index"),
            (LEVER, model.levers, levers, ""),
        )
        for each in items
        if each.name in names
    ]
    uncertain = [each for each in read if any(np.ptp(each.of(model, standing)) > 0 for standing in standings)]
    chance = Input(CHANCE, CHANCE, "Everything that happens by chance from here on", "")
    return (*uncertain, chance) if model.noisy else tuple(uncertain)


def values_of(model: Model, inputs: Sequence[Input], standing: StateToday) -> Floats:
    """Return the inputs of draws as a reader knows them, shape (draws, inputs), without chance."""
    columns = []
    for each in inputs:
        if each.kind == INDEX:
            scale = model.index(each.name).scale
            columns.append(np.asarray(from_scale(scale, each.of(model, standing))))
        elif each.kind != CHANCE:
            columns.append(each.of(model, standing))
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Space:
    """Turns points of the unit cube into where runs start, and the innovations they meet.

    `quantiles` has one for each input but chance. `typical` is one draw: what is no input stays there. `chances` are
    innovations by noisy index, (sequences, blocks).
    """

    model: Model
    inputs: tuple[Input, ...]
    quantiles: Mapping[Input, Quantile]
    typical: StateToday
    chances: Mapping[str, Floats]

    def at(self, unit: Floats) -> tuple[StateToday, dict[str, Floats]]:
        """Return starts and innovations for points of shape (rows, inputs), each number from 0 up to 1."""
        sequence = np.zeros(len(unit), dtype=np.int64)
        base = self.typical.taken(sequence)
        parameters, levers, state = base.parameters, base.levers, dict(base.state)
        for item, column in zip(self.inputs, unit.T, strict=True):
            if item.kind == CHANCE:
                count = len(next(iter(self.chances.values())))
                sequence = np.minimum((column * count).astype(np.int64), count - 1)
                continue
            value = self.quantiles[item](column)
            if item.kind == PARAMETER:
                parameters[:, self.model.parameter_names.index(item.name)] = value
            elif item.kind == LEVER:
                levers[:, self.model.lever_names.index(item.name)] = value
            else:
                state[item.name] = value
        start = StateToday(parameters, state, levers)
        return start, {name: each[sequence] for name, each in self.chances.items()}


def weighted_space(
    model: Model, inputs: Sequence[Input], standing: StateToday, chances: Mapping[str, Floats]
) -> Space:
    """Return the space in which each input follows its own marginal in the draws; how they hang together is lost."""
    quantiles = {each: _empirical(each.of(model, standing)) for each in inputs if each.kind != CHANCE}
    return Space(model, tuple(inputs), quantiles, _typical(standing), chances)


def free_space(
    model: Model, inputs: Sequence[Input], unseen: StateToday, chances: Mapping[str, Floats]
) -> Space:
    """Return the space in which each input is uniform over the central 90% of what was held possible before the data.

    Uniform on the scale on which its prior is symmetric: in proportions for what is always positive, in odds for
    shares, as it is otherwise. Parameters range over their neutral priors, today's states over `unseen`.
    """
    table = prior_table(model.parameters, "neutral")
    edges = np.outer([-_REACH, _REACH], np.ones(len(model.parameters)))
    lows, highs = np.asarray(from_standard_normal(edges, table))
    quantiles: dict[Input, Quantile] = {}
    for item in (each for each in inputs if each.kind != CHANCE):
        if item.kind == PARAMETER:
            i = model.parameter_names.index(item.name)
            low, high = lows[i], highs[i]
            scale = _SCALES[model.parameters[i].priors["neutral"].family]
        else:
            low, high = np.quantile(item.of(model, unseen), [0.05, 0.95])
            scale = "log" if item.kind == STOCK and low > 0 else "linear"
        quantiles[item] = _uniform(float(low), float(high), scale)
    return Space(model, tuple(inputs), quantiles, _typical(unseen), chances)


def _typical(standing: StateToday) -> StateToday:
    """Return one draw in the middle of all."""
    return StateToday(
        np.median(standing.parameters, axis=0, keepdims=True),
        {name: np.median(value, keepdims=True) for name, value in standing.state.items()},
        np.median(standing.levers, axis=0, keepdims=True),
    )


def _empirical(values: Floats) -> Quantile:
    ordered, places = np.sort(values), np.linspace(0.0, 1.0, len(values))
    return lambda unit: np.interp(unit, places, ordered)


def _uniform(low: float, high: float, scale: str) -> Quantile:
    if scale == "log":
        start, width = np.log(low), np.log(high / low)
        return lambda unit: np.asarray(np.exp(start + width * unit))
    if scale == "logit":
        start, width = logit(low), logit(high) - logit(low)
        return lambda unit: np.asarray(expit(start + width * unit))
    return lambda unit: np.asarray(low + (high - low) * unit)
