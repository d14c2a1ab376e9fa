"""What is unknown: how far the data moved each parameter."""

from __future__ import annotations

from typing import Any

from outbid.conventions import PRIOR_LABELS
from outbid.plots.base import Figure
from outbid.plots.intervals import VIEWS, intervals
from outbid.question import Section
from outbid.report.core import Core
from outbid.study import Study
from outbid.words.effects import records
from outbid.words.numbers import capital, counted, interval, listed, plain_name, two_digits

# How many parameters are in sight; the table has them all.
SHOWN = 12
_SETTLED = 0.75
_SAYS_LITTLE = 0.1
_WORDS = ((0.1, "next to nothing"), (0.4, "a little"), (0.75, "a good deal"))


def section(core: Core, study: Study) -> Section | None:
    """Return the section, or None for a study without parameters."""
    if core["parameters"].empty:
        return None
    drawn = figure(core)
    words = {
        "heading": heading(core),
        "drawn": drawn,
        "shown": min(SHOWN, core["parameters"]["parameter"].nunique()),
        "views": {prior: PRIOR_LABELS.get(prior, prior) for prior in core.priors},
        "parameters": rows(core, study),
    }
    return Section("unknowns", "Unknowns", "report/templates/unknowns.html.j2", words, figures=(drawn,))


def by_contraction(core: Core) -> list[str]:
    """Return the parameters' names, the best known first."""
    table = core["parameters"]
    led = table[table["prior"] == core.lead].sort_values("contraction", ascending=False, kind="stable")
    return list(led["parameter"])


def heading(core: Core) -> str:
    """Return how many parameters the data hardly moved, and how many they settled."""
    table = core["parameters"]
    known = table.loc[table["prior"] == core.lead, "contraction"]
    silent, settled = int((known < _SAYS_LITTLE).sum()), int((known >= _SETTLED).sum())
    total = counted(len(known), "parameter")
    if not silent:
        return f"The data moved all {total}, and settled {settled or 'none'}"
    return f"The data say next to nothing about {silent} of {total}, and settle {settled or 'none'}"


def figure(core: Core) -> Figure:
    """Draw how much the data taught about the parameters that they taught most about."""
    order, table = by_contraction(core), core["parameters"]
    shown = table[table["parameter"].isin(order[:SHOWN])]
    # a spread that grew taught nothing
    data = shown[["parameter", "prior", "contraction"]].assign(median=shown["contraction"].clip(lower=0.0))
    names = [plain_name(name) for name in order]
    return intervals(
        "contraction",
        data,
        row="parameter",
        labels={name: capital(plain_name(name)) for name in order[:SHOWN]},
        marks=VIEWS,
        percent=True,
        domain=(0.0, 1.0),
        step=24,
        caption=f"The {len(order[:SHOWN])} parameters about which the data taught most, as a share of what there was to "
        "learn. Filled: without taking sides. Hollow: taking the texts at their word.",
        source="Posterior against prior variance, on the scale on which the prior is normal.",
        alternative=f"Best known: {listed(names[:3])}. Least known: {listed(names[-3:])}. All are in the table below.",
    )


def rows(core: Core, study: Study) -> list[dict[str, Any]]:
    """Return the parameters in words, the best known first, with a cell for each view."""
    about = {each.name: each for each in study.model.parameters}
    found = {(each["parameter"], each["prior"]): each for each in records(core["parameters"])}
    return [
        {
            "name": capital(plain_name(name)),
            "meaning": about[name].meaning,
            "unit": about[name].unit,
            "cells": [_cell(found.get((name, prior))) for prior in core.priors],
            "evidence": about[name].evidence,
        }
        for name in by_contraction(core)
    ]


def _cell(row: dict[str, Any] | None) -> dict[str, str]:
    if row is None:
        return {"prior": "", "value": "", "learnt": ""}
    return {
        "prior": row["distribution"],
        "value": f"{two_digits(row['median'])} ({interval(row['q05'], row['q95'])})",
        "learnt": learnt(row["contraction"]),
    }


def learnt(contraction: float) -> str:
    """Return in words how far the data moved a parameter, with the number."""
    word = next((text for limit, text in _WORDS if contraction < limit), "nearly all")
    return f"{word} ({two_digits(max(contraction, 0.0))})"
