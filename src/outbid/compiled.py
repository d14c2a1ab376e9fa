"""Compiled code is kept between processes."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile


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
