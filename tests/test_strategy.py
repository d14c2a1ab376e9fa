"""Equilibria over draws, payoff weights from past moves, and scenarios in which the players choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rivalry
from outbid.ask.strategic.equilibria import Draw, Solver, nested
from outbid.ask.strategic.file import read_play
from outbid.ask.strategic.moments import Moments, in_world, pinned
from outbid.ask.strategic.payoffs import Learner, Moves
from outbid.ask.strategic.playout import Playout
from outbid.ask.strategic.settings import PlaySettings, World
from outbid.ask.strategic.strategy import Finding, Strategist, seen_moves
from outbid.brief.play import played
from outbid.errors import InputError
from outbid.game.solve import solve
from outbid.simulate.engine import Standing
from outbid.simulate.scenario import Change, Scenario
from outbid.stats.verdict import Chances

MODEL = rivalry.model()
WEIGHTS = np.array([1.0, 0.6, 0.0, 1.0, 0.5])
DRAWS = 4


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> PlaySettings:
    settings = read_play(rivalry.folder(tmp_path_factory.mktemp("rivalry")), MODEL)
    assert settings is not None
    return settings


@pytest.fixture(scope="module")
def strategist(play: PlaySettings) -> Strategist:
    return Strategist(MODEL, play)


@pytest.fixture(scope="module")
def draws(strategist: Strategist) -> Draw:
    standing = rivalry.standing_of(DRAWS)
    held = Moments(MODEL, strategist.play).held(standing, 1)
    return strategist.solver.draws(standing, held, np.tile(WEIGHTS, (DRAWS, 1)))


def test_a_batch_of_draws_is_solved_as_each_alone(strategist: Strategist, draws: Draw) -> None:
    found = strategist.solver.solve(draws)
    assert found.solved.all()
    alone = solve(strategist.solver.game(jax.tree.map(lambda leaf: leaf[0], draws)))
    assert np.allclose(found.probabilities["incumbent"][0], alone.of("incumbent"), atol=1e-8)
    assert found.ahead.shape == (DRAWS, strategist.play.months, 2)


def test_a_resting_player_leaves_the_other_alone(strategist: Strategist, draws: Draw) -> None:
    found = strategist.solver.solve(draws, {"challenger": 0.0})
    assert found.players == ("incumbent",)
    # nobody presses the standing down, so it is higher than with the rival
    with_rival = strategist.solver.solve(draws)
    assert (found.states[:, -1, 0] > with_rival.states[:, -1, 0]).all()


def test_conditional_means_follow_the_model(play: PlaySettings) -> None:
    held = Moments(MODEL, play).held(rivalry.standing_of(DRAWS), 1)
    assert held.mean["challengers"].shape == (DRAWS,)
    assert np.exp(np.asarray(held.mean["challengers"])).min() > 2000.0  # they grew
    assert np.isfinite(np.asarray(held.slope["challengers"])).all()


def test_another_world_has_its_numbers_put_in(play: PlaySettings) -> None:
    world = World(
        "x", "X", "x", parameters={"pull": 0.0}, states={"challengers": 9.0}, levers={"effort": 1.0}
    )
    standing = rivalry.standing_of(DRAWS)
    there = in_world(MODEL, standing, world)
    assert (there.parameters[:, MODEL.parameter_names.index("pull")] == 0.0).all()
    assert (there.levers[:, 1] == 1.0).all()
    assert (standing.levers[:, 1] == 0.0).all()
    held = pinned(MODEL, Moments(MODEL, play).held(standing, 1), world)
    assert np.allclose(held.mean["challengers"], np.log(10.0))
    assert np.allclose(held.slope["challengers"], 0.0)


def test_payoff_weights_are_recovered_from_moves(strategist: Strategist, draws: Draw) -> None:
    """Moves drawn from an equilibrium tell the weights that made it, as far as one path can."""
    months, generator = 600, np.random.default_rng(5)
    solver = strategist.solver
    found = solver.solve(draws)
    axes = generator.uniform(-2.5, 2.5, (DRAWS, months, 1))
    where = np.asarray(solver.placed(jnp.asarray(axes.reshape(-1, 1)))).reshape(DRAWS, months, -1)
    actions = {}
    for name in found.players:
        ladder = np.cumsum(np.einsum("dms,dsa->dma", where, found.probabilities[name]), axis=2)
        actions[name] = (generator.random((DRAWS, months, 1)) > ladder).sum(axis=2)
    told = Learner(solver).learn(Moves(axes, actions), draws, "neutral", 0)
    assert told.settled.all()
    assert told.fit > told.by_chance
    low, _, high = told.quantiles((0.01, 0.5, 0.99))
    names = [weight.name for weight in told.parameters]
    for name in ("incumbent.standing", "incumbent.aid", "challenger.standing", "challenger.effort"):
        place = names.index(name)
        assert low[place] < WEIGHTS[place] < high[place], name
        assert told.contraction[place] > 0.3, name
    # hardly anybody defects, so what a loss is worth stays open: the moves say nothing, and that is told
    assert told.contraction[names.index("incumbent.loss")] < 0.3
    assert told.one_each(3).shape == (DRAWS, len(names))


def test_moves_are_read_off_levers_and_indices(play: PlaySettings) -> None:
    levers = np.zeros((1, 4, 2))
    levers[0, :, 0] = [0.5, 0.1, 0.4, 0.9]
    paths = {"standing": np.array([[0.0, 1.0, 2.0, 5.0]])}
    moves = seen_moves(MODEL, play, paths, levers)
    assert moves.actions["incumbent"].tolist() == [[0, 1, 2]]
    assert moves.axes[0, :, 0].tolist() == [1.0, 2.0, 5.0]
    from_index = replace(play, observed={"challenger": ("index", "standing")})
    # the middle of the path is 1.5: 1, 2 and 5 are half below, half above and far above it
    assert seen_moves(MODEL, from_index, paths, levers).actions["challenger"].tolist() == [[0, 0, 1]]


def test_the_whole_answer_is_the_same_for_the_same_seed(strategist: Strategist) -> None:
    standing = rivalry.standing_of(DRAWS)
    levers = np.tile(np.array([[0.5, 0.0], [1.0, 1.0], [0.5, 0.0]]), (DRAWS, 1, 1))
    moves = seen_moves(MODEL, strategist.play, {"standing": np.zeros((DRAWS, 3))}, levers)
    one, two = (strategist.think(moves, standing, standing, "neutral", 7) for _ in range(2))
    (finding,) = one.findings
    assert np.array_equal(finding.effect, two.findings[0].effect)
    assert one.after.solved.all()
    assert 0.0 <= finding.after.p_relevant <= finding.after.p_direction <= 1.0

    told = played({"neutral": one}, tuple(f"2026-{month:02d}" for month in range(1, 13)) * 2)
    assert {(row.world, row.player, row.decides) for row in told.rows} == {
        ("as_now", "incumbent", True),
        ("as_now", "challenger", True),
        ("no_rival", "incumbent", True),
        ("no_rival", "challenger", False),
    }
    assert [(test.id, test.verdict) for test in told.tests] == [("rival", finding.verdict)]
    assert len(told.payoffs) == 5
    assert told.summaries[0].solved == 1.0
    assert played({}, ()).worlds == ()


def test_a_test_is_called_only_where_the_data_moved_it(play: PlaySettings) -> None:
    def verdict(after: float, before: float) -> str:
        told, assumed = Chances(after, after, 100), Chances(before, before, 100)
        return Finding(play.tests[0], np.zeros(1), told, assumed, "neutral").verdict

    assert verdict(0.97, 0.5) == "supported"
    assert verdict(0.97, 0.97) == "not identified"
    assert verdict(0.02, 0.5) == "contradicted"
    assert verdict(0.6, 0.5) == "not identified"


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
    assert read_play(tmp_path, MODEL) is None


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
        read_play(rivalry.folder(tmp_path, rivalry.PLAY.replace(old, new)), MODEL)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["incumbent.aid"]', '["incumbent.aids"]', "Did you mean 'incumbent.aid'"),
        ('meaning = "effort"', "", "meaning"),
    ],
)
def test_wrong_payoffs_get_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_play(rivalry.folder(tmp_path, payoffs=rivalry.PAYOFFS.replace(old, new)), MODEL)


def test_an_unsolved_draw_is_told_apart(strategist: Strategist, draws: Draw) -> None:
    broken = draws._replace(weights=jnp.asarray(draws.weights).at[1].set(jnp.nan))
    assert strategist.solver.solve(broken).solved.tolist() == [True, False, True, True]


def test_standing_keeps_to_the_places_asked_for() -> None:
    some = rivalry.standing_of(5).taken(np.array([0, 3]))
    assert isinstance(some, Standing)
    assert len(some) == 2


def test_the_solver_knows_where_the_draws_stand(play: PlaySettings) -> None:
    assert Solver(MODEL, play).axes(rivalry.standing_of(2, 0.7)).tolist() == [[0.7], [0.7]]
