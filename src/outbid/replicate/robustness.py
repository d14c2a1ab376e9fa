"""What a newly fitted measurement model does to every later step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from outbid.errors import InputError
from outbid.game.state.measurement import Measurement, smooth_state
from outbid.game.state.measurement_fit import MeasurementFit, fit_state
from outbid.progress import Silent
from outbid.replicate import cells
from outbid.replicate.declared import Floats
from outbid.replicate.panel import GamePanel
from outbid.replicate.settings import PlaySettings
from outbid.replicate.work import Found, first_stage, solve_panel
from outbid.report.replication.content import Refit, RefitRow
from outbid.study import Study

# Places from which the measurement model's likelihood is climbed.
STARTS = 4
# Draws of the bootstrap there: its errors are for comparison only.
DRAWS = 300


@dataclass(frozen=True, eq=False)
class Anew:
    """The measurement model fitted anew, and the later steps on its state (None where they failed)."""

    fitted: MeasurementFit
    later: Found | None


def infer_anew(
    study: Study, play: PlaySettings, panel: GamePanel, quick: bool, seed: int
) -> tuple[Anew | None, tuple[str, ...]]:
    """Return the state inferred anew from the polls with all later steps, or None, and what was left out and why."""
    if panel.simulated:
        return None, (
            "The measurement model: a simulated panel has its state without polls.",
            "Other draws: one panel is one draw, and with another seed the likelihood may peak elsewhere, with "
            "payoffs of the opposite sign, as it does on the real panel.",
        )
    if panel.polls is None:
        return None, (f"The measurement model: the data folder holds no {play.files.get('polls', 'polls')}.",)
    if quick:
        return None, ("The measurement model is not fitted anew in a quick run.",)
    first, last = play.low_months
    names = (play.poll_columns, play.action_columns)
    low = slice(first, last + 1)
    try:
        fitted = fit_state(panel.polls, panel.actions, *names, low_months=low, starts=STARTS, seed=seed)
    except InputError as fault:
        return None, (f"The measurement model, fitted anew: {fault}",)
    changed = replace(panel, state=fitted.smoothed.state, bootstrap=None, curves=None)
    try:
        later = solve_panel(
            study, play, changed, first_stage(play, changed, seed, DRAWS), Silent(), errors=False
        )
    except InputError as fault:
        return Anew(fitted, None), (f"The later steps on the state inferred anew: {fault}",)
    return Anew(fitted, later), ()


def refit(found: Found, anew: Anew) -> Refit:
    """Return what the measurement model fitted anew does to the later steps, for the report."""
    play, panel, fitted, again = found.play, found.panel, anew.fitted, anew.later
    polls = panel.polls
    assert polls is not None
    gap = likelihood = None
    if panel.measurement is not None:
        count = polls.shape[1]
        stored = Measurement(
            panel.measurement[:count], float(panel.measurement[count]), panel.measurement[count + 1 :]
        )
        smoothed = smooth_state(stored, polls, panel.actions)
        gap = float(np.abs(smoothed.state - panel.state).max())
        likelihood = smoothed.log_likelihood
    return Refit(
        (
            *_measurement_rows(play, panel, fitted),
            *(() if again is None else _later_rows(play, found, again)),
        ),
        gap,
        likelihood,
        fitted.log_likelihood,
        float(np.corrcoef(panel.state, fitted.smoothed.state)[0, 1]),
        fitted.maxima,
    )


def _measurement_rows(play: PlaySettings, panel: GamePanel, fitted: MeasurementFit) -> tuple[RefitRow, ...]:
    pulls = [f"what an attack by {label} adds next month" for label in play.labels]
    polls = [f"weight of {name.replace('_', ' ')}" for name in play.poll_columns]
    names = (*polls, "share carried over", "constant", *pulls)
    stored: list[float | None] = list(map(float, panel.measurement)) if panel.measurement is not None else []
    stored = stored or [None] * len(names)
    return tuple(
        RefitRow("The polls and the state", name, before, float(at), float(error), "standardised")
        for name, before, at, error in zip(
            names, stored, fitted.estimates, fitted.standard_errors, strict=True
        )
    )


def _later_rows(play: PlaySettings, before: Found, after: Found) -> tuple[RefitRow, ...]:
    rows = []
    names = (*cells.equation_rows(play, "state before"), "sigma")
    errors = np.sqrt(np.diag(after.equation.covariance))
    group = "The state equation (Table 1, levels)"
    rows += _rows(group, names, before.equation.equation, after.equation.equation, errors, play.state)
    group = "Payoffs (Table 2)"
    payoffs = (before.payoffs.estimates, after.payoffs.estimates)
    rows += _rows(group, cells.payoff_rows(play), *payoffs, after.payoffs.first, "payoff")
    likelihoods = (before.payoffs.log_likelihood, after.payoffs.log_likelihood)
    rows.append(RefitRow(group, "log-likelihood", *likelihoods, None, ""))
    group = "What the rival changes (Table 4)"
    rows += [
        RefitRow(
            group,
            f"{play.labels[one.player]}, {one.era.name}",
            one.difference.value,
            other.difference.value,
            other.difference.error,
            "probability",
        )
        for one, other in zip(before.eras, after.eras, strict=True)
    ]
    group = "Dearer and cheaper attacks (Table 5)"
    acting = (*(cells.acts(label) for label in play.labels), "either attacks")
    for one_row, other_row in zip(before.costs, after.costs, strict=True):
        if "of the step" in one_row.row:
            continue
        rows += [
            RefitRow(group, f"{one_row.row}: {name}", value.value, anew.value, anew.error, "probability")
            for name, value, anew in zip(acting, one_row.values, other_row.values, strict=True)
        ]
    return tuple(rows)


def _rows(
    group: str, names: tuple[str, ...], before: Floats, after: Floats, errors: Floats, unit: str
) -> list[RefitRow]:
    return [
        RefitRow(group, name, float(one), float(other), float(error), unit)
        for name, one, other, error in zip(names, before, after, errors, strict=True)
    ]
