"""The verbs on a study of the kind "game": check, fit, report and run; there is nothing to simulate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from outbid.errors import InputError
from outbid.output import OutputFolder, json_text
from outbid.progress import Progress, Silent
from outbid.results import CheckResult, EstimateResult, ReportResult, RunResult, SimulationResult
from outbid.run_settings import SEED, begin_game, command_line, data_folder, digest, kept, perhaps, unchanged

if TYPE_CHECKING:
    from outbid.study import Study


@dataclass(frozen=True)
class LoadedGame:
    """A study of the kind "game", with the same verbs: it is estimated and solved instead of simulated.

    `data` names the folder that holds its panel; without it, a panel is simulated at the published estimates,
    and every answer says so first. Estimation is by maximum likelihood, so that there are no priors to choose.
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

    def check(self) -> CheckResult:
        """Resolve every ID both ways, and read what the study says of its game and of the published figures."""
        from outbid.replicate.check import check_game

        return CheckResult(*check_game(self.study))

    def fit(
        self,
        *,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        out: Path | str | None = None,
        data: Path | str | None = None,
        progress: Progress | None = None,
        **sampling: Any,
    ) -> EstimateResult:
        """Estimate the payoffs from the panel; with `out`, keep the estimates there as estimates.json."""
        settings, shown = begin_game(prior, quick, seed, **sampling), progress or Silent()
        from outbid.replicate.work import estimates_only

        with perhaps(out) as folder:
            result = EstimateResult(*estimates_only(self.study, settings.seed, data_folder(data), shown))
            if folder is not None:
                folder.write_text("estimates.json", json_text(result.to_json()))
        return result

    def simulate(self, **_: Any) -> SimulationResult:
        """Refuse: a game is played in equilibrium by `run`."""
        raise InputError(
            f"study {self.name!r}",
            "is a game, which has no scenarios to simulate",
            f"Run `outbid run {self.name}`: it compares the equilibrium with other costs, and without the rival.",
        )

    @property
    def ask(self) -> NoReturn:
        """Refuse: what there is to ask of a game, `run` answers."""
        raise InputError(
            f"study {self.name!r}",
            "is a game, which has no claims or scenarios to ask about",
            f"Run `outbid run {self.name}`: it compares the equilibrium with other costs, and without the rival.",
        )

    def report(self, *, out: Path | str, progress: Progress | None = None) -> ReportResult:
        """Draw report.html again from what an earlier run left in `out`."""
        from outbid.report.replication.content import ReplicationContent
        from outbid.report.replication.page import render
        from outbid.report.saved import rebuilt

        with OutputFolder(out) as folder:
            content = rebuilt(ReplicationContent, *kept(folder, self.name))
            with (progress or Silent()).stage("Writing the report"):
                path = folder.write_text("report.html", render(content))
        return ReportResult(path, ("Drawn again from content.json.",), content.problems)

    def run(
        self,
        *,
        out: Path | str,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        data: Path | str | None = None,
        progress: Progress | None = None,
        **sampling: Any,
    ) -> RunResult:
        """Make the published figures again, and leave report, summary and tables in `out`.

        What `out` already holds and nothing has changed for is taken from there.
        """
        settings, shown = begin_game(prior, quick, seed, **sampling), progress or Silent()
        from outbid.replicate.describe import Asked
        from outbid.replicate.summary import summary
        from outbid.replicate.whole import replicate
        from outbid.report.replication.content import ReplicationContent
        from outbid.report.replication.page import render
        from outbid.report.replication.tables import files
        from outbid.report.replication.words import terminal
        from outbid.report.saved import to_text
        from outbid.run import whole_fingerprint

        command, names = (
            command_line(self.name, self.study.folder, settings, out, data),
            ["report.html", "summary.json"],
        )
        with OutputFolder(out) as folder:
            mark = whole_fingerprint(self.study, settings, command + digest(data_folder(data)))
            paths = {name: folder.path / name for name in names}
            held = unchanged(ReplicationContent, folder.path, mark, names)
            if held is not None:
                told = json.loads(paths["summary.json"].read_text(encoding="utf-8"))
                return RunResult(terminal(held), held.problems, paths, told)
            content = replicate(self.study, Asked(quick, seed, command, mark), data_folder(data), shown)
            with shown.stage("Writing the report"):
                for name, text in files(content).items():
                    folder.write_text(f"tables/{name}", text)
                folder.write_text("report.html", render(content))
            told = summary(content, shown.timing)
            folder.write_text("summary.json", json_text(told))
            folder.write_text("content.json", to_text(content))
        return RunResult(terminal(content), content.problems, paths, told)
