"""All of a report: what is known of the study itself, and the answers to its questions, as tables, page and summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from outbid.errors import InputError
from outbid.infer.store import RESULTS
from outbid.output import records
from outbid.question import Section
from outbid.questions import QUESTIONS, by_name
from outbid.report import answer, drivers, history, methods
from outbid.report.core import SHARED, Core
from outbid.report.page import page
from outbid.study import Study

# Keys of summary.json that are empty lists where a study lacks what they would hold.
_ALWAYS = ("claims", "scenarios", "equilibrium", "payoffs", "forecast", "scores", "replication")


@dataclass(frozen=True)
class Report:
    """Everything that a run leaves, but for the draws.

    `core`: what is known of the study beside its questions; `answers`: the Datasets of the questions that it
    asks.
    """

    study: Study
    core: Core
    answers: Mapping[str, xr.Dataset]

    @property
    def problems(self) -> tuple[str, ...]:
        """What the fits did not pass, worst first."""
        return tuple(f"The fit did not pass: {line}." for line in self.core.problems)

    @cached_property
    def of_questions(self) -> dict[str, dict[str, pd.DataFrame]]:
        """The tables of every question that was answered."""
        return {name: by_name()[name].tables(data, self.study) for name, data in self.answers.items()}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables that become CSV files, by name."""
        core = {name: self.core[name] for name in SHARED}
        return core | {name: table for each in self.of_questions.values() for name, table in each.items()}

    @property
    def _effects(self) -> pd.DataFrame | None:
        return self.of_questions.get("scenarios", {}).get("scenarios")

    @property
    def _brief(self) -> str:
        """What became of the questions that have a sentence for the answer's line on trust."""
        said = [(by_name()[name].brief, data) for name, data in self.answers.items()]
        return " ".join(brief(data, self.study) for brief, data in said if brief is not None)

    def sections(self) -> list[Section]:
        """Return the sections of the page: those of the study, with its questions between them."""
        core, study = self.core, self.study
        questions = [
            each.section(self.answers[each.name], study) for each in QUESTIONS if each.name in self.answers
        ]
        every = [
            answer.section(core, study, self._effects, self._brief),
            history.section(core, study),
            drivers.section(core, study),
            *questions,
            methods.unknowns(core, study),
            methods.section(core, study),
        ]
        return [section for section in every if section is not None]

    def page(self) -> str:
        """Return the page."""
        return page(
            self.sections(),
            title=f"{self.study.settings.title}: {self.study.settings.question}",
            citation=methods.citation(self.core, self.study),
            version=self.core.provenance["version"],
            claim_ids=self.study.ledger.claims,
        )

    def lines(self) -> tuple[str, ...]:
        """Return the answer for a terminal."""
        return answer.lines(self.core, self.study, self._effects, self._brief)

    def summary(self, timing: Mapping[str, float]) -> dict[str, Any]:
        """Return what summary.json holds: see the README for its keys. What a study lacks is an empty list."""
        run, fits, sources = self.core.provenance, self.core["fits"], self.core["sources"]
        asked: dict[str, Any] = {}
        for name, data in self.answers.items():
            summary = by_name()[name].summary
            first = next(iter(self.of_questions[name].values()))
            asked |= summary(data, self.study) if summary else {name: records(first)}
        return {
            "study": self.study.name,
            **{key: run[key] for key in ("version", "seed", "quick")},
            "data": {
                **{key: run[key] for key in ("first_month", "last_month", "n_months")},
                "sources": sources.loc[sources["role"] == "figures", "id"].tolist(),
            },
            "diagnostics": {
                "chains": int(fits["chains"].iloc[0]),
                "draws": int(fits["draws"].iloc[0]),
                "rhat_max": float(fits["rhat_max"].max()),
                "ess_bulk_min": float(fits["ess_bulk_min"].min()),
                "divergences": int(fits["divergences"].sum()),
            },
            **{key: [] for key in _ALWAYS},
            **asked,
            "answer": list(self.lines()),
            "problems": list(self.problems),
            "timing": {name: round(seconds, 2) for name, seconds in timing.items()},
            "fingerprint": run["fingerprint"],
        }


def read_report(study: Study, folder: Path) -> Report:
    """Return the report that an earlier run's results.nc holds.

    Raises InputError if there is none, or it is damaged or another study's.
    """
    path = folder / RESULTS
    if not path.is_file():
        raise InputError(str(folder), "holds no run to report on", f"Run `outbid run {study.name}` first.")
    try:
        core = Core.from_datasets(_groups(path, "report"))
        answers = _groups(path, "questions")
    except (OSError, KeyError, ValueError) as error:
        fix = f"Make it again with `outbid run {study.name}`."
        raise InputError(str(path), f"is not the results of a whole run ({error})", fix) from error
    return Report(study, core, {name: answers[name] for name in by_name() if name in answers})


def _groups(path: Path, group: str) -> dict[str, xr.Dataset]:
    with xr.open_datatree(path, group=group, engine="h5netcdf") as tree:
        return {name: node.to_dataset(inherit=False).load() for name, node in tree.children.items()}
