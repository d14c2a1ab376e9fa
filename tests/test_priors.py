"""Priors: quantile transforms against SciPy, and every rule that parameters.toml has to keep."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from outbid.errors import InputError
from outbid.model.priors import (
    ARGUMENTS,
    FAMILIES,
    PRIOR_SETS,
    Parameter,
    Prior,
    PriorTable,
    from_standard_normal,
    prior_table,
    read_parameters,
)
from outbid.study import Study

VALUES = jax.jit(from_standard_normal)
SLOPES = jax.jit(jax.vmap(jax.grad(lambda z, table: from_standard_normal(z, table)), in_axes=(0, None)))
LENGTH = 4  # of the vectors that laws are tried on: one compilation serves all

spreads = st.floats(0.05, 3.0)
priors = st.one_of(
    st.builds(lambda mean, sd: Prior("normal", (mean, sd)), st.floats(-5, 5), spreads),
    st.builds(lambda median, sd: Prior("lognormal", (median, sd)), st.floats(1e-6, 1e5), spreads),
    st.builds(lambda scale: Prior("half_normal", (scale,)), spreads),
    st.builds(lambda median, sd: Prior("logit_normal", (median, sd)), st.floats(0.01, 0.99), spreads),
)
vectors = st.lists(st.floats(-6.0, 6.0), min_size=LENGTH, max_size=LENGTH)


def table_of(prior: Prior) -> PriorTable:
    return prior_table([Parameter("x", "", "", {"neutral": prior})], "neutral")


def quantiles(prior: Prior, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """SciPy's quantiles at the probabilities of standard normals z."""
    first, second = prior.arguments[0], prior.arguments[-1]
    below = stats.norm.cdf(z)
    if prior.family == "normal":
        return stats.norm.ppf(below, first, second)
    if prior.family == "lognormal":
        return stats.lognorm.ppf(below, second, scale=first)
    if prior.family == "half_normal":
        # the other tail, where probabilities near one would lose their digits
        return stats.halfnorm.isf(stats.norm.sf(z), scale=second)
    return expit(stats.norm.ppf(below, logit(first), second))


@given(priors, vectors)
def test_values_are_the_quantiles_of_scipy(prior: Prior, z: list[float]) -> None:
    np.testing.assert_allclose(
        VALUES(np.array(z), table_of(prior)), quantiles(prior, np.array(z)), rtol=1e-7, atol=1e-12
    )


def scalar(table: PriorTable) -> PriorTable:
    return PriorTable(*(np.asarray(column)[0] for column in table))


@given(priors, st.lists(st.floats(-8.0, 5.0), min_size=LENGTH, max_size=LENGTH, unique=True))
def test_a_larger_standard_normal_is_a_larger_value(prior: Prior, z: list[float]) -> None:
    values = np.asarray(VALUES(np.sort(z), table_of(prior)))
    gaps = np.diff(np.sort(z))
    assert (np.diff(values) >= 0).all()
    assert (np.diff(values)[gaps > 1e-6] > 0).all()


@given(priors, st.lists(st.floats(-30.0, 30.0), min_size=LENGTH, max_size=LENGTH))
def test_far_out_values_stay_in_the_support_with_a_finite_slope(prior: Prior, z: list[float]) -> None:
    points, table = np.array([*z[:2], -30.0, 30.0]), table_of(prior)
    values = np.asarray(VALUES(points, table))
    slopes = np.asarray(SLOPES(points, scalar(table)))
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    assert (slopes >= 0).all()
    if prior.positive:
        assert (values >= 0).all()
    if prior.family == "logit_normal":
        assert (values <= 1).all()


def test_one_table_serves_all_families_at_once() -> None:
    mixed = (
        Prior("normal", (1.0, 2.0)),
        Prior("lognormal", (3.0, 0.5)),
        Prior("half_normal", (0.5,)),
        Prior("logit_normal", (0.2, 1.0)),
    )
    parameters = [Parameter(str(i), "", "", {"neutral": prior}) for i, prior in enumerate(mixed)]
    table = prior_table(parameters, "neutral")
    z = np.array([0.3, -1.1, 0.7, 2.0])
    expected = [quantiles(prior, z[i : i + 1])[0] for i, prior in enumerate(mixed)]
    np.testing.assert_allclose(VALUES(z, table), expected)
    # medians: the mean, the median, 0.6745 scales, the median
    np.testing.assert_allclose(VALUES(np.zeros(4), table), [1.0, 3.0, 0.5 * 0.6744897501960817, 0.2])
    assert np.isfinite(jax.jit(jax.grad(lambda z: from_standard_normal(z, table).sum()))(z)).all()


