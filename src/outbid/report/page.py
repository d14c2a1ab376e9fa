"""All of a report: what is known of a study and the answers to its questions, as tables, summary and page.

Sections become one page that stands alone, opens offline and asks the network for nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import vl_convert
import xarray as xr
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

import outbid.questions
from outbid import compiled
from outbid.errors import InputError
from outbid.infer.store import DAMAGED, QUESTIONS, REPORT, RESULTS, read_groups
from outbid.plots.base import FIXED, Figure, rounded
from outbid.question import Section
from outbid.questions import by_name
from outbid.report import answer, drivers, history, methods
from outbid.report.core import SHARED, Core
from outbid.study import Study
from outbid.words.effects import records
from outbid.words.numbers import capital

_HERE = Path(__file__).parent
# Keys of summary.json that are empty lists where a study lacks what they would hold.
_ALWAYS = ("claims", "scenarios", "equilibrium", "payoffs", "forecast", "scores", "replication")


@dataclass(frozen=True)
class Report:
    """Everything that a run leaves, but for the draws.

    `core`: what is known of the study beside its questions; `answers`: the Datasets of the questions that it
    asks.
    """

    study: Study
    core: Core
    answers: Mapping[str, xr.Dataset]

    @property
    def problems(self) -> tuple[str, ...]:
        """What the fits did not pass, worst first, and what is no number in the answers."""
        return (*(f"The fit did not pass: {line}." for line in self.core.problems), *self._lost)

    @cached_property
    def of_questions(self) -> dict[str, dict[str, pd.DataFrame]]:
        """The tables of every question that was answered."""
        return {name: by_name()[name].tables(data, self.study) for name, data in self.answers.items()}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables that become CSV files, by name."""
        core = {name: self.core[name] for name in SHARED}
        return core | {name: table for each in self.of_questions.values() for name, table in each.items()}

    @cached_property
    def _lost(self) -> tuple[str, ...]:
        every = (by_name()[name].problems(data, self.study) for name, data in self.answers.items())
        return tuple(line for lines in every for line in lines)

    @property
    def _effects(self) -> pd.DataFrame | None:
        return self.of_questions.get("scenarios", {}).get("scenarios")

    @property
    def _brief(self) -> str:
        """What became of the questions that have a sentence for the answer's line on trust."""
        said = [(by_name()[name].brief, data) for name, data in self.answers.items()]
        return " ".join(brief(data, self.study) for brief, data in said if brief is not None)

    def sections(self) -> list[Section]:
        """Return the sections of the page: those of the study, with its questions between them."""
        core, study = self.core, self.study
        questions = [
            each.section(self.answers[name], study)
            for name, each in by_name().items()
            if name in self.answers
        ]
        every = [
            answer.section(core, study, self._effects, self._brief, self._lost),
            history.section(core, study),
            drivers.section(core, study),
            *questions,
            methods.unknowns(core, study),
            methods.section(core, study),
        ]
        return [section for section in every if section is not None]

    def page(self) -> str:
        """Return the page."""
        study = self.study
        return page(
            self.sections(),
            title=f"{study.settings.title}: {study.settings.question}",
            citation=methods.citation(self.core, study),
            version=self.core.provenance["version"],
            claim_ids=study.ledger.claims,
        )

    def lines(self) -> tuple[str, ...]:
        """Return the answer for a terminal."""
        return answer.lines(self.core, self.study, self._effects, self._brief)

    def summary(self, timing: Mapping[str, float]) -> dict[str, Any]:
        """Return what summary.json holds: see the README for its keys. What a study lacks is an empty list."""
        run, fits, sources = self.core.provenance, self.core["fits"], self.core["sources"]
        asked: dict[str, Any] = {}
        for name, data in self.answers.items():
            summary = by_name()[name].summary
            first = next(iter(self.of_questions[name].values()))
            asked |= summary(data, self.study) if summary else {name: records(first)}
        return {
            "study": self.study.name,
            **{key: run[key] for key in ("version", "seed", "quick")},
            "data": {
                **{key: run[key] for key in ("first_month", "last_month", "n_months")},
                "sources": sources.loc[sources["role"] == "figures", "id"].tolist(),
            },
            "diagnostics": {
                "chains": int(fits["chains"].iloc[0]),
                "draws": int(fits["draws"].iloc[0]),
                "rhat_max": float(fits["rhat_max"].max()),
                "ess_bulk_min": float(fits["ess_bulk_min"].min()),
                "divergences": int(fits["divergences"].sum()),
            },
            **{key: [] for key in _ALWAYS},
            **asked,
            "answer": list(self.lines()),
            "problems": list(self.problems),
            "timing": {name: round(seconds, 2) for name, seconds in timing.items()},
            "fingerprint": run["fingerprint"],
        }


