"""How the report was made: diagnostics in words before numbers, versions, timing, how to cite."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.conventions import LARGEST_PARETO_K, LARGEST_RHAT, LEAST_BFMI, LEAST_EFFECTIVE
from outbid.report.content import FitSummary, Provenance, ReportContent
from outbid.words.numbers import counted, duration, two_digits

PRIOR_NAMES = {
    "neutral": "Neutral priors (the data alone)",
    "sources": "The sources' priors (if the sources are right)",
}


@dataclass(frozen=True)
class FitWords:
    """One fit: a title, the verdict in a sentence, and the checks as (in words, number, rule)."""

    title: str
    passed: bool
    verdict: str
    how: str
    checks: tuple[tuple[str, str, str], ...]


def fit_words(fit: FitSummary) -> FitWords:
    """Return a fit's diagnostics, words first."""
    checks = [
        (
            "The chains agree" if fit.rhat_max <= LARGEST_RHAT else "The chains don't agree",
            f"largest R-hat {fit.rhat_max:.3f}",
            f"{LARGEST_RHAT} at most",
        ),
        (
            "There are enough independent draws for the middle of the distributions"
            if fit.ess_bulk_min >= LEAST_EFFECTIVE
            else "There are too few independent draws for the middle of the distributions",
            f"fewest effective draws {two_digits(fit.ess_bulk_min)}",
            f"{LEAST_EFFECTIVE} at least",
        ),
        (
            "and for their tails" if fit.ess_tail_min >= LEAST_EFFECTIVE else "Too few for their tails",
            f"fewest effective draws {two_digits(fit.ess_tail_min)}",
            f"{LEAST_EFFECTIVE} at least",
        ),
        (
            "The sampler never lost its way" if fit.divergences == 0 else "The sampler lost its way at times",
            counted(fit.divergences, "divergence"),
            "none allowed",
        ),
        (
            "It explored the whole distribution"
            if fit.bfmi_min >= LEAST_BFMI
            else "It may have missed part of the distribution",
            f"lowest energy fraction {two_digits(fit.bfmi_min)}",
            f"{LEAST_BFMI} at least",
        ),
    ]
    if fit.pareto_k is not None:
        good = fit.pareto_k <= LARGEST_PARETO_K
        words = "Re-weighting the draws is trustworthy" if good else "Re-weighting the draws can't be trusted"
        checks.append((words, f"Pareto k {two_digits(fit.pareto_k)}", f"{LARGEST_PARETO_K} at most"))
    made = {"reweighted": "Re-weighted from the draws under the other priors", "short": "A short sample"}
    how = (
        f"{made.get(fit.how, 'Sampled')}: "
        f"{counted(fit.chains, 'chain')} of {counted(fit.draws, 'draw')}, {duration(fit.seconds)}."
    )
    verdict = "Passed all checks." if not fit.problems else f"Failed: {'; '.join(fit.problems)}."
    title = PRIOR_NAMES.get(fit.prior, f"{fit.prior} priors")
    return FitWords(title, not fit.problems, verdict, how, tuple(checks))


def citation(content: ReportContent) -> str:
    """Return how to cite the report: program, version, study, date, seed."""
    run = content.provenance
    return (
        f"outbid {run.version}: {content.title}. Report made on {run.created} with seed {run.seed} "
        f"from {counted(run.n_months, 'month')} of data ({run.first_month} to {run.last_month}). "
        f"Cite the sources of the figures as well; they are listed below with their licences."
    )


def facts(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Return what is needed to get a report's numbers again, as (name, value)."""
    return provenance_facts(content.provenance)


def provenance_facts(run: Provenance) -> tuple[tuple[str, str], ...]:
    """Return what is needed to get the same numbers again, as (name, value)."""
    packages = ", ".join(f"{name} {version}" for name, version in sorted(run.packages.items()))
    timing = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in run.timing.items())
    rows = (
        ("Command", run.command),
        ("Version", f"outbid {run.version}"),
        ("Seed", str(run.seed)),
        ("Made on", run.created),
        ("Python", run.python),
        ("Machine", run.platform),
        ("Packages", packages),
        ("Time taken", timing),
    )
    return tuple((name, value) for name, value in rows if value)
