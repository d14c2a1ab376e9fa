"""The energy of a vector of standard normals and its slope, for chains side by side: what a sampler asks of a model."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from numpy.typing import NDArray

from outbid.infer.likelihood import Figures, Target, log_posterior
from outbid.model.declare import Model

Floats = NDArray[np.float64]
# (size, chains), any number of chains, in the order of C -> energies (chains,), their slopes (size, chains)
Potential = Callable[[Floats], tuple[Floats, Floats]]


def potentials(model: Model, figures: Figures, chains: int) -> Callable[[Target], Potential]:
    """Return the negative log posterior with its slope as a function of the target, compiled once for them all.

    It is worked out for `chains` at once; more come block by block, fewer are filled up.
    """
    density = log_posterior(model, figures)
    one = jax.value_and_grad(lambda z, target: -density(z, target))
    together: Any = jax.jit(jax.vmap(one, (1, None), (0, 1)))

    def potential_of(target: Target) -> Potential:
        def potential(z: Floats) -> tuple[Floats, Floats]:
            energy, slope = np.empty(z.shape[1]), np.empty(z.shape)
            for at in range(0, z.shape[1], chains):
                block = z[:, at : at + chains]
                count = block.shape[1]
                filled = np.pad(block, ((0, 0), (0, chains - count)), mode="edge")
                here, down = together(filled, target)
                energy[at : at + count] = here[:count]
                slope[:, at : at + count] = down[:, :count]
            return energy, slope

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
