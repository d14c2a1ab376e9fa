"""Quantities of a game with a hidden state, free or held; measures of the state; what anchors it.

A latent state has no origin, scale or sign of its own: moved, stretched or turned upside down together with all
coefficients on it, it leaves everything observable as it was. So three quantities have to be set by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Free:
    """A quantity to be estimated; a bare number in its place is held.

    Parameters
    ----------
    start
        Where the search begins.
    sign
        1 if it must be positive, -1 if it must be negative (it is then estimated in logs), 0 if it may be either.
    """

    start: float
    sign: int = 0

    def __post_init__(self) -> None:
        if self.sign not in (-1, 0, 1) or not np.isfinite(self.start):
            raise InputError(
                "free quantity", "has no such start or sign", "Give a number; a sign of -1, 0 or 1."
            )
        if self.sign and self.start * self.sign <= 0:
            raise InputError(
                "free quantity",
                f"starts at {self.start:g}, against its sign",
                "Start on the right side of zero.",
            )


Quantity = float | Free


@dataclass(frozen=True)
class Measure:
    """A noisy view of the state: figure = intercept + loading x state + N(0, sd²), months missing at will.

    Parameters
    ----------
    name
        Its quantities are then called "name.intercept", "name.loading" and "name.sd".
    loading, intercept, sd
        Numbers are held, `Free` ones estimated. In the figure's units; the loading per unit of the state.
    axis
        Which axis of the grid it sees; by default the first.
    """

    name: str
    loading: Quantity
    intercept: Quantity = field(default_factory=lambda: Free(0.0))
    sd: Quantity = field(default_factory=lambda: Free(1.0, sign=1))
    axis: str | None = None


@dataclass(frozen=True)
class Anchor:
    """The names of the three quantities that settle what the state means.

    Parameters
    ----------
    location
        A held intercept: the state equation's, or a measure's.
    scale
        A held quantity other than zero: the standard deviation of the state's noise, or a measure's loading.
    sign
        A quantity that is held at something other than zero, or has a sign: a measure's loading, or an effect or a value.
    """

    location: str
    scale: str
    sign: str


@dataclass(frozen=True)
class LongRun:
    """The first month's state follows the long-run shares that play at these parameters makes."""


@dataclass(frozen=True)
class Normal:
    """The first month's state is normal, put on the grid; tails at the ends."""

    mean: float
    sd: float


def check_anchor(anchor: Anchor, quantities: Mapping[str, Quantity], measures: Sequence[Measure]) -> None:
    """Refuse an anchor that does not hold the state.

    Raises
    ------
    InputError
        If a name is unknown, of the wrong kind, free, or held at zero.
    """
    own = {f"{each.name}.{part}": part for each in measures for part in ("intercept", "loading", "sd")}
    wrong = {"location": ("loading", "sd"), "scale": ("intercept", "sd"), "sign": ("intercept", "sd")}
    for role, name in vars(anchor).items():
        where = f"anchor, {role}"
        if name not in quantities:
            raise InputError(where, f"{name!r} is no quantity here", did_you_mean(name, quantities))
        if own.get(name) in wrong[role]:
            fit = {"location": "an intercept", "scale": "a loading, or the state's own sd"}.get(
                role, "a loading"
            )
            raise InputError(where, f"{name!r} does not settle the state's {role}", f"Name {fit}.")
        each = quantities[name]
        if isinstance(each, Free):
            if role != "sign" or not each.sign:
                raise InputError(
                    where, f"{name!r} is free, so the state has no {role}", "Hold it at a number."
                )
        elif role != "location" and each == 0:
            raise InputError(where, f"{name!r} is held at zero, which sets no {role}", "Hold it at another.")
    if anchor.sign == anchor.scale and anchor.sign not in own:
        raise InputError(
            "anchor, sign", "a standard deviation has no direction", "Name a loading with a sign."
        )


def natural_from(inner: Array, signs: Array) -> Array:
    """Return estimates in natural units, shape (names,), from unbounded ones."""
    return jnp.where(signs == 0, inner, signs * jnp.exp(jnp.where(signs == 0, 0.0, inner)))
