"""What data tell apart: designs whose answer is known; panels that games leave; whole models against each other."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from outbid.errors import InputError
from outbid.game import (
    Grid,
    Player,
    Specification,
    classic_specification,
    compare,
    estimate,
    even_axis,
    game_from_arrays,
    levels,
    likelihood_ratio,
    one_index_game,
    play_from_panel,
    simulate_panel,
    solve,
)
from outbid.game.estimates import Estimates

PLAYERS = (Player("north", (0, 1)), Player("south", (0, 1)))
TRUTH = np.array([-0.2, 0.2, -1.0, -1.5])
START = (-0.1, 0.1, -0.5, -0.5)
EFFECTS, PERSISTENCE, SD, DISCOUNT = [-0.3, 0.4], 0.9, 0.5, 0.95


def family(interactions: tuple[float, float]) -> Specification:
    equation = [0.0, *EFFECTS, PERSISTENCE, *interactions, SD]
    return classic_specification(even_axis("index", -6.0, 6.0, 31), PLAYERS, equation, DISCOUNT)


def estimated(interactions: tuple[float, float], seed: int, months: int = 400) -> Estimates:
    specification = family(interactions)
    panel = simulate_panel(specification.game(TRUTH), months, seed)
    return estimate(specification, panel, START, errors=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_payoffs_that_no_data_tell_apart_have_no_errors(seed: int) -> None:
    """With no interactions the value is linear in the state: value and cost can't be told apart, wherever a search ends.

    Tried by hand, beyond the four seeds: grids of -10 to 10 and -20 to 20, where nothing is told; long sight and
    little noise (discount .99, sd .3); one player told apart and the other not; 0.001 (hardly) and 0.1 (told).
    """
    found = estimated((0.0, 0.0), seed)
    assert not found.converged
    assert set(found.unidentified) == {"beta_north", "kappa_north", "beta_south", "kappa_south"}
    assert np.isnan(found.standard_errors()).all() and np.isnan(found.p_values()).all()
    assert found.summary().startswith("NOT IDENTIFIED: the data don't tell apart beta_north and")
    assert "nan" not in found.summary()
    with pytest.raises(InputError, match="covariance, number 1: is nan"):
        compare(family((0.0, 0.0)), found.estimates, found.vcov(), [])


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2))])
def test_payoffs_that_data_tell_apart_are_estimated(seed: int) -> None:
    found = estimated((0.1, -0.1), seed)
    assert found.converged and found.unidentified == () and found.warning == ""
    assert np.all(np.abs(found.estimates - TRUTH) < 4 * found.standard_errors())


def test_payoffs_that_data_hardly_tell_apart_say_so() -> None:
    found = estimated((0.01, 0.01), 2)
    assert found.converged and found.unidentified == ()
    assert found.summary().startswith("WEAKLY IDENTIFIED: the data hardly tell beta_north and")
    assert found.standard_errors().min() > 0.5


def test_errors_of_what_is_told_apart_stay() -> None:
    base = family((0.1, -0.1))
    twice = Specification((*base.names, "more"), lambda theta: base.build(theta[:4].at[3].add(theta[4])))
    panel = simulate_panel(base.game(TRUTH), 400, 0)
    plain = estimate(base, panel, START, errors=False)
    found = estimate(twice, panel, (*START, 0.1), errors=False)
    assert found.unidentified == ("kappa_south", "more")
    assert np.isnan(found.standard_errors()[3:]).all()
    np.testing.assert_allclose(found.standard_errors()[:3], plain.standard_errors()[:3], rtol=0.01)


@pytest.mark.parametrize("discount", [0.0, [0.0, 0.9], 1e-300])
def test_a_value_that_moves_no_choice_is_refused(discount: object) -> None:
    """Nobody who has no tomorrow is moved by the index: discount 0 for both, for one, and nearly 0."""
    equation = [0.0, *EFFECTS, PERSISTENCE, 0.1, -0.1, SD]
    axis = even_axis("index", -6.0, 6.0, 31)
    panel = simulate_panel(family((0.1, -0.1)).game(TRUTH), 200, 0)
    with pytest.raises(InputError, match="parameter 'beta_north': changes no choice"):
        estimate(classic_specification(axis, PLAYERS, equation, discount), panel, START)


# --- panels


def test_a_panel_is_what_the_game_says() -> None:
    game = family((0.1, -0.1)).game(TRUTH)
    answer = solve(game)
    panel = simulate_panel(answer, 3000, 1, "1999-12")
    assert list(panel.columns) == ["index", "north", "south"] and str(panel.index[1]) == "2000-01"
    pd.testing.assert_frame_equal(panel, simulate_panel(game, 3000, 1, "1999-12"))
    play = play_from_panel(game.grid, PLAYERS, panel, months=panel.index)
    foretold = np.stack([answer.of(player.name)[play.states, 1] for player in PLAYERS], axis=1)
    assert np.abs(foretold.mean(axis=0) - panel[["north", "south"]].mean().to_numpy()).max() < 0.03
    step = levels(panel["index"], panel[["north", "south"]], ["north", "south"])
    assert abs(step.estimates[3] - PERSISTENCE) < 4 * step.standard_errors[3]


def test_a_panel_that_cannot_be_made_is_refused() -> None:
    game = family((0.1, -0.1)).game(TRUTH)
    with pytest.raises(InputError, match="first_month: 'spring' is no month"):
        simulate_panel(game, 3, 0, "spring")
    with pytest.raises(InputError, match="months: is 0"):
        simulate_panel(game, 0)
    renamed = game_from_arrays(
        [Player("index", (0, 1)), PLAYERS[1]], game.grid, game.payoffs, game.kernel, 0.9
    )
    with pytest.raises(InputError, match="an axis and a player have the same name"):
        simulate_panel(renamed, 3)


GRID = Grid((even_axis("index", -6.0, 6.0, 31),))
THREE = {"index": [0, 0, 0], "north": [0, 1, 0], "south": [0, 1, 1]}
GAP = ["2004-01-01", "2004-02-01", "2004-04-01"]


@pytest.mark.parametrize(
    "months",
    [
        GAP,
        [each[:7] for each in GAP],
        [each[:7].replace("-", "") for each in GAP],
        [f"{each} 00:00:00" for each in GAP],
        ["Jan 2004", "Feb 2004", "Apr 2004"],
        ["2004M01", "2004M02", "2004M04"],
        pd.DatetimeIndex(GAP),
        pd.PeriodIndex(GAP, freq="M"),
        pd.Series(pd.PeriodIndex(GAP, freq="M")),
        np.array(GAP, dtype="datetime64[D]"),
        [date(2004, 1, 1), date(2004, 2, 28), date(2004, 4, 1)],
        [pd.Timestamp(each, tz="UTC") for each in GAP],
        [200401, 200402, 200404],
        [200401.0, 200402.0, 200404.0],
        [20040101, 20040201, 20040401],
        ["2004m1", "2004m2", "2004m4"],
    ],
    ids=range(16),
)
def test_a_gap_is_seen_however_months_are_written(months: object) -> None:
    """Dates, periods, texts, with and without days, times and zones; also years, quarters, doubles and mixtures."""
    with pytest.raises(InputError, match="play, month 2004-03: is missing"):
        play_from_panel(GRID, PLAYERS, THREE, THREE, months)


@pytest.mark.parametrize(
    ("months", "told"),
    [
        (["2004", "2005", "2007"], "play, month 2006: is missing"),
        (["2004q1", "2004q2", "2004q4"], "play, month 2004Q3: is missing"),
        (["2004-01", "2004-01", "2004-02"], "play, month 2004-01: is out of order, or there twice"),
        (["2004-02", "2004-01", "2004-03"], "is out of order"),
        (["2004-01", "2004-02", "march"], "2 of 3 are dates"),
        (["2004-01", "2004-02", "NaT"], "2 of 3 are dates"),
        (["2004", "2004-02", "2004-03"], "some are months and others years"),
        ([1, 2, 4], "play, month 3: is missing"),
        ([-2, -1, 1], "play, month 0: is missing"),
        (np.array([1.0, 2.0, 4.0]), "play, month 3: is missing"),
        (["1", "3", "4"], "play, month 2: is missing"),
        (["t07", "t08", "t10"], "play, month 9: is missing"),
        ([1498, 1499, 1501], "play, month 1500: is missing"),
        (pd.RangeIndex(0, 6, 2), "play, month 1: is missing"),
        ([1, 2, 2], "play, month 2: is out of order, or there twice"),
        (["January", "February", "April"], "play, month March: is missing"),
        (["Nov", "Dec", "Feb."], "play, month January: is missing"),
        (["March", "February", "April"], "month February: is out of order"),
        (["00-01", "00-02", "00-03"], "0 of 3 are dates.* Write all of them as YYYY-MM, or number them"),
        (["Mar-04", "Apr-04", "May-04"], "0 of 3 are dates"),
        (["1.2004", "2.2004", "3.2004"], "0 of 3 are dates"),
        ([2004.0, 2004.083, 2004.167], "1 of 3 are dates"),
        ([200412, 200501, None], "2 of 3 are dates"),
        (pd.MultiIndex.from_product([[2004], [1, 2, 4]]), "0 of 3 are dates"),
        (pd.MultiIndex.from_product([["Gaza"], ["2004-01", "2004-02", "2004-04"]]), "0 of 3 are dates"),
        (["2004-01"], "for 1 months"),
        ("2004-01", "no list of months"),
        (7, "no list of months"),
    ],
)
def test_months_that_are_none_are_refused(months: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        play_from_panel(GRID, PLAYERS, THREE, THREE, months)


@pytest.mark.parametrize(
    "months",
    [
        *(["a", "b", "c"], [1, 2, 3], range(1998, 2001), ["2003-12", "2004-01", "2004-02"]),
        *([200411, 200412, 200501], [1499, 1500, 1501], ["t9", "t10", "t11"], ["Dec", "Jan", "February"]),
    ],
)
def test_months_in_order_and_mere_names_are_taken(months: object) -> None:
    assert len(play_from_panel(GRID, PLAYERS, THREE, THREE, months).months) == 3


# --- whole models


def test_whole_models_are_compared_with_their_first_steps() -> None:
    specification = family((0.1, -0.1))
    panel = simulate_panel(specification.game(TRUTH), 300, 3)
    names = ["north", "south"]
    larger = levels(panel["index"], panel[names], names)
    smaller = levels(panel["index"], panel[["north"]], ["north"])
    found = estimate(specification, panel, START, errors=False)
    test = likelihood_ratio(found, found, [smaller, larger])
    assert test.statistic == pytest.approx(2 * (larger.log_likelihood - smaller.log_likelihood))
    assert test.degrees_of_freedom == 2
    # the south's effect is real, and its p is no zero
    assert "p < 0.001" in test.sentence() and "0.000" not in test.sentence()
    with pytest.raises(InputError, match="first_steps: are 1"):
        likelihood_ratio(found, found, [larger])
    with pytest.raises(InputError, match="larger lacks south"):
        likelihood_ratio(found, found, [larger, smaller])
    # the log-likelihood is that of normal noise
    states, moves = panel["index"].to_numpy(), panel[names].to_numpy()
    design = np.column_stack([np.ones(299), moves[:-1], states[:-1], moves[:-1] * states[:-1, None]])
    rest = states[1:] - design @ larger.estimates
    spread = np.mean(rest**2)
    by_hand = -0.5 * np.sum(rest**2 / spread + np.log(2 * np.pi * spread))
    assert larger.log_likelihood == pytest.approx(by_hand)


def test_predictions_outside_the_grid_are_refused() -> None:
    """One figure in many, all of them, just beyond the last cell, and just inside it."""
    found = estimated((0.1, -0.1), 0, 200)
    assert found.predict({"index": [6.0, 6.05, -6.05]}).shape == (3, 2)
    for figures in ([6.2], [0.0] * 50 + [7.0], [-1e9]):
        with pytest.raises(InputError, match="lie outside -6 to 6"):
            found.predict({"index": figures})


def test_action_values_carry_no_constant() -> None:
    game = one_index_game(
        even_axis("index", -3.0, 3.0, 13),
        PLAYERS,
        intercept=0.0,
        persistence=0.5,
        effects=EFFECTS,
        interactions=[0.0, 0.0],
        sd=0.5,
        value=[0.0, 0.0],
        cost=[0.0, 0.0],
        discount=0.9,
    )
    # nobody gains or loses anything: what is left of a value is nothing
    for each in solve(game).action_values:
        np.testing.assert_allclose(each, 0.0, atol=1e-12)
