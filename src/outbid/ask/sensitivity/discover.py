"""When does it hold? Boxes of few inputs over the posterior's draws, with a check on draws not searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.ask.sensitivity.settings import Condition, Discover
from outbid.stats.boxes import Box, find_box

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """Where the answer to a question is yes.

    Parameters
    ----------
    share
        Share of draws in which all conditions hold.
    alone
        The same for each condition by itself.
    box
        None where no limit makes a difference, or all draws or none hold.
    checked
        (density, share elsewhere) on draws that the search hadn't seen; None where a half shows no box.
    """

    question: Discover
    draws: int
    share: float
    alone: tuple[float, ...]
    box: Box | None
    checked: tuple[float, float] | None


def met(condition: Condition, difference: Floats) -> Flags:
    """Return where a difference, shape (draws,), passes the condition's number."""
    if condition.above is not None:
        return np.asarray(difference > condition.above)
    assert condition.below is not None
    return np.asarray(difference < condition.below)


def discover(
    question: Discover,
    told: Mapping[str, Mapping[str, Floats]],
    inputs: Floats,
    names: Sequence[str],
) -> Finding:
    """Return where a question's conditions hold together.

    Parameters
    ----------
    told
        Outcomes by scenario and name, each of shape (draws,).
    inputs
        Shape (draws, inputs), named by `names`.
    """
    each = [
        met(condition, told[question.scenario][condition.outcome] - told[question.against][condition.outcome])
        for condition in question.conditions
    ]
    holds = np.logical_and.reduce(each)
    box = find_box(inputs, holds, names)
    checked = None if box is None else check(inputs, holds, names)
    return Finding(
        question, len(holds), float(holds.mean()), tuple(float(one.mean()) for one in each), box, checked
    )


def check(inputs: Floats, holds: Flags, names: Sequence[str]) -> tuple[float, float] | None:
    """Return (density, share elsewhere) of boxes found on one half of the draws and counted on the other."""
    inside, outside = [], []
    for search in (slice(0, None, 2), slice(1, None, 2)):
        count = slice(1 - (search.start or 0), None, 2)
        box = find_box(inputs[search], holds[search], names)
        if box is None:
            return None
        within = box.holds_in(inputs[count], names)
        inside.append(holds[count][within])
        outside.append(holds[count][~within])
    density, elsewhere = np.concatenate(inside), np.concatenate(outside)
    if not density.size or not elsewhere.size:
        return None
    return float(density.mean()), float(elsewhere.mean())
