"""A toy contest for tests: small enough to compile in seconds, real enough to hold one of everything.

Four stocks (one a sink), a latent index with its anchor, a tempo that wanders, two levers of which one is
read off edicts, and five series: monthly totals of all actors together, yearly deaths with a source's own
range, interval estimates of members, counts whose empty months are missing, and raids of which one is "at
least so many".
"""

from __future__ import annotations

import calendar
import datetime as dt
import sys
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from outbid.data.panel import Kind, Panel, Record, Series, Window
from outbid.infer.likelihood import Figures, Target, gather
from outbid.model.compile import build_run, layout, unpack
from outbid.model.declare import Model, declare
from outbid.model.priors import PriorTable, prior_table
from outbid.model.vocabulary import (
    Anchor,
    Count,
    Drift,
    Flow,
    Index,
    Lever,
    LogNormal,
    NegativeBinomial,
    Parameter,
    Poisson,
    Prior,
    Stock,
    autoregressive,
    exp,
    lever_history,
    mechanism,
    observation,
    outcome,
)

WINDOW = Window("2021-09", "2023-08")
MONTHS = len(WINDOW)

# theory


@mechanism(evidence=["N03"])
def defection(s, u, p):
    """Hardliners leave for the challenger when the incumbent's standing falls."""
    return Flow("hardliners", "challengers", p.defection_base * exp(-s.standing))


@mechanism(evidence=["N15"])
def killing(s, u, p):
    """Counterforce kills challengers."""
    return Flow("challengers", "killed", p.killing_base * u.counterforce)


@mechanism(evidence=["M09"])
def recruitment(s, u, p):
    """The challenger recruits among those who share its views."""
    return Flow("sympathisers", "challengers", 0.004)


@mechanism(evidence=["M12"])
def standing(s, u, p):
    """A harder line raises the incumbent's standing among hardliners; it fades."""
    return Drift("standing", 0.3 * (p.standing_hardness * (u.hardness - 0.5) - s.standing))


@mechanism(evidence=["N20"])
def tempo(s, u, p):
    """The challenger's tempo wanders."""
    return Drift("tempo", 0.0, noise="tempo_noise")


@mechanism(evidence=["N04"])
def attacks(s, u, p):
    """Attacks go with members and tempo."""
    return Count("attacks_home", p.attacks_per_thousand * s.challengers / 1000.0 * exp(s.tempo))


@mechanism(evidence=["N15"])
def operations(s, u, p):
    """Raids go with counterforce and with how many there are to raid."""
    return Count("raids_made", 3.0 * u.counterforce * s.challengers / 1000.0)


@lever_history("hardness", noise="edict_noise", evidence=["M05"])
def hardness_from_edicts(innovations, p):
    """Hardness is seen through edicts alone."""
    return {"hardness": 0.5 + autoregressive(innovations, 0.6, p.edict_noise)}


@outcome(label="Challengers", unit="persons", better="lower", summary="end")
def members(s, u, p, m):
    """Members of the challenger."""
    return s.challengers


@observation(NegativeBinomial("concentration"))
def events(s, u, p, m):
    """The challenger's attacks and others' in one number."""
    return s.attacks_home + p.events_others


@observation(LogNormal("deaths_error"))
def deaths(s, u, p, m):
    """Deaths in the challenger's attacks."""
    return p.deaths_per_attack * s.attacks_home


@observation(LogNormal("fighters_error"), aggregate="mean")
def fighters(s, u, p, m):
    """Estimates of the challenger's members."""
    return s.challengers


@observation(NegativeBinomial("concentration", zero_truncated=True))
def edicts(s, u, p, m):
    """Edicts of a month; months without one are not listed."""
    return p.edicts_a_month * exp(u.hardness - 0.5)


@observation(Poisson())
def raids(s, u, p, m):
    """Raids on the challenger."""
    return s.raids_made


# declarations

STOCKS = (
    Stock("hardliners", "Hardliners of the incumbent", 20_000.0),
    Stock("challengers", "Members of the challenger", "challengers_start"),
    Stock("sympathisers", "People who share the challenger's views", 10_000.0),
    Stock("killed", "Dead", 0.0, sink=True),
)
INDICES = (
    Index("standing", "Credit among hardliners", 0.0, Anchor("hazard:defection", -1, -1.0)),
    Index("tempo", "Effort at home", 0.0, Anchor("count:attacks_home", 1, 1.0), noise_months=3),
)
LEVERS = (
    Lever("hardness", "How hard the line is", "incumbent", -2.0, 3.0),
    Lever("counterforce", "Pressure on the challenger", "incumbent", 0.0, 1.0),
)


def _parameter(name: str, family: str, *arguments: float, claimed: bool = False) -> Parameter:
    prior = Prior(family, arguments)
    sources = Prior("half_normal", (arguments[1],)) if claimed else prior
    return Parameter(name, "1", f"the {name} of the toy", {"neutral": prior, "sources": sources}, claimed)


