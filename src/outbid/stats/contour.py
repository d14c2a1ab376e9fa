"""The line on which a surface has a given height: marching squares, Lorensen and Cline's cubes (1987) in the plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]
Segment = tuple[Point, Point]


def contour(x: Floats, y: Floats, heights: Floats, level: float) -> tuple[Segment, ...]:
    """Return the pieces of the line where the surface passes the level, one or two to a square; empty if it doesn't.

    `x`, `y`: the grid's points, rising, shapes (columns,) and (rows,). `heights`: shape (rows, columns).
    Between the points of an edge the surface is straight. A corner at the level itself counts as above it, so
    that a flat surface at the level has no line.
    """
    pieces: list[Segment] = []
    for i in range(len(y) - 1):
        for j in range(len(x) - 1):
            # the corners in turn, counter-clockwise
            corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
            values = [float(heights[each]) for each in corners]
            points = [(float(x[column]), float(y[row])) for row, column in corners]
            crossings = [
                _between(points[a], points[b], (level - values[a]) / (values[b] - values[a]))
                for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))
                if (values[a] >= level) != (values[b] >= level)
            ]
            if len(crossings) == 4:
                # a saddle: its middle tells which corners hang together
                joined = (sum(values) / 4 >= level) == (values[0] >= level)
                crossings = crossings if joined else [crossings[-1], *crossings[:-1]]
            pairs = zip(crossings[::2], crossings[1::2], strict=True)
            pieces += [(one, two) for one, two in pairs if one != two]
    return tuple(pieces)


def _between(one: Point, two: Point, share: float) -> Point:
    return (one[0] + share * (two[0] - one[0]), one[1] + share * (two[1] - one[1]))
