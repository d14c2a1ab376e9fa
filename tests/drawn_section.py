"""A section alone on a page: its template filled with its words, tables and figures."""

from __future__ import annotations

from outbid.question import Section
from outbid.report.page import environment


def html_of(section: Section) -> str:
    """Return a section's HTML."""
    prepared = environment()
    page = prepared.from_string(
        '{% import "report/templates/parts.html.j2" as parts with context %}'
        f'{{% include "{section.template}" %}}'
    )
    given = {"tables": section.tables, "figures": section.figures, "section": section, "claim_ids": set()}
    return page.render(**section.words, **given)
