"""The native engine: functions of JAX's arrays as machine code on vectors of rows.

`over_rows` does what `jax.jit(jax.vmap(...))` does, for functions of single numbers, sums and loops over months: it
compiles in a second what takes XLA a minute, and runs it many times faster, since there are no arrays to begin and end.
What it doesn't know runs in XLA, and a line says so. The choice is the user's: OUTBID_BACKEND=xla or native.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from outbid.compiled import folder
from outbid.errors import InputError
from outbid.native.machine import MachineCode
from outbid.native.tracing import UnknownOperationError, trace

BACKENDS = ("native", "xla")
# (rows, arguments, which of them all rows share) -> results
Run = Callable[[int, Sequence[np.ndarray], Sequence[bool]], list[np.ndarray]]
_LOG = logging.getLogger("outbid")


def backend() -> str:
    """Return which engine is asked for, "native" or "xla". Raises InputError if OUTBID_BACKEND names another."""
    name = os.environ.get("OUTBID_BACKEND", "native")
    if name not in BACKENDS:
        raise InputError("OUTBID_BACKEND", f"no engine of the name {name!r}", "Write native or xla.")
    return name


class over_rows:  # noqa: N801 - used as a function, like jax.vmap
    """A function worked out for every row of its arguments; compiled when it is first called with arrays of a shape.

    `function`: of any trees of arrays; `axes`: by argument, 0 where it has a leading axis of rows, None where all rows
    share it; a tree of such, as for `jax.vmap`. Results are NumPy arrays with a leading axis of rows.
    """

    def __init__(self, function: Callable[..., Any], axes: Sequence[Any]) -> None:
        self.function, self.axes = function, tuple(axes)
        self.engine = backend()
        self._made: dict[Any, tuple[Run, Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        """Return the function's results, each with a leading axis of rows."""
        leaves, tree = jax.tree.flatten(arguments)
        arrays = list(map(np.asarray, leaves))
        shared = self._shared(arguments)
        numbers = {len(each) for each, own in zip(arrays, shared, strict=True) if not own}
        if len(numbers) != 1:
            raise ValueError(f"arguments must have one number of rows, not {sorted(numbers) or 'none'}")
        (rows,) = numbers
        shapes = [each.shape if own else each.shape[1:] for each, own in zip(arrays, shared, strict=True)]
        key = (tree, tuple((shape, each.dtype.str) for shape, each in zip(shapes, arrays, strict=True)))
        with self._lock:
            if key not in self._made:
                given = [jax.ShapeDtypeStruct(s, a.dtype) for s, a in zip(shapes, arrays, strict=True)]
                self._made[key] = self._make(given, tree)
        run, result = self._made[key]
        return jax.tree.unflatten(result, run(rows, arrays, shared))

    def _shared(self, arguments: Sequence[Any]) -> list[bool]:
        """Return by leaf whether all rows share it."""

        def of(axis: Any, argument: Any) -> Any:
            return jax.tree.map(lambda _: axis is None, argument)

        pairs = zip(self.axes, arguments, strict=True)
        return [own for pair in pairs for own in jax.tree.leaves(jax.tree.map(of, *pair, is_leaf=_none))]

    def _make(self, given: list[jax.ShapeDtypeStruct], tree: Any) -> tuple[Run, Any]:
        """Return what works out rows of flat arguments, and the tree of its results."""
        closed, shape = jax.make_jaxpr(self.function, return_shape=True)(*jax.tree.unflatten(tree, given))
        return rows_of(closed, given, self.engine), jax.tree.structure(shape)


def rows_of(closed: ClosedJaxpr, given: Sequence[Any], engine: str = "") -> Run:
    """Return what works out rows of a function traced by JAX, by the engine that is asked for.

    `given`: by argument, the shape that it has without rows, or an array that is known for good: native code is made
    for its numbers, and those that are zero cost nothing.
    """
    if (engine or backend()) == "xla":
        return _in_xla(closed, given)
    try:
        code = MachineCode(trace(closed, given), folder("native"))
    except UnknownOperationError as unknown:
        where = f" (in {unknown.where})" if unknown.where else ""
        line = "The native engine has no operation %s%s: this part runs in XLA, which takes longer."
        _LOG.warning(line, unknown.primitive, where)
        return _in_xla(closed, given)

    def run(rows: int, arrays: Sequence[np.ndarray], shared: Sequence[bool]) -> list[np.ndarray]:
        found = code(rows, [np.require(each, float, "A") for each in arrays], shared)
        with np.errstate(invalid="ignore"):  # no number as a whole number is any
            return [
                each.astype(of.dtype, copy=False) for each, of in zip(found, closed.out_avals, strict=True)
            ]

    return run


def _none(axis: Any) -> bool:
    return axis is None


@cache
def _compiled(closed: ClosedJaxpr, axes: tuple[int | None, ...]) -> Callable[..., Any]:
    return jax.jit(jax.vmap(jaxpr_as_fun(closed), axes))


def _in_xla(closed: ClosedJaxpr, given: Sequence[Any]) -> Run:
    """Return what works out rows in XLA, for which a number of rows is filled up to a power of two."""

    def run(rows: int, arrays: Sequence[np.ndarray], shared: Sequence[bool]) -> list[np.ndarray]:
        places = np.minimum(np.arange(rows and 1 << (rows - 1).bit_length()), rows - 1)
        pairs = zip(arrays, shared, strict=True)
        full = ((each, None) if own else (each[places], 0) for each, own in pairs)
        every = [next(full) if isinstance(each, jax.ShapeDtypeStruct) else (each, None) for each in given]
        found = _compiled(closed, tuple(axis for _, axis in every))(*(each for each, _ in every))
        return [np.asarray(each)[:rows] for each in found]

    return run
