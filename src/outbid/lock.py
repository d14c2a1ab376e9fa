"""A lock on a folder, so that two runs never mix their files.

The lock is the operating system's and ends with the process, however that ends: a crash leaves nothing to
clean up.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from outbid.errors import InputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_NAME = ".outbid.lock"


def take(folder: Path) -> int:
    """Lock a folder for this process and return the descriptor that holds the lock.

    Parameters
    ----------
    folder
        A folder that exists.

    Raises
    ------
    InputError
        If another run holds it; the message names that run's process.
    OSError
        If the lock file can't be made, or the disk knows no locks.
    """
    path = folder / LOCK_NAME
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _lock_now(descriptor):
                owner = os.read(descriptor, 32).decode(errors="replace").strip()
                raise InputError(
                    str(folder),
                    f"another run (process {owner or 'unknown'}) is writing into this folder",
                    "Wait until it has ended or choose another --out.",
                )
            if _is_still(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()}\n".encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # the run before us removed the file between our opening it and our locking it
        os.close(descriptor)


def release(folder: Path, descriptor: int) -> None:
    """Give the folder back; on Windows, which can't remove an open file, the empty lock file stays.

    Parameters
    ----------
    folder
        The folder that was locked.
    descriptor
        What `take` returned.
    """
    if sys.platform != "win32":
        # removed while still locked: whoever opened the old file sees that it is gone and starts anew
        with suppress(OSError):
            (folder / LOCK_NAME).unlink()
    os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """Say whether the path still leads to the file that was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


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
