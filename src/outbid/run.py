"""What a run is made of, in its order: check, fit, infer the history, play the scenarios.

A fit that was made from the same data, model, priors, seed and code is taken from the output folder instead of
being made again.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from outbid import __version__
from outbid.conventions import PRIOR_SETS
from outbid.errors import InputError
from outbid.files import digest
from outbid.infer.fit import Fit, fit
from outbid.infer.gradient import trimmed
from outbid.infer.history import Data, HistorySimulator, SmoothedHistory, thinned
from outbid.infer.likelihood import gather
from outbid.infer.store import RESULTS, read_fit, write_results
from outbid.infer.trial import trial
from outbid.infer.unfinished import Unfinished
from outbid.model.anchors import check_anchors
from outbid.model.priors import prior_table
from outbid.output import OutputFolder
from outbid.players.schema import read_game
from outbid.progress import Interrupted, Progress
from outbid.run_settings import Settings, listening, whole
from outbid.simulate.engine import Simulator
from outbid.simulate.futures import Futures, play
from outbid.simulate.scenario import choose
from outbid.study import Study, unresolved

# Draws on which the history is inferred and scenarios are played, per prior set, and as many from the prior itself.
DRAWS = 2000
PACKAGE = Path(__file__).parent
# Everything that a fit depends on lies in these places of the package, ...
CODE = (
    "compiled",
    "conventions",
    "data",
    "declared",
    "errors",
    "files",
    "infer",
    "model",
    "native",
    "output",
    "progress",
    "simulate",
    "study",
)
# ... and in these packages.
PACKAGES = ("jax", "jaxlib", "llvmlite", "numpy", "scipy")


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

    Every ID is resolved both ways, figures are matched with what sees them, the model is tried at a few points of its
    priors, and the anchors of latent indices are verified by differentiation.
    """
    gather(study.model, study.panel)
    read_game(study.folder, study.model)
    faults = tuple(str(each.error) for each in trial(study))
    if not faults:  # else a response is no number either, and the anchor is not to blame
        check_anchors(study.model, {name: prior_table(study.model.parameters, name) for name in PRIOR_SETS})
    return (*faults, *unresolved(study))


def fingerprint(study: Study, settings: Settings, prior_set: str) -> str:
    """Return a digest of everything that a fit depends on: what its study read, the code, the settings."""
    about = (settings.seed, settings.effort, prior_set, study.panel.window)
    return digest((), (_code(CODE), about, sorted(study.fit_files.items())))


def whole_fingerprint(study: Study, settings: Settings, command: str, more: object = "") -> str:
    """Return a digest of everything that a run's results depend on: all code, what the study read, the command.

    `more`: what else they depend on.
    """
    return digest((), (_code(), command, settings, sorted(study.files.items()), more))


