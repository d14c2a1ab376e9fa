"""The order of a replication: panel, state equation, payoffs, variants, other maxima, the state inferred anew.

Every variant (no rival, dearer or cheaper actions) is evaluated by the code that was compiled for the estimation, which
also gives how play moves with the payoffs; so intervals by the delta method come at no further cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from outbid.data.tables import Column, check_known, choice, non_negative, number, read_table, text
from outbid.errors import InputError
from outbid.game.equilibrium import NoEquilibrium, holds, solve
from outbid.game.estimates import Estimates, estimate
from outbid.game.first_stage import FirstStage, bootstrap, changes, levels
from outbid.game.game import quantile_axis
from outbid.game.likelihood import Evaluation, evaluate
from outbid.game.many_starts import draw_starts, estimate_many
from outbid.game.measurement import MeasurementFit, fit_state
from outbid.game.specification import Play as Months
from outbid.game.specification import Specification
from outbid.progress import Progress, Silent
from outbid.replication.game import (
    DeclaredGame,
    Floats,
    GamePanel,
    Play,
    declared_game,
    play_settings,
    read_panel,
    simulated_panel,
    specification,
    without,
)
from outbid.study import Study
from outbid.words.numbers import MINUS

# Half-width of a 95% interval, in standard errors.
REACH = 1.959964
# Draws of our own bootstrap of the state equation, where the data folder holds none; and where it is for comparison only.
DRAWS, FEW_DRAWS = 1000, 300
# Newton steps that lead from values of zero to an equilibrium, at most.
FROM_ZERO = 60
# In how many strides a change of costs is made, so that the solution stays next to the base's.
STRIDES = 4
# Starts of a usual run and of a quick one, the study's own among them; and how many look for further equilibria at most.
STARTS, FEW_STARTS, EQUILIBRIA = 10, 4, 256
# Standard deviation of the starts, as a share of the study's own start.
SPREAD = 1.0
# Places from which the measurement model's likelihood is maximised.
STATE_STARTS = 4


class Variant(NamedTuple):
    """Play in one variant: chances of acting, shape (states, players), and their derivatives in the payoffs, last axis."""

    chances: Floats
    slopes: Floats


@dataclass(frozen=True, eq=False)
class Record:
    """A panel and its first stage: the state equation in levels and in changes, and the covariance for later errors."""

    study: Study
    play: Play
    published: pd.DataFrame
    panel: GamePanel
    levels: FirstStage
    changes: FirstStage
    covariance: Floats

    @property
    def equation(self) -> Floats:
        """The state equation in levels, its spread last, shape (7,)."""
        return np.append(self.levels.estimates, self.levels.sigma)


@dataclass(frozen=True, eq=False)
class Estimated(Record):
    """And the game estimated on it: the declared theory on its grid, the family of games, the months as play."""

    declared: DeclaredGame
    family: Specification
    months: Months
    payoffs: Estimates

    @property
    def grid(self) -> Floats:
        """The grid's points, shape (states,)."""
        return np.asarray(self.declared.reduction.grid.axes[0].points)

    @property
    def problems(self) -> tuple[str, ...]:
        """What stands against believing the payoffs; empty if nothing does."""
        payoffs = self.payoffs
        return () if payoffs.converged else (f"The payoffs were not found: {payoffs.message}.",)


@dataclass(frozen=True, eq=False)
class Solved(Estimated):
    """And solved: as estimated, and for each player where its rival's actions move nothing, with the tables of both."""

    base: Variant
    alone: tuple[Variant, ...]
    rivals: pd.DataFrame
    costs: pd.DataFrame


_COLUMNS = (
    *(Column(name, text) for name in ("table", "row", "column")),
    Column("value", number),
    Column("rule", choice("decimals", "significant", "within")),
    Column("precision", non_negative),
    Column("source", text),
    Column("unit", text),
    Column("note", text, blank="none"),
)
_KEY, _ABOUT = ["table", "row", "column"], ["rule", "unit", "note", "source"]


