"""Full information: payoffs, state equation and measures estimated at once, with the state unobserved.

Where the two-step estimator takes a smoothed state for the true one, this one carries the doubt about it along, and
lets the actions speak about the state too. It maximises the likelihood of `outbid.game.hidden.likelihood` with a
trust region (SciPy) on exact scores, in directions scaled to standard errors. Errors come from the observed
information, or with the months' scores from the sandwich (White, 1982). The likelihood may have several local
maxima: start from several places, and report what each led to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.game.estimation.estimates import Estimates
from outbid.game.hidden.climb import Climb
from outbid.game.hidden.game import HiddenGame
from outbid.game.hidden.inputs import Record, grid_doubts
from outbid.game.hidden.likelihood import Likelihood
from outbid.game.hidden.markov import Posterior
from outbid.game.solve import Equilibrium, certify

Floats = NDArray[np.float64]
# The top is reached when a further Newton step promises less than this in log-likelihood.
PROMISE = 1e-6
# A direction with less information than this was stepped through too finely for differences.
BLUNT = 0.1
# Directions with less information than this share of the most are open.
OPEN = 1e-7
# A quantity bound to a sign has run to zero when its error is this many times itself.
VANISHED = 10.0


@dataclass(frozen=True, eq=False)
class FullInformation:
    """Estimates of a hidden game, and what they say about the state.

    Parameters
    ----------
    estimates
        All that was estimated, in natural units, with its errors: "uncorrected" from the observed information,
        "robust" the sandwich. There was no first step to correct for. NaN where the record leaves a direction open.
    state
        Each month's state given the record; its mean and standard deviation from the grid's points.
    scores
        Months' scores at the estimates, shape (months, names).
    notes
        Doubts, in words: about the grid, and about quantities that ran to zero.
    """

    estimates: Estimates
    state: Posterior
    scores: Floats
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the table of estimates, and the notes under it, in plain text."""
        return "\n".join([self.estimates.summary(), *(f"Note: {note}." for note in self.notes)])


def full_information(hidden: HiddenGame, record: Record, start: ArrayLike | None = None) -> FullInformation:
    """Return the maximum likelihood estimates of a hidden game nearest uphill of `start`.

    Parameters
    ----------
    hidden
        What is to be estimated, and its anchors.
    record
        Actions and measures by month.
    start
        Where to begin, shape (names,), in natural units; by default the specification's starts.

    Raises
    ------
    InputError
        If record and specification do not fit, or the start gives the record no likelihood.
    NoEquilibrium
        If the game at the start has none that can be found.
    """
    likelihood = Likelihood(hidden, record)
    climb = Climb(likelihood, hidden.start if start is None else np.asarray(start, dtype=float))
    climb.run()
    frame = climb.frame()
    information = climb.information(frame)
    flat, promise = _undecided(hidden.names, frame, information), np.inf
    if not flat:
        climb.better(climb.inner + frame @ np.linalg.solve(information, frame.T @ climb.point.score))
        sizes, vectors = np.linalg.eigh(information)
        if sizes[0] < BLUNT:
            # once more, now that a standard error is known in every direction
            frame = frame @ (vectors / np.sqrt(sizes))
            information = climb.information(frame)
            flat = _undecided(hidden.names, frame, information)
        slope = frame.T @ climb.point.score
        promise = float(slope @ np.linalg.solve(information, slope)) / 2
    scaled = np.linalg.inv(information) if not flat else np.full_like(information, np.nan)
    scores = climb.scores()
    months = scores @ frame
    outward = likelihood.slopes(climb.inner)[:, None] * frame
    estimates = likelihood.outward(climb.inner)
    game, values = hidden.game(jnp.asarray(estimates)), climb.point.values
    certificate = certify(game, jnp.asarray(values), climb.evaluations, "estimation")
    equilibrium = Equilibrium(game, values, certificate)
    state = likelihood.state(estimates, equilibrium)
    message = f"a further step promises {promise:.1g} in log-likelihood"
    if flat:
        message = f"the record leaves open, or does not tell apart, {', '.join(flat)}"
    found = Estimates(
        "Payoffs, state equation and measures by full-information maximum likelihood",
        hidden.names,
        estimates,
        {
            "uncorrected": outward @ scaled @ outward.T,
            "robust": outward @ scaled @ (months.T @ months) @ scaled @ outward.T,
        },
        climb.point.log_likelihood,
        climb.point.logs,
        equilibrium,
        not flat and promise < PROMISE,
        message,
        climb.steps,
        climb.evaluations,
        hashlib.sha256(record.actions.tobytes() + record.measures.tobytes()).hexdigest(),
    )
    natural = scores / likelihood.slopes(climb.inner)
    return FullInformation(
        found, state, natural, (*_vanished(hidden, found), *grid_doubts(game.kernel, state.smoothed))
    )


def _undecided(names: tuple[str, ...], frame: Floats, information: Floats) -> list[str]:
    """Return the quantities in directions without positive information: a saddle, or a likelihood that is level."""
    inverse = np.linalg.inv(frame)
    full = inverse.T @ information @ inverse
    size = np.sqrt(np.maximum(np.abs(np.diag(full)), 1e-300))
    sizes, vectors = np.linalg.eigh(full / np.outer(size, size))
    shares = np.abs(vectors[:, sizes <= OPEN * sizes[-1]]).max(axis=1, initial=0.0)
    return [name for name, share in zip(names, shares, strict=True) if share > 0.1]


def _vanished(hidden: HiddenGame, found: Estimates) -> tuple[str, ...]:
    """Return which quantities ran to the end of the sign they were bound to, in words."""
    gone = (hidden.signs != 0) & (found.standard_errors() > VANISHED * np.abs(found.estimates))
    return tuple(
        f"{name} ran to zero, the end of its sign: the record speaks against that sign, or not at all"
        for name, each in zip(hidden.names, gone, strict=True)
        if each
    )
