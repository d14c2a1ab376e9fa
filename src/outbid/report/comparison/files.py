"""The tables of the comparison of scenarios that a run leaves beside its report."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.report.comparison.content import ComparisonContent
from outbid.report.csv_text import CsvTable


def csv_tables(content: ComparisonContent) -> Mapping[str, CsvTable]:
    """Return the tables as (header, rows); none without a comparison, and none on goals without goals."""
    if not content.rows:
        return {}
    made: dict[str, CsvTable] = {"comparison.csv": _criteria(content), "picks.csv": _picks(content)}
    if content.goals:
        made["goals.csv"] = _goals(content)
    return made


def _criteria(content: ComparisonContent) -> CsvTable:
    units = {each.id: each.unit for each in content.measures}
    header = (
        *("scenario", "prior", "outcome", "unit", "level_median", "level_q05", "level_q95"),
        *("difference_median", "difference_q05", "difference_q95", "probability_better"),
        *("probability_better_before_data", "probability_best_of_all", "expected_regret", "largest_regret"),
        *("worst_level", "mean_of_worst_5_percent"),
    )
    return header, [
        (
            *(r.scenario, r.prior, r.outcome, units.get(r.outcome, ""), r.median, r.q05, r.q95),
            *(r.difference_median, r.difference_q05, r.difference_q95, r.probability_better),
            *(r.prior_probability_better, r.probability_best, r.regret, r.most_regret),
            *(r.worst, r.worst_tail),
        )
        for r in content.rows
    ]


def _picks(content: ComparisonContent) -> CsvTable:
    return ("criterion", "outcome", "prior", "picks"), [
        (p.criterion, p.outcome, p.prior, " ".join(p.scenarios)) for p in content.picks
    ]


def _goals(content: ComparisonContent) -> CsvTable:
    header = (
        *("scenario", "prior", "goal", "outcome", "at_least", "at_most", "probability"),
        "probability_before_data",
    )
    rows: list[tuple[object, ...]] = []
    for row in content.reached:
        for goal in content.goals:
            bounds = (goal.outcome, goal.at_least, goal.at_most)
            rows.append((row.scenario, row.prior, goal.id, *bounds, row.goals[goal.id], None))
        rows.append((row.scenario, row.prior, "all", "", None, None, row.together, row.before))
    return header, rows
