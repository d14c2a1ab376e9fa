"""A replication in sentences: the answer, how many figures agree, and the lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from outbid.report.replication.content import CostRow, EraRow, ReplicationContent
from outbid.report.replication.doubts import doubt
from outbid.words.numbers import counted, month_name, shorten, two_digits

# A change in probability smaller than this is called none.
SLIGHT = 0.003
_WIDTH, _LINES = 100, 14


def points(probability: float) -> str:
    """Write a difference of probabilities in percentage points ("18", "0.52")."""
    return two_digits(abs(probability) * 100)


def share(probability: float) -> str:
    """Write a probability as a percentage with one decimal ("36.8%")."""
    return f"{probability * 100:.1f}%"


def tally(content: ReplicationContent) -> tuple[int, int, int]:
    """Return how many published figures come out, how many don't, and how many are not judged."""
    marks = [cell.ok for cell in content.cells]
    return marks.count(True), marks.count(False), marks.count(None)


def verdict(content: ReplicationContent) -> str:
    """Return in one sentence how far the replication agrees."""
    good, bad, unjudged = tally(content)
    if content.simulated:
        told = f"This is no replication: of {good + bad} true figures, {good} lie inside our 95% intervals"
        return f"{told}; {unjudged} have no interval."
    if not bad:
        return f"All {counted(good, 'published figure')} that we have come out as published."
    told = f"{good} of {counted(good + bad, 'published figure')} come out as published"
    return (
        f"{told}; {bad} do not, and the tables say why." if explained(content) else f"{told}; {bad} do not."
    )


def explained(content: ReplicationContent) -> bool:
    """Say whether every figure that does not come out has a note that says why."""
    return all(cell.note for cell in content.cells if cell.ok is False)


def source_line(content: ReplicationContent) -> str:
    """Return one sentence on the data."""
    run = content.provenance
    acts = ", ".join(f"{player.name} attacked in {player.active_months}" for player in content.players)
    span = f"{month_name(run.first_month)} to {month_name(run.last_month)}"
    return f"{counted(run.n_months, 'month')}, {span} ({content.data}); {acts}."


def warning(content: ReplicationContent) -> str:
    """Return what must be said first: that the panel was simulated; empty for a real one."""
    if not content.simulated:
        return ""
    names = " and ".join(player.name for player in content.players)
    return (
        f"No data were given, so this ran on a panel {content.data}. Nothing below speaks of the real {names}; it "
        "shows that the method finds the numbers that were put in. Give the panel with --data DIR."
    )


def rival_of(content: ReplicationContent, player: str) -> str:
    """Return the other player's name."""
    return next(each.name for each in content.players if each.name != player)


def effect_of_rival(content: ReplicationContent, player: str) -> str:
    """Return a sentence on what the rival's presence does to a player's attacks, period by period."""
    rows = [row for row in content.eras if row.player == player]
    rival = rival_of(content, player)
    more, less = ([row for row in rows if sign * row.difference > SLIGHT] for sign in (1, -1))
    if not more and not less:
        return f"{rival}'s presence hardly changed how often {player} attacked."
    parts = []
    if more:
        parts.append(f"more often {_listed(more, first=True)}")
    if less:
        parts.append(f"less often {_listed(less, first=not more)}")
    where = "On this panel, with" if content.simulated else "With"
    return f"{where} {rival} as a rival, {player} attacked {', '.join(parts)}."


def _listed(rows: Sequence[EraRow], *, first: bool) -> str:
    told = [
        f"{row.words} (by {points(row.difference)}{' points' if first and i == 0 else ''})"
        for i, row in enumerate(rows)
    ]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def costs(content: ReplicationContent) -> str:
    """Return a sentence on what dearer attacks of either player do to everybody's."""
    rows = {row.row: row for row in content.costs}
    base = rows.get("baseline")
    if base is None:
        return ""
    told = []
    for player in content.players:
        row = rows.get(f"higher cost {player.name}")
        if row is not None:
            told.append(f"dearer attacks for {player.name} {_moves(content, base, row)}")
    sentence = "; ".join(told)
    return f"{sentence[:1].upper()}{sentence[1:]}." if told else ""


def _moves(content: ReplicationContent, base: CostRow, row: CostRow) -> str:
    changes = [
        (player.name, now - before)
        for player, now, before in zip(content.players, row.values, base.values, strict=False)
    ]
    signs = {change > 0 for _, change in changes}
    sizes = " and ".join(f"{name} by {points(change)}" for name, change in changes)
    if len(signs) == 1:
        return f"make both attack {'more' if signs == {True} else 'less'} ({sizes} points)"
    words = " and ".join(
        f"{name} attack {'more' if change > 0 else 'less'} (by {points(change)} points)"
        for name, change in changes
    )
    return f"make {words}"


def bottom(content: ReplicationContent) -> str:
    """Return the answer to the question in one sentence, at the estimates."""
    changes = [row.difference for row in content.eras]
    if not changes:
        return "The game was not solved, so there is no answer."
    if all(change > SLIGHT for change in changes):
        told = "yes: each attacked more because the other was there."
    elif all(change < -SLIGHT for change in changes):
        told = "no: each attacked less because the other was there."
    else:
        told = "they do, but unevenly and not always."
    return f"On a simulated panel, {told}" if content.simulated else f"At the published estimates, {told}"


def heading_tables(content: ReplicationContent) -> str:
    """Return the tables' heading as a sentence."""
    good, bad, _ = tally(content)
    if content.simulated:
        return f"{good} of {good + bad} true figures lie inside our intervals"
    return f"{good} of {good + bad} published figures come out as published"


def heading_curves(content: ReplicationContent) -> str:
    """Return the curves' heading: where each player attacks most."""
    told = []
    for curve in content.curves:
        peak = max(range(len(curve.together)), key=lambda i: curve.together[i])
        told.append(
            f"{curve.player} attacks most where {content.state_words[0]} is at {two_digits(content.grid[peak])}"
        )
    return ", ".join(told) if told else "When they attack"


def terminal(content: ReplicationContent) -> tuple[str, ...]:
    """Return the answer for a terminal: at most fourteen lines of at most 100 characters, the warning first."""
    lines: list[str] = []
    if content.simulated:
        lines += textwrap.wrap(f"SIMULATED PANEL, not the real one: {content.data}. Give --data DIR.", _WIDTH)
    lines.append(content.question)
    lines += textwrap.wrap(bottom(content), _WIDTH)
    for row in content.players:
        lines += textwrap.wrap(effect_of_rival(content, row.name), _WIDTH)
    lines += textwrap.wrap(doubt(content), _WIDTH)
    lines += textwrap.wrap(verdict(content), _WIDTH)
    lines.append(f"Log-likelihood {content.log_likelihood:.4f}.")
    return tuple([shorten(line, _WIDTH) for line in lines][:_LINES])
