"""What matters most for what is to come, and when something holds, under every prior set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from outbid.conventions import AFTER, BEFORE, NEUTRAL
from outbid.question import Context
from outbid.questions.sensitivity import indices, unknowns
from outbid.questions.sensitivity.schema import Condition, Discover, Options, Sensitivity
from outbid.simulate.engine import BatchSimulator, StateToday
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Scenario, lever_paths, rule_table
from outbid.stats.boxes import find_box

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
# Outcomes by scenario and name, each of shape (rows,).
Levels = Mapping[str, Mapping[str, Floats]]

# Beside the prior sets: inputs range over all that was held possible before the data.
FREE = "prior-free"
# Base samples of a quick run, and inputs that may bound a box.
QUICKLY, LIMITS = 32, 4


def answer(context: Context, asked: Sensitivity, options: Options | None = None) -> xr.Dataset:
    """Return what matters most and when something holds.

    Returns
    -------
    `first`, `total` and halves of their intervals by version ("neutral", "sources": each input by its marginal in
    the posterior; "prior-free"), explanation and input; `first_on_draws` and `rank_correlation` with `tied_to` on
    the posterior's draws as they are, not a number for chance; `share` of draws and the box by prior set and
    question, not a number where there is none or a side is open.
    """
    study, known, lab, seed = context.study, context.known, context.simulator, context.settings.seed
    model = study.model
    samples = min(asked.base_samples, QUICKLY) if context.settings.quick else asked.base_samples
    samples = (options and options.base_samples) or samples
    courses = {each.id: each for each in study.scenarios if each.id in asked.courses}
    today = {prior: each.history[AFTER].state_today for prior, each in known.items()}
    unseen = [known[NEUTRAL].history[BEFORE].state_today] if NEUTRAL in known else []
    inputs = unknowns.inputs_of(model, asked.outcomes, list(courses.values()), [*today.values(), *unseen])
    drawn = lab.innovations(unknowns.CHANCES, seed)
    chances = {name: drawn[name] for name in model.noisy}
    spaces: dict[str, unknowns.Space] = {}
    if asked.explain:
        spaces = {
            prior: unknowns.weighted_space(model, inputs, each, chances) for prior, each in today.items()
        }
        if unseen:
            spaces[FREE] = unknowns.free_space(model, inputs, unseen[0], chances)
    runs, rows = Runs(lab, asked, courses), samples * (len(inputs) + 2)
    by_version, by_prior = {}, {}
    with context.progress.stage("Looking for what matters most", rows * len(spaces) + len(known)) as stage:
        for version, space in spaces.items():
            by_version[version] = runs.shares(space, samples, seed, stage.advance)
        for prior, each in today.items():
            levels = runs.levels(each, lab.innovations(len(each), seed))
            by_prior[prior] = on_draws(runs, levels, inputs, unknowns.values_of(model, inputs, each))
            stage.advance()
    parts = [_together(by_prior, "prior"), *([_together(by_version, "version")] if by_version else [])]
    about = {
        name: ("input", [getattr(each, name) for each in inputs]) for name in ("kind", "meaning", "unit")
    }
    ids = {"explain": [each.id for each in asked.explain], "question": [each.id for each in asked.discover]}
    named = {name: each for name, each in ids.items() if each} | {"input": [each.key for each in inputs]}
    return xr.merge(parts).assign_coords(named | about).assign_attrs(base_samples=samples, runs=rows)


def _together(parts: Mapping[str, xr.Dataset], dim: str) -> xr.Dataset:
    return xr.concat(list(parts.values()), pd.Index(list(parts), name=dim))


@dataclass(frozen=True)
class Runs:
    """Plays the courses that a study asks of, and tells what is to be explained of them."""

    lab: BatchSimulator
    asked: Sensitivity
    courses: Mapping[str, Scenario]

    def levels(
        self, standing: StateToday, innovations: Mapping[str, Floats], of: Iterable[str] | None = None
    ) -> Levels:
        """Return every outcome's figure under all courses, or those named, all with the same innovations."""
        model = self.lab.model
        wanted = [item for item in model.outcomes if item.name in self.asked.outcomes]
        outputs = tuple(f"outcome.{item.name}" for item in wanted)
        result = {}
        for name in self.courses if of is None else of:
            course = self.courses[name]
            levers = lever_paths(model, course, standing.levers, self.lab.months)
            path = self.lab.run(standing, levers, innovations, rule_table(model, course.rules), outputs)
            result[name] = {item.name: summary(item, path[:, :, i]) for i, item in enumerate(wanted)}
        return result

    def explained(self, levels: Levels) -> Floats:
        """Return what is to be explained, shape (rows, explanations)."""
        columns = []
        for each in self.asked.explain:
            value = levels[each.scenario][each.outcome]
            columns.append(value - levels[each.against][each.outcome] if each.against else value)
        return np.stack(columns, axis=1)

    def shares(
        self,
        space: unknowns.Space,
        samples: int,
        seed: int,
        advance: Callable[[int], None] = lambda rows: None,
    ) -> xr.Dataset:
        """Return Sobol indices by explanation and input over a space of inputs.

        `lost` is the share of runs that overflowed; they count as the middle one.
        """
        explain = self.asked.explain
        needed = dict.fromkeys(name for each in explain for name in (each.against, each.scenario) if name)
        values = indices.stream(
            *(samples, len(space.inputs), seed),
            lambda points: self.explained(self.levels(*space.at(points), needed)),
            self.lab.draws,
            advance,
        )
        # in place: over a large design one more copy would be the largest thing held
        lost = float(np.mean(_mended(values).any(axis=2)))
        # A and B are plain samples of the space: places are counted among them.
        plain = values[:, [0, -1]].reshape(2 * samples, -1)
        for k, each in enumerate(explain):
            if each.scale == "place":
                values[:, :, k] = indices.placed(values[:, :, k].reshape(-1), plain[:, k]).reshape(
                    values.shape[:2]
                )
        shares = zip(indices.INDICES, indices.sobol_indices(values, seed), strict=True)
        return xr.Dataset({name: (("explain", "input"), each) for name, each in shares} | {"lost": lost})


