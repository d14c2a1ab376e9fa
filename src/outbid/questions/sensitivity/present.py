"""What matters most, and when something holds: tables, the section, and the terminal's lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from outbid.conventions import PRIOR_LABELS
from outbid.question import Section
from outbid.questions.sensitivity.compute import FREE, MOST_LOST
from outbid.questions.sensitivity.indices import INDICES
from outbid.questions.sensitivity.schema import Discover, Sensitivity
from outbid.stats.effects import tabled
from outbid.study import Study
from outbid.words.effects import records
from outbid.words.numbers import capital, counted, interval, percent, plain_name, quantity, terminal

VERSIONS = {**PRIOR_LABELS, FREE: "before any data, free of the priors"}
# Unknowns that the page names.
SHOWN = 12
# Significant digits of the shares; more are noise.
DIGITS = {**dict.fromkeys(INDICES, 5), "first_order_on_draws": 4, "rank_correlation": 3}


def tables(data: xr.Dataset, study: Study) -> dict[str, pd.DataFrame]:
    """Return `sensitivity`, a row for each input's shares, and `scenario_discovery`, one for each limit of a box."""
    asked: Sensitivity = study.declared["sensitivity"]
    frames = {}
    if asked.explain:
        frames["sensitivity"] = _shares(data, asked)
    if asked.discover:
        frames["scenario_discovery"] = _limits(data, asked)
    return frames


