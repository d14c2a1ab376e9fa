"""The one place that knows the order: load, check, fit, tell the past, play the scenarios, report.

Each step is a function; `run_study` is their sequence. A fit that was made from the same data, model, priors,
seed and code is taken from the output folder instead of being made again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from outbid import __version__
from outbid.ask.strategic.file import read_play
from outbid.infer.fit import Fit, fit, iterations
from outbid.infer.latent import layout
from outbid.infer.likelihood import gather
from outbid.infer.past import Historian, Past
from outbid.infer.posterior import CHAINS, FULL, QUICK, Approximation, Effort, trimmed
from outbid.infer.store import from_netcdf, to_netcdf
from outbid.model.anchors import check_anchors
from outbid.model.priors import PRIOR_SETS, prior_table
from outbid.output import OutputFolder
from outbid.progress import Interrupted, Progress
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Simulator
from outbid.simulate.futures import Futures, play
from outbid.simulate.scenario import choose
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import Study, unresolved

SEED = 20210815
# Draws on which the past is told and scenarios are played, per prior set, and as many from the prior itself.
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
    "outcomes.py",
    "play.toml",
    "payoffs.toml",
    "claim_tests.toml",
    "replays.toml",
    "sensitivity.toml",
    "trap.toml",
    "worth.toml",
}


@dataclass(frozen=True)
class Settings:
    """What a person asks of a run: `prior` is "both" or one prior set's name."""

    prior: str = "both"
    quick: bool = False
    seed: int = SEED

    @property
    def prior_sets(self) -> tuple[str, ...]:
        """The prior sets to work under, the neutral one first."""
        return PRIOR_SETS if self.prior == "both" else (self.prior,)

    @property
    def effort(self) -> Effort | Approximation:
        """How long to sample."""
        return QUICK if self.quick else FULL


@dataclass(frozen=True)
class Knowledge:
    """What is known under one prior set: the fit, the past it implies, and where the scenarios lead.

    `unseen` and `before` are the same from the prior alone, to see what the data changed.
    """

    fit: Fit
    past: Past
    futures: Futures
    unseen: Past
    before: Futures


