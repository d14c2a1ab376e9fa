"""What the report says of what matters most, and when something holds, in plain form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from outbid.ask.sensitivity.answer import Sensitivity
from outbid.ask.sensitivity.discover import Finding
from outbid.ask.sensitivity.explain import Dependent, Shares
from outbid.ask.sensitivity.inputs import CHANCE, PARAMETER
from outbid.brief.numbers import floats
from outbid.report.claims.content import BoxLimit
from outbid.report.sensitivity.content import (
    FREE,
    Discovery,
    DiscoveryBox,
    SensitivityContent,
    SensitivityInput,
    SensitivityPanel,
    SensitivityRow,
)
from outbid.stats.boxes import Box, Limit


def explored(results: Mapping[str, Sensitivity]) -> SensitivityContent:
    """Return everything about what matters most, and when; empty where a study asks neither."""
    if not results:
        return SensitivityContent()
    first = next(iter(results.values()))
    panels: list[SensitivityPanel] = []
    for prior, each in results.items():
        if each.weighted is not None:
            panels += _panels(each, each.weighted, prior, each.dependent)
    for each in results.values():
        if each.free is not None:
            panels += _panels(each, each.free, FREE, None)
    return SensitivityContent(
        tuple(SensitivityInput(i.key, i.kind, i.name, i.meaning, i.unit) for i in first.inputs),
        tuple(panels),
        tuple(_discovery(each, prior, found) for prior, each in results.items() for found in each.findings),
    )


def _panels(
    each: Sensitivity, found: Shares, version: str, dependent: Dependent | None
) -> list[SensitivityPanel]:
    outcomes = {outcome.name: outcome for outcome in each.model.outcomes}
    runs = found.samples * (len(found.inputs) + 2)
    panels = []
    for k, asked in enumerate(each.settings.explain):
        low, median, high = floats(found.spread[k])
        drawn = floats(dependent.spread[k]) if dependent is not None else (None, None, None)
        panels.append(
            SensitivityPanel(
                asked.id,
                asked.label,
                outcomes[asked.outcome].label,
                outcomes[asked.outcome].unit,
                bool(asked.against),
                asked.scale,
                version,
                found.samples,
                runs,
                median,
                low,
                high,
                drawn[1],
                drawn[0],
                drawn[2],
                _rows(found, k, dependent),
            )
        )
    return panels


def _rows(found: Shares, k: int, dependent: Dependent | None) -> tuple[SensitivityRow, ...]:
    """Return the inputs, those first that matter most in the design or on the draws as they are."""
    table = found.indices
    numbers = np.stack([table.first[k], table.first_half[k], table.total[k], table.total_half[k]], axis=1)
    weight = table.total[k].copy()
    if dependent is not None:
        # chance comes last and has no share there: every draw meets its own
        known = dependent.first.shape[1]
        weight[:known] = np.maximum(weight[:known], dependent.first[k])
    rows = []
    for j in np.argsort(-weight, kind="stable"):
        item = found.inputs[j]
        drawn, partner, tied = None, "", None
        first, first_half, total, total_half = floats(numbers[j])
        if dependent is not None and item.kind != CHANCE:
            drawn = float(f"{dependent.first[k, j]:.4g}")
            nearest = int(np.argmax(np.abs(dependent.tied[j])))
            partner, tied = found.inputs[nearest].key, float(f"{dependent.tied[j, nearest]:.3g}")
        rows.append(SensitivityRow(item.key, first, first_half, total, total_half, drawn, partner, tied))
    return tuple(rows)


def _discovery(each: Sensitivity, prior: str, found: Finding) -> Discovery:
    courses = each.settings.scenarios
    asked = found.question
    return Discovery(
        asked.id,
        asked.question,
        asked.answer,
        courses[asked.scenario].label,
        courses[asked.against].label,
        prior,
        tuple(condition.words for condition in asked.conditions),
        found.alone,
        found.share,
        found.draws,
        None if found.box is None else _box(each, found.box, found.checked),
    )


def _box(each: Sensitivity, box: Box, checked: tuple[float, float] | None) -> DiscoveryBox:
    density, elsewhere = checked if checked is not None else (None, None)
    return DiscoveryBox(
        tuple(_limit(each, limit) for limit in box.limits),
        box.coverage,
        box.density,
        box.mass,
        box.elsewhere,
        density,
        elsewhere,
    )


def _limit(each: Sensitivity, limit: Limit) -> BoxLimit:
    item = next(item for item in each.inputs if item.key == limit.name)
    meaning = item.meaning if item.kind == PARAMETER else f"{item.meaning}, today"
    low, high = (value if np.isfinite(value) else None for value in (limit.low, limit.high))
    return BoxLimit(limit.name, meaning, item.unit, low, high)
