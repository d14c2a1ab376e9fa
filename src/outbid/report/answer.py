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
from outbid.model.vocabulary import Outcome, mid_sentence
from outbid.plots.base import FOCUS, INK, NUMBER_LABELS, PAPER, QUIET, Figure, Layout, finished
from outbid.question import Section
from outbid.report.core import Core
from outbid.report.drivers import open_influences
from outbid.report.layout import LINE, Area, place
from outbid.simulate.scenario import Scenario
from outbid.study import Study
from outbid.words.effects import READINGS, contrast, difference, in_brief, records, span, views
from outbid.words.numbers import LINES, WIDTH, capital, clean, counted, month_name, shorten, unit_of

COARSE = "This was a quick run: few draws, coarse numbers. Use it to look around, not to brief."


def section(
    core: Core, study: Study, effects: pd.DataFrame | None, claims: str = "", lost: Sequence[str] = ()
) -> Section:
    """Return the head of the page.

    `effects`: the table of scenarios: scenario, prior, outcome and the columns of effects; None where none
    was compared. `claims`: what became of the sources' claims, in a sentence; empty where they weren't
    tested. `lost`: what is no number in some draws, in sentences.
    """
    drawn = None if effects is None else tradeoff(study, effects)
    words = {
        "title": study.settings.title,
        "question": study.settings.question,
        "sentences": sentences(study, effects),
        "bottom": bottom_line(study, effects),
        "claims": claims,
        "lost": lost,
        "open": open_influences(study, core, 1 if claims else 2),
        **trust(core),
    }
    figures = [drawn] if drawn else []
    return Section("answer", "Answer", "report/templates/answer.html.j2", words, figures=figures)


def courses(study: Study, *roles: str) -> list[Scenario]:
    """Return the courses with these roles, as far as the study has them."""
    others = {each.id: each for each in study.scenarios if not each.baseline}
    wanted = [study.settings.roles.get(role, "") for role in roles]
    return [others[name] for name in wanted if name in others]


def asked(study: Study) -> Scenario | None:
    """Return the course that the answer is about: the first one declared where none has its role."""
    others = [each for each in study.scenarios if not each.baseline]
    return next(iter(courses(study, "moderation") or others), None)


def sentences(study: Study, effects: pd.DataFrame | None) -> list[str]:
    """Return what the course of the answer does to the two first outcomes, and what aid in return changes.

    Shorter where results, outcomes or courses are missing.
    """
    course, first = asked(study), study.main_outcomes[:2]
    wanted = [(course, outcome, True) for outcome in first if course]
    wanted += [
        (each, outcome, False) for each in courses(study, "moderation_with_aid") for outcome in first[1:]
    ]
    out = []
    for each, outcome, sized in wanted:
        found = _effects(effects, each, outcome)
        if each and found:
            clauses: dict[str, str] = {kind: outcome.clause(kind, each.course) for kind in READINGS}
            readings = {prior: effect["reading"] for prior, effect in found.items()}
            sizes = _sizes(outcome, found) if sized else None
            out.append(f"{contrast(clauses, readings, sizes=sizes)}.")
    return out


def bottom_line(study: Study, effects: pd.DataFrame | None) -> str:
    """Return what the course comes to, as the study words it under each view; empty where it doesn't."""
    course, first = asked(study), study.main_outcomes[:2]
    if course is None or len(first) < 2:
        return ""
    one, other = (_effects(effects, course, outcome) for outcome in first)
    lines = {
        PRIOR_LABELS[prior]: study.settings.bottom(
            one[prior]["reading"], other[prior]["reading"], course.course
        )
        for prior in sorted({*one} & {*other}, key=lambda each: each != SOURCES)
    }
    if not lines or not all(lines.values()):
        return ""
    if len(set(lines.values())) == 1:
        return f"{capital(next(iter(lines.values())))}, {' as well as '.join(lines)}."
    return f"{capital('; '.join(f'{view}, {line}' for view, line in lines.items()))}."


