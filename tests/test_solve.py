"""Equilibria against known answers, against brute force written anew in NumPy, and against laws of theory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq, root

import outbid.game.equilibrium as solving
import outbid.game.newton as newton_steps
from outbid.errors import InputError
from outbid.game.equilibrium import Equilibrium, NoEquilibrium, deviation_gains, solve, solve_many
from outbid.game.game import Arrays, Axis, Game, Grid, Player, even_axis, game_from_arrays, restrict
from outbid.game.kernel import Banded, Scattered, dense
from outbid.game.many_starts import search
from outbid.game.newton import equilibrium_values, newton, residual, slope

Floats = NDArray[np.float64]
SHAPES = [((2, 2), 5), ((3, 2), 8), ((2, 2, 2), 4)]
seeds = st.integers(0, 2**32 - 1)
gains_of = jax.jit(deviation_gains)


def line(states: int) -> Grid:
    return Grid((even_axis("x", 0.0, 1.0, states) if states > 1 else Axis("x", (0.0,)),))


def actors(counts: Sequence[int]) -> list[Player]:
    return [Player(f"player {i}", tuple(range(count))) for i, count in enumerate(counts)]


def random_game(
    seed: int, counts: Sequence[int], states: int, discount: float = 0.9, precision: float = 1.0
) -> Game:
    generator = np.random.default_rng(seed)
    profiles = int(np.prod(counts))
    payoffs = generator.normal(size=(len(counts), states, profiles))
    kernel = generator.dirichlet(np.ones(states), size=(states, profiles))
    return game_from_arrays(actors(counts), line(states), payoffs, kernel, discount, precision)


class Brute:
    """A game's equations once more, by loops over profiles, in NumPy only."""

    def __init__(self, game: Game) -> None:
        self.counts = game.counts
        self.payoffs = np.asarray(game.payoffs)
        self.kernel = np.asarray(dense(game.kernel))
        self.discount, self.precision = np.asarray(game.discount), np.asarray(game.precision)
        self.profiles = list(itertools.product(*(range(count) for count in self.counts)))

    def chances(self, values: list[Floats]) -> list[Floats]:
        result = []
        for scale, each in zip(self.precision, values, strict=True):
            odds = np.exp(scale * (each - each.max(axis=1, keepdims=True)))
            result.append(odds / odds.sum(axis=1, keepdims=True))
        return result

    def worth(self, values: list[Floats]) -> list[Floats]:
        """The worth of a state, with the constant that a precision of one has."""
        result = []
        for scale, each in zip(self.precision, values, strict=True):
            top = each.max(axis=1)
            mean = np.exp(scale * (each - top[:, None])).mean(axis=1)
            result.append(top + np.log(mean) / scale + np.log(each.shape[1]))
        return result

    def month(self, values: list[Floats]) -> list[Floats]:
        """One application of the equations' right-hand side."""
        chances, worth = self.chances(values), self.worth(values)
        result = [np.zeros_like(each) for each in values]
        for a, profile in enumerate(self.profiles):
            for i, each in enumerate(result):
                others = np.ones(len(each))
                for j, action in enumerate(profile):
                    if j != i:
                        others = others * chances[j][:, action]
                future = self.discount[i] * self.kernel[:, a] @ worth[i]
                each[:, profile[i]] += others * (self.payoffs[i, :, a] + future)
        return result

    def iterate(self, damping: float = 0.5, months: int = 20_000) -> list[Floats]:
        values = [np.zeros((len(self.payoffs[0]), count)) for count in self.counts]
        for _ in range(months):
            new = self.month(values)
            change = max(np.abs(one - two).max() for one, two in zip(new, values, strict=True))
            values = [(1 - damping) * one + damping * two for one, two in zip(values, new, strict=True)]
            if change < 1e-13:
                return values
        raise AssertionError("the brute force did not settle")

    def error(self, flat: Floats) -> Floats:
        values = self.split(flat)
        return np.concatenate(
            [one - two for one, two in zip(values, self.month(values), strict=True)], axis=1
        ).ravel()

    def split(self, flat: Floats) -> list[Floats]:
        wide = flat.reshape(len(self.payoffs[0]), -1)
        return np.split(wide, np.cumsum(self.counts)[:-1], axis=1)


