"""Game variants: the same players with another rival, other costs, other stakes or another effect of what they do.

A variant is a function from the base's parameters to another game, so that what is uncertain about them is carried
through both. Variants of the base's shape are reached by following the equilibrium (`branches`); those with fewer
choices are solved by themselves. Uncertainty comes two ways: by the delta method, with derivatives through the
equilibrium, and by drawing parameters from their sampling distribution and solving every variant at each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError, check_name
from outbid.game.branches import Trail, follow_all
from outbid.game.equilibrium import Equilibrium, NoEquilibrium, holds, solve
from outbid.game.game import Arrays, Game, restrict
from outbid.game.kernel import Banded
from outbid.game.newton import linearised, newton, one_thread_each, residual, shared_out
from outbid.game.outcomes import Figures, Outcome, Reading, activity, long_run
from outbid.game.specification import Specification, as_partial

Build = Callable[[Array], Game]
# A band is cut off where its edge holds so much more than the base's edge.
CUT = 1e-6


class Variant(NamedTuple):
    """Another game: its name in tables, and how it is built from the base's parameters; traceable by JAX."""

    name: str
    build: Build


def shifted(name: str, specification: Specification, changes: Mapping[str, float]) -> Variant:
    """Return the variant in which parameters differ by so much: other costs, another value of popularity."""
    return _moved(name, specification, changes, 1.0)


def fixed(name: str, specification: Specification, settings: Mapping[str, float]) -> Variant:
    """Return the variant in which parameters have given values, whatever they were estimated to be."""
    return _moved(name, specification, settings, 0.0)


def reformed(name: str, specification: Specification, settings: Mapping[str, float]) -> Variant:
    """Return the variant in which first-step numbers have other values: another effect of acts on the state.

    Raises InputError also for a kernel that reaches further than the specification's band does.
    """
    if specification.first_step is None or specification.build_with is None:
        raise InputError("specification", "has no first step to change", "Give it one, with `build_with`.")
    first = specification.first_step
    numbers = first.estimates.copy()
    for key, value in settings.items():
        numbers[_place(key, first.names)] = value
    build = Partial(_reformed, as_partial(specification.build_with), jnp.asarray(numbers))
    variant = Variant(name, build)
    zero = jnp.zeros(len(specification.names))
    _check_reach(name, specification.build(zero), variant.build(zero))
    return variant


def without(
    name: str, specification: Specification, player: str, action: float = 0.0, *, keep: bool = False
) -> Variant:
    """Return the variant in which a player always takes one action; unless it is to `keep`, it leaves the game."""
    change = _Transformed(restrict, (("player", player), ("action", action), ("keep", keep)))
    return Variant(name, Partial(change, as_partial(specification.build)))


def transformed(name: str, specification: Specification, change: Callable[[Game], Game]) -> Variant:
    """Return the variant that a function makes of each game; the function has to be traceable by JAX."""
    return Variant(name, Partial(_Transformed(change), as_partial(specification.build)))


def _place(name: str, names: Sequence[str]) -> int:
    check_name(name, names, f"parameter {name!r}", "the game has no such parameter")
    return list(names).index(name)


def _moved(name: str, specification: Specification, moves: Mapping[str, float], share: float) -> Variant:
    """Return the variant in which a share of some parameters, and so much more, takes their place."""
    keep, to = np.ones(len(specification.names)), np.zeros(len(specification.names))
    for key, value in moves.items():
        place = _place(key, specification.names)
        keep[place], to[place] = share, value
    build = Partial(_at_moved, as_partial(specification.build), jnp.asarray(keep), jnp.asarray(to))
    return Variant(name, build)


def _at_moved(build: Build, keep: Array, to: Array, theta: Array) -> Game:
    return build(keep * theta + to)


def _reformed(build_with: Callable[[Array, Array], Game], numbers: Array, theta: Array) -> Game:
    return build_with(theta, numbers)


@dataclass(frozen=True)
class _Transformed:
    """A change of games that goes by what it does, so that compiled code is found again."""

    change: Callable[..., Game]
    settings: tuple[tuple[str, Any], ...] = ()

    def __call__(self, build: Build, theta: Array) -> Game:
        return self.change(build(theta), **dict(self.settings))


