"""History with other levers: what the files may say, and that the same chances are lived through again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import Array

import contest
import toy_study
from outbid.conventions import QUANTILES
from outbid.errors import InputError
from outbid.infer.history import HistorySimulator, SmoothedHistory
from outbid.model.compile import build_run, layout, unpack
from outbid.model.declare import Model, declare
from outbid.model.vocabulary import (
    Anchor,
    Drift,
    Flow,
    Index,
    Lever,
    Parameter,
    Prior,
    Stock,
    exp,
    mechanism,
    outcome,
)
from outbid.questions.replay import QUESTION
from outbid.questions.replay.compute import innovations, replayed
from outbid.questions.replay.present import published
from outbid.questions.replay.schema import Change, Replay, Replays, replayed_levers
from outbid.simulate.engine import Rerun, Simulator, StateToday
from outbid.simulate.futures import summary
from outbid.stats.effects import EFFECT_COLUMNS
from outbid.study import load_study

DRAWS, MONTHS = 12, contest.MONTHS
PEOPLE = ("hardliners", "challengers", "sympathisers", "killed")
SEEN = ("events", "deaths", "fighters", "edicts", "raids")
OUTPUTS = (*PEOPLE, "standing", "tempo", "outcome.members", *(f"sees.{name}" for name in SEEN))


@pytest.fixture(scope="module")
def toy() -> Model:
    return contest.model()


@pytest.fixture(scope="module")
def straight(toy: Model) -> Callable[[np.ndarray | None], tuple[np.ndarray, ...]]:
    """The run that the likelihood and the historian use: other levers in, (parameters, levers, paths) out."""
    where, run = layout(toy, MONTHS), build_run(toy, OUTPUTS)

    def one(vector: Array, other: Array, inferred: Array) -> tuple[Array, Array, Array]:
        p, innovations, own, state = unpack(
            toy, where, contest.table(), jnp.asarray(contest.known_levers()), vector
        )
        levers = jnp.where(inferred, own, other)
        values = jnp.stack([p[name] for name in toy.parameter_names])
        return values, levers, run(p, innovations, levers, state, levers[0])[1]

    compiled = jax.jit(jax.vmap(one, (0, 0, None)))

    def told(levers: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        other = np.zeros((DRAWS, MONTHS, 2)) if levers is None else levers
        found = compiled(jnp.asarray(vectors(toy)), jnp.asarray(other), levers is None)
        return tuple(np.asarray(each) for each in found)

    return told


def vectors(toy: Model) -> np.ndarray:
    return np.random.default_rng(7).standard_normal((DRAWS, layout(toy, MONTHS).size))


@pytest.fixture(scope="module")
def past(toy: Model, straight: Callable[..., tuple[np.ndarray, ...]]) -> SmoothedHistory:
    """The toy's past over draws from its prior."""
    values, levers, path = straight()
    nothing = np.zeros((DRAWS, 0))
    paths = {name: path[:, :, i] for i, name in enumerate(OUTPUTS)}
    return SmoothedHistory(paths, levers, StateToday(values, {}, levers[:, -1]), nothing, nothing)


@pytest.fixture(scope="module")
def made_by(toy: Model) -> dict[str, np.ndarray]:
    """The innovations that made it."""
    return innovations(toy, layout(toy, MONTHS), vectors(toy))


@pytest.fixture(scope="module")
def simulator(toy: Model) -> Simulator:
    """A horizon of half the window, so that the past has to be taken up again on its way."""
    return Simulator(toy, 12)


def change(lever: str, first: int, last: int = MONTHS - 1, ramp: int = 1, **size: float) -> Change:
    months = contest.WINDOW.months
    until = None if last == MONTHS - 1 else months[last]
    return Change(lever=lever, start=months[first], until=until, ramp=ramp, **size)


def course(*changes: Change, name: str = "other") -> Replay:
    return Replay(id=name, label="Other", description="Something else is done.", change=changes)


def other(toy: Model, item: Replay, past: SmoothedHistory) -> np.ndarray:
    return replayed_levers(toy, item, past.levers, contest.WINDOW.months)


@pytest.fixture(scope="module")
def replay(
    past: SmoothedHistory, made_by: dict[str, np.ndarray], simulator: Simulator
) -> Callable[..., xr.Dataset]:
    """Replays of the toy's past, which serves as the one before the data too."""

    def one(*items: Replay) -> xr.Dataset:
        pasts = {"after": (past, made_by), "before": (past, made_by)}
        return replayed(Rerun(simulator, MONTHS), pasts, items, contest.WINDOW.months)

    return one