def test_priors_in_words() -> None:
    assert Prior("normal", (0.0, 0.5)).describe() == "normal, mean 0, sd 0.5"
    assert Prior("lognormal", (48000.0, 0.25)).describe() == "lognormal, median 48000, log sd 0.25"
    assert Prior("half_normal", (0.5,)).describe() == "half-normal, scale 0.5"
    assert Prior("logit_normal", (0.3, 0.5)).describe() == "logit-normal, median 0.3, sd of log odds 0.5"
    assert set(ARGUMENTS) == set(FAMILIES)


# reading parameters.toml

ENTRY: dict[str, Any] = {
    "unit": "1/month",
    "meaning": "A share",
    "neutral": {"normal": [0, 0.5]},
    "sources": {"half_normal": [0.5]},
    "claimed": True,
    "evidence": ["M14"],
}


def inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return json.dumps(value)


def read(folder: Path, text: str | None = None, *, drop: str = "", **changes: Any) -> tuple[Parameter, ...]:
    entry = {key: value for key, value in (ENTRY | changes).items() if key != drop}
    lines = ["[base]", *(f"{key} = {inline(value)}" for key, value in entry.items())]
    path = folder / "parameters.toml"
    path.write_text("\n".join(lines) if text is None else text, encoding="utf-8")
    return read_parameters(path)


