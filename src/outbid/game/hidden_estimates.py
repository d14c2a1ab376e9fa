"""Full information: payoffs, state equation and measures estimated at once, with the state unobserved.

Where the two-step estimator takes a smoothed state for the true one, this one carries the doubt about it
along, and lets the actions speak about the state too. It maximises the likelihood of
`outbid.game.hidden_likelihood` with a trust region on exact scores, scaled anew between rounds by the months'
scores. Errors come from the observed information, or with the months' scores from the sandwich (White, 1982).
The likelihood may have several local maxima: start from several places, and report what each led to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.equilibrium import Equilibrium, certify
from outbid.game.estimates import Estimates
from outbid.game.hidden_game import HiddenGame
from outbid.game.hidden_likelihood import Likelihood, Point, Record, grid_doubts
from outbid.game.markov import Posterior
from outbid.game.maximise import maximise, observed_information, scaling

Floats = NDArray[np.float64]
# Rounds, each scaled anew; steps in each; the slope, per standard error, that ends it; and the rise that a round needs.
ROUNDS, STEPS, LEVEL, RISE = 5, 120, 1e-4, 1e-6
# Directions in which the months' scores say less than this share of the most are not stretched any further.
FAINT = 1e-4
# Half the distance between scores whose difference gives the observed information, in standard errors.
STEP = 0.01
# The maximum is reached when a further Newton step promises less than this in log-likelihood.
PROMISE = 1e-6
# A direction with less information than this was stepped through too finely for differences.
BLUNT = 0.1
# Directions with less information than this share of the most are open.
OPEN = 1e-7
# A quantity bound to a sign has run to zero when its error is this many times itself.
VANISHED = 10.0


class Search:
    """A search for the maximum: the best point so far, from whose values each new game is solved."""

    def __init__(self, likelihood: Likelihood, start: Floats) -> None:
        self.likelihood = likelihood
        self.inner = likelihood.inward(start)
        self.point = likelihood.at_inner(self.inner)
        self.evaluations, self.steps = 1, 0
        if not np.isfinite(self.point.log_likelihood):
            raise InputError("start", "gives the record no likelihood", "Start nearer to the figures.")

    def look(self, inner: Floats, values: Floats) -> Point | None:
        """Return the likelihood at a point, its game solved from `values`, or nothing where there is none."""
        self.evaluations += 1
        try:
            point = self.likelihood.at_inner(inner, values, thorough=False)
        except InputError:
            # no equilibrium, or numbers so large that there is no game
            return None
        sound = np.isfinite(point.log_likelihood) and np.isfinite(point.score).all()
        return point if sound else None

    def better(self, inner: Floats) -> bool:
        """Move to a point if it is higher, and say whether it was."""
        point = self.look(inner, self.point.values)
        if point is None or point.log_likelihood <= self.point.log_likelihood:
            return False
        self.inner, self.point = inner, point
        return True

    def scores(self) -> Floats:
        """Return the months' scores at the best point, shape (months, names)."""
        if self.point.scores is None:
            self.evaluations += 1
            self.point = self.likelihood.at_inner(self.inner, self.point.values, by_month=True)
        return np.asarray(self.point.scores)

    def frame(self) -> Floats:
        """Return directions in which one unit is about one standard error, as columns."""
        squares = self.scores().T @ self.scores()
        scale = np.sqrt(np.diag(squares))
        # what moves nothing here may do so elsewhere, such as a payoff where actions have no effect
        scale = np.where(scale > 0, scale, max(float(scale.max()), 1e-300))
        # what is searched in logs is not to grow or shrink by more than a factor of e in one unit
        scale = np.where(self.likelihood.hidden.signs == 0, scale, np.maximum(scale, 1.0))
        return scaling(squares, scale, FAINT)

    def run(self) -> None:
        """Search until the likelihood is level all round."""

        def metric(_: Point) -> tuple[Floats, Floats]:
            return inverse.T @ inverse, frame

        def trial(inner: Floats, _: Floats, before: Point, __: int) -> Point | None:
            return self.look(inner, before.values)

        for _ in range(ROUNDS):
            frame, before = self.frame(), self.point.log_likelihood
            inverse = np.linalg.inv(frame)
            if np.abs(frame.T @ self.point.score).max() < LEVEL:
                return
            done = maximise(self.inner, self.point, trial, metric, promise=LEVEL**2 / 2, steps=STEPS)
            self.inner, self.point = done.theta, done.at
            self.steps += done.steps
            if self.point.log_likelihood - before < RISE:
                return

    def information(self, frame: Floats) -> Floats:
        """Return the observed information in a frame; zero where the likelihood is not to be had on both sides."""

        def score(move: Floats) -> Floats:
            point = self.look(self.inner + move, self.point.values)
            return np.full(len(frame), np.nan) if point is None else point.score @ frame

        return observed_information(score, frame.T, STEP)


