"""One page on a replication that stands alone, in the look of the other reports, with its three pictures."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from outbid.plots.base import (
    CHALLENGER,
    FAINT,
    INCUMBENT,
    INK,
    QUIET,
    Figure,
    Layout,
    chart,
    finished,
    middle_of,
    utc,
)
from outbid.replication import words
from outbid.replication.data import rows_of
from outbid.replication.tables import Replication
from outbid.replication.words import findings, labels, points
from outbid.report import page
from outbid.report.methods import facts as provenance_facts
from outbid.words.numbers import MINUS, capital, counted, plain_name

# What the template takes from `words`, by the names of its functions.
_SENTENCES: tuple[str, ...] = (
    "warning",
    "bottom",
    "findings",
    "costs",
    "doubt",
    "verdict",
    "certificate",
    "source_line",
)
_SENTENCES += ("other_maxima", "headings", "labels")
_TITLES = {
    "1": "Table 1. How {state} moves",
    "2": "Table 2. What the groups want",
    "4": "Table 4. Chance of an attack with the rival, less that without it, along the observed path",
    "5": "Table 5. Chance of an attack when attacks get dearer or cheaper, averaged over the grid",
    "curve": "The figures' curves: chance of an attack by {state}",
}


def render(found: Replication) -> str:
    """Return the report as one HTML page; text from a study is escaped, and no script but the page's own runs."""
    bundle, script, style = page.bundle(), page.own("page.js"), page.own("style.css")
    facts, tables = found.facts, found.tables
    made, gap = facts["provenance"], (facts["refit"] or {}).get("stored_gap")
    context: dict[str, Any] = {
        **facts,
        "policy": page.security_policy((bundle, script)),
        "bundle": Markup(bundle),
        "script": Markup(script),
        "style": Markup(style),
        **{name: getattr(words, name)(found) for name in _SENTENCES},
        "passed": not words.tally(found)[1] or words.explained(found),
        "weak": words.weak(tables["estimates"]),
        "rivals": rivals(found),
        "curves": curves(found),
        "path": path(found),
        "tables": published_tables(found),
        "stored_gap": None if gap is None else words.powers(f"{gap:.1e}"),
        "eras": _records(tables["without_rival"]),
        **{name: _records(tables.get(name)) for name in ("estimates", "maxima", "claims", "sources")},
        "groups": _records(tables.get("refit")),
        "claim_ids": set(tables["claims"]["id"]),
        "facts": provenance_facts(made),
        "citation": (
            f"outbid {made['version']}: {facts['title']}. Report made on {made['created']} with seed {made['seed']} from "
            f"{counted(made['n_months'], 'month')} ({facts['data']}). Cite the article and its archive as well."
        ),
        "write": write,
        "counted": counted,
    }
    prepared = page.environment()
    prepared.filters["home_words"] = _home_words
    return prepared.get_template("report/templates/replication.html.j2").render(context)


def _home_words(home: str) -> str:
    """Return a typed reference in words ("mechanism:defection" is "defection (mechanism)")."""
    kind, _, name = home.partition(":")
    return f"{plain_name(name)} ({kind})" if name else plain_name(home)


def write(value: float, form: str = ".4g") -> str:
    """Write a number in a format, with a proper minus; a dash where it is missing."""
    return "–" if math.isnan(value) else f"{value:{form}}".replace("-", MINUS)


def _records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    rows: list[Any] = [] if table is None else table.to_dict("records")
    return rows


def published_tables(found: Replication) -> list[dict[str, Any]]:
    """Return every published table beside ours, in words, in the order of the published figures."""
    tables, simulated = [], found.facts["simulated"]
    for name, cells in found.tables["replication"].groupby("table", sort=False):
        rows, columns = (list(dict.fromkeys(cells[each])) for each in ("row", "column"))
        written = {(row.row, row.column): cell_words(row, simulated) for row in rows_of(cells)}
        title = _TITLES.get(str(name), f"Table {name}").format(state=found.facts["state"][0])
        table: dict[str, Any] = {"id": name, "title": title, "notes": _notes(cells)}
        table["columns"] = list(map(capital, columns))
        table["rows"] = [(row, [written.get((row, column)) for column in columns]) for row in rows]
        tables.append(table | {"good": int(cells["ok"].sum()), "judged": int(cells["ok"].notna().sum())})
    return tables


