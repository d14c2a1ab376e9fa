"""The measurement model fitted anew: maximum likelihood, its standard errors, and every maximum found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.state.measurement import (
    FIRST_VARIANCE,
    Measurement,
    SmoothedState,
    check_measures,
    score,
    smooth,
    standardise,
)
from outbid.game.state.panel_checks import check_coverage

Floats = NDArray[np.float64]
# Two climbs whose log likelihoods differ by less than this have reached the same maximum.
SAME = 1e-3
# A climb has come to rest where no slope of the log likelihood is steeper than this.
FLAT = 1e-2
# Step of the differences that turn slopes into curvature.
STEP = 1e-5


@dataclass(frozen=True, eq=False)
class MeasurementFit:
    """The measurement model at its maximum likelihood.

    Parameters
    ----------
    terms
        Names of the parameters: weights, persistence, constant, one input a player.
    smoothed
        The state at the maximum, with its standard errors and the log likelihood.
    covariance
        Shape (terms, terms): inverse of the observed information; NaN where the likelihood is not curved enough to tell.
    means, deviations
        Shape (measures,): what the measures were standardised with, in their own units.
    observations
        Shape (measures,): months with a figure.
    maxima
        Log likelihoods of the different maxima that the starts led to, highest first.
    """

    terms: tuple[str, ...]
    smoothed: SmoothedState
    covariance: Floats
    means: Floats
    deviations: Floats
    observations: NDArray[np.int64]
    maxima: tuple[float, ...]

    @property
    def parameters(self) -> Measurement:
        """The parameters, as the smoother takes them."""
        return self.smoothed.parameters

    @property
    def estimates(self) -> Floats:
        """The parameters in one row, shape (terms,)."""
        return self.parameters.flat

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the estimates, shape (terms,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def log_likelihood(self) -> float:
        """Log likelihood of the standardised measures."""
        return self.smoothed.log_likelihood

    def conf_int(self, level: float = 0.95) -> Floats:
        """Return lower and upper ends of normal intervals, shape (terms, 2)."""
        from scipy.stats import norm

        reach = norm.ppf((1 + check_coverage(level)) / 2) * self.standard_errors
        return np.column_stack([self.estimates - reach, self.estimates + reach])

    def rows(self) -> list[dict[str, str | float]]:
        """Return one row a parameter: estimate, standard error, ends of the 95% interval."""
        names = ("estimate", "standard_error", "low", "high")
        columns = (self.estimates, self.standard_errors, *self.conf_int().T)
        return [
            {"term": term, **dict(zip(names, map(float, values), strict=True))}
            for term, *values in zip(self.terms, *columns, strict=True)
        ]

    def summary(self) -> str:
        """Return parameters, standard errors and the likelihood as a table in plain text."""
        width = max(len(term) for term in self.terms)
        lines = [f"Dynamic factor model, {len(self.smoothed.state)} months, {len(self.means)} measures", ""]
        lines.append(f"{'':{width}}   estimate  std. error        95% interval")
        for row in self.rows():
            lines.append(
                f"{row['term']:{width}}  {row['estimate']:9.4g}  {row['standard_error']:10.4g}"
                f"  {row['low']:9.4g} {row['high']:9.4g}"
            )
        lines.append("")
        lines.append("months with a figure: " + ", ".join(str(n) for n in self.observations))
        lines.append(f"log likelihood {self.log_likelihood:.4f}")
        if len(self.maxima) > 1:
            lines.append("other maxima: " + ", ".join(f"{value:.4f}" for value in self.maxima[1:]))
        return "\n".join(lines)


def fit_state(
    measures: ArrayLike,
    actions: ArrayLike,
    measure_names: Sequence[str],
    action_names: Sequence[str],
    *,
    low_months: Sequence[int] | slice | None = None,
    first_variance: float = FIRST_VARIANCE,
    starts: int = 6,
    seed: int = 0,
) -> MeasurementFit:
    """Return the measurement model at its maximum likelihood.

    The climb uses the exact slope of the log likelihood, taken from the smoothed state (Koopman and Shephard 1992).

    Parameters
    ----------
    measures, actions
        As for `outbid.game.state.measurement.smooth_state`. Actions without a column give the model in which nobody
        moves the state, to hold against the full one.
    measure_names, action_names
        One name a column.
    low_months
        Rows, counted from 0, over which the state is to lie below zero on average: the data can't tell the
        state from its mirror image. None: the first measure rises with the state.
    first_variance
        Variance of the first month's state.
    starts
        From how many places to climb; the highest maximum is returned and all are reported.
    seed
        Of the places. Same seed, same numbers.

    Raises
    ------
    InputError
        For measures or actions that can't be used, and when no climb comes to rest.
    """
    from scipy.optimize import minimize

    values, moves = check_measures(measures, actions)
    terms = _terms(values, moves, measure_names, action_names)
    inputs = np.column_stack([np.ones(len(moves)), moves])
    if np.linalg.matrix_rank(inputs[:-1]) < inputs.shape[1]:
        problem = "never vary, or follow from one another, so their effects can't be told"
        raise InputError("actions", problem, "Leave a player out, or take other months.")

    def downhill(flat: Floats) -> tuple[float, Floats]:
        smoothed = smooth(_unpack(flat, values.shape[1], first_variance), values, moves)
        return -smoothed.log_likelihood, -score(smoothed, values, moves)

    climbs = [
        minimize(downhill, start, jac=True, method="BFGS", options={"maxiter": 500, "gtol": 1e-5})
        for start in _starts(values, moves.shape[1], starts, seed)
    ]
    rested = [climb for climb in climbs if np.isfinite(climb.fun) and np.abs(climb.jac).max() < FLAT]
    if not rested:
        problem = f"none of {starts} climbs of the likelihood came to rest"
        raise InputError("measures", problem, "Give more months, or fewer measures.")
    rested.sort(key=lambda climb: float(climb.fun))
    maxima: list[float] = []
    for climb in rested:
        if not maxima or maxima[-1] + climb.fun > SAME:
            maxima.append(-float(climb.fun))
    best = _unpack(np.asarray(rested[0].x), values.shape[1], first_variance)
    smoothed = smooth(best, values, moves)
    low = best.weights[0] > 0 if low_months is None else smoothed.state[low_months].mean() < 0
    if not low:
        smoothed = smooth(best.mirrored, values, moves)
    _, means, deviations = standardise(measures)
    observations = (~np.isnan(values)).sum(axis=0)
    covariance = _covariance(smoothed.parameters, values, moves)
    return MeasurementFit(terms, smoothed, covariance, means, deviations, observations, tuple(maxima))


def _unpack(flat: Floats, measures: int, first_variance: float) -> Measurement:
    """Parameters from one row of numbers."""
    return Measurement(flat[:measures], float(flat[measures]), flat[measures + 1 :], first_variance)


def _starts(values: Floats, players: int, count: int, seed: int) -> list[Floats]:
    """Places to climb from: the first takes its signs from the measures' correlations, the others are random."""
    generator = np.random.default_rng(seed)
    filled = np.nan_to_num(values)
    leading = np.linalg.eigh(filled.T @ filled)[1][:, -1]
    places = [np.concatenate([0.3 * leading, [0.95], np.zeros(1 + players)])]
    for _ in range(count - 1):
        weights = 0.2 * generator.standard_normal(values.shape[1])
        inputs = 0.2 * generator.standard_normal(1 + players)
        places.append(np.concatenate([weights, [generator.uniform(0.5, 1)], inputs]))
    return places


