"""Reduce a declared model to a game on a few of its states, by the very step that is simulated and fitted.

The players are actors of the model with one lever each; the grid's axes are indices, or a player's lever as it stood
last month. All other states are held at their conditional mean given the grid (a moment-based Markov equilibrium,
Ifrach and Weintraub, 2017); all noise but that of the grid's indices is integrated out at its mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.errors import InputError, check_name, did_you_mean
from outbid.game.game import Game, Grid, Player, profile_levels
from outbid.game.kernel import Kernel, Scattered, check_cells, normal_band, normal_reach, normal_weights
from outbid.model.checks import Names
from outbid.model.compile import build_step, to_scale
from outbid.model.declare import Model
from outbid.model.vocabulary import Actor

Weights = Mapping[str, Mapping[str, Any]]
# (state, last month's levers, this month's with the players' moves) -> this month's levers
Answer = Callable[[Mapping[str, Array], Mapping[str, Array], Mapping[str, Array]], Mapping[str, Array]]


@partial(jax.tree_util.register_dataclass, data_fields=["mean", "slope", "center"], meta_fields=[])
@dataclass(frozen=True)
class Held:
    """The states that are no axis, as linear functions of those that are: value at `center`, and slope by axis.

    Stocks are logged as log(1 + persons); indices are on their own scale.
    """

    mean: Mapping[str, Array]
    slope: Mapping[str, Array]
    center: Array


@dataclass(frozen=True)
class Reduction:
    """How a model becomes a game: `build` makes one from numbers, in pure JAX.

    `reach` is how far a month moves on a fine single axis, in points; None on a coarse grid or several axes.
    """

    model: Model
    actors: tuple[Actor, ...]
    players: tuple[Player, ...]
    grid: Grid
    reach: tuple[int, int] | None = None

    def build(
        self,
        parameters: Mapping[str, Any],
        levers: Any,
        weights: Weights,
        discount: Any,
        *,
        held: Held | None = None,
        precision: Any = 1.0,
        answer: Answer | None = None,
    ) -> Game:
        """Return the game at these numbers; to be traced, batched and differentiated.

        `levers`, shape (levers,), has the players' replaced by their actions. `answer` is how those who don't play set
        theirs, if not to `levers` whatever happens; it needs `held`.
        """
        mean, payoffs = self.moves(parameters, levers, weights, held, answer)
        each = self._by_player("discount", discount), self._by_player("precision", precision)
        return Game(self.players, self.grid, payoffs, self._kernel(parameters, mean), *each)

    def moves(
        self,
        parameters: Mapping[str, Any],
        levers: Any,
        weights: Weights,
        held: Held | None,
        answer: Answer | None = None,
    ) -> tuple[dict[str, Array], Array]:
        """Return the expected next value of each index axis, by name and each (states, profiles), and the payoffs."""
        model, step = self.model, build_step(self.model)
        base = dict(zip(model.lever_names, jnp.asarray(levers, dtype=float), strict=True))
        own = {actor.name: dict(actor.weights) | dict(weights.get(actor.name, {})) for actor in self.actors}
        quiet = dict.fromkeys(model.noisy, 0.0)

        def month(point: Array, action: Array) -> tuple[dict[str, Array], Array]:
            at = {axis.name: point[i] for i, axis in enumerate(self.grid.axes)}
            before = {name: at.get(name, value) for name, value in base.items()}
            state = self._state(at, held)
            now: Mapping[str, Array] = base | {each.lever: action[i] for i, each in enumerate(self.players)}
            now = now if answer is None else answer(state, before, now)
            following, told = step(state, quiet, now, before, parameters)
            moved = {name[6:]: value for name, value in told.items() if name.startswith("moved.")}
            s, m, u = Names(told), Names(moved), Names({**now, "previous": Names(before)})
            gains = [actor.payoff(s, u, m, own[actor.name]) for actor in self.actors]
            gains = [jnp.asarray(gain, dtype=float) for gain in gains]
            return {name: following[name] for name in self._indices}, jnp.stack(gains)

        points, levels = jnp.asarray(self.grid.values), jnp.asarray(profile_levels(self.players))
        over_actions = jax.vmap(month, in_axes=(None, 0))
        mean, payoffs = jax.vmap(over_actions, in_axes=(0, None))(points, levels)
        return mean, jnp.moveaxis(payoffs, 2, 0)

    def _by_player(self, where: str, given: Any) -> Array:
        each, count = jnp.asarray(given, dtype=float), len(self.players)
        if each.shape not in ((), (count,)):
            raise InputError(where, f"has shape {each.shape}", f"Give one number, or one a player, {count}.")
        return jnp.broadcast_to(each, (count,))

    @property
    def _indices(self) -> tuple[str, ...]:
        indices = {index.name for index in self.model.indices}
        return tuple(axis.name for axis in self.grid.axes if axis.name in indices)

    def _state(self, at: Mapping[str, Array], held: Held | None) -> dict[str, Array]:
        scaled = {name: to_scale(self.model.index(name).scale, at[name]) for name in self._indices}
        if held is None:
            return scaled
        away = jnp.stack([scaled.get(name, at[name]) for name in at]) - held.center
        state = {name: value + held.slope[name] @ away for name, value in held.mean.items()}
        for index in self.model.indices:
            if index.name in state:
                low, high = (to_scale(index.scale, bound) for bound in index.range)
                state[index.name] = jnp.clip(state[index.name], low, high)
        stocks = {item.name: jnp.maximum(jnp.expm1(state[item.name]), 0.0) for item in self.model.stocks}
        return state | stocks | scaled

    def _noise(self, name: str, parameters: Mapping[str, Any]) -> Array:
        """Return a month's standard deviation; where months share an innovation, that which adds up to as much."""
        noise, months = self.model.noise.get(name), self.model.index(name).noise_months
        return jnp.asarray(0.0 if noise is None else parameters[noise] * np.sqrt(months))

    def _kernel(self, parameters: Mapping[str, Any], mean: Mapping[str, Array]) -> Kernel:
        if self.reach is not None:
            (axis,) = self.grid.axes
            sd = self._noise(axis.name, parameters)
            return normal_band(np.asarray(axis.points), mean[axis.name], sd, self.reach)
        states, profiles = self.grid.size, int(np.prod([len(each.actions) for each in self.players]))
        places = np.zeros((1, profiles, 1), dtype=int)
        weights = jnp.ones((states, profiles, 1))
        holders = [player.lever for player in self.players]
        levels = dict(zip(holders, profile_levels(self.players).T, strict=True))
        for axis in self.grid.axes:
            size = len(axis.points)
            if axis.name in mean:
                points = to_scale(self.model.index(axis.name).scale, jnp.asarray(axis.points))
                sd = jnp.broadcast_to(self._noise(axis.name, parameters), mean[axis.name].shape)
                each = normal_weights(points, mean[axis.name], sd)
                place = np.arange(size)[None, None, :]
            else:
                place = np.array([axis.points.index(level) for level in levels[axis.name]])[None, :, None]
                each = jnp.ones((states, profiles, 1))
            places = (places[..., :, None] * size + place[..., None, :]).reshape(1, profiles, -1)
            weights = (weights[..., :, None] * each[..., None, :]).reshape(states, profiles, -1)
        return Scattered(jnp.broadcast_to(jnp.asarray(places), weights.shape), weights)


