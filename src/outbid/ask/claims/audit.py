"""The audit: every declared test put to the draws of one prior set, before and after the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from outbid.ask.claims.declared import ClaimTests, Forecast, Intervention, PlayQuestion
from outbid.ask.claims.intervene import Effect, effects, foreseen
from outbid.ask.claims.series import SeriesAnswer, combined
from outbid.ask.claims.where import Inputs, Worst, box, inputs_of, worst
from outbid.ask.strategic.strategy import Finding
from outbid.conventions import STRENGTH
from outbid.model.priors import from_standard_normal, prior_table
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.engine import Standing
from outbid.stats.boxes import Box
from outbid.stats.verdict import Chances, Judgement, chances, judge

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """Where draws stand today, and the paths by which they came there: output name → (draws, months)."""

    standing: Standing
    past: Mapping[str, Floats]


@dataclass(frozen=True)
class Trial:
    """What one test found under one prior set.

    Parameters
    ----------
    test
        The declaration.
    judgement
        The verdict and its reason.
    after, before
        Shares of draws with the claimed effect, with the data and without.
    effect
        By draw, in the measure's unit.
    worst, box
        The draw that contradicts most, and where the claim holds; None where there is none.
    """

    test: Intervention | Forecast | PlayQuestion
    judgement: Judgement
    after: Chances
    before: Chances
    effect: Floats
    worst: Worst | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Audit:
    """All trials under one prior set by the test's id; `records` are the answers of the series, the same under all."""

    tests: ClaimTests
    trials: Mapping[str, Trial]
    records: Mapping[str, SeriesAnswer]

    def verdict(self, claim: str) -> tuple[str, str] | None:
        """Return a claim's verdict and the test that it hangs on, the weakest of its tests; None if it has none.

        Series count together as one test: where one says yes and another no, they say nothing.
        """
        names = self.tests.of(claim)
        found = [(self.trials[name].judgement.verdict, name) for name in names if name in self.trials]
        answers = [self.records[name] for name in names if name in self.records]
        if answers:
            verdict, _ = combined(answers)
            told = next((each for each in answers if each.verdict != "supported"), answers[0])
            found.append((verdict, told.check.id))
        return min(found, key=lambda pair: STRENGTH.index(pair[0])) if found else None


def audit(
    tests: ClaimTests,
    lab: BatchSimulator,
    prior_set: str,
    after: View,
    before: View,
    wide: Mapping[str, Floats],
    seed: int,
) -> dict[str, Trial]:
    """Return the trials of all interventions and forecasts under one prior set.

    Parameters
    ----------
    after, before
        Draws with the data, and from the prior alone.
    wide
        By test: the effects over draws of a prior twice as wide that takes no side, see `form`.
    seed
        Of the innovations.
    """
    found = effects(tests.interventions, lab, after.standing, seed)
    found |= foreseen(tests.forecasts, lab, after.standing, after.past, seed)
    assumed = effects(tests.interventions, lab, before.standing, seed)
    assumed |= foreseen(tests.forecasts, lab, before.standing, before.past, seed)
    inputs = inputs_of(lab.model, after.standing)
    every: list[Intervention | Forecast] = [*tests.interventions, *tests.forecasts]
    return {
        test.id: _trial(test, found[test.id], assumed[test.id], wide.get(test.id), prior_set, inputs)
        for test in every
    }


def form(tests: ClaimTests, lab: BatchSimulator, before: Standing, seed: int) -> dict[str, Floats]:
    """Return what the model's form alone makes of every intervention: effects under parameters spread twice as wide.

    Parameters
    ----------
    before
        Draws of today from the neutral prior alone; their parameters are drawn anew.

    What holds in all of these draws, holds whatever the data say.
    """
    model = lab.model
    z = 2.0 * np.asarray(jax.random.normal(jax.random.key(seed), before.parameters.shape))
    parameters = np.asarray(from_standard_normal(z, prior_table(model.parameters, "neutral")))
    there = Standing(parameters, before.state, before.levers)
    return {name: each.difference for name, each in effects(tests.interventions, lab, there, seed).items()}


def played(
    questions: Sequence[PlayQuestion], findings: Sequence[Finding], prior_set: str
) -> dict[str, Trial]:
    """Return the trials of the questions that the players' equilibria answer."""
    by_id = {finding.test.id: finding for finding in findings}
    result = {}
    for question in questions:
        finding = by_id[question.play]
        judgement = judge(finding.after, finding.before, None, prior_set)
        result[question.id] = Trial(question, judgement, finding.after, finding.before, finding.effect)
    return result


def _trial(
    test: Intervention | Forecast,
    found: Effect,
    assumed: Effect,
    wide: Floats | None,
    prior_set: str,
    inputs: Inputs,
) -> Trial:
    after = chances(found.difference, test.sign, test.smallest)
    before = chances(assumed.difference, test.sign, test.smallest)
    broad = None if wide is None else chances(wide, test.sign, test.smallest)
    return Trial(
        test,
        judge(after, before, broad, prior_set),
        after,
        before,
        found.difference,
        worst(test.sign, found, inputs),
        box(test.sign * found.difference >= test.smallest, inputs),
    )
