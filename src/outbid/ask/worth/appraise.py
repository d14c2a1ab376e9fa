"""What to collect next: how far figures that don't exist yet would narrow a claim or a decision.

Preposterior analysis (Raiffa and Schlaifer, 1961): every draw of the posterior is a world that could be ours; in
each one the record that an analyst would gather is simulated, and what the records tell about the worlds is
what collecting is worth. The expectation given a record is a regression over draws (Strong, Oakley and Brennan,
2014), judged on draws that it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outbid.ask.worth.out_of_sample import basis, chances, joint_basis, normal_scores, predict, surprise
from outbid.ask.worth.resampled import NOTHING, Estimate, mean, resamples, share_of_loss
from outbid.errors import InputError
from outbid.game.threads import one_thread_each

Floats = NDArray[np.float64]

# The probability from which a question counts as answered, one way or the other.
CLEAR = 0.95
# With fewer draws nothing can be said out of sample.
FEWEST = 100
TOGETHER = "together"


@dataclass(frozen=True)
class ClaimToday:
    """What is known of a claim before anything is collected.

    `positive` and `negative` are the probabilities that its effect is above and below zero; `open` whether that is
    still in doubt (neither at least CLEAR nor at most 1 - CLEAR); `varies` whether the effect differs between draws
    at all.
    """

    positive: float
    negative: float
    open: bool
    varies: bool


@dataclass(frozen=True)
class DecisionToday:
    """What is known of a decision: each option's expected utility, the best of them, and what knowing all would add.

    `ceiling` is the expected value of perfect information, in the outcome's unit.
    """

    expected: Mapping[str, float]
    best: str
    ceiling: Estimate


@dataclass(frozen=True)
class ClaimWorth:
    """What a record is expected to tell about a claim.

    Parameters
    ----------
    resolved
        Share of the variance of the effect that it would resolve, 0 to 1; the effect is measured by its place
        among all draws (normal scores), so that a few extreme draws don't decide.
    doubt
        Share of the entropy of "the effect is above zero" that it would take away, 0 to 1.
    clear
        Probability that the question would be answered: above CLEAR or below 1 - CLEAR.
    """

    resolved: Estimate
    doubt: Estimate
    clear: Estimate


@dataclass(frozen=True)
class Worth:
    """What every record would tell about every claim and decision; `draws` is how many worlds it rests on.

    `claims` and `decisions` are keyed by record, then by claim or decision; the record TOGETHER is all that can
    be gathered side by side. A decision's value is the expected value of sample information, in its outcome's
    unit.
    """

    draws: int
    claims_today: Mapping[str, ClaimToday]
    decisions_today: Mapping[str, DecisionToday]
    claims: Mapping[str, Mapping[str, ClaimWorth]]
    decisions: Mapping[str, Mapping[str, Estimate]]


def worth(
    records: Mapping[str, Floats],
    effects: Mapping[str, Floats],
    choices: Mapping[str, Mapping[str, Floats]],
    seed: int,
    together: Sequence[str] = (),
) -> Worth:
    """Return what each record would tell about each claim and decision.

    Parameters
    ----------
    records
        By measure, the synthetic records, shape (draws, figures): level, trend and finer swings
        (`measures.signal`). Rows that are not finite are left out of everything.
    effects
        By claim, each draw's effect, shape (draws,).
    choices
        By decision and option, each draw's utility (more is better), shape (draws,).
    together
        Records that can be gathered side by side, to be judged as one.

    Raises
    ------
    InputError
        If the arrays differ in their number of draws, or fewer than FEWEST usable draws are left.
    """
    utilities = {
        name: np.stack([np.asarray(u, dtype=float) for u in each.values()], axis=1)
        for name, each in choices.items()
    }
    everything = {**records, **{f"effect of {name}": each for name, each in effects.items()}, **utilities}
    usable = _usable(everything)
    rows = int(usable.sum())
    told = {name: np.asarray(each, dtype=float)[usable] for name, each in effects.items()}
    gains = {name: each[usable] for name, each in utilities.items()}
    weights = resamples(rows, seed)
    claims_today = {name: _claim_today(each) for name, each in told.items()}
    decisions_today = {
        name: _decision_today(tuple(choices[name]), each, weights) for name, each in gains.items()
    }
    targets = [np.zeros((rows, 0))]
    targets += [np.stack([normal_scores(each), (each > 0).astype(float)], axis=1) for each in told.values()]
    targets += [each[:, 1:] - each[:, :1] for each in gains.values()]
    wanted = np.concatenate(targets, axis=1)
    bases = {name: basis(each[usable]) for name, each in records.items()}
    if len(together) > 1:
        bases[TOGETHER] = joint_basis([records[name][usable] for name in together])
    of_claims: dict[str, dict[str, ClaimWorth]] = {}
    of_decisions: dict[str, dict[str, Estimate]] = {}
    with one_thread_each():
        all_foretold = {record: predict(columns, wanted) for record, columns in bases.items()}
    for record, foretold in all_foretold.items():
        at = 0
        of_claims[record], of_decisions[record] = {}, {}
        for name, effect in told.items():
            today, pair = claims_today[name], foretold[:, at : at + 2]
            of_claims[record][name] = _claim(effect, today, wanted[:, at], pair, weights)
            at += 2
        for name, utility in gains.items():
            more = foretold[:, at : at + utility.shape[1] - 1]
            at += utility.shape[1] - 1
            of_decisions[record][name] = _decision(utility, more, weights)
    return Worth(rows, claims_today, decisions_today, of_claims, of_decisions)


def _usable(arrays: Mapping[str, Floats]) -> NDArray[np.bool_]:
    lengths = {name: len(each) for name, each in arrays.items()}
    if len(set(lengths.values())) > 1:
        first = next(iter(lengths.values()))
        odd = next(name for name, length in lengths.items() if length != first)
        raise InputError(odd, f"has {lengths[odd]} draws where others have {first}", "Give the same draws.")
    rows = next(iter(lengths.values()), 0)
    usable = np.ones(rows, dtype=bool)
    for each in arrays.values():
        usable &= np.isfinite(np.asarray(each, dtype=float).reshape(rows, -1)).all(axis=1)
    if usable.sum() < FEWEST:
        raise InputError(
            "worth",
            f"{int(usable.sum())} usable draws are too few to judge by",
            f"Give at least {FEWEST} draws.",
        )
    return usable


def _claim_today(effect: Floats) -> ClaimToday:
    positive = float(np.mean(effect > 0))
    varies = bool(np.ptp(effect) > 1e-9 * max(float(np.abs(effect).max()), 1e-300))
    return ClaimToday(positive, float(np.mean(effect < 0)), 1 - CLEAR < positive < CLEAR, varies)


def _claim(
    effect: Floats, today: ClaimToday, scores: Floats, foretold: Floats, weights: Floats
) -> ClaimWorth:
    if not today.varies:
        return ClaimWorth(NOTHING, NOTHING, NOTHING)
    apart = scores - scores.mean()
    resolved = share_of_loss((apart - foretold[:, 0]) ** 2, apart**2, weights)
    if not today.open:
        return ClaimWorth(resolved, NOTHING, NOTHING)
    holds = effect > 0
    chance = chances(foretold, holds)
    base = surprise(np.full(len(holds), today.positive), holds)
    doubt = share_of_loss(surprise(chance, holds), base, weights)
    clear = ((chance >= CLEAR) | (chance <= 1 - CLEAR)).astype(float)
    return ClaimWorth(resolved, doubt, mean(clear, weights))


def _decision_today(options: tuple[str, ...], utility: Floats, weights: Floats) -> DecisionToday:
    expected = utility.mean(axis=0)
    best = int(np.argmax(expected))
    ceiling = mean(utility.max(axis=1) - utility[:, best], weights)
    named = {option: float(value) for option, value in zip(options, expected, strict=True)}
    return DecisionToday(named, options[best], ceiling)


def _decision(utility: Floats, more: Floats, weights: Floats) -> Estimate:
    """Return what acting on the record adds over the option that is best without it.

    `more` is how far what each option yields above the first is foretold to be from its mean. The gain is counted
    on draws that the regression has not seen, so that its luck counts for nothing.
    """
    expected = utility.mean(axis=0)
    foretold = np.concatenate([np.zeros((len(more), 1)), more], axis=1) + expected
    chosen, best = np.argmax(foretold, axis=1), int(np.argmax(expected))
    return mean(np.take_along_axis(utility, chosen[:, None], axis=1)[:, 0] - utility[:, best], weights)
