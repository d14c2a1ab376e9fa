"""Element 7 of the ODD page: every mechanism and every observation, with formula, parameters and claims."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from generate.formulas import of_function, of_mechanism
from generate.markdown import blocks, code, table
from generate.odd_parts import evidence_in_words
from outbid.model.checks import trace
from outbid.model.vocabulary import LogNormal, Mechanism, NegativeBinomial, Observation, Outcome, Parameter
from outbid.report.core import law_in_words
from outbid.study import Study

HEADS = ["Parameter", "Meaning", "Unit", "Neutral prior", "Sources' prior", "Claims"]


def submodels(study: Study) -> str:
    """Return element 7: submodels."""
    model = study.model
    return blocks(
        "## 7. Submodels",
        "Formulas are as they are computed: `**` is a power, hazards are per month, `previous` is last "
        "month's value, "
        "`innovation` a standard normal, and `log1p(x)` is log(1 + x); `share(a, b)` is a / b, and 0 where b "
        "is 0. "
        "A parameter marked *claimed* carries an effect that the claims assert; the claimed sign is "
        "written into the formula, so that its being positive is the claim.",
        "### Mechanisms",
        *(_mechanism(study, item) for item in model.mechanisms),
        "### Outcomes",
        "Names of mechanisms stand for the people that they move in the month.",
        *(_watcher(study, item, item.name, f"{item.meaning} In {item.unit}.") for item in model.outcomes),
        "### Observations",
        "What each series of figures sees of the model. A figure for several months sees their sum or their mean.",
        *(_watcher(study, item, item.series, _seen(item)) for item in model.observations),
        "### All parameters",
        table(HEADS, parameter_rows(model.parameters)),
    )


def parameter_rows(parameters: Iterable[Parameter]) -> list[tuple[str, ...]]:
    """Return a row for each parameter: meaning, unit, both priors, claims."""
    rows: list[tuple[str, ...]] = []
    for item in parameters:
        neutral, sources = (item.priors[name].describe() for name in ("neutral", "sources"))
        claims = ", ".join(item.evidence) + (" *claimed*" if item.claimed else "")
        rows.append(
            (
                f"`{item.name}`",
                item.meaning,
                item.unit,
                neutral,
                "the same" if sources == neutral else sources,
                claims,
            )
        )
    return rows


def _mechanism(study: Study, item: Mechanism) -> str:
    model = study.model
    read = set(model.reads[item.name].p)
    read |= {model.noise[name] for name in model.noise if _drifts(item, name)}
    return blocks(
        f"({study.name}-mechanism-{item.name})=",
        f"#### {item.name}",
        item.meaning,
        code("\n".join(of_mechanism(item, {each.name: each for each in model.indices}))),
        _parameters(study, read),
        f"No claim asks for it: {item.nuisance}." if item.nuisance else "Rests on:",
        evidence_in_words(study, item.evidence),
    )


def _drifts(item: Mechanism, index: str) -> bool:
    return any(
        getattr(each, "index", "") == index for each in trace(item.where, item.function, "sup").results
    )


def _watcher(study: Study, item: Outcome | Observation, name: str, about: str) -> str:
    read = set(trace(item.where, item.function, "supm").reads.p)
    if isinstance(item, Observation):
        law = item.distribution
        if isinstance(law, NegativeBinomial):
            read.add(law.concentration)
        elif isinstance(law, LogNormal) and isinstance(law.sigma, str):
            read.add(law.sigma)
    return blocks(
        f"#### {name}", about, code("\n".join(of_function(name, item.function))), _parameters(study, read)
    )


def _seen(item: Observation) -> str:
    how = "summed" if item.aggregate == "sum" else "averaged"
    return f"{item.meaning} Law: {law_in_words(item)}; months are {how}."


def _parameters(study: Study, names: Collection[str]) -> str:
    return table(HEADS, parameter_rows(each for each in study.model.parameters if each.name in names))
