"""What to collect next: the table, the figure, the section, terminal lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import PRIOR_LABELS
from outbid.model.vocabulary import mid_sentence
from outbid.plots.base import FOCUS, INK, Figure
from outbid.plots.intervals import Mark, intervals
from outbid.question import Section
from outbid.questions.information_value.schema import TOGETHER, Claim, Collection, Measure, Target
from outbid.stats.effects import tabled
from outbid.study import Study
from outbid.words.effects import chance_or_assumed, records, views
from outbid.words.numbers import amount, capital, counted, percent, spelt, terminal

Row = dict[str, Any]
OFTEN = {1: "monthly", 2: "every two months", 3: "quarterly", 6: "twice a year", 12: "yearly"}
# a share below this is next to nothing, as is one whose interval begins at zero
LEAST = 0.01
# watching a change counts as telling more from this ratio on
MORE = 1.5
# Series in a panel of the figure.
SHOWN = 6
# What is told of an estimate.
ENDS = ["value", "low", "high"]


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return what every measure would tell about every claim and decision, and where those stand today.

    `value` is in `unit`; `share` is its share of what could be known, and `tells` says whether that is more than next
    to nothing.
    """
    asked: Collection = study.declared["information_value"]
    about = {each.id: "past" if each.past else "ahead" for each in asked.measures}
    under = {each.id: each.under for each in asked.measures}
    outcomes = {each.name: each.unit for each in study.model.outcomes}
    units = {each.id: outcomes[each.outcome] for each in asked.decisions}
    sign = xr.DataArray([getattr(each, "sign", 1) for each in asked.targets], dims="target")
    parts = [dataset.told.to_dataset("estimate")[ENDS]]
    for name in ("doubt", "clear"):
        named = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
        parts.append(dataset[name].to_dataset("estimate")[ENDS].rename(named))
    today = dataset[["before", "open", "best"]].rename(before="p_before")
    wide = xr.merge([*parts, today]).assign(
        standard_error=dataset.told.sel(estimate="error", drop=True),
        ceiling=dataset.whole.sel(estimate="value", drop=True),
        p_today=dataset.positive.where(sign > 0, dataset.negative),
    )
    frame = tabled(wide, ["prior", "measure", "target"])
    numbers = [str(name) for name in frame.select_dtypes(float) if name != "p_before"]
    # more than four digits are luck of the draws
    frame[numbers] = frame[numbers].map(lambda value: float(f"{value:.4g}"))
    for end in ENDS:
        frame[f"share_{end}"] = (frame[end] / frame["ceiling"]).where(frame["ceiling"] > 0)
    frame = frame.rename(columns={"share_value": "share"})
    return {
        "information_value": frame.assign(
            tells=_tells(frame["share"], frame["share_low"]),
            unit=[units.get(name, "share") for name in frame["target"]],
            kind=["decision" if name in units else "claim" for name in frame["target"]],
            about=[about.get(name, "") for name in frame["measure"]],
            only_if=[under.get(name, "") for name in frame["measure"]],
        )
    }


def _tells(share: Any, low: Any) -> Any:
    """Say whether a share is more than next to nothing, from its lower end too."""
    return (share >= LEAST) & (low > 0)


