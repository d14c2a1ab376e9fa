"""Shares of an outcome's variance: Sobol's from a design (SALib), and first-order ones from any draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.9
RESAMPLES = 100
CLASSES = 20


@dataclass(frozen=True)
class Indices:
    """Sobol indices by outcome and input, each of shape (outcomes, inputs); halves of their 90% intervals.

    `first`: the share of variance that would go, on average, if the input alone were known. `total`: the share
    that would stay if all but the input were known.
    """

    first: Floats
    first_half: Floats
    total: Floats
    total_half: Floats


def sobol_indices(values: Floats, seed: int) -> Indices:
    """Return first-order and total indices (Saltelli et al. 2010, Jansen 1999) with bootstrap intervals.

    Parameters
    ----------
    values
        Shape (samples, inputs + 2, outcomes), as `stream` gives it.
    seed
        Of the bootstrap.
    """
    # SALib brings in its plotting, which is slow to import
    from SALib.analyze import sobol

    _, turns, outcomes = values.shape
    problem = {"num_vars": turns - 2, "names": [f"x{i}" for i in range(turns - 2)]}
    found = np.zeros((4, outcomes, turns - 2))
    for k in range(outcomes):
        told = values[:, :, k].reshape(-1)
        if np.ptp(told) <= 1e-12 * max(1.0, float(np.abs(told).max())):
            continue  # nothing to explain
        result = sobol.analyze(
            {**problem, "bounds": [[0.0, 1.0]] * (turns - 2)},
            told,
            calc_second_order=False,
            num_resamples=RESAMPLES,
            conf_level=CONFIDENCE,
            seed=seed,
        )
        found[:, k] = [result[name] for name in ("S1", "S1_conf", "ST", "ST_conf")]
    return Indices(*found)


def placed(values: Floats, among: Floats) -> Floats:
    """Return values' places among others from 0 to 1, ties in the middle of theirs; shapes (n,) and (m,)."""
    ordered = np.sort(among)
    left, right = np.searchsorted(ordered, values), np.searchsorted(ordered, values, side="right")
    return np.asarray((left + right) / (2 * len(ordered)))


def given_data_shares(inputs: Floats, values: Floats, classes: int = CLASSES) -> Floats:
    """Return first-order shares of variance from any draws, dependent ones too, shape (outcomes, inputs).

    Draws are put into equally large classes by an input; the share is that of the variance between the classes'
    means (Plischke, Borgonovo and Smith 2013), less what as many classes would take by luck (Kelley 1935).

    Parameters
    ----------
    inputs, values
        Shapes (draws, inputs) and (draws, outcomes).
    """
    draws = len(inputs)
    centred = values - values.mean(axis=0)
    whole = (centred**2).sum(axis=0)
    shares = np.zeros((values.shape[1], inputs.shape[1]))
    edges = np.linspace(0, draws, classes + 1).astype(int)
    sizes = np.diff(edges)[:, None]
    for j in range(inputs.shape[1]):
        order = np.argsort(inputs[:, j], kind="stable")
        means = np.add.reduceat(centred[order], edges[:-1], axis=0) / sizes
        between = (sizes * means**2).sum(axis=0)
        luck = (classes - 1) * (whole - between) / (draws - classes)
        shares[:, j] = np.divide(between - luck, whole, out=np.zeros_like(whole), where=whole > 0)
    return shares


def rank_correlations(inputs: Floats) -> Floats:
    """Return Spearman's rank correlations between inputs (draws, inputs), shape (inputs, inputs), the diagonal zero."""
    ranks = np.argsort(np.argsort(inputs, axis=0, kind="stable"), axis=0).astype(float)
    ranks -= ranks.mean(axis=0)
    ranks /= np.sqrt((ranks**2).sum(axis=0))
    tied = ranks.T @ ranks
    np.fill_diagonal(tied, 0.0)
    return np.asarray(tied)
