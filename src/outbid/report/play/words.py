"""What the rivals would choose, in sentences: the heading, the lines under it, and answers to tests."""

from __future__ import annotations

import math
from typing import Literal

from outbid.report.chances import DONT_TELL, chance, chance_word, data_tell
from outbid.report.content import PRIORS, ReportContent
from outbid.report.play.content import PayoffRow, Play, PlayTest
from outbid.report.play.rows import find_test, prior_sets, view
from outbid.words.numbers import counted, interval, more_or_less, percent, signed, two_digits, unit_of

Answer = Literal["yes", "no", "unknown"]

CALLED = ("supported", "contradicted")
# the test that the heading answers
RIVAL_TEST = "rival_hardness"
# as for effects: beyond these a probability is settled even where it was as high before the data
_SETTLED = (0.1, 0.9)
_NOTHING, _LITTLE = 0.1, 0.5
_SAYS: dict[Answer, str] = {
    "yes": "the challenger keeps the incumbent hard",
    "no": "the challenger makes the incumbent softer, not harder",
    "unknown": "whether the challenger keeps the incumbent hard",
}


def assumed(test: PlayTest) -> bool:
    """Say whether a settled answer was as settled before the data."""
    low, high = _SETTLED
    after = test.probability
    return not low <= after <= high and not data_tell(after, test.prior_probability)


def read_test(test: PlayTest) -> Answer:
    """Say whether a test's answer is yes, no or unknown, by the rule for effects of scenarios."""
    before = test.prior_probability
    known = before if test.prior == "neutral" and math.isfinite(before) else None
    if not math.isfinite(test.probability) or not (data_tell(test.probability, known) or assumed(test)):
        return "unknown"
    return "yes" if test.probability > 0.5 else "no"


def too_small(test: PlayTest) -> bool:
    """Say whether an effect's whole 90% interval is too small to matter, whichever its sign."""
    return max(abs(test.q05), abs(test.q95)) < test.smallest


def _size(test: PlayTest) -> str:
    """Return a clause on whether an effect that has its sign is large enough to matter."""
    if test.smallest <= 0:
        return ""
    if too_small(test):
        return ", but by too little to matter"
    if read_test(test) != "yes":
        return ""  # how probable a large effect of the other sign is, is not among the results
    word = chance_word(test.probability_matters)
    if word == "remote":
        return ", with only a remote chance that it is enough to matter"
    if word == "even":
        return ", though as likely as not by too little to matter"
    surely = word.replace("certain", "certainly")
    return f", {'though' if 'unlikely' in word else 'and'} {surely} by enough to matter"


def heading(content: ReportContent) -> str:
    """Return the heading over the section: whether the challenger keeps the incumbent hard."""
    play = content.play
    found = [test for prior in PRIORS if (test := find_test(play, RIVAL_TEST, prior)) is not None]
    if not found:
        return f"What the incumbent and the challenger would choose, in {counted(len(play.worlds), 'world')}"
    if len(found) == 1:
        return _one_sided(found[0])
    data, sources = found
    if read_test(data) == read_test(sources):
        return _agreed(data, sources)
    if read_test(data) == "unknown":
        first = f"The data alone don't tell {_SAYS['unknown']}"
        said = "it does" if read_test(sources) == "yes" else "it makes it softer"
        return f"{first}; if the sources are right, it is {_word(sources)} that {said}{_size(sources)}"
    first = f"On the data alone it is {_word(data)} that {_SAYS[read_test(data)]}{_size(data)}"
    other = "it keeps it hard" if read_test(sources) == "yes" else "it makes it softer"
    known = read_test(sources) != "unknown"
    rest = f"it is {_word(sources)} that {other}{_size(sources)}" if known else "this can't be told"
    return f"{first}; if the sources are right, {rest}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _word(test: PlayTest) -> str:
    """Return the yardstick's word for the answer that a test gives, whichever it is."""
    word = chance_word(max(test.probability, 1 - test.probability))
    return f"{word}, by assumption," if test.prior == "neutral" and assumed(test) else word


def _one_sided(test: PlayTest) -> str:
    told = read_test(test)
    where = "on the data alone" if test.prior == "neutral" else view(test.prior)
    if told == "unknown":
        return f"{_capital(_SAYS['unknown'])} can't be told, {where}"
    return f"{_capital(where)} it is {_word(test)} that {_SAYS[told]}{_size(test)}"


