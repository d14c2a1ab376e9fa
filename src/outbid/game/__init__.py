"""Strategic play: games on a grid of states, their equilibria, and what data say about payoffs.

What is needed to state a game, solve it and estimate it can be taken from here.
"""

# ruff: noqa: F401
# mypy: implicit-reexport
from __future__ import annotations

import outbid.model  # sets 64-bit arithmetic before anything is computed
from outbid.errors import InputError
from outbid.game.branches import Trail, follow, follow_all
from outbid.game.comparison import Comparison, compare, fixed, reformed, shifted, transformed, without
from outbid.game.equilibrium import Certificate, Equilibrium, NoEquilibrium, solve, solve_many
from outbid.game.estimates import Estimates, ModelTest, clarke, estimate, likelihood_ratio, vuong
from outbid.game.first_stage import FirstStage, bootstrap, changes, level_terms, levels
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
from outbid.game.hidden_estimates import FullInformation, Record, full_information
from outbid.game.hidden_game import Anchor, Free, HiddenGame, Measure, Normal, one_index_hidden
from outbid.game.kernel import Banded, Scattered, banded_from, dense, normal_band, normal_reach
from outbid.game.many_starts import LocalMaxima, Multiplicity, draw_starts, estimate_many, search
from outbid.game.measurement import Measurement, draw_states, fit_state, smooth_state
from outbid.game.outcomes import activity, mean_levels, reply_slopes, standing_slopes
from outbid.game.principal_branch import principal
from outbid.game.simulate import simulate_panel
from outbid.game.specification import (
    FirstStep,
    Play,
    Specification,
    classic_specification,
    linked_specification,
    play_from_panel,
)
