"""Full information: payoffs, state equation and measures estimated at once, with the state unobserved.

At each parameter vector the game is solved on its grid; equilibrium play gives the probability of the actions in every
state, the kernel the state's law, the measures noisy views of it, and the forward recursion of `outbid.game.markov`
sums over all paths of the state. So the doubt about the state is carried along, and the actions speak about it too.

The likelihood is maximised with a trust region on exact scores, scaled anew between rounds by the months' scores.
Errors come from the observed information, or with the months' scores from the sandwich (White, 1982). There may be
several local maxima: start from several places, and report what each led to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from outbid.errors import InputError
from outbid.game import markov
from outbid.game.equilibrium import Equilibrium, NoEquilibrium, certify, holds, solve
from outbid.game.estimates import Estimates
from outbid.game.game import Game, Grid, Ints
from outbid.game.given import checked, numbers, shaped
from outbid.game.hidden_game import HiddenGame, natural_from
from outbid.game.identification import Identification
from outbid.game.kernel import Banded, Floats, Kernel
from outbid.game.maximise import maximise, observed_information, scaling, undecided
from outbid.game.newton import equilibrium_values, log_probabilities, residual, size_of
from outbid.game.specification import calendar

# What of a month's move a band may cut off, and of the state's months may lie at the grid's ends.
CUT, ENDS = 1e-5, 0.05


@dataclass(frozen=True, eq=False)
class Record:
    """What was seen, month by month without gaps; names of months, "YYYY-MM", that skip one are refused.

    * `actions`: shape (months, players): each player's action by its number from 0, -1 where missing.
    * `measures`: shape (months, measures), in the order of the specification; NaN where missing.
    """

    actions: Ints
    measures: Floats
    months: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        numbers("record, actions", self.actions)
        actions, measures = np.asarray(self.actions), numbers("record, measures", self.measures)
        names = calendar(self.months)
        if actions.ndim != 2 or measures.ndim != 2:
            raise InputError("record", "is no pair of tables", "Give actions and measures, one row a month.")
        if len(actions) != len(measures) or len(names) not in (0, len(actions)):
            named = f", and {len(names)} months have names" if names else ""
            problem = f"has actions of {len(actions)} months and measures of {len(measures)}{named}"
            fix = "Give both the same months; leave NaN, or -1, where one is missing."
            raise InputError("record", problem, fix)
        for month in np.flatnonzero(np.isinf(measures).any(axis=1)):
            raise InputError(f"record, measures, month {month + 1}", "is infinite", "Leave NaN there.")
        for place in np.flatnonzero(np.isnan(measures).all(axis=0)):
            raise InputError(f"record, measure {place + 1}", "has no figure at all", "Leave it out.")
        object.__setattr__(self, "actions", actions.astype(int) if actions.dtype == bool else actions)
        object.__setattr__(self, "measures", measures)
        object.__setattr__(self, "months", names)


def grid_doubts(kernel: Kernel, smoothed: Floats) -> tuple[str, ...]:
    """Return doubts about a grid, in words, from the kernel and the state by month, shape (months, states)."""
    if not isinstance(kernel, Banded):
        return ()
    notes = []
    weights, states = np.asarray(kernel.weights), kernel.weights.shape[0]
    below = weights[kernel.lower + 1 :, :, 0].max(initial=0.0)
    above = weights[: max(states - 1 - kernel.upper, 0), :, -1].max(initial=0.0)
    if max(below, above) > CUT:
        notes.append("the kernel's band is too narrow for moves this large: give the game more reach")
    ends = float(smoothed[:, [0, -1]].sum(axis=1).mean())
    if ends > ENDS:
        notes.append(f"{ends:.0%} of the state's months lie at the grid's ends: widen the grid")
    return tuple(notes)


# On wide bands and more states than this, the score in all is worked out by other means than the months' scores.
LARGE = 96


@dataclass(frozen=True)
class Point:
    """The likelihood at one parameter vector: the months' log densities, the score, and months' parts of it if asked for.

    Shapes: `logs` (months,), `score` (names,), equilibrium `values` (states, all actions), `scores` (months, names).
    """

    logs: Floats
    score: Floats
    values: Floats
    scores: Floats | None = None

    @property
    def log_likelihood(self) -> float:
        """The whole record's."""
        return float(self.logs.sum())


