"""Share out the spread of outcomes among what is uncertain, over the posterior and free of the priors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.ask.sensitivity.design import Design, stream
from outbid.ask.sensitivity.indices import (
    Indices,
    given_data_shares,
    placed,
    rank_correlations,
    sobol_indices,
)
from outbid.ask.sensitivity.inputs import Input, Space, values_of
from outbid.ask.sensitivity.settings import PLACE, Explain, SensitivitySettings
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Standing
from outbid.simulate.futures import summary
from outbid.simulate.rules import rule_table
from outbid.simulate.scenario import lever_paths

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """What matters how much for each outcome that is explained.

    Parameters
    ----------
    indices
        By outcome (in the settings' order) and input.
    spread
        5%, 50% and 95% quantiles of each outcome over the design, shape (outcomes, 3), in its unit.
    lost
        Share of runs that overflowed; they count as the middle one.
    """

    inputs: tuple[Input, ...]
    indices: Indices
    spread: Floats
    samples: int
    lost: float = 0.0


@dataclass(frozen=True)
class Dependent:
    """First-order shares on the draws as they are, with how inputs hang together; all without chance.

    Parameters
    ----------
    first
        Shape (outcomes, inputs).
    tied
        Rank correlations of the inputs, shape (inputs, inputs), the diagonal zero.
    spread
        5%, 50% and 95% quantiles of each outcome over the draws, shape (outcomes, 3), in its unit.
    """

    first: Floats
    tied: Floats
    spread: Floats


def levels(
    lab: BatchSimulator,
    settings: SensitivitySettings,
    standing: Standing,
    innovations: Mapping[str, Floats],
    scenarios: Sequence[str],
) -> dict[str, dict[str, Floats]]:
    """Return every outcome's figure, shape (rows,), by scenario and outcome, all with the same innovations."""
    wanted = [item for item in lab.model.outcomes if item.name in settings.outcomes]
    outputs = tuple(f"outcome.{item.name}" for item in wanted)
    result = {}
    for name in scenarios:
        scenario = settings.scenarios[name]
        levers = lever_paths(lab.model, scenario, standing.levers, lab.months)
        path = lab.run(standing, levers, innovations, rule_table(lab.model, scenario.rules), outputs)
        result[name] = {item.name: summary(item, path[:, :, i]) for i, item in enumerate(wanted)}
    return result


def explained(settings: SensitivitySettings, told: Mapping[str, Mapping[str, Floats]]) -> Floats:
    """Return what is to be explained, shape (rows, explanations), from outcomes by scenario."""
    columns = []
    for each in settings.explain:
        value = told[each.scenario][each.outcome]
        columns.append(value - told[each.against][each.outcome] if each.against else value)
    return np.stack(columns, axis=1)


def needed(asked: Sequence[Explain]) -> tuple[str, ...]:
    """Return the scenarios that have to be played for what is to be explained."""
    return tuple(dict.fromkeys(name for each in asked for name in (each.against, each.scenario) if name))


def shares(
    lab: BatchSimulator,
    settings: SensitivitySettings,
    space: Space,
    samples: int,
    seed: int,
    told: Callable[[int], None] | None = None,
) -> Shares:
    """Return Sobol indices of every explanation over a space of inputs."""
    design = Design(samples, len(space.inputs), seed)
    courses = needed(settings.explain)

    def evaluate(points: Floats) -> Floats:
        standing, innovations = space.at(points)
        return explained(settings, levels(lab, settings, standing, innovations, courses))

    values = stream(design, evaluate, lab.draws, told)
    # in place: over a large design one more copy would be the largest thing held
    lost = float(np.mean(_mended(values).any(axis=2)))
    # A and B are plain samples of the space: places are counted among them.
    plain = values[:, [0, -1]].reshape(2 * samples, -1)
    for k, each in enumerate(settings.explain):
        if each.scale == PLACE:
            values[:, :, k] = placed(values[:, :, k].reshape(-1), plain[:, k]).reshape(values.shape[:2])
    return Shares(space.inputs, sobol_indices(values, seed), _spread(plain), samples, lost)


def dependent(
    lab: BatchSimulator,
    settings: SensitivitySettings,
    inputs: Sequence[Input],
    standing: Standing,
    told: Floats,
) -> Dependent:
    """Return first-order shares on draws as they are; `told` is what `explained` gives for them."""
    columns = [
        placed(told[:, k], told[:, k]) if each.scale == PLACE else told[:, k]
        for k, each in enumerate(settings.explain)
    ]
    values = values_of(lab.model, inputs, standing)
    shared = given_data_shares(values, np.stack(columns, axis=1))
    return Dependent(shared, rank_correlations(values), _spread(told))


def _mended(values: Floats) -> NDArray[np.bool_]:
    """Put the middle of all runs where one overflowed; return where that was."""
    lost = ~np.isfinite(values)
    for k in np.flatnonzero(lost.any(axis=(0, 1))):
        column = values[:, :, k]
        column[lost[:, :, k]] = np.median(column[~lost[:, :, k]]) if not lost[:, :, k].all() else 0.0
    return lost


def _spread(values: Floats) -> Floats:
    return np.asarray(np.quantile(values, [0.05, 0.5, 0.95], axis=0).T)
