"""The map where another player answers: it plays its equilibrium in every cell, under either course.

Where the moderating course is taken, the answer is that to a player who rests at a soft line; where it is not, that
to one who rests at a hard line. The courses themselves are those of the map with fixed behaviour, so that the two
maps differ by the answer and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.conventions import QUANTILES
from outbid.errors import InputError
from outbid.model.compile import to_scale
from outbid.players.schema import Variant
from outbid.players.strategist import Strategist, evenly
from outbid.questions.trap.schema import Answering
from outbid.simulate.engine import StateToday
from outbid.simulate.scenario import Scenario, rule_table

if TYPE_CHECKING:
    from outbid.questions.trap.compute import Trial

Floats = NDArray[np.float64]
# Draws behind each offer at which the player itself chooses; a game of all players takes longer to solve.
CHOOSING = 20


class Answerer:
    """Solves the game in every cell and lets the model run under the answers.

    Parameters
    ----------
    today, weights
        Draws, and the payoff weights that go with each, (draws, weights): those that the strategist has solved its
        variants for. Games are solved in batches of that size, for which it is compiled.
    """

    def __init__(self, trial: Trial, strategist: Strategist, today: StateToday, weights: Floats) -> None:
        self.trial, self.strategist, self.today, self.weights = trial, strategist, today, weights
        self.lab, self.asked, self.seed = trial.lab, trial.asked, trial.seed
        self._shares = jax.jit(lambda at, policy: self._chances(at, policy))

    def mapped(self, answering: Answering) -> tuple[Floats, Floats, Floats, Floats]:
        """Return offers, shares, and effects of the map with the answers and, from the same draws, without.

        Raises
        ------
        InputError
            If a cell has no equilibrium in any draw.
        """
        offers, shares = self.asked.offer.grid(answering.offers), self.asked.split.grid(answering.shares)
        which = evenly(len(self.today), answering.draws)
        cells = [(i, j) for i in range(len(shares)) for j in range(len(offers))]
        few, weights = self.today.taken(which), np.tile(self.weights[which], (len(cells), 1))
        there = self.trial.stacked([self.trial.with_share(few, float(shares[i])) for i, _ in cells])
        offered = np.repeat([float(offers[j]) for _, j in cells], len(which))
        one, other = (
            self._course(course, self._variant(name), there, offered, weights, len(which))
            for course, name in zip(self.trial.courses, (answering.soft, answering.hard), strict=True)
        )
        gained = (one - other).reshape(len(self.asked.gain), len(shares), len(offers), len(which))
        if not np.isfinite(gained).any(axis=-1).all():
            problem = "a cell has no equilibrium in any draw"
            raise InputError("the trap map", problem, "Look at play.toml's payoffs and grid.")
        return offers, shares, gained, self.trial.mapped(few, offers, shares)

    def choice(self, answering: Answering) -> dict[str, Any]:
        """Return what the first player who rests on the map would choose by itself under each offer."""
        offers = self.asked.offer.grid(answering.offers)
        few = self.today.taken(which := evenly(len(self.today), CHOOSING))
        there = self._taken_as_given(self.trial.stacked([few] * len(offers)), np.repeat(offers, len(which)))
        variant = Variant(id="choice", label="Choice", description="Every player chooses.")
        _, ahead = self._solved(variant, there, np.tile(self.weights[which], (len(offers), 1)))
        players = [each.name for each in self.strategist.game.players]
        resting = self._variant(answering.soft).resting
        place = next(i for i, name in enumerate(players) if name in resting)
        player = self.strategist.game.players[place]
        expected = ahead[:, :, place].mean(axis=1).reshape(len(offers), len(which))
        today = few.levers[:, self.lab.model.lever_names.index(player.lever)]
        # a draw without an equilibrium says nothing of it
        known = np.isfinite(expected).sum(axis=1)
        return {
            "choice": (
                ("quantile", "choice_offer"),
                np.nanquantile(expected, list(QUANTILES.values()), axis=-1),
            ),
            "choice_today": float(np.median(today)),
            "p_below_today": ("choice_offer", (expected < today).sum(axis=1) / known),
            "choice_draws": ("choice_offer", known),
            "choice_offer": offers,
            "answering": ", ".join(each.name for each in self.lab.model.actors if each.name not in resting),
            "player": player.name,
            "lever": player.lever,
        }

    def _variant(self, name: str) -> Variant:
        return next(each for each in self.strategist.game.variants if each.id == name)

    def _course(
        self,
        course: Scenario,
        variant: Variant,
        there: StateToday,
        offered: Floats,
        weights: Floats,
        draws: int,
    ) -> Floats:
        """Return the outcomes of one course under the answers to it, shape (gains, rows)."""
        lab, cells, game = self.lab, len(there) // draws, self.strategist.game
        policies, _ = self._solved(variant, self._taken_as_given(there, offered), weights)
        # every cell has the same draws, so the same levers today
        levers = self.trial.plans(course, [float(each) for each in offered[::draws]], there.levers[:draws])
        noise, rules = self.trial.noise(draws, cells), rule_table(lab.model, course.rules)
        generator = np.random.default_rng(self.seed)
        luck = {name: np.tile(generator.random((draws, lab.months)), (cells, 1)) for name in policies}
        states = [axis.name for axis in game.grid.axes if axis.name in there.state]
        moved = sorted({each.lever for each in game.players})
        outputs = (*self.trial.outputs, *states, *(f"lever.{name}" for name in moved))
        # A move can't change what came before it, so every round settles at least one more month.
        for _ in range(lab.months + 1):
            path = lab.run(there, levers, noise, rules, outputs)
            answered = self._answered(path, outputs, there, levers, policies, luck)
            if np.array_equal(answered, levers, equal_nan=True):
                break
            levers = answered
        levels = self.trial.levels(path[:, :, : len(self.asked.gain)])
        lost = np.any([np.isnan(policy).any(axis=(1, 2)) for policy in policies.values()], axis=0)
        return np.where(lost, np.nan, levels)

    def _answered(
        self,
        path: Floats,
        outputs: tuple[str, ...],
        there: StateToday,
        levers: Floats,
        policies: Mapping[str, Floats],
        luck: Mapping[str, Floats],
    ) -> Floats:
        """Return the levers with the answers to a path put in, drawn from the policies at the states it passes."""
        model, columns = self.lab.model, []
        for axis in self.strategist.game.grid.axes:
            if axis.name in there.state:
                state = path[:, :, outputs.index(axis.name)]
                columns.append(np.asarray(to_scale(model.index(axis.name).scale, state)))
            else:
                now = path[:, :, outputs.index(f"lever.{axis.name}")]
                before = there.levers[:, model.lever_names.index(axis.name)]
                columns.append(np.concatenate([before[:, None], now[:, :-1]], axis=1))
        at, result = np.stack(columns, axis=2), levers.copy()
        for player in self.strategist.game.players:
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

    def _solved(
        self, variant: Variant, there: StateToday, weights: Floats
    ) -> tuple[dict[str, Floats], Floats]:
        """Return each deciding player's policy (rows, states, actions) and expected moves (rows, months, players).

        Not a number where there is no equilibrium.
        """
        batch, policies, ahead = len(self.today), [], []
        for start in range(0, len(there), batch):
            rows = np.arange(start, min(start + batch, len(there)))
            padded = np.resize(rows, batch)
            solution = self.strategist.solve(variant, there.taken(padded), weights[padded], self.seed)
            lost = ~solution.solved[: len(rows)]
            part = {name: each[: len(rows)].copy() for name, each in solution.probabilities.items()}
            for each in part.values():
                each[lost] = np.nan
            policies.append(part)
            expected = solution.ahead[: len(rows)].copy()
            expected[lost] = np.nan
            ahead.append(expected)
        together = {name: np.concatenate([part[name] for part in policies]) for name in policies[0]}
        return together, np.concatenate(ahead)

    def _taken_as_given(self, there: StateToday, offered: Floats) -> StateToday:
        """Return the draws with the offers in their levers: the players take them as there to stay."""
        levers, names = there.levers.copy(), self.lab.model.lever_names
        for offer in np.unique(offered):
            for name, value in self.asked.offer.values(float(offer)).items():
                levers[offered == offer, names.index(name)] = value
        return replace(there, levers=levers)
