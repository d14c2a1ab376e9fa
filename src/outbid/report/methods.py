"""What is unknown and how the report was made: parameters, data, sources, diagnostics, versions, how to cite."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from outbid.conventions import (
    LARGEST_DIVERGENT_SHARE,
    LARGEST_RHAT,
    LEAST_BFMI,
    LEAST_EFFECTIVE,
    PRIOR_LABELS,
)
from outbid.plots.base import Figure
from outbid.plots.intervals import VIEWS, intervals
from outbid.question import Section
from outbid.report.core import Core
from outbid.study import Study
from outbid.words.effects import records, views
from outbid.words.numbers import (
    capital,
    counted,
    day_name,
    duration,
    interval,
    listed,
    month_name,
    percent,
    plain_name,
    reported,
    two_digits,
)

# Who reported a figure.
UN = "United Nations"
PARTY = "the incumbent itself"
OTHERS = "other governments, analysts"
_UN_WORDS = re.compile(r"\b(UN|UNAMA|UNODC|OCHA|United Nations|Security Council|Monitoring Team)\b")
# How many parameters are in sight; the table has them all.
SHOWN = 12
_SETTLED, _SAYS_LITTLE = 0.75, 0.1
_WORDS = ((_SAYS_LITTLE, "next to nothing"), (0.4, "a little"), (_SETTLED, "a good deal"))


def unknowns(core: Core, study: Study) -> Section | None:
    """Return the section on how far the data moved each parameter, or None for a study without parameters."""
    if core["parameters"].empty:
        return None
    drawn = contraction(core)
    words = {
        "heading": unknowns_heading(core),
        "views": views(core["parameters"]),
        "parameters": parameters(core, study),
    }
    return Section("unknowns", "Unknowns", "report/templates/unknowns.html.j2", words, figures=(drawn,))


def unknowns_heading(core: Core) -> str:
    """Return how many parameters the data hardly moved, and how many they settled."""
    table = core["parameters"]
    known = table.loc[table["prior"] == core.lead, "contraction"]
    silent, settled = int((known < _SAYS_LITTLE).sum()), int((known >= _SETTLED).sum())
    total = counted(len(known), "parameter")
    if not silent:
        return f"The data moved all {total}, and settled {settled or 'none'}"
    return f"The data say next to nothing about {silent} of {total}, and settle {settled or 'none'}"


def _best_known(core: Core) -> list[str]:
    table = core["parameters"]
    led = table[table["prior"] == core.lead]
    return list(led.sort_values("contraction", ascending=False, kind="stable")["parameter"])


def contraction(core: Core) -> Figure:
    """Draw how much the data taught about the parameters that they taught most about."""
    order, table = _best_known(core), core["parameters"]
    labels = {name: capital(plain_name(name)) for name in order[:SHOWN]}
    shown = table[table["parameter"].isin(list(labels))]
    names = [plain_name(name) for name in order]
    return intervals(
        "contraction",
        # a spread that grew taught nothing
        shown[["parameter", "prior", "contraction"]].assign(median=shown["contraction"].clip(lower=0.0)),
        row="parameter",
        labels=labels,
        marks=VIEWS,
        percent=True,
        domain=(0.0, 1.0),
        step=24,
        caption=f"The {len(labels)} parameters about which the data taught most, as a share of what there was to "
        "learn. Filled: without taking sides. Hollow: taking the texts at their word.",
        source="Posterior against prior variance, on the scale on which the prior is normal.",
        alternative=f"Best known: {listed(names[:3])}. Least known: {listed(names[-3:])}. All are in the table below.",
    )


def parameters(core: Core, study: Study) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Return the parameters as declared, the best known first, each with its row of the table under every view."""
    about = {each.name: each for each in study.model.parameters}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _best_known(core)}
    for row in records(core["parameters"]):
        words = {"value": with_interval(row), "learnt": learnt(row["contraction"])}
        found[row["parameter"]].append({**row, **words})
    return [(about[name], cells) for name, cells in found.items()]


def with_interval(row: Mapping[str, Any], before: str = "") -> str:
    """Return a row's median with its 90% interval ("12 (9.1 to 16)"), from columns that begin with `before`."""
    ends = interval(row[f"{before}q05"], row[f"{before}q95"])
    return f"{two_digits(row[f'{before}median'])} ({ends})"


def learnt(contraction: float) -> str:
    """Return in words how far the data moved a parameter, with the number."""
    word = next((text for limit, text in _WORDS if contraction < limit), "nearly all")
    return f"{word} ({two_digits(max(contraction, 0.0))})"


def section(core: Core, study: Study) -> Section:
    """Return the section on how the report was made."""
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
    left, were = whole - used, "was" if whole - used == 1 else "were"
    text = f"{counted(used, 'figure')} in {counted(len(table), 'series', 'series')} went in"
    return f"{text}; {left} {were} left out, for the reasons given" if left else text


