"""What a study of the kind "game" says under [play] in its study.toml, and the family of games that it makes.

The declared mechanisms are reduced to the grid, not written twice. Every variant (no rival, dearer or cheaper actions)
is evaluated by the code that was compiled for the estimation, which also gives how play moves with the payoffs; so
intervals by the delta method come at no further cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, model_validator

from outbid.declared import Declared, Many, Month, Says, Text, between, fault, parse, ref
from outbid.errors import did_you_mean
from outbid.game.equilibrium import NoEquilibrium, holds, solve
from outbid.game.game import Axis, Game, Grid, quantile_axis
from outbid.game.kernel import Kernel
from outbid.game.likelihood import Evaluation, evaluate
from outbid.game.reduce import Reduction, fine_reduction
from outbid.game.specification import FirstStep, Specification
from outbid.model.declare import Model
from outbid.study import Study

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = Annotated[Many[str], Says("missing or not a list of names", 'Write {key} = ["...", "..."].')]


def _positive(value: tuple[int, int]) -> tuple[int, int]:
    if min(value) < 1:
        raise fault("not a fraction", "Write it as two whole numbers, [9, 29].")
    return value


Fraction = Annotated[
    tuple[int, int],
    Field(strict=False),
    AfterValidator(_positive),
    Says("not a fraction", "Write it as two whole numbers, [9, 29]."),
]


class Player(Declared):
    """A player: its actor and lever in the model, its name for readers, and where the search for its payoffs begins.

    `start` is what a unit of the state is worth to it a month, and what its action adds to a month's payoff.
    """

    entry = "{actor}"

    actor: Annotated[str, ref("actor", "unknown name")]
    label: Text
    lever: Annotated[str, ref("lever", "unknown name")]
    start: Annotated[Many[float], Says("not two numbers", "Give start = [value, cost].")]


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
    actions: Names
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
    players: Annotated[Many[Player], Field(alias="player")]
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

    def model_post_init(self, context: Any) -> None:
        """Keep the study's months, among which those named here have their places."""
        self._months = tuple(context["month"])

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Play:
        actors = {actor.name: actor for actor in (info.context or {})["actors"]}
        if len(self.players) != 2:
            raise fault(f"{len(self.players)} are named", "A replication has two players.", "player")
        if len(self.state_equation) != 7:
            problem = f"names {len(self.state_equation)} parameters for 2 players"
            raise fault(problem, "Name 7, the spread last.", "state_equation")
        if len(self.columns.actions) != 2:
            raise fault("not one column a player", "Name one for each player.", "columns, actions")
        for player in self.players:
            own, place = actors[player.actor], f"player, {player.actor}"
            if len(player.start) != 2:
                raise fault("not two numbers", "Give start = [value, cost].", f"{place}, start")
            if tuple(own.levers.get(player.lever, ())) != (0.0, 1.0):
                problem = f"does not hold {player.lever} at 0 and 1"
                raise fault(problem, "Give the actor that lever.", place)
            for key in ("value_weight", "cost_weight"):
                name = getattr(self, key)
                if name not in own.weights:
                    raise fault(f"unknown name {name!r}", did_you_mean(name, own.weights), key)
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
    def labels(self) -> tuple[str, ...]:
        """The players' names for readers, in order."""
        return tuple(player.label for player in self.players)

    @property
    def actors(self) -> tuple[str, ...]:
        """The players' names in the model, in order."""
        return tuple(player.actor for player in self.players)

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


