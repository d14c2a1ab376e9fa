"""In every cell of the map the offer stands and the ranks are made up as it says: what does the course change there?

From there the same draws take the moderating course and the other one. All cells and both courses meet the same
chances (common random numbers), so that neighbouring cells differ by what they are and not by luck.

Where another player answers, it plays its equilibrium in every cell, under either course: where the moderating course
is taken, that to a player who rests at a soft line; where it is not, that to one who rests at a hard line. The courses
themselves stay what they are with fixed behaviour, so that the two maps differ by the answer and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array
from numpy.typing import NDArray

from outbid.conventions import AFTER, BEFORE, DATA, QUANTILES
from outbid.errors import InputError
from outbid.model.vocabulary import Outcome
from outbid.players.schema import Variant
from outbid.players.solver import on_scale
from outbid.players.strategist import Strategist, evenly
from outbid.question import Context
from outbid.questions.trap.schema import Answering, Trap
from outbid.simulate.engine import Simulator, StateToday
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Scenario, lever_paths, rule_table

Floats = NDArray[np.float64]
# The map from the prior alone only says what was assumed: fewer cells and draws do.
BEFORE_POINTS, BEFORE_DRAWS = 5, 100
# Draws behind each offer at which the player itself chooses; a game of all players takes longer to solve.
CHOOSING = 20
# Whose behaviour a map is drawn with: everybody else as today; the other players answer; as today again, in the cells
# and draws of the answer; as today, before the data.
FIXED, ANSWERED, UNANSWERED = "fixed", "answered", "unanswered"


@dataclass(frozen=True)
class Trial:
    """Holds the moderating course against the other, wherever draws stand and whatever is offered."""

    lab: Simulator
    asked: Trap
    courses: tuple[Scenario, Scenario]
    seed: int

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of a run that the map needs."""
        return tuple(f"outcome.{gain.outcome}" for gain in self.asked.gain)

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcome of each gain."""
        return list(self.asked.outcomes(self.lab.model).values())

    def levels(self, path: Floats) -> Floats:
        """Return the outcomes over the horizon, (gains, rows), from their path, (rows, months, gains)."""
        return np.stack([summary(each.summary, path[:, :, i]) for i, each in enumerate(self.outcomes)])

    def chances(self, effects: Floats) -> Floats:
        """Return the probability of a gain over the last axis of effects, (gains, ..., draws); ties count half."""
        signs = [1.0 if each.better == "higher" else -1.0 for each in self.outcomes]
        gained = np.reshape(signs, (-1, *[1] * (effects.ndim - 1))) * effects
        known = np.maximum(np.isfinite(gained).sum(axis=-1), 1)
        return np.asarray(((gained > 0) + 0.5 * (gained == 0)).sum(axis=-1) / known)

    def noise(self, draws: int, cells: int = 1) -> dict[str, Floats]:
        """Return the same chances for every cell."""
        innovations = self.lab.innovations(draws, self.seed)
        return {name: np.tile(value, (cells, 1)) for name, value in innovations.items()}

    def plans(self, course: Scenario, offers: Floats, levers: Floats) -> Floats:
        """Return the levers of a course offer by offer; `levers` are today's, (draws, levers)."""
        model, on = self.lab.model, self.asked.offer.on
        paths = [lever_paths(model, on(course, float(each)), levers, self.lab.months) for each in offers]
        return np.concatenate(paths)

    def mapped(self, today: StateToday, offers: Floats, shares: Floats) -> Floats:
        """Return what the moderating course changes in each cell, everybody else as today.

        In the outcomes' units; shape (gains, shares, offers, draws).
        """
        draws = len(today)
        row = today.taken(np.tile(np.arange(draws), len(offers)))
        plans = [self.plans(course, offers, today.levers) for course in self.courses]
        noise = self.noise(draws, len(offers))
        # a row of cells at a time: all of them at once would be a lot to hold
        gained = [self._gained(self.with_share(row, share), plans, noise) for share in shares]
        return np.stack(gained, axis=1).reshape(len(gained[0]), len(shares), len(offers), draws)

    def now(self, today: StateToday) -> Floats:
        """Return what the moderating course changes with today's offer and ranks, shape (gains, draws)."""
        plans = [lever_paths(self.lab.model, each, today.levers, self.lab.months) for each in self.courses]
        return self._gained(today, plans, self.noise(len(today)))

    def _gained(self, there: StateToday, plans: Sequence[Floats], noise: Mapping[str, Floats]) -> Floats:
        """Return the outcomes of the one course less those of the other, shape (gains, rows)."""
        lab = self.lab
        one, other = (
            self.levels(lab.run(there, plan, noise, rule_table(lab.model, course.rules), self.outputs))
            for course, plan in zip(self.courses, plans, strict=True)
        )
        return one - other

    def with_share(self, today: StateToday, share: float | Floats) -> StateToday:
        """Return the draws with the two stocks shared out anew."""
        return replace(today, state=self.asked.split.moved(today.state, share))


