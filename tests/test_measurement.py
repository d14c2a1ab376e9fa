"""The measurement model: against the published state, brute-force conditioning, and simulated panels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from outbid.errors import InputError
from outbid.game.measurement import (
    FIRST_VARIANCE,
    Measurement,
    draw_states,
    fit_state,
    score,
    smooth,
    smooth_state,
    standardise,
)

DATA = Path(__file__).parents[2] / "shared" / "data" / "tugofwar"
POLLS = ("trust_hamas", "trust_fatah", "support_hamas", "support_fatah", "vote_hamas", "vote_fatah")
NAMES = ("hamas_attack", "fatah_attack")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the published panel is not here")


def columns(name: str, fields: tuple[str, ...]) -> np.ndarray:
    with (DATA / name).open(encoding="utf-8") as file:
        return np.array([[float(row[field] or "nan") for field in fields] for row in csv.DictReader(file)])


def published() -> tuple[Measurement, np.ndarray, np.ndarray]:
    values = columns("measurement_model.csv", ("estimate",))[:, 0]
    parameters = Measurement(values[:6], values[6], values[7:10])
    return parameters, columns("polls_monthly.csv", POLLS), columns("panel_monthly.csv", NAMES)


def simulated(
    months: int, parameters: Measurement, missing: float, seed: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measures with holes, actions, and the state behind them."""
    generator = np.random.default_rng(seed)
    actions = (generator.random((months, len(parameters.inputs) - 1)) < 0.4).astype(float)
    state = np.empty(months)
    state[0] = np.sqrt(FIRST_VARIANCE) * generator.standard_normal()
    for month in range(1, months):
        push = parameters.inputs[0] + actions[month - 1] @ parameters.inputs[1:]
        state[month] = parameters.persistence * state[month - 1] + push + generator.standard_normal()
    measures = state[:, None] * parameters.weights
    measures += generator.standard_normal(measures.shape)
    measures[generator.random(measures.shape) < missing] = np.nan
    return measures, actions, state


SMALL = Measurement(np.array([0.8, -0.5, 0.3]), 0.9, np.array([0.1, -0.6, 0.9]))


@needs_data
def test_the_published_state_is_reproduced() -> None:
    parameters, polls, actions = published()
    found = smooth_state(parameters, polls, actions)
    stored = columns("panel_monthly.csv", ("state", "state_se"))
    np.testing.assert_allclose(found.state, stored[:, 0], atol=2e-6)
    np.testing.assert_allclose(found.state_se, stored[:, 1], atol=2e-6)
    assert np.corrcoef(found.state, stored[:, 0])[0, 1] > 0.9999995
    assert found.log_likelihood == pytest.approx(-508.294829875796, abs=1e-6)


