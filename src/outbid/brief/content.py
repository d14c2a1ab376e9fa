"""Everything that the report shows, put into its plain form."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from outbid import __version__
from outbid.answers.everything import Answers
from outbid.ask.compare import compare
from outbid.ask.strategic.file import read_play
from outbid.brief.claims import audited, claim_rows
from outbid.brief.compare import comparison, described
from outbid.brief.diagram import edges, nodes
from outbid.brief.figures import bands, series_fits
from outbid.brief.numbers import floats
from outbid.brief.play import played
from outbid.brief.replay import replayed
from outbid.brief.worth import appraised
from outbid.progress import Progress
from outbid.report.content import (
    Effect,
    Fan,
    FitSummary,
    Mark,
    Outcome,
    ParameterRow,
    Provenance,
    ReportContent,
    Scenario,
    SourceRow,
)
from outbid.run import Knowledge, Settings
from outbid.study import Study

PACKAGES = ("jax", "numpyro", "numpy", "scipy", "arviz", "xarray", "altair")


def content(
    study: Study,
    settings: Settings,
    known: Mapping[str, Knowledge],
    answers: Answers,
    command: str,
    fingerprint: str,
    progress: Progress,
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
            Scenario(item.id, item.label, described(study.model, item), item.baseline)
            for item in first.futures.scenarios
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
        claims=claim_rows(study),
        sources=tuple(
            SourceRow(s.id, s.title, s.outlet, s.author, s.date, s.url, s.licence, s.role)
            for s in (*study.ledger.sources.values(), *study.figure_sources.values())
        ),
        parameters=parameter_rows(study, known),
        fits=tuple(fit_summary(name, each) for name, each in known.items()),
        boxes=study.settings.boxes,
        play=played(answers.strategies, months_after(window.last_month, 600)),
        claims_audit=audited(study, answers.claims, read_play(study.folder, study.model)),
        comparison=comparison(study.model, answers.comparison, study.settings.horizon_months),
        replay=replayed(study, answers.replay),
        worth=appraised(study, answers.worth),
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
            fingerprint=fingerprint,
        ),
    )


def effects(prior: str, known: Knowledge) -> tuple[Effect, ...]:
    """Return every scenario's effect on every outcome, with the probability of being better before the data."""
    before = {(row.scenario, row.outcome): row.probability_better for row in compare(known.before).rows}
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
        for row in compare(known.futures).rows
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
                Fan(scenario.id, outcome.name, prior, months, *(floats(each[:, i]) for each in quantiles))
            )
    return tuple(rows)


def months_after(month: str, number: int) -> tuple[str, ...]:
    """Return the months that follow one, as YYYY-MM."""
    start = int(month[:4]) * 12 + int(month[5:])
    return tuple(f"{(start + i) // 12:04d}-{(start + i) % 12 + 1:02d}" for i in range(number))


def parameter_rows(study: Study, known: Mapping[str, Knowledge]) -> tuple[ParameterRow, ...]:
    """Return every parameter before and after the data."""
    rows = []
    quantiles, contraction = {}, {}
    for name, each in known.items():
        values = each.past.standing.parameters
        quantiles[name] = np.quantile(values, [0.5, 0.05, 0.95], axis=0)
        z = each.fit.draws.z
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
    chains, draws, _ = known.fit.draws.z.shape
    told = known.fit.diagnostics
    return FitSummary(
        name,
        known.fit.how,
        None,
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
