"""What is to be estimated: payoffs as a function of parameters, an earlier step's numbers, and the record of play."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import ArrayLike

from outbid.errors import InputError
from outbid.game.first_stage import GAPS, level_terms
from outbid.game.game import (
    Axis,
    Game,
    Grid,
    Ints,
    Player,
    check_ends,
    check_game,
    names_of,
    on_kernel,
    one_index_mean,
)
from outbid.game.given import by_player, checked, many, numbers, shaped
from outbid.game.kernel import Floats, Kernel, check_cells, normal_band, normal_reach

# A year in a month's name; a year and a month without a mark between them; a number, perhaps behind words.
WITH_YEAR, YEAR = re.compile(r"(?<!\d)(1[5-9]|2\d)\d\d"), re.compile(r"^(\d{4})(?:[mM](\d\d?)|(\d\d))$")
NUMBERED = re.compile(r"(-?\d+)|(\D+)(\d+)")
MONTHS = pd.date_range("2000-01", periods=12, freq="MS").month_name().str.lower().tolist()


@dataclass(frozen=True, eq=False)
class Play:
    """Months of play without gaps: each month's place on the grid, (months,), and its actions, (months, players).

    Actions are numbered from 0. With names of months, "YYYY-MM", a gap is found out.
    """

    states: Ints
    actions: Ints
    months: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        states, actions = numbers("play, states", self.states), numbers("play, actions", self.actions)
        names = calendar(self.months)
        if states.ndim != 1 or actions.ndim != 2 or len(actions) != len(states) or not len(states):
            problem = f"has states of shape {states.shape} and actions of shape {actions.shape}"
            raise InputError("play", problem, "Give (months,) and (months, players).")
        if names and len(names) != len(states):
            problem = f"are {len(names)} for {len(states)} states"
            raise InputError("play, months", problem, "Name each month once.")
        object.__setattr__(self, "months", names)
        for column, each in enumerate(np.column_stack([states, actions]).T):
            places = np.isfinite(each) & (each >= 0) & (each == np.round(each))
            if not places.all():
                bad = int(np.argmin(places))
                where = f"play, month {self.month(bad)}"
                what = f"action of player {column}" if column else "state"
                if not np.isfinite(each[bad]):
                    raise InputError(where, f"the {what} is missing", GAPS)
                fix = "Give its place, a whole number from 0 up."
                raise InputError(where, f"the {what} is {each[bad]:g}", fix)
        object.__setattr__(self, "states", states.astype(np.int64))
        object.__setattr__(self, "actions", actions.astype(np.int64))

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
        return np.asarray(self.actions + np.concatenate([[0], np.cumsum(counts)[:-1]]), dtype=np.int64)


def calendar(months: Any) -> tuple[str, ...]:
    """Return the months' names, or complain about one that is missing, out of order or double.

    Dates and periods are told by their own month, quarter or year, and so is text in which a year stands and that pandas
    reads; numbers go up by one, and so do the names of months. The rest, in which no digit stands, are mere names.
    """
    if isinstance(months, str) or not isinstance(months, Iterable):
        raise InputError("play, months", f"{months!r} is no list of months", "Name each month, in a list.")
    names = tuple(
        f"{each:.0f}" if isinstance(each, float) and each % 1 == 0 else str(each) for each in months
    )
    places, by_name = _places(names)
    for before, after, name in zip(places, places[1:], names[1:], strict=False):
        if after <= before:
            problem = "is out of order, or there twice"
            raise InputError(f"play, month {name}", problem, "Sort the months, one row each.")
        if after > before + 1:
            gap = MONTHS[(before + 1) % 12].title() if by_name else before + 1
            raise InputError(f"play, month {gap}", "is missing", GAPS)
    return names


def _places(names: Sequence[str]) -> tuple[list[Any], bool]:
    """Return what goes up by one from month to month, and whether that is the months' names; empty for mere names."""
    periods = []
    for name in (YEAR.sub(r"\1-\2\3", name) for name in names if WITH_YEAR.search(name)):
        with suppress(ValueError):
            period = pd.Period(name)
            periods.append(period if period.freqstr[0] in "YQ" else period.asfreq("M"))
    if len(periods) == len(names) and len({period.freqstr for period in periods}) < 2:
        return periods, False
    parts = [NUMBERED.fullmatch(name) for name in names]
    if all(parts) and len({part[2] for part in parts if part}) == 1:
        return [int(part[1] or part[3]) for part in parts if part], False
    short = [name.lower().rstrip(".") for name in names]
    found = [[i for i, month in enumerate(MONTHS) if month.startswith(name) and name[2:]] for name in short]
    if all(found):
        return np.unwrap(np.ravel(found), period=12).tolist(), True
    if any(map(str.isdigit, "".join(names))):
        problem = f"{len(periods)} of {len(names)} are dates, or some are months and others years"
        raise InputError("play, months", problem, "Write all of them as YYYY-MM, or number them.")
    return [], False


