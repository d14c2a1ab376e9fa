"""10,000 posterior-weighted runs of 36 months: seconds after compilation, and how much common random numbers save.

Run it after `make run`; without a posterior it draws parameters from the prior and says so.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

RUNS, MONTHS, TARGET = 10_000, 36, 5.0


def main() -> None:
    from outbid.ask.effects import play
    from outbid.infer.fit import Fit
    from outbid.infer.latent import layout
    from outbid.infer.likelihood import gather
    from outbid.infer.past import Historian
    from outbid.infer.store import from_netcdf
    from outbid.model.priors import prior_table
    from outbid.run import SEED, Settings, fingerprint, prepare
    from outbid.simulate.engine import Simulator, Standing
    from outbid.simulate.scenario import lever_paths, read_scenarios
    from outbid.study import load_study

    prepare()
    study = load_study("khorasan")
    model, figures = study.model, gather(study.model, study.panel)
    where = layout(model, figures.months)
    held: Fit | None = from_netcdf(
        Path("out/khorasan/posterior.nc"), where, fingerprint(study, Settings(), "neutral")
    )
    generator = np.random.default_rng(SEED)
    origin = "posterior of out/khorasan" if held else "prior (no posterior in out/khorasan)"
    pool = held.posterior.z.reshape(-1, where.size) if held else generator.standard_normal((4000, where.size))
    historian = Historian(model, figures, study.known_levers)
    table = prior_table(model.parameters, "neutral")
    past = historian.tell(pool[generator.integers(len(pool), size=2000)], table, SEED).standing
    pick = generator.integers(len(past), size=RUNS)
    standing = Standing(
        past.parameters[pick], {name: value[pick] for name, value in past.state.items()}, past.levers[pick]
    )
    simulator = Simulator(model, MONTHS)
    scenarios = read_scenarios(study.folder / "scenarios.toml", model)
    levers = lever_paths(model, scenarios[0], standing.levers, MONTHS)
    begun = time.perf_counter()
    simulator.run(standing, levers, simulator.innovations(RUNS, SEED))
    first = time.perf_counter() - begun
    seconds = []
    for seed in range(5):
        begun = time.perf_counter()
        simulator.run(standing, levers, simulator.innovations(RUNS, seed))
        seconds.append(time.perf_counter() - begun)
    print(f"{os.cpu_count()} cores; draws from the {origin}")
    print(
        f"{RUNS:,} runs of {MONTHS} months: median {np.median(seconds):.2f} s of 5 (target {TARGET:.0f} s);"
        f" first call with compilation {first:.1f} s"
    )

    common = play(model, simulator, standing, scenarios, 1)
    apart = play(model, simulator, standing, scenarios, 2)
    print("variance of a scenario's difference from the baseline, independent over common random numbers:")
    for item in scenarios[1:]:
        ratios = []
        for i, _ in enumerate(model.outcomes):
            base = common.levels("baseline")[:, i]
            shared = np.var(common.levels(item.id)[:, i] - base)
            ratios.append(np.var(apart.levels(item.id)[:, i] - base) / max(float(shared), 1e-300))
        print(f"  {item.id:<22} median over outcomes {np.median(ratios):8.1f}")


if __name__ == "__main__":
    main()
