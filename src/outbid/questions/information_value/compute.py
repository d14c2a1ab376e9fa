"""What to collect next: how far figures that don't exist yet would narrow a claim or a decision.

Preposterior analysis (Raiffa and Schlaifer, 1961): every draw of the posterior is a world that could be ours; in
each one the record that an analyst would gather is simulated, and what the records tell about the worlds is
what collecting is worth. The expectation given a record is a regression over draws (Strong, Oakley and Brennan,
2014), judged on draws that it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from outbid.conventions import AFTER, BEFORE, CALLED
from outbid.errors import InputError, did_you_mean
from outbid.game.newton import one_thread_each
from outbid.question import Context
from outbid.questions.information_value.figures import figures, signal
from outbid.questions.information_value.schema import FILE, TOGETHER, Collection, Decision, Measure
from outbid.run import Knowledge
from outbid.simulate.futures import summary
from outbid.simulate.scenario import lever_paths, rule_table
from outbid.stats.foretelling import (
    ESTIMATE,
    NOTHING,
    basis,
    chances,
    joint_basis,
    mean,
    normal_scores,
    predict,
    resamples,
    share_of_loss,
    surprise,
)

Floats = NDArray[np.float64]

# With fewer draws nothing can be said out of sample.
FEWEST = 100


def answer(context: Context, asked: Collection, options: Any = None) -> xr.Dataset:
    """Return what every collection would tell about every claim and decision, by prior set; see `appraise`.

    Raises
    ------
    InputError
        If a claim's test has no effect by draw.
    """
    claims, sets = context.of("claims"), []
    with context.progress.stage("Weighing what to collect next", len(context.known)) as stage:
        for name, known in context.known.items():
            effects = {each.id: _effect(claims, name, each.test) for each in asked.claims}
            rehearsal = Rehearsal(context, known, asked)
            records = {each.id: rehearsal.record(each) for each in asked.measures}
            choices = {each.id: rehearsal.utilities(each) for each in asked.decisions}
            sets.append(appraise(records, effects, choices, context.settings.seed, asked.together))
            stage.advance()
    made = xr.concat(sets, xr.Variable("prior", list(context.known)))
    return made.assign(before=(("prior", "target"), [_before(claims, name, asked) for name in context.known]))


def _before(claims: xr.Dataset | None, prior: str, asked: Collection) -> list[float]:
    """Return the chance before the data that each claim holds; missing for decisions."""
    if claims is None or "p_direction" not in claims:
        return [np.nan] * len((*asked.claims, *asked.decisions))
    chances_before = claims["p_direction"].sel(prior=prior, data=BEFORE)
    held = [float(chances_before.sel(test=each.test)) for each in asked.claims]
    same = [float(claims["sign"].sel(test=each.test)) == each.sign for each in asked.claims]
    return [*(p if s else 1 - p for p, s in zip(held, same, strict=True)), *([np.nan] * len(asked.decisions))]


def _effect(claims: xr.Dataset | None, prior: str, test: str) -> Floats:
    tests = [] if claims is None else [str(each) for each in claims["test"].values]
    effect = (
        claims["effect"].sel(prior=prior, test=test).values if claims is not None and test in tests else None
    )
    if effect is None or np.isnan(effect).all():
        raise InputError(
            f"{FILE}, claim", f"the test {test!r} has no effect by draw", did_you_mean(test, tests)
        )
    return np.asarray(effect)


class Rehearsal:
    """Collects every series in every draw of one prior set's posterior, before anybody does in earnest.

    The months ahead are played with other shocks than those under which effects were told: a record teaches
    about the world, not about the luck of the months that an effect happened to be told in.
    """

    def __init__(self, context: Context, known: Knowledge, asked: Collection) -> None:
        self._study, self._known = context.study, known
        self._simulator, self._seed = context.simulator, context.settings.seed
        standing, model = known.history[AFTER].state_today, context.study.model
        self._parameters = {name: standing.parameters[:, i] for i, name in enumerate(model.parameter_names)}
        ahead = [each for each in asked.measures if not each.past]
        # only what is seen is kept: everything would be some fifty megabytes a scenario
        self._seen = tuple(dict.fromkeys(name for each in ahead for name in (each.sees, each.per) if name))
        self._ahead: dict[str, Floats] = {}

    def record(self, measure: Measure) -> Floats:
        """Return a synthetic record per draw, as level, trend and finer swings, shape (draws, figures)."""
        path = self._path(measure, measure.sees)
        if measure.per:
            path = path / np.maximum(self._path(measure, measure.per), 1e-9)
        chance = np.random.default_rng([self._seed, *measure.id.encode()])
        adds = measure.adds(self._study.model)
        return signal(measure, figures(measure, path, self._parameters, adds, chance))

    def utilities(self, decision: Decision) -> dict[str, Floats]:
        """Return each option's utility by draw, more being better, in the unit of the decision's outcome."""
        outcome = next(item for item in self._study.model.outcomes if item.name == decision.outcome)
        sign, futures = 1.0 if outcome.better == "higher" else -1.0, self._known.future[AFTER]
        result = {}
        for option in decision.options:
            if option in futures.paths:
                path = futures.paths[option][:, :, futures.outcomes.index(outcome)]
            else:
                path = self._run(option, self._seed, (f"outcome.{outcome.name}",))[:, :, 0]
            result[option] = sign * summary(outcome, path)
        return result

    def _path(self, measure: Measure, output: str) -> Floats:
        """Return what is seen, month by month, shape (draws, months that are gathered)."""
        if measure.past:
            return np.asarray(self._behind(measure, output)[:, -measure.months :])
        scenario = measure.under or self._study.baseline.id
        if scenario not in self._ahead:
            self._ahead[scenario] = self._run(scenario, self._seed + 1, self._seen)
        return self._ahead[scenario][:, : measure.months, self._seen.index(output)]

    def _behind(self, measure: Measure, output: str) -> Floats:
        past, (kind, _, name) = self._known.history[AFTER], output.partition(".")
        if kind == "lever":
            return past.levers[:, :, self._study.model.lever_names.index(name)]
        if output not in past.paths:
            problem = f"the past tells nothing of {output!r}, as no figure of it was used"
            raise InputError(f"{FILE}, {measure.id}, sees", problem, did_you_mean(output, past.paths))
        return past.paths[output]

    def _run(self, scenario: str, seed: int, outputs: tuple[str, ...]) -> Floats:
        item, standing = self._study.scenario(scenario), self._known.history[AFTER].state_today
        levers = lever_paths(self._study.model, item, standing.levers, self._simulator.months)
        innovations = self._simulator.innovations(len(standing), seed)
        rules = rule_table(self._study.model, item.rules)
        return self._simulator.run(standing, levers, innovations, rules, outputs)


def appraise(
    records: Mapping[str, Floats],
    effects: Mapping[str, Floats],
    choices: Mapping[str, Mapping[str, Floats]],
    seed: int,
    together: Sequence[str] = (),
) -> xr.Dataset:
    """Return what each record would tell about each claim and decision (the dimension `target`).

    Parameters
    ----------
    records
        By measure, the synthetic records, shape (draws, figures): level, trend and finer swings
        (`figures.signal`). Rows that are not finite are left out of everything.
    effects
        By claim, each draw's effect, shape (draws,).
    choices
        By decision and option, each draw's utility (more is better), shape (draws,).
    together
        Records that can be gathered side by side, to be judged as one, the measure TOGETHER.

    Returns
    -------
    Estimates with interval and standard error (the dimension `estimate`). `told`: of a claim the share of the
    variance of its effect, by place among all draws, that would be resolved; of a decision the expected value of
    sample information, in its outcome's unit. Of a claim also `doubt`, the share of the entropy of "the effect is
    above zero" that would go, and `clear`, the probability of an answer at least CALLED sure; both are missing where
    the answer is that sure already. `whole`: what knowing everything would be worth, 1 for a claim, else the expected
    value of perfect information. Today's `positive` and `negative` chances of a claim's effect, whether it is `open`,
    and the `best` option of a decision. `draws`: how many worlds it rests on.

    Raises
    ------
    InputError
        If the arrays differ in their number of draws, or fewer than FEWEST usable draws are left.
    """
    utilities = {
        name: np.stack([np.asarray(u, dtype=float) for u in of.values()], axis=1)
        for name, of in choices.items()
    }
    usable = _usable(
        {**records, **{f"effect of {name}": each for name, each in effects.items()}, **utilities}
    )
    rows = int(usable.sum())
    moves = {name: np.asarray(each, dtype=float)[usable] for name, each in effects.items()}
    gains = {name: each[usable] for name, each in utilities.items()}
    weights = resamples(rows, seed)
    wanted = np.concatenate(
        [
            np.zeros((rows, 0)),
            *(np.stack([normal_scores(each), (each > 0).astype(float)], axis=1) for each in moves.values()),
            *(each[:, 1:] - each[:, :1] for each in gains.values()),
        ],
        axis=1,
    )
    bases = {name: basis(each[usable]) for name, each in records.items()}
    if len(together) > 1:
        bases[TOGETHER] = joint_basis([records[name][usable] for name in together])
    with one_thread_each():
        foretold = {record: predict(columns, wanted) for record, columns in bases.items()}
    estimates = {record: _estimates(each, wanted, moves, gains, weights) for record, each in foretold.items()}
    whole = [np.array([1.0, np.nan, np.nan, np.nan])] * len(moves)
    whole += [
        mean(each.max(axis=1) - each[:, int(np.argmax(each.mean(axis=0)))], weights)
        for each in gains.values()
    ]
    values = np.array([list(each) for each in estimates.values()]).reshape(len(bases), 3, -1, len(ESTIMATE))
    blank = [np.nan] * len(gains)
    best = [list(choices[name])[int(np.argmax(each.mean(axis=0)))] for name, each in gains.items()]
    return xr.Dataset(
        {
            **{
                name: (("measure", "target", "estimate"), values[:, i])
                for i, name in enumerate(("told", "doubt", "clear"))
            },
            "whole": (("target", "estimate"), np.array(whole).reshape(-1, len(ESTIMATE))),
            "positive": ("target", [*(float(np.mean(each > 0)) for each in moves.values()), *blank]),
            "negative": ("target", [*(float(np.mean(each < 0)) for each in moves.values()), *blank]),
            "open": (
                "target",
                [*map(_is_open, moves.values()), *(np.ptp(g.mean(axis=0)) > 0 for g in gains.values())],
            ),
            "best": ("target", np.array([*([""] * len(moves)), *best], dtype=str)),
            "draws": rows,
        },
        {"measure": list(bases), "target": [*moves, *gains], "estimate": list(ESTIMATE)},
    )


def _usable(arrays: Mapping[str, Floats]) -> NDArray[np.bool_]:
    lengths = {name: len(each) for name, each in arrays.items()}
    rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != rows:
            raise InputError(name, f"has {length} draws where others have {rows}", "Give the same draws.")
    usable = np.ones(rows, dtype=bool)
    for each in arrays.values():
        usable &= np.isfinite(np.asarray(each, dtype=float).reshape(rows, -1)).all(axis=1)
    if usable.sum() < FEWEST:
        problem = f"{int(usable.sum())} usable draws are too few to judge by"
        raise InputError("information value", problem, f"Give at least {FEWEST} draws.")
    return usable


def _is_open(effect: Floats) -> bool:
    """Say whether the sign of an effect is still in doubt."""
    return 1 - CALLED < float(np.mean(effect > 0)) < CALLED


def _estimates(
    foretold: Floats,
    wanted: Floats,
    moves: Mapping[str, Floats],
    gains: Mapping[str, Floats],
    weights: Floats,
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Return what one record tells, the doubt that it removes and how often it answers, a list over targets each."""
    told: list[Floats] = []
    doubt: list[Floats] = []
    clear: list[Floats] = []
    at = 0
    for effect in moves.values():
        each = _claim(effect, wanted[:, at], foretold[:, at : at + 2], weights)
        for column, estimate in zip((told, doubt, clear), each, strict=True):
            column.append(estimate)
        at += 2
    for utility in gains.values():
        options = utility.shape[1] - 1
        told.append(_decision(utility, foretold[:, at : at + options], weights))
        doubt.append(NOTHING)
        clear.append(NOTHING)
        at += options
    return told, doubt, clear


