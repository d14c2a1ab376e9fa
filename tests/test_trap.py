"""The trap map: known answers on a toy, today's place, the even line, the answer of the other side, words."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import openings
import toy_study
from drawn_section import html_of
from outbid.errors import InputError
from outbid.model.compile import build_step, monthly_innovations
from outbid.players.schema import PlayersGame, Variant, read_game
from outbid.players.strategist import Strategist, evenly
from outbid.progress import Silent
from outbid.question import Context
from outbid.questions.trap import QUESTION
from outbid.questions.trap.compute import Answerer, Trial
from outbid.questions.trap.present import crossing
from outbid.questions.trap.schema import Answering, Split, Trap
from outbid.simulate.engine import Simulator
from outbid.simulate.scenario import names_of
from outbid.stats.boxes import contour
from toy_study import read_scenarios

MODEL = openings.model()
MONTHS, DRAWS, SEED = 24, 64, 3
STANDING = openings.standing_of(20)
Floats = NDArray[np.float64]


def study_in(folder: Path) -> Any:
    """The toy as a study whose declarations lie in a folder."""
    scenarios = read_scenarios(folder / "scenarios.toml", MODEL)
    by_id = {each.id: each for each in scenarios}
    return SimpleNamespace(
        folder=folder,
        model=MODEL,
        settings=SimpleNamespace(horizon_months=MONTHS),
        scenarios=scenarios,
        scenario=by_id.__getitem__,
        names={**names_of(MODEL), "scenario": list(by_id)},
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return toy_study.asking(study_in(openings.folder(tmp_path_factory.mktemp("openings"))), QUESTION)


@pytest.fixture(scope="module")
def game(study: Any) -> PlayersGame:
    found = read_game(study.folder, MODEL)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def lab() -> Simulator:
    return Simulator(MODEL, MONTHS)


@pytest.fixture(scope="module")
def trial(study: Any, lab: Simulator) -> Trial:
    asked: Trap = study.declared["trap"]
    return Trial(lab, asked, (study.scenario(asked.moderating), study.scenario(asked.staying)), SEED)


@pytest.fixture(scope="module")
def answering(trial: Trial) -> Answering:
    assert trial.asked.answering is not None
    return trial.asked.answering


@pytest.fixture(scope="module")
def strategist(game: PlayersGame) -> Strategist:
    return Strategist(MODEL, game)


@pytest.fixture(scope="module")
def answer(study: Any, lab: Simulator, strategist: Strategist) -> xr.Dataset:
    """The whole question under one prior set; before the data, closure was believed to be worth less than nothing."""
    assumed = openings.standing_of(20, (-6.0, -5.0))
    weights = np.tile(openings.WEIGHTS, (1, 1, 20, 1))
    equilibrium = xr.Dataset(
        {"weight": (("prior", "data", "draw", "payoff"), weights)}, {"prior": ["neutral"], "data": ["after"]}
    )
    return answered(study, lab, {"neutral": (STANDING, assumed)}, equilibrium, strategist)


def answered(
    study: Any,
    lab: Simulator,
    standings: dict[str, Any],
    equilibrium: xr.Dataset | None = None,
    strategist: Strategist | None = None,
) -> xr.Dataset:
    known: Any = {
        prior: SimpleNamespace(
            history={
                name: SimpleNamespace(state_today=each)
                for name, each in zip(("after", "before"), pair, strict=True)
            }
        )
        for prior, pair in standings.items()
    }
    asking: Any = SimpleNamespace(seed=SEED)
    context = Context(study, known, lab, asking, Silent(), lambda name: equilibrium, {"players": strategist})
    return QUESTION.answer(context, study.declared["trap"], None)


def surface(answer: xr.Dataset, behaviour: str = "fixed", of: str = "p_better") -> Floats:
    """One map under the only prior set, shape (gains, shares, offers)."""
    cells = answer.isel(prior=0, cell=np.flatnonzero(answer.behaviour.values == behaviour))
    values = cells[of].sel(quantile="median") if of == "effect" else cells[of]
    return np.asarray(values.values.reshape(3, len(set(cells.share.values)), -1))


# the map


def test_every_cell_has_the_chance_that_can_be_worked_out_by_hand(answer: xr.Dataset, trial: Trial) -> None:
    members, resources, unmoved = surface(answer)
    # opening up gains resources where half of the offer is above what closure is worth
    worth = np.linspace(0.0, 1.0, 20)
    assert np.allclose(resources, [[np.mean(worth < 0.5 * offer) for offer in trial.asked.offer.grid()]] * 3)
    assert (np.diff(resources, axis=1) >= 0).all()
    assert resources[0, 0] < 0.2 < 0.95 < resources[0, -1]
    assert (members == 0.0).all()
    assert (unmoved == 0.5).all()


def test_more_hardliners_have_more_to_lose(answer: xr.Dataset) -> None:
    losses = surface(answer, of="effect")[0]
    # who leaves is in proportion to who is there, to the digit: the hazard is the same
    assert np.allclose(losses / losses[0], np.array([0.2, 0.5, 0.8])[:, None] / 0.2)
    assert (losses > 0).all()


def test_a_cell_is_what_the_courses_lead_to_from_there(trial: Trial) -> None:
    effects = trial.mapped(STANDING, np.array([0.6, 1.4]), np.array([0.3, 0.7]))
    levers = STANDING.levers.copy()
    levers[:, 2:] = [1.4, 0.5]
    there = replace(trial.with_share(STANDING, 0.7), levers=levers)
    assert np.allclose(effects[:, 1, 1], trial.now(there), rtol=1e-12)


@given(st.floats(0.0, 1.0))
def test_a_split_keeps_the_sum(share: float) -> None:
    split = Split(part="hardliners", rest="pragmatists", label="Hardliners' share", low=0.2, high=0.8)
    moved = split.moved(STANDING.state, share)
    together = moved["hardliners"] + moved["pragmatists"]
    assert np.allclose(together, 40_000.0)
    assert np.allclose(split.today(moved), share)
    assert np.array_equal(moved["challengers"], STANDING.state["challengers"])


def test_today_is_where_the_draws_stand(answer: xr.Dataset, study: Any) -> None:
    tables = QUESTION.tables(answer, study)
    today = tables["trap_today"].set_index("axis")
    assert set(today.loc["offer", ["q05", "median", "q95"]]) == {0.4}
    assert tuple(today.loc["share", ["median", "q05", "q95"]]) == pytest.approx((0.2, 0.11, 0.29))
    # as things stand a tenth and a bit is offered for openness
    now = tables["trap_now"].set_index("gain")
    assert now.p_better["resources"] == np.mean(np.linspace(0, 1, 20) < 0.4 * 0.3)
    assert now.p_better_before.tolist() == [0.0, 1.0, 0.5]
    assert now.assumed["members"]


def test_lost_games_are_left_out_of_a_chance(trial: Trial) -> None:
    # of the first outcome less is better
    lost = np.nan
    effects = [[-1.0, lost, 1.0, -1.0, -1.0], [1.0, lost, -1.0, -1.0, -1.0], [0.0, 0.0, 0.0, 0.0, lost]]
    assert trial.chances(np.array(effects)).tolist() == [0.75, 0.25, 0.5]


# the even line


def test_the_line_of_a_plane_is_straight() -> None:
    x, y = np.linspace(0, 2, 6), np.linspace(-1, 1, 4)
    pieces = contour(x, y, 2 * x[None, :] + y[:, None], 1.7)
    points = np.array(pieces).reshape(-1, 2)
    assert np.allclose(2 * points[:, 0] + points[:, 1], 1.7)
    length = sum(math.dist(*piece) for piece in pieces)
    assert length == pytest.approx(math.dist((0.35, 1), (1.35, -1)))


@pytest.mark.parametrize("height", [0.2, 0.5, 0.8])
def test_a_flat_map_has_no_line(height: float) -> None:
    assert contour(np.arange(4.0), np.arange(3.0), np.full((3, 4), height), 0.5) == ()


@pytest.mark.parametrize("low", [0.1, 0.4])
def test_a_saddle_has_two_pieces_that_do_not_cross(low: float) -> None:
    heights = np.array([[0.7, low], [low, 0.7]])
    one, two = contour(np.arange(2.0), np.arange(2.0), heights, 0.5)
    # the middle is above the level or below it, and tells which corners are cut off
    cut = {(0, 0), (1, 1)} if (0.7 + low) / 2 < 0.5 else {(1, 0), (0, 1)}
    near = {min(cut, key=lambda corner: math.dist(corner, np.mean(piece, axis=0))) for piece in (one, two)}
    assert near == cut
    assert all(math.dist(*piece) < 1 for piece in (one, two))


# the answer


def test_an_answer_that_moves_nothing_changes_nothing(
    trial: Trial, strategist: Strategist, answering: Answering
) -> None:
    dull = replace(STANDING, parameters=STANDING.parameters.copy())
    dull.parameters[:, list(openings.NUMBERS).index("press")] = 0.0
    weights = np.tile(openings.WEIGHTS, (20, 1))
    with_it, without = Answerer(trial, strategist, dull, weights).mapped(answering)
    assert np.allclose(with_it, without, rtol=1e-9)


def test_the_answer_is_drawn_from_the_equilibrium_month_by_month(
    trial: Trial, strategist: Strategist, answering: Answering, game: PlayersGame
) -> None:
    """One cell lived through step by step, each month's effort drawn at the state that it opens with."""
    weights = np.tile(openings.WEIGHTS, (20, 1))
    effects, _ = Answerer(trial, strategist, STANDING, weights).mapped(answering)
    few, offer = STANDING.taken(evenly(len(STANDING), 8)), 2.2
    there = trial.with_share(few, 0.8)
    given_levers = there.levers.copy()
    given_levers[:, 2:] = [offer, 0.5]
    luck = np.random.default_rng(SEED).random((8, MONTHS))
    by_id = {each.id: each for each in game.variants}
    lost = [
        lived(trial.lab, strategist, there, given_levers, weights[:8], by_id[variant], hardness, luck)
        for variant, hardness in ((answering.soft, 0.4), (answering.hard, 0.8))
    ]
    assert np.allclose(effects[0, 1, 2], lost[0] - lost[1], rtol=1e-9)


