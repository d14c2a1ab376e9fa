"""Programs from functions that JAX has traced: every array becomes an array of nodes.

So what moves numbers about (slices, transposes, gathers at known places) costs nothing. A scan becomes a loop whose body
is a graph of its own; what a body gives back unchanged stays outside of it. Derivatives are JAX's own: a function's
gradient is traced like any other function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from outbid.native.arrays import away_from_zero, converted, place_of, power, product, reduced, running
from outbid.native.graph import OPERATIONS, Graph, order
from outbid.native.known import cast, evaluated, is_key, is_number, plain
from outbid.native.moves import MOVES, gather_places, scatter_places
from outbid.native.program import Loop, Program

# A loop shorter than this is written out.
SHORTEST_LOOP = 12
LARGEST_ARRAY = 500_000
LARGEST_PROGRAM = 1_000_000
_INNER = {"jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call", "remat2", "checkpoint"}
_SAME = {"copy", "copy_p", "stop_gradient", "optimization_barrier", "reduce_precision"}
_AT_PLACES = {"gather", "scatter", "scatter-add", "dynamic_slice", "dynamic_update_slice"}
# Operations that on truth values are others.
_OF_TRUTHS = {"max": "or", "min": "and", "reduce_max": "reduce_or", "reduce_min": "reduce_and", "xor": "ne"}
# Functions with a derivative of their own that are one operation here, by their name.
_WHOLE = {"standard_normal_quantile": "ndtri"}


class UnknownOperationError(Exception):
    """A primitive of JAX that the native engine doesn't know; `where` is the scope in which it stands."""

    def __init__(self, primitive: str, where: str) -> None:
        super().__init__(primitive, where)
        self.primitive, self.where = primitive, where

    def within(self, scope: str) -> UnknownOperationError:
        """Return the same, seen from the equation around it."""
        return UnknownOperationError(self.primitive, "/".join(filter(None, (scope, self.where))))


@dataclass(frozen=True)
class Nodes:
    """An array of nodes of the graph under way; arrays known while tracing are plain."""

    at: np.ndarray


def trace(closed: ClosedJaxpr, arguments: Sequence[Any]) -> Program:
    """Return the program of a function traced by JAX; of its arguments, arrays are taken as known for good.

    Raises UnknownOperationError if something in it is no scalar operation, movement, sum or loop over months.
    """
    tracer = _Tracer()
    graph, inputs, given = tracer.graph, list[np.ndarray](), list[Any]()
    for each in arguments:
        if isinstance(each, jax.ShapeDtypeStruct):
            nodes = [graph.given(each.dtype == bool) for _ in range(each.size)]
            inputs.append(np.array(nodes, dtype=np.int64).reshape(each.shape))
            given.append(Nodes(inputs[-1]))
        else:
            given.append(np.asarray(each))
    results = tracer.closed(closed, given)
    outputs = [tracer.nodes(each).at for each in results]
    demanded = [int(node) for each in outputs for node in each.ravel()]
    live = []
    for loop in reversed(tracer.loops):
        needed = set(order(graph, demanded))
        if needed.intersection(loop.made):
            loop.without(needed)
            live.append(loop)
            demanded += loop.takes
    return Program(graph, live[::-1], inputs, outputs)


