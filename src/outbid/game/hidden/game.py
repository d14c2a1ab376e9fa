"""What is to be estimated where the state was not observed: a game, noisy measures of its state, and its anchors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.game import Game, Player, profile_levels
from outbid.game.grid import Axis, Grid
from outbid.game.hidden.anchors import Anchor, Free, LongRun, Measure, Normal, Quantity, check_anchor
from outbid.game.kernel import normal_band, normal_reach

Floats = NDArray[np.float64]
# How much further than at the start the state may be able to move in a month, as estimation goes along.
ROOM = 1.3


@dataclass(frozen=True, eq=False)
class HiddenGame:
    """A game whose state is seen through measures only.

    Parameters
    ----------
    parameters
        The game's quantities by name, payoffs and state equation alike.
    build
        Returns the game from all of them, shape (parameters,), in that order, held ones included; must be traceable
        by JAX, with a kernel of fixed reach.
    measures
        How the state shows.
    anchor
        What settles the state's origin, scale and sign.
    first
        The first month's state: `LongRun` (the default: it needs no numbers, but near a unit root it hangs on where
        the grid ends) or `Normal`.

    Raises
    ------
    InputError
        On names that are taken twice, nothing to estimate, no measure, or an anchor that does not hold.
    """

    parameters: Mapping[str, Quantity]
    build: Callable[[Array], Game]
    measures: tuple[Measure, ...]
    anchor: Anchor
    first: LongRun | Normal = field(default_factory=LongRun)

    def __post_init__(self) -> None:
        object.__setattr__(self, "measures", tuple(self.measures))
        if not self.measures:
            raise InputError(
                "measures", "there are none", "Without any, nothing tells the state: give one or more."
            )
        doubles = len({each.name for each in self.measures}) < len(self.measures)
        if doubles or len(self.quantities) < len(self.parameters) + 3 * len(self.measures):
            raise InputError("measures", "a name is taken twice", "Give each measure a name of its own.")
        for measure in self.measures:
            held = measure.sd.start if isinstance(measure.sd, Free) else measure.sd
            if held <= 0 or (isinstance(measure.sd, Free) and measure.sd.sign != 1):
                raise InputError(
                    f"measure {measure.name!r}, sd", "may not be positive", "Use Free(start, sign=1)."
                )
        for name, each in self.quantities.items():
            if not isinstance(each, Free) and not np.isfinite(each):
                raise InputError(f"quantity {name!r}", f"is held at {each}", "Give a finite number.")
        if not self.names:
            raise InputError("hidden game", "has nothing to estimate", "Make a quantity Free.")
        check_anchor(self.anchor, self.quantities, self.measures)

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """Everything by name: the game's parameters, then each measure's intercept, loading and sd."""
        table = dict(self.parameters)
        for each in self.measures:
            table |= {
                f"{each.name}.intercept": each.intercept,
                f"{each.name}.loading": each.loading,
                f"{each.name}.sd": each.sd,
            }
        return table

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What is estimated, in the order of all vectors of estimates."""
        return tuple(name for name, each in self.quantities.items() if isinstance(each, Free))

    @cached_property
    def signs(self) -> NDArray[np.int64]:
        """The sign that each estimated quantity is bound to, shape (names,)."""
        return np.array([each.sign for each in self.quantities.values() if isinstance(each, Free)])

    @cached_property
    def start(self) -> Floats:
        """Where estimation begins, shape (names,), in natural units."""
        return np.array([each.start for each in self.quantities.values() if isinstance(each, Free)])

    @property
    def game_names(self) -> int:
        """How many of `names` belong to the game; the rest belong to the measures."""
        return sum(isinstance(each, Free) for each in self.parameters.values())

    def everything(self, estimates: Array) -> Array:
        """Return all quantities, held ones filled in, shape (quantities,), from what is estimated, shape (names,)."""
        free = np.array([isinstance(each, Free) for each in self.quantities.values()])
        held = [0.0 if isinstance(each, Free) else float(each) for each in self.quantities.values()]
        return jnp.asarray(held).at[np.flatnonzero(free)].set(jnp.asarray(estimates))

    def game(self, estimates: Array) -> Game:
        """Return the game at given estimates, shape (names,), in natural units."""
        return self.build(self.everything(estimates)[: len(self.parameters)])


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
    discount: float = 0.99,
    first: LongRun | Normal | None = None,
    room: float = ROOM,
) -> HiddenGame:
    """Return the classic game on one index that was not observed, see `outbid.game.game.one_index_game`.

    s' = intercept + Σ effect_i a_i + (persistence + Σ interaction_i a_i) s + N(0, sd²), u_i = value_i s + cost_i a_i.
    The quantities are called "value.NAME", "cost.NAME", "intercept", "persistence", "effect.NAME", "interaction.NAME", "sd".

    Parameters
    ----------
    axis
        Evenly spaced; should hold nearly all that the state may do, for its ends hold it.
    room
        The kernel's reach is fixed at what a normal move with this many times the starting sd needs.
    """
    names = [player.name for player in players]
    table: dict[str, Quantity] = {"intercept": intercept, "persistence": persistence, "sd": sd}
    rows = {
        "effect": effects,
        "interaction": interactions or [0.0] * len(names),
        "value": value,
        "cost": cost,
    }
    for kind, row in rows.items():
        if len(row) != len(names):
            raise InputError(kind, f"has {len(row)} entries", f"Give one a player, {len(names)}.")
        table |= {f"{kind}.{name}": each for name, each in zip(names, row, strict=True)}
    at, levels, count = np.asarray(axis.points), profile_levels(players), len(names)
    if len(at) < 3 or not np.allclose(np.diff(at), at[1] - at[0]):
        raise InputError(f"axis {axis.name!r}", "is not evenly spaced", "Use even_axis.")
    grid, held = Grid((axis,)), tuple(players)

    def mean_of(parameters: Array) -> Array:
        effect, interaction = parameters[3 : 3 + count], parameters[3 + count : 3 + 2 * count]
        slope = parameters[1] + jnp.asarray(levels) @ interaction
        return parameters[0] + jnp.asarray(levels) @ effect + jnp.asarray(at)[:, None] * slope[None, :]

    begin = jnp.asarray([each.start if isinstance(each, Free) else each for each in table.values()])
    reach = normal_reach(at, np.asarray(mean_of(begin)), room * float(begin[2]))

    def build(parameters: Array) -> Game:
        worth, price = parameters[3 + 2 * count : 3 + 3 * count], parameters[3 + 3 * count :]
        payoffs = (
            worth[:, None, None] * jnp.asarray(at)[None, :, None] + (price[:, None] * levels.T)[:, None, :]
        )
        # no floor under probabilities: it would make the likelihood jump
        kernel = normal_band(at, mean_of(parameters), parameters[2], reach, floor=0.0)
        return Game(held, grid, payoffs, kernel, jnp.full(count, discount), jnp.ones(count))

    return HiddenGame(table, build, tuple(measures), anchor, LongRun() if first is None else first)
