"""What became of the claims as tables, as summary.json holds it, and in ten lines for a terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr

from outbid.conventions import (
    AFTER,
    BEFORE,
    BUILT_IN,
    CONTRADICTED,
    NOT_IDENTIFIED,
    SOURCES,
    SUPPORTED,
)
from outbid.questions.claims.compute import ABOUT, NO_VERDICT, NUMBERS, TEXTS
from outbid.stats.verdict import BY_FORM
from outbid.study import Study
from outbid.words.effects import ASSUMED, ASSUMED_MARK, CANT_TELL, chance, is_assumed, lead
from outbid.words.numbers import capital, clean, counted, percent, shorten

CHANCES = ("p_direction_before", "p_direction", "p_relevant_before", "p_relevant")
TEST_COLUMNS = ("test", "prior", *ABOUT, *TEXTS, *CHANCES, *NUMBERS, "assumed")
VERDICT_COLUMNS = ("p_direction_before", "p_direction", "bayes_factor", "median", "q05", "q95", "assumed")
# The verdicts in the order of the page, with their marks: the words never go without the mark, nor a colour without both.
MARKS: Mapping[str, str] = {
    SUPPORTED: "✓",
    CONTRADICTED: "✗",
    CANT_TELL: "?",
    BUILT_IN: "■",
    ASSUMED: ASSUMED_MARK,
    NO_VERDICT: "○",
}
SETTLED = (SUPPORTED, CONTRADICTED)
_WIDTH, _LINES = 100, 10


def tables(dataset: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return the claims, what became of each under every prior set, and every test.

    Returns
    -------
    claims
        A row for each claim of the ledger: its statement, where it lives, its verdict (of the neutral priors, or
        else of the first), its tests, or why it has none.
    claim_verdicts
        A row for each tested claim and prior set: the verdict, and the numbers of the test that it hangs on.
    claim_tests
        A row for each test and prior set. `p_direction` is the probability of the claimed sign, `p_relevant` that
        of at least the smallest effect that would matter, each after the data and `_before` them; median, q05 and
        q95 are the effect's, in `unit`; `worst_effect` is that of the draw most against the claim, which
        `worst_apart` sets apart; `box` is where the claim holds most.
    """
    tests = _tests(dataset)
    verdicts = dataset[["claim_verdict", "claim_test"]].to_dataframe().reset_index()
    verdicts = verdicts.rename(columns={"claim_verdict": "verdict", "claim_test": "test"})
    verdicts = verdicts[verdicts["verdict"] != ""].merge(
        tests[["test", "prior", "because", *VERDICT_COLUMNS]], on=["test", "prior"], how="left"
    )
    own = verdicts[verdicts["prior"] == lead(tests)].set_index("claim")["verdict"]
    names = dict(zip(dataset.test.values.tolist(), dataset.claims.values.tolist(), strict=True))
    claims = pd.DataFrame(
        {
            **{"claim": claim.id, "kind": claim.kind, "statement": claim.statement, "source": claim.source},
            **{"locator": claim.locator, "homes": " ".join(claim.homes), "left_out": claim.left_out},
            "verdict": own.get(claim.id, ""),
            "tests": " ".join(test for test, of in names.items() if claim.id in of.split()),
            "untested": dataset.untested.sel(claim=claim.id).item(),
        }
        for claim in study.ledger.claims.values()
    )
    return {"claims": claims, "claim_verdicts": verdicts, "claim_tests": tests}


def _tests(dataset: xr.Dataset) -> pd.DataFrame:
    both = dataset[["p_direction", "p_relevant"]]
    after, before = both.sel(data=AFTER, drop=True), both.sel(data=BEFORE, drop=True)
    flat = dataset[[*NUMBERS, *TEXTS]].assign(after)
    flat = flat.assign({f"{name}_before": each for name, each in before.items()}).reset_coords(ABOUT)
    rows = flat.to_dataframe(dim_order=["prior", "test"]).reset_index()
    rows["assumed"] = [
        is_assumed(now, None if math.isnan(then) else then)
        for now, then in zip(rows["p_direction"], rows["p_direction_before"], strict=True)
    ]
    # what the figures say without the model comes last
    rows = rows.assign(last=rows["how"] == "record").sort_values("last", kind="stable", ignore_index=True)
    return rows[list(TEST_COLUMNS)]


