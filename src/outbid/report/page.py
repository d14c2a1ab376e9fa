"""Turn a report's content into one page that stands alone, opens offline and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from outbid.plots.base import Figure, rounded
from outbid.report import evidence_tables, headings, made, record_tables, result_tables, words
from outbid.report.claims import tables as claims_tables
from outbid.report.comparison import tables as comparison_tables
from outbid.report.content import ReportContent
from outbid.report.figures import diagram, fit, history, tradeoff, unknowns, whatif
from outbid.report.play import tables as play_tables
from outbid.report.replay import tables as replay_tables
from outbid.report.sensitivity import tables as sensitivity_tables
from outbid.report.trap import tables as trap_tables
from outbid.report.worth import tables as worth_tables
from outbid.words.numbers import capital

_HERE = Path(__file__).parent
_SECTIONS = (
    ("answer", "Answer"),
    ("happened", "What happened"),
    ("drivers", "What drives what"),
    ("claims", "Claims"),
    ("whatif", "What if"),
    ("otherwise", "Replays"),
    ("matters", "What matters"),
    ("choose", "Their choices"),
    ("unknowns", "Unknowns"),
    ("made", "How it was made"),
)


def render(content: ReportContent) -> str:
    """Return the report as one HTML page.

    Text from a study is escaped wherever it stands, and the page's security policy lets no script run but
    its own two, so that nothing a source wrote can act.

    Parameters
    ----------
    content
        Everything that the report shows.
    """
    code, script, style = bundle(), own("page.js"), own("style.css")
    links = evidence_tables.arrows(content)
    context: dict[str, Any] = {
        "content": content,
        "policy": security_policy((code, script)),
        "bundle": Markup(code),
        "script": Markup(script),
        "style": Markup(style),
        "answer": words.answer(content),
        "trust": words.trust(content),
        "headings": _headings(content),
        "tradeoff": tradeoff.figure(content),
        "history": history.figure(content),
        "fit": fit.figure(content),
        "paths": whatif.figure(content),
        "contraction": unknowns.figure(content),
        "diagram": diagram.draw(content),
        "diagram_data": _diagram_data(links),
        "arrows": links,
        "claims": claims_tables.section(content),
        "claim_ids": {claim.id for claim in content.claims},
        "blocks": result_tables.scenario_blocks(content),
        "comparison": comparison_tables.section(content.comparison),
        "replay": replay_tables.section(content.replay),
        "sensitivity": sensitivity_tables.section(content.sensitivity),
        "choose": play_tables.section(content),
        "trap": trap_tables.section(content.trap),
        "worth": worth_tables.section(content.worth),
        "parameters": result_tables.parameters(content),
        "series": record_tables.series_blocks(content),
        "years": record_tables.years_of_bands(content),
        "fits": tuple(made.fit_words(row) for row in content.fits),
        "facts": made.facts(content),
        "citation": made.citation(content),
    }
    context["sections"] = [
        {"id": ident, "name": name} for ident, name in _SECTIONS if _present(ident, context)
    ]
    return environment().get_template("page.html.j2").render(context)


def security_policy(scripts: tuple[str, ...]) -> str:
    """Return a Content-Security-Policy that runs exactly the given scripts and fetches nothing.

    Vega evaluates its expressions with an interpreter, so that even `unsafe-eval` is not needed.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def as_json(value: Any) -> Markup:
    """Return a value as JSON for a script element, with no character in it that could end the element."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def embedded(figure: Figure) -> Markup:
    """Return a figure's drawing, layout and data for the page's script."""
    layout = figure.layout
    return as_json(
        {
            "spec": figure.spec,
            "layout": {
                "kind": layout.kind,
                "margin": layout.margin,
                "gap": layout.gap,
                "least": layout.least,
                "most": layout.most,
            },
            "data": {name: _columns(frame) for name, frame in figure.frames().items()},
            "options": figure.options,
        }
    )


def safe_link(url: str) -> bool:
    """Say whether an address may become a link: http and https only, never a script."""
    try:
        return urlsplit(url.strip()).scheme.lower() in ("http", "https")
    except ValueError:
        return False


def _columns(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table by column, numbers with four digits; what repeats is listed once and referred to by number."""
    out: list[dict[str, Any]] = []
    for name, column in rounded(frame).items():
        values = [None if pd.isna(value) else value for value in column.astype(object).tolist()]
        distinct = list(dict.fromkeys(values))
        if len(values) > 9 and len(distinct) * 2 < len(values):
            number = {value: n for n, value in enumerate(distinct)}
            out.append({"name": name, "levels": distinct, "codes": [number[value] for value in values]})
        else:
            out.append({"name": name, "values": values})
    return out


def _diagram_data(links: tuple[evidence_tables.ArrowRow, ...]) -> list[dict[str, Any]]:
    return [
        {
            "index": row.index,
            "source": row.source,
            "target": row.target,
            "effect": row.effect,
            "sentence": row.sentence,
            "formula": row.formula,
            "mechanism": row.mechanism,
            "odds_assumed": row.before,
            "odds_data_alone": row.data,
            "odds_if_sources_right": row.sources,
            "verdict": row.verdict,
            "evidence": list(row.evidence),
        }
        for row in links
    ]


def _headings(content: ReportContent) -> Mapping[str, str]:
    return {
        "happened": headings.what_happened(content),
        "fit": headings.how_well_it_fits(content),
        "drivers": headings.what_drives_what(content),
        "whatif": headings.what_if(content),
        "unknowns": headings.what_is_unknown(content),
        "made": headings.how_it_was_made(content),
    }


def _present(section: str, context: Mapping[str, Any]) -> bool:
    needs = {
        "happened": ("history", "fit"),
        "drivers": ("arrows",),
        "claims": ("claims",),
        "whatif": ("paths", "blocks"),
        "otherwise": ("replay",),
        "matters": ("sensitivity",),
        "choose": ("choose", "trap"),
        "unknowns": ("parameters",),
    }
    return section not in needs or any(context[name] for name in needs[section])


def _finite(value: Any) -> Any:
    """Return a value with null where a number is not finite, since JSON has no word for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script; no network, but it takes over a second."""
    text: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return text.replace("\r\n", "\n")


def own(name: str) -> str:
    """Return a text file of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """Return what fills the templates, with this room's filters."""
    prepared = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    prepared.filters["as_json"] = as_json
    prepared.filters["embedded"] = embedded
    prepared.filters["safe_link"] = safe_link
    prepared.filters["home_words"] = evidence_tables.home_words
    prepared.filters["capitalize_first"] = capital
    return prepared
