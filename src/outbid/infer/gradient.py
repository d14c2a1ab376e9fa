"""The energy of a vector of standard normals and its slope, for chains side by side: what a sampler asks of a model."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr
from numpy.typing import NDArray

from outbid.infer.likelihood import Figures, Target, log_posterior
from outbid.model.compile import layout
from outbid.model.declare import Model
from outbid.native import rows_of

Floats = NDArray[np.float64]
# (size, chains), any number of chains, in the order of C -> energies (chains,), their slopes (size, chains)
Potential = Callable[[Floats], tuple[Floats, Floats]]


def potentials(model: Model, figures: Figures) -> Callable[[Target], Potential]:
    """Return the negative log posterior with its slope as a function of the target, traced once for them all."""
    density, vector = (
        log_posterior(model, figures),
        jax.ShapeDtypeStruct((layout(model, figures.months).size,), float),
    )
    one = jax.value_and_grad(lambda z, target: -density(z, target))
    traced, one_at_a_time = list[ClosedJaxpr](), threading.Lock()

    def potential_of(target: Target) -> Potential:
        known = list(map(np.asarray, jax.tree.leaves(target)))
        with one_at_a_time:
            if not traced:
                traced.append(jax.make_jaxpr(one)(vector, target))
        run = rows_of(traced[0], [vector, *known])

        def potential(z: Floats) -> tuple[Floats, Floats]:
            energy, slope = run(z.shape[1], [z.T], [False])
            return energy, slope.T

        return potential

    return potential_of


Kept = TypeVar("Kept")


def trimmed(result: Kept) -> Kept:
    """Return what is given, after handing the memory that its making left behind back to the system.

    A compiler frees gigabytes that the C library then holds on to. Where there is no such call, nothing happens.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return result