def reduce(model: Model, actors: Sequence[str], grid: Grid) -> Reduction:
    """Return the reduction of a model to a game of these actors on this grid.

    Each actor holds one lever, whose levels are its actions. Axes are named after indices (points in the index's own
    unit) or after a player's lever (points are its levels), which it needs where a mechanism reads its last move.
    """
    known = {actor.name: actor for actor in model.actors}
    players = []
    for name in actors:
        check_name(name, known, f"player {name!r}", "the model has no such actor")
        actor = known[name]
        if len(actor.levers) != 1:
            fix = "A player on a grid moves one lever; declare it with that one."
            raise InputError(f"actor {actor.name!r}", f"holds {len(actor.levers)} levers", fix)
        ((lever, levels),) = actor.levers.items()
        players.append(Player(actor.name, tuple(levels), lever))
    _check_axes(model, players, grid)
    return Reduction(model, tuple(known[name] for name in actors), tuple(players), grid)


def fine_reduction(
    model: Model, actors: Sequence[str], grid: Grid, parameters: Mapping[str, float], levers: Any
) -> Reduction:
    """Return the reduction to a fine axis of one index, whose kernel is a band of cells (Tauchen, 1986).

    `parameters` and `levers` are numbers at which the band's width is measured; later ones may move the state no
    further.
    """
    plain = reduce(model, actors, grid)
    if len(grid.axes) != 1 or model.index(grid.axes[0].name).scale != "identity":
        raise InputError("grid", "a band needs one axis on a plain scale", "Use `reduce` for other grids.")
    (axis,) = grid.axes
    mean, _ = plain.moves(parameters, levers, {}, None)
    sd = float(plain._noise(axis.name, parameters))
    if not sd > 0:
        raise InputError(f"axis {axis.name!r}", "has no noise", "A band of cells needs some; use `reduce`.")
    points = check_cells(axis.points, sd, f"axis {axis.name!r}")
    return replace(plain, reach=normal_reach(points, np.asarray(mean[axis.name]), sd))


