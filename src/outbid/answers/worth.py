"""What to collect next, for a study: simulate what could be gathered under every prior set and see what it tells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from outbid.ask.worth.appraise import Worth
from outbid.ask.worth.appraise import worth as weighed
from outbid.ask.worth.file import Decision, WorthSettings, asked_of
from outbid.ask.worth.measures import Measure, figures, signal
from outbid.errors import InputError, did_you_mean
from outbid.progress import Progress
from outbid.run import Knowledge, Settings
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.futures import summary
from outbid.simulate.rules import rule_table
from outbid.simulate.scenario import Scenario, lever_paths
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import Study

Floats = NDArray[np.float64]


def worth(
    study: Study,
    known: Mapping[str, Knowledge],
    lab: BatchSimulator,
    settings: Settings,
    progress: Progress,
    effects: Mapping[str, Mapping[str, Floats]],
) -> dict[str, Worth]:
    """Return what every collection would tell, by prior set; nothing where a study has no worth.toml.

    Parameters
    ----------
    effects
        By prior set and claim test, each draw's effect; those that worth.toml names are used.

    Raises
    ------
    InputError
        If worth.toml has a fault, or names a claim test that has no effect.
    """
    asked = asked_of(study)
    if asked is None:
        return {}
    side_by_side = [measure.id for measure in asked.measures if not measure.under]
    result = {}
    with progress.stage("Weighing what to collect next", len(known)) as stage:
        for name, each in known.items():
            wanted = {target.id: _effect(effects[name], target.test) for target in asked.claims}
            rehearsal = Rehearsal(study, each, lab, settings.seed, asked)
            records = {measure.id: rehearsal.record(measure) for measure in asked.measures}
            choices = {decision.id: rehearsal.utilities(decision) for decision in asked.decisions}
            result[name] = weighed(records, wanted, choices, settings.seed, side_by_side)
            stage.advance()
    return result


class Rehearsal:
    """Collects every series in every draw of one prior set's posterior, before anybody does in earnest.

    The months ahead are played with other chances than those under which effects were told: a record teaches
    about the world, not about the luck of the months that an effect happened to be told in.
    """

    def __init__(
        self, study: Study, known: Knowledge, lab: BatchSimulator, seed: int, asked: WorthSettings
    ) -> None:
        self._model, self._known, self._lab, self._seed = study.model, known, lab, seed
        declared = read_scenarios(study.folder / "scenarios.toml", study.model, study.levers_today)
        self._scenarios: dict[str, Scenario] = {item.id: item for item in declared}
        self._baseline = next(item.id for item in declared if item.baseline)
        standing, names = known.past.standing, study.model.parameter_names
        self._parameters = {name: standing.parameters[:, i] for i, name in enumerate(names)}
        ahead = [each for each in asked.measures if not each.past]
        seen = dict.fromkeys(name for each in ahead for name in (each.sees, each.per) if name)
        # only what is seen is kept: everything would be some fifty megabytes a scenario
        self._seen = tuple(seen)
        self._ahead: dict[str, Floats] = {}

    def record(self, measure: Measure) -> Floats:
        """Return a synthetic record per draw, as level, trend and finer swings, shape (draws, figures)."""
        path = self._path(measure, measure.sees)
        if measure.per:
            path = path / np.maximum(self._path(measure, measure.per), 1e-9)
        chance = np.random.default_rng([self._seed, *measure.id.encode()])
        return signal(measure, figures(measure, path, self._parameters, chance))

    def utilities(self, decision: Decision) -> dict[str, Floats]:
        """Return each option's utility by draw, more being better, in the unit of the decision's outcome."""
        outcome = next(item for item in self._model.outcomes if item.name == decision.outcome)
        sign, futures = 1.0 if outcome.better == "higher" else -1.0, self._known.futures
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
        scenario = measure.under or self._baseline
        if scenario not in self._ahead:
            self._ahead[scenario] = self._run(scenario, self._seed + 1, self._seen)
        return self._ahead[scenario][:, : measure.months, self._seen.index(output)]

    def _behind(self, measure: Measure, output: str) -> Floats:
        past, (kind, _, name) = self._known.past, output.partition(".")
        if kind == "lever":
            return past.levers[:, :, self._model.lever_names.index(name)]
        if output not in past.paths:
            raise InputError(
                f"worth.toml, {measure.id}, sees",
                f"the past tells nothing of {output!r}, as no figure of it was used",
                did_you_mean(output, past.paths),
            )
        return past.paths[output]

    def _run(self, scenario: str, seed: int, outputs: tuple[str, ...]) -> Floats:
        item, standing = self._scenarios[scenario], self._known.past.standing
        levers = lever_paths(self._model, item, standing.levers, self._lab.months)
        innovations = self._lab.innovations(len(standing), seed)
        return self._lab.run(standing, levers, innovations, rule_table(self._model, item.rules), outputs)


def _effect(effects: Mapping[str, Floats], test: str) -> Floats:
    if test not in effects:
        raise InputError(
            "worth.toml, claim", f"the test {test!r} has no effect by draw", did_you_mean(test, effects)
        )
    return effects[test]
