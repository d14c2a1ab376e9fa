"""Fit a model under one or more prior sets, side by side, and keep what is finished."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from outbid.conventions import LARGEST_PARETO_K
from outbid.infer.diagnostics import Diagnostics, arviz, diagnose
from outbid.infer.likelihood import Figures
from outbid.infer.posterior import CHAINS, FULL, Approximation, Effort, Posterior, Sampler, Target
from outbid.model.declare import Model
from outbid.model.priors import (
    Parameter,
    from_standard_normal,
    log_prior_density,
    prior_table,
    to_standard_normal,
)
from outbid.progress import Stage

# Fewer draws than this in the other prior's support are not worth weighing.
LEAST_SHARED_DRAWS = 400
COARSE = "this was a quick run: a normal approximation at the mode, not a sample, so its numbers are coarse"


@dataclass(frozen=True)
class Fit:
    """A posterior under one prior set, with its diagnostics; `how` is "sampled", "reweighted" or "approximated"."""

    prior_set: str
    posterior: Posterior
    diagnostics: Diagnostics
    seconds: float
    how: str = "sampled"
    pareto_k: float | None = None


def fit(
    model: Model,
    figures: Figures,
    known_levers: np.ndarray,
    prior_sets: Sequence[str],
    *,
    effort: Effort | Approximation,
    seed: int,
    stage: Stage,
    finished: Callable[[Fit], None] = lambda _: None,
) -> dict[str, Fit]:
    """Fit every prior set, each in a thread of its own with one compiled sampler between them.

    The sources' fit is had by reweighting the neutral one where the prior sets overlap enough for that
    (Pareto-k̂ under 0.7), and by sampling where not. `finished` is called with each fit as soon as it is
    done, so that an interruption later loses nothing.

    Raises
    ------
    KeyboardInterrupt
        After the threads have stopped; finished fits have been handed over.
    """
    sampler = Sampler(model, figures, effort if isinstance(effort, Effort) else FULL)
    fits: dict[str, Fit] = {}
    by_weights = _by_weights(model, prior_sets, effort)
    stop = threading.Event()
    faults: list[BaseException] = []

    def advanced(number: int) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stage.advance(number)

    def work(name: str, offset: int) -> None:
        begun = time.perf_counter()
        try:
            target = Target(prior_table(model.parameters, name), figures.rows.values, known_levers)
            fits[name] = _fitted(sampler, target, name, effort, seed + offset, advanced, begun)
            finished(fits[name])
        except BaseException as error:
            faults.append(error)
            stop.set()

    sampled = [name for name in prior_sets if name not in by_weights]
    _run_all(
        [threading.Thread(target=work, args=(name, i), daemon=True) for i, name in enumerate(sampled)], stop
    )
    if faults:
        raise faults[0]
    if stop.is_set():
        raise KeyboardInterrupt
    for name in by_weights:
        fits[name] = _reweighted(model, fits["neutral"], name, seed) or _sampled_after_all(work, name, fits)
        finished(fits[name])
    return {name: fits[name] for name in prior_sets}


def _fitted(
    sampler: Sampler,
    target: Target,
    name: str,
    effort: Effort | Approximation,
    seed: int,
    advanced: Callable[[int], None],
    begun: float,
) -> Fit:
    """Sample, or approximate where only that is asked for; a fit that was stopped raises KeyboardInterrupt."""
    if isinstance(effort, Approximation):
        posterior = sampler.approximate(target, seed=seed, draws=effort.draws)
        advanced(1)
        told = replace(diagnose(posterior), problems=(COARSE,))
        return Fit(name, posterior, told, time.perf_counter() - begun, "approximated")
    posterior = sampler.sample(target, seed=seed, advanced=advanced)
    if not posterior.complete:
        raise KeyboardInterrupt
    return Fit(name, posterior, diagnose(posterior), time.perf_counter() - begun)


def iterations(model: Model, prior_sets: Sequence[str], effort: Effort | Approximation) -> int:
    """Return the number of iterations that `fit` tells its stage of."""
    if isinstance(effort, Approximation):
        return len(prior_sets)
    sampled = len(prior_sets) - len(_by_weights(model, prior_sets, effort))
    return (effort.approach + effort.scales + effort.settle + effort.draws) * sampled


def _by_weights(model: Model, prior_sets: Sequence[str], effort: Effort | Approximation) -> list[str]:
    """Return the prior sets that are to be had by weighing the neutral draws."""
    if "neutral" not in prior_sets or isinstance(effort, Approximation):
        return []
    return [name for name in prior_sets if name != "neutral" and _worth_weighing(model, name, effort)]


def _run_all(threads: Sequence[threading.Thread], stop: threading.Event) -> None:
    """Run threads to their end; on Ctrl-C ask them to stop, wait for them, and pass it on."""
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(timeout=0.2)
    except KeyboardInterrupt:
        stop.set()
        for thread in threads:
            thread.join()
        raise


def _differing(parameters: Sequence[Parameter], name: str) -> list[int]:
    return [i for i, item in enumerate(parameters) if item.priors[name] != item.priors["neutral"]]


def _worth_weighing(model: Model, name: str, effort: Effort) -> bool:
    """Whether enough neutral draws can be expected in another prior set's support to weigh them at all.

    A claimed effect is positive under the sources and at even odds under the neutral prior: each halves
    what is shared.
    """
    halvings = sum(
        model.parameters[i].priors[name].positive and not model.parameters[i].priors["neutral"].positive
        for i in _differing(model.parameters, name)
    )
    return bool(effort.draws * CHAINS * 0.5**halvings >= LEAST_SHARED_DRAWS)


def _reweighted(model: Model, base: Fit, name: str, seed: int) -> Fit | None:
    """Return another prior set's fit by Pareto-smoothed importance resampling, or None where it won't do."""
    begun = time.perf_counter()
    chosen = _differing(model.parameters, name)
    values = base.posterior.parameters(prior_table(model.parameters, "neutral"))
    draws = np.stack([values[model.parameters[i].name] for i in chosen], axis=-1)
    tables = [prior_table([model.parameters[i] for i in chosen], each) for each in ("neutral", name)]
    before, after = (np.asarray(log_prior_density(draws, table)).sum(axis=-1) for table in tables)
    weights, k = arviz().psislw((after - before).ravel())
    if not (np.isfinite(k) and float(k) < LARGEST_PARETO_K):
        return None
    shares = np.exp(weights - weights.max())
    z = base.posterior.z.reshape(-1, base.posterior.layout.size)
    picked = np.random.default_rng(seed).choice(len(z), size=len(z), p=shares / shares.sum())
    moved = _in_terms_of(model, z[picked], name)
    shape = base.posterior.z.shape
    posterior = Posterior(
        base.posterior.layout,
        moved.reshape(shape),
        base.posterior.divergent,
        base.posterior.energy,
        base.posterior.steps,
        base.posterior.acceptance,
    )
    return Fit(name, posterior, diagnose(posterior), time.perf_counter() - begun, "reweighted", float(k))


def _in_terms_of(model: Model, z: np.ndarray, name: str) -> np.ndarray:
    """Return the same parameter values as standard normals of another prior set."""
    result = z.copy()
    for i in _differing(model.parameters, name):
        values = np.asarray(
            from_standard_normal(z[:, i : i + 1], prior_table([model.parameters[i]], "neutral"))
        )
        result[:, i] = to_standard_normal(values, prior_table([model.parameters[i]], name))[:, 0]
    return result


def _sampled_after_all(work: Callable[[str, int], None], name: str, fits: dict[str, Fit]) -> Fit:
    work(name, 1)
    return fits[name]
