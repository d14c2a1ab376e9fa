"""The claims put to the draws: what every declared test says under each prior set, before and after the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from outbid.conventions import AFTER, BEFORE, DATA, NEUTRAL, STRENGTH, SUPPORTED
from outbid.infer.history import SmoothedHistory
from outbid.model.compile import from_scale
from outbid.model.declare import Model
from outbid.model.priors import from_standard_normal, prior_table
from outbid.question import Context
from outbid.questions.claims.intervene import forecast_effects, intervention_effects
from outbid.questions.claims.schema import ClaimTests, Intervention
from outbid.questions.claims.series import SeriesAnswer, check_series, combined
from outbid.simulate.engine import BatchSimulator, StateToday
from outbid.stats.boxes import Box, find_box
from outbid.stats.verdict import chances, judge
from outbid.study import Study

Floats = NDArray[np.float64]
Row = dict[str, Any]

# How many inputs a box is looked for in: those that go most with the effect.
CANDIDATES = 12
# Of the draw that contradicts a claim most, so many inputs are named. A claim that fewer than this share of draws
# (or all but this share) bear out has no boundary worth drawing.
APART, FEW = 3, 0.02
# Beyond these, the odds of a few thousand draws are noise.
MOST_ODDS = 1000.0
NO_VERDICT = "no verdict from a quick run"
COARSE = "The draws of a quick run are too coarse for a verdict."
WEAKEST = (NO_VERDICT, *STRENGTH)
NO_GAME = "Only the players' game can answer it, and this run leaves the game out."
# What is known of a test whatever the prior set, and what it says under one.
ABOUT = ("how", "claims", "question", "answer_if", "done", "measure", "unit", "sign", "smallest")
NUMBERS = ("bayes_factor", "median", "q05", "q95", "worst_effect", "box_coverage", "box_density", "box_share")
TEXTS = ("verdict", "because", "worst_apart", "box")


def answer(context: Context, asked: ClaimTests, options: Any = None) -> xr.Dataset:
    """Return what every test says: chances, effects by draw and verdicts by prior set, and what becomes of each claim.

    What only the players' equilibria can answer comes from them, asked for last, since they are solved beside this.
    """
    study, known, simulator, seed = context.study, context.known, context.simulator, context.settings.seed
    with context.progress.stage("Putting the claims to the test", len(known) + 1) as stage:
        series = [check_series(check, study.panel, seed) for check in asked.checks]
        # whatever the prior set, the parameters are drawn anew; today's states stay those of a prior that takes no side
        first = known.get(NEUTRAL) or next(iter(known.values()))
        wide = built_in(asked.interventions, simulator, first.history[BEFORE].state_today, seed)
        stage.advance()
        rows: list[Row] = []
        effects: dict[str, dict[str, Floats]] = {}
        for prior, each in known.items():
            effects[prior] = effects_of(asked, simulator, each.history[AFTER], seed)
            before = effects_of(asked, simulator, each.history[BEFORE], seed)
            inputs = Inputs.of(simulator.model, each.history[AFTER].state_today)
            none = {} if each.fit.carries_verdicts else {"verdict": NO_VERDICT, "because": COARSE}
            rows += [{**row, **none} for row in judged(asked, effects[prior], before, wide, prior, inputs)]
            rows += [_series_row(answer, prior) for answer in series]
            stage.advance()
    solved = context.of("equilibrium") if asked.equilibria else None
    if solved is not None:
        rows += _equilibrium_rows(asked, solved)
    about = _about(asked, series, solved)
    return _with_claims(_dataset(rows, about, effects), asked, study)


def effects_of(
    asked: ClaimTests, simulator: BatchSimulator, past: SmoothedHistory, seed: int
) -> dict[str, Floats]:
    """Return the effect of every intervention and forecast over the draws of a past, by test."""
    return {
        **intervention_effects(asked.interventions, simulator, past.state_today, seed),
        **forecast_effects(asked.forecasts, simulator, past.state_today, past.paths, seed),
    }


def built_in(
    tests: Sequence[Intervention], simulator: BatchSimulator, before: StateToday, seed: int
) -> dict[str, Floats]:
    """Return what the model's form alone makes of every intervention: effects under parameters spread twice as wide.

    What holds in all of these draws, holds whatever the data say.

    Parameters
    ----------
    before
        Draws of today from the neutral prior alone; their parameters are drawn anew.
    """
    model = simulator.model
    z = 2.0 * np.asarray(jax.random.normal(jax.random.key(seed), before.parameters.shape))
    parameters = np.asarray(from_standard_normal(z, prior_table(model.parameters, NEUTRAL)))
    return intervention_effects(tests, simulator, StateToday(parameters, before.state, before.levers), seed)


def judged(
    asked: ClaimTests,
    after: Mapping[str, Floats],
    before: Mapping[str, Floats],
    wide: Mapping[str, Floats],
    prior: str,
    inputs: Inputs,
) -> list[Row]:
    """Return a row for each intervention and forecast under one prior set: chances, verdict, worst draw, box.

    Parameters
    ----------
    after, before, wide
        Effects by test with the data, from the prior alone, and (interventions only) from a prior twice as wide.
    inputs
        What the draws of `after` consist of.
    """
    rows = []
    for test in asked.measured:
        effect = after[test.id]
        now, then = (chances(each[test.id], test.sign, test.smallest) for each in (after, before))
        form = chances(wide[test.id], test.sign, test.smallest) if test.id in wide else None
        judgement = judge(now, then, form, prior)
        rows.append(
            {
                **{
                    "prior": prior,
                    "test": test.id,
                    "verdict": judgement.verdict,
                    "because": judgement.because,
                },
                **{"p_direction": now.p_direction, "p_direction_before": then.p_direction},
                **{"p_relevant": now.p_relevant, "p_relevant_before": then.p_relevant},
                **{"bayes_factor": judgement.bayes_factor, **_quantiles(effect)},
                **inputs.worst(test.sign, effect),
                **inputs.box(test.sign * effect >= test.smallest),
            }
        )
    return rows


@dataclass(frozen=True)
class Inputs:
    """What a draw consists of: parameters, and today's states in their own unit; `ranks` are in 0 to 1."""

    names: tuple[str, ...]
    values: Floats
    ranks: Floats

    @classmethod
    def of(cls, model: Model, today: StateToday) -> Inputs:
        """Return what the draws consist of, without what is the same in all of them."""
        names = [*model.parameter_names, *(item.name for item in model.stocks)]
        columns = [*today.parameters.T, *(today.state[item.name] for item in model.stocks)]
        for index in model.indices:
            names.append(index.name)
            columns.append(np.asarray(from_scale(index.scale, today.state[index.name])))
        values = np.stack(columns, axis=1)
        varied = np.ptp(values, axis=0) > 0
        values = values[:, varied]
        ranks = (rankdata(values, axis=0) - 0.5) / len(values)
        return cls(tuple(name for name, keep in zip(names, varied, strict=True) if keep), values, ranks)

    def association(self, effect: Floats) -> Floats:
        """Return each input's rank correlation with an effect (Spearman 1904), shape (inputs,)."""
        centred = rankdata(np.nan_to_num(effect)) / len(effect)
        centred = centred - centred.mean()
        ranks = self.ranks - 0.5
        size = np.sqrt((ranks**2).sum(axis=0) * (centred**2).sum())
        return np.asarray(np.divide(centred @ ranks, size, out=np.zeros(len(size)), where=size > 0))

    def worst(self, sign: int, effect: Floats) -> Row:
        """Return the draw that contradicts a claim most: its effect, and the inputs that set it apart.

        Those are inputs far out in that draw, and such as move the effect.
        """
        expected = np.where(np.isfinite(effect), sign * effect, np.inf)
        draw = int(np.argmin(expected))
        if expected[draw] >= 0:
            return {"worst_effect": np.nan, "worst_apart": ""}
        score = np.abs(self.association(effect)) * np.abs(norm.ppf(self.ranks[draw]))
        apart = [f"{self.names[i]} = {self.values[draw, i]:.4g}" for i in np.argsort(-score, kind="stable")]
        return {"worst_effect": float(effect[draw]), "worst_apart": "; ".join(apart[:APART])}

    def box(self, holds: NDArray[np.bool_]) -> Row:
        """Return the box of parameters and states in which a claim holds; empty where almost always or never."""
        box = None
        if FEW <= holds.mean() <= 1.0 - FEW:
            order = np.argsort(-np.abs(self.association(holds.astype(float))), kind="stable")
            close = order[:CANDIDATES].tolist()
            box = find_box(self.values[:, close], holds, [self.names[i] for i in close])
        if box is None:
            return {"box": ""}
        sides = {"box_coverage": box.coverage, "box_density": box.density, "box_share": box.mass}
        return {"box": _limits(box), **sides}


