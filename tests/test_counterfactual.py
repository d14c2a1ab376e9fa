"""Other worlds: paths of equilibria, effects with their errors, replies, and the published counterfactuals."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.branches import follow, follow_all
from outbid.game.comparison import (
    Comparison,
    compare,
    fixed,
    reformed,
    shifted,
    transformed,
    without,
)
from outbid.game.equilibrium import Equilibrium, solve
from outbid.game.game import Axis, Game, Grid, Player, even_axis, game_from_arrays, quantile_axis, restrict
from outbid.game.kernel import Scattered, dense
from outbid.game.outcomes import (
    ANY,
    activity,
    against,
    mean_levels,
    reply_slopes,
    standing_slopes,
)
from outbid.game.specification import Specification, classic_specification

Floats = NDArray[np.float64]
DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "tugofwar"
NORTH, SOUTH = Player("north", (0, 1)), Player("south", (0, 1))
THETA = np.array([-0.05, 0.02, -0.8, -1.2])
COVARIANCE = np.diag([0.01, 0.005, 0.1, 0.1]) ** 2
NUMBERS = np.array([0.0, -0.3, 0.5, 0.95, 0.01, 0.02, 0.4])


def specification(reach: float = 0.4) -> Specification:
    numbers = NUMBERS.copy()
    numbers[-1] = reach
    return classic_specification(
        even_axis("popularity", -3.0, 3.0, 21), (NORTH, SOUTH), numbers, 0.95, np.diag(numbers**2) / 100
    )


@pytest.fixture(scope="module")
def family() -> Specification:
    return specification()


@pytest.fixture(scope="module")
def base(family: Specification) -> Equilibrium:
    return solve(family.game(THETA))


def random_game(seed: int, precision: float = 0.5) -> Game:
    generator = np.random.default_rng(seed)
    players = [Player("a", (0, 1, 2)), Player("b", (0, 1)), Player("c", (0, 1))]
    payoffs = generator.normal(size=(3, 5, 12))
    kernel = generator.dirichlet(np.ones(5), size=(5, 12))
    return game_from_arrays(players, Grid((even_axis("x", 0.0, 1.0, 5),)), payoffs, kernel, 0.9, precision)


# --- following an equilibrium


def test_a_path_ends_where_the_other_game_is_solved(family: Specification, base: Equilibrium) -> None:
    other = family.game(THETA + np.array([0.0, 0.0, -0.6, 0.3]))
    trail = follow(base, other, (0.3, 1.0))
    assert trail.lost is None
    assert trail.end.certificate.gain < 1e-9
    np.testing.assert_allclose(trail.end.values, solve(other).values, atol=1e-9)
    halfway = solve(family.game(THETA + 0.3 * np.array([0.0, 0.0, -0.6, 0.3])))
    np.testing.assert_allclose(trail.equilibria[0].values, halfway.values, atol=1e-9)
    back = follow(trail.end, base.game)
    np.testing.assert_allclose(back.end.values, base.values, atol=1e-9)


def test_a_path_to_the_same_game_stays(base: Equilibrium) -> None:
    trail = follow(base, base.game)
    np.testing.assert_allclose(trail.end.values, base.values, atol=1e-11)
    assert trail.lost is None
    assert trail.largest_correction == 0.0


@pytest.mark.slow
def test_a_path_passes_through_other_kernels_and_discounts() -> None:
    one, two = random_game(1), random_game(2)
    two = Game(two.players, two.grid, two.payoffs, two.kernel, 0.5 * two.discount, 1.5 * two.precision)
    np.testing.assert_allclose(follow(solve(one), two).end.values, solve(two).values, atol=1e-9)

    def spread(game: Game, shift: int) -> Game:
        targets = (jnp.arange(5) + shift) % 5
        weights = dense(game.kernel)[:, :, targets]
        kernel = Scattered(jnp.broadcast_to(targets, weights.shape), weights)
        return Game(game.players, game.grid, game.payoffs, kernel, game.discount, game.precision)

    scattered = follow(solve(spread(one, 0)), spread(two, 2))
    np.testing.assert_allclose(scattered.end.values, solve(two).values, atol=1e-9)


def coordination(against_it: float, precision: float = 5.0) -> Game:
    """Each gets one for doing as the other does, and pays `against_it` for its first action."""
    payoffs = np.array([[[1.0, 0, 0, 1]], [[1.0, 0, 0, 1]]])
    payoffs[0, 0, :2] -= against_it
    payoffs[1, 0, ::2] -= against_it
    players = [NORTH, SOUTH]
    return game_from_arrays(players, Grid((Axis("x", (0.0,)),)), payoffs, np.ones((1, 4, 1)), 0.0, precision)


@pytest.mark.slow
def test_a_branch_that_folds_back_is_told_to_be_lost_where_it_folds() -> None:
    # play of the first action solves p = 1 / (1 + exp(-5 (2p - 1 - b))); its upper branch folds at 10 p (1-p) = 1
    fold = (1 + np.sqrt(1 - 4 / 10)) / 2
    where = 2 * fold - 1 - np.log(fold / (1 - fold)) / 5
    high = solve(coordination(0.0), start=np.array([[1.0, 0.0, 1.0, 0.0]]))
    assert high.probabilities[0][0, 0] > 0.9
    near = follow(high, coordination(0.99 * where))
    assert near.lost is None
    assert near.end.probabilities[0][0, 0] > fold
    trail = follow(high, coordination(1.0), (0.5 * where, 1.0))
    assert trail.lost == pytest.approx(where, abs=0.01)
    assert trail.equilibria[0].probabilities[0][0, 0] > fold
    assert trail.end.probabilities[0][0, 0] < 0.1
    assert trail.end.certificate.gain < 1e-9


def test_several_paths_are_each_as_if_alone(family: Specification, base: Equilibrium) -> None:
    games = [family.game(THETA + move) for move in ([0, 0, 0.2, 0], [0, 0, 0, -0.2], [0.01, 0, 0, 0])]
    for together, game in zip(follow_all(base, games), games, strict=True):
        np.testing.assert_allclose(together.end.values, follow(base, game).end.values, atol=1e-11)


@pytest.mark.parametrize("shares", [(), (0.5, 0.5), (0.0, 1.0), (0.5, 1.5)])
def test_shares_that_are_none_are_refused(base: Equilibrium, shares: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="shares: are"):
        follow(base, base.game, shares)


def test_no_path_leads_to_a_game_of_another_shape(base: Equilibrium) -> None:
    with pytest.raises(InputError, match="other players, actions or states"):
        follow(base, restrict(base.game, "south", 0))


# --- worlds


def averages(comparison: Comparison, name: str, player: str = "north") -> float:
    return float(comparison.of(name).over_grid(player).values)


@pytest.mark.slow
def test_worlds_are_what_they_say(family: Specification, base: Equilibrium) -> None:
    worlds = [
        shifted("same", family, {}),
        shifted("dearer", family, {"kappa_north": -0.5}),
        fixed("dearer too", family, {"kappa_north": -1.3}),
        fixed("no stake", family, {"beta_north": 0.0}),
        without("alone", family, "south"),
        without("kept", family, "south", keep=True),
        reformed("same numbers", family, {}),
        reformed("weaker", family, {"south": 0.0}),
        transformed("short sight", family, _short),
    ]
    found = compare(family, THETA, COVARIANCE, worlds, base=base, visits=True)
    level = float(found.base.over_grid("north").values)
    assert averages(found, "same") == pytest.approx(level, abs=1e-10)
    assert averages(found, "same numbers") == pytest.approx(level, abs=1e-10)
    assert averages(found, "dearer") < level - 0.05
    assert averages(found, "dearer") == pytest.approx(averages(found, "dearer too"), abs=1e-10)
    assert averages(found, "alone") == pytest.approx(averages(found, "kept"), abs=1e-9)
    # if what south does moves nothing but the slope of the index, it has next to no reason for it
    assert np.abs(found.of("weaker").of("south").values - found.base.of("south").values).max() > 0.01
    # who has no stake in the index attacks with the same chance everywhere
    stakeless = found.of("no stake").of("north").values
    np.testing.assert_allclose(stakeless, 1 / (1 + np.exp(0.8)), atol=1e-9)
    np.testing.assert_allclose(found.of("short sight").of("south").values, 1 / (1 + np.exp(1.2)), atol=1e-9)
    assert [trail is None for trail in found.trails] == [False] * 4 + [True] * 2 + [False] * 3
    # a parameter that is fixed has no part in what is unsure any more
    assert found.of("dearer too").over_grid("north").slopes[2] == pytest.approx(0.0, abs=1e-12)


def _short(game: Game) -> Game:
    return Game(game.players, game.grid, game.payoffs, game.kernel, 0.0 * game.discount, game.precision)


def test_any_is_either_of_independent_players(base: Equilibrium) -> None:
    north, south, either = np.asarray(activity(base.game, jnp.asarray(base.values)))
    np.testing.assert_allclose(either, 1 - (1 - north) * (1 - south))
    np.testing.assert_allclose(north, base.of("north")[:, 1])
    levels = np.asarray(mean_levels(base.game, jnp.asarray(base.values)))
    np.testing.assert_allclose(levels[-1], north + south)


@pytest.mark.slow
def test_slopes_are_derivatives(family: Specification, base: Equilibrium) -> None:
    worlds = [shifted("dearer", family, {"kappa_north": -0.3}), without("alone", family, "south")]
    found = compare(family, THETA, COVARIANCE, worlds, base=base, visits=True)
    ahead: Callable[[int, float], Comparison] = lambda k, by: compare(  # noqa: E731
        family, THETA + by * np.eye(4)[k], COVARIANCE, worlds, visits=True
    )
    for k in range(4):
        up, down = ahead(k, 1e-5), ahead(k, -1e-5)
        for read in (
            lambda c: c.base.over_grid("north"),
            lambda c: c.of("dearer").over_grid(ANY),
            lambda c: c.of("alone").over_grid("north") - c.base.over_grid("north"),
            lambda c: c.of("dearer").stationary("south"),
            lambda c: c.base.along("south", [3, 3, 17]),
        ):
            difference = (read(up).values - read(down).values) / 2e-5
            assert float(read(found).slopes[k]) == pytest.approx(float(difference), rel=1e-4, abs=1e-6)


def test_the_long_run_is_the_equilibriums(family: Specification, base: Equilibrium) -> None:
    found = compare(family, THETA, COVARIANCE, [], base=base, visits=True)
    assert found.base.visits is not None
    np.testing.assert_allclose(found.base.visits.values, base.long_run, atol=1e-9)
    assert float(found.base.stationary("north").values) == pytest.approx(
        float(base.long_run @ base.of("north")[:, 1])
    )


@pytest.mark.slow
def test_both_intervals_agree_where_little_is_unsure(family: Specification, base: Equilibrium) -> None:
    small = COVARIANCE / 100
    worlds = [shifted("dearer", family, {"kappa_north": -0.3}), without("alone", family, "south")]
    found = compare(family, THETA, small, worlds, base=base, visits=True, draws=400, seed=1)
    assert found.dropped == 0
    assert found.thetas.shape == (400, 4)
    for figures in (
        found.of("dearer").over_grid("north") - found.base.over_grid("north"),
        found.base.over_grid("south") - found.base.over_grid("north"),
        found.of("alone").stationary("north") - found.base.stationary("north"),
    ):
        assert figures.draws is not None
        assert figures.draws.std() == pytest.approx(float(figures.errors), rel=0.15)
        delta, simulated = figures.interval(0.9), figures.simulated_interval(0.9)
        np.testing.assert_allclose(delta, simulated, atol=0.5 * float(figures.errors))
        assert delta[0] < figures.values < delta[1]
    by_state = found.base.of("north")
    assert by_state.interval().shape == by_state.simulated_interval().shape == (21, 2)


def test_bad_input_is_refused_in_one_line(family: Specification, base: Equilibrium) -> None:
    with pytest.raises(InputError, match=r"parameter 'kappa_nord': .* Did you mean 'kappa_north'"):
        shifted("x", family, {"kappa_nord": 1.0})
    with pytest.raises(InputError, match="kernel's band of"):
        reformed("far", specification(0.15), {"north": -2.5})
    with pytest.raises(InputError, match="has no first step"):
        reformed("x", Specification(family.names, family.build), {"north": 0.0})
    with pytest.raises(InputError, match=r"covariance: has shape \(3, 3\)"):
        compare(family, THETA, np.eye(3), [], base=base)
    with pytest.raises(InputError, match="theta: has shape"):
        compare(family, THETA[:3], COVARIANCE, [], base=base)
    found = compare(family, THETA, COVARIANCE, [without("alone", family, "south")], base=base, visits=True)
    with pytest.raises(InputError, match="does not play in alone"):
        found.of("alone").of("south")
    with pytest.raises(InputError, match="Did you mean 'alone'"):
        found.of("alonee")
    with pytest.raises(InputError, match="long run: was not asked for"):
        replace(found.base, visits=None).stationary("north")
    with pytest.raises(InputError, match="no draws"):
        found.base.over_grid("north").simulated_interval()


# --- replies


@pytest.mark.slow
def test_a_sure_policy_is_a_restriction_and_the_equilibrium_policy_is_answered_by_itself() -> None:
    game = random_game(3)
    found = solve(game)
    sure = jnp.zeros((5, 2)).at[:, 1].set(1.0)
    one, two = against(game, "b", sure), restrict(game, "b", 1)
    np.testing.assert_allclose(one.payoffs, two.payoffs, atol=1e-14)
    np.testing.assert_allclose(dense(one.kernel), dense(two.kernel), atol=1e-14)
    left = against(against(game, "c", jnp.asarray(found.of("c"))), "a", jnp.asarray(found.of("a")))
    np.testing.assert_allclose(solve(left).of("b"), found.of("b"), atol=1e-9)
    targets = jnp.broadcast_to(jnp.arange(5), (5, 12, 5))
    spread = Game(
        game.players,
        game.grid,
        game.payoffs,
        Scattered(targets, dense(game.kernel)),
        game.discount,
        game.precision,
    )
    np.testing.assert_allclose(
        dense(against(spread, "b", jnp.asarray(found.of("b"))).kernel),
        dense(against(game, "b", jnp.asarray(found.of("b"))).kernel),
        atol=1e-14,
    )
    with pytest.raises(InputError, match="policy of 'b'"):
        against(game, "b", jnp.ones((5, 3)))
    with pytest.raises(InputError, match="is the only one"):
        against(against(against(game, "a", jnp.asarray(found.of("a"))), "b", sure), "c", sure)


def test_replies_against_differences(family: Specification, base: Equilibrium) -> None:
    game, values = base.game, jnp.asarray(base.values)
    slopes = np.asarray(jax.jit(standing_slopes)(game, values))
    rise = jnp.asarray([-1.0, 1.0])
    for i, (me, rival) in enumerate((("north", "south"), ("south", "north"))):
        up, down = (
            solve(against(game, rival, jnp.asarray(base.of(rival)) + by * rise)).of(me)[:, 1]
            for by in (1e-5, -1e-5)
        )
        np.testing.assert_allclose(slopes[i], (up - down) / 2e-5, rtol=1e-4, atol=1e-5)


def test_a_reply_of_this_month_is_that_of_the_static_game() -> None:
    # with no future, north acts with chance 1 / (1 + exp(-k (1.5 q - 1))), q the chance that south acts
    payoffs = np.array([[[0.0, 0.0, -1.0, 0.5]], [[0.0, -0.3, 0.0, -0.3]]])
    game = game_from_arrays(
        [NORTH, SOUTH], Grid((Axis("x", (0.0,)),)), payoffs, np.ones((1, 4, 1)), 0.0, [2.0, 1.0]
    )
    found = solve(game)
    act = found.of("north")[0, 1]
    slopes = np.asarray(jax.jit(reply_slopes)(game, jnp.asarray(found.values)))
    assert slopes[0, 0] == pytest.approx(2.0 * act * (1 - act) * 1.5)
    assert slopes[1, 0] == pytest.approx(0.0, abs=1e-12)
    # without a future, this month is all there is
    standing = jax.jit(standing_slopes)(game, jnp.asarray(found.values))
    np.testing.assert_allclose(standing, slopes, atol=1e-10)


def test_replies_have_intervals(family: Specification, base: Equilibrium) -> None:
    found = compare(family, THETA, COVARIANCE, [], base=base, outcome=reply_slopes)
    figures = found.base.of("south")
    assert figures.values.shape == (21,)
    assert (figures.errors > 0).all()
    with pytest.raises(InputError, match="player 'any'"):
        found.base.of(ANY)


# --- the published counterfactuals


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def published() -> tuple[Specification, Floats, Floats, Equilibrium]:
    if not DATA.exists():
        pytest.skip("the data of the published game are not here")
    panel = rows("panel_monthly.csv")
    axis = quantile_axis("popularity", [float(row["state"]) for row in panel], 0.05)
    first = {row["term"]: float(row["estimate"]) for row in rows("first_stage_levels.csv")}
    order = (
        "intercept",
        "hamas_attack",
        "fatah_attack",
        "lag_state",
        "hamas_attack_x_lag_state",
        "fatah_attack_x_lag_state",
        "sigma",
    )
    family = classic_specification(
        axis,
        [Player("hamas", (0, 1)), Player("fatah", (0, 1))],
        [first[term] for term in order],
        0.999,
    )
    estimates = {row["parameter"]: float(row["estimate"]) for row in rows("payoff_estimates.csv")}
    theta = np.array([estimates[name] for name in family.names])
    covariance = np.array(
        [[float(row[name]) for name in family.names] for row in rows("payoff_covariance_corrected.csv")]
    )
    return family, theta, covariance, solve(family.game(theta))


def decimals(text: str) -> int:
    return len(text.partition(".")[2])


@pytest.mark.slow
def test_the_published_effect_of_a_rival(
    published: tuple[Specification, Floats, Floats, Equilibrium],
) -> None:
    """Table 4 is the chance to attack with the rival minus that without it, along the observed path."""
    family, theta, covariance, base = published
    worlds = [without("fatah gone", family, "fatah"), without("hamas gone", family, "hamas")]
    found = compare(family, theta, covariance, worlds, base=base)
    panel = rows("panel_monthly.csv")
    states = np.array([int(row["state_index"]) for row in panel])
    dates = np.array([row["date"] for row in panel])
    eras = {
        "Oslo era": dates < "2000-09",
        "second intifada": (dates >= "2000-09") & (dates < "2006-01"),
        "after 2006 election": dates >= "2006-01",
    }
    assert [int(months.sum()) for months in eras.values()] == [80, 64, 156]
    printed = {(row["row"], row["column"]): row["value"] for row in rows("published_tables.csv")}
    for me, gone in (("Hamas", "fatah gone"), ("Fatah", "hamas gone")):
        for era, months in eras.items():
            name = me.lower()
            effect = found.base.along(name, states[months]) - found.of(gone).along(name, states[months])
            text = printed[me, era]
            assert round(float(effect.values), decimals(text)) == float(text)
            by_month = (found.base.of(name) - found.of(gone).of(name)).values[states[months]]
            assert 0 < by_month.std(ddof=1) / np.sqrt(len(by_month)) < min(0.02, float(effect.errors))


@pytest.mark.slow
def test_the_published_effect_of_costs(
    published: tuple[Specification, Floats, Floats, Equilibrium],
) -> None:
    """Table 5: costs up and down by 0.13, averaged over the grid; its rows for both belong to shorter steps."""
    family, theta, _, base = published
    printed = {
        (row["row"], row["column"]): row["value"]
        for row in rows("published_tables.csv")
        if row["table"] == "5"
    }

    def agrees(found: Equilibrium, row: str) -> None:
        each = np.asarray(activity(found.game, jnp.asarray(found.values))).mean(axis=1)
        for value, column in zip(each, ("Hamas attacks", "Fatah attacks", "either attacks"), strict=True):
            text = printed[row, column]
            assert round(float(value), decimals(text)) == float(text), (row, column)

    agrees(base, "baseline")
    hamas, fatah = np.array([0, 0, 0.13, 0]), np.array([0, 0, 0, 0.13])
    full = {"higher": (0.394, 0.104, 0.453), "lower": (0.387, 0.114, 0.456)}
    for word, sign, share in (("higher", -1.0, 9 / 29), ("lower", 1.0, 9 / 19)):
        moves = {"Hamas": sign * hamas, "Fatah": sign * fatah, "both": sign * (hamas + fatah)}
        trails = follow_all(base, [family.game(theta + move) for move in moves.values()], (share, 1.0))
        for who, trail in zip(moves, trails, strict=True):
            assert trail.lost is None
            assert trail.end.certificate.residual < 1e-9
            agrees(trail.equilibria[0] if who == "both" else trail.end, f"{word} cost {who}")
        whole = trails[-1].end
        each = np.asarray(activity(whole.game, jnp.asarray(whole.values))).mean(axis=1)
        np.testing.assert_allclose(each, full[word], atol=6e-4)
