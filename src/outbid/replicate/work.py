"""The order of a replication: panel, first stage, payoffs, equilibrium, counterfactuals, robustness, report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outbid.game.estimation.play import Play
from outbid.game.estimation.specification import Specification
from outbid.game.state.bootstrap import Bootstrap, bootstrap
from outbid.game.state.first_stage import FirstStage, changes, levels
from outbid.progress import Progress
from outbid.replicate import cells
from outbid.replicate.counterfactuals import ByEra, Costs, Worlds, by_era, costs, worlds
from outbid.replicate.declared import Declared, Floats, declared_game, specification, state_axis
from outbid.replicate.panel import GamePanel, read_panel
from outbid.replicate.payoffs import Payoffs, estimate_payoffs
from outbid.replicate.published import Cell, Published, compared, covered, read_published
from outbid.replicate.settings import PlaySettings, play_settings
from outbid.replicate.simulated import simulated_panel, truth
from outbid.study import Study

Ints = NDArray[np.int64]
# Draws of our own bootstrap of the state equation, where the data folder holds none.
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Equation:
    """The first stage: both regressions, the numbers that the game takes from it, and how sure they are.

    `equation` holds the coefficients and the spread, `covariance` theirs; `drawn` is our own bootstrap, where one
    was made.
    """

    levels: FirstStage
    changes: FirstStage
    equation: Floats
    covariance: Floats
    drawn: Bootstrap | None


@dataclass(frozen=True, eq=False)
class Found:
    """Everything that a replication found on one panel."""

    play: PlaySettings
    panel: GamePanel
    equation: Equation
    declared: Declared
    family: Specification
    seen: Play
    payoffs: Payoffs
    worlds: Worlds
    eras: tuple[ByEra, ...]
    costs: tuple[Costs, ...]

    @property
    def states(self) -> Ints:
        """Each month's grid point, shape (months,)."""
        return self.seen.states

    @property
    def grid(self) -> Floats:
        """The grid's points, shape (states,)."""
        return np.asarray(self.declared.reduction.grid.axes[0].points)


def take_panel(
    study: Study, play: PlaySettings, published: tuple[Published, ...], data: Path | None, seed: int
) -> GamePanel:
    """Return the panel from the data folder, or one simulated at the published estimates."""
    if data is not None:
        return read_panel(data, play)
    rows = (*cells.equation_rows(play, "state before"), "sigma")
    equation = truth(published, tuple(("1", row, "levels, estimate") for row in rows))
    payoffs = truth(published, tuple(("2", row, "estimate") for row in cells.payoff_rows(play)))
    return simulated_panel(study.model, play, equation, payoffs, seed)


def first_stage(play: PlaySettings, panel: GamePanel, seed: int, draws: int = DRAWS) -> Equation:
    """Return the state equation in levels and in changes, and the covariance that later errors are corrected with.

    `draws` are those of our own bootstrap, where the data folder holds none.
    """
    names = play.action_columns
    plain, steps = levels(panel.state, panel.actions, names), changes(panel.state, panel.actions, names)
    equation = np.append(plain.estimates, plain.sigma)
    if panel.bootstrap is not None:
        return Equation(plain, steps, equation, panel.bootstrap, None)
    drawn = bootstrap(panel.state, panel.actions, names, draws=draws, seed=seed)
    return Equation(plain, steps, equation, drawn.covariance, drawn)


def solve_panel(
    study: Study,
    play: PlaySettings,
    panel: GamePanel,
    equation: Equation,
    progress: Progress,
    *,
    errors: bool = True,
) -> Found:
    """Estimate the payoffs, and work out what would be otherwise; `errors` as in `estimate_payoffs`."""
    declared, family, seen = prepared(study, play, panel, equation)
    with progress.stage("Estimating the payoffs") as stage:
        stage.note("compiling")
        payoffs = estimate_payoffs(family, seen, play, errors=errors)
    with progress.stage("Solving without a rival, and with other costs"):
        counts = seen.counts(payoffs.held.equilibrium.game)
        held = worlds(
            declared,
            family,
            counts,
            payoffs.estimates,
            payoffs.values,
            payoffs.covariance,
            payoffs.published_covariance,
        )
        eras, rows = by_era(held, seen.states), costs(held)
    return Found(play, panel, equation, declared, family, seen, payoffs, held, eras, rows)


def prepared(
    study: Study, play: PlaySettings, panel: GamePanel, equation: Equation
) -> tuple[Declared, Specification, Play]:
    """Return the declared theory on the panel's grid, the family of games to estimate, and the months as play."""
    declared = declared_game(study.model, play, state_axis(play, panel.state), equation.equation)
    states = declared.reduction.grid.nearest({play.state: panel.state})
    family = specification(declared, equation.equation, equation.covariance)
    return declared, family, Play(states, panel.actions, panel.months)


def numbers(found: Found, published: tuple[Published, ...]) -> cells.Numbers:
    """Return all our figures by table, row and column."""
    play, payoffs = found.play, found.payoffs
    return {
        **cells.first_stage(play, found.equation.levels, found.equation.changes),
        **cells.payoffs(play, payoffs.estimates, payoffs.first, payoffs.corrected, payoffs.log_likelihood),
        **cells.rivals(play, found.eras),
        **cells.cost_rows(play, found.costs),
        **cells.curves(play, published, found.grid, found.worlds.base.chances),
    }


def compare(found: Found, published: tuple[Published, ...]) -> tuple[Cell, ...]:
    """Return every published figure beside ours, judged by its own rule or, on a simulated panel, by our interval."""
    ours = numbers(found, published)
    if not found.panel.simulated:
        return compared(published, ours)
    intervals = {
        **cells.first_stage_intervals(found.play, found.equation.levels, found.equation.drawn),
        **cells.payoff_intervals(found.play, found.payoffs.estimates, found.payoffs.full),
    }
    return covered(published, ours, intervals)


def estimates_only(
    study: Study, seed: int, data: Path | None, progress: Progress
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Return the payoffs' estimates as lines, the problems, and the same as plain data; nothing is solved further."""
    play = play_settings(study)
    published = read_published(study.folder / "published.csv", study.figure_sources)
    with progress.stage("Reading the panel and fitting the state equation"):
        panel = take_panel(study, play, published, data, seed)
        equation = first_stage(play, panel, seed)
    _, family, seen = prepared(study, play, panel, equation)
    with progress.stage("Estimating the payoffs"):
        payoffs = estimate_payoffs(family, seen, play)
    rows = cells.payoff_rows(play)
    width = max(map(len, rows))
    lines = (
        [f"SIMULATED PANEL, not the real one: {panel.source}. Give --data DIR."] if panel.simulated else []
    )
    lines.append(f"{'':{width}}   estimate  error (corrected)")
    lines += [
        f"{row:{width}}  {at:9.4g}  {error:9.4g}"
        for row, at, error in zip(rows, payoffs.estimates, payoffs.full, strict=True)
    ]
    lines.append(f"Log-likelihood {payoffs.log_likelihood:.4f}, {len(panel.months)} months ({panel.source}).")
    told = {
        "study": study.name,
        "simulated": panel.simulated,
        "log_likelihood": payoffs.log_likelihood,
        "estimates": [
            {"name": name, "estimate": at, "first": first, "corrected": published_form, "full": full}
            for name, at, first, published_form, full in zip(
                family.names, payoffs.estimates, payoffs.first, payoffs.corrected, payoffs.full, strict=True
            )
        ],
    }
    return tuple(lines), payoffs.problems, told
