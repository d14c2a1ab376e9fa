"""Observations against published figures: trends, bounds, ranges, and series that disagree."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import theilslopes

from outbid.data.panel import Kind, Panel, Record, Series, Window
from outbid.declared import parse
from outbid.errors import InputError
from outbid.questions.claims.schema import ClaimTests, SeriesCheck
from outbid.questions.claims.series import check_series, combined, slopes
from outbid.study import Study

WINDOW = Window("2020-01", "2029-12")
RISE = SeriesCheck(
    id="grew",
    claims=("M10",),
    question="Did it grow?",
    answer_if="It rises.",
    series="fighters",
    expects="rise",
)


def changed(check: SeriesCheck, **changes: object) -> SeriesCheck:
    return check.model_copy(update=changes)


FLOOR = changed(RISE, expects="at_least", value=1.0)


def record(start: str, end: str, value: float | None = None, **others: object) -> Record:
    first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    fields = {"low": None, "high": None, "source": "un"} | others
    return Record("fighters", first, last, value, **fields)  # type: ignore[arg-type]


def year(number: int, value: float | None = None, **others: object) -> Record:
    return record(f"{number}-01-01", f"{number}-12-31", value, **others)


def panel(*records: Record, kind: Kind = "level", unit: str = "persons") -> Panel:
    series = Series("fighters", "Fighters", unit, "Fighters", records, kind)
    return Panel(WINDOW, {"fighters": series})


def days(values: list[float], turned: bool = False) -> tuple[Record, ...]:
    """A figure every hundred days, perhaps with time running backwards; the records stay in their order."""
    firsts = [dt.date(2021, 1, 1).toordinal() + 100 * place for place in range(len(values))]
    if turned:
        firsts.reverse()
    dates = [dt.date.fromordinal(first).isoformat() for first in firsts]
    return tuple(record(date, date, value) for date, value in zip(dates, values, strict=True))


# trends


def test_figures_that_double_every_year_rise_by_a_factor_of_two() -> None:
    doubling = panel(*(year(2021 + n, 100.0 * 2**n) for n in range(6)))
    answer = check_series(RISE, doubling)
    assert answer.verdict == "supported"
    assert answer.probability > 0.99
    assert answer.yearly is not None
    assert answer.thirds is not None
    assert answer.yearly[0] == pytest.approx(2.0, rel=0.01)
    # 1,600 and 3,200 against 100 and 200
    assert answer.thirds[0] == pytest.approx(16.0)
    assert "rise by 100% a year" in answer.because
    assert check_series(changed(RISE, expects="fall"), doubling).verdict == "contradicted"


def test_one_odd_figure_does_not_turn_a_trend() -> None:
    values = [100.0, 110.0, 120.0, 130.0, 1.0, 150.0, 160.0, 170.0, 180.0, 190.0]
    answer = check_series(RISE, panel(*days(values)))
    assert answer.verdict == "supported"


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(-10, 10)), min_size=2, max_size=8).filter(
        lambda pairs: len({year for year, _ in pairs}) > 1
    )
)
def test_slopes_are_those_of_theil_and_sen(pairs: list[tuple[int, float]]) -> None:
    years, values = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    # what scipy says of the spread of few figures may not exist; that is not compared
    with np.errstate(invalid="ignore"):
        expected = theilslopes(values, years)[0]
    assert slopes(years[None], values[None])[0] == pytest.approx(expected, abs=1e-9)


def test_figures_of_one_time_have_no_slope() -> None:
    assert np.isnan(slopes(np.ones((1, 3)), np.array([[1.0, 2.0, 3.0]])))[0]


VALUES = st.lists(st.floats(1.0, 1e4), min_size=3, max_size=9)


@given(VALUES)
def test_time_turned_round_turns_the_probability_round(values: list[float]) -> None:
    forward = check_series(RISE, panel(*days(values)), seed=5)
    backward = check_series(RISE, panel(*days(values, turned=True)), seed=5)
    assert forward.probability == pytest.approx(1.0 - backward.probability, abs=1e-12)


@given(VALUES, st.integers(-3, 3))
def test_another_unit_changes_nothing(values: list[float], power: int) -> None:
    # distinct values: equal ones may come to differ in the last digit of a logarithm
    values = [value * (1 + 0.01 * place) for place, value in enumerate(values)]
    one = check_series(RISE, panel(*days(values)), seed=5)
    other = check_series(RISE, panel(*days([value * 10.0**power for value in values])), seed=5)
    assert other.probability == pytest.approx(one.probability, abs=1e-3)
    assert other.yearly == pytest.approx(one.yearly, rel=1e-6)


def test_three_figures_are_too_few_to_call_a_trend_and_four_may_do() -> None:
    three = check_series(RISE, panel(*days([10.0, 20.0, 30.0])))
    # all three are the same one in 3 of 27 draws, which say nothing either way
    assert three.probability == pytest.approx(1 - 0.5 * 3 / 27, abs=0.01)
    assert three.verdict == "not identified"
    assert check_series(RISE, panel(*days([10.0, 20.0, 30.0, 40.0]))).verdict == "supported"


def test_one_late_wide_range_makes_no_trend_certain() -> None:
    flat = [year(2021, 100.0), year(2022, 102.0), year(2023, 98.0), year(2024, 101.0)]
    wide = check_series(RISE, panel(*flat, year(2025, low=20.0, high=2000.0)))
    assert wide.verdict == "not identified"


def test_ranges_that_overlap_leave_a_rise_open() -> None:
    midpoints = [100.0, 110.0, 121.0, 133.0, 146.0]
    sure = check_series(RISE, panel(*(year(2021 + n, each) for n, each in enumerate(midpoints))))
    unsure = check_series(
        RISE,
        panel(*(year(2021 + n, low=each / 5, high=each * 5) for n, each in enumerate(midpoints))),
    )
    assert sure.verdict == "supported"
    assert unsure.verdict == "not identified"
    assert 0.5 < unsure.probability < sure.probability


def test_figures_below_zero_are_taken_as_they_are() -> None:
    answer = check_series(RISE, panel(*days([-20.0, -10.0, 0.0, 10.0, 20.0]), unit="percent"))
    assert not answer.ratio
    assert answer.yearly is not None
    assert answer.yearly[0] == pytest.approx(10.0 * 3.6525)
    assert "37 percent each year" in answer.because


def test_small_counts_are_less_sure_than_large_ones() -> None:
    def of(scale: int) -> float:
        falling = [4 * scale, 3 * scale, 3 * scale, 2 * scale, 2 * scale]
        records = (year(2021 + n, float(each)) for n, each in enumerate(falling))
        return check_series(RISE, panel(*records, kind="count")).probability

    assert of(1) > of(100)
    assert of(100) < 0.05 < of(1)


def test_counts_are_compared_by_the_month() -> None:
    # one a month throughout, whatever the length of the period
    even = panel(
        record("2021-01-01", "2021-12-31", 1200.0),
        record("2022-01-01", "2022-03-31", 300.0),
        record("2022-04-01", "2022-04-30", 100.0),
        record("2022-05-01", "2022-08-31", 400.0),
        kind="count",
    )
    answer = check_series(RISE, even)
    assert answer.yearly is not None
    assert answer.yearly[0] == pytest.approx(1.0, abs=0.01)
    assert answer.verdict == "not identified"


# bounds


def test_a_part_that_a_figure_leaves_out_does_not_count() -> None:
    out = {"except_start": dt.date(2023, 3, 1), "except_end": dt.date(2023, 5, 31)}
    nine_less_three = panel(record("2023-01-01", "2023-09-30", 12.0, **out), kind="count")
    assert check_series(changed(FLOOR, value=2.0), nine_less_three).probability == 1.0
    assert check_series(changed(FLOOR, value=2.01), nine_less_three).probability == 0.0


def test_a_range_counts_by_the_part_of_it_on_the_right_side() -> None:
    answer = check_series(changed(FLOOR, value=20.0), panel(year(2022, low=10.0, high=40.0)))
    assert answer.probability == pytest.approx(0.5, abs=0.03)
    assert answer.verdict == "not identified"


def test_floors_and_ceilings_hold_on_their_side() -> None:
    floor, ceiling = panel(year(2022, low=100.0)), panel(year(2022, high=100.0))
    assert check_series(changed(FLOOR, value=100.0), floor).probability == 1.0
    assert check_series(changed(FLOOR, expects="at_most", value=99.0), floor).probability == 0.0
    assert check_series(changed(FLOOR, expects="at_most", value=100.0), ceiling).probability == 1.0


def test_the_share_of_figures_on_the_right_side_is_told() -> None:
    answer = check_series(changed(FLOOR, value=2.0), panel(*days([1.0, 2.0, 3.0, 4.0])))
    assert answer.probability == 0.75
    assert "three of four figures are at least 2 (persons)" in answer.because
    assert answer.yearly is None


# which figures


def test_one_estimate_that_two_sources_relay_counts_once() -> None:
    relayed = panel(year(2021, 100.0), year(2021, 100.0, source="press"), year(2022, 100.0), year(2023, 90.0))
    assert len(RISE.records(relayed)) == 3


def test_figures_that_the_model_leaves_out_count_only_if_asked_for() -> None:
    early = year(2021, 50.0, source="old", used=False, why_not="before the window")
    mixed = panel(early, year(2022, 100.0), year(2023, 120.0), year(2024, 130.0))
    assert len(check_series(RISE, mixed).records) == 3
    answer = check_series(changed(RISE, also=("old",)), mixed)
    assert len(answer.records) == 4
    assert "January 2021" in answer.because


def test_only_figures_within_the_months_count() -> None:
    five = panel(*(year(2021 + n, 100.0 + n) for n in range(5)))
    answer = check_series(changed(RISE, first="2022-01", last="2024-12"), five)
    assert len(answer.records) == 3
    assert "January 2022 to December 2024" in answer.because


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"series": "fihgters"}, "no series 'fihgters'"),
        ({"expects": "rises"}, "unknown expectation 'rises'"),
        ({"value": 3.0}, "does not fit 'rise'"),
        ({"expects": "at_least"}, "does not fit 'at_least'"),
        ({"expects": "at_least", "value": float("nan")}, "not a finite number"),
        ({"first": "2022-13"}, "in no calendar"),
        ({"last": "2022"}, "not a month"),
        ({"first": "2023-01", "last": "2022-01"}, "lies after"),
        ({"first": "2026-01"}, "no figure in that period"),
        ({"first": "2022-01", "last": "2023-12"}, "2 figures in that period, too few"),
        ({"first": "2022-01", "last": "2022-12"}, "all figures speak of one time"),
        ({"also": ["rumour"]}, "no figure of 'rumour'"),
    ],
)
def test_a_check_that_cannot_be_made_says_why(changes: dict[str, object], words: str) -> None:
    four = panel(*(year(2021 + n, 100.0 + n) for n in range(4)))
    raw = {**RISE.model_dump(exclude_defaults=True), **changes}
    with pytest.raises(InputError, match=words) as caught:
        parse("claim_tests.toml", {"record": [raw]}, ClaimTests, {"panel": four, "series": four.series})
    assert caught.value.where.startswith("claim_tests.toml, grew, ")
    assert "\n" not in str(caught.value)


# several series


def test_series_that_agree_carry_a_claim_and_others_do_not() -> None:
    yes, no, open_ = "supported", "contradicted", "not identified"
    assert combined([yes, yes]) == yes
    assert combined([no]) == no
    assert combined([yes, no]) == combined([yes, open_]) == combined([yes, no, open_]) == open_


def test_estimates_of_the_challengers_size_and_counts_of_its_attacks_disagree(khorasan: Study) -> None:
    early = ("un_sg_2022_tech_consulting", "un_monitoring_2021_reporterly", "un_monitoring_2021_wion")
    size = changed(RISE, first="2021-01", last="2024-12", also=(*early, "new_york_times_2021_comunidad"))
    activity = changed(RISE, series="attacks_un", note="Attacks measure activity, not size.")
    found = [check_series(check, khorasan.panel, 20210815) for check in (size, activity)]
    assert [each.verdict for each in found] == ["supported", "contradicted"]
    assert found[1].thirds is not None
    # down by nine tenths
    assert found[1].thirds[0] < 0.15
    assert combined([each.verdict for each in found]) == "not identified"
    assert "activity, not size" in found[1].because


def test_the_same_seed_gives_the_same_answer() -> None:
    some = panel(*days([3.0, 5.0, 4.0, 6.0]))
    assert check_series(RISE, some, seed=3) == check_series(RISE, some, seed=3)
