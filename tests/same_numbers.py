"""Are the numbers of a run still those of the first house? Compares two output folders of a study, value by value.

    python tests/same_numbers.py OLD NEW

Studies are the two that come with the package. OLD was written by commit 81d6d91, NEW by today's code, both on the
same type of machine and with the same seed (another processor gives a sampler other draws). Every number of OLD's
tables and summary is looked up in NEW by its keys;
tables and columns that have another name today stand in `TABLES`. Words are not compared, verdicts are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CLOSE = 1e-9
_ENDS = ("median", "q05", "q95")
_CHANCES = {"probability_better": "p_better", "probability_better_before_data": "p_better_before"}
_DIFFERENCE = {f"difference_{name}": name for name in ("median", "q05", "q25", "q75", "q95")}
_CLAIM = {
    "probability_before_data": "p_direction_before",
    "probability": "p_direction",
    "effect_median": "median",
    "effect_q05": "q05",
    "effect_q95": "q95",
}


def _by_prior(*names: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what turns columns NAME_neutral and NAME_sources into rows with a prior set each."""

    def long(table: pd.DataFrame) -> pd.DataFrame:
        ends = {prior: [f"{name}_{prior}" for name in names] for prior in ("neutral", "sources")}
        rest = [column for column in table if column not in {each for some in ends.values() for each in some}]
        parts = [
            table[[*rest, *columns]]
            .rename(columns=dict(zip(columns, names, strict=True)))
            .assign(prior=prior)
            for prior, columns in ends.items()
        ]
        return pd.concat(parts, ignore_index=True)

    return long


@dataclass(frozen=True)
class Same:
    """Where a table of the first house stands today.

    Parameters
    ----------
    keys
        Its columns that tell its rows apart, by their names today.
    renamed
        Columns by their old names.
    dropped
        Columns that repeat what stands elsewhere, or words.
    reshaped
        What brings the old table into today's shape.
    """

    table: str
    keys: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    reshaped: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table


