"""From mechanisms to one step function, and from steps to a path; and a look into one month of it.

`build_step` turns a Model into a pure function of (state, innovations, levers, parameters); `build_run` scans it over
months. Both are plain JAX: the same function is simulated, differentiated, batched and put on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, Literal
from jax.scipy.special import expit
from jax.scipy.special import logit as _logit

from outbid.model.declare import Model, Names
from outbid.model.trace import returned
from outbid.model.vocabulary import Count, Derived, Drift, Flow, Mechanism, Scalar

# A hazard of 60 a month empties a stock within hours; beyond it only overflow is to be gained.
HIGHEST_HAZARD = 60.0

State = dict[str, Array]
Step = Callable[
    [State, Mapping[str, Scalar], Mapping[str, Scalar], Mapping[str, Scalar], Mapping[str, Scalar]], Any
]


def to_scale(scale: str, value: Scalar) -> Array:
    """Return an index's value on the scale where its drifts add up."""
    if scale == "log":
        return jnp.log(value)
    return _logit(value) if scale == "logit" else jnp.asarray(value)


def from_scale(scale: str, value: Scalar) -> Array:
    """Return an index's value from the scale where its drifts add up."""
    if scale == "log":
        return jnp.exp(value)
    return expit(value) if scale == "logit" else jnp.asarray(value)


def leaving_share(hazard: Scalar) -> Array:
    """Return (1 - exp(-hazard)) / hazard, the share leaving within a month per unit of hazard; 1 at zero."""
    tiny = hazard < 1e-8
    safe = jnp.where(tiny, 1.0, hazard)
    return jnp.where(tiny, 1.0 - 0.5 * hazard, -jnp.expm1(-safe) / safe)


def initial_state(model: Model, p: Mapping[str, Scalar]) -> State:
    """Return the opening state: stocks in persons, indices on their own scale."""

    def value(initial: str | float) -> Array:
        return jnp.asarray(p[initial] if isinstance(initial, str) else initial, dtype=float)

    state = {stock.name: value(stock.initial) for stock in model.stocks}
    return state | {index.name: to_scale(index.scale, value(index.initial)) for index in model.indices}


def build_step(model: Model) -> Step:
    """Return the step: (state, innovations, levers, last month's levers, parameters) -> (state, month).

    The month is a dict: opening states, quantities and counts under their names, persons moved under
    `moved.<mechanism>` and `moved.<mechanism>_to_<target>`, outcomes and observations under `outcome.<name>` and
    `sees.<series>`. Competing hazards h_j share what leaves a stock in a month, n (1 - exp(-Σh)) h_j / Σh, so no stock
    is ever overdrawn and the number of people never changes.
    """
    mechanisms = {item.name: item for item in model.mechanisms}
    quantities = {f"quantity {item.name}": item for item in model.quantities}
    indices = {item.name: item for item in model.indices}

    def step(
        state: State,
        innovations: Mapping[str, Scalar],
        levers: Mapping[str, Scalar],
        previous: Mapping[str, Scalar],
        p: Mapping[str, Scalar],
    ) -> tuple[State, dict[str, Array]]:
        month: dict[str, Any] = {stock.name: state[stock.name] for stock in model.stocks}
        month |= {name: from_scale(index.scale, state[name]) for name, index in indices.items()}
        s, parameters = Names(month), Names(p)
        u = Names({**levers, "previous": Names(previous)})
        flows: list[tuple[str, Flow]] = []
        drifts: list[Drift] = []
        for name in model.order:
            if name in quantities:
                month[quantities[name].name] = quantities[name].function(s, u, parameters)
                continue
            for effect in returned(mechanisms[name].function(s, u, parameters)):
                if isinstance(effect, Count):
                    month[effect.name] = effect.mean
                elif isinstance(effect, Flow):
                    flows.append((name, effect))
                else:
                    drifts.append(effect)

        moved, following = _move(state, flows)
        for drift in drifts:
            index = indices[drift.index]
            after = state[drift.index] + drift.change
            if drift.noise:
                after = after + p[drift.noise] * innovations[drift.index]
            low, high = (to_scale(index.scale, bound) for bound in index.range)
            following[drift.index] = jnp.clip(after, low, high)
        m = Names(moved)
        watched = {f"outcome.{item.name}": item.function(s, u, parameters, m) for item in model.outcomes}
        watched |= {f"sees.{item.series}": item.function(s, u, parameters, m) for item in model.observations}
        return following, {
            **month,
            **{f"lever.{name}": value for name, value in levers.items()},
            **{f"moved.{name}": value for name, value in moved.items()},
            **watched,
        }

    return step


def _move(state: State, flows: Sequence[tuple[str, Flow]]) -> tuple[dict[str, Array], State]:
    """Share out each stock among its competing hazards; return persons moved by name, and the new stocks."""
    hazards: dict[str, list[Array]] = {}
    held = [jnp.clip(flow.hazard, 0.0, HIGHEST_HAZARD) for _, flow in flows]
    for (_, flow), hazard in zip(flows, held, strict=True):
        hazards.setdefault(flow.source, []).append(hazard)
    totals = {source: sum(each[1:], start=each[0]) for source, each in hazards.items()}
    per_hazard = {source: state[source] * leaving_share(total) for source, total in totals.items()}
    moved: dict[str, Array] = {}
    following = dict(state)
    for source, total in totals.items():
        # Those who stay, not the rest after the moves: rounding would now and then leave less than nobody.
        following[source] = state[source] * jnp.exp(-total)
    for (mechanism, flow), hazard in zip(flows, held, strict=True):
        persons = per_hazard[flow.source] * hazard
        for name in (mechanism, f"{mechanism}_to_{flow.target}"):
            moved[name] = moved[name] + persons if name in moved else persons
        following[flow.target] = following[flow.target] + persons
    return moved, following


