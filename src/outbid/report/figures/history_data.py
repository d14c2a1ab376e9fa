"""The figures, bands, events and milestones that the picture of the past shows, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from outbid.plots.base import Cell, first_day, last_day, middle_of, number
from outbid.plots.timing import length_in_months, middle_day
from outbid.report.content import Band, Mark, Record, ReportContent
from outbid.report.figures.reporters import reporter
from outbid.report.headings import what_happened
from outbid.words.numbers import day_name, interval, month_name

# series of attacks by the challenger alone, at home; all-actor counts would mix in violence by others
ATTACK_SERIES = {
    "attacks_un": ("UN count", "○"),
    "attacks_claimed": ("claimed by the challenger", "□"),
    "dyad_state_events": ("UCDP, with the state", "△"),
    "dyad_civilian_events": ("UCDP, on civilians", "◇"),
}
_DIRECTIONS = {
    ("edict", "restrict"): "Edicts: restrict",
    ("edict", "ease"): "Edicts: ease",
    ("edict", ""): "Edicts",
    ("engagement", "+"): "Engagement: towards",
    ("engagement", "forward"): "Engagement: towards",
    ("engagement", "-"): "Engagement: away",
    ("engagement", "backward"): "Engagement: away",
    ("engagement", ""): "Engagement: mixed",
}


def find_band(content: ReportContent, ident: str) -> Band | None:
    """Return a band under the neutral priors, or under any where those are missing, or None."""
    found = [band for band in content.bands if band.id == ident]
    return next((band for band in found if band.prior == "neutral"), found[0] if found else None)


def band_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    """Return the monthly bands (band, date, median, q05, q95)."""
    rows: list[tuple[Cell, ...]] = []
    for ident in ("attacks", "other_violence", "challengers", "hardness"):
        band = find_band(content, ident)
        if band is not None:
            for month, *values in zip(band.months, band.median, band.q05, band.q95, strict=True):
                rows.append((ident, middle_of(month), *(number(value) for value in values)))
    return tuple(rows)


def band_labels(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    """Return where the bands of the first panel are named: above the upper edge, early and late."""
    rows: list[tuple[Cell, ...]] = []
    for ident, text, at, align in (
        ("attacks", "attacks by the challenger (model)", 0.07, "left"),
        ("other_violence", "violence by others (model)", 1.0, "right"),
    ):
        band = find_band(content, ident)
        if band is not None and band.months:
            i = round(at * (len(band.months) - 1))
            rows.append((ident, text, middle_of(band.months[i]), number(band.q95[i]), align))
    return tuple(rows)


def key(content: ReportContent) -> str:
    """Return the key to the marks of the first panel, in two lines that fit a phone."""
    found = {series.id for series in content.series if series.records}
    entries = [f"{sign} {name}" for ident, (name, sign) in ATTACK_SERIES.items() if ident in found]
    half = (len(entries) + 1) // 2
    return "\n".join("   ".join(part) for part in (entries[:half], entries[half:]) if part)


def attack_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    """Return published counts of attacks at their monthly rate, cut to the window of the study."""
    first, last = study_window(content)
    rows: list[tuple[Cell, ...]] = []
    for series in content.series:
        if series.id not in ATTACK_SERIES:
            continue
        name, _ = ATTACK_SERIES[series.id]
        for record in series.records:
            if record.value is None or record.end < first or record.start > last:
                continue
            rate = number(record.value / length_in_months(record.start, record.end))
            start, end = max(record.start, first), min(record.end, last)
            rows.append((name, start, end, middle_day(start, end), rate, record.used, record.source))
    return tuple(rows)


def fighter_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    """Return estimates of fighters by who reported them; one that only names a ceiling starts at zero."""
    first, last = study_window(content)
    rows: list[tuple[Cell, ...]] = []
    for series in content.series:
        if series.id not in ("fighters", "fighters_with_families"):
            continue
        for record in series.records:
            date = middle_day(record.start, record.end)
            if not first <= date <= last:
                continue
            low, high = bounds(record)
            families = series.id == "fighters_with_families"
            who = "families counted in" if families else reporter(content, record.source, record.note)
            rows.append((who, date, number(low), number(high), record.used, record.source))
    return tuple(rows)


def bounds(record: Record) -> tuple[float, float]:
    """Return the ends of a figure: equal for a single value, from zero where only a ceiling is given."""
    if record.value is not None:
        return record.value, record.value
    low = 0.0 if record.low is None else record.low
    return low, low if record.high is None else record.high


def study_window(content: ReportContent) -> tuple[str, str]:
    """Return the first and the last day of the study."""
    run = content.provenance
    return first_day(run.first_month), last_day(run.last_month)


def tick_rows(marks: Sequence[Mark]) -> tuple[tuple[Cell, ...], ...]:
    """Return edicts and steps in engagement (row, kind, date, label, source); undated ones are left out."""
    rows: list[tuple[Cell, ...]] = []
    for mark in marks:
        row = _DIRECTIONS.get((mark.kind, mark.direction)) or _DIRECTIONS.get((mark.kind, ""))
        date = middle_of(mark.date) if len(mark.date) == 7 else mark.date
        if row is not None and len(date) == 10:
            rows.append((row, mark.kind, date, mark.label, mark.source))
    return tuple(rows)


def tick_order(marks: Sequence[Mark]) -> list[str]:
    """Return the rows of the strip of milestones that have a tick, from top to bottom."""
    found = {row[0] for row in tick_rows(marks)}
    return [row for row in dict.fromkeys(_DIRECTIONS.values()) if row in found]


def labelled(marks: Sequence[Mark]) -> list[Mark]:
    """Return the dated attacks and operations that a claim of the sources speaks of, in order of time."""
    found = [m for m in marks if m.claims and m.kind in ("attack", "operation") and len(m.date) == 10]
    return sorted(found, key=lambda mark: mark.date)


def event_rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    """Return the labelled events with the line each label stands on, close ones on lines of their own."""
    start, end = study_window(content)
    span = length_in_months(start, end)
    letter = span * 6.3 / 300  # months that a letter covers on a phone, the tightest case
    lines: list[list[tuple[float, float]]] = []
    rows: list[tuple[Cell, ...]] = []
    for mark in labelled(content.marks):
        if not start <= mark.date <= end:
            continue
        at = length_in_months(start, mark.date)
        text = f"{mark.label} ({', '.join(mark.claims)})"
        leftwards = at > span / 2
        long = letter * (len(text) + 2)
        covers = (at - long, at) if leftwards else (at, at + long)
        free = (i for i, line in enumerate(lines) if all(covers[1] < a or covers[0] > b for a, b in line))
        line = next(free, len(lines))
        if line == len(lines):
            lines.append([])
        lines[line].append(covers)
        room = at / span if leftwards else 1 - at / span
        side = "right" if leftwards else "left"
        rows.append((mark.date, text, line, side, number(room), mark.kind, mark.source))
    return tuple(rows)


def sources(content: ReportContent) -> str:
    """Return the source line."""
    wanted = {*ATTACK_SERIES, "fighters", "fighters_with_families"}
    names = {reporter(content, r.source) for s in content.series if s.id in wanted for r in s.records}
    listed = ", ".join(sorted(names)) if names else "see the list of sources"
    return f"Figures: {listed} (each with its source in the data section); bands: the model, neutral priors."


def alternative(content: ReportContent) -> str:
    """Return the picture in words: the heading, the ends of each band, the marked events."""
    parts = [what_happened(content) + "."]
    for ident in ("attacks", "challengers", "hardness"):
        band = find_band(content, ident)
        if band is not None:
            ends = (0, len(band.months) - 1)
            first, last = (
                f"{interval(band.q05[i], band.q95[i], band.unit)} in {month_name(band.months[i])}"
                for i in ends
            )
            parts.append(f"{band.label}: {first}, {last} (90% intervals).")
    events = [f"{day_name(mark.date)}, {mark.label}" for mark in labelled(content.marks)]
    if events:
        parts.append(f"Marked events: {'; '.join(events)}.")
    return " ".join(parts)
