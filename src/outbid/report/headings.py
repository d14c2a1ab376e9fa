"""Section headings that are sentences, computed from the results they stand over."""

from __future__ import annotations

import math
from collections import Counter

from outbid.report.chances import DONT_TELL, find_effect, read_effect, standing_of
from outbid.report.content import Band, Effect, Outcome, ReportContent
from outbid.words.numbers import counted, percent, two_digits

_YEAR = 12
_FRACTIONS: tuple[tuple[float, str], ...] = (
    (0.94, "more than nine tenths"),
    (0.85, "nine tenths"),
    (0.775, "four fifths"),
    (0.71, "three quarters"),
    (0.58, "two thirds"),
    (0.42, "half"),
    (0.29, "a third"),
    (0.225, "a quarter"),
    (0.15, "a fifth"),
    (0.0, "a tenth"),
)
_SETTLED = 0.75
_SAYS_LITTLE = 0.1


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _band(content: ReportContent, ident: str) -> Band | None:
    found = [band for band in content.bands if band.id == ident and len(band.months) >= 2 * _YEAR]
    return next((band for band in found if band.prior == "neutral"), None)


def _ends(band: Band) -> tuple[float, float, bool]:
    """Return the mean of the first and of the last year, and whether their intervals lie apart."""
    first, last = _mean(band.median[:_YEAR]), _mean(band.median[-_YEAR:])
    low_first, high_first = _mean(band.q05[:_YEAR]), _mean(band.q95[:_YEAR])
    low_last, high_last = _mean(band.q05[-_YEAR:]), _mean(band.q95[-_YEAR:])
    return first, last, high_last < low_first or low_last > high_first


def _turning_year(band: Band) -> str:
    """Return the last calendar year whose level was nearer to the first year's than to the last year's."""
    first, last, _ = _ends(band)
    middle = math.sqrt(max(first, 1e-9) * max(last, 1e-9))
    by_year: dict[str, list[float]] = {}
    for month, value in zip(band.months, band.median, strict=True):
        by_year.setdefault(month[:4], []).append(value)
    before = [year for year, values in by_year.items() if (_mean(tuple(values)) > middle) == (first > middle)]
    return max(before)


def change_in_words(first: float, last: float) -> str:
    """Return a change between two positive levels as words ("fell by nine tenths", "rose threefold").

    Parameters
    ----------
    first, last
        The two levels, in the same unit; `first` must be above zero.
    """
    ratio = last / first
    if ratio < 1:
        return f"fell by {next(word for least, word in _FRACTIONS if 1 - ratio >= least)}"
    if ratio < 1.9:
        return f"rose by {next(word for least, word in _FRACTIONS if ratio - 1 >= least)}"
    return "doubled" if ratio < 2.5 else f"rose {two_digits(ratio)}-fold"


def what_happened(content: ReportContent) -> str:
    """Return the heading on the past, from the bands of attacks and of the challenger's fighters."""
    attacks, members = _band(content, "attacks"), _band(content, "challengers")
    if attacks is None:
        return f"What the {counted(content.provenance.n_months, 'month')} of data show"
    first, last, apart = _ends(attacks)
    if not apart or first <= 0:
        return "Whether attacks rose or fell can't be told from these data"
    fell = last < first
    text = f"Attacks {change_in_words(first, last)} after {_turning_year(attacks)}"
    if members is None:
        return text
    before, after, members_apart = _ends(members)
    if not members_apart or before <= 0:
        return f"{text}; that membership {'fell' if fell else 'rose'} too can't be shown"
    if (after < before) == fell:
        return f"{text}; membership {change_in_words(before, after)}"
    return f"{text}; membership did not: it {change_in_words(before, after)}"


def how_well_it_fits(content: ReportContent) -> str:
    """Return the heading over the fit: how many used figures lie inside their 90% intervals."""
    inside = total = 0
    for series in content.series:
        for record in series.records:
            low, high = record.predicted_q05, record.predicted_q95
            if not record.used or low is None or high is None:
                continue
            bottom = record.value if record.value is not None else record.low
            top = record.value if record.value is not None else record.high
            total += 1
            inside += (top is None or top >= low) and (bottom is None or bottom <= high)
    if not total:
        return "The model beside the figures"
    verdict = "as they should" if 0.85 <= inside / total <= 0.97 else "where nine in ten would be right"
    return (
        f"The model's 90% intervals hold {inside} of {total} figures ({percent(inside / total)}), {verdict}"
    )


def what_drives_what(content: ReportContent) -> str:
    """Return the heading over the diagram: how many directions the data settle, and how many not."""
    total = len(content.edges)
    if not total:
        return "No diagram was derived"
    count = Counter(standing_of(edge) for edge in content.edges)
    given = count["built in"] + count["assumed"]
    parts = [f"{given} {'was' if given == 1 else 'were'} assumed"] if given else []
    parts += [f"{count['open']} {'stays' if count['open'] == 1 else 'stay'} open"] if count["open"] else []
    rest = f"; {' and '.join(parts)}" if parts else ""
    return f"The data settle the direction of {count['settled']} of {counted(total, 'link')}{rest}"


def _best(content: ReportContent, outcome: Outcome) -> str | None:
    """Return the label of the scenario that most surely beats the baseline, or None where none is settled."""
    rows: list[tuple[float, str]] = []
    for scenario in content.scenarios:
        effect: Effect | None = find_effect(content, scenario.id, outcome.id, "neutral")
        if effect is None or scenario.baseline or effect.probability_better <= 0.5:
            continue
        if read_effect(effect, outcome) != "unknown":
            rows.append((effect.probability_better, scenario.label))
    return max(rows)[1] if rows else None


def what_if(content: ReportContent) -> str:
    """Return the heading over the scenarios: the surest course for resources, and for members."""
    by_id = {outcome.id: outcome for outcome in content.outcomes}
    resources = by_id.get(content.roles.get("resources", ""))
    members = by_id.get(content.roles.get("members_lost", ""))
    if resources is None or members is None:
        return f"{counted(len(content.scenarios), 'course')} of action compared"
    gains, keeps = _best(content, resources), _best(content, members)
    if gains is None and keeps is None:
        return f"No course beats the present one on resources or on members: {DONT_TELL}"
    if gains == keeps:
        return f"“{gains}” is the surest course both to gain resources and to keep members"
    first = f"“{gains}” is the surest course to gain resources" if gains else f"For resources {DONT_TELL}"
    second = f"“{keeps}” to keep members" if keeps else f"for members lost {DONT_TELL}"
    return f"{first}; {second}"


def what_is_unknown(content: ReportContent) -> str:
    """Return the heading over the parameters: how many the data hardly moved."""
    known = [row.contraction.get("neutral", 0.0) for row in content.parameters]
    if not known:
        return "No parameters were estimated"
    silent = sum(value < _SAYS_LITTLE for value in known)
    settled = sum(value >= _SETTLED for value in known)
    total = counted(len(known), "parameter")
    if not silent:
        return f"The data moved all {total}, and settled {settled}"
    return f"The data say next to nothing about {silent} of {total}, and settle {settled}"


def how_it_was_made(content: ReportContent) -> str:
    """Return the heading over the method: how many figures were used and left out."""
    records = [record for series in content.series for record in series.records]
    used = sum(record.used for record in records)
    text = f"{counted(used, 'figure')} in {counted(len(content.series), 'series', 'series')} went in"
    left = len(records) - used
    return (
        f"{text}; {left} {'was' if left == 1 else 'were'} left out, for the reasons given" if left else text
    )
