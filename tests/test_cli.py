"""The command line: what it passes on, what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import outbid
from outbid.cli import main
from outbid.errors import InputError
from outbid.progress import Interrupted


@dataclass(frozen=True)
class FakeResult:
    ok: bool = True
    lines: tuple[str, ...] = ("the answer",)
    problems: tuple[str, ...] = ()
    path: Path = Path("out/tiny/report.html")

    def to_json(self) -> dict[str, Any]:
        return {"answer": 42, "unknown": float("nan")}


@dataclass(frozen=True)
class FakeInfo:
    name: str
    title: str
    folder: Path


@dataclass
class FakeStudy:
    """Takes down what it is asked and answers with `result`, or raises it."""

    name: str = "tiny"
    title: str = "A tiny study"
    result: FakeResult | BaseException = field(default_factory=FakeResult)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def _answer(self, verb: str, given: dict[str, Any]) -> FakeResult:
        self.asked.append((verb, given))
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    def check(self) -> FakeResult:
        return self._answer("check", {})

    def fit(self, **given: Any) -> FakeResult:
        return self._answer("fit", given)

    def simulate(self, **given: Any) -> FakeResult:
        return self._answer("simulate", given)

    def report(self, **given: Any) -> FakeResult:
        return self._answer("report", given)

    def run(self, **given: Any) -> FakeResult:
        with given["progress"].stage("Sampling"):
            (given["out"]).mkdir(parents=True)
            (given["out"] / "report.html").touch()
        return self._answer("run", given)


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeStudy:
    """A study behind a stand-in for `outbid.api`, in an empty working folder."""
    fake = FakeStudy()

    def load(given: str | Path) -> FakeStudy:
        if str(given) != "tiny":
            raise InputError(str(given), "there is no such study\nor folder", "Did you mean 'tiny'?")
        return fake

    api = ModuleType("outbid.api")
    vars(api).update(
        load=load,
        studies=lambda: (
            FakeInfo("tiny", "A tiny study", tmp_path),
            FakeInfo("tugofwar", "Another", tmp_path),
        ),
    )
    monkeypatch.setitem(sys.modules, "outbid.api", api)
    monkeypatch.setattr(outbid, "api", api, raising=False)
    monkeypatch.chdir(tmp_path)
    return fake


def options(study: FakeStudy) -> dict[str, Any]:
    [(_, given)] = study.asked
    return {name: value for name, value in given.items() if name != "progress"}


def test_defaults_of_every_verb(study: FakeStudy) -> None:
    common = {"prior": "both", "quick": False, "seed": 20210815, "out": Path("out/tiny")}
    sampling = dict.fromkeys(("draws", "warmup", "chains", "target_accept"))
    for verb, expected in [
        ("check", {}),
        ("fit", {**common, **sampling, "data": None}),
        ("simulate", {**common, **sampling, "scenarios": [], "months": 36, "play": "scenario"}),
        ("report", {"out": Path("out/tiny")}),
        ("run", {**common, **sampling, "data": None}),
    ]:
        study.asked.clear()
        assert main([verb, "tiny"]) == 0
        assert study.asked[0][0] == verb
        assert options(study) == expected


def test_options_are_passed_on(study: FakeStudy) -> None:
    line = "simulate tiny --out there --seed 7 --prior sources --quick --months 12 --scenario a --scenario b"
    assert main(line.split()) == 0
    assert options(study) == {
        "out": Path("there"),
        "seed": 7,
        "prior": "sources",
        "quick": True,
        "months": 12,
        "play": "scenario",
        "scenarios": ["a", "b"],
        **dict.fromkeys(("draws", "warmup", "chains", "target_accept")),
    }


def test_run_prints_the_answer_and_then_the_path(
    study: FakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "tiny", "--out", "there"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["the answer", f"Report: {Path('there/report.html')}"]
    assert captured.err.startswith("Sampling: done in ")


def test_problems_come_first_and_end_with_one(study: FakeStudy, capsys: pytest.CaptureFixture[str]) -> None:
    study.result = FakeResult(ok=False, problems=("the chains disagree",))
    for verb in ("check", "fit"):
        assert main([verb, "tiny"]) == 1
        assert capsys.readouterr().out.splitlines() == ["the chains disagree", "the answer"]


def test_json_has_standard_output_to_itself(study: FakeStudy, capsys: pytest.CaptureFixture[str]) -> None:
    study.result = FakeResult(ok=False, problems=("the chains disagree",))
    for verb in ("check", "fit", "simulate", "report", "run"):
        assert main([verb, "tiny", "--json"]) == 1
        captured = capsys.readouterr()
        assert json.loads(captured.out) == {"answer": 42, "unknown": None}
        assert "the chains disagree\nthe answer\n" in captured.err


def test_list(study: FakeStudy, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == ["tiny      A tiny study", "tugofwar  Another"]
    assert main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0] == {"name": "tiny", "title": "A tiny study", "folder": str(tmp_path)}


@pytest.mark.parametrize("verb", ["run", "check", "fit", "simulate", "report"])
def test_bad_input_is_one_line_on_standard_error(
    study: FakeStudy, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert main([verb, "tniy", "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "outbid: tniy: there is no such study or folder. Did you mean 'tiny'?\n"


@pytest.mark.parametrize(
    "line",
    [
        "run",
        "walk tiny",
        "run tiny --sead 3",
        "run tiny --seed three",
        "run tiny --seed -1",
        "run tiny --seed 99999999999999999999",
        "run tiny --prior optimistic",
        "simulate tiny --months 0",
        "simulate tiny --months 1e9",
        "run tiny extra",
        "run tiny --out",
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help(
    study: FakeStudy, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("outbid: ")
    assert captured.err.endswith("--help`.\n")
    assert len(captured.err.splitlines()) == 1
    assert study.asked == []


def test_an_empty_out_is_refused(study: FakeStudy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "tiny", "--out", ""]) == 2
    assert "--out" in capsys.readouterr().err
    assert study.asked == []


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (
            Interrupted("The neutral fit is kept in out/tiny."),
            "Interrupted. The neutral fit is kept in out/tiny.",
        ),
        (KeyboardInterrupt(), "Interrupted."),
    ],
)
def test_ctrl_c_says_what_was_kept(
    study: FakeStudy, capsys: pytest.CaptureFixture[str], stop: BaseException, said: str
) -> None:
    study.result = stop
    assert main(["fit", "tiny"]) == 130
    assert capsys.readouterr().err == f"outbid: {said}\n"


def test_our_own_mistakes_keep_their_traceback(study: FakeStudy) -> None:
    study.result = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["fit", "tiny"])


def test_a_text_of_a_study_can_not_steer_the_terminal(
    study: FakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study.result = FakeResult(lines=("\x1b[2J\x1b]0;title\x07wiped “ok”\tyes",))
    assert main(["check", "tiny"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "wiped “ok”\tyes" in out


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["--help"], ["-h"], []):
        assert main(line) == 0
        out = capsys.readouterr().out
        for verb in (
            "run",
            "check",
            "fit",
            "simulate",
            "report",
            "list",
            "--version",
            "--install-completion",
        ):
            assert verb in out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"outbid {outbid.__version__}\n"


def test_completion_of_verbs_and_of_studies(study: FakeStudy) -> None:
    from outbid.cli import complete_study

    assert complete_study("t") == ["tiny", "tugofwar"]
    assert complete_study("tu") == ["tugofwar"]
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from outbid.cli import main; sys.exit(main())"],
        env=os.environ | {"_OUTBID_COMPLETE": "complete_bash", "COMP_WORDS": "outbid si", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["simulate"]


def test_a_terminal_that_lacks_a_letter_still_gets_the_answer(tmp_path: Path) -> None:
    code = """
