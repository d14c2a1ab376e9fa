"""The state equation: against the published figures where they lie beside the project, and against plain formulas."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.errors import InputError
from outbid.game.first_stage import (
    automatic_bandwidth,
    bootstrap,
    changes,
    fit_paths,
    level_terms,
    levels,
    newey_west,
    simulate_paths,
)

DATA = Path(__file__).parents[2] / "shared" / "data" / "tugofwar"
NAMES = ("hamas_attack", "fatah_attack")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the published panel is not here")


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(name: str, field: str) -> np.ndarray:
    return np.array([float(row[field]) for row in table(name) if row[field]])


def matrix(name: str) -> np.ndarray:
    return np.array([[float(value) for key, value in row.items() if key != "term"] for row in table(name)])


def published_panel() -> tuple[np.ndarray, np.ndarray]:
    rows = table("panel_monthly.csv")
    state = np.array([float(row["state"]) for row in rows])
    return state, np.array([[float(row[name]) for name in NAMES] for row in rows])


def simulated_panel(
    months: int, carry: float = 0.6, players: int = 2, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """A settled state, pushed by actions drawn by chance."""
    generator = np.random.default_rng(seed)
    actions = (generator.random((months, players)) < 0.4).astype(float)
    parameters = np.array([[0.1, *np.linspace(-0.5, 0.8, players), carry, *np.full(players, 0.05), 0.5]])
    noise = generator.standard_normal((months - 1, 1))
    return simulate_paths(parameters, np.zeros(1), actions, noise)[0], actions


@needs_data
def test_table_1_column_1_is_reproduced() -> None:
    fit = levels(*published_panel(), NAMES)
    assert fit.terms == tuple(row["term"] for row in table("first_stage_levels.csv"))[:6]
    estimates = column("first_stage_levels.csv", "estimate")
    np.testing.assert_allclose(fit.estimates, estimates[:6], rtol=1e-12)
    np.testing.assert_allclose(fit.sigma, estimates[6], rtol=1e-12)
    np.testing.assert_allclose(fit.standard_errors, column("first_stage_levels.csv", "ols_se"), rtol=1e-12)
    assert (fit.months, fit.degrees_of_freedom) == (299, 293)


@needs_data
def test_table_1_column_2_is_reproduced() -> None:
    fit = changes(*published_panel(), NAMES)
    estimates = column("first_stage_ecm.csv", "estimate")
    assert fit.terms == tuple(row["term"] for row in table("first_stage_ecm.csv"))[:6]
    np.testing.assert_allclose(fit.estimates, estimates[:6], rtol=1e-10)
    np.testing.assert_allclose(fit.sigma, estimates[6], rtol=1e-12)
    np.testing.assert_allclose(
        fit.standard_errors, column("first_stage_ecm.csv", "newey_west_se"), rtol=1e-10
    )
    np.testing.assert_allclose(
        fit.covariance, matrix("first_stage_ecm_covariance.csv"), rtol=1e-9, atol=1e-14
    )
    assert fit.months == 298
    assert round(fit.adjusted_r_squared, 3) == 0.721
    assert fit.errors.endswith("lag 5")


@needs_data
def test_the_authors_bootstrap_is_what_ours_gives_by_chance() -> None:
    # their covariance comes from draws of their own, so the two agree only as two bootstraps of 1,000 draws do
    theirs = matrix("first_stage_bootstrap_covariance.csv")
    draws = bootstrap(*published_panel(), NAMES, draws=8000).draws
    ours = np.cov(draws, rowvar=False)
    ratio = np.sqrt(np.diag(ours) / np.diag(theirs))
    np.testing.assert_allclose(ratio, 1, atol=0.06)

    def distance(covariance: np.ndarray) -> float:
        return float((np.log(np.linalg.eigvals(np.linalg.solve(ours, covariance)).real) ** 2).sum())

    by_chance = [distance(np.cov(part, rowvar=False)) for part in np.split(draws, 8)]
    assert distance(theirs) < 2 * max(by_chance)


def test_levels_are_least_squares() -> None:
    state, actions = simulated_panel(80)
    before, moved = state[:-1, None], actions[:-1]
    design = np.column_stack([np.ones(79), moved, before, moved * before])
    coefficients, residual, _, _ = np.linalg.lstsq(design, state[1:], rcond=None)
    fit = levels(state, actions, ("a", "b"))
    np.testing.assert_allclose(fit.estimates, coefficients, atol=1e-12)
    np.testing.assert_allclose(fit.sigma**2, residual[0] / 73, rtol=1e-12)
    np.testing.assert_allclose(fit.covariance, fit.sigma**2 * np.linalg.inv(design.T @ design), rtol=1e-9)
    np.testing.assert_allclose(fit_paths(state[None], actions)[0], [*coefficients, fit.sigma], atol=1e-10)
    spread = np.ptp(fit.conf_int(), axis=1) / fit.standard_errors / 2
    np.testing.assert_allclose(spread, 1.993, atol=1e-3)  # Student's t, 73 degrees of freedom
    assert "fatah" not in fit.summary()
    assert "b_x_lag_state" in fit.summary()


@pytest.mark.parametrize("players", [1, 3])
def test_any_number_of_players(players: int) -> None:
    state, actions = simulated_panel(4000, players=players)
    names = tuple(f"player_{number}" for number in range(players))
    truth = [0.1, *np.linspace(-0.5, 0.8, players), 0.6, *np.full(players, 0.05)]
    fit = levels(state, actions, names)
    assert fit.terms == level_terms(names)
    assert np.all(np.abs(fit.estimates - truth) < 4 * fit.standard_errors)
    assert len(changes(state, actions, names).estimates) == 2 + 2 * players


def by_hand(scores: np.ndarray, design: np.ndarray, lag: int) -> np.ndarray:
    """Newey and West (1987), month by month."""
    months, terms = scores.shape
    total = np.zeros((terms, terms))
    for one in range(months):
        for other in range(months):
            weight = max(0.0, 1 - abs(one - other) / (lag + 1))
            total += weight * np.outer(scores[one], scores[other])
    bread = np.linalg.inv(design.T @ design)
    return bread @ total @ bread


@pytest.mark.parametrize("lag", [0, 1, 4])
def test_newey_west_is_its_formula(lag: int) -> None:
    generator = np.random.default_rng(3)
    design = np.column_stack([np.ones(25), generator.standard_normal((25, 2))])
    scores = design * generator.standard_normal((25, 1))
    carried = np.linalg.solve(scores[:-1].T @ scores[:-1], scores[:-1].T @ scores[1:])
    rest = scores[1:] - scores[:-1] @ carried
    colour = np.linalg.inv(np.eye(3) - carried.T)
    middle = by_hand(rest, np.eye(3), lag)
    bread = np.linalg.inv(design.T @ design)
    expected = bread @ colour @ middle @ colour.T @ bread
    np.testing.assert_allclose(newey_west(scores, design, lag)[0], expected, rtol=1e-9)


def test_the_automatic_bandwidth_is_its_formula() -> None:
    series = np.array([1.0, 2.0, -1.0, 0.5, 1.5, -2.0, 0.0, 1.0])
    zero = (series**2).sum() / 8
    one = (series[1:] * series[:-1]).sum() / 8
    # 3 (9 / 100)^(2/9) = 1.76: one pilot lag, with the month that prewhitening took
    ratio = 2 * one / (zero + 2 * one)
    expected = 1.1447 * (ratio**2 * 9) ** (1 / 3)
    columns = np.column_stack([np.arange(8.0), series])
    assert automatic_bandwidth(columns, np.array([0.0, 1.0])) == pytest.approx(min(expected, 7))


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(0.01, 100), seed=st.integers(0, 1000))
def test_errors_follow_the_unit_of_the_outcome_and_the_lag_does_not(scale: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    design = np.column_stack([np.ones(60), generator.standard_normal(60)])
    scores = design * generator.standard_normal((60, 1))
    (one, lag), (other, other_lag) = newey_west(scores, design), newey_west(scale * scores, design)
    weights = np.array([0.0, 1.0])
    bandwidth = automatic_bandwidth(scale * scores, weights)
    assert automatic_bandwidth(scores, weights) == pytest.approx(bandwidth, rel=1e-6)
    if lag == other_lag:
        np.testing.assert_allclose(other, scale**2 * one, rtol=1e-6)


def test_the_bootstrap_agrees_with_the_textbook_where_the_textbook_holds() -> None:
    state, actions = simulated_panel(3000, carry=0.5)
    fit = levels(state, actions, NAMES)
    again = bootstrap(state, actions, NAMES, draws=1500)
    np.testing.assert_allclose(again.standard_errors[:-1], fit.standard_errors, rtol=0.08)
    assert again.standard_errors[-1] == pytest.approx(
        fit.sigma / np.sqrt(2 * fit.degrees_of_freedom), rel=0.08
    )
    correlation = fit.covariance / np.outer(fit.standard_errors, fit.standard_errors)
    np.testing.assert_allclose(np.corrcoef(again.draws[:, :-1], rowvar=False), correlation, atol=0.12)
    assert "3000" not in again.summary()
    assert "sigma" in again.summary()


def test_the_bootstrap_is_the_seed_s() -> None:
    state, actions = simulated_panel(100)
    one, same, other = (bootstrap(state, actions, NAMES, draws=20, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.draws, same.draws)
    assert not np.array_equal(one.draws, other.draws)


def test_doubt_about_the_state_widens_the_bootstrap() -> None:
    state, actions = simulated_panel(150)
    paths = state + 0.3 * np.random.default_rng(5).standard_normal((200, 150))
    certain = bootstrap(state, actions, NAMES, draws=200)
    doubtful = bootstrap(state, actions, NAMES, draws=200, states=paths)
    assert doubtful.latent
    assert np.all(doubtful.standard_errors > certain.standard_errors)
    with pytest.raises(InputError, match="whole path a row"):
        bootstrap(state, actions, NAMES, states=paths[:, 1:])


def with_hole(values: np.ndarray, *place: int) -> np.ndarray:
    broken = values.copy()
    broken[place] = np.nan
    return broken


STATE, ACTIONS = simulated_panel(40)


@pytest.mark.parametrize(
    ("state", "actions", "message"),
    [
        (with_hole(STATE, 7), ACTIONS, "^state, month 8: the figure is missing"),
        (STATE, with_hole(ACTIONS, 2, 1), "^fatah_attack, month 3: the figure is missing"),
        (STATE[1:], ACTIONS, "^state: has shape"),
        (STATE, ACTIONS[:, :1], "^actions: have shape"),
        (STATE[:6], ACTIONS[:6], "too few"),
        (STATE, ACTIONS * [1, 0], "^actions, fatah_attack: is 0 in every month"),
        (STATE, np.column_stack([ACTIONS[:, 0], 1 - ACTIONS[:, 0]]), "^term fatah_attack: follows from"),
        (np.ones(40), ACTIONS, "^term lag_(diff_)?state: follows from"),
    ],
)
def test_a_bad_panel_is_told_in_one_line(state: np.ndarray, actions: np.ndarray, message: str) -> None:
    for regression in (levels, changes):
        with pytest.raises(InputError, match=message) as caught:
            regression(state, actions, NAMES)
        assert "\n" not in str(caught.value)


def test_other_faults_are_told_in_one_line() -> None:
    fit = levels(STATE, ACTIONS, NAMES)
    with pytest.raises(InputError, match="no coverage"):
        fit.conf_int(95)
    with pytest.raises(InputError, match="no spread"):
        bootstrap(STATE, ACTIONS, NAMES, draws=1)
    with pytest.raises(InputError, match="does not fit"):
        changes(STATE, ACTIONS, NAMES, lag=50)
    with pytest.raises(InputError, match="grow from month to month"):
        newey_west(1.5 ** np.arange(20)[:, None], np.ones((20, 1)))
    with pytest.raises(InputError, match="explode"):
        simulate_paths(np.array([[0.0, 0.0, 3.0, 0.0, 1.0]]), np.ones(1), ACTIONS[:, :1], np.zeros((39, 1)))
