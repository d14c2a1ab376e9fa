"""Compiled code is kept between processes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile


def prepare() -> None:
    """Keep compiled code between runs, in the user's cache folder (or OUTBID_CACHE, or nowhere if it can't be made).

    Where the user keeps JAX's compiled code already, it stays there.
    """
    import jax

    if getattr(jax.config, "jax_compilation_cache_dir", None):
        return
    kept = folder("compiled")
    if kept is not None:
        jax.config.update("jax_compilation_cache_dir", str(kept))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def folder(name: str) -> Path | None:
    """Return a folder of that name in the user's cache (or OUTBID_CACHE); None if it can't be made or written to."""
    try:
        home = os.environ.get("OUTBID_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        kept = Path(home, "outbid", name)
        str(kept).encode()  # JAX takes no other paths
        kept.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=kept):  # whether it can be written
            pass
    except (OSError, RuntimeError, UnicodeEncodeError):  # no home at all is a RuntimeError
        return None
    return kept


def kept(where: Path | None, name: str, make: Callable[[], bytes]) -> bytes:
    """Return what a file of a cache's folder holds, made and kept there first if it is absent or damaged.

    `name` has to tell apart all that what is made depends on; without a folder nothing is kept. A file ends with the digest
    of its content, and is whole or not there.
    """
    path = None if where is None else where / name
    if path is not None:
        with suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content[:-32]).digest() == content[-32:]:
                return content[:-32]
    made = make()
    if path is not None:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
                try:
                    file.write(made + hashlib.sha256(made).digest())
                    file.close()
                    Path(file.name).replace(path)
                except OSError:
                    Path(file.name).unlink()
    return made
