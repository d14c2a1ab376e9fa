"""Did the sampler do its work? R-hat, effective sample sizes, divergences, energy; and if not, say so first."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from outbid.conventions import LARGEST_DIVERGENT_SHARE, LARGEST_RHAT, LEAST_BFMI, LEAST_EFFECTIVE
from outbid.infer.posterior import Posterior


@dataclass(frozen=True)
class Diagnostics:
    """What ArviZ says of a posterior. Arrays have one entry per latent number, in the layout's order."""

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


def diagnose(posterior: Posterior) -> Diagnostics:
    """Return the diagnostics of a posterior (Vehtari and others, 2021, for R-hat and effective sample size)."""
    az = arviz()
    draws = az.convert_to_dataset(posterior.z)
    rhat = np.asarray(az.rhat(draws)["x"])
    bulk = np.asarray(az.ess(draws, method="bulk")["x"])
    tail = np.asarray(az.ess(draws, method="tail")["x"])
    bfmi = np.asarray(az.bfmi(posterior.energy))
    divergences = int(posterior.divergent.sum())
    names = posterior.layout.names()
    problems = []
    if not posterior.complete:
        problems.append("sampling was stopped before its end")
    if not rhat.max() < LARGEST_RHAT:
        worst = names[int(np.nanargmax(rhat))]
        problems.append(
            f"the chains disagree: R-hat is {rhat.max():.3f} for {worst}, and should be under {LARGEST_RHAT}"
        )
    if not bulk.min() > LEAST_EFFECTIVE:
        worst = names[int(np.nanargmin(bulk))]
        problems.append(
            f"too few effective draws: {bulk.min():.0f} for {worst}, and there should be over {LEAST_EFFECTIVE}"
        )
    if divergences > LARGEST_DIVERGENT_SHARE * posterior.divergent.size:
        problems.append(
            f"{divergences} of {posterior.divergent.size} trajectories diverged, and under one in a thousand may"
        )
    if not bfmi.min() > LEAST_BFMI:
        problems.append(
            f"energy is explored too slowly: BFMI is {bfmi.min():.2f}, and should be over {LEAST_BFMI}"
        )
    return Diagnostics(rhat, bulk, tail, divergences, bfmi, tuple(problems))
