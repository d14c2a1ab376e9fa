"""What the section on the claims shows, as plain text ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.plots.base import Figure
from outbid.report.chances import chance
from outbid.report.claims import words as claims_words
from outbid.report.claims.content import VERDICTS, ClaimsContent, ClaimVerdict, Trial
from outbid.report.claims.rows import (
    NOT_TESTED,
    judged,
    known,
    marked,
    only_figures,
    prior_sets,
    tests_of,
    tone,
    verdict_of,
    weakest,
)
from outbid.report.claims.tests import TestBlock, block
from outbid.report.claims.words import Central, Group
from outbid.report.content import ReportContent
from outbid.report.evidence_tables import ClaimLine, claims, filters
from outbid.report.figures import claims as figure_of_claims
from outbid.report.play.rows import view
from outbid.words.numbers import percent, plain_name


@dataclass(frozen=True)
class Mechanism:
    """A mechanism that a claim lives in; `links` are the diagram's arrows as (row of its table, words)."""

    name: str
    sentence: str
    formulas: tuple[str, ...]
    links: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a claim under one prior set, in words."""

    view: str
    verdict: str
    tone: str
    chances: str


@dataclass(frozen=True)
class Entry:
    """A claim in the table, and what it opens to. `key` is its verdict as the filter knows it."""

    line: ClaimLine
    key: str
    outcomes: tuple[Outcome, ...]
    untested: str
    summary: str
    mechanisms: tuple[Mechanism, ...]
    clash: str
    tests: tuple[TestBlock, ...]


@dataclass(frozen=True)
class Section:
    """Everything that the section "What do the sources claim?" shows; `audited` where any claim has a test."""

    heading: str
    audited: bool
    groups: tuple[Group, ...]
    further: tuple[tuple[tuple[str, ...], str], ...]
    central: tuple[Central, ...]
    picture: Figure | None
    filters: dict[str, tuple[tuple[str, str], ...]]
    entries: tuple[Entry, ...]


def section(content: ReportContent) -> Section | None:
    """Return the section's content, or None where a study has no claims."""
    audit = content.claims_audit
    found = claims(content)
    if not found:
        return None
    audited = bool(judged(audit))
    choices = filters(found)
    if audited:
        keys = [each for each in VERDICTS if any(line.verdict == each for line in found)]
        keys += [NOT_TESTED] if any(line.verdict == NOT_TESTED for line in found) else []
        choices = {"verdict": tuple((each, marked(each)) for each in keys), **choices}
    return Section(
        claims_words.heading(audit, content.claims),
        audited,
        claims_words.groups(audit),
        claims_words.further(audit),
        claims_words.central(audit, content.claims),
        figure_of_claims.figure(content),
        choices,
        tuple(_entry(content, line) for line in found),
    )


def _entry(content: ReportContent, line: ClaimLine) -> Entry:
    audit = content.claims_audit
    found = verdict_of(audit, line.id)
    tests = tests_of(audit, found) if found else ()
    mechanisms, clash = _mechanisms(content, line), claims_words.disagreement(tests)
    parts = ["the test and its numbers"] if tests else []
    parts += ["why it has no test"] if found and not tests and found.untested else []
    parts += [f"the mechanism{'s' if len(mechanisms) > 1 else ''} it lives in"] if mechanisms else []
    return Entry(
        line,
        line.verdict,
        _outcomes(audit, found, tests, clash) if found and line.tested else (),
        found.untested if found and not tests else "",
        f"{line.id}: {', '.join(parts)}" if parts else "",
        mechanisms,
        clash,
        tuple(block(trials) for trials in tests),
    )


def _outcomes(
    audit: ClaimsContent, found: ClaimVerdict, tests: tuple[tuple[Trial, ...], ...], clash: str
) -> tuple[Outcome, ...]:
    """Return what became of a claim by prior set; published figures say the same under all, so once."""
    figures = only_figures(tests)
    out = []
    for prior in prior_sets(found.by_prior)[: 1 if figures else None]:
        verdict, trial = found.by_prior[prior], weakest(audit, found, prior)
        after = known(trial.probability) if trial else None
        before = known(trial.prior_probability) if trial else None
        told = "" if after is None else chance(after)
        if clash:
            told = claims_words.CLASH.lower()
        elif after is not None and before is not None:
            told = f"{percent(before)} → {told}"
        name = "the figures" if figures else view(prior)
        out.append(Outcome(name, marked(verdict), tone(verdict), told))
    return tuple(out)


def _mechanisms(content: ReportContent, line: ClaimLine) -> tuple[Mechanism, ...]:
    labels = {node.id: node.label for node in content.nodes}
    names = [name for kind, _, name in (home.partition(":") for home in line.homes) if kind == "mechanism"]
    out = []
    for name in dict.fromkeys(names):
        arrows = [(i, edge) for i, edge in enumerate(content.edges) if edge.mechanism == name]
        if arrows:
            links = tuple(
                (i, f"{labels.get(edge.source, edge.source)} → {labels.get(edge.target, edge.target)}")
                for i, edge in arrows
            )
            formulas = tuple(dict.fromkeys(edge.formula for _, edge in arrows))
            out.append(Mechanism(plain_name(name), arrows[0][1].sentence, formulas, links))
    return tuple(out)
