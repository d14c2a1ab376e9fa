"""A latent state behind several noisy measures with missing months: a dynamic factor model, and its maximum likelihood.

Each measure, put to mean 0 and standard deviation 1, is its weight times the state plus unit noise,
    y[t, k] = weight[k] s[t] + N(0, 1),
and the state carries over and answers to what the players did the month before,
    s[t] = persistence s[t - 1] + inputs' (1, actions[t - 1]) + N(0, 1),  s[1] ~ N(0, 5).
The unit noises settle the scale. This is the measurement model of Crisman-Cox and Gibilisco; filtering and
smoothing (Kalman 1960; Durbin and Koopman 2012) are statsmodels'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.coefficients import Coefficients, Facts
from outbid.game.given import Count, Seed, checked, number, numbers, shaped
from outbid.game.kernel import Floats
from outbid.game.maximise import observed_information

FIRST_VARIANCE = 5.0


@dataclass(frozen=True, eq=False)
class Measurement:
    """Parameters of the measurement model: weights (measures,), persistence, inputs (1 + players,), the constant first."""

    weights: Floats
    persistence: float
    inputs: Floats

    def __post_init__(self) -> None:
        for name in ("weights", "inputs"):
            each = numbers(f"measurement, {name}", getattr(self, name))
            object.__setattr__(self, name, shaped(f"measurement, {name}", each, (each.size,), "Give a row."))
        object.__setattr__(self, "persistence", number("measurement, persistence", self.persistence))

    @classmethod
    def from_flat(cls, flat: Floats, measures: int) -> Measurement:
        """Return the parameters from one row, the weights of so many measures first."""
        return cls(flat[:measures], float(flat[measures]), flat[measures + 1 :])

    @property
    def flat(self) -> Floats:
        """Weights, persistence and inputs in one row."""
        return np.concatenate([self.weights, [self.persistence], self.inputs])

    @property
    def mirrored(self) -> Measurement:
        """The same model with the state turned upside down, which the measures can't tell from it."""
        return replace(self, weights=-self.weights, inputs=-self.inputs)


class SmoothedState(NamedTuple):
    """The state given all measures of all months, its standard deviation, and what it was worked out with.

    `autocovariance`, shape (months - 1,), is that of each month's state with the next month's.
    """

    parameters: Measurement
    state: Floats
    state_se: Floats
    autocovariance: Floats
    log_likelihood: float


