"""The command line: read what was asked, call `outbid.api`, print what came back.

Exit codes: 0 fine; 1 a fit failed its diagnostics or a check found problems; 2 bad input; 130 Ctrl-C.
Anything else that goes wrong is a fault of ours and shows its traceback.

`outbid.api` is imported inside the verbs only, so that `outbid --help` answers at once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import typer

from outbid import __version__
from outbid.errors import InputError
from outbid.output import folder_path, json_text
from outbid.progress import TerminalProgress

OK, PROBLEMS, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

PriorChoice = Literal["neutral", "sources", "both"]
PlayChoice = Literal["scenario", "equilibrium"]


class Result(Protocol):
    """What every verb gives back."""

    @property
    def ok(self) -> bool:
        """Whether all went as it should."""

    @property
    def lines(self) -> Sequence[str]:
        """The answer in words."""

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong, worst first; empty if all is well."""

    def to_json(self) -> Mapping[str, Any]:
        """The answer for a machine."""


app = typer.Typer(
    name="outbid",
    help="Model the contest between an incumbent armed movement and a harder-line challenger.",
    epilog="STUDY is the name of a study that comes with outbid (see `outbid list`) or a study's folder.",
    # rich would draw boxes around the help and double the time that it takes
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _complete_study(incomplete: str) -> list[str]:
    from outbid import api

    try:
        return [study.name for study in api.studies() if study.name.startswith(incomplete)]
    except InputError:
        # there is no place for a message in the middle of a line that is being typed
        return []


StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="Name of a shipped study, or a study's folder.", autocompletion=_complete_study
    ),
]
OutOption = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Folder for the results [default: out/NAME].")
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed", metavar="N", min=0, max=2**32 - 1, help="Seed of all random numbers [default: fixed]."
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder with the panel of a study that is a game [default: a simulated panel].",
    ),
]
PriorOption = Annotated[
    PriorChoice,
    typer.Option(
        "--prior",
        help="Start from even odds on every claim, from the sources' word, or compare both.",
        show_default=True,
    ),
]
QuickOption = Annotated[bool, typer.Option("--quick", help="A coarse answer, sooner, marked as such.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON; everything else goes to standard error.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"outbid {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


@app.command()
def run(
    study: StudyArgument,
    out: OutOption = None,
    prior: PriorOption = "both",
    quick: QuickOption = False,
    seed: SeedOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit, compare the scenarios, write the report."""
    with _told_plainly():
        from outbid import api

        loaded = api.load(study)
        folder = _out_folder(out, loaded.name)
        result = loaded.run(
            out=folder, prior=prior, quick=quick, seed=_seed(seed), data=data, progress=TerminalProgress()
        )
        report = folder / "report.html"
        _show(result, as_json, after=[f"Report: {report}"] if report.exists() else [])


@app.command()
def check(study: StudyArgument, as_json: JsonOption = False) -> None:
    """See that every name in a study resolves."""
    with _told_plainly():
        from outbid import api

        _show(api.load(study).check(), as_json)


@app.command()
def fit(
    study: StudyArgument,
    out: OutOption = None,
    prior: PriorOption = "both",
    quick: QuickOption = False,
    seed: SeedOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask what the data say about the model."""
    with _told_plainly():
        from outbid import api

        loaded = api.load(study)
        folder = _out_folder(out, loaded.name)
        result = loaded.fit(
            prior=prior, quick=quick, seed=_seed(seed), out=folder, data=data, progress=TerminalProgress()
        )
        _show(result, as_json)


@app.command()
def simulate(
    study: StudyArgument,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="ID", help="Scenario to play; repeat for several [default: all]."),
    ] = None,
    months: Annotated[int, typer.Option("--months", metavar="N", min=1, max=600, help="Months ahead.")] = 36,
    play: Annotated[
        PlayChoice,
        typer.Option(
            "--play", help="Move the players' levers as the scenario says, or let the players choose."
        ),
    ] = "scenario",
    out: OutOption = None,
    prior: PriorOption = "both",
    quick: QuickOption = False,
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play scenarios forward from the fitted model."""
    with _told_plainly():
        from outbid import api

        loaded = api.load(study)
        folder = _out_folder(out, loaded.name)
        result = loaded.simulate(
            prior=prior,
            scenarios=tuple(scenario or ()),
            months=months,
            play=play,
            quick=quick,
            seed=_seed(seed),
            out=folder,
            progress=TerminalProgress(),
        )
        _show(result, as_json)


@app.command()
def report(study: StudyArgument, out: OutOption = None, as_json: JsonOption = False) -> None:
    """Write the report again from earlier results."""
    with _told_plainly():
        from outbid import api

        loaded = api.load(study)
        result = loaded.report(out=_out_folder(out, loaded.name), progress=TerminalProgress())
        _show(result, as_json, after=[f"Report: {result.path}"])


@app.command("list")
def list_studies(as_json: JsonOption = False) -> None:
    """Name the studies that come with outbid."""
    with _told_plainly():
        from outbid import api

        found = api.studies()
        if as_json:
            rows = [{"name": study.name, "title": study.title, "folder": study.folder} for study in found]
            typer.echo(json_text(rows), nl=False)
            return
        width = max((len(study.name) for study in found), default=0)
        for study in found:
            typer.echo(_safe(f"{study.name:<{width}}  {study.title}"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments
        What was typed after `outbid`; the process's own arguments by default.
    """
    for stream in (sys.stdout, sys.stderr):
        # an old terminal that lacks a letter shall not cost the answer
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=given or ["--help"], prog_name="outbid", standalone_mode=False)
    except typer.TyperException as error:
        where = getattr(getattr(error, "ctx", None), "command_path", "outbid")
        _complain(f"{error.format_message().rstrip('.')}. Try `{where} --help`.")
        return BAD_INPUT
    return code if isinstance(code, int) else OK


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turn a person's mistakes and Ctrl-C into one line and an exit code."""
    try:
        yield
    except InputError as error:
        _complain(str(error))
        raise typer.Exit(BAD_INPUT) from error
    except KeyboardInterrupt as stop:
        _complain(f"Interrupted. {getattr(stop, 'kept', '')}")
        raise typer.Exit(INTERRUPTED) from stop


def _show(result: Result, as_json: bool, after: Sequence[str] = ()) -> None:
    """Print a result, problems first, and end with its exit code."""
    for line in (*result.problems, *result.lines, *after):
        typer.echo(_safe(line), err=as_json)
    if as_json:
        typer.echo(json_text(result.to_json()), nl=False)
    if not result.ok:
        raise typer.Exit(PROBLEMS)


def _complain(message: str) -> None:
    typer.echo(_safe(" ".join(f"outbid: {message}".split())), err=True)


def _safe(line: str) -> str:
    """Take out what could steer the terminal: texts of a study are another person's."""
    return "".join(
        letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}" for letter in line
    )


def _out_folder(out: str | None, name: str) -> Path:
    return Path("out", name) if out is None else folder_path(out)


def _seed(seed: int | None) -> int:
    from outbid import api

    return api.SEED if seed is None else seed
