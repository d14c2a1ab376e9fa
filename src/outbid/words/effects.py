"""Effects in words: sizes, intervals and how sure they are, for sentences and for tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from outbid.conventions import NEUTRAL, PRIOR_LABELS, PRIOR_SETS

if TYPE_CHECKING:
    from outbid.model.vocabulary import Outcome
from outbid.words.chances import ASSUMED, ASSUMED_MARK, CANT_TELL, chance
from outbid.words.numbers import (
    capital,
    interval,
    more_or_less,
    percent,
    quantity,
    signed,
    summary_in_words,
    two_digits,
    unit_of,
)

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

    Parameters
    ----------
    effect
        A row of a table of effects: `reading`, `assumed` and `p_better`.
    probability
        Of what is spoken of; that of being better where None.
    """
    p = effect["p_better"] if probability is None else probability
    if effect["assumed"]:
        return f"{ASSUMED_MARK} {ASSUMED}"
    return f"{CANT_TELL} ({percent(p)})" if effect["reading"] == "unknown" else chance(p)


def in_words(effect: Effect, outcome: Outcome) -> str:
    """Return an effect as size, interval and certainty ("130 persons more (90% interval −410 to +680); likely, 63%")."""
    size = "about no difference" if _is_noise(effect) else more_or_less(effect["median"], outcome.unit)
    return (
        f"{size} (90% interval {span(effect, outcome.unit)}); {certainty(effect, _towards(effect, outcome))}"
    )


def in_brief(effect: Effect, outcome: Outcome) -> str:
    """Return an effect for a narrow place ("+130 (−410 to +680), likely, 63%")."""
    told = certainty(effect, _towards(effect, outcome))
    return f"{difference(effect, outcome.unit)} ({span(effect, outcome.unit)}), {told}"


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table, each a mapping from its columns."""
    return [dict(zip(map(str, frame), row, strict=True)) for row in frame.itertuples(index=False)]


def shortly(effect: Effect, outcome: Outcome) -> str:
    """Return an effect for the narrowest place ("+130, likely, 63%")."""
    return f"{difference(effect, outcome.unit)}, {certainty(effect, _towards(effect, outcome))}"


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
    notes: Mapping[str, str] | None = None,
    extra: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return a table of effects as blocks of rows, one block an outcome, ready to be printed.

    Parameters
    ----------
    frame
        Tidy: `row`, prior, outcome and the columns of effects.
    row, rows
        The column with the ids of the rows, and their words, in order.
    months
        Over how many months an outcome is summed up.
    notes
        A further sentence under an outcome's name, by its id.
    extra
        Columns that follow, in the outcome's unit ("regret").

    Returns
    -------
    Blocks with label, note and rows; a row with label and cells, one for each of the views, None where the table
    has no such row; a cell with difference, span, better, css and extra.
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
            note = f"{capital(about)}; {outcome.better} is better. {(notes or {}).get(outcome.name, '')}"
            blocks.append({"label": outcome.label, "note": note.strip(), "rows": lines})
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


def level(estimate: Effect, unit: str) -> str:
    """Return a level with its interval ("1,800 persons (90% interval 530 to 4,800)")."""
    factor, words = unit_of(unit)
    ends = interval(estimate["q05"] * factor, estimate["q95"] * factor) + ("%" if words == "%" else "")
    return f"{quantity(estimate['median'], unit)} (90% interval {ends})"
