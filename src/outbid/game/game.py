"""A game: who plays, on which grid of states, for what, and where their choices lead.

Time is monthly and has no end. Each month every player sees the state and a private shock to each of its actions
(logit, of scale 1/precision), all choose at once, and the state moves on by the joint action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError, check_name
from outbid.game.given import Count, by_player, checked, many, numbers, text
from outbid.game.kernel import (
    Banded,
    Floats,
    Kernel,
    Scattered,
    banded_from,
    check_cells,
    normal_band,
    normal_reach,
)

Ints = NDArray[np.int64]
# Beyond this share of figures outside the grid, the grid misses the data.
TOLERATED = 0.2


@jax.tree_util.register_static
@dataclass(frozen=True)
class Axis:
    """One dimension of a grid: increasing points of a named quantity."""

    name: str
    points: tuple[float, ...]

    def __post_init__(self) -> None:
        where = f"axis {text('axis, name', self.name)!r}"
        points = numbers(where, self.points)
        if points.ndim != 1 or not len(points):
            raise InputError(where, "has no points", "Give at least one number.")
        if not np.isfinite(points).all():
            raise InputError(where, "holds a point that is not a number", "Give finite numbers.")
        if (np.diff(points) <= 0).any():
            raise InputError(where, "does not increase", "Sort its points and drop doubles.")
        object.__setattr__(self, "points", tuple(points.tolist()))


@dataclass(frozen=True)
class Grid:
    """The product of axes; states are numbered with the first axis slowest."""

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", many("grid, axes", self.axes, Axis))
        names = [axis.name for axis in self.axes]
        if not names or len(set(names)) < len(names):
            raise InputError("grid", "needs axes with names of their own", "Name each axis once.")

    @property
    def shape(self) -> tuple[int, ...]:
        """Points by axis."""
        return tuple(len(axis.points) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of states."""
        return int(np.prod(self.shape))

    @cached_property
    def values(self) -> Floats:
        """Every state's coordinates, shape (states, axes)."""
        mesh = np.meshgrid(*(axis.points for axis in self.axes), indexing="ij")
        return np.stack([each.ravel() for each in mesh], axis=1)

    @checked
    def axis(self, name: str) -> Axis:
        """Return the axis of that name, or complain with the nearest one."""
        axes = {axis.name: axis for axis in self.axes}
        check_name(name, axes, f"axis {name!r}", "the grid has no such axis")
        return axes[name]

    @checked
    def nearest(self, figures: Mapping[str, ArrayLike] | pd.DataFrame, outside: float = TOLERATED) -> Ints:
        """Return the state nearest to each figure, shape (figures,).

        What lies outside goes to the edge; more than a share of the figures `outside` is refused.
        """
        indices = []
        for axis in self.axes:
            if axis.name not in figures:
                raise InputError(f"grid, {axis.name}", "has no figures", "Give figures for every axis.")
            points = np.asarray(axis.points)
            each = np.atleast_1d(numbers(f"figures, {axis.name}", figures[axis.name]))
            if each.ndim > 1:
                raise InputError(f"figures, {axis.name}", f"have shape {each.shape}", "Give one a month.")
            for place in np.flatnonzero(~np.isfinite(each)):
                problem = f"month {place + 1} is not a number"
                raise InputError(f"figures, {axis.name}", problem, "Fill it or leave the month out.")
            indices.append(np.searchsorted((points[1:] + points[:-1]) / 2, each))
            # an edge month still belongs to the last cell; what counts is how many lie beyond it
            first, last = np.diff(points)[[0, -1]] if len(points) > 1 else (np.inf, np.inf)
            beyond = (each < points[0] - first / 2) | (each > points[-1] + last / 2)
            if beyond.mean() > outside:
                problem = (
                    f"{beyond.mean():.0%} of the figures lie outside {points[0]:.3g} to {points[-1]:.3g}"
                )
                raise InputError(f"grid, {axis.name}", problem, "Widen the axis.")
        if len({len(each) for each in indices}) > 1:
            raise InputError(
                "figures", "cover different numbers of months", "Give every axis the same months."
            )
        return np.asarray(np.ravel_multi_index(tuple(indices), self.shape), dtype=np.int64)


# More points than this would hardly be meant.
LONGEST = 100_000


