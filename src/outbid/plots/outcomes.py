"""Panels of outcomes: their titles, and their numbers in the units that a reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from outbid.conventions import QUANTILES
from outbid.words.numbers import unit_of


def panels(outcomes: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """Return by outcome its label and a note: the unit of its path, and which way is better."""
    result = {}
    for each in outcomes:
        unit = unit_of(each.unit)[1]
        if unit and each.summary == "sum" and " a " not in unit:
            unit += " a month"  # the table has the sum, the path what each month adds to it
        result[each.name] = (
            each.label,
            ", ".join(part for part in (unit, f"{each.better} is better") if part),
        )
    return result


def in_units(
    rows: pd.DataFrame, outcomes: Sequence[Any], columns: Sequence[str] = tuple(QUANTILES)
) -> pd.DataFrame:
    """Return the rows of these outcomes, their numbers in the unit that is shown (shares as percentages)."""
    factors = {each.name: unit_of(each.unit)[0] for each in outcomes}
    kept = rows[rows["outcome"].isin(list(factors))]
    factor = kept["outcome"].map(factors).astype(float)
    return kept.assign(**{name: kept[name].astype(float) * factor for name in columns})
