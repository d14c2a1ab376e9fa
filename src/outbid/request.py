"""What was asked of a verb, checked, and what an earlier run has left in the output folder."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from outbid.errors import InputError, did_you_mean
from outbid.output import OutputFolder

if TYPE_CHECKING:
    from outbid.report.content import Provenance
    from outbid.run import Settings

SEED = 20210815


class Told(Protocol):
    """A report's content, of whatever kind."""

    @property
    def provenance(self) -> Provenance:
        """How it was made."""


Content = TypeVar("Content", bound=Told)


def begin(prior: str, quick: bool, seed: int) -> Settings:
    """Return the settings of a run, and keep compiled code between runs.

    Raises
    ------
    InputError
        If there is no such prior set.
    """
    from outbid.run import Settings, prepare

    known = ("both", "neutral", "sources")
    if prior not in known:
        raise InputError(f"prior {prior!r}", "no such prior set", did_you_mean(prior, known))
    prepare()
    return Settings(prior, quick, seed)


def begin_game(prior: str, quick: bool, seed: int) -> Settings:
    """Return the settings of a run of a game, which knows no priors.

    Raises
    ------
    InputError
        If a prior set was asked for.
    """
    settings = begin(prior, quick, seed)
    if prior != "both":
        problem = "a game's payoffs are estimated without priors"
        raise InputError(f"prior {prior!r}", problem, "Leave --prior out.")
    return settings


def no_data(name: str, data: Path | str | None) -> None:
    """Refuse a data folder for a study that brings its own figures."""
    if data is not None:
        raise InputError("--data", f"the study {name!r} brings its own figures", "Leave --data out.")


def data_folder(data: Path | str | None) -> Path | None:
    """Return the data folder that was named, or None; refuse an empty name."""
    if data is None:
        return None
    if not str(data).strip():
        raise InputError("--data", "the path is empty", "Name the folder that holds the panel.")
    return Path(data)


def digest(folder: Path | None) -> str:
    """Return a digest of the tables in a data folder, empty without one."""
    if folder is None or not folder.is_dir():
        return ""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.csv")):
        if path.is_file():
            found.update(path.name.encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def command_line(
    name: str, folder: Path, settings: Settings, out: Path | str, data: Path | str | None = None
) -> str:
    """Return the command that would do the same again; `folder` is the study's."""
    where = name if folder.parent.name == "studies" else str(folder)
    words = ["outbid", "run", where, "--out", str(out), "--seed", str(settings.seed)]
    words += ["--data", str(data)] if data is not None else []
    words += ["--quick"] if settings.quick else []
    words += ["--prior", settings.prior] if settings.prior != "both" else []
    return shlex.join(words)


def perhaps(out: Path | str | None) -> AbstractContextManager[OutputFolder | None]:
    """Return the output folder, if there is to be one."""
    return nullcontext(None) if out is None else OutputFolder(out)


def kept(folder: OutputFolder, name: str) -> tuple[str, str]:
    """Return the saved content of an earlier run, and where it lies.

    Raises
    ------
    InputError
        If there is none.
    """
    held = folder.path / "content.json"
    if not held.is_file():
        raise InputError(str(folder.path), "holds no run to report on", f"Run `outbid run {name}` first.")
    return held.read_text(encoding="utf-8"), str(held)


def unchanged(kind: type[Content], folder: Path, mark: str, names: Sequence[str]) -> Content | None:
    """Return the content of an earlier run that came from the very same things and is still whole, or None."""
    from outbid.report.saved import rebuilt

    held = folder / "content.json"
    if not held.is_file() or not all((folder / name).is_file() for name in names):
        return None
    try:
        content = rebuilt(kind, held.read_text(encoding="utf-8"), str(held))
    except (InputError, OSError, UnicodeDecodeError):
        return None
    return content if content.provenance.fingerprint == mark else None
