"""Condition a model on its figures under one or more prior sets, side by side, and keep what is finished."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from outbid.conventions import LARGEST_PARETO_K
from outbid.infer.diagnostics import arviz, diagnose
from outbid.infer.fit import Fit
from outbid.infer.likelihood import Figures
from outbid.infer.posterior import Effort, Sampler, Target
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


def fit(
    model: Model,
    figures: Figures,
    known_levers: np.ndarray,
    prior_sets: Sequence[str],
    *,
    effort: Effort,
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
    sampler = Sampler(model, figures, effort)
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
            draws = sampler.sample(target, seed=seed + offset, advanced=advanced)
            if not draws.complete:
                raise KeyboardInterrupt
            how = "short" if effort.quick else "sampled"
            spent = time.perf_counter() - begun
            fits[name] = Fit(model, name, draws, diagnose(draws, effort), spent, how)
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
        weighed = _reweighted(model, fits["neutral"], name, seed, effort)
        if weighed is None:
            work(name, 1)
            if faults:
                raise faults[0]
        else:
            fits[name] = weighed
            finished(weighed)
    return {name: fits[name] for name in prior_sets}


def iterations(model: Model, prior_sets: Sequence[str], effort: Effort) -> int:
    """Return the number of iterations that `fit` tells its stage of."""
    return effort.iterations * (len(prior_sets) - len(_by_weights(model, prior_sets, effort)))


def _by_weights(model: Model, prior_sets: Sequence[str], effort: Effort) -> list[str]:
    """Return the prior sets that are to be had by weighing the neutral draws."""
    if "neutral" not in prior_sets or effort.quick:
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
    return bool(effort.draws * effort.chains * 0.5**halvings >= LEAST_SHARED_DRAWS)


def _reweighted(model: Model, base: Fit, name: str, seed: int, effort: Effort) -> Fit | None:
    """Return another prior set's fit by Pareto-smoothed importance resampling, or None where it won't do."""
    begun = time.perf_counter()
    chosen = _differing(model.parameters, name)
    values = base.draws.parameters(prior_table(model.parameters, "neutral"))
    draws = np.stack([values[model.parameters[i].name] for i in chosen], axis=-1)
    tables = [prior_table([model.parameters[i] for i in chosen], each) for each in ("neutral", name)]
    before, after = (np.asarray(log_prior_density(draws, table)).sum(axis=-1) for table in tables)
    weights, k = arviz().psislw((after - before).ravel())
    if not (np.isfinite(k) and float(k) < LARGEST_PARETO_K):
        return None
    shares = np.exp(weights - weights.max())
    z = base.draws.z.reshape(-1, base.draws.layout.size)
    picked = np.random.default_rng(seed).choice(len(z), size=len(z), p=shares / shares.sum())
    moved = _in_terms_of(model, z[picked], name).reshape(base.draws.z.shape)
    # Resampled draws are no chain: whether the chains agree is asked of those that were weighed.
    efficiency = float(shares.sum() ** 2 / (shares**2).sum() / len(shares))
    diagnostics = diagnose(base.draws, effort, efficiency)
    spent = time.perf_counter() - begun
    return Fit(model, name, replace(base.draws, z=moved), diagnostics, spent, "reweighted", float(k))


def _in_terms_of(model: Model, z: np.ndarray, name: str) -> np.ndarray:
    """Return the same parameter values as standard normals of another prior set."""
    result = z.copy()
    for i in _differing(model.parameters, name):
        values = np.asarray(
            from_standard_normal(z[:, i : i + 1], prior_table([model.parameters[i]], "neutral"))
        )
        result[:, i] = to_standard_normal(values, prior_table([model.parameters[i]], name))[:, 0]
    return result