def _notes(cells: pd.DataFrame) -> list[str]:
    """Return each note once, behind the rows or columns that it speaks of."""
    notes = []
    for note, about in cells[cells["note"] != ""].groupby("note", sort=False):
        rows, columns = (list(dict.fromkeys(about[name])) for name in ("row", "column"))
        notes.append(f"{'; '.join(columns if len(columns) <= len(rows) else rows)}: {note}")
    return notes


def cell_words(cell: Any, simulated: bool) -> dict[str, str]:
    """Return a cell of a published table in words; `mark` is the class of the page's style for its `verdict`."""
    words_of = {
        True: ("passed", "✓ inside" if simulated else "✓ same"),
        False: ("differs", "✗ outside" if simulated else "✗ differs"),
    }
    if pd.isna(cell.ours):
        return {"printed": cell.printed, "ours": "–", "difference": "", "mark": "quiet", "verdict": "not had"}
    mark, told = ("quiet", "not judged") if pd.isna(cell.ok) else words_of[bool(cell.ok)]
    if not pd.isna(cell.low):
        gap = f"{plain(cell.low, cell.rule)} to {plain(cell.high, cell.rule)}"
    elif simulated:
        # the article's figure is of another panel: neither a difference nor a verdict would mean anything
        gap, mark, told = "", "quiet", ""
    else:
        gap = difference(cell.difference)
    ours = plain(cell.ours, cell.rule)
    return {"printed": cell.printed, "ours": ours, "difference": gap, "mark": mark, "verdict": told}


def plain(value: float, rule: str) -> str:
    """Write our figure with some digits more than the published one has."""
    if not math.isfinite(value):
        return "not known"
    kind, precision = rule.split()
    decimals = int(float(precision))
    forms = {"decimals": f",.{decimals + 2 if decimals else 0}f", "within": ".6f"}
    return write(value, forms.get(kind, "#.5g"))


def difference(value: float) -> str:
    """Write ours less the published figure, with its sign and two digits."""
    if abs(value) < 1e-8 or not math.isfinite(value):
        return "0"
    return words.powers(f"{value:+.1e}" if abs(value) < 1e-3 else f"{value:+.2g}")


_AXIS = 46
_COLOURS = {"incumbent": INCUMBENT, "challenger": CHALLENGER}


def _colours(found: Replication) -> dict[str, str]:
    """Return each player's colour by its name for readers; it keeps it in every picture."""
    return {row.label: _COLOURS.get(row.side, INK) for row in rows_of(found.tables["players"])}


def _colour(found: Replication) -> alt.Color:
    colours = _colours(found)
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color("player:N", scale=scale, legend=None)


