"""Chances and effects in words: sizes, intervals and how sure they are, for sentences and for tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from outbid.conventions import NEUTRAL, PRIOR_LABELS, PRIOR_SETS, SOURCES
from outbid.words.numbers import (
    capital,
    interval,
    percent,
    quantity,
    signed,
    summary_in_words,
    terminal,
    two_digits,
    unit_of,
)

if TYPE_CHECKING:
    from outbid.model.vocabulary import Outcome

Reading = Literal["more", "less", "unknown"]
READINGS: tuple[Reading, ...] = get_args(Reading)
Standing = Literal["built in", "assumed", "settled", "open"]

# The yardstick of intelligence assessments: below each probability, its word.
YARDSTICK: tuple[tuple[float, str], ...] = (
    (0.05, "remote"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, "even"),
    (0.80, "likely"),
    (0.95, "very likely"),
)
ASSUMED = "assumed"
# Stands before the word wherever it is printed, so that what was assumed never looks like what was learnt.
ASSUMED_MARK = "◇"
CANT_TELL = "can't be told"
# A probability between these says nothing, and so does one that the data moved by less than this.
UNSETTLED, HARDLY_MOVED = (0.35, 0.65), 0.05
# A probability outside of these was settled, be it by the data or before them.
SETTLED = (0.1, 0.9)


def chance_word(probability: float) -> str:
    """Return the yardstick's word for a probability ("likely")."""
    for upper, word in YARDSTICK:
        if probability < upper or (word == "even" and probability <= upper):
            return word
    return "nearly certain" if probability > 0.95 else "very likely"


def chance(probability: float) -> str:
    """Return a probability as word and number ("likely, 63%")."""
    if math.isnan(probability):
        return percent(probability)
    return f"{chance_word(probability)}, {percent(probability)}"


def chance_or_assumed(probability: float, before: float | None) -> str:
    """Return a probability as word and number, or that it was assumed: as sure before the data ("◇ assumed")."""
    return f"{ASSUMED_MARK} {ASSUMED}" if is_assumed(probability, before) else chance(probability)


def is_told(after: float, before: float | None = None) -> bool:
    """Say whether a probability is worth a statement: far from even, and moved by the data where that is known."""
    if math.isnan(after) or UNSETTLED[0] <= after <= UNSETTLED[1]:
        return False
    return before is None or abs(after - before) >= HARDLY_MOVED


def is_assumed(after: float, before: float | None) -> bool:
    """Say whether a settled probability was as settled before the data: then it was assumed and not learnt."""
    if before is None or math.isnan(after) or is_told(after, before):
        return False
    return not SETTLED[0] <= after <= SETTLED[1]


def standing(after: float, before: float) -> Standing:
    """Say what the sign of an effect rests on, from the probabilities that it is positive.

    "built in" was certain before the data; "assumed" is settled and was as sure before them; "settled" is what the
    data settled; "open" is what they leave open.
    """
    if not 0.005 <= before <= 0.995:
        return "built in"
    if SETTLED[0] <= after <= SETTLED[1]:
        return "open"
    return "settled" if is_told(after, before) else "assumed"


def reading(p_better: float, p_better_before: float | None, prior: str, better: str) -> Reading:
    """Say whether an effect is more, less or unknown.

    Under neutral priors, what is as likely as before the data is unknown, unless it was settled before them:
    then the model's form says it. `p_better`, `p_better_before`: probability of being better, after and
    before the data; `better`: which way is better: "higher" or "lower".
    """
    before = p_better_before if prior == NEUTRAL else None
    if not is_told(p_better, before) and not is_assumed(p_better, before):
        return "unknown"
    p_more = p_better if better == "higher" else 1 - p_better
    return "more" if p_more > 0.5 else "less"


