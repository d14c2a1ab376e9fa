"""Read what each lever was in the past, and the events that the report shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from outbid.data.panel import Floats, Window
from outbid.data.tables import Column, check_known, choice, month, number, parse_date, read_table, text
from outbid.errors import InputError

_LEVER_COLUMNS = (
    Column("lever", text),
    Column("start", month),
    Column("end", month),
    Column("value", number),
    Column("basis", choice("figure", "judgement")),
    Column("source", text, blank="none"),
    Column("note", text, blank="none"),
)
_MARK_COLUMNS = (
    Column("date", parse_date),
    Column("kind", choice("attack", "edict", "engagement", "operation")),
    Column("id", text),
    Column("label", text),
    Column("source", text),
    Column("direction", choice("+", "-"), blank="none"),
    Column("claims", text, blank="none"),
)


@dataclass(frozen=True)
class LeverRow:
    """What a lever was held to be over some months (YYYY-MM, both included), and on what grounds."""

    lever: str
    start: str
    end: str
    value: float
    basis: str
    source: str
    note: str


@dataclass(frozen=True)
class MarkRow:
    """An event to be shown on the time axis; `date` and `until` differ where only the month is known."""

    date: dt.date
    until: dt.date
    kind: str
    id: str
    label: str
    source: str
    direction: str
    claims: tuple[str, ...]

    @property
    def dated(self) -> bool:
        """Whether its day is known."""
        return self.date == self.until


def read_levers(
    path: Path, window: Window, names: Collection[str], sources: Collection[str]
) -> tuple[dict[str, Floats], tuple[LeverRow, ...]]:
    """Read what each lever was in each month of the past.

    `window`: the months; rows may reach beyond it. `names`: the levers that must have a value in every month,
    and the only ones that may be named. `sources`: IDs of the sources that a row may name; a row on the basis of
    a figure must name one. Returns each lever's values, shape (n_months,), in the order of `names`; and the rows
    they come from. Raises InputError at the first fault, with file, line, column and cure.
    """
    values = {name: np.full(len(window), np.nan) for name in names}
    lines: dict[tuple[str, str], int] = {}
    rows = []
    for row in read_table(path, _LEVER_COLUMNS, ordered=[("start", "end")]):
        check_known(row, "lever", names)
        if row["source"] is not None:
            check_known(row, "source", sources)
        elif row["basis"] == "figure":
            fix = "Name the source of the figure, or write judgement as its basis."
            raise InputError(row.where("source"), "a figure needs a source", fix)
        each = LeverRow(**{**row.values, "source": row["source"] or "", "note": row["note"] or ""})
        for place, name in enumerate(window.months):
            if each.start <= name <= each.end:
                earlier = lines.setdefault((each.lever, name), row.line)
                if earlier != row.line:
                    problem = f"{each.lever} already has a value in {name}, on line {earlier}"
                    raise InputError(row.where("start"), problem, "Let the periods meet without overlap.")
                values[each.lever][place] = each.value
        rows.append(each)
    for lever, path_taken in values.items():
        gaps = np.flatnonzero(np.isnan(path_taken))
        if gaps.size:
            problem = f"lever {lever!r} has no value in {window.months[gaps[0]]}"
            fix = "Give every lever a value in every month; carry one forward as judgement where you must."
            raise InputError(str(path), problem, fix)
    return values, tuple(rows)


def read_marks(path: Path, sources: Collection[str]) -> tuple[MarkRow, ...]:
    """Read the events that the report shows on its time axis; none if there is no such file.

    Only those of the kind engagement have a direction, + or -; claims are IDs, separated by spaces. `sources`:
    IDs of the sources that a row may name. Raises InputError at the first fault, with file, line, column and cure.
    """
    marks = []
    for row in read_table(path, _MARK_COLUMNS, key=("id",)) if path.is_file() else ():
        check_known(row, "source", sources)
        if (row["kind"] == "engagement") != (row["direction"] is not None):
            fix = "Write + (toward engagement) or - (away) for engagement, and leave it blank for all others."
            raise InputError(row.where("direction"), f"direction does not fit {row['kind']!r}", fix)
        start, end = row["date"]
        given = {**row.values, "date": start, "direction": row["direction"] or ""}
        marks.append(MarkRow(**given | {"until": end, "claims": tuple((row["claims"] or "").split())}))
    return tuple(marks)