def read_published(study: Study) -> pd.DataFrame:
    """Return a study's table of published figures, one a row, keyed by table, row and column.

    `value` is the figure; ours agrees with it by its `rule`: "decimals" (it rounds to it at so many decimals),
    "significant" (they agree to so many digits) or "within" (they differ by no more); `precision` is that number.
    """
    path = study.folder / "published.csv"
    rows = read_table(path, _COLUMNS, _KEY)
    if not rows:
        raise InputError(str(path), "holds no figure", "Give at least one row.")
    for row in rows:
        check_known(row, "source", study.figure_sources)
    return pd.DataFrame([dict(row.values) for row in rows]).fillna({"note": ""})


def agrees(value: float, rule: str, precision: float, ours: float) -> bool:
    """Say whether our figure is the published one, by that figure's own rule."""
    leading = math.floor(math.log10(abs(value))) if value else 0
    digits = {"decimals": -precision, "significant": leading + 1 - precision}
    allowed = 0.5 * 10.0 ** digits[rule] if rule in digits else precision
    return math.isfinite(ours) and bool(abs(ours - value) <= allowed * (1.0 + 1e-9))


def judge(published: pd.DataFrame, ours: pd.DataFrame, simulated: bool = False) -> pd.DataFrame:
    """Return every published figure beside ours: `published`, `ours`, `difference`, and `ok`, missing where not judged.

    `ours` has the same key, our figure, and the ends of its interval (`low`, `high`) where it has one. On a panel that
    was `simulated` at the published figures they are the truth: ours is right where its interval holds the truth, and is
    not judged where it has none.
    """
    cells = published.merge(ours, how="left", on=_KEY, validate="1:1", indicator="found")
    judged = cells["low"].notna() if simulated else cells["found"] == "both"
    rules = [cells[name] for name in ("value", "rule", "precision")]
    alike = [agrees(*each) for each in zip(*rules, cells["ours"], strict=True)]
    ok = cells["value"].between(cells["low"], cells["high"]) if simulated else pd.Series(alike)
    ends = ["low", "high"]
    cells = cells.assign(
        published=cells["value"],
        printed=[printed(*each) for each in zip(*rules, strict=True)],
        difference=cells["ours"] - cells["value"],
        ok=ok.astype("boolean").where(judged),
        **{name: cells[name] if simulated else np.nan for name in ends},
        rule=cells["rule"] + cells["precision"].map(" {:g}".format),
    )
    return cells[[*_KEY, "published", "printed", "ours", "difference", "ok", *ends, *_ABOUT]]


def printed(value: float, rule: str, precision: float) -> str:
    """Return a published figure as it was printed."""
    forms = {"decimals": f".{int(precision)}f", "within": ".6f", "significant": "#.5g"}
    return f"{value:{forms[rule]}}".replace("-", MINUS)


def equation_rows(play: Play, before: str = "state before") -> list[str]:
    """Return the rows of Table 1 in the order of the first stage's terms; `before` is the carried-over term's."""
    acting = [f"{label} attacks" for label in play.labels.values()]
    return ["constant", *acting, before, *(f"{name} × state before" for name in acting)]


def payoff_rows(play: Play) -> list[str]:
    """Return the rows of Table 2 in the order of the payoffs."""
    kinds = (f"worth of {play.state}", "payoff of an attack")
    return [f"{label}: {kind}" for kind in kinds for label in play.labels.values()]


def begin(study: Study, data: Path | None, seed: int, progress: Progress) -> Record:
    """Return the panel from a data folder, or one simulated at the published estimates, with its first stage."""
    play, published = play_settings(study), read_published(study)
    with progress.stage("Reading the panel and fitting the state equation"):
        if data is not None:
            return first_stage(study, play, published, read_panel(data, play), seed)
        truth = published.set_index(_KEY)["value"]
        rows = [("1", row, "levels, estimate") for row in (*equation_rows(play), "sigma")]
        rows += [("2", row, "estimate") for row in payoff_rows(play)]
        for row in rows:
            if row not in truth:
                problem = f"holds no figure for {', '.join(row)}"
                raise InputError("published.csv", problem, "Add it; a simulated panel needs it.")
        equation, payoffs = np.split(truth[rows].to_numpy(float), [7])
        panel = simulated_panel(study.model, play, equation, payoffs, seed)
        return first_stage(study, play, published, panel, seed)


