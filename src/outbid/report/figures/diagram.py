"""What drives what: boxes and arrows as a picture that needs no script."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, product

from outbid.report.chances import identified
from outbid.report.content import Edge, Node, ReportContent
from outbid.report.figures.layering import BOX_WIDTH, COLUMN_GAP, LOOP_ROOM, MARGIN, Route, plan

SIDES = ("incumbent", "people", "challenger", "outside")
KINDS = {"stock": "people", "index": "condition", "lever": "choice", "count": "events"}
_THINNEST, _THICKEST = 1.4, 7.0
_LETTERS = 21
BADGE = 6.5
MOST_ARROWS = 30


@dataclass(frozen=True)
class DrawnBox:
    """A box: place, name in one or two lines, kind in words, side."""

    id: str
    x: float
    y: float
    height: float
    lines: tuple[str, ...]
    kind: str
    side: str
    meaning: str


@dataclass(frozen=True)
class DrawnArrow:
    """An arrow: its path, its head, where its sign stands, and what it says."""

    index: int
    path: str
    head: str
    sign: str
    sign_x: float
    sign_y: float
    width: float
    raises: bool
    settled: bool
    words: str


@dataclass(frozen=True)
class Diagram:
    """The whole picture, with the headings of its columns (text, x)."""

    width: float
    height: float
    box_width: float
    badge: float
    columns: tuple[tuple[str, str, float], ...]
    boxes: tuple[DrawnBox, ...]
    arrows: tuple[DrawnArrow, ...]


def _wrapped(label: str) -> tuple[str, ...]:
    """Return a label in at most two lines that fit a box."""
    lines: list[str] = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LETTERS:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > 2:
        lines = [lines[0], lines[1] + " …"]
    return tuple(line if len(line) <= _LETTERS + 3 else line[: _LETTERS + 2] + "…" for line in lines)


Curve = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


def _curves(route: Route, head: float) -> list[Curve]:
    """Return the Bezier curves of a route, the last one ending where the arrow's head begins."""
    points = list(route.points)
    points[-1] = (points[-1][0] - route.tip_direction * head, points[-1][1])
    if route.looping:
        (ax, ay), (bx, by) = points[0], points[-1]
        bulge = min(LOOP_ROOM + 12, 30 + abs(by - ay) * 0.24)
        return [((ax, ay), (ax + bulge, ay), (bx + bulge, by), (bx, by))]
    out: list[Curve] = []
    for (ax, ay), (bx, by) in pairwise(points):
        pull = (bx - ax) * 0.5
        out.append(((ax, ay), (ax + pull, ay), (bx - pull, by), (bx, by)))
    return out


def _path(curves: list[Curve]) -> str:
    (x, y), *_ = curves[0]
    parts = [f"M{x:.1f},{y:.1f}"]
    parts += [f"C{b[0]:.1f},{b[1]:.1f} {c[0]:.1f},{c[1]:.1f} {d[0]:.1f},{d[1]:.1f}" for _, b, c, d in curves]
    return " ".join(parts)


def _point(curve: Curve, t: float) -> tuple[float, float]:
    """Return the point of a curve at `t` between 0 (its start) and 1 (its end)."""
    weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
    x, y = (sum(w * point[i] for w, point in zip(weights, curve, strict=True)) for i in (0, 1))
    return x, y


def _badge(curves: list[Curve], taken: list[tuple[float, float]]) -> tuple[float, float]:
    """Return a place for an arrow's sign on its last or first curve, clear of the signs already placed."""
    best, widest = (0.0, 0.0), -1.0
    for curve, t in product((curves[-1], curves[0]), (0.5, 0.62, 0.4, 0.72, 0.3, 0.8)):
        x, y = _point(curve, t)
        clearance = min((math.hypot(x - a, y - b) for a, b in taken), default=math.inf)
        if clearance > 2.6 * BADGE:
            best = (x, y)
            break
        if clearance > widest:
            best, widest = (x, y), clearance
    taken.append(best)
    return best


