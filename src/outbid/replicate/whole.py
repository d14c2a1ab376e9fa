"""A whole replication, from the panel to everything that the report shows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from outbid.game.threads import one_thread_each
from outbid.progress import Progress
from outbid.replicate.describe import Asked, describe
from outbid.replicate.published import read_published
from outbid.replicate.robustness import infer_anew, refit
from outbid.replicate.settings import play_settings
from outbid.replicate.starts import search
from outbid.replicate.work import first_stage, solve_panel, take_panel
from outbid.report.replication.content import ReplicationContent
from outbid.study import Study


def replicate(study: Study, asked: Asked, data: Path | None, progress: Progress) -> ReplicationContent:
    """Return everything that the report of a game shows.

    Parameters
    ----------
    data
        The folder with the panel; None for a panel simulated at the published estimates.

    Raises
    ------
    InputError
        If the study or the panel can't be used, or there is no equilibrium.
    """
    with one_thread_each():
        return _replicate(study, asked, data, progress)


def _replicate(study: Study, asked: Asked, data: Path | None, progress: Progress) -> ReplicationContent:
    play = play_settings(study)
    published = read_published(study.folder / "published.csv", study.figure_sources)
    with progress.stage("Reading the panel and fitting the state equation"):
        panel = take_panel(study, play, published, data, asked.seed)
        equation = first_stage(play, panel, asked.seed)
    # beside the rest: half of the time goes into compiling, which keeps one core busy
    with ThreadPoolExecutor(1) as aside:
        again = aside.submit(infer_anew, study, play, panel, asked.quick, asked.seed)
        found = solve_panel(study, play, panel, equation, progress)
        searched = search(found, asked.quick, asked.seed, progress)
        with progress.stage("Waiting for the measurement model, fitted anew"):
            anew, notes = again.result()
    refitted = None if anew is None else refit(found, anew)
    return describe(study, asked, found, published, searched, refitted, notes, progress)
