"""The report's tables as plain text, ready for the page: every number already in words a reader knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from outbid.report.chances import built_in, chance, data_tell, find_effect, identified, read_effect
from outbid.report.content import ClaimRow, Edge, Effect, Outcome, Record, ReportContent, Scenario, SeriesFit
from outbid.report.figures.unknowns import by_contraction, plain_name
from outbid.report.figures.whatif import ordered_outcomes
from outbid.report.numbers import (
    day_name,
    interval,
    month_name,
    more_or_less,
    percent,
    quantity,
    reported,
    signed,
    two_digits,
    unit_of,
)

KINDS = {
    "O": "observation", "C": "cause", "S": "strategy", "F": "forecast", "G": "goal", "R": "rhetoric",
}  # fmt: skip
NOT_TESTED = "not yet tested"
PRIOR_NAMES = {"neutral": "the data alone", "sources": "if the sources are right"}


@dataclass(frozen=True)
class ArrowRow:
    """An arrow of the diagram for the table and for the panel beside the diagram."""

    index: int
    source: str
    target: str
    sign: str
    raises: bool
    settled: bool
    effect: str
    sentence: str
    formula: str
    mechanism: str
    before: str
    data: str
    sources: str
    verdict: str
    evidence: tuple[str, ...]


def odds(probability: float) -> str:
    """Return a probability as odds on or against ("4.6 to 1 on", "even", "over 99 to 1 against")."""
    if 0.49 <= probability <= 0.51:
        return "even"
    side = "on" if probability > 0.5 else "against"
    p = max(probability, 1 - probability)
    if p >= 0.99:
        return f"over 99 to 1 {side}"
    return f"{two_digits(p / (1 - p))} to 1 {side}"


def _arrow_verdict(edge: Edge) -> str:
    after, before = (
        edge.probability_positive.get("neutral", 0.5),
        edge.prior_probability_positive.get("neutral"),
    )
    if built_in(edge):
        return "built in: true by construction"
    if identified(edge):
        return "identified: " + ("raises" if after > 0.5 else "lowers")
    if data_tell(after, before):
        return f"leaning: {'raises' if after > 0.5 else 'lowers'}, not identified"
    return "the data don't tell"


def arrows(content: ReportContent) -> tuple[ArrowRow, ...]:
    """Return the arrows in the order of the diagram's edges; odds are on "raises"."""
    labels = {node.id: node.label for node in content.nodes}
    rows = []
    for index, edge in enumerate(content.edges):
        after, before = edge.probability_positive, edge.prior_probability_positive
        rows.append(
            ArrowRow(
                index, labels.get(edge.source, edge.source), labels.get(edge.target, edge.target),
                "+" if edge.effect >= 0 else "−", edge.effect >= 0, identified(edge), signed(edge.effect),
                edge.sentence, edge.formula, plain_name(edge.mechanism),
                odds(before["neutral"]) if "neutral" in before else "not known",
                odds(after["neutral"]) if "neutral" in after else "not known",
                odds(after["sources"]) if "sources" in after else "not known",
                _arrow_verdict(edge), edge.evidence,
            )
        )  # fmt: skip
    return tuple(rows)


@dataclass(frozen=True)
class ClaimLine:
    """A claim with its words for the table and its keys for the filters."""

    id: str
    statement: str
    source: str
    source_id: str
    locator: str
    kinds: tuple[str, ...]
    kind_names: str
    homes: tuple[str, ...]
    left_out: str
    verdict: str
    tested: bool


def _kinds(claim: ClaimRow) -> tuple[str, ...]:
    return tuple(part.strip() for part in claim.kind.replace(",", "/").split("/") if part.strip())


def claims(content: ReportContent) -> tuple[ClaimLine, ...]:
    """Return every claim in the order of the ledger."""
    titles = {source.id: source for source in content.sources}
    lines = []
    for claim in content.claims:
        source = titles.get(claim.source)
        name = ", ".join(part for part in (source.author, source.outlet) if part) if source else claim.source
        kinds = _kinds(claim)
        lines.append(
            ClaimLine(
                claim.id, claim.statement, name or claim.source, claim.source, claim.locator, kinds,
                " and ".join(KINDS.get(kind, kind) for kind in kinds), claim.homes, claim.left_out,
                claim.verdict or NOT_TESTED, claim.verdict is not None,
            )
        )  # fmt: skip
    return tuple(lines)


def home_words(home: str) -> str:
    """Return a typed reference in words ("mechanism:defection" is "defection (mechanism)")."""
    kind, _, name = home.partition(":")
    return f"{plain_name(name)} ({kind})" if name else plain_name(home)


