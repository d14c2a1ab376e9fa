"""The article's own figures, and whether ours agree with them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from outbid.data.fields import choice, non_negative, number, text
from outbid.data.tables import Column, check_known, read_table
from outbid.errors import InputError

RULES = ("decimals", "significant", "within")
Key = tuple[str, str, str]

_COLUMNS = (
    Column("table", text),
    Column("row", text),
    Column("column", text),
    Column("value", number),
    Column("rule", choice(*RULES)),
    Column("precision", non_negative),
    Column("source", text),
    Column("unit", text),
    Column("note", text, blank="none"),
)


@dataclass(frozen=True)
class Published:
    """One figure of the article, and how close ours must come.

    `rule` is "decimals" (ours rounds to it at so many decimals), "significant" (they agree to so many
    digits) or "within" (they differ by no more); `precision` is that number.
    """

    table: str
    row: str
    column: str
    value: float
    rule: str
    precision: float
    source: str
    unit: str
    note: str

    @property
    def key(self) -> Key:
        """Where it stands: table, row, column."""
        return self.table, self.row, self.column


@dataclass(frozen=True)
class Cell:
    """A published figure beside ours. `ours` and `ok` are None where there is nothing to compare."""

    published: Published
    ours: float | None
    ok: bool | None
    low: float | None = None
    high: float | None = None

    @property
    def difference(self) -> float | None:
        """Ours less the published one."""
        return None if self.ours is None else self.ours - self.published.value


def read_published(path: Path, sources: Collection[str]) -> tuple[Published, ...]:
    """Read a study's table of published figures.

    Raises
    ------
    InputError
        At the first fault, with file, line, column and cure.
    """
    rows = read_table(path, _COLUMNS, key=("table", "row", "column"))
    if not rows:
        raise InputError(str(path), "holds no figure", "Give at least one row.")
    for row in rows:
        check_known(row, "source", sources)
    return tuple(
        Published(**{column.name: row[column.name] for column in _COLUMNS} | {"note": row["note"] or ""})
        for row in rows
    )


def agrees(published: Published, ours: float) -> bool:
    """Say whether our figure is the published one, by that figure's own rule."""
    if not math.isfinite(ours):
        return False
    size = abs(published.value)
    if published.rule == "decimals":
        allowed = 0.5 * 10.0**-published.precision
    elif published.rule == "significant":
        leading = math.floor(math.log10(size)) if size > 0 else 0
        allowed = 0.5 * 10.0 ** (leading + 1 - published.precision)
    else:
        allowed = published.precision
    return bool(abs(ours - published.value) <= allowed * (1.0 + 1e-9))


def compared(published: Collection[Published], ours: Mapping[Key, float]) -> tuple[Cell, ...]:
    """Return every published figure beside ours; one that we do not have is not judged."""
    cells = []
    for each in published:
        mine = ours.get(each.key)
        cells.append(Cell(each, mine, None if mine is None else agrees(each, mine)))
    return tuple(cells)


def covered(
    published: Collection[Published],
    ours: Mapping[Key, float],
    intervals: Mapping[Key, tuple[float, float]],
) -> tuple[Cell, ...]:
    """Return every published figure beside ours from a simulated panel, for which it is the truth.

    A cell is right where its interval holds the truth, and is not judged where it has no interval.
    """
    cells = []
    for each in published:
        mine, ends = ours.get(each.key), intervals.get(each.key)
        if mine is None or ends is None:
            cells.append(Cell(each, mine, None))
        else:
            cells.append(Cell(each, mine, ends[0] <= each.value <= ends[1], *ends))
    return tuple(cells)
