"""The verbs of the command line as a Python interface: load a study, then check, fit, simulate, report or run it.

>>> import outbid
>>> study = outbid.load("khorasan")
>>> study.check().ok
True
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outbid.errors import InputError, did_you_mean
from outbid.output import OutputFolder, json_text
from outbid.progress import Progress, Silent
from outbid.results import (
    CheckResult,
    FitResult,
    ReportResult,
    RunResult,
    SimulationResult,
    StudyInfo,
    problems_of,
)
from outbid.run_settings import SEED, begin, command_line, no_data, perhaps, unchanged

if TYPE_CHECKING:
    from outbid.asked import Ask
    from outbid.replication.study import GameStudy
    from outbid.study import Study

PLAYS = ("scenario", "equilibrium")

__all__ = ["SEED", "LoadedStudy", "load", "studies"]


def studies() -> tuple[StudyInfo, ...]:
    """Return the studies that come with the package, without loading them."""
    folders = sorted((Path(__file__).parent / "studies").glob("*/study.toml"))
    titles = [str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", "")) for path in folders]
    return tuple(
        StudyInfo(path.parent.name, title or path.parent.name, path.parent)
        for path, title in zip(folders, titles, strict=True)
    )


def load(study: str | Path) -> LoadedStudy | GameStudy:
    """Load a study by its name or its folder; everything that it declares is read and checked.

    Raises
    ------
    InputError
        One clear line on the first thing that is wrong.
    """
    from outbid.questions import readers
    from outbid.study import load_study

    loaded = load_study(study, readers())
    if loaded.settings.kind == "game":
        from outbid.replication.study import GameStudy

        return GameStudy(loaded)
    return LoadedStudy(loaded)


@dataclass(frozen=True, repr=False)
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

    @property
    def ask(self) -> Ask:
        """The questions that can be put to the study: `study.ask.claims()` and so on, see `outbid.asked`."""
        from outbid.asked import Ask

        return Ask(self.study)

    def __repr__(self) -> str:
        return f"<{self.title} ({self.name}): check, fit, simulate, ask, report, run>"

    def _repr_html_(self) -> str:
        from html import escape

        lines = "<br>".join(escape(line) for line in self._extent())
        return f"<p><b>{escape(self.study.settings.question)}</b><br>{lines}</p>"

    def _extent(self) -> tuple[str, str]:
        study = self.study
        used, window = sum(len(series.used) for series in study.panel.series.values()), study.panel.window
        return (
            f"{self.title}: {len(study.model.mechanisms)} mechanisms, {len(study.model.parameters)} parameters,",
            f"{used} figures in {len(study.panel.series)} series, {len(study.ledger.claims)} claims,"
            f" {len(window)} months ({window.first_month} to {window.last_month}).",
        )

    def check(self) -> CheckResult:
        """Resolve every ID both ways, and verify the anchors of latent indices."""
        from outbid.run import check_study

        problems = check_study(self.study)
        verdict = "Every ID resolves, both ways." if not problems else f"{len(problems)} problems."
        return CheckResult((*self._extent(), verdict), problems)

    def fit(
        self,
        *,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        draws: int | None = None,
        warmup: int | None = None,
        chains: int | None = None,
        target_accept: float | None = None,
        out: Path | str | None = None,
        data: Path | str | None = None,
        progress: Progress | None = None,
    ) -> FitResult:
        """Condition the model on the figures under one prior set or both; with `out`, keep the draws there.

        `draws`, `warmup`, `chains` and `target_accept` say how to sample, see `outbid.run_settings.Sampling`.
        `data` is for games only, see `outbid.replication.study`.
        """
        no_data(self.name, data)
        sampling = {"draws": draws, "warmup": warmup, "chains": chains, "target_accept": target_accept}
        settings = begin(prior, quick, seed, **sampling)
        from outbid.run import fingerprints, fit_study

        with perhaps(out) as folder:
            marks = fingerprints(self.study, settings)
            return FitResult(fit_study(self.study, settings, marks, folder, progress or Silent()))

    def simulate(
        self,
        *,
        prior: str = "both",
        scenarios: Sequence[str] = (),
        months: int | None = None,
        play: str = "scenario",
        quick: bool = False,
        seed: int = SEED,
        draws: int | None = None,
        warmup: int | None = None,
        chains: int | None = None,
        target_accept: float | None = None,
        out: Path | str | None = None,
        progress: Progress | None = None,
    ) -> SimulationResult:
        """Play scenarios over the posterior, fitting first where that has not been done.

        With play="equilibrium" the players choose: outsiders do what a scenario says, the study's players
        their equilibrium policy; scenarios that move a player's lever are left out, and that is said.
        """
        if play not in PLAYS:
            raise InputError(f"play {play!r}", "is no way to play", did_you_mean(play, PLAYS))
        sampling = {"draws": draws, "warmup": warmup, "chains": chains, "target_accept": target_accept}
        settings, shown = begin(prior, quick, seed, **sampling), progress or Silent()
        from outbid.run import Tools, fingerprints, fit_study, learn
        from outbid.simulate.futures import against_baseline

        with perhaps(out) as folder:
            tools = Tools(self.study, settings, months)
            fits = fit_study(self.study, settings, fingerprints(self.study, settings), folder, shown)
            known = learn(self.study, settings, fits, tools, shown, scenarios=scenarios)
            futures, left_out = (
                {name: each.future["after"] for name, each in known.items()},
                tuple[str, ...](),
            )
            if play == "equilibrium":
                from outbid.players.scenarios import play_out

                ahead = months or self.study.settings.horizon_months
                pasts = {name: each.history["after"] for name, each in known.items()}
                futures, left_out = play_out(
                    self.study, pasts, ahead, shown, quick=quick, seed=seed, scenarios=scenarios
                )
            table = against_baseline(futures)
            result = SimulationResult(self.study, futures, table, play, left_out, problems_of(fits))
            if folder is not None:
                folder.write_text("simulation.json", json_text(result.to_json()))
        return result

    def report(self, *, out: Path | str, progress: Progress | None = None) -> ReportResult:
        """Draw report.html again from what an earlier run left in `out`."""
        from outbid.report.page import read_report

        with OutputFolder(out) as folder:
            report = read_report(self.study, folder.path)
            with (progress or Silent()).stage("Writing the report"):
                path = folder.write_text("report.html", report.page())
        return ReportResult(path, ("Drawn again from results.nc.",), report.problems)

    def run(
        self,
        *,
        out: Path | str,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        draws: int | None = None,
        warmup: int | None = None,
        chains: int | None = None,
        target_accept: float | None = None,
        data: Path | str | None = None,
        progress: Progress | None = None,
    ) -> RunResult:
        """Fit, infer the history, put all questions, and leave report, summary, results.nc and tables in `out`.

        What `out` already holds and nothing has changed for is taken from there: everything, or the fits.
        `draws`, `warmup`, `chains` and `target_accept` say how to sample, see `outbid.run_settings.Sampling`.
        `data` is for games only, see `outbid.replication.study`.
        """
        no_data(self.name, data)
        sampling = {"draws": draws, "warmup": warmup, "chains": chains, "target_accept": target_accept}
        settings, shown = begin(prior, quick, seed, **sampling), progress or Silent()
        from outbid import run as order
        from outbid.infer.store import RESULTS
        from outbid.output import write_tables
        from outbid.questions import answer, by_name
        from outbid.report.core import core
        from outbid.report.page import Report

        study = self.study
        command = command_line(self.name, study.folder, settings, out)
        mark = order.whole_fingerprint(study, settings, command)
        with OutputFolder(out) as folder:
            paths = {name: folder.path / name for name in ("report.html", "summary.json", RESULTS)}
            same = unchanged(folder.path, mark, list(paths))
            if same is not None:
                return _result(same, paths)
            marks, tools = order.fingerprints(study, settings), order.Tools(study, settings)
            fits = order.fit_study(study, settings, marks, folder, shown)
            known = order.learn(study, settings, fits, tools, shown)
            wanted = [name for name, each in by_name().items() if each.quick or not quick]
            answers = answer(wanted, study, known, tools.batches(), settings, shown)
            with shown.stage("Summing up"):
                about = core(study, settings, known, command, mark, shown.timing)
            with shown.stage("Writing the draws"):
                order.write_known(study, settings, marks, known, folder, answers, about.to_datasets())
            report = Report(study, about, answers)
            with shown.stage("Writing the report"):
                write_tables(folder, report.tables())
                folder.write_text("report.html", report.page())
            # last, since it says that all the rest is there
            told = report.summary(shown.timing)
            folder.write_text("summary.json", json_text(told))
        return _result(told, paths)


def _result(summary: Mapping[str, Any], paths: Mapping[str, Path]) -> RunResult:
    plain = json.loads(json_text(summary))
    return RunResult(tuple(plain["answer"]), tuple(plain["problems"]), paths, plain)