class Likelihood:
    """The log-likelihood of a record under a hidden game; compiled code is kept with the game and shared by records."""

    def __init__(self, hidden: HiddenGame, record: Record) -> None:
        if record.measures.shape[1] != len(hidden.measures):
            fix = f"The specification has {len(hidden.measures)} measures: one column each."
            raise InputError("record, measures", f"have {record.measures.shape[1]} columns", fix)
        self.hidden, self.record = hidden, record
        game = hidden.game(jnp.asarray(hidden.start))
        self.seen = markov.seen_actions(game.counts, record.actions)
        self.shape = (game.grid.size, sum(game.counts))
        # where one program does for both, it need not be compiled twice
        self.large = markov.is_wide(game.kernel) and game.grid.size > LARGE
        self.figures = jnp.asarray(record.measures)

    def at(self, estimates: ArrayLike, values: ArrayLike | None = None, *, by_month: bool = False) -> Point:
        """Return the likelihood at estimates in natural units, shape (names,), with scores in those units.

        `values` are equilibrium values to start from, such as those of a point nearby. Scores `by_month` take longer on
        a large grid. Raises NoEquilibrium if the game there has none that can be found.
        """
        inner = self.inward(np.asarray(estimates, dtype=float))
        point, slopes = self.at_inner(inner, values, by_month=by_month), self.slopes(inner)
        scores = None if point.scores is None else point.scores / slopes
        return replace(point, score=point.score / slopes, scores=scores)

    def inward(self, estimates: Floats) -> Floats:
        """Return the unbounded units of a search from natural ones: logs where a sign is bound."""
        if estimates.shape != self.hidden.start.shape or not np.isfinite(estimates).all():
            fix = f"Give a number for each of {self.hidden.names}."
            raise InputError("estimates", f"have shape {estimates.shape}", fix)
        free = self.hidden.signs == 0
        if (~free & (estimates * self.hidden.signs <= 0)).any():
            problem = "break a sign that the specification binds"
            raise InputError("estimates", problem, "Start on its right side.")
        return np.where(free, estimates, np.log(np.where(free, 1.0, np.abs(estimates))))

    def outward(self, inner: Floats) -> Floats:
        """Return natural units from unbounded ones, both of shape (names,)."""
        return np.asarray(natural_from(jnp.asarray(inner), jnp.asarray(self.hidden.signs)))

    def slopes(self, inner: Floats) -> Floats:
        """Derivative of natural units by inner ones, shape (names,)."""
        return np.where(self.hidden.signs == 0, 1.0, self.outward(inner))

    def at_inner(
        self, inner: Floats, values: ArrayLike | None = None, *, by_month: bool = False, thorough: bool = True
    ) -> Point:
        """Return the likelihood at unbounded units, with scores in these units; otherwise as `at`.

        Unless `thorough`, only Newton's method looks for the equilibrium: enough for a trial step, which can be
        shortened.
        """
        blank, rest = jnp.zeros(self.shape), (self.figures, self.seen)
        at = partial(_evaluate, self.hidden, by_month or not self.large, jnp.asarray(inner))
        logs, scores, found, error = at(blank if values is None else jnp.asarray(values), *rest)
        if values is not None and not holds(found, float(error)):
            logs, scores, found, error = at(blank, *rest)
        if not holds(found, float(error)):
            if not thorough:
                raise NoEquilibrium("equilibrium", "Newton's method finds none", "Take a shorter step.")
            solved = solve(self.hidden.game(jnp.asarray(self.outward(inner)))).values
            logs, scores, found, error = at(jnp.asarray(solved), *rest)
        each = np.asarray(scores)
        total, kept = (each.sum(axis=0), each) if each.ndim == 2 else (each, None)
        return Point(np.asarray(logs), total, np.asarray(found), kept)

    def state(self, estimates: ArrayLike, equilibrium: Equilibrium) -> markov.Posterior:
        """Return each month's state given the record, at estimates in natural units and the equilibrium there."""
        hidden, game = self.hidden, equilibrium.game
        first, _, logs = _chain(hidden, game, jnp.asarray(equilibrium.values))
        quantities = hidden.everything(jnp.asarray(estimates, dtype=float))[len(hidden.parameters) :]
        density = _measured(hidden, game.grid, quantities, self.figures)
        return markov.smooth(markov.Chain(first, game.kernel, logs, self.seen, density))


