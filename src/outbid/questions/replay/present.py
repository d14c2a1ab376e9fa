"""What the past under other levers says: tables, figure, section, terminal lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, NEUTRAL, QUANTILES
from outbid.model.vocabulary import Outcome
from outbid.plots.bands import Ribbon, bands, in_units, panels
from outbid.plots.base import DAYS_A_MONTH, FOCUS, QUIET, Control, Figure
from outbid.question import Section
from outbid.questions.replay.schema import Replay, Replays
from outbid.simulate.futures import directions
from outbid.stats.effects import beside, effects, five_digits, lost_draws, tabled
from outbid.study import Study
from outbid.words.effects import (
    ASSUMED,
    ASSUMED_MARK,
    Effect,
    chance_word,
    effect_blocks,
    effect_lines,
    ends_in_words,
    headline,
    records,
    views,
)
from outbid.words.numbers import month_name, percent, plain_name, two_digits

UNKNOWN = "which way anything would have gone can't be told"


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return replays (effects, with the levels that they come from), replay_paths and replay_levers."""
    frame = effects(dataset.difference, directions(study.model.outcomes))
    for name in ("level", "happened"):
        frame = beside(frame, name, dataset[name].to_dataset("quantile")[["q05", "median", "q95"]])
    numbers = [str(each) for each in frame if "q" in str(each) or "median" in str(each)]
    happened = tabled(dataset.happened_path, ["prior", "outcome", "month"])
    path = tabled(dataset.path, ["kind", "replay", "prior", "outcome", "month"])
    path = pd.concat([happened.assign(replay="happened", kind="level"), path], ignore_index=True)
    return {
        "replays": five_digits(frame, numbers),
        "replay_paths": five_digits(path[["replay", "kind", "prior", "outcome", "month", *QUANTILES]]),
        "replay_levers": _levers(dataset, study),
    }


def _replays(study: Study) -> Sequence[Replay]:
    asked: Replays = study.declared["replay"]
    return asked.replay


def _levers(dataset: xr.Dataset, study: Study) -> pd.DataFrame:
    """Return what each replay does to the levers that it changes."""
    months = study.panel.window.months
    frame = tabled(dataset.levers.to_dataset("mean"), ["replay", "prior", "lever"]).dropna(ignore_index=True)
    spans = {(r.id, name): r.places(name, months) for r in _replays(study) for name in r.levers}
    at = [spans[key] for key in zip(frame["replay"], frame["lever"], strict=True)]
    return frame.assign(
        unit=[study.model.lever(name).unit for name in frame["lever"]],
        first_month=[months[each.min()] for each in at],
        last_month=[months[each.max()] for each in at],
    )


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return the section, headed by what the first replay would have done to the first main outcome."""
    made, replays, main = tables(dataset, study), _replays(study), study.main_outcomes
    table, months = made["replays"], [month_name(str(each)) for each in dataset.month.values]
    answered = table[table["outcome"].isin([each.name for each in main])]
    alone = answered[answered["prior"] == NEUTRAL]
    known = alone[alone["reading"] != "unknown"]
    words: dict[str, Any] = {
        "heading": heading(table, replays[0], main[0]),
        "first": months[0],
        "last": months[-1],
        "differences": len(alone),
        "known": len(known),
        "assumed": int(known["assumed"].sum()),
        "views": views(table),
        "replays": [
            (each, _findings(answered, each, main), _changes(made["replay_levers"], each)) for each in replays
        ],
        "blocks": effect_blocks(
            table,
            list(dict.fromkeys((*main, *study.model.outcomes))),
            row="replay",
            rows={each.id: each.label for each in replays},
            months=len(months),
            beside=("What happened", "happened", replays[0].id),
        ),
    }
    drawing = figure(dataset, study, made["replay_paths"], words["heading"])
    return Section("replay", "Replays", "questions/replay/section.html.j2", words, made, (drawing,))


def heading(table: pd.DataFrame, replay: Replay, outcome: Outcome) -> str:
    """Return in one sentence what a replay would have done to an outcome, under each view."""
    rows = table[(table["replay"] == replay.id) & (table["outcome"] == outcome.name)]
    return headline(rows, outcome.had_clause, replay.opening)


def _findings(table: pd.DataFrame, replay: Replay, outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Return under each view what would have been more or less, and that of the rest nothing can be told."""
    found = {(row["prior"], row["outcome"]): row for row in records(table[table["replay"] == replay.id])}
    result = []
    for prior, view in views(table).items():
        rows = [(each, found[prior, each.name]) for each in outcomes]
        told = [f"{o.brief(row['reading'])} ({_sure(row)})" for o, row in rows if row["reading"] != "unknown"]
        rest = "" if len(told) == len(rows) else "; of the rest nothing can be told"
        result.append((view, ", ".join(told) + rest if told else UNKNOWN))
    return result


