"""Look into one month of a model: every effect, any value nudged on its way, and what depends on what.

The engine's own step does the work, so what is learnt here holds for what is simulated and fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, Literal

from outbid.model.compile import build_step, to_scale
from outbid.model.declare import Model
from outbid.model.trace import returned
from outbid.model.vocabulary import Count, Derived, Mechanism, Scalar

Values = Mapping[str, Scalar]
Adjust = Callable[[str, Scalar], Scalar]
Effects = dict[str, tuple[Any, ...]]


def evaluate(
    model: Model, p: Values, states: Values, levers: Values, previous: Values, adjust: Adjust
) -> tuple[Effects, dict[str, Any]]:
    """Work out one month by the engine's own step, with every quantity and count passed through `adjust`.

    Returned: what each mechanism gave back, by its name and before adjusting, and the month (see
    `build_step`). What reads a quantity or a count sees what `adjust(name, value)` made of it.
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
