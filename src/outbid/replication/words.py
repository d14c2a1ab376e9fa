"""A replication in sentences: the answer, what stands against leaning on it, how many figures agree; and summary.json."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from outbid.replication.tables import Replication, rows_of, unexplained
from outbid.words.effects import records
from outbid.words.numbers import MINUS, counted, listed, month_name, shorten, two_digits

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
    return not unexplained(found.tables["replication"], simulated=False)


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
    """Return what the data are."""
    run, players = found.facts["provenance"], rows_of(found.tables["players"])
    span = f"{month_name(run['first_month'])} to {month_name(run['last_month'])}"
    acts = listed([f"{player.label} attacked in {player.active_months}" for player in players])
    return f"{counted(run['n_months'], 'month')}, {span} ({found.facts['data']}): {acts}"


def warning(found: Replication) -> str:
    """Return what must be said first: that the panel was simulated; empty for a real one."""
    if not found.facts["simulated"]:
        return ""
    return (
        f"No data were given, so this ran on a panel {found.facts['data']}. Nothing below speaks of the real "
        f"{listed(list(labels(found).values()))}; it shows that the method finds the numbers that were put in. Give the "
        "panel with --data DIR."
    )


def certificate(found: Replication) -> str:
    """Return the equilibrium's evidence, and how far the stored curves are from ours, where they are given."""
    states = found.tables["curves"]["state"].nunique()
    sizes = found.facts["certificate"].items()
    told = {name: "" if size is None else powers(f"{size:.0e}") for name, size in sizes}
    gap = f" Over all states, our chances differ from the authors' stored ones by {told['gap']} at most."
    return (
        f"The equilibrium on {states} states solves its equations to {told['residual']}; nobody could gain more than "
        f"{told['gain']} by playing otherwise for a month.{gap if told['gap'] else ''}"
    )


def effect_of_rival(found: Replication, player: str) -> str:
    """Return a sentence on what the rival's presence does to a player's attacks, period by period."""
    names, eras = labels(found), found.facts["eras"]
    [rival] = (label for name, label in names.items() if name != player)
    table = found.tables["without_rival"]
    changes = table[table["player"] == player].set_index("period")["difference"]
    parts = []
    for word, kept in (("more", changes[changes > SLIGHT]), ("less", changes[changes < -SLIGHT])):
        told = [f"{eras[str(era)]} (by {points(change)} points)" for era, change in kept.items()]
        parts += [f"{word} often {listed(told)}"] if told else []
    if not parts:
        return f"{rival}'s presence hardly changed how often {names[player]} attacked."
    where = "On this panel, with" if found.facts["simulated"] else "With"
    return f"{where} {rival} as a rival, {names[player]} attacked {', '.join(parts)}."


def findings(found: Replication) -> list[str]:
    """Return what the rival does to each player, a sentence each."""
    return [effect_of_rival(found, player) for player in labels(found)]


def costs(found: Replication) -> str:
    """Return what dearer attacks of either player do to everybody's, a sentence each."""
    names = labels(found)
    chances = found.tables["costs"].pivot(index="player", columns="row", values="probability")
    sentences = []
    for label in names.values():
        change = chances[f"higher cost {label}"] - chances["baseline"]
        ways = {key: "more" if change[key] > 0 else "less" for key in names}
        moves = [f"{names[key]} attack {way} (by {points(change[key])} points)" for key, way in ways.items()]
        sentences.append(f"Dearer attacks for {label} make {listed(moves)}.")
    return " ".join(sentences)


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


def _hold_zero(table: pd.DataFrame, tail: str = "") -> tuple[int, int]:
    """Return how many intervals hold zero, and of how many that are known."""
    ends = table[[f"low{tail}", f"high{tail}"]].dropna()
    return int(((ends.iloc[:, 0] <= 0) & (ends.iloc[:, 1] >= 0)).sum()), len(ends)


