"""What became of the sources' claims, in sentences: the heading, the verdicts, the claims told first."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from outbid.report.claims.content import VERDICTS, ClaimsContent, Trial
from outbid.report.claims.odds import standing
from outbid.report.claims.rows import (
    MARKS,
    SETTLED,
    judged,
    known,
    marked,
    only_figures,
    prior_sets,
    tests_of,
    verdict_of,
    weakest,
)
from outbid.report.content import ClaimRow
from outbid.report.play.rows import view
from outbid.words.numbers import capital, clean, counted, percent, shorten

_WIDTH = 100
_LINES = 10
MEANINGS: Mapping[str, str] = {
    "supported": "the data raised it from doubt to near certainty, and more likely than not it is large enough "
    "to matter",
    "contradicted": "the data leave next to no chance for an effect of that sign that would matter",
    "not identified": "the data move its chances too little, or leave too much doubt. This says nothing against "
    "it; it says that this case can't tell",
    "built in": "the model's form, or the prior, settles it before any data. This is no finding: it shows what "
    "was taken for granted",
}
OBSERVED: Mapping[str, str] = {
    "supported": "Observations that the published figures bear out",
    "contradicted": "Observations that the published figures speak against",
    "not identified": "Observations on which the published figures are unclear, or disagree",
}


@dataclass(frozen=True)
class Group:
    """The claims that came to one verdict on the data alone.

    `observed` are observations, held against published figures without the model, `modelled` all others;
    `meaning` says what the verdict means for those, and `of_observed` what for these.
    """

    verdict: str
    words: str
    modelled: tuple[str, ...]
    observed: tuple[str, ...]
    meaning: str
    of_observed: str

    @property
    def claims(self) -> tuple[str, ...]:
        """All claims of the group."""
        return (*self.modelled, *self.observed)


@dataclass(frozen=True)
class Central:
    """Claims told first: the question that tests them, and what came of it under each prior set."""

    claims: tuple[str, ...]
    question: str
    told: tuple[tuple[str, str], ...]


def heading(audit: ClaimsContent, claims: tuple[ClaimRow, ...]) -> str:
    """Return the heading over the claims: how many the data settle, how many not, how many are built in."""
    found = judged(audit)
    if not found:
        placed = [claim for claim in claims if not claim.homes]
        rest = f"{len(placed)} have no place in the model" if placed else "all have a place in the model"
        return f"The sources make {counted(len(claims), 'claim')}; {rest}, and none is tested yet"
    by_verdict = {group.verdict: group for group in groups(audit)}
    called = [by_verdict[each] for each in SETTLED if each in by_verdict]
    settled, plain = (
        sum(len(each) for each in part) for part in ([g.claims for g in called], [g.observed for g in called])
    )
    parts = [f"the data settle {settled or 'none'}{_of_them(plain, settled)}"]
    if "not identified" in by_verdict:
        parts.append(f"{len(by_verdict['not identified'].claims)} can't be told from this case")
    if "built in" in by_verdict:
        number = len(by_verdict["built in"].claims)
        parts.append(f"{number} {'is' if number == 1 else 'are'} built into the model")
    return f"Of {counted(len(found), 'claim')} that can be tested, {'; '.join(parts)}"


def _of_them(observed: int, total: int) -> str:
    """Return how many of the settled claims are plain observations, in which no model has a part."""
    if not observed:
        return ""
    words = "a plain observation" if observed == 1 else "plain observations"
    return f", {'all' if observed == total > 1 else observed} of them {words}"


def in_brief(audit: ClaimsContent) -> str:
    """Return one sentence on the claims for the first screen, or nothing without an audit."""
    parts = [f"{len(each.claims)} {each.verdict}{_note(each)}" for each in groups(audit)]
    number = counted(len(judged(audit)), "claim")
    return f"{number} tested: {', '.join(parts)}." if parts else ""


def _note(group: Group) -> str:
    if not group.observed or group.verdict not in SETTLED:
        return ""
    number = "all" if not group.modelled else str(len(group.observed))
    return f" ({number} {'observation' if number == '1' else 'observations'})"


def groups(audit: ClaimsContent) -> tuple[Group, ...]:
    """Return the claims by their verdict on the data alone; verdicts that no claim came to are left out."""
    out = []
    for verdict in VERDICTS:
        found = [each for each in judged(audit) if each.verdict == verdict]
        observed = tuple(each.id for each in found if only_figures(tests_of(audit, each)))
        modelled = tuple(each.id for each in found if each.id not in observed)
        if found:
            words = f"{MARKS[verdict]} {capital(verdict)}, {len(found)}"
            out.append(
                Group(
                    verdict,
                    words,
                    modelled,
                    observed,
                    MEANINGS[verdict],
                    OBSERVED.get(verdict, "Observations"),
                )
            )
    return tuple(out)


def further(audit: ClaimsContent) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return what else is to be said, as (claims, sentence): verdicts if the sources are right, series that disagree.

    What the claims told first already say is left out.
    """
    found = judged(audit)
    out: list[tuple[tuple[str, ...], str]] = []
    count = Counter(each.by_prior.get("sources") for each in found)
    parts = [f"{count[each]} {each}" for each in VERDICTS if count[each]]
    if parts:
        out.append(((), f"If the sources are right: {', '.join(parts)}."))
    for each in found:
        clash = disagreement(tests_of(audit, each))
        if clash and each.id not in audit.central:
            out.append(((each.id,), clash))
    return tuple(out)


