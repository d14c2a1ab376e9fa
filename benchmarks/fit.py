"""Both fits of Khorasan in a fresh process with nothing compiled before; `--older CHECKOUT` runs another version beside.

An older checkout has to have its own `.venv` (`make .venv/.runtime` there). Versions take turns, so that both see the
same machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from _table import show

ROOT = Path(__file__).parent.parent
TARGET = 15


def processor_time(checkout: Path) -> float:
    """Return the processor seconds of `outbid fit khorasan` from a checkout, import and compilation included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as aside:
        command = [checkout / ".venv/bin/outbid", "fit", "khorasan", "--out", f"{aside}/out"]
        subprocess.run(command, env={**os.environ, "OUTBID_CACHE": aside}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--older", type=Path, help="a checkout of another version")
    parser.add_argument("--repeats", type=int, default=1)
    asked = parser.parse_args()
    versions = [ROOT, *([asked.older] if asked.older else [])]
    seconds = [[processor_time(each) for each in versions] for _ in range(asked.repeats)]
    middle = np.median(seconds, axis=0)
    rows = [("both fits", f"{middle[0]:.0f} s of processor time", "")]
    if asked.older:
        rows += [("of the older version", f"{middle[1]:.0f} s of processor time", "")]
        rows += [("times less", f"{middle[1] / middle[0]:.1f}", f"{TARGET}")]
    show("Fitting Khorasan, nothing compiled before", rows)


if __name__ == "__main__":
    main()
