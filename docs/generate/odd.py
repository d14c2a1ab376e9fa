"""The description of a study's model by the ODD protocol, written from the model itself.

The elements and their order are those of Grimm et al. (2020, Journal of Artificial Societies and Social
Simulation 23(2) 7); earlier versions: Grimm et al. (2006, Ecological Modelling 198; 2010, Ecological Modelling 221).
Names, units, formulas, priors and claims come from the same objects that are simulated and fitted.
"""

from __future__ import annotations

import importlib
import inspect

from generate.markdown import blocks, numbered, table
from generate.odd_design import design_concepts
from generate.odd_parts import data_rows, entities, initial_values, input_data, scheduling
from generate.odd_submodels import submodels
from outbid.study import Study

INTRODUCTION = """\
This page follows the ODD protocol (overview, design concepts, details) of Grimm et al.
([2006](https://doi.org/10.1016/j.ecolmodel.2006.04.023), [2010](https://doi.org/10.1016/j.ecolmodel.2010.08.019),
[2020](https://doi.org/10.18564/jasss.4259)). It is written from the model when the documentation is built: names,
units, formulas, priors and claims come from the same objects that are simulated and fitted, so that the page can't
say one thing and the program do another. The protocol was made for models of individuals; here the entities are
groups of people, counted."""


def odd_page(study: Study) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    study
        A study of the kind "population".
    """
    return blocks(
        f"({study.name}-odd)=",
        f"# The {study.name.capitalize()} model",
        INTRODUCTION,
        _size(study),
        purpose(study),
        entities(study),
        scheduling(study),
        design_concepts(study),
        initial_values(study),
        input_data(study),
        submodels(study),
    )


def purpose(study: Study) -> str:
    """Return element 1: what the model is for, and the patterns by which it is judged fit for it."""
    model, settings = study.model, study.settings
    over = {"sum": "sum", "mean_last_year": "mean of the last year", "end": "last month"}
    outcomes = table(
        ["Outcome", "What it is", "Unit", "Better", "Over the horizon"],
        [
            (
                f"`{item.name}`",
                f"{item.label}: {item.meaning}",
                item.unit,
                item.better,
                over[item.summary],
            )
            for item in model.outcomes
        ],
    )
    return blocks(
        "## 1. Purpose and patterns",
        f"**{settings.title}.** {_told(study)} The question: {settings.question}",
        f"The model is to compare what outsiders and the two sides ({settings.incumbent}, the incumbent; "
        f"{settings.challenger}, the challenger) could do over {settings.horizon_months} months, and to tell "
        "what the figures "
        "say about the claims of its sources from what the sources merely assert. It is not made to explain "
        "individuals, nor to "
        "advise on operations. Scenarios are judged by these outcomes:",
        outcomes,
        "The patterns that the model must reproduce are the series of figures that it is fitted to "
        "(unused figures are shown in the report, with the reason):",
        table(["Series", "What the model says it sees", "Law", "Figures used"], data_rows(study)),
    )


def _size(study: Study) -> str:
    model = study.model
    parts = [
        numbered(len(model.stocks), "stock"),
        numbered(len(model.indices), "index", "indices"),
        numbered(len(model.levers), "lever"),
        numbered(len(model.mechanisms), "mechanism"),
        numbered(len(model.parameters), "parameter"),
        numbered(len(study.ledger.claims), "claim"),
        numbered(len(study.settings.window), "month"),
    ]
    return f"In numbers: {', '.join(parts)} of data."


def _told(study: Study) -> str:
    """Return what the study says of itself at the top of its first file."""
    module = importlib.import_module(f"outbid.studies.{study.name}")
    return inspect.cleandoc(module.__doc__ or "").split("\n\n")[0]
