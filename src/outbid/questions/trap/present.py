"""Where a course is a trap: tables, the curve along the offer, the section, and the terminal's lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid.conventions import AFTER, BEFORE, NEUTRAL, PRIOR_LABELS, QUANTILES, SOURCES
from outbid.model.vocabulary import mid_sentence
from outbid.plots.bands import Ribbon, bands, in_units
from outbid.plots.base import FOCUS, QUIET, Figure
from outbid.question import Section
from outbid.questions.trap.compute import ANSWERED, FIXED, UNANSWERED
from outbid.questions.trap.schema import Trap
from outbid.stats.boxes import contour
from outbid.stats.effects import EFFECT_COLUMNS, five_digits, readings, tabled
from outbid.study import Study
from outbid.words.effects import UNSETTLED, certainty, difference, effect_blocks, records, views
from outbid.words.numbers import (
    capital,
    listed,
    more_or_less,
    paragraphs,
    percent,
    plain_name,
    two_digits,
    unit_of,
)

# A chance on few draws wanders by this much for no reason.
NOTHING = 0.05
TODAY = "today"
COLOURS = {NEUTRAL: ("grey", QUIET), SOURCES: ("in colour", FOCUS)}


def tables(data: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return the map cell by cell, its even line, the curve at today's ranks, and where things stand."""
    asked: Trap = study.declared["trap"]
    p_now = data.p_now.to_dataset("data").rename({AFTER: "p_better", BEFORE: "p_better_before"})
    frames = {
        "trap_map": _map(data),
        "trap_even_line": five_digits(pd.DataFrame(_even(data)), ("offer", "share", "to_offer", "to_share")),
        "trap_curve": _effects(_curve(data, asked), asked, study),
        "trap_now": five_digits(_effects(p_now.assign(effect=data.now), asked, study)),
        "trap_today": five_digits(tabled(data.today, ["prior", "axis"])),
    }
    if "choice" in data:
        names = {"choice_offer": "offer", "choice_today": "today", "choice_draws": "draws"}
        own = data[["choice", "player", "lever", "choice_today", "p_below_today", "choice_draws"]]
        choice = tabled(_widened(own.rename(names), "choice"), ["prior", "offer"])
        keys = ["prior", "player", "lever", "offer", *QUANTILES, "today", "p_below_today", "draws"]
        frames["trap_choice"] = five_digits(choice[keys])
    return frames


def _widened(data: xr.Dataset, name: str) -> xr.Dataset:
    """Return data with the quantiles of one variable as variables instead of it."""
    return xr.merge([data.drop_vars([name, "quantile"]), data[name].to_dataset("quantile")])


def _map(data: xr.Dataset) -> pd.DataFrame:
    numbers = ("offer", "share", "p_better", *QUANTILES)
    cells = _widened(data[["p_better", "draws", "effect"]], "effect").reset_coords()
    frame = tabled(cells, ["prior", "gain", "cell"])[["prior", "gain", "behaviour", "draws", *numbers]]
    # prior by prior, map by map, gain by gain
    order = np.lexsort([pd.factorize(frame[name])[0] for name in ("gain", "behaviour", "prior")])
    return five_digits(frame.iloc[order].reset_index(drop=True), numbers)


def _layer(data: xr.Dataset, behaviour: str) -> xr.Dataset:
    """Return one map as a surface over `share` and `offer`."""
    cells = data.isel(cell=np.flatnonzero(data.behaviour.values == behaviour)).drop_vars("behaviour")
    return cells.set_index(cell=["share", "offer"]).unstack("cell")


def _even(data: xr.Dataset) -> Iterator[dict[str, Any]]:
    """Yield the pieces of the lines on which a gain is as likely as not."""
    layers = {name: _layer(data, name) for name in dict.fromkeys(data.behaviour.values)}
    for prior, (behaviour, layer), gain in product(data.prior.values, layers.items(), data.gain.values):
        heights = layer.p_better.sel(prior=prior, gain=gain).transpose("share", "offer").values
        for (x, y), (to_x, to_y) in contour(layer.offer.values, layer.share.values, heights, 0.5):
            ends = {"offer": x, "share": y, "to_offer": to_x, "to_share": to_y}
            yield {"prior": prior, "gain": gain, "behaviour": behaviour, **ends}


