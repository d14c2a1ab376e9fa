"""The folder that a run writes into: one run at a time, and every file either whole or untouched.

The lock on it is the operating system's and ends with the process, however that ends: a crash leaves nothing to
clean up.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import secrets
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from outbid.errors import InputError
from outbid.files import content, path_of

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "summary.json"
# what a run leaves beside its tables
FILES = (SUMMARY, "results.nc", "report.html")
_LOCK = ".outbid.lock"
_PART_PREFIX, _PART_SUFFIX = ".outbid-", ".part"
_ROOM = "choose another --out; nothing half-written was left."
_PERMISSION = ("permission to write is missing", "Change the permission or choose another --out.")
_FAULTS = {
    errno.ENOSPC: ("no space is left on the disk", f"Free some space or {_ROOM}"),
    errno.EDQUOT: ("the disk quota is used up", f"Free some space or {_ROOM}"),
    errno.EFBIG: (
        "the file is larger than the disk or the limits of this session allow",
        f"Raise the limit (`ulimit -f`) or {_ROOM}",
    ),
    errno.EROFS: ("the disk is read-only", "Choose another --out."),
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EEXIST: ("there is a file of that name", "Move it or choose another --out."),
    errno.ENOTDIR: ("part of the path is a file, not a folder", "Choose another --out."),
    errno.EIO: ("the disk reports an error", f"Check the disk or {_ROOM}"),
}


class OutputFolder:
    """A folder that this process alone may write into while the `with` block lasts.

    `path`: where the folder is or shall be; missing parents are made. `written`: the digest of each file that was
    written, by name. Raises InputError if the path is empty, something is in the way, it can't be written, or another
    run is writing there.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = folder_path(path)
        self.written: dict[str, str] = {}
        self._lock: int | None = None

    def __enter__(self) -> Self:
        with _plain_faults(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._check_way()
            self._lock = _take_lock(self.path)
            # only a run that was killed leaves these; we hold the lock, so nobody is still writing them
            for part in self.path.glob(f"{_PART_PREFIX}*{_PART_SUFFIX}"):
                part.unlink(missing_ok=True)
        return self

    def _check_way(self) -> None:
        """Refuse what would be in the way of a file or a folder after the work is done."""
        for name, blocked in [("tables", Path.is_file), *((name, Path.is_dir) for name in FILES)]:
            if blocked(place := self.path / name):
                fix = "Move it or choose another --out."
                raise InputError(str(place), "is in the way of what is to be written there", fix)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is None:
            return
        # Removed while still locked: whoever opened the old file sees that it is gone and starts anew. Windows can't
        # remove an open file; there the empty one stays.
        if sys.platform != "win32":
            with suppress(OSError):
                (self.path / _LOCK).unlink()
        os.close(self._lock)
        self._lock = None

    def place(self, name: str) -> Path:
        """Return where a file of this name lies.

        `name`: a file name, or one with subfolders before it ("tables/effects.csv"); always forward slashes.
        Raises InputError if the name would lead out of the folder.
        """
        parts = PurePosixPath(name).parts
        windows = PureWindowsPath(name)
        outside = (
            not parts
            or ".." in parts
            or "\\" in name
            or "\0" in name
            or name.startswith("/")
            or bool(windows.drive)
            or parts[-1].startswith(".outbid")
        )
        place = self.path.joinpath(*parts)
        # a link inside the folder may point anywhere
        if outside or not place.parent.resolve().is_relative_to(self.path.resolve()):
            raise InputError(
                str(self.path),
                f"{name!r} does not name a file inside the output folder",
                "Use a plain name without '..', a leading '/' or links that lead elsewhere.",
            )
        return place

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file in UTF-8, whole or not at all, and return where it lies.

        What is no UTF-8, such as part of a path that the text names, is written as an escape.
        """
        return self.write_bytes(name, text.encode(errors="backslashreplace"))

    def write_bytes(self, name: str, data: bytes | memoryview) -> Path:
        """Write a file, whole or not at all, and return where it lies; `name` is as for `place`.

        HDF5 and netCDF can crash the process on a full disk: let them write into memory, and give the bytes.
        Raises InputError if the disk is full, read-only or closed to us; an older file of that name stays as it was.
        """
        if self._lock is None:
            raise RuntimeError("an OutputFolder must be entered with `with` before it is written to")
        place = self.place(name)
        with _plain_faults(place):
            place.parent.mkdir(parents=True, exist_ok=True)
        # on the same disk as the final place
        part = self.path / f"{_PART_PREFIX}{secrets.token_hex(6)}{_PART_SUFFIX}"
        try:
            with _plain_faults(place):
                with part.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(place)
        finally:
            # after a success it has moved away
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self.written[name] = hashlib.sha256(data).hexdigest()
        return place

    def remove(self, name: str) -> None:
        """Remove a file, if there is one, that doesn't belong to the results any more."""
        with _plain_faults(place := self.place(name)):
            place.unlink(missing_ok=True)
        self.written.pop(name, None)

    def write_summary(self, facts: Mapping[str, Any], kept: Iterable[str] = ()) -> dict[str, Any]:
        """Write `summary.json` with the digests of all files that belong to it, and return its content.

        `files` in it: what was written here and what is `kept` from earlier, by name; under its own name, the digest of
        the rest of it. So whoever reads it knows whether everything is there, and whole.
        """
        files = {name: content(self.place(name)) for name in kept} | self.written
        files |= {SUMMARY: hashlib.sha256(json_text(facts).encode()).hexdigest()}
        self.write_text(SUMMARY, text := json_text({**facts, "files": files}))
        return dict(json.loads(text))


def _take_lock(folder: Path) -> int:
    """Lock a folder for this process and return the descriptor that holds the lock; OSError if the disk knows none."""
    path = folder / _LOCK
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _lock_now(descriptor):
                owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
                problem = f"another run (process {owner}) is writing into this folder"
                raise InputError(str(folder), problem, "Wait until it has ended or choose another --out.")
            # else the run before us removed the file between our opening it and our locking it
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, f"{os.getpid()}\n".encode())
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock_now(descriptor: int) -> bool:
    """Lock the file unless another process has; return whether it is ours."""
    if sys.platform == "win32":
        # Windows forbids others to read a locked stretch, so lock one byte far behind the text
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def folder_path(path: str | Path) -> Path:
    """Turn what a person gave as --out into a path.

    Raises InputError if it is none, or empty.
    """
    return path_of("--out", path, "Name a folder, for example --out out/khorasan.")