# the computing


def test_a_replay_without_an_effect_is_exactly_what_happened(replay: Callable[..., xr.Dataset]) -> None:
    result = replay(course(change("counterforce", 0, 5, to=0.4), name="still"))
    assert np.all(result.difference == 0) and np.all(result.path.sel(kind="difference") == 0)
    level = result.path.sel(replay="still", kind="level")
    assert np.array_equal(level.transpose(*result.happened_path.dims), result.happened_path)


def test_living_through_the_same_levers_again_tells_the_same_past(
    past: SmoothedHistory, made_by: dict[str, np.ndarray], simulator: Simulator
) -> None:
    levers = past.levers.copy()
    levers[:, 0, 1] += 1e-13  # so that every month has to be run again
    outputs = [*PEOPLE, "tempo", "outcome.members"]
    path = Rerun(simulator, MONTHS).paths(past, made_by, levers, outputs)
    for i, name in enumerate(outputs):
        np.testing.assert_allclose(path[:, :, i], past.paths[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        (change("counterforce", 0, times=0.5),),
        (change("hardness", 7, 15, by=0.4), change("counterforce", 10, to=1.0, ramp=4)),
        (change("hardness", MONTHS - 1, to=0.2),),
    ],
    ids=["from the first month", "two levers, one for a while", "in the last month"],
)
def test_a_replay_is_what_the_likelihoods_own_run_says(
    toy: Model,
    past: SmoothedHistory,
    made_by: dict[str, np.ndarray],
    simulator: Simulator,
    straight: Callable[..., tuple[np.ndarray, ...]],
    changes: tuple[Change, ...],
) -> None:
    levers = other(toy, course(*changes), past)
    path = Rerun(simulator, MONTHS).paths(past, made_by, levers, PEOPLE)
    np.testing.assert_allclose(path, straight(levers)[2][:, :, : len(PEOPLE)], rtol=1e-9)


@pytest.mark.slow
def test_the_historians_past_is_lived_through_again(toy: Model, simulator: Simulator) -> None:
    z, where = vectors(toy), layout(toy, MONTHS)
    past = HistorySimulator(toy, contest.figures(toy), contest.known_levers()).run(z, contest.table(), 1)
    levers = past.levers.copy()
    levers[:, 0, 1] += 1e-13
    path = Rerun(simulator, MONTHS).paths(past, innovations(toy, where, z), levers, OUTPUTS[:7])
    for i, name in enumerate(OUTPUTS[:7]):
        np.testing.assert_allclose(path[:, :, i], past.paths[name], rtol=1e-9, atol=1e-9)


def test_a_horizon_too_short_to_be_taken_up_again_is_made_anew(
    toy: Model, past: SmoothedHistory, made_by: dict[str, np.ndarray], simulator: Simulator
) -> None:
    levers = other(toy, course(change("counterforce", 4, to=1.0)), past)
    short = Rerun(Simulator(toy, 2), MONTHS).paths(past, made_by, levers, PEOPLE)
    long = Rerun(simulator, MONTHS).paths(past, made_by, levers, PEOPLE)
    np.testing.assert_allclose(short, long, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    first=st.integers(0, MONTHS - 1),
    length=st.integers(1, MONTHS),
    ramp=st.integers(1, 6),
    to=st.floats(0.0, 1.0),
)
def test_months_before_are_untouched_and_nobody_is_lost(
    toy: Model,
    past: SmoothedHistory,
    made_by: dict[str, np.ndarray],
    simulator: Simulator,
    first: int,
    length: int,
    ramp: int,
    to: float,
) -> None:
    last = min(first + length - 1, MONTHS - 1)
    levers = other(toy, course(change("counterforce", first, last, ramp, to=to)), past)
    assert np.array_equal(levers[:, :first], past.levers[:, :first])
    assert np.array_equal(levers[:, last + 1 :], past.levers[:, last + 1 :])
    path = Rerun(simulator, MONTHS).paths(past, made_by, levers, PEOPLE)
    before = np.stack([past.paths[name] for name in PEOPLE], axis=2)
    # states are those of a month's beginning, so what is done in it shows in the next
    assert np.array_equal(path[:, :first], before[:, :first])
    np.testing.assert_allclose(path[:, first], before[:, first], rtol=1e-9)
    np.testing.assert_allclose(path.sum(axis=2), before.sum(axis=2), rtol=1e-12)


