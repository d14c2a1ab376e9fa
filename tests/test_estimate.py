"""Estimation of payoffs: published figures where the panel lies beside the project, known answers, laws, bad input."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.errors import InputError
from outbid.game import (
    Estimates,
    FirstStep,
    Play,
    Specification,
    classic_specification,
    estimate,
    play_from_panel,
)
from outbid.game.equilibrium import solve
from outbid.game.game import Axis, Game, Grid, Player, even_axis, quantile_axis
from outbid.game.kernel import Banded, Scattered, banded_from, dense
from outbid.game.likelihood import chances, covariances, curvature, evaluate, first_step_parts
from outbid.game.many_starts import draw_starts, estimate_many
from small_games import (
    AXIS,
    DISCOUNT,
    EQUATION,
    PLAYERS,
    TRUTH,
    duel,
    first_step_of,
    linked_duel,
    play_out,
    played,
    three_by_three,
)

DATA = Path(__file__).parents[2] / "shared" / "data" / "tugofwar"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the published panel is not here")
START = np.array([-0.1, 0.1, -0.2, -0.4])


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def matrix(name: str) -> np.ndarray:
    return np.array([[float(value) for value in list(row.values())[1:]] for row in table(name)])


def published(column: str) -> np.ndarray:
    return np.array([float(row[column]) for row in table("payoff_estimates.csv")[:4]])


@pytest.fixture(scope="module")
def tug_of_war() -> tuple[Specification, Play]:
    rows = table("panel_monthly.csv")
    state = [float(row["state"]) for row in rows]
    players = (Player("hamas", (0, 1)), Player("fatah", (0, 1)))
    axis = quantile_axis("popularity", state, 0.05)
    equation = [float(row["estimate"]) for row in table("first_stage_levels.csv")]
    covariance = matrix("first_stage_bootstrap_covariance.csv")
    attacks = {p.name: [float(row[f"{p.name}_attack"]) for row in rows] for p in players}
    play = play_from_panel(
        Grid((axis,)), players, {"popularity": state}, attacks, [row["date"] for row in rows]
    )
    return classic_specification(axis, players, equation, 0.999, covariance), play


@pytest.fixture(scope="module")
def replicated(tug_of_war: tuple[Specification, Play]) -> Estimates:
    return estimate(*tug_of_war, (-0.02, 0.002, -1.0, -2.5))


@needs_data
def test_table_2_is_reproduced(replicated: Estimates) -> None:
    assert replicated.converged and replicated.names == (
        "beta_hamas",
        "beta_fatah",
        "kappa_hamas",
        "kappa_fatah",
    )
    np.testing.assert_allclose(replicated.estimates, published("estimate"), rtol=2e-4)
    assert replicated.log_likelihood == pytest.approx(-278.2015, abs=1e-3)
    np.testing.assert_allclose(replicated.standard_errors("uncorrected"), published("se_first"), rtol=5e-4)
    np.testing.assert_allclose(replicated.standard_errors("published"), published("se_corrected"), rtol=5e-4)
    np.testing.assert_allclose(
        replicated.vcov("published"), matrix("payoff_covariance_corrected.csv"), rtol=2e-3
    )


@needs_data
def test_the_full_correction_of_table_2(replicated: Estimates) -> None:
    assert replicated.kind == "corrected"
    np.testing.assert_allclose(replicated.standard_errors(), [0.0077, 0.0004, 0.25, 0.41], rtol=0.02)


@needs_data
def test_errors_are_exact_at_the_published_point(tug_of_war: tuple[Specification, Play]) -> None:
    specification, play = tug_of_war
    theta, game = published("estimate"), specification.game(published("estimate"))
    at = evaluate(specification, theta, solve(game).values, play.counts(game))
    assert float(at.log_likelihood) == pytest.approx(-278.201476, abs=1e-6)
    held = covariances(specification, play, theta, at)
    np.testing.assert_allclose(held["published"], matrix("payoff_covariance_corrected.csv"), rtol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(held["uncorrected"])), published("se_first"), rtol=1e-7)


@needs_data
def test_the_constrained_form_reaches_the_published_point_too(
    tug_of_war: tuple[Specification, Play], replicated: Estimates
) -> None:
    found = estimate(*tug_of_war, (-0.02, 0.002, -1.0, -2.5), constrained=True, errors=False)
    assert found.converged
    np.testing.assert_allclose(found.estimates, replicated.estimates, rtol=1e-5)


def logit_of_one(theta: jnp.ndarray) -> Game:
    axis = even_axis("s", -1.0, 1.0, 21)
    moves = jnp.asarray(axis.points)
    payoffs = jnp.stack([jnp.zeros(21), theta[0] + theta[1] * moves], axis=1)[None]
    kernel = banded_from(np.full((21, 2, 21), 1 / 21))
    return Game((Player("one", (0, 1)),), Grid((axis,)), payoffs, kernel, jnp.zeros(1), jnp.ones(1))


def test_one_player_without_a_future_is_an_ordinary_logit() -> None:
    generator = np.random.default_rng(3)
    states = generator.integers(0, 21, 400)
    at = np.linspace(-1, 1, 21)[states]
    acts = (generator.random(400) < 1 / (1 + np.exp(-(0.4 - 1.2 * at)))).astype(int)
    found = estimate(
        Specification(("constant", "slope"), logit_of_one), Play(states, acts[:, None]), (0.0, 0.0)
    )
    known = sm.Logit(acts, sm.add_constant(at)).fit(disp=0)
    robust = sm.Logit(acts, sm.add_constant(at)).fit(disp=0, cov_type="HC0")
    np.testing.assert_allclose(found.estimates, known.params, rtol=1e-5)
    np.testing.assert_allclose(found.vcov(), known.cov_params(), rtol=1e-5)
    np.testing.assert_allclose(found.vcov("robust"), robust.cov_params(), rtol=1e-4)
    assert found.log_likelihood == pytest.approx(known.llf, rel=1e-10)
    assert found.aic == pytest.approx(known.aic) and found.bic == pytest.approx(known.bic)


def test_one_player_with_a_future_is_a_dynamic_logit() -> None:
    players = (Player("one", (0, 1)),)
    equation = np.array([0.0, 0.6, 0.7, -0.1, 0.6])
    specification = classic_specification(AXIS, players, equation, DISCOUNT)
    theta = np.array([0.3, -0.9])
    game = specification.game(theta)
    full, at = np.asarray(dense(game.kernel)), np.asarray(AXIS.points)
    worth = np.zeros(len(at))
    for _ in range(600):
        values = theta[0] * at[:, None] + theta[1] * np.array([0.0, 1.0])
        values = values + DISCOUNT * np.einsum("sat,t->sa", full, worth)
        worth = np.log(np.exp(values).sum(axis=1))
    chance = np.exp(values[:, 1] - worth)
    play = played(specification, theta, 200, 1)
    acts = play.actions[:, 0] == 1
    known = np.log(np.where(acts, chance[play.states], 1 - chance[play.states])).sum()
    at_truth = evaluate(specification, theta, np.zeros((25, 2)), play.counts(game))
    assert float(at_truth.log_likelihood) == pytest.approx(known, rel=1e-9)


def anyhow(specification: Specification, months: int, seed: int = 0) -> Play:
    """States and actions by chance alone, where all that matters is that there are some."""
    generator, game = np.random.default_rng(seed), specification.game(np.zeros(len(specification.names)))
    actions = [generator.integers(0, count, months) for count in game.counts]
    return Play(generator.integers(0, game.grid.size, months), np.stack(actions, axis=1))


numbers = st.floats(-0.6, 0.6, allow_nan=False)


@settings(max_examples=8)
@given(st.tuples(numbers, numbers, numbers, numbers))
def test_the_score_is_the_slope_of_the_likelihood(theta: tuple[float, ...]) -> None:
    for specification in (duel(), Specification(("a", "b", "c", "d"), three_by_three)):
        point = np.array(theta)
        counts = anyhow(specification, 40).counts(specification.game(point))
        values = evaluate(specification, point, np.zeros_like(counts), counts).values
        at = evaluate(specification, point, values, counts)
        for place in range(4):
            step = np.zeros(4)
            step[place] = 1e-5
            ahead, back = (evaluate(specification, point + s * step, values, counts) for s in (1, -1))
            slope = (ahead.log_likelihood - back.log_likelihood) / 2e-5
            assert float(at.score[place]) == pytest.approx(float(slope), rel=1e-5, abs=1e-6)
            moved = (ahead.values - back.values) / 2e-5
            np.testing.assert_allclose(at.moves[:, :, place], moved, rtol=1e-4, atol=1e-6)


def test_the_information_is_what_scores_vary_by() -> None:
    specification = duel()
    play = anyhow(specification, 200)
    counts = play.counts(specification.game(TRUTH))
    at = evaluate(specification, TRUTH, np.zeros_like(counts), counts)
    # the expected outer product of scores over all that could have been done in the months' states
    total = np.zeros((4, 4))
    for logs, slopes in zip(np.split(at.logs, 2, axis=1), np.split(at.slopes, 2, axis=1), strict=True):
        for state in play.states:
            for action in (0, 1):
                total += np.exp(logs[state, action]) * np.outer(slopes[state, action], slopes[state, action])
    np.testing.assert_allclose(at.information, total, rtol=1e-9)


def test_second_derivatives_agree_with_differences_of_the_likelihood() -> None:
    specification = duel()
    play = anyhow(specification, 300)
    counts = play.counts(specification.game(TRUTH))
    at = evaluate(specification, TRUTH, np.zeros_like(counts), counts)
    curved = curvature(specification, TRUTH, at, counts)
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-3
        sides = [
            evaluate(specification, TRUTH + s * step, at.values, counts).log_likelihood for s in (1, 0, -1)
        ]
        second = (sides[0] - 2 * sides[1] + sides[2]) / 1e-6
        assert curved[i, i] == pytest.approx(-float(second), rel=1e-3)


@pytest.mark.slow
def test_what_the_first_step_moves_agrees_with_differences() -> None:
    specification = linked_duel()
    play, game = played(specification, TRUTH, 300, 0), specification.game(TRUTH)
    counts, profiles = play.counts(game), play.profiles(game.counts)
    at = evaluate(specification, TRUTH, np.zeros_like(counts), counts)
    crossed, moved = first_step_parts(specification, play, TRUTH, at)
    months = np.bincount(play.states, minlength=game.grid.size)
    for place in range(7):
        logs, steps = [], []
        for sign in (1, -1):
            other = linked_duel(EQUATION + sign * 1e-5 * (np.arange(7) == place))
            logs.append(evaluate(other, TRUTH, at.values, counts).logs)
            full = np.asarray(dense(other.game(TRUTH).kernel))
            steps.append(np.log(full[play.states[:-1], profiles[:-1], play.states[1:]]))
        slope = (logs[0] - logs[1]) / 2e-5
        known = np.einsum("s,sa,sap,sa->p", months, np.exp(at.logs), at.slopes, slope)
        np.testing.assert_allclose(crossed[:, place], known, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(moved[:, place], (steps[0] - steps[1]) / 2e-5, rtol=1e-4, atol=1e-4)


def test_scattered_and_banded_kernels_give_transitions_the_same_chance() -> None:
    kernel = duel().game(TRUTH).kernel
    assert isinstance(kernel, Banded)
    full = np.asarray(dense(kernel))
    targets = np.broadcast_to(np.arange(25), full.shape)
    scattered = Scattered(jnp.asarray(targets), jnp.asarray(full))
    before, profiles, after = np.random.default_rng(0).integers(0, [[25], [4], [25]], (3, 60))
    for each in (kernel, scattered):
        found = chances(each, jnp.asarray(before), jnp.asarray(profiles), jnp.asarray(after))
        np.testing.assert_allclose(found, full[before, profiles, after])


def test_payoffs_are_recovered_from_a_long_record() -> None:
    specification = duel()
    found = estimate(specification, played(specification, TRUTH, 6000, 2), START)
    assert found.converged
    assert np.all(np.abs(found.estimates - TRUTH) < 4 * found.standard_errors("uncorrected"))
    assert np.all(np.abs(found.estimates - TRUTH) < 0.4)
    np.testing.assert_allclose(
        found.standard_errors("robust"), found.standard_errors("uncorrected"), rtol=0.15
    )


@pytest.mark.slow
def test_three_players_and_three_actions_are_estimated_too() -> None:
    specification, theta = Specification(("v", "w", "cost", "crowd"), three_by_three), [0.2, 0.1, -0.5, 0.4]
    found = estimate(specification, played(specification, np.array(theta), 4000, 2), (0, 0, 0, 0))
    assert found.converged and found.standard_errors().shape == (4,)
    assert np.all(np.abs(found.estimates - theta) < 4 * found.standard_errors())


def test_both_forms_end_at_the_same_point() -> None:
    specification = duel()
    play = played(specification, TRUTH, 300, 5)
    nested, together = (estimate(specification, play, START, constrained=each) for each in (False, True))
    assert nested.converged and together.converged
    np.testing.assert_allclose(together.estimates, nested.estimates, atol=1e-4)
    assert together.log_likelihood == pytest.approx(nested.log_likelihood, abs=1e-7)
    assert together.equilibrium.certificate.residual < 1e-9


def in_units(build: Callable[[jax.Array], Game], scale: jax.Array, theta: jax.Array) -> Game:
    return build(theta * scale)


@pytest.mark.slow
@settings(max_examples=5)
@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_the_scale_of_a_parameter_makes_no_difference(powers: list[float]) -> None:
    plain, scale = duel(), 10.0 ** np.array(powers)
    play = played(plain, TRUTH, 300, 5)
    scaled = Specification(plain.names, jax.tree_util.Partial(in_units, plain.build, jnp.asarray(scale)))
    one, two = estimate(plain, play, START, errors=False), estimate(scaled, play, START / scale, errors=False)
    assert two.converged and two.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-7)
    np.testing.assert_allclose(two.estimates * scale, one.estimates, rtol=1e-3)


@pytest.mark.slow
def test_corrected_errors_grow_with_the_first_steps() -> None:
    specification = linked_duel(covariance=np.zeros((7, 7)))
    play = played(specification, TRUTH, 300, 0)
    sure = estimate(specification, play, START)
    unsure = estimate(linked_duel(covariance=np.diag(np.full(7, 0.01))), play, START)
    np.testing.assert_allclose(sure.standard_errors("corrected"), sure.standard_errors("uncorrected"))
    for kind in ("published", "corrected"):
        extra = unsure.vcov(kind) - unsure.vcov("uncorrected")
        assert np.linalg.eigvalsh(extra)[0] > -1e-12 and np.trace(extra) > 0


@pytest.mark.slow
def test_errors_and_intervals_hold_over_many_records() -> None:
    """Both steps on each of many records: bias, coverage, and the corrected errors against what was simulated."""
    equilibrium = solve(linked_duel().game(TRUTH))
    rows = []
    for seed in range(160):
        play = play_out(equilibrium, 1500, seed)
        found = estimate(linked_duel(*first_step_of(play)), play, TRUTH)
        assert found.converged
        rows.append(
            (found.estimates, found.standard_errors("uncorrected"), found.standard_errors("corrected"))
        )
    estimates, plain, corrected = np.stack(rows, axis=1)
    spread = estimates.std(axis=0, ddof=1)
    assert np.all(np.abs(estimates.mean(axis=0) - TRUTH) < 0.3 * spread)
    covered = (np.abs(estimates - TRUTH) < 1.96 * corrected).mean(axis=0)
    assert np.all((covered > 0.9) & (covered < 0.995))
    np.testing.assert_allclose(np.median(corrected, axis=0), spread, rtol=0.15)
    assert np.all(np.median(corrected, axis=0) > 1.05 * np.median(plain, axis=0))


@pytest.mark.slow
def test_corrected_errors_agree_with_a_bootstrap_of_the_first_step() -> None:
    """Payoffs fitted anew to one record under each of many draws of the state equation."""
    play = played(linked_duel(), TRUTH, 6000, 1)
    equation, covariance = first_step_of(play)
    found = estimate(linked_duel(equation, covariance), play, TRUTH)
    refitted = []
    for draw in np.random.default_rng(0).multivariate_normal(equation, covariance, 200):
        again = estimate(linked_duel(draw, covariance), play, found.estimates, errors=False)
        refitted.append(again.estimates)
    moved = np.std(refitted, axis=0, ddof=1)
    extra = np.sqrt(np.diag(found.vcov("corrected") - found.vcov("uncorrected")))
    np.testing.assert_allclose(moved, extra, rtol=0.2)
    short = np.sqrt(np.diag(found.vcov("published") - found.vcov("uncorrected")))
    assert np.all(short < 0.7 * extra)


def test_many_starts_tell_what_led_where() -> None:
    specification = duel()
    play = played(specification, TRUTH, 300, 5)
    starts = draw_starts(START, 0.3, 8, 1)
    maxima = estimate_many(specification, play, starts, equilibrium_starts=4)
    assert sum(map(len, maxima.starts)) + len(maxima.failed) == maxima.tried == 8
    heights = list(maxima.table()["log_likelihood"])
    assert heights == sorted(heights, reverse=True) and maxima.highest.log_likelihood == heights[0]
    assert min(maxima.equilibria) >= 1
    assert maxima.highest.log_likelihood >= estimate(specification, play, START).log_likelihood - 1e-6
    again = estimate_many(specification, play, starts, equilibrium_starts=4)
    pd.testing.assert_frame_equal(again.table(), maxima.table())
    assert "higher one may exist" in maxima.summary() and "beta_north" in maxima.summary()


def test_starts_are_drawn_around_a_centre() -> None:
    starts = draw_starts(START, 0.1, 50, 3)
    assert starts.shape == (50, 4) and np.array_equal(starts[0], START)
    assert np.array_equal(starts, draw_starts(START, 0.1, 50, 3))
    for bad in ({"number": 0}, {"spread": -1.0}, {"spread": [1.0, 2.0]}):
        with pytest.raises(InputError):
            draw_starts(**{"center": START, "spread": 0.1, **bad})


GOOD = (np.array([3, 4, 5, 4]), np.array([[0, 1], [1, 0], [0, 0], [1, 1]]))


@pytest.mark.parametrize(
    ("states", "actions", "months", "told"),
    [
        ([3, np.nan, 5, 4], GOOD[1], (), "month 2: the state is missing"),
        (GOOD[0], [[0, 1], [1, 0], [0, np.nan], [1, 1]], (), "month 3: the action of player 2 is missing"),
        ([3, 4.5, 5, 4], GOOD[1], (), "the state is 4.5"),
        (GOOD[0], [[0, 1], [1, 0], [0, -1], [1, 1]], (), "is -1"),
        (GOOD[0], GOOD[1][:3], (), "shape"),
        (*GOOD, ("2001-01", "2001-02", "2001-04", "2001-05"), "month 2001-03: is missing"),
        (*GOOD, ("2001-12", "2002-02", "2002-03", "2002-04"), "month 2002-01: is missing"),
        (*GOOD, ("2001-02", "2001-01", "2001-03", "2001-04"), "out of order"),
        (*GOOD, ("2001-01",), "Name each month once"),
    ],
)
def test_a_record_with_faults_is_refused(states, actions, months, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        Play(states, actions, months)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("states", "actions", "told"),
    [
        ([3, 4, 25, 4], GOOD[1], "month 3: state 25 is not on the grid"),
        (GOOD[0], [[0, 1], [1, 0], [0, 2], [1, 1]], "south has no action number 2"),
        (GOOD[0], [[0, 1], [1, 1], [0, 1], [1, 1]], "south: does the same in all 4 months .*separation"),
        (GOOD[0], [[0], [1], [0], [1]], "are of 1 players"),
    ],
)
def test_a_record_that_the_game_cannot_have_left_is_refused(states, actions, told: str) -> None:
    with pytest.raises(InputError, match=told):
        estimate(duel(), Play(states, actions), START)


def test_a_player_whose_acts_the_state_foretells_is_refused() -> None:
    states = np.arange(25).repeat(4)
    south = np.random.default_rng(0).integers(0, 2, 100)
    with pytest.raises(InputError, match=r"north: the state foretells .*separation"):
        estimate(duel(), Play(states, np.stack([states > 12, south], axis=1)), START)


def test_bad_starts_and_families_are_refused() -> None:
    specification = duel()
    play = played(specification, TRUTH, 50, 0)
    for start, told in [((0.1, 0.2), "shape"), ((0.1, np.nan, 0, 0), "start, beta_south: is not a number")]:
        with pytest.raises(InputError, match=told):
            estimate(specification, play, start)
    with pytest.raises(InputError, match="values: have shape"):
        estimate(specification, play, START, np.zeros((3, 4)))
    with pytest.raises(InputError, match="missing or double"):
        Specification(("a", "a"), specification.build)
    with pytest.raises(InputError, match="not both"):
        Specification(("a",), specification.build, specification.first_step)
    with pytest.raises(InputError, match="state equation: holds 3 numbers"):
        classic_specification(AXIS, PLAYERS, [0.0, 1.0, 2.0], DISCOUNT)
    with pytest.raises(InputError, match="discount"):
        classic_specification(AXIS, PLAYERS, EQUATION, 1.0)
    with pytest.raises(InputError, match="not symmetric"):
        FirstStep(("a", "b"), np.zeros(2), np.array([[1.0, 0.5], [0.0, 1.0]]))


def test_parameters_that_say_nothing_are_named() -> None:
    plain = duel()
    play = played(plain, TRUTH, 300, 5)
    idle = Specification(("a", "b", "c", "d", "idle"), lambda theta: plain.build(theta[:4] + 0.0 * theta[4]))
    with pytest.raises(InputError, match="parameter 'idle': changes no choice"):
        estimate(idle, play, (*START, 1.0))
    twice = Specification(
        ("a", "b", "c", "d", "more"), lambda theta: plain.build(theta[:4].at[3].add(theta[4]))
    )
    found = estimate(twice, play, (*START, 0.1))
    assert not found.converged and found.message.endswith("d and more")


def test_a_panel_goes_onto_the_grid() -> None:
    grid = Grid((Axis("popularity", (0.0, 1.0, 2.0)),))
    players = (Player("north", (0, 2)), Player("south", (0, 1)))
    figures, months = {"popularity": [0.4, 0.6, 2.3]}, ("2001-01", "2001-02", "2001-03")
    play = play_from_panel(grid, players, figures, {"north": [0, 2, 2], "south": [1, 0, 1]}, months)
    assert play.states.tolist() == [0, 1, 2] and play.actions.tolist() == [[0, 1], [1, 0], [1, 1]]
    for north, told in [([0, 1, 2], "month 2001-02: 1 is none of its actions"), ([0, np.nan, 2], "missing")]:
        with pytest.raises(InputError, match=told):
            play_from_panel(grid, players, figures, {"north": north, "south": [1, 0, 1]}, months)
    with pytest.raises(InputError, match="south: are missing"):
        play_from_panel(grid, players, figures, {"north": [0, 2, 2]}, months)
    with pytest.raises(InputError, match="month 2001-02: is missing"):
        play_from_panel(
            grid,
            players,
            figures,
            {"north": [0, 2, 2], "south": [1, 0, 1]},
            ("2001-01", "2001-03", "2001-04"),
        )
