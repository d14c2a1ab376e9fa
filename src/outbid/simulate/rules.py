"""Conditional rules: while something watched is beyond a threshold, a lever is at a given level.

Rules travel into the compiled run as plain numbers, so that one compilation serves every scenario. Each month
they are read off the month's opening states and the month's other levers; a rule on a lever that another rule
moves comes after it, so rules that watch each other in a circle have no order and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import ValidationInfo, model_validator

from outbid.declared import Declared, Lever, Number, Says, Whole, fault, in_range, ref
from outbid.errors import InputError
from outbid.model.compile import from_scale
from outbid.model.declare import Model

# As many rules as a scenario may have: the compiled run has room for them.
MOST = 8
FromOne = Annotated[Whole, Says("is not a whole number of at least 1", "Months count from 1.")]


class Rule(Declared):
    """While the watched stock, index or lever is above or below a threshold, a lever is at `to`.

    Exactly one of `above` and `below` is given, in the unit of what is watched. `start` is the first month of
    the horizon in which the rule counts, from 1.
    """

    entry = "rule on {lever}"

    lever: Lever
    watch: Annotated[str, ref("watched", "no stock, index or lever")]
    to: Number
    above: Number | None = None
    below: Number | None = None
    start: FromOne = 1

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        if (self.above is None) == (self.below is None):
            raise fault("needs exactly one of `above` and `below`", "Give one threshold.")
        low, high = (info.context or {}).get("watched", {}).get(self.watch, (-np.inf, np.inf))
        above, below = self.above, self.below
        if not ((above is None or low <= above < high) and (below is None or low < below <= high)):
            side = f"below {below:g}" if above is None else f"above {above:g}"
            fix = f"It goes from {low:g} to {high:g}." if np.isfinite(high) else "It counts persons, from 0."
            raise fault(f"{self.watch} is never or always {side}", fix)
        in_range(info, self.lever, self.to, "to")
        return self


class RuleTable(NamedTuple):
    """Rules as numbers, each of shape (MOST,); an unused place has the lever -1."""

    lever: Any
    watch: Any
    threshold: Any
    sign: Any
    to: Any
    start: Any


def watchable(model: Model) -> tuple[str, ...]:
    """Return what a rule may watch: stocks, indices and levers, in the order of the compiled run."""
    return (*(item.name for item in model.stocks), *(item.name for item in model.indices), *model.lever_names)


def in_order(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return rules so that each comes after those that move what it watches; else as they were given.

    Where several rules hold that move one lever, the last of them counts. Raises InputError if rules watch
    each other's levers in a circle, or one watches the lever that it moves.
    """
    graph: dict[str, set[str]] = {}
    for rule in rules:
        graph.setdefault(rule.lever, set()).add(rule.watch)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        problem = f"depend on themselves in a circle: {circle}"
        raise InputError("rules", problem, "Let one of the rules watch a state instead.") from error
    return tuple(sorted(rules, key=lambda rule: order.index(rule.lever)))


def rule_table(model: Model, rules: Sequence[Rule] = ()) -> RuleTable:
    """Return rules as numbers, in the order in which they have to be read.

    Raises InputError on a circle, or more than MOST rules.
    """
    if len(rules) > MOST:
        raise InputError("rules", f"there are {len(rules)} in one scenario", f"Use at most {MOST}.")
    known = watchable(model)
    lever, watch = np.full(MOST, -1), np.zeros(MOST, int)
    threshold, sign, to, start = np.zeros(MOST), np.ones(MOST), np.zeros(MOST), np.ones(MOST)
    for i, rule in enumerate(in_order(rules)):
        lever[i], watch[i] = model.lever_names.index(rule.lever), known.index(rule.watch)
        threshold[i] = rule.above if rule.above is not None else rule.below
        sign[i] = 1.0 if rule.above is not None else -1.0
        to[i], start[i] = rule.to, rule.start
    return RuleTable(lever, watch, threshold, sign, to, start)


def ruled(model: Model, rules: RuleTable, state: Mapping[str, Array], planned: Array, month: Array) -> Array:
    """Return the month's levers after the rules: shape (levers,), from the planned ones; pure and traceable.

    `state` holds indices on their own scale, `month` counts from 1.
    """
    seen = [
        *(state[stock.name] for stock in model.stocks),
        *(from_scale(index.scale, state[index.name]) for index in model.indices),
    ]
    states, now = jnp.stack(seen), planned
    for i in range(MOST):
        value = jnp.concatenate([states, now])[rules.watch[i]]
        holds = (rules.sign[i] * (value - rules.threshold[i]) > 0) & (month >= rules.start[i])
        place = rules.lever[i]
        now = jnp.where((jnp.arange(now.size) == place) & holds, rules.to[i], now)
    return now
