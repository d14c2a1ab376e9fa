"""From mechanisms to one step function, from steps to a path, and from one vector of standard normals to all of it.

`build_step` turns a Model into a pure function of (state, innovations, levers, parameters); `build_run` scans it over
months; `unpack` gives what it takes. All are plain JAX: simulated, differentiated, batched and put on a GPU alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, Literal
from jax.scipy.special import expit
from jax.scipy.special import logit as _logit

from outbid.model.checks import Names, returned
from outbid.model.declare import Model
from outbid.model.priors import PriorTable, from_standard_normal
from outbid.model.vocabulary import Count, Derived, Drift, Flow, Mechanism, Scalar

# A hazard of 60 a month empties a stock within hours; beyond it only overflow is to be gained.
HIGHEST_HAZARD = 60.0

State = dict[str, Array]
Values = Mapping[str, Scalar]
Step = Callable[[State, Values, Values, Values, Values], tuple[State, dict[str, Array]]]


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


def scaled(model: Model, values: Values) -> State:
    """Return the state with these natural values: stocks in persons, indices on their own scale."""
    state = {stock.name: values[stock.name] for stock in model.stocks}
    return state | {index.name: to_scale(index.scale, values[index.name]) for index in model.indices}


def natural(model: Model, state: Values) -> dict[str, Array]:
    """Return a state's natural values."""
    values = {stock.name: state[stock.name] for stock in model.stocks}
    return values | {index.name: from_scale(index.scale, state[index.name]) for index in model.indices}


def initial_state(model: Model, p: Values) -> State:
    """Return the opening state."""
    starts = {each.name: each.initial for group in (model.stocks, model.indices) for each in group}
    given = {name: p[each] if isinstance(each, str) else each for name, each in starts.items()}
    return scaled(model, {name: jnp.asarray(value, dtype=float) for name, value in given.items()})


def build_step(model: Model) -> Step:
    """Return the step: (state, innovations, levers, last month's levers, parameters) -> (state, month).

    The month is a dict: opening states, quantities and counts under their names, persons moved under
    `moved.<mechanism>` and `moved.<mechanism>_to_<target>`, outcomes and observations under `outcome.<name>` and
    `sees.<series>`. Competing hazards h_j share what leaves a stock in a month, n (1 - exp(-Σh)) h_j / Σh, so no stock
    is ever overdrawn and the number of people never changes.
    """
    functions: dict[str, Derived | Mechanism] = {f"quantity {item.name}": item for item in model.quantities}
    functions |= {item.name: item for item in model.mechanisms}
    indices = {item.name: item for item in model.indices}

    def step(
        state: State, innovations: Values, levers: Values, previous: Values, p: Values
    ) -> tuple[State, dict[str, Array]]:
        month: dict[str, Any] = natural(model, state)
        s, parameters = Names(month), Names(p)
        u = Names({**levers, "previous": Names(previous)})
        flows: list[tuple[str, Flow]] = []
        drifts: list[Drift] = []
        for name in model.order:
            with jax.named_scope(name):  # a fault of an engine can name it
                effects = returned(functions[name].function(s, u, parameters))
            for effect in effects:
                if isinstance(effect, Count):
                    month[effect.name] = effect.mean
                elif isinstance(effect, Flow):
                    flows.append((name, effect))
                elif isinstance(effect, Drift):
                    drifts.append(effect)
                else:
                    month[functions[name].name] = effect

        moved, following = _move(state, flows)
        for drift in drifts:
            index = indices[drift.index]
            after = state[drift.index] + drift.change
            if drift.noise:
                after = after + p[drift.noise] * innovations[drift.index]
            low, high = (to_scale(index.scale, bound) for bound in index.range)
            following[drift.index] = jnp.clip(after, low, high)
        m = Names(moved)
        watching: dict[str, Any] = {f"outcome.{item.name}": item.function for item in model.outcomes}
        watching |= {f"sees.{item.series}": item.function for item in model.observations}
        watched = {}
        for name, function in watching.items():
            with jax.named_scope(name):
                watched[name] = function(s, u, parameters, m)
        month |= {f"lever.{name}": value for name, value in levers.items()}
        month |= {f"moved.{name}": value for name, value in moved.items()}
        return following, month | watched

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


def history_levers(model: Model, known: Array, innovations: Mapping[str, Array], p: Values) -> Array:
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


def build_month(model: Model, outputs: Sequence[str]) -> Callable[..., tuple[State, Array]]:
    """Return the step in vectors: (state, innovations, levers, last month's levers, parameters) -> (state, outputs).

    Innovations and levers are in the model's order; `outputs` are names of the month's dict, see `build_step`.
    """
    step = build_step(model)

    def month(state: State, noise: Array, now: Array, last: Array, p: Values) -> tuple[State, Array]:
        following, seen = step(
            state,
            dict(zip(model.noisy, noise, strict=True)),
            dict(zip(model.lever_names, now, strict=True)),
            dict(zip(model.lever_names, last, strict=True)),
            p,
        )
        return following, jnp.stack([jnp.asarray(seen[name], dtype=float) for name in outputs])

    return month


