"""The command line: read what was asked, call `outbid.api`, print what came back.

Exit codes: 0 fine; 1 a fit failed its diagnostics or a check found problems; 2 bad input; 130 Ctrl-C.
Anything else that goes wrong is a fault of ours and shows its traceback.

`outbid.api` and the questions are imported inside the verbs only, so that `outbid --help` answers at once.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from typer.core import TyperGroup

from outbid import __version__
from outbid.errors import InputError
from outbid.output import folder_path, json_text
from outbid.progress import TerminalProgress
from outbid.run_settings import SEED, flag

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from outbid.results import Result

OK, PROBLEMS, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="outbid",
    help="Model the contest between an incumbent armed movement and a harder-line challenger.",
    epilog="STUDY is the name of a study that comes with outbid (see `outbid list`) or a study's folder.",
    # rich would draw boxes around the help and double the time that it takes
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


# options: by keyword of the verb, the type with what the help says, and the value when left out


def complete_study(incomplete: str) -> list[str]:
    """Return the shipped studies whose names begin with what was typed."""
    from outbid import api

    try:
        return [study.name for study in api.studies() if study.name.startswith(incomplete)]
    except InputError:
        # there is no place for a message in the middle of a line that is being typed
        return []


def _value(kind: Any, name: str, metavar: str, words: str, **more: Any) -> Any:
    """Return an option that takes a value; what it is when left out stands in its help."""
    return Annotated[kind, typer.Option(name, metavar=metavar, help=words, show_default=False, **more)]


StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="Name of a shipped study, or a study's folder.", autocompletion=complete_study
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON; everything else goes to standard error.")
]
Options = Mapping[str, tuple[Any, Any]]
JSON: Options = {"as_json": (JsonOption, False)}
OUT: Options = {
    "out": (_value(str | None, "--out", "DIR", "Folder for the results [default: out/NAME]."), None)
}
PRIOR = Annotated[
    Literal["neutral", "sources", "both"],
    typer.Option(help="Start from even odds on every claim, from the sources' word, or compare both."),
]
QUICK = Annotated[bool, typer.Option("--quick", help="A coarse answer, sooner, marked as such.")]
SEED_HELP = "Seed of all random numbers [default: fixed]."
DRAWS_HELP = "Draws of each chain that are kept [default: 1400; quick: 100]."
WARMUP_HELP = "Iterations before them [default: 275; quick: 75]."
ACCEPT_HELP = "Acceptance to tune for; more, where trajectories diverge [default: 0.94; quick: 0.85]."
FIT: Options = {
    **OUT,
    "prior": (PRIOR, "both"),
    "quick": (QUICK, False),
    "seed": (_value(int, "--seed", "N", SEED_HELP, min=0, max=2**32 - 1), SEED),
    "draws": (_value(int | None, "--draws", "N", DRAWS_HELP), None),
    "warmup": (_value(int | None, "--warmup", "N", WARMUP_HELP), None),
    "chains": (_value(int | None, "--chains", "N", "Chains [default: 4]."), None),
    "target_accept": (_value(float | None, "--target-accept", "P", ACCEPT_HELP), None),
}
DATA_HELP = "Folder with the panel of a study that is a game [default: a simulated panel]."
DATA: Options = {"data": (_value(str | None, "--data", "DIR", DATA_HELP), None)}
SCENARIO_HELP = "Scenario to play; repeat for several [default: all]."
MONTHS = Annotated[int, typer.Option("--months", metavar="N", min=1, max=600, help="Months ahead.")]
PLAY = Annotated[
    Literal["scenario", "equilibrium"],
    typer.Option(help="Move the players' levers as the scenario says, or let the players choose."),
]
AHEAD: Options = {
    "scenarios": (_value(list[str], "--scenario", "ID", SCENARIO_HELP), []),
    "months": (MONTHS, 36),
    "play": (PLAY, "scenario"),
}


# what every command does


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


def show(result: Result, as_json: bool, report: Path | None) -> None:
    """Print a result, problems first, then where the report is if there is one, and end with its exit code."""
    path = [f"Report: {report}"] if report is not None and report.exists() else []
    for line in (*result.problems, *result.lines, *path):
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


def _put(study: str, verb: str, given: dict[str, Any], question: str = "") -> None:
    """Load a study, put a verb or a question to it, and show what comes back."""
    with plain_faults():
        from outbid import api

        loaded = api.load(study)
        as_json, report = given.pop("as_json"), None
        if "out" in given:
            out = given["out"]
            given["out"] = Path("out", loaded.name) if out is None else folder_path(out)
            given["progress"] = TerminalProgress()
            report = given["out"] / "report.html" if verb in ("run", "report") else None
        asked = getattr(loaded.ask, question) if question else getattr(loaded, verb)
        show(asked(**given), as_json, report)


def _with_options(function: Callable[..., None], options: Options) -> Callable[..., None]:
    """Return a function of keywords with the signature that Typer reads the options of a command from."""
    own = [
        each for each in inspect.signature(function).parameters.values() if each.kind is not each.VAR_KEYWORD
    ]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in options.items()
    ]
    types = {each.name: StudyArgument if each.name == "study" else typer.Context for each in own}
    own = [each.replace(annotation=types[each.name]) for each in own]
    vars(function)["__signature__"] = inspect.Signature([*own, *more])
    function.__annotations__ = {each.name: each.annotation for each in (*own, *more)}
    return function


def _verb(name: str, words: str, options: Options) -> None:
    """Make a verb of a study a command."""

    def command(study: str, **given: Any) -> None:
        _put(study, name, given)

    app.command(name, help=words)(_with_options(command, {**options, **JSON}))


_verb("run", "Fit, compare the scenarios, write the report.", {**FIT, **DATA})
_verb("check", "See that every name in a study resolves.", {})
_verb("fit", "Ask what the data say about the model.", {**FIT, **DATA})
_verb("simulate", "Play scenarios forward from the fitted model.", {**AHEAD, **FIT})
_verb("report", "Write the report again from earlier results.", OUT)


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


# outbid ask STUDY QUESTION: a command for every question of the registry, made from what the question says


class _Questions(TyperGroup):
    """The questions as commands; the registry, which is heavy, is imported when one of them is wanted."""

    def list_commands(self, ctx: Any) -> list[str]:
        from outbid.questions import QUESTIONS

        return [question.name for question in QUESTIONS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from outbid.questions import by_name

        question = by_name().get(cmd_name)
        if question is None:
            return None

        def ask(context: typer.Context, **given: Any) -> None:
            _put(context.obj, "ask", given, cmd_name)

        fields = question.options.model_fields if question.options else {}
        own = {
            name: (_value(_kind(each), flag(name), "VALUE", each.description or ""), None)
            for name, each in fields.items()
        }
        single = typer.Typer(rich_markup_mode=None, add_completion=False)
        single.command(cmd_name, help=question.help)(_with_options(ask, {**own, **FIT, **JSON}))
        command = typer.main.get_command(single)
        command.name = cmd_name
        return command


def _kind(field: FieldInfo) -> Any:
    """Return the type of an option: a whole number or a text, which the question turns into what it needs."""
    return int | None if int in (field.annotation, *get_args(field.annotation)) else str | None


asking = typer.Typer(
    cls=_Questions,
    help="Put a question to a study: verdicts on claims, other histories, scenarios compared, what matters.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(asking, name="ask")


@asking.callback()
def _study(context: typer.Context, study: StudyArgument) -> None:
    """Put a question to a study: outbid ask STUDY QUESTION."""
    context.obj = study


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `arguments`, those of the process by default, follow `outbid`."""
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
