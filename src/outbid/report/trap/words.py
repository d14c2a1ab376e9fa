"""Where moderation is a trap, in sentences: the heading, the paragraphs under it, the terminal's lines."""

from __future__ import annotations

import textwrap

from outbid.report.trap.answer_words import answered, chosen
from outbid.report.trap.content import TrapContent, TrapGain, TrapLayer
from outbid.report.trap.rows import (
    LIKELY,
    UNLIKELY,
    MapReading,
    assumed,
    cells,
    crossing,
    extremes,
    find_gain,
    find_layer,
    find_now,
    find_today,
    place,
    prior_sets,
    reading,
)
from outbid.report.trap.terms import at_least, capital, drawn, joined, small, view
from outbid.words.numbers import (
    clean,
    interval,
    more_or_less,
    percent,
    plain_name,
    signed,
    two_digits,
    unit_of,
)

_TRAPPED: dict[MapReading, str] = {
    "loss": "moderation is a trap everywhere on the map",
    "gain": "moderation is no trap anywhere on the map",
    "depends": "moderation is a trap on part of the map only",
    "unknown": "it can't be told whether moderation is a trap",
}
_WIDTH, _LINES = 100, 10


def heading(content: TrapContent) -> str:
    """Return the heading over the map: whether moderation is a trap, and where."""
    found = [
        (prior, _trapped(content, layer))
        for prior in reversed(prior_sets(content))
        if (layer := find_layer(content, prior, content.trap)) is not None
    ]
    if not found:
        return "Where moderation is a trap"
    if len({told for _, told in found}) == 1:
        told = found[0][1]
        if len(found) == 1:
            return capital(f"{view(found[0][0])}, {told}")
        return capital(
            f"{told}, {'even if' if told == _TRAPPED['unknown'] else 'on the data alone and if'} the sources are right"
        )
    first, second = found
    if second[1] == _TRAPPED["unknown"]:
        return capital(f"{view(first[0])}, {first[1]}; the data alone don't tell")
    return capital(f"{view(first[0])}, {first[1]}; {view(second[0])}, {second[1]}")


def _trapped(content: TrapContent, layer: TrapLayer) -> str:
    """Return whether moderation is a trap, as a clause."""
    found = {each for row in cells(content, layer) for each in row}
    if found == {"loss", "unknown"}:
        return "moderation is a trap on part of the map and it can't be told on the rest"
    if found == {"gain", "unknown"}:
        return "moderation is no trap on part of the map and it can't be told on the rest"
    return _TRAPPED[reading(content, layer)]


def how_to_read(content: TrapContent) -> str:
    """Return what the map is."""
    trap = find_gain(content, content.trap)
    return (
        f"Each picture is a map. To the right: {small(content.offer_label)}. Upwards: {small(content.share_label)}. "
        f"In every cell “{content.moderating}” is held against “{content.staying}” over {content.months} months, with "
        f"the same offer on the table in both. A trap is where it {trap.loses}."
    )


def lead(content: TrapContent) -> tuple[str, ...]:
    """Return the paragraphs under the heading, the answer first."""
    sets = prior_sets(content)
    paragraphs = [_found(content, prior) for prior in reversed(sets)]
    paragraphs += [here(content), _offered(content), answered(content), chosen(content)]
    return tuple(each for each in paragraphs if each)


def _found(content: TrapContent, prior: str) -> str:
    """Return what one prior set's maps say of every gain."""
    layers = [(gain, find_layer(content, prior, gain.id)) for gain in content.gains]
    told = [(gain, layer, reading(content, layer)) for gain, layer in layers if layer is not None]
    if told and all(each == "unknown" for _, _, each in told):
        low, high = min(extremes(e)[0] for _, e, _ in told), max(extremes(e)[1] for _, e, _ in told)
        names = [gain.label.lower() for gain, _, _ in told]
        return (
            f"{capital(view(prior))} no part of the map tells a gain from a loss, be it of "
            f"{joined(names, 'or')}: all chances lie between "
            f"{percent(low)} and {percent(high)}, where nothing should be read into them."
        )
    clauses = [_clause(content, prior, gain, layer, each) for gain, layer, each in told]
    sentence = f"{capital(view(prior))}, opening up {joined(clauses, 'and')}."
    given = [
        gain.label.lower()
        for gain, _, each in told
        if each != "unknown" and assumed(find_now(content, prior, gain.id))
    ]
    if given:
        sentence += f" For {joined(given, 'and')} this was so before any data: it is assumed, not learnt."
    return sentence


