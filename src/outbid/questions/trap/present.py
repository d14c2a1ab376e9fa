"""Where a course is a trap: tables, the curve along the offer, the section, and the terminal's lines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid.conventions import BEFORE, DATA, NEUTRAL, PRIOR_LABELS, QUANTILES, SOURCES
from outbid.model.vocabulary import Outcome
from outbid.plots.bands import Ribbon, bands
from outbid.plots.base import FOCUS, QUIET, Figure
from outbid.question import Section
from outbid.questions.trap.compute import ANSWERED, FIXED, UNANSWERED
from outbid.questions.trap.schema import Gain, Trap, declare
from outbid.stats.boxes import contour
from outbid.stats.effects import five_digits
from outbid.study import Study
from outbid.words.effects import UNSETTLED, certainty, difference, effect_blocks, is_assumed, reading, views
from outbid.words.numbers import (
    capital,
    clean,
    listed,
    more_or_less,
    percent,
    plain_name,
    two_digits,
    unit_of,
)

# A chance on few draws wanders by this much for no reason.
NOTHING = 0.05
WIDTH, LINES = 100, 10
TODAY = "today"


def tables(data: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return the map cell by cell, its even line, the curve at today's ranks, and where things stand."""
    asked = _asked(study)
    today = data.today.to_dataset("quantile").to_dataframe(["prior", "axis"]).reset_index()
    now, assumed = (data.p_now.sel(data=name, drop=True) for name in DATA)
    frames = {
        "trap_map": _map(data),
        "trap_even_line": five_digits(pd.DataFrame(_even(data)), ("offer", "share", "to_offer", "to_share")),
        "trap_curve": _curve(data, asked, study),
        "trap_now": five_digits(_effects(data.now, now, assumed, asked, study)),
        "trap_today": five_digits(today),
    }
    if "choice" in data:
        chosen = data[["p_below_today", "choice_today", "choice_draws", "player", "lever"]]
        choice = xr.merge([data.choice.to_dataset("quantile"), chosen]).to_dataframe(
            ["prior", "choice_offer"]
        )
        choice = choice.reset_index().rename(
            columns={"choice_offer": "offer", "choice_today": "today", "choice_draws": "draws"}
        )
        keys = ["prior", "player", "lever", "offer", *QUANTILES, "today", "p_below_today", "draws"]
        frames["trap_choice"] = five_digits(choice[keys])
    return frames


def _asked(study: Study) -> Trap:
    asked = declare(study)
    assert asked is not None, "there is no answer without a question"
    return asked


def _map(data: xr.Dataset) -> pd.DataFrame:
    both = xr.merge([data[["p_better", "draws"]], data.effect.to_dataset("quantile")])
    frame = both.to_dataframe(["prior", "gain", "cell"]).reset_index()
    # prior by prior, map by map, gain by gain
    rank = {name: i for i, name in enumerate(dict.fromkeys(data.behaviour.values))}
    place = frame.groupby("prior", sort=False).ngroup() * len(rank) + frame.behaviour.map(rank)
    frame = frame.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)
    keys = ["prior", "gain", "behaviour", "draws", "offer", "share", "p_better", *QUANTILES]
    return five_digits(frame[keys], ("offer", "share", "p_better", *QUANTILES))


def _layer(data: xr.Dataset, behaviour: str) -> xr.Dataset:
    """Return one map as a surface over `share` and `offer`."""
    cells = data.isel(cell=np.flatnonzero(data.behaviour.values == behaviour)).drop_vars("behaviour")
    return cells.set_index(cell=["share", "offer"]).unstack("cell")


def _even(data: xr.Dataset) -> Iterator[dict[str, Any]]:
    """Yield the pieces of the lines on which a gain is as likely as not."""
    layers = {name: _layer(data, name) for name in dict.fromkeys(data.behaviour.values)}
    for prior in data.prior.values:
        for behaviour, layer in layers.items():
            for gain in data.gain.values:
                heights = layer.p_better.sel(prior=prior, gain=gain).transpose("share", "offer").values
                for one, two in contour(layer.offer.values, layer.share.values, heights, 0.5):
                    row = {"prior": prior, "gain": gain, "behaviour": behaviour}
                    yield row | dict(
                        zip(("offer", "share", "to_offer", "to_share"), (*one, *two), strict=True)
                    )


