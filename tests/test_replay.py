"""History with other levers: what the files may say, and that the same chances are lived through again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import Array

import contest
from outbid.ask.replay.file import Change, Replay, read_replays, replayed_levers
from outbid.ask.replay.lived import SHARES, replay
from outbid.ask.replay.rerun import Rerun, Told, recalled
from outbid.brief.replay import replayed
from outbid.errors import InputError
from outbid.infer.latent import layout, unpack
from outbid.infer.past import Historian, Past
from outbid.model.compile import build_run
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
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Simulator, Standing
from outbid.simulate.futures import summary
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
def told(toy: Model, straight: Callable[..., tuple[np.ndarray, ...]]) -> Told:
    """The toy's past over draws from its prior."""
    values, levers, path = straight()
    nothing = np.zeros((DRAWS, 0))
    paths = {name: path[:, :, i] for i, name in enumerate(OUTPUTS)}
    past = Past(paths, levers, nothing, nothing, Standing(values, {}, levers[:, -1]))
    return recalled(toy, past, vectors(toy), layout(toy, MONTHS))


@pytest.fixture(scope="module")
def lab(toy: Model) -> BatchSimulator:
    """A horizon of half the window, so that the past has to be taken up again on its way."""
    return BatchSimulator(Simulator(toy, 12), DRAWS)


def change(lever: str, first: int, last: int = MONTHS - 1, ramp: int = 1, **size: float) -> Change:
    sizes = {key: size.get(key) for key in ("to", "by", "times")}
    return Change(lever, sizes["to"], sizes["by"], sizes["times"], first, last, ramp)


def course(*changes: Change, name: str = "other") -> Replay:
    return Replay(name, "Other", "Something else is done.", changes)


# the computing


def test_a_replay_without_changes_is_exactly_what_happened(told: Told, lab: BatchSimulator) -> None:
    result = replay(lab, told, told, [course()])
    (row,) = result.contrasts
    assert np.all(row.difference == 0) and np.all(row.difference_path.quantiles == 0)
    assert row.probability_better == 0.5
    assert np.array_equal(row.path.quantiles, result.happened["members"].quantiles)


def test_living_through_the_same_levers_again_tells_the_same_past(told: Told, lab: BatchSimulator) -> None:
    levers = told.past.levers.copy()
    levers[:, 0, 1] += 1e-13  # so that every month has to be run again
    path = Rerun(lab, MONTHS).paths(told, levers, [*PEOPLE, "tempo", "outcome.members"])
    for i, name in enumerate((*PEOPLE, "tempo", "outcome.members")):
        np.testing.assert_allclose(path[:, :, i], told.past.paths[name], rtol=1e-9, atol=1e-9)


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
    told: Told,
    lab: BatchSimulator,
    straight: Callable[..., tuple[np.ndarray, ...]],
    changes: tuple[Change, ...],
) -> None:
    levers = replayed_levers(toy, course(*changes), told.past.levers)
    path = Rerun(lab, MONTHS).paths(told, levers, PEOPLE)
    np.testing.assert_allclose(path, straight(levers)[2][:, :, : len(PEOPLE)], rtol=1e-9)


@pytest.mark.slow
def test_the_historians_past_is_lived_through_again(toy: Model, lab: BatchSimulator) -> None:
    z, where = vectors(toy), layout(toy, MONTHS)
    past = Historian(toy, contest.figures(toy), contest.known_levers()).tell(z, contest.table(), 1)
    levers = past.levers.copy()
    levers[:, 0, 1] += 1e-13
    path = Rerun(lab, MONTHS).paths(recalled(toy, past, z, where), levers, OUTPUTS[:7])
    for i, name in enumerate(OUTPUTS[:7]):
        np.testing.assert_allclose(path[:, :, i], past.paths[name], rtol=1e-9, atol=1e-9)


def test_a_horizon_too_short_to_be_taken_up_again_is_made_anew(
    toy: Model, told: Told, lab: BatchSimulator
) -> None:
    levers = replayed_levers(toy, course(change("counterforce", 4, to=1.0)), told.past.levers)
    other = Rerun(BatchSimulator(Simulator(toy, 2), DRAWS), MONTHS).paths(told, levers, PEOPLE)
    np.testing.assert_allclose(other, Rerun(lab, MONTHS).paths(told, levers, PEOPLE), rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    first=st.integers(0, MONTHS - 1),
    length=st.integers(1, MONTHS),
    ramp=st.integers(1, 6),
    to=st.floats(0.0, 1.0),
)
def test_months_before_are_untouched_and_nobody_is_lost(
    toy: Model, told: Told, lab: BatchSimulator, first: int, length: int, ramp: int, to: float
) -> None:
    last = min(first + length - 1, MONTHS - 1)
    levers = replayed_levers(toy, course(change("counterforce", first, last, ramp, to=to)), told.past.levers)
    assert np.array_equal(levers[:, :first], told.past.levers[:, :first])
    assert np.array_equal(levers[:, last + 1 :], told.past.levers[:, last + 1 :])
    path = Rerun(lab, MONTHS).paths(told, levers, PEOPLE)
    before = np.stack([told.past.paths[name] for name in PEOPLE], axis=2)
    # states are those of a month's beginning, so what is done in it shows in the next
    assert np.array_equal(path[:, :first], before[:, :first])
    np.testing.assert_allclose(path[:, first], before[:, first], rtol=1e-9)
    np.testing.assert_allclose(path.sum(axis=2), before.sum(axis=2), rtol=1e-12)


