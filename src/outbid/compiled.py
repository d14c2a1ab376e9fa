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
    try:
        home = os.environ.get("OUTBID_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home, "outbid", "compiled")
        str(folder).encode()  # JAX takes no other paths
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # whether it can be written
            pass
    except (OSError, RuntimeError, UnicodeEncodeError):  # no home at all is a RuntimeError
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
