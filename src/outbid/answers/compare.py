"""Compare scenarios, the study's own or those of a file, under every prior set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from outbid.ask.compare import Compared
from outbid.ask.compare import compare as compared
from outbid.progress import Progress
from outbid.run import Knowledge, Settings
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.futures import play
from outbid.simulate.scenario_file import read_goals, read_scenarios
from outbid.study import Study

FILE = "scenarios.toml"


def check_file(study: Study, file: Path) -> None:
    """Read a user's file of scenarios and goals, so that its faults are told before anything slow begins.

    Raises
    ------
    InputError
        If the file does not hold sound scenarios.
    """
    read_scenarios(file, study.model, study.levers_today, study.settings.horizon_months)
    read_goals(file, study.model)


def compare(
    study: Study,
    known: Mapping[str, Knowledge],
    lab: BatchSimulator,
    settings: Settings,
    progress: Progress,
    *,
    file: Path | None = None,
) -> dict[str, Compared]:
    """Return the comparison of scenarios by prior set, after the data and before them.

    Parameters
    ----------
    file
        Scenarios of a user; the study's own, which are played already, if left out. Its goals count if it has
        any, else the study's.

    Raises
    ------
    InputError
        If the file does not hold sound scenarios; the complaint names the file.
    """
    goals = read_goals(study.folder / FILE, study.model)
    if file is None:
        return {
            name: Compared(compared(each.futures, goals), compared(each.before, goals))
            for name, each in known.items()
        }
    scenarios = read_scenarios(file, study.model, study.levers_today, lab.months)
    goals = read_goals(file, study.model) or goals
    result = {}
    with progress.stage(f"Playing the scenarios of {file.name}", 2 * len(known)) as stage:
        for name, each in known.items():
            sides = []
            for past in (each.past, each.unseen):
                # as many draws as the laboratory's batches, so nothing is compiled anew
                futures = play(study.model, lab.simulator, past.standing, scenarios, settings.seed)
                sides.append(compared(futures, goals))
                stage.advance()
            result[name] = Compared(*sides)
    return result
