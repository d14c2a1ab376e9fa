"""The order of a replication: panel, state equation, payoffs, variants, other maxima, the state inferred anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from outbid.errors import InputError
from outbid.game.equilibrium import holds
from outbid.game.estimates import Estimates, estimate
from outbid.game.first_stage import FirstStage, bootstrap, changes, levels
from outbid.game.likelihood import evaluate
from outbid.game.many_starts import draw_starts, estimate_many
from outbid.game.measurement import Measurement, MeasurementFit, fit_state, smooth_state
from outbid.game.specification import Play as Months
from outbid.game.specification import Specification
from outbid.progress import Progress, Silent
from outbid.replication.data import GamePanel, Key, judge, read_panel, rows_of, simulated_panel
from outbid.replication.family import (
    REACH,
    DeclaredGame,
    Floats,
    Play,
    Variants,
    declared_game,
    specification,
    state_axis,
    variants,
)
from outbid.study import Study

# Draws of our own bootstrap of the state equation, where the data folder holds none; and where it is for comparison only.
DRAWS, FEW_DRAWS = 1000, 300
# Newton steps that lead from values of zero to an equilibrium, at most.
FROM_ZERO = 60
# Starts of a usual run and of a quick one, the study's own among them; and those that look for further equilibria.
STARTS, FEW_STARTS, EQUILIBRIA = 10, 4, 6
# Standard deviation of the starts, as a share of the study's own start.
SPREAD = 1.0
# Places from which the measurement model's likelihood is maximised.
STATE_STARTS = 4


class Equation(NamedTuple):
    """The first stage: regressions in levels and in changes; coefficients with the spread last, and their covariance.

    `errors` are those of our own bootstrap, None where the covariance was stored.
    """

    levels: FirstStage
    changes: FirstStage
    numbers: Floats
    covariance: Floats
    errors: Floats | None


class Solved(NamedTuple):
    """The game estimated and solved on one panel; `rivals` and `costs` as `Variants` returns them."""

    play: Play
    panel: GamePanel
    equation: Equation
    declared: DeclaredGame
    family: Specification
    months: Months
    payoffs: Estimates
    variants: Variants
    rivals: pd.DataFrame
    costs: pd.DataFrame

    @property
    def grid(self) -> Floats:
        """The grid's points, shape (states,)."""
        return np.asarray(self.declared.reduction.grid.axes[0].points)


class Anew(NamedTuple):
    """The measurement model fitted anew, and the later steps on its state (None where they failed)."""

    fit: MeasurementFit
    later: Solved | None


def equation_rows(play: Play, before: str = "state before") -> tuple[str, ...]:
    """Return the rows of Table 1 in the order of the first stage's terms; `before` is the carried-over term's."""
    acting = [f"{label} attacks" for label in play.labels]
    return ("constant", *acting, before, *(f"{name} × state before" for name in acting))


def payoff_rows(play: Play) -> tuple[str, ...]:
    """Return the rows of Table 2 in the order of the payoffs."""
    worth = [f"{label}: worth of {play.state}" for label in play.labels]
    return (*worth, *(f"{label}: payoff of an attack" for label in play.labels))


def take_panel(study: Study, play: Play, published: pd.DataFrame, data: Path | None, seed: int) -> GamePanel:
    """Return the panel from the data folder, or one simulated at the published estimates."""
    if data is not None:
        return read_panel(data, play)
    truth = {(row.table, row.row, row.column): row.value for row in rows_of(published)}
    rows = [("1", row, "levels, estimate") for row in (*equation_rows(play), "sigma")]
    rows += [("2", row, "estimate") for row in payoff_rows(play)]
    for row in rows:
        if row not in truth:
            problem = f"holds no figure for {', '.join(row)}"
            raise InputError("published.csv", problem, "Add it; a simulated panel needs it.")
    numbers, count = np.array([truth[row] for row in rows]), len(play.state_equation)
    return simulated_panel(study.model, play, numbers[:count], numbers[count:], seed)


def first_stage(play: Play, panel: GamePanel, seed: int, draws: int = DRAWS) -> Equation:
    """Return the state equation in levels and in changes, and the covariance that later errors are corrected with.

    `draws` are those of our own bootstrap, where the data folder holds none.
    """
    names = play.columns.actions
    plain, steps = levels(panel.state, panel.actions, names), changes(panel.state, panel.actions, names)
    numbers = np.append(plain.estimates, plain.sigma)
    if panel.bootstrap is not None:
        return Equation(plain, steps, numbers, panel.bootstrap, None)
    drawn = bootstrap(panel.state, panel.actions, names, draws=draws, seed=seed)
    return Equation(plain, steps, numbers, drawn.covariance, drawn.standard_errors)


