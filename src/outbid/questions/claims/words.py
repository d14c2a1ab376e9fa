"""What a test did, what a series of figures does and what an effect is worth, in words."""

from __future__ import annotations

import math
from outbid.questions.claims.schema import Forecast, Intervention, MeasureTest, Move, Shift
from outbid.simulate.scenario import Change
from outbid.words.numbers import counted, percent, plain_name, signed, two_digits

# Beyond this a change says no more than "very large".
LARGEST = 1000
# Beyond these, the odds of a few thousand draws are noise.
MOST_ODDS = 1000.0
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_OVER = {
    "sum": "summed up over {}",
    "mean": "on average over {}",
    "end": "at the end of {}",
    "mean_last_year": "in the last year of {}",
}


# what was done


def intervention_words(test: Intervention) -> str:
    """Return an intervention in words: "hardness −0.30 within 24 months; defections, summed up over 36 months"."""
    done = [
        *(_change(each) for each in test.changes),
        *(_shift(each) for each in test.shifts),
        *(_move(each) for each in test.moves),
    ]
    setting = f", with {' and '.join(map(_change, test.setting))} on both sides" if test.setting else ""
    return f"{' and '.join(done)}{setting}; {_measure(test)}"


def forecast_words(test: Forecast) -> str:
    """Return a forecast in words."""
    behind = f"the {counted(test.months, 'month')} behind"
    than = behind if test.than == "past" else f"{test.than:g} {test.unit}"
    return f"every lever as today; {_measure(test)}, against {than}"


def _measure(test: MeasureTest) -> str:
    return f"{test.label}, {_OVER[test.summary].format(counted(test.months, 'month'))}"


def _change(change: Change) -> str:
    size = f"at {change.to:g}" if change.to is not None else signed(change.by or 0.0)
    over = {
        "step": f"from month {change.start} on" if change.start > 1 else "from the first month on",
        "ramp": f"within {counted(change.months, 'month')}",
        "pulse": f"for {counted(change.months, 'month')}",
    }[change.shape]
    return f"{plain_name(change.lever)} {size} {over}"


def _shift(shift: Shift) -> str:
    size = f"times {shift.times:g}" if shift.by is None else signed(shift.by)
    return f"{plain_name(shift.state)} {size} today"


def _move(move: Move) -> str:
    return f"{move.share:.0%} of {plain_name(move.source)} among {plain_name(move.target)} instead"


# what the figures do


def trend_words(
    unit: str,
    yearly: tuple[float, float, float],
    thirds: tuple[float, float, float] | None,
    rises: float,
    *,
    sure: bool,
    ratio: bool,
) -> str:
    """Return what a trend amounts to.

    Parameters
    ----------
    yearly, thirds
        Change in a year, and from the first third of the figures to the last (None: not known), each as the middle
        and where 5% and 95% of draws lie: ratios if `ratio`.
    rises
        The probability of a rise; `sure` if it, or that of a fall, is high enough to call it.
    """
    each_year = "% a year" if ratio else f" {unit} each year"
    size, low, high = ((each - 1.0) * 100.0 if ratio else each for each in yearly)
    way = "rise" if size > 0 else "fall"
    amount = f"{_digits(abs(size))}{each_year}"
    start = f"they {way} by {amount}" if sure else f"no clear trend; the best guess is a {way} of {amount}"
    if not size:
        start = "no clear trend; the best guess is no change"
    words = f"{start} (90% interval {_signed(low)} to {_signed(high)}); probability of a rise {share(rises)}."
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
        return f"{'both' if figures == 2 else f'all {_in_words(figures)}'} figures are {bound}."
    return f"{_in_words(number)} of {_in_words(figures)} figures are {bound}."


def _in_words(value: int) -> str:
    return _NUMBERS[value] if value < len(_NUMBERS) else str(value)


# what it is worth


def share(probability: float) -> str:
    """Write a probability, never as all or nothing: a few thousand draws can't tell that from nearly so."""
    known = math.isfinite(probability)
    return percent(min(max(probability, 1e-9), 1.0 - 1e-9)) if known else "not known"


def bayes_factor(factor: float) -> str:
    """Write a Bayes factor with two digits ("32", "1/25", "1,000 or more"); nothing where there is none."""
    if not math.isfinite(factor):
        return ""
    against = factor < 1
    times = min(1 / factor if against else factor, MOST_ODDS) if factor > 0 else MOST_ODDS
    bound = f" or {'less' if against else 'more'}" if times >= MOST_ODDS else ""
    return f"{'1/' if against else ''}{two_digits(times)}{bound}"
