"""What a replication reads: the panel, or one that is simulated, and the article's own figures to hold ours against.

Every fault is told by file, line, column and cure.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from outbid.data.tables import (
    Column,
    Parser,
    Row,
    check_known,
    choice,
    month,
    non_negative,
    number,
    read_table,
    text,
)
from outbid.errors import InputError, check_name
from outbid.files import read_text
from outbid.game.equilibrium import solve
from outbid.game.game import even_axis
from outbid.model.declare import Model
from outbid.replication.family import Play, declared_game

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Seeds tried in turn for a simulated panel, and the months with, and without, an action that it needs of each player.
ATTEMPTS, LEAST = 50, 10


class GamePanel(NamedTuple):
    """What is known month by month, and what the data folder holds besides; None where it does not.

    * `polls`: shape (months, polls), percent, NaN where there was none.
    * `measurement`: stored parameters of the measurement model: a weight a poll, persistence, constant, an input a player.
    * `bootstrap`: stored covariance of the first stage's estimates, sigma last.
    * `curves`: stored equilibrium: state and chance of each player's action by grid point, shape (states, 1 + players).
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


def read_panel(folder: Path, play: Play) -> GamePanel:
    """Read the panel from a data folder, and whatever else that the study knows lies there."""
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"--data {folder}", problem, f"Name the folder that holds {play.files.panel}.")
    path = folder / play.files.panel
    if not path.is_file():
        problem = f"holds no {path.name}"
        raise InputError(f"--data {folder}", problem, f"Name the folder that holds {path.name}.")
    rows = _monthly(
        path, play, {play.columns.state: number, **dict.fromkeys(play.columns.actions, zero_or_one)}
    )
    stored = {
        name: folder / file
        for name, file in play.files.model_dump().items()
        if file is not None and (folder / file).is_file()
    }
    return GamePanel(
        play.months,
        np.array([row[play.columns.state] for row in rows]),
        np.array([[row[name] for name in play.columns.actions] for row in rows]),
        path.name,
        polls=_polls(stored["polls"], play) if "polls" in stored and play.columns.polls else None,
        measurement=_measurement(stored["measurement"], play) if "measurement" in stored else None,
        bootstrap=_bootstrap(stored["bootstrap"], play) if "bootstrap" in stored else None,
        curves=_curves(stored["curves"], play) if "curves" in stored else None,
    )


def zero_or_one(field: str, where: str) -> int:
    """Read an action: 0 or 1, also where a spreadsheet wrote 1.0."""
    value = number(field, where)
    if value not in (0.0, 1.0):
        problem = f"{field} is neither 0 nor 1"
        raise InputError(where, problem, "Write 1 for a month with an attack, 0 for none.")
    return int(value)


