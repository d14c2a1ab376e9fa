"""What a declared function reads and gives back, found by calling it once on abstract values.

A mechanism sees its world through `Names`, both here, where any name is answered and written down, and in the compiled
step, where the names stand for the month's values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from outbid.errors import InputError

TRACED_MONTHS = 3  # of the innovations that the history of a lever is called with


class Names:
    """Attribute access to named values that records what was read. Mechanisms see their world through it."""

    __slots__ = ("_reads", "_values")

    def __init__(self, values: Mapping[str, Any] | Callable[[str], Any]) -> None:
        self._values = values
        self._reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._reads.append(name)
        if callable(self._values):
            return self._values(name)
        return self._values[name]


class _Entries(Mapping[str, Any]):
    """Access by key that records what was read, and answers every key: a payoff's view of its weights."""

    def __init__(self, names: tuple[str, ...], value: Any) -> None:
        self._names = names
        self._value = value
        self._reads: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self._reads.append(name)
        return self._value

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Reads:
    """The names that a function read, by where it read them.

    States, levers, last month's levers, parameters, persons moved in the month, and an actor's weights.
    """

    s: frozenset[str] = frozenset()
    u: frozenset[str] = frozenset()
    previous: frozenset[str] = frozenset()
    p: frozenset[str] = frozenset()
    m: frozenset[str] = frozenset()
    w: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Traced:
    """What one call of a function showed: the names it read, and what it gave back, always as a tuple."""

    reads: Reads
    results: tuple[Any, ...]


def returned(result: Any) -> tuple[Any, ...]:
    """Return what a mechanism gave back as a tuple, whether it gave one thing or several."""
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def is_number(value: Any, shape: tuple[int, ...] = ()) -> bool:
    """Whether a traced value is a number, or an array of numbers of that shape."""
    if isinstance(value, bool) or not isinstance(value, int | float | jax.Array):
        return False
    return getattr(value, "shape", ()) == shape


def kind_of(value: Any) -> str:
    """Return in words what a function gave where a number was wanted."""
    shape = getattr(value, "shape", ())
    return f"an array of shape {shape}" if shape else type(value).__name__


def trace(where: str, function: Callable[..., Any], arguments: str, weights: tuple[str, ...] = ()) -> Traced:
    """Call a function once on abstract numbers: with s, u, p, m, w as in `Reads`, i for a few monthly innovations.

    `weights` are the names that `w` lists when a function goes through it.
    """
    record: dict[str, Any] = {}
    kept: list[tuple[Any, ...]] = []

    def call(x: jax.Array, innovations: jax.Array) -> jax.Array:
        previous = Names(lambda _: x)
        record.update({letter: Names(lambda _: x) for letter in "spm"})
        record.update(previous=previous, w=_Entries(weights, x))
        record["u"] = Names(lambda name: previous if name == "previous" else x)
        given = {**record, "i": innovations}
        kept.append(returned(function(*(given[letter] for letter in arguments))))
        return x

    number = jnp.result_type(float)
    try:
        jax.eval_shape(call, jax.ShapeDtypeStruct((), number), jax.ShapeDtypeStruct((TRACED_MONTHS,), number))
    except jax.errors.TracerBoolConversionError as error:
        fix = "Write it as a smooth formula; Python's `if` cannot see values here."
        raise InputError(where, "decides by the value of a state, lever or parameter", fix) from error
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
        problem = "needs the value of a state, lever or parameter while the model is built"
        fix = "Use exp, log and the like from the vocabulary, not from math or NumPy."
        raise InputError(where, problem, fix) from error
    except Exception as error:
        problem = " ".join(str(error).split())
        raise InputError(
            where,
            f"fails when it is called with ({', '.join(arguments)}): {type(error).__name__}, {problem}",
            "Mend the function; it must work for any numbers.",
        ) from error
    reads = {name: frozenset(seen._reads) - {"previous"} for name, seen in record.items()}
    return Traced(Reads(**reads), kept[-1])
