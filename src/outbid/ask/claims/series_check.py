"""What an observation leads one to expect of a series, and which of its figures that is about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from outbid.data.fields import month, parse_date
from outbid.data.panel import Panel, Record
from outbid.errors import InputError, did_you_mean

EXPECTATIONS = ("rise", "fall", "at_least", "at_most")
# Fewer figures than that have no trend.
FEWEST = 3


@dataclass(frozen=True)
class SeriesCheck:
    """What an observation leads one to expect of a series.

    Parameters
    ----------
    expects
        One of EXPECTATIONS: a trend, or that every figure lies on one side of `value`.
    value
        In the series' unit, a month's worth for counts and sums; with "at_least" and "at_most" only.
    first, last
        The months (YYYY-MM) that the claim speaks of, both included; all, if empty. A figure counts if its
        whole period lies within them.
    also
        Sources whose figures count here although the model isn't held against them.
    note
        What the series can't tell, added to the answer; perhaps empty.
    """

    id: str
    claims: tuple[str, ...]
    question: str
    answer_if: str
    series: str
    expects: str
    value: float | None = None
    first: str = ""
    last: str = ""
    also: tuple[str, ...] = ()
    note: str = ""


def records_of(check: SeriesCheck, panel: Panel) -> tuple[Record, ...]:
    """Return the figures that a check is about, each estimate once; raises where the check can't be made.

    Two records with the same figure for the same days are one estimate that two sources relay.

    Raises
    ------
    InputError
        On an unknown series, expectation or source, a value missing or out of place, a month that is none,
        a period without figures, or a trend with fewer than three.
    """
    where = f"claim_tests.toml, {check.id}"
    if check.series not in panel.series:
        fix = did_you_mean(check.series, panel.series)
        raise InputError(f"{where}, series", f"no series {check.series!r}", fix)
    if check.expects not in EXPECTATIONS:
        fix = did_you_mean(check.expects, EXPECTATIONS)
        raise InputError(f"{where}, expects", f"unknown expectation {check.expects!r}", fix)
    trend = check.expects in ("rise", "fall")
    if trend == (check.value is not None):
        fix = "Give a value with at_least and at_most, and with nothing else."
        raise InputError(f"{where}, value", f"does not fit {check.expects!r}", fix)
    if check.value is not None and not np.isfinite(check.value):
        raise InputError(f"{where}, value", "is not a finite number", "Give a number, such as 1.5.")
    for name in ("first", "last"):
        if getattr(check, name):
            month(getattr(check, name), f"{where}, {name}")
    if check.first and check.last and check.first > check.last:
        raise InputError(f"{where}, first", f"{check.first} lies after {check.last}", "Swap the two.")
    records = panel.series[check.series].records
    unused = {record.source for record in records if not record.used}
    for source in check.also:
        if source not in unused:
            problem = f"no figure of {source!r} in {check.series} is left unused by the model"
            raise InputError(f"{where}, also", problem, did_you_mean(source, unused))
    first = parse_date(check.first)[0] if check.first else dt.date.min
    last = parse_date(check.last)[1] if check.last else dt.date.max
    once = {
        (record.start, record.end, record.value, record.low, record.high): record
        for record in records
        if (record.used or record.source in check.also) and first <= record.start and record.end <= last
    }
    if not once:
        fix = "Widen the period, or name under `also` the sources of figures that the model leaves unused."
        raise InputError(f"{where}, first", f"{check.series} has no figure in that period", fix)
    if trend and len({(record.start, record.end) for record in once.values()}) < 2:
        raise InputError(f"{where}, first", "all figures speak of one time", "Widen the period.")
    if trend and len(once) < FEWEST:
        problem = f"{len(once)} figures in that period, too few for a trend"
        raise InputError(f"{where}, first", problem, "Widen it, or expect at_least or at_most.")
    return tuple(once.values())
