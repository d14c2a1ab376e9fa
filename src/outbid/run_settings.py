"""What was asked of a verb, checked, and the command that would ask it again."""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from outbid.compiled import prepare
from outbid.conventions import PRIOR_SETS
from outbid.errors import InputError, check_name
from outbid.files import path_of
from outbid.output import OutputFolder
from outbid.progress import Progress, Silent

if TYPE_CHECKING:
    from outbid.infer.posterior import Effort

SEED = 20210815
BOTH = "both"
STUDIES = Path(__file__).with_name("studies")
SAMPLING = ("draws", "warmup", "chains", "target_accept")
Verb = TypeVar("Verb", bound=Callable[..., Any])


class RunOptions(TypedDict, total=False):
    """What every verb that fits takes by name; `Settings` says what each is, and what it is when left out."""

    prior: str
    quick: bool
    seed: int
    draws: int | None
    warmup: int | None
    chains: int | None
    target_accept: float | None


@dataclass(frozen=True)
class Settings:
    """What a person asks of a run: under which priors, how carefully, from which seed.

    `prior`: "both", or one prior set's name. `quick`: a coarse fit, marked as such. `seed`: fixes all random
    numbers. The rest says how to sample; None leaves a number as it is. `draws`, `warmup`: iterations of each
    chain that are kept, and that come before them: multiples of 25; a warm-up has three phases, so at least 75.
    `chains`: at least two, since R-hat compares them. `target_accept`: the acceptance at which steps are tuned:
    nearer to 1, steps are shorter and fewer trajectories diverge. Raises InputError if there is no such prior
    set, or a number is none that can be taken.
    """

    prior: str = BOTH
    quick: bool = False
    seed: int = SEED
    draws: int | None = None
    warmup: int | None = None
    chains: int | None = None
    target_accept: float | None = None

    def __post_init__(self) -> None:
        known = (BOTH, *PRIOR_SETS)
        check_name(str(self.prior), known, f"prior {self.prior!r}", "no such prior set")
        if not isinstance(self.quick, bool):
            raise InputError("--quick", f"{self.quick!r} is neither True nor False", "Give one of the two.")
        whole("--seed", self.seed, 0, 2**32 - 1)
        for option, value, least in (("--draws", self.draws, 25), ("--warmup", self.warmup, 75)):
            if value is not None:
                whole(option, value, least, 100_000)
                if value % 25:
                    near = max(least, 25 * round(value / 25))
                    raise InputError(option, f"{value} is no multiple of 25", f"Give {near}, for example.")
        if self.chains is not None:
            whole("--chains", self.chains, 2, 64)
        accept = self.target_accept
        if accept is not None and not (isinstance(accept, int | float) and 0.5 <= accept < 1.0):
            problem = f"{accept!r} is not between 0.5 and 1"
            raise InputError("--target-accept", problem, "Give 0.98 if trajectories diverge.")

    @property
    def prior_sets(self) -> tuple[str, ...]:
        """The prior sets to work under, the neutral one first."""
        return PRIOR_SETS if self.prior == BOTH else (self.prior,)

    @property
    def effort(self) -> Effort:
        """How long to sample."""
        from outbid.infer.posterior import FULL, QUICK

        changes = (self.draws, self.warmup, self.chains, self.target_accept)
        return (QUICK if self.quick else FULL).changed(*changes)


def whole(option: str, value: Any, least: int, most: int) -> None:
    """Refuse what is no whole number within bounds; True is none."""
    if type(value) is not int or not least <= value <= most:
        raise InputError(option, f"{value!r} is no whole number from {least} to {most}", "Give one that is.")


def named(function: Verb, parameters: Iterable[inspect.Parameter]) -> Verb:
    """Name in its signature what a function takes as `**keywords`: for help, completion and the command line."""
    own = inspect.signature(function)
    plain = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
    both = [*plain, *(each.replace(kind=each.KEYWORD_ONLY) for each in parameters)]
    vars(function)["__signature__"] = own.replace(parameters=both)
    function.__annotations__ |= {each.name: each.annotation for each in both}
    return function


def with_options(verb: Verb) -> Verb:
    """Name in a verb's signature the settings that it takes as `**options`."""
    return named(verb, inspect.signature(Settings).parameters.values())


def begin(**options: Unpack[RunOptions]) -> Settings:
    """Return the settings of a run, and keep compiled code between runs. Raises InputError as `Settings` does."""
    for name in options:
        check_name(name, RunOptions.__annotations__, name, "unknown option")
    settings = Settings(**options)
    prepare()
    return settings


def begin_game(**options: Unpack[RunOptions]) -> Settings:
    """Return the settings of a run of a game, which knows no priors and takes no draws.

    Raises InputError if a prior set, or anything of a sampler, was asked for.
    """
    settings = begin(**options)
    if settings.prior != BOTH:
        problem = "a game's payoffs are estimated without priors"
        raise InputError(f"prior {settings.prior!r}", problem, "Leave --prior out.")
    for name in SAMPLING:
        if getattr(settings, name) is not None:
            problem = "a game's payoffs are estimated by maximum likelihood, not sampled"
            raise InputError(flag(name), problem, f"Leave {flag(name)} out.")
    return settings


def flag(name: str) -> str:
    """Return how a setting is written on the command line ("target_accept": "--target-accept")."""
    return f"--{name.replace('_', '-')}"


def no_data(name: str, data: Path | str | None) -> None:
    """Refuse a data folder for a study that brings its own figures."""
    if data is not None:
        raise InputError("--data", f"the study {name!r} brings its own figures", "Leave --data out.")


def data_folder(data: Path | str | None) -> Path | None:
    """Return the data folder that was named, or None; refuse an empty name."""
    return None if data is None else path_of("--data", data, "Name the folder that holds the panel.")


def command_line(
    name: str, folder: Path, settings: Settings, out: Path | str, data: Path | str | None = None
) -> str:
    """Return the command that would do the same again; `folder` is the study's."""
    where = name if folder == STUDIES / name else str(folder)
    words = ["outbid", "run", where, "--out", str(out), "--seed", str(settings.seed)]
    words += ["--data", str(data)] if data is not None else []
    words += ["--quick"] if settings.quick else []
    words += ["--prior", settings.prior] if settings.prior != BOTH else []
    for option, value in asdict(settings).items():
        words += [flag(option), str(value)] if option in SAMPLING and value is not None else []
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """Return a word as a shell takes it; one that is no UTF-8 by its bytes, as bash and zsh do."""
    return shlex.quote(word) if word.isprintable() else f"${os.fsencode(word)!r}".replace("b", "", 1)


def listening(progress: Progress | None) -> Progress:
    """Return who hears of the stages; one who keeps silent for None. Raises InputError for what can't hear."""
    if progress is not None and not hasattr(progress, "stage"):
        fix = "Give outbid.progress.TerminalProgress(), or leave it out."
        raise InputError("progress", f"a {type(progress).__name__} has no stages", fix)
    return Silent() if progress is None else progress


def perhaps(out: Path | str | None) -> AbstractContextManager[OutputFolder | None]:
    """Return the output folder, if there is to be one."""
    return nullcontext(None) if out is None else OutputFolder(out)
