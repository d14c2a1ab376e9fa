"""What a theory's functions read and give back, and what a model has to keep: every name exists, effects land somewhere.

A function is called once on abstract values; any name is answered and written down. A fault is an `InputError` that
says where it stands and what was meant, not a silent zero later.
"""

from __future__ import annotations

import math
from collections import UserDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import jax
import jax.numpy as jnp

from outbid.declared import distinct
from outbid.errors import InputError, check_name
from outbid.model.vocabulary import (
    Actor,
    Count,
    Drift,
    Flow,
    Index,
    Stock,
    place_of,
)

if TYPE_CHECKING:
    from outbid.model.declare import Model

TRACED_MONTHS = 3  # of the innovations that the history of a lever is called with
SCALES = ("identity", "log", "logit")
SUMMARIES = ("sum", "mean_last_year", "end")
BETTER = ("lower", "higher")
AGGREGATES = ("sum", "mean")
# Names that mean something else where all names stand side by side.
TAKEN = {"previous": "last month's levers", "chance": "all that happens by chance"}
# A netCDF file holds names of 255 letters, with what stands before and behind them.
LONGEST_NAME = 100


class Names:
    """Attribute access to named values that records what was read. Mechanisms see their world through it."""

    __slots__ = ("_reads", "_values")

    def __init__(self, values: Mapping[str, Any] | Callable[[str], Any]) -> None:
        self._values = values
        self._reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._reads.append(name)
        return self._values(name) if callable(self._values) else self._values[name]


class _Entries(UserDict[str, Any]):
    """Access by key that records what was read, and answers every key: a payoff's view of its weights."""

    def __init__(self, names: Iterable[str], value: Any) -> None:
        super().__init__(dict.fromkeys(names, value))
        self._value = value
        self._reads: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self._reads.append(name)
        return self._value


@dataclass(frozen=True)
class Reads:
    """The names that a function read, by where it read them.

    States, levers, last month's levers, parameters, persons moved in the month, and an actor's weights.
    """

    s: frozenset[str] = frozenset()
    u: frozenset[str] = frozenset()
    previous: frozenset[str] = frozenset()
    p: frozenset[str] = frozenset()
    m: frozenset[str] = frozenset()
    w: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Traced:
    """What one call of a function showed: the names it read, and what it gave back, always as a tuple."""

    reads: Reads
    results: tuple[Any, ...]


def returned(result: Any) -> tuple[Any, ...]:
    """Return what a mechanism gave back as a tuple, whether it gave one thing or several."""
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def trace(where: str, function: Callable[..., Any], arguments: str, weights: Iterable[str] = ()) -> Traced:
    """Call a function once on abstract numbers: with s, u, p, m, w as in `Reads`, i for a few monthly innovations.

    `weights` are the names that `w` lists when a function goes through it.
    """
    record: dict[str, Any] = {}
    kept: list[tuple[Any, ...]] = []

    def call(x: jax.Array, innovations: jax.Array) -> jax.Array:
        previous = Names(lambda _: x)
        record.update({letter: Names(lambda _: x) for letter in "spm"})
        record.update(previous=previous, w=_Entries(weights, x))
        record["u"] = Names(lambda name: previous if name == "previous" else x)
        given = {**record, "i": innovations}
        kept.append(returned(function(*(given[letter] for letter in arguments))))
        return x

    number = jnp.result_type(float)
    try:
        jax.eval_shape(call, jax.ShapeDtypeStruct((), number), jax.ShapeDtypeStruct((TRACED_MONTHS,), number))
    except jax.errors.TracerBoolConversionError as error:
        fix = "Write it as a smooth formula; Python's `if` cannot see values here."
        raise InputError(where, "decides by the value of a state, lever or parameter", fix) from error
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
        problem = "needs the value of a state, lever or parameter while the model is built"
        fix = "Use exp, log and the like from the vocabulary, not from math or NumPy."
        raise InputError(where, problem, fix) from error
    except Exception as error:
        said = f"{type(error).__name__}, {' '.join(str(error).split())}"
        problem = f"fails when it is called with ({', '.join(arguments)}): {said}"
        raise InputError(where, problem, "Mend the function; it must work for any numbers.") from error
    reads = {name: frozenset(seen._reads) - {"previous"} for name, seen in record.items()}
    return Traced(Reads(**reads), kept[-1])


