"""Parameters and their priors: every uncertain number is a standard normal put through a quantile function.

So the prior of a whole model is a vector of independent standard normals, whatever the families: samplers see one
simple geometry, Sobol designs and common random numbers come for free, and one compiled function serves every prior
set, since families and arguments are data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erfc, expit, ndtri
from jax.scipy.special import logit as _logit
from pydantic import PlainValidator, RootModel, WithJsonSchema, model_validator

from outbid.conventions import PRIOR_SETS as PRIOR_SETS
from outbid.declared import Declared, Many, Says, Text, fault, read_required
from outbid.errors import InputError

Numbers = Array | np.ndarray
ARGUMENTS = {
    "normal": "[mean, standard deviation]",
    "lognormal": "[median, standard deviation of the log]",
    "half_normal": "[scale]",
    "logit_normal": "[median, standard deviation of the log odds]",
}
FAMILIES = tuple(ARGUMENTS)


@dataclass(frozen=True)
class Prior:
    """A prior: one of four families with its arguments."""

    family: str
    arguments: tuple[float, ...]

    @property
    def positive(self) -> bool:
        """Whether every draw is above zero."""
        return self.family != "normal"

    def describe(self) -> str:
        """Return the prior in words for tables."""
        first, spread = (np.format_float_positional(self.arguments[i], trim="-") for i in (0, -1))
        return {
            "normal": f"normal, mean {first}, sd {spread}",
            "lognormal": f"lognormal, median {first}, log sd {spread}",
            "half_normal": f"half-normal, scale {first}",
            "logit_normal": f"logit-normal, median {first}, sd of log odds {spread}",
        }[self.family]


@dataclass(frozen=True)
class Parameter:
    """A named constant of the model with its unit, its meaning and a prior per prior set.

    `claimed` is True where a causal claim asserts that the parameter is positive: then the neutral prior must be
    symmetric about zero and the sources' prior must be positive.
    """

    name: str
    unit: str
    meaning: str
    priors: Mapping[str, Prior]
    claimed: bool = False
    evidence: tuple[str, ...] = ()


class PriorTable(NamedTuple):
    """The priors of all parameters in one set as arrays: family code, first and second argument.

    A named tuple, so that a compiled function takes it as data and serves every prior set.
    """

    code: Numbers
    first: Numbers
    second: Numbers


def prior_table(parameters: Sequence[Parameter], prior_set: str) -> PriorTable:
    """Return one prior set as arrays, in the order of `parameters`."""
    priors = [parameter.priors[prior_set] for parameter in parameters]
    return PriorTable(
        np.array([FAMILIES.index(prior.family) for prior in priors], dtype=np.int32),
        np.array([prior.arguments[0] for prior in priors], dtype=float),
        np.array([prior.arguments[-1] for prior in priors], dtype=float),
    )


@jax.custom_jvp
def standard_normal_quantile(share: Array) -> Array:
    """Return the number below which that share of a standard normal lies."""
    return jnp.asarray(ndtri(share))


@standard_normal_quantile.defjvp
def _slope_of_quantile(given: tuple[Array], moved: tuple[Array]) -> tuple[Array, Array]:
    found = standard_normal_quantile(*given)
    return found, moved[0] * jnp.sqrt(2 * jnp.pi) * jnp.exp(0.5 * found**2)


@jax.custom_jvp
def half_normal(z: Array) -> Array:
    """Return a standard half-normal at the share at which a standard normal is z."""
    return -standard_normal_quantile(0.25 * erfc(z / math.sqrt(2.0)))


@half_normal.defjvp
def _slope_of_half_normal(given: tuple[Array], moved: tuple[Array]) -> tuple[Array, Array]:
    # the ratio of the densities; that of the quantile alone overflows far out
    found = half_normal(*given)
    return found, moved[0] * 0.5 * jnp.exp(0.5 * (found**2 - given[0] ** 2))


def from_standard_normal(z: Numbers, table: PriorTable) -> Array:
    """Return parameter values from standard normals, elementwise on the last axis (quantile transform)."""
    first, second = jnp.asarray(table.first), jnp.asarray(table.second)
    safe = jnp.where(table.code == 0, 1.0, first)
    median = jnp.where(table.code == 3, safe, 0.5)
    values = [
        first + second * z,
        safe * jnp.exp(second * z),
        second * half_normal(z),
        expit(_logit(median) + second * z),
    ]
    code, found = jnp.asarray(table.code), values[0]
    for i, each in enumerate(values[1:], 1):
        found = jnp.where(code == i, each, found)
    return found


def _prior(entry: Any) -> Prior:
    if not isinstance(entry, dict) or len(entry) != 1:
        raise fault("is not one family with its arguments", "Write { normal = [0, 0.5] }.")
    family, arguments = next(iter(entry.items()))
    if family not in FAMILIES:
        forms = ", ".join(f"{name} = {arguments}" for name, arguments in ARGUMENTS.items())
        raise fault(f"unknown family {family!r}", f"Write one of {forms}; for a share, logit_normal.")
    expected = 1 if family == "half_normal" else 2
    given = arguments if isinstance(arguments, list) else []
    numbers = [each for each in given if isinstance(each, int | float) and not isinstance(each, bool)]
    if not len(numbers) == len(given) == expected or not all(map(math.isfinite, numbers)):
        raise fault(f"{family} takes finite {ARGUMENTS[family]}", "Give those numbers.")
    if arguments[-1] <= 0:
        raise fault("the spread is not positive", f"{family} takes {ARGUMENTS[family]}.")
    if family == "lognormal" and arguments[0] <= 0:
        raise fault("the median is not positive", "A lognormal lives above zero.")
    if family == "logit_normal" and not 0 < arguments[0] < 1:
        raise fault("the median is outside its range", "Give a number between 0 and 1.")
    return Prior(family, tuple(float(item) for item in arguments))


_FORMS = [
    {"type": "object", "properties": {family: {"type": "array", "description": arguments}}}
    for family, arguments in ARGUMENTS.items()
]
_SCHEMA = {"description": "One family with its arguments, such as { normal = [0, 0.5] }.", "anyOf": _FORMS}
_EXAMPLE = Says("missing", "Give a prior such as { normal = [0, 0.5] }.")
DeclaredPrior = Annotated[Prior, PlainValidator(_prior), WithJsonSchema(_SCHEMA), _EXAMPLE]
_FILLED = Says("missing or empty", "Give it as text.")


class ParameterTable(Declared):
    """A parameter's unit, meaning and priors; `claimed` where a causal claim says that it is positive."""

    entry = "[{key}]"

    unit: Annotated[Text, _FILLED]
    meaning: Annotated[Text, _FILLED]
    neutral: DeclaredPrior
    sources: DeclaredPrior | None = None
    claimed: bool = False
    evidence: Annotated[Many[str], Says("is not a list of claim IDs", 'Write it as ["A01"].')] = ()

    @model_validator(mode="after")
    def _even_and_claimed(self) -> Self:
        if self.claimed and (self.neutral.family != "normal" or self.neutral.arguments[0] != 0.0):
            fix = "Use { normal = [0, sd] }, so that the claim starts at even odds."
            raise fault("the neutral prior of a claimed effect takes a side", fix, "neutral")
        if self.claimed and not (self.sources or self.neutral).positive:
            problem = "the sources' prior of a claimed effect has the wrong sign or none"
            fix = (
                "Use a positive family (half_normal or lognormal); write the claimed sign into the mechanism."
            )
            raise fault(problem, fix, "sources")
        return self

    def parameter(self, name: str) -> Parameter:
        """Return the parameter; what the sources don't speak of has one prior."""
        priors = {"neutral": self.neutral, "sources": self.sources or self.neutral}
        return Parameter(name, self.unit, self.meaning, priors, self.claimed, self.evidence)


class ParameterFile(RootModel[dict[str, ParameterTable]]):
    """parameters.toml, payoffs.toml: every parameter of the model, or weight in a payoff, under its name."""


def read_parameters(path: Path) -> tuple[Parameter, ...]:
    """Read parameters.toml: a table per parameter with unit, meaning, neutral, sources, claimed, evidence."""
    tables = read_required(path, ParameterFile, {}).root
    if not tables:
        raise InputError(path.name, "declares no parameter", "Add at least one table such as [base].")
    return tuple(each.parameter(name) for name, each in tables.items())