def read_report(study: Study, folder: Path) -> Report:
    """Return the report that an earlier run's results.nc holds.

    Raises InputError if there is none, or it is damaged or another study's, or of months or parameters that the study no
    longer has.
    """
    path = folder / RESULTS
    if not path.is_file():
        raise InputError(str(folder), "holds no run to report on", f"Run `outbid run {study.name}` first.")
    again = f"Make it again with `outbid run {study.name}`."
    try:
        core = Core.from_datasets(read_groups(path, REPORT))
        answers = read_groups(path, QUESTIONS)
    except DAMAGED as error:
        raise InputError(str(path), "is not the results of a whole run", again) from error
    if (held := core.provenance["study"]) != study.name:
        fix = "Name the folder of its own run with --out."
        raise InputError(str(folder), f"holds a run of {held!r}, not of {study.name!r}", fix)
    window, names = study.panel.window, core["parameters"]["parameter"]
    months = [core.provenance[name] for name in ("first_month", "last_month")]
    if months != [window.first_month, window.last_month] or {*names} != {*study.model.parameter_names}:
        raise InputError(str(folder), "holds a run of this study before it was changed", again)
    return Report(study, core, {name: answers[name] for name in by_name() if name in answers})


def whole_report(study: Study, folder: Path, fingerprint: str) -> Report | None:
    """Return the report of a run of the very same things, or None if there is none, or its results.nc isn't whole."""
    try:
        report = read_report(study, folder)
        same = report.core.provenance["fingerprint"] == fingerprint
        return (
            report
            if same and {*report.core["fits"]["prior"]} <= read_groups(folder / RESULTS).keys()
            else None
        )
    except (InputError, *DAMAGED):
        return None


def page(
    sections: Sequence[Section], *, title: str, citation: str, version: str, claim_ids: Collection[str] = ()
) -> str:
    """Return the report as one HTML page; the contents name the sections in the order given, the answer first.

    Text from a study is escaped wherever it stands, and the page's security policy lets no script run but its
    own two, so that nothing a source wrote can act. A section's own text is made by its template. `title`,
    `citation`, `version`: in the tab, at the foot, and of the program. `claim_ids`: the claims that a section of
    the page tells of, so that others can link to them.
    """
    present = {section.id for section in sections}
    shared = {"present": present, "claim_ids": set(claim_ids) if "claims" in present else set()}
    code, script = bundle(), own("page.js")
    words = {
        "policy": security_policy((code, script)),
        "bundle": Markup(code),
        "script": Markup(script),
        "style": Markup(own("style.css")),
        "sections": sections,
        "bodies": [body(section, shared) for section in sections],
        "title": title,
        "citation": citation,
        "version": version,
    }
    return environment().get_template("report/templates/page.html.j2").render(words)


def body(section: Section, shared: Mapping[str, Any]) -> Markup:
    """Return one section's HTML; `shared` holds `present` (ids of sections) and `claim_ids`."""
    given = {"section": section, "tables": section.tables, "figures": section.figures}
    return Markup(environment().get_template(section.template).render(given, **shared, **section.words))


def security_policy(scripts: tuple[str, ...]) -> str:
    """Return a Content-Security-Policy that runs exactly the given scripts and fetches nothing.

    Vega evaluates its expressions with an interpreter, so that even `unsafe-eval` is not needed.
    """
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def as_json(value: Any) -> Markup:
    """Return a value as JSON for a script element: nothing in it can end the element, what is not finite is null."""
    finite = json.loads(json.dumps(value), parse_constant=lambda _: None)
    return htmlsafe_json_dumps(finite, separators=(",", ":"))


def embedded(figure: Figure) -> Markup:
    """Return a figure's drawing, layout and data for the page's script."""
    data = {name: _columns(frame) for name, frame in figure.data.items()}
    return as_json(
        {"spec": figure.spec, "layout": asdict(figure.layout), "data": data, "options": figure.options}
    )


def still(figure: Figure) -> Markup:
    """Return a figure as an SVG of fixed colours, for readers without JavaScript."""
    spec = figure.fixed(560 if figure.layout.kind == "facet" else 1000) | {"background": FIXED["paper"]}
    svg: str = vl_convert.vegalite_to_svg(json.dumps(spec))
    # its own names within the page
    return Markup(re.sub(r'(id="|url\(#)', rf"\g<1>{figure.id}-", svg))


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


@cache
def bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script; no network, but it takes seconds where none is kept."""

    def made() -> bytes:
        text: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        return text.replace("\r\n", "\n").encode()

    name = f"vega-{metadata.version('vl-convert-python')}.js"
    return compiled.kept(compiled.folder("page"), name, made).decode()


def own(name: str) -> str:
    """Return a text file of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")


def _of_a_room(name: str) -> str | None:
    """Return the template of a question whose room lies outside the package's own folder."""
    folder, _, file = name.partition("/")
    places = [Path(each, file) for each in outbid.questions.__path__] if folder == "questions" else []
    return next((place.read_text(encoding="utf-8") for place in places if place.is_file()), None)


@cache
def environment() -> Environment:
    """Return what fills the templates, which are named by their path below the package."""
    prepared = Environment(
        loader=ChoiceLoader([FileSystemLoader(_HERE.parent), FunctionLoader(_of_a_room)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (as_json, embedded, still, safe_link)
    prepared.filters |= {each.__name__: each for each in filters} | {"capitalize_first": capital}
    return prepared