def contrast(
    clauses: Mapping[str, str],
    readings: Mapping[str, Reading],
    opening: str = "",
    sizes: Mapping[str, str] | None = None,
) -> str:
    """Return one sentence, without a full stop, that keeps the two views apart.

    `clauses`: a clause for "more" and for "less", and an indirect question for "unknown" ("whether ...").
    `readings`: by prior set, of those that there are; at least one. `opening`: what stands before the clause
    ("With schools open"); empty for a clause that opens the sentence. `sizes`: by prior set, what stands in
    brackets after a view's name ("+240 persons, +20 to +2,700").
    """

    def said(kind: Reading) -> str:
        return f"{opening}, {clauses[kind]}" if opening else capital(clauses[kind])

    def view(prior: str) -> str:
        label, size = PRIOR_LABELS.get(prior, prior), (sizes or {}).get(prior)
        return f"{label} ({size})" if size else label

    unknown = f"{opening}: {clauses['unknown']}" if opening else capital(clauses["unknown"])
    if len(readings) == 1:
        ((prior, kind),) = readings.items()
        return (
            f"{unknown} can't be told, {view(prior)}" if kind == "unknown" else f"{said(kind)}, {view(prior)}"
        )
    neutral, sources = readings[NEUTRAL], readings[SOURCES]
    if neutral == sources == "unknown":
        tail = f" or {view(NEUTRAL)}" if sizes else ""
        return f"{unknown} can't be told, even {view(SOURCES)}{tail}"
    if neutral == sources:
        return f"{said(neutral)}, {view(NEUTRAL)} as well as {view(SOURCES)}"
    first, other = (NEUTRAL, SOURCES) if sources == "unknown" else (SOURCES, NEUTRAL)
    tail = "it can't be told" if readings[other] == "unknown" else "the data point the other way"
    return f"{said(readings[first])}, {view(first)}; {view(other)}, {tail}"


def headline(rows: pd.DataFrame, clause: Callable[[Reading], str], opening: str = "") -> str:
    """Return as `contrast` does what the effects of one table say, a row for each view; `clause` words a reading."""
    clauses: dict[str, str] = {reading: clause(reading) for reading in READINGS}
    return contrast(clauses, dict(zip(rows["prior"], rows["reading"], strict=True)), opening)


# A number this small beside its 90% interval is its noise.
NOISE = 1 / 200
Effect = Mapping[str, Any]


def difference(effect: Effect, unit: str) -> str:
    """Return the median of a difference with its sign ("+130"), "about 0" where it lies within its own noise."""
    if _is_noise(effect):
        return "about 0"
    return signed(effect["median"] * unit_of(unit, difference=True)[0])


def span(effect: Effect, unit: str) -> str:
    """Return the 90% interval of a difference without its unit ("−410 to +680")."""
    factor = unit_of(unit, difference=True)[0]
    return interval(effect["q05"] * factor, effect["q95"] * factor, difference=True)


def certainty(effect: Effect, probability: float | None = None) -> str:
    """Return how sure an effect is: "likely, 63%", "can't be told (53%)" or "◇ assumed".

    `effect`: a row of a table of effects: `reading`, `assumed` and `p_better`. `probability`: of what is
    spoken of; that of being better where None.
    """
    p = effect["p_better"] if probability is None else probability
    if effect["assumed"]:
        return f"{ASSUMED_MARK} {ASSUMED}"
    return f"{CANT_TELL} ({percent(p)})" if effect["reading"] == "unknown" else chance(p)


def in_brief(effect: Effect, outcome: Outcome) -> str:
    """Return an effect for a narrow place ("+130 (−410 to +680), likely, 63%")."""
    told = certainty(effect, _towards(effect, outcome))
    return f"{difference(effect, outcome.unit)} ({span(effect, outcome.unit)}), {told}"


def shortly(effect: Effect, outcome: Outcome) -> str:
    """Return an effect for the narrowest place ("+130, likely, 63%")."""
    return f"{difference(effect, outcome.unit)}, {certainty(effect, _towards(effect, outcome))}"


