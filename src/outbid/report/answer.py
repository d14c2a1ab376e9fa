"""The answer: a paragraph to read aloud, the trade-off as a picture, how far it may be relied upon."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from outbid.conventions import PRIOR_LABELS, SOURCES
from outbid.model.vocabulary import Outcome
from outbid.plots.base import FOCUS, INK, NUMBER_LABELS, PAPER, QUIET, Figure, Layout, finished
from outbid.question import Section
from outbid.report.core import Core
from outbid.report.drivers import open_influences
from outbid.report.layout import LINE, Area, place
from outbid.simulate.scenario import Scenario
from outbid.study import Study
from outbid.words.effects import Reading, contrast, difference, in_brief, records, span, views
from outbid.words.numbers import capital, clean, counted, month_name, shorten, unit_of

_WIDTH, _LINES = 100, 10
COARSE = "This was a quick run: few draws, coarse numbers. Use it to look around, not to brief."


def section(core: Core, study: Study, effects: pd.DataFrame | None, claims: str = "") -> Section:
    """Return the head of the page.

    `effects`: the table of scenarios: scenario, prior, outcome and the columns of effects; None where none
    was compared. `claims`: what became of the sources' claims, in a sentence; empty where they weren't
    tested.
    """
    drawn = None if effects is None else tradeoff(study, effects)
    words = {
        "title": study.settings.title,
        "question": study.settings.question,
        "sentences": sentences(study, effects),
        "bottom": bottom_line(study, effects),
        "tradeoff": drawn,
        "claims": claims,
        "open": open_influences(study, core, 1 if claims else 2),
        **trust(core),
    }
    figures = [drawn] if drawn else []
    return Section("answer", "Answer", "report/templates/answer.html.j2", words, figures=figures)


def asked(study: Study, role: str = "moderation") -> Scenario | None:
    """Return the course with a role; the course that the answer is about is the first one where none is named."""
    others = [each for each in study.scenarios if not each.baseline]
    found = next((each for each in others if each.id == study.settings.roles.get(role)), None)
    return found or (others[0] if others and role == "moderation" else None)


def sentences(study: Study, effects: pd.DataFrame | None) -> list[str]:
    """Return what the course of the answer does to the two first outcomes, and what aid in return changes.

    Shorter where results, outcomes or courses are missing.
    """
    course, aided = asked(study), asked(study, "moderation_with_aid")
    wanted = [(course, outcome) for outcome in study.main_outcomes[:2]]
    wanted += [(aided, outcome) for outcome in study.main_outcomes[1:2]]
    out = []
    for number, (each, outcome) in enumerate(wanted):
        found = {} if effects is None or each is None else _effects(effects, each, outcome)
        if each is not None and found:
            clauses: dict[str, str] = {kind: outcome.clause(kind, each.course) for kind in _KINDS}
            readings = {prior: effect["reading"] for prior, effect in found.items()}
            sizes = _sizes(outcome, found) if number < 2 else None
            out.append(f"{contrast(clauses, readings, sizes=sizes)}.")
    return out


def bottom_line(study: Study, effects: pd.DataFrame | None) -> str:
    """Return what the course comes to, as the study words it under each view; empty where it doesn't."""
    course, first = asked(study), study.main_outcomes[:2]
    if effects is None or course is None or len(first) < 2:
        return ""
    one, other = (_effects(effects, course, outcome) for outcome in first)
    lines = {
        prior: study.settings.bottom(one[prior]["reading"], other[prior]["reading"], course.course)
        for prior in sorted({*one} & {*other}, key=lambda each: each != SOURCES)
    }
    if not lines or not all(lines.values()):
        return ""
    if len(set(lines.values())) == 1:
        return (
            f"{capital(next(iter(lines.values())))}, {' as well as '.join(PRIOR_LABELS[p] for p in lines)}."
        )
    return f"{capital('; '.join(f'{PRIOR_LABELS[prior]}, {line}' for prior, line in lines.items()))}."


_KINDS: tuple[Reading, ...] = ("more", "less", "unknown")


