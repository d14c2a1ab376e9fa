"""Put declarations together into a Model, and refuse one that does not hold together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from outbid.errors import InputError, check_name
from outbid.model.checks import check_effects, check_names, check_reads, check_starts, check_words
from outbid.model.trace import Names, Reads, Traced, returned, trace
from outbid.model.vocabulary import (
    Actor,
    Count,
    Derived,
    Drift,
    Flow,
    Index,
    Lever,
    LeverHistory,
    Mechanism,
    Observation,
    Outcome,
    Parameter,
    Stock,
)

__all__ = ["FlowKey", "Model", "Names", "Reads", "declare", "moved_names", "returned"]


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

    @property
    def readable(self) -> frozenset[str]:
        """The names that a function may read as `s.<name>`: states, quantities and counts."""
        return frozenset(
            (*_names(self.stocks), *_names(self.indices), *_names(self.quantities), *self.counts)
        )

    @property
    def moved(self) -> frozenset[str]:
        """The names under which outcomes, observations and payoffs read the month's moves, as `m.<name>`."""
        return frozenset(flow.mechanism for flow in self.flows) | frozenset(
            f"{flow.mechanism}_to_{flow.target}" for flow in self.flows
        )

    def index(self, name: str) -> Index:
        """Return the index of that name, or complain with the nearest one."""
        indices = {index.name: index for index in self.indices}
        check_name(name, indices, f"index {name!r}", "the model has no such index")
        return indices[name]

    def lever(self, name: str) -> Lever:
        """Return the lever of that name, or complain with the nearest one."""
        levers = {lever.name: lever for lever in self.levers}
        check_name(name, levers, f"lever {name!r}", "the model has no such lever")
        return levers[name]

    def innovation_blocks(self, months: int) -> dict[str, int]:
        """Return how many innovations each noisy index and lever history takes over that many months."""
        blocks = {name: -(-months // self.index(name).noise_months) for name in self.noisy}
        return blocks | {history.name: months for history in self.lever_histories}


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

    Every name that a function reads or writes is checked, by tracing the function once with abstract values. `theory` are
    modules whose attributes are mechanisms, quantities, observations, outcomes, lever histories and actors; everything else
    in them is ignored. `file` is what to call the model in complaints.
    """
    found = _collect(file, theory)

    def all_of(kind: type) -> tuple[Any, ...]:
        return tuple(found.get(kind, {}).values())

    mechanisms: tuple[Mechanism, ...] = all_of(Mechanism)
    quantities: tuple[Derived, ...] = all_of(Derived)
    histories: tuple[LeverHistory, ...] = all_of(LeverHistory)
    check_names(
        file,
        (
            [*_names(stocks), *_names(indices), *_names(quantities)],
            [item.name for item in levers],
            [item.name for item in parameters],
            # indices and histories of levers take their innovations by name
            [*_names(indices), *_names(histories)],
        ),
    )
    traced = {f"quantity {item.name}": trace(item.where, item.function, "sup") for item in quantities} | {
        item.name: trace(item.where, item.function, "sup") for item in mechanisms
    }
    effects = [(item.name, effect) for item in mechanisms for effect in traced[item.name].results]
    counts = {effect.name: name for name, effect in effects if isinstance(effect, Count)}
    noise = {
        effect.index: effect.noise for _, effect in effects if isinstance(effect, Drift) and effect.noise
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
        lever_histories=histories,
        order=_order(file, traced, counts),
        flows=tuple(
            FlowKey(name, effect.source, effect.target)
            for name, effect in effects
            if isinstance(effect, Flow)
        ),
        counts=counts,
        noise=noise | {history.name: history.noise for history in histories},
        reads={name: seen.reads for name, seen in traced.items()},
    )
    check_words(file, model)
    check_effects(file, model, traced)
    check_reads(file, model, traced, started=check_starts(file, model))
    return model


def moved_names(model: Model) -> frozenset[str]:
    """Return the names under which outcomes and observations read the month's moves, as `m.<name>`."""
    return model.moved


def _names(
    items: Iterable[Stock] | Iterable[Index] | Iterable[Derived] | Iterable[LeverHistory],
) -> list[str]:
    return [item.name for item in items]


def _collect(file: str, theory: Iterable[object]) -> dict[type, dict[str, Any]]:
    """Return what the theory's modules declare, by kind and name; the same thing met twice is one thing."""
    found: dict[type, dict[str, Any]] = {}
    for module in theory:
        for value in vars(module).values():
            if isinstance(value, Mechanism | Derived | Observation | Outcome | LeverHistory | Actor):
                name = value.series if isinstance(value, Observation) else value.name
                first = found.setdefault(type(value), {}).setdefault(name, value)
                if first is not value:
                    places = sorted(getattr(item, "where", file) for item in (first, value))
                    problem = f"the name {name!r} is declared twice"
                    raise InputError(" and ".join(dict.fromkeys(places)), problem, "Rename one of the two.")
    return found


def _order(file: str, traced: Mapping[str, Traced], counts: Mapping[str, str]) -> tuple[str, ...]:
    """Sort quantities and mechanisms so that each comes after what it reads."""
    quantities = {name.removeprefix("quantity ") for name in traced if name.startswith("quantity ")}
    graph = {
        name: {f"quantity {item}" for item in seen.reads.s & quantities}
        | {counts[item] for item in seen.reads.s & set(counts)}
        for name, seen in traced.items()
    }
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        problem = f"depends on itself in a circle: {circle}"
        raise InputError(file, problem, "Let one of them read last month's state instead.") from error
