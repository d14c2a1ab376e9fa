"""Where the parts of a picture stand: labels clear of one another, boxes in columns and arrows in lanes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

Area = tuple[float, float, float, float]  # left, top, right, bottom
Point = tuple[float, float]

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
    leader: Point
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
    taken = list(marks)
    out = []
    for x, y, text in points:
        parts = text.split("\n")
        long, tall = max(map(len, parts)) * LETTER, len(parts) * LINE
        found = []
        for reach, angle in product(_REACHES, _ANGLES):
            end = (x + reach * math.cos(angle), y + reach * math.sin(angle))
            left = end[0] - (1 - math.cos(angle)) / 2 * long  # that share lies left of the leader's end
            middle = end[1] + math.sin(angle) * tall / 2
            box = (left, middle - tall / 2, left + long, middle + tall / 2)
            beyond = (-box[0], box[2] - width, -box[1], box[3] - height)
            cost = (
                reach
                + _COVERING_TEXT * sum(overlap(box, other) for other in taken)
                + _COVERING_LINE * sum(_covered(box, line) for line in lines)
                + _LEAVING * sum(max(0.0, each) for each in beyond)
            )
            found.append((cost, box, end, reach))
        _, box, end, reach = min(found, key=lambda way: way[0])
        taken.append(box)
        out.append(Placed(text, box[0], box[1] + LINE / 2, end, reach))
    return tuple(out)


def _covered(box: Area, line: Area) -> float:
    """Return how many pixels of a thin line a box covers."""
    both = (min(box[2], line[2]) - max(box[0], line[0]), min(box[3], line[3]) - max(box[1], line[1]))
    return max(both) if min(both) > 0 else 0.0


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
    """A node's column, its left upper corner and its height, in pixels."""

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
    """Place nodes and lead arrows; an arrow passes through a lane of every column between its ends.

    `columns`: node ids by column, from left to right. `arrows`: source and target of each arrow; both must
    stand in a column.
    """
    column = {node: i for i, each in enumerate(columns) for node in each}
    stacks = [list(each) for each in columns]
    chains: list[list[str]] = []
    for number, (source, target) in enumerate(arrows):
        a, b = column[source], column[target]
        step = 1 if b > a else -1
        lanes = {f"lane {number} {c}": c for c in range(a + step, b, step)}
        for lane, c in lanes.items():
            stacks[c].append(lane)
        chains.append([source, *lanes, target])
    stacks = _ordered(stacks, chains)
    sides = [_sides(column[source], column[target]) for source, target in arrows]
    # by side of a box, the arrows that end there: their neighbour, number and end
    ends: dict[tuple[str, str], list[tuple[str, int, int]]] = defaultdict(list)
    for number, (chain, (out_side, in_side)) in enumerate(zip(chains, sides, strict=True)):
        ends[chain[0], out_side].append((chain[1], number, 0))
        ends[chain[-1], in_side].append((chain[-2], number, 1))
    tall = dict.fromkeys((item for stack in stacks for item in stack), LANE_HEIGHT)
    for node in column:  # a box grows with the arrows on its busier side
        busiest = max(len(ends[node, side]) for side in ("left", "right"))
        tall[node] = max(BOX_HEIGHT, 8 + PORT_ROOM * busiest)
    middles, height = _middles(stacks, tall)
    port: dict[tuple[int, int], float] = {}
    for (node, _), users in ends.items():
        room = tall[node] - 6
        users.sort(key=lambda user: (middles[user[0]], *user[1:]))
        for i, (_, number, end) in enumerate(users):
            port[number, end] = middles[node] - room / 2 + room * (i + 0.5) / len(users)
    left = {item: MARGIN + i * (BOX_WIDTH + COLUMN_GAP) for i, stack in enumerate(stacks) for item in stack}
    boxes = {
        node: Box(i, left[node], middles[node] - tall[node] / 2, tall[node]) for node, i in column.items()
    }

    def edge(item: str, side: str) -> float:
        return left[item] + (BOX_WIDTH if side == "right" else 0.0)

    routes = []
    for number, (chain, (out_side, in_side)) in enumerate(zip(chains, sides, strict=True)):
        points = [(edge(chain[0], out_side), port[number, 0])]
        for lane in chain[1:-1]:
            points += [(edge(lane, side), middles[lane]) for side in (in_side, out_side)]
        points.append((edge(chain[-1], in_side), port[number, 1]))
        routes.append(Route(tuple(points), -1 if in_side == "right" else 1, out_side == in_side))
    width = len(stacks) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP + LOOP_ROOM + 2 * MARGIN
    return Plan(boxes, tuple(routes), width, height)


def _ordered(stacks: list[list[str]], chains: Sequence[Sequence[str]]) -> list[list[str]]:
    """Order each column by the mean place of its neighbours; keep the order with the fewest crossings."""
    near: dict[str, list[str]] = defaultdict(list)
    for a, b in (pair for chain in chains for pair in pairwise(chain)):
        near[a].append(b)
        near[b].append(a)
    best, fewest = [list(stack) for stack in stacks], _crossings(stacks, chains)
    for sweep in range(_SWEEPS):
        for i in range(len(stacks))[:: -1 if sweep % 2 else 1]:
            place = {item: (n + 0.5) / len(stack) for stack in stacks for n, item in enumerate(stack)}
            places = {item: [place[other] for other in near[item] or [item]] for item in stacks[i]}
            pull = {item: sum(each) / len(each) for item, each in places.items()}
            stacks[i].sort(key=pull.__getitem__)
        crossings = _crossings(stacks, chains)
        if crossings < fewest:
            best, fewest = [list(stack) for stack in stacks], crossings
    return best


def _crossings(stacks: Sequence[Sequence[str]], chains: Sequence[Sequence[str]]) -> int:
    """Count crossings between neighbouring columns, and the boxes that arrows within a column pass over."""
    at = {item: (c, i) for c, stack in enumerate(stacks) for i, item in enumerate(stack)}
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    total = 0
    for chain in chains:
        for (ca, ia), (cb, ib) in pairwise(at[item] for item in chain):
            if ca == cb:
                total += max(0, abs(ia - ib) - 1)
            else:
                spans[min(ca, cb)].append((ia, ib) if ca < cb else (ib, ia))
    for pairs in spans.values():
        for n, (left, right) in enumerate(pairs):
            total += sum((left - a) * (right - b) < 0 for a, b in pairs[:n])
    return total


def _sides(source: int, target: int) -> tuple[str, str]:
    """Return the sides of the boxes at which an arrow between two columns leaves and arrives."""
    if source == target:
        return "right", "right"
    return ("right", "left") if target > source else ("left", "right")


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
