"""What the report says of what to collect next, in plain form."""

from __future__ import annotations

import math
from collections.abc import Mapping

from outbid.ask.worth.appraise import Worth
from outbid.ask.worth.file import WorthSettings, asked_of
from outbid.ask.worth.resampled import Estimate
from outbid.report.worth.content import WorthContent, WorthMeasure, WorthRow, WorthTarget, WorthToday
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import Study


def appraised(study: Study, results: Mapping[str, Worth]) -> WorthContent:
    """Return everything about what to collect next; empty where a study doesn't ask or nothing was computed."""
    asked = asked_of(study)
    if asked is None or not results:
        return WorthContent()
    declared = read_scenarios(study.folder / "scenarios.toml", study.model, study.levers_today)
    labels = {item.id: item.label for item in declared}
    return WorthContent(
        tuple(
            WorthMeasure(
                *(m.id, m.label, m.action, m.effort, m.every, m.months),
                *(labels.get(m.under, ""), m.past),
            )
            for m in asked.measures
        ),
        _targets(study, asked, labels),
        tuple(row for prior, each in results.items() for row in _today(asked, labels, prior, each)),
        tuple(row for prior, each in results.items() for row in _rows(prior, each)),
        min(each.draws for each in results.values()),
    )


def _targets(study: Study, asked: WorthSettings, labels: Mapping[str, str]) -> tuple[WorthTarget, ...]:
    outcomes = {item.name: item for item in study.model.outcomes}
    claims = [WorthTarget(each.id, "claim", each.label) for each in asked.claims]
    decisions = [
        WorthTarget(
            *(each.id, "decision", each.label, tuple(labels[option] for option in each.options)),
            *(outcomes[each.outcome].label, outcomes[each.outcome].unit),
        )
        for each in asked.decisions
    ]
    return (*claims, *decisions)


def _today(
    asked: WorthSettings, labels: Mapping[str, str], prior: str, each: Worth
) -> tuple[WorthToday, ...]:
    claims = []
    for target in asked.claims:
        today = each.claims_today[target.id]
        holds = today.positive if target.sign > 0 else today.negative
        claims.append(WorthToday(target.id, prior, _number(holds), today.open))
    decisions = [
        WorthToday(
            *(decision.id, prior, None, len(set(known.expected)) > 1, labels[known.best]),
            *(_number(v) for v in (known.ceiling.value, known.ceiling.low, known.ceiling.high)),
        )
        for decision in asked.decisions
        if (known := each.decisions_today[decision.id])
    ]
    return (*claims, *decisions)


def _rows(prior: str, each: Worth) -> tuple[WorthRow, ...]:
    rows = []
    for measure, found in each.claims.items():
        for target, told in found.items():
            numbers = (*_four(told.resolved), *_four(told.doubt)[:3], *_four(told.clear)[:3])
            rows.append(WorthRow(measure, target, prior, *numbers))
    for measure, gains in each.decisions.items():
        rows += [WorthRow(measure, target, prior, *_four(gain)) for target, gain in gains.items()]
    return tuple(rows)


def _four(estimate: Estimate) -> tuple[float | None, float | None, float | None, float | None]:
    value, low, high, error = (
        _number(each) for each in (estimate.value, estimate.low, estimate.high, estimate.error)
    )
    return value, low, high, error


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
