"""What to collect next: the table, the figure, the section, terminal lines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import PRIOR_LABELS
from outbid.plots.base import FOCUS, INK, Figure
from outbid.plots.intervals import Mark, intervals
from outbid.question import Section
from outbid.questions.information_value.schema import TOGETHER, Claim, Collection, Decision, Measure, declare
from outbid.study import Study
from outbid.words.effects import chance_or_assumed, records, views
from outbid.words.numbers import capital, clean, counted, percent, shorten, two_digits, unit_of

Row = dict[str, Any]
Target = Claim | Decision
OFTEN = {1: "monthly", 2: "every two months", 3: "quarterly", 6: "twice a year", 12: "yearly"}
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
# a share below this is next to nothing, as is one whose interval begins at zero
LEAST = 0.01
# watching a change counts as telling more from this ratio on
MORE = 1.5
# Series in a panel of the figure.
SHOWN = 6
WIDTH, LINES = 100, 10


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return what every measure would tell about every claim and decision, and where those stand today.

    `value` is in `unit`; `share` is its share of what could be known, and `tells` says whether that is more than next
    to nothing.
    """
    asked = _asked(study)
    measures, outcomes = (
        {each.id: each for each in asked.measures},
        {each.name: each for each in study.model.outcomes},
    )
    claims = [each.id for each in asked.claims]
    units = dict.fromkeys(claims, "share")
    units |= {each.id: outcomes[each.outcome].unit for each in asked.decisions}
    sign = xr.DataArray([getattr(each, "sign", 1) for each in _targets(asked)], dims="target")
    parts: list[xr.Dataset] = [
        *(
            _ends(dataset[name], label)
            for name, label in (("told", ""), ("doubt", "doubt"), ("clear", "clear"))
        ),
        dataset[["before", "open", "best"]].rename(before="p_before"),
    ]
    wide = xr.merge(parts).assign(
        standard_error=dataset.told.sel(estimate="error", drop=True),
        ceiling=dataset.whole.sel(estimate="value", drop=True),
        p_today=dataset.positive.where(sign > 0, dataset.negative),
    )
    frame = wide.to_dataframe(dim_order=["prior", "measure", "target"]).reset_index()
    numbers = [str(name) for name in frame.select_dtypes(float) if name != "p_before"]
    # more than four digits are luck of the draws
    frame[numbers] = frame[numbers].map(lambda value: float(f"{value:.4g}"))
    for end in ("value", "low", "high"):
        frame[f"share_{end}"] = (frame[end] / frame["ceiling"]).where(frame["ceiling"] > 0)
    frame = frame.rename(columns={"share_value": "share"})
    gathered = [measures.get(name) for name in frame["measure"]]
    return {
        "information_value": frame.assign(
            tells=(frame["share"] >= LEAST) & (frame["share_low"] > 0),
            unit=frame["target"].map(units),
            kind=["claim" if name in claims else "decision" for name in frame["target"]],
            about=["" if each is None else "past" if each.past else "ahead" for each in gathered],
            only_if=["" if each is None else each.under for each in gathered],
        )
    }


def _ends(estimates: xr.DataArray, name: str) -> xr.Dataset:
    """Return value and interval as variables: doubt, doubt_low, doubt_high; or value, low, high without a name."""
    names = {"value": name, "low": f"{name}_low", "high": f"{name}_high"} if name else {}
    return estimates.to_dataset("estimate")[["value", "low", "high"]].rename(names)


def _asked(study: Study) -> Collection:
    asked = declare(study)
    assert asked is not None, "a study that doesn't ask has no answer to tell"
    return asked


def _targets(asked: Collection) -> list[Target]:
    return [*asked.claims, *asked.decisions]


