"""In every cell of the map the offer stands and the ranks are made up as it says: what does the course change there?

From there the same draws take the moderating course and the other one. All cells and both courses meet the same
chances (common random numbers), so that neighbouring cells differ by what they are and not by luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from outbid.conventions import AFTER, BEFORE, QUANTILES
from outbid.players.strategist import evenly
from outbid.question import Context
from outbid.questions.trap.answers import Answerer
from outbid.questions.trap.schema import Trap
from outbid.simulate.engine import BatchSimulator, StateToday
from outbid.simulate.futures import summary
from outbid.simulate.scenario import Scenario, lever_paths, rule_table

Floats = NDArray[np.float64]
# The map from the prior alone only says what was assumed: fewer cells and draws do.
BEFORE_POINTS, BEFORE_DRAWS = 5, 100
# Whose behaviour a map is drawn with: everybody else as today; the other players answer; as today again, in the cells
# and draws of the answer; as today, before the data.
FIXED, ANSWERED, UNANSWERED = "fixed", "answered", "unanswered"


@dataclass(frozen=True)
class Trial:
    """Holds the moderating course against the other, wherever draws stand and whatever is offered."""

    lab: BatchSimulator
    asked: Trap
    courses: tuple[Scenario, Scenario]
    seed: int

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of a run that the map needs."""
        return tuple(f"outcome.{gain.outcome}" for gain in self.asked.gain)

    @property
    def signs(self) -> Floats:
        """1 for each gain whose outcome is better higher, else -1."""
        better = {each.name: each.better for each in self.lab.model.outcomes}
        return np.array([1.0 if better[gain.outcome] == "higher" else -1.0 for gain in self.asked.gain])

    def levels(self, path: Floats) -> Floats:
        """Return the outcomes over the horizon, turned so that more is a gain; (rows, months, gains) to (gains, rows)."""
        outcomes = {each.name: each for each in self.lab.model.outcomes}
        levels = [summary(outcomes[gain.outcome], path[:, :, i]) for i, gain in enumerate(self.asked.gain)]
        return self.signs[:, None] * np.stack(levels)

    def noise(self, draws: int, cells: int = 1) -> dict[str, Floats]:
        """Return the same chances for every cell."""
        innovations = self.lab.innovations(draws, self.seed)
        return {name: np.tile(value, (cells, 1)) for name, value in innovations.items()}

    def plans(self, course: Scenario, offers: Sequence[float], levers: Floats) -> Floats:
        """Return the levers of a course cell by cell, under each cell's offer; `levers` are one cell's today."""
        model, on = self.lab.model, self.asked.offer.on
        paths = [lever_paths(model, on(course, float(each)), levers, self.lab.months) for each in offers]
        return np.concatenate(paths)

    def mapped(self, today: StateToday, offers: Floats, shares: Floats) -> Floats:
        """Return what the moderating course changes in each cell, everybody else as today.

        In the outcomes' units, turned so that more is a gain; shape (gains, shares, offers, draws).
        """
        draws = len(today)
        effects = np.empty((len(self.asked.gain), len(shares), len(offers), draws))
        cells = [(i, j) for i in range(len(shares)) for j in range(len(offers))]
        together = max(1, self.lab.draws // draws)
        for start in range(0, len(cells), together):
            group = cells[start : start + together]
            there = self.stacked([self.with_share(today, float(shares[i])) for i, _ in group])
            offered = [float(offers[j]) for _, j in group]
            plans = [self.plans(course, offered, today.levers) for course in self.courses]
            gained = self._gained(there, plans, self.noise(draws, len(group)))
            for place, (i, j) in enumerate(group):
                effects[:, i, j] = gained[:, place * draws : (place + 1) * draws]
        return effects

    def now(self, today: StateToday) -> Floats:
        """Return what the moderating course changes with today's offer and ranks, shape (gains, draws)."""
        model, months = self.lab.model, self.lab.months
        plans = [lever_paths(model, course, today.levers, months) for course in self.courses]
        return self._gained(today, plans, self.noise(len(today)))

    def _gained(self, there: StateToday, plans: Sequence[Floats], noise: Mapping[str, Floats]) -> Floats:
        """Return the outcomes of the one course less those of the other, shape (gains, rows)."""
        one, other = (
            self.levels(
                self.lab.run(there, plan, noise, rule_table(self.lab.model, course.rules), self.outputs)
            )
            for course, plan in zip(self.courses, plans, strict=True)
        )
        return one - other

    def with_share(self, today: StateToday, share: float) -> StateToday:
        """Return the draws with the two stocks shared out anew."""
        return replace(today, state=self.asked.split.moved(today.state, share))

    @staticmethod
    def stacked(parts: Sequence[StateToday]) -> StateToday:
        """Return draws one after another."""
        return StateToday(
            np.concatenate([part.parameters for part in parts]),
            {name: np.concatenate([part.state[name] for part in parts]) for name in parts[0].state},
            np.concatenate([part.levers for part in parts]),
        )


def spread(today: StateToday, count: int) -> StateToday:
    """Return so many draws, evenly spaced over all."""
    return today.taken(evenly(len(today), count))


def answer(context: Context, asked: Trap, options: None = None) -> xr.Dataset:
    """Return the map under every prior set; where players have weights to choose by, also with their answers.

    Returns
    -------
    By prior, gain and cell (its `behaviour`, `offer` and `share`): `p_better`, the probability of a gain, and
    `effect`, quantiles of the difference in the outcome's own unit and direction. `now` and `p_now` are the same as
    things stand, `today` where the draws stand on both axes; `choice` is the expected level of the lever of the
    player whose course it is, if it chose by itself, by `choice_offer`.
    """
    lab, seed, known = context.simulator, context.settings.seed, context.known
    courses = (context.study.scenario(asked.moderating), context.study.scenario(asked.staying))
    trial, parts = Trial(lab, asked, courses, seed), []
    with context.progress.stage("Mapping where a course is a trap", 3 * len(known)) as stage:
        stage.note("waiting for the players' game")
        equilibrium = context.of("equilibrium")
        stage.note("")
        for prior, each in known.items():
            today, unseen = (each.history[data].state_today for data in (AFTER, BEFORE))
            offers, shares = asked.offer.grid(), asked.split.grid()
            cells = {FIXED: (offers, shares, trial.mapped(spread(today, asked.fixed.draws), offers, shares))}
            stage.advance()
            choice = {}
            if equilibrium is not None and context.players is not None and asked.answering is not None:
                weights = equilibrium.weight.sel(prior=prior, data=AFTER).transpose("draw", "payoff").values
                # the draws whose weights were learnt, in the same order
                answerer = Answerer(trial, context.players, spread(today, len(weights)), weights)
                x, y, *effects = answerer.mapped(asked.answering)
                cells |= {ANSWERED: (x, y, effects[0]), UNANSWERED: (x, y, effects[1])}
                choice = answerer.choice(asked.answering)
            stage.advance()
            few, some = asked.offer.grid(BEFORE_POINTS), asked.split.grid(BEFORE_POINTS)
            cells[BEFORE] = (few, some, trial.mapped(spread(unseen, BEFORE_DRAWS), few, some))
            parts.append(xr.Dataset({**_cells(trial, cells), **_now(trial, today, unseen), **choice}))
            stage.advance()
    places = [(name, offer, share) for name, (x, y, _) in cells.items() for share in y for offer in x]
    named: dict[str, Any] = dict(zip(("behaviour", "offer", "share"), zip(*places, strict=True), strict=True))
    coordinates: dict[str, Any] = {name: ("cell", list(each)) for name, each in named.items()}
    coordinates |= {"gain": [gain.id for gain in asked.gain], "axis": ["offer", "share"]}
    coordinates |= {"quantile": list(QUANTILES), "data": [AFTER, BEFORE]}
    return xr.concat(parts, pd.Index(list(known), name="prior")).assign_coords(coordinates)


def _cells(trial: Trial, maps: Mapping[str, tuple[Floats, Floats, Floats]]) -> dict[str, Any]:
    """Return what is told of the cells of all maps, one after another, each share by share."""
    effects = [effects.reshape(len(effects), -1, effects.shape[-1]) for _, _, effects in maps.values()]
    own = [trial.signs[:, None, None] * each for each in effects]
    draws = [np.full(each.shape[1], each.shape[2]) for each in effects]
    return {
        "p_better": (("gain", "cell"), np.concatenate([chance_of_gain(each) for each in effects], axis=1)),
        "effect": (("quantile", "gain", "cell"), np.concatenate([_quantiles(each) for each in own], axis=2)),
        "draws": ("cell", np.concatenate(draws)),
    }


def _now(trial: Trial, today: StateToday, unseen: StateToday) -> dict[str, Any]:
    after, before = trial.now(today), trial.now(unseen)
    column = trial.lab.model.lever_names.index(trial.asked.offer.lever)
    places = np.stack([today.levers[:, column], trial.asked.split.today(today.state)])
    return {
        "now": (("quantile", "gain"), _quantiles(trial.signs[:, None] * after)),
        "p_now": (("data", "gain"), np.stack([chance_of_gain(after), chance_of_gain(before)])),
        "today": (("quantile", "axis"), _quantiles(places)),
    }


def _quantiles(draws: Floats) -> Floats:
    return np.asarray(np.nanquantile(draws, list(QUANTILES.values()), axis=-1))


def chance_of_gain(effects: Floats) -> Floats:
    """Return the probability that effects are above zero over the last axis; ties count half."""
    known = np.maximum(np.isfinite(effects).sum(axis=-1), 1)
    return np.asarray(((effects > 0) + 0.5 * (effects == 0)).sum(axis=-1) / known)
