"""A record of play: which state each month was in, and what every player did in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.game import Game, Player
from outbid.game.grid import Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CALENDAR = re.compile(r"^(\d{4})-(\d{2})$")


@dataclass(frozen=True, eq=False)
class Play:
    """Months of play, in order and without gaps.

    * `states`: place of each month's state on the grid, shape (months,).
    * `actions`: number of each player's action (0 is its first), shape (months, players).
    * `months`: names of the months, "YYYY-MM", or nothing. With names, a gap is found out.

    Raises InputError for a missing figure, a number that is not whole, shapes that don't agree, or a gap
    between months.
    """

    states: Ints
    actions: Ints
    months: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        states, actions = np.asarray(self.states, dtype=float), np.asarray(self.actions, dtype=float)
        names = tuple(str(month) for month in self.months)
        if states.ndim != 1 or actions.ndim != 2 or len(actions) != len(states) or not len(states):
            raise InputError(
                "play",
                f"has states of shape {states.shape} and actions of shape {actions.shape}",
                "Give (months,) and (months, players).",
            )
        if names and len(names) != len(states):
            raise InputError(
                "play, months", f"are {len(names)} for {len(states)} states", "Name each month once."
            )
        check_calendar(names)
        label = names or tuple(str(i + 1) for i in range(len(states)))
        columns = [("state", states), *((f"action of player {i + 1}", c) for i, c in enumerate(actions.T))]
        for what, column in columns:
            missing = np.flatnonzero(~np.isfinite(column))
            if len(missing):
                raise InputError(
                    f"play, month {label[missing[0]]}",
                    f"the {what} is missing",
                    "Months must follow one another without gaps: cut the panel, or fill it.",
                )
            odd = np.flatnonzero((column < 0) | (column != np.round(column)))
            if len(odd):
                raise InputError(
                    f"play, month {label[odd[0]]}",
                    f"the {what} is {column[odd[0]]:g}",
                    "Give its place, a whole number from 0 up.",
                )
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
        raise InputError(
            f"play, month {lost}",
            "is missing",
            "Months must follow one another without gaps: cut the panel, or fill it.",
        )


def play_from_panel(
    grid: Grid,
    players: Sequence[Player],
    figures: Mapping[str, ArrayLike],
    actions: Mapping[str, ArrayLike],
    months: Sequence[str] = (),
) -> Play:
    """Return a record of play from a panel's figures: each state goes to the nearest point of the grid.

    * `figures`: by name of the grid's axes, each of shape (months,).
    * `actions`: by player's name, the level of its action, each of shape (months,).
    * `months`: names, "YYYY-MM", or nothing.

    Raises InputError as `Play`; also for a level that is none of a player's actions, and a grid that misses
    the figures.
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
                raise InputError(
                    f"actions, {player.name}, month {month}",
                    "the figure is missing",
                    "Months must follow one another without gaps: cut the panel, or fill it.",
                )
            raise InputError(
                f"actions, {player.name}, month {month}",
                f"{levels[unknown[0]]:g} is none of its actions",
                f"They are {', '.join(f'{each:g}' for each in player.actions)}.",
            )
        chosen.append(match.argmax(axis=1))
    if len({len(each) for each in chosen}) > 1:
        raise InputError("actions", "cover different numbers of months", "Give every player the same months.")
    return Play(grid.nearest(figures), np.stack(chosen, axis=1), tuple(str(month) for month in months))


def check_play(play: Play, game: Game) -> None:
    """Refuse a record that a game can't have left, or from which its payoffs can't be told.

    Raises InputError for a state beyond the grid, an action outside a player's set, or a player who does the
    same every month (perfect separation: its payoff from the other actions would run off to minus infinity).
    """
    if play.actions.shape[1] != len(game.players):
        raise InputError(
            "play, actions",
            f"are of {play.actions.shape[1]} players",
            f"The game's are {', '.join(player.name for player in game.players)}.",
        )
    beyond = np.flatnonzero(play.states >= game.grid.size)
    if len(beyond):
        raise InputError(
            f"play, month {play.month(beyond[0])}",
            f"state {play.states[beyond[0]]} is not on the grid",
            f"The grid's states are 0 to {game.grid.size - 1}.",
        )
    for player, column in zip(game.players, play.actions.T, strict=True):
        outside = np.flatnonzero(column >= len(player.actions))
        if len(outside):
            raise InputError(
                f"play, month {play.month(outside[0])}",
                f"{player.name} has no action number {column[outside[0]]}",
                f"Its actions are numbered 0 to {len(player.actions) - 1}.",
            )
        if len(player.actions) > 1 and np.ptp(column) == 0:
            raise InputError(
                f"play, {player.name}",
                f"does the same in all {len(column)} months ({player.actions[column[0]]:g}), so the cost of doing "
                "otherwise can't be told (perfect separation)",
                "Take other months, or fix that player's payoff.",
            )
