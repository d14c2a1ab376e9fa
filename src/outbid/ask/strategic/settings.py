"""How a study's contest is played as a game: players, grid, payoff weights, worlds to compare, questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from outbid.game.grid import Grid
from outbid.game.reduce import Reduction
from outbid.model.priors import Parameter


@dataclass(frozen=True)
class World:
    """A world to solve the game in: what differs from today's.

    Parameters
    ----------
    resting
        By actor: the level at which its lever rests; it decides nothing.
    parameters, states, levers
        Values that are set: parameters by name, states in their own unit, levers by name.
    weights
        Payoff weights that are set, under "actor.term".
    """

    id: str
    label: str
    description: str
    baseline: bool = False
    resting: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    levers: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Test:
    """A question put to the equilibria: a measure in one world against another, or the sign of a payoff weight.

    Parameters
    ----------
    measure
        A player's lever (its expected action) or an axis; empty where a `weight` is asked for.
    when
        "mean" over the months ahead, or "end", the last of them.
    of, against
        Worlds; `against` may be "today".
    sign, smallest
        The expected sign of the difference, and the smallest size of it that would matter.
    """

    id: str
    claims: tuple[str, ...]
    question: str
    answer_if: str
    sign: int
    smallest: float
    measure: str = ""
    when: str = "mean"
    of: str = ""
    against: str = ""
    weight: str = ""


@dataclass(frozen=True)
class PlaySettings:
    """A study's game before any number is put in.

    Parameters
    ----------
    reduction
        Players, grid and the model behind them.
    discount
        Weight of next month.
    months
        How far ahead play is followed from today.
    observed
        By actor: the lever or index whose past tells what it did, as ("lever" or "index", name).
    weights
        Payoff weights with their priors, named "actor.term".
    worlds
        The baseline first.
    tests
        What the equilibria are asked.
    """

    reduction: Reduction
    discount: float
    months: int
    observed: Mapping[str, tuple[str, str]]
    weights: tuple[Parameter, ...]
    worlds: tuple[World, ...]
    tests: tuple[Test, ...]

    @property
    def grid(self) -> Grid:
        """The states that the players watch."""
        return self.reduction.grid
