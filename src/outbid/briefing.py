"""From results to what the report shows and what summary.json holds; nothing is computed here but summaries."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from outbid import __version__
from outbid.ask.effects import compare
from outbid.data.panel import Record as PanelRecord
from outbid.infer.likelihood import gather
from outbid.model.diagram import build_responses, links, summarise
from outbid.model.vocabulary import LogNormal, NegativeBinomial, Observation
from outbid.progress import Progress
from outbid.report.content import (
    Band,
    ClaimRow,
    Edge,
    Effect,
    Fan,
    FitSummary,
    Mark,
    Node,
    Outcome,
    ParameterRow,
    Provenance,
    Record,
    ReportContent,
    Scenario,
    SeriesFit,
    SourceRow,
)
from outbid.run import Knowledge, Settings
from outbid.study import Study

PACKAGES = ("jax", "numpyro", "numpy", "scipy", "arviz", "xarray", "altair")
BANDS = (
    ("attacks", "attacks_home", "The challenger's attacks at home", "attacks a month"),
    ("other_violence", "events_others", "Violence by others", "events a month"),
    ("challengers", "outcome.challengers", "The challenger's members", "persons"),
    ("hardness", "lever.hardness", "Hardness of rule", "0 to 1"),
)


def content(
    study: Study, settings: Settings, known: Mapping[str, Knowledge], command: str, progress: Progress
) -> ReportContent:
    """Put everything that the report shows into its plain form."""
    first = next(iter(known.values()))
    window = study.panel.window
    return ReportContent(
        study=study.name,
        title=study.settings.title,
        question=study.settings.question,
        incumbent=study.settings.incumbent,
        challenger=study.settings.challenger,
        roles=study.settings.roles,
        horizon_months=next(iter(first.futures.paths.values())).shape[1],
        outcomes=tuple(
            Outcome(item.name, item.label, item.unit, item.better, item.summary, item.meaning)
            for item in study.model.outcomes
        ),
        scenarios=tuple(
            Scenario(item.id, item.label, item.description, item.baseline) for item in first.futures.scenarios
        ),
        effects=tuple(row for name, each in known.items() for row in effects(name, each)),
        fans=tuple(row for name, each in known.items() for row in fans(name, each, window.last_month)),
        series=series_fits(study, first),
        bands=tuple(row for name, each in known.items() for row in bands(study, name, each)),
        marks=tuple(
            Mark(
                item.date.isoformat(),
                item.kind,
                item.label,
                item.source,
                tuple(item.claims),
                item.direction or "",
            )
            for item in study.marks
        ),
        nodes=nodes(study),
        edges=edges(study, known),
        claims=tuple(
            ClaimRow(c.id, c.kind, c.statement, c.source, c.locator, tuple(c.homes), c.left_out)
            for c in study.ledger.claims.values()
        ),
        sources=tuple(
            SourceRow(s.id, s.title, s.outlet, s.author, s.date, s.url, s.licence, s.role)
            for s in (*study.ledger.sources.values(), *study.figure_sources.values())
        ),
        parameters=parameter_rows(study, known),
        fits=tuple(fit_summary(name, each) for name, each in known.items()),
        provenance=Provenance(
            version=__version__,
            seed=settings.seed,
            command=command,
            quick=settings.quick,
            created=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.machine()}",
            packages={name: version(name) for name in PACKAGES},
            first_month=window.first_month,
            last_month=window.last_month,
            n_months=len(window),
            timing=dict(progress.timing),
        ),
    )


def effects(prior: str, known: Knowledge) -> tuple[Effect, ...]:
    """Return every scenario's effect on every outcome, with the probability of being better before the data."""
    before = {(row.scenario, row.outcome): row.probability_better for row in compare(known.before)}
    return tuple(
        Effect(
            row.scenario,
            row.outcome,
            prior,
            *row.level,
            *row.difference,
            row.probability_better,
            row.regret,
            *row.middle_half,
            before[row.scenario, row.outcome],
        )
        for row in compare(known.futures)
    )


def fans(prior: str, known: Knowledge, last_month: str) -> tuple[Fan, ...]:
    """Return the monthly path of every outcome in every scenario as quantiles."""
    futures = known.futures
    months = months_after(last_month, next(iter(futures.paths.values())).shape[1])
    rows = []
    for scenario in futures.scenarios:
        quantiles = np.quantile(futures.paths[scenario.id], [0.5, 0.05, 0.25, 0.75, 0.95], axis=0)
        for i, outcome in enumerate(futures.outcomes):
            rows.append(
                Fan(scenario.id, outcome.name, prior, months, *(_floats(each[:, i]) for each in quantiles))
            )
    return tuple(rows)


def months_after(month: str, number: int) -> tuple[str, ...]:
    """Return the months that follow one, as YYYY-MM."""
    start = int(month[:4]) * 12 + int(month[5:])
    return tuple(f"{(start + i) // 12:04d}-{(start + i) % 12 + 1:02d}" for i in range(number))


