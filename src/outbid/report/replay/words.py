"""History with other levers, in sentences: the heading, the terminal's lines, and what the data can't tell of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from outbid.report.chances import Reading, by_assumption, chance, chance_word, probability_more, read_effect
from outbid.report.replay.content import ReplayContent, ReplayCourse, ReplayOutcome, ReplaySetting
from outbid.report.replay.rows import (
    VIEWS,
    as_effect,
    as_outcome,
    assumed,
    find,
    main_outcomes,
    ordered_outcomes,
    prior_sets,
    reading,
)
from outbid.report.result_tables import summary_in_words
from outbid.words.numbers import (
    clean,
    counted,
    month_name,
    percent,
    plain_name,
    shorten,
    signed,
    two_digits,
    unit_of,
)

_SHORT = {"neutral": "data", "sources": "sources"}
_WIDTH, _LINES = 100, 10
_CLAUSES: Mapping[str, Mapping[Reading, str]] = {
    "members_lost": {
        "more": "more members would have gone over to the rival",
        "less": "fewer members would have gone over to the rival",
        "unknown": "whether more or fewer members would have gone over to the rival",
    },
    "resources": {
        "more": "the incumbent would have had more to live on",
        "less": "the incumbent would have had less to live on",
        "unknown": "whether the incumbent would have had more or less to live on",
    },
}

_BRIEFLY: Mapping[str, tuple[str, str]] = {
    "members_lost": ("more members lost to the rival", "fewer members lost to the rival"),
    "resources": ("more to live on", "less to live on"),
    "challengers": ("a larger challenger", "a smaller challenger"),
    "attacks": ("more attacks at home", "fewer attacks at home"),
    "cohesion": ("more cohesion", "less cohesion"),
}


def opening(course: ReplayCourse) -> str:
    """Return the words that open a sentence on a replay."""
    return course.had or f"With “{course.label}”"


def heading(content: ReplayContent) -> str:
    """Return the heading: what would have become of members had the first replay been true."""
    return _verdict(content, content.replays[0]) if content.replays else "No other history was replayed"


def _verdict(content: ReplayContent, course: ReplayCourse) -> str:
    """Return in one sentence what a replay would have done to members lost, or to the first outcome with a part."""
    outcome = ordered_outcomes(content)[0]
    clauses = _CLAUSES.get(outcome.role) or {
        "more": f"there would have been more of this: {outcome.label.lower()}",
        "less": f"there would have been less of this: {outcome.label.lower()}",
        "unknown": f"whether there would have been more or less of this: {outcome.label.lower()}",
    }
    start = opening(course)
    found = {prior: reading(content, course.id, outcome, prior) for prior in prior_sets(content)}
    data, sources = found.get("neutral"), found.get("sources")
    if data is None or sources is None:
        only, view = (data, "on the data alone") if data else (sources, "if the sources are right")
        if only is None or only == "unknown":
            return f"{start}: {clauses['unknown']} can't be told, {view}"
        return f"{start}, {clauses[only]}, {view}"
    if data == sources:
        if data == "unknown":
            return f"{start}: {clauses['unknown']} can't be told, even if the sources are right"
        return f"{start}, {clauses[data]}: the data alone say so, and so do the sources"
    if data == "unknown":
        return f"{start}, {clauses[sources]}, if the sources are right; the data alone don't tell"
    if sources == "unknown":
        return f"{start}, {clauses[data]}, say the data alone; the sources' own view leaves it open"
    return f"{start}, {clauses[sources]}, if the sources are right; the data point the other way"


def findings(content: ReplayContent, course: ReplayCourse) -> tuple[tuple[str, str], ...]:
    """Return under each view what would have been more or less, and that of the rest nothing can be told."""
    told = []
    for prior in prior_sets(content):
        phrases, asked = [], 0
        for outcome in main_outcomes(content):
            each = find(content, course.id, outcome.id, prior)
            if each is None or outcome.role not in _BRIEFLY:
                continue
            asked += 1
            effect = as_effect(each)
            read = read_effect(effect, as_outcome(outcome))
            if read == "unknown":
                continue
            p = probability_more(effect, as_outcome(outcome))
            more, less = _BRIEFLY[outcome.role]
            phrases.append(
                f"{more if read == 'more' else less} ({chance_word(max(p, 1 - p))}{assumed(effect)})"
            )
        if not phrases:
            told.append((VIEWS[prior], "which way anything would have gone can't be told."))
            continue
        rest = "" if len(phrases) == asked else "; of the rest nothing can be told"
        told.append((VIEWS[prior], f"{', '.join(phrases)}{rest}."))
    return tuple(told)


def span_in_words(content: ReplayContent) -> str:
    """Return the window in words ("September 2021 to July 2026")."""
    return f"{month_name(content.months[0])} to {month_name(content.months[-1])}" if content.months else ""


def lead(content: ReplayContent) -> tuple[str, ...]:
    """Return the paragraphs under the heading: what a replay is, and how many differences the data tell."""
    first = (
        f"Each replay lives through {span_in_words(content)} once more, draw by draw: with the same parameters and "
        "the same chances that the figures tell of, and with other levers from a given month on. So what differs "
        "from what happened is due to the levers alone."
    )
    effects = [
        (as_effect(each), as_outcome(outcome))
        for course in content.replays
        for outcome in main_outcomes(content)
        if (each := find(content, course.id, outcome.id, "neutral")) is not None
    ]
    if not effects:
        return (first,)
    told = [effect for effect, outcome in effects if read_effect(effect, outcome) != "unknown"]
    given = sum(by_assumption(effect) for effect in told)
    known = f"of {len(told)}" if told else "of none"
    rest = f", {'all' if given == len(told) else given} of them by assumption" if given else ""
    return (
        first,
        f"That makes {counted(len(effects), 'difference')} in what the answer speaks of. On the data alone, the sign "
        f"{known} can be told{rest}.",
    )


def settings_in_words(content: ReplayContent, replay: str) -> str:
    """Return what a replay does to its levers ("Hardness 0.64 instead of 0.74 on average, from March 2022 on.")."""
    sets = prior_sets(content)
    rows = [each for each in content.settings if each.replay == replay and each.prior == sets[0]]
    text = "; ".join(_setting(content, row) for row in rows)
    return f"{text[:1].upper()}{text[1:]}."


def _setting(content: ReplayContent, row: ReplaySetting) -> str:
    unit = f" ({row.unit})" if row.unit not in ("share", "") else ""
    until = "on" if row.last_month == content.months[-1] else f"to {month_name(row.last_month)}"
    span = f"from {month_name(row.first_month)} {until}"
    sizes = f"{two_digits(row.would_be)} instead of {two_digits(row.was)}{unit}"
    stopped = (
        f"; it stops at the edge of its range in {percent(row.stopped)} of draws" if row.stopped > 0 else ""
    )
    return f"{plain_name(row.lever)} {sizes} on average, {span}{stopped}"


def cannot_tell(content: ReplayContent) -> tuple[str, ...]:
    """Return what these replays leave open, in sentences."""
    given = [
        f"{course.label}: {outcome.label.lower()}"
        for course in content.replays
        for outcome in main_outcomes(content)
        if (each := find(content, course.id, outcome.id, "neutral")) and by_assumption(as_effect(each))
    ]
    parts = [
        "A replay can't be checked: the other history left no figures. It is as right as the model is, and where "
        "the data leave an effect open, the two views differ by what was assumed.",
        "Everybody else does what they did. That the rival, the outside and the people would have answered to a "
        "change shows only where the model has an arrow for it; what they would "
        "have chosen instead is a question to their game, not to this replay.",
        "Levers are indices of how much, not lists of measures. A step is as large as the study declares it, and "
        "another size would make another difference.",
    ]
    if given:
        few = "; ".join(given[:4]) + ("; and others" if len(given) > 4 else "")
        parts.append(
            f"Some signs were as sure before the data as after them: they are what the model assumes ({few})."
        )
    stops = [row for row in content.settings if row.stopped > 0]
    if stops:
        most = max(stops, key=lambda row: row.stopped)
        parts.append(
            f"An inferred lever stops at the edge of its range: {plain_name(most.lever)} does in "
            f"{percent(most.stopped)} of draws, where the step is smaller than declared."
        )
    return tuple(parts)


def shortly(content: ReplayContent, course: ReplayCourse, outcome: ReplayOutcome, prior: str) -> str:
    """Return an effect for the narrowest place: median and chance ("+130, likely, 63%")."""
    each = find(content, course.id, outcome.id, prior)
    if each is None:
        return "not computed"
    effect, factor = as_effect(each), unit_of(outcome.unit, difference=True)[0]
    p = probability_more(effect, as_outcome(outcome))
    towards = p if each.median >= 0 else 1 - p
    if prior == "neutral" and read_effect(effect, as_outcome(outcome)) == "unknown":
        return f"{signed(effect.median * factor)}, can't tell ({percent(towards)})"
    return f"{signed(effect.median * factor)}, {chance(towards)}"


def lines(content: ReplayContent) -> tuple[str, ...]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters."""
    if not content.replays:
        return ("The study declares no replays.",)
    outcome = ordered_outcomes(content)[0]
    unit = unit_of(outcome.unit, difference=True)[1]
    about = ", ".join(part for part in (unit, summary_in_words(outcome.summary, len(content.months))) if part)
    out = textwrap.wrap(clean(f"{heading(content)}."), _WIDTH)[:3]
    out.append(f"{outcome.label} ({about}) against what happened, by prior set:")
    for course in content.replays:
        told = "; ".join(
            f"{_SHORT[prior]} {shortly(content, course, outcome, prior)}" for prior in prior_sets(content)
        )
        out.append(f"{course.label}: {told}")
    return tuple(shorten(line, _WIDTH) for line in out[:_LINES])
