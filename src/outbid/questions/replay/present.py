"""What the past under other levers says: tables, figure, section, terminal lines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import NEUTRAL, QUANTILES
from outbid.data.panel import Record
from outbid.model.vocabulary import Outcome
from outbid.plots.bands import Ribbon, bands, in_units, panels
from outbid.plots.base import FOCUS, QUIET, Control, Figure
from outbid.question import Section
from outbid.questions.replay.schema import Replay, declare
from outbid.stats.effects import effects, five_digits
from outbid.study import Study
from outbid.words.effects import (
    ASSUMED,
    ASSUMED_MARK,
    Effect,
    chance_word,
    contrast,
    effect_blocks,
    level,
    records,
    shortly,
    views,
)
from outbid.words.numbers import (
    clean,
    interval,
    month_name,
    percent,
    plain_name,
    shorten,
    summary_in_words,
    two_digits,
)

DAYS_A_MONTH = 365.25 / 12
WIDTH, LINES = 100, 10
UNKNOWN = "which way anything would have gone can't be told"


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return replays (effects, with the levels that they come from), replay_paths and replay_levers."""
    better = xr.DataArray([each.better for each in study.model.outcomes], dims="outcome")
    frame = effects(dataset.difference, better.assign_coords(outcome=dataset.outcome))
    keys = ["replay", "prior", "outcome"]
    for name in ("level", "happened"):
        levels = _quantiles(dataset[name])[
            [*(k for k in keys if k in dataset[name].dims), "q05", "median", "q95"]
        ]
        renamed = {q: f"{name}_{q}" for q in ("q05", "median", "q95")}
        frame = frame.merge(levels.rename(columns=renamed), how="left", sort=False)
    numbers = [str(each) for each in frame if "q" in str(each) or "median" in str(each)]
    happened = _quantiles(dataset.happened_path).assign(replay="happened", kind="level")
    path = pd.concat([happened, _quantiles(dataset.path)], ignore_index=True)
    return {
        "replays": five_digits(frame, numbers),
        "replay_paths": five_digits(path[["replay", "kind", "prior", "outcome", "month", *QUANTILES]]),
        "replay_levers": _levers(dataset, study),
    }


def _quantiles(values: xr.DataArray) -> pd.DataFrame:
    keys = [name for name in ("kind", "replay", "prior", "outcome", "month") if name in values.dims]
    return values.to_dataset("quantile").to_dataframe(dim_order=keys).reset_index()


def _levers(dataset: xr.Dataset, study: Study) -> pd.DataFrame:
    """Return what each replay does to the levers that it changes."""
    months = study.panel.window.months
    frame: pd.DataFrame = dataset.levers.to_dataset("mean").to_dataframe(
        dim_order=["replay", "prior", "lever"]
    )
    frame = frame.dropna().reset_index()
    spans = {(r.id, name): r.places(name, months) for r in _replays(study) for name in r.levers}
    at = [spans[key] for key in zip(frame["replay"], frame["lever"], strict=True)]
    return frame.assign(
        unit=[study.model.lever(name).unit for name in frame["lever"]],
        first_month=[months[each.min()] for each in at],
        last_month=[months[each.max()] for each in at],
    )


def _replays(study: Study) -> tuple[Replay, ...]:
    asked = declare(study)
    return asked.replay if asked else ()


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return the section, headed by what the first replay would have done to the first main outcome."""
    made, replays, main = tables(dataset, study), _replays(study), study.main_outcomes
    table, happened = made["replays"], records(_quantiles(dataset.happened.isel(prior=0)))
    labels = {each.id: each.label for each in replays}
    outcomes = (*main, *(each for each in study.model.outcomes if each not in main))
    units = {each.name: each.unit for each in outcomes}
    notes = {row["outcome"]: f"What happened: {level(row, units[row['outcome']])}." for row in happened}
    answered = table[table["outcome"].isin([each.name for each in main])]
    alone = answered[answered["prior"] == NEUTRAL]
    known = alone[alone["reading"] != "unknown"]
    words: dict[str, Any] = {
        "heading": heading(table, replays[0], main[0]),
        "first": month_name(str(dataset.month.values[0])),
        "last": month_name(str(dataset.month.values[-1])),
        "differences": len(alone),
        "known": len(known),
        "assumed": int(known["assumed"].sum()),
        "views": views(table),
        "replays": [
            (each, _findings(answered, each, main), _changes(made["replay_levers"], each)) for each in replays
        ],
        "blocks": effect_blocks(
            table, outcomes, row="replay", rows=labels, months=len(dataset.month), notes=notes
        ),
    }
    drawing = figure(dataset, study, made["replay_paths"], words["heading"])
    return Section("replay", "Replays", "questions/replay/section.html.j2", words, made, (drawing,))


def heading(table: pd.DataFrame, replay: Replay, outcome: Outcome) -> str:
    """Return in one sentence what a replay would have done to an outcome, under each view."""
    rows = table[(table["replay"] == replay.id) & (table["outcome"] == outcome.name)]
    clauses = {reading: outcome.had_clause(reading) for reading in ("more", "less", "unknown")}
    return contrast(clauses, dict(zip(rows["prior"], rows["reading"], strict=True)), replay.opening)


def _findings(table: pd.DataFrame, replay: Replay, outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Return under each view what would have been more or less, and that of the rest nothing can be told."""
    found = {(row["prior"], row["outcome"]): row for row in records(table[table["replay"] == replay.id])}
    result = []
    for prior, view in views(table).items():
        rows = [(each, found[prior, each.name]) for each in outcomes]
        phrases = [
            f"{o.brief(row['reading'])} ({_sure(row)})" for o, row in rows if row["reading"] != "unknown"
        ]
        rest = "" if len(phrases) == len(rows) else "; of the rest nothing can be told"
        result.append((view, ", ".join(phrases) + rest if phrases else UNKNOWN))
    return result


