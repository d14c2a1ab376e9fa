"""What the past says about what the players want: payoff weights learnt from what they did.

In two steps, as published estimates of such games are made (Crisman-Cox and Gibilisco): first what is known of
the model, then, within each draw of it, the weights. A draw tells where the watched states stood and which
moves were made; the weights' most likely values are found by Fisher scoring through the equilibrium, exact
draws around them are corrected by importance sampling, and the draws count alike. So the moves don't change what
is believed about the model, only what is believed about the players.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.game.newton import equilibrium_values, log_probabilities, shared_out
from outbid.model.priors import PriorTable, from_standard_normal, prior_table
from outbid.players.solver import Draw, Solver

Floats = NDArray[np.float64]
# Scoring steps towards the most likely weights; trials around them, drawn this much wider than they ought to be.
STEPS, TRIALS, WIDER = 16, 8, 1.25
NEAR = 0.1


class Moves(NamedTuple):
    """What the players did, draw by draw.

    `axes` are where the watched states stood before each move, indices on their own scale, (draws, months, axes);
    `actions` by player which of its actions was the nearest, (draws, months).
    """

    axes: Floats
    actions: Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True)
class PayoffPosterior:
    """Payoff weights after the past; all draws of the model count alike.

    `weights` are those that were tried, (draws, trials, weights), and `z` the standard normals behind them. `chances`
    are each trial's importance within its draw, summing to one, and `log_likelihood` that of the moves, both
    (draws, trials); `by_chance` is that of blind play; `moves` is how many moves they were learnt from.
    """

    z: Floats
    weights: Floats
    chances: Floats
    log_likelihood: Floats
    by_chance: float
    moves: int

    @property
    def effective(self) -> float:
        """How many of a draw's trials its answer is worth, in the mean."""
        return float(np.mean(1.0 / np.sum(self.chances**2, axis=1)))

    @property
    def fit(self) -> float:
        """Mean log likelihood of the moves over the posterior."""
        return float(np.mean(np.sum(self.chances * self.log_likelihood, axis=1)))

    @property
    def contraction(self) -> Floats:
        """Share of each weight's prior variance that the past took away, on the prior's normal scale."""
        chances, z = self._flat()
        return np.asarray(1.0 - chances @ (z - chances @ z) ** 2)

    def quantiles(self, shares: tuple[float, ...]) -> Floats:
        """Return weighted quantiles of every weight, shape (shares, weights)."""
        chances, _ = self._flat()
        weights = self.weights.reshape(len(chances), -1)
        return np.asarray(np.quantile(weights, shares, axis=0, weights=chances, method="inverted_cdf"))

    def probability_positive(self) -> Floats:
        """Return the probability that each weight is above zero, shape (weights,)."""
        chances, _ = self._flat()
        return np.asarray(chances @ (self.weights.reshape(len(chances), -1) > 0))

    def one_each(self, seed: int) -> Floats:
        """Return one vector of weights for every draw of the model, shape (draws, weights)."""
        at = np.random.default_rng(seed).random((len(self.chances), 1))
        chosen = np.minimum((np.cumsum(self.chances, axis=1) < at).sum(axis=1), self.chances.shape[1] - 1)
        return np.asarray(self.weights[np.arange(len(chosen)), chosen])

    def _flat(self) -> tuple[Floats, Floats]:
        return (self.chances / len(self.chances)).ravel(), self.z.reshape(-1, self.z.shape[-1])


class _At(NamedTuple):
    """Where scoring stands: weights as standard normals, values, objective, score, information, damping."""

    z: Any
    values: Any
    height: Any
    score: Any
    information: Any
    damping: Any
    steps: Any

    @property
    def gain(self) -> Array:
        """What one more step would still add to the height, by its slope and curvature."""
        return jnp.asarray(self.score @ jnp.linalg.solve(self.information, self.score))