def _chain(hidden: HiddenGame, game: Game, values: Array) -> tuple[Array, Array, Array]:
    """Return what the forward pass takes from the game: first month, the kernel's weights, log probabilities of profiles."""
    log_profiles = markov.joint_log(game.counts, log_probabilities(game.arrays, values))
    if hidden.first is None:
        first = markov.long_run_start(game.kernel, log_profiles)
    else:
        at = game.grid.values
        first = markov.normal_start(at[:, 0] if at.shape[1] == 1 else at, *hidden.first)
    return first, game.kernel.weights, log_profiles


def _measured(hidden: HiddenGame, grid: Grid, quantities: Array, figures: Array) -> Array:
    """Return the measures' log densities, (months, states), from intercepts, loadings and sds in one row."""
    seen = [0 if each.axis is None else grid.axes.index(grid.axis(each.axis)) for each in hidden.measures]
    return markov.measure_log(grid.values[:, seen], figures, *quantities.reshape(-1, 3).T)


@partial(jax.jit, static_argnums=(0, 1))
def _evaluate(
    hidden: HiddenGame, by_month: bool, inner: Array, start: Array, figures: Array, seen: markov.Seen
) -> tuple[Array, Array, Array, Array]:
    """Return the months' logs, scores (by month or in all), equilibrium values and their residual."""
    split, count = hidden.game_names, len(hidden.parameters)
    own, measures = inner[:split], inner[split:]

    def everything(one: Array, two: Array) -> Array:
        return hidden.everything(natural_from(jnp.concatenate([one, two]), jnp.asarray(hidden.signs)))

    game = hidden.build(everything(own, measures)[:count])

    def chain(each: Array) -> tuple[tuple[Array, Array, Array], Array]:
        played = hidden.build(everything(each, measures)[:count])
        values = equilibrium_values(played.arrays, start)
        return _chain(hidden, played, values), values

    def measured(each: Array) -> Array:
        return _measured(hidden, game.grid, everything(own, each)[count:], figures)

    def record(parts: tuple[Array, Array, Array], density: Array) -> markov.Chain:
        first, weights, profiles = parts
        return markov.Chain(first, replace(game.kernel, weights=weights), profiles, seen, density)

    # The game is solved and linearised once; the measures' quantities do not move it.
    if by_month:
        parts, push, values = jax.linearize(chain, own, has_aux=True)
        density = measured(measures)
        logs = markov.month_logs(record(parts, density))

        def by_own(direction: Array) -> Array:
            moved = (push(direction),)
            return jnp.asarray(
                jax.jvp(lambda each: markov.month_logs(record(each, density)), (parts,), moved)[1]
            )

        score = jax.jacfwd(lambda each: markov.month_logs(record(parts, measured(each))))(measures)
        if split:
            score = jnp.concatenate([jax.vmap(by_own, out_axes=1)(jnp.eye(split)), score], axis=1)
    else:
        parts, pull, values = jax.vjp(chain, own, has_aux=True)
        density, pull_measures = jax.vjp(measured, measures)
        logs, slopes, by_density = markov.with_slopes(record(parts, density))
        score = jnp.concatenate([*pull(slopes), *pull_measures(by_density)])
    return logs, score, values, size_of(residual(game.arrays, values))


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
        return point if np.isfinite([point.log_likelihood, *point.score]).all() else None

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

    def information(self, frame: Floats) -> tuple[Floats, list[str]]:
        """Return the observed information in a frame, and the quantities that it leaves open.

        It is zero where the likelihood is not to be had on both sides.
        """

        def score(move: Floats) -> Floats:
            point = self.look(self.inner + move, self.point.values)
            return np.full(len(frame), np.nan) if point is None else point.score @ frame

        information, inverse = observed_information(score, frame.T, STEP), np.linalg.inv(frame)
        return information, undecided(self.likelihood.hidden.names, inverse.T @ information @ inverse, OPEN)


