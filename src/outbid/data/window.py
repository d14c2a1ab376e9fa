"""The months that a study looks at."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from outbid.data.fields import month, parse_date
from outbid.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """The months that a study looks at, from the first to the last, both included.

    Parameters
    ----------
    first_month, last_month
        YYYY-MM.
    """

    first_month: str
    last_month: str

    def __post_init__(self) -> None:
        for name in ("first_month", "last_month"):
            month(getattr(self, name), f"window, {name}")
        if self.first_month > self.last_month:
            problem = f"first_month ({self.first_month}) lies after last_month ({self.last_month})"
            raise InputError("window, first_month", problem, "Swap the two.")

    @cached_property
    def months(self) -> tuple[str, ...]:
        """Every month of the window, as YYYY-MM."""
        first, last = _ordinal(self.first_month), _ordinal(self.last_month)
        return tuple(map(_name, range(first, last + 1)))

    def after(self, number: int) -> tuple[str, ...]:
        """Return so many months that follow the window, as YYYY-MM."""
        first = _ordinal(self.last_month) + 1
        return tuple(map(_name, range(first, first + number)))

    @property
    def first_day(self) -> dt.date:
        """The first day of the first month."""
        return parse_date(self.first_month)[0]

    @property
    def last_day(self) -> dt.date:
        """The last day of the last month."""
        return parse_date(self.last_month)[1]

    @property
    def days(self) -> Floats:
        """Days in each month, shape (n_months,)."""
        return np.array([calendar.monthrange(int(m[:4]), int(m[5:]))[1] for m in self.months], dtype=float)

    def __len__(self) -> int:
        return len(self.months)

    def index(self, name: str) -> int:
        """Return the place of a month (YYYY-MM) in the window, counted from 0.

        Raises
        ------
        InputError
            If it is no month, or lies outside the window.
        """
        month(name, "month")
        if not self.first_month <= name <= self.last_month:
            problem = f"{name} lies outside the window"
            raise InputError("month", problem, f"Choose one from {self.first_month} to {self.last_month}.")
        return _ordinal(name) - _ordinal(self.first_month)


def _ordinal(name: str) -> int:
    return int(name[:4]) * 12 + int(name[5:]) - 1


def _name(ordinal: int) -> str:
    return f"{ordinal // 12:04d}-{ordinal % 12 + 1:02d}"
