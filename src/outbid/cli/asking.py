"""`outbid ask STUDY QUESTION`: a command for every question of the registry, made from what the question says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.core import TyperGroup

from outbid.cli.options import (
    AcceptOption,
    ChainsOption,
    DrawsOption,
    JsonOption,
    OutOption,
    PriorOption,
    QuickOption,
    SeedOption,
    StudyArgument,
    WarmupOption,
    out_folder,
    plain_faults,
    seed_of,
    show,
)
from outbid.progress import TerminalProgress

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from outbid.question import Question

# What every question takes beside its own options.
_COMMON: Mapping[str, tuple[Any, Any]] = {
    "out": (OutOption, None),
    "prior": (PriorOption, "both"),
    "quick": (QuickOption, False),
    "seed": (SeedOption, None),
    "draws": (DrawsOption, None),
    "warmup": (WarmupOption, None),
    "chains": (ChainsOption, None),
    "target_accept": (AcceptOption, None),
    "as_json": (JsonOption, False),
}


_SAMPLING = ("draws", "warmup", "chains", "target_accept")


class _Questions(TyperGroup):
    """The questions as commands; the registry, which is heavy, is imported when one of them is wanted."""

    def list_commands(self, ctx: Any) -> list[str]:
        from outbid.questions import QUESTIONS

        return [question.name for question in QUESTIONS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from outbid.questions import by_name

        question = by_name().get(cmd_name)
        return None if question is None else _command(question)


asking = typer.Typer(
    cls=_Questions,
    help="Put a question to a study: verdicts on claims, other histories, scenarios compared, what matters.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@asking.callback()
def _study(context: typer.Context, study: StudyArgument) -> None:
    """Put a question to a study: outbid ask STUDY QUESTION."""
    context.obj = study


def _command(question: Question[Any]) -> Any:
    """Return a question's command, with an option for each field of its `options`."""
    fields = question.options.model_fields if question.options else {}

    def ask(context: typer.Context, **given: Any) -> None:
        with plain_faults():
            from outbid import api

            loaded = api.load(context.obj)
            answer = getattr(loaded.ask, question.name)(
                prior=given["prior"],
                quick=given["quick"],
                seed=seed_of(given["seed"]),
                out=out_folder(given["out"], loaded.name),
                progress=TerminalProgress(),
                **{name: given[name] for name in (*_SAMPLING, *fields)},
            )
            show(answer, given["as_json"])

    own = {name: (Annotated[_kind(each), _option(name, each)], None) for name, each in fields.items()}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("context", keyword, annotation=typer.Context),
        *(
            inspect.Parameter(name, keyword, annotation=kind, default=default)
            for name, (kind, default) in {**own, **_COMMON}.items()
        ),
    ]
    ask.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    ask.__annotations__ = {each.name: each.annotation for each in parameters}
    ask.__doc__ = question.help
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(question.name, help=question.help)(ask)
    command = typer.main.get_command(single)
    command.name = question.name
    return command


def _option(name: str, field: FieldInfo) -> Any:
    return typer.Option(f"--{name.replace('_', '-')}", metavar="VALUE", help=field.description)


def _kind(field: FieldInfo) -> Any:
    """Return the type of an option: a whole number or a text, which the question turns into what it needs."""
    return int | None if int in (field.annotation, *get_args(field.annotation)) else str | None
