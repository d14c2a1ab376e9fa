"""When something holds, in sentences: a box with what it holds and what is elsewhere."""

from __future__ import annotations

from outbid.report.claims.content import BoxLimit
from outbid.report.sensitivity.content import Discovery, DiscoveryBox
from outbid.words.numbers import SHARES, capital, interval, percent, plain_name, quantity, two_digits

BOXES_EXPLAINED = (
    "A box is a few limits that hold together, found by peeling away draws without a yes. Its density is the share "
    "of its draws with a yes; its coverage, the share of all draws with a yes that it holds. A good box has much of "
    "both. To check it, the search is done on one half of the draws and counted on the other."
)


def limit_words(limit: BoxLimit) -> str:
    """Return a limit as a clause ("“how far means hold members” is above 0.031")."""
    name = f"“{limit.meaning.rstrip('.') or plain_name(limit.name)}”"
    low, high, unit = limit.low, limit.high, limit.unit
    if low is not None and high is not None:
        factor = 100.0 if unit in SHARES else 1.0
        span = interval(low * factor, high * factor, "%" if factor != 1.0 else unit)
        return f"{name} is between {span.replace(' to ', ' and ', 1)}"
    if low is not None:
        return f"{name} is above {quantity(low, unit)}"
    return f"{name} is below {quantity(high, unit)}" if high is not None else f"{name} has any value"


def box_sentence(found: Discovery) -> str:
    """Return where the answer is yes, in a sentence with density and the share elsewhere."""
    if found.box is None:
        return no_box(found)
    where = " and ".join(limit_words(limit) for limit in found.box.limits)
    return (
        f"{capital(found.answer)} in {percent(found.box.density)} of draws in which {where}; "
        f"in {percent(found.box.elsewhere)} elsewhere."
    )


def no_box(found: Discovery) -> str:
    """Return in a sentence why there is no box."""
    if found.share in (0.0, 1.0):
        which = "no draw" if found.share == 0.0 else "every draw"
        return f"{capital(found.answer)} in {which}, so there is nothing to tell apart."
    return (
        f"{capital(found.answer)} in {percent(found.share)} of draws, and no few unknowns tell which: "
        "every limit could be luck."
    )


def box_numbers(box: DiscoveryBox) -> str:
    """Return a box's coverage and share, and how it did on draws that the search hadn't seen."""
    words = f"Coverage {percent(box.coverage)}, with {percent(box.share)} of all draws."
    if box.checked_density is None or box.checked_elsewhere is None:
        return f"{words} In halves of the draws the search did not find such a box twice: take it as a hint."
    return (
        f"{words} On draws that the search had not seen: {percent(box.checked_density)} inside, "
        f"{percent(box.checked_elsewhere)} elsewhere."
    )


def brief_box(found: Discovery) -> str:
    """Return where the answer is yes, in few words."""
    if found.box is None:
        return f"{found.answer} in {percent(found.share)} of draws, no box"
    sides = [
        f"{plain_name(limit.name)} {sign} {two_digits(end)}"
        for limit in found.box.limits
        for sign, end in ((">", limit.low), ("<", limit.high))
        if end is not None
    ]
    inside, outside = percent(found.box.density), percent(found.box.elsewhere)
    return f"{found.answer} in {inside}, elsewhere {outside}: {', '.join(sides)}"
