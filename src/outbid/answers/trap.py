"""Draw the map of where moderation is a trap, under every prior set."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.ask.strategic.file import read_play
from outbid.ask.strategic.settings import PlaySettings
from outbid.ask.strategic.strategy import Strategist, Strategy
from outbid.ask.trap.answered import Answerer
from outbid.ask.trap.file import read_trap
from outbid.ask.trap.fixed import as_things_stand, map_fixed, spread
from outbid.ask.trap.result import Trap
from outbid.ask.trap.settings import TrapSettings
from outbid.progress import Progress
from outbid.run import Knowledge, Settings
from outbid.simulate.batches import BatchSimulator
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import Study

# The map from the prior alone only says what was assumed: fewer cells and draws do.
BEFORE_POINTS, BEFORE_DRAWS = 5, 100


def trap(
    study: Study,
    known: Mapping[str, Knowledge],
    lab: BatchSimulator,
    settings: Settings,
    progress: Progress,
    strategist: Strategist | None = None,
    strategies: Mapping[str, Strategy] | None = None,
) -> dict[str, Trap]:
    """Return the trap map by prior set; nothing where a study has no trap.toml.

    Parameters
    ----------
    strategist, strategies
        What solved the players' game, and its answers by prior set; without them nobody answers on the map.

    Raises
    ------
    InputError
        If trap.toml has a fault.
    """
    asked = asked_of(study, strategist.play if strategist else None)
    if asked is None:
        return {}
    result = {}
    with progress.stage("Mapping where moderation is a trap", 3 * len(known)) as stage:
        for name, each in known.items():
            today, unseen, seed = each.past.standing, each.unseen.standing, settings.seed
            offers, shares = asked.offer.points(asked.offers), asked.split.points(asked.shares)
            fixed = map_fixed(lab, spread(today, asked.draws), asked, offers, shares, seed)
            few, some = asked.offer.points(BEFORE_POINTS), asked.split.points(BEFORE_POINTS)
            before = map_fixed(lab, spread(unseen, BEFORE_DRAWS), asked, few, some, seed)
            now, now_before = (as_things_stand(lab, draws, asked, seed) for draws in (today, unseen))
            stage.advance()
            answered = unanswered = choice = None
            if strategist is not None and strategies is not None and asked.answering is not None:
                weights = strategies[name].after.weights
                # the draws whose weights were learnt, in the same order
                answerer = Answerer(lab, strategist, asked, spread(today, len(weights)), weights, seed)
                answered, unanswered = answerer.mapped(asked.answering)
                stage.advance()
                choice = answerer.choice(asked.answering)
            else:
                stage.advance()
            stage.advance()
            column = study.model.lever_names.index(asked.offer.lever)
            result[name] = Trap(
                asked,
                fixed,
                before,
                answered,
                unanswered,
                choice,
                today.levers[:, column],
                asked.split.today(today.state),
                now,
                now_before,
            )
    return result


def asked_of(study: Study, play: PlaySettings | None = None) -> TrapSettings | None:
    """Return what a study's trap.toml declares, checked against its model, courses and game; None without one."""
    scenarios = read_scenarios(study.folder / "scenarios.toml", study.model, study.levers_today)
    return read_trap(study.folder, study.model, scenarios, play or read_play(study.folder, study.model))
