"""How scenarios compare: tables, paths, section, terminal lines."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, BEFORE, QUANTILES
from outbid.model.vocabulary import Outcome
from outbid.plots.bands import Ribbon, bands, in_units, panels
from outbid.plots.base import FOCUS, INK, QUIET, Control, Figure
from outbid.question import Section
from outbid.simulate.futures import TOGETHER, criteria, directions, picks
from outbid.simulate.scenario import Goal
from outbid.stats.effects import effects, five_digits, quantiles
from outbid.study import Study
from outbid.words.effects import contrast, effect_blocks, level, records, shortly, views
from outbid.words.numbers import (
    capital,
    clean,
    counted,
    interval,
    percent,
    reported,
    shorten,
    summary_in_words,
    unit_of,
)

KEYS = ["scenario", "prior", "outcome"]
WIDTH, LINES = 100, 10


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return scenarios (effects against the baseline, levels, regret), fans, comparison (criteria), picks and goals."""
    better, after = directions(study.model.outcomes), dataset.level.sel(data=AFTER, drop=True)
    difference = dataset.level - dataset.level.sel(scenario=_baseline(dataset), drop=True)
    frame = effects(difference.transpose("data", "prior", "outcome", "scenario", "draw"), better)
    levels = (
        quantiles(after)[["median", "q05", "q95"]]
        .to_dataframe()
        .reset_index()[[*KEYS, "median", "q05", "q95"]]
    )
    frame = frame.merge(
        levels.rename(columns={q: f"level_{q}" for q in ("median", "q05", "q95")}), sort=False
    )
    by: pd.DataFrame = criteria(after, better).to_dataframe().reset_index()
    columns = ["p_best", "regret", "largest_regret", "worst", "worst_tail"]
    by = frame[KEYS].merge(by[[*KEYS, *columns]], sort=False)
    fans = dataset.path.to_dataset("quantile").to_dataframe().reset_index()[[*KEYS, "month", *QUANTILES]]
    made = {
        "scenarios": frame.merge(by[[*KEYS, "regret"]], sort=False),
        "fans": five_digits(fans),
        "comparison": by,
        "picks": pd.concat(
            [
                picks(after.sel(prior=prior), better, goals(dataset)).assign(prior=str(prior))
                for prior in dataset["prior"].values
            ],
            ignore_index=True,
        )[["criterion", "outcome", "prior", "picks"]],
    }
    return {**made, "goals": _goal_table(dataset)} if dataset.sizes["goal"] else made


def _baseline(dataset: xr.Dataset) -> str:
    return str(dataset["scenario"].values[dataset["baseline"].values.astype(bool)][0])


def goals(dataset: xr.Dataset) -> list[Goal]:
    """Return the goals that were asked about."""
    kept = [name for name in map(str, dataset["goal"].values) if name != TOGETHER]
    found = []
    for name in kept:
        one = dataset.sel(goal=name)
        low, high = (float(one[key]) if one[key].notnull() else None for key in ("at_least", "at_most"))
        texts = (str(one[f"goal_{key}"].item()) for key in ("label", "description", "outcome"))
        label, description, outcome = texts
        found.append(
            Goal(id=name, label=label, description=description, outcome=outcome, at_least=low, at_most=high)
        )
    return found


def _goal_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Return how probably each scenario meets each goal, and all of them, after the data and before them."""
    met = dataset.goal_met.to_dataset("data").rename({AFTER: "p", BEFORE: "p_before"})
    frame: pd.DataFrame = met.to_dataframe(dim_order=["prior", "scenario", "goal"]).reset_index()
    return frame.rename(columns={"goal_outcome": "outcome"})[
        ["scenario", "prior", "goal", "outcome", "at_least", "at_most", "p", "p_before"]
    ]


def first_course(dataset: xr.Dataset, study: Study, *roles: str) -> str:
    """Return the scenario that plays the first of these parts in the study; the first that is no baseline otherwise."""
    names, base = [str(each) for each in dataset["scenario"].values], _baseline(dataset)
    wanted = [study.settings.roles.get(role, "") for role in roles]
    return next((each for each in (*wanted, *names) if each in names and each != base), base)


def heading(dataset: xr.Dataset, study: Study, table: pd.DataFrame) -> str:
    """Return in one sentence what the course in question does to the first main outcome, under each view."""
    name, outcome = first_course(dataset, study, "moderation"), study.main_outcomes[0]
    if name == _baseline(dataset):
        return f"{counted(dataset.sizes['scenario'], 'course')} of action played"
    course = str(dataset["course"].sel(scenario=name).item())
    rows = records(table[(table["scenario"] == name) & (table["outcome"] == outcome.name)])
    clauses = {reading: outcome.clause(reading, course) for reading in ("more", "less", "unknown")}
    return contrast(clauses, {row["prior"]: row["reading"] for row in rows})


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return what the page shows: paths, effects against the baseline, and how probably goals are met."""
    made, main, base = tables(dataset, study), study.main_outcomes, _baseline(dataset)
    table, labels = (
        made["scenarios"],
        dict(zip(map(str, dataset["scenario"].values), _texts(dataset, "label"), strict=True)),
    )
    outcomes = (*main, *(each for each in study.model.outcomes if each not in main))
    units = {each.name: each.unit for each in outcomes}
    base_rows = table[(table["scenario"] == base) & (table["prior"] == next(iter(views(table))))]
    notes = {
        row["outcome"]: "Level in the baseline: "
        + level({q: row[f"level_{q}"] for q in ("q05", "median", "q95")}, units[row["outcome"]])
        + "."
        for row in records(base_rows)
    }

    def blocks(of: tuple[Outcome, ...]) -> list[dict[str, Any]]:
        others = {name: label for name, label in labels.items() if name != base}
        months = dataset.sizes["month"]
        return effect_blocks(
            table, of, row="scenario", rows=others, months=months, notes=notes, extra=("regret",)
        )

    words: dict[str, Any] = {
        "heading": heading(dataset, study, table),
        "months": dataset.sizes["month"],
        "views": views(table),
        "baseline": labels[base],
        "courses": list(zip(labels.values(), _texts(dataset, "description"), strict=True)),
        "first": blocks(main[:2]),
        "others": blocks(outcomes[2:]),
        "goals": [(each, _bound(each, units[each.outcome])) for each in goals(dataset)],
        "met": _met(dataset, labels, views(table)),
    }
    drawing = figure(dataset, study, made["fans"], labels, words["heading"])
    return Section("scenarios", "What if", "questions/scenarios/section.html.j2", words, made, (drawing,))


