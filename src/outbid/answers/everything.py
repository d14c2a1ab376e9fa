"""Every question that a study asks, answered in one go; the game is solved while the claims are tested."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from outbid.answers.claims import claims, declared_tests, effects_of, with_play
from outbid.answers.compare import compare
from outbid.answers.play import strategize
from outbid.answers.replay import replay
from outbid.answers.worth import worth
from outbid.ask.claims.audit import Audit
from outbid.ask.claims.series import records_of
from outbid.ask.compare import Compared
from outbid.ask.replay.file import read_replays
from outbid.ask.replay.lived import Replayed
from outbid.ask.strategic.strategy import Strategist, Strategy
from outbid.ask.worth.appraise import Worth
from outbid.ask.worth.file import asked_of as worth_asked
from outbid.progress import Progress, Silent
from outbid.run import Knowledge, Settings
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.scenario_file import read_goals, read_scenarios
from outbid.study import Study


@dataclass(frozen=True)
class Answers:
    """What every question found, by prior set; empty where a study doesn't ask, or a run leaves it out."""

    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    claims: Mapping[str, Audit] = field(default_factory=dict)
    comparison: Mapping[str, Compared] = field(default_factory=dict)
    replay: Mapping[str, Replayed] = field(default_factory=dict)
    worth: Mapping[str, Worth] = field(default_factory=dict)


def check_questions(study: Study) -> None:
    """Read everything that a study declares of its questions.

    Raises
    ------
    InputError
        On the first thing that is wrong.
    """
    path, model = study.folder / "scenarios.toml", study.model
    scenarios = read_scenarios(path, model, study.levers_today, study.settings.horizon_months)
    read_goals(path, model)
    tests = declared_tests(study)
    for check in tests.records:
        records_of(check, study.panel)
    read_replays(study.folder, model, study.panel.window, study.known_levers)
    worth_asked(study, [test.id for test in tests.interventions])


def everything(
    study: Study, known: Mapping[str, Knowledge], lab: BatchSimulator, settings: Settings, progress: Progress
) -> Answers:
    """Answer every question that a study asks.

    A quick run is to look around in: it tests the claims and compares the scenarios, and leaves out the game,
    which would take it as long again, and all that stands on it or takes many runs.
    """
    if settings.quick:
        return Answers(
            claims=claims(study, known, lab, settings, progress),
            comparison=compare(study, known, lab, settings, progress),
        )
    strategist, strategies, audits = games_and_claims(study, known, lab, settings, progress)
    return Answers(
        strategies,
        audits,
        compare(study, known, lab, settings, progress),
        replay(study, known, lab, settings, progress),
        worth(study, known, lab, settings, progress, effects_of(audits)),
    )


def games_and_claims(
    study: Study, known: Mapping[str, Knowledge], lab: BatchSimulator, settings: Settings, progress: Progress
) -> tuple[Strategist | None, dict[str, Strategy], dict[str, Audit]]:
    """Solve the players' game on the side while the claims are tested; most of its time is one core's compiling."""
    aside = Silent()
    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(strategize, study, settings, known, aside)
        audits = claims(study, known, lab, settings, progress)
        with progress.stage("Solving the players' game") as stage:
            stage.note("compiling, then reading what the players want off what they did")
            strategist, strategies = playing.result()
    progress.timing.update(aside.timing)
    return strategist, strategies, with_play(audits, strategies)
