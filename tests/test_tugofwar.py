"""The tug of war: the study is sound, its theory is the published game, its panel is read with care."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbid.errors import InputError
from outbid.game.game import Player, even_axis, one_index_game
from outbid.game.kernel import dense
from outbid.progress import Silent
from outbid.replication.compute import agrees, begin, judge, read_published
from outbid.replication.game import (
    Play,
    declared_game,
    play_settings,
    read_panel,
    simulated_panel,
    specification,
    without,
)
from outbid.replication.study import GameStudy
from outbid.study import SHIPPED, Study, load_study

EQUATION = np.array([-0.018, -0.206, 1.125, 0.996, 0.0079, 0.0261, 0.216])
PAYOFFS = np.array([-0.00707, 0.000495, -0.945, -2.455])
KEY = ["table", "row", "column"]


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("tugofwar")


@pytest.fixture(scope="module")
def play(study: Study) -> Play:
    return play_settings(study)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(SHIPPED / "tugofwar", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def data(tmp_path: Path, play: Play) -> Path:
    """A data folder with an invented panel."""
    generator = np.random.default_rng(1)
    state = np.cumsum(generator.normal(0, 0.3, len(play.months)))
    lines = ["date,hamas_attack,note,fatah_attack,state"]
    for month, at in zip(play.months, state, strict=True):
        lines.append(f"{month},{int(generator.random() < 0.4)},,{int(generator.random() < 0.1)}.0,{at:.6f}")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "panel_monthly.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_study_is_sound(study: Study) -> None:
    told = GameStudy(study).check()
    assert told.problems == ()
    assert "88 published figures" in " ".join(told.lines)
    assert study.settings.kind == "game"
    assert [actor.name for actor in study.model.actors] == ["hamas", "fatah"]


def test_the_declared_theory_is_the_published_game(study: Study, play: Play) -> None:
    axis = even_axis(play.state, -10.0, 12.0, 111)
    ours = declared_game(study.model, play, axis, EQUATION).game(PAYOFFS, EQUATION)
    theirs = one_index_game(
        axis,
        [Player("hamas", (0, 1)), Player("fatah", (0, 1))],
        intercept=EQUATION[0],
        effects=EQUATION[1:3],
        persistence=EQUATION[3],
        interactions=EQUATION[4:6],
        sd=EQUATION[6],
        value=PAYOFFS[:2],
        cost=PAYOFFS[2:],
        discount=0.999,
    )
    np.testing.assert_allclose(ours.payoffs, theirs.payoffs, atol=1e-14)
    np.testing.assert_allclose(dense(ours.kernel), dense(theirs.kernel), atol=1e-13)
    np.testing.assert_array_equal(ours.discount, theirs.discount)


def test_a_family_of_games_builds_the_declared_one(study: Study, play: Play) -> None:
    axis = even_axis(play.state, -3.0, 3.0, 31)
    declared = declared_game(study.model, play, axis, EQUATION)
    family = specification(declared, EQUATION, np.eye(7))
    assert family.names == ("popularity_hamas", "popularity_fatah", "attack_hamas", "attack_fatah")
    one, other = family.game(PAYOFFS), declared.game(PAYOFFS, EQUATION)
    np.testing.assert_allclose(one.payoffs, other.payoffs)
    np.testing.assert_allclose(one.kernel.weights, other.kernel.weights)
    assert family.build_with is not None
    np.testing.assert_allclose(
        family.build_with(jnp.asarray(PAYOFFS), jnp.asarray(EQUATION)).kernel.weights, other.kernel.weights
    )
    # without Fatah's pull its action changes nothing: profiles 0 and 1, 2 and 3 lead to the same states
    alone = np.asarray(dense(declared.game(PAYOFFS, without(EQUATION, 1)).kernel))
    np.testing.assert_allclose(alone[:, 0], alone[:, 1])
    np.testing.assert_allclose(alone[:, 2], alone[:, 3])
    assert np.abs(alone[:, 0] - alone[:, 2]).max() > 0.01


@given(st.floats(-50, 50, allow_nan=False), st.integers(0, 4))
def test_what_rounds_to_the_printed_figure_agrees(ours: float, decimals: int) -> None:
    printed = round(ours, decimals)
    assert agrees(printed, "decimals", decimals, ours)
    assert not agrees(printed + 1.01 * 10.0**-decimals, "decimals", decimals, ours)


@given(st.floats(1e-6, 1e6), st.booleans())
def test_three_digits_agree_and_more_than_half_a_unit_does_not(value: float, negative: bool) -> None:
    at = -value if negative else value
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    assert agrees(at, "significant", 3, at + 0.49 * unit)
    assert not agrees(at, "significant", 3, at + 0.51 * unit)


def test_a_figure_is_judged_only_where_there_is_one() -> None:
    columns = {"table": "1", "row": "row", "column": "column", "value": -278.2015, "rule": "within"}
    published = pd.DataFrame([columns | {"precision": 1e-3, "source": "archive", "unit": "", "note": ""}])
    key = ("1", "row", "column")

    def only(*figures: tuple[float, float, float], simulated: bool = False) -> Any:
        ours = pd.DataFrame([(*key, *figure) for figure in figures], columns=[*KEY, "ours", "low", "high"])
        [row] = judge(published, ours, simulated).itertuples()
        return row

    good, missing = only((-278.2011, math.nan, math.nan)), only()
    assert good.ok
    assert good.printed == "−278.201500"
    assert good.difference == pytest.approx(4e-4)
    assert pd.isna(missing.ok)
    assert math.isnan(missing.difference)
    assert not agrees(-278.2015, "within", 1e-3, math.nan)
    inside = only((-277.0, -279.0, -275.0), simulated=True)
    outside = only((-277.0, -278.0, -275.0), simulated=True)
    unjudged = only((-277.0, math.nan, math.nan), simulated=True)
    assert inside.ok
    assert (inside.low, inside.high) == (-279.0, -275.0)
    assert not outside.ok
    assert pd.isna(unjudged.ok)


def test_the_published_figures_are_read(study: Study) -> None:
    published = read_published(study)
    assert set(published["table"]) == {"1", "2", "4", "5", "curve"}
    assert len(published.drop_duplicates(KEY)) == len(published) == 88


def test_a_panel_is_read_with_whatever_other_columns_it_has(data: Path, play: Play) -> None:
    panel = read_panel(data, play)
    assert panel.months == play.months
    assert panel.actions.shape == (300, 2)
    assert set(np.unique(panel.actions)) == {0, 1}
    assert panel.polls is None
    assert panel.bootstrap is None
    assert not panel.simulated


def drop_a_month(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("1994-05"))


def twice(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:6], lines[5], *lines[6:]])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda text: text.replace("hamas_attack", "hamas_atack"), "column 'hamas_attack' is missing"),
        (lambda text: text.replace("state", "stat"), "column 'state' is missing. Did you mean 'stat'?"),
        (lambda text: text.replace("1994-03", "1994-13"), "1994-13 is in no calendar"),
        (lambda text: text.replace("1994-03", "March 1994"), "'March 1994' is not a month"),
        (drop_a_month, "1994-06 where 1994-05 should stand"),
        (twice, "the same date as on line 6"),
        (lambda text: "\n".join(text.splitlines()[:-1]), "ends before 2018-12"),
        (lambda text: text + "2019-01,0,,0,1.0\n", "lies after the study's window"),
        (lambda text: text.replace(".0,", ".5,", 1), "is neither 0 nor 1"),
        (lambda text: "\n".join([*text.splitlines()[:3], "1994-03,1,,0,nan"]), "is not a finite number"),
        (
            lambda text: "\n".join([*text.splitlines()[:3], "1994-03,1,,0,NA"]),
            "the figure is missing. Months must",
        ),
        (
            lambda text: "\n".join([*text.splitlines()[:3], "1994-03,.,,0,1"]),
            "the figure is missing. Months must",
        ),
        (lambda text: "\n".join([*text.splitlines()[:3], "1994-03,1,,0,"]), "the field is blank"),
        (lambda text: "\n".join([*text.splitlines()[:3], "1994-03,1,,0,high"]), "'high' is not a number"),
        (lambda text: text.replace(",", ";"), "separated by semicolons"),
        (lambda _: "", "the file is empty"),
    ],
)
def test_a_spoilt_panel_is_refused_in_one_line(
    data: Path, play: Play, spoil: Callable[[str], str], told: str
) -> None:
    path = data / "panel_monthly.csv"
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_panel(data, play)
    assert told in str(caught.value)
    assert "panel_monthly.csv" in caught.value.where
    assert "\n" not in str(caught.value)


def test_a_poll_that_a_program_writes_as_missing_is_missing(data: Path, play: Play) -> None:
    lines = [",".join(["date", *play.columns.polls]), *(f"{each},NA,,NaN,.,<NA>,3" for each in play.months)]
    (data / "polls_monthly.csv").write_text("\n".join(lines))
    polls = read_panel(data, play).polls
    assert polls is not None and np.isnan(polls[:, :5]).all() and (polls[:, 5] == 3.0).all()


def test_a_wrong_folder_is_refused(data: Path, play: Play, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        read_panel(tmp_path / "nowhere", play)
    with pytest.raises(InputError, match="is a file"):
        read_panel(data / "panel_monthly.csv", play)
    with pytest.raises(InputError, match="holds no panel_monthly"):
        read_panel(tmp_path, play)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("polls_monthly.csv", "date,trust_hamas\n1994-01,3\n", "column 'trust_fatah' is missing"),
        ("measurement_model.csv", "group,name,estimate\na,rho,0.9\n", "has no row for 'trust_hamas'"),
        (
            "first_stage_bootstrap_covariance.csv",
            "term,intercept\nintercept,1\n",
            "'hamas_attack' is missing",
        ),
        ("equilibrium_by_state.csv", "state,chance\n1,2\n", "'pr_attack_hamas' is missing"),
    ],
)
def test_other_spoilt_files_are_refused(data: Path, play: Play, file: str, text: str, told: str) -> None:
    (data / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_panel(data, play)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("study.toml", 'kind = "game"', 'kind = "gam"', "Did you mean 'game'"),
        ("study.toml", "discount = 0.999", "discount = 1.0", "discount"),
        ("study.toml", "grid_step = 0.05", "grid_stepp = 0.05", "Did you mean 'grid_step'"),
        ("study.toml", 'state = "popularity"', 'state = "popularty"', "Did you mean 'popularity'"),
        ("study.toml", '"hamas_pull", ', "", "names 6 parameters"),
        ("study.toml", '"hamas_pull"', '"hamas_pul"', "Did you mean 'hamas_pull'"),
        ("study.toml", 'actor = "fatah"', 'actor = "fata"', "Did you mean 'fatah'"),
        ("study.toml", 'lever = "fatah_attack"', 'lever = "hamas_attack"', "does not hold"),
        (
            "study.toml",
            'actor = "fatah"\nlabel = "Fatah"\nlever = "fatah_',
            'actor = "hamas"\nlabel = "F"\nlever = "hamas_',
            "both",
        ),
        (
            "study.toml",
            'label = "Fatah"\nlever',
            'label = " hamas"\nlever',
            "fatah, label: has the label of hamas",
        ),
        (
            "study.toml",
            'label = "Fatah"\nlever',
            'label = "Popularity"\nlever',
            "has the label of popularity",
        ),
        (
            "study.toml",
            'name = "second intifada"',
            'name = "Oslo era"',
            "2000-09, label: has the label of 1994-01",
        ),
        ("study.toml", 'first_month = "2000-09"', 'first_month = "2007-09"', "follow one another"),
        ("study.toml", "[9, 29]", "[9, 0]", "not a fraction"),
        ("study.toml", '"2006-09"', '"2005-09"', "not a first and a last month"),
        ("study.toml", "start = [-0.02, -1.0]", "start = [-0.02]", "not two numbers"),
        ("study.toml", 'cost_weight = "attack"', 'cost_weight = "atack"', "Did you mean 'attack'"),
        ("published.csv", ",archive_2024,", ",archive_2023,", "archive_2024"),
        ("published.csv", "significant", "digits", "digits"),
        ("groups.py", "s.popularity", "s.popularty", "Did you mean 'popularity'"),
    ],
)
def test_a_broken_study_is_refused_in_one_line(copy: Path, file: str, old: str, new: str, told: str) -> None:
    change(copy / file, old, new)
    with pytest.raises(InputError) as caught:
        GameStudy(load_study(copy)).check()
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_player_who_never_acts_is_refused_in_one_line(data: Path, study: Study) -> None:
    path = data / "panel_monthly.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",1.0,", ",0.0,"), encoding="utf-8")
    with pytest.raises(InputError, match="fatah_attack: is 0 in every month"):
        begin(study, data, 1, Silent())


@pytest.mark.slow
def test_a_simulated_panel_follows_its_seed_and_can_be_estimated(study: Study, play: Play) -> None:
    one, same, other = (simulated_panel(study.model, play, EQUATION, PAYOFFS, seed) for seed in (3, 3, 40))
    np.testing.assert_array_equal(one.state, same.state)
    assert not np.array_equal(one.state, other.state)
    assert one.simulated
    assert "simulated at the published estimates" in one.source
    for panel in (one, other):
        assert panel.months == play.months
        assert (panel.actions.sum(axis=0) >= 10).all()
