"""What would they choose? The rivals' game solved over what is known, in every world, and what the answers say.

For each draw of the model: what the other states are like given the watched ones, what the past moves say of
the payoff weights, the equilibrium in each world, and where it leads from today. The same from the priors alone
tells what was assumed and what the data added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from outbid.ask.strategic.equilibria import Draw, Equilibria, Solver
from outbid.ask.strategic.moments import Moments, in_world, pinned
from outbid.ask.strategic.payoffs import Learner, Moves, PayoffPosterior
from outbid.ask.strategic.settings import PlaySettings, Test, World
from outbid.model.compile import to_scale
from outbid.model.declare import Model
from outbid.model.priors import from_standard_normal, prior_table
from outbid.simulate.engine import Standing
from outbid.stats.verdict import Chances, chances, judge

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Worlds:
    """The equilibria of every world over the same draws, and the weights that they were solved with."""

    equilibria: Mapping[str, Equilibria]
    weights: Floats
    today: Floats

    @property
    def solved(self) -> NDArray[np.bool_]:
        """Which draws have an equilibrium in every world, shape (draws,)."""
        return np.asarray(np.all([each.solved for each in self.equilibria.values()], axis=0))


@dataclass(frozen=True)
class Finding:
    """What the equilibria answer to one test.

    Parameters
    ----------
    effect
        By draw, in the measure's unit.
    after, before
        Shares of draws with the expected sign, and with enough of it to matter, with the data and without.
    prior_set
        The prior set that both stand under.
    """

    test: Test
    effect: Floats
    after: Chances
    before: Chances
    prior_set: str

    @property
    def verdict(self) -> str:
        """What became of the claim, by the rule that every claim is judged by."""
        return judge(self.after, self.before, None, self.prior_set).verdict


@dataclass(frozen=True)
class Strategy:
    """Everything about strategic play under one prior set.

    `before` are the worlds from the prior alone: of the model, and of the payoff weights.
    """

    play: PlaySettings
    payoffs: PayoffPosterior
    moves: Moves
    after: Worlds
    before: Worlds
    findings: tuple[Finding, ...]


class Strategist:
    """Solves a study's game under any prior set; compiled once for one number of draws."""

    def __init__(self, model: Model, play: PlaySettings) -> None:
        self.model, self.play = model, play
        self.solver = Solver(model, play)
        self._moments = Moments(model, play)
        self._learner = Learner(self.solver)

    def think(
        self, moves: Moves, standing: Standing, unseen: Standing, prior_set: str, seed: int
    ) -> Strategy:
        """Return what the players would choose.

        Parameters
        ----------
        moves
            What they did, as each draw infers it.
        standing, unseen
            Where the draws stand today; and as many from the prior alone.
        """
        size = len(self.play.weights)
        blank = np.zeros((len(standing), size))
        now = self.solver.draws(standing, self._moments.held(standing, seed), blank)
        payoffs = self._learner.learn(moves, now, prior_set, seed)
        after = self.worlds(standing, payoffs.one_each(seed), seed)
        z = np.random.default_rng(seed).standard_normal((len(unseen), size))
        assumed = np.asarray(from_standard_normal(z, prior_table(self.play.weights, prior_set)))
        before = self.worlds(unseen, assumed, seed)
        findings = tuple(self._finding(test, after, before, payoffs, prior_set) for test in self.play.tests)
        return Strategy(self.play, payoffs, moves, after, before, findings)

    def worlds(self, standing: Standing, weights: Floats, seed: int) -> Worlds:
        """Return the equilibria of every world for the same draws."""
        found = {world.id: self.solve(world, standing, weights, seed) for world in self.play.worlds}
        return Worlds(found, weights, self._today(standing))

    def solve(self, world: World, standing: Standing, weights: Floats, seed: int) -> Equilibria:
        """Return one world's equilibria."""
        return self.solver.solve(self.drawn(world, standing, weights, seed), world.resting)

    def drawn(self, world: World, standing: Standing, weights: Floats, seed: int) -> Draw:
        """Return the numbers of one world's games."""
        there = in_world(self.model, standing, world)
        held = pinned(self.model, self._moments.held(there, seed), world)
        names = [each.name for each in self.play.weights]
        set_weights = weights.copy()
        for name, value in world.weights.items():
            set_weights[:, names.index(name)] = value
        return self.solver.draws(there, held, set_weights)

    def _today(self, standing: Standing) -> Floats:
        return self.solver.axes(standing)

    def _finding(
        self, test: Test, after: Worlds, before: Worlds, payoffs: PayoffPosterior, prior_set: str
    ) -> Finding:
        smallest = max(test.smallest, 1e-12)
        if test.weight:
            place = [each.name for each in self.play.weights].index(test.weight)
            weight = (payoffs.chances / len(payoffs.chances)).ravel()
            right = test.sign * payoffs.weights[:, :, place].ravel()
            told = Chances(
                float(weight @ (right > 0)), float(weight @ (right >= smallest)), len(payoffs.chances)
            )
            assumed = chances(before.weights[:, place], test.sign, smallest)
            return Finding(test, after.weights[:, place], told, assumed, prior_set)
        effect, prior_effect = self.difference(test, after), self.difference(test, before)
        return Finding(
            test,
            effect,
            chances(effect, test.sign, smallest),
            chances(prior_effect, test.sign, smallest),
            prior_set,
        )

    def difference(self, test: Test, worlds: Worlds) -> Floats:
        """Return a test's measure in one world less that in the other, shape (draws that are solved,)."""
        one = self.measure(test, worlds.equilibria[test.of])
        if test.against != "today":
            return np.asarray(one - self.measure(test, worlds.equilibria[test.against]))[worlds.solved]
        names = [axis.name for axis in self.play.grid.axes]
        return np.asarray(one - worlds.today[:, names.index(test.measure)])[worlds.solved]

    def measure(self, test: Test, found: Equilibria) -> Floats:
        """Return a test's measure in one world, shape (draws,): an action if a player's, else an axis."""
        names = [axis.name for axis in self.play.grid.axes]
        if test.measure in found.levers:
            path = found.ahead[:, :, found.levers.index(test.measure)]
        else:
            path = found.states[:, :, names.index(test.measure)]
        return np.asarray(path[:, -1] if test.when == "end" else path.mean(axis=1))


def seen_moves(model: Model, play: PlaySettings, paths: Mapping[str, Floats], levers: Floats) -> Moves:
    """Return the moves of the past as each draw infers them, nearest level by level.

    Parameters
    ----------
    paths
        By index, in its own unit, shape (draws, months).
    levers
        Shape (draws, months, levers).

    An index stands for an action by how far it is from its own middle over the months; the first month has
    no month before it and is left out.
    """
    scaled = []
    for axis in play.grid.axes:
        if axis.name in model.lever_names:
            scaled.append(levers[:, :-1, model.lever_names.index(axis.name)])
        else:
            each = jnp.asarray(paths[axis.name][:, 1:])
            scaled.append(np.asarray(to_scale(model.index(axis.name).scale, each)))
    actions = {}
    for player in play.reduction.players:
        if player.name not in play.observed:
            continue
        kind, name = play.observed[player.name]
        path = levers[:, :, model.lever_names.index(name)] if kind == "lever" else paths[name]
        if kind == "index":
            path = path - np.median(path, axis=1, keepdims=True)
        distance = np.abs(path[:, 1:, None] - np.asarray(player.actions))
        actions[player.name] = np.argmin(distance, axis=2)
    return Moves(np.stack(scaled, axis=2), actions)
