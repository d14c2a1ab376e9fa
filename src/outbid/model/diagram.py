"""The causal diagram, derived from the mechanisms by differentiating them: who moves whom, and how far.

Nothing is drawn by hand. Which links exist is read off one abstract evaluation of the month, how strong they are off
its derivatives, and what they say off the text of the mechanisms: a link's formula is taken from the source of its
function, so that it is what is computed, and never a second copy that may differ.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from outbid.model.compile import Effects, Values, evaluate, in_log, inputs_of_outputs
from outbid.model.declare import Model
from outbid.model.vocabulary import Count, Drift, Flow, Mechanism, Scalar

Floats = NDArray[np.float64]
# The stock that everybody else is in; a diagram without it is easier to read (`Link.reservoir`).
RESERVOIR = "population"

Responses = Callable[[Values, Values, Values, Values], Array]
_Effect = Flow | Drift | Count
# What an output can depend on: ("state" | "count" | "lever" | "previous", name).
_Given = tuple[str, str]


@dataclass(frozen=True)
class Link:
    """One arrow: `target` responds to `source` because a mechanism says so.

    `through` is "hazard" (of a flow), "drift" (of an index) or "count"; `sign_of_end` -1 if the target is the stock that a
    flow leaves, else 1; `reservoir` whether the target is the reservoir, whose links a diagram may leave out.
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


# What a mechanism returns, as a link says it, and which argument of that is its formula, by keyword and place.
KINDS = {Flow: "hazard", Drift: "drift", Count: "count"}
ARGUMENTS = {"hazard": ("hazard", 2), "drift": ("change", 1), "count": ("mean", 1)}


def links(model: Model) -> tuple[Link, ...]:
    """Return every link of the model, mechanism by mechanism.

    Derived quantities are looked through; counts are nodes of their own. Left out are sinks as targets, the dependence
    of a flow on the stock it leaves (mass action is not influence), and a state's return to its own level. Last month's
    value of a lever counts as that lever.
    """
    return tuple(link for link, _, _ in _wires(model))


def build_responses(model: Model) -> Responses:
    """Return the function (parameters, states, levers, last month's levers) -> responses, shape (links,).

    Pure JAX, to be jitted and vmapped by the caller. `states` are natural values of stocks and indices. Counts take
    their expected values at that state, but each is an input of its own: a link's response is direct, not by way of
    other links. It is d log(hazard)/d source times `sign_of_end`, d log(mean)/d source, or d change/d source, per unit
    of the source and with last month's levers held (unless the mechanism reads nothing but those). Where a hazard or
    mean is zero, the response is infinite if the source would lift it, and else zero.
    """
    wires = _wires(model)
    bare = replace(model, outcomes=(), observations=())
    givens = tuple(dict.fromkeys(given for _, _, given in wires))
    rows = np.array([output for _, output, _ in wires], dtype=int)
    columns = np.array([givens.index(given) for _, _, given in wires], dtype=int)
    signs = np.array([link.sign_of_end for link, _, _ in wires], dtype=float)
    in_logs = np.array([link.through != "drift" for link, _, _ in wires], dtype=bool)

    def responses(p: Values, states: Values, levers: Values, previous: Values) -> Array:
        def outputs(nudges: Array) -> tuple[Array, Array]:
            nudge = dict(zip(givens, nudges, strict=True))

            def nudged(kind: str, values: Values) -> dict[str, Scalar]:
                return {name: value + nudge.get((kind, name), 0.0) for name, value in values.items()}

            def adjust(name: str, value: Scalar) -> Scalar:
                if name not in model.counts:
                    return value
                return jax.lax.stop_gradient(value) + nudge.get(("count", name), 0.0)

            given = (nudged("state", states), nudged("lever", levers), nudged("previous", previous))
            effects, _ = evaluate(bare, p, *given, adjust)
            values = jnp.stack([jnp.asarray(value, dtype=float) for value in _amounts(bare, effects)])
            return values, values

        slopes, values = jax.jacfwd(outputs, has_aux=True)(jnp.zeros(len(givens)))
        slope = slopes[rows, columns]
        return jnp.asarray(signs) * jnp.where(in_logs, in_log(slope, values[rows]), slope)

    return responses


def summarise(responses: ArrayLike, scales: ArrayLike) -> dict[str, Floats]:
    """Return each link's median effect, its median size and the probability that it is positive (zero counts half).

    Responses have shape (draws, links); `scales` are one typical change of each link's source, shape (links,). Returns
    effect, size (the same whatever its sign) and p_positive, each of shape (links,).
    """
    effects = np.asarray(responses, dtype=float) * np.asarray(scales, dtype=float)
    size, positive = np.median(np.abs(effects), axis=0), np.heaviside(effects, 0.5).mean(axis=0)
    return {"effect": np.median(effects, axis=0), "size": size, "p_positive": positive}


