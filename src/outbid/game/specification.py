"""What is to be estimated: payoffs as a function of parameters, and what a first step has estimated already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from outbid.errors import InputError
from outbid.game.first_stage import level_terms
from outbid.game.game import Game, Player, one_index_mean, one_index_payoffs, profile_levels
from outbid.game.grid import Axis, Grid
from outbid.game.kernel import Kernel, normal_band, normal_reach

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FirstStep:
    """Numbers that an earlier step has estimated and that the game takes as given, such as the state equation's.

    * `names`: one name a number.
    * `estimates`: shape (numbers,).
    * `covariance`: their sampling covariance, shape (numbers, numbers), from the first step or a bootstrap of
      it.
    """

    names: tuple[str, ...]
    estimates: Floats
    covariance: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "estimates", np.asarray(self.estimates, dtype=float))
        object.__setattr__(self, "covariance", np.asarray(self.covariance, dtype=float))
        count = len(self.names)
        if self.estimates.shape != (count,) or self.covariance.shape != (count, count):
            raise InputError(
                "first step",
                f"has {count} names, estimates of shape {self.estimates.shape} and a covariance of shape "
                f"{self.covariance.shape}",
                "Give one number a name, and a square covariance of that size.",
            )
        if not (np.isfinite(self.estimates).all() and np.isfinite(self.covariance).all()):
            raise InputError("first step", "holds something that is not a number", "Fit it again.")
        if not np.allclose(self.covariance, self.covariance.T, rtol=1e-6, atol=1e-12):
            raise InputError("first step, covariance", "is not symmetric", "Give a covariance matrix.")


@dataclass(frozen=True, eq=False)
class Specification:
    """A family of games, one for each vector of parameters.

    * `names`: one name a parameter.
    * `build`: from parameters, shape (parameters,), to a `Game`; traceable by JAX, and always of the same
      players, grid and kernel shape. Given as `jax.tree_util.Partial` of a function and arrays,
      specifications that differ in those arrays only share compiled code.
    * `first_step`: what the kernel (or anything else) takes from an earlier estimation, if errors are to be
      corrected for it.
    * `build_with`: from parameters and first-step numbers to a `Game`; equals `build` at the first step's
      estimates.
    """

    names: tuple[str, ...]
    build: Callable[[Array], Game]
    first_step: FirstStep | None = None
    build_with: Callable[[Array, Array], Game] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError("specification, names", "are missing or double", "Name each parameter once.")
        if (self.first_step is None) != (self.build_with is None):
            raise InputError(
                "specification", "has a first step or `build_with`, but not both", "Give both, or neither."
            )

    def parameters(self, values: ArrayLike, where: str = "start") -> Floats:
        """Return values as an array of shape (parameters,), or say what is wrong with them."""
        each = np.asarray(values, dtype=float)
        if each.shape != (len(self.names),):
            raise InputError(
                where,
                f"has shape {each.shape}, and the parameters are {', '.join(self.names)}",
                "Give one number for each.",
            )
        for name, value in zip(self.names, each, strict=True):
            if not np.isfinite(value):
                raise InputError(f"{where}, {name}", "is not a number", "Give a finite number.")
        return each

    def game(self, values: ArrayLike) -> Game:
        """Return the game at given parameters, shape (parameters,)."""
        game: Game = _built(as_partial(self.build), jnp.asarray(self.parameters(values, "parameters")))
        return game


def as_partial(function: Callable[..., Any]) -> jax.tree_util.Partial:
    """Return a function in the form that compiled code takes as an argument, its arrays apart from its code."""
    if isinstance(function, jax.tree_util.Partial):
        return function
    return jax.tree_util.Partial(function)


@jax.jit
def _built(build: Callable[[Array], Game], theta: Array) -> Game:
    return build(theta)


def linked_specification(
    names: Sequence[str], build_with: Callable[[Array, Array], Game], first_step: FirstStep
) -> Specification:
    """Return a specification from one function of parameters and first-step numbers, `build_with(theta, gamma)`."""
    held = jax.tree_util.Partial(_Swapped(build_with), jnp.asarray(first_step.estimates))
    return Specification(tuple(names), held, first_step, build_with)


@dataclass(frozen=True)
class _Swapped:
    """A function of two arguments that takes the second one first."""

    function: Callable[[Array, Array], Game]

    def __call__(self, second: Array, first: Array) -> Game:
        return self.function(first, second)


@dataclass(frozen=True)
class _OnKernel:
    """The classic game on a kernel that is at hand."""

    axis: Axis
    players: tuple[Player, ...]

    def __call__(self, kernel: Kernel, discount: Array, theta: Array) -> Game:
        at, levels, count = np.asarray(self.axis.points), profile_levels(self.players), len(self.players)
        payoffs = one_index_payoffs(at, levels, theta[:count], theta[count:])
        return Game(self.players, Grid((self.axis,)), payoffs, kernel, discount, jnp.ones(count))


@dataclass(frozen=True)
class _OnEquation:
    """The classic game on a kernel that follows from the state equation."""

    axis: Axis
    players: tuple[Player, ...]
    reach: tuple[int, int]

    def kernel(self, equation: Array) -> Kernel:
        at = np.asarray(self.axis.points)
        return normal_band(at, _mean(self.axis, self.players, equation), equation[-1], self.reach)

    def __call__(self, discount: Array, theta: Array, equation: Array) -> Game:
        return _OnKernel(self.axis, self.players)(self.kernel(equation), discount, theta)


def _mean(axis: Axis, players: Sequence[Player], equation: Array) -> Array:
    """Return next month's mean state, shape (states, profiles), by the terms of `first_stage.level_terms`."""
    at, levels, count = jnp.asarray(axis.points), profile_levels(players), len(players)
    effects, interactions = equation[1 : count + 1], equation[count + 2 : 2 * count + 2]
    mean: Array = one_index_mean(at, levels, equation[0], effects, equation[count + 1], interactions)
    return mean


