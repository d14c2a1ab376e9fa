"""What would they choose? The players' game solved over what is known, in every variant, and what the answers say.

The same from the priors alone, of the model and of the payoff weights, tells what was assumed and what the data added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from outbid.conventions import DATA, QUANTILES
from outbid.players.payoffs import PayoffPosterior
from outbid.players.schema import GameTest, PlayersGame, Variant, read_game
from outbid.players.solver import Equilibria
from outbid.players.strategist import PLAYED, Strategist, evenly
from outbid.question import Context
from outbid.run import Knowledge
from outbid.simulate.engine import StateToday
from outbid.stats.verdict import Chances, chances, judge
from outbid.study import Study

Floats = NDArray[np.float64]
# an effect of nothing never matters, even where any size would
LEAST = 1e-12
SHARES = ("p_direction", "p_relevant", "draws")


def declare(study: Study) -> PlayersGame | None:
    """Return the game that the study's players play, None if it declares none."""
    return read_game(study.folder, study.model)


def answer(context: Context, game: PlayersGame, options: Any = None) -> xr.Dataset:
    """Return the equilibria of every variant under every prior set, and what they say to the study's tests.

    Variables over the dimensions prior, data, draw, variant, player, month, quantile, test and payoff:

    - `weight`: payoff weights, one vector a draw, learnt from the past moves; before the data, from their prior;
    - `action`: each player's expected level, mean over the months ahead, NaN where a draw has no equilibrium;
      `action_path`: the same month by month, as quantiles over the draws;
    - `effect`, by draw, with `p_direction`, `p_relevant` and `draws`: what a test finds; `verdict`, `because` and
      `bayes_factor`: what is to be made of it;
    - `payoff_quantile`, `p_positive` and `contraction`: the weights over all that was tried;
    - `solved`, the share of games with a certified equilibrium, and `residual`, its largest error; `fit`, the mean
      log likelihood of the `moves`, and `by_chance`, that of blind play; `effective`, how many of the `trials`
      weights a draw's answer rests on.
    """
    strategist = context.players
    assert strategist is not None  # the question is declared by the file that the players are made from
    results = []
    with context.progress.stage("Solving the players' game", len(context.known)) as stage:
        stage.note("compiling, then reading what the players want off what they did")
        for prior, known in context.known.items():
            results.append(under(strategist, known, prior, context.settings.seed))
            stage.advance()
    result = xr.concat(results, "prior").assign_coords(prior=list(context.known))
    months = list(context.study.panel.window.after(game.months))
    return result.assign_coords(data=list(DATA), month=months, **described(game))


def under(strategist: Strategist, known: Knowledge, prior: str, seed: int) -> xr.Dataset:
    """Return the answers under one prior set."""
    places = evenly(len(known.history["after"].state_today), PLAYED)
    payoffs = strategist.learn(known.history["after"], places, prior, seed)
    today, unseen = (known.history[data].state_today.taken(places) for data in DATA)
    after, sure = solve(strategist, today, payoffs.one_each(seed), seed, payoffs)
    before, unsure = solve(strategist, unseen, strategist.assumed(len(places), prior, seed), seed)
    judgements = [judge(*each, None, prior) for each in zip(sure, unsure, strict=True)]
    return xr.concat([after, before], "data").assign(
        verdict=("test", [each.verdict for each in judgements]),
        because=("test", [each.because for each in judgements]),
        bayes_factor=("test", [each.bayes_factor for each in judgements]),
        payoff_quantile=(("quantile", "payoff"), payoffs.quantiles(tuple(QUANTILES.values()))),
        p_positive=("payoff", payoffs.probability_positive()),
        # a spread that grew, by the luck of few draws, says nothing either
        contraction=("payoff", np.maximum(payoffs.contraction, 0.0)),
        moves=payoffs.moves,
        fit=payoffs.fit,
        by_chance=payoffs.by_chance,
        trials=payoffs.chances.shape[1],
        effective=payoffs.effective,
    )


