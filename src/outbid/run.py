"""The one place that knows the order: load, check, fit, infer the history, play the scenarios, report.

Each step is a function; `run_study` is their sequence. A fit that was made from the same data, model, priors,
seed and code is taken from the output folder instead of being made again.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import xarray as xr

from outbid import __version__
from outbid.conventions import PRIOR_SETS
from outbid.infer.fit import Fit, fit
from outbid.infer.history import Data, HistorySimulator, SmoothedHistory, thinned
from outbid.infer.likelihood import gather
from outbid.infer.posterior import trimmed
from outbid.infer.store import RESULTS, read_fit, write_results
from outbid.model.anchors import check_anchors
from outbid.model.priors import prior_table
from outbid.output import OutputFolder
from outbid.players.schema import read_game
from outbid.progress import Interrupted, Progress
from outbid.run_settings import Settings
from outbid.simulate.engine import BatchSimulator, Simulator
from outbid.simulate.futures import Futures, play
from outbid.simulate.scenario import choose, read_scenarios
from outbid.study import Study, unresolved

# Draws on which the history is inferred and scenarios are played, per prior set, and as many from the prior itself.
DRAWS = 2000
# Everything that a fit depends on lies in these places of the package.
CODE = ("model", "infer", "data")
# And in a study's folder, apart from these.
WORDS = {
    "claims.toml",
    "claim_sources.toml",
    "figure_sources.toml",
    "scenarios.toml",
    "marks.csv",
    "study.toml",
    "play.toml",
    "payoffs.toml",
    "claim_tests.toml",
    "replays.toml",
    "sensitivity.toml",
    "trap.toml",
    "worth.toml",
}


@dataclass(frozen=True)
class Knowledge:
    """What is known under one prior set: the fit, the inferred history, and where the scenarios lead.

    `history` and `future` are keyed by "after" (given the data) and "before" (from the prior alone, to see what the
    data changed).
    """

    fit: Fit
    history: Mapping[Data, SmoothedHistory]
    future: Mapping[Data, Futures]


def check_study(study: Study) -> tuple[str, ...]:
    """Return every problem of a study that loading did not already refuse; empty if it is sound.

    Every ID is resolved both ways, figures are matched with what sees them, and the
    anchors of latent indices are verified by differentiation.
    """
    gather(study.model, study.panel)
    read_game(study.folder, study.model)
    check_anchors(study.model, {name: prior_table(study.model.parameters, name) for name in PRIOR_SETS})
    return unresolved(study)


def fingerprint(study: Study, settings: Settings, prior_set: str) -> str:
    """Return a digest of everything that a fit depends on: the study's files, the code, the settings."""
    window = study.panel.window
    about = (__version__, jax.__version__, settings.seed, settings.effort, prior_set, window)
    digest = hashlib.sha256(repr(about).encode())
    package = Path(__file__).parent
    code = [path for folder in CODE for path in sorted((package / folder).glob("**/*.py"))]
    own = [path for path in sorted(study.folder.glob("**/*")) if path.suffix in {".py", ".csv", ".toml"}]
    for path in (*code, *own):
        # Words that no number follows from may change without a new fit.
        if path.name not in WORDS:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def whole_fingerprint(study: Study, settings: Settings, command: str) -> str:
    """Return a digest of everything that a run's results depend on: all code, all files of the study, the command."""
    digest = hashlib.sha256(repr((command, settings, *fingerprints(study, settings).values())).encode())
    package = Path(__file__).parent
    folders = [path for path in package.iterdir() if path.name not in {"studies", "__pycache__"}]
    files = [path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*"))]
    for path in sorted([*files, *study.folder.rglob("*")]):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def fingerprints(study: Study, settings: Settings) -> dict[str, str]:
    """Return the digest of every prior set asked for; taken once, before anything starts."""
    return {name: fingerprint(study, settings, name) for name in settings.prior_sets}


def fit_study(
    study: Study, settings: Settings, marks: Mapping[str, str], out: OutputFolder | None, progress: Progress
) -> dict[str, Fit]:
    """Fit a study under the prior sets asked for, taking up what the output folder already holds.

    `marks` are the fingerprints by prior set that a held fit must bear. Raises Interrupted on Ctrl-C, saying
    what was kept.
    """
    figures = gather(study.model, study.panel)
    fits: dict[str, Fit] = {}
    if out is not None:
        for name in settings.prior_sets:
            held = read_fit(out.path / RESULTS, study, name, marks[name])
            if held is not None:
                fits[name] = held
    missing = [name for name in settings.prior_sets if name not in fits]
    one_at_a_time = threading.Lock()

    def keep(done: Fit) -> None:
        with one_at_a_time:
            fits[done.prior_set] = done
            if out is not None:
                write_results(out, study, {done.prior_set: done}, _all_fingerprints(study, settings, marks))

    if missing:
        total = settings.effort.iterations * len(missing)
        with progress.stage(f"Fitting under the {' and '.join(missing)} priors", total) as stage:
            stage.note("compiling, then finding the mode")
            try:
                fit(
                    study.model,
                    figures,
                    study.known_levers,
                    missing,
                    effort=settings.effort,
                    seed=settings.seed,
                    stage=stage,
                    finished=keep,
                )
            except KeyboardInterrupt as stopped:
                raise Interrupted(_kept(fits, out)) from stopped
            trimmed(None)
    return {name: fits[name] for name in settings.prior_sets}


class Tools:
    """What infers the history and plays scenarios; a quick run compiles it on the side while the fit goes on.

    A full run waits until the fit is done: it has the time, and three compilers at once need too much memory.
    """

    def __init__(self, study: Study, settings: Settings, months: int | None = None) -> None:
        self._histories = HistorySimulator(study.model, gather(study.model, study.panel), study.known_levers)
        self._simulator = Simulator(study.model, months or study.settings.horizon_months)
        effort = settings.effort
        self._draws = min(DRAWS, effort.chains * effort.draws)
        self._table = prior_table(study.model.parameters, settings.prior_sets[0])
        self._done: list[Future[None]] = []
        if effort.quick:
            self._compile(1)

    def ready(self) -> tuple[HistorySimulator, Simulator]:
        """Return both, as soon as what is under way is done."""
        if not self._done:
            self._compile(2)
        for each in self._done:
            each.result()
        return self._histories, self._simulator

    def _compile(self, workers: int) -> None:
        worker = ThreadPoolExecutor(workers)
        self._done.append(worker.submit(self._histories.compile, self._draws, self._table))
        self._done.append(worker.submit(self._simulator.compile, self._draws))
        worker.shutdown(wait=False)

    def batches(self) -> BatchSimulator:
        """Return what the questions put their trials through: the same compiled run."""
        return BatchSimulator(self.ready()[1], self._draws)


def learn(
    study: Study,
    settings: Settings,
    fits: dict[str, Fit],
    tools: Tools,
    progress: Progress,
    *,
    scenarios: Sequence[str] = (),
) -> dict[str, Knowledge]:
    """Infer the history and play the scenarios under every fitted prior set."""
    model = study.model
    declared = read_scenarios(study.folder / "scenarios.toml", model, study.levers_today)
    chosen = choose(declared, scenarios)
    result: dict[str, Knowledge] = {}
    with progress.stage("Inferring the history and playing the scenarios", 4 * len(fits)) as stage:
        stage.note("compiling")
        histories, simulator = tools.ready()
        for name, each in fits.items():
            table = prior_table(model.parameters, name)
            vectors: dict[Data, np.ndarray] = {"after": thinned(each.draws.z, DRAWS)}
            # As many as after: another number would have to be compiled for anew.
            size = each.draws.layout.size
            vectors["before"] = unseen_vectors(len(vectors["after"]), size, settings)
            history: dict[Data, SmoothedHistory] = {}
            future: dict[Data, Futures] = {}
            for data, z in vectors.items():
                history[data] = histories.run(z, table, settings.seed)
                stage.advance()
                future[data] = play(model, simulator, history[data].state_today, chosen, settings.seed)
                stage.advance()
            result[name] = Knowledge(each, history, future)
    return result


def unseen_vectors(draws: int, size: int, settings: Settings) -> np.ndarray:
    """Return the vectors, shape (draws, size), from which the history follows before the data."""
    return np.random.default_rng(settings.seed).standard_normal((draws, size))


def write_known(
    study: Study,
    settings: Settings,
    marks: Mapping[str, str],
    known: Mapping[str, Knowledge],
    out: OutputFolder,
    questions: Mapping[str, xr.Dataset],
    report: Mapping[str, xr.Dataset],
) -> Path:
    """Write `results.nc`: every fit with its inferred history, the answers to questions, and what the page tells beside."""
    fits = {name: each.fit for name, each in known.items()}
    histories = {name: each.history for name, each in known.items()}
    return write_results(
        out, study, fits, _all_fingerprints(study, settings, marks), histories, questions, report
    )


def _all_fingerprints(study: Study, settings: Settings, marks: Mapping[str, str]) -> dict[str, str]:
    """Return the fingerprints of every prior set: a fit that this run has no use for is kept while it holds good."""
    others = [name for name in PRIOR_SETS if name not in marks]
    return {**{name: fingerprint(study, settings, name) for name in others}, **marks}


def _kept(fits: dict[str, Fit], out: OutputFolder | None) -> str:
    if not fits or out is None:
        return "Nothing was finished yet, so nothing is kept."
    names = " and ".join(fits)
    return f"Finished and kept in {out.path / RESULTS}: {names}; the next run takes it up."
