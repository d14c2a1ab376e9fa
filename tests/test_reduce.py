"""A model becomes a game by its own step, and the kernel keeps what a grid can keep."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rivalry
from outbid.errors import InputError
from outbid.game.equilibrium import solve
from outbid.game.game import Axis, Grid, check_game, even_axis, profile_levels
from outbid.game.kernel import dense, normal_weights
from outbid.game.reduce import Held, fit_held, reduce
from outbid.model.compile import build_step

MODEL = rivalry.model()
COARSE = Grid((Axis("standing", (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)),))
LEVERS = (0.5, 0.0)
HELD = Held(
    {"hardliners": jnp.log1p(20_000.0), "challengers": jnp.log1p(2_000.0)},
    {"hardliners": jnp.zeros(1), "challengers": jnp.zeros(1)},
    jnp.zeros(1),
)


@given(
    st.floats(-2.9, 2.9),
    st.floats(0.0, 0.5),
    st.lists(st.floats(-2.5, 2.5), min_size=1, max_size=6, unique=True),
)
def test_a_normal_move_on_points_with_gaps_keeps_its_mean_and_sums_to_one(
    mean: float, sd: float, inner: list[float]
) -> None:
    spaced = np.array([-8.0, *sorted(inner), 8.0])
    if np.diff(spaced).min() < 1e-3:
        return
    weights = np.asarray(normal_weights(jnp.asarray(spaced), jnp.asarray(mean), jnp.asarray(sd)))
    assert weights.min() > -1e-12
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights @ spaced == pytest.approx(mean, abs=1e-9)


def test_without_noise_a_move_is_interpolated_by_a_straight_line() -> None:
    weights = normal_weights(jnp.asarray([0.0, 1.0, 3.0]), jnp.asarray(1.5), jnp.asarray(0.0))
    assert np.allclose(weights, [0.0, 0.75, 0.25])


def test_beyond_the_ends_the_end_counts() -> None:
    weights = normal_weights(jnp.asarray([0.0, 1.0]), jnp.asarray([-4.0, 9.0]), jnp.asarray([0.1, 0.1]))
    assert np.allclose(weights, [[1.0, 0.0], [0.0, 1.0]])


def test_the_game_moves_as_the_model_steps() -> None:
    game = reduce(MODEL, ["incumbent", "challenger"], COARSE).build(
        rivalry.NUMBERS, LEVERS, {}, 0.9, held=HELD
    )
    check_game(game)
    step = jax.jit(build_step(MODEL))
    moves = np.asarray(dense(game.kernel)) @ np.asarray(COARSE.axes[0].points)
    for state, at in enumerate(COARSE.axes[0].points):
        for profile, (hardness, effort) in enumerate(profile_levels(game.players)):
            now = {"hardness": hardness, "effort": effort}
            start = {"standing": at, "hardliners": 20_000.0, "challengers": 2_000.0}
            after, _ = step(start, {"standing": 0.0}, now, now, rivalry.NUMBERS)
            if abs(float(after["standing"])) < 2.0:  # well inside, where no tail is cut off
                assert moves[state, profile] == pytest.approx(float(after["standing"]), abs=1e-8)


def test_payoffs_are_the_actors_own() -> None:
    weights = {"incumbent": {"standing": 2.0, "aid": 0.7, "loss": 50.0}, "challenger": {"effort": 0.4}}
    game = reduce(MODEL, ["incumbent", "challenger"], COARSE).build(
        rivalry.NUMBERS, LEVERS, weights, 0.9, held=HELD
    )
    at, (hardness, effort) = -1.0, (1.0, 1.0)
    lost = 1.0 - np.exp(-0.002 * np.e)
    assert float(game.payoffs[0, 2, 5]) == pytest.approx(2.0 * at - 0.7 * hardness - 50.0 * lost, rel=1e-6)
    assert float(game.payoffs[1, 2, 5]) == pytest.approx(-at - 0.4 * effort)


@pytest.mark.slow
def test_a_coarse_grid_answers_nearly_as_a_fine_one() -> None:
    fine = Grid((even_axis("standing", -4.0, 4.0, 161),))
    exact, rough = (
        solve(
            reduce(MODEL, ["incumbent", "challenger"], grid).build(
                rivalry.NUMBERS, LEVERS, {}, 0.9, held=HELD
            )
        )
        for grid in (fine, COARSE)
    )
    at = [int(fine.nearest({"standing": [x]})[0]) for x in (-1.0, 0.0, 1.0)]
    assert np.allclose(exact.of("incumbent")[at], rough.of("incumbent")[2:5], atol=0.03)


def test_the_other_states_go_with_the_watched_ones_as_simulated() -> None:
    generator = np.random.default_rng(0)
    axis = generator.normal(0.5, 1.0, 400)
    states = {
        "hardliners": np.expm1(9.0 + 0.2 * axis),
        "challengers": np.expm1(7.0 - 0.3 * axis),
        "standing": axis,
    }
    held = fit_held(MODEL, COARSE, {k: jnp.asarray(v) for k, v in states.items()}, jnp.asarray(axis[:, None]))
    assert float(held.slope["challengers"][0]) == pytest.approx(-0.3, abs=1e-4)
    assert float(held.mean["hardliners"] - 0.2 * held.center[0]) == pytest.approx(9.0, abs=1e-4)


@pytest.mark.parametrize(
    ("actors", "axis", "told"),
    [
        (["incumbnt"], Axis("standing", (-1.0, 1.0)), "Did you mean 'incumbent'"),
        (["incumbent"], Axis("standng", (-1.0, 1.0)), "neither an index nor a player's lever"),
        (["incumbent"], Axis("standing", (-9.0, 1.0)), "leaves the index's range"),
        (["incumbent"], Axis("hardness", (0.0, 1.0)), "isn't the levels"),
    ],
)
def test_a_game_that_the_model_cannot_give_is_refused(actors: list[str], axis: Axis, told: str) -> None:
    with pytest.raises(InputError, match=told):
        reduce(MODEL, actors, Grid((axis,)))