class Answers:
    """What the sentences draw on: the table's rows by measure, target and prior set, and the first view."""

    def __init__(self, table: pd.DataFrame, study: Study) -> None:
        self.asked: Collection = study.declared["information_value"]
        self.targets, self.views = self.asked.targets, views(table)
        self.first = next(iter(self.views))
        self.rows = {(row["measure"], row["target"], row["prior"]): row for row in records(table)}
        self.labels = {each.id: each.label for each in study.scenarios}
        self.outcomes = {each.name: each for each in study.model.outcomes}

    def under(self, measure: str, target: Target) -> dict[str, Row]:
        """Return what a measure tells about a target by prior set."""
        return {prior: self.rows[measure, target.id, prior] for prior in self.views}

    def ranked(self, target: Target) -> list[Measure]:
        """Return the measures that tell anything about a target under any prior set, the best first."""

        def rank(measure: Measure) -> tuple[float, ...]:
            found = self.under(measure.id, target).values()
            return tuple(-row["share"] if row["tells"] else 0.0 for row in found)

        return sorted((each for each in self.asked.measures if any(rank(each))), key=rank)

    def best(self, target: Target, *, watched: bool) -> tuple[Measure, Row] | None:
        """Return the measure that tells most, among those that wait for a change or the others; None if none does."""
        all_told = [(each, self.under(each.id, target)[self.first]) for each in self.asked.measures]
        found = [pair for pair in all_told if bool(pair[0].under) == watched and pair[1]["tells"]]
        return max(found, key=lambda pair: pair[1]["share"], default=None)

    def best_of_all(self) -> list[str]:
        """Return for each target what would tell most as things stand, and while a change is watched."""
        said = []
        for target in self.targets:
            name = target.id if isinstance(target, Claim) else "the decision"
            for watched in (False, True):
                if found := self.best(target, watched=watched):
                    measure, row = found
                    said.append(f"{name}, {_span(row)}: {measure.label}, {self.condition(measure)}")
        return said

    def heading(self) -> str:
        """Return how much the best series would tell as things stand, and while a change is watched."""
        targets: Sequence[Target] = self.asked.claims or self.asked.decisions
        found = ([self.best(each, watched=watched) for each in targets] for watched in (False, True))
        now, then = (max((each[1]["share"] for each in best if each), default=0.0) for best in found)
        what, number = "claim" if self.asked.claims else "decision", len(targets)
        what = f"any of the {spelt(number)} {what}s" if number > 1 else f"the {what}"
        first = f"Nothing that could be collected as things stand would tell anything about {what}"
        if now:
            most = f"more than {percent(now)} of what is unknown about {what}"
            first = f"No series collected as things stand would resolve {most}"
        tail = f"; watching a change while it happens would resolve up to {percent(then)}"
        return first + tail if then > now else first

    def verdict(self, target: Target) -> str:
        """Return in a sentence or two what would tell most about a target."""
        now, watched = (self.best(target, watched=each) for each in (False, True))
        first = "Nothing that could be collected as things stand would tell anything about it."
        first = _sentence(target, *now) if now else first
        if watched is None:
            return first
        then = _sentence(target, *watched)
        if now is None or watched[1]["share"] >= MORE * now[1]["share"]:
            then += " Where no lever moves, figures can't say what moving it would do; watching it move can."
        return f"{first} {then}"

    def today(self, target: Target) -> list[tuple[str, str]]:
        """Return under each view where a target stands before anything is collected."""
        said = []
        # whatever the measure, it says the same of today
        for prior, row in self.under(self.asked.measures[0].id, target).items():
            if isinstance(target, Claim):
                settled = "" if row["open"] else " Its direction leaves nothing to learn; its size does."
                text = f"That it holds: {chance_or_assumed(row['p_today'], row['p_before'])}.{settled}"
            else:
                outcome = self.outcomes[target.outcome]
                worth = f"{amount(row['ceiling'], outcome.unit)} of {mid_sentence(outcome.label)}"
                best = f"Best as things are known: “{self.labels[row['best']]}”."
                text = f"{best} Knowing everything before choosing would be worth {worth}."
            said.append((self.views[prior], text))
        return said

    def rest(self, target: Target) -> str:
        """Return what everything that needs no change would tell together, and which series tell next to nothing."""
        keys = [(TOGETHER, target.id, prior) for prior in self.views]
        parts = [f"{_cell(self.rows[key])} {PRIOR_LABELS[key[2]]}" for key in keys if key in self.rows]
        ranked = self.ranked(target)
        silent = [each.label for each in self.asked.measures if each not in ranked]
        together = f"All that needs no change, together: {'; '.join(parts)}." if parts else ""
        nothing = f"Next to nothing would come of: {'; '.join(silent)}." if silent else ""
        return f"{together} {nothing}".strip()

    def condition(self, measure: Measure) -> str:
        """Return what has to happen before a series can be gathered."""
        if measure.under:
            return f"only if “{self.labels[measure.under]}” happens"
        return "now, about the past" if measure.past else "from now on"

    def table(self, target: Target) -> list[list[str]]:
        """Return a target's table, its head first: series, when, what it would tell in each view; of a claim more."""
        first = self.views[self.first]
        head = ["Series", "When", *(f"Would resolve, {view}" for view in self.views.values())]
        if isinstance(target, Claim):
            head += [f"Doubt that it would remove, {first}", f"Chance of a 95% sure answer, {first}"]
        return [head, *(self.line(measure, target) for measure in self.ranked(target))]

    def line(self, measure: Measure, target: Target) -> list[str]:
        """Return a row of a target's table."""
        about = f"{capital(measure.label)}, {_when(measure)}. {measure.action} Effort: {measure.effort}."
        line = [about, self.condition(measure)]
        for row in self.under(measure.id, target).values():
            if isinstance(target, Claim):
                line.append(_cell(row))
            else:
                size = f"{amount(row['value'], row['unit'])}, " if row["tells"] else ""
                line.append(f"{size}{_cell(row)} of what could be known")
        if isinstance(target, Claim):
            row = self.under(measure.id, target)[self.first]
            open_ = not math.isnan(row["doubt"])
            line += [_cell(row, "doubt"), percent(row["clear"])] if open_ else ["settled already"] * 2
        return line


