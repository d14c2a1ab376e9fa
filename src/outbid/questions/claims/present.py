"""What became of the claims: tables, summary.json, ten lines for a terminal, and the page's section."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import (
    AFTER,
    BEFORE,
    BUILT_IN,
    CONTRADICTED,
    NOT_IDENTIFIED,
    PRIOR_LABELS,
    SOURCES,
    SUPPORTED,
)
from outbid.evidence import CLAIM_KINDS
from outbid.model.vocabulary import mid_sentence
from outbid.output import plain
from outbid.plots.base import Figure
from outbid.plots.intervals import intervals
from outbid.question import Section
from outbid.questions.claims.compute import ABOUT, CHANCES, MOST_ODDS, NO_VERDICT, NUMBERS, TEXTS
from outbid.stats.effects import lost_draws, readings, tabled
from outbid.stats.verdict import BY_FORM
from outbid.study import Study
from outbid.words.effects import (
    ASSUMED,
    ASSUMED_MARK,
    CANT_TELL,
    chance,
    difference,
    is_assumed,
    lead,
    records,
    span,
)
from outbid.words.numbers import (
    WIDTH,
    amount,
    capital,
    counted,
    percent,
    plain_name,
    shorten,
    terminal,
    two_digits,
    unit_of,
    with_unit,
)

Row = Mapping[Any, Any]
BOTH = tuple(f"{name}{side}" for name in CHANCES for side in ("_before", ""))
TEST_COLUMNS = ("test", "prior", *ABOUT, *TEXTS, *BOTH, *NUMBERS, "assumed")
VERDICT_COLUMNS = ("p_direction_before", "p_direction", "bayes_factor", "median", "q05", "q95", "assumed")
# The verdicts in the order of the page, with their marks: the words never go without the mark, nor a colour without both.
MARKS = {
    SUPPORTED: "✓",
    CONTRADICTED: "✗",
    CANT_TELL: "?",
    BUILT_IN: "■",
    ASSUMED: ASSUMED_MARK,
    NO_VERDICT: "○",
}
SETTLED = (SUPPORTED, CONTRADICTED)
TONES = {SUPPORTED: "good", CONTRADICTED: "bad"}
# Claims that the page tells of first; characters of a question in the picture.
LEADING, LETTERS, NOT_TESTED = 10, 62, "not tested"


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return the claims, what became of each under every prior set, and every test.

    - claims: a row for each claim of the ledger: its statement, where it lives, its verdict (of the neutral priors, or
      else of the first), its tests, or why it has none.
    - claim_verdicts: a row for each tested claim and prior set: the verdict, and the numbers of the test that it hangs on.
    - claim_tests: a row for each test and prior set. `p_direction` is the probability of the claimed sign, `p_relevant`
      that of at least the smallest effect that would matter, each after the data and `_before` them; median, q05 and q95
      are the effect's, in `unit`; `worst_effect` is that of the draw most against the claim, which `worst_apart` sets
      apart; `box` is where the claim holds most.
    """
    tests = _tests(dataset)
    verdicts = _verdicts(dataset, tests)[["claim", "prior", "verdict", "test", "because", *VERDICT_COLUMNS]]
    own = verdicts[verdicts["prior"] == lead(tests)].set_index("claim")["verdict"]
    names = dataset.claims.to_series().str.split()
    claims = pd.DataFrame([claim.model_dump() for claim in study.ledger.claims.values()])
    claims = claims.rename(columns={"id": "claim"}).assign(
        homes=claims["homes"].map(" ".join),
        verdict=[own.get(claim, "") for claim in claims["id"]],
        tests=[" ".join(test for test, of in names.items() if claim in of) for claim in claims["id"]],
        untested=dataset.untested.sel(claim=claims["id"].tolist()).values,
    )
    return {"claims": claims, "claim_verdicts": verdicts, "claim_tests": tests}


def _tests(dataset: xr.Dataset) -> pd.DataFrame:
    after, before = (dataset[list(CHANCES)].sel(data=data, drop=True) for data in (AFTER, BEFORE))
    before = before.rename({name: f"{name}_before" for name in CHANCES})
    flat = xr.merge([dataset[[*NUMBERS, *TEXTS]], after, before]).reset_coords(ABOUT)
    rows = tabled(flat, ["prior", "test"])
    rows = readings(rows, ["higher"] * len(rows), "p_direction")[list(TEST_COLUMNS)]
    # what the figures say without the model comes last
    return rows.sort_values("how", key=lambda how: how == "record", kind="stable", ignore_index=True)


