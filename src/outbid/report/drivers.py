"""What drives what: the model's links as a picture, its mechanisms as a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import pandas as pd

from outbid.conventions import PRIOR_LABELS
from outbid.question import Section
from outbid.report.core import Core
from outbid.report.layout import BOX_WIDTH, COLUMN_GAP, LOOP_ROOM, MARGIN, Route, plan
from outbid.study import Study
from outbid.words.effects import ASSUMED_MARK, Standing, chance_or_assumed, records, standing
from outbid.words.numbers import capital, counted, listed, plain_name, signed

SIDES = ("incumbent", "people", "challenger", "outside")
KINDS = {"stock": "people", "index": "condition", "lever": "choice", "count": "events"}
_THINNEST, _THICKEST = 1.4, 7.0
_LETTERS = 21
BADGE = 6.5
MOST_ARROWS = 30

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]
Node = dict[str, str]


def nodes(study: Study) -> dict[str, Node]:
    """Return the boxes by id: label, kind (stock, index, lever, count), side and meaning."""
    model, owners = study.model, ("challenger", "incumbent")
    about = {item.name: item.meaning for item in model.mechanisms}

    def side_of_count(name: str, meaning: str) -> str:
        if "others" in name:
            return "outside"
        return "incumbent" if meaning.startswith("The incumbent") else "challenger"

    rows = [
        *((each.name, "stock", each.side, each.meaning) for each in model.stocks),
        *((each.name, "index", each.side, each.meaning) for each in model.indices),
        *((v.name, "lever", v.owner if v.owner in owners else "outside", v.meaning) for v in model.levers),
        *((name, "count", side_of_count(name, about[m]), about[m]) for name, m in model.counts.items()),
    ]
    return {
        name: {"label": capital(plain_name(name)), "kind": kind, "side": side, "meaning": meaning}
        for name, kind, side, meaning in rows
    }


def draw(study: Study, links: pd.DataFrame) -> dict[str, Any] | None:
    """Lay out the diagram, or return None where there are no links between known boxes.

    More than `MOST_ARROWS` would be a tangle: then the strongest are drawn, one for a pair of boxes. `links`:
    a row a link: source, target, effect, size, standing and words, under the prior set that is read first.
    Returns width, height, box_width, badge, columns (side, heading, x), boxes and arrows, ready for the
    template; an arrow's `index` is its row among `links`.
    """
    known, boxes = nodes(study), study.settings.boxes
    links = links.assign(index=range(len(links)))
    inside = set(boxes) & set(known) or set(known)
    drawn = links[links["source"].isin(inside) & links["target"].isin(inside)]
    if len(drawn) > MOST_ARROWS:
        strongest = drawn.sort_values("size", ascending=False, kind="stable")
        drawn = strongest.drop_duplicates(["source", "target"])[:MOST_ARROWS].sort_values("index")
    if drawn.empty:
        return None
    rows: list[dict[str, Any]] = [
        dict(zip(map(str, drawn), row, strict=True)) for row in drawn.itertuples(index=False)
    ]
    used = {row[end] for row in rows for end in ("source", "target")}
    side = {name: each["side"] if each["side"] in SIDES else "people" for name, each in known.items()}
    stacks = [[name for name in known if name in used and side[name] == each] for each in SIDES]
    placed = plan(stacks, [(row["source"], row["target"]) for row in rows])
    most = float(drawn["size"].max()) or 1.0
    taken: list[Point] = []
    names = (study.settings.incumbent, "People and conditions", study.settings.challenger, "Outside")
    return {
        "width": placed.width,
        "height": placed.height,
        "box_width": BOX_WIDTH,
        "badge": BADGE,
        "columns": [
            (each, capital(name), MARGIN + i * (BOX_WIDTH + COLUMN_GAP))
            for i, (each, name) in enumerate(zip(SIDES, names, strict=True))
        ],
        "boxes": [
            {
                "id": name,
                "x": box.x,
                "y": box.y,
                "height": box.height,
                "lines": _wrapped(known[name]["label"]),
                "kind": KINDS[known[name]["kind"]],
                "side": side[name],
                "meaning": known[name]["meaning"],
            }
            for name in known
            if (box := placed.boxes.get(name)) is not None
        ],
        "arrows": [
            _arrow(row, route, most, known, taken) for row, route in zip(rows, placed.routes, strict=True)
        ],
    }


def direction(effect: float, standing: Standing) -> str:
    """Return the class of an arrow's colour: none where its direction is open."""
    return "open" if standing == "open" else "raises" if effect >= 0 else "lowers"


