"""Put labels beside points so that they don't cover one another, the points or their whiskers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]  # left, top, right, bottom

LETTER = 6.6
LINE = 15.0


@dataclass(frozen=True)
class Placed:
    """A label's anchor: its left edge and middle, in pixels from the top left."""

    text: str
    left: float
    middle: float


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def place(
    points: Sequence[tuple[float, float, str]], obstacles: Sequence[Box], width: float, height: float
) -> tuple[Placed, ...]:
    """Choose a place for each label among rings of candidates round its point, the crowded ones last.

    Parameters
    ----------
    points
        Position in pixels and text of each label.
    obstacles
        Boxes that labels should not cover.
    width, height
        Size of the drawing in pixels; labels stay inside.
    """
    taken: list[Box] = list(obstacles)
    placed: dict[int, Placed] = {}
    for index in sorted(range(len(points)), key=lambda i: points[i][1]):
        x, y, text = points[index]
        long = len(text) * LETTER
        best: tuple[float, Box] | None = None
        for ring, (reach, rise) in enumerate(((9, 0), (9, 13), (9, 24), (14, 38), (20, 54), (30, 74))):
            for left in (x + reach, x - reach - long, x - long / 2):
                for middle in {y - rise, y + rise}:
                    if left == x - long / 2 and rise < 13:
                        continue
                    box = (left, middle - LINE / 2, left + long, middle + LINE / 2)
                    outside = max(0.0, -box[0]) + max(0.0, box[2] - width)
                    outside += max(0.0, -box[1]) + max(0.0, box[3] - height)
                    cost = sum(overlap(box, other) for other in taken) + 60 * ring + 400 * outside
                    if best is None or cost < best[0]:
                        best = (cost, box)
        assert best is not None
        taken.append(best[1])
        placed[index] = Placed(text, best[1][0], (best[1][1] + best[1][3]) / 2)
    return tuple(placed[i] for i in range(len(points)))
