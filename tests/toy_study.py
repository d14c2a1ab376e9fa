"""A stand-in for a loaded study around the toy contest, and sections as the page draws them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2

import contest
import outbid
from outbid.declared import read_required
from outbid.model.declare import Model
from outbid.question import Question, Section
from outbid.report.page import environment
from outbid.simulate.scenario import Goal, Scenario, ScenarioFile, names_of

PLANTED = "<script>alert(1)</script>"


def toy_study(folder: Path, model: Model, **more: Any) -> Any:
    """What rooms use of a study, with the toy's model and figures; `more` are further attributes."""
    names = {
        "lever": model.lever_names,
        "outcome": [each.name for each in model.outcomes],
        "parameter": model.parameter_names,
        "range": {each.name: (each.low, each.high) for each in model.levers},
        "month": contest.WINDOW.months,
        "today": {"counterforce": 0.8},
        "horizon": 12,
    }
    return SimpleNamespace(
        **{"name": "toy", "folder": folder, "model": model, "names": names},
        **{"panel": contest.panel(), "known_levers": contest.known_levers(), "main_outcomes": model.outcomes},
        **{"settings": SimpleNamespace(roles={}, horizon_months=12, incumbent="The incumbent")},
        **more,
    )


def asking(study: Any, question: Question[Any]) -> Any:
    """The study with what its folder declares of a question, as the program loads it."""
    study.declared = {**getattr(study, "declared", {}), question.name: question.declare(study)}
    return study


def read_goals(path: Path, model: Model) -> tuple[Goal, ...]:
    """A file's goals."""
    return read_required(path, ScenarioFile, names_of(model)).goals


def read_scenarios(
    path: Path, model: Model, today: Mapping[str, float] | None = None, months: int | None = None
) -> tuple[Scenario, ...]:
    """A file's scenarios; `today` and `months` as in `names_of`."""
    return read_required(path, ScenarioFile, names_of(model, today, months)).scenarios


def rendered(section: Section) -> str:
    """A section's HTML."""
    page = environment()
    alone = page.overlay(loader=jinja2.FileSystemLoader(Path(outbid.__file__).parent))
    words = {"section": section, "tables": section.tables, "figures": section.figures, "claim_ids": set()}
    return alone.get_template(section.template).render(**words, **section.words)


def visible(html: str) -> str:
    """What a reader sees of it, in one line."""
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))
    return re.sub(r"\s+", " ", text)


def planted(model: Model) -> Model:
    """The toy with a script for a label of its outcome."""
    (only,) = model.outcomes
    return replace(model, outcomes=(replace(only, label=f"Members {PLANTED}"),))
