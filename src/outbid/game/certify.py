"""What a deviation could gain: evidence for an equilibrium that does not rest on the equations it was found with.

The play is taken as given and evaluated: with everybody's probabilities fixed, what the game is worth to a
player is a linear system (Bellman's equation of a fixed policy; Howard, 1960),

    W_i(s) = Σ_a p(a | s) [ u_i(s, a) + δ_i Σ_{s'} P(s' | s, a) W_i(s') ] + H_i(s),

with H_i(s) what the shocks are worth to somebody who plays p_i(. | s): its entropy over λ_i. Then the best
answer in one month, with the play as before ever after, is compared with the play itself. By the one-shot
deviation principle no gain in any state means that no other policy gains anything at all (Blackwell, 1965).
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

from outbid.game.equations import FLAT, joint, log_probabilities
from outbid.game.game import Arrays
from outbid.game.kernel import expect
from outbid.game.linear import factorise, solve_factored


def shocks_worth(log_chances: Array, precision: Array) -> Array:
    """Return what the logit shocks add a month for somebody who plays so, shape (states,), in payoff units.

    It carries the constant that `equations.log_sums` carries.
    """
    count = log_chances.shape[-1]
    scale = jnp.where(precision < FLAT, 1.0, precision)
    short = (jnp.exp(log_chances) * (log_chances + math.log(count))).sum(axis=-1) / scale
    return math.log(count) - jnp.where(precision < FLAT, 0.0, short)


def worth_of_play(arrays: Arrays, log_chances: tuple[Array, ...]) -> Array:
    """Return what a game played so for ever is worth to each player, shape (players, states)."""
    together = joint(tuple(jnp.exp(each) for each in log_chances))
    monthly = jnp.stack(
        [
            (together * arrays.payoffs[i]).sum(axis=-1) + shocks_worth(mine, arrays.precision[i])
            for i, mine in enumerate(log_chances)
        ]
    )

    def evaluated(player: tuple[Array, Array]) -> Array:
        discount, right = player[0], player[1][None]
        weights = discount * together
        factors = factorise(arrays.kernel, weights[:, None, None, :])
        worth = solve_factored(factors, right)
        # once more for what rounding, or an iteration that stopped early, has left
        left = right - worth + (weights * expect(arrays.kernel, worth)[0]).sum(axis=-1)[None]
        better: Array = (worth + solve_factored(factors, left))[0]
        return better

    # one after the other: the same code for all
    worths: Array = jax.lax.map(evaluated, (arrays.discount, monthly))
    return worths


def deviation_gains(arrays: Arrays, log_chances: tuple[Array, ...]) -> Array:
    """Return what each player gains in each state by answering best for one month, shape (players, states).

    Parameters
    ----------
    log_chances
        The play: each player's log probabilities, shapes (states, actions). Any play will do.
    """
    counts = arrays.counts
    worth = worth_of_play(arrays, log_chances)
    future = arrays.payoffs + arrays.discount[:, None, None] * expect(arrays.kernel, worth)
    gains = []
    for i, count in enumerate(counts):
        sure = [jnp.ones_like(each) if j == i else jnp.exp(each) for j, each in enumerate(log_chances)]
        others = joint(tuple(sure))
        before, after = math.prod(counts[:i]), math.prod(counts[i + 1 :])
        mine = (others * future[i]).reshape(-1, before, count, after).sum(axis=(1, 3))
        scale = jnp.where(arrays.precision[i] < FLAT, 1.0, arrays.precision[i])
        sharp = (jax.scipy.special.logsumexp(scale * mine, axis=-1) - math.log(count)) / scale
        best = jnp.where(arrays.precision[i] < FLAT, mine.mean(axis=-1), sharp) + math.log(count)
        gains.append(best - worth[i])
    return jnp.stack(gains)


def largest_gain(arrays: Arrays, values: Array) -> Array:
    """Return the most that any player could gain in any state against the play that `values` imply.

    Of `values` only the probabilities of play are used. Never negative: to play on as before is possible.
    """
    gains = deviation_gains(arrays, log_probabilities(arrays, values))
    return jnp.maximum(jnp.max(gains), 0.0)
