"""Shares of an outcome's variance: Sobol's by Saltelli's design, which is never held whole, and those of any draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Floats = NDArray[np.float64]
# Points of the unit cube (rows, inputs) become outcomes (rows, outcomes).
Evaluate = Callable[[Floats], Floats]
# Takes the number of rows that were evaluated.
Advance = Callable[[int], None]

# What `sobol_indices` gives, in order: shares alone and in all, with halves of their 90% intervals.
INDICES = ("first_order", "first_order_half", "total", "total_half")
CONFIDENCE = 0.9
RESAMPLES = 100
CLASSES = 20


def stream(
    samples: int, inputs: int, seed: int, evaluate: Evaluate, size: int, advance: Advance = lambda rows: None
) -> Floats:
    """Evaluate Saltelli's design `size` rows at a time; return outcomes of shape (samples, inputs + 2, outcomes).

    For each base sample: a row of matrix A, the same row with each input in turn taken from matrix B, and the row
    of B (Saltelli et al. 2010). A and B are the two halves of one scrambled Sobol sequence; `samples` is a power of
    two. `advance` is called with the number of rows after each batch.
    """
    base = qmc.Sobol(2 * inputs, scramble=True, rng=seed).random(samples)
    a, b = base[:, :inputs], base[:, inputs:]
    rows, outcomes = samples * (inputs + 2), np.empty((0, 0))
    for start in range(0, rows, size):
        sample, turn = np.divmod(np.arange(start, min(start + size, rows)), inputs + 2)
        from_b = (turn[:, None] == np.arange(1, inputs + 1)) | (turn == inputs + 1)[:, None]
        values = evaluate(np.where(from_b, b[sample], a[sample]))
        if start == 0:
            outcomes = np.empty((rows, values.shape[1]))
        outcomes[start : start + len(values)] = values
        advance(len(values))
    return outcomes.reshape(samples, inputs + 2, -1)


def sobol_indices(values: Floats, seed: int) -> Floats:
    """Return first-order and total indices (Saltelli et al. 2010, Jansen 1999) with bootstrap intervals.

    The first is the share of variance that would go, on average, if the input alone were known; the total is the
    share that would stay if all but the input were known. `values` are as `stream` gives them, (samples, inputs + 2,
    outcomes), `seed` is the bootstrap's. Shape (4, outcomes, inputs), in the order of `INDICES`.
    """
    # SALib brings in its plotting, which is slow to import
    from SALib.analyze import sobol

    _, turns, outcomes = values.shape
    names = [f"x{i}" for i in range(turns - 2)]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    intervals = {"num_resamples": RESAMPLES, "conf_level": CONFIDENCE, "seed": seed}
    indices = np.zeros((len(INDICES), outcomes, len(names)))
    for k in range(outcomes):
        one = values[:, :, k].reshape(-1)
        if np.ptp(one) > 1e-12 * max(1.0, float(np.abs(one).max())):  # else there is nothing to explain
            result = sobol.analyze(problem, one, calc_second_order=False, **intervals)
            indices[:, k] = [result[name] for name in ("S1", "S1_conf", "ST", "ST_conf")]
    return indices


def placed(values: Floats, among: Floats) -> Floats:
    """Return values' places among others (n,) from 0 to 1, in the shape of `values`; ties in the middle of theirs."""
    ordered = np.sort(among)
    left, right = np.searchsorted(ordered, values), np.searchsorted(ordered, values, side="right")
    return np.asarray((left + right) / (2 * len(ordered)))


def given_data_shares(inputs: Floats, values: Floats, classes: int = CLASSES) -> Floats:
    """Return first-order shares of variance from any draws, dependent ones too, shape (outcomes, inputs).

    Draws are put into equally large classes by an input; the share is that of the variance between the classes'
    means (Plischke, Borgonovo and Smith 2013), less what as many classes would take by luck (Kelley 1935). `inputs`
    and `values` have shapes (draws, inputs) and (draws, outcomes).
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
    ranks = np.argsort(np.argsort(inputs, axis=0, kind="stable"), axis=0)
    tied = np.atleast_2d(np.corrcoef(ranks, rowvar=False))
    np.fill_diagonal(tied, 0.0)
    return tied
