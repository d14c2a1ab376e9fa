"""The two views of one effect side by side, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.conventions import NEUTRAL, PRIOR_LABELS, SOURCES
from outbid.words.chances import Reading
from outbid.words.numbers import capital


def contrast(
    clauses: Mapping[str, str],
    readings: Mapping[str, Reading],
    opening: str = "",
    sizes: Mapping[str, str] | None = None,
) -> str:
    """Return one sentence, without a full stop, that keeps the two views apart.

    Parameters
    ----------
    clauses
        A clause for "more" and for "less", and an indirect question for "unknown" ("whether ...").
    readings
        By prior set, of those that there are; at least one.
    opening
        What stands before the clause ("With schools open"); empty for a clause that opens the sentence.
    sizes
        By prior set, what stands in brackets after a view's name ("+240 persons, +20 to +2,700").
    """

    def said(kind: Reading) -> str:
        return f"{opening}, {clauses[kind]}" if opening else capital(clauses[kind])

    def view(prior: str) -> str:
        size = (sizes or {}).get(prior)
        return f"{PRIOR_LABELS.get(prior, prior)} ({size})" if size else PRIOR_LABELS.get(prior, prior)

    unknown = f"{opening}: {clauses['unknown']}" if opening else capital(clauses["unknown"])
    if len(readings) == 1:
        ((prior, kind),) = readings.items()
        return (
            f"{unknown} can't be told, {view(prior)}" if kind == "unknown" else f"{said(kind)}, {view(prior)}"
        )
    neutral, sources = readings[NEUTRAL], readings[SOURCES]
    if neutral == sources == "unknown":
        tail = f" or {view(NEUTRAL)}" if sizes else ""
        return f"{unknown} can't be told, even {view(SOURCES)}{tail}"
    if neutral == sources:
        return f"{said(neutral)}, {view(NEUTRAL)} as well as {view(SOURCES)}"
    if neutral == "unknown":
        return f"{said(sources)}, {view(SOURCES)}; {view(NEUTRAL)}, it can't be told"
    if sources == "unknown":
        return f"{said(neutral)}, {view(NEUTRAL)}; {view(SOURCES)}, it can't be told"
    return f"{said(sources)}, {view(SOURCES)}; {view(NEUTRAL)}, the data point the other way"
