"""The table on what to collect next, as CSV."""

from __future__ import annotations

from outbid.report.csv_text import csv_text
from outbid.report.worth.content import WorthContent

_HEADER = (
    *(
        "target",
        "kind",
        "statement",
        "measure",
        "label",
        "every_months",
        "months",
        "about",
        "only_if",
        "prior",
    ),
    *("value", "low", "high", "standard_error", "unit", "doubt_removed", "doubt_low", "doubt_high"),
    *("chance_of_a_clear_answer", "clear_low", "clear_high", "ceiling", "probability_today", "effort"),
)


def files(content: WorthContent) -> dict[str, str]:
    """Return the table by file name; none where a study doesn't ask."""
    if not content.rows:
        return {}
    measures = {each.id: each for each in content.measures}
    targets = {each.id: each for each in content.targets}
    today = {(each.target, each.prior): each for each in content.today}
    rows: list[tuple[object, ...]] = []
    for row in content.rows:
        measure, target = measures.get(row.measure), targets[row.target]
        known, claim = today[row.target, row.prior], target.kind == "claim"
        about = (
            (measure.label, measure.every, measure.months, "past" if measure.past else "ahead", measure.under)
            if measure
            else ("everything that needs no change", "", "", "", "")
        )
        cells: tuple[object, ...] = (
            *(target.id, target.kind, target.label, row.measure, *about, row.prior),
            *(row.value, row.low, row.high, row.error, "share" if claim else target.unit),
            *(row.doubt, row.doubt_low, row.doubt_high, row.clear, row.clear_low, row.clear_high),
            *(1.0 if claim else known.ceiling, known.probability, measure.effort if measure else ""),
        )
        rows.append(cells)
    return {"worth.csv": csv_text(_HEADER, rows)}
