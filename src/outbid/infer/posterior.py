"""Sample a posterior: a mode, a metric from the curvature there, then chains in coordinates in which it is round.

The vector of standard normals is first moved and turned so that a normal approximation at the mode becomes
standard normal; trajectories are then short, whatever the data have to say about a few parameters and
however little about the rest. The target is unchanged: only the geometry is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.optimize import minimize

from outbid.infer.kernels import Nuts, Part, PlainHmc
from outbid.infer.likelihood import Figures, Values, row_log_likelihood
from outbid.model.compile import build_run, history_levers, initial_state, monthly_innovations
from outbid.model.declare import Model
from outbid.model.priors import PriorTable, from_standard_normal


@dataclass(frozen=True)
class Layout:
    """Where each parameter and each block of innovations lies in the vector of standard normals.

    `parameters`: names, in the order of the vector's first entries; `blocks`: (name, number of innovations)
    behind them, in order; `months`: months of the window.
    """

    parameters: tuple[str, ...]
    blocks: tuple[tuple[str, int], ...]
    months: int

    @property
    def size(self) -> int:
        """Length of the vector."""
        return len(self.parameters) + sum(size for _, size in self.blocks)

    def names(self) -> tuple[str, ...]:
        """Return a name per entry: parameters, then `block[i]`."""
        return self.parameters + tuple(f"{name}[{i}]" for name, size in self.blocks for i in range(size))

    def split(self, z: Array) -> tuple[Array, dict[str, Array]]:
        """Return the parameters' part (last axis) and the innovations by block."""
        start = len(self.parameters)
        innovations: dict[str, Array] = {}
        for name, size in self.blocks:
            innovations[name] = z[..., start : start + size]
            start += size
        return z[..., : len(self.parameters)], innovations


def layout(model: Model, months: int) -> Layout:
    """Return the layout of a model's vector over that many months."""
    return Layout(model.parameter_names, tuple(model.innovation_blocks(months).items()), months)


def unpack(
    model: Model, where: Layout, table: PriorTable, known_levers: Array, z: Array
) -> tuple[dict[str, Array], Array, Array, dict[str, Array]]:
    """Turn one vector (size,) into what a run takes.

    Returns parameters by name, innovations (months, noisy indices), levers (months, levers), opening state.
    """
    base, blocks = where.split(z)
    # The barrier keeps the compiler from working the quantile functions into every use of a parameter.
    values = jax.lax.optimization_barrier(from_standard_normal(base, table))
    p = {name: values[i] for i, name in enumerate(where.parameters)}
    levers = history_levers(model, known_levers, blocks, p)
    innovations = monthly_innovations(model, blocks, where.months)
    return p, jnp.asarray(innovations), levers, initial_state(model, p)


CHAINS = 4
# Curvature below that of the prior is noise of the approximation; the prior alone gives 1.
LEAST_CURVATURE = 0.5
DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Effort:
    """How long to sample, per chain: three phases of warm-up, then the draws that are kept.

    All are multiples of `chunk`, after each of which the caller hears of it. `approach`: iterations from
    about the mode to where the posterior's mass is; `scales`: iterations from which the coordinates' scales
    are learnt; `steps`: iterations that set the step's size; `draws`: iterations that are kept; `quick`:
    whether to use plain trajectories, which need no compiling but carry less far.
    """

    approach: int
    scales: int
    steps: int
    draws: int
    target_acceptance: float = 0.94
    chunk: int = 25
    chains: int = CHAINS
    quick: bool = False

    @property
    def warmup(self) -> int:
        """Iterations before the first draw that is kept."""
        return self.approach + self.scales + self.steps

    @property
    def iterations(self) -> int:
        """All iterations of a chain."""
        return self.warmup + self.draws

    def changed(
        self,
        draws: int | None = None,
        warmup: int | None = None,
        chains: int | None = None,
        target_accept: float | None = None,
    ) -> Effort:
        """Return the effort with other numbers; a warm-up keeps its proportions, each phase at least a chunk."""
        effort = replace(
            self,
            draws=self.draws if draws is None else draws,
            chains=self.chains if chains is None else chains,
            target_acceptance=self.target_acceptance if target_accept is None else target_accept,
        )
        if warmup is None:
            return effort
        chunks = warmup // self.chunk
        approach, steps = (
            max(1, round(chunks * part / self.warmup)) * self.chunk for part in (self.approach, self.steps)
        )
        return replace(effort, approach=approach, scales=warmup - approach - steps, steps=steps)


FULL = Effort(approach=50, scales=150, steps=75, draws=1400)
QUICK = Effort(approach=25, scales=25, steps=25, draws=100, target_acceptance=0.85, chunk=5, quick=True)


class Target(NamedTuple):
    """What a compiled log posterior takes beside the vector: the prior set, the figures, known levers."""

    table: PriorTable
    values: Values
    levers: Array | np.ndarray


