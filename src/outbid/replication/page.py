"""The page of a replication, in the look of the other reports, with its three pictures."""

from __future__ import annotations

import json
import math
from typing import Any

import altair as alt
import pandas as pd

from outbid.plots.base import INK, QUIET, SIDES, Figure, Layout, chart, middle_of, of_one_table, utc
from outbid.question import Section
from outbid.replication import words
from outbid.replication.tables import Replication, rows_of
from outbid.replication.words import findings, labels, points
from outbid.report.methods import facts as provenance_facts
from outbid.report.page import page
from outbid.words.effects import records
from outbid.words.numbers import MINUS, counted, plain_name, two_digits

# The sections by id, and their names in the contents.
_SECTIONS = {
    "answer": "Answer",
    "tables": "Figure by figure",
    "attacks": "When they attack",
    "sure": "How sure",
    "claims": "Claims",
}
_TITLES = {
    "1": "Table 1. How {state} moves",
    "2": "Table 2. What the groups want",
    "4": "Table 4. Chance of an attack with the rival, less that without it, along the observed path",
    "5": "Table 5. Chance of an attack when attacks get dearer or cheaper, averaged over the grid",
    "curve": "The figures' curves: chance of an attack by {state}",
}


def render(found: Replication) -> str:
    """Return the report as one HTML page; text from a study is escaped, and no script but the page's own runs."""
    facts, run, estimates = found.facts, found.facts["provenance"], found.tables["estimates"]
    (good, bad, _), (gap, turned) = words.tally(found), words.higher_maximum(found)
    rows = {name: records(table) for name, table in found.tables.items()}
    for claim in rows["claims"]:
        homes = (home.partition(":")[::2] for home in claim["homes"].split("; ") if home)
        claim["carried_by"] = "; ".join(f"{plain_name(name)} ({kind})" for kind, name in homes)
    citation = (
        f"outbid {run['version']}: {facts['title']}. Report made on {run['created']} with seed {run['seed']} from "
        f"{counted(run['n_months'], 'month')} ({facts['data']}). Cite the article and its archive as well."
    )
    context = {
        **facts,
        "anew": facts["refit"],
        **rows,
        "labels": labels(found),
        "answer": [words.bottom(found), *findings(found), words.doubt(found)],
        "warning": words.warning(found),
        "verdict": words.verdict(found),
        "passed": not bad or words.explained(found),
        "good": good,
        "judged": good + bad,
        "loose": list(estimates["meaning"][(estimates["low"] <= 0) & (estimates["high"] >= 0)]),
        "published": published_tables(found),
        "dearer": words.costs(found),
        "certificate": words.certificate(found),
        "peaks": peaks(found),
        "higher": gap > 0,
        "turned": turned,
        "figures": {each.id: each for each in (rivals(found), curves(found), path(found))},
        **{each.__name__: each for each in (write, counted, words.powers)},
    }
    made = {"heading": words.source_line(found), "sources": rows["sources"], "facts": provenance_facts(run)}
    made |= {"citation": citation, "series": [], "fits": []}
    template = "report/templates/replication.html.j2"
    sections = [Section(name, title, template, context) for name, title in _SECTIONS.items()]
    sections.append(Section("made", "How it was made", "report/templates/made.html.j2", made))
    title, claims = f"{facts['title']}: {facts['question']}", found.tables["claims"]["id"]
    return page(sections, title=title, citation=citation, version=run["version"], claim_ids=claims)


def write(value: float, form: str = ".4g") -> str:
    """Write a number in a format, with a proper minus; a dash where it is missing."""
    return "–" if math.isnan(value) else f"{value:{form}}".replace("-", MINUS)


def peaks(found: Replication) -> str:
    """Return where each player attacks most."""
    table, names, state = found.tables["curves"], labels(found), found.facts["state"][0]
    highest = table.loc[table.groupby("player", sort=False)["with_rival"].idxmax()]
    where = f"attacks most where {state} is at"
    return ", ".join(f"{names[row.player]} {where} {two_digits(row.state)}" for row in rows_of(highest))


def published_tables(found: Replication) -> list[dict[str, Any]]:
    """Return every published table beside ours, its cells in words, in the order of the published figures."""
    tables, simulated = [], found.facts["simulated"]
    for name, cells in found.tables["replication"].groupby("table", sort=False):
        notes = []
        # each note once, behind the rows or columns that it speaks of
        for note, about in cells[cells["note"] != ""].groupby("note", sort=False):
            rows, columns = about["row"].unique(), about["column"].unique()
            notes.append(f"{'; '.join(columns if len(columns) <= len(rows) else rows)}: {note}")
        table = {
            "id": name,
            "title": _TITLES.get(str(name), f"Table {name}").format(state=found.facts["state"][0]),
            "rows": list(cells["row"].unique()),
            "columns": list(cells["column"].unique()),
            "cells": {(row.row, row.column): cell_words(row, simulated) for row in rows_of(cells)},
            "good": int(cells["ok"].sum()),
            "judged": int(cells["ok"].notna().sum()),
            "notes": notes,
        }
        tables.append(table)
    return tables


