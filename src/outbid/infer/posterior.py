"""Sample a posterior: a mode, a metric from the curvature there, then chains in lock step.

Hamiltonian trajectories (Neal, 2011) of a random length, the same for all chains at a time: a fixed length may
come back to where it began. The metric is dense, so that trajectories are short whatever the data have
to say about a few parameters and however little about the rest.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from outbid.errors import InputError
from outbid.infer.gradient import Floats, Potential, potentials
from outbid.infer.likelihood import IMPOSSIBLE, Figures, Target
from outbid.model.compile import Layout, layout
from outbid.model.declare import Model
from outbid.model.priors import PriorTable, from_standard_normal

CHAINS = 4
# Iterations after which the caller hears of it.
CHUNK = 25
# Curvature below that of the prior is noise of the approximation; the prior alone gives 1.
LEAST_CURVATURE = 0.5
DIFFERENCE = 1e-4
# In a metric that fits, the best step shrinks with the fourth root of the size (Beskos and others, 2013).
FIRST_STEP = 0.55
# How long a trajectory is, in standard deviations: about as long as takes it from one side to the other.
SHORTEST, LONGEST, MOST_STEPS = 1.5, 3.0, 64
# An energy wrong by more than this is that of a trajectory that diverged.
LARGEST_ERROR = 1000.0
# Of dual averaging (Hoffman and Gelman, 2014): how slowly it moves, how it starts, how it forgets. The first is twice
# theirs, since a step that jumps about ends up too short.
SLOWNESS, STEADINESS, FORGETTING = 0.1, 10.0, 0.75
PHASES = ("approaching the posterior's mass", "learning the metric", "tuning the step", "drawing")


@dataclass(frozen=True)
class Effort:
    """How long to sample, per chain: three phases of warm-up, then the draws that are kept; multiples of CHUNK.

    `approach`: iterations from about the mode to where the posterior's mass is; `metric`: iterations from which the
    metric is learnt; `tuning`: iterations that set the step's size; `draws`: iterations that are kept; `quick`:
    whether they are so few that they settle nothing.
    """

    approach: int
    metric: int
    tuning: int
    draws: int
    target_acceptance: float = 0.95
    chains: int = CHAINS
    quick: bool = False

    @property
    def phases(self) -> tuple[int, int, int, int]:
        """Iterations of each of `PHASES`."""
        return self.approach, self.metric, self.tuning, self.draws

    @property
    def warmup(self) -> int:
        """Iterations before the first draw that is kept."""
        return self.iterations - self.draws

    @property
    def iterations(self) -> int:
        """All iterations of a chain."""
        return sum(self.phases)

    def phase(self, done: int) -> tuple[int, int]:
        """Return in which of `PHASES` chains of so many iterations are, and how many they have made in it."""
        ends = list(accumulate(self.phases))
        number = min(bisect_right(ends, done), len(ends) - 1)
        return number, done - ends[number] + self.phases[number]

    def changed(
        self,
        draws: int | None = None,
        warmup: int | None = None,
        chains: int | None = None,
        target_accept: float | None = None,
    ) -> Effort:
        """Return the effort with other numbers; a warm-up keeps its proportions, each phase at least a chunk."""
        approach, metric, tuning, _ = self.phases
        if warmup is not None:
            approach, tuning = (
                max(1, round(warmup // CHUNK * part / self.warmup)) * CHUNK for part in (approach, tuning)
            )
            metric = warmup - approach - tuning
        accept = target_accept or self.target_acceptance
        return Effort(
            approach, metric, tuning, draws or self.draws, accept, chains or self.chains, self.quick
        )


FULL = Effort(approach=50, metric=300, tuning=150, draws=1500)
QUICK = Effort(approach=25, metric=100, tuning=50, draws=200, target_acceptance=0.85, quick=True)


@dataclass(frozen=True)
class Draws:
    """Draws of the vector of standard normals, with the sampler's own statistics.

    `z`: shape (chains, draws, size); `divergent`, `energy`, `steps`, `acceptance`: shape (chains, draws).
    """

    layout: Layout
    z: np.ndarray
    divergent: np.ndarray
    energy: np.ndarray
    steps: np.ndarray
    acceptance: np.ndarray

    def parameters(self, table: PriorTable) -> dict[str, np.ndarray]:
        """Return the parameters' draws by name, each of shape (chains, draws)."""
        base = jnp.asarray(self.z[..., : len(self.layout.parameters)])
        values = np.asarray(jax.jit(from_standard_normal)(base, table))
        return {name: values[..., i] for i, name in enumerate(self.layout.parameters)}


