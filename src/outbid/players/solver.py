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

from outbid.game.equilibrium import HOLDS
from outbid.game.game import Game, place_of, settled
from outbid.game.kernel import dense, normal_weights
from outbid.game.newton import joint, log_probabilities, newton, shared_out, size_of
from outbid.game.reduce import Held
from outbid.model.compile import State, to_scale
from outbid.model.declare import Model
from outbid.players.schema import PlayersGame
from outbid.simulate.engine import StateToday
from outbid.simulate.scenario import RuleTable, ruled

Floats = NDArray[np.float64]


class Draw(NamedTuple):
    """One draw's numbers: parameters, levers and weights as vectors, other states, and today's axes.

    `rules` are those that outsiders go by, known to the players; None if they do the same whatever happens.
    """

    parameters: Any
    levers: Any
    weights: Any
    held: Held
    axes: Any
    rules: RuleTable | None = None


@dataclass(frozen=True)
class Equilibria:
    """Equilibria of many draws in one variant: of the `players` who decide, each by its own of the `levers`.

    `probabilities` are by player, (draws, states, actions); `ahead` is the expected level of each player's action,
    (draws, months, players); `states` the expected value of each axis, indices on their own scale, (draws, months,
    axes). `solved` says which draws have an equilibrium, `residuals` the largest error of their equations, (draws,).
    """

    players: tuple[str, ...]
    levers: tuple[str, ...]
    probabilities: Mapping[str, Floats]
    ahead: Floats
    states: Floats
    solved: NDArray[np.bool_]
    residuals: Floats