class Answers:
    """What the sentences draw on: the table's rows by measure, target and prior set, and the first view."""

    def __init__(self, table: pd.DataFrame, study: Study) -> None:
        self.asked, self.views = _asked(study), views(table)
        self.rows = {(row["measure"], row["target"], row["prior"]): row for row in records(table)}
        self.first = next(iter(self.views))
        self.labels = {each.id: each.label for each in study.scenarios}
        self.outcomes = {each.name: each for each in study.model.outcomes}

    def row(self, measure: str, target: Target, prior: str = "") -> Row:
        """Return what a measure tells about a target under a prior set, the first if left out."""
        return self.rows[measure, target.id, prior or self.first]

    def ranked(self, target: Target) -> list[Measure]:
        """Return the measures that tell anything about a target under any prior set, the best first."""

        def rank(measure: Measure) -> tuple[float, ...]:
            found = [self.row(measure.id, target, prior) for prior in self.views]
            return tuple(-row["share"] if row["tells"] else 0.0 for row in found)

        return sorted((each for each in self.asked.measures if any(rank(each))), key=rank)

    def best(self, target: Target, *, watched: bool) -> tuple[Measure, Row] | None:
        """Return the measure that tells most, among those that wait for a change or the others; None if none does."""
        found = [
            (each, row)
            for each in self.asked.measures
            if bool(each.under) == watched and (row := self.row(each.id, target))["tells"]
        ]
        return max(found, key=lambda pair: pair[1]["share"], default=None)

    def best_of_all(self) -> list[str]:
        """Return for each target what would tell most as things stand, and while a change is watched."""
        said = []
        for target in _targets(self.asked):
            name = target.id if isinstance(target, Claim) else "the decision"
            for watched in (False, True):
                if (found := self.best(target, watched=watched)) is not None:
                    measure, row = found
                    said.append(f"{name}, {_span(row)}: {measure.label}, {self.condition(measure)}")
        return said

    def heading(self) -> str:
        """Return how much the best series would tell as things stand, and while a change is watched."""
        targets: Sequence[Target] = self.asked.claims or self.asked.decisions
        most = [
            max(
                (found[1]["share"] for each in targets if (found := self.best(each, watched=watched))),
                default=0.0,
            )
            for watched in (False, True)
        ]
        what = "the claim" if self.asked.claims else "the decision"
        if len(targets) > 1:
            what = f"any of the {NUMBERS.get(len(targets), len(targets))} {'claims' if self.asked.claims else 'decisions'}"
        first = f"Nothing that could be collected as things stand would tell anything about {what}"
        if most[0]:
            first = (
                "No series collected as things stand would resolve more than "
                f"{percent(most[0])} of what is unknown about {what}"
            )
        if most[1] > most[0]:
            return f"{first}; watching a change while it happens would resolve up to {percent(most[1])}"
        return first

    def verdict(self, target: Target) -> str:
        """Return in a sentence or two what would tell most about a target."""
        now, watched = (self.best(target, watched=each) for each in (False, True))
        first = "Nothing that could be collected as things stand would tell anything about it."
        first = _sentence(now[0], target, now[1]) if now else first
        if watched is None:
            return first
        then = _sentence(watched[0], target, watched[1])
        if now is None or watched[1]["share"] >= MORE * now[1]["share"]:
            then += " Where no lever moves, figures can't say what moving it would do; watching it move can."
        return f"{first} {then}"

    def today(self, target: Target) -> list[tuple[str, str]]:
        """Return under each view where a target stands before anything is collected."""
        said = []
        for prior, view in self.views.items():
            row = self.row(
                TOGETHER if (TOGETHER, target.id, prior) in self.rows else self.asked.measures[0].id,
                target,
                prior,
            )
            if isinstance(target, Claim):
                settled = "" if row["open"] else " Its direction leaves nothing to learn; its size does."
                said.append(
                    (view, f"That it holds: {chance_or_assumed(row['p_today'], row['p_before'])}.{settled}")
                )
                continue
            outcome = self.outcomes[target.outcome]
            worth = f"{two_digits(row['ceiling'])} {unit_of(outcome.unit, difference=True)[1]}"
            said.append(
                (
                    view,
                    f"Best as things are known: “{self.labels[row['best']]}”. Knowing everything before choosing would be "
                    f"worth {worth} of {outcome.label.lower()}.",
                )
            )
        return said

    def together(self, target: Target) -> str:
        """Return what everything that can be collected as things stand would tell together."""
        keys = [(TOGETHER, target.id, prior) for prior in self.views]
        parts = [f"{_cell(self.rows[key])} {PRIOR_LABELS[key[2]]}" for key in keys if key in self.rows]
        return f"All that needs no change, together: {'; '.join(parts)}." if parts else ""

    def silent(self, target: Target) -> str:
        """Return a sentence that names the series which tell next to nothing about a target."""
        rest = [each.label for each in self.asked.measures if each not in self.ranked(target)]
        return f"Next to nothing would come of: {'; '.join(rest)}." if rest else ""

    def condition(self, measure: Measure) -> str:
        """Return what has to happen before a series can be gathered."""
        if measure.under:
            return f"only if “{self.labels[measure.under]}” happens"
        return "now, about the past" if measure.past else "from now on"

    def line(self, measure: Measure, target: Target) -> list[str]:
        """Return a row of a target's table: the series, when, what it would tell under each view, doubt, answer."""
        cells = []
        for prior in self.views:
            row = self.row(measure.id, target, prior)
            size = (
                f"{two_digits(row['value'])} {unit_of(row['unit'], difference=True)[1]}, "
                if row["tells"]
                else ""
            )
            cells.append(
                _cell(row) if isinstance(target, Claim) else f"{size}{_cell(row)} of what could be known"
            )
        if isinstance(target, Claim):
            row = self.row(measure.id, target)
            doubt = {
                end: row[f"doubt{key}"]
                for end, key in (("share", ""), ("share_low", "_low"), ("share_high", "_high"))
            }
            doubt["tells"] = doubt["share"] >= LEAST and doubt["share_low"] > 0
            known = math.isnan(row["doubt"])
            cells += ["settled already"] * 2 if known else [_cell(doubt), percent(row["clear"])]
        about = f"{capital(measure.label)}, {_when(measure)}. {measure.action} Effort: {measure.effort}."
        return [about, self.condition(measure), *cells]


