"""What drives what: boxes and arrows as a picture that needs no script."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.report.chances import identified
from outbid.report.content import Edge, Node, ReportContent
from outbid.report.figures.layering import BOX_HEIGHT, BOX_WIDTH, COLUMN_GAP, LOOP_ROOM, MARGIN, Route, plan

SIDES = ("incumbent", "people", "challenger", "outside")
KINDS = {"stock": "people", "index": "condition", "lever": "choice", "count": "events"}
_THINNEST, _THICKEST = 1.4, 7.0
_LETTERS = 21


@dataclass(frozen=True)
class DrawnBox:
    """A box: place, name in one or two lines, kind in words, side."""

    id: str
    x: float
    y: float
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
    box_height: float
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


def _path(route: Route, head: float) -> tuple[str, tuple[float, float]]:
    """Return the path's text, ending where the head begins, and a point near its end for the sign."""
    points = list(route.points)
    tip_x, tip_y = points[-1]
    points[-1] = (tip_x - route.tip_direction * head, tip_y)
    x, y = points[0]
    text = f"M{x:.1f},{y:.1f}"
    if route.looping:
        end_x, end_y = points[-1]
        bulge = min(LOOP_ROOM + 12, 26 + abs(end_y - y) * 0.22)
        text += f" C{x + bulge:.1f},{y:.1f} {end_x + bulge:.1f},{end_y:.1f} {end_x:.1f},{end_y:.1f}"
        return text, (end_x + 9, end_y - 7 if end_y < y else end_y + 9)
    near = (0.0, 0.0)
    for (ax, ay), (bx, by) in zip(points, points[1:], strict=False):
        if abs(ay - by) < 0.05:
            text += f" L{bx:.1f},{by:.1f}"
        else:
            pull = (bx - ax) * 0.5
            text += f" C{ax + pull:.1f},{ay:.1f} {bx - pull:.1f},{by:.1f} {bx:.1f},{by:.1f}"
        near = (bx - (bx - ax) / abs(bx - ax) * 11 if bx != ax else bx, by - 7 if ay >= by else by + 9)
    return text, near


def draw(content: ReportContent) -> Diagram | None:
    """Lay out the diagram, or return None where there are no arrows between known boxes."""
    nodes = {node.id: node for node in content.nodes}
    arrows = [
        (i, edge) for i, edge in enumerate(content.edges) if edge.source in nodes and edge.target in nodes
    ]
    if not arrows:
        return None
    used = {ident for _, edge in arrows for ident in (edge.source, edge.target)}
    columns = [[n.id for n in content.nodes if n.id in used and n.side == side] for side in SIDES]
    strays = [n.id for n in content.nodes if n.id in used and n.side not in SIDES]
    columns[1] += strays
    placed = plan(columns, [(edge.source, edge.target) for _, edge in arrows])
    strongest = max((abs(edge.effect) for _, edge in arrows), default=0.0) or 1.0
    drawn = tuple(
        _arrow(i, edge, route, strongest, nodes)
        for (i, edge), route in zip(arrows, placed.routes, strict=True)
    )
    boxes = tuple(
        DrawnBox(n.id, placed.boxes[n.id].x, placed.boxes[n.id].y, _wrapped(n.label), KINDS.get(n.kind, n.kind),
                 n.side if n.side in SIDES else "people", n.meaning)
        for n in content.nodes if n.id in placed.boxes
    )  # fmt: skip
    names = (content.incumbent, "People and conditions", content.challenger, "Outside")
    headings = tuple(
        (side, name[:1].upper() + name[1:], MARGIN + i * (BOX_WIDTH + COLUMN_GAP))
        for i, (side, name) in enumerate(zip(SIDES, names, strict=True))
    )
    return Diagram(placed.width, placed.height, BOX_WIDTH, BOX_HEIGHT, headings, boxes, drawn)


def _arrow(index: int, edge: Edge, route: Route, strongest: float, nodes: dict[str, Node]) -> DrawnArrow:
    width = _THINNEST + (_THICKEST - _THINNEST) * abs(edge.effect) / strongest
    head = 7.0 + 1.1 * width
    path, (sign_x, sign_y) = _path(route, head)
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
        index, path, triangle, "+" if raises else "−", sign_x, sign_y, round(width, 1), raises, settled, words
    )
