"""A study: its folder, read and checked once, and everything that it declares, every name and every ID resolved."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from pydantic import BaseModel

from outbid.data.levers import LeverRow, MarkRow, read_levers, read_marks
from outbid.data.panel import Panel, SeriesFile, read_panel
from outbid.declared import json_schema, read
from outbid.errors import InputError, did_you_mean
from outbid.evidence import (
    Claims,
    ClaimSources,
    FigureSources,
    Ledger,
    Source,
    read_ledger,
    read_sources,
    resolve,
)
from outbid.files import path_of, reading
from outbid.model.declare import Model, declare
from outbid.model.priors import ParameterFile, read_parameters
from outbid.model.vocabulary import Outcome
from outbid.simulate.scenario import Goal, Scenario, ScenarioFile, choose, names_of
from outbid.study.modules import study_modules
from outbid.study.settings import Band as Band
from outbid.study.settings import Settings, read_settings

SHIPPED = Path(__file__).parents[1] / "studies"
Reader = tuple[str, Callable[["Study"], object | None]]


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """A checked study.

    `known_levers`: shape (months, levers); inferred levers hold zeros there. `names`: what its declarations
    may name, by kind, for `outbid.declared.read`. `declared`: what it declares for each question that may be
    asked of it, by the question's name. `files`: what was read while it was loaded, by path, with digests of what
    stood there; `fit_files`: of those, what a fit depends on (of study.toml, a fit takes the window alone).
    """

    name: str
    folder: Path
    settings: Settings
    model: Model
    panel: Panel
    ledger: Ledger
    figure_sources: Mapping[str, Source]
    known_levers: np.ndarray
    lever_rows: tuple[LeverRow, ...] = ()
    marks: tuple[MarkRow, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    goals: tuple[Goal, ...] = ()
    names: Mapping[str, Any] = field(default_factory=dict)
    declared: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    fit_files: dict[str, str] = field(default_factory=dict)
    # what loads it again elsewhere; one that was changed in memory has none
    _load: tuple[str | Path, tuple[Reader, ...]] | None = field(default=None, init=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._load is None:
            problem = "was changed in memory, so that it can't be sent or copied"
            raise InputError(f"study {self.name!r}", problem, "Send its folder, and change it there.")
        return _again, (*self._load, self.files)

    def __repr__(self) -> str:
        model, window = self.model, self.panel.window
        parts = f"{len(model.stocks) + len(model.indices)} states, {len(model.parameters)} parameters"
        return f"<Study {self.name}: {window.first_month} to {window.last_month}, {parts}>"

    @property
    def levers_today(self) -> dict[str, float]:
        """The last month's value of each lever that is known before any fit, by name."""
        pairs = zip(self.model.lever_names, self.known_levers[-1], strict=True)
        return {name: float(value) for name, value in pairs if name not in self.model.inferred_levers}

    @property
    def outcome_labels(self) -> dict[str, str]:
        """What outcomes are called, by name."""
        return {each.name: each.label for each in self.model.outcomes}

    @property
    def baseline(self) -> Scenario:
        """The scenario that the others are held against."""
        return next(each for each in self.scenarios if each.baseline)

    def scenario(self, name: str) -> Scenario:
        """Return a scenario by its id. Raises InputError if the study has none of that id."""
        return choose([each for each in self.scenarios if not each.baseline or each.id == name], [name])[-1]

    @property
    def main_outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that answers speak of, by rank; without ranks those with a role; without roles, all."""
        outcomes = {each.name: each for each in self.model.outcomes}
        ranked = [each for each in outcomes.values() if each.rank is not None]
        roles = self.settings.roles.values()
        return (
            tuple(sorted(ranked, key=lambda each: each.rank or 0))
            or tuple(outcomes[name] for name in dict.fromkeys(roles) if name in outcomes)
            or tuple(outcomes.values())
        )


def shipped_studies() -> tuple[str, ...]:
    """Return the names of the studies that come with the package."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/study.toml")))


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each file that a study consists of, by the file's name; questions bring their own."""
    schemas: dict[str, type[BaseModel]] = {
        "study.toml": Settings,
        "parameters.toml": ParameterFile,
        "series.toml": SeriesFile,
        "claims.toml": Claims,
        "claim_sources.toml": ClaimSources,
        "figure_sources.toml": FigureSources,
        "scenarios.toml": ScenarioFile,
    }
    return {name: json_schema(schema) for name, schema in schemas.items()}


def _folder_of(study: str | Path) -> Path:
    """Return the folder of a shipped study's name or of a path.

    Raises InputError if it is neither, or a folder that holds no study.
    """
    if isinstance(study, str) and study in shipped_studies():
        return SHIPPED / study
    folder = path_of("study", study, "Give a shipped study's name, or a folder.")
    if not folder.is_dir():
        fix = did_you_mean(str(study), shipped_studies())
        raise InputError(f"study {str(study)!r}", "neither a shipped study nor a folder", fix)
    for needed in ("study.toml", "__init__.py"):
        if not (folder / needed).is_file():
            problem = f"is not a study: it has no {needed}"
            raise InputError(str(folder), problem, "Start from a copy of a shipped study.")
    return folder


