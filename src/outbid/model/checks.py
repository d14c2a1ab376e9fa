"""What a model has to keep: states start inside their range, effects land somewhere, every name that is read exists.

A fault here is an `InputError` that says where it stands and what was meant, not a silent zero later.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from outbid.errors import InputError, check_name, did_you_mean
from outbid.model.trace import Traced, is_number, kind_of
from outbid.model.vocabulary import (
    Actor,
    Count,
    Derived,
    Drift,
    Flow,
    Index,
    Mechanism,
    Parameter,
    Stock,
)

if TYPE_CHECKING:
    from outbid.model.declare import Model
from outbid.model.trace import TRACED_MONTHS, Reads, trace
from outbid.model.vocabulary import LogNormal, NegativeBinomial, Observation, Outcome, place_of

SCALES = ("identity", "log", "logit")
SUMMARIES = ("sum", "mean_last_year", "end")
BETTER = ("lower", "higher")
AGGREGATES = ("sum", "mean")


def check_names(file: str, groups: Iterable[Iterable[str]]) -> None:
    """Refuse a name that is taken twice within one group of names."""
    for names in groups:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise InputError(file, f"the name {name!r} is declared twice", "Rename one of the two.")
            if name == "previous":
                problem = "the name 'previous' is taken by last month's levers"
                raise InputError(file, problem, "Choose another.")
            seen.add(name)


def check_words(file: str, model: Model) -> None:
    """Refuse settings of states, levers, outcomes, observations and actors that mean nothing."""
    for index in model.indices:
        where = f"{file}, index {index.name!r}"
        _one_of(where, "scale", index.scale, SCALES)
        if not index.range[0] < index.range[1]:
            raise InputError(where, "its low end is not below its high end", "Exchange or mend the two.")
        floor, ceiling = {"log": (0.0, math.inf), "logit": (0.0, 1.0)}.get(index.scale, (-math.inf, math.inf))
        if not (floor < index.range[0] and index.range[1] < ceiling):
            problem = f"its range reaches an end of the {index.scale} scale"
            raise InputError(where, problem, f"Keep it strictly between {floor:g} and {ceiling:g}.")
        if index.noise_months < 1:
            raise InputError(where, "noise_months is below 1", "Give a whole number of months.")
        if index.anchor is None:
            fix = "Its sign and scale would be arbitrary: give it anchor=Anchor(through=..., sign=...)."
            raise InputError(where, "a latent index without an anchor", fix)
    for lever in model.levers:
        if not lever.low < lever.high:
            problem = "its low end is not below its high end"
            raise InputError(f"{file}, lever {lever.name!r}", problem, "Exchange or mend the two.")
    for outcome in model.outcomes:
        _one_of(outcome.where, "summary", outcome.summary, SUMMARIES)
        _one_of(outcome.where, "better", outcome.better, BETTER)
    for observation in model.observations:
        _one_of(observation.where, "aggregate", observation.aggregate, AGGREGATES)
    for actor in model.actors:
        _check_levels(model, actor)


def check_starts(file: str, model: Model) -> frozenset[str]:
    """Refuse a state that may start outside its range; return the parameters that states start from."""
    parameters = {item.name: item for item in model.parameters}
    states: list[Stock | Index] = [*model.stocks, *model.indices]
    used: set[str] = set()
    for state in states:
        where = f"{file}, {state.name!r}"
        if isinstance(state.initial, str):
            if state.initial not in parameters:
                problem = f"starts from an unknown parameter {state.initial!r}"
                raise InputError(where, problem, did_you_mean(state.initial, parameters))
            used.add(state.initial)
        problem, fix = _fault_of_start(state, parameters)
        if problem:
            raise InputError(where, problem, fix)
    return frozenset(used)


def check_effects(file: str, model: Model, traced: Mapping[str, Traced]) -> None:
    """Refuse mechanisms without evidence or words, and effects on what does not exist or is taken."""
    drifting: dict[str, str] = {}
    counted: dict[str, str] = {}
    for item in model.mechanisms:
        if not item.evidence and not item.nuisance:
            fix = 'Add evidence=["..."], the IDs of claims, or say nuisance="why".'
            raise InputError(item.where, "has no evidence", fix)
        if not item.meaning:
            raise InputError(item.where, "has no docstring", "Say in one sentence who does what to whom.")
        for effect in traced[item.name].results:
            if isinstance(effect, Flow):
                _check_flow(model, item, effect)
            elif isinstance(effect, Drift):
                _check_drift(model, item, effect, drifting)
            elif isinstance(effect, Count):
                _check_count(model, item, effect, counted)
            else:
                problem = f"returns {type(effect).__name__}"
                raise InputError(item.where, problem, "Return a Flow, a Drift or a Count.")
    for index in model.indices:
        if index.name not in drifting:
            raise InputError(file, f"nothing moves the index {index.name!r}", "Write its mechanism.")


def _one_of(where: str, field: str, word: str, known: Collection[str]) -> None:
    check_name(word, known, where, f"{field} is {word!r}")


def _fault_of_start(state: Stock | Index, parameters: Mapping[str, Parameter]) -> tuple[str, str]:
    """Return what is wrong with where a state starts, and how to mend it; empty if nothing is."""
    scale = "stock" if isinstance(state, Stock) else state.scale
    if isinstance(state.initial, str):
        priors = parameters[state.initial].priors.values()
        if scale in ("stock", "log") and not all(prior.positive for prior in priors):
            return f"may start below zero, from {state.initial!r}", "Give that parameter a positive prior."
        if scale == "logit" and not all(prior.family == "logit_normal" for prior in priors):
            problem = f"may start outside 0 to 1, from {state.initial!r}"
            return problem, "Give that parameter a logit_normal prior."
        return "", ""
    if isinstance(state, Stock):
        return ("starts below zero", "Give a number of persons.") if not state.initial >= 0 else ("", "")
    if state.range[0] <= state.initial <= state.range[1]:
        return "", ""
    return f"starts at {state.initial:g}, outside its range", "Mend the start."


def _check_levels(model: Model, actor: Actor) -> None:
    where = f"actor {actor.name!r}"
    levers = {lever.name: lever for lever in model.levers}
    for name, levels in actor.levers.items():
        check_name(name, levers, where, f"holds no known lever {name!r}")
        lever = levers[name]
        if not levels or not all(lever.low <= level <= lever.high for level in levels):
            problem = f"the levels of {name!r} are missing or leave its range {lever.low:g} to {lever.high:g}"
            raise InputError(where, problem, "Mend the levels, or the range.")


def _check_flow(model: Model, item: Mechanism, flow: Flow) -> None:
    stocks = {stock.name: stock for stock in model.stocks}
    for end in (flow.source, flow.target):
        check_name(end, stocks, item.where, f"no stock {end!r}")
    if stocks[flow.source].sink:
        raise InputError(item.where, f"people leave the sink {flow.source!r}", "Use a stock.")
    if flow.source == flow.target:
        raise InputError(item.where, f"{flow.source!r} flows into itself", "Change one end.")
    _is_a_number(item.where, "the hazard of a flow", flow.hazard)


def _check_drift(model: Model, item: Mechanism, drift: Drift, drifting: dict[str, str]) -> None:
    indices = [index.name for index in model.indices]
    check_name(drift.index, indices, item.where, f"no index {drift.index!r}")
    if drift.index in drifting:
        problem = f"{drift.index!r} is already moved by {drifting[drift.index]!r}"
        raise InputError(item.where, problem, "Give each index one mechanism, and one drift in it.")
    drifting[drift.index] = item.name
    if drift.noise:
        check_name(drift.noise, model.parameter_names, item.where, f"no parameter {drift.noise!r}")
    _is_a_number(item.where, "the change of a drift", drift.change)


def _check_count(model: Model, item: Mechanism, count: Count, counted: dict[str, str]) -> None:
    states: list[Stock | Index | Derived] = [*model.stocks, *model.indices, *model.quantities]
    if count.name in counted or count.name in [state.name for state in states]:
        taken = f"by {counted[count.name]!r}" if count.name in counted else "as a state or a quantity"
        problem = f"the count {count.name!r} is already declared {taken}"
        raise InputError(item.where, problem, "Choose another name.")
    counted[count.name] = item.name
    _is_a_number(item.where, "the mean of a count", count.mean)


def _is_a_number(where: str, what: str, value: Any) -> None:
    if not is_number(value):
        raise InputError(where, f"{what} is not a number but {kind_of(value)}", "Compute one number a month.")


def check_reads(file: str, model: Model, traced: Mapping[str, Traced], started: frozenset[str]) -> None:
    """Refuse reads of what does not exist, functions that give no number, and parameters that nothing reads.

    Parameters that states have `started` from count as read.
    """
    known_p = set(model.parameter_names)
    used = {*started, *model.noise.values()}
    for derived in model.quantities:
        _check_one(model, derived.where, traced[f"quantity {derived.name}"].reads)
        _gives_a_number(derived.where, traced[f"quantity {derived.name}"].results)
        used |= traced[f"quantity {derived.name}"].reads.p
    for item in model.mechanisms:
        _check_one(model, item.where, traced[item.name].reads)
        used |= traced[item.name].reads.p
    watchers: list[Outcome | Observation] = [*model.outcomes, *model.observations]
    for watcher in watchers:
        seen = trace(watcher.where, watcher.function, "supm")
        _check_one(model, watcher.where, seen.reads)
        _gives_a_number(watcher.where, seen.results)
        used |= seen.reads.p
    for observation in model.observations:
        named = _spread_parameter(observation)
        if named:
            check_name(named, known_p, observation.where, f"no parameter {named!r}")
        used.add(named)
    for actor in model.actors:
        _check_payoff(model, actor)
    used |= _check_histories(model)
    unused = known_p - used
    if unused:
        problem = f"nothing reads the parameters {', '.join(sorted(unused))}"
        raise InputError(file, problem, "Remove or use them.")


def _gives_a_number(where: str, results: tuple[Any, ...]) -> None:
    if len(results) != 1 or not is_number(results[0]):
        given = kind_of(results[0]) if len(results) == 1 else f"{len(results)} things"
        raise InputError(where, f"returns {given}", "Return one number (perhaps the `return` is missing).")


def _check_one(model: Model, where: str, reads: Reads) -> None:
    kinds: tuple[tuple[str, frozenset[str], Collection[str], str], ...] = (
        ("s", reads.s, model.readable, "state, quantity or count"),
        ("u", reads.u, model.lever_names, "lever"),
        ("u.previous", reads.previous, model.lever_names, "lever"),
        ("p", reads.p, model.parameter_names, "parameter"),
        ("m", reads.m, model.moved, "flow"),
    )
    for letter, names, known, kind in kinds:
        for name in sorted(names):
            check_name(name, known, where, f"reads {letter}.{name}, but there is no such {kind}")


def _check_payoff(model: Model, actor: Actor) -> None:
    where = f"actor {actor.name!r}, {place_of(actor.payoff)}"
    seen = trace(where, actor.payoff, "sumw", tuple(actor.weights))
    _check_one(model, where, seen.reads)
    for name in sorted(seen.reads.w):
        check_name(name, actor.weights, where, f'reads w["{name}"], but there is no such weight')
    for name in sorted(set(actor.weights) - seen.reads.w):
        raise InputError(where, f"does not read the weight {name!r}", "Remove or use it.")
    _gives_a_number(where, seen.results)


def _check_histories(model: Model) -> set[str]:
    """Check how the past of levers is inferred; return the parameters that are read for it."""
    owner: dict[str, str] = {}
    used: set[str] = set()
    for history in model.lever_histories:
        if not history.evidence:
            raise InputError(history.where, "has no evidence", 'Add evidence=["..."], the IDs of claims.')
        if not history.meaning:
            raise InputError(history.where, "has no docstring", "Say in one sentence how the past is seen.")
        check_name(history.noise, model.parameter_names, history.where, f"no parameter {history.noise!r}")
        seen = trace(history.where, history.function, "ip")
        paths = seen.results[0]
        if not isinstance(paths, dict) or set(paths) != set(history.levers):
            given = ", ".join(sorted(map(str, paths))) if isinstance(paths, dict) else kind_of(paths)
            problem = f"gives {given or 'nothing'}"
            raise InputError(history.where, problem, f"Give exactly {', '.join(sorted(history.levers))}.")
        for name, path in paths.items():
            check_name(name, model.lever_names, history.where, f"no lever {name!r}")
            if name in owner:
                problem = f"{name!r} is already given by {owner[name]!r}"
                raise InputError(history.where, problem, "Leave it to one of them.")
            if not is_number(path, (TRACED_MONTHS,)):
                problem = f"gives no path for {name!r}"
                raise InputError(history.where, problem, "Return one value a month for each lever.")
            owner[name] = history.name
        _check_one(model, history.where, seen.reads)
        used |= seen.reads.p
    return used


def _spread_parameter(observation: Observation) -> str:
    """Return the parameter that an observation's law names, empty if it names none."""
    law = observation.distribution
    if isinstance(law, NegativeBinomial):
        return law.concentration
    return law.sigma if isinstance(law, LogNormal) and isinstance(law.sigma, str) else ""
