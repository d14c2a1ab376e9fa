"""Regression that is judged only on draws it has not seen, so that it can't mistake luck for knowledge.

What data would teach about a quantity is the share of its variance over posterior draws that synthetic data
explain (Strong, Oakley and Brennan, 2014). The regression is a ridge on level, trend and finer swings of a
record, with curves and products of the first few; its penalty is set by generalised cross-validation (Golub,
Heath and Wahba, 1979) inside each fold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

RESAMPLES, BLOCK = 400, 10
# What an estimate consists of: the number, its 90% interval, its standard error; all NaN where there is none.
ESTIMATE = ("value", "low", "high", "error")
NOTHING: Floats = np.full(len(ESTIMATE), np.nan)


def resamples(rows: int, seed: int) -> Floats:
    """Return how often each block of neighbouring draws counts in each resample, shape (RESAMPLES, blocks)."""
    blocks = -(-rows // BLOCK)
    chance = np.random.default_rng(seed)
    return chance.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES).astype(float)


def _sums(values: Floats, weights: Floats) -> Floats:
    """Return the sum of values (draws,) in each resample."""
    return np.asarray(weights @ np.add.reduceat(values, np.arange(0, len(values), BLOCK)))


def _estimate(value: float, resampled: Floats) -> Floats:
    """Return an estimate of something that can't be below zero, in the order of ESTIMATE."""
    low, high = np.quantile(resampled, [0.05, 0.95])
    return np.array([max(value, 0.0), max(low, 0.0), max(high, 0.0), resampled.std(ddof=1)])


def share_of_loss(loss: Floats, without: Floats, weights: Floats) -> Floats:
    """Return by which share a mean loss falls short of what it is without the record, in the order of ESTIMATE."""
    resampled = 1 - _sums(loss, weights) / _sums(without, weights)
    return _estimate(1 - float(loss.mean() / without.mean()), resampled)


def mean(values: Floats, weights: Floats) -> Floats:
    """Return the mean of values (draws,) that can't be below zero in truth, in the order of ESTIMATE."""
    return _estimate(float(values.mean()), _sums(values, weights) / _sums(np.ones(len(values)), weights))


Floats = NDArray[np.float64]

# Folds are runs of neighbouring draws: neighbours of a chain are alike, and would tell on each other.
FOLDS = 10
# Features that also enter as curves and products.
CURVED = 4
# As many of a record's swings count each for itself; finer ones only as far as they move.
LEADING = 6
# Standard deviations beyond which a record counts as this far out.
WILD = 3.0
PENALTIES = 10.0 ** np.arange(-5.0, 4.0, 0.75)


def normal_scores(values: Floats) -> Floats:
    """Return each value's place among all as a standard normal quantile (van der Waerden, 1952), by column."""
    ranks = rankdata(values, axis=0)
    return np.asarray(norm.ppf((ranks - 0.5) / len(values)))


def folds(rows: int, number: int = FOLDS) -> NDArray[np.int64]:
    """Return each row's fold, neighbours together, shape (rows,)."""
    return np.arange(rows) * number // rows


def basis(signal: Floats) -> Floats:
    """Return the columns on which a regression stands, shape (draws, columns); none if nothing in it varies.

    `signal`: level, trend and finer swings of a record, shape (draws, figures).
    """
    moving = _moving(signal)
    if not moving.shape[1]:
        return moving
    scores = _scores(moving)
    first, second = np.triu_indices(scores.shape[1], 1)
    return np.concatenate([_plain(moving), _curves(scores), scores[:, first] * scores[:, second]], axis=1)


def joint_basis(signals: Sequence[Floats]) -> Floats:
    """Return the columns for several records together: the coarse swings of each and their curves, no products."""
    moving = [each for signal in signals if (each := _moving(signal)).shape[1]]
    parts = [part for each in moving for part in (_plain(each)[:, :LEADING], _curves(_scores(each)))]
    return np.concatenate([np.zeros((len(signals[0]), 0)), *parts], axis=1)


def _moving(signal: Floats) -> Floats:
    """Return the columns that differ between draws."""
    return signal[:, signal.std(axis=0) > 1e-9 * max(1.0, float(np.abs(signal).max(initial=0.0)))]


def _plain(moving: Floats) -> Floats:
    spread = moving.std(axis=0)
    spread[LEADING:] = np.maximum(spread[LEADING:], spread[min(LEADING, len(spread)) - 1])
    # a few wild records would pull the line
    return np.asarray(np.clip((moving - moving.mean(axis=0)) / spread, -WILD, WILD))