def lived(
    lab: Simulator,
    strategist: Strategist,
    there: Any,
    levers: Floats,
    weights: Floats,
    variant: Variant,
    hardness: float,
    luck: Floats,
) -> Floats:
    # in a batch of the size for which the game is compiled
    batch = np.resize(np.arange(8), 20)
    found = strategist.solve(variant, replace(there, levers=levers).taken(batch), weights[batch], SEED)
    step: Any = jax.jit(jax.vmap(build_step(MODEL)))
    noise = jax.vmap(lambda each: monthly_innovations(MODEL, each, MONTHS))(lab.innovations(8, SEED))
    p = {name: there.parameters[:, i] for i, name in enumerate(MODEL.parameter_names)}
    state, total, before = dict(there.state), np.zeros(8), there.levers
    for month in range(MONTHS):
        where = np.asarray(strategist.solver.placed(jnp.asarray(state["standing"])[:, None]))
        chance = np.einsum("rs,rsa->ra", where, found.probabilities["challenger"][:8])
        now = levers.copy()
        now[:, 0], now[:, 1] = hardness, luck[:, month] > chance[:, 0]
        columns = [dict(zip(MODEL.lever_names, each.T, strict=True)) for each in (now, before)]
        state, told = step(state, {"standing": noise[:, month, 0]}, *columns, p)
        total, before = total + np.asarray(told["outcome.defections"]), now
    return np.asarray(total)


