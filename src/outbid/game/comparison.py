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
from numpy.typing import ArrayLike

from outbid.errors import InputError, check_name
from outbid.game.branches import Trail, follow_all
from outbid.game.equilibrium import Batch, Equilibrium, solve, solved_again
from outbid.game.game import Game, restrict
from outbid.game.given import Draws, Seed, checked, shaped
from outbid.game.kernel import Banded, Floats
from outbid.game.newton import Iterate, equilibrium_values, newton, one_thread_each, shared_out
from outbid.game.outcomes import Figures, Outcome, Reading, activity, long_run
from outbid.game.specification import Specification, as_partial, with_numbers

Build = Callable[[Array], Game]
# A band is cut off where its edge holds so much more than the base's edge.
CUT = 1e-6


class Variant(NamedTuple):
    """Another game: its name in tables, and how it is built from the base's parameters; traceable by JAX."""

    name: str
    build: Build


@checked
def shifted(name: str, specification: Specification, changes: Mapping[str, float]) -> Variant:
    """Return the variant in which parameters differ by so much: other costs, another value of popularity."""
    return _moved(name, specification, changes, 1.0)


@checked
def fixed(name: str, specification: Specification, settings: Mapping[str, float]) -> Variant:
    """Return the variant in which parameters have given values, whatever they were estimated to be."""
    return _moved(name, specification, settings, 0.0)


@checked
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
    build = Partial(with_numbers, as_partial(specification.build_with), jnp.asarray(numbers))
    zero = jnp.zeros(len(specification.names))
    _check_reach(name, specification.build(zero), build(zero))
    return Variant(name, build)


@checked
def without(
    name: str, specification: Specification, player: str, action: float = 0.0, *, keep: bool = False
) -> Variant:
    """Return the variant in which a player always takes one action; unless it is to `keep`, it leaves the game."""
    change = _Transformed(restrict, (("player", player), ("action", action), ("keep", keep)))
    return Variant(name, Partial(change, as_partial(specification.build)))


@checked
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


@dataclass(frozen=True)
class _Transformed:
    """A change of games that goes by what it does, so that compiled code is found again."""

    change: Callable[..., Game]
    settings: tuple[tuple[str, Any], ...] = ()

    def __call__(self, build: Build, theta: Array) -> Game:
        return self.change(build(theta), **dict(self.settings))


def _check_reach(name: str, base: Game, other: Game) -> None:
    """Refuse a kernel that its band cuts off: one with far more at the band's edge than the base has there."""
    if not (isinstance(base.kernel, Banded) and isinstance(other.kernel, Banded)):
        return
    for edge, reach in ((0, other.kernel.lower), (-1, other.kernel.upper)):
        held, now = (float(np.max(np.asarray(game.kernel.weights[:, :, edge]))) for game in (base, other))
        # a row that lies beyond the band altogether is no number
        if reach < base.grid.size - 1 and not now <= 10.0 * held + CUT:
            problem = f"moves the state further than the kernel's band of {reach} states"
            fix = "Build the specification with a wider band."
            raise InputError(f"counterfactual {name!r}", problem, fix)


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

    outcome: Any
    visits: Any
    values: Any


