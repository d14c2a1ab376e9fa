"""The section on what matters most, and when something holds, as plain text ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.plots.base import Figure
from outbid.report.figures import sensitivity as picture
from outbid.report.sensitivity import boxes, words
from outbid.report.sensitivity.content import Discovery, SensitivityContent, SensitivityPanel
from outbid.words.numbers import capital, counted, percent, plain_name


@dataclass(frozen=True)
class Answer:
    """The answer to a question under one prior set: the sentence, its numbers, and what each condition does alone."""

    view: str
    sentence: str
    numbers: str
    conditions: str


@dataclass(frozen=True)
class Question:
    """A question "when ...?" with an answer for each prior set; `yes` says what counts as one."""

    id: str
    question: str
    yes: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class ShareRow:
    """An unknown with its cells, one for each column of the table."""

    name: str
    meaning: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class ShareBlock:
    """An outcome with the unknowns that matter most for it."""

    label: str
    spread: tuple[str, ...]
    rows: tuple[ShareRow, ...]


@dataclass(frozen=True)
class SensitivityView:
    """All that the page shows; `versions` are (id, words, columns) of the shares."""

    heading: str
    questions: tuple[Question, ...]
    boxes_explained: str
    matters: tuple[str, ...]
    explained: tuple[str, ...]
    ties: str
    figure: Figure | None
    signal: str
    versions: tuple[tuple[str, str, int], ...]
    blocks: tuple[ShareBlock, ...]


def section(content: SensitivityContent) -> SensitivityView | None:
    """Return all that the page shows of what matters most, or None where a study asks nothing of it."""
    if not (content.panels or content.discoveries):
        return None
    versions = words.versions(content)
    first = versions[0] if versions else ""
    return SensitivityView(
        words.heading(content),
        _questions(content),
        boxes.BOXES_EXPLAINED,
        tuple(words.panel_sentence(content, panel) for panel in content.panels if panel.version == first),
        words.EXPLAINED if versions else (),
        words.ties(content) if versions else "",
        picture.figure(content),
        picture.SIGNAL,
        tuple((name, words.VERSIONS[name], len(_columns(name))) for name in versions),
        tuple(_block(content, ident) for ident in words.panel_ids(content)),
    )


def _questions(content: SensitivityContent) -> tuple[Question, ...]:
    asked = []
    for ident in dict.fromkeys(each.id for each in content.discoveries):
        found = [each for each in content.discoveries if each.id == ident]
        ordered = sorted(found, key=lambda each: each.prior != "neutral")
        first = ordered[0]
        yes = f"Yes, if {' and '.join(first.conditions)}: “{first.scenario}” against “{first.against}”."
        asked.append(Question(ident, first.question, yes, tuple(_answer(each) for each in ordered)))
    return tuple(asked)


def _answer(found: Discovery) -> Answer:
    each = [
        f"{condition} in {percent(share)}"
        for condition, share in zip(found.conditions, found.alone, strict=True)
    ]
    together = f"all together in {percent(found.share)}" if len(each) > 1 else ""
    told = "; ".join(part for part in (*each, together) if part)
    numbers = boxes.box_numbers(found.box) if found.box is not None else ""
    sentence = boxes.box_sentence(found)
    drawn = f"Of {counted(found.draws, 'draw')}: {told}."
    return Answer(capital(words.VERSIONS[found.prior]), sentence, numbers, drawn)


def _columns(version: str) -> tuple[str, ...]:
    drawn = ("on the draws as they are",) if version in ("neutral", "sources") else ()
    return ("alone", "in all", *drawn)


def _block(content: SensitivityContent, ident: str) -> ShareBlock:
    panels = [panel for panel in content.panels if panel.id == ident]
    ordered = sorted(panels, key=lambda panel: words.versions(content).index(panel.version))
    first = ordered[0]
    keys = [row.input for row in first.rows[: words.SHOWN]]
    spread = tuple(
        f"{capital(words.VERSIONS[panel.version])}: {words.spread_words(panel)}" for panel in ordered
    )
    rows = [
        ShareRow(
            plain_name(key),
            words.meaning_of(content, key),
            (
                *(cell for panel in ordered for cell in _cells(panel, key)),
                words.correlation_words(content, next(row for row in first.rows if row.input == key)),
            ),
        )
        for key in keys
    ]
    return ShareBlock(first.label, spread, tuple(rows))


def _cells(panel: SensitivityPanel, key: str) -> tuple[str, ...]:
    row = next(row for row in panel.rows if row.input == key)
    cells = [words.share_words(row.first, row.first_half), words.share_words(row.total, row.total_half)]
    if len(_columns(panel.version)) == 3:
        cells.append(percent(max(row.drawn, 0.0)) if row.drawn is not None else "—")
    return tuple(cells)
