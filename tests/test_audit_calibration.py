"""Is the audit right when it is confident? Panels of a world whose truth is known are fitted and audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
import pytest

import audited
from outbid.conventions import BUILT_IN, CONTRADICTED, NOT_IDENTIFIED, SUPPORTED
from outbid.infer.history import HistorySimulator
from outbid.infer.likelihood import Target
from outbid.infer.posterior import QUICK, Draws, Effort, Sampler
from outbid.questions.claims.compute import Inputs, built_in, effects_of, judged
from outbid.simulate.engine import Simulator
from published_form import as_values

PANELS = 60
# Under the sources' priors, which hold nothing but what the claims say, the audit has less to decide.
SIDED = 9
EFFORT = Effort(approach=25, metric=50, tuning=50, draws=250, target_acceptance=0.8)
DRAWS = 1000
# A claim that says "it rises" is true, false or absent; the effect is large on one panel and small on the next.
SIGNS = {"true": 1.0, "absent": 0.0, "false": -1.0}
SIZES = (0.4, 0.2)


@dataclass(frozen=True)
class Case:
    """One claim on one panel: what was true of it, the audit's verdict, and its probability of the claimed sign."""

    panel: int
    claim: str
    truth: str
    verdict: str
    probability: float


class Bench:
    """All that is compiled once for many panels."""

    def __init__(self, effort: Effort = EFFORT, draws: int = DRAWS) -> None:
        self.model = audited.world()
        self.figures = audited.figures(self.model)
        self.sampler = Sampler(self.model, self.figures, effort)
        self.draws = draws
        self.histories = HistorySimulator(self.model, self.figures, audited.known_levers())
        self.lab = Simulator(self.model, audited.AHEAD)
        blank = np.random.default_rng(1).standard_normal((draws, self.sampler.layout.size))
        self.before = {
            name: self.histories.run(blank, audited.table(name), 1) for name in ("neutral", "sources")
        }
        self.wide = built_in(audited.TESTS.interventions, self.lab, self.before["neutral"].state_today, 1)

    def target(self, z: np.ndarray, number: int, prior_set: str = "neutral") -> Target:
        """Draw a panel of that truth, to be fitted under a prior set."""
        # one past is told as often as the historian was compiled for, and the first is taken
        past = self.histories.run(np.tile(z, (self.draws, 1)), audited.table(), 1000 + number)
        values = as_values(self.figures, past.replicated[0])
        return Target(audited.table(prior_set), jax.tree.map(np.asarray, values), audited.known_levers())

    def verdicts(self, posterior: Draws, number: int, prior_set: str) -> dict[str, tuple[str, float]]:
        """Audit a fit: verdict and probability of the claimed sign by test."""
        flat = posterior.z.reshape(-1, self.sampler.layout.size)
        past = self.histories.run(flat, audited.table(prior_set), number)
        after, before = (
            effects_of(audited.TESTS.measured, self.lab, each.state_today, 1, {})
            for each in (past, self.before[prior_set])
        )
        inputs = Inputs.of(self.model, past.state_today)
        rows = judged(audited.TESTS, after, before, self.wide, prior_set, inputs)
        return {row["test"]: (row["verdict"], row["p_direction"]) for row in rows}


