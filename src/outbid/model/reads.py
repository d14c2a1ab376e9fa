"""What a model's functions may read: every name that stands behind s, u, p, m and w has to exist.

A misspelt name is an `InputError` that says what was meant; so is a function that gives no number, or a
parameter that nothing reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from outbid.errors import InputError, did_you_mean
from outbid.model.decorators import LogNormal, NegativeBinomial, Observation, Outcome, place_of
from outbid.model.trace import TRACED_MONTHS, Reads, Traced, is_number, kind_of, trace
from outbid.model.vocabulary import Actor

if TYPE_CHECKING:
    from outbid.model.declare import Model


def check_reads(file: str, model: Model, traced: Mapping[str, Traced], started: frozenset[str]) -> None:
    """Refuse reads of what does not exist, functions that give no number, and parameters that nothing reads.

    * `started`: parameters that states start from: they count as read.
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
        if named and named not in known_p:
            raise InputError(observation.where, f"no parameter {named!r}", did_you_mean(named, known_p))
        used.add(named)
    for actor in model.actors:
        _check_payoff(model, actor)
    used |= _check_histories(model)
    unused = known_p - used
    if unused:
        raise InputError(
            file, f"nothing reads the parameters {', '.join(sorted(unused))}", "Remove or use them."
        )


def _gives_a_number(where: str, results: tuple[Any, ...]) -> None:
    if len(results) != 1 or not is_number(results[0]):
        given = kind_of(results[0]) if len(results) == 1 else f"{len(results)} things"
        raise InputError(where, f"returns {given}", "Return one number (perhaps the `return` is missing).")


def _check_one(model: Model, where: str, reads: Reads) -> None:
    kinds: tuple[tuple[str, frozenset[str], Iterable[str], str], ...] = (
        ("s", reads.s, model.readable, "state, quantity or count"),
        ("u", reads.u, model.lever_names, "lever"),
        ("u.previous", reads.previous, model.lever_names, "lever"),
        ("p", reads.p, model.parameter_names, "parameter"),
        ("m", reads.m, model.moved, "flow"),
    )
    for letter, names, known, kind in kinds:
        for name in sorted(names.difference(known)):
            raise InputError(
                where, f"reads {letter}.{name}, but there is no such {kind}", did_you_mean(name, known)
            )


def _check_payoff(model: Model, actor: Actor) -> None:
    where = f"actor {actor.name!r}, {place_of(actor.payoff)}"
    seen = trace(where, actor.payoff, "sumw", tuple(actor.weights))
    _check_one(model, where, seen.reads)
    for name in sorted(seen.reads.w.difference(actor.weights)):
        raise InputError(
            where, f'reads w["{name}"], but there is no such weight', did_you_mean(name, actor.weights)
        )
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
        if history.noise not in model.parameter_names:
            raise InputError(
                history.where,
                f"no parameter {history.noise!r}",
                did_you_mean(history.noise, model.parameter_names),
            )
        seen = trace(history.where, history.function, "ip")
        paths = seen.results[0]
        if not isinstance(paths, dict) or set(paths) != set(history.levers):
            given = ", ".join(sorted(map(str, paths))) if isinstance(paths, dict) else kind_of(paths)
            raise InputError(
                history.where,
                f"gives {given or 'nothing'}",
                f"Give exactly {', '.join(sorted(history.levers))}.",
            )
        for name, path in paths.items():
            if name not in model.lever_names:
                raise InputError(history.where, f"no lever {name!r}", did_you_mean(name, model.lever_names))
            if name in owner:
                raise InputError(
                    history.where, f"{name!r} is already given by {owner[name]!r}", "Leave it to one of them."
                )
            if not is_number(path, (TRACED_MONTHS,)):
                raise InputError(
                    history.where, f"gives no path for {name!r}", "Return one value a month for each lever."
                )
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
