"""The two views of one effect side by side, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.conventions import NEUTRAL, PRIOR_LABELS, SOURCES
from outbid.words.chances import Reading
from outbid.words.numbers import capital


def contrast(clauses: Mapping[str, str], readings: Mapping[str, Reading], opening: str = "") -> str:
    """Return one sentence, without a full stop, that keeps the two views apart.

    Parameters
    ----------
    clauses
        A clause for "more" and for "less", and an indirect question for "unknown" ("whether ...").
    readings
        By prior set, of those that there are; at least one.
    opening
        What stands before the clause ("With schools open"); empty for a clause that opens the sentence.
    """

    def said(kind: Reading) -> str:
        return f"{opening}, {clauses[kind]}" if opening else capital(clauses[kind])

    unknown = f"{opening}: {clauses['unknown']}" if opening else capital(clauses["unknown"])
    if len(readings) == 1:
        ((prior, kind),) = readings.items()
        label = PRIOR_LABELS[prior]
        return f"{unknown} can't be told, {label}" if kind == "unknown" else f"{said(kind)}, {label}"
    neutral, sources = readings[NEUTRAL], readings[SOURCES]
    aside, word = PRIOR_LABELS[NEUTRAL], PRIOR_LABELS[SOURCES]
    if neutral == sources == "unknown":
        return f"{unknown} can't be told, even {word}"
    if neutral == sources:
        return f"{said(neutral)}, {aside} as well as {word}"
    if neutral == "unknown":
        return f"{said(sources)}, {word}; {aside}, it can't be told"
    if sources == "unknown":
        return f"{said(neutral)}, {aside}; {word}, it can't be told"
    return f"{said(sources)}, {word}; {aside}, the data point the other way"
