"""Series with what the model says of each figure, and the inferred paths."""

from __future__ import annotations

import numpy as np

from outbid.brief.numbers import floats, middle
from outbid.data.panel import Record as PanelRecord
from outbid.infer.likelihood import gather
from outbid.model.vocabulary import LogNormal, NegativeBinomial, Observation
from outbid.report.content import Band, Record, SeriesFit
from outbid.run import Knowledge
from outbid.study import Study

BANDS = (
    ("attacks", "attacks_home", "The challenger's attacks at home", "attacks a month"),
    ("other_violence", "events_others", "Violence by others", "events a month"),
    ("challengers", "outcome.challengers", "The challenger's members", "persons"),
    ("hardness", "lever.hardness", "Hardness of rule", "0 to 1"),
)


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
                floats(middle),
                floats(low),
                floats(high),
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
        *((None, None, None) if drawn is None else middle(drawn)),
    )


def _agrees(record: PanelRecord, drawn: np.ndarray) -> bool:
    """Whether a figure, or any part of its range where it is one, lies inside the 90% predictive interval."""
    _, low, high = middle(drawn)
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
        lever = output.removeprefix("lever.")
        if lever != output and lever in study.model.lever_names:
            path = known.past.levers[:, :, study.model.lever_names.index(lever)]
        elif output in known.past.paths:
            path = known.past.paths[output]
        else:
            continue
        quantiles = (floats(each) for each in np.quantile(path, [0.5, 0.05, 0.95], axis=0))
        result.append(Band(name, label, unit, prior, months, *quantiles))
    return tuple(result)
