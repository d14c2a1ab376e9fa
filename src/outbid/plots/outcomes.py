"""Panels of outcomes (with name, label, unit, summary and better): titles, and numbers in the units that a reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from outbid.conventions import QUANTILES
from outbid.words.numbers import panel_note, unit_of


def panels(outcomes: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """Return by outcome its label and the note under it, as `bands` wants them."""
    return {each.name: (each.label, panel_note(each.unit, each.summary, each.better)) for each in outcomes}


def in_units(
    rows: pd.DataFrame, outcomes: Sequence[Any], columns: Sequence[str] = tuple(QUANTILES)
) -> pd.DataFrame:
    """Return the rows of these outcomes, their numbers in the unit that is shown (shares as percentages)."""
    factors = {each.name: unit_of(each.unit)[0] for each in outcomes}
    kept = rows[rows["outcome"].isin(list(factors))]
    factor = kept["outcome"].map(factors).astype(float)
    return kept.assign(**{name: kept[name].astype(float) * factor for name in columns})
