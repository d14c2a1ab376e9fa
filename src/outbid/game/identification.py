"""What the data tell apart: payoffs whose differences any record like the one at hand leaves open.

Information at the end of a search says little about that. Where two payoffs can't be told apart the likelihood is a
ridge; a search runs along it until something far off bends, the grid's ends or rounding, and there it looks sharp. So
information is also looked at where the ridge comes nearest to zero: at the maximum of the likelihood with a very weak
pull to zero, which does not move an estimate that the data settle.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from outbid.errors import InputError
from outbid.game.kernel import Floats
from outbid.game.likelihood import FAINT, evaluate, inverse, maximise_likelihood
from outbid.game.maximise import Maximum, undecided
from outbid.game.newton import one_thread_each
from outbid.game.specification import Specification

# A parameter is told weakly whose error is more than this share of the change of it that would tell in a single choice.
WEAK = 0.5


@dataclass(frozen=True)
class Identification:
    """Names of parameters that the data don't tell apart, and of those that they hardly do."""

    open: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What to know before the estimates are read; empty when there is nothing."""
        if self.open:
            several = f"don't tell apart {' and '.join(self.open)}"
            return f"NOT IDENTIFIED: the data {several}, which therefore have no standard errors."
        if self.weak:
            told = f"WEAKLY IDENTIFIED: the data hardly tell {' and '.join(self.weak)}"
            return f"{told}; their errors are large, and normal intervals may be too short."
        return ""


TOLD_APART = Identification()


@one_thread_each()
def identification(
    specification: Specification, counts: Floats, start: Floats, found: Maximum
) -> Identification:
    """Return what counted actions, shape (states, all actions), tell apart at a maximum, and where a ridge is nearest."""
    looked = [found.at.information]
    with suppress(InputError, np.linalg.LinAlgError):
        first = evaluate(specification, start, np.zeros_like(counts), counts)
        each = np.diag(first.information)
        if np.isfinite(each).all() and (each > 0).all():
            # as much as one choice tells, of the record's many
            pull = each / counts.sum()
            near = maximise_likelihood(specification, counts, start, pull=pull)
            looked.append(near.at.information - np.diag(pull))
    names, choices = specification.names, counts.sum()
    least = [name for name in names if any(name in undecided(names, each, FAINT) for each in looked)]
    errors = np.max([np.sqrt(np.diag(inverse(each)) * np.diag(each) / choices) for each in looked], axis=0)
    weak = [] if least else [name for name, error in zip(names, errors, strict=True) if error > WEAK]
    return Identification(tuple(least), tuple(weak))
