"""Several things in one sentence."""

from __future__ import annotations

from collections.abc import Sequence


def listed(items: Sequence[str], word: str = "and") -> str:
    """Return items as a list in a sentence ("a, b and c")."""
    *others, last = items or [""]
    return f"{', '.join(others)} {word} {last}" if others else last
