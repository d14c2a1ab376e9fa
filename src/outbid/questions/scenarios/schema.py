"""Which scenarios are compared: the study's own, or those of a user's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, ValidationInfo, model_validator

from outbid.declared import read_required
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
            own_courses(info.context["study"], self.scenarios)
        return self


@dataclass(frozen=True)
class Courses:
    """Scenarios, one of them the baseline, and what would be acceptable."""

    scenarios: Sequence[Scenario]
    goals: Sequence[Goal] = ()


def declare(study: Study) -> Courses | None:
    """Return the study's scenarios, None if it has none."""
    return Courses(study.scenarios, study.goals) if study.scenarios else None


def own_courses(study: Study, path: Path) -> Courses:
    """Return the scenarios of a user's file; its goals count if it has any, else the study's.

    Raises
    ------
    InputError
        If the file does not hold sound scenarios; the complaint names the file.
    """
    held = read_required(path, ScenarioFile, study.names)
    return Courses(held.scenarios, held.goals or study.goals)
