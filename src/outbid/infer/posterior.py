"""Sample a posterior: a mode, a metric from the curvature there, then NUTS in coordinates in which it is round.

The vector of standard normals is first moved and turned so that a normal approximation at the mode becomes
standard normal; trajectories are then short, whatever the data have to say about a few parameters and
however little about the rest. The target is unchanged: only the geometry is.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo
from scipy.optimize import minimize

from outbid.infer.latent import Layout, layout, unpack
from outbid.infer.likelihood import Figures, Values, row_log_likelihood
from outbid.model.compile import build_run
from outbid.model.declare import Model
from outbid.model.priors import PriorTable, from_standard_normal

CHAINS = 4
# Curvature below that of the prior is noise of the approximation; the prior alone gives 1.
LEAST_CURVATURE = 0.5
DIFFERENCE = 1e-4
# In round coordinates the best step shrinks with the fourth root of their number (Beskos and others, 2013).
FIRST_STEP = 0.55
# 63 steps: in round coordinates half of that turns a trajectory round.
DEEPEST_TREE = 6


@dataclass(frozen=True)
class Effort:
    """How long to sample: iterations on the way in, to learn scales, to settle the step size, and draws, per chain.

    All are multiples of `chunk`, after each of which the caller hears of it.
    """

    approach: int
    scales: int
    settle: int
    draws: int
    target_acceptance: float = 0.94
    chunk: int = 25


@dataclass(frozen=True)
class Approximation:
    """No sampling at all: this many draws per chain from a normal distribution at the mode. Coarse, and soon had."""

    draws: int


FULL = Effort(approach=50, scales=150, settle=75, draws=1400)
QUICK = Approximation(draws=250)


class Target(NamedTuple):
    """What a compiled log posterior takes beside the vector: the prior set, the figures, known levers."""

    table: PriorTable
    values: Values
    levers: Array | np.ndarray


@dataclass(frozen=True)
class Posterior:
    """Draws of the vector of standard normals, with the sampler's own statistics.

    Parameters
    ----------
    z
        Shape (chains, draws, size).
    divergent, energy, steps, acceptance
        Shape (chains, draws).
    complete
        False if sampling was stopped before its end.
    """

    layout: Layout
    z: np.ndarray
    divergent: np.ndarray
    energy: np.ndarray
    steps: np.ndarray
    acceptance: np.ndarray
    complete: bool = True

    def parameters(self, table: PriorTable) -> dict[str, np.ndarray]:
        """Return the parameters' draws by name, each of shape (chains, draws)."""
        base = jnp.asarray(self.z[..., : len(self.layout.parameters)])
        values = np.asarray(jax.jit(from_standard_normal)(base, table))
        return {name: values[..., i] for i, name in enumerate(self.layout.parameters)}


def log_posterior(model: Model, figures: Figures) -> Callable[[Array, Target], Array]:
    """Return the log posterior density of the vector (up to a constant) as a function of (z, target)."""
    where = layout(model, figures.months)
    run = build_run(model, [f"sees.{name}" for name in figures.names])

    def density(z: Array, target: Target) -> Array:
        p, innovations, levers, state = unpack(model, where, target.table, jnp.asarray(target.levers), z)
        _, seen = run(p, innovations, levers, state, levers[0])
        likelihood = jnp.sum(row_log_likelihood(model, figures, p, seen, target.values))
        # A step too far ends in overflow; the sampler must see it as impossible, not as NaN.
        return jnp.where(jnp.isfinite(likelihood), likelihood, -1e10) - 0.5 * jnp.sum(z**2)

    return density


