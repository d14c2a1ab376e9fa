"""Small games that tests of estimation share: built in moments, played for as long as wanted."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from outbid.game import (
    FirstStep,
    Specification,
    classic_specification,
    linked_specification,
)
from outbid.game.equilibrium import Equilibrium, solve
from outbid.game.first_stage import levels
from outbid.game.game import Axis, Game, Grid, Player, even_axis, profile_levels
from outbid.game.kernel import normal_band
from outbid.game.specification import Play

AXIS = even_axis("popularity", -3.0, 3.0, 25)
WIDE = even_axis("popularity", -5.0, 5.0, 41)
PLAYERS = (Player("north", (0, 1)), Player("south", (0, 1)))
# constant, actions, lagged state, actions times lagged state, sigma
EQUATION = np.array([0.0, -0.5, 0.6, 0.7, 0.15, -0.2, 0.6])
DISCOUNT = 0.9
# values of the index, then costs
TRUTH = np.array([-0.35, 0.3, -0.5, -0.9])


def duel() -> Specification:
    """Two players who pull an index to and fro."""
    return classic_specification(AXIS, PLAYERS, EQUATION, DISCOUNT, np.diag(np.full(7, 1e-3)))


def wide_duel(theta: jax.Array, equation: jax.Array) -> Game:
    """The same game from parameters and state equation, on a wider grid and with a kernel of fixed reach."""
    at, moves = np.asarray(WIDE.points), profile_levels(PLAYERS)
    mean = equation[0] + moves @ equation[1:3] + at[:, None] * (equation[3] + moves @ equation[4:6])[None, :]
    payoffs = theta[:2, None, None] * at[None, :, None] + (theta[2:, None] * moves.T)[:, None, :]
    kernel = normal_band(at, mean, equation[6], (len(at) - 1, len(at) - 1))
    return Game(PLAYERS, Grid((WIDE,)), payoffs, kernel, jnp.full(2, DISCOUNT), jnp.ones(2))


def linked_duel(equation: np.ndarray = EQUATION, covariance: np.ndarray | None = None) -> Specification:
    """The wide game as a specification with a first step."""
    names = ("constant", "north", "south", "lag", "north_x_lag", "south_x_lag", "sigma")
    covered = np.diag(np.full(7, 1e-3)) if covariance is None else covariance
    return linked_specification(
        ("beta_north", "beta_south", "kappa_north", "kappa_south"),
        wide_duel,
        FirstStep(names, equation, covered),
    )


def three_by_three(theta: jax.Array) -> Game:
    """Three players, one of them with three actions, nine states."""
    players = (Player("a", (0, 1)), Player("b", (0, 1, 2)), Player("c", (0, 1)))
    axis, moves = Axis("s", tuple(range(9))), profile_levels(players)
    at = np.asarray(axis.points)
    mean = 4 + 0.6 * (at[:, None] - 4) + (moves @ np.array([0.8, -0.6, 0.5]))[None, :]
    kernel = normal_band(at, jnp.asarray(mean), jnp.asarray(1.0), (8, 8))
    value = jnp.array([theta[0], -theta[0], theta[1]])
    payoffs = value[:, None, None] * at[None, :, None] + (theta[2] * moves.T)[:, None, :]
    crowd = theta[3] * (moves[:, 0] * moves[:, 2])[None, None, :]
    return Game(players, Grid((axis,)), payoffs + crowd, kernel, jnp.full(3, 0.8), jnp.ones(3))


def play_out(equilibrium: Equilibrium, months: int, seed: int) -> Play:
    """Months of play drawn from an equilibrium and its game's kernel, on the grid."""
    from outbid.game.kernel import dense

    generator = np.random.default_rng(seed)
    game = equilibrium.game
    onward = np.cumsum(np.asarray(dense(game.kernel)), axis=2)
    chances = [np.cumsum(each, axis=1) for each in equilibrium.probabilities]
    state, states, actions = game.grid.size // 2, [], []
    for draw in generator.random((months, len(chances) + 1)):
        chosen = [
            min(int((each[state] < u).sum()), each.shape[1] - 1)
            for each, u in zip(chances, draw[1:], strict=True)
        ]
        states.append(state)
        actions.append(chosen)
        profile = int(np.ravel_multi_index(chosen, game.counts))
        state = min(int((onward[state, profile] < draw[0]).sum()), game.grid.size - 1)
    return Play(np.array(states), np.array(actions))


def played(specification: Specification, theta: np.ndarray, months: int, seed: int) -> Play:
    """Months of play drawn at given parameters."""
    return play_out(solve(specification.game(theta)), months, seed)


def first_step_of(play: Play) -> tuple[np.ndarray, np.ndarray]:
    """The wide game's state equation fitted to a record of play, and the textbook covariance of its numbers."""
    fit = levels(np.asarray(WIDE.points)[play.states], play.actions, ("north", "south"))
    covariance = np.zeros((7, 7))
    covariance[:6, :6] = fit.covariance
    covariance[6, 6] = fit.sigma**2 / (2 * fit.degrees_of_freedom)
    return np.append(fit.estimates, fit.sigma), covariance