def _arrow(
    row: Mapping[str, Any], route: Route, most: float, known: Mapping[str, Node], taken: list[Point]
) -> dict[str, Any]:
    width = _THINNEST + (_THICKEST - _THINNEST) * row["size"] / most
    head = 7.0 + 1.1 * width
    curves = _curves(route, head)
    tip_x, tip_y = route.points[-1]
    back, half = tip_x - route.tip_direction * head, 3.2 + 0.75 * width
    css = direction(row["effect"], row["standing"])
    verb = "moves, either way," if css == "open" else css
    ends = (known[row["source"]]["label"], known[row["target"]]["label"])
    return {
        "index": row["index"],
        "source": row["source"],
        "target": row["target"],
        "path": _path(curves),
        "head": f"{tip_x:.1f},{tip_y:.1f} {back:.1f},{tip_y - half:.1f} {back:.1f},{tip_y + half:.1f}",
        "sign": {"raises": "+", "lowers": "−", "open": ""}[css],
        "at": _badge(curves, taken),
        "width": round(width, 1),
        "css": f"{css} {row['standing'].replace(' ', '-')}" if css != "open" else css,
        "words": f"{ends[0]} {verb} {ends[1]} ({row['standing']}): {row['words']}",
    }


def _wrapped(label: str) -> list[str]:
    """Return a label in at most two lines that fit a box."""
    lines: list[str] = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LETTERS:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > 2:
        lines = [lines[0], lines[1] + " …"]
    return [line if len(line) <= _LETTERS + 3 else line[: _LETTERS + 2] + "…" for line in lines]


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


def _path(curves: Sequence[Curve]) -> str:
    (x, y), *_ = curves[0]
    parts = [f"M{x:.1f},{y:.1f}"]
    parts += [f"C{b[0]:.1f},{b[1]:.1f} {c[0]:.1f},{c[1]:.1f} {d[0]:.1f},{d[1]:.1f}" for _, b, c, d in curves]
    return " ".join(parts)


def _point(curve: Curve, t: float) -> Point:
    """Return the point of a curve at `t` between 0 (its start) and 1 (its end)."""
    weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
    x, y = (sum(w * point[i] for w, point in zip(weights, curve, strict=True)) for i in (0, 1))
    return x, y


def _badge(curves: Sequence[Curve], taken: list[Point]) -> Point:
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


_MARKS = {"settled": "", "built in": "built in", "assumed": f"{ASSUMED_MARK} assumed", "open": "open"}


def links(study: Study, core: Core) -> pd.DataFrame:
    """Return the links under the prior set that is read first, with `standing` and the mechanism's `words`."""
    table = core["diagram"]
    rows = table[table["prior"] == core.lead].reset_index(drop=True)
    about = {item.name: item.meaning for item in study.model.mechanisms}
    pairs = zip(rows["p_positive"], rows["p_positive_before"], strict=True)
    return rows.assign(
        standing=[standing(after, before) for after, before in pairs],
        words=[about.get(name, "") for name in rows["mechanism"]],
    )


