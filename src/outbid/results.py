"""What the verbs give back: whether it went well, what to print, and the same as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outbid.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from outbid.ask.effects import Futures
    from outbid.infer.fit import Fit
    from outbid.report.content import ReportContent


@dataclass(frozen=True)
class StudyInfo:
    """A study that comes with the package."""

    name: str
    title: str
    folder: Path


@dataclass(frozen=True)
class CheckResult:
    """What `check` found."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain data."""
        return {"ok": self.ok, "lines": list(self.lines), "problems": list(self.problems)}


@dataclass(frozen=True, repr=False)
class FitResult:
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

    @property
    def ok(self) -> bool:
        """Whether every fit passed its diagnostics."""
        return not self.problems

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
class EstimateResult:
    """Structural estimates of a game's payoffs; `found` is the table as plain data."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    found: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the likelihood's climb came to rest."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the estimates as plain data."""
        return {"ok": self.ok, "problems": list(self.problems), **self.found}


@dataclass(frozen=True)
class SimulationResult:
    """Futures by prior set: `futures[prior].paths[scenario]` has shape (draws, months, outcomes)."""

    futures: Mapping[str, Futures]
    lines: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the fits behind the futures passed their diagnostics."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return every comparison with the baseline as plain data."""
        from outbid.ask.compare import compare

        rows = [
            {
                "prior": name,
                "scenario": row.scenario,
                "outcome": row.outcome,
                "level": dict(zip(("median", "q05", "q95"), row.level, strict=True)),
                "difference": dict(zip(("median", "q05", "q95"), row.difference, strict=True)),
                "probability_better": row.probability_better,
                "regret": row.regret,
            }
            for name, each in self.futures.items()
            for row in compare(each).rows
        ]
        return {"ok": self.ok, "problems": list(self.problems), "comparisons": rows}


@dataclass(frozen=True)
class AskResult:
    """The answer to one question: `content` is plain data, `tables` its CSV text by file name."""

    question: str
    content: Any
    tables: Mapping[str, str]
    lines: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the fits behind the answer passed their diagnostics."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        return {"ok": self.ok, "problems": list(self.problems), self.question: asdict(self.content)}


@dataclass(frozen=True)
class ReportResult:
    """A report that was drawn again."""

    path: Path
    lines: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the fits that it reports passed their diagnostics."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return where it is."""
        return {"path": str(self.path), "problems": list(self.problems)}


@dataclass(frozen=True)
class RunResult:
    """The answer in ten lines, and where everything is."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    paths: Mapping[str, Path]
    summary: Mapping[str, Any] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether every fit passed its diagnostics."""
        return not self.problems

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


def problems_told(content: ReportContent) -> tuple[str, ...]:
    """Return the same sentences from a report's content."""
    return tuple(
        f"The {each.prior} fit did not pass: {line}." for each in content.fits for line in each.problems
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


def simulation_lines(futures: Mapping[str, Futures], roles: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line per scenario and leading outcome; all outcomes are in the JSON and in the report."""
    from outbid.ask.compare import compare

    lines = []
    for prior, each in futures.items():
        units = {item.name: (item.label, item.unit) for item in each.outcomes}
        leading = set(roles.values()) & set(units) or set(units)
        lines.append(
            f"Under the {prior} priors, median and 90% interval; the baseline's level, then differences from it:"
        )
        for row in compare(each).rows:
            if row.outcome not in leading:
                continue
            label, unit = units[row.outcome]
            base = row.scenario == each.baseline
            middle, low, high = row.level if base else row.difference
            odds = "" if base else f"; better with probability {row.probability_better:.2f}"
            sign = "" if base else "+"
            lines.append(
                f"  {label}, {row.scenario}: {middle:{sign}.3g} ({low:{sign}.3g} to {high:{sign}.3g}) {unit}{odds}"
            )
    return tuple(lines)


def equilibrium_lines(left_out: Sequence[str]) -> tuple[str, ...]:
    """Return what to say above scenarios in which the players choose."""
    lines = [
        "The players choose: each scenario sets what outsiders offer, the players answer by their equilibrium."
    ]
    if left_out:
        lines.append(f"Left out, since they leave a player no choice: {', '.join(left_out)}.")
    return tuple(lines)