def _agreed(data: PlayTest, sources: PlayTest) -> str:
    told = read_test(data)
    if told == "unknown":
        either = "; either way it is too little to matter" if too_small(data) and too_small(sources) else ""
        return f"{_capital(_SAYS['unknown'])} can't be told, even if the sources are right{either}"
    tail = _size(data) if _size(data) == _size(sources) else ""
    if _word(data) == _word(sources):
        return (
            f"It is {_word(data)}, on the data alone and if the sources are right, that {_SAYS[told]}{tail}"
        )
    return (
        f"On the data alone it is {_word(data)}, and if the sources are right {_word(sources)}, that "
        f"{_SAYS[told]}{tail}"
    )


def what_it_is(content: ReportContent) -> tuple[str, ...]:
    """Return what an equilibrium is here, in words, and who chooses what."""
    firsts = {row.player: row.lever for row in reversed(content.play.rows)}
    names = {"incumbent": content.incumbent, "challenger": content.challenger}
    chosen = [
        f"the {player}{f' ({names[player]})' if player in names else ''} chooses its {lever.replace('_', ' ')}"
        for player, lever in sorted(firsts.items(), key=lambda pair: pair[0] != "incumbent")
    ]
    return (
        "Each side does what serves it best most of the time, given what the other does and what follows, this "
        "month and later; it makes mistakes, more of them where less is at stake. Where neither would do better with "
        "other habits, that is an equilibrium.",
        f"Month by month, {' and '.join(chosen)}." if chosen else "",
    )


def difference(test: PlayTest) -> str:
    """Return a test's effect with its 90% interval, without its unit ("+0.031 (−0.020 to +0.090)")."""
    factor, _ = unit_of(test.unit, difference=True)
    return (
        f"{signed(test.median * factor)} ({interval(test.q05 * factor, test.q95 * factor, difference=True)})"
    )


def least(test: PlayTest) -> str:
    """Return the smallest effect that would matter ("0.050 or more"), or that any would."""
    factor, _ = unit_of(test.unit, difference=True)
    return f"{two_digits(test.smallest * factor)} or more" if test.smallest > 0 else "any"


def rival_lines(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Return under each prior set the numbers behind the heading, the sources' first as in the answer."""
    lines = []
    for prior in reversed(prior_sets(content.play)):
        test = find_test(content.play, RIVAL_TEST, prior)
        if test is None:
            continue
        factor, _ = unit_of(test.unit, difference=True)
        span = interval(test.q05 * factor, test.q95 * factor, difference=True)
        told = chance(test.probability)
        if read_test(test) == "unknown" and prior == "neutral":
            told = f"{DONT_TELL}, {percent(test.probability)}"
        before = (
            f" ({percent(test.prior_probability)} before the data)"
            if math.isfinite(test.prior_probability)
            else ""
        )
        enough = (
            f"; and by enough to matter, {least(test)}: {chance(test.probability_matters)}"
            if test.smallest > 0
            else ""
        )
        words = f"{_capital(test.measure)} with the challenger, against without it: {more_or_less(test.median, test.unit)}"
        lines.append(
            (view(prior), f"{words} (90% interval {span}). That it is harder: {told}{before}{enough}.")
        )
    return tuple(lines)


def learnt(contraction: float) -> str:
    """Return in words what the moves say of a weight, with the number."""
    if not math.isfinite(contraction):
        return "not known"
    word = "nothing" if contraction < _NOTHING else "a little" if contraction < _LITTLE else "much"
    return f"{word} ({two_digits(max(contraction, 0.0))})"


def tests_heading(play: Play) -> str:
    """Return the heading over the table of tests: how many are settled under each prior set, and by what."""
    total = counted(len({test.id for test in play.tests}), "question")
    where = {"neutral": "on the data alone", "sources": "if the sources are right"}
    parts: list[str] = []
    for prior in (each for each in PRIORS if any(test.prior == each for test in play.tests)):
        called = [test for test in play.tests if test.prior == prior and test.verdict in CALLED]
        given, all_of = sum(assumed(test) for test in called), len(called)
        share = f", {'all' if given == all_of else given} of them by assumption" if given else ""
        verb = "" if parts else "is settled " if all_of == 1 else "are settled "
        parts.append(f"{all_of or 'none'} {verb}{where[prior]}{share}")
    return f"Of {total}, {'; '.join(parts)}" if parts else f"{total} to the game"


def payoffs_heading(rows: tuple[PayoffRow, ...]) -> str:
    """Return the heading over what each side wants: how many weights the moves say much, or nothing, about."""
    known = [row.contraction.get("neutral", math.nan) for row in rows]
    much, nothing = sum(value >= _LITTLE for value in known), sum(value < _NOTHING for value in known)
    total = counted(len(rows), "thing")
    return f"Of {total} that the two sides may want, the moves of the past say much about {much} and nothing about {nothing}"