def _verdicts(dataset: xr.Dataset, tests: pd.DataFrame) -> pd.DataFrame:
    """Return what became of each tested claim under every prior set, with all that is known of its weakest test."""
    of_claims = dataset[["claim_verdict", "claim_test"]].rename(claim_verdict="verdict", claim_test="test")
    rows = tabled(of_claims, ["claim", "prior"])
    about = tests.drop(columns=["verdict", "claims"])
    return rows[rows["verdict"] != ""].merge(about, on=["test", "prior"], how="left")


def summary(dataset: xr.Dataset, study: Study) -> dict[str, Any]:
    """Return what summary.json holds of the claims; numbers under a prior set are those of a claim's weakest test."""
    made, priors = tables(dataset, study), dataset.prior.values.tolist()
    rows = {(row["claim"], row["prior"]): row for row in plain(records(made["claim_verdicts"]))}
    names = {"prior_probability": "p_direction_before", "posterior_probability": "p_direction"}
    names = {"verdict": "verdict", "test": "test", **names, "bayes_factor": "bayes_factor"}

    def under(claim: str, prior: str) -> dict[str, Any]:
        row = rows.get((claim, prior), {})
        effect = {name: row.get(name) for name in ("median", "q05", "q95")}
        return {**{name: row.get(column) for name, column in names.items()}, "effect": effect}

    claims = [
        {
            **{"id": row["claim"], "kind": row["kind"], "verdict": row["verdict"] or None},
            "tests": row["tests"].split(),
            "by_prior": {prior: under(row["claim"], prior) for prior in priors},
        }
        for row in plain(records(made["claims"]))
    ]
    return {"claims": claims}


# words


def spoken(verdict: str, because: str) -> str:
    """Return a verdict as a reader meets it: what the prior held for certain is assumed, not built in."""
    if verdict == BUILT_IN:
        return BUILT_IN if because == BY_FORM else ASSUMED
    return CANT_TELL if verdict == NOT_IDENTIFIED else verdict


def marked(verdict: str) -> str:
    """Return a verdict's words with its mark ("✓ supported")."""
    return f"{MARKS[verdict]} {verdict}" if verdict in MARKS else verdict


def moved(before: float, after: float) -> str:
    """Return a probability before and after the data in words; what was as sure before them is assumed."""
    if not math.isfinite(after):
        return ""
    if not math.isfinite(before):
        return chance(after)
    if is_assumed(after, before):
        return f"{ASSUMED_MARK} {ASSUMED} ({percent(before)} → {percent(after)})"
    return f"{percent(before)} → {chance(after)}"


def ranked(dataset: xr.Dataset) -> pd.DataFrame:
    """Return the rows of claim_verdicts in the order in which they matter, with what the test was about.

    First what the study names as central, then what is settled, then what the data moved most. `words` is the
    verdict as it is spoken; `observation` says whether figures alone were asked, `clash` whether they disagree.
    """
    tests = _tests(dataset)
    rows = _verdicts(dataset, tests)
    rows["words"] = [spoken(*each) for each in zip(rows["verdict"], rows["because"], strict=True)]
    by_claim = tests.assign(claim=tests["claims"].str.split()).explode("claim").groupby("claim")
    alone = by_claim["how"].agg(lambda hows: set(hows) == {"record"})
    split = by_claim["verdict"].agg(lambda verdicts: set(SETTLED) <= set(verdicts))
    rows["observation"] = [bool(alone[claim]) for claim in rows["claim"]]
    rows["clash"] = [bool(alone[claim] and split[claim]) for claim in rows["claim"]]
    central = dataset.central.where(dataset.central >= 0, math.inf).to_series()
    own = rows[rows["prior"] == lead(tests)].set_index("claim")
    change = (own["p_direction"] - own["p_direction_before"]).abs().fillna(0.0)

    def place(claim: str) -> tuple[float, bool, float]:
        return central[claim], own["verdict"][claim] not in SETTLED, -change[claim]

    return rows.set_index("claim").loc[sorted(own.index, key=place)].reset_index()


def groups(rows: pd.DataFrame, prior: str) -> list[dict[str, Any]]:
    """Return the claims of one prior set by verdict, in the order of MARKS: those tested by the model, and observations."""
    of = rows[rows["prior"] == prior].sort_values("claim")
    return [
        {
            **{"verdict": verdict, "size": len(inside), "words": f"{mark} {capital(verdict)}, {len(inside)}"},
            "claims": inside[~inside["observation"]]["claim"].tolist(),
            "observations": inside[inside["observation"]]["claim"].tolist(),
        }
        for verdict, mark in MARKS.items()
        if len(inside := of[of["words"] == verdict])
    ]


