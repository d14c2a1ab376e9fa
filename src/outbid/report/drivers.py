"""What drives what: the model's links as a picture, its mechanisms as a table."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import pandas as pd

from outbid.conventions import PRIOR_LABELS
from outbid.question import Section
from outbid.report.core import Core
from outbid.report.layout import BOX_WIDTH, COLUMN_GAP, LOOP_ROOM, MARGIN, Point, Route, plan
from outbid.study import Study
from outbid.words.effects import chance_or_assumed, records, standing
from outbid.words.numbers import capital, counted, listed, plain_name, signed

SIDES = ("incumbent", "people", "challenger", "outside")
_THINNEST, _THICKEST = 1.4, 7.0
_LETTERS = 21
BADGE = 6.5
MOST_ARROWS = 30

Curve = tuple[Point, Point, Point, Point]


def section(core: Core, study: Study) -> Section | None:
    """Return the section, or None for a model without links."""
    rows = links(study, core)
    if rows.empty:
        return None
    words = {
        "heading": heading(rows),
        "diagram": draw(study, rows),
        "links": details(core, rows),
        "mechanisms": rows.groupby("mechanism", sort=False),
    }
    return Section("drivers", "What drives what", "report/templates/drivers.html.j2", words)


def nodes(study: Study) -> dict[str, dict[str, Any]]:
    """Return the boxes by id: label, its lines, kind, side and meaning."""
    model = study.model
    about = {item.name: item.meaning for item in model.mechanisms}
    rows = [(each.name, "people", each.side, each.meaning) for each in model.stocks]
    rows += [(each.name, "condition", each.side, each.meaning) for each in model.indices]
    rows += [(each.name, "choice", each.owner, each.meaning) for each in model.levers]
    for name, mechanism in model.counts.items():
        side = "incumbent" if about[mechanism].startswith("The incumbent") else "challenger"
        rows.append((name, "events", "outside" if "others" in name else side, about[mechanism]))
    out = {}
    for name, kind, side, meaning in rows:
        label, beside = capital(plain_name(name)), "outside" if kind == "choice" else "people"
        side = side if side in SIDES else beside
        lines = textwrap.wrap(label, _LETTERS, max_lines=2, placeholder=" …")
        out[name] = {"label": label, "lines": lines, "kind": kind, "side": side, "meaning": meaning}
    return out


def links(study: Study, core: Core) -> pd.DataFrame:
    """Return the links under the prior set that is read first, in words.

    Beside the table's columns: standing (see `outbid.words.effects.standing`), direction ("raises", "lowers" or
    "open"), its sign, the labels of both ends (origin, goal), and the mechanism's sentence.
    """
    table = core["diagram"]
    rows = table[table["prior"] == core.lead].reset_index(drop=True)
    about = {item.name: item.meaning for item in study.model.mechanisms}
    labels = {name: each["label"] for name, each in nodes(study).items()}
    pairs = zip(rows["p_positive"], rows["p_positive_before"], strict=True)
    rows["standing"] = [standing(after, before) for after, before in pairs]
    raises = rows["effect"].ge(0).map({True: "raises", False: "lowers"})
    rows["direction"] = raises.where(rows["standing"] != "open", "open")
    return rows.assign(
        sign=rows["direction"].map({"raises": "+", "lowers": "−", "open": ""}),
        origin=rows["source"].map(labels),
        goal=rows["target"].map(labels),
        sentence=rows["mechanism"].map(about),
    )


def influences(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each influence, however many links it shows in.

    Links of one mechanism that are as likely to be positive (or negative) as one another, before the data and after
    them, hang on one parameter; what is built in hangs on none, and counts once a source. Of links that move several
    targets the least settled stands for all.
    """
    pairs = zip(rows["p_positive"], rows["p_positive_before"], strict=True)
    alike = [f"{abs(after - 0.5):.6f} {abs(before - 0.5):.6f}" for after, before in pairs]
    ranked = rows.assign(
        rank=rows["standing"].map({"open": 0, "assumed": 1, "built in": 2, "settled": 3}),
        parameter=rows["source"].where(rows["standing"] == "built in", pd.Series(alike, rows.index)),
    )
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


def open_influences(study: Study, core: Core, examples: int = 2) -> str:
    """Return a sentence on the influences whose direction is open, with the largest as examples; empty without links."""
    each = influences(links(study, core))
    if each.empty:
        return ""
    loose = each[each["standing"] == "open"].sort_values("size", ascending=False, kind="stable")
    total = counted(len(each), "influence")
    if loose.empty:
        return f"No direction stays open among {total}."
    named = list(dict.fromkeys(loose["origin"] + " → " + loose["goal"]))[:examples]
    return f"Open: the direction of {len(loose)} of {total}, among them {listed(named)}."


