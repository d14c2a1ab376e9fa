"""The grid of states that a game is played on: one axis or several, and which point a figure belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Beyond this share of figures outside the grid, the grid misses the data.
TOLERATED = 0.2


@dataclass(frozen=True)
class Axis:
    """One dimension of a grid: increasing points of a named quantity."""

    name: str
    points: tuple[float, ...]
    unit: str = ""

    def __post_init__(self) -> None:
        points = np.asarray(self.points, dtype=float)
        where = f"axis {self.name!r}"
        if points.ndim != 1 or not len(points):
            raise InputError(where, "has no points", "Give at least one number.")
        if not np.isfinite(points).all():
            raise InputError(where, "holds a point that is not a number", "Give finite numbers.")
        if (np.diff(points) <= 0).any():
            raise InputError(where, "does not increase", "Sort its points and drop doubles.")
        object.__setattr__(self, "points", tuple(points.tolist()))


@dataclass(frozen=True)
class Grid:
    """The product of axes; states are numbered with the first axis slowest."""

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if not names or len(set(names)) < len(names):
            raise InputError("grid", "needs axes with names of their own", "Name each axis once.")

    @property
    def shape(self) -> tuple[int, ...]:
        """Points by axis."""
        return tuple(len(axis.points) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of states."""
        return int(np.prod(self.shape))

    @cached_property
    def values(self) -> Floats:
        """Every state's coordinates, shape (states, axes)."""
        mesh = np.meshgrid(*(axis.points for axis in self.axes), indexing="ij")
        return np.stack([each.ravel() for each in mesh], axis=1)

    def axis(self, name: str) -> Axis:
        """Return the axis of that name, or complain with the nearest one."""
        for each in self.axes:
            if each.name == name:
                return each
        raise InputError(
            f"axis {name!r}",
            "the grid has no such axis",
            did_you_mean(name, [each.name for each in self.axes]),
        )

    def nearest(self, figures: Mapping[str, ArrayLike], *, tolerated: float = TOLERATED) -> Ints:
        """Return the state nearest to each figure, shape (figures,); what lies outside goes to the edge.

        Raises InputError on a missing axis, a figure that is not a number, or more than the `tolerated` share
        of figures beyond the grid's edges: a grid that misses the data.
        """
        indices = []
        for axis in self.axes:
            if axis.name not in figures:
                raise InputError(f"grid, {axis.name}", "has no figures", "Give figures for every axis.")
            points = np.asarray(axis.points)
            each = np.atleast_1d(np.asarray(figures[axis.name], dtype=float))
            if not np.isfinite(each).all():
                raise InputError(
                    f"figures, {axis.name}",
                    f"month {int(np.flatnonzero(~np.isfinite(each))[0]) + 1} is not a number",
                    "Fill it or leave the month out.",
                )
            indices.append(_nearest(points, each))
            # an edge month still belongs to the last cell; what counts is how many lie beyond it
            low, high = _edges(points)
            outside = float(np.mean((each < low) | (each > high)))
            if outside > tolerated:
                raise InputError(
                    f"grid, {axis.name}",
                    f"{outside:.0%} of the figures lie outside {points[0]:.3g} to {points[-1]:.3g}",
                    "Widen the axis.",
                )
        return np.asarray(np.ravel_multi_index(tuple(indices), self.shape), dtype=np.int64)


def quantile_axis(
    name: str, figures: Sequence[float] | Floats, step: float, low: float = 0.025, high: float = 0.975
) -> Axis:
    """Return an axis from one quantile of the figures to another, by `step` (quantiles interpolate linearly)."""
    each = np.asarray(figures, dtype=float)
    if not len(each) or not np.isfinite(each).all():
        raise InputError(f"axis {name!r}", "needs figures that are all numbers", "Drop missing months.")
    if not (step > 0 and 0 <= low < high <= 1):
        raise InputError(f"axis {name!r}", "has an impossible step or range", "Use step > 0, low < high.")
    start, end = np.quantile(each, [low, high])
    count = int(np.floor((end - start) / step + 1e-10)) + 1
    return Axis(name, tuple((start + step * np.arange(count)).tolist()))


def even_axis(name: str, low: float, high: float, count: int, unit: str = "") -> Axis:
    """Return an axis of `count` evenly spaced points from `low` to `high`, both included."""
    return Axis(name, tuple(np.linspace(low, high, count).tolist()), unit)


def _nearest(points: Floats, figures: Floats) -> Ints:
    if len(points) == 1:
        return np.zeros(len(figures), dtype=np.int64)
    return np.asarray(np.searchsorted((points[1:] + points[:-1]) / 2, figures), dtype=np.int64)


def _edges(points: Floats) -> tuple[float, float]:
    if len(points) == 1:
        return -np.inf, np.inf
    return points[0] - (points[1] - points[0]) / 2, points[-1] + (points[-1] - points[-2]) / 2
