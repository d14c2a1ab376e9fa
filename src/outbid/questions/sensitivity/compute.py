"""What matters most for what is to come, and when something holds, under every prior set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Scenario, lever_paths, rule_table
from outbid.stats.boxes import find_box

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
# Outcomes by scenario and name, each of shape (rows,).
Levels = Mapping[str, Mapping[str, Floats]]

# Beside the prior sets: inputs range over all that was held possible before the data.
FREE = "prior-free"
# Runs at a time: all of a large design at once would be a lot to hold.
ROWS = 2000
# Base samples of a quick run, and inputs that may bound a box.
QUICKLY, LIMITS = 32, 4
# Of more lost runs than this share, the middle of the others is no stand-in.
MOST_LOST = 0.01


def answer(context: Context, asked: Sensitivity, options: Options | None = None) -> xr.Dataset:
    """Return what matters most and when something holds.

    `first_order`, `total` and halves of their intervals by version ("neutral", "sources": each input by its marginal in
    the posterior; "prior-free"), explanation and input; `first_order_on_draws` and `rank_correlation` with `tied_to` on
    the posterior's draws as they are, not a number for chance; `share` of draws and the box by prior set and
    question, not a number where there is none or a side is open.
    """
    study, known, lab, settings = context.study, context.known, context.simulator, context.settings
    model, seed = study.model, settings.seed
    declared = min(asked.base_samples, QUICKLY) if settings.quick else asked.base_samples
    samples = (options and options.base_samples) or declared
    courses = {each.id: each for each in study.scenarios if each.id in asked.courses}
    today = {prior: each.history[AFTER].state_today for prior, each in known.items()}
    unseen = {FREE: known[NEUTRAL].history[BEFORE].state_today} if NEUTRAL in known else {}
    standings = [*today.values(), *unseen.values()]
    inputs = unknowns.inputs_of(model, asked.outcomes, list(courses.values()), standings)
    chances = lab.innovations(unknowns.CHANCES, seed)
    spaces = {prior: unknowns.weighted_space(model, inputs, each, chances) for prior, each in today.items()}
    spaces |= {version: unknowns.free_space(model, inputs, each, chances) for version, each in unseen.items()}
    spaces = spaces if asked.explain else {}
    runs, rows = Runs(lab, asked, courses), samples * (len(inputs) + 2)
    by_version, by_prior = {}, {}
    with context.progress.stage("Looking for what matters most", rows * len(spaces) + len(known)) as stage:
        for version, space in spaces.items():
            by_version[version] = runs.shares(space, samples, seed, stage.advance)
        for prior, each in today.items():
            levels = runs.levels(each, lab.innovations(len(each), seed))
            by_prior[prior] = on_draws(runs, levels, inputs, unknowns.values_of(model, inputs, each))
            stage.advance()
    both = (("prior", by_prior), ("version", by_version))
    parts = [xr.concat(list(of.values()), pd.Index(list(of), name=name)) for name, of in both if of]
    ids = {"explain": asked.explain, "question": asked.discover}
    named: dict[str, Any] = {name: [each.id for each in entries] for name, entries in ids.items() if entries}
    named["input"] = [each.key for each in inputs]
    for about in ("kind", "meaning", "unit"):
        named[about] = ("input", [getattr(each, about) for each in inputs])
    return xr.merge(parts).assign_coords(named).assign_attrs(base_samples=samples, runs=rows)


@dataclass(frozen=True)
class Runs:
    """Plays the courses that a study asks of, and tells what is to be explained of them."""

    lab: Simulator
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
            result[name] = {item.name: summary(item.summary, path[:, :, i]) for i, item in enumerate(wanted)}
        return result

    def explained(self, levels: Levels) -> Floats:
        """Return what is to be explained, shape (rows, explanations)."""
        columns = []
        for each in self.asked.explain:
            value = levels[each.scenario][each.outcome]
            columns.append(value - levels[each.against][each.outcome] if each.against else value)
        return np.stack(columns, axis=1)

    def put_in_place(self, values: Floats, among: Floats) -> None:
        """Replace values (..., explanations) by their places among others where an explanation asks for that."""
        for k, each in enumerate(self.asked.explain):
            if each.scale == "place":
                values[..., k] = indices.placed(values[..., k], among[:, k])

    def shares(
        self, space: unknowns.Space, samples: int, seed: int, advance: indices.Advance = lambda rows: None
    ) -> xr.Dataset:
        """Return Sobol indices by explanation and input over a space of inputs.

        `lost` is the share of runs that are no number; they count as the middle one, up to `MOST_LOST` of them, and
        beyond that there are no indices.
        """
        pairs = ((each.against, each.scenario) for each in self.asked.explain)
        needed = dict.fromkeys(name for pair in pairs for name in pair if name)

        def evaluate(points: Floats) -> Floats:
            return self.explained(self.levels(*space.at(points), needed))

        values = indices.stream(samples, len(space.inputs), seed, evaluate, ROWS, advance)
        # in place: over a large design one more copy would be the largest thing held
        lost = _mended(values)
        # A and B are plain samples of the space: places are counted among them.
        self.put_in_place(values, values[:, [0, -1]].reshape(2 * samples, -1))
        found = indices.sobol_indices(values, seed)
        found[:, lost.mean(axis=(0, 1)) > MOST_LOST] = np.nan
        shares = zip(indices.INDICES, found, strict=True)
        told: dict[str, Any] = {name: (("explain", "input"), each) for name, each in shares}
        return xr.Dataset(told | {"lost": float(lost.any(axis=2).mean())})


def _mended(values: Floats) -> Flags:
    """Put the middle of all runs where one overflowed; return where that was."""
    lost = ~np.isfinite(values)
    for k in np.flatnonzero(lost.any(axis=(0, 1))):
        column = values[:, :, k]
        column[lost[:, :, k]] = np.median(column[~lost[:, :, k]]) if not lost[:, :, k].all() else 0.0
    return lost


def on_draws(runs: Runs, levels: Levels, inputs: Sequence[unknowns.Input], values: Floats) -> xr.Dataset:
    """Return what the posterior's draws as they are tell: shares alone, how inputs hang together, and boxes.

    `values` are those of all inputs but chance, shape (draws, inputs); every draw meets its own chance.
    """
    asked, names = runs.asked, [each.key for each in inputs if each.kind != unknowns.CHANCE]
    parts = [xr.Dataset({"draws": len(values)})]
    if asked.explain:
        whole = runs.explained(levels)
        lost = np.asarray(~np.isfinite(whole).all(axis=0))
        runs.put_in_place(whole, whole)
        shares = np.where(lost[:, None], np.nan, indices.given_data_shares(values, whole))
        correlations = indices.rank_correlations(values)
        nearest = np.argmax(np.abs(correlations), axis=1)
        own = {
            "first_order_on_draws": (("explain", "input"), shares),
            "rank_correlation": ("input", correlations[np.arange(len(names)), nearest]),
            "tied_to": ("input", np.array(names)[nearest]),
        }
        every = [each.key for each in inputs]
        parts.append(xr.Dataset(own, {"input": names}).reindex(input=every, fill_value={"tied_to": ""}))
    if asked.discover:
        parts.append(
            xr.concat([discover(each, levels, values, names) for each in asked.discover], "question")
        )
    return xr.merge(parts)


def met(condition: Condition, difference: Floats) -> Flags:
    """Return where a difference, shape (draws,), passes the condition's number."""
    if condition.below is not None:
        return np.asarray(difference < condition.below)
    return np.asarray(difference > (condition.above or 0.0))


