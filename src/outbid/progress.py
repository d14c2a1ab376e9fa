"""How slow work says where it is: stages with a name, a count and a time.

Slow code takes a `Progress` and opens a stage around each piece of work; it never prints by itself. A program
that wants silence passes `Silent`, the command line passes `TerminalProgress`. Both remember how long each
stage took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

HEARTBEAT_SECONDS = 10.0
"""How long a stage may stay silent where no bar can be drawn (a log file, a pipe)."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of slow work, with word of what was kept.

    Parameters
    ----------
    kept
        One sentence on what was finished and stays on disk ("The neutral fit is kept in out/khorasan.").
    """

    def __init__(self, kept: str = "") -> None:
        self.kept = kept
        super().__init__(kept)


class Stage(Protocol):
    """A piece of slow work that is under way."""

    def advance(self, n: int = 1) -> None:
        """Count `n` more units as done."""

    def note(self, text: str) -> None:
        """Say in a few words what the stage is waiting for."""


class Progress(Protocol):
    """Something that slow code can tell about its stages; `timing` maps each label to seconds."""

    timing: dict[str, float]

    def stage(self, label: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage of `total` units, or of unknown length, until the `with` block ends."""


class _SilentStage:
    def advance(self, n: int = 1) -> None:
        """Ignore the count."""

    def note(self, text: str) -> None:
        """Ignore the note."""


class Silent:
    """Progress that prints nothing and only keeps the times."""

    def __init__(self) -> None:
        self.timing: dict[str, float] = {}

    @contextmanager
    def stage(self, label: str, total: int | None = None) -> Iterator[Stage]:
        """Open a stage; its seconds are added to `timing` even when it fails."""
        begun = time.perf_counter()
        try:
            yield _SilentStage()
        finally:
            self.timing[label] = self.timing.get(label, 0.0) + time.perf_counter() - begun


class TerminalProgress:
    """Progress for a person: bars on a terminal, plain lines in a log; one line a stage remains.

    Parameters
    ----------
    stream
        Where to draw, standard error by default, so that standard output stays clean for results.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.timing: dict[str, float] = {}
        self._stream = sys.stderr if stream is None else stream
        self._bars = _draw_bars(self._stream) if _can_draw(self._stream) else None
        self._open_stages = 0

    @contextmanager
    def stage(self, label: str, total: int | None = None) -> Iterator[Stage]:
        """Open a stage with a bar and the time remaining, or with a spinner where `total` is unknown.

        A stage may be opened inside another one. Its seconds are added to `timing` even when it fails.
        """
        begun = time.perf_counter()
        outcome = "stopped after"
        try:
            if self._bars is None:
                yield _PlainStage(label, total, self._print, begun)
            else:
                with self._drawn(self._bars, label, total) as stage:
                    yield stage
            outcome = "done in"
        finally:
            seconds = time.perf_counter() - begun
            self.timing[label] = self.timing.get(label, 0.0) + seconds
            self._print(f"{label}: {outcome} {duration(seconds)}")

    @contextmanager
    def _drawn(self, bars: RichProgress, label: str, total: int | None) -> Iterator[Stage]:
        if self._open_stages == 0:
            bars.start()
        self._open_stages += 1
        task = bars.add_task(label, total=total, note="")
        try:
            yield _DrawnStage(bars, task)
        finally:
            bars.remove_task(task)
            self._open_stages -= 1
            if self._open_stages == 0:
                bars.stop()

    def _print(self, line: str) -> None:
        if self._bars is None:
            print(line, file=self._stream, flush=True)
        else:
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _PlainStage:
    """A stage where nothing can be redrawn: it speaks up once in a while."""

    def __init__(self, label: str, total: int | None, say: Callable[[str], None], begun: float) -> None:
        self._label = label
        self._total = total
        self._say = say
        self._begun = begun
        self._spoken = begun
        self._done = 0
        self._note = ""

    def advance(self, n: int = 1) -> None:
        """Count `n` more units as done."""
        self._done += n
        self._speak()

    def note(self, text: str) -> None:
        """Remember what the stage is waiting for, for its next line."""
        self._note = text
        self._speak()

    def _speak(self) -> None:
        now = time.perf_counter()
        if now - self._spoken < HEARTBEAT_SECONDS:
            return
        self._spoken = now
        count = f"{self._done} of {self._total}, " if self._total is not None else ""
        note = f", {self._note}" if self._note else ""
        self._say(f"{self._label}: {count}{duration(now - self._begun)} so far{note}")


class _DrawnStage:
    """A stage that is one bar among others."""

    def __init__(self, bars: RichProgress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, n: int = 1) -> None:
        """Move the bar by `n` units."""
        self._bars.advance(self._task, n)

    def note(self, text: str) -> None:
        """Show the text beside the bar."""
        self._bars.update(self._task, note=text)


def duration(seconds: float) -> str:
    """Write a span of time the way a person would say it ("0.4 s", "12 s", "3 min 5 s").

    Parameters
    ----------
    seconds
        The span, not negative.
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _can_draw(stream: TextIO) -> bool:
    """Say whether the stream is a terminal that can move its cursor; needs no import of rich."""
    if not stream.isatty():
        return False
    from rich.console import Console

    return not Console(file=stream).is_dumb_terminal


def _draw_bars(stream: TextIO) -> RichProgress:
    # rich takes a tenth of a second to import, which `outbid --help` should not pay
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress
    from rich.progress import TimeRemainingColumn as Remaining
    from rich.table import Column

    class WhenCounted(ProgressColumn):
        """A column that stays empty where the length of a stage is unknown: no bar that promises an end."""

        def __init__(self, inner: ProgressColumn) -> None:
            super().__init__()
            self._inner = inner

        def render(self, task: Task) -> RenderableType:
            return self._inner(task) if task.total is not None else ""

    return RichProgress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        WhenCounted(BarColumn(bar_width=24)),
        TimeElapsedColumn(),
        WhenCounted(Remaining(compact=True)),
        TextColumn(
            "{task.fields[note]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
        ),
        console=Console(file=stream),
        transient=True,
        # results go to standard output, which must not be drawn into the bars' stream
        redirect_stdout=False,
    )
