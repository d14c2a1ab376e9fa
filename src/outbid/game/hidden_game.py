"""What is to be estimated where the state was not observed: a game, noisy measures of its state, and its anchors.

A latent state has no origin, scale or sign of its own: moved, stretched or turned upside down together with all
coefficients on it, it leaves everything observable as it was. So three quantities have to be set by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError, check_name
from outbid.game.game import Axis, Game, Player, names_of, on_kernel, one_index_mean
from outbid.game.given import by_player, checked, many, number, whole
from outbid.game.kernel import Floats, check_cells, normal_band, normal_reach


@dataclass(frozen=True)
class Free:
    """A quantity to be estimated, searched for in logs where it has a sign; a bare number in its place is held."""

    start: float
    sign: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", number("free quantity, start", self.start))
        if whole("free quantity, sign", self.sign) not in (-1, 0, 1):
            raise InputError("free quantity, sign", f"is {self.sign}", "Give -1, 0 or 1.")
        if self.sign and self.start * self.sign <= 0:
            problem = f"starts at {self.start:g}, against its sign"
            raise InputError("free quantity", problem, "Start on the right side of zero.")


Quantity = float | Free
# A measure's quantities.
PARTS = ("intercept", "loading", "sd")


@dataclass(frozen=True)
class Measure:
    """A noisy view of the state: figure = intercept + loading x state + N(0, sd²), months missing at will.

    Its quantities are called "name.intercept", "name.loading" and "name.sd". It sees the grid's first axis unless told.
    """

    name: str
    loading: Quantity
    intercept: Quantity = field(default_factory=lambda: Free(0.0))
    sd: Quantity = field(default_factory=lambda: Free(1.0, sign=1))
    axis: str | None = None


class Anchor(NamedTuple):
    """The names of the three quantities that settle what the state means.

    * `location`: a held intercept: the state equation's, or a measure's.
    * `scale`: a held quantity other than zero: the standard deviation of the state's noise, or a measure's loading.
    * `sign`: a loading, effect or value that is held at something other than zero, or has a sign.
    """

    location: str
    scale: str
    sign: str


class Normal(NamedTuple):
    """The first month's state is normal, put on the grid; tails at the ends."""

    mean: float
    sd: float


def check_anchor(anchor: Anchor, quantities: Mapping[str, Quantity], measures: Sequence[Measure]) -> None:
    """Refuse an anchor that does not hold the state: a name that is unknown, of the wrong kind, free, or held at zero."""
    own = {f"{each.name}.{part}": part for each in measures for part in PARTS}
    # by role: which of a measure's quantities can't settle it, and what can
    roles = {
        "location": (("loading", "sd"), "an intercept"),
        "scale": (("intercept", "sd"), "a loading, or the state's own sd"),
        "sign": (("intercept", "sd"), "a loading"),
    }
    for role, name in anchor._asdict().items():
        where, (wrong, fit) = f"anchor, {role}", roles[role]
        check_name(name, quantities, where, f"{name!r} is no quantity here")
        if own.get(name) in wrong:
            raise InputError(where, f"{name!r} does not settle the state's {role}", f"Name {fit}.")
        each = quantities[name]
        if isinstance(each, Free):
            if role != "sign" or not each.sign:
                problem = f"{name!r} is free, so the state has no {role}"
                raise InputError(where, problem, "Hold it at a number.")
        elif role != "location" and each == 0:
            raise InputError(where, f"{name!r} is held at zero, which sets no {role}", "Hold it at another.")
    if anchor.sign == anchor.scale and anchor.sign not in own:
        problem = "a standard deviation has no direction"
        raise InputError("anchor, sign", problem, "Name a loading with a sign.")


def natural_from(inner: Array, signs: Array) -> Array:
    """Return estimates in natural units, shape (names,), from unbounded ones."""
    return jnp.where(signs == 0, inner, signs * jnp.exp(jnp.where(signs == 0, 0.0, inner)))


# How much further than at the start the state may be able to move in a month, as estimation goes along.
ROOM = 1.3


