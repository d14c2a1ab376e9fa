"""The page's section on the claims: ten that matter, and all others with their tests behind one fold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import CONTRADICTED, NEUTRAL, PRIOR_LABELS, SOURCES, SUPPORTED
from outbid.evidence import CLAIM_KINDS
from outbid.plots.base import Figure
from outbid.plots.intervals import VIEWS, intervals
from outbid.question import Section
from outbid.questions.claims.present import (
    LEADING,
    MARKS,
    brief,
    groups,
    heading,
    marked,
    moved,
    spoken,
    tables,
    verdict_rows,
    views,
)
from outbid.questions.claims.words import bayes_in_words
from outbid.study import Study
from outbid.words.numbers import (
    capital,
    counted,
    interval,
    more_or_less,
    plain_name,
    quantity,
    shorten,
    signed,
    two_digits,
    unit_of,
)

TONES = {SUPPORTED: "good", CONTRADICTED: "bad"}
HOW = {
    "intervention": "the same runs with something different and without it",
    "equilibrium": "equilibria compared",
    "forecast": "a forecast",
    "record": "the published figures, without the model",
}
NOT_TESTED = "not tested"
FIGURES = "the figures"
_LETTERS = 62


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return the section: verdicts counted, the claims that matter most, their picture, and every claim with its tests."""
    made, rows = tables(dataset, study), verdict_rows(dataset, study)
    first = next(iter(views(dataset)), NEUTRAL)
    found = groups(rows, first)
    ids = rows["claim"].drop_duplicates().tolist()
    leading = ids[:LEADING]
    entries = {claim: entry(claim, study, made, rows) for claim in study.ledger.claims}
    title = heading(study, found)
    words = {
        "heading": title,
        "brief": brief(found),
        "first": PRIOR_LABELS[first],
        "groups": found,
        "second": "" if first == SOURCES else brief(groups(rows, SOURCES)),
        "clashes": {claim: text for claim, each in entries.items() if (text := each["clash"])},
        "leading": [entries[claim] for claim in leading],
        "others": [each for claim, each in entries.items() if claim not in leading],
        "filters": filters(each for claim, each in entries.items() if claim not in leading),
    }
    figures = [figure(rows[rows["claim"].isin(leading)], title)] if leading else []
    return Section("claims", "Claims", "questions/claims/section.html.j2", words, made, figures)


def entry(claim: str, study: Study, made: Mapping[str, pd.DataFrame], rows: pd.DataFrame) -> dict[str, Any]:
    """Return a claim of the page's tables: its words, what became of it in each view, and what it opens to."""
    stated = study.ledger.claims[claim]
    source = study.ledger.sources[stated.source]
    of = rows[rows["claim"] == claim].to_dict("records")
    tests = made["claim_tests"]
    own = tests[[claim in names.split() for names in tests["claims"]]]
    blocks = [block(each) for _, each in own.groupby("test", sort=False)]
    named = ", ".join(part for part in (source.author, source.outlet) if part)
    homes = [home.partition(":") for home in stated.homes]
    mechanisms = {item.name: item.meaning for item in study.model.mechanisms}
    clash = bool(of) and bool(of[0]["clash"])
    said = {"supported": "Yes", "contradicted": "No"}
    return {
        **{
            "id": claim,
            "statement": stated.statement,
            "locator": stated.locator,
            "left_out": stated.left_out,
        },
        **{
            "source": named or shorten(source.title, 60),
            "source_id": stated.source,
            "kinds": stated.kind.split("/"),
        },
        "kind_words": " and ".join(CLAIM_KINDS[kind] for kind in stated.kind.split("/")),
        "homes": {
            home: f"{plain_name(name)} ({kind})"
            for home, (kind, _, name) in zip(stated.homes, homes, strict=True)
        },
        "key": of[0]["words"] if of else NOT_TESTED,
        # published figures say the same in every view, so once
        "outcomes": [outcome(row) for row in (of[:1] if of and of[0]["observation"] else of)],
        "untested": made["claims"].set_index("claim")["untested"][claim],
        "tests": blocks,
        "mechanisms": [(plain_name(name), mechanisms[name]) for kind, _, name in homes if name in mechanisms],
        "clash": " ".join(
            f"“{each['question']}” {said.get(each['key'], 'This cannot be told')}." for each in blocks
        )
        if clash
        else "",
    }


def outcome(row: Mapping[str, Any]) -> dict[str, str]:
    """Return what became of a claim in one view, in words."""
    return {
        "view": FIGURES if row["observation"] else PRIOR_LABELS[row["prior"]],
        "verdict": marked(row["words"]),
        "tone": TONES.get(row["words"], "open"),
        "chances": "the series disagree"
        if row["clash"]
        else moved(row["p_direction_before"], row["p_direction"]),
        "size": size(row),
    }


def size(row: Mapping[str, Any]) -> str:
    """Return a clause on an effect with its interval and what would matter; nothing without an effect."""
    if row["how"] == "record" or not all(math.isfinite(row[name]) for name in ("median", "q05", "q95")):
        return ""
    factor, _ = unit_of(row["unit"], difference=True)
    span = interval(row["q05"] * factor, row["q95"] * factor, difference=True)
    least = f"; {smallest(row)} would matter" if row["smallest"] > 0 else ""
    return f"{measure(row)}: {more_or_less(row['median'], row['unit'])} (90% interval {span}{least})"