def _sure(row: Effect) -> str:
    p = row["p_better"]
    return f"{ASSUMED_MARK} {ASSUMED}" if row["assumed"] else chance_word(max(p, 1 - p))


def _changes(levers: pd.DataFrame, replay: Replay) -> str:
    """Return what a replay does to its levers; of two views' numbers, the range."""
    said = []
    for name, rows in levers[levers["replay"] == replay.id].groupby("lever", sort=False):
        was, would = (
            " to ".join(dict.fromkeys(map(two_digits, rows[column])))
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
    prior, view = list(views(path).items())[-1]
    controls = (
        Control("replay_view", "Priors", dict(reversed(views(path).items()))),
        Control("replay", "Replay", {each.id: each.label for each in replays}),
        Control("replay_shown", "Show", {"difference": "the difference", "level": "both courses"}),
    )
    same, both = "datum.prior === replay_view", "replay_shown === 'level'"
    chosen = f"{same} && datum.replay === replay && datum.kind === replay_shown"
    first = {"replay": replays[0].id, "kind": "difference", "prior": prior, "month": last}
    ends = path[(path[list(first)] == pd.Series(first)).all(axis=1)]
    return bands(
        "replay",
        in_units(pd.concat([path, published(dataset, study)]), main),
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
        alternative=f"{title}. Shown first: “{replays[0].label}” less what happened, {view}, 90% intervals in "
        f"{month_name(last)}. {ends_in_words(ends, main, difference=True)}",
    )


def published(dataset: xr.Dataset, study: Study) -> pd.DataFrame:
    """Return the used figures of every series that observes just an outcome, at their monthly rate or level."""
    window, rows = study.panel.window, []
    for (outcome, name), same in dataset.observes.isel(prior=0).to_series().items():
        series = study.panel.series.get(name)
        if series is None or not same:
            continue
        for each in series.used:
            days = (each.end - each.start).days + 1
            if each.except_start is not None and each.except_end is not None:
                days -= (each.except_end - each.except_start).days + 1
            months = 1.0 if series.kind == "level" else days / DAYS_A_MONTH
            start, end = max(each.start, window.first_day), min(each.end, window.last_day)
            numbers = [
                None if value is None else value / months for value in (each.value, each.low, each.high)
            ]
            rows.append((outcome, name, start.isoformat(), end.isoformat(), *numbers, each.source))
    columns = ["outcome", "series", "start", "end", "value", "low", "high", "source"]
    frame = pd.DataFrame(rows, columns=columns).assign(kind="figure", used=True)
    # where only a floor or a ceiling is known, that is all there is to draw
    return frame.assign(low=frame["low"].fillna(frame["high"]), high=frame["high"].fillna(frame["low"]))


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal."""
    table, replays, outcome = tables(dataset, study)["replays"], _replays(study), study.main_outcomes[0]
    return effect_lines(
        heading(table, replays[0], outcome),
        table,
        outcome,
        {each.id: each.label for each in replays},
        row="replay",
        against="what happened",
        months=len(dataset.month),
    )


def problems(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return what is no number in some draws of which replays."""
    labels = {each.id: each.label for each in study.declared["replay"].replay}
    return lost_draws(dataset.difference.sel(data=AFTER, drop=True), labels | study.outcome_labels)
