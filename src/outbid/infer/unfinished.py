"""Chains under way are kept beside the results, so that a run that was stopped goes on from where they were."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Mapping

import numpy as np

from outbid.infer.posterior import Chains, Effort
from outbid.output import OutputFolder

# Seconds between two times of keeping: what a power cut may cost.
BETWEEN = 30.0
# What a file that is none, or is damaged, makes of being read.
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, NotImplementedError)


class Unfinished:
    """The chains of fits that aren't done, a file for each prior set; without an output folder none is kept.

    `marks`: the fingerprint of each prior set's fit, which its file has to bear. `shares`: of the iterations, how many
    are kept, by prior set.
    """

    def __init__(self, out: OutputFolder | None, marks: Mapping[str, str], effort: Effort) -> None:
        self._out, self._marks, self._effort = out, marks, effort
        self._written: dict[str, float] = {}
        self.shares: dict[str, float] = {}

    def read(self, prior_set: str, say: Callable[[str], None]) -> tuple[Chains, float] | None:
        """Return chains that were stopped, and the seconds spent on them; None if there are none.

        `say` hears why a file is of no use.
        """
        if self._out is None or not (place := self._out.place(name_of(prior_set))).exists():
            return None
        try:
            with place.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = dict(file)
            if str(arrays.pop("fingerprint")) != self._marks[prior_set]:
                say(f"{place} is of other data, code or settings: not used")
                return None
            seconds = float(arrays.pop("seconds"))
            return Chains.resumed(arrays, self._effort), seconds
        except _DAMAGED:
            say(f"{place} is damaged: not used")
            return None

    def keep(self, prior_set: str, chains: Chains, seconds: float, *, now: bool) -> None:
        """Write the chains, whole or not at all, if it is time; `now` it is in any case."""
        begun = time.monotonic()
        if self._out is None or not (now or begun - self._written.setdefault(prior_set, begun) > BETWEEN):
            return
        arrays = {"fingerprint": np.array(self._marks[prior_set]), "seconds": np.array(seconds)}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays, **chains.arrays(self._effort))  # type: ignore[arg-type]
        self._out.write_bytes(name_of(prior_set), buffer.getbuffer())
        self._written[prior_set] = begun
        self.shares[prior_set] = chains.done / self._effort.iterations

    def drop(self, prior_set: str) -> None:
        """Remove the file of a fit that is done."""
        self.shares.pop(prior_set, None)
        if self._out is not None:
            self._out.remove(name_of(prior_set))


def name_of(prior_set: str) -> str:
    """Return the name of a prior set's file in the output folder."""
    return f"unfinished-{prior_set}.npz"
