"""Probabilities and effects in plain words, and the one rule for when they can't be told."""

from __future__ import annotations

from typing import Literal

from outbid.conventions import NEUTRAL
from outbid.words.numbers import percent

Reading = Literal["more", "less", "unknown"]
Standing = Literal["built in", "assumed", "settled", "open"]

# The yardstick of intelligence assessments: below each probability, its word.
YARDSTICK: tuple[tuple[float, str], ...] = (
    (0.05, "remote"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, "even"),
    (0.80, "likely"),
    (0.95, "very likely"),
)
ASSUMED = "assumed"
# Stands before the word wherever it is printed, so that what was assumed never looks like what was learnt.
ASSUMED_MARK = "◇"
CANT_TELL = "can't be told"
# A probability between these says nothing, and so does one that the data moved by less than this.
UNSETTLED, HARDLY_MOVED = (0.35, 0.65), 0.05
# A probability outside of these was settled, be it by the data or before them.
SETTLED = (0.1, 0.9)


def chance_word(probability: float) -> str:
    """Return the yardstick's word for a probability ("likely")."""
    for upper, word in YARDSTICK:
        if probability < upper or (word == "even" and probability <= upper):
            return word
    return "nearly certain" if probability > 0.95 else "very likely"


def chance(probability: float) -> str:
    """Return a probability as word and number ("likely, 63%")."""
    return f"{chance_word(probability)}, {percent(probability)}"


def chance_or_assumed(probability: float, before: float | None) -> str:
    """Return a probability as word and number, or that it was assumed: as sure before the data ("◇ assumed")."""
    return f"{ASSUMED_MARK} {ASSUMED}" if is_assumed(probability, before) else chance(probability)


def is_told(after: float, before: float | None = None) -> bool:
    """Say whether a probability is worth a statement: far from even, and moved by the data where that is known."""
    if UNSETTLED[0] <= after <= UNSETTLED[1]:
        return False
    return before is None or abs(after - before) >= HARDLY_MOVED


def is_assumed(after: float, before: float | None) -> bool:
    """Say whether a settled probability was as settled before the data: then it was assumed and not learnt."""
    if before is None or is_told(after, before):
        return False
    return not SETTLED[0] <= after <= SETTLED[1]


def standing(after: float, before: float) -> Standing:
    """Say what the sign of an effect rests on, from the probabilities that it is positive.

    "built in" was certain before the data; "assumed" is settled and was as sure before them; "settled" is what the
    data settled; "open" is what they leave open.
    """
    if not 0.005 <= before <= 0.995:
        return "built in"
    if SETTLED[0] <= after <= SETTLED[1]:
        return "open"
    return "settled" if is_told(after, before) else "assumed"


def reading(p_better: float, p_better_before: float | None, prior: str, better: str) -> Reading:
    """Say whether an effect is more, less or unknown.

    Under neutral priors, what is as likely as before the data is unknown, unless it was settled before them: then
    the model's form says it.

    Parameters
    ----------
    p_better, p_better_before
        Probability of being better, after and before the data.
    better
        Which way is better: "higher" or "lower".
    """
    before = p_better_before if prior == NEUTRAL else None
    if not is_told(p_better, before) and not is_assumed(p_better, before):
        return "unknown"
    p_more = p_better if better == "higher" else 1 - p_better
    return "more" if p_more > 0.5 else "less"
