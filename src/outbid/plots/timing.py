"""Lengths of time between dates written YYYY-MM-DD."""

from __future__ import annotations

from datetime import date, timedelta

DAYS_A_MONTH = 30.4375


def as_date(text: str) -> date:
    """Return the date of YYYY-MM-DD, YYYY-MM or YYYY (the first day where the day is missing)."""
    parts = [int(part) for part in text.split("-")] + [1, 1]
    return date(parts[0], parts[1], parts[2])


def length_in_months(start: str, end: str) -> float:
    """Return the months from `start` to `end`, both days included."""
    return ((as_date(end) - as_date(start)).days + 1) / DAYS_A_MONTH


def middle_day(start: str, end: str) -> str:
    """Return the day halfway between two days, as YYYY-MM-DD."""
    first, last = as_date(start), as_date(end)
    return (first + timedelta(days=(last - first).days // 2)).isoformat()
