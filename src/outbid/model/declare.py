"""Put declarations together into a Model, and refuse one that does not hold together.

Every name that a mechanism reads or writes is checked here, by tracing each function once with abstract
values: a misspelt state, lever or parameter is an error that says what was meant, not a silent zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import jax
import jax.numpy as jnp

from outbid.errors import InputError, did_you_mean
from outbid.model.priors import Parameter
from outbid.model.vocabulary import (
    Actor,
    Count,
    Derived,
    Drift,
    Flow,
    Index,
    Lever,
    LeverHistory,
    LogNormal,
    Mechanism,
    NegativeBinomial,
    Observation,
    Outcome,
    Stock,
)


class Names:
    """Attribute access to named values that records what was read. Mechanisms see their world through it."""

    __slots__ = ("_kind", "_reads", "_values")

    def __init__(self, values: Mapping[str, Any] | Callable[[str], Any], kind: str = "") -> None:
        self._values = values
        self._kind = kind
        self._reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._reads.append(name)
        if callable(self._values):
            return self._values(name)
        return self._values[name]


@dataclass(frozen=True)
class Reads:
    """The names that a function read, by where it read them: states, levers, last month's levers, parameters, moves."""

    s: frozenset[str] = frozenset()
    u: frozenset[str] = frozenset()
    previous: frozenset[str] = frozenset()
    p: frozenset[str] = frozenset()
    m: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FlowKey:
    """One flow of a mechanism: which mechanism moves people from where to where."""

    mechanism: str
    source: str
    target: str