def _mended(values: Floats) -> Flags:
    """Put the middle of all runs where one overflowed; return where that was."""
    lost = ~np.isfinite(values)
    for k in np.flatnonzero(lost.any(axis=(0, 1))):
        column = values[:, :, k]
        column[lost[:, :, k]] = np.median(column[~lost[:, :, k]]) if not lost[:, :, k].all() else 0.0
    return lost


def on_draws(runs: Runs, levels: Levels, inputs: Sequence[unknowns.Input], values: Floats) -> xr.Dataset:
    """Return what the posterior's draws as they are tell: shares alone, how inputs hang together, and boxes.

    Parameters
    ----------
    values
        Of all inputs but chance, shape (draws, inputs); every draw meets its own chance.
    """
    asked, names = runs.asked, [each.key for each in inputs if each.kind != unknowns.CHANCE]
    variables: dict[str, Any] = {"draws": len(values)}
    if asked.explain:
        whole = runs.explained(levels)
        for k, each in enumerate(asked.explain):
            if each.scale == "place":
                whole[:, k] = indices.placed(whole[:, k], whole[:, k])
        first, tied = np.full((2, len(asked.explain), len(inputs)), np.nan)
        correlations = indices.rank_correlations(values)
        nearest = np.argmax(np.abs(correlations), axis=1)
        first[:, : len(names)] = indices.given_data_shares(values, whole)
        tied[0, : len(names)] = correlations[np.arange(len(names)), nearest]
        variables["first_on_draws"] = (("explain", "input"), first)
        variables["rank_correlation"] = ("input", tied[0])
        variables["tied_to"] = ("input", [*(names[j] for j in nearest), *[""] * (len(inputs) - len(names))])
    if asked.discover:
        found = [discover(each, levels, values, names) for each in asked.discover]
        for name, first_value in found[0].items():
            dims = ("question", "limit") if np.ndim(first_value) else "question"
            variables[name] = (dims, np.array([each[name] for each in found]))
    return xr.Dataset(variables)


def met(condition: Condition, difference: Floats) -> Flags:
    """Return where a difference, shape (draws,), passes the condition's number."""
    if condition.below is not None:
        return np.asarray(difference < condition.below)
    return np.asarray(difference > (condition.above or 0.0))


def discover(question: Discover, levels: Levels, values: Floats, names: Sequence[str]) -> dict[str, Any]:
    """Return where a question's conditions hold together: the share of draws, and the box if there is one.

    Parameters
    ----------
    values
        Of the inputs, shape (draws, inputs), named by `names`.

    Returns
    -------
    Not a number where there is no box or a side is open; `checked_density` and `checked_elsewhere` are those on
    draws that the search hadn't seen.
    """
    one, other = levels[question.scenario], levels[question.against]
    holds = np.logical_and.reduce(
        [met(each, one[each.outcome] - other[each.outcome]) for each in question.condition]
    )
    box = find_box(values, holds, names, most=LIMITS)
    limits = box.limits if box is not None else ()
    density, elsewhere = (check(values, holds, names) if box is not None else None) or (np.nan, np.nan)
    ends = np.full((LIMITS, 2), np.nan)
    ends[: len(limits)] = [(each.low, each.high) for each in limits] or np.empty((0, 2))
    ends[~np.isfinite(ends)] = np.nan
    return {
        "share": holds.mean(),
        **{name: getattr(box, name, np.nan) for name in ("density", "elsewhere", "coverage", "mass")},
        "checked_density": density,
        "checked_elsewhere": elsewhere,
        "limit_on": [*(each.name for each in limits), *[""] * (LIMITS - len(limits))],
        "low": ends[:, 0],
        "high": ends[:, 1],
    }


def check(values: Floats, holds: Flags, names: Sequence[str]) -> tuple[float, float] | None:
    """Return (density, share elsewhere) of boxes found on one half of the draws and counted on the other.

    None where a half shows no box.
    """
    inside, outside = [], []
    for search in (slice(0, None, 2), slice(1, None, 2)):
        count = slice(1 - (search.start or 0), None, 2)
        box = find_box(values[search], holds[search], names)
        if box is None:
            return None
        within = box.holds_in(values[count], names)
        inside.append(holds[count][within])
        outside.append(holds[count][~within])
    density, elsewhere = np.concatenate(inside), np.concatenate(outside)
    if not density.size or not elsewhere.size:
        return None
    return float(density.mean()), float(elsewhere.mean())
