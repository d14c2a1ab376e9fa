"""A folder becomes a Study: model, panel, ledger, levers and scenarios, every name and every ID resolved."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from outbid.data.levers import LeverRow, MarkRow, read_levers, read_marks
from outbid.data.panel import Panel, read_panel
from outbid.data.tables import read_toml
from outbid.data.window import Window
from outbid.errors import InputError, did_you_mean
from outbid.evidence import Ledger, Source, read_ledger, read_sources, resolve
from outbid.model.declare import Model, declare
from outbid.model.priors import read_parameters

SHIPPED = Path(__file__).parent / "studies"
KINDS = ("population", "game")


@dataclass(frozen=True)
class Settings:
    """What study.toml says: title, question, names of the two sides, the window, and who plays which part.

    `roles` names the scenarios and outcomes that the report's answer speaks of, `boxes` the states, levers
    and counts that its diagram draws (all, if empty). A study of the kind "game" is estimated and solved as
    a game instead of simulated: its `play` says how (see `outbid.replication.settings`), and it has no horizon.
    """

    title: str
    question: str
    incumbent: str
    challenger: str
    window: Window
    horizon_months: int
    roles: Mapping[str, str]
    boxes: tuple[str, ...] = ()
    kind: str = "population"
    play: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """A checked study. `known_levers` has shape (months, levers); inferred levers hold zeros there."""

    name: str
    folder: Path
    settings: Settings
    model: Model
    panel: Panel
    ledger: Ledger
    figure_sources: Mapping[str, Source]
    known_levers: np.ndarray
    lever_rows: tuple[LeverRow, ...]
    marks: tuple[MarkRow, ...]

    @property
    def levers_today(self) -> dict[str, float]:
        """The last month's value of each lever that is known before any fit, by name."""
        inferred = {name for history in self.model.lever_histories for name in history.levers}
        pairs = zip(self.model.lever_names, self.known_levers[-1], strict=True)
        return {name: float(value) for name, value in pairs if name not in inferred}


