"""The causal diagram, derived from the mechanisms by differentiating them: who moves whom, and how far.

Nothing is drawn by hand. Which links exist is read off one abstract evaluation of the month, how strong they
are off its derivatives, and what they say off the text of the mechanisms themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from outbid.model.declare import Model
from outbid.model.formula import formula
from outbid.model.probe import Effects, Values, evaluate, in_log, inputs_of_outputs
from outbid.model.vocabulary import Drift, Flow, Mechanism, Scalar

# The stock that everybody else is in; a diagram without it is easier to read (`Link.reservoir`).
RESERVOIR = "population"

Responses = Callable[[Values, Values, Values, Values], Array]
Floats = NDArray[np.float64]
# What an output can depend on: ("state" | "count" | "lever" | "previous", name).
_Given = tuple[str, str]


@dataclass(frozen=True)
class Link:
    """One arrow: `target` responds to `source` because a mechanism says so.

    * `source`: a state (stock or index), a count or a lever.
    * `target`: a stock, an index or a count.
    * `through`: "hazard" (of a flow), "drift" (of an index) or "count".
    * `sign_of_end`: -1 if the target is the stock that a flow leaves, else +1.
    * `sentence`, `formula`, `evidence`: the mechanism's own words, the text of its formula, the IDs of its
      claims.
    * `reservoir`: true if the target is the reservoir, whose links a diagram may leave out.
    """

    source: str
    target: str
    mechanism: str
    through: str
    sign_of_end: int
    sentence: str
    formula: str
    evidence: tuple[str, ...]
    reservoir: bool = False


@dataclass(frozen=True)
class LinkSummary:
    """Each link's median effect over draws, and the probability that it is positive: shape (links,) each."""

    effect: Floats
    probability_positive: Floats


@dataclass(frozen=True)
class _Output:
    """One effect of a mechanism: its place in it, its ends with signs, the stock it leaves, its inputs."""

    mechanism: Mechanism
    place: int
    through: str
    ends: tuple[tuple[str, int], ...]
    left: str
    givens: frozenset[_Given]


@dataclass(frozen=True)
class _Wire:
    """A link, which output carries it, and by which input."""

    link: Link
    output: int
    given: _Given


def links(model: Model) -> tuple[Link, ...]:
    """Return every link of the model, mechanism by mechanism.

    Derived quantities are looked through; counts are nodes of their own. Left out are sinks as targets, the
    dependence of a flow on the stock it leaves (mass action is not influence), and a state's return to its
    own level. Last month's value of a lever counts as that lever.
    """
    return tuple(wire.link for wire in _wires(model))


def build_responses(model: Model) -> Responses:
    """Return the function (parameters, states, levers, last month's levers) -> responses, shape (links,).

    Pure JAX, to be jitted and vmapped by the caller. `states` are natural values of stocks and indices.
    Counts take their expected values at that state, but each is an input of its own: a link's response is
    direct, not by way of other links. It is d log(hazard)/d source times `sign_of_end`, d log(mean)/d source,
    or d change/d source, per unit of the source and with last month's levers held (unless the mechanism reads
    nothing but those). Where a hazard or mean is zero, the response is infinite if the source would lift it,
    and else zero.
    """
    wires = _wires(model)
    bare = replace(model, outcomes=(), observations=())
    givens = tuple(dict.fromkeys(wire.given for wire in wires))
    rows = np.array([wire.output for wire in wires], dtype=int)
    columns = np.array([givens.index(wire.given) for wire in wires], dtype=int)
    signs = np.array([wire.link.sign_of_end for wire in wires], dtype=float)
    in_logs = np.array([wire.link.through != "drift" for wire in wires], dtype=bool)

    def responses(p: Values, states: Values, levers: Values, previous: Values) -> Array:
        def outputs(nudges: Array) -> tuple[Array, Array]:
            nudge = dict(zip(givens, nudges, strict=True))

            def nudged(kind: str, values: Values) -> dict[str, Scalar]:
                return {name: value + nudge.get((kind, name), 0.0) for name, value in values.items()}

            def adjust(name: str, value: Scalar) -> Scalar:
                if name not in model.counts:
                    return value
                return jax.lax.stop_gradient(value) + nudge.get(("count", name), 0.0)

            effects, _ = evaluate(
                bare,
                p,
                nudged("state", states),
                nudged("lever", levers),
                nudged("previous", previous),
                adjust,
            )
            values = jnp.stack([jnp.asarray(value, dtype=float) for value in _amounts(bare, effects)])
            return values, values

        slopes, values = jax.jacfwd(outputs, has_aux=True)(jnp.zeros(len(givens)))
        slope = slopes[rows, columns]
        return jnp.asarray(signs) * jnp.where(in_logs, in_log(slope, values[rows]), slope)

    return responses


