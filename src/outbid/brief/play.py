"""What the report says of strategic play, in plain form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from outbid.ask.strategic.settings import PlaySettings, Test
from outbid.ask.strategic.strategy import Finding, Strategy
from outbid.brief.numbers import floats
from outbid.report.play.content import PayoffRow, Play, PlayRow, PlaySummary, PlayTest, World

SHARES = (0.5, 0.05, 0.95)


def played(strategies: Mapping[str, Strategy], months: tuple[str, ...]) -> Play:
    """Return everything about strategic play; empty where a study is not played.

    Parameters
    ----------
    months
        The months ahead, as YYYY-MM, at least as many as play is followed for.
    """
    if not strategies:
        return Play()
    settings = next(iter(strategies.values())).play
    return Play(
        tuple(World(w.id, w.label, w.description, w.baseline) for w in settings.worlds),
        tuple(row for name, each in strategies.items() for row in _rows(name, each, months)),
        tuple(_test(name, finding, each) for name, each in strategies.items() for finding in each.findings),
        _payoffs(strategies),
        tuple(_summary(name, each) for name, each in strategies.items()),
    )


def _rows(prior: str, strategy: Strategy, months: tuple[str, ...]) -> tuple[PlayRow, ...]:
    rows, solved = [], strategy.after.solved
    for world in strategy.play.worlds:
        found = strategy.after.equilibria[world.id]
        for player in strategy.play.reduction.players:
            decides = player.name in found.players
            shape = (int(solved.sum()), strategy.play.months)
            path = (
                found.ahead[solved][:, :, found.players.index(player.name)]
                if decides
                else np.full(shape, world.resting[player.name])
            )
            middle, low, high = np.quantile(path, SHARES, axis=0)
            mean_median, mean_low, mean_high = floats(np.quantile(path.mean(axis=1), SHARES))
            rows.append(
                PlayRow(
                    world.id,
                    player.name,
                    player.lever,
                    prior,
                    player.actions,
                    months[: shape[1]],
                    floats(middle),
                    floats(low),
                    floats(high),
                    mean_median,
                    mean_low,
                    mean_high,
                    decides,
                )
            )
    return tuple(rows)


def measure_unit(test: Test, play: PlaySettings) -> str:
    """Return the unit of what a test measures."""
    weights = {each.name: each.unit for each in play.weights}
    indices = {index.name for index in play.reduction.model.indices}
    levers = {lever.name: lever.unit for lever in play.reduction.model.levers}
    return weights.get(test.weight) or ("index" if test.measure in indices else levers.get(test.measure, ""))


def _test(prior: str, finding: Finding, strategy: Strategy) -> PlayTest:
    test = finding.test
    median, low, high = floats(np.quantile(finding.effect, SHARES))
    return PlayTest(
        test.id,
        test.claims,
        test.question,
        test.answer_if,
        test.weight or test.measure,
        measure_unit(test, strategy.play),
        test.sign,
        test.smallest,
        prior,
        median,
        low,
        high,
        finding.after.p_direction,
        finding.after.p_relevant,
        finding.before.p_direction,
        finding.verdict,
    )


def _payoffs(strategies: Mapping[str, Strategy]) -> tuple[PayoffRow, ...]:
    rows = []
    first = next(iter(strategies.values()))
    told = {name: each.payoffs for name, each in strategies.items()}
    quantiles = {name: each.quantiles(SHARES) for name, each in told.items()}
    for i, weight in enumerate(first.play.weights):
        player, _, term = weight.name.partition(".")
        rows.append(
            PayoffRow(
                player,
                term,
                weight.unit,
                weight.meaning,
                {name: weight.priors[name].describe() for name in told},
                {name: float(quantiles[name][0, i]) for name in told},
                {name: float(quantiles[name][1, i]) for name in told},
                {name: float(quantiles[name][2, i]) for name in told},
                {name: float(each.probability_positive()[i]) for name, each in told.items()},
                # a spread that grew, by the luck of few draws, says nothing either
                {name: float(max(each.contraction[i], 0.0)) for name, each in told.items()},
            )
        )
    return tuple(rows)


def _summary(prior: str, strategy: Strategy) -> PlaySummary:
    payoffs, after = strategy.payoffs, strategy.after
    solved = [each.solved for each in after.equilibria.values()]
    return PlaySummary(
        prior,
        len(payoffs.chances),
        strategy.play.grid.size,
        float(np.mean(solved)),
        float(max(each.residuals[each.solved].max(initial=0.0) for each in after.equilibria.values())),
        int(strategy.moves.axes.shape[1] * len(strategy.moves.actions)),
        payoffs.fit,
        payoffs.by_chance,
        payoffs.chances.shape[1],
        payoffs.effective,
        strategy.play.discount,
    )