def _curve(data: xr.Dataset, asked: Trap, study: Study) -> pd.DataFrame:
    """Return what the course changes along the offer with today's ranks, by straight lines between cells."""
    parts = []
    for prior in data.prior.values:
        share = float(data.today.sel(prior=prior, axis="share", quantile="median"))
        here = data.sel(prior=[prior])
        after, before = (
            layer.interp(share=min(max(share, layer.share.values[0]), layer.share.values[-1])).drop_vars(
                "share"
            )
            for layer in (_layer(here, FIXED), _layer(here, BEFORE))
        )
        before = before.interp(offer=after.offer)
        parts.append(_effects(after.effect, after.p_better, before.p_better, asked, study))
    return pd.concat(parts, ignore_index=True)


def _effects(
    quantiles: xr.DataArray, after: xr.DataArray, before: xr.DataArray, asked: Trap, study: Study
) -> pd.DataFrame:
    """Return a row an effect, as tables of effects have it, with the gain's id as well as its outcome's."""
    whole = quantiles.to_dataset("quantile").assign(p_better=after, p_better_before=before)
    keys = [name for name in ("prior", "gain", "offer") if name in after.dims]
    frame = whole.reset_coords(drop=True).to_dataframe(keys).reset_index()
    outcomes = {gain.id: _outcome(gain, study) for gain in asked.gain}
    frame["outcome"] = [outcomes[name].name for name in frame.gain]
    pairs = list(zip(frame.p_better, frame.p_better_before, strict=True))
    frame["reading"] = [
        reading(*pair, prior, outcomes[gain].better)
        for pair, prior, gain in zip(pairs, frame.prior, frame.gain, strict=True)
    ]
    frame["assumed"] = [is_assumed(*pair) for pair in pairs]
    return frame[[*keys, "outcome", *QUANTILES, "p_better", "p_better_before", "reading", "assumed"]]


def _outcome(gain: Gain, study: Study) -> Outcome:
    return next(each for each in study.model.outcomes if each.name == gain.outcome)


# in words


def section(data: xr.Dataset, study: Study) -> Section:
    """Return whether a course is a trap, along the offer that is made for it."""
    asked, frames = _asked(study), tables(data, study)
    curve, now = frames["trap_curve"], frames["trap_now"]
    moderating, staying = study.scenario(asked.moderating), study.scenario(asked.staying)
    along = [_going_along(name, *ends) for name, ends in asked.offer.along.items()]
    offers = {TODAY: "As things stand"} | {offer: two_digits(offer) for offer in sorted(set(curve.offer))}
    rows = pd.concat([now.assign(offer=TODAY), curve])
    outcomes = [_outcome(gain, study) for gain in asked.gain]
    draws = frames["trap_map"].groupby("behaviour").draws.max()
    words = {
        "heading": heading(curve, asked, study),
        "moderating": moderating.label,
        "staying": staying.label,
        "months": study.settings.horizon_months,
        "loses": next(gain.loses for gain in asked.gain if gain.id == asked.trap),
        "here": here(now, asked, study),
        "offered": offered(curve, asked, study),
        "answered": answered(data, frames["trap_map"], asked),
        "chosen": chosen(frames),
        "blocks": effect_blocks(
            rows, outcomes, row="offer", rows=offers, months=study.settings.horizon_months
        ),
        "views": views(curve),
        "along": listed(along) if along else "",
        "draws": int(draws[FIXED]),
        "wander": _wander(draws[FIXED]),
        "answer_draws": int(draws.get(ANSWERED, 0)),
        "answer_wander": _wander(draws.get(ANSWERED, 1)),
    }
    figures = (figure(data, curve, asked, study),)
    return Section("trap", "The trap", "questions/trap/section.html.j2", words, frames, figures)


def _going_along(lever: str, low: float, high: float) -> str:
    name = plain_name(lever)
    return f"{name} {low:g} throughout" if low == high else f"{name} from {low:g} to {high:g}"


def _wander(draws: int) -> int:
    """Return the half-width of a 90% interval around one half, in points, for so many draws."""
    return round(100 * 1.645 * 0.5 / math.sqrt(draws))


def _side(row: Any) -> str:
    """Say whether a row of effects tells a gain, a loss or neither."""
    return "unknown" if row.reading == "unknown" else "gain" if row.p_better > 0.5 else "loss"


