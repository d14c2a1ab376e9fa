"""A panel that a game leaves behind: months of play, drawn from an equilibrium and the game's own kernel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from outbid.errors import InputError
from outbid.game.equilibrium import Equilibrium, solve
from outbid.game.game import Game, profile_levels
from outbid.game.given import Count, Seed, checked
from outbid.game.kernel import Banded
from outbid.game.specification import WITH_YEAR


@checked
def simulate_panel(
    game: Game | Equilibrium, months: Count, seed: Seed = 0, first_month: str = "2000-01"
) -> pd.DataFrame:
    """Return months of play, one a row: the state by axis, and the level of each player's action.

    The first state is drawn from the long run, so that the panel has no beginning. A game is solved by `solve`; where it
    has several equilibria, give the one that is played. `estimate` takes the panel as it is.
    """
    played = game if isinstance(game, Equilibrium) else solve(game)
    game, generator = played.game, np.random.default_rng(seed)
    names = [*(axis.name for axis in game.grid.axes), *(player.name for player in game.players)]
    if len(set(names)) < len(names):
        raise InputError("panel", "an axis and a player have the same name", "Rename one of them.")
    try:
        if not WITH_YEAR.search(first_month):  # pandas would take the year 1
            raise ValueError
        index = pd.period_range(first_month, periods=months, freq="M", name="month")
    except ValueError:
        raise InputError("first_month", f"{first_month!r} is no month", "Write it as 2000-01.") from None
    profiles, weights = played.profile_probabilities, np.asarray(game.kernel.weights)
    state, path = int(generator.choice(game.grid.size, p=played.long_run)), []
    for _ in range(months):
        profile = int(generator.choice(profiles.shape[1], p=profiles[state] / profiles[state].sum()))
        path.append((state, profile))
        row = weights[state, profile]
        move = int(generator.choice(len(row), p=row / row.sum()))
        if isinstance(game.kernel, Banded):
            state += move - game.kernel.lower
        else:
            state = int(game.kernel.targets[state, profile, move])
    states, chosen = np.transpose(path)
    table = np.column_stack([game.grid.values[states], profile_levels(game.players)[chosen]])
    return pd.DataFrame(table, index=index, columns=names)
