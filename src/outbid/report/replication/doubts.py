"""How far a replication's answer may be leaned on: intervals, other maxima, the state inferred anew."""

from __future__ import annotations

from collections.abc import Sequence

from outbid.report.replication.content import EstimateRow, MaximumRow, ReplicationContent
from outbid.words.numbers import counted, two_digits

# A maximum higher by more than this is another one.
HIGHER = 0.01


def doubts(content: ReplicationContent) -> tuple[str, ...]:
    """Return what stands against leaning on the answer, one clause each; empty if nothing does."""
    found = []
    changes = [row for row in content.eras if row.low is not None and row.high is not None]
    loose = [row for row in changes if row.low <= 0 <= row.high]  # type: ignore[operator]
    if loose:
        number = "all" if len(loose) == len(changes) else f"{len(loose)} of"
        milder = _by_published_errors(content)
        found.append(f"{number} {counted(len(changes), 'change')} have 95% intervals that hold zero{milder}")
    if content.search is not None:
        best = content.search.maxima[0]
        if best.log_likelihood > content.log_likelihood + HIGHER:
            gap = best.log_likelihood - content.log_likelihood
            turned = _turned(content, best)
            tail = f", where {turned} would rather have the other popular" if turned else ""
            found.append(f"another maximum of the likelihood lies {two_digits(gap)} higher{tail}")
    turns = sign_turns(content)
    if turns is not None and turns[0]:
        found.append(
            f"with the state inferred anew from the polls, {turns[0]} of these {turns[1]} changes turn their sign"
        )
    return tuple(found)


def _by_published_errors(content: ReplicationContent) -> str:
    """Return how many changes' intervals hold zero by the published form of the errors, as a clause."""
    pairs = [
        (row.low_published, row.high_published)
        for row in content.eras
        if row.low_published is not None and row.high_published is not None
    ]
    if not pairs:
        return ""
    number = sum(low <= 0 <= high for low, high in pairs)
    missing = "which leave out how play moves with the state equation"
    return f" ({number} of {len(pairs)} by errors in the published form, {missing})"


def doubt(content: ReplicationContent) -> str:
    """Return the doubts as one sentence, empty if there are none."""
    found = doubts(content)
    return f"But the data don't settle it: {'; '.join(found)}." if found else ""


def _turned(content: ReplicationContent, best: MaximumRow) -> str:
    """Return the players whose worth of the state has the other sign at another maximum."""
    pairs = zip(content.players, content.estimates, best.estimates, strict=False)
    names = [player.name for player, row, value in pairs if row.estimate * value < 0]
    return "each" if len(names) == len(content.players) else " and ".join(names)


def sign_turns(content: ReplicationContent) -> tuple[int, int] | None:
    """Return how many of the rival's effects turn their sign with the state inferred anew, and of how many."""
    if content.refit is None:
        return None
    rows = [row for row in content.refit.rows if row.group.endswith("(Table 4)")]
    pairs = [
        (row.stored, row.refitted) for row in rows if row.stored is not None and row.refitted is not None
    ]
    return (sum(one * other < 0 for one, other in pairs), len(pairs)) if pairs else None


def other_maxima(content: ReplicationContent) -> str:
    """Return in words what the other maxima mean; empty where the estimates are the highest."""
    search = content.search
    if search is None or search.maxima[0].log_likelihood <= content.log_likelihood + HIGHER:
        return ""
    best = search.maxima[0]
    turned = _turned(content, best)
    meaning = (
        f" There {turned} would rather have the other popular, against the theory: a reason to prefer the published "
        "maximum, but one that does not come from these data."
        if turned
        else ""
    )
    return (
        f"The estimates are those of the article, found uphill of its start, at {content.log_likelihood:.2f}. "
        f"The highest maximum found lies at {best.log_likelihood:.2f}.{meaning}"
    ).replace("-", "−")


def weak(estimates: Sequence[EstimateRow]) -> str:
    """Return a sentence on the estimates whose interval holds zero."""
    loose = [row.meaning for row in estimates if row.low <= 0 <= row.high]
    if not loose:
        return "All payoffs differ from zero at the 95% level."
    return f"Not told apart from zero at the 95% level: {', '.join(loose)}."


def heading_sure(content: ReplicationContent) -> str:
    """Return the heading on the search and the robustness."""
    if content.search is None:
        return "How sure is this?"
    number, starts = len(content.search.maxima), counted(content.search.starts, "start")
    if content.search.maxima[0].log_likelihood > content.log_likelihood + HIGHER:
        return f"The estimates are not the highest maximum that {starts} found"
    told = "one maximum" if number == 1 else f"{number} different maxima"
    return f"{starts} led to {told} of the likelihood, none higher than the estimates"