def heading(study: Study, found: list[dict[str, Any]]) -> str:
    """Return the heading over the claims: how many the data settle, how many not, how many are built in."""
    if not found:
        claims = study.ledger.claims.values()
        homeless = sum(not claim.homes for claim in claims)
        rest = f"{homeless} {'has' if homeless == 1 else 'have'} no" if homeless else "all have a"
        return f"The sources make {counted(len(claims), 'claim')}; {rest} place in the model, and none is tested yet"
    size = {each["verdict"]: each["size"] for each in found}
    observed = sum(len(each["observations"]) for each in found if each["verdict"] in SETTLED)
    settled = sum(size.get(each, 0) for each in SETTLED)
    what = "a plain observation" if observed == 1 else "plain observations"
    of_them = f", {'all' if observed == settled > 1 else observed} of them {what}" if observed else ""
    parts = [f"the data settle {settled or 'none'}{of_them}"]
    if number := size.get(CANT_TELL, 0):
        parts.append(f"{number} can't be told from this case")
    if number := size.get(BUILT_IN, 0) + size.get(ASSUMED, 0):
        parts.append(f"{number} {'is' if number == 1 else 'are'} built in or assumed")
    if number := size.get(NO_VERDICT, 0):
        parts.append(f"{number} {'gets' if number == 1 else 'get'} no verdict from a quick run")
    return f"Of {counted(sum(size.values()), 'claim')} that can be tested, {'; '.join(parts)}"


def brief(dataset: xr.Dataset, study: Study) -> str:
    """Return one sentence on the claims for the first screen; nothing where none is tested."""
    rows = ranked(dataset)
    return tally(groups(rows, lead(rows)))


def tally(found: list[dict[str, Any]]) -> str:
    """Return how many claims came to which verdict, in one sentence."""
    parts = []
    for each in found:
        observed = len(each["observations"]) if each["verdict"] in SETTLED else 0
        number = str(observed) if each["claims"] else "all"
        note = f" ({number} {'observation' if number == '1' else 'observations'})" if observed else ""
        parts.append(f"{each['size']} {each['verdict']}{note}")
    total = counted(sum(each["size"] for each in found), "claim")
    return f"{total} tested: {', '.join(parts)}." if parts else ""


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal: the heading, the claims by verdict, and those that matter most."""
    rows = ranked(dataset)
    prior = lead(rows)
    found = groups(rows, prior)
    out = [f"{each['words']}: {', '.join(each['claims'] + each['observations'])}" for each in found]
    other = rows[rows["prior"] == SOURCES].set_index("claim")
    for row in records(rows[rows["prior"] == prior]):
        tail, p, was = f" {marked(row['words'])}", row["p_direction"], row["p_direction_before"]
        if row["clash"]:
            tail += ": the series disagree"
        elif math.isfinite(p):
            tail += f": {percent(p)}" + (f", was {percent(was)}" if math.isfinite(was) else "")
            if prior != SOURCES and not row["observation"] and row["claim"] in other.index:
                also = other.loc[row["claim"]]
                said = f"{ASSUMED_MARK} {ASSUMED}" if also["assumed"] else percent(also["p_direction"])
                tail += f", at their word {said}"
        question = shorten(row["question"], max(WIDTH - len(tail) - len(row["claim"]) - 1, 20))
        out.append(f"{row['claim']} {question}{tail}")
    return terminal(heading(study, found), out)


# the page


def section(dataset: xr.Dataset, study: Study) -> Section:
    """Return the section: verdicts counted, the claims that matter most, their picture, and every claim's tests."""
    made, rows = tables(dataset, study), ranked(dataset)
    first = lead(made["claim_tests"])
    found = groups(rows, first)
    leading = list(dict.fromkeys(rows["claim"]))[:LEADING]
    claims = made["claims"].set_index("claim", drop=False)
    order = [*leading, *(claim for claim in claims.index if claim not in leading)]
    by_test = made["claim_tests"].groupby("test", sort=False)
    blocks = {str(test): block(each.to_dict("records")) for test, each in by_test}
    # a test that stands for several claims is told at the first of them
    told = {test: claim for claim in reversed(order) for test in claims["tests"][claim].split()}
    entries = [
        entry(claims.loc[claim].to_dict(), rows[rows["claim"] == claim], blocks, told, study)
        for claim in order
    ]
    others = entries[len(leading) :]
    words = {
        "heading": heading(study, found),
        "first": PRIOR_LABELS[first],
        "groups": found,
        "second": "" if first == SOURCES else tally(groups(rows, SOURCES)),
        "leading": entries[: len(leading)],
        "others": others,
        "filters": filters(others),
    }
    figures = [figure(rows[rows["claim"].isin(leading)], heading(study, found))] if leading else []
    return Section("claims", "Claims", "questions/claims/section.html.j2", words, made, figures)


