"""The tables of the trap map that a run leaves beside its report, as CSV text by file name."""

from __future__ import annotations

from outbid.report.csv_text import csv_text
from outbid.report.trap.content import TrapContent


def files(content: TrapContent) -> dict[str, str]:
    """Return each table's CSV text by its name below `tables/`; none where a study has no trap map."""
    if not content.layers:
        return {}
    cells = [
        (layer.prior, layer.gain, layer.behaviour, layer.draws, layer.offers[j], share, *numbers)
        for layer in content.layers
        for i, share in enumerate(layer.shares)
        for j, numbers in enumerate(
            zip(layer.probability[i], layer.median[i], layer.q05[i], layer.q95[i], strict=True)
        )
    ]
    lines = [
        (
            *(layer.prior, layer.gain, layer.behaviour),
            *(piece.offer, piece.share, piece.to_offer, piece.to_share),
        )
        for layer in content.layers
        for piece in layer.even
    ]
    today = [(t.prior, t.axis, t.median, t.q05, t.q25, t.q75, t.q95) for t in content.today]
    now = [(n.prior, n.gain, n.probability, n.prior_probability, n.median, n.q05, n.q95) for n in content.now]
    made = {
        "trap_map.csv": csv_text(
            (
                *("prior", "gain", "behaviour", "draws", "offer", "share"),
                *("probability_gain", "median", "q05", "q95"),
            ),
            cells,
        ),
        "trap_even_line.csv": csv_text(
            ("prior", "gain", "behaviour", "offer", "share", "to_offer", "to_share"), lines
        ),
        "trap_today.csv": csv_text(("prior", "axis", "median", "q05", "q25", "q75", "q95"), today),
        "trap_now.csv": csv_text(
            ("prior", "gain", "probability_gain", "probability_before_data", "median", "q05", "q95"), now
        ),
    }
    if content.choices:
        made["trap_choice.csv"] = csv_text(
            ("prior", "player", "lever", "offer", "median", "q05", "q95", "today", "probability_below_today"),
            [
                (c.prior, c.player, c.lever, c.offer, c.median, c.q05, c.q95, c.today, c.softer)
                for c in content.choices
            ],
        )
    return made
