"""The ledger held against the model: what is at home where, and what cites what, must agree both ways."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from outbid.errors import did_you_mean
from outbid.evidence.ledger import Ledger


def resolve(
    ledger: Ledger,
    homes: Mapping[str, Collection[str]],
    evidence: Mapping[str, Collection[str]],
) -> tuple[str, ...]:
    """Hold the ledger against the model both ways, and tell every disagreement in a sentence.

    Parameters
    ----------
    ledger
        The claims to be placed.
    homes
        The names that exist, by type: "mechanism" -> names, "series" -> names, and so on. Every mechanism
        listed must cite a claim, so a nuisance, which no source speaks of, is not listed.
    evidence
        The claims that each thing with evidence cites: "mechanism:defection" -> ("N03", "M14").

    Returns
    -------
    tuple of str
        One sentence (or two) a problem, with an offer of what may have been meant; empty if all agree.
    """
    return (
        *_homes_that_do_not_exist(ledger, homes),
        *_evidence_that_does_not_exist(ledger, homes, evidence),
        *_mechanisms_without_evidence(ledger, homes, evidence),
        *_claims_not_cited_back(ledger, evidence),
        *_citations_not_at_home(ledger, evidence),
    )


def _homes_that_do_not_exist(ledger: Ledger, homes: Mapping[str, Collection[str]]) -> Iterator[str]:
    for claim in ledger.claims.values():
        for home in claim.homes:
            kind, _, name = home.partition(":")
            if name not in homes.get(kind, ()):
                yield (
                    f"Claim {claim.id} is at home in {home!r}, but there is no {kind} {name!r}. "
                    f"{did_you_mean(name, homes.get(kind, ()))}"
                )


def _evidence_that_does_not_exist(
    ledger: Ledger, homes: Mapping[str, Collection[str]], evidence: Mapping[str, Collection[str]]
) -> Iterator[str]:
    for thing, cited in evidence.items():
        kind, _, name = thing.partition(":")
        # Names of a type that the caller did not list (often parameters) can't be checked, their claims can.
        if kind in homes and name not in homes[kind]:
            yield f"Evidence is given for {thing!r}, which does not exist. {did_you_mean(name, homes[kind])}"
        for claim in cited:
            if claim not in ledger.claims:
                yield (
                    f"{thing!r} cites claim {claim!r}, which the ledger does not hold. "
                    f"{did_you_mean(claim, ledger.claims)}"
                )


def _mechanisms_without_evidence(
    ledger: Ledger, homes: Mapping[str, Collection[str]], evidence: Mapping[str, Collection[str]]
) -> Iterator[str]:
    for name in homes.get("mechanism", ()):
        thing = f"mechanism:{name}"
        if not evidence.get(thing):
            waiting = [claim.id for claim in ledger.claims.values() if thing in claim.homes]
            offer = (
                f"Cite the claims that are at home in it: {', '.join(waiting)}."
                if waiting
                else f"No claim is at home in it either. {did_you_mean(name, _mechanisms_at_home(ledger))}"
            )
            yield f"{thing!r} cites no claim. {offer}"


def _claims_not_cited_back(ledger: Ledger, evidence: Mapping[str, Collection[str]]) -> Iterator[str]:
    for claim in ledger.claims.values():
        for home in claim.homes:
            # Mechanisms that cite nothing have their own sentence, with all their claims in it.
            if evidence.get(home) and claim.id not in evidence[home]:
                strays = [cited for cited in evidence[home] if not _is_home(ledger, cited, home)]
                yield (
                    f"Claim {claim.id} is at home in {home!r}, which does not cite it. "
                    f"Cite {claim.id} there, or take the home out of the claim.{_offer(claim.id, strays)}"
                )


def _citations_not_at_home(ledger: Ledger, evidence: Mapping[str, Collection[str]]) -> Iterator[str]:
    for thing, cited in evidence.items():
        # A parameter is part of a mechanism: what it cites need not name it as a home of its own.
        if thing.startswith("parameter:"):
            continue
        forgotten = [
            claim.id for claim in ledger.claims.values() if thing in claim.homes and claim.id not in cited
        ]
        for identifier in cited:
            if identifier in ledger.claims and not _is_home(ledger, identifier, thing):
                left_out = ledger.claims[identifier].left_out
                says = "is left out of the model" if left_out else "is not at home there"
                yield (
                    f"{thing!r} cites claim {identifier}, which {says}. "
                    f"Add {thing!r} to the homes of {identifier}, or cite another claim."
                    f"{_offer(identifier, forgotten)}"
                )


def _is_home(ledger: Ledger, identifier: str, thing: str) -> bool:
    return identifier in ledger.claims and thing in ledger.claims[identifier].homes


def _mechanisms_at_home(ledger: Ledger) -> set[str]:
    references = {home for claim in ledger.claims.values() for home in claim.homes}
    return {home.partition(":")[2] for home in references if home.startswith("mechanism:")}


def _offer(name: str, choices: Collection[str]) -> str:
    return f" {did_you_mean(name, choices)}" if choices else ""