def _columns(path: Path, needed: dict[str, Parser], blank: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return the columns to read: those needed, and any others that the file holds, as text."""
    lines = csv.reader(line for line in read_text(path).splitlines() if line.strip())
    names = [name.strip() for name in next(lines, [])]
    if names and len(names) > 1:
        for name in needed:
            check_name(name, names, f"{path}, line 1", f"column {name!r} is missing")
    extra = dict.fromkeys(name for name in names if name not in needed)
    kept = tuple(
        Column(name, parse, blank="none" if name in blank else "error") for name, parse in needed.items()
    )
    return kept + tuple(Column(name, text, required=False, blank="none") for name in extra)


def _monthly(path: Path, play: Play, needed: dict[str, Parser], blank: Sequence[str] = ()) -> tuple[Row, ...]:
    """Read a table with one row a month, exactly the study's months in their order."""
    columns = _columns(path, {play.columns.month: month, **needed}, blank)
    rows = read_table(path, columns, key=(play.columns.month,))
    wanted = play.months
    for place, name in enumerate(wanted):
        if place >= len(rows):
            fix = f"The study needs every month from {wanted[0]} to {wanted[-1]}."
            raise InputError(str(path), f"ends before {name}", fix)
        found = rows[place][play.columns.month]
        if found != name:
            problem = f"{found} where {name} should stand: a gap, or months out of order"
            raise InputError(
                rows[place].where(play.columns.month),
                problem,
                f"Give every month from {wanted[0]} to {wanted[-1]} once, in order.",
            )
    if len(rows) > len(wanted):
        extra = rows[len(wanted)]
        problem = "lies after the study's window"
        raise InputError(extra.where(play.columns.month), problem, f"End with {wanted[-1]}.")
    return rows


def _polls(path: Path, play: Play) -> Floats:
    rows = _monthly(path, play, dict.fromkeys(play.columns.polls, number), play.columns.polls)
    return np.array(
        [[np.nan if row[name] is None else row[name] for name in play.columns.polls] for row in rows]
    )


def _measurement(path: Path, play: Play) -> Floats:
    """Read stored parameters of the measurement model, in the order of `GamePanel.measurement`."""
    needed: dict[str, Parser] = {"group": text, "name": text, "estimate": number}
    held = {row["name"]: row["estimate"] for row in read_table(path, _columns(path, needed))}
    names = [*play.columns.polls, "rho", "constant", *(f"{name}_lag" for name in play.columns.actions)]
    return _in_order(path, held, names)


def _bootstrap(path: Path, play: Play) -> Floats:
    lagged = [f"{name}_x_lag_state" for name in play.columns.actions]
    names = ["intercept", *play.columns.actions, "lag_state", *lagged, "sigma"]
    rows = read_table(path, _columns(path, {"term": text, **dict.fromkeys(names, number)}), key=("term",))
    held = {row["term"]: np.array([row[name] for name in names]) for row in rows}
    matrix = _in_order(path, held, names)
    if not np.allclose(matrix, matrix.T, atol=1e-12) or np.linalg.eigvalsh(matrix).min() < -1e-12:
        raise InputError(str(path), "is no covariance", "Fetch the file again: it must be symmetric.")
    return matrix


def _curves(path: Path, play: Play) -> Floats:
    names = ["state", *(f"pr_attack_{actor}" for actor in play.actors)]
    rows = read_table(path, _columns(path, dict.fromkeys(names, number)))
    return np.array([[row[name] for name in names] for row in rows])


def _in_order(path: Path, held: dict[str, Floats] | dict[str, float], names: Sequence[str]) -> Floats:
    for name in names:
        check_name(name, held, str(path), f"has no row for {name!r}")
    return np.array([held[name] for name in names])


def simulated_panel(model: Model, play: Play, equation: Floats, payoffs: Floats, seed: int) -> GamePanel:
    """Return a panel as long as the study's window, played in equilibrium at the given numbers.

    The grid reaches as far as the published one; a path that leaves it, or in which someone hardly ever changes, is drawn
    again from the next seed. `equation` has its spread last; `payoffs` are values, then costs, by player.
    """
    axis = even_axis(play.state, -10.0, 13.0, 461)
    game = declared_game(model, play, axis, equation).game(payoffs, equation)
    # from zero, which is found well enough and spares the compiling of a coarser grid
    found = solve(game, np.zeros((game.grid.size, sum(game.counts))))
    chances = np.stack([each[:, 1] for each in found.probabilities], axis=1)
    points = np.asarray(axis.points)
    for attempt in range(seed, seed + ATTEMPTS):
        state, actions = _path(len(play.months), equation, chances, points, attempt)
        often = actions.sum(axis=0)
        inside = np.mean((state > points[0]) & (state < points[-1])) > 0.9
        if inside and (often >= LEAST).all() and (len(actions) - often >= LEAST).all():
            source = f"simulated at the published estimates with seed {attempt}"
            return GamePanel(play.months, state, actions, source, simulated=True)
    problem = f"none of {ATTEMPTS} seeds gave a usable one"
    raise InputError("simulated panel", problem, "Choose another --seed.")


def _path(months: int, equation: Floats, chances: Floats, points: Floats, seed: int) -> tuple[Floats, Ints]:
    generator, count = np.random.default_rng(seed), chances.shape[1]
    shocks, luck = generator.standard_normal(months), generator.random((months, count))
    state, actions = np.empty(months), np.empty((months, count), dtype=np.int64)
    at = 0.0
    for now in range(months):
        state[now] = at
        actions[now] = luck[now] < chances[np.abs(points - at).argmin()]
        level = equation[0] + actions[now] @ equation[1 : 1 + count]
        carry = equation[1 + count] + actions[now] @ equation[2 + count : -1]
        at = level + carry * at + equation[-1] * shocks[now]
    return state, actions


RULES = ("decimals", "significant", "within")
Key = tuple[str, str, str]

_COLUMNS = (
    Column("table", text),
    Column("row", text),
    Column("column", text),
    Column("value", number),
    Column("rule", choice(*RULES)),
    Column("precision", non_negative),
    Column("source", text),
    Column("unit", text),
    Column("note", text, blank="none"),
)


def rows_of(table: pd.DataFrame) -> list[Any]:
    """Return a table's rows, whose cells are attributes."""
    return list(table.itertuples(index=False))


def read_published(path: Path, sources: Collection[str]) -> pd.DataFrame:
    """Return a study's table of published figures, one a row, keyed by table, row and column.

    `value` is the figure; ours agrees with it by its `rule`: "decimals" (it rounds to it at so many decimals),
    "significant" (they agree to so many digits) or "within" (they differ by no more); `precision` is that number.
    """
    rows = read_table(path, _COLUMNS, key=("table", "row", "column"))
    if not rows:
        raise InputError(str(path), "holds no figure", "Give at least one row.")
    for row in rows:
        check_known(row, "source", sources)
    names = [column.name for column in _COLUMNS]
    return pd.DataFrame([{name: row[name] for name in names} | {"note": row["note"] or ""} for row in rows])


def agrees(value: float, rule: str, precision: float, ours: float) -> bool:
    """Say whether our figure is the published one, by that figure's own rule."""
    if not math.isfinite(ours):
        return False
    size = abs(value)
    if rule == "decimals":
        allowed = 0.5 * 10.0**-precision
    elif rule == "significant":
        leading = math.floor(math.log10(size)) if size > 0 else 0
        allowed = 0.5 * 10.0 ** (leading + 1 - precision)
    else:
        allowed = precision
    return bool(abs(ours - value) <= allowed * (1.0 + 1e-9))


def judge(
    published: pd.DataFrame,
    ours: Mapping[Key, float],
    intervals: Mapping[Key, tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Return every published figure beside ours: `published`, `ours`, `difference`, and `ok`, missing where not judged.

    With `intervals` ours come from a panel simulated at the published figures, which are then the truth: a figure is
    right where its interval (`low` to `high`) holds the truth, and is not judged where it has none.
    """
    rows = []
    for each in rows_of(published):
        key = (each.table, each.row, each.column)
        mine, ends = ours.get(key), (intervals or {}).get(key)
        ok: Any = pd.NA
        if mine is not None and intervals is None:
            ok = agrees(each.value, each.rule, each.precision, mine)
        elif mine is not None and ends is not None:
            ok = ends[0] <= each.value <= ends[1]
        low, high = ends if ends is not None and mine is not None else (math.nan, math.nan)
        at = math.nan if mine is None else mine
        row = (*key, each.value, printed(each.value, each.rule, each.precision), at, at - each.value)
        about = (f"{each.rule} {each.precision:g}", each.unit, each.note, each.source)
        rows.append((*row, ok, low, high, *about))
    names = ["table", "row", "column", "published", "printed", "ours", "difference", "ok", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "rule", "unit", "note", "source"]).astype({"ok": "boolean"})


def printed(value: float, rule: str, precision: float) -> str:
    """Return a published figure as it was printed."""
    forms = {"decimals": f".{int(precision)}f", "within": ".6f", "significant": "#.5g"}
    return f"{value:{forms[rule]}}".replace("-", "−")