def test_the_difference_is_taken_draw_by_draw_and_summed_up_as_declared(
    toy: Model, told: Told, lab: BatchSimulator
) -> None:
    item = course(change("counterforce", 6, to=1.0))
    result = replay(lab, told, told, [item])
    levers = replayed_levers(toy, item, told.past.levers)
    (row,), (own,) = result.contrasts, toy.outcomes
    would = Rerun(lab, MONTHS).paths(told, levers, ["outcome.members"])[:, :, 0]
    apart = summary(own, would) - summary(own, told.past.paths["outcome.members"])
    np.testing.assert_allclose(row.difference, np.quantile(apart, SHARES))
    assert np.all(apart < 0) and row.probability_better == row.prior_probability_better == 1.0
    assert result.seen == {"members": ("fighters",)}
    (setting,) = result.settings
    assert (setting.lever, setting.first, setting.last, setting.would_be) == ("counterforce", 6, 23, 1.0)
    assert setting.was == pytest.approx((6 * 0.4 + 12 * 0.8) / 18) and setting.stopped == 0


def test_an_inferred_lever_stops_at_its_edge_and_that_is_said(told: Told, lab: BatchSimulator) -> None:
    result = replay(lab, told, told, [course(change("hardness", 3, by=2.4))])
    (setting,) = result.settings
    assert 0 < setting.stopped <= 1
    assert setting.would_be < setting.was + 2.4
    assert replay(lab, told, told, [course(change("hardness", 3, by=0.1))]).settings[0].stopped == 0


def test_a_known_lever_must_stay_in_its_range(told: Told, lab: BatchSimulator) -> None:
    with pytest.raises(InputError, match=r"other, counterforce: would be 1\.2 in month 13"):
        replay(lab, told, told, [course(change("counterforce", 3, times=1.5))])


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
    standing = Standing(p, {}, levers[:, -1])
    past = Told(Past(paths, levers, np.zeros((1, 0)), np.zeros((1, 0)), standing), {})
    changed = levers.copy()
    changed[:, 2:5] += 0.5
    lab = BatchSimulator(Simulator(model, 3), 1)
    path = Rerun(lab, months).paths(past, changed, ["credit", "here"])
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


def read(toy: Model, folder: Path, text: str) -> tuple[Replay, ...]:
    (folder / "replays.toml").write_text(text, encoding="utf-8")
    return read_replays(folder, toy, contest.WINDOW, contest.known_levers())


def test_a_good_file_is_read(toy: Model, tmp_path: Path) -> None:
    (item,) = read(toy, tmp_path, GOOD)
    assert (item.id, item.note, item.had) == ("pressed", "Nobody answers.", "Had it been pressed")
    assert item.changes == (
        change("counterforce", 2, 11, times=1.25),
        change("counterforce", 12, ramp=3, to=1.0),
        change("hardness", 6, by=-0.3),
    )


def test_a_study_without_the_file_has_no_replays(toy: Model, tmp_path: Path) -> None:
    assert read_replays(tmp_path, toy, contest.WINDOW) == ()


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


# the shipped study


def test_the_shipped_replays_load_and_become_plain_content() -> None:
    study = load_study("khorasan")
    model, window = study.model, study.panel.window
    replays = read_replays(study.folder, model, window, study.known_levers)
    ids = [item.id for item in replays]
    assert ids[0] == "schools_open"
    assert {"schools_open_aid_doubled", "aid_doubled", "no_broad_repression"} <= set(ids)
    alone, both = replays[0].changes, replays[1].changes
    assert both[: len(alone)] == alone and both[-1].lever == "aid_offer" and both[-1].times == 2
    assert window.months[alone[0].first] == "2022-03"

    # made-up paths are enough to see what becomes of them
    draw = np.random.default_rng(0)
    levers = np.tile(study.known_levers, (4, 1, 1))
    levers[:, :, model.lever_names.index("hardness")] = 0.7
    names = [f"outcome.{item.name}" for item in model.outcomes]
    names += [f"sees.{item.series}" for item in model.observations]
    paths = {name: draw.lognormal(size=(4, len(window))) for name in names}
    paths["sees.attacks_un"] = paths["outcome.attacks"]
    past = Past(
        paths, levers, np.zeros((4, 0)), np.zeros((4, 0)), Standing(np.zeros((4, 1)), {}, levers[:, -1])
    )
    told = Told(past, {})
    still = [replace(item, changes=()) for item in replays]
    result = replay(BatchSimulator(Simulator(model, 36), 4), told, told, still)
    result = replace(result, replays=replays)
    content = replayed(study, {"neutral": result, "sources": result})
    assert content.months == window.months
    assert content.replays[0].first_month == "2022-03"
    assert {item.role for item in content.outcomes} >= {"members_lost", "resources"}
    assert len(content.effects) == 2 * len(replays) * len(model.outcomes)
    assert len(content.differences) == len(content.paths) == len(content.effects)
    row = content.effects[0]
    assert row.level_median == row.happened_median and row.median == row.q05 == row.q95 == 0
    assert row.q05 <= row.q25 <= row.q75 <= row.q95 and row.happened_q05 < row.happened_q95
    first = content.figures[0]
    assert {each.outcome for each in content.figures} == {"attacks"}
    # 152 attacks from 19 August to 31 December 2021, at a monthly rate, drawn from the window's first day
    assert first.low == first.high == pytest.approx(152 / (135 / 30.4375))
    assert first.start == "2021-09-01" and first.end == "2021-12-31"
    assert replayed(study, {}).replays == ()
