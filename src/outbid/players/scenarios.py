"""Scenarios in which the players choose: outsiders do what the scenario says, the players play their equilibrium.

For every scenario and draw, the game is solved as if the scenario's last offers, with its rules, were there to
stay; then the full model runs ahead, and each month every player draws its move from its equilibrium policy at the
states it watches. Innovations and the luck of the draw are the same in every scenario.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.infer.history import SmoothedHistory as Past
from outbid.model.compile import State, monthly_innovations
from outbid.players.schema import FILE, Variant
from outbid.players.strategist import PLAYED, QUICKLY, Strategist, evenly, strategist_of
from outbid.progress import Progress
from outbid.simulate.engine import StateToday, build_forward
from outbid.simulate.futures import Futures
from outbid.simulate.scenario import RuleTable, Scenario, choose, lever_paths, rule_table
from outbid.study import Study

Floats = NDArray[np.float64]


class Playout:
    """The full model under equilibrium policies; compiled once for one horizon and number of draws."""

    def __init__(self, strategist: Strategist, months: int) -> None:
        self.strategist, self.months = strategist, months
        self._run: Any = jax.jit(jax.vmap(self._one, (0, 0, 0, 0, 0, 0, 0, None)))

    def futures(
        self, standing: StateToday, scenarios: Sequence[Scenario], weights: Floats, seed: int
    ) -> tuple[Futures, tuple[str, ...]]:
        """Return what every scenario leads to when the players choose, and the scenarios that can't be played.

        A scenario whose changes or rules move a player's lever leaves that player no choice; it is left out.
        """
        model, game = self.strategist.model, self.strategist.game
        chosen = {player.lever for player in game.players}
        open_ones = [s for s in scenarios if not chosen & s.moves]
        left_out = tuple(s.id for s in scenarios if s not in open_ones)
        draws = len(standing)
        generator = np.random.default_rng(seed)
        blocks = model.innovation_blocks(self.months)
        noise = {name: generator.standard_normal((draws, blocks[name])) for name in model.noisy}
        luck = generator.random((draws, self.months, len(chosen)))
        paths = {}
        for scenario in open_ones:
            levers = lever_paths(model, scenario, standing.levers, self.months)
            policies = self._policies(scenario, standing, levers, weights, seed)
            path = self._run(
                jnp.asarray(standing.parameters),
                {name: jnp.asarray(value) for name, value in standing.state.items()},
                jnp.asarray(standing.levers),
                {name: jnp.asarray(value) for name, value in noise.items()},
                jnp.asarray(levers),
                policies,
                jnp.asarray(luck),
                RuleTable(*map(jnp.asarray, rule_table(model, scenario.rules))),
            )
            paths[scenario.id] = np.asarray(path)
        return Futures(model.outcomes, tuple(open_ones), paths), left_out

    def _policies(
        self, scenario: Scenario, standing: StateToday, levers: Floats, weights: Floats, seed: int
    ) -> tuple[Array, ...]:
        """Return each player's equilibrium policy, (draws, states, actions), in the game that a scenario ends in."""
        model, solver = self.strategist.model, self.strategist.solver
        variant = Variant(id=scenario.id, label=scenario.label, description=scenario.description)
        offered = {change.lever for change in scenario.changes}
        # the players take as given: a scenario's last values, today's elsewhere
        ends = np.where([name in offered for name in model.lever_names], levers[:, -1], standing.levers)
        there = StateToday(standing.parameters, standing.state, ends)
        games = self.strategist.drawn(variant, there, weights, seed)
        if scenario.rules:
            table = rule_table(model, scenario.rules)
            games = games._replace(
                rules=RuleTable(*(jnp.tile(jnp.asarray(each), (len(standing), 1)) for each in table))
            )
        equilibria = solver.solve(games)
        if not equilibria.solved.all():
            raise InputError(
                f"scenario {scenario.id!r}",
                f"has no equilibrium in {np.mean(~equilibria.solved):.0%} of the draws",
                "Look at play.toml's payoffs and grid.",
            )
        return tuple(jnp.asarray(equilibria.probabilities[name]) for name in equilibria.players)

    def _one(
        self,
        values: Array,
        state: Mapping[str, Array],
        before: Array,
        noise: Mapping[str, Array],
        levers: Array,
        policies: tuple[Array, ...],
        luck: Array,
        rules: RuleTable,
    ) -> Array:
        model, game, solver = self.strategist.model, self.strategist.game, self.strategist.solver
        p = {name: values[i] for i, name in enumerate(model.parameter_names)}
        columns = [model.lever_names.index(player.lever) for player in game.players]

        def decide(here: State, last: Array, planned: Array, row: tuple[Array, Array]) -> Array:
            chance, month = row
            where = solver.placed(jnp.stack(game.watched(here, last))[None, :])[0]
            now = solver.outsiders(rules, here, last, planned, month)
            for i, (player, policy) in enumerate(zip(game.players, policies, strict=True)):
                ladder = jnp.cumsum(where @ policy)
                move = jnp.minimum((ladder < chance[i] * ladder[-1]).sum(), len(player.actions) - 1)
                now = now.at[columns[i]].set(jnp.asarray(player.actions)[move])
            return now

        run = build_forward(model, [f"outcome.{item.name}" for item in model.outcomes], decide)
        innovations = monthly_innovations(model, noise, self.months)
        return run(p, dict(state), before, innovations, levers, (luck, jnp.arange(1, self.months + 1)))


def play_out(
    study: Study,
    pasts: Mapping[str, Past],
    months: int,
    progress: Progress,
    *,
    quick: bool,
    seed: int,
    scenarios: Sequence[str] = (),
) -> tuple[dict[str, Futures], tuple[str, ...]]:
    """Play scenarios in which the players choose by their equilibrium; also name those that leave them no choice.

    `pasts` are the inferred ones by prior set.

    Raises
    ------
    InputError
        If the study declares no game, or every scenario asked for moves a player's lever.
    """
    strategist = strategist_of(study)
    if strategist is None:
        raise InputError(
            f"study {study.name!r}", f"declares no game: it has no {FILE}", "Play without --play equilibrium."
        )
    chosen = choose(study.scenarios, scenarios)
    playout, futures = Playout(strategist, months), {}
    left_out: tuple[str, ...] = ()
    with progress.stage("Playing the scenarios in equilibrium", len(pasts)) as stage:
        stage.note("compiling, then reading what the players want off what they did")
        for name, past in pasts.items():
            places = evenly(len(past.state_today), QUICKLY if quick else PLAYED)
            weights = strategist.learn(past, places, name, seed).one_each(seed)
            futures[name], left_out = playout.futures(past.state_today.taken(places), chosen, weights, seed)
            stage.advance()
    if scenarios and all(len(each.scenarios) < 2 for each in futures.values()) and left_out:
        raise InputError(
            "--play equilibrium",
            f"{', '.join(left_out)} moves what the players choose themselves",
            "Ask for scenarios that move other levers.",
        )
    return futures, left_out