def summarise(responses: ArrayLike, scales: ArrayLike) -> LinkSummary:
    """Return the median effect and the probability that it is positive, for each link.

    * `responses`: shape (draws, links), from `build_responses`.
    * `scales`: one typical change of each link's source, shape (links,), positive. An effect of exactly zero
      counts half as positive.
    """
    effects = np.asarray(responses, dtype=float) * np.asarray(scales, dtype=float)
    return LinkSummary(np.median(effects, axis=0), np.heaviside(effects, 0.5).mean(axis=0))


def _amounts(model: Model, effects: Effects) -> list[Scalar]:
    """Return every effect's hazard, change or mean, in the order of the mechanisms."""

    def amount(effect: Any) -> Scalar:
        if isinstance(effect, Flow):
            return effect.hazard
        return effect.change if isinstance(effect, Drift) else effect.mean

    return [amount(effect) for item in model.mechanisms for effect in effects[item.name]]


def _wires(model: Model) -> tuple[_Wire, ...]:
    outputs, quantities = _dependence(model)
    functions = {item.name: item.function for item in model.quantities}
    wires = []
    for number, output in enumerate(outputs):
        item = output.mechanism
        for target, sign in output.ends:
            for given in _givens(model):
                kind, source = given
                itself = kind in ("state", "count") and source in (output.left, target)
                # A lever that is read both as it is and as it was is one link, its response to what it is.
                twice = kind == "previous" and ("lever", source) in output.givens
                if given not in output.givens or itself or twice:
                    continue
                through = {name: functions[name] for name, givens in quantities.items() if given in givens}
                text = formula(item.function, output.place, output.through, target, source, through)
                said = (item.meaning, text, item.evidence)
                link = Link(source, target, item.name, output.through, sign, *said, target == RESERVOIR)
                wires.append(_Wire(link, number, given))
    return tuple(wires)


def _givens(model: Model) -> list[_Given]:
    names = {
        "state": [*(item.name for item in model.stocks), *(item.name for item in model.indices)],
        "count": list(model.counts),
        "lever": list(model.lever_names),
        "previous": list(model.lever_names),
    }
    return [(kind, name) for kind, each in names.items() for name in each]


def _dependence(model: Model) -> tuple[list[_Output], dict[str, frozenset[_Given]]]:
    """Return all outputs of mechanisms, and quantities by name, with what they depend on.

    One abstract evaluation of the month shows it, with counts standing for themselves.
    """
    givens = _givens(model)
    bare = replace(model, outcomes=(), observations=())
    sinks = {stock.name for stock in model.stocks if stock.sink}
    outputs: list[_Output] = []

    def month(values: list[Array], parameters: list[Array]) -> list[Array]:
        given = dict(zip(givens, values, strict=True))
        derived: dict[str, Scalar] = {}

        def of(kind: str) -> dict[str, Array]:
            return {name: value for (own, name), value in given.items() if own == kind}

        def adjust(name: str, value: Scalar) -> Scalar:
            return given["count", name] if name in model.counts else derived.setdefault(name, value)

        p = dict(zip(model.parameter_names, parameters, strict=True))
        effects, _ = evaluate(bare, p, of("state"), of("lever"), of("previous"), adjust)
        for item in model.mechanisms:
            outputs.extend(_output(item, *each, sinks) for each in enumerate(effects[item.name]))
        found = _amounts(bare, effects) + [derived[item.name] for item in model.quantities]
        return [jnp.asarray(value, dtype=float) for value in found]

    number = jax.ShapeDtypeStruct((), jnp.result_type(float))
    traced = jax.make_jaxpr(month)([number] * len(givens), [number] * len(model.parameters))
    behind = [frozenset(givens[i] for i in each if i < len(givens)) for each in inputs_of_outputs(traced)]
    named = dict(zip((item.name for item in model.quantities), behind[len(outputs) :], strict=True))
    return [replace(output, givens=each) for output, each in zip(outputs, behind, strict=False)], named


def _output(item: Mechanism, place: int, effect: Any, sinks: set[str]) -> _Output:
    if isinstance(effect, Flow):
        both = ((effect.target, 1), (effect.source, -1))
        ends = tuple((stock, sign) for stock, sign in both if stock not in sinks)
        return _Output(item, place, "hazard", ends, effect.source, frozenset())
    if isinstance(effect, Drift):
        return _Output(item, place, "drift", ((effect.index, 1),), "", frozenset())
    return _Output(item, place, "count", ((effect.name, 1),), "", frozenset())