def refused(folder: Path, text: str | None = None, **changes: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read(folder, text, **changes)
    assert "\n" not in str(caught.value)
    assert caught.value.where.startswith("parameters.toml")
    return caught.value


def test_a_parameter_is_read(tmp_path: Path) -> None:
    (found,) = read(tmp_path)
    neutral, sources = Prior("normal", (0.0, 0.5)), Prior("half_normal", (0.5,))
    expected = {"neutral": neutral, "sources": sources}
    assert found == Parameter("base", "1/month", "A share", expected, True, ("M14",))


def test_what_the_sources_do_not_speak_of_has_one_prior(tmp_path: Path) -> None:
    (found,) = read(tmp_path, drop="sources", claimed=False, neutral={"lognormal": [2, 1]})
    assert found.priors["sources"] == found.priors["neutral"] == Prior("lognormal", (2.0, 1.0))


@pytest.mark.parametrize("neutral", [{"normal": [0.1, 0.5]}, {"half_normal": [0.5]}, {"lognormal": [1, 1]}])
def test_a_neutral_prior_takes_no_side(tmp_path: Path, neutral: dict[str, list[float]]) -> None:
    fault = refused(tmp_path, neutral=neutral)
    assert fault.where == "parameters.toml, [base], neutral"
    assert "takes a side" in fault.problem


def test_the_sources_prior_of_a_claimed_effect_has_its_sign(tmp_path: Path) -> None:
    for changes in ({"sources": {"normal": [0.5, 0.1]}}, {"drop": "sources"}):
        fault = refused(tmp_path, **changes)
        assert fault.where == "parameters.toml, [base], sources"
        assert "wrong sign or none" in fault.problem


@pytest.mark.parametrize(
    ("prior", "problem"),
    [
        ({"nromal": [0, 0.5]}, "unknown family 'nromal'"),
        ({"beta": [2, 2]}, "unknown family 'beta'"),
        ({"normal": [0]}, "normal takes finite [mean, standard deviation]"),
        ({"normal": [0, 0.5, 1]}, "normal takes finite"),
        ({"normal": 0.5}, "normal takes finite"),
        ({"normal": ["0", 0.5]}, "normal takes finite"),
        ({"normal": [True, 0.5]}, "normal takes finite"),
        ({"normal": [float("nan"), 0.5]}, "normal takes finite"),
        ({"normal": [0, float("nan")]}, "normal takes finite"),
        ({"normal": [0, float("inf")]}, "normal takes finite"),
        ({"normal": [0, 0]}, "the spread is not positive"),
        ({"normal": [0, -0.5]}, "the spread is not positive"),
        ({"half_normal": [0.5, 0.5]}, "half_normal takes finite [scale]"),
        ({"half_normal": [0]}, "the spread is not positive"),
        ({"lognormal": [0, 0.5]}, "the median is not positive"),
        ({"lognormal": [-1, 0.5]}, "the median is not positive"),
        ({"logit_normal": [0, 0.5]}, "the median is outside its range"),
        ({"logit_normal": [1, 0.5]}, "the median is outside its range"),
        ({"normal": [0, 1], "lognormal": [1, 1]}, "is not one family with its arguments"),
        ({}, "is not one family with its arguments"),
        ([0, 0.5], "is not one family with its arguments"),
    ],
    ids=str,
)
def test_a_prior_that_makes_no_sense(tmp_path: Path, prior: Any, problem: str) -> None:
    fault = refused(tmp_path, neutral=prior, claimed=False, drop="sources")
    assert fault.where == "parameters.toml, [base], neutral"
    assert fault.problem.startswith(problem)
    assert refused(tmp_path, sources=prior).where == "parameters.toml, [base], sources"


@pytest.mark.parametrize(
    ("changes", "where", "problem"),
    [
        ({"drop": "unit"}, "unit", "missing or empty"),
        ({"drop": "meaning"}, "meaning", "missing or empty"),
        ({"meaning": " "}, "meaning", "missing or empty"),
        ({"unit": 3}, "unit", "missing or empty"),
        ({"drop": "neutral"}, "neutral", "missing"),
        ({"claimed": "yes"}, "claimed", "is not true or false"),
        ({"evidence": "M14"}, "evidence", "is not a list of claim IDs"),
        ({"evidence": [14]}, "evidence", "is not a list of claim IDs"),
        ({"nuetral": {"normal": [0, 1]}}, "nuetral", "unknown key"),
    ],
)
def test_an_entry_that_is_not_whole(
    tmp_path: Path, changes: dict[str, Any], where: str, problem: str
) -> None:
    fault = refused(tmp_path, **changes)
    assert (fault.where, fault.problem) == (f"parameters.toml, [base], {where}", problem)


def test_a_file_that_is_not_whole(tmp_path: Path) -> None:
    assert refused(tmp_path, "").problem == "declares no parameter"
    assert "is not valid TOML" in refused(tmp_path, "[base\n").problem
    assert "is not valid TOML" in refused(tmp_path, "[base]\n[base]\n").problem
    assert refused(tmp_path, "base = 3\n").problem == "is not a table"
    (tmp_path / "parameters.toml").write_bytes(b"[base]\nunit = '\xff'\n")
    with pytest.raises(InputError, match=r"parameters\.toml, line 2: the text is not UTF-8"):
        read_parameters(tmp_path / "parameters.toml")
    with pytest.raises(InputError, match="there is no such file"):
        read_parameters(tmp_path / "nowhere.toml")


# the shipped ones


def test_the_shipped_parameters_are_all_read(khorasan: Study) -> None:
    tables = tomllib.loads((khorasan.folder / "parameters.toml").read_text(encoding="utf-8"))
    assert khorasan.model.parameter_names == tuple(tables)
    assert len(tables) >= 108
    for parameter in khorasan.model.parameters:
        assert set(parameter.priors) == set(PRIOR_SETS)


def test_claimed_effects_start_even_and_the_sources_take_them_at_their_word(khorasan: Study) -> None:
    claimed = [item for item in khorasan.model.parameters if item.claimed]
    assert len(claimed) >= 20
    z = np.random.default_rng(1).standard_normal((200, len(claimed)))
    neutral, sources = (prior_table(claimed, prior_set) for prior_set in PRIOR_SETS)
    np.testing.assert_allclose(VALUES(z, neutral), -np.asarray(VALUES(-z, neutral)), atol=1e-12)
    assert (np.asarray(VALUES(z, sources)) > 0).all()
    for parameter in claimed:
        assert parameter.evidence, f"{parameter.name} is claimed, but by whom?"


def test_the_sources_differ_from_the_neutral_prior_only_where_they_claim(khorasan: Study) -> None:
    for parameter in khorasan.model.parameters:
        same = parameter.priors["neutral"] == parameter.priors["sources"]
        assert same is not parameter.claimed, parameter.name