def influences(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each influence, however many links it shows in.

    Links of one mechanism that are as likely to be positive (or negative) as one another, before the data and after
    them, hang on one parameter; what is built in hangs on none, and counts once a source. Of links that move several
    targets the least settled stands for all.
    """
    order = {"open": 0, "assumed": 1, "built in": 2, "settled": 3}
    built = rows["standing"] == "built in"
    ranked = rows.assign(
        rank=[order[each] for each in rows["standing"]],
        parameter=[
            f"{abs(after - 0.5):.6f} {abs(before - 0.5):.6f}"
            for after, before in zip(rows["p_positive"], rows["p_positive_before"], strict=True)
        ],
    )
    ranked["parameter"] = ranked["parameter"].where(~built, ranked["source"])
    return ranked.sort_values("rank", kind="stable").drop_duplicates(["mechanism", "parameter"]).sort_index()


def heading(rows: pd.DataFrame) -> str:
    """Return how many directions the data settle, how many were assumed and how many stay open."""
    count: Counter[str] = Counter(influences(rows)["standing"])
    assumed = count["built in"] + count["assumed"]
    parts = [f"{assumed} {'was' if assumed == 1 else 'were'} assumed"] if assumed else []
    parts += [f"{count['open']} {'stays' if count['open'] == 1 else 'stay'} open"] if count["open"] else []
    rest = f"; {' and '.join(parts)}" if parts else ""
    total = counted(sum(count.values()), "influence")
    return f"The data settle the direction of {count['settled'] or 'none'} of {total}{rest}"


def section(core: Core, study: Study) -> Section | None:
    """Return the section, or None for a model without links."""
    rows = links(study, core)
    if rows.empty:
        return None
    words = {
        "heading": heading(rows),
        "diagram": draw(study, rows),
        "total": len(rows),
        "links": _details(study, core, rows),
        "mechanisms": _mechanisms(study, rows),
    }
    return Section("drivers", "What drives what", "report/templates/drivers.html.j2", words)


def _details(study: Study, core: Core, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the page says of an arrow that is pointed at, and what its download holds."""
    labels = {name: each["label"] for name, each in nodes(study).items()}
    keys = ("source", "target", "mechanism")
    chances: dict[tuple[str, ...], list[str]] = {}
    for row in records(core["diagram"]):
        told = chance_or_assumed(row["p_positive"], row["p_positive_before"])
        view = PRIOR_LABELS.get(row["prior"], row["prior"])
        chances.setdefault(tuple(row[key] for key in keys), []).append(f"{view}, {told}")
    return [
        {
            **{key: row[key] for key in keys},
            "name": f"{labels.get(row['source'], row['source'])} → {labels.get(row['target'], row['target'])}",
            "effect": signed(row["effect"]),
            "standing": row["standing"],
            "raises": f"That it raises: {'; '.join(chances[tuple(row[key] for key in keys)])}.",
            "sentence": row["words"],
            "formula": row["formula"],
            "evidence": row["evidence"].split(),
        }
        for row in records(rows)
    ]


def _mechanisms(study: Study, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each mechanism: what it says, what moves what, how sure that is, where it comes from."""
    labels = {name: each["label"] for name, each in nodes(study).items()}
    out: dict[str, dict[str, Any]] = {}
    for row in records(rows):
        name = row["mechanism"]
        new = {"id": name, "name": capital(plain_name(name)), "sentence": row["words"]}
        each = out.setdefault(name, {**new, "formulas": {}, "lines": {}, "evidence": {}})
        css, mark = direction(row["effect"], row["standing"]), _MARKS[row["standing"]]
        sign = {"raises": "+", "lowers": "−", "open": "?"}[css]
        text = f"{sign} {labels.get(row['target'], row['target'])}{f' ({mark})' if mark else ''}"
        source = labels.get(row["source"], row["source"])
        each["lines"].setdefault(source, []).append({"css": css, "text": text})
        each["formulas"][row["formula"]] = None
        each["evidence"] |= dict.fromkeys(row["evidence"].split())
    return list(out.values())


def open_influences(study: Study, core: Core, examples: int = 2) -> str:
    """Return a sentence on the influences whose direction is open, with the largest as examples; empty without links."""
    rows = links(study, core)
    if rows.empty:
        return ""
    each = influences(rows)
    loose = each[each["standing"] == "open"].sort_values("size", ascending=False, kind="stable")
    if loose.empty:
        return f"No direction stays open among {counted(len(each), 'influence')}."
    labels = {name: node["label"] for name, node in nodes(study).items()}
    ends = zip(loose["source"], loose["target"], strict=True)
    named = list(dict.fromkeys(f"{labels.get(a, a)} → {labels.get(b, b)}" for a, b in ends))[:examples]
    return f"Open: the direction of {len(loose)} of {counted(len(each), 'influence')}, among them {listed(named)}."
