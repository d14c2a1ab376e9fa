"""Draws become columns: the one place where a difference over draws turns into a tidy table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, BEFORE, QUANTILES
from outbid.words.effects import is_assumed, reading

# The columns that follow the keys in every table of effects.
EFFECT_COLUMNS = (*QUANTILES, "p_better", "p_better_before", "reading", "assumed")


def quantiles(draws: xr.DataArray) -> xr.Dataset:
    """Return the quantiles over `draw` as variables q05, q25, median, q75 and q95."""
    taken = draws.quantile(list(QUANTILES.values()), dim="draw", skipna=False)
    return taken.assign_coords(quantile=list(QUANTILES)).to_dataset("quantile")


def p_better(difference: xr.DataArray, better: xr.DataArray) -> xr.DataArray:
    """Return the probability over `draw` that a difference is for the better; ties count half.

    `better`: "higher" or "lower", along the dimension `outcome`.
    """
    sign = 2.0 * (better == "higher") - 1.0
    above: xr.DataArray = (sign * difference > 0).mean("draw")
    return above + 0.5 * (difference == 0).mean("draw")


def effects(difference: xr.DataArray, better: xr.DataArray) -> pd.DataFrame:
    """Return one row an effect: quantiles after the data, chances of being better after and before, and the reading.

    `difference`: with dimensions prior, draw, outcome and any keys, and data ("after", "before") where both
    are known; `better`: "higher" or "lower", along `outcome`. Returns the keys as columns, then
    `EFFECT_COLUMNS`.
    """
    both = "data" in difference.dims
    after = difference.sel(data=AFTER, drop=True) if both else difference
    chances = p_better(after, better)
    before = p_better(difference.sel(data=BEFORE, drop=True), better) if both else chances * np.nan
    table = quantiles(after).assign(p_better=chances, p_better_before=before)
    keys = [str(name) for name in difference.dims if name not in ("data", "draw")]
    frame = table.reset_coords(drop=True).to_dataframe(dim_order=keys).reset_index()
    directions: Mapping[Hashable, str] = dict(
        zip(better["outcome"].values.tolist(), better.values.tolist(), strict=True)
    )
    known = frame["p_better_before"].astype(object).where(frame["p_better_before"].notna(), None)
    rows = list(zip(frame["p_better"], known, frame["prior"], frame["outcome"], strict=True))
    frame["reading"] = [
        reading(after, before, prior, directions[name]) for after, before, prior, name in rows
    ]
    frame["assumed"] = [is_assumed(after, before) for after, before, _, _ in rows]
    return frame[[*keys, *EFFECT_COLUMNS]]


def five_digits(frame: pd.DataFrame, columns: Sequence[str] = tuple(QUANTILES)) -> pd.DataFrame:
    """Return a table with five significant digits in its long columns of paths: more is noise, and takes room."""
    rounded = {
        name: [float(f"{value:.5g}") for value in np.asarray(frame[name], dtype=float)]
        for name in columns
        if name in frame
    }
    return frame.assign(**rounded)