def check_names(file: str, *groups: Iterable[str]) -> None:
    """Refuse a name that is taken twice within one group of names, or that can't be read, or not be written to a file."""
    for names in groups:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise InputError(file, f"the name {name!r} is declared twice", "Rename one of the two.")
            if name in TAKEN:
                raise InputError(file, f"the name {name!r} is taken by {TAKEN[name]}", "Choose another.")
            plain = name.isidentifier() and not name.startswith("_") and normalize("NFKC", name) == name
            if not plain or iskeyword(name) or len(name) > LONGEST_NAME:
                fix = f"Use up to {LONGEST_NAME} letters, digits and underscores, a letter first, and no word of Python's."
                raise InputError(file, f"{name!r} is no name that a formula can read", fix)
            seen.add(name)


def check_model(file: str, model: Model, traced: Mapping[str, Traced]) -> None:
    """Refuse a model in which something means nothing, lands nowhere, reads what isn't there or is read by nobody.

    `traced`: quantities, as "quantity NAME", and mechanisms.
    """
    distinct(((each.name, each.label) for each in model.outcomes), f"{file}, outcome")
    states: tuple[Stock | Index, ...] = (*model.stocks, *model.indices)  # which tables tell by their meanings
    distinct(((each.name, str(each.meaning)) for each in states), file, "meaning")
    for index in model.indices:
        _check_index(f"{file}, index {index.name!r}", index)
    for lever in model.levers:
        _check_range(f"{file}, lever {lever.name!r}", lever.low, lever.high)
    for outcome in model.outcomes:
        _one_of(outcome.where, "summary", outcome.summary, SUMMARIES)
        _one_of(outcome.where, "better", outcome.better, BETTER)
    for observation in model.observations:
        _one_of(observation.where, "aggregate", observation.aggregate, AGGREGATES)
    for actor in model.actors:
        _check_levels(model, actor)
    _check_effects(file, model, traced)
    used = {*_check_starts(file, model), *model.noise.values(), *_check_reads(model, traced)}
    if unused := set(model.parameter_names) - used:
        problem = f"nothing reads the parameters {', '.join(sorted(unused))}"
        raise InputError(file, problem, "Remove or use them.")


def _one_of(where: str, field: str, word: str, known: Collection[str]) -> None:
    check_name(word, known, where, f"{field} is {word!r}")


def _check_range(where: str, low: float, high: float) -> None:
    if not low < high:
        raise InputError(where, "its low end is not below its high end", "Exchange or mend the two.")


def _check_index(where: str, index: Index) -> None:
    _one_of(where, "scale", index.scale, SCALES)
    low, high = index.range
    _check_range(where, low, high)
    floor, ceiling = {"log": (0.0, math.inf), "logit": (0.0, 1.0)}.get(index.scale, (-math.inf, math.inf))
    if not (floor < low and high < ceiling):
        problem = f"its range reaches an end of the {index.scale} scale"
        raise InputError(where, problem, f"Keep it strictly between {floor:g} and {ceiling:g}.")
    if index.noise_months < 1:
        raise InputError(where, "noise_months is below 1", "Give a whole number of months.")
    if index.anchor is None:
        fix = "Its sign and scale would be arbitrary: give it anchor=Anchor(through=..., sign=...)."
        raise InputError(where, "a latent index without an anchor", fix)


def _check_levels(model: Model, actor: Actor) -> None:
    where = f"actor {actor.name!r}"
    for name, levels in actor.levers.items():
        check_name(name, model.lever_names, where, f"holds no known lever {name!r}")
        lever = model.lever(name)
        if not levels or not all(lever.low <= level <= lever.high for level in levels):
            problem = f"the levels of {name!r} are missing or leave its range {lever.low:g} to {lever.high:g}"
            raise InputError(where, problem, "Mend the levels, or the range.")


