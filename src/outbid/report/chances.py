"""Probabilities and effects in plain words, and the rule for when the data don't tell.

Where the posterior probability of "more" lies between .35 and .65, or has hardly moved from what was
assumed before the data, the words are that the data don't tell.
"""

from __future__ import annotations

from typing import Literal

from outbid.report.content import Edge, Effect, Outcome, ReportContent
from outbid.words.numbers import interval, more_or_less, percent, signed, unit_of

Reading = Literal["more", "less", "unknown"]
Standing = Literal["built in", "assumed", "settled", "open"]

YARDSTICK: tuple[tuple[float, str], ...] = (
    (0.05, "remote"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, "even"),
    (0.80, "likely"),
    (0.95, "very likely"),
)
DONT_TELL = "the data don't tell"
_UNSETTLED = (0.35, 0.65)
_HARDLY_MOVED = 0.05
_IDENTIFIED = (0.1, 0.9)


def chance_word(probability: float) -> str:
    """Return the word of the intelligence yardstick for a probability ("likely")."""
    for upper, word in YARDSTICK:
        if probability < upper or (word == "even" and probability <= upper):
            return word
    return "nearly certain" if probability > 0.95 else "very likely"


def chance(probability: float) -> str:
    """Return a probability as word and number ("likely, 63%")."""
    return f"{chance_word(probability)}, {percent(probability)}"


def data_tell(posterior: float, prior: float | None = None) -> bool:
    """Say whether a posterior probability is worth a statement.

    Parameters
    ----------
    posterior
        Probability of the statement after the data.
    prior
        The same before the data; None where it is not known.
    """
    low, high = _UNSETTLED
    if low <= posterior <= high:
        return False
    return prior is None or abs(posterior - prior) >= _HARDLY_MOVED


def find_effect(content: ReportContent, scenario: str, outcome: str, prior: str) -> Effect | None:
    """Return one scenario's effect on one outcome under one prior set, or None if there is none."""
    for effect in content.effects:
        if (effect.scenario, effect.outcome, effect.prior) == (scenario, outcome, prior):
            return effect
    return None


def probability_more(effect: Effect, outcome: Outcome) -> float:
    """Return the probability that the quantity is higher than in the baseline."""
    return effect.probability_better if outcome.better == "higher" else 1 - effect.probability_better


def read_effect(effect: Effect, outcome: Outcome) -> Reading:
    """Say whether an effect is more, less or unknown.

    What is as likely as before the data is unknown under neutral priors, unless it was settled before
    them: then the model's form says it, and `by_assumption` is True.
    """
    prior = effect.prior_probability_better if effect.prior == "neutral" else None
    if not data_tell(effect.probability_better, prior) and not by_assumption(effect):
        return "unknown"
    return "more" if probability_more(effect, outcome) > 0.5 else "less"


def by_assumption(effect: Effect) -> bool:
    """Say whether a settled effect under neutral priors was as settled before the data."""
    before, after = effect.prior_probability_better, effect.probability_better
    if effect.prior != "neutral" or before is None or data_tell(after, before):
        return False
    low, high = _IDENTIFIED
    return not low <= after <= high


def _told(effect: Effect, towards: float) -> str:
    return f"{chance(towards)}, by assumption" if by_assumption(effect) else chance(towards)


def effect_in_words(effect: Effect, outcome: Outcome) -> str:
    """Return an effect as size, interval and chance ("130 more (90% interval −410 to +680); even, 53%").

    Under neutral priors the words are that the data don't tell where they don't.
    """
    size = more_or_less(effect.median, outcome.unit)
    factor, _ = unit_of(outcome.unit, difference=True)
    span = interval(effect.q05 * factor, effect.q95 * factor, difference=True)
    p = probability_more(effect, outcome)
    towards = p if effect.median >= 0 else 1 - p
    if effect.prior == "neutral" and read_effect(effect, outcome) == "unknown":
        return f"{size} (90% interval {span}); {DONT_TELL} ({percent(towards)})"
    return f"{size} (90% interval {span}); {_told(effect, towards)}"


def effect_in_brief(effect: Effect, outcome: Outcome) -> str:
    """Return an effect for a narrow place ("+130 (−410 to +680), likely, 63%")."""
    factor, _ = unit_of(outcome.unit, difference=True)
    p = probability_more(effect, outcome)
    towards = p if effect.median >= 0 else 1 - p
    told = effect.prior == "sources" or read_effect(effect, outcome) != "unknown"
    word = _told(effect, towards) if told else f"{DONT_TELL} ({percent(towards)})"
    span = interval(effect.q05 * factor, effect.q95 * factor, difference=True)
    return f"{signed(effect.median * factor)} ({span}), {word}"


def identified(edge: Edge) -> bool:
    """Say whether the data settle the sign of an arrow (neutral posterior beyond .1 to .9)."""
    p = edge.probability_positive.get("neutral", 0.5)
    return not _IDENTIFIED[0] <= p <= _IDENTIFIED[1]


def standing_of(edge: Edge) -> Standing:
    """Say what the sign of an arrow rests on.

    "built in" was certain before the data; "assumed" is settled but was as likely before them; "settled"
    is what the data settled; "open" is what they leave open.
    """
    before = edge.prior_probability_positive.get("neutral", 0.5)
    if before < 0.005 or before > 0.995:
        return "built in"
    if not identified(edge):
        return "open"
    return "settled" if data_tell(edge.probability_positive.get("neutral", 0.5), before) else "assumed"
