"""What was done in a test, in words."""

from __future__ import annotations

from outbid.ask.claims.declared import Forecast, Intervention, Measure, Move, Shift
from outbid.ask.claims.series import SeriesAnswer
from outbid.ask.strategic.settings import Test
from outbid.model.declare import Model
from outbid.simulate.scenario import Change
from outbid.words.numbers import counted, plain_name, signed

_OVER = {
    "sum": "summed up over {}",
    "mean": "on average over {}",
    "end": "at the end of {}",
    "mean_last_year": "in the last year of {}",
}


def intervention_words(test: Intervention, model: Model) -> str:
    """Return an intervention in words: "hardness −0.30 within 24 months; defections, summed up over 36 months"."""
    done = [
        *(change_words(each) for each in test.changes),
        *(shift_words(each) for each in test.shifts),
        *(move_words(each) for each in test.moves),
    ]
    setting = f", with {' and '.join(map(change_words, test.setting))} on both sides" if test.setting else ""
    return f"{' and '.join(done)}{setting}; {measure_words(test.measure)}"


def forecast_words(test: Forecast) -> str:
    """Return a forecast in words."""
    months = counted(test.measure.months, "month")
    than = f"the {months} behind" if test.than is None else f"{test.than:g} {test.measure.unit}"
    return f"every lever as today; {measure_words(test.measure)}, against {than}"


def play_words(test: Test) -> str:
    """Return a question to the equilibria in words."""
    if test.weight:
        return f"the players' past moves; the sign of the payoff weight {test.weight.replace('.', ', ')}"
    when = "at the horizon" if test.when == "end" else "on average over the months ahead"
    against = "today" if test.against == "today" else f"the world {plain_name(test.against)}"
    return f"equilibrium in the world {plain_name(test.of)} against {against}; {plain_name(test.measure)}, {when}"


def record_words(answer: SeriesAnswer, label: str) -> str:
    """Return what a series of that label was asked, in words."""
    period = f"{answer.start:%Y-%m} to {answer.end:%Y-%m}"
    return f"{counted(answer.figures, 'published figure')} of “{label}”, {period}"


def measure_words(measure: Measure) -> str:
    """Return a measure in words."""
    return f"{measure.label}, {_OVER[measure.summary].format(counted(measure.months, 'month'))}"


def change_words(change: Change) -> str:
    """Return a change of a lever in words."""
    size = f"at {change.to:g}" if change.to is not None else signed(change.by or 0.0)
    over = {
        "step": f"from month {change.start} on" if change.start > 1 else "from the first month on",
        "ramp": f"within {counted(change.months, 'month')}",
        "pulse": f"for {counted(change.months, 'month')}",
    }[change.shape]
    return f"{plain_name(change.lever)} {size} {over}"


def shift_words(shift: Shift) -> str:
    """Return another value of a state today in words."""
    size = signed(shift.by) if shift.by else f"times {shift.times:g}"
    return f"{plain_name(shift.state)} {size} today"


def move_words(move: Move) -> str:
    """Return people counted to another stock in words."""
    return f"{move.share:.0%} of {plain_name(move.source)} among {plain_name(move.target)} instead"
