"""What the sources say: every claim in our own words, where it was read, and where it lives in the model."""

from outbid.evidence.checks import CLAIM_KINDS, REFERENCE_TYPES
from outbid.evidence.ledger import (
    Claim,
    Ledger,
    Source,
    read_claims,
    read_ledger,
    read_sources,
)
from outbid.evidence.resolve import resolve

__all__ = [
    "CLAIM_KINDS",
    "REFERENCE_TYPES",
    "Claim",
    "Ledger",
    "Source",
    "read_claims",
    "read_ledger",
    "read_sources",
    "resolve",
]
