"""Maximise a log-likelihood by exact scores: a trust region measured in standard errors.

Curvature is a metric of information, such as the expected one (Fisher scoring) or that of the months' scores, plus a
correction learnt from how the score changed (symmetric rank one; Conn, Gould and Toint, 1991). Steps and radius are
measured by the metric, so that parameters of any scale are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from outbid.game.kernel import Floats

# The maximum is reached when a further step promises less, in log-likelihood.
PROMISE = 1e-10
# What rounding may leave of that promise when no step rises any more.
ROUNDING = 1e-6
# Trust region, in standard errors.
FIRST_RADIUS, LARGEST_RADIUS, SMALLEST_RADIUS = 2.0, 1e3, 1e-7
STEPS = 200


class Maximum(NamedTuple):
    """Where a search ended: parameters, the point there, whether and why it stopped, and how long it took."""

    theta: Floats
    at: Any
    converged: bool
    message: str
    steps: int
    evaluations: int


def maximise(
    theta: Floats,
    at: Any,
    trial: Callable[[Floats, Floats, Any, int], Any],
    metric: Callable[[Any], tuple[Floats, Floats]],
    *,
    promise: float = PROMISE,
    steps: int = STEPS,
) -> Maximum:
    """Return the local maximum uphill of a point.

    A point is anything with a `log_likelihood` and a `score`, shape (parameters,).

    * `theta`, `at`: where to begin: parameters, shape (parameters,), and the point there.
    * `trial`: returns the point at other parameters, or None where there is none. It is given the parameters, the step
      that leads there, the point that the step comes from, and how often trials of this step have failed.
    * `metric`: returns the information at a point, shape (parameters, parameters), and its `scaling`, see there.
    * `promise`, `steps`: what a further step must promise, in log-likelihood, for the search to go on; and for how many
      steps.
    """
    information, frame = metric(at)
    learnt, radius = np.zeros_like(information), FIRST_RADIUS
    evaluations, taken, message, converged = 1, 0, f"no maximum within {steps} steps", False
    while taken < steps:
        promised = float(((frame.T @ at.score) ** 2).sum()) / 2
        if promised < promise:
            converged, message = True, f"a further step promises less than {promise:g} in log-likelihood"
            break
        new, failures = None, 0
        while radius > SMALLEST_RADIUS:
            inward, gain = best_step(frame, at.score, information + learnt, radius)
            move = frame @ inward
            new = trial(theta + move, move, at, failures)
            evaluations += 1
            length = float(np.linalg.norm(inward))
            rise = -1.0 if new is None else (float(new.log_likelihood) - float(at.log_likelihood)) / gain
            if rise > 1e-4:
                break
            failures = failures + 1 if new is None else 0
            radius, new = 0.25 * min(radius, length), None
        if new is None:
            converged = promised < ROUNDING
            message = "no step rises any more" + ("" if converged else ", though one should")
            break
        turned = at.score - new.score
        information, frame = metric(new)
        learnt = learnt + secant(turned - (information + learnt) @ move, move, information)
        if rise > 0.75 and length > 0.8 * radius:
            radius = min(2.5 * radius, LARGEST_RADIUS)
        elif rise < 0.25:
            radius = 0.5 * length
        theta, at, taken = theta + move, new, taken + 1
    return Maximum(theta, at, converged, message, taken, evaluations)


def scaling(information: Floats, scale: Floats | None = None, faint: float = 0.0) -> Floats:
    """Return directions in which one unit is one standard error, as columns: T with T' I T = 1.

    `scale` are units of the parameters; the roots of the information's diagonal if left out. Directions in which the
    information is `faint`, less than this share of the most, are stretched no further.
    """
    each = np.sqrt(np.diag(information)) if scale is None else scale
    sizes, vectors = np.linalg.eigh(information / np.outer(each, each))
    return np.asarray(vectors / np.sqrt(np.maximum(sizes, max(1e-12, faint * sizes[-1]))) / each[:, None])


def undecided(names: Sequence[str], information: Floats, share: float) -> list[str]:
    """Return the parameters in directions with less than a share of the most information, or with none that is positive."""
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    sizes, vectors = np.linalg.eigh(information / np.outer(size, size))
    weights = np.abs(vectors[:, sizes <= share * sizes[-1]]).max(axis=1, initial=0.0)
    return [name for name, weight in zip(names, weights, strict=True) if weight > 0.1]


def best_step(frame: Floats, score: Floats, curvature: Floats, radius: float) -> tuple[Floats, float]:
    """Return the step that promises most within a radius, in the frame (directions as columns), and what it promises.

    The curvature, minus the second derivatives in parameters, need not be positive definite.
    """
    sizes, vectors = np.linalg.eigh(frame.T @ curvature @ frame)
    slope = vectors.T @ (frame.T @ score)
    low = max(0.0, -sizes[0] + 1e-8 * (1.0 + abs(sizes[0])))

    shift = 0.0
    if low > 0 or np.linalg.norm(slope / sizes) > radius:
        shift = low + np.linalg.norm(slope) / radius + 1.0 + abs(sizes[0])
        for _ in range(60):
            middle = 0.5 * (low + shift)
            if np.linalg.norm(slope / (sizes + middle)) > radius:
                low = middle
            else:
                shift = middle
    move = slope / (sizes + shift)
    gain = float(slope @ move - 0.5 * (sizes * move**2).sum())
    return np.asarray(vectors @ move), max(gain, 1e-300)


def secant(surprise: Floats, move: Floats, information: Floats) -> Floats:
    """Return the symmetric rank-one correction of the curvature, by how the score turned beyond what that foretold.

    One that stands almost at right angles to the step, measured by the information, would be huge and is left out.
    """
    along = float(surprise @ move)
    size = np.sqrt(max(float(move @ information @ move), 0.0))
    spread = np.sqrt(max(float(surprise @ np.linalg.pinv(information) @ surprise), 0.0))
    if abs(along) <= 1e-6 * size * spread:
        return np.zeros_like(information)
    return np.asarray(np.outer(surprise, surprise) / along)


def observed_information(score: Callable[[Floats], Floats], directions: Floats, step: float) -> Floats:
    """Return minus the second derivatives along directions, by central differences of exact scores.

    `score` gives the score along each direction after a move. Where it is no number, the direction counts as one without
    information. `directions` are rows; moves are `step` times each, to both sides.
    """
    moves = step * directions
    raw = np.stack([(score(-move) - score(move)) / (2.0 * step) for move in moves])
    raw = np.where(np.isfinite(raw).all(axis=1, keepdims=True), raw, 0.0)
    return np.asarray((raw + raw.T) / 2.0)
