"""Sobol indices of the Khorasan study with 2^14 base samples: seconds, and the most memory held.

`python benchmarks/sensitivity.py [base samples]`. Inputs range over the neutral priors, from the states that the
window opens with, so that no fit is needed; as many inputs and runs as over the posterior.
"""

from __future__ import annotations

import resource
import sys
import time

import jax
import numpy as np

from _table import show
from outbid.compiled import prepare
from outbid.declared import parse
from outbid.model.compile import initial_state
from outbid.model.priors import from_standard_normal, prior_table
from outbid.questions.sensitivity.compute import Runs
from outbid.questions.sensitivity.schema import Options, declare
from outbid.questions.sensitivity.unknowns import CHANCES, free_space, inputs_of
from outbid.run import DRAWS
from outbid.run_settings import SEED
from outbid.simulate.engine import Simulator, StateToday
from outbid.study import Study, load_study

SAMPLES = 2**14


def opening(study: Study) -> StateToday:
    """Return where draws from the prior stand when the window opens, every state spread a little."""
    model, generator = study.model, np.random.default_rng(SEED)
    z = generator.standard_normal((DRAWS, len(model.parameters)))
    values = from_standard_normal(z, prior_table(model.parameters, "neutral"))
    start = jax.vmap(lambda row: initial_state(model, dict(zip(model.parameter_names, row, strict=True))))(
        values
    )
    state = {name: np.asarray(value) + np.zeros(DRAWS) for name, value in start.items()}
    for stock in model.stocks:
        state[stock.name] = np.maximum(state[stock.name], 10.0) * np.exp(
            0.1 * generator.standard_normal(DRAWS)
        )
    for index in model.indices:
        state[index.name] = state[index.name] + 0.1 * generator.standard_normal(DRAWS)
    levers = np.tile(study.known_levers[-1], (DRAWS, 1))
    hardness = model.lever_names.index("hardness")
    levers[:, hardness] = generator.uniform(0.5, 0.9, DRAWS)
    return StateToday(np.asarray(values), state, levers)


def held() -> float:
    """Return the most memory that this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    prepare()
    asked_for = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    samples = parse("options", {"base_samples": asked_for}, Options, {}).base_samples or SAMPLES
    study = load_study("khorasan")
    model = study.model
    asked = declare(study)
    assert asked is not None
    today = opening(study)
    lab = Simulator(model, study.settings.horizon_months)
    begun = time.perf_counter()
    lab.compile()
    compiled, before = time.perf_counter() - begun, held()
    courses = {each.id: each for each in study.scenarios if each.id in asked.courses}
    inputs = inputs_of(model, asked.outcomes, list(courses.values()), [today])
    space = free_space(model, inputs, today, lab.innovations(CHANCES, SEED))
    rows = samples * (len(inputs) + 2)
    begun = time.perf_counter()
    shares = Runs(lab, asked, courses).shares(space, samples, SEED)
    seconds = time.perf_counter() - begun
    played = len({name for each in asked.explain for name in (each.scenario, each.against) if name})
    show(
        f"Sobol indices, {samples:,} base samples × ({len(inputs)} inputs + 2) = {rows:,} rows, "
        f"{played} courses of {lab.months} months, {len(asked.explain)} outcomes",
        [
            ("simulator compiled", f"{compiled:.0f} s", ""),
            ("runs and indices", f"{seconds:.0f} s", ""),
            ("runs per second", f"{played * rows / seconds:,.0f}", ""),
            ("most memory held before", f"{before:.0f} MiB", ""),
            ("most memory held", f"{held():.0f} MiB", "< 1024 MiB"),
            ("widest interval of a total", f"± {float(shares.total_half.max()):.3f}", ""),
            ("runs that overflowed", f"{float(shares.lost):.4%}", ""),
        ],
    )


if __name__ == "__main__":
    main()
