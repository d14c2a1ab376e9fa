"""The effect of scenarios over a posterior: what every other question is built on.

Every scenario is played over the same draws with the same future innovations (common random numbers), so a
difference between two scenarios is free of the noise that they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from outbid.model.declare import Model
from outbid.model.vocabulary import Outcome
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.scenario import TOGETHER, Goal, Scenario, lever_paths, rule_table
from outbid.stats.effects import effects, quantiles

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Futures:
    """What every scenario leads to; `paths`: by scenario, of shape (draws, months, outcomes)."""

    outcomes: tuple[Outcome, ...]
    scenarios: tuple[Scenario, ...]
    paths: Mapping[str, Floats]

    @property
    def baseline(self) -> str:
        """The ID of the scenario that the others are held against."""
        return next(item.id for item in self.scenarios if item.baseline)

    def levels(self, scenario: str) -> Floats:
        """Return each draw's outcomes over the horizon, shape (draws, outcomes), summed up as declared."""
        path = self.paths[scenario]
        return np.stack(
            [summary(item.summary, path[:, :, i]) for i, item in enumerate(self.outcomes)], axis=1
        )


def summary(how: str, path: Floats) -> Floats:
    """Return a path, shape (draws, months), as one figure over the horizon: its "sum", "mean", "end" or "mean_last_year"."""
    if how == "end":
        return np.asarray(path[:, -1])
    if how == "sum":
        return np.asarray(path.sum(axis=1))
    return np.asarray((path if how == "mean" else path[:, -12:]).mean(axis=1))


def finite(values: Floats) -> Floats:
    """Return values with what is not finite missing."""
    return np.where(np.isfinite(values), values, np.nan)


def play(
    model: Model, simulator: Simulator, standing: StateToday, scenarios: Sequence[Scenario], seed: int
) -> Futures:
    """Play scenarios from where the draws stand today, all with the same innovations."""
    innovations = simulator.innovations(len(standing), seed)
    outcomes, paths = [f"outcome.{item.name}" for item in model.outcomes], {}
    for item in scenarios:
        levers = lever_paths(model, item, standing.levers, simulator.months)
        rules = rule_table(model, item.rules)
        paths[item.id] = simulator.run(standing, levers, innovations, rules, outcomes)
    return Futures(model.outcomes, tuple(scenarios), paths)


# The share of draws that a tail mean is taken over.
TAIL = 0.05
# By criterion, the column that it goes by, and whether that is a distance from the best scenario or a level.
DISTANCES = {"on_average": "regret", "minimax_regret": "largest_regret"}
LEVELS = {"maximin": "worst", "worst_tail": "worst_tail"}
DOMAIN = "domain"
# Relative differences below this are rounding: the scenarios are tied.
_TIED = 1e-9


def levels(futures: Futures) -> xr.DataArray:
    """Return the outcomes over the horizon by scenario, outcome and draw; what is not finite is missing."""
    stacked = np.stack([futures.levels(item.id) for item in futures.scenarios])
    names = {"scenario": [s.id for s in futures.scenarios], "outcome": [o.name for o in futures.outcomes]}
    values = finite(stacked).transpose(0, 2, 1)
    return xr.DataArray(np.ascontiguousarray(values), names, ("scenario", "outcome", "draw"))


def levels_by_prior(futures: Mapping[str, Futures]) -> xr.DataArray:
    """Return `levels` of every prior set."""
    return xr.concat([levels(each) for each in futures.values()], xr.Variable("prior", list(futures)))


def directions(outcomes: Sequence[Outcome]) -> xr.DataArray:
    """Return which way is better ("higher" or "lower") by outcome."""
    names = [each.name for each in outcomes]
    return xr.DataArray([each.better for each in outcomes], {"outcome": names}, ("outcome",))


def against_baseline(futures: Mapping[str, Futures]) -> pd.DataFrame:
    """Return, by prior set, scenario and outcome, its level over the horizon and its difference from the baseline.

    Returns scenario, prior, outcome, level_median, level_q05, level_q95, and the columns of effects.
    """
    first, level = next(iter(futures.values())), levels_by_prior(futures)
    ends = {name: f"level_{name}" for name in ("median", "q05", "q95")}
    frame = quantiles(level)[list(ends)].rename(ends).to_dataframe().reset_index()
    difference = level - level.sel(scenario=first.baseline, drop=True)
    return frame.merge(effects(difference, directions(first.outcomes)), sort=False)


