"""What only moves numbers about: JAX's slices, transposes, gathers and the like, on arrays of anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def _broadcast(
    of: np.ndarray, *, shape: Sequence[int], broadcast_dimensions: Sequence[int], **_: Any
) -> np.ndarray:
    sizes = [1] * len(shape)
    for place, size in zip(broadcast_dimensions, of.shape, strict=True):
        sizes[place] = size
    return np.broadcast_to(of.reshape(sizes), shape)


def _slice(
    of: np.ndarray, *, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Any, **_: Any
) -> np.ndarray:
    steps = strides or [1] * of.ndim
    return of[tuple(map(slice, start_indices, limit_indices, steps))]


def _pad(
    of: np.ndarray, filling: np.ndarray, *, padding_config: Sequence[Sequence[int]], **_: Any
) -> np.ndarray:
    sizes, kept, places = [], [], []
    for size, (low, high, between) in zip(of.shape, padding_config, strict=True):
        sizes.append(low + high + max(0, size + (size - 1) * between))
        at = low + np.arange(size) * (between + 1)
        inside = (at >= 0) & (at < sizes[-1])
        kept.append(np.flatnonzero(inside))
        places.append(at[inside])
    found = np.full(sizes, filling, dtype=of.dtype)
    found[np.ix_(*places)] = of[np.ix_(*kept)]
    return found


def _split(of: np.ndarray, *, sizes: Sequence[int], axis: int, **_: Any) -> list[np.ndarray]:
    return np.split(of, np.cumsum(sizes)[:-1], axis)


def _unstack(of: np.ndarray, *, axis: int, **_: Any) -> list[np.ndarray]:
    return list(np.moveaxis(of, axis, 0))


# By JAX's name; each takes the operands and the equation's parameters, and gives an array or a list of them.
MOVES: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda *of, dimension, **_: np.concatenate(of, dimension),
    "expand_dims": lambda of, *, dimensions, **_: np.expand_dims(of, dimensions),
    "pad": _pad,
    "reshape": lambda of, *, new_sizes, **_: of.reshape(new_sizes),
    "rev": lambda of, *, dimensions, **_: np.flip(of, dimensions),
    "slice": _slice,
    "split": _split,
    "squeeze": lambda of, *, dimensions, **_: np.squeeze(of, dimensions),
    "stack": lambda *of, axis, **_: np.stack(of, axis),
    "tile": lambda of, *, reps, **_: np.tile(of, reps),
    "transpose": lambda of, *, permutation, **_: np.transpose(of, permutation),
    "unstack": _unstack,
}


def gather_places(equation: Any, where: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return the flat place in an operand of that shape that each entry of a gather comes from; -1 beyond its end."""
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    batch = (numbers.operand_batching_dims, numbers.start_indices_batching_dims)
    window = [i for i in range(len(shape)) if i not in (*numbers.collapsed_slice_dims, *batch[0])]
    clips = "PROMISE" in str(equation.params["mode"]) or "CLIP" in str(equation.params["mode"])
    index = (numbers.offset_dims, numbers.start_index_map, batch)
    return _places(equation.outvars[0].aval.shape, where, shape, sizes, window, index, clips)


def scatter_places(equation: Any, where: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return the flat place in an operand of that shape that each update of a scatter goes to; -1 if it is dropped."""
    numbers = equation.params["dimension_numbers"]
    batch = (numbers.operand_batching_dims, numbers.scatter_indices_batching_dims)
    window = [i for i in range(len(shape)) if i not in (*numbers.inserted_window_dims, *batch[0])]
    update = equation.invars[2].aval.shape
    sizes = [1] * len(shape)
    for dimension, own in zip(window, numbers.update_window_dims, strict=True):
        sizes[dimension] = update[own]
    index = (numbers.update_window_dims, numbers.scatter_dims_to_operand_dims, batch)
    return _places(update, where, shape, sizes, window, index, "CLIP" in str(equation.params["mode"]))


def _places(
    outer: Sequence[int],
    where: np.ndarray,
    shape: Sequence[int],
    sizes: Sequence[int],
    window: Sequence[int],
    index: tuple[Sequence[int], Sequence[int], tuple[Sequence[int], Sequence[int]]],
    clips: bool,
) -> np.ndarray:
    """Return flat places of an operand for every entry of a gather's result or of a scatter's updates."""
    offsets, mapped, (own_batch, index_batch) = index
    grid = np.indices(outer)
    over = [i for i in range(len(outer)) if i not in offsets]
    starts = where[tuple(grid[i] for i in over)]
    full = [np.zeros(outer, dtype=np.int64) for _ in shape]
    beyond = np.zeros(outer, dtype=bool)
    for k, dimension in enumerate(mapped):
        most = shape[dimension] - sizes[dimension]
        beyond |= (starts[..., k] < 0) | (starts[..., k] > most)
        full[dimension] = full[dimension] + np.clip(starts[..., k], 0, most)
    for dimension, offset in zip(window, offsets, strict=True):
        full[dimension] = full[dimension] + grid[offset]
    for dimension, own in zip(own_batch, index_batch, strict=True):
        full[dimension] = full[dimension] + grid[over[own]]
    flat = np.ravel_multi_index(full, tuple(shape)) if shape else np.zeros(outer, dtype=np.int64)
    return flat if clips else np.where(beyond, -1, flat)
