"""Estimate payoffs from a record of play, in two steps; and test which of two models of the same play is the better one.

The first step, the state equation, is done elsewhere (`outbid.game.first_stage`) and comes in with the kernel. The
second maximises Σ_t Σ_i log p_i(a_it | s_t) over the payoffs' parameters, where the p_i are those of the game's logit
Markov perfect equilibrium. Months hang together through the state only, so the tests treat them as independent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from outbid.errors import InputError, check_name
from outbid.game import coefficients
from outbid.game.coefficients import Coefficients, law, p_value
from outbid.game.equilibrium import Equilibrium, certify
from outbid.game.first_stage import FirstStage
from outbid.game.given import checked
from outbid.game.identification import TOLD_APART, Identification, identification
from outbid.game.kernel import Floats
from outbid.game.likelihood import KINDS, covariances, inverse, maximise_likelihood
from outbid.game.maximise import Maximum
from outbid.game.specification import Play, Specification, checked_game


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimated payoffs of a game.

    * `estimates`, `covariances`: shape (parameters,); by kind (see `outbid.game.likelihood`) (parameters, parameters).
    * `log_likelihood`, `contributions`: of all months, and each month's, shape (months,).
    * `converged`, `message`: whether the search ended at a maximum of the likelihood, and why it ended.
    * `steps`, `evaluations`: steps taken, and how often the game was solved on the way.
    * `outcome`: a fingerprint of what was explained (months and actions): models are compared on the same only.
    * `identification`: which parameters the data don't tell apart, or hardly. The first have no standard errors (NaN).
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
    identification: Identification = TOLD_APART

    @property
    def unidentified(self) -> tuple[str, ...]:
        """The parameters that the data don't tell apart; they have no standard errors."""
        return self.identification.open

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

    @checked
    def vcov(self, kind: str | None = None) -> Floats:
        """Return the estimates' covariance of a kind, shape (parameters, parameters); None takes `self.kind`."""
        wanted = kind or self.kind
        check_name(wanted, KINDS, "standard errors, kind", f"nothing is called {wanted!r}")
        if wanted not in self.covariances:
            problem = f"there are no {wanted!r} ones here"
            raise InputError("standard errors, kind", problem, f"There are: {', '.join(self.kinds)}.")
        return self.covariances[wanted]

    def of_kind(self, kind: str | None = None) -> Coefficients:
        """Return the estimates with their errors of a kind; kinds as in `vcov`."""
        return Coefficients(self.title, self.names, self.estimates, self.vcov(kind), None)

    def standard_errors(self, kind: str | None = None) -> Floats:
        """Return standard errors, shape (parameters,); kinds as in `vcov`."""
        return self.of_kind(kind).standard_errors

    def z(self, kind: str | None = None) -> Floats:
        """Return estimates over their standard errors, shape (parameters,)."""
        return np.asarray(self.estimates / self.standard_errors(kind))

    @checked
    def p_values(self, kind: str | None = None, *, sides: int = 2) -> Floats:
        """Return p values, shape (parameters,); with one of the `sides`, of estimates as far on their own side."""
        if sides not in (1, 2):
            raise InputError("p values, sides", f"{sides} is neither 1 nor 2", "Give 1 or 2.")
        return np.asarray(sides * law(None).sf(np.abs(self.z(kind))))

    def conf_int(self, level: float = 0.95, kind: str | None = None) -> Floats:
        """Return lower and upper ends of normal intervals, shape (parameters, 2)."""
        return self.of_kind(kind).conf_int(level)

    @checked
    def predict(self, states: ArrayLike | Mapping[str, ArrayLike] | None = None, action: int = -1) -> Floats:
        """Return the chance that each player takes an action, shape (states, players).

        `states` are places on the grid, or figures by axis (each goes to the nearest state, and none may lie outside);
        None takes the whole grid.
        Action -1 is each player's last, such as to attack.
        """
        game = self.equilibrium.game
        for player in game.players:
            if not -len(player.actions) <= action < len(player.actions):
                problem = f"{player.name} has no action number {action}"
                raise InputError("predict, action", problem, "Give another.")
        each = np.stack([chances[:, action] for chances in self.equilibrium.probabilities], axis=1)
        if states is None:
            return each
        if isinstance(states, Mapping):
            return np.asarray(each[game.grid.nearest(states, outside=0.0)])
        places = np.atleast_1d(np.asarray(states))
        if not np.issubdtype(places.dtype, np.integer) or (places < 0).any() or (places >= len(each)).any():
            fix = f"Give whole numbers from 0 to {len(each) - 1}, or figures by axis name."
            raise InputError("predict, states", f"are no places on a grid of {len(each)} states", fix)
        return np.asarray(each[places])

    def table(self, kind: str | None = None, level: float = 0.95) -> pd.DataFrame:
        """Return one row a parameter: estimate, standard error, z, two-sided p, ends of the interval."""
        return self.of_kind(kind).table(level)

    def facts(self, kind: str | None = None) -> coefficients.Facts:
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
        stopped = "" if self.converged or self.unidentified else f"NOT CONVERGED: {self.message}. "
        return f"{stopped}{self.identification.sentence}".strip()

    def summary(self, kind: str | None = None, level: float = 0.95) -> str:
        """Return the results as a table in plain text; it begins with a warning if there is one."""
        text = coefficients.text_table(self.title, self.facts(kind), self.table(kind, level), level)
        return f"{self.warning}\n\n{text}" if self.warning else text

    def _notes(self, kind: str | None, stars: bool) -> coefficients.Facts:
        warning = [("Warning", self.warning)] if self.warning else []
        return [*warning, *self.facts(kind), *([coefficients.MARKS] if stars else [])]

    def to_latex(self, kind: str | None = None, *, stars: bool = False) -> str:
        """Return a LaTeX table (booktabs); stars mark two-sided p below .1, .05 and .01."""
        return coefficients.latex_table(self.title, self._notes(kind, stars), self.table(kind), stars=stars)

    def to_html(self, kind: str | None = None, *, stars: bool = False) -> str:
        """Return an HTML table; stars as in `to_latex`."""
        return coefficients.html_table(self.title, self._notes(kind, stars), self.table(kind), stars=stars)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()