def prepare() -> None:
    """Keep compiled code between runs, in the user's cache folder (or OUTBID_CACHE, or nowhere if it can't be made)."""
    base = os.environ.get("OUTBID_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "outbid" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def check_study(study: Study) -> tuple[str, ...]:
    """Return every problem of a study that loading did not already refuse; empty if it is sound.

    Every ID is resolved both ways, figures are matched with what sees them, and the
    anchors of latent indices are verified by differentiation.
    """
    gather(study.model, study.panel)
    read_play(study.folder, study.model)
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


def posterior_file(prior_set: str) -> str:
    """Return the name of the file that holds a prior set's posterior; the neutral one is the posterior."""
    return "posterior.nc" if prior_set == "neutral" else f"posterior_{prior_set}.nc"


def fingerprints(study: Study, settings: Settings) -> dict[str, str]:
    """Return the digest of every prior set asked for; taken once, before anything starts."""
    return {name: fingerprint(study, settings, name) for name in settings.prior_sets}


def fit_study(
    study: Study, settings: Settings, marks: Mapping[str, str], out: OutputFolder | None, progress: Progress
) -> dict[str, Fit]:
    """Fit a study under the prior sets asked for, taking up what the output folder already holds.

    `marks` are the fingerprints by prior set that a held posterior must bear.

    Raises
    ------
    Interrupted
        On Ctrl-C, saying what was kept.
    """
    figures = gather(study.model, study.panel)
    where = layout(study.model, figures.months)
    fits: dict[str, Fit] = {}
    if out is not None:
        for name in settings.prior_sets:
            held = from_netcdf(out.path / posterior_file(name), where, marks[name])
            if held is not None:
                fits[name] = held
    missing = [name for name in settings.prior_sets if name not in fits]

    def keep(done: Fit) -> None:
        fits[done.prior_set] = done
        if out is not None:
            table = prior_table(study.model.parameters, done.prior_set)
            data = to_netcdf(
                study.model, figures, study.panel.window.months, done, table, None, marks[done.prior_set]
            )
            out.write_bytes(posterior_file(done.prior_set), data)

    if missing:
        total = iterations(study.model, missing, settings.effort)
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
    """What tells the past and plays scenarios; a quick run compiles it on the side while the fit goes on.

    A full run waits until the fit is done: it has the time, and three compilers at once need too much memory.
    """

    def __init__(self, study: Study, settings: Settings, months: int | None = None) -> None:
        self._historian = Historian(study.model, gather(study.model, study.panel), study.known_levers)
        self._simulator = Simulator(study.model, months or study.settings.horizon_months)
        effort = settings.effort
        self._draws = min(DRAWS, CHAINS * effort.draws)
        self._table = prior_table(study.model.parameters, settings.prior_sets[0])
        self._done: list[Future[None]] = []
        if isinstance(effort, Approximation):
            self._compile(1)

    def ready(self) -> tuple[Historian, Simulator]:
        """Return both, as soon as what is under way is done."""
        if not self._done:
            self._compile(2)
        for each in self._done:
            each.result()
        return self._historian, self._simulator

    def _compile(self, workers: int) -> None:
        worker = ThreadPoolExecutor(workers)
        self._done.append(worker.submit(self._historian.compile, self._draws, self._table))
        self._done.append(worker.submit(self._simulator.compile, self._draws))
        worker.shutdown(wait=False)

    def laboratory(self) -> BatchSimulator:
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
    """Tell the past and play the scenarios under every fitted prior set."""
    model = study.model
    declared = read_scenarios(study.folder / "scenarios.toml", model, study.levers_today)
    chosen = choose(declared, scenarios)
    result: dict[str, Knowledge] = {}
    with progress.stage("Telling the past and playing the scenarios", 4 * len(fits)) as stage:
        stage.note("compiling")
        historian, simulator = tools.ready()
        for name, each in fits.items():
            table = prior_table(model.parameters, name)
            past = historian.tell(thinned(each.posterior.z, DRAWS), table, settings.seed)
            stage.advance()
            futures = play(model, simulator, past.standing, chosen, settings.seed)
            stage.advance()
            # As many as before: another number would have to be compiled for anew.
            blank = unseen_vectors(len(past.standing), each.posterior.layout.size, settings)
            unseen = historian.tell(blank, table, settings.seed)
            stage.advance()
            before = play(model, simulator, unseen.standing, chosen, settings.seed)
            stage.advance()
            result[name] = Knowledge(each, past, futures, unseen, before)
    return result


def unseen_vectors(draws: int, size: int, settings: Settings) -> np.ndarray:
    """Return the vectors, shape (draws, size), from which the past is told before the data are seen."""
    return np.random.default_rng(settings.seed).standard_normal((draws, size))


def thinned(z: np.ndarray, draws: int) -> np.ndarray:
    """Return at most that many vectors, evenly spaced over chains and draws, shape (draws, size)."""
    flat = z.reshape(-1, z.shape[-1])
    return flat[:: max(1, len(flat) // draws)][:draws]


def write_posteriors(
    study: Study, marks: Mapping[str, str], known: Mapping[str, Knowledge], out: OutputFolder
) -> None:
    """Write each posterior again, now with its predictive groups and paths."""
    figures = gather(study.model, study.panel)
    for name, each in known.items():
        table = prior_table(study.model.parameters, name)
        months = study.panel.window.months
        data = to_netcdf(study.model, figures, months, each.fit, table, each.past, marks[name])
        out.write_bytes(posterior_file(name), data)


def _kept(fits: dict[str, Fit], out: OutputFolder | None) -> str:
    if not fits or out is None:
        return "Nothing was finished yet, so nothing is kept."
    names = " and ".join(posterior_file(name) for name in fits)
    return f"Finished and kept: {names} in {out.path}; the next run takes it up."