def filters(lines: Iterable[ClaimLine]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the choices of the claims table's filters as (value, words), sorted by their words."""
    lines = tuple(lines)
    kinds = {kind: KINDS.get(kind, kind) for line in lines for kind in line.kinds}
    sources = {line.source_id: line.source for line in lines}
    homes = {home: home_words(home) for line in lines for home in line.homes}
    out = {"kind": kinds, "source": sources, "home": homes}
    return {name: tuple(sorted(found.items(), key=lambda pair: pair[1])) for name, found in out.items()}


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
    factor, unit = unit_of(outcome.unit, difference=True)
    reading = read_effect(effect, outcome)
    told = reading != "unknown"
    better = (
        chance(effect.probability_better) if told else f"can't tell ({percent(effect.probability_better)})"
    )
    good = (reading == "more") == (outcome.better == "higher")
    surely = ("good" if good else "bad") if told else "open"
    span = interval(effect.q05 * factor, effect.q95 * factor, difference=True)
    regret = f"{two_digits(effect.regret * factor)}"
    return EffectCell(more_or_less(effect.median, outcome.unit), span, better, regret, surely)


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
            span = interval(base.level_q05, base.level_q95, outcome.unit)
            level = f"{quantity(base.level_median, outcome.unit)} (90% interval {span})"
        if rows:
            unit = unit_of(outcome.unit, difference=True)[1]
            blocks.append(
                OutcomeBlock(
                    outcome.label, unit, outcome.better, outcome.meaning, outcome.summary, level, tuple(rows)
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
            ParameterLine(plain_name(row.name), row.meaning, row.unit, (priors[0], priors[1]),
                          (values[0], values[1]), (moved[0], moved[1]), row.evidence)
        )  # fmt: skip
    return tuple(lines)


@dataclass(frozen=True)
class RecordLine:
    """A published figure, when it is about, and what the model expected."""

    when: str
    value: str
    expected: str
    used: bool
    why_not: str
    source: str
    note: str


@dataclass(frozen=True)
class SeriesBlock:
    """A series with its records and how it fits, in words."""

    id: str
    label: str
    unit: str
    distribution: str
    used: int
    left_out: int
    inside: str
    totals: str
    records: tuple[RecordLine, ...]


def _when(record: Record) -> str:
    if record.start == record.end:
        return day_name(record.start)
    if record.start[:7] == record.end[:7]:
        return month_name(record.start)
    if record.start[5:] == "01-01" and record.end[5:] == "12-31" and record.start[:4] == record.end[:4]:
        return record.start[:4]
    return f"{day_name(record.start)} to {day_name(record.end)}"


def _value(record: Record) -> str:
    if record.value is not None:
        return reported(record.value)
    if record.low is None:
        return f"at most {reported(record.high)}" if record.high is not None else "not known"
    if record.high is None:
        return f"at least {reported(record.low)}"
    return f"{reported(record.low)} to {reported(record.high)}"


def _totals(series: SeriesFit) -> str:
    if series.tail is None:
        return ""
    if series.tail > 0.95:
        return f"the model expects more in all ({percent(series.tail)})"
    if series.tail < 0.05:
        return f"the model expects less in all ({percent(series.tail)})"
    return f"totals agree ({percent(series.tail)})"


def series_blocks(content: ReportContent) -> tuple[SeriesBlock, ...]:
    """Return the data, series by series, with every record, used or not."""
    names = {source.id: source.title for source in content.sources}
    blocks = []
    for series in content.series:
        lines = []
        for record in series.records:
            expected = ""
            if record.predicted_median is not None:
                expected = two_digits(record.predicted_median)
                if record.predicted_q05 is not None and record.predicted_q95 is not None:
                    expected += f" ({interval(record.predicted_q05, record.predicted_q95)})"
            source = names.get(record.source, record.source)
            lines.append(
                RecordLine(
                    _when(record), _value(record), expected, record.used, record.why_not, source, record.note
                )
            )
        used = sum(record.used for record in series.records)
        inside = "" if series.share_inside is None else percent(series.share_inside)
        blocks.append(
            SeriesBlock(series.id, series.label, series.unit, series.distribution, used, len(lines) - used,
                        inside, _totals(series), tuple(lines))
        )  # fmt: skip
    return tuple(blocks)


def years_of_bands(content: ReportContent) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return the inferred bands by calendar year: (label with unit, ((year, mean and interval), ...))."""
    out = []
    for band in content.bands:
        if band.prior != "neutral":
            continue
        by_year: dict[str, list[tuple[float, float, float]]] = {}
        for month, *values in zip(band.months, band.median, band.q05, band.q95, strict=True):
            by_year.setdefault(month[:4], []).append((values[0], values[1], values[2]))
        cells = []
        for year, rows in by_year.items():
            middle, low, high = (sum(row[i] for row in rows) / len(rows) for i in range(3))
            cells.append((year, f"{two_digits(middle)} ({interval(low, high)})"))
        out.append((f"{band.label}, {band.unit}" if band.unit else band.label, tuple(cells)))
    return tuple(out)
