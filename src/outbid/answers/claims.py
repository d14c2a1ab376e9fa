"""The claims put to the draws: what every declared test finds under each prior set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from outbid.ask.claims.audit import Audit, View, audit, form, played
from outbid.ask.claims.declared import ClaimTests
from outbid.ask.claims.read import read_claim_tests
from outbid.ask.claims.series import check_series
from outbid.ask.strategic.file import read_play
from outbid.ask.strategic.strategy import Strategy
from outbid.progress import Progress
from outbid.run import Knowledge, Settings
from outbid.simulate.batches import BatchSimulator
from outbid.study import Study

Floats = NDArray[np.float64]


def declared_tests(study: Study) -> ClaimTests:
    """Return the tests that a study declares, each checked; none if it declares none."""
    model, play = study.model, read_play(study.folder, study.model)
    return read_claim_tests(
        study.folder, model, study.ledger, study.settings.horizon_months, play, study.levers_today
    )


def claims(
    study: Study,
    known: Mapping[str, Knowledge],
    lab: BatchSimulator,
    settings: Settings,
    progress: Progress,
) -> dict[str, Audit]:
    """Return the audit of all claims by prior set; nothing where a study declares no tests.

    What only the players' equilibria can answer is added by `with_play`.
    """
    tests = declared_tests(study)
    if not (tests.interventions or tests.forecasts or tests.plays or tests.records):
        return {}
    result = {}
    with progress.stage("Putting the claims to the test", len(known) + 1) as stage:
        records = {check.id: check_series(check, study.panel, settings.seed) for check in tests.records}
        # whatever the prior set, the parameters are drawn anew; today's states stay those of a prior that takes no side
        first = known.get("neutral") or next(iter(known.values()))
        wide = form(tests, lab, first.unseen.standing, settings.seed)
        stage.advance()
        for name, each in known.items():
            after, before = (
                View(each.past.standing, each.past.paths),
                View(each.unseen.standing, each.unseen.paths),
            )
            trials = audit(tests, lab, name, after, before, wide, settings.seed)
            result[name] = Audit(tests, trials, records)
            stage.advance()
    return result


def with_play(audits: Mapping[str, Audit], strategies: Mapping[str, Strategy]) -> dict[str, Audit]:
    """Return the audits with the trials that the players' equilibria answer."""
    return {
        name: replace(
            each, trials={**each.trials, **played(each.tests.plays, strategies[name].findings, name)}
        )
        if name in strategies
        else each
        for name, each in audits.items()
    }


def effects_of(audits: Mapping[str, Audit]) -> dict[str, dict[str, Floats]]:
    """Return every intervention's effect by prior set and test, each of shape (draws,)."""
    return {
        name: {test.id: each.trials[test.id].effect for test in each.tests.interventions}
        for name, each in audits.items()
    }
