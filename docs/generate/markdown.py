"""Small pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTHING = "–"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a cell that is empty shows a dash. No rows, no table."""
    lines = ["| " + " | ".join(_cell(each) for each in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *lines])


def blocks(*parts: str) -> str:
    """Return parts of a page with an empty line between them; empty parts are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def code(text: str, language: str = "text") -> str:
    """Return a block of code, in a fence that is longer than any fence inside it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def literal(names: Iterable[str]) -> str:
    """Return names in code type, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def numbered(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: "1 claim", "2 claims"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _cell(value: object) -> str:
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text or NOTHING
