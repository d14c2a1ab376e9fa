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
from scipy.fft import dct

from outbid.conventions import AFTER, BEFORE, CALLED
from outbid.errors import InputError, did_you_mean
from outbid.game.newton import one_thread_each
from outbid.question import Context
from outbid.questions.information_value import schema
from outbid.questions.information_value.schema import FILE, ByName, Collection, Decision, Floats, Measure
from outbid.run import Knowledge
from outbid.simulate.futures import summary
from outbid.simulate.scenario import lever_paths, rule_table
from outbid.stats import foretelling
from outbid.stats.foretelling import ESTIMATE, NOTHING

# With fewer draws nothing can be said out of sample.
FEWEST = 100


def answer(context: Context, asked: Collection, options: Any = None) -> xr.Dataset:
    """Return what every collection would tell about every claim and decision, by prior set; see `appraise`.

    `before` is the chance before the data that a claim holds, missing for decisions. Raises InputError if a claim's
    test has no effect by draw.
    """
    claims, sets = context.of("claims"), []
    with context.progress.stage("Weighing what to collect next", len(context.known)) as stage:
        for name, known in context.known.items():
            effects, before = {}, []
            for claim in asked.claims:
                test = _test(claims, name, claim.test)
                effects[claim.id] = test["effect"].values
                # the test may expect the other sign
                chance = float(test["p_direction"].sel(data=BEFORE))
                before.append(chance if test["sign"] == claim.sign else 1 - chance)
            rehearsal = Rehearsal(context, known, asked)
            records = {each.id: rehearsal.record(each) for each in asked.measures}
            choices = {each.id: rehearsal.utilities(each) for each in asked.decisions}
            told = appraise(records, effects, choices, context.settings.seed, asked.together)
            sets.append(told.assign(before=("target", [*before, *([np.nan] * len(choices))])))
            stage.advance()
    return xr.concat(sets, xr.Variable("prior", list(context.known)))


def _test(claims: xr.Dataset | None, prior: str, test: str) -> xr.Dataset:
    """Return what a claim's test came to under a prior set."""
    tests = [] if claims is None else claims["test"].values.tolist()
    found = claims.sel(prior=prior, test=test) if claims is not None and test in tests else None
    if found is None or found["effect"].isnull().all():
        problem = f"the test {test!r} has no effect by draw"
        raise InputError(f"{FILE}, claim", problem, did_you_mean(test, tests))
    return found


class Rehearsal:
    """Collects every series in every draw of one prior set's posterior, before anybody does in earnest.

    The months ahead are played with other shocks than those under which effects were told: a record teaches
    about the world, not about the luck of the months that an effect happened to be told in.
    """

    def __init__(self, context: Context, known: Knowledge, asked: Collection) -> None:
        self._study, self._model, self._known = context.study, context.study.model, known
        self._simulator, self._seed = context.simulator, context.settings.seed
        self._past = known.history[AFTER]
        values = self._past.state_today.parameters
        self._parameters = {name: values[:, i] for i, name in enumerate(self._model.parameter_names)}
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
        return signal(measure, figures(measure, path, self._parameters, measure.adds(self._model), chance))

    def utilities(self, decision: Decision) -> dict[str, Floats]:
        """Return each option's utility by draw, more being better, in the unit of the decision's outcome."""
        outcome = next(item for item in self._model.outcomes if item.name == decision.outcome)
        sign, futures = 1.0 if outcome.better == "higher" else -1.0, self._known.future[AFTER]
        result = {}
        for option in decision.options:
            if option in futures.paths:
                path = futures.paths[option][:, :, futures.outcomes.index(outcome)]
            else:
                path = self._run(option, self._seed, (f"outcome.{outcome.name}",))[:, :, 0]
            result[option] = sign * summary(outcome.summary, path)
        return result

    def _path(self, measure: Measure, output: str) -> Floats:
        """Return what is seen, month by month, shape (draws, months that are gathered)."""
        if not measure.past:
            scenario = measure.under or self._study.baseline.id
            if scenario not in self._ahead:
                self._ahead[scenario] = self._run(scenario, self._seed + 1, self._seen)
            return self._ahead[scenario][:, : measure.months, self._seen.index(output)]
        kind, _, name = output.partition(".")
        if kind == "lever":
            return self._past.levers[:, -measure.months :, self._model.lever_names.index(name)]
        if output not in self._past.paths:
            problem = f"the past tells nothing of {output!r}, as no figure of it was used"
            fix = did_you_mean(output, self._past.paths)
            raise InputError(f"{FILE}, {measure.id}, sees", problem, fix)
        return self._past.paths[output][:, -measure.months :]

    def _run(self, scenario: str, seed: int, outputs: tuple[str, ...]) -> Floats:
        item, today = self._study.scenario(scenario), self._past.state_today
        levers = lever_paths(self._model, item, today.levers, self._simulator.months)
        innovations = self._simulator.innovations(len(today), seed)
        return self._simulator.run(today, levers, innovations, rule_table(self._model, item.rules), outputs)


