"""From effects to a verdict: what the draws say before and after the data, and what is to be made of it.

A claim says that something moves a measure in one direction, and by enough to matter.

- Supported: it goes that way with a probability of at least CALLED, more likely than not by enough to matter;
  the prior had not said so already, and the data raised the odds at least MOVED times.
- Contradicted: the probability that it goes that way by enough to matter is at most 1 - CALLED; the prior had not
  said so already, and the data cut those odds at least MOVED times.
- Built in: (nearly) no draw says otherwise, be it of a prior twice as wide that takes no side (the model's form
  makes it so) or of the prior itself (it was assumed): the data had no say.
- Not identified: everything else. Prior and posterior say much the same, or the data don't go far enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.conventions import (
    BUILT_IN,
    CALLED,
    CONTRADICTED,
    MOVED,
    NEARLY_ALL,
    NOT_IDENTIFIED,
    ROUNDING,
    SUPPORTED,
)

Floats = NDArray[np.float64]

BY_FORM = "The model's form makes it so, whatever the data say."
PRIORS = {"neutral": "The neutral prior", "sources": "The sources' prior"}


@dataclass(frozen=True)
class Chances:
    """Shares of `draws` draws: with the expected sign (`p_direction`), and with enough of it to matter (`p_relevant`)."""

    p_direction: float
    p_relevant: float
    draws: int

    @property
    def certain(self) -> bool:
        """Whether (nearly) every draw has the expected sign."""
        return self.p_direction >= NEARLY_ALL

    @property
    def excluded(self) -> bool:
        """Whether (nearly) no draw has the expected sign."""
        return self.p_direction <= 1.0 - NEARLY_ALL


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason, and the Bayes factor of the expected sign."""

    verdict: str
    because: str
    bayes_factor: float


def chances(effect: Floats, sign: int, smallest: float) -> Chances:
    """Return the shares of draws with the expected sign, and with at least `smallest` of it; NaNs are left out.

    An effect of nothing, or of rounding, counts half for the sign unless all draws are like that.
    """
    expected = sign * effect[np.isfinite(effect)]
    if not len(expected):
        return Chances(0.5, 0.0, 0)
    none = np.abs(expected) <= ROUNDING * np.abs(expected).max()
    ties = 0.5 if not none.all() else 0.0
    p_direction = float(np.mean((expected > 0) & ~none) + ties * np.mean(none))
    return Chances(p_direction, float(np.mean((expected >= smallest) & ~none)), len(expected))


def odds(share: float, draws: int) -> float:
    """Return the odds behind a share of draws, with half a draw on each side so that they stay finite."""
    return (share * draws + 0.5) / ((1.0 - share) * draws + 0.5)


def judge(
    after: Chances, before: Chances, wide_prior: Chances | None = None, prior: str = "neutral"
) -> Judgement:
    """Return the verdict on one claim under one prior set.

    `after`, `before`: with the data and without. `wide_prior`: from a prior twice as wide that takes no side;
    None where that was not tried. `prior`: the prior set's name, for the reason.
    """
    factor = odds(after.p_direction, after.draws) / odds(before.p_direction, before.draws)
    fall = odds(after.p_relevant, after.draws) / odds(before.p_relevant, before.draws)

    def called(verdict: str, because: str) -> Judgement:
        return Judgement(verdict, because, float(factor))

    if before.certain and after.certain and wide_prior is not None and wide_prior.certain:
        return called(BUILT_IN, BY_FORM)
    if before.excluded and after.excluded and (wide_prior is None or wide_prior.excluded):
        return called(NOT_IDENTIFIED, "The model rules it out from the start, so the data had no say.")
    if after.p_relevant <= 1.0 - CALLED < before.p_relevant and fall <= 1.0 / MOVED:
        opposite = "The data say the opposite."
        small = "The data leave no room for an effect of that sign that would matter."
        return called(CONTRADICTED, opposite if after.p_direction <= 1.0 - CALLED else small)
    if before.certain and after.certain:
        return called(
            BUILT_IN, f"{PRIORS.get(prior, prior)} holds nothing else: the sign was assumed, not learnt."
        )
    if after.p_direction >= CALLED and after.p_relevant < 0.5:
        return called(
            NOT_IDENTIFIED, "The sign is nearly certain, but the effect may be too small to matter."
        )
    if after.p_direction >= CALLED > before.p_direction and factor >= MOVED:
        return called(SUPPORTED, "The data raised it from doubt to near certainty.")
    if after.p_direction >= CALLED or after.p_relevant <= 1.0 - CALLED:
        return called(NOT_IDENTIFIED, "The prior said as much; the data added little.")
    if factor >= MOVED or factor <= 1.0 / MOVED:
        return called(NOT_IDENTIFIED, "The data moved the odds, but not far enough to call it.")
    return called(NOT_IDENTIFIED, "The data say little more than the prior did.")