def cell_words(cell: Any, simulated: bool) -> dict[str, str]:
    """Return a cell of a published table in words; `mark` is the class of the page's style for its `verdict`."""
    text = {"printed": cell.printed, "ours": "–", "difference": "", "mark": "quiet", "verdict": "not had"}
    if pd.isna(cell.ours):
        return text
    text |= {"ours": plain(cell.ours, cell.rule), "verdict": "" if simulated else "not judged"}
    if pd.notna(cell.ok):
        right, wrong = ("✓ inside", "✗ outside") if simulated else ("✓ same", "✗ differs")
        text |= {"mark": "passed", "verdict": right} if cell.ok else {"mark": "differs", "verdict": wrong}
    if pd.notna(cell.low):
        return text | {"difference": f"{plain(cell.low, cell.rule)} to {plain(cell.high, cell.rule)}"}
    # a simulated panel is another one than the article's: the difference would mean nothing
    return text | {"difference": "" if simulated else difference(cell.difference)}


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
# The columns of chances, what they are called in pictures, and how their lines are drawn.
_PLAYS = {"with_rival": "with the rival", "without": "without it"}
_DASHES = [[1, 0], [5, 4], [1, 0]]


def _colour(found: Replication, column: str) -> alt.Color:
    """Return each player's colour by its name for readers, the same in every picture; the state has that of the text."""
    players = rows_of(found.tables["players"])
    colours = {row.label: SIDES.get(row.side, INK) for row in players} | {found.facts["state"][0]: INK}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{column}:N", scale=scale, legend=None)


def rivals(found: Replication) -> Figure:
    """Draw what the rival's presence does to each player's attacks, period by period, ours and published."""
    cells, simulated = found.tables["replication"], found.facts["simulated"]
    table = found.tables["without_rival"].assign(player=lambda each: each["player"].map(labels(found)))
    printed = cells[cells["table"] == "4"].rename(columns={"row": "player", "column": "period"})
    table = table.merge(printed[["player", "period", "published"]], how="left")
    rows = table[["player", "period"]].assign(
        label=table["player"] + ", " + table["period"],
        change=100 * table["difference"],
        **{name: 100 * table[name].fillna(table["difference"]) for name in ("low", "high")},
        published=float("nan") if simulated else 100 * table["published"],
    )
    axis = alt.Axis(labelLimit=190, ticks=False, domain=False, grid=True)
    y = alt.Y("label:N", sort=None, title=None, axis=axis)
    x = alt.X("change:Q", title="Change in the chance of an attack, points")
    tip: list[Any] = ["player:N", "period:N"]
    tip += [alt.Tooltip(f"{name}:Q", format=".3~r") for name in ("change", "published")]
    base = chart("rivals").encode(y=y)
    ours = base.encode(color=_colour(found, "player"))
    known = base.transform_filter("isValid(datum.published)")
    diamonds = known.mark_point(shape="diamond", size=150, strokeWidth=1.6, opacity=1)
    drawing = alt.layer(
        chart("rivals").mark_rule(color=QUIET).encode(x=alt.datum(0)),
        ours.mark_rule(strokeWidth=3, opacity=0.45).encode(x=alt.X("low:Q"), x2="high:Q"),
        ours.mark_point(filled=True, size=110, opacity=1).encode(x=x, tooltip=tip),
        diamonds.encode(x=alt.X("published:Q"), stroke=alt.value(INK), tooltip=tip),
    ).properties(height=46 * len(rows))
    caption = (
        "What a rival changes. Right of the line: the group attacks more often because the other is there."
    )
    bars = " Bars: 95% intervals from the estimates' errors." if table["low"].notna().any() else ""
    return of_one_table(
        "rivals",
        drawing,
        rows,
        Layout("single"),
        caption=f"{caption}{bars}{'' if simulated else ' Hollow diamonds: the published figures.'}",
        source="Equilibrium with the rival less the best play without it, along the months of each period.",
        alternative=" ".join(findings(found)),
    )


def _lines(found: Replication, name: str, x: str, ticks: pd.DataFrame) -> pd.DataFrame:
    """Return a table's chances as lines along `x`, in percent, and the months with an attack as ticks, without a value."""
    lines = found.tables[name].rename(columns=_PLAYS)
    lines = lines.melt(["player", x], list(_PLAYS.values()), "play", "value")
    rows = pd.concat([lines.assign(value=100 * lines["value"]), ticks], ignore_index=True)
    return rows.assign(panel=rows["player"].map(labels(found))).drop(columns="player")


