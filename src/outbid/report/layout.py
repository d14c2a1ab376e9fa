"""Where the parts of a picture stand: labels clear of one another, boxes in columns and arrows in lanes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Area = tuple[float, float, float, float]  # left, top, right, bottom

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


def overlap(a: Area, b: Area) -> float:
    """Return the area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def place(
    points: Sequence[tuple[float, float, str]],
    marks: Sequence[Area],
    lines: Sequence[Area],
    width: float,
    height: float,
) -> tuple[Placed, ...]:
    """Choose the cheapest of many places for each label: near its point, off marks, lines and other labels.

    `points`: position in pixels and text of each label, perhaps of several lines. `marks`: boxes that labels
    must not cover. `lines`: thin boxes (one or two pixels wide) that labels should not cover. `width`,
    `height`: size of the drawing in pixels; labels stay inside.
    """
    taken: list[Area] = list(marks)
    out = []
    for x, y, text in points:
        parts = text.split("\n")
        long, tall = max(map(len, parts)) * LETTER, len(parts) * LINE
        best: tuple[float, Area, tuple[float, float], float] | None = None
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


def _length(box: Area, line: Area) -> float:
    """Return how many pixels of a thin line a box covers."""
    if not overlap(box, line):
        return 0.0
    return max(min(box[2], line[2]) - max(box[0], line[0]), min(box[3], line[3]) - max(box[1], line[1]))


Point = tuple[float, float]

BOX_WIDTH = 150.0
BOX_HEIGHT = 46.0
PORT_ROOM = 13.0
LANE_HEIGHT = 12.0
GAP = 16.0
COLUMN_GAP = 118.0
MARGIN = 14.0
LOOP_ROOM = 64.0
TOP = 34.0
_SWEEPS = 24


@dataclass(frozen=True)
class Box:
    """A node's place: its left upper corner and its height, in pixels."""

    id: str
    column: int
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Route:
    """An arrow's way: the points it passes through, horizontally at each; the last is its tip."""

    points: tuple[Point, ...]
    tip_direction: int
    looping: bool


@dataclass(frozen=True)
class Plan:
    """Boxes by node and routes in the order of the arrows given, with the size of the whole."""

    boxes: Mapping[str, Box]
    routes: tuple[Route, ...]
    width: float
    height: float


def plan(columns: Sequence[Sequence[str]], arrows: Sequence[tuple[str, str]]) -> Plan:
    """Place nodes and lead arrows.

    `columns`: node ids by column, from left to right. `arrows`: source and target of each arrow; both must
    stand in a column.
    """
    column_of = {node: i for i, column in enumerate(columns) for node in column}
    stacks: list[list[str]] = [list(column) for column in columns]
    chains: list[list[str]] = []
    for number, (source, target) in enumerate(arrows):
        a, b = column_of[source], column_of[target]
        step = 1 if b > a else -1
        lanes = [f"lane {number} {c}" for c in range(a + step, b, step)] if abs(b - a) > 1 else []
        for lane, c in zip(lanes, range(a + step, b, step), strict=False):
            stacks[c].append(lane)
        chains.append([source, *lanes, target])
    stacks = _ordered(stacks, chains)
    tall = _heights(chains, column_of, stacks)
    middles, height = _middles(stacks, tall)
    left = [MARGIN + i * (BOX_WIDTH + COLUMN_GAP) for i in range(len(stacks))]
    boxes = {
        node: Box(node, i, left[i], middles[node] - tall[node] / 2, tall[node])
        for node, i in column_of.items()
    }
    lane_column = {item: i for i, stack in enumerate(stacks) for item in stack}
    routes = _routes(chains, middles, tall, lane_column, left)
    width = left[-1] + BOX_WIDTH + LOOP_ROOM + MARGIN if left else 2 * MARGIN
    return Plan(boxes, routes, width, height)


