"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import typer

from generate.markdown import blocks, code, table

TOP = """\
# On the command line

Every command prints its answer in plain words; with `--json` it prints the answer for a machine instead, and all else
goes to standard error. What a command shows while it works goes to standard error too. This page is written from the
commands themselves."""

EXIT_CODES = """\
## Exit codes

| Code | Meaning |
| --- | --- |
| 0 | fine |
| 1 | a fit failed its checks (a `--quick` one always does, since it is coarse), or `check` found problems |
| 2 | bad input: one line says what is wrong, where, and how to mend it |
| 130 | interrupted; what was finished is kept |

`outbid --install-completion` sets up completion for your shell."""


@dataclass(frozen=True)
class Command:
    """A command that can be typed: what to type for it, and the arguments that groups take before its own."""

    path: str
    itself: Any
    before: tuple[Any, ...] = ()

    @property
    def help(self) -> str:
        """What it does, in its own words."""
        return " ".join(str(self.itself.help or "").split())

    @property
    def anchor(self) -> str:
        """The target that links to it lead to."""
        return self.path.replace(" ", "-").lower()

    @property
    def parameters(self) -> list[Any]:
        """Its arguments and options, help apart."""
        own = [each for each in self.itself.params if each.name != "help"]
        return [each for each in (*self.before, *own) if not getattr(each, "hidden", False)]


def commands_page(app: typer.Typer) -> str:
    """Return the page as Markdown: a part for every command, also those inside groups."""
    commands = list(walk(app))
    overview = table(
        ["Command", "What it does"], [(f"[`{each.path}`](#{each.anchor})", each.help) for each in commands]
    )
    return blocks(TOP, overview, *(_command(each) for each in commands), EXIT_CODES)


def walk(app: typer.Typer) -> Iterator[Command]:
    """Go through every command that can be typed."""
    yield from _within(Command("outbid", typer.main.get_command(app)))


def _within(command: Command) -> Iterator[Command]:
    group = command.itself
    if not hasattr(group, "list_commands"):
        yield command
        return
    context = typer.Context(group)
    before = tuple(each for each in command.parameters if each.param_type_name == "argument")
    words = [_metavar(each) for each in before if each not in command.before]
    for name in group.list_commands(context):
        each = group.get_command(context, name)
        if not getattr(each, "hidden", False):
            yield from _within(Command(" ".join([command.path, *words, name]), each, before))


def _command(command: Command) -> str:
    options = [each for each in command.parameters if each.param_type_name == "option"]
    arguments = [each for each in command.parameters if each.param_type_name == "argument"]
    own = [_usage(each) for each in arguments if each not in command.before]
    usage = " ".join([command.path, *own, *(["[OPTIONS]"] if options else [])])
    return blocks(
        f"({command.anchor})=",
        f"## `{command.path}`",
        command.help,
        code(usage),
        table(["Argument", "Meaning"], [(f"`{_metavar(each)}`", each.help or "") for each in arguments]),
        table(
            ["Option", "Meaning", "If left out"],
            [(f"`{_option(each)}`", _meaning(each), _default(each)) for each in options],
        ),
    )


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _usage(parameter: Any) -> str:
    return _metavar(parameter) if parameter.required else f"[{_metavar(parameter)}]"


def _option(parameter: Any) -> str:
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if getattr(parameter, "is_flag", False):
        return names
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    return f"{names} {parameter.metavar or '|'.join(map(str, choices)) or 'TEXT'}"


def _meaning(parameter: Any) -> str:
    """Return an option's help without the default that it may name in brackets."""
    return str(parameter.help or "").partition(" [default:")[0].rstrip(".") + "."


def _default(parameter: Any) -> str:
    told = str(parameter.help or "").partition("[default: ")[2].partition("]")[0]
    if told:
        return told
    default = parameter.default
    if default is None or default is False or callable(default):
        return ""
    return f"`{default}`"
