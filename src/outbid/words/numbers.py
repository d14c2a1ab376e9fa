"""Numbers, dates and names as a reader meets them: two significant digits, units, intervals."""

from __future__ import annotations

import calendar
import math
import textwrap
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np

MINUS = "−"
SHARES = ("share", "proportion")
PERCENT = ("percent", "per cent", "%")
_SPELT = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# A terminal's room for one answer.
WIDTH, LINES = 100, 10


def two_digits(value: float) -> str:
    """Write a number with two significant digits ("1,200", "0.035", "−3.4").

    `value`: any number; one that is not finite is written "not known".
    """
    if not math.isfinite(value):
        return "not known"
    size = abs(float(f"{value:.1e}"))
    sign = MINUS if value < 0 and size > 0 else ""
    if size >= 1e6:
        names = {"trillion": 1e12, "billion": 1e9, "million": 1e6}
        name, scale = next((name, scale) for name, scale in names.items() if size >= scale)
        return f"{sign}{two_digits(size / scale)} {name}"
    if size == 0:
        return "0"
    if size < 1e-4:
        return f"between {MINUS}0.0001 and 0" if sign else "under 0.0001"
    decimals = max(0, 1 - math.floor(math.log10(size)))
    return f"{sign}{size:,.{decimals}f}"


def signed(value: float) -> str:
    """Write a difference with its sign and two significant digits ("+1,200", "−0.035", "0")."""
    text = two_digits(value)
    return f"+{text}" if value > 0 and text != "0" else text


def reported(value: float) -> str:
    """Write a published figure as it was published: digits grouped, none lost."""
    if not math.isfinite(value):
        return "not known"
    text = f"{value:,.0f}" if float(value).is_integer() else f"{Decimal(f'{value:.10g}'):,f}"
    return text.replace("-", MINUS)


def digits(value: float, number: int) -> str:
    """Write a number with so many significant digits and without an exponent ("12300", "0.0041")."""
    return np.format_float_positional(value, number, unique=False, fractional=False, trim="-")


def percent(probability: float) -> str:
    """Write a probability or share as a percentage with at most two digits ("63%", "over 99%", never "100%")."""
    if not math.isfinite(probability):
        return "not known"
    if probability > 0.99:
        return "over 99%"
    if probability < 0.01:
        return "under 1%"
    return f"{probability * 100:.0f}%"


def unit_of(unit: str, *, difference: bool = False) -> tuple[float, str]:
    """Return the factor and the words with which a unit is shown.

    Shares become per cent or points; a unit that is a range ("0 to 1") needs no words. `unit`: the unit as
    declared, perhaps empty; `difference`: whether the number is a difference between two such quantities.
    """
    if unit in SHARES or unit in PERCENT:
        return 100.0 if unit in SHARES else 1.0, "percentage points" if difference else "%"
    if unit == "index":
        return 1.0, "index points"
    return 1.0, "" if unit[:1].isdigit() else unit


def quantity(value: float, unit: str) -> str:
    """Write a level with its unit ("1,200 persons", "98%")."""
    factor, words = unit_of(unit)
    return with_unit(two_digits(value * factor), words)


def amount(value: float, unit: str) -> str:
    """Write the size of a difference ("130 persons", "5.0 percentage points")."""
    factor, words = unit_of(unit, difference=True)
    return with_unit(two_digits(value * factor), words)


def more_or_less(value: float, unit: str) -> str:
    """Write a difference in words ("130 persons more", "0.08 index points less", "no difference")."""
    size, words = amount(abs(value), unit), unit_of(unit, difference=True)[1]
    if size.split(" ")[0] == "0":
        return "no difference"
    return f"{size} {'more' if value > 0 else 'fewer' if words.split(' ')[0].endswith('s') else 'less'}"


