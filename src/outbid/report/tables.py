"""The tables that a run leaves beside its report, as CSV text by file name."""

from __future__ import annotations

from outbid.report.claims import files as claims_csv
from outbid.report.comparison import files as comparison_csv
from outbid.report.content import ReportContent
from outbid.report.csv_text import CsvTable, texts
from outbid.report.play.files import csv_tables
from outbid.report.replay import tables as replay_tables
from outbid.report.worth import files as worth_csv


def tables(content: ReportContent) -> dict[str, str]:
    """Return each table's CSV text by its name below `tables/`."""
    made: dict[str, CsvTable] = {
        "scenarios.csv": _scenarios(content),
        "fans.csv": _fans(content),
        "parameters.csv": _parameters(content),
        "figures.csv": _figures(content),
        "paths.csv": _paths(content),
        "diagram.csv": _diagram(content),
        "sources.csv": (
            ("id", "role", "title", "outlet", "author", "date", "url", "licence"),
            [(s.id, s.role, s.title, s.outlet, s.author, s.date, s.url, s.licence) for s in content.sources],
        ),
        **claims_csv.csv_tables(content.claims_audit, content.claims),
        **csv_tables(content),
    }
    return {
        **texts(made),
        **texts(comparison_csv.csv_tables(content.comparison)),
        **replay_tables.files(content.replay),
        **worth_csv.files(content.worth),
    }


def _scenarios(content: ReportContent) -> CsvTable:
    header = (
        *("scenario", "prior", "outcome", "level_median", "level_q05", "level_q95"),
        *("difference_median", "difference_q05", "difference_q95", "probability_better"),
        *("probability_better_before_data", "regret"),
    )
    return header, [
        (
            *(e.scenario, e.prior, e.outcome, e.level_median, e.level_q05, e.level_q95),
            *(e.median, e.q05, e.q95, e.probability_better, e.prior_probability_better, e.regret),
        )
        for e in content.effects
    ]


def _fans(content: ReportContent) -> CsvTable:
    header = ("scenario", "prior", "outcome", "month", "median", "q05", "q25", "q75", "q95")
    return header, [
        (f.scenario, f.prior, f.outcome, *row)
        for f in content.fans
        for row in zip(f.months, f.median, f.q05, f.q25, f.q75, f.q95, strict=True)
    ]


def _parameters(content: ReportContent) -> CsvTable:
    header = (
        "parameter",
        "unit",
        "prior_set",
        "prior",
        "median",
        "q05",
        "q95",
        "contraction",
        "rhat",
        "ess_bulk",
        "evidence",
    )
    return header, [
        (
            *(p.name, p.unit, name, p.prior[name], p.median[name], p.q05[name], p.q95[name]),
            *(p.contraction[name], p.rhat[name], p.ess_bulk[name], " ".join(p.evidence)),
        )
        for p in content.parameters
        for name in p.prior
    ]


def _figures(content: ReportContent) -> CsvTable:
    header = (
        *("series", "unit", "start", "end", "value", "low", "high", "used", "why_not", "source"),
        *("predicted_median", "predicted_q05", "predicted_q95", "note"),
    )
    return header, [
        (
            *(
                s.id,
                s.unit,
                r.start,
                r.end,
                r.value,
                r.low,
                r.high,
                "yes" if r.used else "no",
                r.why_not,
                r.source,
            ),
            *(r.predicted_median, r.predicted_q05, r.predicted_q95, r.note),
        )
        for s in content.series
        for r in s.records
    ]


def _paths(content: ReportContent) -> CsvTable:
    return ("path", "prior", "unit", "month", "median", "q05", "q95"), [
        (b.id, b.prior, b.unit, *row)
        for b in content.bands
        for row in zip(b.months, b.median, b.q05, b.q95, strict=True)
    ]


def _diagram(content: ReportContent) -> CsvTable:
    priors = [each.prior for each in content.fits]
    header = (
        "source",
        "target",
        "mechanism",
        "effect",
        *(f"probability_positive_{name}" for name in priors),
        *(f"before_data_{name}" for name in priors),
        "evidence",
    )
    return header, [
        (
            *(e.source, e.target, e.mechanism, e.effect),
            *(e.probability_positive[name] for name in priors),
            *(e.prior_probability_positive[name] for name in priors),
            " ".join(e.evidence),
        )
        for e in content.edges
    ]
