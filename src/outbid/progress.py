"""How slow work says where it is: stages with a name, a count and a time.

Slow code takes a `Progress` and opens a stage around each piece of work; it never prints by itself. A program
that wants silence passes `Silent`, the command line passes `TerminalProgress`. Both remember how long each
stage took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

HEARTBEAT_SECONDS = 10.0
"""How long a stage may stay silent where no bar can be drawn (a log file, a pipe)."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of slow work; `kept`: one sentence on what was finished and stays on disk."""

    def __init__(self, kept: str = "") -> None:
        self.kept = kept
        super().__init__(kept)


class Stage:
    """A piece of slow work that is under way; this one keeps quiet."""

    def advance(self, n: int = 1) -> None:
        """Count `n` more units as done."""

    def note(self, text: str) -> None:
        """Say in a few words what the stage is waiting for."""

    def resume(self, n: int) -> None:
        """Count `n` units as done in an earlier run, and say which share of all that is."""

    def say(self, line: str) -> None:
        """Say something that stays to be read."""


class Progress(Protocol):
    """Something that slow code can tell about its stages; `timing` maps each label to seconds."""

    timing: dict[str, float]

    def stage(self, label: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage of `total` units, or of unknown length, until the `with` block ends."""


class Silent:
    """Progress that prints nothing and only keeps the times."""

    def __init__(self) -> None:
        self.timing: dict[str, float] = {}

    @contextmanager
    def stage(self, label: str, total: int | None = None) -> Iterator[Stage]:
        """Open a stage, perhaps inside another one; its seconds are added to `timing` even when it fails."""
        begun, outcome = time.perf_counter(), "stopped after"
        try:
            with self._opened(label, total) as stage:
                yield stage
            outcome = "done in"
        finally:
            seconds = time.perf_counter() - begun
            self.timing[label] = self.timing.get(label, 0.0) + seconds
            self._print(f"{label}: {outcome} {duration(seconds)}")

    @contextmanager
    def _opened(self, label: str, total: int | None) -> Iterator[Stage]:
        yield Stage()

    def _print(self, line: str) -> None:
        pass


class TerminalProgress(Silent):
    """Progress for a person: bars on a terminal, plain lines in a log; one line a stage remains.

    `stream`: where to draw, standard error by default, so that standard output stays clean for results.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = sys.stderr if stream is None else stream
        self._bars = _bars(self._stream)

    @contextmanager
    def _opened(self, label: str, total: int | None) -> Iterator[Stage]:
        if self._bars is None:
            yield _PlainStage(self, label, total)
            return
        if not self._bars.tasks:
            self._bars.start()
        stage = _DrawnStage(self, self._bars, label, total)
        try:
            yield stage
        finally:
            self._bars.remove_task(stage.task)
            if not self._bars.tasks:
                self._bars.stop()

    def _print(self, line: str) -> None:
        if self._bars is None:
            print(line, file=self._stream, flush=True)
        else:
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _PlainStage(Stage):
    """A stage where nothing can be redrawn: it speaks up once in a while."""

    def __init__(self, progress: TerminalProgress, label: str, total: int | None) -> None:
        self._progress, self._label, self._total = progress, label, total
        self._begun = self._spoken = time.perf_counter()
        self._done, self._before, self._note = 0, 0, ""

    def advance(self, n: int = 1) -> None:
        self._done += n
        self._speak()

    def note(self, text: str) -> None:
        self._note = text
        self._speak()

    def resume(self, n: int) -> None:
        self._done = self._before = n
        self.say(_resumed(n, self._total))

    def say(self, line: str) -> None:
        self._progress._print(f"{self._label}: {line}")

    def _speak(self) -> None:
        now = time.perf_counter()
        if now - self._spoken < HEARTBEAT_SECONDS:
            return
        self._spoken = now
        spent, made = now - self._begun, self._done - self._before
        count = left = ""
        if self._total:
            count = f"{self._done} of {self._total} ({self._done / self._total:.0%}), "
            left = f", about {duration(spent * (self._total - self._done) / made)} left" if made else ""
        note = f", {self._note}" if self._note else ""
        self.say(f"{count}{duration(spent)} so far{left}{note}")


class _DrawnStage(Stage):
    """A stage that is one bar among others."""

    def __init__(self, progress: TerminalProgress, bars: Bars, label: str, total: int | None) -> None:
        self._progress, self._bars, self._label, self._total = progress, bars, label, total
        self.task = bars.add_task(label, total=total, note="")

    def advance(self, n: int = 1) -> None:
        self._bars.advance(self.task, n)

    def note(self, text: str) -> None:
        self._bars.update(self.task, note=text)

    def resume(self, n: int) -> None:
        self._bars.update(self.task, completed=n)
        self.say(_resumed(n, self._total))

    def say(self, line: str) -> None:
        self._progress._print(f"{self._label}: {line}")


def _resumed(done: int, total: int | None) -> str:
    return f"resumed at {done / total:.0%}" if total else f"resumed at {done}"


def duration(seconds: float) -> str:
    """Write a span of time, not negative, the way a person would say it ("0.4 s", "12 s", "3 min 5 s")."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _bars(stream: TextIO) -> Bars | None:
    """Return bars with the time remaining, spinners where it is unknown; None where no cursor can be moved."""
    if not stream.isatty():
        return None
    # rich takes a tenth of a second to import, which `outbid --help` should not pay
    from rich import progress as columns
    from rich.console import Console, RenderableType
    from rich.table import Column

    console = Console(file=stream)
    if console.is_dumb_terminal:
        return None

    class WhenCounted(columns.ProgressColumn):
        """A column that stays empty where the length of a stage is unknown: no bar that promises an end."""

        def __init__(self, inner: columns.ProgressColumn) -> None:
            super().__init__()
            self._inner = inner

        def render(self, task: columns.Task) -> RenderableType:
            return self._inner(task) if task.total is not None else ""

    one_line = Column(no_wrap=True, overflow="ellipsis")
    return columns.Progress(
        columns.SpinnerColumn(),
        columns.TextColumn("{task.description}", markup=False),
        WhenCounted(columns.BarColumn(bar_width=24)),
        columns.TimeElapsedColumn(),
        WhenCounted(columns.TaskProgressColumn()),
        WhenCounted(columns.TimeRemainingColumn(compact=True)),
        columns.TextColumn("{task.fields[note]}", markup=False, table_column=one_line),
        console=console,
        transient=True,
        # results go to standard output, which must not be drawn into the bars' stream
        redirect_stdout=False,
    )
