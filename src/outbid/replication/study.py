"""The verbs on a study of the kind "game": check, fit, report and run; there is nothing to simulate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from outbid.errors import InputError
from outbid.output import OutputFolder, json_text
from outbid.progress import Progress, Silent
from outbid.results import Result, RunResult, SimulationResult
from outbid.run_settings import SEED, begin_game, command_line, data_folder, digest, perhaps

if TYPE_CHECKING:
    from outbid.replication.tables import Replication
    from outbid.study import Study

_WRITTEN = ("report.html", "summary.json")


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
        from outbid.model.anchors import check_anchors
        from outbid.model.priors import PRIOR_SETS, prior_table
        from outbid.replication.data import read_published
        from outbid.replication.family import play_settings
        from outbid.study import unresolved

        study, play = self.study, play_settings(self.study)
        published = read_published(study.folder / "published.csv", study.figure_sources)
        model, window = study.model, study.settings.window
        check_anchors(model, {name: prior_table(model.parameters, name) for name in PRIOR_SETS})
        problems = unresolved(study)
        lines = (
            f"{self.title}: a game of {' and '.join(play.labels)} over {play.state},",
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
        settings, shown = begin_game(prior=prior, quick=quick, seed=seed, **sampling), progress or Silent()
        with perhaps(out) as folder:
            result = self._estimates(settings.seed, data_folder(data), shown)
            if folder is not None:
                folder.write_text("estimates.json", json_text(result.to_json()))
        return result

    def _estimates(self, seed: int, data: Path | None, progress: Progress) -> Result:
        from outbid.replication import compute
        from outbid.replication.data import read_published, rows_of
        from outbid.replication.family import play_settings

        study, play = self.study, play_settings(self.study)
        published = read_published(study.folder / "published.csv", study.figure_sources)
        with progress.stage("Reading the panel and fitting the state equation"):
            panel = compute.take_panel(study, play, published, data, seed)
            equation = compute.first_stage(play, panel, seed)
        _, family, months = compute.prepared(study, play, panel, equation)
        with progress.stage("Estimating the payoffs"):
            payoffs = compute.estimate_payoffs(family, months, play)
        table, width = compute.payoff_table(family, play, payoffs), max(map(len, compute.payoff_rows(play)))
        warning = f"SIMULATED PANEL, not the real one: {panel.source}. Give --data DIR."
        lines = [
            *([warning] if panel.simulated else []),
            f"{'':{width}}   estimate  error (corrected)",
            *(f"{row.meaning:{width}}  {row.estimate:9.4g}  {row.full_error:9.4g}" for row in rows_of(table)),
            f"Log-likelihood {payoffs.log_likelihood:.4f}, {len(panel.months)} months ({panel.source}).",
        ]
        names = {"parameter": "name", "estimate": "estimate", "first_step_error": "first"}
        names |= {"corrected_error": "corrected", "full_error": "full"}
        found = {
            "study": study.name,
            "simulated": panel.simulated,
            "log_likelihood": payoffs.log_likelihood,
            "estimates": table[list(names)].rename(columns=names).to_dict("records"),
        }
        return Result(tuple(lines), compute.payoff_problems(payoffs), facts=found)

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
        from outbid.replication.page import render
        from outbid.replication.tables import from_netcdf

        with OutputFolder(out) as folder:
            kept = folder.path / "results.nc"
            if not kept.is_file():
                problem = "holds no run to report on"
                raise InputError(str(folder.path), problem, f"Run `outbid run {self.name}` first.")
            found = from_netcdf(kept)
            with (progress or Silent()).stage("Writing the report"):
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
        settings, shown = begin_game(prior=prior, quick=quick, seed=seed, **sampling), progress or Silent()
        from outbid.replication.page import render
        from outbid.replication.tables import replicate
        from outbid.replication.words import summary, terminal
        from outbid.run import whole_fingerprint

        command = command_line(self.name, self.study.folder, settings, out, data)
        with OutputFolder(out) as folder:
            mark = whole_fingerprint(self.study, settings, command + digest(data_folder(data)))
            paths = {name: folder.path / name for name in _WRITTEN}
            found = _unchanged(folder.path, mark)
            if found is None:
                asked = {"quick": quick, "seed": seed, "command": command, "fingerprint": mark}
                found = replicate(self.study, data_folder(data), asked, shown)
                with shown.stage("Writing the report"):
                    for name, text in found.csv().items():
                        folder.write_text(f"tables/{name}", text)
                    folder.write_text("report.html", render(found))
                folder.write_text("summary.json", json_text(summary(found, shown.timing)))
                folder.write_bytes("results.nc", found.to_netcdf())
            held = json.loads(paths["summary.json"].read_text(encoding="utf-8"))
        return RunResult(terminal(found), tuple(found.facts["problems"]), paths, held)


def _unchanged(folder: Path, mark: str) -> Replication | None:
    """Return an earlier run that came from the very same things and is still whole, or None."""
    from outbid.replication.tables import from_netcdf

    if not all((folder / name).is_file() for name in ("results.nc", *_WRITTEN)):
        return None
    try:
        found = from_netcdf(folder / "results.nc")
    except InputError:
        return None
    return found if found.facts["provenance"]["fingerprint"] == mark else None
