"""Put figures of any frequency on one monthly calendar, with what is missing left missing.

A record says what was published: a figure (or a range) for a period of days. A series is a list of such
records, a panel all series of a study. `weights` says how much of each month a record speaks of, which is
all that a model needs to compare a month-by-month state with a sum or a mean over any period.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, RootModel

from outbid.data.tables import (
    Column,
    Row,
    check_known,
    first_day,
    last_day,
    month,
    number,
    parse_date,
    read_table,
    text,
    yes_no,
)
from outbid.declared import Declared, Text, distinct, read_required
from outbid.errors import InputError
from outbid.files import inside

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """The months that a study looks at, from the first to the last, both included.

    `first_month`, `last_month`: YYYY-MM.
    """

    first_month: str
    last_month: str

    def __post_init__(self) -> None:
        for name in ("first_month", "last_month"):
            month(getattr(self, name), f"window, {name}")
        if self.first_month > self.last_month:
            problem = f"first_month ({self.first_month}) lies after last_month ({self.last_month})"
            raise InputError("window, first_month", problem, "Swap the two.")

    @cached_property
    def months(self) -> tuple[str, ...]:
        """Every month of the window, as YYYY-MM."""
        return _months(np.datetime64(self.first_month), np.datetime64(self.last_month) + 1)

    def after(self, number: int) -> tuple[str, ...]:
        """Return so many months that follow the window, as YYYY-MM."""
        first = np.datetime64(self.last_month) + 1
        return _months(first, first + number)

    @property
    def first_day(self) -> dt.date:
        """The first day of the first month."""
        return parse_date(self.first_month)[0]

    @property
    def last_day(self) -> dt.date:
        """The last day of the last month."""
        return parse_date(self.last_month)[1]

    @property
    def days(self) -> Floats:
        """Days in each month, shape (n_months,)."""
        return np.array([calendar.monthrange(int(m[:4]), int(m[5:]))[1] for m in self.months], dtype=float)

    def __len__(self) -> int:
        return len(self.months)


def _months(first: np.datetime64, end: np.datetime64) -> tuple[str, ...]:
    return tuple(np.arange(first, end).astype(str).tolist())


Kind = Literal["count", "sum", "level"]

# A report that begins in the weeks before the first month still belongs to the window.
EARLY_DAYS = 31

_RECORD_COLUMNS = (
    Column("series", text),
    Column("start", first_day),
    Column("end", last_day),
    Column("value", number, blank="none"),
    Column("low", number, blank="none"),
    Column("high", number, blank="none"),
    Column("source", text),
    Column("note", text, blank="none"),
    Column("used", yes_no),
    Column("why_not", text, blank="none"),
    Column("except_start", first_day, blank="none"),
    Column("except_end", last_day, blank="none"),
)
_RECORD_KEY = ("series", "start", "end", "value", "low", "high", "source")
_RECORD_ORDER = [("start", "end"), ("low", "value"), ("value", "high"), ("low", "high")]
_RECORD_ORDER += [("except_start", "except_end")]


class SeriesTable(Declared):
    """What a series counts or measures, in which unit, and which file holds its figures."""

    label: Text
    unit: Text
    meaning: Text
    kind: Kind = Field(description="How months add up to a period: see `Series`.")
    file: Text = Field(description="A table below the study's folder, such as figures/attacks.csv.")
    overlaps: bool = Field(False, description="Whether periods may overlap: rival estimates of one thing.")


class SeriesFile(RootModel[dict[str, SeriesTable]]):
    """series.toml: every series that the figures belong to, under its name."""


@dataclass(frozen=True)
class Record:
    """One published figure: a value, or a lowest and/or highest value, for a period of days.

    `start`, `end`: first and last day of the period, both included. `value`, `low`, `high`: in the series'
    unit; low and high beside a value are the source's own range of uncertainty. `used`, `why_not`: whether
    the model is held against it, and if not, the reason. `except_start`, `except_end`: first and last day of
    a part of the period that the figure leaves out; both or neither.
    """

    series: str
    start: dt.date
    end: dt.date
    value: float | None
    low: float | None
    high: float | None
    source: str
    note: str = ""
    used: bool = True
    why_not: str = ""
    except_start: dt.date | None = None
    except_end: dt.date | None = None


@dataclass(frozen=True)
class Series:
    """Records of one thing in one unit; `kind` says how months add up to a period.

    A "count" is a whole number of happenings and a "sum" another total, both added over the period; a "level"
    is a state of affairs, averaged over it.
    """

    id: str
    label: str
    unit: str
    meaning: str
    records: tuple[Record, ...]
    kind: Kind = "level"

    @property
    def used(self) -> tuple[Record, ...]:
        """The records that the model is held against."""
        return tuple(record for record in self.records if record.used)


@dataclass(frozen=True)
class Panel:
    """All series of a study on one window.

    Raises InputError if a used record reaches out of the window (see `weights` for the days before it).
    """

    window: Window
    series: Mapping[str, Series]

    def __post_init__(self) -> None:
        for series in self.series.values():
            for record in series.used:
                where = f"series {series.id}, {record.start} to {record.end}"
                _check_reach(record, self.window, where)


def weights(record: Record, window: Window) -> Floats:
    """Return the share of each month's days that a record's period covers.

    A period that begins at most 31 days before the window has its early days counted on the first month, so
    that the first weight may exceed 1; what reaches further out is not counted. `record`: the record; days in
    its excluded part are not covered. `window`: the months. Returns shape (n_months,); 1 is a whole month, 0
    a month that the record does not speak of.
    """
    days = window.days
    lasts = window.first_day.toordinal() + np.cumsum(days) - 1
    firsts = lasts - days + 1
    covered = np.zeros(len(window))
    for start, end in _spans(record):
        covered += np.clip(
            np.minimum(lasts, end.toordinal()) - np.maximum(firsts, start.toordinal()) + 1, 0, None
        )
        if (window.first_day - record.start).days <= EARLY_DAYS:
            before = min(end, window.first_day - dt.timedelta(days=1))
            covered[0] += max((before - start).days + 1, 0)
    return covered / days


def monthly_mean_weights(record: Record, window: Window) -> Floats:
    """Return `weights` scaled to sum to 1: a period's mean as a mean of months.

    Raises InputError if the record does not touch the window.
    """
    shares = weights(record, window)
    total = shares.sum()
    if total <= 0:
        where = f"series {record.series}, {record.start} to {record.end}"
        raise InputError(where, "the period does not touch the window", "Mark it used = no, with a reason.")
    scaled: Floats = shares / total
    return scaled


def read_panel(folder: Path, window: Window, sources: Collection[str]) -> Panel:
    """Read a study's figures.

    In its folder, series.toml declares each series and names its file below figures/; `sources`: IDs of the
    sources that a record may name. Series come in the order of series.toml, records in file order. Nothing is
    filled in. Raises InputError at the first fault, with file, line, column and cure.
    """
    declared = read_required(folder / "series.toml", SeriesFile, {}).root
    path_of = {
        name: inside(folder, each.file, f"series.toml, {name}, file") for name, each in declared.items()
    }
    claimed = {path.resolve() for path in path_of.values()}
    for path in sorted((folder / "figures").glob("*.csv")):
        # what editors and file systems leave there doesn't count
        if path.is_file() and not path.name.startswith(".") and path.resolve() not in claimed:
            fix = "Name it as the file of a series in series.toml, or remove it."
            raise InputError(str(path), "no series is read from this file", fix)
    rows: dict[str, list[tuple[Row, Record]]] = {id_: [] for id_ in declared}
    for path in dict.fromkeys(path_of.values()):
        for row in read_table(path, _RECORD_COLUMNS, _RECORD_KEY, _RECORD_ORDER):
            record = _record(row, declared, sources)
            if path_of[record.series] != path:
                fix = f"Move the row to {path_of[record.series]}, or correct series.toml."
                raise InputError(row.where("series"), f"{record.series} has another file in series.toml", fix)
            if record.used:
                _check_reach(record, window, row.where("start"))
            rows[record.series].append((row, record))
    series = {}
    for id_, fields in declared.items():
        if not rows[id_]:
            fix = "Add rows for it, or remove it from series.toml."
            raise InputError(str(path_of[id_]), f"the file holds no row of series {id_!r}", fix)
        if not fields.overlaps:
            _check_overlaps(rows[id_])
        records = tuple(record for _, record in rows[id_])
        series[id_] = Series(id_, fields.label, fields.unit, fields.meaning, records, kind=fields.kind)
    distinct(((name, each.label) for name, each in declared.items()), "series.toml")
    return Panel(window, series)


def _spans(record: Record) -> list[tuple[dt.date, dt.date]]:
    """Return the stretches of days that a record speaks of: its period without the excluded part."""
    if record.except_start is None or record.except_end is None:
        return [(record.start, record.end)]
    day = dt.timedelta(days=1)
    parts = [(record.start, record.except_start - day), (record.except_end + day, record.end)]
    return [(start, end) for start, end in parts if start <= end]


def _record(row: Row, declared: Mapping[str, SeriesTable], sources: Collection[str]) -> Record:
    check_known(row, "series", declared)
    check_known(row, "source", sources)
    given = [name for name in ("value", "low", "high") if row[name] is not None]
    if not given:
        fix = "Give a value, or low and/or high; drop the row if the figure is missing."
        raise InputError(row.where("value"), "the record holds no figure", fix)
    if declared[row["series"]].kind == "count":
        for name in given:
            if row[name] < 0 or not row[name].is_integer():
                problem = f"{row['series']} counts, and {row[name]:g} is not a whole number of zero or more"
                raise InputError(row.where(name), problem, "Correct it, or change the series' kind.")
    if row["used"] == (row["why_not"] is not None):
        how = "in use with a reason not to" if row["used"] else "not in use without a reason"
        raise InputError(row.where("why_not"), f"a record {how}", "Give why_not if, and only if, used is no.")
    left_out = (row["except_start"], row["except_end"])
    if left_out != (None, None):
        if None in left_out:
            fix = "Give both of its ends, or neither."
            raise InputError(row.where("except_start"), "half an exception", fix)
        inner = row["start"] <= left_out[0] and left_out[1] <= row["end"]
        if not inner or left_out == (row["start"], row["end"]):
            problem = "the exception must be a part of the period"
            raise InputError(row.where("except_start"), problem, "Keep it within start and end.")
    return Record(**{**row.values, "note": row["note"] or "", "why_not": row["why_not"] or ""})


def _check_reach(record: Record, window: Window, where: str) -> None:
    early = (window.first_day - record.start).days > EARLY_DAYS
    if early or record.end > window.last_day:
        problem = f"{record.start} to {record.end} reaches outside the window"
        raise InputError(where, problem, "Mark it used = no, with a reason, or widen the window.")


def _check_overlaps(rows: list[tuple[Row, Record]]) -> None:
    spans = sorted((*span, row.line, row) for row, record in rows if record.used for span in _spans(record))
    for (_, end, line, _), (start, _, _, row) in pairwise(spans):
        if start <= end:
            problem = f"the period overlaps that of the used record on line {line}"
            fix = "Mark one of the two used = no, or declare overlaps = true if they are rival estimates."
            raise InputError(row.where("start"), problem, fix)
