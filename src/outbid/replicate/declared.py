"""From a study's declared theory to a family of games: the mechanisms are reduced to the grid, not written twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.game.estimation.specification import FirstStep, Specification
from outbid.game.game import Game
from outbid.game.grid import Axis, Grid, quantile_axis
from outbid.game.kernel import Kernel
from outbid.game.reduce import Reduction, fine_reduction
from outbid.model.declare import Model
from outbid.replicate.settings import PlaySettings

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Declared:
    """A game for every payoff vector and state equation, built from the declared mechanisms and payoffs.

    Compared by identity, so that code compiled for one grid is found again.
    """

    reduction: Reduction
    play: PlaySettings

    def __call__(self, theta: Array, equation: Array) -> Game:
        """Return the game at payoffs (values of the state, then costs, by player) and a state equation."""
        play = self.play
        count = len(play.players)
        weights = {
            player.actor: {play.value_weight: theta[i], play.cost_weight: theta[count + i]}
            for i, player in enumerate(play.players)
        }
        parameters = dict(zip(play.state_equation, equation, strict=True))
        idle = jnp.zeros(len(self.reduction.model.levers))
        return self.reduction.build(parameters, idle, weights, play.discount)

    @cached_property
    def compiled(self) -> Callable[[Array, Array], Game]:
        """The same, compiled as one piece."""
        return jax.jit(self.__call__)

    @cached_property
    def on_kernel(self) -> Callable[[Kernel, Array, Array], Game]:
        """The same from a kernel, a state equation and payoffs, which saves building the kernel for every payoff vector."""

        def built(kernel: Kernel, equation: Array, theta: Array) -> Game:
            return replace(self(theta, equation), kernel=kernel)

        return jax.jit(built)

    def game(self, theta: Floats, equation: Floats) -> Game:
        """Return the game at numbers that are known now."""
        return self.compiled(jnp.asarray(theta, dtype=float), jnp.asarray(equation, dtype=float))


def state_axis(play: PlaySettings, state: Floats) -> Axis:
    """Return the grid's axis: from one quantile of the state to another by even steps."""
    return quantile_axis(play.state, state, play.grid_step, play.grid_low, play.grid_high)


def declared_game(model: Model, play: PlaySettings, axis: Axis, equation: Floats) -> Declared:
    """Return the declared theory on a grid, with room for moves as far as this state equation's, spread last."""
    actors = [player.actor for player in play.players]
    numbers = dict(zip(play.state_equation, map(float, equation), strict=True))
    idle = np.zeros(len(model.levers))
    return Declared(fine_reduction(model, actors, Grid((axis,)), numbers, idle), play)


def specification(declared: Declared, equation: Floats, covariance: Floats) -> Specification:
    """Return the family of games to estimate, on one grid and one state equation.

    Parameters
    ----------
    equation
        The state equation in the order of `play.state_equation`, the spread last.
    covariance
        Its sampling covariance.
    """
    play = declared.play
    weights = (play.value_weight, play.cost_weight)
    names = tuple(f"{what}_{player.actor}" for what in weights for player in play.players)
    kernel = declared.game(np.zeros(len(names)), equation).kernel
    build = jax.tree_util.Partial(declared.on_kernel, kernel, jnp.asarray(equation))
    return Specification(
        names, build, FirstStep(play.state_equation, equation, covariance), declared.compiled
    )


def without(play: PlaySettings, equation: Floats, rival: int) -> Floats:
    """Return the state equation in which one player's actions move nothing, so that the other plays alone."""
    count = len(play.players)
    changed = np.array(equation)
    changed[[1 + rival, 2 + count + rival]] = 0.0
    return changed
