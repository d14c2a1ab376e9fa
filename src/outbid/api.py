"""The verbs of the command line as a Python interface: load a study, then check, fit, simulate, report or run it.

>>> import outbid
>>> study = outbid.load("khorasan")
>>> study.check().ok
True
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from outbid.asked import Questions
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
    equilibrium_lines,
    problems_of,
    problems_told,
    simulation_lines,
)
from outbid.run_settings import SEED, begin, command_line, kept, no_data, perhaps, unchanged

if TYPE_CHECKING:
    from outbid.played import LoadedGame
    from outbid.study import Study

PLAYS = ("scenario", "equilibrium")

__all__ = ["SEED", "LoadedStudy", "load", "studies"]


def studies() -> tuple[StudyInfo, ...]:
    """Return the studies that come with the package, without loading them."""
    found = []
    for path in sorted((Path(__file__).parent / "studies").glob("*/study.toml")):
        title = str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", path.parent.name))
        found.append(StudyInfo(path.parent.name, title, path.parent))
    return tuple(found)


def load(study: str | Path) -> LoadedStudy | LoadedGame:
    """Load a study by its name or its folder.

    Raises
    ------
    InputError
        One clear line on the first thing that is wrong.
    """
    from outbid.study import load_study

    loaded = load_study(study)
    if loaded.settings.kind != "game":
        from outbid.answers.everything import check_questions

        check_questions(loaded)
    else:
        from outbid.played import LoadedGame

        return LoadedGame(loaded)
    return LoadedStudy(loaded)


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

    @property
    def ask(self) -> Questions:
        """The questions that can be put to the study: `study.ask.claims()` and so on, see `outbid.asked`."""
        return Questions(self.study)

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
        `data` is for games only, see `outbid.played`.
        """
        no_data(self.name, data)
        sampling = {"draws": draws, "warmup": warmup, "chains": chains, "target_accept": target_accept}
        settings, shown = begin(prior, quick, seed, **sampling), progress or Silent()
        from outbid.run import fingerprints, fit_study

        with perhaps(out) as folder:
            fits = fit_study(self.study, settings, fingerprints(self.study, settings), folder, shown)
        return FitResult(fits)

    def simulate(
        self,
        *,
        prior: str = "both",
        scenarios: Sequence[str] = (),
        months: int | None = None,
        play: str = "scenario",
        quick: bool = False,
        seed: int = SEED,
        out: Path | str | None = None,
        progress: Progress | None = None,
    ) -> SimulationResult:
        """Play scenarios over the posterior, fitting first where that has not been done.

        With play="equilibrium" the players choose: outsiders do what a scenario says, the study's players
        their equilibrium policy; scenarios that move a player's lever are left out, and that is said.
        """
        if play not in PLAYS:
            raise InputError(f"play {play!r}", "is no way to play", did_you_mean(play, PLAYS))
        settings, shown = begin(prior, quick, seed), progress or Silent()
        from outbid.run import Tools, fingerprints, fit_study, learn

        with perhaps(out) as folder:
            tools = Tools(self.study, settings, months)
            fits = fit_study(self.study, settings, fingerprints(self.study, settings), folder, shown)
            known = learn(self.study, settings, fits, tools, shown, scenarios=scenarios)
            futures = {name: each.futures for name, each in known.items()}
            said: tuple[str, ...] = ()
            if play == "equilibrium":
                from outbid.players.scenarios import play_out

                ahead = months or self.study.settings.horizon_months
                pasts = {name: each.past for name, each in known.items()}
                futures, left_out = play_out(
                    self.study, pasts, ahead, shown, quick=quick, seed=seed, scenarios=scenarios
                )
                said = equilibrium_lines(left_out)
            lines = (*said, *simulation_lines(futures, self.study.settings.roles))
            result = SimulationResult(futures, lines, problems_of(fits))
            if folder is not None:
                folder.write_text("simulation.json", json_text(result.to_json()))
        return result

    def report(self, *, out: Path | str, progress: Progress | None = None) -> ReportResult:
        """Draw report.html again from what an earlier run left in `out`."""
        from outbid.report.page import render
        from outbid.report.saved import from_text

        with OutputFolder(out) as folder:
            text, where = kept(folder, self.name)
            content = from_text(text, where)
            with (progress or Silent()).stage("Writing the report"):
                path = folder.write_text("report.html", render(content))
        return ReportResult(path, ("Drawn again from content.json.",), problems_told(content))

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
        """Fit, infer the history, play the scenarios, and leave report, summary, results.nc and tables in `out`.

        What `out` already holds and nothing has changed for is taken from there: everything, or the fits.
        `draws`, `warmup`, `chains` and `target_accept` say how to sample, see `outbid.run_settings.Sampling`.
        `data` is for games only, see `outbid.played`.
        """
        no_data(self.name, data)
        sampling = {"draws": draws, "warmup": warmup, "chains": chains, "target_accept": target_accept}
        settings, shown = begin(prior, quick, seed, **sampling), progress or Silent()
        from outbid.answers.everything import everything
        from outbid.brief.content import content as brief
        from outbid.brief.summary import summary
        from outbid.report.content import ReportContent
        from outbid.report.page import render
        from outbid.report.saved import to_text
        from outbid.report.tables import tables
        from outbid.report.words import terminal_answer
        from outbid.run import (
            RESULTS,
            Tools,
            fingerprints,
            fit_study,
            learn,
            whole_fingerprint,
            write_known,
        )

        command = command_line(self.name, self.study.folder, settings, out)
        mark = whole_fingerprint(self.study, settings, command)
        names = ["report.html", "summary.json", RESULTS]
        with OutputFolder(out) as folder:
            paths = {name: folder.path / name for name in names}
            held = unchanged(ReportContent, folder.path, mark, names)
            if held is not None:
                told = json.loads(paths["summary.json"].read_text(encoding="utf-8"))
                return RunResult(terminal_answer(held), problems_told(held), paths, told)
            marks, tools = fingerprints(self.study, settings), Tools(self.study, settings)
            fits = fit_study(self.study, settings, marks, folder, shown)
            known = learn(self.study, settings, fits, tools, shown)
            answers = everything(self.study, known, tools.laboratory(), settings, shown)
            with shown.stage("Summing up"):
                content = brief(self.study, settings, known, answers, command, mark, shown)
            with shown.stage("Writing the draws"):
                write_known(self.study, settings, marks, known, folder)
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
