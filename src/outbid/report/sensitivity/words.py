"""What matters most, and when something holds, in sentences: the heading, the lead, the terminal's lines."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from outbid.report.content import PRIORS
from outbid.report.sensitivity.boxes import brief_box
from outbid.report.sensitivity.content import (
    FREE,
    SensitivityContent,
    SensitivityPanel,
    SensitivityRow,
)
from outbid.words.numbers import (
    clean,
    counted,
    interval,
    percent,
    plain_name,
    shorten,
    two_digits,
    unit_of,
)

VERSIONS: Mapping[str, str] = {
    "neutral": "the data alone",
    "sources": "if the sources are right",
    FREE: "before any data, free of the priors",
}
_SHORT = {"neutral": "data alone", "sources": "if sources right"}
# inputs that are shown for an outcome
SHOWN = 10
# shares that differ by more than this differ enough to say so
_APART = 0.1
_WIDTH, _LINES = 100, 10

EXPLAINED = (
    "An unknown's share alone is how much of the outcome's variance would go, on average, if only it were known. "
    "Its share in all counts also what it does together with others: how much would stay if everything but it were "
    "known. Where the second is much larger, the unknown matters through others.",
    "Both take each unknown by itself, as if the others said nothing about it (Sobol's indices; Saltelli's design). "
    "The data tie unknowns together, so a third share is given: alone, on the draws as they are. Where it differs, "
    "the ties matter, and the third is the one to trust.",
)


def versions(content: SensitivityContent) -> tuple[str, ...]:
    """Return the versions of the shares that there are, the data alone first."""
    found = {panel.version for panel in content.panels}
    return tuple(name for name in VERSIONS if name in found)


def priors(content: SensitivityContent) -> tuple[str, ...]:
    """Return the prior sets under which questions were asked, the data alone first."""
    found = {each.prior for each in content.discoveries}
    return tuple(name for name in PRIORS if name in found)


def find_panel(content: SensitivityContent, ident: str, version: str) -> SensitivityPanel | None:
    """Return one outcome's panel, or None if there is none."""
    return next((each for each in content.panels if (each.id, each.version) == (ident, version)), None)


def panel_ids(content: SensitivityContent) -> tuple[str, ...]:
    """Return the outcomes that are explained, in the study's order."""
    return tuple(dict.fromkeys(panel.id for panel in content.panels))


def meaning_of(content: SensitivityContent, key: str) -> str:
    """Return what an input means, in words that can stand in quotes."""
    for item in content.inputs:
        if item.key == key:
            return item.meaning.rstrip(".") + (", today" if key.endswith(" today") else "")
    return plain_name(key)


def heading(content: SensitivityContent) -> str:
    """Return the heading: when moderation pays (the study's first question), or what matters most."""
    for prior in priors(content):
        first = next(each for each in content.discoveries if each.prior == prior)
        where = {"neutral": "On the data alone", "sources": "If the sources are right"}[prior]
        if first.box is None:
            return f"{where}, no few unknowns decide when {first.answer}"
        number = counted(len(first.box.limits), "unknown")
        tell = "tells" if len(first.box.limits) == 1 else "tell"
        return (
            f"{where}, {number} {tell} most of when {first.answer}: in {percent(first.box.density)} of draws "
            f"on the right side of {'it' if len(first.box.limits) == 1 else 'them'}, "
            f"in {percent(first.box.elsewhere)} elsewhere"
        )
    for version in versions(content):
        panel = next(each for each in content.panels if each.version == version)
        return f"What matters most for “{panel.label}”: “{meaning_of(content, panel.rows[0].input)}”"
    return "What matters most"


def importance(row: SensitivityRow) -> float:
    """Return an input's share in all, or its share alone on the draws as they are, where that is larger."""
    return max(row.total, row.drawn or 0.0)


