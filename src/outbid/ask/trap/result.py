"""What a trap map holds: in every cell, what the moderating course changes against the other, draw by draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.ask.trap.contour import Segment, contour
from outbid.ask.trap.settings import TrapSettings

Floats = NDArray[np.float64]
# On one side of it a gain is more likely than a loss.
EVEN = 0.5


@dataclass(frozen=True)
class TrapMap:
    """A map over offers and shares.

    Parameters
    ----------
    offers, shares
        The points of both axes, rising.
    effects
        The moderating course less the other, in the outcomes' units, turned so that more is a gain; shape
        (gains, shares, offers, draws); not a number where a draw's game has no equilibrium.
    """

    offers: Floats
    shares: Floats
    effects: Floats

    def probability(self) -> Floats:
        """Return the probability of a gain, ties counted half, shape (gains, shares, offers)."""
        return chance_of_gain(self.effects)

    def even(self, gain: int) -> tuple[Segment, ...]:
        """Return the line on which a gain is as likely as not, as pieces ((offer, share), (offer, share))."""
        return contour(self.offers, self.shares, self.probability()[gain], EVEN)


@dataclass(frozen=True)
class Choice:
    """What the player who rests on the map would choose itself, by offer, with its ranks as they are.

    Parameters
    ----------
    offers
        Shape (offers,).
    expected
        The expected level of its lever over the months ahead, shape (offers, draws).
    today
        Where the lever stands, shape (draws,).
    """

    player: str
    lever: str
    offers: Floats
    expected: Floats
    today: Floats


@dataclass(frozen=True)
class Trap:
    """A study's trap map under one prior set.

    Parameters
    ----------
    fixed
        The map with everybody else's behaviour as it is.
    before
        `fixed` from the prior alone, on a coarser grid.
    answered, unanswered
        The map where the other players answer by their equilibrium; and `fixed` in the same cells with the
        same draws, so that the difference between the two is the answer's. None if nobody answers.
    choice
        What the player whose course is mapped would choose by itself; None without a game.
    offer, share
        Where each draw stands today on the axes, shape (draws,).
    now, now_before
        The effects as things stand today, with no new offer, after and before the data; shape (gains, draws).
    """

    settings: TrapSettings
    fixed: TrapMap
    before: TrapMap
    answered: TrapMap | None
    unanswered: TrapMap | None
    choice: Choice | None
    offer: Floats
    share: Floats
    now: Floats
    now_before: Floats


def chance_of_gain(effects: Floats) -> Floats:
    """Return the probability that effects are above zero over the last axis; ties count half."""
    known = np.maximum(np.isfinite(effects).sum(axis=-1), 1)
    return np.asarray(((effects > 0) + 0.5 * (effects == 0)).sum(axis=-1) / known)
