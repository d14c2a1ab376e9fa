"""The one kind of error that a person's input can cause: where it is, what is wrong, how to mend it.

This module lies below every floor of the house, so that a table, a ledger, a model and the command line
all complain in the same words. It imports nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

# Letters of a place or a problem that are shown.
LONGEST = 600


class InputError(ValueError):
    """A fault in what a person gave us, told in one line.

    `where`: the file, and the row, table or field in it ("figures/attacks.csv, line 12, column end"). `problem`:
    what is wrong, in words, without a full stop at the end. `fix`: what to do about it, one sentence.
    """

    def __init__(self, where: str, problem: str, fix: str) -> None:
        self.where = where
        self.problem = problem
        self.fix = fix
        # what was given may be shown in it: several lines, or pages
        super().__init__(" ".join(f"{_short(where)}: {_short(problem)}. {fix}".splitlines()))

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        # another process sends it back by what it was made of
        return type(self), (self.where, self.problem, self.fix)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence that offers the known name nearest to one that was not found, or lists those known."""
    choices = sorted(known)
    nearest = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    if nearest:
        return f"Did you mean {nearest[0]!r}?"
    return f"Known names: {', '.join(choices) if choices else 'none'}."


def check_name(name: str, known: Collection[str], where: str, problem: str) -> None:
    """Refuse what is no name, or not among those known, and say which one is nearest."""
    if not isinstance(name, str) or name not in known:
        raise InputError(where, problem, did_you_mean(str(name), known))
