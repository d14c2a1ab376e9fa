"""What is given to the functions of `outbid.game`: fine, or refused in one line; nothing is broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import outbid.game
from outbid.errors import InputError
from outbid.game import (
    Axis,
    Grid,
    Measurement,
    Player,
    Specification,
    bootstrap,
    classic_specification,
    dense,
    draw_starts,
    even_axis,
    game_from_arrays,
    normal_band,
    normal_reach,
    one_index_game,
    quantile_axis,
    restrict,
    search,
    simulate_panel,
    solve,
)

AXIS = even_axis("index", -3.0, 3.0, 25)
PLAYERS = [Player("north", (0, 1)), Player("south", (0, 1))]
CLASSIC: dict[str, Any] = {
    "intercept": 0.0,
    "persistence": 0.9,
    "effects": [-0.3, 0.4],
    "interactions": [0.1, -0.1],
    "sd": 0.5,
    "value": [-0.2, 0.2],
    "cost": [-1.0, -1.5],
    "discount": 0.95,
}
BY_PLAYER = ("effects", "interactions", "value", "cost")
# what is no row of two numbers
NO_PAIR: tuple[Any, ...] = (
    0.1,
    np.array(0.1),
    [0.1],
    [0.1, 0.2, 0.3],
    [],
    [[0.1, 0.2]],
    [[0.1], [0.2]],
    [0.1, [0.2]],
    None,
    [None, 0.1],
    [0.1, float("nan")],
    [0.1, float("inf")],
    [0.1, 10**400],
    "ab",
    ["a", "b"],
    "0.1",
    {"north": 0.1},
    {"north": 0.1, "east": 0.2},
    {0.1, 0.2},
    [0.1, 1j],
    pd.Series([0.1]),
    pd.DataFrame({"a": [0.1, 0.2]}),
    object(),
)


@pytest.mark.parametrize("name", BY_PLAYER)
@pytest.mark.parametrize("given", NO_PAIR, ids=range(len(NO_PAIR)))
def test_a_row_that_is_not_one_number_a_player_is_refused(name: str, given: Any) -> None:
    """Scalars, arrays without an axis, too short or long, nested, ragged, None, NaN, infinite, huge, text, by name, sets."""
    with pytest.raises(InputError, match=rf"^{name}\b") as refusal:
        one_index_game(AXIS, PLAYERS, **CLASSIC | {name: given})
    assert "\n" not in str(refusal.value)


def test_the_refusal_says_how_many_are_needed() -> None:
    with pytest.raises(
        InputError, match=r"value: holds 1 number\. Give one number a player, 2: north, south\."
    ):
        one_index_game(AXIS, PLAYERS, **CLASSIC | {"value": [0.2]})
    with pytest.raises(InputError, match="cost, south: is nan"):
        one_index_game(AXIS, PLAYERS, **CLASSIC | {"cost": [0.2, np.nan]})


@pytest.mark.parametrize(
    "row",
    [(1, -1), np.array([1.0, -1.0]), pd.Series([1, -1], index=[7, 3]), pd.Series({"south": -1, "north": 1})],
    ids=range(4),
)
def test_a_row_of_any_make_is_taken_in_the_players_order(row: Any) -> None:
    game = one_index_game(AXIS, PLAYERS, **CLASSIC | {"value": row})
    np.testing.assert_allclose(game.payoffs[:, -1, 0], [3.0, -3.0])


@pytest.mark.parametrize(
    "discount", [[0.9], [0.9, 0.9, 0.9], 1.0, -0.1, "0.9", None, [[0.9, 0.9]], float("nan"), [0.9, 1.0]]
)
def test_discounts_are_one_for_all_or_one_a_player(discount: Any) -> None:
    equation = [0.0, -0.3, 0.4, 0.9, 0.1, -0.1, 0.5]
    with pytest.raises(InputError, match=r"^discount"):
        one_index_game(AXIS, PLAYERS, **CLASSIC | {"discount": discount})
    with pytest.raises(InputError, match=r"^discount"):
        classic_specification(AXIS, PLAYERS, equation, discount)
    with pytest.raises(InputError, match=r"^discount"):
        game_from_arrays(
            PLAYERS, Grid((Axis("x", (0.0,)),)), np.zeros((2, 1, 4)), np.ones((1, 4, 1)), discount
        )


@pytest.mark.parametrize("name", ["intercept", "persistence", "sd"])
@pytest.mark.parametrize("given", ["a", None, [0.1], [0.1, 0.2], float("nan"), float("inf"), {}, object()])
def test_a_number_is_one_finite_number(name: str, given: Any) -> None:
    with pytest.raises(InputError, match=f"^{name}"):
        one_index_game(AXIS, PLAYERS, **CLASSIC | {name: given})


GAME = one_index_game(AXIS, PLAYERS, **CLASSIC)
FLOOR = np.zeros((25, 1))
CALLS: list[tuple[Any, str]] = [
    (lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"sd": 0.0}), r"^sd: is 0\. Give a positive"),
    (lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"sd": -1.0}), "^sd: is -1"),
    (lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"sd": 0.05}), "too coarse for moves of sd 0.05"),
    (
        lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"persistence": 1e308}),
        r"^mean: .* no finite state",
    ),
    (
        lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"intercept": 50.0}),
        r"^axis 'index': from its end at 3 the equation leads further out, whatever is played\. Widen the axis",
    ),
    (lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"intercept": 0.7}), "'index': from its end at 3 "),
    (lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"intercept": -1.6}), "'index': from its end at -3 "),
    (lambda: one_index_game(AXIS, PLAYERS, **CLASSIC | {"persistence": 1.3}), "'index': from its end at -3 "),
    (
        lambda: classic_specification(AXIS, PLAYERS, [50.0, -0.3, 0.4, 0.9, 0.1, -0.1, 0.5], 0.9),
        "'index': from its end at 3 ",
    ),
    (lambda: one_index_game("x", PLAYERS, **CLASSIC), "^axis: is a str"),
    (lambda: one_index_game(AXIS, [], **CLASSIC), "^players: there are none"),
    (lambda: one_index_game(AXIS, PLAYERS[0], **CLASSIC), "^players: is a Player"),
    (lambda: one_index_game(AXIS, ["north", "south"], **CLASSIC), "^players, 1: is a str"),
    (lambda: one_index_game(AXIS, [PLAYERS[0]] * 2, **CLASSIC), "two have the same name"),
    (lambda: one_index_game(even_axis("x", 0, 1, 2), PLAYERS, **CLASSIC), "axis 'x': .*Give more points"),
    (lambda: Player("A", ("peace", "war")), "player 'A', actions: .* no number"),  # type: ignore[arg-type]
    (lambda: Player("A", 1), "player 'A': needs actions"),  # type: ignore[arg-type]
    (lambda: Player("A", None), "player 'A'"),  # type: ignore[arg-type]
    (lambda: Player(3, (0, 1)), "player, name: 3 is no name"),  # type: ignore[arg-type]
    (lambda: Player("", (0, 1)), "player, name"),
    (lambda: Axis("x", "abc"), "axis 'x': 'abc' is no number"),  # type: ignore[arg-type]
    (lambda: Axis("x", None), "axis 'x'"),  # type: ignore[arg-type]
    (lambda: Axis("x", ((0.0, 1.0),)), "axis 'x': has no points"),  # type: ignore[arg-type]
    (lambda: Axis(None, (0.0,)), "axis, name"),  # type: ignore[arg-type]
    (lambda: Grid(AXIS), "grid, axes: .* is no list of Axis"),  # type: ignore[arg-type]
    (lambda: Grid("abc"), "grid, axes"),  # type: ignore[arg-type]
    (lambda: even_axis("x", 0, 1, 0), "count: is 0"),
    (lambda: even_axis("x", 0, 1, 2.5), "count: 2.5 is no whole number"),  # type: ignore[arg-type]
    (lambda: even_axis("x", 1, 0, 5), "does not increase"),
    (lambda: even_axis("x", 0, np.inf, 5), "high: is inf"),
    (lambda: even_axis("x", 0, 1, 10**6), "would have 1000000 points"),
    (lambda: quantile_axis("x", [0, 1], 1e-9), "would have 9.5e\\+08 points"),
    (lambda: quantile_axis("x", [[0.0, 1.0]], 0.1), "needs figures that are all numbers"),  # type: ignore[list-item]
    (lambda: quantile_axis("x", [], 0.1), "needs figures"),
    (
        lambda: quantile_axis("x", [0, 1], 2.0),
        "would have 1 points. Use a smaller step, or figures that differ",
    ),
    (lambda: quantile_axis("x", [3, 3, 3], 0.1), "would have 1 points"),
    *(
        (
            lambda first=first: simulate_panel(GAME, 3, first_month=first),
            f"^first_month: '{first}' is no month",
        )
        for first in ("Jan", "May", "00-01", "7", "now", "2000-13", "NaT")
    ),
    (lambda: GAME.grid.nearest({"index": [[0.0]]}), "figures, index: have shape"),
    (lambda: GAME.grid.nearest([0.0]), "figures: is a list. Give them by name"),  # type: ignore[arg-type]
    (lambda: restrict(GAME, "south", "war"), "action: 'war' is no number"),  # type: ignore[arg-type]
    (lambda: restrict(GAME, 3, 1), "player: 3 is no name"),  # type: ignore[arg-type]
    (lambda: restrict(GAME, "south", 1, keep="yes"), "keep: 'yes' is neither true"),  # type: ignore[arg-type]
    (lambda: solve("game"), "game: is a str. Give a Game"),  # type: ignore[arg-type]
    (lambda: solve(GAME, np.zeros((3, 3))), "start: has shape"),
    (lambda: search(GAME, 0), "starts: is 0"),
    (lambda: search(GAME, 5, -1), "seed: is -1"),
    (lambda: search(GAME, True), "starts: True is no whole number"),
    (lambda: dense("kernel"), "kernel: is a str"),  # type: ignore[arg-type]
    (lambda: normal_reach(AXIS.points, FLOOR[:3], 1.0), "mean: has shape"),
    (lambda: normal_reach(AXIS.points, FLOOR, 0.0), "sd: is 0"),
    (lambda: normal_band([0.0, 1.0, 3.0], FLOOR, 1.0, (1, 1)), "points: is not evenly spaced"),  # type: ignore[arg-type]
    (
        lambda: classic_specification(AXIS, PLAYERS, [0.0], 0.9),
        "state equation: holds 1 number. Give 7 numbers",
    ),
    (lambda: classic_specification(AXIS, PLAYERS, "abc", 0.9), "equation: 'abc' is no number"),
    (lambda: Specification("ab", None), "specification, names"),  # type: ignore[arg-type]
    (lambda: draw_starts([0.0], [np.nan], 3), "starts, spread"),
    (lambda: draw_starts([0.0], 1.0, 0), "number: is 0"),
    (lambda: bootstrap([0.0, 1.0], "ab", ["a"]), "actions: 'ab' is no number"),
    (lambda: bootstrap([0.0, 1.0], [[0.0], [1.0]], "ab"), "names: is a str. Give several"),
    (lambda: Measurement("w", 0.9, [0.0]), "measurement, weights"),  # type: ignore[arg-type]
    (lambda: Measurement([1.0], "a", [0.0]), "measurement, persistence"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "told"), CALLS, ids=range(len(CALLS)))
def test_a_mistake_is_told_in_one_line(call: Any, told: str) -> None:
    """Wrong types, shapes, lengths, NaN, infinite, empty, huge, out of range, a thing where several are asked for."""
    with pytest.raises(InputError, match=told) as refusal:
        call()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("moves", [{"effects": [0, 0]}, {}, {"effects": [1.5, 0.4]}])
def test_a_state_that_nothing_draws_back_but_chance_or_some_action_is_held(moves: dict[str, Any]) -> None:
    """A plain walk, and one that some action pulls back from each end, however the others lead."""
    walk = {"persistence": 1.0, "interactions": [0.0, 0.0]} if moves == {"effects": [0, 0]} else {}
    one_index_game(AXIS, PLAYERS, **CLASSIC | walk | moves)


WRONG: tuple[Any, ...] = (
    None,
    "x",
    -1,
    float("nan"),
    [],
    [[0.0, "a"]],
    {},
    object(),
    1e400,
    np.zeros((2, 0)),
    b"x",
)


@pytest.mark.parametrize("name", [name for name in dir(outbid.game) if name[0].islower()])
def test_no_public_function_answers_nonsense_with_a_traceback(name: str) -> None:
    """Every lower-case public name, each of its first arguments wrong in eleven ways; missing arguments are Python's own."""
    function = getattr(outbid.game, name)
    if not callable(function):
        return
    for wrong in WRONG:
        for count in range(1, 6):
            try:
                function(*[wrong] * count)
            except (InputError, TypeError) as refusal:
                told = str(refusal)
                assert isinstance(refusal, InputError) or "argument" in told, (
                    f"{name}({wrong!r} x {count}): {told}"
                )