def discover(question: Discover, levels: Levels, values: Floats, names: Sequence[str]) -> xr.Dataset:
    """Return where a question's conditions hold together: the share of draws, and the box if there is one.

    `values` are those of the inputs, shape (draws, inputs), named by `names`. Not a number where there is no box or a
    side is open, nor where a draw has none; `checked_density` and `checked_elsewhere` are those on draws that the search
    hadn't seen.
    """
    one, other = levels[question.scenario], levels[question.against]
    holds = np.logical_and.reduce(
        [met(each, one[each.outcome] - other[each.outcome]) for each in question.condition]
    )
    known = all(np.isfinite(one[c.outcome] - other[c.outcome]).all() for c in question.condition)
    box = find_box(values, holds, names, most=LIMITS) if known else None
    limits = () if box is None else box.limits
    density, elsewhere = (box and check(values, holds, names)) or (np.nan, np.nan)
    ends = np.full((2, LIMITS), np.nan)
    for i, each in enumerate(limits):
        ends[:, i] = each.low, each.high
    ends[~np.isfinite(ends)] = np.nan
    return xr.Dataset(
        {
            "share": holds.mean() if known else np.nan,
            **{name: getattr(box, name, np.nan) for name in ("density", "elsewhere", "coverage", "mass")},
            "checked_density": density,
            "checked_elsewhere": elsewhere,
            "limit_on": ("limit", [*(each.name for each in limits), *[""] * (LIMITS - len(limits))]),
            "low": ("limit", ends[0]),
            "high": ("limit", ends[1]),
        }
    )


def check(values: Floats, holds: Flags, names: Sequence[str]) -> tuple[float, float] | None:
    """Return (density, share elsewhere) of boxes found on one half of the draws and counted on the other.

    None where a half shows no box.
    """
    parts = []
    for start in (0, 1):
        search, count = slice(start, None, 2), slice(1 - start, None, 2)
        box = find_box(values[search], holds[search], names)
        if box is None:
            return None
        parts.append((holds[count], box.holds_in(values[count], names)))
    counted, within = (np.concatenate(each) for each in zip(*parts, strict=True))
    if within.all() or not within.any():
        return None
    return float(counted[within].mean()), float(counted[~within].mean())
