"""What all figures share: their parts, the meaning of the colours, tidy data.

Colours are CSS variables, so that one drawing serves light, dark and print; incumbent, challenger and
outside keep theirs throughout. A figure's data lie beside its drawing as DataFrames, which the page turns
into both the drawing's data sets and the CSV downloads; columns whose names begin with an underscore serve the
drawing only.
"""

from __future__ import annotations

import calendar
import copy
import json
import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd

DAYS_A_MONTH = 30.4375

INK = "var(--ink)"
QUIET = "var(--quiet)"
FAINT = "var(--line)"
PAPER = "var(--paper)"
INCUMBENT = "var(--incumbent)"
CHALLENGER = "var(--challenger)"
OUTSIDE = "var(--outside)"
FOCUS = "var(--focus)"
# What the colours are on white paper, where no style sheet is at hand: those of style.css.
FIXED: Mapping[str, str] = {
    "ink": "#1e2227",
    "quiet": "#596069",
    "line": "#d9d5cb",
    "paper": "#fdfcfa",
    "incumbent": "#1f5fa8",
    "challenger": "#c2500c",
    "outside": "#0d7a5b",
    "people": "#736c5f",
    "focus": "#a02f63",
    "raises": "#5a49a0",
    "lowers": "#8f6500",
}
SIDES: Mapping[str, str] = {"incumbent": INCUMBENT, "challenger": CHALLENGER, "outside": OUTSIDE}

# a wrapped facet can't leave its header out, so it is written empty
NO_HEADER = alt.Header(title=None, labelExpr="''", labelFontSize=1, labelPadding=0)
# numbers on axes: "0.6", "4,000", "150k", "2M"
NUMBER_LABELS = (
    "abs(datum.value) >= 1e6 ? format(datum.value / 1e6, '~r') + 'M' : "
    "abs(datum.value) >= 1e4 ? format(datum.value / 1e3, '~r') + 'k' : format(datum.value, ',.3~r')"
)


@dataclass(frozen=True)
class Layout:
    """How the page fits a drawing to the width it finds.

    `kind` is "single" (the width of the view), "stack" (every panel takes it) or "facet" (as many
    columns of at least `least` pixels as fit, `most` at the most). `margin` is what the axis left of a
    panel takes, `gap` the distance between the panels of neighbouring columns.
    """

    kind: str
    margin: int = 0
    gap: int = 0
    least: int = 0
    most: int = 1


@dataclass(frozen=True)
class Control:
    """A choice that a reader has beside a figure, which sets the drawing's signal of that name.

    `name`: the signal, as the drawing's tests speak of it ("view"). `legend`: what is chosen, in words
    ("View"). `choices`: values (ids) with their labels; the first is chosen at the start.
    """

    name: str
    legend: str
    choices: Mapping[str, str]

    @property
    def value(self) -> str:
        """What is chosen at the start."""
        return next(iter(self.choices), "")

    @property
    def param(self) -> alt.Parameter:
        """The drawing's signal."""
        return alt.param(name=self.name, value=self.value)


