"""Read small tables of figures with care: every fault is told with its file, line, column and cure.

A table that loads here holds only what it says it holds. A renamed column, a file cut short, a date that
does not exist or a number that is not one stops the reading instead of travelling on as a silent gap.
"""

from __future__ import annotations

import calendar
import csv
import io
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from outbid.errors import InputError, check_name
from outbid.files import read_text

Parser = Callable[[str, str], Any]
"""Turns the stripped text of a field into a value; its second argument says where, for the complaint."""

# ASCII only: Python's own float() also takes "1_000" and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def text(field: str, where: str) -> str:
    """Take any text as it stands."""
    return field


def number(field: str, where: str) -> float:
    """Read a finite number. Raises InputError if the text is no number, or is infinite or not-a-number."""
    if field.lower().lstrip("+-") in {"nan", "na", "inf", "infinity"}:
        fix = "Leave the field blank where the figure is missing, or drop the row."
        raise InputError(where, f"{field!r} is not a finite number", fix)
    if not _NUMBER.fullmatch(field):
        raise InputError(where, f"{field!r} is not a number", "Write digits, such as 1250 or 0.5.")
    value = float(field)
    if not math.isfinite(value):
        raise InputError(where, f"{field!r} is too large to hold", "Write the figure in a larger unit.")
    return value


def non_negative(field: str, where: str) -> float:
    """Read a finite number that is zero or more."""
    value = number(field, where)
    if value < 0:
        raise InputError(where, f"{field} is below zero", "Give zero or a positive number.")
    return value


def choice(*known: str) -> Parser:
    """Return a parser that takes one of the given words and nothing else."""

    def one_of(field: str, where: str) -> str:
        check_name(field, known, where, f"{field!r} is not one of the choices")
        return field

    return one_of


def yes_no(field: str, where: str) -> bool:
    """Read "yes" or "no"."""
    if field not in {"yes", "no"}:
        raise InputError(where, f"{field!r} is neither yes nor no", "Write yes or no.")
    return field == "yes"


def parse_date(field: str, where: str = "date") -> tuple[date, date]:
    """Return the first and the last day of a year, a month or a day.

    `field`: YYYY, YYYY-MM or YYYY-MM-DD; `where`: where the text stands, for the complaint. Raises InputError
    if it has another form, or names a day that no calendar holds.
    """
    parts = _DATE.fullmatch(field)
    if parts is None:
        raise InputError(where, f"{field!r} is not a date", "Write YYYY, YYYY-MM or YYYY-MM-DD.")
    year, in_year, in_month = parts.groups()
    try:
        first = date(int(year), int(in_year or "1"), int(in_month or "1"))
    except ValueError:
        problem = f"{field} is in no calendar"
        raise InputError(where, problem, "Check the year, the month (01 to 12) and the day.") from None
    if in_month:
        return first, first
    last_month = int(in_year or "12")
    return first, date(int(year), last_month, calendar.monthrange(int(year), last_month)[1])


def month(field: str, where: str) -> str:
    """Read a month written YYYY-MM, and leave it as it is written."""
    if len(field) != len("YYYY-MM"):
        raise InputError(where, f"{field!r} is not a month", "Write it as YYYY-MM.")
    parse_date(field, where)
    return field


def first_day(field: str, where: str) -> date:
    """Read a date and take its first day (of the year or month, where no day is given)."""
    return parse_date(field, where)[0]


def last_day(field: str, where: str) -> date:
    """Read a date and take its last day (of the year or month, where no day is given)."""
    return parse_date(field, where)[1]


@dataclass(frozen=True)
class Column:
    """A column that a table may hold.

    `parse` turns a field into a value. `required`: whether the header must hold it; a column that may be absent
    reads as None. `blank`: what an empty field means: "error", or "none" for a value that is not given.
    """

    name: str
    parse: Parser
    required: bool = True
    blank: Literal["error", "none"] = "error"


@dataclass(frozen=True)
class Row:
    """One row of a table: its values by column, and the file and line it came from."""

    file: str
    line: int
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        """Return the value in a column, None where it was left blank."""
        return self.values[column]

    def where(self, column: str) -> str:
        """Return the words that lead a reader to one field of this row."""
        return f"{self.file}, line {self.line}, column {column}"