def prepared(
    study: Study, play: Play, panel: GamePanel, equation: Equation
) -> tuple[DeclaredGame, Specification, Months]:
    """Return the declared theory on the panel's grid, the family of games to estimate, and the months as play."""
    declared = declared_game(study.model, play, state_axis(play, panel.state), equation.numbers)
    states = declared.reduction.grid.nearest({play.state: panel.state})
    family = specification(declared, equation.numbers, equation.covariance)
    return declared, family, Months(states, panel.actions, panel.months)


def estimate_payoffs(family: Specification, months: Months, play: Play, *, errors: bool = True) -> Estimates:
    """Return the maximum likelihood estimates uphill of the study's own start: values of the state, then costs.

    Without `errors`, only those that take the state equation for known are worked out, which is sooner done.
    """
    game = family.game(play.start)
    blank = np.zeros((game.grid.size, sum(game.counts)))
    # by the code that the estimation needs anyway: `solve` would have to be compiled for, which takes longer
    at = evaluate(family, play.start, blank, months.counts(game), FROM_ZERO)
    values = at.values if holds(at.values, float(at.error)) else None
    return estimate(family, months, play.start, values, errors=errors)


def payoff_problems(payoffs: Estimates) -> tuple[str, ...]:
    """Return what stands against believing the payoffs; empty if nothing does."""
    return () if payoffs.converged else (f"The payoffs were not found: {payoffs.message}.",)


def payoff_table(family: Specification, play: Play, payoffs: Estimates) -> pd.DataFrame:
    """Return the payoffs with three kinds of standard errors and the 95% interval from the last.

    `first_step_error` takes the state equation for known, `corrected_error` is corrected as published, `full_error`
    also counts how the equilibrium moves with the state equation; missing where it was not asked for.
    """
    kinds = {"first_step_error": "uncorrected", "corrected_error": "published", "full_error": "corrected"}
    errors = {
        name: payoffs.standard_errors(kind) if kind in payoffs.covariances else np.nan
        for name, kind in kinds.items()
    }
    table = pd.DataFrame(
        {"parameter": family.names, "meaning": payoff_rows(play), "estimate": payoffs.estimates}
    )
    table = table.assign(**errors)
    low, high = (table["estimate"] + sign * REACH * table["full_error"] for sign in (-1, 1))
    return table.assign(low=low, high=high)


def solve_panel(
    study: Study, play: Play, panel: GamePanel, equation: Equation, progress: Progress, *, errors: bool = True
) -> Solved:
    """Estimate the payoffs, and work out what would be otherwise; `errors` as in `estimate_payoffs`."""
    declared, family, months = prepared(study, play, panel, equation)
    with progress.stage("Estimating the payoffs") as stage:
        stage.note("compiling")
        payoffs = estimate_payoffs(family, months, play, errors=errors)
    with progress.stage("Solving without a rival, and with other costs"):
        counts, equilibrium = months.counts(payoffs.equilibrium.game), payoffs.equilibrium
        published = payoffs.vcov("published") if "published" in payoffs.covariances else None
        others = variants(
            declared, family, counts, payoffs.estimates, equilibrium.values, payoffs.vcov(), published
        )
        rivals, costs = others.rivals(months.states, panel.actions), others.costs()
    return Solved(play, panel, equation, declared, family, months, payoffs, others, rivals, costs)


def compare(solved: Solved, published: pd.DataFrame) -> pd.DataFrame:
    """Return every published figure beside ours, judged by its own rule or, on a simulated panel, by our interval."""
    ours = _numbers(solved, published)
    if not solved.panel.simulated:
        return judge(published, ours)
    payoffs, equation = payoff_table(solved.family, solved.play, solved.payoffs), solved.equation
    intervals = {("2", row.meaning, "estimate"): (row.low, row.high) for row in rows_of(payoffs)}
    if equation.errors is not None:
        rows = (*equation_rows(solved.play), "sigma")
        for row, at, error in zip(rows, equation.numbers, equation.errors, strict=True):
            intervals["1", row, "levels, estimate"] = (at - REACH * error, at + REACH * error)
    return judge(published, ours, intervals)


