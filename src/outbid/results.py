"""What verbs and questions give back: what to print, which checks failed, and the same as tables and plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outbid.conventions import PRIOR_LABELS
from outbid.errors import check_name
from outbid.output import plain
from outbid.words.numbers import capital, digits

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from outbid.infer.fit import Fit
    from outbid.question import Question, Section
    from outbid.simulate.futures import Futures
    from outbid.study import Study


@dataclass(frozen=True)
class Result:
    """The answer in words; `problems` are checks that failed, of the study, its fits or its estimates, worst first.

    `facts`: what its plain data hold besides.
    """

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False, kw_only=True)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {"ok": self.ok, "problems": list(self.problems), **self.facts}


@dataclass(frozen=True, repr=False)
class FitResult(Result):
    """Fits by prior set, such as `result["neutral"]`; a line per fit, `problems` say what their diagnostics found."""

    fits: Mapping[str, Fit]

    def __getitem__(self, prior: str) -> Fit:
        check_name(prior, self.fits, f"prior {prior!r}", "no such fit here")
        return self.fits[prior]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def summary(self) -> pd.DataFrame:
        """Return the fits' summaries, indexed by prior and parameter."""
        import pandas as pd

        return pd.concat({name: each.summary() for name, each in self.fits.items()}, names=["prior"])

    def __repr__(self) -> str:
        return "\n".join(repr(each) for each in self.fits.values())

    def _repr_html_(self) -> str:
        return "".join(each._repr_html_() for each in self.fits.values())


def fit_result(fits: Mapping[str, Fit]) -> FitResult:
    """Return fits with a line for each, passed or not, and the figures behind that."""
    lines, facts = [], {}
    for name, each in fits.items():
        checks, (chains, draws, _) = each.diagnostics, each.draws.z.shape
        figures = {
            "rhat_max": float(checks.rhat.max()),
            "ess_bulk_min": float(checks.ess_bulk.min()),
            "ess_tail_min": float(checks.ess_tail.min()),
            "divergences": checks.divergences,
        }
        facts[name] = {"how": each.how, "seconds": each.seconds, **figures}
        verdict = "did NOT pass" if each.problems else "passed"
        lines.append(
            f"{name}: {verdict}; {each.how}, {chains} chains of {draws}; R-hat up to {figures['rhat_max']:.3f}, effective"
            f" draws from {figures['ess_bulk_min']:.0f}, {checks.divergences} divergences, {each.seconds:.0f} s."
        )
    return FitResult(tuple(lines), problems_of(fits), fits, facts={"fits": facts})


def problems_of(fits: Mapping[str, Fit]) -> tuple[str, ...]:
    """Return a sentence for every check that a fit failed."""
    pairs = ((name, line) for name, each in fits.items() for line in each.problems)
    return tuple(f"The {name} fit did not pass: {line}." for name, line in pairs)


@dataclass(frozen=True, repr=False)
class SimulationResult(Result):
    """Scenarios played ahead; a line per scenario and main outcome, all outcomes are in the table.

    `futures`: by prior set; `futures[prior].paths[scenario]` has shape (draws, months, outcomes). `table`:
    one row per scenario, prior set and outcome: its level, and its difference from the baseline. `play`:
    "scenario", or "equilibrium" where the players chose. `left_out`: scenarios that leave a player no choice.
    """

    futures: Mapping[str, Futures]
    table: pd.DataFrame
    play: str
    left_out: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return str(self.table.to_html(index=False, float_format=lambda x: digits(x, 3)))


def simulation_lines(
    study: Study, table: pd.DataFrame, play: str, left_out: tuple[str, ...]
) -> Iterator[str]:
    """Yield what was played, then a line per prior set, main outcome and scenario."""
    from outbid.words.effects import in_brief, level, records

    if play == "equilibrium":
        yield "The players choose: each scenario sets what outsiders offer, the players answer by their equilibrium."
    if left_out:
        yield f"Left out, since they leave a player no choice: {', '.join(left_out)}."
    labels = {each.id: each.label for each in study.scenarios}
    for prior in table["prior"].unique():
        yield f"{capital(PRIOR_LABELS[prior])}; the baseline's level, then differences from it:"
        for outcome in study.main_outcomes:
            for row in records(table[(table["prior"] == prior) & (table["outcome"] == outcome.name)]):
                levels = {name: row[f"level_{name}"] for name in ("median", "q05", "q95")}
                first = row["scenario"] == study.baseline.id
                text = level(levels, outcome.unit) if first else in_brief(row, outcome)
                yield f"  {outcome.label}, {labels.get(row['scenario'], row['scenario'])}: {text}"
    if others := [each.label for each in study.model.outcomes if each not in study.main_outcomes]:
        yield f"In the table only (simulation.json): {', '.join(others)}."


@dataclass(frozen=True)
class RunResult(Result):
    """The answer in ten lines, and where everything is: files by name; `summary` is the content of summary.json."""

    paths: Mapping[str, Path]
    summary: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def path(self) -> Path:
        """Where the report is."""
        return self.paths["report.html"]

    def to_json(self) -> dict[str, Any]:
        """Return the content of summary.json; where the report is, if it was only drawn again."""
        return dict(self.summary) or {**super().to_json(), "path": str(self.path)}


@dataclass(frozen=True, repr=False)
class Answer(Result):
    """The answer to one question in at most ten lines; `data` is an xarray Dataset with named dimensions."""

    question: Question[Any]
    study: Study
    data: xr.Dataset

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Tidy tables by name, ids as keys: the same rows as in the CSV files and on the page.

        Those of a file of a user's own are named after it, so that they don't take the place of the study's.
        """
        tables, file = self.question.tables(self.data, self.study), str(self.data.attrs.get("file", ""))
        return {f"{Path(file).stem}_{name}": table for name, table in tables.items()} if file else tables

    @cached_property
    def section(self) -> Section:
        """What the page shows of it."""
        return self.question.section(self.data, self.study)

    def plot(self, figure: str | None = None) -> Any:
        """Return a figure of the page as an Altair chart: the first, or the one of that id.

        Raises InputError if there is no such figure.
        """
        figures = {each.id: each for each in self.section.figures}
        name = next(iter(figures), "") if figure is None else figure
        check_name(name, figures, f"figure {name!r}", "the answer has no such figure")
        return figures[name].altair()

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data: every table as a list of rows."""
        from outbid.words.effects import records

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
