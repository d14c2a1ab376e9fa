"""What the sources say: every claim in our own words, where it was read, and where it lives in the model.

A ledger is two TOML files in the folder of a study: `claim_sources.toml` holds `[[source]]` tables,
`claims.toml` holds `[[claim]]` tables. Held against the model, what is at home where and what cites what must
agree both ways.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from outbid.declared import Declared, Many, Says, Text, fault, read_required, ref
from outbid.errors import InputError, did_you_mean

CLAIM_KINDS: Mapping[str, str] = {
    "O": "observation",
    "C": "causal",
    "S": "strategic",
    "F": "forecast",
    "G": "goal",
    "R": "rhetoric",
}
"""Letters of a claim's kind, and what each stands for."""

REFERENCE_TYPES = (
    *("actor", "event", "index", "lever", "mechanism", "outcome", "parameter", "series", "stock"),
)
"""Types that a reference such as "mechanism:defection" may begin with."""

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _date(text: str) -> str:
    try:
        if text and not _DATE.fullmatch(text):
            raise ValueError
        date.fromisoformat(text + "-01-01"[len(text) - 4 :] if text else "2000-01-01")
    except ValueError:
        fix = 'Write YYYY, YYYY-MM or YYYY-MM-DD, or "" if it is not known.'
        raise fault(f"{text!r} is not a date", fix) from None
    return text


def _kind(text: str) -> str:
    letters = text.split("/")
    if not set(letters) <= CLAIM_KINDS.keys() or len(set(letters)) < len(letters):
        meanings = ", ".join(f"{letter} ({meaning})" for letter, meaning in CLAIM_KINDS.items())
        fix = f'Join one or more of these letters with slashes, each once, such as "O/C": {meanings}.'
        raise fault(f"{text!r} is not a kind of claim", fix)
    return text


def _homes(homes: tuple[str, ...]) -> tuple[str, ...]:
    for number, home in enumerate(homes):
        kind, colon, name = home.partition(":")
        if not colon or not _NAME.fullmatch(name):
            fix = 'Write a type, a colon and a name in lower case, such as "mechanism:defection".'
            raise fault(f"{home!r} is not a reference", fix)
        if kind not in REFERENCE_TYPES:
            raise fault(f"{home!r} begins with an unknown type", did_you_mean(kind, REFERENCE_TYPES))
        if home in homes[:number]:
            raise fault(f"{home!r} is listed twice", "Delete one of the two.")
    return homes


class Source(Declared):
    """A document or data set; what is not known is an empty text.

    `date` is YYYY, YYYY-MM or YYYY-MM-DD; `note` says what is not known, and how places are counted.
    """

    entry = "source {id}"
    role: ClassVar[str] = ""

    id: Text
    title: Text
    outlet: str
    author: str
    date: Annotated[str, AfterValidator(_date)]
    url: str
    licence: str
    note: str = ""


class ClaimSource(Source):
    """A source of claims."""

    role = "claims"


class FigureSource(Source):
    """A source of figures."""

    role = "figures"


class Claim(Declared):
    """One statement of a source in our words, with its home in the model or the reason why it has none.

    `kind` joins letters of `CLAIM_KINDS` with slashes ("O/C"), `source` is the id of a `Source`, `locator` the
    place in it. Exactly one of `homes` (references such as "mechanism:defection") and `left_out` is filled.
    """

    entry = "claim {id}"

    id: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z][0-9]{2}$"),
        Says("{value} is not a claim identifier", "Write one capital letter and two digits, such as A07."),
    ]
    kind: Annotated[str, AfterValidator(_kind)]
    statement: Text
    source: Annotated[str, ref("source", "there is no source")]
    locator: Text
    homes: Annotated[
        Many[str],
        AfterValidator(_homes),
        Says("must be a list of texts", 'Write homes = ["mechanism:defection", ...].'),
    ] = ()
    left_out: str = ""

    @model_validator(mode="after")
    def _home_or_reason(self) -> Self:
        if self.homes and self.left_out.strip():
            problem = "the claim has homes and a reason for having none"
            raise fault(problem, "Keep the one that is true.", "left_out")
        if not self.homes and not self.left_out.strip():
            problem = "the claim has neither a home in the model nor a reason for having none"
            fix = "Name what carries it in homes, or say in left_out why the model leaves it out."
            raise fault(problem, fix, "homes")
        return self


def _once(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    names = [each.id for each in entries]
    for each in entries:
        if names.count(each.id) > 1:
            name = each.entry.format(id=each.id)
            raise fault(f"{name} is listed twice", "Give one of them another id, or delete it.", each.id)
    return entries


class ClaimSources(Declared):
    """claim_sources.toml: the documents that the claims were read in."""

    source: Annotated[Many[ClaimSource], AfterValidator(_once)] = ()


class FigureSources(Declared):
    """figure_sources.toml: where the figures come from."""

    source: Annotated[Many[FigureSource], AfterValidator(_once)] = ()


class Claims(Declared):
    """claims.toml: what the sources say."""

    claim: Annotated[Many[Claim], AfterValidator(_once)] = Field((), description="One table a claim.")


@dataclass(frozen=True)
class Ledger:
    """The sources and claims of a study, keyed by identifier, in the order of their files."""

    sources: Mapping[str, Source]
    claims: Mapping[str, Claim]


def read_ledger(folder: Path) -> Ledger:
    """Read the sources and claims of the study in `folder`.

    Raises InputError if either file is missing, malformed, or breaks a rule of the ledger.
    """
    sources = read_sources(folder / "claim_sources.toml", role="claims")
    return Ledger(sources=sources, claims=read_claims(folder / "claims.toml", sources))


def read_sources(path: Path, role: str) -> dict[str, Source]:
    """Read the `[[source]]` tables of a TOML file, keyed by identifier; `role` is "claims" or "figures".

    Raises InputError if the file is missing or malformed, or breaks a rule of `Source`.
    """
    schemas: dict[str, type[ClaimSources | FigureSources]] = {
        "claims": ClaimSources,
        "figures": FigureSources,
    }
    if role not in schemas:
        raise InputError(f"{path.name}, role", f"{role!r} is not a role", did_you_mean(role, schemas))
    return {each.id: each for each in read_required(path, schemas[role], {}).source}


def read_claims(path: Path, sources: Mapping[str, Source]) -> dict[str, Claim]:
    """Read the `[[claim]]` tables of a TOML file, keyed by identifier; `sources` are those that they may cite.

    Raises InputError if the file is missing or malformed, or breaks a rule of `Claim`.
    """
    return {each.id: each for each in read_required(path, Claims, {"source": tuple(sources)}).claim}


# the ledger held against the model
def resolve(
    ledger: Ledger, homes: Mapping[str, Collection[str]], evidence: Mapping[str, Collection[str]]
) -> tuple[str, ...]:
    """Hold the ledger against the model both ways, and tell every disagreement in a sentence.

    `homes`: the names that exist, by type ("mechanism", "series", ...); every mechanism listed must cite a claim, so
    a nuisance, which no source speaks of, is not listed. `evidence`: the claims that each thing cites, such as
    "mechanism:defection" -> ("A03", "B14"). Returns one sentence (or two) a problem; empty if all agree.
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
