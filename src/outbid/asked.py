"""The questions that can be put to a study: `study.ask.claims()`, `study.ask.compare()` and so on.

Each of them fits first where that has not been done, and takes a fit from `out` where it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outbid.output import OutputFolder, json_text
from outbid.progress import Progress, Silent
from outbid.request import SEED, begin, perhaps
from outbid.results import AskResult, problems_of

if TYPE_CHECKING:
    from outbid.run import Knowledge, Settings
    from outbid.simulate.batches import BatchSimulator
    from outbid.study import Study

QUESTIONS = ("claims", "replay", "compare", "sensitivity", "trap", "worth")


@dataclass(frozen=True)
class Prepared:
    """What every question needs: what is known under each prior set, and the run into the future."""

    settings: Settings
    known: Mapping[str, Knowledge]
    lab: BatchSimulator
    folder: OutputFolder | None
    progress: Progress
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Questions:
    """The questions that can be put to a study.

    All of them take `prior` ("both", "neutral" or "sources"), `quick` (a coarse fit, marked as such), `seed`,
    `out` (a folder that keeps fits, and gets the answer as QUESTION.json and tables/*.csv) and `progress`.
    """

    study: Study

    def claims(self, *, prior: str = "both", quick: bool = False, seed: int = SEED, **kept: Any) -> AskResult:
        """Put the sources' claims to the test: a verdict for each, with its reasons.

        A quick run leaves out the players' game, and so what only their equilibria can answer.
        """
        with self._prepared(prior, quick, seed, **kept) as ready:
            from outbid.answers.claims import claims
            from outbid.answers.everything import games_and_claims
            from outbid.ask.strategic.file import read_play
            from outbid.brief.claims import audited, claim_rows
            from outbid.report.claims.files import csv_tables
            from outbid.report.claims.words import lines
            from outbid.report.csv_text import texts

            common = (self.study, ready.known, ready.lab, ready.settings, ready.progress)
            audits = claims(*common) if quick else games_and_claims(*common)[2]
            content = audited(self.study, audits, read_play(self.study.folder, self.study.model))
            rows = claim_rows(self.study)
            return _answered("claims", content, texts(csv_tables(content, rows)), lines(content, rows), ready)

    def replay(self, *, prior: str = "both", quick: bool = False, seed: int = SEED, **kept: Any) -> AskResult:
        """Live through the past again with other levers and the same inferred shocks."""
        with self._prepared(prior, quick, seed, **kept) as ready:
            from outbid.answers.replay import replay
            from outbid.brief.replay import replayed
            from outbid.report.replay.tables import files
            from outbid.report.replay.words import lines

            found = replay(self.study, ready.known, ready.lab, ready.settings, ready.progress)
            content = replayed(self.study, found)
            return _answered("replay", content, files(content), lines(content), ready)

    def compare(
        self,
        *,
        scenarios: Path | str | None = None,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        **kept: Any,
    ) -> AskResult:
        """Compare scenarios by several criteria: those of the study, or those of a file of your own.

        The tables of a file of your own are named after it, so that they don't take the place of the study's.
        """
        from outbid.answers.compare import check_file, compare

        file = None if scenarios is None else Path(scenarios)
        if file is not None:
            check_file(self.study, file)
        with self._prepared(prior, quick, seed, **kept) as ready:
            from outbid.brief.compare import comparison
            from outbid.report.comparison.files import csv_tables
            from outbid.report.comparison.words import lines
            from outbid.report.csv_text import texts

            found = compare(self.study, ready.known, ready.lab, ready.settings, ready.progress, file=file)
            content = comparison(self.study.model, found, ready.lab.months, "" if file is None else file.name)
            tables = texts(csv_tables(content))
            if file is not None:
                tables = {f"{file.stem}_{name}": text for name, text in tables.items()}
            return _answered("compare", content, tables, lines(content), ready)

    def sensitivity(
        self,
        *,
        base_samples: int | None = None,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        **kept: Any,
    ) -> AskResult:
        """Tell which inputs matter most for what (Sobol indices), and when moderation pays (boxes).

        `base_samples` is a power of two; the study's own number, if left out.
        """
        from outbid.ask.sensitivity.file import checked_samples

        if base_samples is not None:
            checked_samples("--base-samples", base_samples)
        with self._prepared(prior, quick, seed, **kept) as ready:
            from outbid.answers.sensitivity import sensitivity
            from outbid.brief.sensitivity import explored
            from outbid.report.sensitivity.files import files
            from outbid.report.sensitivity.words import lines

            found = sensitivity(
                self.study, ready.known, ready.lab, ready.settings, ready.progress, base_samples=base_samples
            )
            content = explored(found)
            return _answered("sensitivity", content, files(content), lines(content), ready)

    def trap(self, *, prior: str = "both", quick: bool = False, seed: int = SEED, **kept: Any) -> AskResult:
        """Map where moderation gains or loses, with the challenger's behaviour as it is and in equilibrium.

        A quick run leaves out the equilibrium.
        """
        with self._prepared(prior, quick, seed, **kept) as ready:
            from outbid.answers.play import strategize
            from outbid.answers.trap import trap
            from outbid.brief.trap import trapped
            from outbid.report.trap.files import files
            from outbid.report.trap.words import lines

            common = (self.study, ready.known, ready.lab, ready.settings, ready.progress)
            if quick:
                found = trap(*common)
            else:
                found = trap(*common, *strategize(self.study, ready.settings, ready.known, ready.progress))
            content = trapped(self.study, found)
            return _answered("trap", content, files(content), lines(content), ready)

    def worth(self, *, prior: str = "both", quick: bool = False, seed: int = SEED, **kept: Any) -> AskResult:
        """Rank what an analyst could collect next by how far it would narrow named claims and a decision."""
        with self._prepared(prior, quick, seed, **kept) as ready:
            from outbid.answers.claims import claims, effects_of
            from outbid.answers.worth import worth
            from outbid.brief.worth import appraised
            from outbid.report.worth.files import files
            from outbid.report.worth.words import lines

            common = (self.study, ready.known, ready.lab, ready.settings, ready.progress)
            content = appraised(self.study, worth(*common, effects_of(claims(*common))))
            return _answered("worth", content, files(content), lines(content), ready)

    @contextmanager
    def _prepared(
        self,
        prior: str,
        quick: bool,
        seed: int,
        *,
        out: Path | str | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Prepared]:
        settings, shown = begin(prior, quick, seed), progress or Silent()
        from outbid.run import Tools, fingerprints, fit_study, learn

        with perhaps(out) as folder:
            tools = Tools(self.study, settings)
            fits = fit_study(self.study, settings, fingerprints(self.study, settings), folder, shown)
            known = learn(self.study, settings, fits, tools, shown)
            yield Prepared(settings, known, tools.laboratory(), folder, shown, problems_of(fits))


def _answered(
    question: str, content: Any, tables: Mapping[str, str], lines: Sequence[str], ready: Prepared
) -> AskResult:
    """Put an answer together, and into the output folder if there is one."""
    result = AskResult(question, content, tables, tuple(lines), ready.problems)
    if ready.folder is not None:
        for name, text in tables.items():
            ready.folder.write_text(f"tables/{name}", text)
        ready.folder.write_text(f"{question}.json", json_text(result.to_json()))
    return result
