"""Where every scenario leads, over the same draws and with the same shocks, after the data and before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
from pydantic import BaseModel, Field, ValidationInfo, model_validator

from outbid.conventions import DATA, QUANTILES
from outbid.declared import read_required
from outbid.question import Context
from outbid.simulate.futures import Futures, finite, levels, play, reached
from outbid.simulate.scenario import Goal, Scenario, ScenarioFile
from outbid.study import Study

FILE = "scenarios.toml"


class Options(BaseModel):
    """What may be said beside the study's declaration."""

    scenarios: Path | None = Field(None, description="a TOML file of scenarios of your own, and of goals")

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> Self:
        """Read the file, so that its faults are told before anything slow begins."""
        if self.scenarios is not None and info.context:
            read_required(self.scenarios, ScenarioFile, info.context["study"].names)
        return self


def declare(study: Study) -> Sequence[Scenario] | None:
    """Return the study's scenarios, None if it has none."""
    return study.scenarios or None


def answer(context: Context, asked: Sequence[Scenario], options: Options | None = None) -> xr.Dataset:
    """Return the outcomes of the study's scenarios, or of those of a user's file, as `compared` does.

    A user's goals count if the file has any, else the study's. The attribute `file` is the file's name. Raises
    InputError if it does not hold sound scenarios.
    """
    study, file, goals = context.study, options.scenarios if options else None, context.study.goals
    futures = {prior: [each.future[data] for data in DATA] for prior, each in context.known.items()}
    if file is not None:
        own, seed = read_required(file, ScenarioFile, study.names), context.settings.seed
        goals = own.goals or goals
        with context.progress.stage(f"Playing the scenarios of {file.name}", len(futures)) as stage:
            for prior, each in context.known.items():
                futures[prior] = [
                    play(study.model, context.simulator, each.history[data].state_today, own.scenarios, seed)
                    for data in DATA
                ]
                stage.advance()
    months = study.panel.window.after(context.simulator.months)
    return compared(futures, goals, months).assign_attrs(file=file.name if file else "")


def compared(
    futures: Mapping[str, Sequence[Futures]], goals: Sequence[Goal], months: Sequence[str]
) -> xr.Dataset:
    """Return what scenarios lead to, from the futures by prior set, after the data and before them.

    `level`: outcomes over the horizon draw by draw; `path`: quantiles by month, after the data; `goal_met`: the
    probability of each goal and of all together. `declared` and `goal_declared` hold scenarios and goals as JSON.
    """
    priors, data = xr.Variable("prior", list(futures)), xr.Variable("data", list(DATA))
    level = xr.concat([xr.concat(map(levels, pair), data) for pair in futures.values()], priors)
    path = xr.concat([_paths(after) for after, _ in futures.values()], priors)
    made = xr.Dataset(
        {"level": level, "path": path.assign_coords(month=list(months)), "goal_met": reached(level, goals)}
    )
    texts = [each.model_dump_json(exclude_defaults=True) for each in goals]
    return made.assign_coords(
        declared=(
            "scenario",
            [
                each.model_dump_json(exclude_defaults=True)
                for each in next(iter(futures.values()))[0].scenarios
            ],
        ),
        # the last is all of them together
        goal_declared=("goal", [*texts, ""] if texts else []),
    )


def _paths(futures: Futures) -> xr.DataArray:
    """Return quantiles of the monthly paths."""
    shares = list(QUANTILES.values())
    values = [np.quantile(finite(futures.paths[item.id]), shares, axis=0) for item in futures.scenarios]
    names = {
        "scenario": [item.id for item in futures.scenarios],
        "quantile": list(QUANTILES),
        "outcome": [item.name for item in futures.outcomes],
    }
    return xr.DataArray(values, names, ("scenario", "quantile", "month", "outcome"))
