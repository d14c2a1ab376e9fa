"""The answer: a paragraph to read aloud, the trade-off as a picture, how far it may be relied upon."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from outbid.conventions import PRIOR_LABELS, SOURCES
from outbid.model.vocabulary import Outcome
from outbid.question import Section
from outbid.report.core import Core
from outbid.report.drivers import open_influences
from outbid.report.figures import tradeoff
from outbid.simulate.scenario import Scenario
from outbid.study import Study
from outbid.words.chances import Reading
from outbid.words.contrast import contrast
from outbid.words.effects import difference, in_brief, span, views
from outbid.words.numbers import capital, clean, counted, month_name, shorten, unit_of

_WIDTH, _LINES = 100, 10
COARSE = "This was a quick run: few draws, coarse numbers. Use it to look around, not to brief."


def section(core: Core, study: Study, effects: pd.DataFrame | None, claims: str = "") -> Section:
    """Return the head of the page.

    Parameters
    ----------
    effects
        The table of scenarios: scenario, prior, outcome and the columns of effects; None where none was compared.
    claims
        What became of the sources' claims, in a sentence; empty where they weren't tested.
    """
    drawn = None if effects is None else tradeoff.figure(study, effects)
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
