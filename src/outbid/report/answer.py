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
    """Return the answer: what the course does to the two first outcomes, the bottom line, and what aid changes.

    Shorter where results, outcomes or words are missing.
    """
    course = asked(study)
    if effects is None or course is None:
        return []
    rows = [
        (outcome, found)
        for outcome in study.main_outcomes[:2]
        if (found := _effects(effects, course, outcome))
    ]
    out = []
    for outcome, found in rows:
        readings = {prior: effect["reading"] for prior, effect in found.items()}
        clauses = {kind: outcome.clause(kind, course.course) for kind in _KINDS}
        out.append(f"{contrast(clauses, readings)}: {_sizes(outcome, found)}.")
    if len(rows) == 2:
        lines = {
            prior: study.settings.bottom(
                rows[0][1][prior]["reading"], rows[1][1][prior]["reading"], course.course
            )
            for prior in rows[0][1]
            if prior in rows[1][1]
        }
        out += [each] if (each := _bottom(lines)) else []
    aided = asked(study, "moderation_with_aid")
    for outcome in study.main_outcomes[1:2] if aided else ():
        found = _effects(effects, aided, outcome) if aided else {}
        if aided and found:
            clauses = {kind: outcome.clause(kind, aided.course) for kind in _KINDS}
            out.append(f"{contrast(clauses, {prior: each['reading'] for prior, each in found.items()})}.")
    return out


_KINDS: tuple[Reading, ...] = ("more", "less", "unknown")


def _effects(effects: pd.DataFrame, course: Scenario, outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Return a course's effects on an outcome, by view."""
    rows = effects[(effects["scenario"] == course.id) & (effects["outcome"] == outcome.name)]
    found = {str(row["prior"]): {str(key): value for key, value in row.items()} for _, row in rows.iterrows()}
    return {prior: found[prior] for prior in views(rows)}


def _sizes(outcome: Outcome, found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the sizes under each view; under the sources' with the unit ("+240 persons (+20 to +2,700) ...")."""
    unit = unit_of(outcome.unit, difference=True)[1]
    parts = []
    for prior in sorted(found, key=lambda each: each != SOURCES):
        words = f" {unit}" if unit and not parts else ""
        size, ends = difference(found[prior], outcome.unit), span(found[prior], outcome.unit)
        parts.append(f"{size}{words} ({ends}) {PRIOR_LABELS[prior]}")
    return "; ".join(parts)


def _bottom(lines: Mapping[str, str]) -> str:
    """Return the bottom line under each view as one sentence; empty where the study declares none."""
    if not lines or not all(lines.values()):
        return ""
    if len(set(lines.values())) == 1:
        labels = " as well as ".join(PRIOR_LABELS[prior] for prior in lines)
        return f"{capital(next(iter(lines.values())))}, {labels}."
    return f"{capital('; '.join(f'{PRIOR_LABELS[prior]}, {line}' for prior, line in sorted(lines.items(), reverse=True)))}."


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
    for outcome in study.main_outcomes[:2] if course and effects is not None else ():
        assert effects is not None and course is not None
        unit = unit_of(outcome.unit, difference=True)[1]
        name = f"{outcome.label} ({unit})" if unit else outcome.label
        for prior, effect in _effects(effects, course, outcome).items():
            out.append(f"{name}, {PRIOR_LABELS[prior]}: {in_brief(effect, outcome)}")
    told = sentences(study, effects)
    if len(told) >= 3:
        out += textwrap.wrap(f"Bottom line: {clean(told[2])}", _WIDTH)[:2]
    out += [
        f"{said['verdict']} {said['data']}" if said["passed"] else "",
        claims,
        open_influences(study, core),
    ]
    return tuple(kept(out))


def kept(out: Sequence[str]) -> list[str]:
    """Return lines cut to a terminal's width, empty ones left out, and no more than ten."""
    return [line for line in (shorten(each, _WIDTH) for each in out) if line][:_LINES]
