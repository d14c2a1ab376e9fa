"""What to collect next, in sentences: the heading, what each series would tell, the terminal's answer."""

from __future__ import annotations

import textwrap

from outbid.report.chances import chance
from outbid.report.content import PRIORS
from outbid.report.play.rows import view
from outbid.report.worth.content import (
    TOGETHER,
    WorthContent,
    WorthMeasure,
    WorthRow,
    WorthTarget,
    WorthToday,
)
from outbid.words.numbers import capital, clean, counted, percent, shorten, two_digits, unit_of

_OFTEN = {1: "monthly", 2: "every two months", 3: "quarterly", 6: "twice a year", 12: "yearly"}
_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
# a share below this is next to nothing, as is one whose interval begins at zero
LEAST = 0.01
# watching a change counts as telling more from this ratio on
MORE = 1.5
_WIDTH, _LINES = 100, 10


def priors(content: WorthContent) -> tuple[str, ...]:
    """Return the prior sets, the data alone first."""
    found = dict.fromkeys(each.prior for each in content.today)
    return tuple(sorted(found, key=lambda name: PRIORS.index(name) if name in PRIORS else len(PRIORS)))


def find_row(content: WorthContent, measure: str, target: str, prior: str) -> WorthRow | None:
    """Return what a series tells about a target under one prior set, or None if it isn't there."""
    wanted = (measure, target, prior)
    return next((row for row in content.rows if (row.measure, row.target, row.prior) == wanted), None)


def find_today(content: WorthContent, target: str, prior: str) -> WorthToday | None:
    """Return where a target stands under one prior set, or None if it isn't there."""
    return next((each for each in content.today if (each.target, each.prior) == (target, prior)), None)


def whole_of(content: WorthContent, target: WorthTarget, prior: str) -> float:
    """Return what knowing everything about a target would be worth: 1 for a claim, the ceiling of a decision."""
    today = find_today(content, target.id, prior)
    return 1.0 if target.kind == "claim" else (today.ceiling or 0.0) if today else 0.0


def shares(
    content: WorthContent, measure: str, target: WorthTarget, prior: str
) -> tuple[float, float, float] | None:
    """Return the share of what could be known about a target that a series tells, with its interval."""
    row, whole = find_row(content, measure, target.id, prior), whole_of(content, target, prior)
    if row is None or row.value is None or row.low is None or row.high is None or whole <= 0:
        return None
    return row.value / whole, row.low / whole, row.high / whole


def tells(share: tuple[float, float, float] | None) -> bool:
    """Say whether a share is more than next to nothing."""
    return share is not None and share[0] >= LEAST and share[1] > 0


def ranked(content: WorthContent, target: WorthTarget) -> tuple[WorthMeasure, ...]:
    """Return the series that tell anything about a target under any prior set, the best first."""

    def rank(measure: WorthMeasure) -> tuple[float, ...]:
        found = [shares(content, measure.id, target, prior) for prior in priors(content)]
        return tuple(-share[0] if share and tells(share) else 0.0 for share in found)

    telling = [
        measure
        for measure in content.measures
        if any(tells(shares(content, measure.id, target, prior)) for prior in priors(content))
    ]
    return tuple(sorted(telling, key=rank))


def best(
    content: WorthContent, target: WorthTarget, prior: str, *, watched: bool
) -> tuple[WorthMeasure, tuple[float, float, float]] | None:
    """Return the series that tells most, among those that wait for a change or among the others; None if none does."""
    found = [
        (measure, share)
        for measure in content.measures
        if bool(measure.under) == watched
        and (share := shares(content, measure.id, target, prior)) is not None
        and tells(share)
    ]
    return max(found, key=lambda pair: pair[1][0], default=None)


def when(measure: WorthMeasure) -> str:
    """Return how often and for how long a series is gathered ("twice a year for two years")."""
    often = _OFTEN.get(measure.every, f"every {measure.every} months")
    years, rest = divmod(measure.months, 12)
    if measure.past:
        return f"{often}, for the {measure.months} months behind us"
    if rest or not years:
        return f"{often} for {counted(measure.months, 'month')}"
    return f"{often} for {_NUMBERS.get(years, years)} {'year' if years == 1 else 'years'}"


def condition(measure: WorthMeasure) -> str:
    """Return what has to happen before a series can be gathered."""
    if measure.under:
        return f"only if “{measure.under}” happens"
    return "now, about the past" if measure.past else "from now on"


def span(share: tuple[float, float, float]) -> str:
    """Return a share with its interval in per cent ("12% (8 to 16)")."""
    low, high = (100 * min(each, 1.0) for each in share[1:])
    return f"{percent(min(share[0], 1.0))} ({low:.0f} to {high:.0f})"


def told(share: tuple[float, float, float] | None) -> str:
    """Return a share in a table's cell."""
    if share is None:
        return "nothing to learn"
    return span(share) if tells(share) else "next to nothing"