_PROSE = (
    "statement",
    "label",
    "every_months",
    "months",
    "effort",
    "only_if",
    "question",
    "answer_if",
    "done",
    "because",
)
_VERDICT = ("verdict", "test", "probability_before_data", "probability", "bayes_factor")
_BY_PRIOR = tuple(f"{name}_{prior}" for name in (*_VERDICT, *_CLAIM) for prior in ("neutral", "sources"))
TABLES: dict[str, tuple[Same, ...]] = {
    "scenarios": (Same("scenarios", ("scenario", "prior", "outcome"), {**_DIFFERENCE, **_CHANCES}),),
    "fans": (Same("fans", ("scenario", "prior", "outcome", "month")),),
    "comparison": (
        Same(
            "comparison",
            ("scenario", "prior", "outcome"),
            {
                "probability_best_of_all": "p_best",
                "expected_regret": "regret",
                "worst_level": "worst",
                "mean_of_worst_5_percent": "worst_tail",
            },
            ("unit", *(f"{what}_{end}" for what in ("level", "difference") for end in _ENDS), *_CHANCES),
        ),
    ),
    "goals": (
        Same(
            "goals",
            ("scenario", "prior", "goal", "outcome"),
            {"probability": "p", "probability_before_data": "p_before"},
        ),
    ),
    "picks": (Same("picks", ("criterion", "outcome", "prior")),),
    "replays": (Same("replays", ("replay", "prior", "outcome"), {**_DIFFERENCE, **_CHANCES}),),
    "replay_paths": (Same("replay_paths", ("replay", "kind", "prior", "outcome", "month")),),
    "replay_levers": (
        Same(
            "replay_levers",
            ("replay", "prior", "lever"),
            {
                "mean_as_it_was": "as_it_was",
                "mean_as_it_would_be": "as_it_would_be",
                "share_stopped_at_edge": "share_stopped",
            },
        ),
    ),
    "claims": (
        Same(
            "claims",
            ("claim",),
            {"id": "claim"},
            _BY_PRIOR,
        ),
        Same(
            "claim_verdicts",
            ("claim", "prior"),
            {"id": "claim", **_CLAIM},
            ("kind", "statement", "source", "locator", "homes", "left_out", "tests", "untested"),
            lambda table: _by_prior(*_VERDICT, "effect_median", "effect_q05", "effect_q95")(
                table.drop(columns="verdict")
            ).dropna(subset="verdict"),
        ),
    ),
    "claim_tests": (
        Same(
            "claim_tests",
            ("test", "prior"),
            {
                **_CLAIM,
                "smallest_that_matters": "smallest",
                "probability_matters_before_data": "p_relevant_before",
                "probability_matters": "p_relevant",
            },
        ),
    ),
    "strategic_tests": (
        Same(
            "equilibrium_tests",
            ("test", "prior"),
            {
                "smallest_that_matters": "smallest",
                "probability": "p_direction",
                "probability_matters": "p_relevant",
                "probability_before_data": "p_direction_before",
            },
        ),
    ),
    "equilibrium": (
        Same(
            "equilibrium_paths",
            ("variant", "prior", "player", "month"),
            {"world": "variant"},
            ("lever", "decides", "mean_median", "mean_q05", "mean_q95"),
        ),
        Same(
            "equilibrium",
            ("variant", "prior", "player", "lever"),
            {"world": "variant", **{f"mean_{end}": end for end in _ENDS}},
            ("decides", "month"),
            lambda table: table.drop(columns=list(_ENDS)).drop_duplicates(
                ["world", "prior", "player", "lever"]
            ),
        ),
    ),
    "payoff_weights": (
        Same(
            "payoff_weights",
            ("player", "term", "prior"),
            {"prior_set": "prior", "prior": "declared_prior", "probability_positive": "p_positive"},
        ),
    ),
    "sensitivity": (Same("sensitivity", ("explain", "version", "input"), {"outcome": "explain"}),),
    "boxes": (Same("scenario_discovery", ("question", "prior", "input"), dropped=("scenario", "against")),),
    "trap_map": (
        Same("trap_map", ("prior", "gain", "behaviour", "offer", "share"), {"probability_gain": "p_better"}),
    ),
    "trap_now": (
        Same(
            "trap_now",
            ("prior", "gain"),
            {"probability_gain": "p_better", "probability_before_data": "p_better_before"},
        ),
    ),
    "trap_choice": (
        Same(
            "trap_choice", ("prior", "player", "lever", "offer"), {"probability_below_today": "p_below_today"}
        ),
    ),
    "trap_even_line": (
        Same("trap_even_line", ("prior", "gain", "behaviour", "offer", "share", "to_offer", "to_share")),
    ),
    "trap_today": (Same("trap_today", ("prior", "axis")),),
    "worth": (
        Same(
            "information_value",
            ("prior", "measure", "target"),
            {
                "doubt_removed": "doubt",
                "chance_of_a_clear_answer": "clear",
                "probability_today": "p_today",
            },
        ),
    ),
    "parameters": (
        Same("parameters", ("parameter", "prior"), {"prior_set": "prior", "prior": "distribution"}),
    ),
    "figures": (Same("figures", ("series", "start", "end", "source", "value", "low", "high", "note")),),
    "paths": (Same("bands", ("path", "prior", "month")),),
    "diagram": (
        Same(
            "diagram",
            ("source", "target", "mechanism", "prior"),
            {"probability_positive": "p_positive", "before_data": "p_positive_before"},
            ("effect",),
            _by_prior("probability_positive", "before_data"),
        ),
        Same(
            "diagram",
            ("source", "target", "mechanism", "prior"),
            {},
            tuple(
                f"{what}_{p}"
                for what in ("probability_positive", "before_data")
                for p in ("neutral", "sources")
            ),
            lambda table: table.assign(prior="neutral"),
        ),
    ),
    "sources": (Same("sources", ("id", "role")),),
}


