"""Who reported a figure: the United Nations, the incumbent itself, or somebody else."""

from __future__ import annotations

import re

from outbid.report.content import ReportContent

UN = "United Nations"
PARTY = "the incumbent itself"
OTHERS = "other governments, analysts"
REPORTERS = (UN, PARTY, OTHERS)
_UN_WORDS = re.compile(r"\b(UN|UNAMA|UNODC|OCHA|United Nations|Security Council|Monitoring Team)\b")


def reporter(content: ReportContent, source: str, note: str = "") -> str:
    """Return the class of reporter of a figure from the words of its source.

    Parameters
    ----------
    content
        The report; names the incumbent and lists sources, should `source` be the id of one.
    source
        A record's source: free words or the id of a listed source, whose author then counts.
    note
        The record's note, which decides where one source relays figures of several bodies.
    """
    listed = next((row for row in content.sources if row.id == source), None)
    words = (listed.author or f"{listed.title} {listed.outlet}") if listed else source
    name = re.sub(r"^the ", "", content.incumbent.strip(), flags=re.IGNORECASE).lower()
    found: set[str] = set()
    for text in (re.split(r"\bvia\b", words)[0], note):
        found = {UN} if _UN_WORDS.search(text) else set()
        found |= {PARTY} if name and name in text.lower() else set()
        if len(found) == 1:
            return found.pop()
        if not found:
            break
    return OTHERS
