"""A world with something different against the same world without it, draw by draw, with the same shocks.

The effect of an intervention in the sense of Pearl (2009): the lever or state is set, whatever usually moves it,
and all that follows from it follows. Both sides share parameters, states of today and innovations, so that a
draw's difference is the intervention's and nothing else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from outbid.model.compile import from_scale, to_scale
from outbid.model.declare import Model
from outbid.questions.claims.schema import Forecast, Intervention, MeasureTest, Move, Shift
from outbid.simulate.engine import BatchSimulator, StateToday
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Change, Scenario, lever_paths

Floats = NDArray[np.float64]


def intervention_effects(
    tests: Sequence[Intervention], simulator: BatchSimulator, today: StateToday, seed: int
) -> dict[str, Floats]:
    """Return every intervention's effect by test, each of shape (draws,), in the measure's unit.

    Parameters
    ----------
    today
        Where the draws stand.
    seed
        Of the innovations, the same in every world.
    """
    model, innovations = simulator.model, simulator.innovations(len(today), seed)
    untouched: dict[tuple[Change, ...], Floats] = {}

    def world(changes: tuple[Change, ...], here: StateToday) -> Floats:
        scenario = Scenario(id="world", label="World", description="Of a test.", changes=changes)
        levers = lever_paths(model, scenario, here.levers, simulator.months)
        return simulator.run(here, levers, innovations)

    effects = {}
    for test in tests:
        if test.setting not in untouched:
            # one setting at a time is kept: a whole world of every draw is tens of megabytes
            untouched = {test.setting: world(test.setting, today)}
        there = shifted(model, today, test.shifts, test.moves)
        with_it = monthly(simulator, test, world((*test.setting, *test.changes), there))
        without_it = monthly(simulator, test, untouched[test.setting])
        effects[test.id] = summary(test, with_it) - summary(test, without_it)
    return effects


def forecast_effects(
    tests: Sequence[Forecast],
    simulator: BatchSimulator,
    today: StateToday,
    past: Mapping[str, Floats],
    seed: int,
) -> dict[str, Floats]:
    """Return what every forecast's measure will be, less the figure or the past that it is held against.

    Parameters
    ----------
    past
        Paths in the window of the data by output name, each of shape (draws, months).
    """
    if not tests:
        return {}
    levers = np.repeat(today.levers[:, None, :], simulator.months, axis=1)
    ahead = simulator.run(today, levers, simulator.innovations(len(today), seed))
    effects = {}
    for test in tests:
        path = monthly(simulator, test, ahead)
        if test.than == "past":
            behind = np.sum([past[name] for name in test.measure], axis=0)[:, -test.months :]
            reference = summary(test, behind / past[test.per][:, -test.months :] if test.per else behind)
        else:
            reference = np.full(len(path), test.than)
        effects[test.id] = summary(test, path) - reference
    return effects


def shifted(model: Model, today: StateToday, shifts: Sequence[Shift], moves: Sequence[Move]) -> StateToday:
    """Return where the draws would stand with other states today; indices stay within their range."""
    state = dict(today.state)
    indices = {index.name: index for index in model.indices}
    for shift in shifts:
        times, by = (1.0 if shift.times is None else shift.times), shift.by or 0.0
        index = indices.get(shift.state)
        if index is None:
            state[shift.state] = np.maximum(state[shift.state] * times + by, 0.0)
            continue
        value = np.asarray(from_scale(index.scale, state[shift.state]))
        bounded = np.clip(value * times + by, *index.range)
        state[shift.state] = np.asarray(to_scale(index.scale, bounded), dtype=float)
    for move in moves:
        going = state[move.source] * move.share
        state[move.source], state[move.target] = state[move.source] - going, state[move.target] + going
    return StateToday(today.parameters, state, today.levers)


def monthly(simulator: BatchSimulator, test: MeasureTest, world: Floats) -> Floats:
    """Return a measure's path, shape (draws, months of the test), from a world's outputs."""
    columns = simulator.simulator.columns(test.measure)
    path = world[:, : test.months, columns].sum(axis=2)
    if not test.per:
        return np.asarray(path)
    return np.asarray(path / world[:, : test.months, simulator.simulator.column(test.per)])