def _links(chains: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for chain in chains:
        for a, b in itertools.pairwise(chain):
            found.setdefault(a, []).append(b)
            found.setdefault(b, []).append(a)
    return found


def _places(stacks: Sequence[Sequence[str]]) -> dict[str, float]:
    return {item: (i + 0.5) / len(stack) for stack in stacks for i, item in enumerate(stack)}


def _ordered(stacks: list[list[str]], chains: Sequence[Sequence[str]]) -> list[list[str]]:
    """Order each column by the mean place of its neighbours; keep the order with the fewest crossings."""
    links = _links(chains)
    best, fewest = [list(stack) for stack in stacks], _crossings(stacks, chains)
    for sweep in range(_SWEEPS):
        order = range(len(stacks)) if sweep % 2 == 0 else range(len(stacks) - 1, -1, -1)
        for i in order:
            place = _places(stacks)

            def pull(item: str, place: dict[str, float] = place) -> float:
                near = [place[other] for other in links.get(item, [])]
                return sum(near) / len(near) if near else place[item]

            stacks[i] = sorted(stacks[i], key=pull)
        crossings = _crossings(stacks, chains)
        if crossings < fewest:
            best, fewest = [list(stack) for stack in stacks], crossings
    return best


def _crossings(stacks: Sequence[Sequence[str]], chains: Sequence[Sequence[str]]) -> int:
    """Count crossings between neighbouring columns, and the boxes that arrows within a column pass over."""
    at = {item: (c, i) for c, stack in enumerate(stacks) for i, item in enumerate(stack)}
    spans: dict[int, list[tuple[int, int]]] = {}
    total = 0
    for chain in chains:
        for a, b in itertools.pairwise(chain):
            (ca, ia), (cb, ib) = at[a], at[b]
            if ca == cb:
                total += max(0, abs(ia - ib) - 1)
            else:
                spans.setdefault(min(ca, cb), []).append((ia, ib) if ca < cb else (ib, ia))
    for pairs in spans.values():
        for n, (left, right) in enumerate(pairs):
            total += sum(
                (left - other_left) * (right - other_right) < 0 for other_left, other_right in pairs[:n]
            )
    return total


def _sides(chain: Sequence[str], column: Mapping[str, int]) -> tuple[str, str]:
    """Return the sides of the boxes at which an arrow leaves and arrives."""
    if column[chain[0]] == column[chain[-1]]:
        return "right", "right"
    forward = column[chain[-1]] > column[chain[0]]
    return ("right", "left") if forward else ("left", "right")


def _heights(
    chains: Sequence[Sequence[str]], column: Mapping[str, int], stacks: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Return the height of each box and lane; a box grows with the arrows on its busier side."""
    users: dict[tuple[str, str], int] = {}
    for chain in chains:
        for node, side in zip((chain[0], chain[-1]), _sides(chain, column), strict=True):
            users[(node, side)] = users.get((node, side), 0) + 1
    tall: dict[str, float] = {}
    for item in (item for stack in stacks for item in stack):
        busiest = max(users.get((item, side), 0) for side in ("left", "right"))
        tall[item] = max(BOX_HEIGHT, 8 + PORT_ROOM * busiest) if item in column else LANE_HEIGHT
    return tall


def _middles(stacks: Sequence[Sequence[str]], tall: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Return each item's vertical middle, columns centred on the tallest, and the height of the whole."""
    heights = [sum(tall[item] + GAP for item in stack) - GAP for stack in stacks]
    tallest = max(heights, default=0.0)
    middles: dict[str, float] = {}
    for stack, height in zip(stacks, heights, strict=True):
        spare = tallest - height
        stretch = min(26.0, spare / max(len(stack), 1))
        y = TOP + MARGIN + (spare - stretch * (len(stack) - 1)) / 2
        for item in stack:
            middles[item] = y + tall[item] / 2
            y += tall[item] + GAP + stretch
    return middles, tallest + TOP + 2 * MARGIN


def _routes(
    chains: Sequence[Sequence[str]],
    middles: Mapping[str, float],
    tall: Mapping[str, float],
    column: Mapping[str, int],
    left: Sequence[float],
) -> tuple[Route, ...]:
    """Spread arrow ends along the sides of boxes and string the points of each arrow."""
    ends: dict[tuple[str, str], list[tuple[float, int, int]]] = {}
    for number, chain in enumerate(chains):
        out_side, in_side = _sides(chain, column)
        ends.setdefault((chain[0], out_side), []).append((middles[chain[1]], number, 0))
        ends.setdefault((chain[-1], in_side), []).append((middles[chain[-2]], number, 1))
    port: dict[tuple[int, int], float] = {}
    for (node, _), users in ends.items():
        room = tall[node] - 6
        for i, (_, number, end) in enumerate(sorted(users)):
            port[(number, end)] = middles[node] - room / 2 + room * (i + 0.5) / len(users)

    def edge(item: str, side: str) -> float:
        return left[column[item]] + (BOX_WIDTH if side == "right" else 0.0)

    routes = []
    for number, chain in enumerate(chains):
        out_side, in_side = _sides(chain, column)
        points = [(edge(chain[0], out_side), port[(number, 0)])]
        for lane in chain[1:-1]:
            points += [(edge(lane, in_side), middles[lane]), (edge(lane, out_side), middles[lane])]
        points.append((edge(chain[-1], in_side), port[(number, 1)]))
        looping = column[chain[0]] == column[chain[-1]]
        routes.append(Route(tuple(points), -1 if in_side == "right" else 1, looping))
    return tuple(routes)
