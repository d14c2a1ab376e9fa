"""What changes on the trap map where the other side answers, and what the incumbent would choose itself, in sentences."""

from __future__ import annotations

from outbid.report.trap.content import ANSWERED, UNANSWERED, TrapContent
from outbid.report.trap.rows import LIKELY, UNLIKELY, choices, find_layer, prior_sets
from outbid.report.trap.terms import capital, drawn, joined, view
from outbid.words.numbers import percent, plain_name, two_digits

# a chance on so few draws wanders by this much for no reason
_NOTHING = 0.05


def shift(content: TrapContent, prior: str) -> tuple[float, str] | None:
    """Return the largest change of a chance by the answer, over all cells, and the gain's label; None without."""
    found: list[tuple[float, str]] = []
    for gain in content.gains:
        one, two = (find_layer(content, prior, gain.id, each) for each in (ANSWERED, UNANSWERED))
        if one is None or two is None:
            continue
        pairs = zip(one.probability, two.probability, strict=True)
        found += [(a - b, gain.label) for row, other in pairs for a, b in zip(row, other, strict=True)]
    return max(found, key=lambda each: abs(each[0]), default=None)


def answered(content: TrapContent) -> str:
    """Return whether it makes a difference that the other players answer."""
    shifts = [(prior, each) for prior in prior_sets(content) if (each := shift(content, prior)) is not None]
    if not shifts:
        return ""
    who = joined([f"the {name}" for name in content.answering], "and")
    most = max(abs(change) for _, (change, _) in shifts)
    if most <= _NOTHING:
        size = (
            f"no chance on the map moves by more than {max(1, round(100 * most))} points"
            if most > 0
            else "no chance on the map moves"
        )
        return (
            f"It changes little if {who} answers by its equilibrium instead of keeping to its habits: {size}, on "
            f"the same draws."
        )
    parts = [
        f"{view(prior)} by up to {abs(change) * 100:.0f} points ({label.lower()}, {'up' if change > 0 else 'down'})"
        for prior, (change, label) in shifts
    ]
    return (
        f"If {who} answers by its equilibrium instead of keeping to its habits, chances move {joined(parts, 'and')}, "
        f"on the same draws."
    )


def chosen(content: TrapContent) -> str:
    """Return whether an offer makes the player open up of its own accord."""
    sets = [prior for prior in reversed(prior_sets(content)) if choices(content, prior)]
    if not sets:
        return ""
    player, parts = choices(content, sets[0])[0].player, []
    for prior in sets:
        rows = choices(content, prior)
        first, last = rows[0], rows[-1]
        if all(UNLIKELY <= each.softer <= LIKELY for each in rows):
            parts.append(f"{capital(view(prior))} that can't be told under any offer.")
            continue
        parts.append(
            f"{capital(view(prior))}, the chance that it rules more softly than today is {percent(drawn(first.softer))} "
            f"under the smallest offer and {percent(drawn(last.softer))} under the largest (its "
            f"{plain_name(first.lever)} {two_digits(first.median)} and {two_digits(last.median)}; today "
            f"{two_digits(first.today)})."
        )
    question = f"Would the {player} open up of its own accord, if all sides played their equilibrium?"
    return " ".join([question, *parts])
