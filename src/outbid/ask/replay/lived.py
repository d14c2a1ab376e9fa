"""History again, with the same inferred shocks and other levers, held against what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.ask.replay.file import Replay, inferred_levers, replayed_levers
from outbid.ask.replay.rerun import Rerun, Told
from outbid.infer.history import SmoothedHistory as Past
from outbid.model.declare import Model
from outbid.model.vocabulary import Outcome
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.futures import summary

Floats = NDArray[np.float64]
# Median, and the ends of the 90% interval and of the middle half.
SHARES = (0.5, 0.05, 0.25, 0.75, 0.95)


@dataclass(frozen=True)
class Band:
    """A path over the draws: shape (5, months), the quantiles of `SHARES`."""

    quantiles: Floats

    @classmethod
    def of(cls, path: Floats) -> Band:
        """Return the band of paths of shape (draws, months)."""
        return cls(np.quantile(path, SHARES, axis=0))


@dataclass(frozen=True)
class Contrast:
    """One replay against what happened, on one outcome.

    Parameters
    ----------
    path, difference_path
        What would have happened, month by month, and how it differs draw by draw.
    level, difference
        The same over the whole window, summed up as the outcome declares: quantiles of `SHARES`.
    probability_better, prior_probability_better
        That it would have been better than what happened, after and before the data; ties count half.
    """

    replay: str
    outcome: str
    path: Band
    difference_path: Band
    level: Floats
    difference: Floats
    probability_better: float
    prior_probability_better: float


@dataclass(frozen=True)
class Setting:
    """What a replay does to one lever: medians over draws of its mean over the months that differ.

    `stopped` is the share of draws in which the lever stops at the edge of its range in some month.
    """

    replay: str
    lever: str
    first: int
    last: int
    was: float
    would_be: float
    stopped: float


@dataclass(frozen=True)
class Replayed:
    """What happened and what would have, under one prior set.

    Parameters
    ----------
    happened, levels
        By outcome: the inferred past, month by month, and over the window (quantiles of `SHARES`).
    seen
        By outcome, the series of figures that see the outcome itself, unscaled.
    """

    outcomes: tuple[Outcome, ...]
    replays: tuple[Replay, ...]
    happened: Mapping[str, Band]
    levels: Mapping[str, Floats]
    contrasts: tuple[Contrast, ...]
    settings: tuple[Setting, ...]
    seen: Mapping[str, tuple[str, ...]]


def replay(lab: BatchSimulator, told: Told, unseen: Told, replays: Sequence[Replay]) -> Replayed:
    """Live through a past again under every replay, and hold it against what happened.

    Parameters
    ----------
    unseen
        The same from the prior alone, to see what the data change.

    Raises
    ------
    InputError
        If a known lever would leave its range.
    """
    model, rerun = lab.model, Rerun(lab, told.past.levers.shape[1])
    names = [f"outcome.{item.name}" for item in model.outcomes]
    contrasts: list[Contrast] = []
    settings: list[Setting] = []
    for item in replays:
        levers = replayed_levers(model, item, told.past.levers)
        settings += _settings(model, item, told.past.levers, levers)
        would = rerun.paths(told, levers, names)
        other = rerun.paths(unseen, replayed_levers(model, item, unseen.past.levers), names)
        for i, outcome in enumerate(model.outcomes):
            did = told.past.paths[names[i]]
            level, base = summary(outcome, would[:, :, i]), summary(outcome, did)
            before = summary(outcome, other[:, :, i]) - summary(outcome, unseen.past.paths[names[i]])
            contrasts.append(
                Contrast(
                    item.id,
                    outcome.name,
                    Band.of(would[:, :, i]),
                    Band.of(would[:, :, i] - did),
                    np.quantile(level, SHARES),
                    np.quantile(level - base, SHARES),
                    _better(outcome, level - base),
                    _better(outcome, before),
                )
            )
    happened = {item.name: told.past.paths[name] for item, name in zip(model.outcomes, names, strict=True)}
    return Replayed(
        model.outcomes,
        tuple(replays),
        {name: Band.of(path) for name, path in happened.items()},
        {item.name: np.quantile(summary(item, happened[item.name]), SHARES) for item in model.outcomes},
        tuple(contrasts),
        tuple(settings),
        _seen(model, told.past),
    )


def _settings(model: Model, item: Replay, were: Floats, levers: Floats) -> list[Setting]:
    """Return what a replay does to each lever that it names."""
    found = []
    for name in dict.fromkeys(change.lever for change in item.changes):
        column, lever = model.lever_names.index(name), model.lever(name)
        own = [change for change in item.changes if change.lever == name]
        months = np.concatenate([np.arange(change.first, change.last + 1) for change in own])
        was, would = were[:, months, column], levers[:, months, column]
        edge = (would == lever.low) | (would == lever.high)
        stops = edge & (would != was) if name in inferred_levers(model) else np.zeros_like(edge)
        found.append(
            Setting(
                item.id,
                name,
                int(months.min()),
                int(months.max()),
                float(np.median(was.mean(axis=1))),
                float(np.median(would.mean(axis=1))),
                float(stops.any(axis=1).mean()),
            )
        )
    return found


def _better(outcome: Outcome, difference: Floats) -> float:
    sign = 1.0 if outcome.better == "higher" else -1.0
    return float(np.mean(sign * difference > 0) + 0.5 * np.mean(difference == 0))


def _seen(model: Model, past: Past) -> dict[str, tuple[str, ...]]:
    """Return by outcome the series that see just that: the same path in every draw and month."""
    return {
        outcome.name: tuple(
            item.series
            for item in model.observations
            if np.allclose(past.paths[f"sees.{item.series}"], past.paths[f"outcome.{outcome.name}"])
        )
        for outcome in model.outcomes
    }