def _check_reach(name: str, base: Game, other: Game) -> None:
    """Refuse a kernel that its band cuts off: one with far more at the band's edge than the base has there."""
    one, two = base.kernel, other.kernel
    if not (isinstance(one, Banded) and isinstance(two, Banded)):
        return
    for edge, reach in ((0, two.lower), (-1, two.upper)):
        held, now = (float(np.max(np.asarray(kernel.weights[:, :, edge]))) for kernel in (one, two))
        # a row that lies beyond the band altogether is no number
        if reach < base.grid.size - 1 and not now <= 10.0 * held + CUT:
            problem = f"moves the state further than the kernel's band of {reach} states"
            fix = "Build the specification with a wider band."
            raise InputError(f"counterfactual {name!r}", problem, fix)


Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The base and other variants, read alike; `trails` say how each was reached, None where it was solved by itself.

    Drawn parameters, `thetas` of shape (draws, parameters), without an equilibrium in every variant are `dropped`.
    """

    base: Reading
    others: tuple[Reading, ...]
    trails: tuple[Trail | None, ...]
    thetas: Floats
    dropped: int

    def of(self, name: str) -> Reading:
        """Return the variant of that name."""
        names = [each.name for each in self.others]
        check_name(name, names, f"counterfactual {name!r}", "is not among them")
        return self.others[names.index(name)]


class Readout(NamedTuple):
    """What is read of one game: the outcome (rows, states), visits (states,) or none of them, and the values."""

    outcome: Array
    visits: Array
    values: Array


def compare(
    specification: Specification,
    theta: ArrayLike,
    covariance: ArrayLike,
    counterfactuals: Sequence[Variant],
    *,
    base: Equilibrium | None = None,
    outcome: Outcome = activity,
    visits: bool = False,
    draws: int = 0,
    seed: int = 0,
) -> Comparison:
    """Return outcomes in the base and in other variants, with derivatives and, if asked for, draws.

    * `theta`, `covariance`: estimates, shape (parameters,), and their sampling covariance.
    * `base`: the base's equilibrium at `theta`, where there are several; by default `solve`'s.
    * `outcome`: what to read by player and state, such as `activity` or `mean_levels`; `visits`: the long run too.
    * `draws`: how many parameters to draw from N(theta, covariance), for intervals by simulation. Each is solved from
      where the derivatives at `theta` lead, so that it stays near the base's branch.
    """
    point = specification.parameters(theta, "theta")
    spread = np.asarray(covariance, dtype=float)
    if spread.shape != (len(point), len(point)) or not np.isfinite(spread).all():
        raise InputError("covariance", f"has shape {spread.shape}", "Give a square one, one row a parameter.")
    first = base or solve(specification.game(point))
    games = [each.build(jnp.asarray(point)) for each in counterfactuals]
    trails = _reach(first, games)
    ends = [trail.end if trail else solve(game) for trail, game in zip(trails, games, strict=True)]
    builds = [as_partial(build) for build in (specification.build, *(each.build for each in counterfactuals))]
    thetas = np.random.default_rng(seed).multivariate_normal(point, spread, size=draws, method="eigh")
    variants = []
    for build, found in zip(builds, [first, *ends], strict=True):
        with one_thread_each():
            # to the end, for a call may come back before its result is there
            read, slopes = jax.block_until_ready(_read_with_slopes(build, outcome, visits, point, found))
        starts = found.values + np.einsum("sap,dp->dsa", slopes.values, thetas - point)
        values, solved = _solve_draws(build, thetas, starts) if draws else (starts, np.ones(0, dtype=bool))
        variants.append((build, found, read, slopes, values, solved))
    fine = np.all([solved for *_, solved in variants], axis=0)
    readings = []
    for name, (build, found, read, slopes, values, _) in zip(
        ["base", *(each.name for each in counterfactuals)], variants, strict=True
    ):
        drawn = None
        if fine.any():
            drawn = shared_out(
                partial(_read_all, build, outcome, visits),
                (jnp.asarray(thetas[fine]), jnp.asarray(values[fine])),
            )
        each = [
            Figures(
                np.asarray(getattr(read, what)),
                np.asarray(getattr(slopes, what)),
                spread,
                None if drawn is None else np.asarray(getattr(drawn, what)),
            )
            for what in ("outcome", "visits")
        ]
        readings.append(Reading(name, found, each[0], each[1] if visits else None))
    return Comparison(readings[0], tuple(readings[1:]), trails, thetas[fine], draws - int(fine.sum()))


def _reach(first: Equilibrium, games: Sequence[Game]) -> tuple[Trail | None, ...]:
    """Follow the base to every game of its shape; the others are None."""
    alike = [
        game.counts == first.game.counts and type(game.kernel) is type(first.game.kernel) for game in games
    ]
    trails = iter(follow_all(first, [game for game, same in zip(games, alike, strict=True) if same]))
    return tuple(next(trails) if same else None for same in alike)


def _read(build: Partial, outcome: Outcome, visits: bool, theta: Array, values: Array) -> Readout:
    game = build(theta)
    return Readout(outcome(game, values), long_run(game, values) if visits else jnp.zeros(0), values)


def _read_with_slopes(
    build: Partial, outcome: Outcome, visits: bool, theta: Floats, found: Equilibrium
) -> tuple[Readout, Readout]:
    """Return what is read at `theta`, and its derivatives by it, parameters last.

    In three parts, so that variants of one shape share the costly one's compiled code.
    """
    at, values = jnp.asarray(theta), jnp.asarray(found.values)
    moves = _answers(found.game.arrays, values, _pushes(build, at, values))
    read, slopes = _read_moved(build, outcome, visits, at, values, moves)
    return read, slopes


@jax.jit
def _pushes(build: Partial, theta: Array, values: Array) -> Array:
    """Return how each parameter moves the equations, shape (states, all actions, parameters)."""
    slopes: Array = jax.jacfwd(lambda at: residual(build(at).arrays, values))(theta)
    return slopes


@jax.jit
def _answers(arrays: Arrays, values: Array, pushes: Array) -> Array:
    """Return how the values move with each parameter, by the implicit function theorem."""
    inverse = linearised(arrays, values)
    return jax.vmap(lambda push: -inverse(push), in_axes=-1, out_axes=-1)(pushes)


@partial(jax.jit, static_argnums=(1, 2))
def _read_moved(
    build: Partial, outcome: Outcome, visits: bool, theta: Array, values: Array, moves: Array
) -> tuple[Readout, Readout]:
    def both(at: Array) -> tuple[Readout, Readout]:
        read = _read(build, outcome, visits, at, values + moves @ (at - theta))
        return read, read

    slopes, read = jax.jacfwd(both, has_aux=True)(theta)
    return read, slopes


@partial(jax.jit, static_argnums=(1, 2))
def _read_all(build: Partial, outcome: Outcome, visits: bool, pairs: tuple[Array, Array]) -> Readout:
    def one(pair: tuple[Array, Array]) -> Readout:
        # the values are at hand already
        return _read(build, outcome, visits, *pair)._replace(values=jnp.zeros(0))

    read: Readout = jax.lax.map(one, pairs)
    return read


@jax.jit
def _newton_all(build: Partial, pairs: tuple[Array, Array]) -> tuple[Array, Array]:
    def one(pair: tuple[Array, Array]) -> tuple[Array, Array]:
        at = newton(build(pair[0]).arrays, pair[1])
        return at.values, at.error

    found: tuple[Array, Array] = jax.lax.map(one, pairs)
    return found


def _solve_draws(build: Partial, thetas: Floats, starts: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return every draw's values, and which draws have an equilibrium."""
    values, errors = shared_out(partial(_newton_all, build), (jnp.asarray(thetas), jnp.asarray(starts)))
    values = np.array(values)
    solved = np.array([holds(each, float(error)) for each, error in zip(values, errors, strict=True)])
    for i in np.flatnonzero(~solved):
        try:
            values[i] = solve(build(jnp.asarray(thetas[i]))).values
        except NoEquilibrium:
            continue
        solved[i] = True
    return values, solved