def doubt(found: Replication) -> str:
    """Return what stands against leaning on the answer as one sentence; empty if nothing does."""
    table, clauses = found.tables["without_rival"], []
    loose, known = _hold_zero(table)
    milder, of = _hold_zero(table, "_published")
    if loose:
        clause = f"{'all' if loose == known else f'{loose} of'} {counted(known, 'change')} have 95% intervals that hold zero"
        published = "errors in the published form, which leave out how play moves with the state equation"
        clauses.append(f"{clause} ({milder} of {of} by {published})" if of else clause)
    gap, turned = higher_maximum(found)
    if gap:
        tail = f", where {turned} would rather have the other popular" if turned else ""
        clauses.append(f"another maximum of the likelihood lies {two_digits(gap)} higher{tail}")
    turns, whole = sign_turns(found)
    if turns:
        anew = "with the state inferred anew from the polls"
        clauses.append(f"{anew}, {turns} of these {whole} changes turn their sign")
    return f"But the data don't settle it: {'; '.join(clauses)}." if clauses else ""


def higher_maximum(found: Replication) -> tuple[float, str]:
    """Return by how much another maximum is higher, 0 if none is, and the players whose worth of the state turns there."""
    best = found.tables["maxima"].iloc[0] if "maxima" in found.tables else {"log_likelihood": -math.inf}
    gap = float(best["log_likelihood"] - found.facts["log_likelihood"])
    if gap <= HIGHER:
        return 0.0, ""
    names = labels(found).values()
    rows = zip(names, rows_of(found.tables["estimates"]), strict=False)
    turned = [name for name, row in rows if row.estimate * best[row.parameter] < 0]
    return gap, "each" if len(turned) == len(names) else listed(turned)


def sign_turns(found: Replication) -> tuple[int, int]:
    """Return how many of the rival's effects turn their sign with the state inferred anew, and of how many."""
    if "refit" not in found.tables:
        return 0, 0
    table = found.tables["refit"]
    rows = table[table["group"].str.endswith("(Table 4)")].dropna(subset=["stored", "refitted"])
    return int((rows["stored"] * rows["refitted"] < 0).sum()), len(rows)


def simulated_panel(source: str) -> str:
    """Return what a terminal is told first of a panel that was simulated."""
    return f"SIMULATED PANEL, not the real one: {source}. Give --data DIR."


def terminal(found: Replication) -> tuple[str, ...]:
    """Return the answer for a terminal: at most fourteen lines of at most 100 characters, the warning first."""
    sentences = [simulated_panel(found.facts["data"])] if found.facts["simulated"] else []
    sentences += [found.facts["question"], bottom(found), *findings(found), doubt(found), verdict(found)]
    sentences.append(f"Log-likelihood {found.facts['log_likelihood']:.4f}.")
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, _WIDTH)]
    return tuple([shorten(line, _WIDTH) for line in lines][:_LINES])


def summary(found: Replication, timing: Mapping[str, float]) -> dict[str, Any]:
    """Return summary.json. What a game lacks is an empty list; `simulated` says whether this is a replication."""
    facts, made, tables = found.facts, found.facts["provenance"], found.tables
    good, bad, unjudged = tally(found)
    cited, estimates = tables["sources"], tables["estimates"].drop(columns="parameter")
    cells = tables["replication"][["table", "row", "column", "published", "ours", "difference", "ok", "note"]]
    # what was not judged is nothing, not a figure that is missing
    cells = cells.assign(ok=cells["ok"].astype(object).where(cells["ok"].notna(), None))
    return {
        "study": facts["study"],
        "simulated": facts["simulated"],
        "warning": warning(found),
        **{name: made[name] for name in ("version", "seed", "quick")},
        "data": {
            **{name: made[name] for name in ("first_month", "last_month", "n_months")},
            "sources": [] if facts["simulated"] else list(cited["id"][cited["role"] == "figures"]),
            "panel": facts["data"],
        },
        "diagnostics": {
            "log_likelihood": facts["log_likelihood"],
            "equilibrium": certificate(found),
            "problems": facts["problems"],
        },
        "verdict": {"sentence": verdict(found), "ok": good, "not_ok": bad, "not_judged": unjudged},
        "estimates": records(estimates.rename(columns={"meaning": "name"})),
        "replication": records(cells.astype({"ok": object}).fillna({"ok": math.nan})),  # JSON has null for it
        "claims": records(tables["claims"][["id", "kind"]].assign(verdict=None)),
        **{name: [] for name in ("scenarios", "forecast", "scores")},
        "timing": {name: round(seconds, 2) for name, seconds in timing.items()},
        "fingerprint": made["fingerprint"],
    }
