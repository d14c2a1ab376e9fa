"""The native engine's posterior of Khorasan against that of another sampler on another engine.

`khorasan_posterior.csv` holds mean and spread of every standard normal as NumPyro's NUTS found them in XLA, at commit
d106a87 (`outbid run khorasan`, 4 chains of 2,000, seed 20210815), with the effective draws behind them. It holds for the
figures and the theory of that commit: where these change, both have to be fitted anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from outbid.infer.fit import Fit, arviz, fit
from outbid.infer.likelihood import gather
from outbid.infer.posterior import FULL
from outbid.run_settings import SEED, listening
from outbid.study import Study

PRIOR_SETS = ("neutral", "sources")


@pytest.fixture(scope="module")
def fits(khorasan: Study) -> dict[str, Fit]:
    figures = gather(khorasan.model, khorasan.panel)
    with listening(None).stage("Fitting", FULL.iterations * len(PRIOR_SETS)) as stage:
        return fit(
            khorasan.model, figures, khorasan.known_levers, PRIOR_SETS, effort=FULL, seed=SEED, stage=stage
        )


@pytest.mark.slow
@pytest.mark.parametrize("prior_set", PRIOR_SETS)
def test_the_posterior_is_that_of_another_sampler(fits: dict[str, Fit], prior_set: str) -> None:
    before = pd.read_csv(Path(__file__).with_name("khorasan_posterior.csv")).query("prior == @prior_set")
    draws = fits[prior_set].draws
    assert before["entry"].tolist() == list(draws.layout.names())
    effective = np.asarray(arviz().ess(arviz().convert_to_dataset(draws.z), method="mean")["x"])
    mean, sd = draws.z.mean(axis=(0, 1)), draws.z.std(axis=(0, 1))
    error = np.sqrt(sd**2 / effective + before["sd"] ** 2 / before["ess"])
    z = (mean - before["mean"]) / error
    assert 0.9 < np.std(z) < 1.1, np.std(z)
    assert np.abs(z).max() < 4.5
    ratio = sd / before["sd"]
    assert (ratio > 0.93).all() and (ratio < 1.07).all(), (ratio.min(), ratio.max())


@pytest.mark.slow
@pytest.mark.parametrize("prior_set", PRIOR_SETS)
def test_the_fit_passes_with_room_to_spare(fits: dict[str, Fit], prior_set: str) -> None:
    made = fits[prior_set].diagnostics
    assert made.rhat.max() < 1.01
    assert min(made.ess_bulk.min(), made.ess_tail.min()) > 400
    assert made.divergences == 0
    assert not made.problems