class Sampler:
    """A model's sampler, compiled once and used for every prior set and every replicated panel."""

    def __init__(self, model: Model, figures: Figures, effort: Effort = FULL) -> None:
        self.layout = layout(model, figures.months)
        self.effort = effort
        density = log_posterior(model, figures)

        def potential(target: Target, centre: Array, turn: Array) -> Callable[[Array], Array]:
            return lambda x: -density(centre + turn @ x, target)

        init_kernel, sample_kernel = hmc(potential_fn_gen=potential, algo="NUTS")

        def start(key: Array, x: Array, energy: Array, slope: Array) -> Any:
            # Energy and slope come ready-made, so that the model isn't compiled once more only to begin.
            return init_kernel(
                ParamInfo(x, energy, slope),
                0,
                step_size=FIRST_STEP * self.layout.size**-0.25,
                adapt_step_size=False,
                adapt_mass_matrix=False,
                max_tree_depth=DEEPEST_TREE,
                model_args=(None, None, None),
                rng_key=key,
            )

        def one(state: Any, *arguments: Any) -> tuple[Any, Any]:
            state = sample_kernel(state, arguments, {})
            return state, (state.z, state.diverging, state.energy, state.num_steps, state.accept_prob)

        def advance(state: Any, *arguments: Any) -> Any:
            chains: Any = jax.vmap(lambda chain: one(chain, *arguments))
            return jax.lax.scan(lambda state, _: chains(state), state, None, length=effort.chunk)

        self._gradient = jax.jit(jax.value_and_grad(lambda z, target: -density(z, target)))
        self._start = jax.jit(jax.vmap(start))
        self._advance_later = jax.jit(advance)
        self._compiled: Future[Callable[..., Any]] | None = None
        self._lock = threading.Lock()

    def _begin(self, key: Array, x: np.ndarray, arguments: tuple[Any, ...]) -> Any:
        """Return the state of chains that start at x, shape (chains, size), in round coordinates."""
        target, centre, turn = arguments
        found = [self._gradient(centre + turn @ each, target) for each in x]
        energy = np.array([float(value) for value, _ in found])
        slope = np.stack([np.asarray(gradient) @ turn for _, gradient in found])
        return self._start(jax.random.split(key, CHAINS), x, energy, slope)

    def _advance(self, state: Any, arguments: tuple[Any, ...]) -> Any:
        compiled = self._compile(arguments[0])
        return compiled.result()(state, *arguments)

    def _compile(self, target: Target) -> Future[Callable[..., Any]]:
        """Begin compiling the trajectories, the slowest part, on the side; return where they will be."""
        with self._lock:
            if self._compiled is None:
                size = self.layout.size
                vector, matrix = np.zeros(size), np.zeros((size, size))
                chains = np.zeros((CHAINS, size))
                keys = jax.random.split(jax.random.key(0), CHAINS)
                state = jax.eval_shape(self._start, keys, chains, np.zeros(CHAINS), chains)
                later = ThreadPoolExecutor(1)
                self._compiled = later.submit(
                    lambda: trimmed(self._advance_later.lower(state, target, vector, matrix).compile())
                )
                later.shutdown(wait=False)
        return self._compiled

    def mode(self, target: Target) -> np.ndarray:
        """Return a mode of the posterior, shape (size,), by L-BFGS from the prior's centre."""

        def value(z: np.ndarray) -> tuple[float, np.ndarray]:
            energy, gradient = self._gradient(z, target)
            return float(energy), np.asarray(gradient)

        options = {"maxiter": 1000, "maxfun": 1500}
        found = minimize(value, np.zeros(self.layout.size), jac=True, method="L-BFGS-B", options=options)
        return np.asarray(found.x)

    def curvature(self, target: Target, z: np.ndarray) -> np.ndarray:
        """Return the second derivatives of the negative log posterior at z, shape (size, size)."""
        steps = DIFFERENCE * np.eye(self.layout.size)
        rows = [
            np.asarray(self._gradient(z + step, target)[1]) - np.asarray(self._gradient(z - step, target)[1])
            for step in steps
        ]
        both = np.stack(rows) / (2 * DIFFERENCE)
        return np.asarray(0.5 * (both + both.T))

    def approximate(self, target: Target, *, seed: int, draws: int) -> Posterior:
        """Return draws from the normal distribution with the posterior's mode and curvature (Laplace)."""
        centre = self.mode(target)
        shape = (CHAINS, draws, self.layout.size)
        x = np.asarray(jax.random.normal(jax.random.key(seed), shape))
        z = centre + x @ roundness(self.curvature(target, centre)).T
        flat = np.zeros(shape[:2])
        energy = 0.5 * (x**2).sum(axis=-1)
        return Posterior(self.layout, z, flat.astype(bool), energy, flat, flat + 1.0)

    def sample(
        self, target: Target, *, seed: int, advanced: Callable[[int], None] = lambda _: None
    ) -> Posterior:
        """Draw from the posterior with NUTS, `CHAINS` chains side by side.

        The way in runs in coordinates made round at the mode; what follows in coordinates made round by the
        mean curvature where the way in ended, which is where the posterior's mass is. What spread the
        coordinates still differ by is then learnt from all chains together, and taken out.
        `advanced` is told after every few iterations how many have been made. If it (or anything else)
        raises KeyboardInterrupt, the draws made so far come back with `complete` False.
        """
        arguments: tuple[Any, ...] = ()
        keys = jax.random.split(jax.random.key(seed), 4)
        kept: list[tuple[np.ndarray, ...]] = []
        complete = True

        def iterate(state: Any, number: int, keep: list[tuple[np.ndarray, ...]], *, tune: bool) -> Any:
            for _ in range(0, number, self.effort.chunk):
                state, part = self._advance(state, arguments)
                keep.append(tuple(np.asarray(item) for item in part))
                if tune:
                    state = retuned(state, float(keep[-1][-1].mean()), self.effort.target_acceptance)
                advanced(self.effort.chunk)
            return state

        try:
            self._compile(target)
            centre = self.mode(target)
            turn = roundness(self.curvature(target, centre))
            arguments = (target, centre, turn)
            x = np.asarray(jax.random.normal(keys[0], (CHAINS, self.layout.size)))
            state = self._begin(keys[1], x, arguments)
            state = iterate(state, self.effort.approach, [], tune=True)

            ends = centre + np.asarray(state.z) @ turn.T
            centre = ends.mean(axis=0)
            turn = roundness(np.mean([self.curvature(target, end) for end in ends], axis=0))
            arguments = (target, centre, turn)
            state = self._begin(keys[2], np.linalg.solve(turn, (ends - centre).T).T, arguments)
            passed: list[tuple[np.ndarray, ...]] = []
            state = iterate(state, self.effort.scales, passed, tune=True)

            scale = scales(np.concatenate([part[0] for part in passed]))
            turn = turn * scale
            arguments = (target, centre, turn)
            state = self._begin(keys[3], np.asarray(state.z) / scale, arguments)
            state = iterate(state, self.effort.settle, [], tune=True)
            iterate(state, self.effort.draws, kept, tune=False)
        except KeyboardInterrupt:
            complete = False
        return _posterior(self.layout, kept, arguments, complete)