def panel_sentence(content: SensitivityContent, panel: SensitivityPanel) -> str:
    """Return which unknown matters most for an outcome, with its shares."""
    if not panel.rows or importance(panel.rows[0]) <= 0:
        return f"{panel.label}: nothing to explain, all runs agree."
    # on the draws as they are where that can be told, since it leaves nothing aside
    known = [row for row in panel.rows if row.drawn is not None]
    best = max(known, key=lambda row: row.drawn or 0.0) if known else panel.rows[0]
    if known and (best.drawn or 0.0) >= _APART:
        share = f"{percent(best.drawn or 0.0)} of the spread alone, on the draws as they are"
        return f"{panel.label}: most of all “{meaning_of(content, best.input)}”, {share}{_through(content, panel, best)}."
    if known:
        return (
            f"{panel.label}: no single unknown explains a tenth of the spread on the draws as they are; taken by "
            f"themselves, most of all “{meaning_of(content, panel.rows[0].input)}”."
        )
    share = f"{percent(max(best.first, 0.0))} alone, {percent(min(best.total, 1.0))} in all"
    return f"{panel.label}: most of all “{meaning_of(content, best.input)}”, {share}."


def _through(content: SensitivityContent, panel: SensitivityPanel, best: SensitivityRow) -> str:
    """Return a clause on the unknown that matters most through others, if one does."""

    def excess(row: SensitivityRow) -> float:
        return row.total - max(row.first, row.drawn or 0.0)

    most = max((row for row in panel.rows if row is not best), key=excess, default=None)
    if most is None or excess(most) < max(_APART, most.total_half):
        return ""
    return f"; only with others, “{meaning_of(content, most.input)}” ({percent(min(most.total, 1.0))} in all)"


def ties(content: SensitivityContent) -> str:
    """Return whether it matters that the design takes every unknown by itself."""
    apart = []
    for ident in panel_ids(content):
        panel = find_panel(content, ident, "neutral") or find_panel(content, ident, "sources")
        if panel is None:
            continue
        known = [row for row in panel.rows if row.drawn is not None]
        worst = max(known, key=lambda row: abs((row.drawn or 0.0) - row.first), default=None)
        if worst is not None and abs((worst.drawn or 0.0) - worst.first) > max(_APART, worst.first_half):
            apart.append(
                f"“{panel.label}” (“{meaning_of(content, worst.input)}”: {percent(max(worst.first, 0.0))} alone by "
                f"itself, {percent(max(worst.drawn or 0.0, 0.0))} on the draws as they are)"
            )
    if not apart:
        return "Setting the ties between unknowns aside changes no share alone by more than its error."
    return f"Setting the ties between unknowns aside matters for {'; '.join(apart)}."


def spread_words(panel: SensitivityPanel) -> str:
    """Return how far an outcome spreads over the design, and on the draws as they are."""
    factor, unit = unit_of(panel.unit, difference=panel.difference)

    def span(low: float, high: float) -> str:
        return interval(low * factor, high * factor, difference=panel.difference)

    words = f"{span(panel.q05, panel.q95)} {unit}".strip()
    if panel.drawn_q05 is None or panel.drawn_q95 is None:
        return f"90% of runs: {words}"
    return f"90% of runs: {words}; of the draws as they are: {span(panel.drawn_q05, panel.drawn_q95)}"


def share_words(share: float, half: float) -> str:
    """Return a share with its 90% interval ("51% ± 11")."""
    return f"{100 * max(share, 0.0):.0f}% ± {max(100 * half, 1):.0f}"


def lines(content: SensitivityContent) -> tuple[str, ...]:
    """Return the terminal's answer: at most ten lines."""
    if not (content.panels or content.discoveries):
        return ()
    out = textwrap.wrap(clean(f"{heading(content)}."), _WIDTH)[:2]
    asked = {
        prior: [each for each in content.discoveries if each.prior == prior] for prior in priors(content)
    }
    for k, (prior, found) in enumerate(asked.items()):
        # the first prior set's questions, then the first question of the other
        out += [f"{_SHORT[prior]}: {brief_box(each)}" for each in (found if k == 0 else found[:1])]
    version = next(iter(versions(content)), "")
    for ident in panel_ids(content):
        panel = find_panel(content, ident, version)
        if panel is not None:
            best = ", ".join(_brief_row(row) for row in panel.rows[:3])
            out.append(f"{panel.label}: {best}")
    return tuple(shorten(line, _WIDTH) for line in out[:_LINES])


def _brief_row(row: SensitivityRow) -> str:
    return f"{plain_name(row.input)} {percent(min(importance(row), 1.0))}"


def correlation_words(content: SensitivityContent, row: SensitivityRow) -> str:
    """Return what an input hangs together with most, with the rank correlation."""
    if row.tied is None or abs(row.tied) < 0.2:
        return "nothing much"
    return f"{plain_name(row.tied_to)} ({two_digits(row.tied)})"