class Solver:
    """Builds, solves and follows a study's game; compiled once for each set of players who decide."""

    def __init__(self, model: Model, game: PlayersGame) -> None:
        self.model, self.game = model, game
        self._compiled: dict[tuple[str, ...], Any] = {}

    def draws(self, standing: StateToday, held: Held, weights: Floats) -> Draw:
        """Return the numbers of all draws side by side; `weights` has shape (draws, weights)."""
        numbers = (standing.parameters, standing.levers, weights, self.axes(standing))
        parameters, levers, own_weights, axes = (jnp.asarray(each) for each in numbers)
        return Draw(parameters, levers, own_weights, held, axes)

    def axes(self, standing: StateToday) -> Floats:
        """Return where each draw stands today on the grid's axes, indices on their own scale, (draws, axes)."""
        return np.stack(self.game.watched(standing.state, standing.levers), axis=1)

    def solve(self, draws: Draw, resting: Mapping[str, float] | None = None) -> Equilibria:
        """Solve every draw's game; a `resting` actor always takes the level given, and decides nothing."""
        players, levels = self.game.players, resting or {}
        fixed = tuple(player.name for player in players if player.name in levels)
        if fixed not in self._compiled:
            one = partial(self._one, fixed=fixed)
            self._compiled[fixed] = jax.jit(lambda games: jax.lax.map(one, games))
        # the places of levels travel as data: whoever rests where, the same compiled code solves it
        rests = [place_of(player, levels[player.name]) for player in players if player.name in fixed]
        places = jnp.tile(jnp.asarray(rests, dtype=int), (len(draws.parameters), 1))
        values, residuals, logs, ahead, states = shared_out(self._compiled[fixed], (draws, places))
        deciding = [player for player in players if player.name not in fixed]
        return Equilibria(
            tuple(player.name for player in deciding),
            tuple(player.lever for player in deciding),
            {player.name: np.exp(log) for player, log in zip(deciding, logs, strict=True)},
            ahead,
            states,
            np.isfinite(residuals) & (residuals <= HOLDS * (1.0 + np.abs(values).max(axis=(1, 2)))),
            residuals,
        )

    def build(self, draw: Draw) -> Game:
        """Return one draw's game."""
        return self.game.reduction.build(
            dict(zip(self.model.parameter_names, draw.parameters, strict=True)),
            draw.levers,
            nested(self.game.weight_names, draw.weights),
            self.game.discount,
            held=draw.held,
            answer=None if draw.rules is None else partial(self._answer, draw.rules),
        )

    def _answer(
        self, rules: RuleTable, state: State, before: Mapping[str, Array], now: Mapping[str, Array]
    ) -> Mapping[str, Array]:
        """Return the month's levers after the rules, as in a run long after each of them has started."""
        names = self.model.lever_names
        planned, last = (jnp.stack([jnp.asarray(each[name]) for name in names]) for each in (now, before))
        answered = self.outsiders(rules, state, last, planned, jnp.asarray(jnp.inf))
        moves = {player.lever: now[player.lever] for player in self.game.players}
        return dict(zip(names, answered, strict=True)) | moves

    def outsiders(self, rules: RuleTable, state: State, last: Array, planned: Array, month: Array) -> Array:
        """Return a month's levers after the rules of those who don't play, shape (levers,).

        The players move at the same time; so a rule that watches a player's lever sees it as it stood last month.
        """
        own = np.array([self.model.lever_names.index(each.lever) for each in self.game.players])
        return ruled(self.model, rules, state, planned.at[own].set(last[own]), month)

    def _one(self, of: tuple[Draw, Array], fixed: tuple[str, ...]) -> tuple[Any, ...]:
        """Return one draw's values, largest residual and log probabilities by player; expected moves and axes by month."""
        draw, places = of
        game = self.build(draw)
        for i, player in enumerate(fixed):
            game = settled(game, player, places[i])
        arrays = game.arrays
        at = newton(arrays, jnp.zeros((game.grid.size, sum(game.counts))))
        # where plain steps fail, halved ones may not
        careful = partial(newton, arrays, jnp.zeros_like(at.values), 80, careful=True)
        at = jax.lax.cond(at.error < 1e-6, lambda: at, careful)
        logs = log_probabilities(arrays, at.values)
        chances = [jnp.exp(log) for log in logs]
        onward = jnp.einsum("sa,sat->st", joint(chances), dense(game.kernel))
        pairs = zip(chances, game.players, strict=True)
        means = jnp.stack([chance @ jnp.asarray(player.actions) for chance, player in pairs], axis=1)
        axes = enumerate(self.game.grid.axes)
        points = jnp.stack([self._scaled(each.name, self.game.grid.values[:, i]) for i, each in axes], axis=1)

        def month(mass: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
            return mass @ onward, (mass @ means, mass @ points)

        start = self.placed(draw.axes[None, :])[0]
        _, (ahead, states) = jax.lax.scan(month, start, None, length=self.game.months)
        return at.values, size_of(at.right), logs, ahead, states

    def _scaled(self, name: str, values: Any) -> Array:
        return jnp.asarray(on_scale(self.model, name, jnp.asarray(values)))

    def placed(self, axes: Array) -> Array:
        """Return what share of each figure belongs to each grid state, shape (figures, states), by straight lines.

        `axes` has shape (figures, axes), indices on their own scale; beyond the grid the edge counts.
        """
        total = jnp.ones((axes.shape[0], 1))
        for i, axis in enumerate(self.game.grid.axes):
            points = self._scaled(axis.name, np.asarray(axis.points))
            each = normal_weights(points, axes[:, i], jnp.zeros(axes.shape[0]))
            total = (total[:, :, None] * each[:, None, :]).reshape(axes.shape[0], -1)
        return total


def on_scale(model: Model, name: str, value: Any) -> Any:
    """Return a state's or a lever's value, an index's on its own scale."""
    scales = {index.name: index.scale for index in model.indices}
    return to_scale(scales[name], value) if name in scales else value


def nested(names: Sequence[str], values: Any) -> dict[str, dict[str, Any]]:
    """Return weights named "actor.term" as {actor: {term: value}}."""
    result: dict[str, dict[str, Any]] = {}
    for name, value in zip(names, values, strict=True):
        actor, _, term = name.partition(".")
        result.setdefault(actor, {})[term] = value
    return result
