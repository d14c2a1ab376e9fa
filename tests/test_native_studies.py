"""The native engine on whole models: every study's log posterior and its gradient, and theories made up at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax import lax

import contest
import toy
from outbid.infer.likelihood import Figures, Target, gather, log_posterior
from outbid.model.compile import layout
from outbid.model.declare import Model
from outbid.model.priors import prior_table
from outbid.native import over_rows
from outbid.study import load_study

PRIOR_SETS = ("neutral", "sources")


@pytest.fixture(autouse=True)
def nothing_in_xla(caplog, monkeypatch):
    """No function of this file may fall back to XLA."""
    monkeypatch.delenv("OUTBID_BACKEND", raising=False)
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.name == "outbid"] == []


def assert_close(found: Any, wanted: Any, within: float = 1e-10) -> None:
    """Assert that numbers agree, each to a share of the largest in its row."""
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        lines = np.asarray(other).reshape(len(other), -1)
        apart = np.abs(one.reshape(lines.shape) - lines).max(axis=1)
        assert (apart <= within * np.abs(lines).max(axis=1)).all()


def quickly_compiled(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """XLA's function, without optimisation: only its numbers matter."""
    return jax.jit(function).lower(*arguments).compile({"xla_backend_optimization_level": "0"})


def check_posterior(model: Model, figures: Figures, levers: np.ndarray, draws: int = 6) -> None:
    """Assert that value and gradient of the log posterior are XLA's, at draws of both prior sets."""
    z = np.random.default_rng(4).standard_normal((draws, layout(model, figures.months).size))
    slope = jax.value_and_grad(log_posterior(model, figures))
    tables = [prior_table(model.parameters, prior_set) for prior_set in PRIOR_SETS]
    targets = [Target(table, figures.values, np.asarray(levers)) for table in tables]
    in_xla = quickly_compiled(jax.vmap(slope, (0, None)), z, targets[0])
    for target in targets:
        found = over_rows(lambda z, target=target: slope(z, target), (0,))(z)
        assert np.isfinite(found[0]).all()
        assert_close(found, in_xla(z, target))


@pytest.mark.slow
def test_the_log_posterior_of_a_contest_with_one_of_everything():
    model = contest.model()
    check_posterior(model, contest.figures(model), contest.known_levers())


@pytest.mark.slow
def test_the_log_posterior_of_the_tutorials_study(tmp_path):
    study = load_study(toy.write_toy(tmp_path / "toy"))
    check_posterior(study.model, gather(study.model, study.panel), study.known_levers)


@pytest.mark.slow
def test_the_log_posterior_of_the_shipped_study(khorasan):
    check_posterior(khorasan.model, gather(khorasan.model, khorasan.panel), khorasan.known_levers)


# Theories made up at random; what each operation is given keeps it finite

Term = Callable[[Any, Any], Any]
TERMS: dict[str, Term] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * jnp.tanh(b),
    "div": lambda a, b: a / (1.0 + b * b),
    "exp": lambda a, _: jnp.exp(-jnp.abs(a)),
    "log": lambda a, b: jnp.log(0.5 + a * a) * b,
    "where": lambda a, b: jnp.where(a > b, a, 0.5 * b),
    "least": lambda a, b: jnp.minimum(a, b + 0.1),
    "most": lambda a, b: jnp.maximum(a, -b),
    "tanh": lambda a, _: jnp.tanh(a),
    "constant": lambda a, _: a * 0.0 + 1.5,
}
step = st.tuples(st.sampled_from(sorted(TERMS)), st.integers(0, 30), st.integers(0, 30))
STATES, MONTHS = 3, 14


def theory(steps: Sequence[tuple[str, int, int]], kept: int, backward: bool) -> Callable[[Any], Any]:
    """A path's end and mean, of a vector: what starts the states, and two parameters."""

    def month(carry, row, p):
        values = [*carry, row, *p, 1.0, 0.0]
        for name, one, two in steps:
            values.append(TERMS[name](values[one % len(values)], values[two % len(values)]))
        following = [
            0.5 * old + 0.4 * jnp.tanh(new) for old, new in zip(carry, values[-STATES:], strict=True)
        ]
        following[:kept] = carry[:kept]
        return jnp.stack(following), values[-1]

    def path(x):
        rows = jnp.sin(jnp.arange(MONTHS) * x[0])
        start = jnp.concatenate([jnp.zeros(1), x[1:STATES]])
        end, seen = lax.scan(lambda c, r: month(c, r, x[STATES:]), start, rows, reverse=backward)
        return jnp.sum(end * jnp.array([1.0, 2.0, 3.0])) + jnp.mean(seen**2)

    return path


@settings(max_examples=5)
@given(st.lists(step, min_size=3, max_size=20), st.integers(0, 3), st.booleans())
def test_a_theory_made_up_at_random_has_jaxs_value_and_gradient(steps, kept, backward):
    both = jax.value_and_grad(theory(steps, kept, backward))
    x = np.random.default_rng(len(steps)).standard_normal((5, STATES + 2))
    wanted = quickly_compiled(jax.vmap(both), x)(x)
    assume(np.abs(wanted[1]).max() < 1e6)
    found = over_rows(both, (0,))(x)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-10)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-9, atol=1e-9 * np.abs(wanted[1]).max())
