"""Use of processor cores: many small factorisations run best one to a core, not one over all cores.

A threaded factorisation of a few hundred unknowns spends its time waiting for its threads; a hundredfold
where something else runs beside it. So small systems get one thread each, and batches are shared out over
cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax
import numpy as np
from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401 - the library whose threads are meant has to be there to be found

    return ThreadpoolController()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let every factorisation inside run on one core."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


def cores() -> int:
    """Return how many processor cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def shared_out(function: Callable[[Any], Any], batch: Any, workers: int | None = None) -> Any:
    """Return function(batch) for a batch with a leading axis on every array, its parts worked on side by side.

    Every part has the same length, so that `function` is compiled once; the last repeats its last item.
    """
    count = len(jax.tree.leaves(batch)[0])
    parts = max(1, min(workers or cores(), count))
    size = -(-count // parts)
    places = [np.minimum(np.arange(i * size, (i + 1) * size), count - 1) for i in range(parts)]
    pieces = [jax.tree.map(lambda leaf, at=at: leaf[at], batch) for at in places]
    with one_thread_each(), ThreadPoolExecutor(parts) as pool:
        done = list(pool.map(lambda piece: jax.tree.map(np.asarray, function(piece)), pieces))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *done)