def history_levers(
    model: Model, known: Array, innovations: Mapping[str, Array], p: Mapping[str, Scalar]
) -> Array:
    """Return the lever matrix (months, levers) of the past: known columns, and inferred ones."""
    levers = jnp.asarray(known)
    for history in model.lever_histories:
        for name, path in history.function(innovations[history.name], Names(p)).items():
            levers = levers.at[:, model.lever_names.index(name)].set(path)
    return levers


def monthly_innovations(model: Model, innovations: Mapping[str, Array], months: int) -> Array:
    """Return innovations as a (months, noisy indices) matrix, each held for its index's `noise_months`."""
    columns = [jnp.repeat(innovations[name], model.index(name).noise_months)[:months] for name in model.noisy]
    return jnp.stack(columns, axis=1) if columns else jnp.zeros((months, 0))


def build_run(
    model: Model, outputs: Sequence[str]
) -> Callable[[Mapping[str, Scalar], Array, Array, State, Array], tuple[State, Array]]:
    """Return the run: (parameters, innovations, levers, opening state, levers before) -> (state, path).

    The path has shape (months, len(outputs)); `outputs` are names of the month's dict, see `build_step`. Innovations
    have shape (months, noisy indices), levers (months, levers).
    """
    step = build_step(model)
    names = [*(stock.name for stock in model.stocks), *(index.name for index in model.indices)]

    def run(
        p: Mapping[str, Scalar], innovations: Array, levers: Array, state: State, before: Array
    ) -> tuple[State, Array]:
        previous = jnp.concatenate([before[None, :], levers[:-1]])

        # One packed vector between months, and the month computed again on the way back, halve the time
        # of a gradient.
        @jax.checkpoint
        def advance(packed: Array, row: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            noise, now, last = row
            following, month = step(
                dict(zip(names, packed, strict=True)),
                dict(zip(model.noisy, noise, strict=True)),
                dict(zip(model.lever_names, now, strict=True)),
                dict(zip(model.lever_names, last, strict=True)),
                p,
            )
            seen = jnp.stack([jnp.asarray(month[name], dtype=float) for name in outputs])
            return jnp.stack([following[name] for name in names]), seen

        opening = jnp.stack([state[name] for name in names])
        closing, path = jax.lax.scan(advance, opening, (innovations, levers, previous))
        return dict(zip(names, closing, strict=True)), path

    return run


Values = Mapping[str, Scalar]
Adjust = Callable[[str, Scalar], Scalar]
Effects = dict[str, tuple[Any, ...]]


def evaluate(
    model: Model, p: Values, states: Values, levers: Values, previous: Values, adjust: Adjust
) -> tuple[Effects, dict[str, Any]]:
    """Work out one month by the engine's own step, with every quantity and count passed through `adjust`.

    Returned: what each mechanism gave back, by its name and before adjusting, and the month (see `build_step`). What
    reads a quantity or a count sees what `adjust(name, value)` made of it.
    """
    effects: Effects = {}

    def quantity(item: Derived) -> Derived:
        return replace(item, function=lambda s, u, p: adjust(item.name, item.function(s, u, p)))

    def mechanism(item: Mechanism) -> Mechanism:
        # The step keeps no hazards and drifts, only what came of them; so they are caught on their way.
        def function(s: Any, u: Any, p: Any) -> tuple[Any, ...]:
            effects[item.name] = returned(item.function(s, u, p))
            return tuple(
                replace(effect, mean=adjust(effect.name, effect.mean))
                if isinstance(effect, Count)
                else effect
                for effect in effects[item.name]
            )

        return replace(item, function=function)

    adjusted = replace(
        model,
        quantities=tuple(quantity(item) for item in model.quantities),
        mechanisms=tuple(mechanism(item) for item in model.mechanisms),
    )
    state = {stock.name: states[stock.name] for stock in model.stocks}
    state |= {index.name: to_scale(index.scale, states[index.name]) for index in model.indices}
    _, month = build_step(adjusted)(state, dict.fromkeys(model.noisy, 0.0), levers, previous, p)
    return effects, month


def in_log(slope: Array, level: Array) -> Array:
    """Return the slope of a logarithm: slope / level, and zero where the slope is (even at level zero)."""
    return jnp.where(slope == 0.0, 0.0, slope / level)


def inputs_of_outputs(traced: ClosedJaxpr) -> list[frozenset[int]]:
    """Return, for each output of a traced function, the numbers of the inputs that it is computed from."""
    sources: dict[Any, frozenset[int]] = {
        variable: frozenset([number]) for number, variable in enumerate(traced.jaxpr.invars)
    }

    def behind(atom: Any) -> frozenset[int]:
        return frozenset() if isinstance(atom, Literal) else sources.get(atom, frozenset())

    for equation in traced.jaxpr.eqns:
        union = frozenset[int]().union(*(behind(atom) for atom in equation.invars))
        sources.update(dict.fromkeys(equation.outvars, union))
    return [behind(atom) for atom in traced.jaxpr.outvars]