def standardise(measures: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return measures with mean 0 and standard deviation 1, the means, and the standard deviations (by n - 1)."""
    table = numbers("measures", measures)
    if table.ndim != 2:
        fix = "Give one row a month, one column a measure."
        raise InputError("measures", f"have shape {table.shape}", fix)
    for place, column in enumerate(table.T, start=1):
        where, seen = f"measures, column {place}", column[~np.isnan(column)]
        if not np.isfinite(seen).all():
            raise InputError(where, "holds an infinite number", "Leave the month empty (NaN).")
        if len(seen) < 2 or np.ptp(seen) == 0:
            problem = f"has {len(seen)} months and does not vary" if len(seen) else "is empty"
            raise InputError(where, problem, "Leave this measure out.")
    mean, spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0, ddof=1)
    return (table - mean) / spread, mean, spread


@checked
def smooth_state(parameters: Measurement, measures: ArrayLike, actions: ArrayLike) -> SmoothedState:
    """Return the state given all measures, at known parameters.

    * `measures`: shape (months, measures), in their own units; they are standardised here. NaN where missing.
    * `actions`: shape (months, players), which move the state of the next month.
    """
    values, moves = check_measures(measures, actions)
    return smooth(parameters, values, moves)


def smooth(parameters: Measurement, values: Floats, actions: Floats) -> SmoothedState:
    """Return what `smooth_state` returns, from measures that are standardised and checked already."""
    if len(parameters.weights) != values.shape[1] or len(parameters.inputs) != 1 + actions.shape[1]:
        sizes = f"{len(parameters.weights)} weights and {len(parameters.inputs)} inputs"
        problem = f"has {sizes} for {values.shape[1]} measures and {actions.shape[1]} players"
        fix = "Give one weight a measure; a constant and one input a player."
        raise InputError("measurement", problem, fix)
    # imported here because it takes more than a second
    from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

    model = KalmanSmoother(k_endog=values.shape[1], k_states=1, k_posdef=1)
    model.bind(np.array(values, order="C"))
    model["design"] = parameters.weights[:, None]
    model["obs_cov"] = np.eye(values.shape[1])
    model["transition"] = np.array([[parameters.persistence]])
    model["state_intercept"] = (parameters.inputs[0] + actions @ parameters.inputs[1:])[None, :]
    model["selection"] = model["state_cov"] = np.eye(1)
    model.initialize_known(np.zeros(1), np.array([[FIRST_VARIANCE]]))
    result = model.smooth()
    variance = np.asarray(result.smoothed_state_cov)[0, 0]
    together = np.asarray(result.smoothed_state_autocov)[0, 0]
    mean = np.asarray(result.smoothed_state)[0]
    return SmoothedState(parameters, mean, np.sqrt(variance), together[:-1], float(result.llf))


def score(smoothed: SmoothedState, values: Floats, actions: Floats) -> Floats:
    """Return the slope of the log likelihood in weights, persistence and inputs.

    Fisher's identity: it is the slope of the log likelihood with the state known, averaged over the state given the
    standardised measures, of which only means, variances and neighbouring covariances are needed.
    """
    parameters, mean = smoothed.parameters, smoothed.state
    square = mean**2 + smoothed.state_se**2
    seen = ~np.isnan(values)
    weights = np.where(seen, values, 0).T @ mean - parameters.weights * (seen.T @ square)
    inputs = np.column_stack([np.ones(len(actions) - 1), actions[:-1]])
    pushed = inputs @ parameters.inputs
    before, after, kept = mean[:-1], mean[1:], parameters.persistence
    carried = smoothed.autocovariance + after * before - kept * square[:-1] - pushed * before
    left = after - kept * before - pushed
    return np.concatenate([weights, [carried.sum()], left @ inputs])


@checked
def draw_states(
    parameters: Measurement, measures: ArrayLike, actions: ArrayLike, *, draws: Count = 1000, seed: Seed = 0
) -> Floats:
    """Return whole paths of the state, shape (draws, months), drawn from what the measures leave open.

    The state's precision given the measures is a band matrix of width two: one factorisation serves all (Rue 2001).
    """
    from scipy.linalg import cholesky_banded, solve_banded

    values, moves = check_measures(measures, actions)
    centre = smooth(parameters, values, moves).state
    months = len(centre)
    band = np.zeros((2, months))
    band[1] = 1 + ~np.isnan(values) @ parameters.weights**2
    band[1, 0] += 1 / FIRST_VARIANCE - 1
    band[1, :-1] += parameters.persistence**2
    band[0, 1:] = -parameters.persistence
    # precision = U'U with U upper triangular, so U⁻¹ times standard normal numbers has the right covariance
    upper = cholesky_banded(band)
    noise = np.random.default_rng(seed).standard_normal((months, draws))
    return np.asarray(centre + solve_banded((0, 1), upper, noise).T)


def check_measures(measures: ArrayLike, actions: ArrayLike) -> tuple[Floats, Floats]:
    """Return standardised measures and actions (months, players) as numbers, or say what is wrong with them."""
    values, _, _ = standardise(measures)
    moves = numbers("actions", actions)
    if moves.ndim != 2 or len(moves) != len(values):
        problem = f"have shape {moves.shape}, and the measures cover {len(values)} months"
        raise InputError("actions", problem, "Give one row a month and one column a player.")
    for month, column in np.argwhere(~np.isfinite(moves)):
        where = f"actions, month {month + 1}, column {column + 1}"
        raise InputError(where, "the figure is missing", "Fill it, or cut the window.")
    return values, moves


# Two searches whose log likelihoods differ by less than this have reached the same maximum.
SAME = 1e-3
# A search has come to rest where no slope of the log likelihood is steeper than this.
FLAT = 1e-2
# Step of the differences that turn slopes into curvature.
STEP = 1e-5


@dataclass(frozen=True, eq=False)
class MeasurementFit(Coefficients):
    """The measurement model at its maximum likelihood, and the state there.

    * `covariance`: inverse of the observed information; NaN where the likelihood is not curved enough to tell.
    * `observations`: each measure's months with a figure.
    * `maxima`: log likelihoods of the different maxima that the starts led to, highest first.
    """

    smoothed: SmoothedState
    observations: NDArray[np.int64]
    maxima: tuple[float, ...]

    @property
    def log_likelihood(self) -> float:
        """Log likelihood of the standardised measures."""
        return self.smoothed.log_likelihood

    def facts(self) -> Facts:
        """Return what belongs under the table's title: (what, how much), in words."""
        facts = [
            ("Months", f"{len(self.smoothed.state)}"),
            ("Months with a figure", ", ".join(map(str, self.observations))),
            ("Log-likelihood", f"{self.log_likelihood:.4f}"),
        ]
        others = ", ".join(f"{value:.4f}" for value in self.maxima[1:])
        return [*facts, ("Other maxima", others)] if others else facts


@checked
def fit_state(
    measures: ArrayLike,
    actions: ArrayLike,
    measure_names: Sequence[str],
    action_names: Sequence[str],
    *,
    low_months: Sequence[int] | slice | None = None,
    starts: Count = 6,
    seed: Seed = 0,
) -> MeasurementFit:
    """Return the measurement model at its maximum likelihood, the highest that a search from several starts finds.

    The search uses the exact slope of the log likelihood, taken from the smoothed state (Koopman and Shephard 1992).
    Actions without a column give the model in which nobody moves the state. `low_months` are rows, counted from 0, over
    which the state is to lie below zero on average: the data can't tell it from its mirror image. None: the first
    measure rises with the state.
    """
    from scipy.optimize import minimize

    values, moves = check_measures(measures, actions)
    measured, players = values.shape[1], moves.shape[1]
    if len(measure_names) != measured or len(action_names) != players:
        problem = f"{len(measure_names)} and {len(action_names)} names"
        fix = f"Give {measured} names of measures and {players} of actions."
        raise InputError("measure_names and action_names", problem, fix)
    terms = (*measure_names, "persistence", "constant", *(f"lag_{name}" for name in action_names))
    months = range(len(values))
    low_rows = months[low_months] if isinstance(low_months, slice) else low_months
    if low_rows is not None and not (len(low_rows) and set(low_rows) <= set(months)):
        raise InputError("low_months", f"are not rows of {len(values)} months", "Count rows from 0.")
    inputs = np.column_stack([np.ones(len(moves)), moves])
    if np.linalg.matrix_rank(inputs[:-1]) < inputs.shape[1]:
        problem = "never vary, or follow from one another, so their effects can't be told"
        raise InputError("actions", problem, "Leave a player out, or take other months.")

    def downhill(flat: Floats) -> tuple[float, Floats]:
        smoothed = smooth(Measurement.from_flat(flat, measured), values, moves)
        return -smoothed.log_likelihood, -score(smoothed, values, moves)

    upwards = partial(minimize, downhill, jac=True, method="BFGS", options={"maxiter": 500, "gtol": 1e-5})
    ended = map(upwards, _starts(values, players, starts, seed))
    rested = [each for each in ended if np.isfinite(each.fun) and np.abs(each.jac).max() < FLAT]
    if not rested:
        problem = f"none of {starts} searches of the likelihood came to rest"
        raise InputError("measures", problem, "Give more months, or fewer measures.")
    rested.sort(key=lambda each: float(each.fun))
    maxima: list[float] = []
    for each in rested:
        if not maxima or maxima[-1] + each.fun > SAME:
            maxima.append(-float(each.fun))
    best = Measurement.from_flat(np.asarray(rested[0].x), measured)
    smoothed = smooth(best, values, moves)
    low = best.weights[0] > 0 if low_rows is None else smoothed.state[list(low_rows)].mean() < 0
    if not low:
        smoothed = smooth(best.mirrored, values, moves)
    title, flat = f"Dynamic factor model, {measured} measures", smoothed.parameters.flat
    information = observed_information(lambda move: -downhill(flat + move)[1], np.eye(len(flat)), STEP)
    curved = np.linalg.eigvalsh(information).min() > 0
    covariance = np.asarray(np.linalg.inv(information) if curved else np.full_like(information, np.nan))
    observations = (~np.isnan(values)).sum(axis=0)
    return MeasurementFit(title, terms, flat, covariance, None, smoothed, observations, tuple(maxima))


def _starts(values: Floats, players: int, count: int, seed: int) -> list[Floats]:
    """Places to search from: the first takes its signs from the measures' correlations, the others are random."""
    generator = np.random.default_rng(seed)
    filled = np.nan_to_num(values)
    leading = np.linalg.eigh(filled.T @ filled)[1][:, -1]
    places = [np.concatenate([0.3 * leading, [0.95], np.zeros(1 + players)])]
    for _ in range(count - 1):
        weights = 0.2 * generator.standard_normal(values.shape[1])
        inputs = 0.2 * generator.standard_normal(1 + players)
        places.append(np.concatenate([weights, [generator.uniform(0.5, 1)], inputs]))
    return places