def whole_summary(folder: Path, mark: str, needed: Collection[str]) -> dict[str, Any] | None:
    """Return the summary in a folder, or None unless all that its run wrote is still there as it was written.

    `mark`: the fingerprint that it has to bear; `needed`: files that have to be among those written.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        files = summary.pop("files")
        own = hashlib.sha256(json_text(summary).encode()).hexdigest()
        whole = summary["fingerprint"] == mark and files.pop(SUMMARY) == own and files.keys() >= {*needed}
        same = whole and all(content(folder / name) == each for name, each in files.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return {**summary, "files": {**files, SUMMARY: own}} if same else None


def json_text(value: object) -> str:
    """Write plain values, and arrays inside them, as strict JSON with a final newline.

    `value`: mappings, sequences, texts, numbers, truth values, None, paths and NumPy arrays or scalars.
    Numbers that are not finite become null, since JSON has no word for them. Raises TypeError if something
    else is inside.
    """
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return what JSON can hold: see `json_text`."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return float(value) if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case Path():
            return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no place in JSON")


@contextmanager
def _plain_faults(place: Path) -> Iterator[None]:
    """Tell any fault of the operating system as bad input: the disk or the path is at fault, not our code."""
    try:
        yield
    except OSError as fault:
        other = (
            f"it can't be written ({fault.strerror or fault})",
            "Check the path or choose another --out.",
        )
        raise InputError(str(place), *_FAULTS.get(fault.errno or 0, other)) from fault


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV text; numbers have six significant digits, what is missing stays empty."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def write_tables(folder: OutputFolder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables below `tables/`, one CSV file each."""
    for name, table in tables.items():
        folder.write_text(f"tables/{name}.csv", csv_text(table))
