"""A graph of scalar operations: constants folded, and nothing in it twice.

What a theory works out in a month is some hundred additions, products and exponentials of single numbers. As a graph
of scalars, zeros and ones that come of a particular study or of differentiation fall away, which arrays would keep.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy import special

# Every operation of the graph, by JAX's name for it, in NumPy: what folding uses, and what tests hold it against.
OPERATIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in ("exp", "exp2", "expm1", "log", "log1p", "sqrt", "cbrt", "sign", "abs")
    },
    **{
        name: getattr(np, name)
        for name in ("floor", "ceil", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan2")
    },
    **{name: getattr(np, name) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "neg": np.negative},
    **{"pow": np.float_power, "rem": np.fmod, "max": np.maximum, "min": np.minimum},
    **{"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal},
    **{"eq": np.equal, "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or, "not": np.logical_not},
    **{"lgamma": special.gammaln, "digamma": special.digamma, "erf": special.erf, "erfc": special.erfc},
    **{"igamma": special.gammainc, "igammac": special.gammaincc, "erf_inv": special.erfinv},
    **{"logistic": special.expit, "trunc": np.trunc, "round": np.rint},
    "ndtri": special.ndtri,
    "select": lambda which, no, yes: np.where(which, yes, no),
}
TRUTHS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
_EITHER_WAY = frozenset({"add", "mul", "and", "or", "eq", "ne"})


class Graph:
    """Scalar operations by number; each was made after what it takes.

    `operations` and `arguments` have an entry a node. A node is a constant ("constant"), a number from elsewhere
    ("given"), or one of `OPERATIONS`.
    """

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.arguments: list[tuple[int, ...]] = []
        self.constants: dict[int, float | bool] = {}
        self.truths: set[int] = set()
        self._known: dict[Any, int] = {}

    def given(self, truth: bool = False) -> int:
        """Return a new node whose value comes from elsewhere."""
        node = self._append("given", ())
        if truth:
            self.truths.add(node)
        return node

    def constant(self, value: Any) -> int:
        """Return the node of a number or truth value."""
        own: float | bool = bool(value) if isinstance(value, bool | np.bool_) else float(value)
        key = (type(own), struct.pack("d", own))
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = self._append("constant", ())
            self.constants[node] = own
            if isinstance(own, bool):
                self.truths.add(node)
        return node

    def apply(self, operation: str, *arguments: int) -> int:
        """Return the node of an operation on nodes, simplified where that changes no finite number."""
        values = [self.constants.get(each) for each in arguments]
        if None not in values:
            with np.errstate(all="ignore"):
                return self.constant(OPERATIONS[operation](*values))
        simple = self._simple(operation, arguments, values)
        if simple is not None:
            return simple
        if operation in _EITHER_WAY and arguments[0] > arguments[1]:
            arguments = (arguments[1], arguments[0])
        key = (operation, *arguments)
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = self._append(operation, arguments)
            if operation in TRUTHS or (operation == "select" and arguments[1] in self.truths):
                self.truths.add(node)
        return node

    def array(self, values: Any) -> np.ndarray:
        """Return the nodes of an array of constants."""
        plain = np.asarray(values)
        nodes = np.array([self.constant(each) for each in plain.ravel().tolist()], dtype=np.int64)
        return nodes.reshape(plain.shape)

    def each(self, operation: str, *arguments: np.ndarray) -> np.ndarray:
        """Return an operation's nodes element by element, arguments broadcast against each other."""
        spread = np.broadcast_arrays(*arguments)
        columns = (each.ravel().tolist() for each in spread)
        nodes = np.array([self.apply(operation, *row) for row in zip(*columns, strict=True)], dtype=np.int64)
        return nodes.reshape(spread[0].shape)

    def sum(self, nodes: Iterable[int]) -> int:
        """Return the node of a sum, in pairs, so that additions needn't wait for each other."""
        terms = [each for each in nodes if self.constants.get(each) != 0.0]
        while len(terms) > 1:
            pairs = [self.apply("add", one, two) for one, two in zip(terms[::2], terms[1::2], strict=False)]
            terms = pairs + terms[len(pairs) * 2 :]
        return terms[0] if terms else self.constant(0.0)

    def _append(self, operation: str, arguments: tuple[int, ...]) -> int:
        self.operations.append(operation)
        self.arguments.append(arguments)
        return len(self.operations) - 1

    def _simple(self, operation: str, arguments: Sequence[int], values: Sequence[Any]) -> int | None:
        """Return the node that an operation with some constant argument comes down to, if any."""
        first, second = arguments[0], arguments[-1]
        known, other = values[0], values[-1]
        match operation:
            case "select":
                if known is not None:
                    return second if known else arguments[1]
                return second if arguments[1] == second else None
            case "add":
                return second if known == 0.0 else first if other == 0.0 else None
            case "sub":
                if first == second:
                    return self.constant(0.0)
                return first if other == 0.0 else self.apply("neg", second) if known == 0.0 else None
            case "mul":
                if 0.0 in (known, other):
                    return self.constant(0.0)
                if known in (1.0, -1.0):
                    return second if known == 1.0 else self.apply("neg", second)
                if other in (1.0, -1.0):
                    return first if other == 1.0 else self.apply("neg", first)
            case "div":
                if other == 1.0 or known == 0.0:
                    return first
                if (
                    other and np.frexp(other)[0] in (0.5, -0.5) and abs(other) > 1e-300
                ):  # a power of two: exact
                    return self.apply("mul", first, self.constant(1.0 / other))
            case "neg":
                return self.arguments[first][0] if self.operations[first] == "neg" else None
            case "pow" if other == 0.5:
                return self.apply("sqrt", first)
            case "and" | "or":
                whole = operation == "or"
                for value, rest in ((known, second), (other, first)):
                    if value is not None:
                        return self.constant(whole) if value == whole else rest
                return first if first == second else None
            case "max" | "min":
                return first if first == second else None
        return None


def order(graph: Graph, outputs: Iterable[int]) -> list[int]:
    """Return every node that some nodes are worked out from, and these, each after what it takes."""
    found: dict[int, None] = {}
    for output in outputs:
        waiting = [output]
        while waiting:
            node = waiting[-1]
            open_ones = [each for each in graph.arguments[node] if each not in found]
            if node in found or not open_ones:
                found.setdefault(node)
                waiting.pop()
            else:
                waiting += reversed(open_ones)
    return list(found)