def _curve(data: xr.Dataset, asked: Trap) -> xr.Dataset:
    """Return what the course changes along the offer with today's ranks, by straight lines between cells."""
    parts = []
    for prior in data.prior.values:
        share = data.today.sel(prior=prior, axis="share", quantile="median").item()
        share = min(max(share, asked.split.low), asked.split.high)
        here = data[["effect", "p_better"]].sel(prior=[prior])
        after, before = (
            _layer(here, name).interp(share=share).drop_vars("share") for name in (FIXED, BEFORE)
        )
        parts.append(after.assign(p_better_before=before.p_better.interp(offer=after.offer)))
    return xr.concat(parts, "prior")


def _effects(found: xr.Dataset, asked: Trap, study: Study) -> pd.DataFrame:
    """Return a row an effect, as tables of effects have it, with the gain's id as well as its outcome's."""
    outcomes = asked.outcomes(study.model)
    keys = [name for name in ("prior", "gain", "offer") if name in found.dims]
    frame = tabled(_widened(found, "effect"), keys)
    frame["outcome"] = [outcomes[gain].name for gain in frame.gain]
    better = [outcomes[gain].better for gain in frame.gain]
    return readings(frame, better)[[*keys, "outcome", *EFFECT_COLUMNS]]


def section(data: xr.Dataset, study: Study) -> Section:
    """Return whether a course is a trap, along the offer that is made for it."""
    said = Sentences(data, study)
    asked, curve, months = said.asked, said.curve, study.settings.horizon_months
    offers = {TODAY: "As things stand"} | {offer: two_digits(offer) for offer in sorted(set(curve.offer))}
    rows = pd.concat([said.frames["trap_now"].assign(offer=TODAY), curve])
    outcomes = list(asked.outcomes(study.model).values())
    draws = said.frames["trap_map"].groupby("behaviour").draws.max()
    words = {
        "said": said,
        "months": months,
        "blocks": effect_blocks(rows, outcomes, row="offer", rows=offers, months=months),
        "views": views(curve),
        "along": listed([_going_along(name, *ends) for name, ends in asked.offer.along.items()]),
        # with the half-width of a 90% interval around one half, in points
        "draws": {
            name: (count, round(100 * 1.645 * 0.5 / math.sqrt(count))) for name, count in draws.items()
        },
    }
    figures = (figure(said, study),)
    return Section("trap", "The trap", "questions/trap/section.html.j2", words, said.frames, figures)


def _going_along(lever: str, low: float, high: float) -> str:
    name = plain_name(lever)
    return f"{name} {low:g} throughout" if low == high else f"{name} from {low:g} to {high:g}"


def _side(row: Mapping[str, Any]) -> str:
    """Say whether a row of effects tells a gain, a loss or neither."""
    return "unknown" if row["reading"] == "unknown" else "gain" if row["p_better"] > 0.5 else "loss"


