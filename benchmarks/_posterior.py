"""Where the benchmarks' draws come from: the posterior of the last `make run`, or the prior if there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from outbid.simulate.engine import StateToday
    from outbid.study import Study


def khorasan(draws: int, prior_set: str = "neutral") -> tuple[Study, StateToday, str]:
    """Return the study, where that many draws stand today, and in words where they come from."""
    from outbid.compiled import prepare
    from outbid.infer.history import HistorySimulator
    from outbid.infer.likelihood import gather
    from outbid.infer.store import RESULTS, read_fit
    from outbid.model.compile import layout
    from outbid.model.priors import prior_table
    from outbid.run import fingerprint
    from outbid.run_settings import SEED, Settings
    from outbid.study import load_study

    prepare()
    study = load_study("khorasan")
    figures = gather(study.model, study.panel)
    where = layout(study.model, figures.months)
    mark = fingerprint(study, Settings(), prior_set)
    held = read_fit(Path("out/khorasan") / RESULTS, study, prior_set, mark)
    generator = np.random.default_rng(SEED)
    origin = f"{prior_set} posterior of out/khorasan" if held else "prior (no posterior in out/khorasan)"
    pool = held.draws.z.reshape(-1, where.size) if held else generator.standard_normal((4000, where.size))
    histories = HistorySimulator(study.model, figures, study.known_levers)
    table = prior_table(study.model.parameters, prior_set)
    past = histories.run(pool[generator.integers(len(pool), size=2000)], table, SEED).state_today
    if draws != len(past):
        past = past.taken(generator.integers(len(past), size=draws))
    return study, past, origin
