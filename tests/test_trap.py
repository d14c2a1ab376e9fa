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
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import openings
from outbid.answers.trap import trap
from outbid.ask.strategic.file import read_play
from outbid.ask.strategic.strategy import Strategist
from outbid.ask.trap.answered import Answerer
from outbid.ask.trap.contour import contour
from outbid.ask.trap.file import read_trap
from outbid.ask.trap.fixed import as_things_stand, map_fixed, spread, with_share
from outbid.ask.trap.result import Trap, chance_of_gain
from outbid.ask.trap.settings import Split, TrapSettings
from outbid.brief.trap import trapped
from outbid.errors import InputError
from outbid.model.compile import build_step, monthly_innovations
from outbid.progress import Silent
from outbid.report.saved import rebuilt, to_text
from outbid.report.trap import files as trap_csv
from outbid.report.trap import tables as trap_tables
from outbid.report.trap import words as trap_words
from outbid.report.trap.content import TrapContent
from outbid.report.trap.rows import crossing, find_layer, place, reading
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Simulator
from outbid.simulate.scenario_file import read_scenarios

MODEL = openings.model()
MONTHS, DRAWS, SEED = 24, 64, 3
STANDING = openings.standing_of(20)
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return openings.folder(tmp_path_factory.mktemp("openings"))


@pytest.fixture(scope="module")
def settings(home: Path) -> TrapSettings:
    found = asked(home)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def lab() -> BatchSimulator:
    return BatchSimulator(Simulator(MODEL, MONTHS), DRAWS)


@pytest.fixture(scope="module")
def strategist(home: Path) -> Strategist:
    play = read_play(home, MODEL)
    assert play is not None
    return Strategist(MODEL, play)


@pytest.fixture(scope="module")
def study(home: Path) -> Any:
    return SimpleNamespace(
        folder=home, model=MODEL, levers_today={}, settings=SimpleNamespace(horizon_months=MONTHS)
    )


@pytest.fixture(scope="module")
def results(study: Any, lab: BatchSimulator, strategist: Strategist) -> dict[str, Trap]:
    """The whole question under one prior set; before the data, closure was believed to be worth less than nothing."""
    assumed = openings.standing_of(20, (-6.0, -5.0))
    known: Any = {
        "neutral": SimpleNamespace(
            past=SimpleNamespace(standing=STANDING), unseen=SimpleNamespace(standing=assumed)
        )
    }
    solved: Any = {
        "neutral": SimpleNamespace(after=SimpleNamespace(weights=np.tile(openings.WEIGHTS, (20, 1))))
    }
    asking: Any = SimpleNamespace(seed=SEED)
    return trap(study, known, lab, asking, Silent(), strategist, solved)


@pytest.fixture(scope="module")
def content(study: Any, results: dict[str, Trap]) -> TrapContent:
    return trapped(study, results)


def asked(folder: Path) -> TrapSettings | None:
    return read_trap(
        folder, MODEL, read_scenarios(folder / "scenarios.toml", MODEL), read_play(folder, MODEL)
    )


# the map


def test_every_cell_has_the_chance_that_can_be_worked_out_by_hand(results: dict[str, Trap]) -> None:
    drawn = results["neutral"].fixed
    members, resources, unmoved = drawn.probability()
    # opening up gains resources where half of the offer is above what closure is worth
    worth = np.linspace(0.0, 1.0, 20)
    assert np.allclose(resources, [[np.mean(worth < 0.5 * offer) for offer in drawn.offers]] * 3)
    assert (np.diff(resources, axis=1) >= 0).all() and resources[0, 0] < 0.2 < 0.95 < resources[0, -1]
    assert (members == 0.0).all()
    assert (unmoved == 0.5).all()


def test_more_hardliners_have_more_to_lose(results: dict[str, Trap]) -> None:
    losses = -np.median(results["neutral"].fixed.effects[0], axis=-1)
    # who leaves is in proportion to who is there, to the digit: the hazard is the same
    assert np.allclose(losses / losses[0], np.array([0.2, 0.5, 0.8])[:, None] / 0.2)


