"""What a study declares of its players' game: play.toml and payoffs.toml. A study without them is not played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from outbid.declared import Declared, Entries, Id, Many, Number, Says, Sign, Text, fault, in_range, parse, ref
from outbid.errors import InputError, check_name, did_you_mean
from outbid.files import read_toml
from outbid.game.game import Axis, Grid, Player
from outbid.game.reduce import Reduction, reduce
from outbid.model.declare import Model
from outbid.model.priors import Parameter, read_parameters
from outbid.simulate.scenario import names_of
from outbid.words.numbers import plain_name

FILE, PAYOFFS = "play.toml", "payoffs.toml"
TODAY = "today"

Sight = Annotated[str, ref("sight", "no lever or index")]
PlayerName = Annotated[str, ref("player")]
WeightName = Annotated[str, ref("weight", "no payoff weight")]


class GridAxis(Declared):
    """A quantity that all players watch, an index or a player's lever, and its points on the grid."""

    entry = "axis {name}"

    name: Annotated[str, Says("has no name", "Name the index or lever it stands for.")]
    points: Annotated[
        Many[Number], Field(min_length=1), Says("is not a list of numbers", "Write points = [0.0, 1.0].")
    ]


class Variant(Declared):
    """A variant of the game to solve: what differs from today's.

    `resting` has by player the level at which its lever rests: it decides nothing; those of them who are `absent`
    are not there at all, and not spoken of. The other tables hold values that are set: parameters by name, states in
    their own unit, levers by name, payoff weights under "actor.term".
    """

    own_label = True

    id: Id
    label: Text
    description: Text
    baseline: bool = False
    resting: dict[PlayerName, Number] = Field(default_factory=dict)
    absent: Many[str] = ()
    parameters: dict[Annotated[str, ref("parameter")], Number] = Field(default_factory=dict)
    states: dict[Annotated[str, ref("state")], Number] = Field(default_factory=dict)
    levers: dict[Annotated[str, ref("lever")], Number] = Field(default_factory=dict)
    weights: dict[WeightName, Number] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _playable(self, info: ValidationInfo) -> Self:
        players = (info.context or {}).get("player", ())
        if players and set(players) <= set(self.resting):
            raise fault("leaves nobody to decide", "Let one of the players choose.", "resting")
        for name in self.absent:
            check_name(name, self.resting, "absent", f"{name!r} does not rest")
        for lever, value in self.levers.items():
            in_range(info, lever, value, f"levers, {lever}")
        return self


class Clauses(Declared):
    """What a test's answer says, as clauses: "the challenger keeps the incumbent hard", "whether the challenger ..."."""

    yes: Text
    no: Text
    unknown: Text


class GameTest(Declared):
    """A question put to the equilibria: a measure in one variant against another, or the sign of a payoff weight.

    `measure` is a player's lever (its expected action) or an axis, as its mean over the months ahead or at their end.
    `sign` is that of the difference that is expected, `smallest` the size of it that would matter. The first test
    that `says` what its answers are is what the section is headed by.
    """

    id: Id
    claims: Annotated[Many[str], Says("is not a list of claim IDs", 'Write claims = ["A06"].')] = ()
    question: Text
    answer_if: Text
    sign: Sign
    smallest: Annotated[Number, Field(ge=0), Says("is below zero or no number", "Give a size.")] = 0.0
    measure: Annotated[str, ref("measure")] = ""
    when: Literal["mean", "end"] = "mean"
    of: Annotated[str, ref("variant")] = ""
    against: Annotated[str, ref("against", "no variant")] = ""
    weight: WeightName = ""
    says: Clauses | None = None

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Self:
        for key, kind in (("measure", "measure"), ("of", "variant"), ("against", "against")):
            if not (self.weight or getattr(self, key)):
                raise fault("missing", did_you_mean("", (info.context or {}).get(kind, ())), key)
        return self

    @property
    def what(self) -> str:
        """What it measures: a lever, an axis or a payoff weight."""
        return self.weight or self.measure

    @property
    def done(self) -> str:
        """What is done to answer it, in words."""
        if self.weight:
            return f"the players' past moves; the sign of the payoff weight {self.weight.replace('.', ', ')}"
        when = "at the horizon" if self.when == "end" else "on average over the months ahead"
        against = TODAY if self.against == TODAY else f"“{plain_name(self.against)}”"
        return f"equilibrium in “{plain_name(self.of)}” against {against}; {plain_name(self.measure)}, {when}"


