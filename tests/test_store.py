"""Fits kept in files: what comes back is what was put in, doubts included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import contest
from outbid.infer.diagnostics import diagnose
from outbid.infer.fit import COARSE, Fit
from outbid.infer.latent import layout
from outbid.infer.posterior import Posterior
from outbid.infer.store import from_netcdf, to_netcdf


@pytest.mark.parametrize("how", ["sampled", "approximated"])
def test_a_coarse_fit_stays_coarse_when_it_is_taken_up_again(tmp_path: Path, how: str) -> None:
    model = contest.model()
    where, shape = layout(model, contest.MONTHS), (4, 250)
    z = np.random.default_rng(1).standard_normal((*shape, where.size))
    energy = np.random.default_rng(2).standard_normal(shape)
    posterior = Posterior(where, z, np.zeros(shape, bool), energy, np.ones(shape), np.ones(shape))
    fit = Fit("neutral", posterior, diagnose(posterior), 1.0, how)
    path = tmp_path / "posterior.nc"
    path.write_bytes(
        to_netcdf(model, contest.figures(model), contest.WINDOW.months, fit, contest.table(), None, "mark")
    )
    held = from_netcdf(path, where, "mark")
    assert held is not None
    assert (COARSE in held.diagnostics.problems) is (how == "approximated")
    assert np.array_equal(held.posterior.z, z)
    assert from_netcdf(path, where, "another mark") is None
