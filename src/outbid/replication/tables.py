"""Everything that a replication found, as facts and tidy tables: what page, CSV files, results.nc and summary.json hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid.errors import InputError
from outbid.game.measurement import Measurement, MeasurementFit, smooth_state
from outbid.game.newton import one_thread_each
from outbid.infer.store import DAMAGED, read_groups, sealed
from outbid.progress import Progress
from outbid.replication import compute
from outbid.replication.compute import REACH, Solved, equation_rows, judge, payoff_table
from outbid.report.core import provenance, sources, to_dataset, to_frame
from outbid.study import Study
from outbid.words.numbers import plain_name

PACKAGES = ("jax", "numpy", "scipy", "statsmodels", "altair")
# What is shown again by published table: the group's title, what a figure is called, its unit (that of the state if empty).
_REFITTED = {
    "1": ("The state equation (Table 1, levels)", "{row}", ""),
    "2": ("Payoffs (Table 2)", "{row}", "payoff"),
    "4": ("What the rival changes (Table 4)", "{row}, {column}", "probability"),
    "5": ("Dearer and cheaper attacks (Table 5)", "{row}: {column}", "probability"),
}


@dataclass(frozen=True, eq=False)
class Replication:
    """A published game made again.

    * `facts`: plain values: what was asked, when each period was in words (`eras`), the state's name and whom its ends
      favour (`state`), where the panel comes from, likelihood, certificate, what was left out, problems, how it was made.
    * `tables`: `players`, `replication` (published figures beside ours), `estimates`, `without_rival`, `costs`,
      `curves`, `path`, `claims`, `sources`; `maxima` and `refit` where there are any. `player` is the actor's name.
    """

    facts: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]

    def csv(self) -> dict[str, str]:
        """Return each table's CSV text by its name below `tables/`, numbers with eight digits."""
        return {
            f"{name}.csv": table.to_csv(index=False, float_format="%.8g", lineterminator="\n")
            for name, table in self.tables.items()
        }

    def to_netcdf(self) -> bytes:
        """Return the content of results.nc: a group for each table, the facts as JSON."""
        # netCDF knows no missing truth value
        cells = self.tables["replication"].astype({"ok": float})
        tables = {name: to_dataset(each) for name, each in {**self.tables, "replication": cells}.items()}
        groups = {"/": xr.Dataset(attrs={"facts": json.dumps(self.facts)}), **tables}
        groups = {name: sealed(each) for name, each in groups.items()}
        return bytes(xr.DataTree.from_dict(groups).to_netcdf(engine="netcdf4"))


def from_netcdf(path: Path) -> Replication:
    """Return what `Replication.to_netcdf` wrote. Raises InputError if it isn't that any more."""
    try:
        groups = read_groups(path)
        facts = json.loads(groups.pop("").attrs["facts"])
        tables = {name: to_frame(group) for name, group in groups.items()}
        tables["replication"] = tables["replication"].astype({"ok": "boolean"})
    except DAMAGED as error:
        problem = "is not the results of a whole run of a game"
        raise InputError(str(path), problem, "Make it again with `outbid run`.") from error
    return Replication(facts, tables)


def rows_of(table: pd.DataFrame) -> list[Any]:
    """Return a table's rows, whose cells are attributes."""
    return list(table.itertuples(index=False))


