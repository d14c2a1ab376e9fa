"""Hold what a source says it observed against the figures that were published of it.

A trend is the median of all slopes between two figures (Theil 1950, Sen 1968), which a few odd figures don't
move. How sure it is comes from drawing figures with replacement (Efron 1979), each somewhere within its
published range. No model has a part in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from outbid.ask.claims.figures import DRAWS, Figures, Floats, as_figures, drawn, slopes
from outbid.ask.claims.series_check import SeriesCheck, records_of
from outbid.ask.claims.series_words import Change, side_words, trend_words
from outbid.data.panel import Panel, Record, Series

__all__ = ["SeriesAnswer", "SeriesCheck", "check_series", "combined", "records_of"]

# From this probability on a trend is called, and from one less this it is called the other way.
SURE = 0.95


@dataclass(frozen=True)
class SeriesAnswer:
    """What a series says of an observation.

    Parameters
    ----------
    figures, start, end
        How many figures were used, and the first and last day that they speak of.
    probability
        Of the trend expected; or the share of figures on the side expected.
    yearly
        Change in a year: a ratio if `ratio`, else a difference in the series' unit; median of slopes, and
        where 5% and 95% of draws lie. None without a trend.
    thirds
        The last third of the figures against the first, in the same way; None with fewer than four figures.
    verdict, because
        "supported", "contradicted" or "not identified", and why, in plain words.
    """

    check: SeriesCheck
    figures: int
    start: dt.date
    end: dt.date
    probability: float
    verdict: str
    because: str
    ratio: bool = True
    yearly: Change | None = None
    thirds: Change | None = None


def check_series(check: SeriesCheck, panel: Panel, seed: int = 0) -> SeriesAnswer:
    """Return what a series says of an observation; the same seed gives the same answer.

    Raises
    ------
    InputError
        As `records_of`.
    """
    records = records_of(check, panel)
    series = panel.series[check.series]
    figures = as_figures(records, series.kind)
    rng = np.random.default_rng(seed)
    if check.value is None:
        return _trend(check, series, records, figures, rng)
    return _side(check, series, records, figures, rng)


def combined(answers: Sequence[SeriesAnswer]) -> tuple[str, str]:
    """Return the verdict of several series on one claim, and why.

    Series that agree carry the claim; where one says yes and another no, nothing is identified, and who says
    what is told. An unsure series among others that agree leaves the claim not identified as well.
    """
    by_verdict: dict[str, list[SeriesAnswer]] = {}
    for answer in answers:
        by_verdict.setdefault(answer.verdict, []).append(answer)
    told = " ".join(answer.because for answer in answers)
    if len(by_verdict) == 1:
        return next(iter(by_verdict)), told
    if {"supported", "contradicted"} <= set(by_verdict):
        return "not identified", f"The series disagree. {told}"
    return "not identified", f"Not all series are clear. {told}"


def _trend(
    check: SeriesCheck,
    series: Series,
    records: tuple[Record, ...],
    figures: Figures,
    rng: np.random.Generator,
) -> SeriesAnswer:
    count = len(records)
    seen = drawn(figures, rng)
    # which figures a draw consists of
    chosen = rng.integers(count, size=(DRAWS, count))
    trends = slopes(figures.years[chosen], np.take_along_axis(seen, chosen, axis=1))
    # a draw in which all figures are of one time says nothing either way
    rises = float(np.mean(np.where(np.isnan(trends), 0.5, 0.5 + 0.5 * np.sign(trends))))
    middle = float(slopes(figures.years[None], figures.middle[None])[0])
    yearly = (middle, *_interval(trends[~np.isnan(trends)]))
    thirds = _thirds(figures, seen, rng)
    if figures.logs:
        yearly, thirds = _exp(yearly), thirds and _exp(thirds)
    sure = not 1.0 - SURE < rises < SURE
    words = trend_words(series.unit, yearly, thirds, rises, sure=sure, ratio=figures.logs)
    probability = rises if check.expects == "rise" else 1.0 - rises
    return _answer(check, series, records, probability, words, figures.logs, yearly, thirds)


def _thirds(figures: Figures, seen: Floats, rng: np.random.Generator) -> Change | None:
    """Return the last third of the figures less the first; None if a third is a single figure."""
    order, third = np.argsort(figures.years, kind="stable"), -(-len(figures.years) // 3)
    if third < 2:
        return None
    parts = order[:third], order[-third:]
    early, late = (_mean(_resampled(seen[:, part], rng), figures.logs) for part in parts)
    first, final = (_mean(figures.middle[None, part], figures.logs)[0] for part in parts)
    return (float(final - first), *_interval(late - early))


def _side(
    check: SeriesCheck,
    series: Series,
    records: tuple[Record, ...],
    figures: Figures,
    rng: np.random.Generator,
) -> SeriesAnswer:
    value = check.value or 0.0
    seen = drawn(figures, rng, chance=False)
    seen = np.exp(seen) - figures.added if figures.logs else seen
    # a figure that equals the value is on its right side, whatever the last digit of a logarithm
    slack = 1e-9 * max(abs(value), 1.0)
    fits = seen >= value - slack if check.expects == "at_least" else seen <= value + slack
    each = fits.mean(axis=0)
    probability = float(each.mean())
    unit = series.unit.removesuffix(" a month") + ("" if series.kind == "level" else " a month")
    bound = f"{check.expects.replace('_', ' ')} {value:,.6g} ({unit})"
    words = side_words(int(np.sum(each > 0.5)), len(records), bound)
    return _answer(check, series, records, probability, words)


def _answer(
    check: SeriesCheck,
    series: Series,
    records: tuple[Record, ...],
    probability: float,
    words: str,
    ratio: bool = True,
    yearly: Change | None = None,
    thirds: Change | None = None,
) -> SeriesAnswer:
    start, end = min(record.start for record in records), max(record.end for record in records)
    verdict = "not identified"
    if probability >= SURE:
        verdict = "supported"
    elif probability <= 1.0 - SURE:
        verdict = "contradicted"
    opening = f"{series.label}, {start:%B %Y} to {end:%B %Y}:"
    because = " ".join(part for part in (opening, words, check.note) if part)
    return SeriesAnswer(check, len(records), start, end, probability, verdict, because, ratio, yearly, thirds)


def _mean(values: Floats, logs: bool) -> Floats:
    """Return each row's mean; of figures in logs, the log of the figures' own mean."""
    return np.asarray(np.log(np.exp(values).mean(axis=1)) if logs else values.mean(axis=1))


def _resampled(values: Floats, rng: np.random.Generator) -> Floats:
    chosen = rng.integers(values.shape[1], size=values.shape)
    return np.take_along_axis(values, chosen, axis=1)


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.05, 0.95])
    return float(low), float(high)


def _exp(change: Change) -> Change:
    low, middle, high = (float(np.exp(min(each, 700.0))) for each in change)
    return low, middle, high
