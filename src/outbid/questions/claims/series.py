"""Hold what a source says it observed against the figures that were published of it.

A trend is the median of all slopes between two figures (Theil 1950, Sen 1968), which a few odd figures don't
move. How sure it is comes from drawing figures with replacement (Efron 1979), each somewhere within its
published range. No model has a part in it.
"""

from __future__ import annotations

import datetime as dt
import math
from calendar import monthrange
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.conventions import CALLED, CONTRADICTED, NOT_IDENTIFIED, SUPPORTED
from outbid.data.panel import Kind, Panel, Record, Series
from outbid.questions.claims.schema import SeriesCheck
from outbid.words.numbers import counted, percent, spelt

Floats = NDArray[np.float64]
Random = np.random.Generator
Records = tuple[Record, ...]
# The middle, and where 5% and 95% of draws lie.
Change = tuple[float, float, float]
# What a series says: the probability, words, the change in a year and over the thirds (see `SeriesAnswer`).
Found = tuple[float, str, Change | None, Change | None]

DRAWS = 8000
# Rows of slopes that are held at once.
BLOCK = 500
# Half an event more gives a month without events a logarithm (Haldane 1956).
HALF = 0.5
# A floor of which no more is known reaches to twice itself, a ceiling down to half.
OPEN = 2.0
YEAR = 365.25
# Beyond this a change says no more than "very large".
LARGEST = 1000


@dataclass(frozen=True)
class Figures:
    """Some figures of one series, in their order, each array of shape (figures,).

    `years`: the middle of each figure's period; `low`, `high`: bounds, in logs if `logs` (all are positive), else in
    the series' unit, a single figure has both the same; `counts`, `months`: the number of events behind a single figure
    of a count, else NaN, and the months it was counted over; `added`: to a month's worth before the logarithm.
    """

    years: Floats
    low: Floats
    high: Floats
    counts: Floats
    months: Floats
    added: Floats
    logs: bool

    @classmethod
    def of(cls, records: Sequence[Record], kind: Kind) -> Figures:
        """Return records as figures: counts and sums by the month, all in logs where none is zero or less."""
        spans = np.array([_span(record) for record in records])
        months = np.ones(len(records)) if kind == "level" else spans[:, 1]
        added = np.full(len(records), HALF) / months if kind == "count" else np.zeros(len(records))
        bounds = np.array([_bounds(record) for record in records]) / months[:, None]
        single = (bounds[:, 0] == bounds[:, 1]) & (kind == "count")
        logs = kind == "count" or bool((bounds > 0).all())
        scaled = np.log(bounds + added[:, None]) if logs else bounds
        counts = np.where(single, bounds[:, 0] * months, np.nan)
        return cls(spans[:, 0] / YEAR, scaled[:, 0], scaled[:, 1], counts, months, added, logs)

    @property
    def middle(self) -> Floats:
        """The middle between the bounds."""
        return 0.5 * (self.low + self.high)

    def draw(self, rng: Random, *, chance: bool = True) -> Floats:
        """Return draws of every figure, shape (DRAWS, figures).

        A range is drawn evenly between its bounds (in logs, if logs are taken). With `chance`, a single count is
        drawn as the rate that may have brought it about, from Jeffreys' posterior of a Poisson rate.
        """
        result = self.low + rng.random((DRAWS, len(self.years))) * (self.high - self.low)
        counted = np.isfinite(self.counts)
        if chance and counted.any():
            rates = rng.gamma(self.counts[counted] + HALF, size=(DRAWS, int(counted.sum())))
            # a rate of nothing has no logarithm
            result[:, counted] = np.log(np.maximum(rates, 1e-9) / self.months[counted])
        return np.asarray(result)