@dataclass(frozen=True, eq=False)
class HiddenGame:
    """A game whose state is seen through measures only.

    `build` returns the game from all `parameters` in their order, held ones included; traceable by JAX, with a kernel
    of fixed reach. `first` is the first month's state; None: it follows the long-run shares that play at these
    parameters makes, which needs no numbers, but near a unit root hangs on where the grid ends.
    """

    parameters: Mapping[str, Quantity]
    build: Callable[[Array], Game]
    measures: tuple[Measure, ...]
    anchor: Anchor
    first: Normal | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "measures", many("measures", self.measures, Measure))
        if not isinstance(self.anchor, Anchor):
            raise InputError("anchor", f"is a {type(self.anchor).__name__}", "Give an Anchor.")
        if not self.measures:
            raise InputError("measures", "there are none", "Nothing else tells the state: give one or more.")
        doubles = len({each.name for each in self.measures}) < len(self.measures)
        if doubles or len(self.quantities) < len(self.parameters) + 3 * len(self.measures):
            raise InputError("measures", "a name is taken twice", "Give each measure a name of its own.")
        for name, each in self.quantities.items():
            if not isinstance(each, Free):
                number(f"quantity {name!r}", each)
        for measure in self.measures:
            sd, where = measure.sd, f"measure {measure.name!r}, sd"
            if not (sd.sign == 1 if isinstance(sd, Free) else sd > 0):
                raise InputError(where, "may not be positive", "Use Free(start, sign=1).")
        if not self.names:
            raise InputError("hidden game", "has nothing to estimate", "Make a quantity Free.")
        check_anchor(self.anchor, self.quantities, self.measures)

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """Everything by name: the game's parameters, then each measure's intercept, loading and sd."""
        own = {f"{each.name}.{part}": getattr(each, part) for each in self.measures for part in PARTS}
        return {**self.parameters, **own}

    @cached_property
    def free(self) -> dict[str, Free]:
        """What is estimated, by name and in the order of all vectors of estimates."""
        return {name: each for name, each in self.quantities.items() if isinstance(each, Free)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is estimated."""
        return tuple(self.free)

    @cached_property
    def signs(self) -> NDArray[np.int64]:
        """The sign that each estimated quantity is bound to, shape (names,)."""
        return np.array([each.sign for each in self.free.values()])

    @cached_property
    def start(self) -> Floats:
        """Where estimation begins, shape (names,), in natural units."""
        return np.array([each.start for each in self.free.values()])

    @property
    def game_names(self) -> int:
        """How many of `names` belong to the game; the rest belong to the measures."""
        return sum(isinstance(each, Free) for each in self.parameters.values())

    def everything(self, estimates: Array) -> Array:
        """Return all quantities, held ones filled in, shape (quantities,), from what is estimated, shape (names,)."""
        held = [0.0 if isinstance(each, Free) else float(each) for each in self.quantities.values()]
        free = np.array([name in self.free for name in self.quantities])
        return jnp.asarray(held).at[np.flatnonzero(free)].set(jnp.asarray(estimates))

    def game(self, estimates: Array) -> Game:
        """Return the game at given estimates, shape (names,), in natural units."""
        return self.build(self.everything(estimates)[: len(self.parameters)])


@checked
def one_index_hidden(
    axis: Axis,
    players: Sequence[Player],
    measures: Sequence[Measure],
    anchor: Anchor,
    *,
    value: Sequence[Quantity],
    cost: Sequence[Quantity],
    persistence: Quantity,
    effects: Sequence[Quantity],
    sd: Quantity,
    intercept: Quantity = 0.0,
    interactions: Sequence[Quantity] | None = None,
    discount: float | Sequence[float] = 0.99,
    first: Normal | None = None,
) -> HiddenGame:
    """Return the classic game on one index that was not observed, see `outbid.game.game.one_index_game`.

    Its quantities are called "value.NAME", "cost.NAME", "intercept", "persistence", "effect.NAME", "interaction.NAME",
    "sd". The axis is evenly spaced, and should hold nearly all that the state may do, for its ends hold it. The kernel's
    reach is fixed at what a normal move with `ROOM` times the starting sd needs.
    """
    names = names_of(players)
    table: dict[str, Quantity] = {"intercept": intercept, "persistence": persistence, "sd": sd}
    rows = {
        "effect": effects,
        "interaction": interactions or [0.0] * len(names),
        "value": value,
        "cost": cost,
    }
    count = len(names)
    for kind, row in rows.items():
        if len(row) != count:
            raise InputError(kind, f"has {len(row)} entries", f"Give one a player, {count}.")
        table |= {f"{kind}.{name}": each for name, each in zip(names, row, strict=True)}
    order = [0, *range(3, 3 + count), 1, *range(3 + count, 3 + 2 * count)]
    begin = np.array(
        [
            each.start if isinstance(each, Free) else number(f"quantity {name!r}", each)
            for name, each in table.items()
        ]
    )
    at = check_cells(axis.points, begin[2], f"axis {axis.name!r}")
    sight = jnp.asarray(by_player("discount", discount, names, or_one=True))
    reach = normal_reach(at, one_index_mean(axis, players, begin[order]), ROOM * begin[2])

    def build(parameters: Array) -> Game:
        # no floor under probabilities: it would make the likelihood jump
        mean = one_index_mean(axis, players, parameters[np.array(order)])
        kernel = normal_band(at, mean, parameters[2], reach, floor=0.0)
        return on_kernel(axis, players, kernel, sight, parameters[3 + 2 * count :])

    return HiddenGame(table, build, tuple(measures), anchor, first)
