"""The ledger of evidence: which document says what, and which part of the model carries it.

A ledger is two TOML files in the folder of a study: `claim_sources.toml` holds `[[source]]` tables,
`claims.toml` holds `[[claim]]` tables. They are arrays of tables, not tables named by identifier, because
TOML would reject a repeated table as a syntax fault, and a repeated claim deserves a better sentence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

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
    "actor",
    "event",
    "index",
    "lever",
    "mechanism",
    "outcome",
    "parameter",
    "series",
    "stock",
)
"""Types that a reference such as "mechanism:defection" may begin with."""

SOURCE_ROLES = ("claims", "figures")

_SOURCE_KEYS = ("id", "title", "outlet", "author", "date", "url", "licence")
_CLAIM_KEYS = ("id", "kind", "statement", "source", "locator")
_CLAIM_ID = re.compile(r"[A-Z][0-9]{2}")
_REFERENCE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_TOML_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")


@dataclass(frozen=True)
class Source:
    """A document or data set. `role` is "claims" or "figures"; what is not known is an empty string.

    `date` is YYYY, YYYY-MM or YYYY-MM-DD; `note` says what is not known, and how places are counted.
    """

    id: str
    title: str
    outlet: str
    author: str
    date: str
    url: str
    licence: str
    role: str
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """One statement of a source in our words, with its home in the model or the reason why it has none.

    `kind` joins letters of `CLAIM_KINDS` with slashes ("O/C"), `source` is the identifier of a `Source`,
    `locator` the place in it. Exactly one of `homes` (references such as "mechanism:defection") and
    `left_out` is filled.
    """

    id: str
    kind: str
    statement: str
    source: str
    locator: str
    homes: tuple[str, ...]
    left_out: str


@dataclass(frozen=True)
class Ledger:
    """The sources and claims of a study, keyed by identifier, in the order of their files."""

    sources: Mapping[str, Source]
    claims: Mapping[str, Claim]


def read_ledger(folder: Path) -> Ledger:
    """Read the sources and claims of the study in `folder`.

    Raises
    ------
    InputError
        If either file is missing, malformed, or breaks a rule of the ledger.
    """
    sources = read_sources(folder / "claim_sources.toml", role="claims")
    return Ledger(sources=sources, claims=read_claims(folder / "claims.toml", sources))


def read_sources(path: Path, role: str) -> dict[str, Source]:
    """Read the `[[source]]` tables of a TOML file, keyed by identifier.

    Parameters
    ----------
    path
        A TOML file; each table has the keys id, title, outlet, author, date, url, licence and perhaps note.
    role
        What these sources are for: "claims" or "figures".

    Raises
    ------
    InputError
        If the file can't be read, a key is missing or unknown or of the wrong type, a date is impossible,
        or an identifier is used twice.
    """
    if role not in SOURCE_ROLES:
        raise InputError(f"{path}, role", f"{role!r} is not a role", did_you_mean(role, SOURCE_ROLES))
    sources: dict[str, Source] = {}
    for where, table in _tables(path, "source"):
        _check_keys(table, where, required=_SOURCE_KEYS, optional=("note",))
        texts = {key: _text(table, key, where) for key in (*_SOURCE_KEYS, "note")}
        for key in ("id", "title"):
            _check_filled(texts[key], key, where)
        _check_date(texts["date"], where)
        if texts["id"] in sources:
            raise _fault(
                where,
                "id",
                f"source {texts['id']!r} is listed twice",
                "Give one of them another id, or delete it.",
            )
        sources[texts["id"]] = Source(**texts, role=role)
    return sources


def read_claims(path: Path, sources: Mapping[str, Source]) -> dict[str, Claim]:
    """Read the `[[claim]]` tables of a TOML file, keyed by identifier.

    Parameters
    ----------
    path
        A TOML file; each table has the keys id, kind, statement, source, locator and one of homes, left_out.
    sources
        The sources that claims may cite, by identifier.

    Raises
    ------
    InputError
        If the file can't be read, a key is missing, unknown or of the wrong type, an identifier is
        malformed or used twice, a kind, source or reference is unknown, or a claim has both a home and a
        reason for none, or neither.
    """
    claims: dict[str, Claim] = {}
    for where, table in _tables(path, "claim"):
        _check_keys(table, where, required=_CLAIM_KEYS, optional=("homes", "left_out"))
        texts = {key: _text(table, key, where) for key in (*_CLAIM_KEYS, "left_out")}
        for key in ("statement", "locator"):
            _check_filled(texts[key], key, where)
        _check_claim_id(texts["id"], claims, where)
        _check_kind(texts["kind"], where)
        if texts["source"] not in sources:
            raise _fault(
                where,
                "source",
                f"there is no source {texts['source']!r}",
                did_you_mean(texts["source"], sources),
            )
        homes = _homes(table, where)
        _check_home_or_reason(homes, texts["left_out"], where)
        claims[texts["id"]] = Claim(**texts, homes=homes)
    return claims


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


def _tables(path: Path, entry: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every `[[entry]]` table of a TOML file behind the words that say where it stands."""
    document = _document(path)
    for key in document:
        if key != entry:
            raise InputError(f"{path}, {_one_line(key)}", "unknown table", did_you_mean(key, [entry]))
    tables = document.get(entry, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(
            f"{path}, {entry}", "is not an array of tables", f"Open every entry with a line [[{entry}]]."
        )
    for number, table in enumerate(tables, start=1):
        name = table.get("id")
        named = isinstance(name, str) and name.strip()
        yield f"{path}, {entry} {_one_line(name) if named else f'number {number}'}", table


def _document(path: Path) -> dict[str, Any]:
    try:
        # Editors on Windows put a byte order mark in front, which TOML itself does not allow.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            str(path), f"can't be read ({error.strerror})", "Check the name of the file and its folder."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is not UTF-8 text", "Save it again with the encoding UTF-8.") from error
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also what Python says of a number with thousands of digits
        found = _TOML_LINE.search(str(error))
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        problem = _TOML_LINE.sub("", str(error)).removesuffix(" (at end of document)")
        raise InputError(
            f"{path}, line {line}",
            f"is not valid TOML: {problem}",
            "Look for a missing quotation mark, bracket or equals sign there or just above.",
        ) from error


def _one_line(name: str) -> str:
    # TOML allows a line break in a quoted key or an identifier; an error message is one line.
    return name if name.isprintable() else repr(name)


def _fault(where: str, field: str, problem: str, fix: str) -> InputError:
    return InputError(f"{where}, field {_one_line(field)}", problem, fix)


def _check_keys(
    table: Mapping[str, Any], where: str, required: Collection[str], optional: Collection[str]
) -> None:
    for key in table:
        if key not in required and key not in optional:
            raise _fault(where, key, "unknown key", did_you_mean(key, (*required, *optional)))
    for key in required:
        if key not in table:
            raise _fault(where, key, "the key is missing", f'Add a line {key} = "...".')


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if isinstance(value, str):
        return value
    raise _fault(
        where,
        key,
        f"must be text, but is {value!s} ({type(value).__name__})",
        "Put the value in quotation marks.",
    )


def _check_filled(text: str, key: str, where: str) -> None:
    if not text.strip():
        raise _fault(where, key, "is empty", f"Fill in the {key}.")


def _check_date(text: str, where: str) -> None:
    if not text:
        return
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        raise _fault(
            where,
            "date",
            f"{text!r} is not a date",
            'Write YYYY, YYYY-MM or YYYY-MM-DD, or "" if it is not known.',
        ) from None


def _check_claim_id(identifier: str, claims: Collection[str], where: str) -> None:
    if not _CLAIM_ID.fullmatch(identifier):
        raise _fault(
            where,
            "id",
            f"{identifier!r} is not a claim identifier",
            "Write one capital letter and two digits, such as N07.",
        )
    if identifier in claims:
        raise _fault(
            where,
            "id",
            f"claim {identifier} is listed twice",
            "Give one of them another id, or delete it.",
        )


def _check_kind(kind: str, where: str) -> None:
    letters = kind.split("/")
    if not set(letters) <= CLAIM_KINDS.keys() or len(set(letters)) < len(letters):
        meanings = ", ".join(f"{letter} ({meaning})" for letter, meaning in CLAIM_KINDS.items())
        raise _fault(
            where,
            "kind",
            f"{kind!r} is not a kind of claim",
            f'Join one or more of these letters with slashes, each once, such as "O/C": {meanings}.',
        )


def _homes(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    homes = table.get("homes", [])
    if not isinstance(homes, list) or not all(isinstance(home, str) for home in homes):
        raise _fault(where, "homes", "must be a list of texts", 'Write homes = ["mechanism:defection", ...].')
    for number, home in enumerate(homes):
        kind, colon, name = home.partition(":")
        if not colon or not _REFERENCE_NAME.fullmatch(name):
            raise _fault(
                where,
                "homes",
                f"{home!r} is not a reference",
                'Write a type, a colon and a name in lower case, such as "mechanism:defection".',
            )
        if kind not in REFERENCE_TYPES:
            raise _fault(
                where, "homes", f"{home!r} begins with an unknown type", did_you_mean(kind, REFERENCE_TYPES)
            )
        if home in homes[:number]:
            raise _fault(where, "homes", f"{home!r} is listed twice", "Delete one of the two.")
    return tuple(homes)


def _check_home_or_reason(homes: tuple[str, ...], left_out: str, where: str) -> None:
    if homes and left_out.strip():
        raise _fault(
            where,
            "left_out",
            "the claim has homes and a reason for having none",
            "Keep the one that is true.",
        )
    if not homes and not left_out.strip():
        raise _fault(
            where,
            "homes",
            "the claim has neither a home in the model nor a reason for having none",
            "Name what carries it in homes, or say in left_out why the model leaves it out.",
        )
