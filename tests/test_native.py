"""The native engine against NumPy and JAX: operations, primitives, loops and rows; each with its derivatives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from outbid.native import over_rows
from outbid.native.graph import OPERATIONS, TRUTHS, Graph, order
from outbid.native.machine import MachineCode
from outbid.native.program import Program

ROWS = 5  # no multiple of the lanes
NAN, INF = np.nan, np.inf
LONG = 15  # months that make a loop; fewer are written out


@pytest.fixture(autouse=True)
def nothing_in_xla(caplog, monkeypatch):
    """No function of this file may fall back to XLA."""
    monkeypatch.delenv("OUTBID_BACKEND", raising=False)
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.name == "outbid"] == []


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((ROWS, *shape))


def with_slopes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function's results, and the slopes of a weighted sum of them in each floating argument."""

    def total(*arguments):
        leaves = [each for each in jax.tree.leaves(function(*arguments)) if each.dtype == float]
        weighted = (jnp.sum(each * jnp.cos(jnp.arange(each.size)).reshape(each.shape)) for each in leaves)
        return sum(weighted, start=0.0)

    def both(*arguments):
        moved = tuple(i for i, each in enumerate(arguments) if each.dtype == float)
        return function(*arguments), jax.grad(total, moved)(*arguments)

    return both


def alike(function: Callable[..., Any], *arguments: np.ndarray, rtol: float = 1e-11) -> None:
    """Assert that a function gives in the native engine what it gives in XLA."""
    found = over_rows(function, (0,) * len(arguments))(*arguments)
    # without optimisation: only XLA's numbers matter
    options = {"xla_backend_optimization_level": "0"}
    wanted = jax.jit(jax.vmap(function)).lower(*arguments).compile(options)(*arguments)
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


# Operations

ORDINARY = (0.3, -0.7, 1.0, -1.0, 2.5, -2.5, 3.5, 17.0, -123.456, 0.999999, 1e-8, 12345.678)
EXTREME = (0.0, -0.0, INF, -INF, NAN, 1e-17, 1e-300, -1e-300, 5e-324, 1e-310, 1e308, -1e308, 2.0**53 + 1)
EDGES = (708.9, 709.1, -707.9, -708.1, 710.0, -745.0, 1e16, -1e16)
NUMBERS = np.array((*ORDINARY, *EXTREME, *EDGES))
EXACT = {"add", "sub", "mul", "div", "neg", "sqrt", "abs", "floor", "ceil", "trunc", "round"}
OF_TWO = {"add", "sub", "mul", "div", "pow", "rem", "max", "min", "atan2", "igamma", "igammac"}
OF_TRUTHS = {"and", "or", "not"}