def _sure(row: Effect) -> str:
    p = row["p_better"]
    return f"{ASSUMED_MARK} {ASSUMED}" if row["assumed"] else chance_word(max(p, 1 - p))


def _changes(levers: pd.DataFrame, replay: Replay) -> str:
    """Return what a replay does to its levers; of two views' numbers, the range."""
    said = []
    for name, rows in levers[levers["replay"] == replay.id].groupby("lever", sort=False):
        was, would = (
            " to ".join(dict.fromkeys(two_digits(value) for value in rows[column]))
            for column in ("as_it_was", "as_it_would_be")
        )
        stops = rows["share_stopped"].max()
        edge = f" (it stops at the edge of its range in {percent(stops)} of draws)" if stops > 0 else ""
        start = month_name(rows["first_month"].iloc[0])
        said.append(f"{plain_name(str(name))} {would} instead of {was} on average, from {start} on{edge}")
    return "; ".join(said)


def figure(dataset: xr.Dataset, study: Study, path: pd.DataFrame, title: str) -> Figure:
    """Draw each main outcome: the difference that a replay makes, or both courses with the published figures."""
    main, replays, last = study.main_outcomes, _replays(study), str(dataset.month.values[-1])
    found = views(path)
    controls = (
        Control("replay_view", "Priors", dict(reversed(found.items()))),
        Control("replay", "Replay", {each.id: each.label for each in replays}),
        Control("replay_shown", "Show", {"difference": "the difference", "level": "both courses"}),
    )
    same, both = "datum.prior === replay_view", "replay_shown === 'level'"
    chosen = f"{same} && datum.replay === replay && datum.kind === replay_shown"
    rows = pd.concat(
        [in_units(path, main), in_units(published(dataset, study), main, ("value", "low", "high"))]
    )
    first = (path["month"] == last) & (path["replay"] == replays[0].id) & (path["kind"] == "difference")
    ends = {row["outcome"]: row for row in records(path[first & (path["prior"] == controls[0].value)])}
    said = [
        f"{o.label}: {interval(ends[o.name]['q05'], ends[o.name]['q95'], o.unit, difference=True)}."
        for o in main
    ]
    return bands(
        "replay",
        rows,
        panels=panels(main),
        ribbons=(
            Ribbon(f"{same} && datum.replay === 'happened' && {both}", QUIET, "dashed"),
            Ribbon(chosen, FOCUS),
        ),
        zero=f"{chosen} && datum.kind === 'difference'",
        figures=f"datum.kind === 'figure' && {both}",
        controls=controls,
        caption="The replay less what happened, draw by draw: medians and 90% bands. “Both courses” shows the replay "
        "beside what happened as the model infers it, dashed, and published figures at their monthly rate or level; "
        "the bands are wide, since what is uncertain of the level is so in both alike.",
        source="The inferred past over its posterior draws, and the same draws with other levers.",
        alternative=f"{title}. Shown first: “{replays[0].label}” less what happened, {found[controls[0].value]}, 90% "
        f"intervals in {month_name(last)}. {' '.join(said)}",
    )


def published(dataset: xr.Dataset, study: Study) -> pd.DataFrame:
    """Return the used figures of every series that observes just an outcome, at their monthly rate or level."""
    window, rows = study.panel.window, []
    observes = dataset.observes.isel(prior=0)
    pairs = [(o, s) for o in observes["outcome"].values for s in observes["series"].values]
    for outcome, name in ((str(o), str(s)) for o, s in pairs if bool(observes.sel(outcome=o, series=s))):
        for each in study.panel.series[name].records if name in study.panel.series else ():
            if each.used:
                months = 1.0 if study.panel.series[name].kind == "level" else _days(each) / DAYS_A_MONTH
                # where only a floor or a ceiling is known, that is all there is to draw
                ends = (
                    each.value,
                    each.low if each.high is None else each.high,
                    each.high if each.low is None else each.low,
                )
                value, high, low = (None if end is None else end / months for end in ends)
                start, end = max(each.start, window.first_day), min(each.end, window.last_day)
                rows.append(
                    (outcome, name, start.isoformat(), end.isoformat(), value, low, high, each.source)
                )
    columns = ["outcome", "series", "start", "end", "value", "low", "high", "source"]
    return pd.DataFrame(rows, columns=columns).assign(kind="figure", used=True)


def _days(record: Record) -> int:
    """Return how many days a figure speaks of."""
    days = (record.end - record.start).days + 1
    if record.except_start is None or record.except_end is None:
        return days
    return days - (record.except_end - record.except_start).days - 1


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters."""
    table, replays, outcome = tables(dataset, study)["replays"], _replays(study), study.main_outcomes[0]
    out = textwrap.wrap(clean(f"{heading(table, replays[0], outcome)}."), WIDTH)[:3]
    about = summary_in_words(outcome.summary, len(dataset.month))
    out.append(f"{outcome.label} ({about}) against what happened, {' | '.join(views(table).values())}:")
    rows = table[table["outcome"] == outcome.name]
    for each in replays:
        own = records(rows[rows["replay"] == each.id])
        out.append(f"{each.label}: {' | '.join(shortly(row, outcome) for row in own)}")
    return [shorten(line, WIDTH) for line in out[:LINES]]
