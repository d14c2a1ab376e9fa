"""Turn a replication's content into one page that stands alone, in the look of the other reports."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from outbid.report import page
from outbid.report.figures import replication
from outbid.report.made import provenance_facts
from outbid.report.replication import doubts as replication_doubts
from outbid.report.replication import tables as replication_tables
from outbid.report.replication import words as replication_words
from outbid.report.replication.content import EraRow, EstimateRow, RefitRow, ReplicationContent
from outbid.words.numbers import counted

_SECTIONS = (
    ("answer", "Answer"),
    ("tables", "Figure by figure"),
    ("attacks", "When they attack"),
    ("sure", "How sure"),
    ("claims", "Claims"),
    ("made", "How it was made"),
)


def render(content: ReplicationContent) -> str:
    """Return the report as one HTML page; text from a study is escaped, and no script but the page's own runs.

    Parameters
    ----------
    content
        Everything that the report shows.
    """
    bundle, script, style = page.bundle(), page.own("page.js"), page.own("style.css")
    bad = replication_words.tally(content)[1]
    context: dict[str, Any] = {
        "content": content,
        "policy": page.security_policy((bundle, script)),
        "bundle": Markup(bundle),
        "script": Markup(script),
        "style": Markup(style),
        "warning": replication_words.warning(content),
        "bottom": replication_words.bottom(content),
        "findings": [replication_words.effect_of_rival(content, player.name) for player in content.players],
        "costs": replication_words.costs(content),
        "doubt": replication_doubts.doubt(content),
        "eras": [_era(row) for row in content.eras],
        "verdict": replication_words.verdict(content),
        "passed": not bad or replication_words.explained(content),
        "source_line": replication_words.source_line(content),
        "other_maxima": replication_doubts.other_maxima(content),
        "weak": replication_doubts.weak(content.estimates),
        "rivals": replication.rivals(content),
        "curves": replication.curves(content),
        "path": replication.path(content),
        "tables": replication_tables.shown_tables(content),
        "estimates": [_estimate(row) for row in content.estimates],
        "maxima": _maxima(content),
        "refit": _refit(content),
        "stored_gap": _gap(content),
        "headings": {
            "tables": replication_words.heading_tables(content),
            "curves": replication_words.heading_curves(content),
            "sure": replication_doubts.heading_sure(content),
        },
        "facts": provenance_facts(content.provenance),
        "citation": _citation(content),
        "claim_ids": {claim.id for claim in content.claims},
        "sections": [{"id": ident, "name": name} for ident, name in _SECTIONS if _present(ident, content)],
    }
    return page.environment().get_template("replication.html.j2").render(context)


def _present(section: str, content: ReplicationContent) -> bool:
    return bool({"attacks": content.curves, "claims": content.claims}.get(section, True))


def _era(row: EraRow) -> dict[str, str]:
    write = replication_words.share
    known = row.low is not None and row.high is not None
    return {
        "name": f"{row.player}, {row.era}",
        "observed": write(row.observed),
        "together": write(row.together),
        "alone": write(row.alone),
        "difference": _points(row.difference),
        "spread": f"{100 * row.spread:.2f}",
        "interval": f"{_points(row.low or 0.0)} to {_points(row.high or 0.0)}" if known else "–",
    }


def _points(probability: float) -> str:
    return f"{100 * probability:+.1f}".replace("-", "−")


def _estimate(row: EstimateRow) -> dict[str, Any]:
    write = {
        name: f"{getattr(row, name):#.4g}"
        for name in ("estimate", "first", "corrected", "ours", "low", "high")
    }
    shown: dict[str, Any] = {name: text.replace("-", "−") for name, text in write.items()}
    return shown | {"meaning": row.meaning, "zero": row.low <= 0 <= row.high}


def _maxima(content: ReplicationContent) -> list[dict[str, Any]]:
    if content.search is None:
        return []
    return [
        {
            "likelihood": f"{row.log_likelihood:.4f}".replace("-", "−"),
            "values": [f"{value:.4g}".replace("-", "−") for value in row.estimates],
            "starts": counted(row.starts, "start"),
            "equilibria": "not looked for" if row.equilibria is None else str(row.equilibria),
        }
        for row in content.search.maxima
    ]


def _refit(content: ReplicationContent) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the refit's rows by group, as text."""
    if content.refit is None:
        return []
    groups: dict[str, list[RefitRow]] = {}
    for row in content.refit.rows:
        groups.setdefault(row.group, []).append(row)
    return [
        (
            name,
            [
                {
                    "name": row.name,
                    "stored": _number(row.stored),
                    "refitted": _number(row.refitted),
                    "error": _number(row.error),
                    "unit": row.unit,
                }
                for row in rows
            ],
        )
        for name, rows in groups.items()
    ]


def _gap(content: ReplicationContent) -> str:
    gap = None if content.refit is None else content.refit.stored_gap
    return "" if gap is None else replication_tables.powers(f"{gap:.1e}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}".replace("-", "−")


def _citation(content: ReplicationContent) -> str:
    run = content.provenance
    return (
        f"outbid {run.version}: {content.title}. Report made on {run.created} with seed {run.seed} from "
        f"{counted(run.n_months, 'month')} ({content.data}). Cite the article and its archive as well."
    )
