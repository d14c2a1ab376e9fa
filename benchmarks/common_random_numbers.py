"""How much common random numbers save: the variance of a scenario's difference from the baseline.

Three ways to play a scenario and the baseline: over the same draws and innovations; over the same draws with
innovations of their own; each over draws and innovations of its own, as two separate studies would. A ratio of ten
means that a tenth of the runs gives the same precision. What remains with common numbers is for the most part the
effect itself, which differs from draw to draw: no way of drawing lowers that, so the share of it is told too. Run it
after `make run`; without a posterior it takes the prior and says so.
"""

from __future__ import annotations

import numpy as np

from _posterior import khorasan
from _table import show

DRAWS, MONTHS, TARGET = 2000, 36, 10.0


def main() -> None:
    from outbid.run_settings import SEED
    from outbid.simulate.engine import Simulator
    from outbid.simulate.futures import play

    study, standing, origin = khorasan(DRAWS)
    model = study.model
    simulator = Simulator(model, MONTHS, outputs=[f"outcome.{item.name}" for item in model.outcomes])
    scenarios = study.scenarios
    one, two = (play(model, simulator, standing, scenarios, seed) for seed in (SEED, SEED + 1))
    base, base_two = one.levels(one.baseline), two.levels(one.baseline)
    others = np.random.default_rng(SEED).permutation(DRAWS)
    rows, every = [], []
    for item in scenarios:
        if item.baseline:
            continue
        level, level_two = one.levels(item.id), two.levels(item.id)
        common = np.var(level - base, axis=0)
        moved = common > 0  # an outcome that the scenario can't touch has no difference to measure
        apart = np.var(level_two[others] - base, axis=0)[moved] / common[moved]
        innovations = np.var(level_two - base, axis=0)[moved] / common[moved]
        # two runs of one draw differ by luck alone
        luck = 0.5 * np.mean((level - base - level_two + base_two) ** 2, axis=0)[moved]
        luck_apart = 0.5 * np.mean((level - level_two) ** 2 + (base - base_two) ** 2, axis=0)[moved]
        every.append(apart)
        least = model.outcomes[int(np.flatnonzero(moved)[apart.argmin()])].label
        rows += [
            (item.label, f"{np.median(apart):.0f} (least {apart.min():.1f}: {least})", f"{TARGET:.0f}"),
            ("  innovations alone", f"{np.median(innovations):.1f} (least {innovations.min():.1f})", ""),
            (
                "  luck within a draw",
                f"{np.median(luck_apart / luck):.0f} (least {(luck_apart / luck).min():.1f})",
                "",
            ),
            ("  of what remains, the effect's own", f"{np.median(1 - luck / common[moved]):.0%}", ""),
        ]
    together = np.concatenate(every)
    met = f"{np.mean(together >= TARGET):.0%} of {len(together)} reach it; median {np.median(together):.0f}"
    rows.append(("scenarios x outcomes", met, ""))
    show(
        f"Variance of a difference, independent over common random numbers, on draws from the {origin}", rows
    )


if __name__ == "__main__":
    main()
