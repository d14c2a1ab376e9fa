"""One page on a replication that stands alone, in the look of the other reports."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from markupsafe import Markup

from outbid.replication import figures, words
from outbid.replication.data import rows_of
from outbid.replication.tables import Replication
from outbid.report import page
from outbid.report.methods import facts as provenance_facts
from outbid.words.numbers import MINUS, capital, counted

_TITLES = {
    "1": "Table 1. How {state} moves",
    "2": "Table 2. What the groups want",
    "4": "Table 4. Chance of an attack with the rival, less that without it, along the observed path",
    "5": "Table 5. Chance of an attack when attacks get dearer or cheaper, averaged over the grid",
    "curve": "The figures' curves: chance of an attack by {state}",
}


def render(found: Replication) -> str:
    """Return the report as one HTML page; text from a study is escaped, and no script but the page's own runs."""
    bundle, script, style = page.bundle(), page.own("page.js"), page.own("style.css")
    facts, tables = found.facts, found.tables
    made, gap = facts["provenance"], (facts["refit"] or {}).get("stored_gap")
    context: dict[str, Any] = {
        **facts,
        "policy": page.security_policy((bundle, script)),
        "bundle": Markup(bundle),
        "script": Markup(script),
        "style": Markup(style),
        "warning": words.warning(found),
        "bottom": words.bottom(found),
        "findings": words.findings(found),
        "costs": words.costs(found),
        "doubt": words.doubt(found),
        "verdict": words.verdict(found),
        "passed": not words.tally(found)[1] or words.explained(found),
        "certificate": words.certificate(found),
        "source_line": words.source_line(found),
        "other_maxima": words.other_maxima(found),
        "weak": words.weak(tables["estimates"]),
        "headings": words.headings(found),
        "rivals": figures.rivals(found),
        "curves": figures.curves(found),
        "path": figures.path(found),
        "tables": published_tables(found),
        "stored_gap": None if gap is None else words.powers(f"{gap:.1e}"),
        "labels": words.labels(found),
        "eras": _records(tables["without_rival"]),
        "estimates": _records(tables["estimates"]),
        "maxima": _records(tables.get("maxima")),
        "groups": _records(tables.get("refit")),
        "claims": _records(tables["claims"]),
        "claim_ids": set(tables["claims"]["id"]),
        "sources": _records(tables["sources"]),
        "facts": provenance_facts(made),
        "citation": (
            f"outbid {made['version']}: {facts['title']}. Report made on {made['created']} with seed {made['seed']} from "
            f"{counted(made['n_months'], 'month')} ({facts['data']}). Cite the article and its archive as well."
        ),
        "write": write,
        "counted": counted,
    }
    return page.environment().get_template("replication.html.j2").render(context)


def write(value: float, form: str = ".4g") -> str:
    """Write a number in a format, with a proper minus; a dash where it is missing."""
    return "–" if math.isnan(value) else f"{value:{form}}".replace("-", MINUS)


def _records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    rows: list[Any] = [] if table is None else table.to_dict("records")
    return rows


def published_tables(found: Replication) -> list[dict[str, Any]]:
    """Return every published table beside ours, in words, in the order of the published figures."""
    tables, simulated = [], found.facts["simulated"]
    for name, cells in found.tables["replication"].groupby("table", sort=False):
        columns = list(dict.fromkeys(cells["column"]))
        shown = {(row.row, row.column): cell_words(row, simulated) for row in rows_of(cells)}
        tables.append(
            {
                "id": name,
                "title": _TITLES.get(str(name), f"Table {name}").format(state=found.facts["state"][0]),
                "columns": list(map(capital, columns)),
                "rows": [
                    (row, [shown.get((row, column)) for column in columns])
                    for row in dict.fromkeys(cells["row"])
                ],
                "notes": _notes(cells),
                "good": int(cells["ok"].sum()),
                "judged": int(cells["ok"].notna().sum()),
            }
        )
    return tables


def _notes(cells: pd.DataFrame) -> list[str]:
    """Return each note once, behind the rows or columns that it speaks of."""
    notes = []
    for note, about in cells[cells["note"] != ""].groupby("note", sort=False):
        rows, columns = (list(dict.fromkeys(about[name])) for name in ("row", "column"))
        notes.append(f"{'; '.join(columns if len(columns) <= len(rows) else rows)}: {note}")
    return notes


def cell_words(cell: Any, simulated: bool) -> dict[str, str]:
    """Return a cell of a published table in words; `mark` is the class of the page's style for its `verdict`."""
    words_of = {
        True: ("passed", "✓ inside" if simulated else "✓ same"),
        False: ("differs", "✗ outside" if simulated else "✗ differs"),
    }
    if pd.isna(cell.ours):
        return {"printed": cell.printed, "ours": "–", "difference": "", "mark": "quiet", "verdict": "not had"}
    mark, told = ("quiet", "not judged") if pd.isna(cell.ok) else words_of[bool(cell.ok)]
    if not pd.isna(cell.low):
        gap = f"{plain(cell.low, cell.rule)} to {plain(cell.high, cell.rule)}"
    elif simulated:
        # the article's figure is of another panel: neither a difference nor a verdict would mean anything
        gap, mark, told = "", "quiet", ""
    else:
        gap = difference(cell.difference)
    return {
        "printed": cell.printed,
        "ours": plain(cell.ours, cell.rule),
        "difference": gap,
        "mark": mark,
        "verdict": told,
    }


def plain(value: float, rule: str) -> str:
    """Write our figure with some digits more than the published one has."""
    if not math.isfinite(value):
        return "not known"
    kind, precision = rule.split()
    decimals = int(float(precision))
    forms = {"decimals": f",.{decimals + 2 if decimals else 0}f", "within": ".6f"}
    return write(value, forms.get(kind, "#.5g"))


def difference(value: float) -> str:
    """Write ours less the published figure, with its sign and two digits."""
    if abs(value) < 1e-8 or not math.isfinite(value):
        return "0"
    return words.powers(f"{value:+.1e}" if abs(value) < 1e-3 else f"{value:+.2g}")