def _claim(
    effect: Floats, scores: Floats, foretold: Floats, weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the share of the effect's variance resolved, the doubt removed, the chance of a clear answer."""
    if np.ptp(effect) <= 1e-9 * max(float(np.abs(effect).max()), 1e-300):
        return NOTHING, NOTHING, NOTHING
    apart = scores - scores.mean()
    resolved = share_of_loss((apart - foretold[:, 0]) ** 2, apart**2, weights)
    if not _is_open(effect):
        return resolved, NOTHING, NOTHING
    holds = effect > 0
    chance = chances(foretold, holds)
    base = surprise(np.full(len(holds), float(np.mean(holds))), holds)
    doubt = share_of_loss(surprise(chance, holds), base, weights)
    clear = ((chance >= CALLED) | (chance <= 1 - CALLED)).astype(float)
    return resolved, doubt, mean(clear, weights)


def _decision(utility: Floats, more: Floats, weights: Floats) -> Floats:
    """Return what acting on the record adds over the option that is best without it.

    `more` is how far what each option yields above the first is foretold to be from its mean. The gain is counted
    on draws that the regression has not seen, so that its luck counts for nothing.
    """
    expected = utility.mean(axis=0)
    foretold = np.concatenate([np.zeros((len(more), 1)), more], axis=1) + expected
    chosen, best = np.argmax(foretold, axis=1), int(np.argmax(expected))
    return mean(np.take_along_axis(utility, chosen[:, None], axis=1)[:, 0] - utility[:, best], weights)