@checked
def quantile_axis(
    name: str, figures: Sequence[float] | Floats, step: float, low: float = 0.025, high: float = 0.975
) -> Axis:
    """Return an axis from one quantile of the figures to another, by `step` (quantiles interpolate linearly)."""
    each = numbers(f"axis {name!r}, figures", figures)
    if each.ndim != 1 or not len(each) or not np.isfinite(each).all():
        raise InputError(f"axis {name!r}", "needs figures that are all numbers", "Drop missing months.")
    if not (step > 0 and 0 <= low < high <= 1):
        raise InputError(f"axis {name!r}", "has an impossible step or range", "Use step > 0, low < high.")
    start, end = np.quantile(each, [low, high])
    count = np.floor((end - start) / step + 1e-10) + 1
    if not 2 <= count <= LONGEST:
        fix = f"Use a {'larger' if count > 2 else 'smaller'} step, or figures that differ."
        raise InputError(f"axis {name!r}", f"would have {count:.3g} points", fix)
    return Axis(name, tuple((start + step * np.arange(count)).tolist()))


@checked
def even_axis(name: str, low: float, high: float, count: Count) -> Axis:
    """Return an axis of `count` evenly spaced points from `low` to `high`, both included."""
    if count > LONGEST:
        raise InputError(f"axis {name!r}", f"would have {count} points", f"Take {LONGEST} or fewer.")
    return Axis(name, tuple(np.linspace(low, high, count).tolist()))


# How far a kernel's row may be from one.
ROUNDING = 1e-8


@jax.tree_util.register_static
@dataclass(frozen=True)
class Player:
    """Someone who chooses: its name and the level of each of its actions."""

    name: str
    actions: tuple[float, ...]
    lever: str = ""

    def __post_init__(self) -> None:
        where = f"player {text('player, name', self.name)!r}"
        array = numbers(f"{where}, actions", self.actions)
        levels = tuple(array.ravel().tolist())
        if array.ndim != 1 or len(set(levels)) < max(len(levels), 1) or not np.isfinite(levels).all():
            raise InputError(where, "needs actions with levels of their own", "Give each level once.")
        object.__setattr__(self, "actions", levels)


NUMBERS = ["payoffs", "kernel", "discount", "precision"]


@partial(jax.tree_util.register_dataclass, data_fields=NUMBERS, meta_fields=["counts"])
@dataclass(frozen=True)
class Arrays:
    """A game's numbers without its names, so that games of one shape share compiled code."""

    payoffs: Array
    kernel: Kernel
    discount: Array
    precision: Array
    counts: tuple[int, ...]


@partial(jax.tree_util.register_dataclass, data_fields=NUMBERS, meta_fields=["players", "grid"])
@dataclass(frozen=True)
class Game:
    """A stochastic game with logit shocks.

    * `players`, `grid`: who plays on which states.
    * `payoffs`: monthly payoff, shape (players, states, profiles). A profile is a joint action; profiles are numbered
      with the first player's action slowest.
    * `kernel`: where each state and profile leads.
    * `discount`: weight of next month, shape (players,), in [0, 1).
    * `precision`: inverse scale of the shocks, shape (players,), not negative: 0 plays all actions alike.
    """

    players: tuple[Player, ...]
    grid: Grid
    payoffs: Array
    kernel: Kernel
    discount: Array
    precision: Array

    @property
    def counts(self) -> tuple[int, ...]:
        """How many actions each player has."""
        return tuple(len(player.actions) for player in self.players)

    @property
    def arrays(self) -> Arrays:
        """The numbers alone."""
        return Arrays(self.payoffs, self.kernel, self.discount, self.precision, self.counts)

    @checked
    def player(self, name: str) -> int:
        """Return a player's place, or complain with the nearest name."""
        names = [player.name for player in self.players]
        check_name(name, names, f"player {name!r}", "the game has no such player")
        return names.index(name)


def names_of(players: Sequence[Player]) -> tuple[str, ...]:
    """Return the players' names, or say that there is none or that two have the same."""
    names = tuple(player.name for player in many("players", players, Player))
    if not names or len(set(names)) < len(names):
        problem = "two have the same name" if names else "there are none"
        raise InputError("players", problem, "Give each player a name of its own.")
    return names


def profile_levels(players: Sequence[Player]) -> np.ndarray:
    """Return each profile's action levels, shape (profiles, players), the first player's slowest."""
    mesh = np.meshgrid(*(player.actions for player in players), indexing="ij")
    return np.stack([each.ravel() for each in mesh], axis=1)


@checked
def game_from_arrays(
    players: Sequence[Player],
    grid: Grid,
    payoffs: ArrayLike,
    kernel: Kernel | ArrayLike,
    discount: float | Sequence[float],
    precision: float | Sequence[float] = 1.0,
) -> Game:
    """Return a checked game; a kernel given in full has shape (states, profiles, states)."""
    held = kernel if isinstance(kernel, Banded | Scattered) else banded_from(kernel)
    pairs, names = (("discount", discount), ("precision", precision)), names_of(players)
    each = [jnp.asarray(by_player(where, given, names, or_one=True)) for where, given in pairs]
    game = Game(tuple(players), grid, jnp.asarray(payoffs, dtype=float), held, *each)
    check_game(game)
    return game


