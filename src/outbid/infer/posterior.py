"""Sample a posterior: a mode, a metric from the curvature there, then chains in coordinates in which it is round.

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
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo
from scipy.optimize import minimize

from outbid.errors import InputError
from outbid.infer.likelihood import IMPOSSIBLE, Figures, Target, log_posterior
from outbid.model.compile import Layout, layout
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
# Steps of a plain trajectory, drawn evenly from these: a fixed number may come back to where it began.
FEWEST_STEPS, MOST_STEPS = 12, 16
# An energy wrong by more than this is that of a trajectory that diverged, as in NUTS.
LARGEST_ERROR = 1000.0

# (target, centre, scaling); what a target is, a kernel needn't know
Place = tuple[Any, np.ndarray, np.ndarray]
# energy and slope of the negative log density in z
Gradient = Callable[[np.ndarray, Any], tuple[Any, Any]]
# by iteration and chain: x, whether it diverged, energy, steps, acceptance
Part = tuple[np.ndarray, ...]


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
        phases = (self.approach, self.scales, self.steps)
        if warmup is not None:
            approach, _, steps = (
                max(1, round(warmup // self.chunk * part / self.warmup)) * self.chunk for part in phases
            )
            phases = (approach, warmup - approach - steps, steps)
        accept = target_accept or self.target_acceptance
        return Effort(*phases, draws or self.draws, accept, self.chunk, chains or self.chains, self.quick)


FULL = Effort(approach=50, scales=150, steps=75, draws=2000)
QUICK = Effort(approach=25, scales=25, steps=25, draws=100, target_acceptance=0.85, chunk=5, quick=True)


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


class Kernel:
    """Moves chains side by side in the coordinates x of z = centre + scaling @ x.

    A kernel has `begin`, which makes a state at a place, `advance`, which moves it on by one chunk and says what
    happened, and `retuned`, which sets the step.
    """

    def __init__(self, gradient: Gradient, size: int, chunk: int) -> None:
        self._gradient, self._size, self._chunk = gradient, size, chunk
        self._first_step = FIRST_STEP * size**-0.25

    def prepare(self, target: Any) -> None:
        """Begin, on the side, whatever takes long."""

    def potential(self, x: np.ndarray, place: Place) -> tuple[float, np.ndarray]:
        """Return energy and slope at x."""
        target, centre, scaling = place
        energy, slope = self._gradient(centre + scaling @ x, target)
        return float(energy), np.asarray(slope) @ scaling

    def potentials(self, x: np.ndarray, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """Return energies and slopes of chains at x, shape (chains, size)."""
        energy, slope = zip(*(self.potential(each, place) for each in x), strict=True)
        return np.array(energy), np.stack(slope)


def next_step(step: float, acceptance: float, target: float) -> float:
    """Return a new step, one for all chains, so that an unlucky chain can't end up with a step of its own.

    What is lost grows about with the cube of the step (the square in theory, more where curvature varies).
    """
    factor: float = ((1.0 - target) / max(1.0 - acceptance, 1e-3)) ** (1 / 3)
    return step * min(max(factor, 0.6), 1.3)


class Nuts(Kernel):
    """The no-U-turn sampler of NumPyro, compiled once for every target."""

    def __init__(
        self, density: Callable[[Array, Any], Array], gradient: Gradient, size: int, chains: int, chunk: int
    ) -> None:
        super().__init__(gradient, size, chunk)
        self._chains = chains

        def potential(target: Any, centre: Array, scaling: Array) -> Callable[[Array], Array]:
            return lambda x: -density(centre + scaling @ x, target)

        init_kernel, sample_kernel = hmc(potential_fn_gen=potential, algo="NUTS")

        def start(key: Array, x: Array, energy: Array, slope: Array) -> Any:
            # Energy and slope come ready-made, so that the model isn't compiled once more only to begin.
            return init_kernel(
                ParamInfo(x, energy, slope),
                0,
                step_size=self._first_step,
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
        return self._start(jax.random.split(key, self._chains), x, *self.potentials(x, place))

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
        """Begin compiling the trajectories, the slowest part."""
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


class PlainHmc(Kernel):
    """Hamiltonian trajectories of a random number of steps, one chain after the other, in NumPy.

    Nothing but the gradient is compiled, and that is there already: what makes a quick run quick.
    """

    def begin(self, key: Array, x: np.ndarray, place: Place) -> PlainState:
        """Return the state of chains at x, shape (chains, size)."""
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        return PlainState(x, *self.potentials(x, place), self._first_step, random)

    def advance(self, state: PlainState, place: Place) -> tuple[PlainState, Part]:
        """Move on by one chunk of iterations."""
        rows = []
        for _ in range(self._chunk):
            steps = int(state.random.integers(FEWEST_STEPS, MOST_STEPS + 1))
            moved = [self._move(state, chain, steps, place) for chain in range(len(state.z))]
            x, energy, slope, total, acceptance, diverged = map(np.array, zip(*moved, strict=True))
            state = replace(state, z=x, energy=energy, slope=slope)
            rows.append((x, diverged, total, np.full(len(x), steps), acceptance))
        return state, tuple(map(np.stack, zip(*rows, strict=True)))

    def retuned(self, state: PlainState, acceptance: float, target: float) -> PlainState:
        """Return the state with the step that comes nearer to the wanted acceptance."""
        return replace(state, step=next_step(state.step, acceptance, target))

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
            energy, slope = self.potential(x, place)
            momentum = momentum - 0.5 * state.step * slope
            if not np.isfinite(energy):
                break
        error = energy + 0.5 * momentum @ momentum - before
        diverged = not error < LARGEST_ERROR
        acceptance = 0.0 if diverged else float(np.exp(min(0.0, -error)))
        there = (x, energy, slope) if not diverged and chance < -error else here
        return (*there, before + error if there is not here else before, acceptance, diverged)


class Sampler:
    """A model's sampler, compiled once and used for every prior set and every replicated panel."""

    def __init__(self, model: Model, figures: Figures, effort: Effort = FULL) -> None:
        self.layout = layout(model, figures.months)
        self.effort = effort
        density = log_posterior(model, figures)
        self._gradient = jax.jit(jax.value_and_grad(lambda z, target: -density(z, target)))
        size, chunk = self.layout.size, effort.chunk
        self._kernel: Nuts | PlainHmc = (
            PlainHmc(self._gradient, size, chunk)
            if effort.quick
            else Nuts(density, self._gradient, size, effort.chains, chunk)
        )

    def mode(self, target: Target) -> np.ndarray:
        """Return a mode of the posterior, shape (size,), by L-BFGS from the prior's centre.

        Raises InputError if there is no density or no slope to begin with.
        """

        def value(z: np.ndarray) -> tuple[float, np.ndarray]:
            energy, gradient = self._gradient(z, target)
            return float(energy), np.asarray(gradient)

        centre = np.zeros(self.layout.size)
        energy, slope = value(centre)
        if energy == -IMPOSSIBLE or not np.isfinite([energy, *slope]).all():
            problem = "the density of the figures, or its slope, is no number there"
            raise InputError(
                "the centre of the priors", problem, "`outbid check` says which function is to blame."
            )
        options = {"maxiter": 1000, "maxfun": 1500}
        found = minimize(value, centre, jac=True, method="L-BFGS-B", options=options)
        return np.asarray(found.x)

    def curvature(self, target: Target, z: np.ndarray) -> np.ndarray:
        """Return the second derivatives of the negative log posterior at z, shape (size, size)."""

        def slope(at: np.ndarray) -> np.ndarray:
            return np.asarray(self._gradient(at, target)[1])

        steps = DIFFERENCE * np.eye(self.layout.size)
        both = np.stack([slope(z + step) - slope(z - step) for step in steps]) / (2 * DIFFERENCE)
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

        def iterate(state: Any, number: int, keep: list[Part], *, tune: bool = True) -> Any:
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
            state = iterate(kernel.begin(keys[1], x, place), effort.approach, [])

            ends = centre + np.asarray(state.z) @ scaling.T
            centre = ends.mean(axis=0)
            # Curvature is the dearest part of a quick run: half of the chains must do.
            chosen = ends[::2] if effort.quick else ends
            scaling = preconditioner(np.mean([self.curvature(target, end) for end in chosen], axis=0))
            place = (target, centre, scaling)
            state = kernel.begin(keys[2], np.linalg.solve(scaling, (ends - centre).T).T, place)
            passed: list[Part] = []
            state = iterate(state, effort.scales, passed)

            scale = scales(np.concatenate([part[0] for part in passed]))
            scaling = scaling * scale
            place = (target, centre, scaling)
            state = kernel.begin(keys[3], np.asarray(state.z) / scale, place)
            iterate(iterate(state, effort.steps, []), effort.draws, kept, tune=False)
        except KeyboardInterrupt:
            complete = False
        if not kept:
            none = np.zeros((effort.chains, 0))
            z = np.zeros((effort.chains, 0, self.layout.size))
            return Draws(self.layout, z, none.astype(bool), none, none, none, complete)
        # chunks of (iterations, chains, ...) each, to (chains, draws, ...), in standard normals
        x, divergent, energy, steps, acceptance = (
            np.moveaxis(np.concatenate(column), 0, 1) for column in zip(*kept, strict=True)
        )
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


Kept = TypeVar("Kept")


def trimmed(result: Kept) -> Kept:
    """Return what is given, after handing the memory that its making left behind back to the system.

    A compiler frees gigabytes that the C library then holds on to. Where there is no such call, nothing happens.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return result
