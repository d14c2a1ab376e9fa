"""What the data say of one test of a claim, in words: its chances before and after them, its effect, its odds."""

from __future__ import annotations

from outbid.report.chances import DONT_TELL, chance, data_tell
from outbid.report.claims.content import Trial
from outbid.report.claims.rows import known, marked, measured
from outbid.words.numbers import (
    capital,
    interval,
    more_or_less,
    percent,
    quantity,
    two_digits,
    unit_of,
)

# beyond these a probability that the data hardly moved was not open, but assumed
_ASSUMED = (0.1, 0.9)
# beyond this, the odds of a few thousand draws are noise
_MOST = 1000.0
# Kass and Raftery (1995), table on the odds themselves: from each of these the next word holds
_EVIDENCE: tuple[tuple[float, str], ...] = (
    (3.0, "hardly worth a mention"),
    (20.0, "positive evidence"),
    (150.0, "strong evidence"),
)


def standing(trial: Trial, verdict: str) -> str:
    """Return a verdict with its probabilities and the effect, in a sentence or two."""
    return f"{marked(verdict)}. {capital(chances(trial))}{size(trial)}."


def chances(trial: Trial) -> str:
    """Return what the data say of a test in words, with the probability before and after them."""
    after, before = known(trial.probability), known(trial.prior_probability)
    if trial.verdict == "built in" or after is None:
        return trial.because.rstrip(".")
    if trial.how == "record":
        return trial.because.rstrip(".")
    was = "" if before is None else f" ({percent(before)} before the data)"
    enough, enough_before = known(trial.matters), known(trial.prior_matters)
    if trial.verdict == "contradicted" and enough is not None:
        was = "" if enough_before is None else f" ({percent(enough_before)} before the data)"
        return f"that it is so, and by enough to matter: {chance(enough)}{was}"
    if trial.verdict == "not identified" and not data_tell(after, before):
        low, high = _ASSUMED
        told = DONT_TELL if low <= after <= high else "the data add little to what was assumed"
        return f"{told}: {percent(after)}{was}"
    return f"that it is so: {chance(after)}{was}"


def size(trial: Trial) -> str:
    """Return a clause on the effect, with its interval and what would matter; nothing without an effect."""
    middle, low, high = known(trial.median), known(trial.q05), known(trial.q95)
    if trial.how == "record" or middle is None or low is None or high is None:
        return ""
    factor, _ = unit_of(trial.unit, difference=True)
    span = interval(low * factor, high * factor, difference=True)
    least = f"; {quantity_of(trial.smallest, trial.unit)} would matter" if trial.smallest > 0 else ""
    return f". {measured(trial)}: {more_or_less(middle, trial.unit)} (90% interval {span}{least})"


def quantity_of(value: float, unit: str) -> str:
    """Return the size of a difference with its unit ("50 persons", "2.0 percentage points")."""
    factor, words = unit_of(unit, difference=True)
    return f"{two_digits(value * factor)} {words}".strip() if unit else quantity(value, unit)


def bayes_in_words(factor: float | None) -> str:
    """Return a Bayes factor with what it is worth, in the words of Kass and Raftery (1995)."""
    value = known(factor)
    if value is None or value < 0:
        return "not known"
    against = value < 1
    times = 1 / value if against and value > 0 else value
    if value == 0 or times >= _MOST:
        shown = f"1/{_MOST:,.0f} or less" if against else f"{_MOST:,.0f} or more"
    else:
        shown = f"1/{two_digits(times)}" if against else two_digits(times)
    word = "very strong evidence"
    if value > 0:
        word = next((word for limit, word in _EVIDENCE if times < limit), word)
    side = "" if times < _EVIDENCE[0][0] and value > 0 else " against it" if against else " for it"
    return f"{shown}: {word}{side}"