def _clause(content: TrapContent, prior: str, gain: TrapGain, layer: TrapLayer, told: MapReading) -> str:
    low, high = extremes(layer)
    if told == "loss":
        return f"{gain.loses} wherever one stands on the map ({at_least(1 - high)})"
    if told == "gain":
        return f"{gain.gains} wherever one stands on the map ({at_least(low)})"
    span = f"{percent(low)} to {percent(high)}"
    if told == "unknown":
        return f"either {gain.gains} or {gain.loses}, which can't be told (chances of {span})"
    found = [each for row in cells(content, layer) for each in row]
    turning = f"chances of {span}{_turning(content, prior, layer)}"
    for other, words in (("loss", gain.gains), ("gain", gain.loses)):
        if other not in found:
            part = f"{sum(each != 'unknown' for each in found)} of {len(found)} cells"
            return f"{words} in {part} and can't be told from a {other} in the others ({turning})"
    return f"{gain.gains} in some places and {gain.loses} in others ({turning})"


def _turning(content: TrapContent, prior: str, layer: TrapLayer) -> str:
    """Return where, with today's ranks, a gain is as likely as not, if an offer makes that difference."""
    found = crossing(layer, find_today(content, prior, "share").median)
    if found is None:
        return ""
    return f"; with today's ranks as likely as not at an offer of about {two_digits(found)}"


def here(content: TrapContent) -> str:
    """Return where today lies on the map."""
    prior = prior_sets(content)[0]
    offer, share = (find_today(content, prior, axis) for axis in ("offer", "share"))
    gain = find_gain(content, content.trap)
    chances = [
        f"{percent(drawn(find_now(content, each, gain.id).probability))} {view(each)}"
        for each in prior_sets(content)
    ]
    return (
        f"Today lies at {two_digits(offer.median)} to the right and at {percent(share.median)} upwards (90% interval "
        f"{percent(share.q05)} to {percent(share.q95)}). As things stand, with no new offer, the chance that opening up "
        f"{gain.gains} is {joined(chances, 'and')}."
    )


def _offered(content: TrapContent) -> str:
    """Return whether an offer leads out of the trap."""
    gain, parts = find_gain(content, content.trap), []
    for prior in reversed(prior_sets(content)):
        layer = find_layer(content, prior, gain.id)
        if layer is None:
            continue
        share = find_today(content, prior, "share").median
        ends = layer.offers[0], layer.offers[-1]
        low, high = (place(layer, layer.probability, end, share) for end in ends)
        least, most = (more_or_less(place(layer, layer.median, end, share), gain.unit) for end in ends)
        outcome = plain_name(gain.outcome)
        if reading(content, layer) == "unknown":
            parts.append(f"{capital(view(prior))} an offer makes no difference that could be told.")
        elif (low < 0.5) == (high < 0.5):
            stays = (
                "no offer on the map leads out of it" if low < 0.5 else "no offer on the map leads into it"
            )
            parts.append(
                f"{capital(view(prior))} {stays}: from the smallest to the largest, the median difference in {outcome} "
                f"goes from {least} to {most}."
            )
        else:
            way, turn = "out of it" if high >= 0.5 else "into it", crossing(layer, share)
            where = f", at about {two_digits(turn)}" if turn is not None else ""
            parts.append(
                f"{capital(view(prior))} a larger offer leads {way}{where}: the chance that opening up {gain.gains} goes "
                f"from {percent(drawn(low))} to {percent(drawn(high))}."
            )
    return " ".join(parts)


def lines(content: TrapContent) -> tuple[str, ...]:
    """Return the terminal's answer, at most ten lines; empty where a study has no trap map."""
    if not content.layers:
        return ()
    said = [f"{heading(content)}.", here(content), _offered(content), answered(content)]
    wrapped = [line for each in said if each for line in textwrap.wrap(clean(each), _WIDTH)]
    return tuple(wrapped[:_LINES])


def in_brief(layer: TrapLayer, gain: TrapGain, offer: float, share: float) -> tuple[str, str]:
    """Return a place on a map as the chance of a gain, and the difference with its 90% interval, without its unit."""
    factor, _ = unit_of(gain.unit, difference=True)
    middle, low, high = (
        place(layer, table, offer, share) * factor for table in (layer.median, layer.q05, layer.q95)
    )
    chance = place(layer, layer.probability, offer, share)
    said = percent(drawn(chance)) + (", can't be told" if UNLIKELY <= chance <= LIKELY else "")
    # as little as an end of the interval that would be written as none
    least = max(abs(low), abs(high)) / 200
    shown = signed(middle if abs(middle) >= least else 0.0)
    return said, f"{shown} ({interval(low, high, difference=True)})"
