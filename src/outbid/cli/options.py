"""What the verbs of the command line share: their options, and how an answer or a complaint is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import typer

from outbid.errors import InputError
from outbid.output import folder_path, json_text

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


def complete_study(incomplete: str) -> list[str]:
    """Return the shipped studies whose names begin with what was typed."""
    from outbid import api

    try:
        return [study.name for study in api.studies() if study.name.startswith(incomplete)]
    except InputError:
        # there is no place for a message in the middle of a line that is being typed
        return []


StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="Name of a shipped study, or a study's folder.", autocompletion=complete_study
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
DrawsOption = Annotated[
    int | None,
    typer.Option(
        "--draws", metavar="N", help="Draws of each chain that are kept [default: 1400; quick: 100]."
    ),
]
WarmupOption = Annotated[
    int | None,
    typer.Option("--warmup", metavar="N", help="Iterations before them [default: 275; quick: 75]."),
]
ChainsOption = Annotated[int | None, typer.Option("--chains", metavar="N", help="Chains [default: 4].")]
AcceptOption = Annotated[
    float | None,
    typer.Option(
        "--target-accept",
        metavar="P",
        help="Acceptance to tune for; more, where trajectories diverge [default: 0.94; quick: 0.85].",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON; everything else goes to standard error.")
]


@contextmanager
def plain_faults() -> Iterator[None]:
    """Turn a person's mistakes and Ctrl-C into one line and an exit code."""
    try:
        yield
    except InputError as error:
        complain(str(error))
        raise typer.Exit(BAD_INPUT) from error
    except KeyboardInterrupt as stop:
        complain(f"Interrupted. {getattr(stop, 'kept', '')}")
        raise typer.Exit(INTERRUPTED) from stop


def show(result: Result, as_json: bool, after: Sequence[str] = ()) -> None:
    """Print a result, problems first, and end with its exit code."""
    for line in (*result.problems, *result.lines, *after):
        typer.echo(safe(line), err=as_json)
    if as_json:
        typer.echo(json_text(result.to_json()), nl=False)
    if not result.ok:
        raise typer.Exit(PROBLEMS)


def complain(message: str) -> None:
    """Print one line to standard error."""
    typer.echo(safe(" ".join(f"outbid: {message}".split())), err=True)


def safe(line: str) -> str:
    """Take out what could steer the terminal: texts of a study are another person's."""
    return "".join(
        letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}" for letter in line
    )


def out_folder(out: str | None, name: str) -> Path:
    """Return the folder for a study's results."""
    return Path("out", name) if out is None else folder_path(out)


def seed_of(seed: int | None) -> int:
    """Return the seed that was given, or the fixed one."""
    from outbid import api

    return api.SEED if seed is None else seed
