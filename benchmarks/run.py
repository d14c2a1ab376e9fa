"""`make run` from a clean clone with nothing cached, and once more: time, memory, size of the report.

What is measured is the last commit, in a temporary folder that is removed afterwards. Packages are installed
over the network, which takes the time that the network takes; that time is told apart.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from _table import show

ROOT = Path(__file__).parent.parent
FIRST, SECOND, MEMORY, REPORT = 360, 15, 3, 5  # seconds, seconds, GiB, MB
SAMPLED = 0.2  # seconds between two looks at the memory


class Cost(NamedTuple):
    seconds: float
    gib: float


def resident(pid: int) -> int:
    """Return the resident bytes of a process and all that it started; 0 where the system has no /proc."""
    parents: dict[int, list[int]] = defaultdict(list)
    pages: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # the name of the program comes second, in brackets, and may hold blanks
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended in the meantime
        parents[int(fields[1])].append(int(folder.name))
        pages[int(folder.name)] = int(fields[21])
    total, waiting = 0, [pid]
    while waiting:
        process = waiting.pop()
        total += pages.get(process, 0)
        waiting += parents[process]
    return total * os.sysconf("SC_PAGE_SIZE")


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command to its end; return wall time and the peak of the memory of its processes together."""
    begun, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=sys.stderr)
    while True:
        try:
            code = process.wait(timeout=SAMPLED)
            break
        except subprocess.TimeoutExpired:
            peak = max(peak, resident(process.pid))
    seconds = time.perf_counter() - begun
    if code != 0:
        sys.exit(f"{' '.join(command)} ended with {code}")
    if not peak:
        # without /proc, the largest single process has to do; macOS counts in bytes, others in KiB
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        peak = largest if sys.platform == "darwin" else 1024 * largest
    return Cost(seconds, peak / 2**30)


def main() -> None:
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    if changed.stdout:
        print("There are changes that are not committed; they are not measured.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="outbid-benchmark-") as base:
        clone = Path(base, "outbid")
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        caches = Path(base, "cache")
        environment = {
            name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHON")
        } | {"OUTBID_CACHE": str(caches), "XDG_CACHE_HOME": str(caches), "MAKEFLAGS": ""}
        install = measured(["make", ".venv/.runtime"], clone, environment)
        first = measured(["make", "run"], clone, environment)
        second = measured(["make", "run"], clone, environment)
        size = (clone / "out" / "khorasan" / "report.html").stat().st_size / 1e6
    show(
        "make run from a clean clone",
        [
            ("installation", f"{install.seconds:.0f} s", ""),
            ("first run", f"{first.seconds:.0f} s", ""),
            ("both together", f"{install.seconds + first.seconds:.0f} s", f"{FIRST} s"),
            ("second run", f"{second.seconds:.1f} s", f"{SECOND} s"),
            ("peak memory, first run", f"{first.gib:.2f} GiB", f"{MEMORY} GiB"),
            ("peak memory, second run", f"{second.gib:.2f} GiB", f"{MEMORY} GiB"),
            ("report.html", f"{size:.2f} MB", f"{REPORT} MB"),
        ],
    )


if __name__ == "__main__":
    main()
