"""How players answer to each other: slopes of best replies, by state.

Two questions. This month: if the rivals acted more this month and everything after stayed as it is, how would
a player answer? Standing: if they acted more in every state for ever, and the player knew, how would its best
policy answer? Positive slopes are strategic complements, negative ones substitutes (Bulow, Geanakoplos and
Klemperer, 1985). Both are outcomes for `outbid.game.counterfactual.compare.compare`, which adds intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.errors import InputError
from outbid.game.equations import joint, log_probabilities, profile_values, split
from outbid.game.game import Game
from outbid.game.kernel import Banded, Kernel, Scattered
from outbid.game.newton import equilibrium_values

# Under this variance of a rival's level there is no room for it to act more.
STILL = 1e-12


def against(game: Game, player: str, policy: Array) -> Game:
    """Return the game in which a player leaves and its place is taken by a fixed policy, known to all.

    Parameters
    ----------
    policy
        Probability of each of its actions by state, shape (states, actions). Differentiable.

    Raises
    ------
    InputError
        For a player that is none or the only one, or a policy of the wrong shape.
    """
    place, counts = game.player(player), game.counts
    if len(counts) == 1:
        raise InputError(f"player {player!r}", "is the only one", "Leave somebody in the game.")
    if policy.shape != (game.grid.size, counts[place]):
        raise InputError(
            f"policy of {player!r}",
            f"has shape {policy.shape}",
            f"Give (states, actions) = {(game.grid.size, counts[place])}.",
        )
    before, after = int(np.prod(counts[:place])), int(np.prod(counts[place + 1 :]))
    stay = np.arange(len(counts)) != place

    def parted(array: Array, axis: int) -> Array:
        """Lay profiles out as (others, actions of the one who leaves), with the last in front of what follows."""
        shape = array.shape
        wide = array.reshape(*shape[:axis], before, counts[place], after, *shape[axis + 1 :])
        return jnp.moveaxis(wide, axis + 1, axis + 2).reshape(
            *shape[:axis], before * after, counts[place], *shape[axis + 1 :]
        )

    weighted = parted(game.kernel.weights, 1) * policy[:, None, :, None]
    kernel: Kernel
    if isinstance(game.kernel, Banded):
        kernel = Banded(weighted.sum(axis=2), game.kernel.lower)
    else:
        shape = (game.grid.size, before * after, -1)
        kernel = Scattered(parted(game.kernel.targets, 1).reshape(shape), weighted.reshape(shape))
    payoffs = (parted(game.payoffs[stay], 2) * policy[None, :, None, :]).sum(axis=3)
    players = tuple(each for i, each in enumerate(game.players) if i != place)
    return Game(players, game.grid, payoffs, kernel, game.discount[stay], game.precision[stay])


def reply_slopes(game: Game, values: Array) -> Array:
    """Return how much each player's mean level answers when all rivals' rise by one this month, (players, states).

    The future is as in equilibrium. For two players with levels 0 and 1 it is the slope of one's probability
    to act by the other's, along the best-reply curve, where they cross.
    """
    chances, rises = _play(game, values)
    future = profile_values(game.arrays, values)

    def mean_level(i: int, more: Array) -> Array:
        others = [jnp.ones_like(each) if j == i else each + more * rises[j] for j, each in enumerate(chances)]
        weighted = joint(others) * future[i]
        mine = weighted.reshape(game.grid.size, *game.counts)
        worth = mine.sum(axis=tuple(j + 1 for j in range(len(chances)) if j != i))
        levels = np.asarray(game.players[i].actions)
        return jax.nn.softmax(game.precision[i] * worth, axis=-1) @ levels

    return jnp.stack([_slope(partial(mean_level, i)) for i in range(len(chances))])


def standing_slopes(game: Game, values: Array) -> Array:
    """Return how each player's best policy answers when all rivals' mean levels rise by one in every state.

    Shape (players, states): the change of the player's mean level in that state, by a rise everywhere and for
    ever. It contains what the rise does to where the state goes.
    """
    chances, rises = _play(game, values)
    parts = split(game.counts, values)

    def mean_level(i: int, more: Array) -> Array:
        alone = game
        for j, each in enumerate(game.players):
            if j != i:
                alone = against(alone, each.name, chances[j] + more * rises[j])
        best = equilibrium_values(alone.arrays, parts[i])
        levels = np.asarray(game.players[i].actions)
        return jax.nn.softmax(game.precision[i] * best, axis=-1) @ levels

    return jnp.stack([_slope(partial(mean_level, i)) for i in range(len(chances))])


def _slope(function: Callable[[Array], Array]) -> Array:
    _, slope = jax.jvp(function, (jnp.zeros(()),), (jnp.ones(()),))
    return jnp.asarray(slope)


def _play(game: Game, values: Array) -> tuple[list[Array], list[Array]]:
    """Return everybody's probabilities, and how they change when the mean level rises by one: tilted to the high."""
    chances = [jnp.exp(log) for log in log_probabilities(game.arrays, values)]
    rises = []
    for player, each in zip(game.players, chances, strict=True):
        away = np.asarray(player.actions) - (each @ np.asarray(player.actions))[:, None]
        variance = (each * away**2).sum(axis=1, keepdims=True)
        rises.append(jnp.where(variance > STILL, each * away / jnp.maximum(variance, STILL), 0.0))
    return chances, rises