def series_fits(study: Study, known: Knowledge) -> tuple[SeriesFit, ...]:
    """Return every series with its figures, and, where the model sees it, what it predicts for each."""
    figures = gather(study.model, study.panel)
    seen = {item.series: item for item in study.model.observations}
    result = []
    for series in study.panel.series.values():
        if series.id not in seen:
            records = tuple(_record(each, None) for each in series.records)
            result.append(SeriesFit(series.id, series.label, series.unit, "shown only", records))
            continue
        rows = iter(figures.of(series.id))
        drawn = [known.past.replicated[:, next(rows)] if each.used else None for each in series.records]
        pairs = list(zip(series.records, drawn, strict=True))
        inside = [_agrees(record, figure) for record, figure in pairs if figure is not None]
        excess = [
            figure - record.value
            for record, figure in pairs
            if figure is not None and record.value is not None
        ]
        middle, low, high = np.quantile(known.past.paths[f"sees.{series.id}"], [0.5, 0.05, 0.95], axis=0)
        result.append(
            SeriesFit(
                series.id,
                series.label,
                series.unit,
                law_in_words(seen[series.id]),
                tuple(_record(record, figure) for record, figure in pairs),
                study.panel.window.months,
                _floats(middle),
                _floats(low),
                _floats(high),
                float(np.mean(inside)) if inside else None,
                float(np.mean(np.sum(excess, axis=0) > 0)) if excess else None,
            )
        )
    return tuple(result)


def _record(record: PanelRecord, drawn: np.ndarray | None) -> Record:
    return Record(
        record.start.isoformat(),
        record.end.isoformat(),
        record.value,
        record.low,
        record.high,
        record.used,
        record.why_not or "",
        record.source,
        record.note or "",
        *((None, None, None) if drawn is None else _middle(drawn)),
    )


def _agrees(record: PanelRecord, drawn: np.ndarray) -> bool:
    """Whether a figure, or any part of its range where it is one, lies inside the 90% predictive interval."""
    _, low, high = _middle(drawn)
    least = record.low if record.value is None else record.value
    most = record.high if record.value is None else record.value
    return (most is None or low <= most) and (least is None or high >= least)


def law_in_words(item: Observation) -> str:
    """Return an observation's distribution in words."""
    law = item.distribution
    if isinstance(law, LogNormal):
        spread = "an estimated" if isinstance(law.sigma, str) else f"a {law.sigma:g}"
        return f"log-normal with {spread} relative error"
    name = "negative binomial" if isinstance(law, NegativeBinomial) else "Poisson"
    return f"{name}, months without an entry missing" if law.zero_truncated else name


def bands(study: Study, prior: str, known: Knowledge) -> tuple[Band, ...]:
    """Return the inferred monthly paths that the report's time axis shows."""
    months = study.panel.window.months
    result = []
    for name, output, label, unit in BANDS:
        if output.startswith("lever."):
            path = known.past.levers[:, :, study.model.lever_names.index(output.removeprefix("lever."))]
        elif output in known.past.paths:
            path = known.past.paths[output]
        else:
            continue
        quantiles = (_floats(each) for each in np.quantile(path, [0.5, 0.05, 0.95], axis=0))
        result.append(Band(name, label, unit, prior, months, *quantiles))
    return tuple(result)


def nodes(study: Study) -> tuple[Node, ...]:
    """Return the boxes of the diagram: stocks, indices, levers and counts."""
    model = study.model

    def plain(name: str) -> str:
        return name.replace("_", " ").capitalize()

    owners = {"challenger": "challenger", "incumbent": "incumbent"}
    about = {item.name: item.meaning for item in model.mechanisms}
    return (
        *(Node(s.name, plain(s.name), "stock", s.side, s.meaning) for s in model.stocks),
        *(Node(i.name, plain(i.name), "index", i.side, i.meaning) for i in model.indices),
        *(
            Node(v.name, plain(v.name), "lever", owners.get(v.owner, "outside"), v.meaning)
            for v in model.levers
        ),
        *(Node(c, plain(c), "count", _side_of_count(c, about[m]), about[m]) for c, m in model.counts.items()),
    )


def _side_of_count(name: str, meaning: str) -> str:
    if "others" in name:
        return "outside"
    return "incumbent" if meaning.startswith("The incumbent") else "challenger"