@dataclass(frozen=True)
class Model:
    """A checked model. Build it with `declare`; run it with `outbid.model.compile`."""

    stocks: tuple[Stock, ...]
    indices: tuple[Index, ...]
    levers: tuple[Lever, ...]
    parameters: tuple[Parameter, ...]
    quantities: tuple[Derived, ...]
    mechanisms: tuple[Mechanism, ...]
    observations: tuple[Observation, ...]
    outcomes: tuple[Outcome, ...]
    actors: tuple[Actor, ...]
    lever_histories: tuple[LeverHistory, ...]
    order: tuple[str, ...]
    flows: tuple[FlowKey, ...]
    counts: Mapping[str, str]
    noise: Mapping[str, str]
    reads: Mapping[str, Reads] = field(repr=False)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters in the order of every parameter vector."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def lever_names(self) -> tuple[str, ...]:
        """Names of the levers in the order of every lever matrix's columns."""
        return tuple(lever.name for lever in self.levers)

    @property
    def noisy(self) -> tuple[str, ...]:
        """Names of the indices that take innovations, in the order of every innovation matrix's columns."""
        histories = {history.name for history in self.lever_histories}
        return tuple(name for name in self.noise if name not in histories)

    def index(self, name: str) -> Index:
        """Return the index of that name."""
        return next(item for item in self.indices if item.name == name)

    def lever(self, name: str) -> Lever:
        """Return the lever of that name, or complain with the nearest one."""
        for item in self.levers:
            if item.name == name:
                return item
        raise InputError(f"lever {name!r}", "the model has no such lever", did_you_mean(name, self.lever_names))

    def innovation_blocks(self, months: int) -> dict[str, int]:
        """Return how many innovations each noisy index and lever history takes over that many months."""
        blocks = {name: -(-months // self.index(name).noise_months) for name in self.noisy}
        return blocks | {history.name: months for history in self.lever_histories}


def returned(result: Any) -> tuple[Any, ...]:
    """Return what a mechanism gave back as a tuple, whether it gave one thing or several."""
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def declare(
    *,
    stocks: Sequence[Stock],
    indices: Sequence[Index],
    levers: Sequence[Lever],
    parameters: Sequence[Parameter],
    theory: Iterable[object],
    file: str = "the model",
) -> Model:
    """Build a Model from its states, levers, parameters and the declarations found in theory modules.

    Parameters
    ----------
    theory
        Modules (or other objects) whose attributes are mechanisms, quantities, observations, outcomes,
        lever histories and actors; everything else in them is ignored.
    file
        What to call the model in complaints.

    Raises
    ------
    InputError
        When a name is unknown, taken twice or never used, a mechanism has no evidence, an index has no drift
        or no anchor, a sink has a way out, or quantities depend on each other in a circle.
    """
    found: dict[type, dict[str, Any]] = {}
    for module in theory:
        for value in vars(module).values():
            if isinstance(value, Mechanism | Derived | Observation | Outcome | LeverHistory | Actor):
                name = value.series if isinstance(value, Observation) else value.name
                found.setdefault(type(value), {})[name] = value

    def all_of(kind: type) -> tuple[Any, ...]:
        return tuple(found.get(kind, {}).values())

    mechanisms: tuple[Mechanism, ...] = all_of(Mechanism)
    quantities: tuple[Derived, ...] = all_of(Derived)
    _unique(
        file,
        [item.name for item in (*stocks, *indices, *quantities)],
        [item.name for item in levers],
        [item.name for item in parameters],
    )
    traced = {f"quantity {item.name}": _trace(item.where, item.function, "sup") for item in quantities} | {
        item.name: _trace(item.where, item.function, "sup") for item in mechanisms
    }
    counts = {
        effect.name: item.name
        for item in mechanisms
        for effect in traced[item.name][1]
        if isinstance(effect, Count)
    }
    model = Model(
        stocks=tuple(stocks),
        indices=tuple(indices),
        levers=tuple(levers),
        parameters=tuple(parameters),
        quantities=quantities,
        mechanisms=mechanisms,
        observations=all_of(Observation),
        outcomes=all_of(Outcome),
        actors=all_of(Actor),
        lever_histories=all_of(LeverHistory),
        order=_order(file, traced, {item.name for item in quantities}, counts),
        flows=tuple(
            FlowKey(item.name, effect.source, effect.target)
            for item in mechanisms
            for effect in traced[item.name][1]
            if isinstance(effect, Flow)
        ),
        counts=counts,
        noise={
            effect.index: effect.noise
            for item in mechanisms
            for effect in traced[item.name][1]
            if isinstance(effect, Drift) and effect.noise
        }
        | {history.name: history.noise for history in all_of(LeverHistory)},
        reads={name: reads for name, (reads, _) in traced.items()},
    )
    _check_effects(file, model, traced)
    _check_reads(file, model)
    return model


def moved_names(model: Model) -> frozenset[str]:
    """Return the names under which outcomes and observations read the month's moves, as `m.<name>`."""
    return frozenset(flow.mechanism for flow in model.flows) | frozenset(
        f"{flow.mechanism}_to_{flow.target}" for flow in model.flows
    )


def _unique(file: str, *groups: Sequence[str]) -> None:
    for names in groups:
        for name in names:
            if list(names).count(name) > 1:
                raise InputError(file, f"the name {name!r} is declared twice", "Rename one of the two.")


def _trace(where: str, function: Callable[..., Any], arguments: str) -> tuple[Reads, tuple[Any, ...]]:
    """Call a function on abstract scalars; return what it read and what it gave back."""
    record: dict[str, Names] = {}
    kept: list[tuple[Any, ...]] = []

    def call(x: jax.Array) -> jax.Array:
        previous = Names(lambda _: x)
        record.update(previous=previous, s=Names(lambda _: x), p=Names(lambda _: x), m=Names(lambda _: x))
        record["u"] = Names(lambda name: previous if name == "previous" else x)
        kept.append(returned(function(*(record[name] for name in arguments))))
        return x

    try:
        jax.eval_shape(call, jax.ShapeDtypeStruct((), jnp.float64))
    except jax.errors.ConcretizationTypeError as error:
        raise InputError(
            where,
            "decides by the value of a state, lever or parameter",
            "Write it as a smooth formula; Python's `if` cannot see values here.",
        ) from error
    reads = {name: frozenset(names._reads) - {"previous"} for name, names in record.items()}
    return Reads(**reads), kept[-1]


def _order(
    file: str,
    traced: Mapping[str, tuple[Reads, tuple[Any, ...]]],
    quantities: set[str],
    counts: Mapping[str, str],
) -> tuple[str, ...]:
    """Sort quantities and mechanisms so that each comes after what it reads."""
    graph = {
        name: {f"quantity {item}" for item in reads.s & quantities}
        | {counts[item] for item in reads.s & set(counts)}
        for name, (reads, _) in traced.items()
    }
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(dict.fromkeys(error.args[1]))
        raise InputError(
            file, f"depends on itself in a circle: {circle}", "Let one of them read last month's state instead."
        ) from error


def _check_effects(
    file: str, model: Model, traced: Mapping[str, tuple[Reads, tuple[Any, ...]]]
) -> None:
    stocks = {item.name: item for item in model.stocks}
    indices = {item.name for item in model.indices}
    drifting: dict[str, str] = {}
    for item in model.mechanisms:
        if not item.evidence and not item.nuisance:
            raise InputError(item.where, "has no evidence", 'Add evidence=["M14"], or say nuisance="why".')
        if not item.meaning:
            raise InputError(item.where, "has no docstring", "Say in one sentence who does what to whom.")
        for effect in traced[item.name][1]:
            if isinstance(effect, Flow):
                for end in (effect.source, effect.target):
                    if end not in stocks:
                        raise InputError(item.where, f"no stock {end!r}", did_you_mean(end, stocks))
                if stocks[effect.source].sink:
                    raise InputError(item.where, f"people leave the sink {effect.source!r}", "Use a stock.")
                if effect.source == effect.target:
                    raise InputError(item.where, f"{effect.source!r} flows into itself", "Change one end.")
            elif isinstance(effect, Drift):
                if effect.index not in indices:
                    raise InputError(
                        item.where, f"no index {effect.index!r}", did_you_mean(effect.index, indices)
                    )
                if effect.index in drifting:
                    raise InputError(
                        item.where,
                        f"{effect.index!r} is already moved by {drifting[effect.index]!r}",
                        "Give each index one mechanism.",
                    )
                drifting[effect.index] = item.name
                if effect.noise and effect.noise not in model.parameter_names:
                    raise InputError(
                        item.where,
                        f"no parameter {effect.noise!r}",
                        did_you_mean(effect.noise, model.parameter_names),
                    )
            elif not isinstance(effect, Count):
                raise InputError(
                    item.where, f"returns {type(effect).__name__}", "Return a Flow, a Drift or a Count."
                )
    for index in model.indices:
        if index.name not in drifting:
            raise InputError(file, f"nothing moves the index {index.name!r}", "Write its mechanism.")
        if index.anchor is None:
            raise InputError(
                file,
                f"the latent index {index.name!r} has no anchor",
                "Without one its sign and scale are arbitrary: give it anchor=Anchor(through=..., sign=...).",
            )


def _check_reads(file: str, model: Model) -> None:
    known_s = (
        {item.name for item in (*model.stocks, *model.indices, *model.quantities)} | set(model.counts)
    )
    known_u, known_p = set(model.lever_names), set(model.parameter_names)
    used: set[str] = set(model.noise.values())

    def check(where: str, reads: Reads) -> None:
        kinds = (
            ("s", reads.s, known_s, "state, quantity or count"),
            ("u", reads.u, known_u, "lever"),
            ("u.previous", reads.previous, known_u, "lever"),
            ("p", reads.p, known_p, "parameter"),
            ("m", reads.m, moved_names(model), "flow"),
        )
        for letter, names, known, kind in kinds:
            for name in sorted(names - known):
                raise InputError(where, f"reads {letter}.{name}, but there is no such {kind}", did_you_mean(name, known))
        used.update(reads.p)

    for derived in model.quantities:
        check(derived.where, model.reads[f"quantity {derived.name}"])
    for item in model.mechanisms:
        check(item.where, model.reads[item.name])
    for watched in (*model.outcomes, *model.observations):
        check(watched.where, _trace(watched.where, watched.function, "supm")[0])
    for actor in model.actors:
        where = f"actor {actor.name!r}"
        for name in actor.levers:
            if name not in known_u:
                raise InputError(where, f"holds no known lever {name!r}", did_you_mean(name, known_u))
    for index_or_stock in (*model.indices, *model.stocks):
        if isinstance(index_or_stock.initial, str):
            if index_or_stock.initial not in known_p:
                raise InputError(
                    f"{file}, {index_or_stock.name!r}",
                    f"starts from an unknown parameter {index_or_stock.initial!r}",
                    did_you_mean(index_or_stock.initial, known_p),
                )
            used.add(index_or_stock.initial)
    for watched in model.observations:
        law = watched.distribution
        name = law.sigma if isinstance(law, LogNormal) else getattr(law, "concentration", None)
        if isinstance(name, str):
            if name not in known_p:
                raise InputError(watched.where, f"no parameter {name!r}", did_you_mean(name, known_p))
            used.add(name)
        assert isinstance(law, LogNormal | NegativeBinomial) or name is None
    for history in model.lever_histories:
        record = Names(lambda _: jnp.float64(0.5))
        paths = history.function(jnp.zeros(3), record)
        if set(paths) != set(history.levers):
            raise InputError(history.where, f"gives {sorted(paths)}", f"Declare exactly {sorted(history.levers)}.")
        for name in (*paths, *()):
            if name not in known_u:
                raise InputError(history.where, f"no lever {name!r}", did_you_mean(name, known_u))
        check(history.where, Reads(p=frozenset(record._reads)))
    unused = known_p - used
    if unused:
        raise InputError(
            file, f"no mechanism reads the parameters {', '.join(sorted(unused))}", "Remove or use them."
        )