def retuned(state: Any, acceptance: float, target: float) -> Any:
    """Return a sampler state whose chains all take the same new step, moved towards the acceptance wanted.

    Acceptance is that of all chains together, so one unlucky chain can't end up with steps of its own; what
    is lost grows about with the cube of the step (the square in theory, more where curvature varies).
    """
    factor = ((1.0 - target) / max(1.0 - acceptance, 1e-3)) ** (1 / 3)
    step = float(jnp.mean(state.adapt_state.step_size)) * min(max(factor, 0.6), 1.3)
    adapted = state.adapt_state._replace(step_size=jnp.full(CHAINS, step))
    return state._replace(adapt_state=adapted)


Kept = TypeVar("Kept")


def trimmed(result: Kept) -> Kept:
    """Return what is given, after handing the memory that its making left behind back to the system.

    A compiler frees gigabytes that the C library then holds on to. Where there is no such call, nothing happens.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return result


def scales(x: np.ndarray) -> np.ndarray:
    """Return a scale per coordinate, shape (size,), from draws (iterations, chains, size), held towards one.

    The first quarter is left out; ten draws' worth of a scale of one steadies the rest.
    """
    late = x[len(x) // 4 :].reshape(-1, x.shape[-1])
    # Draws follow on each other: as evidence on a variance, a quarter of them counts.
    count = len(late) / 4
    return np.asarray(np.sqrt((count * late.var(axis=0) + 10.0) / (count + 10.0)))


def roundness(curvature: np.ndarray) -> np.ndarray:
    """Return a square root of the inverse curvature, shape (size, size), with weak directions held to the prior's.

    Directions of negative curvature (away from a mode there are some) count by their size.
    """
    values, vectors = np.linalg.eigh(curvature)
    return np.asarray((vectors / np.sqrt(np.maximum(np.abs(values), LEAST_CURVATURE))) @ vectors.T)


def _posterior(
    where: Layout, kept: list[tuple[np.ndarray, ...]], arguments: tuple[Any, ...], complete: bool
) -> Posterior:
    """Put the chunks together: (iterations, chains, ...) each, to (chains, draws, ...), in standard normals."""
    if not kept:
        none = np.zeros((CHAINS, 0))
        return Posterior(
            where, np.zeros((CHAINS, 0, where.size)), none.astype(bool), none, none, none, complete
        )
    x, divergent, energy, steps, acceptance = (
        np.moveaxis(np.concatenate(column), 0, 1) for column in zip(*kept, strict=True)
    )
    _, centre, turn = arguments
    return Posterior(where, centre + x @ turn.T, divergent, energy, steps, acceptance, complete)
