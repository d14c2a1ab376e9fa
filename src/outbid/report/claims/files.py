"""The tables of the claims that a run leaves beside its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from outbid.report.claims.content import ClaimBox, ClaimsContent, Trial
from outbid.report.claims.rows import verdict_of, weakest
from outbid.report.content import PRIORS, ClaimRow
from outbid.report.csv_text import CsvTable

_BY_PRIOR = (
    *("verdict", "test", "probability_before_data", "probability", "bayes_factor"),
    *("effect_median", "effect_q05", "effect_q95"),
)


def csv_tables(audit: ClaimsContent, claims: Sequence[ClaimRow]) -> Mapping[str, CsvTable]:
    """Return claims.csv, and claim_tests.csv where there is an audit, as (header, rows)."""
    made = {"claims.csv": _claims(audit, claims)}
    if audit.trials:
        made["claim_tests.csv"] = _tests(audit)
    return made


def _claims(audit: ClaimsContent, claims: Sequence[ClaimRow]) -> CsvTable:
    header = (
        *(
            "id",
            "kind",
            "statement",
            "source",
            "locator",
            "homes",
            "left_out",
            "verdict",
            "tests",
            "untested",
        ),
        *(f"{name}_{prior}" for prior in PRIORS for name in _BY_PRIOR),
    )
    rows: list[tuple[object, ...]] = []
    for claim in claims:
        found = verdict_of(audit, claim.id)
        numbers: list[object] = []
        for prior in PRIORS:
            trial = weakest(audit, found, prior) if found else None
            numbers += _numbers(found.by_prior.get(prior) if found else None, trial)
        rows.append(
            (
                *(claim.id, claim.kind, claim.statement, claim.source, claim.locator),
                *(" ".join(claim.homes), claim.left_out, found.verdict if found else None),
                *(" ".join(found.tests) if found else "", found.untested if found else ""),
                *numbers,
            )
        )
    return header, rows


def _numbers(verdict: str | None, trial: Trial | None) -> list[object]:
    if trial is None:
        return [verdict, *[None] * (len(_BY_PRIOR) - 1)]
    return [
        *(verdict, trial.id, trial.prior_probability, trial.probability, trial.bayes_factor),
        *(trial.median, trial.q05, trial.q95),
    ]


def _tests(audit: ClaimsContent) -> CsvTable:
    header = (
        *("test", "claims", "how", "question", "answer_if", "done", "measure", "unit", "sign"),
        *("smallest_that_matters", "prior", "verdict", "because", "probability_before_data", "probability"),
        *("probability_matters_before_data", "probability_matters", "bayes_factor"),
        *("effect_median", "effect_q05", "effect_q95", "worst_effect", "worst_apart"),
        *("box", "box_coverage", "box_density", "box_share"),
    )
    rows: list[tuple[object, ...]] = [
        (
            *(each.id, " ".join(each.claims), each.how, each.question, each.answer_if, each.test),
            *(each.measure, each.unit, each.sign, each.smallest, each.prior, each.verdict, each.because),
            *(each.prior_probability, each.probability, each.prior_matters, each.matters),
            *(each.bayes_factor, each.median, each.q05, each.q95),
            each.worst.effect if each.worst else None,
            "; ".join(f"{name} = {value:.4g}" for name, _, value, _ in each.worst.apart)
            if each.worst
            else "",
            *_box(each.box),
        )
        for each in audit.trials
    ]
    return header, rows


def _box(box: ClaimBox | None) -> tuple[object, ...]:
    if box is None:
        return "", None, None, None
    sides = [
        f"{limit.name} {sign} {value:.4g}"
        for limit in box.limits
        for sign, value in ((">=", limit.low), ("<=", limit.high))
        if value is not None
    ]
    return "; ".join(sides), box.coverage, box.density, box.share