def first_stage(
    study: Study, play: Play, published: pd.DataFrame, panel: GamePanel, seed: int, draws: int = DRAWS
) -> Record:
    """Fit the state equation; `draws` are those of our own bootstrap, where the data folder holds none."""
    moves = panel.state, panel.actions, play.columns.actions
    plain, covariance = levels(*moves), panel.bootstrap
    if covariance is None:
        covariance = bootstrap(*moves, draws=draws, seed=seed).covariance
    return Record(study, play, published, panel, plain, changes(*moves), covariance)


def estimate_payoffs(record: Record, progress: Progress, *, errors: bool = True) -> Estimated:
    """Estimate the payoffs (values of the state, then costs) uphill of the study's own start.

    Without `errors`, only those that take the state equation for known are worked out, which is sooner done.
    """
    play, panel, equation = record.play, record.panel, record.equation
    axis = quantile_axis(play.state, panel.state, play.grid_step, play.grid_low, play.grid_high)
    declared = declared_game(record.study.model, play, axis, equation)
    states = declared.reduction.grid.nearest({play.state: panel.state})
    family = specification(declared, equation, record.covariance)
    months = Months(states, panel.actions, panel.months)
    with progress.stage("Estimating the payoffs") as stage:
        stage.note("compiling")
        game = family.game(play.start)
        blank = np.zeros((game.grid.size, sum(game.counts)))
        # by the code that the estimation needs anyway: `solve` would have to be compiled for, which takes longer
        at = evaluate(family, play.start, blank, months.counts(game), FROM_ZERO)
        values = at.values if holds(at.values, float(at.error)) else None
        payoffs = estimate(family, months, play.start, values, errors=errors)
    return Estimated(**vars(record), declared=declared, family=family, months=months, payoffs=payoffs)


def payoff_table(game: Estimated) -> pd.DataFrame:
    """Return the payoffs with three kinds of standard errors and the 95% interval from the last.

    `first_step_error` takes the state equation for known, `corrected_error` is corrected as published, `full_error`
    also counts how the equilibrium moves with the state equation; missing where it was not asked for.
    """
    payoffs = game.payoffs
    kinds = {"first_step_error": "uncorrected", "corrected_error": "published", "full_error": "corrected"}
    errors = {
        name: payoffs.standard_errors(kind) if kind in payoffs.covariances else np.nan
        for name, kind in kinds.items()
    }
    columns = {"parameter": game.family.names, "meaning": payoff_rows(game.play)}
    table = pd.DataFrame({**columns, "estimate": payoffs.estimates, **errors})
    reach = REACH * table["full_error"]
    return table.assign(low=table["estimate"] - reach, high=table["estimate"] + reach)


def solve_panel(record: Record, progress: Progress, *, errors: bool = True) -> Solved:
    """Estimate the payoffs, and work out what would be otherwise; `errors` as in `estimate_payoffs`.

    Where a rival's actions move nothing, what it does is of no matter, and a player solves its problem alone. Raises
    NoEquilibrium if a variant has no solution that can be found.
    """
    game = estimate_payoffs(record, progress, errors=errors)
    with progress.stage("Solving without a rival, and with other costs"):
        theta, values = game.payoffs.estimates, game.payoffs.equilibrium.values
        alone = []
        for rival in (1, 0):
            other = specification(game.declared, without(game.equation, rival), game.covariance)
            alone.append(_variant(_sound(game, other, theta, values)))
        at = _sound(game, game.family, theta, values)
        rivals, costs = _rivals(game, _variant(at), alone), _costs(game, at)
    return Solved(**vars(game), base=_variant(at), alone=tuple(alone), rivals=rivals, costs=costs)