def shipped_studies() -> tuple[str, ...]:
    """Return the names of the studies that come with the package."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/study.toml")))


def study_folder(study: str | Path) -> Path:
    """Return the folder of a shipped study's name or of a path.

    Raises
    ------
    InputError
        If it is neither, or a folder that holds no study.
    """
    if isinstance(study, str) and study in shipped_studies():
        return SHIPPED / study
    folder = Path(study)
    if not folder.is_dir():
        raise InputError(
            f"study {str(study)!r}",
            "neither a shipped study nor a folder",
            did_you_mean(str(study), shipped_studies()),
        )
    for needed in ("study.toml", "__init__.py"):
        if not (folder / needed).is_file():
            raise InputError(
                str(folder), f"is not a study: it has no {needed}", "Start from a copy of a shipped study."
            )
    return folder


def read_settings(path: Path) -> Settings:
    """Read study.toml.

    Raises
    ------
    InputError
        On malformed TOML, an unknown or missing key, a wrong type or an impossible month.
    """
    entries = read_toml(path)
    texts = ("title", "question", "incumbent", "challenger", "first_month", "last_month")
    kind = entries.get("kind", "population")
    if kind not in KINDS:
        raise InputError(
            f"{path.name}, kind", f"{kind!r} is no kind of study", did_you_mean(str(kind), KINDS)
        )
    known = (
        {*texts, "kind", "play"} if kind == "game" else {*texts, "kind", "horizon_months", "roles", "boxes"}
    )
    for key in entries:
        if key not in known:
            raise InputError(f"{path.name}, {key}", "unknown key", did_you_mean(key, known))
    for key in texts:
        if not isinstance(entries.get(key), str) or not entries[key].strip():
            raise InputError(f"{path.name}, {key}", "missing or not a text", "Give it as text in quotes.")
    if kind == "game":
        return _game_settings(entries, path)
    horizon = entries.get("horizon_months")
    if not isinstance(horizon, int) or isinstance(horizon, bool) or not 1 <= horizon <= 600:
        raise InputError(f"{path.name}, horizon_months", "not a whole number of months", "Give 1 to 600.")
    roles = entries.get("roles", {})
    if not isinstance(roles, dict) or not all(isinstance(value, str) for value in roles.values()):
        raise InputError(
            f"{path.name}, roles",
            "not a table of names",
            'Write [roles] with lines such as moderation = "moderation".',
        )
    boxes = entries.get("boxes", [])
    if not isinstance(boxes, list) or not all(isinstance(value, str) for value in boxes):
        raise InputError(f"{path.name}, boxes", "not a list of names", 'Write boxes = ["standing"].')
    return Settings(
        entries["title"],
        entries["question"],
        entries["incumbent"],
        entries["challenger"],
        Window(entries["first_month"], entries["last_month"]),
        horizon,
        roles,
        tuple(boxes),
    )


def _game_settings(entries: Mapping[str, Any], path: Path) -> Settings:
    if not isinstance(entries.get("play"), dict):
        raise InputError(
            f"{path.name}, play", "missing or not a table", "Say under [play] how the game is played."
        )
    return Settings(
        entries["title"],
        entries["question"],
        entries["incumbent"],
        entries["challenger"],
        Window(entries["first_month"], entries["last_month"]),
        0,
        {},
        kind="game",
        play=entries["play"],
    )


def load_study(study: str | Path) -> Study:
    """Load a study by its shipped name or its folder, and check that everything in it resolves.

    A study of the kind "game" has neither figures nor marks of its own: its panel is given when it is run.

    Raises
    ------
    InputError
        One clear line on the first thing that is wrong.
    """
    folder = study_folder(study)
    settings = read_settings(folder / "study.toml")
    theory = _import(folder)
    for needed in ("stocks", "indices", "levers", "theory"):
        if not hasattr(theory, needed):
            raise InputError(
                f"{folder.name}/__init__.py",
                f"declares no {needed}",
                "A study's folder declares stocks, indices, levers and theory.",
            )
    model = declare(
        stocks=theory.stocks,
        indices=theory.indices,
        levers=theory.levers,
        parameters=read_parameters(folder / "parameters.toml"),
        theory=theory.theory,
        file=f"study {folder.name!r}",
    )
    ledger = read_ledger(folder)
    figure_sources = read_sources(folder / "figure_sources.toml", role="figures")
    cited = {*figure_sources, *ledger.sources}
    if settings.kind == "game":
        blank = np.zeros((len(settings.window), len(model.levers)))
        nothing = Panel(settings.window, {})
        return Study(folder.name, folder, settings, model, nothing, ledger, figure_sources, blank, (), ())
    panel = read_panel(folder, settings.window, cited)
    inferred = {name for history in model.lever_histories for name in history.levers}
    known = [name for name in model.lever_names if name not in inferred]
    paths, rows = read_levers(folder / "levers.csv", settings.window, known, cited)
    levers = np.stack([paths.get(name, np.zeros(len(settings.window))) for name in model.lever_names], axis=1)
    _levers_in_range(model, levers, inferred)
    marks = read_marks(folder / "marks.csv", cited)
    return Study(folder.name, folder, settings, model, panel, ledger, figure_sources, levers, rows, marks)


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
    for mark in study.marks:
        for claim in mark.claims:
            if claim not in study.ledger.claims:
                problems.append(
                    f"marks.csv, {mark.id}: cites the unknown claim {claim!r}. "
                    f"{did_you_mean(claim, study.ledger.claims)}"
                )
    return tuple(problems)


def _levers_in_range(model: Model, levers: np.ndarray, inferred: set[str]) -> None:
    for lever, path in zip(model.levers, levers.T, strict=True):
        if lever.name not in inferred and not (path.min() >= lever.low and path.max() <= lever.high):
            raise InputError(
                f"levers.csv, {lever.name}",
                f"leaves its range {lever.low:g} to {lever.high:g}",
                "Mend the value, or the range.",
            )


def _import(folder: Path) -> ModuleType:
    if folder.parent == SHIPPED:
        return importlib.import_module(f"outbid.studies.{folder.name}")
    # A name of its own for each folder, and nothing left over from when it was loaded before.
    name = f"outbid_study_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
    for stale in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[stale]
    importlib.invalidate_caches()
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise InputError(str(folder), "cannot be imported", "Give the folder a plain name.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{folder.name}/__init__.py",
            f"fails when it is run ({type(error).__name__}: {error})",
            "Mend the study's Python files.",
        ) from error
    return module
