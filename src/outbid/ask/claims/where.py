"""Where a claim holds and where it fails: the draw that contradicts it most, and the box in which it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from outbid.ask.claims.intervene import Effect
from outbid.model.compile import from_scale
from outbid.model.declare import Model
from outbid.simulate.engine import Standing
from outbid.stats.boxes import Box, find_box

Floats = NDArray[np.float64]
# How many inputs a box is looked for in: those that go most with the effect.
CANDIDATES = 12
# Told of the worst run, and below what share of draws (or above what) a claim has no boundary worth drawing.
APART, FEW = 3, 0.02


@dataclass(frozen=True)
class Inputs:
    """What a draw consists of: parameters, and today's states in their own unit; `ranks` are in 0 to 1."""

    names: tuple[str, ...]
    values: Floats
    ranks: Floats


@dataclass(frozen=True)
class Worst:
    """The draw with the effect most against a claim.

    `apart` holds (input, value, place among the draws from 0 to 1) of the inputs that set it apart: far out, and
    such as move the effect.
    """

    draw: int
    effect: float
    apart: tuple[tuple[str, float, float], ...]
    with_it: Floats
    without_it: Floats


def inputs_of(model: Model, standing: Standing) -> Inputs:
    """Return what the draws consist of, without what is the same in all of them."""
    names = [*model.parameter_names, *(item.name for item in model.stocks)]
    columns = [*standing.parameters.T, *(standing.state[item.name] for item in model.stocks)]
    for index in model.indices:
        names.append(index.name)
        columns.append(np.asarray(from_scale(index.scale, standing.state[index.name])))
    values = np.stack(columns, axis=1)
    varied = np.ptp(values, axis=0) > 0
    values = values[:, varied]
    ranks = (rankdata(values, axis=0) - 0.5) / len(values)
    return Inputs(tuple(name for name, keep in zip(names, varied, strict=True) if keep), values, ranks)


def association(inputs: Inputs, effect: Floats) -> Floats:
    """Return each input's rank correlation with an effect (Spearman 1904), shape (inputs,)."""
    centred = rankdata(np.nan_to_num(effect)) / len(effect)
    centred = centred - centred.mean()
    ranks = inputs.ranks - 0.5
    size = np.sqrt((ranks**2).sum(axis=0) * (centred**2).sum())
    return np.asarray(np.divide(centred @ ranks, size, out=np.zeros(len(size)), where=size > 0))


def worst(sign: int, effect: Effect, inputs: Inputs) -> Worst | None:
    """Return the draw that contradicts the claim most; None if none does."""
    right = np.where(np.isfinite(effect.difference), sign * effect.difference, np.inf)
    draw = int(np.argmin(right))
    if right[draw] >= 0:
        return None
    score = np.abs(association(inputs, effect.difference)) * np.abs(norm.ppf(inputs.ranks[draw]))
    apart = tuple(
        (inputs.names[i], float(inputs.values[draw, i]), float(inputs.ranks[draw, i]))
        for i in np.argsort(-score, kind="stable")[:APART]
    )
    difference = float(effect.difference[draw])
    return Worst(draw, difference, apart, effect.with_it[draw], effect.without_it[draw])


def box(holds: NDArray[np.bool_], inputs: Inputs) -> Box | None:
    """Return the box of parameters and states in which a claim holds; None where it holds almost always or never."""
    if not FEW <= holds.mean() <= 1.0 - FEW:
        return None
    close: Sequence[int] = np.argsort(-np.abs(association(inputs, holds.astype(float))), kind="stable")[
        :CANDIDATES
    ].tolist()
    return find_box(inputs.values[:, close], holds, [inputs.names[i] for i in close])
