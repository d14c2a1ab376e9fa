"""What the report says of where moderation is a trap, in plain form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from outbid.ask.trap.result import Trap, TrapMap, chance_of_gain
from outbid.ask.trap.settings import Gain
from outbid.brief.numbers import floats
from outbid.report.trap.content import (
    ANSWERED,
    BEFORE,
    FIXED,
    UNANSWERED,
    TrapChoice,
    TrapContent,
    TrapGain,
    TrapLayer,
    TrapNow,
    TrapPiece,
    TrapToday,
)
from outbid.study import Study

Floats = NDArray[np.float64]
SHARES = (0.5, 0.05, 0.25, 0.75, 0.95)


def trapped(study: Study, results: Mapping[str, Trap]) -> TrapContent:
    """Return everything about the trap map; empty where a study has none."""
    if not results:
        return TrapContent()
    settings = next(iter(results.values())).settings
    outcomes = {each.name: each for each in study.model.outcomes}
    resting = settings.answering.soft.resting if settings.answering else {}
    actors = [each.name for each in study.model.actors]
    answers = any(each.answered is not None for each in results.values())
    return TrapContent(
        settings.moderating.label,
        settings.staying.label,
        settings.trap,
        settings.offer.label,
        settings.split.label,
        study.settings.horizon_months,
        tuple(_going_along(name, *ends) for name, ends in settings.offer.along.items()),
        tuple(name for name in actors if answers and name not in resting),
        tuple(
            TrapGain(
                *(gain.id, gain.outcome, gain.label, gain.gains, gain.loses),
                outcomes[gain.outcome].unit,
                outcomes[gain.outcome].better,
            )
            for gain in settings.gains
        ),
        tuple(layer for prior, each in results.items() for layer in _layers(study, prior, each)),
        tuple(
            TrapToday(prior, axis, *floats(np.quantile(values, SHARES)))
            for prior, each in results.items()
            for axis, values in (("offer", each.offer), ("share", each.share))
        ),
        tuple(row for prior, each in results.items() for row in _now(study, prior, each)),
        tuple(row for prior, each in results.items() for row in _choices(prior, each)),
    )


def _going_along(lever: str, low: float, high: float) -> str:
    name = lever.replace("_", " ")
    return f"{name} {low:g} throughout" if low == high else f"{name} from {low:g} to {high:g}"


def _sign(study: Study, gain: Gain) -> float:
    better = next(each.better for each in study.model.outcomes if each.name == gain.outcome)
    return 1.0 if better == "higher" else -1.0


def _layers(study: Study, prior: str, result: Trap) -> list[TrapLayer]:
    maps: list[tuple[str, TrapMap | None]] = [
        (FIXED, result.fixed),
        (ANSWERED, result.answered),
        (UNANSWERED, result.unanswered),
        (BEFORE, result.before),
    ]
    layers = []
    for behaviour, each in maps:
        if each is None:
            continue
        probability = each.probability()
        for i, gain in enumerate(result.settings.gains):
            own = _sign(study, gain) * each.effects[i]
            middle, low, high = np.nanquantile(own, (0.5, 0.05, 0.95), axis=-1)
            layers.append(
                TrapLayer(
                    *(prior, gain.id, behaviour, own.shape[-1]),
                    *(floats(each.offers), floats(each.shares)),
                    *(_table(probability[i]), _table(middle), _table(low), _table(high)),
                    tuple(TrapPiece(*floats(np.array([*one, *two]))) for one, two in each.even(i)),
                )
            )
    return layers


def _table(values: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(floats(row) for row in values)


def _now(study: Study, prior: str, result: Trap) -> list[TrapNow]:
    after, before = chance_of_gain(result.now), chance_of_gain(result.now_before)
    return [
        TrapNow(
            *(prior, gain.id, float(after[i]), float(before[i])),
            *floats(np.quantile(_sign(study, gain) * result.now[i], (0.5, 0.05, 0.95))),
        )
        for i, gain in enumerate(result.settings.gains)
    ]


def _choices(prior: str, result: Trap) -> list[TrapChoice]:
    choice = result.choice
    if choice is None:
        return []
    rows = []
    for offer, expected in zip(choice.offers, choice.expected, strict=True):
        median, low, high = floats(np.nanquantile(expected, (0.5, 0.05, 0.95)))
        # a draw without an equilibrium says nothing of it
        softer = (expected < choice.today)[np.isfinite(expected)]
        head = (prior, choice.player, choice.lever, float(offer))
        today = float(np.median(choice.today))
        rows.append(TrapChoice(*head, median, low, high, today, float(np.mean(softer)), len(softer)))
    return rows