def test_the_difference_is_taken_draw_by_draw_and_summed_up_as_declared(
    toy: Model,
    past: SmoothedHistory,
    made_by: dict[str, np.ndarray],
    simulator: Simulator,
    replay: Callable[..., xr.Dataset],
) -> None:
    item = course(change("counterforce", 6, to=1.0))
    result, (own,) = replay(item), toy.outcomes
    levers = other(toy, item, past)
    would = Rerun(simulator, MONTHS).paths(past, made_by, levers, ["outcome.members"])[:, :, 0]
    apart = summary(own.summary, would) - summary(own.summary, past.paths["outcome.members"])
    np.testing.assert_allclose(result.difference.sel(data="after").squeeze(), apart)
    assert np.all(apart < 0)
    quantiles = np.quantile(summary(own.summary, would), list(QUANTILES.values()))
    np.testing.assert_allclose(result.level.squeeze(), quantiles)
    assert result.observes.squeeze().to_series().pipe(lambda each: list(each[each].index)) == ["fighters"]
    was, would_be, stopped = result.levers.sel(lever="counterforce").squeeze().values
    assert was == pytest.approx((6 * 0.4 + 12 * 0.8) / 18) and would_be == 1.0 and stopped == 0
    assert np.isnan(result.levers.sel(lever="hardness")).all()


def test_an_inferred_lever_stops_at_its_edge_and_that_is_said(replay: Callable[..., xr.Dataset]) -> None:
    was, would_be, stopped = (
        replay(course(change("hardness", 3, by=2.4))).levers.sel(lever="hardness").values[0]
    )
    assert 0 < stopped <= 1 and would_be < was + 2.4
    assert replay(course(change("hardness", 3, by=0.1))).levers.sel(lever="hardness").values[0, 2] == 0


def test_a_known_lever_must_stay_in_its_range(replay: Callable[..., xr.Dataset]) -> None:
    with pytest.raises(InputError, match=r"other, counterforce: would be 1\.2 in 2022-09"):
        replay(course(change("counterforce", 3, times=1.5)))


@mechanism(evidence=["X1"])
def credit(s, u, p):
    """Credit follows turns of the lever alone."""
    return Drift("credit", u.push - u.previous.push)


@mechanism(evidence=["X2"])
def leaving(s, u, p):
    """People leave for want of credit."""
    return Flow("here", "gone", p.base * exp(-s.credit))


@outcome(label="Credit", unit="index", better="higher", summary="end")
def credit_left(s, u, p, m):
    """Credit."""
    return s.credit


def test_a_turn_of_a_lever_works_once_there_and_once_back() -> None:
    prior = Prior("lognormal", (0.01, 0.5))
    model = declare(
        stocks=(Stock("here", "Here", 100.0), Stock("gone", "Gone", 0.0, sink=True)),
        indices=(Index("credit", "Credit", 0.0, Anchor("hazard:leaving", -1, -1.0)),),
        levers=(Lever("push", "How hard", "incumbent", 0.0, 1.0),),
        parameters=(Parameter("base", "1/month", "rate", {"neutral": prior, "sources": prior}),),
        theory=[sys.modules[__name__]],
        file="the turn",
    )
    months, levers = 8, np.full((1, 8, 1), 0.2)
    p = np.array([[0.01]])
    stay = 100 * np.exp(-0.01 * np.arange(months))[None]
    zero = np.zeros((1, months))
    paths = {"here": stay, "gone": 100 - stay, "credit": zero, "outcome.credit_left": zero}
    standing = StateToday(p, {}, levers[:, -1])
    past = SmoothedHistory(paths, levers, standing, np.zeros((1, 0)), np.zeros((1, 0)))
    changed = levers.copy()
    changed[:, 2:5] += 0.5
    simulator = Simulator(model, 3)
    path = Rerun(simulator, months).paths(past, {}, changed, ["credit", "here"])
    np.testing.assert_allclose(path[0, :, 0], [0, 0, 0, 0.5, 0.5, 0.5, 0, 0], atol=1e-12)
    hazard = 0.01 * np.exp([0, 0, 0, -0.5, -0.5, -0.5, 0])
    np.testing.assert_allclose(path[0, 1:, 1], 100 * np.exp(-np.cumsum(hazard)))


# the file

