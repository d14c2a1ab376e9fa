"""One file for all draws, `results.nc`: a group for each prior set, in ArviZ's names, and one for each question.

`arviz.InferenceData.from_netcdf("results.nc", base_group="neutral")` opens a prior set's groups:

- `posterior`, `sample_stats`: all draws (chain, draw); `latent`: the standard normals that all else follows from;
- `path`, `posterior_predictive`, `log_likelihood`: thinned draws, whose coordinates `posterior_chain` and
  `posterior_draw` say which parameter draw each belongs to; `path_quantiles`: over those draws, in full precision;
- `observed_data`: the figures by series; `constant_data`: all that was published of each, in the same order;
- `prior`, `prior_predictive`: the same before the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from outbid.data.panel import Panel, Record
from outbid.infer.fit import Diagnostics, Fit, variable
from outbid.infer.history import Data, SmoothedHistory, path_quantiles, thinned_places
from outbid.infer.likelihood import Figures, gather
from outbid.infer.posterior import Draws, Effort
from outbid.model.compile import layout
from outbid.output import OutputFolder
from outbid.study import Study

RESULTS = "results.nc"
# Of the sampler's own statistics, what ArviZ calls each field of `Draws`.
STATISTICS = {
    "divergent": "diverging",
    "energy": "energy",
    "steps": "n_steps",
    "acceptance": "acceptance_rate",
}
BY_ENTRY = ("rhat", "ess_bulk", "ess_tail")
QUESTIONS = "questions"
REPORT = "report"
# What a file that is no results file, or is cut short, makes of being read.
DAMAGED = (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, IndexError)
PACKED = {"zlib": True, "complevel": 1}

# Histories by prior set, then "after" and "before" the data.
Histories = Mapping[str, Mapping[Data, SmoothedHistory]]
Groups = dict[str, xr.Dataset]


def write_results(
    out: OutputFolder,
    study: Study,
    fits: Mapping[str, Fit],
    fingerprints: Mapping[str, str],
    histories: Histories | None = None,
    questions: Mapping[str, xr.Dataset] | None = None,
    report: Mapping[str, xr.Dataset] | None = None,
) -> Path:
    """Write `results.nc`, whole or not at all, and return where it lies.

    What the file already holds of prior sets that are not written anew stays, if it bears the fingerprint that
    `fingerprints` has for it; answers to questions stay while no fit has changed. `questions`: by the question's name;
    `report`: what the page tells beside them, by name.
    """
    groups = _still_valid(out.path / RESULTS, fits, fingerprints, histories or (), questions is None)
    for name, each in fits.items():
        groups |= _fit_groups(each, fingerprints[name])
    for name, by_data in (histories or {}).items():
        groups |= _history_groups(study, fits[name], by_data)
    groups |= {f"/{QUESTIONS}/{name}": each for name, each in (questions or {}).items()}
    groups |= {f"/{REPORT}/{name}": each for name, each in (report or {}).items()}
    tree = xr.DataTree.from_dict({path: sealed(groups[path]) for path in sorted(groups)})
    encoding = {
        path: {name: PACKED for name, each in data.data_vars.items() if each.dtype.kind == "f" and each.ndim}
        for path, data in groups.items()
        if path.rpartition("/")[2] not in ("posterior", "prior", "path")
    }
    return out.write_bytes(RESULTS, tree.to_netcdf(engine="netcdf4", encoding=encoding))


def read_group(path: Path, name: str) -> xr.Dataset:
    """Return one group, such as "neutral/path_quantiles": to read them all takes seconds.

    Raises one of `DAMAGED` if there is none, or it isn't what was written.
    """
    with xr.open_dataset(_source(path), group=name, engine="netcdf4") as group:
        return whole(group.load())


def read_groups(path: Path, below: str = "") -> dict[str, xr.Dataset]:
    """Return all groups, or those below one, by their paths from there; raises as `read_group` does."""
    with xr.open_datatree(_source(path), group=below or None, engine="netcdf4") as tree:
        return {
            node.path.strip("/"): whole(node.to_dataset(inherit=False).load())
            for node in tree.subtree
            if node.has_data or node.attrs
        }


def _source(path: Path) -> Path | bytes:
    """Return what netCDF4 can open: it can't name a file whose name is no UTF-8."""
    return path if str(path).isprintable() else path.read_bytes()


