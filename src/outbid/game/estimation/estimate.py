"""Estimate payoffs from a record of play, in two steps.

The first step, the state equation, is done elsewhere (`outbid.game.state.first_stage`) and comes in with the kernel.
The second, here, maximises Σ_t Σ_i log p_i(a_it | s_t) over the payoffs' parameters, where the p_i are those
of the game's logit Markov perfect equilibrium.

What is where: `Specification` (a family of games) and `classic_specification` in `specification`, `Play` in `play`,
the climb in `ascent`, errors in `covariance`, the result in `estimates`, tests between models in `comparison`,
many starts in `many_starts`.
"""

from __future__ import annotations

import hashlib

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.estimation.ascent import Ascent, climb
from outbid.game.estimation.covariance import covariances, inverse
from outbid.game.estimation.estimates import Estimates
from outbid.game.estimation.play import Play, check_play, play_from_panel
from outbid.game.estimation.specification import (
    FirstStep,
    Specification,
    classic_specification,
    linked_specification,
)
from outbid.game.game import Game, check_game
from outbid.game.solve import Equilibrium, certify

__all__ = [
    "Estimates",
    "FirstStep",
    "Play",
    "Specification",
    "classic_specification",
    "estimate",
    "linked_specification",
    "play_from_panel",
]
Floats = NDArray[np.float64]
# A player whose every act was foretold with this much certainty has been separated, not estimated.
CERTAIN = 1.0 - 1e-3
# Below this (smallest over largest eigenvalue of the information, scaled) the data don't tell parameters apart.
TOLD_APART = 1e-10


def estimate(
    specification: Specification,
    play: Play,
    start: ArrayLike,
    values: Floats | None = None,
    *,
    constrained: bool = False,
    errors: bool = True,
) -> Estimates:
    """Return the maximum likelihood estimates nearest uphill of `start`, with their standard errors.

    Two ways to the same first-order conditions. By default a nested fixed point (Rust, 1987): each evaluation
    solves the game, and the likelihood's derivatives follow from the implicit function theorem. With
    `constrained`, values and parameters move together (mathematical programming with equilibrium constraints; Su
    and Judd, 2012): each trial takes one Newton step on the equilibrium constraints, the parameters step in the
    null space of their linearisation, and the constraints hold exactly at the end only. Both stop at a local
    top. Likelihoods of games can have several, and where a game has several equilibria both follow the branch
    that they start on: see `outbid.game.estimation.many_starts`.

    Parameters
    ----------
    specification, play
        The family of games, and what was seen.
    start
        Parameters to start from, shape (parameters,).
    values
        Equilibrium values at the start, shape (states, all actions), to choose the branch; by default those that
        Newton finds from zero or, where it fails, `solve`.
    errors
        Whether to compute every kind of standard error, or the uncorrected only.

    Raises
    ------
    InputError
        For a start of the wrong length, a game that is none, a record that the game can't have left, a player
        who always does the same or whose acts the state foretells without fail (perfect separation), or a
        parameter that changes nothing.
    NoEquilibrium
        If no equilibrium is found at the start.
    """
    theta = specification.parameters(start)
    game = specification.game(theta)
    check_game(game)
    check_play(play, game)
    shape = (game.grid.size, sum(game.counts))
    if values is not None and np.shape(values) != shape:
        raise InputError("values", f"have shape {np.shape(values)}", f"Give (states, all actions) = {shape}.")
    found = climb(specification, play.counts(game), theta, values, constrained=constrained)
    return settle(specification, play, found, errors=errors, constrained=constrained)


def settle(
    specification: Specification, play: Play, found: Ascent, *, errors: bool = True, constrained: bool = False
) -> Estimates:
    """Return the results of a climb: errors, equilibrium, and whether it may be believed."""
    game = specification.game(found.theta)
    each = found.at.logs[play.states[:, None], play.columns(game.counts)]
    _refuse_separation(game, each)
    held = {"uncorrected": inverse(found.at.information)}
    converged, message = found.converged, found.message
    if errors:
        held = covariances(specification, play, found.theta, found.at)
    blurred = _blurred(specification, found.at.information)
    if converged and blurred:
        converged, message = False, f"the data don't tell apart {blurred}"
    elif converged and errors and "robust" not in held:
        converged, message = False, "the search stopped on a saddle or a ridge, not at a top"
    how = "constrained optimisation" if constrained else "nested fixed point"
    return Estimates(
        f"Payoffs by two-step maximum likelihood ({how})",
        specification.names,
        found.theta,
        held,
        float(found.at.log_likelihood),
        np.asarray(each.sum(axis=1)),
        Equilibrium(
            game,
            found.at.values,
            certify(game, jnp.asarray(found.at.values), found.evaluations, "estimation"),
        ),
        converged,
        message,
        found.steps,
        found.evaluations,
        hashlib.sha256(repr(play.actions.tolist()).encode()).hexdigest(),
    )


def _refuse_separation(game: Game, logs: Floats) -> None:
    for player, column in zip(game.players, logs.T, strict=True):
        if len(player.actions) > 1 and np.exp(column.min()) > CERTAIN:
            raise InputError(
                f"play, {player.name}",
                "the state foretells all it did without fail, so its payoffs run off to infinity "
                "(perfect separation)",
                "Take more months, or fix a payoff of this player.",
            )


def _blurred(specification: Specification, information: Floats) -> str:
    """Return the names of parameters that the data don't tell apart, if there are any."""
    scale = np.sqrt(np.diag(information))
    sizes, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if sizes[0] > TOLD_APART * sizes[-1]:
        return ""
    return " and ".join(
        name for name, weight in zip(specification.names, vectors[:, 0], strict=True) if abs(weight) > 0.1
    )
