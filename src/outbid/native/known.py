"""Arrays that are known while a function is traced: worked out at once, in NumPy, as JAX would."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from outbid.native.graph import OPERATIONS
from outbid.native.moves import MOVES

# What NumPy does to whole numbers as JAX does.
_OF_WHOLE = {"add", "sub", "mul", "max", "min", "lt", "le", "gt", "ge", "eq", "ne"}


def evaluated(name: str, params: Any, taken: list[Any]) -> Any:
    """Return what an operation on known arrays gives, or None if only JAX can tell."""
    if any(map(is_key, taken)):
        return None
    if name in OPERATIONS and len({each.dtype for each in taken}) == 1:
        kind = taken[0].dtype
        truths = np.issubdtype(kind, np.bool_) and name in ("and", "or", "not", "eq", "ne")
        whole = np.issubdtype(kind, np.integer) and name in _OF_WHOLE
        if truths or whole or (np.issubdtype(kind, np.float64) and name != "round"):
            with np.errstate(all="ignore"):
                return OPERATIONS[name](*taken)
        return None
    if name == "select_n" and taken[0].dtype == bool:
        return np.where(taken[0], taken[2], taken[1])
    if name == "convert_element_type":
        return np.asarray(taken[0]).astype(params["new_dtype"])
    if name in MOVES:
        return MOVES[name](*taken, **params)
    return None


@cache
def is_number(kind: Any) -> bool:
    """Return whether the engine has such numbers."""
    return any(jnp.issubdtype(kind, each) for each in (np.bool_, np.floating, np.signedinteger))


def is_key(value: Any) -> bool:
    """Return whether a value is a key of JAX's random numbers."""
    return jnp.issubdtype(value.dtype, jax.dtypes.extended)


def plain(value: Any) -> Any:
    """Return an array as NumPy's, if it can be: a key of JAX's random numbers can't."""
    return value if is_key(value) else np.asarray(value)


def cast(values: np.ndarray, kind: Any) -> np.ndarray:
    """Return known numbers as another kind of number."""
    with np.errstate(all="ignore"):
        return values.astype(kind)
