"""Find one's way in the results of strategic play: prior sets, worlds, players, one player's row."""

from __future__ import annotations

from outbid.report.content import PRIORS, ReportContent
from outbid.report.play.content import Play, PlayRow, PlayTest, World
from outbid.words.numbers import interval, plain_name, two_digits

VIEWS = {"neutral": "the data alone", "sources": "if the sources are right"}
# the world that has no rival in it
NO_RIVAL = "no_rival"


def prior_sets(play: Play) -> tuple[str, ...]:
    """Return the prior sets that were played under, the data alone first."""
    found = dict.fromkeys([*(each.prior for each in play.summaries), *(row.prior for row in play.rows)])
    return tuple(sorted(found, key=lambda name: PRIORS.index(name) if name in PRIORS else len(PRIORS)))


def view(prior: str) -> str:
    """Return a prior set in words ("the data alone")."""
    return VIEWS.get(prior, f"{prior} priors")


def find_test(play: Play, ident: str, prior: str) -> PlayTest | None:
    """Return a test under one prior set, or None if there is none."""
    return next((each for each in play.tests if (each.id, each.prior) == (ident, prior)), None)


def find_row(play: Play, world: str, player: str, prior: str) -> PlayRow | None:
    """Return what a player does in a world under one prior set, or None if it isn't there."""
    wanted = (world, player, prior)
    return next((each for each in play.rows if (each.world, each.player, each.prior) == wanted), None)


def players(content: ReportContent) -> tuple[str, ...]:
    """Return who plays, the incumbent first."""
    found = dict.fromkeys(row.player for row in content.play.rows)
    return tuple(sorted(found, key=lambda name: name != "incumbent"))


def lever_name(content: ReportContent, player: str) -> str:
    """Return what a player chooses, as the diagram calls it ("Hardness")."""
    lever = next(row.lever for row in content.play.rows if row.player == player)
    label = next((node.label for node in content.nodes if node.id == lever), plain_name(lever))
    return label[:1].upper() + label[1:]


def choice(content: ReportContent, player: str) -> str:
    """Return a player with what it chooses ("The incumbent's hardness")."""
    name = lever_name(content, player)
    return f"The {player}'s {name[:1].lower()}{name[1:]}"


def present(row: PlayRow) -> bool:
    """Say whether a row is of a player who is there: where there is no rival, it rests and decides nothing."""
    return row.decides or row.world != NO_RIVAL


def ordered_worlds(content: ReportContent) -> tuple[World, ...]:
    """Return the worlds, the baseline first, the one without a rival next."""
    return tuple(sorted(content.play.worlds, key=lambda world: (not world.baseline, world.id != NO_RIVAL)))


def in_brief(row: PlayRow | None) -> str:
    """Return a player's mean choice with its 90% interval, or that it is not there or was set."""
    if row is None or not present(row):
        return "not there"
    if not row.decides:
        return f"set to {two_digits(row.mean_median)}"
    return f"{two_digits(row.mean_median)} ({interval(row.mean_q05, row.mean_q95)})"


def means_in_words(content: ReportContent) -> str:
    """Return every mean choice in words, for those who can't see the figures."""
    parts = []
    for player in players(content):
        for prior in prior_sets(content.play):
            told = [
                f"{world.label} {in_brief(row)}"
                for world in ordered_worlds(content)
                if (row := find_row(content.play, world.id, player, prior)) is not None and present(row)
            ]
            parts.append(f"{choice(content, player)}, mean, {view(prior)}: {'; '.join(told)}.")
    return " ".join(parts)