class _Tracer:
    """Turns equations into nodes; a body's tracer has no loops of its own, but writes them out."""

    def __init__(self, inside: bool = False) -> None:
        self.graph, self.loops, self.inside = Graph(), list[Loop](), inside

    def nodes(self, value: Any) -> Nodes:
        """Return an array as nodes."""
        if isinstance(value, Nodes):
            return value
        if is_key(value):
            raise UnknownOperationError("a key of random numbers", "")
        return Nodes(self.graph.array(value))

    def plain(self, value: Any, equation: Any) -> np.ndarray:
        """Return an array that has to be known."""
        if isinstance(value, Nodes):
            known = [self.graph.constants.get(node) for node in value.at.ravel().tolist()]
            if None in known:
                raise _unknown(equation, "at places that depend on numbers")
            return np.array(known).reshape(value.at.shape)
        return np.asarray(value)

    def closed(self, closed: ClosedJaxpr, given: Sequence[Any]) -> list[Any]:
        """Return the results of a closed jaxpr."""
        return self.run(closed.jaxpr, closed.consts, given)

    def run(self, jaxpr: Jaxpr, constants: Sequence[Any], given: Sequence[Any]) -> list[Any]:
        """Return the results of a jaxpr for what is given, plain arrays or nodes."""
        values: dict[Any, Any] = dict(zip(jaxpr.constvars, map(plain, constants), strict=True))
        values |= dict(zip(jaxpr.invars, given, strict=True))

        def read(atom: Any) -> Any:
            return np.asarray(atom.val) if isinstance(atom, Literal) else values[atom]

        for equation in jaxpr.eqns:
            taken = [read(atom) for atom in equation.invars]
            try:
                results = self.apply(equation, taken)
            except UnknownOperationError as unknown:
                raise unknown.within(str(equation.source_info.name_stack)) from None
            values.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def apply(self, equation: Any, taken: list[Any]) -> Sequence[Any]:
        """Return the results of one equation."""
        name, params = equation.primitive.name, equation.params
        if max((atom.aval.size for atom in equation.outvars), default=0) > LARGEST_ARRAY:
            raise _unknown(equation, "on an array too large to write out")
        if len(self.graph.operations) > LARGEST_PROGRAM:
            raise _unknown(equation, "in a program too long to write out")
        known = not any(isinstance(each, Nodes) for each in taken)
        for atom in () if known else (*equation.invars, *equation.outvars):
            if not is_number(atom.aval.dtype):
                raise _unknown(equation, f"on numbers of the kind {atom.aval.dtype}")
        if name in _INNER:
            inner = params.get("jaxpr") or params.get("call_jaxpr")
            if params.get("name") in _WHOLE and name == "custom_jvp_call":
                return [Nodes(self.graph.each(_WHOLE[params["name"]], self.nodes(taken[-1]).at))]
            return self.closed(inner, taken) if isinstance(inner, ClosedJaxpr) else self.run(inner, (), taken)
        if name in _SAME:
            return taken
        if name == "scan":
            return self.scan(equation, taken)
        if name == "cond":
            return self.cond(equation, taken)
        if known and (found := evaluated(name, params, taken)) is not None:
            return list(map(np.asarray, found if isinstance(found, list) else [found]))
        try:
            if name in MOVES:
                parts = MOVES[name](*[each.at for each in map(self.nodes, taken)], **params)
                return list(map(Nodes, parts if isinstance(parts, list) else [parts]))
            made = Nodes(self.numbers(equation, name, taken))
            return [cast(self.plain(made, equation), equation.outvars[0].aval.dtype) if known else made]
        except UnknownOperationError:
            if not known:
                raise
            found = equation.primitive.bind(*taken, **params)
            return list(map(plain, found if equation.primitive.multiple_results else [found]))

    def numbers(self, equation: Any, name: str, taken: list[Any]) -> np.ndarray:
        """Return the nodes of an equation with a single result that isn't only moved."""
        graph, params = self.graph, equation.params
        if name in _AT_PLACES:
            return self.places(equation, name, taken)
        at = [self.nodes(each).at for each in taken]
        one = graph.array(1.0)
        truths = any(atom.aval.dtype == bool for atom in equation.invars[:1])
        if truths:
            name = _OF_TRUTHS.get(name, name)
            if name in ("lt", "le", "gt", "ge", "argmax", "argmin"):
                at = [graph.each("select", each, graph.array(0.0), one) for each in at]
        elif name in ("and", "or", "not", "reduce_and", "reduce_or"):
            raise _unknown(equation, "on whole numbers")
        match name:
            case "convert_element_type":
                return converted(graph, at[0], equation.invars[0].aval.dtype, np.dtype(params["new_dtype"]))
            case "select_n":
                if truths:
                    return graph.each("select", *at)
                found = at[1]
                for i, case in enumerate(at[2:], 1):
                    found = graph.each("select", graph.each("eq", at[0], graph.array(float(i))), found, case)
                return found
            case "square":
                return graph.each("mul", at[0], at[0])
            case "integer_pow":
                return power(graph, at[0], params["y"])
            case "rsqrt":
                return graph.each("div", one, graph.each("sqrt", at[0]))
            case "is_finite":
                return graph.each("lt", graph.each("abs", at[0]), graph.array(np.inf))
            case "clamp":
                return graph.each("min", graph.each("max", at[0], at[1]), at[2])
            case "div" if np.issubdtype(equation.outvars[0].aval.dtype, np.integer):
                return graph.each("trunc", graph.each("div", *at))
            case "eq" | "ne" if truths:
                opposite = graph.each("not", at[1])
                return graph.each(
                    "select", at[0], *((opposite, at[1]) if name == "eq" else (at[1], opposite))
                )
            case "dot_general":
                (over, _), _ = params["dimension_numbers"]
                if equation.outvars[0].aval.size * np.prod([at[0].shape[i] for i in over]) > LARGEST_ARRAY:
                    raise _unknown(equation, "on arrays too large to write out")
                return product(graph, at[0], at[1], params["dimension_numbers"])
            case "reduce_sum" | "reduce_max" | "reduce_min" | "reduce_prod" | "reduce_and" | "reduce_or":
                return reduced(graph, name.removeprefix("reduce_"), at[0], params["axes"])
            case "argmax" | "argmin":
                return place_of(graph, name, at[0], params["axes"][0])
            case "round" if int(params["rounding_method"]) == 0:
                return away_from_zero(graph, at[0])
            case "cumsum" | "cumprod" | "cummax" | "cummin":
                operation = {"cumsum": "add", "cumprod": "mul", "cummax": "max", "cummin": "min"}[name]
                return running(graph, operation, at[0], params["axis"], params["reverse"])
        operation = {"add_any": "add"}.get(name, name)
        if operation not in OPERATIONS:
            raise _unknown(equation)
        return graph.each(operation, *at)

    def places(self, equation: Any, name: str, taken: list[Any]) -> np.ndarray:
        """Return what is read from or written to places of an array that are known."""
        params, operand = equation.params, self.nodes(taken[0]).at
        if name in ("dynamic_slice", "dynamic_update_slice"):
            first = 1 if name == "dynamic_slice" else 2
            starts = [int(self.plain(each, equation)) for each in taken[first:]]
            part = params["slice_sizes"] if first == 1 else self.nodes(taken[1]).at.shape
            box = tuple(
                slice(max(0, min(start, whole - size)), max(0, min(start, whole - size)) + size)
                for start, whole, size in zip(starts, operand.shape, part, strict=True)
            )
            if first == 1:
                return operand[box]
            found = operand.copy()
            found[box] = self.nodes(taken[1]).at
            return found
        where = self.plain(taken[1], equation).astype(np.int64)
        if name == "gather":
            places = gather_places(equation, where, operand.shape)
            if (places < 0).any():
                raise _unknown(equation, "beyond the end of an array")
            return np.asarray(operand.ravel()[places])
        updates, places = self.nodes(taken[2]).at, scatter_places(equation, where, operand.shape)
        found = operand.ravel().copy()
        if name == "scatter":
            inside = places >= 0
            found[places[inside]] = updates[inside]
            return found.reshape(operand.shape)
        terms: dict[int, list[int]] = {}
        for place, node in zip(places.ravel().tolist(), updates.ravel().tolist(), strict=True):
            if place >= 0:
                terms.setdefault(place, []).append(node)
        for place, summands in terms.items():
            found[place] = self.graph.sum([int(found[place]), *summands])
        return found.reshape(operand.shape)

    def cond(self, equation: Any, taken: list[Any]) -> list[Any]:
        """Return what the chosen one of several branches gives; all are worked out."""
        branches = equation.params["branches"]
        which = self.nodes(taken[0]).at
        cases = [[self.nodes(each).at for each in self.closed(branch, taken[1:])] for branch in branches]
        found = cases[0]
        for i, case in enumerate(cases[1:], 1):
            chosen = (
                which
                if int(which) in self.graph.truths
                else self.graph.each("eq", which, self.graph.array(float(i)))
            )
            found = [self.graph.each("select", chosen, *pair) for pair in zip(found, case, strict=True)]
        return [Nodes(each) for each in found]

    def scan(self, equation: Any, taken: list[Any]) -> list[Any]:
        """Return what a scan gives: its last carry, then its rows."""
        params = equation.params
        length, constants, carries = params["length"], params["num_consts"], params["num_carry"]
        fixed, carry, rows = (
            taken[:constants],
            taken[constants : constants + carries],
            taken[constants + carries :],
        )
        if not length:
            return [
                *carry,
                *(np.zeros(atom.aval.shape, atom.aval.dtype) for atom in equation.outvars[carries:]),
            ]
        months = range(length)[::-1] if params["reverse"] else range(length)
        if self.inside or length < SHORTEST_LOOP:
            told: dict[int, list[Any]] = {}
            for month in months:
                row = [Nodes(each.at[month]) if isinstance(each, Nodes) else each[month] for each in rows]
                out = self.closed(params["jaxpr"], [*fixed, *carry, *row])
                carry, told[month] = out[:carries], out[carries:]
            columns = zip(*(told[month] for month in range(length)), strict=True)
            return [
                *carry,
                *(Nodes(np.stack([self.nodes(each).at for each in column])) for column in columns),
            ]
        parts = ([self.nodes(each).at for each in part] for part in (fixed, carry, rows))
        return list(map(Nodes, self.loop(params, *parts)))

    def loop(
        self, params: Any, fixed: list[np.ndarray], carry: list[np.ndarray], rows: list[np.ndarray]
    ) -> list[np.ndarray]:
        """Add a loop; return the nodes of its last carry and of its rows.

        What is carried from a constant is first taken to stay it, and the body traced anew without what didn't.
        """
        starts = _flat(carry)
        stays = np.array([int(node) in self.graph.constants for node in starts], dtype=bool)
        moves = np.zeros_like(stays)
        while True:
            tracer, known = _Tracer(inside=True), dict[int, int]()
            body = tracer.graph
            loop = Loop(params["length"], params["reverse"], body)

            def inside(node: int, known: dict[int, int] = known, loop: Loop = loop) -> int:
                if node not in known:
                    value = self.graph.constants.get(node)
                    if value is None:
                        known[node] = loop.body.given(node in self.graph.truths)
                        loop.fixed.append((known[node], node))
                    else:
                        known[node] = loop.body.constant(value)
                return known[node]

            within = [np.vectorize(inside, otypes=[np.int64])(each) if each.size else each for each in fixed]
            state = np.array(
                [
                    inside(int(node)) if stay else body.given(int(node) in self.graph.truths)
                    for node, stay in zip(starts, stays, strict=True)
                ],
                dtype=np.int64,
            )
            month = []
            for each in rows:
                lines = each.reshape(len(each), each.size // len(each))
                own = []
                for column in lines.T:
                    if (column == column[0]).all():
                        own.append(inside(int(column[0])))
                    else:
                        own.append(body.given(int(column[0]) in self.graph.truths))
                        loop.rows.append((own[-1], column))
                month.append(np.array(own, dtype=np.int64).reshape(each.shape[1:]))
            given = list(map(Nodes, (*within, *_shaped(state, carry), *month)))
            out = [tracer.nodes(each).at for each in tracer.closed(params["jaxpr"], given)]
            after = _flat(out[: len(carry)])
            unmoved = after == state
            moves |= stays & ~unmoved
            before, stays = stays, (stays | unmoved) & ~moves
            if (before == stays).all():
                break
        ends = starts.copy()
        for i in np.flatnonzero(~stays):
            ends[i] = self.graph.given(int(after[i]) in body.truths)
            loop.carried.append((int(state[i]), int(starts[i]), int(after[i]), int(ends[i])))
        outside, by_row, results = dict(loop.fixed), dict(loop.rows), _shaped(ends, carry)
        for each in out[len(carry) :]:
            told = np.empty((loop.length, each.size), dtype=np.int64)
            for k, node in enumerate(each.ravel().tolist()):
                if node in body.constants:
                    told[:, k] = self.graph.constant(body.constants[node])
                elif node in outside:
                    told[:, k] = outside[node]
                elif node in by_row:
                    told[:, k] = by_row[node]
                else:
                    told[:, k] = [self.graph.given(node in body.truths) for _ in range(loop.length)]
                    loop.gives.append((node, told[:, k].copy()))
            results.append(told.reshape(loop.length, *each.shape))
        self.loops.append(loop)
        return results


def _flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *(each.ravel() for each in arrays)])


def _shaped(flat: np.ndarray, like: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what `_flat` put together in the shapes that it had."""
    parts = np.split(flat, np.cumsum([each.size for each in like]))
    return [part.reshape(each.shape) for part, each in zip(parts, like, strict=False)]


def _unknown(equation: Any, why: str = "") -> UnknownOperationError:
    return UnknownOperationError(f"{equation.primitive.name} {why}".strip(), "")
