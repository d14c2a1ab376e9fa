"""Progress: what a person sees on a terminal and in a log, and the times that are kept."""

from __future__ import annotations

import io
import os
import sys

import pytest

from outbid import progress as progress_module
from outbid.progress import Interrupted, Progress, Silent, TerminalProgress, duration


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def work(progress: Progress) -> None:
    with progress.stage("Sampling", total=10) as stage:
        for _ in range(10):
            stage.advance()
        stage.note("chain 2 of 4")
    with progress.stage("Drawing"), progress.stage("Figures [bold]", total=2) as inner:
        inner.advance(2)


def test_every_kind_keeps_the_times(terminal: Terminal) -> None:
    for progress in (Silent(), TerminalProgress(io.StringIO()), TerminalProgress(terminal)):
        work(progress)
        assert set(progress.timing) == {"Sampling", "Drawing", "Figures [bold]"}
        assert all(seconds >= 0 for seconds in progress.timing.values())
        assert progress.timing["Drawing"] >= progress.timing["Figures [bold]"]


def test_a_label_used_twice_adds_up() -> None:
    progress = Silent()
    with progress.stage("a"):
        pass
    first = progress.timing["a"]
    with progress.stage("a"):
        pass
    assert progress.timing["a"] > first


def test_a_log_gets_one_plain_line_a_stage() -> None:
    stream = io.StringIO()
    work(TerminalProgress(stream))
    lines = stream.getvalue().splitlines()
    assert [line.split(": done in ")[0] for line in lines] == ["Sampling", "Figures [bold]", "Drawing"]
    assert "\x1b" not in stream.getvalue()


def test_a_slow_stage_in_a_log_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "HEARTBEAT_SECONDS", 0.0)
    stream = io.StringIO()
    with TerminalProgress(stream).stage("Sampling", total=8) as stage:
        stage.advance(3)
        stage.note("compiling")
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("Sampling: 3 of 8 (38%), ")
    assert "so far, about " in lines[1] and lines[1].endswith(" left, compiling")


def test_work_of_an_earlier_run_counts_and_is_said(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 100.0, 110.0, 110.0]).__next__
    monkeypatch.setattr(progress_module.time, "perf_counter", clock)
    stream = io.StringIO()
    with TerminalProgress(stream).stage("Sampling", total=10) as stage:
        stage.resume(4)
        stage.advance(2)
    resumed, under_way, _ = stream.getvalue().splitlines()
    assert resumed == "Sampling: resumed at 40%"
    # two units in 100 seconds, and four to go
    assert under_way == "Sampling: 6 of 10 (60%), 1 min 40 s so far, about 3 min 20 s left"
    monkeypatch.undo()
    with TerminalProgress(terminal).stage("Sampling", total=10) as stage:
        stage.resume(4)
        stage.say("a file is damaged")
    assert "Sampling: resumed at 40%" in terminal.getvalue()
    assert "Sampling: a file is damaged" in terminal.getvalue()


def test_a_terminal_shows_bars_and_keeps_one_line_a_stage(terminal: Terminal) -> None:
    work(TerminalProgress(terminal))
    drawn = terminal.getvalue()
    assert "━" in drawn
    for label in ("Sampling", "Figures [bold]", "Drawing"):
        assert drawn.count(f"{label}: done in ") == 1
    # the cursor is shown again at the end
    assert drawn.rfind("\x1b[?25h") > drawn.rfind("\x1b[?25l")


def test_a_terminal_without_a_movable_cursor_counts_as_a_log(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    work(TerminalProgress(terminal))
    assert "\x1b" not in terminal.getvalue()


def test_a_stage_that_fails_says_so_and_is_timed(terminal: Terminal) -> None:
    for stream in (io.StringIO(), terminal):
        progress = TerminalProgress(stream)
        with pytest.raises(Interrupted), progress.stage("Sampling"):
            raise Interrupted("Two chains are kept.")
        assert "Sampling: stopped after" in stream.getvalue()
        assert "Sampling" in progress.timing
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")


def test_standard_output_stays_clean(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalProgress(terminal).stage("Sampling"):
        print("a result")
    assert capsys.readouterr().out == "a result\n"
    assert "a result" not in terminal.getvalue()


def test_the_default_stream_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    work(TerminalProgress())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Sampling: done in" in captured.err


def test_interrupted_is_a_ctrl_c_that_knows_what_was_kept() -> None:
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert Interrupted("One fit is kept.").kept == "One fit is kept."
    assert Interrupted().kept == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (0.44, "0.4 s"), (9.9, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_real_terminal() -> None:
    import pty

    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as stream:
        work(TerminalProgress(stream))
        drawn = os.read(leader, 100_000).decode()
    os.close(leader)
    assert "Sampling" in drawn
