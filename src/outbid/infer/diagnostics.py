"""Did the sampler do its work? R-hat, effective sample sizes, divergences, energy; if not, what to try next."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from outbid.conventions import LARGEST_DIVERGENT_SHARE, LARGEST_RHAT, LEAST_BFMI, LEAST_EFFECTIVE
from outbid.infer.posterior import FULL, Draws, Effort

# Beyond this, chains sit in different places, and a longer warm-up alone won't bring them together.
FAR_APART = 1.1


@dataclass(frozen=True)
class Diagnostics:
    """What ArviZ says of the draws. Arrays have one entry per latent number, in the layout's order."""

    rhat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    divergences: int
    bfmi: np.ndarray
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return not self.problems


def arviz() -> Any:
    """Return ArviZ, without the notice it prints once a day about its own future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz as library
    return library


def diagnose(draws: Draws, effort: Effort = FULL) -> Diagnostics:
    """Return the diagnostics of draws (Vehtari and others, 2021, for R-hat and effective sample size).

    `effort` is how they were made, for the advice on what to try next.
    """
    az = arviz()
    z = az.convert_to_dataset(draws.z)
    rhat = np.asarray(az.rhat(z)["x"])
    bulk = np.asarray(az.ess(z, method="bulk")["x"])
    tail = np.asarray(az.ess(z, method="tail")["x"])
    told = Diagnostics(rhat, bulk, tail, int(draws.divergent.sum()), np.asarray(az.bfmi(draws.energy)), ())
    problems = (_coarse(told),) if effort.quick else _problems(told, draws, effort)
    return Diagnostics(rhat, bulk, tail, told.divergences, told.bfmi, problems)


def _coarse(told: Diagnostics) -> str:
    return (
        "this was a quick run: so few draws (R-hat up to "
        f"{told.rhat.max():.2f}, effective draws from {told.ess_bulk.min():.0f}) that its numbers are coarse "
        "and settle no claim; run it without --quick"
    )


def _problems(told: Diagnostics, draws: Draws, effort: Effort) -> tuple[str, ...]:
    names, total = draws.layout.names(), draws.divergent.size
    problems = []
    if not draws.complete:
        problems.append("sampling was stopped before its end")
    if not told.rhat.max() < LARGEST_RHAT:
        at = int(np.nanargmax(told.rhat))
        apart = told.rhat[at] > FAR_APART
        problems.append(
            f"the chains disagree: R-hat is {told.rhat[at]:.3f} for {names[at]}, and should be under {LARGEST_RHAT} "
            f"(try a longer warm-up: --warmup {2 * effort.warmup}"
            + (f"; they are far apart, so see whether {names[at]} has two readings)" if apart else ")")
        )
    if not told.ess_bulk.min() > LEAST_EFFECTIVE:
        at = int(np.nanargmin(told.ess_bulk))
        least = max(float(told.ess_bulk[at]), 1.0)
        needed = effort.chunk * math.ceil(1.2 * effort.draws * LEAST_EFFECTIVE / least / effort.chunk)
        remedy = f"try more draws: --draws {needed}"
        if needed > 10 * effort.draws:
            remedy = f"more draws alone won't do; reparameterise what {names[at]} enters"
        problems.append(
            f"too few effective draws: {told.ess_bulk[at]:.0f} for {names[at]}, and there should be over "
            f"{LEAST_EFFECTIVE} ({remedy})"
        )
    if told.divergences > LARGEST_DIVERGENT_SHARE * total:
        accept = round(1.0 - (1.0 - effort.target_acceptance) / 3, 3)
        problems.append(
            f"{told.divergences} of {total} trajectories diverged, and under one in a thousand may (try "
            f"--target-accept {accept:g}; if they stay, reparameterise {names[_where(draws, draws.divergent)]})"
        )
    if not told.bfmi.min() > LEAST_BFMI:
        problems.append(
            f"energy is explored too slowly: BFMI is {told.bfmi.min():.2f}, and should be over {LEAST_BFMI} "
            f"(reparameterise {names[_where(draws, draws.energy)]}, or give it a tighter prior)"
        )
    return tuple(problems)


def _where(draws: Draws, by: np.ndarray) -> int:
    """Return the parameter whose draws go most closely with something of each draw, such as its energy."""
    number = len(draws.layout.parameters)
    z = draws.z[..., :number].reshape(-1, number)
    z, with_it = z - z.mean(axis=0), by.ravel() - by.mean()
    spread = np.sqrt((z**2).sum(axis=0) * (with_it**2).sum())
    return int(np.argmax(np.abs(with_it @ z) / np.where(spread > 0, spread, np.inf)))
