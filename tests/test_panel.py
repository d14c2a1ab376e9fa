"""The panel: how much of each month a record speaks of, and every fault of a study's tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbid.data.levers import read_levers, read_marks
from outbid.data.panel import (
    EARLY_DAYS,
    Panel,
    Record,
    Series,
    Window,
    monthly_mean_weights,
    read_panel,
    weights,
)
from outbid.errors import InputError

WINDOW = Window("2021-09", "2022-12")
FIRST, LAST = WINDOW.first_day, WINDOW.last_day
DAY = timedelta(days=1)


def record(start: date, end: date, skip: tuple[date, date] | None = None, used: bool = True) -> Record:
    exception = skip or (None, None)
    return Record("attacks", start, end, 1.0, None, None, "un", "", used, "", *exception)


def days_of(item: Record) -> float:
    return float((weights(item, WINDOW) * WINDOW.days).sum())


inner_days = st.dates(min_value=FIRST, max_value=LAST)
any_days = st.dates(min_value=FIRST - timedelta(days=400), max_value=LAST + timedelta(days=400))


def test_a_window_knows_its_months_and_days() -> None:
    window = Window("2023-11", "2024-02")
    assert window.months == ("2023-11", "2023-12", "2024-01", "2024-02")
    assert len(window) == 4
    assert (window.first_day, window.last_day) == (date(2023, 11, 1), date(2024, 2, 29))
    assert window.days.tolist() == [30, 31, 31, 29]


@pytest.mark.parametrize(
    ("first", "last"), [("2022-02", "2022-01"), ("2022", "2023-01"), ("2022-01", "2022-13")]
)
def test_a_window_of_no_months_is_refused(first: str, last: str) -> None:
    with pytest.raises(InputError, match="window"):
        Window(first, last)


def test_weights_of_whole_and_half_months() -> None:
    found = weights(record(date(2021, 10, 1), date(2021, 11, 15)), WINDOW)
    assert found[:4].tolist() == [0, 1, 0.5, 0]
    assert found.shape == (len(WINDOW),)


def test_the_early_days_of_a_period_count_on_the_first_month() -> None:
    found = weights(record(date(2021, 8, 19), date(2021, 12, 31)), WINDOW)
    assert found[:5].tolist() == [pytest.approx(43 / 30), 1, 1, 1, 0]
    assert weights(record(date(2021, 8, 1), date(2021, 9, 30)), WINDOW)[0] == pytest.approx(61 / 30)
    assert weights(record(date(2021, 7, 31), date(2021, 9, 30)), WINDOW)[0] == 1


@given(inner_days, inner_days)
def test_a_period_in_the_window_is_counted_once_and_never_more_than_whole(one: date, other: date) -> None:
    item = record(min(one, other), max(one, other))
    found = weights(item, WINDOW)
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert days_of(item) == pytest.approx((item.end - item.start).days + 1)


@given(any_days, any_days)
def test_the_days_add_up_to_those_inside_with_early_ones_if_few(one: date, other: date) -> None:
    item = record(min(one, other), max(one, other))
    early = (FIRST - item.start).days
    begin = item.start if early <= EARLY_DAYS else FIRST
    assert days_of(item) == pytest.approx(max((min(item.end, LAST) - begin).days + 1, 0))
    assert (weights(item, WINDOW)[1:] <= 1).all()


@given(st.tuples(inner_days, inner_days, inner_days).map(sorted).filter(lambda days: days[0] < days[1]))
def test_adjacent_periods_add_up(days: list[date]) -> None:
    start, middle, end = days
    parts = weights(record(start, middle - DAY), WINDOW) + weights(record(middle, end), WINDOW)
    np.testing.assert_allclose(parts, weights(record(start, end), WINDOW), atol=1e-12)


@given(st.tuples(any_days, any_days, any_days, any_days).map(sorted))
def test_an_exception_is_taken_out(days: list[date]) -> None:
    start, skip_start, skip_end, end = days
    if (FIRST - start).days > EARLY_DAYS:
        start = FIRST  # the early days of the exception then count or not as those of the period do
        skip_start, skip_end, end = (max(day, FIRST) for day in (skip_start, skip_end, end))
    left = weights(record(start, end, (skip_start, skip_end)), WINDOW)
    np.testing.assert_allclose(
        left,
        weights(record(start, end), WINDOW) - weights(record(skip_start, skip_end), WINDOW),
        atol=1e-12,
    )
    assert (left >= 0).all()


@given(inner_days, inner_days)
def test_mean_weights_add_up_to_one(one: date, other: date) -> None:
    item = record(min(one, other), max(one, other))
    found = monthly_mean_weights(item, WINDOW)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found * weights(item, WINDOW).sum(), weights(item, WINDOW))


def test_a_period_outside_has_no_mean() -> None:
    with pytest.raises(InputError, match="does not touch the window"):
        monthly_mean_weights(record(date(2020, 1, 1), date(2020, 1, 2)), WINDOW)


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [
        (date(2021, 8, 1), LAST, True),
        (date(2021, 7, 31), LAST, False),
        (FIRST, LAST + DAY, False),
    ],
)
def test_a_used_record_may_not_reach_out_of_the_window(start: date, end: date, fits: bool) -> None:
    def build(item: Record) -> Panel:
        return Panel(
            WINDOW, {"attacks": Series("attacks", "Attacks", "attacks", "Attacks.", (item,), "count")}
        )

    shown = dataclasses.replace(record(start, end), used=False, why_not="too long")
    assert build(shown).series["attacks"].used == ()
    if fits:
        assert len(build(record(start, end)).series["attacks"].used) == 1
    else:
        with pytest.raises(InputError, match="reaches outside the window"):
            build(record(start, end))


# ---- reading a study's folder ---------------------------------------------------------------------------

HEADER = "series,start,end,value,low,high,source,note,used,why_not,except_start,except_end\n"
DECLARED = """
[attacks]
label = "Attacks"
unit = "attacks"
meaning = "Attacks counted."
kind = "count"
file = "figures/attacks.csv"
[fighters]
label = "Fighters"
unit = "persons"
meaning = "Estimates."
kind = "level"
file = "figures/attacks.csv"
overlaps = true
"""
ATTACKS = "attacks,2021-10,2021-10,5,,,un,,yes,,,\n"
AROUND = "attacks,2021-09,2021-12,9,,,un,,yes,,2021-10,2021-10\n"
FIGHTERS = "fighters,2022-01,2022-02,,2000.5,3000,un,,yes,,,\n"


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    def build(rows: str = ATTACKS + FIGHTERS, declared: str = DECLARED, header: str = HEADER) -> Path:
        (tmp_path / "figures").mkdir(exist_ok=True)
        (tmp_path / "series.toml").write_text(declared)
        (tmp_path / "figures" / "attacks.csv").write_text(header + rows)
        return tmp_path

    return build


def test_a_sound_study_reads_and_nothing_is_filled_in(study: Callable[..., Path]) -> None:
    rows = (
        ATTACKS
        + "attacks,2021-08-19,2022-01,9,7,12,un,a note,yes,,2021-10,2021-10\n"
        + "attacks,2020,2021,900,,,un,,no,too early,,\n"
        + FIGHTERS
        + FIGHTERS.replace("2000.5,3000", ",4000")
    )
    panel = read_panel(study(rows), WINDOW, {"un"})
    assert list(panel.series) == ["attacks", "fighters"]
    attacks, fighters = panel.series.values()
    assert (attacks.label, attacks.unit, attacks.meaning, attacks.kind) == (
        "Attacks",
        "attacks",
        "Attacks counted.",
        "count",
    )
    assert [item.value for item in attacks.records] == [5, 9, 900]
    assert [item.value for item in attacks.used] == [5, 9]
    assert attacks.records[1] == Record(
        series="attacks",
        start=date(2021, 8, 19),
        end=date(2022, 1, 31),
        value=9,
        low=7,
        high=12,
        source="un",
        note="a note",
        used=True,
        why_not="",
        except_start=date(2021, 10, 1),
        except_end=date(2021, 10, 31),
    )
    assert attacks.records[2].why_not == "too early"
    assert [(item.low, item.high) for item in fighters.used] == [(2000.5, 3000), (None, 4000)]


@pytest.mark.parametrize(
    ("rows", "where", "problem", "fix"),
    [
        (ATTACKS.replace("attacks", "atacks"), "line 2, column series", "unknown series", "mean 'attacks'"),
        (ATTACKS.replace("un", "um"), "line 2, column source", "unknown source", "Known names: un"),
        (ATTACKS.replace(",5,", ",,"), "line 2, column value", "no figure", "drop the row"),
        (ATTACKS.replace(",5,", ",5.5,"), "line 2, column value", "attacks counts", "kind"),
        (ATTACKS.replace(",5,", ",-5,"), "line 2, column value", "attacks counts", "kind"),
        (ATTACKS.replace(",5,,", ",,0.5,"), "line 2, column low", "attacks counts", "kind"),
        (ATTACKS.replace(",5,,", ",5,6,"), "line 2, column low", "above value", "Swap"),
        (ATTACKS.replace(",5,,,", ",5,,4,"), "line 2, column value", "above high", "Swap"),
        (ATTACKS.replace(",5,,,", ",,6,4,"), "line 2, column low", "above high", "Swap"),
        (ATTACKS.replace("yes", "no"), "line 2, column why_not", "without a reason", "why_not"),
        (ATTACKS.replace("yes,", "yes,too early"), "line 2, column why_not", "with a reason", "why_not"),
        (ATTACKS.replace("2021-10,5", "2021-09,5"), "line 2, column start", "above end", "Swap"),
        (ATTACKS.replace("yes,,,", "yes,,2021-10-02,"), "line 2, column except_start", "half", "both"),
        (ATTACKS.replace("yes,,,", "yes,,,2021-10-02"), "line 2, column except_start", "half", "both"),
        (ATTACKS.replace("yes,,,", "yes,,2021-10-03,2021-10-02"), "except_start", "above except_end", "Swap"),
        (ATTACKS.replace("yes,,,", "yes,,2021-09-30,2021-10-02"), "except_start", "a part", "within"),
        (ATTACKS.replace("yes,,,", "yes,,2021-10,2021-10"), "except_start", "a part", "within"),
        (ATTACKS.replace("2021-10", "2021-07", 1), "line 2, column start", "outside the window", "used = no"),
        (ATTACKS.replace("2021-10,5", "2023-01,5"), "line 2, column start", "outside the", "used = no"),
        (ATTACKS + ATTACKS, "line 3, column series", "the same series", "Keep one"),
        (ATTACKS + ATTACKS.replace(",5,", ",6,"), "line 3, column start", "record on line 2", "overlaps ="),
        (AROUND + ATTACKS.replace("2021-10,5", "2021-11-01,5"), "line 2", "record on line 3", "used = no"),
        (FIGHTERS, "attacks.csv", "no row of series 'attacks'", "remove it from series.toml"),
    ],
)  # fmt: skip
def test_a_fault_in_the_figures(
    study: Callable[..., Path], rows: str, where: str, problem: str, fix: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_panel(study(rows), WINDOW, {"un"})
    assert where in caught.value.where
    assert problem in caught.value.problem
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        (DECLARED.replace("unit", "unti", 1), r"attacks, unti: unknown key\. Did you mean 'unit'"),
        (DECLARED.replace('unit = "attacks"\n', ""), r"attacks, unit: missing or not a text"),
        (DECLARED.replace('"count"', '"conut"'), r"attacks, kind: unknown kind 'conut'\. Did"),
        (DECLARED.replace('"count"', "3"), r"attacks, kind: unknown kind 3"),
        (DECLARED.replace("true", '"yes"'), r"fighters, overlaps: is not true or false\. Write overlaps = true"),
        (DECLARED.replace('"Attacks"', '""'), r"attacks, label: missing or not a text"),
        ("attacks = 1", r"attacks: is not a table\. Write it as \[attacks\]"),
        ("[attacks", r"series\.toml, line 1: is not valid TOML"),
        (DECLARED.replace("figures/attacks", "../attacks"), r"attacks, file: .* leads out"),
        (DECLARED.replace("figures/attacks.csv", "figures/atacks.csv"), r"attacks\.csv: no series is read"),
        (DECLARED.replace("[", "[more_").replace("attacks.csv", "more.csv") + DECLARED, r"no such file"),
    ],
)  # fmt: skip
def test_a_fault_in_the_declarations(study: Callable[..., Path], declared: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_panel(study(declared=declared), WINDOW, {"un"})


def test_a_row_in_another_series_file_is_refused(study: Callable[..., Path]) -> None:
    folder = study(
        declared=DECLARED.replace("attacks.csv", "fighters.csv", 2).replace("fighters.csv", "attacks.csv", 1)
    )
    (folder / "figures" / "fighters.csv").write_text(HEADER + ATTACKS)
    with pytest.raises(InputError, match="another file in series"):
        read_panel(folder, WINDOW, {"un"})


def test_a_study_without_declarations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"series\.toml: there is no such file"):
        read_panel(tmp_path, WINDOW, {"un"})


# ---- levers and marks -----------------------------------------------------------------------------------

LEVERS = """lever,start,end,value,basis,source,note
purge,2021-08,2021-12,1,judgement,,why
purge,2022-01,2023-05,0,figure,un,
"""


def levers(folder: Path, content: str) -> Path:
    path = folder / "levers.csv"
    path.write_text(content)
    return path


def test_levers_are_constant_by_month_and_keep_their_grounds(tmp_path: Path) -> None:
    values, rows = read_levers(levers(tmp_path, LEVERS), WINDOW, ["purge"], {"un"})
    assert list(values) == ["purge"]
    assert values["purge"].tolist() == [1] * 4 + [0] * 12
    assert [(row.start, row.end, row.basis, row.source, row.note) for row in rows] == [
        ("2021-08", "2021-12", "judgement", "", "why"),
        ("2022-01", "2023-05", "figure", "un", ""),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (LEVERS.replace("purge,2022", "prge,2022"), r"line 3, column lever: unknown lever 'prge'\. Did"),
        (LEVERS.replace("figure,un", "figure,"), r"line 3, column source: a figure needs a source"),
        (LEVERS.replace("figure,un", "figure,um"), r"line 3, column source: unknown source 'um'"),
        (LEVERS.replace("figure", "guess"), r"line 3, column basis: 'guess'"),
        (LEVERS.replace("1,judge", "nan,judge"), r"line 2, column value: 'nan' is not a finite number"),
        (LEVERS.replace("2022-01", "2021-12"), r"start: purge already has a value in 2021-12, on line 2"),
        (LEVERS.replace("2022-01", "2022-02"), r"levers\.csv: lever 'purge' has no value in 2022-01"),
        (LEVERS.replace("2022-01", "2022"), r"line 3, column start: '2022' is not a month"),
        (LEVERS.replace("2022-01", "2024-01"), r"line 3, column start: .* lies above end"),
    ],
)  # fmt: skip
def test_a_fault_in_the_levers(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_levers(levers(tmp_path, content), WINDOW, ["purge"], {"un"})


def test_a_lever_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lever 'vetting' has no value in 2021-09"):
        read_levers(levers(tmp_path, LEVERS), WINDOW, ["purge", "vetting"], {"un"})


MARKS = """date,kind,id,label,source,direction,claims
2022-03-23,edict,schools,Schools closed,un,,M05 M04
2022-04,engagement,embassy,Embassy opened,un,+,
"""


def test_marks_know_their_days_and_claims(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(MARKS)
    first, second = read_marks(path, {"un"})
    assert (first.date, first.until, first.kind, first.id) == (
        date(2022, 3, 23),
        date(2022, 3, 23),
        "edict",
        "schools",
    )
    assert (first.label, first.source, first.direction, first.claims) == (
        "Schools closed",
        "un",
        "",
        ("M05", "M04"),
    )
    assert (second.date, second.until) == (date(2022, 4, 1), date(2022, 4, 30))
    assert (second.direction, second.claims) == ("+", ())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (MARKS.replace("edict", "edit"), r"line 2, column kind: 'edit' .* Did you mean 'edict'"),
        (MARKS.replace("un", "um"), r"line 2, column source: unknown source 'um'"),
        (MARKS.replace("embassy", "schools"), r"line 3, column id: the same id as on line 2"),
        (MARKS.replace("+", ""), r"line 3, column direction: direction does not fit 'engagement'"),
        (MARKS.replace("un,,", "un,-,"), r"line 2, column direction: direction does not fit 'edict'"),
        (MARKS.replace("+", "0"), r"line 3, column direction: '0' is not one of the choices"),
        (MARKS.replace("03-23", "02-30"), r"line 2, column date: 2022-02-30 is in no calendar"),
    ],
)
def test_a_fault_in_the_marks(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_marks(path, {"un"})
