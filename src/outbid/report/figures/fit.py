"""Fit over data: every series of figures beside what the model expected of it."""

from __future__ import annotations

import altair as alt

from outbid.report.content import Record, ReportContent, SeriesFit
from outbid.report.figures.common import (
    INK,
    NO_HEADER,
    NUMBER_LABELS,
    PAPER,
    QUIET,
    Cell,
    Figure,
    Layout,
    Table,
    finished,
    middle_of,
    number,
    panel_title,
    titled,
    utc,
)
from outbid.report.figures.timing import length_in_months, middle_day
from outbid.report.headings import how_well_it_fits
from outbid.report.numbers import percent

ID = "fit"
_COLUMNS = ("series", "unit", "layer", "start", "end", "date", "value", "low", "high", "used", "source")
_MODEL = QUIET


def _monthly(series: SeriesFit) -> bool:
    return all(length_in_months(r.start, r.end) < 1.1 for r in series.records)


def _band(series: SeriesFit, title: str) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for month, *values in zip(series.months, series.median, series.q05, series.q95, strict=True):
        middle, low, high = (number(value) for value in values)
        rows.append(
            (title, series.unit, "band", None, None, middle_of(month), middle, low, high, None, "model")
        )
    return rows


def _record(series: SeriesFit, record: Record, title: str, expected: bool) -> list[tuple[Cell, ...]]:
    middle = middle_day(record.start, record.end)
    dates = (record.start, record.end, middle)
    rows: list[tuple[Cell, ...]] = []
    if expected and record.predicted_q05 is not None and record.predicted_q95 is not None:
        span = (number(record.predicted_median), number(record.predicted_q05), number(record.predicted_q95))
        rows.append((title, series.unit, "expected", *dates, *span, None, "model"))
    low = record.low if record.value is None else None
    high = record.high if record.value is None else None
    if record.value is None and low is None:
        low = 0.0
    if record.value is None and high is None:
        high = low
    rows.append(
        (
            title,
            series.unit,
            "figure",
            *dates,
            number(record.value),
            number(low),
            number(high),
            record.used,
            record.source,
        )
    )
    return rows


def _rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    for series in content.series:
        title = panel_title(series.label)
        # a figure that covers several months is compared with what the model expects of those months together
        expected = any(r.predicted_median is not None for r in series.records) and not _monthly(series)
        if series.months and not expected:
            rows += _band(series, title)
        for record in series.records:
            rows += _record(series, record, title, expected)
    return tuple(rows)


def figure(content: ReportContent) -> Figure | None:
    """Draw one small panel a series, or return None where there is no series."""
    if not content.series:
        return None
    x = utc("date", format="%Y", tickCount={"interval": "year", "step": 1}, grid=False)
    y = alt.Y(
        "value:Q",
        title=None,
        scale=alt.Scale(zero=True),
        axis=alt.Axis(tickCount=3, labelExpr=NUMBER_LABELS, minExtent=40, maxExtent=40),
    )
    whole = alt.Chart()
    band = whole.transform_filter("datum.layer === 'band'")
    expected = whole.transform_filter("datum.layer === 'expected'")
    figures = whole.transform_filter("datum.layer === 'figure'")
    tip = ["start:T", "end:T", "value:Q", "low:Q", "high:Q", "source:N"]
    hollow = alt.condition("datum.used", alt.value(INK), alt.value(PAPER))
    ink = alt.condition("datum.used", alt.value(INK), alt.value(QUIET))
    layers = alt.layer(
        band.mark_area(color=_MODEL, opacity=0.25).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        band.mark_line(color=_MODEL, strokeWidth=1.6).encode(x=x, y=y),
        expected.mark_rule(color=_MODEL, strokeWidth=7, opacity=0.3).encode(
            x=x, y=alt.Y("low:Q"), y2="high:Q"
        ),
        expected.mark_tick(color=_MODEL, thickness=2, width=9, orient="horizontal").encode(x=x, y=y),
        figures.mark_rule(strokeWidth=1.2).encode(x=alt.X("start:T"), x2="end:T", y=y, color=ink),
        figures.mark_rule(strokeWidth=2.4).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=ink),
        figures.transform_filter("isValid(datum.value)")
        .mark_point(size=18, strokeWidth=1.1, opacity=1)
        .encode(x=x, y=y, fill=hollow, stroke=ink, tooltip=tip),
    )
    titles = list(dict.fromkeys(panel_title(series.label) for series in content.series))
    drawing = alt.layer(*layers.layer, *titled("series", "unit"), data=alt.NamedData("fit")).properties(
        height=92
    )
    drawing = drawing.facet(
        facet=alt.Facet("series:N", sort=titles, header=NO_HEADER),
        columns=4,
        spacing={"row": 86, "column": 54},
        bounds="flush",
    )
    drawing = drawing.resolve_scale(y="independent").resolve_axis(x="independent")
    return Figure(
        ID,
        "Every series of figures (dots and bars, hollow where not used) beside the model: a line with its "
        "90% band where figures are monthly, a wide bar where one figure covers several months. Dots outside "
        "the bands are what the model can't explain. Each panel has its own scale.",
        "The figures' sources are listed in the data section; bands: posterior predictive, neutral priors.",
        f"{len(content.series)} small panels. {how_well_it_fits(content)}. {_worst(content)}",
        Layout("facet", margin=44, gap=54, least=230, most=4),
        finished(drawing),
        {"fit": Table(_COLUMNS, _rows(content))},
        ("fit",),
    )


def _worst(content: ReportContent) -> str:
    known = [(s.share_inside, s.label) for s in content.series if s.share_inside is not None]
    if not known:
        return ""
    share, label = min(known)
    return f"The worst is “{label}” with {percent(share)} inside."
