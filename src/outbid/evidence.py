"""What the sources say: every claim in our own words, where it was read, and where it lives in the model.

A ledger is two TOML files in the folder of a study: `claim_sources.toml` holds `[[source]]` tables,
`claims.toml` holds `[[claim]]` tables. Held against the model, what is at home where and what cites what must
agree both ways.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from outbid.declared import Declared, Many, Says, Text, fault, read_required, ref
from outbid.errors import check_name, did_you_mean

CLAIM_KINDS: Mapping[str, str] = {
    "O": "observation",
    "C": "causal",
    "S": "strategic",
    "F": "forecast",
    "G": "goal",
    "R": "rhetoric",
}
"""Letters of a claim's kind, and what each stands for."""

REFERENCE_TYPES = ("actor", "event", "index", "lever", "mechanism", "outcome", "parameter", "series", "stock")
"""Types that a reference such as "mechanism:defection" may begin with."""

Names = Mapping[str, Collection[str]]
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
        check_name(kind, REFERENCE_TYPES, "", f"{home!r} begins with an unknown type")
        if home in homes[:number]:
            raise fault(f"{home!r} is listed twice", "Delete one of the two.")
    return homes


class Source(Declared):
    """A document or data set; what is not known is an empty text.

    `date` is YYYY, YYYY-MM or YYYY-MM-DD; `note` says what is not known, and how places are counted.
    """

    entry = "source {id}"

    id: Text
    title: Text
    outlet: str
    author: str
    date: Annotated[str, AfterValidator(_date)]
    url: str
    licence: str
    note: str = ""


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
    for number, each in enumerate(entries):
        if each.id in [other.id for other in entries[:number]]:
            name = each.entry.format(id=each.id)
            raise fault(f"{name} is listed twice", "Give one of them another id, or delete it.", each.id)
    return entries


class SourceFile(Declared):
    """Documents that claims were read in, or that figures come from."""

    source: Annotated[Many[Source], AfterValidator(_once)] = ()


class ClaimSources(SourceFile):
    """claim_sources.toml: the documents that the claims were read in."""


class FigureSources(SourceFile):
    """figure_sources.toml: where the figures come from."""


class Claims(Declared):
    """claims.toml: what the sources say."""

    claim: Annotated[Many[Claim], AfterValidator(_once)] = Field((), description="One table a claim.")


@dataclass(frozen=True)
class Ledger:
    """The sources and claims of a study, keyed by identifier, in the order of their files."""

    sources: Mapping[str, Source]
    claims: Mapping[str, Claim]


def read_ledger(folder: Path) -> Ledger:
    """Read a study's sources and claims; InputError if a file is missing, malformed, or breaks a rule of the ledger."""
    sources = read_sources(folder / "claim_sources.toml")
    return Ledger(sources=sources, claims=read_claims(folder / "claims.toml", sources))


def read_sources(path: Path) -> dict[str, Source]:
    """Read the `[[source]]` tables of a TOML file, keyed by identifier; InputError as `read_ledger`."""
    return {each.id: each for each in read_required(path, SourceFile, {}).source}


def read_claims(path: Path, sources: Mapping[str, Source]) -> dict[str, Claim]:
    """Read the `[[claim]]` tables of a TOML file, keyed by identifier; they may cite `sources`; InputError as above."""
    return {each.id: each for each in read_required(path, Claims, {"source": tuple(sources)}).claim}


# the ledger held against the model


def resolve(ledger: Ledger, homes: Names, evidence: Names) -> tuple[str, ...]:
    """Hold the ledger against the model both ways, and tell every disagreement in a sentence.

    `homes`: the names that exist, by type ("mechanism", "series", ...); every mechanism listed must cite a claim, so
    a nuisance, which no source speaks of, is not listed. `evidence`: the claims that each thing cites, such as
    "mechanism:defection" -> ("A03", "B14"). Returns one sentence (or two) a problem; empty if all agree.
    """
    at_home: dict[str, list[str]] = {}
    for claim in ledger.claims.values():
        for home in claim.homes:
            at_home.setdefault(home, []).append(claim.id)
    problems = []
    for home, inside in at_home.items():
        kind, _, name = home.partition(":")
        known, cited = homes.get(kind, ()), evidence.get(home, ())
        strays = [each for each in cited if each not in inside]
        for each in inside:
            lives = f"Claim {each} is at home in {home!r}"
            if name not in known:
                problems.append(f"{lives}, but there is no {kind} {name!r}. {did_you_mean(name, known)}")
            # Mechanisms that cite nothing have their own sentence, with all their claims in it.
            if cited and each not in cited:
                fix = f"Cite {each} there, or take the home out of the claim.{_offer(each, strays)}"
                problems.append(f"{lives}, which does not cite it. {fix}")
    for thing, cited in evidence.items():
        kind, _, name = thing.partition(":")
        inside = at_home.get(thing, [])
        forgotten = [each for each in inside if each not in cited]
        # Names of a type that the caller did not list (often parameters) can't be checked, their claims can.
        if kind in homes and name not in homes[kind]:
            fix = did_you_mean(name, homes[kind])
            problems.append(f"Evidence is given for {thing!r}, which does not exist. {fix}")
        for each in cited:
            if each not in ledger.claims:
                fix = did_you_mean(each, ledger.claims)
                problems.append(f"{thing!r} cites claim {each!r}, which the ledger does not hold. {fix}")
            # A parameter is part of a mechanism: what it cites need not name it as a home of its own.
            elif kind != "parameter" and each not in inside:
                says = "left out of the model" if ledger.claims[each].left_out else "not at home there"
                fix = f"Add {thing!r} to the homes of {each}, or cite another claim.{_offer(each, forgotten)}"
                problems.append(f"{thing!r} cites claim {each}, which is {says}. {fix}")
    others = {home.partition(":")[2] for home in at_home if home.startswith("mechanism:")}
    for name in homes.get("mechanism", ()):
        thing = f"mechanism:{name}"
        if not evidence.get(thing):
            offer = f"No claim is at home in it either. {did_you_mean(name, others)}"
            if thing in at_home:
                offer = f"Cite the claims that are at home in it: {', '.join(at_home[thing])}."
            problems.append(f"{thing!r} cites no claim. {offer}")
    return tuple(problems)


def _offer(name: str, choices: Collection[str]) -> str:
    return f" {did_you_mean(name, choices)}" if choices else ""