def _amounts(model: Model, effects: Effects) -> list[Scalar]:
    """Return every effect's hazard, change or mean, in the order of the mechanisms."""
    every = [effect for item in model.mechanisms for effect in effects[item.name]]
    return [getattr(effect, ARGUMENTS[KINDS[type(effect)]][0]) for effect in every]


def _wires(model: Model) -> list[tuple[Link, int, _Given]]:
    """Return every link, which of all effects carries it, and by which input."""
    effects, quantities = _dependence(model)
    functions = {item.name: item.function for item in model.quantities}
    sinks = {stock.name for stock in model.stocks if stock.sink}
    wires = []
    ends: tuple[tuple[str, int], ...]
    for number, (item, place, effect, givens) in enumerate(effects):
        kind, left = KINDS[type(effect)], ""
        if isinstance(effect, Flow):
            left, ends = effect.source, ((effect.target, 1), (effect.source, -1))
        else:
            ends = ((effect.index if isinstance(effect, Drift) else effect.name, 1),)
        for target, sign in ends:
            for given in _givens(model):
                role, source = given
                itself = role in ("state", "count") and source in (left, target)
                # A lever that is read both as it is and as it was is one link, its response to what it is.
                twice = role == "previous" and ("lever", source) in givens
                if target in sinks or given not in givens or itself or twice:
                    continue
                through = {name: functions[name] for name, behind in quantities.items() if given in behind}
                text = formula(item.function, place, kind, target, source, through)
                about = (kind, sign, item.meaning, text, item.evidence, target == RESERVOIR)
                link = Link(source, target, item.name, *about)
                wires.append((link, number, given))
    return wires


def _givens(model: Model) -> list[_Given]:
    names: dict[str, Iterable[str]] = {
        "state": model.states,
        "count": model.counts,
        "lever": model.lever_names,
        "previous": model.lever_names,
    }
    return [(kind, name) for kind, each in names.items() for name in each]


def _dependence(
    model: Model,
) -> tuple[list[tuple[Mechanism, int, _Effect, frozenset[_Given]]], dict[str, frozenset[_Given]]]:
    """Return each effect with its mechanism and its place in it, and quantities by name, with what they depend on.

    One abstract evaluation of the month shows it, with counts standing for themselves.
    """
    givens = _givens(model)
    bare = replace(model, outcomes=(), observations=())
    found: list[tuple[Mechanism, int, _Effect]] = []

    def month(values: list[Array], parameters: list[Array]) -> list[Array]:
        given = dict(zip(givens, values, strict=True))
        derived: dict[str, Scalar] = {}

        def of(kind: str) -> dict[str, Array]:
            return {name: value for (own, name), value in given.items() if own == kind}

        def adjust(name: str, value: Scalar) -> Scalar:
            return given["count", name] if name in model.counts else derived.setdefault(name, value)

        p = dict(zip(model.parameter_names, parameters, strict=True))
        effects, _ = evaluate(bare, p, of("state"), of("lever"), of("previous"), adjust)
        found.extend((item, *each) for item in model.mechanisms for each in enumerate(effects[item.name]))
        amounts = _amounts(bare, effects) + [derived[item.name] for item in model.quantities]
        return [jnp.asarray(value, dtype=float) for value in amounts]

    number = jax.ShapeDtypeStruct((), jnp.result_type(float))
    traced = jax.make_jaxpr(month)([number] * len(givens), [number] * len(model.parameters))
    behind = [frozenset(givens[i] for i in each if i < len(givens)) for each in inputs_of_outputs(traced)]
    named = dict(zip((item.name for item in model.quantities), behind[len(found) :], strict=True))
    return [(*each, below) for each, below in zip(found, behind, strict=False)], named


LONGEST = 200
ELLIPSIS = "…"
SUM = (ast.Add, ast.Sub)
PRODUCT = (ast.Mult, ast.Div)


def formula(
    function: Callable[..., Any],
    place: int,
    through: str,
    target: str,
    source: str,
    quantities: Mapping[str, Callable[..., Any]],
) -> str:
    """Return how one effect of a mechanism depends on `source`, in at most `LONGEST` characters; empty if unknown.

    Steps in between are put into the formula; `s.`, `u.` and `p.` are left out. Where it would be too long, terms that don't
    mention the source become an ellipsis, and then factors too. `place` is which of the effects the function returns;
    `quantities` those by way of which the source may enter, and those that do are spelt out behind.
    """
    given = returned_expressions(function)
    if not given:
        return ""
    keyword, position = ARGUMENTS[through]
    main = _argument(given[place] if place < len(given) else given[0], keyword, position)
    parts = [(target if through == "count" else keyword, main)]
    waiting = [name for name in quantities if name in _names(main)]
    for name in waiting:
        inner = returned_expressions(quantities[name])
        if inner:
            parts.append((name, inner[0]))
            waiting += [other for other in quantities if other in _names(inner[0]) and other not in waiting]
    text = _written(parts)
    keep = {source, *quantities}
    if len(text) > LONGEST:
        parts = [(name, _Shortened(keep, (SUM,)).visit(copy.deepcopy(part))) for name, part in parts]
        text = _written(parts)
    if len(text) > LONGEST:
        parts[0] = (parts[0][0], _Shortened(keep, (SUM, PRODUCT)).visit(parts[0][1]))
        text = _written(parts)
    return text if len(text) <= LONGEST else text[: LONGEST - len(ELLIPSIS)] + ELLIPSIS


