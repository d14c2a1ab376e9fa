"""The players of a study over draws of what is known: what they want, and their equilibrium in any variant of the game.

For each draw of the model: what the other states are like given the watched ones, what the past moves say of the
payoff weights, and the equilibrium of the game at these numbers, followed from where the draw stands today.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from outbid.infer.history import SmoothedHistory as Past
from outbid.model.compile import to_scale
from outbid.model.declare import Model
from outbid.model.priors import from_standard_normal, prior_table
from outbid.players.moments import Moments, in_variant, pinned
from outbid.players.payoffs import Learner, Moves, PayoffPosterior
from outbid.players.schema import TODAY, GameTest, PlayersGame, Variant, read_game
from outbid.players.solver import Draw, Equilibria, Solver
from outbid.simulate.engine import StateToday
from outbid.study import Study

Floats = NDArray[np.float64]

# Draws whose game is solved in every variant, per prior set; and in a quick run.
PLAYED, QUICKLY = 100, 24


class Strategist:
    """Solves a study's game under any prior set; compiled once for one number of draws."""

    def __init__(self, model: Model, game: PlayersGame) -> None:
        self.model, self.game = model, game
        self.solver = Solver(model, game)
        self._moments = Moments(model, game)
        self._learner = Learner(self.solver)

    def learn(self, past: Past, places: NDArray[np.int64], prior_set: str, seed: int) -> PayoffPosterior:
        """Return what the players want, by what they did in the past as the draws at these places infer it."""
        paths = {index.name: past.paths[index.name][places] for index in self.model.indices}
        moves = moves_of(self.game, paths, past.levers[places])
        standing = past.state_today.taken(places)
        blank = np.zeros((len(standing), len(self.game.weights)))
        now = self.solver.draws(standing, self._moments.held(standing, seed), blank)
        return self._learner.learn(moves, now, prior_set, seed)

    def assumed(self, draws: int, prior_set: str, seed: int) -> Floats:
        """Return payoff weights from the prior alone, shape (draws, weights)."""
        z = np.random.default_rng(seed).standard_normal((draws, len(self.game.weights)))
        return np.asarray(from_standard_normal(z, prior_table(self.game.weights, prior_set)))

    def solve(self, variant: Variant, standing: StateToday, weights: Floats, seed: int) -> Equilibria:
        """Return one variant's equilibria; `weights` has shape (draws, weights)."""
        return self.solver.solve(self.drawn(variant, standing, weights, seed), variant.resting)

    def solve_all(self, standing: StateToday, weights: Floats, seed: int) -> dict[str, Equilibria]:
        """Return the equilibria of every variant, by its id, for the same draws."""
        return {each.id: self.solve(each, standing, weights, seed) for each in self.game.variants}

    def drawn(self, variant: Variant, standing: StateToday, weights: Floats, seed: int) -> Draw:
        """Return the numbers of one variant's games."""
        there = in_variant(self.model, standing, variant)
        others = pinned(self.model, self._moments.held(there, seed), variant)
        set_weights = weights.copy()
        for name, value in variant.weights.items():
            set_weights[:, self.game.weight_names.index(name)] = value
        return self.solver.draws(there, others, set_weights)

    def difference(
        self, test: GameTest, equilibria: Mapping[str, Equilibria], standing: StateToday
    ) -> Floats:
        """Return a test's measure in one variant less that in the other, or today's, shape (draws,)."""
        one = self._measure(test, equilibria[test.of])
        if test.against != TODAY:
            return np.asarray(one - self._measure(test, equilibria[test.against]))
        return np.asarray(one - self.solver.axes(standing)[:, self._axis(test.measure)])

    def _measure(self, test: GameTest, equilibria: Equilibria) -> Floats:
        """Return a test's measure in one variant, shape (draws,): an action if a player's, else an axis."""
        if test.measure in equilibria.levers:
            path = equilibria.ahead[:, :, equilibria.levers.index(test.measure)]
        else:
            path = equilibria.states[:, :, self._axis(test.measure)]
        return np.asarray(path[:, -1] if test.when == "end" else path.mean(axis=1))

    def _axis(self, name: str) -> int:
        return [axis.name for axis in self.game.grid.axes].index(name)


def strategist_of(study: Study) -> Strategist | None:
    """Return who plays a study's game; None where it declares none."""
    game = read_game(study.folder, study.model)
    return None if game is None else Strategist(study.model, game)


def evenly(total: int, count: int) -> NDArray[np.int64]:
    """Return so many places, at most all, evenly spaced over a total."""
    return np.linspace(0, total - 1, min(count, total)).astype(int)


def moves_of(game: PlayersGame, paths: Mapping[str, Floats], levers: Floats) -> Moves:
    """Return the moves of the past as each draw infers them, nearest level by level.

    `paths` has indices by name in their own unit, (draws, months); `levers` has shape (draws, months, levers). An index
    stands for an action by how far it is from its own middle over the months; the first month has no month before it
    and is left out.
    """
    model = game.reduction.model
    scaled = {
        index.name: np.asarray(to_scale(index.scale, jnp.asarray(paths[index.name][:, 1:])))
        for index in model.indices
        if index.name in paths
    }
    actions = {}
    for player in game.players:
        if player.name not in game.observed:
            continue
        kind, _, name = game.observed[player.name].partition(":")
        path = levers[:, :, model.lever_names.index(name)] if kind == "lever" else paths[name]
        if kind == "index":
            path = path - np.median(path, axis=1, keepdims=True)
        distance = np.abs(path[:, 1:, None] - np.asarray(player.actions))
        actions[player.name] = np.argmin(distance, axis=2)
    return Moves(np.stack(game.watched(scaled, levers[:, :-1]), axis=2), actions)