def _effects(
    effects: pd.DataFrame | None, course: Scenario | None, outcome: Outcome
) -> dict[str, dict[str, Any]]:
    """Return a course's effects on an outcome, by view; empty where none was computed."""
    if effects is None or course is None:
        return {}
    rows = effects[(effects["scenario"] == course.id) & (effects["outcome"] == outcome.name)]
    found = {row["prior"]: row for row in records(rows)}
    return {prior: found[prior] for prior in views(rows)}


def _sizes(outcome: Outcome, found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the size under each view, with the unit where it is told first ("+240 persons, +20 to +2,700")."""
    unit = unit_of(outcome.unit, difference=True)[1]
    first = SOURCES if SOURCES in found else next(iter(found))
    sizes = {prior: difference(row, outcome.unit) for prior, row in found.items()}
    sizes[first] = f"{sizes[first]} {unit}".strip()
    return {prior: f"{sizes[prior]}, {span(row, outcome.unit)}" for prior, row in found.items()}


def trust(core: Core) -> dict[str, Any]:
    """Return passed, verdict, data and coarse (empty unless the run was a quick one)."""
    run, verdict = core.provenance, "The fit passed its checks."
    if core.problems:
        verdict = (
            f"The fit failed its checks, so don't rely on the numbers below: {'; '.join(core.problems)}."
        )
    used = int(core["series"]["used"].sum())
    months = f"{month_name(run['first_month'])} to {month_name(run['last_month'])}"
    data = f"{counted(run['n_months'], 'month')} of data, {months}, {counted(used, 'figure')} used."
    coarse = COARSE if run["quick"] else ""
    return {"passed": not core.problems, "verdict": verdict, "data": data, "coarse": coarse}


def lines(core: Core, study: Study, effects: pd.DataFrame | None, claims: str = "") -> tuple[str, ...]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters.

    A failed fit or a quick run is said first; where room is short, the last lines go.
    """
    said, course = trust(core), asked(study)
    out = [] if said["passed"] else [said["verdict"]]
    out += [said["coarse"], study.settings.question]
    for outcome in study.main_outcomes[:2]:
        found = _effects(effects, course, outcome)
        out += [f"{_with_unit(outcome)}:"] if found else []
        out += [f"  {PRIOR_LABELS[prior]}: {in_brief(effect, outcome)}" for prior, effect in found.items()]
    bottom = bottom_line(study, effects)
    out += textwrap.wrap(f"Bottom line: {clean(bottom)}", WIDTH - 2)[:2] if bottom else []
    out += [
        f"{said['verdict']} {said['data']}" if said["passed"] else "",
        claims,
        open_influences(study, core),
    ]
    cut = [("  " if each[0] == " " else "") + shorten(each, WIDTH - 2) for each in out if each]
    return tuple(cut[:LINES])


def _with_unit(outcome: Outcome) -> str:
    unit = unit_of(outcome.unit, difference=True)[1]
    return f"{outcome.label} ({unit})" if unit else outcome.label


_PANEL_WIDTH, _PANEL_HEIGHT = 216.0, 330.0
_ENDS = ("q05", "q25", "median", "q75", "q95")
_MOST = 3


def tradeoff(study: Study, effects: pd.DataFrame) -> Figure | None:
    """Draw the trade-off, or return None for a study with fewer than two main outcomes or without courses.

    `effects`: tidy: scenario, prior, outcome and the columns of effects. Shown are the courses with the answer's roles,
    else the first ones declared.
    """
    others = [each for each in study.scenarios if not each.baseline]
    shown = courses(study, "moderation", "moderation_with_aid", "hardening") or others[:_MOST]
    if len(study.main_outcomes) < 2 or not shown:
        return None
    up, across = study.main_outcomes[:2]
    rows = _rows(effects, [*shown, study.baseline], across, up)
    if rows.empty:
        return None
    labels = {each.id: each.label for each in study.scenarios}
    wrapped = [textwrap.wrap(labels[name], 18, max_lines=2, placeholder=" …") for name in rows["scenario"]]
    rows = rows.assign(_label=["\n".join(each) for each in wrapped])
    x, y = _Scale(rows, "x", _PANEL_WIDTH), _Scale(rows, "y", _PANEL_HEIGHT, downwards=True)
    rows = pd.concat(
        [_placed(part, x, y) for _, part in rows.groupby("prior", sort=False)], ignore_index=True
    )
    axis = alt.Axis(grid=False, tickCount=5, labelExpr=NUMBER_LABELS, labelOverlap="greedy")
    return Figure(
        "tradeoff",
        f"{up.label} against {mid_sentence(across.label)} over {study.settings.horizon_months} months, "
        f"each as a difference from “{study.baseline.label}” at the crossing. Thick lines hold half of the draws, thin "
        "ones 90%. Both scales are stretched around nothing.",
        "The model's scenarios over its posterior draws, the same shocks in every scenario.",
        _alternative(effects, shown, (up, across)),
        Layout("facet", margin=52, gap=20, least=240, most=2),
        finished(
            _drawing(
                views(rows),
                shown[0].id,
                alt.X("x_median:Q", title=f"{_with_unit(across)} →", scale=x.altair(), axis=axis),
                alt.Y("y_median:Q", title=f"{_with_unit(up)} →", scale=y.altair(), axis=axis),
            )
        ),
        {"tradeoff": rows},
        ("tradeoff",),
    )


class _Scale:
    """An axis of so many pixels, stretched around nothing (symmetric logarithm), with some air beyond all intervals."""

    def __init__(self, rows: pd.DataFrame, name: str, length: float, *, downwards: bool = False) -> None:
        values = rows[[f"{name}_{end}" for end in _ENDS]].to_numpy(dtype=float)
        medians = [abs(value) for value in rows[f"{name}_median"] if value]
        widest = max(float(abs(values).max()), 1e-9)
        self.constant = max(min(medians, default=widest), widest / 100)
        low, high = self._of(min(float(values.min()), 0.0)), self._of(max(float(values.max()), 0.0))
        air = 0.08 * (high - low)
        self.low, self.high = low - air, high + air
        self.length, self.downwards = length, downwards

    def _of(self, value: float) -> float:
        return math.copysign(math.log1p(abs(value) / self.constant), value)

    def _back(self, place: float) -> float:
        return math.copysign(math.expm1(abs(place)) * self.constant, place)

    def pixels(self, value: float) -> float:
        """Return how far a value lies from the left or upper end."""
        pixels = (self._of(value) - self.low) / (self.high - self.low) * self.length
        return self.length - pixels if self.downwards else pixels

    def value(self, pixels: float) -> float:
        """Return the value that lies so far from the left or upper end."""
        pixels = self.length - pixels if self.downwards else pixels
        return self._back(self.low + pixels / self.length * (self.high - self.low))

    def altair(self) -> alt.Scale:
        """Return the same for a drawing."""
        ends = [self._back(self.low), self._back(self.high)]
        return alt.Scale(type="symlog", constant=self.constant, domain=ends, nice=False)


def _rows(effects: pd.DataFrame, shown: Sequence[Scenario], across: Outcome, up: Outcome) -> pd.DataFrame:
    """Return a row for each course and view, with both outcomes side by side in the units of the axes."""
    keys = ["scenario", "prior"]
    order = pd.MultiIndex.from_product([[each.id for each in shown], list(views(effects))], names=keys)
    parts = []
    for name, outcome in (("x", across), ("y", up)):
        own = effects[effects["outcome"] == outcome.name].set_index(keys)[list(_ENDS)]
        factor = unit_of(outcome.unit, difference=True)[0]
        parts.append((own * factor).add_prefix(f"{name}_").reindex(order))
    return pd.concat(parts, axis=1).dropna().reset_index()


def _placed(rows: pd.DataFrame, x: _Scale, y: _Scale) -> pd.DataFrame:
    """Return the rows of one view with the places of their labels, in the units of the axes."""
    marks: list[Area] = []
    lines: list[Area] = []
    points = []
    for row in records(rows):
        at_x, left, right = (x.pixels(row[f"x_{end}"]) for end in ("median", "q05", "q95"))
        at_y, bottom, top = (y.pixels(row[f"y_{end}"]) for end in ("median", "q05", "q95"))
        points.append((at_x, at_y, row["_label"]))
        marks.append((at_x - 7, at_y - 7, at_x + 7, at_y + 7))
        lines += [(left, at_y - 1, right, at_y + 1), (at_x - 1, top, at_x + 1, bottom)]
    spots = place(points, marks, lines, _PANEL_WIDTH, _PANEL_HEIGHT)
    # a label beside its point needs no leader
    far = pd.Series([spot.distance > 12 for spot in spots], rows.index)
    return rows.assign(
        _x=[x.value(spot.left) for spot in spots],
        _y=[y.value(spot.middle) for spot in spots],
        _to_x=pd.Series([x.value(spot.leader[0]) for spot in spots], rows.index).where(far),
        _to_y=pd.Series([y.value(spot.leader[1]) for spot in spots], rows.index).where(far),
    )


def _drawing(given: Mapping[str, str], asked: str, x: alt.X, y: alt.Y) -> Any:
    """Return the drawing: a panel a view, with the course that was asked about in a colour of its own."""
    base, test = alt.Chart(), f"datum.scenario === '{asked}'"
    colour = alt.condition(test, alt.value(FOCUS), alt.value(QUIET))
    nothing = base.transform_calculate(_nothing="0").mark_rule(color=QUIET, strokeDash=[1, 3])
    layers: list[Any] = [nothing.encode(x="_nothing:Q"), nothing.encode(y="_nothing:Q")]
    for low, high, width, opacity in (("q05", "q95", 1.2, 0.5), ("q25", "q75", 4.0, 0.85)):
        rule = base.mark_rule(strokeWidth=width, opacity=opacity, strokeCap="butt")
        layers.append(rule.encode(x=alt.X(f"x_{low}:Q"), x2=f"x_{high}:Q", y=y, color=colour))
        layers.append(rule.encode(y=alt.Y(f"y_{low}:Q"), y2=f"y_{high}:Q", x=x, color=colour))
    leaders = base.transform_filter("isValid(datum._to_x)").mark_rule(color=QUIET, strokeWidth=0.7)
    layers.append(leaders.encode(x=x, y=y, x2="_to_x:Q", y2="_to_y:Q"))
    columns = [f"{name}_{end}:Q" for name in "xy" for end in ("median", "q05", "q95")]
    tip = ["scenario:N", *(alt.Tooltip(column, format=".2~r") for column in columns)]
    point = base.mark_point(size=90, strokeWidth=1.8, stroke=PAPER, opacity=1)
    layers.append(point.encode(x=x, y=y, fill=colour, tooltip=tip))
    style: dict[str, Any] = {"align": "left", "baseline": "middle", "lineBreak": "\n", "lineHeight": LINE}
    text = base.mark_text(fontSize=12, stroke=PAPER, strokeWidth=3, **style)
    ink = alt.condition(test, alt.value(FOCUS), alt.value(INK))
    layers.append(text.encode(x=alt.X("_x:Q"), y=alt.Y("_y:Q"), text="_label:N", color=ink))
    names = json.dumps({prior: capital(label) for prior, label in given.items()})
    header = alt.Header(
        title=None, labelExpr=f"{names}[datum.value]", labelAnchor="start", labelFontWeight=600
    )
    panel = alt.layer(*layers, data=alt.NamedData("tradeoff")).properties(height=_PANEL_HEIGHT)
    facet = alt.Facet("prior:N", sort=list(given), header=header)
    return panel.facet(facet=facet, columns=2, spacing={"column": 20, "row": 40}, bounds="flush")


def _alternative(effects: pd.DataFrame, shown: Sequence[Scenario], outcomes: Sequence[Outcome]) -> str:
    parts = []
    for prior, view in views(effects).items():
        told = []
        for course in shown:
            found = [(outcome, _effects(effects, course, outcome)) for outcome in outcomes]
            sizes = [f"{o.label}: {in_brief(each[prior], o)}" for o, each in found if prior in each]
            told.append(f"“{course.label}”: {', '.join(sizes)}")
        parts.append(f"{capital(view)}: {'; '.join(told)}.")
    return " ".join(parts)