PARAMETERS = (
    _parameter("defection_base", "lognormal", 0.003, 0.5),
    _parameter("killing_base", "lognormal", 0.02, 0.5),
    _parameter("standing_hardness", "normal", 0.0, 0.3, claimed=True),
    _parameter("tempo_noise", "lognormal", 0.15, 0.2),
    _parameter("attacks_per_thousand", "lognormal", 3.0, 0.3),
    _parameter("events_others", "lognormal", 4.0, 0.4),
    _parameter("concentration", "lognormal", 6.0, 0.4),
    _parameter("deaths_per_attack", "lognormal", 3.0, 0.4),
    _parameter("deaths_error", "lognormal", 0.3, 0.3),
    _parameter("fighters_error", "lognormal", 0.3, 0.3),
    _parameter("challengers_start", "lognormal", 2000.0, 0.4),
    _parameter("edict_noise", "lognormal", 0.25, 0.2),
    _parameter("edicts_a_month", "lognormal", 4.0, 0.5),
)


def model() -> Model:
    """The toy's model."""
    return declare(
        stocks=STOCKS,
        indices=INDICES,
        levers=LEVERS,
        parameters=PARAMETERS,
        theory=[sys.modules[__name__]],
        file="the toy",
    )


def known_levers() -> np.ndarray:
    """Lever matrix (months, levers): zeros where inferred; counterforce rises half-way."""
    levers = np.zeros((MONTHS, 2))
    levers[:, 1] = np.where(np.arange(MONTHS) < MONTHS // 2, 0.4, 0.8)
    return levers


def table(prior_set: str = "neutral") -> PriorTable:
    """The toy's priors."""
    return prior_table(PARAMETERS, prior_set)


# figures: a series is a list of (start, end, value, low, high), days as YYYY-MM-DD

Figure = tuple[str, str, float | None, float | None, float | None]
KINDS: dict[str, Kind] = {
    "events": "count",
    "deaths": "sum",
    "fighters": "level",
    "edicts": "count",
    "raids": "count",
}


def month_of(number: int, value: float | None, low: float | None = None, high: float | None = None) -> Figure:
    """A figure for the window's month of that number, from 0."""
    name = WINDOW.months[number]
    last = calendar.monthrange(int(name[:4]), int(name[5:]))[1]
    return (f"{name}-01", f"{name}-{last}", value, low, high)


# as drawn from the toy itself
EVENTS = (10, 9, 12, 12, 17, 5, 10, 11, 20, 33, 8, 13, 11, 16, 10, 9, 14, 27, 25, 4, 19, 18, 16, 14)
EDICTS = (8, 2, 0, 3, 2, 5, 7, 0, 6, 3, 6, 3, 4, 5, 0, 3, 3, 1, 9, 5, 0, 3, 7, 3)  # 0: a month not listed
FIGURES: Mapping[str, tuple[Figure, ...]] = {
    "events": tuple(month_of(i, y) for i, y in enumerate(EVENTS)),
    "deaths": (
        ("2021-09-01", "2021-12-31", 80.0, 60.0, 110.0),
        ("2022-01-01", "2022-12-31", 265.0, 210.0, 330.0),
        ("2023-01-01", "2023-08-31", 259.0, None, None),
    ),
    "fighters": (
        ("2021-11-01", "2021-11-30", None, 1500.0, 2500.0),
        ("2022-06-15", "2022-07-14", None, 2000.0, 3000.0),
        ("2023-01-01", "2023-01-31", 2900.0, None, None),
        ("2023-06-01", "2023-06-30", None, 2000.0, None),
        ("2023-08-01", "2023-08-31", None, None, 6000.0),
    ),
    "edicts": tuple(month_of(i, y) for i, y in enumerate(EDICTS) if y),
    "raids": (
        ("2022-02-15", "2022-05-14", 9.0, None, None),
        ("2023-04-01", "2023-06-30", None, 15.0, None),
    ),
}


def record(series: str, figure: Figure, used: bool = True) -> Record:
    """A record of the toy's panel."""
    start, end, value, low, high = figure
    return Record(
        series,
        dt.date.fromisoformat(start),
        dt.date.fromisoformat(end),
        value,
        low,
        high,
        "toy",
        used=used,
        why_not="" if used else "for show",
    )


def panel(
    changes: Mapping[str, tuple[Figure, ...]] | None = None,
    unused: Mapping[str, tuple[Figure, ...]] | None = None,
) -> Panel:
    """The toy's panel, with the figures of some series changed, and unused records added to some."""
    series = {}
    for name, own in {**FIGURES, **(changes or {})}.items():
        records = [record(name, figure) for figure in own]
        records += [record(name, figure, used=False) for figure in (unused or {}).get(name, ())]
        series[name] = Series(name, name, "1", name, tuple(records), KINDS.get(name, "level"))
    return Panel(WINDOW, series)


def figures(contest: Model, changes: Mapping[str, tuple[Figure, ...]] | None = None) -> Figures:
    """The toy's figures, ready for its model."""
    return gather(contest, panel(changes))


def target(ready: Figures, prior_set: str = "neutral") -> Target:
    """What the toy's posterior takes beside the vector."""
    return Target(table(prior_set), ready.values, known_levers())


def history(contest: Model, z: Array, priors: PriorTable) -> tuple[dict[str, Array], Array]:
    """Return parameters, and what each series sees (months, series), of one vector of standard normals."""
    run = build_run(contest, [f"sees.{item.series}" for item in contest.observations])
    p, innovations, levers, state = unpack(
        contest, layout(contest, MONTHS), priors, jnp.asarray(known_levers()), z
    )
    return p, run(p, innovations, levers, state, levers[0])[1]


def prior_vector(contest: Model, seed: int) -> Array:
    """Return one vector drawn from the prior."""
    return jax.random.normal(jax.random.key(seed), (layout(contest, MONTHS).size,))
