"""The page's section on the claims: ten that matter, and all others with their tests behind one fold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import CONTRADICTED, PRIOR_LABELS, SOURCES, SUPPORTED
from outbid.evidence import CLAIM_KINDS
from outbid.plots.base import Figure
from outbid.plots.intervals import intervals
from outbid.question import Section
from outbid.questions.claims import present
from outbid.questions.claims.compute import MOST_ODDS, NO_VERDICT
from outbid.questions.claims.present import MARKS, marked, moved, spoken
from outbid.study import Study
from outbid.words.effects import CANT_TELL, difference, lead, span
from outbid.words.numbers import capital, counted, plain_name, shorten, two_digits, unit_of

Row = Mapping[Any, Any]
LEADING, NOT_TESTED = 10, "not tested"
TONES = {SUPPORTED: "good", CONTRADICTED: "bad"}
_LETTERS, COARSE = 62, " (coarse)"


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return the section: verdicts counted, the claims that matter most, their picture, and every claim's tests."""
    made, rows = present.tables(dataset, study), present.ranked(dataset, study)
    first = lead(made["claim_tests"])
    found = present.groups(rows, first)
    leading = rows["claim"].drop_duplicates().tolist()[:LEADING]
    order = [*leading, *(claim for claim in study.ledger.claims if claim not in leading)]
    own = {claim: tests.split() for claim, tests in made["claims"].set_index("claim")["tests"].items()}
    # a test that stands for several claims is told at the first of them
    told = {test: claim for claim in reversed(order) for test in own[claim]}
    entries = {claim: entry(claim, study, made, rows, told) for claim in order}
    others = [each for claim, each in entries.items() if claim not in leading]
    heading = present.heading(study, found)
    words = {
        **{"heading": heading, "brief": present.tally(found), "first": PRIOR_LABELS[first], "groups": found},
        "second": "" if first == SOURCES else present.tally(present.groups(rows, SOURCES)),
        "clashes": {claim: each["clash"] for claim, each in entries.items() if each["clash"]},
        **{"leading": [entries[claim] for claim in leading], "others": others, "filters": filters(others)},
        "order": order,
    }
    figures = [figure(rows[rows["claim"].isin(leading)], heading)] if leading else []
    return Section("claims", "Claims", "questions/claims/section.html.j2", words, made, figures)


def entry(
    claim: str, study: Study, made: Mapping[str, pd.DataFrame], rows: pd.DataFrame, told: Mapping[str, str]
) -> dict[str, Any]:
    """Return a claim of the page's tables: its words, what became of it in each view, and what it opens to.

    `told` names the claim at which each test is told.
    """
    stated = study.ledger.claims[claim]
    source = study.ledger.sources[stated.source]
    of = rows[rows["claim"] == claim].to_dict("records")
    tests = made["claim_tests"]
    own = tests[tests["test"].isin(made["claims"].set_index("claim")["tests"][claim].split())]
    blocks = {str(test): each.to_dict("records") for test, each in own.groupby("test", sort=False)}
    said = {SUPPORTED: "Yes", CONTRADICTED: "No"}
    answers = [
        f"“{each['question']}” {said.get(each['verdict'], 'This can’t be told')}."
        for each, *_ in blocks.values()
    ]
    homes = {home: home.partition(":")[::2] for home in stated.homes}
    return {
        "claim": stated,
        "source": ", ".join(part for part in (source.author, source.outlet) if part)
        or shorten(source.title, 60),
        "kinds": {kind: CLAIM_KINDS[kind] for kind in stated.kind.split("/")},
        "homes": {home: f"{plain_name(name)} ({kind})" for home, (kind, name) in homes.items()},
        "key": of[0]["words"] if of else NOT_TESTED,
        "outcomes": views(of),
        "clash": " ".join(answers) if of and of[0]["clash"] else "",
        "untested": made["claims"].set_index("claim")["untested"][claim],
        "tests": [block(each) for test, each in blocks.items() if told[test] == claim],
        "elsewhere": list(dict.fromkeys(told[test] for test in blocks if told[test] != claim)),
    }