def load_study(study: str | Path, readers: Iterable[Reader] = ()) -> Study:
    """Load a study by its shipped name or its folder, and check that everything in it resolves.

    A study of the kind "game" has neither figures nor marks of its own: its panel is given when it is run.
    `readers`: what reads the declarations of questions: a name and a function of the study, whose `declared`
    holds what readers before it returned; None stands for a study that declares nothing. Raises InputError
    one clear line on the first thing that is wrong.
    """
    folder, readers = _folder_of(study), tuple(readers)
    files: dict[str, str] = {}
    _check_device()
    try:
        # what a study prints must not mix with an answer on standard output
        with redirect_stdout(sys.stderr), reading(folder, files):
            whole = _loaded(folder, files)
            for name, reader in readers:
                if (declaration := reader(whole)) is not None:
                    whole.declared[name] = declaration
    except SystemExit as error:
        problem = f"fails when it is run (SystemExit: {error})"
        raise InputError(f"study {str(study)!r}", problem, "Mend the study's Python files.") from error
    again = whole.name if folder.parent == SHIPPED else folder.absolute()
    object.__setattr__(whole, "_load", (again, readers))
    return whole


def _again(study: str | Path, readers: tuple[Reader, ...], files: dict[str, str]) -> Study:
    """Return a study that was sent from elsewhere. Raises InputError if it has another content here."""
    whole = load_study(study, readers)
    if whole.files != files:
        raise InputError(str(study), "has changed since it was sent or stored", "Load it anew.")
    return whole


def _check_device() -> None:
    for setting in ("jax_platforms", "jax_platform_name"):
        if wanted := jax.config.values.get(setting):
            try:
                jax.devices(wanted if setting == "jax_platform_name" else None)
            except (RuntimeError, AssertionError) as error:
                name = setting.upper()
                raise InputError(name, f"JAX finds no {wanted} here", f"Unset {name}.") from error


def _loaded(folder: Path, files: dict[str, str]) -> Study:
    """Return a study without what it declares for questions."""
    name = (folder.resolve() if folder.name == ".." else folder.absolute()).name
    of_fits: dict[str, str] = {}
    settings = read_settings(folder / "study.toml")
    with reading(folder, of_fits), study_modules(folder) as theory:
        for needed in ("stocks", "indices", "levers", "theory"):
            if not hasattr(theory, needed):
                fix = "A study's folder declares stocks, indices, levers and theory."
                raise InputError(f"{name}/__init__.py", f"declares no {needed}", fix)
        model = declare(
            stocks=theory.stocks,
            indices=theory.indices,
            levers=theory.levers,
            parameters=read_parameters(folder / "parameters.toml"),
            theory=theory.theory,
            file=f"study {name!r}",
        )
    ledger = read_ledger(folder)
    figure_sources = read_sources(folder / "figure_sources.toml")
    panel = Panel(settings.window, {})
    levers = np.zeros((len(settings.window), len(model.levers)))
    parts = (name, folder, settings, model, panel, ledger, figure_sources, levers)
    whole = Study(*parts, files=files, fit_files=of_fits)
    return _with_figures(whole) if settings.kind == "population" else whole


def _with_figures(study: Study) -> Study:
    """Return a population study with its figures, levers, marks, scenarios and goals."""
    folder, window, model = study.folder, study.settings.window, study.model
    cited = {*study.figure_sources, *study.ledger.sources}
    known = [name for name in model.lever_names if name not in model.inferred_levers]
    with reading(folder, study.fit_files):
        panel = read_panel(folder, window, cited)
        paths, rows = read_levers(folder / "levers.csv", window, known, cited)
    levers = np.stack([paths.get(name, np.zeros(len(window))) for name in model.lever_names], axis=1)
    for lever, path in zip(model.levers, levers.T, strict=True):
        if lever.name in known and not (path.min() >= lever.low and path.max() <= lever.high):
            problem = f"leaves its range {lever.low:g} to {lever.high:g}"
            raise InputError(f"levers.csv, {lever.name}", problem, "Mend the value, or the range.")
    marks = read_marks(folder / "marks.csv", cited)
    study = replace(study, panel=panel, known_levers=levers, lever_rows=rows, marks=marks)
    names = {
        **names_of(model, study.levers_today, study.settings.horizon_months),
        "month": window.months,
        "series": tuple(panel.series),
        "event": tuple(mark.id for mark in marks),
        "source": tuple(cited),
        "claim": tuple(study.ledger.claims),
    }
    courses = read(folder / "scenarios.toml", ScenarioFile, names) or ScenarioFile.model_construct()
    names |= {
        "scenario": [each.id for each in courses.scenarios],
        "goal": [each.id for each in courses.goals],
    }
    settings = read_settings(folder / "study.toml", names)
    return replace(study, settings=settings, scenarios=courses.scenarios, goals=courses.goals, names=names)


def unresolved(study: Study) -> tuple[str, ...]:
    """Return a sentence for every ID that resolves to nothing, both ways; empty if all do."""
    model = study.model
    mechanisms = [item for item in model.mechanisms if not item.nuisance]
    homes = {
        "mechanism": [*(item.name for item in mechanisms), *(item.name for item in model.lever_histories)],
        "series": list(study.panel.series),
        "lever": list(model.lever_names),
        "stock": [item.name for item in model.stocks],
        "index": [item.name for item in model.indices],
        "event": [mark.id for mark in study.marks],
        "outcome": [item.name for item in model.outcomes],
        "actor": [item.name for item in model.actors],
        "parameter": list(model.parameter_names),
    }
    evidence = {
        **{f"mechanism:{item.name}": item.evidence for item in mechanisms},
        **{f"mechanism:{item.name}": item.evidence for item in model.lever_histories},
        **{f"parameter:{item.name}": item.evidence for item in model.parameters if item.evidence},
        **{f"actor:{item.name}": item.evidence for item in model.actors},
    }
    problems = list(resolve(study.ledger, homes, evidence))
    problems += [
        f"marks.csv, {mark.id}: cites the unknown claim {claim!r}. {did_you_mean(claim, study.ledger.claims)}"
        for mark in study.marks
        for claim in mark.claims
        if claim not in study.ledger.claims
    ]
    return tuple(problems)
