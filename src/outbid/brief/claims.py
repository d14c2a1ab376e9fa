"""What the report says of the claims, in plain form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from outbid.ask.claims.audit import Audit, Trial
from outbid.ask.claims.declared import Forecast, Intervention
from outbid.ask.claims.series import SeriesAnswer
from outbid.ask.claims.where import Worst
from outbid.ask.strategic.settings import PlaySettings
from outbid.brief.claim_words import forecast_words, intervention_words, play_words, record_words
from outbid.brief.numbers import floats
from outbid.brief.play import measure_unit
from outbid.model.declare import Model
from outbid.report.claims import content as plain
from outbid.report.content import ClaimRow
from outbid.stats.boxes import Box
from outbid.study import Study

SHARES = (0.5, 0.05, 0.95)
# Beyond these, the odds of a few thousand draws are noise.
MOST_ODDS = 1000.0


def audited(study: Study, audits: Mapping[str, Audit], play: PlaySettings | None) -> plain.ClaimsContent:
    """Return everything about the claims; empty where a study declares no tests."""
    if not audits:
        return plain.ClaimsContent()
    first = next(iter(audits.values()))
    labels = described(study.model)
    trials = [
        _trial(name, trial, study.model, labels, play)
        for name, audit in audits.items()
        for trial in audit.trials.values()
    ]
    labelled = {name: series.label for name, series in study.panel.series.items()}
    trials += [
        _record(name, answer, labelled[answer.check.series])
        for name, audit in audits.items()
        for answer in audit.records.values()
    ]
    return plain.ClaimsContent(
        tuple(trials),
        tuple(_verdict(study, audits, claim) for claim in study.ledger.claims),
        first.tests.central,
    )


def claim_rows(study: Study) -> tuple[ClaimRow, ...]:
    """Return the ledger's claims."""
    return tuple(
        ClaimRow(c.id, c.kind, c.statement, c.source, c.locator, tuple(c.homes), c.left_out)
        for c in study.ledger.claims.values()
    )


def described(model: Model) -> dict[str, tuple[str, str]]:
    """Return what each parameter and state means, and its unit, by name."""
    told = {item.name: (item.meaning, item.unit) for item in model.parameters}
    told |= {item.name: (f"{item.meaning}, today", "persons") for item in model.stocks}
    return told | {item.name: (f"{item.meaning}; its level today", "") for item in model.indices}


def _trial(
    prior: str,
    trial: Trial,
    model: Model,
    labels: Mapping[str, tuple[str, str]],
    play: PlaySettings | None,
) -> plain.Trial:
    test = trial.test
    effect = trial.effect[np.isfinite(trial.effect)]
    median, low, high = floats(np.quantile(effect, SHARES)) if len(effect) else (None, None, None)
    if isinstance(test, Intervention | Forecast):
        how = "intervention" if isinstance(test, Intervention) else "forecast"
        words = intervention_words(test, model) if isinstance(test, Intervention) else forecast_words(test)
        told = (test.question, test.answer_if, words, test.measure.label, test.measure.unit)
        sign, smallest = test.sign, test.smallest
    else:
        assert play is not None  # a test that the equilibria answer is refused where there is no game
        question = next(each for each in play.tests if each.id == test.play)
        how = "equilibrium"
        measure = question.weight or question.measure
        told = (
            question.question,
            question.answer_if,
            play_words(question),
            measure,
            measure_unit(question, play),
        )
        sign, smallest = question.sign, question.smallest
    return plain.Trial(
        test.id,
        test.claims,
        how,
        *told,
        sign,
        smallest,
        prior,
        trial.judgement.verdict,
        trial.judgement.because,
        trial.before.right,
        trial.after.right,
        trial.before.matters,
        trial.after.matters,
        float(np.clip(trial.judgement.bayes_factor, 1.0 / MOST_ODDS, MOST_ODDS)),
        median,
        low,
        high,
        _worst(trial.worst, labels),
        _box(trial.box, labels),
    )


def _record(prior: str, answer: SeriesAnswer, label: str) -> plain.Trial:
    """Return what a series says; it says the same under every prior set, and nothing before it was read."""
    check = answer.check
    change = answer.yearly or (None, None, None)
    unit = ("times a year" if answer.ratio else "a year") if answer.yearly else ""
    return plain.Trial(
        check.id,
        check.claims,
        "record",
        check.question,
        check.answer_if,
        record_words(answer, label),
        label,
        unit,
        -1 if check.expects in ("fall", "at_most") else 1,
        0.0,
        prior,
        answer.verdict,
        answer.because,
        None,
        answer.probability,
        None,
        None,
        None,
        *change,
    )


def _worst(worst: Worst | None, labels: Mapping[str, tuple[str, str]]) -> plain.WorstRun | None:
    if worst is None:
        return None
    return plain.WorstRun(
        worst.draw,
        worst.effect,
        tuple((name, labels[name][0], value, place) for name, value, place in worst.apart),
        floats(worst.with_it),
        () if np.isnan(worst.without_it).all() else floats(worst.without_it),
    )


def _box(box: Box | None, labels: Mapping[str, tuple[str, str]]) -> plain.ClaimBox | None:
    if box is None:
        return None
    limits = tuple(
        plain.BoxLimit(each.name, *labels[each.name], _bound(each.low), _bound(each.high))
        for each in box.limits
    )
    return plain.ClaimBox(limits, box.coverage, box.density, box.mass, box.base)


def _bound(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _verdict(study: Study, audits: Mapping[str, Audit], claim: str) -> plain.ClaimVerdict:
    found = {name: audit.verdict(claim) for name, audit in audits.items()}
    told = {name: pair for name, pair in found.items() if pair is not None}
    first: Audit = next(iter(audits.values()))
    stated = study.ledger.claims[claim]
    tests = _with_trials(first, first.tests.of(claim))
    neutral = told.get("neutral") or next(iter(told.values()), None)
    return plain.ClaimVerdict(
        claim,
        stated.kind,
        neutral[0] if neutral else None,
        {name: verdict for name, (verdict, _) in told.items()},
        {name: weakest for name, (_, weakest) in told.items()},
        tests,
        "" if tests else first.tests.untested.get(claim) or stated.left_out or NOT_PLAYED,
    )


# A claim has a test that only the players' equilibria can answer, and they were not computed.
NOT_PLAYED = "Only the players' game can answer it, and this run leaves the game out."


def _with_trials(audit: Audit, tests: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in tests if name in audit.trials or name in audit.records)