def series(core: Core, study: Study) -> list[dict[str, Any]]:
    """Return the series as declared, with their rows of the table, how they fit, and every figure, used or not."""
    titles = dict(zip(core["sources"]["id"], core["sources"]["title"], strict=True))
    figures: dict[str, list[dict[str, Any]]] = {}
    for row in records(core["figures"]):
        expected = "" if math.isnan(row["predicted_median"]) else with_interval(row, "predicted_")
        words = {"when": _when(row["start"], row["end"]), "value": _value(row), "expected": expected}
        figures.setdefault(row["series"], []).append({**row, **words, "title": titles.get(row["source"])})
    return [
        {
            **row,
            "about": study.panel.series[row["series"]],
            "records": figures.get(row["series"], []),
            "inside": "" if math.isnan(row["share_inside"]) else percent(row["share_inside"]),
            "totals": _totals(row["tail"]),
        }
        for row in records(core["series"])
    ]


def _when(start: str, end: str) -> str:
    if start == end:
        return day_name(start)
    if start[:7] == end[:7]:
        return month_name(start)
    if start[5:] == "01-01" and end[5:] == "12-31" and start[:4] == end[:4]:
        return start[:4]
    return f"{day_name(start)} to {day_name(end)}"


def _value(row: Mapping[str, Any]) -> str:
    numbers = (row[name] for name in ("value", "low", "high"))
    value, low, high = ("" if math.isnan(each) else reported(each) for each in numbers)
    if value or not (low or high):
        return value or "not known"
    return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"


def _totals(tail: float) -> str:
    if math.isnan(tail):
        return ""
    off = "low" if tail > 0.95 else "high" if tail < 0.05 else ""
    return f"{f'too {off} for the model' if off else 'agrees'} ({percent(tail)})"


def fit_words(fit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fit's diagnostics, words first: title, passed, verdict, how, and checks (words, then number and limit)."""
    draws = fit["chains"] * fit["draws"]
    allowed = math.floor(LARGEST_DIVERGENT_SHARE * draws)
    bulk, tail = fit["ess_bulk_min"], fit["ess_tail_min"]
    agree = "agree" if fit["rhat_max"] < LARGEST_RHAT else "don't agree"
    enough = "enough" if bulk > LEAST_EFFECTIVE else "too few"
    tails = "and for their tails" if tail > LEAST_EFFECTIVE else "Too few for their tails"
    way = "seldom or never lost its way" if fit["divergences"] <= allowed else "lost its way too often"
    whole = "explored the whole" if fit["bfmi_min"] > LEAST_BFMI else "may have missed part of the"
    few, over = "fewest effective draws", f"over {LEAST_EFFECTIVE}"
    checks = {
        f"The chains {agree}": f"largest R-hat {fit['rhat_max']:.3f}; under {LARGEST_RHAT}",
        f"There are {enough} independent draws for the middle of the distributions": f"{few} {two_digits(bulk)}; {over}",
        tails: f"{few} {two_digits(tail)}; {over} is good",
        f"The sampler {way}": f"{counted(fit['divergences'], 'divergence')}; at most {allowed} of {draws:,}",
        f"It {whole} distribution": f"lowest energy fraction {two_digits(fit['bfmi_min'])}; over {LEAST_BFMI}",
    }
    made = "A short sample" if fit["how"] == "short" else "Sampled"
    size = f"{counted(fit['chains'], 'chain')} of {counted(fit['draws'], 'draw')}"
    return {
        "title": PRIOR_LABELS[fit["prior"]],
        "passed": not fit["problems"],
        "verdict": f"Failed: {fit['problems']}." if fit["problems"] else "Passed all checks.",
        "how": f"{made}: {size}, {duration(fit['seconds'])}.",
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
    rows = {
        "Command": run["command"],
        "Version": f"outbid {run['version']}",
        "Seed": str(run["seed"]),
        "Made on": run["created"],
        "Python": run["python"],
        "Machine": run["platform"],
        "Packages": packages,
        "Time taken": timing,
    }
    return [(name, value) for name, value in rows.items() if value]


def reporter(study: Study, source: str, note: str = "") -> str:
    """Return the class of reporter of a figure from the words of its source.

    `source`: a record's source: free words or the id of a listed source, whose author then counts; `note`:
    the record's note, which decides where one source relays figures of several bodies.
    """
    listed = study.figure_sources.get(source)
    words = (listed.author or f"{listed.title} {listed.outlet}") if listed else source
    name = re.sub(r"^the ", "", study.settings.incumbent.strip(), flags=re.IGNORECASE).lower()
    found: set[str] = set()
    for text in (re.split(r"\bvia\b", words)[0], note):
        found = {UN} if _UN_WORDS.search(text) else set()
        found |= {PARTY} if name and name in text.lower() else set()
        if len(found) == 1:
            return found.pop()
        if not found:
            break
    return OTHERS
