"""A made-up replication for the report's tests: small, with a planted script, real in its shapes."""

from __future__ import annotations

from outbid.report.content import ClaimRow, Provenance, SourceRow
from outbid.report.replication.content import (
    CellRow,
    CostRow,
    Curve,
    EraRow,
    EstimateRow,
    MaximumRow,
    PlayerRow,
    Refit,
    RefitRow,
    ReplicationContent,
    Search,
)

PLANTED = "<script>alert(1)</script>"
MONTHS = tuple(f"{2000 + i // 12}-{i % 12 + 1:02d}" for i in range(24))
GRID = tuple(-2.0 + 0.5 * i for i in range(9))


def cell(
    table: str, row: str, column: str, published: float, ours: float | None, ok: bool | None, note: str = ""
) -> CellRow:
    gap = None if ours is None else ours - published
    printed = f"{published:.2f}"
    return CellRow(
        table, row, column, published, printed, ours, gap, ok, "decimals 2", "probability", note, "archive"
    )


def content(*, simulated: bool = False) -> ReplicationContent:
    """Return a replication of two invented groups."""
    small = tuple(0.3 + 0.02 * i for i in range(len(GRID)))
    by_month = tuple(0.3 + 0.005 * i for i in range(len(MONTHS)))
    return ReplicationContent(
        study="tiny",
        title=f"A tiny war {PLANTED}",
        question="Do Red and Blue outbid each other?",
        state_words=("popularity", "Red", "Blue"),
        simulated=simulated,
        data="simulated with seed 1" if simulated else "panel.csv",
        players=(PlayerRow("Red", "challenger", 9), PlayerRow("Blue", "incumbent", 3)),
        months=MONTHS,
        state=tuple(-1.5 + 0.1 * i for i in range(len(MONTHS))),
        grid=GRID,
        cells=(
            cell("4", "Red", "first era", 0.18, 0.1767, True),
            cell("4", "Blue", "first era", 0.03, 0.02, False, f"the step was smaller {PLANTED}"),
            cell("5", "baseline", "Red attacks", 0.37, None, None),
        ),
        estimates=(
            EstimateRow("a", "Red: worth of popularity", -0.007, 0.004, 0.005, 0.006, -0.019, 0.005),
            EstimateRow("b", "Blue: worth of popularity", 0.001, 0.0002, 0.0003, 0.0004, 0.0002, 0.0018),
        ),
        parameters=("a", "b"),
        log_likelihood=-278.2,
        eras=(
            EraRow("Red", "first era", "in the first era", 12, 0.3, 0.48, 0.18, 0.01, 0.5, -0.1, 0.46),
            EraRow("Blue", "first era", "in the first era", 12, 0.08, 0.06, -0.02, 0.001, 0.1, -0.03, -0.01),
        ),
        costs=(
            CostRow("baseline", (0.37, 0.11, 0.43), (0.1, 0.1, 0.1)),
            CostRow("higher cost Red", (0.33, 0.10, 0.40), (0.1, 0.1, 0.1)),
            CostRow("higher cost Blue", (0.46, 0.10, 0.51), (0.1, 0.1, 0.1)),
        ),
        curves=tuple(
            Curve(name, small, small[::-1], by_month, by_month[::-1], tuple(i % 3 == 0 for i in range(24)))
            for name in ("Red", "Blue")
        ),
        certificate="The equilibrium solves its equations.",
        search=Search(
            5,
            1,
            (MaximumRow(-272.7, (0.01, -0.002), 2, 2), MaximumRow(-278.2, (-0.007, 0.001), 2, 1)),
            "",
            1.0,
        ),
        refit=Refit(
            (
                RefitRow(
                    "What the rival changes (Table 4)", "Red, first era", 0.18, -0.05, 0.3, "probability"
                ),
                RefitRow(
                    "What the rival changes (Table 4)", "Blue, first era", -0.02, -0.01, 0.1, "probability"
                ),
            ),
            2e-6,
            -508.3,
            -507.6,
            0.99,
            (-507.6,),
        ),
        claims=(ClaimRow("T01", "C", f"They compete {PLANTED}", "article", "abstract", ("actor:red",), ""),),
        sources=(
            SourceRow("article", "An article", "A journal", "", "2024", "javascript:alert(1)", "", "claims"),
        ),
        notes=(),
        problems=(),
        table_titles={"4": "Table 4. With and without"},
        provenance=Provenance(
            *("0.1.0", 1, "outbid run tiny", False, "2026-01-01 00:00 UTC", "3.11", "Linux"),
            packages={"jax": "1"},
            first_month=MONTHS[0],
            last_month=MONTHS[-1],
            n_months=len(MONTHS),
        ),
    )
