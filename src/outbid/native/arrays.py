"""What JAX does to whole arrays of numbers, node by node: products of matrices, sums, running sums, powers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from outbid.native.graph import Graph

# What a product, a largest number and so on of no numbers is.
_OF_NONE = {"sum": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf, "and": True, "or": False}


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
    number = int(np.prod([at.shape[i] for i in axes], dtype=int))
    rows = at.transpose(*rest, *axes).reshape([at.shape[i] for i in rest] + [number])
    if kind == "sum" and number:
        flat = rows.reshape(-1, number).tolist()
        return np.array([graph.sum(row) for row in flat], dtype=np.int64).reshape(rows.shape[:-1])
    operation = {"prod": "mul"}.get(kind, kind)
    if not number:
        return np.broadcast_to(graph.array(_OF_NONE[kind]), rows.shape[:-1])
    found = rows[..., 0]
    for i in range(1, number):
        found = graph.each(operation, found, rows[..., i])
    return found


def place_of(graph: Graph, kind: str, at: np.ndarray, axis: int) -> np.ndarray:
    """Return where along an axis the largest or smallest number is, the first if several; no number counts as it."""
    first, *rest = np.moveaxis(at, axis, 0)
    found, place = first, np.broadcast_to(graph.array(0.0), first.shape)
    for i, each in enumerate(rest, 1):
        better = graph.each("gt" if kind == "argmax" else "lt", each, found)
        broken = graph.each("and", graph.each("ne", each, each), graph.each("eq", found, found))
        better = graph.each("or", better, broken)
        found = graph.each("select", better, found, each)
        place = graph.each("select", better, place, graph.array(float(i)))
    return place


def away_from_zero(graph: Graph, at: np.ndarray) -> np.ndarray:
    """Return the nearest whole numbers, halves away from zero."""
    whole = graph.each("trunc", at)
    far = graph.each("ge", graph.each("abs", graph.each("sub", at, whole)), graph.array(0.5))
    return graph.each("select", far, whole, graph.each("add", whole, graph.each("sign", at)))


def running(graph: Graph, operation: str, at: np.ndarray, axis: int, backward: bool) -> np.ndarray:
    """Return running sums, products and so on."""
    lines = np.moveaxis(at, axis, 0)
    lines, found = lines[::-1] if backward else lines, list[np.ndarray]()
    for line in lines:
        found.append(graph.each(operation, found[-1], line) if found else line)
    if not found:
        return at
    return np.moveaxis(np.stack(found[::-1] if backward else found), 0, axis)