def replicate(study: Study, data: Path | None, asked: Mapping[str, Any], progress: Progress) -> Replication:
    """Make a published game again, from the panel (simulated where `data` is None) to everything that the report shows.

    `asked` holds `quick`, `seed`, the `command` that was typed, and the `fingerprint` of all that results depend on.
    """
    quick, seed = asked["quick"], asked["seed"]
    # the measurement model beside the rest: half of the time goes into compiling, which keeps one core busy
    with one_thread_each(), ThreadPoolExecutor(1) as aside:
        record = compute.begin(study, data, seed, progress)
        again = aside.submit(compute.infer_anew, record, quick, seed)
        solved = compute.solve_panel(record, progress)
        searched, maxima = compute.search(solved, quick, seed, progress)
        with progress.stage("Waiting for the measurement model, fitted anew"):
            fit, after, notes = again.result()
    refitted, changes = (None, None) if fit is None else refit(solved, fit, after)
    tables, play, panel = _tables(solved), record.play, record.panel
    timing = {name: seconds for name, seconds in progress.timing.items() if seconds > 0.05}
    tables |= {name: each for name, each in (("maxima", maxima), ("refit", changes)) if each is not None}
    facts = {
        "study": study.name,
        "title": study.settings.title,
        "question": study.settings.question,
        "eras": {era.name: era.words for era in play.eras},
        "state": [play.state, play.low_label, play.high_label],
        "simulated": panel.simulated,
        "data": panel.source,
        "log_likelihood": solved.payoffs.log_likelihood,
        "certificate": compute.certificate(solved),
        "search": searched,
        "refit": refitted,
        "notes": notes,
        "problems": [*solved.problems, *unexplained(tables["replication"], panel.simulated)],
        "provenance": provenance(asked, panel.months, PACKAGES, timing),
    }
    return Replication(facts, tables)


def _tables(solved: Solved) -> dict[str, pd.DataFrame]:
    study, play, panel, curves, path = solved.study, solved.play, solved.panel, [], []
    for i, (player, alone) in enumerate(zip(play.labels, solved.alone, strict=True)):
        chances = {"with_rival": solved.base.chances[:, i], "without": alone.chances[:, i]}
        curve = pd.DataFrame({"player": player, "state": solved.grid, **chances})
        months = curve.iloc[solved.months.states].assign(state=panel.state, attacked=panel.actions[:, i])
        months.insert(1, "month", panel.months)
        curves.append(curve)
        path.append(months)
    ledger = study.ledger.claims.values()
    claims = [claim.model_dump() | {"homes": "; ".join(claim.homes)} for claim in ledger]
    players = {
        "player": list(play.labels),
        "label": list(play.labels.values()),
        "side": [study.model.lever(player.lever).owner for player in play.players],
        "active_months": panel.actions.sum(axis=0),
    }
    return {
        "players": pd.DataFrame(players),
        "replication": compare(solved),
        "estimates": payoff_table(solved),
        "without_rival": solved.rivals,
        "costs": solved.costs,
        "curves": pd.concat(curves, ignore_index=True),
        "path": pd.concat(path, ignore_index=True),
        "claims": pd.DataFrame(claims)[["id", "kind", "statement", "source", "locator", "homes", "left_out"]],
        "sources": sources(study),
    }


def unexplained(cells: pd.DataFrame, simulated: bool) -> list[str]:
    """Return a sentence if published figures don't come out and no note says why."""
    loose = cells[~cells["ok"].fillna(True) & (cells["note"] == "")]
    if simulated or loose.empty:
        return []
    named = "; ".join(f"Table {row.table}, {row.row}, {row.column}" for row in rows_of(loose.head(3)))
    more = f" and {len(loose) - 3} more" if len(loose) > 3 else ""
    return [f"Published figures that do not come out, without a known reason: {named}{more}."]


def our_figures(solved: Solved) -> pd.DataFrame:
    """Return our figures under the names that they have in the published tables, with those errors that are known."""
    play, plain, steps = solved.play, solved.levels, solved.changes
    rows, changed = equation_rows(play), equation_rows(play, "change before")
    errors, payoffs = np.sqrt(np.diag(solved.covariance)), payoff_table(solved)
    rivals, costs, names = solved.rivals, solved.costs, payoffs["meaning"]
    labels = play.labels | {"either": "either"}
    acting = costs["player"].map(labels) + " attacks"
    parts = [
        _cells("1", [*rows, "sigma"], "levels, estimate", solved.equation, errors),
        _cells("1", rows, "levels, plain error", plain.standard_errors),
        _cells("1", changed, "changes, estimate", steps.estimates),
        _cells("1", changed, "changes, Newey-West error", steps.standard_errors),
        _cells("1", ["sigma"], "changes, estimate", steps.sigma),
        _cells("1", ["adjusted R squared"], "changes, estimate", steps.adjusted_r_squared),
        _cells("1", ["months"], "changes, estimate", float(steps.months)),
        _cells("2", names, "estimate", payoffs["estimate"], solved.payoffs.standard_errors()),
        _cells("2", ["log-likelihood"], "estimate", solved.payoffs.log_likelihood),
        _cells("2", names, "first-step error", payoffs["first_step_error"]),
        _cells("2", names, "corrected error", payoffs["corrected_error"]),
        _cells("4", rivals["player"].map(labels), rivals["period"], rivals["difference"], rivals["error"]),
        _cells("5", costs["row"], acting, costs["probability"], costs["error"]),
    ]
    return pd.concat(parts, ignore_index=True)


