"""The whole claim audit under both prior sets after a fit: the command's wall time, with code compiled before and not.

Run it after `make run`, whose fits it takes from out/khorasan (and copies, so that nothing there is changed).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _table import show

ROOT = Path(__file__).parent.parent
TARGET = 90  # seconds


def main() -> int:
    held = ROOT / "out" / "khorasan" / "results.nc"
    if not held.is_file():
        print("There is no fit in out/khorasan. Run `make run` first.")
        return 1
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        out.mkdir()
        shutil.copy(held, out)
        outbid = str(Path(sys.executable).with_name("outbid"))
        command = [outbid, "ask", "khorasan", "claims", "--out", str(out)]
        for _ in range(2):
            begun = time.perf_counter()
            subprocess.run(
                command,
                env=os.environ | {"OUTBID_CACHE": folder},
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            seconds.append(time.perf_counter() - begun)
    show(
        "outbid ask khorasan claims, both prior sets, fits at hand",
        [
            ("nothing compiled before", f"{seconds[0]:.0f} s", f"{TARGET} s"),
            ("compiled before, as after `make run`", f"{seconds[1]:.0f} s", f"{TARGET} s"),
        ],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