def _by_view(frame: pd.DataFrame, **keys: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows with these keys by prior set, the texts' view first."""
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    for prior in list(views(frame))[::-1]:
        yield prior, frame[frame.prior == prior]


def heading(curve: pd.DataFrame, asked: Trap, study: Study) -> str:
    """Return whether the course is a trap along the offer, in every view."""
    course, clauses = study.scenario(asked.moderating).course, {}
    for prior, rows in _by_view(curve, gain=asked.trap):
        sides = {_side(row) for row in rows.itertuples()}
        assumed = " (assumed)" if rows.assumed.all() else ""
        clauses[prior] = {
            "loss": f"{course} is a trap whatever is offered{assumed}",
            "gain": f"{course} is no trap whatever is offered{assumed}",
            "unknown": f"it can't be told whether {course} is a trap",
            "loss unknown": f"{course} is a trap under some offers, and it can't be told under others",
            "gain unknown": f"{course} is no trap under some offers, and it can't be told under others",
        }.get(" ".join(sorted(sides)), f"it depends on the offer whether {course} is a trap")
    if len(clauses) > 1 and len(set(clauses.values())) == 1:
        return capital(f"{clauses[SOURCES]}, {PRIOR_LABELS[NEUTRAL]} as well as {PRIOR_LABELS[SOURCES]}")
    return capital("; ".join(f"{PRIOR_LABELS[prior]}, {clause}" for prior, clause in clauses.items()))


def here(now: pd.DataFrame, asked: Trap, study: Study) -> str:
    """Return what the course does as things stand, with no new offer, in every view."""
    course, sentences = study.scenario(asked.moderating).course, []
    for prior, rows in _by_view(now):
        certain, open_ = [], []
        for gain, (_, row) in zip(asked.gain, rows.iterrows(), strict=True):
            side, p = _side(row), row.p_better
            if side == "unknown":
                open_.append(gain.label.lower())
            else:
                words, chance = (gain.gains, p) if side == "gain" else (gain.loses, 1 - p)
                certain.append(f"{words} ({certainty(dict(row), chance)})")
        parts = [f"{course} {listed(certain)}"] if certain else []
        parts += [f"a gain can't be told from a loss of {listed(open_, 'or')}"] if open_ else []
        sentences.append(f"{PRIOR_LABELS[prior]}, {'; '.join(parts)}.")
    return f"As things stand, {' '.join([sentences[0], *map(capital, sentences[1:])])}"


def offered(curve: pd.DataFrame, asked: Trap, study: Study) -> list[str]:
    """Return whether an offer leads out of the trap, a sentence a view."""
    gain, sentences = next(each for each in asked.gain if each.id == asked.trap), []
    unit, outcome = _outcome(gain, study).unit, plain_name(gain.outcome)
    for prior, rows in _by_view(curve, gain=asked.trap):
        first, last = rows.iloc[0], rows.iloc[-1]
        least, most = (more_or_less(row["median"], unit) for row in (first, last))
        if set(rows.reading) == {"unknown"}:
            clause = "no offer makes a difference that could be told"
        elif (first.p_better < 0.5) == (last.p_better < 0.5):
            way = "out of it" if first.p_better < 0.5 else "into it"
            clause = (
                f"no offer leads {way}: from the smallest to the largest, the median difference in {outcome} "
            )
            clause += f"goes from {least} to {most}"
        else:
            way = "out of it" if last.p_better >= 0.5 else "into it"
            clause = f"a larger offer leads {way}, at about {two_digits(crossing(rows))}: the chance that it "
            clause += f"{gain.gains} goes from {percent(first.p_better)} to {percent(last.p_better)}"
        sentences.append(f"{capital(PRIOR_LABELS[prior])}, {clause}.")
    return sentences


def crossing(rows: pd.DataFrame) -> float:
    """Return the smallest offer at which a gain is as likely as not; not a number if there is none."""
    above, offers, p = rows.p_better >= 0.5, rows.offer.to_numpy(), rows.p_better.to_numpy()
    turns = np.flatnonzero(np.diff(above))
    if not len(turns):
        return math.nan
    i = turns[0]
    return float(offers[i] + (offers[i + 1] - offers[i]) * (0.5 - p[i]) / (p[i + 1] - p[i]))


def answered(data: xr.Dataset, cells: pd.DataFrame, asked: Trap) -> str:
    """Return whether it makes a difference that the other players answer; empty where nobody does."""
    if ANSWERED not in data.behaviour.values:
        return ""
    who = listed([f"the {name}" for name in str(data.answering.values[0]).split(", ")])
    opening = f"if {who} answers by its equilibrium instead of keeping to its habits"
    one, other = (
        cells[cells.behaviour == name].set_index(["prior", "gain", "share", "offer"]).p_better
        for name in (ANSWERED, UNANSWERED)
    )
    shift, labels, parts = one - other, {gain.id: gain.label.lower() for gain in asked.gain}, []
    most = shift.abs().max()
    if most <= NOTHING:
        size = f"by more than {max(1, round(100 * most))} points" if most > 0 else "at all"
        return f"It changes little {opening}: no chance on the map moves {size}, on the same draws."
    for prior, own in shift.groupby("prior", sort=False):
        place: Any = own.abs().idxmax()
        points = (
            f"{abs(own[place]) * 100:.0f} points ({labels[place[1]]}, {'up' if own[place] > 0 else 'down'})"
        )
        parts.append(f"{PRIOR_LABELS[str(prior)]} by up to {points}")
    return f"{capital(opening)}, chances move {listed(parts)}, on the same draws."


def chosen(frames: Mapping[str, pd.DataFrame]) -> str:
    """Return whether an offer makes the player open up of its own accord; empty without a game."""
    if "trap_choice" not in frames:
        return ""
    choice, parts = frames["trap_choice"], []
    for prior, rows in _by_view(choice):
        first, last = rows.iloc[0], rows.iloc[-1]
        if rows.p_below_today.between(*UNSETTLED).all():
            parts.append(f"{capital(PRIOR_LABELS[prior])}, that can't be told under any offer.")
            continue
        parts.append(
            f"{capital(PRIOR_LABELS[prior])}, the chance that its {plain_name(first.lever)} falls below today's "
            f"{two_digits(first.today)} is {percent(first.p_below_today)} under the smallest offer and "
            f"{percent(last.p_below_today)} under the largest (medians {two_digits(first['median'])} and "
            f"{two_digits(last['median'])}; {first.draws} draws)."
        )
    return " ".join([f"Would the {choice.player.iloc[0]} open up of its own accord?", *parts])


def figure(data: xr.Dataset, curve: pd.DataFrame, asked: Trap, study: Study) -> Figure:
    """Draw the difference along the offer, a panel for each gain, with a band for each view."""
    panels, parts, said = {}, [], [f"{heading(curve, asked, study)}."]
    for gain in asked.gain:
        outcome = _outcome(gain, study)
        factor, unit = unit_of(outcome.unit, difference=True)
        title = f"{gain.label}: {outcome.label}" if gain.label != outcome.label else gain.label
        panels[gain.id] = (title, f"{unit}, {outcome.better} is better".lstrip(", "))
        rows = curve[curve.gain == gain.id]
        parts.append(rows.assign(**{name: rows[name] * factor for name in QUANTILES}))
        for prior, own in _by_view(rows):
            ends = [difference(dict(own.iloc[i]), outcome.unit) for i in (0, -1)]
            said.append(
                f"{gain.label}, {PRIOR_LABELS[prior]}: {ends[0]} at the smallest offer, {ends[1]} at the largest."
            )
    today = two_digits(float(data.today.sel(axis="offer", quantile="median")[0]))
    moderating, staying = (study.scenario(name).label for name in (asked.moderating, asked.staying))
    colours = {NEUTRAL: ("grey", QUIET), SOURCES: ("in colour", FOCUS)}
    key = "; ".join(f"{colours[name][0]}, {PRIOR_LABELS[name]}" for name in views(curve))
    return bands(
        "trap",
        pd.concat(parts),
        panels=panels,
        panel="gain",
        x="offer",
        x_title=asked.offer.label,
        ribbons=[Ribbon(f"datum.prior === '{name}'", colours[name][1], inner=True) for name in views(curve)],
        zero="true",
        columns=len(panels),
        caption=(
            f"What “{moderating}” changes against “{staying}”, with the same offer in both and today's ranks: median, "
            f"middle half and 90% interval. {capital(key)}. Today's offer is {today}."
        ),
        source="The model's scenarios over its posterior draws, the same draws and shocks at every offer.",
        alternative=" ".join(said),
    )


def summary(data: xr.Dataset, study: Study) -> dict[str, Any]:
    """Return nothing for summary.json: the tables have it."""
    return {}


def lines(data: xr.Dataset, study: Study) -> tuple[str, ...]:
    """Return the terminal's answer, at most ten lines."""
    asked, frames = _asked(study), tables(data, study)
    curve = frames["trap_curve"]
    said = [f"{heading(curve, asked, study)}.", here(frames["trap_now"], asked, study)]
    said += [*offered(curve, asked, study), answered(data, frames["trap_map"], asked)]
    return tuple([line for each in said if each for line in textwrap.wrap(clean(each), WIDTH)][:LINES])