def edges(study: Study, known: Mapping[str, Knowledge]) -> tuple[Edge, ...]:
    """Return the diagram's arrows at the last month's states and the window's usual levers."""
    model = study.model
    arrows = links(model)
    respond = jax.jit(jax.vmap(build_responses(model)))
    names = [*(item.name for item in model.stocks), *(item.name for item in model.indices)]

    def responses(past: Any) -> np.ndarray:
        draws = min(500, len(past.standing))
        p = {name: past.standing.parameters[:draws, i] for i, name in enumerate(model.parameter_names)}
        states = {name: past.paths[name][:draws, -1] for name in names}
        usual = past.levers[:draws].mean(axis=1)
        now = {name: usual[:, i] for i, name in enumerate(model.lever_names)}
        return np.asarray(respond(p, states, now, now))

    first = next(iter(known.values()))
    scale = np.array([_typical_change(study, first, link.source) for link in arrows])
    after = {name: summarise(responses(each.past), scale) for name, each in known.items()}
    before = {name: summarise(responses(each.unseen), scale) for name, each in known.items()}
    sources = after.get("sources", after[next(iter(after))])
    lead = after.get("neutral", sources)
    return tuple(
        Edge(
            link.source,
            link.target,
            link.mechanism,
            float(lead.effect[i]),
            int(np.sign(sources.effect[i])),
            {name: float(each.probability_positive[i]) for name, each in after.items()},
            {name: float(each.probability_positive[i]) for name, each in before.items()},
            link.sentence,
            link.formula,
            tuple(link.evidence),
        )
        for i, link in enumerate(arrows)
        if not link.reservoir
    )


def _typical_change(study: Study, known: Knowledge, name: str) -> float:
    """Return what counts as one typical change: a lever's step, or a state's spread over draws and months."""
    if name in study.model.lever_names:
        return study.model.lever(name).step
    return float(np.std(known.past.paths[name]))


def parameter_rows(study: Study, known: Mapping[str, Knowledge]) -> tuple[ParameterRow, ...]:
    """Return every parameter before and after the data."""
    rows = []
    quantiles, contraction = {}, {}
    for name, each in known.items():
        values = each.past.standing.parameters
        quantiles[name] = np.quantile(values, [0.5, 0.05, 0.95], axis=0)
        z = each.fit.posterior.z
        contraction[name] = 1.0 - z.reshape(-1, z.shape[-1]).var(axis=0)
    for i, item in enumerate(study.model.parameters):
        rows.append(
            ParameterRow(
                item.name,
                item.unit,
                item.meaning,
                {name: item.priors[name].describe() for name in known},
                {name: float(quantiles[name][0, i]) for name in known},
                {name: float(quantiles[name][1, i]) for name in known},
                {name: float(quantiles[name][2, i]) for name in known},
                {name: float(contraction[name][i]) for name in known},
                {name: float(each.fit.diagnostics.rhat[i]) for name, each in known.items()},
                {name: float(each.fit.diagnostics.ess_bulk[i]) for name, each in known.items()},
                item.evidence,
            )
        )
    return tuple(rows)


def fit_summary(name: str, known: Knowledge) -> FitSummary:
    """Return a fit's diagnostics in plain form."""
    chains, draws, _ = known.fit.posterior.z.shape
    told = known.fit.diagnostics
    return FitSummary(
        name,
        known.fit.how,
        known.fit.pareto_k,
        chains,
        draws,
        float(told.rhat.max()),
        float(told.ess_bulk.min()),
        float(told.ess_tail.min()),
        told.divergences,
        float(told.bfmi.min()),
        known.fit.seconds,
        told.problems,
    )


def summary(shown: ReportContent) -> dict[str, Any]:
    """Return summary.json: see the README for its keys. What a study lacks is an empty list."""
    made = shown.provenance
    priors = [each.prior for each in shown.fits]
    blank = {"median": None, "q05": None, "q95": None}
    untested = {"verdict": None, "prior_probability": None, "posterior_probability": None, "effect": blank}
    return {
        "study": shown.study,
        "version": made.version,
        "seed": made.seed,
        "quick": made.quick,
        "data": {
            "first_month": made.first_month,
            "last_month": made.last_month,
            "n_months": made.n_months,
            "sources": [each.id for each in shown.sources if each.role == "figures"],
        },
        "diagnostics": {
            "chains": shown.fits[0].chains,
            "draws": shown.fits[0].draws,
            "rhat_max": max(each.rhat_max for each in shown.fits),
            "ess_bulk_min": min(each.ess_bulk_min for each in shown.fits),
            "divergences": sum(each.divergences for each in shown.fits),
        },
        "claims": [
            {
                "id": c.id,
                "kind": c.kind,
                "verdict": c.verdict,
                "by_prior": dict.fromkeys(priors, untested),
            }
            for c in shown.claims
        ],
        "scenarios": [
            {
                "id": e.scenario,
                "prior": e.prior,
                "outcome": e.outcome,
                "median": e.level_median,
                "q05": e.level_q05,
                "q95": e.level_q95,
                "probability_better": e.probability_better,
            }
            for e in shown.effects
        ],
        "forecast": [],
        "scores": [],
        "replication": [],
        "timing": {name: round(seconds, 2) for name, seconds in made.timing.items()},
    }


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(f"{value:.5g}") for value in values)


def _middle(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(middle), float(low), float(high)
