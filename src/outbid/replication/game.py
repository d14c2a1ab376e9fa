"""A study of the kind "game": what it says under [play] in its study.toml, the games that it makes, and its panel.

The declared mechanisms are reduced to the grid, not written twice. Every fault of a file is told by line, column and cure.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, PrivateAttr, ValidationInfo, model_validator

from outbid.data.tables import Column, Parser, Row, month, number, read_table, text
from outbid.declared import Declared, Many, Month, Says, Text, between, distinct, fault, parse, ref
from outbid.errors import InputError, check_name, did_you_mean
from outbid.files import read_text
from outbid.game.equilibrium import solve
from outbid.game.first_stage import GAPS, level_terms
from outbid.game.game import Axis, Game, Grid, even_axis
from outbid.game.kernel import Kernel
from outbid.game.reduce import Reduction, fine_reduction
from outbid.game.specification import FirstStep, Specification
from outbid.model.declare import Model
from outbid.study import Study

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = Annotated[Many[str], Says("missing or not a list of names", 'Write {key} = ["...", "..."].')]
Fraction = Annotated[
    tuple[PositiveInt, PositiveInt],
    Field(strict=False),
    Says("not a fraction", "Write it as two whole numbers, [9, 29]."),
]
_TWO = Field(min_length=2, max_length=2)


class Player(Declared):
    """A player: its actor and lever in the model, its name for readers, and where the search for its payoffs begins.

    `start` is what a unit of the state is worth to it a month, and what its action adds to a month's payoff.
    """

    entry = "{actor}"

    actor: Annotated[str, ref("actor", "unknown name")]
    label: Text
    lever: Annotated[str, ref("lever", "unknown name")]
    start: Annotated[Many[float], _TWO, Says("not two numbers", "Give start = [value, cost].")]


class Era(Declared):
    """A period by which averages are taken, up to the next; `words` say when it was ("in the Oslo era")."""

    entry = "{name}"

    name: Text
    words: Text
    first_month: Month


class Files(Declared):
    """Names of files in the data folder; all but the panel are used where they are there."""

    panel: Text
    polls: Text | None = None
    measurement: Text | None = None
    bootstrap: Text | None = None
    curves: Text | None = None


class Columns(Declared):
    """Names of the columns in those files."""

    month: Text
    state: Text
    actions: Annotated[Many[str], _TWO, Says("not one column a player", "Name one for each player.")]
    polls: Names = ()


class Play(Declared):
    """How a game study is played, estimated and compared: the table [play].

    The state is an index, its ends favour whom the labels name, and it lies low in `low_months`, which settles its sign in
    the polls. `state_equation` names parameters in the order of the first stage's estimates, the spread last; the weights
    are an actor's for the state and for its own action. The grid lies between two quantiles, its step in the state's unit.
    Actions get dearer and cheaper by `cost_step`, in payoff units; the printed rows for both players belong to its parts.
    """

    state: Annotated[str, ref("index", "unknown name")]
    state_equation: Many[Annotated[str, ref("parameter", "unknown name")]]
    players: Annotated[
        Many[Player],
        Field(alias="player", min_length=2, max_length=2),
        Says("not a list of two players", "Open each of the two with [[play.{table}]]."),
    ]
    files: Files
    columns: Columns
    low_label: Text
    high_label: Text
    value_weight: Text
    cost_weight: Text
    discount: Annotated[float, between(0.0, 0.9999)]
    grid_step: Annotated[float, between(1e-6, 1e6)]
    grid_low: Annotated[float, between(0.0, 0.5)]
    grid_high: Annotated[float, between(0.5, 1.0)]
    cost_step: Annotated[float, between(1e-6, 1e3)]
    part_dearer: Annotated[Fraction, Field(alias="part_of_step_dearer")]
    part_cheaper: Annotated[Fraction, Field(alias="part_of_step_cheaper")]
    eras: Annotated[Many[Era], Field(alias="era", min_length=1)]
    low_months: Many[Month]
    _months: tuple[str, ...] = PrivateAttr()

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Play:
        names = info.context or {}
        self._months = tuple(names["month"])
        actors = {actor.name: actor for actor in names["actors"]}
        if len(self.state_equation) != 7:
            problem = f"names {len(self.state_equation)} parameters for 2 players"
            raise fault(problem, "Name 7, the spread last.", "state_equation")
        for player in self.players:
            own = actors[player.actor]
            if tuple(own.levers.get(player.lever, ())) != (0.0, 1.0):
                problem = f"does not hold {player.lever} at 0 and 1"
                raise fault(problem, "Give the actor that lever.", f"player, {player.actor}")
            for key in ("value_weight", "cost_weight"):
                name = getattr(self, key)
                if name not in own.weights:
                    raise fault(f"unknown name {name!r}", did_you_mean(name, own.weights), key)
        if len(self.labels) < 2:
            raise fault("is both players'", "Give each player its own.", f"player, {player.actor}, actor")
        distinct([(self.state, self.state.replace("_", " ")), *self.labels.items()], "player")
        distinct(((each.first_month, each.name) for each in self.eras), "era")
        starts = [self.months.index(era.first_month) for era in self.eras]
        if starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
            problem = "periods must begin with the window and follow one another"
            raise fault(problem, f"Start the first in {self.months[0]}.", "era")
        if len(self.low_months) != 2 or self.low_months[0] > self.low_months[1]:
            raise fault("not a first and a last month", 'Write ["2006-01", "2006-09"].', "low_months")
        return self

    @property
    def months(self) -> tuple[str, ...]:
        """The study's months, YYYY-MM."""
        return self._months

    @property
    def labels(self) -> dict[str, str]:
        """The players' names for readers by their names in the model, in order."""
        return {player.actor: player.label for player in self.players}

    @property
    def start(self) -> NDArray[np.float64]:
        """Where the search for the payoffs begins: values of the state, then costs, by player."""
        return np.array([player.start for player in self.players]).T.ravel()

    @property
    def low(self) -> slice:
        """The places of `low_months`."""
        first, last = (self.months.index(name) for name in self.low_months)
        return slice(first, last + 1)

    @property
    def spans(self) -> tuple[tuple[Era, slice], ...]:
        """Every period with the places of its months."""
        starts = [self.months.index(era.first_month) for era in self.eras]
        stops = [*starts[1:], len(self.months)]
        return tuple((era, slice(*ends)) for era, *ends in zip(self.eras, starts, stops, strict=True))


