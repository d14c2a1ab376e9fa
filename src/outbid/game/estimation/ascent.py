"""Climb a game's likelihood: the compiled evaluation, and the steps that it steers.

Each evaluation solves the game with Newton from values foretold by the last one, and differentiates the
choice probabilities by the implicit function theorem. Steps are those of a trust region measured in standard
errors: curvature is the expected information (Fisher scoring) plus a correction learnt from how the score
changed (symmetric rank one; Conn, Gould and Toint, 1991). So parameters of any scale are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.equations import log_probabilities, residual
from outbid.game.estimation.specification import Specification, as_partial
from outbid.game.estimation.trust_region import best_step, secant
from outbid.game.newton import linearised, newton, size_of
from outbid.game.solve import NoEquilibrium, holds, solve
from outbid.game.threads import one_thread_each

Floats = NDArray[np.float64]
# Newton steps on the values: to solve the game in a nested evaluation; and in a constrained one.
NESTED, CONSTRAINED = 15, 1
# The top is reached when a further step promises less, in log-likelihood.
PROMISE = 1e-10
# What rounding may leave of that promise when no step rises any more.
ROUNDING = 1e-6
# Trust region, in standard errors.
FIRST_RADIUS, LARGEST_RADIUS, SMALLEST_RADIUS = 2.0, 1e3, 1e-7
STEPS = 200


class Evaluation(NamedTuple):
    """The likelihood and what a step needs to know about it.

    Log-likelihood; its score, shape (parameters,); expected information (parameters, parameters); values
    (states, all actions) and their largest residual; log probabilities (states, all actions); derivatives by
    parameter of values and of log probabilities (states, all actions, parameters).
    """

    log_likelihood: Any
    score: Any
    information: Any
    values: Any
    error: Any
    logs: Any
    moves: Any
    slopes: Any


@dataclass(frozen=True)
class Ascent:
    """Where a climb ended: parameters, the evaluation there, whether and why it stopped, and how long it took."""

    theta: Floats
    at: Evaluation
    converged: bool
    message: str
    steps: int
    evaluations: int


@jax.jit
def _evaluate(build: Any, theta: Array, start: Array, counts: Array, steps: Array) -> Evaluation:
    fixed = build(theta).arrays
    values = newton(fixed, start, cast(int, steps)).values
    inverse, gap = linearised(fixed, values), residual(fixed, values)

    def near(each: Array) -> tuple[Array, Array]:
        # equal to `values` at theta, and with the derivative of the implicit function
        arrays = build(each).arrays
        moved = values - inverse(residual(arrays, values) - gap)
        return jnp.concatenate(log_probabilities(arrays, moved), axis=-1), moved

    def push(direction: Array) -> Any:
        return jax.jvp(near, (theta,), (direction,))

    basis = jnp.eye(theta.shape[0])
    (logs, _), (slopes, moves) = jax.vmap(push, out_axes=((None, None), (-1, -1)))(basis)
    # months by state, once per player: each player's row of counts sums to the months spent in the state
    weights = _months(counts, fixed.counts) * jnp.exp(logs)
    information = jnp.einsum("sa,sap,saq->pq", weights, slopes, slopes)
    score = jnp.einsum("sa,sap->p", counts, slopes)
    reached = jnp.where(counts > 0, counts * logs, 0.0).sum()
    return Evaluation(reached, score, information, values, size_of(gap), logs, moves, slopes)


def _months(counts: Array, actions: tuple[int, ...]) -> Array:
    """Return months spent in each state, repeated for every action, shape (states, all actions)."""
    return jnp.repeat(counts[:, : actions[0]].sum(axis=1, keepdims=True), sum(actions), axis=1)


def evaluate(
    specification: Specification, theta: Floats, start: Floats, counts: Floats, steps: int = NESTED
) -> Evaluation:
    """Return the log-likelihood of counted actions, its score and information, and the values they rest on.

    Compiled once for a specification; pure. Quickest inside `outbid.game.threads.one_thread_each`.

    Parameters
    ----------
    theta, start
        Parameters, shape (parameters,), and values to start Newton from, shape (states, all actions).
    counts
        In how many months each action was taken in each state, shape (states, all actions).
    steps
        Newton steps on the values, at most.
    """
    build = as_partial(specification.build)
    found = _evaluate(build, jnp.asarray(theta), jnp.asarray(start), jnp.asarray(counts), jnp.asarray(steps))
    return Evaluation(*(np.asarray(part) for part in found))


@one_thread_each()
def climb(
    specification: Specification,
    counts: Floats,
    start: Floats,
    values: Floats | None = None,
    *,
    constrained: bool = False,
) -> Ascent:
    """Climb from `start` to the nearest top of the likelihood.

    Parameters
    ----------
    counts
        As for `evaluate`.
    values
        Equilibrium values at the start, if at hand; else those that Newton finds from zero or, failing that, `solve`.
    constrained
        Take one Newton step on the values with each trial step, instead of solving the game each time; the
        equations then hold at the end only, and the residual allowed on the way shrinks with every step taken.

    Raises
    ------
    InputError
        If a parameter changes no choice probability.
    NoEquilibrium
        If the game at the start has none that can be found.
    """
    theta = np.array(start, dtype=float)
    inner = CONSTRAINED if constrained else NESTED
    at = evaluate(specification, theta, np.zeros_like(counts) if values is None else values, counts)
    if not _sound(at):
        at = evaluate(specification, theta, solve(specification.game(theta)).values, counts)
    if not _sound(at):
        raise NoEquilibrium(
            "start", "the game there has no equilibrium that could be held", "Start elsewhere."
        )
    learnt, radius, allowed = np.zeros_like(at.information), FIRST_RADIUS, 1e-4
    evaluations, message, converged, taken = 1, f"no top within {STEPS} steps", False, 0
    while taken < STEPS:
        frame = _frame(specification, at)
        promised = float(((frame.T @ at.score) ** 2).sum()) / 2
        if promised < PROMISE and _sound(at):
            converged, message = True, f"a further step promises less than {PROMISE:g} in log-likelihood"
            break
        trial, failures = None, 0
        while radius > SMALLEST_RADIUS:
            inward, gain = best_step(frame, at.score, at.information + learnt, radius)
            move = frame @ inward
            trial = _trial(specification, theta + move, at.values + at.moves @ move, counts, inner, failures)
            evaluations += 1
            rise = (float(trial.log_likelihood) - float(at.log_likelihood)) / gain
            ahead = trial.error <= allowed if constrained else _sound(trial)
            length = float(np.linalg.norm(inward))
            if ahead and rise > 1e-4:
                break
            failures = 0 if ahead else failures + 1
            radius, trial = 0.25 * min(radius, length), None
        if trial is None:
            converged = promised < ROUNDING
            message = "no step rises any more" + ("" if converged else ", though one should")
            break
        turned = at.score - trial.score
        learnt = learnt + secant(turned - (trial.information + learnt) @ move, move, trial.information)
        if rise > 0.75 and length > 0.8 * radius:
            radius = min(2.5 * radius, LARGEST_RADIUS)
        elif rise < 0.25:
            radius = 0.5 * length
        theta, at, taken = theta + move, trial, taken + 1
        # what the residual may hide of the likelihood has to stay small beside what is left to gain
        allowed = max(1e-4 * min(1.0, promised), 1e-11 * (1.0 + float(np.abs(at.values).max())))
    if constrained:
        at = evaluate(specification, theta, at.values, counts)
        evaluations += 1
        left = _frame(specification, at).T @ at.score
        converged = converged and float((left**2).sum()) / 2 < ROUNDING
    return Ascent(theta, at, converged and _sound(at), message, taken, evaluations)


def _sound(at: Evaluation) -> bool:
    return bool(np.isfinite(at.log_likelihood)) and holds(at.values, float(at.error))


def _trial(
    specification: Specification, theta: Floats, guess: Floats, counts: Floats, steps: int, failures: int
) -> Evaluation:
    """Evaluate at a trial point; where Newton keeps failing from nearby, solve the game from scratch."""
    trial = evaluate(specification, theta, guess, counts, steps)
    if failures < 3 or _sound(trial):
        return trial
    try:
        return evaluate(specification, theta, solve(specification.game(theta)).values, counts)
    except InputError:
        return trial._replace(error=np.asarray(np.inf))


def _frame(specification: Specification, at: Evaluation) -> Floats:
    """Return directions in which one unit is one standard error, as columns: T with T' I T = 1."""
    scale = np.sqrt(np.diag(at.information))
    for name, each in zip(specification.names, scale, strict=True):
        if not each > 0:
            raise InputError(
                f"parameter {name!r}",
                "changes no choice in the months at hand, so it can't be estimated",
                "Fix it, or take other months.",
            )
    sizes, vectors = np.linalg.eigh(at.information / np.outer(scale, scale))
    return np.asarray(vectors / np.sqrt(np.maximum(sizes, 1e-12)) / scale[:, None])
