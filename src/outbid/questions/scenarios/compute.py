"""Where every scenario leads, over the same draws and with the same shocks, after the data and before them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from outbid.conventions import AFTER, BEFORE, DATA, QUANTILES
from outbid.model.declare import Model
from outbid.question import Context
from outbid.questions.scenarios.schema import Courses, Options, own_courses
from outbid.simulate.futures import TOGETHER, Futures, levels, play, reached
from outbid.simulate.scenario import Rule, Scenario
from outbid.words.numbers import plain_name, reported, unit_of


def answer(context: Context, asked: Courses, options: Options | None = None) -> xr.Dataset:
    """Return every scenario's outcomes under every prior set.

    Returns
    -------
    `level`: outcomes over the horizon draw by draw, after the data and before them; `path`: quantiles by month;
    `goal_met`: the probability of each goal and of all together. Texts of scenarios and goals are coordinates, since
    they may come from a user's file, whose name is the attribute `file`.

    Raises
    ------
    InputError
        If a user's file does not hold sound scenarios; the complaint names the file.
    """
    study, file = context.study, options.scenarios if options else None
    sides = {prior: (each.future[AFTER], each.future[BEFORE]) for prior, each in context.known.items()}
    if file is not None:
        asked, simulator = own_courses(study, file), context.simulator.simulator
        title = f"Playing the scenarios of {file.name}"
        with context.progress.stage(title, 2 * len(context.known)) as stage:
            for prior, each in context.known.items():
                played = []
                for past in (each.history[AFTER], each.history[BEFORE]):
                    # as many draws as the simulator's batches, so nothing is compiled anew
                    played.append(
                        play(study.model, simulator, past.state_today, asked.scenarios, context.settings.seed)
                    )
                    stage.advance()
                sides[prior] = (played[0], played[1])
    months = study.panel.window.after(context.simulator.months)
    return described(
        dataset(sides, asked, months), study.model, asked, next(iter(sides.values()))[0].scenarios
    ).assign_attrs(file=file.name if file else "")


def dataset(sides: dict[str, tuple[Futures, Futures]], asked: Courses, months: Sequence[str]) -> xr.Dataset:
    """Return `answer` without texts, from the futures by prior set, after the data and before them."""
    priors = xr.Variable("prior", list(sides))
    level = xr.concat(
        [
            xr.concat([levels(each) for each in pair], xr.Variable("data", list(DATA)))
            for pair in sides.values()
        ],
        priors,
    )
    path = xr.concat([_paths(after) for after, _ in sides.values()], priors)
    met = reached(level, asked.goals)
    made = xr.Dataset({"level": level, "path": path.assign_coords(month=list(months)), "goal_met": met})
    return made.assign_coords(goal=[*(goal.id for goal in asked.goals), *([TOGETHER] if asked.goals else [])])


def _paths(futures: Futures) -> xr.DataArray:
    """Return quantiles of the monthly paths."""
    shares = list(QUANTILES.values())
    values = [np.quantile(futures.paths[item.id], shares, axis=0) for item in futures.scenarios]
    names = {
        "scenario": [item.id for item in futures.scenarios],
        "quantile": list(QUANTILES),
        "outcome": [item.name for item in futures.outcomes],
    }
    return xr.DataArray(values, names, ("scenario", "quantile", "month", "outcome"))


def described(made: xr.Dataset, model: Model, asked: Courses, played: Sequence[Scenario]) -> xr.Dataset:
    """Return the answer with the texts of scenarios and goals, for those who tell it."""
    goals = [*asked.goals] if asked.goals else []
    return made.assign_coords(
        label=("scenario", [each.label for each in played]),
        course=("scenario", [each.course for each in played]),
        description=("scenario", [in_words(model, each) for each in played]),
        baseline=("scenario", [each.baseline for each in played]),
        goal_outcome=("goal", [*(goal.outcome for goal in goals), *([""] if goals else [])]),
        at_least=("goal", _bounds([goal.at_least for goal in goals])),
        at_most=("goal", _bounds([goal.at_most for goal in goals])),
        goal_label=("goal", [*(goal.label for goal in goals), *(["All of them"] if goals else [])]),
        goal_description=("goal", [*(goal.description for goal in goals), *([""] if goals else [])]),
    )


def _bounds(given: Sequence[float | None]) -> list[float]:
    return [np.nan if each is None else each for each in (*given, None)] if given else []


def in_words(model: Model, scenario: Scenario) -> str:
    """Return a scenario's description with its conditional rules in words."""
    return " ".join((scenario.description, *(_rule(model, rule) for rule in scenario.rules)))


def _rule(model: Model, rule: Rule) -> str:
    threshold = rule.above if rule.above is not None else rule.below
    side = "above" if rule.above is not None else "below"
    unit = unit_of(model.lever(rule.lever).unit)[1]
    unit = f" ({unit})" if unit not in ("", "%", "share") else ""
    watched = " persons" if rule.watch in {item.name for item in model.stocks} else ""
    since = f", from month {rule.start} on" if rule.start > 1 else ""
    return (
        f"While {plain_name(rule.watch)} is {side} {reported(threshold or 0.0)}{watched}{since}, "
        f"{plain_name(rule.lever)} is at {reported(rule.to)}{unit}."
    )