@dataclass(frozen=True)
class SeriesAnswer:
    """What a series says of an observation.

    `probability`: of the trend expected, or the share of figures on the side expected; `words`: what the figures do;
    `yearly`: change in a year, a ratio if `ratio`, else a difference in the series' unit: median of slopes, and where
    5% and 95% of draws lie, None without a trend; `thirds`: the last third of the figures against the first, in the same
    way, None with fewer than four figures.
    """

    check: SeriesCheck
    label: str
    records: Records
    probability: float
    words: str
    ratio: bool
    yearly: Change | None
    thirds: Change | None

    @property
    def done(self) -> str:
        """What was asked, in words."""
        start, end = _ends(self.records)
        figures = counted(len(self.records), "published figure")
        return f"{figures} of “{self.label}”, {start:%Y-%m} to {end:%Y-%m}"

    @property
    def verdict(self) -> str:
        """Whether the figures bear the observation out."""
        if self.probability >= CALLED:
            return SUPPORTED
        return CONTRADICTED if self.probability <= 1.0 - CALLED else NOT_IDENTIFIED

    @property
    def because(self) -> str:
        """The reason, in plain words."""
        start, end = _ends(self.records)
        opening = f"{self.label}, {start:%B %Y} to {end:%B %Y}:"
        return " ".join(part for part in (opening, self.words, self.check.note) if part)


def check_series(check: SeriesCheck, panel: Panel, seed: int = 0) -> SeriesAnswer:
    """Return what a series says of an observation; the same seed gives the same answer; InputError as `check.records`."""
    series, records = panel.series[check.series], check.records(panel)
    figures, look = Figures.of(records, series.kind), _trend if check.is_trend else _side
    probability, words, yearly, thirds = look(check, series, figures, np.random.default_rng(seed))
    return SeriesAnswer(check, series.label, records, probability, words, figures.logs, yearly, thirds)


def combined(verdicts: Collection[str]) -> str:
    """Return the verdict of several series on one claim: theirs where they agree, else that nothing is identified."""
    return next(iter(verdicts)) if len(set(verdicts)) == 1 else NOT_IDENTIFIED