def sealed(data: xr.Dataset) -> xr.Dataset:
    """Return a Dataset with a digest of its content, by which `whole` knows whether it came back as it was."""
    return data.assign_attrs(digest=_digest(data))


def whole(data: xr.Dataset) -> xr.Dataset:
    """Return what `sealed` was given. Raises ValueError if anything in it has changed."""
    mark = data.attrs.pop("digest", None)
    if mark != _digest(data):
        raise ValueError("its content isn't what was written")
    return data


def _digest(data: xr.Dataset) -> str:
    """Return a digest of names, attributes and values, the same before a file and after it."""
    attributes = {name: np.ravel(each).tolist() for name, each in data.attrs.items()}
    digest = hashlib.sha256(repr(sorted(attributes.items())).encode())
    for name, each in sorted(data.variables.items()):
        values = np.asarray(each)
        digest.update(repr((name, each.dims, values.shape)).encode())
        if values.dtype.kind in "OU":
            digest.update(repr(values.tolist()).encode())
        else:  # every NaN has the same bits after a file
            floats = values.dtype.kind == "f"
            digest.update(
                np.where(np.isnan(values), np.nan, values).tobytes() if floats else values.tobytes()
            )
    return digest.hexdigest()


def read_fit(path: Path, study: Study, prior_set: str, fingerprint: str) -> Fit | None:
    """Return the fit that a results file holds, or None if there is none, or one of other data, code or settings."""
    try:
        mark = read_group(path, prior_set).attrs
        if mark.get("fingerprint") != fingerprint:
            return None
        about = json.loads(mark["fit"])
        stats, latent = (read_group(path, f"{prior_set}/{name}") for name in ("sample_stats", "latent"))
    except DAMAGED:
        return None
    where, z = layout(study.model, len(study.panel.window)), np.asarray(latent["standard_normals"])
    divergent, energy, steps, acceptance = (np.asarray(stats[name]) for name in STATISTICS.values())
    draws = Draws(where, z, divergent, energy, steps, acceptance)
    made = Fit(study.model, prior_set, draws, Effort(**about["effort"]), about["seconds"])
    if "problems" in about:  # its diagnostics were made before
        rhat, bulk, tail, bfmi = (np.asarray(latent[name]) for name in (*BY_ENTRY, "bfmi"))
        by_chain = (int(draws.divergent.sum()), bfmi, tuple(about["problems"]))
        vars(made)["diagnostics"] = Diagnostics(rhat, bulk, tail, *by_chain)
    return made


def _still_valid(
    path: Path, fits: Collection[str], marks: Mapping[str, str], rewritten: Collection[str], answers: bool
) -> Groups:
    """Return the groups of a results file that what is written now leaves as they are."""
    valid = {name for name, mark in marks.items() if _mark(path, name) == mark}
    # a fit that was taken up from this very file leaves the answers standing
    standing = {QUESTIONS, REPORT} if answers and all(name in valid for name in fits) else set()
    groups: Groups = {}
    for name in (valid - set(rewritten)) | standing:
        with suppress(*DAMAGED):
            groups |= {f"/{name}/{at}".rstrip("/"): each for at, each in read_groups(path, name).items()}
    return groups


def _mark(path: Path, prior_set: str) -> str | None:
    try:
        return str(read_group(path, prior_set).attrs.get("fingerprint"))
    except DAMAGED:
        return None