# A player whose every act was foretold with this much certainty has been separated, not estimated.
CERTAIN = 1.0 - 1e-3


@checked
def estimate(
    specification: Specification,
    play: Play | pd.DataFrame,
    start: ArrayLike,
    values: Floats | None = None,
    *,
    constrained: bool = False,
    errors: bool = True,
) -> Estimates:
    """Return the maximum likelihood estimates nearest uphill of `start`, with their standard errors.

    By default a nested fixed point (Rust, 1987): each evaluation solves the game, and derivatives follow from the
    implicit function theorem. With `constrained`, values and parameters move together (Su and Judd, 2012): each trial
    takes one Newton step on the equilibrium constraints, which hold exactly at the end only. Both stop at a local
    maximum, on the branch of equilibria that they start on: see `outbid.game.many_starts`.

    * `play`: a record of play, or a table that `play_from_panel` takes: figures by axis, levels by player, months down.
    * `values`: equilibrium values at the start, shape (states, all actions), to choose the branch; by default those
      that Newton finds from zero or, where it fails, `solve`.
    * `errors`: whether to compute every kind of standard error, or the uncorrected only.

    Raises InputError also for a player whose acts the state foretells without fail (perfect separation), and a
    parameter that changes nothing; NoEquilibrium if none is found at the start.
    """
    theta = specification.parameters(start)
    game, play = checked_game(specification, theta, play)
    shape = (game.grid.size, sum(game.counts))
    if values is not None and np.shape(values) != shape:
        raise InputError("values", f"have shape {np.shape(values)}", f"Give (states, all actions) = {shape}.")
    found = maximise_likelihood(specification, play.counts(game), theta, values, constrained=constrained)
    how = "constrained optimisation" if constrained else "nested fixed point"
    return estimates_at(specification, play, theta, found, how, errors=errors)


