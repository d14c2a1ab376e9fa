"""What if: each outcome's path in a chosen scenario, beside the baseline and all the others."""

from __future__ import annotations

import altair as alt

from outbid.plots.base import (
    FOCUS,
    INK,
    NO_HEADER,
    NUMBER_LABELS,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    finished,
    middle_of,
    number,
    panel_title,
    titled,
    utc,
)
from outbid.report.chances import find_effect
from outbid.report.content import Outcome, ReportContent
from outbid.report.headings import what_if
from outbid.words.numbers import interval, unit_of

ID = "paths"
# a column whose name begins with an underscore serves the drawing only and is left out of the download
_COLUMNS = (
    *("outcome", "label", "_title", "_note", "scenario", "baseline", "prior", "date"),
    *("median", "q05", "q25", "q75", "q95"),
)
_COLOUR = FOCUS


def _note(outcome: Outcome) -> str:
    """Return the line under a panel's title: the unit, and which way is better."""
    unit = unit_of(outcome.unit)[1]
    if unit and outcome.summary.startswith("sum") and " a " not in unit:
        unit += " a month"  # the table has the sum, the path what each month adds to it
    return f"{unit}, {outcome.better} is better" if unit else f"{outcome.better} is better"


def ordered_outcomes(content: ReportContent) -> tuple[Outcome, ...]:
    """Return the outcomes, those that the answer speaks of first."""
    first = [content.roles[role] for role in ("members_lost", "resources") if role in content.roles]
    return tuple(sorted(content.outcomes, key=lambda o: first.index(o.id) if o.id in first else len(first)))


def _rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    outcomes = {outcome.id: outcome for outcome in content.outcomes}
    labels = {scenario.id: scenario for scenario in content.scenarios}
    rows: list[tuple[Cell, ...]] = []
    for fan in content.fans:
        outcome, scenario = outcomes.get(fan.outcome), labels.get(fan.scenario)
        if outcome is None or scenario is None:
            continue
        factor, _ = unit_of(outcome.unit)
        names = (outcome.id, outcome.label, panel_title(outcome.label), _note(outcome))
        for month, *values in zip(fan.months, fan.median, fan.q05, fan.q25, fan.q75, fan.q95, strict=True):
            numbers = (number(value * factor) for value in values)
            case = (scenario.label, scenario.baseline, fan.prior)
            rows.append((*names, *case, middle_of(month), *numbers))
    return tuple(rows)


def chosen_scenario(content: ReportContent) -> str:
    """Return the label of the scenario that is shown first: moderation, with aid if that was asked."""
    shown = {fan.scenario for fan in content.fans}
    wanted = [content.roles.get(role) for role in ("moderation_with_aid", "moderation")]
    others = [scenario for scenario in content.scenarios if scenario.id in shown and not scenario.baseline]
    for ident in wanted:
        for scenario in others:
            if scenario.id == ident:
                return scenario.label
    return others[0].label if others else ""


def figure(content: ReportContent) -> Figure | None:
    """Draw the small multiples of paths, or return None where there are no paths."""
    rows = _rows(content)
    if not rows:
        return None
    x = utc("date", format="%Y", tickCount={"interval": "year", "step": 1}, grid=False)
    y = alt.Y(
        "median:Q",
        title=None,
        scale=alt.Scale(zero=False),
        axis=alt.Axis(tickCount=4, labelExpr=NUMBER_LABELS, minExtent=40, maxExtent=40),
    )
    base = alt.Chart().transform_filter("datum.prior === prior")
    chosen = base.transform_filter("datum.scenario === scenario")
    present = base.transform_filter("datum.baseline")
    tip = [
        "scenario:N",
        "date:T",
        *(alt.Tooltip(f"{name}:Q", format=".2~r") for name in ("median", "q05", "q95")),
    ]
    layers = alt.layer(
        present.mark_area(color=QUIET, opacity=0.16).encode(x=x, y=alt.Y("q05:Q"), y2="q95:Q"),
        chosen.mark_area(color=_COLOUR, opacity=0.18).encode(x=x, y=alt.Y("q05:Q"), y2="q95:Q"),
        chosen.mark_area(color=_COLOUR, opacity=0.25).encode(x=x, y=alt.Y("q25:Q"), y2="q75:Q"),
        base.mark_line(color=QUIET, strokeWidth=0.8, opacity=0.6).encode(x=x, y=y, detail="scenario:N"),
        present.mark_line(color=INK, strokeWidth=1.8, strokeDash=[5, 3]).encode(x=x, y=y),
        chosen.mark_line(color=_COLOUR, strokeWidth=2.6).encode(x=x, y=y, tooltip=tip),
    )
    order = [outcome.id for outcome in ordered_outcomes(content)]
    drawing = alt.layer(
        *layers.layer, *titled("outcome", "_title", "_note"), data=alt.NamedData("paths")
    ).properties(height=130)
    drawing = drawing.facet(
        facet=alt.Facet("outcome:N", sort=order, header=NO_HEADER),
        columns=4,
        spacing={"row": 86, "column": 54},
        bounds="flush",
    )
    drawing = (
        drawing.resolve_scale(y="independent")
        .resolve_axis(x="independent")
        .add_params(
            alt.param(name="prior", value="neutral"),
            alt.param(name="scenario", value=chosen_scenario(content)),
        )
    )
    baseline = next((scenario.label for scenario in content.scenarios if scenario.baseline), "the baseline")
    scenarios = [
        s.label for s in content.scenarios if not s.baseline and any(f.scenario == s.id for f in content.fans)
    ]
    return Figure(
        ID,
        f"Paths over {content.horizon_months} months. In colour, the chosen course: median, middle half "
        f"and 90% interval. Dashed and grey, “{baseline}” with its 90% interval; thin lines, the medians of "
        f"all other courses.",
        "The model's scenarios over its posterior draws, the same shocks in every scenario.",
        _alternative(content),
        Layout("facet", margin=44, gap=54, least=230, most=4),
        finished(drawing),
        {"paths": Table(_COLUMNS, rows)},
        ("paths",),
        {"scenarios": scenarios, "scenario": chosen_scenario(content)},
    )


def _alternative(content: ReportContent) -> str:
    shown = next((s for s in content.scenarios if s.label == chosen_scenario(content)), None)
    parts = [f"{what_if(content)}."]
    for outcome in ordered_outcomes(content):
        effect = find_effect(content, shown.id, outcome.id, "neutral") if shown else None
        if effect is not None:
            parts.append(f"{outcome.label}: {interval(effect.level_q05, effect.level_q95, outcome.unit)}.")
    if shown:
        parts.insert(1, f"Levels under “{shown.label}” on the data alone, 90% intervals:")
    return " ".join(parts)
