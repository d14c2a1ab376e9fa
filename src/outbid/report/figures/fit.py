"""Fit over data: every series of figures beside what the model expected of it."""

from __future__ import annotations

import altair as alt

from outbid.plots.base import (
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
from outbid.plots.timing import length_in_months, middle_day
from outbid.report.content import Record, ReportContent, SeriesFit
from outbid.report.figures.history_data import bounds, study_window
from outbid.report.headings import how_well_it_fits
from outbid.words.numbers import percent

ID = "fit"
_MODEL = QUIET
# a column whose name begins with an underscore serves the drawing only and is left out of the download
_COLUMNS = (
    *("series", "label", "_title", "unit", "layer", "start", "end", "date"),
    *("value", "low", "high", "used", "source"),
)


def _monthly(series: SeriesFit) -> bool:
    records = [record for record in series.records if record.used] or series.records
    return all(length_in_months(record.start, record.end) < 1.1 for record in records)


def _band(series: SeriesFit) -> list[tuple[Cell, ...]]:
    """Return the model's monthly band, without what names the series."""
    rows: list[tuple[Cell, ...]] = []
    for month, *values in zip(series.months, series.median, series.q05, series.q95, strict=True):
        span = (number(value) for value in values)
        rows.append(("band", None, None, middle_of(month), *span, None, "model"))
    return rows


def _record(record: Record, expected: bool, window: tuple[str, str]) -> list[tuple[Cell, ...]]:
    """Return a figure, after what the model expected of it, without what names the series.

    What lies outside the window of the study is left to the table of all figures.
    """
    start, end = max(record.start, window[0]), min(record.end, window[1])
    if start > end:
        return []
    dates = (start, end, middle_day(start, end))
    rows: list[tuple[Cell, ...]] = []
    if expected and record.predicted_q05 is not None and record.predicted_q95 is not None:
        span = (number(record.predicted_median), number(record.predicted_q05), number(record.predicted_q95))
        rows.append(("expected", *dates, *span, None, "model"))
    low, high = bounds(record) if record.value is None else (None, None)
    numbers = (number(record.value), number(low), number(high))
    rows.append(("figure", *dates, *numbers, record.used, record.source))
    return rows


def _rows(content: ReportContent) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = []
    for series in content.series:
        names = (series.id, series.label, panel_title(series.label), series.unit)
        # a figure that covers several months is compared with what the model expects of those months together
        expected = any(r.predicted_median is not None for r in series.records) and not _monthly(series)
        found = _band(series) if series.months and not expected else []
        for record in series.records:
            found += _record(record, expected, study_window(content))
        rows += [(*names, *row) for row in found]
    return tuple(rows)


def figure(content: ReportContent) -> Figure | None:
    """Draw one small panel a series, or return None where there is no series."""
    if not content.series:
        return None
    years = {"interval": "year", "step": 1}
    x = utc("date", domain=study_window(content), format="%Y", tickCount=years, grid=False)
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
    order = [series.id for series in content.series]
    drawing = alt.layer(
        *layers.layer, *titled("series", "_title", "unit"), data=alt.NamedData("fit")
    ).properties(height=92)
    drawing = drawing.facet(
        facet=alt.Facet("series:N", sort=order, header=NO_HEADER),
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