def _players_by_id(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(player=table["player"].str.lower())


def _costs(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row a player from columns of every player."""
    probability = table.melt("row", ["Hamas", "Fatah", "either"], "player", "probability")
    error = table.melt("row", [f"{name}_error" for name in ("Hamas", "Fatah", "either")], value_name="error")
    return _players_by_id(probability.assign(error=error["error"]))


_PAYOFFS = {
    "Hamas: worth of popularity": "popularity_hamas",
    "Fatah: worth of popularity": "popularity_fatah",
    "Hamas: payoff of an attack": "attack_hamas",
    "Fatah: payoff of an attack": "attack_fatah",
}
# Those of the published game.
TABLES |= {
    "costs": (Same("costs", ("row", "player"), reshaped=_costs),),
    "curves": (Same("curves", ("player", "state"), reshaped=_players_by_id),),
    "path": (Same("path", ("player", "month"), reshaped=_players_by_id),),
    "without_rival": (Same("without_rival", ("player", "period"), reshaped=_players_by_id),),
    "estimates": (Same("estimates", ("meaning",), {}, ("parameter",)),),
    "maxima": (Same("maxima", ("log_likelihood",), _PAYOFFS),),
    "refit": (Same("refit", ("group", "name")),),
    "replication": (Same("replication", ("table", "row", "column"), {}, ("published", "source", "note")),),
}


def faults(old: Path, new: Path) -> list[str]:
    """Return a line for every number of the old folder that the new one lacks or tells otherwise."""
    found = []
    for path in sorted((old / "tables").glob("*.csv")):
        if path.stem not in TABLES:
            found.append(f"{path.name}: nothing says where it stands today")
        for same in TABLES.get(path.stem, ()):
            found += [f"{path.name}: {line}" for line in _differences(path, new / "tables", same)]
    return found + _of_summaries(
        *(json.loads((each / "summary.json").read_text("utf-8")) for each in (old, new))
    )


def _differences(path: Path, folder: Path, same: Same) -> list[str]:
    before = same.reshaped(pd.read_csv(path, keep_default_na=False, na_values=[""]))
    before = before.drop(
        columns=[name for name in (*same.dropped, *_PROSE) if name in before and name not in same.keys]
    )
    before = before.rename(columns=dict(same.renamed))
    after = pd.read_csv(folder / f"{same.table}.csv", keep_default_na=False, na_values=[""])
    keys, values = list(same.keys), [name for name in before if name not in same.keys]
    if missing := [name for name in before if name not in after]:
        return [f"no column {', '.join(missing)} in {same.table}.csv"]
    # keys are compared as they are written
    before, after = (each.assign(**{key: each[key].map(_key) for key in keys}) for each in (before, after))
    both = before.merge(after[[*keys, *values]], on=keys, how="left", suffixes=("", " today"), indicator=True)
    if len(both) != len(before) or (both["_merge"] != "both").any():
        return [
            f"{int((both['_merge'] != 'both').sum())} of {len(before)} rows have no one row in {same.table}.csv"
        ]
    lines = []
    for name in values:
        bad = ~_equal(both[name], both[f"{name} today"])
        if bad.any():
            first = both[bad].iloc[0]
            lines.append(
                f"{name}: {int(bad.sum())} of {len(bad)} differ, first {first[name]} and {first[f'{name} today']}"
            )
    return lines


def _key(value: Any) -> str:
    return (
        "" if value is None or value != value else f"{value:.9g}" if isinstance(value, float) else str(value)
    )


def _equal(before: pd.Series, after: pd.Series) -> pd.Series:
    numbers = [pd.to_numeric(each, errors="coerce") for each in (before, after)]
    close = pd.Series(np.isclose(numbers[0], numbers[1], rtol=CLOSE, atol=0.0), index=before.index)
    # what was left empty may be told today
    return close | before.isna() | (before.astype(str) == after.astype(str))


def _of_summaries(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what differs between two summaries; what takes time, and words, are left out."""
    found: list[str] = []

    def compare(a: Any, b: Any, where: str) -> None:
        if isinstance(a, Mapping):
            for key, value in a.items():
                if not isinstance(b, Mapping) or key not in b:
                    found.append(f"summary.json, {where}{key}: is missing")
                else:
                    compare(value, b[key], f"{where}{key}, ")
        elif isinstance(a, list):
            if not isinstance(b, list) or len(a) != len(b):
                found.append(f"summary.json, {where[:-2]}: not as many entries")
            else:
                for i, (one, other) in enumerate(zip(a, b, strict=True)):
                    compare(one, other, f"{where}{i}, ")
        elif isinstance(a, float) and isinstance(b, int | float):
            if not np.isclose(a, b, rtol=CLOSE, atol=0.0):
                found.append(f"summary.json, {where[:-2]}: {a} and {b}")
        elif a != b:
            found.append(f"summary.json, {where[:-2]}: {a!r} and {b!r}")

    compare({key: value for key, value in old.items() if key != "timing"}, new, "")
    return found


def main(arguments: list[str]) -> int:
    """Compare two folders and return an exit code."""
    if len(arguments) != 2:
        print(__doc__)
        return 2
    lines = faults(*map(Path, arguments))
    print(*(lines or ["Every number is the same."]), sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
