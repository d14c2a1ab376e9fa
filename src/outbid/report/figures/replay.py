"""Had it gone otherwise: each outcome's path as it was and as it would have been, or the difference."""

from __future__ import annotations

import altair as alt

from outbid.plots.base import (
    FOCUS,
    INK,
    NO_HEADER,
    NUMBER_LABELS,
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
from outbid.report.replay.content import ReplayContent, ReplayOutcome, ReplayPath
from outbid.report.replay.rows import main_outcomes, prior_sets
from outbid.report.replay.words import heading
from outbid.words.numbers import interval, month_name, unit_of

ID = "replay"
HAPPENED = "what happened"
PATHS, DIFFERENCE = "both", "difference"
# a column whose name begins with an underscore serves the drawing only and is left out of the download
_COLUMNS = (
    *("outcome", "label", "_title", "_note", "what", "replay", "prior", "date", "_until"),
    *("median", "q05", "q95", "source"),
)
_COLOUR = FOCUS


def _note(outcome: ReplayOutcome) -> str:
    """Return the line under a panel's title: the unit, and which way is better."""
    unit = unit_of(outcome.unit)[1]
    if unit and outcome.summary.startswith("sum") and " a " not in unit:
        unit += " a month"  # the table has the sum, the path what each month adds to it
    return f"{unit}, {outcome.better} is better" if unit else f"{outcome.better} is better"


def _rows(content: ReplayContent) -> tuple[tuple[Cell, ...], ...]:
    labels = {course.id: course.label for course in content.replays} | {"": HAPPENED}
    rows: list[tuple[Cell, ...]] = []
    for outcome in main_outcomes(content):
        factor = unit_of(outcome.unit)[0]
        names = (outcome.id, outcome.label, panel_title(outcome.label), _note(outcome))

        def add(
            what: str,
            path: ReplayPath,
            names: tuple[str, ...] = names,
            factor: float = factor,
        ) -> None:
            for month, *values in zip(content.months, path.median, path.q05, path.q95, strict=True):
                numbers = (number(value * factor) for value in values)
                rows.append(
                    (*names, what, labels[path.replay], path.prior, middle_of(month), None, *numbers, None)
                )

        for what, paths in (
            ("happened", content.happened),
            ("replayed", content.paths),
            ("difference", content.differences),
        ):
            for path in paths:
                if path.outcome == outcome.id and path.replay in labels:
                    add(what, path)
        for each in content.figures:
            if each.outcome == outcome.id:
                low, high = number(each.low * factor), number(each.high * factor)
                middle = number((each.low + each.high) / 2 * factor)
                case = ("figure", each.series, None, each.start, each.end)
                rows.append((*names, *case, middle, low, high, each.source))
    return tuple(rows)


def figure(content: ReplayContent) -> Figure | None:
    """Draw the small multiples of paths and of differences, or return None where nothing was replayed."""
    rows = _rows(content) if content.replays and content.months else ()
    sets = prior_sets(content)
    if not rows or not sets:
        return None
    x = utc("date", format="%Y", tickCount={"interval": "year", "step": 1}, grid=False)
    y = alt.Y(
        "median:Q",
        title=None,
        scale=alt.Scale(zero=False),
        axis=alt.Axis(tickCount=4, labelExpr=NUMBER_LABELS, minExtent=40, maxExtent=40),
    )
    base = alt.Chart().transform_filter("datum.prior === replay_view")
    chosen = base.transform_filter("datum.replay === scenario")
    happened = base.transform_filter(f"datum.what === 'happened' && replay_shown === '{PATHS}'")
    replayed = chosen.transform_filter(f"datum.what === 'replayed' && replay_shown === '{PATHS}'")
    apart = chosen.transform_filter(f"datum.what === 'difference' && replay_shown === '{DIFFERENCE}'")
    figures = alt.Chart().transform_filter(f"datum.what === 'figure' && replay_shown === '{PATHS}'")
    tip = [
        *("replay:N", "date:T"),
        *(alt.Tooltip(f"{name}:Q", format=".2~r") for name in ("median", "q05", "q95")),
    ]
    low, high = alt.Y("q05:Q"), "q95:Q"
    zero = apart.transform_calculate(nothing="0").mark_rule(color=INK, strokeWidth=1)
    bars = figures.mark_rule(color=QUIET, strokeWidth=1.6)
    layers = alt.layer(
        happened.mark_area(color=QUIET, opacity=0.2).encode(x=x, y=low, y2=high),
        replayed.mark_area(color=_COLOUR, opacity=0.2).encode(x=x, y=low, y2=high),
        apart.mark_area(color=_COLOUR, opacity=0.25).encode(x=x, y=low, y2=high),
        zero.encode(y=alt.Y("nothing:Q")),
        bars.encode(x=x, x2="_until:T", y=y, tooltip=[*tip, "source:N"]),
        bars.transform_calculate(date="(toDate(datum.date) + toDate(datum._until)) / 2").encode(
            x=x, y=low, y2=high
        ),
        replayed.mark_line(color=_COLOUR, strokeWidth=2.4).encode(x=x, y=y, tooltip=tip),
        happened.mark_line(color=INK, strokeWidth=1.8, strokeDash=[5, 3]).encode(x=x, y=y, tooltip=tip),
        apart.mark_line(color=_COLOUR, strokeWidth=2.4).encode(x=x, y=y, tooltip=tip),
    )
    order = [outcome.id for outcome in main_outcomes(content)]
    first = content.replays[0].label
    drawing = (
        alt.layer(*layers.layer, *titled("outcome", "_title", "_note"), data=alt.NamedData(ID))
        .properties(height=150)
        .facet(
            facet=alt.Facet("outcome:N", sort=order, header=NO_HEADER),
            columns=3,
            spacing={"row": 86, "column": 54},
            bounds="flush",
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
        .add_params(
            alt.param(name="replay_view", value=sets[0]),
            alt.param(name="scenario", value=first),
            alt.param(name="replay_shown", value=PATHS),
        )
    )
    seen = " Bars: published figures, at their monthly rate or level." if content.figures else ""
    return Figure(
        ID,
        "Dashed, what happened as the model infers it, grey its 90% interval; in colour, the replay with its own. "
        "Both bands are wide, since what is uncertain of the level is so in both alike; “the difference” shows the "
        f"replay less what happened, draw by draw, where that drops out.{seen}",
        "The model's inferred past over its posterior draws, and the same draws with other levers."
        + (" Figures: see the data section." if content.figures else ""),
        _alternative(content),
        Layout("facet", margin=44, gap=54, least=270, most=3),
        finished(drawing),
        {ID: Table(_COLUMNS, rows)},
        (ID,),
        {
            "scenarios": [course.label for course in content.replays],
            "scenario": first,
            "views": list(sets),
            "view": sets[0],
        },
    )


def _alternative(content: ReplayContent) -> str:
    """Return the picture in words: the heading, and the first replay's last month beside what happened."""
    parts, course, view = [f"{heading(content)}."], content.replays[0], prior_sets(content)[0]
    parts.append(f"Shown first: “{course.label}”, {month_name(content.months[-1])}, 90% intervals.")
    for outcome in main_outcomes(content):
        was = _last(content.happened, "", outcome, view)
        would = _last(content.paths, course.id, outcome, view)
        if was and would:
            parts.append(f"{outcome.label}: {would} instead of {was}.")
    return " ".join(parts)


def _last(paths: tuple[ReplayPath, ...], replay: str, outcome: ReplayOutcome, prior: str) -> str:
    wanted = (replay, outcome.id, prior)
    path = next((p for p in paths if (p.replay, p.outcome, p.prior) == wanted), None)
    return "" if path is None else interval(path.q05[-1], path.q95[-1], outcome.unit)
