"""The likelihood of figures: every law against SciPy, periods against sums by hand, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import contest
from outbid.data.panel import Panel, Series
from outbid.errors import InputError
from outbid.infer.likelihood import RANGE_WIDTH, Values, expected, gather, row_log_likelihood
from outbid.model.declare import Model
from outbid.model.vocabulary import Poisson

NAN = math.nan

means = st.floats(-3, 6).map(lambda power: 10.0**power)
sigmas = st.floats(-1.5, 0.5).map(lambda power: 10.0**power)
concentrations = st.floats(-3, 5).map(lambda power: 10.0**power)
counts = st.integers(0, 3000)
quick = settings(max_examples=60, deadline=None)


@cache
def toy() -> Model:
    return contest.model()


@cache
def with_truncated_raids() -> Model:
    def changed(item):
        law = Poisson(zero_truncated=True)
        return replace(item, distribution=law) if item.series == "raids" else item

    return replace(toy(), observations=tuple(changed(item) for item in toy().observations))


def only(series: str, *figures: contest.Figure) -> Panel:
    """A panel that holds these figures of one series, and nothing of the others."""
    return contest.panel({name: figures if name == series else () for name in contest.KINDS})


@cache
def law(series: str, model: Callable[[], Model] = toy) -> Callable[..., tuple[float, tuple[float, float]]]:
    """The log likelihood of one monthly figure and its slopes: (mean, spread, value, low, high) -> ..."""
    ready = gather(model(), only(series, contest.month_of(0, 1.0)))
    column = ready.names.index(series)

    def one(mean, spread, value, low, high):
        seen = jnp.zeros((contest.MONTHS, len(ready.names))).at[0, column].set(mean)
        p = dict.fromkeys(("concentration", "deaths_error", "fighters_error"), spread)
        values = Values(*(jnp.reshape(figure, (1,)) for figure in (value, low, high)))
        return row_log_likelihood(model(), ready, p, seen, values)[0]

    compiled = jax.jit(jax.value_and_grad(one, (0, 1)))

    def call(mean, spread=1.0, value=NAN, low=NAN, high=NAN):
        result, slopes = compiled(float(mean), float(spread), float(value), float(low), float(high))
        return float(result), tuple(float(slope) for slope in slopes)

    return call


def log_mass(low: float, high: float) -> float:
    """The log probability that a standard normal lies between, by integration around the highest point."""
    peak = min(max(0.0, low), high)
    width = 40.0 / max(1.0, abs(peak))
    area, _ = integrate.quad(
        lambda x: math.exp((peak - x) * (peak + x) / 2), max(low, peak - width), min(high, peak + width)
    )
    return float(math.log(area) + stats.norm.logpdf(peak))


# lognormal figures


@quick
@given(means, sigmas, means)
def test_a_lognormal_value_has_the_density_of_its_logarithm(mean, sigma, value):
    by_hand = stats.norm.logpdf(math.log(value), math.log(mean), sigma)
    assert law("deaths")(mean, sigma, value)[0] == pytest.approx(by_hand, rel=1e-9, abs=1e-9)
    # the density of the figure itself differs by the same constant whatever the model says
    of_figure = stats.lognorm.logpdf(value, sigma, scale=mean)
    assert by_hand - math.log(value) == pytest.approx(of_figure, rel=1e-9, abs=1e-9)


@quick
@given(means, sigmas, means, st.floats(1.01, 5), st.floats(1.01, 5))
def test_a_range_beside_a_value_is_its_ninety_per_cent_interval(mean, sigma, value, down, up):
    own = math.log(up * down) / RANGE_WIDTH
    assert 2 * stats.norm.ppf(0.95) == pytest.approx(RANGE_WIDTH, abs=1e-3)
    by_hand = stats.norm.logpdf(math.log(value / mean), 0.0, math.hypot(sigma, own))
    assert law("deaths")(mean, sigma, value, value / down, value * up)[0] == pytest.approx(by_hand, rel=1e-9)


def test_half_a_range_beside_a_value_adds_nothing():
    alone = law("deaths")(100.0, 0.3, 120.0)
    for half in ({"low": 90.0}, {"high": 150.0}, {"low": 0.0, "high": 150.0}):
        assert law("deaths")(100.0, 0.3, 120.0, **half) == alone


@quick
@given(means, sigmas, st.floats(-2, 2), st.floats(0.01, 3))
def test_an_interval_has_the_probability_between_its_ends(mean, sigma, low, width):
    ends = mean * math.exp(sigma * low), mean * math.exp(sigma * (low + width))
    result, _ = law("deaths")(mean, sigma, low=ends[0], high=ends[1])
    assert result == pytest.approx(log_mass(low, low + width), rel=1e-6, abs=1e-9)


@quick
@given(means, sigmas, st.floats(-3, 3), st.floats(0.01, 4))
def test_below_between_and_above_are_all_there_is(mean, sigma, low, width):
    ends = mean * math.exp(sigma * low), mean * math.exp(sigma * (low + width))
    parts = (
        law("deaths")(mean, sigma, high=ends[0]),
        law("deaths")(mean, sigma, low=ends[0], high=ends[1]),
        law("deaths")(mean, sigma, low=ends[1]),
    )
    assert sum(math.exp(part) for part, _ in parts) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("distance", [-300.0, -40.0, -9.0, 9.0, 40.0, 300.0])
def test_lognormal_tails_keep_their_digits(distance):
    sigma, mean = 0.1, 100.0
    low, high = mean * math.exp(sigma * distance), mean * math.exp(sigma * (distance + 0.5))
    between, slopes = law("deaths")(mean, sigma, low=low, high=high)
    assert between == pytest.approx(log_mass(distance, distance + 0.5), rel=1e-9)
    above, _ = law("deaths")(mean, sigma, low=low)
    assert above == pytest.approx(stats.norm.logsf(distance), rel=1e-9, abs=1e-15)
    below, _ = law("deaths")(mean, sigma, high=low)
    assert below == pytest.approx(stats.norm.logcdf(distance), rel=1e-9, abs=1e-15)
    assert math.copysign(1.0, slopes[0]) == math.copysign(1.0, distance)


# counts


@quick
@given(means, counts)
def test_a_poisson_count(mean, count):
    result, _ = law("raids")(mean, value=count)
    assert result == pytest.approx(stats.poisson.logpmf(count, mean), rel=1e-9, abs=1e-9)


@quick
@given(st.floats(0.05, 400), st.integers(1, 500))
def test_at_least_so_many(mean, least):
    result, slopes = law("raids")(mean, low=least)
    by_hand = stats.poisson.logsf(least - 1, mean)
    if by_hand > -600:
        assert result == pytest.approx(by_hand, rel=1e-6, abs=1e-9)
    # d/dm of log P(N >= k) is P(N = k - 1) / P(N >= k), also where SciPy has run out of digits
    slope = math.exp(stats.poisson.logpmf(least - 1, mean) - result)
    assert slopes[0] == pytest.approx(slope, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize(("mean", "least"), [(1e-8, 50), (1.0, 200), (40.0, 900), (1300.0, 3000)])
def test_at_least_far_more_than_expected_still_has_a_slope(mean, least):
    result, slopes = law("raids")(mean, low=least)
    # all the terms of P(N = k) + P(N = k + 1) + ..., in logs
    terms = stats.poisson.logpmf(np.arange(least, least + 4000), mean)
    assert result == pytest.approx(np.logaddexp.reduce(terms), rel=1e-6)
    assert slopes[0] == pytest.approx(math.exp(terms[0] - result) * least / mean, rel=1e-3)


@pytest.mark.parametrize("model", [toy, with_truncated_raids])
def test_at_least_none_is_certain(model):
    assert law("raids", model)(3.0, low=0.0) == (0.0, (0.0, 0.0))


def test_where_empty_months_are_missing_at_least_one_is_certain_and_more_is_conditional():
    plain, conditional = law("raids"), law("raids", with_truncated_raids)
    assert conditional(3.0, low=1.0)[0] == pytest.approx(0.0, abs=1e-12)
    assert conditional(3.0, low=4.0)[0] == pytest.approx(plain(3.0, low=4.0)[0] - plain(3.0, low=1.0)[0])


@quick
@given(means, concentrations, counts)
def test_a_negative_binomial_count(mean, concentration, count):
    result, _ = law("events")(mean, concentration, count)
    by_hand = stats.nbinom.logpmf(count, concentration, concentration / (concentration + mean))
    assert result == pytest.approx(by_hand, rel=1e-6, abs=1e-6)


def test_its_variance_is_that_of_the_declaration():
    mean, concentration = 7.0, 2.5
    share = [math.exp(law("events")(mean, concentration, count)[0]) for count in range(300)]
    number = np.arange(300)
    assert np.sum(share) == pytest.approx(1.0)
    assert np.sum(share * number) == pytest.approx(mean)
    assert np.sum(share * (number - mean) ** 2) == pytest.approx(mean + mean**2 / concentration)


@pytest.mark.parametrize("concentration", [1e7, 1e9, 1e12, 1e15, 1e300])
@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_a_very_concentrated_negative_binomial_is_a_poisson(concentration, count):
    result, slopes = law("events")(6.0, concentration, count)
    assert result == pytest.approx(stats.poisson.logpmf(count, 6.0), abs=1e-4)
    assert slopes[0] == pytest.approx(count / 6.0 - 1.0, abs=1e-5)


@pytest.mark.parametrize("concentration", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("series", ["events", "edicts"])
def test_a_very_spread_negative_binomial_is_nearly_all_zeros(concentration, series):
    result, slopes = law(series)(6.0, concentration, 4)
    # in the limit the counts above zero follow a logarithmic series, whatever the concentration
    above_zero = 4 * math.log(6.0 / (6.0 + concentration)) - math.log(4.0)
    expected_log = above_zero - math.log(math.log1p(6.0 / concentration))
    if series == "events":
        expected_log = above_zero + math.log(concentration)
    assert result == pytest.approx(expected_log, rel=1e-2)
    assert all(math.isfinite(slope) for slope in slopes)


@quick
@given(st.floats(1e-6, 30), st.floats(0.5, 1e4))
def test_counts_without_zeros_sum_to_one(mean, concentration):
    for count_law in (law("edicts"), law("raids", with_truncated_raids)):
        total = sum(math.exp(count_law(mean, concentration, count)[0]) for count in range(1, 80))
        top = stats.nbinom.sf(79, concentration, concentration / (concentration + mean))
        given_one = -math.expm1(-concentration * math.log1p(mean / concentration))
        assert total == pytest.approx(1.0, abs=1e-6 + top / given_one)


# all laws


@quick
@given(
    st.sampled_from(["events", "edicts", "raids", "deaths"]),
    st.sampled_from(["value", "low", "high", "between", "about"]),
    st.floats(-12, 9).map(lambda power: 10.0**power),
    st.floats(-2, 2).map(lambda power: 10.0**power),
    st.integers(1, 100_000),
)
def test_however_far_off_there_is_a_number_and_a_slope(series, form, mean, spread, figure):
    if series != "deaths":
        form = "low" if form == "low" and series == "raids" else "value"
    given_figures = {
        "value": {"value": figure},
        "low": {"low": figure},
        "high": {"high": figure},
        "between": {"low": figure, "high": 1.2 * figure},
        "about": {"value": figure, "low": 0.9 * figure, "high": 1.2 * figure},
    }[form]
    result, slopes = law(series)(mean, spread, **given_figures)
    assert math.isfinite(result)
    assert all(math.isfinite(slope) for slope in slopes)


@pytest.mark.parametrize("series", ["events", "edicts", "raids", "deaths"])
def test_a_row_without_a_figure_says_nothing(series):
    assert law(series)(5.0, 0.7) == (0.0, (0.0, 0.0))


# periods


def told(*figures: contest.Figure, series: str) -> np.ndarray:
    """The expected figure of each row, where month i sees 100 + i."""
    ready = gather(toy(), only(series, *figures))
    seen = np.repeat(100.0 + np.arange(contest.MONTHS)[:, None], len(ready.names), axis=1)
    return np.asarray(expected(ready, jnp.asarray(seen)))


def test_a_month_a_year_and_a_period_of_parts_of_months_add_up():
    result = told(
        ("2021-11-01", "2021-11-30", 1.0, None, None),
        ("2022-01-01", "2022-12-31", 1.0, None, None),
        ("2022-02-15", "2022-05-14", 1.0, None, None),
        ("2023-06-10", "2023-06-10", 1.0, None, None),
        series="deaths",
    )
    assert result == pytest.approx(
        [
            102.0,
            sum(100.0 + month for month in range(4, 16)),
            105 * 14 / 28 + 106 + 107 + 108 * 14 / 31,
            121 / 30,
        ]
    )


def test_a_period_from_before_the_window_counts_its_first_days_on_the_first_month():
    assert told(("2021-08-15", "2021-10-31", 1.0, None, None), series="deaths") == pytest.approx(
        [100 * (1 + 17 / 30) + 101]
    )


def test_a_level_is_averaged_by_days():
    result = told(
        ("2021-10-01", "2021-12-31", 2000.0, None, None),
        ("2022-02-15", "2022-03-14", 2000.0, None, None),
        series="fighters",
    )
    halves = (14 / 28, 14 / 31)
    assert result == pytest.approx([102.0, (105 * halves[0] + 106 * halves[1]) / sum(halves)])


@cache
def seen_by_all() -> tuple[dict[str, jax.Array], jax.Array]:
    return jax.jit(partial(contest.history, toy()))(contest.prior_vector(toy(), 3), contest.table())


def of_panel(panel: Panel) -> np.ndarray:
    ready = gather(toy(), panel)
    rows = jax.jit(partial(row_log_likelihood, toy(), ready))
    return np.asarray(rows(*seen_by_all(), ready.values))


@pytest.mark.slow
def test_log_likelihood_adds_up_over_figures_however_they_are_split():
    everything = of_panel(contest.panel())
    halves = [of_panel(contest.panel({k: v[i::2] for k, v in contest.FIGURES.items()})) for i in (0, 1)]
    assert everything.sum() == pytest.approx(sum(half.sum() for half in halves), rel=1e-12)
    rest = of_panel(contest.panel({"deaths": ()}))
    deaths = of_panel(only("deaths", *contest.FIGURES["deaths"]))
    assert everything.sum() == pytest.approx(rest.sum() + deaths.sum(), rel=1e-12)


def test_missing_months_and_unused_records_say_nothing():
    everything = of_panel(contest.panel())
    shown_only = {"events": (contest.month_of(3, 9999.0),), "deaths": (contest.month_of(5, -1.0),)}
    assert np.array_equal(of_panel(contest.panel(unused=shown_only)), everything)
    gap = tuple(figure for number, figure in enumerate(contest.FIGURES["events"]) if number not in (4, 5))
    assert of_panel(contest.panel({"events": gap})) == pytest.approx(np.delete(everything, [4, 5]), rel=1e-12)


def test_figures_know_their_rows():
    ready = contest.figures(toy())
    for name in ready.names:
        assert len(ready.of(name)) == len(contest.FIGURES[name])
    assert np.array_equal(ready.values.value[ready.of("raids")], [9.0, NAN], equal_nan=True)


# what is refused

WHOLE = ("2021-09-01", "2021-09-30")


@pytest.mark.parametrize(
    ("series", "figure", "problem", "fix"),
    [
        ("events", (*WHOLE, None, 3.0, 9.0), "a count given as a range", "Give a value"),
        ("events", (*WHOLE, None, 3.0, None), "a count given as a range", "Give a value"),
        ("edicts", (*WHOLE, None, None, 9.0), "a count given as a range", "Give a value"),
        ("raids", (*WHOLE, None, None, 9.0), "a count given as a range", "lowest number in `low`"),
        ("raids", (*WHOLE, None, 3.0, 9.0), "a count given as a range", "lowest number in `low`"),
        ("edicts", (*WHOLE, 0.0, None, None), "a zero in a series whose empty months are missing", "unused"),
        ("deaths", (*WHOLE, 0.0, None, None), "not positive", "above zero"),
        ("deaths", (*WHOLE, -4.0, None, None), "not positive", "above zero"),
        ("fighters", (*WHOLE, None, None, 0.0), "not positive", "above zero"),
        ("fighters", (*WHOLE, None, 2000.0, 2000.0), "without width", "`value`"),
    ],
)
def test_a_figure_that_does_not_suit_its_law(series, figure, problem, fix):
    with pytest.raises(InputError) as complaint:
        gather(toy(), only(series, figure))
    assert problem in complaint.value.problem
    assert fix in complaint.value.fix
    assert series in complaint.value.where
    assert "2021-09-01" in complaint.value.where


@pytest.mark.parametrize(
    ("series", "figure"),
    [
        ("raids", (*WHOLE, 0.0, None, None)),
        ("raids", (*WHOLE, None, 0.0, None)),
        ("raids", (*WHOLE, 4.0, 2.0, 9.0)),
        ("events", (*WHOLE, 0.0, None, None)),
        ("events", (*WHOLE, 4.0, 2.0, 9.0)),
        ("fighters", (*WHOLE, None, 0.0, 3000.0)),
        ("fighters", (*WHOLE, None, None, 3000.0)),
        ("fighters", (*WHOLE, None, 3000.0, None)),
    ],
)
def test_a_figure_that_does(series, figure):
    assert np.isfinite(of_panel(only(series, figure))).all()


def test_an_observation_without_a_series():
    panel = contest.panel()
    lacking = {name: series for name, series in panel.series.items() if name != "raids"}
    lacking["raid"] = Series("raid", "raid", "1", "raid", ())
    with pytest.raises(
        InputError, match=r"observation 'raids': no series of that name\. Did you mean 'raid'\?"
    ):
        gather(toy(), Panel(panel.window, lacking))


def test_a_used_series_without_an_observation():
    figure = contest.month_of(2, 5.0)
    with pytest.raises(
        InputError, match=r"series 'event': .* no observation sees it\. Did you mean 'events'\?"
    ):
        gather(toy(), contest.panel({"event": (figure,)}))
    shown_only = contest.panel({"event": ()}, unused={"event": (figure,)})
    assert gather(toy(), shown_only).names == contest.figures(toy()).names


def test_a_panel_of_which_nothing_is_used():
    with pytest.raises(InputError, match="no figure is used"):
        gather(toy(), contest.panel(dict.fromkeys(contest.KINDS, ())))
