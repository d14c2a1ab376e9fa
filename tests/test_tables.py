"""Reading tables: every fault is told with its file, line and column, and sound tables come back typed."""

from __future__ import annotations

import csv
import io
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbid.data.tables import (
    Column,
    choice,
    first_day,
    last_day,
    month,
    non_negative,
    number,
    parse_date,
    read_table,
    text,
    yes_no,
)
from outbid.errors import InputError
from outbid.files import inside, read_toml

COLUMNS = (
    Column("name", text),
    Column("start", first_day),
    Column("end", last_day),
    Column("low", number, blank="none"),
    Column("high", number, blank="none"),
    Column("events", non_negative),
    Column("kind", choice("attack", "edict")),
    Column("used", yes_no),
    Column("note", text, required=False, blank="none"),
)
HEADER = "name,start,end,low,high,events,kind,used\n"
SOUND = "a,2022,2022-03,1.5,,7,attack,yes\n"


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes) -> Any:
    ordered = [("start", "end"), ("low", "high")]
    return read_table(write(folder, content), COLUMNS, key=("name",), ordered=ordered)


def test_a_sound_table_comes_back_typed_and_knows_its_lines(tmp_path: Path) -> None:
    first, second = read(tmp_path, HEADER + SOUND + '\n"b, c",2022-02-28,2022-02-28,,2,0,edict,no\n')
    assert dict(first.values) == {
        "name": "a",
        "start": date(2022, 1, 1),
        "end": date(2022, 3, 31),
        "low": 1.5,
        "high": None,
        "events": 7,
        "kind": "attack",
        "used": True,
        "note": None,
    }
    assert (second["name"], second["used"], second.line) == ("b, c", False, 4)
    assert second.where("end") == f"{tmp_path / 'table.csv'}, line 4, column end"


def test_columns_may_stand_in_any_order_and_excel_may_mark_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffb , a\r\n1,x\r\n")
    (row,) = read_table(path, [Column("a", text), Column("b", number)])
    assert (row["a"], row["b"]) == ("x", 1)


