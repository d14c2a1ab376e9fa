"""A made-up replication for the report's tests: small, with a planted script, real in its shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from outbid.replication.tables import Replication

PLANTED = "<script>alert(1)</script>"
MONTHS = tuple(f"{2000 + i // 12}-{i % 12 + 1:02d}" for i in range(24))
GRID = tuple(-2.0 + 0.5 * i for i in range(9))


def changed(found: Replication, table: str, **columns: Any) -> Replication:
    """Return the replication with other columns in one of its tables; None takes the table out."""
    tables = {**found.tables, table: found.tables[table].assign(**columns)}
    return Replication(found.facts, tables)


def content(*, simulated: bool = False) -> Replication:
    """Return a replication of two invented groups."""
    small = 0.3 + 0.02 * np.arange(len(GRID))
    by_month = 0.3 + 0.005 * np.arange(len(MONTHS))
    cells = [
        ("4", "Red", "first era", 0.18, "0.18", 0.1767, True, ""),
        ("4", "Blue", "first era", 0.03, "0.03", 0.02, False, f"the step was smaller {PLANTED}"),
        ("5", "baseline", "Red attacks", 0.37, "0.37", np.nan, pd.NA, ""),
    ]
    replication = pd.DataFrame(
        cells, columns=["table", "row", "column", "published", "printed", "ours", "ok", "note"]
    ).astype({"ok": "boolean"})
    replication = replication.assign(
        difference=replication["ours"] - replication["published"],
        low=np.nan,
        high=np.nan,
        rule="decimals 2",
        unit="probability",
        source="archive",
    )
    errors = ["first_step_error", "corrected_error", "full_error"]
    estimates = pd.DataFrame(
        [
            ("a", "Red: worth of popularity", -0.007, 0.004, 0.005, 0.006, -0.019, 0.005),
            ("b", "Blue: worth of popularity", 0.001, 0.0002, 0.0003, 0.0004, 0.0002, 0.0018),
        ],
        columns=["parameter", "meaning", "estimate", *errors, "low", "high"],
    )
    ends = ["sd_over_root_n", "observed", "low", "high"]
    rivals = pd.DataFrame(
        [
            ("red", "first era", 12, 0.48, 0.3, 0.18, 0.1, 0.01, 0.5, -0.1, 0.46),
            ("blue", "first era", 12, 0.06, 0.08, -0.02, 0.005, 0.001, 0.1, -0.03, -0.01),
        ],
        columns=["player", "period", "months", "with_rival", "without", "difference", "error", *ends],
    ).assign(low_published=np.nan, high_published=np.nan)
    chances = {"baseline": (0.37, 0.11, 0.43), "higher cost Red": (0.33, 0.10, 0.40)}
    chances["higher cost Blue"] = (0.46, 0.10, 0.51)
    costs = [
        (row, player, value, 0.1)
        for row, values in chances.items()
        for player, value in zip(("red", "blue", "either"), values, strict=True)
    ]
    two = ("red", "blue")
    curves = [
        pd.DataFrame({"player": p, "state": GRID, "with_rival": small, "without": small[::-1]}) for p in two
    ]
    path = [
        pd.DataFrame(
            {
                "player": player,
                "month": MONTHS,
                "state": -1.5 + 0.1 * np.arange(len(MONTHS)),
                "with_rival": by_month,
                "without": by_month[::-1],
                "attacked": [int(i % 3 == 0) for i in range(24)],
            }
        )
        for player in two
    ]
    group = "What the rival changes (Table 4)"
    refit = [
        (group, "Red, first era", 0.18, -0.05, 0.3, "probability"),
        (group, "Blue, first era", -0.02, -0.01, 0.1, "probability"),
    ]
    claim = ("T01", "C", f"They compete {PLANTED}", "article", "abstract", "actor:red", "")
    source = ("article", "claims", "An article", "A journal", "", "2024", "javascript:alert(1)", "")
    tables = {
        "players": pd.DataFrame(
            {
                "player": two,
                "label": ("Red", "Blue"),
                "side": ("challenger", "incumbent"),
                "active_months": (9, 3),
            }
        ),
        "replication": replication,
        "estimates": estimates,
        "without_rival": rivals,
        "costs": pd.DataFrame(costs, columns=["row", "player", "probability", "error"]),
        "curves": pd.concat(curves, ignore_index=True),
        "path": pd.concat(path, ignore_index=True),
        "claims": pd.DataFrame(
            [claim], columns=["id", "kind", "statement", "source", "locator", "homes", "left_out"]
        ),
        "sources": pd.DataFrame(
            [source], columns=["id", "role", "title", "outlet", "author", "date", "url", "licence"]
        ),
        "maxima": pd.DataFrame(
            {
                "log_likelihood": [-272.7, -278.2],
                "a": [0.01, -0.007],
                "b": [-0.002, 0.001],
                "starts": [2, 2],
                "equilibria": [2, 1],
            }
        ),
        "refit": pd.DataFrame(refit, columns=["group", "name", "stored", "refitted", "error", "unit"]),
    }
    facts = {
        "study": "tiny",
        "title": f"A tiny war {PLANTED}",
        "question": "Do Red and Blue outbid each other?",
        "eras": {"first era": "in the first era"},
        "state": ["popularity", "Red", "Blue"],
        "simulated": simulated,
        "data": "simulated with seed 1" if simulated else "panel.csv",
        "log_likelihood": -278.2,
        "certificate": {"residual": 3e-13, "gain": 0.0, "gap": None},
        "search": {"starts": 5, "failed": 1, "equilibrium_starts": 6},
        "refit": {
            "stored_gap": 2e-6,
            "stored_likelihood": -508.3,
            "refitted_likelihood": -507.6,
            "correlation": 0.99,
        },
        "notes": [],
        "problems": [],
        "provenance": {
            **{"version": "0.1.0", "seed": 1, "command": "outbid run tiny", "quick": False},
            **{"created": "2026-01-01 00:00 UTC", "python": "3.11", "platform": "Linux"},
            "packages": {"jax": "1"},
            **{"first_month": MONTHS[0], "last_month": MONTHS[-1], "n_months": len(MONTHS)},
            "timing": {},
            "fingerprint": "mark",
        },
    }
    return Replication(facts, tables)
