"""What summary.json holds after the run of a game; the keys are those of every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outbid.report.replication.content import ReplicationContent
from outbid.report.replication.words import tally, verdict, warning


def summary(shown: ReplicationContent, timing: Mapping[str, float]) -> dict[str, Any]:
    """Return summary.json. What a game lacks is an empty list; `simulated` says whether this is a replication."""
    made = shown.provenance
    good, bad, unjudged = tally(shown)
    return {
        "study": shown.study,
        "simulated": shown.simulated,
        "warning": warning(shown),
        "version": made.version,
        "seed": made.seed,
        "quick": made.quick,
        "data": {
            "first_month": made.first_month,
            "last_month": made.last_month,
            "n_months": made.n_months,
            "sources": []
            if shown.simulated
            else [each.id for each in shown.sources if each.role == "figures"],
            "panel": shown.data,
        },
        "diagnostics": {
            "log_likelihood": shown.log_likelihood,
            "equilibrium": shown.certificate,
            "problems": list(shown.problems),
        },
        "verdict": {"sentence": verdict(shown), "ok": good, "not_ok": bad, "not_judged": unjudged},
        "estimates": [
            {
                "name": row.name,
                "estimate": row.estimate,
                "first_step_error": row.first,
                "corrected_error": row.corrected,
                "full_error": row.ours,
                "low": row.low,
                "high": row.high,
            }
            for row in shown.estimates
        ],
        "replication": [
            {
                "table": cell.table,
                "row": cell.row,
                "column": cell.column,
                "published": cell.published,
                "ours": cell.ours,
                "difference": cell.difference,
                "ok": cell.ok,
                "note": cell.note,
            }
            for cell in shown.cells
        ],
        "claims": [{"id": claim.id, "kind": claim.kind, "verdict": None} for claim in shown.claims],
        "scenarios": [],
        "forecast": [],
        "scores": [],
        "timing": {name: round(seconds, 2) for name, seconds in timing.items()},
    }