@dataclass(frozen=True, eq=False)
class FullInformation:
    """Estimates of a hidden game in natural units, and what they say about the state.

    Errors are "uncorrected" from the observed information, "robust" the sandwich; NaN where the record leaves a
    direction open. `scores` are the months', shape (months, names); `notes` are doubts in words, about the grid and
    about quantities that ran to zero.
    """

    estimates: Estimates
    state: markov.Posterior
    scores: Floats
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the table of estimates, and the notes under it, in plain text."""
        return "\n".join([self.estimates.summary(), *(f"Note: {note}." for note in self.notes)])


@checked
def full_information(hidden: HiddenGame, record: Record, start: ArrayLike | None = None) -> FullInformation:
    """Return the maximum likelihood estimates of a hidden game nearest uphill of `start`, in natural units."""
    likelihood = Likelihood(hidden, record)
    fix = f"Give one number for each of {', '.join(hidden.names)}."
    begin = hidden.start if start is None else shaped("start", start, hidden.start.shape, fix, hidden.names)
    if (hidden.signs * begin < 0).any() or (begin[hidden.signs != 0] == 0).any():
        raise InputError("start", "lies against a quantity's sign", "Start on the right side of zero.")
    search = Search(likelihood, begin)
    search.run()
    frame = search.frame()
    information, flat = search.information(frame)
    promise = np.inf
    if not flat:
        further = search.inner + frame @ np.linalg.solve(information, frame.T @ search.point.score)
        point = search.look(further, search.point.values)
        if point is not None and point.log_likelihood > search.point.log_likelihood:
            search.inner, search.point = further, point
        sizes, vectors = np.linalg.eigh(information)
        if sizes[0] < BLUNT:
            # once more, now that a standard error is known in every direction
            frame = frame @ (vectors / np.sqrt(sizes))
            information, flat = search.information(frame)
        slope = frame.T @ search.point.score
        promise = float(slope @ np.linalg.solve(information, slope)) / 2
    scaled = np.full_like(information, np.nan) if flat else np.linalg.inv(information)
    scores, slopes = search.scores(), likelihood.slopes(search.inner)
    months, outward = scores @ frame, slopes[:, None] * frame
    estimates = likelihood.outward(search.inner)
    game = hidden.game(jnp.asarray(estimates))
    equilibrium = certify(game, search.point.values, search.evaluations, "estimation")
    state = likelihood.state(estimates, equilibrium)
    message = f"a further step promises {promise:.1g} in log-likelihood"
    if flat:
        message = f"the record leaves open, or does not tell apart, {', '.join(flat)}"
    robust = outward @ scaled @ (months.T @ months) @ scaled @ outward.T
    found = Estimates(
        title="Payoffs, state equation and measures by full-information maximum likelihood",
        names=hidden.names,
        estimates=estimates,
        covariances={"uncorrected": outward @ scaled @ outward.T, "robust": robust},
        log_likelihood=search.point.log_likelihood,
        contributions=search.point.logs,
        equilibrium=equilibrium,
        converged=not flat and promise < PROMISE,
        message=message,
        steps=search.steps,
        evaluations=search.evaluations,
        outcome=hashlib.sha256(record.actions.tobytes() + record.measures.tobytes()).hexdigest(),
        identification=Identification(tuple(flat)),
    )
    notes = (*_vanished(hidden, found, scores), *grid_doubts(game.kernel, state.smoothed))
    return FullInformation(found, state, scores / slopes, notes)


def _vanished(hidden: HiddenGame, found: Estimates, scores: Floats) -> tuple[str, ...]:
    """Return in words which quantities ran to the end of the sign they were bound to."""
    # by the observed information, and by the months' scores: where a quantity is tiny, differences say little
    blunt = found.standard_errors() > VANISHED * np.abs(found.estimates)
    silent = VANISHED * np.sqrt((scores**2).sum(axis=0)) < 1.0
    gone = (hidden.signs != 0) & (blunt | silent)
    told = "ran to zero, the end of its sign: the record speaks against that sign, or not at all"
    return tuple(f"{hidden.names[place]} {told}" for place in np.flatnonzero(gone))