import sys, types
import outbid
from outbid.cli import main
info = types.SimpleNamespace(name="tiny", title="a tiny ≥ study", folder="x")
outbid.api = sys.modules["outbid.api"] = types.SimpleNamespace(studies=lambda: (info,))
sys.exit(main(["list"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "tiny  a tiny \\u2265 study\n"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("JAX_ENABLE_X64", "banana", ["check", "khorasan"]),
        ("JAX_LOGGING_LEVEL", "loud", ["ask", "khorasan", "claims"]),
    ],
)
def test_a_setting_of_the_environment_that_is_none_is_one_line(
    name: str, value: str, words: list[str]
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from outbid.cli import main; sys.exit(main(sys.argv[1:]))",
            *words,
        ],
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode and not done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert name.lower() in done.stderr.lower()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to try")
def test_an_answer_that_can_not_be_written_is_one_line() -> None:
    """Tried: a full disk, a reader that has gone, no output at all, of an answer and of the help."""
    for words in ("list", "--help"):
        command = [
            sys.executable,
            "-c",
            f"import sys; from outbid.cli import main; sys.exit(main([{words!r}]))",
        ]
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "no space is left" in done.stderr
        shut = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
        done = subprocess.run(shut, stderr=subprocess.PIPE, text=True, timeout=60)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "is closed" in done.stderr
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
        os.close(write)
        assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C another way")
def test_a_real_ctrl_c_in_the_middle_of_a_stage() -> None:
    code = """
import signal, sys, time, types
import outbid
from outbid.cli import main
from outbid.progress import Interrupted
# a shell's background job ignores it, and hands that down
signal.signal(signal.SIGINT, signal.default_int_handler)
def fit(*, progress, **_):
    try:
        with progress.stage("Sampling"):
            print("ready", flush=True, file=sys.__stdout__)
            time.sleep(60)
    except KeyboardInterrupt as stop:
        raise Interrupted("One chain is kept.") from stop
study = types.SimpleNamespace(name="tiny", fit=fit)
outbid.api = sys.modules["outbid.api"] = types.SimpleNamespace(load=lambda _: study)
sys.exit(main(["fit", "tiny"]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    stopped, said = err.splitlines()
    assert stopped.startswith("Sampling: stopped after ")
    assert said == "outbid: Interrupted. One chain is kept."