def _panels(found: Replication, name: str, x: alt.X, titles: dict[str, str], height: int) -> Any:
    """Draw lines by play in a panel each, with ticks above; `titles` by panel, which are drawn in their order."""
    plays = [*_PLAYS.values(), found.facts["state"][0]]
    legend = alt.Legend(orient="top", symbolStrokeColor=INK, symbolSize=400, values=plays[:2])
    scale = alt.Scale(domain=plays, range=_DASHES)
    dash = alt.StrokeDash("play:N", title=None, scale=scale, legend=legend)
    axis = alt.Axis(minExtent=_AXIS, maxExtent=_AXIS, tickCount=4)
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=True, nice=True), axis=axis)
    base, colour = alt.Chart().encode(x=x), _colour(found, "panel")
    line = base.transform_filter("isValid(datum.value)").mark_line(strokeWidth=1.9)
    acted = base.transform_filter("!isValid(datum.value)")
    ticks = acted.mark_tick(color=QUIET, thickness=1, height=9, opacity=0.55)
    drawing = alt.layer(
        line.encode(y=y, color=colour, strokeDash=dash),
        ticks.encode(y=alt.value(-6), tooltip=["month:N"]),
        data=alt.NamedData(name),
    ).properties(height=height)
    words_of = f"{json.dumps(titles)}[datum.value]"
    header = alt.Header(title=None, labelAnchor="start", labelFontWeight=600, labelExpr=words_of)
    facet = alt.Facet("panel:N", sort=list(titles), header=header)
    # one time axis under a column of panels, unlike `faceted`
    panels = drawing.facet(facet=facet, columns=2, spacing={"row": 46, "column": 80}, bounds="flush")
    return panels.resolve_scale(y="independent")


def _titles(found: Replication) -> dict[str, str]:
    return {label: f"{label}: chance of an attack in a month, %" for label in labels(found).values()}


def curves(found: Replication) -> Figure:
    """Draw each player's chance of an attack by state, with the rival and without, and where the months lay."""
    table, path, names = found.tables["curves"], found.tables["path"], labels(found)
    acted = path.loc[path["attacked"] == 1, ["player", "state", "month"]]
    acted = acted.assign(state=acted["state"].clip(table["state"].min(), table["state"].max()))
    what, below, above = found.facts["state"]
    x = alt.X("state:Q", title=f"{what.capitalize()}: {below} ← → {above}", scale=alt.Scale(nice=False))
    sentences = []
    for player, own in table.set_index("state").groupby("player", sort=False)["with_rival"]:
        low, high, most = points(own.iloc[0]), points(own.iloc[-1]), points(own.max())
        where = f"at most {most}% at {own.idxmax():.1f}, {high}% at the high end"
        sentences.append(f"{names[str(player)]}: {low}% at the low end of the grid, {where}.")
    return of_one_table(
        "curves",
        _panels(found, "curves", x, _titles(found), 270),
        _lines(found, "curves", "state", acted),
        Layout("facet", margin=_AXIS + 24, gap=80, least=380, most=2),
        caption="The chance that each group attacks in a month, by where opinion stands. Solid: with the rival. Dashed: "
        "if the rival could not move opinion. Ticks above: where it stood in the months with an attack. The "
        "two scales differ.",
        source="Equilibrium of the game at the estimates.",
        alternative=" ".join(sentences),
    )


def path(found: Replication) -> Figure:
    """Draw the state and each player's chance of an attack month by month, with the observed attacks as ticks."""
    table, names = found.tables["path"], labels(found)
    rows = _lines(found, "path", "month", table.loc[table["attacked"] == 1, ["player", "month"]])
    what, below, above = found.facts["state"]
    state = table.loc[table["player"] == next(iter(names)), ["month", "state"]]
    state = state.set_axis(["month", "value"], axis="columns").assign(panel=what, play=what)
    rows = pd.concat([state, rows], ignore_index=True)
    rows["date"] = rows["month"].map(middle_of)
    titles = {what: f"{what.capitalize()}: {below} below, {above} above"} | _titles(found)
    x = utc("date", format="%Y", tickCount=12, labelOverlap="greedy")
    return of_one_table(
        "path",
        _panels(found, "path", x, titles, 130),
        rows,
        Layout("facet", margin=_AXIS + 24),
        caption=f"Top: {what}, high for {above}. Below: the chance of an attack along that path, with the rival (solid) and "
        "without it (dashed); ticks mark the months in which the group did attack.",
        source=f"{found.facts['data']}; equilibrium of the game at the estimates.",
        alternative=" ".join(findings(found)),
    )
