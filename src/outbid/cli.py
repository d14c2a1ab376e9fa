"""The command line: read what was asked, call `outbid.api`, print what came back.

Exit codes: 0 fine; 1 a fit failed its diagnostics or a check found problems; 2 bad input; 130 Ctrl-C.
Anything else that goes wrong is a fault of ours and shows its traceback.

`outbid.api` and the questions are imported inside the verbs only, so that `outbid --help` answers at once.
"""

from __future__ import annotations

import errno
import inspect
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperGroup

from outbid import __version__
from outbid.errors import InputError
from outbid.output import folder_path, json_text
from outbid.progress import TerminalProgress
from outbid.run_settings import SEED, named

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


# what commands take, by keyword: the type with what the help says, and the value when left out


def complete_study(incomplete: str) -> list[str]:
    """Return the shipped studies whose names begin with what was typed."""
    from outbid import api

    try:
        return [study.name for study in api.studies() if study.name.startswith(incomplete)]
    except InputError:
        # there is no place for a message in the middle of a line that is being typed
        return []


def _option(
    kind: Any, metavar: str | None, words: str, *names: str, default: Any = None, **more: Any
) -> tuple[Any, Any]:
    """Return an option; its flag is its keyword's, and the help shows its default unless the words do."""
    shown = default is not None and "[default" not in words
    option = typer.Option(*names, metavar=metavar, help=words, show_default=shown, **more)
    return Annotated[kind, option], default


StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="Name of a shipped study, or a study's folder.", autocompletion=complete_study
    ),
]
Options = Mapping[str, tuple[Any, Any]]
JSON_WORDS = "Print the result as JSON; everything else goes to standard error."
JSON: Options = {"as_json": _option(bool, None, JSON_WORDS, "--json", default=False)}
OUT: Options = {"out": _option(str | None, "DIR", "Folder for the results [default: out/NAME].")}
PRIOR = Literal["neutral", "sources", "both"]
PRIOR_WORDS = "Start from even odds on every claim, from the sources' word, or compare both."
SEED_WORDS = "Seed of all random numbers [default: fixed]."
ACCEPT_WORDS = "Acceptance to tune for; more, where trajectories diverge [default: 0.94; quick: 0.85]."
FIT: Options = {
    **OUT,
    "prior": _option(PRIOR, None, PRIOR_WORDS, default="both"),
    "quick": _option(bool, None, "A coarse answer, sooner, marked as such.", "--quick", default=False),
    "seed": _option(int, "N", SEED_WORDS, default=SEED, min=0, max=2**32 - 1),
    "draws": _option(int | None, "N", "Draws of each chain that are kept [default: 2000; quick: 100]."),
    "warmup": _option(int | None, "N", "Iterations before them [default: 275; quick: 75]."),
    "chains": _option(int | None, "N", "Chains [default: 4]."),
    "target_accept": _option(float | None, "P", ACCEPT_WORDS),
}
DATA_WORDS = "Folder with the panel of a study that is a game [default: a simulated panel]."
DATA: Options = {"data": _option(str | None, "DIR", DATA_WORDS)}
SCENARIO_WORDS = "Scenario to play; repeat for several [default: all]."
PLAY = Literal["scenario", "equilibrium"]
PLAY_WORDS = "Move the players' levers as the scenario says, or let the players choose."
AHEAD: Options = {
    "scenarios": _option(list[str], "ID", SCENARIO_WORDS, "--scenario", default=[]),
    "months": _option(int, "N", "Months ahead.", default=36, min=1, max=600),
    "play": _option(PLAY, None, PLAY_WORDS, default="scenario"),
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


@contextmanager
def _no_other_output() -> Iterator[None]:
    """Send to standard error what goes to standard output past Python, from C or from other programs."""
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of the two is closed
        yield
        return
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _put(study: str, verb: str, given: dict[str, Any], question: str = "") -> None:
    """Load a study, put a verb or a question to it, and show what comes back."""
    with plain_faults():
        from outbid import api

        as_json, report = given.pop("as_json"), None
        # what a study's functions print must not mix with the answer
        with redirect_stdout(sys.stderr), _no_other_output() if as_json else nullcontext():
            loaded = api.load(study)
            if "out" in given:
                out = given["out"]
                given["out"] = Path("out", loaded.name) if out is None else folder_path(out)
                given["progress"] = TerminalProgress()
                report = given["out"] / "report.html" if verb in ("run", "report") else None
            asked = getattr(loaded.ask, question) if question else getattr(loaded, verb)
            result = asked(**given)
        show(result, as_json, report)


def _with_options(function: Callable[..., None], options: Options) -> Callable[..., None]:
    """Return a function of keywords with the signature that Typer reads what a command takes from."""
    kind = inspect.Parameter.KEYWORD_ONLY
    more = (inspect.Parameter(name, kind, annotation=a, default=b) for name, (a, b) in options.items())
    return named(function, more)


def _verb(name: str, words: str, options: Options) -> None:
    """Make a verb of a study a command."""

    def command(**given: Any) -> None:
        _put(given.pop("study"), name, given)

    study = {"study": (StudyArgument, inspect.Parameter.empty)}
    app.command(name, help=words)(_with_options(command, {**study, **options, **JSON}))


_verb("run", "Fit, compare the scenarios, write the report.", {**FIT, **DATA})
_verb("check", "See that every name in a study resolves.", {})
_verb("fit", "Ask what the data say about the model.", {**FIT, **DATA})
_verb("simulate", "Play scenarios forward from the fitted model.", {**AHEAD, **FIT})
_verb("report", "Write the report again from earlier results.", OUT)


def list_studies(**given: Any) -> None:
    """Name the studies that come with outbid."""
    with plain_faults():
        from outbid import api

        found = api.studies()
        if given["as_json"]:
            rows = [{"name": study.name, "title": study.title, "folder": study.folder} for study in found]
            typer.echo(json_text(rows), nl=False)
            return
        width = max((len(study.name) for study in found), default=0)
        for study in found:
            typer.echo(safe(f"{study.name:<{width}}  {study.title}"))


app.command("list")(_with_options(list_studies, JSON))


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

        def ask(**given: Any) -> None:
            _put(given.pop("context").obj, "ask", given, cmd_name)

        own: dict[str, tuple[Any, Any]] = {"context": (typer.Context, inspect.Parameter.empty)}
        for name, each in question.options.model_fields.items() if question.options else ():
            own[name] = _option(_kind(each), "VALUE", each.description or "")
        single = typer.Typer(rich_markup_mode=None, add_completion=False)
        single.command(cmd_name, help=question.help)(_with_options(ask, {**own, **FIT, **JSON}))
        command = typer.main.get_command(single)
        command.name = cmd_name
        return command


def _kind(field: FieldInfo) -> Any:
    """Return the type of an option: a whole number or a text, which the question turns into what it needs."""
    kinds = (field.annotation, *get_args(field.annotation))
    plain = [get_args(each)[0] if get_origin(each) is Annotated else each for each in kinds]
    return int | None if int in plain else str | None


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
    if sys.stdout is None:
        complain(
            "standard output: is closed, and the answer goes there. Leave it open, or send it to a file."
        )
        return PROBLEMS
    given = list(sys.argv[1:] if arguments is None else arguments)
    # of the compiler only what ends the program is for its user; its "very slow compile" is no news
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        code = app(args=given or ["--help"], prog_name="outbid", standalone_mode=False)
        sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EPIPE):
            raise
        with suppress(OSError, ValueError):  # what is still to be written would complain once more at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.ENOSPC:  # who closes a pipe has seen enough
            complain("standard output: no space is left to write the answer to. Write it elsewhere.")
        return PROBLEMS
    except ValueError as error:  # JAX reads its settings when it is imported
        if "jax" in sys.modules or "JAX" not in str(error):
            raise
        complain(f"environment: JAX can't take what is set there ({error}). Mend the variable, or unset it.")
        return BAD_INPUT
    except typer.TyperException as error:
        where = getattr(getattr(error, "ctx", None), "command_path", "outbid")
        message = error.format_message().rstrip(".")
        complain(f"{message}{'' if message.endswith('?') else '.'} Try `{where} --help`.")
        return BAD_INPUT
    return code if isinstance(code, int) else OK
