"""The verbs of the command line as a Python interface: load a study, then check, fit, simulate, report or run it.

>>> import outbid
>>> study = outbid.load("khorasan")
>>> study.check().ok
True
"""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from outbid.output import OutputFolder, json_text
from outbid.progress import Progress, Silent
from outbid.results import (
    CheckResult,
    FitResult,
    ReportResult,
    RunResult,
    SimulationResult,
    StudyInfo,
    fit_lines,
    problems_of,
    problems_told,
    simulation_lines,
)

if TYPE_CHECKING:
    from outbid.report.content import ReportContent
    from outbid.run import Settings
    from outbid.study import Study

SEED = 20210815


def studies() -> tuple[StudyInfo, ...]:
    """Return the studies that come with the package, without loading them."""
    found = []
    for path in sorted((Path(__file__).parent / "studies").glob("*/study.toml")):
        title = str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", path.parent.name))
        found.append(StudyInfo(path.parent.name, title, path.parent))
    return tuple(found)


def load(study: str | Path) -> LoadedStudy:
    """Load a study by its name or its folder.

    Raises
    ------
    InputError
        One clear line on the first thing that is wrong.
    """
    from outbid.study import load_study

    return LoadedStudy(load_study(study))


@dataclass(frozen=True)
class LoadedStudy:
    """A study with the verbs on it. The study's parts are `study.model`, `study.panel`, `study.ledger`."""

    study: Study

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name

    @property
    def title(self) -> str:
        """The study's title."""
        return self.study.settings.title

    def check(self) -> CheckResult:
        """Resolve every ID both ways, and verify the anchors of latent indices."""
        from outbid.run import check_study

        study, problems = self.study, check_study(self.study)
        figures = sum(len(series.used) for series in study.panel.series.values())
        told = (
            f"{self.title}: {len(study.model.mechanisms)} mechanisms, {len(study.model.parameters)} parameters,",
            f"{figures} figures in {len(study.panel.series)} series, {len(study.ledger.claims)} claims,"
            f" {len(study.panel.window)} months ({study.panel.window.first_month} to {study.panel.window.last_month}).",
            "Every ID resolves, both ways." if not problems else f"{len(problems)} problems.",
        )
        return CheckResult(told, problems)

    def fit(
        self,
        *,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        out: Path | str | None = None,
        progress: Progress | None = None,
    ) -> FitResult:
        """Condition the model on the figures under one prior set or both; with `out`, keep the posteriors there."""
        settings, shown = _begin(prior, quick, seed), progress or Silent()
        from outbid.run import fingerprints, fit_study

        with _folder(out) as folder:
            fits = fit_study(self.study, settings, fingerprints(self.study, settings), folder, shown)
        return FitResult(fits, fit_lines(fits), problems_of(fits))

    def simulate(
        self,
        *,
        prior: str = "both",
        scenarios: Sequence[str] = (),
        months: int | None = None,
        quick: bool = False,
        seed: int = SEED,
        out: Path | str | None = None,
        progress: Progress | None = None,
    ) -> SimulationResult:
        """Play scenarios over the posterior, fitting first where that has not been done."""
        settings, shown = _begin(prior, quick, seed), progress or Silent()
        from outbid.run import Tools, fingerprints, fit_study, learn

        with _folder(out) as folder:
            tools = Tools(self.study, settings, months)
            fits = fit_study(self.study, settings, fingerprints(self.study, settings), folder, shown)
            known = learn(self.study, settings, fits, tools, shown, scenarios=scenarios)
            futures = {name: each.futures for name, each in known.items()}
            result = SimulationResult(
                futures, simulation_lines(futures, self.study.settings.roles), problems_of(fits)
            )
            if folder is not None:
                folder.write_text("simulation.json", json_text(result.to_json()))
        return result

    def report(self, *, out: Path | str, progress: Progress | None = None) -> ReportResult:
        """Draw report.html again from what an earlier run left in `out`."""
        from outbid.errors import InputError
        from outbid.report.page import render
        from outbid.report.saved import from_text

        with OutputFolder(out) as folder:
            held = folder.path / "content.json"
            if not held.is_file():
                raise InputError(
                    str(folder.path), "holds no run to report on", f"Run `outbid run {self.name}` first."
                )
            content = from_text(held.read_text(encoding="utf-8"), str(held))
            with (progress or Silent()).stage("Writing the report"):
                path = folder.write_text("report.html", render(content))
        return ReportResult(path, (f"Drawn again from {held.name}.",), problems_told(content))

    def run(
        self,
        *,
        out: Path | str,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        progress: Progress | None = None,
    ) -> RunResult:
        """Fit, tell the past, play the scenarios, and leave report, summary, posteriors and tables in `out`.

        What `out` already holds and nothing has changed for is taken from there: everything, or the fits.
        """
        settings, shown = _begin(prior, quick, seed), progress or Silent()
        from outbid.brief.content import content as brief
        from outbid.brief.summary import summary
        from outbid.report.page import render
        from outbid.report.saved import to_text
        from outbid.report.tables import tables
        from outbid.report.words import terminal_answer
        from outbid.run import (
            Tools,
            fingerprints,
            fit_study,
            learn,
            posterior_file,
            whole_fingerprint,
            write_posteriors,
        )

        command = self._command(settings, out)
        mark = whole_fingerprint(self.study, settings, command)
        names = ["report.html", "summary.json", *map(posterior_file, settings.prior_sets)]
        with OutputFolder(out) as folder:
            paths = {name: folder.path / name for name in names}
            held = _held(folder.path, mark, names)
            if held is not None:
                told = json.loads(paths["summary.json"].read_text(encoding="utf-8"))
                return RunResult(terminal_answer(held), problems_told(held), paths, told)
            marks, tools = fingerprints(self.study, settings), Tools(self.study, settings)
            fits = fit_study(self.study, settings, marks, folder, shown)
            known = learn(self.study, settings, fits, tools, shown)
            with shown.stage("Summing up"):
                content = brief(self.study, settings, known, command, mark, shown)
            with shown.stage("Writing the posteriors"):
                write_posteriors(self.study, marks, known, folder)
            with shown.stage("Writing the report"):
                told = summary(content)
                for name, text in tables(content).items():
                    folder.write_text(f"tables/{name}", text)
                folder.write_text("report.html", render(content))
            told["timing"] = {name: round(seconds, 2) for name, seconds in shown.timing.items()}
            folder.write_text("summary.json", json_text(told))
            # Last, since it says that all the rest is there.
            folder.write_text("content.json", to_text(content))
        return RunResult(terminal_answer(content), problems_told(content), paths, told)

    def _command(self, settings: Settings, out: Path | str) -> str:
        where = self.name if self.study.folder.parent.name == "studies" else str(self.study.folder)
        words = ["outbid", "run", where, "--out", str(out), "--seed", str(settings.seed)]
        words += ["--quick"] if settings.quick else []
        words += ["--prior", settings.prior] if settings.prior != "both" else []
        return shlex.join(words)


def _begin(prior: str, quick: bool, seed: int) -> Settings:
    from outbid.errors import InputError, did_you_mean
    from outbid.run import Settings, prepare

    known = ("both", "neutral", "sources")
    if prior not in known:
        raise InputError(f"prior {prior!r}", "no such prior set", did_you_mean(prior, known))
    prepare()
    return Settings(prior, quick, seed)


def _folder(out: Path | str | None) -> AbstractContextManager[OutputFolder | None]:
    return nullcontext(None) if out is None else OutputFolder(out)


def _held(folder: Path, mark: str, names: Sequence[str]) -> ReportContent | None:
    """Return the content of an earlier run that came from the very same things and is still whole, or None."""
    from outbid.errors import InputError
    from outbid.report.saved import from_text

    kept = folder / "content.json"
    if not kept.is_file() or not all((folder / name).is_file() for name in names):
        return None
    try:
        content = from_text(kept.read_text(encoding="utf-8"), str(kept))
    except (InputError, OSError, UnicodeDecodeError):
        return None
    return content if content.provenance.fingerprint == mark else None