def rivals(found: Replication) -> Figure:
    """Draw what the rival's presence does to each player's attacks, period by period, ours and published."""
    table, cells, names = found.tables["without_rival"], found.tables["replication"], labels(found)
    printed = cells[cells["table"] == "4"].set_index(["row", "column"])["published"]
    player = table["player"].map(names)
    keys = pd.MultiIndex.from_arrays([player, table["period"]])
    ends = {name: 100 * table[name].fillna(table["difference"]) for name in ("low", "high")}
    rows = pd.DataFrame(
        {"player": player, "period": table["period"], "label": player + ", " + table["period"]}
    )
    rows = rows.assign(
        change=100 * table["difference"], **ends, published=100 * printed.reindex(keys).to_numpy()
    )
    simulated, errors = found.facts["simulated"], table["low"].notna().any()
    if simulated:
        rows["published"] = float("nan")
    y = alt.Y(
        "label:N", sort=None, title=None, axis=alt.Axis(labelLimit=190, ticks=False, domain=False, grid=True)
    )
    x = alt.X("change:Q", title="Change in the chance of an attack, points")
    colour, base = _colour(found), chart("rivals")
    tip = [alt.Tooltip(f"{name}:N") for name in ("player", "period")]
    tip += [alt.Tooltip(f"{name}:Q", format=".3~r") for name in ("change", "published")]
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color=QUIET).encode(x=alt.X("at:Q"))
    drawing = alt.layer(
        zero,
        base.mark_rule(strokeWidth=3, opacity=0.45).encode(y=y, x=alt.X("low:Q"), x2="high:Q", color=colour),
        base.mark_point(filled=True, size=110, opacity=1).encode(y=y, x=x, color=colour, tooltip=tip),
        base.transform_filter("isValid(datum.published)")
        .mark_point(shape="diamond", size=150, strokeWidth=1.6, opacity=1)
        .encode(y=y, x=alt.X("published:Q"), stroke=alt.value(INK), tooltip=tip),
    ).properties(height=46 * len(rows))
    bars = " Bars: 95% intervals from the estimates' errors." if errors else ""
    diamonds = "" if simulated else " Hollow diamonds: the published figures."
    return Figure(
        "rivals",
        f"What a rival changes. Right of the line: the group attacks more often because the other is there.{bars}{diamonds}",
        "Equilibrium with the rival less the best play without it, along the months of each period.",
        " ".join(findings(found)),
        Layout("single"),
        finished(drawing),
        {"rivals": rows, "zero": pd.DataFrame({"at": [0.0]})},
        ("rivals",),
    )


def curves(found: Replication) -> Figure:
    """Draw each player's chance of an attack by state, with the rival and without, and where the months lay."""
    names, path = labels(found), found.tables["path"]
    plays = {"with_rival": "with the rival", "without": "without it"}
    lines = found.tables["curves"].melt(["player", "state"], list(plays), "play", "chance")
    lines = lines.assign(play=lines["play"].map(plays), chance=100 * lines["chance"])
    low, high = lines["state"].min(), lines["state"].max()
    acted = path[path["attacked"] == 1][["player", "state", "month"]]
    rows = pd.concat([lines, acted.assign(state=acted["state"].clip(low, high))], ignore_index=True)
    rows["player"] = rows["player"].map(names)
    what, below, above = found.facts["state"]
    x = alt.X("state:Q", title=f"{what.capitalize()}: {below} ← → {above}", scale=alt.Scale(nice=False))
    y = alt.Y(
        "chance:Q",
        title="Chance of an attack in a month, %",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(minExtent=_AXIS, maxExtent=_AXIS, tickCount=5),
    )
    dash = alt.StrokeDash(
        "play:N",
        title=None,
        scale=alt.Scale(domain=list(plays.values()), range=[[1, 0], [5, 4]]),
        legend=alt.Legend(orient="top", symbolStrokeColor=INK, symbolSize=400),
    )
    base = alt.Chart()
    drawing = alt.layer(
        base.transform_filter("isValid(datum.play)")
        .mark_line(strokeWidth=2.2)
        .encode(x=x, y=y, color=_colour(found), strokeDash=dash),
        base.transform_filter("isValid(datum.month)")
        .mark_tick(color=QUIET, thickness=1, height=9, opacity=0.55)
        .encode(x=alt.X("state:Q"), y=alt.value(-6), tooltip=["month:N"]),
        data=alt.NamedData("curves"),
    ).properties(height=270)
    header = alt.Header(title=None, labelAnchor="start", labelFontWeight=600)
    faceted = drawing.facet(
        facet=alt.Facet("player:N", sort=list(names.values()), header=header),
        columns=2,
        spacing={"row": 46, "column": 80},
        bounds="flush",
    ).resolve_scale(y="independent")
    return Figure(
        "curves",
        "The chance that each group attacks in a month, by where opinion stands. Solid: with the rival. Dashed: "
        "if the rival could not move opinion. Ticks above: where it stood in the months with an attack. The "
        "two scales differ.",
        "Equilibrium of the game at the estimates.",
        _curve_words(found),
        Layout("facet", margin=_AXIS + 24, gap=80, least=380, most=2),
        finished(faceted),
        {"curves": rows},
        ("curves",),
    )