def details(core: Core, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the page says of an arrow that is pointed at, and what its download holds."""
    keys, every = ["source", "target", "mechanism"], core["diagram"]
    chances = zip(every["prior"], every["p_positive"], every["p_positive_before"], strict=True)
    told = [f"{PRIOR_LABELS[prior]}, {chance_or_assumed(after, before)}" for prior, after, before in chances]
    raises = every.assign(told=told).groupby(keys)["told"].agg("; ".join)
    words = rows.assign(
        name=rows["origin"] + " → " + rows["goal"],
        effect=[signed(effect) for effect in rows["effect"]],
        raises=[f"That it raises: {raises[key]}." for key in rows[keys].itertuples(index=False, name=None)],
        evidence=rows["evidence"].str.split(),
    )
    return records(words[[*keys, "name", "effect", "standing", "raises", "sentence", "formula", "evidence"]])


def draw(study: Study, rows: pd.DataFrame) -> dict[str, Any] | None:
    """Lay out the diagram, or return None where there are no links between known boxes.

    More than `MOST_ARROWS` would be a tangle: then the strongest are drawn, one for a pair of boxes. `rows`: those of
    `links`. Returns the plan, nodes, columns (side, heading, x) and arrows (their rows, `index` among all, and what the
    template draws); sizes are pixels.
    """
    known = nodes(study)
    boxes = set(study.settings.boxes) or set(known)
    drawn = rows.assign(index=range(len(rows)))
    drawn = drawn[drawn["source"].isin(boxes) & drawn["target"].isin(boxes)]
    if len(drawn) > MOST_ARROWS:
        strongest = drawn.sort_values("size", ascending=False, kind="stable")
        drawn = strongest.drop_duplicates(["source", "target"])[:MOST_ARROWS].sort_values("index")
    if drawn.empty:
        return None
    used = {*drawn["source"], *drawn["target"]}
    stacks = [[name for name in known if name in used and known[name]["side"] == side] for side in SIDES]
    placed = plan(stacks, list(zip(drawn["source"], drawn["target"], strict=True)))
    pairs = zip(records(drawn), placed.routes, strict=True)
    most = float(drawn["size"].max()) or 1.0
    taken: list[Point] = []
    names = (study.settings.incumbent, "People and conditions", study.settings.challenger, "Outside")
    places = [MARGIN + i * (BOX_WIDTH + COLUMN_GAP) for i in range(len(SIDES))]
    return {
        "plan": placed,
        "nodes": known,
        "box_width": BOX_WIDTH,
        "badge": BADGE,
        "total": len(rows),
        "columns": list(zip(SIDES, map(capital, names), places, strict=True)),
        "arrows": [{**row, **_arrow(route, row["size"] / most, taken)} for row, route in pairs],
    }


def _arrow(route: Route, share: float, taken: list[Point]) -> dict[str, Any]:
    """Return an arrow's path and head, the place of its sign and its width; `share`: its size beside the largest."""
    width = _THINNEST + (_THICKEST - _THINNEST) * share
    head, half = 7.0 + 1.1 * width, 3.2 + 0.75 * width
    curves = _curves(route, head)
    x, y = route.points[-1]
    back = x - route.tip_direction * head
    (start_x, start_y), *_ = curves[0]
    ways = [" ".join(f"{a:.1f},{b:.1f}" for a, b in curve[1:]) for curve in curves]
    return {
        "path": " ".join([f"M{start_x:.1f},{start_y:.1f}", *(f"C{way}" for way in ways)]),
        "head": f"{x:.1f},{y:.1f} {back:.1f},{y - half:.1f} {back:.1f},{y + half:.1f}",
        "at": _badge(curves, taken),
        "width": round(width, 1),
    }


def _curves(route: Route, head: float) -> list[Curve]:
    """Return the Bezier curves of a route, the last one ending where the arrow's head begins."""
    *points, (x, y) = route.points
    points.append((x - route.tip_direction * head, y))
    if route.looping:
        (ax, ay), (bx, by) = points
        bulge = min(LOOP_ROOM + 12, 30 + abs(by - ay) * 0.24)
        return [((ax, ay), (ax + bulge, ay), (bx + bulge, by), (bx, by))]
    middles = [((a[0] + b[0]) / 2, a, b) for a, b in pairwise(points)]
    return [(a, (middle, a[1]), (middle, b[1]), b) for middle, a, b in middles]


def _badge(curves: Sequence[Curve], taken: list[Point]) -> Point:
    """Return a place for an arrow's sign on its last or first curve, clear of the signs already placed."""
    spots = []
    for curve, t in product((curves[-1], curves[0]), (0.5, 0.62, 0.4, 0.72, 0.3, 0.8)):
        weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
        x, y = (sum(w * point[i] for w, point in zip(weights, curve, strict=True)) for i in (0, 1))
        spots.append((x, y))
    room = [min((math.dist(spot, other) for other in taken), default=math.inf) for spot in spots]
    best = next((i for i, clearance in enumerate(room) if clearance > 2.6 * BADGE), room.index(max(room)))
    taken.append(spots[best])
    return spots[best]