@needs_data
def test_polls_are_put_on_the_published_scale() -> None:
    with (DATA / "measurement_model.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:6]
    _, means, deviations = standardise(published()[1])
    np.testing.assert_allclose(means, [float(row["poll_mean"]) for row in rows], rtol=1e-12)
    np.testing.assert_allclose(deviations, [float(row["poll_sd"]) for row in rows], rtol=1e-12)


@needs_data
def test_the_published_parameters_are_not_quite_the_maximum() -> None:
    parameters, polls, actions = published()
    slope = score(smooth_state(parameters, polls, actions), standardise(polls)[0], actions)
    # the climb had come to rest in the weights and the persistence, and not in the inputs
    assert np.abs(slope[:7]).max() < 1e-6
    assert np.abs(slope[7:9]).min() > 4
    # January to September 2006 favours Hamas
    fit = fit_state(polls, actions, POLLS, NAMES, low_months=slice(144, 153), starts=2)
    assert fit.log_likelihood == pytest.approx(-507.6277, abs=1e-3)
    assert fit.smoothed.state[144:153].mean() < 0
    assert np.corrcoef(fit.smoothed.state, smooth_state(parameters, polls, actions).state)[0, 1] > 0.99
    assert np.all(np.abs(fit.estimates - parameters.flat) < 2 * fit.standard_errors)


@needs_data
def test_the_polls_alone_hardly_tell_what_attacks_do() -> None:
    _, polls, actions = published()
    full = fit_state(polls, actions, POLLS, NAMES, starts=2)
    without = fit_state(polls, actions[:, :0], POLLS, (), starts=2)
    assert without.terms[-1] == "constant"
    # a likelihood-ratio statistic with two degrees of freedom; 5.99 would be the 5% mark
    assert 2 * (full.log_likelihood - without.log_likelihood) == pytest.approx(0.880, abs=2e-3)


def test_smoothing_is_conditioning() -> None:
    measures, actions, _ = simulated(12, SMALL, missing=0.4)
    measures[4] = np.nan  # a month without any measure
    values, _, _ = standardise(measures)
    # joint law of all months and measures, written out
    months = len(measures)
    mean, root = np.zeros(months), np.zeros((months, months))
    root[0, 0] = np.sqrt(FIRST_VARIANCE)
    for month in range(1, months):
        push = SMALL.inputs[0] + actions[month - 1] @ SMALL.inputs[1:]
        mean[month] = SMALL.persistence * mean[month - 1] + push
        root[month] = SMALL.persistence * root[month - 1]
        root[month, month] = 1
    covariance = root @ root.T
    seen = ~np.isnan(values).ravel()
    load = np.kron(np.eye(months), SMALL.weights[:, None])[seen]
    observed = values.ravel()[seen]
    spread = load @ covariance @ load.T + np.eye(len(observed))
    gain = covariance @ load.T @ np.linalg.inv(spread)
    expected = mean + gain @ (observed - load @ mean)
    left = covariance - gain @ load @ covariance

    found = smooth_state(SMALL, measures, actions)
    np.testing.assert_allclose(found.state, expected, atol=1e-10)
    np.testing.assert_allclose(found.state_se, np.sqrt(np.diag(left)), atol=1e-10)
    np.testing.assert_allclose(found.autocovariance, np.diag(left, 1), atol=1e-10)
    density = multivariate_normal(load @ mean, spread).logpdf(observed)
    assert found.log_likelihood == pytest.approx(density, abs=1e-9)

    draws = draw_states(SMALL, measures, actions, draws=20000)
    np.testing.assert_allclose(draws.mean(axis=0), expected, atol=0.05)
    np.testing.assert_allclose(np.cov(draws, rowvar=False), left, atol=0.06)


def test_the_mirror_image_fits_as_well() -> None:
    measures, actions, _ = simulated(50, SMALL, missing=0.3)
    one, other = (smooth_state(model, measures, actions) for model in (SMALL, SMALL.mirrored))
    np.testing.assert_allclose(other.state, -one.state, atol=1e-12)
    assert other.log_likelihood == pytest.approx(one.log_likelihood)


def test_the_slope_is_that_of_the_likelihood() -> None:
    measures, actions, _ = simulated(60, SMALL, missing=0.3)
    values, _, _ = standardise(measures)

    def height(flat: np.ndarray) -> float:
        return smooth(Measurement(flat[:3], flat[3], flat[4:]), values, actions).log_likelihood

    shifts = 1e-5 * np.eye(7)
    differences = [(height(SMALL.flat + h) - height(SMALL.flat - h)) / 2e-5 for h in shifts]
    found = score(smooth(SMALL, values, actions), values, actions)
    np.testing.assert_allclose(found, differences, atol=1e-5)


def test_the_fit_finds_what_made_the_measures() -> None:
    measures, actions, state = simulated(1500, SMALL, missing=0.3, seed=4)
    low = np.flatnonzero(state < 0)
    fit = fit_state(measures, actions, ("x", "y", "z"), ("a", "b"), low_months=low, starts=2)
    # measures were standardised, so that weights and noises shrink alike: what is left is their proportion
    assert np.corrcoef(fit.smoothed.state, state)[0, 1] > 0.85
    assert fit.estimates[3] == pytest.approx(0.9, abs=4 * fit.standard_errors[3])
    assert fit.estimates[1] < 0 < fit.estimates[0]
    assert fit.estimates[5] < 0 < fit.estimates[6]
    assert fit.maxima[0] == pytest.approx(fit.log_likelihood)
    np.testing.assert_array_equal(fit.observations, (~np.isnan(measures)).sum(axis=0))
    assert "persistence" in fit.summary()
    assert np.all(np.diff(fit.conf_int()) > 0)


def test_one_measure_and_no_rule_about_the_sign() -> None:
    model = Measurement(np.array([0.7]), 0.9, np.array([0.0, 1.0]))
    measures, actions, _ = simulated(200, model, missing=0.1)
    fit = fit_state(-measures, actions, ("x",), ("a",), starts=2)
    assert fit.smoothed.parameters.weights[0] > 0
    assert fit.terms == ("x", "persistence", "constant", "lag_a")


MEASURES, ACTIONS, _ = simulated(30, SMALL, missing=0.2)


def changed(values: np.ndarray, place: object, number: float) -> np.ndarray:
    broken = values.copy()
    broken[place] = number
    return broken


@pytest.mark.parametrize(
    ("measures", "actions", "message"),
    [
        (changed(MEASURES, (slice(None), 1), np.nan), ACTIONS, "^measures, column 2: is empty"),
        (
            changed(MEASURES, (slice(None), 0), 3.0),
            ACTIONS,
            "^measures, column 1: has 30 months and does not vary",
        ),
        (changed(MEASURES, (3, 2), np.inf), ACTIONS, "^measures, column 3: holds an infinite number"),
        (MEASURES[:, 0], ACTIONS, "^measures: have shape"),
        (MEASURES, ACTIONS[:-1], "^actions: have shape"),
        (MEASURES, changed(ACTIONS, (4, 1), np.nan), "^actions, month 5, column 2: the figure is missing"),
        (MEASURES[:, :2], ACTIONS, "^measurement: has 3 weights"),
    ],
)
def test_bad_measures_are_told_in_one_line(measures: np.ndarray, actions: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        smooth_state(SMALL, measures, actions)
    assert "\n" not in str(caught.value)


def test_a_fit_needs_names_and_actions_that_vary() -> None:
    with pytest.raises(InputError, match="3 names of measures and 2 of actions"):
        fit_state(MEASURES, ACTIONS, ("x",), ("a", "b"))
    with pytest.raises(InputError, match="never vary"):
        fit_state(MEASURES, ACTIONS * [1, 0], ("x", "y", "z"), ("a", "b"))
