"""A panel simulated at the published estimates, for those who do not have the real one."""

from __future__ import annotations

import numpy as np

from outbid.errors import InputError
from outbid.game.grid import even_axis
from outbid.game.solve import solve
from outbid.model.declare import Model
from outbid.replicate.declared import Floats, declared_game
from outbid.replicate.panel import GamePanel
from outbid.replicate.published import Published
from outbid.replicate.settings import PlaySettings

# Seeds tried in turn until every player has done both things often enough to be estimated.
ATTEMPTS = 50
LEAST = 10
"""Months with, and months without, an action that a panel needs of each player."""


def simulated_panel(
    model: Model, play: PlaySettings, equation: Floats, payoffs: Floats, seed: int
) -> GamePanel:
    """Return a panel as long as the study's window, played in equilibrium at the given numbers.

    The grid reaches as far as the published one; the state follows the state equation with normal shocks, and
    each month both players draw their actions from the equilibrium at the nearest grid point. A path that leaves the
    grid, or in which someone hardly ever changes, is drawn again from the next seed.

    Parameters
    ----------
    equation, payoffs
        State equation (spread last) and payoffs (values, then costs, by player).
    seed
        Same seed, same panel.

    Raises
    ------
    InputError
        If no seed gives a usable panel.
    """
    axis = even_axis(play.state, -10.0, 13.0, 461)
    game = declared_game(model, play, axis, equation).game(payoffs, equation)
    # from zero, which is found well enough and spares the compiling of a coarser grid
    found = solve(game, np.zeros((game.grid.size, sum(game.counts))))
    chances = np.stack([each[:, 1] for each in found.probabilities], axis=1)
    for attempt in range(ATTEMPTS):
        state, actions = _path(play, equation, chances, np.asarray(axis.points), seed + attempt)
        often = actions.sum(axis=0)
        inside = np.mean((state > axis.points[0]) & (state < axis.points[-1])) > 0.9
        if inside and (often >= LEAST).all() and (len(actions) - often >= LEAST).all():
            source = f"simulated at the published estimates with seed {seed + attempt}"
            return GamePanel(play.window.months, state, actions, source, simulated=True)
    raise InputError(
        "simulated panel", f"none of {ATTEMPTS} seeds gave a usable one", "Choose another --seed."
    )


def _path(
    play: PlaySettings, equation: Floats, chances: Floats, points: Floats, seed: int
) -> tuple[Floats, np.ndarray]:
    generator = np.random.default_rng(seed)
    months, count = len(play.window), len(play.players)
    shocks, luck = generator.standard_normal(months), generator.random((months, count))
    state, actions = np.empty(months), np.empty((months, count), dtype=np.int64)
    at = 0.0
    for month in range(months):
        state[month] = at
        actions[month] = luck[month] < chances[np.abs(points - at).argmin()]
        level = equation[0] + actions[month] @ equation[1 : 1 + count]
        carry = equation[1 + count] + actions[month] @ equation[2 + count : -1]
        at = level + carry * at + equation[-1] * shocks[month]
    return state, actions


def truth(published: tuple[Published, ...], rows: tuple[tuple[str, str, str], ...]) -> Floats:
    """Return published figures by table, row and column.

    Raises
    ------
    InputError
        If one of them is missing.
    """
    held = {each.key: each.value for each in published}
    for row in rows:
        if row not in held:
            raise InputError(
                "published.csv",
                f"holds no figure for {', '.join(row)}",
                "Add it; a simulated panel needs it.",
            )
    return np.array([held[row] for row in rows])
