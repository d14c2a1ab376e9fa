"""What drives what: the model's links as a picture, its mechanisms as a table."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from outbid.conventions import PRIOR_LABELS
from outbid.question import Section
from outbid.report.core import Core
from outbid.report.figures.diagram import direction, draw, nodes
from outbid.study import Study
from outbid.words.chances import ASSUMED_MARK, chance_or_assumed, standing
from outbid.words.effects import records
from outbid.words.lists import listed
from outbid.words.numbers import capital, counted, plain_name, signed

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