def sentence(measure: WorthMeasure, target: WorthTarget, share: tuple[float, float, float]) -> str:
    """Return what a series would tell about a target, as a sentence."""
    name = capital(measure.label)
    if target.kind == "claim":
        return f"{name}, {when(measure)}, would resolve about {span(share)} of what is unknown about {target.id}."
    return f"{name}, {when(measure)}, would bring about {span(share)} of what knowing everything would."


def heading(content: WorthContent) -> str:
    """Return the heading: how much the best series would tell as things stand, and while a change is watched."""
    prior = next(iter(priors(content)), "")
    claims = [each for each in content.targets if each.kind == "claim"] or list(content.targets)
    now = [found[1][0] for each in claims if (found := best(content, each, prior, watched=False))]
    watched = [found[1][0] for each in claims if (found := best(content, each, prior, watched=True))]
    what = (
        f"any of the {_NUMBERS.get(len(claims), len(claims))} claims"
        if len(claims) > 1
        else "the claim"
        if claims and claims[0].kind == "claim"
        else "the decision"
    )
    first = (
        f"No series collected as things stand would resolve more than {percent(max(now))} of what is unknown about {what}"
        if now
        else f"Nothing that could be collected as things stand would tell anything about {what}"
    )
    if watched and max(watched) > max(now, default=0.0):
        return f"{first}; watching a change while it happens would resolve up to {percent(max(watched))}"
    return first


def explained(content: WorthContent) -> tuple[str, ...]:
    """Return how the answer was found, and what it is not."""
    return (
        f"Each of {content.draws:,} draws is a world that could be ours. In each one every series was collected on "
        "paper, with its errors, and we asked how much the figures tell about that world. Only draws that the "
        "calculation had not seen count. What is unknown about a claim is the spread of its effect, by rank, so that a "
        "few extreme draws don't decide. Knowing everything would be 100%.",
        "How large the errors of a series would be is our judgement, unless the model estimates it. Nothing here says "
        "that a thing should be brought about in order to watch it, or that asking would be safe.",
    )


def today_words(content: WorthContent, target: WorthTarget) -> tuple[tuple[str, str], ...]:
    """Return under each prior set where a target stands before anything is collected."""
    out = []
    for prior in priors(content):
        today = find_today(content, target.id, prior)
        if today is None:
            continue
        if target.kind == "claim":
            words = f"That it holds: {chance(today.probability)}." if today.probability is not None else ""
            settled = "" if today.open else " Its direction leaves nothing to learn; its size does."
            out.append((view(prior), words + settled))
        else:
            _, unit = unit_of(target.unit, difference=True)
            gain = today.ceiling or 0.0
            out.append(
                (
                    view(prior),
                    f"Best as things are known: “{today.best}”. Knowing everything before choosing would be worth "
                    f"{two_digits(gain)} {unit} of {target.outcome.lower()}.",
                )
            )
    return tuple(out)


def verdict(content: WorthContent, target: WorthTarget) -> str:
    """Return in a sentence or two what would tell most about a target, on the first prior set."""
    prior = next(iter(priors(content)), "")
    now, watched = (best(content, target, prior, watched=each) for each in (False, True))
    first = (
        sentence(now[0], target, now[1])
        if now
        else "Nothing that could be collected as things stand would tell anything about it."
    )
    if watched is None:
        return first
    then = sentence(watched[0], target, watched[1])
    if now is None or watched[1][0] >= MORE * now[1][0]:
        return f"{first} {then} Where no lever moves, figures can't say what moving it would do; watching it move can."
    return f"{first} {then}"


def silent(content: WorthContent, target: WorthTarget) -> str:
    """Return a sentence that names the series which tell next to nothing about a target."""
    telling = {measure.id for measure in ranked(content, target)}
    rest = [measure.label for measure in content.measures if measure.id not in telling]
    return f"Next to nothing would come of: {'; '.join(rest)}." if rest else ""


def together(content: WorthContent, target: WorthTarget) -> str:
    """Return what everything that can be collected as things stand would tell together."""
    parts = []
    for prior in priors(content):
        share = shares(content, TOGETHER, target, prior)
        if share is not None:
            parts.append(f"{told(share)} {'on ' if prior == 'neutral' else ''}{view(prior)}")
    return f"All that needs no change, together: {'; '.join(parts)}." if parts else ""


def lines(content: WorthContent) -> tuple[str, ...]:
    """Return the terminal's answer: at most ten lines."""
    if not content.rows:
        return ()
    prior = next(iter(priors(content)), "")
    out = textwrap.wrap(clean(f"{heading(content)}."), _WIDTH)[:2]
    for target in content.targets:
        for watched in (False, True):
            found = best(content, target, prior, watched=watched)
            if found is None:
                continue
            name = target.id if target.kind == "claim" else "the decision"
            out.append(f"{name}, {span(found[1])}: {found[0].label}, {condition(found[0])}")
    return tuple(shorten(line, _WIDTH) for line in out[:_LINES])