def certified(found: Equilibrium) -> None:
    """An answer is an equilibrium by its own word and by the brute force's."""
    size = 1.0 + np.abs(found.values).max()
    assert found.certificate.residual < 1e-8 * size
    assert 0.0 <= found.certificate.gain < 1e-8 * size
    assert np.abs(Brute(found.game).error(found.values.ravel())).max() < 1e-8 * size


# --- known answers


@given(seeds, st.floats(0.0, 0.98), st.floats(0.2, 4.0))
@settings(max_examples=25)
def test_one_player_is_a_dynamic_logit(seed: int, discount: float, precision: float) -> None:
    game = random_game(seed, (3,), 6, discount, precision)
    payoffs, kernel = np.asarray(game.payoffs[0]), np.asarray(dense(game.kernel))
    worth = np.zeros(6)
    for _ in range(5000):
        values = payoffs + discount * kernel @ worth
        new = np.log(np.exp(precision * values).mean(axis=1)) / precision + np.log(3)
        if np.abs(new - worth).max() < 1e-13:
            break
        worth = new
    odds = np.exp(precision * values)
    found = solve(game)
    np.testing.assert_allclose(found.probabilities[0], odds / odds.sum(axis=1, keepdims=True), atol=1e-9)
    np.testing.assert_allclose(found.values[:, : values.shape[1]], values, atol=1e-8)


@pytest.mark.parametrize(("counts", "states"), SHAPES)
def test_precision_zero_plays_all_actions_alike(counts: tuple[int, ...], states: int) -> None:
    found = solve(random_game(1, counts, states, precision=0.0))
    for count, each in zip(counts, found.probabilities, strict=True):
        np.testing.assert_allclose(each, 1.0 / count, atol=1e-14)
    assert found.certificate.gain < 1e-10


@pytest.mark.parametrize("precision", [1e-7, 1e-5, 1e-3])
def test_a_precision_near_zero_is_near_uniform(precision: float) -> None:
    found = solve(random_game(1, (3, 2), 8, precision=precision))
    for count, each in zip((3, 2), found.probabilities, strict=True):
        np.testing.assert_allclose(each, 1.0 / count, atol=20 * precision)


@given(seeds, st.floats(0.0, 0.95))
@settings(max_examples=20)
def test_symmetric_games_have_symmetric_equilibria(seed: int, discount: float) -> None:
    generator = np.random.default_rng(seed)
    mine = generator.normal(size=(5, 2, 2))
    kernel = generator.dirichlet(np.ones(5), size=(5, 2, 2))
    kernel = (kernel + np.swapaxes(kernel, 1, 2)) / 2
    payoffs = np.stack([mine.reshape(5, 4), np.swapaxes(mine, 1, 2).reshape(5, 4)])
    # at a low precision there is one equilibrium only, and so it is symmetric
    game = game_from_arrays(actors((2, 2)), line(5), payoffs, kernel.reshape(5, 4, 5), discount, 0.3)
    found = solve(game)
    np.testing.assert_allclose(found.probabilities[0], found.probabilities[1], atol=1e-9)


@given(seeds)
@settings(max_examples=10)
def test_a_repeated_static_game_is_the_static_game(seed: int) -> None:
    # where acts don't move the state and payoffs don't depend on it, the future is the same for all actions
    generator = np.random.default_rng(seed)
    payoffs = np.repeat(generator.normal(size=(2, 1, 4)), 5, axis=1)
    kernel = np.repeat(generator.dirichlet(np.ones(5), size=(5, 1)), 4, axis=1)
    short, far = (
        solve(game_from_arrays(actors((2, 2)), line(5), payoffs, kernel, discount, 0.5))
        for discount in (0.0, 0.95)
    )
    for one, two in zip(short.probabilities, far.probabilities, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-9)
        assert np.ptp(two, axis=0).max() < 1e-9


# --- brute force


