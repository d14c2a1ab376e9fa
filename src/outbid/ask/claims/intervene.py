"""A world with something different against the same world without it, draw by draw, with the same chances.

The effect of an intervention in the sense of Pearl (2009): the lever or state is set, whatever usually moves it,
and all that follows from it follows. Both sides share parameters, states of today and innovations, so that a
draw's difference is the intervention's and nothing else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.ask.claims.declared import Forecast, Intervention, Measure, Move, Shift
from outbid.model.compile import from_scale, to_scale
from outbid.model.declare import Model
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Standing
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Change, Scenario, lever_paths

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """What an intervention does to a measure: shape (draws,), and the measure's path by month on either side."""

    difference: Floats
    with_it: Floats
    without_it: Floats


def effects(
    interventions: Sequence[Intervention], lab: BatchSimulator, standing: Standing, seed: int
) -> dict[str, Effect]:
    """Return every intervention's effect over the draws.

    Parameters
    ----------
    standing
        Where the draws stand today.
    seed
        Of the innovations, the same in every world.
    """
    model, innovations = lab.model, lab.innovations(len(standing), seed)
    untouched: dict[tuple[Change, ...], Floats] = {}

    def world(changes: tuple[Change, ...], here: Standing) -> Floats:
        levers = lever_paths(
            model,
            Scenario(id="test", label="test", description="test", changes=changes),
            here.levers,
            lab.months,
        )
        return lab.run(here, levers, innovations)

    result = {}
    for test in interventions:
        if test.setting not in untouched:
            # one setting at a time is kept: a whole world of every draw is tens of megabytes
            untouched = {test.setting: world(test.setting, standing)}
        there = shifted(model, standing, test.shifts, test.moves)
        with_it = monthly(lab, test.measure, world((*test.setting, *test.changes), there))
        without_it = monthly(lab, test.measure, untouched[test.setting])
        difference = summary(test.measure, with_it) - summary(test.measure, without_it)
        result[test.id] = Effect(difference, with_it, without_it)
    return result


def foreseen(
    forecasts: Sequence[Forecast],
    lab: BatchSimulator,
    standing: Standing,
    past: Mapping[str, Floats],
    seed: int,
) -> dict[str, Effect]:
    """Return what every forecast's measure will be, less the figure or the past that it is held against.

    Parameters
    ----------
    past
        Paths in the window of the data by output name, each of shape (draws, months).
    """
    if not forecasts:
        return {}
    levers = np.repeat(standing.levers[:, None, :], lab.months, axis=1)
    ahead = lab.run(standing, levers, lab.innovations(len(standing), seed))
    result = {}
    for each in forecasts:
        path = monthly(lab, each.measure, ahead)
        if each.than is None:
            behind = np.sum([past[name] for name in each.measure.outputs], axis=0)[:, -each.measure.months :]
            if each.measure.per:
                behind = behind / past[each.measure.per][:, -each.measure.months :]
        else:
            behind = np.full_like(path, np.nan)
        reference = summary(each.measure, behind) if each.than is None else np.full(len(path), each.than)
        result[each.id] = Effect(summary(each.measure, path) - reference, path, behind)
    return result


def shifted(model: Model, standing: Standing, shifts: Sequence[Shift], moves: Sequence[Move]) -> Standing:
    """Return where the draws would stand with other states today; indices stay within their range."""
    state = dict(standing.state)
    indices = {index.name: index for index in model.indices}
    for shift in shifts:
        index = indices.get(shift.state)
        if index is None:
            state[shift.state] = np.maximum(state[shift.state] * shift.times + shift.by, 0.0)
            continue
        value = np.asarray(from_scale(index.scale, state[shift.state]))
        bounded = np.clip(value * shift.times + shift.by, *index.range)
        state[shift.state] = np.asarray(to_scale(index.scale, bounded), dtype=float)
    for move in moves:
        going = state[move.source] * move.share
        state[move.source], state[move.target] = state[move.source] - going, state[move.target] + going
    return Standing(standing.parameters, state, standing.levers)


def monthly(lab: BatchSimulator, measure: Measure, world: Floats) -> Floats:
    """Return a measure's path, shape (draws, months of the measure), from a world's outputs."""
    columns = lab.simulator.columns(measure.outputs)
    path = world[:, : measure.months, columns].sum(axis=2)
    if not measure.per:
        return np.asarray(path)
    return np.asarray(path / world[:, : measure.months, lab.simulator.column(measure.per)])