@checked
def play_from_panel(
    grid: Grid,
    players: Sequence[Player],
    figures: Mapping[str, ArrayLike] | pd.DataFrame,
    actions: Mapping[str, ArrayLike] | pd.DataFrame | None = None,
    months: Any = None,
) -> Play:
    """Return a record of play from a panel's figures by axis, (months,) each, which go to the nearest point of the grid.

    `actions` holds the level of each player's action by month; by default it is the same table. With `months`, by default
    a table's index, a gap is found out. What lies outside the grid counts as its end, up to `TOLERATED` of the months.
    """
    names_of(players)
    actions = figures if actions is None else actions
    if months is None:  # a table knows them, unless it merely counts its rows
        index: Any = figures.index if isinstance(figures, pd.DataFrame) else ()
        months = () if isinstance(index, pd.RangeIndex) and index.step == 1 else index
    months = calendar(months)
    chosen = []
    for player in players:
        if player.name not in actions:
            raise InputError(f"actions, {player.name}", "are missing", "Give a level for every month.")
        levels = np.atleast_1d(numbers(f"actions, {player.name}", actions[player.name]))
        if levels.ndim > 1 or len(months) not in (0, len(levels)):
            problem = f"have shape {levels.shape} for {len(months) or 'some'} months"
            raise InputError(f"actions, {player.name}", problem, "Give one level a month.")
        match = levels[:, None] == np.asarray(player.actions)[None, :]
        known = match.any(axis=1)
        if not known.all():
            bad = int(np.argmin(known))
            where = f"actions, {player.name}, month {months[bad] if len(months) else bad + 1}"
            if not np.isfinite(levels[bad]):
                raise InputError(where, "the figure is missing", GAPS)
            fix = f"They are {', '.join(f'{each:g}' for each in player.actions)}."
            raise InputError(where, f"{levels[bad]:g} is none of its actions", fix)
        chosen.append(match.argmax(axis=1))
    if len({len(each) for each in chosen}) > 1:
        raise InputError("actions", "cover different numbers of months", "Give every player the same months.")
    return Play(grid.nearest(figures), np.stack(chosen, axis=1), months)


def checked_game(
    specification: Specification, theta: Floats, record: Play | pd.DataFrame
) -> tuple[Game, Play]:
    """Return the game at parameters and the play, if it is one that can have left the record.

    A table holds figures by axis and levels by player, see `play_from_panel`.
    """
    game = specification.game(theta)
    check_game(game)
    play = record
    if not isinstance(play, Play):
        play = play_from_panel(game.grid, game.players, play)
    if play.actions.shape[1] != len(game.players):
        fix = f"The game's are {', '.join(player.name for player in game.players)}."
        raise InputError("play, actions", f"are of {play.actions.shape[1]} players", fix)
    for place in np.flatnonzero(play.states >= game.grid.size).tolist():
        problem = f"state {play.states[place]} is not on the grid"
        fix = f"The grid's states are 0 to {game.grid.size - 1}."
        raise InputError(f"play, month {play.month(place)}", problem, fix)
    for player, column in zip(game.players, play.actions.T, strict=True):
        for place in np.flatnonzero(column >= len(player.actions)).tolist():
            problem = f"{player.name} has no action number {column[place]}"
            fix = f"Its actions are numbered 0 to {len(player.actions) - 1}."
            raise InputError(f"play, month {play.month(place)}", problem, fix)
        if len(player.actions) > 1 and np.ptp(column) == 0:
            same = f"does the same in all {len(column)} months ({player.actions[column[0]]:g})"
            problem = f"{same}, so the cost of doing otherwise can't be told (perfect separation)"
            fix = "Take other months, or fix that player's payoff."
            raise InputError(f"play, {player.name}", problem, fix)
    return game, play


