"""The command line: read what was asked, call `outbid.api`, print what came back.

Exit codes: 0 fine; 1 a fit failed its diagnostics or a check found problems; 2 bad input; 130 Ctrl-C.
Anything else that goes wrong is a fault of ours and shows its traceback.

`outbid.api` is imported inside the verbs only, so that `outbid --help` answers at once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from outbid import __version__
from outbid.cli.asking import asking
from outbid.cli.options import (
    BAD_INPUT,
    OK,
    AcceptOption,
    ChainsOption,
    DataOption,
    DrawsOption,
    JsonOption,
    OutOption,
    PlayChoice,
    PriorOption,
    QuickOption,
    SeedOption,
    StudyArgument,
    WarmupOption,
    complain,
    out_folder,
    plain_faults,
    safe,
    seed_of,
    show,
)
from outbid.output import json_text
from outbid.progress import TerminalProgress

app = typer.Typer(
    name="outbid",
    help="Model the contest between an incumbent armed movement and a harder-line challenger.",
    epilog="STUDY is the name of a study that comes with outbid (see `outbid list`) or a study's folder.",
    # rich would draw boxes around the help and double the time that it takes
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    draws: DrawsOption = None,
    warmup: WarmupOption = None,
    chains: ChainsOption = None,
    target_accept: AcceptOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit, compare the scenarios, write the report."""
    with plain_faults():
        from outbid import api

        loaded = api.load(study)
        folder = out_folder(out, loaded.name)
        result = loaded.run(
            out=folder,
            prior=prior,
            quick=quick,
            seed=seed_of(seed),
            data=data,
            progress=TerminalProgress(),
            draws=draws,
            warmup=warmup,
            chains=chains,
            target_accept=target_accept,
        )
        report = folder / "report.html"
        show(result, as_json, after=[f"Report: {report}"] if report.exists() else [])


@app.command()
def check(study: StudyArgument, as_json: JsonOption = False) -> None:
    """See that every name in a study resolves."""
    with plain_faults():
        from outbid import api

        show(api.load(study).check(), as_json)


@app.command()
def fit(
    study: StudyArgument,
    out: OutOption = None,
    prior: PriorOption = "both",
    quick: QuickOption = False,
    seed: SeedOption = None,
    draws: DrawsOption = None,
    warmup: WarmupOption = None,
    chains: ChainsOption = None,
    target_accept: AcceptOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask what the data say about the model."""
    with plain_faults():
        from outbid import api

        loaded = api.load(study)
        folder = out_folder(out, loaded.name)
        result = loaded.fit(
            out=folder,
            prior=prior,
            quick=quick,
            seed=seed_of(seed),
            data=data,
            progress=TerminalProgress(),
            draws=draws,
            warmup=warmup,
            chains=chains,
            target_accept=target_accept,
        )
        show(result, as_json)


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
    draws: DrawsOption = None,
    warmup: WarmupOption = None,
    chains: ChainsOption = None,
    target_accept: AcceptOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play scenarios forward from the fitted model."""
    with plain_faults():
        from outbid import api

        loaded = api.load(study)
        folder = out_folder(out, loaded.name)
        result = loaded.simulate(
            prior=prior,
            scenarios=tuple(scenario or ()),
            months=months,
            play=play,
            quick=quick,
            seed=seed_of(seed),
            draws=draws,
            warmup=warmup,
            chains=chains,
            target_accept=target_accept,
            out=folder,
            progress=TerminalProgress(),
        )
        show(result, as_json)


@app.command()
def report(study: StudyArgument, out: OutOption = None, as_json: JsonOption = False) -> None:
    """Write the report again from earlier results."""
    with plain_faults():
        from outbid import api

        loaded = api.load(study)
        result = loaded.report(out=out_folder(out, loaded.name), progress=TerminalProgress())
        show(result, as_json, after=[f"Report: {result.path}"])


@app.command("list")
def list_studies(as_json: JsonOption = False) -> None:
    """Name the studies that come with outbid."""
    with plain_faults():
        from outbid import api

        found = api.studies()
        if as_json:
            rows = [{"name": study.name, "title": study.title, "folder": study.folder} for study in found]
            typer.echo(json_text(rows), nl=False)
            return
        width = max((len(study.name) for study in found), default=0)
        for study in found:
            typer.echo(safe(f"{study.name:<{width}}  {study.title}"))


app.add_typer(asking, name="ask")


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
        message = error.format_message().rstrip(".")
        complain(f"{message}{'' if message.endswith('?') else '.'} Try `{where} --help`.")
        return BAD_INPUT
    return code if isinstance(code, int) else OK
