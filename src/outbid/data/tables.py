"""Read small tables of figures with care: every fault is told with its file, line, column and cure.

A table that loads here holds only what it says it holds. A renamed column, a file cut short, a date that
does not exist or a number that is not one stops the reading instead of travelling on as a silent gap.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

from outbid.data.fields import Parser
from outbid.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Column:
    """A column that a table may hold.

    Parameters
    ----------
    name
        Its name in the header.
    parse
        What turns a field into a value (see the parsers in outbid.data.fields).
    required
        Whether the header must hold it; a column that may be absent reads as None.
    blank
        What an empty field means: "error", or "none" for a value that is not given.
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

    def where(self, column: str | None = None) -> str:
        """Return the words that lead a reader to this row, or to one field of it."""
        return f"{self.file}, line {self.line}" + (f", column {column}" if column else "")


def read_table(
    path: Path,
    columns: Sequence[Column],
    key: Sequence[str] | None = None,
    ordered: Iterable[tuple[str, str]] = (),
) -> tuple[Row, ...]:
    """Read a comma-separated table whose first line names its columns.

    Parameters
    ----------
    path
        The file, UTF-8, comma-separated.
    columns
        The columns that it may hold.
    key
        Columns whose values together may occur only once.
    ordered
        Pairs of columns of which the first may not exceed the second (start and end, low and high).

    Returns
    -------
    The rows in file order, each with typed values; blank lines are passed over.

    Raises
    ------
    InputError
        At the first fault, with file, line, column and cure.
    """
    lines = _lines(path)
    header_line, names = next(lines, (1, []))
    if not names:
        raise InputError(str(path), "the file is empty", "Give it a header line and rows, or remove it.")
    _check_header(f"{path}, line {header_line}", names, columns)
    position = {name: index for index, name in enumerate(names)}
    rows: list[Row] = []
    seen: dict[tuple[Any, ...], int] = {}
    for line, fields in lines:
        if len(fields) != len(names):
            problem = f"{len(fields)} fields where the header has {len(names)}"
            fix = "Quote fields that hold a comma; if the file ends here, it was cut short: fetch it again."
            raise InputError(f"{path}, line {line}", problem, fix)
        values = {column.name: _value(column, fields, position, f"{path}, line {line}") for column in columns}
        row = Row(str(path), line, values)
        for low, high in ordered:
            if values[low] is not None and values[high] is not None and values[low] > values[high]:
                problem = f"{low} ({values[low]}) lies above {high} ({values[high]})"
                raise InputError(row.where(low), problem, "Swap the two, or correct the wrong one.")
        if key is not None:
            mark = tuple(values[name] for name in key)
            if mark in seen:
                problem = f"the same {', '.join(key)} as on line {seen[mark]}"
                raise InputError(row.where(key[0]), problem, "Keep one of the two rows.")
            seen[mark] = line
        rows.append(row)
    return tuple(rows)


def check_known(row: Row, column: str, known: Collection[str]) -> None:
    """Raise an InputError that offers the nearest known name, if a row's field names something unknown."""
    if row[column] not in known:
        raise InputError(
            row.where(column), f"unknown {column} {row[column]!r}", did_you_mean(row[column], known)
        )


def _value(column: Column, fields: Sequence[str], position: Mapping[str, int], where: str) -> Any:
    if column.name not in position:
        return None
    field = fields[position[column.name]].strip()
    if field:
        return column.parse(field, f"{where}, column {column.name}")
    if column.blank == "none":
        return None
    raise InputError(f"{where}, column {column.name}", "the field is blank", "Give a value, or drop the row.")


def _check_header(where: str, names: Sequence[str], columns: Sequence[Column]) -> None:
    known = [column.name for column in columns]
    if len(names) == 1 and len(known) > 1 and re.search(r"[;\t]", names[0]):
        problem = "the columns are not separated by commas"
        raise InputError(where, problem, "Save the table as comma-separated values (CSV), UTF-8.")
    for name in names:
        if name not in known:
            raise InputError(where, f"unknown column {name!r}", did_you_mean(name, known))
        if names.count(name) > 1:
            raise InputError(where, f"column {name!r} stands twice", "Keep one of the two.")
    for column in columns:
        if column.required and column.name not in names:
            raise InputError(
                where, f"column {column.name!r} is missing", "Add it to the header and the rows."
            )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, and its fields."""
    # strict: an unclosed quote is an error instead of one enormous last field.
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    start = 1
    first = True
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fix = "Close every quotation mark, and double those inside a quoted field."
            raise InputError(f"{path}, line {start}", f"broken quoting ({error})", fix) from None
        if any(field.strip() for field in fields):
            yield start, [field.strip() for field in fields] if first else fields
            first = False
        start = reader.line_num + 1


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without the mark that Excel sets before it.

    Raises
    ------
    InputError
        If it is missing, can't be read, or is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        fix = "Check the name, or put the file there."
        raise InputError(str(path), "there is no such file", fix) from None
    except OSError as error:
        problem = f"the file can't be read ({error.strerror})"
        raise InputError(str(path), problem, "Check that it is a file and that you may read it.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}, line {line}", "the text is not UTF-8", "Save the file again as UTF-8."
        ) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises
    ------
    InputError
        If it is missing, is not UTF-8, or is not TOML.
    """
    content = read_text(path)
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise InputError(str(path), f"not valid TOML ({error})", "Correct the line named.") from None


def inside(folder: Path, relative: str, where: str = "file") -> Path:
    """Return a path that a study's file names, if it stays within the study's folder.

    Parameters
    ----------
    folder
        The study's folder.
    relative
        The path as written, relative to the folder.
    where
        Where it is written, for the complaint.

    Raises
    ------
    InputError
        If it is blank or absolute, or leads out of the folder by ".." or by a link.
    """
    fix = f"Name a file below {folder.name or folder} by its path from there."
    if not relative.strip() or Path(relative).is_absolute() or PureWindowsPath(relative).anchor:
        raise InputError(where, f"{relative!r} is not a path relative to the study's folder", fix)
    try:
        target = (folder / relative).resolve()
        root = folder.resolve()
    except (OSError, RuntimeError, ValueError):
        raise InputError(where, f"{relative!r} leads nowhere", fix) from None
    if not target.is_relative_to(root):
        raise InputError(where, f"{relative!r} leads out of the study's folder", fix)
    return folder / relative
