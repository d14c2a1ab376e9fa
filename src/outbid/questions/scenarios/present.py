"""How scenarios compare: tables, paths, section, terminal lines."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, BEFORE, QUANTILES
from outbid.model.declare import Model
from outbid.plots.bands import Ribbon, bands, in_units, panels
from outbid.plots.base import FOCUS, INK, QUIET, Control, Figure
from outbid.question import Section
from outbid.simulate.futures import criteria, directions, picks
from outbid.simulate.scenario import Goal, Rule, Scenario
from outbid.stats.effects import beside, effects, five_digits, lost_draws, quantiles, tabled
from outbid.study import Study
from outbid.words.effects import effect_blocks, effect_lines, ends_in_words, headline, records, views
from outbid.words.numbers import capital, counted, percent, plain_name, reported, unit_of, with_unit

KEYS = ["scenario", "prior", "outcome"]


def played(dataset: xr.Dataset) -> list[Scenario]:
    """Return the scenarios that were played."""
    return [Scenario.model_validate_json(each) for each in dataset["declared"].values]


def goals(dataset: xr.Dataset) -> list[Goal]:
    """Return the goals that were asked about."""
    return [Goal.model_validate_json(each) for each in dataset["goal_declared"].values if each]


def _baseline(dataset: xr.Dataset) -> Scenario:
    return next(each for each in played(dataset) if each.baseline)


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return scenarios (effects against the baseline, levels, regret), fans, comparison (criteria), picks and goals."""
    better, after = directions(study.model.outcomes), dataset.level.sel(data=AFTER, drop=True)
    difference = dataset.level - dataset.level.sel(scenario=_baseline(dataset).id, drop=True)
    frame = effects(difference.transpose("data", "prior", "outcome", "scenario", "draw"), better)
    frame = beside(frame, "level", quantiles(after)[["median", "q05", "q95"]])
    by = frame[KEYS].merge(tabled(criteria(after, better), KEYS), sort=False)
    picked = [
        picks(after.sel(prior=prior), better, goals(dataset)).assign(prior=prior) for prior in views(frame)
    ]
    fans = tabled(dataset.path, ["prior", "scenario", "month", "outcome"])[[*KEYS, "month", *QUANTILES]]
    made = {
        "scenarios": frame.merge(by[[*KEYS, "regret"]], sort=False),
        "fans": five_digits(fans),
        "comparison": by,
        "picks": pd.concat(picked, ignore_index=True)[["criterion", "outcome", "prior", "picks"]],
    }
    return {**made, "goals": _goal_table(dataset)} if dataset.sizes["goal"] else made


def _goal_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Return how probably each scenario meets each goal, and all of them, after the data and before them."""
    met = dataset.goal_met.to_dataset("data").rename({AFTER: "p", BEFORE: "p_before"})
    bounds = [(each.id, each.outcome, each.at_least, each.at_most) for each in goals(dataset)]
    declared = pd.DataFrame(bounds, columns=["goal", "outcome", "at_least", "at_most"])
    frame = tabled(met, ["prior", "scenario", "goal"]).merge(declared, how="left", on="goal")
    frame = frame.fillna({"outcome": ""}).astype({"at_least": float, "at_most": float})
    return frame[["scenario", "prior", *declared, "p", "p_before"]]


def first_course(dataset: xr.Dataset, study: Study, *roles: str) -> Scenario:
    """Return the scenario that plays the first of these parts in the study; the first that is no baseline otherwise."""
    others = {each.id: each for each in played(dataset) if not each.baseline}
    wanted = [others.get(study.settings.roles.get(role, "")) for role in roles]
    return next((each for each in (*wanted, *others.values()) if each), _baseline(dataset))


def heading(dataset: xr.Dataset, study: Study, table: pd.DataFrame) -> str:
    """Return in one sentence what the course in question does to the first main outcome, under each view."""
    course, outcome = first_course(dataset, study, "moderation"), study.main_outcomes[0]
    if course.baseline:
        return f"{counted(dataset.sizes['scenario'], 'course')} of action played"
    rows = table[(table["scenario"] == course.id) & (table["outcome"] == outcome.name)]
    return headline(rows, lambda reading: outcome.clause(reading, course.course))


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return what the page shows: paths, effects against the baseline, and how probably goals are met."""
    made, courses, base = tables(dataset, study), played(dataset), _baseline(dataset)
    asked, given = goals(dataset), views(made["scenarios"])
    outcomes = list(dict.fromkeys((*study.main_outcomes, *study.model.outcomes)))
    units = {each.name: each.unit for each in outcomes}
    met = dataset.goal_met.sel(data=AFTER, goal=[each.id for each in asked])
    blocks = effect_blocks(
        made["scenarios"],
        outcomes,
        row="scenario",
        rows={each.id: each.label for each in courses if not each.baseline},
        months=dataset.sizes["month"],
        beside=("Level in the baseline", "level", base.id),
        extra=("regret",),
    )
    words: dict[str, Any] = {
        "heading": heading(dataset, study, made["scenarios"]),
        "months": dataset.sizes["month"],
        "views": given,
        "baseline": base.label,
        "courses": [(each.label, in_words(study.model, each)) for each in courses],
        "first": blocks[:2],
        "others": blocks[2:],
        "goals": [(each, _bound(each, units[each.outcome])) for each in asked],
        "met": {
            view: [
                [each.label, *map(percent, met.sel(prior=prior, scenario=each.id).values)] for each in courses
            ]
            for prior, view in given.items()
        },
    }
    drawing = figure(dataset, study, made["fans"], words["heading"])
    return Section("scenarios", "What if", "questions/scenarios/section.html.j2", words, made, (drawing,))


