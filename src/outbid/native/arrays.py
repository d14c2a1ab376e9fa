"""What JAX does to whole arrays of numbers, node by node: products of matrices, sums, running sums, powers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from outbid.native.graph import Graph


def converted(graph: Graph, at: np.ndarray, old: np.dtype[Any], new: np.dtype[Any]) -> np.ndarray:
    """Return numbers as another kind of number."""
    if old == new:
        return at
    if new.kind == "b":
        return graph.each("ne", at, graph.array(0.0))
    if old.kind == "b":
        return graph.each("select", at, graph.array(0.0), graph.array(1.0))
    if np.issubdtype(new, np.integer) and not np.issubdtype(old, np.integer):
        return graph.each("trunc", at)
    return at


def power(graph: Graph, at: np.ndarray, exponent: int) -> np.ndarray:
    """Return a whole power, by squaring."""
    if exponent < 0:
        return graph.each("div", graph.array(1.0), power(graph, at, -exponent))
    found, square = graph.array(1.0), at
    while exponent:
        found = graph.each("mul", found, square) if exponent & 1 else found
        exponent >>= 1
        square = graph.each("mul", square, square) if exponent else square
    return np.broadcast_to(found, at.shape)


def product(graph: Graph, left: np.ndarray, right: np.ndarray, numbers: Any) -> np.ndarray:
    """Return a product of matrices, or of batches of them."""
    (over_left, over_right), (batch_left, batch_right) = numbers

    def ordered(of: np.ndarray, batch: Sequence[int], over: Sequence[int]) -> tuple[np.ndarray, list[int]]:
        free = [i for i in range(of.ndim) if i not in batch and i not in over]
        shape = [int(np.prod([of.shape[i] for i in group], dtype=int)) for group in (batch, free, over)]
        return of.transpose(*batch, *free, *over).reshape(shape), [of.shape[i] for i in free]

    one, rows = ordered(left, batch_left, over_left)
    two, columns = ordered(right, batch_right, over_right)
    terms = graph.each("mul", one[:, :, None, :], two[:, None, :, :])
    shape = (*(left.shape[i] for i in batch_left), *rows, *columns)
    return reduced(graph, "sum", terms, (3,)).reshape(shape)


def reduced(graph: Graph, kind: str, at: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Return a sum, a largest number and so on over some axes."""
    rest = [i for i in range(at.ndim) if i not in axes]
    rows = at.transpose(*rest, *axes).reshape([at.shape[i] for i in rest] + [-1])
    if kind == "sum":
        flat = rows.reshape(-1, rows.shape[-1]).tolist()
        return np.array([graph.sum(row) for row in flat], dtype=np.int64).reshape(rows.shape[:-1])
    operation = {"prod": "mul"}.get(kind, kind)
    found = rows[..., 0]
    for i in range(1, rows.shape[-1]):
        found = graph.each(operation, found, rows[..., i])
    return found


def running(graph: Graph, operation: str, at: np.ndarray, axis: int, backward: bool) -> np.ndarray:
    """Return running sums, products and so on."""
    lines = np.moveaxis(at, axis, 0)
    lines, found = lines[::-1] if backward else lines, list[np.ndarray]()
    for line in lines:
        found.append(graph.each(operation, found[-1], line) if found else line)
    return np.moveaxis(np.stack(found[::-1] if backward else found), 0, axis)
