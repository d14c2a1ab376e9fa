"""Check that every index's anchor holds, by differentiating the relation that it names.

An anchor is what makes a latent index mean something; one that a mechanism contradicts would turn every statement about
that index round without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from outbid.errors import InputError, check_name
from outbid.model.compile import Effects, Values, evaluate, from_scale, in_log, initial_state
from outbid.model.declare import Model
from outbid.model.priors import PriorTable, from_standard_normal
from outbid.model.vocabulary import Anchor, Count, Drift, Flow, Index, Scalar

KINDS = ("hazard", "count", "drift", "observation")
# How far states are moved from where the model starts, in logs for persons and on an index's own scale.
SPREAD = 0.5
# A response this small is rounding, not a wrong sign.
ROUNDING = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Relation:
    """An anchor taken apart: the response of `kind`:`name` to `varied` fixes `index`."""

    index: str
    anchor: Anchor
    kind: str
    name: str
    varied: str

    @property
    def where(self) -> str:
        return f"index {self.index!r}, anchor {self.anchor.through!r}"


def check_anchors(model: Model, tables: Mapping[str, PriorTable], draws: int = 64, seed: int = 0) -> None:
    """Check every index's anchor at random draws from every prior set, at and around the opening state.

    The response to the index (or to what the anchor's `of` names) is taken by differentiation, with quantities and counts
    worked out again unless they are what is varied. It must have the anchor's sign wherever it isn't exactly zero (a clip
    may hold it), must not be zero everywhere, and must equal the anchor's coefficient where it has one. Responses are per
    unit of what is varied, an index in its natural value. Every second draw is at a state moved at random.
    """
    relations = [_relation(model, index) for index in model.indices]
    if not relations or not tables:
        return
    responses = _responses(model, relations, list(tables.values()), draws, np.random.default_rng(seed))
    for prior_set, by_draw in zip(tables, responses, strict=True):
        for relation, response in zip(relations, by_draw.T, strict=True):
            _judge(relation, response, prior_set)


def _relation(model: Model, index: Index) -> _Relation:
    anchor = index.anchor
    assert anchor is not None  # `declare` refuses an index without one
    kind, _, name = anchor.through.partition(":")
    relation = _Relation(index.name, anchor, kind, name, anchor.of or index.name)
    check_name(kind, KINDS, relation.where, f"unknown kind of relation {kind!r}")
    known: dict[str, Collection[str]] = {
        "hazard": [flow.mechanism for flow in model.flows],
        "count": model.counts,
        "drift": [item.name for item in model.indices],
        "observation": [item.series for item in model.observations],
    }
    what = {"hazard": "mechanism with a flow", "drift": "index"}.get(kind, kind)
    check_name(name, known[kind], relation.where, f"there is no {what} {name!r}")
    variable = (*model.readable, *model.lever_names)
    check_name(relation.varied, variable, relation.where, f"varies the unknown {relation.varied!r}")
    if anchor.sign not in (-1, 1):
        raise InputError(relation.where, f"the sign is {anchor.sign!r}", "Give +1 or -1.")
    if (relation.varied == index.name) == (anchor.through == f"drift:{index.name}"):
        # Turn the index round: a response of the index to itself, or of others to others, stays as it was.
        problem = f"the response to {relation.varied!r} is the same whichever way round {index.name!r} is"
        fix = f"Fix what {index.name!r} does to something else, or what something else does to its drift."
        raise InputError(relation.where, problem, fix)
    return relation


def _responses(
    model: Model,
    relations: list[_Relation],
    tables: list[PriorTable],
    draws: int,
    random: np.random.Generator,
) -> Floats:
    """Return the response that each anchor fixes, shape (prior sets, draws, anchors)."""
    seen = {relation.name for relation in relations if relation.kind == "observation"}
    observations = tuple(item for item in model.observations if item.series in seen)
    bare = replace(model, outcomes=(), observations=observations)
    varied = tuple(dict.fromkeys(relation.varied for relation in relations))
    columns = np.array([varied.index(relation.varied) for relation in relations])
    in_logs = np.array([relation.kind != "drift" for relation in relations])
    low, high = (np.array([getattr(lever, end) for lever in model.levers]) for end in ("low", "high"))

    def one(parameters: Array, moves: Array, shares: Array) -> Array:
        p = dict(zip(model.parameter_names, parameters, strict=True))
        states = _states(model, p, moves)
        paths = (low + (high - low) * each for each in shares)
        now, before = (dict(zip(model.lever_names, path, strict=True)) for path in paths)

        def outputs(nudges: Array) -> tuple[Array, Array]:
            nudge = dict(zip(varied, nudges, strict=True))

            def adjust(name: str, value: Scalar) -> Scalar:
                return value + nudge.get(name, 0.0)

            nudged = {name: adjust(name, value) for name, value in states.items()}
            # A lever may share its name with something else, which then is what is meant.
            own = {name: adjust(name, value) for name, value in now.items() if name not in model.readable}
            effects, month = evaluate(bare, p, nudged, {**now, **own}, before, adjust)
            watched = (_value(relation, effects, month) for relation in relations)
            values = jnp.stack([jnp.asarray(each, dtype=float) for each in watched])
            return values, values

        slopes, values = jax.jacfwd(outputs, has_aux=True)(jnp.zeros(len(varied)))
        slope = slopes[np.arange(len(relations)), columns]
        return jnp.where(in_logs, in_log(slope, values), slope)

    shape = (len(tables), draws)
    z = random.standard_normal((*shape, len(model.parameters)))
    # On its own: fused with what follows, the quantile function is compiled once per parameter, for seconds.
    quantiles = jax.jit(from_standard_normal)
    parameters = np.stack([quantiles(z[i], table) for i, table in enumerate(tables)])
    moves = random.standard_normal((*shape, len(model.states)))
    moves *= (np.arange(draws) % 2)[None, :, None]
    # Inside their ranges: at the ends some hazards are zero, and a logarithm has no slope there.
    shares = random.uniform(0.05, 0.95, (*shape, 2, len(model.levers)))
    return np.asarray(jax.jit(jax.vmap(jax.vmap(one)))(parameters, moves, shares))


def _states(model: Model, p: Values, moves: Array) -> dict[str, Array]:
    """Return natural values at the opening state, moved by standard normals; zero moves nothing."""
    opening = initial_state(model, p)
    states: dict[str, Array] = {}
    for stock, move in zip(model.stocks, moves, strict=False):
        one_more = jnp.where(move == 0.0, 0.0, 1.0)  # so that an empty stock is moved too
        states[stock.name] = (opening[stock.name] + one_more) * jnp.exp(SPREAD * move)
    for index, move in zip(model.indices, moves[len(model.stocks) :], strict=True):
        value = opening[index.name] + SPREAD * move
        states[index.name] = jnp.clip(from_scale(index.scale, value), *index.range)
    return states


def _value(relation: _Relation, effects: Effects, month: Mapping[str, Any]) -> Scalar:
    """Return what an anchor watches, out of one month's effects."""
    if relation.kind == "observation":
        return month[f"sees.{relation.name}"]
    if relation.kind == "hazard":
        return next(item.hazard for item in effects[relation.name] if isinstance(item, Flow))
    every = [item for each in effects.values() for item in each]
    if relation.kind == "count":
        return next(item.mean for item in every if isinstance(item, Count) and item.name == relation.name)
    return next(item.change for item in every if isinstance(item, Drift) and item.index == relation.name)


def _judge(relation: _Relation, response: Floats, prior_set: str) -> None:
    """Complain if an anchor doesn't hold in the draws of one prior set; response has shape (draws,)."""
    anchor = relation.anchor
    what = f"under the {prior_set} prior, the response to {relation.varied!r}"

    def of_draws(these: Floats) -> str:
        return f"in {these.size} of {response.size} draws"

    if not np.isfinite(response).all():
        problem = f"{what} is not a finite number {of_draws(response[~np.isfinite(response)])}"
        raise InputError(relation.where, problem, "Keep the relation defined for all states.")
    moved = response[np.abs(response) > ROUNDING]
    if not moved.size:
        fix = f"Let {relation.varied!r} enter there, or choose another anchor."
        raise InputError(relation.where, f"{what} is zero {of_draws(response)}", fix)
    wrong = moved[moved * anchor.sign < 0]
    if wrong.size:
        problem = f"{what} should have the sign {anchor.sign:+d}, but is {wrong[0]:+.3g} {of_draws(wrong)}"
        fix = "Turn the sign round there or in the anchor, or give what multiplies it a prior of one sign."
        raise InputError(relation.where, problem, fix)
    if anchor.coefficient is None:
        return
    tolerance = max(1e-6, 1e3 * float(np.finfo(jnp.result_type(float)).eps))
    off = moved[np.abs(moved - anchor.coefficient) > tolerance]
    if off.size:
        problem = f"{what} should be {anchor.coefficient:g}, but is {off[0]:.6g} {of_draws(off)}"
        fix = "Write that coefficient there, with no parameter on it, or leave it out of the anchor."
        raise InputError(relation.where, problem, fix)
