"""What a panel of states and actions must be before anything is fitted to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError

Floats = NDArray[np.float64]


def check_panel(state: ArrayLike, actions: ArrayLike, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Return state (months,) and actions (months, players) as arrays of numbers, or say what is wrong with them."""
    moves = np.asarray(actions, dtype=float)
    if moves.ndim != 2 or moves.shape[1] != len(names) or len(set(names)) < len(names):
        problem = f"have shape {moves.shape} for the names {', '.join(names)}"
        raise InputError("actions", problem, "Give one column, and a name of its own, for each player.")
    states = np.asarray(state, dtype=float)
    if states.shape != moves.shape[:1]:
        problem = f"has shape {states.shape}, and the actions cover {len(moves)} months"
        raise InputError("state", problem, "Give one number a month.")
    fix = "Months must follow one another without gaps: cut the panel, or fill it."
    for name, column in [("state", states), *zip(names, moves.T, strict=True)]:
        missing = np.flatnonzero(~np.isfinite(column))
        if len(missing):
            many = "" if len(missing) == 1 else f" ({len(missing)} in all)"
            raise InputError(f"{name}, month {missing[0] + 1}", f"the figure is missing{many}", fix)
    return states, moves


def check_identified(design: Floats, terms: Sequence[str], players: int) -> None:
    """Complain when the terms of a regression can't be told apart.

    Parameters
    ----------
    design
        Shape (months, terms): a constant, then one column a player's action, then the rest.
    terms
        Their names.
    players
        How many of them are actions.

    Raises
    ------
    InputError
        For an action that never varies, and for the first term that follows from those before it.
    """
    for place in range(1, players + 1):
        if np.ptp(design[:, place]) == 0:
            problem = f"is {design[0, place]:g} in every month, so its effect can't be told"
            raise InputError(
                f"actions, {terms[place]}", problem, "Leave this player out, or take other months."
            )
    size = np.linalg.norm(design, axis=0)
    scaled = design / np.where(size > 0, size, 1)
    for count in range(1, len(terms) + 1):
        if np.linalg.matrix_rank(scaled[:, :count]) < count:
            problem = "follows from the terms before it, so its effect can't be told"
            raise InputError(f"term {terms[count - 1]}", problem, "Leave a player out, or take more months.")


def check_coverage(level: float) -> float:
    """Return the coverage of an interval, or say that it is none."""
    if not 0 < level < 1:
        raise InputError("conf_int, level", f"{level} is no coverage", "Give a number between 0 and 1.")
    return level
