"""Equilibria over draws, payoff weights from past moves, and scenarios in which the players choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rivalry
from outbid.errors import InputError
from outbid.game.equilibrium import solve
from outbid.players.payoffs import Learner, Moves
from outbid.players.schema import PlayersGame, Variant, read_game
from outbid.players.solver import Draw, Solver, nested
from outbid.players.strategist import Moments, Playout, Strategist, in_variant, moves_of, pinned
from outbid.simulate.engine import StateToday
from outbid.simulate.scenario import Change, Scenario

MODEL = rivalry.model()
WEIGHTS = np.array([1.0, 0.6, 0.0, 1.0, 0.5])
DRAWS = 4


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> PlayersGame:
    settings = read_game(rivalry.folder(tmp_path_factory.mktemp("rivalry")), MODEL)
    assert settings is not None
    return settings


@pytest.fixture(scope="module")
def strategist(game: PlayersGame) -> Strategist:
    return Strategist(MODEL, game)


@pytest.fixture(scope="module")
def draws(strategist: Strategist) -> Draw:
    standing = rivalry.standing_of(DRAWS)
    held = Moments(MODEL, strategist.game).held(standing, 1)
    return strategist.solver.draws(standing, held, np.tile(WEIGHTS, (DRAWS, 1)))


@pytest.mark.slow
def test_a_batch_of_draws_is_solved_as_each_alone(strategist: Strategist, draws: Draw) -> None:
    equilibria = strategist.solver.solve(draws)
    assert equilibria.solved.all()
    alone = solve(strategist.solver.build(jax.tree.map(lambda leaf: leaf[0], draws)))
    assert np.allclose(equilibria.probabilities["incumbent"][0], alone.of("incumbent"), atol=1e-8)
    assert equilibria.ahead.shape == (DRAWS, strategist.game.months, 2)


@pytest.mark.slow
def test_a_resting_player_leaves_the_other_alone(strategist: Strategist, draws: Draw) -> None:
    equilibria = strategist.solver.solve(draws, {"challenger": 0.0})
    assert equilibria.players == ("incumbent",)
    # nobody presses the standing down, so it is higher than with the rival
    with_rival = strategist.solver.solve(draws)
    assert (equilibria.states[:, -1, 0] > with_rival.states[:, -1, 0]).all()


def test_conditional_means_follow_the_model(game: PlayersGame) -> None:
    held = Moments(MODEL, game).held(rivalry.standing_of(DRAWS), 1)
    assert held.mean["challengers"].shape == (DRAWS,)
    assert np.exp(np.asarray(held.mean["challengers"])).min() > 2000.0  # they grew
    assert np.isfinite(np.asarray(held.slope["challengers"])).all()


def test_another_variant_has_its_numbers_put_in(game: PlayersGame) -> None:
    variant = Variant(
        id="x",
        label="X",
        description="x",
        parameters={"pull": 0.0},
        states={"challengers": 9.0},
        levers={"effort": 1.0},
    )
    standing = rivalry.standing_of(DRAWS)
    there = in_variant(MODEL, standing, variant)
    assert (there.parameters[:, MODEL.parameter_names.index("pull")] == 0.0).all()
    assert (there.levers[:, 1] == 1.0).all()
    assert (standing.levers[:, 1] == 0.0).all()
    held = pinned(MODEL, Moments(MODEL, game).held(standing, 1), variant)
    assert np.allclose(held.mean["challengers"], np.log(10.0))
    assert np.allclose(held.slope["challengers"], 0.0)


@pytest.mark.slow
def test_payoff_weights_are_recovered_from_moves(strategist: Strategist, draws: Draw) -> None:
    """Moves drawn from an equilibrium tell the weights that made it, as far as one path can."""
    months, generator = 600, np.random.default_rng(5)
    solver = strategist.solver
    equilibria = solver.solve(draws)
    axes = generator.uniform(-2.5, 2.5, (DRAWS, months, 1))
    where = np.asarray(solver.placed(jnp.asarray(axes.reshape(-1, 1)))).reshape(DRAWS, months, -1)
    actions = {}
    for name in equilibria.players:
        ladder = np.cumsum(np.einsum("dms,dsa->dma", where, equilibria.probabilities[name]), axis=2)
        actions[name] = (generator.random((DRAWS, months, 1)) > ladder).sum(axis=2)
    payoffs = Learner(solver).learn(Moves(axes, actions), draws, "neutral", 0)
    assert payoffs.fit > payoffs.by_chance
    low, _, high = payoffs.quantiles((0.01, 0.5, 0.99))
    names = strategist.game.weight_names
    for name in ("incumbent.standing", "incumbent.aid", "challenger.standing", "challenger.effort"):
        place = names.index(name)
        assert low[place] < WEIGHTS[place] < high[place], name
        assert payoffs.contraction[place] > 0.3, name
    # hardly anybody defects, so what a loss is worth stays open: the moves say nothing, and that is told
    assert payoffs.contraction[names.index("incumbent.loss")] < 0.3
    assert payoffs.one_each(3).shape == (DRAWS, len(names))


def test_moves_are_read_off_levers_and_indices(game: PlayersGame) -> None:
    levers = np.zeros((1, 4, 2))
    levers[0, :, 0] = [0.5, 0.1, 0.4, 0.9]
    paths = {"standing": np.array([[0.0, 1.0, 2.0, 5.0]])}
    moves = moves_of(game, paths, levers)
    assert moves.actions["incumbent"].tolist() == [[0, 1, 2]]
    assert moves.axes[0, :, 0].tolist() == [1.0, 2.0, 5.0]
    from_index = replace(game, observed={"challenger": "index:standing"})
    # the middle of the path is 1.5: 1, 2 and 5 are half below, half above and far above it
    assert moves_of(from_index, paths, levers).actions["challenger"].tolist() == [[0, 0, 1]]


@pytest.mark.slow
def test_the_whole_answer_is_the_same_for_the_same_seed(strategist: Strategist) -> None:
    standing = rivalry.standing_of(DRAWS)
    levers = np.tile(np.array([[0.5, 0.0], [1.0, 1.0], [0.5, 0.0]]), (DRAWS, 1, 1))
    past: Any = SimpleNamespace(state_today=standing, levers=levers, paths={"standing": np.zeros((DRAWS, 3))})

    def effect() -> np.ndarray:
        weights = strategist.learn(past, np.arange(DRAWS), "neutral", 7).one_each(7)
        equilibria = {
            each.id: strategist.solve(each, standing, weights, 7) for each in strategist.game.variants
        }
        assert set(equilibria) == {"as_now", "no_rival"}
        return strategist.difference(strategist.game.tests[0], equilibria, standing)

    first = effect()
    assert np.isfinite(first).all()
    assert np.array_equal(first, effect())


@pytest.mark.slow
def test_players_choose_while_outsiders_do_as_the_scenario_says(strategist: Strategist) -> None:
    quiet = Scenario(id="baseline", label="As now", description="x", baseline=True)
    forced = Scenario(
        id="forced",
        label="Forced",
        description="x",
        changes=(Change(lever="hardness", shape="step", to=1.0),),
    )
    playout = Playout(strategist, 12)
    standing = rivalry.standing_of(50)
    weights = np.tile(WEIGHTS, (50, 1))
    futures, left_out = playout.futures(standing, [quiet, forced], weights, 3)
    assert left_out == ("forced",)
    assert futures.paths["baseline"].shape == (50, 12, 1)
    again, _ = playout.futures(standing, [quiet], weights, 3)
    assert np.array_equal(futures.paths["baseline"], again.paths["baseline"])
    # an incumbent that wants nothing but hardness keeps standing up, and loses fewer
    loving = np.tile([0.0, -50.0, 0.0, 1.0, 0.5], (50, 1))
    hating = np.tile([0.0, 50.0, 0.0, 1.0, 0.5], (50, 1))
    hard, soft = (
        playout.futures(standing, [quiet], each, 3)[0].paths["baseline"] for each in (loving, hating)
    )
    assert (hard[:, -1, 0] < soft[:, -1, 0]).all()


def test_weights_are_sorted_by_actor() -> None:
    assert nested(["a.x", "b.y", "a.z"], [1.0, 2.0, 3.0]) == {"a": {"x": 1.0, "z": 3.0}, "b": {"y": 2.0}}


def test_a_study_without_a_game_is_not_played(tmp_path: Path) -> None:
    assert read_game(tmp_path, MODEL) is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("discount = 0.9", "discount = 1.0", "play.toml, discount: is 1"),
        ('players = ["incumbent", ', 'players = ["incumbnt", ', "Did you mean 'incumbent'"),
        ("months = 24", "months = 0", "play.toml, months"),
        ('incumbent = "lever:hardness"', 'incumbent = "lever:hardnes"', "Did you mean 'lever:hardness'"),
        (
            "resting = { challenger = 0.0 }",
            "resting = { challenger = 0.0, incumbent = 0.5 }",
            "nobody to decide",
        ),
        ("resting = { challenger = 0.0 }", "levers = { effort = 7.0 }", "outside the lever's range"),
        ("resting = { challenger = 0.0 }", "states = { standng = 7.0 }", "Did you mean 'standing'"),
        ("baseline = true", "baseline = false", "exactly one baseline"),
        ('against = "no_rival"', 'against = "no_rivals"', "Did you mean 'no_rival'"),
        ("sign = 1", "sign = 0", "neither 1 nor -1"),
        ("smallest = 0.01", "smallest = -0.01", "below zero"),
        ('measure = "hardness"', 'measure = "hardnes"', "Did you mean 'hardness'"),
        ("[observed]", "[observd]", "unknown key"),
    ],
)
def test_a_wrong_play_file_gets_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in rivalry.PLAY
    with pytest.raises(InputError, match=told):
        read_game(rivalry.folder(tmp_path, rivalry.PLAY.replace(old, new)), MODEL)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["incumbent.aid"]', '["incumbent.aids"]', "Did you mean 'incumbent.aid'"),
        ('meaning = "effort"', "", "meaning"),
    ],
)
def test_wrong_payoffs_get_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_game(rivalry.folder(tmp_path, payoffs=rivalry.PAYOFFS.replace(old, new)), MODEL)


def test_an_unsolved_draw_is_told_apart(strategist: Strategist, draws: Draw) -> None:
    broken = draws._replace(weights=jnp.asarray(draws.weights).at[1].set(jnp.nan))
    assert strategist.solver.solve(broken).solved.tolist() == [True, False, True, True]


def test_standing_keeps_to_the_places_asked_for() -> None:
    some = rivalry.standing_of(5).taken(np.array([0, 3]))
    assert isinstance(some, StateToday)
    assert len(some) == 2


def test_the_solver_knows_where_the_draws_stand(game: PlayersGame) -> None:
    assert Solver(MODEL, game).axes(rivalry.standing_of(2, 0.7)).tolist() == [[0.7], [0.7]]
