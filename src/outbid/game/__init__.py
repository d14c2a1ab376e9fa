"""Strategic play: games on a grid of states, their equilibria, and what data say about payoffs.

What is needed to state a game, solve it and estimate it can be taken from here; it is imported when first asked for.
"""

# ruff: noqa: F401 - what only type checkers import is what `__getattr__` gives
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import outbid.model  # sets 64-bit arithmetic before anything is computed

if TYPE_CHECKING:
    from outbid.game.branches import follow, follow_all
    from outbid.game.comparison import compare, fixed, reformed, shifted, transformed, without
    from outbid.game.equilibrium import Equilibrium, NoEquilibrium, solve, solve_many
    from outbid.game.estimates import Estimates, clarke, estimate, likelihood_ratio, vuong
    from outbid.game.first_stage import bootstrap, changes, levels
    from outbid.game.game import (
        Axis,
        Game,
        Grid,
        Player,
        even_axis,
        game_from_arrays,
        one_index_game,
        quantile_axis,
        restrict,
    )
    from outbid.game.hidden_estimates import Record, full_information
    from outbid.game.hidden_game import Anchor, Free, HiddenGame, LongRun, Measure, Normal, one_index_hidden
    from outbid.game.kernel import Banded, Scattered, banded_from, dense, normal_band, normal_reach
    from outbid.game.many_starts import draw_starts, estimate_many, search
    from outbid.game.measurement import draw_states, fit_state, smooth_state
    from outbid.game.outcomes import activity, mean_levels, reply_slopes, standing_slopes
    from outbid.game.specification import (
        FirstStep,
        Play,
        Specification,
        classic_specification,
        linked_specification,
        play_from_panel,
    )

_HOMES = {
    "branches": "follow follow_all",
    "comparison": "compare fixed reformed shifted transformed without",
    "equilibrium": "Equilibrium NoEquilibrium solve solve_many",
    "estimates": "Estimates clarke estimate likelihood_ratio vuong",
    "first_stage": "bootstrap changes levels",
    "game": "Axis Game Grid Player even_axis game_from_arrays one_index_game quantile_axis restrict",
    "hidden_estimates": "Record full_information",
    "hidden_game": "Anchor Free HiddenGame LongRun Measure Normal one_index_hidden",
    "kernel": "Banded Scattered banded_from dense normal_band normal_reach",
    "many_starts": "draw_starts estimate_many search",
    "measurement": "draw_states fit_state smooth_state",
    "outcomes": "activity mean_levels reply_slopes standing_slopes",
    "specification": "FirstStep Play Specification classic_specification linked_specification play_from_panel",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
