"""Sample a posterior: a mode, a metric from the curvature there, then NUTS in coordinates in which it is round.

The vector of standard normals is first moved and turned so that a normal approximation at the mode becomes
standard normal; trajectories are then short, whatever the data have to say about a few parameters and
however little about the rest. The target is unchanged: only the geometry is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.hmc import hmc
from scipy.optimize import minimize

from outbid.infer.latent import Layout, layout, unpack
from outbid.infer.likelihood import Figures, Values, row_log_likelihood
from outbid.model.compile import build_run
from outbid.model.declare import Model
from outbid.model.priors import PriorTable, from_standard_normal
from outbid.progress import Progress

CHAINS = 4
# Curvature below that of the prior is noise of the approximation; the prior alone gives 1.
LEAST_CURVATURE = 0.5
DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Effort:
    """How long to sample."""

    warmup: int
    draws: int
    target_acceptance: float = 0.9
    chunk: int = 25


FULL = Effort(warmup=400, draws=1000)
QUICK = Effort(warmup=100, draws=150, target_acceptance=0.8)


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

        def start(key: Array, x: Array, *arguments: Any) -> Any:
            return init_kernel(
                x,
                effort.warmup,
                step_size=0.3,
                target_accept_prob=effort.target_acceptance,
                max_tree_depth=8,
                model_args=arguments,
                rng_key=key,
            )

        def advance(state: Any, *arguments: Any) -> Any:
            def one(state: Any, _: None) -> tuple[Any, Any]:
                state = sample_kernel(state, arguments, {})
                kept = (state.z, state.diverging, state.energy, state.num_steps, state.accept_prob)
                return state, kept

            return jax.lax.scan(one, state, None, length=effort.chunk)

        each = (0, None, None, None)
        self._gradient = jax.jit(jax.value_and_grad(lambda z, target: -density(z, target)))
        self._gradients = jax.jit(jax.vmap(jax.grad(lambda z, target: -density(z, target)), (0, None)))
        self._start = jax.jit(jax.vmap(start, (0, 0, None, None, None)))
        self._advance = jax.jit(jax.vmap(advance, each), donate_argnums=0)

    def mode(self, target: Target, z: np.ndarray | None = None) -> np.ndarray:
        """Return a mode of the posterior, shape (size,), by L-BFGS from the prior's centre."""

        def value(z: np.ndarray) -> tuple[float, np.ndarray]:
            energy, gradient = self._gradient(z, target)
            return float(energy), np.asarray(gradient)

        start = np.zeros(self.layout.size) if z is None else z
        found = minimize(value, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000, "maxfun": 3000})
        return np.asarray(found.x)

    def turn(self, target: Target, mode: np.ndarray) -> np.ndarray:
        """Return a square root of the inverse curvature at the mode, shape (size, size)."""
        size = self.layout.size
        rows = []
        for block in np.array_split(np.eye(size), max(1, size // 16)):
            ahead = self._gradients(mode + DIFFERENCE * block, target)
            behind = self._gradients(mode - DIFFERENCE * block, target)
            rows.append(np.asarray(ahead - behind) / (2 * DIFFERENCE))
        curvature = np.concatenate(rows)
        values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
        return np.asarray((vectors / np.sqrt(np.maximum(values, LEAST_CURVATURE))) @ vectors.T)

    def sample(
        self, target: Target, *, seed: int, mode: np.ndarray, turn: np.ndarray, advanced: Callable[[int], None]
    ) -> Posterior:
        """Draw from the posterior with NUTS, `CHAINS` chains side by side.

        `advanced` is told after every few iterations how many have been made. If it (or anything else)
        raises KeyboardInterrupt, the draws made so far come back with `complete` False.
        """
        centre, square = jnp.asarray(mode), jnp.asarray(turn)
        start_key, chain_key = jax.random.split(jax.random.key(seed))
        start = jax.random.normal(start_key, (CHAINS, self.layout.size))
        state = self._start(jax.random.split(chain_key, CHAINS), start, target, centre, square)
        kept: list[tuple[np.ndarray, ...]] = []
        complete = True
        try:
            for made in range(0, self.effort.warmup + self.effort.draws, self.effort.chunk):
                state, part = self._advance(state, target, centre, square)
                if made >= self.effort.warmup:
                    kept.append(tuple(np.asarray(item) for item in part))
                advanced(self.effort.chunk)
        except KeyboardInterrupt:
            complete = False
        empty = (np.zeros((CHAINS, 0, self.layout.size)), *(np.zeros((CHAINS, 0)) for _ in range(4)))
        x, divergent, energy, steps, acceptance = (
            [np.concatenate(column, axis=1) for column in zip(*kept, strict=True)] if kept else empty
        )
        z = mode + x @ turn.T
        return Posterior(self.layout, z, divergent, energy, steps, acceptance, complete)
