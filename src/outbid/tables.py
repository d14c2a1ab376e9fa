"""Tables as files and as plain rows: one way of writing a number everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from outbid.output import OutputFolder

if TYPE_CHECKING:
    import pandas as pd


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV text; numbers have six significant digits, what is missing stays empty."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def write_tables(folder: OutputFolder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables below `tables/`, one CSV file each."""
    for name, table in tables.items():
        folder.write_text(f"tables/{name}.csv", csv_text(table))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as a list of rows of plain values; what is missing is None."""
    plain = table.astype(object).where(table.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]
