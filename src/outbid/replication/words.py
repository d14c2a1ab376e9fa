"""A replication in sentences: the answer, what stands against leaning on it, how many figures agree; and summary.json."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from outbid.replication.data import rows_of
from outbid.replication.tables import Replication
from outbid.words.numbers import MINUS, capital, counted, month_name, shorten, two_digits

# A change in probability smaller than this is called none; a maximum higher by more than this is another one.
SLIGHT, HIGHER = 0.003, 0.01
_WIDTH, _LINES = 100, 14
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def points(probability: float) -> str:
    """Write a difference of probabilities in percentage points ("18", "0.52")."""
    return two_digits(abs(probability) * 100)


def powers(text: str) -> str:
    """Return a number as a reader meets it: a proper minus, and powers of ten instead of an "e"."""
    digits, _, exponent = text.partition("e")
    digits = digits.replace("-", MINUS)
    return f"{digits} × 10{str(int(exponent)).translate(_RAISED)}" if exponent else digits


def labels(found: Replication) -> dict[str, str]:
    """Return the players' names for readers by their names in the model."""
    players = found.tables["players"]
    return dict(zip(players["player"], players["label"], strict=True))


def tally(found: Replication) -> tuple[int, int, int]:
    """Return how many published figures come out, how many don't, and how many are not judged."""
    ok = found.tables["replication"]["ok"]
    return int(ok.sum()), int((~ok).sum()), int(ok.isna().sum())


def explained(found: Replication) -> bool:
    """Say whether every figure that does not come out has a note that says why."""
    cells = found.tables["replication"]
    return bool((cells["note"][~cells["ok"].fillna(True)] != "").all())


def verdict(found: Replication) -> str:
    """Return in one sentence how far the replication agrees."""
    good, bad, unjudged = tally(found)
    if found.facts["simulated"]:
        inside = f"This is no replication: of {good + bad} true figures, {good} lie inside our 95% intervals"
        return f"{inside}; {unjudged} have no interval."
    if not bad:
        return f"All {counted(good, 'published figure')} that we have come out as published."
    why = ", and the tables say why" if explained(found) else ""
    return f"{good} of {counted(good + bad, 'published figure')} come out as published; {bad} do not{why}."


def source_line(found: Replication) -> str:
    """Return one sentence on the data."""
    made, players = found.facts["provenance"], rows_of(found.tables["players"])
    acts = ", ".join(f"{player.label} attacked in {player.active_months}" for player in players)
    span = f"{month_name(made['first_month'])} to {month_name(made['last_month'])}"
    return f"{counted(made['n_months'], 'month')}, {span} ({found.facts['data']}); {acts}."


def warning(found: Replication) -> str:
    """Return what must be said first: that the panel was simulated; empty for a real one."""
    if not found.facts["simulated"]:
        return ""
    names = " and ".join(labels(found).values())
    return (
        f"No data were given, so this ran on a panel {found.facts['data']}. Nothing below speaks of the real {names}; it "
        "shows that the method finds the numbers that were put in. Give the panel with --data DIR."
    )


def certificate(found: Replication) -> str:
    """Return the equilibrium's evidence, and how far the stored curves are from ours, where they are given."""
    told, states = found.facts["certificate"], found.tables["curves"]["state"].nunique()
    residual, gain = (powers(f"{told[name]:.0e}") for name in ("residual", "gain"))
    words = (
        f"The equilibrium on {states} states solves its equations to {residual}; nobody could gain more than "
        f"{gain} by playing otherwise for a month."
    )
    if told["gap"] is None:
        return words
    gap = powers(f"{told['gap']:.0e}")
    return f"{words} Over all states, our chances differ from the authors' stored ones by {gap} at most."


def effect_of_rival(found: Replication, player: str) -> str:
    """Return a sentence on what the rival's presence does to a player's attacks, period by period."""
    names, eras = labels(found), found.facts["eras"]
    name, rival = names[player], next(each for key, each in names.items() if key != player)
    table = found.tables["without_rival"]
    rows = rows_of(table[table["player"] == player])
    parts: list[str] = []
    for sign, word in ((1, "more"), (-1, "less")):
        listed: list[str] = []
        for row in rows:
            if sign * row.difference > SLIGHT:
                unit = "" if parts or listed else " points"
                listed.append(f"{eras[row.period]} (by {points(row.difference)}{unit})")
        if listed:
            *front, last = listed
            parts.append(f"{word} often {', '.join(front)}{' and ' if front else ''}{last}")
    if not parts:
        return f"{rival}'s presence hardly changed how often {name} attacked."
    where = "On this panel, with" if found.facts["simulated"] else "With"
    return f"{where} {rival} as a rival, {name} attacked {', '.join(parts)}."