def _numbers(solved: Solved, published: pd.DataFrame) -> dict[Key, float]:
    """Return all our figures under the names that they have in the published tables."""
    play, plain, steps = solved.play, solved.equation.levels, solved.equation.changes
    numbers: dict[Key, float] = {
        ("1", "sigma", "levels, estimate"): plain.sigma,
        ("1", "sigma", "changes, estimate"): steps.sigma,
        ("1", "adjusted R squared", "changes, estimate"): steps.adjusted_r_squared,
        ("1", "months", "changes, estimate"): float(steps.months),
        ("2", "log-likelihood", "estimate"): solved.payoffs.log_likelihood,
    }
    columns = (
        ("state before", "levels, estimate", plain.estimates),
        ("state before", "levels, plain error", plain.standard_errors),
        ("change before", "changes, estimate", steps.estimates),
        ("change before", "changes, Newey-West error", steps.standard_errors),
    )
    for before, column, values in columns:
        numbers |= {
            ("1", row, column): float(at) for row, at in zip(equation_rows(play, before), values, strict=True)
        }
    payoffs = payoff_table(solved.family, play, solved.payoffs)
    printed = {
        "estimate": "estimate",
        "first_step_error": "first-step error",
        "corrected_error": "corrected error",
    }
    for name, column in printed.items():
        numbers |= {
            ("2", row, column): float(at) for row, at in zip(payoff_rows(play), payoffs[name], strict=True)
        }
    labels = dict(zip(play.actors, play.labels, strict=True))
    for row in rows_of(solved.rivals):
        numbers["4", labels[row.player], row.period] = row.difference
    for row in rows_of(solved.costs):
        acting = f"{labels[row.player]} attacks" if row.player in labels else "either attacks"
        numbers["5", row.row, acting] = row.probability
    return numbers | _curve_numbers(solved, published)


def _curve_numbers(solved: Solved, published: pd.DataFrame) -> dict[Key, float]:
    """Return the curves at the published points; a point that is not one of the grid's is left out."""
    places = {f"{label} attacks": i for i, label in enumerate(solved.play.labels)}
    numbers = {}
    for each in rows_of(published[published["table"] == "curve"]):
        nearest = int(np.abs(solved.grid - float(each.row)).argmin())
        # the published rows name their states with four decimals
        if each.column in places and abs(solved.grid[nearest] - float(each.row)) < 1e-3:
            chance = solved.variants.base.chances[nearest, places[each.column]]
            numbers["curve", each.row, each.column] = float(chance)
    return numbers


def search(
    solved: Solved, quick: bool, seed: int, progress: Progress
) -> tuple[dict[str, Any], pd.DataFrame] | None:
    """Return every local maximum that some starts led to, one a row, and how many starts there were; None without any.

    Columns: `log_likelihood`, the payoffs by name, how many `starts` led there, how many `equilibria` were found there.
    """
    number = FEW_STARTS if quick else STARTS
    center = solved.play.start
    starts = draw_starts(center, SPREAD * np.abs(center), number, seed)
    with progress.stage(f"Searching from {number} starts") as stage:
        stage.note("compiling")
        try:
            maxima = estimate_many(
                solved.family, solved.months, starts, equilibrium_starts=EQUILIBRIA, seed=seed, errors=False
            )
        except InputError:
            return None
    facts = {
        "starts": number,
        "failed": len(maxima.failed),
        "equilibria": f"{EQUILIBRIA} starts looked for further equilibria at each maximum.",
    }
    table = maxima.table()
    return facts, table[["log_likelihood", *solved.family.names, "starts", "equilibria"]]


def infer_anew(
    study: Study, play: Play, panel: GamePanel, quick: bool, seed: int
) -> tuple[Anew | None, tuple[str, ...]]:
    """Return the state inferred anew from the polls with all later steps, or None, and what was left out and why."""
    if panel.simulated:
        return None, (
            "The measurement model: a simulated panel has its state without polls.",
            "Other draws: one panel is one draw, and with another seed the likelihood may peak elsewhere, with "
            "payoffs of the opposite sign, as it does on the real panel.",
        )
    if panel.polls is None:
        return None, (f"The measurement model: the data folder holds no {play.files.polls or 'polls'}.",)
    if quick:
        return None, ("The measurement model is not fitted anew in a quick run.",)
    names = (play.columns.polls, play.columns.actions)
    try:
        fitted = fit_state(
            panel.polls, panel.actions, *names, low_months=play.low, starts=STATE_STARTS, seed=seed
        )
    except InputError as fault:
        return None, (f"The measurement model, fitted anew: {fault}",)
    changed = panel._replace(state=fitted.smoothed.state, bootstrap=None, curves=None)
    try:
        equation = first_stage(play, changed, seed, FEW_DRAWS)
        later = solve_panel(study, play, changed, equation, Silent(), errors=False)
    except InputError as fault:
        return Anew(fitted, None), (f"The later steps on the state inferred anew: {fault}",)
    return Anew(fitted, later), ()