def block(rows: Sequence[Row]) -> dict[str, Any]:
    """Return one test as a claim opens to it, from its rows: what was asked and done, and the numbers in each view."""
    test = rows[0]
    answer_if = test["answer_if"].replace("; ", ", ").rstrip(".")
    inside = answer_if[:1].lower() + answer_if[1:] if answer_if[1:2].islower() else answer_if
    factor, unit = unit_of(test["unit"], difference=True)
    least = f"{two_digits(test['smallest'] * factor)} {unit}".strip() if test["smallest"] > 0 else ""
    return {**test, "answer_if": inside, "least": least, "views": views(rows)}


def views(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Return what a test or claim came to in each view; published figures say the same in every one, so once."""
    record = bool(rows) and rows[0]["how"] == "record"
    return [
        {
            "view": "the figures" if record else PRIOR_LABELS[row["prior"]],
            "verdict": marked(verdict := spoken(row["verdict"], row["because"])),
            "tone": TONES.get(verdict, "open"),
            # where nothing can be told, the numbers say why
            "because": row["because"] if record or verdict != CANT_TELL else "",
            "measure": capital(plain_name(row["measure"]).replace(".", "'s ")),
            "effect": "" if record else effect(row),
            "chances": moved(row["p_direction_before"], row["p_direction"])
            + COARSE * (verdict == NO_VERDICT),
            "enough": moved(row["p_relevant_before"], row["p_relevant"]) if row["smallest"] > 0 else "",
            "bayes": bayes_factor(row["bayes_factor"]),
        }
        for row in (rows[:1] if record else rows)
    ]


def effect(row: Row) -> str:
    """Return the effect with its 90% interval and its unit ("+62 (−330 to +480) persons")."""
    unit = unit_of(row["unit"], difference=True)[1]
    return (
        f"{difference(row, row['unit'])} ({span(row, row['unit'])}) {unit}".strip()
        if math.isfinite(row["median"])
        else ""
    )


def bayes_factor(factor: float) -> str:
    """Write a Bayes factor with two digits ("32", "1/25", "1,000 or more"); nothing where there is none."""
    if not math.isfinite(factor):
        return ""
    against = factor < 1
    times = min(1 / factor if against else factor, MOST_ODDS) if factor > 0 else MOST_ODDS
    bound = f" or {'less' if against else 'more'}" if times >= MOST_ODDS else ""
    return f"{'1/' if against else ''}{two_digits(times)}{bound}"


def filters(entries: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    """Return the choices of the filters over the claims, as (value, words) sorted by their words."""
    listed = list(entries)
    keys = {each["key"] for each in listed}
    choices: dict[str, dict[str, str]] = {
        "kind": {kind: words for each in listed for kind, words in each["kinds"].items()},
        "source": {each["claim"].source: each["source"] for each in listed},
        "home": {home: words for each in listed for home, words in each["homes"].items()},
    }
    verdicts = [(key, marked(key)) for key in (*MARKS, NOT_TESTED) if key in keys]
    return {
        "verdict": verdicts,
        **{name: sorted(each.items(), key=lambda pair: pair[1]) for name, each in choices.items()},
    }


def figure(rows: pd.DataFrame, heading: str) -> Figure:
    """Draw how likely each of some claims was before the data, and how likely it is after them, in both views."""
    known = rows[rows["p_direction"].notna() & ~rows["clash"]]
    each: list[Row] = [*known.drop_duplicates("claim").to_dict("records")]
    labels = {row["claim"]: f"{row['claim']} {shorten(row['question'], _LETTERS)}" for row in each}
    told = [
        f"{row['claim']} {row['words']}, {moved(row['p_direction_before'], row['p_direction'])}."
        for row in each
    ]
    drawn = known[["claim", "prior", "test", "verdict", "p_direction_before", "p_direction"]]
    return intervals(
        "claims",
        drawn.rename(columns={"p_direction": "median", "p_direction_before": "before"}),
        row="claim",
        labels=labels,
        percent=True,
        domain=(0.0, 1.0),
        rule=0.5,
        title="Probability that it is so",
        caption="Each claim before the data (tick) and after them (mark): filled without taking sides, hollow taking "
        "the texts at their word. No line: an observation, held against published figures only. Of several tests, the "
        "weakest is drawn.",
        source="Runs of the model from before and after the data; all claims are in claim_verdicts.csv.",
        alternative=f"{heading}. {counted(len(labels), 'claim')} drawn: {' '.join(told)}",
    )
