"""The search from many starts: which maxima the likelihood has, and how many equilibria the game has at each."""

from __future__ import annotations

import time

import numpy as np

from outbid.errors import InputError
from outbid.game.estimation.many_starts import draw_starts, estimate_many
from outbid.progress import Progress
from outbid.replicate.payoffs import start_of
from outbid.replicate.work import Found
from outbid.report.replication.content import MaximumRow, Search

# Starts of a usual run and of a quick one, the study's own among them; and those that look for further equilibria.
STARTS, FEW, EQUILIBRIA = 10, 4, 6
# Standard deviation of the starts, as a share of the study's own start.
SPREAD = 1.0


def search(found: Found, quick: bool, seed: int, progress: Progress) -> Search | None:
    """Return every local maximum that some starts led to, or None if none led to one."""
    number = FEW if quick else STARTS
    center = start_of(found.play)
    starts = draw_starts(center, SPREAD * np.abs(center), number, seed)
    begun = time.perf_counter()
    with progress.stage(f"Searching from {number} starts") as stage:
        stage.note("compiling")
        try:
            tops = estimate_many(
                found.family, found.seen, starts, equilibrium_starts=EQUILIBRIA, seed=seed, errors=False
            )
        except InputError:
            return None
    rows = tuple(
        MaximumRow(
            top.estimates.log_likelihood,
            tuple(map(float, top.estimates.estimates)),
            len(top.starts),
            top.equilibria,
        )
        for top in tops.tops
    )
    told = f"{EQUILIBRIA} starts looked for further equilibria at each maximum."
    return Search(number, len(tops.failed), rows, told, time.perf_counter() - begun)
