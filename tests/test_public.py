"""The public functions, walked with wrong kinds, wrong shapes, NaN, nothing and far too much: fine, or one line."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import outbid
from outbid import game
from outbid.api import LoadedStudy
from outbid.errors import InputError
from outbid.questions import QUESTIONS
from toy import write_asking_toy

pytestmark = pytest.mark.slow
NAMES = ("north", "south")
WRONG: dict[str, Any] = {
    **{
        "None": None,
        "text": "x",
        "no text": "",
        "NaN": np.nan,
        "infinity": -np.inf,
        "negative": -1,
        "zero": 0,
    },
    **{
        "true": True,
        "part of one": 0.5,
        "huge": 1e300,
        "huge whole number": 10**40,
        "thing": object(),
        "bytes": b"x",
    },
    **{"empty list": [], "empty table": {}, "one number": [0.5], "five": [1.0] * 5, "ragged": [[1], [1, 2]]},
    **{
        "NaN in it": [np.nan, 1.0],
        "cube": np.zeros((2, 2, 2)),
        "nothing in it": np.zeros((0, 2)),
        "texts": ["a", "b"],
    },
    **{"complex": 1j, "dates": np.array(["2021-01"], "datetime64[M]"), "frame": pd.DataFrame({"a": ["x"]})},
    **{"function": lambda: None, "type": int, "set": {1, 2}},
}


def players() -> list[game.Player]:
    return [game.Player(name, (0, 1)) for name in NAMES]


AXIS = game.even_axis("index", -2.0, 2.0, 9)
STATED = {
    **{"intercept": 0.0, "persistence": 0.8, "effects": [-0.3, 0.4], "interactions": [0.1, 0.0], "sd": 0.6},
    **{"value": [-0.2, 0.2], "cost": [-1.0, -1.5], "discount": 0.9},
}
EQUATION = [0.0, -0.3, 0.4, 0.8, 0.1, 0.0, 0.6]


@cache
def stated() -> game.Game:
    return game.one_index_game(AXIS, players(), **STATED)


@cache
def solved() -> game.Equilibrium:
    return game.solve(stated())


@cache
def panel() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    moves = generator.integers(0, 2, (120, 2)).astype(float)
    state = np.zeros(120)
    for month in range(1, 120):
        push = -0.3 * moves[month - 1, 0] + 0.4 * moves[month - 1, 1]
        state[month] = 0.8 * state[month - 1] + push + 0.5 * generator.standard_normal()
    return {"state": np.clip(state, -2, 2), "actions": moves}


@cache
def play() -> game.Play:
    acted = dict(zip(NAMES, panel()["actions"].T, strict=True))
    return game.play_from_panel(game.Grid((AXIS,)), players(), {"index": panel()["state"]}, acted)


@cache
def family() -> game.Specification:
    return game.classic_specification(AXIS, players(), EQUATION, 0.9)


@cache
def estimated() -> game.Estimates:
    return game.estimate(family(), play(), [-0.2, 0.2, -1.0, -1.5])


def other() -> game.Estimates:
    """Another model of the same months: with a parameter more, each month explained a little otherwise."""
    found = estimated()
    gaps = np.linspace(-0.01, 0.02, found.observations)
    more = {"names": (*found.names, "more"), "log_likelihood": found.log_likelihood + float(gaps.sum())}
    return replace(found, contributions=found.contributions + gaps, **more)


def build(theta: Any, equation: Any) -> game.Game:
    return family().build(theta)


def hidden() -> game.HiddenGame:
    measures = [game.Measure("poll", game.Free(1.0), 0.0, 0.5)]
    anchor = game.Anchor("poll.intercept", "persistence", "poll.loading")
    more = {"persistence": game.Free(0.8), "effects": [-0.3, 0.4], "sd": 0.5}
    return game.one_index_hidden(
        AXIS, players(), measures, anchor, value=[-0.2, 0.2], cost=[-1.0, -1.5], **more
    )


def calls() -> Mapping[str, Any]:
    """For each public function of games, a call of it that is sound."""
    at, shown = np.asarray(AXIS.points), {"names": list(NAMES), **panel()}
    measured = {
        "measures": np.column_stack([panel()["state"], panel()["state"] + 0.1]),
        "actions": panel()["actions"],
    }
    first = game.FirstStep(("sigma",), np.array([0.6]), np.array([[0.01]]))
    theta = [-0.2, 0.2, -1.0, -1.5]
    fit = {"specification": family(), "play": play()}
    return {
        "Axis": {"name": "index", "points": (0.0, 1.0, 2.0)},
        "Grid": {"axes": (AXIS,)},
        "Player": {"name": "north", "actions": (0, 1)},
        "even_axis": {"name": "index", "low": -1.0, "high": 1.0, "count": 5},
        "quantile_axis": {
            "name": "index",
            "figures": [0.0, 1.0, 2.0, 3.0],
            "step": 0.5,
            "low": 0.1,
            "high": 0.9,
        },
        "one_index_game": {"axis": AXIS, "players": players(), **STATED},
        "game_from_arrays": {
            **{"players": players(), "grid": game.Grid((AXIS,)), "payoffs": np.asarray(stated().payoffs)},
            **{"kernel": np.asarray(game.dense(stated().kernel)), "discount": 0.9, "precision": 1.0},
        },
        "restrict": {"game": stated(), "player": "north", "action": 0, "keep": True},
        "solve": {"game": stated(), "start": np.zeros((9, 4))},
        "principal": {"game": stated()},
        "search": {"game": stated(), "starts": 3, "seed": 1},
        "follow": {"base": solved(), "game": stated(), "shares": (0.5, 1.0)},
        "follow_all": {"base": solved(), "games": [stated()], "shares": (1.0,)},
        "simulate_panel": {"game": stated(), "months": 12, "seed": 1},
        "activity": {"game": stated(), "values": solved().values},
        "mean_levels": {"game": stated(), "values": solved().values},
        "reply_slopes": {"game": stated(), "values": solved().values},
        "standing_slopes": {"game": stated(), "values": solved().values},
        "banded_from": {"full": np.asarray(game.dense(stated().kernel))},
        "dense": {"kernel": stated().kernel},
        "normal_reach": {"points": at, "mean": np.zeros((9, 4)), "sd": 0.6},
        "normal_band": {"points": at, "mean": np.zeros((9, 4)), "sd": 0.6, "reach": (8, 8)},
        "levels": shown,
        "changes": {**shown, "lag": 2},
        "level_terms": {"names": list(NAMES)},
        "bootstrap": {**shown, "draws": 5, "seed": 1},
        "play_from_panel": {
            **{"grid": game.Grid((AXIS,)), "players": players(), "figures": {"index": panel()["state"]}},
            "actions": dict(zip(NAMES, panel()["actions"].T, strict=True)),
        },
        "classic_specification": {
            **{
                "axis": AXIS,
                "players": players(),
                "equation": EQUATION,
                "discount": 0.9,
                "covariance": np.eye(7),
            },
        },
        "linked_specification": {"names": ["a", "b", "c", "d"], "build_with": build, "first_step": first},
        "FirstStep": {"names": ("sigma",), "estimates": np.array([0.6]), "covariance": np.array([[0.01]])},
        "estimate": {**fit, "start": theta},
        "estimate_many": {**fit, "starts": [theta], "equilibrium_starts": 2, "seed": 1},
        "draw_starts": {"center": theta, "spread": [0.1] * 4, "number": 3, "seed": 1},
        "likelihood_ratio": {"smaller": estimated(), "larger": other()},
        "vuong": {"first": estimated(), "second": other(), "charge": "bic"},
        "clarke": {"first": estimated(), "second": other(), "charge": "bic"},
        "fixed": {"name": "v", "specification": family(), "settings": {family().names[0]: 0.0}},
        "shifted": {"name": "v", "specification": family(), "changes": {family().names[0]: 0.1}},
        "without": {"name": "v", "specification": family(), "player": "north", "action": 0.0, "keep": True},
        "transformed": {"name": "v", "specification": family(), "change": lambda each: each},
        "compare": {
            **{
                "specification": family(),
                "theta": theta,
                "covariance": np.eye(4) * 0.01,
                "counterfactuals": [],
            },
            **{"visits": False, "draws": 2, "seed": 1},
        },
        "Measure": {"name": "poll", "loading": game.Free(1.0), "intercept": 0.0, "sd": 0.5},
        "Free": {"start": 1.0, "sign": 1},
        "Normal": {"mean": 0.0, "sd": 1.0},
        "fit_state": {
            **measured,
            **{"measure_names": ["poll", "survey"], "action_names": list(NAMES), "starts": 1, "seed": 1},
        },
    }


# what a function makes of games, values or kernels is checked where those are made
INNER = {
    "Game",
    "Banded",
    "Scattered",
    "Equilibrium",
    "Estimates",
    "Certificate",
    "Trail",
    "Comparison",
    "ModelTest",
}
INNER |= {
    "FirstStage",
    "FullInformation",
    "LocalMaxima",
    "Multiplicity",
    "Specification",
    "Play",
    "Record",
    "Anchor",
}
INNER |= {"HiddenGame", "Measurement", "NoEquilibrium", "InputError"}
# what takes a minute to compile, or needs what another of these makes
HEAVY = {"full_information", "one_index_hidden", "smooth_state", "draw_states", "reformed", "solve_many"}


def test_every_public_function_of_games_is_walked() -> None:
    public = {name for name, each in vars(game).items() if callable(each) and not name.startswith("_")}
    assert public - INNER - HEAVY == set(calls())


def spoilings(sound: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for argument in sound:
        for kind, wrong in WRONG.items():
            yield f"{argument}: {kind}", {**sound, argument: wrong}


def faults(function: Any, sound: Mapping[str, Any]) -> list[str]:
    """What goes wrong otherwise than in one line, when one argument after the other is wrong."""
    result = []
    for what, given in spoilings(sound):
        try:
            function(**given)
        except InputError as error:
            if "\n" in str(error) or not (error.where and error.problem and error.fix):
                result.append(f"{what}: {error!r}")
        except Exception as error:
            result.append(f"{what}: {type(error).__name__}: {str(error)[:80]}")
    return result


@pytest.mark.parametrize("name", sorted(calls()))
def test_a_function_of_games_takes_it_or_says_in_one_line_what_is_wrong(name: str) -> None:
    function, sound = getattr(game, name), calls()[name]
    function(**sound)
    assert faults(function, sound) == []


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    loaded = outbid.load(write_asking_toy(tmp_path_factory.mktemp("public") / "toy"))
    assert isinstance(loaded, LoadedStudy)
    return loaded


class Reached(Exception):  # noqa: N818
    """Raised in the place of slow work: what was given is taken for sound."""


@pytest.mark.parametrize(
    "verb", ["fit", "simulate", "report", "run", *(f"ask.{each.name}" for each in QUESTIONS)]
)
def test_a_verb_says_in_one_line_what_is_wrong_before_it_begins(
    study: LoadedStudy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb: str
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise Reached

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("outbid.infer.fit.Sampler", stop)
    function: Any = study
    for part in verb.split("."):
        function = getattr(function, part)
    found = []
    for argument in inspect.signature(function).parameters:
        for kind, wrong in WRONG.items():
            try:
                function(
                    **{"out": "o", **{argument: wrong}} if verb in ("report", "run") else {argument: wrong}
                )
            except (InputError, Reached) as error:
                assert "\n" not in str(error)
            except Exception as error:
                found.append(f"{argument}: {kind}: {type(error).__name__}: {str(error)[:80]}")
    assert found == []


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_no_study_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError):
        outbid.load(wrong)


def test_an_error_is_sent_between_processes() -> None:
    error = pickle.loads(pickle.dumps(InputError("a", "b", "c")))
    assert (type(error), str(error)) == (InputError, "a: b. c")


def test_an_unknown_option_is_named(study: LoadedStudy) -> None:
    with pytest.raises(InputError, match=r"drawz: unknown option\. Did you mean 'draws'"):
        study.simulate(drawz=25)  # type: ignore[call-arg]


def test_a_table_knows_its_months() -> None:
    """One month left out, the order turned round, one month twice: said, though no months were given."""
    table = game.simulate_panel(solved(), months=24, seed=1)
    at = game.Grid((AXIS,))
    assert len(game.play_from_panel(at, players(), table).months) == 24
    for spoilt in (table.drop(table.index[5]), table[::-1], pd.concat([table, table[-1:]])):
        with pytest.raises(InputError, match="month"):
            game.play_from_panel(at, players(), spoilt)
