"""The trap map as plain text and pictures ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.plots.base import Figure
from outbid.report.figures import trap as picture
from outbid.report.trap import words
from outbid.report.trap.content import TrapContent, TrapGain
from outbid.report.trap.rows import find_layer, find_today, prior_sets
from outbid.report.trap.terms import capital, view
from outbid.report.trap.trust import how_sure
from outbid.words.numbers import plain_name, two_digits, unit_of


@dataclass(frozen=True)
class TrapCell:
    """A gain under an offer, with today's ranks: its chance, and the difference with its 90% interval."""

    chance: str
    difference: str


@dataclass(frozen=True)
class TrapLine:
    """An offer with a cell for every gain, under one prior set; None where there is no map."""

    offer: str
    cells: tuple[TrapCell | None, ...]


@dataclass(frozen=True)
class TrapView:
    """All that the page shows of the trap map.

    `columns` are each gain's label and what its difference is in; `blocks` are a prior set in words with a line
    for every offer.
    """

    heading: str
    lead: tuple[str, ...]
    reading: str
    map: Figure | None
    columns: tuple[tuple[str, str], ...]
    blocks: tuple[tuple[str, tuple[TrapLine, ...]], ...]
    sure: tuple[str, ...]


def section(content: TrapContent) -> TrapView | None:
    """Return all that the page shows of the trap map, or None where a study has none."""
    if not content.layers:
        return None
    return TrapView(
        words.heading(content),
        words.lead(content),
        words.how_to_read(content),
        picture.figure(content),
        tuple((gain.label, _in_what(gain)) for gain in content.gains),
        tuple((capital(view(prior)), _lines(content, prior)) for prior in prior_sets(content)),
        how_sure(content),
    )


def _in_what(gain: TrapGain) -> str:
    name, unit = plain_name(gain.outcome), unit_of(gain.unit, difference=True)[1]
    return f"{name[:1].upper()}{name[1:]}, {unit}" if unit else name


def _lines(content: TrapContent, prior: str) -> tuple[TrapLine, ...]:
    """Return offers from the smallest to the largest, at today's share."""
    share = find_today(content, prior, "share").median
    layers = [(gain, find_layer(content, prior, gain.id)) for gain in content.gains]
    offers = next(layer.offers for _, layer in layers if layer is not None)
    shown = [offers[round(i * (len(offers) - 1) / 3)] for i in range(4)]
    return tuple(
        TrapLine(
            two_digits(offer),
            tuple(
                TrapCell(*words.in_brief(layer, gain, offer, share)) if layer is not None else None
                for gain, layer in layers
            ),
        )
        for offer in dict.fromkeys(shown)
    )
