"""How soon the command line answers, and what importing the package costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from _table import show

REPEATS = 10
TARGET = 0.5  # seconds


def answer() -> float:
    """Return the wall time of one `outbid --help`."""
    command = Path(sys.executable).with_name("outbid")
    begun = time.perf_counter()
    subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def importing(module: str) -> float:
    """Return the seconds that a fresh Python takes to import a module, its own start left out."""
    code = f"import time; begun = time.perf_counter(); import {module}; print(time.perf_counter() - begun)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    answers = [answer() for _ in range(REPEATS)]
    rows = [
        (f"outbid --help, median of {REPEATS}", f"{statistics.median(answers):.2f} s", f"{TARGET} s"),
        (f"outbid --help, slowest of {REPEATS}", f"{max(answers):.2f} s", ""),
    ]
    for module in ("outbid", "outbid.cli", "outbid.run"):
        taken = statistics.median(importing(module) for _ in range(REPEATS // 2))
        rows.append((f"import {module}, median of {REPEATS // 2}", f"{taken:.2f} s", ""))
    show("The first answer", rows)


if __name__ == "__main__":
    main()
