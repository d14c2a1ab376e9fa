"""Who reported a figure: the United Nations, the incumbent itself, or somebody else."""

from __future__ import annotations

import re

from outbid.report.content import ReportContent

UN = "United Nations"
PARTY = "the incumbent itself"
OTHERS = "other governments, analysts"
REPORTERS = (UN, PARTY, OTHERS)
_UN_WORDS = re.compile(r"\b(UN|UNAMA|UNODC|OCHA|United Nations|Security Council|Monitoring Team)\b")


def reporter(content: ReportContent, source: str) -> str:
    """Return the class of reporter of a figure from the words of its source.

    Parameters
    ----------
    content
        The report; names the incumbent and lists sources, should `source` be the id of one.
    source
        A record's source: free words or the id of a listed source.
    """
    listed = next((row for row in content.sources if row.id == source), None)
    words = f"{listed.title} {listed.outlet} {listed.author}" if listed else source
    body = re.split(r"\bvia\b", words)[0]
    if _UN_WORDS.search(body):
        return UN
    name = re.sub(r"^the ", "", content.incumbent.strip(), flags=re.IGNORECASE)
    return PARTY if name and name.lower() in body.lower() else OTHERS
