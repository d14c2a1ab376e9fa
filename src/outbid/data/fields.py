"""What a single field of a table may hold: text, numbers, choices and dates, each read strictly.

Every parser takes the stripped text of a field and the words that say where it stands, and either returns
the value or raises the complaint.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from outbid.errors import InputError, did_you_mean

Parser = Callable[[str, str], Any]
"""Turns the stripped text of a field into a value; its second argument says where, for the complaint."""

# ASCII only: Python's own float() also takes "1_000" and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def text(field: str, where: str) -> str:
    """Take any text as it stands."""
    return field


def number(field: str, where: str) -> float:
    """Read a finite number.

    Raises
    ------
    InputError
        If the text is no number, or is infinite or not-a-number.
    """
    if field.lower().lstrip("+-") in {"nan", "na", "inf", "infinity"}:
        fix = "Leave the field blank where the figure is missing, or drop the row."
        raise InputError(where, f"{field!r} is not a finite number", fix)
    if not _NUMBER.fullmatch(field):
        raise InputError(where, f"{field!r} is not a number", "Write digits, such as 1250 or 0.5.")
    value = float(field)
    if not math.isfinite(value):
        raise InputError(where, f"{field!r} is too large to hold", "Write the figure in a larger unit.")
    return value


def non_negative(field: str, where: str) -> float:
    """Read a finite number that is zero or more."""
    value = number(field, where)
    if value < 0:
        raise InputError(where, f"{field} is below zero", "Give zero or a positive number.")
    return value


def choice(*known: str) -> Parser:
    """Return a parser that takes one of the given words and nothing else."""

    def one_of(field: str, where: str) -> str:
        if field not in known:
            raise InputError(where, f"{field!r} is not one of the choices", did_you_mean(field, known))
        return field

    return one_of


def yes_no(field: str, where: str) -> bool:
    """Read "yes" or "no"."""
    if field not in {"yes", "no"}:
        raise InputError(where, f"{field!r} is neither yes nor no", "Write yes or no.")
    return field == "yes"


def parse_date(field: str, where: str = "date") -> tuple[date, date]:
    """Return the first and the last day of a year, a month or a day.

    Parameters
    ----------
    field
        YYYY, YYYY-MM or YYYY-MM-DD.
    where
        Where the text stands, for the complaint.

    Raises
    ------
    InputError
        If it has another form, or names a day that no calendar holds.
    """
    parts = _DATE.fullmatch(field)
    if parts is None:
        raise InputError(where, f"{field!r} is not a date", "Write YYYY, YYYY-MM or YYYY-MM-DD.")
    year, in_year, in_month = parts.groups()
    try:
        first = date(int(year), int(in_year or "1"), int(in_month or "1"))
    except ValueError:
        problem = f"{field} is in no calendar"
        raise InputError(where, problem, "Check the year, the month (01 to 12) and the day.") from None
    if in_month:
        return first, first
    last_month = int(in_year or "12")
    return first, date(int(year), last_month, calendar.monthrange(int(year), last_month)[1])


def month(field: str, where: str) -> str:
    """Read a month written YYYY-MM, and leave it as it is written."""
    if len(field) != len("YYYY-MM"):
        raise InputError(where, f"{field!r} is not a month", "Write it as YYYY-MM.")
    parse_date(field, where)
    return field


def first_day(field: str, where: str) -> date:
    """Read a date and take its first day (of the year or month, where no day is given)."""
    return parse_date(field, where)[0]


def last_day(field: str, where: str) -> date:
    """Read a date and take its last day (of the year or month, where no day is given)."""
    return parse_date(field, where)[1]
