"""A game's likelihood: the compiled evaluation, its maximum, and how sure the estimates are.

Each evaluation solves the game with Newton from values foretold by the last one, and differentiates the choice
probabilities by the implicit function theorem.

Four covariances of the second step, by what they allow for:

- ``uncorrected``: the inverse V = I⁻¹ of the expected information, I = Σ_s n_s Σ_i Σ_a p_i(a|s) L_i L_i' with L_i the
  derivative of log p_i(a|s) in the payoffs θ, through the equilibrium. It takes the first step's numbers γ (the state
  equation) for known.
- ``robust``: H⁻¹ (Σ_t s_t s_t') H⁻¹ with the observed second derivative H (Huber, 1967; White, 1982). It allows for a
  wrong model, not for the first step.
- ``published``: V + V Ω V₁ Ω' V with V₁ the covariance of γ and Ω = Σ_t s_θ(t) s_γ(t)', where s_θ(t) is month t's score
  and s_γ(t) that of the transition into month t, t = 2..T, on the grid. The form behind the errors printed with the
  outbidding game (Crisman-Cox and Gibilisco). It leaves out that γ also moves the equilibrium.
- ``corrected``: V + V C V₁ C' V with C = Σ_s n_s Σ_i Σ_a p_i(a|s) L_i M_i' and M_i the derivative of log p_i(a|s) in γ,
  through kernel and equilibrium (Murphy and Topel, 1985).

Derivation of the last. Expand the second step's first-order condition in both arguments: 0 = s_θ(θ̂, γ̂) ≈ s_θ - I (θ̂
- θ) - C (γ̂ - γ), for minus the expected second derivatives are I and C by the information equality. Hence θ̂ - θ ≈ V
[s_θ - C (γ̂ - γ)]. Murphy and Topel's formula has further terms in R = E Σ s_θ s_γ', the covariance of the two steps.
Here R = 0: given the state, what a player does this month has mean-zero score whatever came before, and the noise of
the next transition is independent of it. A sample's Ω is not zero, but that is noise, and it is left out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.errors import InputError
from outbid.game.equilibrium import NoEquilibrium, holds, solve
from outbid.game.kernel import Floats, Kernel, Scattered
from outbid.game.maximise import ROUNDING, Maximum, maximise, observed_information, scaling
from outbid.game.newton import linearised, log_probabilities, newton, one_thread_each, residual, size_of
from outbid.game.specification import Play, Specification, as_partial

# A parameter that moves choices by no more than this share of what it moves the values by moves none: rounding is left.
SILENT = 1e-9
# In directions with less than this share of the most information, in parameters' own units, nothing is told.
FAINT = 1e-6
# Newton steps on the values in an evaluation.
NEWTON_STEPS = 15


class Evaluation(NamedTuple):
    """The log-likelihood and what a step needs to know about it.

    Its score, shape (parameters,); expected information (parameters, parameters); values (states, all actions) and their
    largest residual; log probabilities, shaped alike; derivatives by parameter of both (states, all actions, parameters).
    """

    log_likelihood: Any
    score: Any
    information: Any
    values: Any
    error: Any
    logs: Any
    moves: Any
    slopes: Any


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
    # each player's row of counts sums to the months spent in the state
    weights = counts[:, : fixed.counts[0]].sum(axis=1, keepdims=True) * jnp.exp(logs)
    information = jnp.einsum("sa,sap,saq->pq", weights, slopes, slopes)
    score = jnp.einsum("sa,sap->p", counts, slopes)
    reached = jnp.where(counts > 0, counts * logs, 0.0).sum()
    return Evaluation(reached, score, information, values, size_of(gap), logs, moves, slopes)


def evaluate(
    specification: Specification, theta: Floats, start: Floats, counts: Floats, steps: int = NEWTON_STEPS
) -> Evaluation:
    """Return the log-likelihood of counted actions, its score and information, and the values they rest on.

    Compiled once for a specification; quickest inside `one_thread_each`. Newton starts from values `start` and takes
    `steps` at most; `counts` are months in which each action was taken in each state, both of shape (states, all
    actions).
    """
    found = _evaluate(as_partial(specification.build), *map(jnp.asarray, (theta, start, counts, steps)))
    return Evaluation(*map(np.asarray, found))


@one_thread_each()
def maximise_likelihood(
    specification: Specification,
    counts: Floats,
    start: Floats,
    values: Floats | None = None,
    *,
    constrained: bool = False,
    pull: Floats | None = None,
) -> Maximum:
    """Return the maximum of the likelihood uphill of `start`; its point is an `Evaluation`.

    `values` are the equilibrium's at the start; else those that Newton finds from zero or, failing that, `solve`. With
    `constrained`, each trial takes one Newton step on the values; the equations then hold at the end only, and the
    residual allowed on the way shrinks with what is left to gain. A `pull` to zero, shape (parameters,), takes half of
    it times each parameter's square off the likelihood; the point, its score and information are then with it.
    """

    def look(theta: Floats, values: Floats, steps: int = NEWTON_STEPS) -> Evaluation:
        at = evaluate(specification, theta, values, counts, steps)
        if pull is None:
            return at
        height, score = at.log_likelihood - pull @ theta**2 / 2, at.score - pull * theta
        return at._replace(log_likelihood=height, score=score, information=at.information + np.diag(pull))

    def solved(theta: Floats) -> Evaluation:
        return look(theta, solve(specification.game(theta)).values)

    def trial(theta: Floats, move: Floats, before: Evaluation, failures: int) -> Evaluation | None:
        at = look(theta, before.values + before.moves @ move)
        # where Newton keeps failing from nearby, the game is solved from scratch
        if failures >= 3 and not _sound(at):
            with suppress(InputError):
                at = solved(theta)
        return at if _sound(at) else None

    def loose_trial(theta: Floats, move: Floats, before: Evaluation, _: int) -> Evaluation | None:
        at = look(theta, before.values + before.moves @ move, 1)
        # what the residual may hide of the likelihood has to stay small beside what is left to gain
        size = 1e-11 * (1.0 + float(np.abs(before.values).max()))
        return at if at.error <= max(1e-4 * min(1.0, promise_at(before)), size) else None

    def promise_at(at: Evaluation) -> float:
        return float(((scaling(at.information).T @ at.score) ** 2).sum()) / 2

    def metric(at: Evaluation) -> tuple[Floats, Floats]:
        moves, slopes = (np.abs(each[seen]).max(axis=(0, 1)) for each in (at.moves, at.slopes))
        for name, silent in zip(specification.names, slopes <= SILENT * moves, strict=True):
            if silent:
                problem = "changes no choice in the months at hand, so it can't be estimated"
                raise InputError(f"parameter {name!r}", problem, "Fix it, or take other months.")
        return at.information, scaling(at.information)

    theta, seen = np.array(start, dtype=float), counts.any(axis=1)
    at = look(theta, np.zeros_like(counts) if values is None else values)
    at = at if _sound(at) else solved(theta)
    if not _sound(at):
        problem = "the game there has no equilibrium that could be held"
        raise NoEquilibrium("start", problem, "Start elsewhere.")
    if not constrained:
        return maximise(theta, at, trial, metric)
    found = maximise(theta, at, loose_trial, metric)
    at = look(found.theta, found.at.values)
    fine = found.converged and promise_at(at) < ROUNDING and _sound(at)
    return found._replace(at=at, converged=fine, evaluations=found.evaluations + 1)


def _sound(at: Evaluation) -> bool:
    return bool(np.isfinite(at.log_likelihood)) and holds(at.values, float(at.error))


# What each kind allows for, as it is told under a table.
KINDS = {
    "uncorrected": "from the information, without correction for a first step",
    "robust": "sandwich, without correction for a first step",
    "published": "corrected for the first step as published, without its effect on the equilibrium",
    "corrected": "corrected for the first step, its effect on the equilibrium included",
}
# Second derivatives: step in units of a parameter's own standard error.
STEP = 1e-3


def curvature(specification: Specification, theta: Floats, at: Evaluation, counts: Floats) -> Floats:
    """Return minus the log-likelihood's second derivatives, shape (parameters, parameters), by differences of scores."""
    sizes = 1.0 / np.sqrt(np.diag(at.information))

    def score(move: Floats) -> Floats:
        near = evaluate(specification, theta + move, at.values + at.moves @ move, counts)
        return np.asarray(near.score * sizes)

    return observed_information(score, np.diag(sizes), STEP) / np.outer(sizes, sizes)


