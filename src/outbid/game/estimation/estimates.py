"""What an estimation found, in the words political scientists know: table, intervals, predictions, exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError, did_you_mean
from outbid.game.estimation.covariance import KINDS
from outbid.game.estimation.estimates_table import html_table, latex_table, text_table
from outbid.game.solve import Equilibrium
from outbid.game.state.panel_checks import check_coverage

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimated payoffs of a game.

    Parameters
    ----------
    title
        How they were found, in words.
    names
        One name a parameter.
    estimates
        Shape (parameters,).
    covariances
        By kind (see `outbid.game.estimation.covariance`), each of shape (parameters, parameters).
    log_likelihood
        Of all months, at the estimates.
    contributions
        Each month's log-likelihood, shape (months,); they sum to `log_likelihood`.
    equilibrium
        The game's equilibrium at the estimates, with its certificate.
    converged, message
        Whether the search ended at a top of the likelihood, and why it ended.
    steps, evaluations
        Steps taken, and how often the game was solved on the way.
    outcome
        A fingerprint of what was explained (months and actions): models are compared on the same only.
    """

    title: str
    names: tuple[str, ...]
    estimates: Floats
    covariances: Mapping[str, Floats]
    log_likelihood: float
    contributions: Floats
    equilibrium: Equilibrium
    converged: bool
    message: str
    steps: int
    evaluations: int
    outcome: str

    @property
    def observations(self) -> int:
        """Months explained."""
        return len(self.contributions)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, smaller is better."""
        return -2.0 * self.log_likelihood + 2.0 * len(self.names)

    @property
    def bic(self) -> float:
        """Schwarz's information criterion, with months as observations; smaller is better."""
        return -2.0 * self.log_likelihood + float(np.log(self.observations)) * len(self.names)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which kinds of standard errors there are."""
        return tuple(kind for kind in KINDS if kind in self.covariances)

    @property
    def kind(self) -> str:
        """The kind that is used when none is asked for: corrected if there was a first step, else uncorrected."""
        return "corrected" if "corrected" in self.covariances else "uncorrected"

    def vcov(self, kind: str | None = None) -> Floats:
        """Return the estimates' covariance, shape (parameters, parameters).

        Parameters
        ----------
        kind
            "uncorrected", "robust", "published" or "corrected"; None takes `self.kind`.

        Raises
        ------
        InputError
            For a kind that is not there: corrections need a first step with a covariance, see `FirstStep`.
        """
        wanted = kind or self.kind
        if wanted not in self.covariances:
            known = (
                f"there are no {wanted!r} ones here" if wanted in KINDS else f"nothing is called {wanted!r}"
            )
            fix = f"There are: {', '.join(self.kinds)}." if wanted in KINDS else did_you_mean(wanted, KINDS)
            raise InputError("standard errors, kind", known, fix)
        return self.covariances[wanted]

    def standard_errors(self, kind: str | None = None) -> Floats:
        """Return standard errors, shape (parameters,); kinds as in `vcov`."""
        return np.asarray(np.sqrt(np.diag(self.vcov(kind))))

    def z(self, kind: str | None = None) -> Floats:
        """Return estimates over their standard errors, shape (parameters,)."""
        return np.asarray(self.estimates / self.standard_errors(kind))

    def p_values(self, kind: str | None = None, *, sides: int = 2) -> Floats:
        """Return p values by the normal distribution, shape (parameters,).

        Parameters
        ----------
        sides
            2, or 1 for the chance of an estimate as far from zero on its own side.
        """
        from scipy.stats import norm

        if sides not in (1, 2):
            raise InputError("p values, sides", f"{sides} is neither 1 nor 2", "Give 1 or 2.")
        return np.asarray(sides * norm.sf(np.abs(self.z(kind))))

    def conf_int(self, level: float = 0.95, kind: str | None = None) -> Floats:
        """Return lower and upper ends of normal intervals, shape (parameters, 2)."""
        from scipy.stats import norm

        reach = norm.ppf((1 + check_coverage(level)) / 2) * self.standard_errors(kind)
        return np.column_stack([self.estimates - reach, self.estimates + reach])

    def predict(self, states: ArrayLike | Mapping[str, ArrayLike] | None = None, action: int = -1) -> Floats:
        """Return the chance that each player takes an action, shape (states, players).

        Parameters
        ----------
        states
            Places on the grid, or figures by axis (each goes to the nearest state); None takes the whole grid.
        action
            The action's number; -1 is each player's last, such as to attack.
        """
        game = self.equilibrium.game
        counts = {player.name: len(player.actions) for player in game.players}
        for name, count in counts.items():
            if not -count <= action < count:
                raise InputError("predict, action", f"{name} has no action number {action}", "Give another.")
        each = np.stack([chances[:, action] for chances in self.equilibrium.probabilities], axis=1)
        if states is None:
            return each
        if isinstance(states, Mapping):
            return np.asarray(each[game.grid.nearest(states)])
        places = np.atleast_1d(np.asarray(states))
        if not np.issubdtype(places.dtype, np.integer) or (places < 0).any() or (places >= len(each)).any():
            raise InputError(
                "predict, states",
                f"are no places on a grid of {len(each)} states",
                f"Give whole numbers from 0 to {len(each) - 1}, or figures by axis name.",
            )
        return np.asarray(each[places])

    def to_rows(self, kind: str | None = None, level: float = 0.95) -> list[dict[str, str | float]]:
        """Return one row a parameter: estimate, standard error, z, two-sided p, ends of the interval."""
        columns = (
            self.estimates,
            self.standard_errors(kind),
            self.z(kind),
            self.p_values(kind),
            *self.conf_int(level, kind).T,
        )
        keys = ("estimate", "standard_error", "z", "p", "low", "high")
        return [
            {"parameter": name, **dict(zip(keys, map(float, values), strict=True))}
            for name, *values in zip(self.names, *columns, strict=True)
        ]

    def facts(self, kind: str | None = None) -> list[tuple[str, str]]:
        """Return what belongs under or over a table: (what, how much), in words."""
        game, certificate = self.equilibrium.game, self.equilibrium.certificate
        return [
            ("Players", ", ".join(player.name for player in game.players)),
            ("States", f"{game.grid.size}"),
            ("Months", f"{self.observations}"),
            ("Log-likelihood", f"{self.log_likelihood:.4f}"),
            ("AIC", f"{self.aic:.2f}"),
            ("BIC", f"{self.bic:.2f}"),
            ("Largest residual", f"{certificate.residual:.1e}"),
            ("Standard errors", KINDS[kind or self.kind]),
        ]

    @property
    def warning(self) -> str:
        """What must be said before anything else; empty when all is well."""
        return "" if self.converged else f"NOT CONVERGED: {self.message}."

    def summary(self, kind: str | None = None, level: float = 0.95) -> str:
        """Return the results as a table in plain text; it begins with a warning if the search did not converge."""
        return text_table(self.title, self.warning, self.facts(kind), self.to_rows(kind, level), level)

    def to_latex(self, kind: str | None = None, *, stars: bool = False) -> str:
        """Return a LaTeX table (booktabs).

        Parameters
        ----------
        stars
            Whether to mark two-sided p below .1, .05 and .01.
        """
        return latex_table(self.title, self.warning, self.facts(kind), self.to_rows(kind), stars)

    def to_html(self, kind: str | None = None, *, stars: bool = False) -> str:
        """Return an HTML table; stars as in `to_latex`."""
        return html_table(self.title, self.warning, self.facts(kind), self.to_rows(kind), stars)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()
