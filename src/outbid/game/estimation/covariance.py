"""How sure payoff estimates are: four covariances of the second step, by what they allow for.

- ``uncorrected``: the inverse V = I⁻¹ of the expected information, I = Σ_s n_s Σ_i Σ_a p_i(a|s) L_i L_i' with
  L_i the derivative of log p_i(a|s) in the payoffs θ, through the equilibrium. It takes the first step's
  numbers γ (the state equation) for known.
- ``robust``: H⁻¹ (Σ_t s_t s_t') H⁻¹ with the observed second derivative H (Huber, 1967; White, 1982). It
  allows for a wrong model, not for the first step.
- ``published``: V + V Ω V₁ Ω' V with V₁ the covariance of γ and Ω = Σ_t s_θ(t) s_γ(t)', where s_θ(t) is month t's
  score and s_γ(t) that of the transition into month t, t = 2..T, on the grid. The form behind the errors
  printed with the outbidding game (Crisman-Cox and Gibilisco). It leaves out that γ also moves the equilibrium.
- ``corrected``: V + V C V₁ C' V with C = Σ_s n_s Σ_i Σ_a p_i(a|s) L_i M_i' and M_i the derivative of log p_i(a|s)
  in γ, through kernel and equilibrium (Murphy and Topel, 1985).

Derivation of the last. Expand the second step's first-order condition in both arguments:
0 = s_θ(θ̂, γ̂) ≈ s_θ - I (θ̂ - θ) - C (γ̂ - γ), for minus the expected second derivatives are I and C by the information
equality. Hence θ̂ - θ ≈ V [s_θ - C (γ̂ - γ)]. Murphy and Topel's formula has further terms in R = E Σ s_θ s_γ', the
covariance of the two steps. Here R = 0: given the state, what a player does this month has mean-zero score
whatever came before, and the noise of the next transition is independent of it. A sample's Ω is not zero, but
that is noise, and it is left out.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.equations import log_probabilities, residual
from outbid.game.estimation.ascent import Evaluation, evaluate
from outbid.game.estimation.play import Play
from outbid.game.estimation.specification import Specification, as_partial
from outbid.game.kernel import Kernel, Scattered
from outbid.game.newton import linearised
from outbid.game.threads import one_thread_each

Floats = NDArray[np.float64]
# What each kind allows for, as it is told under a table.
KINDS = {
    "uncorrected": "from the information, without correction for a first step",
    "robust": "sandwich, without correction for a first step",
    "published": "corrected for the first step as published, without its effect on the equilibrium",
    "corrected": "corrected for the first step, its effect on the equilibrium included",
}
# Second derivatives: step in units of a parameter's own standard error.
STEP = 1e-3


def monthly_scores(play: Play, counts: tuple[int, ...], slopes: Floats) -> Floats:
    """Return each month's score, shape (months, parameters), from derivatives (states, all actions, parameters)."""
    return np.asarray(slopes[play.states[:, None], play.columns(counts)].sum(axis=1))


def observed_information(
    specification: Specification, theta: Floats, at: Evaluation, counts: Floats
) -> Floats:
    """Return minus the log-likelihood's second derivatives, shape (parameters, parameters).

    Central differences of exact scores, a thousandth of a standard error to each side.
    """
    size = STEP / np.sqrt(np.diag(at.information))
    columns = []
    for place, step in enumerate(size):
        move = np.zeros(len(theta))
        move[place] = step
        ahead, back = (
            evaluate(specification, theta + sign * move, at.values + sign * (at.moves @ move), counts).score
            for sign in (1.0, -1.0)
        )
        columns.append((back - ahead) / (2.0 * step))
    raw = np.stack(columns)
    return np.asarray((raw + raw.T) / 2.0)


@one_thread_each()
def covariances(specification: Specification, play: Play, theta: Floats, at: Evaluation) -> dict[str, Floats]:
    """Return every covariance of the estimates that can be had, by kind, each of shape (parameters, parameters).

    ``robust`` is left out where the second derivatives are not those of a top; ``published`` and ``corrected``
    where the specification has no first step; ``published`` also where the kernel gives an observed transition
    no chance at all.
    """
    game = specification.game(theta)
    plain = inverse(at.information)
    found = {"uncorrected": plain}
    scores = monthly_scores(play, game.counts, at.slopes)
    curvature = observed_information(specification, theta, at, play.counts(game))
    if is_top(curvature, at.information):
        bread = inverse(curvature)
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


def is_top(curvature: Floats, information: Floats) -> bool:
    """Say whether minus the second derivatives are positive definite, in units of the expected information."""
    scale = np.sqrt(np.diag(information))
    scaled = curvature / np.outer(scale, scale)
    return bool(np.isfinite(scaled).all() and np.linalg.eigvalsh(scaled)[0] > 1e-9)


def inverse(information: Floats) -> Floats:
    """Return the inverse of an information matrix whose parameters may differ in scale by orders of magnitude."""
    scale = np.sqrt(np.diag(information))
    return np.asarray(
        np.linalg.pinv(information / np.outer(scale, scale), hermitian=True) / np.outer(scale, scale)
    )


def first_step_parts(
    specification: Specification, play: Play, theta: Floats, at: Evaluation
) -> tuple[Floats, Floats]:
    """Return C, shape (parameters, numbers), and each transition's score, shape (months - 1, numbers).

    The transition into month t is scored by the game's kernel, from the state and joint action of month t - 1.
    Its score is not a number where the kernel gives it no chance.

    Raises
    ------
    InputError
        If the specification has no first step.
    """
    first, build = specification.first_step, specification.build_with
    if first is None or build is None:
        raise InputError("specification", "has no first step", "Give it one, with `build_with`.")
    game = specification.game(theta)
    slopes, moved = _by_first_step(
        as_partial(build),
        jnp.asarray(theta),
        jnp.asarray(first.estimates),
        jnp.asarray(at.values),
        jnp.asarray(play.states),
        jnp.asarray(play.profiles(game.counts)),
    )
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

    slopes, scores = jax.jacfwd(both)(gamma)
    return slopes, scores


def chances(kernel: Kernel, before: Array, profiles: Array, after: Array) -> Array:
    """Return the probability of each transition, shape (transitions,); zero where the kernel has none."""
    rows = kernel.weights[before, profiles]
    if isinstance(kernel, Scattered):
        return jnp.where(kernel.targets[before, profiles] == after[:, None], rows, 0.0).sum(axis=1)
    place = after - before + kernel.lower
    width = rows.shape[1]
    inside = (place >= 0) & (place < width)
    return jnp.where(inside, rows[jnp.arange(len(rows)), jnp.clip(place, 0, width - 1)], 0.0)