def _limits(box: Box) -> str:
    return "; ".join(
        f"{limit.name} {side} {end:.4g}"
        for limit in box.limits
        for side, end in ((">=", limit.low), ("<=", limit.high))
        if np.isfinite(end)
    )


def _quantiles(effect: Floats) -> Row:
    effect = effect[np.isfinite(effect)]
    middle, low, high = np.quantile(effect, (0.5, 0.05, 0.95)) if len(effect) else (np.nan,) * 3
    return {name: float(f"{value:.5g}") for name, value in (("median", middle), ("q05", low), ("q95", high))}


def _series_row(answer: SeriesAnswer, prior: str) -> Row:
    """Return what a series says: the same under every prior set, and nothing before it was read."""
    row = {"prior": prior, "test": answer.check.id, "p_direction": answer.probability}
    row |= {"verdict": answer.verdict, "because": answer.because}
    middle, low, high = answer.yearly or (np.nan,) * 3
    return {**row, "median": middle, "q05": low, "q95": high}


def _equilibrium_rows(asked: ClaimTests, solved: xr.Dataset) -> list[Row]:
    rows = []
    for test in asked.equilibria:
        for prior in solved.prior.values.tolist():
            here = solved.sel(test=test.play, prior=prior)
            row = {name: here[name].item() for name in ("verdict", "because", "bayes_factor")}
            for name in ("p_direction", "p_relevant"):
                row[name], row[f"{name}_before"] = (here[name].sel(data=each).item() for each in DATA)
            effect = _quantiles(here["effect"].sel(data=AFTER).values)
            rows.append({"prior": prior, "test": test.id, **row, **effect})
    return rows