@pytest.mark.parametrize(("counts", "states"), SHAPES)
@given(seed=seeds, discount=st.floats(0.0, 0.95), precision=st.floats(0.05, 0.5))
@settings(max_examples=12)
def test_random_games_against_a_long_damped_iteration(
    counts: tuple[int, ...], states: int, seed: int, discount: float, precision: float
) -> None:
    game = random_game(seed, counts, states, discount, precision)
    brute = Brute(game)
    slow = brute.iterate()
    found = solve(game)
    certified(found)
    for one, two in zip(found.probabilities, brute.chances(slow), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-9)
    np.testing.assert_allclose(found.values, np.concatenate(slow, axis=1), atol=1e-8)


@given(seed=seeds, shape=st.sampled_from(SHAPES), precision=st.floats(1.0, 6.0))
@settings(max_examples=20)
def test_at_higher_precision_scipy_ends_at_the_same_point(
    seed: int, shape: tuple[tuple[int, ...], int], precision: float
) -> None:
    game = random_game(seed, *shape, 0.9, precision)
    found = solve(game)
    certified(found)
    near = found.values.ravel() + 1e-4 * np.random.default_rng(seed).normal(size=found.values.size)
    other = root(Brute(game).error, near, method="hybr", options={"xtol": 1e-12})
    np.testing.assert_allclose(other.x, found.values.ravel(), atol=1e-5)


# --- laws


@given(seeds, st.floats(0.2, 3.0))
@settings(max_examples=15)
def test_a_precision_is_a_scale_of_payoffs(seed: int, precision: float) -> None:
    game = random_game(seed, (3, 2), 8, 0.9, precision)
    other = game_from_arrays(game.players, game.grid, precision * game.payoffs, game.kernel, 0.9, 1.0)
    found = solve(game)
    # at a high precision a game may have several equilibria; this one's, scaled, is the other's as well
    again = solve(other, start=precision * found.values)
    assert again.certificate.steps <= 2
    for one, two in zip(found.probabilities, again.probabilities, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-7)


@given(seeds, st.floats(-50.0, 50.0))
@settings(max_examples=15)
def test_a_constant_in_payoffs_changes_no_play(seed: int, constant: float) -> None:
    game = random_game(seed, (3, 2), 8, 0.9, 0.5)
    other = game_from_arrays(game.players, game.grid, game.payoffs + constant, game.kernel, 0.9, 0.5)
    for one, two in zip(solve(game).probabilities, solve(other).probabilities, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-8)


@given(seeds)
@settings(max_examples=10)
def test_the_order_of_players_does_not_matter(seed: int) -> None:
    game = random_game(seed, (3, 2), 8, 0.9, 0.4)

    def turned(array: NDArray[np.float64], axis: int) -> Floats:
        shape = array.shape
        wide = array.reshape(*shape[:axis], 3, 2, *shape[axis + 1 :])
        return np.swapaxes(wide, axis, axis + 1).reshape(shape)

    payoffs = turned(np.asarray(game.payoffs)[::-1], 2)
    kernel = turned(np.asarray(dense(game.kernel)), 1)
    other = solve(game_from_arrays(game.players[::-1], game.grid, payoffs, kernel, 0.9, 0.4))
    for one, two in zip(solve(game).probabilities, other.probabilities[::-1], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-8)


@given(seeds, st.floats(0.01, 2.0), st.floats(0.0, 0.95))
@settings(max_examples=15)
def test_a_dearer_action_is_used_less(seed: int, dearer: float, discount: float) -> None:
    """The worth of a state is convex in a cost, so discounted use from any state falls as the cost rises."""
    game = random_game(seed, (2,), 6, discount, 1.0)
    cost = game.payoffs - dearer * jnp.asarray([0.0, 1.0])
    other = game_from_arrays(game.players, game.grid, cost, game.kernel, discount)

    def discounted_use(found: Equilibrium) -> Floats:
        act = found.probabilities[0][:, 1]
        moves = np.einsum("sa,sat->st", found.profile_probabilities, np.asarray(dense(game.kernel)))
        return np.linalg.solve(np.eye(6) - discount * moves, act)

    cheap, dear = solve(game), solve(other)
    assert (discounted_use(dear) < discounted_use(cheap) + 1e-9).all()
    if discount == 0.0:
        assert (dear.probabilities[0][:, 1] < cheap.probabilities[0][:, 1]).all()