def test_a_cell_is_what_the_courses_lead_to_from_there(lab: BatchSimulator, settings: TrapSettings) -> None:
    drawn = map_fixed(lab, STANDING, settings, np.array([0.6, 1.4]), np.array([0.3, 0.7]), SEED)
    levers = STANDING.levers.copy()
    levers[:, 2:] = [1.4, 0.5]
    there = replace(with_share(STANDING, settings, 0.7), levers=levers)
    alone = as_things_stand(lab, there, settings, SEED)
    assert np.allclose(drawn.effects[:, 1, 1], alone, rtol=1e-12)


@given(st.floats(0.0, 1.0))
def test_a_split_keeps_the_sum(share: float) -> None:
    split = Split("hardliners", "pragmatists", "Hardliners' share", 0.2, 0.8)
    moved = split.moved(STANDING.state, share)
    together = moved["hardliners"] + moved["pragmatists"]
    assert np.allclose(together, 40_000.0)
    assert np.allclose(split.today(moved), share)
    assert np.array_equal(moved["challengers"], STANDING.state["challengers"])


def test_today_is_where_the_draws_stand(results: dict[str, Trap], content: TrapContent) -> None:
    found = results["neutral"]
    assert (found.offer == 0.4).all()
    assert np.allclose(found.share, np.linspace(0.1, 0.3, 20))
    share = next(each for each in content.today if each.axis == "share")
    assert (share.median, share.q05, share.q95) == pytest.approx((0.2, 0.11, 0.29))
    # as things stand a tenth and a bit is offered for openness
    assert chance_of_gain(found.now)[1] == np.mean(np.linspace(0, 1, 20) < 0.4 * 0.3)
    assert chance_of_gain(found.now_before).tolist() == [0.0, 1.0, 0.5]


def test_lost_games_are_left_out_of_a_chance() -> None:
    effects = np.array([[1.0, np.nan, -1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, np.nan]])
    assert chance_of_gain(effects).tolist() == [0.75, 0.5]


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
    lab: BatchSimulator, strategist: Strategist, settings: TrapSettings
) -> None:
    dull = replace(STANDING, parameters=STANDING.parameters.copy())
    dull.parameters[:, list(openings.NUMBERS).index("press")] = 0.0
    weights = np.tile(openings.WEIGHTS, (20, 1))
    assert settings.answering is not None
    with_it, without = Answerer(lab, strategist, settings, dull, weights, SEED).mapped(settings.answering)
    assert np.allclose(with_it.effects, without.effects, rtol=1e-9)


def test_the_answer_is_drawn_from_the_equilibrium_month_by_month(
    lab: BatchSimulator, strategist: Strategist, settings: TrapSettings, results: dict[str, Trap]
) -> None:
    """One cell lived through step by step, each month's effort drawn at the state that it opens with."""
    assert settings.answering is not None and results["neutral"].answered is not None
    few, offer = spread(STANDING, 8), 2.2
    there = with_share(few, settings, 0.8)
    given_levers = there.levers.copy()
    given_levers[:, 2:] = [offer, 0.5]
    luck = np.random.default_rng(SEED).random((8, MONTHS))
    weights = np.tile(openings.WEIGHTS, (8, 1))
    lost = [
        lived(lab, strategist, there, given_levers, weights, world, hardness, luck)
        for world, hardness in ((settings.answering.soft, 0.4), (settings.answering.hard, 0.8))
    ]
    assert np.allclose(results["neutral"].answered.effects[0, 1, 2], lost[1] - lost[0], rtol=1e-9)


def lived(
    lab: BatchSimulator,
    strategist: Strategist,
    there: Any,
    levers: Floats,
    weights: Floats,
    world: Any,
    hardness: float,
    luck: Floats,
) -> Floats:
    # in a batch of the size for which the game is compiled
    batch = np.resize(np.arange(8), 20)
    found = strategist.solve(world, replace(there, levers=levers).taken(batch), weights[batch], SEED)
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


