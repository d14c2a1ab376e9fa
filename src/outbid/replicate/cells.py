"""Collect our figures under the names that they have in the published tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from outbid.game.state.bootstrap import Bootstrap
from outbid.game.state.first_stage import FirstStage
from outbid.replicate.counterfactuals import REACH, ByEra, Costs
from outbid.replicate.declared import Floats
from outbid.replicate.published import Key, Published
from outbid.replicate.settings import PlaySettings

Numbers = dict[Key, float]
Intervals = dict[Key, tuple[float, float]]


def acts(label: str) -> str:
    """Return the row or column that a player's action has in the tables."""
    return f"{label} attacks"


def equation_rows(play: PlaySettings, before: str) -> tuple[str, ...]:
    """Return the rows of Table 1 in the order of the first stage's terms; `before` is the carried-over term's."""
    acting = [acts(label) for label in play.labels]
    return ("constant", *acting, before, *(f"{name} × state before" for name in acting))


def payoff_rows(play: PlaySettings) -> tuple[str, ...]:
    """Return the rows of Table 2 in the order of the payoffs."""
    worth = [f"{label}: worth of {play.state}" for label in play.labels]
    return (*worth, *(f"{label}: payoff of an attack" for label in play.labels))


def first_stage(play: PlaySettings, levels: FirstStage, changes: FirstStage) -> Numbers:
    """Return Table 1."""
    numbers: Numbers = {("1", "sigma", "levels, estimate"): levels.sigma}
    for i, row in enumerate(equation_rows(play, "state before")):
        numbers["1", row, "levels, estimate"] = float(levels.estimates[i])
        numbers["1", row, "levels, plain error"] = float(levels.standard_errors[i])
    for i, row in enumerate(equation_rows(play, "change before")):
        numbers["1", row, "changes, estimate"] = float(changes.estimates[i])
        numbers["1", row, "changes, Newey-West error"] = float(changes.standard_errors[i])
    numbers["1", "sigma", "changes, estimate"] = changes.sigma
    numbers["1", "adjusted R squared", "changes, estimate"] = changes.adjusted_r_squared
    numbers["1", "months", "changes, estimate"] = float(changes.months)
    return numbers


def first_stage_intervals(play: PlaySettings, levels: FirstStage, drawn: Bootstrap | None) -> Intervals:
    """Return 95% intervals of the state equation from bootstrap errors."""
    if drawn is None:
        return {}
    rows = (*equation_rows(play, "state before"), "sigma")
    centers = np.append(levels.estimates, levels.sigma)
    return {
        ("1", row, "levels, estimate"): (float(at - REACH * error), float(at + REACH * error))
        for row, at, error in zip(rows, centers, drawn.standard_errors, strict=True)
    }


def payoffs(
    play: PlaySettings, estimates: Floats, first: Floats, corrected: Floats, log_likelihood: float
) -> Numbers:
    """Return Table 2: estimates, their errors without and with the published correction, the log-likelihood."""
    numbers: Numbers = {("2", "log-likelihood", "estimate"): log_likelihood}
    columns = {"estimate": estimates, "first-step error": first, "corrected error": corrected}
    for column, values in columns.items():
        for row, value in zip(payoff_rows(play), values, strict=True):
            numbers["2", row, column] = float(value)
    return numbers


def payoff_intervals(play: PlaySettings, estimates: Floats, errors: Floats) -> Intervals:
    """Return 95% intervals of the payoffs."""
    return {
        ("2", row, "estimate"): (float(at - REACH * error), float(at + REACH * error))
        for row, at, error in zip(payoff_rows(play), estimates, errors, strict=True)
    }


def rivals(play: PlaySettings, rows: Sequence[ByEra]) -> Numbers:
    """Return Table 4."""
    return {("4", play.labels[row.player], row.era.name): row.difference.value for row in rows}


def cost_rows(play: PlaySettings, rows: Sequence[Costs]) -> Numbers:
    """Return Table 5."""
    columns = (*(acts(label) for label in play.labels), "either attacks")
    return {
        ("5", row.row, column): told.value
        for row in rows
        for column, told in zip(columns, row.values, strict=True)
    }


def curves(play: PlaySettings, published: Sequence[Published], grid: Floats, chances: Floats) -> Numbers:
    """Return the curves at the published points; a point that is not one of the grid's is left out.

    Parameters
    ----------
    grid, chances
        Shapes (states,) and (states, players).
    """
    columns: Mapping[str, int] = {acts(label): i for i, label in enumerate(play.labels)}
    numbers: Numbers = {}
    for each in published:
        if each.table != "curve" or each.column not in columns:
            continue
        at = float(each.row)
        nearest = int(np.abs(grid - at).argmin())
        # the published rows name their states with four decimals
        if abs(grid[nearest] - at) < 1e-3:
            numbers[each.key] = float(chances[nearest, columns[each.column]])
    return numbers
