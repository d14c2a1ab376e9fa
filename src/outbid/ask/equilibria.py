"""The rivals' equilibrium over many draws of what is known: one game per draw, built, solved and followed.

Each draw is a pair of a model's parameters and today's state with the players' payoff weights. A game is the
model's reduction at these numbers; its equilibrium is followed ahead from where the draw stands today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.ask.play import PlaySettings
from outbid.game.equations import joint, log_probabilities
from outbid.game.game import Game, restrict
from outbid.game.kernel import dense, normal_weights
from outbid.game.newton import newton, size_of
from outbid.game.reduce import Held
from outbid.game.solve import HOLDS
from outbid.game.threads import shared_out
from outbid.model.compile import to_scale
from outbid.model.declare import Model
from outbid.simulate.engine import Standing

Floats = NDArray[np.float64]


class Draw(NamedTuple):
    """One draw's numbers: parameters, levers and weights as vectors, other states, and today's axes."""

    parameters: Any
    levers: Any
    weights: Any
    held: Held
    axes: Any


class Solved(NamedTuple):
    """One draw's equilibrium: values, largest residual, log probabilities by player, and what follows.

    `ahead` is the expected level of each player's action by month, shape (months, players); `states` the
    expected value of each axis by month, on the axis's own scale.
    """

    values: Any
    residual: Any
    logs: tuple[Any, ...]
    ahead: Any
    states: Any


@dataclass(frozen=True)
class Equilibria:
    """Equilibria of many draws in one world.

    Parameters
    ----------
    players, levers
        Who decides, and the lever of each.
    probabilities
        By player, shape (draws, states, actions).
    ahead
        Expected level of each player's action, shape (draws, months, players).
    states
        Expected value of each axis, indices on their own scale, shape (draws, months, axes).
    solved
        Which draws have an equilibrium, shape (draws,).
    residuals, values
        Largest error of the value equations, (draws,), and the values, (draws, states, all actions).
    """

    players: tuple[str, ...]
    levers: tuple[str, ...]
    probabilities: Mapping[str, Floats]
    ahead: Floats
    states: Floats
    solved: NDArray[np.bool_]
    residuals: Floats
    values: Floats


class Solver:
    """Builds, solves and follows a study's game; compiled once for each set of players who decide."""

    def __init__(self, model: Model, play: PlaySettings) -> None:
        self.model, self.play = model, play
        self._compiled: dict[tuple[tuple[str, float], ...], Any] = {}

    def draws(self, standing: Standing, held: Held, weights: Floats) -> Draw:
        """Return the numbers of all draws side by side; `weights` has shape (draws, weights)."""
        return Draw(
            jnp.asarray(standing.parameters),
            jnp.asarray(standing.levers),
            jnp.asarray(weights),
            held,
            jnp.asarray(self.axes(standing)),
        )

    def axes(self, standing: Standing) -> Floats:
        """Return where each draw stands today on the grid's axes, indices on their own scale, (draws, axes)."""
        columns = [
            standing.state[axis.name]
            if axis.name in standing.state
            else standing.levers[:, self.model.lever_names.index(axis.name)]
            for axis in self.play.grid.axes
        ]
        return np.stack(columns, axis=1)

    def solve(self, draws: Draw, resting: Mapping[str, float] | None = None) -> Equilibria:
        """Solve every draw's game; a `resting` actor always takes the level given, and decides nothing."""
        fixed = tuple(sorted((resting or {}).items()))
        if fixed not in self._compiled:
            self._compiled[fixed] = jax.jit(partial(self._all, fixed=fixed))
        found: Solved = shared_out(self._compiled[fixed], draws)
        deciding = [player for player in self.play.reduction.players if player.name not in dict(fixed)]
        size = 1.0 + np.abs(found.values).max(axis=(1, 2))
        return Equilibria(
            tuple(player.name for player in deciding),
            tuple(player.lever for player in deciding),
            {player.name: np.exp(log) for player, log in zip(deciding, found.logs, strict=True)},
            found.ahead,
            found.states,
            np.isfinite(found.residual) & (found.residual <= HOLDS * size),
            found.residual,
            found.values,
        )

    def _all(self, draws: Draw, fixed: tuple[tuple[str, float], ...]) -> Solved:
        return Solved(*jax.lax.map(partial(self._one, fixed=fixed), draws))

    def game(self, draw: Draw) -> Game:
        """Return one draw's game."""
        return self.play.reduction.build(
            dict(zip(self.model.parameter_names, draw.parameters, strict=True)),
            draw.levers,
            nested([each.name for each in self.play.weights], draw.weights),
            self.play.discount,
            held=draw.held,
        )

    def _one(self, draw: Draw, fixed: tuple[tuple[str, float], ...]) -> Solved:
        game = self.game(draw)
        for player, level in fixed:
            game = restrict(game, player, level)
        arrays = game.arrays
        at = newton(arrays, jnp.zeros((game.grid.size, sum(game.counts))))
        # where plain steps fail, halved ones may not
        at = jax.lax.cond(
            at.error < 1e-6,
            lambda: at,
            lambda: newton(arrays, jnp.zeros_like(at.values), 80, careful=True),
        )
        logs = log_probabilities(arrays, at.values)
        together = joint([jnp.exp(log) for log in logs])
        onward = jnp.einsum("sa,sat->st", together, dense(game.kernel))
        means = jnp.stack(
            [
                jnp.exp(log) @ jnp.asarray(player.actions)
                for log, player in zip(logs, game.players, strict=True)
            ],
            axis=1,
        )
        points = self.scaled_values()

        def month(mass: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
            return mass @ onward, (mass @ means, mass @ points)

        start = self.placed(draw.axes[None, :])[0]
        _, (ahead, states) = jax.lax.scan(month, start, None, length=self.play.months)
        return Solved(at.values, size_of(at.right), logs, ahead, states)

    def scaled_values(self) -> Array:
        """Return every grid state's coordinates with indices on their own scale, shape (states, axes)."""
        values, axes = self.play.grid.values, self.play.grid.axes
        return jnp.stack([self._scaled(axis.name, values[:, i]) for i, axis in enumerate(axes)], axis=1)

    def _scaled(self, name: str, values: Any) -> Array:
        if name in self.model.lever_names:
            return jnp.asarray(values)
        return to_scale(self.model.index(name).scale, jnp.asarray(values))

    def placed(self, axes: Array) -> Array:
        """Return what share of each figure belongs to each grid state, shape (figures, states), by straight lines.

        `axes` has shape (figures, axes), indices on their own scale; beyond the grid the edge counts.
        """
        total = jnp.ones((axes.shape[0], 1))
        for i, axis in enumerate(self.play.grid.axes):
            points = self._scaled(axis.name, np.asarray(axis.points))
            each = normal_weights(points, axes[:, i], jnp.zeros(axes.shape[0]))
            total = (total[:, :, None] * each[:, None, :]).reshape(axes.shape[0], -1)
        return total


def nested(names: Sequence[str], values: Any) -> dict[str, dict[str, Any]]:
    """Return weights named "actor.term" as {actor: {term: value}}."""
    result: dict[str, dict[str, Any]] = {}
    for name, value in zip(names, values, strict=True):
        actor, _, term = name.partition(".")
        result.setdefault(actor, {})[term] = value
    return result