def solve(
    strategist: Strategist,
    today: StateToday,
    weights: Floats,
    seed: int,
    payoffs: PayoffPosterior | None = None,
) -> tuple[xr.Dataset, list[Chances]]:
    """Return what the equilibria of all variants say, from where draws stand and with their weights, and of each test.

    `payoffs` are all the weights that were tried, if any were: they say more of a weight's sign than one vector a draw.
    """
    game, draws = strategist.game, len(today)
    equilibria = {each.id: strategist.solve(each, today, weights, seed) for each in game.variants}
    solved = np.all([each.solved for each in equilibria.values()], axis=0)
    paths = paths_of(game, equilibria)
    effects, found = np.empty((len(game.tests), draws)), []
    for i, test in enumerate(game.tests):
        if test.weight:
            effects[i] = weights[:, game.weight_names.index(test.weight)]
        else:
            effects[i] = np.where(solved, strategist.difference(test, equilibria, today), np.nan)
        if test.weight and payoffs is not None:
            found.append(weight_chances(test, payoffs, game))
        else:
            found.append(chances(effects[i], test.sign, max(test.smallest, LEAST)))
    data = xr.Dataset(
        {
            "weight": (("draw", "payoff"), weights),
            "action": (("variant", "player", "draw"), np.where(solved, paths.mean(axis=3), np.nan)),
            "action_path": (("quantile", "variant", "player", "month"), quantiles_of(paths[:, :, solved])),
            "effect": (("test", "draw"), effects),
            **{name: ("test", [getattr(each, name) for each in found]) for name in SHARES},
            "solved": np.mean([each.solved for each in equilibria.values()]),
            "residual": max(each.residuals[each.solved].max(initial=0.0) for each in equilibria.values()),
        }
    )
    return data, found


def weight_chances(test: GameTest, payoffs: PayoffPosterior, game: PlayersGame) -> Chances:
    """Return what all weights that were tried say of one weight's sign, each by its importance."""
    right = test.sign * payoffs.weights[:, :, game.weight_names.index(test.weight)].ravel()
    importance = (payoffs.chances / len(payoffs.chances)).ravel()
    relevant = importance @ (right >= max(test.smallest, LEAST))
    return Chances(float(importance @ (right > 0)), float(relevant), len(payoffs.chances))


def paths_of(game: PlayersGame, equilibria: Mapping[str, Equilibria]) -> Floats:
    """Return every player's expected level, shape (variants, players, draws, months); one who rests stays put."""

    def path(variant: Variant, player: str) -> Floats:
        each = equilibria[variant.id]
        if player in each.players:
            return each.ahead[:, :, each.players.index(player)]
        return np.full(each.ahead.shape[:2], variant.resting[player])

    return np.asarray([[path(each, player.name) for player in game.players] for each in game.variants])


def quantiles_of(paths: Floats) -> Floats:
    """Return quantiles over draws, (quantiles, variants, players, months), of (variants, players, draws, months)."""
    if not paths.shape[2]:
        return np.full((len(QUANTILES), *np.delete(paths.shape, 2)), np.nan)
    return np.quantile(paths, list(QUANTILES.values()), axis=2)


def described(game: PlayersGame) -> dict[str, Any]:
    """Return the coordinates: names of all that is counted by, and of every test what it measures."""
    tests, told = game.tests, ("sign", "smallest", "question", "answer_if", "done")
    return {
        "quantile": list(QUANTILES),
        "variant": [each.id for each in game.variants],
        "player": [each.name for each in game.players],
        "payoff": list(game.weight_names),
        "test": [each.id for each in tests],
        "lever": ("player", [each.lever for each in game.players]),
        "decides": (
            ("variant", "player"),
            [[player.name not in each.resting for player in game.players] for each in game.variants],
        ),
        "measure": ("test", [each.what for each in tests]),
        "unit": ("test", [game.unit(each) for each in tests]),
        **{name: ("test", [getattr(each, name) for each in tests]) for name in told},
    }
