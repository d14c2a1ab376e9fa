"""The folder that a run writes into: one run at a time, and every file either whole or untouched."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from outbid import lock
from outbid.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_PART_PREFIX, _PART_SUFFIX = ".outbid-", ".part"

_NOTHING_LEFT = "nothing half-written was left"
_FAULTS = {
    errno.ENOSPC: (
        "no space is left on the disk",
        f"Free some space or choose another --out; {_NOTHING_LEFT}.",
    ),
    errno.EDQUOT: ("the disk quota is used up", f"Free some space or choose another --out; {_NOTHING_LEFT}."),
    errno.EFBIG: (
        "the file is larger than the disk or the limits of this session allow",
        f"Raise the limit (`ulimit -f`) or choose another --out; {_NOTHING_LEFT}.",
    ),
    errno.EROFS: ("the disk is read-only", "Choose another --out."),
    errno.EACCES: ("permission to write is missing", "Change the permission or choose another --out."),
    errno.EPERM: ("permission to write is missing", "Change the permission or choose another --out."),
    errno.EEXIST: ("there is a file of that name", "Move it or choose another --out."),
    errno.ENOTDIR: ("part of the path is a file, not a folder", "Choose another --out."),
    errno.EIO: ("the disk reports an error", f"Check the disk or choose another --out; {_NOTHING_LEFT}."),
}


class OutputFolder:
    """A folder that this process alone may write into while the `with` block lasts.

    `path`: where the folder is or shall be; missing parents are made. Raises InputError if the path is empty,
    something is in the way, it can't be written, or another run is writing there.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = folder_path(path)
        self._lock: int | None = None

    def __enter__(self) -> Self:
        with _plain_faults(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = lock.take(self.path)
            # only a run that was killed leaves these; we hold the lock, so nobody is still writing them
            for part in self.path.glob(f"{_PART_PREFIX}*{_PART_SUFFIX}"):
                part.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            lock.release(self.path, self._lock)
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
        """Write a text file in UTF-8, whole or not at all, and return where it lies."""
        return self.write_bytes(name, text.encode())

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
        return place


def folder_path(path: str | Path) -> Path:
    """Turn what a person gave as --out into a path.

    `path`: the text or path; an empty text is refused, for it would mean the current folder by accident.
    Raises InputError if the text is empty.
    """
    if not str(path).strip() or "\0" in str(path):
        raise InputError(
            "--out", "the path is empty or not a path", "Name a folder, for example --out out/khorasan."
        )
    return Path(path)


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


def _told(place: Path, fault: OSError) -> InputError:
    number = fault.errno or 0
    problem, fix = _FAULTS.get(
        number,
        (f"it can't be written ({fault.strerror or fault})", "Check the path or choose another --out."),
    )
    return InputError(str(place), problem, fix)


@contextmanager
def _plain_faults(place: Path) -> Iterator[None]:
    """Tell any fault of the operating system as bad input: the disk or the path is at fault, not our code."""
    try:
        yield
    except OSError as fault:
        raise _told(place, fault) from fault


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV text; numbers have six significant digits, what is missing stays empty."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def write_tables(folder: OutputFolder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables below `tables/`, one CSV file each."""
    for name, table in tables.items():
        folder.write_text(f"tables/{name}.csv", csv_text(table))