def estimates_at(
    specification: Specification,
    play: Play,
    start: Floats,
    found: Maximum,
    how: str = "nested fixed point",
    *,
    errors: bool,
) -> Estimates:
    """Return the results at a maximum that was found from a start: errors, equilibrium, and whether it may be believed."""
    game = specification.game(found.theta)
    each = found.at.logs[play.states[:, None], play.columns(game.counts)]
    for player, column in zip(game.players, each.T, strict=True):
        if len(player.actions) > 1 and np.exp(column.min()) > CERTAIN:
            problem = "the state foretells all it did without fail, so its payoffs run off to infinity"
            fix = "Take more months, or fix a payoff of this player."
            raise InputError(f"play, {player.name}", f"{problem} (perfect separation)", fix)
    held = {"uncorrected": inverse(found.at.information)}
    if errors:
        held = covariances(specification, play, found.theta, found.at)
    converged, message = found.converged, found.message
    told = identification(specification, play.counts(game), start, found)
    if told.open:
        converged, message = False, f"the data don't tell apart {' and '.join(told.open)}"
        blank = np.isin(specification.names, told.open)
        held = {kind: np.where(blank | blank[:, None], np.nan, each) for kind, each in held.items()}
    elif converged and errors and "robust" not in held:
        converged, message = False, "the search stopped on a saddle or a ridge, not at a maximum"
    return Estimates(
        f"Payoffs by two-step maximum likelihood ({how})",
        specification.names,
        found.theta,
        held,
        float(found.at.log_likelihood),
        np.asarray(each.sum(axis=1)),
        certify(game, found.at.values, found.evaluations, "estimation"),
        converged,
        message,
        found.steps,
        found.evaluations,
        hashlib.sha256(repr(play.actions.tolist()).encode()).hexdigest(),
        told,
    )


Charge = Literal["none", "aic", "bic"]
# What a larger model may fall short of the smaller one by, in log-likelihood, and still count as maximised.
ROUNDING = 1e-6
# Two models whose months differ by less than this have the same likelihood.
SAME = 1e-10


@dataclass(frozen=True)
class ModelTest:
    """A test between two models; `p` is two-sided (one-sided in the likelihood-ratio test).

    `favours` is the model that the statistic leans to: 0 for the first, 1 for the second, None for neither.
    """

    name: str
    statistic: float
    p: float
    favours: int | None
    degrees_of_freedom: int | None = None

    def sentence(self, level: float = 0.05) -> str:
        """Return the finding in words, at a level of significance."""
        degrees = f" on {self.degrees_of_freedom} degrees of freedom" if self.degrees_of_freedom else ""
        finding = f"don't choose between the two at the {level:g} level"
        if self.favours is not None and self.p < level:
            finding = f"prefer the {('first', 'second')[self.favours]} model"
        return f"{self.name}: statistic {self.statistic:.3f}{degrees}, p {p_value(self.p, '= ')}; the data {finding}."


@checked
def likelihood_ratio(
    smaller: Estimates, larger: Estimates, first_steps: Sequence[FirstStage] = ()
) -> ModelTest:
    """Test a model against a larger one that contains it (Wilks, 1938), or refuse what shows that it does not.

    The statistic is twice the gain in log-likelihood, chi squared under the smaller model; approximate where the
    likelihood rests on an estimated first step. With both models' `first_steps`, the smaller's first, the test is of
    whole models, the state's moves and the players' together: a model then is smaller by terms of either.
    """
    from scipy.stats import chi2

    where = "likelihood-ratio test"
    _check(smaller, larger)
    few, many = len(smaller.names), len(larger.names)
    gain = larger.log_likelihood - smaller.log_likelihood
    if first_steps:
        one, two = _pair(first_steps)
        few, many, gain = (
            few + len(one.terms),
            many + len(two.terms),
            gain + two.log_likelihood - one.log_likelihood,
        )
    if many <= few:
        problem = f"the smaller model has {few} parameters and the larger {many}"
        rivals = "for rivals of which neither contains the other use `vuong` or `clarke`."
        raise InputError(where, problem, f"Give the smaller first; {rivals}")
    for each, which in ((smaller, "smaller"), (larger, "larger")):
        if not each.converged:
            raise InputError(where, f"the {which} model did not converge", "Estimate it from other starts.")
    if gain < -ROUNDING:
        problem = f"the larger model fits worse, by {-gain:.4g} in log-likelihood"
        other = "It doesn't contain the smaller one, or stopped at a lower maximum"
        raise InputError(where, problem, f"{other}: start it from the smaller one's answer.")
    statistic = 2.0 * max(gain, 0.0)
    p = float(chi2.sf(statistic, many - few))
    return ModelTest("Likelihood-ratio test", statistic, p, 1 if statistic > 0 else None, many - few)


