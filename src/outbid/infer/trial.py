"""A trial of the whole chain at a few points of the priors, before any work: what is no number, where, and since when.

The past, then every scenario, month by month. Of what is no number only the first function on the way is named, since
all that reads it is none either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from outbid.conventions import PRIOR_SETS
from outbid.errors import InputError
from outbid.infer.likelihood import gather
from outbid.model.checks import Names, returned, trace
from outbid.model.compile import (
    State,
    Values,
    build_step,
    history_levers,
    initial_state,
    layout,
    monthly_innovations,
)
from outbid.model.declare import Model
from outbid.model.priors import from_standard_normal, prior_table
from outbid.model.vocabulary import Count, Drift, Flow, Index, LogNormal, Stock
from outbid.native import over_rows
from outbid.simulate.scenario import lever_paths, rule_table, ruled
from outbid.study import Study

# Of each prior set: its centre, and so many less one drawn from it.
POINTS = 16
FIX = "Use share(part, whole) where the whole may be empty; keep what log and sqrt take above zero, and exp in bounds."
SMOOTH = "sqrt and powers below one have none at zero, and where() lets through that of the branch that it leaves out."
ABOVE = (
    "Hazards, counts and what observations see are zero or more: turn signs round, or use exp or softplus."
)
NEVER = "Let something be seen of it in every month with a figure, or take Poisson."
_GROUPS = {
    "quantities": "quantity ",
    "mechanisms": "",
    "outcomes": "outcome ",
    "observations": "observation ",
}
_NUMBER = {Flow: "hazard", Drift: "change", Count: "mean"}

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fault:
    """What is no number, and the prior sets under which no fit can begin with it."""

    error: InputError
    stops: tuple[str, ...]


def trial(study: Study) -> tuple[Fault, ...]:
    """Return what is no number, or has no slope for a fit to go by; empty if all is sound."""
    model, window, courses = study.model, study.panel.window, study.scenarios
    p, noise, levers, state = _drawn(study)
    if faults := tuple(_starts(study, p, levers, state)):
        return faults

    # a row for each scenario, prior set and point; without scenarios, of the past alone
    ahead, size = (study.settings.horizon_months if courses else 0), len(levers)
    plans = [lever_paths(model, each, levers[:, -1], ahead) for each in courses] or [levers[:, :0]]
    luck = np.random.default_rng(1).standard_normal((size, ahead, len(model.noisy)))
    p, noise, levers, state = jax.tree.map(
        lambda each: np.tile(each, (len(plans), *[1] * (each.ndim - 1))),
        (p, np.concatenate([noise, luck], axis=1), levers, state),
    )
    levers = np.concatenate([levers, np.concatenate(plans)], axis=1)
    tables = [rule_table(model, each.rules) for each in courses if any(other.rules for other in courses)]
    rules = jax.tree.map(lambda *each: np.repeat(each, size, axis=0), *tables) if tables else None
    obey = over_rows(partial(ruled, model), (0, 0, 0, 0))

    functions, step = _watched(model)
    work_out, before, path = over_rows(step, (0,) * 6), levers[:, 0], []
    for month in range(len(window) + ahead):
        now = levers[:, month]
        if rules is not None and month >= len(window):
            now = obey(rules, state, now, np.full(len(levers), month - len(window) + 1))
        names = model.lever_names
        luck_now = _columns(model.noisy, noise[:, month])
        first = np.full(len(levers), month == 0)
        state, gave = work_out(state, luck_now, _columns(names, now), _columns(names, before), p, first)
        path.append(np.stack([each for of in gave for each in of]))
        before = now
    by_function = np.stack(path).reshape(len(path), len(functions), 3, len(levers))
    return tuple(_faults(study, functions, by_function, (*window.months, *window.after(ahead))))


def _columns(names: Iterable[str], values: Floats) -> dict[str, Floats]:
    return dict(zip(names, values.T, strict=True))


def _drawn(study: Study) -> tuple[dict[str, Floats], Floats, Floats, State]:
    """Return parameters, monthly innovations, levers and the opening state at the points of every prior set, a row each."""
    model, known = study.model, jnp.asarray(study.known_levers)
    where = layout(model, len(known))
    z = np.random.default_rng(0).standard_normal((POINTS, where.size)) * (np.arange(POINTS) > 0)[:, None]
    base, blocks = where.split(jnp.asarray(np.tile(z, (len(PRIOR_SETS), 1))))
    quantiles = over_rows(from_standard_normal, (0, None))
    tables = [prior_table(model.parameters, name) for name in PRIOR_SETS]
    values = np.concatenate([quantiles(base[:POINTS], table) for table in tables])

    def begun(p: Values, blocks: Any) -> tuple[Any, ...]:
        noise = monthly_innovations(model, blocks, len(known))
        return noise, history_levers(model, known, blocks, p), initial_state(model, p)

    p = _columns(where.parameters, values)
    return p, *over_rows(begun, (0, 0))(p, blocks)


def _starts(study: Study, p: Values, levers: Any, state: State) -> Iterator[Fault]:
    """Yield the first parameter, inferred lever or state that is no number from the start."""
    model = study.model
    given = {f"parameters.toml, {name}": value for name, value in p.items()}
    for item in model.lever_histories:
        columns = [model.lever_names.index(name) for name in item.levers]
        given[item.where] = levers[:, :, columns].sum(axis=(1, 2))
    given |= {f"study {study.name!r}, {name!r}": value for name, value in state.items()}
    for where, value in given.items():
        if (bad := ~np.isfinite(value)).any():
            fix = "Narrow its prior." if where.startswith("parameters.toml") else FIX
            yield _fault(where, f"is no number ({value[bad][0]:g}) before the first month", fix, bad)
            return


def _watched(model: Model) -> tuple[dict[str, Any], Callable[..., tuple[State, list[Any]]]]:
    """Return the theory's functions in their order, and a month's step that tells what each gave.

    (state, innovations, levers, levers before, parameters, whether it is the first month) -> (state, by function: the
    sum of its numbers, of their slopes, and the least of those that can't be below zero, or zero).
    """
    every = {f"{kind}{item.name}": item for group, kind in _GROUPS.items() for item in getattr(model, group)}
    functions: dict[str, Any] = {name: every[name] for name in dict.fromkeys((*model.order, *every))}
    states: list[Stock | Index] = [*model.stocks, *model.indices]
    fixed = {each.name for each in states if not isinstance(each.initial, str)}

    def watching(name: str, first: Any, gave: dict[str, Any]) -> Any:
        item = functions[name]

        def function(*given: Names) -> Any:
            letters = "supm"[: len(given)]
            reads = model.reads.get(name) or trace(item.where, item.function, letters).reads
            held: dict[str, Any] = {k: each._values for k, each in zip(letters, given, strict=True)}
            effects: list[Any] = []

            def numbers(values: Mapping[str, Mapping[str, Any]]) -> list[Any]:
                result = item.function(*(Names({**held[letter], **values[letter]}) for letter in letters))
                effects[:] = returned(result)
                return [jnp.asarray(getattr(e, _NUMBER.get(type(e), ""), e), float) for e in effects]

            names = {letter: getattr(reads, letter) for letter in letters}
            names["u"] &= model.inferred_levers
            at = {k: {each: jnp.asarray(held[k][each], float) for each in of} for k, of in names.items()}
            values, pull = jax.vjp(numbers, at)
            slopes = pull([jnp.ones_like(each) for each in values])[0]
            # where a state starts is nothing that a fit moves, unless a parameter says where
            slopes["s"] = {
                each: jnp.where(first, 0.0, slope) if each in fixed else slope
                for each, slope in slopes["s"].items()
            }
            kinds = [_NUMBER.get(type(each)) for each in effects]
            below: Any = 0.0
            for kind, value in zip(kinds, values, strict=True):
                if kind in ("hazard", "mean") or name.startswith("observation "):
                    below = jnp.minimum(below, value)
            gave[name] = (sum(values), sum(jax.tree.leaves(slopes), start=0.0), below)
            of = zip(effects, kinds, values, strict=True)
            return [replace(each, **{kind: value}) if kind else value for each, kind, value in of]

        return replace(item, function=function)

    def step(
        state: State, noise: Values, levers: Values, before: Values, p: Values, first: Any
    ) -> tuple[State, list[Any]]:
        gave: dict[str, Any] = {}
        parts: dict[str, Any] = {
            group: tuple(watching(f"{kind}{item.name}", first, gave) for item in getattr(model, group))
            for group, kind in _GROUPS.items()
        }
        following, _ = build_step(replace(model, **parts))(state, noise, levers, before, p)
        return following, [gave[name] for name in functions]

    return functions, step


def _faults(
    study: Study, functions: Mapping[str, Any], path: Floats, months: Sequence[str]
) -> Iterator[Fault]:
    """Yield what is at fault in what the functions gave, shape (months, functions, 3, rows), see `_watched`."""
    past, chain, figures = len(study.panel.window), len(study.model.order), gather(study.model, study.panel)
    values, slopes = ~np.isfinite(path[:, :, 0]), ~np.isfinite(path[:past, :, 1])
    slopes &= ~values.any(axis=(0, 1))
    # by row, the first on the way, by month and then by the order of functions
    order = values[:, :chain].reshape(-1, values.shape[2])
    led, first = order.any(axis=0), order.argmax(axis=0) % max(chain, 1)
    for i, (name, item) in enumerate(functions.items()):
        blamed = np.asarray(led & (first == i) if i < chain else ~led & values[:, i].any(axis=0))
        fits = not name.startswith("outcome ")
        if blamed.any():
            month = int(values[:, i, blamed].any(axis=1).argmax())
            row = int(np.flatnonzero(values[month, i] & blamed)[0])
            course = f" of {study.scenarios[row // (len(PRIOR_SETS) * POINTS)].id!r}" if month >= past else ""
            problem = f"gives no number ({path[month, i, 0, row]:g}) in {months[month]}{course}"
            yield _fault(item.where, problem, FIX, blamed, fits and month < past)
        elif fits and slopes[:, i].any():
            month = int(slopes[:, i].any(axis=1).argmax())
            yield _fault(
                item.where,
                f"has no slope in {months[month]}",
                SMOOTH,
                np.asarray(slopes[:, i].any(axis=0)),
                False,
            )
        elif (below := path[:, i, 2] < 0).any():
            month = int(below.any(axis=1).argmax())
            least = path[month, i, 2].min()
            problem = f"gives less than zero ({least:.2g}) in {months[month]}, which would be taken for zero"
            yield _fault(item.where, problem, ABOVE, np.asarray(below.any(axis=0)), month < past)
        elif isinstance(getattr(item, "distribution", None), LogNormal):
            of = figures.of(item.series)
            zero = figures.weights[of] @ np.nan_to_num(path[:past, i, 0], nan=1.0) == 0
            for figure in np.flatnonzero(zero.any(axis=1))[:1]:
                since = months[int(figures.weights[of[figure]].argmax())]
                problem = f"gives zero for the figure of {since}, which no log-normal law does"
                yield _fault(item.where, problem, NEVER, np.asarray(zero.any(axis=0)))


def _fault(where: str, problem: str, fix: str, bad: Flags, stops: bool = True) -> Fault:
    """Return a fault with the points, of all rows, at which it occurs."""
    points = np.asarray(bad.reshape(-1, len(PRIOR_SETS), POINTS).any(axis=0))
    by_set = dict(zip(PRIOR_SETS, points, strict=True))
    counts = [f"{at.sum()} of {POINTS} points of the {name} prior" for name, at in by_set.items() if at.any()]
    sets = tuple(name for name, at in by_set.items() if stops and (at[0] or at.mean() > 0.5))
    return Fault(InputError(where, f"{problem}, at {' and '.join(counts)}", fix), sets)