def criteria(level: xr.DataArray, better: xr.DataArray) -> xr.Dataset:
    """Return by scenario and outcome, in the outcome's unit, what the criteria go by.

    `p_best`: of being the best scenario of a draw (ties share); `regret` and `largest_regret`: mean and maximum of
    the shortfall against it; `worst`: the worst level over draws; `worst_tail`: the mean of the worst 5%. Least
    expected regret and best expected level are the same thing, since the best scenario of a draw is the same for all.
    """
    sign = 2.0 * (better == "higher") - 1.0
    gains = sign * level
    regrets = gains.max("scenario", skipna=False) - gains
    sizes: xr.DataArray = abs(gains)
    leading = regrets <= _TIED * sizes.max("scenario", skipna=False)
    # in a draw with a level that is no number nobody leads
    best = leading / np.maximum(leading.sum("scenario"), 1)
    ordered = gains.copy(data=np.sort(gains.values, axis=gains.get_axis_num("draw")))
    # sorting alone would hide a level that is no number at the end
    ordered = ordered.where(gains.notnull().all("draw"))
    tail = slice(max(1, int(np.ceil(TAIL * level.sizes["draw"]))))
    return xr.Dataset(
        {
            "p_best": best.mean("draw").where(gains.notnull().all(["draw", "scenario"])),
            "regret": regrets.mean("draw", skipna=False),
            "largest_regret": regrets.max("draw", skipna=False),
            "worst": sign * ordered.isel(draw=0),
            "worst_tail": sign * ordered.isel(draw=tail).mean("draw", skipna=False),
        }
    )


def reached(level: xr.DataArray, goals: Sequence[Goal]) -> xr.DataArray:
    """Return how probable it is that each goal is met, and `TOGETHER` all of them; without goals, nothing.

    None where a draw has no number.
    """
    own = [level.sel(outcome=goal.outcome, drop=True) for goal in goals]
    met = [xr.apply_ufunc(goal.reached, of).where(of.notnull()) for goal, of in zip(goals, own, strict=True)]
    if not met:
        return level.isel(outcome=[]).mean("draw").rename(outcome="goal")
    each = xr.concat(met, xr.Variable("goal", [goal.id for goal in goals]))
    together = each.min("goal", skipna=False).expand_dims(goal=[TOGETHER])
    share: xr.DataArray = xr.concat([each, together], "goal").mean("draw", skipna=False)
    return share


def picks(level: xr.DataArray, better: xr.DataArray, goals: Sequence[Goal] = ()) -> pd.DataFrame:
    """Return by criterion and outcome the scenario that it picks, several where they are tied ("a b").

    The domain criterion looks at all goals at once and has no outcome; it is there if there are goals.
    """
    by, rows = criteria(level, better), []
    for outcome in map(str, level["outcome"].values):
        own, sign = by.sel(outcome=outcome), 1.0 if better.sel(outcome=outcome) == "higher" else -1.0
        size = float(np.abs(own["worst"].values).max())
        scores = {name: -own[column] for name, column in DISTANCES.items()}
        scores |= {name: sign * own[column] for name, column in LEVELS.items()}
        rows += [(name, outcome, _highest(values, size)) for name, values in scores.items()]
    if goals:
        rows.append((DOMAIN, "", _highest(reached(level, goals).sel(goal=TOGETHER), 1.0)))
    return pd.DataFrame(rows, columns=["criterion", "outcome", "picks"])


def _highest(values: xr.DataArray, size: float) -> str:
    """Return who has the highest value, ties together; nobody where all are missing."""
    known = {str(each["scenario"].item()): float(each) for each in values if np.isfinite(each)}
    best = max(known.values(), default=np.nan)
    room = _TIED * max(size if np.isfinite(size) else 0.0, abs(best))
    return " ".join(name for name, value in known.items() if best - value <= room)
