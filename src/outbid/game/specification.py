"""What is to be estimated: payoffs as a function of parameters, what a first step has estimated already, and the record of
play to explain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.first_stage import level_terms
from outbid.game.game import Axis, Game, Grid, Player, one_index_mean, one_index_payoffs, profile_levels
from outbid.game.kernel import Kernel, normal_band, normal_reach

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CALENDAR = re.compile(r"^(\d{4})-(\d{2})$")


@dataclass(frozen=True, eq=False)
class Play:
    """Months of play without gaps: each month's place on the grid, (months,), and its actions, (months, players).

    Actions are numbered from 0. With names of months, "YYYY-MM", a gap is found out.
    """

    states: Ints
    actions: Ints
    months: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        states, actions = np.asarray(self.states, dtype=float), np.asarray(self.actions, dtype=float)
        names = tuple(str(month) for month in self.months)
        if states.ndim != 1 or actions.ndim != 2 or len(actions) != len(states) or not len(states):
            problem = f"has states of shape {states.shape} and actions of shape {actions.shape}"
            raise InputError("play", problem, "Give (months,) and (months, players).")
        if names and len(names) != len(states):
            problem = f"are {len(names)} for {len(states)} states"
            raise InputError("play, months", problem, "Name each month once.")
        check_calendar(names)
        label = names or tuple(str(i + 1) for i in range(len(states)))
        columns = [("state", states), *((f"action of player {i + 1}", c) for i, c in enumerate(actions.T))]
        for what, column in columns:
            missing = np.flatnonzero(~np.isfinite(column))
            if len(missing):
                fix = "Months must follow one another without gaps: cut the panel, or fill it."
                raise InputError(f"play, month {label[missing[0]]}", f"the {what} is missing", fix)
            odd = np.flatnonzero((column < 0) | (column != np.round(column)))
            if len(odd):
                fix = "Give its place, a whole number from 0 up."
                raise InputError(f"play, month {label[odd[0]]}", f"the {what} is {column[odd[0]]:g}", fix)
        object.__setattr__(self, "states", states.astype(np.int64))
        object.__setattr__(self, "actions", actions.astype(np.int64))
        object.__setattr__(self, "months", names)

    def month(self, place: int) -> str:
        """Return a month's name, or its number from 1."""
        return self.months[place] if self.months else str(place + 1)

    def profiles(self, counts: Sequence[int]) -> Ints:
        """Return each month's joint action, shape (months,), numbered with the first player's slowest."""
        return np.asarray(np.ravel_multi_index(tuple(self.actions.T), tuple(counts)), dtype=np.int64)

    def counts(self, game: Game) -> Floats:
        """Return in how many months each action was taken in each state, shape (states, all actions)."""
        tally = np.zeros((game.grid.size, sum(game.counts)))
        for place in self.columns(game.counts).T:
            np.add.at(tally, (self.states, place), 1.0)
        return tally

    def columns(self, counts: Sequence[int]) -> Ints:
        """Return the place of what was done among all players' actions side by side, shape (months, players)."""
        return np.asarray(
            self.actions + np.concatenate([[0], np.cumsum(counts)[:-1]])[None, :], dtype=np.int64
        )


def check_calendar(months: Sequence[str]) -> None:
    """Complain about a month that is missing or out of order; names that are no "YYYY-MM" are not looked at."""
    found = [CALENDAR.match(month) for month in months]
    if not found or any(each is None for each in found):
        return
    numbers = [12 * int(each[1]) + int(each[2]) - 1 for each in found if each]
    for before, after, name in zip(numbers, numbers[1:], months[1:], strict=False):
        if after == before + 1:
            continue
        if after <= before:
            raise InputError(f"play, month {name}", "is out of order", "Sort the months, one row each.")
        lost = f"{(before + 1) // 12}-{(before + 1) % 12 + 1:02d}"
        fix = "Months must follow one another without gaps: cut the panel, or fill it."
        raise InputError(f"play, month {lost}", "is missing", fix)


