"""Condition a model on its figures under one or more prior sets, side by side, and keep what is finished."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from outbid.infer.diagnostics import diagnose
from outbid.infer.fit import Fit
from outbid.infer.likelihood import Figures
from outbid.infer.posterior import Effort, Sampler, Target
from outbid.model.declare import Model
from outbid.model.priors import prior_table
from outbid.progress import Stage


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

    `finished` is called with each fit as soon as it is done, so that an interruption later loses nothing.

    Raises
    ------
    KeyboardInterrupt
        After the threads have stopped; finished fits have been handed over.
    """
    sampler = Sampler(model, figures, effort)
    fits: dict[str, Fit] = {}
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
            spent = time.perf_counter() - begun
            how = "short" if effort.quick else "sampled"
            fits[name] = Fit(model, name, draws, diagnose(draws, effort), spent, how)
            finished(fits[name])
        except BaseException as error:
            faults.append(error)
            stop.set()

    threads = [
        threading.Thread(target=work, args=(name, i), daemon=True) for i, name in enumerate(prior_sets)
    ]
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
    if faults:
        raise faults[0]
    return {name: fits[name] for name in prior_sets}
