"""How the report was made: data, sources, diagnostics in words before numbers, versions, how to cite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from outbid.conventions import (
    LARGEST_DIVERGENT_SHARE,
    LARGEST_RHAT,
    LEAST_BFMI,
    LEAST_EFFECTIVE,
    PRIOR_LABELS,
)
from outbid.question import Section
from outbid.report.core import Core
from outbid.study import Study
from outbid.words.effects import records
from outbid.words.numbers import (
    capital,
    counted,
    day_name,
    duration,
    interval,
    month_name,
    percent,
    reported,
    two_digits,
)

_MADE = {"short": "A short sample"}


def section(core: Core, study: Study) -> Section:
    """Return the section."""
    words = {
        "heading": heading(core),
        "series": series(core, study),
        "sources": records(core["sources"]),
        "fits": [fit_words(row) for row in records(core["fits"])],
        "facts": facts(core.provenance),
        "citation": citation(core, study),
    }
    return Section("made", "How it was made", "report/templates/made.html.j2", words)


def heading(core: Core) -> str:
    """Return how many figures were used and left out."""
    table = core["series"]
    used, whole = int(table["used"].sum()), int(table["figures"].sum())
    if not whole:
        return "No figures went in"
    text = f"{counted(used, 'figure')} in {counted(len(table), 'series', 'series')} went in"
    left = whole - used
    return (
        f"{text}; {left} {'was' if left == 1 else 'were'} left out, for the reasons given" if left else text
    )


def series(core: Core, study: Study) -> list[dict[str, Any]]:
    """Return the data, series by series, with every figure, used or not."""
    titles = dict(zip(core["sources"]["id"], core["sources"]["title"], strict=True))
    figures: dict[str, list[dict[str, Any]]] = {}
    for row in records(core["figures"]):
        figures.setdefault(row["series"], []).append(
            {
                "when": _when(row["start"], row["end"]),
                "value": _value(row),
                "expected": _expected(row),
                "used": "yes" if row["used"] == "yes" else f"no: {row['why_not'] or 'for display only'}",
                "css": "" if row["used"] == "yes" else "unused",
                "source": titles.get(row["source"], row["source"]),
                "source_id": row["source"] if row["source"] in titles else "",
                "note": row["note"],
            }
        )
    out = []
    for row in records(core["series"]):
        each = study.panel.series[row["series"]]
        about = {"id": each.id, "label": each.label, "unit": each.unit, "records": figures.get(each.id, [])}
        inside = "" if math.isnan(row["share_inside"]) else percent(row["share_inside"])
        left = row["figures"] - row["used"]
        out.append({**row, **about, "left_out": left, "inside": inside, "totals": _totals(row["tail"])})
    return out


def _when(start: str, end: str) -> str:
    if start == end:
        return day_name(start)
    if start[:7] == end[:7]:
        return month_name(start)
    if start[5:] == "01-01" and end[5:] == "12-31" and start[:4] == end[:4]:
        return start[:4]
    return f"{day_name(start)} to {day_name(end)}"


def _value(row: Mapping[str, Any]) -> str:
    value, low, high = (None if math.isnan(row[name]) else row[name] for name in ("value", "low", "high"))
    if value is not None:
        return reported(value)
    if low is None:
        return "not known" if high is None else f"at most {reported(high)}"
    return f"at least {reported(low)}" if high is None else f"{reported(low)} to {reported(high)}"


def _expected(row: Mapping[str, Any]) -> str:
    if math.isnan(row["predicted_median"]):
        return ""
    return f"{two_digits(row['predicted_median'])} ({interval(row['predicted_q05'], row['predicted_q95'])})"


def _totals(tail: float) -> str:
    if math.isnan(tail):
        return ""
    if tail > 0.95:
        return f"too low for the model ({percent(tail)})"
    return f"too high for the model ({percent(tail)})" if tail < 0.05 else f"agrees ({percent(tail)})"


def fit_words(fit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fit's diagnostics, words first: title, passed, verdict, how, and checks as (words, number, rule)."""
    allowed = math.floor(LARGEST_DIVERGENT_SHARE * fit["chains"] * fit["draws"])
    checks = [
        (
            "The chains agree" if fit["rhat_max"] < LARGEST_RHAT else "The chains don't agree",
            f"largest R-hat {fit['rhat_max']:.3f}",
            f"under {LARGEST_RHAT}",
        ),
        (
            "There are enough independent draws for the middle of the distributions"
            if fit["ess_bulk_min"] > LEAST_EFFECTIVE
            else "There are too few independent draws for the middle of the distributions",
            f"fewest effective draws {two_digits(fit['ess_bulk_min'])}",
            f"over {LEAST_EFFECTIVE}",
        ),
        (
            "and for their tails" if fit["ess_tail_min"] > LEAST_EFFECTIVE else "Too few for their tails",
            f"fewest effective draws {two_digits(fit['ess_tail_min'])}",
            f"over {LEAST_EFFECTIVE} is good",
        ),
        (
            "The sampler seldom or never lost its way"
            if fit["divergences"] <= allowed
            else "The sampler lost its way too often",
            counted(fit["divergences"], "divergence"),
            f"at most {allowed} of {fit['chains'] * fit['draws']:,}",
        ),
        (
            "It explored the whole distribution"
            if fit["bfmi_min"] > LEAST_BFMI
            else "It may have missed part of the distribution",
            f"lowest energy fraction {two_digits(fit['bfmi_min'])}",
            f"over {LEAST_BFMI}",
        ),
    ]
    size = f"{counted(fit['chains'], 'chain')} of {counted(fit['draws'], 'draw')}"
    return {
        "title": capital(PRIOR_LABELS.get(fit["prior"], fit["prior"])),
        "passed": not fit["problems"],
        "verdict": f"Failed: {fit['problems']}." if fit["problems"] else "Passed all checks.",
        "how": f"{_MADE.get(fit['how'], 'Sampled')}: {size}, {duration(fit['seconds'])}.",
        "checks": checks,
    }


def citation(core: Core, study: Study) -> str:
    """Return how to cite the report: program, version, study, date, seed."""
    run = core.provenance
    return (
        f"outbid {run['version']}: {study.settings.title}. Report made on {run['created']} with seed {run['seed']} "
        f"from {counted(run['n_months'], 'month')} of data ({run['first_month']} to {run['last_month']}). "
        "Cite the sources of the figures as well; they are listed with their licences."
    )


def facts(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is needed to get the same numbers again, as (name, value)."""
    packages = ", ".join(f"{name} {version}" for name, version in sorted(run["packages"].items()))
    timing = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in run["timing"].items())
    rows = (
        ("Command", run["command"]),
        ("Version", f"outbid {run['version']}"),
        ("Seed", str(run["seed"])),
        ("Made on", run["created"]),
        ("Python", run["python"]),
        ("Machine", run["platform"]),
        ("Packages", packages),
        ("Time taken", timing),
    )
    return [(name, value) for name, value in rows if value]
