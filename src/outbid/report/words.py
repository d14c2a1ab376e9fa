"""The answer in two or three sentences, the line on trust, and the ten lines for a terminal.

Every sentence follows from the numbers, and keeps "if the sources are right" apart from "what the data
alone say". The words for single probabilities and effects are in `chances`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from outbid.report.chances import (
    DONT_TELL,
    Reading,
    effect_in_brief,
    effect_in_words,
    find_effect,
    identified,
    read_effect,
)
from outbid.report.claims.words import in_brief
from outbid.report.content import Effect, Outcome, ReportContent
from outbid.words.numbers import clean, counted, month_name, shorten, unit_of

_TERMINAL_WIDTH = 100
_TERMINAL_LINES = 10


@dataclass(frozen=True)
class Sentence:
    """One sentence of the answer, with its evidence under either prior set.

    `about` says what the evidence is about where that is not the sentence's own subject.
    """

    plain: str
    sources: str
    data: str
    about: str = ""


@dataclass(frozen=True)
class Trust:
    """How far the numbers may be relied upon.

    `coarse` is empty unless the run was a quick one, `claims` unless the sources' claims were tested.
    """

    passed: bool
    verdict: str
    data: str
    unknown: str
    coarse: str
    claims: str = ""


_PHRASES: Mapping[str, Mapping[Reading, str]] = {
    "members_lost": {
        "more": "moderating sends more members to the rival",
        "less": "moderating keeps members from the rival",
        "unknown": "whether moderating sends members to the rival",
    },
    "resources": {
        "more": "moderating brings in resources",
        "less": "moderating costs resources",
        "unknown": "whether moderating brings in resources",
    },
}
_BOTTOM: Mapping[tuple[Reading, Reading], str] = {
    ("more", "more"): "moderation buys resources and pays for them in members",
    ("less", "more"): "moderation pays twice, in members kept and in resources",
    ("unknown", "more"): "moderation brings resources at a price in members that can't be told",
    ("more", "less"): "moderation costs both members and resources",
    ("less", "less"): "moderation keeps members and costs resources",
    ("unknown", "less"): "moderation costs resources, and its effect on members can't be told",
    ("more", "unknown"): "moderation costs members, and its effect on resources can't be told",
    ("less", "unknown"): "moderation keeps members, and its effect on resources can't be told",
    ("unknown", "unknown"): "neither the price nor the gain of moderation can be told",
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def contrast(phrases: Mapping[Reading, str], sources: Reading, data: Reading) -> str:
    """Return one sentence that keeps the sources' reading apart from what the data alone say.

    Parameters
    ----------
    phrases
        A clause for each reading; "unknown" holds an indirect question ("whether ...").
    sources, data
        The reading under the sources' priors and under the neutral ones.
    """
    if sources == data == "unknown":
        return f"{_capital(phrases['unknown'])} can't be told, even if the sources are right."
    if sources == data:
        return f"{_capital(phrases[data])}: the data alone say so, and so do the sources."
    if sources == "unknown":
        return f"{_capital(phrases[data])}, say the data alone; the sources' own view leaves it open."
    tail = (
        f"{DONT_TELL.replace('the data', 'the data alone')}"
        if data == "unknown"
        else "the data point the other way"
    )
    return f"If the sources are right, {phrases[sources]}; {tail}."


def _outcome(content: ReportContent, role: str) -> Outcome | None:
    wanted = content.roles.get(role)
    return next((outcome for outcome in content.outcomes if outcome.id == wanted), None)


def _pair(
    content: ReportContent, scenario: str | None, outcome: Outcome | None
) -> tuple[Effect, Effect] | None:
    """Return the effects under the sources' and the neutral priors, or None unless both are there."""
    if scenario is None or outcome is None:
        return None
    sources = find_effect(content, scenario, outcome.id, "sources")
    neutral = find_effect(content, scenario, outcome.id, "neutral")
    return (sources, neutral) if sources and neutral else None


