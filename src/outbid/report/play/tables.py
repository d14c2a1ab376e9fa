"""Tables of strategic play, as plain text ready for the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from outbid.plots.base import Figure
from outbid.report.chances import chance
from outbid.report.content import ReportContent
from outbid.report.figures import equilibrium, worlds
from outbid.report.play import words as play_words
from outbid.report.play.content import PayoffRow, PlayTest
from outbid.report.play.rows import choice, find_row, in_brief, ordered_worlds, players, prior_sets, view
from outbid.report.play.trust import how_sure
from outbid.words.numbers import interval, plain_name, two_digits, unit_of

_MARKS = {"supported": ("✓", "good"), "contradicted": ("✗", "bad"), "built in": ("■", "open")}


@dataclass(frozen=True)
class AskedLine:
    """A test under one prior set, in words; `kind` is "good", "bad" or "open" and colours the verdict."""

    view: str
    effect: str
    before: str
    after: str
    matters: str
    verdict: str
    kind: str


@dataclass(frozen=True)
class AskedBlock:
    """A question to the equilibria with a line for each prior set."""

    id: str
    question: str
    answer_if: str
    measure: str
    least: str
    claims: tuple[str, ...]
    lines: tuple[AskedLine, ...]


@dataclass(frozen=True)
class WeightLine:
    """A payoff weight under one prior set, in words."""

    view: str
    prior: str
    after: str
    positive: str
    learnt: str


@dataclass(frozen=True)
class WeightBlock:
    """What a player may want, with a line for each prior set; `player` is empty where it repeats."""

    player: str
    term: str
    meaning: str
    unit: str
    lines: tuple[WeightLine, ...]


@dataclass(frozen=True)
class WorldLine:
    """A world with each player's mean choice under each prior set."""

    label: str
    description: str
    baseline: bool
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Everything that the section "What would they choose?" shows; `columns` are (player's choice, prior sets)."""

    heading: str
    lead: tuple[str, ...]
    rival: tuple[tuple[str, str], ...]
    ahead: Figure | None
    worlds: Figure | None
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    world_lines: tuple[WorldLine, ...]
    tests_heading: str
    tests: tuple[AskedBlock, ...]
    weights_heading: str
    weights: tuple[WeightBlock, ...]
    sure: tuple[str, ...]


def section(content: ReportContent) -> Section | None:
    """Return the section's content, or None where a study was not played."""
    play = content.play
    if not play.worlds:
        return None
    views = tuple(view(prior) for prior in prior_sets(play))
    return Section(
        play_words.heading(content),
        play_words.what_it_is(content),
        play_words.rival_lines(content),
        equilibrium.figure(content),
        worlds.figure(content),
        tuple((choice(content, player), views) for player in players(content)),
        _worlds(content),
        play_words.tests_heading(play),
        _tests(content),
        play_words.payoffs_heading(play.payoffs),
        _weights(play.payoffs),
        how_sure(content),
    )


def _worlds(content: ReportContent) -> tuple[WorldLine, ...]:
    sets = prior_sets(content.play)
    return tuple(
        WorldLine(
            world.label,
            world.description,
            world.baseline,
            tuple(
                in_brief(find_row(content.play, world.id, player, prior))
                for player in players(content)
                for prior in sets
            ),
        )
        for world in ordered_worlds(content)
    )


def verdict(test: PlayTest) -> tuple[str, str]:
    """Return a verdict with its mark, and what it is: "good", "bad" or "open"."""
    mark, kind = _MARKS.get(test.verdict, ("?", "open"))
    if kind != "open" and play_words.assumed(test):
        return f"{mark} {test.verdict}, by assumption", "open"
    return f"{mark} {test.verdict}", kind


def _tests(content: ReportContent) -> tuple[AskedBlock, ...]:
    blocks = []
    for ident in dict.fromkeys(test.id for test in content.play.tests):
        found = [test for test in content.play.tests if test.id == ident]
        lines = []
        for test in sorted(found, key=lambda each: each.prior != "neutral"):
            words, kind = verdict(test)
            known = math.isfinite(test.prior_probability)
            lines.append(
                AskedLine(
                    view(test.prior),
                    play_words.difference(test),
                    chance(test.prior_probability) if known else "not known",
                    chance(test.probability) if math.isfinite(test.probability) else "not known",
                    chance(test.probability_matters) if test.smallest > 0 else "as any size does",
                    words,
                    kind,
                )
            )
        first = found[0]
        measure = plain_name(first.measure).replace(".", "'s ")
        unit = unit_of(first.unit, difference=True)[1]
        measure = f"{measure} ({unit})" if unit else measure
        blocks.append(
            AskedBlock(
                ident,
                first.question,
                first.answer_if,
                measure,
                play_words.least(first),
                first.claims,
                tuple(lines),
            )
        )
    return tuple(blocks)


def _positive(row: PayoffRow, prior: str) -> str:
    if row.prior.get(prior, "").startswith(("half-normal", "lognormal", "logit-normal")):
        return "by assumption"
    return chance(row.probability_positive[prior]) if prior in row.probability_positive else "not known"


def _weights(rows: tuple[PayoffRow, ...]) -> tuple[WeightBlock, ...]:
    blocks: list[WeightBlock] = []
    ordered = sorted(rows, key=lambda row: row.player != "incumbent")
    for row in ordered:
        lines = tuple(
            WeightLine(
                view(prior),
                row.prior.get(prior, ""),
                f"{two_digits(row.median[prior])} ({interval(row.q05[prior], row.q95[prior])})",
                _positive(row, prior),
                play_words.learnt(row.contraction.get(prior, math.nan)),
            )
            for prior in row.median
        )
        blocks.append(WeightBlock(row.player, plain_name(row.term), row.meaning, row.unit, lines))
    return tuple(blocks)
