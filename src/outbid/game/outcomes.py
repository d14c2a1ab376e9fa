"""What is read off an equilibrium: how much players act, how often states are visited, how players answer each other.

Averages come with what they depend on: derivatives by the parameters (for the delta method) and, if parameters were
drawn from their sampling distribution, one figure a draw. Positive slopes of best replies are strategic complements,
negative ones substitutes (Bulow, Geanakoplos and Klemperer, 1985).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from outbid.errors import InputError, check_name
from outbid.game.coefficients import check_coverage, interval
from outbid.game.equilibrium import Equilibrium
from outbid.game.game import Game, parted
from outbid.game.given import checked
from outbid.game.kernel import Banded, Floats, Kernel, Scattered, stationary, transition
from outbid.game.newton import equilibrium_values, joint, log_probabilities, profile_values, split

Outcome = Callable[[Game, Array], Array]
# The name of the row that tells whether any player acts.
ANY = "any"
# Up to so many states the long run is solved for in full.
LARGEST = 6000


@checked
def activity(game: Game, values: Array) -> Array:
    """Return the chance that each player acts, and that any does, shape (players + 1, states).

    To act is to take an action whose level is not zero.
    """
    each = _expected(game, values, lambda levels: levels != 0.0)
    return jnp.concatenate([each, 1.0 - jnp.prod(1.0 - each, axis=0, keepdims=True)])


@checked
def mean_levels(game: Game, values: Array) -> Array:
    """Return the mean level of each player's action, and of all together, shape (players + 1, states)."""
    each = _expected(game, values, lambda levels: levels)
    return jnp.concatenate([each, each.sum(axis=0, keepdims=True)])


def check_values(game: Game, values: Array) -> None:
    """Refuse values that are not the game's own."""
    if (shape := jnp.shape(values)) != (wanted := (game.grid.size, sum(game.counts))):
        raise InputError("values", f"have shape {shape}", f"Give (states, all actions) = {wanted}.")


def _expected(game: Game, values: Array, of: Callable[[Floats], Any]) -> Array:
    """Return what is expected of each player's action, shape (players, states)."""
    check_values(game, values)
    logs = log_probabilities(game.arrays, values)
    pairs = zip(game.players, logs, strict=True)
    return jnp.stack([(jnp.exp(log) * of(np.asarray(player.actions))).sum(axis=-1) for player, log in pairs])


def long_run(game: Game, values: Array) -> Array:
    """Return the share of months spent in each state in the long run, shape (states,); differentiable."""
    states = game.grid.size
    if states > LARGEST:
        fix = f"Ask for it on at most {LARGEST} states."
        raise InputError("long run", f"the grid has {states} states", fix)
    chances = tuple(jnp.exp(log) for log in log_probabilities(game.arrays, values))
    return stationary(transition(game.kernel, joint(chances)))


@dataclass(frozen=True, eq=False)
class Figures:
    """One figure or several, and how sure they are.

    `slopes` are derivatives by the parameters, their axis last; `draws` the same figures at drawn parameters, their axis
    last, or None.
    """

    values: Floats
    slopes: Floats
    covariance: Floats
    draws: Floats | None = None

    @property
    def errors(self) -> Floats:
        """Standard errors by the delta method, in the figures' shape."""
        variance = np.einsum("...p,pq,...q->...", self.slopes, self.covariance, self.slopes)
        return np.asarray(np.sqrt(np.clip(variance, 0.0, None)))

    def interval(self, level: float = 0.95) -> Floats:
        """Return lower and upper ends by the delta method, shape (*values.shape, 2)."""
        return interval(self.values, self.errors, level)

    def simulated_interval(self, level: float = 0.95) -> Floats:
        """Return quantiles over the draws, shape (*values.shape, 2)."""
        if self.draws is None:
            raise InputError("interval", "there are no draws of the parameters", "Compare with `draws=200`.")
        share = (1 - check_coverage(level)) / 2
        return np.moveaxis(np.quantile(self.draws, [share, 1 - share], axis=-1), 0, -1)

    def through(self, linear: Callable[[Floats], Any]) -> Figures:
        """Return what a linear function makes of the figures, of their derivatives and of their draws."""
        draws = None if self.draws is None else np.asarray(linear(self.draws))
        return Figures(linear(self.values), linear(self.slopes), self.covariance, draws)

    def __sub__(self, other: Figures) -> Figures:
        """Return differences; draws of the same parameters stay together."""
        draws = None if self.draws is None or other.draws is None else self.draws - other.draws
        return Figures(self.values - other.values, self.slopes - other.slopes, self.covariance, draws)