def interval(low: float, high: float, unit: str = "", *, difference: bool = False) -> str:
    """Write an interval with one unit ("1,100 to 3,900 persons", "−40 to +310").

    An end below half a hundredth of the other doesn't pretend to more precision than its partner: it is written as
    zero where the interval holds zero ("0 to +0.26" and not "−0.00029 to +0.26"), else with one digit.
    """
    factor, words = unit_of(unit, difference=difference)
    if not (math.isfinite(low) and math.isfinite(high)):
        return "not known"
    write = signed if difference else two_digits
    least = max(abs(low), abs(high)) / 200

    def written(end: float) -> str:
        if abs(end) >= least:
            return write(end * factor)
        if low <= 0 <= high:
            return write(0.0)
        one = write(float(f"{end * factor:.0e}"))
        return one.rstrip("0").rstrip(".") if "." in one else one

    return with_unit(f"{written(low)} to {written(high)}", words)


def with_unit(text: str, words: str) -> str:
    """Return a number with the words of its unit, as `unit_of` gives them ("98%", "1,200 persons")."""
    return f"{text}%" if words == "%" else f"{text} {words}".strip()


def panel_note(unit: str, summary: str, better: str) -> str:
    """Return the line under a small panel's title: the unit, a month where the table has a sum, and the better way."""
    words = unit_of(unit)[1]
    if words and summary.startswith("sum") and " a " not in words:
        words += " a month"  # the table has the sum, the path what each month adds to it
    return f"{words}, {better} is better" if words else f"{better} is better"


def summary_in_words(summary: str, months: int) -> str:
    """Return how a path of so many months is put into one number; words that are none of the known ones stay."""
    known = {
        "sum": f"sum over {months} months",
        "end": "in the last month",
        "mean": f"mean over {months} months",
        "mean_last_year": "mean of the last 12 months",
    }
    return known.get(summary, summary)


def duration(seconds: float) -> str:
    """Write a length of time ("0.8 s", "3.6 minutes", "1.2 hours")."""
    scale, word = (1.0, "s") if seconds < 90 else (60.0, "minutes") if seconds < 5400 else (3600.0, "hours")
    return f"{two_digits(seconds / scale)} {word}" if math.isfinite(seconds) else "not known"


def month_name(text: str) -> str:
    """Write YYYY-MM or YYYY-MM-DD as "March 2024"; anything else is returned as it is."""
    parts = text.split("-")
    if len(parts) >= 2 and parts[1].isdigit() and 1 <= int(parts[1]) <= 12:
        return f"{calendar.month_name[int(parts[1])]} {parts[0]}"
    return text


def day_name(text: str) -> str:
    """Write YYYY-MM-DD as "22 March 2024"; a month or a year is written as such."""
    parts = text.split("-")
    if len(parts) == 3 and parts[2].isdigit():
        return f"{int(parts[2])} {month_name(text)}"
    return month_name(text)


def counted(number: int, one: str, many: str = "") -> str:
    """Write an exact count with its noun ("1 source", "1,204 figures")."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def spelt(number: int) -> str:
    """Write a small number in a sentence ("no", "one", "ten"), a larger one in digits."""
    return _SPELT[number] if number < len(_SPELT) else str(number)


def capital(text: str) -> str:
    """Return a text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def plain_name(name: str) -> str:
    """Return an identifier with spaces for underscores."""
    return name.replace("_", " ")


def clean(text: str) -> str:
    """Return text without control characters, so that a source's words can't steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def shorten(text: str, width: int) -> str:
    """Return text cut at a word to `width` characters, with an ellipsis where something was cut."""
    text = " ".join(clean(text).split())
    if len(text) <= width:
        return text
    head = text[: width - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(" ,;:") + "…"


def listed(items: Sequence[str], word: str = "and") -> str:
    """Return items as a list in a sentence ("a, b and c")."""
    *others, last = items or [""]
    return f"{', '.join(others)} {word} {last}" if others else last


def terminal(heading: str, lines: Iterable[str] = ()) -> list[str]:
    """Return an answer for a terminal: the heading as a sentence in up to three lines, then a line each, ten in all."""
    first = textwrap.wrap(clean(f"{heading}."), WIDTH)[:3]
    return [shorten(line, WIDTH) for line in (*first, *lines)][:LINES]


def paragraphs(sentences: Iterable[str]) -> list[str]:
    """Return sentences for a terminal, each in as many lines as it takes, ten in all."""
    return [line for each in sentences for line in textwrap.wrap(clean(each), WIDTH)][:LINES]