def play_settings(study: Study) -> Play:
    """Return what a game study says about its play."""
    model = study.model
    names = {
        "index": [index.name for index in model.indices],
        "actor": [actor.name for actor in model.actors],
        "lever": model.lever_names,
        "parameter": model.parameter_names,
        "month": study.settings.window.months,
        "actors": model.actors,
    }
    return parse("study.toml, play", study.settings.play, Play, names)


@dataclass(frozen=True, eq=False)
class DeclaredGame:
    """A game for every payoff vector and state equation, built from the declared mechanisms and payoffs.

    Compared by identity, so that code compiled for one grid is found again.
    """

    reduction: Reduction
    play: Play

    def __call__(self, theta: Array, equation: Array) -> Game:
        """Return the game at payoffs (values of the state, then costs, by player) and a state equation."""
        play = self.play
        weights = {
            actor: {play.value_weight: theta[i], play.cost_weight: theta[2 + i]}
            for i, actor in enumerate(play.labels)
        }
        parameters = dict(zip(play.state_equation, equation, strict=True))
        idle = jnp.zeros(len(self.reduction.model.levers))
        return self.reduction.build(parameters, idle, weights, play.discount)

    @cached_property
    def compiled(self) -> Callable[[Array, Array], Game]:
        """The same, compiled as one piece."""
        return jax.jit(self.__call__)

    @cached_property
    def on_kernel(self) -> Callable[[Kernel, Array, Array], Game]:
        """The same from a kernel, a state equation and payoffs, which saves building the kernel for every payoff vector."""
        return jax.jit(lambda kernel, equation, theta: replace(self(theta, equation), kernel=kernel))

    def game(self, theta: Floats, equation: Floats) -> Game:
        """Return the game at numbers that are known now."""
        return self.compiled(jnp.asarray(theta, dtype=float), jnp.asarray(equation, dtype=float))


def declared_game(model: Model, play: Play, axis: Axis, equation: Floats) -> DeclaredGame:
    """Return the declared theory on a grid, with room for moves as far as this state equation's, spread last."""
    numbers = dict(zip(play.state_equation, map(float, equation), strict=True))
    idle = np.zeros(len(model.levers))
    return DeclaredGame(fine_reduction(model, tuple(play.labels), Grid((axis,)), numbers, idle), play)


def specification(declared: DeclaredGame, equation: Floats, covariance: Floats) -> Specification:
    """Return the family of games to estimate, on one grid, one state equation (its spread last) and its covariance."""
    play = declared.play
    weights = (play.value_weight, play.cost_weight)
    names = tuple(f"{what}_{actor}" for what in weights for actor in play.labels)
    kernel = declared.game(np.zeros(len(names)), equation).kernel
    build = jax.tree_util.Partial(declared.on_kernel, kernel, jnp.asarray(equation))
    first = FirstStep(play.state_equation, equation, covariance)
    return Specification(names, build, first, declared.compiled)


def without(equation: Floats, rival: int) -> Floats:
    """Return the state equation in which one player's actions move nothing, so that the other plays alone."""
    changed = np.array(equation)
    changed[[1 + rival, 4 + rival]] = 0.0
    return changed


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
    path, fix = folder / play.files.panel, f"Name the folder that holds {play.files.panel}."
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"--data {folder}", problem, fix)
    if not path.is_file():
        raise InputError(f"--data {folder}", f"holds no {path.name}", fix)
    names = play.columns
    rows = _monthly(path, play, {names.state: number, **dict.fromkeys(names.actions, zero_or_one)})
    stored: dict[str, Any] = {
        name: read(folder / file, play)
        for name, read in _STORED.items()
        if (file := getattr(play.files, name)) and (folder / file).is_file()
    }
    state, actions = _matrix(rows, [names.state])[:, 0], _matrix(rows, names.actions).astype(np.int64)
    return GamePanel(play.months, state, actions, path.name, **stored)


