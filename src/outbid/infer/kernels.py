"""Two ways to move chains: NUTS, compiled whole, and a plain HMC that needs no more than the gradient.

Both move in the coordinates x of z = centre + scaling @ x, chains side by side, and are steered alike: `begin`
makes a state at a place, `advance` moves it on by one chunk and says what happened, `retuned` sets the step.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

# In round coordinates the best step shrinks with the fourth root of their number (Beskos and others, 2013).
FIRST_STEP = 0.55
# 63 steps: in round coordinates half of that turns a trajectory round.
DEEPEST_TREE = 6
# Steps of a plain trajectory, drawn evenly from these: a fixed number may come back to where it began.
FEWEST_STEPS, MOST_STEPS = 12, 16
# An energy wrong by more than this is that of a trajectory that diverged, as in NUTS.
LARGEST_ERROR = 1000.0

# (target, centre, scaling); what a target is, the kernel needn't know
Place = tuple[Any, np.ndarray, np.ndarray]
# energy and slope of the negative log density in z
Gradient = Callable[[np.ndarray, Any], tuple[Any, Any]]
# by iteration and chain: x, whether it diverged, energy, steps, acceptance
Part = tuple[np.ndarray, ...]


def next_step(step: float, acceptance: float, target: float) -> float:
    """Return a new step, one for all chains, so that an unlucky chain can't end up with a step of its own.

    What is lost grows about with the cube of the step (the square in theory, more where curvature varies).
    """
    factor: float = ((1.0 - target) / max(1.0 - acceptance, 1e-3)) ** (1 / 3)
    return step * min(max(factor, 0.6), 1.3)


class Nuts:
    """The no-U-turn sampler of NumPyro, compiled once for every target."""

    def __init__(
        self, density: Callable[[Array, Any], Array], gradient: Gradient, size: int, chains: int, chunk: int
    ) -> None:
        self._gradient, self._size, self._chains = gradient, size, chains

        def potential(target: Any, centre: Array, scaling: Array) -> Callable[[Array], Array]:
            return lambda x: -density(centre + scaling @ x, target)

        init_kernel, sample_kernel = hmc(potential_fn_gen=potential, algo="NUTS")

        def start(key: Array, x: Array, energy: Array, slope: Array) -> Any:
            # Energy and slope come ready-made, so that the model isn't compiled once more only to begin.
            return init_kernel(
                ParamInfo(x, energy, slope),
                0,
                step_size=FIRST_STEP * size**-0.25,
                adapt_step_size=False,
                adapt_mass_matrix=False,
                max_tree_depth=DEEPEST_TREE,
                model_args=(None, None, None),
                rng_key=key,
            )

        def one(state: Any, *place: Any) -> tuple[Any, Any]:
            state = sample_kernel(state, place, {})
            return state, (state.z, state.diverging, state.energy, state.num_steps, state.accept_prob)

        def advance(state: Any, *place: Any) -> Any:
            together: Any = jax.vmap(lambda chain: one(chain, *place))
            return jax.lax.scan(lambda state, _: together(state), state, None, length=chunk)

        self._start = jax.jit(jax.vmap(start))
        self._advance_later = jax.jit(advance)
        self._compiled: Future[Callable[..., Any]] | None = None
        self._lock = threading.Lock()

    def begin(self, key: Array, x: np.ndarray, place: Place) -> Any:
        """Return the state of chains at x, shape (chains, size)."""
        target, centre, scaling = place
        found = [self._gradient(centre + scaling @ each, target) for each in x]
        energy = np.array([float(value) for value, _ in found])
        slope = np.stack([np.asarray(gradient) @ scaling for _, gradient in found])
        return self._start(jax.random.split(key, self._chains), x, energy, slope)

    def advance(self, state: Any, place: Place) -> tuple[Any, Part]:
        """Move on by one chunk of iterations."""
        state, part = self._compile(place[0]).result()(state, *place)
        return state, tuple(np.asarray(item) for item in part)

    def retuned(self, state: Any, acceptance: float, target: float) -> Any:
        """Return the state with the step that comes nearer to the wanted acceptance."""
        step = next_step(float(jnp.mean(state.adapt_state.step_size)), acceptance, target)
        adapted = state.adapt_state._replace(step_size=jnp.full(self._chains, step))
        return state._replace(adapt_state=adapted)

    def prepare(self, target: Any) -> None:
        """Begin compiling the trajectories, the slowest part, on the side."""
        self._compile(target)

    def _compile(self, target: Any) -> Future[Callable[..., Any]]:
        with self._lock:
            if self._compiled is None:
                size, chains = self._size, np.zeros((self._chains, self._size))
                keys = jax.random.split(jax.random.key(0), self._chains)
                state = jax.eval_shape(self._start, keys, chains, np.zeros(self._chains), chains)
                place = (target, np.zeros(size), np.zeros((size, size)))
                later = ThreadPoolExecutor(1)
                self._compiled = later.submit(
                    lambda: trimmed(self._advance_later.lower(state, *place).compile())
                )
                later.shutdown(wait=False)
        return self._compiled


@dataclass(frozen=True)
class PlainState:
    """Where plain trajectories are: `slope` and `z` in round coordinates, all of shape (chains, ...)."""

    z: np.ndarray
    energy: np.ndarray
    slope: np.ndarray
    step: float
    random: np.random.Generator


class PlainHmc:
    """Hamiltonian trajectories of a random number of steps, one chain after the other, in NumPy.

    Nothing but the gradient is compiled, and that is there already: what makes a quick run quick.
    """

    def __init__(self, gradient: Gradient, size: int, chunk: int) -> None:
        self._gradient, self._size, self._chunk = gradient, size, chunk

    def prepare(self, target: Any) -> None:
        """There is nothing to prepare."""

    def begin(self, key: Array, x: np.ndarray, place: Place) -> PlainState:
        """Return the state of chains at x, shape (chains, size)."""
        energy, slope = zip(*(self._potential(each, place) for each in x), strict=True)
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        return PlainState(x, np.array(energy), np.stack(slope), FIRST_STEP * self._size**-0.25, random)

    def advance(self, state: PlainState, place: Place) -> tuple[PlainState, Part]:
        """Move on by one chunk of iterations."""
        rows = []
        for _ in range(self._chunk):
            steps = int(state.random.integers(FEWEST_STEPS, MOST_STEPS + 1))
            moved = [self._move(state, chain, steps, place) for chain in range(len(state.z))]
            x, energy, slope, total, acceptance, diverged = (
                np.array(column) for column in zip(*moved, strict=True)
            )
            state = replace(state, z=x, energy=energy, slope=slope)
            rows.append((x, diverged, total, np.full(len(x), steps), acceptance))
        return state, tuple(np.stack(column) for column in zip(*rows, strict=True))

    def retuned(self, state: PlainState, acceptance: float, target: float) -> PlainState:
        """Return the state with the step that comes nearer to the wanted acceptance."""
        return replace(state, step=next_step(state.step, acceptance, target))

    def _potential(self, x: np.ndarray, place: Place) -> tuple[float, np.ndarray]:
        target, centre, scaling = place
        energy, slope = self._gradient(centre + scaling @ x, target)
        return float(energy), np.asarray(slope) @ scaling

    def _move(self, state: PlainState, chain: int, steps: int, place: Place) -> tuple[Any, ...]:
        """Run one trajectory; return where it leads, its energy and acceptance, and whether it diverged."""
        here = (state.z[chain], state.energy[chain], state.slope[chain])
        x, energy, slope = here
        momentum = state.random.standard_normal(self._size)
        chance = np.log(state.random.uniform())
        before = energy + 0.5 * momentum @ momentum
        for _ in range(steps):
            momentum = momentum - 0.5 * state.step * slope
            x = x + state.step * momentum
            energy, slope = self._potential(x, place)
            momentum = momentum - 0.5 * state.step * slope
            if not np.isfinite(energy):
                break
        error = energy + 0.5 * momentum @ momentum - before
        diverged = not error < LARGEST_ERROR
        acceptance = 0.0 if diverged else float(np.exp(min(0.0, -error)))
        there = (x, energy, slope) if not diverged and chance < -error else here
        return (*there, before + error if there is not here else before, acceptance, diverged)


Kept = TypeVar("Kept")


def trimmed(result: Kept) -> Kept:
    """Return what is given, after handing the memory that its making left behind back to the system.

    A compiler frees gigabytes that the C library then holds on to. Where there is no such call, nothing happens.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return result
