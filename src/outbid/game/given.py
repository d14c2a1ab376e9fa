"""What is given to a function of `outbid.game`: in one line refused where it is not what the annotation says.

Nothing is broadcast: where players differ, there is one number a player.
"""

from __future__ import annotations

import builtins
import inspect
import operator
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, reduce, wraps
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from outbid.compiled import prepare
from outbid.errors import InputError

Floats = NDArray[np.float64]
F = TypeVar("F", bound=Callable[..., Any])
# In annotations: a seed of random numbers, and how many of something, or none.
Seed = int
Count = int
Draws = int


def numbers(where: str, given: Any) -> Floats:
    """Return numbers of any shape as an array, NaN included; refuse text, ragged lists and whatever else is none."""
    try:
        array = np.asarray(given)
        if given is None or array.dtype.kind not in "biufO":
            raise TypeError
        # pandas' own mark of what is missing
        return (
            np.where(pd.isna(array), np.nan, array).astype(float)
            if array.dtype.kind == "O"
            else array.astype(float)
        )
    except (TypeError, ValueError, OverflowError):
        raise InputError(where, f"{reprlib.repr(given)} is no number or table of numbers", FIX) from None


FIX = "Give numbers."


def shaped(where: str, given: Any, shape: tuple[int, ...], fix: str, names: Sequence[str] = ()) -> Floats:
    """Return finite numbers of a shape, which may have names."""
    array = numbers(where, given)
    if array.shape != shape:
        sizes = {0: "is one number", 1: f"holds {array.size} number{'s' * (array.size != 1)}"}
        raise InputError(where, sizes.get(array.ndim, f"has shape {array.shape}"), fix)
    if not np.isfinite(array).all():
        place = int(np.argmin(np.isfinite(array)))
        which = f", {names[place]}" if names else f", number {place + 1}" if shape else ""
        raise InputError(f"{where}{which}", f"is {array.flat[place]}", "Give a finite number.")
    return array


def by_player(where: str, given: Any, names: Sequence[str], *, or_one: bool = False) -> Floats:
    """Return one number a player, in the players' order or by their names; or one for all, if that may be."""
    if hasattr(given, "keys") and set(given.keys()) == set(names):
        given = [given[name] for name in names]
    fix = f"Give one number a player, {len(names)}: {', '.join(names)}."
    if or_one and numbers(where, given).shape == ():
        return np.full(len(names), number(where, given))
    return shaped(where, given, (len(names),), fix, names)


def number(where: str, given: Any) -> float:
    """Return one finite number."""
    return float(shaped(where, given, (), "Give one number."))


def whole(where: str, given: Any, least: int | None = None, most: int | None = None) -> int:
    """Return a whole number within limits."""
    try:
        value = operator.index(given)
    except TypeError:
        value = None
    if value is None or isinstance(given, bool):
        raise InputError(where, f"{reprlib.repr(given)} is no whole number", "Give one.")
    if least is not None and not least <= value <= (most or value):
        limits = f"{least} or more" + (f", up to {most}" if most else "")
        raise InputError(where, f"is {value}", f"Give {limits}.")
    return value


def text(where: str, given: Any) -> str:
    """Return text that is not empty."""
    if not isinstance(given, str) or not given.strip():
        raise InputError(where, f"{reprlib.repr(given)} is no name", "Give text.")
    return given


def many(where: str, given: Any, kind: type) -> tuple[Any, ...]:
    """Return several things of one kind."""
    alike = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    items = tuple(given) if alike else ()
    if not alike or not all(isinstance(each, kind) for each in items):
        raise InputError(where, f"{reprlib.repr(given)} is no list of {kind.__name__}", "Give a list.")
    return items


def _array(where: str, given: Any) -> Any:
    array = numbers(where, given)
    # whole numbers stay whole
    return array if np.asarray(given).dtype.kind == "O" else np.asarray(given)


def _nothing(where: str, given: Any) -> None:
    if given is not None:
        raise InputError(where, "is not None", "Leave it out.")


def _flag(where: str, given: Any) -> bool:
    if not isinstance(given, bool | np.bool_):
        raise InputError(where, f"{reprlib.repr(given)} is neither true nor false", "Give True or False.")
    return bool(given)


# What an annotation asks for, by how it is written.
KINDS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("ArrayLike", "Floats", "Ints"), _array),
    # what has names keeps them
    "Sequence[float]": lambda where, given: given if hasattr(given, "keys") else _array(where, given),
    "Array": lambda where, given: jnp.asarray(_array(where, given)),
    "None": _nothing,
    "bool": _flag,
    "float": number,
    "int": whole,
    "str": text,
    "Draws": lambda where, given: whole(where, given, 0, 10**6),
    "Seed": lambda where, given: whole(where, given, 0, 2**32 - 1),
    "Count": lambda where, given: whole(where, given, 1, 10**6),
    "Any": lambda where, given: given,
}
once_prepared = cache(prepare)
_ARMS = re.compile(r" \| (?![^\[]*\])")
_HOLDER = re.compile(r"(Sequence|Mapping|tuple)\[(?:str, )?([^,]+).*\]")


def checked(function: F) -> F:
    """Return a function that refuses arguments which are not what its annotations say, and keeps what is compiled."""
    plain = inspect.unwrap(function)
    signature, hints = inspect.signature(plain), dict(plain.__annotations__)

    @wraps(function)
    def careful(*args: Any, **named: Any) -> Any:
        once_prepared()
        bound = signature.bind(*args, **named)
        for name, given in bound.arguments.items():
            if name in hints:
                bound.arguments[name] = _fit(name, given, hints[name], plain.__globals__)
        return function(*bound.args, **bound.kwargs)

    return cast(F, careful)


def _fit(where: str, given: Any, hint: str, space: Mapping[str, Any]) -> Any:
    """Return what is given as one of the things that a hint allows, or the complaint of the first."""
    complaints = []
    if isinstance(given, jax.core.Tracer):
        return given
    for arm in _ARMS.split(hint):
        try:
            return KINDS[arm](where, given) if arm in KINDS else _instance(where, given, arm, space)
        except InputError as complaint:
            complaints.append(complaint)
    raise complaints[0]


def _instance(where: str, given: Any, arm: str, space: Mapping[str, Any]) -> Any:
    if holder := _HOLDER.fullmatch(arm):
        several = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
        if holder[1] != "Mapping" and several:
            kind = tuple if holder[1] == "tuple" else list
            return kind(_fit(f"{where}, {i}", each, holder[2], space) for i, each in enumerate(given, 1))
        if holder[1] == "Mapping" and hasattr(given, "keys"):
            plain = holder[2] == "float"
            return {key: number(f"{where}, {key}", given[key]) for key in given} if plain else given
        wanted = "them by name" if holder[1] == "Mapping" else "several, in a list"
        raise InputError(where, f"is a {type(given).__name__}", f"Give {wanted}.")
    first, *rest = arm.partition("[")[0].split(".")
    kind = reduce(getattr, rest, space.get(first, getattr(builtins, first, None)))
    if float in get_args(kind) and not isinstance(given, kind):
        return number(where, given)
    origin = get_origin(kind) or kind
    if origin is Callable:
        good = callable(given)
    elif origin is Literal:
        good = isinstance(given, str)
    else:
        good = kind is None or isinstance(given, kind)
    if not good:
        raise InputError(where, f"is a {type(given).__name__}", f"Give a {arm.partition('[')[0]}.")
    return given
