"""What summary.json holds."""

from __future__ import annotations

from typing import Any

from outbid.report.claims.content import ClaimsContent
from outbid.report.claims.rows import known, verdict_of, weakest
from outbid.report.content import ClaimRow, ReportContent


def summary(shown: ReportContent) -> dict[str, Any]:
    """Return summary.json: see the README for its keys. What a study lacks is an empty list."""
    made = shown.provenance
    priors = [each.prior for each in shown.fits]
    return {
        "study": shown.study,
        "version": made.version,
        "seed": made.seed,
        "quick": made.quick,
        "data": {
            "first_month": made.first_month,
            "last_month": made.last_month,
            "n_months": made.n_months,
            "sources": [each.id for each in shown.sources if each.role == "figures"],
        },
        "diagnostics": {
            "chains": shown.fits[0].chains,
            "draws": shown.fits[0].draws,
            "rhat_max": max(each.rhat_max for each in shown.fits),
            "ess_bulk_min": min(each.ess_bulk_min for each in shown.fits),
            "divergences": sum(each.divergences for each in shown.fits),
        },
        "claims": [_claim(shown.claims_audit, claim, priors) for claim in shown.claims],
        "scenarios": [
            {
                "id": e.scenario,
                "prior": e.prior,
                "outcome": e.outcome,
                "median": e.level_median,
                "q05": e.level_q05,
                "q95": e.level_q95,
                "probability_better": e.probability_better,
            }
            for e in shown.effects
        ],
        "equilibrium": [
            {
                "id": t.id,
                "claims": list(t.claims),
                "prior": t.prior,
                "measure": t.measure,
                "median": t.median,
                "q05": t.q05,
                "q95": t.q95,
                "probability": t.probability,
                "prior_probability": t.prior_probability,
                "verdict": t.verdict,
            }
            for t in shown.play.tests
        ],
        "payoffs": [
            {
                "player": w.player,
                "term": w.term,
                "prior": name,
                "median": w.median[name],
                "q05": w.q05[name],
                "q95": w.q95[name],
                "probability_positive": w.probability_positive[name],
                "contraction": w.contraction[name],
            }
            for w in shown.play.payoffs
            for name in w.median
        ],
        "forecast": [],
        "scores": [],
        "replication": [],
        "timing": {name: round(seconds, 2) for name, seconds in made.timing.items()},
    }


def _claim(audit: ClaimsContent, claim: ClaimRow, priors: list[str]) -> dict[str, Any]:
    """Return what became of one claim; its numbers under a prior set are those of its weakest test."""
    found = verdict_of(audit, claim.id)
    by_prior = {}
    for prior in priors:
        trial = weakest(audit, found, prior) if found else None
        by_prior[prior] = {
            "verdict": found.by_prior.get(prior) if found else None,
            "test": trial.id if trial else None,
            "prior_probability": known(trial.prior_probability) if trial else None,
            "posterior_probability": known(trial.probability) if trial else None,
            "bayes_factor": known(trial.bayes_factor) if trial else None,
            "effect": {
                "median": known(trial.median) if trial else None,
                "q05": known(trial.q05) if trial else None,
                "q95": known(trial.q95) if trial else None,
            },
        }
    return {
        "id": claim.id,
        "kind": claim.kind,
        "verdict": found.verdict if found else None,
        "tests": list(found.tests) if found else [],
        "by_prior": by_prior,
    }