@dataclass(frozen=True)
class Metric:
    """The geometry in which trajectories run: `covariance` about the posterior's, shape (size, size)."""

    covariance: Floats

    @classmethod
    def of(cls, curvature: Floats) -> Metric:
        """Return the inverse of a curvature, shape (size, size), with weak directions held to the prior's.

        Directions of negative curvature (away from a mode there are some) count by their size.
        """
        values, vectors = np.linalg.eigh(curvature)
        return cls((vectors / np.maximum(np.abs(values), LEAST_CURVATURE)) @ vectors.T)

    @cached_property
    def root(self) -> Floats:
        """Its lower triangular root (Cholesky)."""
        return np.asarray(np.linalg.cholesky(self.covariance))

    def momenta(self, normals: Floats) -> Floats:
        """Return momenta, whose covariance is the inverse, from standard normals, shape (size, any)."""
        return np.asarray(solve_triangular(self.root, normals, trans=1, lower=True))

    def kinetic(self, momentum: Floats) -> Floats:
        """Return the kinetic energies of momenta, shape (chains,)."""
        return np.asarray(0.5 * (momentum * (self.covariance @ momentum)).sum(axis=0))

    def learnt(self, z: Floats) -> Metric:
        """Return the metric of draws, shape (chains, draws, size), shrunk towards this one.

        By as much as blocks of draws differ (Ledoit and Wolf, 2004, who count draws; ours follow on each other).
        """
        size = z.shape[-1]
        late = z[:, z.shape[1] // 4 :]
        x = solve_triangular(self.root, (late - late.mean(axis=(0, 1))).reshape(-1, size).T, lower=True)
        blocks = [block @ block.T / block.shape[1] for block in np.array_split(x, 4 * len(z), axis=1)]
        mean = np.mean(blocks, axis=0)
        error = sum(np.sum((each - mean) ** 2) for each in blocks) / len(blocks) ** 2
        share = min(1.0, error / np.sum((mean - np.eye(size)) ** 2))
        return Metric(self.root @ (share * np.eye(size) + (1.0 - share) * mean) @ self.root.T)


class Place(NamedTuple):
    """Where chains are: `z` and `slope` of shape (size, chains), `energy` (chains,)."""

    z: Floats
    energy: Floats
    slope: Floats

    @classmethod
    def of(cls, potential: Potential, z: Floats) -> Place:
        """Return the place at z."""
        return cls(z, *potential(z))


def trajectory(
    potential: Potential, metric: Metric, start: Place, momentum: Floats, step: float, steps: int
) -> tuple[Place, Floats]:
    """Return where leapfrog steps lead, and with which momentum, shape (size, chains)."""
    z, energy, slope = start
    momentum = momentum - 0.5 * step * slope
    for left in reversed(range(steps)):
        z = z + step * (metric.covariance @ momentum)
        energy, slope = potential(z)
        momentum = momentum - (step if left else 0.5 * step) * slope
    return Place(z, energy, slope), momentum


class Step(NamedTuple):
    """A step's size, one for all chains, tuned to an acceptance by dual averaging (Hoffman and Gelman, 2014).

    `size`: that of the next trajectory; `centre`: the logarithm that it is held to; `trials`, `shortfall`, `average`:
    how often it was tuned, the mean lack of acceptance, the mean logarithm of sizes.
    """

    size: float
    centre: float
    trials: float = 0.0
    shortfall: float = 0.0
    average: float = 0.0

    @classmethod
    def begun(cls, size: float) -> Step:
        """Return a step that hasn't been tuned yet."""
        return cls(size, math.log(size))

    def tuned(self, lack: float) -> Step:
        """Return the step after a trajectory whose acceptance was lower than wanted by `lack`."""
        trials = self.trials + 1.0
        shortfall = self.shortfall + (lack - self.shortfall) / (trials + STEADINESS)
        log_size = self.centre - shortfall * math.sqrt(trials) / SLOWNESS
        average = self.average + (log_size - self.average) * trials**-FORGETTING
        return Step(math.exp(log_size), self.centre, trials, shortfall, average)

    def settled(self) -> Step:
        """Return the mean of the sizes so far, to be tuned anew from there."""
        return Step.begun(math.exp(self.average))


@dataclass
class Chains:
    """Chains side by side, and all that their next iterations follow from.

    `done`: iterations so far, of all phases; `trace`: the iterations of the present phase by field of `Draws`, with
    room for the longest phase.
    """

    place: Place
    metric: Metric
    step: Step
    done: int
    trace: dict[str, np.ndarray]

    @classmethod
    def begun(cls, place: Place, metric: Metric, effort: Effort) -> Chains:
        """Return chains that are about to begin."""
        size, room = len(place.z), (effort.chains, max(effort.phases))
        trace = {name: np.zeros(room) for name in ("energy", "steps", "acceptance")}
        trace |= {"z": np.zeros((*room, size)), "divergent": np.zeros(room, bool)}
        return cls(place, metric, Step.begun(FIRST_STEP * size**-0.25), 0, trace)

    def arrays(self, effort: Effort) -> dict[str, np.ndarray]:
        """Return all of it as arrays, from which `resumed` makes the same again."""
        _, since = effort.phase(self.done)
        made = {f"trace_{name}": each[:, :since] for name, each in self.trace.items()}
        own = {"covariance": self.metric.covariance, "step": np.array(self.step), "done": np.array(self.done)}
        return {**self.place._asdict(), **own, **made}

    @classmethod
    def resumed(cls, arrays: Mapping[str, np.ndarray], effort: Effort) -> Chains:
        """Return the chains of which these are the arrays. Raises KeyError or ValueError if they are none."""
        place = Place(*(arrays[name] for name in Place._fields))
        chains = cls.begun(place, Metric(arrays["covariance"]), effort)
        chains.step, chains.done = Step(*arrays["step"].tolist()), int(arrays["done"])
        _, since = effort.phase(chains.done)
        for name, each in chains.trace.items():
            each[:, :since] = arrays[f"trace_{name}"]
        return chains

    @np.errstate(over="ignore", invalid="ignore")  # of trajectories that diverge
    def advance(self, potential: Potential, effort: Effort, seed: int) -> None:
        """Move on by CHUNK iterations."""
        phase, since = effort.phase(self.done)
        random = np.random.default_rng([seed, 1 + self.done])
        lengths = random.uniform(SHORTEST, LONGEST, CHUNK)
        normals = random.standard_normal((len(self.place.z), CHUNK, effort.chains))
        chances = -random.standard_exponential((CHUNK, effort.chains))
        momenta = self.metric.momenta(normals.reshape(len(normals), -1)).reshape(normals.shape)
        for i, (length, chance) in enumerate(zip(lengths.tolist(), chances, strict=True)):
            start, step = self.place, self.step.size
            steps = max(1, min(round(length / step), MOST_STEPS))
            there, momentum = trajectory(potential, self.metric, start, momenta[:, i], step, steps)
            before = start.energy + 0.5 * (normals[:, i] ** 2).sum(axis=0)
            error = there.energy + self.metric.kinetic(momentum) - before
            divergent = ~(error < LARGEST_ERROR)
            moved = ~divergent & (chance < -error)
            acceptance = np.where(divergent, 0.0, np.exp(np.minimum(-error, 0.0)))
            self.place = Place(*(np.where(moved, new, old) for new, old in zip(there, start, strict=True)))
            for name, value in (
                ("z", self.place.z.T),
                ("divergent", divergent),
                ("energy", before + np.where(moved, error, 0.0)),
                ("steps", steps),
                ("acceptance", acceptance),
            ):
                self.trace[name][:, since + i] = value
            if phase < len(PHASES) - 1:
                self.step = self.step.tuned(effort.target_acceptance - float(acceptance.mean()))
        self.done += CHUNK


def mode(potential: Potential, size: int) -> Floats:
    """Return a mode, shape (size,), by L-BFGS from the prior's centre.

    Raises InputError if there is no density or no slope to begin with.
    """

    def value(z: Floats) -> tuple[float, Floats]:
        energy, slope = potential(z[:, None])
        return float(energy[0]), slope[:, 0]

    centre = np.zeros(size)
    energy, slope = value(centre)
    if energy == -IMPOSSIBLE or not np.isfinite([energy, *slope]).all():
        problem = "the density of the figures, or its slope, is no number there"
        raise InputError(
            "the centre of the priors", problem, "`outbid check` says which function is to blame."
        )
    options = {"maxiter": 1000, "maxfun": 1500}
    return np.asarray(minimize(value, centre, jac=True, method="L-BFGS-B", options=options).x)


def curvature(potential: Potential, z: Floats) -> Floats:
    """Return the mean second derivatives of the energy at z, (size, chains) -> (size, size)."""
    steps = DIFFERENCE * np.eye(len(z))
    both = np.mean(
        [potential(at[:, None] + steps)[1] - potential(at[:, None] - steps)[1] for at in z.T], axis=0
    )
    return np.asarray((both + both.T) / (4 * DIFFERENCE))


def sample(
    potential: Potential,
    size: int,
    effort: Effort,
    *,
    seed: int,
    begun: Chains | None = None,
    note: Callable[[str], None] = lambda _: None,
    advanced: Callable[[Chains], None] = lambda _: None,
) -> Chains:
    """Return chains at the end of their draws.

    The approach runs in the metric of the mode; what follows in that of the mean curvature where the approach ended,
    which is where the posterior's mass is; the draws in one learnt from there. `begun`: chains that were stopped, to go
    on from; `note` is told what is being done, `advanced` after every chunk where the chains are.
    """
    chains = begun
    if chains is None:
        note("finding the mode")
        centre = mode(potential, size)
        metric = Metric.of(curvature(potential, centre[:, None]))
        z = np.random.default_rng([seed]).standard_normal((size, effort.chains))
        chains = Chains.begun(Place.of(potential, centre[:, None] + metric.root @ z), metric, effort)
    ends = list(accumulate(effort.phases))
    while chains.done < effort.iterations:
        note(PHASES[effort.phase(chains.done)[0]])
        chains.advance(potential, effort, seed)
        if chains.done == ends[0]:
            chains.metric = Metric.of(curvature(potential, chains.place.z))
        elif chains.done == ends[1]:
            chains.metric = chains.metric.learnt(chains.trace["z"][:, : effort.metric])
        if chains.done in ends[:-1]:
            chains.step = chains.step.settled()
        advanced(chains)
    return chains


class Sampler:
    """A model's sampler, compiled once and used for every prior set and every replicated panel."""

    def __init__(self, model: Model, figures: Figures, effort: Effort = FULL) -> None:
        self.layout = layout(model, figures.months)
        self.effort = effort
        self.potential_of = potentials(model, figures)

    def sample(
        self,
        target: Target,
        *,
        seed: int,
        begun: Chains | None = None,
        note: Callable[[str], None] = lambda _: None,
        advanced: Callable[[Chains], None] = lambda _: None,
    ) -> Draws:
        """Draw from the posterior, chains side by side; see `sample`."""
        potential, size = self.potential_of(target), self.layout.size
        chains = sample(potential, size, self.effort, seed=seed, begun=begun, note=note, advanced=advanced)
        return Draws(
            self.layout, **{name: each[:, : self.effort.draws] for name, each in chains.trace.items()}
        )