def in_words(model: Model, scenario: Scenario) -> str:
    """Return a scenario's description with its conditional rules in words."""
    return " ".join((scenario.description, *(_rule(model, rule) for rule in scenario.rules)))


def _rule(model: Model, rule: Rule) -> str:
    side, threshold = ("above", rule.above) if rule.above is not None else ("below", rule.below)
    unit = unit_of(model.lever(rule.lever).unit)[1]
    unit = f" ({unit})" if unit not in ("", "%", "share") else ""
    watched = " persons" if rule.watch in {item.name for item in model.stocks} else ""
    since = f", from month {rule.start} on" if rule.start > 1 else ""
    return (
        f"While {plain_name(rule.watch)} is {side} {reported(threshold or 0.0)}{watched}{since}, "
        f"{plain_name(rule.lever)} is at {reported(rule.to)}{unit}."
    )


def _bound(goal: Goal, unit: str) -> str:
    """Return a goal's bound in words ("At most 2,300 persons"); it was declared, so it is written as it was."""
    factor, words = unit_of(unit)
    ends = {"at least": goal.at_least, "at most": goal.at_most}
    said = [f"{side} {reported(end * factor)}" for side, end in ends.items() if end is not None]
    return capital(with_unit(" and ".join(said), words))


def figure(dataset: xr.Dataset, study: Study, fans: pd.DataFrame, title: str) -> Figure:
    """Draw each outcome's path in a chosen course beside the baseline and all others."""
    main, base = study.main_outcomes, _baseline(dataset)
    first = first_course(dataset, study, "moderation_with_aid", "moderation")
    chosen = {each.id: each.label for each in (first, *played(dataset)) if each == first or not each.baseline}
    priors = Control("scenario_view", "Priors", views(fans))
    same = "datum.prior === scenario_view"
    last = (fans["month"] == fans["month"].iloc[-1]) & (fans["scenario"] == first.id)
    return bands(
        "scenarios",
        in_units(fans, main),
        panels=panels(main),
        ribbons=(
            Ribbon(f"{same} && datum.scenario === '{base.id}'", INK, "dashed"),
            Ribbon(same, QUIET, "thin", area=False, by="scenario"),
            Ribbon(f"{same} && datum.scenario === scenario", FOCUS, inner=True),
        ),
        controls=(priors, Control("scenario", "Course", chosen)),
        caption=f"In colour, the chosen course: median, middle half and 90% interval. Dashed, “{base.label}” with its "
        "90% interval; thin lines, the medians of all other courses.",
        source="The model's scenarios over its posterior draws, with the same shocks in every scenario.",
        alternative=f"{title}. Shown first: “{first.label}”, {views(fans)[priors.value]}, 90% intervals in the last "
        f"month. {ends_in_words(fans[last & (fans['prior'] == priors.value)], main)}",
    )


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal."""
    table, months = tables(dataset, study)["scenarios"], dataset.sizes["month"]
    others = {each.id: each.label for each in played(dataset) if not each.baseline}
    about, head = study.main_outcomes[0], heading(dataset, study, table)
    return effect_lines(head, table, about, others, row="scenario", against="the baseline", months=months)


def summary(dataset: xr.Dataset, study: Study) -> dict[str, Any]:
    """Return what summary.json holds of scenarios."""
    names = {f"level_{q}": q for q in ("median", "q05", "q95")} | {"p_better": "probability_better"}
    table = tables(dataset, study)["scenarios"][[*KEYS, *names]]
    return {"scenarios": records(table.rename(columns={"scenario": "id", **names}))}


def problems(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return what is no number in some draws of which scenarios."""
    labels = {each.id: each.label for each in played(dataset)}
    return lost_draws(dataset.level.sel(data=AFTER, drop=True), labels | study.outcome_labels)
