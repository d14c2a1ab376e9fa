"""Published figures as numbers that can be drawn: when, how much, and between which bounds."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.data.panel import Kind, Record

Floats = NDArray[np.float64]

DRAWS = 8000
# Rows of slopes that are held at once.
BLOCK = 500
# Half an event more gives a month without events a logarithm (Haldane 1956).
HALF = 0.5
# A floor of which no more is known reaches to twice itself, a ceiling down to half.
OPEN = 2.0
YEAR = 365.25


@dataclass(frozen=True)
class Figures:
    """Some figures of one series, in their order, each array of shape (figures,).

    Parameters
    ----------
    years
        The middle of each figure's period, in years.
    low, high
        Bounds, in logs if `logs`, else in the series' unit; a single figure has both the same.
    counts, months
        The number of events behind a single figure of a count, else NaN; and the months it was counted over.
    added
        What was added to a month's worth before the logarithm.
    logs
        Whether all figures are positive, so that logs are taken.
    """

    years: Floats
    low: Floats
    high: Floats
    counts: Floats
    months: Floats
    added: Floats
    logs: bool

    @property
    def middle(self) -> Floats:
        """The middle between the bounds."""
        return 0.5 * (self.low + self.high)


def as_figures(records: Sequence[Record], kind: Kind) -> Figures:
    """Return records as figures: counts and sums by the month, all in logs where none is zero or less."""
    spans = np.array([_span(record) for record in records])
    months = np.ones(len(records)) if kind == "level" else spans[:, 1]
    added = np.full(len(records), HALF) / months if kind == "count" else np.zeros(len(records))
    bounds = np.array([_bounds(record) for record in records]) / months[:, None]
    single = bounds[:, 0] == bounds[:, 1]
    logs = kind == "count" or bool((bounds > 0).all())
    shown = np.log(bounds + added[:, None]) if logs else bounds
    counts = (
        np.where(single, bounds[:, 0] * months, np.nan) if kind == "count" else np.full(len(records), np.nan)
    )
    return Figures(spans[:, 0] / YEAR, shown[:, 0], shown[:, 1], counts, months, added, logs)


def drawn(figures: Figures, rng: np.random.Generator, *, chance: bool = True) -> Floats:
    """Return draws of every figure, shape (DRAWS, figures).

    A range is drawn evenly between its bounds (in logs, if logs are taken). With `chance`, a single count is
    drawn as the rate that may have brought it about, from Jeffreys' posterior of a Poisson rate.
    """
    shape = (DRAWS, len(figures.years))
    result = figures.low + rng.random(shape) * (figures.high - figures.low)
    counted = np.isfinite(figures.counts)
    if chance and counted.any():
        rates = rng.gamma(figures.counts[counted] + HALF, size=(DRAWS, int(counted.sum())))
        # a rate of nothing has no logarithm
        result[:, counted] = np.log(np.maximum(rates, 1e-9) / figures.months[counted])
    return np.asarray(result)


def slopes(years: Floats, values: Floats) -> Floats:
    """Return each row's median of all slopes between two figures of different times, NaN without such a pair."""
    starts = range(0, len(years), BLOCK)
    return np.concatenate([_slopes(years[i : i + BLOCK], values[i : i + BLOCK]) for i in starts])


def _slopes(years: Floats, values: Floats) -> Floats:
    first, second = np.triu_indices(years.shape[1], 1)
    run, rise = years[:, second] - years[:, first], values[:, second] - values[:, first]
    apart = run != 0
    each = np.where(apart, rise / np.where(apart, run, 1.0), np.inf)
    each.sort(axis=1)
    number, rows = apart.sum(axis=1), np.arange(len(years))
    lower, upper = each[rows, np.maximum(number - 1, 0) // 2], each[rows, number // 2]
    return np.where(number > 0, 0.5 * (lower + upper), np.nan)


def _span(record: Record) -> tuple[float, float]:
    """Return the middle of a record's days, as a day number, and how many months it speaks of."""
    days, middle, months = _days(record.start, record.end)
    if record.except_start is None or record.except_end is None:
        return middle, months
    out, centre, left_out = _days(record.except_start, record.except_end)
    return (days * middle - out * centre) / (days - out), months - left_out


def _days(start: dt.date, end: dt.date) -> tuple[int, float, float]:
    """Return how many days, the middle of them, and how many months: a part of a month by its days."""
    whole = 12 * (end.year - start.year) + end.month - start.month
    months = whole + end.day / monthrange(end.year, end.month)[1]
    months -= (start.day - 1) / monthrange(start.year, start.month)[1]
    return (end - start).days + 1, 0.5 * (start.toordinal() + end.toordinal()), months


def _bounds(record: Record) -> tuple[float, float]:
    """Return the bounds of a record; a floor or a ceiling gets the other one from OPEN."""
    given = [each for each in (record.value, record.low, record.high) if each is not None]
    low, high = min(given), max(given)
    if record.value is None and record.high is None and low > 0:
        high = low * OPEN
    if record.value is None and record.low is None and high > 0:
        low = high / OPEN
    return low, high