def check_game(game: Game) -> None:
    """Refuse a game that is not one: arrays of the wrong shape, impossible probabilities or discounts."""
    if not (isinstance(game, Game) and isinstance(game.grid, Grid) and isinstance(game.kernel, Kernel)):
        fix = "Make one by `one_index_game` or `game_from_arrays`."
        raise InputError("game", f"is a {type(game).__name__}, or made of other things than a game is", fix)
    names = names_of(game.players)
    payoffs, weights = numbers("payoffs", game.payoffs), numbers("kernel", game.kernel.weights)
    profiles = int(np.prod(game.counts))
    wanted = (len(game.players), game.grid.size, profiles)
    if payoffs.shape != wanted:
        fix = f"Give (players, states, profiles) = {wanted}."
        raise InputError("payoffs", f"have shape {payoffs.shape}", fix)
    if weights.ndim != 3 or weights.shape[:2] != wanted[1:]:
        problem = f"has states and profiles {weights.shape[:2]}"
        raise InputError("kernel", problem, f"The game has {wanted[1:]}.")
    for i, s, a in np.argwhere(~np.isfinite(payoffs)):
        fix = "Give a finite payoff for every state and joint action."
        raise InputError(f"payoffs, {game.players[i].name}", f"state {s}, profile {a} is not a number", fix)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise InputError("kernel", "holds a probability that is negative or not a number", "Mend the kernel.")
    if isinstance(game.kernel, Banded):
        # what a band puts beyond the grid goes nowhere
        target = np.arange(game.grid.size)[:, None] + np.arange(weights.shape[2])[None, :] - game.kernel.lower
        weights = np.where(((target >= 0) & (target < game.grid.size))[:, None, :], weights, 0.0)
    sums = weights.sum(axis=2)
    worst = np.unravel_index(np.argmax(np.abs(sums - 1.0)), sums.shape)
    if abs(sums[worst] - 1.0) > ROUNDING:
        problem = f"sums to {sums[worst]:.6g} instead of 1"
        fix = "Probabilities of the next state must sum to one."
        raise InputError(f"kernel, state {worst[0]}, profile {worst[1]}", problem, fix)
    if isinstance(game.kernel, Scattered):
        targets = np.asarray(game.kernel.targets)
        if targets.shape != weights.shape or targets.min() < 0 or targets.max() >= game.grid.size:
            raise InputError("kernel", "leads to a state that is not on the grid", "Mend its targets.")
    each = (by_player(name, getattr(game, name), names) for name in ("discount", "precision"))
    for player, discount, precision in zip(game.players, *each, strict=True):
        if not 0.0 <= discount < 1.0:
            fix = "Give at least 0 and less than 1, such as 0.99."
            raise InputError(f"discount, {player.name}", f"is {discount:g}", fix)
        if not 0.0 <= precision < np.inf:
            raise InputError(f"precision, {player.name}", f"is {precision:g}", "Give 0 or more.")


@checked
def one_index_game(
    axis: Axis,
    players: Sequence[Player],
    *,
    intercept: float,
    persistence: float,
    effects: Sequence[float],
    interactions: Sequence[float],
    sd: float,
    value: Sequence[float],
    cost: Sequence[float],
    discount: float | Sequence[float],
) -> Game:
    """Return the classic game on one index: s' = c + Σ e_i a_i + r s + Σ x_i a_i s + noise, u_i = β_i s + κ_i a_i.

    The form of Crisman-Cox and Gibilisco (Tug of War, International Organization), with c `intercept`, r `persistence`,
    e_i `effects`, x_i `interactions`, β_i `value` and κ_i `cost` (if negative): one number a player each. The axis is
    evenly spaced, with steps of `kernel.COARSE` sd at most, and holds the state: at each end some joint action leads back.
    Where all `interactions` are zero, what the index is worth to
    a player is nearly linear in it, and no record of play can tell value from cost.
    """
    names = names_of(players)
    rows = {"effects": effects, "interactions": interactions, "value": value, "cost": cost}
    e, x, beta, kappa = (by_player(where, row, names) for where, row in rows.items())
    check_cells(axis.points, sd, f"axis {axis.name!r}")
    with np.errstate(over="ignore", invalid="ignore"):
        mean = one_index_mean(axis, players, np.array([intercept, *e, persistence, *x]))
    kernel = normal_band(axis.points, jnp.asarray(mean), jnp.asarray(sd), normal_reach(axis.points, mean, sd))
    check_ends(axis, mean)
    sight = jnp.asarray(by_player("discount", discount, names, or_one=True))
    game = on_kernel(axis, players, kernel, sight, np.concatenate([beta, kappa]))
    check_game(game)
    return game


