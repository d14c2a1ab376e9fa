"""How the state moves: next month's state on this month's actions, by least squares (the first stage).

For any number of players the terms are a constant, each player's action, the state itself, and each action
times the state. This is the state equation of Crisman-Cox and Gibilisco's outbidding game.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.state.newey_west import newey_west
from outbid.game.state.panel_checks import check_coverage, check_identified, check_panel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FirstStage:
    """A fitted state equation.

    Parameters
    ----------
    title
        What was regressed on what.
    terms
        Names of the coefficients, in order.
    estimates
        Shape (terms,).
    covariance
        Shape (terms, terms).
    sigma
        Residual standard deviation, with the degrees of freedom below it, in units of the state.
    degrees_of_freedom
        Months less terms.
    r_squared
        Share of the variance explained, 0 to 1.
    months
        Months used.
    errors
        Which standard errors these are, in words.
    """

    title: str
    terms: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    sigma: float
    degrees_of_freedom: int
    r_squared: float
    months: int
    errors: str

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the estimates, shape (terms,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def adjusted_r_squared(self) -> float:
        """Share of the variance explained, with a charge for every term (as the published tables print it)."""
        return 1 - (1 - self.r_squared) * (self.months - 1) / self.degrees_of_freedom

    def conf_int(self, level: float = 0.95) -> Floats:
        """Return lower and upper ends of intervals by Student's t, shape (terms, 2).

        Parameters
        ----------
        level
            Coverage, between 0 and 1.
        """
        from scipy.stats import t

        reach = t.ppf((1 + check_coverage(level)) / 2, self.degrees_of_freedom) * self.standard_errors
        return np.column_stack([self.estimates - reach, self.estimates + reach])

    def rows(self) -> list[dict[str, str | float]]:
        """Return one row a term: estimate, standard error, t, two-sided p, ends of the 95% interval."""
        from scipy.stats import t

        ratios = self.estimates / self.standard_errors
        chances = 2 * t.sf(np.abs(ratios), self.degrees_of_freedom)
        columns = (self.estimates, self.standard_errors, ratios, chances, *self.conf_int().T)
        names = ("estimate", "standard_error", "t", "p", "low", "high")
        return [
            {"term": term, **dict(zip(names, map(float, values), strict=True))}
            for term, *values in zip(self.terms, *columns, strict=True)
        ]

    def summary(self) -> str:
        """Return the regression as a table in plain text."""
        width = max(len(term) for term in self.terms)
        lines = [self.title, f"{self.months} months; standard errors: {self.errors}", ""]
        lines.append(f"{'':{width}}   estimate  std. error       t      p        95% interval")
        for row in self.rows():
            lines.append(
                f"{row['term']:{width}}  {row['estimate']:9.4g}  {row['standard_error']:10.4g}  {row['t']:6.2f}"
                f"  {row['p']:5.3f}  {row['low']:9.4g} {row['high']:9.4g}"
            )
        lines.append("")
        lines.append(f"sigma {self.sigma:.4g} on {self.degrees_of_freedom} degrees of freedom")
        lines.append(f"R squared {self.r_squared:.3f}, adjusted {self.adjusted_r_squared:.3f}")
        return "\n".join(lines)


def levels(state: ArrayLike, actions: ArrayLike, names: Sequence[str]) -> FirstStage:
    """Fit next month's state on this month's actions, the state, and their products, by ordinary least squares.

    The standard errors are the plain ones, which are too small when the state has nearly a unit root;
    `outbid.game.state.bootstrap` gives better ones.

    Parameters
    ----------
    state
        Shape (months,), in order and without gaps.
    actions
        Shape (months, players): what was done in each month. The last month's actions are not used.
    names
        One name a player's action, such as "hamas_attack".

    Raises
    ------
    InputError
        For figures that are missing, too few months, or actions that leave no way to tell effects apart.
    """
    states, moves = check_panel(state, actions, names)
    terms = level_terms(names)
    design = level_design(states[:-1], moves[:-1])
    return _least_squares("State on last month's actions and state", terms, design, states[1:], names, 1)


def changes(
    state: ArrayLike, actions: ArrayLike, names: Sequence[str], *, lag: int | None = None
) -> FirstStage:
    """Fit the change of the state on last month's actions and change, and actions times last month's state.

    There is no level term. Standard errors are prewhitened Newey-West ones (1994) without a small-sample correction.

    Parameters
    ----------
    state, actions, names
        As for `levels`.
    lag
        Months over which residuals hang together; None chooses it from the data.

    Raises
    ------
    InputError
        As `levels`, and when there are too few months for such errors.
    """
    states, moves = check_panel(state, actions, names)
    terms = ("intercept", *names, "lag_diff_state", *(f"{name}_x_lag_state" for name in names))
    steps = np.diff(states)
    before, moved = states[1:-1, None], moves[1:-1]
    design = np.column_stack([np.ones(len(moved)), moved, steps[:-1], moved * before])
    plain = _least_squares(
        "Change of the state on last month's actions and change", terms, design, steps[1:], names, len(terms)
    )
    residuals = steps[1:] - design @ plain.estimates
    robust = newey_west(design * residuals[:, None], design, lag=lag)
    how = f"Newey-West, prewhitened, lag {robust.lag}"
    return replace(plain, covariance=robust.covariance, errors=how)


def level_terms(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the terms of the state equation, in order."""
    return ("intercept", *names, "lag_state", *(f"{name}_x_lag_state" for name in names))


def level_design(state: Floats, actions: Floats) -> Floats:
    """Return the terms of the state equation month by month.

    Parameters
    ----------
    state
        Shape (..., months): one path of the state or many.
    actions
        Shape (months, players).

    Returns
    -------
    numpy.ndarray
        Shape (..., months, terms), in the order of `level_terms`.
    """
    column = state[..., None]
    moved = np.broadcast_to(actions, (*state.shape, actions.shape[-1]))
    return np.concatenate([np.ones_like(column), moved, column, moved * column], axis=-1)


def _least_squares(
    title: str, terms: tuple[str, ...], design: Floats, outcome: Floats, names: Sequence[str], spare: int
) -> FirstStage:
    """Fit by ordinary least squares with plain errors; `spare` is how many months there must be beyond the terms."""
    months, columns = design.shape
    if months < columns + spare:
        problem = f"{months} usable months are too few for {columns} terms"
        raise InputError("panel", problem, f"Give at least {columns + spare + 2} months.")
    check_identified(design, terms, len(names))
    # imported here because it takes more than a second
    from statsmodels.regression.linear_model import OLS

    fit = OLS(outcome, design).fit()
    return FirstStage(
        title=title,
        terms=terms,
        estimates=np.asarray(fit.params),
        covariance=np.asarray(fit.cov_params()),
        sigma=float(np.sqrt(fit.scale)),
        degrees_of_freedom=months - columns,
        r_squared=float(fit.rsquared),
        months=months,
        errors="ordinary least squares",
    )