def play_from_panel(
    grid: Grid,
    players: Sequence[Player],
    figures: Mapping[str, ArrayLike],
    actions: Mapping[str, ArrayLike],
    months: Sequence[str] = (),
) -> Play:
    """Return a record of play from a panel's figures by axis, (months,) each, which go to the nearest point of the grid.

    `actions` holds the level of each player's action by month.
    """
    check_calendar([str(month) for month in months])
    chosen = []
    for player in players:
        if player.name not in actions:
            raise InputError(f"actions, {player.name}", "are missing", "Give a level for every month.")
        levels = np.atleast_1d(np.asarray(actions[player.name], dtype=float))
        match = levels[:, None] == np.asarray(player.actions)[None, :]
        unknown = np.flatnonzero(~match.any(axis=1))
        if len(unknown):
            month = str(months[unknown[0]]) if len(months) else str(unknown[0] + 1)
            if not np.isfinite(levels[unknown[0]]):
                fix = "Months must follow one another without gaps: cut the panel, or fill it."
                raise InputError(f"actions, {player.name}, month {month}", "the figure is missing", fix)
            problem = f"{levels[unknown[0]]:g} is none of its actions"
            fix = f"They are {', '.join(f'{each:g}' for each in player.actions)}."
            raise InputError(f"actions, {player.name}, month {month}", problem, fix)
        chosen.append(match.argmax(axis=1))
    if len({len(each) for each in chosen}) > 1:
        raise InputError("actions", "cover different numbers of months", "Give every player the same months.")
    return Play(grid.nearest(figures), np.stack(chosen, axis=1), tuple(str(month) for month in months))


def check_play(play: Play, game: Game) -> None:
    """Refuse a record that a game can't have left, or from which its payoffs can't be told (perfect separation)."""
    if play.actions.shape[1] != len(game.players):
        fix = f"The game's are {', '.join(player.name for player in game.players)}."
        raise InputError("play, actions", f"are of {play.actions.shape[1]} players", fix)
    beyond = np.flatnonzero(play.states >= game.grid.size)
    if len(beyond):
        problem = f"state {play.states[beyond[0]]} is not on the grid"
        fix = f"The grid's states are 0 to {game.grid.size - 1}."
        raise InputError(f"play, month {play.month(beyond[0])}", problem, fix)
    for player, column in zip(game.players, play.actions.T, strict=True):
        outside = np.flatnonzero(column >= len(player.actions))
        if len(outside):
            problem = f"{player.name} has no action number {column[outside[0]]}"
            fix = f"Its actions are numbered 0 to {len(player.actions) - 1}."
            raise InputError(f"play, month {play.month(outside[0])}", problem, fix)
        if len(player.actions) > 1 and np.ptp(column) == 0:
            raise InputError(
                f"play, {player.name}",
                f"does the same in all {len(column)} months ({player.actions[column[0]]:g}), so the cost of doing "
                "otherwise can't be told (perfect separation)",
                "Take other months, or fix that player's payoff.",
            )


@dataclass(frozen=True, eq=False)
class FirstStep:
    """Numbers that an earlier step has estimated and that the game takes as given, with their sampling covariance."""

    names: tuple[str, ...]
    estimates: Floats
    covariance: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "estimates", np.asarray(self.estimates, dtype=float))
        object.__setattr__(self, "covariance", np.asarray(self.covariance, dtype=float))
        count = len(self.names)
        if self.estimates.shape != (count,) or self.covariance.shape != (count, count):
            raise InputError(
                "first step",
                f"has {count} names, estimates of shape {self.estimates.shape} and a covariance of shape "
                f"{self.covariance.shape}",
                "Give one number a name, and a square covariance of that size.",
            )
        if not (np.isfinite(self.estimates).all() and np.isfinite(self.covariance).all()):
            raise InputError("first step", "holds something that is not a number", "Fit it again.")
        if not np.allclose(self.covariance, self.covariance.T, rtol=1e-6, atol=1e-12):
            raise InputError("first step, covariance", "is not symmetric", "Give a covariance matrix.")


@dataclass(frozen=True, eq=False)
class Specification:
    """A family of games, one for each vector of parameters.

    `build` is traceable by JAX, and its games have the same players, grid and kernel shape. Given as
    `jax.tree_util.Partial` of a function and arrays, specifications that differ in those arrays only share compiled
    code. `build_with` also takes the numbers of `first_step`, if errors are to be corrected for it, and equals `build`
    at its estimates.
    """

    names: tuple[str, ...]
    build: Callable[[Array], Game]
    first_step: FirstStep | None = None
    build_with: Callable[[Array, Array], Game] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError("specification, names", "are missing or double", "Name each parameter once.")
        if (self.first_step is None) != (self.build_with is None):
            problem = "has a first step or `build_with`, but not both"
            raise InputError("specification", problem, "Give both, or neither.")

    def parameters(self, values: ArrayLike, where: str = "start") -> Floats:
        """Return values as an array of shape (parameters,), or say what is wrong with them."""
        each = np.asarray(values, dtype=float)
        if each.shape != (len(self.names),):
            problem = f"has shape {each.shape}, and the parameters are {', '.join(self.names)}"
            raise InputError(where, problem, "Give one number for each.")
        for name, value in zip(self.names, each, strict=True):
            if not np.isfinite(value):
                raise InputError(f"{where}, {name}", "is not a number", "Give a finite number.")
        return each

    def game(self, values: ArrayLike) -> Game:
        """Return the game at given parameters, shape (parameters,)."""
        game: Game = _built(as_partial(self.build), jnp.asarray(self.parameters(values, "parameters")))
        return game


