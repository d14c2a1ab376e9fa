"""Errors of a regression whose residuals hang together over time (Newey and West 1987, 1994)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError

Floats = NDArray[np.float64]


class NeweyWest(NamedTuple):
    """A covariance of coefficients, with the lag that it was made with.

    * `covariance`: shape (terms, terms).
    * `lag`: months over which residuals were taken to hang together (whole part of the bandwidth).
    * `bandwidth`: the bandwidth chosen, in months; the lag itself where that was given.
    """

    covariance: Floats
    lag: int
    bandwidth: float


def automatic_bandwidth(scores: ArrayLike, weights: ArrayLike, *, prewhitened: int = 0) -> float:
    """Return the bandwidth of the Bartlett kernel that the data ask for.

    Newey and West (1994), tables I and II: a pilot sum over the first 3 (n / 100)^(2/9) lags (4 in place of 3
    without prewhitening) says how slowly the autocovariances of the weighted scores die away.

    * `scores`: shape (months, terms): what is left after prewhitening, or the scores themselves.
    * `weights`: shape (terms,): how the scores are summed; the intercept usually gets 0.
    * `prewhitened`: months that prewhitening used up (its order); n counts these too.
    """
    series = np.asarray(scores, dtype=float) @ np.asarray(weights, dtype=float)
    n = len(series) + prewhitened
    pilot = int((3 if prewhitened else 4) * (n / 100) ** (2 / 9))
    covariances = _autocovariances(series[:, None], pilot)[:, 0, 0]
    level = covariances[0] + 2 * covariances[1:].sum()
    slope = 2 * (np.arange(pilot + 1) * covariances).sum()
    # a pilot sum of zero: the rule then asks for all lags there are
    ratio = slope / level if level else np.inf
    return float(min(1.1447 * np.cbrt(ratio**2 * n), len(series) - 1))


def newey_west(
    scores: ArrayLike,
    design: ArrayLike,
    *,
    intercept: int | None = 0,
    lag: int | None = None,
    prewhite: bool = True,
) -> NeweyWest:
    """Return the covariance of least-squares coefficients under residuals that vary in size and hang together.

    The scores are prewhitened by a vector autoregression of order one (Andrews and Monahan 1992), summed with
    the Bartlett kernel (Newey and West 1987) up to the automatic lag (Newey and West 1994), coloured again,
    and put between two inverses of X'X. There is no correction for small samples.

    * `scores`: shape (months, terms): each row of the design times its residual.
    * `design`: shape (months, terms).
    * `intercept`: the column of the intercept, which has no say in the choice of the lag; None if there is
      none.
    * `lag`: months, 0 or more; None chooses it from the data.
    * `prewhite`: whether to prewhiten. With a given lag and no prewhitening this is the estimator of 1987.

    Raises InputError when there are too few months, or the scores grow over time so that prewhitening makes
    no sense.
    """
    scores = np.asarray(scores, dtype=float)
    design = np.asarray(design, dtype=float)
    months, terms = scores.shape
    if lag is not None and not 0 <= lag < months - prewhite:
        raise InputError(
            "lag", f"{lag} does not fit {months} months", "Give 0 or more, less than the months."
        )
    colour = np.eye(terms)
    if prewhite:
        if months <= 2 * terms:
            problem = f"{months} months are too few to prewhiten {terms} terms"
            raise InputError("Newey-West errors", problem, f"Give more than {2 * terms} months.")
        # scores follow (row by row) scores[t] = scores[t - 1] @ carried + rest[t]
        carried = np.linalg.lstsq(scores[:-1], scores[1:], rcond=None)[0]
        if np.abs(np.linalg.eigvals(carried)).max() >= 1:
            problem = "the scores grow from month to month, and prewhitening needs scores that settle"
            raise InputError("Newey-West errors", problem, "Take differences, or set prewhite to False.")
        colour = np.linalg.inv(np.eye(terms) - carried)
        rest = scores[1:] - scores[:-1] @ carried
    else:
        rest = scores
    if lag is None:
        weights = np.ones(terms)
        if intercept is not None and terms > 1:
            weights[intercept] = 0
        bandwidth = automatic_bandwidth(rest, weights, prewhitened=int(prewhite))
        lag = int(bandwidth)
    else:
        bandwidth = float(lag)
    covariances = _autocovariances(rest, lag) * len(rest)
    falling = 1 - np.arange(lag + 1) / (lag + 1)
    half = np.einsum("l,lij->ij", falling, covariances)
    summed = half + half.T - covariances[0]
    bread = np.linalg.inv(design.T @ design)
    return NeweyWest(bread @ colour.T @ summed @ colour @ bread, lag, bandwidth)


def _autocovariances(series: Floats, lags: int) -> Floats:
    """Mean products of a series (months, terms) with itself 0, 1, ... months before: (lags + 1, terms, terms)."""
    n = len(series)
    return np.stack([series[lag:].T @ series[: n - lag] / n for lag in range(lags + 1)])
