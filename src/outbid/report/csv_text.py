"""CSV text: one way of writing a number for every table that a run leaves."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

CsvTable = tuple[Sequence[str], Iterable[Sequence[object]]]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV text; numbers have six significant digits, what is missing stays empty."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    return held.getvalue()


def texts(tables: Mapping[str, CsvTable]) -> dict[str, str]:
    """Return each table's CSV text by file name."""
    return {name: csv_text(*table) for name, table in tables.items()}