def as_partial(function: Callable[..., Any]) -> jax.tree_util.Partial:
    """Return a function in the form that compiled code takes as an argument, its arrays apart from its code."""
    if isinstance(function, jax.tree_util.Partial):
        return function
    return jax.tree_util.Partial(function)


@jax.jit
def _built(build: Callable[[Array], Game], theta: Array) -> Game:
    return build(theta)


def linked_specification(
    names: Sequence[str], build_with: Callable[[Array, Array], Game], first_step: FirstStep
) -> Specification:
    """Return a specification from one function of parameters and first-step numbers, `build_with(theta, gamma)`."""
    held = jax.tree_util.Partial(_Swapped(build_with), jnp.asarray(first_step.estimates))
    return Specification(tuple(names), held, first_step, build_with)


@dataclass(frozen=True)
class _Swapped:
    """A function of two arguments that takes the second one first."""

    function: Callable[[Array, Array], Game]

    def __call__(self, second: Array, first: Array) -> Game:
        return self.function(first, second)


@dataclass(frozen=True)
class _OnKernel:
    """The classic game on a kernel that is at hand."""

    axis: Axis
    players: tuple[Player, ...]

    def __call__(self, kernel: Kernel, discount: Array, theta: Array) -> Game:
        at, levels, count = np.asarray(self.axis.points), profile_levels(self.players), len(self.players)
        payoffs = one_index_payoffs(at, levels, theta[:count], theta[count:])
        return Game(self.players, Grid((self.axis,)), payoffs, kernel, discount, jnp.ones(count))


@dataclass(frozen=True)
class _OnEquation:
    """The classic game on a kernel that follows from the state equation."""

    axis: Axis
    players: tuple[Player, ...]
    reach: tuple[int, int]

    def kernel(self, equation: Array) -> Kernel:
        at = np.asarray(self.axis.points)
        return normal_band(at, _mean(self.axis, self.players, equation), equation[-1], self.reach)

    def __call__(self, discount: Array, theta: Array, equation: Array) -> Game:
        return _OnKernel(self.axis, self.players)(self.kernel(equation), discount, theta)


def _mean(axis: Axis, players: Sequence[Player], equation: Array) -> Array:
    """Return next month's mean state, shape (states, profiles), by the terms of `first_stage.level_terms`."""
    at, levels, count = jnp.asarray(axis.points), profile_levels(players), len(players)
    effects, interactions = equation[1 : count + 1], equation[count + 2 : 2 * count + 2]
    mean: Array = one_index_mean(at, levels, equation[0], effects, equation[count + 1], interactions)
    return mean


def classic_specification(
    axis: Axis,
    players: Sequence[Player],
    equation: ArrayLike,
    discount: float | Sequence[float],
    covariance: ArrayLike | None = None,
) -> Specification:
    """Return the one-index form with parameters beta (value of the index) and kappa (cost of action) by player.

    A player's monthly payoff is beta times the index plus kappa times its action's level (Crisman-Cox and Gibilisco,
    Tug of War). `equation` is in the order of `outbid.game.first_stage.level_terms`, then sigma; with its `covariance`,
    standard errors are corrected for it. The kernel is built once.
    """
    whole, numbers = tuple(players), np.asarray(equation, dtype=float)
    terms = (*level_terms([player.name for player in whole]), "sigma")
    if numbers.shape != (len(terms),) or not np.isfinite(numbers).all() or not numbers[-1] > 0:
        problem = f"holds {numbers.size} numbers, or one that is none, or a sigma that is not positive"
        raise InputError("state equation", problem, f"Give {len(terms)}: {', '.join(terms)}.")
    weights = np.broadcast_to(np.asarray(discount, dtype=float), (len(whole),))
    if not ((weights >= 0) & (weights < 1)).all():
        raise InputError("discount", f"is {discount}", "Give at least 0 and less than 1, such as 0.99.")
    mean = np.asarray(_mean(axis, whole, jnp.asarray(numbers)))
    joint = _OnEquation(axis, whole, normal_reach(axis.points, mean, numbers[-1]))
    kernel, sight = jax.jit(joint.kernel)(jnp.asarray(numbers)), jnp.asarray(weights)
    names = tuple(f"{what}_{player.name}" for what in ("beta", "kappa") for player in whole)
    build = jax.tree_util.Partial(_OnKernel(axis, whole), kernel, sight)
    if covariance is None:
        return Specification(names, build)
    first = FirstStep(terms, numbers, np.asarray(covariance, dtype=float))
    return Specification(names, build, first, jax.tree_util.Partial(joint, sight))
