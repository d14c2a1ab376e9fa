"""The verbs on a study of the kind "game": check, fit, report and run; there is nothing to simulate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from outbid.errors import InputError
from outbid.files import reading
from outbid.infer.store import RESULTS
from outbid.model.anchors import check_anchors
from outbid.model.priors import PRIOR_SETS, prior_table
from outbid.output import SUMMARY, OutputFolder, folder_path, json_text, plain, whole_summary
from outbid.progress import Progress
from outbid.replication import compute
from outbid.replication.game import play_settings, read_panel
from outbid.replication.page import render
from outbid.replication.tables import Replication, from_netcdf, replicate, rows_of
from outbid.replication.words import simulated_panel, summary, terminal
from outbid.results import Result, RunResult, SimulationResult
from outbid.run import whole_fingerprint
from outbid.run_settings import SEED, begin_game, command_line, data_folder, listening, perhaps
from outbid.study import Study, unresolved
from outbid.words.effects import records


@dataclass(frozen=True)
class GameStudy:
    """A study of the kind "game", with the same verbs: it is estimated and solved instead of simulated; there are no priors.

    `data` names the folder that holds its panel; without it, one is simulated, and every answer says so first.
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

    def check(self) -> Result:
        """Resolve every ID both ways, read the study's play and published figures, and verify latent indices' anchors."""
        study = self.study
        play, published, window = play_settings(study), compute.read_published(study), study.settings.window
        check_anchors(study.model, {name: prior_table(study.model.parameters, name) for name in PRIOR_SETS})
        problems = unresolved(study)
        lines = (
            f"{self.title}: a game of {' and '.join(play.labels.values())} over {play.state},",
            f"{len(published)} published figures in {published['table'].nunique()} tables, "
            f"{len(study.ledger.claims)} claims, "
            f"{len(window)} months ({window.first_month} to {window.last_month}).",
            "Every ID resolves, both ways." if not problems else f"{len(problems)} problems.",
        )
        return Result(lines, problems, facts={"lines": list(lines)})

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
    ) -> Result:
        """Estimate the payoffs from the panel; with `out`, keep the estimates there as estimates.json."""
        begin_game(prior=prior, quick=quick, seed=seed, **sampling)
        study, shown = self.study, listening(progress)
        with perhaps(out) as folder:
            game = compute.estimate_payoffs(compute.begin(study, data_folder(data), seed, shown), shown)
            panel, table = game.panel, compute.payoff_table(game)
            likelihood = game.payoffs.log_likelihood
            rows, width = rows_of(table), table["meaning"].str.len().max()
            lines = [
                *([simulated_panel(panel.source)] if panel.simulated else []),
                f"{'':{width}}   estimate  error (corrected)",
                *(f"{each.meaning:{width}}  {each.estimate:9.4g}  {each.full_error:9.4g}" for each in rows),
                f"Log-likelihood {likelihood:.4f}, {len(panel.months)} months ({panel.source}).",
            ]
            names = {"parameter": "name", "estimate": "estimate", "first_step_error": "first"}
            names |= {"corrected_error": "corrected", "full_error": "full"}
            found = {
                "study": self.name,
                "simulated": panel.simulated,
                "log_likelihood": likelihood,
                "estimates": plain(records(table[list(names)].rename(columns=names))),
            }
            result = Result(tuple(lines), game.problems, facts=found)
            if folder is not None:
                folder.write_text("estimates.json", json_text(result.to_json()))
        return result

    def simulate(self, **_: Any) -> SimulationResult:
        """Refuse: a game is played in equilibrium by `run`."""
        raise self._is_a_game("has no scenarios to simulate")

    @property
    def ask(self) -> NoReturn:
        """Refuse: what there is to ask of a game, `run` answers."""
        raise self._is_a_game("has no claims or scenarios to ask about")

    def _is_a_game(self, problem: str) -> InputError:
        fix = f"Run `outbid run {self.name}`: it compares the equilibrium with other costs, and without the rival."
        return InputError(f"study {self.name!r}", f"is a game, which {problem}", fix)

    def report(self, *, out: Path | str, progress: Progress | None = None) -> RunResult:
        """Draw report.html again from what an earlier run left in `out`."""
        kept = folder_path(out) / RESULTS
        if not kept.is_file():
            problem = "holds no run to report on"
            raise InputError(str(kept.parent), problem, f"Run `outbid run {self.name}` first.")
        found = from_netcdf(kept)
        if (held := found.facts["study"]) != self.name:
            problem = f"holds a run of {held!r}, not of {self.name!r}"
            raise InputError(str(kept.parent), problem, "Name the folder of its own run with --out.")
        with OutputFolder(out) as folder, listening(progress).stage("Writing the report"):
            path = folder.write_text("report.html", render(found))
        problems = tuple(found.facts["problems"])
        return RunResult(("Drawn again from results.nc.",), problems, {"report.html": path})

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
        settings = begin_game(prior=prior, quick=quick, seed=seed, **sampling)
        shown = listening(progress)
        study, place = self.study, data_folder(data)
        command = command_line(self.name, study.folder, settings, out, data)
        read: dict[str, str] = {}
        with reading(study.folder, read):
            play = play_settings(study)
            compute.read_published(study)
            if place is not None:
                read_panel(place, play)
        mark = whole_fingerprint(study, settings, f"outbid run {self.name}", sorted(read.items()))
        with OutputFolder(out) as folder:
            paths = {name: folder.path / name for name in ("report.html", SUMMARY)}
            found = _kept(folder.path / RESULTS, mark)
            held = whole_summary(folder.path, mark, (RESULTS, "report.html"))
            if found is None or held is None:
                if found is None:
                    asked = {"quick": quick, "seed": seed, "command": command, "fingerprint": mark}
                    found = replicate(study, place, asked, shown)
                    folder.write_bytes(RESULTS, found.to_netcdf())
                with shown.stage("Writing the report"):
                    for name, text in found.csv().items():
                        folder.write_text(f"tables/{name}", text)
                    folder.write_text("report.html", render(found))
                held = folder.write_summary(summary(found, shown.timing), kept=[RESULTS])
        return RunResult(terminal(found), tuple(found.facts["problems"]), paths, held)


def _kept(path: Path, mark: str) -> Replication | None:
    """Return what an earlier run kept, if it came from the very same things and is still whole."""
    try:
        found = from_netcdf(path)
    except InputError:
        return None
    return found if found.facts["provenance"]["fingerprint"] == mark else None
