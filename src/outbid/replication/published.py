"""The article's own figures, and whether ours agree with them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

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


def rows_of(table: pd.DataFrame) -> list[Any]:
    """Return a table's rows, whose cells are attributes."""
    return list(table.itertuples(index=False))


def read_published(path: Path, sources: Collection[str]) -> pd.DataFrame:
    """Return a study's table of published figures, one a row, keyed by table, row and column.

    `value` is the figure; ours agrees with it by its `rule`: "decimals" (it rounds to it at so many decimals),
    "significant" (they agree to so many digits) or "within" (they differ by no more); `precision` is that number.

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
    names = [column.name for column in _COLUMNS]
    return pd.DataFrame([{name: row[name] for name in names} | {"note": row["note"] or ""} for row in rows])


def agrees(value: float, rule: str, precision: float, ours: float) -> bool:
    """Say whether our figure is the published one, by that figure's own rule."""
    if not math.isfinite(ours):
        return False
    size = abs(value)
    if rule == "decimals":
        allowed = 0.5 * 10.0**-precision
    elif rule == "significant":
        leading = math.floor(math.log10(size)) if size > 0 else 0
        allowed = 0.5 * 10.0 ** (leading + 1 - precision)
    else:
        allowed = precision
    return bool(abs(ours - value) <= allowed * (1.0 + 1e-9))


def judge(
    published: pd.DataFrame,
    ours: Mapping[Key, float],
    intervals: Mapping[Key, tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Return every published figure beside ours: `published`, `ours`, `difference`, and `ok`, missing where not judged.

    With `intervals` ours come from a panel simulated at the published figures, which are then the truth: a figure is
    right where its interval (`low` to `high`) holds the truth, and is not judged where it has none.
    """
    rows = []
    for each in rows_of(published):
        key = (each.table, each.row, each.column)
        mine, ends = ours.get(key), (intervals or {}).get(key)
        ok: Any = pd.NA
        if mine is not None and intervals is None:
            ok = agrees(each.value, each.rule, each.precision, mine)
        elif mine is not None and ends is not None:
            ok = ends[0] <= each.value <= ends[1]
        low, high = ends if ends is not None and mine is not None else (math.nan, math.nan)
        at = math.nan if mine is None else mine
        row = (
            *key,
            each.value,
            printed(each.value, each.rule, each.precision),
            at,
            at - each.value,
            ok,
            low,
            high,
        )
        rows.append((*row, f"{each.rule} {each.precision:g}", each.unit, each.note, each.source))
    names = ["table", "row", "column", "published", "printed", "ours", "difference", "ok", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "rule", "unit", "note", "source"]).astype({"ok": "boolean"})


def printed(value: float, rule: str, precision: float) -> str:
    """Return a published figure as it was printed."""
    forms = {"decimals": f".{int(precision)}f", "within": ".6f", "significant": "#.5g"}
    return f"{value:{forms[rule]}}".replace("-", "−")
