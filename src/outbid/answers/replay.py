"""Live through the past again with other levers, under every prior set."""

from __future__ import annotations

from collections.abc import Mapping

from outbid.ask.replay.file import read_replays
from outbid.ask.replay.lived import Replayed
from outbid.ask.replay.lived import replay as live_again
from outbid.ask.replay.rerun import recalled
from outbid.progress import Progress
from outbid.run import DRAWS, Knowledge, Settings, thinned, unseen_vectors
from outbid.simulate.batches import BatchSimulator
from outbid.study import Study


def replay(
    study: Study, known: Mapping[str, Knowledge], lab: BatchSimulator, settings: Settings, progress: Progress
) -> dict[str, Replayed]:
    """Return by prior set what would have happened in every replay of the study; nothing if it declares none."""
    replays = read_replays(study.folder, study.model, study.panel.window, study.known_levers)
    if not replays:
        return {}
    result = {}
    with progress.stage("Replaying the past with other levers", len(known)) as stage:
        for name, each in known.items():
            where, z = each.fit.draws.layout, thinned(each.fit.draws.z, DRAWS)
            blank = unseen_vectors(len(z), where.size, settings)
            told = recalled(study.model, each.past, z, where)
            unseen = recalled(study.model, each.unseen, blank, where)
            result[name] = live_again(lab, told, unseen, replays)
            stage.advance()
    return result