def findings(found: Replication) -> list[str]:
    """Return what the rival does to each player, a sentence each."""
    return [effect_of_rival(found, player) for player in labels(found)]


def costs(found: Replication) -> str:
    """Return a sentence on what dearer attacks of either player do to everybody's."""
    names, table = labels(found), found.tables["costs"]
    chances = {(row.row, row.player): row.probability for row in rows_of(table)}
    parts = []
    for label in names.values():
        row = f"higher cost {label}"
        changes = {name: chances[row, key] - chances["baseline", key] for key, name in names.items()}
        signs = {change > 0 for change in changes.values()}
        if len(signs) == 1:
            sizes = " and ".join(f"{name} by {points(change)}" for name, change in changes.items())
            moves = f"both attack {'more' if signs == {True} else 'less'} ({sizes} points)"
        else:
            moves = " and ".join(
                f"{name} attack {'more' if change > 0 else 'less'} (by {points(change)} points)"
                for name, change in changes.items()
            )
        parts.append(f"dearer attacks for {label} make {moves}")
    return f"{capital('; '.join(parts))}." if parts else ""


def bottom(found: Replication) -> str:
    """Return the answer to the question in one sentence, at the estimates."""
    changes = found.tables["without_rival"]["difference"]
    if (changes > SLIGHT).all():
        answer = "yes: each attacked more because the other was there."
    elif (changes < -SLIGHT).all():
        answer = "no: each attacked less because the other was there."
    else:
        answer = "they do, but unevenly and not always."
    where = "On a simulated panel" if found.facts["simulated"] else "At the published estimates"
    return f"{where}, {answer}"


def doubt(found: Replication) -> str:
    """Return what stands against leaning on the answer as one sentence; empty if nothing does."""
    table, clauses = found.tables["without_rival"], []
    known = table[table["low"].notna()]
    loose = int(((known["low"] <= 0) & (known["high"] >= 0)).sum())
    if loose:
        number = "all" if loose == len(known) else f"{loose} of"
        milder = _by_published_errors(table)
        clauses.append(f"{number} {counted(len(known), 'change')} have 95% intervals that hold zero{milder}")
    gap = _gap(found)
    if gap > HIGHER:
        turned = _turned(found)
        tail = f", where {turned} would rather have the other popular" if turned else ""
        clauses.append(f"another maximum of the likelihood lies {two_digits(gap)} higher{tail}")
    turns, number_of = sign_turns(found)
    if turns:
        clauses.append(
            f"with the state inferred anew from the polls, {turns} of these {number_of} changes turn their sign"
        )
    return f"But the data don't settle it: {'; '.join(clauses)}." if clauses else ""


def _by_published_errors(table: pd.DataFrame) -> str:
    """Return how many changes' intervals hold zero by the published form of the errors, as a clause."""
    known = table[table["low_published"].notna()]
    if known.empty:
        return ""
    number = int(((known["low_published"] <= 0) & (known["high_published"] >= 0)).sum())
    missing = "which leave out how play moves with the state equation"
    return f" ({number} of {len(known)} by errors in the published form, {missing})"


def _gap(found: Replication) -> float:
    """Return by how much the highest maximum found exceeds the estimates' likelihood; 0 without a search."""
    if "maxima" not in found.tables:
        return 0.0
    return float(found.tables["maxima"]["log_likelihood"].iloc[0] - found.facts["log_likelihood"])


def _turned(found: Replication) -> str:
    """Return the players whose worth of the state has the other sign at the highest maximum."""
    names, best = labels(found), found.tables["maxima"].iloc[0]
    rows = zip(names.values(), rows_of(found.tables["estimates"]), strict=False)
    turned = [name for name, row in rows if row.estimate * best[row.parameter] < 0]
    return "each" if len(turned) == len(names) else " and ".join(turned)


def sign_turns(found: Replication) -> tuple[int, int]:
    """Return how many of the rival's effects turn their sign with the state inferred anew, and of how many."""
    if "refit" not in found.tables:
        return 0, 0
    table = found.tables["refit"]
    rows = table[table["group"].str.endswith("(Table 4)")].dropna(subset=["stored", "refitted"])
    return int((rows["stored"] * rows["refitted"] < 0).sum()), len(rows)


