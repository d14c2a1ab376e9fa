"""What the states that players don't watch are like, given those that they watch: means over simulated months.

From where each draw stands today, the model runs ahead while the players' levers are moved at random; a line
through those months says how every other state goes with the watched ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.game.reduce import Held, fit_held
from outbid.model.compile import to_scale
from outbid.model.declare import Model
from outbid.players.schema import PlayersGame, Variant
from outbid.simulate.engine import Simulator, StateToday

# Paths per draw, and how many months a random move is kept.
PATHS, KEPT = 8, 6


class Moments:
    """Conditional means of the states that are no axis; compiled once for one number of draws."""

    def __init__(self, model: Model, game: PlayersGame) -> None:
        self.model, self.game = model, game
        self.names = (*(item.name for item in model.stocks), *(item.name for item in model.indices))
        self._simulator = Simulator(model, game.months, self.names)
        grid, names = game.grid, self.names

        def one(paths: Array, axes: Array) -> Held:
            states = {name: paths[:, i] for i, name in enumerate(names)}
            return fit_held(model, grid, states, axes)

        self._fit: Any = jax.jit(jax.vmap(one))

    def held(self, standing: StateToday, seed: int) -> Held:
        """Return the conditional means of every draw: a Held whose arrays have a leading axis of draws."""
        model, game, draws = self.model, self.game, len(standing)
        many = StateToday(
            np.repeat(standing.parameters, PATHS, axis=0),
            {name: np.repeat(value, PATHS, axis=0) for name, value in standing.state.items()},
            np.repeat(standing.levers, PATHS, axis=0),
        )
        generator = np.random.default_rng(seed)
        levers = np.repeat(many.levers[:, None, :], game.months, axis=1)
        blocks = -(-game.months // KEPT)
        for player in game.players:
            moves = generator.choice(player.actions, (len(many), blocks))
            column = model.lever_names.index(player.lever)
            levers[:, :, column] = np.repeat(moves, KEPT, axis=1)[:, : game.months]
        paths = self._simulator.run(many, levers, self._simulator.innovations(len(many), seed))
        before = np.concatenate([many.levers[:, None, :], levers[:, :-1]], axis=1)
        states = {name: paths[:, :, i] for i, name in enumerate(self.names)}
        axes = np.stack(game.watched(states, before), axis=2)
        shape = (draws, PATHS * game.months, -1)
        held: Held = self._fit(jnp.asarray(paths.reshape(shape)), jnp.asarray(axes.reshape(shape)))
        return held


def in_variant(model: Model, standing: StateToday, variant: Variant) -> StateToday:
    """Return where the draws would stand in another variant: its parameters, states and levers put in."""
    parameters, levers, state = standing.parameters.copy(), standing.levers.copy(), dict(standing.state)
    for name, value in variant.parameters.items():
        parameters[:, model.parameter_names.index(name)] = value
    for name, value in variant.levers.items():
        levers[:, model.lever_names.index(name)] = value
    for name, value in variant.states.items():
        state[name] = np.full(len(standing), float(_on_scale(model, name, value)))
    return StateToday(parameters, state, levers)


def pinned(model: Model, held: Held, variant: Variant) -> Held:
    """Return conditional means with the states that a variant sets held at their values."""
    mean, slope = dict(held.mean), dict(held.slope)
    for name, value in variant.states.items():
        scaled = _on_scale(model, name, value)
        scaled = np.log1p(scaled) if name in {item.name for item in model.stocks} else scaled
        mean[name] = jnp.full_like(held.mean[name], scaled)
        slope[name] = jnp.zeros_like(held.slope[name])
    return replace(held, mean=mean, slope=slope)


def _on_scale(model: Model, name: str, value: float) -> Any:
    """Return a state's value, an index's on its own scale."""
    scales = {index.name: index.scale for index in model.indices}
    return to_scale(scales[name], value) if name in scales else value
