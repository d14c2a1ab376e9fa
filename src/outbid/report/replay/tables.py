"""The section on history with other levers, as plain text ready for the page, and its tables as CSV."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.plots.base import Figure
from outbid.report.chances import chance, read_effect
from outbid.report.csv_text import csv_text
from outbid.report.figures import replay as picture
from outbid.report.replay import rows as rows_of
from outbid.report.replay import words
from outbid.report.replay.content import ReplayContent, ReplayEffect, ReplayOutcome
from outbid.report.result_tables import summary_in_words
from outbid.words.numbers import interval, percent, quantity, signed, unit_of


@dataclass(frozen=True)
class ReplayCell:
    """A replay's difference from what happened under one prior set; `surely` is "good", "bad" or "open"."""

    difference: str
    span: str
    better: str
    surely: str


@dataclass(frozen=True)
class ReplayBlock:
    """An outcome with a row for each replay; a row is its label and a cell for each view, or None."""

    label: str
    unit: str
    better: str
    summary: str
    happened: str
    rows: tuple[tuple[str, tuple[ReplayCell | None, ...]], ...]


@dataclass(frozen=True)
class ReplayLine:
    """A replay in words: what is told of it under each view, what is different, and what it leaves out."""

    label: str
    findings: tuple[tuple[str, str], ...]
    description: str
    settings: str
    note: str


@dataclass(frozen=True)
class ReplayView:
    """All that the page shows of history with other levers; `views` are its columns in words."""

    heading: str
    lead: tuple[str, ...]
    courses: tuple[ReplayLine, ...]
    paths: Figure | None
    views: tuple[tuple[str, str], ...]
    main: tuple[ReplayBlock, ...]
    others: tuple[ReplayBlock, ...]
    cannot_tell: tuple[str, ...]


def section(content: ReplayContent) -> ReplayView | None:
    """Return all that the page shows of history with other levers, or None where nothing was replayed."""
    if not content.replays:
        return None
    main = {outcome.id for outcome in rows_of.main_outcomes(content)}
    blocks = [(outcome.id, _block(content, outcome)) for outcome in rows_of.ordered_outcomes(content)]
    return ReplayView(
        words.heading(content),
        words.lead(content),
        tuple(
            ReplayLine(
                course.label,
                words.findings(content, course),
                course.description,
                words.settings_in_words(content, course.id),
                course.note,
            )
            for course in content.replays
        ),
        picture.figure(content),
        tuple((prior, rows_of.VIEWS[prior]) for prior in rows_of.prior_sets(content)),
        tuple(block for name, block in blocks if name in main),
        tuple(block for name, block in blocks if name not in main),
        words.cannot_tell(content),
    )


def _block(content: ReplayContent, outcome: ReplayOutcome) -> ReplayBlock:
    sets = rows_of.prior_sets(content)
    rows, base = [], None
    for course in content.replays:
        found = [rows_of.find(content, course.id, outcome.id, prior) for prior in sets]
        rows.append((course.label, tuple(_cell(each, outcome) for each in found)))
        base = base or found[0]
    happened = ""
    if base is not None:
        factor, unit = unit_of(outcome.unit)
        span = interval(base.happened_q05 * factor, base.happened_q95 * factor)
        span += "%" if unit == "%" else ""
        happened = f"{quantity(base.happened_median, outcome.unit)} (90% interval {span})"
    return ReplayBlock(
        outcome.label,
        unit_of(outcome.unit, difference=True)[1],
        outcome.better,
        summary_in_words(outcome.summary, len(content.months)),
        happened,
        tuple(rows),
    )


def _cell(found: ReplayEffect | None, outcome: ReplayOutcome) -> ReplayCell | None:
    if found is None:
        return None
    effect, kind = rows_of.as_effect(found), rows_of.as_outcome(outcome)
    factor = unit_of(outcome.unit, difference=True)[0]
    read = read_effect(effect, kind)
    p = effect.probability_better
    told = read != "unknown"
    good = (read == "more") == (outcome.better == "higher")
    return ReplayCell(
        signed(effect.median * factor),
        interval(effect.q05 * factor, effect.q95 * factor, difference=True),
        f"{chance(p)}{rows_of.assumed(effect)}" if told else f"can't tell ({percent(p)})",
        ("good" if good else "bad") if told else "open",
    )


def files(content: ReplayContent) -> dict[str, str]:
    """Return the tables that a run leaves beside its report, as CSV text by file name; none without replays."""
    if not content.replays:
        return {}
    bands = ("median", "q05", "q25", "q75", "q95")
    paths: list[tuple[object, ...]] = [
        (path.replay or "happened", kind, path.prior, path.outcome, month, *values)
        for kind, held in (
            ("level", content.happened),
            ("level", content.paths),
            ("difference", content.differences),
        )
        for path in held
        for month, *values in zip(
            content.months, path.median, path.q05, path.q25, path.q75, path.q95, strict=True
        )
    ]
    effects: list[tuple[object, ...]] = [
        (
            *(e.replay, e.prior, e.outcome, e.happened_median, e.happened_q05, e.happened_q95),
            *(e.level_median, e.level_q05, e.level_q95, e.median, e.q05, e.q25, e.q75, e.q95),
            *(e.probability_better, e.prior_probability_better),
        )
        for e in content.effects
    ]
    settings: list[tuple[object, ...]] = [
        (s.replay, s.prior, s.lever, s.unit, s.first_month, s.last_month, s.was, s.would_be, s.stopped)
        for s in content.settings
    ]
    return {
        "replays.csv": csv_text(
            (
                *("replay", "prior", "outcome", "happened_median", "happened_q05", "happened_q95"),
                *("level_median", "level_q05", "level_q95", *(f"difference_{name}" for name in bands)),
                *("probability_better", "probability_better_before_data"),
            ),
            effects,
        ),
        "replay_paths.csv": csv_text(("replay", "kind", "prior", "outcome", "month", *bands), paths),
        "replay_levers.csv": csv_text(
            (
                *("replay", "prior", "lever", "unit", "first_month", "last_month"),
                *("mean_as_it_was", "mean_as_it_would_be", "share_stopped_at_edge"),
            ),
            settings,
        ),
    }