def smallest(row: Mapping[str, Any]) -> str:
    """Return the smallest effect that would matter, with its unit ("2.0 percentage points")."""
    factor, words = unit_of(row["unit"], difference=True)
    return (
        f"{two_digits(row['smallest'] * factor)} {words}".strip()
        if row["unit"]
        else quantity(row["smallest"], "")
    )


def measure(row: Mapping[str, Any]) -> str:
    """Return what a test looks at, in words ("Defections", "Incumbent's cohesion")."""
    return capital(plain_name(row["measure"]).replace(".", "'s "))


def block(test: pd.DataFrame) -> dict[str, Any]:
    """Return one test as a claim opens to it: what was asked and done, and the numbers in each view."""
    rows = test.to_dict("records")
    first = rows[0]
    record = first["how"] == "record"
    least = f"; {smallest(first)} or more would matter" if first["smallest"] > 0 else ""
    direction = "an effect above zero" if first["sign"] > 0 else "an effect below zero"
    expected = "" if record else f", {direction} expected{least}"
    return {
        **{"question": first["question"], "answer_if": _inside(first["answer_if"]), "how": HOW[first["how"]]},
        **{"done": first["done"], "measure": f"{measure(first)}{expected}", "record": record},
        "key": first["verdict"],
        "views": [_view(row, record) for row in (rows[:1] if record else rows)],
    }


def _view(row: Mapping[str, Any], record: bool) -> dict[str, str]:
    verdict = spoken(row["verdict"], row["because"])
    enough = "any size does" if row["smallest"] <= 0 else moved(row["p_relevant_before"], row["p_relevant"])
    return {
        "view": FIGURES if record else PRIOR_LABELS[row["prior"]],
        "verdict": marked(verdict),
        "tone": TONES.get(verdict, "open"),
        "because": row["because"],
        "effect": _effect(row, record),
        "chances": moved(row["p_direction_before"], row["p_direction"]),
        "enough": "" if record else enough,
        "bayes": "" if record else bayes_in_words(row["bayes_factor"]),
    }


def _effect(row: Mapping[str, Any], record: bool) -> str:
    """Return the effect with its 90% interval and its unit; for a series its own number."""
    middle, low, high = (row[name] for name in ("median", "q05", "q95"))
    if not all(math.isfinite(each) for each in (middle, low, high)):
        return "none computed"
    if record:
        return f"{two_digits(middle)} ({interval(low, high)}) {row['unit']}".strip()
    factor, words = unit_of(row["unit"], difference=True)
    span = interval(low * factor, high * factor, difference=True)
    return f"{signed(middle * factor)} ({span}) {words}".strip()


def _inside(text: str) -> str:
    """Return words so that they can stand inside a sentence."""
    text = text.replace("; ", ", ").rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def filters(entries: Any) -> dict[str, list[tuple[str, str]]]:
    """Return the choices of the filters over the claims, as (value, words) sorted by their words."""
    listed = list(entries)
    keys = {each["key"] for each in listed}
    verdicts = [(key, marked(key)) for key in (*MARKS, NOT_TESTED) if key in keys]
    kinds = {kind: CLAIM_KINDS[kind] for each in listed for kind in each["kinds"]}
    sources = {each["source_id"]: each["source"] for each in listed}
    homes = {home: words for each in listed for home, words in each["homes"].items()}
    sets = {"kind": kinds, "source": sources, "home": homes}
    return {
        "verdict": verdicts,
        **{name: sorted(each.items(), key=lambda pair: pair[1]) for name, each in sets.items()},
    }


def figure(rows: pd.DataFrame, title: str) -> Figure:
    """Draw how likely each of some claims was before the data, and how likely it is after them, in both views."""
    drawn = rows[rows["p_direction"].notna() & ~rows["clash"]]
    drawn = drawn.rename(columns={"p_direction": "median", "p_direction_before": "before"})
    drawn = drawn[["claim", "prior", "test", "verdict", "median", "before"]]
    labels = {
        row["claim"]: f"{row['claim']} {shorten(row['question'], _LETTERS)}"
        for row in rows.drop_duplicates("claim").to_dict("records")
        if row["claim"] in set(drawn["claim"])
    }
    return intervals(
        "claims",
        drawn,
        row="claim",
        labels=labels,
        marks=VIEWS,
        percent=True,
        domain=(0.0, 1.0),
        rule=0.5,
        title="Probability that it is so",
        caption="The claims above: where each stood before the data (tick) and stands after them (mark); filled "
        "without taking sides, hollow taking the texts at their word. A long line: the data had much to say. A mark "
        "without a line is an observation, held against published figures only. A claim of several tests is shown by "
        "its weakest.",
        source="Runs of the model from before and after the data; all claims are in claim_verdicts.csv.",
        alternative=f"{title}. {counted(len(labels), 'claim')} drawn: {_told(rows, labels)}",
    )


def _told(rows: pd.DataFrame, labels: Sequence[str] | Mapping[str, str]) -> str:
    of = rows.drop_duplicates("claim")
    return " ".join(
        f"{row['claim']} {marked(row['words'])}, {moved(row['p_direction_before'], row['p_direction'])}."
        for row in of.to_dict("records")
        if row["claim"] in labels
    )