def other_maxima(found: Replication) -> str:
    """Return in words what the other maxima mean; empty where the estimates are the highest."""
    if _gap(found) <= HIGHER:
        return ""
    turned, best = _turned(found), found.tables["maxima"]["log_likelihood"].iloc[0]
    meaning = (
        f" There {turned} would rather have the other popular, against the theory: a reason to prefer the published "
        "maximum, but one that does not come from these data."
    )
    return (
        f"The estimates are those of the article, found uphill of its start, at {found.facts['log_likelihood']:.2f}. "
        f"The highest maximum found lies at {best:.2f}.{meaning if turned else ''}"
    ).replace("-", MINUS)


def weak(estimates: pd.DataFrame) -> str:
    """Return a sentence on the estimates whose interval holds zero."""
    loose = estimates["meaning"][(estimates["low"] <= 0) & (estimates["high"] >= 0)]
    if loose.empty:
        return "All payoffs differ from zero at the 95% level."
    return f"Not told apart from zero at the 95% level: {', '.join(loose)}."


def headings(found: Replication) -> dict[str, str]:
    """Return the headings of the tables, the curves and the search as sentences."""
    good, bad, _ = tally(found)
    told = "lie inside our intervals" if found.facts["simulated"] else "come out as published"
    kind = "true" if found.facts["simulated"] else "published"
    state, table = found.facts["state"][0], found.tables["curves"]
    peaks = table.loc[table.groupby("player", sort=False)["with_rival"].idxmax()]
    names, sure = labels(found), "How sure is this?"
    curves = [
        f"{names[row.player]} attacks most where {state} is at {two_digits(row.state)}"
        for row in rows_of(peaks)
    ]
    if "maxima" in found.tables:
        number, starts = len(found.tables["maxima"]), counted(found.facts["search"]["starts"], "start")
        several = "one maximum" if number == 1 else f"{number} different maxima"
        sure = f"{starts} led to {several} of the likelihood, none higher than the estimates"
        if _gap(found) > HIGHER:
            sure = f"The estimates are not the highest maximum that {starts} found"
    return {
        "tables": f"{good} of {good + bad} {kind} figures {told}",
        "curves": ", ".join(curves),
        "sure": sure,
    }


def terminal(found: Replication) -> tuple[str, ...]:
    """Return the answer for a terminal: at most fourteen lines of at most 100 characters, the warning first."""
    panel = f"SIMULATED PANEL, not the real one: {found.facts['data']}. Give --data DIR."
    lines = textwrap.wrap(panel, _WIDTH) if found.facts["simulated"] else []
    lines.append(found.facts["question"])
    for sentence in (bottom(found), *findings(found), doubt(found), verdict(found)):
        lines += textwrap.wrap(sentence, _WIDTH)
    lines.append(f"Log-likelihood {found.facts['log_likelihood']:.4f}.")
    return tuple([shorten(line, _WIDTH) for line in lines][:_LINES])


def summary(found: Replication, timing: Mapping[str, float]) -> dict[str, Any]:
    """Return summary.json. What a game lacks is an empty list; `simulated` says whether this is a replication."""
    facts, made, tables = found.facts, found.facts["provenance"], found.tables
    good, bad, unjudged = tally(found)
    sources = tables["sources"]
    cells = tables["replication"][["table", "row", "column", "published", "ours", "difference", "ok", "note"]]
    figures = [] if facts["simulated"] else list(sources["id"][sources["role"] == "figures"])
    estimates = tables["estimates"].rename(columns={"meaning": "name"}).drop(columns="parameter")
    return {
        "study": facts["study"],
        "simulated": facts["simulated"],
        "warning": warning(found),
        "version": made["version"],
        "seed": made["seed"],
        "quick": made["quick"],
        "data": {
            **{name: made[name] for name in ("first_month", "last_month", "n_months")},
            "sources": figures,
            "panel": facts["data"],
        },
        "diagnostics": {
            "log_likelihood": facts["log_likelihood"],
            "equilibrium": certificate(found),
            "problems": facts["problems"],
        },
        "verdict": {"sentence": verdict(found), "ok": good, "not_ok": bad, "not_judged": unjudged},
        "estimates": estimates.to_dict("records"),
        "replication": cells.astype(object).where(cells.notna(), None).to_dict("records"),
        "claims": [{"id": row.id, "kind": row.kind, "verdict": None} for row in rows_of(tables["claims"])],
        "scenarios": [],
        "forecast": [],
        "scores": [],
        "timing": {name: round(seconds, 2) for name, seconds in timing.items()},
    }