def entry(
    claim: Row, became: pd.DataFrame, blocks: Mapping[str, Row], told: Mapping[str, str], study: Study
) -> dict[str, Any]:
    """Return a claim of the page's tables: its words, what became of it in each view, and what it opens to.

    `claim`, `became`: its rows among the claims and the ranked verdicts; `told`: the claim at which each test is told.
    """
    source, of = study.ledger.sources[claim["source"]], became.to_dict("records")
    tests = {test: blocks[test] for test in claim["tests"].split()}
    who = ", ".join(part for part in (source.author, source.outlet) if part)
    said = {SUPPORTED: "Yes", CONTRADICTED: "No"}
    answers = [
        f"“{each['question']}” {said.get(each['verdict'], 'This can’t be told')}." for each in tests.values()
    ]
    homes = {home: home.partition(":")[::2] for home in claim["homes"].split()}
    return {
        **claim,
        "who": who or shorten(source.title, 60),
        "kinds": {kind: CLAIM_KINDS[kind] for kind in claim["kind"].split("/")},
        "lives": {home: f"{plain_name(name)} ({kind})" for home, (kind, name) in homes.items()},
        "key": of[0]["words"] if of else NOT_TESTED,
        "outcomes": views(of),
        "clash": " ".join(answers) if of and of[0]["clash"] else "",
        "own": [each for test, each in tests.items() if told[test] == claim["claim"]],
        "elsewhere": list(dict.fromkeys(told[test] for test in tests if told[test] != claim["claim"])),
    }


def block(rows: Sequence[Row]) -> dict[str, Any]:
    """Return one test as a claim opens to it, from its rows: what was asked and done, and the numbers in each view."""
    test = rows[0]
    answer_if = test["answer_if"].replace("; ", ", ").rstrip(".")
    least = amount(test["smallest"], test["unit"]) if test["smallest"] > 0 else ""
    return {**test, "answer_if": mid_sentence(answer_if), "least": least, "views": views(rows)}


def views(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Return what a test or claim came to in each view; published figures say the same in every one, so once."""
    record, coarse = bool(rows) and rows[0]["how"] == "record", " (coarse)"
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
            + coarse * (verdict == NO_VERDICT),
            "enough": moved(row["p_relevant_before"], row["p_relevant"]) if row["smallest"] > 0 else "",
            "bayes": bayes_factor(row["bayes_factor"]),
        }
        for row in (rows[:1] if record else rows)
    ]


def effect(row: Row) -> str:
    """Return the effect with its 90% interval and its unit ("+62 (−330 to +480) persons")."""
    if not math.isfinite(row["median"]):
        return ""
    size, ends = difference(row, row["unit"]), span(row, row["unit"])
    return with_unit(f"{size} ({ends})", unit_of(row["unit"], difference=True)[1])


def bayes_factor(factor: float) -> str:
    """Write a Bayes factor with two digits ("32", "1/25", "1,000 or more"); nothing where there is none."""
    if not math.isfinite(factor):
        return ""
    against = factor < 1
    times = min(1 / factor if against else factor, MOST_ODDS) if factor > 0 else MOST_ODDS
    bound = f" or {'less' if against else 'more'}" if times >= MOST_ODDS else ""
    return f"{'1/' if against else ''}{two_digits(times)}{bound}"


def filters(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the choices of the filters over the claims, values with their words, sorted by these but for verdicts."""
    keys = {each["key"] for each in entries}
    choices: dict[str, dict[str, str]] = {
        "kind": {kind: words for each in entries for kind, words in each["kinds"].items()},
        "source": {each["source"]: each["who"] for each in entries},
        "home": {home: words for each in entries for home, words in each["lives"].items()},
    }
    verdicts = {key: marked(key) for key in (*MARKS, NOT_TESTED) if key in keys}
    by_words = {name: dict(sorted(each.items(), key=itemgetter(1))) for name, each in choices.items()}
    return {"verdict": verdicts, **by_words}


def figure(rows: pd.DataFrame, heading: str) -> Figure:
    """Draw how likely each of some claims was before the data, and how likely it is after them, in both views."""
    known = rows[rows["p_direction"].notna() & ~rows["clash"]]
    labels, told = {}, []
    for row in known.drop_duplicates("claim").to_dict("records"):
        labels[row["claim"]] = f"{row['claim']} {shorten(row['question'], LETTERS)}"
        chances = moved(row["p_direction_before"], row["p_direction"])
        told.append(f"{row['claim']} {row['words']}, {chances}.")
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


def problems(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the tests that are no number in some draws."""
    measured = dataset.effect[:, dataset["how"].isin(["intervention", "forecast"]).values]
    return lost_draws(measured, dict(zip(dataset["test"].values, dataset["question"].values, strict=True)))