def _by_view(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each view's name and rows, the texts' view first."""
    for prior, view in reversed(views(frame).items()):
        yield view, frame[frame.prior == prior]


class Sentences:
    """What the section and the terminal say of the answer."""

    def __init__(self, data: xr.Dataset, study: Study) -> None:
        self.asked: Trap = study.declared["trap"]
        self.data, self.frames = data, tables(data, study)
        self.moderating, self.staying = map(study.scenario, (self.asked.moderating, self.asked.staying))
        self.curve, self.course = self.frames["trap_curve"], self.moderating.course
        self.trap = next(gain for gain in self.asked.gain if gain.id == self.asked.trap)
        self.along = self.curve[self.curve.gain == self.trap.id]
        self.unit = self.asked.outcomes(study.model)[self.trap.id].unit

    def heading(self) -> str:
        """Return whether the course is a trap along the offer, in every view."""
        course, clauses = self.course, {}
        for view, rows in _by_view(self.along):
            sides = {_side(row) for row in records(rows)}
            assumed = " (assumed)" if rows.assumed.all() else ""
            clauses[view] = {
                "loss": f"{course} is a trap whatever is offered{assumed}",
                "gain": f"{course} is no trap whatever is offered{assumed}",
                "unknown": f"it can't be told whether {course} is a trap",
                "loss unknown": f"{course} is a trap under some offers, and it can't be told under others",
                "gain unknown": f"{course} is no trap under some offers, and it can't be told under others",
            }.get(" ".join(sorted(sides)), f"it depends on the offer whether {course} is a trap")
        first, *others = clauses
        if others and len(set(clauses.values())) == 1:
            return capital(f"{clauses[first]}, {others[0]} as well as {first}")
        return capital("; ".join(f"{view}, {clause}" for view, clause in clauses.items()))

    def here(self) -> str:
        """Return what the course does as things stand, with no new offer, in every view."""
        sentences = []
        for view, rows in _by_view(self.frames["trap_now"]):
            certain, open_ = [], []
            for gain, row in zip(self.asked.gain, records(rows), strict=True):
                if (side := _side(row)) == "unknown":
                    open_.append(mid_sentence(gain.label))
                else:
                    words, p = (gain.gains, None) if side == "gain" else (gain.loses, 1 - row["p_better"])
                    certain.append(f"{words} ({certainty(row, p)})")
            parts = [f"{self.course} {listed(certain)}"] if certain else []
            parts += [f"a gain can't be told from a loss of {listed(open_, 'or')}"] if open_ else []
            sentences.append(f"{view}, {'; '.join(parts)}.")
        return f"As things stand, {' '.join([sentences[0], *map(capital, sentences[1:])])}"

    def offered(self) -> list[str]:
        """Return whether an offer leads out of the trap, a sentence a view."""
        sentences = []
        for view, rows in _by_view(self.along):
            likely, ends = rows.p_better.iloc[[0, -1]] >= 0.5, rows["median"].iloc[[0, -1]]
            least, most = (more_or_less(median, self.unit) for median in ends)
            clause = "no offer makes a difference that could be told"
            if set(rows.reading) != {"unknown"}:
                turns = likely.iloc[0] != likely.iloc[1]
                way = "out of it" if likely.iloc[1] == turns else "into it"
                clause = f"a larger offer leads {way}, at about {two_digits(crossing(rows))}"
                clause = clause if turns else f"no offer leads {way}"
                clause += ": from the smallest to the largest, the median difference in "
                clause += f"{plain_name(self.trap.outcome)} goes from {least} to {most}"
            sentences.append(f"{capital(view)}, {clause}.")
        return sentences

    def answered(self) -> str:
        """Return whether it makes a difference that the other players answer; empty where nobody does."""
        if ANSWERED not in self.data.behaviour.values:
            return ""
        who = listed([f"the {name}" for name in str(self.data.answering.values[0]).split(", ")])
        opening = f"if {who} answers by its equilibrium instead of keeping to its habits"
        cells = self.frames["trap_map"].set_index(["behaviour", "prior", "gain", "share", "offer"]).p_better
        shift = cells[ANSWERED] - cells[UNANSWERED]
        most = shift.abs().max()
        if most <= NOTHING:
            size = f"no chance on the map moves by more than {max(1, round(100 * most))} points"
            return f"It changes little {opening}: {size}, on the same draws."
        labels, parts = {gain.id: mid_sentence(gain.label) for gain in self.asked.gain}, []
        for prior, own in shift.groupby("prior", sort=False):
            place: Any = own.abs().idxmax()
            what = f"{labels[place[1]]}, {'up' if own[place] > 0 else 'down'}"
            parts.append(f"{PRIOR_LABELS[str(prior)]} by up to {abs(own[place]) * 100:.0f} points ({what})")
        return f"{capital(opening)}, chances move {listed(parts)}, on the same draws."

    def chosen(self) -> str:
        """Return whether an offer makes the player open up of its own accord; empty without a game."""
        if "trap_choice" not in self.frames:
            return ""
        choice = self.frames["trap_choice"]
        parts = [f"Would the {choice.player.iloc[0]} open up of its own accord?"]
        for view, rows in _by_view(choice):
            first, last = rows.iloc[0], rows.iloc[-1]
            clause = "that can't be told under any offer"
            if not rows.p_below_today.between(*UNSETTLED).all():
                clause = (
                    f"the chance that its {plain_name(first.lever)} falls below today's {two_digits(first.today)} is "
                    f"{percent(first.p_below_today)} under the smallest offer and {percent(last.p_below_today)} under "
                    f"the largest (medians {two_digits(first['median'])} and {two_digits(last['median'])}; "
                    f"{first.draws} draws)"
                )
            parts.append(f"{capital(view)}, {clause}.")
        return " ".join(parts)


def crossing(rows: pd.DataFrame) -> float:
    """Return the smallest offer at which a gain is as likely as not; not a number if there is none."""
    above, offers, p = rows.p_better >= 0.5, rows.offer.to_numpy(), rows.p_better.to_numpy()
    turns = np.flatnonzero(np.diff(above))
    if not len(turns):
        return math.nan
    i = turns[0]
    return float(offers[i] + (offers[i + 1] - offers[i]) * (0.5 - p[i]) / (p[i + 1] - p[i]))


def figure(said: Sentences, study: Study) -> Figure:
    """Draw the difference along the offer, a panel for each gain, with a band for each view."""
    asked, curve, outcomes = said.asked, said.curve, said.asked.outcomes(study.model)
    panels, parts = {}, [f"{said.heading()}."]
    for gain in asked.gain:
        outcome = outcomes[gain.id]
        title = f"{gain.label}: {outcome.label}" if gain.label != outcome.label else gain.label
        unit = unit_of(outcome.unit, difference=True)[1]
        panels[gain.id] = (title, f"{unit}, {outcome.better} is better".lstrip(", "))
        for view, rows in _by_view(curve[curve.gain == gain.id]):
            least, most = (difference(dict(rows.iloc[i]), outcome.unit) for i in (0, -1))
            parts.append(f"{gain.label}, {view}: {least} at the smallest offer, {most} at the largest.")
    today = two_digits(float(said.data.today.sel(axis="offer", quantile="median")[0]))
    key = "; ".join(f"{COLOURS[name][0]}, {label}" for name, label in views(curve).items())
    return bands(
        "trap",
        in_units(curve, list(outcomes.values())),
        panels=panels,
        panel="gain",
        x="offer",
        x_title=asked.offer.label,
        ribbons=[Ribbon(f"datum.prior === '{name}'", COLOURS[name][1], inner=True) for name in views(curve)],
        zero="true",
        columns=len(panels),
        caption=(
            f"What “{said.moderating.label}” changes against “{said.staying.label}”, with the same offer in both and "
            f"today's ranks: median, middle half and 90% interval. {capital(key)}. Today's offer is {today}."
        ),
        source="The model's scenarios over its posterior draws, the same draws and shocks at every offer.",
        alternative=" ".join(parts),
    )


def lines(data: xr.Dataset, study: Study) -> list[str]:
    """Return the terminal's answer, at most ten lines."""
    said = Sentences(data, study)
    return paragraphs([f"{said.heading()}.", said.here(), *said.offered(), said.answered()])


def problems(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return where the map as things stand has no number in some draws."""
    labels = {each.id: each.label for each in study.declared["trap"].gain}
    lost = dataset.lost.where(dataset.behaviour == FIXED, drop=True).max("cell").to_series()
    return [
        f"{capital(PRIOR_LABELS[prior])}, “{labels[gain]}” is no number in up to {int(n)} of a cell's draws; no chances "
        "are told of it."
        for (prior, gain), n in lost.items()
        if n
    ]
