"""Tables of the data: every figure with what the model expected of it, and the bands by year."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.report.content import Record, ReportContent, SeriesFit
from outbid.words.numbers import day_name, interval, month_name, percent, reported, two_digits


@dataclass(frozen=True)
class RecordLine:
    """A published figure, when it is about, and what the model expected.

    `source_id` is empty where the source is given in words only.
    """

    when: str
    value: str
    expected: str
    used: bool
    why_not: str
    source: str
    source_id: str
    note: str


@dataclass(frozen=True)
class SeriesBlock:
    """A series with its records and how it fits, in words."""

    id: str
    label: str
    unit: str
    distribution: str
    used: int
    left_out: int
    inside: str
    totals: str
    records: tuple[RecordLine, ...]


def _when(record: Record) -> str:
    if record.start == record.end:
        return day_name(record.start)
    if record.start[:7] == record.end[:7]:
        return month_name(record.start)
    if record.start[5:] == "01-01" and record.end[5:] == "12-31" and record.start[:4] == record.end[:4]:
        return record.start[:4]
    return f"{day_name(record.start)} to {day_name(record.end)}"


def _value(record: Record) -> str:
    if record.value is not None:
        return reported(record.value)
    if record.low is None:
        return f"at most {reported(record.high)}" if record.high is not None else "not known"
    if record.high is None:
        return f"at least {reported(record.low)}"
    return f"{reported(record.low)} to {reported(record.high)}"


def _totals(series: SeriesFit) -> str:
    if series.tail is None:
        return ""
    if series.tail > 0.95:
        return f"too low for the model ({percent(series.tail)})"
    if series.tail < 0.05:
        return f"too high for the model ({percent(series.tail)})"
    return f"agrees ({percent(series.tail)})"


def series_blocks(content: ReportContent) -> tuple[SeriesBlock, ...]:
    """Return the data, series by series, with every record, used or not."""
    names = {source.id: source.title for source in content.sources}
    blocks = []
    for series in content.series:
        lines = []
        for record in series.records:
            expected = ""
            if record.predicted_median is not None:
                expected = two_digits(record.predicted_median)
                if record.predicted_q05 is not None and record.predicted_q95 is not None:
                    expected += f" ({interval(record.predicted_q05, record.predicted_q95)})"
            source = names.get(record.source, record.source)
            listed = record.source if record.source in names else ""
            words = (_when(record), _value(record), expected)
            lines.append(RecordLine(*words, record.used, record.why_not, source, listed, record.note))
        used = sum(record.used for record in series.records)
        inside = "" if series.share_inside is None else percent(series.share_inside)
        blocks.append(
            SeriesBlock(
                series.id,
                series.label,
                series.unit,
                series.distribution,
                used,
                len(lines) - used,
                inside,
                _totals(series),
                tuple(lines),
            )
        )
    return tuple(blocks)


def years_of_bands(content: ReportContent) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return the inferred bands by calendar year: (label with unit, ((year, mean and interval), ...))."""
    out = []
    for band in content.bands:
        if band.prior != "neutral":
            continue
        by_year: dict[str, list[tuple[float, float, float]]] = {}
        for month, *values in zip(band.months, band.median, band.q05, band.q95, strict=True):
            by_year.setdefault(month[:4], []).append((values[0], values[1], values[2]))
        cells = []
        for year, rows in by_year.items():
            middle, low, high = (sum(row[i] for row in rows) / len(rows) for i in range(3))
            cells.append((year, f"{two_digits(middle)} ({interval(low, high)})"))
        out.append((f"{band.label}, {band.unit}" if band.unit else band.label, tuple(cells)))
    return tuple(out)