def refit(solved: Solved, anew: Anew) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return what the measurement model fitted anew does to the later steps: facts, and every quantity before and after.

    Among the facts, `stored_gap` is the largest difference between the stored state and the state smoothed at the
    stored parameters, `correlation` that of the stored and the newly inferred state.
    """
    play, panel, fitted, after = solved.play, solved.panel, anew.fit, anew.later
    assert panel.polls is not None
    facts: dict[str, Any] = {
        "stored_gap": None,
        "stored_likelihood": None,
        "refitted_likelihood": fitted.log_likelihood,
        "correlation": float(np.corrcoef(panel.state, fitted.smoothed.state)[0, 1]),
        "maxima": list(fitted.maxima),
    }
    stored = np.full(len(fitted.estimates), np.nan)
    if panel.measurement is not None:
        stored, count = panel.measurement, panel.polls.shape[1]
        before = Measurement(stored[:count], float(stored[count]), stored[count + 1 :])
        smoothed = smooth_state(before, panel.polls, panel.actions)
        facts["stored_gap"] = float(np.abs(smoothed.state - panel.state).max())
        facts["stored_likelihood"] = smoothed.log_likelihood
    pulls = [f"what an attack by {label} adds next month" for label in play.labels]
    polls = [f"weight of {name.replace('_', ' ')}" for name in play.columns.polls]
    names = (*polls, "share carried over", "constant", *pulls)
    own = (stored, fitted.estimates, fitted.standard_errors, "standardised")
    parts = [_block("The polls and the state", names, *own)]
    if after is not None:
        parts += _later_blocks(play, solved, after)
    return facts, pd.concat(parts, ignore_index=True)


def _later_blocks(play: Play, before: Solved, after: Solved) -> list[pd.DataFrame]:
    labels = {**dict(zip(play.actors, play.labels, strict=True)), "either": "either"}
    errors = np.sqrt(np.diag(after.equation.covariance))
    one, other = before.payoffs, after.payoffs
    payoffs = (one.estimates, other.estimates, other.standard_errors("uncorrected"))
    likelihoods = ([one.log_likelihood], [other.log_likelihood], [np.nan])
    rivals = [f"{labels[row.player]}, {row.period}" for row in rows_of(after.rivals)]
    whole = ~after.costs["row"].str.contains("of the step")
    costs = [f"{row.row}: {labels[row.player]} attacks" for row in rows_of(after.costs[whole])]
    equation = ((*equation_rows(play), "sigma"), before.equation.numbers, after.equation.numbers, errors)

    def changed(name: str, one: pd.DataFrame, other: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        return one[name].to_numpy(float), other[name].to_numpy(float), other["error"].to_numpy(float)

    moves = changed("difference", before.rivals, after.rivals)
    chances = changed("probability", before.costs[whole], after.costs[whole])
    return [
        _block("The state equation (Table 1, levels)", *equation, play.state),
        _block("Payoffs (Table 2)", payoff_rows(play), *payoffs, "payoff"),
        _block("Payoffs (Table 2)", ["log-likelihood"], *likelihoods, ""),
        _block("What the rival changes (Table 4)", rivals, *moves, "probability"),
        _block("Dearer and cheaper attacks (Table 5)", costs, *chances, "probability"),
    ]


def _block(group: str, names: Any, stored: Any, refitted: Any, error: Any, unit: str) -> pd.DataFrame:
    columns = {"group": group, "name": list(names), "stored": stored, "refitted": refitted}
    return pd.DataFrame(columns | {"error": error, "unit": unit})


def certificate(solved: Solved) -> tuple[float, float, float | None]:
    """Return the equations' largest error, the most that anyone could gain by playing otherwise, and the curves' gap.

    The gap is the largest difference of our chances from the authors' stored ones, None where those are not given.
    """
    evidence, stored, grid = solved.payoffs.equilibrium.certificate, solved.panel.curves, solved.grid
    gap = None
    if stored is not None and len(stored) == len(grid) and np.allclose(stored[:, 0], grid, atol=1e-6):
        gap = float(np.abs(stored[:, 1:] - solved.variants.base.chances).max())
    return evidence.residual, max(evidence.gain, 0.0), gap