def _fit_groups(fit: Fit, fingerprint: str) -> Groups:
    draws, at, pair = fit.draws, f"/{fit.prior_set}", ("chain", "draw")
    coordinates = {name: fit.posterior[name] for name in pair}
    about = {"prior_set": fit.prior_set, "how": fit.how, "seconds": round(fit.seconds, 3)}
    about["effort"] = asdict(fit.effort)
    stats = {name: (pair, getattr(draws, field)) for field, name in STATISTICS.items()}
    latent: dict[str, Any] = {"standard_normals": ((*pair, "entry"), draws.z)}
    if fit.diagnosed:
        made, about["problems"] = fit.diagnostics, list(fit.problems)
        latent |= {name: ("entry", getattr(made, name)) for name in BY_ENTRY}
        latent["bfmi"] = ("chain", made.bfmi)
    mark = {"fingerprint": fingerprint, "fit": json.dumps(about)}
    return {
        at: xr.Dataset(attrs=mark),
        f"{at}/posterior": fit.posterior,
        f"{at}/sample_stats": xr.Dataset(stats, coordinates),
        f"{at}/latent": xr.Dataset(latent, {**coordinates, "entry": np.array(draws.layout.names())}),
    }


def _history_groups(study: Study, fit: Fit, histories: Mapping[Data, SmoothedHistory]) -> Groups:
    """Return the groups of the inferred history: one pseudo-chain of the thinned draws, rows by series."""
    figures, months = gather(study.model, study.panel), list(study.panel.window.months)
    after, at = histories["after"], f"/{fit.prior_set}"
    chains, draws, _ = fit.draws.z.shape
    places = thinned_places(chains * draws, len(after.replicated))
    one = {"chain": [0], "draw": np.arange(len(places))}
    tied = {**one, "posterior_chain": ("draw", places // draws), "posterior_draw": ("draw", places % draws)}
    paths = {
        variable(name): (("chain", "draw", "month"), path[None].astype(np.float32), {"units": unit})
        for name, (path, unit) in after.states(study.model).items()
    }
    groups = {
        "path": xr.Dataset(paths, {**tied, "month": months}),
        "path_quantiles": path_quantiles(study.model, months, after),
        "posterior_predictive": xr.Dataset(_by_series(figures, after.replicated), tied),
        "log_likelihood": xr.Dataset(_by_series(figures, after.log_likelihood), tied),
        **_figure_groups(figures, study.panel),
    }
    if before := histories.get("before"):
        values = before.state_today.parameters
        blank = {"chain": [0], "draw": np.arange(len(values))}
        drawn = zip(map(variable, study.model.parameter_names), values.T, strict=True)
        groups["prior"] = xr.Dataset({name: (("chain", "draw"), each[None]) for name, each in drawn}, blank)
        groups["prior_predictive"] = xr.Dataset(_by_series(figures, before.replicated), blank)
    return {f"{at}/{name}": each for name, each in groups.items()}


def _rows(figures: Figures) -> Iterator[tuple[str, str, np.ndarray]]:
    """Give each series with figures that are used: its name, its dimension of rows, and which rows are its own."""
    for series in figures.names:
        rows = figures.of(series)
        if len(rows):
            yield variable(series), f"{series}.row", rows


def _by_series(figures: Figures, drawn: np.ndarray) -> dict[str, Any]:
    one = drawn[None].astype(np.float32)
    return {name: (("chain", "draw", row), one[:, :, rows]) for name, row, rows in _rows(figures)}


def _figure_groups(figures: Figures, panel: Panel) -> Groups:
    """Return the figures by series, a range by its middle; and, one after the other, all that was published of them."""
    observed: dict[str, Any] = {}
    used: list[Record] = []
    value, low, high = (np.asarray(each) for each in figures.values)
    # a floor or a ceiling alone stands for itself
    middle = (np.where(np.isnan(low), high, low) + np.where(np.isnan(high), low, high)) / 2
    for name, row, rows in _rows(figures):
        observed[name] = (row, np.where(np.isnan(value), middle, value)[rows])
        used += panel.series[row.removesuffix(".row")].used
    constant = {"value": value, "low": low, "high": high} | {
        name: np.array([getattr(record, name).isoformat() for record in used]) for name in ("start", "end")
    }
    coordinates = {"series": ("figure", np.array(figures.names)[figures.series])}
    return {
        "observed_data": xr.Dataset(observed),
        "constant_data": xr.Dataset({name: ("figure", each) for name, each in constant.items()}, coordinates),
    }