def answer(content: ReportContent) -> tuple[Sentence, ...]:
    """Return the answer: members lost, resources gained, bottom line; shorter where results are missing."""
    moderation = content.roles.get("moderation")
    sentences: list[Sentence] = []
    readings: dict[str, tuple[Reading, Reading]] = {}
    for role in ("members_lost", "resources"):
        outcome = _outcome(content, role)
        pair = _pair(content, moderation, outcome)
        if outcome is None or pair is None:
            continue
        read = (read_effect(pair[0], outcome), read_effect(pair[1], outcome))
        readings[role] = read
        plain = contrast(_PHRASES[role], *read)
        sentences.append(Sentence(plain, *(effect_in_words(effect, outcome) for effect in pair)))
    if len(readings) < 2:
        return tuple(sentences)
    sources, data = (_BOTTOM[(readings["members_lost"][i], readings["resources"][i])] for i in (0, 1))
    if sources == data:
        plain = f"{_capital(data)}, on the data alone and if the sources are right."
    else:
        plain = (
            f"If the sources are right, {sources}; on the data alone, {data.replace('moderation', 'it', 1)}."
        )
    with_aid = _with_aid(content)
    return (
        *sentences,
        Sentence(plain, *with_aid, "with aid in return") if with_aid else Sentence(plain, "", ""),
    )


def _with_aid(content: ReportContent) -> tuple[str, str] | None:
    """Return what aid in return for moderation changes, under either prior set."""
    scenario = content.roles.get("moderation_with_aid")
    texts: list[list[str]] = [[], []]
    for role, noun in (("members_lost", "members lost"), ("resources", "resources")):
        outcome = _outcome(content, role)
        pair = _pair(content, scenario, outcome)
        if outcome is None or pair is None:
            return None
        for text, effect in zip(texts, pair, strict=True):
            text.append(f"{noun} {effect_in_brief(effect, outcome)}")
    return "; ".join(texts[0]), "; ".join(texts[1])


def trust(content: ReportContent) -> Trust:
    """Return the line on trust: the verdict on the fit, the extent of the data, what is not identified."""
    run = content.provenance
    problems = [f"{problem} ({fit.prior} priors)" for fit in content.fits for problem in fit.problems]
    passed = bool(content.fits) and not problems
    if passed:
        verdict = "The fit passed its checks."
    elif content.fits:
        verdict = f"The fit failed its checks, so don't rely on the numbers below: {'; '.join(problems)}."
    else:
        verdict = "No check of the fit was recorded, so don't rely on the numbers below."
    used = sum(record.used for series in content.series for record in series.records)
    data = (
        f"{counted(run.n_months, 'month')} of data, {month_name(run.first_month)} to "
        f"{month_name(run.last_month)}, {counted(used, 'figure')} used."
    )
    coarse = (
        "This was a quick run: few draws, coarse numbers. Use it to look around, not to brief."
        if run.quick
        else ""
    )
    claims = in_brief(content.claims_audit)
    return Trust(passed, verdict, data, unidentified(content, 1 if claims else 2), coarse, claims)


def unidentified(content: ReportContent, examples: int = 2) -> str:
    """Return a sentence on the arrows whose sign the data don't settle, with the largest as examples."""
    if not content.edges:
        return ""
    loose = sorted((e for e in content.edges if not identified(e)), key=lambda e: -abs(e.effect))
    if not loose:
        return f"The data settle the sign of all {counted(len(content.edges), 'link')}."
    labels = {node.id: node.label for node in content.nodes}
    named = ", ".join(
        f"{labels.get(e.source, e.source)} → {labels.get(e.target, e.target)}" for e in loose[:examples]
    )
    share = f"{len(loose)} of {counted(len(content.edges), 'link')}"
    return f"Not identified: the sign of {share}, among them {named}."


def terminal_answer(content: ReportContent) -> tuple[str, ...]:
    """Return the answer for a terminal: at most ten lines of at most 100 characters.

    A failed fit or a quick run is said first; where room is short, the last lines go.
    """
    told = trust(content)
    lines = [] if told.passed else [told.verdict]
    lines += [told.coarse] if told.coarse else []
    lines += [content.question]
    for role, noun in (("members_lost", "Members lost"), ("resources", "Resources")):
        outcome = _outcome(content, role)
        pair = _pair(content, content.roles.get("moderation"), outcome)
        if outcome is not None and pair is not None:
            unit = unit_of(outcome.unit, difference=True)[1]
            lines += [
                f"{noun} ({unit}), {view}: {effect_in_brief(effect, outcome)}".replace(" ()", "")
                for view, effect in zip(("if sources right", "data alone"), pair, strict=True)
            ]
    sentences = answer(content)
    if len(sentences) == 3:
        wrapped = textwrap.wrap(f"Bottom line: {clean(sentences[2].plain)}", _TERMINAL_WIDTH)
        lines += wrapped[:2]
    if told.passed:
        lines.append(f"{told.verdict} {told.data}")
    lines += [told.claims, told.unknown]
    kept = [shorten(line, _TERMINAL_WIDTH) for line in lines]
    return tuple([line for line in kept if line][:_TERMINAL_LINES])
