"""The past with the same inferred shocks and other levers, held against what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from outbid.conventions import AFTER, BEFORE, QUANTILES
from outbid.infer.history import thinned
from outbid.model.compile import Layout
from outbid.model.declare import Model
from outbid.question import Context
from outbid.questions.replay.schema import Replay, Replays, replayed_levers
from outbid.run import DRAWS, unseen_vectors
from outbid.simulate.engine import Past, Rerun
from outbid.simulate.futures import finite, summary

Floats = NDArray[np.float64]


def answer(context: Context, asked: Replays, options: Any = None) -> xr.Dataset:
    """Return every replay beside what happened, under every prior set.

    Quantiles of what `happened` and of the replays' `level`, over the window and as a path (`happened_path`, and
    `path` with its difference from what happened); `difference` over the window draw by draw, after the data and
    before them; `levers`, their means over the months that differ, and the share of draws in which one stops at the
    edge of its range; `observes`, whether a series observes just that outcome.
    """
    study = context.study
    model, months = study.model, study.panel.window.months
    rerun, sets = Rerun(context.simulator, len(months)), []
    with context.progress.stage("Replaying the past with other levers", len(context.known)) as stage:
        for known in context.known.values():
            where, z = known.fit.draws.layout, thinned(known.fit.draws.z, DRAWS)
            blank = unseen_vectors(len(z), where.size, context.settings)
            pasts = {
                AFTER: (known.history[AFTER], innovations(model, where, z)),
                BEFORE: (known.history[BEFORE], innovations(model, where, blank)),
            }
            sets.append(replayed(rerun, pasts, asked.replay, months))
            stage.advance()
    return xr.concat(sets, xr.Variable("prior", list(context.known)))


def innovations(model: Model, where: Layout, z: Floats) -> dict[str, Floats]:
    """Return the innovations by noisy index in vectors of shape (draws, size)."""
    blocks = where.split(jnp.asarray(z))[1]
    return {name: np.asarray(blocks[name]) for name in model.noisy}


def replayed(
    rerun: Rerun,
    pasts: Mapping[str, tuple[Past, Mapping[str, Floats]]],
    replays: Sequence[Replay],
    months: tuple[str, ...],
) -> xr.Dataset:
    """Return `answer` under one prior set.

    `pasts`: after the data and before them, with the innovations that made each; `months`: those of the window.
    Raises InputError if a known lever would leave its range.
    """
    model = rerun.simulator.model
    names = [f"outcome.{item.name}" for item in model.outcomes]

    def totals(path: Floats) -> Floats:
        return np.stack([summary(item.summary, path[:, :, i]) for i, item in enumerate(model.outcomes)])

    at, over = ("outcome", "quantile"), ("month", "outcome", "quantile")
    found: dict[str, tuple[tuple[str, ...], Any]] = {}
    paths, levels, differences, levers = [], [], [], []
    for data, (past, made_by) in pasts.items():
        did = finite(np.stack([past.paths[name] for name in names], axis=2))
        base, apart = totals(did), []
        for item in replays:
            other = replayed_levers(model, item, past.levers, months)
            would = finite(rerun.paths(past, made_by, other, names))
            level = totals(would)
            apart.append(level - base)
            if data == AFTER:
                paths.append([quantiles(would), quantiles(would - did)])
                levels.append(quantiles(level.T))
                levers.append(_lever_means(model, item, past.levers, other, months))
        differences.append(apart)
        if data == AFTER:
            found = {"happened_path": (over, quantiles(did)), "happened": (at, quantiles(base.T))}
            same = [[_same(past, name, each.series) for each in model.observations] for name in names]
            observes = np.array(same, bool).reshape(len(names), len(model.observations))
            found["observes"] = (("outcome", "series"), observes)
    found |= {
        "path": (("replay", "kind", *over), np.array(paths)),
        "level": (("replay", *at), np.array(levels)),
        "difference": (("data", "replay", "outcome", "draw"), np.array(differences)),
        "levers": (("replay", "lever", "mean"), np.array(levers)),
    }
    coordinates = {
        "replay": [item.id for item in replays],
        "kind": ["level", "difference"],
        "month": list(months),
        "outcome": [item.name for item in model.outcomes],
        "quantile": list(QUANTILES),
        "data": list(pasts),
        "lever": list(model.lever_names),
        "mean": ["as_it_was", "as_it_would_be", "share_stopped"],
        "series": [item.series for item in model.observations],
    }
    return xr.Dataset(found, coordinates)


def quantiles(draws: Floats) -> Floats:
    """Return the quantiles over the first axis as the last."""
    return np.moveaxis(np.quantile(draws, list(QUANTILES.values()), axis=0), 0, -1)


def _same(past: Past, outcome: str, series: str) -> bool:
    return bool(np.allclose(past.paths[f"sees.{series}"], past.paths[outcome]))


def _lever_means(model: Model, item: Replay, were: Floats, levers: Floats, months: tuple[str, ...]) -> Floats:
    """Return by lever its mean over the months that differ (a median over draws), was and would be, and who stops."""
    means = np.full((len(model.levers), 3), np.nan)
    for name in item.levers:
        column, lever = model.lever_names.index(name), model.lever(name)
        places = item.places(name, months)
        was, would = were[:, places, column], levers[:, places, column]
        edge = ((would == lever.low) | (would == lever.high)) & (would != was)
        stops = edge.any(axis=1).mean() if name in model.inferred_levers else 0.0
        means[column] = np.median(was.mean(axis=1)), np.median(would.mean(axis=1)), stops
    return means
