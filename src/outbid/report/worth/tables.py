"""What to collect next, as plain text ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.plots.base import Figure
from outbid.report.figures import worth as picture
from outbid.report.play.rows import view
from outbid.report.worth import words
from outbid.report.worth.content import WorthContent, WorthMeasure, WorthTarget
from outbid.words.numbers import capital, percent, two_digits, unit_of


@dataclass(frozen=True)
class WorthLine:
    """A series with what it would tell: `cells` has one text for each column after the second."""

    label: str
    when: str
    action: str
    effort: str
    condition: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class WorthBlock:
    """A claim or a decision, where it stands, and the series that would tell about it, the best first."""

    id: str
    claim: bool
    label: str
    verdict: str
    today: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    lines: tuple[WorthLine, ...]
    together: str
    silent: str


@dataclass(frozen=True)
class WorthView:
    """All that the page shows."""

    heading: str
    lead: tuple[str, ...]
    figure: Figure | None
    blocks: tuple[WorthBlock, ...]


def section(content: WorthContent) -> WorthView | None:
    """Return all that the page shows of what to collect next, or None where a study doesn't ask."""
    if not content.rows:
        return None
    return WorthView(
        words.heading(content),
        words.explained(content),
        picture.figure(content),
        tuple(_block(content, target) for target in content.targets),
    )


def _block(content: WorthContent, target: WorthTarget) -> WorthBlock:
    claim = target.kind == "claim"
    resolves = "Would resolve" if claim else "Would bring"
    columns = tuple(f"{resolves}, {view(prior)}" for prior in words.priors(content))
    if claim and words.priors(content):
        first = view(words.priors(content)[0])
        columns += (f"Doubt that it would remove, {first}", f"Chance of a 95% sure answer, {first}")
    lines = tuple(_line(content, target, measure) for measure in words.ranked(content, target))
    return WorthBlock(
        target.id,
        claim,
        target.label,
        words.verdict(content, target),
        words.today_words(content, target),
        columns,
        lines,
        words.together(content, target),
        words.silent(content, target),
    )


def _line(content: WorthContent, target: WorthTarget, measure: WorthMeasure) -> WorthLine:
    cells = []
    for prior in words.priors(content):
        share = words.shares(content, measure.id, target, prior)
        row = words.find_row(content, measure.id, target.id, prior)
        cell = words.told(share)
        if target.kind == "decision" and row is not None and row.value is not None and words.tells(share):
            _, unit = unit_of(target.unit, difference=True)
            cell = f"{two_digits(row.value)} {unit}, {cell} of what could be known"
        cells.append(cell)
    if target.kind == "claim":
        row = words.find_row(content, measure.id, target.id, words.priors(content)[0])
        if row is None or row.doubt is None or row.clear is None:
            cells += ["settled already", "settled already"]
        else:
            doubt = (row.doubt, row.doubt_low or 0.0, row.doubt_high or 0.0)
            cells += [words.told(doubt), percent(row.clear)]
    return WorthLine(
        capital(measure.label),
        words.when(measure),
        measure.action,
        measure.effort,
        words.condition(measure),
        tuple(cells),
    )