class Play(Declared):
    """play.toml: who plays, what all watch, how much the next month counts, and the variants and tests of the game."""

    players: Annotated[
        Many[Annotated[str, ref("actor", "the model has no actor")]],
        Field(min_length=1),
        Says("is not a list of actors", 'Write players = ["incumbent"].'),
    ]
    discount: Annotated[Number, Field(ge=0, lt=1), Says("is {value}", "Give at least 0 and less than 1.")]
    months: Annotated[int, Field(ge=1, le=600), Says("is not a whole number of months", "Give 1 to 600.")]
    axis: Annotated[
        Many[GridAxis],
        Field(min_length=1),
        Says("missing", "Give at least one [[axis]] with name and points."),
    ]
    observed: dict[PlayerName, Sight] = Field(default_factory=dict)
    variant: Entries[Variant] = ()
    test: Entries[GameTest] = ()

    @model_validator(mode="after")
    def _one_baseline(self) -> Self:
        if sum(each.baseline for each in self.variant) != 1:
            raise fault("needs exactly one baseline", "Mark one with baseline = true.", "variant")
        return self


@dataclass(frozen=True)
class PlayersGame:
    """A study's game before any number is put in: the model reduced to it, and what is declared of it.

    `discount` is next month's weight, and `months` how far ahead play is followed from today. `observed` has by player
    the lever or index whose past tells what it did ("lever:hardness", "index:tempo"). Payoff `weights` are named
    "actor.term"; of the `variants`, the baseline comes first.
    """

    reduction: Reduction
    discount: float
    months: int
    observed: Mapping[str, str]
    weights: tuple[Parameter, ...]
    variants: tuple[Variant, ...]
    tests: tuple[GameTest, ...]

    @property
    def grid(self) -> Grid:
        """The states that the players watch."""
        return self.reduction.grid

    @property
    def players(self) -> tuple[Player, ...]:
        """Who plays, each with its lever and the levels of it."""
        return self.reduction.players

    @property
    def weight_names(self) -> tuple[str, ...]:
        """Names of the payoff weights, in the order of every vector of weights."""
        return tuple(each.name for each in self.weights)

    def watched(self, states: Mapping[str, Any], levers: Any) -> list[Any]:
        """Return what the players watch, axis by axis: a state by name, or a lever's place on the last axis."""
        names = self.reduction.model.lever_names
        axes = [axis.name for axis in self.grid.axes]
        return [states[name] if name in states else levers[..., names.index(name)] for name in axes]

    def unit(self, test: GameTest) -> str:
        """Return the unit of what a test measures."""
        units = {each.name: each.unit for each in self.weights}
        units |= {each.name: each.unit for each in self.reduction.model.levers}
        units |= {each.name: "index" for each in self.reduction.model.indices}
        return units[test.what]


def read_game(folder: Path, model: Model) -> PlayersGame | None:
    """Read play.toml and payoffs.toml of a study's folder; None if it has no play.toml.

    Raises InputError on malformed TOML, unknown keys or names, values out of range, weights without an actor's term,
    or none or several baselines.
    """
    if not (folder / FILE).is_file():
        return None
    raw, weights = read_toml(folder / FILE), read_parameters(folder / PAYOFFS)
    play = parse(FILE, raw, Play, _names(raw, model, weights))
    grid = Grid(tuple(Axis(each.name, each.points) for each in play.axis))
    reduction = reduce(model, play.players, grid)
    _check_weights(reduction, [each.name for each in weights])
    variants = tuple(sorted(play.variant, key=lambda each: not each.baseline))
    return PlayersGame(reduction, play.discount, play.months, play.observed, weights, variants, play.test)


def _names(raw: Mapping[str, Any], model: Model, weights: tuple[Parameter, ...]) -> dict[str, Any]:
    """Return what may be named in play.toml, in part what it names itself, whose form is still unknown."""

    def tables(key: str) -> list[Any]:
        value = raw.get(key)
        return value if isinstance(value, list) else []

    def listed(key: str, of: str) -> list[str]:
        return [str(each.get(of)) for each in tables(key) if isinstance(each, dict)]

    names, players, variants = names_of(model), tables("players"), listed("variant", "id")
    moved = [lever for actor in model.actors if actor.name in players for lever in actor.levers]
    sights = [f"{kind}:{name}" for kind in ("lever", "index") for name in names[kind]]
    return names | {
        "player": [str(each) for each in players],
        "sight": sights,
        "weight": [each.name for each in weights],
        "measure": [*moved, *listed("axis", "name")],
        "variant": variants,
        "against": [*variants, TODAY],
    }


def _check_weights(reduction: Reduction, names: list[str]) -> None:
    terms = [f"{actor.name}.{term}" for actor in reduction.actors for term in actor.weights]
    for name in names:
        check_name(name, terms, f"{PAYOFFS}, [{name}]", "is no term of a payoff")
    for term in terms:
        if term not in names:
            raise InputError(f"{PAYOFFS}, [{term}]", "missing", "Give every term of a payoff its prior.")