def build_run(
    model: Model, outputs: Sequence[str]
) -> Callable[[Values, Array, Array, State, Array], tuple[State, Array]]:
    """Return the run: (parameters, innovations, levers, opening state, levers before) -> (state, path).

    The path has shape (months, outputs), innovations (months, noisy indices), levers (months, levers).
    """
    month, names = build_month(model, outputs), model.states

    def run(p: Values, innovations: Array, levers: Array, state: State, before: Array) -> tuple[State, Array]:
        previous = jnp.concatenate([before[None, :], levers[:-1]])

        # One packed vector between months, and the month computed again on the way back, halve the time
        # of a gradient.
        @jax.checkpoint
        def advance(packed: Array, row: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            following, seen = month(dict(zip(names, packed, strict=True)), *row, p)
            return jnp.stack([following[name] for name in names]), seen

        opening = jnp.stack([state[name] for name in names])
        closing, path = jax.lax.scan(advance, opening, (innovations, levers, previous))
        return dict(zip(names, closing, strict=True)), path

    return run


@dataclass(frozen=True)
class Layout:
    """Where each parameter and each block of innovations lies in the vector of standard normals.

    `parameters`: names, in the order of the vector's first entries; `blocks`: (name, number of innovations) behind
    them, in order; `months`: months of the window.
    """

    parameters: tuple[str, ...]
    blocks: tuple[tuple[str, int], ...]
    months: int

    @property
    def size(self) -> int:
        """Length of the vector."""
        return len(self.parameters) + sum(size for _, size in self.blocks)

    def names(self) -> tuple[str, ...]:
        """Return a name per entry: parameters, then `block[i]`."""
        return self.parameters + tuple(f"{name}[{i}]" for name, size in self.blocks for i in range(size))

    def split(self, z: Array) -> tuple[Array, dict[str, Array]]:
        """Return the parameters' part (last axis) and the innovations by block."""
        start = len(self.parameters)
        innovations: dict[str, Array] = {}
        for name, size in self.blocks:
            innovations[name] = z[..., start : start + size]
            start += size
        return z[..., : len(self.parameters)], innovations


def layout(model: Model, months: int) -> Layout:
    """Return the layout of a model's vector over that many months."""
    return Layout(model.parameter_names, tuple(model.innovation_blocks(months).items()), months)


def unpack(
    model: Model, where: Layout, table: PriorTable, known_levers: Array, z: Array
) -> tuple[dict[str, Array], Array, Array, State]:
    """Turn one vector (size,) into what a run takes.

    Returns parameters by name, innovations (months, noisy indices), levers (months, levers), opening state.
    """
    base, blocks = where.split(z)
    # The barrier keeps the compiler from working the quantile functions into every use of a parameter.
    values = jax.lax.optimization_barrier(from_standard_normal(base, table))
    p = {name: values[i] for i, name in enumerate(where.parameters)}
    levers = history_levers(model, known_levers, blocks, p)
    return p, monthly_innovations(model, blocks, where.months), levers, initial_state(model, p)


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

    def adjusted_count(effect: Any) -> Any:
        known = isinstance(effect, Count)
        return replace(effect, mean=adjust(effect.name, effect.mean)) if known else effect

    def mechanism(item: Mechanism) -> Mechanism:
        # The step keeps no hazards and drifts, only what came of them; so they are caught on their way.
        def function(s: Any, u: Any, p: Any) -> tuple[Any, ...]:
            effects[item.name] = returned(item.function(s, u, p))
            return tuple(map(adjusted_count, effects[item.name]))

        return replace(item, function=function)

    adjusted = replace(
        model,
        quantities=tuple(quantity(item) for item in model.quantities),
        mechanisms=tuple(mechanism(item) for item in model.mechanisms),
    )
    quiet = dict.fromkeys(model.noisy, 0.0)
    _, month = build_step(adjusted)(scaled(model, states), quiet, levers, previous, p)
    return effects, month


def in_log(slope: Array, level: Array) -> Array:
    """Return the slope of a logarithm: slope / level, and zero where the slope is (even at level zero)."""
    return jnp.where(slope == 0.0, 0.0, slope / level)


def inputs_of_outputs(traced: ClosedJaxpr) -> list[frozenset[int]]:
    """Return, for each output of a traced function, the numbers of the inputs that it is computed from."""
    sources: dict[Any, frozenset[int]] = {each: frozenset([i]) for i, each in enumerate(traced.jaxpr.invars)}

    def behind(atom: Any) -> frozenset[int]:
        return frozenset() if isinstance(atom, Literal) else sources.get(atom, frozenset())

    for equation in traced.jaxpr.eqns:
        union = frozenset[int]().union(*(behind(atom) for atom in equation.invars))
        sources.update(dict.fromkeys(equation.outvars, union))
    return [behind(atom) for atom in traced.jaxpr.outvars]