def _sound(game: Estimated, family: Specification, theta: Floats, start: Floats) -> Evaluation:
    """Return the evaluation at payoffs, solved by Newton from `start` or, where that fails, by other ways."""
    counts = game.months.counts(game.payoffs.equilibrium.game)
    at = evaluate(family, theta, start, counts)
    if not holds(at.values, float(at.error)):
        at = evaluate(family, theta, solve(family.game(theta), start).values, counts)
    if not holds(at.values, float(at.error)):
        raise NoEquilibrium("counterfactual", "has no equilibrium that could be held", "Take a smaller step.")
    return at


def _variant(at: Evaluation) -> Variant:
    # two actions a player: the second is to act
    chances = np.exp(at.logs[:, 1::2])
    return Variant(chances, chances[:, :, None] * at.slopes[:, 1::2])


def _error(slope: Floats, covariance: Floats | None) -> float:
    """Return a figure's standard error by the delta method, of its slope, shape (payoffs,)."""
    return np.nan if covariance is None else max(float(slope @ covariance @ slope), 0.0) ** 0.5


def _rivals(game: Estimated, base: Variant, alone: list[Variant]) -> pd.DataFrame:
    """Return what the rival changes for each player and period, along the observed months.

    `sd_over_root_n` is the standard deviation of the monthly differences over the root of their number, no sampling
    error. `low` and `high` bound the 95% interval by the delta method, `low_published` and `high_published` that
    from the published form of the errors.
    """
    states, rows = game.months.states, []
    for i, (player, other) in enumerate(zip(game.play.labels, alone, strict=True)):
        together, apart = base.chances[states, i], other.chances[states, i]
        gaps, slopes = together - apart, (base.slopes[:, i] - other.slopes[:, i])[states]
        for era, part in game.play.spans:
            months, slope = part.stop - part.start, slopes[part].mean(axis=0)
            row = {
                "player": player,
                "period": era.name,
                "months": months,
                "with_rival": together[part].mean(),
                "without": apart[part].mean(),
                "difference": gaps[part].mean(),
                "error": _error(slope, game.payoffs.vcov()),
                "sd_over_root_n": gaps[part].std(ddof=1) / np.sqrt(months),
                "observed": game.panel.actions[part, i].mean(),
            }
            rows.append(row | {"milder": _error(slope, game.payoffs.covariances.get("published"))})
    table = pd.DataFrame(rows)
    for tail, error in (("", table["error"]), ("_published", table.pop("milder"))):
        table[f"low{tail}"] = table["difference"] - REACH * error
        table[f"high{tail}"] = table["difference"] + REACH * error
    return table


def _costs(game: Estimated, at: Evaluation) -> pd.DataFrame:
    """Return the chance of acting under dearer and cheaper actions, averaged over the grid, with its error.

    In the order of the published table, then of its smaller steps; `player` is "either" for that of anybody.
    """
    play = game.play
    one, other = play.labels.values()
    ways = (("higher", -play.cost_step, play.part_dearer), ("lower", play.cost_step, play.part_cheaper))
    steps = {"baseline": (0.0, 0.0)}
    for word, size, _ in ways:
        steps[f"{word} cost {one}"], steps[f"{word} cost {other}"] = (size, 0.0), (0.0, size)
        steps[f"{word} cost both"] = (size, size)
    for word, size, (above, below) in ways:
        part = size * above / below
        steps[f"{word} cost both, {above}/{below} of the step"] = (part, part)
    rows = []
    for name, step in steps.items():
        chances, slopes = _variant(_shifted(game, at, step))
        rest = 1.0 - chances
        either = 1.0 - rest.prod(axis=1), (slopes * rest[:, ::-1, None]).sum(axis=1)
        curves = [*((chances[:, i], slopes[:, i]) for i in range(2)), either]
        for player, (chance, slope) in zip((*play.labels, "either"), curves, strict=True):
            error = _error(slope.mean(axis=0), game.payoffs.vcov())
            rows.append({"row": name, "player": player, "probability": chance.mean(), "error": error})
    return pd.DataFrame(rows)