GOOD = """
[[replay]]
id = "pressed"
label = "Pressed"
description = "The challenger is pressed harder."
note = "Nobody answers."
had = "Had it been pressed"
[[replay.change]]
lever = "counterforce"
times = 1.25
from = "2021-11"
until = "2022-08"
[[replay.change]]
lever = "counterforce"
to = 1
from = "2022-09"
ramp = 3
[[replay.change]]
lever = "hardness"
by = -0.3
from = "2022-03"
"""


def read(toy: Model, folder: Path, text: str) -> Replays | None:
    (folder / "replays.toml").write_text(text, encoding="utf-8")
    return QUESTION.declare(toy_study.toy_study(folder, toy))


def test_a_good_file_is_read(toy: Model, tmp_path: Path) -> None:
    asked = read(toy, tmp_path, GOOD)
    assert asked is not None
    (item,) = asked.replay
    assert (item.id, item.note, item.opening) == ("pressed", "Nobody answers.", "Had it been pressed")
    assert item.levers == ("counterforce", "hardness")
    assert item.change == (
        change("counterforce", 2, 11, times=1.25),
        change("counterforce", 12, ramp=3, to=1.0),
        change("hardness", 6, by=-0.3),
    )
    assert list(item.places("counterforce", contest.WINDOW.months)) == list(range(2, 24))


