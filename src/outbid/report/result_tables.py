"""Tables of scenarios and of parameters, as plain text ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from outbid.report.chances import chance, find_effect, read_effect
from outbid.report.content import Effect, Outcome, ReportContent, Scenario
from outbid.report.figures.unknowns import by_contraction
from outbid.report.figures.whatif import ordered_outcomes
from outbid.words.numbers import interval, percent, plain_name, quantity, signed, two_digits, unit_of


@dataclass(frozen=True)
class EffectCell:
    """A scenario's result under one prior set."""

    difference: str
    span: str
    better: str
    regret: str
    surely: str


@dataclass(frozen=True)
class OutcomeBlock:
    """An outcome's rows of the scenario table: (label, description, is baseline, data alone, sources)."""

    label: str
    unit: str
    better: str
    meaning: str
    summary: str
    baseline: str
    rows: tuple[tuple[Scenario, EffectCell | None, EffectCell | None], ...]


def _cell(effect: Effect | None, outcome: Outcome) -> EffectCell | None:
    if effect is None:
        return None
    factor, _ = unit_of(outcome.unit, difference=True)
    reading = read_effect(effect, outcome)
    told = reading != "unknown"
    better = (
        chance(effect.probability_better) if told else f"can't tell ({percent(effect.probability_better)})"
    )
    good = (reading == "more") == (outcome.better == "higher")
    surely = ("good" if good else "bad") if told else "open"
    span = interval(effect.q05 * factor, effect.q95 * factor, difference=True)
    regret = f"{two_digits(effect.regret * factor)}"
    return EffectCell(signed(effect.median * factor), span, better, regret, surely)


def summary_in_words(summary: str, horizon: int) -> str:
    """Return how a path is put into one number, in words; words that are none of the known ones stay."""
    known = {
        "sum": f"sum over {horizon} months",
        "end": "in the last month",
        "mean": f"mean over {horizon} months",
        "mean_last_year": "mean of the last 12 months",
    }
    return known.get(summary, summary)


def scenario_blocks(content: ReportContent) -> tuple[OutcomeBlock, ...]:
    """Return the scenario table, one block an outcome, the answer's outcomes first."""
    baseline = next((scenario for scenario in content.scenarios if scenario.baseline), None)
    blocks = []
    for outcome in ordered_outcomes(content):
        rows = []
        for scenario in content.scenarios:
            data, sources = (find_effect(content, scenario.id, outcome.id, p) for p in ("neutral", "sources"))
            if data is not None or sources is not None:
                rows.append((scenario, _cell(data, outcome), _cell(sources, outcome)))
        base = find_effect(content, baseline.id, outcome.id, "neutral") if baseline else None
        level = ""
        if base is not None:
            factor, words = unit_of(outcome.unit)
            span = interval(base.level_q05 * factor, base.level_q95 * factor)
            span = f"{span}%" if words == "%" else span
            level = f"{quantity(base.level_median, outcome.unit)} (90% interval {span})"
        if rows:
            unit = unit_of(outcome.unit, difference=True)[1]
            blocks.append(
                OutcomeBlock(
                    outcome.label,
                    unit,
                    outcome.better,
                    outcome.meaning,
                    summary_in_words(outcome.summary, content.horizon_months),
                    level,
                    tuple(rows),
                )
            )
    return tuple(blocks)


@dataclass(frozen=True)
class ParameterLine:
    """A parameter before and after the data, in words; mappings became (data alone, sources) pairs."""

    name: str
    meaning: str
    unit: str
    priors: tuple[str, str]
    values: tuple[str, str]
    learnt: tuple[str, str]
    evidence: tuple[str, ...]


def learnt(contraction: float) -> str:
    """Return in words how far the data moved a parameter, with the number."""
    words = ((0.1, "next to nothing"), (0.4, "a little"), (0.75, "a good deal"))
    word = next((text for limit, text in words if contraction < limit), "nearly all")
    return f"{word} ({two_digits(max(contraction, 0.0))})"


def parameters(content: ReportContent) -> tuple[ParameterLine, ...]:
    """Return the parameters, the best known first."""
    lines = []
    for row in by_contraction(content):
        priors, values, moved = [], [], []
        for name in ("neutral", "sources"):
            priors.append(row.prior.get(name, ""))
            known = name in row.median and name in row.q05 and name in row.q95
            values.append(
                f"{two_digits(row.median[name])} ({interval(row.q05[name], row.q95[name])})" if known else ""
            )
            moved.append(learnt(row.contraction[name]) if name in row.contraction else "")
        lines.append(
            ParameterLine(
                plain_name(row.name),
                row.meaning,
                row.unit,
                (priors[0], priors[1]),
                (values[0], values[1]),
                (moved[0], moved[1]),
                row.evidence,
            )
        )
    return tuple(lines)
