"""What a question is, what it may use, and what the page gets of it.

A room under `questions/` makes one `Question`; the registry, the command line, the Python interface, the run and the
page loop over them and know no more of any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

import pandas as pd
import xarray as xr
from pydantic import BaseModel

from outbid.players.strategist import Strategist, strategist_of
from outbid.plots.base import Figure
from outbid.progress import Progress
from outbid.run import Knowledge
from outbid.run_settings import Settings
from outbid.simulate.engine import Simulator
from outbid.study import Study

Asked = TypeVar("Asked")
_MAKING = Lock()


@dataclass(frozen=True)
class Section:
    """One section of the page.

    `id`: anchor, the question's name. `title`: in the contents ("Replays"); the heading itself stands in `words`.
    `template`: its path below the package ("questions/replay/section.html.j2"); it gets `words` by name, and
    `tables` and `figures`.
    """

    id: str
    title: str
    template: str
    words: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Context:
    """What every question may use.

    `known`: by prior set: the fit, the past that it implies, where the scenarios lead; after the data and before
    them. `simulator`: the one compiled run into the future, for any number of rows. `of`: gives the Dataset of
    another question that is named in `needs`, None if the study doesn't ask it or a quick run leaves it out; waits
    for one that is answered beside the others. `shared`: what the questions of one run share once one has made it.
    """

    study: Study
    known: Mapping[str, Knowledge]
    simulator: Simulator
    settings: Settings
    progress: Progress
    of: Callable[[str], xr.Dataset | None]
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def players(self) -> Strategist | None:
        """Who plays the study's game, compiled once for all questions of a run; None where it declares no game."""
        with _MAKING:  # a question that is answered beside the others may ask at the same time
            if "players" not in self.shared:
                self.shared["players"] = strategist_of(self.study)
        players: Strategist | None = self.shared["players"]
        return players


@dataclass(frozen=True)
class Question(Generic[Asked]):
    """Everything about one question.

    - `name`: its folder, command, method, anchor and key in summary.json; `title`: in the contents of the page;
      `help`: one line, a question.
    - `files`: those of a study that declare it, the main one first, and what each holds, for the reference and for
      editors: None where the study itself reads it. `declare` reads them: None where the study doesn't ask.
    - `answer`: draws in, Dataset out; `needs`: questions whose Datasets it uses; `options`: what may be said on the
      command line and in Python beside what the study declares, with descriptions.
    - `tables`: tidy, by name, ids as keys: the page, the CSV files and a Python user get the same rows. `section`:
      what the page shows. `lines`: at most ten for a terminal. `brief`: one sentence for the answer's line on
      trust. `summary`: what summary.json gets under keys of its own; None: the first table's rows under the
      question's name. `problems`: sentences on what is no number, told before all else.
    - `quick`: whether a quick run answers it too; `aside`: whether it is answered beside the others, since most of
      its time is one core's compiling.
    """

    name: str
    title: str
    help: str
    files: Mapping[str, type[BaseModel] | None]
    declare: Callable[[Study], Asked | None]
    answer: Callable[[Context, Asked, Any], xr.Dataset]
    tables: Callable[[xr.Dataset, Study], dict[str, pd.DataFrame]]
    section: Callable[[xr.Dataset, Study], Section]
    lines: Callable[[xr.Dataset, Study], Sequence[str]]
    brief: Callable[[xr.Dataset, Study], str] | None = None
    summary: Callable[[xr.Dataset, Study], dict[str, Any]] | None = None
    problems: Callable[[xr.Dataset, Study], Sequence[str]] = lambda data, study: ()
    needs: tuple[str, ...] = ()
    options: type[BaseModel] | None = None
    quick: bool = False
    aside: bool = False