def test_a_study_without_the_file_has_no_replays(toy: Model, tmp_path: Path) -> None:
    assert QUESTION.declare(toy_study.toy_study(tmp_path, toy)) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"hardness"', '"hardnes"', "no lever 'hardnes'. Did you mean 'hardness'"),
        ('from = "2022-03"', 'from = "2021-08"', "hardness, from: 2021-08 lies outside the window"),
        ('from = "2022-03"', 'from = "2022-3"', "is not a month"),
        ('from = "2022-03"', 'from = "2022-13"', "hardness, from"),
        ('from = "2022-03"', "from = 202203", 'Write it in quotes as "YYYY-MM"'),
        ('from = "2022-03"', "", "hardness, from: missing"),
        ('until = "2022-08"', 'until = "2021-10"', "lies before `from`"),
        ('until = "2022-08"', 'until = "2022-09"', "two changes of it fall into the same month"),
        ('until = "2022-08"', 'until = "2024-01"', "until: 2024-01 lies outside the window"),
        ("by = -0.3", "", "exactly one of `to`, `by` and `times`"),
        ("by = -0.3", "by = -0.3\nto = 0.1", "exactly one of `to`, `by` and `times`"),
        ("by = -0.3", "by = nan", "hardness, by: is not a number"),
        ("by = -0.3", 'by = "much"', "is not a number"),
        ("by = -0.3", "by = true", "is not a number"),
        ("by = -0.3", "by = 0", "a difference of 0 is none"),
        ("by = -0.3", "by = -9", "more than the lever's range"),
        ("by = -0.3", "to = 7", "7 is outside the lever's range"),
        ("times = 1.25", "times = 1", "changes nothing"),
        ("times = 1.25", "times = -1", "negative"),
        ("times = 1.25", "times = 3", "counterforce: would be 1.2 in 2021-11, outside the lever's range"),
        ("ramp = 3", "ramp = 0", "ramp: is not a whole number of at least 1"),
        ("ramp = 3", "ramp = 1.5", "ramp: is not a whole number"),
        ("ramp = 3", "ramps = 3", "Did you mean 'ramp'"),
        ('note = "Nobody answers."', 'notes = "x"', "Did you mean 'note'"),
        ('note = "Nobody answers."', 'note = ""', "note: missing or empty"),
        ('label = "Pressed"', "", "label: missing or empty"),
        ('id = "pressed"', 'id = "not plain"', "has no plain id"),
        ("[[replay]]", "[[replays]]", "Did you mean 'replay'"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(toy: Model, tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        read(toy, tmp_path, GOOD.replace(old, new))
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("replays.toml")


def test_ids_are_unique_and_a_replay_changes_something(toy: Model, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pressed: this id is taken twice"):
        read(toy, tmp_path, GOOD + GOOD)
    with pytest.raises(InputError, match="pressed: changes nothing"):
        read(toy, tmp_path, GOOD.split("[[replay.change]]")[0])
    with pytest.raises(InputError, match="holds no replay"):
        read(toy, tmp_path, "")


# what is shown


@pytest.fixture(scope="module")
def shown(
    toy: Model, replay: Callable[..., xr.Dataset], tmp_path_factory: pytest.TempPathFactory
) -> tuple[xr.Dataset, Any]:
    """Two replays under both prior sets, and the study that declares them."""
    folder = tmp_path_factory.mktemp("toy")
    second = (
        GOOD.replace("pressed", "again")
        .replace('"Pressed"', '"Again"')
        .replace("The challenger is", f"It is {toy_study.PLANTED}")
    )
    study = toy_study.toy_study(folder, toy_study.planted(toy))
    (folder / "replays.toml").write_text(GOOD + second, encoding="utf-8")
    asked = QUESTION.declare(study)
    assert asked is not None
    study.declared = {"replay": asked}
    one = replay(*asked.replay)
    return xr.concat([one, one], xr.Variable("prior", ["neutral", "sources"])), study


def test_tables_are_tidy_and_survive_being_kept(shown: tuple[xr.Dataset, Any], tmp_path: Path) -> None:
    dataset, study = shown
    dataset.to_netcdf(tmp_path / "kept.nc", engine="netcdf4")
    kept = xr.load_dataset(tmp_path / "kept.nc", engine="netcdf4")
    made, again = (QUESTION.tables(each, study) for each in (dataset, kept))
    assert list(made) == ["replays", "replay_paths", "replay_levers"]
    for name, keys in (
        ("replays", ["replay", "prior", "outcome"]),
        ("replay_paths", ["replay", "kind", "prior", "outcome", "month"]),
        ("replay_levers", ["replay", "prior", "lever"]),
    ):
        assert not made[name].duplicated(keys).any()
        pd.testing.assert_frame_equal(made[name], again[name])
    assert set(EFFECT_COLUMNS) < set(made["replays"])
    row = made["replays"].iloc[0]
    assert row.q05 <= row.q25 <= row["median"] <= row.q75 <= row.q95 and row.happened_q05 < row.happened_q95
    assert len(made["replay_paths"]) == MONTHS * 2 * (1 + 2 * 2)
    levers = (
        made["replay_levers"].set_index(["replay", "lever", "prior"]).loc[("again", "hardness", "sources")]
    )
    assert (levers.first_month, levers.last_month, levers.unit) == ("2022-03", "2023-08", "share")


def test_the_section_opens_on_the_difference_taking_the_texts_at_their_word(
    shown: tuple[xr.Dataset, Any],
) -> None:
    section = QUESTION.section(*shown)
    (figure,) = section.figures
    assert [each.value for each in figure.controls] == ["sources", "pressed", "difference"]
    assert section.words["heading"].startswith("Had it been pressed, ")
    rows = figure.data["replay"]
    assert set(rows["kind"].dropna()) == {"level", "difference", "figure"}
    # an estimate of members of which only the floor is known is drawn as that
    floor = rows[(rows["kind"] == "figure") & (rows["start"] == "2023-06-01")].iloc[0]
    assert (floor.low, floor.high, floor.series) == (2000.0, 2000.0, "fighters")
    html = toy_study.rendered(section)
    assert toy_study.PLANTED not in html and "&lt;script&gt;" in html
    text = toy_study.visible(html)
    assert "assumed" in text and "100%" not in text and "Nobody answers." in text
    assert "counterforce 0.76 instead of 0.62 on average, from November 2021 on" in text


def test_the_terminal_gets_ten_short_lines(shown: tuple[xr.Dataset, Any]) -> None:
    told = QUESTION.lines(*shown)
    assert 3 <= len(told) <= 10 and all(len(line) <= 100 for line in told)
    assert "assumed | " in told[-1]


def test_figures_are_drawn_at_their_monthly_rate(shown: tuple[xr.Dataset, Any]) -> None:
    study = load_study("khorasan")
    dataset = xr.Dataset(
        {"observes": (("prior", "outcome", "series"), [[[True]]])},
        {"outcome": ["attacks"], "series": ["attacks_un"]},
    )
    first = published(dataset, study).iloc[0]
    # 152 attacks from 19 August to 31 December 2021, drawn from the window's first day
    assert first.value == pytest.approx(152 / (135 / 30.4375))
    assert (first.start, first.end) == ("2021-09-01", "2021-12-31")


def test_the_shipped_replays_load() -> None:
    study = load_study("khorasan")
    asked = QUESTION.declare(study)
    assert asked is not None
    ids = [item.id for item in asked.replay]
    assert ids[0] == "schools_open"
    assert {"schools_open_aid_doubled", "aid_doubled", "no_broad_repression"} <= set(ids)
    alone, both = asked.replay[0].change, asked.replay[1].change
    assert both[: len(alone)] == alone and both[-1].lever == "aid_offer" and both[-1].times == 2
    assert alone[0].start == "2022-03"
