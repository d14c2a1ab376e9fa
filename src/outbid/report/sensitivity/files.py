"""The tables on what matters most, and when something holds, as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from outbid.report.csv_text import csv_text
from outbid.report.sensitivity.content import SensitivityContent

_SHARES = (
    *("outcome", "label", "scale", "version", "input", "kind", "meaning", "first_order", "first_order_low"),
    *("first_order_high", "total", "total_low", "total_high", "first_order_on_draws", "tied_to"),
    *("rank_correlation", "base_samples", "runs"),
)
_BOXES = (
    *("question", "prior", "scenario", "against", "conditions", "share", "density", "elsewhere", "coverage"),
    *(
        "share_in_box",
        "checked_density",
        "checked_elsewhere",
        "input",
        "meaning",
        "unit",
        "low",
        "high",
        "draws",
    ),
)


def files(content: SensitivityContent) -> dict[str, str]:
    """Return the tables by file name: shares of every input, and the boxes with a row for each limit."""
    made = {}
    if content.panels:
        made["sensitivity.csv"] = csv_text(_SHARES, _shares(content))
    if content.discoveries:
        made["boxes.csv"] = csv_text(_BOXES, _boxes(content))
    return made


def _shares(content: SensitivityContent) -> Iterable[Sequence[object]]:
    inputs = {item.key: item for item in content.inputs}
    for panel in content.panels:
        for row in panel.rows:
            item = inputs[row.input]
            yield (
                *(panel.id, panel.label, panel.scale, panel.version, row.input, item.kind, item.meaning),
                *(row.first, row.first - row.first_half, row.first + row.first_half),
                *(row.total, row.total - row.total_half, row.total + row.total_half),
                *(row.drawn, row.tied_to, row.tied, panel.base_samples, panel.runs),
            )


def _boxes(content: SensitivityContent) -> Iterable[Sequence[object]]:
    for each in content.discoveries:
        about = (each.id, each.prior, each.scenario, each.against, "; ".join(each.conditions), each.share)
        if each.box is None:
            yield (*about, *[""] * 11, each.draws)
            continue
        box = each.box
        numbers = (
            box.density,
            box.elsewhere,
            box.coverage,
            box.share,
            box.checked_density,
            box.checked_elsewhere,
        )
        for limit in box.limits:
            yield (*about, *numbers, limit.name, limit.meaning, limit.unit, limit.low, limit.high, each.draws)
