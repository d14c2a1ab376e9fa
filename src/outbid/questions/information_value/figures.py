"""Figures that an analyst could collect: what they see of a run, how exactly, and synthetic ones drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import expit, logit

if TYPE_CHECKING:
    from outbid.questions.information_value.schema import Measure

Floats = NDArray[np.float64]

# What overflowed is no figure; a count of infinite mean would never be drawn.
LARGEST = 1e9
# Figures below this share of a draw's mean level are as good as zero when ratios are taken.
SMALL = 1e-12


def _value(given: float | str, parameters: Mapping[str, Floats]) -> Floats:
    """Return a number, or each draw's value of a parameter, shape (1, 1) or (draws, 1)."""
    return parameters[given][:, None] if isinstance(given, str) else np.full((1, 1), given)


@dataclass(frozen=True)
class RelativeError:
    """An estimate that is off by a factor: lognormal, `sd` in log points or the name of a parameter that says so."""

    sd: float | str

    def draw(
        self, seen: Floats, shared: Floats, parameters: Mapping[str, Floats], chance: np.random.Generator
    ) -> Floats:
        """Return positive figures; `shared` is in log points."""
        error = _value(self.sd, parameters) * chance.standard_normal(seen.shape)
        return np.asarray(np.maximum(seen, SMALL) * np.exp(shared[:, None] + error))

    def scaled(self, figures: Floats) -> Floats:
        """Return logarithms."""
        return np.asarray(np.log(figures))


@dataclass(frozen=True)
class AbsoluteError:
    """An estimate that is off by so much: normal, `sd` in the unit of what is seen."""

    sd: float | str

    def draw(
        self, seen: Floats, shared: Floats, parameters: Mapping[str, Floats], chance: np.random.Generator
    ) -> Floats:
        """Return figures of either sign; `shared` is in the unit of what is seen."""
        error = _value(self.sd, parameters) * chance.standard_normal(seen.shape)
        return np.asarray(seen + shared[:, None] + error)

    def scaled(self, figures: Floats) -> Floats:
        """Return the figures themselves."""
        return figures


@dataclass(frozen=True)
class Tally:
    """A count: Poisson, or negative binomial with a `concentration` (a number or a parameter) where it is ragged."""

    concentration: float | str | None = None

    def draw(
        self, seen: Floats, shared: Floats, parameters: Mapping[str, Floats], chance: np.random.Generator
    ) -> Floats:
        """Return whole numbers; `shared` is in log points."""
        mean = np.maximum(seen, 0.0) * np.exp(shared[:, None])
        if self.concentration is not None:
            shape = np.broadcast_to(_value(self.concentration, parameters), mean.shape)
            mean = mean * chance.gamma(shape) / shape
        return np.asarray(chance.poisson(np.minimum(mean, LARGEST)), dtype=float)

    def scaled(self, figures: Floats) -> Floats:
        """Return square roots, on which counts spread evenly (Anscombe, 1948)."""
        return np.asarray(np.sqrt(figures + 0.375))


@dataclass(frozen=True)
class Survey:
    """A share of `people` who are asked: binomial.

    `odds` turns an index into the share who answer yes: its log odds grow by so much per index point. Without
    it, what is seen is a share already.
    """

    people: int
    odds: float | None = None

    def draw(
        self, seen: Floats, shared: Floats, parameters: Mapping[str, Floats], chance: np.random.Generator
    ) -> Floats:
        """Return shares of those asked; `shared` is in log odds."""
        level = logit(np.clip(seen, 1e-9, 1 - 1e-9)) if self.odds is None else self.odds * seen
        return np.asarray(chance.binomial(self.people, expit(level + shared[:, None])) / self.people)

    def scaled(self, figures: Floats) -> Floats:
        """Return log odds, with half an answer on either side so that they stay finite."""
        return np.asarray(np.log((figures * self.people + 0.5) / ((1 - figures) * self.people + 0.5)))


# How a figure comes about: `draw` gives figures for what is seen (draws, figures) and an error that a draw's figures
# share (draws,); `scaled` puts them on the scale on which equal steps mean about the same.
Law = RelativeError | AbsoluteError | Tally | Survey


def expected(measure: Measure, path: Floats, parameters: Mapping[str, Floats], adds: bool) -> Floats:
    """Return what each figure sees, shape (draws, figures), from a path of exactly its months (draws, months).

    `adds` says whether a figure adds up its months; otherwise it is their mean.
    """
    draws, months = path.shape
    cut = path[:, : months - months % measure.every].reshape(draws, -1, measure.every)
    added = cut.sum(axis=2) if adds else cut.mean(axis=2)
    seen = cut[:, :, -1] if isinstance(measure.law, Survey) else added
    return np.asarray(seen * _value(measure.times, parameters))


def figures(
    measure: Measure, path: Floats, parameters: Mapping[str, Floats], adds: bool, chance: np.random.Generator
) -> Floats:
    """Return one synthetic record per draw, shape (draws, figures); NaN throughout where a path overflowed."""
    seen = expected(measure, path, parameters, adds)
    usable = np.asarray((np.abs(seen) < LARGEST).all(axis=1))
    seen = np.where(usable[:, None], seen, 1.0)
    shared = measure.shared_error * chance.standard_normal(len(seen))
    drawn = measure.law.draw(seen, shared, parameters, chance)
    return np.where(usable[:, None], drawn, np.nan)


def signal(measure: Measure, drawn: Floats) -> Floats:
    """Return a record as level, trend and ever finer swings, shape (draws, figures): a cosine transform of it."""
    return np.asarray(dct(measure.law.scaled(drawn), axis=1, norm="ortho"))