def test_a_larger_offer_opens_an_incumbent_who_wants_it(answer: xr.Dataset, study: Any) -> None:
    choice = QUESTION.tables(answer, study)["trap_choice"]
    assert set(choice.player) == {"incumbent"}
    assert set(choice.lever) == {"hardness"}
    assert (np.diff(choice["median"]) < 0).all()
    assert (choice.today == 0.8).all()


def test_without_a_game_nobody_answers(study: Any, lab: Simulator, strategist: Strategist) -> None:
    # as in a quick run: the study has a game, but it was not solved
    found = answered(study, lab, {"sources": (STANDING, STANDING)}, None, strategist)
    assert set(found.behaviour.values) == {"fixed", "before"}
    assert "trap_choice" not in QUESTION.tables(found, study)
    assert "answers by its equilibrium" not in html_of(QUESTION.section(found, study))


def test_a_study_without_a_map_has_none(tmp_path: Path) -> None:
    openings.folder(tmp_path)
    (tmp_path / "trap.toml").unlink()
    assert QUESTION.declare(study_in(tmp_path)) is None


# what is shown


def test_the_page_says_where_the_trap_is(answer: xr.Dataset, study: Any) -> None:
    section = QUESTION.section(answer, study)
    said = section.words["said"]
    assert said.heading() == "Without taking sides, “Opening” is a trap whatever is offered (assumed)"
    assert "loses members (◇ assumed)" in said.here()
    assert "a gain can't be told from a loss of peace" in said.here()
    assert "no offer leads out of it" in said.offered()[0]
    assert "Would the incumbent open up of its own accord" in said.chosen()
    assert "challenger" in said.answered()
    curve = section.tables["trap_curve"]
    turn = crossing(curve[curve.gain == "resources"])
    assert 0.7 < turn < 1.2
    assert math.isnan(crossing(curve[curve.gain == "members"]))
    even = section.tables["trap_even_line"]
    even = even[even.gain == "resources"]
    assert len(even) > 2
    assert np.allclose(even.offer, even.to_offer)
    html = html_of(section)
    assert html.count("<h2") == 1
    assert 'id="trap"' in html
    assert len(QUESTION.lines(answer, study)) <= 10
    assert QUESTION.summary is not None and QUESTION.summary(answer, study) == {}


