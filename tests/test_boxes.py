"""Boxes in which something holds more often: planted ones are found, noise is refused, scales and order don't matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbid.stats.boxes import Box, find_box

DRAWS = 2000


def _draws(seed: int, inputs: int = 20) -> tuple[np.ndarray, list[str], np.random.Generator]:
    generator = np.random.default_rng(seed)
    return generator.uniform(size=(DRAWS, inputs)), [f"x{i}" for i in range(inputs)], generator


def _limits(box: Box) -> dict[str, tuple[float, float]]:
    return {limit.name: (limit.low, limit.high) for limit in box.limits}


@pytest.mark.parametrize("seed", range(3))
def test_finds_a_sharp_box_exactly(seed: int) -> None:
    inputs, names, _ = _draws(seed)
    holds = (inputs[:, 3] > 0.6) & (inputs[:, 7] < 0.5)
    box = find_box(inputs, holds, names)
    assert box is not None
    limits = _limits(box)
    assert set(limits) == {"x3", "x7"}
    assert limits["x3"] == (pytest.approx(0.6, abs=0.02), np.inf)
    assert limits["x7"] == (-np.inf, pytest.approx(0.5, abs=0.02))
    assert box.coverage > 0.95
    assert box.density > 0.95
    assert box.elsewhere < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_finds_a_blurred_box_among_many_inputs(seed: int) -> None:
    inputs, names, generator = _draws(seed, 100)
    inside = (inputs[:, 11] > 0.5) & (inputs[:, 50] > 0.4)
    holds = generator.random(DRAWS) < np.where(inside, 0.8, 0.2)
    box = find_box(inputs, holds, names)
    assert box is not None
    limits = _limits(box)
    assert set(limits) == {"x11", "x50"}
    assert limits["x11"][0] == pytest.approx(0.5, abs=0.1)
    assert limits["x50"][0] == pytest.approx(0.4, abs=0.1)
    assert box.density == pytest.approx(0.8, abs=0.06)
    assert box.elsewhere == pytest.approx(0.2, abs=0.06)


def test_finds_both_sides_of_a_band() -> None:
    inputs, names, _ = _draws(5)
    box = find_box(inputs, np.abs(inputs[:, 2] - 0.5) < 0.2, names)
    assert box is not None
    assert _limits(box) == {"x2": (pytest.approx(0.3, abs=0.03), pytest.approx(0.7, abs=0.03))}


def test_finds_what_a_switch_decides() -> None:
    inputs, names, generator = _draws(6)
    inputs[:, 4] = inputs[:, 4] > 0.7
    holds = generator.random(DRAWS) < np.where(inputs[:, 4] == 1, 0.9, 0.1)
    box = find_box(inputs, holds, names)
    assert box is not None
    assert _limits(box) == {"x4": (1.0, np.inf)}


def test_numbers_are_those_of_the_draws_in_the_box() -> None:
    inputs, names, generator = _draws(7)
    holds = generator.random(DRAWS) < inputs[:, 0]
    box = find_box(inputs, holds, names)
    assert box is not None
    inside = box.holds_in(inputs, names)
    assert box.mass == pytest.approx(inside.mean())
    assert box.density == pytest.approx(holds[inside].mean())
    assert box.elsewhere == pytest.approx(holds[~inside].mean())
    assert box.coverage == pytest.approx((holds & inside).sum() / holds.sum())


def test_names_at_most_the_inputs_asked_for_and_the_strongest_first() -> None:
    inputs, names, _ = _draws(8)
    weights = np.array([3.0, 2.5, 2.0, 1.5, 1.2, 1.0])
    holds = (inputs[:, :6] - 0.5) @ weights > 0.5
    box = find_box(inputs, holds, names, most=2)
    assert box is not None
    assert [limit.name for limit in box.limits] == ["x0", "x1"]


def test_keeps_the_share_of_draws_asked_for() -> None:
    inputs, names, _ = _draws(9)
    holds = inputs[:, 0] > 0.98
    box = find_box(inputs, holds, names, smallest_share=0.25)
    assert box is not None
    assert box.mass >= 0.25


@pytest.mark.parametrize("holding", [True, False])
def test_no_box_where_everything_or_nothing_holds(holding: bool) -> None:
    inputs, names, _ = _draws(10)
    assert find_box(inputs, np.full(DRAWS, holding), names) is None


def test_no_box_without_inputs_or_differences() -> None:
    _, _, generator = _draws(11)
    holds = generator.random(DRAWS) < 0.5
    assert find_box(np.empty((DRAWS, 0)), holds, []) is None
    assert find_box(np.ones((DRAWS, 2)), holds, ["a", "b"]) is None


def test_noise_gives_no_box() -> None:
    found = 0
    for seed in range(20):
        inputs, names, generator = _draws(100 + seed, 60)
        found += find_box(inputs, generator.random(DRAWS) < 0.4, names) is not None
    assert found <= 2


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    steepness=st.floats(0.0, 6.0),
    base=st.floats(0.05, 0.95),
    share=st.floats(0.05, 0.6),
    step=st.sampled_from([0.0, 0.1, 0.5]),
)
def test_laws(seed: int, steepness: float, base: float, share: float, step: float) -> None:
    generator = np.random.default_rng(seed)
    inputs = generator.uniform(size=(300, 5))
    if step:
        inputs = np.round(inputs / step) * step
    names = ["d", "b", "a", "e", "c"]
    lean = np.log(base / (1 - base)) + steepness * (inputs[:, 0] - inputs[:, 1])
    holds = generator.random(300) < 1 / (1 + np.exp(-lean))
    box = find_box(inputs, holds, names, smallest_share=share, most=3)

    order = [3, 0, 4, 2, 1]
    permuted = find_box(inputs[:, order], holds, [names[i] for i in order], smallest_share=share, most=3)
    assert permuted == box

    stretched = inputs.copy()
    stretched[:, 0] = np.exp(3 * stretched[:, 0])
    other = find_box(stretched, holds, names, smallest_share=share, most=3)
    assert (other is None) == (box is None)
    if box is None or other is None:
        return
    assert box.density > holds.mean()
    assert box.density > box.elsewhere
    assert share <= box.mass < 1
    assert 0 < box.coverage <= 1
    assert len(box.limits) <= 3
    assert (other.coverage, other.density, other.mass) == (box.coverage, box.density, box.mass)
    for old, new in zip(box.limits, other.limits, strict=True):
        if old.name == "d":
            assert (new.low, new.high) == pytest.approx(
                (np.exp(3 * old.low) if old.low > -np.inf else -np.inf, np.exp(3 * old.high))
            )
        else:
            assert new == old
