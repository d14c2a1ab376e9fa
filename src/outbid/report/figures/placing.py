"""Put labels beside points so that they don't cover one another, the points or their whiskers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]  # left, top, right, bottom

LETTER = 7.1
LINE = 16.0
_REACHES = (10.0, 20.0, 34.0, 52.0, 74.0, 100.0, 130.0, 165.0)
_ANGLES = tuple(math.radians(degrees) for degrees in range(0, 360, 15))
_COVERING_TEXT, _COVERING_LINE, _LEAVING = 4.0, 3.0, 40.0


@dataclass(frozen=True)
class Placed:
    """A label's left edge, the middle of its first line, and the end of its leader, in pixels."""

    text: str
    left: float
    middle: float
    leader: tuple[float, float]
    distance: float


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def place(
    points: Sequence[tuple[float, float, str]],
    marks: Sequence[Box],
    lines: Sequence[Box],
    width: float,
    height: float,
) -> tuple[Placed, ...]:
    """Choose the cheapest of many places for each label: near its point, off marks, lines and other labels.

    Parameters
    ----------
    points
        Position in pixels and text of each label, perhaps of several lines.
    marks
        Boxes that labels must not cover.
    lines
        Thin boxes (one or two pixels wide) that labels should not cover.
    width, height
        Size of the drawing in pixels; labels stay inside.
    """
    taken: list[Box] = list(marks)
    out = []
    for x, y, text in points:
        parts = text.split("\n")
        long, tall = max(map(len, parts)) * LETTER, len(parts) * LINE
        best: tuple[float, Box, tuple[float, float], float] | None = None
        for reach in _REACHES:
            for angle in _ANGLES:
                end = (x + reach * math.cos(angle), y + reach * math.sin(angle))
                share = (1 - math.cos(angle)) / 2  # how much of the label lies left of the leader's end
                left = end[0] - share * long
                middle = end[1] + math.sin(angle) * tall / 2
                box = (left, middle - tall / 2, left + long, middle + tall / 2)
                beyond = (
                    max(0.0, -box[0])
                    + max(0.0, box[2] - width)
                    + max(0.0, -box[1])
                    + max(0.0, box[3] - height)
                )
                cost = (
                    reach
                    + _COVERING_TEXT * sum(overlap(box, other) for other in taken)
                    + _COVERING_LINE * sum(max(_length(box, line), 0.0) for line in lines)
                    + _LEAVING * beyond
                )
                if best is None or cost < best[0]:
                    best = (cost, box, end, reach)
        assert best is not None
        _, box, end, reach = best
        taken.append(box)
        out.append(Placed(text, box[0], box[1] + LINE / 2, end, reach))
    return tuple(out)


def _length(box: Box, line: Box) -> float:
    """Return how many pixels of a thin line a box covers."""
    if not overlap(box, line):
        return 0.0
    return max(min(box[2], line[2]) - max(box[0], line[0]), min(box[3], line[3]) - max(box[1], line[1]))