def _when(measure: Measure) -> str:
    """Return how often and for how long a series is gathered ("twice a year for two years")."""
    often = OFTEN.get(measure.every, f"every {measure.every} months")
    years, rest = divmod(measure.months, 12)
    if measure.past:
        return f"{often}, for the {measure.months} months behind us"
    if rest or not years:
        return f"{often} for {counted(measure.months, 'month')}"
    return f"{often} for {spelt(years)} {'year' if years == 1 else 'years'}"


def _span(row: Row, name: str = "share") -> str:
    """Return a share with its interval in per cent ("12% (8 to 16)")."""
    share, low, high = (min(row[f"{name}{end}"], 1.0) for end in ("", "_low", "_high"))
    return f"{percent(share)} ({100 * low:.0f} to {100 * high:.0f})"


def _cell(row: Row, name: str = "share") -> str:
    if math.isnan(row[name]):
        return "nothing to learn"
    return _span(row, name) if _tells(row[name], row[f"{name}_low"]) else "next to nothing"


def _sentence(target: Target, measure: Measure, row: Row) -> str:
    """Return what a series would tell about a target."""
    tells = f"would bring about {_span(row)} of what knowing everything would"
    if isinstance(target, Claim):
        tells = f"would resolve about {_span(row)} of what is unknown about {target.id}"
    return f"{capital(measure.label)}, {_when(measure)}, {tells}."


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return what the page shows: for each claim and decision what would tell most, and the figure."""
    made = tables(dataset, study)
    told, draws = Answers(made["information_value"], study), f"{int(dataset.draws.min()):,}"
    words, template = {"told": told, "draws": draws}, "questions/information_value/section.html.j2"
    figures = figure(made["information_value"], told, draws)
    return Section("information_value", "What to collect", template, words, made, figures)


def figure(table: pd.DataFrame, told: Answers, draws: str) -> list[Figure]:
    """Draw a panel for each claim and decision with the series that tell most; nothing where no series tells anything."""
    kept = [(measure, each) for each in told.targets for measure in told.ranked(each)[:SHOWN]]
    if not kept:
        return []
    names, keys = {"share": "median", "share_low": "q05", "share_high": "q95"}, ["measure", "target"]
    pairs = pd.DataFrame([(measure.id, each.id) for measure, each in kept], columns=keys)
    rows = table.merge(pairs).dropna(subset="share").rename(columns=names)
    shares = rows[list(names.values())].clip(upper=1.0)
    rows = rows[[*keys, "prior", "only_if"]].join(shares)
    panels = {
        each.id: f"{each.id}: {each.label}" if isinstance(each, Claim) else f"The decision: {each.label}"
        for _, each in kept
    }
    marks = [
        Mark(f"datum.prior === '{prior}' && datum.only_if {sign} ''", colour, i > 0, shape, 10 * i - 5)
        for i, prior in enumerate(told.views)
        for sign, shape, colour in (("===", "circle", INK), ("!==", "diamond", FOCUS))
    ]
    drawing = intervals(
        "information_value",
        rows,
        row="measure",
        labels={measure.id: capital(measure.label) for measure, _ in kept},
        panel="target",
        panels=panels,
        marks=marks,
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
    return [drawing]


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters."""
    told = Answers(tables(dataset, study)["information_value"], study)
    return terminal(told.heading(), told.best_of_all())


def problems(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return how many draws are left out, since a record, an effect or an option is no number there."""
    lost = zip(dataset.prior.values, dataset.lost.values, dataset.draws.values, strict=True)
    return [
        f"{capital(PRIOR_LABELS[prior])}, {n} of {n + used} draws are left out of what figures are worth: a record, an "
        "effect or an option is no number there."
        for prior, n, used in lost
        if n
    ]