@given(seeds)
@settings(max_examples=10)
def test_the_long_run_is_where_many_months_lead(seed: int) -> None:
    found = solve(random_game(seed, (3, 2), 8))
    mass = np.full(8, 1.0 / 8) @ np.linalg.matrix_power(found.transition(), 2000)
    np.testing.assert_allclose(found.long_run, mass, atol=1e-9)
    assert found.long_run.sum() == pytest.approx(1.0)


# --- certificate


@given(seeds)
@settings(max_examples=10)
def test_the_gain_is_what_a_deviation_brings(seed: int) -> None:
    """Against any play: the best answer of one month by brute force, over the worth of the play by iteration."""
    game = random_game(seed, (3, 2), 8, 0.8, 1.5)
    brute = Brute(game)
    generator = np.random.default_rng(seed)
    chances = [generator.dirichlet(np.ones(count), size=8) for count in game.counts]
    gains = np.asarray(gains_of(game.arrays, tuple(jnp.log(each) for each in chances)))
    for i, mine in enumerate(chances):
        worth = np.zeros(8)
        for _ in range(400):
            values = np.zeros_like(mine)
            for a, profile in enumerate(brute.profiles):
                others = chances[1 - i][:, profile[1 - i]]
                future = 0.8 * brute.kernel[:, a] @ worth
                values[:, profile[i]] += others * (brute.payoffs[i, :, a] + future)
            surplus = -(mine * np.log(mine * mine.shape[1])).sum(axis=1) / 1.5 + np.log(mine.shape[1])
            worth = (mine * values).sum(axis=1) + surplus
        best = np.log(np.exp(1.5 * values).mean(axis=1)) / 1.5 + np.log(mine.shape[1])
        np.testing.assert_allclose(gains[i], best - worth, atol=1e-9)
        assert (gains[i] > 0).all()


def test_play_that_is_no_equilibrium_is_found_out() -> None:
    found = solve(random_game(3, (3, 2), 8))
    moved = found.values + 0.2 * np.random.default_rng(0).normal(size=found.values.shape)
    certificate = solving.certify(found.game, jnp.asarray(moved), 0, "moved").certificate
    assert certificate.residual > 0.01
    assert certificate.gain > 1e-4


# --- derivatives


def test_derivatives_through_the_equilibrium_against_differences() -> None:
    game = random_game(5, (3, 2), 8, 0.9, 1.2)
    arrays, start = game.arrays, jnp.asarray(solve(game).values)
    generator = np.random.default_rng(0)
    push = jnp.asarray(generator.normal(size=game.payoffs.shape))
    drift = jnp.asarray(generator.dirichlet(np.ones(8), size=(8, 6)))
    weights = arrays.kernel.weights
    wide = jnp.zeros_like(weights)
    rows, columns = np.arange(8)[:, None], np.arange(8)[None, :]
    wide = wide.at[rows, :, columns - rows + arrays.kernel.lower].set(jnp.swapaxes(drift, 1, 2))

    def moved(theta: jax.Array) -> jax.Array:
        changed = replace(
            arrays,
            payoffs=arrays.payoffs + theta[0] * push,
            kernel=Banded((1 - theta[1]) * weights + theta[1] * wide, arrays.kernel.lower),
            discount=arrays.discount + theta[2] * jnp.asarray([1.0, -2.0]),
            precision=arrays.precision + theta[3] * jnp.asarray([1.0, 0.5]),
        )
        return equilibrium_values(changed, start)

    slopes = np.asarray(jax.jit(jax.jacfwd(moved))(jnp.zeros(4)))
    width, run = 1e-5, jax.jit(moved)
    for k in range(4):
        step = width * jnp.eye(4)[k]
        difference = (run(step) - run(-step)) / (2 * width)
        np.testing.assert_allclose(slopes[..., k], difference, rtol=1e-5, atol=1e-5)


# --- the linear system, three ways