@dataclass(frozen=True)
class Figure:
    """A drawing (Vega-Lite, without data), its data by name, and the words around it.

    `download` names the tables that a reader may take away; `alternative` says in words what a person who
    can't see the figure should know. `controls` are drawn above it.
    """

    id: str
    caption: str
    source: str
    alternative: str
    layout: Layout
    spec: Mapping[str, Any]
    data: Mapping[str, pd.DataFrame]
    download: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    controls: Sequence[Control] = ()

    def fixed(self, width: int) -> dict[str, Any]:
        """Return the drawing with its data inside and fixed colours, `width` pixels wide."""
        spec = copy.deepcopy(dict(self.spec))
        if self.layout.kind == "single":
            spec["width"] = width
        elif self.layout.kind == "stack":
            for panel in spec["vconcat"]:
                panel["width"] = width - self.layout.margin
        else:
            columns = max(1, min(self.layout.most, width // max(self.layout.least, 1)))
            spec["columns"] = columns
            spec["spec"]["width"] = (width - self.layout.margin) // columns - self.layout.gap
        _without_halos(spec)
        spec["datasets"] = {
            name: json.loads(frame.to_json(orient="records")) for name, frame in self.data.items()
        }
        coloured = re.sub(r"var\(--(\w+)\)", lambda found: FIXED[found[1]], json.dumps(spec))
        drawing: dict[str, Any] = json.loads(coloured)
        return drawing

    def altair(self, width: int = 720) -> Any:
        """Return the drawing as an Altair chart with its data inside and fixed colours, `width` pixels wide."""
        spec = self.fixed(width)
        # Altair finds the kind itself only by validating, which knows no CSS and no expressions of ours
        kinds: dict[str, Any] = {
            "layer": alt.LayerChart,
            "vconcat": alt.VConcatChart,
            "facet": alt.FacetChart,
        }
        kind = next((kinds[key] for key in kinds if key in spec), alt.Chart)
        return kind.from_dict(spec, validate=False)


def _without_halos(part: Any) -> None:
    """Take the strokes from texts: only a style sheet can draw them behind the letters."""
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        if isinstance(each, dict) and each.get("type") == "text":
            each.pop("stroke", None)
        _without_halos(each)


def rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with four significant digits in its columns of numbers: a drawing shows no more."""
    floats = frame[[name for name in frame if frame[name].dtype.kind == "f"]]
    floats = floats.replace([math.inf, -math.inf], math.nan)
    return frame.assign(
        **{str(name): each.map("{:.4g}".format).astype(float) for name, each in floats.items()}
    )


def first_day(month: str) -> str:
    """Return the first day of YYYY-MM as YYYY-MM-DD; a full date is returned as it is."""
    return f"{month}-01" if len(month) == 7 else month


def middle_of(month: str) -> str:
    """Return the fifteenth of a month, where a monthly value is drawn."""
    return f"{month[:7]}-15"


def last_day(month: str) -> str:
    """Return the last day of a month as YYYY-MM-DD."""
    return f"{month[:7]}-{calendar.monthrange(int(month[:4]), int(month[5:7]))[1]:02d}"


def as_date(text: str) -> date:
    """Return the date of YYYY-MM-DD, YYYY-MM or YYYY (the first day where the day is missing)."""
    parts = [int(part) for part in text.split("-")] + [1, 1]
    return date(parts[0], parts[1], parts[2])


def length_in_months(start: str, end: str) -> float:
    """Return the months from `start` to `end`, both days included."""
    return ((as_date(end) - as_date(start)).days + 1) / DAYS_A_MONTH


def middle_day(start: str, end: str) -> str:
    """Return the day halfway between two days, as YYYY-MM-DD."""
    first, last = as_date(start), as_date(end)
    return (first + timedelta(days=(last - first).days // 2)).isoformat()


def utc(field_name: str, title: str | None = None, domain: Sequence[str] = (), **axis: Any) -> alt.X:
    """Return a time axis that no time zone can shift.

    `field_name`: the column with dates (YYYY-MM-DD). `title`: the axis title; None for none. `domain`: first
    and last day shown; empty for the extent of the data. `axis`: further settings of the axis.
    """
    drawn = alt.Axis(**axis) if axis else alt.Undefined
    return alt.X(f"{field_name}:T", title=title, scale=utc_scale(domain), axis=drawn)


def utc_scale(domain: Sequence[str] = ()) -> alt.Scale:
    """Return a time scale from one day to another, or over the extent of the data where `domain` is empty."""
    days = map(as_date, domain)
    limits: Any = [{"year": d.year, "month": d.month, "date": d.day, "utc": True} for d in days]
    return alt.Scale(type="utc", domain=limits or alt.Undefined)


def chart(name: str) -> alt.Chart:
    """Return a chart on one of the figure's named tables."""
    return alt.Chart(alt.NamedData(name=name))


def panel_title(label: str) -> str:
    """Return a label as exactly two lines, so that the titles of small panels stand level."""
    lines = textwrap.wrap(label, 31, max_lines=2, placeholder=" …") or [""]
    return "\n".join(lines if len(lines) == 2 else [" ", *lines])


def titled(panel: str, title: str, note: str) -> list[alt.Chart]:
    """Return the layers that write a panel's title (two lines) and a quiet note under it.

    `panel`: the column that tells panels apart; `title`, `note`: the columns with the title and the note, the
    same in all rows of a panel.
    """
    first = alt.Chart().transform_window(row="row_number()", groupby=[panel])
    base = first.transform_filter("datum.row === 1").encode(x=alt.value(0))
    style: dict[str, Any] = {"align": "left", "baseline": "middle", "lineBreak": "\n", "lineHeight": 15}
    above = base.mark_text(color=INK, fontWeight=600, fontSize=12.5, **style)
    below = base.mark_text(color=QUIET, fontSize=12.5, **style)
    return [
        above.encode(y=alt.value(-45), text=f"{title}:N"),
        below.encode(y=alt.value(-13), text=f"{note}:N"),
    ]


def faceted(
    layers: Any,
    panel: str,
    order: Iterable[str],
    header: alt.Header,
    *,
    height: float,
    columns: int,
    gaps: tuple[int, int],
    shared: bool = True,
) -> Any:
    """Return a panel for each value of the column `panel`, in that order.

    `gaps`: pixels between rows and between columns of panels; `shared`: whether they share the scale across.
    """
    facet = layers.properties(height=height).facet(
        facet=alt.Facet(f"{panel}:N", sort=list(order), header=header),
        columns=columns,
        spacing={"row": gaps[0], "column": gaps[1]},
        bounds="flush",
    )
    across = "shared" if shared else "independent"
    return facet.resolve_scale(y="independent", x=across).resolve_axis(x="independent")


def of_one_table(
    ident: str,
    drawing: Any,
    data: pd.DataFrame,
    layout: Layout,
    *,
    caption: str,
    source: str,
    alternative: str,
    controls: Sequence[Control] = (),
    options: Mapping[str, Any] | None = None,
) -> Figure:
    """Return the figure of a drawing of one table, which bears the figure's name; controls set its signals."""
    drawing = drawing.add_params(*(each.param for each in controls)) if controls else drawing
    spec, words = finished(drawing), (caption, source, alternative)
    return Figure(ident, *words, layout, spec, {ident: data}, (ident,), options or {}, tuple(controls))


def finished(drawing: Any) -> dict[str, Any]:
    """Return a drawing as a plain specification, without the settings that the page sets once for all."""
    spec: dict[str, Any] = drawing.to_dict(validate=False)
    for key in ("$schema", "config", "datasets"):
        spec.pop(key, None)
    return spec
