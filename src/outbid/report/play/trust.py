"""How sure the equilibria are, in two paragraphs: how they were found, and what they leave out."""

from __future__ import annotations

import math
from collections.abc import Callable

from outbid.report.content import ReportContent
from outbid.report.play.content import PlaySummary
from outbid.report.play.rows import view
from outbid.words.numbers import counted, percent, two_digits

# how many times likelier than blind play the game must make a typical move to be better, or much better
_BETTER, _MUCH_BETTER = 1.02, 1.5
_READ_OFF = {
    ("incumbent", "hardness"): "the incumbent's are read off its edicts",
    ("challenger", "effort"): "the challenger's off its tempo of attacks",
}


def how_sure(content: ReportContent) -> tuple[str, ...]:
    """Return two paragraphs: how the game was solved and fits the moves, and what it leaves out."""
    told = content.play.summaries
    if not told:
        return ()
    solving = [
        f"The game was solved for {_each(told, lambda s: counted(s.draws, 'draw'))} of what is known, on a grid "
        f"of {_each(told, lambda s: counted(s.states, 'state'))} that both sides watch.",
        f"An equilibrium was found and certified in {_each(told, lambda s: percent(s.solved))} of the games "
        f"(its equations hold to within {_each(told, lambda s: _tiny(s.residual))}); the others are left out.",
    ]
    searched = tuple(each for each in told if each.several is not None)
    if searched:
        told_of = _each(searched, lambda s: percent(s.several) if s.several else "none")
        solving.append(f"Searched from other starts, {told_of} of them had more than one equilibrium.")
    fitting = [
        f"What each side wants is learnt from {_each(told, lambda s: counted(s.moves, 'move'))} of the past.",
        f"To a typical move that was made the game gives a chance of {_each(told, _typical)}, blind play "
        f"{_each(told, lambda s: percent(_per_move(s.by_chance, s.moves)))}: {_each(told, _fit_word)}.",
        f"Each draw's weights were tried {_each(told, lambda s: counted(s.trials, 'time'))}; its answer rests on "
        f"{_each(told, lambda s: two_digits(s.effective))} of these trials, in the mean.",
    ]
    seen = {(row.player, row.lever) for row in content.play.rows}
    read = [words for key, words in _READ_OFF.items() if key in seen]
    limits = [f"The moves are themselves inferred: {', '.join(read)}."] if read else []
    limits += [
        "All states that the two sides don't watch are held at their means given the watched ones, so that "
        "no surprise in them enters a choice.",
        f"Next month counts {_each(told, lambda s: two_digits(s.discount))} of this one, a year ahead "
        f"{_each(told, lambda s: two_digits(s.discount**12))}.",
    ]
    return " ".join([*solving, *fitting]), " ".join(limits)


def _each(told: tuple[PlaySummary, ...], words: Callable[[PlaySummary], str]) -> str:
    """Return what is the same under all prior sets once, and else each with its prior set."""
    texts = {each.prior: words(each) for each in told}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return " and ".join(f"{text} ({view(prior)})" for prior, text in texts.items())


def _tiny(value: float) -> str:
    return "0.0001" if 0 <= value < 1e-4 else two_digits(value)


def _per_move(log_likelihood: float, moves: int) -> float:
    return math.exp(max(log_likelihood / max(moves, 1), -700.0))


def _typical(summary: PlaySummary) -> str:
    return percent(_per_move(summary.fit, summary.moves))


def _fit_word(summary: PlaySummary) -> str:
    ratio = _per_move(summary.fit - summary.by_chance, summary.moves)
    if ratio < _BETTER:
        return "no better than chance"
    return "much better than chance" if ratio >= _MUCH_BETTER else "a little better than chance"