@pytest.mark.parametrize(
    ("content", "where", "problem", "fix"),
    [
        (b"name\xff\n", "line 1", "not UTF-8", "UTF-8"),
        (HEADER.encode() + b"a,\xe9t\xe9,2022,,,1,attack,yes\n", "line 2", "not UTF-8", "UTF-8"),
        ("", "table.csv", "empty", "header"),
        ("\n , \n", "table.csv", "empty", "header"),
        ("nmae" + HEADER[4:] + SOUND, "line 1", "unknown column 'nmae'", "Did you mean 'name'?"),
        (HEADER.replace(",used", ""), "line 1", "'used' is missing", "Add it"),
        (HEADER.replace("low", "name"), "line 1", "'name' stands twice", "Keep one"),
        ("sep=,\n" + HEADER + SOUND, "line 1", "no header", "Take out that line"),
        (HEADER.replace(",", ";"), "line 1", "separated by semicolons", "with commas"),
        (
            HEADER.replace(",", ";") + "a;2022;2022;1,5;;7;attack;yes",
            "line 1",
            "separated by semicolons",
            "CSV",
        ),
        (HEADER.replace(",", "\t") + SOUND.replace(",", "\t"), "line 1", "separated by tabs", "CSV"),
        ((HEADER + SOUND).encode("utf-16"), "line 1", "not UTF-8", "UTF-8"),
        ((HEADER + SOUND).encode("utf-16-le"), "line 1", "not UTF-8", "UTF-8"),
        (HEADER + SOUND.replace("1.5", "1\u00a0500"), "line 2, column low", "not a number", "digits"),
        (HEADER + SOUND.replace("2022-03", "31/03/2022"), "column end", "not a date", "YYYY-MM"),
        (HEADER + SOUND.replace("2022-03", "44651"), "column end", "not a date", "YYYY-MM"),
        (HEADER + SOUND + "b,2022,20", "line 3", "3 fields where the header has 8", "cut short"),
        (HEADER + SOUND.replace("a", "a,b", 1), "line 2", "9 fields", "Quote"),
        (HEADER + SOUND + '"b,2022,2022,,,1,attack,yes\n', "line 3", "broken quoting", "quotation mark"),
        (HEADER + '"a"b,2022,2022,,,1,attack,yes\n', "line 2", "broken quoting", "quotation mark"),
        (HEADER + SOUND.replace("1.5", "nan"), "line 2, column low", "not a finite number", "blank"),
        (HEADER + SOUND.replace("1.5", "-Inf"), "line 2, column low", "not a finite number", "blank"),
        (HEADER + SOUND.replace("1.5", "1e999"), "line 2, column low", "too large", "unit"),
        (HEADER + SOUND.replace("1.5", '"1,500"'), "line 2, column low", "not a number", "digits"),
        (HEADER + SOUND.replace("1.5", "1_5"), "line 2, column low", "not a number", "digits"),
        (HEADER + SOUND.replace(",7,", ",-7,"), "line 2, column events", "below zero", "positive"),
        (HEADER + SOUND.replace(",7,", ",,"), "line 2, column events", "blank", "Give a value"),
        (HEADER + SOUND.replace("2022-03", "2023-02-30"), "column end", "in no calendar", "Check"),
        (HEADER + SOUND.replace("2022-03", "2023-13"), "column end", "in no calendar", "Check"),
        (HEADER + SOUND.replace("2022-03", "2023-00"), "column end", "in no calendar", "Check"),
        (HEADER + SOUND.replace("2022-03", "2023-01-00"), "column end", "in no calendar", "Check"),
        (HEADER + SOUND.replace("2022-03", "March 2022"), "column end", "not a date", "YYYY-MM"),
        (HEADER + SOUND.replace("2022-03", "2021-12"), "column start", "lies above end", "Swap"),
        (HEADER + SOUND.replace("1.5,", "1.5,1.4"), "column low", "low (1.5) lies above high (1.4)", "Swap"),
        (HEADER + SOUND + SOUND, "line 3, column name", "the same name as on line 2", "Keep one"),
        (HEADER + SOUND.replace("attack", "attck"), "column kind", "'attck'", "Did you mean 'attack'?"),
        (HEADER + SOUND.replace("yes", "y"), "column used", "neither yes nor no", "yes or no"),
    ],
)
def test_a_fault_is_told_with_its_place_and_cure(
    tmp_path: Path, content: str | bytes, where: str, problem: str, fix: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert "table.csv" in caught.value.where
    assert where in caught.value.where
    assert problem in caught.value.problem
    assert fix in caught.value.fix
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "name,start,end,low,high,events,kind,used,note,,\n" + SOUND.rstrip() + ",,,\n",  # Excel
        ",name,start,end,low,high,events,kind,used\n" + "," + SOUND,  # pandas, without row numbers
        "name,start,end,events,kind,used,low,high,note\na,2022,2022-03,7,attack,yes,1.5\n",  # Excel again
        HEADER + SOUND.rstrip() + ",,\n",
        HEADER + SOUND + ",,,,,,,\n\n,,,,,,,\n",  # rows that were emptied
        "\ufeff" + (HEADER + SOUND).replace("\n", "\r\n"),
        (HEADER + SOUND).replace("\n", "\r"),  # an old Mac's
        HEADER.replace(",", '","').replace("name", '"name').replace("used", 'used"') + SOUND,  # R
        HEADER + SOUND.replace(",attack,", ",\u00a0attack\u00a0,"),
    ],
)
def test_what_spreadsheets_and_editors_leave_does_no_harm(tmp_path: Path, content: str) -> None:
    """Tried: blank columns and fields at the end, a blank column of row numbers, blank rows, marks, line ends, quotes,

    spaces that don't break. Other separators, UTF-16, decimal commas and dates of a spreadsheet are refused above.
    """
    (row,) = read(tmp_path, content)
    assert (row["name"], row["low"], row["high"], row["used"], row["note"]) == ("a", 1.5, None, True, None)