@dataclass(frozen=True)
class Draws:
    """Draws of the vector of standard normals, with the sampler's own statistics.

    `z`: shape (chains, draws, size); `divergent`, `energy`, `steps`, `acceptance`: shape (chains, draws);
    `complete`: false if sampling was stopped before its end.
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
        self._gradient = jax.jit(jax.value_and_grad(lambda z, target: -density(z, target)))
        size = self.layout.size
        self._kernel: Nuts | PlainHmc = (
            PlainHmc(self._gradient, size, effort.chunk)
            if effort.quick
            else Nuts(density, self._gradient, size, effort.chains, effort.chunk)
        )

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

    def sample(self, target: Target, *, seed: int, advanced: Callable[[int], None] = lambda _: None) -> Draws:
        """Draw from the posterior, chains side by side.

        The approach runs in coordinates made round at the mode; what follows in coordinates made round by the
        mean curvature where the approach ended, which is where the posterior's mass is. What spread the
        coordinates still differ by is then learnt from all chains together, and taken out.
        `advanced` is told after every few iterations how many have been made. If it (or anything else)
        raises KeyboardInterrupt, the draws made so far come back with `complete` False.
        """
        effort = self.effort
        kernel: Any = self._kernel
        place: tuple[Any, ...] = ()
        keys = jax.random.split(jax.random.key(seed), 4)
        kept: list[Part] = []
        complete = True

        def iterate(state: Any, number: int, keep: list[Part], *, tune: bool) -> Any:
            for _ in range(0, number, effort.chunk):
                state, part = kernel.advance(state, place)
                keep.append(part)
                if tune:
                    state = kernel.retuned(state, float(part[-1].mean()), effort.target_acceptance)
                advanced(effort.chunk)
            return state

        try:
            kernel.prepare(target)
            centre = self.mode(target)
            scaling = preconditioner(self.curvature(target, centre))
            place = (target, centre, scaling)
            x = np.asarray(jax.random.normal(keys[0], (effort.chains, self.layout.size)))
            if effort.quick:
                # Far out, the approximation at the mode may be so wrong that a short approach never leaves.
                x = 0.5 * x
            state = kernel.begin(keys[1], x, place)
            state = iterate(state, effort.approach, [], tune=True)

            ends = centre + np.asarray(state.z) @ scaling.T
            centre = ends.mean(axis=0)
            # Curvature is the dearest part of a quick run: half of the chains must do.
            chosen = ends[::2] if effort.quick else ends
            scaling = preconditioner(np.mean([self.curvature(target, end) for end in chosen], axis=0))
            place = (target, centre, scaling)
            state = kernel.begin(keys[2], np.linalg.solve(scaling, (ends - centre).T).T, place)
            passed: list[Part] = []
            state = iterate(state, effort.scales, passed, tune=True)

            scale = scales(np.concatenate([part[0] for part in passed]))
            scaling = scaling * scale
            place = (target, centre, scaling)
            state = kernel.begin(keys[3], np.asarray(state.z) / scale, place)
            state = iterate(state, effort.steps, [], tune=True)
            iterate(state, effort.draws, kept, tune=False)
        except KeyboardInterrupt:
            complete = False
        return self._draws(kept, place, complete)

    def _draws(self, kept: list[Part], place: tuple[Any, ...], complete: bool) -> Draws:
        """Put the chunks together: (iterations, chains, ...) each, to (chains, draws, ...), in standard normals."""
        if not kept:
            none, chains = np.zeros((self.effort.chains, 0)), self.effort.chains
            z = np.zeros((chains, 0, self.layout.size))
            return Draws(self.layout, z, none.astype(bool), none, none, none, complete)
        x, divergent, energy, steps, acceptance = (
            np.moveaxis(np.concatenate(column), 0, 1) for column in zip(*kept, strict=True)
        )
        _, centre, scaling = place
        return Draws(self.layout, centre + x @ scaling.T, divergent, energy, steps, acceptance, complete)


def scales(x: np.ndarray) -> np.ndarray:
    """Return a scale per coordinate, shape (size,), from draws (iterations, chains, size), held towards one.

    The first quarter is left out; ten draws' worth of a scale of one steadies the rest.
    """
    late = x[len(x) // 4 :].reshape(-1, x.shape[-1])
    # Draws follow on each other: as evidence on a variance, a quarter of them counts.
    count = len(late) / 4
    return np.asarray(np.sqrt((count * late.var(axis=0) + 10.0) / (count + 10.0)))


def preconditioner(curvature: np.ndarray) -> np.ndarray:
    """Return a square root of the inverse curvature, shape (size, size), with weak directions held to the prior's.

    Directions of negative curvature (away from a mode there are some) count by their size.
    """
    values, vectors = np.linalg.eigh(curvature)
    return np.asarray((vectors / np.sqrt(np.maximum(np.abs(values), LEAST_CURVATURE))) @ vectors.T)
