"""The laws of the engine: people are conserved, hazards share, nothing leaves its range, whatever goes in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from outbid.model.compile import (
    build_run,
    build_step,
    from_scale,
    history_levers,
    initial_state,
    leaving_share,
    monthly_innovations,
    to_scale,
)
from outbid.model.declare import Model, declare
from outbid.model.priors import PRIOR_SETS, Parameter, Prior, from_standard_normal, prior_table
from outbid.model.vocabulary import (
    Anchor,
    Drift,
    Flow,
    Index,
    Lever,
    Mechanism,
    Stock,
    lever_history,
    mechanism,
)
from outbid.study import Study

Floats = NDArray[np.float64]
ON_SCALE = {"identity": float, "log": math.log, "logit": lambda value: math.log(value / (1.0 - value))}

# the whole study, one month at a time


@pytest.fixture(scope="session")
def model(khorasan: Study) -> Model:
    return khorasan.model


@pytest.fixture(scope="session")
def step(model: Model) -> Callable[..., Any]:
    return jax.jit(build_step(model))


@pytest.fixture(scope="session")
def priors(model: Model) -> Callable[[Floats, str], dict[str, Floats]]:
    values = jax.jit(from_standard_normal)

    def drawn(z: Floats, prior_set: str) -> dict[str, Floats]:
        drawn = np.asarray(values(z, prior_table(model.parameters, prior_set)))
        return dict(zip(model.parameter_names, drawn, strict=True))

    return drawn


def numbers(low: float, high: float, size: int) -> st.SearchStrategy[Floats]:
    return arrays(np.float64, size, elements=st.floats(low, high, allow_subnormal=False))


def between(ends: list[tuple[float, float]]) -> st.SearchStrategy[Floats]:
    """A number in each range: any, or the low end, or the high one."""
    low, high = np.array(ends).T
    places = arrays(np.float64, len(ends), elements=st.floats(0.0, 1.0) | st.sampled_from((0.0, 1.0)))
    return places.map(lambda place: np.clip(low + (high - low) * place, low, high))


persons = st.floats(0.0, 5e7, allow_subnormal=False) | st.sampled_from((0.0, 1.0, 2000.0, 4.1e7))


@st.composite
def months(draw: st.DrawFn, model: Model, farthest: float = 8.0) -> tuple[Any, ...]:
    """What a step takes but for the parameters, and the standard normals and prior set behind those."""
    state = {stock.name: draw(persons) for stock in model.stocks}
    values = draw(between([index.range for index in model.indices]))
    state |= {
        index.name: float(ON_SCALE[index.scale](value))
        for index, value in zip(model.indices, values, strict=True)
    }
    ranges = [(lever.low, lever.high) for lever in model.levers]
    now, before = (dict(zip(model.lever_names, draw(between(ranges)), strict=True)) for _ in range(2))
    noise = dict(zip(model.noisy, draw(numbers(-farthest, farthest, len(model.noisy))), strict=True))
    z = draw(numbers(-farthest, farthest, len(model.parameters)))
    if draw(st.booleans()):
        z = np.where(z < 0, -farthest, farthest)
    return state, noise, now, before, z, draw(st.sampled_from(PRIOR_SETS))


@given(data=st.data())
def test_a_month_conserves_people_and_leaves_nothing_out_of_range(
    model: Model,
    step: Callable[..., Any],
    priors: Callable[[Floats, str], dict[str, Floats]],
    data: st.DataObject,
) -> None:
    state, noise, now, before, z, prior_set = data.draw(months(model))
    following, month = step(state, noise, now, before, priors(z, prior_set))

    assert set(following) == set(state)
    for name, value in (*following.items(), *month.items()):
        assert np.isfinite(value), name
    stocks = [stock.name for stock in model.stocks]
    total = math.fsum(state[name] for name in stocks)
    assert math.fsum(float(following[name]) for name in stocks) == pytest.approx(total, rel=1e-12, abs=1e-300)
    for name in stocks:
        assert following[name] >= 0.0, name
    for name, value in month.items():
        if name.startswith("moved."):
            assert value >= 0.0, name
    for stock in model.stocks:
        if stock.sink:
            assert following[stock.name] >= state[stock.name]
    for index in model.indices:
        value = float(from_scale(index.scale, following[index.name]))
        low, high = index.range
        assert low - 1e-12 <= value <= high + 1e-12, index.name
        if index.scale != "identity":
            assert 0.0 < value < (1.0 if index.scale == "logit" else math.inf), index.name


def test_the_same_goes_in_and_the_same_comes_out(model: Model, khorasan: Study) -> None:
    run = jax.jit(build_run(model, ("outcome.defections", "outcome.attacks", "challengers", "aid")))
    size = 40
    generator = np.random.default_rng(3)
    values = np.asarray(
        from_standard_normal(
            generator.standard_normal(len(model.parameters)), prior_table(model.parameters, "neutral")
        )
    )
    p = dict(zip(model.parameter_names, values, strict=True))
    blocks = {name: generator.standard_normal(count) for name, count in model.innovation_blocks(size).items()}
    levers = history_levers(model, jnp.asarray(khorasan.known_levers[:size]), blocks, p)
    noise = monthly_innovations(model, blocks, size)
    state = initial_state(model, p)
    assert levers.shape == (size, len(model.levers))
    assert noise.shape == (size, len(model.noisy))

    closing, path = run(p, noise, levers, state, levers[0])
    again, second = run(p, noise, levers, state, levers[0])
    assert path.shape == (size, 4)
    assert np.isfinite(path).all()
    np.testing.assert_array_equal(path, second)
    for name in closing:
        np.testing.assert_array_equal(closing[name], again[name])


# a small contest, where everything can be computed by hand


def contest(*mechanisms: Mechanism, indices: tuple[Index, ...] = (), **further: Any) -> Model:
    """Two stocks and a sink, two levers, one parameter; the mechanisms and indices are given."""
    watched = {item.name: item for item in (*mechanisms, *further.pop("theory", ()))}
    return declare(
        stocks=(Stock("here", "H", 100.0), Stock("there", "T", 10.0), Stock("gone", "G", sink=True)),
        indices=indices,
        levers=(Lever("push", "P", "a", 0.0, 99.0), Lever("pull", "P", "b", 0.0, 99.0)),
        parameters=further.pop("parameters", ()),
        theory=[SimpleNamespace(**watched)],
    )


def flows(*given: Flow | Callable[[Any], Flow], name: str = "moves") -> Mechanism:
    def moves(s, u, p):
        """People move."""
        return tuple(item(u) if callable(item) else item for item in given)

    moves.__name__ = name
    return mechanism(evidence=["N01"])(moves)


def one_step(
    model: Model, state: Mapping[str, float], **levers: float
) -> tuple[dict[str, float], dict[str, float]]:
    now = {"push": 0.0, "pull": 0.0} | levers
    following, month = build_step(model)({**state}, {}, now, now, {})
    return {name: float(value) for name, value in following.items()}, {
        name: float(value) for name, value in month.items()
    }


LEAVE = contest(flows(lambda u: Flow("here", "there", u.push)))
COMPETE = contest(
    flows(lambda u: Flow("here", "there", u.push), name="first"),
    flows(lambda u: Flow("here", "gone", u.pull), name="second"),
)
leave, compete = (jax.jit(build_step(model)) for model in (LEAVE, COMPETE))
hazards = st.floats(0.0, 59.0, allow_subnormal=False) | st.floats(0.0, 1e-6, allow_subnormal=False)
sizes = st.floats(0.0, 1e8, allow_subnormal=False)


@given(sizes, sizes, hazards)
def test_one_flow_alone_moves_its_exponential_share(here: float, there: float, hazard: float) -> None:
    levers = {"push": hazard, "pull": 0.0}
    following, month = leave({"here": here, "there": there, "gone": 0.0}, {}, levers, levers, {})
    moved = -here * math.expm1(-hazard)
    assert float(month["moved.moves"]) == pytest.approx(moved, rel=1e-8, abs=1e-12)
    assert float(following["here"]) == pytest.approx(here * math.exp(-hazard), rel=1e-12, abs=1e-12)
    assert float(following["there"]) == pytest.approx(there + moved, rel=1e-8, abs=1e-12)


@given(sizes, hazards, hazards)
def test_competing_hazards_share_in_proportion_and_never_overdraw(
    here: float, push: float, pull: float
) -> None:
    levers = {"push": push, "pull": pull}
    following, month = compete({"here": here, "there": 0.0, "gone": 0.0}, {}, levers, levers, {})
    first, second = float(month["moved.first"]), float(month["moved.second"])
    held = min(push, 60.0) + min(pull, 60.0)
    assert first + second == pytest.approx(-here * math.expm1(-held), rel=1e-8, abs=1e-12)
    assert first * pull == pytest.approx(second * push, rel=1e-9, abs=1e-9)
    assert float(following["here"]) >= 0.0
    assert first + second <= here * (1.0 + 1e-12)


@given(sizes, hazards)
def test_two_equal_hazards_share_equally(here: float, hazard: float) -> None:
    levers = {"push": hazard, "pull": hazard}
    _, month = compete({"here": here, "there": 0.0, "gone": 0.0}, {}, levers, levers, {})
    assert float(month["moved.first"]) == float(month["moved.second"])
    expected = -0.5 * here * math.expm1(-2.0 * hazard)
    assert float(month["moved.first"]) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_everybody_leaves_at_once_and_nobody_too_many() -> None:
    # the parts of a rounded sum once added up to more than the whole, and left less than nobody behind
    crowd = contest(*(flows(Flow("here", end, 20.0 / 3.0), name=end) for end in ("there", "gone")))
    many = contest(*(flows(Flow("here", "there", 0.7 * number), name=f"m{number}") for number in range(1, 9)))
    for model in (crowd, many):
        for size in (3.0, 48_000.0, 1e8 / 3.0):
            following, _ = one_step(model, {"here": size, "there": 0.0, "gone": 0.0})
            assert following["here"] >= 0.0
            assert sum(following.values()) == pytest.approx(size, rel=1e-12)


def test_hazards_beyond_measure_and_below_zero() -> None:
    start = {"here": 100.0, "there": 10.0, "gone": 0.0}
    following, month = one_step(LEAVE, start, push=1e300)
    assert following == pytest.approx({"here": 0.0, "there": 110.0, "gone": 0.0}, abs=1e-20)
    following, month = one_step(LEAVE, start, push=-1.0)
    assert (following, month["moved.moves"]) == (start, 0.0)
    following, _ = one_step(COMPETE, start, push=1e300, pull=1e300)
    assert following == pytest.approx({"here": 0.0, "there": 60.0, "gone": 50.0}, abs=1e-20)


def test_moves_are_told_by_mechanism_and_by_where_they_lead() -> None:
    both = contest(flows(Flow("here", "gone", 0.1), Flow("there", "gone", 0.2), Flow("here", "there", 0.3)))
    following, month = one_step(both, {"here": 100.0, "there": 10.0, "gone": 1.0})
    leaving = 100.0 * (1.0 - math.exp(-0.4))
    from_there = 10.0 * (1.0 - math.exp(-0.2))
    assert month["moved.moves_to_gone"] == pytest.approx(leaving / 4.0 + from_there)
    assert month["moved.moves_to_there"] == pytest.approx(leaving * 3.0 / 4.0)
    assert month["moved.moves"] == pytest.approx(leaving + from_there)
    # who arrives in a month can't leave again within it
    assert following["there"] == pytest.approx(10.0 - from_there + leaving * 3.0 / 4.0)
    assert following["gone"] == pytest.approx(1.0 + leaving / 4.0 + from_there)


@given(st.floats(0.0, 60.0, allow_subnormal=False))
def test_the_share_that_leaves_and_its_slope(hazard: float) -> None:
    expected = -math.expm1(-hazard) / hazard if hazard > 1e-12 else 1.0
    assert float(LEAVING(hazard)) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    slope = float(LEAVING_SLOPE(hazard))
    assert -0.5 <= slope <= 0.0
    if hazard < 1e-3:
        assert slope == pytest.approx(-0.5, abs=1e-3)


LEAVING = jax.jit(leaving_share)
LEAVING_SLOPE = jax.jit(jax.grad(leaving_share))


# indices and levers


def drifting(change: float, scale: str, noise: str = "noise", **further: Any) -> Model:
    @mechanism(evidence=["N02"])
    def mood(s, u, p):
        """It changes."""
        return Drift("mood", change + 0.0 * p.noise, noise=noise)

    start = {"identity": 0.5, "log": 2.0, "logit": 0.25}[scale]
    index = Index("mood", "M", start, Anchor("drift:mood", 1), scale=scale, **further)
    positive = {name: Prior("lognormal", (0.1, 0.5)) for name in PRIOR_SETS}
    return contest(mood, indices=(index,), parameters=(Parameter("noise", "", "", positive),))


@pytest.mark.parametrize(
    ("scale", "after"),
    [
        ("identity", 0.5 + 0.2 + 0.1 * 1.5),
        ("log", 2.0 * math.exp(0.35)),
        ("logit", 1.0 / (1.0 + math.exp(-(math.log(0.25 / 0.75) + 0.35)))),
    ],
)
def test_an_index_moves_on_its_own_scale(scale: str, after: float) -> None:
    model = drifting(0.2, scale)
    levers = {"push": 0.0, "pull": 0.0}
    p = {"noise": 0.1}
    following, month = build_step(model)(initial_state(model, p), {"mood": 1.5}, levers, levers, p)
    assert float(month["mood"]) == pytest.approx({"identity": 0.5, "log": 2.0, "logit": 0.25}[scale])
    assert float(from_scale(scale, following["mood"])) == pytest.approx(after)
    silent = drifting(0.2, scale, noise="")
    assert silent.noisy == ()


@pytest.mark.parametrize("change", [1e6, -1e6])
@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [
        ("identity", -6.0, 6.0),
        ("log", 1e-6, 1e6),
        ("logit", 1e-6, 1.0 - 1e-6),
        ("identity", 0.25, 0.75),
        ("log", 0.5, 20.0),
        ("logit", 0.1, 0.9),
    ],
)
def test_an_index_that_is_driven_away_stays_in_range(
    scale: str, low: float, high: float, change: float
) -> None:
    # certainty itself has no log odds, and nothing has no log: a loop of causes once reached them, and then NaN
    usual = {"identity": (-6.0, 6.0), "log": (1e-6, 1e6), "logit": (1e-6, 1.0 - 1e-6)}[scale]
    model = drifting(change, scale, **({} if (low, high) == usual else {"low": low, "high": high}))
    assert model.index("mood").range == (low, high)
    levers = {"push": 0.0, "pull": 0.0}
    step, p = build_step(model), {"noise": 0.1}
    following, _ = step(initial_state(model, p), {"mood": 0.0}, levers, levers, p)
    following, month = step(following, {"mood": 0.0}, levers, levers, p)
    assert float(month["mood"]) == pytest.approx(high if change > 0 else low)
    assert np.isfinite(float(following["mood"]))


@pytest.mark.parametrize("scale", ON_SCALE)
def test_scales_lead_there_and_back(scale: str) -> None:
    for value in (1e-6, 0.3, 0.999):
        assert float(from_scale(scale, to_scale(scale, value))) == pytest.approx(value)


def test_the_opening_state_is_in_persons_and_on_each_scale() -> None:
    state = initial_state(drifting(0.0, "logit"), {"noise": 0.1})
    assert {name: float(value) for name, value in state.items()} == pytest.approx(
        {"here": 100.0, "there": 10.0, "gone": 0.0, "mood": math.log(0.25 / 0.75)}
    )


def test_innovations_are_held_for_as_many_months_as_an_index_says() -> None:
    model = drifting(0.0, "identity", noise_months=3)
    assert model.innovation_blocks(8) == {"mood": 3}
    held = monthly_innovations(model, {"mood": jnp.array([1.0, 2.0, 3.0])}, 8)
    assert held[:, 0].tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0]
    assert monthly_innovations(LEAVE, {}, 8).shape == (8, 0)


@mechanism(evidence=["N01"])
def turning(s, u, p):
    """People move as the push changes."""
    return Flow("here", "there", (u.push - u.previous.push) ** 2)


@given(numbers(0.0, 2.0, 6), st.floats(0.0, 2.0))
def test_a_run_is_its_steps_one_after_another(push: Floats, before: float) -> None:
    levers = np.stack([push, np.zeros(6)], axis=1)
    start = {"here": jnp.array(100.0), "there": jnp.array(10.0), "gone": jnp.array(0.0)}
    closing, path = TURN_RUN({}, np.zeros((6, 0)), levers, start, np.array([before, 0.0]))
    state, last = start, before
    for month in range(6):
        state, seen = TURN_STEP(
            state, {}, {"push": push[month], "pull": 0.0}, {"push": last, "pull": 0.0}, {}
        )
        np.testing.assert_allclose(
            path[month], [seen["moved.turning"], seen["here"], push[month]], rtol=1e-12
        )
        last = push[month]
    # by hand: who is left after each turn, and the first month's `before` counts
    left = 100.0 * math.exp(
        -math.fsum((now - then) ** 2 for now, then in zip(push, [before, *push], strict=False))
    )
    assert float(closing["here"]) == pytest.approx(left)
    for name, value in closing.items():
        np.testing.assert_allclose(value, state[name], rtol=1e-12)
    # a path begun where another one stopped goes on as if nothing had happened
    half, first_part = TURN_RUN({}, np.zeros((3, 0)), levers[:3], start, np.array([before, 0.0]))
    end, second_part = TURN_RUN({}, np.zeros((3, 0)), levers[3:], half, levers[2])
    np.testing.assert_allclose(np.concatenate([first_part, second_part]), path, rtol=1e-12)
    for name, value in closing.items():
        np.testing.assert_allclose(value, end[name], rtol=1e-12)


TURN = contest(turning)
TURN_STEP = jax.jit(build_step(TURN))
TURN_RUN = jax.jit(build_run(TURN, ("moved.turning", "here", "lever.push")))


@given(st.floats(0.0, 50.0), st.floats(0.0, 50.0))
def test_a_lever_that_nothing_reads_changes_nothing(one: float, other: float) -> None:
    start = {"here": 100.0, "there": 10.0, "gone": 0.0}
    results = [
        leave(start, {}, {"push": 0.3, "pull": pull}, {"push": 0.3, "pull": 0.0}, {}) for pull in (one, other)
    ]
    for part in range(2):
        first, second = ({**result[part]} for result in results)
        for name in set(first) - {"lever.pull"}:
            np.testing.assert_array_equal(first[name], second[name])


def test_a_lever_moves_only_what_reads_it(
    model: Model, step: Callable[..., Any], priors: Callable[[Floats, str], dict[str, Floats]]
) -> None:
    """Each lever of the study in turn; a flow also answers to what competes with it for the same people."""
    p = priors(np.full(len(model.parameters), 0.3), "sources")
    state = {name: float(value) for name, value in initial_state(model, p).items()}
    noise = dict.fromkeys(model.noisy, 0.0)
    middle = {lever.name: 0.5 * (lever.low + lever.high) for lever in model.levers}
    drifts = {index.name: index.name for index in model.indices} | {"other_violence": "other_armed_groups"}
    assert set(drifts.values()) <= {item.name for item in model.mechanisms}
    still, base = step(state, noise, middle, middle, p)
    for lever in model.levers:
        touched = reached(model, lever.name)
        moved = {**middle, lever.name: 0.25 * lever.low + 0.75 * lever.high}
        following, month = step(state, noise, moved, middle, p)
        stocks = {flow.source for flow in model.flows if flow.mechanism in touched}
        answering = {f"moved.{f.mechanism}_to_{f.target}" for f in model.flows if f.source in stocks}
        for flow in model.flows:
            name = f"moved.{flow.mechanism}_to_{flow.target}"
            if name not in answering:
                assert month[name] == base[name], f"{lever.name} moves {name}"
        for count, mechanism_name in model.counts.items():
            if mechanism_name not in touched:
                assert month[count] == base[count], f"{lever.name} moves {count}"
        for index, mechanism_name in drifts.items():
            if mechanism_name not in touched:
                assert following[index] == still[index], f"{lever.name} moves {index}"
        # and every lever but the one that is only seen through figures moves something
        if lever.name != "edict_pressure":
            assert any(month[name] != base[name] for name in month if not name.startswith("lever.")) or any(
                following[name] != still[name] for name in following
            ), f"{lever.name} moves nothing"


def reached(model: Model, lever: str) -> set[str]:
    """The mechanisms that read a lever, directly or through quantities and counts of the same month."""
    touched: set[str] = set()
    for name in model.order:
        reads = model.reads[name]
        through = {f"quantity {item}" for item in reads.s} | {
            model.counts[item] for item in reads.s if item in model.counts
        }
        if lever in reads.u or through & touched:
            touched.add(name)
    return touched


def test_the_past_of_levers_is_known_or_inferred() -> None:
    @lever_history("pull", noise="noise", evidence=["M05"])
    def pull_seen(innovations, p):
        """The pull is seen through something."""
        return {"pull": 1.0 + p.noise * innovations}

    positive = {name: Prior("lognormal", (0.1, 0.5)) for name in PRIOR_SETS}
    model = contest(turning, theory=(pull_seen,), parameters=(Parameter("noise", "", "", positive),))
    assert model.noisy == ()
    assert model.innovation_blocks(3) == {"pull_seen": 3}
    known = jnp.array([[0.1, 7.0], [0.2, 7.0], [0.3, 7.0]])
    levers = history_levers(model, known, {"pull_seen": jnp.array([0.0, 1.0, -2.0])}, {"noise": 0.5})
    np.testing.assert_allclose(levers, [[0.1, 1.0], [0.2, 1.5], [0.3, 0.0]])