def _about(asked: ClaimTests, series: Sequence[SeriesAnswer], solved: xr.Dataset | None) -> pd.DataFrame:
    """Return what each test is about, by its id: the columns ABOUT; those of the game only where it was solved."""
    rows: list[tuple[Any, ...]] = []
    for test in asked.measured:
        words = (test.question, test.answer_if, test.done, test.label, test.unit)
        rows.append((test.id, test.how, test.claims, *words, test.sign, test.smallest))
    if solved is not None:
        for each in asked.equilibria:
            put = solved.sel(test=each.play)
            rows.append((each.id, "equilibrium", each.claims, *(put[name].item() for name in ABOUT[2:])))
    for answer in series:
        check, done = answer.check, answer.done
        unit = ("times a year" if answer.ratio else "a year") if answer.yearly else ""
        words = (check.question, check.answer_if, done, answer.label, unit)
        rows.append(
            (check.id, "record", check.claims, *words, -1 if check.expects in ("fall", "at_most") else 1, 0.0)
        )
    return pd.DataFrame(rows, columns=["test", *ABOUT]).set_index("test")


def _dataset(
    rows: Sequence[Row], about: pd.DataFrame, effects: Mapping[str, Mapping[str, Floats]]
) -> xr.Dataset:
    """Return the rows as variables over prior set and test, and the effects of what was run by draw."""
    priors, tests = list(effects), about.index.tolist()
    cells = {(row["prior"], row["test"]): row for row in rows}
    both = ("prior", "test")

    def grid(name: str, missing: float | str) -> NDArray[Any]:
        each = [[cells[prior, test].get(name, missing) for test in tests] for prior in priors]
        return np.array(each, dtype=type(missing)).reshape(len(priors), len(tests))

    draws = max((len(each) for of in effects.values() for each in of.values()), default=0)
    effect = np.full((len(priors), len(tests), draws), np.nan)
    for i, of in enumerate(effects.values()):
        for name, each in of.items():
            effect[i, tests.index(name), : len(each)] = each
    sides = ("", "_before")
    chances_of = {
        name: (("data", *both), np.stack([grid(f"{name}{side}", np.nan) for side in sides]))
        for name in ("p_direction", "p_relevant")
    }
    numbers = {name: (both, grid(name, np.nan)) for name in NUMBERS}
    numbers["bayes_factor"] = (both, np.clip(numbers["bayes_factor"][1], 1.0 / MOST_ODDS, MOST_ODDS))
    texts = {name: (both, grid(name, "")) for name in TEXTS}
    described = {name: ("test", about[name].to_numpy(dtype=str)) for name in ABOUT[:-2] if name != "claims"}
    described["claims"] = ("test", np.array([" ".join(each) for each in about["claims"]], dtype=str))
    described |= {name: ("test", about[name].to_numpy(dtype=float)) for name in ABOUT[-2:]}
    dataset = xr.Dataset(
        {"effect": ((*both, "draw"), effect), **chances_of, **numbers, **texts},
        {"prior": priors, "data": list(DATA), "test": np.array(tests, dtype=str), **described},
    )
    return dataset.transpose("prior", "data", "test", "draw", missing_dims="ignore")


