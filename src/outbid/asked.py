"""The questions that can be put to a study: `study.ask.claims()`, `study.ask.scenarios()` and so on.

There is a method for every question of the registry. Each fits first where that has not been done, and takes a fit
from `out` where it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from outbid.errors import InputError, did_you_mean
from outbid.output import json_text, plain, write_tables
from outbid.progress import Progress, Silent
from outbid.questions import answer, by_name
from outbid.results import Checked, problems_of
from outbid.run_settings import SEED, begin, perhaps
from outbid.words.effects import records

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from outbid.question import Question, Section
    from outbid.study import Study


class Ask:
    """The questions that can be put to a study, each a method; `dir()` and the repr name them."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def __getattr__(self, name: str) -> Asking:
        if name.startswith("_"):
            raise AttributeError(name)
        questions = by_name()
        if name not in questions:
            raise AttributeError(f"no question {name!r}. {did_you_mean(name, questions)}")
        return Asking(questions[name], self._study)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *by_name()]

    def __repr__(self) -> str:
        width = max(map(len, by_name()))
        return "\n".join(f"{each.name:<{width}}  {each.help}" for each in by_name().values())


class Asking:
    """One question, to be put to one study by calling it."""

    def __init__(self, question: Question[Any], study: Study) -> None:
        self._question, self._study = question, study
        self.__doc__ = f"{question.help}\n\n{Asking.__call__.__doc__}"

    def __repr__(self) -> str:
        return f"<{self._question.name}: {self._question.help}>"

    def __call__(
        self,
        *,
        prior: str = "both",
        quick: bool = False,
        seed: int = SEED,
        draws: int | None = None,
        warmup: int | None = None,
        chains: int | None = None,
        target_accept: float | None = None,
        out: Path | str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Answer:
        """Return the answer.

        Parameters
        ----------
        prior
            "both", "neutral" or "sources".
        quick
            A coarse fit, marked as such.
        seed
            Fixes all random numbers.
        draws, warmup, chains, target_accept
            How to sample, see `outbid.run_settings.Sampling`.
        out
            A folder that keeps fits, and gets the answer as QUESTION.json and tables/*.csv.
        options
            The question's own, see its help.

        Raises
        ------
        InputError
            Before anything slow, if the study doesn't ask the question, or an option is wrong.
        """
        question, study = self._question, self._study
        sampling = {"draws": draws, "warmup": warmup, "chains": chains, "target_accept": target_accept}
        settings, shown = begin(prior, quick, seed, **sampling), progress or Silent()
        given = chosen(question, study, options)
        if study.declared.get(question.name) is None:
            raise InputError(
                f"study {study.name!r}",
                f"declares nothing for the question {question.name!r}: it has no {question.files[0]}",
                f"Write one; the documentation says how, and `outbid ask khorasan {question.name}` shows one at work.",
            )
        from outbid.run import Tools, fingerprints, fit_study, learn

        with perhaps(out) as folder:
            tools = Tools(study, settings)
            fits = fit_study(study, settings, fingerprints(study, settings), folder, shown)
            known = learn(study, settings, fits, tools, shown)
            batches = tools.batches()
            data = answer([question.name], study, known, batches, settings, shown, {question.name: given})
            result = Answer(question, study, data[question.name], problems_of(fits))
            if folder is not None:
                write_tables(folder, result.tables)
                folder.write_text(f"{question.name}.json", json_text(result.to_json()))
        return result


def chosen(question: Question[Any], study: Study, given: Mapping[str, Any]) -> Any:
    """Return a question's options, checked; None if it has none.

    Raises
    ------
    InputError
        If there is no such option, or its value is wrong.
    """
    known = question.options.model_fields if question.options else {}
    for name in given:
        if name not in known:
            raise InputError(f"{question.name}, {name}", "unknown option", did_you_mean(name, known))
    if question.options is None:
        return None
    try:
        return question.options.model_validate(dict(given), context={"study": study})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if isinstance(own := first.get("ctx", {}).get("error"), InputError):
            raise own from None
        where = "--" + "-".join(str(first["loc"][0]).split("_")) if first["loc"] else question.name
        raise InputError(
            where, str(first["msg"]).lower(), "See `outbid ask STUDY QUESTION --help`."
        ) from error


@dataclass(frozen=True, repr=False)
class Answer(Checked):
    """The answer to one question.

    Parameters
    ----------
    data
        An xarray Dataset with named dimensions.
    problems
        What the fits behind it did not pass, worst first.
    """

    question: Question[Any]
    study: Study
    data: xr.Dataset
    problems: tuple[str, ...]

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Tidy tables by name, ids as keys: the same rows as in the CSV files and on the page.

        Those of a file of a user's own are named after it, so that they don't take the place of the study's.
        """
        tables, file = self.question.tables(self.data, self.study), str(self.data.attrs.get("file", ""))
        return {f"{Path(file).stem}_{name}": table for name, table in tables.items()} if file else tables

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The answer in at most ten lines."""
        return tuple(self.question.lines(self.data, self.study))

    @cached_property
    def section(self) -> Section:
        """What the page shows of it."""
        return self.question.section(self.data, self.study)

    def plot(self, figure: str | None = None) -> Any:
        """Return a figure of the page as an Altair chart: the first, or the one of that id.

        Raises
        ------
        InputError
            If there is no such figure.
        """
        figures = {each.id: each for each in self.section.figures}
        name = next(iter(figures), "") if figure is None else figure
        if name not in figures:
            raise InputError(f"figure {name!r}", "the answer has no such figure", did_you_mean(name, figures))
        return figures[name].altair()

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data: every table as a list of rows."""
        tables = {name: plain(records(table)) for name, table in self.tables.items()}
        return {"ok": self.ok, "problems": list(self.problems), self.question.name: tables}

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} ({len(table)} rows)" for name, table in self.tables.items())
        return "\n".join((f"<{self.question.name} of {self.study.name}; tables: {sizes}>", *self.lines))

    def _repr_html_(self) -> str:
        from markupsafe import escape

        lines = "<br>".join(escape(line) for line in self.lines)
        first = next(iter(self.tables.values())).head(10).to_html(index=False, border=0)
        return f"<p>{lines}</p>{first}"