def _when(measure: Measure) -> str:
    """Return how often and for how long a series is gathered ("twice a year for two years")."""
    often = OFTEN.get(measure.every, f"every {measure.every} months")
    years, rest = divmod(measure.months, 12)
    if measure.past:
        return f"{often}, for the {measure.months} months behind us"
    if rest or not years:
        return f"{often} for {counted(measure.months, 'month')}"
    return f"{often} for {NUMBERS.get(years, years)} {'year' if years == 1 else 'years'}"


def _span(row: Row) -> str:
    """Return a share with its interval in per cent ("12% (8 to 16)")."""
    low, high = (100 * min(row[end], 1.0) for end in ("share_low", "share_high"))
    return f"{percent(min(row['share'], 1.0))} ({low:.0f} to {high:.0f})"


def _cell(row: Row) -> str:
    if math.isnan(row["share"]):
        return "nothing to learn"
    return _span(row) if row["tells"] else "next to nothing"


def _sentence(measure: Measure, target: Target, row: Row) -> str:
    """Return what a series would tell about a target."""
    if isinstance(target, Claim):
        tells = f"would resolve about {_span(row)} of what is unknown about {target.id}"
    else:
        tells = f"would bring about {_span(row)} of what knowing everything would"
    return f"{capital(measure.label)}, {_when(measure)}, {tells}."


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return what the page shows: for each claim and decision what would tell most, and the figure."""
    made = tables(dataset, study)
    told = Answers(made["information_value"], study)
    found = [f"Would resolve, {view}" for view in told.views.values()]
    more = [
        f"{what}, {told.views[told.first]}"
        for what in ("Doubt that it would remove", "Chance of a 95% sure answer")
    ]
    words: dict[str, Any] = {
        "heading": told.heading(),
        "draws": f"{int(dataset.draws.min()):,}",
        "targets": [
            {
                "id": each.id,
                "claim": isinstance(each, Claim),
                "label": each.label,
                "verdict": told.verdict(each),
                "today": told.today(each),
                "head": ["Series", "When", *found, *(more if isinstance(each, Claim) else [])],
                "lines": [told.line(measure, each) for measure in told.ranked(each)],
                "rest": " ".join((told.together(each), told.silent(each))).strip(),
            }
            for each in _targets(told.asked)
        ],
    }
    drawing = figure(made["information_value"], told, words["draws"])
    figures = (drawing,) if drawing else ()
    return Section(
        "information_value",
        "What to collect",
        "questions/information_value/section.html.j2",
        words,
        made,
        figures,
    )


def figure(table: pd.DataFrame, told: Answers, draws: str) -> Figure | None:
    """Draw a panel for each claim and decision with the series that tell most; None where no series tells anything."""
    targets = _targets(told.asked)
    kept = [(measure.id, each.id) for each in targets for measure in told.ranked(each)[:SHOWN]]
    if not kept:
        return None
    rows = table[[pair in set(kept) for pair in zip(table["measure"], table["target"], strict=True)]]
    rows = rows.rename(columns={"share": "median", "share_low": "q05", "share_high": "q95"}).dropna(
        subset="median"
    )
    columns = ["measure", "target", "prior", "only_if", "median", "q05", "q95"]
    rows = rows[columns].assign(**{name: rows[name].clip(upper=1.0) for name in ("median", "q05", "q95")})
    measures = {each.id: each.label for each in told.asked.measures}
    panels = {
        each.id: f"{each.id}: {each.label}" if isinstance(each, Claim) else f"The decision: {each.label}"
        for each in targets
    }
    return intervals(
        "information_value",
        rows,
        row="measure",
        labels={name: capital(measures[name]) for name in dict.fromkeys(measure for measure, _ in kept)},
        panel="target",
        panels={name: label for name, label in panels.items() if name in set(rows["target"])},
        marks=[
            Mark(
                f"datum.prior === '{prior}' && datum.only_if {sign} ''",
                colour,
                hollow=prior != told.first,
                shape=shape,
                shift=-5 if prior == told.first else 5,
            )
            for prior in told.views
            for sign, shape, colour in (("===", "circle", INK), ("!==", "diamond", FOCUS))
        ],
        percent=True,
        domain=(0.0, 1.0),
        step=36,
        caption="Share of what is unknown that a series is expected to resolve (for a decision: of what knowing everything "
        "would be worth), with its 90% interval; at most six series a panel. Circles: could be collected as things "
        "stand. Diamonds: only while the change happens. Filled: without taking sides. Hollow: taking the texts at "
        "their word.",
        source=f"Figures simulated in {draws} draws of the posterior; shares out of sample.",
        alternative=f"{told.heading()}. The best in each panel: {'; '.join(told.best_of_all())}.",
    )


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters."""
    told = Answers(tables(dataset, study)["information_value"], study)
    out = textwrap.wrap(clean(f"{told.heading()}."), WIDTH)[:2] + told.best_of_all()
    return [shorten(line, WIDTH) for line in out[:LINES]]