@pytest.mark.slow
def test_banded_dense_and_iterative_solutions_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    states, counts = 30, (2, 2)
    weights = generator.dirichlet(np.ones(5), size=(states, 4))
    target = np.arange(states)[:, None, None] + np.arange(5)[None, None, :] - 2
    inside = (target >= 0) & (target < states)
    weights = np.where(inside, weights, 0.0)
    weights = weights / weights.sum(axis=2, keepdims=True)
    banded = Banded(jnp.asarray(weights), 2)
    spread = Scattered(
        jnp.asarray(np.broadcast_to(np.clip(target, 0, states - 1), weights.shape)), jnp.asarray(weights)
    )
    payoffs = generator.normal(size=(2, states, 4))
    known = solve(game_from_arrays(actors(counts), line(states), payoffs, banded, 0.97, 0.5))
    near = jnp.asarray(known.values) + 0.01
    steps = {}
    for kind, kernel, largest in (
        ("blocks", banded, 2600),
        ("dense", spread, 2600),
        ("iterated", spread, 0),
    ):
        monkeypatch.setattr(newton_steps, "DENSE", largest)
        game = game_from_arrays(actors(counts), line(states), payoffs, kernel, 0.97, 0.5)

        def step(arrays: Arrays, right: jax.Array) -> jax.Array:
            return newton_steps.factorised(arrays.kernel, slope(arrays, near).mixed)(right)

        steps[kind] = np.asarray(jax.jit(step)(game.arrays, jnp.asarray(payoffs[:, :, 0])))
    for kind in ("dense", "iterated"):
        np.testing.assert_allclose(steps[kind], steps["blocks"], rtol=1e-9, atol=1e-9)
        assert not np.array_equal(steps[kind], steps["blocks"])
    np.testing.assert_allclose(jax.jit(newton)(game.arrays, near).values, known.values, atol=1e-9)


# --- fallbacks, failure, several equilibria


def static_game(payoffs: Sequence[Sequence[float]], precision: float) -> Game:
    wide = np.asarray(payoffs, dtype=float)[:, None, :]
    return game_from_arrays(actors((2, 2)), line(1), wide, np.ones((1, 4, 1)), 0.0, precision)


@pytest.mark.parametrize("kind", ["pennies", "coordination"])
def test_hard_games_are_solved_by_other_ways_or_refused(kind: str) -> None:
    base = {"pennies": [[1, -1, -1, 1], [-1, 1, 1, -1]], "coordination": [[1, 0, 0, 1], [1, 0, 0, 1]]}[kind]
    methods, refused = set(), 0
    for seed, precision in itertools.product(range(8), (100.0, 1000.0)):
        generator = np.random.default_rng(seed)
        payoffs = np.asarray(base, dtype=float)[:, None, :] + generator.normal(size=(2, 5, 4))
        kernel = generator.dirichlet(np.full(5, 0.3), size=(5, 4))
        game = game_from_arrays(actors((2, 2)), line(5), payoffs, kernel, 0.95, precision)
        try:
            found = solve(game)
        except NoEquilibrium as refusal:
            assert "none was found" in str(refusal)
            refused += 1
            continue
        certified(found)
        methods.add(found.certificate.method.split()[0])
    assert methods >= {"Newton", "damped"}
    assert refused <= 2


def test_damped_newton_leads_there_too() -> None:
    game = random_game(4, (3, 2), 8, 0.9, 1.0)
    found = solving._careful(game.arrays, jnp.zeros((8, 5)))
    np.testing.assert_allclose(found.values, solve(game).values, atol=1e-9)


@pytest.mark.parametrize("at", ["precision", "discount"])
def test_both_homotopies_lead_to_the_equilibrium(at: object) -> None:
    game = random_game(4, (3, 2), 8, 0.9, 3.0)
    found = solving._walk(game.arrays, jnp.zeros((8, 5)), at)
    assert solving.holds(found.values, float(found.error))
    assert np.abs(np.asarray(residual(game.arrays, found.values))).max() < 1e-10


def test_where_no_way_leads_the_refusal_is_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "HOLDS", -1.0)
    with pytest.raises(
        NoEquilibrium, match=r"none was found; .* residual of .* Look at the payoffs"
    ) as refusal:
        solve(random_game(4, (3, 2), 8))
    assert isinstance(refusal.value, InputError)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("precision", [3.0, 6.0])