def slopes(years: Floats, values: Floats) -> Floats:
    """Return each row's median of all slopes between two figures of different times, NaN without such a pair."""
    first, second = np.triu_indices(years.shape[1], 1)
    medians = []
    for start in range(0, len(years), BLOCK):
        time, value = years[start : start + BLOCK], values[start : start + BLOCK]
        run, rise = time[:, second] - time[:, first], value[:, second] - value[:, first]
        apart = run != 0
        each = np.sort(np.where(apart, rise / np.where(apart, run, 1.0), np.inf), axis=1)
        number, rows = apart.sum(axis=1), np.arange(len(time))
        middle = 0.5 * (each[rows, np.maximum(number - 1, 0) // 2] + each[rows, number // 2])
        medians.append(np.where(number > 0, middle, np.nan))
    return np.concatenate(medians)


def _trend(check: SeriesCheck, series: Series, figures: Figures, rng: Random) -> Found:
    count, draws = len(figures.years), figures.draw(rng)
    # which figures a draw consists of
    chosen = rng.integers(count, size=(DRAWS, count))
    trends = slopes(figures.years[chosen], np.take_along_axis(draws, chosen, axis=1))
    # a draw in which all figures are of one time says nothing either way
    rises = float(np.mean(np.where(np.isnan(trends), 0.5, 0.5 + 0.5 * np.sign(trends))))
    middle = float(slopes(figures.years[None], figures.middle[None])[0])
    yearly = (middle, *_interval(trends[~np.isnan(trends)]))
    thirds = _thirds(figures, draws, rng)
    if figures.logs:
        yearly, thirds = _exp(yearly), thirds and _exp(thirds)
    words = trend_words(series.unit, yearly, thirds, rises, figures.logs)
    return rises if check.expects == "rise" else 1.0 - rises, words, yearly, thirds


def _thirds(figures: Figures, draws: Floats, rng: Random) -> Change | None:
    """Return the last third of the figures less the first; None if a third is a single figure."""
    order, third = np.argsort(figures.years, kind="stable"), -(-len(figures.years) // 3)
    if third < 2:
        return None
    parts, resampled = (order[:third], order[-third:]), []
    for part in parts:
        chosen = rng.integers(third, size=(len(draws), third))
        resampled.append(np.take_along_axis(draws[:, part], chosen, axis=1))
    early, late = (_mean(each, figures.logs) for each in resampled)
    first, final = (_mean(figures.middle[None, part], figures.logs)[0] for part in parts)
    return (float(final - first), *_interval(late - early))


def _side(check: SeriesCheck, series: Series, figures: Figures, rng: Random) -> Found:
    value = check.value or 0.0
    draws = figures.draw(rng, chance=False)
    draws = np.exp(draws) - figures.added if figures.logs else draws
    # a figure that equals the value is on its right side, whatever the last digit of a logarithm
    slack = 1e-9 * max(abs(value), 1.0)
    fits = draws >= value - slack if check.expects == "at_least" else draws <= value + slack
    each = fits.mean(axis=0)
    unit = series.unit.removesuffix(" a month") + ("" if series.kind == "level" else " a month")
    bound = f"{check.expects.replace('_', ' ')} {value:,.6g} ({unit})"
    return float(each.mean()), side_words(int(np.sum(each > 0.5)), len(each), bound), None, None


def trend_words(unit: str, yearly: Change, thirds: Change | None, rises: float, ratio: bool) -> str:
    """Return what a trend amounts to; `rises` is the probability of a rise, the rest as in `SeriesAnswer`."""
    sure = not 1.0 - CALLED < rises < CALLED
    each_year = "% a year" if ratio else f" {unit} each year"
    size, low, high = ((each - 1.0) * 100.0 if ratio else each for each in yearly)
    way = "rise" if size > 0 else "fall"
    amount = f"{_digits(abs(size))}{each_year}"
    start = f"they {way} by {amount}" if sure else f"no clear trend; the best guess is a {way} of {amount}"
    if not size:
        start = "no clear trend; the best guess is no change"
    chance = f"probability of a rise {percent(rises)}"
    words = f"{start} (90% interval {_signed(low)} to {_signed(high)}); {chance}."
    if thirds is None or not ratio:
        return words
    factor, least, most = (_digits(each) for each in thirds)
    return f"{words} The last third of them is {factor} times the first ({least} to {most})."


def _digits(value: float) -> str:
    """Write a number with at least two significant digits, and without an exponent."""
    size = abs(float(f"{value:.1e}"))
    decimals = max(0, 1 - math.floor(math.log10(size))) if size else 0
    return f"{value:,.{min(decimals, 6)}f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"over +{LARGEST:,}" if value > LARGEST else f"{'+' if value > 0 else ''}{_digits(value)}"


def side_words(number: int, figures: int, bound: str) -> str:
    """Return how many of the figures lie on the side expected ("nine of ten figures are at least 3")."""
    if figures == 1:
        return f"the only figure is {'' if number else 'not '}{bound}."
    if number == figures:
        return f"{'both' if figures == 2 else f'all {spelt(figures)}'} figures are {bound}."
    return f"{spelt(number)} of {spelt(figures)} figures are {bound}."


def _mean(values: Floats, logs: bool) -> Floats:
    """Return each row's mean; of figures in logs, the log of the figures' own mean."""
    return np.asarray(np.log(np.exp(values).mean(axis=1)) if logs else values.mean(axis=1))


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.05, 0.95])
    return float(low), float(high)


def _exp(change: Change) -> Change:
    middle, low, high = (float(np.exp(min(each, 700.0))) for each in change)
    return middle, low, high


def _span(record: Record) -> tuple[float, float]:
    """Return the middle of a record's days, as a day number, and how many months it speaks of."""
    days, middle, months = _days(record.start, record.end)
    if record.except_start is None or record.except_end is None:
        return middle, months
    out, centre, left_out = _days(record.except_start, record.except_end)
    return (days * middle - out * centre) / (days - out), months - left_out


def _ends(records: Sequence[Record]) -> tuple[dt.date, dt.date]:
    """Return the first and the last day that figures speak of."""
    return min(record.start for record in records), max(record.end for record in records)


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