def _texts(dataset: xr.Dataset, name: str) -> list[str]:
    return [str(each) for each in dataset[name].values]


def _bound(goal: Goal, unit: str) -> str:
    """Return a goal's bound in words ("At most 2,300 persons"); it was declared, so it is written as it was."""
    factor, words = unit_of(unit)
    ends = {"at least": goal.at_least, "at most": goal.at_most}
    said = " and ".join(f"{side} {reported(end * factor)}" for side, end in ends.items() if end is not None)
    return capital(f"{said}%" if words == "%" else f"{said} {words}".strip())


def _met(
    dataset: xr.Dataset, labels: dict[str, str], found: dict[str, str]
) -> list[tuple[str, list[list[str]]]]:
    """Return by view a row for each course: how probably it meets each goal."""
    each = dataset.goal_met.sel(data=AFTER, goal=dataset["goal"] != TOGETHER)
    return [
        (
            view,
            [
                [label, *(percent(float(p)) for p in each.sel(prior=prior, scenario=name))]
                for name, label in labels.items()
            ],
        )
        for prior, view in found.items()
    ]


def figure(
    dataset: xr.Dataset, study: Study, fans: pd.DataFrame, labels: dict[str, str], title: str
) -> Figure:
    """Draw each outcome's path in a chosen course beside the baseline and all others."""
    main, base = study.main_outcomes, _baseline(dataset)
    first = first_course(dataset, study, "moderation_with_aid", "moderation")
    chosen = {first: labels[first], **{name: label for name, label in labels.items() if name != base}}
    controls = (Control("scenario_view", "Priors", views(fans)), Control("scenario", "Course", chosen))
    same = "datum.prior === scenario_view"
    last = fans[(fans["month"] == fans["month"].iloc[-1]) & (fans["scenario"] == first)]
    ends = {row["outcome"]: row for row in records(last[last["prior"] == controls[0].value])}
    said = [f"{o.label}: {interval(ends[o.name]['q05'], ends[o.name]['q95'], o.unit)}." for o in main]
    return bands(
        "scenarios",
        in_units(fans, main),
        panels=panels(main),
        ribbons=(
            Ribbon(f"{same} && datum.scenario === '{base}'", INK, "dashed"),
            Ribbon(same, QUIET, "thin", area=False, by="scenario"),
            Ribbon(f"{same} && datum.scenario === scenario", FOCUS, inner=True),
        ),
        controls=controls,
        caption=f"In colour, the chosen course: median, middle half and 90% interval. Dashed, “{labels[base]}” with its "
        "90% interval; thin lines, the medians of all other courses.",
        source="The model's scenarios over its posterior draws, with the same shocks in every scenario.",
        alternative=f"{title}. Shown first: “{labels[first]}”, {views(fans)[controls[0].value]}, 90% intervals in the "
        f"last month. {' '.join(said)}",
    )


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters."""
    table, outcome, base = tables(dataset, study)["scenarios"], study.main_outcomes[0], _baseline(dataset)
    out = textwrap.wrap(clean(f"{heading(dataset, study, table)}."), WIDTH)[:3]
    about = summary_in_words(outcome.summary, dataset.sizes["month"])
    out.append(f"{outcome.label} ({about}) against the baseline, {' | '.join(views(table).values())}:")
    rows = table[table["outcome"] == outcome.name]
    for name, label in zip(map(str, dataset["scenario"].values), _texts(dataset, "label"), strict=True):
        if name != base:
            own = records(rows[rows["scenario"] == name])
            out.append(f"{label}: {' | '.join(shortly(row, outcome) for row in own)}")
    return [shorten(line, WIDTH) for line in out[:LINES]]


def summary(dataset: xr.Dataset, study: Study) -> dict[str, Any]:
    """Return what summary.json holds of scenarios."""
    return {
        "scenarios": [
            {
                **{"id": row["scenario"], "prior": row["prior"], "outcome": row["outcome"]},
                **{q: row[f"level_{q}"] for q in ("median", "q05", "q95")},
                "probability_better": row["p_better"],
            }
            for row in records(tables(dataset, study)["scenarios"])
        ]
    }
