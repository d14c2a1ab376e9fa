"""What the benchmarks share: the machine in one line, and a table of figures beside their targets."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence


def machine() -> str:
    """Return cores, system and Python in one line, and how busy the machine is besides."""
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores{busy}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def show(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print rows of (what, figure, target) under a title and the machine's line."""
    print(f"{title}\n{machine()}")
    table = [("", "measured", "target"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    for what, figure, target in table:
        print(f"  {what:<{widths[0]}}  {figure:>{widths[1]}}  {target:>{widths[2]}}".rstrip())
