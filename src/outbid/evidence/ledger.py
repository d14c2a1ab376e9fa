"""The ledger of evidence: which document says what, and which part of the model carries it.

A ledger is two TOML files in the folder of a study: `claim_sources.toml` holds `[[source]]` tables,
`claims.toml` holds `[[claim]]` tables. They are arrays of tables, not tables named by identifier, because
TOML would reject a repeated table as a syntax fault, and a repeated claim deserves a better sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from outbid.errors import InputError, did_you_mean
from outbid.evidence.checks import (
    check_claim_id,
    check_date,
    check_filled,
    check_home_or_reason,
    check_keys,
    check_kind,
    fault,
    homes_of,
    tables,
    text_of,
)

SOURCE_ROLES = ("claims", "figures")

_SOURCE_KEYS = ("id", "title", "outlet", "author", "date", "url", "licence")
_CLAIM_KEYS = ("id", "kind", "statement", "source", "locator")


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
    for where, table in tables(path, "source"):
        check_keys(table, where, required=_SOURCE_KEYS, optional=("note",))
        texts = {key: text_of(table, key, where) for key in (*_SOURCE_KEYS, "note")}
        for key in ("id", "title"):
            check_filled(texts[key], key, where)
        check_date(texts["date"], where)
        if texts["id"] in sources:
            raise fault(
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
    for where, table in tables(path, "claim"):
        check_keys(table, where, required=_CLAIM_KEYS, optional=("homes", "left_out"))
        texts = {key: text_of(table, key, where) for key in (*_CLAIM_KEYS, "left_out")}
        for key in ("statement", "locator"):
            check_filled(texts[key], key, where)
        check_claim_id(texts["id"], claims, where)
        check_kind(texts["kind"], where)
        if texts["source"] not in sources:
            raise fault(
                where,
                "source",
                f"there is no source {texts['source']!r}",
                did_you_mean(texts["source"], sources),
            )
        homes = homes_of(table, where)
        check_home_or_reason(homes, texts["left_out"], where)
        claims[texts["id"]] = Claim(**texts, homes=homes)
    return claims