def test_the_search_finds_all_three_equilibria_of_a_coordination_game(precision: float) -> None:
    found = search(static_game([[1, 0, 0, 1], [1, 0, 0, 1]], precision), 30, 1)

    def off(p: float) -> float:
        return p - 1.0 / (1.0 + np.exp(-precision * (2 * p - 1)))

    wanted = [brentq(off, 1e-9, 0.4), 0.5, brentq(off, 0.6, 1 - 1e-9)]
    assert len(found.equilibria) == 3
    assert sum(found.counts) == found.starts - found.failed
    ours = sorted(float(each.probabilities[0][0, 0]) for each in found.equilibria)
    np.testing.assert_allclose(ours, wanted, atol=1e-8)
    for each in found.equilibria:
        certified(each)
        np.testing.assert_allclose(each.probabilities[0], each.probabilities[1], atol=1e-8)


def test_the_search_finds_one_where_there_is_one_and_tells_it_in_words() -> None:
    found = search(static_game([[1, 0, 0, 1], [1, 0, 0, 1]], 1.0), 12, 1)
    assert len(found.equilibria) == 1
    assert "1 equilibrium" in found.sentence()


# --- batches and starts


def test_a_batch_gives_what_games_give_one_by_one() -> None:
    games = [random_game(seed, (3, 2), 8, 0.9, 0.5 + 0.1 * seed) for seed in range(7)]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *games)
    found = solve_many(batch)
    assert found.solved.all()
    for i, game in enumerate(games):
        np.testing.assert_allclose(found.values[i], solve(game).values, atol=1e-9)
    warm = solve_many(batch, start=found.values[0])
    np.testing.assert_allclose(warm.values, found.values, atol=1e-9)


@pytest.mark.slow
def test_values_and_their_slopes_batch_over_parameters() -> None:
    arrays = random_game(5, (2, 2), 5).arrays
    blank = jnp.zeros((5, 4))

    def values(size: jax.Array) -> jax.Array:
        return equilibrium_values(replace(arrays, payoffs=size * arrays.payoffs), blank)

    sizes = jnp.array([0.5, 1.0, 1.5])
    slopes = jax.jacfwd(values)
    one_by_one = jnp.stack([*map(jax.jit(slopes), sizes)])
    assert np.allclose(jax.jit(jax.vmap(slopes))(sizes), one_by_one, atol=1e-9)
    assert np.allclose(
        jax.jit(jax.vmap(values))(sizes)[1], solve(random_game(5, (2, 2), 5)).values, atol=1e-9
    )


def test_a_game_without_an_equilibrium_does_not_spoil_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    games = [random_game(seed, (3, 2), 8) for seed in range(3)]
    broken = replace(games[1], payoffs=jnp.full_like(games[1].payoffs, 1e306))
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), games[0], broken, games[2])
    found = solve_many(batch)
    assert found.solved.tolist() == [True, False, True]
    assert not np.isfinite(found.residuals[1]) or found.residuals[1] > 1.0


def test_a_start_at_the_answer_takes_no_step() -> None:
    game = random_game(2, (3, 2), 8)
    found = solve(game)
    again = solve(game, start=found.values)
    assert again.certificate.method == "Newton from the start given"
    assert again.certificate.steps <= 1
    with pytest.raises(InputError, match=r"start: has shape \(3,\)"):
        solve(game, start=np.zeros(3))


def test_what_an_equilibrium_tells_fits_together() -> None:
    game = random_game(2, (3, 2), 8)
    found = solve(game)
    np.testing.assert_allclose(found.profile_probabilities.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.of("player 0"), found.probabilities[0])
    with pytest.raises(InputError, match="Did you mean 'player"):
        found.of("player O")


@given(seeds)
@settings(max_examples=10)
def test_a_rival_who_stays_without_a_choice_is_as_good_as_gone(seed: int) -> None:
    game = random_game(seed, (3, 2), 8)
    gone, kept = (
        solve(restrict(game, "player 1", 1.0, keep=keep)).probabilities[0] for keep in (False, True)
    )
    np.testing.assert_allclose(gone, kept, atol=1e-9)
