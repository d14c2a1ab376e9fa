"""Run the examples of a page and put what they print below them.

Three kinds of fence are understood. Each page has a Python process of its own, all pages share one folder.

    ```{executed} python        runs in the page's process; also `sh`
    ```{written} toy/study.toml     is written into a file
    ```{appended} toy/claims.toml   is added at the end of a file

The first lines of a fence may hold options: `:exit: 1` for the exit code that a command is to end with, `:errors:`
to show what `outbid` complains of on standard error, `:lines: 8` to show no more than so many lines.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from generate.markdown import code

FENCE = re.compile(
    r"^```\{(?P<kind>executed|written|appended)\}[ ]*(?P<about>[^\n]*)\n(?P<options>(?:[ ]*:\w+:[^\n]*\n)*)"
    r"(?P<body>.*?)^```[ ]*$",
    re.DOTALL | re.MULTILINE,
)
LANGUAGES = ("python", "sh")
SECONDS = 900
# Reads programs as lines of JSON, runs each in one namespace, and answers in JSON.
DRIVER = """
import contextlib, io, json, sys, traceback
space, answers = {"__name__": "__main__"}, sys.stdout
for line in sys.stdin:
    told, error = io.StringIO(), ""
    with contextlib.redirect_stdout(told):
        try:
            exec(compile(json.loads(line), "<example>", "exec"), space)
        except BaseException:
            error = traceback.format_exc()
    print(json.dumps([told.getvalue(), error]), file=answers, flush=True)
"""


class ExampleError(Exception):
    """An example did not do what its page says."""


@dataclass(frozen=True)
class Example:
    """One fence: its kind, what stands behind the kind, options, text, and the line of the page where it begins."""

    kind: str
    about: str
    options: dict[str, str]
    body: str
    line: int


def examples(text: str) -> list[Example]:
    """Return every fence of a page that is run or written."""
    return [_example(found) for found in FENCE.finditer(text)]


def _example(found: re.Match[str]) -> Example:
    pairs = re.findall(r"^ *:(\w+): *(.*)$", found["options"], re.MULTILINE)
    line = found.string.count("\n", 0, found.start()) + 1
    return Example(found["kind"], found["about"].strip(), dict(pairs), found["body"].lstrip("\n"), line)


class Desk:
    """A folder in which examples are run, with a Python process that starts at the first need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._python: subprocess.Popen[str] | None = None
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        self._about = os.environ | {"PATH": path, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "100"}

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._python is not None:
            self._python.kill()
            self._python.communicate()

    def run(self, example: Example) -> str:
        """Do what a fence says, and return what is to be shown of its output.

        Raises
        ------
        ExampleError
            If it fails, or ends with another exit code than its page says.
        """
        if example.kind in ("written", "appended"):
            path = self.folder / example.about
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w" if example.kind == "written" else "a", encoding="utf-8") as file:
                file.write(example.body if example.kind == "written" else f"\n{example.body}")
            return ""
        told = self._in_python(example.body) if example.about == "python" else self._in_shell(example)
        told = told.replace(f"{self.folder.resolve()}/", "").replace(f"{self.folder}/", "").rstrip()
        most = int(example.options.get("lines", 0))
        lines = told.splitlines()
        return "\n".join([*lines[:most], "…"]) if 0 < most < len(lines) else told

    def _in_shell(self, example: Example) -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", example.body],
            cwd=self.folder,
            env=self._about,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        # a crash ends with 1 too, which a page may expect of a complaint
        crashed = "Traceback (most recent call last)" in done.stderr
        if crashed or done.returncode != int(example.options.get("exit", 0)):
            raise ExampleError(f"ended with exit code {done.returncode}:\n{done.stdout}\n{done.stderr}")
        # a complaint, and not the stages that came before it, whose times differ from build to build
        complaints = [line for line in done.stderr.splitlines(keepends=True) if line.startswith("outbid: ")]
        return done.stdout + ("".join(complaints) if "errors" in example.options else "")

    def _in_python(self, program: str) -> str:
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", DRIVER],
                cwd=self.folder,
                env=self._about,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps(program) + "\n")
        self._python.stdin.flush()
        answer = self._python.stdout.readline()
        told, error = json.loads(answer) if answer else ("", "Python ended")
        if error:
            raise ExampleError(f"failed:\n{told}\n{error}")
        return str(told)


def with_output(text: str, folder: Path, name: str) -> str:
    """Return a page with its examples run, and their output put below them.

    Raises
    ------
    ExampleError
        With the page and the line, if an example fails.
    """
    with Desk(folder) as desk:

        def shown(found: re.Match[str]) -> str:
            example = _example(found)
            try:
                told = desk.run(example)
            except (ExampleError, subprocess.TimeoutExpired) as error:
                raise ExampleError(f"{name}, line {example.line}: {error}") from error
            return _shown(example, told)

        return FENCE.sub(shown, text)


def _shown(example: Example, told: str) -> str:
    if example.kind == "executed":
        block = code(example.body, example.about)
        return (
            f"{block}\n\n{code(told, '{code-block} text' + chr(10) + ':class: printed' + chr(10))}"
            if told
            else block
        )
    ending = example.about.rpartition(".")[2]
    language = {"py": "python", "toml": "toml"}.get(ending, "text")
    more = "" if example.kind == "written" else " (add at the end)"
    return code(f":caption: {example.about}{more}\n\n{example.body}", f"{{code-block}} {language}")
