"""The trap map where the challenger answers: it plays its equilibrium in every cell, under either course.

Where the moderating course is taken, the answer is that to an incumbent who rests at a soft line; where it is
not, that to one who rests at a hard line. The courses themselves are those of the map with fixed behaviour, so
that the two maps differ by the answer and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.ask.strategic.settings import World
from outbid.ask.strategic.strategy import Strategist
from outbid.ask.trap.fixed import evenly, levels_of, map_fixed, stacked, told, under_offer, with_share
from outbid.ask.trap.result import Choice, TrapMap
from outbid.ask.trap.settings import Answering, TrapSettings
from outbid.errors import InputError
from outbid.model.compile import to_scale
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Standing
from outbid.simulate.rules import rule_table
from outbid.simulate.scenario import Scenario, lever_paths

Floats = NDArray[np.float64]
# Draws behind each offer at which the incumbent chooses for itself; a game of two takes longer to solve.
CHOOSING = 20


class Answerer:
    """Solves the game in every cell and lets the model run under the answers.

    Parameters
    ----------
    standing, weights
        Draws, and the payoff weights that go with each, (draws, weights): those that the strategist has
        solved its worlds for. Games are solved in batches of that size, for which it is compiled.
    """

    def __init__(
        self,
        lab: BatchSimulator,
        strategist: Strategist,
        settings: TrapSettings,
        standing: Standing,
        weights: Floats,
        seed: int,
    ) -> None:
        self.lab, self.strategist, self.settings = lab, strategist, settings
        self.standing, self.weights, self.seed = standing, weights, seed
        self._shares = jax.jit(lambda at, policy: self._chances(at, policy))

    def mapped(self, answering: Answering) -> tuple[TrapMap, TrapMap]:
        """Return the map on its coarser grid, with the answers and, from the same draws, without."""
        settings = self.settings
        offers = settings.offer.points(answering.offers)
        shares = settings.split.points(answering.shares)
        which = evenly(len(self.standing), answering.draws)
        cells = [(i, j) for i in range(len(shares)) for j in range(len(offers))]
        few, weights = self.standing.taken(which), np.tile(self.weights[which], (len(cells), 1))
        there = stacked([with_share(few, settings, float(shares[i])) for i, _ in cells])
        offered = np.repeat([float(offers[j]) for _, j in cells], len(which))
        moderating = self._course(settings.moderating, answering.soft, there, offered, weights, len(which))
        staying = self._course(settings.staying, answering.hard, there, offered, weights, len(which))
        gained = (moderating - staying).reshape(len(settings.gains), len(shares), len(offers), len(which))
        if not np.isfinite(gained).any(axis=-1).all():
            raise InputError(
                "the trap map",
                "a cell has no equilibrium in any draw",
                "Look at play.toml's payoffs and grid.",
            )
        without = map_fixed(self.lab, few, settings, offers, shares, self.seed)
        return TrapMap(offers, shares, gained), without

    def choice(self, answering: Answering) -> Choice:
        """Return what the first player who rests on the map would choose by itself under each offer."""
        offers = self.settings.offer.points(answering.offers)
        which = evenly(len(self.standing), CHOOSING)
        few = self.standing.taken(which)
        there = self._taken_as_given(stacked([few] * len(offers)), np.repeat(offers, len(which)))
        world = World("choice", "Choice", "Every player chooses.")
        _, ahead = self._solved(world, there, np.tile(self.weights[which], (len(offers), 1)))
        player = next(
            each for each in self.strategist.play.reduction.players if each.name in answering.soft.resting
        )
        place = [each.name for each in self.strategist.play.reduction.players].index(player.name)
        expected = ahead[:, :, place].mean(axis=1).reshape(len(offers), len(which))
        column = self.lab.model.lever_names.index(player.lever)
        return Choice(player.name, player.lever, offers, expected, few.levers[:, column])

    def _course(
        self,
        course: Scenario,
        world: World,
        there: Standing,
        offered: Floats,
        weights: Floats,
        draws: int,
    ) -> Floats:
        """Return the outcomes of one course under the answers to it, shape (gains, rows)."""
        model, lab, rows = self.lab.model, self.lab, len(there)
        policies, _ = self._solved(world, self._taken_as_given(there, offered), weights)
        plans = [
            lever_paths(
                model,
                under_offer(self.settings, course, float(offered[at])),
                there.levers[at : at + draws],
                lab.months,
            )
            for at in range(0, rows, draws)
        ]
        levers, rules = np.concatenate(plans), rule_table(model, course.rules)
        cells = rows // draws
        noise = {
            name: np.tile(value, (cells, 1)) for name, value in lab.innovations(draws, self.seed).items()
        }
        generator = np.random.default_rng(self.seed)
        luck = {name: np.tile(generator.random((draws, lab.months)), (cells, 1)) for name in policies}
        states = [axis.name for axis in self.strategist.play.grid.axes if axis.name in there.state]
        moved = sorted({each.lever for each in self.strategist.play.reduction.players})
        outputs = (*told(self.settings), *states, *(f"lever.{name}" for name in moved))
        # A move can't change what came before it, so every round settles at least one more month.
        for _ in range(lab.months + 1):
            path = lab.run(there, levers, noise, rules, outputs)
            answered = self._answered(path, outputs, there, levers, policies, luck)
            if np.array_equal(answered, levers, equal_nan=True):
                break
            levers = answered
        levels = levels_of(model, self.settings, path[:, :, : len(self.settings.gains)])
        lost = np.any([np.isnan(policy).any(axis=(1, 2)) for policy in policies.values()], axis=0)
        return np.where(lost, np.nan, levels)

    def _answered(
        self,
        path: Floats,
        outputs: tuple[str, ...],
        there: Standing,
        levers: Floats,
        policies: Mapping[str, Floats],
        luck: Mapping[str, Floats],
    ) -> Floats:
        """Return the levers with the answers to a path put in, drawn from the policies at the states it passes."""
        model, columns = self.lab.model, []
        for axis in self.strategist.play.grid.axes:
            if axis.name in there.state:
                told_of = path[:, :, outputs.index(axis.name)]
                columns.append(np.asarray(to_scale(model.index(axis.name).scale, told_of)))
            else:
                now = path[:, :, outputs.index(f"lever.{axis.name}")]
                before = there.levers[:, model.lever_names.index(axis.name)]
                columns.append(np.concatenate([before[:, None], now[:, :-1]], axis=1))
        at, result = np.stack(columns, axis=2), levers.copy()
        for player in self.strategist.play.reduction.players:
            if player.name in policies:
                chances = np.asarray(self._shares(at, policies[player.name]))
                ladder = np.cumsum(chances, axis=2)
                move = (ladder < luck[player.name][:, :, None] * ladder[:, :, -1:]).sum(axis=2)
                levels = np.asarray(player.actions)[np.minimum(move, len(player.actions) - 1)]
                result[:, :, model.lever_names.index(player.lever)] = levels
        return result

    def _chances(self, at: Array, policy: Array) -> Array:
        """Return the probabilities of each action at states (rows, months, axes), shape (rows, months, actions)."""
        rows, months, axes = at.shape
        where = self.strategist.solver.placed(jnp.reshape(at, (rows * months, axes)))
        return jnp.einsum("rms,rsa->rma", where.reshape(rows, months, -1), policy)

    def _solved(self, world: World, there: Standing, weights: Floats) -> tuple[dict[str, Floats], Floats]:
        """Return each deciding player's policy (rows, states, actions) and expected moves (rows, months, players).

        Not a number where there is no equilibrium.
        """
        batch, policies, ahead = len(self.standing), [], []
        for start in range(0, len(there), batch):
            rows = np.arange(start, min(start + batch, len(there)))
            padded = np.resize(rows, batch)
            found = self.strategist.solve(world, there.taken(padded), weights[padded], self.seed)
            lost = ~found.solved[: len(rows)]
            part = {name: each[: len(rows)].copy() for name, each in found.probabilities.items()}
            for each in part.values():
                each[lost] = np.nan
            policies.append(part)
            expected = found.ahead[: len(rows)].copy()
            expected[lost] = np.nan
            ahead.append(expected)
        together = {name: np.concatenate([part[name] for part in policies]) for name in policies[0]}
        return together, np.concatenate(ahead)

    def _taken_as_given(self, there: Standing, offered: Floats) -> Standing:
        """Return the draws with the offers in their levers: the players take them as there to stay."""
        levers, names = there.levers.copy(), self.lab.model.lever_names
        for offer in np.unique(offered):
            for name, value in self.settings.offer.values(float(offer)).items():
                levers[offered == offer, names.index(name)] = value
        return replace(there, levers=levers)
