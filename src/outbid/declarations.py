"""Fields of a table in a TOML declaration, each read strictly: the value, or a complaint that says where and what.

`where` is the file and the entry, such as "worth.toml, survey"; `block` is the table as TOML gives it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from outbid.errors import InputError, did_you_mean

Block = Mapping[str, Any]


def only(where: str, block: Block, known: Collection[str]) -> None:
    """Refuse a key that does not exist."""
    for key in block:
        if key not in known:
            raise InputError(f"{where}, {key}", "unknown key", did_you_mean(key, known))


def tables(where: str, block: Block, key: str) -> list[Block]:
    """Return the tables under a key, none if it is absent."""
    found = block.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InputError(f"{where}, {key}", "is not a list of tables", f"Open each with [[{key}]].")
    return found


def text(where: str, block: Block, key: str) -> str:
    """Return a text that says something."""
    value = block.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}, {key}", "missing or not a text", "Give it as text in quotes.")
    return value


def texts(where: str, block: Block, key: str) -> tuple[str, ...]:
    """Return a list of at least one text; a single text is a list of one."""
    value = block.get(key)
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
        raise InputError(f"{where}, {key}", "missing or not a list of texts", f'Write {key} = ["..."].')
    return tuple(listed)


def number(where: str, block: Block, key: str) -> float:
    """Return a finite number."""
    value = block.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise InputError(f"{where}, {key}", f"{value!r} is not a number", "Give a finite number.")
    return float(value)


def whole(where: str, block: Block, key: str, low: int, high: int, otherwise: int | None = None) -> int:
    """Return a whole number within bounds; `otherwise` where the key is absent, if that is given."""
    value = block.get(key, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(
            f"{where}, {key}", f"{value!r} is outside its range", f"Give a whole number from {low} to {high}."
        )
    return value


def identifier(where: str, block: Block, taken: Collection[str]) -> str:
    """Return an entry's id: a plain name that no entry before it has."""
    value = block.get("id")
    if not isinstance(value, str) or not value.isidentifier():
        raise InputError(f"{where}, id", "is no plain name", 'Give it one, such as id = "schools_open".')
    if value in taken:
        raise InputError(f"{where}, {value}", "this id is taken twice", "Rename one of the two.")
    return value


def among(where: str, value: Any, known: Collection[str], what: str) -> str:
    """Return a name that is known; `what` says what it should be one of ("no lever")."""
    if not isinstance(value, str) or value not in known:
        raise InputError(where, f"{what} {value!r}", did_you_mean(str(value), known))
    return value


def sign(where: str, block: Block, key: str = "sign") -> int:
    """Return 1 or -1."""
    value = block.get(key)
    if value not in (1, -1) or isinstance(value, bool):
        raise InputError(
            f"{where}, {key}", "is neither 1 nor -1", "Say which way the measure is expected to go."
        )
    return int(value)
