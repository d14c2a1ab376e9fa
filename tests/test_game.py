"""Grids, kernels and games: what they hold, and what they refuse in one line."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from outbid.errors import InputError
from outbid.game.game import (
    Axis,
    Game,
    Grid,
    Player,
    check_game,
    even_axis,
    game_from_arrays,
    one_index_game,
    profile_levels,
    quantile_axis,
    restrict,
)
from outbid.game.kernel import (
    Banded,
    Scattered,
    banded_from,
    dense,
    expect,
    normal_band,
    normal_reach,
)

Floats = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)
TWO = (Player("north", (0, 1)), Player("south", (0, 1, 2)))


def small(seed: int = 0) -> Game:
    generator = np.random.default_rng(seed)
    return game_from_arrays(
        TWO,
        Grid((even_axis("x", -1.0, 1.0, 4),)),
        generator.normal(size=(2, 4, 6)),
        generator.dirichlet(np.ones(4), size=(4, 6)),
        [0.9, 0.8],
        [1.0, 2.0],
    )


def classic(**changes: object) -> Game:
    given: dict[str, object] = {
        "intercept": -0.02,
        "persistence": 0.99,
        "effects": [-0.2, 0.6],
        "interactions": [0.01, 0.02],
        "sd": 0.3,
        "value": [-0.01, 0.002],
        "cost": [-0.9, -2.0],
        "discount": 0.95,
    }
    players = [Player("north", (0, 1)), Player("south", (0, 1))]
    return one_index_game(even_axis("x", -3.0, 3.0, 25), players, **{**given, **changes})


# --- grid


def test_states_are_numbered_with_the_first_axis_slowest() -> None:
    grid = Grid((Axis("x", (0.0, 1.0)), Axis("y", (5.0, 6.0, 8.0))))
    assert (grid.size, grid.shape) == (6, (2, 3))
    assert grid.values.tolist() == [[0, 5], [0, 6], [0, 8], [1, 5], [1, 6], [1, 8]]
    assert grid.nearest({"x": [0.9, -0.1], "y": [6.9, 7.1]}).tolist() == [4, 2]


@given(seeds)
def test_the_nearest_point_is_the_nearest(seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = np.sort(generator.normal(size=7))
    figures = generator.uniform(points[0], points[-1], size=20)
    found = Grid((Axis("x", tuple(points)),)).nearest({"x": figures})
    distance = np.abs(points[None, :] - figures[:, None])
    np.testing.assert_allclose(distance[np.arange(20), found], distance.min(axis=1))


def test_an_axis_runs_from_quantile_to_quantile() -> None:
    axis = quantile_axis("x", np.arange(101.0), 0.5)
    assert axis.points[0] == pytest.approx(2.5)
    assert axis.points[-1] == pytest.approx(97.5)
    assert len(axis.points) == 191
    # where the range is no multiple of the step, the last point lies below the upper quantile
    assert quantile_axis("x", np.arange(101.0), 0.4).points[-1] == pytest.approx(97.3)


def test_a_grid_of_one_point_takes_everything() -> None:
    assert Grid((Axis("x", (0.0,)),)).nearest({"x": [-100.0, 100.0]}).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("points", "told"),
    [((), "has no points"), ((0.0, float("nan")), "not a number"), ((0.0, 0.0), "does not increase")],
)
def test_a_bad_axis_is_refused(points: tuple[float, ...], told: str) -> None:
    with pytest.raises(InputError, match=f"axis 'x': .*{told}"):
        Axis("x", points)


def test_figures_beyond_the_grid_are_refused() -> None:
    grid = Grid((even_axis("x", 0.0, 1.0, 11),))
    assert grid.nearest({"x": [0.0, 1.0, 0.5, 0.2, 5.0]})[-1] == 10
    with pytest.raises(InputError, match=r"grid, x: 50% of the figures lie outside 0 to 1\. Widen"):
        grid.nearest({"x": [0.5, 3.0]})
    with pytest.raises(InputError, match="figures, x: month 2 is not a number"):
        grid.nearest({"x": [0.5, float("nan")]})
    with pytest.raises(InputError, match="grid, x: has no figures"):
        grid.nearest({"y": [0.5]})
    with pytest.raises(InputError, match="Did you mean 'xx1'"):
        Grid((even_axis("xx1", 0.0, 1.0, 3),)).axis("xx2")
    with pytest.raises(InputError, match="axes with names of their own"):
        Grid((even_axis("x", 0.0, 1.0, 3), even_axis("x", 0.0, 1.0, 3)))


# --- kernel


@given(seeds, st.sampled_from([1, 6]), st.sampled_from([0, 3]), st.sampled_from([0, 2]))
@settings(max_examples=20)
def test_a_band_and_its_full_form_say_the_same(seed: int, states: int, lower: int, upper: int) -> None:
    generator = np.random.default_rng(seed)
    away = np.arange(states)[None, :] - np.arange(states)[:, None]
    full = generator.dirichlet(np.ones(states), size=(states, 2))
    full = np.where(((away >= -lower) & (away <= upper))[:, None, :], full, 0.0)
    kernel = banded_from(full)
    np.testing.assert_allclose(dense(kernel), full)
    x = generator.normal(size=(3, states))
    np.testing.assert_allclose(expect(kernel, jnp.asarray(x)), np.einsum("sat,nt->nsa", full, x), atol=1e-12)


@given(seeds)
def test_a_scattered_kernel_adds_up_doubles(seed: int) -> None:
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 5, size=(5, 2, 4))
    weights = generator.dirichlet(np.ones(4), size=(5, 2))
    full = np.zeros((5, 2, 5))
    for s, a, k in np.ndindex(5, 2, 4):
        full[s, a, targets[s, a, k]] += weights[s, a, k]
    kernel = Scattered(jnp.asarray(targets), jnp.asarray(weights))
    np.testing.assert_allclose(dense(kernel), full, atol=1e-14)
    x = generator.normal(size=(2, 5))
    np.testing.assert_allclose(expect(kernel, jnp.asarray(x)), np.einsum("sat,nt->nsa", full, x), atol=1e-12)


@given(st.floats(0.2, 3.0), st.floats(-1.0, 1.0))
@settings(max_examples=6)
def test_a_normal_move_fills_cells_by_its_distribution(sd: float, drift: float) -> None:
    points = np.linspace(-5.0, 5.0, 41)
    mean = (0.9 * points + drift)[:, None]
    reach = normal_reach(points, mean, sd)
    kernel = normal_band(points, jnp.asarray(mean), jnp.asarray(sd), (max(reach),) * 2)
    half = (points[1] - points[0]) / 2
    edges = np.concatenate([[-np.inf], points[1:] - half, [np.inf]])
    wanted = np.diff(norm.cdf((edges[None, :] - mean) / sd), axis=1)
    wanted = np.where(wanted < 1e-8, 0.0, wanted)
    wanted = wanted / wanted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(dense(kernel)[:, 0], wanted, atol=1e-12)


def test_a_normal_kernel_moves_smoothly_with_its_mean_and_spread() -> None:
    points = np.linspace(-5.0, 5.0, 41)
    mean = 0.9 * points[:, None]
    reach = normal_reach(points, mean + 0.1, 0.8)

    @jax.jit
    def ahead(theta: jax.Array) -> jax.Array:
        kernel = normal_band(points, jnp.asarray(mean) + theta[0], 0.7 + theta[1], reach)
        return expect(kernel, jnp.sin(jnp.asarray(points))[None])[0, :, 0]

    slopes = jax.jacfwd(ahead)(jnp.zeros(2))
    for k in range(2):
        step = 1e-6 * jnp.eye(2)[k]
        difference = (ahead(step) - ahead(-step)) / 2e-6
        # probabilities under the floor come and go, which a derivative does not see
        np.testing.assert_allclose(slopes[:, k], difference, atol=1e-3)


def test_a_kernel_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"kernel: has shape \(3, 2\)"):
        banded_from(np.ones((3, 2)))


# --- game


def test_profiles_are_numbered_with_the_first_player_slowest() -> None:
    game = small()
    assert game.counts == (2, 3)
    assert profile_levels(game.players).tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert game.player("south") == 1
    with pytest.raises(InputError, match="Did you mean 'south'"):
        game.player("soutj")


def test_a_game_is_a_tree_of_arrays() -> None:
    game = small()
    doubled = jax.tree.map(lambda leaf: 2 * leaf, game)
    assert isinstance(doubled, Game)
    np.testing.assert_allclose(doubled.payoffs, 2 * game.payoffs)
    assert doubled.players == game.players


def test_the_classic_form_is_its_formula() -> None:
    game = classic()
    at = np.asarray(game.grid.axes[0].points)
    # profile 2 is: north acts, south does not
    np.testing.assert_allclose(game.payoffs[0, :, 2], -0.01 * at - 0.9, atol=1e-15)
    np.testing.assert_allclose(game.payoffs[1, :, 2], 0.002 * at, atol=1e-15)
    means = np.asarray(expect(game.kernel, jnp.asarray(at)[None]))[0]
    inner = slice(8, 17)
    wanted = -0.02 - 0.2 + 0.6 + (0.99 + 0.01 + 0.02) * at
    np.testing.assert_allclose(means[inner, 3], wanted[inner], atol=5e-3)


BROKEN = [
    ("payoffs", lambda g: g.payoffs[:, :-1], r"payoffs: have shape \(2, 3, 6\)"),
    ("payoffs", lambda g: g.payoffs.at[1, 2, 3].set(jnp.nan), "payoffs, south: state 2, profile 3 is not"),
    ("payoffs", lambda g: g.payoffs.at[0, 0, 0].set(jnp.inf), "payoffs, north: state 0, profile 0 is not"),
    ("discount", lambda g: jnp.asarray([1.0, 0.5]), "discount, north: is 1. Give at least 0 and less than 1"),
    ("discount", lambda g: jnp.asarray([0.5, 1.2]), "discount, south: is 1.2"),
    ("discount", lambda g: jnp.asarray([0.5, -0.1]), "discount, south: is -0.1"),
    ("discount", lambda g: jnp.asarray([jnp.nan, 0.1]), "discount, north: is nan"),
    ("precision", lambda g: jnp.asarray([-1.0, 1.0]), "precision, north: is -1"),
    ("precision", lambda g: jnp.asarray([1.0, jnp.inf]), "precision, south: is inf"),
    ("players", lambda g: (g.players[1], replace(g.players[0], name="south")), "two have the same name"),
    (
        "kernel",
        lambda g: replace(g.kernel, weights=g.kernel.weights.at[1, 2].multiply(1.01)),
        "kernel, state 1, profile 2: sums to 1.01 instead of 1",
    ),
    (
        "kernel",
        lambda g: replace(g.kernel, weights=g.kernel.weights.at[1, 2, 3].set(jnp.nan)),
        "negative or not a number",
    ),
    (
        "kernel",
        lambda g: replace(g.kernel, weights=g.kernel.weights.at[0, 0, 3].add(-2.0).at[0, 0, 4].add(2.0)),
        "negative or not a number",
    ),
    ("kernel", lambda g: replace(g.kernel, weights=g.kernel.weights[:3]), "kernel: has states and profiles"),
    (
        "kernel",
        lambda g: Scattered(jnp.full((4, 6, 1), 4), jnp.ones((4, 6, 1))),
        "leads to a state that is not on the grid",
    ),
]


@pytest.mark.parametrize(("field", "change", "told"), BROKEN, ids=range(len(BROKEN)))
def test_a_game_that_is_none_is_refused_in_one_line(field: str, change: object, told: str) -> None:
    game = small()
    with pytest.raises(InputError, match=told) as refusal:
        check_game(replace(game, **{field: change(game)}))
    assert "\n" not in str(refusal.value)


def test_mass_beyond_the_grid_is_refused() -> None:
    # a band whose first row gives weight to a state below the first sums to one, and yet loses that weight
    weights = np.full((3, 1, 3), 1.0 / 3)
    with pytest.raises(InputError, match="kernel, state 0, profile 0: sums to 0"):
        game_from_arrays(
            [Player("one", (0.0,))],
            Grid((even_axis("x", 0.0, 1.0, 3),)),
            np.zeros((1, 3, 1)),
            Banded(jnp.asarray(weights), 1),
            0.9,
        )


@pytest.mark.parametrize("levels", [(), (0, 0), (0, float("nan"))])
def test_a_player_without_levels_of_its_own_is_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="player 'north'"):
        Player("north", levels)


# --- restriction


def test_restricting_keeps_what_the_others_see() -> None:
    game = small()
    left = restrict(game, "south", 1)
    assert [player.name for player in left.players] == ["north"]
    np.testing.assert_allclose(left.payoffs[0], game.payoffs[0][:, [1, 4]])
    np.testing.assert_allclose(dense(left.kernel), dense(game.kernel)[:, [1, 4]])
    assert left.discount.tolist() == [0.9]
    kept = restrict(game, "south", 1, keep=True)
    assert kept.counts == (2, 1)
    assert kept.players[1].actions == (1.0,)
    np.testing.assert_allclose(kept.payoffs[1], game.payoffs[1][:, [1, 4]])
    check_game(left)
    check_game(kept)


def test_a_scattered_game_is_restricted_too() -> None:
    game = small()
    targets = jnp.broadcast_to(jnp.arange(4), (4, 6, 4))
    spread = replace(game, kernel=Scattered(targets, dense(game.kernel)))
    left = restrict(spread, "north", 0)
    np.testing.assert_allclose(dense(left.kernel), dense(game.kernel)[:, :3])


def test_an_impossible_restriction_is_refused() -> None:
    with pytest.raises(InputError, match=r"player 'south': has no action 3\. It has 0, 1, 2"):
        restrict(small(), "south", 3)
    with pytest.raises(InputError, match="the game has no such player"):
        restrict(small(), "west", 0)
    with pytest.raises(InputError, match="is the only one"):
        restrict(restrict(small(), "south", 0), "north", 0)


def test_what_is_needed_comes_from_one_import() -> None:
    import outbid.game

    for name in outbid.game.__dir__():
        assert getattr(outbid.game, name) is not None
    assert callable(outbid.game.solve) and callable(outbid.game.estimate) and callable(outbid.game.compare)
    with pytest.raises(AttributeError, match="no attribute 'solv'"):
        outbid.game.solv  # noqa: B018
