"""How the state moves: next month's state on this month's actions, by least squares, and how sure that is.

For any number of players the terms are a constant, each player's action, the state itself, and each action times the
state. This is the state equation of Crisman-Cox and Gibilisco's outbidding game.

Under a state with nearly a unit root the textbook errors are too small, for they hold the path of the state fixed. The
parametric bootstrap makes a whole new path with each draw: it starts at the first month's state, takes the actions as
they were, and lets the fitted equation and fresh normal noise do the rest; then the equation is fitted anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from outbid.errors import InputError
from outbid.game.coefficients import Coefficients, Facts, check_coverage
from outbid.game.given import Count, Seed, checked, numbers
from outbid.game.kernel import Floats

# What to do about a month that is missing.
GAPS = "Months must follow one another without gaps: cut the panel, or fill it."


def check_panel(state: ArrayLike, actions: ArrayLike, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Return state (months,) and actions (months, players) as arrays of numbers, or say what is wrong with them."""
    moves = numbers("actions", actions)
    if moves.ndim != 2 or moves.shape[1] != len(names) or len(set(names)) < len(names):
        problem = f"have shape {moves.shape} for the names {', '.join(names)}"
        raise InputError("actions", problem, "Give one column, and a name of its own, for each player.")
    states = numbers("state", state)
    if states.shape != moves.shape[:1]:
        problem = f"has shape {states.shape}, and the actions cover {len(moves)} months"
        raise InputError("state", problem, "Give one number a month.")
    for name, column in [("state", states), *zip(names, moves.T, strict=True)]:
        missing = np.flatnonzero(~np.isfinite(column))
        many = "" if len(missing) == 1 else f" ({len(missing)} in all)"
        for month in missing:
            raise InputError(f"{name}, month {month + 1}", f"the figure is missing{many}", GAPS)
    return states, moves


@dataclass(frozen=True, eq=False)
class FirstStage(Coefficients):
    """A fitted state equation, which standard errors these are, and its fit; intervals are by Student's t.

    `sigma` is the residual standard deviation, with the degrees of freedom below it, in units of the state.
    """

    sigma: float
    r_squared: float
    months: int
    errors: str

    @property
    def adjusted_r_squared(self) -> float:
        """Share of the variance explained, with a charge for every term (as the published tables print it)."""
        return 1 - (1 - self.r_squared) * (self.months - 1) / (self.months - len(self.terms))

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood of the months' moves under normal noise, at its maximum."""
        spread = self.sigma**2 * (self.months - len(self.terms)) / self.months
        return -0.5 * self.months * float(np.log(2 * np.pi * spread) + 1)

    def facts(self) -> Facts:
        """Return what belongs under the table's title: (what, how much), in words."""
        return (
            ("Months", f"{self.months}"),
            ("Standard errors", self.errors),
            ("Sigma", f"{self.sigma:.4g} on {self.degrees_of_freedom} degrees of freedom"),
            ("R squared", f"{self.r_squared:.3f}, adjusted {self.adjusted_r_squared:.3f}"),
        )


@checked
def levels(state: ArrayLike, actions: ArrayLike, names: Sequence[str]) -> FirstStage:
    """Fit next month's state on this month's actions, the state, and their products, by ordinary least squares.

    The plain standard errors are too small when the state has nearly a unit root; `bootstrap` gives better ones.

    * `state`, `actions`: shapes (months,) and (months, players), without gaps; the last month's actions are not used.
    * `names`: one name a player's action, such as "hamas_attack".
    """
    states, moves = check_panel(state, actions, names)
    title, design = "State on last month's actions and state", level_design(states[:-1], moves[:-1])
    return _least_squares(title, level_terms(names), design, states[1:], names, 1)


@checked
def changes(
    state: ArrayLike, actions: ArrayLike, names: Sequence[str], *, lag: int | None = None
) -> FirstStage:
    """Fit the change of the state on last month's actions and change, and actions times last month's state.

    There is no level term. Errors are prewhitened Newey-West ones (1994) without a small-sample correction; `lag` None
    chooses it from the data.
    """
    states, moves = check_panel(state, actions, names)
    terms = ("intercept", *names, "lag_diff_state", *(f"{name}_x_lag_state" for name in names))
    steps = np.diff(states)
    before, moved = states[1:-1, None], moves[1:-1]
    design = np.column_stack([np.ones(len(moved)), moved, steps[:-1], moved * before])
    title = "Change of the state on last month's actions and change"
    plain = _least_squares(title, terms, design, steps[1:], names, len(terms))
    residuals = steps[1:] - design @ plain.estimates
    covariance, lag = newey_west(design * residuals[:, None], design, lag)
    return replace(plain, covariance=covariance, errors=f"Newey-West, prewhitened, lag {lag}")