@cache
def machine_values() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Every operation on all pairs of numbers: by the machine, and by NumPy."""
    x, y = np.array(list(itertools.product(NUMBERS, NUMBERS))).T
    graph = Graph()
    nodes = [graph.given(), graph.given()]
    truths = [graph.apply("lt", nodes[0], nodes[1]), graph.apply("ge", nodes[1], graph.constant(0.5))]
    outputs, wanted = [], {}
    for name, operation in OPERATIONS.items():
        with np.errstate(all="ignore"):
            known = (x < y, y >= 0.5)
            if name == "select":
                outputs.append(graph.apply(name, truths[0], *nodes))
                wanted[name] = operation(known[0], x, y)
            else:
                number = 1 + (name in OF_TWO or name in TRUTHS - {"not"})
                taken, values = (truths, known) if name in OF_TRUTHS else (nodes, (x, y))
                outputs.append(graph.apply(name, *taken[:number]))
                wanted[name] = operation(*values[:number])
    program = Program(graph, [], list(map(np.array, nodes)), list(map(np.array, outputs)))
    found = MachineCode(program, None)(len(x), [x, y], [False, False])
    return dict(zip(OPERATIONS, found, strict=True)), wanted


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_numpys(name):
    found, wanted = (values[name] for values in machine_values())
    x = np.repeat(NUMBERS, len(NUMBERS))
    if name in ("exp", "expm1"):  # infinite above 709, and no numbers too small to be normal
        wanted = np.where(x > 709, INF, np.where(x < -708, wanted[x == -INF][0], wanted))
    if name == "logistic":
        found, wanted = found[abs(x) < 708], wanted[abs(x) < 708]
    close = 0.0 if name in EXACT | TRUTHS | {"max", "min", "sign", "select", "rem"} else 1e-14
    np.testing.assert_allclose(found, wanted.astype(float), rtol=close, atol=0)
    if name in EXACT:
        numbers = ~np.isnan(wanted)
        assert (np.signbit(found) == np.signbit(wanted))[numbers].all()


WITHIN_TWO = {"exp": (-708, 709), "expm1": (-708, 709), "log": (5e-324, 1e308), "log1p": (-0.9999999, 1e308)}
any_number = st.floats(allow_nan=False, allow_infinity=False)
near_zero = st.floats(-1.0, 1.0) | st.integers(-320, 0).map(lambda power: 10.0**power)


@cache
def exponentials() -> MachineCode:
    graph = Graph()
    x = graph.given()
    outputs = [np.array(graph.apply(name, x)) for name in WITHIN_TWO]
    return MachineCode(Program(graph, [], [np.array(x)], outputs), None)


@settings(max_examples=40)
@given(st.lists(any_number | near_zero | st.floats(-708, 709) | st.floats(0, 4), min_size=50, max_size=200))
def test_exponentials_and_logarithms_within_two_units_in_the_last_place(values):
    x = np.array(values)
    found = exponentials()(len(x), [x], [False])
    for (name, (low, high)), one in zip(WITHIN_TWO.items(), found, strict=True):
        inside = (x >= low) & (x <= high)
        exact = getattr(np, name)(x[inside].astype(np.longdouble))
        unit = np.spacing(np.maximum(np.abs(exact.astype(float)), 2.3e-308))
        apart = np.abs(one[inside] - exact) / unit
        assert (apart <= 2).all(), (name, x[inside][apart > 2], apart.max())


SMALL = st.sampled_from(
    ["add", "sub", "mul", "div", "max", "min", "neg", "sqrt", "exp", "log", "select", "pow"]
)
VALUES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -4.0, 1e-320, 2.0**-1074, 1e300, INF)


def in_numpy(graph: Graph, outputs: list[int], given: dict[int, Any]) -> list[Any]:
    """The values of some nodes, each operation by NumPy."""
    values: dict[int, Any] = {**graph.constants, **given}
    with np.errstate(all="ignore"):
        for node in order(graph, outputs):
            if node not in values:
                arguments = (values[each] for each in graph.arguments[node])
                values[node] = OPERATIONS[graph.operations[node]](*arguments)
    return [values[node] for node in outputs]


@settings(max_examples=100)
@given(st.lists(st.tuples(SMALL, st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), max_size=12))
def test_folding_and_simplifying_change_no_finite_number(steps):
    x = np.array([0.3, -2.0, 7.0, 1e-5])
    graph = Graph()
    nodes, values = [graph.given(), *map(graph.constant, VALUES)], [x, *(np.full(4, v) for v in VALUES)]
    with np.errstate(all="ignore"):
        for name, *places in steps:
            number = {"neg": 1, "sqrt": 1, "exp": 1, "log": 1, "select": 3}.get(name, 2)
            taken = [place % len(nodes) for place in places[:number]]
            operands, numbers = [nodes[i] for i in taken], [values[i] for i in taken]
            if name == "select":
                operands[0] = graph.apply("lt", operands[0], operands[1])
                numbers[0] = numbers[0] < numbers[1]
            nodes.append(graph.apply(name, *operands))
            values.append(np.asarray(OPERATIONS[name](*numbers), dtype=float))
    found = in_numpy(graph, nodes, {nodes[0]: x})
    # what came of infinities and of what is no number may be simpler; all that is finite is the same
    sound = np.ones(4, dtype=bool)
    for one, wanted in zip(found, values, strict=True):
        sound &= np.isfinite(wanted) | (np.abs(wanted) == INF)
        np.testing.assert_allclose(np.broadcast_to(one, 4)[sound], wanted[sound], rtol=1e-15)


# Primitives: of a vector x of six numbers and a matrix y of four by three

KNOWN = np.array([0.5, -1.5, 2.0, 0.25])
PLACES = np.array([3, 0, 0, -1])
PRIMITIVES: dict[str, Callable[[Any, Any], Any]] = {
    "unary": lambda x, y: [f(x) for f in (jnp.sin, jnp.tanh, jax.nn.sigmoid, jax.nn.softplus, lax.erf, lax.cbrt)],
    "positive": lambda x, y: [f(jnp.abs(x) + 0.1) for f in (jnp.log, jnp.sqrt, lax.rsqrt, lax.lgamma)],
    "gamma functions": lambda x, y: [lax.digamma(KNOWN) * x[0], lax.igamma(2.5, abs(x)), lax.igammac(0.7, abs(x)),
        lax.erf_inv(jnp.tanh(x))],
    "normal distribution": lambda x, y: [jax.scipy.stats.norm.logcdf(x), jax.scipy.special.ndtri(jax.nn.sigmoid(x))],
    "powers": lambda x, y: [x**2, x**3, x**-2, x**0, x**7, jnp.abs(x) ** 0.5, jnp.abs(x) ** y[0, 0]],
    "rounding": lambda x, y: [jnp.round(3 * x), jnp.floor(x), jnp.ceil(x), jnp.trunc(2 * x), jnp.sign(x)],
    "remainder": lambda x, y: [lax.rem(x, y[0, 0]), jnp.mod(5 * x, 0.7), jnp.floor_divide(5 * x, 0.7)],
    "clamp": lambda x, y: [
        lax.clamp(-0.5, x, 1.5), jnp.clip(x, y[0, 0], y[0, 0] + 1),
        jnp.clip(x, -0.2, 0.3), jnp.clip(x, max=0.1),
    ],
    "index": lambda x, y: [x[2], x[-1], y[1], y[-1, -2], y[:, 1], x[::2], x[::-1], y[1:3, ::-1], x[-3:], x[None]],
    "gather": lambda x, y: [
        x[PLACES], y[PLACES], y[:, PLACES[1:]],
        y[PLACES, np.array([0, 1, -1, 2])], y[np.array([[0, 3], [1, 1]])],
    ],
    "take": lambda x, y: [
        jnp.take_along_axis(y, jnp.argsort(jnp.asarray(KNOWN))[:, None], 0),
        jnp.take(x, np.array([7, -9, 1]), mode="clip"),
        jnp.take(y, PLACES, axis=0),
        jax.vmap(lambda row, i: row[i])(y, jnp.array([2, 0, 1, 1])),
    ],
    "scatter": lambda x, y: [
        x.at[2].set(y[0, 0]),
        x.at[PLACES].add(y[:, 0]),
        y.at[:, 1].set(x[:4]),
        y.at[np.array([0, 2]), np.array([1, -1])].add(x[1]),
        y.at[1:3].add(2.0),
        x.at[np.array([1, 99])].set(5.0, mode="drop"),
        jax.vmap(lambda row, i: row.at[i].set(3.0))(y, jnp.array([2, 0, 1, 1])),
    ],
    "dynamic": lambda x, y: [
        lax.dynamic_slice(y, (1, 1), (2, 2)),
        lax.dynamic_slice(x, (99,), (2,)),
        lax.dynamic_update_slice(y, x[:4].reshape(2, 2), (2, -1)),
        lax.dynamic_index_in_dim(y, 2),
    ],
    "pad": lambda x, y: [
        lax.pad(x, 2.5, [(1, 2, 0)]),
        lax.pad(x, y[0, 0], [(-1, -2, 0)]),
        lax.pad(y, 0.0, [(0, 1, 2), (-1, 2, 1)]),
        lax.pad(x, 0.0, [(-3, -3, 3)]),
        jnp.pad(x, 2, mode="edge"),
    ],
    "product": lambda x, y: [
        y @ y.T,
        x[:3] @ y.T,
        jnp.einsum("ij,kj,k->i", y, y, KNOWN),
        jnp.einsum("bi,bij->bj", y, jnp.stack([y[:3]] * 4)),
        lax.dot_general(jnp.stack([y, 2 * y]), jnp.stack([y, y]), (((1,), (1,)), ((0,), (0,)))),
        jnp.outer(x, x),
        jnp.asarray(KNOWN) @ y,
    ],
    "running": lambda x, y: [
        jnp.cumsum(y, 0),
        jnp.cumprod(x),
        lax.cumsum(y, 1, reverse=True),
        lax.cumprod(x, reverse=True),
        lax.cummax(x),
        lax.cummin(y, 0, reverse=True),
    ],
    "reduced": lambda x, y: [x.sum(), y.sum(0), y.mean(1), y.max(1), y.min(), x.prod(), y.sum((0, 1)), x.std()],
    "stack": lambda x, y: [jnp.stack([x, 2 * x], 1), jnp.concatenate([y, y], 1), jnp.hstack([x, x[0]]), jnp.tile(x, 3)],
    "split": lambda x, y: [*jnp.split(x, 3), *jnp.split(y, [1, 3]), *jnp.unstack(y, axis=1), *map(jnp.squeeze, x)],
    "shape": lambda x, y: [
        y.T, y.reshape(2, 6), y[None, :, :, None].transpose(3, 1, 0, 2),
        jnp.rot90(y), jnp.repeat(x, 2),
    ],
    "no numbers": lambda x, y: [
        x[:0], y[:0].sum(0), jnp.prod(x[:0]), jnp.cumsum(x[:0]),
        y[:, :0] @ y[:0], jnp.pad(x[:0], 1),
    ],
    "choice": lambda x, y: [
        jnp.where(x > 0, jnp.log(jnp.abs(x)), x),
        jnp.select([x < -1, x < 0, x < 1], [x, 2 * x, 3 * x], 0.0),
        lax.select_n(jnp.array([0, 2, 1, 0, 2, 2]), x, 2 * x, jnp.exp(x)),
        lax.select_n(jnp.asarray(x > 0, int) + (x > 1), x, 2 * x, jnp.exp(x)),
        jnp.where(np.array([True, False, True] * 2), x, 1.0),
    ],
    "branches": lambda x, y: [
        lax.cond(x[0] > 0, jnp.sin, jnp.cos, x),
        lax.switch(jnp.asarray(jnp.abs(2 * x[0]), int), [jnp.sin, jnp.cos, lambda a: a**2], y),
        lax.cond(KNOWN[0] > 0, lambda a: a * 2, lambda a: a, x),
        lax.cond(x[1] > x[2], lambda: (x, x > 0), lambda: (-x, x > 1)),
    ],
    "truths": lambda x, y: [
        (x > 0) & (x < 1), (x > 0) | (x < -1), ~(x > 0), (x > 0) ^ (x[0] > 0), (x > 0) == (x < 1), (x > 0) != (x < 1),
        jnp.any(x > 1), jnp.all(y < 2, 0), jnp.maximum(x > 0, x > 1), jnp.minimum(x > 0, x < 1), jnp.max(x > 1),
        (x > 0) < (x > -1), (x > 0) >= (x > 1), jnp.sum(x > 0), jnp.isfinite(1 / jnp.floor(x)), jnp.isnan(jnp.log(x)),
        jnp.where(x > 0, x > 1, x < -1), jnp.cumsum(x > 0), jnp.logical_and(x, True), jnp.logical_xor(x > 0, True),
    ],
    "whole numbers": lambda x, y: [
        (9 * x).astype(int), (9 * x).astype(int) // 4, (9 * x).astype(int) % 4, lax.rem((9 * x).astype(int), 4),
        (9 * x).astype(int) * 3 - 1, -(9 * x).astype(int), abs((9 * x).astype(int)), jnp.sign((9 * x).astype(int)),
        (9 * x).astype(int) ** 2, (9 * x).astype(int) > 2, (x > 0).astype(int) + 1, x * (x > 0), (9 * x).astype(bool),
        lax.div((9 * x).astype(int), 2), jnp.maximum((9 * x).astype(int), 0), x.astype(jnp.int32).astype(float),
    ],
    "known whole numbers": lambda x, y: [
        x[0] + jnp.arange(7) // 2, x[0] + (jnp.arange(7) & 5), x[0] + (jnp.arange(7) | 8), x[0] + ~jnp.arange(3),
        x[0] + (jnp.arange(7) ^ 3), x[0] + (jnp.arange(7) << 2), x[0] + jnp.arange(7) % 3, x[jnp.arange(6) // 2],
        x[0] * lax.round(jnp.array([0.5, 1.5, 2.5, -0.5])), x[0] * jnp.round(jnp.array([0.5, 1.5, 2.5, -0.5])),
        jnp.arange(5, dtype=jnp.uint32) - 3 + x[0].astype(int),
        jnp.int32(7) / 2 * x[0], jnp.arange(3) ** 2 * x[0],
    ],
    "known arrays": lambda x, y: [
        x[jnp.argmax(jnp.asarray(KNOWN))], x[jnp.argmin(jnp.asarray(KNOWN).at[2].set(-9.0))],
        jnp.linalg.inv(jnp.diag(jnp.asarray(KNOWN))) @ y, jnp.sort(jnp.asarray(KNOWN)) * x[:4],
        x * jax.random.uniform(jax.random.PRNGKey(3), (6,)), jnp.eye(4) @ y, jnp.tri(6) @ x, jnp.diff(x),
        jnp.asarray(KNOWN)[jnp.searchsorted(jnp.arange(4.0), 2.0)] + x,
    ],
    "inner functions": lambda x, y: [
        jax.jit(jnp.sin)(x), jax.checkpoint(lambda a: jnp.exp(jnp.sin(a)))(x), jax.vmap(jnp.dot)(y, y),
        jax.nn.logsumexp(x), jax.nn.softmax(y, 1), jax.nn.relu(x), jnp.logaddexp(x, 0.3), jax.nn.gelu(x),
        lax.stop_gradient(x) * x, lax.optimization_barrier(x), jnp.linalg.norm(x), jnp.interp(0.4, KNOWN[[1, 3, 0]], x[:3]),
        jax.grad(lambda a: jnp.sum(jnp.tanh(a) ** 3))(x), jnp.polyval(x, 0.5), jnp.convolve(KNOWN, KNOWN) * x[0],
    ],
    "single precision": lambda x, y: [jnp.float32(2.5) + x, (x > 0).astype(jnp.float32) * 2],
}  # fmt: skip
SLOW = {"gamma functions", "normal distribution", "known arrays", "inner functions", "running", "product"}


def seldom(values: Iterable[Any], rare: Iterable[Any]) -> list[Any]:
    """The values, those that XLA takes long for marked as slow."""
    return [pytest.param(each, marks=pytest.mark.slow) if each in rare else each for each in values]


@pytest.mark.parametrize("name", seldom(PRIMITIVES, SLOW))
def test_a_primitive_and_its_slopes_are_jaxs(name):
    alike(with_slopes(PRIMITIVES[name]), normal(6), normal(4, 3, seed=1))


@pytest.mark.parametrize("value", [0.0, INF, -INF, NAN, 1e300])
def test_what_is_no_number_goes_through_as_in_jax(value):
    x = np.array([[value, 1.0, -2.0], [1.0, value, value]])

    def function(x):
        chosen = [
            jnp.maximum(x, 0.5),
            jnp.minimum(x, x[0]),
            jnp.clip(x, -1, 1),
            jnp.sign(x),
            x == x[0],
            x != x,
        ]
        return chosen, x.max(), x.min(), x.sum(), jnp.where(x > 0, x, -x), jnp.isfinite(x), x < x[1]

    alike(function, x)


# Loops

FEW = 4


def table(x: Any, months: int) -> Any:
    """A row of two numbers a month, from x."""
    return jnp.outer(jnp.cos(jnp.arange(months)), x[:2]) + x[2]


def forward(x, months):
    return lax.scan(lambda c, r: (0.9 * c + r[0] * jnp.sin(c), c * r[1]), x[0], table(x, months))


def backward(x, months):
    return lax.scan(lambda c, r: (0.9 * c + r, r * c), x[:2], table(x, months), reverse=True)


def with_constants(x, months):
    weights = jnp.asarray([0.5, -0.25])
    return lax.scan(lambda c, r: (x[3] * c + r @ weights + x[4], r[0] + x[5]), 0.0, table(x, months))


def constant_carries(x, months):
    def month(carry, row):
        free, zero, same, negative = carry
        return (0.5 * free + row[0] + zero, zero * free, same, negative + 0.0), (zero, same, free * same)

    return lax.scan(month, (x[0], 0.0, x[1], -0.0), table(x, months))


def shifting(x, months):
    def month(lags, row):
        return jnp.concatenate([row[:1] + 0.1 * lags[2:], lags[:2]]), lags.sum()

    return lax.scan(month, jnp.zeros(3), table(x, months))


def rows_as_results(x, months):
    def month(carry, row):
        return (row[1], carry[0]), (row, carry, row[::-1], jnp.array(3.0), x[0])

    return lax.scan(month, (x[0], x[1]), table(x, months))


def several_shapes(x, months):
    def month(carry, row):
        a, (b, flag), count = carry["a"], carry["b"], carry["count"]
        following = {"a": a * 0.5 + row[0], "b": (b.T @ b / 4 + row[1], a[0] > row[0]), "count": count + flag}
        return following, (count, flag, jnp.where(flag, a, -a))

    start = {"a": x[:3], "b": (x[:4].reshape(2, 2), jnp.array(True)), "count": jnp.array(0)}
    return lax.scan(month, start, table(x, months))


def twice(x, months):
    _, first = lax.scan(lambda c, r: (c * 0.8 + r[0], c), x[0], table(x, months))
    _, same = lax.scan(lambda c, r: (c * 0.7 + r, c), x[1], first)
    _, turned = lax.scan(lambda c, r: (c * 0.6 + r, c), x[2], first[::-1])
    _, back = lax.scan(lambda c, r: (c * 0.5 + r[0] * r[1], c), x[3], (first, turned), reverse=True)
    every, other = jnp.repeat(first[: (months + 2) // 3], 3)[:months], first * 2
    return same, turned, back, lax.scan(lambda c, r: (c + r[0] * r[1], c), 0.0, (every, other))


def within(x, months):
    def month(carry, row):
        end, path = lax.scan(lambda c, i: (c * 0.9 + row[0] * i, c), carry, jnp.arange(3.0))
        return end, path.sum() + lax.fori_loop(0, 3, lambda i, c: c * 0.5 + i, carry)

    return lax.scan(month, x[0], table(x, months))


def unused(x, months):
    (end, _), (_, path) = lax.scan(
        lambda c, r: ((c[0] + r[0], c[1] * c[0]), (jnp.exp(c[1]), c[0])), (x[0], x[1]), table(x, months)
    )
    return end, path[2:3]


def saved(x, months):
    step = jax.checkpoint(lambda c, r: (jnp.tanh(c) + jnp.exp(-(r[0] ** 2)), c * r[1]))
    return lax.scan(step, x[0], table(x, months))


def without_rows(x, months):
    return lax.scan(lambda c, _: (c * 0.5 + 1, c), x[:2], None, length=months), lax.scan(
        lambda c, r: (c + r.sum(), r), x[0], jnp.zeros((months, 0))
    )


def made_of_constants(x, months):
    return lax.scan(lambda c, r: (c + r, c * 2), 1.0, jnp.arange(float(months))), x


def chosen(x, months):
    def month(c, r):
        return lax.cond(c > r[0], lambda: c * 0.5, lambda: c + 1.0), jnp.where(
            c > 0, jnp.log(jnp.abs(c)), r[1]
        )

    return lax.scan(month, x[0], table(x, months))


LOOPS = [
    forward, backward, with_constants, constant_carries, shifting, rows_as_results, several_shapes, twice, within,
    unused, saved, without_rows, made_of_constants, chosen,
]  # fmt: skip


@pytest.mark.parametrize("months", seldom([LONG, FEW], [FEW]))
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_a_loop_and_its_slopes_are_jaxs(loop, months):
    alike(with_slopes(lambda x: loop(x, months)), 0.5 * normal(6))


@pytest.mark.parametrize("months", seldom([0, 1], [1]))
def test_loops_of_no_month_and_of_one(months):
    loops = (forward, backward, constant_carries, rows_as_results, several_shapes, without_rows)
    alike(with_slopes(lambda x: [loop(x, months) for loop in loops]), 0.5 * normal(6))


def test_slopes_of_slopes():
    alike(lambda x: jax.hessian(lambda x: forward(x, LONG)[0] ** 2)(x), 0.5 * normal(6))