@checked
def compare(
    specification: Specification,
    theta: ArrayLike,
    covariance: ArrayLike,
    counterfactuals: Sequence[Variant],
    *,
    base: Equilibrium | None = None,
    outcome: Outcome = activity,
    visits: bool = False,
    draws: Draws = 0,
    seed: Seed = 0,
) -> Comparison:
    """Return outcomes in the base and in other variants, with derivatives and, if asked for, draws.

    * `theta`, `covariance`: estimates, shape (parameters,), and their sampling covariance.
    * `base`: the base's equilibrium at `theta`, where there are several; by default `solve`'s.
    * `outcome`: what to read by player and state, such as `activity` or `mean_levels`; `visits`: the long run too.
    * `draws`: how many parameters to draw from N(theta, covariance), for intervals by simulation. Each is solved from
      where the derivatives at `theta` lead, so that it stays near the base's branch.
    """
    point = specification.parameters(theta, "theta")
    fix = "Give a square one, one row a parameter."
    spread = shaped("covariance", covariance, (len(point), len(point)), fix)
    least = float(np.linalg.eigvalsh(spread)[0])
    if not np.allclose(spread, spread.T) or least < -1e-8 * np.abs(spread).max():
        raise InputError("covariance", "is none: not symmetric, or a variance is negative", fix)
    first = base or solve(specification.game(point))
    games = [each.build(jnp.asarray(point)) for each in counterfactuals]
    trails = _reach(first, games)
    ends = [trail.end if trail else solve(game) for trail, game in zip(trails, games, strict=True)]
    builds = [as_partial(build) for build in (specification.build, *(each.build for each in counterfactuals))]
    thetas = np.random.default_rng(seed).multivariate_normal(point, spread, size=draws, method="eigh")
    variants = []
    for build, found in zip(builds, [first, *ends], strict=True):
        with one_thread_each():
            at = (jnp.asarray(point), jnp.asarray(found.values))
            read, slopes = jax.tree.map(np.asarray, _read_with_slopes(build, outcome, visits, *at))
        starts = found.values + np.einsum("sap,dp->dsa", slopes.values, thetas - point)
        variants.append((build, found, read, slopes, _solve_draws(build, thetas, starts)))
    fine = np.all([batch.solved for *_, batch in variants], axis=0)
    readings = []
    names = ["base", *(each.name for each in counterfactuals)]
    for name, (build, found, read, slopes, batch) in zip(names, variants, strict=True):
        drawn = Readout(None, None, None)
        if fine.any():
            pairs = (jnp.asarray(thetas[fine]), jnp.asarray(batch.values[fine]))
            drawn = shared_out(partial(_read_all, build, outcome, visits), pairs)
        by_state, visited = (
            Figures(value, slope, spread, None if each is None else np.moveaxis(each, 0, -1))
            for value, slope, each in zip(read[:2], slopes[:2], drawn[:2], strict=True)
        )
        readings.append(Reading(name, found, by_state, visited if visits else None))
    return Comparison(readings[0], tuple(readings[1:]), trails, thetas[fine], draws - int(fine.sum()))


def _reach(first: Equilibrium, games: Sequence[Game]) -> tuple[Trail | None, ...]:
    """Follow the base to every game of its shape; the others are None."""
    base, kind = first.game, type(first.game.kernel)
    alike = [game.counts == base.counts and isinstance(game.kernel, kind) for game in games]
    trails = iter(follow_all(first, [game for game, same in zip(games, alike, strict=True) if same]))
    return tuple(next(trails) if same else None for same in alike)


def _read(build: Partial, outcome: Outcome, visits: bool, theta: Array, start: Array) -> Readout:
    """Return what is read at `theta`, the game solved from values that are near."""
    game = build(theta)
    values = equilibrium_values(game.arrays, start)
    return Readout(outcome(game, values), long_run(game, values) if visits else jnp.zeros(0), values)


@partial(jax.jit, static_argnums=(1, 2))
def _read_with_slopes(
    build: Partial, outcome: Outcome, visits: bool, theta: Array, start: Array
) -> tuple[Readout, Readout]:
    """Return what is read at `theta`, and its derivatives by it, parameters last."""

    def both(at: Array) -> tuple[Readout, Readout]:
        read = _read(build, outcome, visits, at, start)
        return read, read

    slopes, read = jax.jacfwd(both, has_aux=True)(theta)
    return read, slopes


@partial(jax.jit, static_argnums=(1, 2))
def _read_all(build: Partial, outcome: Outcome, visits: bool, pairs: tuple[Array, Array]) -> Readout:
    read: Readout = jax.lax.map(lambda pair: _read(build, outcome, visits, *pair), pairs)
    # the values are at hand already
    return read._replace(values=jnp.zeros(len(pairs[0])))


@jax.jit
def _newton_all(build: Partial, pairs: tuple[Array, Array]) -> Iterate:
    at: Iterate = jax.lax.map(lambda pair: newton(build(pair[0]).arrays, pair[1]), pairs)
    return at


def _solve_draws(build: Partial, thetas: Floats, starts: Floats) -> Batch:
    """Solve the game at drawn parameters, shape (draws, parameters), from values that are near."""
    if not len(thetas):
        return Batch(starts, np.zeros(0), np.zeros(0, dtype=bool))
    at = shared_out(partial(_newton_all, build), (jnp.asarray(thetas), jnp.asarray(starts)))
    return solved_again(lambda i: build(jnp.asarray(thetas[i])), at.values, at.error)