def _with_claims(dataset: xr.Dataset, asked: ClaimTests, study: Study) -> xr.Dataset:
    """Add what becomes of each claim: it is as strong as the weakest of its tests, which is named.

    Series count together as one test: where one says yes and another no, they say nothing.
    """
    priors, claims = dataset.prior.values.tolist(), list(study.ledger.claims)
    tests = dict(zip(dataset.test.values.tolist(), dataset.claims.values.tolist(), strict=True))
    by_game = {claim for each in asked.equilibria for claim in each.claims}
    verdicts, weakest, untested = [], [], []
    for claim in claims:
        names = [test for test, of in tests.items() if claim in of.split()]
        pairs = [_weakest(dataset.sel(prior=prior, test=names)) for prior in priors]
        verdicts.append([verdict for verdict, _ in pairs])
        weakest.append([test for _, test in pairs])
        reason = asked.reasons.get(claim) or study.ledger.claims[claim].left_out
        untested.append("" if names else reason or (NO_GAME if claim in by_game else ""))
    both = ("claim", "prior")
    return dataset.assign_coords(claim=claims).assign(
        claim_verdict=(both, np.array(verdicts, dtype=str)),
        claim_test=(both, np.array(weakest, dtype=str)),
        untested=("claim", np.array(untested, dtype=str)),
        central=("claim", [asked.central.index(each) if each in asked.central else -1 for each in claims]),
    )


def _weakest(tests: xr.Dataset) -> tuple[str, str]:
    """Return the verdict on a claim from its tests under one prior set, and the test that it hangs on."""
    rows = list(
        zip(tests.test.values.tolist(), tests.how.values.tolist(), tests.verdict.values.tolist(), strict=True)
    )
    pairs = [(verdict, test) for test, how, verdict in rows if how != "record"]
    series = [(verdict, test) for test, how, verdict in rows if how == "record"]
    if series:
        clear = next((test for verdict, test in series if verdict != SUPPORTED), series[0][1])
        pairs.append((combined([verdict for verdict, _ in series]), clear))
    return min(pairs, key=lambda pair: WEAKEST.index(pair[0]), default=("", ""))
