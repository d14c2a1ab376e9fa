"""One step of a climb: the best within a radius, and what a step teaches about curvature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def best_step(frame: Floats, score: Floats, curvature: Floats, radius: float) -> tuple[Floats, float]:
    """Return the step that promises most within a radius, in the frame, and what it promises.

    Parameters
    ----------
    frame
        Directions as columns, shape (parameters, parameters): one unit of each is one standard error.
    score, curvature
        Slope, and minus the second derivatives, of what is climbed, in parameters. The curvature need not be
        positive definite.
    radius
        Longest step, in units of the frame.
    """
    sizes, vectors = np.linalg.eigh(frame.T @ curvature @ frame)
    slope = vectors.T @ (frame.T @ score)
    low = max(0.0, -sizes[0] + 1e-8 * (1.0 + abs(sizes[0])))

    def along(shift: float) -> Floats:
        return np.asarray(slope / (sizes + shift))

    if low > 0 or np.linalg.norm(along(0.0)) > radius:
        high = low + np.linalg.norm(slope) / radius + 1.0 + abs(sizes[0])
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if np.linalg.norm(along(middle)) > radius else (low, middle)
        move = along(high)
    else:
        move = along(0.0)
    gain = float(slope @ move - 0.5 * (sizes * move**2).sum())
    return np.asarray(vectors @ move), max(gain, 1e-300)


def secant(surprise: Floats, move: Floats, information: Floats) -> Floats:
    """Return the symmetric rank-one correction of the curvature (Conn, Gould and Toint, 1991).

    Parameters
    ----------
    surprise
        How the score turned over the step, beyond what the curvature foretold, shape (parameters,).
    move
        The step, in parameters.
    information
        A measure of lengths, shape (parameters, parameters): a correction that stands almost at right angles to the
        step would be huge and is left out.
    """
    along = float(surprise @ move)
    size = np.sqrt(max(float(move @ information @ move), 0.0))
    spread = np.sqrt(max(float(surprise @ np.linalg.pinv(information) @ surprise), 0.0))
    if abs(along) <= 1e-6 * size * spread:
        return np.zeros_like(information)
    return np.asarray(np.outer(surprise, surprise) / along)
