"""Estimation with the state unobserved: what may be asked for, exact scores, anchors, recovery of known numbers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from outbid.errors import InputError
from outbid.game.equilibrium import solve
from outbid.game.game import Axis, Game, Grid, Player, even_axis
from outbid.game.hidden_estimates import FullInformation, Likelihood, Record, full_information
from outbid.game.hidden_game import Anchor, Free, HiddenGame, Measure, Normal, one_index_hidden
from outbid.game.kernel import Scattered, banded_from
from outbid.game.markov import Chain, draw, joint_log, month_logs, seen_actions
from outbid.game.newton import log_probabilities

AXIS = even_axis("support", -8.0, 8.0, 41)
PLAYERS = (Player("mild", (0, 1)), Player("hard", (0, 1)))
MEASURES = (
    Measure("poll", Free(0.6, sign=1), intercept=0.0),
    Measure("trust", Free(-0.3)),
)
ANCHOR = Anchor(location="poll.intercept", scale="sd", sign="poll.loading")
TRUTH = {
    "intercept": 0.0,
    "persistence": 0.85,
    "effect.mild": -1.0,
    "effect.hard": 1.0,
    "value.mild": -0.8,
    "value.hard": 0.6,
    "cost.mild": -2.0,
    "cost.hard": -2.0,
    "poll.loading": 1.0,
    "poll.sd": 0.7,
    "trust.intercept": 0.2,
    "trust.loading": -0.5,
    "trust.sd": 1.0,
}


def hidden(**changes: Any) -> HiddenGame:
    """The small game of these tests, some of it changed."""
    settings: dict[str, Any] = {
        "value": (Free(-0.3), Free(0.3)),
        "cost": (Free(-0.5), Free(-0.5)),
        "intercept": Free(0.0),
        "persistence": Free(0.8),
        "effects": (Free(-0.5), Free(0.5)),
        "interactions": (-0.15, -0.2),
        "sd": 1.0,
        "discount": 0.9,
        "measures": MEASURES,
        "anchor": ANCHOR,
        "axis": AXIS,
        "players": PLAYERS,
    } | changes
    return one_index_hidden(**settings)


@pytest.fixture(scope="module")
def small() -> HiddenGame:
    """One specification for all tests, so that it is compiled once."""
    return hidden()


def simulated(game: HiddenGame, months: int, seed: int) -> tuple[Record, np.ndarray]:
    """A record that play at the truth left, a third of its measures missing, and the states behind it."""
    truth = np.array([TRUTH[name] for name in game.names])
    found = solve(game.game(jnp.asarray(truth)))
    logs = joint_log((2, 2), log_probabilities(found.game.arrays, jnp.asarray(found.values)))
    states, profiles = draw(found.long_run, found.game.kernel, logs, months, seed)
    at = np.asarray(AXIS.points)[states]
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((months, 2))
    figures = np.column_stack([at + 0.7 * noise[:, 0], 0.2 - 0.5 * at + noise[:, 1]])
    figures[generator.random(figures.shape) < 1 / 3] = np.nan
    return Record(np.column_stack(np.divmod(profiles, 2)), figures), at


@pytest.fixture(scope="module")
def record(small: HiddenGame) -> Record:
    return simulated(small, 300, seed=1)[0]


@pytest.fixture(scope="module")
def fitted(small: HiddenGame, record: Record) -> FullInformation:
    return full_information(small, record)


@pytest.mark.slow
def test_scores_are_those_of_finite_differences(small: HiddenGame, record: Record) -> None:
    likelihood = Likelihood(small, record)
    point = likelihood.at(small.start, by_month=True)
    assert point.logs.shape == (300,)
    assert point.scores is not None
    assert point.scores.shape == (300, 13)
    np.testing.assert_allclose(point.scores.sum(axis=0), point.score)
    for direction, score in zip(1e-5 * np.eye(13), point.score, strict=True):
        ahead, behind = likelihood.at(small.start + direction), likelihood.at(small.start - direction)
        difference = (ahead.log_likelihood - behind.log_likelihood) / 2e-5
        assert score == pytest.approx(difference, rel=1e-6, abs=1e-6)


@pytest.mark.slow
def test_the_likelihood_does_not_hang_on_where_newton_starts(small: HiddenGame, record: Record) -> None:
    likelihood = Likelihood(small, record)
    fresh = likelihood.at(small.start)
    near = likelihood.at(1.05 * small.start, fresh.values)
    astray = likelihood.at(1.05 * small.start, np.full_like(fresh.values, 1e200))
    assert near.log_likelihood == pytest.approx(astray.log_likelihood, abs=1e-9)


def test_known_numbers_are_recovered(small: HiddenGame, fitted: FullInformation) -> None:
    found = fitted.estimates
    truth = np.array([TRUTH[name] for name in small.names])
    assert found.converged
    assert found.names == tuple(TRUTH)
    assert small.first is None
    assert np.abs(found.estimates - truth).max() > 0
    for kind in ("uncorrected", "robust"):
        assert (np.abs(found.estimates - truth) < 3 * found.standard_errors(kind)).all()
    assert found.log_likelihood > Likelihood(small, simulated(small, 300, 1)[0]).at(truth).log_likelihood
    assert found.equilibrium.certificate.residual < 1e-10
    assert found.observations == 300
    np.testing.assert_allclose(fitted.scores.sum(axis=0), 0.0, atol=1e-4)
    assert fitted.notes == ()
    assert "poll.loading" in fitted.summary()


def test_the_smoothed_state_is_near_the_true_one(small: HiddenGame, fitted: FullInformation) -> None:
    true = simulated(small, 300, seed=1)[1]
    points = np.asarray(AXIS.points)
    mean, spread = fitted.state.mean(points), fitted.state.sd(points)
    assert np.corrcoef(mean, true)[0, 1] > 0.85
    assert np.mean(np.abs(mean - true) < 2 * spread) > 0.85
    # the months ahead say something too
    assert spread.mean() < fitted.state.sd(points, smoothed=False).mean()


def test_another_start_leads_to_the_same_top(
    small: HiddenGame, record: Record, fitted: FullInformation
) -> None:
    again = full_information(small, record, np.array(list(TRUTH.values())))
    assert again.estimates.log_likelihood == pytest.approx(fitted.estimates.log_likelihood, abs=1e-6)
    errors = fitted.estimates.standard_errors()
    assert (np.abs(again.estimates.estimates - fitted.estimates.estimates) < 1e-3 * errors).all()


@pytest.mark.slow
def test_what_is_held_stays_and_missing_actions_are_borne(small: HiddenGame, record: Record) -> None:
    true = {name: TRUTH[name] for name in ("poll.loading", "poll.sd", "trust.loading")}
    measures = (
        Measure("poll", true["poll.loading"], intercept=0.0, sd=true["poll.sd"]),
        Measure("trust", true["trust.loading"], intercept=0.2, sd=1.0),
    )
    game = hidden(
        measures=measures, persistence=0.85, intercept=0.0, effects=(-1.0, 1.0), first=Normal(0.0, 2.0)
    )
    assert game.names == ("value.mild", "value.hard", "cost.mild", "cost.hard")
    actions = np.array(record.actions)
    actions[::5, 0] = -1
    actions[7] = -1
    found = full_information(game, Record(actions, record.measures)).estimates
    assert found.converged
    assert (np.abs(found.estimates - [-0.8, 0.6, -2.0, -2.0]) < 3 * found.standard_errors()).all()


@pytest.mark.slow
def test_a_game_without_influence_has_the_likelihood_of_a_kalman_filter() -> None:
    sd, persistence = 0.5, 0.8
    axis = even_axis("support", -6.0, 6.0, 481)
    game = hidden(
        axis=axis,
        effects=(0.0, 0.0),
        interactions=(0.0, 0.0),
        sd=sd,
        persistence=Free(persistence),
        measures=(Measure("poll", 1.0, 0.0, Free(0.7, sign=1)), Measure("trust", Free(-0.5), 0.2, 1.0)),
        first=Normal(0.0, 1.0),
    )
    generator = np.random.default_rng(3)
    figures = generator.standard_normal((120, 2))
    figures[generator.random((120, 2)) < 0.4] = np.nan
    actions = generator.integers(0, 2, (120, 2))
    mean, variance, wanted = 0.0, 1.0, 0.0
    for row in figures:
        for y, start, loading, noise in zip(row, (0.0, 0.2), (1.0, -0.5), (0.7, 1.0), strict=True):
            if not np.isnan(y):
                total = loading**2 * variance + noise**2
                gap = y - start - loading * mean
                wanted -= 0.5 * (np.log(2 * np.pi * total) + gap**2 / total)
                mean += variance * loading / total * gap
                variance *= 1 - loading**2 * variance / total
        mean, variance = persistence * mean, persistence**2 * variance + sd**2
    # actions change nothing, so only their costs count
    chance = 1 / (1 + np.exp(0.5))
    wanted += (actions * np.log(chance) + (1 - actions) * np.log(1 - chance)).sum()
    likelihood = Likelihood(game, Record(actions, figures))
    found = likelihood.at(game.start)
    assert found.log_likelihood == pytest.approx(wanted, abs=1e-3)
    # on a grid this fine the score comes from the expected moves of the state, not from the months' scores
    assert found.scores is None
    by_month = likelihood.at(game.start, by_month=True)
    assert by_month.scores is not None
    np.testing.assert_allclose(found.score, by_month.scores.sum(axis=0), rtol=1e-8, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["banded", "scattered"])
def test_measures_may_see_any_axis_of_any_game(kind: str) -> None:
    grid = Grid((Axis("one", (0.0, 1.0, 2.0)), Axis("two", (-1.0, 1.0))))
    generator = np.random.default_rng(8)
    matrix = generator.dirichlet(np.ones(6), size=(6, 4))
    targets = jnp.broadcast_to(jnp.arange(6), (6, 4, 6))
    kernel = banded_from(matrix) if kind == "banded" else Scattered(targets, jnp.asarray(matrix))
    payoffs = jnp.asarray(generator.standard_normal((2, 6, 4)))

    def build(parameters: jax.Array) -> Game:
        return Game(PLAYERS, grid, parameters[0] * payoffs, kernel, jnp.full(2, 0.8), jnp.ones(2))

    measures = (Measure("first", 1.0, 0.0, 1.0), Measure("second", Free(0.5, sign=1), 0.3, 1.0, axis="two"))
    anchor = Anchor("first.intercept", "first.loading", "first.loading")
    game = HiddenGame({"weight": Free(0.7)}, build, measures, anchor)
    figures, actions = generator.standard_normal((9, 2)), generator.integers(0, 2, (9, 2))
    point = Likelihood(game, Record(actions, figures)).at(game.start)
    found = solve(build(jnp.array([0.7])))
    logs = joint_log((2, 2), log_probabilities(found.game.arrays, jnp.asarray(found.values)))
    centres = grid.values * [1.0, 0.5] + [0.0, 0.3]
    measured = norm.logpdf(figures[:, None, :], centres[None], 1.0).sum(axis=2)
    seen = seen_actions((2, 2), actions)
    wanted = month_logs(Chain(jnp.log(found.long_run), kernel, logs, seen, jnp.asarray(measured))).sum()
    assert point.log_likelihood == pytest.approx(float(wanted), abs=1e-9)
    with pytest.raises(InputError, match="no such axis"):
        wrong = (measures[0], Measure("second", 1.0, axis="too"))
        Likelihood(HiddenGame({"weight": Free(0.7)}, build, wrong, anchor), Record(actions, figures)).at(
            [0.7, 0.0, 1.0]
        )


@pytest.mark.slow
def test_what_the_record_leaves_open_is_named() -> None:
    # who does not look ahead acts alike whatever the state is worth
    measures = (Measure("poll", 1.0, intercept=0.0, sd=0.7),)
    game = hidden(discount=0.0, measures=measures, intercept=0.0, effects=(-1.0, 1.0), persistence=0.85)
    record = simulated(hidden(), 120, seed=2)[0]
    result = full_information(game, Record(record.actions, record.measures[:, :1]))
    assert not result.estimates.converged
    assert "value.mild, value.hard" in result.estimates.message
    assert np.isnan(result.estimates.standard_errors()).all()
    assert result.summary().startswith("NOT CONVERGED")


@pytest.mark.slow
def test_a_quantity_bound_to_the_wrong_sign_is_told() -> None:
    measures = (Measure("poll", 1.0, intercept=0.0, sd=0.7), Measure("trust", Free(0.3, sign=1), 0.2, 1.0))
    game = hidden(measures=measures, persistence=0.85, intercept=0.0, effects=(-1.0, 1.0))
    result = full_information(game, simulated(hidden(), 200, seed=3)[0])
    assert any(note.startswith("trust.loading ran to zero") for note in result.notes)


@pytest.mark.slow
def test_a_grid_that_is_too_short_is_told() -> None:
    measures = (Measure("poll", 1.0, intercept=0.0, sd=1.0),)
    game = hidden(
        axis=even_axis("support", -1.0, 1.0, 11), measures=measures, persistence=0.85, intercept=0.0
    )
    record = simulated(hidden(), 80, seed=3)[0]
    result = full_information(game, Record(record.actions, record.measures[:, :1]))
    assert any("widen the grid" in note for note in result.notes)
    assert "widen the grid" in result.summary()


@pytest.mark.parametrize(
    ("anchor", "message"),
    [
        (Anchor("intercept", "sd", "poll.loading"), "'intercept' is free, so the state has no location"),
        (
            Anchor("poll.intercept", "poll.loading", "poll.loading"),
            "'poll.loading' is free, so the state has no scale",
        ),
        (
            Anchor("poll.intercept", "sd", "trust.loading"),
            "'trust.loading' is free, so the state has no sign",
        ),
        (Anchor("poll.intercept", "sd", "sd"), "a standard deviation has no direction"),
        (Anchor("poll.intercept", "poll.sd", "poll.loading"), "does not settle the state's scale"),
        (Anchor("poll.loading", "sd", "poll.loading"), "does not settle the state's location"),
        (Anchor("poll.intercept", "sd", "pol.loading"), "Did you mean 'poll.loading'"),
    ],
)
def test_a_state_without_anchor_is_refused(anchor: Anchor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        hidden(anchor=anchor)


def test_a_loading_held_at_zero_anchors_nothing() -> None:
    with pytest.raises(InputError, match="held at zero"):
        hidden(
            measures=(Measure("poll", 0.0, 0.0), MEASURES[1]),
            anchor=Anchor("poll.intercept", "sd", "poll.loading"),
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measures": ()}, "there are none"),
        ({"measures": (MEASURES[0], MEASURES[0])}, "taken twice"),
        ({"measures": (MEASURES[0], Measure("trust", 1.0, sd=0.0))}, "may not be positive"),
        ({"measures": (MEASURES[0], Measure("trust", 1.0, sd=Free(1.0)))}, "may not be positive"),
        ({"persistence": float("nan")}, "persistence.*is nan"),
        ({"value": (Free(0.0),)}, "value: has 1 entries"),
        ({"axis": Axis("support", (0.0, 1.0, 3.0))}, "not evenly spaced"),
    ],
)
def test_specifications_that_are_none_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        hidden(**changes)


@pytest.mark.parametrize(("start", "sign"), [(-1.0, 1), (0.0, -1), (float("nan"), 0), (1.0, 2)])
def test_starts_against_their_sign_are_refused(start: float, sign: int) -> None:
    with pytest.raises(InputError, match="free quantity"):
        Free(start, sign)


@pytest.mark.parametrize(
    ("actions", "measures", "months", "message"),
    [
        (np.zeros((3, 2)), np.zeros((4, 2)), (), "actions of 3 months and measures of 4"),
        (np.zeros((3, 2)), np.zeros((3, 2)), ("2001-01", "2001-02"), "2 months have names"),
        (np.zeros((2, 2)), np.zeros((2, 2)), ("2001-01", "2001-03"), "2001-02"),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), (), "measure 1: has no figure at all"),
        (np.zeros((3, 2)), np.full((3, 2), np.inf), (), "is infinite"),
        (np.zeros(3), np.zeros((3, 2)), (), "no pair of tables"),
    ],
)
def test_records_that_are_none_are_refused(
    actions: np.ndarray, measures: np.ndarray, months: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Record(actions, measures, months)


def test_a_record_must_fit_its_specification(small: HiddenGame) -> None:
    with pytest.raises(InputError, match="have 1 columns"):
        Likelihood(small, Record(np.zeros((3, 2)), np.zeros((3, 1))))
    with pytest.raises(InputError, match="2 is no action"):
        Likelihood(small, Record(np.full((3, 2), 2), np.zeros((3, 2))))
    likelihood = Likelihood(small, Record(np.zeros((3, 2)), np.zeros((3, 2))))
    with pytest.raises(InputError, match="have shape"):
        likelihood.at(np.zeros(3))
    with pytest.raises(InputError, match="break a sign"):
        likelihood.at(-small.start)


@pytest.mark.slow
def test_estimates_are_centred_and_their_intervals_hold(small: HiddenGame) -> None:
    truth = np.array([TRUTH[name] for name in small.names])
    distances = []
    for seed in range(20):
        found = full_information(small, simulated(small, 300, seed=100 + seed)[0]).estimates
        assert found.converged
        distances.append((found.estimates - truth) / found.standard_errors())
    z = np.array(distances)
    # 260 intervals, correlated within a panel; 300 months are few for thirteen quantities
    assert 0.87 < (np.abs(z) < 1.96).mean() < 0.99
    assert (np.abs(np.median(z, axis=0)) < 0.9).all()
    assert 0.7 < z.std() < 1.5