def expected(measure: Measure, path: Floats, parameters: ByName, adds: bool) -> Floats:
    """Return what each figure sees, shape (draws, figures), from a path of exactly its months (draws, months).

    `adds` says whether a figure adds up its months; otherwise it is their mean.
    """
    draws, months = path.shape
    cut = path[:, : months - months % measure.every].reshape(draws, -1, measure.every)
    added = cut.sum(axis=2) if adds else cut.mean(axis=2)
    seen = cut[:, :, -1] if isinstance(measure.law, schema.Survey) else added
    return np.asarray(seen * schema.value_of(measure.times, parameters))


def figures(measure: Measure, path: Floats, parameters: ByName, adds: bool, chance: schema.Random) -> Floats:
    """Return one synthetic record per draw, shape (draws, figures); NaN throughout where a path overflowed."""
    seen = expected(measure, path, parameters, adds)
    usable = (np.abs(seen) < schema.LARGEST).all(axis=1, keepdims=True)
    shared = measure.shared_error * chance.standard_normal(len(seen))
    return np.where(usable, measure.law.draw(np.where(usable, seen, 1.0), shared, parameters, chance), np.nan)


def signal(measure: Measure, drawn: Floats) -> Floats:
    """Return a record as level, trend and ever finer swings, shape (draws, figures): a cosine transform of it."""
    return np.asarray(dct(measure.law.scaled(drawn), axis=1, norm="ortho"))


def appraise(
    records: ByName, effects: ByName, choices: Mapping[str, ByName], seed: int, together: Sequence[str] = ()
) -> xr.Dataset:
    """Return what each record would tell about each claim and decision (the dimension `target`).

    `records`: by measure, the synthetic records, shape (draws, figures): level, trend and finer swings (`signal`), rows
    that are not finite are left out of everything; `effects`: by claim, each draw's effect, shape (draws,); `choices`: by
    decision and option, each draw's utility (more is better), shape (draws,); `together`: records that can be gathered
    side by side, to be judged as one, the measure TOGETHER.

    Returns estimates with interval and standard error (the dimension `estimate`). `told`: of a claim the share of the
    variance of its effect, by place among all draws, that would be resolved; of a decision the expected value of
    sample information, in its outcome's unit. Of a claim also `doubt`, the share of the entropy of "the effect is
    above zero" that would go, and `clear`, the probability of an answer at least CALLED sure; both are missing where
    the answer is that sure already. `whole`: what knowing everything would be worth, 1 for a claim, else the expected
    value of perfect information. Today's `positive` and `negative` chances of a claim's effect, whether it is `open`,
    and the `best` option of a decision. `draws`: how many worlds it rests on.

    Raises InputError if the arrays differ in their number of draws, or fewer than FEWEST usable draws are left.
    """
    utilities = {name: np.stack(list(of.values()), axis=1) for name, of in choices.items()}
    named = {f"effect of {name}": each for name, each in effects.items()}
    usable = _usable({**records, **named, **utilities})
    rows = int(usable.sum())
    moves = {name: each[usable] for name, each in effects.items()}
    gains = {name: each[usable] for name, each in utilities.items()}
    best = {name: int(np.argmax(each.mean(axis=0))) for name, each in gains.items()}
    weights = foretelling.resamples(rows, seed)
    bases = {name: foretelling.basis(each[usable]) for name, each in records.items()}
    if len(together) > 1:
        bases[schema.TOGETHER] = foretelling.joint_basis([records[name][usable] for name in together])
    # what is foretold of each target: of a claim its place and its sign, of a decision what each option has over the first
    wanted = [np.stack([foretelling.normal_scores(each), each > 0], axis=1) for each in moves.values()]
    wanted += [each[:, 1:] - each[:, :1] for each in gains.values()]
    cuts = np.cumsum([each.shape[1] for each in wanted])[:-1]
    with one_thread_each():
        foretold = [foretelling.predict(each, np.concatenate(wanted, axis=1)) for each in bases.values()]
    targets = [*moves.values(), *gains.values()]
    values = []
    for every in foretold:
        parts = zip(targets, wanted, np.split(every, cuts, axis=1), strict=True)
        values.append([(_claim if each[0].ndim == 1 else _decision)(*each, weights) for each in parts])
    whole = [np.array([1.0, np.nan, np.nan, np.nan])] * len(moves)
    whole += [
        foretelling.mean(each.max(axis=1) - each[:, best[name]], weights) for name, each in gains.items()
    ]
    is_open = [*map(_is_open, moves.values()), *(np.ptp(each.mean(axis=0)) > 0 for each in gains.values())]
    blank, names = [np.nan] * len(gains), [list(choices[name])[place] for name, place in best.items()]
    estimate = dict(zip(("told", "doubt", "clear"), np.moveaxis(np.array(values), 2, 0), strict=True))
    return xr.Dataset(
        {
            **{name: (("measure", "target", "estimate"), each) for name, each in estimate.items()},
            "whole": (("target", "estimate"), np.array(whole)),
            "positive": ("target", [*(np.mean(each > 0) for each in moves.values()), *blank]),
            "negative": ("target", [*(np.mean(each < 0) for each in moves.values()), *blank]),
            "open": ("target", is_open),
            "best": ("target", np.array([*([""] * len(moves)), *names], dtype=str)),
            "draws": rows,
            "lost": len(usable) - rows,
        },
        {"measure": list(bases), "target": [*moves, *gains], "estimate": list(ESTIMATE)},
    )