def _scores(moving: Floats) -> Floats:
    """Return normal scores of the coarse swings, and of how restless the finer ones are."""
    curved = [moving[:, :CURVED]]
    if moving.shape[1] > CURVED + 1:
        # how restless a record is tells of the noise behind it
        curved.append(np.log(moving[:, CURVED:].std(axis=1) + 1e-9)[:, None])
    return normal_scores(np.concatenate(curved, axis=1))


def _curves(scores: Floats) -> Floats:
    """Return scores, their squares and cubes as Hermite polynomials: uncorrelated, each of unit variance."""
    return np.concatenate(
        [scores, (scores**2 - 1) / np.sqrt(2.0), (scores**3 - 3 * scores) / np.sqrt(6.0)], axis=1
    )


def predict(columns: Floats, targets: Floats) -> Floats:
    """Return how far from its mean the other folds foretell each target, shape (draws, targets).

    The mean itself is left out: that of the other folds is low where the own fold's is high, and would tell
    on it. `columns`: shape (draws, columns), perhaps none; `targets`: shape (draws, targets).
    """
    result = np.zeros_like(targets)
    if not columns.shape[1]:
        return result
    x, y, place = columns - columns.mean(axis=0), targets - targets.mean(axis=0), folds(len(targets))
    products, crossed = x.T @ x, x.T @ y
    for fold in range(FOLDS):
        out = place == fold
        # the sums over the other folds, and their means, by taking this one away from all
        rows, seen, told = int((~out).sum()), -x[out].sum(axis=0), -y[out].sum(axis=0)
        gram = (products - x[out].T @ x[out] - np.outer(seen, seen) / rows) / rows
        moments = (crossed - x[out].T @ y[out] - np.outer(seen, told) / rows) / rows
        spread = ((y[~out] - told / rows) ** 2).mean(axis=0)
        result[out] = (x[out] - seen / rows) @ _ridge(gram, moments, spread, rows)
    return result


def _ridge(gram: Floats, moments: Floats, spread: Floats, rows: int) -> Floats:
    """Return the weights of every target, each with the penalty that suits it, shape (columns, targets).

    `gram`, `moments`: mean products of centred columns with each other, and with the targets; `spread`: each
    target's variance.
    """
    sizes, directions = np.linalg.eigh(gram)
    sizes = np.maximum(sizes, 0.0)[:, None]
    along, shrunk = directions.T @ moments, sizes + PENALTIES
    explained = (2 / shrunk - sizes / shrunk**2).T @ along**2
    error = np.maximum(spread - explained, 0.0)
    freedom = np.minimum((sizes / shrunk).sum(axis=0) + 1, rows - 1)
    best = np.argmin(error / (1 - freedom / rows)[:, None] ** 2, axis=0)
    return np.asarray(directions @ (along / shrunk[:, best]))


def chances(scores: Floats, holds: NDArray[np.bool_]) -> Floats:
    """Return each draw's probability that something holds, calibrated on the other folds, shape (draws,).

    `scores`: what a regression foretells of it out of sample, shape (draws, scores); `holds`: whether it
    does, shape (draws,).
    """
    place, result = folds(len(holds), FOLDS // 2), np.empty(len(holds))
    # places, not sizes: one wild forecast must not pass for certainty
    moving = normal_scores(scores[:, scores.std(axis=0) > 0.0])
    design = np.concatenate([np.ones((len(holds), 1)), moving], axis=1)
    for fold in range(FOLDS // 2):
        out = place == fold
        weights = _logistic(design[~out], holds[~out].astype(float))
        result[out] = 1 / (1 + np.exp(-np.clip(design[out] @ weights, -30, 30)))
    # as with half a draw on the other side: no sample makes a thing certain
    edge = 0.5 / len(holds)
    return np.clip(result, edge, 1 - edge)


def _logistic(design: Floats, holds: Floats, penalty: float = 1e-4) -> Floats:
    """Return the coefficients of a logistic regression with the least of ridges, by Newton's method."""
    weights = np.zeros(design.shape[1])
    ridge = penalty * np.diag(np.r_[0.0, np.ones(design.shape[1] - 1)])
    for _ in range(25):
        told = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (holds - told) / len(holds) - ridge @ weights
        bend = (design * (told * (1 - told))[:, None]).T @ design / len(holds) + ridge
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(weights)), slope)
        # a long step from a flat place would overshoot
        weights = weights + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return weights


def surprise(probability: Floats, holds: NDArray[np.bool_]) -> Floats:
    """Return each draw's log score as bits of surprise, shape (draws,)."""
    return np.asarray(-np.log2(np.where(holds, probability, 1 - probability)))
