"""Put declarations together into a Model, and refuse one that does not hold together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from outbid.errors import InputError, check_name
from outbid.model.checks import Reads, Traced, check_model, check_names, trace
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

N = TypeVar("N", Index, Lever)


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
    def states(self) -> tuple[str, ...]:
        """Names of the stocks, then of the indices."""
        return (*(stock.name for stock in self.stocks), *(index.name for index in self.indices))

    @property
    def readable(self) -> tuple[str, ...]:
        """The names that a function may read as `s.<name>`: states, quantities and counts."""
        return (*self.states, *(item.name for item in self.quantities), *self.counts)

    @property
    def moved(self) -> frozenset[str]:
        """The names under which outcomes, observations and payoffs read the month's moves, as `m.<name>`."""
        pairs = ((flow.mechanism, f"{flow.mechanism}_to_{flow.target}") for flow in self.flows)
        return frozenset(name for pair in pairs for name in pair)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Everything that a month tells: states, quantities, counts, levers, people moved, outcomes."""
        levers = (f"lever.{name}" for name in self.lever_names)
        moved = (f"moved.{name}" for name in sorted(self.moved))
        return (*self.readable, *levers, *moved, *(f"outcome.{item.name}" for item in self.outcomes))

    @property
    def noisy(self) -> tuple[str, ...]:
        """Names of the indices that take innovations, in the order of every innovation matrix's columns."""
        histories = {history.name for history in self.lever_histories}
        return tuple(name for name in self.noise if name not in histories)

    @property
    def inferred_levers(self) -> frozenset[str]:
        """The levers whose past is inferred, so that every draw has a path of its own."""
        return frozenset(name for history in self.lever_histories for name in history.levers)

    def index(self, name: str) -> Index:
        """Return the index of that name, or complain with the nearest one."""
        return _named(self.indices, name, "index")

    def lever(self, name: str) -> Lever:
        """Return the lever of that name, or complain with the nearest one."""
        return _named(self.levers, name, "lever")

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
    mechanisms, quantities, histories = found[Mechanism], found[Derived], found[LeverHistory]
    names = [[each.name for each in group] for group in (stocks, indices, levers, parameters)]
    states = [*names[0], *names[1]]
    # rules watch states and levers by name; indices and histories of levers take their innovations by it
    check_names(file, [*states, *quantities], [*states, *names[2]], names[3], [*names[1], *histories])
    check_names(file, mechanisms, found[Outcome], found[Observation], found[Actor])
    functions = {f"quantity {name}": item for name, item in quantities.items()} | mechanisms
    traced = {name: trace(item.where, item.function, "sup") for name, item in functions.items()}
    effects = [(name, effect) for name in mechanisms for effect in traced[name].results]
    check_names(file, dict.fromkeys(each.name for _, each in effects if isinstance(each, Count)))
    counts = {effect.name: name for name, effect in effects if isinstance(effect, Count)}
    noise = {each.index: each.noise for _, each in effects if isinstance(each, Drift) and each.noise}
    flows = (FlowKey(name, each.source, each.target) for name, each in effects if isinstance(each, Flow))
    model = Model(
        stocks=tuple(stocks),
        indices=tuple(indices),
        levers=tuple(levers),
        parameters=tuple(parameters),
        quantities=tuple(quantities.values()),
        mechanisms=tuple(mechanisms.values()),
        observations=tuple(found[Observation].values()),
        outcomes=tuple(found[Outcome].values()),
        actors=tuple(found[Actor].values()),
        lever_histories=tuple(histories.values()),
        order=_order(file, traced, counts),
        flows=tuple(flows),
        counts=counts,
        noise=noise | {name: history.noise for name, history in histories.items()},
        reads={name: seen.reads for name, seen in traced.items()},
    )
    check_model(file, model, traced)
    return model


def _named(items: Sequence[N], name: str, kind: str) -> N:
    known = {item.name: item for item in items}
    check_name(name, known, f"{kind} {name!r}", f"the model has no such {kind}")
    return known[name]


def _collect(file: str, theory: Iterable[object]) -> dict[type, dict[str, Any]]:
    """Return what the theory's modules declare, by kind and name; the same thing met twice is one thing."""
    kinds = (Mechanism, Derived, Observation, Outcome, LeverHistory, Actor)
    found: dict[type, dict[str, Any]] = {kind: {} for kind in kinds}
    for value in (value for module in theory for value in vars(module).values()):
        if isinstance(value, kinds):
            first = found[type(value)].setdefault(value.name, value)
            if first is not value:
                places = sorted(getattr(item, "where", file) for item in (first, value))
                problem = f"the name {value.name!r} is declared twice"
                raise InputError(" and ".join(dict.fromkeys(places)), problem, "Rename one of the two.")
    return found


def _order(file: str, traced: Mapping[str, Traced], counts: Mapping[str, str]) -> tuple[str, ...]:
    """Sort quantities and mechanisms so that each comes after what it reads."""
    graph = {
        name: {f"quantity {item}" for item in seen.reads.s if f"quantity {item}" in traced}
        | {counts[item] for item in seen.reads.s if item in counts}
        for name, seen in traced.items()
    }
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        problem = f"depends on itself in a circle: {circle}"
        raise InputError(file, problem, "Let one of them read last month's state instead.") from error