def summary(dataset: xr.Dataset, study: Study) -> dict[str, Any]:
    """Return what summary.json holds of the claims; numbers under a prior set are those of a claim's weakest test."""
    made = tables(dataset, study)
    rows = {(row["claim"], row["prior"]): row for row in made["claim_verdicts"].to_dict("records")}

    def under(claim: str, prior: str) -> dict[str, Any]:
        row = rows.get((claim, prior), {})

        def value(name: str) -> float | None:
            return float(row[name]) if row and math.isfinite(row[name]) else None

        return {
            "verdict": row.get("verdict"),
            "test": row.get("test"),
            "prior_probability": value("p_direction_before"),
            "posterior_probability": value("p_direction"),
            "bayes_factor": value("bayes_factor"),
            "effect": {name: value(name) for name in ("median", "q05", "q95")},
        }

    priors = dataset.prior.values.tolist()
    return {
        "claims": [
            {
                "id": row["claim"],
                "kind": row["kind"],
                "verdict": row["verdict"] or None,
                "tests": row["tests"].split(),
                "by_prior": {prior: under(row["claim"], prior) for prior in priors},
            }
            for row in made["claims"].to_dict("records")
        ]
    }


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


def ranked(dataset: xr.Dataset, study: Study) -> pd.DataFrame:
    """Return the rows of claim_verdicts in the order in which they matter, with what the test was about.

    First what the study names as central, then what is settled, then what the data moved most. `words` is the
    verdict as it is spoken; `observation` says whether figures alone were asked, `clash` whether they disagree.
    """
    made = tables(dataset, study)
    tests = made["claim_tests"]
    about = tests.drop(columns=["verdict", "because", "claims", *VERDICT_COLUMNS])
    rows = made["claim_verdicts"].merge(about, on=["test", "prior"], how="left")
    rows["words"] = [spoken(*each) for each in zip(rows["verdict"], rows["because"], strict=True)]
    each_claim = tests.assign(claim=tests["claims"].str.split()).explode("claim").groupby("claim")
    alone = each_claim["how"].agg(lambda hows: set(hows) == {"record"})
    split = each_claim["verdict"].agg(lambda verdicts: set(SETTLED) <= set(verdicts))
    rows["observation"] = [bool(alone[claim]) for claim in rows["claim"]]
    rows["clash"] = [bool(alone[claim] and split[claim]) for claim in rows["claim"]]
    central = dataset.central.to_series()
    own = rows[rows["prior"] == lead(tests)].set_index("claim")
    change = (own["p_direction"] - own["p_direction_before"]).abs().fillna(0.0)

    def place(claim: str) -> tuple[float, bool, float]:
        declared = central[claim] if central[claim] >= 0 else math.inf
        return declared, own["verdict"][claim] not in SETTLED, -change[claim]

    ranks = {claim: rank for rank, claim in enumerate(sorted(own.index, key=place))}
    return rows.sort_values("claim", key=lambda claims: claims.map(ranks), kind="stable", ignore_index=True)


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
    plain = sum(len(each["observations"]) for each in found if each["verdict"] in SETTLED)
    settled = sum(size.get(each, 0) for each in SETTLED)
    what = "a plain observation" if plain == 1 else "plain observations"
    of_them = f", {'all' if plain == settled > 1 else plain} of them {what}" if plain else ""
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
    rows = ranked(dataset, study)
    return tally(groups(rows, lead(rows)))


def tally(found: list[dict[str, Any]]) -> str:
    """Return how many claims came to which verdict, in one sentence."""
    parts = []
    for each in found:
        plain = len(each["observations"]) if each["verdict"] in SETTLED else 0
        number = str(plain) if each["claims"] else "all"
        note = f" ({number} {'observation' if number == '1' else 'observations'})" if plain else ""
        parts.append(f"{each['size']} {each['verdict']}{note}")
    total = counted(sum(each["size"] for each in found), "claim")
    return f"{total} tested: {', '.join(parts)}." if parts else ""


def lines(dataset: xr.Dataset, study: Study) -> list[str]:
    """Return the answer for a terminal: the heading, the claims by verdict, and those that matter most."""
    rows = ranked(dataset, study)
    prior = lead(rows)
    found = groups(rows, prior)
    out = textwrap.wrap(f"{clean(heading(study, found))}.", _WIDTH)[:2]
    for each in found:
        ids = ", ".join(clean(claim) for claim in (*each["claims"], *each["observations"]))
        out.append(shorten(f"{each['words']}: {ids}", _WIDTH))
    other = rows[rows["prior"] == SOURCES].set_index("claim")
    for row in rows[rows["prior"] == prior].head(_LINES - len(out)).to_dict("records"):
        tail = f" {marked(row['words'])}"
        if row["clash"]:
            tail += ": the series disagree"
        elif math.isfinite(row["p_direction"]):
            was = row["p_direction_before"]
            tail += f": {percent(row['p_direction'])}" + (
                f", was {percent(was)}" if math.isfinite(was) else ""
            )
            if prior != SOURCES and not row["observation"] and row["claim"] in other.index:
                also = other.loc[row["claim"]]
                chance = f"{ASSUMED_MARK} {ASSUMED}" if also["assumed"] else percent(also["p_direction"])
                tail += f", at their word {chance}"
        question = shorten(str(row["question"]), max(_WIDTH - len(tail) - len(row["claim"]) - 1, 20))
        out.append(shorten(f"{row['claim']} {question}{tail}", _WIDTH))
    return out[:_LINES]