@checked
def level_terms(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the terms of the state equation, in order."""
    return ("intercept", *names, "lag_state", *(f"{name}_x_lag_state" for name in names))


def level_design(state: Floats, actions: Floats) -> Floats:
    """Return the terms of the state equation, shape (..., months, terms), of paths of the state, (..., months)."""
    column = state[..., None]
    moved = np.broadcast_to(actions, (*state.shape, actions.shape[-1]))
    return np.concatenate([np.ones_like(column), moved, column, moved * column], axis=-1)


def _least_squares(
    title: str, terms: tuple[str, ...], design: Floats, outcome: Floats, names: Sequence[str], spare: int
) -> FirstStage:
    """Fit by ordinary least squares with plain errors, or refuse terms that can't be told apart.

    `spare` is how many months there must be beyond the terms, of which the actions come after the constant.
    """
    months, columns = design.shape
    if months < columns + spare:
        problem = f"{months} usable months are too few for {columns} terms"
        raise InputError("panel", problem, f"Give at least {columns + spare + 2} months.")
    for place, name in enumerate(names, start=1):
        if np.ptp(design[:, place]) == 0:
            problem = f"is {design[0, place]:g} in every month, so its effect can't be told"
            raise InputError(f"actions, {name}", problem, "Leave this player out, or take other months.")
    size = np.linalg.norm(design, axis=0)
    scaled = design / np.where(size > 0, size, 1)
    for count, term in enumerate(terms, start=1):
        if np.linalg.matrix_rank(scaled[:, :count]) < count:
            problem = "follows from the terms before it, so its effect can't be told"
            raise InputError(f"term {term}", problem, "Leave a player out, or take more months.")
    # imported here because it takes more than a second
    from statsmodels.regression.linear_model import OLS

    fit = OLS(outcome, design).fit()
    found = (np.asarray(fit.params), np.asarray(fit.cov_params()), months - columns)
    sigma, explained = float(np.sqrt(fit.scale)), float(fit.rsquared)
    return FirstStage(title, terms, *found, sigma, explained, months, "ordinary least squares")


# Beyond this size a path has exploded and no longer says anything.
EXPLODED = 1e6


@dataclass(frozen=True, eq=False)
class Bootstrap(Coefficients):
    """Draws of the state equation's coefficients and sigma, shape (draws, terms), and what was fitted to the panel itself.

    `latent` says whether the draws also vary the state that could not be observed.
    """

    draws: Floats
    latent: bool

    @property
    def bias(self) -> Floats:
        """Mean of the draws less the estimates, shape (terms,)."""
        return np.asarray(self.draws.mean(axis=0) - self.estimates)

    def conf_int(self, level: float = 0.95) -> Floats:
        """Return the quantiles of the draws that hold `level` of them, shape (terms, 2)."""
        tail = (1 - check_coverage(level)) / 2
        return np.asarray(np.quantile(self.draws, [tail, 1 - tail], axis=0).T)

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a term: estimate, bootstrap error, bias, ends of the interval."""
        table = super().table(level).drop(columns=["z", "p"])
        table.insert(3, "bias", self.bias)
        return table

    def facts(self) -> Facts:
        """Return how many draws there are, and of what."""
        also = ", the latent state drawn anew each time" if self.latent else ""
        return [("Draws", f"{len(self.draws)}{also}")]


@checked
def bootstrap(
    state: ArrayLike,
    actions: ArrayLike,
    names: Sequence[str],
    *,
    draws: Count = 1000,
    seed: Seed = 0,
    states: ArrayLike | None = None,
) -> Bootstrap:
    """Return a parametric bootstrap of the state equation in levels, with the actions as they were.

    `states`, shape (paths, months), are draws of a latent state, from `outbid.game.measurement.draw_states`. Draw
    number r then fits the equation to path r (counted round and round) before it simulates from that fit, so that the
    covariance takes in the doubt about the state too. Noise added month by month, without a path, would drown the
    equation.
    """
    observed, moves = check_panel(state, actions, names)
    if draws < 2:
        raise InputError("bootstrap, draws", f"{draws} draws have no spread", "Ask for 2 or more.")
    fit = levels(observed, moves, names)
    estimates = np.append(fit.estimates, fit.sigma)
    centres = np.broadcast_to(estimates, (draws, len(estimates)))
    starts = np.full(draws, observed[0])
    if states is not None:
        paths = np.asarray(states, dtype=float)
        if paths.ndim != 2 or paths.shape[1] != len(observed) or not np.isfinite(paths).all():
            problem = f"have shape {paths.shape} or lack figures, and the panel has {len(observed)} months"
            raise InputError("bootstrap, states", problem, "Give one whole path a row.")
        chosen = np.arange(draws) % len(paths)
        centres, starts = fit_paths(paths, moves)[chosen], paths[chosen, 0]
    noise = np.random.default_rng(seed).standard_normal((len(observed) - 1, draws))
    simulated = simulate_paths(centres, starts, moves, noise)
    drawn = fit_paths(simulated, moves)
    title, terms = "Parametric bootstrap of the state equation", (*level_terms(names), "sigma")
    covariance = np.cov(drawn, rowvar=False)
    return Bootstrap(title, terms, estimates, covariance, None, drawn, states is not None)


def simulate_paths(parameters: Floats, start: Floats, actions: Floats, noise: Floats) -> Floats:
    """Return paths of the state under given actions, shape (draws, months); refused where one explodes.

    * `parameters`: shape (draws, terms + 1): coefficients in the order of `level_terms`, then sigma.
    * `start`, `noise`: the first month's state, shape (draws,); standard normal numbers, shape (months - 1, draws).
    """
    players = actions.shape[1]
    level = parameters[:, 0] + actions[:-1] @ parameters[:, 1 : players + 1].T
    carry = parameters[:, players + 1] + actions[:-1] @ parameters[:, players + 2 : -1].T
    shocks = parameters[:, -1] * noise
    path = np.empty((len(actions), len(start)))
    path[0] = start
    with np.errstate(over="ignore", invalid="ignore"):
        for month in range(len(noise)):
            path[month + 1] = level[month] + carry[month] * path[month] + shocks[month]
    if not (np.abs(path) < EXPLODED).all():
        carried = "the equation carries more than the whole state into the next month"
        problem = f"simulated states explode: {carried}"
        raise InputError("bootstrap", problem, "Use the equation in changes, or other months.")
    return path.T


def fit_paths(paths: Floats, actions: Floats) -> Floats:
    """Fit the state equation to many paths, shape (draws, months): coefficients, then sigma, shape (draws, terms + 1)."""
    design = level_design(paths[:, :-1], actions[:-1])
    outcome = paths[:, 1:, None]
    crossed = design.transpose(0, 2, 1)
    fitted = np.linalg.solve(crossed @ design, crossed @ outcome)
    residuals = (outcome - design @ fitted)[..., 0]
    sigma = np.sqrt((residuals**2).sum(axis=1) / (design.shape[1] - design.shape[2]))
    return np.column_stack([fitted[..., 0], sigma])


def automatic_bandwidth(rest: Floats, weights: Floats) -> float:
    """Return the bandwidth of the Bartlett kernel that prewhitened scores, shape (months, terms), ask for.

    Newey and West (1994), tables I and II: a pilot sum over the first 3 (n / 100)^(2/9) lags says how slowly the
    autocovariances of the scores, summed by `weights`, die away. n counts the month that prewhitening used up too.
    """
    series = rest @ weights
    n = len(series) + 1
    pilot = int(3 * (n / 100) ** (2 / 9))
    covariances = _autocovariances(series[:, None], pilot)[:, 0, 0]
    level = covariances[0] + 2 * covariances[1:].sum()
    slope = 2 * (np.arange(pilot + 1) * covariances).sum()
    # a pilot sum of zero: the rule then asks for all lags there are
    ratio = slope / level if level else np.inf
    return float(min(1.1447 * np.cbrt(ratio**2 * n), len(series) - 1))


def newey_west(scores: Floats, design: Floats, lag: int | None = None) -> tuple[Floats, int]:
    """Return the covariance of least-squares coefficients under residuals that hang together and vary in size, and its lag.

    The scores are prewhitened by a vector autoregression of order one (Andrews and Monahan 1992), summed with the
    Bartlett kernel (Newey and West 1987) up to the automatic lag (Newey and West 1994), coloured again, and put between
    two inverses of X'X. There is no correction for small samples. `scores` and `design` have shape (months, terms), the
    constant first, which has no say in the lag; the scores are each row of the design times its residual.
    """
    months, terms = scores.shape
    if lag is not None and not 0 <= lag < months - 1:
        fix = "Give 0 or more, less than the months."
        raise InputError("lag", f"{lag} does not fit {months} months", fix)
    if months <= 2 * terms:
        problem = f"{months} months are too few to prewhiten {terms} terms"
        raise InputError("Newey-West errors", problem, f"Give more than {2 * terms} months.")
    # scores follow (row by row) scores[t] = scores[t - 1] @ carried + rest[t]
    carried = np.linalg.lstsq(scores[:-1], scores[1:], rcond=None)[0]
    if np.abs(np.linalg.eigvals(carried)).max() >= 1:
        problem = "the scores grow from month to month, and prewhitening needs scores that settle"
        raise InputError("Newey-West errors", problem, "Take differences, or other months.")
    colour = np.linalg.inv(np.eye(terms) - carried)
    rest = scores[1:] - scores[:-1] @ carried
    if lag is None:
        lag = int(automatic_bandwidth(rest, np.append(float(terms == 1), np.ones(terms - 1))))
    covariances = _autocovariances(rest, lag) * len(rest)
    falling = 1 - np.arange(lag + 1) / (lag + 1)
    half = np.einsum("l,lij->ij", falling, covariances)
    summed = half + half.T - covariances[0]
    bread = np.linalg.inv(design.T @ design)
    return bread @ colour.T @ summed @ colour @ bread, lag


def _autocovariances(series: Floats, lags: int) -> Floats:
    """Mean products of a series (months, terms) with itself 0, 1, ... months before: (lags + 1, terms, terms)."""
    n = len(series)
    return np.stack([series[lag:].T @ series[: n - lag] / n for lag in range(lags + 1)])
