"""10,000 posterior-weighted runs of 36 months: seconds after compilation.

Run it after `make run`; without a posterior it draws parameters from the prior and says so.
"""

from __future__ import annotations

import time

import numpy as np

from _posterior import khorasan
from _table import show

RUNS, MONTHS, TARGET = 10_000, 36, 5.0


def main() -> None:
    from outbid.run_settings import SEED
    from outbid.simulate.engine import Simulator

    study, standing, origin = khorasan(RUNS)
    simulator = Simulator(
        study.model, MONTHS, outputs=[f"outcome.{item.name}" for item in study.model.outcomes]
    )
    levers = np.repeat(standing.levers[:, None, :], MONTHS, axis=1)
    seconds = []
    for seed in range(6):
        begun = time.perf_counter()
        simulator.run(standing, levers, simulator.innovations(RUNS, SEED + seed))
        seconds.append(time.perf_counter() - begun)
    rows = [
        (f"{RUNS:,} runs of {MONTHS} months", f"{np.median(seconds[1:]):.2f} s", f"{TARGET:.0f} s"),
        ("the first time, with compilation", f"{seconds[0]:.1f} s", ""),
    ]
    show(f"Ensembles, on draws from the {origin}", rows)


if __name__ == "__main__":
    main()