class Learner:
    """Learns payoff weights from moves; compiled once for one number of draws and months."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self._map: Any = jax.jit(lambda each: jax.lax.map(self._summit, each))
        self._trial: Any = jax.jit(lambda each: jax.lax.map(self._heights, each))

    def learn(self, moves: Moves, draws: Draw, prior_set: str, seed: int) -> PayoffPosterior:
        """Return the payoff weights' posterior under one prior set; the weights in `draws` are not used."""
        game = self._solver.game
        table, size, count = prior_table(game.weights, prior_set), len(game.weights), len(moves.axes)
        names = [player.name for player in game.players]
        actions = np.stack([moves.actions.get(name, np.full(moves.axes.shape[:2], -1)) for name in names], 1)
        tables = PriorTable(*(jnp.broadcast_to(jnp.asarray(each), (count, size)) for each in table))
        given = (draws, jnp.asarray(moves.axes), jnp.asarray(actions), tables)
        top: _At = shared_out(self._map, given)
        roots = np.linalg.cholesky(np.linalg.inv(top.information))
        noise = np.random.default_rng(seed).standard_normal((count, TRIALS, size))
        z = top.z[:, None, :] + WIDER * np.einsum("dij,dtj->dti", roots, noise)
        heights = shared_out(self._trial, (*given, jnp.asarray(z), jnp.asarray(top.values)))
        importance = heights - 0.5 * (z**2).sum(axis=2) + 0.5 * (noise**2).sum(axis=2)
        importance = np.where(np.isfinite(importance), importance, -np.inf)
        importance[~np.isfinite(importance).any(axis=1)] = 0.0
        chances = np.exp(importance - importance.max(axis=1, keepdims=True))
        choices = [len(p.actions) for p in game.players if p.name in moves.actions]
        return PayoffPosterior(
            z,
            np.asarray(from_standard_normal(z, table)),
            chances / chances.sum(axis=1, keepdims=True),
            np.where(np.isfinite(heights), heights, -1e300),
            float(-moves.axes.shape[1] * np.log(choices).sum()),
            moves.axes.shape[1] * len(choices),
        )

    def _play(
        self, z: Array, draw: Draw, where: Array, table: PriorTable, start: Array
    ) -> tuple[tuple[Array, ...], Array]:
        """Return each player's log probabilities of all its actions in every month, and the values."""
        game = self._solver.build(draw._replace(weights=from_standard_normal(z, table)))
        values = equilibrium_values(game.arrays, start)
        chances = (where @ jnp.exp(log) for log in log_probabilities(game.arrays, values))
        return tuple(jnp.log(jnp.maximum(each, 1e-300)) for each in chances), values

    def _summit(self, given: tuple[Draw, Array, Array, PriorTable]) -> _At:
        draw, axes, actions, table = given
        where = self._solver.placed(axes)
        grid, counts = self._solver.game.grid, [len(p.actions) for p in self._solver.game.players]

        def look(z: Array, start: Array) -> tuple[Array, Array, Array, Array]:
            def logs(at: Array) -> tuple[tuple[Array, ...], tuple[Any, ...]]:
                chances, values = self._play(at, draw, where, table, start)
                return chances, (chances, values)

            slopes, (chances, values) = jax.jacfwd(logs, has_aux=True)(z)
            height, score, information = -0.5 * z @ z, -z, jnp.eye(len(z))
            for i, (log, slope) in enumerate(zip(chances, slopes, strict=True)):
                made = jax.nn.one_hot(actions[i], log.shape[1])
                height = height + (made * log).sum()
                score = score + jnp.einsum("ma,mak->k", made, slope)
                observed = (actions[i] >= 0)[:, None] * jnp.exp(log)
                information = information + jnp.einsum("ma,mak,mal->kl", observed, slope, slope)
            fine = jnp.isfinite(height) & jnp.isfinite(score).all() & jnp.isfinite(information).all()
            return jnp.where(fine, height, -jnp.inf), score, information, values

        def climb(at: _At) -> _At:
            ridge = at.damping * jnp.diag(jnp.diag(at.information))
            z = at.z + jnp.linalg.solve(at.information + ridge, at.score)
            height, score, information, values = look(z, at.values)
            up = height > at.height
            new = _At(z, values, height, score, information, at.damping * 0.2, at.steps + 1)
            stay = at._replace(damping=jnp.minimum(at.damping * 8.0, 1e6), steps=at.steps + 1)
            return _At(*jax.tree.map(lambda one, two: jnp.where(up, one, two), new, stay))

        z, blank = jnp.zeros(table.first.shape[0]), jnp.zeros((grid.size, sum(counts)))
        # the first look is the first step of the climb, a step of nothing: so it is compiled once, not twice
        start = (jnp.zeros_like(z), jnp.eye(len(z)), jnp.asarray(0.5), jnp.asarray(-1))
        low = _At(z, blank, jnp.asarray(-jnp.inf), *start)

        def below(at: _At) -> Any:
            return (at.steps < 0) | ((at.steps < STEPS) & (at.gain > NEAR / 5.0))

        return _At(*jax.lax.while_loop(below, climb, low))

    def _heights(self, given: tuple[Draw, Array, Array, PriorTable, Array, Array]) -> Array:
        """Return the moves' log likelihood at each trial, shape (trials,)."""
        draw, axes, actions, table, trials, start = given
        where = self._solver.placed(axes)

        def one(z: Array) -> Array:
            pairs = zip(self._play(z, draw, where, table, start)[0], actions, strict=True)
            heights = ((jax.nn.one_hot(made, log.shape[1]) * log).sum() for log, made in pairs)
            return sum(heights, start=jnp.zeros(()))

        return jnp.asarray(jax.lax.map(one, trials))