def path(found: Replication) -> Figure:
    """Draw popularity and each player's chance of an attack month by month, with the observed attacks as ticks."""
    names, table = labels(found), found.tables["path"]
    months = table[table["player"] == next(iter(names))]
    columns: dict[str, Any] = {
        "date": list(map(middle_of, months["month"])),
        "popularity": months["state"].to_numpy(),
    }
    for name in names:
        own = table[table["player"] == name]
        columns |= {f"{name}_{kind}": 100 * own[kind].to_numpy() for kind in ("with_rival", "without")}
        columns[f"{name}_attacked"] = own["attacked"].to_numpy()
    bare = utc("date", labels=False, ticks=False, domainOpacity=0.4, tickCount=12)
    dated = utc("date", format="%Y", tickCount=12, labelOverlap="greedy")
    what, _, above = found.facts["state"]
    state = (
        chart("path")
        .mark_line(color=INK, strokeWidth=1.5)
        .encode(x=bare, y=alt.Y("popularity:Q", axis=_axis(what.capitalize(), tickCount=4)))
    )
    panels: list[Any] = [state.properties(height=100)]
    for name, label in names.items():
        x = dated if name == list(names)[-1] else bare
        panels.append(_play_panel(name, label, _colours(found)[label], x))
    return Figure(
        "path",
        f"Top: {what}, high for {above}. Below: the chance of an attack along that path, with the rival (solid) and "
        "without it (dashed); ticks mark the months in which the group did attack.",
        f"{found.facts['data']}; equilibrium of the game at the estimates.",
        " ".join(findings(found)),
        Layout("stack", margin=_AXIS + 30),
        finished(alt.vconcat(*panels, spacing=22)),
        {"path": pd.DataFrame(columns)},
        ("path",),
        {"names": names},
    )


def _play_panel(name: str, label: str, colour: str, x: alt.X) -> alt.LayerChart | alt.FacetChart:
    base = chart("path")
    y = alt.Y(f"{name}_with_rival:Q", axis=_axis(f"{label}, %", tickCount=4), scale=alt.Scale(zero=True))
    tips = [
        alt.Tooltip("date:T", format="%B %Y"),
        alt.Tooltip(f"{name}_with_rival:Q", title="with the rival", format=".3~r"),
        alt.Tooltip(f"{name}_without:Q", title="without it", format=".3~r"),
    ]
    ticks = base.transform_filter(f"datum.{name}_attacked === 1").mark_tick(
        color=colour, thickness=1.4, height=10, opacity=0.8
    )
    return alt.layer(
        base.mark_line(color=colour, strokeWidth=1.9).encode(x=x, y=y, tooltip=tips),
        base.mark_line(color=colour, strokeWidth=1.4, strokeDash=[5, 4], opacity=0.85).encode(
            x=x, y=alt.Y(f"{name}_without:Q")
        ),
        ticks.encode(x=x, y=alt.value(-7), tooltip=tips),
    ).properties(height=150)


def _axis(title: str, **settings: Any) -> alt.Axis:
    return alt.Axis(
        title=title, minExtent=_AXIS, maxExtent=_AXIS, titleX=-_AXIS + 6, gridColor=FAINT, **settings
    )


def _curve_words(found: Replication) -> str:
    sentences = []
    for player, label in labels(found).items():
        own = found.tables["curves"][found.tables["curves"]["player"] == player]
        states, chances = (own[name].to_numpy(float) for name in ("state", "with_rival"))
        sentences.append(
            f"{label}: {points(chances[0])}% at the low end of the grid, at most "
            f"{points(chances.max())}% at {states[chances.argmax()]:.1f}, {points(chances[-1])}% at the high end."
        )
    return " ".join(sentences)