@one_thread_each()
def covariances(specification: Specification, play: Play, theta: Floats, at: Evaluation) -> dict[str, Floats]:
    """Return every covariance of the estimates that can be had, by kind, each of shape (parameters, parameters).

    ``robust`` is left out where the second derivatives are not those of a maximum; ``published`` where the kernel gives
    an observed transition no chance at all.
    """
    game = specification.game(theta)
    plain = inverse(at.information)
    found = {"uncorrected": plain}
    scores = at.slopes[play.states[:, None], play.columns(game.counts)].sum(axis=1)
    curved = curvature(specification, theta, at, play.counts(game))
    # positive definite, in units of the expected information
    scaled = curved / _units(at.information)
    if np.isfinite(scaled).all() and np.linalg.eigvalsh(scaled)[0] > 1e-9:
        bread = inverse(curved)
        found["robust"] = bread @ (scores.T @ scores) @ bread
    if specification.first_step is None:
        return found
    crossed, moved = first_step_parts(specification, play, theta, at)
    early = specification.first_step.covariance
    if np.isfinite(moved).all():
        omega = scores[1:].T @ moved
        found["published"] = plain + plain @ omega @ early @ omega.T @ plain
    found["corrected"] = plain + plain @ crossed @ early @ crossed.T @ plain
    return found


