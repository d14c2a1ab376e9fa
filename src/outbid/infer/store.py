"""Posteriors on disk, in the layout that ArviZ opens; with what is needed to take them up again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from outbid.infer.diagnostics import diagnose
from outbid.infer.fit import COARSE, Fit
from outbid.infer.latent import Layout
from outbid.infer.likelihood import Figures
from outbid.infer.past import Past
from outbid.infer.posterior import Posterior
from outbid.model.declare import Model
from outbid.model.priors import PriorTable

Blocks = dict[str, tuple[tuple[str, ...], np.ndarray]]


def to_netcdf(
    model: Model,
    figures: Figures,
    months: tuple[str, ...],
    fit: Fit,
    table: PriorTable,
    past: Past | None,
    fingerprint: str,
) -> bytes:
    """Return a netCDF file with groups posterior, sample_stats, latent and, with a past, predictive groups.

    `posterior` holds the parameters (chain, draw); `latent` the vector of standard normals that everything
    else follows from; `posterior_predictive` and `log_likelihood` thinned draws by row; `observed_data` the
    figures; `path` the monthly paths of states and outcomes.
    """
    chains, draws, _ = fit.posterior.z.shape
    coordinates = {"chain": np.arange(chains), "draw": np.arange(draws)}
    pair = ("chain", "draw")
    units = {item.name: {"units": item.unit, "long_name": item.meaning} for item in model.parameters}
    parameters = {
        name: (pair, values, units[name]) for name, values in fit.posterior.parameters(table).items()
    }
    stats = {
        "diverging": (pair, fit.posterior.divergent),
        "energy": (pair, fit.posterior.energy),
        "n_steps": (pair, fit.posterior.steps),
        "acceptance_rate": (pair, fit.posterior.acceptance),
    }
    names = np.array(fit.posterior.layout.names(), dtype=object)
    groups: dict[str, Any] = {
        "/": xr.Dataset(attrs=_attributes(fit, fingerprint)),
        "/posterior": xr.Dataset(
            parameters, coordinates, {"inference_library": "numpyro", "prior_set": fit.prior_set}
        ),
        "/sample_stats": xr.Dataset(stats, coordinates),
        "/latent": xr.Dataset(
            {"standard_normals": ((*pair, "entry"), fit.posterior.z)},
            {**coordinates, "entry": names.astype(str)},
        ),
    }
    if past is not None:
        groups |= _past_groups(figures, months, past)
    tree = xr.DataTree.from_dict(groups)
    encoding = {"/latent": {"standard_normals": {"zlib": True, "complevel": 1}}}
    return bytes(tree.to_netcdf(engine="h5netcdf", encoding=encoding))


def from_netcdf(path: Path, where: Layout, fingerprint: str) -> Fit | None:
    """Return the fit that a file holds, or None if there is none, or one of other data, code, prior or seed."""
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            if tree.attrs.get("fingerprint") != fingerprint:
                return None
            about = json.loads(tree.attrs["fit"])
            stats = tree["sample_stats"].to_dataset().load()
            z = np.asarray(tree["latent"]["standard_normals"].values)
    except (OSError, KeyError, ValueError):
        return None
    posterior = Posterior(
        where,
        z,
        np.asarray(stats["diverging"]).astype(bool),
        np.asarray(stats["energy"]),
        np.asarray(stats["n_steps"]),
        np.asarray(stats["acceptance_rate"]),
    )
    told = diagnose(posterior)
    if about["how"] == "approximated":
        # its draws are independent by make, so that no check of a sampler can find fault with them
        told = replace(told, problems=(COARSE,))
    return Fit(about["prior_set"], posterior, told, about["seconds"], about["how"], about["pareto_k"])


def _attributes(fit: Fit, fingerprint: str) -> dict[str, Any]:
    about = {
        "prior_set": fit.prior_set,
        "how": fit.how,
        "pareto_k": fit.pareto_k,
        "seconds": round(fit.seconds, 3),
    }
    return {
        "fingerprint": fingerprint,
        "fit": json.dumps(about),
        "problems": "; ".join(fit.diagnostics.problems),
    }


def _past_groups(figures: Figures, months: tuple[str, ...], past: Past) -> dict[str, xr.Dataset]:
    """Return the predictive groups: one pseudo-chain of the thinned draws, rows by series."""
    series = np.array(figures.names)[figures.rows.series]
    rows = {
        "chain": [0],
        "draw": np.arange(len(past.replicated)),
        "row": np.arange(len(series)),
        "series": ("row", series),
    }
    dims = ("chain", "draw", "row")
    monthly = {
        name.replace(".", "_"): (("chain", "draw", "month"), path[None].astype(np.float32))
        for name, path in past.paths.items()
        if not name.startswith("sees.")
    }
    return {
        "/posterior_predictive": xr.Dataset({"figure": (dims, past.replicated[None])}, rows),
        "/log_likelihood": xr.Dataset({"figure": (dims, past.log_likelihood[None])}, rows),
        "/observed_data": xr.Dataset(
            {name: ("row", np.asarray(values)) for name, values in figures.rows.values._asdict().items()},
            {"row": rows["row"], "series": ("row", series)},
        ),
        "/path": xr.Dataset(monthly, {"chain": [0], "draw": rows["draw"], "month": list(months)}),
    }
