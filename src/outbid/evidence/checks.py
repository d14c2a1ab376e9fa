"""How a TOML file of the ledger is read, and every rule that an entry in it has to keep."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from outbid.errors import InputError, did_you_mean

CLAIM_KINDS: Mapping[str, str] = {
    "O": "observation",
    "C": "causal",
    "S": "strategic",
    "F": "forecast",
    "G": "goal",
    "R": "rhetoric",
}
"""Letters of a claim's kind, and what each stands for."""

REFERENCE_TYPES = (
    "actor",
    "event",
    "index",
    "lever",
    "mechanism",
    "outcome",
    "parameter",
    "series",
    "stock",
)
"""Types that a reference such as "mechanism:defection" may begin with."""

_CLAIM_ID = re.compile(r"[A-Z][0-9]{2}")
_REFERENCE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_TOML_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")


def tables(path: Path, entry: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every `[[entry]]` table of a TOML file behind the words that say where it stands."""
    document = _document(path)
    for key in document:
        if key != entry:
            raise InputError(f"{path}, {_one_line(key)}", "unknown table", did_you_mean(key, [entry]))
    entries = document.get(entry, [])
    if not isinstance(entries, list) or not all(isinstance(table, dict) for table in entries):
        raise InputError(
            f"{path}, {entry}", "is not an array of tables", f"Open every entry with a line [[{entry}]]."
        )
    for number, table in enumerate(entries, start=1):
        name = table.get("id")
        named = isinstance(name, str) and name.strip()
        yield f"{path}, {entry} {_one_line(name) if named else f'number {number}'}", table


def _document(path: Path) -> dict[str, Any]:
    try:
        # Editors on Windows put a byte order mark in front, which TOML itself does not allow.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            str(path), f"can't be read ({error.strerror})", "Check the name of the file and its folder."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is not UTF-8 text", "Save it again with the encoding UTF-8.") from error
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also what Python says of a number with thousands of digits
        found = _TOML_LINE.search(str(error))
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        problem = _TOML_LINE.sub("", str(error)).removesuffix(" (at end of document)")
        raise InputError(
            f"{path}, line {line}",
            f"is not valid TOML: {problem}",
            "Look for a missing quotation mark, bracket or equals sign there or just above.",
        ) from error


def _one_line(name: str) -> str:
    # TOML allows a line break in a quoted key or an identifier; an error message is one line.
    return name if name.isprintable() else repr(name)


def fault(where: str, field: str, problem: str, fix: str) -> InputError:
    """Return the complaint about one field of an entry, for the caller to raise."""
    return InputError(f"{where}, field {_one_line(field)}", problem, fix)


def check_keys(
    table: Mapping[str, Any], where: str, required: Collection[str], optional: Collection[str]
) -> None:
    """Refuse an entry with a key that does not exist, or without one that it needs."""
    for key in table:
        if key not in required and key not in optional:
            raise fault(where, key, "unknown key", did_you_mean(key, (*required, *optional)))
    for key in required:
        if key not in table:
            raise fault(where, key, "the key is missing", f'Add a line {key} = "...".')


def text_of(table: Mapping[str, Any], key: str, where: str) -> str:
    """Return the text under a key, empty if there is none; refuse what is not text."""
    value = table.get(key, "")
    if isinstance(value, str):
        return value
    raise fault(
        where,
        key,
        f"must be text, but is {value!s} ({type(value).__name__})",
        "Put the value in quotation marks.",
    )


def check_filled(text: str, key: str, where: str) -> None:
    """Refuse a text that says nothing."""
    if not text.strip():
        raise fault(where, key, "is empty", f"Fill in the {key}.")


def check_date(text: str, where: str) -> None:
    """Refuse what is neither empty nor a date as YYYY, YYYY-MM or YYYY-MM-DD."""
    if not text:
        return
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        raise fault(
            where,
            "date",
            f"{text!r} is not a date",
            'Write YYYY, YYYY-MM or YYYY-MM-DD, or "" if it is not known.',
        ) from None


def check_claim_id(identifier: str, claims: Collection[str], where: str) -> None:
    """Refuse an identifier that is malformed, or that one of the `claims` before it has already."""
    if not _CLAIM_ID.fullmatch(identifier):
        raise fault(
            where,
            "id",
            f"{identifier!r} is not a claim identifier",
            "Write one capital letter and two digits, such as N07.",
        )
    if identifier in claims:
        raise fault(
            where,
            "id",
            f"claim {identifier} is listed twice",
            "Give one of them another id, or delete it.",
        )


def check_kind(kind: str, where: str) -> None:
    """Refuse a kind that is not made of the letters of `CLAIM_KINDS`, each at most once."""
    letters = kind.split("/")
    if not set(letters) <= CLAIM_KINDS.keys() or len(set(letters)) < len(letters):
        meanings = ", ".join(f"{letter} ({meaning})" for letter, meaning in CLAIM_KINDS.items())
        raise fault(
            where,
            "kind",
            f"{kind!r} is not a kind of claim",
            f'Join one or more of these letters with slashes, each once, such as "O/C": {meanings}.',
        )


def homes_of(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the references under `homes`; refuse malformed, unknown and repeated ones."""
    homes = table.get("homes", [])
    if not isinstance(homes, list) or not all(isinstance(home, str) for home in homes):
        raise fault(where, "homes", "must be a list of texts", 'Write homes = ["mechanism:defection", ...].')
    for number, home in enumerate(homes):
        kind, colon, name = home.partition(":")
        if not colon or not _REFERENCE_NAME.fullmatch(name):
            raise fault(
                where,
                "homes",
                f"{home!r} is not a reference",
                'Write a type, a colon and a name in lower case, such as "mechanism:defection".',
            )
        if kind not in REFERENCE_TYPES:
            raise fault(
                where, "homes", f"{home!r} begins with an unknown type", did_you_mean(kind, REFERENCE_TYPES)
            )
        if home in homes[:number]:
            raise fault(where, "homes", f"{home!r} is listed twice", "Delete one of the two.")
    return tuple(homes)


def check_home_or_reason(homes: tuple[str, ...], left_out: str, where: str) -> None:
    """Refuse a claim with both a home and a reason for having none, or with neither."""
    if homes and left_out.strip():
        raise fault(
            where,
            "left_out",
            "the claim has homes and a reason for having none",
            "Keep the one that is true.",
        )
    if not homes and not left_out.strip():
        raise fault(
            where,
            "homes",
            "the claim has neither a home in the model nor a reason for having none",
            "Name what carries it in homes, or say in left_out why the model leaves it out.",
        )
