"""`outbid ask STUDY QUESTION`: the questions that can be put to a study."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from outbid.cli.options import (
    JsonOption,
    OutOption,
    PriorOption,
    QuickOption,
    SeedOption,
    StudyArgument,
    out_folder,
    seed_of,
    show,
    told_plainly,
)
from outbid.progress import TerminalProgress

# Questions that have no option of their own.
PLAIN = {
    "claims": "What became of the sources' claims?",
    "replay": "How would it have gone with another lever and the same shocks?",
    "trap": "Where does opening up lose members, and which offer is a way out?",
    "worth": "What should be collected next?",
}

asking = typer.Typer(
    help="Put a question to a study: verdicts on claims, other histories, scenarios compared, what matters.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@asking.callback()
def _asked(context: typer.Context, study: StudyArgument) -> None:
    """Put a question to a study: outbid ask STUDY QUESTION."""
    context.obj = study


def _ask(
    context: typer.Context,
    out: str | None,
    prior: str,
    quick: bool,
    seed: int | None,
    as_json: bool,
    **own: Any,
) -> None:
    """Put the question of the command's name to the study that was named before it."""
    with told_plainly():
        from outbid import api

        loaded = api.load(context.obj)
        question = getattr(loaded.ask, str(context.command.name))
        result = question(
            prior=prior,
            quick=quick,
            seed=seed_of(seed),
            out=out_folder(out, loaded.name),
            progress=TerminalProgress(),
            **own,
        )
        show(result, as_json)


@asking.command()
def compare(
    context: typer.Context,
    scenarios: Annotated[
        str | None,
        typer.Option(
            "--scenarios", metavar="FILE", help="Scenarios of your own, as TOML [default: the study's]."
        ),
    ] = None,
    out: OutOption = None,
    prior: PriorOption = "both",
    quick: QuickOption = False,
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which course is better, by which criterion?"""
    _ask(context, out, prior, quick, seed, as_json, scenarios=scenarios)


@asking.command()
def sensitivity(
    context: typer.Context,
    base_samples: Annotated[
        int | None,
        typer.Option(
            "--base-samples", metavar="N", min=2, help="Base samples, a power of two [default: the study's]."
        ),
    ] = None,
    out: OutOption = None,
    prior: PriorOption = "both",
    quick: QuickOption = False,
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """What matters most for the outcomes, and when does moderation pay?"""
    _ask(context, out, prior, quick, seed, as_json, base_samples=base_samples)


def _plain(
    context: typer.Context,
    out: OutOption = None,
    prior: PriorOption = "both",
    quick: QuickOption = False,
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    _ask(context, out, prior, quick, seed, as_json)


for _name, _words in PLAIN.items():
    asking.command(_name, help=_words)(_plain)