def test_a_column_without_a_name_that_holds_values_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1: column 1 has no name\. Name it, or remove it"):
        read(tmp_path, "," + HEADER + "0," + SOUND)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_table(tmp_path / "none.csv", COLUMNS)
    with pytest.raises(InputError, match="can't be read"):
        read_table(tmp_path, COLUMNS)


def test_toml_faults_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("x = ")
    with pytest.raises(InputError, match=r"a\.toml, line 1: is not valid TOML"):
        read_toml(path)
    path.write_text("x = 1")
    assert read_toml(path) == {"x": 1}


@pytest.mark.parametrize(
    ("parse", "field", "value"),
    [
        (number, "-.5e1", -5.0),
        (number, "1250", 1250.0),
        (non_negative, "0.25", 0.25),
        (month, "2024-02", "2024-02"),
    ],
)
def test_parsers_read_what_they_should(parse: Any, field: str, value: object) -> None:
    assert parse(field, "here") == value


@pytest.mark.parametrize(
    ("parse", "field"),
    [
        (non_negative, "-0.1"),
        (number, "١٢"),
        (month, "2024"),
        (month, "2024-1-"),
        (month, "2024-14"),
    ],
)
def test_parsers_refuse_the_rest(parse: Any, field: str) -> None:
    with pytest.raises(InputError, match=r"^here: "):
        parse(field, "here")


@pytest.mark.parametrize(
    ("field", "first", "last"),
    [
        ("2022", date(2022, 1, 1), date(2022, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024-02-05", date(2024, 2, 5), date(2024, 2, 5)),
    ],
)
def test_a_date_is_a_first_and_a_last_day(field: str, first: date, last: date) -> None:
    assert parse_date(field) == (first, last)


@given(st.dates(min_value=date(1000, 1, 1), max_value=date(9998, 12, 31)))
def test_every_day_reads_as_itself_and_lies_in_its_month_and_year(day: date) -> None:
    assert parse_date(day.isoformat()) == (day, day)
    for length, first_month in ((4, 1), (7, day.month)):
        first, last = parse_date(day.isoformat()[:length])
        assert first <= day <= last
        assert first == date(day.year, first_month, 1)
        assert (last + timedelta(days=1)).day == 1
        assert last.month == (12 if length == 4 else day.month)


@given(st.text(max_size=12))
def test_a_number_field_is_either_read_as_finite_or_refused(field: str) -> None:
    try:
        value = number(field.strip(), "here")
    except InputError:
        return
    assert math.isfinite(value)


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.integers(0, 10**9)),
        max_size=5,
    )
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory: Any, rows: list[tuple[str, int]]) -> None:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["words", "events"])
    writer.writerows(rows)
    path = write(tmp_path_factory.mktemp("sheet"), sheet.getvalue())
    read_back = read_table(path, [Column("words", text, blank="none"), Column("events", non_negative)])
    assert [(row["words"] or "", row["events"]) for row in read_back] == [(w.strip(), n) for w, n in rows]


def test_a_path_inside_the_folder_is_returned(tmp_path: Path) -> None:
    assert inside(tmp_path, "figures/a.csv") == tmp_path / "figures" / "a.csv"
    assert inside(tmp_path, "figures/../b.csv").resolve() == (tmp_path / "b.csv").resolve()


@pytest.mark.parametrize(
    "relative", ["../a.csv", "figures/../../a.csv", "/etc/hosts", "C:\\a.csv", "\\a.csv", " ", "a\0b"]
)
def test_a_path_that_climbs_out_is_refused(tmp_path: Path, relative: str) -> None:
    with pytest.raises(InputError, match=r"^series\.toml: "):
        inside(tmp_path / "study", relative, "series.toml")


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (tmp_path / "secret.csv").write_text("a\n")
    (study / "figures").symlink_to(tmp_path)
    (study / "loop").symlink_to(study / "loop")
    with pytest.raises(InputError, match="leads out"):
        inside(study, "figures/secret.csv")
    with pytest.raises(InputError, match=r"leads (out|nowhere)"):
        read_table(inside(study, "loop/../../secret.csv"), COLUMNS)
