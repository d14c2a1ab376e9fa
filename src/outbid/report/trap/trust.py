"""What the trap map rests on, and what to be careful about."""

from __future__ import annotations

import math

from outbid.report.trap.content import ANSWERED, FIXED, TrapContent
from outbid.report.trap.terms import joined


def how_sure(content: TrapContent) -> tuple[str, ...]:
    """Return what the map rests on, and what to be careful about."""
    layers = {layer.behaviour: layer for layer in content.layers}
    fixed = layers[FIXED]
    along = (
        f" With the offer go {joined(list(content.along), 'and')}; today's may differ."
        if content.along
        else ""
    )
    said = [
        f"Every cell is {fixed.draws} draws of what is known, the same in all cells and under both courses; a chance near "
        f"one half may be off by {wander(fixed.draws)} points.{along}",
        "Upwards only the split between the two groups is changed; their number together and all else stay as today. In "
        "the months that follow, the split moves as the model says.",
    ]
    if ANSWERED in layers:
        said.append(
            f"Where the other side answers, a cell is {layers[ANSWERED].draws} draws (off by "
            f"{wander(layers[ANSWERED].draws)} points near one half). It plays what serves it best "
            "against a soft incumbent where that opens up, against a hard "
            "one where it doesn't; the incumbent's course itself is the same as beside it."
        )
    if content.choices:
        draws = content.choices[0].draws
        said.append(
            f"What would be chosen without being told is {draws} draws to an offer (off by {wander(draws)} points)."
        )
    return tuple(said)


def wander(draws: int) -> int:
    """Return the half-width of a 90% interval around one half, in points, for so many draws."""
    return round(100 * 1.645 * 0.5 / math.sqrt(draws))
