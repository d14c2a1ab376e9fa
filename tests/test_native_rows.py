"""The native engine as its callers meet it: arrays of any kind, threads, what it leaves to XLA, and its cache."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import contest
import outbid.native
from outbid.errors import InputError
from outbid.model.compile import build_month
from outbid.native import over_rows
from outbid.native.machine import MachineCode
from outbid.native.tracing import trace


@pytest.fixture(autouse=True)
def native(monkeypatch, tmp_path):
    """The engine as it is when nobody chose one, with a cache of its own."""
    monkeypatch.delenv("OUTBID_BACKEND", raising=False)
    monkeypatch.setattr(outbid.native, "folder", lambda _: tmp_path / "native")
    return tmp_path / "native"


def wave(x: Any, weights: Any) -> Any:
    """Two numbers and a path, of a vector of three and as many weights."""
    end, path = lax.scan(lambda c, w: (0.9 * c + jnp.sin(w * x[0]), c * x[1]), x[2], jnp.tile(weights, 5))
    return {"end": end, "path": path, "high": end > 0.5, "count": jnp.sum(path > 0)}


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape)


WEIGHTS = np.array([0.5, -1.0, 2.0])
WAVES = over_rows(wave, (0, None))


def waves(x: np.ndarray) -> Any:
    return jax.jit(jax.vmap(wave, (0, None)))(x, WEIGHTS)


def assert_same(found: Any, wanted: Any, rtol: float = 1e-12) -> None:
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert isinstance(one, np.ndarray)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 8, 13])
def test_any_number_of_rows(rows):
    wanted = jax.tree.map(lambda each: each[:rows], waves(numbers(13, 3)))
    assert_same(WAVES(numbers(13, 3)[:rows], WEIGHTS), wanted)


def test_no_row(monkeypatch):
    for engine in ("native", "xla"):
        monkeypatch.setenv("OUTBID_BACKEND", engine)
        found = over_rows(wave, (0, None))(numbers(0, 3), WEIGHTS)
        assert {name: each.shape for name, each in found.items()} == {
            **{"end": (0,), "path": (0, 15), "high": (0,), "count": (0,)}
        }
        assert (found["high"].dtype, found["count"].dtype) == (bool, int)


def test_thousands_of_rows_on_several_threads_as_one_by_one(monkeypatch):
    x = numbers(3001, 3)
    monkeypatch.setattr("outbid.native.machine._cores", lambda: 3)
    many = WAVES(x, WEIGHTS)
    ones = [WAVES(x[i : i + 1], WEIGHTS) for i in range(0, 3001, 100)]
    assert_same(
        jax.tree.map(lambda a: a[::100], many), jax.tree.map(lambda *a: np.concatenate(a), *ones), 0.0
    )


def test_threads_may_call_one_object_at_once():
    fresh = over_rows(wave, (0, None))
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda k: fresh(numbers(40, 3) + k, WEIGHTS), range(60)))
    for k in (0, 31, 59):
        assert_same(parts[k], WAVES(numbers(40, 3) + k, WEIGHTS), 0.0)


UNALIGNED = np.zeros(6, dtype=[("tag", "i4"), ("number", "f8", 3)])
UNALIGNED["number"] = numbers(6, 3)
BROADCAST = np.broadcast_to(numbers(1, 3), (6, 3))


@pytest.mark.parametrize(
    "x",
    [
        *(numbers(12, 3)[::2], numbers(3, 6).T, np.asfortranarray(numbers(6, 3)), numbers(6, 6)[:, ::2]),
        *(numbers(6, 3)[::-1, ::-1], BROADCAST, UNALIGNED["number"]),
        *(numbers(6, 3).astype("f4").astype(float), numbers(2, 6, 3)[1], numbers(6, 3, 2)[..., 1]),
    ],
)
def test_arrays_lie_in_memory_as_they_like(x):
    assert_same(WAVES(x, WEIGHTS), WAVES(np.array(x, dtype=float), WEIGHTS.copy()), 0.0)


def test_whole_numbers_truth_values_and_single_precision():
    def function(whole, truth, small):
        following = jnp.where(truth, whole + 1, -whole)
        return following, ~truth, small * 2, small + whole, truth.sum(), following.astype(float) / 3

    x = [np.arange(-3, 4).reshape(7, 1) * [1, 2], numbers(7, 2) > 0, numbers(7, 2).astype(np.float32)]
    assert_same(over_rows(function, (0, 0, 0))(*x), jax.jit(jax.vmap(function))(*x), 1e-6)


def test_trees_shared_arguments_and_arrays_of_nothing():
    def function(state, both, nothing):
        return (state["a"] @ both[0], [state["b"].T, nothing, jnp.zeros(0)]), both[1]["c"], jnp.array(2)

    state = {"a": numbers(6, 2, 3), "b": numbers(6, 2, 0)}
    both = (numbers(3), {"c": numbers(6, 4), "d": numbers(6)})
    axes = (0, (None, 0), 0)
    found = over_rows(function, axes)(state, both, numbers(6, 0))
    assert_same(found, jax.vmap(function, axes)(state, both, numbers(6, 0)))


def test_numbers_of_rows_that_differ_are_refused():
    both = over_rows(jnp.add, (0, 0))
    with pytest.raises(ValueError, match="one number of rows"):
        both(numbers(4), numbers(8))
    with pytest.raises(ValueError, match="one number of rows"):
        over_rows(jnp.add, (None, None))(numbers(4), numbers(4))


# What it leaves to XLA


def _sorting(x: Any) -> Any:
    return jnp.sort(jnp.stack([x, jnp.sin(x)]))


def _waiting(x: Any) -> Any:
    return lax.while_loop(lambda c: c < 5, lambda c: c + 1.5, x)


def _picking(x: Any) -> Any:
    return jnp.arange(4.0)[jnp.clip(jnp.asarray(x, int), 0, 3)]


def _within_a_loop(x: Any) -> Any:
    return lax.scan(lambda c, r: (c + r, _sorting(c)), x, jnp.arange(20.0))


def _unsigned(x: Any) -> Any:
    return (jnp.abs(x).astype(jnp.uint8) - jnp.uint8(200)) + x


def _bits(x: Any) -> Any:
    return jnp.asarray(9 * jnp.abs(x), int) & 5


def _complex(x: Any) -> Any:
    return jnp.abs(jnp.exp(1j * x) + 1)


def _large(x: Any) -> Any:
    return jnp.max(jnp.arange(600_000.0) * x)


def _random(x: Any) -> Any:
    return jax.random.normal(jax.random.key(jnp.asarray(9 * jnp.abs(x), int))) + x


STRANGE = {
    _sorting: "sort", _waiting: "while", _picking: "dynamic_slice at places that depend on numbers", _within_a_loop: "sort",
    _unsigned: "convert_element_type on numbers of the kind uint8", _bits: "and on whole numbers",
    _complex: "on numbers of the kind complex", _large: "on an array too large to write out", _random: "random_seed",
}  # fmt: skip


@pytest.mark.parametrize("function", STRANGE, ids=lambda each: each.__name__)
def test_what_it_does_not_know_runs_in_xla_and_a_line_says_what_and_where(function, caplog):
    def named(x):
        with jax.named_scope("recruiting"):
            return function(x)

    x = numbers(5)
    run = over_rows(named, (0,))
    assert_same(run(x), jax.jit(jax.vmap(named))(x))
    run(x[:3])
    (line,) = [each.getMessage() for each in caplog.records if each.name == "outbid"]
    assert STRANGE[function] in line
    assert "recruiting" in line
    assert line.endswith("this part runs in XLA, which takes longer.")


def test_a_slope_names_the_scope_too(caplog):
    def named(x):
        with jax.named_scope("recruiting"):
            return _within_a_loop(x)[0] * _sorting(x)[0]

    over_rows(jax.grad(named), (0,))(numbers(3))
    assert "recruiting" in caplog.text


def test_a_step_names_its_mechanisms(caplog, monkeypatch):
    model = contest.model()
    first = model.mechanisms[0]

    def strange(s, u, p):
        effect = first.function(s, u, p)
        return replace(effect, hazard=effect.hazard * jnp.sort(jnp.stack([p.defection_base] * 2))[0])

    mechanisms = (replace(first, function=strange), *model.mechanisms[1:])
    month = build_month(replace(model, mechanisms=mechanisms), [f"sees.{model.observations[0].series}"])
    state = {each.name: np.ones(2) for each in (*model.stocks, *model.indices)}
    parameters = {name: np.ones(2) for name in model.parameter_names}
    levers = np.ones((2, len(model.lever_names)))
    over_rows(month, (0,) * 5)(state, np.zeros((2, len(model.noisy))), levers, levers, parameters)
    assert f"no operation sort (in {first.name}" in caplog.text


def test_xla_can_be_chosen(monkeypatch, caplog):
    monkeypatch.setenv("OUTBID_BACKEND", "xla")
    chosen = over_rows(wave, (0, None))
    for rows in (1, 5):
        assert_same(chosen(numbers(rows, 3), WEIGHTS), WAVES(numbers(rows, 3), WEIGHTS))
    assert not caplog.records


def test_an_engine_of_another_name_is_refused(monkeypatch):
    monkeypatch.setenv("OUTBID_BACKEND", "banana")
    with pytest.raises(InputError, match=r"OUTBID_BACKEND.*'banana'.*Write native or xla"):
        over_rows(wave, (0, None))


# What is kept


def compiled(folder: Path | None) -> list[np.ndarray]:
    closed = jax.make_jaxpr(jnp.tanh)(1.0)
    x = np.arange(3.0)
    return MachineCode(trace(closed, [jax.ShapeDtypeStruct((), float)]), folder)(3, [x], [False])


def assert_sound(found: list[np.ndarray]) -> None:
    np.testing.assert_allclose(found[0], np.tanh(np.arange(3.0)), rtol=1e-15)


def test_code_is_kept_whole_and_read_again(native, monkeypatch):
    assert_sound(compiled(native))
    (kept,) = native.iterdir()
    assert kept.suffix == ".o"
    monkeypatch.setattr("outbid.native.machine._target", None)  # no compiler: only what is kept
    assert_sound(compiled(native))


@pytest.mark.parametrize("damage", ["empty", "short", "changed", "other", "folder"])
def test_damaged_code_is_compiled_again(native, damage):
    compiled(native)
    (kept,) = native.iterdir()
    whole = kept.read_bytes()
    kept.unlink()
    match damage:
        case "empty":
            kept.touch()
        case "short":
            kept.write_bytes(whole[: len(whole) // 2])
        case "changed":
            kept.write_bytes(whole[:200] + b"\xcc" * 50 + whole[250:])
        case "other":
            kept.write_text("not an object file at all")
        case "folder":
            kept.mkdir()
    assert_sound(compiled(native))
    assert list(native.iterdir()) == [kept]
    assert damage == "folder" or kept.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file" / "native", Path("/proc/nowhere")):
        assert_sound(compiled(folder))


@pytest.mark.slow
def test_processes_may_compile_at_once(tmp_path):
    script = (
        "import jax; jax.config.update('jax_enable_x64', True)\nimport jax.numpy as jnp, numpy as np\n"
        "from outbid.native import over_rows\n"
        "f = over_rows(lambda x: [jnp.sin(x * k) for k in range(50)], (0,))\n"
        "assert np.allclose(f(np.arange(9.0))[3], np.sin(3 * np.arange(9.0)))\n"
    )
    environment = {**os.environ, "OUTBID_CACHE": str(tmp_path)}
    started = [subprocess.Popen([sys.executable, "-c", script], env=environment) for _ in range(2)]
    assert [each.wait() for each in started] == [0, 0]
    (kept,) = (tmp_path / "outbid" / "native").iterdir()
    assert kept.suffix == ".o"


def test_code_of_an_object_that_is_gone_takes_no_other_along():
    for k in range(4):
        assert_same(over_rows(lambda x, k=k: jnp.sin(x) * k, (0,))(numbers(5)), np.sin(numbers(5)) * k)