def classic_specification(
    axis: Axis,
    players: Sequence[Player],
    equation: ArrayLike,
    discount: float | Sequence[float],
    covariance: ArrayLike | None = None,
) -> Specification:
    """Return the one-index form with parameters beta (value of the index) and kappa (cost of action) by player.

    A player's monthly payoff is beta times the index plus kappa times its action's level (Crisman-Cox and
    Gibilisco, Tug of War). The kernel is built once.

    * `equation`: the state equation, in the order of `outbid.game.first_stage.level_terms`, then its residual
      standard deviation: constant, actions, lagged state, actions times lagged state, sigma.
    * `discount`: weight of next month, one for all or one a player.
    * `covariance`: covariance of `equation`, for corrected standard errors.

    Raises InputError for a state equation of another length, or a discount outside [0, 1).
    """
    whole, numbers = tuple(players), np.asarray(equation, dtype=float)
    terms = (*level_terms([player.name for player in whole]), "sigma")
    if numbers.shape != (len(terms),) or not np.isfinite(numbers).all() or not numbers[-1] > 0:
        raise InputError(
            "state equation",
            f"holds {numbers.size} numbers, or one that is none, or a sigma that is not positive",
            f"Give {len(terms)}: {', '.join(terms)}.",
        )
    weights = np.broadcast_to(np.asarray(discount, dtype=float), (len(whole),))
    if not ((weights >= 0) & (weights < 1)).all():
        raise InputError("discount", f"is {discount}", "Give at least 0 and less than 1, such as 0.99.")
    mean = np.asarray(_mean(axis, whole, jnp.asarray(numbers)))
    joint = _OnEquation(axis, whole, normal_reach(axis.points, mean, numbers[-1]))
    kernel, sight = jax.jit(joint.kernel)(jnp.asarray(numbers)), jnp.asarray(weights)
    names = tuple(f"{what}_{player.name}" for what in ("beta", "kappa") for player in whole)
    build = jax.tree_util.Partial(_OnKernel(axis, whole), kernel, sight)
    if covariance is None:
        return Specification(names, build)
    first = FirstStep(terms, numbers, np.asarray(covariance, dtype=float))
    return Specification(names, build, first, jax.tree_util.Partial(joint, sight))
