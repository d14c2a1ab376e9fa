"""Scenarios in which the players choose and outsiders go by rules, on the toy rivalry with an offer of aid."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import rivalry
from outbid.model.declare import declare
from outbid.model.vocabulary import Actor, Drift, Lever, mechanism, outcome
from outbid.players.schema import read_game
from outbid.players.strategist import Playout, Strategist
from outbid.simulate.scenario import Change, Rule, RuleTable, Scenario, rule_table


@mechanism(evidence=["M12"])
def standing(s, u, p):
    """As in the rivalry."""
    change = p.pull * (u.hardness - 0.5) - p.press * u.effort - 0.1 * s.standing
    return Drift("standing", change, noise="standing_noise")


@outcome(label="Offer", unit="share", better="higher", summary="end")
def offered(s, u, p, m):
    """What outsiders offer this month."""
    return u.offer


@outcome(label="Hardness", unit="share", better="lower", summary="end")
def hardness(s, u, p, m):
    """How hard rule is this month."""
    return u.hardness


def incumbent_payoff(s, u, m, w):
    """The incumbent wants standing and the offer."""
    return w["standing"] * s.standing + w["aid"] * u.offer


incumbent = Actor(
    "incumbent", "Rules", {"hardness": (0.0, 0.5, 1.0)}, incumbent_payoff, {"standing": 1.0, "aid": 1.0}
)
defection, attacks, challenger = rivalry.defection, rivalry.attacks, rivalry.challenger

BASE = rivalry.model()
MODEL = declare(
    stocks=BASE.stocks,
    indices=BASE.indices,
    levers=(*BASE.levers, Lever("offer", "Aid on offer", "outside", 0.0, 1.0)),
    parameters=BASE.parameters,
    theory=[sys.modules[__name__]],
    file="the rivalry with an offer",
)
DRAWS, MONTHS = 6, 12
QUIET = Scenario(
    id="baseline",
    label="As now",
    description="x",
    baseline=True,
    changes=(Change(lever="offer", shape="step", to=1.0),),
)
STOP = Rule(lever="offer", watch="hardness", to=0.0, above=0.25)
RULED = QUIET.model_copy(update={"id": "stop", "baseline": False, "rules": (STOP,)})


@pytest.fixture(scope="module")
def playout(tmp_path_factory: pytest.TempPathFactory) -> Playout:
    axis = '[[axis]]\nname = "hardness"\npoints = [0.0, 0.5, 1.0]\n'
    play = rivalry.PLAY.replace("[[variant]]", axis + "\n[[variant]]", 1)
    payoffs = rivalry.PAYOFFS.replace("incumbent.loss", "unused")
    payoffs = payoffs[: payoffs.index('["unused"]')] + payoffs[payoffs.index('["challenger.standing"]') :]
    folder = rivalry.folder(tmp_path_factory.mktemp("rivalry"), play, payoffs)
    settings = read_game(Path(folder), MODEL)
    assert settings is not None
    return Playout(Strategist(MODEL, settings), MONTHS)


def there() -> object:
    standing_now = rivalry.standing_of(DRAWS)
    return replace(standing_now, levers=np.tile([0.5, 0.0, 0.0], (DRAWS, 1)))


def test_scenarios_whose_rules_move_a_players_lever_are_left_out(playout: Playout) -> None:
    rule = Rule(lever="hardness", watch="standing", to=1.0, below=0.0)
    forced = QUIET.model_copy(update={"id": "forced", "baseline": False, "rules": (rule,)})
    _, left_out = playout.futures(there(), [forced], np.ones((DRAWS, 4)), 1)  # type: ignore[arg-type]
    assert left_out == ("forced",)


def test_outsiders_see_the_players_as_they_stood_last_month(playout: Playout) -> None:
    solver = playout.strategist.solver
    table = RuleTable(*map(jnp.asarray, rule_table(MODEL, (STOP,))))
    state = {item.name: jnp.asarray(0.0) for item in (*MODEL.stocks, *MODEL.indices)}
    for before, offer in ((0.5, 0.0), (0.0, 1.0)):
        last, planned = jnp.asarray([before, 0.0, 1.0]), jnp.asarray([0.9, 0.0, 1.0])
        now = solver.outsiders(table, state, last, planned, jnp.asarray(1.0))
        assert float(now[2]) == offer


@pytest.mark.slow
def test_players_who_know_the_rule_give_way_to_it(playout: Playout) -> None:
    # an incumbent that wants little but the offer
    weights = np.tile([0.1, 20.0, 1.0, 0.5], (DRAWS, 1))
    futures, left_out = playout.futures(there(), [QUIET, RULED], weights, 3)  # type: ignore[arg-type]
    assert left_out == ()
    names = [item.name for item in MODEL.outcomes]
    offer, hard = names.index("offered"), names.index("hardness")
    free, ruled = futures.paths["baseline"], futures.paths["stop"]
    assert (free[:, :, offer] == 1.0).all()
    # each month's offer follows from the hardness of the month before, today's in the first
    before = np.concatenate([np.full((DRAWS, 1), 0.5), ruled[:, :-1, hard]], axis=1)
    assert np.array_equal(ruled[:, :, offer], (before <= 0.25).astype(float))
    assert ruled[:, :, hard].mean() < 0.1 < free[:, :, hard].mean()