def plan(number: int) -> dict[str, str]:
    """What is true of each claim on a panel: over nine panels, each pair of claims meets in all ways."""
    sorts = list(SIGNS)
    first, second = number % 3, number // 3 % 3
    places = (first, second, (first + second) % 3, (first + 2 * second) % 3, (number // 9) % 3)
    names = (*audited.SEEN, *audited.UNSEEN)
    return {name: sorts[place] for name, place in zip(names, places, strict=True)}


def cases(bench: Bench, panels: Sequence[int], prior_set: str = "neutral") -> list[Case]:
    """Every claim on every one of these panels."""
    result = []
    for number in panels:
        truths, size = plan(number), SIZES[number % len(SIZES)]
        effects = {name: SIGNS[sort] * size for name, sort in truths.items()}
        z = audited.truth(bench.model, effects, number)
        posterior = bench.sampler.sample(bench.target(z, number, prior_set), seed=number)
        for claim, (verdict, probability) in bench.verdicts(posterior, number, prior_set).items():
            result.append(Case(number, claim, truths.get(claim, "form"), verdict, probability))
    return result


def right(case: Case) -> bool:
    """Whether a confident verdict is so: no effect contradicts a claim that there is one that matters."""
    return case.verdict == (SUPPORTED if case.truth == "true" else CONTRADICTED)


def tally(found: Sequence[Case]) -> dict[tuple[str, str], Counter[str]]:
    """Verdicts counted by claim and truth."""
    result: dict[tuple[str, str], Counter[str]] = {}
    for case in found:
        result.setdefault((case.claim, case.truth), Counter())[case.verdict] += 1
    return result


def show(counts: Mapping[tuple[str, str], Counter[str]]) -> None:
    for (claim, truth), verdicts in sorted(counts.items()):
        print(f"  {claim:16s} {truth:7s}", ", ".join(f"{k} {v}" for k, v in verdicts.most_common()))


def share(found: Sequence[Case], verdict: str) -> float:
    return float(np.mean([case.verdict == verdict for case in found]))


@pytest.mark.slow
def test_one_panel_goes_all_the_way() -> None:
    # sampled as in a quick run, so that this is soon done
    bench = Bench(QUICK, draws=QUICK.chains * QUICK.draws)
    sizes = dict.fromkeys(audited.SEEN, SIZES[0]) | dict.fromkeys(audited.UNSEEN, -SIZES[0])
    target = bench.target(audited.truth(bench.model, sizes, 0), 0)
    posterior = bench.sampler.sample(target, seed=0)
    found = {name: verdict for name, (verdict, _) in bench.verdicts(posterior, 0, "neutral").items()}
    assert found["joining_effect"] == SUPPORTED
    assert [found[name] for name in audited.UNSEEN] == [NOT_IDENTIFIED, NOT_IDENTIFIED]
    assert found["built_in"] == BUILT_IN
    assert found["ruled_out"] != SUPPORTED

    # figures that say the opposite of what the form makes true don't change what it is
    raids = bench.figures.of("raided")
    value = target.values.value.copy()
    value[raids] = value[raids].max() - value[raids]
    turned = target._replace(values=target.values._replace(value=value))
    posterior = bench.sampler.sample(turned, seed=0)
    assert bench.verdicts(posterior, 0, "neutral")["built_in"][0] == BUILT_IN


@pytest.mark.slow
def test_the_audit_is_calibrated() -> None:
    """All in one, so that the panels are fitted once however many workers share the tests."""
    found = cases(Bench(), range(PANELS))
    print(f"\nverdicts on {PANELS} panels")
    show(tally(found))
    of = {claim: [case for case in found if case.claim == claim] for claim in audited.CLAIMS}

    # where it is confident, it is right; and there is something to be confident about
    seen = [case for claim in audited.SEEN for case in of[claim]]
    confident = [case for case in seen if case.verdict in (SUPPORTED, CONTRADICTED)]
    correct = float(np.mean([right(case) for case in confident]))
    print(f"{len(confident)} of {len(seen)} verdicts are confident, {correct:.1%} of them right")
    assert correct >= 0.95
    assert len(confident) > len(seen) / 2

    # what isn't so, because there is no effect or the opposite one, is hardly ever supported
    untrue = [case for case in seen if case.truth != "true"]
    for truth in ("false", "absent"):
        wrong = share([case for case in untrue if case.truth == truth], SUPPORTED)
        print(f"{truth} claims are supported in {wrong:.1%}")
    assert share(untrue, SUPPORTED) <= 0.05
    assert share(of["ruled_out"], SUPPORTED) == 0.0

    # what no figure can tell is not identified
    unseen = [case for claim in audited.UNSEEN for case in of[claim]]
    print(
        f"{share(unseen, NOT_IDENTIFIED):.1%} of {len(unseen)} claims beyond the figures are not identified"
    )
    assert share(unseen, NOT_IDENTIFIED) >= 0.95

    # what the figures say loudly is heard
    for truth, verdict in (("true", SUPPORTED), ("false", CONTRADICTED)):
        assert share([case for case in of["joining_effect"] if case.truth == truth], verdict) >= 0.8

    # what the form makes true is built in, always
    assert share(of["built_in"], BUILT_IN) == 1.0


@pytest.mark.slow
def test_priors_that_take_the_claims_side_support_nothing() -> None:
    """What a prior holds for certain is assumed: the data can only contradict it."""
    sided = cases(Bench(), range(SIDED), "sources")
    print(f"\nverdicts on {SIDED} panels under the sources' priors")
    show(tally(sided))
    claims = [case for case in sided if case.truth != "form"]
    assert share(claims, SUPPORTED) == 0.0
    assert all(case.truth != "true" for case in claims if case.verdict == CONTRADICTED)
