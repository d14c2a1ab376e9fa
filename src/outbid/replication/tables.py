"""Everything that a replication found, as facts and tidy tables: what page, CSV files, results.nc and summary.json hold."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid import __version__
from outbid.errors import InputError
from outbid.game.newton import one_thread_each
from outbid.progress import Progress
from outbid.replication import compute
from outbid.replication.data import read_published, rows_of
from outbid.replication.family import play_settings
from outbid.report.core import sources
from outbid.study import Study

PACKAGES = ("jax", "numpy", "scipy", "statsmodels", "altair")


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
        facts = xr.Dataset(
            attrs={"facts": json.dumps(self.facts), "fingerprint": self.facts["provenance"]["fingerprint"]}
        )
        groups = {f"/{name}": _dataset(table) for name, table in self.tables.items()}
        return bytes(xr.DataTree.from_dict({"/": facts, **groups}).to_netcdf(engine="h5netcdf"))


def from_netcdf(path: Path) -> Replication:
    """Return what `Replication.to_netcdf` wrote."""
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            facts = json.loads(tree.attrs["facts"])
            tables = {name: _frame(group.to_dataset().load()) for name, group in tree.children.items()}
    except (OSError, KeyError, ValueError) as error:
        problem = f"is not a replication of this version ({error})"
        raise InputError(str(path), problem, "Make it again with `outbid run`.") from error
    return Replication(facts, tables)


def _dataset(table: pd.DataFrame) -> xr.Dataset:
    """Return a table as variables along one dimension; netCDF knows no missing truth value, so that it gets a number."""
    columns = {}
    for name, column in table.items():
        text = pd.api.types.is_string_dtype(column)
        truth = column.dtype == "boolean"
        values = column.to_numpy(float, na_value=np.nan) if truth else column.to_numpy()
        values = column.to_numpy(object).astype(str) if text else values
        columns[str(name)] = ("entry", values, {"truth": int(truth)})
    return xr.Dataset(columns)


def _frame(data: xr.Dataset) -> pd.DataFrame:
    table = pd.DataFrame({name: pd.Series(each.values) for name, each in data.data_vars.items()})
    return table.astype({name: "boolean" for name, each in data.data_vars.items() if each.attrs["truth"]})


def replicate(study: Study, data: Path | None, asked: Mapping[str, Any], progress: Progress) -> Replication:
    """Make a published game again, from the panel (simulated where `data` is None) to everything that the report shows.

    `asked` holds `quick`, `seed`, the `command` that was typed, and the `fingerprint` of all that results depend on.
    """
    play, quick, seed = play_settings(study), asked["quick"], asked["seed"]
    published = read_published(study.folder / "published.csv", study.figure_sources)
    # the measurement model beside the rest: half of the time goes into compiling, which keeps one core busy
    with one_thread_each(), ThreadPoolExecutor(1) as aside:
        with progress.stage("Reading the panel and fitting the state equation"):
            panel = compute.take_panel(study, play, published, data, seed)
            equation = compute.first_stage(play, panel, seed)
        again = aside.submit(compute.infer_anew, study, play, panel, quick, seed)
        solved = compute.solve_panel(study, play, panel, equation, progress)
        searched = compute.search(solved, quick, seed, progress)
        with progress.stage("Waiting for the measurement model, fitted anew"):
            anew, notes = again.result()
    later = None if anew is None else compute.refit(solved, anew)
    tables = _tables(study, solved, published)
    tables |= {name: each[1] for name, each in (("maxima", searched), ("refit", later)) if each is not None}
    residual, gain, gap = compute.certificate(solved)
    facts = {
        "study": study.name,
        "title": study.settings.title,
        "question": study.settings.question,
        "eras": {era.name: era.words for era in play.eras},
        "state": [play.state, play.low_label, play.high_label],
        "simulated": panel.simulated,
        "data": panel.source,
        "log_likelihood": solved.payoffs.log_likelihood,
        "certificate": {"residual": residual, "gain": gain, "gap": gap},
        "search": None if searched is None else searched[0],
        "refit": None if later is None else later[0],
        "notes": list(notes),
        "problems": [
            *compute.payoff_problems(solved.payoffs),
            *_unexplained(tables["replication"], panel.simulated),
        ],
        "provenance": _provenance(asked, panel.months, progress),
    }
    return Replication(facts, tables)


def _tables(study: Study, solved: compute.Solved, published: pd.DataFrame) -> dict[str, pd.DataFrame]:
    play, panel, states = solved.play, solved.panel, solved.months.states
    together, alone = solved.variants.base.chances, [each.chances for each in solved.variants.alone]
    curves, path = [], []
    for i, player in enumerate(play.actors):
        both = {"with_rival": together[:, i], "without": alone[i][:, i]}
        curves.append(pd.DataFrame({"player": player, "state": solved.grid, **both}))
        months = {"player": player, "month": panel.months, "state": panel.state}
        months |= {name: each[states] for name, each in both.items()}
        path.append(pd.DataFrame({**months, "attacked": panel.actions[:, i]}))
    ledger = study.ledger.claims.values()
    claims = [claim.model_dump() | {"homes": "; ".join(claim.homes)} for claim in ledger]
    players = {
        "player": play.actors,
        "label": play.labels,
        "side": [study.model.lever(player.lever).owner for player in play.players],
        "active_months": panel.actions.sum(axis=0),
    }
    return {
        "players": pd.DataFrame(players),
        "replication": compute.compare(solved, published),
        "estimates": compute.payoff_table(solved.family, play, solved.payoffs),
        "without_rival": solved.rivals,
        "costs": solved.costs,
        "curves": pd.concat(curves, ignore_index=True),
        "path": pd.concat(path, ignore_index=True),
        "claims": pd.DataFrame(claims)[["id", "kind", "statement", "source", "locator", "homes", "left_out"]],
        "sources": sources(study),
    }


def _unexplained(cells: pd.DataFrame, simulated: bool) -> list[str]:
    """Return a sentence if published figures don't come out and no note says why."""
    loose = cells[~cells["ok"].fillna(True) & (cells["note"] == "")]
    if simulated or loose.empty:
        return []
    named = "; ".join(f"Table {row.table}, {row.row}, {row.column}" for row in rows_of(loose.head(3)))
    more = f" and {len(loose) - 3} more" if len(loose) > 3 else ""
    return [f"Published figures that do not come out, without a known reason: {named}{more}."]


def _provenance(asked: Mapping[str, Any], months: tuple[str, ...], progress: Progress) -> dict[str, Any]:
    return {
        "version": __version__,
        **asked,
        "created": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: version(name) for name in PACKAGES},
        "first_month": months[0],
        "last_month": months[-1],
        "n_months": len(months),
        "timing": {name: seconds for name, seconds in progress.timing.items() if seconds > 0.05},
    }