def _check_effects(file: str, model: Model, traced: Mapping[str, Traced]) -> None:
    """Refuse mechanisms without evidence or words, and effects on what does not exist or is taken."""
    stocks, indices = {stock.name: stock for stock in model.stocks}, [index.name for index in model.indices]
    drifting: dict[str, str] = {}
    names = (*model.states, *(item.name for item in model.quantities))
    taken = dict.fromkeys(names, "as a state or a quantity")
    for item in model.mechanisms:
        where = item.where
        if not item.evidence and not item.nuisance:
            fix = 'Add evidence=["..."], the IDs of claims, or say nuisance="why".'
            raise InputError(where, "has no evidence", fix)
        if not item.meaning:
            raise InputError(where, "has no docstring", "Say in one sentence who does what to whom.")
        for effect in traced[item.name].results:
            if isinstance(effect, Flow):
                what, number = "the hazard of a flow", effect.hazard
                for end in (effect.source, effect.target):
                    check_name(end, stocks, where, f"no stock {end!r}")
                if stocks[effect.source].sink:
                    raise InputError(where, f"people leave the sink {effect.source!r}", "Use a stock.")
                if effect.source == effect.target:
                    raise InputError(where, f"{effect.source!r} flows into itself", "Change one end.")
            elif isinstance(effect, Drift):
                what, number = "the change of a drift", effect.change
                check_name(effect.index, indices, where, f"no index {effect.index!r}")
                if effect.index in drifting:
                    problem = f"{effect.index!r} is already moved by {drifting[effect.index]!r}"
                    raise InputError(where, problem, "Give each index one mechanism, and one drift in it.")
                if effect.noise:
                    check_name(effect.noise, model.parameter_names, where, f"no parameter {effect.noise!r}")
                drifting[effect.index] = item.name
            elif isinstance(effect, Count):
                what, number = "the mean of a count", effect.mean
                if effect.name in taken:
                    problem = f"the count {effect.name!r} is already declared {taken[effect.name]}"
                    raise InputError(where, problem, "Choose another name.")
                taken[effect.name] = f"by {item.name!r}"
            else:
                problem = f"returns {type(effect).__name__}"
                raise InputError(where, problem, "Return a Flow, a Drift or a Count.")
            if not _is_number(number):
                problem = f"{what} is not a number but {_kind_of(number)}"
                raise InputError(where, problem, "Compute one number a month.")
    for index in indices:
        if index not in drifting:
            raise InputError(file, f"nothing moves the index {index!r}", "Write its mechanism.")


def _check_starts(file: str, model: Model) -> Iterator[str]:
    """Refuse a state that may start outside its range; give the parameters that states start from."""
    parameters = {item.name: item for item in model.parameters}
    states: list[Stock | Index] = [*model.stocks, *model.indices]
    for state in states:
        where, start = f"{file}, {state.name!r}", state.initial
        if isinstance(start, str):
            check_name(start, parameters, where, f"starts from an unknown parameter {start!r}")
            priors = parameters[start].priors.values()
            scale = "log" if isinstance(state, Stock) else state.scale
            if scale == "log" and not all(prior.positive for prior in priors):
                problem = f"may start below zero, from {start!r}"
                raise InputError(where, problem, "Give that parameter a positive prior.")
            if scale == "logit" and not all(prior.family == "logit_normal" for prior in priors):
                problem = f"may start outside 0 to 1, from {start!r}"
                raise InputError(where, problem, "Give that parameter a logit_normal prior.")
            yield start
        elif isinstance(state, Stock):
            if not start >= 0:
                raise InputError(where, "starts below zero", "Give a number of persons.")
        elif not state.range[0] <= start <= state.range[1]:
            raise InputError(where, f"starts at {start:g}, outside its range", "Mend the start.")