def _shares(data: xr.Dataset, asked: Sensitivity) -> pd.DataFrame:
    """Return the inputs of every explanation, those first that matter most in the design or on the draws."""
    drawn = data[["first_order_on_draws", "tied_to", "rank_correlation"]].rename(prior="version")
    both = xr.merge([data[list(INDICES)], drawn], join="left").reset_coords()
    frame = tabled(both, ["version", "explain", "input"])
    # versions and explanations in the order of the data
    order = np.lexsort((-_weights(frame), frame.index // len(data.input)))
    frame = frame.iloc[order].reset_index(drop=True)
    for name, digits in DIGITS.items():
        frame[name] = [float(f"{value:.{digits}g}") for value in frame[name]]
    for name in ("first_order", "total"):
        half = frame[f"{name}_half"]
        frame[f"{name}_low"], frame[f"{name}_high"] = frame[name] - half, frame[name] + half
    about = pd.DataFrame(each.model_dump(include={"id", "label", "scale"}) for each in asked.explain)
    frame = frame.merge(about, left_on="explain", right_on="id").fillna({"tied_to": ""})
    columns = ["explain", "label", "scale", "version", "input", "kind", "meaning"]
    columns += [f"{name}{end}" for name in ("first_order", "total") for end in ("", "_low", "_high")]
    columns += ["first_order_on_draws", "tied_to", "rank_correlation"]
    return frame[columns].assign(**data.attrs)


def _limits(data: xr.Dataset, asked: Sensitivity) -> pd.DataFrame:
    """Return a row for each limit of each box; one without an input where there is no box."""
    shares = ["share", "density", "elsewhere", "coverage", "mass", "checked_density", "checked_elsewhere"]
    told = data[[*shares, "limit_on", "low", "high", "draws"]].rename(limit_on="input")
    boxes = tabled(told, ["prior", "question", "limit"])
    boxes = boxes[(boxes.input != "") | (boxes.limit == 0)]
    about = [
        (each.id, each.scenario, each.against, "; ".join(one.words for one in each.condition))
        for each in asked.discover
    ]
    questions = pd.DataFrame(about, columns=["question", "scenario", "against", "conditions"])
    inputs = tabled(data[["kind", "meaning", "unit"]].reset_coords(), ["input"])
    inputs["meaning"] = [_meaning(row) for row in records(inputs)]
    frame = boxes.merge(questions).merge(inputs, on="input", how="left")
    columns = ["question", "prior", "scenario", "against", "conditions", *shares, "input", "meaning", "unit"]
    frame = frame[[*columns, "low", "high", "draws"]].fillna({"meaning": "", "unit": ""})
    return frame.rename(columns={"mass": "share_in_box"})


def _meaning(row: Any) -> str:
    """Return what an input means, without a full stop."""
    return f"{row['meaning'].rstrip('.')}{', today' if row['kind'] in ('stock', 'index', 'lever') else ''}"


# in words


def section(data: xr.Dataset, study: Study) -> Section:
    """Return when something holds, with the twelve weightiest unknowns behind a fold."""
    asked: Sensitivity = study.declared["sensitivity"]
    frames, questions = tables(data, study), []
    for each in asked.discover:
        answers = [(capital(PRIOR_LABELS[p]), *box_words(each, box)) for p, box in _boxes(frames, each)]
        questions.append((each, study.scenario(each.against).label, answers))
    words = {
        "heading": heading(asked, frames),
        "questions": questions,
        "outcomes": [each.label for each in asked.explain],
        "blocks": list(_blocks(frames["sensitivity"])) if asked.explain else [],
    }
    return Section("sensitivity", "What matters", "questions/sensitivity/section.html.j2", words, frames)


def _boxes(frames: Mapping[str, pd.DataFrame], question: Discover) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield a question's box by prior set, a row for each limit."""
    boxes = frames["scenario_discovery"]
    for prior, box in boxes[boxes.question == question.id].groupby("prior", sort=False):
        yield str(prior), box


def heading(asked: Sensitivity, frames: Mapping[str, pd.DataFrame]) -> str:
    """Return the heading: when the study's first question is answered with yes, or else what matters most."""
    if not asked.discover:
        first = frames["sensitivity"].iloc[0]
        return f"What matters most for “{first.label}”: “{_meaning(first)}”"
    question = asked.discover[0]
    prior, box = next(_boxes(frames, question))
    where, first = capital(PRIOR_LABELS[prior]), box.iloc[0]
    if not first.input:
        return f"{where}, no few unknowns decide when {question.answer}"
    tell = "tells" if len(box) == 1 else "tell"
    return f"{where}, {counted(len(box), 'unknown')} {tell} most of when {question.answer}"


def box_words(question: Discover, box: pd.DataFrame) -> tuple[str, str]:
    """Return where the answer is yes, or why no box tells; and how the box did on draws not searched."""
    answer, first = capital(question.answer), box.iloc[0]
    if first.share in (0.0, 1.0):
        which = "no draw" if first.share == 0.0 else "every draw"
        return f"{answer} in {which}, so there is nothing to tell apart.", ""
    if not first.input:
        share = percent(first.share)
        return f"{answer} in {share} of draws, and no few unknowns tell which: every limit could be luck.", ""
    where = " and ".join(limit_words(row) for row in records(box))
    names = ("density", "elsewhere", "checked_density", "checked_elsewhere")
    density, elsewhere, inside, outside = (percent(first[name]) for name in names)
    check = f"On draws not searched: {inside} and {outside}."
    if np.isnan(first.checked_density):
        check = "Not found twice in halves of the draws: take it as a hint."
    return f"In {density} of draws in which {where}; in {elsewhere} elsewhere.", check


def limit_words(limit: Mapping[str, Any]) -> str:
    """Return a limit as a clause ("“how far means hold members” is above 0.031"); an open side is not a number."""
    low, high, unit = (limit[name] for name in ("low", "high", "unit"))
    # the unit of a coefficient tells a reader nothing
    short, what = unit if len(unit.split()) == 1 else "", f"“{limit['meaning']}” is"
    if np.isfinite(low) and np.isfinite(high):
        return f"{what} between {interval(low, high, short).replace(' to ', ' and ', 1)}"
    side, end = ("below", high) if np.isfinite(high) else ("above", low)
    return f"{what} {side} {quantity(end, short)}"


def _weights(shares: pd.DataFrame) -> pd.Series[float]:
    """Return what an input is ranked by: its share of the spread in the design or on the draws, where chance has none."""
    return shares[["total", "first_order_on_draws"]].max(axis=1)


def _blocks(shares: pd.DataFrame) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Yield for each version the weightiest unknowns of all, with a cell for every outcome."""
    weightiest = _weights(shares).groupby(shares.input).max().sort_values(ascending=False, kind="stable")
    for version, here in shares.groupby("version", sort=False):
        rows = []
        for key in weightiest.index[:SHOWN]:
            own = here[here.input == key].set_index("explain").loc[here.explain.unique()]
            alone = own.first_order_on_draws.fillna(own.first_order)
            cells = [_cell(one, whole) for one, whole in zip(alone, own.total, strict=True)]
            rows.append((_meaning(own.iloc[0]), cells))
        yield capital(VERSIONS[str(version)]), rows


def _cell(alone: float, whole: float) -> str:
    one, other = ("about 0" if share < 0.01 else percent(share) for share in (alone, whole))
    return one if one == other == "about 0" else f"{one} ({other})"


def lines(data: xr.Dataset, study: Study) -> list[str]:
    """Return the terminal's answer: at most ten lines."""
    asked: Sensitivity = study.declared["sensitivity"]
    frames, out = tables(data, study), []
    for question in asked.discover:
        for prior, box in _boxes(frames, question):
            first, names = box.iloc[0], " and ".join(plain_name(name) for name in box.input)
            inside = f"{percent(first.density)}, elsewhere {percent(first.elsewhere)} (by {names})"
            inside = inside if first.input else f"{percent(first.share)}, no box"
            out.append(f"{capital(question.answer)}, {PRIOR_LABELS[prior]}: {inside}")
    for each in asked.explain:
        shares = frames["sensitivity"]
        rows = shares[(shares.explain == each.id) & (shares.version == shares.version.iloc[0])].head(3)
        best = [f"{plain_name(n)} {percent(w)}" for n, w in zip(rows.input, _weights(rows), strict=True)]
        out.append(f"{each.label}: {', '.join(best)}")
    return terminal(heading(asked, frames), out)


def problems(data: xr.Dataset, study: Study) -> list[str]:
    """Return how many runs are lost, since what is to be explained is no number there."""
    runs, said = data.attrs["runs"], []
    for version, share in data.lost.to_series().items() if "lost" in data else ():
        if share:
            what = (
                "the middle of the others stands in for them"
                if share <= MOST_LOST
                else "no shares are told of it"
            )
            lost = f"{round(share * runs)} of {runs} runs of the design are no number"
            said.append(f"{capital(VERSIONS[str(version)])}, {lost}: {what}.")
    return said
