"""The published tables beside ours, as plain text ready for the page and as CSV files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outbid.report.replication.content import CellRow, ReplicationContent
from outbid.words.numbers import MINUS

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class ShownCell:
    """A cell of a table in words; `mark` is "good", "bad" or "open" and `verdict` says the same in a word."""

    printed: str
    ours: str
    difference: str
    mark: str
    verdict: str


@dataclass(frozen=True)
class ShownTable:
    """A published table: its columns, its rows with a cell (or none) for each column, and its notes."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ShownCell | None, ...]], ...]
    notes: tuple[str, ...]
    good: int
    judged: int


def shown_tables(content: ReplicationContent) -> tuple[ShownTable, ...]:
    """Return every published table beside ours, in the order of the published figures."""
    return tuple(_table(content, name) for name in dict.fromkeys(cell.table for cell in content.cells))


def _table(content: ReplicationContent, name: str) -> ShownTable:
    cells = [cell for cell in content.cells if cell.table == name]
    columns = tuple(dict.fromkeys(cell.column for cell in cells))
    names = tuple(f"{column[:1].upper()}{column[1:]}" for column in columns)
    rows = tuple(dict.fromkeys(cell.row for cell in cells))
    held = {(cell.row, cell.column): shown(cell, content.simulated) for cell in cells}
    return ShownTable(
        name,
        content.table_titles.get(name, f"Table {name}"),
        names,
        tuple((row, tuple(held.get((row, column)) for column in columns)) for row in rows),
        _notes(cells),
        sum(cell.ok is True for cell in cells),
        sum(cell.ok is not None for cell in cells),
    )


def _notes(cells: Sequence[CellRow]) -> tuple[str, ...]:
    """Return each note once, behind the rows or columns that it speaks of."""
    about: dict[str, dict[str, None]] = {}
    for cell in cells:
        if cell.note:
            about.setdefault(cell.note, {})[f"{cell.row}|{cell.column}"] = None
    notes = []
    for note, places in about.items():
        rows = list(dict.fromkeys(place.split("|")[0] for place in places))
        columns = list(dict.fromkeys(place.split("|")[1] for place in places))
        subject = columns if len(columns) <= len(rows) else rows
        notes.append(f"{'; '.join(subject)}: {note}")
    return tuple(notes)


def shown(cell: CellRow, simulated: bool) -> ShownCell:
    """Return a cell in words."""
    if cell.ours is None:
        return ShownCell(cell.printed, "–", "", "open", "not had")
    words = ("inside", "outside") if simulated else ("same", "differs")
    mark = "open" if cell.ok is None else "good" if cell.ok else "bad"
    told = "not judged" if cell.ok is None else f"✓ {words[0]}" if cell.ok else f"✗ {words[1]}"
    if cell.low is not None and cell.high is not None:
        span = f"{plain(cell.low, cell)} to {plain(cell.high, cell)}"
        return ShownCell(cell.printed, plain(cell.ours, cell), span, mark, told)
    if simulated:
        # the article's figure is of another panel: neither a difference nor a verdict would mean anything
        return ShownCell(cell.printed, plain(cell.ours, cell), "", "open", "")
    gap = cell.difference or 0.0
    return ShownCell(cell.printed, plain(cell.ours, cell), difference(gap), mark, told)


def plain(value: float, cell: CellRow) -> str:
    """Write our figure with some digits more than the published one has."""
    if not math.isfinite(value):
        return "not known"
    if cell.rule.startswith("decimals"):
        decimals = int(cell.rule.split()[-1])
        text = f"{value:,.{decimals + 2 if decimals else 0}f}"
    elif cell.rule.startswith("within"):
        text = f"{value:.6f}"
    else:
        text = f"{value:#.5g}"
    return text.replace("-", MINUS)


def difference(value: float) -> str:
    """Write ours less the published figure, with its sign and two digits."""
    if abs(value) < 1e-8 or not math.isfinite(value):
        return "0"
    return powers(f"{value:+.1e}" if abs(value) < 1e-3 else f"{value:+.2g}")


def powers(text: str) -> str:
    """Return a number as a reader meets it: a proper minus, and powers of ten instead of an "e"."""
    digits, _, exponent = text.partition("e")
    digits = digits.replace("-", MINUS)
    return f"{digits} × 10{str(int(exponent)).translate(_RAISED)}" if exponent else digits


def files(content: ReplicationContent) -> dict[str, str]:
    """Return each table's CSV text by its name below `tables/`."""
    made: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]] = {
        "replication.csv": (
            (
                "table",
                "row",
                "column",
                "published",
                "ours",
                "difference",
                "ok",
                "low",
                "high",
                "note",
                "source",
            ),
            [
                (
                    c.table,
                    c.row,
                    c.column,
                    c.printed,
                    c.ours,
                    c.difference,
                    c.ok,
                    c.low,
                    c.high,
                    c.note,
                    c.source,
                )
                for c in content.cells
            ],
        ),
        "estimates.csv": (
            (
                "parameter",
                "meaning",
                "estimate",
                "first_step_error",
                "corrected_error",
                "full_error",
                "low",
                "high",
            ),
            [
                (e.name, e.meaning, e.estimate, e.first, e.corrected, e.ours, e.low, e.high)
                for e in content.estimates
            ],
        ),
        "without_rival.csv": (
            (
                "player",
                "period",
                "months",
                "with_rival",
                "without",
                "difference",
                *("sd_over_root_n", "low", "high", "observed"),
            ),
            [
                (
                    *(r.player, r.era, r.months, r.together, r.alone, r.difference),
                    *(r.spread, r.low, r.high, r.observed),
                )
                for r in content.eras
            ],
        ),
        "costs.csv": (
            (
                "row",
                *(player.name for player in content.players),
                "either",
                *(f"{player.name}_error" for player in content.players),
                "either_error",
            ),
            [(row.row, *row.values, *row.errors) for row in content.costs],
        ),
        "curves.csv": (
            ("player", "state", "with_rival", "without"),
            [
                (curve.player, *row)
                for curve in content.curves
                for row in zip(content.grid, curve.together, curve.alone, strict=True)
            ],
        ),
        "path.csv": (
            ("player", "month", "state", "with_rival", "without", "attacked"),
            [
                (curve.player, *row)
                for curve in content.curves
                for row in zip(
                    content.months,
                    content.state,
                    curve.together_by_month,
                    curve.alone_by_month,
                    (int(each) for each in curve.acted),
                    strict=True,
                )
            ],
        ),
        "sources.csv": (
            ("id", "role", "title", "outlet", "author", "date", "url", "licence"),
            [(s.id, s.role, s.title, s.outlet, s.author, s.date, s.url, s.licence) for s in content.sources],
        ),
    }
    if content.search is not None:
        made["maxima.csv"] = (
            ("log_likelihood", *content.parameters, "starts", "equilibria"),
            [(m.log_likelihood, *m.estimates, m.starts, m.equilibria) for m in content.search.maxima],
        )
    if content.refit is not None:
        made["refit.csv"] = (
            ("group", "name", "stored", "refitted", "error", "unit"),
            [(r.group, r.name, r.stored, r.refitted, r.error, r.unit) for r in content.refit.rows],
        )
    return {name: _csv(*table) for name, table in made.items()}


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{cell:.8g}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    return held.getvalue()