def _covariance(parameters: Measurement, values: Floats, actions: Floats) -> Floats:
    """Inverse of the observed information, by central differences of the exact slope."""
    flat, measures = parameters.flat, values.shape[1]

    def slope(place: Floats) -> Floats:
        return score(
            smooth(_unpack(place, measures, parameters.first_variance), values, actions), values, actions
        )

    shifts = STEP * np.eye(len(flat))
    hessian = np.array([(slope(flat + shift) - slope(flat - shift)) / (2 * STEP) for shift in shifts])
    information = -(hessian + hessian.T) / 2
    if np.linalg.eigvalsh(information).min() <= 0:
        return np.full_like(information, np.nan)
    return np.asarray(np.linalg.inv(information))


def _terms(
    values: Floats, moves: Floats, measure_names: Sequence[str], action_names: Sequence[str]
) -> tuple[str, ...]:
    """Names of the parameters, after a look at whether there is one name a column."""
    if len(measure_names) != values.shape[1] or len(action_names) != moves.shape[1]:
        problem = f"{len(measure_names)} and {len(action_names)} names"
        fix = f"Give {values.shape[1]} names of measures and {moves.shape[1]} of actions."
        raise InputError("measure_names and action_names", problem, fix)
    return (*measure_names, "persistence", "constant", *(f"lag_{name}" for name in action_names))
