"""Payoffs of the published outbidding game from its panel: seconds after compilation, and figures beside the printed ones.

    python benchmarks/estimate.py DIR [--starts 60]

DIR holds the panel and the published estimates. The search over starts takes up to a minute and is left out
unless asked for.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from _table import show

START = (-0.02, 0.002, -1.0, -2.5)
SPREAD = (0.02, 0.002, 0.5, 0.5)
TIMES = 5


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers(path: Path, column: str) -> list[float]:
    return [float(row[column]) for row in table(path) if row[column]]


def timed(work: Callable[[], Any]) -> tuple[Any, float, str]:
    """First run with compilation, then the median of some more: (result, first seconds, the rest in words)."""
    begun = time.perf_counter()
    result = work()
    first, seconds = time.perf_counter() - begun, []
    for _ in range(TIMES):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return result, first, f"{np.median(seconds):.2f} s (best {min(seconds):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="folder of the published panel")
    parser.add_argument("--starts", type=int, default=0, help="also search from this many starts")
    asked = parser.parse_args()

    from outbid.game import classic_specification, estimate, play_from_panel
    from outbid.game.game import Grid, Player, quantile_axis
    from outbid.game.likelihood import covariances, evaluate
    from outbid.game.many_starts import draw_starts, estimate_many

    rows, players = (
        table(asked.folder / "panel_monthly.csv"),
        (Player("hamas", (0, 1)), Player("fatah", (0, 1))),
    )
    state = [float(row["state"]) for row in rows]
    axis = quantile_axis("popularity", state, 0.05)
    equation = numbers(asked.folder / "first_stage_levels.csv", "estimate")
    stored = table(asked.folder / "first_stage_bootstrap_covariance.csv")
    covariance = [[float(value) for value in list(row.values())[1:]] for row in stored]
    attacks = {each.name: [float(row[f"{each.name}_attack"]) for row in rows] for each in players}
    play = play_from_panel(
        Grid((axis,)), players, {"popularity": state}, attacks, [row["date"] for row in rows]
    )
    family = classic_specification(axis, players, equation, 0.999, covariance)

    found, compiling, cold = timed(lambda: estimate(family, play, START, errors=False))
    _, _, together = timed(lambda: estimate(family, play, START, errors=False, constrained=True))
    theta, counts = found.estimates, play.counts(found.equilibrium.game)
    at = evaluate(family, theta, found.equilibrium.values, counts)
    held, compiling_errors, errors = timed(lambda: covariances(family, play, theta, at))

    printed = asked.folder / "payoff_estimates.csv"

    def worst(ours: Any, column: str) -> str:
        known = np.array(numbers(printed, column)[: len(theta)])
        return f"{np.max(np.abs(np.asarray(ours) / known - 1)):.1e}"

    def spread(kind: str) -> Any:
        return np.sqrt(np.diag(held[kind]))

    lines = [
        ("cold estimation, nested", cold, "2 s"),
        ("cold estimation, constrained", together, "2 s"),
        ("all four kinds of errors", errors, "2 s"),
        ("first estimation, with compilation", f"{compiling:.1f} s", ""),
        ("first errors, with compilation", f"{compiling_errors:.1f} s", ""),
        ("log-likelihood", f"{found.log_likelihood:.4f}", "-278.2015"),
        ("games solved on the way", f"{found.evaluations}", ""),
        ("estimates, largest relative difference", worst(theta, "estimate"), "5e-4"),
        ("errors uncorrected, likewise", worst(spread("uncorrected"), "se_first"), "5e-4"),
        ("errors as published, likewise", worst(spread("published"), "se_corrected"), "5e-4"),
        (
            "errors corrected in full",
            " ".join(f"{each:.4f}" for each in spread("corrected")),
            ".0077 .0004 .25 .41",
        ),
    ]
    if asked.starts:
        begun, busy = time.perf_counter(), time.process_time()
        maxima = estimate_many(family, play, draw_starts(START, SPREAD, asked.starts), errors=False)
        took, busy = time.perf_counter() - begun, time.process_time() - busy
        lines.append(
            (
                f"search from {asked.starts} starts",
                f"{took:.1f} s ({busy:.1f} s of processor)",
                f"{asked.starts} s",
            )
        )
    unit = 2.0**30 if sys.platform == "darwin" else 2.0**20
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    show("Two-step estimation, 440 states, 300 months", [*lines, ("memory", f"{memory:.2f} GiB", "1.5 GiB")])
    if asked.starts:
        print(maxima.summary())


if __name__ == "__main__":
    main()