def _check_reads(model: Model, traced: Mapping[str, Traced]) -> Iterator[str]:
    """Refuse reads of what does not exist, and functions that give no number; give the parameters that are read."""
    for item in model.mechanisms:
        yield from _read(model, item.where, traced[item.name].reads)
    numbers = [(item.where, traced[f"quantity {item.name}"]) for item in model.quantities]
    watchers = (*model.outcomes, *model.observations)
    numbers += [(item.where, trace(item.where, item.function, "supm")) for item in watchers]
    for where, seen in numbers:
        yield from _read(model, where, seen.reads)
        _gives_a_number(where, seen.results)
    for observation in model.observations:
        if isinstance(spread := observation.spread, str):
            check_name(spread, model.parameter_names, observation.where, f"no parameter {spread!r}")
            yield spread
        elif not (isinstance(spread, int | float) and 0 < spread < float("inf")):
            fix = "Give a number above zero, or a parameter's name."
            raise InputError(observation.where, f"has the spread {spread!r}", fix)
    for actor in model.actors:
        _check_payoff(model, actor)
    yield from _check_histories(model)


def _read(model: Model, where: str, reads: Reads) -> frozenset[str]:
    """Refuse reads of what does not exist; return the parameters that are read."""
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
    return reads.p


def _check_payoff(model: Model, actor: Actor) -> None:
    where = f"actor {actor.name!r}, {place_of(actor.payoff)}"
    seen = trace(where, actor.payoff, "sumw", actor.weights)
    _read(model, where, seen.reads)
    for name in sorted(seen.reads.w):
        check_name(name, actor.weights, where, f'reads w["{name}"], but there is no such weight')
    for name in sorted(set(actor.weights) - seen.reads.w):
        raise InputError(where, f"does not read the weight {name!r}", "Remove or use it.")
    _gives_a_number(where, seen.results)


def _check_histories(model: Model) -> Iterator[str]:
    """Check how the past of levers is inferred; give the parameters that are read for it."""
    owner: dict[str, str] = {}
    for history in model.lever_histories:
        where = history.where
        if not history.evidence:
            raise InputError(where, "has no evidence", 'Add evidence=["..."], the IDs of claims.')
        if not history.meaning:
            raise InputError(where, "has no docstring", "Say in one sentence how the past is seen.")
        check_name(history.noise, model.parameter_names, where, f"no parameter {history.noise!r}")
        seen = trace(where, history.function, "ip")
        paths = seen.results[0]
        if not isinstance(paths, dict) or set(paths) != set(history.levers):
            given = ", ".join(sorted(map(str, paths))) if isinstance(paths, dict) else _kind_of(paths)
            fix = f"Give exactly {', '.join(sorted(history.levers))}."
            raise InputError(where, f"gives {given or 'nothing'}", fix)
        for name, path in paths.items():
            check_name(name, model.lever_names, where, f"no lever {name!r}")
            if name in owner:
                problem = f"{name!r} is already given by {owner[name]!r}"
                raise InputError(where, problem, "Leave it to one of them.")
            if not _is_number(path, (TRACED_MONTHS,)):
                problem = f"gives no path for {name!r}"
                raise InputError(where, problem, "Return one value a month for each lever.")
            owner[name] = history.name
        yield from _read(model, where, seen.reads)


def _is_number(value: Any, shape: tuple[int, ...] = ()) -> bool:
    """Whether a traced value is a number, or an array of numbers of that shape."""
    number = isinstance(value, int | float | jax.Array) and not isinstance(value, bool)
    return number and getattr(value, "shape", ()) == shape


def _kind_of(value: Any) -> str:
    """Return in words what a function gave where a number was wanted."""
    shape = getattr(value, "shape", ())
    return f"an array of shape {shape}" if shape else type(value).__name__


def _gives_a_number(where: str, results: tuple[Any, ...]) -> None:
    if len(results) != 1 or not _is_number(results[0]):
        given = _kind_of(results[0]) if len(results) == 1 else f"{len(results)} things"
        raise InputError(where, f"returns {given}", "Return one number (perhaps the `return` is missing).")