def test_a_larger_offer_opens_an_incumbent_who_wants_it(results: dict[str, Trap]) -> None:
    choice = results["neutral"].choice
    assert choice is not None and (choice.player, choice.lever) == ("incumbent", "hardness")
    assert (np.diff(choice.expected, axis=0) < 0).all()
    assert (choice.today == 0.8).all()


def test_without_a_game_nobody_answers(study: Any, lab: BatchSimulator) -> None:
    past = SimpleNamespace(standing=STANDING)
    known: Any = {"sources": SimpleNamespace(past=past, unseen=past)}
    asking: Any = SimpleNamespace(seed=SEED)
    found = trap(study, known, lab, asking, Silent())
    assert found["sources"].answered is None and found["sources"].choice is None
    shown = trap_tables.section(trapped(study, found))
    assert shown is not None and shown.map is not None
    assert "answers" not in " ".join(shown.lead)


def test_a_study_without_a_map_has_none(tmp_path: Path) -> None:
    assert read_trap(tmp_path, MODEL, ()) is None
    assert trapped(None, {}) == TrapContent()  # type: ignore[arg-type]
    assert trap_tables.section(TrapContent()) is None
    assert trap_words.lines(TrapContent()) == () and trap_csv.files(TrapContent()) == {}


# what is shown


def test_the_page_says_where_the_trap_is(content: TrapContent) -> None:
    shown = trap_tables.section(content)
    assert shown is not None and shown.map is not None
    assert shown.heading == "On the data alone, moderation is a trap everywhere on the map"
    text = " ".join(shown.lead)
    assert "loses members wherever one stands on the map" in text
    assert "gains resources in some places and loses resources in others" in text
    assert "gains peace or loses peace, which can't be told" in text
    assert "no offer on the map leads out of it" in text
    assert "For members this was so before any data: it is assumed, not learnt" in text
    assert "Would the incumbent open up of its own accord" in text
    resources = find_layer(content, "neutral", "resources")
    assert resources is not None and reading(content, resources) == "depends"
    turn = crossing(resources, 0.2)
    assert turn is not None and 0.7 < turn < 1.2
    assert place(resources, resources.probability, turn, 0.2) == pytest.approx(0.5)
    assert all(piece.offer == pytest.approx(piece.to_offer) for piece in resources.even)
    assert len(trap_words.lines(content)) <= 10


def test_content_survives_saving_and_tables_hold_every_cell(content: TrapContent) -> None:
    assert rebuilt(TrapContent, to_text(content), "here") == content
    files = trap_csv.files(content)
    cells = files["trap_map.csv"].splitlines()
    # three gains: 5 × 3 as today, 3 × 2 with an answer and without, 5 × 5 before the data
    assert len(cells) == 1 + 3 * (15 + 6 + 6 + 25)
    assert len(files["trap_even_line.csv"].splitlines()) > 2
    assert len(files["trap_choice.csv"].splitlines()) == 4


def test_the_picture_has_every_cell_the_line_and_today(content: TrapContent) -> None:
    shown = trap_tables.section(content)
    assert shown is not None and shown.map is not None
    table = shown.map.data["trap"]
    kinds = [row[table.columns.index("kind")] for row in table.rows]
    assert kinds.count("cell") == 3 * (15 + 6)
    assert kinds.count("today, median") == 6 and "even" in kinds
    assert all(len(row) == len(table.columns) for row in table.rows)
    signs = {row[table.columns.index("sign")] for row in table.rows if row[6] == "cell"}
    assert signs == {"+", "−", ""}
    assert "Members" in shown.map.alternative and "90% interval" in shown.map.alternative


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
        ('soft = "soft"', 'soft = "sotf"', "soft: no world 'sotf'"),
        ('soft = "soft"', 'soft = "as_now"', "the same players have to rest"),
        ("[split]", "[[split]]", "split: missing or no table"),
    ],
)
def test_a_bad_declaration_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in openings.TRAP
    openings.folder(tmp_path, openings.TRAP.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        asked(tmp_path)
    assert str(caught.value).startswith("trap.toml")
    assert re.search(complaint, str(caught.value))