def read_table(
    path: Path,
    columns: Sequence[Column],
    key: Sequence[str] | None = None,
    ordered: Iterable[tuple[str, str]] = (),
) -> tuple[Row, ...]:
    """Read a comma-separated table whose first line names its columns.

    `path`: the file, UTF-8, comma-separated; `columns`: the columns that it may hold; `key`: columns whose
    values together may occur only once; `ordered`: pairs of columns of which the first may not exceed the
    second (start and end, low and high). Returns the rows in file order, each with typed values; blank lines
    are passed over. Raises InputError at the first fault, with file, line, column and cure.
    """
    lines = _lines(path)
    header_line, names = next(lines, (1, []))
    if not names:
        raise InputError(str(path), "the file is empty", "Give it a header line and rows, or remove it.")
    if names[0].startswith("sep="):
        fix = "Take out that line, which Excel alone understands."
        raise InputError(f"{path}, line {header_line}", f"{names[0]!r} is no header", fix)
    if len([name for name in names if name]) == 1 < len(columns) and (mark := re.search(r"[;\t|]", names[0])):
        problem = f"its columns are separated by {SEPARATORS[mark[0]]}"
        raise InputError(f"{path}, line {header_line}", problem, "Save the table with commas (CSV, UTF-8).")
    optional = {"", *(column.name for column in columns if column.blank == "none")}
    body = [(line, _fitted(fields, names, optional, f"{path}, line {line}")) for line, fields in lines]
    _check_header(f"{path}, line {header_line}", names, columns, [fields for _, fields in body])
    rows: list[Row] = []
    seen: dict[tuple[Any, ...], int] = {}
    for line, fields in body:
        given = dict(zip(names, fields, strict=True))
        values = {each.name: _value(each, given, f"{path}, line {line}") for each in columns}
        row = Row(str(path), line, values)
        for low, high in ordered:
            if values[low] is not None and values[high] is not None and values[low] > values[high]:
                problem = f"{low} ({values[low]}) lies above {high} ({values[high]})"
                raise InputError(row.where(low), problem, "Swap the two, or correct the wrong one.")
        if key is not None:
            earlier = seen.setdefault(tuple(values[name] for name in key), line)
            if earlier != line:
                problem = f"the same {', '.join(key)} as on line {earlier}"
                raise InputError(row.where(key[0]), problem, "Keep one of the two rows.")
        rows.append(row)
    return tuple(rows)


def check_known(row: Row, column: str, known: Collection[str]) -> None:
    """Raise an InputError that offers the nearest known name, if a row's field names something unknown."""
    check_name(row[column], known, row.where(column), f"unknown {column} {row[column]!r}")


def _fitted(fields: list[str], names: Sequence[str], optional: set[str], where: str) -> list[str]:
    """Return a row as long as the header: spreadsheets leave out blank fields at its end, or add some."""
    count = len(names)
    if len(fields) < count and optional.issuperset(names[len(fields) :]):
        return [*fields, *[""] * (count - len(fields))]
    if len(fields) < count or any(field.strip() for field in fields[count:]):
        problem = f"{len(fields)} fields where the header has {count}"
        fix = "Quote fields that hold a comma; if the file ends here, it was cut short: fetch it again."
        raise InputError(where, problem, fix)
    return fields[:count]


def _value(column: Column, given: Mapping[str, str], where: str) -> Any:
    field = given.get(column.name, "").strip()
    if field:
        return column.parse(field, f"{where}, column {column.name}")
    if column.blank == "none" or column.name not in given:
        return None
    raise InputError(f"{where}, column {column.name}", "the field is blank", "Give a value, or drop the row.")


def _check_header(
    where: str, names: Sequence[str], columns: Sequence[Column], body: Sequence[Sequence[str]]
) -> None:
    known = [column.name for column in columns]
    named = [name for name in names if name]
    for index, name in enumerate(names):
        if not name and any(fields[index].strip() for fields in body):
            raise InputError(where, f"column {index + 1} has no name", "Name it, or remove it.")
    for name in named:
        check_name(name, known, where, f"unknown column {name!r}")
        if named.count(name) > 1:
            raise InputError(where, f"column {name!r} stands twice", "Keep one of the two.")
    for column in columns:
        if column.required and column.name not in named:
            problem = f"column {column.name!r} is missing"
            raise InputError(where, problem, "Add it to the header and the rows.")


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, and its fields."""
    # strict: an unclosed quote is an error instead of one enormous last field.
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    start, header = 1, True
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield start, [field.strip() for field in fields] if header else fields
                header = False
            start = reader.line_num + 1
    except csv.Error as error:
        fix = "Close every quotation mark, and double those inside a quoted field."
        raise InputError(f"{path}, line {start}", f"broken quoting ({error})", fix) from None
