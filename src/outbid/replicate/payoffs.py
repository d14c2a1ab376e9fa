"""The payoffs' estimates, with three kinds of standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outbid.game.estimation.ascent import evaluate
from outbid.game.estimation.estimate import Play, Specification, estimate
from outbid.game.estimation.estimates import Estimates
from outbid.game.solve import holds
from outbid.replicate.declared import Floats
from outbid.replicate.settings import PlaySettings

# Newton steps that lead from values of zero to an equilibrium, at most.
FROM_ZERO = 60


@dataclass(frozen=True, eq=False)
class Payoffs:
    """Estimated payoffs: values of the state by player, then costs by player. See `outbid.game.estimation.covariance`.

    Parameters
    ----------
    held
        The estimation's own result.
    first, corrected, full
        Standard errors that take the state equation for known, that are corrected as published, and that also count
        how the equilibrium moves with the state equation; each of shape (payoffs,), NaN where there are none.
    """

    held: Estimates
    first: Floats
    corrected: Floats
    full: Floats

    @property
    def estimates(self) -> Floats:
        """The payoffs, shape (payoffs,)."""
        return self.held.estimates

    @property
    def covariance(self) -> Floats:
        """The payoffs' covariance that intervals rest on, shape (payoffs, payoffs)."""
        return self.held.vcov()

    @property
    def published_covariance(self) -> Floats | None:
        """The same with the published form of the correction, None where errors were not asked for."""
        return self.held.vcov("published") if "published" in self.held.covariances else None

    @property
    def log_likelihood(self) -> float:
        """Of all months' actions."""
        return self.held.log_likelihood

    @property
    def values(self) -> Floats:
        """The equilibrium's values, shape (states, all actions)."""
        return self.held.equilibrium.values

    @property
    def problems(self) -> tuple[str, ...]:
        """What stands against believing them; empty if nothing does."""
        return () if self.held.converged else (f"The payoffs were not found: {self.held.message}.",)


def start_of(play: PlaySettings) -> Floats:
    """Return where the search for the payoffs begins."""
    return np.array([*(each.value for each in play.players), *(each.cost for each in play.players)])


def _values_at(family: Specification, seen: Play, start: Floats) -> Floats | None:
    """Return the equilibrium's values at the start, or None where Newton from zero does not find them.

    By the code that the estimation needs anyway: `solve` would have to be compiled for, which takes longer.
    """
    game = family.game(start)
    blank = np.zeros((game.grid.size, sum(game.counts)))
    at = evaluate(family, start, blank, seen.counts(game), FROM_ZERO)
    return at.values if holds(at.values, float(at.error)) else None


def estimate_payoffs(
    family: Specification, seen: Play, play: PlaySettings, *, errors: bool = True
) -> Payoffs:
    """Return the maximum likelihood estimates uphill of the study's own start.

    Without `errors`, only those that take the state equation for known are worked out, which is sooner done.
    """
    start = start_of(play)
    held = estimate(family, seen, start, _values_at(family, seen, start), errors=errors)

    def by_kind(kind: str) -> Floats:
        found = kind in held.covariances
        return held.standard_errors(kind) if found else np.full(len(held.estimates), np.nan)

    return Payoffs(held, by_kind("uncorrected"), by_kind("published"), by_kind("corrected"))
