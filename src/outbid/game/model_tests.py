"""Which of two models of the same play is the better one: tests for nested and for rival models.

Months hang together through the state only, so given the state their log-likelihoods are treated as
independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.estimates import Estimates

Floats = NDArray[np.float64]
Charge = Literal["none", "aic", "bic"]
# What a larger model may fall short of the smaller one by, in log-likelihood, and still count as maximised.
ROUNDING = 1e-6
# Two models whose months differ by less than this have the same likelihood.
SAME = 1e-10


@dataclass(frozen=True)
class ModelTest:
    """A test between two models.

    * `name`: which test.
    * `statistic`: its statistic; see the function that made it.
    * `p`: two-sided p value (the likelihood-ratio test's only side for that one).
    * `favours`: 0 for the first model, 1 for the second: which one the statistic leans to; None for neither.
    * `degrees_of_freedom`: of the likelihood-ratio test.
    """

    name: str
    statistic: float
    p: float
    favours: int | None
    degrees_of_freedom: int | None = None

    def sentence(self, level: float = 0.05) -> str:
        """Return the finding in words, at a level of significance."""
        degrees = f" on {self.degrees_of_freedom} degrees of freedom" if self.degrees_of_freedom else ""
        told = f"{self.name}: statistic {self.statistic:.3f}{degrees}, p = {self.p:.3f}; "
        if self.favours is None or self.p >= level:
            return told + f"the data don't choose between the two at the {level:g} level."
        return told + f"the data prefer the {('first', 'second')[self.favours]} model."


def likelihood_ratio(smaller: Estimates, larger: Estimates) -> ModelTest:
    """Test a model against a larger one that contains it (Wilks, 1938).

    The statistic is twice the gain in log-likelihood, chi squared under the smaller model, with the
    additional parameters as degrees of freedom. Where a second-step likelihood rests on an estimated first
    step, it is approximate. Whether one model contains the other can't be seen from results; what shows that
    it doesn't is refused.

    Raises InputError if the models explain different months or actions, the "smaller" one has no fewer
    parameters, one did not converge, or the "larger" one fits worse than what it is said to contain.
    """
    _check(smaller, larger)
    degrees = len(larger.names) - len(smaller.names)
    if degrees <= 0:
        raise InputError(
            "likelihood-ratio test",
            f"the smaller model has {len(smaller.names)} parameters and the larger {len(larger.names)}",
            "Give the smaller first; for rivals of which neither contains the other use `vuong` or `clarke`.",
        )
    for each, which in ((smaller, "smaller"), (larger, "larger")):
        if not each.converged:
            raise InputError(
                "likelihood-ratio test",
                f"the {which} model did not converge",
                "Estimate it from other starts.",
            )
    gain = larger.log_likelihood - smaller.log_likelihood
    if gain < -ROUNDING:
        raise InputError(
            "likelihood-ratio test",
            f"the larger model fits worse, by {-gain:.4g} in log-likelihood",
            "It doesn't contain the smaller one, or stopped at a lower maximum: start it from the smaller one's answer.",
        )
    from scipy.stats import chi2

    statistic = 2.0 * max(gain, 0.0)
    p = float(chi2.sf(statistic, degrees))
    return ModelTest("Likelihood-ratio test", statistic, p, 1 if statistic > 0 else None, degrees)


def vuong(first: Estimates, second: Estimates, charge: Charge = "bic") -> ModelTest:
    """Test two rival models by the mean of their monthly log-likelihood differences (Vuong, 1989).

    The statistic is standard normal when both are equally close to the truth; positive favours the first
    model. It presumes that the models are distinguishable; for nested ones use `likelihood_ratio`.

    * `charge`: what each parameter costs: "bic" half the log of the number of months (Vuong, 1989, equation
      5.9), "aic" one, "none" nothing.

    Raises InputError if the models explain different months or actions, or give every month the same
    likelihood.
    """
    gaps = _gaps(first, second, "Vuong test", spread=True)
    spread = float(np.std(gaps))
    from scipy.stats import norm

    total = float(gaps.sum()) - _charge(first, second, charge)
    statistic = total / (spread * float(np.sqrt(len(gaps))))
    p = float(2.0 * norm.sf(abs(statistic)))
    return ModelTest(f"Vuong test ({_told(charge)})", statistic, p, 0 if statistic > 0 else 1)


def clarke(first: Estimates, second: Estimates, charge: Charge = "bic") -> ModelTest:
    """Test two rival models by how many months favour each, without a distribution (Clarke, 2007).

    The statistic is the number of months that the first model explains better, binomial with chance one half
    when neither is better. Months that both explain alike are left out. Where the gaps are skewed, it can
    differ from Vuong's test.

    * `charge`: as in `vuong`; spread evenly over the months.

    Raises InputError as `vuong`.
    """
    gaps = _gaps(first, second, "Clarke test")
    gaps = gaps - _charge(first, second, charge) / len(gaps)
    ahead, behind = int((gaps > SAME).sum()), int((gaps < -SAME).sum())
    from scipy.stats import binomtest

    p = float(binomtest(ahead, ahead + behind, 0.5).pvalue)
    leans = None if ahead == behind else 0 if ahead > behind else 1
    return ModelTest(f"Clarke test ({_told(charge)})", float(ahead), p, leans)


def _gaps(first: Estimates, second: Estimates, test: str, spread: bool = False) -> Floats:
    """Return by how much the first model explains each month better, shape (months,); with a `spread` if asked for."""
    _check(first, second)
    gaps = first.contributions - second.contributions
    if np.max(np.abs(gaps)) < SAME or (spread and np.std(gaps) == 0):
        raise InputError(test, "both models give every month the same likelihood", "Compare two models.")
    return np.asarray(gaps)


def _charge(first: Estimates, second: Estimates, charge: Charge) -> float:
    price = {"none": 0.0, "aic": 1.0, "bic": 0.5 * float(np.log(first.observations))}
    if charge not in price:
        raise InputError("comparison, charge", f"nothing is called {charge!r}", "Use none, aic or bic.")
    return price[charge] * (len(first.names) - len(second.names))


def _told(charge: Charge) -> str:
    return "no charge for parameters" if charge == "none" else f"charge for parameters as in {charge.upper()}"


def _check(first: Estimates, second: Estimates) -> None:
    if first.outcome != second.outcome or first.observations != second.observations:
        raise InputError(
            "comparison",
            f"the models explain different actions ({first.observations} and {second.observations} months)",
            "Estimate both from the same months and players.",
        )