def inverse(information: Floats) -> Floats:
    """Return the inverse of an information matrix whose parameters may differ in scale by orders of magnitude."""
    units = _units(information)
    return np.asarray(np.linalg.pinv(information / units, rcond=FAINT, hermitian=True) / units)


def _units(information: Floats) -> Floats:
    """Return the products of the parameters' own scales, (parameters, parameters), by which information is scaled."""
    scale = np.sqrt(np.diag(information))
    return np.outer(scale, scale)


def first_step_parts(
    specification: Specification, play: Play, theta: Floats, at: Evaluation
) -> tuple[Floats, Floats]:
    """Return C, shape (parameters, numbers), and each transition's score, shape (months - 1, numbers).

    A score is not a number where the kernel gives the transition no chance.
    """
    first, build = specification.first_step, specification.build_with
    if first is None or build is None:
        raise InputError("specification", "has no first step", "Give it one, with `build_with`.")
    game = specification.game(theta)
    numbers = (theta, first.estimates, at.values, play.states, play.profiles(game.counts))
    slopes, moved = _by_first_step(as_partial(build), *map(jnp.asarray, numbers))
    months = np.bincount(play.states, minlength=game.grid.size)
    weights = months[:, None] * np.exp(at.logs)
    return np.einsum("sa,sap,sag->pg", weights, at.slopes, np.asarray(slopes)), np.asarray(moved)


@jax.jit
def _by_first_step(
    build: Any, theta: Array, gamma: Array, values: Array, states: Array, profiles: Array
) -> tuple[Array, Array]:
    fixed = build(theta, gamma).arrays
    undo, gap = linearised(fixed, values), residual(fixed, values)

    def both(numbers: Array) -> tuple[Array, Array]:
        arrays = build(theta, numbers).arrays
        moved = values - undo(residual(arrays, values) - gap)
        logs = jnp.concatenate(log_probabilities(arrays, moved), axis=-1)
        return logs, jnp.log(chances(arrays.kernel, states[:-1], profiles[:-1], states[1:]))

    slopes: tuple[Array, Array] = jax.jacfwd(both)(gamma)
    return slopes


def chances(kernel: Kernel, before: Array, profiles: Array, after: Array) -> Array:
    """Return the probability of each transition, shape (transitions,); zero where the kernel has none."""
    rows = kernel.weights[before, profiles]
    if isinstance(kernel, Scattered):
        targets = kernel.targets[before, profiles]
    else:
        targets = before[:, None] + np.arange(-kernel.lower, kernel.upper + 1)
    return jnp.where(targets == after[:, None], rows, 0.0).sum(axis=1)
