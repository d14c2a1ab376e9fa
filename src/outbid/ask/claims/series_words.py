"""Say in words what a series of figures does."""

from __future__ import annotations

import numpy as np

# The middle, and where 5% and 95% of draws lie.
Change = tuple[float, float, float]
# Beyond this a change says no more than "very large".
LARGEST = 1000
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def trend_words(
    unit: str, yearly: Change, thirds: Change | None, rises: float, *, sure: bool, ratio: bool
) -> str:
    """Return what a trend amounts to.

    Parameters
    ----------
    yearly, thirds
        Change in a year, and from the first third of the figures to the last (None: not known): ratios if `ratio`.
    rises
        The probability of a rise; `sure` if it, or that of a fall, is high enough to call it.
    """
    each_year = "% a year" if ratio else f" {unit} each year"
    size, low, high = ((each - 1.0) * 100.0 if ratio else each for each in yearly)
    way = "rise" if size > 0 else "fall"
    amount = f"{digits(abs(size))}{each_year}"
    start = f"they {way} by {amount}" if sure else f"no clear trend; the best guess is a {way} of {amount}"
    if not size:
        start = "no clear trend; the best guess is no change"
    interval = f"90% interval {_signed(low)} to {_signed(high)}"
    words = f"{start} ({interval}); probability of a rise {_chance(rises)}."
    if thirds is None or not ratio:
        return words
    factor, least, most = (digits(each) for each in thirds)
    return f"{words} The last third of them is {factor} times the first ({least} to {most})."


def digits(value: float) -> str:
    """Write a number with two significant digits, and without an exponent."""
    size = abs(float(f"{value:.1e}"))
    decimals = max(0, 1 - int(np.floor(np.log10(size)))) if size else 0
    return f"{value:,.{min(decimals, 6)}f}".replace("-", "−")


def in_words(value: int) -> str:
    """Write a small whole number as a word, a larger one in digits."""
    return _NUMBERS[value] if value < len(_NUMBERS) else str(value)


def side_words(number: int, figures: int, bound: str) -> str:
    """Return how many of the figures lie on the side expected ("nine of ten figures are at least 3")."""
    if figures == 1:
        return f"the only figure is {'' if number else 'not '}{bound}."
    if number == figures:
        return f"{'both' if figures == 2 else f'all {in_words(figures)}'} figures are {bound}."
    return f"{in_words(number)} of {in_words(figures)} figures are {bound}."


def _signed(value: float) -> str:
    if value > LARGEST:
        return f"over +{LARGEST:,}"
    return f"+{digits(value)}" if value > 0 else digits(value)


def _chance(share: float) -> str:
    if share > 0.99:
        return "over 99%"
    return "under 1%" if share < 0.01 else f"{share:.0%}"
