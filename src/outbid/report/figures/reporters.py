"""Who reported a figure: the United Nations, the incumbent itself, or somebody else."""

from __future__ import annotations

import re

from outbid.study import Study

UN = "United Nations"
PARTY = "the incumbent itself"
OTHERS = "other governments, analysts"
_UN_WORDS = re.compile(r"\b(UN|UNAMA|UNODC|OCHA|United Nations|Security Council|Monitoring Team)\b")


def reporter(study: Study, source: str, note: str = "") -> str:
    """Return the class of reporter of a figure from the words of its source.

    Parameters
    ----------
    source
        A record's source: free words or the id of a listed source, whose author then counts.
    note
        The record's note, which decides where one source relays figures of several bodies.
    """
    listed = study.figure_sources.get(source)
    words = (listed.author or f"{listed.title} {listed.outlet}") if listed else source
    name = re.sub(r"^the ", "", study.settings.incumbent.strip(), flags=re.IGNORECASE).lower()
    found: set[str] = set()
    for text in (re.split(r"\bvia\b", words)[0], note):
        found = {UN} if _UN_WORDS.search(text) else set()
        found |= {PARTY} if name and name in text.lower() else set()
        if len(found) == 1:
            return found.pop()
        if not found:
            break
    return OTHERS
