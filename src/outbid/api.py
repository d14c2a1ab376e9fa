"""The verbs of the command line as a Python interface: load a study, then check, fit, simulate, ask, report or run it.

>>> import outbid
>>> study = outbid.load("khorasan")
>>> study.check().ok
True
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from outbid.compiled import prepare
from outbid.errors import InputError, check_name, did_you_mean
from outbid.output import SUMMARY, OutputFolder, folder_path, json_text, plain, whole_summary, write_tables
from outbid.progress import Progress
from outbid.results import (
    Answer,
    FitResult,
    Result,
    RunResult,
    SimulationResult,
    fit_result,
    problems_of,
    simulation_lines,
)
from outbid.run_settings import RunOptions, begin, command_line, listening, no_data, perhaps, with_options

if TYPE_CHECKING:
    from outbid.question import Question
    from outbid.replication.study import GameStudy
    from outbid.study import Study

PLAYS = ("scenario", "equilibrium")


class StudyInfo(NamedTuple):
    """A study that comes with the package."""

    name: str
    title: str
    folder: Path


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

    Raises InputError: one clear line on the first thing that is wrong.
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
    """A study with the verbs on it. The study's parts are `study.model`, `study.panel`, `study.ledger`.

    Verbs that fit take `prior`, `quick`, `seed`, `draws`, `warmup`, `chains` and `target_accept` by name: see
    `outbid.run_settings.Settings`. A `progress` hears of their stages.
    """

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
        """The questions that can be put to the study: `study.ask.claims()` and so on."""
        from outbid.questions import by_name

        return Ask(self.study, by_name())

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

    def check(self) -> Result:
        """Resolve every ID both ways, try the model at a few points of its priors, verify the anchors of latent indices."""
        from outbid.run import check_study

        prepare()
        problems = check_study(self.study)
        verdict = "Every ID resolves, both ways." if not problems else f"{len(problems)} problems."
        lines = (*self._extent(), verdict)
        return Result(lines, problems, facts={"lines": list(lines)})

    @with_options
    def fit(
        self,
        *,
        out: Path | str | None = None,
        data: Path | str | None = None,
        progress: Progress | None = None,
        **options: Unpack[RunOptions],
    ) -> FitResult:
        """Condition the model on the figures under one prior set or both; with `out`, keep the draws there.

        `data` is for games only, see `outbid.replication.study`.
        """
        no_data(self.name, data)
        settings = begin(**options)
        from outbid.run import StudyRun

        with perhaps(out) as folder:
            return fit_result(StudyRun(self.study, settings, folder, progress).fits)

    @with_options
    def simulate(
        self,
        *,
        scenarios: Sequence[str] = (),
        months: int | None = None,
        play: str = "scenario",
        out: Path | str | None = None,
        progress: Progress | None = None,
        **options: Unpack[RunOptions],
    ) -> SimulationResult:
        """Play scenarios over the posterior, fitting first where that has not been done.

        With play="equilibrium" the players choose: outsiders do what a scenario says, the study's players
        their equilibrium policy; scenarios that move a player's lever are left out, and that is said.
        """
        check_name(play, PLAYS, f"play {play!r}", "is no way to play")
        settings = begin(**options)
        from outbid.run import StudyRun
        from outbid.simulate.futures import against_baseline, levels_by_prior
        from outbid.stats.effects import lost_draws
        from outbid.words.effects import records

        study = self.study
        with perhaps(out) as folder:
            run = StudyRun(study, settings, folder, progress, months=months, scenarios=scenarios)
            futures = {name: each.future["after"] for name, each in run.known.items()}
            left_out: tuple[str, ...] = ()
            if play == "equilibrium":
                from outbid.players.strategist import play_out

                futures, left_out = play_out(
                    study,
                    {name: each.history["after"] for name, each in run.known.items()},
                    run.simulator.months,
                    run.progress,
                    quick=settings.quick,
                    seed=settings.seed,
                    scenarios=scenarios,
                )
            table = against_baseline(futures)
            lines = tuple(simulation_lines(study, table, play, left_out))
            labels = {each.id: each.label for each in study.scenarios} | study.outcome_labels
            problems = (*problems_of(run.fits), *lost_draws(levels_by_prior(futures), labels))
            facts = {"comparisons": plain(records(table))}
            result = SimulationResult(lines, problems, futures, table, play, left_out, facts=facts)
            if folder is not None:
                folder.write_text("simulation.json", json_text(result.to_json()))
        return result

    def report(self, *, out: Path | str, progress: Progress | None = None) -> RunResult:
        """Draw report.html again from what an earlier run left in `out`."""
        from outbid.report.page import read_report

        report = read_report(self.study, folder_path(out))
        with OutputFolder(out) as folder, listening(progress).stage("Writing the report"):
            path = folder.write_text("report.html", report.page())
        return RunResult(("Drawn again from results.nc.",), report.problems, {"report.html": path})

    @with_options
    def run(
        self,
        *,
        out: Path | str,
        data: Path | str | None = None,
        progress: Progress | None = None,
        **options: Unpack[RunOptions],
    ) -> RunResult:
        """Fit, infer the history, put all questions, and leave report, summary, results.nc and tables in `out`.

        What `out` already holds and nothing has changed for is taken from there: everything, or the fits.
        `data` is for games only, see `outbid.replication.study`.
        """
        no_data(self.name, data)
        settings = begin(**options)
        from outbid.infer.store import RESULTS
        from outbid.questions import answer, by_name
        from outbid.report.core import core
        from outbid.report.page import Report, whole_report
        from outbid.run import StudyRun, whole_fingerprint

        study = self.study
        command = command_line(self.name, study.folder, settings, out)
        mark = whole_fingerprint(study, settings, f"outbid run {self.name}")  # wherever it stands
        with OutputFolder(out) as folder:
            paths = {name: folder.path / name for name in ("report.html", SUMMARY, RESULTS)}
            summary = whole_summary(folder.path, mark, (RESULTS, "report.html"))
            if summary is None:
                shown = listening(progress)
                report = whole_report(study, folder.path, mark)
                if report is None:
                    run = StudyRun(study, settings, folder, shown)
                    wanted = [name for name, each in by_name().items() if each.quick or not settings.quick]
                    answers = answer(wanted, run)
                    with shown.stage("Summing up"):
                        about = core(study, settings, run.known, command, mark, shown.timing)
                    with shown.stage("Writing the draws"):
                        run.write(folder, answers, about.to_datasets())
                    report = Report(study, about, answers)
                with shown.stage("Writing the report"):
                    write_tables(folder, report.tables())
                    folder.write_text("report.html", report.page())
                # last, since it says that all the rest is there
                summary = folder.write_summary(report.summary(shown.timing), kept=[RESULTS])
        return RunResult(tuple(summary["answer"]), tuple(summary["problems"]), paths, summary)


class Ask:
    """The questions that can be put to a study, each a method; `dir()` and the repr name them."""

    def __init__(self, study: Study, questions: Mapping[str, Question[Any]]) -> None:
        self._study, self._questions = study, questions

    def __getattr__(self, name: str) -> Asking:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._questions:
            raise AttributeError(f"no question {name!r}. {did_you_mean(name, self._questions)}")
        return Asking(self._questions[name], self._study)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._questions]

    def __repr__(self) -> str:
        width = max(map(len, self._questions))
        return "\n".join(f"{name:<{width}}  {each.help}" for name, each in self._questions.items())


class Asking:
    """One question, to be put to one study by calling it."""

    def __init__(self, question: Question[Any], study: Study) -> None:
        self._question, self._study = question, study
        self.__doc__ = f"{question.help}\n\n{Asking.__call__.__doc__}"

    def __repr__(self) -> str:
        return f"<{self._question.name}: {self._question.help}>"

    @with_options
    def __call__(
        self, *, out: Path | str | None = None, progress: Progress | None = None, **options: Any
    ) -> Answer:
        """Return the answer, fitting first where that has not been done.

        `out`: a folder that fits are taken from and kept in, and that gets the answer as QUESTION.json and
        tables/*.csv. `options`: the question's own, see its help, and how to fit, see
        `outbid.run_settings.Settings`. Raises InputError, before anything slow, if the study doesn't ask the
        question, or an option is wrong.
        """
        from outbid.questions import answer, chosen
        from outbid.run import StudyRun

        question, study = self._question, self._study
        own = {name: each for name, each in options.items() if name not in RunOptions.__annotations__}
        settings = begin(**{name: each for name, each in options.items() if name not in own})
        given = chosen(question, study, own)
        if study.declared.get(question.name) is None:
            raise InputError(
                f"study {study.name!r}",
                f"declares nothing for the question {question.name!r}: it has no {next(iter(question.files))}",
                f"Write one; the documentation says how, and `outbid ask khorasan {question.name}` shows one at work.",
            )
        with perhaps(out) as folder:
            run = StudyRun(study, settings, folder, progress)
            data = answer([question.name], run, {question.name: given})[question.name]
            lines = tuple(question.lines(data, study))
            problems = (*problems_of(run.fits), *question.problems(data, study))
            result = Answer(lines, problems, question, study, data)
            if folder is not None:
                write_tables(folder, result.tables)
                folder.write_text(f"{question.name}.json", json_text(result.to_json()))
        return result