class Answerer:
    """Solves the game in every cell and lets the model run under the answers.

    `today` and `weights`, (draws, weights): the draws for which the strategist has solved its variants. Games are
    solved in batches of that size, for which it is compiled.
    """

    def __init__(self, trial: Trial, strategist: Strategist, today: StateToday, weights: Floats) -> None:
        self.trial, self.strategist, self.today, self.weights = trial, strategist, today, weights
        self.variants = {each.id: each for each in strategist.game.variants}
        self._chances = jax.jit(self._shares)

    def mapped(self, answering: Answering) -> tuple[Floats, Floats]:
        """Return effects as `Trial.mapped` does, with the answers and, from the same draws, without.

        Raises InputError if a cell has no equilibrium in any draw.
        """
        trial, which = self.trial, evenly(len(self.today), answering.draws)
        offers, shares = trial.asked.grids(answering.offers, answering.shares)
        shape = (len(shares), len(offers), len(which))
        rows = np.resize(which, np.prod(shape))
        there = trial.with_share(self.today.taken(rows), np.repeat(shares, len(offers) * len(which)))
        faced = self._facing(there, np.tile(np.repeat(offers, len(which)), len(shares)))
        levels = []
        for course, name in zip(trial.courses, (answering.soft, answering.hard), strict=True):
            policies, _, solved = self._solved(self.variants[name], faced, self.weights[rows])
            plans = np.tile(trial.plans(course, offers, there.levers[: len(which)]), (len(shares), 1, 1))
            reached = self._levels(course, there, plans, policies, len(which))
            levels.append(np.where(solved, reached, np.nan))
        gained = (levels[0] - levels[1]).reshape(-1, *shape)
        if not np.isfinite(gained).any(axis=-1).all():
            problem = "a cell has no equilibrium in any draw"
            raise InputError("the trap map", problem, "Look at play.toml's payoffs and grid.")
        return gained, trial.mapped(self.today.taken(which), offers, shares)

    def choice(self, answering: Answering) -> dict[str, Any]:
        """Return what the first player who rests on the map would choose by itself under each offer."""
        offers, model = self.trial.asked.offer.grid(answering.offers), self.trial.lab.model
        which = evenly(len(self.today), CHOOSING)
        rows = np.tile(which, len(offers))
        there = self._facing(self.today.taken(rows), np.repeat(offers, len(which)))
        variant = Variant(id="choice", label="Choice", description="Every player chooses.")
        _, ahead, _ = self._solved(variant, there, self.weights[rows])
        resting = self.variants[answering.soft].resting
        players = enumerate(self.strategist.game.players)
        place, player = next((i, each) for i, each in players if each.name in resting)
        expected = ahead[:, :, place].mean(axis=1).reshape(len(offers), len(which))
        today = self.today.levers[which, model.lever_names.index(player.lever)]
        # a draw without an equilibrium says nothing of it
        known = np.isfinite(expected).sum(axis=1)
        return {
            "choice": (("quantile", "choice_offer"), _quantiles(expected)),
            "choice_today": float(np.median(today)),
            "p_below_today": ("choice_offer", (expected < today).sum(axis=1) / known),
            "choice_draws": ("choice_offer", known),
            "choice_offer": offers,
            "answering": ", ".join(each.name for each in model.actors if each.name not in resting),
            "player": player.name,
            "lever": player.lever,
        }

    def _shares(self, at: Array, policy: Array) -> Array:
        """Return the probabilities of each action at states (rows, months, axes), shape (rows, months, actions)."""
        rows, months, axes = at.shape
        where = self.strategist.solver.placed(jnp.reshape(at, (rows * months, axes)))
        return jnp.einsum("rms,rsa->rma", where.reshape(rows, months, -1), policy)

    def _levels(
        self, course: Scenario, there: StateToday, levers: Floats, policies: Mapping[str, Floats], draws: int
    ) -> Floats:
        """Return the outcomes of one course under the answers to it, shape (gains, rows); every cell has the same draws.

        An answer is drawn from the policies at the states that the path before it has passed.
        """
        trial, lab, game, cells = self.trial, self.trial.lab, self.strategist.game, len(there) // draws
        noise, rules = trial.noise(draws, cells), rule_table(lab.model, course.rules)
        generator = np.random.default_rng(trial.seed)
        luck = {name: np.tile(generator.random((draws, lab.months, 1)), (cells, 1, 1)) for name in policies}
        states = [axis.name for axis in game.grid.axes if axis.name in there.state]
        outputs = (*trial.outputs, *states, *(f"lever.{name}" for name in lab.model.lever_names))
        # A move can't change what came before it, so every round settles at least one more month.
        for _ in range(lab.months + 1):
            path = lab.run(there, levers, noise, rules, outputs)
            own, passed, moved = np.split(path, np.cumsum([len(trial.outputs), len(states)]), axis=2)
            scaled = {
                name: np.asarray(on_scale(lab.model, name, passed[:, :, i])) for i, name in enumerate(states)
            }
            before = np.concatenate([there.levers[:, None], moved[:, :-1]], axis=1)
            at, answered = np.stack(game.watched(scaled, before), axis=2), levers.copy()
            for player in (each for each in game.players if each.name in policies):
                ladder = np.cumsum(self._chances(at, policies[player.name]), axis=2)
                move = (ladder < luck[player.name] * ladder[:, :, -1:]).sum(axis=2)
                levels = np.asarray(player.actions)[np.minimum(move, len(player.actions) - 1)]
                answered[:, :, lab.model.lever_names.index(player.lever)] = levels
            if np.array_equal(answered, levers, equal_nan=True):
                break
            levers = answered
        return trial.levels(own)

    def _solved(
        self, variant: Variant, there: StateToday, weights: Floats
    ) -> tuple[dict[str, Floats], Floats, NDArray[np.bool_]]:
        """Return policies by deciding player, (rows, states, actions), expected moves, and which rows are solved.

        Moves, (rows, months, players), are not a number where there is no equilibrium.
        """
        rows, batch = len(there), len(self.today)
        games = [
            self.strategist.solve(variant, there.taken(at), weights[at], self.trial.seed)
            for at in np.resize(np.arange(rows), (-(-rows // batch), batch))
        ]
        by_player = [each.probabilities for each in games]
        policies = {name: np.concatenate([each[name] for each in by_player])[:rows] for name in by_player[0]}
        solved = np.concatenate([each.solved for each in games])[:rows]
        ahead = np.concatenate([each.ahead for each in games])[:rows]
        return policies, np.where(solved[:, None, None], ahead, np.nan), solved

    def _facing(self, there: StateToday, offers: Floats) -> StateToday:
        """Return the draws with an offer each in their levers: the players take it as there to stay."""
        levers = there.levers.copy()
        for name, value in self.trial.asked.offer.values(offers).items():
            levers[:, self.trial.lab.model.lever_names.index(name)] = value
        return replace(there, levers=levers)


def answer(context: Context, asked: Trap, options: None = None) -> xr.Dataset:
    """Return the map under every prior set; where players have weights to choose by, also with their answers.

    By prior, gain and cell (its `behaviour`, `offer` and `share`): `p_better`, the probability of a gain, and
    `effect`, quantiles of the difference in the outcome's own unit and direction. `now` and `p_now` are the same as
    things stand, `today` where the draws stand on both axes; `choice` is the expected level of the lever of the
    player whose course it is, if it chose by itself, by `choice_offer`.
    """
    study, known, parts = context.study, context.known, []
    courses = (study.scenario(asked.moderating), study.scenario(asked.staying))
    trial, answering = Trial(context.simulator, asked, courses, context.settings.seed), asked.answering
    with context.progress.stage("Mapping where a course is a trap", 3 * len(known)) as stage:
        stage.note("waiting for the players' game")
        equilibrium = context.of("equilibrium")
        stage.note("")
        for prior, each in known.items():
            today, unseen = (each.history[data].state_today for data in DATA)
            grids, few = asked.grids(), asked.grids(BEFORE_POINTS, BEFORE_POINTS)
            drawn = today.taken(evenly(len(today), asked.fixed.draws))
            maps = [_cells(trial, FIXED, grids, trial.mapped(drawn, *grids))]
            stage.advance()
            choice = {}
            if equilibrium is not None and context.players is not None and answering is not None:
                weights = equilibrium.weight.sel(prior=prior, data=AFTER).transpose("draw", "payoff").values
                # the draws whose weights were learnt, in the same order
                learnt = today.taken(evenly(len(today), len(weights)))
                answerer = Answerer(trial, context.players, learnt, weights)
                own = asked.grids(answering.offers, answering.shares)
                effects = zip((ANSWERED, UNANSWERED), answerer.mapped(answering), strict=True)
                maps += [_cells(trial, name, own, values) for name, values in effects]
                choice = answerer.choice(answering)
            stage.advance()
            drawn = unseen.taken(evenly(len(unseen), BEFORE_DRAWS))
            maps.append(_cells(trial, BEFORE, few, trial.mapped(drawn, *few)))
            parts.append(xr.concat(maps, "cell").assign(_now(trial, today, unseen) | choice))
            stage.advance()
    names = {"gain": [gain.id for gain in asked.gain], "axis": ["offer", "share"]}
    names |= {"quantile": list(QUANTILES), "data": list(DATA)}
    return xr.concat(parts, pd.Index(list(known), name="prior")).assign_coords(names)


def _cells(trial: Trial, behaviour: str, grids: tuple[Floats, Floats], effects: Floats) -> xr.Dataset:
    """Return what is told of the cells of one map, share by share."""
    offers, shares = np.meshgrid(*grids)
    cells, draws = offers.size, effects.shape[-1]
    flat = effects.reshape(len(effects), cells, draws)
    # a game without an equilibrium is left out; what is no number beside that leaves no chance
    chances = trial.chances(flat) if behaviour == ANSWERED else _known(trial, flat)
    told = {
        "p_better": (("gain", "cell"), chances),
        "lost": (("gain", "cell"), (~np.isfinite(flat)).sum(axis=-1)),
        "effect": (("quantile", "gain", "cell"), _quantiles(flat)),
        "draws": ("cell", np.full(cells, draws)),
    }
    places = {"behaviour": [behaviour] * cells, "offer": offers.ravel(), "share": shares.ravel()}
    return xr.Dataset(told, {name: ("cell", each) for name, each in places.items()})


def _now(trial: Trial, today: StateToday, unseen: StateToday) -> dict[str, Any]:
    after, before = trial.now(today), trial.now(unseen)
    column = trial.lab.model.lever_names.index(trial.asked.offer.lever)
    places = np.stack([today.levers[:, column], trial.asked.split.today(today.state)])
    return {
        "now": (("quantile", "gain"), _quantiles(after)),
        "p_now": (("data", "gain"), np.stack([_known(trial, after), _known(trial, before)])),
        "today": (("quantile", "axis"), _quantiles(places)),
    }


def _known(trial: Trial, effects: Floats) -> Floats:
    """Return chances, none where a draw has no number."""
    return np.where(np.isfinite(effects).all(axis=-1), trial.chances(effects), np.nan)


def _quantiles(draws: Floats) -> Floats:
    return np.asarray(np.nanquantile(draws, list(QUANTILES.values()), axis=-1))
