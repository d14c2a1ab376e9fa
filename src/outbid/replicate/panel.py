"""Read the panel that a game is estimated from, with every fault told by file, line, column and cure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from outbid.data.fields import Parser, month, number, text
from outbid.data.tables import Column, Row, read_table, read_text
from outbid.errors import InputError, did_you_mean
from outbid.replicate.settings import PlaySettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GamePanel:
    """What is known month by month, and what the data folder holds besides.

    Parameters
    ----------
    months
        YYYY-MM, without gaps.
    state
        Shape (months,), in latent units.
    actions
        Shape (months, players), 0 or 1.
    source
        Where it comes from, in words.
    simulated
        Whether it was simulated instead of read.
    polls
        Shape (months, polls), percent, NaN where there was none; None without polls.
    measurement
        Stored parameters of the measurement model: one weight a poll, persistence, constant, one input a player.
    bootstrap
        Stored covariance of the first stage's estimates, shape (terms + 1, terms + 1), sigma last.
    curves
        Stored equilibrium: state and probability of each player's action by grid point, shape (states, 1 + players).
    """

    months: tuple[str, ...]
    state: Floats
    actions: Ints
    source: str
    simulated: bool = False
    polls: Floats | None = None
    measurement: Floats | None = None
    bootstrap: Floats | None = None
    curves: Floats | None = None


def read_panel(folder: Path, play: PlaySettings) -> GamePanel:
    """Read the panel from a data folder, and whatever else that the study knows lies there.

    Raises
    ------
    InputError
        If the folder or the panel is missing, a column is missing, a month is malformed, missing or twice, a figure is
        not a number, or an action is neither 0 nor 1.
    """
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"--data {folder}", problem, f"Name the folder that holds {play.files['panel']}.")
    path = folder / play.files["panel"]
    if not path.is_file():
        raise InputError(
            f"--data {folder}", f"holds no {path.name}", f"Name the folder that holds {path.name}."
        )
    rows = _monthly(
        path, play, {play.state_column: number, **dict.fromkeys(play.action_columns, zero_or_one)}
    )
    places = {name: folder / file for name, file in play.files.items()}
    return GamePanel(
        play.window.months,
        np.array([row[play.state_column] for row in rows]),
        np.array([[row[name] for name in play.action_columns] for row in rows]),
        path.name,
        polls=_polls(places.get("polls"), play),
        measurement=_measurement(places.get("measurement"), play),
        bootstrap=_bootstrap(places.get("bootstrap"), play),
        curves=_curves(places.get("curves"), play),
    )


def zero_or_one(field: str, where: str) -> int:
    """Read an action: 0 or 1, also where a spreadsheet wrote 1.0."""
    value = number(field, where)
    if value not in (0.0, 1.0):
        raise InputError(
            where, f"{field} is neither 0 nor 1", "Write 1 for a month with an attack, 0 for none."
        )
    return int(value)


def _columns(path: Path, needed: dict[str, Parser], blank: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return the columns to read: those needed, and any others that the file holds, as text."""
    lines = csv.reader(line for line in read_text(path).splitlines() if line.strip())
    names = [name.strip() for name in next(lines, [])]
    if names and len(names) > 1:
        for name in needed:
            if name not in names:
                raise InputError(f"{path}, line 1", f"column {name!r} is missing", did_you_mean(name, names))
    extra = dict.fromkeys(name for name in names if name not in needed)
    kept = tuple(
        Column(name, parse, blank="none" if name in blank else "error") for name, parse in needed.items()
    )
    return kept + tuple(Column(name, text, required=False, blank="none") for name in extra)


def _monthly(
    path: Path, play: PlaySettings, needed: dict[str, Parser], blank: Sequence[str] = ()
) -> tuple[Row, ...]:
    """Read a table with one row a month, exactly the study's months in their order."""
    columns = _columns(path, {play.month_column: month, **needed}, blank)
    rows = read_table(path, columns, key=(play.month_column,))
    wanted = play.window.months
    for place, name in enumerate(wanted):
        if place >= len(rows):
            fix = f"The study needs every month from {wanted[0]} to {wanted[-1]}."
            raise InputError(str(path), f"ends before {name}", fix)
        found = rows[place][play.month_column]
        if found != name:
            problem = f"{found} where {name} should stand: a gap, or months out of order"
            raise InputError(
                rows[place].where(play.month_column),
                problem,
                f"Give every month from {wanted[0]} to {wanted[-1]} once, in order.",
            )
    if len(rows) > len(wanted):
        extra = rows[len(wanted)]
        raise InputError(
            extra.where(play.month_column), "lies after the study's window", f"End with {wanted[-1]}."
        )
    return rows


def _polls(path: Path | None, play: PlaySettings) -> Floats | None:
    if path is None or not path.is_file() or not play.poll_columns:
        return None
    rows = _monthly(path, play, dict.fromkeys(play.poll_columns, number), play.poll_columns)
    return np.array(
        [[np.nan if row[name] is None else row[name] for name in play.poll_columns] for row in rows]
    )


def _measurement(path: Path | None, play: PlaySettings) -> Floats | None:
    """Read stored parameters of the measurement model, in the order of `GamePanel.measurement`."""
    if path is None or not path.is_file():
        return None
    needed: dict[str, Parser] = {"group": text, "name": text, "estimate": number}
    held = {row["name"]: row["estimate"] for row in read_table(path, _columns(path, needed))}
    names = [*play.poll_columns, "rho", "constant", *(f"{name}_lag" for name in play.action_columns)]
    return _in_order(path, held, names)


def _bootstrap(path: Path | None, play: PlaySettings) -> Floats | None:
    if path is None or not path.is_file():
        return None
    lagged = [f"{name}_x_lag_state" for name in play.action_columns]
    names = ["intercept", *play.action_columns, "lag_state", *lagged, "sigma"]
    rows = read_table(path, _columns(path, {"term": text, **dict.fromkeys(names, number)}), key=("term",))
    held = {row["term"]: np.array([row[name] for name in names]) for row in rows}
    matrix = _in_order(path, held, names)
    if not np.allclose(matrix, matrix.T, atol=1e-12) or np.linalg.eigvalsh(matrix).min() < -1e-12:
        raise InputError(str(path), "is no covariance", "Fetch the file again: it must be symmetric.")
    return matrix


def _curves(path: Path | None, play: PlaySettings) -> Floats | None:
    if path is None or not path.is_file():
        return None
    names = ["state", *(f"pr_attack_{player.actor}" for player in play.players)]
    rows = read_table(path, _columns(path, dict.fromkeys(names, number)))
    return np.array([[row[name] for name in names] for row in rows])


def _in_order(path: Path, held: dict[str, Floats] | dict[str, float], names: Sequence[str]) -> Floats:
    for name in names:
        if name not in held:
            raise InputError(str(path), f"has no row for {name!r}", did_you_mean(name, held))
    return np.array([held[name] for name in names])
