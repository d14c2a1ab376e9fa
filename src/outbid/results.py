"""What the verbs give back: whether it went well, what to print, and the same as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from outbid.conventions import PRIOR_LABELS
from outbid.errors import InputError, did_you_mean
from outbid.words.numbers import capital

if TYPE_CHECKING:
    import pandas as pd

    from outbid.infer.fit import Fit
    from outbid.simulate.futures import Futures
    from outbid.study import Study


class _WithProblems(Protocol):
    @property
    def problems(self) -> tuple[str, ...]: ...


class Checked:
    """What has `problems`: checks that failed, of the study, its fits or its estimates."""

    @property
    def ok(self: _WithProblems) -> bool:
        """Whether nothing failed."""
        return not self.problems


@dataclass(frozen=True)
class StudyInfo:
    """A study that comes with the package."""

    name: str
    title: str
    folder: Path


@dataclass(frozen=True)
class CheckResult(Checked):
    """What `check` found."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain data."""
        return {"ok": self.ok, "lines": list(self.lines), "problems": list(self.problems)}


@dataclass(frozen=True, repr=False)
class FitResult(Checked):
    """Fits by prior set, such as `result["neutral"]`; `problems` say first what their diagnostics found."""

    fits: Mapping[str, Fit]

    def __getitem__(self, prior: str) -> Fit:
        if prior not in self.fits:
            raise InputError(f"prior {prior!r}", "no such fit here", did_you_mean(prior, self.fits))
        return self.fits[prior]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line per fit: passed or not, and the figures behind that."""
        return fit_lines(self.fits)

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for every check that a fit failed."""
        return problems_of(self.fits)

    def summary(self) -> pd.DataFrame:
        """Return the fits' summaries, indexed by prior and parameter."""
        import pandas as pd

        return pd.concat({name: each.summary() for name, each in self.fits.items()}, names=["prior"])

    def to_json(self) -> dict[str, Any]:
        """Return the diagnostics as plain data."""
        return {
            "ok": self.ok,
            "problems": list(self.problems),
            "fits": {
                name: {
                    "how": each.how,
                    "seconds": each.seconds,
                    "rhat_max": float(each.diagnostics.rhat.max()),
                    "ess_bulk_min": float(each.diagnostics.ess_bulk.min()),
                    "ess_tail_min": float(each.diagnostics.ess_tail.min()),
                    "divergences": each.diagnostics.divergences,
                }
                for name, each in self.fits.items()
            },
        }

    def __repr__(self) -> str:
        return "\n".join(repr(each) for each in self.fits.values())

    def _repr_html_(self) -> str:
        return "".join(each._repr_html_() for each in self.fits.values())


@dataclass(frozen=True)
class EstimateResult(Checked):
    """Structural estimates of a game's payoffs; `found` is the table as plain data."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    found: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the estimates as plain data."""
        return {"ok": self.ok, "problems": list(self.problems), **self.found}


@dataclass(frozen=True, repr=False)
class SimulationResult(Checked):
    """Scenarios played ahead.

    `futures`: by prior set; `futures[prior].paths[scenario]` has shape (draws, months, outcomes). `table`:
    one row per scenario, prior set and outcome: its level, and its difference from the baseline. `play`:
    "scenario", or "equilibrium" where the players chose. `left_out`: scenarios that leave a player no choice.
    """

    study: Study
    futures: Mapping[str, Futures]
    table: pd.DataFrame
    play: str
    left_out: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """A line per scenario and main outcome; all outcomes are in the table, the JSON and the report."""
        return (*self._about(), *self._effects())

    def _about(self) -> Iterator[str]:
        if self.play == "equilibrium":
            yield (
                "The players choose: each scenario sets what outsiders offer, the players answer by their equilibrium."
            )
        if self.left_out:
            yield f"Left out, since they leave a player no choice: {', '.join(self.left_out)}."

    def _effects(self) -> Iterator[str]:
        from outbid.words.effects import in_brief, level, records

        baseline, labels = self.study.baseline.id, {each.id: each.label for each in self.study.scenarios}
        for prior in self.futures:
            yield f"{capital(PRIOR_LABELS[prior])}; the baseline's level, then differences from it:"
            for outcome in self.study.main_outcomes:
                rows = self.table[(self.table["prior"] == prior) & (self.table["outcome"] == outcome.name)]
                for row in records(rows):
                    levels = {name: row[f"level_{name}"] for name in ("median", "q05", "q95")}
                    first = row["scenario"] == baseline
                    text = level(levels, outcome.unit) if first else in_brief(row, outcome)
                    yield f"  {outcome.label}, {labels.get(row['scenario'], row['scenario'])}: {text}"

    def to_json(self) -> dict[str, Any]:
        """Return every comparison with the baseline as plain data."""
        from outbid.output import plain
        from outbid.words.effects import records

        return {"ok": self.ok, "problems": list(self.problems), "comparisons": plain(records(self.table))}

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return str(self.table.to_html(index=False, float_format="{:.3g}".format))


@dataclass(frozen=True)
class ReportResult(Checked):
    """A report that was drawn again."""

    path: Path
    lines: tuple[str, ...]
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return where it is."""
        return {"path": str(self.path), "problems": list(self.problems)}


@dataclass(frozen=True)
class RunResult(Checked):
    """The answer in ten lines, and where everything is."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    paths: Mapping[str, Path]
    summary: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the content of summary.json."""
        return dict(self.summary)


def problems_of(fits: Mapping[str, Fit]) -> tuple[str, ...]:
    """Return a sentence for every check that a fit failed."""
    return tuple(
        f"The {name} fit did not pass: {line}."
        for name, each in fits.items()
        for line in each.diagnostics.problems
    )


def fit_lines(fits: Mapping[str, Fit]) -> tuple[str, ...]:
    """Return a line per fit: passed or not, and the figures behind that."""
    lines = []
    for name, each in fits.items():
        told, (chains, draws, _) = each.diagnostics, each.draws.z.shape
        verdict = "passed" if told.passed else "did NOT pass"
        lines.append(
            f"{name}: {verdict}; {each.how}, {chains} chains of {draws}; R-hat up to {told.rhat.max():.3f},"
            f" effective draws from {told.ess_bulk.min():.0f}, {told.divergences} divergences, {each.seconds:.0f} s."
        )
    return tuple(lines)