def disagreement(tests: Iterable[tuple[Trial, ...]]) -> str:
    """Return that the series held against one observation disagree, and which says what; else nothing."""
    series = [trials[0] for trials in tests if trials[0].how == "record"]
    if not set(SETTLED) <= {trial.verdict for trial in series}:
        return ""
    said = [f"“{trial.question}” {_ANSWERS.get(trial.verdict, _OPEN)}." for trial in series]
    return f"{CLASH}. {' '.join(said)}"


CLASH = "The series disagree"
_OPEN = "Can't be told"
_ANSWERS = {"supported": "Yes", "contradicted": "No"}


def central(audit: ClaimsContent, claims: tuple[ClaimRow, ...]) -> tuple[Central, ...]:
    """Return the claims to be told of first, each with its question and what came of it in words.

    Claims that rest on the same test are told of together. A claim that several series bear upon has no single
    question, and is told in its own words.
    """
    stated = {claim.id: claim.statement for claim in claims}
    out: list[Central] = []
    for claim in audit.central:
        found = verdict_of(audit, claim)
        if found is None or found.verdict not in VERDICTS:
            continue
        seen = [(prior, weakest(audit, found, prior)) for prior in prior_sets(found.by_prior)]
        question = next((trial.question for _, trial in seen if trial), "")
        tests = tests_of(audit, found)
        clash = disagreement(tests)
        told = [
            (capital(view(prior)), standing(trial, found.by_prior[prior])) for prior, trial in seen if trial
        ]
        if told and only_figures(tests):
            verdict = marked(found.by_prior[seen[0][0]])
            told = [("The figures", f"{verdict}. {clash}" if clash else told[0][1])]
            question = stated.get(claim, question) if len(tests) > 1 else question
        same = next((each for each in out if (each.question, each.told) == (question, tuple(told))), None)
        if same:
            out[out.index(same)] = replace(same, claims=(*same.claims, claim))
        elif told:
            out.append(Central((claim,), question, tuple(told)))
    return tuple(out)


def lines(audit: ClaimsContent, claims: tuple[ClaimRow, ...]) -> tuple[str, ...]:
    """Return the answer for a terminal: at most ten lines, then the claims by verdict.

    No line is longer than 100 characters; a group of many claims runs over several.
    """
    first = textwrap.wrap(clean(heading(audit, claims)) + ".", _WIDTH)[:2]
    told = central(audit, claims)
    roomy = len(first) + 2 * len(told) <= _LINES
    for each in told:
        first += _lines(audit, each, roomy)
    out = [line[: len(line) - len(line.lstrip())] + shorten(line, _WIDTH - 2) for line in first[:_LINES]]
    for group in groups(audit):
        text = f"{group.words}{_note(group)}: {', '.join(clean(each) for each in group.claims)}"
        out += textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    return tuple(out)


def _lines(audit: ClaimsContent, told: Central, roomy: bool) -> list[str]:
    """Return a claim's question, verdict and probabilities, on two lines or, the question cut, on one."""
    found = verdict_of(audit, told.claims[0])
    if found is None or found.verdict is None:
        return []
    trial, other = (weakest(audit, found, prior) for prior in ("neutral", "sources"))
    after, before = (known(trial.probability), known(trial.prior_probability)) if trial else (None, None)
    sure = known(other.probability) if other else None
    numbers = [percent(after)] if after is not None else []
    numbers += [f"was {percent(before)}"] if before is not None else []
    numbers += [f"if sources right {percent(sure)}"] if sure is not None else []
    if only_figures(tests_of(audit, found)):
        numbers = [CLASH.lower()] if disagreement(tests_of(audit, found)) else numbers[:1]
    ids = ", ".join(told.claims)
    tail = marked(found.verdict) + (f": {', '.join(numbers)}" if numbers else "")
    if roomy:
        return [f"{ids} {told.question}", f"  {tail}"]
    return [f"{ids} {shorten(told.question, max(_WIDTH - len(tail) - len(ids) - 2, 20))} {tail}"]
