"""The tables of strategic play that a run leaves beside its report."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.report.content import ReportContent

CsvTable = tuple[tuple[str, ...], list[tuple[object, ...]]]


def csv_tables(content: ReportContent) -> Mapping[str, CsvTable]:
    """Return the tables that a run leaves beside its report, as (header, rows); none without play."""
    play = content.play
    if not play.worlds:
        return {}
    steps: list[tuple[object, ...]] = [
        (
            *(row.world, row.prior, row.player, row.lever, "yes" if row.decides else "no", *values),
            *(row.mean_median, row.mean_q05, row.mean_q95),
        )
        for row in play.rows
        for values in zip(row.months, row.median, row.q05, row.q95, strict=True)
    ]
    tests: list[tuple[object, ...]] = [
        (
            *(
                each.id,
                " ".join(each.claims),
                each.question,
                each.answer_if,
                each.measure,
                each.unit,
                each.sign,
            ),
            *(each.smallest, each.prior, each.median, each.q05, each.q95, each.probability),
            *(each.probability_matters, each.prior_probability, each.verdict),
        )
        for each in play.tests
    ]
    weights: list[tuple[object, ...]] = [
        (
            *(row.player, row.term, row.unit, row.meaning, name, row.prior.get(name, "")),
            *(each.get(name) for each in (row.median, row.q05, row.q95, row.probability_positive)),
            row.contraction.get(name),
        )
        for row in play.payoffs
        for name in row.median
    ]
    return {
        "equilibrium.csv": (
            (
                *("world", "prior", "player", "lever", "decides", "month", "median", "q05", "q95"),
                *("mean_median", "mean_q05", "mean_q95"),
            ),
            steps,
        ),
        "strategic_tests.csv": (
            (
                *(
                    "test",
                    "claims",
                    "question",
                    "answer_if",
                    "measure",
                    "unit",
                    "sign",
                    "smallest_that_matters",
                ),
                *("prior", "median", "q05", "q95", "probability", "probability_matters"),
                *("probability_before_data", "verdict"),
            ),
            tests,
        ),
        "payoff_weights.csv": (
            (
                *("player", "term", "unit", "meaning", "prior_set", "prior", "median", "q05", "q95"),
                *("probability_positive", "contraction"),
            ),
            weights,
        ),
    }