def test_two_views_stand_apart(study: Any, lab: Simulator) -> None:
    # closure worth more than any offer pays under the one, nothing under the other
    rich, poor = openings.standing_of(20, (5.0, 6.0)), openings.standing_of(20, (-6.0, -5.0))
    found = answered(study, lab, {"neutral": (rich, poor), "sources": (poor, poor)})
    said = QUESTION.section(found, study).words["said"]
    assert said.heading().endswith("without taking sides as well as taking the texts at their word")
    assert said.here().index("their word") < said.here().index("Without taking sides")
    assert "gains resources (◇ assumed)" in said.here()
    assert "loses resources (nearly certain, over 99%)" in said.here()


def test_the_dataset_survives_saving_and_tables_hold_every_cell(
    answer: xr.Dataset, study: Any, tmp_path: Path
) -> None:
    answer.to_netcdf(tmp_path / "answer.nc", engine="netcdf4")
    again = xr.load_dataset(tmp_path / "answer.nc", engine="netcdf4")
    tables = QUESTION.tables(answer, study)
    for name, frame in QUESTION.tables(again, study).items():
        assert frame.astype(str).equals(tables[name].astype(str))
    cells = tables["trap_map"]
    # three gains: 5 × 3 as today, 3 × 2 with an answer and without, 5 × 5 before the data
    assert len(cells) == 3 * (15 + 6 + 6 + 25)
    assert not cells.duplicated(["prior", "gain", "behaviour", "offer", "share"]).any()
    assert len(tables["trap_choice"]) == 3
    assert not tables["trap_curve"].duplicated(["prior", "gain", "offer"]).any()


def test_the_picture_runs_along_the_offer(answer: xr.Dataset, study: Any) -> None:
    (figure,) = QUESTION.section(answer, study).figures
    rows: Any = figure.data["trap"]
    assert list(rows.groupby("gain", sort=False).size()) == [5, 5, 5]
    assert "Members" in figure.alternative
    assert "90% interval" in figure.caption


def test_what_a_study_wrote_is_escaped(answer: xr.Dataset, tmp_path: Path) -> None:
    planted = openings.TRAP.replace('"loses members"', '"<script>alert(1)"').replace('"Members"', '"<b>x"')
    study = toy_study.asking(study_in(openings.folder(tmp_path, planted)), QUESTION)
    html = html_of(QUESTION.section(answer, study))
    assert "<script>alert" not in html
    assert "<b>x" not in html


# bad declarations


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('moderating = "opening"', 'moderating = "openning"', "moderating: no scenario 'openning'.*opening"),
        ('moderating = "opening"', 'moderating = "as_now"', "staying: is the moderating course itself"),
        ('moderating = "opening"', 'moderating = "bought"', "moves offer, which the map's axis sets"),
        ('moderating = "opening"', 'moderating = "pressed"', "pressed moves effort, the answer itself"),
        ('trap = "members"', 'trap = "member"', "trap: no gain 'member'"),
        ('trap = "members"', 'trap = "members"\nmap = 1', "map: unknown key"),
        ('lever = "offer"', 'lever = "ofer"', "offer, lever: no lever 'ofer'.*offer"),
        ("high = 2.2", "high = 9.0", "offer: leaves the range 0 to 4"),
        ("high = 2.2", "high = 0.2", "is not below high"),
        ("points = 5", "points = 1", "points.*from 2 to 25"),
        ("[0.5, 0.5]", "[0.5, 1.5]", "conditionality: leaves the lever's range"),
        ("[0.5, 0.5]", "0.5", "conditionality: is not two numbers"),
        ("conditionality =", "offer =", "no other lever 'offer'"),
        ('part = "hardliners"', 'part = "hardlines"', "no stock 'hardlines'.*hardliners"),
        ('rest = "pragmatists"', 'rest = "hardliners"', "is the part itself"),
        ("high = 0.8", "high = 1.2", "split: leaves the range 0 to 1"),
        ('outcome = "resources"', 'outcome = "resource"', "no outcome 'resource'"),
        ('id = "resources"', 'id = "members"', "taken twice"),
        ('gains = "gains peace"', "", "gains: missing"),
        ("draws = 20", "draws = 2", "draws.*from 4 to 2000"),
        ('soft = "soft"', 'soft = "sotf"', "soft: no game variant 'sotf'"),
        ('soft = "soft"', 'soft = "as_now"', "the same players have to rest"),
        ("[split]", "[[split]]", "split: missing or no table"),
    ],
)
def test_a_bad_declaration_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in openings.TRAP
    openings.folder(tmp_path, openings.TRAP.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        QUESTION.declare(study_in(tmp_path))
    assert str(caught.value).startswith("trap.toml")
    assert re.search(complaint, str(caught.value))