@dataclass(frozen=True, eq=False)
class Reading:
    """An outcome of one game by player and state, shape (rows, states), ready to be averaged; a last row may be `ANY`.

    `visits` is the long-run share of each state, shape (states,), or None where it was not asked for.
    """

    name: str
    equilibrium: Equilibrium
    by_state: Figures
    visits: Figures | None

    def of(self, player: str) -> Figures:
        """Return a player's outcome by state, figures of shape (states,)."""
        names = [*(each.name for each in self.equilibrium.game.players), ANY][: len(self.by_state.values)]
        check_name(player, names, f"player {player!r}", f"does not play in {self.name}")
        return self.by_state.through(lambda each: each[names.index(player)])

    def over_grid(self, player: str) -> Figures:
        """Return the mean over all states of the grid, each counted once."""
        states = self.by_state.values.shape[1]
        return self.weighted(player, np.full(states, 1.0 / states))

    @checked
    def along(self, player: str, states: ArrayLike) -> Figures:
        """Return the mean over months whose states are given, shape (months,)."""
        count, places = self.by_state.values.shape[1], np.asarray(states)
        if places.ndim != 1 or not len(places) or not np.isin(places, np.arange(count)).all():
            raise InputError("states", f"are no places on a grid of {count}", "Give whole numbers from 0.")
        tally = np.bincount(places.astype(int), minlength=count)
        return self.weighted(player, tally / tally.sum())

    def weighted(self, player: str, weights: Floats) -> Figures:
        """Return the mean with fixed weights of the states, shape (states,)."""
        return self.of(player).through(lambda each: weights @ each)

    def stationary(self, player: str) -> Figures:
        """Return the mean over months in the long run of this game; its visits move with the parameters too."""
        if self.visits is None:
            raise InputError("long run", "was not asked for", "Compare with `visits=True`.")
        each, visits = self.of(player), self.visits
        fixed, draws = self.weighted(player, visits.values), None
        if each.draws is not None and visits.draws is not None:
            draws = (each.draws * visits.draws).sum(axis=0)
        return Figures(fixed.values, fixed.slopes + each.values @ visits.slopes, each.covariance, draws)


# Under this variance of a rival's level there is no room for it to act more.
STILL = 1e-12


def against(game: Game, player: str, policy: Array) -> Game:
    """Return the game in which a player is replaced by a fixed policy, (states, actions), known to all; differentiable."""
    place, counts = game.player(player), game.counts
    if len(counts) == 1:
        raise InputError(f"player {player!r}", "is the only one", "Leave somebody in the game.")
    if policy.shape != (game.grid.size, counts[place]):
        fix = f"Give (states, actions) = {(game.grid.size, counts[place])}."
        raise InputError(f"policy of {player!r}", f"has shape {policy.shape}", fix)
    stay = np.arange(len(counts)) != place
    weighted = parted(game.kernel.weights, 1, counts, place) * policy[:, None, :, None]
    if isinstance(game.kernel, Banded):
        kernel: Kernel = Banded(weighted.sum(axis=2), game.kernel.lower)
    else:
        targets = parted(game.kernel.targets, 1, counts, place)
        kernel = Scattered(*(each.reshape(*each.shape[:2], -1) for each in (targets, weighted)))
    payoffs = (parted(game.payoffs[stay], 2, counts, place) * policy[None, :, None, :]).sum(axis=3)
    players = tuple(each for i, each in enumerate(game.players) if i != place)
    return Game(players, game.grid, payoffs, kernel, game.discount[stay], game.precision[stay])


@checked
def reply_slopes(game: Game, values: Array) -> Array:
    """Return how much each player's mean level answers when all rivals' rise by one this month, (players, states).

    For two players with levels 0 and 1 it is the slope of one's probability to act by the other's, along the best-reply
    curve, where they cross; the future is as in equilibrium.
    """
    check_values(game, values)
    future = profile_values(game.arrays, values)

    def worth(i: int, play: Sequence[Array]) -> Array:
        others = [jnp.ones_like(each) if j == i else each for j, each in enumerate(play)]
        mine = (joint(others) * future[i]).reshape(game.grid.size, *game.counts)
        return mine.sum(axis=tuple(j + 1 for j in range(len(play)) if j != i))

    return _answers(game, values, worth)


@checked
def standing_slopes(game: Game, values: Array) -> Array:
    """Return how each player's best policy answers when all rivals' mean levels rise by one in every state and for ever.

    Shape (players, states): of the mean level in that state. It contains what the rise does to where the state goes.
    """
    check_values(game, values)
    parts = split(game.counts, values)

    def worth(i: int, play: Sequence[Array]) -> Array:
        alone = game
        for j, each in enumerate(game.players):
            if j != i:
                alone = against(alone, each.name, play[j])
        return equilibrium_values(alone.arrays, parts[i])

    return _answers(game, values, worth)


def _answers(game: Game, values: Array, worth: Callable[[int, Sequence[Array]], Array]) -> Array:
    """Return how much each player's mean level rises with its rivals', (players, states).

    `worth` gives a player's action values, (states, actions), by its place and everybody's probabilities.
    """
    chances = [jnp.exp(log) for log in log_probabilities(game.arrays, values)]
    levels = [np.asarray(player.actions) for player in game.players]
    # how probabilities change when the mean level rises by one: tilted to the high
    rises = []
    for level, each in zip(levels, chances, strict=True):
        away = level - (each @ level)[:, None]
        variance = (each * away**2).sum(axis=1, keepdims=True)
        rises.append(jnp.where(variance > STILL, each * away / jnp.maximum(variance, STILL), 0.0))

    def mean_level(i: int, more: Array) -> Array:
        play = [each + more * rise for each, rise in zip(chances, rises, strict=True)]
        return jax.nn.softmax(game.precision[i] * worth(i, play), axis=-1) @ levels[i]

    def slope(i: int) -> Array:
        return jnp.asarray(jax.jvp(partial(mean_level, i), (jnp.zeros(()),), (jnp.ones(()),))[1])

    return jnp.stack([slope(i) for i in range(len(chances))])