@cache
def _code(places: tuple[str, ...] = ()) -> str:
    """Return a digest of the packages' versions and of our code; of all of it, if no places are named."""
    files = (path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    names = ((path, path.relative_to(PACKAGE).with_suffix("").parts[0]) for path in files)
    code = [path for path, top in names if (top in places if places else top != "studies")]
    return digest(code, (__version__, [version(name) for name in PACKAGES]))


class StudyRun:
    """One run of a study; its parts are made when they are first asked for: fits, then what is known under them.

    `out`: the folder that fits are taken from, if they were made from the very same things, and kept in. `months`:
    how far scenarios look ahead, the study's horizon if left out; `scenarios`: which, all if none is named.
    """

    def __init__(
        self,
        study: Study,
        settings: Settings,
        out: OutputFolder | None = None,
        progress: Progress | None = None,
        *,
        months: int | None = None,
        scenarios: Sequence[str] = (),
    ) -> None:
        self.study, self.settings, self.out = study, settings, out
        self.progress = listening(progress)
        if months is not None:
            whole("--months", months, 1, 600)
        self.simulator = Simulator(study.model, months or study.settings.horizon_months)
        self._scenarios = choose(study.scenarios, scenarios)
        for each in self._scenarios:
            fix = f"Look further ahead than {self.simulator.months} months, or name other scenarios."
            each.check_begins(self.simulator.months, f"scenario {each.id!r}, ", fix)
        # of every prior set, since a fit that this run has no use for is kept while it holds good
        self._marks = {name: fingerprint(study, settings, name) for name in PRIOR_SETS}

    @cached_property
    def fits(self) -> dict[str, Fit]:
        """The fits by prior set, taken up from the folder or made; on Ctrl-C, Interrupted says what was kept."""
        study, settings, out = self.study, self.settings, self.out
        fits: dict[str, Fit] = {}
        unfinished = Unfinished(out, self._marks, settings.effort)
        for name in settings.prior_sets:
            if out is not None and (held := read_fit(out.path / RESULTS, study, name, self._marks[name])):
                fits[name] = held
        missing = [name for name in settings.prior_sets if name not in fits]
        one_at_a_time = threading.Lock()

        def keep(done: Fit) -> None:
            with one_at_a_time:
                fits[done.prior_set] = done
                if out is not None:
                    write_results(out, study, {done.prior_set: done}, self._marks)
            with suppress(Exception):  # while the other fit goes on, which this must not end
                done.diagnose()

        if missing:
            for fault in trial(study):
                if set(fault.stops) & set(missing):
                    raise fault.error
            total = settings.effort.iterations * len(missing)
            with self.progress.stage(f"Fitting under the {' and '.join(missing)} priors", total) as stage:
                try:
                    fit(
                        study.model,
                        gather(study.model, study.panel),
                        study.known_levers,
                        missing,
                        effort=settings.effort,
                        seed=settings.seed,
                        stage=stage,
                        unfinished=unfinished,
                        finished=keep,
                    )
                except KeyboardInterrupt as stopped:
                    raise Interrupted(_kept(fits, unfinished.shares, out)) from stopped
                trimmed(None)
        fits = {name: fits[name] for name in settings.prior_sets}
        fresh = {name: each for name, each in fits.items() if name in missing or not each.diagnosed}
        for each in fresh.values():
            each.diagnose()
        if out is not None and fresh:
            write_results(out, study, fresh, self._marks)
        return fits

    @cached_property
    def known(self) -> dict[str, Knowledge]:
        """The inferred history and the scenarios played ahead, under every prior set."""
        model, settings = self.study.model, self.settings
        if not self._scenarios:
            problem = "there is no such file, and what is known is played ahead by scenarios"
            raise InputError("scenarios.toml", problem, "Write one with a baseline, and put it there.")
        histories = HistorySimulator(model, gather(model, self.study.panel), self.study.known_levers)
        fits = self.fits
        result: dict[str, Knowledge] = {}
        label = "Inferring the history and playing the scenarios"
        with self.progress.stage(label, 4 * len(fits)) as stage:
            for name, each in fits.items():
                table, z = prior_table(model.parameters, name), thinned(each.draws.z, DRAWS)
                unseen = unseen_vectors(len(z), each.draws.layout.size, settings)
                vectors: dict[Data, np.ndarray] = {"after": z, "before": unseen}
                history: dict[Data, SmoothedHistory] = {}
                future: dict[Data, Futures] = {}
                for data, drawn in vectors.items():
                    history[data] = histories.run(drawn, table, settings.seed)
                    stage.advance()
                    today = history[data].state_today
                    future[data] = play(model, self.simulator, today, self._scenarios, settings.seed)
                    stage.advance()
                result[name] = Knowledge(each, history, future)
        return result

    def write(
        self, out: OutputFolder, answers: Mapping[str, xr.Dataset], report: Mapping[str, xr.Dataset]
    ) -> Path:
        """Write `results.nc`: fits, inferred history, the answers to questions, and what the page tells beside."""
        histories = {name: each.history for name, each in self.known.items()}
        return write_results(out, self.study, self.fits, self._marks, histories, answers, report)


def unseen_vectors(draws: int, size: int, settings: Settings) -> np.ndarray:
    """Return the vectors, shape (draws, size), from which the history follows before the data."""
    return np.random.default_rng(settings.seed).standard_normal((draws, size))


def _kept(fits: Collection[str], shares: Mapping[str, float], out: OutputFolder | None) -> str:
    if out is None or not (fits or shares):
        return "Nothing is kept."
    parts = [f"{name} (finished)" for name in fits] + [
        f"{name} (at {each:.0%})" for name, each in shares.items()
    ]
    return f"Kept in {out.path}: {' and '.join(parts)}; the next run takes it up from there."
