"""Tables of what the sources claim and of the model's links, as plain text ready for the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from outbid.report.chances import DONT_TELL, data_tell, identified, standing_of
from outbid.report.claims.rows import NOT_TESTED as UNTESTED
from outbid.report.claims.rows import judged
from outbid.report.content import ClaimRow, Edge, ReportContent
from outbid.words.numbers import plain_name, shorten, signed, two_digits

KINDS = {"O": "observation", "C": "cause", "S": "strategy", "F": "forecast", "G": "goal", "R": "rhetoric"}
NOT_TESTED = "not yet tested"


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
    direction = "raises" if after > 0.5 else "lowers"
    standing = standing_of(edge)
    if standing == "built in":
        return f"built in: {direction} by construction"
    if standing == "assumed":
        return f"as assumed: {direction}"
    if standing == "settled":
        return f"settled: {direction}"
    if data_tell(after, before):
        return f"not identified, leaning: {direction}"
    return f"not identified: {DONT_TELL}"


def arrows(content: ReportContent) -> tuple[ArrowRow, ...]:
    """Return the arrows in the order of the diagram's edges; odds are on "raises"."""
    labels = {node.id: node.label for node in content.nodes}
    rows = []
    for index, edge in enumerate(content.edges):
        after, before = edge.probability_positive, edge.prior_probability_positive
        rows.append(
            ArrowRow(
                index,
                labels.get(edge.source, edge.source),
                labels.get(edge.target, edge.target),
                "+" if edge.effect >= 0 else "−",
                edge.effect >= 0,
                identified(edge),
                signed(edge.effect),
                edge.sentence,
                edge.formula,
                plain_name(edge.mechanism),
                odds(before["neutral"]) if "neutral" in before else "not known",
                odds(after["neutral"]) if "neutral" in after else "not known",
                odds(after["sources"]) if "sources" in after else "not known",
                _arrow_verdict(edge),
                edge.evidence,
            )
        )
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
    verdicts = {each.id: each.verdict for each in judged(content.claims_audit)}
    none = UNTESTED if verdicts else NOT_TESTED
    lines = []
    for claim in content.claims:
        source = titles.get(claim.source)
        named = ", ".join(part for part in (source.author, source.outlet) if part) if source else ""
        name = named or (shorten(source.title, 60) if source else claim.source)
        kinds = _kinds(claim)
        verdict = verdicts.get(claim.id)
        lines.append(
            ClaimLine(
                claim.id,
                claim.statement,
                name or claim.source,
                claim.source,
                claim.locator,
                kinds,
                " and ".join(KINDS.get(kind, kind) for kind in kinds),
                claim.homes,
                claim.left_out,
                verdict or none,
                verdict is not None,
            )
        )
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