@dataclass(frozen=True, eq=False)
class FirstStep:
    """Numbers that an earlier step has estimated and that the game takes as given, with their sampling covariance."""

    names: tuple[str, ...]
    estimates: Floats
    covariance: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", many("first step, names", self.names, str))
        for name in ("estimates", "covariance"):
            object.__setattr__(self, name, numbers(f"first step, {name}", getattr(self, name)))
        count, sizes = len(self.names), (self.estimates.shape, self.covariance.shape)
        if sizes != ((count,), (count, count)):
            problem = f"has {count} names, estimates of shape {sizes[0]} and a covariance of shape {sizes[1]}"
            fix = "Give one number a name, and a square covariance of that size."
            raise InputError("first step", problem, fix)
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
        object.__setattr__(self, "names", many("specification, names", self.names, str))
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError("specification, names", "are missing or double", "Name each parameter once.")
        if (self.first_step is None) != (self.build_with is None):
            problem = "has a first step or `build_with`, but not both"
            raise InputError("specification", problem, "Give both, or neither.")

    def parameters(self, values: ArrayLike, where: str = "start") -> Floats:
        """Return values as an array of shape (parameters,), or say what is wrong with them."""
        each = numbers(where, values)
        if each.shape != (len(self.names),):
            problem = f"has shape {each.shape}, and the parameters are {', '.join(self.names)}"
            raise InputError(where, problem, "Give one number for each.")
        if not np.isfinite(each).all():
            name = self.names[int(np.argmin(np.isfinite(each)))]
            raise InputError(f"{where}, {name}", "is not a number", "Give a finite number.")
        return each

    def game(self, values: ArrayLike) -> Game:
        """Return the game at given parameters, shape (parameters,)."""
        game: Game = _built(as_partial(self.build), jnp.asarray(self.parameters(values, "parameters")))
        return game


def as_partial(function: Callable[..., Any]) -> jax.tree_util.Partial:
    """Return a function in the form that compiled code takes as an argument, its arrays apart from its code."""
    return function if isinstance(function, jax.tree_util.Partial) else jax.tree_util.Partial(function)


_built = jax.jit(lambda build, theta: build(theta))


def with_numbers(build_with: Callable[[Array, Array], Game], numbers: Array, theta: Array) -> Game:
    """Return the game at first-step numbers that are given before the parameters."""
    return build_with(theta, numbers)


@checked
def linked_specification(
    names: Sequence[str], build_with: Callable[[Array, Array], Game], first_step: FirstStep
) -> Specification:
    """Return a specification from one function of parameters and first-step numbers, `build_with(theta, gamma)`."""
    held = jax.tree_util.Partial(with_numbers, as_partial(build_with), jnp.asarray(first_step.estimates))
    return Specification(tuple(names), held, first_step, build_with)


@dataclass(frozen=True)
class _Classic:
    """The classic game's axis, players and reach, which are the same at all its numbers."""

    axis: Axis
    players: tuple[Player, ...]
    reach: tuple[int, int]

    def kernel(self, equation: Array) -> Kernel:
        mean = one_index_mean(self.axis, self.players, equation)
        return normal_band(self.axis.points, mean, equation[-1], self.reach)

    def __call__(self, discount: Array, theta: Array, equation: Array) -> Game:
        return on_kernel(self.axis, self.players, self.kernel(equation), discount, theta)


@checked
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
    whole, owners = tuple(players), names_of(players)
    terms = (*level_terms(owners), "sigma")
    fix = f"Give {len(terms)} numbers: {', '.join(terms)}."
    numbers = shaped("state equation", equation, (len(terms),), fix, terms)
    weights = by_player("discount", discount, owners, or_one=True)
    if not ((weights >= 0) & (weights < 1)).all():
        raise InputError("discount", f"is {discount}", "Give at least 0 and less than 1, such as 0.99.")
    check_cells(axis.points, numbers[-1], f"axis {axis.name!r}")
    with np.errstate(over="ignore", invalid="ignore"):
        mean = one_index_mean(axis, whole, numbers)
    classic = _Classic(axis, whole, normal_reach(axis.points, mean, numbers[-1]))
    check_ends(axis, mean)
    kernel, sight = jax.jit(classic.kernel)(jnp.asarray(numbers)), jnp.asarray(weights)
    names = tuple(f"{what}_{owner}" for what in ("beta", "kappa") for owner in owners)
    build = jax.tree_util.Partial(on_kernel, axis, whole, kernel, sight)
    if covariance is None:
        return Specification(names, build)
    first = FirstStep(terms, numbers, np.asarray(covariance, dtype=float))
    return Specification(names, build, first, jax.tree_util.Partial(classic, sight))
