"""Read a study's text files with care, tell whether they have changed, and keep the paths it names inside its folder."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath
from typing import Any

from outbid.errors import InputError

_TOML_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without the mark that Excel sets before it.

    Raises InputError if it is missing, can't be read, or is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        fix = "Check the name, or put the file there."
        raise InputError(str(path), "there is no such file", fix) from None
    except OSError as error:
        problem = f"the file can't be read ({error.strerror})"
        raise InputError(str(path), problem, "Check that it is a file and that you may read it.") from None
    at = data.find(b"\0")  # of UTF-16, which may pass for UTF-8 with zeros between its letters
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
    if at >= 0:
        line = data[:at].count(b"\n") + 1
        raise InputError(f"{path}, line {line}", "the text is not UTF-8", "Save the file again as UTF-8.")
    return text


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file. Raises InputError if it is missing, is not UTF-8, or is not TOML."""
    content = read_text(path)
    try:
        return tomllib.loads(content)
    except ValueError as error:  # also what Python says of a number with thousands of digits
        place = _TOML_LINE.search(str(error))
        line = place[1] if place else max(1, len(content.splitlines()))
        problem = _TOML_LINE.sub("", str(error)).removesuffix(" (at end of document)")
        fix = "Look for a missing quotation mark, bracket or equals sign there or just above."
        raise InputError(f"{path.name}, line {line}", f"is not valid TOML: {problem}", fix) from None


def digest(paths: Iterable[Path], about: object = "") -> str:
    """Return a digest of files, by their names and content, and of what is said about them."""
    found = hashlib.sha256(repr(about).encode())
    for path in paths:
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def inside(folder: Path, relative: str, where: str = "file") -> Path:
    """Return a path that a study's file names, if it stays within the study's folder.

    `where`: where it is written, for the complaint. Raises InputError if it is blank or absolute, or leads out of
    the folder by ".." or by a link.
    """
    fix = f"Name a file below {folder.name or folder} by its path from there."
    if not relative.strip() or Path(relative).is_absolute() or PureWindowsPath(relative).anchor:
        raise InputError(where, f"{relative!r} is not a path relative to the study's folder", fix)
    try:
        target = (folder / relative).resolve()
        root = folder.resolve()
    except (OSError, RuntimeError, ValueError):
        raise InputError(where, f"{relative!r} leads nowhere", fix) from None
    if not target.is_relative_to(root):
        raise InputError(where, f"{relative!r} leads out of the study's folder", fix)
    return folder / relative