def _cells(table: str, row: Any, column: Any, ours: Any, error: Any = np.nan) -> pd.DataFrame:
    """Return figures of one published table; what is not an array holds for all of them."""
    cells = pd.DataFrame({"row": row, "column": column, "ours": ours, "error": error})
    return cells.assign(table=table)


def _curves(solved: Solved) -> list[pd.DataFrame]:
    """Return the curves at the published points; one that is not a point of the grid is left out."""
    published = solved.published
    points = published.loc[published["table"] == "curve", "row"].unique()
    away = np.abs(solved.grid - points.astype(float)[:, None])
    # the published rows name their states with four decimals
    near, places = away.min(axis=1) < 1e-3, away.argmin(axis=1)
    pairs = zip(solved.play.labels.values(), solved.base.chances.T, strict=True)
    return [
        _cells("curve", points[near], f"{label} attacks", chances[places[near]]) for label, chances in pairs
    ]


def compare(solved: Solved) -> pd.DataFrame:
    """Return every published figure beside ours, judged by its own rule or, on a simulated panel, by our interval."""
    ours = pd.concat([our_figures(solved), *_curves(solved)], ignore_index=True)
    # what depends on the path of the state is another number there
    reach = REACH * ours["error"].where(ours["table"].isin(["1", "2"]))
    ours = ours.assign(low=ours["ours"] - reach, high=ours["ours"] + reach)
    return judge(solved.published, ours, solved.panel.simulated)


def refit(before: Solved, fit: MeasurementFit, after: Solved | None) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return what the measurement model fitted anew does to the later steps: facts, and every quantity before and after.

    Among the facts, `stored_gap` is the largest difference between the stored state and the state smoothed at the
    stored parameters, `correlation` that of the stored and the newly inferred state.
    """
    play, panel = before.play, before.panel
    assert panel.polls is not None
    facts: dict[str, Any] = {
        "stored_gap": None,
        "stored_likelihood": None,
        "refitted_likelihood": fit.log_likelihood,
        "correlation": float(np.corrcoef(panel.state, fit.smoothed.state)[0, 1]),
    }
    stored = panel.measurement
    if stored is not None:
        at = Measurement.from_flat(stored, panel.polls.shape[1])
        smoothed = smooth_state(at, panel.polls, panel.actions)
        facts["stored_gap"] = float(np.abs(smoothed.state - panel.state).max())
        facts["stored_likelihood"] = smoothed.log_likelihood
    pulls = [f"what an attack by {label} adds next month" for label in play.labels.values()]
    names = [f"weight of {plain_name(name)}" for name in play.columns.polls]
    key = {"group": "The polls and the state", "name": [*names, "share carried over", "constant", *pulls]}
    figures = {"stored": np.nan if stored is None else stored, "refitted": fit.estimates}
    table = pd.DataFrame({**key, **figures, "error": fit.standard_errors, "unit": "standardised"})
    if after is None:
        return facts, table
    ours = our_figures(after).assign(stored=our_figures(before)["ours"])
    shown = ours["table"].isin(["4", "5"]) | ours["column"].isin(["levels, estimate", "estimate"])
    later = []
    for each in rows_of(ours[shown & ~ours["row"].str.contains("of the step")]):
        group, name, unit = _REFITTED[each.table]
        unit = "" if each.row == "log-likelihood" else unit or play.state
        later.append((group, name.format_map(each._asdict()), each.stored, each.ours, each.error, unit))
    return facts, pd.concat([table, pd.DataFrame(later, columns=table.columns)], ignore_index=True)
