"""Strategic play within a run: solve the players' game over what was learnt, and let them choose in scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from outbid.ask.strategic.file import FILE, read_play
from outbid.ask.strategic.playout import Playout
from outbid.ask.strategic.strategy import Strategist, Strategy, seen_moves
from outbid.errors import InputError
from outbid.progress import Progress
from outbid.run import Knowledge, Settings
from outbid.simulate.engine import Standing
from outbid.simulate.futures import Futures
from outbid.simulate.scenario import choose
from outbid.simulate.scenario_file import read_scenarios
from outbid.study import Study

# Draws whose game is solved in every world, per prior set; and in a quick run.
PLAYED, QUICKLY = 100, 24


def strategize(
    study: Study, settings: Settings, known: Mapping[str, Knowledge], progress: Progress
) -> tuple[Strategist | None, dict[str, Strategy]]:
    """Solve the players' game in every world under every prior set; nothing where a study is not played."""
    play = read_play(study.folder, study.model)
    if play is None:
        return None, {}
    strategist, result = Strategist(study.model, play), {}
    with progress.stage("Solving the players' game", len(known)) as stage:
        stage.note("compiling, then reading what the players want off what they did")
        for name, each in known.items():
            past, unseen = each.past, each.unseen
            few = _few(past.standing, settings)
            paths = {index.name: past.paths[index.name][few] for index in study.model.indices}
            moves = seen_moves(study.model, play, paths, past.levers[few])
            result[name] = strategist.think(
                moves, past.standing.taken(few), unseen.standing.taken(few), name, settings.seed
            )
            stage.advance()
    return strategist, result


def play_out(
    study: Study,
    settings: Settings,
    known: Mapping[str, Knowledge],
    months: int,
    progress: Progress,
    *,
    scenarios: Sequence[str] = (),
) -> tuple[dict[str, Futures], tuple[str, ...]]:
    """Play scenarios in which the players choose by their equilibrium; also name those that leave them no choice.

    Raises
    ------
    InputError
        If the study declares no game, or every scenario asked for moves a player's lever.
    """
    strategist, strategies = strategize(study, settings, known, progress)
    if strategist is None:
        raise InputError(
            f"study {study.name!r}", f"declares no game: it has no {FILE}", "Play without --play equilibrium."
        )
    declared = read_scenarios(study.folder / "scenarios.toml", study.model, study.levers_today)
    chosen = choose(declared, scenarios)
    playout, futures = Playout(strategist, months), {}
    left_out: tuple[str, ...] = ()
    with progress.stage("Playing the scenarios in equilibrium", len(known)) as stage:
        for name, each in known.items():
            standing = each.past.standing.taken(_few(each.past.standing, settings))
            weights = strategies[name].after.weights
            futures[name], left_out = playout.futures(standing, chosen, weights, settings.seed)
            stage.advance()
    if scenarios and all(len(each.scenarios) < 2 for each in futures.values()) and left_out:
        raise InputError(
            "--play equilibrium",
            f"{', '.join(left_out)} moves what the players choose themselves",
            "Ask for scenarios that move other levers.",
        )
    return futures, left_out


def _few(standing: Standing, settings: Settings) -> np.ndarray:
    wanted = QUICKLY if settings.quick else PLAYED
    return np.linspace(0, len(standing) - 1, min(wanted, len(standing))).astype(int)
