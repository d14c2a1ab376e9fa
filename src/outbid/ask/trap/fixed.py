"""The trap map with everybody else's behaviour as it is today.

In every cell the offer stands and the ranks are made up as the cell says; from there the same draws take the
moderating course and the other one. All cells and both courses meet the same chances (common random numbers),
so that neighbouring cells differ by what they are and not by luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from outbid.ask.trap.result import TrapMap
from outbid.ask.trap.settings import TrapSettings
from outbid.model.declare import Model
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Standing
from outbid.simulate.futures import summary
from outbid.simulate.rules import rule_table
from outbid.simulate.scenario import Scenario, lever_paths

Floats = NDArray[np.float64]


def map_fixed(
    lab: BatchSimulator, standing: Standing, settings: TrapSettings, offers: Floats, shares: Floats, seed: int
) -> TrapMap:
    """Return the map over these offers and shares, from where these draws stand today."""
    model, draws = lab.model, len(standing)
    noise = lab.innovations(draws, seed)
    effects = np.empty((len(settings.gains), len(shares), len(offers), draws))
    cells = [(i, j) for i in range(len(shares)) for j in range(len(offers))]
    together = max(1, lab.draws // draws)
    for start in range(0, len(cells), together):
        group = cells[start : start + together]
        there = stacked([with_share(standing, settings, float(shares[i])) for i, _ in group])
        same = {name: np.tile(value, (len(group), 1)) for name, value in noise.items()}
        levels = []
        for course in (settings.moderating, settings.staying):
            plans = [
                lever_paths(
                    model, under_offer(settings, course, float(offers[j])), standing.levers, lab.months
                )
                for _, j in group
            ]
            path = lab.run(
                there, np.concatenate(plans), same, rule_table(model, course.rules), told(settings)
            )
            levels.append(levels_of(model, settings, path))
        gained = (levels[0] - levels[1]).reshape(len(settings.gains), len(group), draws)
        for place, (i, j) in enumerate(group):
            effects[:, i, j] = gained[:, place]
    return TrapMap(offers, shares, effects)


def as_things_stand(lab: BatchSimulator, standing: Standing, settings: TrapSettings, seed: int) -> Floats:
    """Return what the moderating course changes with today's offer and ranks, shape (gains, draws)."""
    model, noise = lab.model, lab.innovations(len(standing), seed)
    levels = [
        levels_of(
            model,
            settings,
            lab.run(
                standing,
                lever_paths(model, course, standing.levers, lab.months),
                noise,
                rule_table(model, course.rules),
                told(settings),
            ),
        )
        for course in (settings.moderating, settings.staying)
    ]
    return levels[0] - levels[1]


def told(settings: TrapSettings) -> tuple[str, ...]:
    """Return the outputs of a run that the map needs."""
    return tuple(f"outcome.{gain.outcome}" for gain in settings.gains)


def levels_of(model: Model, settings: TrapSettings, path: Floats) -> Floats:
    """Return the outcomes over the horizon, turned so that more is a gain; path (rows, months, gains) to (gains, rows)."""
    outcomes = {each.name: each for each in model.outcomes}
    levels = []
    for i, gain in enumerate(settings.gains):
        outcome = outcomes[gain.outcome]
        levels.append((1.0 if outcome.better == "higher" else -1.0) * summary(outcome, path[:, :, i]))
    return np.stack(levels)


def under_offer(settings: TrapSettings, course: Scenario, offer: float) -> Scenario:
    """Return a course with an offer on the table."""
    return course.model_copy(update={"changes": (*course.changes, *settings.offer.changes(offer))})


def with_share(standing: Standing, settings: TrapSettings, share: float) -> Standing:
    """Return the draws with the two stocks shared out anew."""
    return replace(standing, state=settings.split.moved(standing.state, share))


def stacked(parts: Sequence[Standing]) -> Standing:
    """Return draws one after another."""
    return Standing(
        np.concatenate([part.parameters for part in parts]),
        {name: np.concatenate([part.state[name] for part in parts]) for name in parts[0].state},
        np.concatenate([part.levers for part in parts]),
    )


def spread(standing: Standing, count: int) -> Standing:
    """Return so many draws, evenly spaced over all."""
    return standing.taken(evenly(len(standing), count))


def evenly(total: int, count: int) -> NDArray[np.int64]:
    """Return so many places, at most all, evenly spaced over a total."""
    return np.linspace(0, total - 1, min(count, total)).astype(int)
