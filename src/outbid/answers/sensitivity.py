"""What matters most for what is to come, and when opening up pays, under every prior set."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.ask.sensitivity.answer import Sensitivity
from outbid.ask.sensitivity.discover import discover
from outbid.ask.sensitivity.explain import dependent, explained, levels, shares
from outbid.ask.sensitivity.file import checked_samples, read_sensitivity
from outbid.ask.sensitivity.inputs import CHANCES, free_space, inputs_of, values_of, weighted_space
from outbid.progress import Progress
from outbid.run import Knowledge, Settings
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import Study

# Base samples of a quick run.
QUICKLY = 32


def sensitivity(
    study: Study,
    known: Mapping[str, Knowledge],
    lab: BatchSimulator,
    settings: Settings,
    progress: Progress,
    *,
    base_samples: int | None = None,
) -> dict[str, Sensitivity]:
    """Return by prior set what matters most and when something holds; nothing if the study asks neither.

    Parameters
    ----------
    base_samples
        N of the design, a power of two; the study's own if left out, and few in a quick run.

    Raises
    ------
    InputError
        If `base_samples` is no power of two within bounds.
    """
    model = study.model
    scenarios = read_scenarios(study.folder / "scenarios.toml", model, study.levers_today)
    asked = read_sensitivity(study.folder, model, scenarios)
    if asked is None:
        return {}
    if base_samples is not None:
        samples = checked_samples("base samples", base_samples)
    else:
        samples = min(asked.base_samples, QUICKLY) if settings.quick else asked.base_samples
    unseen = known["neutral"].unseen.standing if "neutral" in known else None
    standings = [each.past.standing for each in known.values()] + ([unseen] if unseen else [])
    inputs = inputs_of(model, asked.outcomes, list(asked.scenarios.values()), standings)
    drawn = lab.innovations(CHANCES, settings.seed)
    chances = {name: drawn[name] for name in model.noisy}
    runs = samples * (len(inputs) + 2) * (len(known) + (unseen is not None)) if asked.explain else 0
    names = [each.key for each in inputs if each.kind != "chance"]
    result = {}
    with progress.stage("Looking for what matters most", runs + len(known)) as stage:
        for name, each in known.items():
            standing = each.past.standing
            told = levels(
                lab, asked, standing, lab.innovations(len(standing), settings.seed), tuple(asked.scenarios)
            )
            weighted = free = tied = None
            if asked.explain:
                space = weighted_space(model, inputs, standing, chances)
                weighted = shares(lab, asked, space, samples, settings.seed, stage.advance)
                tied = dependent(lab, asked, inputs, standing, explained(asked, told))
                if unseen is not None and name == "neutral":
                    space = free_space(model, inputs, unseen, chances)
                    free = shares(lab, asked, space, samples, settings.seed, stage.advance)
            values = values_of(model, inputs, standing)
            findings = tuple(discover(question, told, values, names) for question in asked.discover)
            result[name] = Sensitivity(model, asked, inputs, weighted, free, tied, findings)
            stage.advance()
    return result