def size_of(edge: Edge) -> float:
    """Return how strong an arrow is drawn: its usual response whatever the sign."""
    return abs(edge.effect) if edge.size is None else edge.size


def chosen_arrows(content: ReportContent) -> list[tuple[int, Edge]]:
    """Return the arrows to draw with their places among all: the strongest, in the order of the content."""
    known = {node.id for node in content.nodes}
    known &= set(content.boxes) or known
    every = [(i, edge) for i, edge in enumerate(content.edges) if {edge.source, edge.target} <= known]
    if len(every) <= MOST_ARROWS:
        return every
    pairs: dict[tuple[str, str], tuple[int, Edge]] = {}
    for i, edge in sorted(every, key=lambda item: -size_of(item[1])):
        pairs.setdefault((edge.source, edge.target), (i, edge))
    return sorted(list(pairs.values())[:MOST_ARROWS], key=lambda item: item[0])


def draw(content: ReportContent) -> Diagram | None:
    """Lay out the diagram, or return None where there are no arrows between known boxes.

    More than `MOST_ARROWS` would be a tangle: then the strongest are drawn, one for a pair of boxes, and
    the table has them all.
    """
    nodes = {node.id: node for node in content.nodes}
    arrows = chosen_arrows(content)
    if not arrows:
        return None
    used = {ident for _, edge in arrows for ident in (edge.source, edge.target)}
    columns = [[n.id for n in content.nodes if n.id in used and n.side == side] for side in SIDES]
    strays = [n.id for n in content.nodes if n.id in used and n.side not in SIDES]
    columns[1] += strays
    placed = plan(columns, [(edge.source, edge.target) for _, edge in arrows])
    strongest = max((size_of(edge) for _, edge in arrows), default=0.0) or 1.0
    taken: list[tuple[float, float]] = []
    drawn = tuple(
        _arrow(i, edge, route, strongest, nodes, taken)
        for (i, edge), route in zip(arrows, placed.routes, strict=True)
    )
    boxes = tuple(
        DrawnBox(
            n.id,
            placed.boxes[n.id].x,
            placed.boxes[n.id].y,
            placed.boxes[n.id].height,
            _wrapped(n.label),
            KINDS.get(n.kind, n.kind),
            n.side if n.side in SIDES else "people",
            n.meaning,
        )
        for n in content.nodes
        if n.id in placed.boxes
    )
    names = (content.incumbent, "People and conditions", content.challenger, "Outside")
    headings = tuple(
        (side, name[:1].upper() + name[1:], MARGIN + i * (BOX_WIDTH + COLUMN_GAP))
        for i, (side, name) in enumerate(zip(SIDES, names, strict=True))
    )
    return Diagram(placed.width, placed.height, BOX_WIDTH, BADGE, headings, boxes, drawn)


def _arrow(
    index: int,
    edge: Edge,
    route: Route,
    strongest: float,
    nodes: dict[str, Node],
    taken: list[tuple[float, float]],
) -> DrawnArrow:
    width = _THINNEST + (_THICKEST - _THINNEST) * size_of(edge) / strongest
    head = 7.0 + 1.1 * width
    curves = _curves(route, head)
    sign_x, sign_y = _badge(curves, taken)
    tip_x, tip_y = route.points[-1]
    back = tip_x - route.tip_direction * head
    half = 3.2 + 0.75 * width
    triangle = f"{tip_x:.1f},{tip_y:.1f} {back:.1f},{tip_y - half:.1f} {back:.1f},{tip_y + half:.1f}"
    raises, settled = edge.effect >= 0, identified(edge)
    words = (
        f"{nodes[edge.source].label} {'raises' if raises else 'lowers'} {nodes[edge.target].label}"
        f"{'' if settled else ' (not identified)'}: {edge.sentence}"
    )
    return DrawnArrow(
        index,
        _path(curves),
        triangle,
        "+" if raises else "−",
        sign_x,
        sign_y,
        round(width, 1),
        raises,
        settled,
        words,
    )
