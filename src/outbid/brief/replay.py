"""What the report says of history with other levers, in plain form."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.ask.replay.lived import Band, Replayed
from outbid.brief.numbers import floats
from outbid.data.panel import Record
from outbid.report.replay.content import (
    ReplayContent,
    ReplayCourse,
    ReplayEffect,
    ReplayFigure,
    ReplayOutcome,
    ReplayPath,
    ReplaySetting,
)
from outbid.study import Study

DAYS_A_MONTH = 365.25 / 12


def replayed(study: Study, results: Mapping[str, Replayed]) -> ReplayContent:
    """Return everything about history with other levers; empty where a study declares no replays."""
    if not results:
        return ReplayContent()
    first, months = next(iter(results.values())), study.panel.window.months
    roles = {name: role for role, name in study.settings.roles.items()}
    return ReplayContent(
        months,
        tuple(
            ReplayCourse(r.id, r.label, r.description, r.had, r.note, months[min(c.first for c in r.changes)])
            for r in first.replays
        ),
        tuple(
            ReplayOutcome(o.name, o.label, o.unit, o.better, o.summary, o.meaning, roles.get(o.name, ""))
            for o in first.outcomes
        ),
        tuple(
            _path("", outcome, prior, band)
            for prior, each in results.items()
            for outcome, band in each.happened.items()
        ),
        tuple(
            _path(c.replay, c.outcome, prior, c.path)
            for prior, each in results.items()
            for c in each.contrasts
        ),
        tuple(
            _path(c.replay, c.outcome, prior, c.difference_path)
            for prior, each in results.items()
            for c in each.contrasts
        ),
        tuple(row for prior, each in results.items() for row in _effects(prior, each)),
        tuple(row for prior, each in results.items() for row in _settings(study, prior, each)),
        _figures(study, first),
    )


def _path(replay: str, outcome: str, prior: str, band: Band) -> ReplayPath:
    return ReplayPath(replay, outcome, prior, *(floats(each) for each in band.quantiles))


def _effects(prior: str, results: Replayed) -> tuple[ReplayEffect, ...]:
    rows = []
    for each in results.contrasts:
        happened, level = floats(results.levels[each.outcome]), floats(each.level)
        difference = floats(each.difference)
        rows.append(
            ReplayEffect(
                each.replay,
                each.outcome,
                prior,
                *(happened[0], happened[1], happened[4]),
                *(level[0], level[1], level[4]),
                *(difference[0], difference[1], difference[2], difference[3], difference[4]),
                each.probability_better,
                each.prior_probability_better,
            )
        )
    return tuple(rows)


def _settings(study: Study, prior: str, results: Replayed) -> tuple[ReplaySetting, ...]:
    months = study.panel.window.months
    return tuple(
        ReplaySetting(
            each.replay,
            each.lever,
            study.model.lever(each.lever).meaning,
            study.model.lever(each.lever).unit,
            prior,
            months[each.first],
            months[each.last],
            each.was,
            each.would_be,
            each.stopped,
        )
        for each in results.settings
    )


def _figures(study: Study, results: Replayed) -> tuple[ReplayFigure, ...]:
    """Return the figures that were used of every series that sees an outcome, cut to the window."""
    window, rows = study.panel.window, []
    for outcome, seen in results.seen.items():
        for series in (study.panel.series[name] for name in seen if name in study.panel.series):
            for record in series.records:
                if not record.used:
                    continue
                ends = (record.value, record.value) if record.value is not None else (record.low, record.high)
                months = 1.0 if series.kind == "level" else _days(record) / DAYS_A_MONTH
                # where only a floor or a ceiling is known, that is all there is to draw
                low, high = (next(e for e in pair if e is not None) / months for pair in (ends, ends[::-1]))
                start, end = max(record.start, window.first_day), min(record.end, window.last_day)
                rows.append(
                    ReplayFigure(
                        outcome, series.label, start.isoformat(), end.isoformat(), low, high, record.source
                    )
                )
    return tuple(rows)


def _days(record: Record) -> int:
    """Return how many days a figure speaks of."""
    days = (record.end - record.start).days + 1
    if record.except_start is None or record.except_end is None:
        return days
    return days - (record.except_end - record.except_start).days - 1
