"""Draws become columns: the one place where a difference over draws turns into a tidy table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, BEFORE, PRIOR_LABELS, QUANTILES
from outbid.words.effects import is_assumed, reading
from outbid.words.numbers import capital

# The columns that follow the keys in every table of effects.
EFFECT_COLUMNS = (*QUANTILES, "p_better", "p_better_before", "reading", "assumed")


def quantiles(draws: xr.DataArray) -> xr.Dataset:
    """Return the quantiles over `draw` as variables q05, q25, median, q75 and q95."""
    taken = draws.quantile(list(QUANTILES.values()), dim="draw", skipna=False)
    return taken.assign_coords(quantile=list(QUANTILES)).to_dataset("quantile")


def tabled(values: xr.Dataset | xr.DataArray, keys: Sequence[str]) -> pd.DataFrame:
    """Return a row for each combination of the keys, which are all dimensions; of quantiles, a column for each."""
    data = values.to_dataset("quantile") if isinstance(values, xr.DataArray) else values
    frame: pd.DataFrame = data.reset_coords(drop=True).to_dataframe(dim_order=list(keys))
    return frame.reset_index()


def beside(frame: pd.DataFrame, name: str, levels: xr.Dataset) -> pd.DataFrame:
    """Return a table with further quantiles beside it, `name` and `_median` and so on, joined by the keys they share."""
    named = levels.rename({quantile: f"{name}_{quantile}" for quantile in levels.data_vars})
    return frame.merge(tabled(named, [str(key) for key in levels.dims]), how="left", sort=False)


def p_better(difference: xr.DataArray, better: xr.DataArray) -> xr.DataArray:
    """Return the probability over `draw` that a difference is for the better; ties count half.

    None where a draw has no number. `better`: "higher" or "lower", along the dimension `outcome`.
    """
    sign = 2.0 * (better == "higher") - 1.0
    above: xr.DataArray = (sign * difference > 0).mean("draw")
    return (above + 0.5 * (difference == 0).mean("draw")).where((abs(difference) < np.inf).all("draw"))


def lost_draws(draws: xr.DataArray, labels: Mapping[str, str]) -> list[str]:
    """Return, by prior set (and outcome), a sentence on what is no number in some draws, and in how many; none if all are.

    `draws`: dimensions prior, perhaps outcome, draw, and one of what is told apart; `labels`: words for its ids.
    """
    known: xr.DataArray = abs(draws) < np.inf
    lost = (~known).sum("draw").rename("lost").to_dataframe().reset_index()
    (own,) = set(map(str, draws.dims)) - {"prior", "outcome", "draw"}
    keys = [name for name in ("prior", "outcome") if name in draws.dims]
    said = []
    for _, rows in lost[lost["lost"] > 0].groupby(keys, sort=False):
        where = [
            f"{n} of {draws.sizes['draw']} draws of “{labels[at]}”"
            for n, at in zip(rows["lost"], rows[own], strict=True)
        ]
        prior = capital(PRIOR_LABELS[rows["prior"].iloc[0]])
        what = f"{labels[rows['outcome'].iloc[0]]} is" if "outcome" in keys else "there is"
        said.append(f"{prior}, {what} no number in {', '.join(where)}; no chances are told of it.")
    return said


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
    keys = [str(name) for name in difference.dims if name not in ("data", "draw")]
    frame = tabled(quantiles(after).assign(p_better=chances, p_better_before=before), keys)
    return readings(frame, frame["outcome"].map(better.to_series()))[[*keys, *EFFECT_COLUMNS]]


def readings(frame: pd.DataFrame, better: Iterable[str], p: str = "p_better") -> pd.DataFrame:
    """Return a table of chances with what each row says, and whether it was assumed.

    `p`: the column of chances; another, with `_before` behind it, has those before the data.
    `better`: by row, which way is better: "higher" or "lower".
    """
    known = [None if math.isnan(before) else before for before in frame[f"{p}_before"]]
    rows = list(zip(frame[p], known, frame["prior"], better, strict=True))
    return frame.assign(
        reading=[reading(*row) for row in rows], assumed=[is_assumed(*row[:2]) for row in rows]
    )


def five_digits(frame: pd.DataFrame, columns: Sequence[str] = tuple(QUANTILES)) -> pd.DataFrame:
    """Return a table with five significant digits in its long columns of paths: more is noise, and takes room."""
    return frame.assign(
        **{
            name: [float(f"{each:.5g}") for each in frame[name].astype(float)]
            for name in columns
            if name in frame
        }
    )