def _usable(arrays: ByName) -> NDArray[np.bool_]:
    rows = len(next(iter(arrays.values())))
    usable = np.ones(rows, dtype=bool)
    for name, each in arrays.items():
        if len(each) != rows:
            raise InputError(name, f"has {len(each)} draws where others have {rows}", "Give the same draws.")
        usable &= np.isfinite(each.reshape(rows, -1)).all(axis=1)
    if usable.sum() < FEWEST:
        problem = f"{int(usable.sum())} usable draws are too few to judge by"
        raise InputError("information value", problem, f"Give at least {FEWEST} draws.")
    return usable


def _is_open(effect: Floats) -> bool:
    """Say whether the sign of an effect is still in doubt."""
    return 1 - CALLED < float(np.mean(effect > 0)) < CALLED


def _claim(effect: Floats, wanted: Floats, foretold: Floats, weights: Floats) -> tuple[Floats, ...]:
    """Return the share of the effect's variance resolved, the doubt removed, the chance of a clear answer."""
    if np.ptp(effect) <= 1e-9 * max(float(np.abs(effect).max()), 1e-300):
        return NOTHING, NOTHING, NOTHING
    apart = wanted[:, 0] - wanted[:, 0].mean()
    resolved = foretelling.share_of_loss((apart - foretold[:, 0]) ** 2, apart**2, weights)
    if not _is_open(effect):
        return resolved, NOTHING, NOTHING
    holds = effect > 0
    chance = foretelling.chances(foretold, holds)
    base = foretelling.surprise(np.full(len(holds), float(np.mean(holds))), holds)
    doubt = foretelling.share_of_loss(foretelling.surprise(chance, holds), base, weights)
    clear = ((chance >= CALLED) | (chance <= 1 - CALLED)).astype(float)
    return resolved, doubt, foretelling.mean(clear, weights)


def _decision(utility: Floats, wanted: Floats, foretold: Floats, weights: Floats) -> tuple[Floats, ...]:
    """Return what acting on the record adds over the option that is best without it.

    `foretold` is how far `wanted`, what each option yields above the first, is to be from its mean. The gain is counted
    on draws that the regression has not seen, so that its luck counts for nothing.
    """
    average = utility.mean(axis=0)
    expected = np.concatenate([np.zeros((len(foretold), 1)), foretold], axis=1) + average
    chosen, best = np.argmax(expected, axis=1), int(np.argmax(average))
    gain = np.take_along_axis(utility, chosen[:, None], axis=1)[:, 0] - utility[:, best]
    return foretelling.mean(gain, weights), NOTHING, NOTHING
