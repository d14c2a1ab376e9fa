"""The players of a study over draws of what is known: what they want, and their equilibrium in any variant of the game.

For each draw of the model: what the other states are like given the watched ones, what the past moves say of the
payoff weights, and the equilibrium of the game at these numbers, followed from where the draw stands today; and
scenarios played out with the players choosing by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError
from outbid.game.reduce import Held, fit_held
from outbid.infer.history import SmoothedHistory as Past
from outbid.model.compile import State, monthly_innovations
from outbid.model.declare import Model
from outbid.model.priors import from_standard_normal, prior_table
from outbid.players.payoffs import Learner, Moves, PayoffPosterior
from outbid.players.schema import FILE, TODAY, GameTest, PlayersGame, Variant, read_game
from outbid.players.solver import Draw, Equilibria, Solver, on_scale
from outbid.progress import Progress
from outbid.simulate.engine import Simulator, StateToday, build_forward
from outbid.simulate.futures import Futures
from outbid.simulate.scenario import RuleTable, Scenario, choose, lever_paths, rule_table
from outbid.study import Study

Floats = NDArray[np.float64]

# Draws whose game is solved in every variant, per prior set; and in a quick run.
PLAYED, QUICKLY = 100, 24
# Simulated paths per draw, and how many months a random move is kept.
PATHS, KEPT = 8, 6


class Moments:
    """Conditional means of the states that are no axis, given the watched ones; compiled for one number of draws.

    From where each draw stands today, the model runs ahead while the players' levers are moved at random; a line
    through those months says how every other state goes with the watched ones.
    """

    def __init__(self, model: Model, game: PlayersGame) -> None:
        self.model, self.game = model, game
        self._simulator = Simulator(model, game.months, outputs=model.states)

        def one(paths: Array, axes: Array) -> Held:
            states = {name: paths[:, i] for i, name in enumerate(model.states)}
            return fit_held(model, game.grid, states, axes)

        self._fit: Any = jax.jit(jax.vmap(one))

    def held(self, standing: StateToday, seed: int) -> Held:
        """Return the conditional means of every draw: a Held whose arrays have a leading axis of draws."""
        game, many = self.game, standing.taken(np.repeat(np.arange(len(standing)), PATHS))
        generator = np.random.default_rng(seed)
        levers = np.repeat(many.levers[:, None, :], game.months, axis=1)
        for player in game.players:
            moves = generator.choice(player.actions, (len(many), -(-game.months // KEPT)))
            column = self.model.lever_names.index(player.lever)
            levers[:, :, column] = np.repeat(moves, KEPT, axis=1)[:, : game.months]
        paths = self._simulator.run(many, levers, self._simulator.innovations(len(many), seed))
        before = np.concatenate([many.levers[:, None, :], levers[:, :-1]], axis=1)
        states = {name: paths[:, :, i] for i, name in enumerate(self.model.states)}
        axes = np.stack(game.watched(states, before), axis=2)
        shape = (len(standing), PATHS * game.months, -1)
        held: Held = self._fit(paths.reshape(shape), axes.reshape(shape))
        return held


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


class Playout:
    """Scenarios in which the players choose: outsiders do what the scenario says, the players play their equilibrium.

    For every scenario and draw, the game is solved as if the scenario's last offers, with its rules, were there to
    stay; then the full model runs ahead, and each month every player draws its move from its equilibrium policy at the
    states it watches. Innovations and the luck of the draw are the same in every scenario. Compiled once for one
    horizon and number of draws.
    """

    def __init__(self, strategist: Strategist, months: int) -> None:
        self.strategist, self.months = strategist, months
        self._run: Any = jax.jit(jax.vmap(self._one, (0, None)))

    def futures(
        self, standing: StateToday, scenarios: Sequence[Scenario], weights: Floats, seed: int
    ) -> tuple[Futures, tuple[str, ...]]:
        """Return what every scenario leads to when the players choose, and the scenarios that can't be played.

        A scenario whose changes or rules move a player's lever leaves that player no choice; it is left out.
        """
        model, draws = self.strategist.model, len(standing)
        chosen = {player.lever for player in self.strategist.game.players}
        open_ones = [s for s in scenarios if not chosen & s.moves]
        left_out = tuple(s.id for s in scenarios if s not in open_ones)
        generator, blocks = np.random.default_rng(seed), model.innovation_blocks(self.months)
        noise = {name: generator.standard_normal((draws, blocks[name])) for name in model.noisy}
        luck = generator.random((draws, self.months, len(chosen)))
        paths = {}
        for scenario in open_ones:
            levers = lever_paths(model, scenario, standing.levers, self.months)
            policies = self._policies(scenario, standing, levers, weights, seed)
            start = (standing.parameters, dict(standing.state), standing.levers)
            path = self._run((*start, noise, levers, policies, luck), rule_table(model, scenario.rules))
            paths[scenario.id] = np.asarray(path)
        return Futures(model.outcomes, tuple(open_ones), paths), left_out

    def _policies(
        self, scenario: Scenario, standing: StateToday, levers: Floats, weights: Floats, seed: int
    ) -> tuple[Floats, ...]:
        """Return each player's equilibrium policy, (draws, states, actions), in the game that a scenario ends in."""
        model = self.strategist.model
        variant = Variant(id=scenario.id, label=scenario.label, description=scenario.description)
        offered = {change.lever for change in scenario.changes}
        # the players take as given: a scenario's last values, today's elsewhere
        ends = np.where([name in offered for name in model.lever_names], levers[:, -1], standing.levers)
        there = StateToday(standing.parameters, standing.state, ends)
        games = self.strategist.drawn(variant, there, weights, seed)
        if scenario.rules:
            table = rule_table(model, scenario.rules)
            every = RuleTable(*(jnp.tile(jnp.asarray(each), (len(standing), 1)) for each in table))
            games = games._replace(rules=every)
        equilibria = self.strategist.solver.solve(games)
        if not equilibria.solved.all():
            problem = f"has no equilibrium in {np.mean(~equilibria.solved):.0%} of the draws"
            raise InputError(f"scenario {scenario.id!r}", problem, "Look at play.toml's payoffs and grid.")
        return tuple(equilibria.probabilities.values())

    def _one(self, draw: tuple[Any, ...], rules: RuleTable) -> Array:
        """Return one draw's outcomes, (months, outcomes)."""
        values, state, before, noise, levers, policies, luck = draw
        model, game, solver = self.strategist.model, self.strategist.game, self.strategist.solver
        p = {name: values[i] for i, name in enumerate(model.parameter_names)}

        def decide(here: State, last: Array, planned: Array, row: tuple[Array, Array]) -> Array:
            chance, month = row
            where = solver.placed(jnp.stack(game.watched(here, last))[None, :])[0]
            now = solver.outsiders(rules, here, last, planned, month)
            for i, (player, policy) in enumerate(zip(game.players, policies, strict=True)):
                ladder = jnp.cumsum(where @ policy)
                move = jnp.minimum((ladder < chance[i] * ladder[-1]).sum(), len(player.actions) - 1)
                column = model.lever_names.index(player.lever)
                now = now.at[column].set(jnp.asarray(player.actions)[move])
            return now

        run = build_forward(model, [f"outcome.{item.name}" for item in model.outcomes], decide)
        innovations = monthly_innovations(model, noise, self.months)
        return run(p, state, before, innovations, levers, (luck, jnp.arange(1, self.months + 1)))


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

    `pasts` are the inferred ones by prior set. Raises InputError if the study declares no game, or every scenario
    asked for moves a player's lever.
    """
    strategist = strategist_of(study)
    if strategist is None:
        problem = f"declares no game: it has no {FILE}"
        raise InputError(f"study {study.name!r}", problem, "Play without --play equilibrium.")
    chosen, left_out = choose(study.scenarios, scenarios), tuple[str, ...]()
    playout, futures = Playout(strategist, months), {}
    with progress.stage("Playing the scenarios in equilibrium", len(pasts)) as stage:
        stage.note("compiling, then reading what the players want off what they did")
        for name, past in pasts.items():
            places = evenly(len(past.state_today), QUICKLY if quick else PLAYED)
            weights = strategist.learn(past, places, name, seed).one_each(seed)
            futures[name], left_out = playout.futures(past.state_today.taken(places), chosen, weights, seed)
            stage.advance()
    if scenarios and all(len(each.scenarios) < 2 for each in futures.values()) and left_out:
        problem = f"{', '.join(left_out)} moves what the players choose themselves"
        raise InputError("--play equilibrium", problem, "Ask for scenarios that move other levers.")
    return futures, left_out


def evenly(total: int, count: int) -> NDArray[np.int64]:
    """Return so many places, at most all, evenly spaced over a total."""
    return np.linspace(0, total - 1, min(count, total)).astype(int)


def in_variant(model: Model, standing: StateToday, variant: Variant) -> StateToday:
    """Return where the draws would stand in another variant: its parameters, states and levers put in."""
    parameters, levers, state = standing.parameters.copy(), standing.levers.copy(), dict(standing.state)
    for name, value in variant.parameters.items():
        parameters[:, model.parameter_names.index(name)] = value
    for name, value in variant.levers.items():
        levers[:, model.lever_names.index(name)] = value
    for name, value in variant.states.items():
        state[name] = np.full(len(standing), float(on_scale(model, name, value)))
    return StateToday(parameters, state, levers)


def pinned(model: Model, held: Held, variant: Variant) -> Held:
    """Return conditional means with the states that a variant sets held at their values."""
    mean, slope = dict(held.mean), dict(held.slope)
    for name, value in variant.states.items():
        stock = name in {item.name for item in model.stocks}
        mean[name] = jnp.full_like(mean[name], np.log1p(value) if stock else on_scale(model, name, value))
        slope[name] = jnp.zeros_like(slope[name])
    return replace(held, mean=mean, slope=slope)


def moves_of(game: PlayersGame, paths: Mapping[str, Floats], levers: Floats) -> Moves:
    """Return the moves of the past as each draw infers them, nearest level by level.

    `paths` has indices by name in their own unit, (draws, months); `levers` has shape (draws, months, levers). An index
    stands for an action by how far it is from its own middle over the months; the first month has no month before it
    and is left out.
    """
    model, actions = game.reduction.model, {}
    scaled = {name: np.asarray(on_scale(model, name, path[:, 1:])) for name, path in paths.items()}
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
