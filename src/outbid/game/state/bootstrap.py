"""How sure the state equation is: parametric bootstrap of its coefficients and its residual spread.

Under a state with nearly a unit root the textbook errors are too small, for they hold the path of the state
fixed. Here each draw makes a whole new path: it starts at the first month's state, takes the actions as they
were, and lets the fitted equation and fresh normal noise do the rest; then the equation is fitted to it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.state.first_stage import level_design, level_terms, levels
from outbid.game.state.panel_checks import check_coverage, check_panel

Floats = NDArray[np.float64]
# Beyond this size a path has exploded and no longer says anything.
EXPLODED = 1e6


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Draws of the state equation's coefficients and sigma.

    Parameters
    ----------
    terms
        Names: the coefficients, then "sigma".
    estimates
        Shape (terms,): what was fitted to the panel itself.
    draws
        Shape (draws, terms).
    latent
        Whether the draws also vary the state that could not be observed.
    """

    terms: tuple[str, ...]
    estimates: Floats
    draws: Floats
    latent: bool

    @property
    def covariance(self) -> Floats:
        """Covariance of the draws, shape (terms, terms)."""
        return np.asarray(np.cov(self.draws, rowvar=False))

    @property
    def standard_errors(self) -> Floats:
        """Standard deviations of the draws, shape (terms,)."""
        return np.asarray(self.draws.std(axis=0, ddof=1))

    @property
    def bias(self) -> Floats:
        """Mean of the draws less the estimates, shape (terms,)."""
        return np.asarray(self.draws.mean(axis=0) - self.estimates)

    def conf_int(self, level: float = 0.95) -> Floats:
        """Return the quantiles of the draws that hold `level` of them, shape (terms, 2)."""
        tail = (1 - check_coverage(level)) / 2
        return np.asarray(np.quantile(self.draws, [tail, 1 - tail], axis=0).T)

    def summary(self) -> str:
        """Return estimates, bootstrap errors and bias as a table in plain text."""
        width = max(len(term) for term in self.terms)
        also = ", the latent state drawn anew each time" if self.latent else ""
        lines = [f"Parametric bootstrap of the state equation, {len(self.draws)} draws{also}", ""]
        lines.append(f"{'':{width}}   estimate  std. error       bias        95% interval")
        ends = self.conf_int()
        columns = zip(self.terms, self.estimates, self.standard_errors, self.bias, ends, strict=True)
        for term, estimate, error, bias, (low, high) in columns:
            lines.append(
                f"{term:{width}}  {estimate:9.4g}  {error:10.4g}  {bias:9.4g}  {low:9.4g} {high:9.4g}"
            )
        return "\n".join(lines)


def bootstrap(
    state: ArrayLike,
    actions: ArrayLike,
    names: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 0,
    states: ArrayLike | None = None,
) -> Bootstrap:
    """Return a parametric bootstrap of the state equation in levels.

    Actions are taken as they were. Starting values: the first month's state.

    Parameters
    ----------
    state, actions, names
        As for `outbid.game.state.first_stage.levels`.
    draws
        How many paths to simulate, 2 or more.
    seed
        Same seed, same numbers.
    states
        Shape (paths, months): draws of a latent state, from `outbid.game.state.measurement.draw_states`. Draw number
        r then fits the equation to path r (counted round and round) before it simulates from that fit, so
        that the covariance takes in the doubt about the state too. The months of one path hang together; adding
        independent noise month by month would drown the equation.

    Raises
    ------
    InputError
        As `levels`; also for `states` of another length, and when simulated paths explode.
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
    return Bootstrap(
        (*level_terms(names), "sigma"), estimates, fit_paths(simulated, moves), states is not None
    )


def simulate_paths(parameters: Floats, start: Floats, actions: Floats, noise: Floats) -> Floats:
    """Return paths of the state under given actions.

    Parameters
    ----------
    parameters
        Shape (draws, terms + 1): coefficients in the order of `level_terms`, then sigma.
    start
        Shape (draws,): the state of the first month.
    actions
        Shape (months, players); the last month's are not used.
    noise
        Shape (months - 1, draws): standard normal numbers.

    Returns
    -------
    numpy.ndarray
        Shape (draws, months).

    Raises
    ------
    InputError
        When a path explodes.
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
        problem = (
            "simulated states explode: the equation carries more than the whole state into the next month"
        )
        raise InputError("bootstrap", problem, "Use the equation in changes, or other months.")
    return path.T


def fit_paths(paths: Floats, actions: Floats) -> Floats:
    """Fit the state equation to many paths at once.

    Parameters
    ----------
    paths
        Shape (draws, months).
    actions
        Shape (months, players).

    Returns
    -------
    numpy.ndarray
        Shape (draws, terms + 1): coefficients, then sigma with months less terms degrees of freedom.
    """
    design = level_design(paths[:, :-1], actions[:-1])
    outcome = paths[:, 1:, None]
    crossed = design.transpose(0, 2, 1)
    coefficients = np.linalg.solve(crossed @ design, crossed @ outcome)
    residuals = (outcome - design @ coefficients)[..., 0]
    spare = design.shape[1] - design.shape[2]
    sigma = np.sqrt((residuals**2).sum(axis=1) / spare)
    return np.column_stack([coefficients[..., 0], sigma])