def fit_held(model: Model, grid: Grid, states: Mapping[str, Any], axes: Any) -> Held:
    """Return the other states' conditional means given the axes, by least squares over simulated months.

    `states` are stocks in persons and indices in their own unit, (months,) each; `axes` (months, axes), in grid units.
    """
    scales = {index.name: index.scale for index in model.indices}
    names = [axis.name for axis in grid.axes]
    columns = [to_scale(scales.get(name, "identity"), axes[:, i]) for i, name in enumerate(names)]
    x = jnp.stack(columns, axis=1)
    center = x.mean(axis=0)
    away = x - center
    # a little ridge: an axis that hardly moved says nothing about what goes with it
    gram = away.T @ away + 1e-6 * len(x) * jnp.eye(x.shape[1])
    logs = {item.name: jnp.log1p(states[item.name]) for item in model.stocks}
    logs |= {name: to_scale(scale, states[name]) for name, scale in scales.items() if name not in names}
    mean = {name: value.mean() for name, value in logs.items()}
    slope = {name: jnp.linalg.solve(gram, away.T @ (value - mean[name])) for name, value in logs.items()}
    return Held(mean, slope, center)


def _check_axes(model: Model, players: Sequence[Player], grid: Grid) -> None:
    indices = {index.name: index for index in model.indices}
    holders = {player.lever: player for player in players}
    for axis in grid.axes:
        if axis.name in indices:
            low, high = indices[axis.name].range
            if axis.points[0] < low or axis.points[-1] > high:
                problem = f"leaves the index's range {low:g} to {high:g}"
                raise InputError(f"axis {axis.name!r}", problem, "Narrow the axis.")
        elif axis.name in holders:
            if axis.points != holders[axis.name].actions:
                problem = f"isn't the levels of {holders[axis.name].name!r}"
                raise InputError(f"axis {axis.name!r}", problem, "Give the levels as its points.")
        else:
            problem = "is neither an index nor a player's lever"
            raise InputError(f"axis {axis.name!r}", problem, did_you_mean(axis.name, [*indices, *holders]))
    names = {axis.name for axis in grid.axes}
    for name, reads in model.reads.items():
        for lever in reads.previous & holders.keys() - names:
            problem = f"is missing: {name} reads last month's {lever}"
            raise InputError(f"axis {lever!r}", problem, "Make it an axis.")