# Half-width of a 95% interval, in standard errors.
REACH = 1.959964
# In how many strides a change of costs is made, so that the solution stays next to the base's.
STRIDES = 4


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
        count = len(play.players)
        weights = {
            player.actor: {play.value_weight: theta[i], play.cost_weight: theta[count + i]}
            for i, player in enumerate(play.players)
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

        def built(kernel: Kernel, equation: Array, theta: Array) -> Game:
            return replace(self(theta, equation), kernel=kernel)

        return jax.jit(built)

    def game(self, theta: Floats, equation: Floats) -> Game:
        """Return the game at numbers that are known now."""
        return self.compiled(jnp.asarray(theta, dtype=float), jnp.asarray(equation, dtype=float))


def state_axis(play: Play, state: Floats) -> Axis:
    """Return the grid's axis: from one quantile of the state to another by even steps."""
    return quantile_axis(play.state, state, play.grid_step, play.grid_low, play.grid_high)


def declared_game(model: Model, play: Play, axis: Axis, equation: Floats) -> DeclaredGame:
    """Return the declared theory on a grid, with room for moves as far as this state equation's, spread last."""
    numbers = dict(zip(play.state_equation, map(float, equation), strict=True))
    idle = np.zeros(len(model.levers))
    return DeclaredGame(fine_reduction(model, play.actors, Grid((axis,)), numbers, idle), play)


def specification(declared: DeclaredGame, equation: Floats, covariance: Floats) -> Specification:
    """Return the family of games to estimate, on one grid, one state equation (its spread last) and its covariance."""
    play = declared.play
    weights = (play.value_weight, play.cost_weight)
    names = tuple(f"{what}_{player.actor}" for what in weights for player in play.players)
    kernel = declared.game(np.zeros(len(names)), equation).kernel
    build = jax.tree_util.Partial(declared.on_kernel, kernel, jnp.asarray(equation))
    return Specification(
        names, build, FirstStep(play.state_equation, equation, covariance), declared.compiled
    )


def without(play: Play, equation: Floats, rival: int) -> Floats:
    """Return the state equation in which one player's actions move nothing, so that the other plays alone."""
    count = len(play.players)
    changed = np.array(equation)
    changed[[1 + rival, 2 + count + rival]] = 0.0
    return changed


class Variant(NamedTuple):
    """Play in one variant: chances of acting, shape (states, players), and their derivatives in the payoffs, last axis."""

    chances: Floats
    slopes: Floats


@dataclass(frozen=True, eq=False)
class Variants:
    """The variants of the game that the tables compare, at the estimates.

    `alone` is play by player where its rival's actions move nothing; `counts` and `values` have shape (states, all
    actions). The payoffs' covariance is that with our correction; `published` with the published form of it, if known.
    """

    declared: DeclaredGame
    family: Specification
    counts: Floats
    theta: Floats
    values: Floats
    base: Variant
    alone: tuple[Variant, ...]
    covariance: Floats
    published: Floats | None

    def rivals(self, states: Ints, actions: Ints) -> pd.DataFrame:
        """Return what the rival changes for each player and period, along the months' `states` (places on the grid).

        `sd_over_root_n` is the standard deviation of the monthly differences over the root of their number, no sampling
        error. `low` and `high` bound the 95% interval by the delta method, `low_published` and `high_published` that
        from the published form of the errors.
        """
        rows = []
        for i, (player, alone) in enumerate(zip(self.declared.play.actors, self.alone, strict=True)):
            gaps = (self.base.chances[:, i] - alone.chances[:, i])[states]
            slopes = (self.base.slopes[:, i] - alone.slopes[:, i])[states]
            for era, part in self.declared.play.spans:
                gap, slope = float(gaps[part].mean()), slopes[part].mean(axis=0)
                error, milder = _error(slope, self.covariance), _error(slope, self.published)
                row = {
                    "player": player,
                    "period": era.name,
                    "months": part.stop - part.start,
                    "with_rival": self.base.chances[states[part], i].mean(),
                    "without": alone.chances[states[part], i].mean(),
                    "difference": gap,
                    "error": error,
                    "sd_over_root_n": gaps[part].std(ddof=1) / np.sqrt(part.stop - part.start),
                    "observed": actions[part, i].mean(),
                }
                ends = {"low": -error, "high": error, "low_published": -milder, "high_published": milder}
                rows.append(row | {name: gap + REACH * each for name, each in ends.items()})
        return pd.DataFrame(rows)

    def costs(self) -> pd.DataFrame:
        """Return the chance of acting under dearer and cheaper actions, averaged over the grid, with its error.

        In the order of the published table, then of its smaller steps; `player` is "either" for that of anybody.
        """
        play = self.declared.play
        (one, other), step = play.labels, play.cost_step
        steps = {"baseline": (0.0, 0.0)}
        for word, size in (("higher", -step), ("lower", step)):
            steps[f"{word} cost {one}"] = (size, 0.0)
            steps[f"{word} cost {other}"] = (0.0, size)
            steps[f"{word} cost both"] = (size, size)
        for word, size, (above, below) in (
            ("higher", -step, play.part_dearer),
            ("lower", step, play.part_cheaper),
        ):
            part = size * above / below
            steps[f"{word} cost both, {above}/{below} of the step"] = (part, part)
        rows = []
        for name, each in steps.items():
            variant = self._shifted(np.array(each)) if any(each) else self.base
            rest = 1.0 - variant.chances
            either = 1.0 - rest.prod(axis=1), (variant.slopes * rest[:, ::-1, None]).sum(axis=1)
            curves = [(variant.chances[:, i], variant.slopes[:, i]) for i in range(len(each))]
            for player, (chance, slope) in zip((*play.actors, "either"), (*curves, either), strict=True):
                error = _error(slope.mean(axis=0), self.covariance)
                rows.append({"row": name, "player": player, "probability": chance.mean(), "error": error})
        return pd.DataFrame(rows)

    def _shifted(self, steps: Floats) -> Variant:
        """Return play at other costs, followed from the base: where there are several equilibria, the one next to it."""
        move = np.concatenate([np.zeros(len(self.theta) - len(steps)), steps]) / STRIDES
        at = _sound(self.family, self.theta, self.values, self.counts)
        for stride in range(1, STRIDES + 1):
            guess = at.values + at.moves @ move
            at = _sound(self.family, self.theta + stride * move, guess, self.counts)
        return _variant(at)


def variants(
    declared: DeclaredGame,
    family: Specification,
    counts: Floats,
    theta: Floats,
    values: Floats,
    covariance: Floats,
    published: Floats | None = None,
) -> Variants:
    """Return the game as estimated and, for every player, the variant in which its rival's actions move nothing.

    Then what the rival does is of no matter, and the player solves its problem alone. Raises NoEquilibrium if a variant has
    no solution that can be found.
    """
    assert family.first_step is not None  # `specification` gave it one
    equation, early = family.first_step.estimates, family.first_step.covariance
    alone = []
    for i in range(len(declared.play.players)):
        other = specification(declared, without(declared.play, equation, 1 - i), early)
        alone.append(_variant(_sound(other, theta, values, counts)))
    base = _variant(_sound(family, theta, values, counts))
    return Variants(declared, family, counts, theta, values, base, tuple(alone), covariance, published)


def _error(slope: Floats, covariance: Floats | None) -> float:
    """Return a figure's standard error by the delta method, of its slope, shape (payoffs,)."""
    return np.nan if covariance is None else max(float(slope @ covariance @ slope), 0.0) ** 0.5


def _sound(family: Specification, theta: Floats, start: Floats, counts: Floats) -> Evaluation:
    """Return the evaluation at payoffs, solved by Newton from `start` or, where that fails, by other ways."""
    at = evaluate(family, theta, start, counts)
    if not holds(at.values, float(at.error)):
        at = evaluate(family, theta, solve(family.game(theta), start).values, counts)
    if not holds(at.values, float(at.error)):
        raise NoEquilibrium("counterfactual", "has no equilibrium that could be held", "Take a smaller step.")
    return at


def _variant(at: Evaluation) -> Variant:
    # two actions a player: the second is to act
    chances = np.exp(at.logs[:, 1::2])
    return Variant(chances, chances[:, :, None] * at.slopes[:, 1::2])