@dataclass(frozen=True, eq=False)
class FullInformation:
    """Estimates of a hidden game, and what they say about the state.

    * `estimates`: all that was estimated, in natural units, with its errors: "uncorrected" from the observed
      information, "robust" the sandwich. There was no first step to correct for. NaN where the record leaves
      a direction open.
    * `state`: each month's state given the record; its mean and standard deviation from the grid's points.
    * `scores`: months' scores at the estimates, shape (months, names).
    * `notes`: doubts, in words: about the grid, and about quantities that ran to zero.
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

    * `hidden`: what is to be estimated, and its anchors.
    * `record`: actions and measures by month.
    * `start`: where to begin, shape (names,), in natural units; by default the specification's starts.

    Raises InputError if record and specification do not fit, or the start gives the record no likelihood.
    Raises NoEquilibrium if the game at the start has none that can be found.
    """
    likelihood = Likelihood(hidden, record)
    search = Search(likelihood, hidden.start if start is None else np.asarray(start, dtype=float))
    search.run()
    frame = search.frame()
    information = search.information(frame)
    flat, promise = _undecided(hidden.names, frame, information), np.inf
    if not flat:
        search.better(search.inner + frame @ np.linalg.solve(information, frame.T @ search.point.score))
        sizes, vectors = np.linalg.eigh(information)
        if sizes[0] < BLUNT:
            # once more, now that a standard error is known in every direction
            frame = frame @ (vectors / np.sqrt(sizes))
            information = search.information(frame)
            flat = _undecided(hidden.names, frame, information)
        slope = frame.T @ search.point.score
        promise = float(slope @ np.linalg.solve(information, slope)) / 2
    scaled = np.linalg.inv(information) if not flat else np.full_like(information, np.nan)
    scores = search.scores()
    months = scores @ frame
    outward = likelihood.slopes(search.inner)[:, None] * frame
    estimates = likelihood.outward(search.inner)
    game, values = hidden.game(jnp.asarray(estimates)), search.point.values
    certificate = certify(game, jnp.asarray(values), search.evaluations, "estimation")
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
        search.point.log_likelihood,
        search.point.logs,
        equilibrium,
        not flat and promise < PROMISE,
        message,
        search.steps,
        search.evaluations,
        hashlib.sha256(record.actions.tobytes() + record.measures.tobytes()).hexdigest(),
    )
    natural = scores / likelihood.slopes(search.inner)
    return FullInformation(
        found, state, natural, (*_vanished(hidden, found, scores), *grid_doubts(game.kernel, state.smoothed))
    )


def _undecided(names: tuple[str, ...], frame: Floats, information: Floats) -> list[str]:
    """Return the quantities in directions without positive information: a saddle, or a likelihood that is level."""
    inverse = np.linalg.inv(frame)
    full = inverse.T @ information @ inverse
    size = np.sqrt(np.maximum(np.abs(np.diag(full)), 1e-300))
    sizes, vectors = np.linalg.eigh(full / np.outer(size, size))
    shares = np.abs(vectors[:, sizes <= OPEN * sizes[-1]]).max(axis=1, initial=0.0)
    return [name for name, share in zip(names, shares, strict=True) if share > 0.1]


def _vanished(hidden: HiddenGame, found: Estimates, scores: Floats) -> tuple[str, ...]:
    """Return which quantities ran to the end of the sign they were bound to, in words."""
    # by the observed information, and by the months' scores: where a quantity is tiny, differences say little
    blunt = found.standard_errors() > VANISHED * np.abs(found.estimates)
    silent = VANISHED * np.sqrt((scores**2).sum(axis=0)) < 1.0
    gone = (hidden.signs != 0) & (blunt | silent)
    return tuple(
        f"{name} ran to zero, the end of its sign: the record speaks against that sign, or not at all"
        for name, each in zip(hidden.names, gone, strict=True)
        if each
    )
