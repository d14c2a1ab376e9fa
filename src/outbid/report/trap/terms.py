"""Small parts of the sentences on the trap map."""

from __future__ import annotations

from outbid.report.chances import chance_word
from outbid.words.numbers import percent

VIEWS = {"neutral": "on the data alone", "sources": "if the sources are right"}


def view(prior: str) -> str:
    """Return a prior set in words that open or close a sentence ("on the data alone")."""
    return VIEWS.get(prior, f"under {prior} priors")


def capital(text: str) -> str:
    """Return a sentence with its first letter large."""
    return text[:1].upper() + text[1:]


def at_least(chance: float) -> str:
    """Return a chance that a whole map reaches ("very likely, 82% or more")."""
    said = percent(drawn(chance))
    return f"{chance_word(chance)}, {said}" + ("" if said.startswith("over") else " or more")


def drawn(chance: float) -> float:
    """Return a chance that is a share of draws, so that none of them or all are not called certainty."""
    return min(max(chance, 0.001), 0.999)


def small(label: str) -> str:
    """Return a label as it stands within a sentence."""
    return label[:1].lower() + label[1:]


def joined(parts: list[str], word: str) -> str:
    """Return parts as a list in words, the last one behind a word."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}" if parts else ""