@cache
def returned_expressions(function: Callable[..., Any]) -> tuple[ast.expr, ...]:
    """Return the expressions that a function returns, local names filled in; empty without source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ()
    found = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if found is None:
        return ()
    local: dict[str, ast.expr] = {}
    plain = _Plain({argument.arg for argument in found.args.args}, local)

    def filled(node: ast.expr) -> ast.expr:
        result: ast.expr = plain.visit(copy.deepcopy(node))
        return result

    for step in found.body:
        if isinstance(step, ast.Assign) and len(step.targets) == 1 and isinstance(step.targets[0], ast.Name):
            local[step.targets[0].id] = filled(step.value)
        elif isinstance(step, ast.AugAssign) and isinstance(step.target, ast.Name):
            before = local.get(step.target.id, ast.Name(step.target.id))
            local[step.target.id] = ast.BinOp(before, step.op, filled(step.value))
        elif isinstance(step, ast.Return) and step.value is not None:
            value = filled(step.value)
            return tuple(value.elts) if isinstance(value, ast.Tuple | ast.List) else (value,)
    return ()


def _argument(node: ast.expr, keyword: str, position: int) -> ast.expr:
    """Return an argument of a call such as Flow(source, target, hazard); the whole if it isn't one."""
    if not isinstance(node, ast.Call):
        return node
    named = [given.value for given in node.keywords if given.arg == keyword]
    return (named or node.args[position : position + 1] or [node])[0]


def _names(node: ast.AST) -> set[str]:
    """Return every name in an expression, apart from those of functions that it calls."""
    called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
    inside = [part for part in ast.walk(node) if id(part) not in called]
    names = {part.id for part in inside if isinstance(part, ast.Name)}
    return names | {part.attr for part in inside if isinstance(part, ast.Attribute)}


def _written(parts: Iterable[tuple[str, ast.expr]]) -> str:
    return "; ".join(f"{name} = {' '.join(ast.unparse(part).split())}" for name, part in parts)


class _Plain(ast.NodeTransformer):
    """Write s.standing as standing, u.previous.hardness as previous.hardness, 1.0 as 1, a local name as what it is."""

    def __init__(self, letters: set[str], local: Mapping[str, ast.expr]) -> None:
        self.letters, self.local = letters, local

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self.letters:
            return ast.Name(node.attr)
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.local.get(node.id, node))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        whole = isinstance(node.value, float) and node.value.is_integer() and abs(node.value) < 1e6
        return ast.Constant(int(node.value)) if whole else node  # type: ignore[arg-type]


_Group = tuple[type[ast.operator], type[ast.operator]]


class _Shortened(ast.NodeTransformer):
    """Where some terms of a sum, or factors, mention a name to keep, write one ellipsis for the others."""

    def __init__(self, keep: set[str], groups: tuple[_Group, ...]) -> None:
        self.keep, self.groups = keep, groups

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        group = next((group for group in self.groups if isinstance(node.op, group)), None)
        if group is None or not self.keep & _names(node):
            self.generic_visit(node)
            return node
        terms = _terms(node, group)
        # Plain numbers stay in sums: an ellipsis for 0.4 saves nothing and hides where a variable is centred.
        kept = [
            (sign, self.visit(term))
            for sign, term in terms
            if self.keep & _names(term) or (group is SUM and not _names(term))
        ]
        rest: tuple[ast.operator, ast.expr] = (group[0](), ast.Name(ELLIPSIS))
        if len(kept) < len(terms):
            in_front = group is PRODUCT or isinstance(kept[0][0], ast.Sub)
            kept = [rest, *kept] if in_front else [*kept, rest]
        result: ast.expr
        (_, result), *others = kept
        for sign, term in others:
            result = ast.BinOp(result, sign, term)
        return result


def _terms(node: ast.expr, group: _Group) -> list[tuple[ast.operator, ast.expr]]:
    """Return the terms of a sum with their signs, or the factors of a product with * or /."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, group)):
        return [(group[0](), node)]
    if isinstance(node.op, group[0]):
        return _terms(node.left, group) + _terms(node.right, group)
    return [*_terms(node.left, group), (node.op, node.right)]