def _pair(first_steps: Sequence[FirstStage]) -> tuple[FirstStage, FirstStage]:
    """Return two first steps of the same months, of which the second contains the first."""
    fix = "Give the smaller model's and the larger's, of the same months."
    if len(first_steps) != 2:
        raise InputError("first_steps", f"are {len(first_steps)}", fix)
    one, two = first_steps
    missing = set(one.terms) - set(two.terms)
    if one.months != two.months or missing:
        lacks = f", and the larger lacks {', '.join(sorted(missing))}" if missing else ""
        raise InputError("first_steps", f"cover {one.months} and {two.months} months{lacks}", fix)
    return one, two


@checked
def vuong(first: Estimates, second: Estimates, charge: Charge = "bic") -> ModelTest:
    """Test two rival models by the mean of their monthly log-likelihood differences (Vuong, 1989).

    The statistic is standard normal when both are equally close to the truth; positive favours the first model. It
    presumes that they are distinguishable. A parameter costs half the log of the number of months ("bic", Vuong's
    equation 5.9), one ("aic"), or nothing ("none").
    """
    name, gaps, cost = _gaps(first, second, charge, "Vuong test", spread=True)
    statistic = (float(gaps.sum()) - cost) / (float(np.std(gaps)) * float(np.sqrt(len(gaps))))
    p = float(2.0 * law(None).sf(abs(statistic)))
    return ModelTest(name, statistic, p, 0 if statistic > 0 else 1)


@checked
def clarke(first: Estimates, second: Estimates, charge: Charge = "bic") -> ModelTest:
    """Test two rival models by how many months favour each, without a distribution (Clarke, 2007).

    The statistic is the number of months that the first model explains better, binomial with chance one half when
    neither is better; months that both explain alike are left out. The charge, as in `vuong`, is spread evenly over the
    months.
    """
    from scipy.stats import binomtest

    name, gaps, cost = _gaps(first, second, charge, "Clarke test")
    gaps = gaps - cost / len(gaps)
    ahead, behind = int((gaps > SAME).sum()), int((gaps < -SAME).sum())
    p = float(binomtest(ahead, ahead + behind, 0.5).pvalue)
    return ModelTest(name, float(ahead), p, None if ahead == behind else 0 if ahead > behind else 1)


def _gaps(
    first: Estimates, second: Estimates, charge: Charge, test: str, spread: bool = False
) -> tuple[str, Floats, float]:
    """Return a test's name with its charge, by how much the first model explains each month better, and costs more.

    The months' gaps have shape (months,); with a `spread` if asked for.
    """
    _check(first, second)
    gaps = np.asarray(first.contributions - second.contributions)
    if np.max(np.abs(gaps)) < SAME or (spread and np.std(gaps) == 0):
        raise InputError(test, "both models give every month the same likelihood", "Compare two models.")
    price = {"none": 0.0, "aic": 1.0, "bic": 0.5 * float(np.log(first.observations))}
    if charge not in price:
        raise InputError("comparison, charge", f"nothing is called {charge!r}", "Use none, aic or bic.")
    told = "no charge for parameters" if charge == "none" else f"charge for parameters as in {charge.upper()}"
    return f"{test} ({told})", gaps, price[charge] * (len(first.names) - len(second.names))


def _check(first: Estimates, second: Estimates) -> None:
    if first.outcome != second.outcome or first.observations != second.observations:
        months = f"{first.observations} and {second.observations} months"
        problem = f"the models explain different actions ({months})"
        raise InputError("comparison", problem, "Estimate both from the same months and players.")