def _shifted(game: Estimated, at: Evaluation, step: tuple[float, float]) -> Evaluation:
    """Return play at other costs, followed from the base: where there are several equilibria, the one next to it."""
    move = np.array([0.0, 0.0, *step]) / STRIDES
    for stride in range(1, STRIDES + 1) if any(step) else ():
        theta = game.payoffs.estimates + stride * move
        at = _sound(game, game.family, theta, at.values + at.moves @ move)
    return at


def certificate(solved: Solved) -> dict[str, float | None]:
    """Return the equations' largest error, the most that anyone could gain by playing otherwise, and the curves' gap.

    The gap is the largest difference of our chances from the authors' stored ones, None where those are not given.
    """
    evidence, stored, grid = solved.payoffs.equilibrium.certificate, solved.panel.curves, solved.grid
    gap = None
    if stored is not None and len(stored) == len(grid) and np.allclose(stored[:, 0], grid, atol=1e-6):
        gap = float(np.abs(stored[:, 1:] - solved.base.chances).max())
    return {"residual": evidence.residual, "gain": max(evidence.gain, 0.0), "gap": gap}


def search(
    solved: Solved, quick: bool, seed: int, progress: Progress
) -> tuple[dict[str, int] | None, pd.DataFrame | None]:
    """Return how many starts there were, and every local maximum that some led to, one a row; None without any.

    Columns: `log_likelihood`, the payoffs by name, how many `starts` led there, how many `equilibria` were found there.
    """
    number, center = FEW_STARTS if quick else STARTS, solved.play.start
    starts = draw_starts(center, SPREAD * np.abs(center), number, seed)
    game = solved.family, solved.months
    with progress.stage(f"Searching from {number} starts") as stage:
        stage.note("compiling")
        try:
            maxima = estimate_many(*game, starts, equilibrium_starts=EQUILIBRIA, seed=seed, errors=False)
        except InputError:
            return None, None
    facts = {"starts": number, "failed": len(maxima.failed), "equilibrium_starts": EQUILIBRIA}
    return facts, maxima.table()[["log_likelihood", *solved.family.names, "starts", "equilibria"]]


def infer_anew(
    record: Record, quick: bool, seed: int
) -> tuple[MeasurementFit | None, Solved | None, list[str]]:
    """Return the measurement model fitted to the polls anew, all later steps on its state, and what was left out and why."""
    play, panel, left_out = record.play, record.panel, []
    if panel.simulated:
        left_out = [
            "The measurement model: a simulated panel has its state without polls.",
            "Other draws: one panel is one draw, and with another seed the likelihood may peak elsewhere, with "
            "payoffs of the opposite sign, as it does on the real panel.",
        ]
    elif panel.polls is None:
        left_out = [f"The measurement model: the data folder holds no {play.files.polls or 'polls'}."]
    elif quick:
        left_out = ["The measurement model is not fitted anew in a quick run."]
    if panel.polls is None or left_out:
        return None, None, left_out
    names, fit = (play.columns.polls, play.columns.actions), None
    try:
        fit = fit_state(
            panel.polls, panel.actions, *names, low_months=play.low, starts=STATE_STARTS, seed=seed
        )
        anew = panel._replace(state=fit.smoothed.state, bootstrap=None, curves=None)
        changed = first_stage(record.study, play, record.published, anew, seed, FEW_DRAWS)
        return fit, solve_panel(changed, Silent(), errors=False), []
    except InputError as fault:
        what = "The later steps on the state inferred anew" if fit else "The measurement model, fitted anew"
        return fit, None, [f"{what}: {fault}"]