def one_index_mean(axis: Axis, players: Sequence[Player], equation: Any) -> Any:
    """Return next month's mean state in the classic game, shape (states, profiles), of NumPy's numbers or JAX's.

    The equation is in the order of `outbid.game.first_stage.level_terms`; what follows them is not looked at.
    """
    at, levels, count = np.asarray(axis.points), profile_levels(players), len(players)
    level = equation[0] + levels @ equation[1 : count + 1]
    carry = equation[count + 1] + levels @ equation[count + 2 : 2 * count + 2]
    return level[None, :] + at[:, None] * carry[None, :]


def check_ends(axis: Axis, mean: Floats) -> None:
    """Refuse an equation that leads beyond an end of the axis whatever is played: the state would pile up there.

    `mean`: next month's mean state, shape (states, profiles). A walk that no action moves stays within.
    """
    low, high = axis.points[0], axis.points[-1]
    slack = 1e-9 * (high - low)
    for end, leads in ((low, mean[0].max() < low - slack), (high, mean[-1].min() > high + slack)):
        if leads:
            problem = f"from its end at {end:.3g} the equation leads further out, whatever is played"
            raise InputError(f"axis {axis.name!r}", problem, "Widen the axis, or mend the equation.")


def on_kernel(axis: Axis, players: Sequence[Player], kernel: Kernel, discount: Array, theta: Any) -> Game:
    """Return the classic game on a kernel, by the players' values of the index and then their costs of acting.

    `discount` has shape (players,), `theta` (2 players,): u_i = theta_i s + theta_(players + i) a_i.
    """
    at, levels, count = np.asarray(axis.points), profile_levels(players), len(players)
    payoffs = theta[:count, None, None] * at[None, :, None] + (theta[count:, None] * levels.T)[:, None, :]
    return Game(tuple(players), Grid((axis,)), jnp.asarray(payoffs), kernel, discount, jnp.ones(count))


@checked
def restrict(game: Game, player: str, action: float, *, keep: bool = False) -> Game:
    """Return the game in which one player always takes one action.

    It leaves the game; with `keep` it stays as a player without a choice, so that its own payoff is still told.
    """
    place = place_of(game.players[game.player(player)], action)
    return settled(game, player, place, action if keep else None)


def place_of(player: Player, action: float) -> int:
    """Return the place of an action among a player's actions, or complain that it has no such action."""
    if action not in player.actions:
        fix = f"It has {', '.join(f'{x:g}' for x in player.actions)}."
        raise InputError(f"player {player.name!r}", f"has no action {action:g}", fix)
    return player.actions.index(action)


def parted(array: Array, axis: int, counts: tuple[int, ...], place: int) -> Array:
    """Lay out an axis of profiles as two: the others' joint actions, and the actions of the player at a place."""
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    wide = jnp.moveaxis(array.reshape(*before, *counts, *after), axis + place, axis + len(counts) - 1)
    return wide.reshape(*before, -1, counts[place], *after)


def settled(game: Game, player: str, place_of_action: ArrayLike, kept_as: float | None = None) -> Game:
    """Return the game in which one player always takes the action at a place among its actions.

    The place may be traced, so that one compilation serves every action. A player that is `kept_as` an action stays.
    """
    place, counts = game.player(player), game.counts
    left = [each for i, each in enumerate(game.players) if i != place]
    if kept_as is not None:
        own = game.players[place]
        left.insert(place, Player(own.name, (kept_as,), own.lever))
    if not left:
        raise InputError(f"player {player!r}", "is the only one", "Leave somebody in the game.")
    stay = np.array([kept_as is not None or i != place for i in range(len(counts))])

    def taken(array: Array, axis: int) -> Array:
        """Keep, of the joint actions on an axis, those with the player's action."""
        return jnp.take(parted(array, axis, counts, place), jnp.asarray(place_of_action), axis=axis + 1)

    kernel = jax.tree.map(lambda leaf: taken(leaf, 1), game.kernel)
    payoffs = taken(game.payoffs[stay], 2)
    return Game(tuple(left), game.grid, payoffs, kernel, game.discount[stay], game.precision[stay])
