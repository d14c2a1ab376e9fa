"""Read a study's text files with care, know which were read, and keep the paths it names inside its folder."""

from __future__ import annotations

import hashlib
import os
import re
import site
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path, PureWindowsPath
from types import FrameType
from typing import Any

from outbid.errors import InputError

# Where Python, its packages (this one too) and the system keep their files, which are nobody's data.
_LIBRARIES = (sysconfig.get_path(each) for each in ("stdlib", "platstdlib", "purelib", "platlib"))
_SITES = (*site.getsitepackages(), site.getusersitepackages(), str(Path(__file__).parent))
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr/share")
_INSTALLED = tuple(f"{os.path.realpath(each)}{os.sep}" for each in (*_LIBRARIES, *_SITES, *_SYSTEM))
_PACKAGE = str(Path(__file__).parent)
# What Python tells of before it reads a file, or the names in a folder.
_LISTINGS = ("os.listdir", "os.scandir")
_READS = ("open", "sqlite3.connect", "ctypes.dlopen", *_LISTINGS)
# Every `reading` that is open in this thread: its folder and its files.
_OPEN: ContextVar[tuple[tuple[Path, dict[str, str]], ...]] = ContextVar("reading", default=())
_TWICE = re.compile(r"Cannot declare (\(.+\)) twice")
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
        if twice := _TWICE.match(problem):
            name = ".".join(re.findall(r"'([^']*)'", twice[1]))
            problem, fix = (
                f"[{name}] stands there twice",
                f"Open each with [[{name}]] if they are entries of a list; else rename one.",
            )
        problem = f"is not valid TOML: {problem}"
        raise InputError(f"{path.name}, line {line}", problem, fix) from None


def digest(paths: Iterable[Path], about: object = "") -> str:
    """Return a digest of files, by their names and content, and of what is said about them."""
    said = repr((about, [(path.name, content(path)) for path in paths]))
    return hashlib.sha256(said.encode()).hexdigest()


def content(path: Path) -> str:
    """Return a digest of a file's content, or of a folder's names; empty if there is none, or it can't be read."""
    try:
        if path.is_dir():
            return hashlib.sha256(repr(sorted(each.name for each in path.iterdir())).encode()).hexdigest()
        if not path.is_file():  # a pipe would be emptied
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


@contextmanager
def reading(folder: Path, files: dict[str, str]) -> Iterator[None]:
    """Note in `files` what this thread reads and lists from now on: by path, the digest of the content at that moment.

    Files below `folder` are named from there, so that it may be moved, others by their whole path; what is
    installed doesn't count.
    """
    _watch()
    token = _OPEN.set((*_OPEN.get(), (Path(os.path.realpath(folder)), files)))
    try:
        yield
    finally:
        _OPEN.reset(token)


@cache
def _watch() -> None:
    sys.addaudithook(_note)  # for good: Python takes no hook away


def _note(event: str, details: tuple[Any, ...]) -> None:
    if event not in _READS or not (readers := _OPEN.get()):
        return
    path = details[0] or "."
    if isinstance(path, int) or (event == "open" and details[2] & (os.O_WRONLY | os.O_CREAT)):
        return
    if event in _LISTINGS and not _of_a_study(sys._getframe(1)):
        return
    if event == "sqlite3.connect":  # perhaps a URI
        path = os.fsdecode(path).removeprefix("file:").partition("?")[0]
    token = _OPEN.set(())  # reading for the digest is no reading
    try:
        place = Path(os.path.realpath(os.fsdecode(path)))
        if place.is_relative_to(_compiled()):
            return
        mark = ""
        for folder, files in readers:
            below = place.is_relative_to(folder)
            name = place.relative_to(folder).as_posix() if below else str(place)
            if name not in files and (below or not installed(str(place))):
                files[name] = mark = mark or content(place)
    finally:
        _OPEN.reset(token)


def _of_a_study(frame: FrameType | None) -> bool:
    """Say whether a study's own code lists a folder: Python's imports and this package do so too."""
    while frame is not None and "importlib" not in (name := frame.f_code.co_filename):
        if not installed(name):
            return True
        frame = None if name.startswith(_PACKAGE) else frame.f_back
    return False


def _compiled() -> str:
    """Return where JAX keeps compiled code; what it reads there is no one's data either."""
    config = getattr(sys.modules.get("jax"), "config", None)
    return os.path.realpath(getattr(config, "jax_compilation_cache_dir", None) or "/proc")


def installed(path: str) -> bool:
    """Say whether a file belongs to Python, to a package or to the system."""
    return path.startswith(_INSTALLED)


def path_of(where: str, given: object, fix: str) -> Path:
    """Return what a person gave as a path; InputError if it is none, or empty: it would mean the folder one is in."""
    if not isinstance(given, str | os.PathLike) or not str(given).strip() or "\0" in str(given):
        raise InputError(where, f"{str(given)!r} is not a path", fix)
    return Path(given)


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
