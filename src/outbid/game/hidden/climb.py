"""Climb the likelihood of a hidden game: a trust region (SciPy) on exact scores, in units of standard errors."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import SR1, minimize

from outbid.errors import InputError
from outbid.game.hidden.likelihood import Likelihood, Point

Floats = NDArray[np.float64]
# Rounds, each scaled anew; steps in each; the slope, per standard error, that ends it; and the rise that a round needs.
ROUNDS, STEPS, LEVEL, RISE = 5, 120, 1e-4, 1e-6
# Directions in which the months' scores say less than this share of the most are not stretched any further.
FAINT = 1e-4
# Half the distance between scores whose difference gives the observed information, in standard errors.
STEP = 0.01
# What a search sees where there is no likelihood.
NOWHERE = 1e10


class Climb:
    """A search for the top: the best point so far, from whose values each new game is solved."""

    def __init__(self, likelihood: Likelihood, start: Floats) -> None:
        self.likelihood = likelihood
        self.inner = likelihood.inward(start)
        self.point = likelihood.at_inner(self.inner)
        self.evaluations, self.steps = 1, 0
        if not np.isfinite(self.point.log_likelihood):
            raise InputError("start", "gives the record no likelihood", "Start nearer to the figures.")

    def look(self, inner: Floats) -> Point | None:
        """Return the likelihood at a point, or nothing where there is none."""
        self.evaluations += 1
        try:
            point = self.likelihood.at_inner(inner, self.point.values, thorough=False)
        except InputError:
            # no equilibrium, or numbers so large that there is no game
            return None
        sound = np.isfinite(point.log_likelihood) and np.isfinite(point.score).all()
        return point if sound else None

    def better(self, inner: Floats) -> bool:
        """Move to a point if it is higher, and say whether it was."""
        point = self.look(inner)
        if point is None or point.log_likelihood <= self.point.log_likelihood:
            return False
        self.inner, self.point = inner, point
        return True

    def scores(self) -> Floats:
        """Return the months' scores at the best point, shape (months, names)."""
        if self.point.scores is None:
            self.evaluations += 1
            self.point = self.likelihood.at_inner(self.inner, self.point.values, by_month=True)
        return np.asarray(self.point.scores)

    def frame(self) -> Floats:
        """Return directions in which one unit is about one standard error, as columns."""
        squares = self.scores().T @ self.scores()
        scale = np.sqrt(np.diag(squares))
        # what moves nothing here may do so elsewhere, such as a payoff where actions have no effect
        scale = np.where(scale > 0, scale, max(float(scale.max()), 1e-300))
        # what is searched in logs is not to grow or shrink by more than a factor of e in one unit
        scale = np.where(self.likelihood.hidden.signs == 0, scale, np.maximum(scale, 1.0))
        sizes, vectors = np.linalg.eigh(squares / np.outer(scale, scale))
        return np.asarray(vectors / np.sqrt(np.maximum(sizes, FAINT * sizes[-1])) / scale[:, None])

    def run(self) -> None:
        """Climb until it is level all round."""
        for _ in range(ROUNDS):
            frame = self.frame()
            before = self.point
            if np.abs(frame.T @ before.score).max() < LEVEL:
                return
            self._round(frame, self.inner, before)
            if self.point.log_likelihood - before.log_likelihood < RISE:
                return

    def _round(self, frame: Floats, origin: Floats, first: Point) -> None:
        def fall(z: Floats) -> tuple[float, Floats]:
            point = self.look(origin + frame @ z) if z.any() else first
            if point is None:
                return NOWHERE, np.zeros_like(z)
            if point.log_likelihood > self.point.log_likelihood:
                self.inner, self.point = origin + frame @ z, point
            return -point.log_likelihood, -(frame.T @ point.score)

        with warnings.catch_warnings():
            # a step that changes no slope teaches nothing about curvature, which is no cause for alarm
            warnings.filterwarnings("ignore", "delta_grad == 0.0", UserWarning)
            # curvature is one in every direction to begin with, and learnt from there (symmetric rank one)
            done = minimize(
                fall,
                np.zeros(len(origin)),
                jac=True,
                method="trust-constr",
                hess=SR1(init_scale=1.0),
                options={"gtol": LEVEL, "xtol": 1e-7, "maxiter": STEPS, "initial_tr_radius": 2.0},
            )
        self.steps += int(done.nit)

    def information(self, frame: Floats) -> Floats:
        """Return the observed information in a frame, by differences of exact scores."""
        rows = []
        for direction in STEP * frame.T:
            ahead, behind = self.look(self.inner + direction), self.look(self.inner - direction)
            if ahead is None or behind is None:
                # without a likelihood on both sides there is no information in that direction to be had
                rows.append(np.zeros(len(frame)))
            else:
                rows.append((behind.score - ahead.score) @ frame / (2 * STEP))
        found = np.stack(rows)
        return np.asarray((found + found.T) / 2)