# --- kernels


@st.composite
def axes(draw: st.DrawFn) -> list[float]:
    """Even, nearly even and uneven lines of points, fine and coarse."""
    # of few sizes, since each is compiled for
    count, step = draw(st.sampled_from([3, 8, 31])), draw(st.sampled_from([0.05, 0.3, 1.0, 2.0]))
    points = draw(st.floats(-5, 5)) + step * np.arange(count)
    jitter = draw(st.sampled_from([0.0, 1e-9, 1e-4, 0.3]))
    moved = points + jitter * step * np.random.default_rng(draw(st.integers(0, 99))).uniform(-1, 1, count)
    return [float(each) for each in moved]


@given(axes(), st.sampled_from([0.02, 0.2, 0.5, 1.0]), st.floats(0.0, 1.0), st.floats(-0.5, 0.5))
@settings(max_examples=60)
def test_kernel_means_equal_the_equation_on_every_axis_that_is_taken(
    points: list[float], sd: float, persistence: float, shift: float
) -> None:
    """Even, nearly even and uneven axes, of few and many points, too coarse for the noise or not: right, or refused."""
    at = np.asarray(points)
    mean = (persistence * at + shift)[:, None]
    try:
        reach = normal_reach(at, mean, sd)
        kernel = normal_band(at, np.asarray(mean), np.asarray(sd), reach)  # type: ignore[arg-type]
    except InputError as refusal:
        assert "evenly spaced" in str(refusal) or "too coarse" in str(refusal)
        return
    found = np.asarray(dense(kernel))[:, 0] @ at
    step = at[1] - at[0]
    inner = (mean[:, 0] > at[0] + 6 * sd + step) & (mean[:, 0] < at[-1] - 6 * sd - step)
    np.testing.assert_allclose(found[inner], mean[inner, 0], atol=0.003 * step)
