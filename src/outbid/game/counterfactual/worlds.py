"""Other worlds: the same players with another rival, other costs, other stakes or another effect of what they do.

A counterfactual is a function from the same parameters to another game, so that what is uncertain about the
parameters is carried through both worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from outbid.errors import InputError, did_you_mean
from outbid.game.estimation.specification import Specification, as_partial
from outbid.game.game import Game, restrict
from outbid.game.kernel import Banded

Build = Callable[[Array], Game]
# A band is cut off where its edge holds so much more than the base's edge.
CUT = 1e-6


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """Another world.

    Parameters
    ----------
    name
        What it is called in tables.
    build
        From the base's parameters, shape (parameters,), to the other game; traceable by JAX.
    """

    name: str
    build: Build


def shifted(name: str, specification: Specification, changes: Mapping[str, float]) -> Counterfactual:
    """Return the world in which parameters differ by so much: other costs, another value of popularity."""
    move = np.zeros(len(specification.names))
    for key, change in changes.items():
        move[_place(key, specification.names)] = change
    return Counterfactual(name, Partial(_shifted, as_partial(specification.build), jnp.asarray(move)))


def fixed(name: str, specification: Specification, settings: Mapping[str, float]) -> Counterfactual:
    """Return the world in which parameters have given values, whatever they were estimated to be."""
    keep, to = np.ones(len(specification.names)), np.zeros(len(specification.names))
    for key, value in settings.items():
        keep[_place(key, specification.names)] = 0.0
        to[_place(key, specification.names)] = value
    build = as_partial(specification.build)
    return Counterfactual(name, Partial(_fixed, build, jnp.asarray(keep), jnp.asarray(to)))


def reformed(name: str, specification: Specification, settings: Mapping[str, float]) -> Counterfactual:
    """Return the world in which first-step numbers have other values: another effect of acts on the state.

    The kernel is built anew.

    Raises
    ------
    InputError
        For a name that is none, a specification without first step, or a kernel that reaches further than
        the specification's band does, so that it would be cut off.
    """
    if specification.first_step is None or specification.build_with is None:
        raise InputError("specification", "has no first step to change", "Give it one, with `build_with`.")
    first = specification.first_step
    numbers = first.estimates.copy()
    for key, value in settings.items():
        numbers[_place(key, first.names)] = value
    build_with = specification.build_with
    held = build_with if isinstance(build_with, Partial) else Partial(build_with)
    world = Counterfactual(name, Partial(_reformed, held, jnp.asarray(numbers)))
    zero = jnp.zeros(len(specification.names))
    _check_reach(name, specification.build(zero), world.build(zero))
    return world


def without(
    name: str, specification: Specification, player: str, action: float = 0.0, *, keep: bool = False
) -> Counterfactual:
    """Return the world in which a player always takes one action; unless it is to `keep`, it leaves the game."""
    return Counterfactual(name, Partial(_Restricted(player, action, keep), as_partial(specification.build)))


def transformed(name: str, specification: Specification, change: Callable[[Game], Game]) -> Counterfactual:
    """Return the world that a function makes of each game; the function has to be traceable by JAX."""
    return Counterfactual(name, Partial(_Transformed(change), as_partial(specification.build)))


def _place(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise InputError(f"parameter {name!r}", "the game has no such parameter", did_you_mean(name, names))
    return list(names).index(name)


def _shifted(build: Build, move: Array, theta: Array) -> Game:
    return build(theta + move)


def _fixed(build: Build, keep: Array, to: Array, theta: Array) -> Game:
    return build(keep * theta + to)


def _reformed(build_with: Callable[[Array, Array], Game], numbers: Array, theta: Array) -> Game:
    return build_with(theta, numbers)


@dataclass(frozen=True)
class _Restricted:
    player: str
    action: float
    keep: bool

    def __call__(self, build: Build, theta: Array) -> Game:
        return restrict(build(theta), self.player, self.action, keep=self.keep)


@dataclass(frozen=True)
class _Transformed:
    change: Callable[[Game], Game]

    def __call__(self, build: Build, theta: Array) -> Game:
        return self.change(build(theta))


def _check_reach(name: str, base: Game, other: Game) -> None:
    """Refuse a kernel that its band cuts off: one with far more at the band's edge than the base has there."""
    one, two = base.kernel, other.kernel
    if not (isinstance(one, Banded) and isinstance(two, Banded)):
        return
    for edge, reach in ((0, two.lower), (-1, two.upper)):
        held, now = (float(np.max(np.asarray(kernel.weights[:, :, edge]))) for kernel in (one, two))
        # a row that lies beyond the band altogether is no number
        if reach < base.grid.size - 1 and not now <= 10.0 * held + CUT:
            raise InputError(
                f"counterfactual {name!r}",
                f"moves the state further than the kernel's band of {reach} states",
                "Build the specification with a wider band.",
            )