def effect_lines(
    heading: str,
    frame: pd.DataFrame,
    outcome: Outcome,
    rows: Mapping[str, str],
    *,
    row: str,
    against: str,
    months: int,
) -> list[str]:
    """Return for a terminal the heading, and effects on one outcome: a line for each row, views side by side.

    `frame`, `row`, `rows` and `months` as in `effect_blocks`; `against`: what the differences are from ("the baseline").
    """
    about = f"{outcome.label} ({summary_in_words(outcome.summary, months)}) against {against}"
    own = frame[frame["outcome"] == outcome.name]
    told = {name: records(own[own[row] == name]) for name in rows}
    lines = [f"{rows[name]}: {' | '.join(shortly(each, outcome) for each in told[name])}" for name in rows]
    return terminal(heading, [f"{about}, {' | '.join(views(frame).values())}:", *lines])


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table, each a mapping from its columns; what is missing is NaN."""
    return [dict(zip(map(str, frame), row, strict=True)) for row in frame.itertuples(index=False)]


def views(frame: pd.DataFrame) -> dict[str, str]:
    """Return the views that a table has, by prior set, in the order in which they are told."""
    given = set(frame["prior"]) if "prior" in frame else set()
    return {name: PRIOR_LABELS[name] for name in PRIOR_SETS if name in given}


def effect_blocks(
    frame: pd.DataFrame,
    outcomes: Collection[Outcome],
    *,
    row: str,
    rows: Mapping[str, str],
    months: int,
    beside: tuple[str, str, str] | None = None,
    extra: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return a table of effects as blocks of rows, one block an outcome, ready to be printed.

    `frame`: tidy: `row`, prior, outcome and the columns of effects; `row`, `rows`: the column with the ids of
    the rows, and their words, in order; `months`: over how many months an outcome is summed up; `beside`: a
    level to be told once for each outcome, as it is under the first view: its words, its columns ("level" for
    level_median and so on) and the id of its row; `extra`: columns that follow, in the outcome's unit ("regret").
    Returns blocks with label, note and rows; a row with label and cells, one for each of the views, None where
    the table has no such row; a cell with difference, span, better, css and extra.
    """
    found = {(each[row], each["prior"], each["outcome"]): each for each in records(frame)}
    blocks = []
    for outcome in outcomes:
        lines = []
        for name, label in rows.items():
            effects = [found.get((name, prior, outcome.name)) for prior in views(frame)]
            if any(effect is not None for effect in effects):
                lines.append({"label": label, "cells": [_cell(each, outcome, extra) for each in effects]})
        if lines:
            unit = unit_of(outcome.unit, difference=True)[1]
            about = ", ".join(text for text in (unit, summary_in_words(outcome.summary, months)) if text)
            note = f"{capital(about)}; {outcome.better} is better."
            if beside is not None:
                words, name, of = beside
                at = found[of, lead(frame), outcome.name]
                known = {quantile: at[f"{name}_{quantile}"] for quantile in ("q05", "median", "q95")}
                note += f" {words}: {level(known, outcome.unit)}."
            blocks.append({"label": outcome.label, "note": note, "rows": lines})
    return blocks


def _cell(effect: Effect | None, outcome: Outcome, extra: Collection[str]) -> dict[str, Any] | None:
    if effect is None:
        return None
    better = (effect["reading"] == "more") == (outcome.better == "higher")
    css = "assumed" if effect["assumed"] else "open"
    if effect["reading"] != "unknown" and not effect["assumed"]:
        css = "good" if better else "bad"
    factor = unit_of(outcome.unit, difference=True)[0]
    return {
        "difference": difference(effect, outcome.unit),
        "span": span(effect, outcome.unit),
        "better": certainty(effect),
        "css": css,
        "extra": [two_digits(effect[name] * factor) for name in extra],
    }


def _is_noise(effect: Effect) -> bool:
    return bool(abs(effect["median"]) <= NOISE * (effect["q95"] - effect["q05"]))


def _towards(effect: Effect, outcome: Outcome) -> float:
    """Return the probability of the direction of the median."""
    more = effect["p_better"] if outcome.better == "higher" else 1 - effect["p_better"]
    return float(more if effect["median"] >= 0 else 1 - more)


def lead(frame: pd.DataFrame) -> str:
    """Return the view that a reader sees first: without taking sides, or the only one."""
    given = list(views(frame))
    return NEUTRAL if NEUTRAL in given or not given else given[0]


def ends_in_words(rows: pd.DataFrame, outcomes: Collection[Outcome], *, difference: bool = False) -> str:
    """Return the 90% intervals of rows, one for each outcome, as sentences ("Members: 1,100 to 3,900 persons.")."""
    ends = {row["outcome"]: (row["q05"], row["q95"]) for row in records(rows)}
    return " ".join(
        f"{each.label}: {interval(*ends[each.name], each.unit, difference=difference)}." for each in outcomes
    )


def level(estimate: Effect, unit: str) -> str:
    """Return a level with its interval ("1,800 persons (90% interval 530 to 4,800)")."""
    factor, words = unit_of(unit)
    ends = interval(estimate["q05"] * factor, estimate["q95"] * factor) + ("%" if words == "%" else "")
    return f"{quantity(estimate['median'], unit)} (90% interval {ends})"