def _effects(effects: pd.DataFrame, course: Scenario, outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Return a course's effects on an outcome, by view."""
    rows = effects[(effects["scenario"] == course.id) & (effects["outcome"] == outcome.name)]
    found = {str(row["prior"]): {str(key): value for key, value in row.items()} for _, row in rows.iterrows()}
    return {prior: found[prior] for prior in views(rows)}


def _sizes(outcome: Outcome, found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the size under each view, with the unit where it is told first ("+240 persons, +20 to +2,700")."""
    unit = unit_of(outcome.unit, difference=True)[1]
    first = SOURCES if SOURCES in found else next(iter(found))
    return {
        prior: f"{difference(row, outcome.unit)}{f' {unit}' if unit and prior == first else ''}, {span(row, outcome.unit)}"
        for prior, row in found.items()
    }


def trust(core: Core) -> dict[str, Any]:
    """Return passed, verdict, data and coarse (empty unless the run was a quick one)."""
    run, problems = core.provenance, core.problems
    passed = bool(len(core["fits"])) and not problems
    verdict = "No check of the fit was recorded, so don't rely on the numbers below."
    if passed:
        verdict = "The fit passed its checks."
    elif problems:
        verdict = f"The fit failed its checks, so don't rely on the numbers below: {'; '.join(problems)}."
    used = int(core["series"]["used"].sum())
    months = f"{month_name(run['first_month'])} to {month_name(run['last_month'])}"
    data = f"{counted(run['n_months'], 'month')} of data, {months}, {counted(used, 'figure')} used."
    return {"passed": passed, "verdict": verdict, "data": data, "coarse": COARSE if run["quick"] else ""}


def lines(core: Core, study: Study, effects: pd.DataFrame | None, claims: str = "") -> tuple[str, ...]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters.

    A failed fit or a quick run is said first; where room is short, the last lines go.
    """
    said = trust(core)
    out = [] if said["passed"] else [said["verdict"]]
    out += [said["coarse"], study.settings.question]
    course = asked(study)
    for outcome in study.main_outcomes[:2]:
        found = {} if effects is None or course is None else _effects(effects, course, outcome)
        unit = unit_of(outcome.unit, difference=True)[1]
        out += [f"{outcome.label} ({unit}):" if unit else f"{outcome.label}:"] if found else []
        out += [f"  {PRIOR_LABELS[prior]}: {in_brief(effect, outcome)}" for prior, effect in found.items()]
    bottom = bottom_line(study, effects)
    out += textwrap.wrap(f"Bottom line: {clean(bottom)}", _WIDTH - 2)[:2] if bottom else []
    out += [
        f"{said['verdict']} {said['data']}" if said["passed"] else "",
        claims,
        open_influences(study, core),
    ]
    return tuple(kept(out))


def kept(out: Sequence[str]) -> list[str]:
    """Return lines cut to a terminal's width, empty ones left out, and no more than ten."""
    lines = [
        f"{each[: len(each) - len(each.lstrip())]}{shorten(each, _WIDTH - 2)}" for each in out if each.strip()
    ]
    return lines[:_LINES]


_PANEL_WIDTH, _PANEL_HEIGHT = 216.0, 330.0
_ENDS = ("q05", "q25", "median", "q75", "q95")
_MOST = 3


def courses(study: Study) -> list[Scenario]:
    """Return the courses that the picture shows: those with the answer's roles, else the first ones declared."""
    others = [each for each in study.scenarios if not each.baseline]
    wanted = [study.settings.roles.get(role) for role in ("moderation", "moderation_with_aid", "hardening")]
    named = [each for name in wanted for each in others if each.id == name]
    return (named or others)[:_MOST]


def tradeoff(study: Study, effects: pd.DataFrame) -> Figure | None:
    """Draw the trade-off, or return None for a study with fewer than two main outcomes or without courses.

    `effects`: tidy: scenario, prior, outcome and the columns of effects.
    """
    shown = courses(study)
    if len(study.main_outcomes) < 2 or not shown:
        return None
    up, across = study.main_outcomes[:2]
    rows = _rows(effects, [*shown, study.baseline], across, up)
    if rows.empty:
        return None
    labels = {each.id: each.label for each in study.scenarios}
    rows = rows.assign(_label=[_wrapped(labels[name]) for name in rows["scenario"]])
    scales = [_Scale(rows, name) for name in ("x", "y")]
    rows = pd.concat(
        [_placed(part, *scales) for _, part in rows.groupby("prior", sort=False)], ignore_index=True
    )
    return Figure(
        "tradeoff",
        f"{up.label} against {across.label[:1].lower()}{across.label[1:]} over {study.settings.horizon_months} months, "
        f"each as a difference from “{study.baseline.label}” at the crossing. Thick lines hold half of the draws, thin "
        "ones 90%. Both scales are stretched around nothing.",
        "The model's scenarios over its posterior draws, the same shocks in every scenario.",
        _alternative(effects, shown, (up, across)),
        Layout("facet", margin=52, gap=20, least=240, most=2),
        finished(_drawing(study, rows, scales, (across, up))),
        {"tradeoff": rows},
        ("tradeoff",),
    )


class _Scale:
    """A scale that is stretched around nothing (symmetric logarithm), with the ends of the intervals and some air."""

    def __init__(self, rows: pd.DataFrame, name: str) -> None:
        values = rows[[f"{name}_{end}" for end in _ENDS]].to_numpy(dtype=float)
        medians = [abs(value) for value in rows[f"{name}_median"] if value]
        widest = max(float(abs(values).max()), 1e-9)
        self.constant = max(min(medians, default=widest), widest / 100)
        low, high = self.of(min(float(values.min()), 0.0)), self.of(max(float(values.max()), 0.0))
        air = 0.08 * (high - low)
        self.low, self.high = low - air, high + air

    def of(self, value: float) -> float:
        """Return where a value lies."""
        return math.copysign(math.log1p(abs(value) / self.constant), value)

    def back(self, place: float) -> float:
        """Return the value that lies there."""
        return math.copysign(math.expm1(abs(place)) * self.constant, place)

    def pixels(self, value: float, length: float) -> float:
        """Return how far a value lies from the lower end of an axis of that length."""
        return (self.of(value) - self.low) / (self.high - self.low) * length

    def value(self, pixels: float, length: float) -> float:
        """Return the value that lies so far from the lower end."""
        return self.back(self.low + pixels / length * (self.high - self.low))

    def altair(self) -> alt.Scale:
        """Return the same for a drawing."""
        ends = [self.back(self.low), self.back(self.high)]
        return alt.Scale(type="symlog", constant=self.constant, domain=ends, nice=False)


def _rows(effects: pd.DataFrame, shown: Sequence[Scenario], across: Outcome, up: Outcome) -> pd.DataFrame:
    """Return a row for each view and course, with both outcomes side by side in the units of the axes."""
    keys, parts = ["scenario", "prior"], []
    for name, outcome in (("x", across), ("y", up)):
        factor = unit_of(outcome.unit, difference=True)[0]
        own = effects[effects["outcome"] == outcome.name].set_index(keys)[list(_ENDS)] * factor
        parts.append(own.add_prefix(f"{name}_"))
    both = parts[0].join(parts[1], how="inner").reset_index()
    order = {each.id: i for i, each in enumerate(shown)}
    both = both[both["scenario"].isin(list(order))]
    priors = list(views(both))
    return both.sort_values(
        keys, key=lambda column: column.map((order | {p: i for i, p in enumerate(priors)}).get)
    )


def _placed(rows: pd.DataFrame, x: _Scale, y: _Scale) -> pd.DataFrame:
    """Return the rows of one view with the places of their labels, in the units of the axes."""
    marks: list[Area] = []
    lines: list[Area] = []
    points = []
    for row in records(rows):
        at = {f"x_{end}": x.pixels(row[f"x_{end}"], _PANEL_WIDTH) for end in _ENDS}
        at |= {f"y_{end}": _PANEL_HEIGHT - y.pixels(row[f"y_{end}"], _PANEL_HEIGHT) for end in _ENDS}
        px, py = at["x_median"], at["y_median"]
        points.append((px, py, row["_label"]))
        marks.append((px - 7, py - 7, px + 7, py + 7))
        lines.append((at["x_q05"], py - 1, at["x_q95"], py + 1))
        lines.append((px - 1, at["y_q95"], px + 1, at["y_q05"]))
    spots = place(points, marks, lines, _PANEL_WIDTH, _PANEL_HEIGHT)

    def far(spot: Any, value: float) -> float:
        return value if spot.distance > 12 else math.nan

    return rows.assign(
        _x=[x.value(spot.left, _PANEL_WIDTH) for spot in spots],
        _y=[y.value(_PANEL_HEIGHT - spot.middle, _PANEL_HEIGHT) for spot in spots],
        _to_x=[far(spot, x.value(spot.leader[0], _PANEL_WIDTH)) for spot in spots],
        _to_y=[far(spot, y.value(_PANEL_HEIGHT - spot.leader[1], _PANEL_HEIGHT)) for spot in spots],
    )


def _drawing(
    study: Study, rows: pd.DataFrame, scales: Sequence[_Scale], outcomes: tuple[Outcome, Outcome]
) -> Any:
    titles = [
        f"{each.label} ({words}) →"
        if (words := unit_of(each.unit, difference=True)[1])
        else f"{each.label} →"
        for each in outcomes
    ]
    axis: dict[str, Any] = {
        "grid": False,
        "tickCount": 5,
        "labelExpr": NUMBER_LABELS,
        "labelOverlap": "greedy",
    }
    x = alt.X("x_median:Q", title=titles[0], scale=scales[0].altair(), axis=alt.Axis(**axis))
    y = alt.Y("y_median:Q", title=titles[1], scale=scales[1].altair(), axis=alt.Axis(**axis))
    base = alt.Chart()
    asked = f"datum.scenario === '{courses(study)[0].id}'"
    colour = alt.condition(asked, alt.value(FOCUS), alt.value(QUIET))
    nothing = base.transform_calculate(_nothing="0").mark_rule(color=QUIET, strokeDash=[1, 3])
    layers: list[Any] = [nothing.encode(x="_nothing:Q"), nothing.encode(y="_nothing:Q")]
    for low, high, width, opacity in (("q05", "q95", 1.2, 0.5), ("q25", "q75", 4.0, 0.85)):
        rule = base.mark_rule(strokeWidth=width, opacity=opacity, strokeCap="butt")
        layers.append(rule.encode(x=alt.X(f"x_{low}:Q"), x2=f"x_{high}:Q", y=y, color=colour))
        layers.append(rule.encode(y=alt.Y(f"y_{low}:Q"), y2=f"y_{high}:Q", x=x, color=colour))
    leaders = base.transform_filter("isValid(datum._to_x)").mark_rule(color=QUIET, strokeWidth=0.7)
    layers.append(leaders.encode(x=x, y=y, x2="_to_x:Q", y2="_to_y:Q"))
    tip = [
        "scenario:N",
        *(alt.Tooltip(f"{name}_{end}:Q", format=".2~r") for name in "xy" for end in ("median", "q05", "q95")),
    ]
    point = base.mark_point(size=90, strokeWidth=1.8, stroke=PAPER, opacity=1)
    layers.append(point.encode(x=x, y=y, fill=colour, tooltip=tip))
    style: dict[str, Any] = {"align": "left", "baseline": "middle", "lineBreak": "\n", "lineHeight": LINE}
    text = base.mark_text(fontSize=12, stroke=PAPER, strokeWidth=3, **style)
    ink = alt.condition(asked, alt.value(FOCUS), alt.value(INK))
    layers.append(text.encode(x=alt.X("_x:Q"), y=alt.Y("_y:Q"), text="_label:N", color=ink))
    given = views(rows)
    names = json.dumps({prior: capital(label) for prior, label in given.items()})
    header = alt.Header(
        title=None, labelExpr=f"{names}[datum.value]", labelAnchor="start", labelFontWeight=600
    )
    return (
        alt.layer(*layers, data=alt.NamedData("tradeoff"))
        .properties(height=_PANEL_HEIGHT)
        .facet(
            facet=alt.Facet("prior:N", sort=list(given), header=header),
            columns=2,
            spacing={"column": 20, "row": 40},
            bounds="flush",
        )
    )


def _wrapped(label: str) -> str:
    return "\n".join(textwrap.wrap(label, 18, max_lines=2, placeholder=" …"))


def _alternative(effects: pd.DataFrame, shown: Sequence[Scenario], outcomes: Sequence[Outcome]) -> str:
    found: Mapping[Any, Mapping[str, Any]] = {
        (row["scenario"], row["prior"], row["outcome"]): row for row in records(effects)
    }

    def said(prior: str, course: str) -> list[str]:
        return [
            f"{outcome.label}: {in_brief(found[course, prior, outcome.name], outcome)}"
            for outcome in outcomes
            if (course, prior, outcome.name) in found
        ]

    parts = []
    for prior, view in views(effects).items():
        told = "; ".join(f"“{each.label}”: {', '.join(said(prior, each.id))}" for each in shown)
        parts.append(f"{capital(view)}: {told}.")
    return " ".join(parts)