def zero_or_one(field: str, where: str) -> int:
    """Read an action: 0 or 1, also where a spreadsheet wrote 1.0."""
    value = number(field, where)
    if value not in (0.0, 1.0):
        problem = f"{field} is neither 0 nor 1"
        raise InputError(where, problem, "Write 1 for a month with an attack, 0 for none.")
    return int(value)


def _rows(
    path: Path, needed: dict[str, Parser], key: Sequence[str] | None = None, blank: Sequence[str] = ()
) -> tuple[Row, ...]:
    """Return a table's rows: the columns needed, of which some may be `blank`, and others that it holds, as text."""
    lines = csv.reader(line for line in read_text(path).splitlines() if line.strip())
    names = [name.strip() for name in next(lines, [])]
    for name in needed if len(names) > 1 else ():
        check_name(name, names, f"{path}, line 1", f"column {name!r} is missing")
    columns = [
        Column(name, parse, blank="none" if name in blank else "error") for name, parse in needed.items()
    ]
    others = dict.fromkeys(name for name in names if name not in needed)
    columns += [Column(name, text, required=False, blank="none") for name in others]
    return read_table(path, columns, key)


def _unless_missing(read: Parser, allowed: bool) -> Parser:
    """Return what reads a field as None where R, pandas or Stata wrote that there is none, or refuses it."""

    def cell(field: str, where: str) -> Any:
        if field.lower() not in ("na", "nan", "<na>", "n/a", "null", "none", "."):
            return read(field, where)
        if allowed:
            return None
        raise InputError(where, f"{field!r} is not a finite number: the figure is missing", GAPS)

    return cell


def _monthly(path: Path, play: Play, needed: dict[str, Parser], blank: Sequence[str] = ()) -> tuple[Row, ...]:
    """Read a table with one row a month, exactly the study's months in their order."""
    column, span = play.columns.month, f"{play.months[0]} to {play.months[-1]}"
    cells = {name: _unless_missing(read, name in blank) for name, read in needed.items()}
    rows = _rows(path, {column: month, **cells}, (column,), blank)
    for row, wanted in zip_longest(rows, play.months):
        if row is None:
            raise InputError(str(path), f"ends before {wanted}", f"The study needs every month from {span}.")
        if wanted is None:
            problem = "lies after the study's window"
            raise InputError(row.where(column), problem, f"End with {play.months[-1]}.")
        if row[column] != wanted:
            problem = f"{row[column]} where {wanted} should stand: a gap, or months out of order"
            raise InputError(row.where(column), problem, f"Give every month from {span} once, in order.")
    return rows


def _matrix(rows: Sequence[Row], names: Sequence[str]) -> Floats:
    """Return columns of numbers, shape (rows, names), NaN where blank."""
    return np.array([[row[name] for name in names] for row in rows], dtype=float)


def _polls(path: Path, play: Play) -> Floats | None:
    names = play.columns.polls
    return _matrix(_monthly(path, play, dict.fromkeys(names, number), names), names) if names else None


def _measurement(path: Path, play: Play) -> Floats:
    rows = _rows(path, {"group": text, "name": text, "estimate": number})
    names = [*play.columns.polls, "rho", "constant", *(f"{name}_lag" for name in play.columns.actions)]
    return _matrix(_in_order(path, rows, "name", names), ["estimate"])[:, 0]


def _bootstrap(path: Path, play: Play) -> Floats:
    names = [*level_terms(play.columns.actions), "sigma"]
    rows = _rows(path, {"term": text, **dict.fromkeys(names, number)}, ("term",))
    matrix = _matrix(_in_order(path, rows, "term", names), names)
    if not np.allclose(matrix, matrix.T, atol=1e-12) or np.linalg.eigvalsh(matrix).min() < -1e-12:
        raise InputError(str(path), "is no covariance", "Fetch the file again: it must be symmetric.")
    return matrix


def _curves(path: Path, play: Play) -> Floats:
    names = ["state", *(f"pr_attack_{actor}" for actor in play.labels)]
    return _matrix(_rows(path, dict.fromkeys(names, number)), names)


def _in_order(path: Path, rows: Sequence[Row], column: str, names: Sequence[str]) -> list[Row]:
    """Return the rows of these names, in their order; others are left out."""
    held = {row[column]: row for row in rows}
    for name in names:
        check_name(name, held, str(path), f"has no row for {name!r}")
    return [held[name] for name in names]


_STORED: dict[str, Callable[[Path, Play], Floats | None]] = {
    "polls": _polls,
    "measurement": _measurement,
    "bootstrap": _bootstrap,
    "curves": _curves,
}


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
